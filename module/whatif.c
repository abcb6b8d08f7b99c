// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counterfactuals of a pool: its shadows (core/shadow.c), and what feeds them.
 *
 *	fault, read, write	a page is asked for
 *	eviction		reads the accessed bits of those that the policy names
 *	the look		reads those of the sample's pages that are in memory, again and
 *				again: what is always there is never asked for
 *
 * A use counts for the curve of the working set that the page is charged to (core/curves.c), or is
 * about to be.
 *
 * A pool has them from when they are turned on until they are turned off.  They take at most 3 MiB,
 * outside the region: so much for any pool of 320 MiB or more, and in proportion for smaller ones.
 *
 * In which order pages were used between two looks cannot be seen.  It is taken to be that of their
 * uses before: for a loop that is the truth, and loops are where the order matters most.
 *
 * A bit that the look has cleared is the policy's to know, too: its page is marked referenced,
 * which evictions ask for beside the bit.
 *
 * The look is a delayed work that orders itself again.  It may read so many bits a second and no
 * more, about half a percent of a CPU; where nothing was used since the last time it comes more
 * seldom, up to once a second.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "whatif.h"

#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "mmset.h"
#include "rmap.h"

#define LOOKS_A_SECOND	3072
#define BATCH		16	/* on the stack, twice */

/* Of the number of a working set. */
#define ID_BITS		12
static_assert(FPOOL_WSETS_MAX <= 1U << ID_BITS);

/* One pool's, while it is on. Letter W: @lock. */
struct fpool_whatif {
	struct fpool_pool *pool;	/* I */
	void *mem;			/* I: of @shadows */
	u32 capacity;			/* I */
	spinlock_t lock;		/* W: leaf; nothing is taken under it */
	struct fpool_shadows shadows;	/* W */
	struct fpool_curves curves;	/* W */
	void *curves_mem;		/* I: of @curves */
	const struct fpool_policy_ops *ops;	/* W: that the pool had when last looked */
	unsigned long *there;		/* W: pages of the stack that are in memory */
	u32 *when;			/* W: number of the last use of each page of the stack */
	u64 looks;			/* W */
	struct found *found;		/* the look's own: room for all pages of the stack */
	struct delayed_work look;	/* X */
	unsigned long pause;		/* the look's own: jiffies */
};

/* A page of the sample. */
struct sampled {
	u32 index;			/* on the stack */
	u32 when;			/* it was used last; if that changes it was told of since */
	u32 space;
	u64 vpn;
	u64 set;			/* that it is charged to: its number */
	bool young, gone;
};

/* One whose accessed bit was set. */
struct found {
	u32 index, when;
	u64 set;
};

/* Whether there are shadows: who turns them on or off, or wants to keep them for a while. */
static DEFINE_MUTEX(switch_lock);

static struct fpool_whatif *locked(struct fpool_pool *pool)
{
	return rcu_dereference_protected(pool->whatif, lockdep_is_held(&switch_lock));
}

static void record(struct fpool_whatif *w, u32 space, u64 vpn, u64 set)
{
	u32 i = fpool_shadows_ref(&w->shadows, space, vpn);

	__set_bit(i, w->there);
	w->when[i] = w->shadows.mrc.now;
	fpool_curves_ref(&w->curves, set, space, vpn);
}

/* A number for a working set that none has after it, and its id in it. */
static u64 number_of(const struct fpool_wset *set)
{
	return set->serial << ID_BITS | set->id;
}

/*
 * The working set that a page is charged to; if to none, the caller's, who asks for it.  What is
 * brought for a fault is fresh, and what was there is from now on: the accessed bit that the fault
 * leaves is no other use.
 */
static u64 set_of(struct fpool_space *space, fpool_vpn_t vpn, enum fpool_whatif_use use)
{
	fpool_spte_t e = fpool_ptable_get(&space->ptable, vpn);
	struct fpool_pool *pool = space->pool;

	if (!fpool_spte_has(e, FPOOL_SPTE_P))
		return number_of(fpool_mmset_find(pool, current->mm));
	if (use == FPOOL_WHATIF_FAULT)
		fpool_page_set_fresh(fpool_pool_page(pool, fpool_spte_frame(e)));
	return number_of(fpool_wsets_of(&pool->wsets, fpool_spte_frame(e)));
}

