/* SPDX-License-Identifier: GPL-2.0-only */
/* What the simulator prints and draws. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "machine.h"

#define POLICIES_MAX	8
#define SIZES		5

/* The pool's size in per cent of the footprint. */
extern const u32 report_percent[SIZES];

/* Of one trace: OPT's misses at each size, and what each policy was counted to do. */
struct report {
	const struct trace *trace;
	u64 opt[SIZES];
	struct machine_counts counts[POLICIES_MAX][SIZES];
};

void report_trace(const struct report *r);
/* Makes the folder for the plots, in one that there is. */
void report_plots(const char *dir);
/* Draws @dir/NAME.svg, if there is a gnuplot. */
void report_plot(const struct report *r, const char *dir);
/* After all traces: the means, and as the last line that of the pool's default policy. */
void report_end(void);
/* On a terminal only. */
void report_progress(const char *what, double part);

#endif /* BENCH_REPORT_H */
