// SPDX-License-Identifier: MIT
/* Descriptors that come and go; FILEs of stdio, whose reads and writes nobody can stand before. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/framepool.h"
#include "preload.h"

/* Cutting is for ftruncate(), which knows of the pool. */
static int open_uncut(int directory, const char *path, int flags, mode_t mode)
{
	bool cut = run && run->active && (flags & O_TRUNC) && (flags & O_ACCMODE) != O_RDONLY;
	struct stat st;
	int fd, err;

	fd = syscall(SYS_openat, directory, path, cut ? flags & ~O_TRUNC : flags, mode);
	if (!cut || fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return fd;
	if (!ftruncate(fd, 0))
		return fd;
	err = errno;
	syscall(SYS_close, fd);
	errno = err;
	return -1;
}

static mode_t mode_of(int flags, va_list args)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

/* Only what cuts is ours; all else is left to the C library. */
#define OPENS(directory, path, flags, otherwise)                          \
	do {                                                              \
		va_list args;                                             \
		mode_t mode;                                              \
									  \
		va_start(args, flags);                                    \
		mode = mode_of(flags, args);                              \
		va_end(args);                                             \
		if (run && run->active && ((flags) & O_TRUNC))            \
			return open_uncut(directory, path, flags, mode);  \
		return otherwise;                                         \
	} while (0)

EXPORT int open64(const char *path, int flags, ...)
{
	OPENS(AT_FDCWD, path, flags, NEXT(open64)(path, flags, mode));
}

EXPORT int openat64(int directory, const char *path, int flags, ...)
{
	OPENS(directory, path, flags, NEXT(openat64)(directory, path, flags, mode));
}

EXPORT int creat64(const char *path, mode_t mode)
{
	return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int open(const char *path, int flags, ...) __attribute__((alias("open64")));
EXPORT int openat(int directory, const char *path, int flags, ...)
	__attribute__((alias("openat64")));
EXPORT int creat(const char *path, mode_t mode) __attribute__((alias("creat64")));

/* With _FORTIFY_SOURCE; there is no mode. */
EXPORT int __open64_2(const char *path, int flags);
EXPORT int __openat64_2(int directory, const char *path, int flags);

int __open64_2(const char *path, int flags)
{
	return open64(path, flags, 0);
}

int __openat64_2(int directory, const char *path, int flags)
{
	return openat64(directory, path, flags, 0);
}

EXPORT int __open_2(const char *path, int flags) __attribute__((alias("__open64_2")));
EXPORT int __openat_2(int directory, const char *path, int flags)
	__attribute__((alias("__openat64_2")));

/* Programs close what they do not know. */
EXPORT int close(int fd)
{
	if (files_own(fd)) {
		errno = EBADF;
		return -1;
	}
	return NEXT(close)(fd);
}

static int close_between(unsigned int first, unsigned int end, int flags)
{
	if (first >= end)
		return 0;
	return syscall(SYS_close_range, first, end - 1, flags);
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	unsigned int fd, from = first, limit = run_first_fd() + 1024;

	if (!run || first > last)
		return NEXT(close_range)(first, last, flags);
	for (fd = first; fd <= last && fd < limit; fd++)
		if (files_own(fd)) {
			if (close_between(from, fd, flags))
				return -1;
			from = fd + 1;
		}
	return from > last ? 0 : syscall(SYS_close_range, from, last, flags);
}

EXPORT void closefrom(int first)
{
	close_range(first < 0 ? 0 : first, ~0U, 0);
}

EXPORT int dup2(int fd, int to)
{
	if (fd != to && files_own(to))
		files_step_aside(to);
	return NEXT(dup2)(fd, to);
}

EXPORT int dup3(int fd, int to, int flags)
{
	if (fd != to && files_own(to))
		files_step_aside(to);
	return NEXT(dup3)(fd, to, flags);
}

static bool writes(int fd)
{
	return (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

/* Somebody may store into the space, then or later. */
static bool stored_into(int space)
{
	struct framepool_space info;

	FRAMEPOOL_INIT(&info);
	return framepool_space_info(space, &info) || (info.state & FRAMEPOOL_SPACE_WRITABLE);
}

/*
 * A file that is in the pool already, ours or another process's: at least what was stored up to
 * now is in the file.
 */
static void warn(uint32_t number, int fd, const struct stat *st)
{
	struct file *file = files_get(number);
	struct framepool_range range;
	int space;

	if (file->read_fd < 0 && file->write_fd < 0 && files_shared(st))
		files_follow(number, fd);
	/* Those who had it have ended. */
	files_forget_last(number);
	space = file->read_fd >= 0 ? file->read_fd : file->write_fd;
	if (space < 0)
		return;
	FRAMEPOOL_INIT(&range);
	framepool_sync(space, &range);
	if (!file->said && (writes(fd) || stored_into(space))) {
		file->said = true;
		run_say(fd, "is in the pool, and stdio, which has opened it, goes past the pool",
			0);
	}
	files_forget(number);
}

static FILE *opened(FILE *stream)
{
	uint32_t number;
	sigset_t signals;
	struct stat st;
	int fd;

	if (!run || !stream)
		return stream;
	fd = fileno(stream);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return stream;
	run_lock(&signals);
	number = files_make(&st);
	if (number != NO_FILE) {
		if (writes(fd))
			files_get(number)->streams_writing++;
		else
			files_get(number)->streams_reading++;
		warn(number, fd, &st);
	}
	run_unlock(&signals);
	return stream;
}

static void closing(FILE *stream)
{
	int fd = stream ? fileno(stream) : -1;
	unsigned int *streams;
	uint32_t number;
	sigset_t signals;
	struct stat st;

	if (!run || fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return;
	run_lock(&signals);
	number = files_find(&st);
	if (number != NO_FILE) {
		streams = writes(fd) ? &files_get(number)->streams_writing :
				       &files_get(number)->streams_reading;
		if (*streams)
			--*streams;
		files_forget(number);
	}
	run_unlock(&signals);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
	return opened(NEXT(fopen64)(path, mode));
}

EXPORT FILE *fopen(const char *path, const char *mode) __attribute__((alias("fopen64")));

EXPORT FILE *fdopen(int fd, const char *mode)
{
	return opened(NEXT(fdopen)(fd, mode));
}

EXPORT FILE *freopen64(const char *path, const char *mode, FILE *stream)
{
	closing(stream);
	return opened(NEXT(freopen64)(path, mode, stream));
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *stream)
	__attribute__((alias("freopen64")));

EXPORT int fclose(FILE *stream)
{
	closing(stream);
	return NEXT(fclose)(stream);
}
