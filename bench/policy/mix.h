/* SPDX-License-Identifier: GPL-2.0-only */
/* Which processes share a pool, and how large that is. */
#ifndef BENCH_MIX_H
#define BENCH_MIX_H

#include "together.h"

/**
 * struct mix - processes in one pool
 * @name: what the table calls it
 * @frames: of the pool
 * @nr: how many processes
 * @process: for each the trace that it runs, by name
 */
struct mix {
	const char *name;
	u32 frames;
	unsigned int nr;
	const char *process[TOGETHER_MAX];
};

/* Reads "NAME+NAME@FRAMES"; what is none ends the program with an error that says what one is. */
void mix_parse(struct mix *mix, const char *how);

#endif /* BENCH_MIX_H */
