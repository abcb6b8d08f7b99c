/* SPDX-License-Identifier: GPL-2.0-only */
/* What is measured by time: throughput of threads, and how long single accesses take. */
#ifndef LIVE_H
#define LIVE_H

#include "target.h"

/**
 * struct live - a way to use a mapped file for as long as one likes
 * @name: in the table
 * @store: stores, or loads
 * @resident: of pages that are all resident; else at random over the file
 * @forget: and the processor's table has not got them.  Each worker is a process then: in a shared
 *	table, to forget interrupts the other processors, and that would be what is measured
 */
struct live {
	const char *name;
	bool store;
	bool resident;
	bool forget;
};

/** live_find() - by its name; there is one */
const struct live *live_find(const char *name);

/**
 * live_scale() - compare one worker with two, and the pool with plain mmap
 *
 * Takes turns, @rounds times, in short slices: what else the machine does falls on all alike.
 * Prints a line for each slice.
 */
void live_scale(const struct live *live, const struct target *pool, const struct target *mapped,
		unsigned int rounds);

/** live_latency() - print the percentiles of single accesses of one thread, over some seconds */
void live_latency(const struct live *live, const struct target *target, unsigned int seconds);

#endif
