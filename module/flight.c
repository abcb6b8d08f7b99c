// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes that are under way together.
 *
 * A device that takes 20 ms for a write takes 20 ms for sixty of them, if it is given all before
 * the first is waited for.  So whoever has several runs of pages to write makes a flight of them:
 *
 *	begin		empty, with room for so many pages
 *	start		a run takes off, where the file lets a write be started
 *	launched	no more of them; what could not be started is written here and now.  Who may
 *			not wait for a file system leaves that to a worker, with all that follows
 *	landed		the last has ended: somebody is told, or waits
 *	finish		what became of each run: errors, epochs, statistics
 *
 * The pages are the caller's from the start to the end: claimed (WB) and cleaned.  A flight owns
 * all memory that its writes need, so no page has to wait for memory in order to leave.
 */
#include "flight.h"

#include <linux/mempool.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "errlog.h"
#include "trace.h"

static mempool_t *flight_pool;

/* A run and its pages are known by numbers of a byte. */
static_assert(FPOOL_FLIGHT_MAX - 1 <= U8_MAX && FPOOL_RUN_MAX <= U8_MAX);

/**
 * fpool_flight_bytes - how much memory a flight takes
 * @max: pages that it is to have room for, FPOOL_FLIGHT_MAX at most
 *
 * Context: Any.
 * Return: bytes, a multiple of 8.
 */
size_t fpool_flight_bytes(unsigned int max)
{
	struct fpool_flight *flight;

	return struct_size(flight, run, max) +
	       ALIGN(max * (sizeof(struct bio_vec) + sizeof(fpool_frame_t)), 8);
}

/**
 * fpool_flight_make - a flight in memory of the caller's
 * @mem: fpool_flight_bytes() of it
 * @max: pages that it is to have room for
 *
 * Context: Any.
 * Return: the flight, with nothing to undo.
 */
struct fpool_flight *fpool_flight_make(void *mem, unsigned int max)
{
	struct fpool_flight *flight = mem;

	flight->max = max;
	flight->bv = (struct bio_vec *)&flight->run[max];
	flight->frame = (fpool_frame_t *)&flight->bv[max];
	return flight;
}

/**
 * fpool_flight_get - a flight for a while
 *
 * Context: A worker that has none; sleeps until there is one.
 * Return: the flight, with room for FPOOL_FLIGHT_MAX pages.
 */
struct fpool_flight *fpool_flight_get(void)
{
	return mempool_alloc(flight_pool, GFP_KERNEL);
}

/**
 * fpool_flight_put - give it back
 * @flight: from fpool_flight_get(), finished
 *
 * Context: Process context.
 */
void fpool_flight_put(struct fpool_flight *flight)
{
	mempool_free(flight, flight_pool);
}

/**
 * fpool_flight_begin - an empty flight
 * @flight: finished, or new
 * @landed: called, in any context, when all writes have ended after fpool_flight_launched() has
 *	said that they have not; NULL: fpool_flight_wait() is
 * @nowait: fpool_flight_start() waits for no lock of a file system's, and for no room on the device
 *
 * Context: Process context.
 */
void fpool_flight_begin(struct fpool_flight *flight,
			void (*landed)(struct fpool_flight *flight), bool nowait)
{
	flight->nr = 0;
	flight->pages = 0;
	flight->failed = 0;
	flight->err = 0;
	flight->landed = landed;
	flight->nowait = nowait;
	flight->full = false;
	atomic_set(&flight->flying, 1);
	init_completion(&flight->done);
}

/**
 * fpool_flight_room - how many pages more
 * @flight: begun, not yet launched
 *
 * Context: Who begun it.
 * Return: pages.
 */
unsigned int fpool_flight_room(const struct fpool_flight *flight)
{
	return flight->max - flight->pages;
}

static struct bio_vec *bvecs(const struct fpool_run *run)
{
	return &run->flight->bv[run->first];
}

static unsigned int build_bvecs(const struct fpool_run *run, unsigned int first, unsigned int nr,
				struct bio_vec *bv)
{
	const fpool_frame_t *frame = fpool_run_frames(run);
	unsigned int i, n = 0;

