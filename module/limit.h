/* SPDX-License-Identifier: GPL-2.0-only */
/* Limiting a working set, which may have more than its new maximum. */
#ifndef FPOOL_LIMIT_H
#define FPOOL_LIMIT_H

#include "space.h"

struct mm_struct;

typedef long (*fpool_limit_fn)(struct fpool_pool *pool, const struct mm_struct *mm, void *arg);

/**
 * struct fpool_limit - the limits that a process's working set is to have
 * @min: frames that others do not take
 * @max: frames that it never has more than
 * @with: calls @fn with the pool, the process's address space and @arg, and returns what that
 *	returns; -errno where one of the two is no more.  It is called again and again, and holds
 *	neither between two calls
 * @whose: for @with
 */
struct fpool_limit {
	u64 min, max;
	long (*with)(const void *whose, fpool_limit_fn fn, void *arg);
	const void *whose;
	/* private: */
	u64 min_before, max_before;
	u32 pool;		/* its id */
	u32 excess;		/* least that was seen */
	unsigned long since;	/* jiffies; when it was seen */
};

long fpool_limit_set(struct fpool_limit *l);

#endif /* FPOOL_LIMIT_H */
