// SPDX-License-Identifier: GPL-2.0-only
/* /dev/framepool/control: pools and spaces come, go and are listed. */
#include "control.h"

#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/file.h>

#include "attach.h"
#include "cdev.h"
#include "cleaner.h"
#include "debugfs.h"
#include "ioctl.h"
#include "limit.h"
#include "mmset.h"
#include "range.h"
#include "reclaim.h"
#include "sysfs.h"
#include "whatif.h"

/**
 * fpool_control_create - make a pool that works
 * @params: what was asked for
 *
 * Context: Caller holds fpool_pools_lock.
 * Return: the pool, listed, with its thread; or the ERR_PTR of fpool_pool_create().
 */
struct fpool_pool *fpool_control_create(const struct fpool_pool_params *params)
{
	struct fpool_pool *pool = fpool_pool_create(params);
	int err;

	if (IS_ERR(pool))
		return pool;
	if (!params->one_set) {
		err = fpool_mmset_init_pool(pool);
		if (err)
			goto destroy;
	}
	err = fpool_reclaim_start(pool);
	if (err)
		goto exit_sets;
	fpool_cleaner_start(pool);
	err = fpool_sysfs_add(pool);
	if (err)
		goto stop;
	list_add_tail(&pool->link, &fpool_pools);
	fpool_debugfs_add(pool);
	return pool;
stop:
	fpool_cleaner_stop(pool);
	fpool_reclaim_stop(pool);
exit_sets:
	fpool_mmset_exit_pool(pool);
destroy:
	fpool_pool_destroy(pool);
	return ERR_PTR(err);
}

/**
 * fpool_control_destroy - stop a pool and give its region back
 * @pool: the pool
 *
 * Context: Caller holds fpool_pools_lock.
 * Return: 0, or -EBUSY: it has a space.
 */
int fpool_control_destroy(struct fpool_pool *pool)
{
	lockdep_assert_held(&fpool_pools_lock);
	/* Only an attach makes one, under the lock that we hold. */
	if (READ_ONCE(pool->nspaces))
		return -EBUSY;
	list_del(&pool->link);
	fpool_debugfs_remove(pool);
	fpool_sysfs_remove(pool);
	fpool_cleaner_stop(pool);
	fpool_whatif_stop(pool);
	fpool_reclaim_stop(pool);
	fpool_mmset_exit_pool(pool);
	fpool_pool_destroy(pool);
	return 0;
}

/* ATTACH */

static int check_attach(const struct framepool_attach *a)
{
	if (!fpool_ioctl_string(a->name, sizeof(a->name)) ||
	    !fpool_ioctl_string(a->pool, sizeof(a->pool)))
		return -EINVAL;
	if (*a->name && !fpool_name_valid(a->name))
		return -EINVAL;
	if (a->block_type > FRAMEPOOL_BLOCK_256)
		return -EINVAL;
	if ((a->flags & (FRAMEPOOL_ATTACH_MODE | FRAMEPOOL_ATTACH_GROUP)) && !*a->name)
		return -EINVAL;
	if ((a->flags & FRAMEPOOL_ATTACH_MODE ? a->mode & ~0777 : a->mode) ||
	    (!(a->flags & FRAMEPOOL_ATTACH_GROUP) && a->gid))
		return -EINVAL;
	return 0;
}

/* The group that a node gets: as chown, one that the caller is in, or with CAP_CHOWN any. */
static int node_group(const struct framepool_attach *a, kgid_t *gid)
{
	*gid = current_fsgid();
	if (!(a->flags & FRAMEPOOL_ATTACH_GROUP))
		return 0;
	*gid = make_kgid(current_user_ns(), a->gid);
	if (!gid_valid(*gid))
		return -EINVAL;
	return in_group_p(*gid) || capable(CAP_CHOWN) ? 0 : -EPERM;
}

