// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages leave.
 *
 *	claim	the shadow PTE gets BUSY: who faults now waits, who has looked before has a
 *		reference and makes the freeze below fail
 *	unmap	all with one TLB flush for each process; dirty bits arrive at the pages
 *	freeze	a reference count of exactly ours cannot be raised any more: nobody uses the
 *		frame. Only now is the dirty flag final
 *	write	if dirty: here, or by the reclaim thread where the caller may not do file I/O
 *	free	the entry becomes a ghost, the frame goes back, those who wait are woken
 *
 * Who looks an entry up takes a reference first and looks again (fpool_pager_lookup): either it
 * sees BUSY, or the freeze sees its reference.  Both sides have a full barrier between their
 * write and their read (an atomic read-modify-write each).
 *
 * A victim whose freeze fails goes back to the policy as if nothing had happened: it was
 * unmapped, which costs its users a minor fault, and no data.
 */
#include "evict.h"

#include <linux/highmem.h>
#include <linux/pagemap.h>

#include "pin.h"
#include "rmap.h"
#include "trace.h"
#include "writeback.h"

/* On the stack, with writes on top of it. */
#define BATCH	40

enum fate {
	FATE_UNDECIDED,
	FATE_FREE,	/* nobody has it, it is clean */
	FATE_WRITE,	/* nobody has it, it is dirty */
	FATE_BACK,	/* stays */
};

struct victim {
	struct fpool_space *space;	/* a reference */
	u64 vpn;
	fpool_frame_t frame;
	u32 pinner;			/* who had it pinned, 0 for nobody */
	u8 rank;			/* place in the policy's order */
	bool young;
	u8 fate;			/* enum fate */
	bool written;
};

struct batch {
	struct fpool_pool *pool;
	unsigned int flags;		/* FPOOL_EVICT_* */
	u32 dropper;			/* whose held pages leave unwritten; 0: no such thing */
	bool by_policy;			/* leaves ghosts */
	bool may_write;
	unsigned int nr;
	struct victim v[BATCH];
	struct fpool_evicted done;
};

static struct page *victim_page(const struct batch *b, const struct victim *v)
{
	return fpool_pool_page(b->pool, v->frame);
}

static struct folio *victim_folio(const struct batch *b, const struct victim *v)
{
	return page_folio(victim_page(b, v));
}

static bool neighbours(const struct victim *a, const struct victim *b)
{
	return a->space == b->space && a->vpn + 1 == b->vpn;
}

static void put_spaces(struct batch *b)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		fpool_space_put(b->v[i].space);
}

/* The first index after the victims of one space; the batch is sorted by place. */
static unsigned int space_end(const struct batch *b, unsigned int first)
{
	unsigned int i = first + 1;

	while (i < b->nr && b->v[i].space == b->v[first].space)
		i++;
	return i;
}

static void list_pages(const struct batch *b, unsigned int first, unsigned int end,
		       struct fpool_rmap_page *pages)
{
	unsigned int i;

	for (i = first; i < end; i++)
		*pages++ = (struct fpool_rmap_page){
			.vpn = b->v[i].vpn, .page = victim_page(b, &b->v[i]),
		};
}

static bool before(const struct victim *x, const struct victim *y)
{
	if (x->space != y->space)
		return x->space < y->space;
	return x->vpn < y->vpn;
}

/*
 * By place: the entries of neighbours lie together, and they are written in one call.  For so few
 * an insertion sort costs a fifth of sort().
 */
static void sort_batch(struct batch *b)
{
	unsigned int i, k;

	for (i = 1; i < b->nr; i++) {
		struct victim v = b->v[i];

		for (k = i; k && before(&v, &b->v[k - 1]); k--)
			b->v[k] = b->v[k - 1];
		b->v[k] = v;
	}
}

/* Choosing. */

static void pick(struct batch *b)
{
	struct fpool_pool *pool = b->pool;
	struct fpool_space *space = NULL;
	fpool_frame_t frame[BATCH];
	u32 i;

	spin_lock(&pool->lock);
	b->nr = fpool_policy_candidates(&pool->policy, frame, BATCH);
	for (i = 0; i < b->nr; i++) {
		const struct fpool_frame_info *info = fpool_frames_info(&pool->frames, frame[i]);

		if (!space || space->id != info->space)
			space = fpool_space_by_id(pool, info->space);
		b->v[i] = (struct victim){
			.space = fpool_space_get(space),
			.vpn = info->vpn,
			.frame = frame[i],
			.rank = i,
			.fate = FATE_BACK,
		};
	}
	spin_unlock(&pool->lock);
	sort_batch(b);
}

