/* SPDX-License-Identifier: GPL-2.0-only */
/* What the suites share: how much to do, and random numbers that can be replayed. */
#ifndef FPOOL_KUNIT_HELPERS_H
#define FPOOL_KUNIT_HELPERS_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/types.h>

/* The test kernel emulates a CPU, under KASAN; the long runs are the host's. */
#ifdef __KERNEL__
#define FPOOL_TEST_HOST		0
#else
#define FPOOL_TEST_HOST		1
#endif
#define FPOOL_TEST_STEPS(kernel, host)	(FPOOL_TEST_HOST ? (host) : (kernel))

/* Starts @rnd, and prints the seed=N that makes the module (or the program) do the same again. */
void fpool_kunit_seed(struct kunit *test, struct rnd_state *rnd);

/* 0 <= result < n */
static inline u32 fpool_kunit_below(struct rnd_state *rnd, u32 n)
{
	return prandom_u32_state(rnd) % n;
}

#endif /* FPOOL_KUNIT_HELPERS_H */
