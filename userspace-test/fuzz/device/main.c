// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: random operations on a space, compared with a model, in the manner of fsx.
 *
 *	fuzz [--seed N] [--ops N] [--plain] [--minimise SECONDS] [--only N,N,...] [TEST]
 *
 *	--seed		of all choices; every run prints its own
 *	--ops		how many in all tests together (200000)
 *	--plain		on a file and its ordinary mapping: is the model right?
 *	--minimise	how long to look for fewer operations that fail too (90; 0: not at all)
 *	--only		just these operations, by their numbers: a failure again
 *
 * A failure prints the last operations.  Then it is run again with ever fewer of them (delta
 * debugging, as in A. Zeller, R. Hildebrandt: Simplifying and Isolating Failure-Inducing Input,
 * IEEE TSE 28(2), 2002), and the smallest list that still fails is printed.
 */
#include "fuzz.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>

#define STUCK_MS	180000		/* without a single operation done */

struct run run;

static u64 all_ops = 200000, minimise_ms = 90000;
static const char *only;
static u8 *skip_bits;
static u64 deadline;
static bool quiet;
static int failed_worker;

static u64 total(void)
{
	return run.ops * run.workers;
}

/* ---- one run of all workers ---- */

static pid_t start_worker(unsigned int worker)
{
	pid_t parent = getpid(), pid = need_ok(fork());
	int null;

	if (pid)
		return pid;
	if (getppid() != parent)
		_exit(FAILED);
	null = quiet ? open("/dev/null", O_WRONLY) : -1;
	if (null >= 0)
		dup2(null, STDOUT_FILENO);
	work(worker);
	_exit(FAILED);
}

static u64 progress(void)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < run.workers; i++)
		sum += atomic_load(&run.logs[i].done);
	return sum;
}

