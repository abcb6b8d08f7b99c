/* SPDX-License-Identifier: GPL-2.0-only */
/* Limiting a working set, which may have more than its new maximum. */
#ifndef FPOOL_LIMIT_H
#define FPOOL_LIMIT_H

#include "space.h"

struct mm_struct;

/**
 * struct fpool_limit - a limiting that is under way
 * @min: frames that others do not take
 * @max: frames that it never has more than
 */
struct fpool_limit {
	u64 min, max;
	/* private: */
	u64 min_before, max_before;
	u32 pool;		/* its id */
	u32 excess;		/* least that was seen */
	unsigned long since;	/* jiffies; when it was seen */
};

int fpool_limit_begin(struct fpool_pool *pool, const struct mm_struct *mm, struct fpool_limit *l);
int fpool_limit_step(struct fpool_pool *pool, const struct mm_struct *mm, struct fpool_limit *l);
void fpool_limit_undo(struct fpool_pool *pool, const struct mm_struct *mm, struct fpool_limit *l);

#endif /* FPOOL_LIMIT_H */
