/* SPDX-License-Identifier: GPL-2.0-only */
/* Several processes in one pool: working sets beside one global instance of a policy. */
#ifndef BENCH_MIXES_H
#define BENCH_MIXES_H

#include "trace.h"

/* Runs the mixes for which there is everything; @paths are traces by files of their names. */
void mixes_run(char *const *paths, unsigned int nr);

#endif /* BENCH_MIXES_H */
