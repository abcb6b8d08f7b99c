/* SPDX-License-Identifier: GPL-2.0-only */
/* What the I/O alone costs that a sequence of accesses cannot do without. */
#ifndef FLOOR_H
#define FLOOR_H

#include "pattern.h"

#include <stdint.h>

/** struct floor - a page cache that only keeps books, and a descriptor for direct I/O */
struct floor;

/** floor_new() - @fd was opened with O_DIRECT; @frames pages fit into memory */
struct floor *floor_new(int fd, uint32_t pages, uint32_t frames);

/** floor_plan() - keep the books of a pattern; what was planned before is forgotten */
void floor_plan(struct floor *floor, struct pattern pattern);

/** floor_run() - do the reads and writes that were planned */
void floor_run(struct floor *floor);

/** floor_store() - do one write for each access of a pattern, and flush */
void floor_store(struct floor *floor, struct pattern pattern);

void floor_free(struct floor *floor);

#endif
