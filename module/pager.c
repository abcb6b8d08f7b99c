// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bringing pages to frames.
 *
 * A shadow PTE goes from empty (or ghost) to BUSY when somebody claims it with a frame, and
 * from BUSY to present, or to an error, when the fill has ended:
 *
 *	empty/ghost --claim--> BUSY --fill--> P|A
 *	      ^                  |
 *	      |                  +--failed--> E(errno) --taken by a waiter, or by the next
 *	      claim--> empty +--------------------------------+
 *
 * The read is started by who claims, where he holds no lock of mm's and nothing has to be
 * waited for; else by a worker. Either way the fill owns frame and entry until it ends: whoever
 * asked only waits for the entry, and may die while he waits.  A failed fill leaves its errno
 * in the entry; the thread that waited comes back (its fault is TRIED) and takes it, everybody
 * else's touch tries again.  But it need not come back: so the errno is a ghost, which is dropped
 * where memory for nodes is short.  Who comes back and finds none tries again, too.
 *
 * A worker may have to wait for a lock of the file system's for as long as a program keeps it, and
 * a pool has only so many.  So the fills of one space have a few of them, in their order, and those
 * that come then wait in a list of the space: nobody does, but for those who want the pages.
 */
#include "pager.h"

#include <linux/delay.h>
#include <linux/mempool.h>
#include <linux/pagemap.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "errlog.h"
#include "inject.h"
#include "laundry.h"
#include "mmset.h"
#include "trace.h"

/* Of a read that was started without waiting: who comes second ends the fill. */
enum fill_state {
	FILL_NEW,
	FILL_STARTED,	/* the call that started it has returned */
	FILL_DONE,	/* the read has ended */
};

/* Frames that lie together. */
struct piece {
	fpool_frame_t frame;
	u32 nr;
};

/* Of a block: where the allocator has no frames that lie together for all of it. */
#define PIECES_MAX	32

struct fill {
	struct work_struct work;
	struct list_head next;		/* F: of those that wait for a worker */
	struct fpool_read read;
	atomic_t state;			/* enum fill_state */
	ssize_t got;			/* bytes read; an error: to be read by a worker */
	struct fpool_space *space;	/* a reference, unless it ends in the call that starts it */
	fpool_vpn_t vpn;		/* first page of the block */
	fpool_vpn_t wanted;		/* who gets the error */
	u32 nr;				/* pages */
	u32 pieces;			/* how many, at least one */
	struct piece piece[PIECES_MAX];	/* in the order of the pages */
	struct bio_vec bv[PIECES_MAX];	/* the same for the device */
};

/* Ends reads on the CPU that took their interrupt. */
static struct workqueue_struct *end_queue;
static mempool_t *fill_pool;

/* Where a read ends at once one descriptor after the other is needed: the last one is kept. */
static DEFINE_PER_CPU(struct fill *, spare_fill);

static struct fill *get_fill(void)
{
	return this_cpu_xchg(spare_fill, NULL) ?: mempool_alloc(fill_pool, GFP_KERNEL);
}

/* For what nobody waits for: NULL rather than to wait. */
static struct fill *get_fill_ahead(void)
{
	return this_cpu_xchg(spare_fill, NULL) ?: mempool_alloc(fill_pool, GFP_NOWAIT);
}

/* None is kept from those who wait for one. */
static void put_fill(struct fill *fill)
{
	/* A hint: the mempool changes it under its own lock, and does not mark that. */
	if (likely(data_race(fill_pool->curr_nr) == fill_pool->min_nr))
		fill = this_cpu_xchg(spare_fill, fill);
	if (fill)
		mempool_free(fill, fill_pool);
}

static void free_spare_fills(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		kfree(per_cpu(spare_fill, cpu));
		per_cpu(spare_fill, cpu) = NULL;
	}
}

/* Claiming. */

/* What a sequential mapping begins with, without having shown that it is one. */
#define SEQUENTIAL_ORDER	6

static bool follows_streams(const struct fpool_space *space, unsigned int how)
{
	return READ_ONCE(space->block_type) == FRAMEPOOL_BLOCK_AUTO && !(how & FPOOL_FILL_ALONE);
}

/* How much is to be fetched around a page. */
static unsigned int wanted_order(struct fpool_space *space, u64 vpn, unsigned int how)
{
	unsigned int type = READ_ONCE(space->block_type), order;

	if (type != FRAMEPOOL_BLOCK_AUTO)
		return fpool_block_type_order(type - FRAMEPOOL_BLOCK_1);
	if (!follows_streams(space, how))
		return min(how / FPOOL_FILL_ORDER(1), space->pool->block_order);
	order = min(fpool_streams_miss(&space->streams, vpn), space->pool->block_order);
	return how & FPOOL_FILL_SEQUENTIAL ? max_t(unsigned int, order, SEQUENTIAL_ORDER) : order;
}

/* A block that nobody has asked for as a whole leaves others their frames. */
static bool can_afford(const struct fpool_space *space, u32 nr)
{
	struct fpool_pool *pool = space->pool;

	if (READ_ONCE(space->block_type) != FRAMEPOOL_BLOCK_AUTO)
		return true;
	/* While there is demand for large blocks, there should be some. */
	if (nr >= FPOOL_BULK_MIN)
		WRITE_ONCE(pool->bulk_until, jiffies + HZ / 4);
	return pool->nfree >= nr + pool->low / 2;
}

