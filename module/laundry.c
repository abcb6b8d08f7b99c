// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty victims, which the reclaim thread writes.
 *
 * Who evicts may hold locks that the file system under the backing file needs: his dirty victims
 * wait here.  The reclaim thread writes them in loads, each of one space.  Several are under way
 * together, and who wants a page meanwhile has it back at once.
 */
#include "laundry.h"

#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "batch.h"
#include "mmset.h"

/* Dirty victims that are written together. */
#define LOAD		64

/*
 * So many times so many may be under way: where a write takes 20 ms, 25,000 or 50,000 a second.  In
 * a small pool more would be more than there is; in others there are as many as leave all metadata
 * of a pool at 2 % of the region, and 1.6 % of a large one.
 */
#define FEW_LOADS	8
#define MANY_LOADS	16
#define MANY_FRAMES	16384
#define LARGE_FRAMES	262144

/* Dirty victims under way to the file; the reclaim thread's. */
struct load {
	struct fpool_batch b;
	struct fpool_victim v[LOAD];
	struct fpool_rmap_page p[LOAD];
	struct fpool_pool *pool;
	u32 taken;			/* pool->taken when it was started */
	bool flying;
	bool landed;			/* any time, READ_ONCE */
};

struct fpool_laundry {
	unsigned long moved;		/* any time, READ_ONCE: jiffies; a load began or ended */
	unsigned int flying;
	unsigned int nr;
	size_t bytes;			/* of this, and the flights behind it */
	struct load load[];
};

/* What is sorted: 52 bits for the page, 6 for where the victim is. */
#define KEY_INDEX_BITS	6

static_assert(LOAD <= 1 << KEY_INDEX_BITS && KEY_INDEX_BITS + FPOOL_VPN_BITS <= 64);

static unsigned int key_index(u64 key)
{
	return key % (1U << KEY_INDEX_BITS);
}

/* Of the keys whose distance is @gap. */
static void insertion_sort(u64 *key, unsigned int nr, unsigned int gap)
{
	unsigned int i, k;

	for (i = gap; i < nr; i++) {
		u64 this = key[i];

		for (k = i; k >= gap && key[k - gap] > this; k -= gap)
			key[k] = key[k - gap];
		key[k] = this;
	}
}

/* Shell's sort with two gaps: for so few it costs a tenth of sort(). */
static void sort_keys(u64 *key, unsigned int nr)
{
	insertion_sort(key, nr, 6);
	insertion_sort(key, nr, 1);
}

/* Each victim goes where its key is, and is moved once: round by round of those that change. */
static void follow_keys(struct fpool_batch *b, u64 *key)
{
	unsigned int i, to, from;

	for (i = 0; i < b->nr; i++) {
		struct fpool_rmap_page first_page = b->p[i];
		struct fpool_victim first = b->v[i];

		if (key_index(key[i]) == i)
			continue;
		for (to = i; (from = key_index(key[to])) != i; to = from) {
			b->v[to] = b->v[from];
			b->p[to] = b->p[from];
			key[to] = to;
		}
		b->v[to] = first;
		b->p[to] = first_page;
		key[to] = to;
	}
}

/* By place: the entries of neighbours lie together, and they are written in one call. */
static void sort_batch(struct fpool_batch *b)
{
	u64 key[1 << KEY_INDEX_BITS];
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		key[i] = b->p[i].vpn << KEY_INDEX_BITS | i;
	sort_keys(key, b->nr);
	follow_keys(b, key);
}

static void laundry_del(struct fpool_pool *pool, fpool_frame_t frame)
{
	fpool_frame_list_del(&pool->frames, &pool->laundry, frame);
	fpool_frames_info(&pool->frames, frame)->list = FPOOL_NO_LIST;
}

/**
 * fpool_laundry_has_room - is there room for more dirty victims?
 * @pool: the pool
 *
 * Context: Any; a hint.
 * Return: whether evicting dirty ones may help before the reclaim thread has written some.
 */
bool fpool_laundry_has_room(struct fpool_pool *pool)
{
	return READ_ONCE(pool->laundry.len) < FPOOL_LAUNDRY_MAX;
}

/* A device that is only slow ends some load in this time. */
#define STANDS_STILL	(HZ / 10)

