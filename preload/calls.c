// SPDX-License-Identifier: MIT
/*
 * Calls that read, write and resize: on the space of a file that is in the pool, where they
 * behave as on the file: they grow it, append, and move the descriptor's own position.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/framepool.h"
#include "preload.h"

#define OWN_POSITION ((off_t)-1)

static off_t total(const struct iovec *iov, int count)
{
	off_t sum = 0;
	int i;

	for (i = 0; i < count; i++)
		sum += iov[i].iov_len;
	return sum;
}

static int answer(int err)
{
	if (!err)
		return 0;
	errno = err < 0 ? -err : err;
	return -1;
}

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_size;
}

static ssize_t get(int fd, struct io *io, const struct iovec *iov, int count, off_t at, int flags)
{
	bool own = at == OWN_POSITION;
	ssize_t got = 0;

	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return answer(EBADF);
	if (own) {
		run_lock_order(io->order);
		at = lseek(fd, 0, SEEK_CUR);
	}
	/* An empty file has a space of one byte: a space cannot be empty. */
	if (size_of(fd))
		got = syscall(SYS_preadv2, io->space, iov, count, at, 0, flags);
	if (own) {
		if (got > 0)
			lseek(fd, at + got, SEEK_SET);
		run_unlock_order(io->order);
	}
	return got;
}

/* A space has one byte at least: it is cleared, and then the file is cut behind it. */
static int empty(int fd, int space)
{
	int err = framepool_resize(space, 1);

	if (err)
		return answer(err);
	if (syscall(SYS_pwrite64, space, "", 1, 0) != 1 || syscall(SYS_fsync, space))
		return -1;
	return syscall(SYS_ftruncate, fd, 0);
}

static int set_size(int fd, int space, off_t bytes)
{
	return bytes ? answer(framepool_resize(space, bytes)) : empty(fd, space);
}

/*
 * The blocks are asked for at once: whoever writes is told that the disk is full, not who syncs.
 * What lies between the old end and @at stays a hole.
 */
static int grow(int fd, int space, off_t size, off_t at, off_t to)
{
	off_t from = at > size ? at : size;
	int err = framepool_resize(space, to);

	if (err)
		return -err;
	if (!syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, from, to - from))
		return 0;
	err = errno;
	if (err == EOPNOTSUPP)
		return 0;
	set_size(fd, space, size);
	return err;
}

/* With the order's lock where the file grows or a position counts. */
static ssize_t put_at(int fd, int space, const struct iovec *iov, int count, off_t at, int flags)
{
	off_t size = size_of(fd), end = at + total(iov, count), reached;
	ssize_t done;
	int err;

	if (end > size) {
		err = grow(fd, space, size, at, end);
		if (err)
			return answer(err);
	}
	done = syscall(SYS_pwritev2, space, iov, count, at, 0, flags);
	reached = done > 0 && at + done > size ? at + done : size;
	if (reached < end) {
		err = errno;
		set_size(fd, space, reached);
		errno = err;
	}
	return done;
}

static ssize_t put(int fd, struct io *io, const struct iovec *iov, int count, off_t at, int flags)
{
	int how = fcntl(fd, F_GETFL);
	bool append = (how & O_APPEND) || (flags & RWF_APPEND), own = at == OWN_POSITION;
	bool ordered = own || append || at + total(iov, count) > io->st.st_size;
	ssize_t done;

	if ((how & O_ACCMODE) == O_RDONLY)
		return answer(EBADF);
	if (!total(iov, count))
		return 0;
	if (how & O_DSYNC)
		flags |= RWF_DSYNC;
	if (ordered)
		run_lock_order(io->order);
	if (append)
		at = size_of(fd);
	else if (own)
		at = lseek(fd, 0, SEEK_CUR);
	done = put_at(fd, io->space, iov, count, at, flags & ~RWF_APPEND);
	if (own && done > 0)
		lseek(fd, at + done, SEEK_SET);
	if (ordered)
		run_unlock_order(io->order);
	return done;
}

/* The body of a call that reads: through the space, or as the C library does it. */
#define READS(fd, iov, count, at, flags, otherwise)                       \
	do {                                                              \
		struct io io;                                             \
		ssize_t got;                                              \
									  \
		if (files_begin(&io, fd, false)) {                        \
			got = get(fd, &io, iov, count, at, flags);        \
			files_end(&io);                                   \
			return got;                                       \
		}                                                         \
		files_end(&io);                                           \
		return otherwise;                                         \
	} while (0)

/* A regular file is written to under the lock, so the C library's cancellation has no place. */
#define WRITES(fd, iov, count, at, flags, otherwise, direct)              \
	do {                                                              \
		struct io io;                                             \
		ssize_t done;                                             \
									  \
		if (files_begin(&io, fd, true))                           \
			done = put(fd, &io, iov, count, at, flags);       \
		else if (io.locked)                                       \
			done = direct;                                    \
		else                                                      \
			done = otherwise;                                 \
		files_end(&io);                                           \
		return done;                                              \
	} while (0)