static void give_pieces(struct fpool_pool *pool, const struct fill *fill)
{
	u32 i;

	for (i = 0; i < fill->pieces; i++)
		fpool_pool_give_run(pool, fill->piece[i].frame, fill->piece[i].nr);
}

/* Frames for @fill->nr pages, in as few pieces as the allocator has them, from 2^@order down. */
static bool take_pieces(struct fill *fill, unsigned int order)
{
	struct fpool_pool *pool = fill->space->pool;
	u32 left = fill->nr;

	for (fill->pieces = 0; left && fill->pieces < PIECES_MAX; fill->pieces++) {
		struct piece *p = &fill->piece[fill->pieces];

		while (1U << order > left)
			order--;
		while (fpool_pool_take(pool, order, &p->frame)) {
			if (!order)
				goto give;
			order--;
		}
		p->nr = 1U << order;
		left -= p->nr;
	}
	if (!left)
		return true;
give:
	give_pieces(pool, fill);
	return false;
}

/* All of a block type that was asked for are frames that lie together; @any: in pieces. */
static bool take_frames(struct fill *fill, unsigned int order, bool any)
{
	if (any)
		return take_pieces(fill, order);
	fill->pieces = 1;
	fill->piece[0].nr = fill->nr;
	return !fpool_pool_take(fill->space->pool, order, &fill->piece[0].frame);
}

static bool is_absent(const u64 *entry)
{
	return !fpool_spte_has(fpool_ptable_read(entry), FPOOL_SPTE_P | FPOOL_SPTE_BUSY);
}

/*
 * What is absent around @vpn, without a page between that is not, of its aligned block of 2^@order.
 * Returns whether that is enough: @any, or all of it.
 */
static bool choose_run(struct fill *fill, u64 vpn, unsigned int order, bool any)
{
	struct fpool_space *space = fill->space;
	u64 first = vpn & ~((1ULL << order) - 1);
	/* Somebody may cut the page off just now: it is claimed, and goes with the rest. */
	u64 end = max(fpool_space_pages(space), vpn + 1);
	u32 nr = min_t(u64, 1ULL << order, end - first);
	const u64 *entry = fpool_ptable_get_run(&space->ptable, fpool_vpn(first), nr);
	u32 lo = entry ? vpn - first : 0, hi = entry ? lo + 1 : nr;

	while (lo && is_absent(&entry[lo - 1]))
		lo--;
	while (hi < nr && is_absent(&entry[hi]))
		hi++;
	fill->vpn = fpool_vpn(first + lo);
	fill->nr = hi - lo;
	return any || fill->nr == 1U << order;
}

/*
 * Take the largest run around @vpn, of a block of 2^@order at most, that the allocator has: a
 * fragmented pool gets it in pieces, or one of a smaller block.
 */
static int take_block(struct fill *fill, u64 vpn, unsigned int order)
{
	/* Those that can be asked for are powers of four. It may change meanwhile. */
	bool any = READ_ONCE(fill->space->block_type) == FRAMEPOOL_BLOCK_AUTO;

	for (; order; order -= any ? 1 : 2)
		if (can_afford(fill->space, 1U << order) && choose_run(fill, vpn, order, any) &&
		    take_frames(fill, order, any))
			return 0;
	choose_run(fill, vpn, 0, true);
	return take_frames(fill, 0, true) ? 0 : -ENOMEM;
}

/* What remembers a page that was here, or 0. */
static __always_inline u64 ghost_seq(fpool_spte_t e)
{
	return fpool_spte_is_evicted(e) ? fpool_spte_seq(e) : 0;
}

/* How many pages have left since a ghost was made, for a word in the frame table. */
static __always_inline u32 age_word(u64 age)
{
	return min_t(u64, age, U32_MAX - (age != U64_MAX));
}

/*
 * Until the policy gets the frames, their word carries the ages of the ghosts.  The entry of the
 * page that was asked for was looked at before: @age.  Returns how many ghosts there are.
 */
static __always_inline u32 note_ages(struct fpool_pool *pool, fpool_frame_t frame,
				     const u64 *entry, u32 nr, u32 wanted, u64 age)
{
	struct fpool_frame_info *info = fpool_frames_info(&pool->frames, frame);
	u32 i, ghosts = 0;

	for (i = 0; i < nr; i++, info++) {
		u64 ghost = ghost_seq(fpool_spte(entry[i]));
		u32 word = U32_MAX;

		if (ghost && i != wanted)
			word = age_word(fpool_wsets_age(&pool->wsets, ghost));
		else if (ghost && !(ghost & FPOOL_GHOST_SILENT))
			word = age_word(age);
		ghosts += !!ghost;
		info->policy = word;
	}
	return ghosts;
}

/*
 * The pages of a piece of a claimed block: their frames carry the space's mapping from here on.
 * All of it is told, so that there is code for the single page without loops.
 */
