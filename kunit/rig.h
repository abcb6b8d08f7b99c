/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole pool in miniature, without the I/O: a region, its allocator, its frame table, two
 * spaces and CLOCK.  Nodes of page tables come from the region and go back to it at
 * once, their contents destroyed: whoever still reads them will notice.
 */
#ifndef FPOOL_KUNIT_RIG_H
#define FPOOL_KUNIT_RIG_H

#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "buddy.h"
#include "check.h"
#include "frames.h"
#include "ptable.h"
#include "wset.h"

#define RIG_SPACES	2

struct rig {
	struct kunit *test;
	void *base;
	struct fpool_buddy buddy;
	struct fpool_frames frames;
	struct fpool_wsets wsets;
	struct fpool_policy *policy;		/* of the common set, which is the only one */
	struct fpool_ptable space[RIG_SPACES];	/* ids 1, 2 */
	const struct fpool_ptable *spaces[RIG_SPACES];
	struct fpool_check_view view;
	u32 nodes_left;				/* node_alloc fails when there are none */
};

static inline fpool_frame_t rig_take(struct rig *rig)
{
	fpool_frame_t frame;

	return fpool_buddy_alloc(&rig->buddy, 0, &frame) ? FPOOL_NO_FRAME : frame;
}

/* EVICT, FILL or NODE -> FREE, and back to the allocator. */
static inline void rig_give(struct rig *rig, fpool_frame_t frame)
{
	if (fpool_frames_info(&rig->frames, frame)->state != FPOOL_FRAME_NODE)
		fpool_wset_uncharge(&rig->wsets, frame);
	KUNIT_ASSERT_EQ(rig->test, fpool_frames_mark_free(&rig->frames, frame), 0);
	KUNIT_ASSERT_EQ(rig->test, fpool_buddy_free(&rig->buddy, frame, 0), 0);
}

static inline void *rig_memory(struct rig *rig, fpool_frame_t frame)
{
	return rig->base + fpool_frame_nr(frame) * FPOOL_PAGE_BYTES;
}

static inline fpool_frame_t rig_node_alloc(void *ctx, u32 space)
{
	struct rig *rig = ctx;
	fpool_frame_t node;

	if (!rig->nodes_left)
		return FPOOL_NO_FRAME;
	node = rig_take(rig);
	if (node == FPOOL_NO_FRAME)
		return node;
	rig->nodes_left--;
	KUNIT_ASSERT_EQ(rig->test, fpool_frames_mark_node(&rig->frames, node, space), 0);
	/* What a node says of its entries is for the table to set. */
	fpool_frames_info(&rig->frames, node)->node.used = 7;
	fpool_frames_info(&rig->frames, node)->node.ghosts = 7;
	return node;
}

static inline void rig_node_free(void *ctx, fpool_frame_t node)
{
	struct rig *rig = ctx;

	memset(rig_memory(rig, node), 0x5a, FPOOL_PAGE_BYTES);
	rig_give(rig, node);
}

static const struct fpool_ptable_ops rig_node_ops = {
	.node_alloc	= rig_node_alloc,
	.node_free	= rig_node_free,
};

static inline void rig_init_spaces(struct rig *rig)
{
	unsigned int i;

	memset(rig->space, 0xa5, sizeof(rig->space));
	for (i = 0; i < RIG_SPACES; i++) {
		fpool_ptable_init(&rig->space[i], &rig_node_ops, rig, &rig->frames, rig->base,
				  i + 1);
		rig->spaces[i] = &rig->space[i];
	}
	rig->nodes_left = U32_MAX;
}

static inline struct rig *rig_new(struct kunit *test, u32 nframes)
{
	struct rig *rig = kunit_kzalloc(test, sizeof(*rig), GFP_KERNEL);
	void *buddy, *frames;

	KUNIT_ASSERT_NOT_NULL(test, rig);
	rig->test = test;
	buddy = kunit_kzalloc(test, fpool_buddy_bytes(nframes), GFP_KERNEL);
	frames = kunit_kzalloc(test, fpool_frames_bytes(nframes), GFP_KERNEL);
	rig->base = kunit_kzalloc(test, nframes * FPOOL_PAGE_BYTES, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buddy);
	KUNIT_ASSERT_NOT_NULL(test, frames);
	KUNIT_ASSERT_NOT_NULL(test, rig->base);
	KUNIT_ASSERT_EQ(test, fpool_buddy_init(&rig->buddy, buddy, nframes), 0);
	fpool_frames_init(&rig->frames, frames, nframes);
	KUNIT_ASSERT_EQ(test, fpool_wsets_init(&rig->wsets, &fpool_policy_clock, &rig->frames,
					       nframes, NULL, 0), 0);
	rig->policy = &rig->wsets.common.policy;
	rig_init_spaces(rig);
	rig->view.buddy = &rig->buddy;
	rig->view.frames = &rig->frames;
	rig->view.wsets = &rig->wsets;
	rig->view.spaces = rig->spaces;
	rig->view.nspaces = RIG_SPACES;
	return rig;
}

static inline void rig_check(struct rig *rig)
{
	struct fpool_check_report r = { .why = "" };

	KUNIT_ASSERT_EQ_MSG(rig->test, fpool_check(&rig->view, &r), 0,
			    "%s: frame %u, page %llu of space %u", r.why, fpool_frame_nr(r.frame),
			    fpool_vpn_nr(r.vpn), r.space);
}

static inline fpool_frame_t rig_begin_fill(struct rig *rig, u32 space, u64 vpn)
{
	fpool_frame_t frame = rig_take(rig);

	KUNIT_ASSERT_NE(rig->test, fpool_frame_nr(frame), fpool_frame_nr(FPOOL_NO_FRAME));
	KUNIT_ASSERT_EQ(rig->test, fpool_frames_mark_fill(&rig->frames, frame, space,
							  fpool_vpn(vpn)), 0);
	KUNIT_ASSERT_EQ(rig->test, fpool_wset_charge(&rig->wsets, &rig->wsets.common, frame), 0);
	KUNIT_ASSERT_EQ(rig->test, fpool_ptable_set(&rig->space[space - 1], fpool_vpn(vpn),
						    fpool_spte_make(frame, FPOOL_SPTE_BUSY)), 0);
	return frame;
}

static inline fpool_frame_t rig_page_in(struct rig *rig, u32 space, u64 vpn)
{
	fpool_frame_t frame = rig_begin_fill(rig, space, vpn);

	KUNIT_ASSERT_EQ(rig->test, fpool_frames_mark_resident(&rig->frames, frame), 0);
	KUNIT_ASSERT_EQ(rig->test, fpool_ptable_set(&rig->space[space - 1], fpool_vpn(vpn),
						    fpool_spte_make(frame, FPOOL_SPTE_P |
								    FPOOL_SPTE_A)), 0);
	fpool_policy_insert(rig->policy, frame, U64_MAX);
	return frame;
}

static inline void rig_begin_evict(struct rig *rig, fpool_frame_t frame)
{
	struct fpool_frame_info *fi = fpool_frames_info(&rig->frames, frame);
	struct fpool_ptable *pt = &rig->space[fi->space - 1];

	fpool_policy_remove(rig->policy, frame);
	KUNIT_ASSERT_EQ(rig->test, fpool_frames_mark_evict(&rig->frames, frame), 0);
	KUNIT_ASSERT_FALSE(rig->test,
			   fpool_spte_empty(fpool_ptable_update(pt, fpool_vpn(fi->vpn), 0,
								FPOOL_SPTE_BUSY)));
}

#endif /* FPOOL_KUNIT_RIG_H */
