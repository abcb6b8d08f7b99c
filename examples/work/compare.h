/* SPDX-License-Identifier: MIT */
/*
 * The same work on one file, through the pool and through plain mmap, and what it took.
 *
 * To be fair, plain mmap gets as much memory as the pool has, by a memory cgroup; where none can be
 * made (it takes root, and cgroup2 with the memory controller), the program says so.
 */
#ifndef COMPARE_H
#define COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <framepool.h>

/* Done on the mapped file; its result must not depend on how it was mapped. */
typedef uint64_t (*work_fn)(void *data, size_t bytes);

/* Makes the file's contents in a mapping of all of it; the same each time. */
typedef void (*fill_fn)(void *data, size_t bytes);

struct work {
	const char *name; /* of the program */
	work_fn work;
	fill_fn fill;
	bool changes; /* the work stores: the file is made anew before each run, and synced after */
	unsigned int block_type;
	unsigned int extra_percent; /* of the file's size, what the work needs beside it */
};

/* main() of a program that takes FILE MIB [POOL]; exits with 1 where the two results differ. */
int compare(const struct work *work, int argc, char **argv);

/* A generator of numbers that is the same everywhere. */
static inline uint64_t next_random(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15;
	uint64_t x = *state;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

#endif /* COMPARE_H */
