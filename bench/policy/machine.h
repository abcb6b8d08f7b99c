/* SPDX-License-Identifier: GPL-2.0-only */
/* A simulated machine with one pool: it does to a policy what the module does. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include "trace.h"

struct machine;

/* What was counted. */
struct machine_counts {
	u64 misses;
	u64 evictions;
	u64 tests;		/* accessed bits read */
	u64 writes;		/* dirty pages written, as they leave */
};

/* The name of the n-th policy of the core, or NULL after the last; and the pool's default. */
const char *machine_policy(unsigned int n);
const char *machine_default_policy(void);

/*
 * A pool of @frames, @batch of which are judged at a time; NULL if there is no such
 * policy. The trace is the caller's.
 */
struct machine *machine_new(const struct trace *t, const char *policy, u32 frames, u32 batch);
/* Goes on with the trace up to reference @end, exclusive. */
void machine_run(struct machine *m, u32 end);
/*
 * From now on the machine is watched by shadows, one of 2^@shift pages in their sample.  With
 * @every 0 they are told all references; else what a kernel sees: faults, the accessed bits that
 * the policy reads, and those of the sample, which are read after each @every references.  The
 * sample has 8 to 2^20 frames.
 */
void machine_watch(struct machine *m, u32 shift, u32 every);
bool machine_has_shadow(const struct machine *m, const char *policy, u32 eighths);
/* What the shadow of another pool has missed, of @all sampled references; ~0 if there is none. */
u64 machine_shadow(const struct machine *m, const char *policy, u32 eighths, u64 *all);
/* What LRU would have missed with each of the sizes below: of the sample, and of all. */
void machine_curve(const struct machine *m, u64 *misses);
void machine_exact_curve(const struct trace *t, u32 frames, u64 *misses);
/* What LRU misses with each of @nr sizes, ascending: the core's own stack, at most 16 sizes. */
void machine_lru(const struct trace *t, const u32 *frames, unsigned int nr, u64 *misses);
/* Sizes of LRU's curve, and some of shadows, in eighths of the pool, ascending; 0 after the last. */
u32 machine_eighths(unsigned int n);
/* What the policy says that is wrong with its lists, or NULL. */
const char *machine_check(const struct machine *m);
struct machine_counts machine_counts(const struct machine *m);
void machine_free(struct machine *m);

#endif /* BENCH_MACHINE_H */