/**
 * fpool_laundry_stands_still - is it full, and nothing leaves it?
 * @pool: the pool
 *
 * While a device does its work a full laundry is waited for: frames come from there in a moment,
 * and looking for clean pages among many dirty ones is dear.
 *
 * Context: Any; a hint.
 * Return: whether only clean pages can leave for now.
 */
bool fpool_laundry_stands_still(struct fpool_pool *pool)
{
	return !fpool_laundry_has_room(pool) &&
	       time_after(jiffies, READ_ONCE(pool->loads->moved) + STANDS_STILL);
}

/**
 * fpool_laundry_lets_evict - may evicting more help, before some load has ended?
 * @pool: the pool
 *
 * Context: Any; a hint.
 * Return: whether.
 */
bool fpool_laundry_lets_evict(struct fpool_pool *pool)
{
	return fpool_laundry_has_room(pool) || fpool_laundry_stands_still(pool);
}

/* In any context; the thread may let the load, and in the end the pool, go at once. */
static void load_landed(struct fpool_flight *flight)
{
	struct load *load = flight->owner;
	struct fpool_pool *pool = load->pool;

	rcu_read_lock();
	/* After what the writes have left; pairs with has_landed(). */
	smp_store_release(&load->landed, true);
	wake_up(&pool->reclaim_wait);
	rcu_read_unlock();
}

/* Frames that were taken while a load was under way: so many should be free when one starts. */
static void learn(struct fpool_pool *pool, const struct load *load)
{
	u32 taken = READ_ONCE(pool->taken) - load->taken;
	u32 old = READ_ONCE(pool->lead), lead = old - DIV_ROUND_UP(old, 64);

	WRITE_ONCE(pool->lead, min(max(lead, taken), pool->lead_max));
}

static u64 finish_load(struct fpool_pool *pool, struct load *load)
{
	u64 freed;

	WRITE_ONCE(pool->loads->moved, jiffies);
	fpool_batch_finish(&load->b);
	freed = fpool_batch_settle(&load->b);
	fpool_batch_put(&load->b, 0, load->b.nr);
	load->b.nr = 0;
	learn(pool, load);
	return freed;
}

static bool has_landed(const struct load *load)
{
	/* Pairs with load_landed(): what the writes have left comes before. */
	return load->flying && smp_load_acquire(&load->landed);
}

/**
 * fpool_laundry_landed - has a load of the laundry been written?
 * @pool: the pool
 *
 * Context: The reclaim thread.
 * Return: whether fpool_laundry_reap() has something to do.
 */
bool fpool_laundry_landed(struct fpool_pool *pool)
{
	struct fpool_laundry *l = pool->loads;
	unsigned int i;

	for (i = 0; l->flying && i < l->nr; i++)
		if (has_landed(&l->load[i]))
			return true;
	return false;
}

/**
 * fpool_laundry_reap - free the pages of loads that have been written
 * @pool: the pool
 *
 * Context: The reclaim thread.
 * Return: frames that became free.
 */
u64 fpool_laundry_reap(struct fpool_pool *pool)
{
	struct fpool_laundry *l = pool->loads;
	unsigned int i;
	u64 freed = 0;

	for (i = 0; l->flying && i < l->nr; i++) {
		struct load *load = &l->load[i];

		if (!has_landed(load))
			continue;
		load->flying = false;
		l->flying--;
		freed += finish_load(pool, load);
	}
	return freed;
}

/**
 * fpool_laundry_may_start - would fpool_laundry_start() start something?
 * @pool: the pool
 *
 * While many loads are under way only large ones follow, lest a few pages each take all.
 *
 * Context: The reclaim thread.
 * Return: whether.
 */
bool fpool_laundry_may_start(struct fpool_pool *pool)
{
	u32 len = READ_ONCE(pool->laundry.len);
	unsigned int flying = pool->loads->flying, nr = pool->loads->nr;

	return len && (flying < nr / 2 || (flying < nr && len >= LOAD / 2));
}

static void take(struct load *load, struct fpool_space *space, fpool_frame_t frame)
{
	struct fpool_pool *pool = load->pool;
	const struct fpool_frame_info *info = fpool_frames_info(&pool->frames, frame);
	struct fpool_batch *b = &load->b;

	laundry_del(pool, frame);
	fpool_ptable_find_leaf(&space->ptable, fpool_vpn(info->vpn));
	b->v[b->nr] = (struct fpool_victim){
		.space = space,
		.frame = frame,
		.leaf = fpool_ptable_leaf(&space->ptable),
		.fate = FPOOL_FATE_WRITE,
	};
	b->p[b->nr++] = (struct fpool_rmap_page){
		.vpn = info->vpn, .page = fpool_pool_page(pool, frame),
	};
}

