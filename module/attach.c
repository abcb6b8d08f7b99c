// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who uses a space, and what happens when the last one goes.
 *
 * A user is a descriptor or a named node, or work that goes on when its caller has gone: a
 * prefetch, a resize. The same file, attached again, is the same space with one more user. When
 * the last user goes the space is torn down: written back, flushed, emptied, unlinked. Where that
 * cannot finish (a page that cannot be written, a frame that the kernel still holds), the space is
 * an orphan: it stays in its pool, is seen in lists, keeps the module, and is tried again every
 * second, until it succeeds or somebody attaches the file again and gets his pages back.
 */
#include "attach.h"

#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "job.h"
#include "writeback.h"

#define RETRY_DELAY	HZ

/* For fills of killed faulters to end: their page is of no use to anybody. */
#define SETTLE_TRIES	200
#define SETTLE_MS	10

LIST_HEAD(fpool_spaces);

static struct fpool_space *find(struct inode *host)
{
	struct fpool_space *space;

	list_for_each_entry(space, &fpool_spaces, link)
		if (fpool_backing_host(space->backing.file) == host)
			return space;
	return NULL;
}

static void tear_down_again(struct work_struct *work);

/* Nobody sees it before it is opened, and listed. */
static struct fpool_space *make(const struct fpool_attach_params *params, struct fpool_pool *pool)
{
	struct fpool_space *space = fpool_space_create(pool);

	if (IS_ERR(space))
		return space;
	INIT_DELAYED_WORK(&space->retry, tear_down_again);
	space->block_type = params->block_type;
	space->uid = current_fsuid();
	return space;
}

/* With one more user: the file's space; where there is none a new one, or NULL. */
static struct fpool_space *enter(const struct fpool_attach_params *params, bool may_make)
{
	struct fpool_pool *pool = fpool_pool_find(params->pool);
	struct fpool_space *space;

	if (!pool)
		return ERR_PTR(-ENOENT);
	if (*params->name && fpool_node_find(params->name))
		return ERR_PTR(-EEXIST);
	space = find(fpool_backing_host(params->file));
	/* Two pools would each have its own truth about the file. */
	if (space && space->pool != pool)
		return ERR_PTR(-EBUSY);
	if (!space && may_make)
		space = make(params, pool);
	if (IS_ERR_OR_NULL(space))
		return space;
	space->users++;
	space->unnamed += !*params->name;
	space->orphan = false;
	return space;
}

static struct fpool_space *lock_and_enter(const struct fpool_attach_params *params, bool may_make)
{
	struct fpool_space *space = ERR_PTR(-EINTR);

	if (mutex_lock_killable(&fpool_pools_lock))
		return space;
	if (!mutex_lock_killable(&fpool_attach_lock)) {
		space = enter(params, may_make);
		mutex_unlock(&fpool_attach_lock);
	}
	mutex_unlock(&fpool_pools_lock);
	return space;
}

/*
 * To open a file, to write what is cached of it, and to look its blocks up takes as long as its
 * device likes; and to let it go as long as anybody likes who can read it, because a direct read
 * into memory that does not come keeps the inode's lock.  So nothing is locked meanwhile; but of
 * one file there is one opening or letting go at a time, and who wants it, too, waits for that.
 */
struct opening {
	struct list_head link;
	struct inode *host;
};

static LIST_HEAD(openings);
static DEFINE_SPINLOCK(openings_lock);
static DECLARE_WAIT_QUEUE_HEAD(opened);

/* False: somebody else opens it. */
static bool begin_opening(struct opening *o)
{
	const struct opening *other;
	bool alone = true;

	spin_lock(&openings_lock);
	list_for_each_entry(other, &openings, link)
		alone &= other->host != o->host;
	if (alone)
		list_add(&o->link, &openings);
	spin_unlock(&openings_lock);
	return alone;
}

static void end_opening(struct opening *o)
{
	spin_lock(&openings_lock);
	list_del(&o->link);
	spin_unlock(&openings_lock);
	wake_up_all(&opened);
}

static int open_new(struct fpool_space *space, const struct fpool_attach_params *params)
{
	int err = fpool_backing_open(&space->backing, params->file, params->write);

	if (err) {
		fpool_space_get(space);
		fpool_space_unlink(space);
		fpool_space_put(space);
		return err;
	}
	if (params->direct || space->backing.blockdev)
		fpool_backing_open_direct(&space->backing);
	i_size_write(space->inode, fpool_backing_bytes(&space->backing));
	mutex_lock(&fpool_attach_lock);
	list_add_tail(&space->link, &fpool_spaces);
	mutex_unlock(&fpool_attach_lock);
	return 0;
}

static bool wants_upgrade(const struct fpool_space *space, const struct fpool_attach_params *params)
{
	return params->write && !fpool_backing_writable(&space->backing);
}

