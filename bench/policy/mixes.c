// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mixes of processes: a program that scans, one with a hot set, one that changes its phases, and
 * traces of real programs, where those are given.
 *
 * Each mix runs with one global CLOCK, with one global instance of the pool's default policy, and
 * with a working set for each process.  A process that has ended is not replaced, so that everybody
 * does the same work whatever the rule: totals of faults can be compared.  A process's slowdown
 * is its time in the mix over its time alone in the whole pool; Jain's index (R. Jain, D. Chiu,
 * W. Hawe, DEC-TR-301, 1984) is of the speeds, which are 1 over that.
 */
#include "mixes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "machine.h"
#include "opt.h"
#include "report.h"
#include "synth.h"
#include "together.h"

/* Those that figures are given of. */
static const struct mix mixes[] = {
	{ "a", 6000, 3, { "scan20000", "zipf0.9", "phases" } },
	{ "b", 6000, 3, { "sort", "lmdb", "sqlite" } },
	{ "c", 5000, 3, { "scan20000", "lmdb", "sqlite" } },
	{ "d", 6000, 3, { "zipf0.9", "zipf0.9", "zipf0.9" } },
	{ "e", 6000, 3, { "phases", "phases2", "zipf0.8" } },
};

enum { CLOCK, GLOBAL, SETS, RULES };

static const char *const rule_name[RULES] = { "global clock", "global", "working sets" };

struct outcome {
	u64 faults;
	double jain, worst;
};

/* What has been done, for the line at the end. */
static struct {
	unsigned int n;
	double log_clock, jain, least_jain, worst, most_worst, global;
} sum = { .least_jain = 1 };

static const char *path_of(const char *name, char *const *paths, unsigned int nr)
{
	char its[TRACE_NAME_MAX];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		trace_name(its, paths[i]);
		if (!strcmp(its, name))
			return paths[i];
	}
	return NULL;
}

/* One that can be made is made, unless it is one of the @own that is looked for. */
static struct trace *get(const char *name, unsigned int seed, char *const *paths, unsigned int nr,
			 bool own)
{
	const char *path = path_of(name, paths, nr);

	if (path && (own || !synth_has(name)))
		return trace_read(path);
	return synth_process(name, seed);
}

static const char *policy_of(unsigned int rule)
{
	return rule == CLOCK ? "clock" : machine_default_policy();
}

static void run(const struct trace *const *t, unsigned int nr, unsigned int number,
		unsigned int rule, u32 frames, struct together_counts *counts)
{
	enum together_rule kind = rule == SETS ? TOGETHER_SETS : TOGETHER_GLOBAL;
	const char *why = together_run(t, nr, number, policy_of(rule), kind, frames,
				       counts);

	if (why)
		die("%s: %s", rule_name[rule], why);
}

static void print_rule(unsigned int rule, const struct outcome *o, double clock,
		       unsigned int nr, const double *slow, const struct together_counts *c)
{
	unsigned int i;

	printf("  %-12s %9llu %6.3f %6.3f %6.2f ", rule_name[rule], o->faults, o->faults / clock,
	       o->jain, o->worst);
	for (i = 0; i < nr; i++)
		printf(" %9llu %5.2f %5u", c[i].faults, slow[i], c[i].most);
	printf("\n");
}

static struct outcome judge(const struct together_counts *c, const u64 *alone, unsigned int nr,
			    double *slow)
{
	struct outcome o = { 0 };
	double speed = 0, squares = 0;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		slow[i] = (double)c[i].time / alone[i];
		speed += 1 / slow[i];
		squares += 1 / (slow[i] * slow[i]);
		o.faults += c[i].faults;
		o.worst = fmax(o.worst, slow[i]);
	}
	o.jain = speed * speed / (nr * squares);
	return o;
}

static void add_up(const struct outcome *o)
{
	double global = (double)o[SETS].faults / o[GLOBAL].faults;

	sum.n++;
	sum.log_clock += log((double)o[SETS].faults / o[CLOCK].faults);
	sum.jain += o[SETS].jain;
	sum.least_jain = fmin(sum.least_jain, o[SETS].jain);
	sum.worst += o[SETS].worst;
	sum.most_worst = fmax(sum.most_worst, o[SETS].worst);
	sum.global = fmax(sum.global, global);
}

