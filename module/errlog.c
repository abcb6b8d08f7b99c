// SPDX-License-Identifier: GPL-2.0-only
/*
 * What went wrong with the I/O of a space.
 *
 * Who waits for a page or for a sync is told there and then; this is for those who come later and
 * ask what happened: the place and the errno of the last failed read and write, beside the
 * counters, and how many pages are dirty only because they could not be made durable.
 *
 * Such a page is known by its epoch in the frame table: FPOOL_EPOCH_FAILED instead of the one in
 * which it was written.  A write that succeeds replaces it, and it is wiped with everything else
 * when the frame is freed: so nothing has to be undone, and the pages are counted when somebody
 * asks.
 */
#include "errlog.h"

#include <linux/pagemap.h>
#include <linux/poll.h>

/**
 * fpool_errlog_read - a page could not be read
 * @space: the space
 * @vpn: the page
 * @err: a negative errno
 *
 * Context: Caller holds pool->lock.
 */
void fpool_errlog_read(struct fpool_space *space, fpool_vpn_t vpn, int err)
{
	lockdep_assert_held(&space->pool->lock);
	space->failed_read = vpn;
	space->read_error = err;
}

/**
 * fpool_errlog_write - a page could not be written
 * @space: the space
 * @vpn: the page
 * @err: a negative errno
 *
 * Context: Caller holds pool->lock.
 */
void fpool_errlog_write(struct fpool_space *space, fpool_vpn_t vpn, int err)
{
	lockdep_assert_held(&space->pool->lock);
	space->failed_write = vpn;
	WRITE_ONCE(space->write_error, err);
}

/**
 * fpool_errlog_flush - the device's cache could not be flushed
 * @space: the space
 * @err: a negative errno
 *
 * Context: Any; takes pool->lock.
 */
void fpool_errlog_flush(struct fpool_space *space, int err)
{
	spin_lock(&space->pool->lock);
	WRITE_ONCE(space->flush_error, err);
	spin_unlock(&space->pool->lock);
}

/**
 * fpool_errlog_wake - an error was set: wake who waits for that
 * @space: the space
 *
 * Context: Any process context.
 */
void fpool_errlog_wake(struct fpool_space *space)
{
	/* Its lock orders the two: who does not see the error yet is on the queue. */
	wake_up_poll(&space->error_wait, EPOLLERR | EPOLLPRI);
}

/**
 * fpool_errlog_report - let every descriptor's next sync fail, and wake who waits for that
 * @space: the space
 * @err: a negative errno
 *
 * Context: Any process context without pool->lock.
 */
void fpool_errlog_report(struct fpool_space *space, int err)
{
	mapping_set_error(space->inode->i_mapping, err);
	fpool_errlog_wake(space);
}

/**
 * fpool_errlog_mark - a page is dirty because it could not be made durable
 * @space: the space
 * @frame: where it is
 *
 * Context: Caller holds pool->lock.
 */
void fpool_errlog_mark(struct fpool_space *space, fpool_frame_t frame)
{
	lockdep_assert_held(&space->pool->lock);
	fpool_frames_info(&space->pool->frames, frame)->aux = FPOOL_EPOCH_FAILED;
}

static bool never_failed(const struct fpool_space *space)
{
	return !READ_ONCE(space->write_error) && !READ_ONCE(space->flush_error);
}

static bool is_marked(struct fpool_space *space, fpool_frame_t frame)
{
	return fpool_frames_info(&space->pool->frames, frame)->aux == FPOOL_EPOCH_FAILED;
}

static u64 unwritten(struct fpool_space *space)
{
	return never_failed(space) ? 0 : fpool_space_count_pages(space, is_marked);
}

/**
 * fpool_errlog_write_error - is something dirty because it could not be made durable?
 * @space: the space
 *
 * Context: Process context; takes pool->lock.
 * Return: 0: no; else the (positive) errno of the last write, or of the last flush, that failed.
 */
int fpool_errlog_write_error(struct fpool_space *space)
{
	if (!unwritten(space))
		return 0;
	return -(READ_ONCE(space->write_error) ?: READ_ONCE(space->flush_error));
}

/**
 * fpool_errlog_get - describe a space's errors
 * @space: the space
 * @e: filled in, but for size and flags
 *
 * Context: Process context; takes pool->lock.
 */
void fpool_errlog_get(struct fpool_space *space, struct framepool_errors *e)
{
	e->reads = fpool_stats_read(&space->stats, FPOOL_STAT_FILL_ERRORS);
	e->writes = fpool_stats_read(&space->stats, FPOOL_STAT_WRITE_ERRORS);
	e->flushes = fpool_stats_read(&space->stats, FPOOL_STAT_FLUSH_ERRORS);
	spin_lock(&space->pool->lock);
	e->read_offset = fpool_vpn_nr(space->failed_read) << PAGE_SHIFT;
	e->write_offset = fpool_vpn_nr(space->failed_write) << PAGE_SHIFT;
	e->read_error = -space->read_error;
	e->write_error = -space->write_error;
	e->flush_error = -space->flush_error;
	spin_unlock(&space->pool->lock);
	e->unwritten = unwritten(space);
}
