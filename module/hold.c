// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that stay, and pages that are not written, until their program says so.
 *
 * Write-ahead logging through a mapping needs one promise that mmap() does not give: that a page
 * does not reach the medium before the log record that describes the change.
 *
 *	HOLD(pages)	they are pinned, and nothing writes them: no eviction, no fsync by whomever
 *	... stores, log record, fsync of the log ...
 *	RELEASE(pages)	they are written and flushed, one release of a space after the other
 *
 * As held pages are pinned they are bounded as pins are, and a store to one never has to wait for
 * room.  When the descriptor goes, so when its last process dies, held pages become pages
 * like others; or, with FRAMEPOOL_HOLD_DROP, what was stored to them since is forgotten.
 */
#include "hold.h"

#include <linux/sched/signal.h>

#include "bring.h"
#include "evict_range.h"
#include "job.h"
#include "laundry.h"
#include "pager.h"
#include "pin.h"
#include "writeback.h"

/* A descriptor's pinner, made when it first pins something. */
static struct fpool_pinner *pinner_of(struct fpool_handle *handle)
{
	struct fpool_pinner *pinner = READ_ONCE(handle->pinner), *other;

	if (pinner)
		return pinner;
	pinner = fpool_pin_create(handle->space);
	if (IS_ERR(pinner))
		return pinner;
	other = cmpxchg(&handle->pinner, NULL, pinner);
	if (!other)
		return pinner;
	fpool_pin_destroy(pinner);
	return other;
}

/* The next page of a range with one of @flags: a range may be much larger than what is in it. */
static bool next_page(struct fpool_space *space, fpool_vpn_t *vpn, fpool_vpn_t end, u64 flags)
{
	bool found;

	spin_lock(&space->pool->lock);
	found = fpool_space_next(space, vpn, end, flags, NULL);
	spin_unlock(&space->pool->lock);
	return found;
}

static int add_page(struct fpool_pinner *pinner, fpool_vpn_t vpn, fpool_vpn_t end, bool hold,
		    struct framepool_range *r)
{
	struct fpool_space *space = pinner->space;
	struct page *page;
	int err;

	for (;;) {
		page = fpool_bring_get(space, current->mm, vpn, fpool_pager_all(vpn, end));
		if (IS_ERR(page))
			return PTR_ERR(page);
		/* Our reference is gone before the pin is there: it may have left again. */
		put_page(page);
		err = fpool_pin_add(pinner, vpn, hold);
		if (err != -EAGAIN)
			break;
		if (hold && fpool_laundry_wait_settled(space, vpn, true))
			return -EINTR;
	}
	if (err && err != -EALREADY)
		return err;
	if (err)
		r->already++;
	else
		r->done++;
	return 0;
}

static int pin_pages(struct fpool_handle *handle, fpool_vpn_t vpn, fpool_vpn_t end, bool hold,
		     struct framepool_range *r)
{
	struct fpool_pinner *pinner = pinner_of(handle);
	int err = 0;

