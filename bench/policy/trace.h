/* SPDX-License-Identifier: GPL-2.0-only */
/* A trace of page references in memory, and where it comes from. */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include "num.h"

#define TRACE_WRITE	(1U << 31)
#define TRACE_PAGE	(TRACE_WRITE - 1)
#define TRACE_NEVER	(~0U)
#define TRACE_RECORDS_MAX	(1U << 30)
#define TRACE_NAME_MAX	256	/* with its 0: as long as a file's */

/**
 * struct trace - page references in order
 * @name: what the tables call it
 * @n: how many
 * @pages: how many pages it touches: its footprint
 * @ref: each one: number of the page in order of first touch, and TRACE_WRITE
 * @next: for each the index of the next one to the same page, or TRACE_NEVER
 * @vpn: for each page its number in the program's memory
 */
struct trace {
	char name[TRACE_NAME_MAX];
	u32 n;
	u32 pages;
	u32 *ref;
	u32 *next;
	u32 *vpn;
};

/*
 * Reads a file of u32 little endian, compressed if its name ends in .zst: bit 31 = write, bits 0
 * to 30 = page. One that is malformed ends the program with an error that says what is wrong.
 */
struct trace *trace_read(const char *path);
/* Only whether it is malformed; of a file that can be read again. */
void trace_check(const char *path);
/* What the trace of this file is called: NAME of DIR/NAME.u32.zst or DIR/NAME.u32. */
void trace_name(char name[TRACE_NAME_MAX], const char *path);
/* Takes @raw, in the same format. */
struct trace *trace_make(const char *name, u32 *raw, u32 n);
void trace_free(struct trace *t);
/* Where a page is looked for: the lowest bits count, as many as a table of all pages needs. */
u64 trace_hash(u32 page);

#endif /* BENCH_TRACE_H */
