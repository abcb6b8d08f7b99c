// SPDX-License-Identifier: MIT
/* Mappings: which go through the pool, and where they are. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "preload.h"

static uintptr_t page_end(uintptr_t address)
{
	return (address + 4095) & ~(uintptr_t)4095;
}

static void *map(void *address, size_t length, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, address, length, prot, flags, fd, offset);
}

static bool is_shared(int flags)
{
	return (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
}

/* Of a file at all, and of one that lies on something that is not memory. */
static bool is_file(int flags, int fd, struct stat *st)
{
	struct statfs fs;

	if (!run || (flags & MAP_ANONYMOUS) || fd < 0 || fstat(fd, st) || !S_ISREG(st->st_mode))
		return false;
	if (fstatfs(fd, &fs))
		return false;
	return fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC &&
	       fs.f_type != HUGETLBFS_MAGIC && fs.f_type != PROC_SUPER_MAGIC &&
	       fs.f_type != SYSFS_MAGIC;
}

/* Shared, or read-only: stores into a private mapping make copies outside of any pool. */
static bool is_asked_for(size_t length, int prot, int flags, int fd)
{
	return (is_shared(flags) || !(prot & PROT_WRITE)) && length >= run_min_size &&
	       run_matches(fd);
}

/* Why a file cannot be in the pool, in words; NULL: it can. */
static const char *obstacle(const struct file *file, int prot, int flags)
{
	bool stores = is_shared(flags) && (prot & PROT_WRITE);

	if (prot & PROT_EXEC)
		return "is left alone: it is mapped to be executed";
	if (file->streams_writing || (stores && file->streams_reading))
		return "is left alone: stdio has it open, and goes past the pool";
	return NULL;
}

/* Decide, with the lock held: the number of a file that is in the pool now, or NO_FILE. */
static uint32_t enter(const struct stat *st, size_t length, int prot, int flags, int fd)
{
	uint32_t number;
	const char *why;
	int err;

	/* The kernel refuses it. */
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return NO_FILE;
	number = files_make(st);
	if (number == NO_FILE || !ranges_reserve())
		return NO_FILE;
	if (!files_get(number)->ranges && !files_shared(st) &&
	    !is_asked_for(length, prot, flags, fd)) {
		/* A private copy has never promised to follow the file. */
		if (is_shared(flags) || !(prot & PROT_WRITE))
			files_alone(number, fd, NULL, 0);
		files_forget(number);
		return NO_FILE;
	}
	if (files_get(number)->alone) {
		files_alone(number, fd,
			    "is left alone: a part of it is mapped without the pool already", 0);
		return NO_FILE;
	}
	why = obstacle(files_get(number), prot, flags);
	err = why ? 0 : files_attach(number, fd);
	if (!why && !err)
		return number;
	if (err == ENODATA)
		files_alone(number, fd, "is left alone: it is empty when it is mapped", 0);
	else
		files_alone(number, fd, why ? why : "is left alone: the pool does not take it",
			    err);
	return NO_FILE;
}

static int space_for(uint32_t number, int fd)
{
	const struct file *file = files_get(number);
	bool write = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;

	/* A read-only descriptor's mapping can never be made writable. */
	return write ? file->write_fd : file->read_fd;
}

/* With the lock held. */
static void *map_pooled(uint32_t number, void *address, size_t length, int prot, int flags, int fd,
			off_t offset)
{
	void *at = map(address, length, prot, flags, space_for(number, fd), offset);

	if (at == MAP_FAILED) {
		int err = errno;

		files_forget(number);
		errno = err;
		return at;
	}
	if (flags & MAP_FIXED)
		ranges_cut((uintptr_t)at, page_end((uintptr_t)at + length));
	ranges_add((uintptr_t)at, page_end((uintptr_t)at + length), number);
	return at;
}

EXPORT void *mmap64(void *address, size_t length, int prot, int flags, int fd, off64_t offset)
{
	uint32_t number = NO_FILE;
	sigset_t signals;
	struct stat st;
	void *at;

	if (!is_file(flags, fd, &st) && (ranges_empty() || !(flags & MAP_FIXED)))
		return map(address, length, prot, flags, fd, offset);
	run_lock(&signals);
	if (is_file(flags, fd, &st))
		number = enter(&st, length, prot, flags, fd);
	if (number != NO_FILE) {
		at = map_pooled(number, address, length, prot, flags, fd, offset);
	} else {
		at = map(address, length, prot, flags, fd, offset);
		if (at != MAP_FAILED && (flags & MAP_FIXED))
			ranges_cut((uintptr_t)at, page_end((uintptr_t)at + length));
	}
	run_unlock(&signals);
	return at;
}

EXPORT void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
	__attribute__((alias("mmap64")));

EXPORT int munmap(void *address, size_t length)
{
	uintptr_t start = (uintptr_t)address;
	sigset_t signals;
	int ret;

	if (ranges_empty())
		return syscall(SYS_munmap, address, length);
	run_lock(&signals);
	ret = ranges_reserve() ? syscall(SYS_munmap, address, length) : -1;
	if (!ret)
		ranges_cut(start, page_end(start + length));
	run_unlock(&signals);
	return ret;
}

/* What was mapped there before is gone, and so is what was at the place that it has moved to. */
static void moved(uintptr_t from, size_t old_length, uintptr_t to, size_t length, int flags)
{
	int number = ranges_find(from);

	if (number >= 0) /* not to be forgotten in between */
		files_mapped(number);
	if (!(flags & MREMAP_DONTUNMAP))
		ranges_cut(from, page_end(from + old_length));
	if (flags & MREMAP_FIXED)
		ranges_cut(to, page_end(to + length));
	if (number >= 0) {
		ranges_add(to, page_end(to + length), number);
		files_unmapped(number);
	}
}

static void *remap(void *address, size_t old_length, size_t length, int flags, void *fixed)
{
	return (void *)syscall(SYS_mremap, address, old_length, length, flags, fixed);
}

/*
 * 6.12 merges no mapping of frames with its extension, and answers ENOMEM instead of moving it.
 * With something behind it, it moves.
 */
static void *grow_elsewhere(void *address, size_t old_length, size_t length, int flags)
{
	void *behind = (void *)page_end((uintptr_t)address + old_length), *guard, *at;

	guard = map(behind, 4096, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
	at = remap(address, old_length, length, flags, NULL);
	if (guard == behind)
		syscall(SYS_munmap, guard, 4096);
	return at;
}

static void *remap_locked(void *address, size_t old_length, size_t length, int flags, void *fixed)
{
	void *at;

	if (!ranges_reserve())
		return MAP_FAILED;
	at = remap(address, old_length, length, flags, fixed);
	if (at == MAP_FAILED && errno == ENOMEM && length > old_length && flags == MREMAP_MAYMOVE &&
	    ranges_find((uintptr_t)address) >= 0)
		at = grow_elsewhere(address, old_length, length, flags);
	if (at != MAP_FAILED)
		moved((uintptr_t)address, old_length, (uintptr_t)at, length, flags);
	return at;
}

EXPORT void *mremap(void *address, size_t old_length, size_t length, int flags, ...)
{
	void *fixed = NULL, *at;
	sigset_t signals;
	va_list args;

	va_start(args, flags);
	if (flags & MREMAP_FIXED)
		fixed = va_arg(args, void *);
	va_end(args);
	if (ranges_empty())
		return remap(address, old_length, length, flags, fixed);
	run_lock(&signals);
	at = remap_locked(address, old_length, length, flags, fixed);
	run_unlock(&signals);
	return at;
}
