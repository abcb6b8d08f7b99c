/* SPDX-License-Identifier: GPL-2.0-only */
/* The live view on a terminal. */
#ifndef FRAMEPOOL_TOP_SCREEN_H
#define FRAMEPOOL_TOP_SCREEN_H

#include "cmd.h"
#include "top.h"

struct top_view {
	int control;
	enum top_order order;
	unsigned int interval, count; /* count 0: for ever */
	bool batch, json, colour;
	struct top_sample *room;       /* for two */
	struct top_sample *now, *last; /* last: NULL in the first round */

	/* On a terminal only: the chosen working set, and its maximum while that is typed. */
	struct framepool_wset chosen;
	unsigned int chosen_row;
	bool typing;
	struct top_entry entry;
	char message[FAIL_SIZE];
	bool failed; /* the message is an error */
};

/* In cmd_top.c: a new sample. 0 or -errno. */
int top_look(struct top_view *v);

/* Show it until the user has seen enough; an exit code. */
int top_screen(struct top_view *v);

#endif /* FRAMEPOOL_TOP_SCREEN_H */
