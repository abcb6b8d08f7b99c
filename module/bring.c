// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing a page and waiting for it: for a frame, where none is free or the working set is at its
 * maximum; for the read; for whoever has the page just now.
 *
 * All waits are killable.  Who may hold a lock that the I/O needs waits for a bounded time.
 */
#include "bring.h"

#include <linux/hash.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "evict.h"
#include "evict_range.h"
#include "laundry.h"
#include "mmset.h"
#include "pager.h"

/* Frames that a faulter who finds nothing free tries to win. */
#define DIRECT_RECLAIM	8

/* So often who waits for pages to leave looks himself: one that was read, or held, tells nobody. */
#define LOOK_AGAIN	(HZ / 10)

/* How long a fault waits for a frame, or for I/O where it may not drop its lock. */
unsigned int fpool_bring_wait_ms = 10000;

/* Is the page not busy any more? One that is leaving, and may stay, stays. */
static bool not_busy(struct fpool_space *space, fpool_vpn_t vpn)
{
	const u64 leaving = FPOOL_SPTE_P | FPOOL_SPTE_BUSY;
	fpool_spte_t e = fpool_space_spte(space, vpn);

	if ((fpool_spte_raw(e) & leaving) == leaving) {
		spin_lock(&space->pool->lock);
		fpool_laundry_rescue(space, vpn);
		e = fpool_ptable_peek(&space->ptable, vpn);
		spin_unlock(&space->pool->lock);
	}
	return !fpool_spte_has(e, FPOOL_SPTE_BUSY);
}

/* As wait_event_killable_timeout(). */
static long wait_not_busy(struct fpool_space *space, fpool_vpn_t vpn, long timeout)
{
	struct fpool_pool *pool = space->pool;
	long left;

	fpool_pool_wait_begin(pool);
	left = wait_event_killable_timeout(*fpool_pool_busy_queue(pool, space->id, vpn),
					   not_busy(space, vpn), timeout);
	fpool_pool_wait_end(pool);
	return left;
}

/* Jiffies to sleep, of those that are left, before the next look. */
static long slice(unsigned long limit)
{
	return clamp_t(long, limit - jiffies, 1, LOOK_AGAIN);
}

static bool have_frames(struct fpool_pool *pool)
{
	return READ_ONCE(pool->nfree);
}

static struct fpool_gave_up *gave_up_slot(struct fpool_pool *pool)
{
	return &pool->gave_up[hash_ptr(current, ilog2(FPOOL_GAVE_UP))];
}

static void note_gave_up(struct fpool_space *space, fpool_vpn_t vpn)
{
	struct fpool_pool *pool = space->pool;

	spin_lock(&pool->lock);
	*gave_up_slot(pool) = (struct fpool_gave_up){
		.task = current, .space = space->id, .vpn = vpn, .when = jiffies,
	};
	spin_unlock(&pool->lock);
}

/**
 * fpool_bring_gave_up - has this thread waited too long for this page?
 * @space: the space
 * @vpn: the page
 *
 * A fault that has dropped its lock can only say "retry", so that its retry has to be told.
 *
 * Context: A fault that has waited before; takes pool->lock.
 * Return: whether fpool_bring() has just given up; once.
 */
bool fpool_bring_gave_up(struct fpool_space *space, fpool_vpn_t vpn)
{
	struct fpool_pool *pool = space->pool;
	struct fpool_gave_up *slot = gave_up_slot(pool);
	bool gave_up;

	spin_lock(&pool->lock);
	gave_up = slot->task == current && slot->space == space->id &&
		  fpool_vpn_nr(slot->vpn) == fpool_vpn_nr(vpn) &&
		  time_before(jiffies, slot->when + HZ);
	if (gave_up)
		slot->task = NULL;
	spin_unlock(&pool->lock);
	return gave_up;
}

/* Who is told by this call comes back to hear nothing. */
static int told(struct fpool_space *space, fpool_vpn_t vpn, int err)
{
	if (err)
		fpool_bring_gave_up(space, vpn);
	return err;
}

/* The pool as a whole has frames: the retry of a fault has to be told. */
static int gave_up(struct fpool_space *space, fpool_vpn_t vpn)
{
	note_gave_up(space, vpn);
	return -ENOMEM;
}