static int name_it(struct fpool_space *space, const struct framepool_attach *a, kgid_t gid)
{
	struct fpool_node_params params = {
		.name = a->name,
		.space = space,
		.uid = current_fsuid(),
		.gid = gid,
		.mode = a->flags & FRAMEPOOL_ATTACH_MODE ? a->mode : 0600,
		.writable = !(a->flags & FRAMEPOOL_ATTACH_READ_ONLY),
	};

	return fpool_node_create(&params);
}

static int attach_file(struct framepool_attach *a, struct file *backing, kgid_t gid)
{
	bool write = !(a->flags & FRAMEPOOL_ATTACH_READ_ONLY);
	struct fpool_attach_params params = {
		.file = backing,
		.pool = a->pool,
		.name = a->name,
		.write = write,
		.block_type = a->block_type,
		.direct = a->flags & FRAMEPOOL_ATTACH_DIRECT,
	};
	struct fpool_space *space;
	u32 id;
	int ret;

	if (backing->f_op == &fpool_cdev_fops || backing->f_op == &fpool_control_fops)
		return -ELOOP;
	ret = fpool_backing_validate(backing, write);
	if (ret)
		return ret;
	/* It keeps others from writing. */
	if (params.direct && !(backing->f_mode & FMODE_WRITE))
		return -EACCES;
	space = fpool_attach_space(&params);
	if (IS_ERR(space))
		return PTR_ERR(space);
	id = space->id;
	ret = *a->name ? name_it(space, a, gid) : fpool_cdev_install(space, write);
	if (ret < 0) {
		fpool_attach_leave(space, *a->name);
		return ret;
	}
	/* From here on the space may be gone: others may close the descriptor, or detach. */
	a->space = id;
	a->space_fd = *a->name ? -1 : ret;
	return 0;
}

static long attach(struct file *file, void *arg)
{
	struct framepool_attach *a = arg;
	struct file *backing;
	kgid_t gid;
	int err = check_attach(a);

	if (err)
		return err;
	err = node_group(a, &gid);
	if (err)
		return err;
	backing = fget(a->fd);
	if (!backing)
		return -EBADF;
	err = attach_file(a, backing, gid);
	fput(backing);
	return err;
}

/* DETACH */

static struct fpool_node *take_node(const char *name)
{
	struct fpool_node *node = fpool_node_find(name);

	if (!node)
		return ERR_PTR(-ENOENT);
	if (!uid_eq(node->uid, current_fsuid()) && !capable(CAP_SYS_ADMIN))
		return ERR_PTR(-EPERM);
	if (node->opens || node->gone || !node->added)
		return ERR_PTR(-EBUSY);
	node->gone = true;
	return node;
}

static long detach(struct file *file, void *arg)
{
	struct framepool_detach *d = arg;
	struct fpool_node *node;

	if (!fpool_ioctl_string(d->name, sizeof(d->name)))
		return -EINVAL;
	if (mutex_lock_killable(&fpool_attach_lock))
		return -EINTR;
	node = take_node(d->name);
	mutex_unlock(&fpool_attach_lock);
	return IS_ERR(node) ? PTR_ERR(node) : fpool_attach_detach(node);
}

/* The caller was not told what he got: he has got nothing. */
static void undo_attach(struct file *file, void *arg)
{
	struct framepool_attach *a = arg;
	struct fpool_node *node;

	if (a->space_fd >= 0) {
		close_fd(a->space_fd);
		return;
	}
	mutex_lock(&fpool_attach_lock);
	node = take_node(a->name);
	mutex_unlock(&fpool_attach_lock);
	if (!IS_ERR(node))
		fpool_attach_detach(node);
}

/*
 * SPACE_NEXT: the named nodes by their cursor, then the spaces that were attached without a name
 * (or have no node any more, only work that goes on), by theirs: with the top bit set, so that all
 * come after the nodes'.
 */
#define UNNAMED_CURSOR	BIT_ULL(63)

static u64 unnamed_cursor(const struct fpool_space *space)
{
	return UNNAMED_CURSOR | (u64)space->pool->id << 32 | space->id;
}

static struct fpool_node *next_named(u64 cursor)
{
	struct fpool_node *node;

