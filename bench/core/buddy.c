// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allocator: a batch of blocks is taken, and given back in a random order, which leaves it as
 * it was.
 */
#include <linux/minmax.h>

#include "bench.h"
#include "buddy.h"
#include "threads.h"

#define BATCH 2048u

/* The fragmented region comes in groups of so many frames, some of which are free as a whole. */
#define GROUP (1u << 10)

struct region {
	struct fpool_buddy buddy;
	void *memory;
};

struct cost {
	double alloc;
	double free;
};

static void make(struct region *region, u32 nframes)
{
	region->memory = bench_memory(fpool_buddy_bytes(nframes));
	fpool_buddy_init(&region->buddy, region->memory, nframes);
}

static void take(struct region *region, u32 first, u32 nr)
{
	if (fpool_buddy_alloc_range(&region->buddy, fpool_frame(first), nr))
		__builtin_trap();
}

static void empty(struct region *region)
{
}

/* The lower half is allocated. */
static void half(struct region *region)
{
	take(region, 0, region->buddy.nframes / 2);
}

/* Every fourth group is free, of the others every second frame or so. */
static void fragmented(struct region *region)
{
	u32 nframes = region->buddy.nframes;

	for (u32 group = 0; group < nframes; group += GROUP) {
		if (!bench_random(4))
			continue;
		for (u32 frame = group; frame < group + GROUP; frame++)
			if (bench_random(2))
				take(region, frame, 1);
	}
}

static const struct state {
	const char *name;
	void (*fill)(struct region *region);
} states[] = {
	{ "empty", empty },
	{ "half full", half },
	{ "fragmented", fragmented },
};

/* So many blocks of an order that an eighth of the region, or less, is taken. */
static u32 batch_of(const struct region *region, unsigned int order)
{
	return min_t(u32, BATCH, region->buddy.nframes / 8 >> order);
}

static struct cost once(struct region *region, unsigned int order, const u32 *shuffled, u32 n)
{
	static fpool_frame_t frames[BATCH];
	u64 start = host_nsec(), middle, end;

	for (u32 i = 0; i < n; i++)
		if (fpool_buddy_alloc(&region->buddy, order, &frames[i]))
			__builtin_trap();
	middle = host_nsec();
	for (u32 i = 0; i < n; i++)
		if (fpool_buddy_free(&region->buddy, frames[shuffled[i]], order))
			__builtin_trap();
	end = host_nsec();
	return (struct cost){ .alloc = (double)(middle - start) / n,
			      .free = (double)(end - middle) / n };
}

static struct cost measure(struct region *region, unsigned int order)
{
	u32 n = batch_of(region, order), shuffled[BATCH];
	struct cost best = { .alloc = 1e9, .free = 1e9 };

	for (u32 i = 0; i < n; i++)
		shuffled[i] = i;
	bench_shuffle(shuffled, n);
	for (unsigned int i = 0; i < BENCH_REPEATS; i++) {
		struct cost cost = once(region, order, shuffled, n);

		best.alloc = cost.alloc < best.alloc ? cost.alloc : best.alloc;
		best.free = cost.free < best.free ? cost.free : best.free;
	}
	return best;
}

/* Threads that share a region, and one lock around each call, as the core has none of its own. */
struct shared {
	struct region *region;
	struct threads_lock lock;
	unsigned int order;
};

#define HELD   16u
#define ROUNDS 2000u

static void share(void *arg, unsigned int number)
{
	struct shared *shared = arg;
	struct fpool_buddy *buddy = &shared->region->buddy;
	fpool_frame_t frames[HELD];

	for (u32 i = 0; i < ROUNDS * HELD * 2; i++) {
		bool give = i / HELD % 2;
		int err;

		threads_lock(&shared->lock);
		if (give)
			err = fpool_buddy_free(buddy, frames[i % HELD], shared->order);
		else
			err = fpool_buddy_alloc(buddy, shared->order, &frames[i % HELD]);
		threads_unlock(&shared->lock);
		if (err)
			__builtin_trap();
	}
}

/* Nanoseconds of the clock for each call of any of the threads. */
static double measure_threads(struct region *region, unsigned int order, unsigned int threads)
{
	struct shared shared = { .region = region, .order = order };
	double best = 1e9;

	for (unsigned int i = 0; i < BENCH_REPEATS / 3; i++) {
		u64 start = host_nsec();
		double each;

		threads_run(threads, share, &shared);
		each = (double)(host_nsec() - start) / (threads * ROUNDS * HELD * 2);
		best = each < best ? each : best;
	}
	return best;
}

static void measure_state(u32 nframes, const struct state *state)
{
	static const unsigned int orders[] = { 0, 2, 4, 6, 8, 9 };
	struct region region;

	make(&region, nframes);
	state->fill(&region);
	for (unsigned int i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
		struct cost cost = measure(&region, orders[i]);

		host_print("%7u %-12s%6u%9.1f%8.1f%14.1f%9.1f\n", nframes >> 18, state->name,
			   orders[i], cost.alloc, cost.free, measure_threads(&region, orders[i], 1),
			   measure_threads(&region, orders[i], 2));
	}
	host_free(region.memory);
}

void bench_buddy(void)
{
	static const u32 sizes[] = { 1u << 18, 1u << 23, 1u << 28 };

	host_print("buddy allocator, nanoseconds; locked: with a lock around each call, by "
		   "one thread and by two\n"
		   "%7s %-12s%6s%9s%8s%14s%9s\n", "GiB", "state", "order", "alloc", "free",
		   "locked: one", "two");
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (unsigned int s = 0; s < sizeof(states) / sizeof(*states); s++)
			measure_state(sizes[i], &states[s]);
}