/*
 * Nothing is free: evict what is clean; if there is nothing, wait until the reclaim thread has
 * written something, or a page can leave that could not.  0: try again; -EINTR: killed; -ENOMEM: in
 * all the time that a fault may wait, nothing.
 */
static int make_room_in_pool(struct fpool_pool *pool, const struct mm_struct *mm,
			     unsigned long timeout)
{
	unsigned long limit = jiffies + timeout;
	long left;

	fpool_stats_add(&pool->stats, FPOOL_STAT_DIRECT_RECLAIMS, 1);
	if (fpool_evict_some(pool, mm, DIRECT_RECLAIM, false))
		return 0;
	fpool_stats_add(&pool->stats, FPOOL_STAT_FRAME_WAITS, 1);
	fpool_pool_want_more(pool);
	do {
		wake_up(&pool->reclaim_wait);
		left = wait_event_killable_timeout(pool->frame_wait, have_frames(pool),
						   slice(limit));
		if (left < 0)
			return -EINTR;
		if (left || fpool_evict_some(pool, mm, DIRECT_RECLAIM, true))
			return 0;
	} while (time_before(jiffies, limit));
	return -ENOMEM;
}

/* The same where the working set is at its maximum: another page of its own leaves. */
static int make_room_in_set(struct fpool_space *space, const struct mm_struct *mm,
			    fpool_vpn_t vpn, unsigned long timeout)
{
	struct fpool_pool *pool = space->pool;
	unsigned long limit = jiffies + timeout;
	long left;

	if (fpool_evict_own(pool, mm, 1, false))
		return 0;
	fpool_stats_add(&pool->stats, FPOOL_STAT_FRAME_WAITS, 1);
	do {
		wake_up(&pool->reclaim_wait);
		left = wait_event_killable_timeout(pool->frame_wait,
						   fpool_mmset_has_room(pool, mm), slice(limit));
		if (left < 0)
			return -EINTR;
		if (left || fpool_evict_own(pool, mm, 1, true))
			return 0;
	} while (time_before(jiffies, limit));
	return gave_up(space, vpn);
}

/*
 * The page tables have all nodes that they may have, and each leaf has a page: when pages leave
 * some leaves may come to have nothing but ghosts.  But what is pinned leaves never: after one turn
 * of the pool in which no node came free, pages leave a few at a time.
 */
static bool evict_for_nodes(struct fpool_pool *pool, const struct mm_struct *mm)
{
	bool promising;
	u64 freed;

	spin_lock(&pool->lock);
	promising = pool->in_vain < pool->region.nframes || fpool_pool_is_low(pool);
	if (!promising)
		pool->in_vain -= DIRECT_RECLAIM;
	spin_unlock(&pool->lock);
	if (!promising)
		return false;
	freed = fpool_evict_some(pool, mm, DIRECT_RECLAIM, false);
	spin_lock(&pool->lock);
	pool->in_vain += freed;
	spin_unlock(&pool->lock);
	return freed;
}

/* The same where there is no node for the page table. */
static int make_room_for_nodes(struct fpool_space *space, const struct mm_struct *mm,
			       fpool_vpn_t vpn, unsigned long timeout)
{
	struct fpool_pool *pool = space->pool;
	unsigned long limit = jiffies + timeout;
	long left;

	fpool_stats_add(&pool->stats, FPOOL_STAT_FRAME_WAITS, 1);
	while (!fpool_pager_make_nodes(space, vpn)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, limit))
			return gave_up(space, vpn);
		if (evict_for_nodes(pool, mm))
			continue;
		wake_up(&pool->reclaim_wait);
		left = wait_event_killable_timeout(pool->frame_wait,
						   fpool_pager_make_nodes(space, vpn),
						   slice(limit));
		if (left < 0)
			return -EINTR;
	}
	return 0;
}

/* @err: why the page could not be claimed. */
static int make_room(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		     int err, unsigned long timeout)
{
	switch (err) {
	case -EAGAIN:
		return 0;
	case -EDQUOT:
		return make_room_in_set(space, mm, vpn, timeout);
	case -ENOBUFS:
		return make_room_for_nodes(space, mm, vpn, timeout);
	case -ENOMEM:
		return make_room_in_pool(space->pool, mm, timeout);
	default:
		return err;
	}
}

