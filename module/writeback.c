// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing pages back.
 *
 * A resident page is written in place and stays usable:
 *
 *	collect		dirty bits of hardware entries reach the pages; clean ones are passed
 *	claim		its shadow PTE gets WB, which keeps eviction and other writers away
 *	clean		write-protected in every process, its dirty flag taken (fpool_rmap_clean),
 *			with one TLB flush for many pages
 *	write		without any lock, many runs together (flight.c); a store now faults and
 *			makes the page dirty again
 *	release		WB goes; if the write failed, or somebody holds the frame, it is dirty again
 *
 * The page is dirty or under WB at every moment at which its bytes are not in the file, so
 * nobody who looks in that order can miss it.  What was collected for one sweep another one may
 * clean before the claim: its write begins after that, and has all that was stored before.
 *
 * Durability needs the device's flush too.  Pages carry the epoch in which they were written; a
 * flush covers all epochs that were over when it began, and when it fails the pages of
 * unflushed epochs that are still resident become dirty again.  So do those under WB: they get
 * their epoch when all that was started with them has ended, and the device may have had them
 * in its cache for long.
 *
 * A device that fails a flush may have lost what it took before, so no flush after that covers it.
 * Flushes are counted when they have failed and their pages are dirty again.  A sync looks at the
 * count before it looks for dirty pages, and when its own flush has ended: if it is the same,
 * what failed before was dirty before, and has been written; if not, the sync has failed, too.
 */
#include "writeback.h"

#include <linux/pagemap.h>

#include "errlog.h"
#include "evict_range.h"
#include "flight.h"
#include "laundry.h"
#include "rmap.h"

/**
 * fpool_writeback_dirty - is a page known to be dirty?
 * @pool: the pool
 * @frame: where it is
 *
 * Context: Any, with the frame kept from changing hands.
 * Return: whether its flag is set; stores through mappings that nobody has looked at are not in it.
 */
bool fpool_writeback_dirty(struct fpool_pool *pool, fpool_frame_t frame)
{
	return PageDirty(fpool_pool_page(pool, frame));
}

/**
 * fpool_writeback_redirty - a page has to be written after all
 * @space: the space
 * @frame: where it is; claimed by the caller
 *
 * Context: Any.
 */
void fpool_writeback_redirty(struct fpool_space *space, fpool_frame_t frame)
{
	SetPageDirty(fpool_pool_page(space->pool, frame));
}

static bool is_dirty(struct fpool_space *space, fpool_frame_t frame)
{
	return fpool_writeback_dirty(space->pool, frame);
}

/**
 * fpool_writeback_count_dirty - how many pages are known to be dirty
 * @space: the space
 *
 * Context: Process context; takes pool->lock.
 * Return: pages, as fpool_writeback_dirty() counts them; no snapshot.
 */
u64 fpool_writeback_count_dirty(struct fpool_space *space)
{
	return fpool_space_count_pages(space, is_dirty);
}

/*
 * What was stored through mappings has been collected; who holds a frame may store without telling
 * anyone, so it counts as dirty.
 */
static bool maybe_dirty(struct page *page)
{
	if (page_mapped(page) && fpool_rmap_is_held(page))
		SetPageDirty(page);
	return PageDirty(page);
}

/* Held back by a program, and not just being released. */
static bool held_back(const struct fpool_space *space, fpool_vpn_t vpn, fpool_spte_t e)
{
	u32 pinner = fpool_frames_info(&space->pool->frames, fpool_spte_frame(e))->policy;

	if (!fpool_spte_has(e, FPOOL_SPTE_H))
		return false;
	return space->releasing.pinner != pinner ||
	       fpool_vpn_nr(vpn) < fpool_vpn_nr(space->releasing.start) ||
	       fpool_vpn_nr(vpn) >= fpool_vpn_nr(space->releasing.end);
}

