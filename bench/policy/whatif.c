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

#include "fail.h"
#include "machine.h"
#include "number.h"
#include "report.h"

#define POOLS		2
#define CURVE_MAX	16
#define SHIFT_MAX	12
/* Frames that shadows can have. */
#define SAMPLE_LEAST	8
#define SAMPLE_MOST	(1U << 20)

static const u32 percent[POOLS] = { 10, 25 };

static struct {
	double of_policies, of_sizes, of_lru;
	unsigned int policies, sizes, lru;
} sum;

bool whatif_parse(const char *how, struct whatif *w)
{
	const char *end = number_read(how, 0, SHIFT_MAX, &w->shift);

	w->every = 0;
	if (end && *end == ',')
		end = number_read(end + 1, 1, TRACE_RECORDS_MAX, &w->every);
	return end && !*end;
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

static void watch(const struct trace *t, u32 frames, const struct whatif *w)
{
	const char *own = machine_default_policy();
	struct machine *m = machine_new(t, own, frames, 1);
	unsigned int i;
	u64 is;

	machine_watch(m, w->shift, w->every);
	machine_run(m, t->n);
	is = machine_counts(m).misses;
	printf("  pool of %u frames, miniature of %u\n", frames, frames >> w->shift);
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

static void refuse(const char *too, u32 frames, const struct whatif *w)
{
	printf("  pool of %u frames: too %s for a sample of one in %u\n", frames, too, 1U << w->shift);
}

void whatif_run(const struct trace *t, const struct whatif *w)
{
	unsigned int i;
	u32 frames;

	printf("%s: %u references to %u pages\n", t->name, t->n, t->pages);
	for (i = 0; i < POOLS; i++) {
		frames = (u64)t->pages * percent[i] / 100;
		if (frames >> w->shift < SAMPLE_LEAST)
			refuse("small", frames, w);
		else if (frames >> w->shift > SAMPLE_MOST)
			refuse("large", frames, w);
		else
			watch(t, frames, w);
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
