// SPDX-License-Identifier: GPL-2.0-only
/* framepool buddy */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "buddy.h"
#include "cmd.h"
#include "counters.h"
#include "debugfs.h"
#include "draw.h"

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

static int draw(const struct framepool_pool *pool, const struct draw_options *o)
{
	const struct buddy_style style = {
		.width = o->width > LEFT + 16 ? o->width - LEFT : 16,
		.unicode = o->unicode,
		.colour = o->colour,
	};
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
	buddy_draw(&b, &style, stdout);
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

static int run(const struct draw_options *o, bool json)
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
	if (!json)
		return draw(&pool, o);
	report_json(&pool);
	return EXIT_OK;
}

int cmd_buddy(int argc, char **argv)
{
	static const struct option options[] = {
		DRAW_OPTIONS,
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct draw_options o;
	bool json = false;
	int option;

	draw_defaults(&o);
	while ((option = getopt_long(argc, argv, "p:w:jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(buddy_help);
		if (option == 'j')
			json = true;
		else if (!draw_option(&o, option, optarg))
			return EXIT_USAGE;
	}
	if (optind != argc)
		return usage_error("buddy takes no argument; a pool is given with --pool");
	return run(&o, json);
}
