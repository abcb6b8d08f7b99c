// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runner of the KUnit shim: every registered suite, in link order, as KTAP version 1.
 *
 *	kunit [name=value ...] [SUITE[.TEST] ...]
 *
 * name=value sets a module parameter; with names, only those suites or tests run.
 */
#include <kunit/test.h>

#define MAX_SUITES	32

struct kunit_alloc {
	struct kunit_alloc *next;
	u64 data[];
};

static struct kunit_suite *suites[MAX_SUITES];
static unsigned int nsuites;

void kunit_register(struct kunit_suite *suite)
{
	if (nsuites == MAX_SUITES) {
		host_print("Bail out! more than %d suites\n", MAX_SUITES);
		__builtin_trap();
	}
	suites[nsuites++] = suite;
}

static void *test_alloc(struct kunit *test, size_t size, bool zero)
{
	struct kunit_alloc *a = host_alloc(sizeof(*a) + size, zero);

	if (!a)
		return NULL;
	a->next = test->allocs;
	test->allocs = a;
	return a->data;
}

void *kunit_kmalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	return test_alloc(test, size, false);
}

void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp)
{
	return test_alloc(test, size, true);
}

static void free_allocs(struct kunit *test)
{
	struct kunit_alloc *a;

	while ((a = test->allocs)) {
		test->allocs = a->next;
		host_free(a);
	}
}

void kunit_info(struct kunit *test, const char *fmt, ...)
{
	__builtin_va_list args;

	host_print("    # %s: ", test->name);
	__builtin_va_start(args, fmt);
	host_vprint(fmt, args);
	__builtin_va_end(args);
	if (!fmt[0] || fmt[strlen(fmt) - 1] != '\n')
		host_print("\n");
}

void kunit_fail(struct kunit *test, bool fatal, const char *file, int line, const char *fmt, ...)
{
	__builtin_va_list args;

	test->failed = true;
	host_print("    # %s: %s FAILED at %s:%d\n    # ", test->name,
		   fatal ? "ASSERTION" : "EXPECTATION", file, line);
	__builtin_va_start(args, fmt);
	host_vprint(fmt, args);
	__builtin_va_end(args);
	host_print("\n");
}

void kunit_explain(struct kunit *test, bool fatal, const char *fmt, ...)
{
	__builtin_va_list args;

	if (fmt) {
		host_print("    # ");
		__builtin_va_start(args, fmt);
		host_vprint(fmt, args);
		__builtin_va_end(args);
		host_print("\n");
	}
	if (fatal)
		host_abort();
}

void kunit_skip_case(struct kunit *test, const char *why)
{
	test->skipped = true;
	test->why = why;
	host_abort();
}

struct run {
	struct kunit_suite *suite;
	struct kunit_case *tc;
	struct kunit *test;
};

static void run_body(void *arg)
{
	struct run *run = arg;

	if (run->suite->init && run->suite->init(run->test)) {
		kunit_fail(run->test, false, run->suite->name, 0, "init failed");
		return;
	}
	run->tc->run_case(run->test);
}

static void run_exit(void *arg)
{
	struct run *run = arg;

	if (run->suite->exit)
		run->suite->exit(run->test);
}

static bool run_case(struct kunit_suite *suite, struct kunit_case *tc, unsigned int nr)
{
	struct kunit test = { .name = tc->name };
	struct run run = { suite, tc, &test };

	host_try(run_body, &run);
	host_try(run_exit, &run);
	free_allocs(&test);
	host_print("    %s %u %s%s%s\n", test.failed ? "not ok" : "ok", nr, tc->name,
		   test.skipped ? " # SKIP " : "", test.skipped ? test.why : "");
	return !test.failed;
}

/* Whether one of the names asks for the test: SUITE or SUITE.TEST. */
static bool wanted(const struct kunit_suite *suite, const struct kunit_case *tc,
		   char **names, int n)
{
	size_t len = strlen(suite->name);
	int i;

	for (i = 0; i < n; i++) {
		if (strncmp(names[i], suite->name, len))
			continue;
		if (!names[i][len] ||
		    (names[i][len] == '.' && !strcmp(names[i] + len + 1, tc->name)))
			return true;
	}
	return !n;
}

static unsigned int count_wanted(const struct kunit_suite *suite, char **names, int n)
{
	const struct kunit_case *tc;
	unsigned int count = 0;

	for (tc = suite->test_cases; tc->run_case; tc++)
		count += wanted(suite, tc, names, n);
	return count;
}

static bool run_suite(struct kunit_suite *suite, unsigned int nr, char **names, int n)
{
	struct kunit_case *tc;
	unsigned int i = 0;
	bool ok = true;

	host_print("    KTAP version 1\n    # Subtest: %s\n    1..%u\n", suite->name,
		   count_wanted(suite, names, n));
	if (suite->suite_init && suite->suite_init(suite)) {
		host_print("    # suite_init failed\nnot ok %u %s\n", nr, suite->name);
		return false;
	}
	for (tc = suite->test_cases; tc->run_case; tc++) {
		if (wanted(suite, tc, names, n) && !run_case(suite, tc, ++i))
			ok = false;
	}
	if (suite->suite_exit)
		suite->suite_exit(suite);
	host_print("%s %u %s\n", ok ? "ok" : "not ok", nr, suite->name);
	return ok;
}

int main(int argc, char **argv)
{
	unsigned int i, nr = 0, plan = 0;
	bool ok = true;
	int first = 1;

	while (first < argc && host_param_set(argv[first]))
		first++;
	for (i = 0; i < nsuites; i++)
		plan += !!count_wanted(suites[i], argv + first, argc - first);
	host_print("KTAP version 1\n1..%u\n", plan);
	for (i = 0; i < nsuites; i++) {
		if (!count_wanted(suites[i], argv + first, argc - first))
			continue;
		if (!run_suite(suites[i], ++nr, argv + first, argc - first))
			ok = false;
	}
	return !ok || !plan;
}
