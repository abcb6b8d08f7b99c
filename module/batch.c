// SPDX-License-Identifier: GPL-2.0-only
/*
 * Victims leave together, whoever has chosen them.
 *
 *	claim	the shadow PTE gets BUSY: who faults now waits, who has looked before has a
 *		reference and makes the freeze below fail
 *	unmap	all with one TLB flush for each mapping; dirty bits arrive at the pages
 *	freeze	a reference count of exactly ours cannot be raised any more: nobody uses the
 *		frame. Only now is the dirty flag final
 *	write	if dirty: many together (flight.c), here, or from the laundry (launder.c)
 *		where the caller may not do file I/O
 *	free	the entry becomes a ghost, the frame goes back, those who wait are woken
 *
 * Broken memory (PG_hwpoison) is never read, so a dirty page in it is lost: that is a failed write,
 * the page leaves as others do, and its frame is retired.
 *
 * Who looks an entry up takes a reference first and looks again (fpool_pager_lookup): either it
 * sees BUSY, or the freeze sees its reference.  Both sides have a full barrier between their
 * write and their read (an atomic read-modify-write each).
 *
 * A victim whose freeze fails goes back to the policy as if nothing had happened: it was
 * unmapped, which costs its users a minor fault, and no data.
 *
 * While a victim is written its entry says BUSY and WB, and its dirty flag is clear: both were
 * changed together, under P.  Who wants it then need not wait for the write (fpool_laundry_rescue):
 * BUSY goes, the page is a resident one under write-back, and stays.  So does one that is still in
 * the laundry.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "batch.h"

#include <linux/highmem.h>
#include <linux/pagemap.h>

#include "errlog.h"
#include "mmset.h"
#include "pin.h"
#include "trace.h"

/* The first index after those from @first on that have its space, before @end. */
static unsigned int space_end(const struct fpool_batch *b, unsigned int first, unsigned int end)
{
	const struct fpool_space *space = b->v[first].space;
	unsigned int i = first + 1;

	if (b->one_space)
		return end;
	while (i < end && b->v[i].space == space)
		i++;
	return i;
}

static bool neighbours(const struct fpool_batch *b, unsigned int i, unsigned int k)
{
	return b->v[i].space == b->v[k].space && b->p[i].vpn + 1 == b->p[k].vpn;
}

/**
 * fpool_batch_get - take a reference to its space for each victim
 * @b: the batch
 *
 * Context: Caller holds pool->lock.
 */
void fpool_batch_get(struct fpool_batch *b)
{
	unsigned int i, end;

	for (i = 0; i < b->nr; i = end) {
		end = space_end(b, i, b->nr);
		fpool_space_get_many(b->v[i].space, end - i);
	}
}

/**
 * fpool_batch_put - drop the references of some
 * @b: the batch
 * @first: the first victim
 * @end: past the last
 *
 * Context: Process context.
 */
void fpool_batch_put(struct fpool_batch *b, unsigned int first, unsigned int end)
{
	unsigned int i, next;

	for (i = first; i < end; i = next) {
		next = space_end(b, i, end);
		fpool_space_put_many(b->v[i].space, next - i);
	}
}

/**
 * fpool_batch_each_of_many - as fpool_batch_each_space(), for victims of several spaces
 * @b: the batch, of FPOOL_BATCH at most
 * @fn: the function
 *
 * Context: As @fn.
 */
noinline_for_stack void fpool_batch_each_of_many(struct fpool_batch *b, fpool_batch_fn fn)
{
	struct fpool_rmap_page pages[FPOOL_BATCH];
	DECLARE_BITMAP(done, FPOOL_BATCH) = {};
	unsigned int i, k, nr;

	for (i = 0; i < b->nr; i++) {
		if (test_bit(i, done))
			continue;
		nr = 0;
		for (k = i; k < b->nr; k++)
			if (b->v[k].space == b->v[i].space)
				pages[nr++] = b->p[k];
		fn(b->v[i].space, pages, nr);
		nr = 0;
		for (k = i; k < b->nr; k++) {
			if (b->v[k].space != b->v[i].space)
				continue;
			b->p[k] = pages[nr++];
			__set_bit(k, done);
		}
	}
}

/*
 * Nobody has it, and nobody will who comes later: it may leave when the rest is sure.  What is
 * dirty is not written for that: it is to be cut off, and perhaps cannot be written.
 */
static bool only_rehearsed(const struct fpool_batch *b, const struct fpool_victim *v, bool dirty)
{
	return b->flags & FPOOL_EVICT_REHEARSE && (v->pinner || dirty);
}

static enum fpool_fate fate_of_dirty(const struct fpool_batch *b, struct page *page)
{
	if (b->dropper)
		return FPOOL_FATE_FREE;
	return unlikely(PageHWPoison(page)) ? FPOOL_FATE_LOST : FPOOL_FATE_WRITE;
}

