/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live view: two samples of the counters, the rates between them, and a table in an order.
 *
 * Pure: samples in, lines of text out. What shows them on a terminal is in cmd_top.c.
 */
#ifndef FRAMEPOOL_TOP_H
#define FRAMEPOOL_TOP_H

#include "../lib/framepool.h"

#define TOP_POOLS  16
#define TOP_SPACES 512
#define TOP_LINE   256

/* The counters of all pools and spaces at one time. */
struct top_sample {
	double when; /* seconds, of a clock that does not jump */
	unsigned int nr_pools, nr_spaces;
	struct framepool_pool pool[TOP_POOLS];
	struct framepool_space space[TOP_SPACES];
};

/* Per second. */
struct top_rates {
	double minor, major, filled, evicted, written;
};

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

/*
 * Rates between two samples; @last is NULL in the first round. A pool or a space that was not there
 * before has done all in the time between; counters that went back are those of another one.
 */
struct top_rates top_pool_rates(const struct top_sample *now, const struct top_sample *last,
				unsigned int i);
struct top_rates top_space_rates(const struct top_sample *now, const struct top_sample *last,
				 unsigned int i);

/* The spaces' numbers in their order, largest first; names upwards. */
void top_sort(const struct top_sample *now, const struct top_sample *last, enum top_order order,
	      unsigned int *index);

/* "[####....]" of @width characters in all, @part of @whole. */
void top_bar(char *bar, unsigned int width, uint64_t part, uint64_t whole);

/* The two tables: their headings and their lines, equally long. */
const char *top_pool_heading(void);
void top_pool_line(char line[TOP_LINE], const struct top_sample *now,
		   const struct top_sample *last, unsigned int i);
const char *top_space_heading(void);
void top_space_line(char line[TOP_LINE], const struct top_sample *now,
		    const struct top_sample *last, unsigned int i);

#endif /* FRAMEPOOL_TOP_H */
