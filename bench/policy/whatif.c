// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counterfactuals, and the facts: what the shadows of a pool say that it would have missed, under
 * other policies and with other sizes, beside what pools like that do miss.
 *
 * Both are in parts of what the pool as it is misses.  LRU's curve is in parts of what LRU
 * misses with the pool's size, as there is no pool under LRU.
 */
#include "whatif.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fail.h"
#include "machine.h"
#include "report.h"

#define POOLS		2
#define CURVE_MAX	16

static const u32 percent[POOLS] = { 10, 25 };

static struct {
	double of_policies, of_sizes, of_lru;
	unsigned int policies, sizes, lru;
} sum;

static void parse(const char *how, u32 *shift, u32 *every)
{
	char *end;

	*shift = strtoul(how, &end, 10);
	*every = *end == ',' ? strtoul(end + 1, &end, 10) : 0;
	if (*end || *shift > 12)
		die("-w wants SHIFT[,EVERY], SHIFT up to 12, not '%s'", how);
}

static u64 really(const struct trace *t, const char *policy, u32 frames)
{
	struct machine *m = machine_new(t, policy, frames ? frames : 1, 1);
	u64 misses;

	machine_run(m, t->n);
	misses = machine_counts(m).misses;
	machine_free(m);
	return misses;
}

static double say(const char *policy, u32 eighths, double said, double is)
{
	printf("    %-8s %5.3f x  said %6.3f  is %6.3f  off by %+6.3f\n", policy, eighths / 8.,
	       said, is, said - is);
	return fabs(said - is);
}

static double compare(const struct machine *m, const struct trace *t, const char *policy,
		      u32 eighths, u32 frames, u64 is)
{
	u64 all = 0, own = machine_shadow(m, machine_default_policy(), 8, &all);
	u64 said = machine_shadow(m, policy, eighths, &all);

	if (said == ~0ULL || !own)
		die("%s: no shadow of %s, %u/8, or it has nothing to say", t->name, policy, eighths);
	return say(policy, eighths, (double)said / own,
		   (double)really(t, policy, (u64)frames * eighths / 8) / is);
}

static void compare_curves(const struct machine *m, const struct trace *t, u32 frames)
{
	u64 said[CURVE_MAX], is[CURVE_MAX];
	unsigned int i, own = 0;

	while (machine_eighths(own) != 8)
		own++;
	machine_curve(m, said);
	machine_exact_curve(t, frames, is);
	for (i = 0; machine_eighths(i); i++) {
		if (i == own)
			continue;
		sum.of_lru += say("LRU", machine_eighths(i), (double)said[i] / said[own],
				  (double)is[i] / is[own]);
		sum.lru++;
	}
}

static void watch(const struct trace *t, u32 frames, u32 shift, u32 every)
{
	const char *own = machine_default_policy();
	struct machine *m = machine_new(t, own, frames, 1);
	unsigned int i;
	u64 is;

	machine_watch(m, shift, every);
	machine_run(m, t->n);
	is = machine_counts(m).misses;
	printf("  pool of %u frames, miniature of %u\n", frames, frames >> shift);
	for (i = 0; machine_policy(i); i++) {
		sum.of_policies += compare(m, t, machine_policy(i), 8, frames, is);
		sum.policies++;
	}
	for (i = 0; machine_eighths(i); i++) {
		/* Some sizes only LRU's curve has. */
		if (machine_eighths(i) == 8 || !machine_has_shadow(m, own, machine_eighths(i)))
			continue;
		sum.of_sizes += compare(m, t, own, machine_eighths(i), frames, is);
		sum.sizes++;
	}
	compare_curves(m, t, frames);
	machine_free(m);
}

void whatif_run(const struct trace *t, const char *how)
{
	u32 shift, every, frames;
	unsigned int i;

	parse(how, &shift, &every);
	printf("%s: %u references to %u pages\n", t->name, t->n, t->pages);
	for (i = 0; i < POOLS; i++) {
		frames = (u64)t->pages * percent[i] / 100;
		if (frames >> shift >= 8)
			watch(t, frames, shift, every);
	}
	fflush(stdout);
}

void whatif_end(void)
{
	if (sum.policies)
		printf("off in the mean by %.3f for policies, %.3f for sizes, %.3f for LRU\n",
		       sum.of_policies / sum.policies, sum.of_sizes / sum.sizes,
		       sum.of_lru / sum.lru);
}
