/* SPDX-License-Identifier: GPL-2.0-only */
/* Several processes in one pool: working sets beside one global instance of a policy. */
#ifndef BENCH_MIXES_H
#define BENCH_MIXES_H

#include "mix.h"

/* Runs those of the project for which there is everything; @paths are @nr files of traces. */
void mixes_run(char *const *paths, unsigned int nr);
/* Ends the program with an error if a mix wants a trace that there is not. */
void mixes_check(const struct mix *mix, unsigned int mixes, char *const *paths, unsigned int nr);
/* Runs others, in which a name is rather that of one of @paths than of one that can be made. */
void mixes_run_own(const struct mix *mix, unsigned int mixes, char *const *paths, unsigned int nr);

#endif /* BENCH_MIXES_H */
