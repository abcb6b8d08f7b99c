// SPDX-License-Identifier: GPL-2.0-only
/*
 * The region: one contiguous range of physical memory whose pages are ordinary,
 * refcounted struct pages, so that core mm can map them as it maps the page cache's.
 *
 * Two ways to get one:
 *
 *  - alloc_contig_range(): moves out of the way whatever is in a range of the buddy allocator's
 *    memory.  Ranges are tried from the top of each zone downwards, never in ZONE_MOVABLE: a
 *    long-term pin of a page there makes the kernel migrate it, and our frames cannot be migrated.
 *  - memremap_pages(): gives struct pages to memory that the kernel was told not to use
 *    (memmap=SIZE$BASE on its command line), for a region that must not fail.
 */
#include "region.h"

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/ioport.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/page-flags.h>
#include <linux/sizes.h>

#include <asm/e820/api.h>

/**
 * fpool_region_check - is this a size and a base that a region can have?
 * @bytes: size
 * @base: physical address, 0 for any
 *
 * Context: Any.
 * Return: 0; -EINVAL: zero, not a multiple of 2 MiB, or a base that is not or wraps; -ERANGE: more
 * than the machine has.
 */
int fpool_region_check(u64 bytes, u64 base)
{
	if (bytes < FPOOL_REGION_MIN || !IS_ALIGNED(bytes, FPOOL_REGION_ALIGN))
		return -EINVAL;
	if (!IS_ALIGNED(base, FPOOL_REGION_ALIGN) || base + bytes < base)
		return -EINVAL;
	if (bytes >> PAGE_SHIFT >= U32_MAX)
		return -ERANGE;
	if (!base && bytes >> PAGE_SHIFT > totalram_pages())
		return -ERANGE;
	return 0;
}

/* Whether alloc_contig_range() has a chance here: no holes, no other zone, nothing reserved. */
static bool range_plausible(struct zone *zone, unsigned long pfn, unsigned long nr)
{
	unsigned long end = pfn + nr;

	for (; pfn < end; pfn++) {
		struct page *page;

		if (!pfn_valid(pfn))
			return false;
		page = pfn_to_page(pfn);
		if (page_zone(page) != zone || PageReserved(page) || PageHuge(page))
			return false;
	}
	return true;
}

static unsigned long alloc_in_zone(struct zone *zone, unsigned long nr)
{
	unsigned long align = FPOOL_REGION_ALIGN >> PAGE_SHIFT;
	/* Half a region a step: a busy page spoils at most two tries. */
	unsigned long step = max(align, ALIGN_DOWN(nr / 2, align));
	unsigned long first = ALIGN(zone->zone_start_pfn, align);
	unsigned long pfn = zone_end_pfn(zone);

	if (pfn < first + nr)
		return 0;
	for (pfn = ALIGN_DOWN(pfn - nr, align); pfn >= first; pfn -= step) {
		if (range_plausible(zone, pfn, nr) &&
		    !alloc_contig_range(pfn, pfn + nr, MIGRATE_MOVABLE, GFP_KERNEL | __GFP_NOWARN))
			return pfn;
		if (fatal_signal_pending(current) || pfn < first + step)
			break;
		cond_resched();
	}
	return 0;
}

static unsigned long alloc_on_node(int node, unsigned long nr)
{
	int z;

	for (z = ZONE_NORMAL; z >= 0; z--) {
		struct zone *zone = &NODE_DATA(node)->node_zones[z];
		unsigned long pfn;

		if (!populated_zone(zone))
			continue;
		pfn = alloc_in_zone(zone, nr);
		if (pfn)
			return pfn;
	}
	return 0;
}

static int reserve_contig(struct fpool_region *region, int node)
{
	int nid;

	for_each_online_node(nid) {
		if (node != NUMA_NO_NODE && nid != node)
			continue;
		region->pfn = alloc_on_node(nid, region->nframes);
		if (region->pfn) {
			region->base = page_to_virt(pfn_to_page(region->pfn));
			region->node = nid;
			return 0;
		}
	}
	return -ENOMEM;
}

/*
 * Whether the firmware has memory there, whatever the command line made of it.  Elsewhere there is
 * nothing, or a device: who reads there reads ones.
 */
