/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadows of a pool: what it would have missed under another policy, or with another size.
 *
 * Each shadow is a pool in miniature, without data, that is given the references to a sample of
 * the pages.  shadow.c has the theory.
 *
 * No lock: the caller serialises every call but fpool_shadows_samples().
 */
#ifndef FPOOL_CORE_SHADOW_H
#define FPOOL_CORE_SHADOW_H

#include "mrc.h"
#include "policy.h"

#define FPOOL_SHADOWS_MAX	32	/* a page has a bit for each */
#define FPOOL_SHADOW_UNIT	8	/* sizes are in eighths of the pool */
#define FPOOL_SHADOW_SIZES	9	/* that are asked about, the pool's own among them */

/**
 * struct fpool_shadow - one of them
 * @policy: what decides which of its pages leaves
 * @frames: its share of the pool's, or of what the pool would have
 * @free: frames without a page
 * @nr: which one it is: its bit and its place in what is known of a page
 * @eighths: its size, in eighths of the pool
 * @fixed: another policy in the pool is no reason that it has another one
 * @misses: references to pages that it did not have
 */
struct fpool_shadow {
	struct fpool_policy policy;
	struct fpool_frames frames;
	struct fpool_frame_list free;
	u32 nr;
	u32 eighths;
	bool fixed;
	u64 misses;
};

/**
 * struct fpool_shadow_page - what the shadows know of a page
 * @resident: who has it, a bit each
 * @accessed: for whom it was used since he last asked, a bit each
 * @at: for each, its frame if resident; else the number of its eviction, 0 for none
 */
struct fpool_shadow_page {
	u32 resident;
	u32 accessed;
	u32 at[];
};

/**
 * struct fpool_shadows - all shadows of a pool
 * @mrc: the pages, by last use; the curve of LRU is at hand with it
 * @page: a struct fpool_shadow_page for each of @mrc's; the caller's memory
 * @stride: bytes from one to the next
 * @frames: of the pool's miniature
 * @last: the sample are the pages whose hashes are not above it
 * @nr: how many shadows there are
 * @shadow: first one for each policy with the pool's size, then the pool's policy with others
 */
struct fpool_shadows {
	struct fpool_mrc mrc;
	void *page;
	u32 stride;
	u32 frames;
	u64 last;
	u32 nr;
	struct fpool_shadow shadow[FPOOL_SHADOWS_MAX];
};

/* The sizes that are asked about, ascending, in eighths of the pool. */
extern const u32 fpool_shadow_eighths[FPOOL_SHADOW_SIZES];

/* So many eighths of a pool, or of its miniature. */
static inline u32 fpool_shadow_part(u32 frames, u32 eighths)
{
	return (u64)frames * eighths / FPOOL_SHADOW_UNIT;
}

/* Does a reference to this page have to be told? */
static inline bool fpool_shadows_samples(const struct fpool_shadows *s, u32 space, u64 vpn)
{
	return fpool_mrc_samples(space, vpn, s->last);
}

u32 fpool_shadows_sample(u32 capacity);
int fpool_shadow_stack(struct fpool_mrc *m, void *mem, u32 capacity, u32 frames);
size_t fpool_shadows_bytes(u32 frames);
int fpool_shadows_init(struct fpool_shadows *s, void *mem, const struct fpool_policy_ops *ops,
		       u32 capacity, u32 frames);
u32 fpool_shadows_ref(struct fpool_shadows *s, u32 space, u64 vpn);
void fpool_shadows_switch(struct fpool_shadows *s, const struct fpool_policy_ops *ops);
void fpool_shadows_follow(struct fpool_shadows *s, bool won);
void fpool_shadows_clear(struct fpool_shadows *s);
const struct fpool_shadow *fpool_shadows_find(const struct fpool_shadows *s,
					      const struct fpool_policy_ops *ops, u32 eighths);
int fpool_shadows_check(const struct fpool_shadows *s, const char **why);

#endif /* FPOOL_CORE_SHADOW_H */
