// SPDX-License-Identifier: GPL-2.0-only
/* The buddy allocator, shown. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "buddy.h"
#include "text.h"

static bool allocated(const struct buddy *b, uint64_t frame)
{
	return b->bits[frame / 8] >> (frame % 8) & 1;
}

bool buddy_next(const struct buddy *b, uint64_t from, uint64_t *first, unsigned int *order)
{
	uint64_t begin = from, end;
	unsigned int k = 0;

	while (begin < b->frames && allocated(b, begin))
		begin++;
	if (begin >= b->frames)
		return false;
	/* Grow by the buddy as long as all of it is free. */
	for (; k + 1 < BUDDY_ORDERS; k++) {
		uint64_t size = 1ULL << (k + 1), base = begin & -size, i;

		if (base + size > b->frames)
			break;
		end = base + size;
		for (i = base; i < end && !allocated(b, i); i++)
			;
		if (i < end)
			break;
	}
	*order = k;
	*first = begin & -(1ULL << k);
	return true;
}

static void count_blocks(struct buddy *b)
{
	uint64_t at = 0, first;
	unsigned int order;

	for (; buddy_next(b, at, &first, &order); at = first + (1ULL << order)) {
		b->blocks[order]++;
		b->free += 1ULL << order;
	}
}

int buddy_read(struct buddy *b, FILE *in, uint64_t frames)
{
	size_t bytes = (frames + 7) / 8;

	memset(b, 0, sizeof(*b));
	b->bits = malloc(bytes + !bytes);
	if (!b->bits)
		return -ENOMEM;
	b->frames = frames;
	if (fread(b->bits, 1, bytes, in) != bytes) {
		buddy_free(b);
		return -EINVAL;
	}
	count_blocks(b);
	return 0;
}

void buddy_free(struct buddy *b)
{
	free(b->bits);
	memset(b, 0, sizeof(*b));
}

uint64_t buddy_scale(const struct buddy *b, unsigned int width)
{
	uint64_t per_cell = 1;

	while (per_cell < 1ULL << 62 && b->frames > per_cell * width)
		per_cell *= 2;
	return per_cell;
}

/* Set the cells that free blocks of @order lie in. */
static void mark(const struct buddy *b, unsigned int order, uint64_t per_cell, char *cells)
{
	uint64_t at = 0, first, i;
	unsigned int k;

	for (; buddy_next(b, at, &first, &k); at = first + (1ULL << k))
		for (i = first / per_cell; k == order && i <= (first + (1ULL << k) - 1) / per_cell;
		     i++)
			cells[i] = 1;
}

static void draw_cells(const char *cells, uint64_t nr, const struct buddy_style *style, FILE *out)
{
	uint64_t i;

	if (style->colour)
		fputs("\033[32m", out);
	for (i = 0; i < nr; i++)
		fputs(style->unicode ? (cells[i] ? "█" : "·") : (cells[i] ? "#" : "."), out);
	fprintf(out, "%s\n", style->colour ? "\033[0m" : "");
}

/* Free frames that lie in blocks too small for @order, in percent of all free. */
static double fragmentation(const struct buddy *b, unsigned int order)
{
	uint64_t small = 0;
	unsigned int k;

	for (k = 0; k < order; k++)
		small += b->blocks[k] << k;
	return b->free ? 100.0 * small / b->free : 0;
}

void buddy_draw(const struct buddy *b, const struct buddy_style *style, FILE *out)
{
	uint64_t per_cell = buddy_scale(b, style->width);
	uint64_t nr = (b->frames + per_cell - 1) / per_cell;
	char bytes[NUMBER_SIZE], cell[NUMBER_SIZE], *cells = malloc(nr + !nr);
	unsigned int order;

	fprintf(out, "order      block       free  unusable  where; a character is %s\n",
		text_bytes(cell, per_cell * PAGE_BYTES));
	for (order = BUDDY_ORDERS; cells && order--;) {
		if (!b->blocks[order])
			continue;
		memset(cells, 0, nr);
		mark(b, order, per_cell, cells);
		fprintf(out, "%5u %10s %10" PRIu64 "  %6.1f %%  ", order,
			text_bytes(bytes, PAGE_BYTES << order), b->blocks[order],
			fragmentation(b, order));
		draw_cells(cells, nr, style, out);
	}
	free(cells);
	fprintf(out, "%s of %s frames are free (%s)\n", text_count(bytes, b->free),
		text_count(cell, b->frames), b->free ? "unusable: in smaller blocks" : "full");
}

/* As the allocator does: of the smallest blocks the one with the lowest address. */
static bool lowest_smallest(const struct buddy *b, uint64_t *first, unsigned int *order)
{
	uint64_t at = 0, begin;
	unsigned int k, smallest = 0;

	if (!b->free)
		return false;
	while (!b->blocks[smallest])
		smallest++;
	for (; buddy_next(b, at, &begin, &k); at = begin + (1ULL << k)) {
		if (k == smallest) {
			*first = begin;
			*order = k;
			return true;
		}
	}
	return false;
}

void buddy_draw_split(const struct buddy *b, FILE *out)
{
	unsigned int order, k;
	uint64_t first;

	if (!lowest_smallest(b, &first, &order)) {
		fputs("a page would have to leave before another frame is taken\n", out);
		return;
	}
	fprintf(out, "the next frame is %" PRIu64, first);
	if (!order) {
		fputs(", a block of its own: nothing is split\n", out);
		return;
	}
	fprintf(out, ", from the block of order %u at %" PRIu64 ":\n", order, first);
	for (k = order; k--;) {
		uint64_t half = 1ULL << k, high = first + half;

		fprintf(out, "  split order %-2u -> %" PRIu64 "-%" PRIu64 " | %" PRIu64 "-%" PRIu64
			     " stays free, order %u\n", k + 1, first, high - 1, high,
			high + half - 1, k);
	}
	fprintf(out, "and when it is given back, %u merges undo them\n", order);
}
