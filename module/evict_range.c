// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages leave that somebody has named: all of a range, a held page whose stores are to be
 * forgotten, a page in broken memory.
 */
#include "evict_range.h"

#include <linux/delay.h>
#include <linux/pagemap.h>

#include "mmset.h"
#include "pin.h"

static bool may_claim(const struct fpool_batch *b, const struct fpool_space *space, fpool_spte_t e)
{
	const struct fpool_frame_info *info;

	if (b->flags & FPOOL_EVICT_BROKEN &&
	    !PageHWPoison(fpool_pool_page(b->pool, fpool_spte_frame(e))))
		return false;
	info = fpool_frames_info(&b->pool->frames, fpool_spte_frame(e));
	if (b->dropper)
		return fpool_spte_has(e, FPOOL_SPTE_H) && info->policy == b->dropper;
	if (fpool_spte_has(e, FPOOL_SPTE_H))
		return b->flags & FPOOL_EVICT_RELEASED && info->policy == space->releasing.pinner;
	return !fpool_spte_has(e, FPOOL_SPTE_PIN) || b->flags & FPOOL_EVICT_ALL;
}

/* Whose file perhaps ends before it in a moment, and must not be written to behind that. */
static bool is_being_cut(const struct fpool_batch *b, const struct fpool_space *space,
			 fpool_vpn_t vpn)
{
	return fpool_vpn_nr(vpn) >= fpool_vpn_nr(space->cut_from) &&
	       !(b->flags & FPOOL_EVICT_REHEARSE) && !b->dropper;
}

/* It is of the minimum of somebody else. */
static bool is_promised(struct fpool_batch *b, fpool_spte_t e)
{
	const struct fpool_wset *set = fpool_wsets_of(&b->pool->wsets, fpool_spte_frame(e));

	return set->min && !fpool_wset_spare(set) && !(b->flags & FPOOL_EVICT_ALL) && !b->dropper &&
	       set != fpool_mmset_find(b->pool, b->mm);
}

/* Whoever has its frame on a list forgets it. The pinner to whom it goes back, should it stay. */
static u32 take_off(const struct fpool_batch *b, fpool_spte_t e)
{
	fpool_frame_t frame = fpool_spte_frame(e);
	u32 pinner = 0;

	if (fpool_spte_has(e, FPOOL_SPTE_PIN))
		pinner = fpool_pin_lift(b->pool, frame);
	else
		fpool_policy_remove(fpool_pool_policy(b->pool, frame), frame);
	return b->dropper ? 0 : pinner;
}

static void claim_range(struct fpool_batch *b, struct fpool_space *space, fpool_vpn_t *vpn,
			fpool_vpn_t end)
{
	struct fpool_pool *pool = b->pool;
	fpool_spte_t e;
	u32 looked = 0;

	spin_lock(&pool->lock);
	for (; b->nr < FPOOL_BATCH && fpool_space_next(space, vpn, end,
						       FPOOL_SPTE_P | FPOOL_SPTE_BUSY, &e);
	     *vpn = fpool_vpn_add(*vpn, 1)) {
		/* Many that stay must not keep others from the lock. */
		if (!(++looked % FPOOL_PTABLE_ENTRIES)) {
			fpool_pool_breathe(pool);
			e = fpool_ptable_get(&space->ptable, *vpn);
		}
		if (fpool_spte_has(e, FPOOL_SPTE_BUSY | FPOOL_SPTE_WB) ||
		    is_being_cut(b, space, *vpn)) {
			b->done.busy++;
			continue;
		}
		if (!fpool_spte_has(e, FPOOL_SPTE_P))
			continue;
		if (!may_claim(b, space, e)) {
			b->done.pinned++;
			continue;
		}
		if (is_promised(b, e)) {
			b->done.promised++;
			continue;
		}
		b->v[b->nr] = (struct fpool_victim){
			.space = fpool_space_get(space),
			.frame = fpool_spte_frame(e),
			.pinner = take_off(b, e),
			.held_back = fpool_spte_has(e, FPOOL_SPTE_H),
		};
		b->p[b->nr] = (struct fpool_rmap_page){
			.vpn = fpool_vpn_nr(*vpn),
			.page = fpool_pool_page(pool, fpool_spte_frame(e)),
		};
		fpool_batch_claim(b, &b->v[b->nr++], *vpn);
	}
	spin_unlock(&pool->lock);
}

