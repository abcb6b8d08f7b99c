/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The integer types that both halves of the simulator speak: the one that sees the core
 * through the shim, and the one that sees the C library.
 */
#ifndef BENCH_NUM_H
#define BENCH_NUM_H

#include <stdbool.h>
#include <stddef.h>

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#endif /* BENCH_NUM_H */