/* A use by a set, which is there no longer than somebody makes it stay. */
static void note(struct fpool_space *space, fpool_vpn_t vpn, u64 set)
{
	struct fpool_whatif *w;

	rcu_read_lock();
	w = rcu_dereference(space->pool->whatif);
	/* Turned off and on again meanwhile it may have another sample. */
	if (w && fpool_shadows_samples(&w->shadows, space->id, fpool_vpn_nr(vpn))) {
		spin_lock(&w->lock);
		record(w, space->id, fpool_vpn_nr(vpn), set);
		spin_unlock(&w->lock);
	}
	rcu_read_unlock();
}

/**
 * fpool_whatif_note_locked - a page of the sample is being used
 * @space: the space
 * @vpn: the page
 *
 * Context: Caller holds pool->lock.
 */
void fpool_whatif_note_locked(struct fpool_space *space, fpool_vpn_t vpn)
{
	note(space, vpn, set_of(space, vpn, FPOOL_WHATIF_REF));
}

/**
 * fpool_whatif_note_sampled - a page of the sample is being used
 * @space: the space
 * @vpn: the page
 * @use: how
 *
 * Context: For fpool_whatif_note().
 */
void fpool_whatif_note_sampled(struct fpool_space *space, fpool_vpn_t vpn,
			       enum fpool_whatif_use use)
{
	u64 set;

	spin_lock(&space->pool->lock);
	set = set_of(space, vpn, use);
	spin_unlock(&space->pool->lock);
	note(space, vpn, set);
}

/* The look. */

/*
 * The next pages that are in memory, from @from on in the stack's numbers, those of one space
 * together.  In a space they lie so far apart that their order saves no walk.
 */
static u32 gather(struct fpool_whatif *w, u32 *from, struct sampled *page)
{
	const struct fpool_mrc *m = &w->shadows.mrc;
	u32 n = 0, k;

	spin_lock(&w->lock);
	while (n < BATCH) {
		struct sampled new;

		*from = find_next_bit(w->there, m->used, *from);
		if (*from >= m->used)
			break;
		new = (struct sampled){
			.index = *from, .when = w->when[*from],
			.space = m->page[*from].space, .vpn = m->page[*from].vpn,
		};
		for (k = n++; k && new.space < page[k - 1].space; k--)
			page[k] = page[k - 1];
		page[k] = new;
		++*from;
	}
	spin_unlock(&w->lock);
	return n;
}

/* Those of one space's pages that are in memory; the space with a reference, or NULL. */
static struct fpool_space *look_up(struct fpool_pool *pool, struct sampled *page, u32 n,
				   struct fpool_rmap_page *pages, u32 *nr)
{
	struct fpool_space *space;
	u32 k;

	*nr = 0;
	spin_lock(&pool->lock);
	space = fpool_space_by_id(pool, page[0].space);
	if (space)
		fpool_space_get(space);
	for (k = 0; k < n; k++) {
		fpool_spte_t e = fpool_spte(0);

		if (space)
			e = fpool_ptable_get(&space->ptable, fpool_vpn(page[k].vpn));
		page[k].gone = !fpool_spte_has(e, FPOOL_SPTE_P) ||
			       fpool_spte_has(e, FPOOL_SPTE_BUSY);
		if (page[k].gone)
			continue;
		page[k].set = number_of(fpool_wsets_of(&pool->wsets, fpool_spte_frame(e)));
		pages[(*nr)++] = (struct fpool_rmap_page){
			.vpn = page[k].vpn,
			.page = fpool_pool_page(pool, fpool_spte_frame(e)),
		};
	}
	spin_unlock(&pool->lock);
	return space;
}

