/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the demo programs share. Nothing here knows of framepool: they map a path, and that is a
 * plain file or a node of a pool.
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096

struct mapping {
	unsigned char *addr;
	size_t bytes;
	int fd;
};

/* Map @path whole and shared, or end the program with a message. */
struct mapping map_path(const char *path, bool for_writing);
void unmap(struct mapping *m);

/*
 * A bar on standard error where that is a terminal (or DEMO_BAR is set), a line for each quarter
 * elsewhere.
 */
void progress(const char *label, uint64_t done, uint64_t total);

#endif /* DEMO_H */