/* Of a space that is there already. */
static int upgrade(struct fpool_space *space, const struct fpool_attach_params *params)
{
	return wants_upgrade(space, params) ?
	       fpool_backing_upgrade(&space->backing, params->file) : 0;
}

/* @user: out: of which space the caller is a user all the same, when it fails; or NULL. */
static struct fpool_space *open(struct fpool_space *space, const struct fpool_attach_params *params,
				struct fpool_space **user)
{
	int err;

	if (!space)
		space = lock_and_enter(params, true);
	if (IS_ERR(space))
		return space;
	/* One that is not listed yet is known to us only. */
	if (list_empty(&space->link)) {
		err = open_new(space, params);
	} else {
		err = upgrade(space, params);
		*user = space;
	}
	return err ? ERR_PTR(err) : space;
}

/**
 * fpool_attach_space - become a user of the space of a file
 * @params: which file, in which pool, and how; the file was validated
 *
 * Context: System call; takes fpool_pools_lock and fpool_attach_lock, but not while it waits for
 * the file.
 * Return: the space with one more user, or an ERR_PTR: -ENOENT: no such pool; -EEXIST: there is a
 * node of this name; -EBUSY: attached in another pool; -EINTR: killed; or the error of opening or
 * allocating.
 */
struct fpool_space *fpool_attach_space(const struct fpool_attach_params *params)
{
	struct opening o = { .host = fpool_backing_host(params->file) };
	struct fpool_space *space = lock_and_enter(params, false), *user = NULL;

	if (IS_ERR(space) || (space && !wants_upgrade(space, params)))
		return space;
	if (wait_event_killable(opened, begin_opening(&o))) {
		if (space)
			fpool_attach_leave(space, *params->name);
		return ERR_PTR(-EINTR);
	}
	space = open(space, params, &user);
	end_opening(&o);
	/* Not before: where it was the last user the tear-down wants the opening. */
	if (IS_ERR(space) && user)
		fpool_attach_leave(user, *params->name);
	return space;
}

/* No page of it is anywhere, nor on its way, and nobody can bring one. */
static bool is_empty(struct fpool_space *space)
{
	const struct fpool_ptable *table = &space->ptable;
	bool empty;

	spin_lock(&space->pool->lock);
	empty = !table->npresent && !table->nfills;
	spin_unlock(&space->pool->lock);
	return empty;
}

/* Write everything back and empty the space. 0, -EBUSY: held or busy; or the error of writing. */
static int empty_out(struct fpool_space *space)
{
	fpool_vpn_t end = fpool_vpn(FPOOL_VPN_MAX);
	bool unflushed = fpool_writeback_unflushed(space);
	u64 written = 0, failed = 0;
	int err, i;

	err = fpool_writeback_sync(space, fpool_vpn(0), end, &written, &failed);
	/*
	 * A flush fails for ever on a file system that an error has made read-only.  Where there
	 * was nothing to be flushed, and nothing is left to be written again, that is no reason to
	 * stay.
	 */
	if (err && (failed || unflushed || READ_ONCE(space->lost) ||
		    fpool_writeback_count_dirty(space)))
		return err;
	for (i = 0; i < SETTLE_TRIES; i++) {
		struct fpool_evicted out = {};

		fpool_evict_range(space, fpool_vpn(0), end, FPOOL_EVICT_ALL, NULL, &out);
		if (out.error)
			return out.error;
		if (is_empty(space))
			return fpool_writeback_unflushed(space) ?
			       fpool_writeback_sync(space, fpool_vpn(0), end, &written,
						    &failed) : 0;
		if (!out.busy && out.held)
			break;
		msleep(SETTLE_MS);
	}
	return -EBUSY;
}

/* One that an earlier failure has left waiting: until its time came the space would not be gone. */
static void forget_retry(struct fpool_space *space)
{
	if (cancel_delayed_work(&space->retry))
		fpool_space_put(space);
}

/* From now on who attaches the file makes another space. False: it is not to go, or not yet. */
static bool unlist(struct fpool_space *space, int *err)
{
	bool gone = false;

	mutex_lock(&fpool_attach_lock);
	if (space->users || list_empty(&space->link)) {
		/* Attached again meanwhile; or attached, left and torn down by another. */
		*err = 0;
	} else if (!*err && is_empty(space)) {
		list_del_init(&space->link);
		gone = true;
	} else {
		space->orphan = true;
		fpool_space_get(space);
		if (!queue_delayed_work(fpool_job_queue(FPOOL_JOB_LEAVES), &space->retry,
					RETRY_DELAY))
			fpool_space_put(space);
	}
	mutex_unlock(&fpool_attach_lock);
	return gone;
}

/* The last user has gone. */
static int tear_down(struct fpool_space *space)
{
	struct opening o = { .host = fpool_backing_host(space->backing.file) };
	int err = empty_out(space);
	bool gone;

	/* Before the opening, because it waits for who reads the file. */
	if (!err)
		fpool_backing_forget_cached(&space->backing);
	/* Who attaches the file from then on waits until he can have it for himself. */
	wait_event(opened, begin_opening(&o));
	gone = unlist(space, &err);
	if (gone)
		fpool_backing_let_go(&space->backing);
	end_opening(&o);
	/* Without a lock: it waits for references, whose holders may want one. */
	if (gone) {
		forget_retry(space);
		fpool_space_unlink(space);
	}
	return err;
}

