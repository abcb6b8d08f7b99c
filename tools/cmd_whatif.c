// SPDX-License-Identifier: GPL-2.0-only
/* framepool whatif */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "curves.h"
#include "debugfs.h"
#include "text.h"

static const char whatif_help[] =
	"usage: framepool whatif [POOL] [--on | --off | --clear] [--json]\n"
	"\n"
	"Show what POOL, or the default one, would have missed under another policy, or\n"
	"with another size, in parts of what it has missed as it is: 0.93 is 7 % less. It\n"
	"is known of a sample of the pages, and from when it was turned on; turn it on,\n"
	"let the programs warm up, clear, and come back later. For each working set there\n"
	"is what it would miss of its uses if it had so much memory for itself.\n"
	"\n"
	"  --on         begin to watch: about 1 % of what faults cost, and 3 MiB at most\n"
	"  --off        stop, and forget what was seen\n"
	"  --clear      count anew, and remember the pages\n"
	"  -j, --json   for programs\n"
	"  -h, --help   this\n";

#define SWITCH_PATH "/sys/kernel/framepool/%s/whatif"
#define ROWS_MAX    64
#define EIGHTHS     8 /* of the pool are its own size */

struct row {
	char policy[16];
	unsigned int eighths;
	uint64_t misses;
	uint64_t permille;
};

struct whatif {
	uint64_t sample, capacity, uses, first, looks, misses;
	struct row row[ROWS_MAX];
	unsigned int nr;
};

static int parse(FILE *in, struct whatif *w)
{
	if (fscanf(in,
		   "sample %" SCNu64 " capacity %" SCNu64 " uses %" SCNu64 " first %" SCNu64
		   " looks %" SCNu64 " misses %" SCNu64,
		   &w->sample, &w->capacity, &w->uses, &w->first, &w->looks, &w->misses) != 6)
		return ferror(in) ? errno : EPROTO;
	for (w->nr = 0; w->nr < ROWS_MAX; w->nr++) {
		struct row *r = &w->row[w->nr];

		if (fscanf(in, "%15s %u %" SCNu64 " %" SCNu64, r->policy, &r->eighths, &r->misses,
			   &r->permille) != 4)
			break;
	}
	return 0;
}

static bool has_size(const struct row *r, bool other)
{
	return (r->eighths != EIGHTHS) == other;
}

/* Its own policy is the one whose shadows have other sizes. */
static const char *own_policy(const struct whatif *w)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		if (has_size(&w->row[i], true))
			return w->row[i].policy;
	return "";
}

static void show_row(const struct whatif *w, const struct row *r)
{
	char size[NUMBER_SIZE];

	if (has_size(r, true))
		printf("  %-10s %10s", r->policy,
		       text_bytes(size, w->capacity * r->eighths / EIGHTHS * PAGE_BYTES));
	else
		printf("  %-10s %10s", r->policy, "as it is");
	printf("   %" PRIu64 ".%03" PRIu64 " of your misses\n", r->permille / 1000,
	       r->permille % 1000);
}

static void show(const char *pool, const struct whatif *w)
{
	const char *own = own_policy(w);
	char uses[NUMBER_SIZE], misses[NUMBER_SIZE], size[NUMBER_SIZE];
	unsigned int i;

	printf("%s: policy %s, %s for pages; of one page in %" PRIu64 ": %s uses, %s misses\n",
	       pool, own, text_bytes(size, w->capacity * PAGE_BYTES), w->sample,
	       text_count(uses, w->uses), text_count(misses, w->misses));
	if (!w->misses) {
		printf("  Nothing was missed yet: there is nothing to compare with.\n");
		return;
	}
	for (i = 0; i < w->nr; i++)
		if (has_size(&w->row[i], false) && strcmp(w->row[i].policy, own))
			show_row(w, &w->row[i]);
	for (i = 0; i < w->nr; i++)
		if (has_size(&w->row[i], true) && !strcmp(w->row[i].policy, own))
			show_row(w, &w->row[i]);
	for (i = 0; i < w->nr; i++)
		if (!strcmp(w->row[i].policy, "LRU"))
			show_row(w, &w->row[i]);
}