	list_for_each_entry(node, &fpool_nodes, link)
		if (node->cursor > cursor)
			return node;
	return NULL;
}

static struct fpool_space *next_unnamed(u64 cursor)
{
	struct fpool_space *space, *best = NULL;

	list_for_each_entry(space, &fpool_spaces, link)
		if (unnamed_cursor(space) > cursor && (space->unnamed || !space->nodes) &&
		    (!best || unnamed_cursor(space) < unnamed_cursor(best)))
			best = space;
	return best;
}

static long space_next(struct file *file, void *arg)
{
	struct framepool_space *info = arg;
	struct fpool_space *space = NULL;
	struct fpool_node *node;
	bool may_count = false;

	if (mutex_lock_killable(&fpool_attach_lock))
		return -EINTR;
	node = next_named(info->cursor);
	if (node)
		space = node->space;
	else
		space = next_unnamed(info->cursor);
	if (space) {
		info->cursor = node ? node->cursor : unnamed_cursor(space);
		fpool_range_describe(space, node, info);
		may_count = fpool_range_may_count(space, node);
		fpool_space_get(space);
	}
	mutex_unlock(&fpool_attach_lock);
	if (!space)
		return -ENOENT;
	if (may_count)
		fpool_range_count(space, info);
	else
		info->state |= FRAMEPOOL_SPACE_HIDDEN;
	fpool_space_put(space);
	return 0;
}

/* Pools. */

static long pool_create(struct file *file, void *arg)
{
	struct framepool_pool_create *c = arg;
	struct fpool_pool_params params = {
		.name = c->name,
		.bytes = c->bytes,
		.base = c->base,
		.node = c->node,
		.policy = *c->policy ? c->policy : fpool_policy_nth(0)->name,
		.one_set = c->flags & FRAMEPOOL_POOL_ONE_SET,
	};
	struct fpool_pool *pool;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (c->__reserved || !fpool_ioctl_string(c->name, sizeof(c->name)) ||
	    !fpool_ioctl_string(c->policy, sizeof(c->policy)) || c->node < NUMA_NO_NODE)
		return -EINVAL;
	if (mutex_lock_killable(&fpool_pools_lock))
		return -EINTR;
	pool = fpool_control_create(&params);
	mutex_unlock(&fpool_pools_lock);
	return PTR_ERR_OR_ZERO(pool);
}

static long pool_destroy(struct file *file, void *arg)
{
	struct framepool_pool_destroy *d = arg;
	struct fpool_pool *pool;
	int err = -ENOENT;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!fpool_ioctl_string(d->name, sizeof(d->name)))
		return -EINVAL;
	if (mutex_lock_killable(&fpool_pools_lock))
		return -EINTR;
	pool = *d->name ? fpool_pool_find(d->name) : NULL;
	if (pool)
		err = fpool_control_destroy(pool);
	mutex_unlock(&fpool_pools_lock);
	return err;
}

static long set_policy(struct file *file, void *arg)
{
	struct framepool_pool_policy *p = arg;
	const struct fpool_policy_ops *ops;
	struct fpool_pool *pool;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!fpool_ioctl_string(p->name, sizeof(p->name)) ||
	    !fpool_ioctl_string(p->policy, sizeof(p->policy)))
		return -EINVAL;
	ops = fpool_policy_find(p->policy);
	if (!ops)
		return -EINVAL;
	if (mutex_lock_killable(&fpool_pools_lock))
		return -EINTR;
	pool = fpool_pool_find(p->name);
	if (pool)
		fpool_pool_set_policy(pool, ops);
	mutex_unlock(&fpool_pools_lock);
	return pool ? 0 : -ENOENT;
}

