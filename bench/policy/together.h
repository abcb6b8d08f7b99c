/* SPDX-License-Identifier: GPL-2.0-only */
/* A simulated machine with one pool and several processes, in which a fault delays who has it. */
#ifndef BENCH_TOGETHER_H
#define BENCH_TOGETHER_H

#include "trace.h"

#define TOGETHER_MAX	8

/* Whose page leaves. */
enum together_rule {
	TOGETHER_GLOBAL,	/* all frames are one set */
	TOGETHER_SETS,		/* each process has a working set */
};

/* Of one process, from its first reference to its last. */
struct together_counts {
	u64 faults;
	u64 time;		/* in references */
	u32 most;		/* frames at once */
};

/*
 * @nr processes, each of which runs its trace once, in a pool of @frames.  The first is known as
 * @number, the next one as the next: how long a process waits for its n-th fault depends on these
 * two.  NULL, or what is wrong with the pool at the end.
 */
const char *together_run(const struct trace *const *t, unsigned int nr, unsigned int number,
			 const char *policy, enum together_rule rule, u32 frames,
			 struct together_counts *counts);

#endif /* BENCH_TOGETHER_H */
