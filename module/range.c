// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program asks of a range of a space's pages: prefetch, evict, pin, sync, residency, a
 * new size; by ioctl, by fsync and by fadvise.
 */
#include "range.h"

#include <linux/fadvise.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "attach.h"
#include "bring.h"
#include "compat.h"
#include "errlog.h"
#include "hint.h"
#include "hold.h"
#include "ioctl.h"
#include "job.h"
#include "laundry.h"
#include "pager.h"
#include "prefetch.h"
#include "record.h"
#include "rmap.h"
#include "writeback.h"

static int parse_range(struct file *file, struct framepool_range *r, fpool_vpn_t *start,
		       fpool_vpn_t *end)
{
	int err = r->__reserved ? -EINVAL : fpool_space_range(fpool_file_space(file), r->offset,
							      r->length, start, end);

	if (err)
		return err;
	/* What the program left in the results is not ours to add to. */
	*r = (struct framepool_range){
		.size = r->size, .offset = r->offset, .length = r->length,
	};
	return 0;
}

static long prefetch_ioctl(struct file *file, void *arg)
{
	struct framepool_range *r = arg;
	struct fpool_prefetched out = {};
	fpool_vpn_t start, end;
	int err = parse_range(file, r, &start, &end);

	if (err)
		return err;
	err = fpool_prefetch(fpool_file_space(file), current->mm, start, end, NULL, &out);
	r->done = out.done;
	r->already = out.already;
	r->failed = out.failed;
	r->error = -out.error;
	return err;
}

static int evict_job(struct fpool_job *job)
{
	fpool_evict_range(job->space, job->start, job->end, 0, job->mm, &job->evicted);
	return 0;
}

static int sync_job(struct fpool_job *job)
{
	return fpool_writeback_sync(job->space, job->start, job->end, &job->written, &job->failed);
}

static long evict(struct file *file, void *arg)
{
	struct framepool_range *r = arg;
	struct fpool_job *job;
	fpool_vpn_t start, end;
	int err = parse_range(file, r, &start, &end);

	if (err)
		return err;
	job = fpool_job_run_range(fpool_file_space(file), start, end, 0, evict_job, &err);
	if (IS_ERR(job))
		return PTR_ERR(job);
	r->done = job->evicted.freed;
	r->written = job->evicted.written;
	r->pinned = job->evicted.pinned;
	r->promised = job->evicted.promised;
	r->held = job->evicted.held;
	r->busy = job->evicted.busy;
	r->failed = job->evicted.failed;
	r->error = -job->evicted.error;
	fpool_job_put(job);
	return 0;
}

/* And tell what nobody has told this descriptor of, once. */
static int sync_range(struct file *file, fpool_vpn_t start, fpool_vpn_t end, u64 *written,
		      u64 *failed)
{
	struct fpool_job *job;
	int err, reported;

	job = fpool_job_run_range(fpool_file_space(file), start, end, 0, sync_job, &err);
	/* What was not even tried leaves the descriptor what it is to be told. */
	if (IS_ERR(job))
		return PTR_ERR(job);
	*written = job->written;
	*failed = job->failed;
	fpool_job_put(job);
	reported = file_check_and_advance_wb_err(file);
	return err ?: reported;
}

static long sync_ioctl(struct file *file, void *arg)
{
	struct framepool_range *r = arg;
	fpool_vpn_t start, end;
	int err = parse_range(file, r, &start, &end);

	if (err)
		return err;
	err = sync_range(file, start, end, &r->done, &r->failed);
	if (r->failed)
		r->error = -err;
	return err;
}

/**
 * fpool_range_fsync - fsync, fdatasync and msync(MS_SYNC)
 * @file: a descriptor of a space
 * @start: first byte
 * @end: last byte
 * @datasync: no difference: there is nothing but data and its size
 *
 * Context: System call, without mmap_lock.
 * Return: 0: every byte stored in the range before the call is on the medium; -EINTR: killed;
 * or the error of a write, reported once to each descriptor.
 */
int fpool_range_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	fpool_vpn_t last = fpool_addr_vpn(end);
	u64 written, failed;

	return sync_range(file, fpool_addr_vpn(start), fpool_vpn_add(last, 1), &written, &failed);
}

