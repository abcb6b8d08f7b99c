// SPDX-License-Identifier: GPL-2.0-only
/*
 * framepool_kunit.ko: the KUnit suites of the core.  Every other file of this directory
 * registers a suite of its own; loading the module runs them all.
 */
#include <linux/module.h>
#include <linux/random.h>

#include "helpers.h"

static unsigned long long seed;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "of every random test; 0, the default, takes a new one each time");

void fpool_kunit_seed(struct kunit *test, struct rnd_state *rnd)
{
	u64 s = seed;

	if (!s)
		s = get_random_u64() | 1;
	kunit_info(test, "seed=%llu", s);
	prandom_seed_state(rnd, s);
}

MODULE_DESCRIPTION("KUnit tests of framepool");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(FRAMEPOOL_KUNIT);
