/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page walk: from an address to a page, through the levels of a shadow page table, to a frame.
 *
 * Pure: reads streams (/proc/PID/maps, what debugfs says), writes a stream.
 */
#ifndef FRAMEPOOL_WALK_H
#define FRAMEPOOL_WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define WALK_LEVELS	 6
#define WALK_BITS	 9 /* index bits of a level */
#define WALK_OFFSET_BITS 12

enum entry_kind {
	ENTRY_EMPTY, /* or no node on the way to it */
	ENTRY_FRAME, /* a frame, with the flags */
	ENTRY_GHOST, /* evicted; the number of its eviction */
	ENTRY_ERROR, /* the last fill failed */
};

struct walk_step {
	unsigned int level, index;
	uint64_t node; /* frame */
};

/* What debugfs says of one page. */
struct walk {
	unsigned int levels, nr_steps;
	struct walk_step step[WALK_LEVELS];
	enum entry_kind kind;
	bool present, accessed, dirty, busy, pinned, writeback;
	uint64_t frame, ghost;
	unsigned int ghost_set; /* 0: the common one */
	int error;
};

/* A line of /proc/PID/maps. */
struct area {
	uint64_t start, end, offset;
	unsigned int major, minor;
	uint64_t inode;
	char perms[5];
	char path[256];
};

/* Where the page is: all that is known besides the table. */
struct walk_place {
	uint64_t offset;      /* in the space, bytes */
	uint64_t bytes;	      /* of the space */
	uint64_t base;	      /* physical address of frame 0 */
	uint64_t free;	      /* frames */
	unsigned int block;   /* pages that are fetched together */
	const char *space, *pool;
	const struct area *area; /* NULL: no process was given */
	uint64_t address;
	int pid;
	/* From /proc/PID/pagemap. */
	bool hardware_known, hardware_present;
	uint64_t hardware_pfn; /* 0: not told */
};

/* 0; -ENOENT: @address is in none; -EINVAL: @maps is not understood. */
int area_find(FILE *maps, uint64_t address, struct area *area);

/* 0, or -EINVAL: not understood. */
int walk_read(struct walk *w, FILE *in);

/* Index of @page in a node of @level; the leaves are level 0. */
unsigned int walk_index(uint64_t page, unsigned int level);

void walk_draw(const struct walk *w, const struct walk_place *p, FILE *out);

/* What a load from the page would do now, in a sentence. */
void walk_touch(const struct walk *w, const struct walk_place *p, char *text, size_t size);

#endif /* FRAMEPOOL_WALK_H */
