/* SPDX-License-Identifier: GPL-2.0-only */
/* The reserved contiguous physical memory of a pool. */
#ifndef FPOOL_REGION_H
#define FPOOL_REGION_H

#include <linux/memremap.h>
#include <linux/mm.h>

#include "types.h"

#define FPOOL_REGION_ALIGN	SZ_2M
#define FPOOL_REGION_MIN	SZ_2M

/* Set when it is reserved, and never again (I). */
struct fpool_region {
	unsigned long pfn;		/* of frame 0 */
	void *base;			/* frame 0 in the kernel's address space */
	u32 nframes;
	int node;
	bool hidden;			/* from memmap=, by memremap_pages() */
	struct dev_pagemap pgmap;	/* of a hidden one */
};

int fpool_region_check(u64 bytes, u64 base);
int fpool_region_reserve(struct fpool_region *region, u64 bytes, u64 base, int node);
void fpool_region_release(struct fpool_region *region);

static inline struct page *fpool_region_page(const struct fpool_region *region,
					     fpool_frame_t frame)
{
	return pfn_to_page(region->pfn + fpool_frame_nr(frame));
}

static inline void *fpool_region_addr(const struct fpool_region *region, fpool_frame_t frame)
{
	return region->base + ((unsigned long)fpool_frame_nr(frame) << FPOOL_PAGE_SHIFT);
}

#endif /* FPOOL_REGION_H */