/* Read the accessed bits, those of one space in one walk. */
static void look(struct batch *b)
{
	struct fpool_rmap_page pages[BATCH];
	unsigned int i, k, end;

	for (i = 0; i < b->nr; i = end) {
		end = space_end(b, i);
		list_pages(b, i, end, pages);
		fpool_rmap_test_clear_young(b->v[i].space, pages, end - i);
		for (k = i; k < end; k++)
			b->v[k].young = folio_test_clear_referenced(victim_folio(b, &b->v[k])) ||
					pages[k - i].found;
	}
}

/* Is it still what pick() saw? */
static bool still_there(const struct batch *b, const struct victim *v)
{
	const struct fpool_frame_info *info = fpool_frames_info(&b->pool->frames, v->frame);

	return info->state == FPOOL_FRAME_RESIDENT && info->space == v->space->id &&
	       info->vpn == v->vpn;
}

static bool must_stay(const struct batch *b, const struct victim *v, fpool_spte_t e)
{
	if (fpool_spte_has(e, FPOOL_SPTE_WB))
		return true;
	/* Where writing fails, trying all the time helps nobody, and where it waits, even less. */
	return PageDirty(victim_page(b, v)) && (time_before(jiffies, v->space->retry_at) ||
						fpool_backing_frozen(&v->space->backing));
}

static void claim(struct batch *b, struct victim *v)
{
	WARN_ON_ONCE(fpool_frames_mark_evict(&b->pool->frames, v->frame));
	fpool_ptable_update(&v->space->ptable, fpool_vpn(v->vpn), 0, FPOOL_SPTE_BUSY);
}

static void judge_one(struct batch *b, struct victim *v)
{
	struct fpool_pool *pool = b->pool;
	fpool_vpn_t vpn = fpool_vpn(v->vpn);
	fpool_spte_t e;
	bool young;

	if (!still_there(b, v))
		return;
	e = fpool_ptable_get(&v->space->ptable, vpn);
	young = v->young || fpool_spte_has(e, FPOOL_SPTE_A);
	if (fpool_spte_has(e, FPOOL_SPTE_A))
		fpool_ptable_update(&v->space->ptable, vpn, FPOOL_SPTE_A, 0);
	if (!fpool_policy_judge(&pool->policy, v->frame, young))
		return;
	/* No policy is asked about this: one may let go of a page that was just used. */
	if (must_stay(b, v, e)) {
		fpool_policy_put_back(&pool->policy, v->frame);
		return;
	}
	claim(b, v);
	v->fate = FATE_UNDECIDED;
}

/* The policy's verdicts, in its order; what is left of the batch are the victims. */
static void judge(struct batch *b)
{
	u8 order[BATCH];
	unsigned int i, kept = 0;

	for (i = 0; i < b->nr; i++)
		order[b->v[i].rank] = i;
	spin_lock(&b->pool->lock);
	for (i = 0; i < b->nr; i++)
		judge_one(b, &b->v[order[i]]);
	spin_unlock(&b->pool->lock);
	for (i = 0; i < b->nr; i++) {
		if (b->v[i].fate == FATE_UNDECIDED)
			b->v[kept++] = b->v[i];
		else
			fpool_space_put(b->v[i].space);
	}
	b->nr = kept;
}

/* Leaving. */

static void unmap(struct batch *b)
{
	struct fpool_rmap_page pages[BATCH];
	unsigned int i, end;

	for (i = 0; i < b->nr; i = end) {
		end = space_end(b, i);
		list_pages(b, i, end, pages);
		fpool_rmap_unmap(b->v[i].space, pages, end - i);
	}
}

/*
 * With the count frozen nobody has the frame, and nobody gets it again, because the
 * entry is busy: the dirty flag cannot change after this.
 */