static __always_inline u32 mark_piece(struct fpool_space *space, struct fpool_wset *set,
				      fpool_frame_t frame, fpool_vpn_t vpn, u32 nr, u32 wanted,
				      u64 age)
{
	const u64 *entry = fpool_ptable_slot(&space->ptable, vpn);
	struct address_space *mapping = space->inode->i_mapping;
	struct fpool_pool *pool = space->pool;
	struct page *page = fpool_pool_page(pool, frame);
	u32 i, ghosts;

	WARN_ON_ONCE(fpool_frames_mark_fill_run(&pool->frames, frame, nr, space->id, vpn));
	WARN_ON_ONCE(fpool_wset_charge_run(&pool->wsets, set, frame, nr));
	ghosts = note_ages(pool, frame, entry, nr, wanted, age);
	for (i = 0; i < nr; i++) {
		page[i].mapping = mapping;
		page[i].index = fpool_vpn_nr(vpn) + i;
	}
	WARN_ON_ONCE(fpool_ptable_fill_run(&space->ptable, vpn, nr, frame));
	return ghosts;
}

/* Somebody has asked for a page of which there is a leaf: how many have left since it did. */
static __always_inline u64 note_fault(struct fpool_space *space, struct fpool_wset *set,
				      fpool_vpn_t vpn)
{
	u64 ghost = ghost_seq(fpool_spte(*fpool_ptable_slot(&space->ptable, vpn)));

	return fpool_wset_fault(&space->pool->wsets, set, ghost);
}

static __always_inline void note_claimed(struct fpool_space *space, u32 ghosts)
{
	struct fpool_pool *pool = space->pool;

	if (ghosts)
		fpool_space_count(space, FPOOL_STAT_REFAULTS, ghosts);
	pool->resident_max = max(pool->resident_max, fpool_pool_resident(pool));
}

/* The oldest ghosts make room for what is there. */
static bool make_nodes(struct fpool_space *space, fpool_vpn_t vpn)
{
	return fpool_pool_make_nodes(space->pool, &space->ptable,
				     fpool_ptable_missing(&space->ptable, vpn));
}

static noinline int no_node(struct fill *fill)
{
	give_pieces(fill->space->pool, fill);
	return make_nodes(fill->space, fill->wanted) ? -EAGAIN : -ENOBUFS;
}

/* As fpool_pool_take(), of a single frame: nearly always a spare one, without a call. */
static __always_inline int take_frame(struct fpool_pool *pool, fpool_frame_t *frame)
{
	if (unlikely(!pool->nspare) || IS_ENABLED(CONFIG_FAULT_INJECTION))
		return fpool_pool_take(pool, 0, frame);
	*frame = fpool_pool_spare_pop(pool);
	WRITE_ONCE(pool->nfree, pool->nfree - 1);
	WRITE_ONCE(pool->taken, pool->taken + 1);
	trace_fpool_alloc(pool->id, fpool_frame_nr(*frame), 0);
	return 0;
}

static __always_inline int claim_page(struct fill *fill, struct fpool_wset *set, fpool_vpn_t vpn)
{
	struct fpool_space *space = fill->space;
	fpool_frame_t frame;
	int err = take_frame(space->pool, &frame);
	u64 age;

	if (err)
		return err;
	fill->vpn = vpn;
	fill->wanted = vpn;
	fill->nr = 1;
	fill->pieces = 1;
	fill->piece[0] = (struct piece){ frame, 1 };
	err = fpool_ptable_prepare(&space->ptable, vpn);
	if (err)
		return no_node(fill);
	age = note_fault(space, set, vpn);
	note_claimed(space, mark_piece(space, set, frame, vpn, 1, 0, age));
	return 0;
}

static noinline int claim_block(struct fill *fill, struct fpool_wset *set, fpool_vpn_t vpn,
				unsigned int order)
{
	struct fpool_space *space = fill->space;
	int err = take_block(fill, fpool_vpn_nr(vpn), order);
	u32 i, ghosts = 0, wanted;
	fpool_vpn_t here;
	u64 age;

	if (err)
		return err;
	/* A block of 256 aligned entries lies in one node. */
	err = fpool_ptable_prepare(&space->ptable, vpn);
	if (err) {
		/* The block may have taken the last frames: those of its own nodes. */
		give_pieces(space->pool, fill);
		return claim_page(fill, set, vpn);
	}
	fill->wanted = vpn;
	here = fill->vpn;
	wanted = fpool_vpn_nr(vpn) - fpool_vpn_nr(here);
	age = note_fault(space, set, vpn);
	for (i = 0; i < fill->pieces; i++) {
		const struct piece *p = &fill->piece[i];

		/* Below zero, and so far beyond, once it is passed. */
		ghosts += mark_piece(space, set, p->frame, here, p->nr, wanted, age);
		here = fpool_vpn_add(here, p->nr);
		wanted -= p->nr;
	}
	note_claimed(space, ghosts);
	return 0;
}

/* Claim the page, and neighbours up to a block of 2^@order, for a working set. */
static __always_inline int claim(struct fill *fill, struct fpool_wset *set, fpool_vpn_t vpn,
				 unsigned int order)
{
	u32 room = fpool_wset_room(set);

	if (!room)
		return -EDQUOT;
	while (1U << order > room)
		order -= 2;
	return order ? claim_block(fill, set, vpn, order) : claim_page(fill, set, vpn);
}

/* Can it be claimed? */
static __always_inline int look(struct fpool_space *space, fpool_vpn_t vpn)
{
	lockdep_assert_held(&space->pool->lock);
	if (fpool_vpn_nr(vpn) >= fpool_space_pages(space))
		return -ENXIO;
	return fpool_spte_has(fpool_ptable_peek(&space->ptable, vpn),
			      FPOOL_SPTE_P | FPOOL_SPTE_BUSY) ? -EEXIST : 0;
}

