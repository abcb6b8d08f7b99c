/* SPDX-License-Identifier: GPL-2.0-only */
/* A file mapped through the pool, or by plain mmap. */
#ifndef TARGET_H
#define TARGET_H

#include "pattern.h"

#include <stdbool.h>
#include <stdint.h>

#define PAGE_BYTES 4096u

/**
 * struct target - a mapped file
 * @path: of the file or block device
 * @pages: how many of it are used
 * @pooled: through the pool
 * @file: descriptor of the file
 * @fd: descriptor that was mapped: of the space, or @file
 * @base: where it is mapped
 *
 * The first eight bytes of every page hold its number: every load is checked.
 */
struct target {
	const char *path;
	uint32_t pages;
	bool pooled;
	int file;
	int fd;
	char *base;
};

/** target_open() - open and map the first @pages pages of @path, and madvise() them */
struct target target_open(const char *path, uint32_t pages, bool pooled, int advice);

/** target_close() - unmap and close */
void target_close(struct target *target);

/** target_touch() - do what a pattern says */
void target_touch(const struct target *target, struct pattern pattern);

/** target_forget() - take the processor's table entries away; the pages stay resident */
void target_forget(const struct target *target);

/** target_sync() - msync() all of it */
void target_sync(const struct target *target);

/** target_create() - make the file, @pages long and every page numbered, without leaving it cached */
void target_create(const char *path, uint32_t pages);

#endif