	if (IS_ERR(pinner))
		return PTR_ERR(pinner);
	for (; !err && fpool_vpn_nr(vpn) < fpool_vpn_nr(end); vpn = fpool_vpn_add(vpn, 1)) {
		err = add_page(pinner, vpn, end, hold, r);
		if (err && err != -EINTR && err != -ENOMEM && err != -EBUSY) {
			r->failed++;
			r->error = -err;
			/* A program that holds counts on all of it. */
			err = hold ? err : 0;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return err;
}

/**
 * fpool_hold_pin - FRAMEPOOL_PIN
 * @handle: of the descriptor
 * @start: first page
 * @end: past the last
 * @r: results
 *
 * Context: System call.
 * Return: 0; -EINTR; -ENOMEM: the pool, or what this user may pin, is full.
 */
long fpool_hold_pin(struct fpool_handle *handle, fpool_vpn_t start, fpool_vpn_t end,
		    struct framepool_range *r)
{
	return pin_pages(handle, start, end, false, r);
}

/**
 * fpool_hold_unpin - FRAMEPOOL_UNPIN
 * @handle: of the descriptor
 * @start: first page
 * @end: past the last
 * @r: results
 *
 * Context: System call.
 * Return: 0.
 */
long fpool_hold_unpin(struct fpool_handle *handle, fpool_vpn_t start, fpool_vpn_t end,
		      struct framepool_range *r)
{
	struct fpool_pinner *pinner = READ_ONCE(handle->pinner);
	fpool_vpn_t vpn;

	if (!pinner)
		return 0;
	for (vpn = start; next_page(handle->space, &vpn, end, FPOOL_SPTE_PIN);
	     vpn = fpool_vpn_add(vpn, 1)) {
		r->done += fpool_pin_remove(pinner, vpn);
		cond_resched();
	}
	wake_up(&handle->space->pool->reclaim_wait);
	return 0;
}

/* What was stored before the HOLD is not to be forgotten with what comes after it. */
static int write_before_job(struct fpool_job *job)
{
	return fpool_writeback_range(job->space, job->start, job->end, &job->written, &job->failed);
}

static void take_results(const struct fpool_job *job, struct framepool_range *r)
{
	r->written = job->written;
	r->failed = job->failed;
	if (job->failed)
		r->error = -job->err;
}

static int write_before(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
			struct framepool_range *r)
{
	struct fpool_job *job;
	int err;

	job = fpool_job_run_range(space, start, end, 0, write_before_job, &err);
	if (IS_ERR(job))
		return PTR_ERR(job);
	take_results(job, r);
	fpool_job_put(job);
	return err;
}

/* Forget what was stored to held pages: they leave without being written. */
static void forget_held(struct fpool_pinner *pinner)
{
	struct fpool_space *space = pinner->space;
	fpool_vpn_t vpn;

	while (fpool_pin_first_held(pinner, &vpn)) {
		/* A release may be under way, whose caller was killed. */
		fpool_laundry_wait_settled(space, vpn, false);
		fpool_evict_dropped(space, vpn, pinner->id);
		cond_resched();
	}
}

static int leave_job(struct fpool_job *job)
{
	struct fpool_pinner *pinner = job->ctx;
	struct fpool_pool *pool = job->space->pool;

	/* It may have held with other flags since. */
	if (pinner->drop)
		forget_held(pinner);
	fpool_pin_destroy(pinner);
	wake_up(&pool->reclaim_wait);
	return 0;
}

/*
 * What is needed to forget is there before there is anything to: a close cannot fail.  The caller
 * has release_sem.
 */
static int prepare_to_forget(struct fpool_pinner *pinner)
{
	if (pinner->leave)
		return 0;
	pinner->leave = fpool_job_create(pinner->space, leave_job);
	if (!pinner->leave)
		return -ENOMEM;
	pinner->leave->ctx = pinner;
	return 0;
}

static int set_mode(struct fpool_pinner *pinner, bool drop)
{
	struct fpool_pool *pool = pinner->space->pool;
	int err = 0;

	spin_lock(&pool->lock);
	if (pinner->nheld && pinner->drop != drop)
		err = -EBUSY;
	else
		pinner->drop = drop;
	spin_unlock(&pool->lock);
	return err;
}

/**
 * fpool_hold_begin - FRAMEPOOL_HOLD
 * @handle: of the descriptor, opened for writing
 * @start: first page
 * @end: past the last
 * @r: flags, and results
 *
 * Context: System call.
 * Return: 0; -EBUSY: pinned by another descriptor, or held by this one with other flags; -EINTR;
 * -ENOMEM; or the error of reading a page, or of writing what was dirty before.
 */
long fpool_hold_begin(struct fpool_handle *handle, fpool_vpn_t start, fpool_vpn_t end,
		      struct framepool_range *r)
{
	struct fpool_space *space = handle->space;
	bool drop = r->flags & FRAMEPOOL_HOLD_DROP;
	struct fpool_pinner *pinner = pinner_of(handle);
	int err;

	if (IS_ERR(pinner))
		return PTR_ERR(pinner);
	/* What is just being released would be written, or unpinned, after all. */
	if (down_killable(&space->release_sem))
		return -EINTR;
	err = drop ? prepare_to_forget(pinner) : 0;
	if (!err)
		err = set_mode(pinner, drop);
	if (!err && drop)
		err = write_before(space, start, end, r);
	if (!err)
		err = pin_pages(handle, start, end, true, r);
	up(&space->release_sem);
	return err;
}

/* Let write-back have the held pages of a range; or, with an empty range, none any more. */
static void open_up(struct fpool_space *space, u32 pinner, fpool_vpn_t start, fpool_vpn_t end)
{
	spin_lock(&space->pool->lock);
	space->releasing.pinner = pinner;
	space->releasing.start = start;
	space->releasing.end = end;
	spin_unlock(&space->pool->lock);
}

/* What lies in broken memory cannot be written ever, so it is held no more. */
static void let_broken_go(struct fpool_space *space, fpool_vpn_t vpn, fpool_vpn_t end)
{
	for (; next_page(space, &vpn, end, FPOOL_SPTE_H); vpn = fpool_vpn_add(vpn, 1)) {
		fpool_evict_broken(space, vpn, FPOOL_EVICT_RELEASED);
		cond_resched();
	}
}

/* Its caller has taken release_sem; as he may have been killed since, it is given back here. */
static int release_job(struct fpool_job *job)
{
	struct fpool_space *space = job->space;
	u32 pinner = job->nr;
	fpool_vpn_t vpn;
	int err;

	open_up(space, pinner, job->start, job->end);
	err = fpool_writeback_sync(space, job->start, job->end, &job->written, &job->failed);
	if (job->failed)
		let_broken_go(space, job->start, job->end);
	for (vpn = job->start; !err && next_page(space, &vpn, job->end, FPOOL_SPTE_H);
	     vpn = fpool_vpn_add(vpn, 1)) {
		fpool_pin_end_hold(space, pinner, vpn);
		cond_resched();
	}
	open_up(space, 0, fpool_vpn(0), fpool_vpn(0));
	up(&space->release_sem);
	return err;
}

/**
 * fpool_hold_release - FRAMEPOOL_RELEASE
 * @handle: of the descriptor that holds
 * @start: first page
 * @end: past the last
 * @r: results
 *
 * Context: System call.
 * Return: 0: written and flushed, not held and not pinned any more; else what was held still is,
 * but for pages in broken memory, which are lost: -EINTR, -ENOMEM, or the error of writing.
 */
long fpool_hold_release(struct fpool_handle *handle, fpool_vpn_t start, fpool_vpn_t end,
			struct framepool_range *r)
{
	struct fpool_pinner *pinner = READ_ONCE(handle->pinner);
	struct fpool_job *job;
	int err = -EINTR;

	if (!pinner)
		return 0;
	job = fpool_job_create(handle->space, release_job);
	if (!job)
		return -ENOMEM;
	job->start = start;
	job->end = end;
	job->nr = pinner->id;
	/*
	 * One after the other: that is the order in which releases reach the medium.  Who waits for
	 * his turn takes no worker from others.
	 */
	if (!down_killable(&handle->space->release_sem)) {
		fpool_job_start(job);
		err = fpool_job_wait(job);
	}
	if (err != -EINTR)
		take_results(job, r);
	fpool_job_put(job);
	return err;
}

/**
 * fpool_hold_leave - the descriptor goes, and its pins with it
 * @handle: of the descriptor
 *
 * Context: Process context; its space still has a user.
 */
void fpool_hold_leave(struct fpool_handle *handle)
{
	struct fpool_pinner *pinner = handle->pinner;
	struct fpool_job *job;

	if (!pinner)
		return;
	job = pinner->leave;
	if (!job) {
		fpool_pin_destroy(pinner);
		wake_up(&handle->space->pool->reclaim_wait);
		return;
	}
	fpool_job_run_leaving(job);
	fpool_job_put(job);
}
