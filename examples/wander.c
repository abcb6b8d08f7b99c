// SPDX-License-Identifier: MIT
/*
 * Go about in the first MIB of a file for some SECONDS, a page here and a page there, and say what
 * working set that took; with MAX-MIB, it may not be larger than so much.
 */
#include <framepool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

/* Loads from pages at random until the time is over. */
static unsigned long wander(const volatile char *data, size_t pages, long seconds)
{
	time_t end = time(NULL) + seconds;
	unsigned long loads = 0;

	for (; loads % 256 || time(NULL) < end; loads++)
		(void)data[(size_t)random() % pages * PAGE];
	return loads;
}

/* Limits are those of a process in a pool: 0 is this one. */
static int limit_myself(const char *mib)
{
	int control = framepool_open();
	int err = control < 0 ? control :
		  framepool_limit_wset(control, NULL, 0, 0, strtoull(mib, NULL, 0) * 256);

	if (control >= 0)
		close(control);
	return err;
}

static int show_myself(unsigned long loads)
{
	int control = framepool_open();
	struct framepool_wset w;
	int err = control < 0 ? control : framepool_get_wset(control, NULL, 0, &w);

	if (control >= 0)
		close(control);
	if (!err)
		printf("%lu loads, %llu faults; has %llu pages, %llu at most, should have %llu\n",
		       loads, w.faults, w.charge, w.peak, w.target);
	return err;
}

static int complain(const char *file, int err)
{
	fprintf(stderr, "wander: %s: %s\n", file, strerror(-err));
	return 1;
}

int main(int argc, char **argv)
{
	struct framepool_mapping m;
	size_t bytes;
	int err;

	if (argc < 4 || argc > 5 || atol(argv[2]) < 1) {
		fprintf(stderr, "usage: wander FILE MIB SECONDS [MAX-MIB]\n");
		return 2;
	}
	err = framepool_map_file(argv[1], 0, NULL, &m);
	if (err)
		return complain(argv[1], err);
	/* A process has a working set once it has mapped something. */
	err = argc == 5 ? limit_myself(argv[4]) : 0;
	bytes = (size_t)atol(argv[2]) << 20;
	if (!err)
		err = show_myself(wander(m.addr, (bytes < m.length ? bytes : m.length) / PAGE,
					 atol(argv[3])));
	framepool_unmap(&m);
	return err ? complain(argv[1], err) : 0;
}
