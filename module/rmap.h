/* SPDX-License-Identifier: GPL-2.0-only */
/* From frames to the hardware page-table entries that map them. */
#ifndef FPOOL_RMAP_H
#define FPOOL_RMAP_H

#include <linux/bitmap.h>

#include "space.h"

/**
 * struct fpool_rmap_page - a page to look at, or to unmap
 * @vpn: which
 * @page: its frame
 * @unmapped: entries that were cleared
 * @found: the bit that was looked for was set
 * @held: somebody has a reference besides us and the mappings
 * @left: to be cleaned by core mm
 */
struct fpool_rmap_page {
	u64 vpn;
	struct page *page;
	u32 unmapped;
	bool found;
	bool held;
	bool left;
};

/* Pages that fpool_rmap_look() looks at in one call, at most. */
#define FPOOL_RMAP_LOOK_MAX	512U

/**
 * struct fpool_rmap_found - what a look at pages that lie together has found; bits by page
 * @used: somebody used it
 * @written: and stored to it
 */
struct fpool_rmap_found {
	DECLARE_BITMAP(used, FPOOL_RMAP_LOOK_MAX);
	DECLARE_BITMAP(written, FPOOL_RMAP_LOOK_MAX);
};

void fpool_rmap_unmap(struct fpool_space *space, struct fpool_rmap_page *pages, unsigned int nr);
void fpool_rmap_cut(struct fpool_space *space, fpool_vpn_t vpn);
const struct mm_struct *fpool_rmap_user(struct fpool_space *space, u64 vpn);
void fpool_rmap_test_clear_young(struct fpool_space *space, struct fpool_rmap_page *pages,
				 unsigned int nr);
void fpool_rmap_look(struct fpool_space *space, u64 first, u64 end, struct fpool_rmap_found *found);
void fpool_rmap_collect_dirty(struct fpool_space *space, u64 first, u64 end);
bool fpool_rmap_is_held(struct page *page);
void fpool_rmap_clean(struct fpool_space *space, struct fpool_rmap_page *pages, unsigned int nr);

#endif /* FPOOL_RMAP_H */