static void describe_frames(struct fpool_pool *pool, struct framepool_pool *info)
{
	unsigned int order;

	spin_lock(&pool->lock);
	fpool_pool_settle(pool);
	info->spaces = pool->nspaces;
	info->kernel = pool->frames.count[FPOOL_FRAME_KERNEL] + pool->ncached;
	info->nodes = pool->frames.count[FPOOL_FRAME_NODE];
	info->free = pool->nfree;
	info->resident = fpool_pool_resident(pool);
	info->resident_max = pool->resident_max;
	info->splits = pool->buddy.nsplits;
	info->merges = pool->buddy.nmerges;
	for (order = 0; order < FPOOL_NR_ORDERS; order++) {
		info->free_blocks[order] = pool->buddy.order[order].nfree;
		info->fragmentation[order] = fpool_buddy_fragmentation(&pool->buddy, order);
	}
	spin_unlock(&pool->lock);
}

static void describe_events(struct fpool_pool *pool, struct framepool_pool *info)
{
	const struct fpool_stats *stats = &pool->stats;

	info->minor_faults = fpool_stats_read(stats, FPOOL_STAT_MINOR_FAULTS);
	info->major_faults = fpool_stats_read(stats, FPOOL_STAT_MAJOR_FAULTS);
	info->fills = fpool_stats_read(stats, FPOOL_STAT_FILLS);
	info->fill_errors = fpool_stats_read(stats, FPOOL_STAT_FILL_ERRORS);
	info->evictions = fpool_stats_read(stats, FPOOL_STAT_EVICTIONS);
	info->written = fpool_stats_read(stats, FPOOL_STAT_WRITTEN);
	info->write_errors = fpool_stats_read(stats, FPOOL_STAT_WRITE_ERRORS);
	info->refaults = fpool_stats_read(stats, FPOOL_STAT_REFAULTS);
	info->direct_reclaims = fpool_stats_read(stats, FPOOL_STAT_DIRECT_RECLAIMS);
	info->frame_waits = fpool_stats_read(stats, FPOOL_STAT_FRAME_WAITS);
	info->starved = fpool_stats_read(stats, FPOOL_STAT_STARVED);
}

static void describe_pool(struct fpool_pool *pool, struct framepool_pool *info)
{
	const struct fpool_policy_ops *ops;

	info->cursor = pool->id;
	info->bytes = (u64)pool->region.nframes << PAGE_SHIFT;
	/* Where things lie in memory helps nobody but who attacks it. */
	info->base = capable(CAP_SYS_ADMIN) ? PFN_PHYS(pool->region.pfn) : 0;
	info->node = pool->region.node;
	info->frames = pool->region.nframes;
	info->bound = pool->region.nframes - pool->kernel_frames;
	info->state = pool->wsets.slots ? 0 : FRAMEPOOL_POOL_ONE_SET;
	describe_frames(pool, info);
	describe_events(pool, info);
	/* Another policy may be taking over: one of the two. */
	ops = READ_ONCE(pool->wsets.common.policy.ops);
	strscpy(info->policy, ops->name, sizeof(info->policy));
	memcpy(info->name, pool->name, sizeof(info->name));
}

static long pool_next(struct file *file, void *arg)
{
	struct framepool_pool *info = arg;
	struct fpool_pool *pool;
	long ret = -ENOENT;

	if (mutex_lock_killable(&fpool_pools_lock))
		return -EINTR;
	list_for_each_entry(pool, &fpool_pools, link) {
		if (pool->id > info->cursor) {
			describe_pool(pool, info);
			ret = 0;
			break;
		}
	}
	mutex_unlock(&fpool_pools_lock);
	return ret;
}

/* Working sets. */

static struct fpool_pool *find_pool(const char *name)
{
	lockdep_assert_held(&fpool_pools_lock);
	if (!fpool_ioctl_string(name, FRAMEPOOL_NAME_SIZE))
		return ERR_PTR(-EINVAL);
	return fpool_pool_find(name) ?: ERR_PTR(-ENOENT);
}

