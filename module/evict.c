// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policies choose which pages leave.
 *
 *	pick	whose pages are next (wset.c), and which of them its policy names
 *	look	at their accessed bits, those of one space in one walk
 *	judge	each of them by its policy, in its order; who leaves is claimed (batch.c)
 */
#include "evict.h"

#include <linux/pagemap.h>
#include <linux/sched/signal.h>

#include "batch.h"
#include "laundry.h"
#include "mmset.h"
#include "whatif.h"

/* Of whom pages are wanted, and for whom. */
struct demand {
	const struct mm_struct *mm;	/* who needs the frames; NULL: nobody in particular */
	bool own;			/* his own pages are to leave */
	bool over;			/* of these what is above his maximum */
	bool again;			/* a look at all of them was in vain, a moment ago */
	u32 max;			/* so many at once */
};

/* Whose pages are next. */
static struct fpool_wset *whose(struct fpool_pool *pool, const struct demand *d)
{
	struct fpool_wset *self = d->mm ? fpool_mmset_find(pool, d->mm) : NULL;

	return d->own ? self : fpool_wsets_victim(&pool->wsets, self);
}

/* How many of them may leave at once. */
static u32 how_many(struct fpool_batch *b, const struct demand *d)
{
	u32 spare = fpool_wset_spare(b->set);

	if (d->over)
		return min(d->max, fpool_wset_over(b->set));
	/* Nobody takes it below its minimum; but where nobody can spare any, its own process. */
	b->spared = !d->own && spare;
	return b->spared ? min(d->max, spare) : d->max;
}

/* The frames that the policy names become victims to be, which nobody has judged yet. */
static noinline_for_stack void pick(struct fpool_batch *b, const struct demand *d)
{
	fpool_frame_t frame[FPOOL_BATCH] __uninitialized;
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
		b->v[i] = (struct fpool_victim){ .space = space, .frame = frame[i] };
		b->p[i] = (struct fpool_rmap_page){
			.vpn = info->vpn, .page = fpool_pool_page(pool, frame[i]),
		};
	}
	fpool_batch_get(b);
	spin_unlock(&pool->lock);
}

/* Read the accessed bits, those of one space in one walk. */
static void look(struct fpool_batch *b)
{
	fpool_batch_each_space(b, fpool_rmap_test_clear_young);
}

/* Is it still what pick() saw? */
static __always_inline bool still_there(const struct fpool_victim *v,
					const struct fpool_rmap_page *p,
					const struct fpool_frame_info *info)
{
	return info->state == FPOOL_FRAME_RESIDENT && info->space == v->space->id &&
	       info->vpn == p->vpn;
}

static __always_inline bool must_stay(const struct fpool_victim *v, struct page *page,
				      u64 vpn, fpool_spte_t e)
{
	if (fpool_spte_has(e, FPOOL_SPTE_WB))
		return true;
	if (!PageDirty(page))
		return false;
	/* Where writing fails, trying all the time helps nobody, and where it waits, even less. */
	return vpn >= fpool_vpn_nr(v->space->cut_from) ||
	       time_before(jiffies, v->space->retry_at) ||
	       time_before(jiffies, v->space->put_off_until) ||
	       fpool_backing_frozen(&v->space->backing) || fpool_laundry_refuses(v->space);
}

/* Does it leave? Then it is claimed. */
static __always_inline bool judge_one(struct fpool_batch *b, struct fpool_victim *v,
				      const struct fpool_rmap_page *p, bool noting)
{
	struct fpool_policy *policy;
	bool used = p->found;
	struct fpool_wset *set;
	fpool_spte_t e;

	if (!still_there(v, p, fpool_frames_info(&b->pool->frames, v->frame)))
		return false;
	/* Its owner may be another one by now, and has perhaps lost or been promised something. */
	set = fpool_wsets_of(&b->pool->wsets, v->frame);
	if (unlikely(set->min) && (b->spared || set != b->set) && !fpool_wset_spare(set))
		return false;
	if (noting && used)
		fpool_whatif_note_young(v->space, fpool_vpn(p->vpn), p->page);
	if (fpool_page_take_uses(p->page))
		used = true;
	policy = &set->policy;
	if (!fpool_policy_judge(policy, v->frame, used))
		return false;
	e = fpool_ptable_peek(&v->space->ptable, fpool_vpn(p->vpn));
	/* No policy is asked about this: one may let go of a page that was just used. */
	if (must_stay(v, p->page, p->vpn, e)) {
		fpool_policy_put_back(policy, v->frame);
		return false;
	}
	fpool_batch_claim(b, v, fpool_vpn(p->vpn));
	return true;
}

