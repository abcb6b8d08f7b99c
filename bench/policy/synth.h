/* SPDX-License-Identifier: GPL-2.0-only */
/* Traces for those who have none: the shapes that every textbook has, the same each time. */
#ifndef BENCH_SYNTH_H
#define BENCH_SYNTH_H

#include "trace.h"

/* The n-th, or NULL after the last. */
struct trace *synth_trace(unsigned int n);

#endif /* BENCH_SYNTH_H */
