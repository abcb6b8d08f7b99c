/* SPDX-License-Identifier: GPL-2.0-only */
/* The fewest misses that any policy can have. */
#ifndef BENCH_OPT_H
#define BENCH_OPT_H

#include "trace.h"

u64 opt_misses(const struct trace *t, u32 frames);

#endif /* BENCH_OPT_H */
