// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core needs of a region for itself, with a space of four times the region that is mapped
 * densely.
 */
#include "bench.h"
#include "buddy.h"
#include "frames.h"
#include "ptable.h"

/* Nodes of a table of @pages entries, all levels. */
static u64 nodes_of(u64 pages)
{
	u64 nodes = 0;

	do {
		pages = (pages + FPOOL_PTABLE_ENTRIES - 1) / FPOOL_PTABLE_ENTRIES;
		nodes += pages;
	} while (pages > 1);
	return nodes;
}

static void print_size(u32 nframes)
{
	double buddy = fpool_buddy_bytes(nframes), frames = fpool_frames_bytes(nframes);
	double nodes = (double)nodes_of(4ull * nframes) * FPOOL_PAGE_BYTES;
	double all = buddy + frames + nodes;

	host_print("%9u%12.2f%12.2f%12.2f%9.2f%9.2f%%\n", nframes >> 8, buddy / nframes,
		   frames / nframes, nodes / nframes, all / nframes,
		   100 * all / ((double)nframes * FPOOL_PAGE_BYTES));
}

void bench_space(void)
{
	static const u32 sizes[] = { 1u << 14, 1u << 18, 1u << 24, 1u << 28 };

	host_print("\nmemory, bytes a frame, for a file four times the region\n"
		   "%9s%12s%12s%12s%9s%10s\n", "MiB", "buddy", "frame table", "page table", "all",
		   "of region");
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		print_size(sizes[i]);
}
