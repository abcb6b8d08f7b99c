// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cleaner: what is stored reaches the file though nobody asks for it.
 *
 * A store through a mapping is in memory only until somebody syncs, or until its page must leave.
 * So the cleaner comes by at an interval, and with each space of a pool it does three things:
 *
 *	write	what was known to be dirty when it comes: a page that was stored to before its
 *		last visit
 *	look	which pages are dirty now: those are for the next visit
 *	bound	if there are more of them than a part of the pool all are written now
 *
 * So a page that is stored to all the time is written once in an interval, and no store is older
 * than two of them when its page is written.  A pool whose pages must leave finds most of them
 * clean.  As with a file system's own write-back the device's cache is not flushed: that is what a
 * sync is for.
 *
 * Pages that a program holds back, or the kernel has pinned, are passed.  So is a file system that
 * is frozen, and a space whose last write has just failed: it has its next try at a later visit.
 * Such an error is one as any other, and each descriptor's next sync tells of it.
 *
 * What the pool has written since its last visit shows in the file's time of change from then on.
 *
 * It comes out of turn, too, and writes what is known to be dirty, where the laundry had no worker
 * for that (launder.c).
 *
 * Each space is visited by a worker of its own, because a visit waits for its device, and for locks
 * of its file system that a program may keep.  Where the last one has not ended there is no other.
 */
#include "cleaner.h"

#include <linux/workqueue.h>

#include "laundry.h"
#include "space.h"
#include "writeback.h"

/* Dirty pages of a space after a visit: at most one in so many of the pool's frames. */
#define DIRTY_PART	4

unsigned int fpool_cleaner_ms = 5000;

/* Stands still with user space: while an image of the memory is written files must not change. */
static struct workqueue_struct *clean_queue;

/* Under pool->lock: if nobody else is at it, it is marked, with a reference for who will be. */
static bool begin_visit(struct fpool_space *space)
{
	if (space->cleaning || !fpool_backing_writable(&space->backing))
		return false;
	space->cleaning = true;
	fpool_space_get(space);
	return true;
}

static void end_visit(struct fpool_space *space)
{
	spin_lock(&space->pool->lock);
	space->cleaning = false;
	spin_unlock(&space->pool->lock);
	fpool_space_put(space);
}

/* The next space from an id on, or NULL, and whether it is @ours to visit. */
static struct fpool_space *next_space(struct fpool_pool *pool, unsigned long *id, bool *ours)
{
	struct fpool_space *space = NULL;
	struct fpool_ptable *table;

	spin_lock(&pool->lock);
	table = xa_find(&pool->tables, id, ULONG_MAX, XA_PRESENT);
	if (table) {
		space = container_of(table, struct fpool_space, ptable);
		*ours = begin_visit(space);
	}
	spin_unlock(&pool->lock);
	return space;
}

/* Would writing now be in vain, or wait for ever? */
static bool must_wait(struct fpool_space *space)
{
	bool early;

	spin_lock(&space->pool->lock);
	early = time_before(jiffies, space->retry_at);
	spin_unlock(&space->pool->lock);
	return early || fpool_backing_frozen(&space->backing);
}

static void visit(struct fpool_space *space)
{
	u64 written = 0, failed = 0, dirty;

	if (!fpool_backing_writable(&space->backing) || must_wait(space) ||
	    fpool_writeback_known(space))
		return;
	dirty = fpool_writeback_look(space);
	if (dirty > space->pool->wsets.capacity / DIRTY_PART && !must_wait(space))
		fpool_writeback_range(space, fpool_vpn(0), fpool_vpn(FPOOL_VPN_MAX), &written,
				      &failed);
}

static void visit_work(struct work_struct *work)
{
	struct fpool_space *space = container_of(work, struct fpool_space, clean_work);

	/* It may have waited for a place. */
	if (READ_ONCE(space->pool->clean_ms)) {
		visit(space);
		if (!fpool_backing_frozen(&space->backing))
			fpool_backing_tell_time(&space->backing);
	}
	end_visit(space);
}

static void hurry_work(struct work_struct *work)
{
	struct fpool_space *space = container_of(work, struct fpool_space, clean_work);

	if (!fpool_backing_frozen(&space->backing))
		fpool_writeback_known(space);
	fpool_laundry_leave(space);
	wake_up(&space->pool->reclaim_wait);
	end_visit(space);
}

/**
 * fpool_cleaner_hurry - what is known to be dirty has to become clean before it can leave
 * @space: the space, writable
 *
 * If the cleaner is there nothing is done.
 *
 * Context: Process context; takes pool->lock.
 */
void fpool_cleaner_hurry(struct fpool_space *space)
{
	bool ours;

	spin_lock(&space->pool->lock);
	ours = begin_visit(space);
	spin_unlock(&space->pool->lock);
	if (!ours)
		return;
	fpool_laundry_attend(space);
	INIT_WORK(&space->clean_work, hurry_work);
	queue_work(clean_queue, &space->clean_work);
}

static void clean_work(struct work_struct *work)
{
	struct fpool_pool *pool = container_of(to_delayed_work(work), struct fpool_pool,
					       clean_work);
	struct fpool_space *space;
	unsigned long id = 0;
	unsigned int ms;
	bool ours;

	for (; READ_ONCE(pool->clean_ms) && (space = next_space(pool, &id, &ours)); id++) {
		if (!ours)
			continue;
		INIT_WORK(&space->clean_work, visit_work);
		queue_work(clean_queue, &space->clean_work);
	}
	ms = READ_ONCE(pool->clean_ms);
	if (ms)
		queue_delayed_work(clean_queue, &pool->clean_work, msecs_to_jiffies(ms));
}

/**
 * fpool_cleaner_start - the first visit is an interval away
 * @pool: a new pool
 *
 * Context: Process context.
 */
void fpool_cleaner_start(struct fpool_pool *pool)
{
	INIT_DELAYED_WORK(&pool->clean_work, clean_work);
	fpool_cleaner_set(pool, READ_ONCE(fpool_cleaner_ms));
}

/**
 * fpool_cleaner_set - set the interval of a pool
 * @pool: the pool
 * @ms: milliseconds from one visit to the next, counted anew from now on; 0: nobody comes
 *
 * Context: Process context; not beside fpool_cleaner_stop().
 */
void fpool_cleaner_set(struct fpool_pool *pool, unsigned int ms)
{
	WRITE_ONCE(pool->clean_ms, ms);
	if (ms)
		mod_delayed_work(clean_queue, &pool->clean_work, msecs_to_jiffies(ms));
	else
		cancel_delayed_work(&pool->clean_work);
}

/**
 * fpool_cleaner_stop - nobody comes any more
 * @pool: a pool without spaces, of which nobody sets the interval
 *
 * Context: Process context; waits for the start of visits.
 */
void fpool_cleaner_stop(struct fpool_pool *pool)
{
	cancel_delayed_work_sync(&pool->clean_work);
}

/**
 * fpool_cleaner_init - where the cleaner of all pools runs
 *
 * Context: Module load.
 * Return: 0 or -ENOMEM.
 */
int fpool_cleaner_init(void)
{
	/* There is at most one visit for each space: as many as can be. */
	clean_queue = alloc_workqueue("framepool-clean", WQ_UNBOUND | WQ_FREEZABLE,
				      WQ_UNBOUND_MAX_ACTIVE);
	return clean_queue ? 0 : -ENOMEM;
}

/**
 * fpool_cleaner_exit - end it
 *
 * Context: Module unload, all pools gone.
 */
void fpool_cleaner_exit(void)
{
	destroy_workqueue(clean_queue);
}
