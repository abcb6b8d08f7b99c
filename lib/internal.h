/* SPDX-License-Identifier: MIT */
/* What the files of libframepool share; not installed. */
#ifndef FRAMEPOOL_INTERNAL_H
#define FRAMEPOOL_INTERNAL_H

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "framepool.h"

/* ioctl() with the library's convention for errors; no command of ours answers more than 0. */
static inline int command(int fd, unsigned long number, void *argument)
{
	return ioctl(fd, number, argument) < 0 ? -errno : 0;
}

/*
 * open() of what is to be a file or a block device: a pipe must not make us wait for its other end,
 * only to be refused. Who gets the descriptor gets it as if it had been opened without that.
 */
static inline int open_backing(const char *path, int access)
{
	int fd = open(path, access | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fcntl(fd, F_SETFL, access) < 0) {
		int err = -errno;

		if (fd >= 0)
			close(fd);
		return err;
	}
	return fd;
}

/* A name that is too long must not become another one by being cut. */
static inline int copy_name(char to[FRAMEPOOL_NAME_SIZE], const char *name)
{
	size_t length = strlen(name);

	if (length >= FRAMEPOOL_NAME_SIZE)
		return -EINVAL;
	memcpy(to, name, length + 1);
	return 0;
}

#endif /* FRAMEPOOL_INTERNAL_H */
