/* SPDX-License-Identifier: GPL-2.0-only */
/* What a pool would have missed under another policy, or with another size; off at first. */
#ifndef FPOOL_WHATIF_H
#define FPOOL_WHATIF_H

#include "curves.h"
#include "shadow.h"
#include "space.h"

/* How a page was seen to be used. */
enum fpool_whatif_use {
	FPOOL_WHATIF_REF,	/* by a system call; or its hardware entry is accessed */
	FPOOL_WHATIF_FAULT,	/* its access faulted, and will have set the accessed bit */
};

/* With each policy, with each other size, and LRU with each size. */
#define FPOOL_WHATIF_ROWS	(FPOOL_SHADOWS_MAX + FPOOL_SHADOW_SIZES)

/**
 * struct fpool_whatif_report - what was seen until now
 * @sample: one of so many pages is in the sample
 * @capacity: frames of the pool that pages may use, those that are kept free not counted
 * @uses: of pages of the sample
 * @first: those of them that were the first, as far as is remembered
 * @looks: accessed bits read for this
 * @own: misses of the shadow that is like the pool
 * @left_out: uses by working sets that have no curve
 * @nr: how many rows there are
 * @row: policy, or "LRU" for its curve; size in eighths of @capacity; misses
 * @sets: how many working sets have a curve
 * @set: its id; uses and first uses as above, of its pages; misses with each size, under LRU
 */
struct fpool_whatif_report {
	u32 sample;
	u32 capacity;
	u64 uses, first;
	u64 looks;
	u64 own;
	u64 left_out;
	u32 nr;
	struct {
		const char *policy;
		u32 eighths;
		u64 misses;
	} row[FPOOL_WHATIF_ROWS];
	u32 sets;
	struct {
		u32 id;
		u64 uses, first;
		u64 misses[FPOOL_SHADOW_SIZES];
	} set[FPOOL_CURVES_MAX];
};

int fpool_whatif_start(struct fpool_pool *pool);
void fpool_whatif_stop(struct fpool_pool *pool);
int fpool_whatif_clear(struct fpool_pool *pool);
int fpool_whatif_read(struct fpool_pool *pool, struct fpool_whatif_report *report);
int fpool_whatif_check(struct fpool_pool *pool);
void fpool_whatif_note_locked(struct fpool_space *space, fpool_vpn_t vpn);
void fpool_whatif_note_sampled(struct fpool_space *space, fpool_vpn_t vpn,
			       enum fpool_whatif_use use);

static inline bool fpool_whatif_is_on(const struct fpool_pool *pool)
{
	return rcu_access_pointer(pool->whatif);
}

/* Is the page in the sample? @last: the pool's whatif_last, not 0. */
static __always_inline bool fpool_whatif_samples(const struct fpool_space *space, fpool_vpn_t vpn,
						 u64 last)
{
	return unlikely(fpool_mrc_hash(space->whatif_seed, fpool_vpn_nr(vpn)) <= last);
}

/**
 * fpool_whatif_note - a page is being used
 * @space: the space
 * @vpn: the page
 * @use: how
 *
 * Every fault comes by here: what is not in the sample costs one multiplication and a comparison,
 * and all a load and a comparison where they are off.
 *
 * Context: Any process context without pool->lock.
 */
static __always_inline void fpool_whatif_note(struct fpool_space *space, fpool_vpn_t vpn,
					      enum fpool_whatif_use use)
{
	u64 last = READ_ONCE(space->pool->whatif_last);

	if (unlikely(last) && fpool_whatif_samples(space, vpn, last))
		fpool_whatif_note_sampled(space, vpn, use);
}

/**
 * fpool_whatif_note_young - the accessed bit of a page was set; it is taken note of unless the
 * page is fresh
 * @space: the space
 * @vpn: the page
 * @page: its frame
 *
 * Context: Caller holds pool->lock, and has seen that they are on.
 */
static __always_inline void fpool_whatif_note_young(struct fpool_space *space, fpool_vpn_t vpn,
						    const struct page *page)
{
	if (!fpool_page_is_fresh(page) &&
	    fpool_whatif_samples(space, vpn, READ_ONCE(space->pool->whatif_last)))
		fpool_whatif_note_locked(space, vpn);
}

#endif /* FPOOL_WHATIF_H */
