// SPDX-License-Identifier: GPL-2.0-only
/*
 * The laundry is written by the reclaim thread, in loads of one space each.
 *
 * Several are under way together, and who wants a page meanwhile has it back at once.  The thread
 * serves all spaces, and waits neither for an inode's lock, which a program can keep for as long as
 * it likes, nor for room in a device's queue, which a server somewhere may keep full.
 * (ext4 may let it wait for its journal, which no program can keep, where blocks were reserved and
 * never written.)  What cannot be started without waiting is a worker's, with all of its load, and
 * so is what has to be written again.  Half of the loads are never in workers' hands: they are for
 * those spaces that need none.  What would need one then stays, and its space is cleaned.
 */
#include "launder.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/math64.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "batch.h"
#include "laundry.h"
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

/* Dirty victims under way to the file; the reclaim thread's, while no worker has it. */
struct load {
	struct fpool_batch b;
	struct fpool_victim v[LOAD];
	struct fpool_rmap_page p[LOAD];
	struct fpool_pool *pool;
	u32 taken;			/* pool->taken when it was started */
	u64 freed;			/* of its pages; by who has finished it */
	struct work_struct work;
	struct fpool_space *put_off;	/* a reference: its pages stayed, for want of a worker */
	bool flying;
	bool given_up;
	bool launched;
	bool finished;
	bool landed;			/* any time, READ_ONCE: all above is the thread's again */
};

