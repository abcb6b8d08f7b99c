/* SPDX-License-Identifier: GPL-2.0-only */
/* Victims that leave together. */
#ifndef FPOOL_BATCH_H
#define FPOOL_BATCH_H

#include "flight.h"
#include "laundry.h"
#include "rmap.h"
#include "space.h"

struct mm_struct;

/* Chosen by a policy at once; on the stack. */
#define FPOOL_BATCH	28

static_assert(FPOOL_LAUNDRY_MAX + FPOOL_BATCH <= FPOOL_LAUNDRY_FULL);

#define FPOOL_EVICT_ALL		1	/* what is pinned or promised, too */
#define FPOOL_EVICT_BROKEN	2	/* nothing but what lies in broken memory */
#define FPOOL_EVICT_RELEASED	4	/* what is held back, too, by whoever is releasing it */
#define FPOOL_EVICT_REHEARSE	8	/* pinned or dirty: could leave, and stays, not mapped */

/**
 * struct fpool_evicted - what an eviction did
 * @freed: pages that left
 * @written: of these, those that were written first
 * @pinned: stayed: pinned, or with FPOOL_EVICT_ALL: held back from being written
 * @promised: stayed: of the minimum of somebody else's working set
 * @held: stayed: the kernel holds the frame
 * @busy: stayed: somebody else is at it
 * @failed: stayed: could not be written
 * @error: errno of the last of these, or of what was lost; negative
 */
struct fpool_evicted {
	u64 freed;
	u64 written;
	u64 pinned;
	u64 promised;
	u64 held;
	u64 busy;
	u64 failed;
	int error;
};

enum fpool_fate {
	FPOOL_FATE_UNDECIDED,
	FPOOL_FATE_FREE,	/* nobody has it, it is clean */
	FPOOL_FATE_WRITE,	/* nobody has it, it is dirty */
	FPOOL_FATE_LOST,	/* nobody has it, it is dirty, and its memory is broken */
	FPOOL_FATE_WRITTEN,	/* its write has ended */
	FPOOL_FATE_BACK,	/* stays */
};

struct fpool_victim {
	struct fpool_space *space;	/* a reference */
	fpool_frame_t frame;
	fpool_frame_t leaf;		/* with its shadow PTE, which keeps it while it is BUSY */
	u32 pinner;			/* who had it pinned, 0 for nobody */
	u8 fate;			/* enum fpool_fate */
	bool written;
	bool lost;
	bool held_back;			/* by its pinner */
};

struct fpool_batch {
	struct fpool_pool *pool;
	unsigned int flags;		/* FPOOL_EVICT_* */
	u32 dropper;			/* whose held pages leave unwritten; 0: no such thing */
	const struct mm_struct *mm;	/* whose minimum is his own affair */
	bool by_policy;			/* leaves ghosts */
	struct fpool_wset *set;		/* whose pages; victim_lock keeps it */
	bool spared;			/* nobody goes below his minimum for it */
	struct fpool_flight *flight;	/* for those that are dirty; NULL: to the laundry ... */
	unsigned int nr_laundry;	/* ... and so many went there */
	unsigned int nr;
	bool one_space;			/* all of them have it, as nearly always */
	struct fpool_victim *v;
	struct fpool_rmap_page *p;	/* which pages they are, in the same order */
	fpool_frame_t gone;		/* the first of those that go back to the pool together */
	u32 nr_gone;
	bool broken;			/* a frame was retired */
	struct fpool_evicted done;
};

typedef void (*fpool_batch_fn)(struct fpool_space *space, struct fpool_rmap_page *pages,
			       unsigned int nr);

void fpool_batch_get(struct fpool_batch *b);
void fpool_batch_put(struct fpool_batch *b, unsigned int first, unsigned int end);
void fpool_batch_each_of_many(struct fpool_batch *b, fpool_batch_fn fn);
u64 fpool_batch_expel(struct fpool_batch *b);
void fpool_batch_clean(struct fpool_batch *b);
void fpool_batch_start(struct fpool_batch *b);
void fpool_batch_finish(struct fpool_batch *b);
u64 fpool_batch_settle(struct fpool_batch *b);

/**
 * fpool_batch_each_space - call a function for the pages of each space
 * @b: the batch
 * @fn: gets them in the order in which they lie in the batch
 *
 * Context: As @fn.
 */
static __always_inline void fpool_batch_each_space(struct fpool_batch *b, fpool_batch_fn fn)
{
	if (!b->nr)
		return;
	if (likely(b->one_space))
		fn(b->v->space, b->p, b->nr);
	else
		fpool_batch_each_of_many(b, fn);
}

/**
 * fpool_batch_claim - a victim is chosen: its entry is busy from now on
 * @b: the batch
 * @v: the victim; a resident page that no policy and no pinner has on a list
 * @vpn: the page
 *
 * Context: Caller holds pool->lock, and has just looked at the entry.
 */
static __always_inline void fpool_batch_claim(struct fpool_batch *b, struct fpool_victim *v,
					      fpool_vpn_t vpn)
{
	struct fpool_ptable *table = &v->space->ptable;

	WARN_ON_ONCE(fpool_frames_mark_evict(&b->pool->frames, v->frame));
	fpool_ptable_update(table, vpn, 0, FPOOL_SPTE_BUSY);
	v->leaf = fpool_ptable_leaf(table);
}

#endif /* FPOOL_BATCH_H */