/*
 * With the count frozen nobody has the frame, and nobody gets it again, because the
 * entry is busy; but for core mm's fault for a store.  Its reference is the entry's from the moment
 * in which that is made, and only then does it mark the page dirty, and let go the page's lock.  It
 * has locked the page before it made the entry, which is gone: so it is seen.  The flag is set
 * before the lock is let go, both in one word: who reads that unlocked has read the dirty flag,
 * which cannot change after this.
 */
static __always_inline void decide(struct fpool_batch *b, struct fpool_victim *v, struct page *page)
{
	unsigned long flags = BIT(PG_locked);

	if (likely(page_ref_freeze(page, 1))) {
		flags = READ_ONCE(page->flags);
		page_ref_unfreeze(page, 1);
	}
	if (unlikely(flags & BIT(PG_locked))) {
		v->fate = FPOOL_FATE_BACK;
		b->done.held++;
		fpool_space_count(v->space, FPOOL_STAT_EVICT_HELD, 1);
		return;
	}
	v->fate = flags & BIT(PG_dirty) ? fate_of_dirty(b, page) : FPOOL_FATE_FREE;
	if (unlikely(only_rehearsed(b, v, flags & BIT(PG_dirty))))
		v->fate = FPOOL_FATE_BACK;
}

/* Once for all victims that share a queue.  They are told of those that may stay, too. */
static void wake_waiters(const struct fpool_batch *b)
{
	unsigned int i, last = UINT_MAX;

	if (!fpool_pool_has_waiters(b->pool))
		return;
	for (i = 0; i < b->nr; i++) {
		if (last < i && b->v[last].space == b->v[i].space &&
		    b->p[last].vpn / FPOOL_BUSY_RUN == b->p[i].vpn / FPOOL_BUSY_RUN)
			continue;
		fpool_space_wake(b->v[i].space, fpool_vpn(b->p[i].vpn));
		last = i;
	}
}

/**
 * fpool_batch_clean - dirty victims are clean from now on, and under write-back
 * @b: the batch; its FPOOL_FATE_WRITE are unmapped, and nobody has them
 *
 * The reclaim thread serves other file systems, too: it waits for no thaw.
 *
 * Context: Process context; takes pool->lock.
 */
void fpool_batch_clean(struct fpool_batch *b)
{
	unsigned int i;

	spin_lock(&b->pool->lock);
	for (i = 0; i < b->nr; i++) {
		struct fpool_victim *v = &b->v[i];

		if (v->fate != FPOOL_FATE_WRITE)
			continue;
		if (b->by_policy && fpool_backing_frozen(&v->space->backing)) {
			v->fate = FPOOL_FATE_BACK;
			continue;
		}
		if (unlikely(PageHWPoison(b->p[i].page))) {
			v->fate = FPOOL_FATE_LOST;
			continue;
		}
		ClearPageDirty(b->p[i].page);
		fpool_ptable_update(&v->space->ptable, fpool_vpn(b->p[i].vpn), 0, FPOOL_SPTE_WB);
	}
	spin_unlock(&b->pool->lock);
	wake_waiters(b);
}

/**
 * fpool_batch_start - runs of dirty neighbours take off
 * @b: the batch, cleaned, whose flight has begun
 *
 * Context: As fpool_flight_start().
 */
void fpool_batch_start(struct fpool_batch *b)
{
	fpool_frame_t frame[FPOOL_RUN_MAX] __uninitialized;
	unsigned int i, end;

	for (i = 0; i < b->nr; i = end) {
		end = i + 1;
		if (b->v[i].fate != FPOOL_FATE_WRITE)
			continue;
		frame[0] = b->v[i].frame;
		while (end < b->nr && end - i < FPOOL_RUN_MAX &&
		       b->v[end].fate == FPOOL_FATE_WRITE && neighbours(b, end - 1, end)) {
			frame[end - i] = b->v[end].frame;
			end++;
		}
		fpool_flight_start(b->flight, b->v[i].space, fpool_vpn(b->p[i].vpn), frame,
				   end - i);
	}
}

/**
 * fpool_batch_finish - all that flew has landed
 * @b: the batch
 *
 * Context: Process context; takes pool->lock.
 */
void fpool_batch_finish(struct fpool_batch *b)
{
	struct fpool_flight *flight = b->flight;
	unsigned int i;

	fpool_flight_finish(flight);
	if (flight->err)
		b->done.error = flight->err;
	b->done.failed += flight->failed;
	b->done.written += flight->pages - flight->failed;
	for (i = 0; i < b->nr; i++)
		if (b->v[i].fate == FPOOL_FATE_WRITE)
			b->v[i].fate = FPOOL_FATE_WRITTEN;
}

