// SPDX-License-Identifier: MIT
/* A whole file mapped by one call. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define KNOWN_FLAGS (FRAMEPOOL_MAP_WRITE | FRAMEPOOL_MAP_PRIVATE | FRAMEPOOL_MAP_FALLBACK)

/* Does the error mean that no pool is within reach, rather than that this file does not fit one? */
static bool unreachable(int err)
{
	return err == -ENOENT || err == -ENXIO || err == -ENODEV || err == -EACCES || err == -EPERM;
}

static int attach_to(int control, int file, unsigned int flags, const char *pool)
{
	struct framepool_attach attach;
	int err;

	FRAMEPOOL_INIT(&attach);
	attach.fd = file;
	if (!(flags & FRAMEPOOL_MAP_WRITE))
		attach.flags = FRAMEPOOL_ATTACH_READ_ONLY;
	err = copy_name(attach.pool, pool ? pool : "");
	if (!err)
		err = framepool_attach(control, &attach);
	return err ? err : attach.space_fd;
}

/* Takes the ownership of @file; returns a descriptor of its space, or @file to be mapped itself. */
static int to_space(int file, unsigned int flags, const char *pool, bool *pooled)
{
	int control = framepool_open();
	int space;

	*pooled = true;
	if (control < 0) {
		if ((flags & FRAMEPOOL_MAP_FALLBACK) && unreachable(control)) {
			*pooled = false;
			return file;
		}
		close(file);
		return control;
	}
	space = attach_to(control, file, flags, pool);
	close(control);
	if (space == -ELOOP) /* it is a node of a space already */
		return file;
	close(file);
	return space;
}

static int map_whole(int fd, unsigned int flags, struct framepool_mapping *mapping)
{
	bool stores = flags & (FRAMEPOOL_MAP_WRITE | FRAMEPOOL_MAP_PRIVATE);
	int prot = stores ? PROT_READ | PROT_WRITE : PROT_READ;
	int type = flags & FRAMEPOOL_MAP_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
	off_t bytes = lseek(fd, 0, SEEK_END);
	void *addr;

	if (bytes < 0)
		return -errno;
	if (!bytes)
		return -ENODATA;
	if ((uint64_t)bytes > SIZE_MAX)
		return -EFBIG;
	addr = mmap(NULL, bytes, prot, type, fd, 0);
	if (addr == MAP_FAILED)
		return -errno;
	mapping->addr = addr;
	mapping->length = bytes;
	mapping->fd = fd;
	return 0;
}

int framepool_map_file(const char *path, unsigned int flags, const char *pool,
		       struct framepool_mapping *mapping)
{
	int fd, err;
	bool pooled;

	if (flags & ~KNOWN_FLAGS)
		return -EINVAL;
	if ((flags & FRAMEPOOL_MAP_WRITE) && (flags & FRAMEPOOL_MAP_PRIVATE))
		return -EINVAL;

	fd = open_backing(path, flags & FRAMEPOOL_MAP_WRITE ? O_RDWR : O_RDONLY);
	if (fd < 0)
		return fd;
	fd = to_space(fd, flags, pool, &pooled);
	if (fd < 0)
		return fd;
	err = map_whole(fd, flags, mapping);
	if (err) {
		close(fd);
		return err;
	}
	mapping->pooled = pooled;
	return 0;
}

int framepool_unmap(struct framepool_mapping *mapping)
{
	int err = 0;

	if (munmap(mapping->addr, mapping->length))
		err = -errno;
	if (close(mapping->fd) && !err)
		err = -errno;
	return err;
}