static void show_json(const char *pool, const struct whatif *w, const struct curves *curves)
{
	struct json j = { .out = stdout, .first = true };
	unsigned int i;

	json_open(&j, NULL, '{');
	json_string(&j, "pool", pool);
	json_string(&j, "policy", own_policy(w));
	json_number(&j, "sample", w->sample);
	json_number(&j, "bytes", w->capacity * PAGE_BYTES);
	json_number(&j, "uses", w->uses);
	json_number(&j, "first_uses", w->first);
	json_number(&j, "misses", w->misses);
	json_open(&j, "would_have_missed", '[');
	for (i = 0; i < w->nr; i++) {
		const struct row *r = &w->row[i];

		json_open(&j, NULL, '{');
		json_string(&j, "policy", r->policy);
		json_number(&j, "bytes", w->capacity * r->eighths / EIGHTHS * PAGE_BYTES);
		json_number(&j, "eighths", r->eighths);
		json_number(&j, "misses", r->misses);
		json_number(&j, "permille", r->permille);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	curves_json(&j, curves);
	json_close(&j, '}');
}

/* Turned off between the two there are none. */
static int read_both(const char *pool, struct whatif *w, struct curves *curves, int *status)
{
	FILE *in = debugfs_open(pool, "whatif", "r", "show what-ifs of", status);
	int err;

	if (!in)
		return -1;
	err = parse(in, w);
	fclose(in);
	if (err)
		return err;
	curves->capacity = w->capacity;
	in = debugfs_open(pool, "curves", "r", "show what-ifs of", status);
	if (!in)
		return -1;
	err = curves_parse(in, curves) ? 0 : ferror(in) ? ENODATA : EPROTO;
	fclose(in);
	return err;
}

static int print(const char *pool, bool json)
{
	static const struct reason reasons[] = {
		{ ENODATA, "it does not watch what it misses",
		  "Turn it on with 'framepool whatif POOL --on'." },
		{ EPROTO, "the module says what this command does not understand",
		  "Use the command of the module's version." },
		{ }
	};
	static struct curves curves;
	struct whatif w = { 0 };
	int status = EXIT_OK;
	int err = read_both(pool, &w, &curves, &status);

	if (err < 0)
		return status;
	if (err)
		return fail("show what-ifs of", pool, err, reasons);
	if (json) {
		show_json(pool, &w, &curves);
		return EXIT_OK;
	}
	show(pool, &w);
	curves_show(&curves);
	return EXIT_OK;
}

static int turn(const char *pool, const char *to)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such pool", "See 'framepool pool list'." },
		{ EACCES, "it takes CAP_SYS_ADMIN", "Run it as root." },
		{ EPERM, "it takes CAP_SYS_ADMIN", "Run it as root." },
		{ ENODATA, "it does not watch what it misses",
		  "Turn it on with 'framepool whatif POOL --on'." },
		{ }
	};
	char path[sizeof(SWITCH_PATH) + FRAMEPOOL_NAME_SIZE];
	int status = EXIT_OK;
	FILE *file;
	bool good;

	if (!module_loaded()) {
		control_open(&status);
		return status;
	}
	snprintf(path, sizeof(path), SWITCH_PATH, pool);
	file = fopen(path, "r+");
	if (!file)
		return fail("watch", pool, errno, reasons);
	good = fputs(to, file) >= 0 && !fflush(file);
	status = good ? EXIT_OK : fail("watch", pool, errno, reasons);
	fclose(file);
	return status;
}

int cmd_whatif(int argc, char **argv)
{
	static const struct option options[] = {
		{ "on", no_argument, NULL, '1' },
		{ "off", no_argument, NULL, '0' },
		{ "clear", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *pool = "default", *to = NULL;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		switch (option) {
		case '1':
		case '0':
		case 'c':
			if (to)
				return usage_error("whatif takes one of --on, --off and --clear");
			to = option == '1' ? "1" : option == '0' ? "0" : "clear";
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			return help(whatif_help);
		default:
			return usage_hint();
		}
	}
	if (argc - optind > 1)
		return usage_error("whatif takes one POOL at most");
	if (optind < argc)
		pool = argv[optind];
	if (!framepool_name_valid(pool))
		return usage_error(NO_NAME, pool);
	if (to && json)
		return usage_error("--json is for showing, not for turning on or off");
	return to ? turn(pool, to) : print(pool, json);
}
