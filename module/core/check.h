/* SPDX-License-Identifier: GPL-2.0-only */
/* The invariants that cross the structures of a pool, checked in one pass over all of them. */
#ifndef FPOOL_CORE_CHECK_H
#define FPOOL_CORE_CHECK_H

#include "buddy.h"
#include "ptable.h"
#include "wset.h"

/**
 * struct fpool_check_view - everything that has to agree
 * @buddy: the allocator; may be NULL
 * @frames: the frame table
 * @wsets: the working sets, with their replacement policies
 * @spaces: the shadow page tables
 * @nspaces: how many
 * @cached: frames that are FREE in the table and allocated in the buddy: caches in front of it
 * @pinned: resident frames that are on lists of those who pinned them, not on the policy's
 * @idle_nodes: frames that are NODE and in no table: given back, and waiting for the grace
 *	period to pass, or not handed out yet
 */
struct fpool_check_view {
	const struct fpool_buddy *buddy;
	const struct fpool_frames *frames;
	struct fpool_wsets *wsets;
	const struct fpool_ptable *const *spaces;
	u32 nspaces;
	u32 cached;
	u32 pinned;
	u32 idle_nodes;
};

/**
 * struct fpool_check_report - the first disagreement
 * @why: a sentence
 * @frame: the frame it is about, or FPOOL_NO_FRAME
 * @vpn: the page it is about, where @frame is a page's or there is no @frame
 * @space: id of the space it is about, or FPOOL_NO_SPACE
 */
struct fpool_check_report {
	const char *why;
	fpool_frame_t frame;
	fpool_vpn_t vpn;
	u32 space;
};

int fpool_check(const struct fpool_check_view *view, struct fpool_check_report *report);

#endif /* FPOOL_CORE_CHECK_H */