static void kill_all(const pid_t *pids)
{
	unsigned int i;

	for (i = 0; i < run.workers; i++) {
		if (!pids[i])
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

/* The worker that failed, -1: none. */
static int watch(pid_t *pids)
{
	u64 was = 0, since = now_ms();
	unsigned int left = run.workers, i;
	int status;

	while (left) {
		for (i = 0; i < run.workers; i++) {
			if (!pids[i] || waitpid(pids[i], &status, WNOHANG) != pids[i])
				continue;
			pids[i] = 0;
			left--;
			if (!status)
				continue;
			if (!quiet)
				diag("worker %u ended with status %#x", i, status);
			kill_all(pids);
			return i;
		}
		if (progress() != was) {
			was = progress();
			since = now_ms();
		} else if (now_ms() - since > STUCK_MS) {
			diag("no operation was done for %d s", STUCK_MS / 1000);
			for (i = 0; !pids[i];)
				i++;
			kill_all(pids);
			return i;
		}
		poll(NULL, 0, left == 1 ? 5 : 2);
	}
	return -1;
}

/* What a worker that was stopped left behind. */
static void detach_left(void)
{
	char left[16][FRAMEPOOL_NAME_SIZE];
	struct framepool_space s = { .cursor = 0 };
	unsigned int n = 0, i;

	if (plain)
		return;
	while (space_next(&s) && n < ARRAY_SIZE(left))
		if (!strncmp(s.name, "t.fz", 4))
			memcpy(left[n++], s.name, sizeof(left[0]));
	for (i = 0; i < n; i++)
		detach(left[i]);
}

static bool pool_is_empty(void *arg)
{
	struct framepool_space s = { .cursor = 0 };

	while (space_next(&s))
		if (!strcmp(s.pool, arg))
			return false;
	return true;
}

static void model_reset(void)
{
	u64 page;

	for (page = 0; page < PAGES(run.bytes); page++)
		page_fill(run.model + page * PAGE, page, 1);
	memset(run.model + run.bytes, 0, PAGES(run.bytes_max) * PAGE - run.bytes);
	*run.bytes_now = run.bytes;
	memset(run.logs, 0, WORKERS_MAX * sizeof(*run.logs));
}

/* Whether all went well, the file in the end included. */
static bool run_once(void)
{
	pid_t pids[WORKERS_MAX] = { 0 };
	u8 *is;
	u64 bytes;
	unsigned int i;
	bool ok;

	free((char *)run.path);
	run.path = file_make("file", run.bytes, 1);
	model_reset();
	for (i = 0; i < run.workers; i++)
		pids[i] = start_worker(i);
	failed_worker = watch(pids);
	detach_left();
	ok = plain || wait_until(pool_is_empty, pool, SETTLE_MS);
	if (!ok)
		diag("a space stays");
	if (failed_worker >= 0 || !ok)
		return false;
	is = file_load(run.path, &bytes);
	ok = bytes == *run.bytes_now;
	if (quiet)
		ok = ok && !memcmp(is, run.model, bytes);
	else
		ok = expect(ok, "the file has %ju bytes, not %ju", (uintmax_t)bytes,
			    (uintmax_t)*run.bytes_now) &&
		     expect(bytes_are(is, run.model, bytes, 0), "the file in the end");
	free(is);
	failed_worker = 0;
	return ok;
}

/* ---- saying what was done ---- */

static void print_log(unsigned int worker, u64 max)
{
	const struct log *log = &run.logs[worker];
	u64 done = atomic_load(&log->done), i = done > max ? done - max : 0;

	diag("the last of %ju operations of worker %u:", (uintmax_t)done, worker);
	for (; i < done; i++)
		diag("  %ju: %s", (uintmax_t)(worker * run.ops + log->nr[i % LOG_LEN]),
		     log->text[i % LOG_LEN]);
}

static void print_list(const u32 *list, u64 n)
{
	char line[800];
	size_t len = 0;
	u64 i;

	for (i = 0; i < n && len < sizeof(line) - 12; i++)
		len += sprintf(line + len, "%s%u", i ? "," : "", list[i]);
	if (i == n)
		diag("to see it again: --seed %#jx --ops %ju --only %s", (uintmax_t)seed,
		     (uintmax_t)all_ops, line);
}

/* ---- the smallest list ---- */

static void keep_only(const u32 *list, u64 n)
{
	u64 i;

	memset(skip_bits, 0xff, total() / 8 + 1);
	for (i = 0; i < n; i++)
		skip_bits[list[i] / 8] &= ~(1u << list[i] % 8);
	run.skip = skip_bits;
}

/* Races do not always show: three tries while the list is short. */
static bool fails(const u32 *list, u64 n)
{
	int tries = n < 2000 ? 3 : 1;

	keep_only(list, n);
	while (tries-- && now_ms() < deadline)
		if (!run_once())
			return true;
	return false;
}

/* The last operations of each worker before the failure, twice as many each time. */
static u64 find_tail(u32 *list, const u64 *done)
{
	u64 tail, n, i;
	unsigned int w;
	bool all;

	for (tail = 1; now_ms() < deadline; tail *= 4) {
		n = 0;
		all = true;
		for (w = 0; w < run.workers; w++) {
			all = all && tail >= done[w];
			for (i = done[w] > tail ? done[w] - tail : 0; i < done[w]; i++)
				list[n++] = w * run.ops + i;
		}
		if (fails(list, n))
			return n;
		if (all)
			break;
	}
	return 0;
}

/* Leave out one of ever smaller pieces at a time, as long as it fails. */
static u64 reduce(u32 *list, u64 n)
{
	u32 *fewer = malloc(n * sizeof(*fewer));
	u64 parts = 2, part, size, m;

	need(fewer, "no memory");
	while (n > 1 && now_ms() < deadline) {
		size = (n + parts - 1) / parts;
		for (part = 0; part * size < n; part++) {
			m = n - part * size < size ? n - part * size : size;
			memcpy(fewer, list, part * size * sizeof(*list));
			memcpy(fewer + part * size, list + part * size + m,
			       (n - part * size - m) * sizeof(*list));
			if (!fails(fewer, n - m))
				continue;
			n -= m;
			memcpy(list, fewer, n * sizeof(*list));
			parts = parts > 3 ? parts - 1 : 2;
			break;
		}
		if (part * size < n)
			continue;
		if (size == 1)
			break;
		parts = parts * 2 < n ? parts * 2 : n;
	}
	free(fewer);
	return n;
}

/* How many operations are left, 0: it did not fail again. */
static u64 minimise(void)
{
	u64 done[WORKERS_MAX], n;
	u32 *list = malloc(total() * sizeof(*list));
	unsigned int w;

	need(list, "no memory");
	for (w = 0; w < run.workers; w++) {
		done[w] = atomic_load(&run.logs[w].done);
		done[w] = done[w] < run.ops ? done[w] : run.ops;
	}
	quiet = true;
	deadline = now_ms() + minimise_ms;
	n = find_tail(list, done);
	n = n ? reduce(list, n) : 0;
	if (!n) {
		diag("it did not fail again within %ju s", (uintmax_t)minimise_ms / 1000);
	} else {
		diag("%ju operations are enough:", (uintmax_t)n);
		deadline = now_ms() + 60000;
		if (fails(list, n))
			print_log(failed_worker < 0 ? 0 : failed_worker, n + 1);
		print_list(list, n);
	}
	quiet = false;
	run.skip = NULL;
	free(list);
	return n;
}

/* ---- the tests ---- */

static void prepare(u64 pool_bytes)
{
	int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;

	pool_use(pool_bytes);
	run.bytes_max = run.bytes_max ?: run.bytes;
	run.model = mmap(NULL, PAGES(run.bytes_max) * PAGE, prot, flags, -1, 0);
	run.logs = mmap(NULL, WORKERS_MAX * sizeof(*run.logs), prot, flags, -1, 0);
	run.bytes_now = mmap(NULL, PAGE, prot, flags, -1, 0);
	skip_bits = mmap(NULL, total() / 8 + 1, prot, flags, -1, 0);
	need(run.model != MAP_FAILED && run.logs != MAP_FAILED &&
	     run.bytes_now != MAP_FAILED && skip_bits != MAP_FAILED, "no memory");
}

static void choose_only(void)
{
	u32 *list = malloc(total() * sizeof(*list));
	char *text = strdup(only), *word;
	u64 n = 0;

	need(list && text, "no memory");
	for (word = strtok(text, ","); word && n < total(); word = strtok(NULL, ","))
		list[n++] = strtoul(word, NULL, 0) % total();
	keep_only(list, n);
	free(text);
	free(list);
}

static void fuzz(u64 pool_bytes)
{
	u64 start = now_ms();
	bool ok;

	prepare(pool_bytes);
	if (only)
		choose_only();
	ok = run_once();
	diag("%ju operations in %ju ms", (uintmax_t)progress(), (uintmax_t)(now_ms() - start));
	diag("tried: %ju operations", (uintmax_t)progress());
	if (ok)
		return;
	expect(false, "worker %d", failed_worker);
	print_log(failed_worker < 0 ? 0 : failed_worker, 50);
	if (minimise_ms && !only)
		minimise();
}

static void one_process(void)
{
	run = (struct run){ .workers = 1, .ops = all_ops * 6 / 10 + 1, .resizes = true,
			    .bytes = 20 * MIB - 1234, .bytes_max = 24 * MIB + 77 };
	fuzz(8 * MIB);
}

static void smallest_pool(void)
{
	run = (struct run){ .workers = 1, .ops = all_ops / 10 + 1, .resizes = true,
			    .bytes = 5 * MIB + 1, .bytes_max = 6 * MIB + 4095 };
	fuzz(2 * MIB);
}

static void processes(void)
{
	run = (struct run){ .workers = 3, .ops = all_ops / 10 + 1, .bytes = 18 * MIB - 4000 };
	fuzz(8 * MIB);
}

/* A model that is wrong on purpose: a failure that is certain, and needs few operations. */
static void lie(void)
{
	run = (struct run){ .workers = 1, .ops = 2000, .lies = true, .bytes = 1 * MIB };
	fuzz(2 * MIB);
}

static void a_lie_is_found(void)
{
	uintmax_t left = 0;
	bool noticed = false;
	char line[1024];
	FILE *f = popen("exec /proc/$PPID/exe --lie", "r");

	need(f, "popen: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		noticed = noticed || strstr(line, "should be");
		if (sscanf(line, "# %ju operations are enough", &left) == 1)
			continue;
	}
	need(pclose(f), "a wrong model was not noticed");
	expect(noticed, "it does not say what is wrong");
	expect(left && left <= 3, "%ju operations are left", left);
}

static const struct test tests[] = {
	{ "one process, 24 MiB through 8", one_process, 0 },
	{ "three processes on pages of their own", processes, 0 },
	{ "6 MiB through the smallest pool", smallest_pool, 0 },
	{ "a wrong model is noticed, and few operations show it", a_lie_is_found, 0 },
};

static const struct test lies[] = { { "a lie", lie, 0 } };
static bool lying;

static int parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' }, { "ops", required_argument, NULL, 'o' },
		{ "plain", no_argument, NULL, 'p' }, { "minimise", required_argument, NULL, 'm' },
		{ "only", required_argument, NULL, 'y' },
		{ "lie", no_argument, NULL, 'l' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's') {
			setenv("FPOOL_SEED", optarg, 1);
		} else if (c == 'o') {
			all_ops = strtoull(optarg, NULL, 0);
		} else if (c == 'p') {
			setenv("FPOOL_PLAIN", "1", 1);
			setenv("FPOOL_DIR", "/var/tmp", 0);
		} else if (c == 'm') {
			minimise_ms = strtoull(optarg, NULL, 0) * 1000;
		} else if (c == 'y') {
			only = optarg;
		} else if (c == 'l') {
			lying = true;
		} else {
			return -1;
		}
	}
	return optind;
}

int main(int argc, char **argv)
{
	char limit[32];
	int first = parse(argc, argv);

	if (first < 0 || !all_ops)
		return 2;
	/* The workers are watched by what they do. */
	snprintf(limit, sizeof(limit), "%ju", (uintmax_t)(3600 + all_ops / 100));
	setenv("FPOOL_LIMIT", limit, 0);
	argv[first - 1] = argv[0];
	if (lying)
		return test_main(1, argv, lies, 1);
	return test_main(argc - first + 1, argv + first - 1, tests, ARRAY_SIZE(tests));
}