/* Filling. */

/* Where in the block the page is that was asked for. */
static u32 wanted_index(const struct fill *fill)
{
	return fpool_vpn_nr(fill->wanted) - fpool_vpn_nr(fill->vpn);
}

/* Where the page with an index in the block is. */
static fpool_frame_t frame_at(const struct fill *fill, u32 i)
{
	const struct piece *p = fill->piece;

	for (; i >= p->nr; p++)
		i -= p->nr;
	return fpool_frame_add(p->frame, i);
}

/* Pages of a piece are there, all or fewer; told as in mark_piece(). */
static __always_inline void publish(struct fpool_space *space, fpool_frame_t first,
				    fpool_vpn_t vpn, u32 nr, u32 wanted)
{
	struct fpool_pool *pool = space->pool;
	struct fpool_frame_info *info = fpool_frames_info(&pool->frames, first);
	struct page *page = fpool_pool_page(pool, first);
	u32 i;

	WARN_ON_ONCE(fpool_frames_mark_filled_run(&pool->frames, first, nr));
	for (i = 0; i < nr; i++, info++) {
		fpool_frame_t frame = fpool_frame_add(first, i);
		u32 age = info->policy;

		info->policy = 0;
		info->aux = 0;
		/* A pipe that the page is spliced into asks for it; it stays for the next page. */
		if (unlikely(!test_bit(PG_uptodate, &page[i].flags)))
			SetPageUptodate(&page[i]);
		fpool_policy_insert(fpool_pool_policy(pool, frame), frame,
				    age == U32_MAX ? U64_MAX : age);
	}
	if (wanted < nr)
		fpool_page_set_fresh(&page[wanted]);
	WARN_ON_ONCE(fpool_ptable_show_run(&space->ptable, vpn, nr, first));
}

static void withdraw(struct fpool_space *space, fpool_vpn_t vpn, fpool_frame_t frame, int err)
{
	struct fpool_pool *pool = space->pool;
	struct page *page = fpool_pool_page(pool, frame);

	WARN_ON_ONCE(fpool_ptable_set(&space->ptable, vpn,
				      err ? fpool_spte_error(err) : fpool_spte(0)));
	page->mapping = NULL;
	page->index = 0;
	fpool_wset_uncharge(&pool->wsets, frame);
	WARN_ON_ONCE(fpool_frames_mark_free(&pool->frames, frame));
	fpool_pool_give(pool, frame);
}

/* Pages of the block that got bytes; what is missing of the last of them is zero. */
static __always_inline u32 pages_filled(const struct fill *fill, ssize_t got)
{
	size_t bytes = (size_t)fill->nr << PAGE_SHIFT;
	u32 nr;

	if (likely(got == bytes))
		return fill->nr;
	if (got <= 0)
		return 0;
	nr = DIV_ROUND_UP(got, PAGE_SIZE);
	if (got % PAGE_SIZE)
		memset(fpool_region_addr(&fill->space->pool->region, frame_at(fill, nr - 1)) +
		       got % PAGE_SIZE, 0, PAGE_SIZE - got % PAGE_SIZE);
	return nr;
}

/* What the file had nothing for. The caller holds P. */
static noinline void fail(struct fill *fill, u32 good, int err)
{
	struct fpool_space *space = fill->space;
	u32 i;

	for (i = good; i < fill->nr; i++) {
		fpool_vpn_t vpn = fpool_vpn_add(fill->vpn, i);
		bool wanted = fpool_vpn_nr(vpn) == fpool_vpn_nr(fill->wanted);

		withdraw(space, vpn, frame_at(fill, i), wanted ? err : 0);
	}
	fpool_errlog_read(space, fpool_vpn_add(fill->vpn, good), err);
}

/* The first @nr pages of a block are there. */
static noinline void publish_block(const struct fill *fill, u32 nr)
{
	u32 wanted = wanted_index(fill), here;
	const struct piece *p = fill->piece;
	fpool_vpn_t vpn = fill->vpn;

	for (; nr; nr -= here, p++) {
		here = min(nr, p->nr);
		publish(fill->space, p->frame, vpn, here, wanted);
		vpn = fpool_vpn_add(vpn, here);
		wanted -= here;
	}
}

/*
 * @page: NULL, or out: that of the page which was asked for, with a reference, if it is there.
 * Nobody can be evicting it, as P is held since it is.
 */
static void finish(struct fill *fill, ssize_t got, struct page **page)
{
	struct fpool_space *space = fill->space;
	u32 good = pages_filled(fill, got), nr = fill->nr;
	fpool_frame_t wanted = fill->piece[0].frame;
	/* Nothing where the space says that there is something: the file was cut behind us. */
	int err = got < 0 ? got : -EIO;

	spin_lock(&space->pool->lock);
	if (likely(nr == 1 && good)) {
		publish(space, wanted, fill->vpn, 1, 0);
	} else {
		wanted = frame_at(fill, wanted_index(fill));
		publish_block(fill, good);
		if (good < nr)
			fail(fill, good, err);
	}
	if (page && good == nr) {
		*page = fpool_pool_page(space->pool, wanted);
		page_ref_inc(*page);
	}
	spin_unlock(&space->pool->lock);
	fpool_space_count(space, FPOOL_STAT_FILLS, good);
	if (unlikely(good < nr)) {
		fpool_space_count(space, FPOOL_STAT_FILL_ERRORS, nr - good);
		fpool_pool_freed(space->pool);
	}
	trace_fpool_fill(space->pool->id, space->id, fpool_vpn_nr(fill->vpn), nr,
			 good == nr ? 0 : err);
	fpool_space_wake(space, fill->vpn);
}

