/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far long work has come, on standard error: a bar that is drawn anew on a terminal, a plain
 * line now and then elsewhere.
 */
#ifndef FRAMEPOOL_PROGRESS_H
#define FRAMEPOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	FILE *out;
	const char *label;
	bool terminal;
	bool drawn;	/* there is something to be wiped off */
	int64_t pause;	/* milliseconds from one to the next */
	int64_t next;	/* when that is */
};

/* Nothing is shown yet: short work needs no bar. */
void progress_begin(struct progress *p, const char *label);

/* @done of @total; shown if it is time. */
void progress_tell(struct progress *p, uint64_t done, uint64_t total);

/* The same where nobody knows the total; @done is in words. */
void progress_words(struct progress *p, const char *done);

/* Wipe the bar off. */
void progress_end(struct progress *p);

#endif /* FRAMEPOOL_PROGRESS_H */
