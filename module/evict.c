// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages leave.
 *
 *	claim	the shadow PTE gets BUSY: who faults now waits, who has looked before has a
 *		reference and makes the freeze below fail
 *	unmap	all with one TLB flush for each process; dirty bits arrive at the pages
 *	freeze	a reference count of exactly ours cannot be raised any more: nobody uses the
 *		frame. Only now is the dirty flag final
 *	write	if dirty: many together (flight.c), here, or from the laundry by the reclaim thread
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
 * changed together, under P.  Who wants it then need not wait for the write (fpool_evict_rescue):
 * BUSY goes, the page is a resident one under write-back, and stays.  So does one that is still in
 * the laundry.
 */
#include "evict.h"

#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "errlog.h"
#include "flight.h"
#include "mmset.h"
#include "pin.h"
#include "rmap.h"
#include "trace.h"
#include "whatif.h"
#include "writeback.h"

/* On the stack. */
#define BATCH	28

/* Dirty victims that wait for the reclaim thread; more of them help nobody. */
#define LAUNDRY_MAX	72

/* Dirty victims that are written together, and how many times so many. */
#define LOAD		64
#define NR_LOADS	8

enum fate {
	FATE_UNDECIDED,
	FATE_FREE,	/* nobody has it, it is clean */
	FATE_WRITE,	/* nobody has it, it is dirty */
	FATE_LOST,	/* nobody has it, it is dirty, and its memory is broken */
	FATE_WRITTEN,	/* its write has ended */
	FATE_BACK,	/* stays */
};

struct victim {
	struct fpool_space *space;	/* a reference */
	fpool_frame_t frame;
	fpool_frame_t leaf;		/* with its shadow PTE, which keeps it while it is BUSY */
	u32 pinner;			/* who had it pinned, 0 for nobody */
	u8 fate;			/* enum fate */
	bool written;
	bool lost;
	bool held_back;			/* by its pinner */
};

struct batch {
	struct fpool_pool *pool;
	unsigned int flags;		/* FPOOL_EVICT_* */
	u32 dropper;			/* whose held pages leave unwritten; 0: no such thing */
	const struct mm_struct *mm;	/* whose minimum is his own affair */
	bool by_policy;			/* leaves ghosts */
	struct fpool_wset *set;		/* whose pages; victim_lock keeps it */
	bool spared;			/* nobody goes below his minimum for it */
	struct fpool_flight *flight;	/* for those that are dirty; NULL: to the laundry */
	unsigned int nr;
	bool one_space;			/* all of them have it, as nearly always */
	struct victim *v;
	struct fpool_rmap_page *p;	/* which pages they are, in the same order */
	fpool_frame_t gone;		/* the first of those that go back to the pool together */
	u32 nr_gone;
	struct fpool_evicted done;
};

/* Dirty victims under way to the file; the reclaim thread's. */
struct load {
	struct batch b;
	struct victim v[LOAD];
	struct fpool_rmap_page p[LOAD];
	struct fpool_pool *pool;
	u32 taken;			/* pool->taken when it was started */
	bool flying;
	bool landed;			/* any time, READ_ONCE */
};

struct fpool_laundry {
	struct load load[NR_LOADS];
	unsigned int flying;
};

static bool neighbours(const struct batch *b, unsigned int i, unsigned int k)
{
	return b->v[i].space == b->v[k].space && b->p[i].vpn + 1 == b->p[k].vpn;
}

/* The first index after those from @first on that have its space, before @end. */
static unsigned int space_end(const struct batch *b, unsigned int first, unsigned int end)
{
	const struct fpool_space *space = b->v[first].space;
	unsigned int i = first + 1;

	if (b->one_space)
		return end;
	while (i < end && b->v[i].space == space)
		i++;
	return i;
}

/* A reference for each victim, taken and dropped for all of a space at once. */
static void get_spaces(struct batch *b)
{
	unsigned int i, end;

	for (i = 0; i < b->nr; i = end) {
		end = space_end(b, i, b->nr);
		fpool_space_get_many(b->v[i].space, end - i);
	}
}

static void put_spaces(struct batch *b, unsigned int first, unsigned int last)
{
	unsigned int i, end;

	for (i = first; i < last; i = end) {
		end = space_end(b, i, last);
		fpool_space_put_many(b->v[i].space, end - i);
	}
}

typedef void (*pages_fn)(struct fpool_space *space, struct fpool_rmap_page *pages,
			 unsigned int nr);