static long wset_next(struct file *file, void *arg)
{
	struct framepool_wset *info = arg;
	struct fpool_pool *pool;
	long err;

	if (mutex_lock_killable(&fpool_pools_lock))
		return -EINTR;
	pool = find_pool(info->name);
	err = PTR_ERR_OR_ZERO(pool);
	if (!err)
		err = fpool_mmset_next(pool, min_t(u64, info->cursor, FPOOL_WSETS_MAX), info);
	mutex_unlock(&fpool_pools_lock);
	return err;
}

/* Call @fn with a pool; @whose: its name. */
static long with_pool(const void *whose, fpool_limit_fn fn, void *arg)
{
	struct fpool_pool *pool;
	long err;

	/* Not killably: what was begun is undone in this way, too. */
	mutex_lock(&fpool_pools_lock);
	pool = find_pool(whose);
	err = IS_ERR(pool) ? PTR_ERR(pool) : fn(pool, arg);
	mutex_unlock(&fpool_pools_lock);
	return err;
}

struct get {
	struct mm_struct *mm;
	struct framepool_wset *info;
};

static long get_one(struct fpool_pool *pool, void *arg)
{
	const struct get *get = arg;

	return get->mm ? fpool_mmset_info(pool, get->mm, get->info) : -ESRCH;
}

static long wset_get(struct file *file, void *arg)
{
	struct framepool_wset *info = arg;
	struct get get = { .info = info };
	long err;

	if (info->cursor || info->pid < 0)
		return -EINVAL;
	get.mm = fpool_mmset_get_mm(info->pid);
	err = with_pool(info->name, get_one, &get);
	/* Its last user, perhaps: then its mappings end here, and that takes other locks. */
	if (get.mm)
		mmput(get.mm);
	return err;
}

/* Others may use the control node while this waits for pages to leave. */
static long wset_limit(struct file *file, void *arg)
{
	struct framepool_wset_limit *l = arg;
	struct fpool_limit limit = {
		.pid = l->pid,
		.min = l->min,
		.max = l->max,
		.with = with_pool,
		.whose = l->name,
	};

	return l->__reserved ? -EINVAL : fpool_limit_set(&limit);
}

static const struct fpool_ioctl commands[] = {
	{
		.cmd = FRAMEPOOL_ATTACH,
		.size = sizeof(struct framepool_attach),
		.min = offsetofend(struct framepool_attach, space_fd),
		.flags = FRAMEPOOL_ATTACH_READ_ONLY | FRAMEPOOL_ATTACH_MODE |
			 FRAMEPOOL_ATTACH_GROUP | FRAMEPOOL_ATTACH_DIRECT,
		.results = true,
		.fn = attach,
		.undo = undo_attach,
	},
	FPOOL_IOCTL_IN(FRAMEPOOL_DETACH, struct framepool_detach, name, detach),
	FPOOL_IOCTL(FRAMEPOOL_SPACE_NEXT, struct framepool_space, name, 0, space_next),
	{
		.cmd = FRAMEPOOL_POOL_CREATE,
		.size = sizeof(struct framepool_pool_create),
		.min = offsetofend(struct framepool_pool_create, name),
		.flags = FRAMEPOOL_POOL_ONE_SET,
		.fn = pool_create,
	},
	FPOOL_IOCTL_IN(FRAMEPOOL_POOL_DESTROY, struct framepool_pool_destroy, name, pool_destroy),
	FPOOL_IOCTL(FRAMEPOOL_POOL_NEXT, struct framepool_pool, name, 0, pool_next),
	FPOOL_IOCTL_IN(FRAMEPOOL_POOL_SET_POLICY, struct framepool_pool_policy, name, set_policy),
	FPOOL_IOCTL(FRAMEPOOL_WSET_NEXT, struct framepool_wset, name, 0, wset_next),
	FPOOL_IOCTL(FRAMEPOOL_WSET_GET, struct framepool_wset, name, 0, wset_get),
	FPOOL_IOCTL_IN(FRAMEPOOL_WSET_LIMIT, struct framepool_wset_limit, name, wset_limit),
};

static long control_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return fpool_ioctl_dispatch(commands, ARRAY_SIZE(commands), file, cmd, arg);
}

const struct file_operations fpool_control_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