static void evict_all(struct fpool_batch *b, struct fpool_space *space, fpool_vpn_t vpn,
		      fpool_vpn_t end)
{
	do {
		b->nr = 0;
		b->one_space = true;
		claim_range(b, space, &vpn, end);
		if (!b->nr)
			break;
		fpool_batch_expel(b);
		cond_resched();
	} while (fpool_vpn_nr(vpn) < fpool_vpn_nr(end));
}

static void add_up(struct fpool_evicted *out, const struct fpool_evicted *done)
{
	out->freed += done->freed;
	out->written += done->written;
	out->pinned += done->pinned;
	out->promised += done->promised;
	out->held += done->held;
	out->busy += done->busy;
	out->failed += done->failed;
	if (done->error)
		out->error = done->error;
}

/**
 * fpool_evict_range - evict every page of a range that can leave
 * @space: the space
 * @start: first page
 * @end: past the last
 * @flags: FPOOL_EVICT_*
 * @mm: the address space of who wants it, whose own minimum does not stand in his way; or NULL
 * @out: added to
 *
 * Goes over the range once; pages that come meanwhile may stay.
 *
 * Context: A worker.
 */
void fpool_evict_range(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
		       unsigned int flags, const struct mm_struct *mm, struct fpool_evicted *out)
{
	struct fpool_rmap_page p[FPOOL_BATCH];
	struct fpool_victim v[FPOOL_BATCH];
	struct fpool_batch b = {
		.pool = space->pool, .flags = flags, .mm = mm, .flight = fpool_flight_get(),
		.v = v, .p = p,
	};

	evict_all(&b, space, start, end);
	fpool_flight_put(b.flight);
	add_up(out, &b.done);
}

/**
 * fpool_evict_dropped - a held page leaves without being written
 * @space: the space
 * @vpn: the page
 * @pinner: number of who holds it; a page that he does not hold stays
 *
 * Context: A worker.
 */
void fpool_evict_dropped(struct fpool_space *space, fpool_vpn_t vpn, u32 pinner)
{
	struct fpool_rmap_page p;
	struct fpool_victim v;
	/* Nothing is written. */
	struct fpool_batch b = { .pool = space->pool, .dropper = pinner, .v = &v, .p = &p };

	evict_all(&b, space, vpn, fpool_vpn_add(vpn, 1));
}

/* Others may have a reference for a moment. */
#define BROKEN_TRIES	10

static bool is_broken(const struct fpool_space *space, fpool_spte_t e)
{
	return fpool_spte_has(e, FPOOL_SPTE_P) && !fpool_spte_has(e, FPOOL_SPTE_BUSY) &&
	       PageHWPoison(fpool_pool_page(space->pool, fpool_spte_frame(e)));
}

/**
 * fpool_evict_broken - the memory of a page is broken: it leaves, and its frame is retired
 * @space: the space
 * @vpn: the page
 * @flags: 0, or FPOOL_EVICT_RELEASED: held back by whoever is just releasing it
 *
 * Nothing is read from such a frame.  A clean page comes again from the file; what was stored in a
 * dirty one is lost, which every descriptor's next sync is told.
 *
 * Context: Process context, under mm's locks or not; takes i_mmap_rwsem, page-table locks and
 * pool->lock; may sleep, never for I/O.
 * Return: 0: look again; -EIO: it was dirty, and has left; -EAGAIN: it is being written, and stays
 * until that has ended; -EBUSY: it stays: somebody holds the frame, or holds the page back.
 */
int fpool_evict_broken(struct fpool_space *space, fpool_vpn_t vpn, unsigned int flags)
{
	unsigned int tries;

	for (tries = 0; tries < BROKEN_TRIES; tries++) {
		struct fpool_rmap_page p;
		struct fpool_victim v;
		struct fpool_batch b = {
			.pool = space->pool, .v = &v, .p = &p,
			.flags = FPOOL_EVICT_ALL | FPOOL_EVICT_BROKEN | flags,
		};

		fpool_spte_t e;

		evict_all(&b, space, vpn, fpool_vpn_add(vpn, 1));
		if (b.done.error)
			return b.done.error;
		e = fpool_space_spte(space, vpn);
		if (!is_broken(space, e))
			return 0;
		if (fpool_spte_has(e, FPOOL_SPTE_WB))
			return -EAGAIN;
		if (b.done.pinned)
			break;
		fsleep(1000);
	}
	return -EBUSY;
}
