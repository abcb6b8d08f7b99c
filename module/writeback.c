// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing pages back.
 *
 * A resident page is written in place and stays usable:
 *
 *	claim		its shadow PTE gets WB, which keeps eviction and other writers away
 *	clean		write-protected in every process, its dirty flag taken (fpool_rmap_clean)
 *	write		without any lock; a store now faults and makes the page dirty again
 *	release		WB goes; if the write failed, or somebody holds the frame, it is dirty again
 *
 * The page is dirty or under WB at every moment at which its bytes are not in the file, so
 * nobody who looks in that order can miss it.
 *
 * Durability needs the device's flush too.  Pages carry the epoch in which they were written; a
 * flush covers all epochs that were over when it began, and when it fails the pages of
 * unflushed epochs that are still resident become dirty again.
 */
#include "writeback.h"

#include <linux/pagemap.h>

#include "errlog.h"
#include "rmap.h"
#include "trace.h"

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

static unsigned int build_bvecs(const struct fpool_run *run, unsigned int first, unsigned int nr,
				struct bio_vec *bv)
{
	unsigned int i, n = 0;

	for (i = first; i < first + nr; i++) {
		struct page *page = fpool_pool_page(run->space->pool, run->frame[i]);

		/* Frames that lie together go out as one segment. */
		if (n && bv[n - 1].bv_page + (bv[n - 1].bv_len >> PAGE_SHIFT) == page)
			bv[n - 1].bv_len += PAGE_SIZE;
		else
			bvec_set_page(&bv[n++], page, PAGE_SIZE, 0);
	}
	return n;
}

static void note_success(const struct fpool_run *run, unsigned int first, unsigned int nr)
{
	struct fpool_space *space = run->space;
	unsigned int i;

	spin_lock(&space->pool->lock);
	for (i = first; i < first + nr; i++)
		fpool_frames_info(&space->pool->frames, run->frame[i])->aux = space->epoch;
	space->wrote = space->epoch;
	spin_unlock(&space->pool->lock);
	fpool_space_count(space, FPOOL_STAT_WRITTEN, nr);
	fpool_space_count(space, FPOOL_STAT_WRITES, 1);
}

static void note_failure(const struct fpool_run *run, unsigned int first, unsigned int nr, int err)
{
	struct fpool_space *space = run->space;
	unsigned int i;

	for (i = first; i < first + nr; i++)
		fpool_writeback_redirty(space, run->frame[i]);
	spin_lock(&space->pool->lock);
	for (i = first; i < first + nr; i++)
		fpool_errlog_mark(space, run->frame[i]);
	fpool_errlog_write(space, fpool_vpn_add(run->vpn, first), err);
	space->retry_at = jiffies + HZ;
	spin_unlock(&space->pool->lock);
	mapping_set_error(space->inode->i_mapping, err);
	fpool_space_count(space, FPOOL_STAT_WRITE_ERRORS, nr);
}

/*
 * Up to where the run is written: not past the end of the space, which a write of the last page
 * must not move.  Pages that lie past it are being cut off by a resize, which may fail yet:
 * they go to the file as long as it has room for them, and the resize waits for that.
 */
static u64 end_of_file(const struct fpool_run *run)
{
	u64 bytes = fpool_space_bytes(run->space);

	if (fpool_vpn_nr(run->vpn) + run->nr > fpool_bytes_to_pages(bytes))
		bytes = max(bytes, fpool_backing_bytes(&run->space->backing));
	return bytes;
}

/* Write pages [first, first + nr) of a run in one call. */
static int write_pages(const struct fpool_run *run, unsigned int first, unsigned int nr)
{
	u64 pos = fpool_vpn_nr(fpool_vpn_add(run->vpn, first)) << PAGE_SHIFT;
	u64 bytes = end_of_file(run);
	struct bio_vec bv[FPOOL_RUN_MAX];
	unsigned int nr_bv;
	int err = 0;

	/* What somebody cut off behind us has nowhere to go. */
	if (pos < bytes) {
		nr_bv = build_bvecs(run, first, nr, bv);
		err = fpool_backing_write(&run->space->backing, bv, nr_bv, pos,
					  min_t(u64, (u64)nr << PAGE_SHIFT, bytes - pos));
	}
	trace_fpool_writeback(run->space->pool->id, run->space->id,
			      fpool_vpn_nr(run->vpn) + first, nr, err);
	return err;
}

/* Pages that fail alone, one after the other, before the rest of their run is given up. */
#define ALONE_MAX	4

/*
 * Each page alone, so that one that cannot be written does not keep its neighbours from the file.
 * A device that takes nothing at all, perhaps after a timeout each, is not asked for all.
 */
