// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool: laying out the region, handing out frames, keeping nodes until nobody walks them.
 *
 *	frame 0                                                        nframes
 *	+---------------+-----------------+--------------------------------+
 *	| buddy bitmaps | reserve for     | user space: frames for pages   |
 *	| frame table   | page-table nodes|                                |
 *	+---------------+-----------------+--------------------------------+
 *	|<------ kernel space ----------->|
 *
 * core/layout.c says how large each part is.  Beyond their reserve nodes come from user space, up
 * to a quarter of the region.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "pool.h"

#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "check.h"
#include "inject.h"
#include "layout.h"
#include "stream.h"
#include "trace.h"

/* Which pools there are; docs/locking.md. */
DEFINE_MUTEX(fpool_pools_lock);
LIST_HEAD(fpool_pools);

static u32 next_pool = 1;	/* G */

/**
 * fpool_name_valid - may a pool or a space have this name?
 * @name: a string, NUL within FRAMEPOOL_NAME_SIZE guaranteed by the caller
 *
 * Context: Any.
 * Return: whether it is 1 to 63 of [A-Za-z0-9._-], and not "control", "." or "..".
 */
bool fpool_name_valid(const char *name)
{
	const char *c;

	if (!*name || !strcmp(name, "control") || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (c = name; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && *c != '.' && *c != '_' && *c != '-')
			return false;
	return true;
}

/**
 * fpool_pool_find - look a pool up
 * @name: its name; "" is the default pool
 *
 * Context: Caller holds fpool_pools_lock.
 * Return: the pool or NULL.
 */
struct fpool_pool *fpool_pool_find(const char *name)
{
	struct fpool_pool *pool;

	lockdep_assert_held(&fpool_pools_lock);
	if (!*name)
		name = "default";
	list_for_each_entry(pool, &fpool_pools, link)
		if (!strcmp(pool->name, name))
			return pool;
	return NULL;
}

/* Frames that change hands in one go: about as long as a batch of evictions holds the lock. */
#define SWITCH_STEP	256

/*
 * Set by set: the common one first, from which new ones have their policy.  The lock is dropped
 * between the steps, but no set goes while one of its frames is between two policies.
 */
static void switch_sets(struct fpool_pool *pool, const struct fpool_policy_ops *ops)
{
	struct fpool_wset *set = fpool_wsets_next(&pool->wsets, 0);
	bool more;
	u32 id;

	for (; set; set = fpool_wsets_next(&pool->wsets, id + 1)) {
		id = set->id;
		if (ops == set->policy.ops || fpool_policy_switch_begin(&set->policy, ops))
			continue;
		do {
			more = fpool_policy_switch_step(&set->policy, SWITCH_STEP);
			fpool_pool_breathe(pool);
		} while (more);
	}
}

/**
 * fpool_pool_set_policy - another replacement policy takes over
 * @pool: the pool, working or not
 * @ops: the policy; nothing happens if it is the pool's already
 *
 * Context: Process context; takes pool->victim_lock and pool->lock; may sleep.
 */
void fpool_pool_set_policy(struct fpool_pool *pool, const struct fpool_policy_ops *ops)
{
	/* Whoever wants victims waits, and judges them by the new policy. */
	mutex_lock(&pool->victim_lock);
	spin_lock(&pool->lock);
	switch_sets(pool, ops);
	spin_unlock(&pool->lock);
	mutex_unlock(&pool->victim_lock);
}

static void spare_drain(struct fpool_pool *pool)
{
	u32 n;

	for (n = 0; pool->nspare && n < FPOOL_SPARE_STEP; n++)
		WARN_ON_ONCE(fpool_buddy_free(&pool->buddy, fpool_pool_spare_pop(pool), 0));
}

/**
 * fpool_pool_settle - give the spare frames to the allocator
 * @pool: the pool
 *
 * For who wants to see what is free as the allocator has it.
 *
 * Context: Process context; caller holds pool->lock, which is let go now and then.
 */
void fpool_pool_settle(struct fpool_pool *pool)
{
	lockdep_assert_held(&pool->lock);
	while (pool->nspare) {
		spare_drain(pool);
		fpool_pool_breathe(pool);
	}
}

/**
 * fpool_pool_breathe - others have the lock for a moment
 * @pool: the pool
 *
 * Whoever goes over much with pool->lock held calls it after each piece.  cond_resched_lock() is
 * not enough: on a kernel that is not preemptible it lets nobody in before the time slice is
 * over, and meanwhile every fault spins.
 *
 * Context: Process context; caller holds pool->lock, which is let go and taken again.
 */
void fpool_pool_breathe(struct fpool_pool *pool)
{
	lockdep_assert_held(&pool->lock);
	spin_unlock(&pool->lock);
	cond_resched();
	spin_lock(&pool->lock);
}

static int take(struct fpool_pool *pool, unsigned int order, fpool_frame_t *frame)
{
	if (order)
		spare_drain(pool);
	if (order || !pool->nspare)
		return fpool_buddy_alloc(&pool->buddy, order, frame);
	*frame = fpool_pool_spare_pop(pool);
	return 0;
}

/**
 * fpool_pool_take - take a block of frames
 * @pool: from
 * @order: of the block
 * @frame: out: the first
 *
 * The frames stay FREE in the frame table; the caller marks them at once.
 *
 * Context: Caller holds pool->lock.
 * Return: 0, or -ENOMEM: no block of this order; where @order is 0 the pool counts as starved
 * from now on.
 */
int fpool_pool_take(struct fpool_pool *pool, unsigned int order, fpool_frame_t *frame)
{
	int err;

	lockdep_assert_held(&pool->lock);
	err = fpool_inject(FPOOL_INJECT_FRAME) ? -ENOMEM : take(pool, order, frame);
	if (!err) {
		WRITE_ONCE(pool->nfree, pool->nfree - (1U << order));
		WRITE_ONCE(pool->taken, pool->taken + (1U << order));
		trace_fpool_alloc(pool->id, fpool_frame_nr(*frame), order);
	} else if (!order && !pool->starved_since) {
		pool->starved_since = jiffies | 1;
	}
	return err;
}

/**
 * fpool_pool_give_run - give frames back that lie together
 * @pool: to
 * @first: the first
 * @nr: how many, at least one; all marked FREE
 *
 * As fpool_pool_give() for each; where blocks are asked for they are merged at once.
 *
 * Context: Caller holds pool->lock.
 */
void fpool_pool_give_run(struct fpool_pool *pool, fpool_frame_t first, u32 nr)
{
	u32 i;

	lockdep_assert_held(&pool->lock);
	if (pool->nspare >= FPOOL_SPARE_MAX || fpool_pool_in_bulk(pool))
		WARN_ON_ONCE(fpool_buddy_free_range(&pool->buddy, first, nr));
	else
		for (i = 0; i < nr; i++)
			fpool_pool_spare_push(pool, fpool_frame_add(first, i));
	WRITE_ONCE(pool->nfree, pool->nfree + nr);
	pool->starved_since = 0;
}

/**
 * fpool_pool_freed - tell those who wait for a frame
 * @pool: that got some back
 *
 * Context: Any, without pool->lock.
 */
void fpool_pool_freed(struct fpool_pool *pool)
{
	if (wq_has_sleeper(&pool->frame_wait))
		wake_up_all(&pool->frame_wait);
}

/**
 * fpool_pool_want_more - somebody has to wait for a frame to be written
 * @pool: the pool
 *
 * From now on, for a while, more are to be free before.
 *
 * Context: Any.
 */
void fpool_pool_want_more(struct fpool_pool *pool)
{
	WRITE_ONCE(pool->lead, min(2 * READ_ONCE(pool->lead) + pool->low / 2, pool->lead_max));
}

/**
 * fpool_pool_high - where the reclaim thread stops
 * @pool: the pool
 *
 * Context: Any.
 * Return: free frames.
 */
u32 fpool_pool_high(const struct fpool_pool *pool)
{
	return pool->high + 2 * fpool_pool_extra(pool) + fpool_pool_lead(pool);
}

/* Nodes. */

/* Frames that nodes may be: a quarter. */
static u32 max_nodes(const struct fpool_pool *pool)
{
	return pool->frames.nframes / 4;
}

static fpool_frame_t take_node(struct fpool_pool *pool)
{
	fpool_frame_t frame = fpool_frame_list_first(&pool->node_reserve);

	if (frame != FPOOL_NO_FRAME) {
		fpool_frame_list_del(&pool->frames, &pool->node_reserve, frame);
		pool->ncached--;
	} else if (pool->frames.count[FPOOL_FRAME_NODE] >= max_nodes(pool) ||
		   fpool_pool_take(pool, 0, &frame)) {
		return FPOOL_NO_FRAME;
	}
	return frame;
}

/* The kernel itself reads nodes, so that none may be in memory that is known to be broken. */
static fpool_frame_t node_alloc(void *ctx, u32 space)
{
	struct fpool_pool *pool = ctx;
	fpool_frame_t frame;

	lockdep_assert_held(&pool->lock);
	if (fpool_inject(FPOOL_INJECT_NODE))
		return FPOOL_NO_FRAME;
	while ((frame = take_node(pool)) != FPOOL_NO_FRAME &&
	       unlikely(PageHWPoison(fpool_pool_page(pool, frame))))
		WARN_ON_ONCE(fpool_frames_mark_retired(&pool->frames, frame));
	if (frame != FPOOL_NO_FRAME)
		WARN_ON_ONCE(fpool_frames_mark_node(&pool->frames, frame, space));
	return frame;
}

static void node_free(void *ctx, fpool_frame_t node)
{
	struct fpool_pool *pool = ctx;

	lockdep_assert_held(&pool->lock);
	WARN_ON_ONCE(fpool_frames_mark_free(&pool->frames, node));
	fpool_frame_list_add_tail(&pool->frames, &pool->limbo, node);
	pool->ncached++;
	pool->in_vain = 0;
	if (!pool->limbo_waiting.len)
		queue_rcu_work(pool->chores, &pool->limbo_work);
}

const struct fpool_ptable_ops fpool_pool_node_ops = {
	.node_alloc = node_alloc,
	.node_free = node_free,
};

static void node_release(struct fpool_pool *pool, fpool_frame_t node)
{
	fpool_frame_list_del(&pool->frames, &pool->limbo_waiting, node);
	if (fpool_frame_nr(node) < pool->kernel_frames) {
		fpool_frame_list_add_head(&pool->frames, &pool->node_reserve, node);
	} else {
		pool->ncached--;
		fpool_pool_give(pool, node);
	}
}

/* How many more there may be, as far as the limit goes: what is in the reserve will be some. */
static u32 node_room(const struct fpool_pool *pool)
{
	u32 reserve = pool->node_reserve.len, max = max_nodes(pool);

	return reserve + max - min(max, pool->frames.count[FPOOL_FRAME_NODE] + reserve);
}

/* The oldest leaf with nothing but ghosts, of the first space that has one. */
static bool drop_leaf_of(struct fpool_pool *pool, unsigned long first, unsigned long last)
{
	struct fpool_ptable *table;
	unsigned long id;

	xa_for_each_range(&pool->tables, id, table, first, last) {
		if (fpool_ptable_drop_ghosts(table, 1)) {
			pool->next_forget = id + 1;
			return true;
		}
	}
	return false;
}

/* His who needs the node, or else those of all in turn: one space's memories starve no other. */
static bool drop_leaf(struct fpool_pool *pool, struct fpool_ptable *own)
{
	return fpool_ptable_drop_ghosts(own, 1) ||
	       drop_leaf_of(pool, pool->next_forget, ULONG_MAX) ||
	       drop_leaf_of(pool, 0, pool->next_forget);
}

/**
 * fpool_pool_make_nodes - see to it that a page can have its nodes
 * @pool: the pool
 * @own: the table that lacks them
 * @nr: how many
 *
 * Where there are not enough the oldest ghosts go, and no more of them than that takes: the frame
 * of a dropped leaf comes back after a grace period.
 *
 * Context: Caller holds pool->lock.
 * Return: whether there are enough, and a frame for the page besides.
 */
bool fpool_pool_make_nodes(struct fpool_pool *pool, struct fpool_ptable *own, u32 nr)
{
	u32 frames = pool->node_reserve.len + pool->nfree;

	lockdep_assert_held(&pool->lock);
	while (node_room(pool) < nr || frames + pool->limbo.len + pool->limbo_waiting.len <= nr)
		if (!drop_leaf(pool, own))
			return false;
	return frames > nr;
}

/* Nodes that go back in one go. */
#define LIMBO_STEP	256

/*
 * A node that was freed before the grace period began has no reader now.  Two lists, because
 * rcu_work runs one period at a time: those freed meanwhile wait for the next.  The lock is let go
 * only while the one list has nodes: who frees one then asks for no period, and this does when all
 * that are in the other were freed.
 */
static void limbo_work(struct work_struct *work)
{
	struct fpool_pool *pool = container_of(to_rcu_work(work), struct fpool_pool, limbo_work);
	fpool_frame_t node;
	u32 n = 0;

	spin_lock(&pool->lock);
	while ((node = fpool_frame_list_first(&pool->limbo_waiting)) != FPOOL_NO_FRAME) {
		node_release(pool, node);
		if (!(++n % LIMBO_STEP) && pool->limbo_waiting.len)
			fpool_pool_breathe(pool);
	}
	swap(pool->limbo_waiting, pool->limbo);
	if (pool->limbo_waiting.len)
		queue_rcu_work(pool->chores, &pool->limbo_work);
	spin_unlock(&pool->lock);
	fpool_pool_freed(pool);
}

/* Layout. */

static void event_split(void *ctx, fpool_frame_t frame, unsigned int order)
{
	struct fpool_pool *pool = ctx;

	trace_fpool_split(pool->id, fpool_frame_nr(frame), order);
}

static void event_merge(void *ctx, fpool_frame_t frame, unsigned int order)
{
	struct fpool_pool *pool = ctx;

	trace_fpool_merge(pool->id, fpool_frame_nr(frame), order);
}

static const struct fpool_buddy_events buddy_events = {
	.split = event_split,
	.merge = event_merge,
};

static void fill_reserve(struct fpool_pool *pool, u32 first)
{
	u32 i;

	for (i = first; i < pool->kernel_frames; i++) {
		fpool_frame_list_add_tail(&pool->frames, &pool->node_reserve, fpool_frame(i));
		pool->ncached++;
	}
}

static int lay_out(struct fpool_pool *pool)
{
	u32 nframes = pool->region.nframes;
	const struct fpool_layout l = fpool_layout_of(nframes);
	u32 i;
	int err;

	pool->kernel_frames = l.kernel;
	memset(pool->region.base, 0, (size_t)l.meta << PAGE_SHIFT);
	err = fpool_buddy_init(&pool->buddy, pool->region.base, nframes);
	if (err)
		return err;
	fpool_frames_init(&pool->frames, pool->region.base + l.frames_at, nframes);
	err = fpool_buddy_alloc_range(&pool->buddy, fpool_frame(0), pool->kernel_frames);
	if (err)
		return err;
	for (i = 0; i < l.meta; i++)
		WARN_ON_ONCE(fpool_frames_mark_kernel(&pool->frames, fpool_frame(i)));
	fill_reserve(pool, l.meta);
	pool->nfree = pool->buddy.nfree;
	pool->spare = fpool_frame_nr(FPOOL_NO_FRAME);
	pool->buddy.events = &buddy_events;
	pool->buddy.events_ctx = pool;
	return 0;
}

static void init_waits(struct fpool_pool *pool)
{
	int i;

	init_waitqueue_head(&pool->frame_wait);
	init_waitqueue_head(&pool->reclaim_wait);
	for (i = 0; i < FPOOL_BUSY_QUEUES; i++)
		init_waitqueue_head(&pool->busy_wait[i]);
}

static struct fpool_pool *pool_alloc(const struct fpool_pool_params *params)
{
	struct fpool_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	strscpy(pool->name, params->name, sizeof(pool->name));
	spin_lock_init(&pool->lock);
	mutex_init(&pool->victim_lock);
	xa_init_flags(&pool->tables, XA_FLAGS_ALLOC1);
	xa_init_flags(&pool->pinners, XA_FLAGS_ALLOC1);
	fpool_frame_list_init(&pool->node_reserve);
	fpool_frame_list_init(&pool->limbo);
	fpool_frame_list_init(&pool->limbo_waiting);
	INIT_LIST_HEAD(&pool->laundry.ready);
	INIT_LIST_HEAD(&pool->laundry.attended);
	pool->laundry.moved = jiffies;
	INIT_RCU_WORK(&pool->limbo_work, limbo_work);
	/* Zero is in the future for the first minutes of a boot. */
	pool->bulk_until = jiffies - 1;
	init_waits(pool);
	return pool;
}

/*
 * A block that was fetched ahead has to be there when it is read, with the one before it that is
 * being read: both together are less than the hundredth of the frames that policy_tenure.c keeps
 * for pages that have just come.
 */
static u32 block_order(u32 user)
{
	u32 order = FPOOL_STREAM_MAX_ORDER;

	while (order > 4 && user >> order < 200)
		order -= 2;
	return order;
}

static int pool_init(struct fpool_pool *pool, const struct fpool_pool_params *params)
{
	const struct fpool_policy_ops *ops = fpool_policy_find(params->policy);
	u32 user;
	int err;

	if (!ops)
		return -EINVAL;
	err = fpool_region_reserve(&pool->region, params->bytes, params->base, params->node);
	if (err)
		return err;
	err = lay_out(pool);
	if (err)
		goto release_region;
	user = pool->region.nframes - pool->kernel_frames;
	err = fpool_wsets_init(&pool->wsets, ops, &pool->frames, user, NULL, 0);
	if (err)
		goto release_region;
	pool->low = clamp(user / 128, 8U, 4096U);
	pool->high = 2 * pool->low;
	pool->lead_max = user / 16;
	pool->block_order = block_order(user);
	return 0;
release_region:
	fpool_region_release(&pool->region);
	return err;
}

/**
 * fpool_pool_create - reserve a region and make a pool in it
 * @params: what was asked for
 *
 * The caller starts its reclaim thread and adds it to fpool_pools.
 *
 * Context: Caller holds fpool_pools_lock; may sleep.
 * Return: the pool, or an ERR_PTR: -EINVAL: a bad size, base, node, policy or name; -ERANGE: larger
 * than RAM; -EEXIST: the name is in use; -EBUSY: the base is not hidden memory; -ENOMEM.
 */
struct fpool_pool *fpool_pool_create(const struct fpool_pool_params *params)
{
	struct fpool_pool *pool;
	int err;

	lockdep_assert_held(&fpool_pools_lock);
	if (!fpool_name_valid(params->name))
		return ERR_PTR(-EINVAL);
	if (fpool_pool_find(params->name))
		return ERR_PTR(-EEXIST);
	pool = pool_alloc(params);
	if (!pool)
		return ERR_PTR(-ENOMEM);
	err = fpool_stats_init(&pool->stats);
	if (err)
		goto free_pool;
	err = -ENOMEM;
	/*
	 * A fill blocks its worker, perhaps for as long as its file's owner likes, and one space
	 * has FPOOL_SPACE_FILLS of them: as many as can be.  There is no rescuer (WQ_MEM_RECLAIM):
	 * where a new worker is slow to come, that takes all work of the queue, and does one after
	 * the other.
	 */
	pool->wq = alloc_workqueue("framepool/%s", WQ_UNBOUND, WQ_UNBOUND_MAX_ACTIVE, pool->name);
	if (!pool->wq)
		goto free_stats;
	pool->chores = alloc_workqueue("framepool+/%s", WQ_UNBOUND | WQ_MEM_RECLAIM, 0, pool->name);
	if (!pool->chores)
		goto free_wq;
	err = pool_init(pool, params);
	if (err)
		goto free_chores;
	pool->id = next_pool++;
	return pool;
free_chores:
	destroy_workqueue(pool->chores);
free_wq:
	destroy_workqueue(pool->wq);
free_stats:
	fpool_stats_exit(&pool->stats);
free_pool:
	kfree(pool);
	return ERR_PTR(err);
}

/* Nodes in limbo are in the region: wait until they have left it. */
static void drain_limbo(struct fpool_pool *pool)
{
	u32 len;

	do {
		flush_rcu_work(&pool->limbo_work);
		spin_lock(&pool->lock);
		len = pool->limbo.len + pool->limbo_waiting.len;
		spin_unlock(&pool->lock);
	} while (len);
}

/**
 * fpool_pool_destroy - give the region back
 * @pool: without spaces, without a reclaim thread, not in fpool_pools
 *
 * Context: Process context; may sleep.
 */
void fpool_pool_destroy(struct fpool_pool *pool)
{
	drain_limbo(pool);
	destroy_workqueue(pool->chores);
	destroy_workqueue(pool->wq);
	/* Looks at every frame with the lock held: not for every user's patience. */
	if (IS_ENABLED(CONFIG_DEBUG_VM))
		WARN_ON_ONCE(fpool_pool_check(pool) == -EUCLEAN);
	fpool_region_release(&pool->region);
	fpool_stats_exit(&pool->stats);
	xa_destroy(&pool->tables);
	xa_destroy(&pool->pinners);
	kfree(pool);
}

/* The tables of all spaces; the caller holds P, so that none comes or goes. */
static u32 gather_tables(struct fpool_pool *pool, const struct fpool_ptable **tables, u32 max)
{
	struct fpool_ptable *table;
	unsigned long id;
	u32 n = 0;

	xa_for_each(&pool->tables, id, table) {
		if (n == max)
			return max + 1;
		tables[n++] = table;
	}
	return n;
}

/* As many as are counted, each of them nobody's and not the allocator's. */
static int check_spare(struct fpool_pool *pool, struct fpool_check_report *report)
{
	const struct fpool_frame_info *fi;
	u32 frame = pool->spare, left = pool->nspare;

	report->frame = fpool_frame(frame);
	for (; left && frame < pool->frames.nframes; left--, frame = fi->next) {
		fi = fpool_frames_info(&pool->frames, fpool_frame(frame));
		report->frame = fpool_frame(frame);
		report->why = "a spare frame is in use, or with the allocator";
		if (fi->state != FPOOL_FRAME_FREE ||
		    !fpool_buddy_is_allocated(&pool->buddy, fpool_frame(frame)))
			return -EUCLEAN;
	}
	report->why = "there are other spare frames, or free ones, than are counted";
	if (left || frame != fpool_frame_nr(FPOOL_NO_FRAME) ||
	    pool->nfree != pool->buddy.nfree + pool->nspare)
		return -EUCLEAN;
	return 0;
}

/**
 * fpool_pool_check - do all structures of a pool agree?
 * @pool: the pool
 *
 * Logs the first disagreement. Takes time proportional to the region, with the lock held: for
 * tests.
 *
 * Context: Process context; takes pool->lock.
 * Return: 0, -EUCLEAN, or -ENOMEM; -EAGAIN: many spaces came meanwhile.
 */
int fpool_pool_check(struct fpool_pool *pool)
{
	u32 max = READ_ONCE(pool->nspaces) + 8;
	struct fpool_check_report report = {};
	struct fpool_check_view view = {
		.buddy = &pool->buddy,
		.frames = &pool->frames,
		.wsets = &pool->wsets,
	};
	const struct fpool_ptable **tables;
	int err = -EAGAIN;

	tables = kcalloc(max, sizeof(*tables), GFP_KERNEL);
	if (!tables)
		return -ENOMEM;
	spin_lock(&pool->lock);
	view.spaces = tables;
	view.nspaces = gather_tables(pool, tables, max);
	view.cached = pool->ncached + pool->nspare;
	view.pinned = pool->npinned;
	if (view.nspaces <= max)
		err = fpool_check(&view, &report);
	if (!err)
		err = check_spare(pool, &report);
	spin_unlock(&pool->lock);
	kfree(tables);
	if (err == -EUCLEAN)
		pr_err("pool %s is inconsistent: %s (frame %u, space %u, page %llu)\n", pool->name,
		       report.why, fpool_frame_nr(report.frame), report.space,
		       fpool_vpn_nr(report.vpn));
	return err;
}
