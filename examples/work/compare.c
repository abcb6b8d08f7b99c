// SPDX-License-Identifier: MIT
/* The same work on one file, through the pool and through plain mmap, and what it took. */
#include <errno.h>
#include <fcntl.h>
#include <framepool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "compare.h"

#define CGROUP "/sys/fs/cgroup/framepool-compare"

struct result {
	uint64_t value;
	double seconds;
	long major_faults;
};

static void die(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void *map_plain(const char *path, size_t bytes, int *fd)
{
	void *data;

	*fd = open(path, O_RDWR | O_CREAT, 0600);
	if (*fd < 0 || ftruncate(*fd, bytes))
		die(path, -errno);
	data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (data == MAP_FAILED)
		die(path, -errno);
	return data;
}

/* Afterwards nothing of the file is in the page cache. */
static void make_file(const struct work *w, const char *path, size_t bytes)
{
	int fd;
	void *data = map_plain(path, bytes, &fd);

	w->fill(data, bytes);
	munmap(data, bytes);
	if (fsync(fd))
		die(path, -errno);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

static struct result measure(const struct work *w, void *data, size_t bytes)
{
	struct rusage before, after;
	struct result r;

	getrusage(RUSAGE_SELF, &before);
	r.seconds = now();
	r.value = w->work(data, bytes);
	if (w->changes && msync(data, bytes, MS_SYNC))
		die("msync", -errno);
	r.seconds = now() - r.seconds;
	getrusage(RUSAGE_SELF, &after);
	r.major_faults = after.ru_majflt - before.ru_majflt;
	return r;
}

static struct result run_pooled(const struct work *w, const char *path, const char *pool)
{
	struct framepool_mapping m;
	struct result r;
	int err = framepool_map_file(path, FRAMEPOOL_MAP_WRITE, pool, &m);

	if (err)
		die(path, err);
	framepool_set_block(m.fd, w->block_type);
	r = measure(w, m.addr, m.length);
	framepool_unmap(&m);
	return r;
}

static bool write_to(const char *path, unsigned long long number)
{
	FILE *out = fopen(path, "w");

	if (!out)
		return false;
	fprintf(out, "%llu\n", number);
	return !fclose(out);
}

/* From now on this process may use so much more; false: it cannot be bounded. */
static bool bound_myself(unsigned long long bytes)
{
	if (mkdir(CGROUP, 0755) && errno != EEXIST)
		return false;
	return write_to(CGROUP "/memory.max", bytes) &&
	       write_to(CGROUP "/cgroup.procs", getpid());
}

static struct result run_plain(const struct work *w, const char *path, size_t bytes)
{
	int fd;
	void *data = map_plain(path, bytes, &fd);
	struct result r = measure(w, data, bytes);

	munmap(data, bytes);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	return r;
}

static void report(const char *how, const struct result *r)
{
	printf("  %-10s %8.2f s %10ld major faults   result %016llx\n", how, r->seconds,
	       r->major_faults, (unsigned long long)r->value);
}

static uint64_t bound_of(const char *pool)
{
	struct framepool_pool info;
	int control = framepool_open(), err;

	if (control < 0)
		die(FRAMEPOOL_CONTROL, control);
	FRAMEPOOL_INIT(&info);
	err = framepool_find_pool(control, pool, &info);
	if (err)
		die("pool", err);
	close(control);
	return info.bound * 4096;
}

int compare(const struct work *w, int argc, char **argv)
{
	const char *pool = argc > 3 ? argv[3] : NULL;
	struct result pooled, plain;
	unsigned long long bound;
	size_t bytes;
	bool bounded;

	if (argc < 3 || argc > 4 || strtoul(argv[2], NULL, 10) < 1) {
		fprintf(stderr, "usage: %s FILE MIB [POOL]   (FILE is made, or overwritten)\n",
			w->name);
		return 2;
	}
	bytes = strtoul(argv[2], NULL, 10) << 20;
	bound = bound_of(pool);
	printf("%s: a file of %zu MiB, a pool of %llu MiB\n", w->name, bytes >> 20, bound >> 20);
	make_file(w, argv[1], bytes);
	pooled = run_pooled(w, argv[1], pool);
	report("framepool", &pooled);
	if (w->changes)
		make_file(w, argv[1], bytes);
	bounded = bound_myself(bound + bytes * w->extra_percent / 100);
	plain = run_plain(w, argv[1], bytes);
	report("plain mmap", &plain);
	if (pooled.value != plain.value) {
		printf("THE RESULTS DIFFER\n");
		return 1;
	}
	printf("  the results are equal; plain mmap had %s\n",
	       bounded ? "as much memory, by a cgroup" : "all memory: it takes root to bound it");
	return 0;
}