/* Fewer faults than this nobody can have, however the processes are interleaved. */
static void print_least(struct trace *const *t, const struct mix *mix, double clock)
{
	u64 faults = 0;
	unsigned int i;

	for (i = 0; i < mix->nr; i++)
		faults += opt_misses(t[i], mix->frames);
	printf("  %-12s %9llu %6.3f\n", "OPT alone", faults, faults / clock);
}

static void run_mix(const struct mix *mix, struct trace *const *t)
{
	struct together_counts counts[TOGETHER_MAX], one;
	const struct trace *const *traces = (const struct trace *const *)t;
	struct outcome o[RULES];
	double slow[TOGETHER_MAX];
	u64 alone[TOGETHER_MAX];
	unsigned int rule, i;

	printf("mix %s, %u frames:", mix->name, mix->frames);
	for (i = 0; i < mix->nr; i++)
		printf(" %s (%u pages)", mix->process[i], t[i]->pages);
	printf("\n  %-12s %9s %6s %6s %6s  %s\n", "", "faults", "/clock", "Jain", "worst",
	       "each: faults, slowdown, most frames");
	for (rule = 0; rule < RULES; rule++) {
		for (i = 0; i < mix->nr; i++) {
			run(&traces[i], 1, i, rule == SETS ? GLOBAL : rule, mix->frames, &one);
			alone[i] = one.time;
		}
		run(traces, mix->nr, 0, rule, mix->frames, counts);
		o[rule] = judge(counts, alone, mix->nr, slow);
		print_rule(rule, &o[rule], o[CLOCK].faults, mix->nr, slow, counts);
	}
	print_least(t, mix, o[CLOCK].faults);
	fflush(stdout);
	add_up(o);
}

static void print_sum(void)
{
	printf("working sets, means of %u mix%s: %.3f of the global clock's faults, Jain %.3f (least %.3f), worst slowdown %.2f (most %.2f)\n"
	       "working sets, faults over those of one global %s: at most %.3f\n\n",
	       sum.n, sum.n == 1 ? "" : "es", exp(sum.log_clock / sum.n), sum.jain / sum.n, sum.least_jain,
	       sum.worst / sum.n, sum.most_worst, machine_default_policy(), sum.global);
}

/* False: there is not everything. */
static bool try(const struct mix *mix, char *const *paths, unsigned int nr, bool own)
{
	struct trace *t[TOGETHER_MAX];
	unsigned int k, have = 0;

	for (k = 0; k < mix->nr; k++) {
		t[k] = get(mix->process[k], k, paths, nr, own);
		have += !!t[k];
	}
	report_progress(mix->name, 0.5);
	if (have == mix->nr)
		run_mix(mix, t);
	report_progress(mix->name, 1);
	for (k = 0; k < mix->nr; k++)
		if (t[k])
			trace_free(t[k]);
	return have == mix->nr;
}

void mixes_run(char *const *paths, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++)
		try(&mixes[i], paths, nr, false);
	print_sum();
}

static void refuse(const struct mix *mix, const char *name, char *const *paths, unsigned int nr)
{
	char its[TRACE_NAME_MAX], *there;
	unsigned int i;
	size_t len;
	FILE *f = open_memstream(&there, &len);

	if (!f)
		die("out of memory");
	for (i = 0; i < nr; i++) {
		trace_name(its, paths[i]);
		fprintf(f, " %s", its);
	}
	for (i = 0; synth_name(i); i++)
		fprintf(f, " %s", synth_name(i));
	fclose(f);
	die("mix '%s': there is no trace '%s', but%s", mix->name, name, there);
}

void mixes_check(const struct mix *mix, unsigned int mixes, char *const *paths, unsigned int nr)
{
	unsigned int i, k;

	for (i = 0; i < mixes; i++)
		for (k = 0; k < mix[i].nr; k++)
			if (!path_of(mix[i].process[k], paths, nr) && !synth_has(mix[i].process[k]))
				refuse(&mix[i], mix[i].process[k], paths, nr);
}

void mixes_run_own(const struct mix *mix, unsigned int mixes, char *const *paths, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < mixes; i++)
		try(&mix[i], paths, nr, true);
	print_sum();
}
