/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages leave: those of a range. */
#ifndef FPOOL_EVICT_RANGE_H
#define FPOOL_EVICT_RANGE_H

#include "batch.h"

#define FPOOL_EVICT_ALL		1	/* what is pinned or promised, too */
#define FPOOL_EVICT_BROKEN	2	/* nothing but what lies in broken memory */
#define FPOOL_EVICT_RELEASED	4	/* what is held back, too, by whoever is releasing it */

void fpool_evict_range(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
		       unsigned int flags, const struct mm_struct *mm, struct fpool_evicted *out);
void fpool_evict_dropped(struct fpool_space *space, fpool_vpn_t vpn, u32 pinner);
int fpool_evict_broken(struct fpool_space *space, fpool_vpn_t vpn, unsigned int flags);

#endif /* FPOOL_EVICT_RANGE_H */