static void decide(struct batch *b, struct victim *v)
{
	struct page *page = victim_page(b, v);
	bool dirty;

	if (!page_ref_freeze(page, 1)) {
		v->fate = FATE_BACK;
		b->done.held++;
		fpool_space_count(v->space, FPOOL_STAT_EVICT_HELD, 1);
		return;
	}
	dirty = PageDirty(page) && !b->dropper;
	page_ref_unfreeze(page, 1);
	v->fate = dirty ? FATE_WRITE : FATE_FREE;
}

static void write_run(struct batch *b, unsigned int first, unsigned int end)
{
	struct fpool_run run = {
		.space = b->v[first].space,
		.vpn = fpool_vpn(b->v[first].vpn),
		.nr = end - first,
	};
	unsigned int i;
	int err;

	BUILD_BUG_ON(BATCH > FPOOL_RUN_MAX);
	/* The reclaim thread serves other file systems, too: it waits for no thaw. */
	if (b->by_policy && fpool_backing_frozen(&run.space->backing)) {
		for (i = first; i < end; i++)
			b->v[i].fate = FATE_BACK;
		return;
	}
	for (i = first; i < end; i++) {
		run.frame[i - first] = b->v[i].frame;
		ClearPageDirty(victim_page(b, &b->v[i]));
	}
	err = fpool_writeback_run(&run);
	if (err)
		b->done.error = err;
	b->done.failed += run.nfailed;
	b->done.written += run.nr - run.nfailed;
	for (i = first; i < end; i++) {
		/* Nobody else can have made it dirty again. */
		b->v[i].written = !PageDirty(victim_page(b, &b->v[i]));
		b->v[i].fate = b->v[i].written ? FATE_FREE : FATE_BACK;
	}
}

static void write_dirty(struct batch *b)
{
	unsigned int i, end;

	for (i = 0; i < b->nr; i = end) {
		end = i + 1;
		if (b->v[i].fate != FATE_WRITE)
			continue;
		while (end < b->nr && b->v[end].fate == FATE_WRITE &&
		       neighbours(&b->v[end - 1], &b->v[end]))
			end++;
		write_run(b, i, end);
	}
}

static void free_victim(struct batch *b, const struct victim *v)
{
	struct fpool_pool *pool = b->pool;
	struct page *page = victim_page(b, v);
	u64 seq = b->by_policy ? fpool_policy_evicted(&pool->policy, v->frame) : 0;
	fpool_vpn_t vpn = fpool_vpn(v->vpn);

	/* Replacing an entry needs no node, so it cannot fail. */
	WARN_ON_ONCE(fpool_ptable_set(&v->space->ptable, vpn,
				      seq ? fpool_spte_ghost(seq) : fpool_spte(0)));
	page->mapping = NULL;
	page->index = 0;
	ClearPageDirty(page);
	folio_clear_referenced(page_folio(page));
	WARN_ON_ONCE(fpool_frames_mark_free(&pool->frames, v->frame));
	fpool_pool_give(pool, v->frame);
	trace_fpool_evict(pool->id, v->space->id, v->vpn, fpool_frame_nr(v->frame), v->written);
}

static void put_back(struct batch *b, const struct victim *v)
{
	struct fpool_pool *pool = b->pool;

	WARN_ON_ONCE(fpool_frames_mark_resident(&pool->frames, v->frame));
	fpool_ptable_update(&v->space->ptable, fpool_vpn(v->vpn), FPOOL_SPTE_BUSY, 0);
	if (v->pinner)
		fpool_pin_put_back(pool, v->frame, v->pinner);
	else
		fpool_policy_put_back(&pool->policy, v->frame);
}

/* Every victim goes where its fate says; who waits for one is woken. */
static u64 settle(struct batch *b)
{
	struct fpool_pool *pool = b->pool;
	unsigned int i;
	u64 freed = 0;
	bool laundry = false;

	spin_lock(&pool->lock);
	for (i = 0; i < b->nr; i++) {
		const struct victim *v = &b->v[i];

		if (v->fate == FATE_FREE) {
			free_victim(b, v);
			freed++;
		} else if (v->fate == FATE_WRITE) {
			fpool_frame_list_add_tail(&pool->frames, &pool->laundry, v->frame);
			laundry = true;
		} else {
			put_back(b, v);
		}
	}
	spin_unlock(&pool->lock);
	for (i = 0; i < b->nr; i++) {
		const struct victim *v = &b->v[i];

		if (v->fate == FATE_WRITE)
			continue;
		if (v->fate == FATE_FREE)
			fpool_space_count(v->space, FPOOL_STAT_EVICTIONS, 1);
		fpool_space_wake(v->space, fpool_vpn(v->vpn));
	}
	if (freed)
		fpool_pool_freed(pool);
	if (laundry)
		wake_up(&pool->reclaim_wait);
	b->done.freed += freed;
	return freed;
}

