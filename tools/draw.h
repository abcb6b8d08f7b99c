/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of the commands that draw a pool. */
#ifndef FRAMEPOOL_DRAW_H
#define FRAMEPOOL_DRAW_H

#include <getopt.h>
#include <stdbool.h>

struct draw_options {
	const char *pool;
	unsigned int width, rows; /* in characters, at most */
	bool unicode, colour;
};

/* For getopt_long(); the short ones are p: and w:. */
#define DRAW_OPTIONS \
	{ "pool", required_argument, NULL, 'p' }, \
	{ "width", required_argument, NULL, 'w' }, \
	{ "ascii", no_argument, NULL, 'a' }, \
	{ "unicode", no_argument, NULL, 'u' }, \
	{ "color", required_argument, NULL, 'c' }, \
	{ "colour", required_argument, NULL, 'c' }

/* What the terminal and the environment say. */
void draw_defaults(struct draw_options *o);

/* One of the above, or 'r' for the rows. False: an error was printed. */
bool draw_option(struct draw_options *o, int option, const char *value);

#endif /* FRAMEPOOL_DRAW_H */
