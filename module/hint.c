// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs say of the pages that they will use, and will not.
 *
 *	advice		of		what leaves first
 *	SEQUENTIAL	mapping,	what lies behind the reader, unless others use it: his own
 *			descriptor	uses do not count (fpool_handle_counts())
 *	RANDOM		mapping,	nothing else: one page is fetched at a time, and uses count
 *			descriptor
 *	WILLNEED	range		what is there already counts as used
 *	DONTNEED	range		the range, now; it is written where it is dirty
 *	NOREUSE		range		the range, unless it is used again
 *			descriptor	from now on its uses do not count
 *
 * Advice of a mapping is madvise()'s; a mapping without it has that of its descriptor.
 */
#include "hint.h"

#include <linux/sched/signal.h>

#include "rmap.h"

/* On the stack. */
#define BATCH	32

/* It leaves next, unless somebody uses it until then: a page that the policy has. */
static bool cool(struct fpool_space *space, fpool_vpn_t vpn, bool uses_too)
{
	struct fpool_pool *pool = space->pool;
	fpool_spte_t e = fpool_ptable_get(&space->ptable, vpn);
	fpool_frame_t frame;

	if (!fpool_spte_has(e, FPOOL_SPTE_P))
		return false;
	frame = fpool_spte_frame(e);
	if (fpool_frames_info(&pool->frames, frame)->state != FPOOL_FRAME_RESIDENT ||
	    !fpool_policy_knows(fpool_pool_policy(pool, frame), frame))
		return false;
	fpool_page_clear_fresh(fpool_pool_page(pool, frame));
	if (uses_too)
		fpool_page_take_uses(fpool_pool_page(pool, frame));
	fpool_policy_cool(fpool_pool_policy(pool, frame), frame);
	return true;
}

/* The next resident pages of a range; *vpn: past them. */
static u32 gather(struct fpool_space *space, fpool_vpn_t *vpn, fpool_vpn_t end,
		  struct fpool_rmap_page *pages)
{
	u32 nr = 0;

	spin_lock(&space->pool->lock);
	while (nr < BATCH && fpool_space_next(space, vpn, end, FPOOL_SPTE_P, NULL)) {
		pages[nr++] = (struct fpool_rmap_page){ .vpn = fpool_vpn_nr(*vpn) };
		*vpn = fpool_vpn_add(*vpn, 1);
	}
	spin_unlock(&space->pool->lock);
	return nr;
}

/**
 * fpool_hint_cool - the pages of a range leave first, unless somebody uses them again
 * @space: the space, of which the caller has a reference
 * @vpn: first page
 * @end: past the last
 *
 * Whatever uses there were are forgotten, everybody's.
 *
 * Context: Process context; takes i_mmap_rwsem, page-table locks and pool->lock.
 * Return: pages of which that is so now; pinned ones are not among them.
 */
u64 fpool_hint_cool(struct fpool_space *space, fpool_vpn_t vpn, fpool_vpn_t end)
{
	struct fpool_rmap_page pages[BATCH];
	u64 done = 0;
	u32 nr;

	while ((nr = gather(space, &vpn, end, pages)) && !fatal_signal_pending(current)) {
		fpool_rmap_test_clear_young(space, pages, nr);
		spin_lock(&space->pool->lock);
		/* From the end: who is cooled last leaves first. */
		while (nr--)
			done += cool(space, fpool_vpn(pages[nr].vpn), true);
		spin_unlock(&space->pool->lock);
		cond_resched();
	}
	return done;
}

/**
 * fpool_hint_done - a reader whose uses do not count has passed some pages
 * @space: the space, of which the caller has a reference
 * @vpn: first page
 * @nr: pages
 *
 * They leave first, unless others have used them or will.
 *
 * Context: Any process context, a fault's too; takes pool->lock.
 */
void fpool_hint_done(struct fpool_space *space, fpool_vpn_t vpn, u32 nr)
{
	spin_lock(&space->pool->lock);
	while (nr--)
		cool(space, fpool_vpn_add(vpn, nr), false);
	spin_unlock(&space->pool->lock);
}
