// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limiting a working set.
 *
 * A new maximum holds from its first moment: nothing more comes.  What the set has above it is made
 * to leave in steps, between which the caller holds nothing, because what is dirty has to be
 * written first.
 */
#include "limit.h"

#include <linux/sched/signal.h>

#include "evict.h"
#include "mmset.h"
#include "pager.h"

/**
 * fpool_limit_begin - set the limits of an address space's working set
 * @pool: the pool
 * @mm: the address space
 * @l: the limits; the rest is for the next calls
 *
 * Context: System call.
 * Return: 0; or as fpool_mmset_limit().
 */
int fpool_limit_begin(struct fpool_pool *pool, const struct mm_struct *mm, struct fpool_limit *l)
{
	struct framepool_wset before;
	int err = fpool_mmset_info(pool, mm, &before);

	if (err)
		return err;
	l->min_before = before.min;
	l->max_before = before.max;
	l->pool = pool->id;
	l->excess = U32_MAX;
	l->since = jiffies;
	return fpool_mmset_limit(pool, mm, l->min, l->max, false);
}

/**
 * fpool_limit_step - make some of what is above the maximum leave
 * @pool: the pool
 * @mm: the address space
 * @l: as fpool_limit_begin() has left it
 *
 * Context: System call; may sleep, but does not wait for a device.
 * Return: 0: the set has no more than its maximum; -EAGAIN: call it again in a moment; -EINTR:
 * killed; -EBUSY: for as long as a fault waits for a frame, nothing could leave.
 */
int fpool_limit_step(struct fpool_pool *pool, const struct mm_struct *mm, struct fpool_limit *l)
{
	u32 excess;

	/* Another one of this name: the set has gone with its pool. */
	if (pool->id != l->pool)
		return 0;
	excess = fpool_mmset_excess(pool, mm);
	if (excess) {
		fpool_evict_own(pool, mm, excess);
		excess = fpool_mmset_excess(pool, mm);
	}
	if (!excess) {
		fpool_mmset_forget_peak(pool, mm);
		return 0;
	}
	if (fatal_signal_pending(current))
		return -EINTR;
	if (excess < l->excess) {
		l->excess = excess;
		l->since = jiffies;
	}
	return time_after(jiffies, l->since + msecs_to_jiffies(fpool_pager_wait_ms)) ? -EBUSY :
										       -EAGAIN;
}

/**
 * fpool_limit_undo - the limits are again what they were
 * @pool: the pool
 * @mm: the address space
 * @l: as fpool_limit_begin() has left it
 *
 * What has left meanwhile comes back when it is touched.
 *
 * Context: System call.
 */
void fpool_limit_undo(struct fpool_pool *pool, const struct mm_struct *mm, struct fpool_limit *l)
{
	if (pool->id == l->pool)
		fpool_mmset_limit(pool, mm, l->min_before, l->max_before, true);
}
