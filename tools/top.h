/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live view: two samples of the counters, the rates between them, and tables in an order.
 *
 * Pure: samples in, lines of text out. top_screen.c shows them on a terminal, cmd_top.c in lines.
 */
#ifndef FRAMEPOOL_TOP_H
#define FRAMEPOOL_TOP_H

#include <stdbool.h>

#include "../lib/framepool.h"

#define TOP_POOLS  16
#define TOP_SPACES 512
#define TOP_WSETS  512
#define TOP_LINE   256

/* A working set: @counters.name is its pool's, @bound how many frames that can give. */
struct top_wset {
	struct framepool_wset counters;
	uint64_t bound;
	char command[16]; /* "": not known */
};

/* The counters of all pools, working sets and spaces at one time. */
struct top_sample {
	double when; /* seconds, of a clock that does not jump */
	unsigned int nr_pools, nr_wsets, nr_spaces;
	struct framepool_pool pool[TOP_POOLS];
	struct top_wset wset[TOP_WSETS];
	struct framepool_space space[TOP_SPACES];
};

/* Per second. */
struct top_rates {
	double minor, major, filled, evicted, written;
};

struct top_wset_rates {
	double faults, near;
};

/* Working sets have no write-backs: what they do not have orders them as resident does. */
enum top_order {
	TOP_BY_RESIDENT,
	TOP_BY_DIRTY,
	TOP_BY_FAULTS,
	TOP_BY_EVICTIONS,
	TOP_BY_WRITES,
	TOP_BY_NAME,
	TOP_ORDERS,
};

/* The key of an order, and back; TOP_ORDERS: it is none. */
char top_key(enum top_order order);
enum top_order top_order_of(int key);
const char *top_order_name(enum top_order order);

/* Two sets are one and the same: its pool, its number there, and its process. */
bool top_same_wset(const struct framepool_wset *a, const struct framepool_wset *b);

/*
 * Rates between two samples; @last is NULL in the first round. A pool or a space that was not there
 * before has done all in the time between; counters that went back are those of another one.
 */
struct top_rates top_pool_rates(const struct top_sample *now, const struct top_sample *last,
				unsigned int i);
struct top_rates top_space_rates(const struct top_sample *now, const struct top_sample *last,
				 unsigned int i);
struct top_wset_rates top_wset_rates(const struct top_sample *now, const struct top_sample *last,
				     unsigned int i);

/* The numbers of the spaces, or the sets, in their order, largest first; names upwards. */
void top_sort_spaces(const struct top_sample *now, const struct top_sample *last,
		     enum top_order order, unsigned int *index);
void top_sort_wsets(const struct top_sample *now, const struct top_sample *last,
		    enum top_order order, unsigned int *index);

/* "[####....]" of @width characters in all, @part of @whole. */
void top_bar(char *bar, unsigned int width, uint64_t part, uint64_t whole);

/* Likewise, with a '|' where @mark of @whole is. */
void top_marked_bar(char *bar, unsigned int width, uint64_t part, uint64_t mark, uint64_t whole);

/* The three tables: their headings and their lines, equally long. */
const char *top_pool_heading(void);
void top_pool_line(char line[TOP_LINE], const struct top_sample *now,
		   const struct top_sample *last, unsigned int i);
const char *top_wset_heading(void);
void top_wset_line(char line[TOP_LINE], const struct top_sample *now,
		   const struct top_sample *last, unsigned int i);
const char *top_space_heading(void);
void top_space_line(char line[TOP_LINE], const struct top_sample *now,
		    const struct top_sample *last, unsigned int i);

/* A line that is being typed. */
struct top_entry {
	char text[32];
	unsigned int length;
};

enum top_typed {
	TOP_TYPING,
	TOP_TYPED,     /* Return */
	TOP_CANCELLED, /* Escape */
};

/* What a key does to the line; what is no printable character, or has no room, does nothing. */
enum top_typed top_type(struct top_entry *entry, int key);

#endif /* FRAMEPOOL_TOP_H */
