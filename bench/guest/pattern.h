/* SPDX-License-Identifier: GPL-2.0-only */
/* Sequences of accesses to pages, made before the clock runs. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct access - one load or store */
struct access {
	uint32_t page : 31;
	uint32_t store : 1;
};

/** struct pattern - accesses in their order */
struct pattern {
	struct access *accesses;
	size_t n;
};

/** pattern_random() - @n accesses, uniform over @pages; stores or loads */
struct pattern pattern_random(size_t n, uint32_t pages, bool store);

/** pattern_sequential() - @n accesses page after page from @first on, and again from 0 */
struct pattern pattern_sequential(size_t n, uint32_t pages, uint32_t first, bool store);

/** pattern_at() - the same accesses, @first pages further on */
struct pattern pattern_at(uint32_t first, struct pattern pattern);

/** pattern_phases() - @n loads, first uniform over sizes[0] pages, then over sizes[1] others ... */
struct pattern pattern_phases(size_t n, const uint32_t *sizes, size_t phases);

/** pattern_distinct() - @n stores, each to another page, in no order */
struct pattern pattern_distinct(size_t n, uint32_t pages);

/**
 * struct zipf - pages of very different popularity
 * @pages: how many
 * @sums: of the weights of ranks up to this one
 * @order: the page of a rank
 */
struct zipf {
	uint32_t pages;
	double *sums;
	uint32_t *order;
};

/** zipf_new() - rank i has the weight 1 / i^@exponent, and ranks are strewn over the pages */
struct zipf zipf_new(uint32_t pages, double exponent);
void zipf_free(struct zipf *zipf);

/** pattern_zipf() - @n accesses; @loads of 100 are loads */
struct pattern pattern_zipf(size_t n, const struct zipf *zipf, unsigned int loads);

void pattern_free(struct pattern *pattern);

#endif
