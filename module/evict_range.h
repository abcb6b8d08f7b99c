/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages leave: those of a range. */
#ifndef FPOOL_EVICT_RANGE_H
#define FPOOL_EVICT_RANGE_H

#include "batch.h"

void fpool_evict_range(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
		       unsigned int flags, const struct mm_struct *mm, struct fpool_evicted *out);
void fpool_evict_dropped(struct fpool_space *space, fpool_vpn_t vpn, u32 pinner);
int fpool_evict_broken(struct fpool_space *space, fpool_vpn_t vpn, unsigned int flags);

#endif /* FPOOL_EVICT_RANGE_H */
