// SPDX-License-Identifier: GPL-2.0-only
/* framepool stat */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "counters.h"
#include "text.h"

static const char stat_help[] =
	"usage: framepool stat [NAME | --pool POOL] [--watch SECONDS] [--json]\n"
	"\n"
	"Show what happened in a space, in a pool, or (without either) in all of them. A\n"
	"minor fault found its page in memory, a major fault waited for the file;\n"
	"'resident at most' never exceeds 'bound'.\n"
	"\n"
	"  -p, --pool POOL       this pool alone\n"
	"  -w, --watch SECONDS   again and again, until interrupted, 1 to 3600\n"
	"  -j, --json            for programs: an object, or one of \"pools\" and \"spaces\"\n"
	"  -h, --help            this\n";

static int stat_all_pools(int control, struct json *j)
{
	struct framepool_pool pool;
	int got;

	FRAMEPOOL_INIT(&pool);
	if (j)
		json_open(j, "pools", '[');
	while ((got = framepool_next_pool(control, &pool)) > 0)
		j ? json_pool(j, &pool) : show_pool(&pool);
	if (j)
		json_close(j, ']');
	return got;
}

static int stat_all_spaces(int control, struct json *j)
{
	struct framepool_space space;
	int got;

	FRAMEPOOL_INIT(&space);
	if (j)
		json_open(j, "spaces", '[');
	while ((got = framepool_next_space(control, &space)) > 0)
		j ? json_space(j, &space) : show_space(&space);
	if (j)
		json_close(j, ']');
	return got;
}

static int stat_all(int control, struct json *j)
{
	int err;

	if (j)
		json_open(j, NULL, '{');
	err = stat_all_pools(control, j);
	if (!err)
		err = stat_all_spaces(control, j);
	if (j)
		json_close(j, '}');
	return err ? fail("show", "the pools and spaces", err, NULL) : EXIT_OK;
}

static int stat_pool(int control, const char *name, struct json *j)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such pool", "See 'framepool pool list'." },
		{ }
	};
	struct framepool_pool pool;
	int err;

	FRAMEPOOL_INIT(&pool);
	err = framepool_find_pool(control, name, &pool);
	if (err)
		return fail("show pool", name, err, reasons);
	j ? json_pool(j, &pool) : show_pool(&pool);
	return EXIT_OK;
}

/* Where and why is known to the space itself: whoever may not open it is not told. */
static void stat_errors(const char *name)
{
	struct framepool_errors errors;
	int fd = framepool_open_space(name, O_RDONLY);

	if (fd < 0)
		return;
	FRAMEPOOL_INIT(&errors);
	if (!framepool_errors(fd, &errors))
		show_errors(&errors);
	close(fd);
}

/* Who owns a space but may not use the control node asks the space itself. */
static int stat_space(const char *name, struct json *j)
{
	static const struct reason reasons[] = {
		{ ENOENT, "nothing is attached under this name", "See 'framepool list'." },
		{ }
	};
	struct framepool_space space;
	int err, fd, status = EXIT_OK, control = framepool_open();

	FRAMEPOOL_INIT(&space);
	if (control >= 0) {
		err = framepool_find_space(control, name, &space);
		close(control);
	} else {
		fd = space_open(name, "show", &status);
		if (fd < 0)
			return status;
		err = framepool_space_info(fd, &space);
		close(fd);
	}
	if (err)
		return fail("show", name, err, reasons);
	j ? json_space(j, &space) : show_space(&space);
	if (!j)
		stat_errors(name);
	return EXIT_OK;
}

/* What was asked for. */
struct stat_options {
	const char *name, *pool;
	struct json *json; /* NULL: for people */
	uint64_t watch;	   /* seconds; 0: once */
};

static int stat_once(const struct stat_options *o)
{
	int control, status = EXIT_OK;

	if (o->name)
		return stat_space(o->name, o->json);
	control = control_open(&status);
	if (control < 0)
		return status;
	status = o->pool ? stat_pool(control, o->pool, o->json) : stat_all(control, o->json);
	close(control);
	return status;
}

static int run(const struct stat_options *o)
{
	int status = stat_once(o);

	while (o->watch && !status && !fflush(stdout)) {
		sleep(o->watch);
		if (o->json)
			o->json->first = true;
		else
			putchar('\n');
		status = stat_once(o);
	}
	return status;
}

int cmd_stat(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "watch", required_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct json writer = { .out = stdout, .first = true };
	struct stat_options o = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "p:w:jh", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			o.pool = optarg;
			break;
		case 'w':
			if (!parse_number(optarg, 10, 3600, &o.watch) || !o.watch)
				return usage_error("'%s' is no number of seconds from 1 to 3600",
						   optarg);
			break;
		case 'j':
			o.json = &writer;
			break;
		case 'h':
			return help(stat_help);
		default:
			return usage_hint();
		}
	}
	if (argc - optind > 1 || (o.pool && optind < argc))
		return usage_error("stat takes one NAME or one --pool");
	if (optind < argc)
		o.name = space_name(argv[optind]);
	return run(&o);
}