/* The policy's verdicts, in its order.  What is left of the batch are the victims. */
static __always_inline void judge_all(struct fpool_batch *b, bool noting)
{
	unsigned int i, victims = 0, looked = b->nr;
	struct fpool_rmap_page *p = b->p;
	struct fpool_victim *v = b->v;

	spin_lock(&b->pool->lock);
	for (i = 0; i < looked; i++) {
		if (!judge_one(b, &v[i], &p[i], noting))
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
	fpool_batch_put(b, victims, looked);
	b->nr = victims;
}

static noinline_for_stack void judge(struct fpool_batch *b)
{
	judge_all(b, false);
}

/* The same, and what-ifs hear of those that were used: apart, as it costs time for each page. */
static noinline_for_stack void judge_and_note(struct fpool_batch *b)
{
	judge_all(b, true);
}

/* What became of a demand. */
struct outcome {
	u64 looked;		/* pages */
	u64 freed;		/* frames */
	u64 dirty;		/* pages that went to the laundry */
};

/* Returns whether there were any pages to look at. */
static bool evict_batch(struct fpool_pool *pool, const struct demand *d, struct outcome *o)
{
	struct fpool_rmap_page p[FPOOL_BATCH] __uninitialized;
	struct fpool_victim v[FPOOL_BATCH] __uninitialized;
	struct fpool_batch b = { .pool = pool, .by_policy = true, .v = v, .p = p };
	unsigned int looked;

	mutex_lock(&pool->victim_lock);
	pick(&b, d);
	looked = b.nr;
	look(&b);
	if (likely(!READ_ONCE(pool->whatif_last)))
		judge(&b);
	else
		judge_and_note(&b);
	mutex_unlock(&pool->victim_lock);
	fpool_stats_add(&pool->stats, FPOOL_STAT_RECLAIM_BATCHES, 1);
	o->looked += looked;
	o->freed += fpool_batch_expel(&b);
	o->dirty += b.nr_laundry;
	return looked;
}

/*
 * Pages to look at, ten times a second, where a look at all was in vain or only clean ones can
 * leave: so that all were seen within two seconds.
 */
#define LOOK_LEAST	256
#define LOOK_PART	16

/* The same where it is only a moment until dirty ones can, too. */
#define LOOK_OWN	256

/* So many looks see each of @len pages twice. */
static u64 each_twice(u64 len)
{
	return 2 * len + FPOOL_BATCH;
}

/*
 * How many of @len pages are looked at: each twice, unless that was in vain, or dirty ones have
 * nowhere to go.
 */
static u64 patience(struct fpool_pool *pool, const struct demand *d, u64 len)
{
	bool room = fpool_laundry_has_room(pool);
	u64 all = each_twice(len);

	if (likely(room && !d->again))
		return all;
	if (room || fpool_laundry_stands_still(pool))
		return min(all, max_t(u64, LOOK_LEAST, len / LOOK_PART));
	return d->own ? min_t(u64, all, LOOK_OWN) : 1;
}

/* Until @want frames are free, or @dirty will be when they have been written, of @len pages. */
static u64 evict_batches(struct fpool_pool *pool, const struct demand *d, u64 want, u64 dirty,
			 u64 len)
{
	struct outcome o = {};

	while (evict_batch(pool, d, &o) && o.freed < want && o.dirty < dirty &&
	       o.looked < patience(pool, d, len) && !fatal_signal_pending(current))
		cond_resched();
	return o.freed;
}

/**
 * fpool_evict_some - let the policies choose pages, and evict them
 * @pool: the pool
 * @mm: who needs the frames, or NULL
 * @want: how many
 * @again: this was called a moment ago, and nothing became free
 *
 * Dirty victims go to the laundry, where the reclaim thread finds them, and do not count.  While
 * that is full they stay.
 *
 * Looks at each resident page at most twice: once to clear its accessed bit, once to take it; at
 * fewer while dirty ones have to stay, and @again: who waits is not to keep a processor busy.
 *
 * Context: Process context, under mm's locks or not; takes victim_lock, i_mmap_rwsem, page-table
 * locks and pool->lock; may sleep, never for I/O. Needs no allocation.
 * Return: frames that became free.
 */
u64 fpool_evict_some(struct fpool_pool *pool, const struct mm_struct *mm, u64 want, bool again)
{
	const struct demand d = { .mm = mm, .again = again, .max = FPOOL_BATCH };

	return evict_batches(pool, &d, want, U64_MAX,
			     READ_ONCE(pool->frames.count[FPOOL_FRAME_RESIDENT]));
}

/* Pages that an address space is charged with, as its policy knows them. */
static u64 len_of(struct fpool_pool *pool, const struct mm_struct *mm)
{
	u64 len;

	spin_lock(&pool->lock);
	len = fpool_policy_len(&fpool_mmset_find(pool, mm)->policy);
	spin_unlock(&pool->lock);
	return len;
}

/* Dirty pages that leave together for the next frames of a set at its maximum. */
#define OWN_PART	16
#define OWN_MOST	64

/**
 * fpool_evict_own - evict pages that an address space is charged with
 * @pool: the pool
 * @mm: the address space
 * @want: how many
 * @again: as fpool_evict_some()
 *
 * As fpool_evict_some(), but nobody else's.  Never many at once: a small set must not lose what its
 * process is using just now for the sake of one frame.  For the same reason it ends when a few
 * dirty ones are in the laundry; not with the first, as those that come next want frames, too.
 *
 * Context: As fpool_evict_some().
 * Return: frames that became free.
 */
u64 fpool_evict_own(struct fpool_pool *pool, const struct mm_struct *mm, u64 want, bool again)
{
	const struct demand d = {
		.mm = mm, .own = true, .again = again, .max = clamp_t(u64, want, 1, FPOOL_BATCH),
	};
	u64 len = len_of(pool, mm);

	return evict_batches(pool, &d, want, clamp_t(u64, len / OWN_PART, want, OWN_MOST), len);
}

/* Pages that are looked at in a step: some milliseconds, for which others may have to wait. */
#define OVER_STEP	4096U

/**
 * fpool_evict_over - a step of evicting what an address space has above its maximum
 * @pool: the pool
 * @mm: the address space
 * @left: what the step before has returned; 0: a round begins, in which each of its pages is
 *	looked at no more than twice
 *
 * What is on its way already counts as gone: dirty pages take their time, and meanwhile no others
 * are to go for them.
 *
 * Context: As fpool_evict_some(); ends early where the caller is killed.
 * Return: pages that are still to be looked at in this round; 0: it is over, and the next one may
 * have to wait until something has been written.
 */
u64 fpool_evict_over(struct fpool_pool *pool, const struct mm_struct *mm, u64 left)
{
	const struct demand d = { .mm = mm, .own = true, .over = true, .max = FPOOL_BATCH };
	struct outcome o = {};
	u64 end;

	left = left ?: each_twice(len_of(pool, mm));
	end = min_t(u64, left, OVER_STEP);
	do {
		if (!evict_batch(pool, &d, &o) || !fpool_laundry_has_room(pool))
			return 0;
		cond_resched();
	} while (o.looked < end && !fatal_signal_pending(current));
	return left - min(left, o.looked);
}