static int write_alone(struct fpool_run *run)
{
	unsigned int i, in_a_row = 0;
	int err = 0, ret;

	for (i = 0; i < run->nr && in_a_row < ALONE_MAX; i++) {
		ret = write_pages(run, i, 1);
		if (!ret) {
			note_success(run, i, 1);
			in_a_row = 0;
			continue;
		}
		note_failure(run, i, 1, ret);
		err = ret;
		run->nfailed++;
		in_a_row++;
	}
	if (i < run->nr) {
		note_failure(run, i, run->nr - i, err);
		run->nfailed += run->nr - i;
	}
	return err;
}

/**
 * fpool_writeback_run - write neighbours, in one call if that works
 * @run: the pages, claimed by the caller (WB, or leaving) and cleaned
 *
 * Pages that cannot be written, @run->nfailed of them, are dirty again, and the error is set for
 * every open descriptor's next fsync.
 *
 * Context: A worker or the reclaim thread.
 * Return: 0: all were written; or the backing's error.
 */
int fpool_writeback_run(struct fpool_run *run)
{
	int err = write_pages(run, 0, run->nr);

	run->nfailed = 0;
	if (!err) {
		note_success(run, 0, run->nr);
		return 0;
	}
	if (run->nr > 1)
		return write_alone(run);
	note_failure(run, 0, 1, err);
	run->nfailed = 1;
	return err;
}

