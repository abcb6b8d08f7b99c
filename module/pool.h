/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool: a region, the core structures that live in it, and their lock.
 *
 * Field letters (docs/locking.md has the lock order):
 *
 *   I	set once, before anybody else can see the pool
 *   G	fpool_pools_lock
 *   P	pool->lock
 *   R	written under P, read under RCU
 *   X	has its own synchronisation
 */
#ifndef FPOOL_POOL_H
#define FPOOL_POOL_H

#include <linux/hash.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/page-flags.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/framepool.h>

#include "buddy.h"
#include "frames.h"
#include "ptable.h"
#include "region.h"
#include "stats.h"
#include "wset.h"

#define FPOOL_BUSY_QUEUES	64

/* Pages of an aligned run share a queue, as one fill may hold them all. */
#define FPOOL_BUSY_RUN		256

/* Pages of a block that the usual number of free frames may not have room for. */
#define FPOOL_BULK_MIN		16

struct dentry;
struct fpool_whatif;
struct fpool_loads;
struct task_struct;

/* The laundry of a pool; see laundry.c. */
struct fpool_laundry {
	struct list_head ready;		/* P: spaces that have some, and whose turn may come */
	struct list_head attended;	/* P: spaces at which a worker is, with some or without */
	u32 len;			/* P, READ_ONCE: pages */
	u32 nready;			/* P, READ_ONCE: of these, of spaces that are ready */
	unsigned long moved;		/* any time, READ_ONCE: jiffies; some began, or has ended */
};

/* A fault that has waited long enough, and comes back to hear that. */
struct fpool_gave_up {
	const struct task_struct *task;	/* to compare with, not to look at */
	u32 space;
	fpool_vpn_t vpn;
	unsigned long when;		/* jiffies */
};

#define FPOOL_GAVE_UP		16

struct fpool_pool {
	struct list_head link;		/* G */
	char name[FRAMEPOOL_NAME_SIZE];	/* I */
	u32 id;				/* I: its cursor in POOL_NEXT */
	struct fpool_region region;	/* I */
	u32 kernel_frames;		/* I: metadata and the nodes' reserve */
	u32 low, high;			/* I: watermarks of free frames */
	u32 lead_max;			/* I */
	u32 block_order;		/* I: of what is fetched because of a stream, at most */
	u32 lead;			/* any time, READ_ONCE: taken while pages are written */
	u32 clean_ms;			/* any time, READ_ONCE: from one cleaning to the next */
	unsigned long bulk_until;	/* any time, READ_ONCE: jiffies; till then higher ones */

	spinlock_t lock;		/* P: everything in the region */
	struct fpool_buddy buddy;	/* P */
	struct fpool_frames frames;	/* P */
	struct fpool_wsets wsets;	/* P */
	struct hlist_head *mmsets;	/* P: those of processes, by address space; I: the table */
	struct work_struct leave_work;	/* X: gives away what those had that have ended */
	struct xarray pinners;		/* P: who pinned pages, by what their frames carry */
	u32 next_pinner;		/* X, as the lock of @pinners: number of the next */
	u32 npinned;			/* P: pages */
	struct xarray tables;		/* P: the shadow page tables of the spaces, by id */
	u32 next_space;			/* X: an id comes again when all others were used */
	u32 nspaces;			/* P: how many */
	u64 direct_bytes;		/* P: memory of their direct paths */
	u32 next_forget;		/* P: id of the space whose ghosts are dropped next */
	u32 in_vain;			/* P: pages that left for nodes since one was freed */
	u32 nfree;			/* P, READ_ONCE: frames to be had, @spare included */
	u32 spare;			/* P: frames before the buddy, linked by their next ... */
	u32 nspare;			/* P: ... and how many */
	u32 ncached;			/* P: FREE in the table, not in the buddy: these three */
	struct fpool_frame_list node_reserve;	/* P: kernel space kept for nodes */
	struct fpool_frame_list limbo;		/* P: nodes freed since that began */
	struct fpool_frame_list limbo_waiting;	/* P: nodes whose grace period runs */
	struct fpool_laundry laundry;	/* dirty victims that wait until they are written */
	struct fpool_loads *loads;	/* I: what is being written; see launder.c */
	u32 resident_max;		/* P */
	u32 taken;			/* P: frames, ever; wraps */
	struct fpool_gave_up gave_up[FPOOL_GAVE_UP];	/* P: by task */
	unsigned long starved_since;	/* P: jiffies; nothing freed since a faulter wanted it */