EXPORT ssize_t read(int fd, void *buffer, size_t bytes)
{
	struct iovec iov = { buffer, bytes };

	READS(fd, &iov, 1, OWN_POSITION, 0, NEXT(read)(fd, buffer, bytes));
}

EXPORT ssize_t pread64(int fd, void *buffer, size_t bytes, off64_t at)
{
	struct iovec iov = { buffer, bytes };

	if (at < 0)
		return answer(EINVAL);
	READS(fd, &iov, 1, at, 0, NEXT(pread64)(fd, buffer, bytes, at));
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
	READS(fd, iov, count, OWN_POSITION, 0, NEXT(readv)(fd, iov, count));
}

EXPORT ssize_t preadv64(int fd, const struct iovec *iov, int count, off64_t at)
{
	if (at < 0)
		return answer(EINVAL);
	READS(fd, iov, count, at, 0, NEXT(preadv64)(fd, iov, count, at));
}

EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int count, off64_t at, int flags)
{
	READS(fd, iov, count, at, flags, NEXT(preadv64v2)(fd, iov, count, at, flags));
}

EXPORT ssize_t write(int fd, const void *buffer, size_t bytes)
{
	struct iovec iov = { (void *)buffer, bytes };

	WRITES(fd, &iov, 1, OWN_POSITION, 0, NEXT(write)(fd, buffer, bytes),
	       syscall(SYS_write, fd, buffer, bytes));
}

EXPORT ssize_t pwrite64(int fd, const void *buffer, size_t bytes, off64_t at)
{
	struct iovec iov = { (void *)buffer, bytes };

	if (at < 0)
		return answer(EINVAL);
	WRITES(fd, &iov, 1, at, 0, NEXT(pwrite64)(fd, buffer, bytes, at),
	       syscall(SYS_pwrite64, fd, buffer, bytes, at));
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
	WRITES(fd, iov, count, OWN_POSITION, 0, NEXT(writev)(fd, iov, count),
	       syscall(SYS_writev, fd, iov, count));
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *iov, int count, off64_t at)
{
	if (at < 0)
		return answer(EINVAL);
	WRITES(fd, iov, count, at, 0, NEXT(pwritev64)(fd, iov, count, at),
	       syscall(SYS_pwritev, fd, iov, count, at, 0));
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off64_t at, int flags)
{
	WRITES(fd, iov, count, at, flags, NEXT(pwritev64v2)(fd, iov, count, at, flags),
	       syscall(SYS_pwritev2, fd, iov, count, at, 0, flags));
}

/* What programs call that were compiled with _FORTIFY_SOURCE. */
EXPORT ssize_t __read_chk(int fd, void *buffer, size_t bytes, size_t room);
EXPORT ssize_t __pread64_chk(int fd, void *buffer, size_t bytes, off64_t at, size_t room);

void __chk_fail(void) __attribute__((noreturn));

ssize_t __read_chk(int fd, void *buffer, size_t bytes, size_t room)
{
	if (bytes > room)
		__chk_fail();
	return read(fd, buffer, bytes);
}

ssize_t __pread64_chk(int fd, void *buffer, size_t bytes, off64_t at, size_t room)
{
	if (bytes > room)
		__chk_fail();
	return pread64(fd, buffer, bytes, at);
}

