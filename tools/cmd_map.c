// SPDX-License-Identifier: GPL-2.0-only
/* framepool map: reads the frames of a pool from debugfs and draws them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "debugfs.h"
#include "draw.h"
#include "picture.h"
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
	"  -j, --json          how many frames are what, and which, for programs\n"
	"      --ascii         no other characters than ASCII\n"
	"      --unicode       block characters, whatever the locale says\n"
	"      --color WHEN    auto, always, never (auto: on a terminal without NO_COLOR)\n"
	"  -h, --help          this\n";

struct map_options {
	struct draw_options draw;
	const char *from;
	bool svg, json;
};

/* False: an error was printed. */
static bool map_option(struct map_options *o, int option, const char *value)
{
	if (option == 'f')
		o->from = value;
	else if (option == 's')
		o->svg = true;
	else if (option == 'j')
		o->json = true;
	else
		return draw_option(&o->draw, option, value);
	return true;
}

static FILE *open_frames(const struct map_options *o, int *status)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such file", "Check the path." },
		{ }
	};
	FILE *in;

	if (!o->from)
		return debugfs_open(o->draw.pool, "frames", "re", "draw", status);
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
	const struct picture_style style = {
		.width = o->draw.width,
		.rows = o->draw.rows,
		.unicode = o->draw.unicode,
		.colour = o->draw.colour,
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
		err = o->svg  ? picture_svg(&picture, &style, stdout) :
		      o->json ? picture_json(&picture, stdout) :
				picture_draw(&picture, &style, stdout);
	if (err) {
		snprintf(where, sizeof(where), "%.64s (line %u)", o->from ? o->from : o->draw.pool,
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
		DRAW_OPTIONS,
		{ "from", required_argument, NULL, 'f' },
		{ "rows", required_argument, NULL, 'r' },
		{ "svg", no_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct map_options o = { 0 };
	int option;

	draw_defaults(&o.draw);
	while ((option = getopt_long(argc, argv, "p:f:w:r:jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(map_help);
		if (!map_option(&o, option, optarg))
			return EXIT_USAGE;
	}
	if (o.svg && o.json)
		return usage_error("one of --svg and --json");
	if (optind != argc)
		return usage_error("map takes no argument; a pool is given with --pool");
	return draw(&o);
}