static void write_dirty(struct fpool_batch *b)
{
	fpool_flight_begin(b->flight, NULL, false);
	fpool_batch_clean(b);
	fpool_batch_start(b);
	if (!fpool_flight_launched(b->flight))
		fpool_flight_wait(b->flight);
	fpool_batch_finish(b);
}

static __always_inline void give_gone(struct fpool_batch *b)
{
	if (b->nr_gone == 1)
		fpool_pool_give(b->pool, b->gone);
	else if (b->nr_gone)
		fpool_pool_give_run(b->pool, b->gone, b->nr_gone);
	b->nr_gone = 0;
}

/* What was fetched as a block has frames that lie together, and often leaves together. */
static __always_inline void add_gone(struct fpool_batch *b, fpool_frame_t frame)
{
	if (b->nr_gone &&
	    fpool_frame_nr(frame) != fpool_frame_nr(b->gone) + b->nr_gone)
		give_gone(b);
	if (!b->nr_gone++)
		b->gone = frame;
}

/* To the pool, unless it is broken: then to nobody. */
static __always_inline void let_go(struct fpool_batch *b, fpool_frame_t frame,
				   struct page *page)
{
	if (unlikely(PageHWPoison(page))) {
		WARN_ON_ONCE(fpool_frames_mark_retired(&b->pool->frames, frame));
		b->broken = true;
		return;
	}
	WARN_ON_ONCE(fpool_frames_mark_free(&b->pool->frames, frame));
	add_gone(b, frame);
}

static __always_inline void free_victim(struct fpool_batch *b, const struct fpool_victim *v,
					const struct fpool_rmap_page *p)
{
	fpool_vpn_t vpn = fpool_vpn(p->vpn);
	struct fpool_pool *pool = b->pool;
	fpool_frame_t frame = v->frame;
	struct fpool_space *space = v->space;
	struct page *page = p->page;
	u64 seq = b->by_policy ? fpool_wsets_evicted(&pool->wsets, frame) : 0;

	fpool_ptable_remember(&space->ptable, vpn, v->leaf);
	/* Replacing an entry needs no node, so it cannot fail. */
	if (likely(seq))
		WARN_ON_ONCE(fpool_ptable_bury(&space->ptable, vpn, seq));
	else
		WARN_ON_ONCE(fpool_ptable_set(&space->ptable, vpn, fpool_spte(0)));
	page->mapping = NULL;
	page->index = 0;
	if (unlikely(READ_ONCE(page->flags) & (FPOOL_PAGE_USES | BIT(PG_dirty)))) {
		ClearPageDirty(page);
		fpool_page_take_uses(page);
	}
	fpool_wset_uncharge(&pool->wsets, frame);
	let_go(b, frame, page);
	trace_fpool_evict(pool->id, space->id, fpool_vpn_nr(vpn), fpool_frame_nr(frame),
			  v->written);
}

static void put_back(struct fpool_batch *b, const struct fpool_victim *v, fpool_vpn_t vpn)
{
	struct fpool_pool *pool = b->pool;

	WARN_ON_ONCE(fpool_frames_mark_resident(&pool->frames, v->frame));
	fpool_ptable_update(&v->space->ptable, vpn, FPOOL_SPTE_BUSY | FPOOL_SPTE_WB, 0);
	if (v->pinner)
		fpool_pin_put_back(pool, v->frame, v->pinner, v->held_back);
	else
		fpool_policy_put_back(fpool_pool_policy(pool, v->frame), v->frame);
}

/*
 * To the laundry, unless that takes no more: those of one batch may all turn out to be dirty only
 * when they are unmapped.  Who stays is dirty by its flag from now on, and not chosen again.
 */
static void settle_dirty(struct fpool_batch *b, struct fpool_victim *v)
{
	if (fpool_laundry_refuses(v->space)) {
		v->fate = FPOOL_FATE_BACK;
		return;
	}
	fpool_laundry_add(v->space, v->frame);
	b->nr_laundry++;
}

/* The write of a victim has ended, with or without it: does it leave? */
static void settle_written(struct fpool_batch *b, struct fpool_victim *v,
			   const struct fpool_rmap_page *p)
{
	struct fpool_ptable *table = &v->space->ptable;
	bool dirty = PageDirty(p->page);

	if (!fpool_spte_has(fpool_ptable_peek(table, fpool_vpn(p->vpn)), FPOOL_SPTE_BUSY)) {
		/* Rescued: resident, and perhaps dirty again. */
		fpool_ptable_update(table, fpool_vpn(p->vpn), FPOOL_SPTE_WB | FPOOL_SPTE_D,
				    dirty ? FPOOL_SPTE_D : 0);
		b->done.busy++;
		return;
	}
	/* Nobody else can have made it dirty again. */
	v->written = !dirty;
	v->fate = dirty ? FPOOL_FATE_BACK : FPOOL_FATE_FREE;
}

