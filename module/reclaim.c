// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reclaim thread: keeps the free frames of a pool between two watermarks.
 *
 *	free frames
 *	  high  ----------------  it stops
 *	  low   ----------------  it starts
 *	  0     ----------------  faulters evict clean pages for themselves
 *
 * It is also the one who writes the dirty pages that faulters chose: a faulter may hold locks
 * that the file system under the backing file needs.
 */
#include "reclaim.h"

#include <linux/kthread.h>

#include "evict.h"

static bool has_work(struct fpool_pool *pool)
{
	return READ_ONCE(pool->laundry.len) ||
	       (fpool_pool_is_low(pool) && READ_ONCE(pool->frames.count[FPOOL_FRAME_RESIDENT]));
}

static u64 work(struct fpool_pool *pool)
{
	u64 freed = 0;
	u32 nfree, high;

	while (READ_ONCE(pool->laundry.len) && !kthread_should_stop()) {
		u64 nr = fpool_evict_laundry(pool);

		if (!nr)
			break;
		freed += nr;
	}
	nfree = READ_ONCE(pool->buddy.nfree);
	high = fpool_pool_high(pool);
	if (nfree < high)
		freed += fpool_evict_some(pool, high - nfree, true);
	return freed;
}

static int reclaimer(void *data)
{
	struct fpool_pool *pool = data;

	while (!kthread_should_stop()) {
		wait_event_interruptible(pool->reclaim_wait,
					 has_work(pool) || kthread_should_stop());
		if (kthread_should_stop())
			break;
		/* All pinned, held, or unwritable: look again in a while. */
		if (!work(pool))
			wait_event_interruptible_timeout(pool->reclaim_wait, kthread_should_stop(),
							 HZ / 10);
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
	struct task_struct *task = kthread_run(reclaimer, pool, "framepool/%s", pool->name);

	if (IS_ERR(task))
		return PTR_ERR(task);
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
}