/* Is the page's read really under way? Then nobody's lock is in its way, only a slow device. */
static bool is_being_read(struct fpool_space *space, fpool_vpn_t vpn)
{
	struct fpool_pool *pool = space->pool;
	const struct fpool_frame_info *info;
	fpool_spte_t e;
	bool reading = false;

	spin_lock(&pool->lock);
	e = fpool_ptable_peek(&space->ptable, vpn);
	if (fpool_spte_has(e, FPOOL_SPTE_BUSY)) {
		info = fpool_frames_info(&pool->frames, fpool_spte_frame(e));
		reading = info->state == FPOOL_FRAME_FILL && !READ_ONCE(info->aux);
	}
	spin_unlock(&pool->lock);
	return reading;
}

/**
 * fpool_bring_wait - wait for a page that is on its way
 * @space: the space, of which the caller has a reference
 * @vpn: the page
 * @bounded: the caller is in a system call and may hold a lock of a file system's
 *
 * Context: Process context, with no lock of mm's.
 * Return: 0: the entry is not busy any more; -EINTR: killed; -ETIMEDOUT: @bounded, and for
 * fpool_bring_wait_ms it was not the device that was waited for.
 */
int fpool_bring_wait(struct fpool_space *space, fpool_vpn_t vpn, bool bounded)
{
	long timeout = bounded ? msecs_to_jiffies(fpool_bring_wait_ms) ?: 1 : MAX_SCHEDULE_TIMEOUT;
	long left;

	do {
		left = wait_not_busy(space, vpn, timeout);
	} while (!left && is_being_read(space, vpn));
	if (left)
		return left < 0 ? -EINTR : 0;
	note_gave_up(space, vpn);
	return -ETIMEDOUT;
}

/**
 * fpool_bring - bring a page and wait for it
 * @space: the space, of which the caller has a reference
 * @mm: for whom, as fpool_pager_start()
 * @vpn: the page
 * @how: FPOOL_FILL_*
 * @bounded: the caller is in a system call and may hold a lock of a file system's
 *
 * Context: Process context, with no lock of mm's: it may reclaim, and it waits for I/O, killably.
 * Return: 0: the entry is not busy any more; look again; -EINTR: killed; -ENXIO: past the end;
 * -ENOMEM: no frame, or no node, for fpool_bring_wait_ms; -ETIMEDOUT: @bounded, and for as long it
 * was not the device that was waited for.
 */
int fpool_bring(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		unsigned int how, bool bounded)
{
	unsigned long timeout = msecs_to_jiffies(fpool_bring_wait_ms);
	int err;

	for (;;) {
		err = fpool_pager_start(space, mm, vpn, how | FPOOL_FILL_HERE, NULL);
		if (!err || err == -EEXIST)
			return fpool_bring_wait(space, vpn, bounded);
		err = make_room(space, mm, vpn, err, timeout);
		if (err)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
}

/**
 * fpool_bring_bounded - bring a page for somebody who has to keep his locks
 * @space: the space, of which the caller has a reference
 * @mm: for whom, as fpool_pager_start()
 * @vpn: the page
 *
 * Context: A fault that may not drop mmap_lock. A worker does the I/O; it may need a lock
 * whose holder waits for ours, so the wait ends after fpool_bring_wait_ms.
 * Return: 0: present, or it was a moment ago; -ETIMEDOUT; -EINTR; -ENXIO; -ENOMEM; or the error
 * of the fill.
 */
int fpool_bring_bounded(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn)
{
	unsigned long limit = jiffies + msecs_to_jiffies(fpool_bring_wait_ms);
	long left;
	int err;

	for (;;) {
		left = max_t(long, limit - jiffies, 1);
		err = fpool_pager_start(space, mm, vpn, FPOOL_FILL_ALONE, NULL);
		if (!err || err == -EEXIST)
			break;
		err = make_room(space, mm, vpn, err, left);
		if (err)
			return told(space, vpn, err);
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, limit))
			return -ENOMEM;
	}
	left = wait_not_busy(space, vpn, left);
	if (left <= 0)
		return left ? -EINTR : -ETIMEDOUT;
	return fpool_pager_take_error(space, vpn);
}