static loff_t position(const struct fill *fill)
{
	return fpool_vpn_nr(fill->vpn) << PAGE_SHIFT;
}

static __always_inline void set_bvecs(struct fill *fill)
{
	u32 i = 0;

	do
		bvec_set_page(&fill->bv[i], fpool_pool_page(fill->space->pool,
							    fill->piece[i].frame),
			      (size_t)fill->piece[i].nr << PAGE_SHIFT, 0);
	while (++i < fill->pieces);
}

static size_t length(const struct fill *fill)
{
	return (size_t)fill->nr << PAGE_SHIFT;
}

/* Make it a fill of the page that was asked for; the others are as they were before. */
static void shrink_to_wanted(struct fill *fill)
{
	fpool_frame_t frame = frame_at(fill, wanted_index(fill));
	u32 keep = wanted_index(fill), i;
	struct fpool_space *space = fill->space;

	spin_lock(&space->pool->lock);
	for (i = 0; i < fill->nr; i++)
		if (i != keep)
			withdraw(space, fpool_vpn_add(fill->vpn, i), frame_at(fill, i), 0);
	spin_unlock(&space->pool->lock);
	fpool_pool_freed(space->pool);
	fpool_space_wake(space, fill->vpn);
	fill->vpn = fill->wanted;
	fill->nr = 1;
	fill->pieces = 1;
	fill->piece[0] = (struct piece){ frame, 1 };
	set_bvecs(fill);
}

static ssize_t read_now(struct fill *fill)
{
	return fpool_backing_read(&fill->space->backing, fill->bv, fill->pieces, position(fill),
				  length(fill));
}

/* The read has ended. */
static void end_fill(struct fill *fill)
{
	struct fpool_space *space = fill->space;

	finish(fill, fill->got, NULL);
	put_fill(fill);
	fpool_space_put(space);
}

static void end_work(struct work_struct *work)
{
	end_fill(container_of(work, struct fill, work));
}

/* The caller has a reference to the space, of which this is one fill less that has a worker. */
static void pass_on_worker(struct fpool_space *space)
{
	struct fill *next;
	unsigned long flags;

	spin_lock_irqsave(&space->fills_lock, flags);
	next = list_first_entry_or_null(&space->fills, struct fill, next);
	if (next)
		list_del(&next->next);
	else
		space->filling--;
	spin_unlock_irqrestore(&space->fills_lock, flags);
	if (next)
		queue_work(space->pool->wq, &next->work);
}

/* In a worker: do a read that could not be started. */
static void read_work(struct work_struct *work)
{
	struct fill *fill = container_of(work, struct fill, work);

	fill->got = read_now(fill);
	/* One bad page in a block is no reason to refuse another. */
	if (fill->got < 0 && fill->nr > 1) {
		shrink_to_wanted(fill);
		fill->got = read_now(fill);
	}
	pass_on_worker(fill->space);
	end_fill(fill);
}

/*
 * A worker has to do this read, and may have to wait for a lock of the file system's: perhaps for
 * one whose holder waits for this page. Until publish() the frame says so.
 */
static void note_worker(struct fill *fill)
{
	struct fpool_frames *ft = &fill->space->pool->frames;
	u32 i;

	for (i = 0; i < fill->nr; i++)
		WRITE_ONCE(fpool_frames_info(ft, frame_at(fill, i))->aux, 1);
}

/* A worker reads it as soon as its space may have one more. */
static void want_worker(struct fill *fill)
{
	struct fpool_space *space = fill->space;
	unsigned long flags;
	bool now;

	note_worker(fill);
	INIT_WORK(&fill->work, read_work);
	spin_lock_irqsave(&space->fills_lock, flags);
	now = space->filling < FPOOL_SPACE_FILLS;
	if (now)
		space->filling++;
	else
		list_add_tail(&fill->next, &space->fills);
	spin_unlock_irqrestore(&space->fills_lock, flags);
	/* Else it may have ended by now. */
	if (now)
		queue_work(space->pool->wq, &fill->work);
}

/* The fill has a reference to its space. */
static void hand_over(struct fill *fill)
{
	if (fill->got < 0) {
		want_worker(fill);
		return;
	}
	INIT_WORK(&fill->work, end_work);
	queue_work(end_queue, &fill->work);
}

/* The device's word, in any context. */
static void read_done(struct fpool_read *read, long ret)
{
	struct fill *fill = container_of(read, struct fill, read);

	fill->got = ret;
	/* Orders @got before the state, for start_read() and, by the queue, for the worker. */
	if (atomic_xchg(&fill->state, FILL_DONE) == FILL_STARTED)
		hand_over(fill);
}

/* Is it under way? From then on it may end, in a worker, at any time. */
static bool is_flying(struct fill *fill)
{
	/* Pairs with read_done(): ended before anybody had to ask whose the end is. */
	if (likely(atomic_read_acquire(&fill->state) == FILL_DONE))
		return false;
	fpool_space_get(fill->space);
	if (atomic_xchg(&fill->state, FILL_STARTED) != FILL_DONE)
		return true;
	/* The caller has one, too. */
	fpool_space_put(fill->space);
	return false;
}