/* Those of the space that has waited longest: what stands still keeps no other's pages. */
static void take_laundry(struct fpool_pool *pool, struct load *load)
{
	struct fpool_space *space = NULL;
	struct fpool_batch *b = &load->b;
	fpool_frame_t frame, next;

	*b = (struct fpool_batch){
		.pool = pool, .by_policy = true, .one_space = true, .flight = b->flight,
		.v = load->v, .p = load->p,
	};
	spin_lock(&pool->lock);
	frame = fpool_frame_list_first(&pool->laundry);
	if (frame != FPOOL_NO_FRAME)
		space = fpool_space_by_id(pool, fpool_frames_info(&pool->frames, frame)->space);
	for (; frame != FPOOL_NO_FRAME && b->nr < LOAD; frame = next) {
		next = fpool_frame_list_next(&pool->frames, frame);
		if (fpool_frames_info(&pool->frames, frame)->space == space->id)
			take(load, space, frame);
	}
	fpool_batch_get(b);
	spin_unlock(&pool->lock);
	sort_batch(b);
}

/**
 * fpool_laundry_start - start to write a load of dirty victims
 * @pool: the pool; fpool_laundry_may_start() has said that there is one
 *
 * Context: The reclaim thread; waits for file systems, not for the device.
 * Return: pages that left the laundry.
 */
unsigned int fpool_laundry_start(struct fpool_pool *pool)
{
	struct fpool_laundry *l = pool->loads;
	struct load *load = l->load;
	unsigned int nr;

	while (load->flying)
		load++;
	take_laundry(pool, load);
	nr = load->b.nr;
	WRITE_ONCE(l->moved, jiffies);
	load->taken = READ_ONCE(pool->taken);
	WRITE_ONCE(load->landed, false);
	fpool_flight_begin(load->b.flight, load_landed);
	fpool_batch_clean(&load->b);
	fpool_batch_start(&load->b);
	if (fpool_flight_launched(load->b.flight)) {
		finish_load(pool, load);
	} else {
		load->flying = true;
		l->flying++;
	}
	return nr;
}

/* For so many loads, and their flights behind them; in pages, as vmalloc() has it. */
static size_t bytes_of(unsigned int nr)
{
	struct fpool_laundry *l;

	return PAGE_ALIGN(struct_size(l, load, nr) + nr * fpool_flight_bytes(LOAD));
}

/* What is outside of the region besides, with a space and a few processes. */
static u64 bytes_besides(const struct fpool_pool *pool)
{
	return fpool_mmset_bytes(pool) + sizeof(*pool) + SZ_8K +
	       2 * num_possible_cpus() * sizeof(struct fpool_stats_cpu);
}

static unsigned int how_many_loads(const struct fpool_pool *pool)
{
	u64 bytes = (u64)pool->region.nframes << PAGE_SHIFT, part, used;
	unsigned int nr;

	if (pool->region.nframes < MANY_FRAMES)
		return FEW_LOADS;
	part = pool->region.nframes < LARGE_FRAMES ? div_u64(bytes, 50) : div_u64(2 * bytes, 125);
	used = ((u64)pool->kernel_frames << PAGE_SHIFT) + bytes_besides(pool);
	for (nr = MANY_LOADS; nr > FEW_LOADS && used + bytes_of(nr) > part; nr--)
		;
	return nr;
}

/**
 * fpool_laundry_create - what writing dirty victims needs
 * @pool: a new pool
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int fpool_laundry_create(struct fpool_pool *pool)
{
	unsigned int i, nr = how_many_loads(pool);
	struct fpool_laundry *l;
	void *flight;

	/* Of pages: what kmalloc() has for so much would be a power of two. Who asked is told. */
	l = __vmalloc(bytes_of(nr), GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (!l)
		return -ENOMEM;
	l->nr = nr;
	l->bytes = bytes_of(nr);
	l->moved = jiffies;
	flight = &l->load[nr];
	for (i = 0; i < nr; i++) {
		struct load *load = &l->load[i];

		load->pool = pool;
		load->b.flight = fpool_flight_make(flight, LOAD);
		load->b.flight->owner = load;
		flight += fpool_flight_bytes(LOAD);
	}
	pool->loads = l;
	return 0;
}

