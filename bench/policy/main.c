// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replacement policies over traces: every policy of the core, at pools of 1 to 50 % of the
 * footprint, beside OPT.
 *
 *	bench-policy [-m] [-b BATCH] [-p DIR] [TRACE...]
 *	bench-policy -w SHIFT[,EVERY] [TRACE...]
 *	bench-policy -x NAME+NAME...@FRAMES [-x ...] [TRACE...]
 *
 * -m: the mixes of several processes only.
 * -p: the folder for the plots, made if it is not there.
 * -w: only what shadows say that other policies and sizes would miss, and whether it is true.
 * -x: only this mix of the traces, in a pool of so many frames.
 * Without traces it makes some.  The last line is the geometric mean of misses over OPT of the
 * pool's default policy.  All that is given is looked at before anything is done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "mixes.h"
#include "number.h"
#include "opt.h"
#include "report.h"
#include "synth.h"
#include "whatif.h"

#define STEP	500000U		/* references between two movements of the bar */

static u32 batch = 1;
static bool only_mixes, shadows;
static struct whatif whatif;
static const char *plots;
static struct mix *own_mix;
static unsigned int own_mixes;
static u64 simulated;

static u32 frames_of(const struct trace *t, unsigned int size)
{
	u32 frames = (u64)t->pages * report_percent[size] / 100;

	return frames ? frames : 1;
}

static void run(struct report *r, unsigned int policy, unsigned int size, double done, double all)
{
	const struct trace *t = r->trace;
	struct machine *m = machine_new(t, machine_policy(policy), frames_of(t, size), batch);
	const char *why;
	u32 at = 0;

	while (at < t->n) {
		at = t->n - at > STEP ? at + STEP : t->n;
		machine_run(m, at);
		report_progress(t->name, (done + (double)at / t->n) / all);
	}
	simulated += t->n;
	why = machine_check(m);
	if (why)
		die("%s, %s: %s", t->name, machine_policy(policy), why);
	r->counts[policy][size] = machine_counts(m);
	machine_free(m);
}

static void simulate(struct trace *t)
{
	struct report r = { .trace = t };
	unsigned int policies = 0, policy, size, done = 0;

	if (shadows) {
		whatif_run(t, &whatif);
		trace_free(t);
		return;
	}
	while (machine_policy(policies))
		policies++;
	if (policies > POLICIES_MAX)
		die("more policies than there is room for");
	for (size = 0; size < SIZES; size++) {
		r.opt[size] = opt_misses(t, frames_of(t, size));
		done++;
		for (policy = 0; policy < policies; policy++)
			run(&r, policy, size, done++, SIZES * (policies + 1.));
	}
	report_progress(t->name, 1);
	report_trace(&r);
	fflush(stdout);
	if (plots)
		report_plot(&r, plots);
	trace_free(t);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void read_batch(const char *arg)
{
	const char *end = number_read(arg, 1, 256, &batch);

	if (!end || *end)
		die("a batch is 1 to 256 frames, not '%s'", arg);
}

static void read_whatif(const char *arg)
{
	if (!whatif_parse(arg, &whatif))
		die("a what-if is " WHATIF_USAGE ", not '%s'", arg);
	shadows = true;
}

static void read_mix(const char *arg)
{
	own_mix = realloc(own_mix, (own_mixes + 1) * sizeof(*own_mix));
	if (!own_mix)
		die("out of memory");
	mix_parse(&own_mix[own_mixes++], arg);
}

static bool read_options(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "b:mp:w:x:")) != -1) {
		if (opt == 'b')
			read_batch(optarg);
		else if (opt == 'm')
			only_mixes = true;
		else if (opt == 'p')
			plots = optarg;
		else if (opt == 'w')
			read_whatif(optarg);
		else if (opt == 'x')
			read_mix(optarg);
		else
			return false;
	}
	if (only_mixes + shadows + !!own_mixes > 1)
		die("-m, -w and -x each do something else: give one of them");
	return true;
}

static void check_traces(char *const *paths, unsigned int nr)
{
	char name[TRACE_NAME_MAX], other[TRACE_NAME_MAX];
	unsigned int i, k;

	for (i = 0; i < nr; i++) {
		trace_name(name, paths[i]);
		for (k = 0; k < i; k++) {
			trace_name(other, paths[k]);
			if (!strcmp(name, other))
				die("%s and %s are both '%s': give one of them another name",
				    paths[k], paths[i], name);
		}
	}
	mixes_check(own_mix, own_mixes, paths, nr);
	for (i = 0; i < nr; i++) {
		report_progress("checking", (double)i / nr);
		trace_check(paths[i]);
	}
	report_progress("checking", 1);
}

/* The traces one by one; those that it makes, if there are none. */
static void simulate_all(char *const *paths, unsigned int nr)
{
	struct trace *t;
	unsigned int i;

	for (i = 0; i < nr; i++)
		simulate(trace_read(paths[i]));
	for (i = 0; !nr && (t = synth_trace(i)); i++)
		simulate(t);
}

static void simulate_and_mix(char *const *paths, unsigned int nr)
{
	double spent;

	if (plots)
		report_plots(plots);
	simulate_all(paths, nr);
	spent = seconds();
	mixes_run(paths, nr);
	printf("%.1f million references a second, OPT included\n", simulated / 1e6 / spent);
	report_end();
}

int main(int argc, char **argv)
{
	char *const *paths;
	unsigned int nr;

	if (!read_options(argc, argv))
		return 2;
	paths = argv + optind;
	nr = argc - optind;
	check_traces(paths, nr);
	if (own_mixes) {
		mixes_run_own(own_mix, own_mixes, paths, nr);
	} else if (only_mixes) {
		mixes_run(paths, nr);
	} else if (shadows) {
		simulate_all(paths, nr);
		whatif_end();
	} else {
		simulate_and_mix(paths, nr);
	}
	if (fflush(stdout) || ferror(stdout))
		die("the results cannot be written: %s", strerror(errno));
	return 0;
}
