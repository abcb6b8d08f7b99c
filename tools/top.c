// SPDX-License-Identifier: GPL-2.0-only
/* The live view: rates, order, lines. */
#include <assert.h>
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

bool top_same_wset(const struct framepool_wset *a, const struct framepool_wset *b)
{
	return a->id == b->id && a->pid == b->pid && !strcmp(a->name, b->name);
}

struct top_wset_rates top_wset_rates(const struct top_sample *now, const struct top_sample *last,
				     unsigned int i)
{
	const struct framepool_wset *w = &now->wset[i].counters;
	static const struct framepool_wset nothing;
	const struct framepool_wset *before = &nothing;
	double seconds;
	unsigned int k;

	if (!last)
		return (struct top_wset_rates){ 0 };
	for (k = 0; k < last->nr_wsets; k++)
		if (top_same_wset(&last->wset[k].counters, w))
			before = &last->wset[k].counters;
	seconds = now->when - last->when;
	return (struct top_wset_rates){
		.faults = rate(w->faults, before->faults, seconds),
		.near = rate(w->near_refaults, before->near_refaults, seconds),
	};
}

/* One table's rows: by name if there are names, else by weight. */
struct rows {
	unsigned int nr;
	double weight[TOP_SPACES];
	const char *name[TOP_SPACES];
};

static_assert(TOP_WSETS <= TOP_SPACES, "rows are of both");

static void sort(const struct rows *rows, bool by_name, unsigned int *index)
{
	unsigned int i, k;

	/* Insertion: few rows, and in almost the same order as they were. */
	for (i = 0; i < rows->nr; i++) {
		for (k = i; k > 0; k--) {
			unsigned int above = index[k - 1];
			bool before = by_name ? strcmp(rows->name[i], rows->name[above]) < 0 :
						rows->weight[i] > rows->weight[above];

			if (!before)
				break;
			index[k] = above;
		}
		index[k] = i;
	}
}

static double space_weight(const struct top_sample *now, const struct top_sample *last,
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

void top_sort_spaces(const struct top_sample *now, const struct top_sample *last,
		     enum top_order order, unsigned int *index)
{
	struct rows rows = { .nr = now->nr_spaces };
	unsigned int i;

	for (i = 0; i < rows.nr; i++) {
		rows.weight[i] = space_weight(now, last, order, i);
		rows.name[i] = now->space[i].name;
	}
	sort(&rows, order == TOP_BY_NAME, index);
}

void top_sort_wsets(const struct top_sample *now, const struct top_sample *last,
		    enum top_order order, unsigned int *index)
{
	struct rows rows = { .nr = now->nr_wsets };
	unsigned int i;

	for (i = 0; i < rows.nr; i++) {
		rows.weight[i] = order == TOP_BY_FAULTS ? top_wset_rates(now, last, i).faults :
							  now->wset[i].counters.charge;
		rows.name[i] = now->wset[i].command;
	}
	sort(&rows, order == TOP_BY_NAME, index);
}

/* @part of @whole, as so many of @inner characters. */
static unsigned int share(uint64_t part, uint64_t whole, unsigned int inner)
{
	double filled = whole ? (double)part / whole * inner + 0.5 : 0;

	return filled > inner ? inner : filled;
}

void top_bar(char *bar, unsigned int width, uint64_t part, uint64_t whole)
{
	unsigned int inner = width > 2 ? width - 2 : 0;
	unsigned int filled = share(part, whole, inner);

	bar[0] = '[';
	memset(bar + 1, '#', filled);
	memset(bar + 1 + filled, '.', inner - filled);
	strcpy(bar + 1 + inner, "]");
}

void top_marked_bar(char *bar, unsigned int width, uint64_t part, uint64_t mark, uint64_t whole)
{
	unsigned int inner = width > 2 ? width - 2 : 0;
	unsigned int at = share(mark, whole, inner);

	top_bar(bar, width, part, whole);
	if (inner)
		bar[1 + (at < inner ? at : inner - 1)] = '|';
}

/* The tables of pools and spaces have 59 characters of their own, then the rates. */
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

const char *top_wset_heading(void)
{
	return "    PID COMMAND   POOL     HAS  |TARGET        HAS     TARGET        MIN        MAX"
	       " FAULT/s  NEAR/s";
}

void top_wset_line(char line[TOP_LINE], const struct top_sample *now,
		   const struct top_sample *last, unsigned int i)
{
	const struct framepool_wset *w = &now->wset[i].counters;
	struct top_wset_rates rates = top_wset_rates(now, last, i);
	char pid[NUMBER_SIZE] = "-", bar[64], has[NUMBER_SIZE], target[NUMBER_SIZE],
	     min[NUMBER_SIZE], max[NUMBER_SIZE];

	if (w->pid)
		snprintf(pid, sizeof(pid), "%d", w->pid);
	top_marked_bar(bar, 12, w->charge, w->target, now->wset[i].bound);
	snprintf(line, TOP_LINE, "%7s %-9.9s %-8.8s %s %10s %10s %10s %10s %7.0f %7.0f", pid,
		 now->wset[i].command, w->name, bar, text_bytes(has, w->charge * PAGE_BYTES),
		 text_bytes(target, w->target * PAGE_BYTES), text_bytes(min, w->min * PAGE_BYTES),
		 text_max(max, w->max), rates.faults, rates.near);
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

enum top_typed top_type(struct top_entry *entry, int key)
{
	enum { ESCAPE = 27, DELETE = 127 };

	if (key == '\n' || key == '\r')
		return TOP_TYPED;
	if (key == ESCAPE)
		return TOP_CANCELLED;
	if ((key == '\b' || key == DELETE) && entry->length)
		entry->text[--entry->length] = '\0';
	if (key > ' ' && key < DELETE && entry->length < sizeof(entry->text) - 1) {
		entry->text[entry->length++] = key;
		entry->text[entry->length] = '\0';
	}
	return TOP_TYPING;
}
