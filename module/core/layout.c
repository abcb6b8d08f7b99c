// SPDX-License-Identifier: GPL-2.0-only
/* The arithmetic of a region: see layout.h. */
#include <linux/kernel.h>

#include "buddy.h"
#include "frames.h"
#include "layout.h"
#include "ptable.h"

/* The frame table's entries do not cross cache lines. */
#define CACHE_LINE	64

/* Nodes of a space of four times the region: 512 entries each, and the levels above. */
static u32 reserve_frames(u32 nframes)
{
	u32 leaves = DIV_ROUND_UP(nframes, FPOOL_PTABLE_ENTRIES / 4);

	return leaves + DIV_ROUND_UP(leaves, FPOOL_PTABLE_ENTRIES) + 1;
}

/**
 * fpool_layout_of() - what is where in a region
 * @nframes: its frames
 *
 * Context: Any.
 * Return: The layout. Where the region is too small, @kernel is @nframes or more.
 */
struct fpool_layout fpool_layout_of(u32 nframes)
{
	u64 buddy = ALIGN((u64)fpool_buddy_bytes(nframes), CACHE_LINE);
	u32 meta = fpool_bytes_to_pages(buddy + fpool_frames_bytes(nframes));

	return (struct fpool_layout){
		.frames_at = buddy,
		.meta = meta,
		.kernel = meta + reserve_frames(nframes),
	};
}
