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

static long begin(struct fpool_pool *pool, const struct mm_struct *mm, void *arg)
{
	struct fpool_limit *l = arg;
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

/* Make some of what is above the maximum leave; -EAGAIN: there is more. */
static long step(struct fpool_pool *pool, const struct mm_struct *mm, void *arg)
{
	struct fpool_limit *l = arg;
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

/* The limits are again what they were; what has left meanwhile comes back when it is touched. */
static long undo(struct fpool_pool *pool, const struct mm_struct *mm, void *arg)
{
	const struct fpool_limit *l = arg;

	if (pool->id == l->pool)
		fpool_mmset_limit(pool, mm, l->min_before, l->max_before, true);
	return 0;
}

/**
 * fpool_limit_set - limit a process's working set, and wait until it has no more than that
 * @l: whose, and the limits
 *
 * Context: System call; may sleep, but for no device, and ends where that is killed.
 * Return: 0; as @l->with and fpool_mmset_limit(); and then nothing has changed: -EINTR: killed;
 * -EBUSY: for as long as a fault waits for a frame, nothing could leave.
 */
long fpool_limit_set(struct fpool_limit *l)
{
	long err = l->with(l->whose, begin, l);

	if (err)
		return err;
	while ((err = l->with(l->whose, step, l)) == -EAGAIN)
		schedule_timeout_killable(1);
	if (err == -EBUSY || err == -EINTR)
		l->with(l->whose, undo, l);
	return err;
}
