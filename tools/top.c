// SPDX-License-Identifier: GPL-2.0-only
/* The live view: rates, order, lines. */
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "top.h"

static const struct {
	char key;
	const char *name;
} orders[TOP_ORDERS] = {
	[TOP_BY_RESIDENT] = { 'r', "resident" },
	[TOP_BY_DIRTY] = { 'd', "dirty" },
	[TOP_BY_FAULTS] = { 'f', "major faults" },
	[TOP_BY_EVICTIONS] = { 'e', "evictions" },
	[TOP_BY_WRITES] = { 'w', "write-backs" },
	[TOP_BY_NAME] = { 'n', "name" },
};

char top_key(enum top_order order)
{
	return orders[order].key;
}

const char *top_order_name(enum top_order order)
{
	return orders[order].name;
}

enum top_order top_order_of(int key)
{
	enum top_order order = 0;

	while (order < TOP_ORDERS && orders[order].key != key)
		order++;
	return order;
}

static double rate(uint64_t now, uint64_t last, double seconds)
{
	return now < last || seconds <= 0 ? 0 : (now - last) / seconds;
}

/* Pools and spaces have counters of the same names. */
#define RATES(now, last, seconds)                                              \
	((struct top_rates){                                                   \
		.minor = rate((now)->minor_faults, (last)->minor_faults, seconds), \
		.major = rate((now)->major_faults, (last)->major_faults, seconds), \
		.filled = rate((now)->fills, (last)->fills, seconds),          \
		.evicted = rate((now)->evictions, (last)->evictions, seconds), \
		.written = rate((now)->written, (last)->written, seconds),     \
	})

struct top_rates top_pool_rates(const struct top_sample *now, const struct top_sample *last,
				unsigned int i)
{
	static const struct framepool_pool nothing;
	const struct framepool_pool *before = &nothing;
	unsigned int k;

	if (!last)
		return (struct top_rates){ 0 };
	for (k = 0; k < last->nr_pools; k++)
		if (!strcmp(last->pool[k].name, now->pool[i].name))
			before = &last->pool[k];
	return RATES(&now->pool[i], before, now->when - last->when);
}

/* Two answers with one id are one space under two names. */
static bool same_space(const struct framepool_space *a, const struct framepool_space *b)
{
	return a->space == b->space && !strcmp(a->pool, b->pool) && !strcmp(a->name, b->name);
}

struct top_rates top_space_rates(const struct top_sample *now, const struct top_sample *last,
				 unsigned int i)
{
	static const struct framepool_space nothing;
	const struct framepool_space *before = &nothing;
	unsigned int k;

	if (!last)
		return (struct top_rates){ 0 };
	for (k = 0; k < last->nr_spaces; k++)
		if (same_space(&last->space[k], &now->space[i]))
			before = &last->space[k];
	return RATES(&now->space[i], before, now->when - last->when);
}

static double weight(const struct top_sample *now, const struct top_sample *last,
		     enum top_order order, unsigned int i)
{
	struct top_rates rates = top_space_rates(now, last, i);

	switch (order) {
	case TOP_BY_DIRTY:
		return now->space[i].dirty;
	case TOP_BY_FAULTS:
		return rates.major;
	case TOP_BY_EVICTIONS:
		return rates.evicted;
	case TOP_BY_WRITES:
		return rates.written;
	default:
		return now->space[i].resident;
	}
}

void top_sort(const struct top_sample *now, const struct top_sample *last, enum top_order order,
	      unsigned int *index)
{
	double weights[TOP_SPACES];
	unsigned int i, k;

	/* Insertion: few spaces, and in almost the same order as they were. */
	for (i = 0; i < now->nr_spaces; i++) {
		weights[i] = weight(now, last, order, i);
		for (k = i; k > 0; k--) {
			unsigned int above = index[k - 1];
			bool before = order == TOP_BY_NAME ?
				strcmp(now->space[i].name, now->space[above].name) < 0 :
				weights[i] > weights[above];

			if (!before)
				break;
			index[k] = above;
		}
		index[k] = i;
	}
}

void top_bar(char *bar, unsigned int width, uint64_t part, uint64_t whole)
{
	unsigned int inner = width > 2 ? width - 2 : 0;
	unsigned int filled = whole ? (double)part / whole * inner + 0.5 : 0;

	if (filled > inner)
		filled = inner;
	bar[0] = '[';
	memset(bar + 1, '#', filled);
	memset(bar + 1 + filled, '.', inner - filled);
	strcpy(bar + 1 + inner, "]");
}

/* Both tables have 59 characters of their own, then the rates. */
static void add_rates(char line[TOP_LINE], struct top_rates rates)
{
	size_t used = strlen(line);

	snprintf(line + used, TOP_LINE - used, " %7.0f %7.0f %7.0f %7.0f %7.0f", rates.minor,
		 rates.major, rates.filled, rates.evicted, rates.written);
}

const char *top_pool_heading(void)
{
	return "POOL             HOW FULL               RESIDENT      BOUND"
	       " MINOR/s MAJOR/s  READ/s EVICT/s WRITE/s";
}

void top_pool_line(char line[TOP_LINE], const struct top_sample *now,
		   const struct top_sample *last, unsigned int i)
{
	const struct framepool_pool *p = &now->pool[i];
	char bar[64], resident[NUMBER_SIZE], bound[NUMBER_SIZE];

	top_bar(bar, 20, p->resident, p->bound);
	snprintf(line, TOP_LINE, "%-16.16s %s %10s %10s", p->name, bar,
		 text_bytes(resident, p->resident * PAGE_BYTES),
		 text_bytes(bound, p->bound * PAGE_BYTES));
	add_rates(line, top_pool_rates(now, last, i));
}

const char *top_space_heading(void)
{
	return "SPACE            POOL           SIZE   RESIDENT       DIRTY"
	       " MINOR/s MAJOR/s  READ/s EVICT/s WRITE/s";
}

void top_space_line(char line[TOP_LINE], const struct top_sample *now,
		    const struct top_sample *last, unsigned int i)
{
	const struct framepool_space *s = &now->space[i];
	char bytes[NUMBER_SIZE], resident[NUMBER_SIZE], dirty[NUMBER_SIZE], id[NUMBER_SIZE];

	snprintf(id, sizeof(id), "(space %u)", s->space);
	snprintf(line, TOP_LINE, "%-16.16s %-8.8s %10s %10s %11s", s->name[0] ? s->name : id,
		 s->pool, text_bytes(bytes, s->bytes),
		 text_bytes(resident, s->resident * PAGE_BYTES),
		 text_bytes(dirty, s->dirty * PAGE_BYTES));
	add_rates(line, top_space_rates(now, last, i));
}
