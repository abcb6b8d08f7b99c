// SPDX-License-Identifier: GPL-2.0-only
/* framepool wset */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "counters.h"
#include "text.h"
#include "wset.h"

static const char wset_help[] =
	"usage: framepool wset [POOL] [--json]\n"
	"       framepool wset [POOL] --pid PID [--min SIZE] [--max SIZE]\n"
	"\n"
	"Show the working sets of a pool (default: 'default'): how much of it is charged to\n"
	"each process that maps something, and how much it should have. With --pid, set the\n"
	"limits of one. '-' in the place of a PID is what nobody in particular has asked for.\n"
	"\n"
	"  -p, --pid PID    whose\n"
	"  -m, --min SIZE   others do not take it below this\n"
	"  -M, --max SIZE   it never has more than this, at least 32K; 'none'\n"
	"  -j, --json       for programs\n"
	"  -h, --help       this\n"
	"\n"
	"SIZE is in bytes, K, M, G, T as suffixes; a multiple of 4K.\n";

struct wset_options {
	uint64_t pid;
	__u64 min, max;
	bool json, has_pid, has_min, has_max;
};

/* False: an error was printed. */
static bool wset_option(struct wset_options *o, int option, const char *value)
{
	switch (option) {
	case 'p':
		o->has_pid = parse_number(value, 10, INT32_MAX, &o->pid) && o->pid;
		if (!o->has_pid)
			usage_error("'%s' is no process", value);
		return o->has_pid;
	case 'm':
		o->has_min = parse_min(value, &o->min);
		if (!o->has_min)
			usage_error("'%s' is no size, such as 16M", value);
		return o->has_min;
	case 'M':
		o->has_max = parse_max(value, &o->max);
		if (!o->has_max)
			usage_error("'%s' is no size, such as 16M, and not 'none'", value);
		return o->has_max;
	case 'j':
		o->json = true;
		return true;
	default:
		return usage_hint(), false;
	}
}

static void row(const struct framepool_wset *w)
{
	char pid[NUMBER_SIZE] = "-", min[NUMBER_SIZE], max[NUMBER_SIZE], target[NUMBER_SIZE],
	     charge[NUMBER_SIZE], pinned[NUMBER_SIZE];

	if (w->pid)
		snprintf(pid, sizeof(pid), "%d", w->pid);
	printf("%8s %10s %10s %10s %10s %10s %10llu %10llu %10llu\n", pid,
	       text_bytes(min, w->min * PAGE_BYTES), text_max(max, w->max),
	       text_bytes(target, w->target * PAGE_BYTES),
	       text_bytes(charge, w->charge * PAGE_BYTES),
	       text_bytes(pinned, w->pinned * PAGE_BYTES), (unsigned long long)w->faults,
	       (unsigned long long)w->refaults, (unsigned long long)w->near_refaults);
}

static bool is_one_set(int control, const char *name)
{
	struct framepool_pool pool;

	FRAMEPOOL_INIT(&pool);
	return !framepool_find_pool(control, name, &pool) && pool.state & FRAMEPOOL_POOL_ONE_SET;
}

static int list(int control, const char *pool, bool json)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such pool", "See 'framepool pool list'." },
		{ }
	};
	struct json j = { .out = stdout, .first = true };
	struct framepool_wset wset;
	int got;

	FRAMEPOOL_INIT(&wset);
	got = framepool_next_wset(control, pool, &wset);
	if (got < 0)
		return fail("show the working sets of", pool ? pool : FRAMEPOOL_DEFAULT_POOL, got,
			    reasons);
	if (json)
		json_open(&j, NULL, '[');
	else
		printf("%8s %10s %10s %10s %10s %10s %10s %10s %10s\n", "PID", "MIN", "MAX",
		       "TARGET", "HAS", "PINNED", "FAULTS", "REFAULTS", "NEAR");
	for (; got > 0; got = framepool_next_wset(control, pool, &wset))
		json ? json_wset(&j, &wset) : row(&wset);
	if (json)
		json_close(&j, ']');
	else if (is_one_set(control, pool))
		puts("This pool has no working sets of processes: what they use is charged together.");
	return got ? fail("list", "the working sets", got, NULL) : EXIT_OK;
}

/* What is not given stays. */
static int limit(int control, const char *pool, const struct wset_options *o)
{
	const struct wset_limits limits = {
		.pool = pool,
		.pid = o->pid,
		.min = o->has_min ? &o->min : NULL,
		.max = o->has_max ? &o->max : NULL,
	};
	char subject[NUMBER_SIZE];
	struct wset_why why;

	snprintf(subject, sizeof(subject), "%d", limits.pid);
	return wset_limit(control, &limits, &why) ?
		fail("limit process", subject, why.error, why.reasons) : EXIT_OK;
}

int cmd_wset(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "min", required_argument, NULL, 'm' },
		{ "max", required_argument, NULL, 'M' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int option, control, status = EXIT_OK;
	struct wset_options o = { };
	const char *pool;

	while ((option = getopt_long(argc, argv, "p:m:M:jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(wset_help);
		if (!wset_option(&o, option, optarg))
			return EXIT_USAGE;
	}
	if (argc - optind > 1)
		return usage_error("wset takes one POOL at most");
	pool = argv[optind];
	if (pool && !framepool_name_valid(pool))
		return usage_error(NO_NAME, pool);
	if (o.has_pid != (o.has_min || o.has_max))
		return usage_error("limits are set with --pid and --min, --max, or both");
	if (o.has_pid && o.json)
		return usage_error("--json is for the list");
	control = control_open(&status);
	if (control < 0)
		return status;
	status = o.has_pid ? limit(control, pool, &o) : list(control, pool, o.json);
	close(control);
	return status;
}