static long residency(struct file *file, void *arg)
{
	struct fpool_space *space = fpool_file_space(file);
	struct framepool_residency *r = arg;
	u8 __user *out = u64_to_user_ptr(r->bitmap);
	fpool_vpn_t start, end;
	u64 i, nr, resident = 0;
	u8 byte = 0;
	int err = fpool_space_range(space, r->offset, r->length, &start, &end);

	if (err)
		return err;
	if (!fpool_file_may_watch(file))
		return -EPERM;
	nr = fpool_vpn_nr(end) - fpool_vpn_nr(start);
	for (i = 0; i < nr; i++) {
		if (fpool_spte_has(fpool_space_spte(space, fpool_vpn_add(start, i)),
				   FPOOL_SPTE_P)) {
			byte |= 1 << i % 8;
			resident++;
		}
		if (i % 8 < 7 && i + 1 < nr)
			continue;
		if (put_user(byte, out + i / 8))
			return -EFAULT;
		byte = 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	r->resident = resident;
	return 0;
}

/* What a command does with a range of pages through a descriptor. */
typedef long (*range_fn)(struct fpool_handle *handle, fpool_vpn_t start, fpool_vpn_t end,
			 struct framepool_range *r);

static long on_range(struct file *file, struct framepool_range *r, range_fn fn)
{
	u32 flags = r->flags;
	fpool_vpn_t start, end;
	int err = parse_range(file, r, &start, &end);

	if (err)
		return err;
	r->flags = flags;
	return fn(file->private_data, start, end, r);
}

static long pin(struct file *file, void *arg)
{
	return on_range(file, arg, fpool_hold_pin);
}

static long unpin(struct file *file, void *arg)
{
	return on_range(file, arg, fpool_hold_unpin);
}

static long hold(struct file *file, void *arg)
{
	return file->f_mode & FMODE_WRITE ? on_range(file, arg, fpool_hold_begin) : -EBADF;
}

static long release(struct file *file, void *arg)
{
	return file->f_mode & FMODE_WRITE ? on_range(file, arg, fpool_hold_release) : -EBADF;
}

/* A program holds back a page from this one on. */
static bool is_held_from(struct fpool_space *space, fpool_vpn_t vpn)
{
	bool held;

	spin_lock(&space->pool->lock);
	held = fpool_space_next(space, &vpn, fpool_vpn(FPOOL_VPN_MAX), FPOOL_SPTE_H, NULL);
	spin_unlock(&space->pool->lock);
	return held;
}

/* Pages of @space from @vpn on are being cut off; FPOOL_VPN_MAX: none are any more. */
static void cut_from(struct fpool_space *space, u64 vpn)
{
	spin_lock(&space->pool->lock);
	space->cut_from = fpool_vpn(vpn);
	spin_unlock(&space->pool->lock);
}

/*
 * What lies past @bytes leaves; where @flags have FPOOL_EVICT_REHEARSE not what is pinned or dirty,
 * but that is mapped nowhere then, nobody has it, and nobody begins to write it.  -EBUSY: a frame
 * there is held, or held back by a program.
 */
static int cut(struct fpool_space *space, u64 bytes, unsigned int flags)
{
	fpool_vpn_t start = fpool_vpn(fpool_bytes_to_pages(bytes));
	unsigned long limit = jiffies + 2 * HZ;

	for (;;) {
		struct fpool_evicted out = {};

		/* What is written from now on may come behind the cut, and make the file grow. */
		if (flags & FPOOL_EVICT_REHEARSE)
			cut_from(space, fpool_vpn_nr(start));
		/* Who claims a page looks at the size under P: none comes behind us. */
		fpool_evict_range(space, start, fpool_vpn(FPOOL_VPN_MAX), FPOOL_EVICT_ALL | flags,
				  NULL, &out);
		if (!out.busy && !out.held && !out.failed && !out.pinned)
			return 0;
		if (out.pinned || time_after(jiffies, limit))
			return -EBUSY;
		/* Others need the frames. */
		cut_from(space, FPOOL_VPN_MAX);
		schedule_timeout_uninterruptible(HZ / 100 + 1);
	}
}

/*
 * The file has been cut: what was pinned goes, too.  Who looked at the size before it was changed,
 * and has come late, keeps his page, but not what was in it: a file that grows has zeros there.
 */
static void cut_pinned(struct fpool_space *space, u64 bytes)
{
	fpool_vpn_t vpn = fpool_vpn(fpool_bytes_to_pages(bytes)), end = fpool_vpn(FPOOL_VPN_MAX);
	bool left = cut(space, bytes, 0);
	struct page *page;

	while (left) {
		spin_lock(&space->pool->lock);
		left = fpool_space_next(space, &vpn, end, FPOOL_SPTE_P, NULL);
		spin_unlock(&space->pool->lock);
		page = left ? fpool_pager_lookup(space, vpn) : NULL;
		if (page) {
			zero_user_segment(page, 0, PAGE_SIZE);
			put_page(page);
		}
		vpn = fpool_vpn_add(vpn, 1);
	}
}

/*
 * The page that an end lies in; a reference keeps it. NULL: the end is between pages, or the page
 * cannot be read, so that nobody stores to it.
 */
static struct page *get_edge(struct fpool_space *space, u64 bytes)
{
	struct page *page;

	if (!(bytes & ~PAGE_MASK))
		return NULL;
	page = fpool_bring_get(space, NULL, fpool_addr_vpn(bytes), FPOOL_FILL_ALONE);
	/* Perhaps it was lost, and the next time it is what the file has. */
	if (PTR_ERR(page) == -EIO)
		page = fpool_bring_get(space, NULL, fpool_addr_vpn(bytes), FPOOL_FILL_ALONE);
	return IS_ERR(page) && PTR_ERR(page) != -ENOMEM ? NULL : page;
}

/* Bytes of the last page past the end are zero when they come to belong to the file. */
static void clear_tail(struct page *edge, u64 bytes)
{
	if (edge)
		zero_user_segment(edge, bytes & ~PAGE_MASK, PAGE_SIZE);
}

/* The sizes of both. Then the page that the new end is in is written up to there only. */
static int cut_both(struct fpool_space *space, u64 bytes)
{
	u64 old = fpool_space_bytes(space);
	int err;

	/*
	 * First nobody can bring a page there any more, then those that are there go.  Pins would
	 * not come back if the file system refused: so what is pinned goes when it has not.
	 */
	i_size_write(space->inode, bytes);
	err = cut(space, bytes, FPOOL_EVICT_REHEARSE);
	/* A write that had begun before goes up to the old end: it ends before the file does. */
	if (!err)
		err = fpool_laundry_wait_settled(space, fpool_addr_vpn(bytes), true);
	if (!err)
		err = fpool_backing_resize(&space->backing, bytes);
	if (err)
		i_size_write(space->inode, old);
	cut_from(space, FPOOL_VPN_MAX);
	if (!err)
		cut_pinned(space, bytes);
	return err;
}

/* Until the cut is sure the edge must not leave as clean. */
static int shrink(struct fpool_space *space, u64 bytes)
{
	struct page *edge;
	int err;

	/* Known before anything leaves: pins that had gone would not come back. */
	if (is_held_from(space, fpool_vpn(fpool_bytes_to_pages(bytes))))
		return -EBUSY;
	edge = get_edge(space, bytes);
	if (IS_ERR(edge))
		return PTR_ERR(edge);
	err = cut_both(space, bytes);
	if (err && edge)
		SetPageDirty(edge);
	if (!err) {
		fpool_rmap_cut(space, fpool_vpn(fpool_bytes_to_pages(bytes)));
		clear_tail(edge, bytes);
	}
	if (edge)
		put_page(edge);
	return err;
}

/* The edge is looked for as for a cut: one that is just leaving may come back as it is. */
static int grow(struct fpool_space *space, u64 bytes)
{
	u64 old = fpool_space_bytes(space);
	struct page *edge = get_edge(space, old);
	int err;

	if (IS_ERR(edge))
		return PTR_ERR(edge);
	clear_tail(edge, old);
	err = fpool_backing_resize(&space->backing, bytes);
	if (!err)
		i_size_write(space->inode, bytes);
	if (edge)
		put_page(edge);
	return err;
}

static int resize_job(struct fpool_job *job)
{
	struct fpool_space *space = job->space;
	int err;

	mutex_lock(&space->sync_lock);
	err = job->bytes < fpool_space_bytes(space) ? shrink(space, job->bytes) :
						      grow(space, job->bytes);
	mutex_unlock(&space->sync_lock);
	/* Its caller may have been killed, and his descriptor have gone. */
	fpool_attach_leave_later(space);
	return err;
}

static long resize(struct file *file, void *arg)
{
	struct framepool_resize *r = arg;
	struct fpool_space *space = fpool_file_space(file);
	struct fpool_job *job;
	int err;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (!r->bytes || r->bytes > MAX_LFS_FILESIZE || space->backing.blockdev)
		return -EINVAL;
	/* The file system would refuse fewer bytes only. */
	if (fpool_backing_fixed(&space->backing))
		return -ETXTBSY;
	job = fpool_job_create(space, resize_job);
	if (!job)
		return -ENOMEM;
	job->bytes = r->bytes;
	err = fpool_job_get_place(job);
	if (!err) {
		/* It may bring a page: none comes to a space that is being torn down. */
		fpool_attach_enter(space);
		fpool_job_start(job);
		err = fpool_job_wait(job);
	}
	fpool_job_put(job);
	return err;
}

static long set_block(struct file *file, void *arg)
{
	struct framepool_block *b = arg;

	if (b->__reserved || b->block_type > FRAMEPOOL_BLOCK_256)
		return -EINVAL;
	WRITE_ONCE(fpool_file_space(file)->block_type, b->block_type);
	return 0;
}

static void count_frames(struct fpool_space *space, struct framepool_space *info)
{
	struct fpool_pool *pool = space->pool;

	spin_lock(&pool->lock);
	info->resident = space->ptable.npresent;
	info->pinned = space->npinned;
	info->nodes = space->ptable.nnodes;
	info->ghosts = space->ptable.nghosts;
	spin_unlock(&pool->lock);
}

/**
 * fpool_range_count() - what happened to a space
 * @space: the space, of which the caller has a reference
 * @info: its counters are filled in
 *
 * Takes time in proportion to what is resident, so no lock is held that others want.
 *
 * Context: Process context.
 */
void fpool_range_count(struct fpool_space *space, struct framepool_space *info)
{
	const struct fpool_stats *stats = &space->stats;

	count_frames(space, info);
	info->dirty = fpool_writeback_count_dirty(space);
	info->write_error = fpool_errlog_write_error(space);
	info->minor_faults = fpool_stats_read(stats, FPOOL_STAT_MINOR_FAULTS);
	info->major_faults = fpool_stats_read(stats, FPOOL_STAT_MAJOR_FAULTS);
	info->fills = fpool_stats_read(stats, FPOOL_STAT_FILLS);
	info->fill_errors = fpool_stats_read(stats, FPOOL_STAT_FILL_ERRORS);
	info->evictions = fpool_stats_read(stats, FPOOL_STAT_EVICTIONS);
	info->written = fpool_stats_read(stats, FPOOL_STAT_WRITTEN);
	info->write_errors = fpool_stats_read(stats, FPOOL_STAT_WRITE_ERRORS);
	info->refaults = fpool_stats_read(stats, FPOOL_STAT_REFAULTS);
}

static kuid_t owner_of(const struct fpool_space *space, const struct fpool_node *node)
{
	return node ? node->uid : space->uid;
}

/**
 * fpool_range_may_count - may the caller see a space's counters, without a descriptor of it?
 * @space: the space
 * @node: one of its named nodes, or NULL
 *
 * Context: Caller holds fpool_attach_lock.
 * Return: whether he may.
 */
bool fpool_range_may_count(const struct fpool_space *space, const struct fpool_node *node)
{
	return uid_eq(owner_of(space, node), current_euid()) || capable(CAP_SYS_ADMIN);
}

/**
 * fpool_range_describe() - what a space is
 * @space: the space
 * @node: one of its named nodes, or NULL
 * @info: filled in, but for size, flags, cursor and the counters, which become 0
 *
 * Context: Caller holds fpool_attach_lock.
 */
void fpool_range_describe(struct fpool_space *space, const struct fpool_node *node,
			  struct framepool_space *info)
{
	*info = (struct framepool_space){
		.size = info->size, .flags = info->flags, .cursor = info->cursor,
	};
	info->bytes = fpool_space_bytes(space);
	info->space = space->id;
	info->state = (node ? FRAMEPOOL_SPACE_NAMED : 0) |
		      (space->orphan ? FRAMEPOOL_SPACE_ORPHAN : 0) |
		      (space->backing.blockdev ? FRAMEPOOL_SPACE_BLOCKDEV : 0) |
		      (space->backing.direct ? FRAMEPOOL_SPACE_DIRECT_IO : 0) |
		      (space->backing.bio.bdev ? FRAMEPOOL_SPACE_DIRECT_PATH : 0) |
		      (fpool_backing_copies(&space->backing) ? FRAMEPOOL_SPACE_COPIES : 0) |
		      ((node ? node->writable : fpool_backing_writable(&space->backing)) ?
		       FRAMEPOOL_SPACE_WRITABLE : 0);
	info->block_type = READ_ONCE(space->block_type);
	info->uid = from_kuid_munged(current_user_ns(), owner_of(space, node));
	info->opens = space->users;
	memcpy(info->pool, space->pool->name, sizeof(info->pool));
	if (node)
		memcpy(info->name, node->name, sizeof(info->name));
}

static long info(struct file *file, void *arg)
{
	struct fpool_handle *handle = file->private_data;
	struct framepool_space *info = arg;

	if (mutex_lock_killable(&fpool_attach_lock))
		return -EINTR;
	fpool_range_describe(handle->space, handle->node, info);
	mutex_unlock(&fpool_attach_lock);
	fpool_range_count(handle->space, info);
	return 0;
}

static long errors(struct file *file, void *arg)
{
	struct framepool_errors *e = arg;

	if (e->__reserved)
		return -EINVAL;
	fpool_errlog_get(fpool_file_space(file), e);
	return 0;
}

/* Start what the pool has room for; wait for nothing. Pages that are there or coming. */
static u64 will_need(struct fpool_space *space, fpool_vpn_t vpn, fpool_vpn_t end)
{
	struct page *page;
	u64 done = 0;
	int err;

	for (; fpool_vpn_nr(vpn) < fpool_vpn_nr(end); vpn = fpool_vpn_add(vpn, 1)) {
		if (fatal_signal_pending(current))
			break;
		cond_resched();
		page = fpool_pager_lookup(space, vpn);
		if (page) {
			folio_set_referenced(page_folio(page));
			put_page(page);
			done++;
			continue;
		}
		if (fpool_pool_is_low(space->pool))
			break;
		/* Ghosts have made room for nodes. */
		do
			err = fpool_pager_start(space, current->mm, vpn, FPOOL_FILL_HERE |
						fpool_pager_all(vpn, end), NULL);
		while (err == -EAGAIN);
		if (err && err != -EEXIST)
			break;
		done++;
	}
	return done;
}

static int dont_need(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end, u64 *done)
{
	struct fpool_job *job;
	int err;

	job = fpool_job_run_range(space, start, end, 0, evict_job, &err);
	if (IS_ERR(job))
		return PTR_ERR(job);
	*done = job->evicted.freed;
	fpool_job_put(job);
	return 0;
}

/* Of the descriptor; core mm has to know, too, as it takes accessed bits when it unmaps. */
static void set_advice(struct file *file, u32 advice)
{
	struct fpool_handle *handle = file->private_data;

	if (advice == FRAMEPOOL_ADVICE_NOREUSE)
		WRITE_ONCE(handle->noreuse, true);
	else
		WRITE_ONCE(handle->advice, advice);
	if (advice == FRAMEPOOL_ADVICE_NORMAL)
		WRITE_ONCE(handle->noreuse, false);
	fpool_file_set_noreuse(file, !fpool_handle_counts(handle));
}

static int advise(struct file *file, fpool_vpn_t start, fpool_vpn_t end, u32 advice, u64 *done)
{
	struct fpool_space *space = fpool_file_space(file);

	static_assert(POSIX_FADV_RANDOM == FRAMEPOOL_ADVICE_RANDOM);
	static_assert(POSIX_FADV_SEQUENTIAL == FRAMEPOOL_ADVICE_SEQUENTIAL);
	static_assert(POSIX_FADV_WILLNEED == FRAMEPOOL_ADVICE_WILLNEED);
	static_assert(POSIX_FADV_DONTNEED == FRAMEPOOL_ADVICE_DONTNEED);
	static_assert(POSIX_FADV_NOREUSE == FRAMEPOOL_ADVICE_NOREUSE);
	*done = 0;
	if (advice != FRAMEPOOL_ADVICE_WILLNEED && advice != FRAMEPOOL_ADVICE_DONTNEED)
		set_advice(file, advice);
	if (fpool_vpn_nr(start) >= fpool_vpn_nr(end))
		return 0;
	if (advice == FRAMEPOOL_ADVICE_WILLNEED)
		*done = will_need(space, start, end);
	else if (advice == FRAMEPOOL_ADVICE_NOREUSE)
		*done = fpool_hint_cool(space, start, end);
	else if (advice == FRAMEPOOL_ADVICE_DONTNEED)
		return dont_need(space, start, end, done);
	return 0;
}

static long advise_ioctl(struct file *file, void *arg)
{
	struct framepool_advise *a = arg;
	fpool_vpn_t start, end;
	int err;

	if (a->__reserved || a->advice > FRAMEPOOL_ADVICE_NOREUSE)
		return -EINVAL;
	err = fpool_space_range(fpool_file_space(file), a->offset, a->length, &start, &end);
	return err ?: advise(file, start, end, a->advice, &a->done);
}

static const struct fpool_ioctl commands[] = {
	FPOOL_IOCTL(FRAMEPOOL_SPACE_INFO, struct framepool_space, name, 0, info),
	FPOOL_IOCTL(FRAMEPOOL_PREFETCH, struct framepool_range, __reserved, 0,
		    prefetch_ioctl),
	FPOOL_IOCTL(FRAMEPOOL_EVICT, struct framepool_range, __reserved, 0, evict),
	FPOOL_IOCTL(FRAMEPOOL_RESIDENCY, struct framepool_residency, resident, 0, residency),
	FPOOL_IOCTL(FRAMEPOOL_PIN, struct framepool_range, __reserved, 0, pin),
	FPOOL_IOCTL(FRAMEPOOL_UNPIN, struct framepool_range, __reserved, 0, unpin),
	FPOOL_IOCTL(FRAMEPOOL_HOLD, struct framepool_range, __reserved, FRAMEPOOL_HOLD_DROP, hold),
	FPOOL_IOCTL(FRAMEPOOL_RELEASE, struct framepool_range, __reserved, 0, release),
	FPOOL_IOCTL(FRAMEPOOL_SYNC, struct framepool_range, __reserved, 0, sync_ioctl),
	FPOOL_IOCTL_IN(FRAMEPOOL_RESIZE, struct framepool_resize, bytes, resize),
	FPOOL_IOCTL_IN(FRAMEPOOL_SET_BLOCK, struct framepool_block, __reserved, set_block),
	{
		.cmd = FRAMEPOOL_PREFETCH_START,
		.size = sizeof(struct framepool_prefetch),
		.min = sizeof(struct framepool_prefetch),
		.results = true,
		.fn = fpool_prefetch_start,
		.undo = fpool_prefetch_undo,
	},
	FPOOL_IOCTL(FRAMEPOOL_PREFETCH_RESULT, struct framepool_prefetch, ticket, 0,
		    fpool_prefetch_result),
	FPOOL_IOCTL(FRAMEPOOL_ERRORS, struct framepool_errors, __reserved, 0, errors),
	FPOOL_IOCTL(FRAMEPOOL_ADVISE, struct framepool_advise, done, 0, advise_ioctl),
	FPOOL_IOCTL_IN(FRAMEPOOL_RECORD_START, struct framepool_record_start, __reserved,
		       fpool_record_start),
	FPOOL_IOCTL(FRAMEPOOL_RECORD, struct framepool_record, lost, FRAMEPOOL_RECORD_LOOK,
		    fpool_record_take),
};

/**
 * fpool_range_ioctl - an ioctl of a space
 * @file: a descriptor of it
 * @cmd: command
 * @arg: address of its struct
 *
 * Context: System call.
 * Return: see include/uapi/linux/framepool.h.
 */
long fpool_range_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return fpool_ioctl_dispatch(commands, ARRAY_SIZE(commands), file, cmd, arg);
}

/**
 * fpool_range_fadvise - posix_fadvise and madvise(MADV_WILLNEED)
 * @file: a descriptor of a space
 * @offset: first byte
 * @len: bytes, 0 to the end
 * @advice: POSIX_FADV_*
 *
 * What each does, hint.c says. As it is a hint, no error of a page is told.
 *
 * Context: System call, without mmap_lock.
 * Return: 0, or -EINVAL: no such advice.
 */
int fpool_range_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	u64 pages = fpool_space_pages(fpool_file_space(file));
	u64 last = len ? fpool_bytes_to_pages((u64)offset + len) : pages;
	fpool_vpn_t start = fpool_addr_vpn(offset), end = fpool_vpn(min(last, pages));
	u64 unused;

	if (advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE || offset < 0 || len < 0)
		return -EINVAL;
	advise(file, start, end, advice, &unused);
	return 0;
}