/* Pages of one leaf, in order. */
struct claim {
	unsigned int nr;
	fpool_vpn_t vpn[FPOOL_RUN_MAX];
	fpool_frame_t frame[FPOOL_RUN_MAX];
};

/* Runs that are written together. */
struct sweep {
	struct fpool_space *space;
	struct fpool_flight *flight;
	DECLARE_BITMAP(held, FPOOL_FLIGHT_MAX);	/* pages of the flight that stay dirty */
	u64 *written, *failed;
	int err;
	bool passed;		/* pages that are perhaps being cut off */
	bool known;		/* only what is known to be dirty; who is in the way is passed */
};

/* What is held would be dirty again at once: that is for who asks for it. */
static bool is_wanted(const struct sweep *s, struct page *page)
{
	return s->known ? PageDirty(page) && !fpool_rmap_is_held(page) : maybe_dirty(page);
}

/*
 * Claim up to @max dirty pages from *@vpn on, where the leaf of the shadow page table goes at least
 * to @end.  -EAGAIN: the first one is changing hands or being written by somebody else: wait.
 * -EHWPOISON: the memory of the first one is broken.
 */
static int claim(struct sweep *s, struct claim *c, unsigned int max, fpool_vpn_t *vpn,
		 fpool_vpn_t end)
{
	u32 nr = fpool_vpn_nr(end) - fpool_vpn_nr(*vpn), i;
	struct fpool_space *space = s->space;
	fpool_vpn_t first = *vpn;
	const u64 *entry;

	lockdep_assert_held(&space->pool->lock);
	c->nr = 0;
	*vpn = end;
	entry = fpool_ptable_get_run(&space->ptable, first, nr);
	for (i = 0; entry && i < nr; i++) {
		fpool_spte_t e = fpool_ptable_read(&entry[i]);
		fpool_vpn_t here = fpool_vpn_add(first, i);
		bool busy = fpool_spte_has(e, FPOOL_SPTE_BUSY | FPOOL_SPTE_WB);
		struct page *page;

		if (!fpool_spte_has(e, FPOOL_SPTE_P) || (busy && s->known))
			continue;
		if (c->nr == max || busy) {
			*vpn = here;
			return c->nr ? 0 : -EAGAIN;
		}
		page = fpool_pool_page(space->pool, fpool_spte_frame(e));
		if (!is_wanted(s, page) || held_back(space, here, e))
			continue;
		if (unlikely(fpool_vpn_nr(here) >= fpool_vpn_nr(space->cut_from))) {
			s->passed = true;
			continue;
		}
		if (unlikely(PageHWPoison(page))) {
			*vpn = here;
			return c->nr ? 0 : -EHWPOISON;
		}
		c->vpn[c->nr] = here;
		c->frame[c->nr++] = fpool_spte_frame(e);
		fpool_ptable_update(&space->ptable, here, 0, FPOOL_SPTE_WB);
	}
	return 0;
}

/* The next pages that are there, of one leaf: [*@vpn, *@leaf_end). */
static bool next_leaf(struct fpool_space *space, fpool_vpn_t *vpn, fpool_vpn_t *leaf_end,
		      fpool_vpn_t end)
{
	bool found;
	u64 next;

	spin_lock(&space->pool->lock);
	found = fpool_space_next(space, vpn, end, FPOOL_SPTE_P, NULL);
	spin_unlock(&space->pool->lock);
	if (!found)
		return false;
	next = ALIGN_DOWN(fpool_vpn_nr(*vpn), FPOOL_PTABLE_ENTRIES) + FPOOL_PTABLE_ENTRIES;
	*leaf_end = fpool_vpn(min(next, fpool_vpn_nr(end)));
	return true;
}

/* The caller holds pool->lock. */
static void unclaim(struct fpool_space *space, fpool_vpn_t vpn, fpool_frame_t frame)
{
	bool dirty = fpool_writeback_dirty(space->pool, frame);

	fpool_ptable_update(&space->ptable, vpn, FPOOL_SPTE_WB | FPOOL_SPTE_D,
			    dirty ? FPOOL_SPTE_D : 0);
}