/**
 * fpool_laundry_bytes - how much memory it takes
 * @pool: the pool
 *
 * Context: Any.
 * Return: bytes.
 */
size_t fpool_laundry_bytes(const struct fpool_pool *pool)
{
	return pool->loads->bytes;
}

/**
 * fpool_laundry_destroy - free it
 * @pool: without a reclaim thread, and nothing under way
 *
 * Context: Process context; may sleep.
 */
void fpool_laundry_destroy(struct fpool_pool *pool)
{
	/* Who told the thread that the last load has landed may still be in load_landed(). */
	synchronize_rcu();
	vfree(pool->loads);
	pool->loads = NULL;
}

/*
 * In the laundry, or on its way to the file.  It has no pin that could get lost: a pinned page that
 * leaves, because its pinner wants that, is unpinned when it is claimed (fpool_pin_lift), and who
 * has it back has a page like others.
 */
static bool can_stay(struct fpool_pool *pool, fpool_spte_t e)
{
	const u64 leaving = FPOOL_SPTE_P | FPOOL_SPTE_BUSY;

	if ((fpool_spte_raw(e) & leaving) != leaving)
		return false;
	return fpool_spte_has(e, FPOOL_SPTE_WB) ||
	       fpool_frames_info(&pool->frames, fpool_spte_frame(e))->list == FPOOL_LAUNDRY_LIST;
}

/**
 * fpool_laundry_rescue - a page that is leaving is wanted, and stays if it is dirty
 * @space: the space
 * @vpn: the page
 *
 * Its write goes on, if it has begun; nobody waits for that.
 *
 * Context: Caller holds pool->lock.
 */
void fpool_laundry_rescue(struct fpool_space *space, fpool_vpn_t vpn)
{
	fpool_spte_t e = fpool_ptable_peek(&space->ptable, vpn);
	fpool_frame_t frame = fpool_spte_frame(e);
	struct fpool_pool *pool = space->pool;

	lockdep_assert_held(&pool->lock);
	if (!can_stay(pool, e))
		return;
	if (!fpool_spte_has(e, FPOOL_SPTE_WB))
		laundry_del(pool, frame);
	WARN_ON_ONCE(fpool_frames_mark_resident(&pool->frames, frame));
	fpool_policy_put_back(fpool_pool_policy(pool, frame), frame);
	fpool_ptable_update(&space->ptable, vpn, FPOOL_SPTE_BUSY, 0);
	fpool_page_set_fresh(fpool_pool_page(pool, frame));
	fpool_space_wake(space, vpn);
}

static void rescue(struct fpool_space *space, fpool_vpn_t vpn)
{
	spin_lock(&space->pool->lock);
	fpool_laundry_rescue(space, vpn);
	spin_unlock(&space->pool->lock);
}

static long wait_a_moment(struct wait_queue_head *queue, struct fpool_space *space, fpool_vpn_t vpn,
			  bool killable)
{
	if (!killable)
		return wait_event_timeout(*queue, fpool_space_settled(space, vpn), STANDS_STILL);
	return wait_event_killable_timeout(*queue, fpool_space_settled(space, vpn), STANDS_STILL);
}

/**
 * fpool_laundry_wait_settled - wait until a page is neither changing hands nor being written
 * @space: the space, of which the caller has a reference
 * @vpn: the page
 * @killable: whether a signal that kills ends it
 *
 * One that waits for its write where nothing moves, as others' loads are stuck, stays.
 *
 * Context: Process context, with no lock of mm's, nor any that the write may need.
 * Return: 0 or -EINTR: killed.
 */
int fpool_laundry_wait_settled(struct fpool_space *space, fpool_vpn_t vpn, bool killable)
{
	struct wait_queue_head *queue = fpool_pool_busy_queue(space->pool, space->id, vpn);
	long left;

	fpool_pool_wait_begin(space->pool);
	while (!(left = wait_a_moment(queue, space, vpn, killable)))
		rescue(space, vpn);
	fpool_pool_wait_end(space->pool);
	return left < 0 ? -EINTR : 0;
}