/* A read that has ended when the call that starts it returns does with the caller's reference. */
static void start_read(struct fill *fill, bool may_io, struct page **page)
{
	ssize_t ret = -EAGAIN;

	set_bvecs(fill);
	atomic_set(&fill->state, FILL_NEW);
	if (may_io)
		ret = fpool_backing_read_nowait(&fill->space->backing, &fill->read, fill->bv,
						fill->pieces, position(fill), length(fill),
						read_done);
	if (ret == -EIOCBQUEUED) {
		if (is_flying(fill))
			return;
		ret = fill->got;
	}
	fill->got = ret;
	if (ret >= 0) {
		finish(fill, ret, page);
		put_fill(fill);
		return;
	}
	fpool_space_get(fill->space);
	hand_over(fill);
}

/* Start the read of what was claimed, or forget what could not be. */
static void launch(struct fill *fill, int err, bool may_io, struct page **page)
{
	struct fpool_pool *pool = fill->space->pool;

	if (!err)
		start_read(fill, may_io, page);
	else
		put_fill(fill);
	if (fpool_pool_is_low(pool))
		wake_up(&pool->reclaim_wait);
}

/* For later: nothing is evicted for it, and what is just leaving leaves. */
static int claim_ahead(struct fill *fill, const struct mm_struct *mm, u64 vpn, unsigned int order)
{
	struct fpool_space *space = fill->space;
	struct fpool_wset *set = fpool_mmset_find(space->pool, mm);
	int err = look(space, fpool_vpn(vpn));

	if (err)
		return err;
	if (!can_afford(space, 1U << order) || fpool_wset_room(set) < 1U << order)
		return -ENOMEM;
	return claim(fill, set, fpool_vpn(vpn), order);
}

/* Is one of the pages absent at which the next block may begin? */
static bool lacks_next(const struct fpool_space *space, const struct fpool_stream_ahead *ahead)
{
	const u64 there = FPOOL_SPTE_P | FPOOL_SPTE_BUSY;
	u64 vpn = ahead->next;
	u32 i;

	for (i = 0; i < FPOOL_STREAM_NEAR; i++, vpn += ahead->step) {
		if (vpn >= fpool_space_pages(space))
			return false;
		if (!fpool_spte_has(fpool_space_spte(space, fpool_vpn(vpn)), there))
			return true;
	}
	return false;
}

/*
 * Who touches each page of a block by itself, as read() does, asks for the next one as he comes
 * into it: random touches hardly ever do, and nobody takes P in vain again and again.
 */
static bool is_time(const struct fpool_space *space, const struct fpool_stream_ahead *ahead,
		    u64 first, u64 end)
{
	u64 nearest = clamp(ahead->entry, first, end - 1);

	return (nearest - ahead->entry) * ahead->step < FPOOL_STREAM_NEAR &&
	       lacks_next(space, ahead);
}

/* The block that comes next in a stream. */
static void bring_block(struct fpool_space *space, const struct mm_struct *mm, u64 vpn)
{
	struct fpool_pool *pool = space->pool;
	struct fill *fill = get_fill_ahead();
	struct fpool_stream_ahead ahead;
	unsigned int order, i;
	int err = -EEXIST;

	if (!fill)
		return;
	fill->space = space;
	spin_lock(&pool->lock);
	order = min(fpool_streams_ahead(&space->streams, vpn, &ahead), pool->block_order);
	/* Some pages of each pass stay, and end a block. */
	for (i = 0; order && err == -EEXIST && i < FPOOL_STREAM_NEAR; i++)
		err = claim_ahead(fill, mm, ahead.next + i * ahead.step, order);
	if (!err)
		fpool_streams_fetched(&space->streams, fpool_vpn_nr(fill->vpn), fill->nr);
	spin_unlock(&pool->lock);
	launch(fill, err, true, NULL);
}

/* A single page; whether it is there, or on its way. */
static bool bring_single(struct fpool_space *space, const struct mm_struct *mm, u64 vpn)
{
	struct fill *fill;
	int err;

	/* A stride leads anywhere. */
	if (vpn >= fpool_space_pages(space))
		return false;
	fill = get_fill_ahead();
	if (!fill)
		return false;
	fill->space = space;
	spin_lock(&space->pool->lock);
	err = claim_ahead(fill, mm, vpn, 0);
	spin_unlock(&space->pool->lock);
	launch(fill, err, true, NULL);
	return !err || err == -EEXIST;
}

/* The next pages of who jumps. */
static void bring_strided(struct fpool_space *space, const struct mm_struct *mm, u64 vpn)
{
	struct fpool_pool *pool = space->pool;
	u64 next, stride;
	u32 nr, done = 0;

	spin_lock(&pool->lock);
	nr = fpool_strides_ahead(&space->strides, vpn, &next, &stride);
	spin_unlock(&pool->lock);
	while (done < nr && bring_single(space, mm, next + done * stride))
		done++;
	spin_lock(&pool->lock);
	fpool_strides_fetched(&space->strides, vpn, done);
	spin_unlock(&pool->lock);
}

/*
 * A miss has claimed what it fetches; whether who misses jumps, and more is to be fetched.  Who was
 * given a block without having shown that he reads in order does not jump.
 */
