// SPDX-License-Identifier: GPL-2.0-only
/*
 * framepool trace report: what a trace says, and what pools of several sizes would miss of it, by
 * the simulator of bench/policy, which is made of the module's own core.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../bench/policy/machine.h"
#include "../bench/policy/opt.h"
#include "cmd.h"
#include "progress.h"
#include "text.h"
#include "trace.h"

static const char report_help[] =
	"usage: framepool trace report FILE [--sizes LIST] [--json]\n"
	"\n"
	"Say what is in a trace: references, writes, pages; and what pools would miss of it,\n"
	"in per cent of the references: the best that can be (OPT), LRU, and each policy of\n"
	"the module.\n"
	"\n"
	"  -s, --sizes LIST   of the pools, up to 16: bytes (4M), or per cent of the pages\n"
	"                     that the trace touches; 1%,5%,10%,25%,50%\n"
	"  -j, --json         for programs: misses, counted\n"
	"  -h, --help         this\n";

#define SIZES_MAX    16
#define POLICIES_MAX 8
#define FRAMES_MAX   (1U << 30)
#define STEP	     1000000U /* references between two movements of the bar */

struct outcome {
	u32 frames[SIZES_MAX];
	unsigned int nr;
	u64 opt[SIZES_MAX], lru[SIZES_MAX], misses[POLICIES_MAX][SIZES_MAX];
	u64 writes, written;
};

static int count_writes(const struct trace *t, struct outcome *o)
{
	u8 *is = calloc(t->pages, 1);
	u32 i;

	if (!is)
		return fail("count the writes of", t->name, ENOMEM, NULL);
	for (i = 0; i < t->n; i++) {
		u32 page = t->ref[i] & TRACE_PAGE;

		if (!(t->ref[i] & TRACE_WRITE))
			continue;
		o->writes++;
		o->written += !is[page];
		is[page] = 1;
	}
	free(is);
	return EXIT_OK;
}

static bool parse_size(const char *word, u32 pages, u64 *frames)
{
	size_t length = strlen(word);
	char number[NUMBER_SIZE];
	uint64_t percent;
	__u64 bytes;

	if (!length || length >= sizeof(number))
		return false;
	if (word[length - 1] != '%') {
		if (!parse_bytes(word, &bytes))
			return false;
		*frames = bytes / PAGE_BYTES;
		return *frames && *frames <= FRAMES_MAX;
	}
	memcpy(number, word, length - 1);
	number[length - 1] = '\0';
	if (!parse_number(number, 10, 10000, &percent) || !percent)
		return false;
	*frames = (u64)pages * percent / 100;
	if (!*frames)
		*frames = 1;
	return *frames <= FRAMES_MAX;
}

/* Ascending, each once. */
static void insert(struct outcome *o, u32 frames)
{
	unsigned int at = 0;

	while (at < o->nr && o->frames[at] < frames)
		at++;
	if (at < o->nr && o->frames[at] == frames)
		return;
	memmove(&o->frames[at + 1], &o->frames[at], (o->nr - at) * sizeof(u32));
	o->frames[at] = frames;
	o->nr++;
}

static int parse_sizes(const char *list, u32 pages, struct outcome *o)
{
	char *copy = strdup(list), *rest = copy, *word;
	int status = EXIT_OK;
	u64 frames;

	while (copy && !status && (word = strsep(&rest, ","))) {
		if (!parse_size(word, pages, &frames))
			status = usage_error("'%s' is no size of a pool: bytes as 4M, or 10%%",
					     word);
		else if (o->nr == SIZES_MAX)
			status = usage_error("--sizes takes %d sizes at most", SIZES_MAX);
		else
			insert(o, frames);
	}
	free(copy);
	return copy ? status : EXIT_FAILED;
}

static u64 misses(const struct trace *t, const char *policy, u32 frames, struct progress *progress,
		  u64 done, u64 all)
{
	/* One frame more than pages is as good as any more. */
	struct machine *m = machine_new(t, policy, frames <= t->pages ? frames : t->pages + 1, 1);
	u32 at = 0;
	u64 n;

	while (at < t->n) {
		at = t->n - at > STEP ? at + STEP : t->n;
		machine_run(m, at);
		progress_tell(progress, done + at, all);
	}
	n = machine_counts(m).misses;
	machine_free(m);
	return n;
}

