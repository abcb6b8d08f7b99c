/* SPDX-License-Identifier: GPL-2.0-only */
/* A file used through the pool, by plain mmap, or with direct I/O alone. */
#ifndef TARGET_H
#define TARGET_H

#include "pattern.h"

#include <stdbool.h>
#include <stdint.h>

#define PAGE_BYTES 4096u

/* Frames of 64 MiB. */
#define FRAMES 16384u

struct floor;

/* How the file is used. */
enum way {
	WAY_POOL, /* mapped through the pool */
	WAY_DIRECT, /* the same, attached with DIRECT */
	WAY_MMAP, /* mapped */
	WAY_FLOOR, /* direct I/O; where no I/O is needed, a mapped file of tmpfs */
};

/**
 * struct target - a file in use
 * @path: of the file or block device
 * @pages: how many of it are used
 * @way: how
 * @file: descriptor of the file
 * @fd: descriptor that was mapped: of the space, or @file
 * @base: where it is mapped, NULL if it is not
 * @floor: direct I/O, NULL for others
 *
 * The first eight bytes of every page hold its number: every load is checked.
 */
struct target {
	const char *path;
	uint32_t pages;
	enum way way;
	int file;
	int fd;
	char *base;
	struct floor *floor;
};

/** target_open() - open and map the first @pages pages of @path, and madvise() them */
struct target target_open(const char *path, uint32_t pages, enum way way, int advice);

/** target_map() - map them once more, with another @advice */
void target_map(struct target *target, int advice);

/** target_open_floor() - the same for direct I/O, or, if all is @resident, a new file of tmpfs */
struct target target_open_floor(const char *path, uint32_t pages, bool resident);

/** target_close() - unmap and close */
void target_close(struct target *target);

/** target_prepare() - get ready for a pattern: nothing where the file is mapped */
void target_prepare(const struct target *target, struct pattern pattern);

/** target_touch() - do what a pattern says, which has been prepared */
void target_touch(const struct target *target, struct pattern pattern);

/** target_forget() - take the processor's table entries away; the pages stay resident */
void target_forget(const struct target *target);

/** target_sync() - make what was stored by @stores durable */
void target_sync(const struct target *target, struct pattern stores);

/**
 * target_io_path() - how the pool does its I/O
 *
 * Return: "direct" past the file system, "vfs" by direct kiocbs of the file, "buffered"
 * through the page cache, "-" without pool.
 */
const char *target_io_path(const struct target *target);

/** target_create() - make the file of @pages, all numbered, and leave nothing of it cached */
void target_create(const char *path, uint32_t pages);

#endif