static void tear_down_again(struct work_struct *work)
{
	struct fpool_space *space = container_of(to_delayed_work(work), struct fpool_space, retry);
	bool still;

	mutex_lock(&fpool_attach_lock);
	still = space->orphan && !space->users;
	mutex_unlock(&fpool_attach_lock);
	if (still)
		tear_down(space);
	fpool_space_put(space);
}

static int leave_job(struct fpool_job *job)
{
	return tear_down(job->space);
}

/* No memory for the short way: the long one. */
static void orphan_at_once(struct fpool_space *space)
{
	space->orphan = true;
	fpool_space_get(space);
	if (!queue_delayed_work(fpool_job_queue(FPOOL_JOB_LEAVES), &space->retry, 0))
		fpool_space_put(space);
}

/* A user goes. NULL: he was not the last; or the job that tears the space down. */
static struct fpool_job *drop_user(struct fpool_space *space, bool named)
{
	struct fpool_job *job = NULL;

	mutex_lock(&fpool_attach_lock);
	space->unnamed -= !named;
	if (!--space->users) {
		job = fpool_job_create(space, leave_job);
		if (job)
			job->queue = FPOOL_JOB_LEAVES;
		else
			orphan_at_once(space);
	}
	mutex_unlock(&fpool_attach_lock);
	return job;
}

/**
 * fpool_attach_leave - a user goes
 * @space: the space, perhaps gone when this returns
 * @named: it came through a named node
 *
 * The last one waits until everything is written back, unless he is being killed: then a worker
 * does it after him.
 *
 * Context: Process context, without fpool_attach_lock; not in a worker of ours.
 */
void fpool_attach_leave(struct fpool_space *space, bool named)
{
	struct fpool_job *job = drop_user(space, named);

	if (!job)
		return;
	fpool_job_run_leaving(job);
	fpool_job_put(job);
}

/**
 * fpool_attach_enter - work that goes on without its caller becomes a user
 * @space: the space, of which the caller is one
 *
 * Context: Process context, without fpool_attach_lock.
 */
void fpool_attach_enter(struct fpool_space *space)
{
	mutex_lock(&fpool_attach_lock);
	space->users++;
	mutex_unlock(&fpool_attach_lock);
}

/**
 * fpool_attach_leave_later - and goes
 * @space: the space
 *
 * Where it was the last, a worker does what is to be done, and nobody waits.
 *
 * Context: Process context, without fpool_attach_lock; a worker of ours.
 */
void fpool_attach_leave_later(struct fpool_space *space)
{
	struct fpool_job *job = drop_user(space, true);

	if (!job)
		return;
	fpool_job_start(job);
	fpool_job_put(job);
}

/* The node of a detach that has failed. */
static void come_back(struct fpool_node *node)
{
	mutex_lock(&fpool_attach_lock);
	node->gone = false;
	mutex_unlock(&fpool_attach_lock);
}

static int detach_job(struct fpool_job *job)
{
	struct fpool_node *node = job->ctx;
	struct fpool_space *space = job->space;
	u64 written = 0, failed = 0;
	bool last;
	int err;

	mutex_lock(&fpool_attach_lock);
	last = space->users == 1;
	mutex_unlock(&fpool_attach_lock);
	/* While the node is still there: what fails now is not lost, and not anonymous. */
	if (last)
		err = empty_out(space);
	else
		err = fpool_writeback_sync(space, fpool_vpn(0), fpool_vpn(FPOOL_VPN_MAX), &written,
					   &failed);
	if (err) {
		come_back(node);
		return err;
	}
	fpool_node_remove(node);
	mutex_lock(&fpool_attach_lock);
	last = !--space->users;
	mutex_unlock(&fpool_attach_lock);
	return last ? tear_down(space) : 0;
}

/**
 * fpool_attach_detach - write everything back and remove a named node
 * @node: the node; marked gone by the caller under fpool_attach_lock, with nothing of it open
 *
 * On failure the node is back.
 *
 * Context: Process context, without fpool_attach_lock.
 * Return: 0; -EBUSY: held; -EINTR: killed, it goes on without the caller; -ENOMEM; or the error
 * of writing.
 */
int fpool_attach_detach(struct fpool_node *node)
{
	struct fpool_job *job = fpool_job_create(node->space, detach_job);
	int err;

	if (!job) {
		come_back(node);
		return -ENOMEM;
	}
	job->ctx = node;
	job->queue = FPOOL_JOB_LEAVES;
	fpool_job_start(job);
	err = fpool_job_wait(job);
	fpool_job_put(job);
	return err;
}