	struct mutex victim_lock;	/* choosing victims: one at a time */
	struct rcu_work limbo_work;	/* X */
	struct delayed_work clean_work;	/* X: the cleaner's */
	wait_queue_head_t frame_wait;	/* X: for a free frame */
	wait_queue_head_t busy_wait[FPOOL_BUSY_QUEUES];	/* X: for an entry that is not busy */
	atomic_t nwaiting;		/* X: in all of these */
	wait_queue_head_t reclaim_wait;	/* X: the reclaim thread */
	struct task_struct *reclaimer;	/* I */
	struct workqueue_struct *wq;	/* X: fills, which wait for devices */
	struct workqueue_struct *chores;	/* X: what must not wait behind them */
	struct fpool_stats stats;	/* X */
	struct fpool_whatif __rcu *whatif;	/* R, by whatif.c's switch_lock; NULL: off */
	u64 whatif_last;		/* any time, READ_ONCE: of hashes of its sample; 0: off */
	struct dentry *debugfs;		/* I */
	struct kobject *sysfs;		/* I */
	struct kobj_attribute policy_attr;	/* I */
	struct kobj_attribute whatif_attr;	/* I */
	struct kobj_attribute clean_attr;	/* I */
};

struct fpool_pool_params {
	const char *name;
	u64 bytes;
	u64 base;
	int node;
	const char *policy;
	bool one_set;			/* processes have no working sets of their own */
};

extern struct mutex fpool_pools_lock;
extern struct list_head fpool_pools;	/* G */

struct fpool_pool *fpool_pool_create(const struct fpool_pool_params *params);
void fpool_pool_destroy(struct fpool_pool *pool);
struct fpool_pool *fpool_pool_find(const char *name);
bool fpool_name_valid(const char *name);
void fpool_pool_set_policy(struct fpool_pool *pool, const struct fpool_policy_ops *ops);

int fpool_pool_take(struct fpool_pool *pool, unsigned int order, fpool_frame_t *frame);
void fpool_pool_give_run(struct fpool_pool *pool, fpool_frame_t first, u32 nr);
void fpool_pool_freed(struct fpool_pool *pool);
void fpool_pool_want_more(struct fpool_pool *pool);
void fpool_pool_settle(struct fpool_pool *pool);
void fpool_pool_breathe(struct fpool_pool *pool);
u32 fpool_pool_high(const struct fpool_pool *pool);
int fpool_pool_check(struct fpool_pool *pool);

extern const struct fpool_ptable_ops fpool_pool_node_ops;

bool fpool_pool_make_nodes(struct fpool_pool *pool, struct fpool_ptable *own, u32 nr);

/* Were blocks asked for lately? */
static inline bool fpool_pool_in_bulk(const struct fpool_pool *pool)
{
	return !time_after(jiffies, READ_ONCE(pool->bulk_until));
}

/* Free frames beyond the usual while large blocks are asked for: two, of the largest. */
static inline u32 fpool_pool_extra(const struct fpool_pool *pool)
{
	if (!fpool_pool_in_bulk(pool))
		return 0;
	return min(512U, (pool->region.nframes - pool->kernel_frames) / 32);
}

/*
 * Free frames beyond the usual because writing dirty pages takes time: what is taken meanwhile.
 * Those that are being written are as good as free, but only so many: a device may stand still.
 */
static inline u32 fpool_pool_lead(const struct fpool_pool *pool)
{
	u32 want = READ_ONCE(pool->lead);

	return want - min(want, READ_ONCE(pool->frames.count[FPOOL_FRAME_EVICT]));
}

/**
 * fpool_pool_low - where the reclaim thread begins
 * @pool: the pool
 *
 * Context: Any; without the lock the answer is a hint.
 * Return: free frames.
 */
static inline u32 fpool_pool_low(const struct fpool_pool *pool)
{
	return pool->low + fpool_pool_extra(pool) + fpool_pool_lead(pool);
}

/**
 * fpool_pool_is_low - should the reclaim thread work?
 * @pool: the pool
 *
 * Context: Any; without the lock the answer is a hint.
 * Return: whether fewer frames than the low watermark are free.
 */
static inline bool fpool_pool_is_low(const struct fpool_pool *pool)
{
	return READ_ONCE(pool->nfree) < fpool_pool_low(pool);
}

/*
 * Single frames go round before the allocator: what was given back last is taken first, with its
 * struct page and its entry in the frame table still in the processor's cache.  While nobody asks
 * for blocks there is no need to merge them.  Who does finds the spare ones given to the
 * allocator, so many at a time that the lock is not held for long.
 */
#define FPOOL_SPARE_MAX		4096
#define FPOOL_SPARE_STEP	256

static __always_inline void fpool_pool_spare_push(struct fpool_pool *pool, fpool_frame_t frame)
{
	fpool_frames_info(&pool->frames, frame)->next = pool->spare;
	pool->spare = fpool_frame_nr(frame);
	pool->nspare++;
}