/* The pages of a flight that has landed are under write-back no more. */
static void release(struct sweep *s)
{
	struct fpool_flight *flight = s->flight;
	unsigned int i, k;

	spin_lock(&s->space->pool->lock);
	for (i = 0; i < flight->nr; i++)
		for (k = 0; k < flight->run[i].nr; k++)
			unclaim(s->space, fpool_vpn_add(flight->run[i].vpn, k),
				fpool_run_frames(&flight->run[i])[k]);
	spin_unlock(&s->space->pool->lock);
	for (i = 0; i < flight->nr; i++)
		fpool_space_wake_run(s->space, flight->run[i].vpn, flight->run[i].nr);
}

/* Wait for all that flies, and let its pages go. */
static void land(struct sweep *s)
{
	struct fpool_flight *flight = s->flight;
	unsigned int i;

	if (!flight->nr)
		return;
	if (!fpool_flight_launched(flight))
		fpool_flight_wait(flight);
	fpool_flight_finish(flight);
	*s->written += flight->pages - flight->failed;
	*s->failed += flight->failed;
	if (flight->err)
		s->err = flight->err;
	for_each_set_bit(i, s->held, flight->pages)
		fpool_writeback_redirty(s->space, flight->frame[i]);
	release(s);
	fpool_flight_begin(flight, NULL, false);
}

/* Clean all pages of a claim; those that somebody holds will be dirty again. */
static void clean(struct sweep *s, const struct claim *c)
{
	struct fpool_rmap_page pages[FPOOL_RUN_MAX];
	unsigned int i, page = s->flight->pages;

	for (i = 0; i < c->nr; i++)
		pages[i] = (struct fpool_rmap_page){
			.vpn = fpool_vpn_nr(c->vpn[i]),
			.page = fpool_pool_page(s->space->pool, c->frame[i]),
		};
	fpool_rmap_clean(s->space, pages, c->nr);
	for (i = 0; i < c->nr; i++)
		__assign_bit(page + i, s->held, pages[i].held);
}

/* Clean all pages of a claim, then start each run of neighbours. */
static void start_claimed(struct sweep *s, const struct claim *c)
{
	unsigned int i, first;

	clean(s, c);
	for (i = 0; i < c->nr; ) {
		first = i++;
		while (i < c->nr && fpool_vpn_nr(c->vpn[i]) == fpool_vpn_nr(c->vpn[i - 1]) + 1)
			i++;
		fpool_flight_start(s->flight, s->space, c->vpn[first], &c->frame[first],
				   i - first);
	}
}

/* What was stored in broken memory is lost; that is told as a failed write. */
static void pass_broken(struct sweep *s, fpool_vpn_t *vpn)
{
	int err = fpool_evict_broken(s->space, *vpn, 0);

	/* With -EAGAIN its entry is what is waited for. */
	if (err && err != -EAGAIN) {
		++*s->failed;
		s->err = -EIO;
		*vpn = fpool_vpn_add(*vpn, 1);
	}
}

/* An entry that is changing hands or being written is waited for: then once more, from there. */
static void wait_settled(struct sweep *s, fpool_vpn_t vpn)
{
	/* Nobody waits for others while others may wait for him. */
	if (s->flight->nr)
		land(s);
	else
		fpool_laundry_wait_settled(s->space, vpn, false);
}

/* Who was not asked to write does not go on where that fails, and nobody waits for him. */
static bool gives_up(const struct sweep *s)
{
	return s->known && (s->err || READ_ONCE(s->space->dying));
}

