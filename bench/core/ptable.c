// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow page table: entries are made, read and removed again, in the order of pages and in a
 * random one.
 */
#include "bench.h"
#include "ptable.h"

/* Of a space of 4 GiB. */
#define PAGES (1u << 20)

/* Its leaves, and the few nodes above them. */
#define NODES (PAGES / FPOOL_PTABLE_ENTRIES + 64)

/* The first frames are nodes, and only these have memory; the others hold the pages. */
#define NFRAMES (NODES + PAGES)

struct rig {
	struct fpool_frames frames;
	void *frame_memory;
	void *base;
	struct fpool_ptable table;
	u32 unused[NODES];
	u32 nunused;
};

static fpool_frame_t node_alloc(void *ctx, u32 space)
{
	struct rig *rig = ctx;
	fpool_frame_t node;

	if (!rig->nunused)
		return FPOOL_NO_FRAME;
	node = fpool_frame(rig->unused[--rig->nunused]);
	fpool_frames_mark_node(&rig->frames, node, space);
	return node;
}

static void node_free(void *ctx, fpool_frame_t node)
{
	struct rig *rig = ctx;

	fpool_frames_mark_free(&rig->frames, node);
	rig->unused[rig->nunused++] = fpool_frame_nr(node);
}

static const struct fpool_ptable_ops ops = {
	.node_alloc = node_alloc,
	.node_free = node_free,
};

static struct rig *make(void)
{
	struct rig *rig = bench_memory(sizeof(*rig));

	rig->frame_memory = bench_memory(fpool_frames_bytes(NFRAMES));
	rig->base = bench_memory((size_t)NODES * FPOOL_PAGE_BYTES);
	fpool_frames_init(&rig->frames, rig->frame_memory, NFRAMES);
	fpool_ptable_init(&rig->table, &ops, rig, &rig->frames, rig->base, 1);
	for (u32 node = NODES; node-- > 0;)
		rig->unused[rig->nunused++] = node;
	return rig;
}

static void set_all(struct rig *rig, const u32 *pages, u64 flags)
{
	for (u32 i = 0; i < PAGES; i++) {
		fpool_spte_t entry = fpool_spte(0);

		if (flags)
			entry = fpool_spte_make(fpool_frame(NODES + i), flags);
		if (fpool_ptable_set(&rig->table, fpool_vpn(pages[i]), entry))
			__builtin_trap();
	}
}

static void get_all(const struct rig *rig, const u32 *pages)
{
	for (u32 i = 0; i < PAGES; i++) {
		fpool_spte_t entry = fpool_ptable_get(&rig->table, fpool_vpn(pages[i]));

		if (!fpool_spte_has(entry, FPOOL_SPTE_P))
			__builtin_trap();
	}
}

static double since(u64 *start)
{
	u64 now = host_nsec();
	double each = (double)(now - *start) / PAGES;

	*start = now;
	return each;
}

static void keep_best(double *best, double each)
{
	*best = each < *best ? each : *best;
}

static void measure(struct rig *rig, const u32 *pages, const char *name)
{
	double map = 1e9, walk = 1e9, unmap = 1e9;

	for (unsigned int i = 0; i < BENCH_REPEATS / 3; i++) {
		u64 start = host_nsec();

		set_all(rig, pages, FPOOL_SPTE_P);
		keep_best(&map, since(&start));
		get_all(rig, pages);
		keep_best(&walk, since(&start));
		set_all(rig, pages, 0);
		keep_best(&unmap, since(&start));
	}
	host_print("%-12s%9.1f%9.1f%9.1f\n", name, map, walk, unmap);
}

void bench_ptable(void)
{
	u32 *pages = bench_memory(PAGES * sizeof(*pages));
	struct rig *rig = make();

	host_print("\nshadow page table, nanoseconds an entry, a space of 4 GiB\n"
		   "%-12s%9s%9s%9s\n", "order", "map", "walk", "unmap");
	for (u32 i = 0; i < PAGES; i++)
		pages[i] = i;
	measure(rig, pages, "sequential");
	bench_shuffle(pages, PAGES);
	measure(rig, pages, "random");

	host_free(rig->frame_memory);
	host_free(rig->base);
	host_free(rig);
	host_free(pages);
}
