/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buddy allocator, shown: which blocks are free, and what the next allocation would split.
 *
 * All of it follows from the bitmap: a free block is as large as its neighbours and its alignment
 * allow, because buddies that are both free are always merged.  Pure: a bitmap in, text out.
 */
#ifndef FRAMEPOOL_BUDDY_H
#define FRAMEPOOL_BUDDY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define BUDDY_ORDERS 19

struct buddy {
	uint8_t *bits; /* 1 = allocated */
	uint64_t frames;
	uint64_t blocks[BUDDY_ORDERS]; /* free ones */
	uint64_t free;		       /* frames */
};

struct buddy_style {
	unsigned int width; /* of the picture alone, in characters */
	bool unicode, colour;
};

/* The bitmap of @frames frames; 0, -EINVAL: it is shorter, -ENOMEM. */
int buddy_read(struct buddy *b, FILE *in, uint64_t frames);
void buddy_free(struct buddy *b);

/* The free block that @from lies in, or the next one behind; false: there is none. */
bool buddy_next(const struct buddy *b, uint64_t from, uint64_t *first, unsigned int *order);

/* Frames that a character of the picture stands for: a power of two. */
uint64_t buddy_scale(const struct buddy *b, unsigned int width);

/* A line for each order that has free blocks, largest first, and what they come to. */
void buddy_draw(const struct buddy *b, const struct buddy_style *style, FILE *out);

/* How a frame alone would be taken: which block is split, and into what. */
void buddy_draw_split(const struct buddy *b, FILE *out);

#endif /* FRAMEPOOL_BUDDY_H */
