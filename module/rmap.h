/* SPDX-License-Identifier: GPL-2.0-only */
/* From frames to the hardware page-table entries that map them. */
#ifndef FPOOL_RMAP_H
#define FPOOL_RMAP_H

#include "space.h"

void fpool_rmap_make_old(struct vm_area_struct *vma, unsigned long addr, unsigned long nr);
void fpool_rmap_unmap(struct fpool_space *space, fpool_vpn_t vpn, u64 nr);
void fpool_rmap_cut(struct fpool_space *space, fpool_vpn_t vpn);
void fpool_rmap_test_clear_young(struct fpool_space *space, fpool_vpn_t vpn, u64 nr, u8 *young);
void fpool_rmap_test_dirty(struct fpool_space *space, fpool_vpn_t vpn, u64 nr, u8 *dirty);
bool fpool_rmap_is_held(struct page *page);
bool fpool_rmap_clean(struct page *page, bool *held);

#endif /* FPOOL_RMAP_H */
