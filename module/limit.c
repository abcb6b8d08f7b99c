// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limiting a working set.
 *
 * A new maximum holds from its first moment: nothing more comes.  What the set has above it is made
 * to leave in steps, between which the caller holds nothing, because what is dirty has to be
 * written first.
 */
#include "limit.h"

#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "bring.h"
#include "evict.h"

static long begin(struct fpool_pool *pool, void *arg)
{
	struct fpool_limit *l = arg;

	if (!l->mm)
		return -ESRCH;
	l->pool = pool->id;
	l->excess = U32_MAX;
	l->since = jiffies;
	return fpool_mmset_limit(pool, l->mm, &l->limiting, l->min, l->max);
}

/*
 * Make some of what is above the maximum leave, in a few milliseconds: @with may hold what others
 * want.  -EAGAIN: there is more.
 */
static long step(struct fpool_pool *pool, void *arg)
{
	struct fpool_limit *l = arg;
	u32 excess;
	int err;

	/* Another one of this name: the set has gone with its pool. */
	if (pool->id != l->pool)
		return -ESRCH;
	l->left = fpool_evict_over(pool, l->mm, l->left);
	err = fpool_mmset_excess(pool, l->mm, &l->limiting, &excess);
	if (err)
		return err;
	if (!excess) {
		fpool_mmset_limited(pool, l->mm, &l->limiting);
		return 0;
	}
	if (fatal_signal_pending(current))
		return -EINTR;
	if (excess < l->excess) {
		l->excess = excess;
		l->since = jiffies;
		l->rounds = 0;
	} else if (!l->left) {
		l->rounds++;
	}
	/* The round in which something has left last, and a whole one. */
	return l->rounds > 1 &&
	       time_after(jiffies, l->since + msecs_to_jiffies(fpool_bring_wait_ms)) ? -EBUSY :
										       -EAGAIN;
}

static long undo(struct fpool_pool *pool, void *arg)
{
	const struct fpool_limit *l = arg;

	if (pool->id == l->pool)
		fpool_mmset_unlimit(pool, l->mm, &l->limiting);
	return 0;
}

static long forgo(struct fpool_pool *pool, void *arg)
{
	const struct fpool_limit *l = arg;

	if (pool->id == l->pool)
		fpool_mmset_forgo(pool, l->mm, &l->limiting);
	return 0;
}

/* Until it is this limiting's turn: one that is under way ends, or is undone, in bounded time. */
static long begin_in_turn(struct fpool_limit *l)
{
	long err;

	while ((err = l->with(l->whose, begin, l)) == -EAGAIN && !fatal_signal_pending(current))
		schedule_timeout_killable(1);
	/* What was waited for has perhaps changed what this one may do. */
	if (err)
		l->with(l->whose, forgo, l);
	return err == -EAGAIN ? -EINTR : err;
}

static long reach(struct fpool_limit *l)
{
	long err = begin_in_turn(l);

	if (err)
		return err;
	/* Within a round there is nothing to wait for; others may have what @with holds. */
	while ((err = l->with(l->whose, step, l)) == -EAGAIN)
		if (!l->left)
			schedule_timeout_killable(1);
		else
			cond_resched();
	if (err == -EBUSY || err == -EINTR)
		l->with(l->whose, undo, l);
	return err;
}

/**
 * fpool_limit_set - limit a process's working set, and wait until it has no more than that
 * @l: whose, and the limits
 *
 * Several for one set come one after the other: each holds, or has changed nothing.
 *
 * Context: System call; may sleep, but for no device, and ends where that is killed.
 * Return: 0; as @l->with and fpool_mmset_limit(); and then nothing has changed: -EINVAL: a negative
 * pid; -ESRCH: the process, or its last mapping, has gone; -EINTR: killed; -EBUSY: for as long as a
 * fault waits for a frame, nothing could leave.
 */
long fpool_limit_set(struct fpool_limit *l)
{
	long err;

	if (l->pid < 0)
		return -EINVAL;
	l->mm = fpool_mmset_get_mm(l->pid);
	if (l->mm) {
		/* It is only compared with; but no other one shall be where it was. */
		mmgrab(l->mm);
		mmput(l->mm);
	}
	err = reach(l);
	if (l->mm)
		mmdrop(l->mm);
	return err;
}
