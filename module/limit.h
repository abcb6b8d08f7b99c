/* SPDX-License-Identifier: GPL-2.0-only */
/* Limiting a working set, which may have more than its new maximum. */
#ifndef FPOOL_LIMIT_H
#define FPOOL_LIMIT_H

#include "mmset.h"

typedef long (*fpool_limit_fn)(struct fpool_pool *pool, void *arg);

/**
 * struct fpool_limit - the limits that a process's working set is to have
 * @pid: of the process; 0: the caller
 * @min: frames that others do not take
 * @max: frames that it never has more than
 * @with: calls @fn with the pool and @arg, and returns what that returns; -errno where the pool is
 *	no more.  It is called again and again, and does not hold the pool between two calls
 * @whose: for @with
 */
struct fpool_limit {
	s32 pid;
	u64 min, max;
	long (*with)(const void *whose, fpool_limit_fn fn, void *arg);
	const void *whose;
	/* private: */
	struct mm_struct *mm;
	struct fpool_mmset_limiting limiting;
	u32 pool;		/* its id */
	u64 left;		/* pages to look at in this round */
	u32 rounds;		/* that have ended since something has left */
	u32 excess;		/* least that was seen */
	unsigned long since;	/* jiffies; when it was seen */
};

long fpool_limit_set(struct fpool_limit *l);

#endif /* FPOOL_LIMIT_H */
