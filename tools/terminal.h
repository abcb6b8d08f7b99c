/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal: how wide, with colours, with which characters. */
#ifndef FRAMEPOOL_TERMINAL_H
#define FRAMEPOOL_TERMINAL_H

#include <stdbool.h>

/* COLUMNS, or what the terminal says, or 80. */
unsigned int terminal_width(void);

/* Standard output is a terminal that is not dumb, and NO_COLOR is not set. */
bool terminal_colour(void);

/* The locale's characters are UTF-8. */
bool terminal_unicode(void);

/* --color WHEN; false: not one of auto, always, never. */
bool terminal_parse_colour(const char *when, bool *colour);

#endif /* FRAMEPOOL_TERMINAL_H */
