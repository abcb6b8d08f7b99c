// SPDX-License-Identifier: GPL-2.0-only
/* Tables, plots, and a bar for those who wait. */
#include "report.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

/* The exit code of a shell for what cannot be run. */
#define NO_GNUPLOT	127

const u32 report_percent[SIZES] = { 1, 5, 10, 25, 50 };

/* Sums over traces and sizes, for the means at the end. */
static struct {
	double log_ratio, tests, writes;
	unsigned int n;
} sum[POLICIES_MAX];

static double per_eviction(u64 n, const struct machine_counts *c)
{
	return c->evictions ? (double)n / c->evictions : 0;
}

static double ratio(const struct report *r, unsigned int policy, unsigned int size)
{
	return (double)r->counts[policy][size].misses / r->opt[size];
}

static void count(const struct report *r, unsigned int policy, unsigned int size)
{
	const struct machine_counts *c = &r->counts[policy][size];

	sum[policy].log_ratio += log(ratio(r, policy, size));
	sum[policy].tests += per_eviction(c->tests, c);
	sum[policy].writes += per_eviction(c->writes, c);
	sum[policy].n++;
}

static void print_policy(const struct report *r, unsigned int policy)
{
	unsigned int size;
	double logs = 0;

	printf("  %-10s", machine_policy(policy));
	for (size = 0; size < SIZES; size++) {
		const struct machine_counts *c = &r->counts[policy][size];

		printf(" %7.3f %4.1f %4.2f", ratio(r, policy, size), per_eviction(c->tests, c),
		       per_eviction(c->writes, c));
		logs += log(ratio(r, policy, size));
		count(r, policy, size);
	}
	printf("  %7.3f\n", exp(logs / SIZES));
}

void report_trace(const struct report *r)
{
	unsigned int i;

	printf("%s: %u references to %u pages\n", r->trace->name, r->trace->n, r->trace->pages);
	printf("  %-10s", "pool");
	for (i = 0; i < SIZES; i++)
		printf(" %16u%%", report_percent[i]);
	printf("\n  %-10s", "OPT misses");
	for (i = 0; i < SIZES; i++)
		printf(" %17llu", r->opt[i]);
	printf("\n  %-10s", "");
	for (i = 0; i < SIZES; i++)
		printf(" %7s %4s %4s", "/OPT", "test", "writ");
	printf("  %7s\n", "geomean");
	for (i = 0; machine_policy(i); i++)
		print_policy(r, i);
	printf("\n");
}

static void plot_data(const struct report *r, FILE *f)
{
	unsigned int policy, size;

	fprintf(f, "$data << END\n");
	for (size = 0; size < SIZES; size++) {
		fprintf(f, "%u %g", report_percent[size], (double)r->opt[size] / r->trace->n);
		for (policy = 0; machine_policy(policy); policy++)
			fprintf(f, " %g",
				(double)r->counts[policy][size].misses / r->trace->n);
		fprintf(f, "\n");
	}
	fprintf(f, "END\n");
}

/* As gnuplot reads it: between single quotes, with those of the text doubled. */
static void plot_text(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', f);
		fputc(*text, f);
	}
	fputc('\'', f);
}

static void plot(const struct report *r, const char *path, FILE *f)
{
	unsigned int policy;

	fprintf(f, "set terminal svg noenhanced size 800,500 background 'white'\nset output ");
	plot_text(f, path);
	fprintf(f, "\nset title ");
	plot_text(f, r->trace->name);
	fprintf(f, "\nset xlabel 'pool, per cent of the footprint'\n"
		"set ylabel 'misses per reference'\nset logscale xy\nset grid\n"
		"set xtics (1, 5, 10, 25, 50)\n");
	plot_data(r, f);
	fprintf(f, "plot $data using 1:2 with linespoints title 'OPT'");
	for (policy = 0; machine_policy(policy); policy++)
		fprintf(f, ", $data using 1:%u with linespoints title '%s'", policy + 3,
			machine_policy(policy));
	fprintf(f, "\n");
}

void report_plots(const char *dir)
{
	struct stat st;

	if (!mkdir(dir, 0777))
		return;
	if (errno == EEXIST && !stat(dir, &st) && !S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	if (errno != EEXIST)
		die("no folder '%s' for the plots: %s", dir, strerror(errno));
}

void report_plot(const struct report *r, const char *dir)
{
	/* Who is not there reads nothing of what is written to him. */
	void (*was)(int) = signal(SIGPIPE, SIG_IGN);
	FILE *f = popen("gnuplot 2> /dev/null", "w");
	size_t room = strlen(dir) + TRACE_NAME_MAX + sizeof("/.svg");
	char *path = alloc(room);
	int status = -1;

	snprintf(path, room, "%s/%s.svg", dir, r->trace->name);
	if (f) {
		plot(r, path, f);
		status = pclose(f);
	}
	signal(SIGPIPE, was);
	if (status)
		fprintf(stderr, "bench-policy: no plot %s: %s\n", path,
			WIFEXITED(status) && WEXITSTATUS(status) == NO_GNUPLOT ?
			"there is no gnuplot" : "gnuplot does not draw it");
	free(path);
}

void report_end(void)
{
	unsigned int i;

	printf("%-12s %12s %15s %16s\n", "all", "misses/OPT", "tests/eviction",
	       "writes/eviction");
	for (i = 0; machine_policy(i); i++)
		printf("  %-10s %12.3f %15.2f %16.2f\n", machine_policy(i),
		       exp(sum[i].log_ratio / sum[i].n), sum[i].tests / sum[i].n,
		       sum[i].writes / sum[i].n);
	for (i = 0; strcmp(machine_policy(i), machine_default_policy()); i++)
		;
	printf("geomean %s %.3f\n", machine_policy(i), exp(sum[i].log_ratio / sum[i].n));
}

void report_progress(const char *what, double part)
{
	static const char full[] = "########################################";
	int n = part * (sizeof(full) - 1);

	if (!isatty(STDERR_FILENO))
		return;
	if (part >= 1)
		fprintf(stderr, "\r\033[K");
	else
		fprintf(stderr, "\r%-12s [%-40.*s] %3.0f %%", what, n, full, 100 * part);
}