static bool note_miss(struct fpool_space *space, const struct fill *fill)
{
	bool alone = !space->streams.hits && fill->nr == 1;

	fpool_streams_fetched(&space->streams, fpool_vpn_nr(fill->vpn), fill->nr);
	return alone && fpool_strides_miss(&space->strides, fpool_vpn_nr(fill->wanted));
}

/**
 * fpool_pager_start - start to bring a page, unless it is there or coming
 * @space: the space, of which the caller has a reference
 * @mm: for whom: its working set is charged; NULL: nobody in particular
 * @vpn: the page
 * @how: FPOOL_FILL_*
 * @page: NULL, or out: where the read has ended already, the page with a reference; else as it was
 *
 * What is fetched with it, or ahead of who jumps from page to page, is told to nobody.
 *
 * Context: Process context; may sleep for memory, never for I/O. Under mm's locks too: of a file
 * system's it takes only those that are free.
 * Return: 0: it is being read; -EEXIST: it is there, or on its way, or just leaving; -ENXIO:
 * past the end; -ENOMEM: no free frame; -EDQUOT: the working set is at its maximum; -ENOBUFS: no
 * nodes for the page table, see fpool_pager_make_nodes(); -EAGAIN: there were none.
 */
int fpool_pager_start(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		      unsigned int how, struct page **page)
{
	struct fpool_pool *pool = space->pool;
	struct fill *fill = get_fill();
	bool jumps = false;
	int err;

	fill->space = space;
	spin_lock(&pool->lock);
	err = look(space, vpn);
	if (!err)
		err = claim(fill, fpool_mmset_find(pool, mm), vpn,
			    wanted_order(space, fpool_vpn_nr(vpn), how));
	else if (err == -EEXIST)
		fpool_laundry_rescue(space, vpn);
	if (!err && follows_streams(space, how))
		jumps = note_miss(space, fill) && how & FPOOL_FILL_HERE;
	spin_unlock(&pool->lock);
	launch(fill, err, how & FPOOL_FILL_HERE, page);
	if (unlikely(jumps))
		bring_strided(space, mm, fpool_vpn_nr(vpn));
	return err;
}

/* The frame of a claimed page gets its bytes from a program. */
static int copy_whole(struct fill *fill, struct iov_iter *iter, struct page **out)
{
	struct fpool_space *space = fill->space;
	fpool_frame_t frame = fill->piece[0].frame;
	struct page *page = fpool_pool_page(space->pool, frame);
	size_t done = copy_page_from_iter_atomic(page, 0, PAGE_SIZE, iter);
	bool whole = done == PAGE_SIZE;

	if (!whole)
		iov_iter_revert(iter, done);
	spin_lock(&space->pool->lock);
	if (whole) {
		publish(space, frame, fill->vpn, 1, 0);
		SetPageDirty(page);
		page_ref_inc(page);
		*out = page;
	} else {
		withdraw(space, fill->vpn, frame, 0);
	}
	spin_unlock(&space->pool->lock);
	if (!whole)
		fpool_pool_freed(space->pool);
	fpool_space_wake(space, fill->vpn);
	return whole ? 0 : -EFAULT;
}

/**
 * fpool_pager_store - bring a page by storing all of it: nothing is read
 * @space: the space, of which the caller has a reference
 * @mm: as fpool_pager_start()
 * @vpn: the page
 * @iter: where the bytes come from; moves on by a page, or not at all
 * @page: out: the page with a reference, if it was stored; it is dirty
 *
 * Context: Process context, with no lock of mm's; may sleep for memory.
 * Return: 0; -EFAULT: the bytes are not to be had without a fault, which would perhaps be one on
 * this page; or as fpool_pager_start().
 */
int fpool_pager_store(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		      struct iov_iter *iter, struct page **page)
{
	struct fpool_pool *pool = space->pool;
	struct fill *fill = get_fill();
	int err;

	fill->space = space;
	spin_lock(&pool->lock);
	err = look(space, vpn);
	if (!err)
		err = claim(fill, fpool_mmset_find(pool, mm), vpn, 0);
	spin_unlock(&pool->lock);
	if (!err)
		err = copy_whole(fill, iter, page);
	put_fill(fill);
	if (fpool_pool_is_low(pool))
		wake_up(&pool->reclaim_wait);
	return err;
}

/**
 * fpool_pager_make_nodes - are there nodes for the page table of a page?
 * @space: the space
 * @vpn: the page
 *
 * Ghosts make room for them.
 *
 * Context: Any process context; takes pool->lock.
 * Return: whether there are, and a frame for the page besides.
 */
bool fpool_pager_make_nodes(struct fpool_space *space, fpool_vpn_t vpn)
{
	bool enough;

	spin_lock(&space->pool->lock);
	enough = make_nodes(space, vpn);
	spin_unlock(&space->pool->lock);
	return enough;
}

/**
 * fpool_pager_ahead - a page was touched: is it time to bring what comes next?
 * @space: the space, of which the caller has a reference
 * @mm: by whom
 * @vpn: the page
 * @first: of the pages that are mapped with it, whose touches nobody will see
 * @end: past the last of them
 *
 * What it starts is for later: nothing is waited for, nothing is evicted for it, and no error is
 * told.
 *
 * Context: Process context, under mm's locks or not.
 */
