// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file in use.  Mapped through the pool or by plain mmap, what is measured is the same code.
 */
#include "target.h"
#include "fail.h"
#include "floor.h"

#include <fcntl.h>
#include <framepool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Through the pool; the file cannot be written to otherwise, if @flags say DIRECT. */
static int attach(const char *path, uint32_t flags)
{
	struct framepool_attach attach;
	int control = framepool_open(), error;

	if (control < 0)
		fail("%s: %s", FRAMEPOOL_CONTROL, strerror(-control));
	FRAMEPOOL_INIT(&attach);
	attach.flags = flags;
	error = framepool_attach_path(control, path, &attach);
	if (error)
		fail("attach %s: %s", path, strerror(-error));
	close(control);
	return attach.space_fd;
}

static size_t bytes_of(const struct target *target)
{
	return (size_t)target->pages * PAGE_BYTES;
}

void target_map(struct target *target, int advice)
{
	target->base = mmap(NULL, bytes_of(target), PROT_READ | PROT_WRITE, MAP_SHARED, target->fd,
			    0);
	if (target->base == MAP_FAILED)
		fail_errno("mmap");
	if (madvise(target->base, bytes_of(target), advice))
		fail_errno("madvise");
}

struct target target_open(const char *path, uint32_t pages, enum way way, int advice)
{
	struct target target = { .path = path, .pages = pages, .way = way };

	target.file = open(path, O_RDWR | O_CLOEXEC);
	if (target.file < 0)
		fail_errno(path);
	target.fd = way == WAY_MMAP ? target.file :
		    attach(path, way == WAY_DIRECT ? FRAMEPOOL_ATTACH_DIRECT : 0);
	target_map(&target, advice);
	return target;
}

struct target target_open_floor(const char *path, uint32_t pages, bool resident)
{
	struct target target = { .path = path, .pages = pages, .way = WAY_FLOOR };

	if (resident) {
		target.file = target.fd = memfd_create("floor", MFD_CLOEXEC);
		if (target.fd < 0 || ftruncate(target.fd, bytes_of(&target)))
			fail_errno("memfd");
		target_map(&target, MADV_NORMAL);
		for (uint32_t page = 0; page < pages; page++)
			*(uint64_t *)(target.base + (size_t)page * PAGE_BYTES) = page;
		return target;
	}
	target.file = target.fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (target.fd < 0)
		fail_errno(path);
	target.floor = floor_new(target.fd, pages, FRAMES);
	return target;
}

void target_close(struct target *target)
{
	if (target->base)
		munmap(target->base, bytes_of(target));
	if (target->floor)
		floor_free(target->floor);
	if (target->fd != target->file)
		close(target->fd);
	close(target->file);
}

void target_prepare(const struct target *target, struct pattern pattern)
{
	if (target->floor)
		floor_plan(target->floor, pattern);
}

void target_touch(const struct target *target, struct pattern pattern)
{
	if (target->floor) {
		floor_run(target->floor);
		return;
	}
	for (size_t i = 0; i < pattern.n; i++) {
		uint32_t page = pattern.accesses[i].page;
		volatile uint64_t *words = (uint64_t *)(target->base + (size_t)page * PAGE_BYTES);

		if (pattern.accesses[i].store)
			words[1] = i;
		else if (words[0] != page)
			fail("%s: page %u says %llu", target->path, page,
			     (unsigned long long)words[0]);
	}
}

void target_forget(const struct target *target)
{
	if (madvise(target->base, bytes_of(target), MADV_DONTNEED))
		fail_errno("madvise");
}

void target_sync(const struct target *target, struct pattern stores)
{
	if (target->floor)
		floor_store(target->floor, stores);
	else if (msync(target->base, bytes_of(target), MS_SYNC))
		fail_errno("msync");
}

const char *target_io_path(const struct target *target)
{
	struct framepool_space info;
	int error;

	if (target->way != WAY_POOL && target->way != WAY_DIRECT)
		return "-";
	FRAMEPOOL_INIT(&info);
	error = framepool_space_info(target->fd, &info);
	if (error)
		fail("SPACE_INFO: %s", strerror(-error));
	if (info.state & FRAMEPOOL_SPACE_DIRECT_PATH)
		return "direct";
	return info.state & FRAMEPOOL_SPACE_DIRECT_IO ? "vfs" : "buffered";
}

#define CHUNK 256u

void target_create(const char *path, uint32_t pages)
{
	uint64_t *chunk = aligned_alloc(PAGE_BYTES, CHUNK * PAGE_BYTES);
	int fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);

	if (!chunk || fd < 0)
		fail_errno(path);
	memset(chunk, 0, CHUNK * PAGE_BYTES);
	for (uint32_t page = 0; page < pages; page++) {
		uint32_t in_chunk = page % CHUNK;

		chunk[in_chunk * (PAGE_BYTES / sizeof(*chunk))] = page;
		if (in_chunk + 1 < CHUNK && page + 1 < pages)
			continue;
		if (write(fd, chunk, (in_chunk + 1) * PAGE_BYTES) < 0)
			fail_errno("write");
	}
	if (fsync(fd))
		fail_errno("fsync");
	close(fd);
	free(chunk);
}