/* Call @fn for the pages of one space after the other. */
static noinline_for_stack void each_of_many_spaces(struct batch *b, pages_fn fn)
{
	struct fpool_rmap_page pages[BATCH];
	DECLARE_BITMAP(done, BATCH) = {};
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

static __always_inline void each_space(struct batch *b, pages_fn fn)
{
	if (!b->nr)
		return;
	if (likely(b->one_space))
		fn(b->v->space, b->p, b->nr);
	else
		each_of_many_spaces(b, fn);
}

/* What is sorted: 6 bits for the space, 52 for the page, 6 for where the victim is. */
#define KEY_INDEX_BITS	6
#define KEY_SPACE_SHIFT	(KEY_INDEX_BITS + FPOOL_VPN_BITS)

static_assert(BATCH <= 1 << KEY_INDEX_BITS && LOAD <= 1 << KEY_INDEX_BITS);

static unsigned int key_index(u64 key)
{
	return key % (1U << KEY_INDEX_BITS);
}

/* A space is known by the first victim that it has; nearly always they have only one. */
static u64 sort_key(const struct batch *b, unsigned int i)
{
	u64 first = 0;

	while (b->v[first].space != b->v[i].space)
		first++;
	return first << KEY_SPACE_SHIFT | b->p[i].vpn << KEY_INDEX_BITS | i;
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
static void follow_keys(struct batch *b, u64 *key)
{
	unsigned int i, to, from;

	for (i = 0; i < b->nr; i++) {
		struct fpool_rmap_page first_page = b->p[i];
		struct victim first = b->v[i];

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
static void sort_batch(struct batch *b)
{
	u64 key[1 << KEY_INDEX_BITS];
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		key[i] = sort_key(b, i);
	sort_keys(key, b->nr);
	follow_keys(b, key);
}

/* Choosing. */

/* Of whom pages are wanted, and for whom. */
struct demand {
	const struct mm_struct *mm;	/* who needs the frames; NULL: nobody in particular */
	bool own;			/* his own pages are to leave */
	bool over;			/* of these what is above his maximum */
	u32 max;			/* so many at once */
};

/* Whose pages are next. */
static struct fpool_wset *whose(struct fpool_pool *pool, const struct demand *d)
{
	struct fpool_wset *self = d->mm ? fpool_mmset_find(pool, d->mm) : NULL;

	return d->own ? self : fpool_wsets_victim(&pool->wsets, self);
}

/* How many of them may leave at once. */
static u32 how_many(struct batch *b, const struct demand *d)
{
	u32 spare = fpool_wset_spare(b->set);

	if (d->over)
		return min(d->max, fpool_wset_over(b->set));
	/* Nobody takes it below its minimum; but where nobody can spare any, its own process. */
	b->spared = !d->own && spare;
	return b->spared ? min(d->max, spare) : d->max;
}

/* The frames that the policy names become victims to be, which nobody has judged yet. */
static noinline_for_stack void pick(struct batch *b, const struct demand *d)
{
	fpool_frame_t frame[BATCH] __uninitialized;
	struct fpool_pool *pool = b->pool;
	struct fpool_space *space = NULL;
	u32 i, last = FPOOL_NO_SPACE;

	spin_lock(&pool->lock);
	b->set = whose(pool, d);
	b->nr = b->set ? fpool_policy_candidates(&b->set->policy, frame, how_many(b, d)) : 0;
	b->one_space = true;
	for (i = 0; i < b->nr; i++) {
		const struct fpool_frame_info *info = fpool_frames_info(&pool->frames, frame[i]);

		if (unlikely(info->space != last)) {
			b->one_space = last == FPOOL_NO_SPACE;
			last = info->space;
			space = fpool_space_by_id(pool, last);
		}
		b->v[i] = (struct victim){ .space = space, .frame = frame[i] };
		b->p[i] = (struct fpool_rmap_page){
			.vpn = info->vpn, .page = fpool_pool_page(pool, frame[i]),
		};
	}
	get_spaces(b);
	spin_unlock(&pool->lock);
}

/* Read the accessed bits, those of one space in one walk. */
static void look(struct batch *b)
{
	unsigned int i;

	each_space(b, fpool_rmap_test_clear_young);
	if (likely(!fpool_whatif_is_on(b->pool)))
		return;
	for (i = 0; i < b->nr; i++)
		if (b->p[i].found)
			fpool_whatif_note(b->v[i].space, fpool_vpn(b->p[i].vpn),
					  FPOOL_WHATIF_YOUNG);
}

/* Is it still what pick() saw? */
static __always_inline bool still_there(const struct victim *v, const struct fpool_rmap_page *p,
					const struct fpool_frame_info *info)
{
	return info->state == FPOOL_FRAME_RESIDENT && info->space == v->space->id &&
	       info->vpn == p->vpn;
}

static bool must_stay(const struct victim *v, struct page *page, fpool_spte_t e)
{
	if (fpool_spte_has(e, FPOOL_SPTE_WB))
		return true;
	/* Where writing fails, trying all the time helps nobody, and where it waits, even less. */
	return PageDirty(page) && (time_before(jiffies, v->space->retry_at) ||
				   fpool_backing_frozen(&v->space->backing));
}

static __always_inline void claim(struct batch *b, struct victim *v, fpool_vpn_t vpn)
{
	struct fpool_ptable *table = &v->space->ptable;

	WARN_ON_ONCE(fpool_frames_mark_evict(&b->pool->frames, v->frame));
	fpool_ptable_update(table, vpn, 0, FPOOL_SPTE_BUSY);
	v->leaf = fpool_ptable_leaf(table);
}

/* Does it leave? Then it is claimed. */
static __always_inline bool judge_one(struct batch *b, struct victim *v,
				      const struct fpool_rmap_page *p)
{
	struct fpool_policy *policy;
	bool used = p->found;
	struct fpool_wset *set;

	if (!still_there(v, p, fpool_frames_info(&b->pool->frames, v->frame)))
		return false;
	/* Its owner may be another one by now, and has perhaps lost or been promised something. */
	set = fpool_wsets_of(&b->pool->wsets, v->frame);
	if (unlikely(set->min) && b->spared && !fpool_wset_spare(set))
		return false;
	if (fpool_page_take_uses(p->page))
		used = true;
	policy = &set->policy;
	if (!fpool_policy_judge(policy, v->frame, used))
		return false;
	/* No policy is asked about this: one may let go of a page that was just used. */
	if (must_stay(v, p->page, fpool_ptable_peek(&v->space->ptable, fpool_vpn(p->vpn)))) {
		fpool_policy_put_back(policy, v->frame);
		return false;
	}
	claim(b, v, fpool_vpn(p->vpn));
	return true;
}

/* The policy's verdicts, in its order.  What is left of the batch are the victims. */
static void judge(struct batch *b)
{
	unsigned int i, victims = 0, looked = b->nr;
	struct fpool_rmap_page *p = b->p;
	struct victim *v = b->v;

	spin_lock(&b->pool->lock);
	for (i = 0; i < looked; i++) {
		if (!judge_one(b, &v[i], &p[i]))
			continue;
		if (victims < i) {
			/* Behind the victims are the spaces of the others. */
			struct fpool_space *other = v[victims].space;

			v[victims] = v[i];
			p[victims] = p[i];
			v[i].space = other;
		}
		victims++;
	}
	if (looked)
		fpool_wset_judged(b->set, looked, victims);
	spin_unlock(&b->pool->lock);
	put_spaces(b, victims, looked);
	b->nr = victims;
}

/* Leaving. */

static enum fate fate_of_dirty(const struct batch *b, const struct page *page)
{
	if (b->dropper)
		return FATE_FREE;
	return unlikely(PageHWPoison(page)) ? FATE_LOST : FATE_WRITE;
}

/*
 * With the count frozen nobody has the frame, and nobody gets it again, because the
 * entry is busy: the dirty flag cannot change after this.
 */
static __always_inline void decide(struct batch *b, struct victim *v, struct page *page)
{
	if (!page_ref_freeze(page, 1)) {
		v->fate = FATE_BACK;
		b->done.held++;
		fpool_space_count(v->space, FPOOL_STAT_EVICT_HELD, 1);
		return;
	}
	v->fate = PageDirty(page) ? fate_of_dirty(b, page) : FATE_FREE;
	page_ref_unfreeze(page, 1);
}

/*
 * Dirty victims are clean from now on, and under write-back.  The reclaim thread serves other file
 * systems, too: it waits for no thaw.
 */
static void clean_victims(struct batch *b)
{
	unsigned int i;

	spin_lock(&b->pool->lock);
	for (i = 0; i < b->nr; i++) {
		struct victim *v = &b->v[i];

		if (v->fate != FATE_WRITE)
			continue;
		if (b->by_policy && fpool_backing_frozen(&v->space->backing)) {
			v->fate = FATE_BACK;
			continue;
		}
		ClearPageDirty(b->p[i].page);
		fpool_ptable_update(&v->space->ptable, fpool_vpn(b->p[i].vpn), 0, FPOOL_SPTE_WB);
	}
	spin_unlock(&b->pool->lock);
}

/* Runs of dirty neighbours take off. */
static void start_dirty(struct batch *b)
{
	fpool_frame_t frame[FPOOL_RUN_MAX] __uninitialized;
	unsigned int i, end;

	for (i = 0; i < b->nr; i = end) {
		end = i + 1;
		if (b->v[i].fate != FATE_WRITE)
			continue;
		frame[0] = b->v[i].frame;
		while (end < b->nr && end - i < FPOOL_RUN_MAX && b->v[end].fate == FATE_WRITE &&
		       neighbours(b, end - 1, end)) {
			frame[end - i] = b->v[end].frame;
			end++;
		}
		fpool_flight_start(b->flight, b->v[i].space, fpool_vpn(b->p[i].vpn), frame,
				   end - i);
	}
}

/* All that flew has landed. */
static void finish_dirty(struct batch *b)
{
	struct fpool_flight *flight = b->flight;
	unsigned int i;

	fpool_flight_finish(flight);
	if (flight->err)
		b->done.error = flight->err;
	b->done.failed += flight->failed;
	b->done.written += flight->pages - flight->failed;
	for (i = 0; i < b->nr; i++)
		if (b->v[i].fate == FATE_WRITE)
			b->v[i].fate = FATE_WRITTEN;
}

static void write_dirty(struct batch *b)
{
	fpool_flight_begin(b->flight, NULL);
	clean_victims(b);
	start_dirty(b);
	if (!fpool_flight_launched(b->flight))
		fpool_flight_wait(b->flight);
	finish_dirty(b);
}

static __always_inline void give_gone(struct batch *b)
{
	if (b->nr_gone == 1)
		fpool_pool_give(b->pool, b->gone);
	else if (b->nr_gone)
		fpool_pool_give_run(b->pool, b->gone, b->nr_gone);
	b->nr_gone = 0;
}

/* What was fetched as a block has frames that lie together, and often leaves together. */
static __always_inline void add_gone(struct batch *b, fpool_frame_t frame)
{
	if (b->nr_gone &&
	    fpool_frame_nr(frame) != fpool_frame_nr(b->gone) + b->nr_gone)
		give_gone(b);
	if (!b->nr_gone++)
		b->gone = frame;
}

/* To the pool, unless it is broken: then to nobody. */
static __always_inline void let_go(struct batch *b, fpool_frame_t frame, const struct page *page)
{
	if (unlikely(PageHWPoison(page))) {
		WARN_ON_ONCE(fpool_frames_mark_retired(&b->pool->frames, frame));
		pr_warn_ratelimited("pool %s: the memory of frame %u is broken, and is retired\n",
				    b->pool->name, fpool_frame_nr(frame));
		return;
	}
	WARN_ON_ONCE(fpool_frames_mark_free(&b->pool->frames, frame));
	add_gone(b, frame);
}

static __always_inline void free_victim(struct batch *b, const struct victim *v,
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

static void put_back(struct batch *b, const struct victim *v, fpool_vpn_t vpn)
{
	struct fpool_pool *pool = b->pool;

	WARN_ON_ONCE(fpool_frames_mark_resident(&pool->frames, v->frame));
	fpool_ptable_update(&v->space->ptable, vpn, FPOOL_SPTE_BUSY | FPOOL_SPTE_WB, 0);
	if (v->pinner)
		fpool_pin_put_back(pool, v->frame, v->pinner, v->held_back);
	else
		fpool_policy_put_back(fpool_pool_policy(pool, v->frame), v->frame);
}

static void laundry_add(struct fpool_pool *pool, fpool_frame_t frame)
{
	fpool_frame_list_add_tail(&pool->frames, &pool->laundry, frame);
	fpool_frames_info(&pool->frames, frame)->list = FPOOL_LAUNDRY_LIST;
}

static void laundry_del(struct fpool_pool *pool, fpool_frame_t frame)
{
	fpool_frame_list_del(&pool->frames, &pool->laundry, frame);
	fpool_frames_info(&pool->frames, frame)->list = FPOOL_NO_LIST;
}

/* The write of a victim has ended, with or without it: does it leave? */
static void settle_written(struct batch *b, struct victim *v, const struct fpool_rmap_page *p)
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
	v->fate = dirty ? FATE_BACK : FATE_FREE;
}

/* What was stored in broken memory is lost. */
static void settle_lost(struct batch *b, struct victim *v, const struct fpool_rmap_page *p)
{
	fpool_errlog_write(v->space, fpool_vpn(p->vpn), -EIO);
	b->done.error = -EIO;
	v->lost = true;
	v->fate = FATE_FREE;
}

/* Who syncs next is told. */
static void report_lost(const struct batch *b)
{
	unsigned int i;

	for (i = 0; i < b->nr; i++) {
		if (!b->v[i].lost)
			continue;
		fpool_space_count(b->v[i].space, FPOOL_STAT_WRITE_ERRORS, 1);
		fpool_errlog_report(b->v[i].space, -EIO);
	}
}

static void count_evictions(const struct batch *b)
{
	unsigned int i, end;
	u64 nr;

	for (i = 0; i < b->nr; i = end) {
		struct fpool_space *space = b->v[i].space;

		end = space_end(b, i, b->nr);
		for (nr = 0; i < end; i++)
			nr += b->v[i].fate == FATE_FREE;
		if (nr)
			fpool_space_count(space, FPOOL_STAT_EVICTIONS, nr);
	}
}

/* Once for all victims that share a queue. */
static void wake_waiters(const struct batch *b)
{
	unsigned int i, last = UINT_MAX;

	if (!fpool_pool_has_waiters(b->pool))
		return;
	for (i = 0; i < b->nr; i++) {
		if (b->v[i].fate == FATE_WRITE)
			continue;
		if (last < i && b->v[last].space == b->v[i].space &&
		    b->p[last].vpn / FPOOL_BUSY_RUN == b->p[i].vpn / FPOOL_BUSY_RUN)
			continue;
		fpool_space_wake(b->v[i].space, fpool_vpn(b->p[i].vpn));
		last = i;
	}
}

/* Every victim goes where its fate says; who waits for one is woken. */
static u64 settle(struct batch *b)
{
	struct fpool_pool *pool = b->pool;
	unsigned int i;
	u64 freed = 0;
	bool laundry = false, lost = false;

	spin_lock(&pool->lock);
	for (i = 0; i < b->nr; i++) {
		const struct fpool_rmap_page *p = &b->p[i];
		struct victim *v = &b->v[i];

		if (v->fate == FATE_WRITTEN)
			settle_written(b, v, p);
		if (unlikely(v->fate == FATE_LOST)) {
			settle_lost(b, v, p);
			lost = true;
		}
		if (v->fate == FATE_FREE) {
			free_victim(b, v, p);
			freed++;
		} else if (v->fate == FATE_WRITE) {
			laundry_add(pool, v->frame);
			laundry = true;
		} else if (v->fate == FATE_BACK) {
			put_back(b, v, fpool_vpn(p->vpn));
		}
	}
	give_gone(b);
	spin_unlock(&pool->lock);
	if (freed)
		count_evictions(b);
	if (unlikely(lost))
		report_lost(b);
	wake_waiters(b);
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
static void restore(struct batch *b, const struct victim *v, const struct fpool_rmap_page *p)
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

/* All victims of @b are claimed: make them leave. */
static u64 expel(struct batch *b)
{
	unsigned int i;
	u64 freed;

	each_space(b, fpool_rmap_unmap);
	for (i = 0; i < b->nr; i++) {
		decide(b, &b->v[i], b->p[i].page);
		if (b->dropper && b->v[i].fate == FATE_BACK)
			restore(b, &b->v[i], &b->p[i]);
	}
	if (b->flight)
		write_dirty(b);
	freed = settle(b);
	put_spaces(b, 0, b->nr);
	return freed;
}

static u64 evict_batch(struct fpool_pool *pool, const struct demand *d, unsigned int *looked)
{
	struct fpool_rmap_page p[BATCH] __uninitialized;
	struct victim v[BATCH] __uninitialized;
	struct batch b = { .pool = pool, .by_policy = true, .v = v, .p = p };

	mutex_lock(&pool->victim_lock);
	pick(&b, d);
	*looked = b.nr;
	look(&b);
	judge(&b);
	mutex_unlock(&pool->victim_lock);
	fpool_stats_add(&pool->stats, FPOOL_STAT_RECLAIM_BATCHES, 1);
	return expel(&b);
}

/* Until @want frames are free, or each of @len pages was looked at twice. */
static u64 evict_batches(struct fpool_pool *pool, const struct demand *d, u64 want, u64 len)
{
	u64 budget = 2 * len + BATCH, freed = 0;
	unsigned int looked;

	do {
		freed += evict_batch(pool, d, &looked);
		budget -= min_t(u64, budget, looked);
		if (!fpool_evict_wants(pool))
			break;
		cond_resched();
	} while (freed < want && budget && looked);
	return freed;
}

/**
 * fpool_evict_some - let the policies choose pages, and evict them
 * @pool: the pool
 * @mm: who needs the frames, or NULL
 * @want: how many
 *
 * Dirty victims go to the laundry, where the reclaim thread finds them, and do not count.
 *
 * Looks at each resident page at most twice: once to clear its accessed bit, once to take it.
 *
 * Context: Process context without mmap_lock; may sleep. Needs no allocation.
 * Return: frames that became free.
 */
u64 fpool_evict_some(struct fpool_pool *pool, const struct mm_struct *mm, u64 want)
{
	const struct demand d = { .mm = mm, .max = BATCH };

	return evict_batches(pool, &d, want, READ_ONCE(pool->frames.count[FPOOL_FRAME_RESIDENT]));
}

/**
 * fpool_evict_own - evict pages that an address space is charged with
 * @pool: the pool
 * @mm: the address space
 * @want: how many
 *
 * As fpool_evict_some(), but nobody else's.  Never many at once: a small set must not lose what its
 * process is using just now for the sake of one frame.
 *
 * Context: As fpool_evict_some().
 * Return: frames that became free.
 */
u64 fpool_evict_own(struct fpool_pool *pool, const struct mm_struct *mm, u64 want)
{
	const struct demand d = { .mm = mm, .own = true, .max = clamp_t(u64, want, 1, BATCH) };
	u64 len;

	spin_lock(&pool->lock);
	len = fpool_policy_len(&fpool_mmset_find(pool, mm)->policy);
	spin_unlock(&pool->lock);
	return evict_batches(pool, &d, want, len);
}

/**
 * fpool_evict_over - evict what an address space has above its maximum
 * @pool: the pool
 * @mm: the address space
 *
 * What is on its way already counts as gone: dirty pages take their time, and meanwhile no others
 * are to go for them.
 *
 * Context: As fpool_evict_some().
 */
void fpool_evict_over(struct fpool_pool *pool, const struct mm_struct *mm)
{
	const struct demand d = { .mm = mm, .own = true, .over = true, .max = BATCH };
	u64 len;

	spin_lock(&pool->lock);
	len = fpool_policy_len(&fpool_mmset_find(pool, mm)->policy);
	spin_unlock(&pool->lock);
	evict_batches(pool, &d, U64_MAX, len);
}

/* The laundry. */

/**
 * fpool_evict_wants - is there room for more dirty victims?
 * @pool: the pool
 *
 * Context: Any; a hint.
 * Return: whether evicting more may help before the reclaim thread has written some.
 */
bool fpool_evict_wants(struct fpool_pool *pool)
{
	return READ_ONCE(pool->laundry.len) < LAUNDRY_MAX;
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

	finish_dirty(&load->b);
	freed = settle(&load->b);
	put_spaces(&load->b, 0, load->b.nr);
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
 * fpool_evict_landed - has a load of the laundry been written?
 * @pool: the pool
 *
 * Context: The reclaim thread.
 * Return: whether fpool_evict_reap() has something to do.
 */
bool fpool_evict_landed(struct fpool_pool *pool)
{
	struct fpool_laundry *l = pool->loads;
	unsigned int i;

	for (i = 0; l->flying && i < NR_LOADS; i++)
		if (has_landed(&l->load[i]))
			return true;
	return false;
}

/**
 * fpool_evict_reap - free the pages of loads that have been written
 * @pool: the pool
 *
 * Context: The reclaim thread.
 * Return: frames that became free.
 */
u64 fpool_evict_reap(struct fpool_pool *pool)
{
	struct fpool_laundry *l = pool->loads;
	unsigned int i;
	u64 freed = 0;

	for (i = 0; l->flying && i < NR_LOADS; i++) {
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
 * fpool_evict_may_start - would fpool_evict_start() start something?
 * @pool: the pool
 *
 * While many loads are under way only large ones follow, lest a few pages each take all.
 *
 * Context: The reclaim thread.
 * Return: whether.
 */
bool fpool_evict_may_start(struct fpool_pool *pool)
{
	u32 len = READ_ONCE(pool->laundry.len);
	unsigned int flying = pool->loads->flying;

	return len && (flying < NR_LOADS / 2 || (flying < NR_LOADS && len >= LOAD / 2));
}

static void take_laundry(struct fpool_pool *pool, struct load *load)
{
	struct fpool_space *space = NULL;
	struct batch *b = &load->b;
	u32 last = FPOOL_NO_SPACE;
	fpool_frame_t frame;

	*b = (struct batch){
		.pool = pool, .by_policy = true, .one_space = true, .flight = b->flight,
		.v = load->v, .p = load->p,
	};
	spin_lock(&pool->lock);
	while (b->nr < LOAD &&
	       (frame = fpool_frame_list_first(&pool->laundry)) != FPOOL_NO_FRAME) {
		const struct fpool_frame_info *info = fpool_frames_info(&pool->frames, frame);

		laundry_del(pool, frame);
		if (info->space != last) {
			b->one_space = last == FPOOL_NO_SPACE;
			last = info->space;
			space = fpool_space_by_id(pool, last);
		}
		fpool_ptable_find_leaf(&space->ptable, fpool_vpn(info->vpn));
		b->v[b->nr] = (struct victim){
			.space = space,
			.frame = frame,
			.leaf = fpool_ptable_leaf(&space->ptable),
			.fate = FATE_WRITE,
		};
		b->p[b->nr++] = (struct fpool_rmap_page){
			.vpn = info->vpn, .page = fpool_pool_page(pool, frame),
		};
	}
	get_spaces(b);
	spin_unlock(&pool->lock);
	sort_batch(b);
}

/**
 * fpool_evict_start - start to write a load of dirty victims
 * @pool: the pool; fpool_evict_may_start() has said that there is one
 *
 * Context: The reclaim thread; waits for file systems, not for the device.
 * Return: pages that left the laundry.
 */
unsigned int fpool_evict_start(struct fpool_pool *pool)
{
	struct fpool_laundry *l = pool->loads;
	struct load *load = l->load;
	unsigned int nr;

	while (load->flying)
		load++;
	take_laundry(pool, load);
	nr = load->b.nr;
	load->taken = READ_ONCE(pool->taken);
	WRITE_ONCE(load->landed, false);
	fpool_flight_begin(load->b.flight, load_landed);
	clean_victims(&load->b);
	start_dirty(&load->b);
	if (fpool_flight_launched(load->b.flight)) {
		finish_load(pool, load);
	} else {
		load->flying = true;
		l->flying++;
	}
	return nr;
}

/**
 * fpool_evict_init_pool - what writing dirty victims needs
 * @pool: a new pool
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int fpool_evict_init_pool(struct fpool_pool *pool)
{
	unsigned int i;

	pool->loads = kvzalloc(sizeof(*pool->loads), GFP_KERNEL);
	if (!pool->loads)
		return -ENOMEM;
	for (i = 0; i < NR_LOADS; i++) {
		struct load *load = &pool->loads->load[i];

		load->pool = pool;
		load->b.flight = fpool_flight_create(LOAD);
		if (!load->b.flight)
			goto exit;
		load->b.flight->owner = load;
	}
	return 0;
exit:
	fpool_evict_exit_pool(pool);
	return -ENOMEM;
}

/**
 * fpool_evict_exit_pool - free it
 * @pool: without a reclaim thread, and nothing under way
 *
 * Context: Process context; may sleep.
 */
void fpool_evict_exit_pool(struct fpool_pool *pool)
{
	unsigned int i;

	/* Who told the thread that the last load has landed may still be in load_landed(). */
	synchronize_rcu();
	for (i = 0; i < NR_LOADS; i++)
		fpool_flight_destroy(pool->loads->load[i].b.flight);
	kvfree(pool->loads);
	pool->loads = NULL;
}

/* In the laundry, or on its way to the file; nobody has it pinned, he would evict it himself. */
static bool can_stay(struct fpool_pool *pool, fpool_spte_t e)
{
	const u64 leaving = FPOOL_SPTE_P | FPOOL_SPTE_BUSY;

	if ((fpool_spte_raw(e) & (leaving | FPOOL_SPTE_PIN)) != leaving)
		return false;
	return fpool_spte_has(e, FPOOL_SPTE_WB) ||
	       fpool_frames_info(&pool->frames, fpool_spte_frame(e))->list == FPOOL_LAUNDRY_LIST;
}

/**
 * fpool_evict_rescue - a page that is leaving is wanted, and stays if it is dirty
 * @space: the space
 * @vpn: the page
 *
 * Its write goes on, if it has begun; nobody waits for that.
 *
 * Context: Caller holds pool->lock.
 */
void fpool_evict_rescue(struct fpool_space *space, fpool_vpn_t vpn)
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

/* Ranges. */

static bool may_claim(const struct batch *b, fpool_spte_t e)
{
	const struct fpool_frame_info *info;

	if (b->flags & FPOOL_EVICT_BROKEN &&
	    !PageHWPoison(fpool_pool_page(b->pool, fpool_spte_frame(e))))
		return false;
	if (b->dropper) {
		info = fpool_frames_info(&b->pool->frames, fpool_spte_frame(e));
		return fpool_spte_has(e, FPOOL_SPTE_H) && info->policy == b->dropper;
	}
	if (fpool_spte_has(e, FPOOL_SPTE_H))
		return b->flags & FPOOL_EVICT_RELEASED;
	return !fpool_spte_has(e, FPOOL_SPTE_PIN) || b->flags & FPOOL_EVICT_ALL;
}

/* It is of the minimum of somebody else. */
static bool is_promised(struct batch *b, fpool_spte_t e)
{
	const struct fpool_wset *set = fpool_wsets_of(&b->pool->wsets, fpool_spte_frame(e));

	return set->min && !fpool_wset_spare(set) && !(b->flags & FPOOL_EVICT_ALL) && !b->dropper &&
	       set != fpool_mmset_find(b->pool, b->mm);
}

/* Whoever has its frame on a list forgets it. The pinner to whom it goes back, should it stay. */
static u32 take_off(const struct batch *b, fpool_spte_t e)
{
	fpool_frame_t frame = fpool_spte_frame(e);
	u32 pinner = 0;

	if (fpool_spte_has(e, FPOOL_SPTE_PIN))
		pinner = fpool_pin_lift(b->pool, frame);
	else
		fpool_policy_remove(fpool_pool_policy(b->pool, frame), frame);
	return b->dropper ? 0 : pinner;
}

static void claim_range(struct batch *b, struct fpool_space *space, fpool_vpn_t *vpn,
			fpool_vpn_t end)
{
	struct fpool_pool *pool = b->pool;
	fpool_spte_t e;
	u32 looked = 0;

	spin_lock(&pool->lock);
	for (; b->nr < BATCH && fpool_ptable_next(&space->ptable, vpn, end,
						  FPOOL_SPTE_P | FPOOL_SPTE_BUSY, &e);
	     *vpn = fpool_vpn_add(*vpn, 1)) {
		/* Many that stay must not keep others from the lock. */
		if (!(++looked % FPOOL_PTABLE_ENTRIES) && cond_resched_lock(&pool->lock))
			e = fpool_ptable_get(&space->ptable, *vpn);
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
		if (is_promised(b, e)) {
			b->done.promised++;
			continue;
		}
		b->v[b->nr] = (struct victim){
			.space = fpool_space_get(space),
			.frame = fpool_spte_frame(e),
			.pinner = take_off(b, e),
			.held_back = fpool_spte_has(e, FPOOL_SPTE_H),
		};
		b->p[b->nr] = (struct fpool_rmap_page){
			.vpn = fpool_vpn_nr(*vpn),
			.page = fpool_pool_page(pool, fpool_spte_frame(e)),
		};
		claim(b, &b->v[b->nr++], *vpn);
	}
	spin_unlock(&pool->lock);
}

static void evict_all(struct batch *b, struct fpool_space *space, fpool_vpn_t vpn, fpool_vpn_t end)
{
	do {
		b->nr = 0;
		b->one_space = true;
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
	out->promised += done->promised;
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
 * @mm: the address space of who wants it, whose own minimum does not stand in his way; or NULL
 * @out: added to
 *
 * Goes over the range once; pages that come meanwhile may stay.
 *
 * Context: A worker.
 */
void fpool_evict_range(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
		       unsigned int flags, const struct mm_struct *mm, struct fpool_evicted *out)
{
	struct fpool_rmap_page p[BATCH];
	struct victim v[BATCH];
	struct batch b = {
		.pool = space->pool, .flags = flags, .mm = mm, .flight = fpool_flight_get(),
		.v = v, .p = p,
	};

	evict_all(&b, space, start, end);
	fpool_flight_put(b.flight);
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
	struct fpool_rmap_page p;
	struct victim v;
	/* Nothing is written. */
	struct batch b = { .pool = space->pool, .dropper = pinner, .v = &v, .p = &p };

	evict_all(&b, space, vpn, fpool_vpn_add(vpn, 1));
}

/* Others may have a reference for a moment. */
#define BROKEN_TRIES	10

static bool is_broken(struct fpool_space *space, fpool_vpn_t vpn)
{
	fpool_spte_t e = fpool_space_spte(space, vpn);

	return fpool_spte_has(e, FPOOL_SPTE_P) && !fpool_spte_has(e, FPOOL_SPTE_BUSY) &&
	       PageHWPoison(fpool_pool_page(space->pool, fpool_spte_frame(e)));
}

/**
 * fpool_evict_broken - the memory of a page is broken: it leaves, and its frame is retired
 * @space: the space
 * @vpn: the page
 * @flags: 0, or FPOOL_EVICT_RELEASED
 *
 * Nothing is read from such a frame.  A clean page comes again from the file; what was stored in a
 * dirty one is lost, which every descriptor's next sync is told.
 *
 * Context: Process context, under mm's locks or not; may sleep, never for I/O.
 * Return: 0: look again; -EIO: it was dirty, and has left; -EBUSY: it stays: somebody holds the
 * frame, or holds the page back, or it is being written.
 */
int fpool_evict_broken(struct fpool_space *space, fpool_vpn_t vpn, unsigned int flags)
{
	unsigned int tries;

	for (tries = 0; tries < BROKEN_TRIES; tries++) {
		struct fpool_rmap_page p;
		struct victim v;
		struct batch b = {
			.pool = space->pool, .v = &v, .p = &p,
			.flags = FPOOL_EVICT_ALL | FPOOL_EVICT_BROKEN | flags,
		};

		evict_all(&b, space, vpn, fpool_vpn_add(vpn, 1));
		if (b.done.error)
			return b.done.error;
		if (!is_broken(space, vpn))
			return 0;
		if (b.done.pinned)
			break;
		fsleep(1000);
	}
	return -EBUSY;
}