static void sweep(struct sweep *s, fpool_vpn_t first, fpool_vpn_t end)
{
	struct fpool_pool *pool = s->space->pool;
	fpool_vpn_t vpn = first, leaf_end = first;
	struct claim c;
	int ret;

	s->flight = fpool_flight_get();
	fpool_flight_begin(s->flight, NULL, false);
	while (!gives_up(s)) {
		unsigned int room = fpool_flight_room(s->flight);

		if (fpool_vpn_nr(vpn) == fpool_vpn_nr(leaf_end)) {
			if (!next_leaf(s->space, &vpn, &leaf_end, end))
				break;
			if (!s->known)
				fpool_rmap_collect_dirty(s->space, fpool_vpn_nr(vpn),
							 fpool_vpn_nr(leaf_end));
		}
		spin_lock(&pool->lock);
		ret = claim(s, &c, min_t(unsigned int, room, FPOOL_RUN_MAX), &vpn, leaf_end);
		spin_unlock(&pool->lock);
		if (unlikely(ret == -EHWPOISON)) {
			pass_broken(s, &vpn);
			continue;
		}
		if (ret == -EAGAIN) {
			wait_settled(s, vpn);
			continue;
		}
		cond_resched();
		if (c.nr)
			start_claimed(s, &c);
		if (fpool_flight_room(s->flight) < FPOOL_RUN_MAX / 2)
			land(s);
	}
	land(s);
	fpool_flight_put(s->flight);
}

/**
 * fpool_writeback_range - write every dirty page of a range
 * @space: the space
 * @first: first page
 * @end: past the last
 * @written: added to: pages written
 * @failed: added to: pages that could not be
 *
 * Goes on past errors: every page has its try. Pages that a program holds back are passed; those
 * that a resize is cutting off are, too, until it has: the file system may refuse.
 *
 * Context: A worker; without sync_lock.
 * Return: 0, or the last error.
 */
int fpool_writeback_range(struct fpool_space *space, fpool_vpn_t first, fpool_vpn_t end,
			  u64 *written, u64 *failed)
{
	struct sweep s = { .space = space, .written = written, .failed = failed };

	sweep(&s, first, end);
	while (s.passed) {
		s.passed = false;
		mutex_lock(&space->sync_lock);
		mutex_unlock(&space->sync_lock);
		sweep(&s, first, end);
	}
	return s.err;
}

/**
 * fpool_writeback_known - write the pages that are known to be dirty
 * @space: the space
 *
 * That is what was stored before somebody last looked (fpool_writeback_look()).  Pages that are
 * changing hands, being written or held by the kernel are passed, and the first error is the end.
 *
 * Context: A worker; waits for the device, and for nobody else.
 * Return: 0, or the error.
 */
int fpool_writeback_known(struct fpool_space *space)
{
	u64 written = 0, failed = 0;
	struct sweep s = {
		.space = space, .written = &written, .failed = &failed, .known = true,
	};

	sweep(&s, fpool_vpn(0), fpool_vpn(FPOOL_VPN_MAX));
	return s.err;
}

/**
 * fpool_writeback_look - find out which pages are dirty
 * @space: the space
 *
 * Context: Process context, as fpool_rmap_collect_dirty().
 * Return: how many are; no snapshot.
 */
u64 fpool_writeback_look(struct fpool_space *space)
{
	fpool_vpn_t vpn = fpool_vpn(0), leaf_end, end = fpool_vpn(FPOOL_VPN_MAX);

	while (next_leaf(space, &vpn, &leaf_end, end)) {
		fpool_rmap_collect_dirty(space, fpool_vpn_nr(vpn), fpool_vpn_nr(leaf_end));
		vpn = leaf_end;
		cond_resched();
	}
	return fpool_writeback_count_dirty(space);
}

/*
 * While a write is under way its pages have an old epoch, and the device may have taken them all
 * the same, before the flush that lost them.
 */
static bool is_flying(struct fpool_space *space, fpool_frame_t frame)
{
	u64 vpn = fpool_frames_info(&space->pool->frames, frame)->vpn;

	return fpool_spte_has(fpool_ptable_peek(&space->ptable, fpool_vpn(vpn)), FPOOL_SPTE_WB);
}

