/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmarks of the core share. */
#ifndef CORE_BENCH_H
#define CORE_BENCH_H

#include "host.h"
#include "types.h"

/* A figure is the best of so many: what else the machine does only ever makes it worse. */
#define BENCH_REPEATS 25

/** bench_random() - the next number of a fixed sequence, below @limit */
u32 bench_random(u32 limit);

/** bench_shuffle() - put @n numbers in a random order */
void bench_shuffle(u32 *numbers, u32 n);

/** bench_memory() - @bytes of zeroed memory, or the end of the program */
void *bench_memory(size_t bytes);

void bench_buddy(void);
void bench_ptable(void);
void bench_space(void);

#endif
