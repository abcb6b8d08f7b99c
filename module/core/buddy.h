/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buddy allocator of a region; the theory is at the head of buddy.c.
 *
 * All memory is the caller's: fpool_buddy_bytes() of it, zeroed or not, stay with
 * the allocator for its life.  No lock: the caller serialises every call.
 */
#ifndef FPOOL_CORE_BUDDY_H
#define FPOOL_CORE_BUDDY_H

#include "bitmap.h"

/* A set of u32 with find-first in log64 steps: one order's free blocks. */
#define FPOOL_BUDDY_LEVELS	6
#define FPOOL_BUDDY_NO_BLOCK	U32_MAX

struct fpool_buddy_order {
	u64 *level[FPOOL_BUDDY_LEVELS];	/* [0]: one bit per block; [i+1]: one bit per word of [i] */
	u32 nblocks;			/* blocks of this order in the region, whole ones only */
	u32 nfree;
	u32 only;			/* of a set without summary, its block; or ..._NO_BLOCK */
	unsigned int nlevels;
};

/**
 * struct fpool_buddy_events - what a listener hears of the allocator's work
 * @split: a free block of @order at @frame became two of @order - 1
 * @merge: two free blocks became the one of @order at @frame
 */
struct fpool_buddy_events {
	void (*split)(void *ctx, fpool_frame_t frame, unsigned int order);
	void (*merge)(void *ctx, fpool_frame_t frame, unsigned int order);
};

struct fpool_buddy {
	struct fpool_bitmap allocated;	/* the truth: one bit per frame */
	struct fpool_buddy_order order[FPOOL_NR_ORDERS];
	u32 nonempty;			/* bit k: order k has a free block */
	u32 nframes;
	u32 nfree;
	u64 nsplits, nmerges;
	const struct fpool_buddy_events *events;	/* may be NULL */
	void *events_ctx;
};

size_t fpool_buddy_bytes(u32 nframes);
int fpool_buddy_init(struct fpool_buddy *b, void *mem, u32 nframes);

int fpool_buddy_alloc(struct fpool_buddy *b, unsigned int order, fpool_frame_t *frame);
int fpool_buddy_alloc_closest(struct fpool_buddy *b, u32 nr, fpool_frame_t *frame,
			      unsigned int *order, u32 *wasted);
int fpool_buddy_alloc_range(struct fpool_buddy *b, fpool_frame_t first, u32 nr);
int fpool_buddy_free(struct fpool_buddy *b, fpool_frame_t frame, unsigned int order);
int fpool_buddy_free_range(struct fpool_buddy *b, fpool_frame_t first, u32 nr);

bool fpool_buddy_is_allocated(const struct fpool_buddy *b, fpool_frame_t frame);
int fpool_buddy_free_block_order(const struct fpool_buddy *b, fpool_frame_t frame);
int fpool_buddy_largest(const struct fpool_buddy *b);
u32 fpool_buddy_fragmentation(const struct fpool_buddy *b, unsigned int order);
int fpool_buddy_check(const struct fpool_buddy *b, const char **why);

#endif /* FPOOL_CORE_BUDDY_H */