static bool is_memory(u64 base, u64 bytes)
{
	u64 at;

	for (at = base; at < base + bytes; at += PAGE_SIZE) {
		if (!e820__mapped_raw_any(at, at + PAGE_SIZE, E820_TYPE_RAM))
			return false;
		cond_resched();
	}
	return true;
}

/*
 * Nobody else keeps book of memory that was hidden from the kernel.  Who has just run into it has
 * it mapped still, and with a 0 would do so again, for ever; with an error he gets SIGBUS.
 */
static int note_broken(struct dev_pagemap *pgmap, unsigned long pfn, unsigned long nr, int flags)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		SetPageHWPoison(pfn_to_page(pfn + i));
	return flags & MF_ACTION_REQUIRED ? -EBUSY : 0;
}

static const struct dev_pagemap_ops hidden_ops = {
	.memory_failure = note_broken,
};

static int reserve_hidden(struct fpool_region *region, u64 base, int node)
{
	u64 bytes = (u64)region->nframes << PAGE_SHIFT;
	void *addr;

	/* System RAM is not hidden, whatever the command line was meant to say. */
	if (region_intersects(base, bytes, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT || !is_memory(base, bytes))
		return -EBUSY;
	if (!request_mem_region(base, bytes, "framepool"))
		return -EBUSY;
	region->pgmap.type = MEMORY_DEVICE_GENERIC;
	region->pgmap.range.start = base;
	region->pgmap.range.end = base + bytes - 1;
	region->pgmap.nr_range = 1;
	region->pgmap.ops = &hidden_ops;
	addr = memremap_pages(&region->pgmap, node == NUMA_NO_NODE ? numa_mem_id() : node);
	if (IS_ERR(addr)) {
		release_mem_region(base, bytes);
		return PTR_ERR(addr);
	}
	region->hidden = true;
	region->pfn = PHYS_PFN(base);
	region->base = addr;
	region->node = page_to_nid(pfn_to_page(region->pfn));
	return 0;
}

/**
 * fpool_region_reserve - take the memory of a region
 * @region: filled in
 * @bytes: size, a multiple of 2 MiB
 * @base: 0, or the physical address of memory hidden from the kernel
 * @node: NUMA node, or NUMA_NO_NODE
 *
 * The contents are whatever was there: nothing of it may be shown to anybody.
 *
 * Context: Process context; may sleep, and takes long where much has to be moved.
 * Return: 0; -EINVAL, -ERANGE: see fpool_region_check(), or no such node; -ENOMEM: no
 * contiguous range; -EBUSY: @base is not hidden memory, or in use.
 */
int fpool_region_reserve(struct fpool_region *region, u64 bytes, u64 base, int node)
{
	int err = fpool_region_check(bytes, base);

	if (err)
		return err;
	if (node != NUMA_NO_NODE && (node < 0 || node >= MAX_NUMNODES || !node_online(node)))
		return -EINVAL;
	memset(region, 0, sizeof(*region));
	region->nframes = bytes >> PAGE_SHIFT;
	return base ? reserve_hidden(region, base, node) : reserve_contig(region, node);
}

/* What core mm may have left on a page, and the page allocator refuses to see. */
static void scrub(struct page *page)
{
	page->mapping = NULL;
	page->index = 0;
	set_page_private(page, 0);
	page->flags &= ~PAGE_FLAGS_CHECK_AT_PREP;
	if (!PageHWPoison(page))
		clear_highpage(page);
}

/**
 * fpool_region_release - give the memory back, zeroed
 * @region: of which nobody holds a page any more
 *
 * Context: Process context; may sleep.
 */
void fpool_region_release(struct fpool_region *region)
{
	u64 bytes = (u64)region->nframes << PAGE_SHIFT;
	u32 i;

	for (i = 0; i < region->nframes; i++) {
		scrub(fpool_region_page(region, fpool_frame(i)));
		cond_resched();
	}
	if (region->hidden) {
		memunmap_pages(&region->pgmap);
		release_mem_region(PFN_PHYS(region->pfn), bytes);
	} else {
		free_contig_range(region->pfn, region->nframes);
	}
}