/* Read and clear the accessed bits of pages of one space.  Frames may change hands meanwhile. */
static void look_at_space(struct fpool_whatif *w, struct sampled *page, u32 n)
{
	struct fpool_rmap_page pages[BATCH];
	struct fpool_space *space;
	u32 nr, i = 0, k;

	space = look_up(w->pool, page, n, pages, &nr);
	if (nr)
		fpool_rmap_test_clear_young(space, pages, nr);
	for (k = 0; k < n; k++) {
		if (page[k].gone)
			continue;
		page[k].young = pages[i].found && !fpool_page_is_fresh(pages[i].page);
		/* For the policy, which has not seen it; so it may be fresh no longer. */
		if (pages[i].found) {
			folio_set_referenced(page_folio(pages[i].page));
			fpool_page_clear_fresh(pages[i].page);
		}
		i++;
	}
	if (space)
		fpool_space_put(space);
}

/* Add those that were used to @found; how many there are then. */
static u32 look_at(struct fpool_whatif *w, struct sampled *page, u32 n, u32 found)
{
	u32 i, end;

	for (i = 0; i < n; i = end) {
		for (end = i + 1; end < n && page[end].space == page[i].space; end++)
			;
		look_at_space(w, &page[i], end - i);
	}
	spin_lock(&w->lock);
	w->looks += n;
	for (i = 0; i < n; i++) {
		if (page[i].gone && w->when[page[i].index] == page[i].when)
			__clear_bit(page[i].index, w->there);
		else if (page[i].young)
			w->found[found++] = (struct found){ page[i].index, page[i].when,
							    page[i].set };
	}
	spin_unlock(&w->lock);
	return found;
}

static int by_last_use(const void *x, const void *y)
{
	/* The numbers wrap around. */
	s32 diff = ((const struct found *)x)->when - ((const struct found *)y)->when;

	return diff < 0 ? -1 : diff > 0;
}

/* Unless somebody else has told of it since its bit was read. */
static void tell(struct fpool_whatif *w, const struct found *found)
{
	const struct fpool_mrc_page *page = &w->shadows.mrc.page[found->index];

	spin_lock(&w->lock);
	if (w->when[found->index] == found->when)
		record(w, page->space, page->vpn, found->set);
	spin_unlock(&w->lock);
}

/* The pool may have another policy since the last time, or most of it go another way. */
static void follow_policy(struct fpool_whatif *w)
{
	const struct fpool_policy_ops *ops = READ_ONCE(w->pool->wsets.common.policy.ops);
	bool rival;

	spin_lock(&w->pool->lock);
	rival = fpool_wsets_rival(&w->pool->wsets);
	spin_unlock(&w->pool->lock);
	spin_lock(&w->lock);
	if (ops != w->ops)
		fpool_shadows_switch(&w->shadows, ops);
	w->ops = ops;
	fpool_shadows_follow(&w->shadows, rival);
	spin_unlock(&w->lock);
}

static bool is_there(struct fpool_pool *pool, u64 number)
{
	u32 id = number & (BIT(ID_BITS) - 1);
	const struct fpool_wset *set;
	bool there;

	spin_lock(&pool->lock);
	set = fpool_wsets_next(&pool->wsets, id);
	there = set && number_of(set) == number;
	spin_unlock(&pool->lock);
	return there;
}

/* Sets that are gone leave room for the curves of others. */
static void drop_curves(struct fpool_whatif *w)
{
	const struct fpool_curve *curve;
	bool used;
	u64 set;

	for (curve = w->curves.curve; curve < w->curves.curve + FPOOL_CURVES_MAX; curve++) {
		spin_lock(&w->lock);
		used = curve->used;
		set = curve->set;
		spin_unlock(&w->lock);
		if (!used || is_there(w->pool, set))
			continue;
		spin_lock(&w->lock);
		fpool_curves_drop(&w->curves, set);
		spin_unlock(&w->lock);
	}
}

