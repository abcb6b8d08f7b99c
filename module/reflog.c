// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of one recording of a space: a ring of references, in the order in which the pool
 * learnt of them.
 *
 *	exact		a fault that gets its page, a read() or a write(): who did it does it now
 *	FRAMEPOOL_REF_SEEN	an accessed or dirty bit that eviction, write-back or another look
 *			has found and cleared: it was used since the bit was cleared before
 *
 * What is seen between two takes of the log would otherwise be unknown to the next look at the
 * bits.  The ring never grows; what does not fit is counted.
 */
#include "reflog.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

/* References: 1 MiB. */
#define CAPACITY	131072U

/* Letter L: @lock. */
struct fpool_reflog {
	struct rcu_head rcu;
	spinlock_t lock;	/* L: leaf; nothing is taken under it */
	u32 first, nr;		/* L */
	u64 lost;		/* L */
	u64 ref[CAPACITY];	/* L */
};

/**
 * fpool_reflog_create - an empty log
 *
 * It is charged to the caller.
 *
 * Context: Process context; may sleep.
 * Return: the log, or NULL: no memory.
 */
struct fpool_reflog *fpool_reflog_create(void)
{
	struct fpool_reflog *log = kvzalloc(sizeof(*log), GFP_KERNEL_ACCOUNT);

	if (log)
		spin_lock_init(&log->lock);
	return log;
}

/**
 * fpool_reflog_destroy - free a log that no space has any more
 * @log: the log
 *
 * Context: Process context. Who found it before it was taken off may still add to it.
 */
void fpool_reflog_destroy(struct fpool_reflog *log)
{
	kvfree_rcu(log, rcu);
}

static u64 *newest(struct fpool_reflog *log)
{
	return log->nr ? &log->ref[(log->first + log->nr - 1) % CAPACITY] : NULL;
}

/*
 * Nothing but this page was used since the last one that was noted: then it is the same use; a
 * bit that is seen may be the one that an exact use has left.
 */
static bool merge(u64 *last, u64 ref)
{
	if (!last || (*last ^ ref) & FRAMEPOOL_REF_PAGE)
		return false;
	if (*last & FRAMEPOOL_REF_SEEN && !(ref & FRAMEPOOL_REF_SEEN))
		return false;
	*last |= ref & FRAMEPOOL_REF_WRITE;
	return true;
}

/**
 * fpool_reflog_add - for fpool_reflog_note()
 * @where: of the space
 * @vpn: the page
 * @how: FRAMEPOOL_REF_*
 *
 * Context: Any but interrupts.
 */
void fpool_reflog_add(struct fpool_reflog __rcu **where, u64 vpn, u64 how)
{
	struct fpool_reflog *log;
	u64 ref = vpn | how;

	rcu_read_lock();
	log = rcu_dereference(*where);
	if (!log)
		goto unlock;
	spin_lock(&log->lock);
	if (merge(newest(log), ref))
		;
	else if (log->nr == CAPACITY)
		log->lost++;
	else
		log->ref[(log->first + log->nr++) % CAPACITY] = ref;
	spin_unlock(&log->lock);
unlock:
	rcu_read_unlock();
}

/**
 * fpool_reflog_take - the oldest references, which leave the log
 * @log: the log
 * @refs: out
 * @nr: room for so many
 *
 * Context: Process context; takes the log's lock.
 * Return: how many there were.
 */
u32 fpool_reflog_take(struct fpool_reflog *log, u64 *refs, u32 nr)
{
	u32 i;

	spin_lock(&log->lock);
	nr = min(nr, log->nr);
	for (i = 0; i < nr; i++)
		refs[i] = log->ref[(log->first + i) % CAPACITY];
	log->first = (log->first + nr) % CAPACITY;
	log->nr -= nr;
	spin_unlock(&log->lock);
	return nr;
}

/**
 * fpool_reflog_lost - references for which there was no room
 * @log: the log
 *
 * Context: Process context; takes the log's lock.
 * Return: how many, since it was made.
 */
u64 fpool_reflog_lost(struct fpool_reflog *log)
{
	u64 lost;

	spin_lock(&log->lock);
	lost = log->lost;
	spin_unlock(&log->lock);
	return lost;
}
