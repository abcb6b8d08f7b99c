// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is measured by time.  Each thread makes up its accesses as it goes, from a seed of its own.
 */
#include "live.h"
#include "fail.h"
#include "meter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#define MAX_THREADS 2
#define SLICE_NS    400000000ull

/* Pages that a thread forgets at once, and then touches one after the other. */
#define HIT_PAGES 1024u

/* Those of all threads have to stay resident. */
#define HIT_RANGE (FRAMES / 8)

static const struct live lives[] = {
	{ "hit", false, true },
	{ "miss", false, false },
	{ "write", true, false },
};

const struct live *live_find(const char *name)
{
	for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++)
		if (!strcmp(lives[i].name, name))
			return &lives[i];
	fail("no such thing: %s", name);
}

struct worker {
	const struct live *live;
	const struct target *target;
	unsigned int number;
	uint64_t random;
	atomic_bool *stop;
	uint64_t ops;
};

static uint32_t random_page(struct worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return ((worker->random >> 32) * worker->target->pages) >> 32;
}

static void touch(struct worker *worker, uint32_t page)
{
	struct access access = { .page = page, .store = worker->live->store };

	target_touch(worker->target, (struct pattern){ .accesses = &access, .n = 1 });
	worker->ops++;
}

/* A thread has a range of its own, but shares the mapping. */
static void hit(struct worker *worker)
{
	uint32_t first = worker->number * HIT_RANGE;

	madvise(worker->target->base + (size_t)first * PAGE_BYTES, HIT_PAGES * PAGE_BYTES,
		MADV_DONTNEED);
	for (uint32_t page = first; page < first + HIT_PAGES; page++)
		touch(worker, page);
}

static void *work(void *data)
{
	struct worker *worker = data;

	while (!atomic_load_explicit(worker->stop, memory_order_relaxed))
		if (worker->live->hits)
			hit(worker);
		else
			touch(worker, random_page(worker));
	return NULL;
}

static void nap(uint64_t ns)
{
	struct timespec time = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	nanosleep(&time, NULL);
}

/* What @threads threads do in a slice of time, per second. */
static double rate(const struct live *live, const struct target *target, unsigned int threads,
		   uint64_t seed)
{
	struct worker workers[MAX_THREADS];
	pthread_t ids[MAX_THREADS];
	atomic_bool stop = false;
	uint64_t began = meter_now(), ops = 0;

	for (unsigned int i = 0; i < threads; i++) {
		workers[i] = (struct worker){ .live = live, .target = target, .number = i,
					      .random = (seed * MAX_THREADS + i + 1) * 0x9e3779b97f4a7c15,
					      .stop = &stop };
		if (pthread_create(&ids[i], NULL, work, &workers[i]))
			fail("no thread");
	}
	nap(SLICE_NS);
	atomic_store(&stop, true);
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		ops += workers[i].ops;
	}
	return ops * 1e9 / (meter_now() - began);
}

static void slice(const struct live *live, const struct target *target, unsigned int threads,
		  unsigned int round)
{
	printf("slice what=%s way=%s round=%u threads=%u rate=%.0f\n", live->name,
	       target->way == WAY_POOL ? "pool" : "mmap", round, threads,
	       rate(live, target, threads, round));
	fflush(stdout);
}

void live_scale(const struct live *live, const struct target *pool, const struct target *mapped,
		unsigned int rounds)
{
	/* The first slices fill the memory. */
	for (unsigned int i = 0; i < 3; i++) {
		rate(live, pool, MAX_THREADS, i);
		rate(live, mapped, MAX_THREADS, i);
	}
	for (unsigned int round = 0; round < rounds; round++)
		for (unsigned int threads = 1; threads <= MAX_THREADS; threads++) {
			slice(live, pool, threads, round + 3);
			slice(live, mapped, threads, round + 3);
		}
}

/*
 * Buckets of nanoseconds: 16 for each power of two, so that a bucket's lower bound is at most 7 % off.
 */
#define SUB_BITS 4
#define BUCKETS	 (64u << SUB_BITS)

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int log = 63 - __builtin_clzll(ns | 1);

	if (log < SUB_BITS)
		return ns;
	return (log - SUB_BITS + 1) << SUB_BITS | (ns >> (log - SUB_BITS) & ((1u << SUB_BITS) - 1));
}

static uint64_t lower_bound(unsigned int bucket)
{
	unsigned int group = bucket >> SUB_BITS;
	uint64_t sub = bucket & ((1u << SUB_BITS) - 1);

	return group ? (sub | 1u << SUB_BITS) << (group - 1) : sub;
}

static uint64_t percentile(const uint64_t *counts, uint64_t total, double share)
{
	uint64_t below = 0;

	for (unsigned int bucket = 0; bucket < BUCKETS; bucket++) {
		below += counts[bucket];
		if (below > total * share)
			return lower_bound(bucket);
	}
	return lower_bound(BUCKETS - 1);
}

void live_latency(const struct live *live, const struct target *target, unsigned int seconds)
{
	struct worker worker = { .live = live, .target = target, .random = 0x9e3779b97f4a7c15 };
	uint64_t warm = meter_now() + seconds * 1000000000ull / 2;
	uint64_t end = warm + seconds * 1000000000ull, now = meter_now(), max = 0, total = 0;
	static uint64_t counts[BUCKETS];

	while (now < end) {
		uint64_t began = now;

		touch(&worker, random_page(&worker));
		now = meter_now();
		if (began < warm)
			continue;
		counts[bucket_of(now - began)]++;
		total++;
		max = now - began > max ? now - began : max;
	}
	if (!total)
		fail("not one access in %u s", seconds);
	printf("latency what=%s way=%s ops=%llu p50=%llu p90=%llu p99=%llu p999=%llu max=%llu\n",
	       live->name, target->way == WAY_POOL ? "pool" : "mmap", (unsigned long long)total,
	       (unsigned long long)percentile(counts, total, 0.5),
	       (unsigned long long)percentile(counts, total, 0.9),
	       (unsigned long long)percentile(counts, total, 0.99),
	       (unsigned long long)percentile(counts, total, 0.999), (unsigned long long)max);
	fflush(stdout);
}
