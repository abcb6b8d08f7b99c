/* SPDX-License-Identifier: GPL-2.0-only */
/* Traces for those who have none: the shapes that every textbook has, the same each time. */
#ifndef BENCH_SYNTH_H
#define BENCH_SYNTH_H

#include "trace.h"

/* The n-th, or NULL after the last. */
struct trace *synth_trace(unsigned int n);

/* One of the processes that mixes are made of, or NULL if there is none of that name. */
struct trace *synth_process(const char *name, unsigned int seed);
bool synth_has(const char *name);
/* What the n-th of them is called, or NULL after the last. */
const char *synth_name(unsigned int n);

#endif /* BENCH_SYNTH_H */