	for (i = first; i < first + nr; i++) {
		struct page *page = fpool_pool_page(run->space->pool, frame[i]);

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
	const fpool_frame_t *frame = fpool_run_frames(run);
	struct fpool_space *space = run->space;
	unsigned int i;

	spin_lock(&space->pool->lock);
	for (i = first; i < first + nr; i++)
		fpool_frames_info(&space->pool->frames, frame[i])->aux = space->epoch;
	space->wrote = space->epoch;
	spin_unlock(&space->pool->lock);
	fpool_space_count(space, FPOOL_STAT_WRITTEN, nr);
	fpool_space_count(space, FPOOL_STAT_WRITES, 1);
}

static void note_failure(const struct fpool_run *run, unsigned int first, unsigned int nr, int err)
{
	const fpool_frame_t *frame = fpool_run_frames(run);
	struct fpool_space *space = run->space;
	unsigned int i;

	for (i = first; i < first + nr; i++)
		SetPageDirty(fpool_pool_page(space->pool, frame[i]));
	spin_lock(&space->pool->lock);
	for (i = first; i < first + nr; i++)
		fpool_errlog_mark(space, frame[i]);
	fpool_errlog_write(space, fpool_vpn_add(run->vpn, first), err);
	space->retry_at = jiffies + HZ;
	spin_unlock(&space->pool->lock);
	fpool_errlog_report(space, err);
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

static loff_t position(const struct fpool_run *run)
{
	return fpool_vpn_nr(run->vpn) << PAGE_SHIFT;
}

static void trace(const struct fpool_run *run, unsigned int first, unsigned int nr, int err)
{
	trace_fpool_writeback(run->space->pool->id, run->space->id,
			      fpool_vpn_nr(run->vpn) + first, nr, err);
}

/* Write pages [first, first + nr) of a run in one call, and wait for it. */
static int write_pages(const struct fpool_run *run, unsigned int first, unsigned int nr)
{
	u64 pos = position(run) + ((u64)first << PAGE_SHIFT);
	struct bio_vec *bv = bvecs(run);
	u64 bytes = end_of_file(run), len;
	unsigned int nr_bv;
	int err = 0;

	/* What somebody cut off behind us has nowhere to go. */
	if (pos < bytes) {
		len = min_t(u64, (u64)nr << PAGE_SHIFT, bytes - pos);
		/* The last page is the one that the end is in. */
		nr_bv = build_bvecs(run, first, fpool_bytes_to_pages(len), bv);
		err = fpool_backing_write(&run->space->backing, bv, nr_bv, pos, len);
	}
	trace(run, first, nr, err);
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

static bool drop(struct fpool_flight *flight)
{
	return atomic_dec_and_test(&flight->flying);
}

/* The device's word, in any context. */
static void write_done(struct fpool_write *write, int err)
{
	struct fpool_run *run = container_of(write, struct fpool_run, write);
	struct fpool_flight *flight = run->flight;

	/* Pairs with would_wait(): @write is not touched any more. */
	smp_store_release(&run->err, err);
	/* Orders @err before the end, for who is told. */
	if (!drop(flight))
		return;
	if (flight->landed)
		flight->landed(flight);
	else
		complete(&flight->done);
}

static bool take_off(struct fpool_run *run, bool nowait)
{
	struct fpool_flight *flight = run->flight;
	u64 len = (u64)run->nr << PAGE_SHIFT;
	unsigned int nr_bv;

	if (position(run) + len > end_of_file(run))
		return false;
	nr_bv = build_bvecs(run, 0, run->nr, bvecs(run));
	atomic_inc(&flight->flying);
	if (fpool_backing_start_write(&run->space->backing, &run->write, bvecs(run), nr_bv,
				      position(run), len, nowait, write_done))
		return true;
	atomic_dec(&flight->flying);
	return false;
}

/* Has it not failed, but would have had to wait, so that it can be started again? */
static bool would_wait(struct fpool_run *run)
{
	/* Pairs with write_done(). */
	return run->started && smp_load_acquire(&run->err) == -EAGAIN;
}

/**
 * fpool_flight_start - one run more
 * @flight: begun, with room for it
 * @space: whose pages; its caller keeps a reference until the flight is finished
 * @vpn: the first page
 * @frame: where they are; copied
 * @nr: pages, at most FPOOL_RUN_MAX
 *
 * Context: A worker, with no lock that a file system's page fault needs; without waiting, the
 * reclaim thread, too.
 */
void fpool_flight_start(struct fpool_flight *flight, struct fpool_space *space, fpool_vpn_t vpn,
			const fpool_frame_t *frame, unsigned int nr)
{
	struct fpool_run *run = &flight->run[flight->nr++];

	run->flight = flight;
	run->space = space;
	run->vpn = vpn;
	run->nr = nr;
	run->nfailed = 0;
	run->err = 0;
	run->first = flight->pages;
	memcpy(&flight->frame[run->first], frame, nr * sizeof(*frame));
	flight->pages += nr;
	run->given_up = false;
	/* Where one finds no room the next ones find none, either. */
	run->started = !flight->full && take_off(run, flight->nowait);
	flight->full |= flight->nowait && would_wait(run);
}

/**
 * fpool_flight_all_started - has every run taken off?
 * @flight: not yet launched
 *
 * Context: Who begun it.
 * Return: whether fpool_flight_launched() has nothing to write.
 */
bool fpool_flight_all_started(struct fpool_flight *flight)
{
	unsigned int i;

	for (i = 0; i < flight->nr; i++)
		if (!flight->run[i].started || would_wait(&flight->run[i]))
			return false;
	return true;
}

/**
 * fpool_flight_start_rest - the same for runs that would have had to wait
 * @flight: not yet launched
 *
 * Context: A worker, with no lock that a file system's page fault needs; may sleep.
 */
void fpool_flight_start_rest(struct fpool_flight *flight)
{
	unsigned int i;

	for (i = 0; i < flight->nr; i++) {
		struct fpool_run *run = &flight->run[i];

		if (run->started && !would_wait(run))
			continue;
		run->err = 0;
		run->started = take_off(run, false);
	}
}

/**
 * fpool_flight_launched - no run is added any more
 * @flight: the flight
 *
 * Those that could not be started are written now, while the others fly.
 *
 * Context: A worker; sleeps uninterruptibly.  Anybody where all were started, or given up.
 * Return: whether all have ended; if not, somebody is told, or fpool_flight_wait() waits for it.
 */
bool fpool_flight_launched(struct fpool_flight *flight)
{
	unsigned int i;

	for (i = 0; i < flight->nr; i++) {
		struct fpool_run *run = &flight->run[i];

		if (!run->started && !run->given_up)
			run->err = write_pages(run, 0, run->nr);
	}
	return drop(flight);
}

/**
 * fpool_flight_wait - until all have ended
 * @flight: launched without anybody to be told, and not all had ended
 *
 * Context: Process context; sleeps uninterruptibly.
 */
void fpool_flight_wait(struct fpool_flight *flight)
{
	wait_for_completion(&flight->done);
}

/* Who tries again finds out whether there is an error, and tells of it. */
static void put_off(struct fpool_run *run)
{
	const fpool_frame_t *frame = fpool_run_frames(run);
	struct fpool_space *space = run->space;
	unsigned int i;

	run->err = 0;
	run->nfailed = run->nr;
	for (i = 0; i < run->nr; i++)
		SetPageDirty(fpool_pool_page(space->pool, frame[i]));
	spin_lock(&space->pool->lock);
	space->put_off_until = jiffies + HZ / 2;
	spin_unlock(&space->pool->lock);
}

/* Neighbours in one call; where that failed, and there is more than one, each alone. */
static void finish(struct fpool_run *run)
{
	/* It has not failed, but would have had to wait. */
	if (run->started && run->err == -EAGAIN && !run->given_up)
		run->err = write_pages(run, 0, run->nr);
	else if (run->started)
		trace(run, 0, run->nr, run->err);
	if (run->given_up) {
		put_off(run);
	} else if (!run->err) {
		note_success(run, 0, run->nr);
	} else if (run->nr > 1) {
		run->err = write_alone(run);
	} else {
		note_failure(run, 0, 1, run->err);
		run->nfailed = 1;
	}
}

/**
 * fpool_flight_all_written - was every run written in one call?
 * @flight: all of whose writes have ended
 *
 * Context: Any.
 * Return: whether fpool_flight_finish() has nothing to write again.
 */
bool fpool_flight_all_written(const struct fpool_flight *flight)
{
	unsigned int i;

	for (i = 0; i < flight->nr; i++)
		if (flight->run[i].err && !flight->run[i].given_up)
			return false;
	return true;
}

/**
 * fpool_flight_give_up - what has not taken off, or was not written, is not tried, and stays dirty
 * @flight: the flight
 * @launched: all its writes have ended; else it is not yet launched
 *
 * Nobody is told of an error: who tries again finds it.
 *
 * Context: Who begun it.
 */
void fpool_flight_give_up(struct fpool_flight *flight, bool launched)
{
	unsigned int i;

	for (i = 0; i < flight->nr; i++) {
		struct fpool_run *run = &flight->run[i];

		run->given_up |= launched ? !!run->err : !run->started;
	}
}

/**
 * fpool_flight_finish - what became of the runs
 * @flight: all of whose writes have ended
 *
 * Pages that could not be written, @flight->failed of them, are dirty again, and the error is set
 * for every open descriptor's next fsync.
 *
 * Context: A worker; sleeps uninterruptibly.  Anybody where all were written, or given up.
 */
void fpool_flight_finish(struct fpool_flight *flight)
{
	unsigned int i;

	for (i = 0; i < flight->nr; i++) {
		struct fpool_run *run = &flight->run[i];

		finish(run);
		flight->failed += run->nfailed;
		if (run->err)
			flight->err = run->err;
	}
}

static void *alloc_flight(gfp_t gfp, void *unused)
{
	void *mem = kvmalloc(fpool_flight_bytes(FPOOL_FLIGHT_MAX), gfp);

	return mem ? fpool_flight_make(mem, FPOOL_FLIGHT_MAX) : NULL;
}

static void free_flight(void *flight, void *unused)
{
	kvfree(flight);
}

/**
 * fpool_flight_init - the flights that write-back cannot do without
 *
 * Context: Module load.
 * Return: 0 or -ENOMEM.
 */
int fpool_flight_init(void)
{
	flight_pool = mempool_create(2, alloc_flight, free_flight, NULL);
	return flight_pool ? 0 : -ENOMEM;
}

/**
 * fpool_flight_exit - free them
 *
 * Context: Module unload, all pools gone.
 */
void fpool_flight_exit(void)
{
	mempool_destroy(flight_pool);
}
