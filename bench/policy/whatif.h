/* SPDX-License-Identifier: GPL-2.0-only */
/* How near shadows come to what other policies, and other sizes, really miss. */
#ifndef BENCH_WHATIF_H
#define BENCH_WHATIF_H

#include "trace.h"

/**
 * struct whatif - how shadows watch a pool
 * @shift: one of 2^@shift pages is in the sample
 * @every: the accessed bits of the sample are read after so many references, as machine_watch()
 *	says; 0: the shadows see all references
 */
struct whatif {
	u32 shift;
	u32 every;
};

#define WHATIF_USAGE	"SHIFT or SHIFT,EVERY: SHIFT is 0 to 12, EVERY 1 to 1073741824"

/* Reads what WHATIF_USAGE says; false: it is something else. */
bool whatif_parse(const char *how, struct whatif *w);
void whatif_run(const struct trace *t, const struct whatif *w);
/* After all traces: the mean errors. */
void whatif_end(void);

#endif /* BENCH_WHATIF_H */
