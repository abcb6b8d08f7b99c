// SPDX-License-Identifier: GPL-2.0-only
/* framepool buddy */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "buddy.h"
#include "cmd.h"
#include "counters.h"
#include "debugfs.h"
#include "terminal.h"

static const char buddy_help[] =
	"usage: framepool buddy [--pool POOL] [options]\n"
	"\n"
	"Show the buddy allocator of a pool: the free blocks of each order and where they\n"
	"are, how much of what is free no block of that order can use, and what the next\n"
	"allocation of one frame would split. For root.\n"
	"\n"
	"  -p, --pool POOL     (default: 'default')\n"
	"  -j, --json          the counts alone, for programs; no need to be root\n"
	"  -w, --width N       characters in a line (default: the terminal's)\n"
	"      --ascii         no other characters than ASCII\n"
	"      --unicode       block characters, whatever the locale says\n"
	"      --color WHEN    auto, always, never (auto: on a terminal without NO_COLOR)\n"
	"  -h, --help          this\n";

/* What stands at the left of the picture. */
#define LEFT 39

struct buddy_options {
	struct buddy_style style;
	const char *pool;
	unsigned int width;
	bool json;
};

/* False: an error was printed. */
static bool buddy_option(struct buddy_options *o, int option, const char *value)
{
	uint64_t number;

	switch (option) {
	case 'p':
		if (!framepool_name_valid(value))
			return usage_error("'%s' can be no name of a pool", value), false;
		o->pool = value;
		return true;
	case 'w':
		if (!parse_number(value, 10, 10000, &number) || !number)
			return usage_error("'%s' is no number of characters", value), false;
		o->width = number;
		return true;
	case 'j':
		o->json = true;
		return true;
	case 'a':
	case 'u':
		o->style.unicode = option == 'u';
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

static int draw(const struct framepool_pool *pool, const struct buddy_options *o)
{
	static const struct reason reasons[] = {
		{ EINVAL, "its bitmap is shorter than the pool",
		  "Use the command of the module's release." },
		{ }
	};
	char count[2][NUMBER_SIZE];
	int err, status = EXIT_OK;
	struct buddy b;
	FILE *in = debugfs_open(pool->name, "bitmap", "re", "draw", &status);

	if (!in)
		return status;
	err = buddy_read(&b, in, pool->frames);
	fclose(in);
	if (err)
		return fail("draw", pool->name, err, reasons);
	buddy_draw(&b, &o->style, stdout);
	printf("%s blocks were split, %s buddies merged since the pool was made\n",
	       text_count(count[0], pool->splits), text_count(count[1], pool->merges));
	buddy_draw_split(&b, stdout);
	buddy_free(&b);
	return EXIT_OK;
}

static void report_json(const struct framepool_pool *pool)
{
	struct json j = { .out = stdout, .first = true };

	json_open(&j, NULL, '{');
	json_string(&j, "name", pool->name);
	json_number(&j, "frames", pool->frames);
	json_number(&j, "free", pool->free);
	json_number(&j, "splits", pool->splits);
	json_number(&j, "merges", pool->merges);
	json_pool_orders(&j, pool);
	json_close(&j, '}');
}

static int run(struct buddy_options *o)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such pool", "See 'framepool pool list'." },
		{ }
	};
	struct framepool_pool pool;
	int err, status = EXIT_OK, control = control_open(&status);

	if (control < 0)
		return status;
	FRAMEPOOL_INIT(&pool);
	err = framepool_find_pool(control, o->pool, &pool);
	close(control);
	if (err)
		return fail("draw", o->pool, err, reasons);
	if (o->json) {
		report_json(&pool);
		return EXIT_OK;
	}
	o->style.width = o->width > LEFT + 16 ? o->width - LEFT : 16;
	return draw(&pool, o);
}

int cmd_buddy(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "width", required_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "ascii", no_argument, NULL, 'a' },
		{ "unicode", no_argument, NULL, 'u' },
		{ "color", required_argument, NULL, 'c' },
		{ "colour", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct buddy_options o = {
		.style = { .unicode = terminal_unicode(), .colour = terminal_colour() },
		.pool = FRAMEPOOL_DEFAULT_POOL,
		.width = terminal_width(),
	};
	int option;

	while ((option = getopt_long(argc, argv, "p:w:jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(buddy_help);
		if (!buddy_option(&o, option, optarg))
			return EXIT_USAGE;
	}
	if (optind != argc)
		return usage_error("buddy takes no argument; a pool is given with --pool");
	return run(&o);
}