static void look(struct work_struct *work)
{
	struct fpool_whatif *w = container_of(to_delayed_work(work), struct fpool_whatif, look);
	u32 from = 0, n, looked = 0, found = 0, i;
	struct sampled page[BATCH];

	follow_policy(w);
	drop_curves(w);
	while ((n = gather(w, &from, page))) {
		looked += n;
		found = look_at(w, page, n, found);
		cond_resched();
	}
	sort(w->found, found, sizeof(*w->found), by_last_use, NULL);
	for (i = 0; i < found; i++)
		tell(w, &w->found[i]);
	w->pause = found ? 0 : min_t(unsigned long, 2 * w->pause + 1, HZ);
	queue_delayed_work(w->pool->chores, &w->look,
			   max3((unsigned long)looked * HZ / LOOKS_A_SECOND, w->pause, 1UL));
}

/* On, off, and what there is to see. */

static void destroy(struct fpool_whatif *w)
{
	if (!w)
		return;
	bitmap_free(w->there);
	kvfree(w->found);
	kvfree(w->when);
	kvfree(w->curves_mem);
	kvfree(w->mem);
	kvfree(w);
}

static struct fpool_whatif *create(struct fpool_pool *pool)
{
	struct fpool_whatif *w = kvzalloc(sizeof(*w), GFP_KERNEL);
	u32 user = pool->region.nframes - pool->kernel_frames, frames, pages;

	if (!w)
		return NULL;
	w->pool = pool;
	spin_lock_init(&w->lock);
	INIT_DELAYED_WORK(&w->look, look);
	/* The reclaim thread keeps so many free. */
	w->capacity = user - (pool->low + pool->high) / 2;
	frames = fpool_shadows_sample(w->capacity);
	w->ops = READ_ONCE(pool->wsets.common.policy.ops);
	w->mem = kvmalloc(fpool_shadows_bytes(frames), GFP_KERNEL);
	if (!w->mem || WARN_ON_ONCE(fpool_shadows_init(&w->shadows, w->mem, w->ops, w->capacity,
						       frames)))
		goto destroy;
	w->curves_mem = kvmalloc(fpool_curves_bytes(frames), GFP_KERNEL);
	if (!w->curves_mem || WARN_ON_ONCE(fpool_curves_init(&w->curves, w->curves_mem, frames)))
		goto destroy;
	pages = w->shadows.mrc.capacity;
	w->there = bitmap_zalloc(pages, GFP_KERNEL);
	w->when = kvcalloc(pages, sizeof(*w->when), GFP_KERNEL);
	w->found = kvcalloc(pages, sizeof(*w->found), GFP_KERNEL);
	if (w->there && w->when && w->found)
		return w;
destroy:
	destroy(w);
	return NULL;
}

/**
 * fpool_whatif_start - turn the shadows of a pool on; if they are, nothing happens
 * @pool: the pool
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int fpool_whatif_start(struct fpool_pool *pool)
{
	struct fpool_whatif *w;
	int err = 0;

	mutex_lock(&switch_lock);
	if (locked(pool))
		goto unlock;
	err = -ENOMEM;
	w = create(pool);
	if (!w)
		goto unlock;
	rcu_assign_pointer(pool->whatif, w);
	WRITE_ONCE(pool->whatif_last, w->shadows.last);
	queue_delayed_work(pool->chores, &w->look, 1);
	err = 0;
unlock:
	mutex_unlock(&switch_lock);
	return err;
}

/**
 * fpool_whatif_stop - turn them off; if they are, nothing happens
 * @pool: the pool
 *
 * Context: Process context; may sleep.
 */
void fpool_whatif_stop(struct fpool_pool *pool)
{
	struct fpool_whatif *w;

	mutex_lock(&switch_lock);
	WRITE_ONCE(pool->whatif_last, 0);
	w = rcu_replace_pointer(pool->whatif, NULL, lockdep_is_held(&switch_lock));
	if (w) {
		synchronize_rcu();
		cancel_delayed_work_sync(&w->look);
		destroy(w);
	}
	mutex_unlock(&switch_lock);
}