/* Of a pool that has one. */
static __always_inline fpool_frame_t fpool_pool_spare_pop(struct fpool_pool *pool)
{
	fpool_frame_t frame = fpool_frame(pool->spare);
	struct fpool_frame_info *info = fpool_frames_info(&pool->frames, frame);

	pool->spare = info->next;
	info->next = fpool_frame_nr(FPOOL_NO_FRAME);
	pool->nspare--;
	return frame;
}

/**
 * fpool_pool_give - give a frame back
 * @pool: to
 * @frame: marked FREE
 *
 * The caller calls fpool_pool_freed() when it has dropped the lock.
 *
 * Context: Caller holds pool->lock.
 */
static inline void fpool_pool_give(struct fpool_pool *pool, fpool_frame_t frame)
{
	if (unlikely(pool->nspare >= FPOOL_SPARE_MAX)) {
		fpool_pool_give_run(pool, frame, 1);
		return;
	}
	fpool_pool_spare_push(pool, frame);
	WRITE_ONCE(pool->nfree, pool->nfree + 1);
	pool->starved_since = 0;
}

static inline struct page *fpool_pool_page(const struct fpool_pool *pool, fpool_frame_t frame)
{
	return fpool_region_page(&pool->region, frame);
}

/*
 * What tells of uses beside the hardware's entries: PG_referenced, which core mm and those who
 * read by system calls set, and PG_workingset, which core mm sets where the page is referenced
 * already.  A page that was brought for somebody has the latter (it is fresh) until it was looked
 * at once, so that it stays until he has been here.
 */
#define FPOOL_PAGE_USES		(BIT(PG_referenced) | BIT(PG_workingset))

static inline void fpool_page_set_fresh(struct page *page)
{
	set_bit(PG_workingset, &page->flags);
}

static __always_inline bool fpool_page_is_fresh(const struct page *page)
{
	return test_bit(PG_workingset, &page->flags);
}

static inline void fpool_page_clear_fresh(struct page *page)
{
	if (fpool_page_is_fresh(page))
		clear_bit(PG_workingset, &page->flags);
}

static __always_inline bool fpool_page_has_uses(const struct page *page)
{
	return READ_ONCE(page->flags) & FPOOL_PAGE_USES;
}

/* Was there one? None is left. */
static __always_inline bool fpool_page_take_uses(struct page *page)
{
	if (likely(!fpool_page_has_uses(page)))
		return false;
	clear_bit(PG_referenced, &page->flags);
	fpool_page_clear_fresh(page);
	return true;
}

/* What decides about the page of a frame: its working set's. */
static inline struct fpool_policy *fpool_pool_policy(struct fpool_pool *pool, fpool_frame_t frame)
{
	return fpool_wsets_policy(&pool->wsets, frame);
}

/**
 * fpool_pool_busy_queue - where to wait for a busy entry
 * @pool: the pool
 * @space: id
 * @vpn: page; all of an aligned run of FPOOL_BUSY_RUN share a queue
 *
 * Context: Any.
 * Return: the queue.
 */
static inline struct wait_queue_head *fpool_pool_busy_queue(struct fpool_pool *pool, u32 space,
							    fpool_vpn_t vpn)
{
	u64 key = (u64)space << 44 ^ fpool_vpn_nr(vpn) / FPOOL_BUSY_RUN;

	return &pool->busy_wait[hash_64(key, ilog2(FPOOL_BUSY_QUEUES))];
}

/**
 * fpool_pool_wait_begin - somebody is about to wait in a queue for busy entries
 * @pool: the pool
 *
 * Context: Any; before he looks at what he waits for.
 */
static inline void fpool_pool_wait_begin(struct fpool_pool *pool)
{
	atomic_inc(&pool->nwaiting);
	/* Pairs with fpool_pool_has_waiters(): counted before the entry is read. */
	smp_mb__after_atomic();
}

static inline void fpool_pool_wait_end(struct fpool_pool *pool)
{
	atomic_dec(&pool->nwaiting);
}

/**
 * fpool_pool_has_waiters - does anybody wait for an entry?
 * @pool: the pool
 *
 * Nearly always nobody does: one look for a whole batch.
 *
 * Context: Any, after the entries were changed.
 * Return: whether there may be somebody; who begins later sees the entries.
 */
static inline bool fpool_pool_has_waiters(const struct fpool_pool *pool)
{
	/* Pairs with fpool_pool_wait_begin(): the entries were changed before the count is read. */
	smp_mb();
	return atomic_read(&pool->nwaiting);
}

/* Frames that hold a page now. */
static inline u32 fpool_pool_resident(const struct fpool_pool *pool)
{
	return pool->frames.count[FPOOL_FRAME_RESIDENT] + pool->frames.count[FPOOL_FRAME_EVICT] +
	       pool->frames.count[FPOOL_FRAME_FILL];
}

#endif /* FPOOL_POOL_H */
