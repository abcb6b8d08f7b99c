// SPDX-License-Identifier: GPL-2.0-only
/* framepool map: reads the frames of a pool from debugfs and draws them. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "debugfs.h"
#include "picture.h"
#include "terminal.h"
#include "text.h"

static const char map_help[] =
	"usage: framepool map [--pool POOL] [options]\n"
	"\n"
	"Draw the memory of a pool, frame 0 at the upper left: what is free, what holds\n"
	"pages, what the pool needs for itself. A character stands for several frames and\n"
	"shows what most of them are, or what is on its way in or out.\n"
	"\n"
	"  -p, --pool POOL     (default: 'default')\n"
	"  -f, --from FILE     draw what was saved from debugfs (framepool/POOL/frames);\n"
	"                      - is standard input\n"
	"  -w, --width N       characters in a line (default: the terminal's)\n"
	"  -r, --rows N        at most so many lines (default 16)\n"
	"      --svg           a picture for a browser or a document, on standard output\n"
	"      --ascii         no other characters than ASCII\n"
	"      --unicode       block characters, whatever the locale says\n"
	"      --color WHEN    auto, always, never (auto: on a terminal without NO_COLOR)\n"
	"  -h, --help          this\n";

struct map_options {
	struct picture_style style;
	const char *pool, *from;
	bool svg;
};

/* False: an error was printed. */
static bool map_option(struct map_options *o, int option, const char *value)
{
	uint64_t number;

	switch (option) {
	case 'p':
		/* It becomes part of a path. */
		if (!framepool_name_valid(value))
			return usage_error("'%s' can be no name of a pool", value), false;
		o->pool = value;
		return true;
	case 'f':
		o->from = value;
		return true;
	case 'w':
	case 'r':
		if (!parse_number(value, 10, 10000, &number) || !number)
			return usage_error("'%s' is no number of characters", value), false;
		*(option == 'w' ? &o->style.width : &o->style.rows) = number;
		return true;
	case 'a':
	case 'u':
		o->style.unicode = option == 'u';
		return true;
	case 's':
		o->svg = true;
		return true;
	case 'c':
		if (!terminal_parse_colour(value, &o->style.colour))
			return usage_error("--color is auto, always or never, not '%s'", value),
			       false;
		return true;
	default:
		return usage_hint(), false;
	}
}

static FILE *open_frames(const struct map_options *o, int *status)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such file", "Check the path." },
		{ }
	};
	FILE *in;

	if (!o->from)
		return debugfs_open(o->pool, "frames", "re", "draw", status);
	if (!strcmp(o->from, "-"))
		return stdin;
	in = fopen(o->from, "re");
	if (!in)
		*status = fail("draw", o->from, errno, reasons);
	return in;
}

static int draw(const struct map_options *o)
{
	static const struct reason reasons[] = {
		{ EINVAL, "a line of it is not understood",
		  "Use the command of the module's release." },
		{ ENODATA, "it holds no frames", "Use the command of the module's release." },
		{ }
	};
	struct picture picture = { 0 };
	char where[128];
	int err, status = EXIT_OK;
	unsigned int line;
	FILE *in;

	in = open_frames(o, &status);
	if (!in)
		return status;
	err = picture_read(&picture, in, &line);
	if (!err)
		err = o->svg ? picture_svg(&picture, &o->style, stdout) :
			       picture_draw(&picture, &o->style, stdout);
	if (err) {
		snprintf(where, sizeof(where), "%.64s (line %u)", o->from ? o->from : o->pool,
			 line);
		status = fail("draw", where, err, reasons);
	}
	picture_free(&picture);
	if (in != stdin)
		fclose(in);
	return status;
}

int cmd_map(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "from", required_argument, NULL, 'f' },
		{ "width", required_argument, NULL, 'w' },
		{ "rows", required_argument, NULL, 'r' },
		{ "svg", no_argument, NULL, 's' },
		{ "ascii", no_argument, NULL, 'a' },
		{ "unicode", no_argument, NULL, 'u' },
		{ "color", required_argument, NULL, 'c' },
		{ "colour", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct map_options o = {
		.style = {
			.width = terminal_width(),
			.rows = 16,
			.unicode = terminal_unicode(),
			.colour = terminal_colour(),
		},
		.pool = FRAMEPOOL_DEFAULT_POOL,
	};
	int option;

	while ((option = getopt_long(argc, argv, "p:f:w:r:h", options, NULL)) != -1) {
		if (option == 'h')
			return help(map_help);
		if (!map_option(&o, option, optarg))
			return EXIT_USAGE;
	}
	if (optind != argc)
		return usage_error("map takes no argument; a pool is given with --pool");
	return draw(&o);
}
