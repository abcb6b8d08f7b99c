// SPDX-License-Identifier: GPL-2.0-only
/* framepool top: samples the counters, and shows them on a terminal or in lines. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "counters.h"
#include "terminal.h"
#include "text.h"
#include "top.h"
#include "top_screen.h"

static const char top_help[] =
	"usage: framepool top [options]\n"
	"\n"
	"Pools, working sets and spaces, live: how full, how large they should be, and how many\n"
	"faults, evictions and write-backs a second. NEAR are faults on pages that a little more\n"
	"memory would have kept.\n"
	"\n"
	"  -i, --interval SECONDS   between two looks, 1 to 3600 (default 1)\n"
	"  -s, --sort KEY           r resident, d dirty, f major faults, e evictions,\n"
	"                           w write-backs, n name (default r)\n"
	"  -b, --batch              plain lines, for logs and pipes\n"
	"  -j, --json               an object for each look, for programs; rates a second\n"
	"  -n, --count N            end after so many looks\n"
	"  -h, --help               this\n"
	"\n"
	"Keys: those of --sort; up and down choose a working set, m changes its maximum (a size\n"
	"such as 16M, or 'none'; Escape leaves it as it is); space looks at once; q ends.\n";

/* What a process is called, or "" where it has ended or another user's are hidden. */
static void command_of(int pid, char command[16])
{
	char path[32];
	FILE *file;
	char *c;

	command[0] = '\0';
	if (!pid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "r");
	if (!file)
		return;
	if (fgets(command, 16, file))
		command[strcspn(command, "\n")] = '\0';
	/* A process chooses its name, which is not to move a terminal's cursor. */
	for (c = command; *c; c++)
		if (!isprint((unsigned char)*c) || !isascii((unsigned char)*c))
			*c = '?';
	fclose(file);
}

/* The sets of a pool. One that goes meanwhile takes its sets with it. 0 or -errno. */
static int take_wsets(int control, const struct framepool_pool *pool, struct top_sample *s)
{
	struct framepool_wset wset;
	int got = 0;

	FRAMEPOOL_INIT(&wset);
	while (s->nr_wsets < TOP_WSETS &&
	       (got = framepool_next_wset(control, pool->name, &wset)) > 0) {
		struct top_wset *w = &s->wset[s->nr_wsets++];

		w->counters = wset;
		w->bound = pool->bound;
		memcpy(w->counters.name, pool->name, sizeof(w->counters.name));
		command_of(wset.pid, w->command);
	}
	return got < 0 && got != -ENOENT ? got : 0;
}

/* 0 or -errno. What there is no room for is left out. */
static int take_sample(int control, struct top_sample *s)
{
	struct framepool_space space;
	struct framepool_pool pool;
	unsigned int i;
	int got, err;

	s->when = clock_seconds();
	s->nr_pools = 0;
	s->nr_wsets = 0;
	s->nr_spaces = 0;
	FRAMEPOOL_INIT(&pool);
	while ((got = framepool_next_pool(control, &pool)) > 0 && s->nr_pools < TOP_POOLS)
		s->pool[s->nr_pools++] = pool;
	for (i = 0; got >= 0 && i < s->nr_pools; i++) {
		err = take_wsets(control, &s->pool[i], s);
		if (err)
			return err;
	}
	FRAMEPOOL_INIT(&space);
	while (got >= 0 && (got = framepool_next_space(control, &space)) > 0 &&
	       s->nr_spaces < TOP_SPACES)
		s->space[s->nr_spaces++] = space;
	return got < 0 ? got : 0;
}

/* The old sample becomes the last one, and its room that of the next. 0 or -errno. */
int top_look(struct top_view *v)
{
	struct top_sample *next = v->now == &v->room[0] ? &v->room[1] : &v->room[0];
	int err = take_sample(v->control, next);

	if (err)
		return err;
	v->last = v->now;
	v->now = next;
	return 0;
}

static void print_batch(const struct top_view *v)
{
	unsigned int index[TOP_SPACES], i;
	char line[TOP_LINE];

	puts(top_pool_heading());
	for (i = 0; i < v->now->nr_pools; i++) {
		top_pool_line(line, v->now, v->last, i);
		puts(line);
	}
	puts(top_wset_heading());
	top_sort_wsets(v->now, v->last, v->order, index);
	for (i = 0; i < v->now->nr_wsets; i++) {
		top_wset_line(line, v->now, v->last, index[i]);
		puts(line);
	}
	puts(top_space_heading());
	top_sort_spaces(v->now, v->last, v->order, index);
	for (i = 0; i < v->now->nr_spaces; i++) {
		top_space_line(line, v->now, v->last, index[i]);
		puts(line);
	}
	putchar('\n');
	fflush(stdout);
}