void fpool_pager_ahead(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		       u64 first, u64 end)
{
	struct fpool_stream_ahead ahead;
	u64 mark;

	if (READ_ONCE(space->block_type) != FRAMEPOOL_BLOCK_AUTO)
		return;
	if (fpool_streams_next(&space->streams, fpool_vpn_nr(vpn), &ahead)) {
		if (is_time(space, &ahead, first, end))
			bring_block(space, mm, fpool_vpn_nr(vpn));
		return;
	}
	mark = fpool_strides_marked(&space->strides, first, end);
	if (unlikely(mark != FPOOL_NO_MARK))
		bring_strided(space, mm, mark);
}

/**
 * fpool_pager_take_error - take the error that a fill has left
 * @space: the space
 * @vpn: the page
 *
 * For who has waited for the fill; anybody else claims the entry again.
 *
 * Context: Any process context; takes pool->lock.
 * Return: 0: there is none; else the errno of the fill, gone now.
 */
int fpool_pager_take_error(struct fpool_space *space, fpool_vpn_t vpn)
{
	struct fpool_pool *pool = space->pool;
	fpool_spte_t e;
	int err = 0;

	spin_lock(&pool->lock);
	e = fpool_ptable_peek(&space->ptable, vpn);
	if (fpool_spte_has(e, FPOOL_SPTE_E)) {
		err = fpool_spte_errno(e);
		WARN_ON_ONCE(fpool_ptable_set(&space->ptable, vpn, fpool_spte(0)));
	}
	spin_unlock(&pool->lock);
	return err;
}

static bool is_usable(fpool_spte_t e)
{
	return fpool_spte_has(e, FPOOL_SPTE_P) && !fpool_spte_has(e, FPOOL_SPTE_BUSY);
}

/* The page of an entry with a reference, or NULL; the caller is in an RCU read-side section. */
static __always_inline struct page *get_entry(struct fpool_space *space, const u64 *entry)
{
	struct page *page;
	fpool_spte_t e;

	for (;;) {
		e = fpool_ptable_read(entry);
		if (!is_usable(e))
			return NULL;
		page = fpool_pool_page(space->pool, fpool_spte_frame(e));
		/* Frozen by an eviction that has marked the entry before: look again. */
		if (!get_page_unless_zero(page)) {
			cpu_relax();
			continue;
		}
		/*
		 * The reference is a full barrier: an eviction that we do not see here sees the
		 * reference (see batch.c).  Flags may have changed meanwhile, the owner may not.
		 */
		e = fpool_ptable_read(entry);
		if (is_usable(e) && fpool_pool_page(space->pool, fpool_spte_frame(e)) == page)
			return page;
		put_page(page);
		return NULL;
	}
}

/* Entries of neighbours; the caller is in an RCU read-side section. */
static const u64 *find_run(struct fpool_space *space, fpool_vpn_t vpn, u32 nr)
{
	const u64 *entry = fpool_ptable_get_run(&space->ptable, vpn, nr);

	if (fpool_inject(FPOOL_INJECT_LINGER))
		mdelay(1000);
	return entry;
}

/**
 * fpool_pager_lookup - the page of an entry that is present
 * @space: the space
 * @vpn: the page
 *
 * The reference keeps the frame from changing hands: eviction gives up on it.
 *
 * Context: Any; no lock.
 * Return: the page with a reference; NULL: it is absent or changing hands.
 */
struct page *fpool_pager_lookup(struct fpool_space *space, fpool_vpn_t vpn)
{
	struct page *page;
	const u64 *entry;

	rcu_read_lock();
	entry = find_run(space, vpn, 1);
	page = entry ? get_entry(space, entry) : NULL;
	rcu_read_unlock();
	return page;
}

/**
 * fpool_pager_lookup_run - the pages of neighbours
 * @space: the space
 * @vpn: the first page
 * @nr: how many, within an aligned run of 512
 * @pages: out: each as fpool_pager_lookup() returns it
 *
 * Context: Any; no lock.
 * Return: how many are not NULL.
 */
u32 fpool_pager_lookup_run(struct fpool_space *space, fpool_vpn_t vpn, u32 nr, struct page **pages)
{
	const u64 *entry;
	u32 i, found = 0;

	rcu_read_lock();
	entry = find_run(space, vpn, nr);
	for (i = 0; entry && i < nr; i++) {
		pages[i] = get_entry(space, &entry[i]);
		found += !!pages[i];
	}
	rcu_read_unlock();
	return found;
}

/**
 * fpool_pager_init - allocate the descriptors that fills cannot do without
 *
 * Context: Module load.
 * Return: 0 or -ENOMEM.
 */
int fpool_pager_init(void)
{
	/* No cache of our own: others would be merged into it, and keep it after we are gone. */
	fill_pool = mempool_create_kmalloc_pool(64, sizeof(struct fill));
	if (!fill_pool)
		return -ENOMEM;
	end_queue = alloc_workqueue("framepool-fills", WQ_MEM_RECLAIM | WQ_HIGHPRI, 0);
	if (!end_queue) {
		mempool_destroy(fill_pool);
		return -ENOMEM;
	}
	return 0;
}

/**
 * fpool_pager_exit - free the descriptors
 *
 * Context: Module unload, all pools gone.
 */
void fpool_pager_exit(void)
{
	destroy_workqueue(end_queue);
	free_spare_fills();
	mempool_destroy(fill_pool);
}