/**
 * fpool_whatif_clear - count anew; all pages stay known
 * @pool: the pool
 *
 * Context: Process context; may sleep.
 * Return: 0, or -ENODATA: it is off.
 */
int fpool_whatif_clear(struct fpool_pool *pool)
{
	struct fpool_whatif *w;

	mutex_lock(&switch_lock);
	w = locked(pool);
	if (w) {
		spin_lock(&w->lock);
		fpool_shadows_clear(&w->shadows);
		fpool_curves_clear(&w->curves);
		w->looks = 0;
		spin_unlock(&w->lock);
	}
	mutex_unlock(&switch_lock);
	return w ? 0 : -ENODATA;
}

static void add_row(struct fpool_whatif_report *report, const char *policy, u32 eighths, u64 misses)
{
	report->row[report->nr].policy = policy;
	report->row[report->nr].eighths = eighths;
	report->row[report->nr++].misses = misses;
}

static void add_set(struct fpool_whatif_report *report, const struct fpool_curve *curve)
{
	u32 nr = report->sets++, k;

	report->set[nr].id = curve->set & (BIT(ID_BITS) - 1);
	report->set[nr].uses = curve->mrc.refs;
	report->set[nr].first = curve->mrc.cold;
	for (k = 0; k < FPOOL_SHADOW_SIZES; k++)
		report->set[nr].misses[k] = fpool_mrc_misses(&curve->mrc, k);
}

static void fill_report(struct fpool_whatif *w, struct fpool_whatif_report *report)
{
	const struct fpool_shadows *s = &w->shadows;
	u32 k;

	*report = (struct fpool_whatif_report){
		.sample = DIV_ROUND_CLOSEST(w->capacity, s->frames), .capacity = w->capacity,
		.uses = s->mrc.refs, .first = s->mrc.cold, .looks = w->looks,
		.own = fpool_shadows_find(s, w->ops, FPOOL_SHADOW_UNIT)->misses,
	};
	for (k = 0; k < s->nr; k++)
		add_row(report, s->shadow[k].policy.ops->name, s->shadow[k].eighths,
			s->shadow[k].misses);
	for (k = 0; k < FPOOL_SHADOW_SIZES; k++)
		add_row(report, "LRU", fpool_shadow_eighths[k], fpool_mrc_misses(&s->mrc, k));
	report->left_out = w->curves.left_out;
	for (k = 0; k < FPOOL_CURVES_MAX; k++)
		if (w->curves.curve[k].used)
			add_set(report, &w->curves.curve[k]);
}

/**
 * fpool_whatif_read - what was seen since they were turned on, or cleared
 * @pool: the pool
 * @report: out
 *
 * Context: Process context; may sleep.
 * Return: 0, or -ENODATA: they are off.
 */
int fpool_whatif_read(struct fpool_pool *pool, struct fpool_whatif_report *report)
{
	struct fpool_whatif *w;

	mutex_lock(&switch_lock);
	w = locked(pool);
	if (w) {
		follow_policy(w);
		drop_curves(w);
		spin_lock(&w->lock);
		fill_report(w, report);
		spin_unlock(&w->lock);
	}
	mutex_unlock(&switch_lock);
	return w ? 0 : -ENODATA;
}

/**
 * fpool_whatif_check - do the shadows of a pool, if it has any, hang together?
 * @pool: the pool
 *
 * Context: Process context; may sleep.
 * Return: 0 or -EUCLEAN, and the log says why.
 */
int fpool_whatif_check(struct fpool_pool *pool)
{
	const char *why = NULL;
	struct fpool_whatif *w;
	int err = 0;

	mutex_lock(&switch_lock);
	w = locked(pool);
	if (w) {
		spin_lock(&w->lock);
		err = fpool_shadows_check(&w->shadows, &why) ?:
		      fpool_curves_check(&w->curves, &why);
		spin_unlock(&w->lock);
	}
	mutex_unlock(&switch_lock);
	if (err)
		pr_err("pool %s: its shadows are inconsistent: %s\n", pool->name, why);
	return err;
}