/*
 * What was stored is to be forgotten, but somebody has the frame: it stays, with what the file
 * says. If that cannot be read, the stores are not forgotten, but nothing is made up.
 */
static void restore(struct batch *b, const struct victim *v)
{
	struct page *page = victim_page(b, v);
	struct bio_vec bv;
	ssize_t got;

	bvec_set_page(&bv, page, PAGE_SIZE, 0);
	got = fpool_backing_read(&v->space->backing, &bv, 1, v->vpn << PAGE_SHIFT, PAGE_SIZE);
	if (got <= 0)
		return;
	zero_user_segment(page, got, PAGE_SIZE);
	/* It stays dirty: who has the frame may write to it without telling anyone. */
}

/* All victims of @b are claimed: make them leave. */
static u64 expel(struct batch *b)
{
	unsigned int i;
	u64 freed;

	unmap(b);
	for (i = 0; i < b->nr; i++) {
		decide(b, &b->v[i]);
		if (b->dropper && b->v[i].fate == FATE_BACK)
			restore(b, &b->v[i]);
	}
	if (b->may_write)
		write_dirty(b);
	freed = settle(b);
	put_spaces(b);
	return freed;
}

static u64 evict_batch(struct fpool_pool *pool, bool may_write, unsigned int *looked)
{
	struct batch b = { .pool = pool, .by_policy = true, .may_write = may_write };

	mutex_lock(&pool->victim_lock);
	pick(&b);
	*looked = b.nr;
	look(&b);
	judge(&b);
	mutex_unlock(&pool->victim_lock);
	fpool_stats_add(&pool->stats, FPOOL_STAT_RECLAIM_BATCHES, 1);
	return expel(&b);
}

/**
 * fpool_evict_some - let the policy choose pages, and evict them
 * @pool: the pool
 * @want: how many
 * @may_write: dirty victims are written here; otherwise they go to the reclaim thread, and do
 *	not count
 *
 * Looks at each resident page at most twice: once to clear its accessed bit, once to take it.
 *
 * Context: Process context without mmap_lock or a file system's lock if @may_write; may sleep.
 * Needs no allocation unless the file system under a write does.
 * Return: frames that became free.
 */
u64 fpool_evict_some(struct fpool_pool *pool, u64 want, bool may_write)
{
	u64 budget = 2 * (u64)READ_ONCE(pool->frames.count[FPOOL_FRAME_RESIDENT]) + BATCH;
	u64 freed = 0;
	unsigned int looked;

	do {
		freed += evict_batch(pool, may_write, &looked);
		budget -= min_t(u64, budget, looked);
		/* Dirty victims become free when they are written; more of them help nobody. */
		if (!may_write && READ_ONCE(pool->laundry.len) >= 2 * BATCH)
			break;
		cond_resched();
	} while (freed < want && budget && looked);
	return freed;
}

/**
 * fpool_evict_laundry - write the dirty victims that others left, and free them
 * @pool: the pool
 *
 * Context: The reclaim thread.
 * Return: frames that became free.
 */
u64 fpool_evict_laundry(struct fpool_pool *pool)
{
	struct batch b = { .pool = pool, .by_policy = true, .may_write = true };
	fpool_frame_t frame;
	u64 freed;

	spin_lock(&pool->lock);
	while (b.nr < BATCH &&
	       (frame = fpool_frame_list_first(&pool->laundry)) != FPOOL_NO_FRAME) {
		const struct fpool_frame_info *info = fpool_frames_info(&pool->frames, frame);

		fpool_frame_list_del(&pool->frames, &pool->laundry, frame);
		b.v[b.nr++] = (struct victim){
			.space = fpool_space_get(fpool_space_by_id(pool, info->space)),
			.vpn = info->vpn,
			.frame = frame,
			.fate = FATE_WRITE,
		};
	}
	spin_unlock(&pool->lock);
	sort_batch(&b);
	write_dirty(&b);
	freed = settle(&b);
	put_spaces(&b);
	return freed;
}