/**
 * fpool_bring_starved - is it time for a fault to give up?
 * @space: the space
 * @vpn: a page that is still absent after the fault has waited
 *
 * A page that is busy has a frame: it is coming, or it is being written and will stay where that
 * fails.
 *
 * Context: Any process context; takes pool->lock.
 * Return: whether nothing has become free for fpool_bring_wait_ms although somebody wanted it.
 */
bool fpool_bring_starved(struct fpool_space *space, fpool_vpn_t vpn)
{
	struct fpool_pool *pool = space->pool;
	bool starved;
	fpool_spte_t e;

	spin_lock(&pool->lock);
	e = fpool_ptable_peek(&space->ptable, vpn);
	starved = !fpool_spte_has(e, FPOOL_SPTE_P | FPOOL_SPTE_BUSY) &&
		  pool->starved_since && !pool->nfree &&
		  time_after_eq(jiffies, pool->starved_since +
					 msecs_to_jiffies(fpool_bring_wait_ms));
	spin_unlock(&pool->lock);
	if (starved)
		fpool_space_count(space, FPOOL_STAT_STARVED, 1);
	return starved;
}

/* The memory of a page that is there is broken. 0: look again. */
static int leave_broken(struct fpool_space *space, fpool_vpn_t vpn)
{
	int err = fpool_evict_broken(space, vpn, 0);

	if (err == -EAGAIN)
		return fpool_laundry_wait_settled(space, vpn, true);
	return err ? -EIO : 0;
}

/**
 * fpool_bring_get - the page, brought if it is absent
 * @space: the space, of which the caller has a reference
 * @mm: for whom, as fpool_pager_start()
 * @vpn: the page
 * @how: FPOOL_FILL_*
 *
 * Context: As fpool_bring().
 * Return: the page with a reference, or an ERR_PTR: -EINTR, -ENXIO, -ENOMEM, the error of the
 * fill, or -EIO: it was in broken memory and is lost, or somebody keeps it there.
 */
struct page *fpool_bring_get(struct fpool_space *space, const struct mm_struct *mm,
			     fpool_vpn_t vpn, unsigned int how)
{
	struct page *page;
	int err;

	for (;;) {
		page = fpool_pager_lookup(space, vpn);
		if (page && unlikely(PageHWPoison(page))) {
			put_page(page);
			err = leave_broken(space, vpn);
			if (err)
				return ERR_PTR(err);
			continue;
		}
		if (page) {
			if (!(how & FPOOL_FILL_ONCE))
				folio_set_referenced(page_folio(page));
			return page;
		}
		err = fpool_bring(space, mm, vpn, how, false);
		if (!err)
			err = fpool_pager_take_error(space, vpn);
		if (err)
			return ERR_PTR(told(space, vpn, err));
	}
}

/**
 * fpool_bring_store - bring an absent page by storing all of it
 * @space: the space, of which the caller has a reference
 * @mm: for whom, as fpool_pager_start()
 * @vpn: the page
 * @how: FPOOL_FILL_*
 * @iter: where the bytes come from
 *
 * Context: As fpool_bring(); for the device it does not wait.
 * Return: the page with a reference, and @iter is a page further; NULL: it is there or on its way,
 * or its bytes are not to be had without a fault: fpool_bring_get() is to be asked for it; or an
 * ERR_PTR: -EINTR, -ENXIO, -ENOMEM.
 */
struct page *fpool_bring_store(struct fpool_space *space, const struct mm_struct *mm,
			       fpool_vpn_t vpn, unsigned int how, struct iov_iter *iter)
{
	unsigned long timeout = msecs_to_jiffies(fpool_bring_wait_ms);
	struct page *page;
	int err;

	for (;;) {
		err = fpool_pager_store(space, mm, vpn, iter, &page);
		if (err == -EEXIST || err == -EFAULT)
			return NULL;
		if (!err) {
			if (!(how & FPOOL_FILL_ONCE))
				folio_set_referenced(page_folio(page));
			return page;
		}
		err = make_room(space, mm, vpn, err, timeout);
		if (err)
			return ERR_PTR(told(space, vpn, err));
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
	}
}
