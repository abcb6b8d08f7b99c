/* SPDX-License-Identifier: GPL-2.0-only */
/* How near shadows come to what other policies, and other sizes, really miss. */
#ifndef BENCH_WHATIF_H
#define BENCH_WHATIF_H

#include "trace.h"

/*
 * @how is "SHIFT", one of 2^SHIFT pages in the sample and all references to them seen, or
 * "SHIFT,EVERY", seen as a kernel sees them (machine_watch()).
 */
void whatif_run(const struct trace *t, const char *how);
/* After all traces: the mean errors. */
void whatif_end(void);

#endif /* BENCH_WHATIF_H */