/* Ranges. */

static bool may_claim(const struct batch *b, fpool_spte_t e)
{
	const struct fpool_frame_info *info;

	if (b->dropper) {
		info = fpool_frames_info(&b->pool->frames, fpool_spte_frame(e));
		return fpool_spte_has(e, FPOOL_SPTE_H) && info->policy == b->dropper;
	}
	if (fpool_spte_has(e, FPOOL_SPTE_H))
		return false;
	return !fpool_spte_has(e, FPOOL_SPTE_PIN) || b->flags & FPOOL_EVICT_PINNED;
}

/* Whoever has its frame on a list forgets it. The pinner to whom it goes back, should it stay. */
static u32 take_off(const struct batch *b, fpool_spte_t e)
{
	u32 pinner = 0;

	if (fpool_spte_has(e, FPOOL_SPTE_PIN))
		pinner = fpool_pin_lift(b->pool, fpool_spte_frame(e));
	else
		fpool_policy_remove(&b->pool->policy, fpool_spte_frame(e));
	return b->dropper ? 0 : pinner;
}

static void claim_range(struct batch *b, struct fpool_space *space, fpool_vpn_t *vpn,
			fpool_vpn_t end)
{
	struct fpool_pool *pool = b->pool;
	fpool_spte_t e;

	spin_lock(&pool->lock);
	for (; b->nr < BATCH && fpool_ptable_next(&space->ptable, vpn, end,
						  FPOOL_SPTE_P | FPOOL_SPTE_BUSY, &e);
	     *vpn = fpool_vpn_add(*vpn, 1)) {
		if (fpool_spte_has(e, FPOOL_SPTE_BUSY | FPOOL_SPTE_WB)) {
			b->done.busy++;
			continue;
		}
		if (!fpool_spte_has(e, FPOOL_SPTE_P))
			continue;
		if (!may_claim(b, e)) {
			b->done.pinned++;
			continue;
		}
		b->v[b->nr] = (struct victim){
			.space = fpool_space_get(space),
			.vpn = fpool_vpn_nr(*vpn),
			.frame = fpool_spte_frame(e),
			.pinner = take_off(b, e),
		};
		claim(b, &b->v[b->nr++]);
	}
	spin_unlock(&pool->lock);
}

static void evict_all(struct batch *b, struct fpool_space *space, fpool_vpn_t vpn, fpool_vpn_t end)
{
	do {
		b->nr = 0;
		claim_range(b, space, &vpn, end);
		if (!b->nr)
			break;
		expel(b);
		cond_resched();
	} while (fpool_vpn_nr(vpn) < fpool_vpn_nr(end));
}

static void add_up(struct fpool_evicted *out, const struct fpool_evicted *done)
{
	out->freed += done->freed;
	out->written += done->written;
	out->pinned += done->pinned;
	out->held += done->held;
	out->busy += done->busy;
	out->failed += done->failed;
	if (done->error)
		out->error = done->error;
}

/**
 * fpool_evict_range - evict every page of a range that can leave
 * @space: the space
 * @start: first page
 * @end: past the last
 * @flags: FPOOL_EVICT_*
 * @out: added to
 *
 * Goes over the range once; pages that come meanwhile may stay.
 *
 * Context: A worker.
 */
void fpool_evict_range(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
		       unsigned int flags, struct fpool_evicted *out)
{
	struct batch b = { .pool = space->pool, .flags = flags, .may_write = true };

	evict_all(&b, space, start, end);
	add_up(out, &b.done);
}

/**
 * fpool_evict_dropped - a held page leaves without being written
 * @space: the space
 * @vpn: the page
 * @pinner: number of who holds it; a page that he does not hold stays
 *
 * Context: A worker.
 */
void fpool_evict_dropped(struct fpool_space *space, fpool_vpn_t vpn, u32 pinner)
{
	struct batch b = {
		.pool = space->pool,
		.dropper = pinner,
		.may_write = true,
	};

	evict_all(&b, space, vpn, fpool_vpn_add(vpn, 1));
}
