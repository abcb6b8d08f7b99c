/* SPDX-License-Identifier: GPL-2.0-only */
/* What is measured. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include "meter.h"
#include "target.h"

/**
 * struct workload - one way to use a mapped file
 * @name: in the table
 * @resident: uses only as many pages as fit into memory
 * @advice: what the program tells madvise() beforehand, as one that cares does: without
 *	MADV_RANDOM plain mmap reads 32 pages where one is needed, and is 17 times slower
 * @in_memory: needs no I/O at all
 * @run: measures; returns how many operations it measured
 */
struct workload {
	const char *name;
	bool resident;
	bool in_memory;
	int advice;
	size_t (*run)(const struct target *target, struct meter *meter);
};

extern const struct workload workloads[];

/** workload_find() - by its name, or NULL */
const struct workload *workload_find(const char *name);

#endif
