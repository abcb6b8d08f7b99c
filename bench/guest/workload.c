// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is measured.  Each workload first brings itself into its steady state, off the clock: memory
 * is full, and for stores most of what is evicted is dirty.
 */
#include "workload.h"

#include <string.h>
#include <sys/mman.h>

/* Measure a pattern after another one, and forget both. */
static size_t measure(const struct target *target, struct pattern warm, struct pattern pattern,
		      struct meter *meter)
{
	struct meter start;
	size_t n = pattern.n;

	target_prepare(target, warm);
	target_touch(target, warm);
	target_prepare(target, pattern);
	start = meter_start();
	target_touch(target, pattern);
	*meter = meter_stop(start);
	pattern_free(&warm);
	pattern_free(&pattern);
	return n;
}

/* Passes after which nothing is new any more: of 100 pages 98 were here before. */
#define PASSES 4

/* Most pages come for the first time. */
static size_t randread_first(const struct target *target, struct meter *meter)
{
	uint32_t pages = target->pages;

	return measure(target, pattern_random(pages / 2, pages, false),
		       pattern_random(pages / 2, pages, false), meter);
}

static size_t randread(const struct target *target, struct meter *meter)
{
	uint32_t pages = target->pages;

	return measure(target, pattern_random((size_t)PASSES * pages, pages, false),
		       pattern_random(pages / 2, pages, false), meter);
}

/* The first pass evicts clean pages mostly. */
static size_t randwrite_first(const struct target *target, struct meter *meter)
{
	uint32_t pages = target->pages;

	return measure(target, pattern_random(0, pages, true),
		       pattern_random(pages / 2, pages, true), meter);
}

static size_t randwrite(const struct target *target, struct meter *meter)
{
	uint32_t pages = target->pages;

	return measure(target, pattern_random((size_t)PASSES * pages, pages, true),
		       pattern_random(pages / 2, pages, true), meter);
}

static size_t zipf90(const struct target *target, struct meter *meter)
{
	uint32_t pages = target->pages;
	struct zipf zipf = zipf_new(pages, 0.9);
	size_t n = measure(target, pattern_zipf((size_t)PASSES * pages, &zipf, 90),
			   pattern_zipf(pages, &zipf, 90), meter);

	zipf_free(&zipf);
	return n;
}

/* Three quarters of the file fill the memory and more; then half of it is used, from there on. */
static size_t sequential_first(const struct target *target, bool store, struct meter *meter)
{
	uint32_t pages = target->pages, first = pages / 4 * 3;

	return measure(target, pattern_sequential(first, pages, 0, store),
		       pattern_sequential(pages / 2, pages, first, store), meter);
}

static size_t seqread_first(const struct target *target, struct meter *meter)
{
	return sequential_first(target, false, meter);
}

static size_t seqwrite_first(const struct target *target, struct meter *meter)
{
	return sequential_first(target, true, meter);
}

/* Again and again; a whole pass counts, as some of it may have stayed. */
static size_t sequential(const struct target *target, bool store, struct meter *meter)
{
	uint32_t pages = target->pages;

	return measure(target, pattern_sequential((size_t)PASSES * pages, pages, 0, store),
		       pattern_sequential(pages, pages, 0, store), meter);
}

static size_t seqread(const struct target *target, struct meter *meter)
{
	return sequential(target, false, meter);
}

static size_t seqwrite(const struct target *target, struct meter *meter)
{
	return sequential(target, true, meter);
}

/*
 * So few that nobody starts to write them back meanwhile: what a store costs plain mmap depends on
 * whether its page is still dirty.
 */
#define MINOR_PAGES 1536

/*
 * All pages are resident, and no processor's table has them.  If stores are measured they have been
 * stored to before: a file system does more at the first store to a page.
 */
static size_t minor(const struct target *target, bool store, struct meter *meter)
{
	struct pattern warm = pattern_sequential(MINOR_PAGES, target->pages, 0, store);

	target_touch(target, warm);
	target_forget(target);
	pattern_free(&warm);
	return measure(target, pattern_sequential(0, target->pages, 0, store),
		       pattern_sequential(MINOR_PAGES, target->pages, 0, store), meter);
}

static size_t minorread(const struct target *target, struct meter *meter)
{
	return minor(target, false, meter);
}

static size_t minorwrite(const struct target *target, struct meter *meter)
{
	return minor(target, true, meter);
}

#define SYNC_PAGES  1000
#define SYNC_ROUNDS 4

/* Per page: the first round, in which the processor's tables are filled, is not counted. */
static size_t msync_scattered(const struct target *target, struct meter *meter)
{
	*meter = (struct meter){ 0 };
	for (int round = 0; round <= SYNC_ROUNDS; round++) {
		struct pattern stores = pattern_distinct(SYNC_PAGES, target->pages);
		struct meter start, passed;

		target_prepare(target, stores);
		target_touch(target, stores);
		start = meter_start();
		target_sync(target, stores);
		passed = meter_stop(start);
		if (round > 0) {
			meter->clock += passed.clock;
			meter->idle += passed.idle;
		}
		pattern_free(&stores);
	}
	return SYNC_PAGES * SYNC_ROUNDS;
}

const struct workload workloads[] = {
	{ "randread1", false, false, MADV_RANDOM, randread_first },
	{ "randread", false, false, MADV_RANDOM, randread },
	{ "randwrite1", false, false, MADV_RANDOM, randwrite_first },
	{ "randwrite", false, false, MADV_RANDOM, randwrite },
	{ "zipf", false, false, MADV_RANDOM, zipf90 },
	{ "seqread1", false, false, MADV_NORMAL, seqread_first },
	{ "seqread", false, false, MADV_NORMAL, seqread },
	{ "seqwrite1", false, false, MADV_NORMAL, seqwrite_first },
	{ "seqwrite", false, false, MADV_NORMAL, seqwrite },
	{ "minorread", true, true, MADV_NORMAL, minorread },
	{ "minorwrite", true, true, MADV_NORMAL, minorwrite },
	{ "msync", true, false, MADV_NORMAL, msync_scattered },
	{ NULL, false, false, MADV_NORMAL, NULL },
};

const struct workload *workload_find(const char *name)
{
	for (const struct workload *workload = workloads; workload->name; workload++)
		if (!strcmp(workload->name, name))
			return workload;
	return NULL;
}
