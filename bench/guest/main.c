// SPDX-License-Identifier: GPL-2.0-only
/*
 * The part of the benchmark that runs in the guest.
 *
 *   bench create FILE PAGES			make the file, every page numbered
 *   bench run FILE PAGES pool|mmap|floor WORKLOAD	measure, and print one line of NAME=VALUE
 *   bench workloads				print their names
 *   bench scenes				likewise
 *   bench scale POOLED MAPPED PAGES WHAT ROUNDS	one worker and two, one line for each slice
 *   bench latency FILE PAGES pool|mmap WHAT SECONDS	percentiles of single accesses
 *   bench reads FILE PAGES pool|mmap SCENE	programs side by side: pages that were read for them
 */
#include "fail.h"
#include "live.h"
#include "scene.h"
#include "workload.h"

#include <sys/mman.h>

/* A quarter less than fits beside the metadata and what else a memory cgroup is charged for. */
#define RESIDENT_PAGES 12288u

static const char *const ways[] = {
	[WAY_POOL] = "pool",
	[WAY_DIRECT] = "direct",
	[WAY_MMAP] = "mmap",
	[WAY_FLOOR] = "floor",
};

static enum way way_of(const char *name)
{
	for (enum way way = 0; way < sizeof(ways) / sizeof(*ways); way++)
		if (!strcmp(ways[way], name))
			return way;
	fail("no way %s", name);
}

static void run(const char *path, uint32_t pages, enum way way, const char *name)
{
	const struct workload *workload = workload_find(name);
	struct target target;
	struct meter meter;
	size_t ops;

	if (!workload)
		fail("no workload %s", name);
	if (workload->resident && pages > RESIDENT_PAGES)
		pages = RESIDENT_PAGES;
	target = way == WAY_FLOOR ? target_open_floor(path, pages, workload->in_memory) :
				    target_open(path, pages, way, workload->advice);
	ops = workload->run(&target, &meter);
	printf("result workload=%s way=%s path=%s ops=%zu clock=%llu idle=%llu\n", name, ways[way],
	       target_io_path(&target), ops, (unsigned long long)meter.clock,
	       (unsigned long long)meter.idle);
	target_close(&target);
}

static int advice_of(const struct live *live)
{
	return live->resident ? MADV_NORMAL : MADV_RANDOM;
}

static void scale(const char *pooled, const char *mapped, uint32_t pages, const char *what,
		  unsigned int rounds)
{
	const struct live *live = live_find(what);
	struct target pool = target_open(pooled, pages, WAY_POOL, advice_of(live));
	struct target plain = target_open(mapped, pages, WAY_MMAP, advice_of(live));

	live_scale(live, &pool, &plain, rounds);
	target_close(&pool);
	target_close(&plain);
}

static void latency(const char *path, uint32_t pages, enum way way, const char *what,
		    unsigned int seconds)
{
	const struct live *live = live_find(what);
	struct target target = target_open(path, pages, way, advice_of(live));

	live_latency(live, &target, seconds);
	target_close(&target);
}

static void reads(const char *path, uint32_t pages, enum way way, const char *name)
{
	const struct scene *scene = scene_find(name);
	struct target target = target_open(path, pages, way, MADV_NORMAL);
	uint64_t read, accesses;

	scene_play(scene, &target, &read, &accesses);
	printf("reads scene=%s way=%s accesses=%llu pages=%llu\n", name, ways[way],
	       (unsigned long long)accesses, (unsigned long long)read);
	target_close(&target);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "create") && argc == 4)
		target_create(argv[2], atoi(argv[3]));
	else if (!strcmp(verb, "run") && argc == 6)
		run(argv[2], atoi(argv[3]), way_of(argv[4]), argv[5]);
	else if (!strcmp(verb, "scale") && argc == 7)
		scale(argv[2], argv[3], atoi(argv[4]), argv[5], atoi(argv[6]));
	else if (!strcmp(verb, "latency") && argc == 7)
		latency(argv[2], atoi(argv[3]), way_of(argv[4]), argv[5], atoi(argv[6]));
	else if (!strcmp(verb, "reads") && argc == 6)
		reads(argv[2], atoi(argv[3]), way_of(argv[4]), argv[5]);
	else if (!strcmp(verb, "scenes") && argc == 2)
		for (const struct scene *scene = scenes; scene->name; scene++)
			puts(scene->name);
	else if (!strcmp(verb, "workloads") && argc == 2)
		for (const struct workload *workload = workloads; workload->name; workload++)
			puts(workload->name);
	else
		fail("usage: create | run | scale | latency | reads | workloads | scenes; main.c says how");
	return 0;
}
