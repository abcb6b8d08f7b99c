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

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
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

static void tear_down(struct work_struct *work);

/* Nobody sees it before it is opened, and listed. */
static struct fpool_space *make(const struct fpool_attach_params *params, struct fpool_pool *pool)
{
	struct fpool_space *space = fpool_space_create(pool);

	if (IS_ERR(space))
		return space;
	INIT_DELAYED_WORK(&space->leave, tear_down);
	INIT_LIST_HEAD(&space->leavers);
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

static void open_direct(struct fpool_space *space)
{
	struct fpool_pool *pool = space->pool;

	fpool_backing_open_direct(&space->backing, fpool_direct_pieces(pool->region.nframes));
	spin_lock(&pool->lock);
	pool->direct_bytes += fpool_direct_bytes(&space->backing.bio);
	spin_unlock(&pool->lock);
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
		open_direct(space);
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

/* Who waits for a tear-down; his, and that of who will tell him. */
struct leaver {
	struct list_head link;		/* A: in leavers of the space; then the tear-down's */
	struct fpool_node *node;	/* I: that he detaches, or NULL */
	struct completion done;		/* X */
	int err;			/* before @done: of the teller, then of who waits */
	refcount_t refs;		/* X */
};

static struct leaver *make_leaver(struct fpool_node *node)
{
	struct leaver *l = kzalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return NULL;
	l->node = node;
	init_completion(&l->done);
	refcount_set(&l->refs, 2);
	return l;
}

static void put_leaver(struct leaver *l)
{
	if (refcount_dec_and_test(&l->refs))
		kfree(l);
}

static void tell(struct leaver *l, int err)
{
	l->err = err;
	complete(&l->done);
	put_leaver(l);
}

/*
 * However the tear-down has ended: who closes is not told, and the node of who detaches has gone.
 * What keeps the space then is another one's, who came or stored since the detach has written all.
 */
static void tell_all(struct list_head *told)
{
	struct leaver *l, *next;

	list_for_each_entry_safe(l, next, told, link)
		tell(l, 0);
}

/* There is one work item for each space, and it is queued once, with a reference to the space. */
static void queue_tear_down(struct fpool_space *space, unsigned long delay)
{
	space->leaving = FPOOL_LEAVING_SOON;
	queue_delayed_work(fpool_job_queue(FPOOL_JOB_LEAVES), &space->leave, delay);
}

/* False: the space has users again, and nothing is to be done. */
static bool begin_tear_down(struct fpool_space *space, struct list_head *told)
{
	bool last;

	mutex_lock(&fpool_attach_lock);
	space->leaving = FPOOL_LEAVING_NOW;
	list_splice_init(&space->leavers, told);
	last = !space->users;
	mutex_unlock(&fpool_attach_lock);
	return last;
}

/*
 * From now on who attaches the file makes another space.  Not if it was attached and left again
 * meanwhile: what was stored then is perhaps neither written nor flushed, so all is done once more.
 */
static bool unlist(struct fpool_space *space, int *err)
{
	lockdep_assert_held(&fpool_attach_lock);
	if (!*err && !space->users && space->leaving == FPOOL_LEAVING_NOW && is_empty(space)) {
		list_del_init(&space->link);
		return true;
	}
	if (space->leaving == FPOOL_LEAVING_AGAIN) {
		/* With users again, too: somebody may wait, whom the next one tells. */
		queue_tear_down(space, 0);
		*err = 0;
	} else if (space->users) {
		space->leaving = FPOOL_LEAVING_NOT;
		*err = 0;
	} else {
		space->orphan = true;
		queue_tear_down(space, RETRY_DELAY);
	}
	return false;
}

/* Who attaches the file meanwhile waits until he can have it for himself. */
static void end_tear_down(struct fpool_space *space, int *err)
{
	struct opening o = { .host = fpool_backing_host(space->backing.file) };
	bool gone, again;

	wait_event(opened, begin_opening(&o));
	mutex_lock(&fpool_attach_lock);
	gone = unlist(space, err);
	again = space->leaving == FPOOL_LEAVING_SOON;
	mutex_unlock(&fpool_attach_lock);
	if (gone)
		fpool_backing_let_go(&space->backing);
	end_opening(&o);
	/* Without a lock: it waits for references, whose holders may want one. */
	if (gone)
		fpool_space_unlink(space);
	if (!again)
		fpool_space_put(space);
}

/* The last user has gone. */
static void tear_down(struct work_struct *work)
{
	struct fpool_space *space = container_of(to_delayed_work(work), struct fpool_space, leave);
	LIST_HEAD(told);
	int err = begin_tear_down(space, &told) ? empty_out(space) : -EAGAIN;

	/* Before the opening, because it waits for who reads the file. */
	if (!err)
		fpool_backing_forget_cached(&space->backing);
	end_tear_down(space, &err);
	/* When a detach has returned the space is gone, and the file is closed. */
	tell_all(&told);
}

/* The last user has gone: what is to be done begins, or begins again. */
static void leave(struct fpool_space *space)
{
	switch (space->leaving) {
	case FPOOL_LEAVING_NOT:
		fpool_space_get(space);
		queue_tear_down(space, 0);
		break;
	case FPOOL_LEAVING_SOON:
		/* If it has begun, it will see that there are no users. */
		if (cancel_delayed_work(&space->leave))
			queue_tear_down(space, 0);
		break;
	case FPOOL_LEAVING_NOW:
		space->leaving = FPOOL_LEAVING_AGAIN;
		break;
	case FPOOL_LEAVING_AGAIN:
		break;
	}
}

/* A user goes; if he was the last, @l, who may be NULL, is told when the space is torn down. */
static void drop_user(struct fpool_space *space, bool named, struct leaver *l)
{
	bool last;

	mutex_lock(&fpool_attach_lock);
	space->unnamed -= !named;
	last = !--space->users;
	if (last && l)
		list_add_tail(&l->link, &space->leavers);
	if (last)
		leave(space);
	mutex_unlock(&fpool_attach_lock);
	if (!last && l)
		tell(l, 0);
}

/**
 * fpool_attach_leave - a user goes
 * @space: the space, perhaps gone when this returns
 * @named: it came through a named node
 *
 * The last one waits until everything is written back, for a bounded time where his process ends,
 * unless he is being killed, or there is no memory: then a worker does it after him.
 *
 * Context: Process context, without fpool_attach_lock; not in a worker of ours.
 */
void fpool_attach_leave(struct fpool_space *space, bool named)
{
	struct leaver *l = fpool_job_may_wait() ? make_leaver(NULL) : NULL;

	drop_user(space, named, l);
	if (!l)
		return;
	/* A release has nobody to tell how it has ended. */
	fpool_job_wait_leaving(&l->done);
	put_leaver(l);
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
	drop_user(space, true, NULL);
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
	struct leaver *l = job->ctx;
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
		come_back(l->node);
		tell(l, err);
		return err;
	}
	fpool_node_remove(l->node);
	/* The tear-down waits until this job has ended, not the other way round. */
	drop_user(space, true, l);
	return 0;
}

/**
 * fpool_attach_detach - write everything back and remove a named node
 * @node: the node; marked gone by the caller under fpool_attach_lock, with nothing of it open
 *
 * On failure the node is back.  What others did with the file meanwhile, and what cannot be written
 * of that when they have gone, is no failure: the space stays in the list, as an orphan.
 *
 * Context: Process context, without fpool_attach_lock.
 * Return: 0; -EBUSY: held; -EINTR: killed, it goes on without the caller; -ENOMEM; or the error
 * of writing.
 */
int fpool_attach_detach(struct fpool_node *node)
{
	struct leaver *l = make_leaver(node);
	struct fpool_job *job = l ? fpool_job_create(node->space, detach_job) : NULL;
	int err;

	if (!job) {
		kfree(l);
		come_back(node);
		return -ENOMEM;
	}
	job->ctx = l;
	job->queue = FPOOL_JOB_LEAVES;
	fpool_job_start(job);
	fpool_job_put(job);
	err = wait_for_completion_killable(&l->done) ? -EINTR : l->err;
	put_leaver(l);
	return err;
}