/* Of a flight the end sees that it is dirty again: a victim then stays. */
static bool redirty_if_unflushed(struct fpool_space *space, fpool_frame_t frame)
{
	u16 epoch = fpool_frames_info(&space->pool->frames, frame)->aux;

	if (is_flying(space, frame)) {
		fpool_writeback_redirty(space, frame);
		return true;
	}
	if (!epoch || epoch == FPOOL_EPOCH_FAILED || (s16)(epoch - space->flushed) <= 0)
		return false;
	fpool_writeback_redirty(space, frame);
	fpool_errlog_mark(space, frame);
	return true;
}

static u16 next_epoch(struct fpool_space *space)
{
	u16 epoch;

	spin_lock(&space->pool->lock);
	epoch = space->epoch;
	/* 0 means never written. */
	if (++space->epoch == FPOOL_EPOCH_FAILED)
		space->epoch = 1;
	spin_unlock(&space->pool->lock);
	return epoch;
}

static void note_flushed(struct fpool_space *space, u16 epoch, bool failed)
{
	spin_lock(&space->pool->lock);
	space->flushed = epoch;
	space->failed_flushes += failed;
	if ((s16)(space->wrote - epoch) <= 0)
		space->wrote = 0;
	spin_unlock(&space->pool->lock);
}

/**
 * fpool_writeback_unflushed - was anything written since the last flush?
 * @space: the space
 *
 * After a flush that failed: since that. What it did not cover is dirty again, or has left.
 *
 * Context: Any; takes pool->lock.
 * Return: whether.
 */
bool fpool_writeback_unflushed(struct fpool_space *space)
{
	bool unflushed;

	spin_lock(&space->pool->lock);
	unflushed = space->wrote;
	spin_unlock(&space->pool->lock);
	return unflushed;
}

static int flush(struct fpool_space *space)
{
	u16 epoch = next_epoch(space);
	int err = fpool_backing_flush(&space->backing, fpool_writeback_unflushed(space));

	fpool_space_count(space, FPOOL_STAT_FLUSHES, 1);
	WRITE_ONCE(space->lost, err && fpool_writeback_unflushed(space));
	if (!err) {
		note_flushed(space, epoch, false);
		return 0;
	}
	fpool_space_count(space, FPOOL_STAT_FLUSH_ERRORS, 1);
	fpool_errlog_flush(space, err);
	fpool_errlog_report(space, err);
	fpool_space_count_pages(space, redirty_if_unflushed);
	note_flushed(space, epoch, true);
	return err;
}

/* Who finds one counted finds its pages dirty. */
static u32 failed_flushes(struct fpool_space *space)
{
	u32 failed;

	spin_lock(&space->pool->lock);
	failed = space->failed_flushes;
	spin_unlock(&space->pool->lock);
	return failed;
}

/**
 * fpool_writeback_sync - make a range durable
 * @space: the space
 * @start: first page
 * @end: past the last
 * @written: added to: pages written
 * @failed: added to: pages that could not be
 *
 * Context: A worker.
 * Return: 0: every byte stored in the range before the call is in the file, and the device was
 * flushed; or an error, also where it was another one's flush that failed meanwhile.
 */
int fpool_writeback_sync(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
			 u64 *written, u64 *failed)
{
	u32 failed_before;
	int err, ret;

	if (!fpool_backing_writable(&space->backing))
		return 0;
	failed_before = failed_flushes(space);
	err = fpool_writeback_range(space, start, end, written, failed);
	/* One at a time, so that a failed flush and a good one cannot pass each other. */
	mutex_lock(&space->sync_lock);
	ret = flush(space);
	/* Another one's, of what this one has written, or has found clean. */
	if (!ret && failed_flushes(space) != failed_before)
		ret = READ_ONCE(space->flush_error);
	mutex_unlock(&space->sync_lock);
	return err ?: ret;
}