static void json_rates(struct json *j, struct top_rates r)
{
	json_open(j, "rates", '{');
	json_real(j, "minor_faults", r.minor);
	json_real(j, "major_faults", r.major);
	json_real(j, "filled", r.filled);
	json_real(j, "evicted", r.evicted);
	json_real(j, "written", r.written);
	json_close(j, '}');
	json_close(j, '}');
}

static void json_one_wset(struct json *j, const struct top_view *v, unsigned int i)
{
	const struct top_wset *w = &v->now->wset[i];
	struct top_wset_rates r = top_wset_rates(v->now, v->last, i);

	json_open(j, NULL, '{');
	json_string(j, "pool", w->counters.name);
	json_string(j, "command", w->command);
	json_wset_fields(j, &w->counters);
	json_open(j, "rates", '{');
	json_real(j, "faults", r.faults);
	json_real(j, "near_refaults", r.near);
	json_close(j, '}');
	json_close(j, '}');
}

static void print_json(const struct top_view *v)
{
	struct json j = { .out = stdout, .first = true };
	unsigned int index[TOP_SPACES], i;

	json_open(&j, NULL, '{');
	json_open(&j, "pools", '[');
	for (i = 0; i < v->now->nr_pools; i++) {
		json_open(&j, NULL, '{');
		json_pool_fields(&j, &v->now->pool[i]);
		json_rates(&j, top_pool_rates(v->now, v->last, i));
	}
	json_close(&j, ']');
	json_open(&j, "working_sets", '[');
	top_sort_wsets(v->now, v->last, v->order, index);
	for (i = 0; i < v->now->nr_wsets; i++)
		json_one_wset(&j, v, index[i]);
	json_close(&j, ']');
	json_open(&j, "spaces", '[');
	top_sort_spaces(v->now, v->last, v->order, index);
	for (i = 0; i < v->now->nr_spaces; i++) {
		json_open(&j, NULL, '{');
		json_space_fields(&j, &v->now->space[index[i]]);
		json_rates(&j, top_space_rates(v->now, v->last, index[i]));
	}
	json_close(&j, ']');
	json_close(&j, '}');
	fflush(stdout);
}

static int run_batch(struct top_view *v)
{
	unsigned int round;
	int err;

	for (round = 0; !v->count || round < v->count; round++) {
		if (round)
			sleep(v->interval);
		err = top_look(v);
		if (err)
			return fail("look at", "the pools and spaces", err, NULL);
		v->json ? print_json(v) : print_batch(v);
		if (ferror(stdout)) /* nobody reads any more */
			return EXIT_OK;
	}
	return EXIT_OK;
}

static int run(struct top_view *v)
{
	int status = EXIT_OK;

	if (!v->batch && (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))) {
		fputs("framepool: top needs a terminal. Use --batch for plain lines, or --json for "
		      "programs.\n", stderr);
		return EXIT_FAILED;
	}
	v->control = control_open(&status);
	if (v->control < 0)
		return status;
	v->room = calloc(2, sizeof(*v->room));
	if (!v->room)
		status = fail("look at", "the pools and spaces", ENOMEM, NULL);
	else
		status = v->batch ? run_batch(v) : top_screen(v);
	free(v->room);
	close(v->control);
	return status;
}

static int top_option(struct top_view *v, int option, const char *value)
{
	uint64_t number;

	switch (option) {
	case 'i':
		if (!parse_number(value, 10, 3600, &number) || !number)
			return usage_error("'%s' is no number of seconds from 1 to 3600", value);
		v->interval = number;
		return EXIT_OK;
	case 'n':
		if (!parse_number(value, 10, UINT32_MAX, &number) || !number)
			return usage_error("'%s' is no number of looks", value);
		v->count = number;
		return EXIT_OK;
	case 's':
		v->order = value[0] && !value[1] ? top_order_of(value[0]) : TOP_ORDERS;
		if (v->order == TOP_ORDERS)
			return usage_error("'%s' is none of r, d, f, e, w, n", value);
		return EXIT_OK;
	case 'j':
		v->json = true;
		v->batch = true;
		return EXIT_OK;
	case 'b':
		v->batch = true;
		return EXIT_OK;
	default:
		return usage_hint();
	}
}

int cmd_top(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "sort", required_argument, NULL, 's' },
		{ "batch", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' },
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct top_view v = { .interval = 1, .colour = terminal_colour() };
	int option, status;

	while ((option = getopt_long(argc, argv, "i:s:bjn:h", options, NULL)) != -1) {
		if (option == 'h')
			return help(top_help);
		status = top_option(&v, option, optarg);
		if (status)
			return status;
	}
	if (optind != argc)
		return usage_error("top takes no argument");
	return run(&v);
}
