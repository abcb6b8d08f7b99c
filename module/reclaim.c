// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reclaim thread: keeps the free frames of a pool between two watermarks.
 *
 *	free frames
 *	  high  ----------------  it stops
 *	  low   ----------------  it starts
 *	  0     ----------------  faulters evict clean pages for themselves
 *
 * It is also the one who writes the dirty pages that faulters chose (the laundry): a faulter may
 * hold locks that the file system under the backing file needs.  It waits neither for those nor for
 * the device: loads of pages are under way together, some in workers' hands (launder.c), and their
 * frames become free when they have landed.
 * Where that takes time, low and high rise by the frames that are taken meanwhile (pool->lead).
 * Where a device stands still and the laundry is full, only clean pages leave.
 */
#include "reclaim.h"

#include <linux/kthread.h>

#include "cleaner.h"
#include "evict.h"
#include "launder.h"
#include "laundry.h"

static bool has_work(struct fpool_pool *pool)
{
	return fpool_launder_landed(pool) || fpool_launder_may_start(pool) ||
	       (fpool_pool_is_low(pool) && fpool_laundry_lets_evict(pool) &&
		READ_ONCE(pool->frames.count[FPOOL_FRAME_RESIDENT]));
}

/* What nobody could write has to become clean before it can leave. */
static void hurry(struct fpool_pool *pool)
{
	struct fpool_space *space;

	while ((space = fpool_launder_put_off(pool))) {
		fpool_cleaner_hurry(space);
		fpool_space_put(space);
	}
}

/*
 * Who stores may want this processor, and would have to wait for its next tick, or the one after
 * that.  Not who fills blocks: he has to find neighbouring frames free.
 */
static void give_way(struct fpool_pool *pool)
{
	if (!fpool_pool_in_bulk(pool))
		yield();
}

/* Write what waits for it. Returns pages that came nearer to leaving. */
static u64 wash(struct fpool_pool *pool)
{
	u64 done = 0;

	while (fpool_launder_may_start(pool) && !kthread_should_stop()) {
		done += fpool_launder_start(pool);
		hurry(pool);
		give_way(pool);
	}
	return done;
}

static u64 work(struct fpool_pool *pool, bool again)
{
	u64 all = 0, done;
	u32 nfree, high;

	do {
		done = fpool_launder_reap(pool);
		hurry(pool);
		fpool_laundry_turn_out(pool);
		nfree = READ_ONCE(pool->nfree);
		high = fpool_pool_high(pool);
		if (nfree < high && fpool_laundry_lets_evict(pool))
			done += fpool_evict_some(pool, NULL, high - nfree, again);
		done += wash(pool);
		all += done;
	} while (done && nfree < high && !kthread_should_stop());
	return all;
}

static int reclaimer(void *data)
{
	struct fpool_pool *pool = data;
	bool in_vain = false;

	while (!kthread_should_stop()) {
		wait_event_interruptible(pool->reclaim_wait,
					 has_work(pool) || kthread_should_stop());
		if (kthread_should_stop())
			break;
		/* All pinned, held, unwritable, or dirty: look again in a while. */
		in_vain = !work(pool, in_vain);
		if (in_vain)
			wait_event_interruptible_timeout(pool->reclaim_wait,
							 fpool_launder_landed(pool) ||
							 fpool_launder_may_start(pool) ||
							 kthread_should_stop(), HZ / 10);
	}
	return 0;
}

/**
 * fpool_reclaim_start - start the reclaim thread
 * @pool: the pool
 *
 * Context: Process context.
 * Return: 0, or the error of starting a thread (-ENOMEM, -EINTR).
 */
int fpool_reclaim_start(struct fpool_pool *pool)
{
	struct task_struct *task;
	int err = fpool_launder_create(pool);

	if (err)
		return err;
	task = kthread_run(reclaimer, pool, "framepool/%s", pool->name);
	if (IS_ERR(task)) {
		fpool_launder_destroy(pool);
		return PTR_ERR(task);
	}
	pool->reclaimer = task;
	return 0;
}

/**
 * fpool_reclaim_stop - stop it
 * @pool: the pool, without resident pages
 *
 * Context: Process context; waits for the thread.
 */
void fpool_reclaim_stop(struct fpool_pool *pool)
{
	kthread_stop(pool->reclaimer);
	fpool_launder_destroy(pool);
}
