// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is measured by time.  Each worker makes up its accesses as it goes, from a seed of its own.
 */
#include "live.h"
#include "fail.h"
#include "meter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORKERS 2
#define SLICE_NS    400000000ull

/* Pages that each worker has for itself, where all have to stay resident. */
#define RANGE (FRAMES / 8)

static const struct live lives[] = {
	{ "load", .resident = true },
	{ "minor", .resident = true, .forget = true },
	{ "miss", .store = false },
	{ "write", .store = true },
};

const struct live *live_find(const char *name)
{
	for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++)
		if (!strcmp(lives[i].name, name))
			return &lives[i];
	fail("no such thing: %s", name);
}

/* In memory that all workers share, should they be processes. */
struct shared {
	atomic_bool stop;
	_Atomic uint64_t ops;
};

struct worker {
	const struct live *live;
	const struct target *target;
	struct shared *shared;
	unsigned int number;
	uint64_t random;
	uint64_t ops;
	pthread_t thread;
	pid_t process;
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

/* Every page of the worker's own range. */
static void touch_range(struct worker *worker)
{
	uint32_t first = worker->number * RANGE;

	if (worker->live->forget)
		madvise(worker->target->base + (size_t)first * PAGE_BYTES, RANGE * PAGE_BYTES,
			MADV_DONTNEED);
	for (uint32_t page = first; page < first + RANGE; page++)
		touch(worker, page);
}

static void *work(void *data)
{
	struct worker *worker = data;

	while (!atomic_load_explicit(&worker->shared->stop, memory_order_relaxed))
		if (worker->live->resident)
			touch_range(worker);
		else
			touch(worker, random_page(worker));
	atomic_fetch_add(&worker->shared->ops, worker->ops);
	return NULL;
}

static void start(struct worker *worker)
{
	if (!worker->live->forget) {
		if (pthread_create(&worker->thread, NULL, work, worker))
			fail("no thread");
		return;
	}
	worker->process = fork();
	if (worker->process < 0)
		fail_errno("fork");
	if (!worker->process) {
		work(worker);
		_exit(0);
	}
}

static void finish(struct worker *worker)
{
	int status;

	if (!worker->live->forget)
		pthread_join(worker->thread, NULL);
	else if (waitpid(worker->process, &status, 0) < 0 || status)
		fail("a worker failed");
}

static void nap(uint64_t ns)
{
	struct timespec time = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	nanosleep(&time, NULL);
}

static struct shared *new_shared(void)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		fail_errno("mmap");
	return shared;
}

/* Seconds that the processors have worked since they were started, to a tick. */
static double all_busy(void)
{
	unsigned long long user, nice, system, idle, iowait, irq, softirq;
	FILE *f = fopen("/proc/stat", "re");

	if (!f || fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle,
			 &iowait, &irq, &softirq) != 7)
		fail_errno("/proc/stat");
	fclose(f);
	return (double)(user + nice + system + irq + softirq) / sysconf(_SC_CLK_TCK);
}

static double seconds(const struct timeval *time)
{
	return time->tv_sec + time->tv_usec / 1e6;
}

/* Of these, those of this program and of its children that have ended. */
static double own_busy(void)
{
	struct rusage self, children;

	if (getrusage(RUSAGE_SELF, &self) || getrusage(RUSAGE_CHILDREN, &children))
		fail_errno("getrusage");
	return seconds(&self.ru_utime) + seconds(&self.ru_stime) + seconds(&children.ru_utime) +
	       seconds(&children.ru_stime);
}

/*
 * What @n workers do in a slice of time, per second; and how much of a processor others have worked
 * meanwhile, threads of the kernel's.
 */
static double rate(const struct live *live, const struct target *target, unsigned int n,
		   uint64_t seed, double *others)
{
	double all = all_busy(), own = own_busy();
	struct worker workers[MAX_WORKERS];
	struct shared *shared = new_shared();
	uint64_t began = meter_now(), ops;
	double took;

	for (unsigned int i = 0; i < n; i++) {
		workers[i] = (struct worker){
			.live = live, .target = target, .shared = shared, .number = i,
			.random = (seed * MAX_WORKERS + i + 1) * 0x9e3779b97f4a7c15,
		};
		start(&workers[i]);
	}
	nap(SLICE_NS);
	atomic_store(&shared->stop, true);
	for (unsigned int i = 0; i < n; i++)
		finish(&workers[i]);
	ops = atomic_load(&shared->ops);
	munmap(shared, sizeof(*shared));
	took = (meter_now() - began) / 1e9;
	*others = (all_busy() - all - (own_busy() - own)) / took;
	return ops / took;
}

static void slice(const struct live *live, const struct target *target, unsigned int workers,
		  unsigned int round)
{
	double others, ops = rate(live, target, workers, round, &others);

	printf("slice what=%s way=%s round=%u workers=%u rate=%.0f others=%.3f\n", live->name,
	       target->way == WAY_POOL ? "pool" : "mmap", round, workers, ops, others);
	fflush(stdout);
}

void live_scale(const struct live *live, const struct target *pool, const struct target *mapped,
		unsigned int rounds)
{
	double unused;

	/* The first slices fill the memory. */
	for (unsigned int i = 0; i < 3; i++) {
		rate(live, pool, MAX_WORKERS, i, &unused);
		rate(live, mapped, MAX_WORKERS, i, &unused);
	}
	for (unsigned int round = 0; round < rounds; round++)
		for (unsigned int workers = 1; workers <= MAX_WORKERS; workers++) {
			slice(live, pool, workers, round + 3);
			slice(live, mapped, workers, round + 3);
		}
}

/*
 * Buckets of nanoseconds: 16 for each power of two, so that a lower bound is at most 7 % off.
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
