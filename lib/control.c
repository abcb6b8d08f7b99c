// SPDX-License-Identifier: MIT
/* Commands of the control node: attach and detach, spaces, pools. */
#include <fcntl.h>
#include <unistd.h>

#include "internal.h"

bool framepool_name_valid(const char *name)
{
	static const char legal[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t length = strlen(name);

	if (!length || length >= FRAMEPOOL_NAME_SIZE || strspn(name, legal) != length)
		return false;
	return strcmp(name, "control") && strcmp(name, ".") && strcmp(name, "..");
}

int framepool_open(void)
{
	int fd = open(FRAMEPOOL_CONTROL, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int framepool_attach(int control, struct framepool_attach *attach)
{
	return command(control, FRAMEPOOL_ATTACH, attach);
}

int framepool_attach_path(int control, const char *path, struct framepool_attach *attach)
{
	int access = attach->flags & FRAMEPOOL_ATTACH_READ_ONLY ? O_RDONLY : O_RDWR;
	int fd = open_backing(path, access);
	int err;

	attach->fd = -1;
	if (fd < 0)
		return fd;
	attach->fd = fd;
	err = framepool_attach(control, attach);
	close(attach->fd);
	attach->fd = -1;
	return err;
}

int framepool_detach(int control, const char *name)
{
	struct framepool_detach detach;
	int err;

	FRAMEPOOL_INIT(&detach);
	err = copy_name(detach.name, name);
	return err ? err : command(control, FRAMEPOOL_DETACH, &detach);
}

/* The kernel ends an iteration with ENOENT. */
static int next(int control, unsigned long number, void *answer)
{
	int err = command(control, number, answer);

	if (err == -ENOENT)
		return 0;
	return err ? err : 1;
}

int framepool_next_space(int control, struct framepool_space *space)
{
	return next(control, FRAMEPOOL_SPACE_NEXT, space);
}

int framepool_find_space(int control, const char *name, struct framepool_space *space)
{
	int got;

	if (!*name)
		return -ENOENT;
	do {
		got = framepool_next_space(control, space);
		if (got <= 0)
			return got ? got : -ENOENT;
	} while (strcmp(space->name, name));
	return 0;
}

int framepool_pool_create(int control, struct framepool_pool_create *create)
{
	return command(control, FRAMEPOOL_POOL_CREATE, create);
}

int framepool_pool_destroy(int control, const char *name)
{
	struct framepool_pool_destroy destroy;
	int err;

	FRAMEPOOL_INIT(&destroy);
	err = copy_name(destroy.name, name);
	return err ? err : command(control, FRAMEPOOL_POOL_DESTROY, &destroy);
}

int framepool_pool_set_policy(int control, const char *name, const char *policy)
{
	struct framepool_pool_policy set;
	size_t length = strlen(policy);
	int err;

	FRAMEPOOL_INIT(&set);
	err = copy_name(set.name, name ? name : "");
	if (err || length >= sizeof(set.policy))
		return -EINVAL;
	memcpy(set.policy, policy, length);
	return command(control, FRAMEPOOL_POOL_SET_POLICY, &set);
}

int framepool_next_wset(int control, const char *pool, struct framepool_wset *wset)
{
	bool first = !wset->cursor;
	int err = copy_name(wset->name, pool ? pool : "");

	if (err)
		return err;
	err = next(control, FRAMEPOOL_WSET_NEXT, wset);
	/* Every pool has the common set. */
	return err || !first ? err : -ENOENT;
}

int framepool_get_wset(int control, const char *pool, pid_t pid, struct framepool_wset *wset)
{
	int err;

	FRAMEPOOL_INIT(wset);
	wset->pid = pid;
	err = copy_name(wset->name, pool ? pool : "");
	return err ? err : command(control, FRAMEPOOL_WSET_GET, wset);
}

int framepool_limit_wset(int control, const char *pool, pid_t pid, uint64_t min, uint64_t max)
{
	struct framepool_wset_limit limit;
	int err;

	FRAMEPOOL_INIT(&limit);
	limit.pid = pid;
	limit.min = min;
	limit.max = max;
	err = copy_name(limit.name, pool ? pool : "");
	return err ? err : command(control, FRAMEPOOL_WSET_LIMIT, &limit);
}

int framepool_next_pool(int control, struct framepool_pool *pool)
{
	return next(control, FRAMEPOOL_POOL_NEXT, pool);
}

int framepool_find_pool(int control, const char *name, struct framepool_pool *pool)
{
	int got;

	if (!name || !*name)
		name = FRAMEPOOL_DEFAULT_POOL;
	do {
		got = framepool_next_pool(control, pool);
		if (got <= 0)
			return got ? got : -ENOENT;
	} while (strcmp(pool->name, name));
	return 0;
}
