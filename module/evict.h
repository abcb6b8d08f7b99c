/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages leave: chosen by the policy, or all of a range. */
#ifndef FPOOL_EVICT_H
#define FPOOL_EVICT_H

#include "space.h"

struct mm_struct;

/**
 * struct fpool_evicted - what an eviction did
 * @freed: pages that left
 * @written: of these, those that were written first
 * @pinned: stayed: pinned, or with FPOOL_EVICT_ALL: held back from being written
 * @promised: stayed: of the minimum of somebody else's working set
 * @held: stayed: the kernel holds the frame
 * @busy: stayed: somebody else is at it
 * @failed: stayed: could not be written
 * @error: errno of the last of these, negative
 */
struct fpool_evicted {
	u64 freed;
	u64 written;
	u64 pinned;
	u64 promised;
	u64 held;
	u64 busy;
	u64 failed;
	int error;
};

u64 fpool_evict_some(struct fpool_pool *pool, const struct mm_struct *mm, u64 want);
u64 fpool_evict_own(struct fpool_pool *pool, const struct mm_struct *mm, u64 want);
void fpool_evict_over(struct fpool_pool *pool, const struct mm_struct *mm);
bool fpool_evict_wants(struct fpool_pool *pool);
void fpool_evict_rescue(struct fpool_space *space, fpool_vpn_t vpn);
void fpool_evict_range(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
		       unsigned int flags, const struct mm_struct *mm, struct fpool_evicted *out);

void fpool_evict_dropped(struct fpool_space *space, fpool_vpn_t vpn, u32 pinner);
int fpool_evict_broken(struct fpool_space *space, fpool_vpn_t vpn, unsigned int flags);

int fpool_evict_init_pool(struct fpool_pool *pool);
void fpool_evict_exit_pool(struct fpool_pool *pool);
bool fpool_evict_landed(struct fpool_pool *pool);
u64 fpool_evict_reap(struct fpool_pool *pool);
bool fpool_evict_may_start(struct fpool_pool *pool);
unsigned int fpool_evict_start(struct fpool_pool *pool);

#define FPOOL_EVICT_ALL		1	/* what is pinned or promised, too */
#define FPOOL_EVICT_BROKEN	2	/* nothing but what lies in broken memory */
#define FPOOL_EVICT_RELEASED	4	/* what is held back, too */

#endif /* FPOOL_EVICT_H */
