// SPDX-License-Identifier: GPL-2.0-only
#include "draw.h"

#include <stdint.h>

#include "cmd.h"
#include "terminal.h"
#include "text.h"

void draw_defaults(struct draw_options *o)
{
	*o = (struct draw_options){
		.pool = FRAMEPOOL_DEFAULT_POOL,
		.width = terminal_width(),
		.rows = 16,
		.unicode = terminal_unicode(),
		.colour = terminal_colour(),
	};
}

static bool characters(const char *value, unsigned int *number)
{
	uint64_t n;

	if (!parse_number(value, 10, 10000, &n) || !n)
		return usage_error("'%s' is no number of characters", value), false;
	*number = n;
	return true;
}

bool draw_option(struct draw_options *o, int option, const char *value)
{
	switch (option) {
	case 'p':
		/* It becomes part of a path. */
		if (!framepool_name_valid(value))
			return usage_error("'%s' can be no name of a pool", value), false;
		o->pool = value;
		return true;
	case 'w':
		return characters(value, &o->width);
	case 'r':
		return characters(value, &o->rows);
	case 'a':
	case 'u':
		o->unicode = option == 'u';
		return true;
	case 'c':
		if (!terminal_parse_colour(value, &o->colour))
			return usage_error("--color is auto, always or never, not '%s'", value),
			       false;
		return true;
	default:
		return usage_hint(), false;
	}
}