/* An unmapping sets the flag before it drops the mapping, so look the other way round. */
static bool maybe_dirty(struct page *page)
{
	if (page_mapped(page))
		return true;
	smp_rmb();	/* pairs with the atomic that drops the mapping count in core mm */
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

/* Clean pages that a claim passes before it lets the lock go. */
#define LOOK_MAX	1024

/*
 * Claim up to FPOOL_RUN_MAX neighbours from *@vpn on that may be dirty.  -EAGAIN: the first one is
 * changing hands or being written by somebody else: wait for it.  -EINPROGRESS: none so far, go on.
 */
static int claim(struct fpool_run *run, fpool_vpn_t *vpn, fpool_vpn_t end)
{
	struct fpool_space *space = run->space;
	struct fpool_pool *pool = space->pool;
	unsigned int looked = 0;
	fpool_spte_t e;

	lockdep_assert_held(&pool->lock);
	run->nr = 0;
	while (run->nr < FPOOL_RUN_MAX &&
	       fpool_ptable_next(&space->ptable, vpn, end, FPOOL_SPTE_P, &e)) {
		fpool_frame_t frame = fpool_spte_frame(e);
		struct page *page = fpool_pool_page(pool, frame);

		if (run->nr && *vpn != fpool_vpn_add(run->vpn, run->nr))
			break;
		if (fpool_spte_has(e, FPOOL_SPTE_BUSY | FPOOL_SPTE_WB)) {
			if (run->nr)
				break;
			return -EAGAIN;
		}
		if (held_back(space, *vpn, e) || !maybe_dirty(page)) {
			*vpn = fpool_vpn_add(*vpn, 1);
			if (run->nr)
				break;
			if (++looked == LOOK_MAX)
				return -EINPROGRESS;
			continue;
		}
		if (!run->nr)
			run->vpn = *vpn;
		run->frame[run->nr++] = frame;
		fpool_ptable_update(&space->ptable, *vpn, 0, FPOOL_SPTE_WB);
		*vpn = fpool_vpn_add(*vpn, 1);
	}
	return 0;
}

static void release(const struct fpool_run *run, unsigned int first, unsigned int nr)
{
	struct fpool_space *space = run->space;
	unsigned int i;

	spin_lock(&space->pool->lock);
	for (i = first; i < first + nr; i++) {
		fpool_vpn_t vpn = fpool_vpn_add(run->vpn, i);
		bool dirty = fpool_writeback_dirty(space->pool, run->frame[i]);

		fpool_ptable_update(&space->ptable, vpn, FPOOL_SPTE_WB | FPOOL_SPTE_D,
				    dirty ? FPOOL_SPTE_D : 0);
	}
	spin_unlock(&space->pool->lock);
	for (i = first; i < first + nr; i++)
		fpool_space_wake(space, fpool_vpn_add(run->vpn, i));
}

/* Write pages [first, first + nr) of a claimed run, all clean now and dirty before. */
static int write_part(const struct fpool_run *run, unsigned int first, unsigned int nr,
		      const bool *held, u64 *written, u64 *failed)
{
	struct fpool_run part = {
		.space = run->space, .vpn = fpool_vpn_add(run->vpn, first), .nr = nr,
	};
	unsigned int i;
	int err;

	memcpy(part.frame, run->frame + first, nr * sizeof(part.frame[0]));
	err = fpool_writeback_run(&part);
	*failed += part.nfailed;
	*written += nr - part.nfailed;
	for (i = first; i < first + nr; i++)
		if (held[i])
			fpool_writeback_redirty(run->space, run->frame[i]);
	release(run, first, nr);
	return err;
}

/*
 * Clean those pages of a claimed run that somebody has stored to.  Who holds a frame may have,
 * without telling anyone, so it counts as dirty.
 */
static void clean(const struct fpool_run *run, bool *dirty, bool *held)
{
	struct fpool_rmap_page pages[FPOOL_RUN_MAX];
	unsigned int i;

	for (i = 0; i < run->nr; i++)
		pages[i] = (struct fpool_rmap_page){ .vpn = fpool_vpn_nr(run->vpn) + i };
	fpool_rmap_test_dirty(run->space, pages, run->nr);
	for (i = 0; i < run->nr; i++) {
		struct page *page = fpool_pool_page(run->space->pool, run->frame[i]);

		held[i] = false;
		if (fpool_rmap_is_held(page))
			SetPageDirty(page);
		dirty[i] = (pages[i].found || PageDirty(page)) && fpool_rmap_clean(page, &held[i]);
	}
}

/* Clean all pages of a claimed run, then write each stretch of dirty ones. */
static int write_claimed(const struct fpool_run *run, u64 *written, u64 *failed)
{
	bool dirty[FPOOL_RUN_MAX], held[FPOOL_RUN_MAX];
	unsigned int i, first;
	int err = 0;

	clean(run, dirty, held);
	for (i = 0; i < run->nr; ) {
		int ret;

		for (first = i; i < run->nr && dirty[i] == dirty[first]; i++)
			;
		if (!dirty[first]) {
			release(run, first, i - first);
			continue;
		}
		ret = write_part(run, first, i - first, held, written, failed);
		if (ret)
			err = ret;
	}
	return err;
}

static bool settled(struct fpool_space *space, fpool_vpn_t vpn)
{
	fpool_spte_t e = fpool_space_spte(space, vpn);

	return !fpool_spte_has(e, FPOOL_SPTE_P) ||
	       !fpool_spte_has(e, FPOOL_SPTE_BUSY | FPOOL_SPTE_WB);
}

/**
 * fpool_writeback_range - write every dirty page of a range
 * @space: the space
 * @start: first page
 * @end: past the last
 * @written: added to: pages written
 * @failed: added to: pages that could not be
 *
 * Goes on past errors: every page has its try. Pages that a program holds back are passed.
 *
 * Context: A worker.
 * Return: 0, or the last error.
 */
int fpool_writeback_range(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
			  u64 *written, u64 *failed)
{
	struct fpool_pool *pool = space->pool;
	struct fpool_run run = { .space = space };
	fpool_vpn_t vpn = start;
	int err = 0, ret;

	for (;;) {
		spin_lock(&pool->lock);
		ret = claim(&run, &vpn, end);
		spin_unlock(&pool->lock);
		if (ret == -EAGAIN) {
			/* Then once more, from the same page. */
			wait_event(*fpool_pool_busy_queue(pool, space->id, vpn),
				   settled(space, vpn));
			continue;
		}
		cond_resched();
		if (ret == -EINPROGRESS)
			continue;
		if (!run.nr)
			break;
		ret = write_claimed(&run, written, failed);
		if (ret)
			err = ret;
	}
	return err;
}

static bool redirty_if_unflushed(struct fpool_space *space, fpool_frame_t frame)
{
	u16 epoch = fpool_frames_info(&space->pool->frames, frame)->aux;

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

static void note_flushed(struct fpool_space *space, u16 epoch)
{
	spin_lock(&space->pool->lock);
	space->flushed = epoch;
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
	int err = fpool_backing_flush(&space->backing);

	fpool_space_count(space, FPOOL_STAT_FLUSHES, 1);
	WRITE_ONCE(space->lost, err && fpool_writeback_unflushed(space));
	if (!err) {
		note_flushed(space, epoch);
		return 0;
	}
	fpool_space_count(space, FPOOL_STAT_FLUSH_ERRORS, 1);
	fpool_errlog_flush(space, err);
	mapping_set_error(space->inode->i_mapping, err);
	fpool_space_count_pages(space, redirty_if_unflushed);
	note_flushed(space, epoch);
	return err;
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
 * flushed; or an error.
 */
int fpool_writeback_sync(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
			 u64 *written, u64 *failed)
{
	int err, ret;

	if (!space->backing.wfile)
		return 0;
	err = fpool_writeback_range(space, start, end, written, failed);
	/* One at a time, so that a failed flush and a good one cannot pass each other. */
	mutex_lock(&space->sync_lock);
	ret = flush(space);
	mutex_unlock(&space->sync_lock);
	return err ?: ret;
}
