/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The miss-ratio curve of LRU: what pools of several sizes would miss, from one pass over the
 * references.  mrc.c has the theory.
 *
 * It works for all references, and then it is exact, or for those to a sample of the pages, and
 * then it is an estimate: fpool_mrc_samples() says whether a page is in the sample.
 *
 * No lock: the caller serialises every call but fpool_mrc_samples().
 */
#ifndef FPOOL_CORE_MRC_H
#define FPOOL_CORE_MRC_H

#include "types.h"

#define FPOOL_MRC_SIZES_MAX	16
#define FPOOL_MRC_NONE		U32_MAX

/**
 * struct fpool_mrc_page - a page on the LRU stack
 * @vpn: which page
 * @space: of which space
 * @chain: the next one in its bucket
 * @newer: the one above it on the stack
 * @older: the one below it
 * @size: the smallest size whose pool would hold it; sizes there are: none would
 */
struct fpool_mrc_page {
	u64 vpn;
	u32 space;
	u32 chain;
	u32 newer, older;
	u32 size;
};

/**
 * struct fpool_mrc - an LRU stack of bounded depth, and how far down pages were found
 * @page: the pages; the caller's memory
 * @bucket: heads of the chains; the caller's memory
 * @capacity: how many pages there can be
 * @buckets: how many chains, a power of two
 * @used: pages on the stack
 * @top: the one used last
 * @bottom: the one not used for longest
 * @sizes: how many sizes there are
 * @depth: the sizes in pages, ascending
 * @last: the page at each of these depths, or FPOOL_MRC_NONE: the stack is not that deep
 * @found: references to pages that the pool of this size, and none smaller, would hold
 * @now: all references there have ever been: what is counted anew does not change the order
 * @refs: all references
 * @cold: those to pages that were not on the stack
 */
struct fpool_mrc {
	struct fpool_mrc_page *page;
	u32 *bucket;
	u32 capacity, buckets;
	u32 used;
	u32 top, bottom;
	u32 sizes;
	u32 depth[FPOOL_MRC_SIZES_MAX];
	u32 last[FPOOL_MRC_SIZES_MAX];
	u64 found[FPOOL_MRC_SIZES_MAX];
	u64 now;
	u64 refs;
	u64 cold;
};

/* What tells the hashes of a space's pages from those of others. */
static inline u64 fpool_mrc_seed(u32 space)
{
	return (u64)space << 40 ^ 0xa0761d6478bd642fULL;
}

/* As if by chance, but for a page always the same: 64 bits, each as good as any other. */
static inline u64 fpool_mrc_hash(u64 seed, u64 vpn)
{
	/* Both halves of one multiplication, as Wang Yi's wyhash has it: one instruction. */
	unsigned __int128 product = (unsigned __int128)(vpn ^ seed) * 0xe7037ed1a0b428dbULL;

	return product ^ product >> 64;
}

/*
 * The hashes up to this one are those of the 2^-@shift of all pages that are in the sample.
 * @shift is at most 31, so it is never 0, which can say that there is no sample.
 */
static inline u64 fpool_mrc_last(unsigned int shift)
{
	return U64_MAX >> shift;
}

/* The same for @nr of @of pages, 0 < @nr <= @of. */
static inline u64 fpool_mrc_share(u32 nr, u32 of)
{
	return nr < of ? U64_MAX / of * nr : U64_MAX;
}

/* Is this page in the sample whose last hash is @last? */
static inline bool fpool_mrc_samples(u32 space, u64 vpn, u64 last)
{
	return fpool_mrc_hash(fpool_mrc_seed(space), vpn) <= last;
}

size_t fpool_mrc_bytes(u32 capacity);
int fpool_mrc_init(struct fpool_mrc *m, void *mem, u32 capacity, const u32 *depth, u32 sizes);
u32 fpool_mrc_find(const struct fpool_mrc *m, u32 space, u64 vpn);
u32 fpool_mrc_ref(struct fpool_mrc *m, u32 space, u64 vpn, bool *known);
u64 fpool_mrc_misses(const struct fpool_mrc *m, u32 size);
void fpool_mrc_clear(struct fpool_mrc *m);
int fpool_mrc_check(const struct fpool_mrc *m, const char **why);

#endif /* FPOOL_CORE_MRC_H */