static int resize(int fd, struct io *io, off_t bytes)
{
	int ret;

	if (bytes < 0 || (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		return answer(EINVAL);
	run_lock_order(io->order);
	ret = set_size(fd, io->space, bytes);
	run_unlock_order(io->order);
	return ret;
}

EXPORT int ftruncate64(int fd, off64_t bytes)
{
	struct io io;
	int ret;

	if (files_begin(&io, fd, true))
		ret = resize(fd, &io, bytes);
	else
		ret = syscall(SYS_ftruncate, fd, bytes);
	files_end(&io);
	return ret;
}

/* By its path, without a descriptor of the program's; without one of ours as of what runs. */
EXPORT int truncate64(const char *path, off64_t bytes)
{
	struct stat st;
	int fd;

	if (!run || !run->active || stat(path, &st) || !S_ISREG(st.st_mode) || !files_shared(&st))
		return NEXT(truncate64)(path, bytes);
	/* The descriptor may be one of before, when the process had other rights. */
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		return -1;
	fd = files_open(path, &st);
	return fd < 0 ? answer(ETXTBSY) : ftruncate64(fd, bytes);
}

/* Blocks may be added; what moves or clears bytes is refused, and programs have another way. */
static int allocate(int fd, struct io *io, int mode, off_t at, off_t bytes)
{
	off_t size;
	int ret;

	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return answer(EOPNOTSUPP);
	ret = syscall(SYS_fallocate, fd, FALLOC_FL_KEEP_SIZE, at, bytes);
	if (ret || mode)
		return ret;
	run_lock_order(io->order);
	size = size_of(fd);
	if (at + bytes > size)
		ret = answer(framepool_resize(io->space, at + bytes));
	run_unlock_order(io->order);
	return ret;
}

EXPORT int fallocate64(int fd, int mode, off64_t at, off64_t bytes)
{
	struct io io;
	int ret;

	if (files_begin(&io, fd, true))
		ret = allocate(fd, &io, mode, at, bytes);
	else
		ret = syscall(SYS_fallocate, fd, mode, at, bytes);
	files_end(&io);
	return ret;
}

EXPORT int posix_fallocate64(int fd, off64_t at, off64_t bytes)
{
	struct io io;
	int ret;

	if (files_begin(&io, fd, true))
		ret = allocate(fd, &io, 0, at, bytes) ? errno : 0;
	else
		ret = NEXT(posix_fallocate64)(fd, at, bytes);
	files_end(&io);
	return ret;
}

/* The space's fsync() writes its pages, and has the file system flush the file. */
static bool sync_space(int fd, int *ret)
{
	bool write = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY, there;
	struct io io;

	if (!run || !run->active)
		return false;
	there = files_begin(&io, fd, write);
	if (there)
		*ret = syscall(SYS_fsync, io.space);
	files_end(&io);
	return there;
}

EXPORT int fsync(int fd)
{
	int ret;

	return sync_space(fd, &ret) ? ret : NEXT(fsync)(fd);
}

EXPORT int fdatasync(int fd)
{
	int ret;

	return sync_space(fd, &ret) ? ret : NEXT(fdatasync)(fd);
}

/* The file system takes for a hole what only the pool has: first it is written. */
EXPORT off64_t lseek64(int fd, off64_t at, int whence)
{
	struct framepool_range all;
	struct io io;
	int err = 0;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		FRAMEPOOL_INIT(&all);
		if (files_begin(&io, fd, false) && io.st.st_size)
			err = framepool_sync(io.space, &all);
		files_end(&io);
	}
	return err ? answer(err) : syscall(SYS_lseek, fd, at, whence);
}

/*
 * Between descriptors, without the program's memory: out of a space it works as out of a file. It
 * may wait for a receiver for long: without the lock, with signals, and with the file in the pool.
 */
EXPORT ssize_t sendfile64(int out, int in, off64_t *at, size_t bytes)
{
	off64_t own;
	struct io io;
	ssize_t done;

	if (run && run->active) {
		if (files_begin(&io, out, true)) {
			files_end(&io);
			return answer(EINVAL);
		}
		files_end(&io);
	}
	if (!files_begin(&io, in, false) || !io.st.st_size) {
		files_end(&io);
		return NEXT(sendfile64)(out, in, at, bytes);
	}
	files_keep(&io);
	own = at ? *at : lseek(in, 0, SEEK_CUR);
	done = syscall(SYS_sendfile, out, io.space, &own, bytes);
	if (done > 0 && at)
		*at = own;
	else if (done > 0)
		lseek(in, own, SEEK_SET);
	files_release(&io);
	return done;
}

static bool is_pooled(int fd)
{
	bool found;
	struct io io;

	if (!run || !run->active)
		return false;
	found = files_begin(&io, fd, false);
	files_end(&io);
	return found;
}

/* As between two file systems, and as with a kind of file that cannot: programs then copy. */
EXPORT ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t bytes,
			       unsigned int flags)
{
	if (is_pooled(in) || is_pooled(out))
		return answer(EXDEV);
	return NEXT(copy_file_range)(in, from, out, to, bytes, flags);
}

EXPORT ssize_t splice(int in, off64_t *from, int out, off64_t *to, size_t bytes,
		      unsigned int flags)
{
	if (is_pooled(in) || is_pooled(out))
		return answer(EINVAL);
	return NEXT(splice)(in, from, out, to, bytes, flags);
}

/* On 64-bit machines both names are one function. */
#define SAME(name, as) EXPORT __typeof__(name) name __attribute__((alias(as)))

SAME(lseek, "lseek64");
SAME(pread, "pread64");
SAME(preadv, "preadv64");
SAME(preadv2, "preadv64v2");
SAME(pwrite, "pwrite64");
SAME(pwritev, "pwritev64");
SAME(pwritev2, "pwritev64v2");
SAME(ftruncate, "ftruncate64");
SAME(truncate, "truncate64");
SAME(fallocate, "fallocate64");
SAME(posix_fallocate, "posix_fallocate64");
SAME(sendfile, "sendfile64");
EXPORT ssize_t __pread_chk(int fd, void *buffer, size_t bytes, off_t at, size_t room)
	__attribute__((alias("__pread64_chk")));