/* What is larger than the pages misses as they do: no room is made for more. */
static void misses_lru(const struct trace *t, struct outcome *o)
{
	u32 frames[SIZES_MAX];
	unsigned int size;

	for (size = 0; size < o->nr; size++)
		frames[size] =
			o->frames[size] <= t->pages + size ? o->frames[size] : t->pages + size;
	machine_lru(t, frames, o->nr, o->lru);
}

static void simulate(const struct trace *t, struct outcome *o)
{
	unsigned int policies = 0, policy, size;
	struct progress progress;
	u64 all, done = 0;

	while (policies < POLICIES_MAX && machine_policy(policies))
		policies++;
	all = (u64)t->n * policies * o->nr;
	progress_begin(&progress, "simulating");
	misses_lru(t, o);
	for (size = 0; size < o->nr; size++) {
		o->opt[size] =
			opt_misses(t, o->frames[size] <= t->pages ? o->frames[size] : t->pages);
		for (policy = 0; policy < policies; policy++, done += t->n)
			o->misses[policy][size] =
				misses(t, machine_policy(policy), o->frames[size], &progress, done,
				       all);
	}
	progress_end(&progress);
}

static void show(const char *path, const struct trace *t, const struct outcome *o)
{
	char all[NUMBER_SIZE], writes[NUMBER_SIZE], pages[NUMBER_SIZE], written[NUMBER_SIZE];
	char bytes[NUMBER_SIZE];
	unsigned int policy, size;

	printf("%s: %s references, %s of them writes\n", path, text_count(all, t->n),
	       text_count(writes, o->writes));
	printf("  %s pages (%s), %s of them written to\n", text_count(pages, t->pages),
	       text_bytes(bytes, t->pages * PAGE_BYTES), text_count(written, o->written));
	printf("misses in per cent of the references:\n  %12s %8s %8s", "POOL", "OPT", "LRU");
	for (policy = 0; machine_policy(policy); policy++)
		printf(" %8s", machine_policy(policy));
	printf("\n");
	for (size = 0; size < o->nr; size++) {
		printf("  %12s %8.3f %8.3f", text_bytes(bytes, o->frames[size] * PAGE_BYTES),
		       100. * o->opt[size] / t->n, 100. * o->lru[size] / t->n);
		for (policy = 0; machine_policy(policy); policy++)
			printf(" %8.3f", 100. * o->misses[policy][size] / t->n);
		printf("\n");
	}
}

static void show_json(const char *path, const struct trace *t, const struct outcome *o)
{
	struct json j = { .out = stdout, .first = true };
	unsigned int policy, size;

	json_open(&j, NULL, '{');
	json_string(&j, "file", path);
	json_number(&j, "references", t->n);
	json_number(&j, "writes", o->writes);
	json_number(&j, "pages", t->pages);
	json_number(&j, "pages_written", o->written);
	json_open(&j, "pools", '[');
	for (size = 0; size < o->nr; size++) {
		json_open(&j, NULL, '{');
		json_number(&j, "bytes", o->frames[size] * PAGE_BYTES);
		json_number(&j, "OPT", o->opt[size]);
		json_number(&j, "LRU", o->lru[size]);
		for (policy = 0; machine_policy(policy); policy++)
			json_number(&j, machine_policy(policy), o->misses[policy][size]);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

int trace_report(int argc, char **argv)
{
	static const struct option options[] = { { "sizes", required_argument, NULL, 's' },
						 { "json", no_argument, NULL, 'j' },
						 { "help", no_argument, NULL, 'h' },
						 {} };
	const char *sizes = "1%,5%,10%,25%,50%";
	struct outcome o = { 0 };
	struct trace *t;
	bool json = false;
	int option, status;

	while ((option = getopt_long(argc, argv, "s:jh", options, NULL)) != -1) {
		if (option == 's')
			sizes = optarg;
		else if (option == 'j')
			json = true;
		else
			return option == 'h' ? help(report_help) : usage_hint();
	}
	if (argc - optind != 1)
		return usage_error("trace report takes one FILE");
	/* Before a long trace is read. */
	status = parse_sizes(sizes, 1, &o);
	if (status)
		return status;
	o.nr = 0;
	/* A trace that is none ends it, with the reason and EXIT_FAILED. */
	t = trace_read(argv[optind]);
	status = parse_sizes(sizes, t->pages, &o);
	if (!status)
		status = count_writes(t, &o);
	if (!status) {
		simulate(t, &o);
		json ? show_json(argv[optind], t, &o) : show(argv[optind], t, &o);
	}
	trace_free(t);
	return status;
}