/* What was stored in broken memory is lost: who finds the page gone finds the error, too. */
static void settle_lost(struct fpool_batch *b, struct fpool_victim *v,
			const struct fpool_rmap_page *p)
{
	fpool_errlog_write(v->space, fpool_vpn(p->vpn), -EIO);
	mapping_set_error(v->space->inode->i_mapping, -EIO);
	b->done.error = -EIO;
	v->lost = true;
	v->fate = FPOOL_FATE_FREE;
}

static void report_broken(const struct fpool_batch *b)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		const struct fpool_victim *v = &b->v[i];

		if (v->fate != FPOOL_FATE_FREE || !PageHWPoison(b->p[i].page))
			continue;
		pr_warn_ratelimited("pool %s: frame %u (page frame %#lx) is broken; page %llu of space %u %s\n",
				    b->pool->name, fpool_frame_nr(v->frame),
				    page_to_pfn(b->p[i].page), b->p[i].vpn, v->space->id,
				    v->lost ? "is lost" : "was clean");
		if (!v->lost)
			continue;
		fpool_space_count(v->space, FPOOL_STAT_WRITE_ERRORS, 1);
		fpool_errlog_wake(v->space);
	}
}

static void count_evictions(const struct fpool_batch *b)
{
	unsigned int i, end;
	u64 nr;

	for (i = 0; i < b->nr; i = end) {
		struct fpool_space *space = b->v[i].space;

		end = space_end(b, i, b->nr);
		for (nr = 0; i < end; i++)
			nr += b->v[i].fate == FPOOL_FATE_FREE;
		if (nr)
			fpool_space_count(space, FPOOL_STAT_EVICTIONS, nr);
	}
}

/**
 * fpool_batch_settle - every victim goes where its fate says
 * @b: the batch
 *
 * Who waits for one is woken.
 *
 * Context: Process context; takes pool->lock.
 * Return: pages that have left.
 */
u64 fpool_batch_settle(struct fpool_batch *b)
{
	struct fpool_pool *pool = b->pool;
	unsigned int i;
	u64 freed = 0;

	spin_lock(&pool->lock);
	for (i = 0; i < b->nr; i++) {
		const struct fpool_rmap_page *p = &b->p[i];
		struct fpool_victim *v = &b->v[i];

		if (v->fate == FPOOL_FATE_WRITTEN)
			settle_written(b, v, p);
		if (unlikely(v->fate == FPOOL_FATE_LOST))
			settle_lost(b, v, p);
		if (v->fate == FPOOL_FATE_WRITE)
			settle_dirty(b, v);
		if (v->fate == FPOOL_FATE_FREE) {
			free_victim(b, v, p);
			freed++;
		} else if (v->fate == FPOOL_FATE_BACK) {
			put_back(b, v, fpool_vpn(p->vpn));
		}
	}
	give_gone(b);
	spin_unlock(&pool->lock);
	if (freed)
		count_evictions(b);
	if (unlikely(b->broken))
		report_broken(b);
	wake_waiters(b);
	if (freed)
		fpool_pool_freed(pool);
	if (b->nr_laundry)
		wake_up(&pool->reclaim_wait);
	b->done.freed += freed;
	return freed;
}

/*
 * What was stored is to be forgotten, but somebody has the frame: it stays, with what the file
 * says. If that cannot be read, the stores are not forgotten, but nothing is made up.
 */
static void restore(struct fpool_batch *b, const struct fpool_victim *v,
		    const struct fpool_rmap_page *p)
{
	struct bio_vec bv;
	ssize_t got;

	bvec_set_page(&bv, p->page, PAGE_SIZE, 0);
	got = fpool_backing_read(&v->space->backing, &bv, 1, p->vpn << PAGE_SHIFT, PAGE_SIZE);
	if (got <= 0)
		return;
	zero_user_segment(p->page, got, PAGE_SIZE);
	/* It stays dirty: who has the frame may write to it without telling anyone. */
}

/**
 * fpool_batch_expel - make victims leave
 * @b: all of them claimed; their references go
 *
 * Dirty ones are written here if there is a flight, else they go to the laundry.
 *
 * Context: Process context; may sleep, for I/O only with a flight.
 * Return: pages that have left.
 */
u64 fpool_batch_expel(struct fpool_batch *b)
{
	unsigned int i;
	u64 freed;

	fpool_batch_each_space(b, fpool_rmap_unmap);
	for (i = 0; i < b->nr; i++) {
		decide(b, &b->v[i], b->p[i].page);
		if (b->dropper && b->v[i].fate == FPOOL_FATE_BACK)
			restore(b, &b->v[i], &b->p[i]);
	}
	if (b->flight)
		write_dirty(b);
	freed = fpool_batch_settle(b);
	fpool_batch_put(b, 0, b->nr);
	return freed;
}
