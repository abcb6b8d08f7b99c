// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sequences of accesses.  Seeded: every run and every path sees the same ones.
 */
#include "pattern.h"
#include "fail.h"

#include <math.h>

static uint64_t state = 0x9e3779b97f4a7c15;

/* xorshift64* (Vigna, 2016). */
static uint64_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

static uint32_t below(uint32_t limit)
{
	return ((next() >> 32) * limit) >> 32;
}

static void *array(size_t n, size_t size)
{
	void *array = calloc(n, size);

	if (!array)
		fail("no memory for %zu of %zu bytes", n, size);
	return array;
}

static struct pattern make(size_t n)
{
	return (struct pattern){ .accesses = array(n, sizeof(struct access)), .n = n };
}

struct pattern pattern_random(size_t n, uint32_t pages, bool store)
{
	struct pattern pattern = make(n);

	for (size_t i = 0; i < n; i++)
		pattern.accesses[i] = (struct access){ .page = below(pages), .store = store };
	return pattern;
}

struct pattern pattern_sequential(size_t n, uint32_t pages, uint32_t first, bool store)
{
	struct pattern pattern = make(n);

	for (size_t i = 0; i < n; i++)
		pattern.accesses[i] = (struct access){ .page = (first + i) % pages,
						       .store = store };
	return pattern;
}

struct pattern pattern_at(uint32_t first, struct pattern pattern)
{
	for (size_t i = 0; i < pattern.n; i++)
		pattern.accesses[i].page += first;
	return pattern;
}

struct pattern pattern_phases(size_t n, const uint32_t *sizes, size_t phases)
{
	struct pattern pattern = make(n);
	uint32_t first = 0;

	for (size_t phase = 0; phase < phases; phase++) {
		for (size_t i = n * phase / phases; i < n * (phase + 1) / phases; i++)
			pattern.accesses[i].page = first + below(sizes[phase]);
		first += sizes[phase];
	}
	return pattern;
}

/* All pages in a random order (Fisher and Yates). */
static uint32_t *shuffled(uint32_t pages)
{
	uint32_t *order = array(pages, sizeof(*order));

	for (uint32_t i = 0; i < pages; i++) {
		uint32_t j = below(i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	return order;
}

struct pattern pattern_distinct(size_t n, uint32_t pages)
{
	struct pattern pattern = make(n);
	uint32_t *order = shuffled(pages);

	if (n > pages)
		fail("%zu different ones of %u pages", n, pages);
	for (size_t i = 0; i < n; i++)
		pattern.accesses[i] = (struct access){ .page = order[i], .store = true };
	free(order);
	return pattern;
}

struct zipf zipf_new(uint32_t pages, double exponent)
{
	struct zipf zipf = { .pages = pages, .order = shuffled(pages) };
	double sum = 0;

	zipf.sums = array(pages, sizeof(*zipf.sums));
	for (uint32_t i = 0; i < pages; i++)
		zipf.sums[i] = sum += pow(i + 1, -exponent);
	return zipf;
}

void zipf_free(struct zipf *zipf)
{
	free(zipf->order);
	free(zipf->sums);
}

/* The first rank whose share of the total, with those before it, exceeds @share. */
static uint32_t rank_of(const struct zipf *zipf, double share)
{
	uint32_t low = 0, high = zipf->pages - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (zipf->sums[middle] > share)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct pattern pattern_zipf(size_t n, const struct zipf *zipf, unsigned int loads)
{
	struct pattern pattern = make(n);

	for (size_t i = 0; i < n; i++) {
		double share = (next() >> 11) * 0x1p-53 * zipf->sums[zipf->pages - 1];

		pattern.accesses[i].page = zipf->order[rank_of(zipf, share)];
		pattern.accesses[i].store = below(100) >= loads;
	}
	return pattern;
}

void pattern_free(struct pattern *pattern)
{
	free(pattern->accesses);
	*pattern = (struct pattern){ 0 };
}
