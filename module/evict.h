/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages leave: chosen by the policies. */
#ifndef FPOOL_EVICT_H
#define FPOOL_EVICT_H

#include "space.h"

struct mm_struct;

u64 fpool_evict_some(struct fpool_pool *pool, const struct mm_struct *mm, u64 want, bool again);
u64 fpool_evict_own(struct fpool_pool *pool, const struct mm_struct *mm, u64 want, bool again);
u64 fpool_evict_over(struct fpool_pool *pool, const struct mm_struct *mm, u64 left);

#endif /* FPOOL_EVICT_H */