struct fpool_loads {
	struct workqueue_struct *workers;
	atomic_t handed;		/* loads with which a worker is */
	atomic_t ended;			/* so many are not any more; wraps */
	int ended_then;			/* when a worker was waited for */
	bool stuck;			/* in vain */
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

static u64 finish_load(struct load *load)
{
	struct fpool_pool *pool = load->pool;
	u64 freed;

	fpool_laundry_moves(pool);
	fpool_batch_finish(&load->b);
	freed = fpool_batch_settle(&load->b);
	fpool_batch_put(&load->b, 0, load->b.nr);
	load->b.nr = 0;
	learn(pool, load);
	return freed;
}

/* Who may wait writes what could not take off. Whether all has ended; if not, the load is gone. */
static bool launch(struct load *load)
{
	fpool_flight_start_rest(load->b.flight);
	load->launched = true;
	return fpool_flight_launched(load->b.flight);
}

static void load_work(struct work_struct *work)
{
	struct load *load = container_of(work, struct load, work);
	struct fpool_space *space = fpool_space_get(load->b.v->space);
	struct fpool_pool *pool = load->pool;

	if (load->launched || launch(load)) {
		load->freed = finish_load(load);
		load->finished = true;
		load_landed(load->b.flight);
	}
	/* Before the space may have a turn. */
	atomic_inc(&pool->loads->ended);
	atomic_dec(&pool->loads->handed);
	fpool_laundry_leave(space);
	wake_up(&pool->reclaim_wait);
	fpool_space_put(space);
}

/*
 * Is there a worker for one load more?  Where all have much to do one is waited for, as it does
 * what would else have to be done here; not where none has ended since that was in vain.
 */
static bool has_worker(struct fpool_pool *pool)
{
	struct fpool_loads *l = pool->loads;
	int most = l->nr / 2, ended = atomic_read(&l->ended);

	if (atomic_read(&l->handed) < most)
		return true;
	if (l->stuck && ended == l->ended_then)
		return false;
	l->stuck = !wait_event_timeout(pool->reclaim_wait, atomic_read(&l->handed) < most, HZ / 4);
	l->ended_then = ended;
	return !l->stuck;
}

/* To a worker, if there is one, and none at this space: where that waits, this would, too. */
static bool hand_over(struct load *load)
{
	struct fpool_space *space = load->b.v->space;
	struct fpool_loads *l = load->pool->loads;

	if (fpool_laundry_is_attended(space) || !has_worker(load->pool))
		return false;
	atomic_inc(&l->handed);
	WRITE_ONCE(load->landed, false);
	fpool_laundry_attend(space);
	queue_work(l->workers, &load->work);
	return true;
}

static bool has_landed(const struct load *load)
{
	/* Pairs with load_landed(): what the writes have left comes before. */
	return load->flying && smp_load_acquire(&load->landed);
}

/**
 * fpool_launder_landed - has a load of the laundry been written?
 * @pool: the pool
 *
 * Context: The reclaim thread.
 * Return: whether fpool_launder_reap() has something to do.
 */
bool fpool_launder_landed(struct fpool_pool *pool)
{
	struct fpool_loads *l = pool->loads;
	unsigned int i;

	for (i = 0; l->flying && i < l->nr; i++)
		if (has_landed(&l->load[i]))
			return true;
	return false;
}

/* All its writes have ended.  Frames that became free. */
static u64 reap(struct load *load)
{
	struct fpool_flight *flight = load->b.flight;
	u64 freed = load->freed;

	if (!load->finished) {
		if (!fpool_flight_all_written(flight)) {
			if (!load->given_up && hand_over(load))
				return 0;
			fpool_flight_give_up(flight, true);
			load->given_up = true;
		}
		if (load->given_up)
			load->put_off = fpool_space_get(load->b.v->space);
		freed = finish_load(load);
	}
	load->flying = false;
	load->pool->loads->flying--;
	return freed;
}

/**
 * fpool_launder_reap - free the pages of loads that have been written
 * @pool: the pool
 *
 * Context: The reclaim thread.
 * Return: frames that became free.
 */
u64 fpool_launder_reap(struct fpool_pool *pool)
{
	struct fpool_loads *l = pool->loads;
	unsigned int i;
	u64 freed = 0;

	for (i = 0; l->flying && i < l->nr; i++)
		if (has_landed(&l->load[i]))
			freed += reap(&l->load[i]);
	return freed;
}

/**
 * fpool_launder_may_start - would fpool_launder_start() start something?
 * @pool: the pool
 *
 * While many loads are under way only large ones follow, lest a few pages each take all.  Those
 * with which workers are do not count: they may stay for long.
 *
 * Context: The reclaim thread.
 * Return: whether.
 */
bool fpool_launder_may_start(struct fpool_pool *pool)
{
	const struct fpool_loads *l = pool->loads;
	u32 len = READ_ONCE(pool->laundry.nready);
	/* Its worker may be a little later to say so than a load that has landed. */
	int flying = l->flying - atomic_read(&l->handed);

	return len && l->flying < l->nr && (flying < (int)l->nr / 2 || len >= LOAD / 2);
}

static void take(struct load *load, struct fpool_space *space, fpool_frame_t frame)
{
	struct fpool_pool *pool = load->pool;
	const struct fpool_frame_info *info = fpool_frames_info(&pool->frames, frame);
	struct fpool_batch *b = &load->b;

	fpool_laundry_del(space, frame);
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

/* Of one space: what stands still keeps no other's pages.  Perhaps none, if all stay after all. */
static void take_laundry(struct fpool_pool *pool, struct load *load)
{
	struct fpool_batch *b = &load->b;
	struct fpool_space *space;

	*b = (struct fpool_batch){
		.pool = pool, .by_policy = true, .one_space = true, .flight = b->flight,
		.v = load->v, .p = load->p,
	};
	spin_lock(&pool->lock);
	space = fpool_laundry_next(pool);
	while (space && space->laundry.len && b->nr < LOAD)
		take(load, space, fpool_frame_list_first(&space->laundry));
	fpool_batch_get(b);
	spin_unlock(&pool->lock);
	sort_batch(b);
}

/**
 * fpool_launder_start - start to write a load of dirty victims
 * @pool: the pool; fpool_launder_may_start() has said that there is one
 *
 * Context: The reclaim thread; waits for no file system's inode lock and for no room on a device,
 * but a quarter of a second for a worker.
 * Return: pages that left the laundry.
 */
unsigned int fpool_launder_start(struct fpool_pool *pool)
{
	struct fpool_loads *l = pool->loads;
	struct load *load = l->load;
	struct fpool_flight *flight;
	unsigned int nr;

	while (load->flying)
		load++;
	take_laundry(pool, load);
	nr = load->b.nr;
	if (!nr)
		return 0;
	fpool_laundry_moves(pool);
	load->taken = READ_ONCE(pool->taken);
	load->finished = false;
	load->given_up = false;
	load->launched = false;
	load->flying = true;
	l->flying++;
	WRITE_ONCE(load->landed, false);
	flight = load->b.flight;
	fpool_flight_begin(flight, load_landed, true);
	fpool_batch_clean(&load->b);
	fpool_batch_start(&load->b);
	if (!fpool_flight_all_started(flight)) {
		if (hand_over(load))
			return nr;
		fpool_flight_give_up(flight, false);
		load->given_up = true;
	}
	load->launched = true;
	if (fpool_flight_launched(flight))
		reap(load);
	return nr;
}

/**
 * fpool_launder_put_off - a space whose pages stayed, as no worker could write them
 * @pool: the pool
 *
 * They are dirty as far as everybody can see.
 *
 * Context: The reclaim thread, after fpool_launder_reap() and each fpool_launder_start().
 * Return: the space, with a reference; NULL: no other one since this was asked.
 */
struct fpool_space *fpool_launder_put_off(struct fpool_pool *pool)
{
	struct fpool_loads *l = pool->loads;
	struct fpool_space *space = NULL;
	unsigned int i;

	for (i = 0; i < l->nr && !space; i++)
		swap(space, l->load[i].put_off);
	return space;
}

/* For so many loads, and their flights behind them; in pages, as vmalloc() has it. */
static size_t bytes_of(unsigned int nr)
{
	struct fpool_loads *l;

	return PAGE_ALIGN(struct_size(l, load, nr) + nr * fpool_flight_bytes(LOAD));
}

/* What is outside of the region besides, with a space and a few processes. */
static u64 bytes_besides(const struct fpool_pool *pool)
{
	return fpool_mmset_bytes(pool) + sizeof(*pool) + SZ_8K +
	       fpool_direct_bytes_max(pool->region.nframes) +
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
 * fpool_launder_create - what writing dirty victims needs
 * @pool: a new pool
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int fpool_launder_create(struct fpool_pool *pool)
{
	unsigned int i, nr = how_many_loads(pool);
	struct fpool_loads *l;
	void *flight;

	/* Of pages: what kmalloc() has for so much would be a power of two. Who asked is told. */
	l = __vmalloc(bytes_of(nr), GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (!l)
		return -ENOMEM;
	/* As for fills: no rescuer. */
	l->workers = alloc_workqueue("framepool-/%s", WQ_UNBOUND, 0, pool->name);
	if (!l->workers) {
		vfree(l);
		return -ENOMEM;
	}
	l->nr = nr;
	l->bytes = bytes_of(nr);
	flight = &l->load[nr];
	for (i = 0; i < nr; i++) {
		struct load *load = &l->load[i];

		load->pool = pool;
		INIT_WORK(&load->work, load_work);
		load->b.flight = fpool_flight_make(flight, LOAD);
		load->b.flight->owner = load;
		flight += fpool_flight_bytes(LOAD);
	}
	pool->loads = l;
	return 0;
}

/**
 * fpool_launder_bytes - how much memory it takes
 * @pool: the pool
 *
 * Context: Any.
 * Return: bytes.
 */
size_t fpool_launder_bytes(const struct fpool_pool *pool)
{
	return pool->loads->bytes;
}

/**
 * fpool_launder_destroy - free it
 * @pool: without a reclaim thread, and nothing under way
 *
 * Context: Process context; may sleep.
 */
void fpool_launder_destroy(struct fpool_pool *pool)
{
	destroy_workqueue(pool->loads->workers);
	/* Who told the thread that the last load has landed may still be in load_landed(). */
	synchronize_rcu();
	vfree(pool->loads);
	pool->loads = NULL;
}

