/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where what a pool knows of its frames is in the region, and what is left for pages.
 *
 *	frame 0                                                        nframes
 *	+---------------+-----------------+--------------------------------+
 *	| buddy bitmaps | reserve for     | user space: frames for pages   |
 *	| frame table   | page-table nodes|                                |
 *	+---------------+-----------------+--------------------------------+
 *	|<--- meta ---->|
 *	|<------------ kernel ----------->|
 *
 * The reserve is as large as the nodes of a space of four times the region.
 */
#ifndef FPOOL_CORE_LAYOUT_H
#define FPOOL_CORE_LAYOUT_H

#include "types.h"

/**
 * struct fpool_layout - of a region
 * @frames_at: where the frame table begins, in bytes; the buddy bitmaps are before it
 * @meta: frames of both
 * @kernel: frames of kernel space: @meta and the reserve
 */
struct fpool_layout {
	u64 frames_at;
	u32 meta;
	u32 kernel;
};

struct fpool_layout fpool_layout_of(u32 nframes);

#endif /* FPOOL_CORE_LAYOUT_H */
