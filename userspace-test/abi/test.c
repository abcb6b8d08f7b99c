// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runner of the black-box programs; test.h says what it is for.
 */
#include "test.h"

#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define SAID_MAX	25	/* failures of one test that are worth printing */

bool plain;
bool write_errors_expected;
unsigned int test_variant;
bool plain_at_home;
void (*before_test)(void);
void (*after_test)(void);
unsigned int scale = 1;
u64 seed;
char dir[DIR_SIZE];

/* One for a test and all its children. */
static struct shared {
	atomic_uint failed;
	char why[256];		/* it was skipped */
	char mounted[256];	/* to be unmounted after it */
} *shared;

static unsigned int limit;	/* seconds for one test */

/* ---- saying ---- */

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One write for one line: threads and children speak at the same time. */
static void say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	if (write(STDOUT_FILENO, line, len) != len)
		_exit(FAILED);
}

void diag(const char *fmt, ...)
{
	char line[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	say("# %s\n", line);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(shared->why, sizeof(shared->why), fmt, ap);
	va_end(ap);
	_exit(SKIPPED);
}

void fail(const char *file, int line, const char *what, const char *fmt, ...)
{
	unsigned int nr = atomic_fetch_add(&shared->failed, 1);
	char text[700];
	va_list ap;

	if (nr == SAID_MAX)
		diag("more failures of this test are not printed");
	if (nr >= SAID_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag("%s:%d: %.120s: %s", file, line, what, text);
}

unsigned int failures(void)
{
	return atomic_load(&shared->failed);
}

void give_up(void)
{
	_exit(FAILED);
}

u64 scaled(u64 work)
{
	return work > scale ? work / scale : 1;
}

void note_mounted(const char *where)
{
	snprintf(shared->mounted, sizeof(shared->mounted), "%s", where);
}

/* ---- the runner ---- */

static bool spaces_back(void *arg)
{
	return spaces_count() == *(unsigned int *)arg;
}

/* A space of who was killed is in no list a moment before the pool is without it. */
static bool destroyed(void *name)
{
	struct framepool_pool_destroy destroy = { .size = sizeof(destroy) };

	memcpy(destroy.name, name, sizeof(destroy.name));
	return !ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &destroy);
}

/*
 * What a test left behind is a failure of the test, or of the module: and it must not become that
 * of the next test.
 */
static unsigned int clean_up(unsigned int spaces)
{
	struct framepool_space s = { .cursor = 0 };
	struct framepool_pool p = { .cursor = 0 };
	char gone[16][FRAMEPOOL_NAME_SIZE];
	unsigned int left = 0, n = 0, i;

	while (space_next(&s) && n < ARRAY_SIZE(gone))
		if (!strncmp(s.name, "t.", 2))
			memcpy(gone[n++], s.name, sizeof(gone[0]));
	for (i = 0; i < n; i++, left++)
		diag("left behind: space %s; detach: %s", gone[i],
		     detach(gone[i]) ? strerror(errno) : "done");
	if (!wait_until(spaces_back, &spaces, SETTLE_MS)) {
		memset(&s, 0, sizeof(s));
		while (space_next(&s))
			diag("left behind: space %u '%s' in %s: state %#x, %u opens, %ju resident, "
			     "%ju dirty",
			     s.space, s.name, s.pool, s.state, s.opens, (uintmax_t)s.resident,
			     (uintmax_t)s.dirty);
		left++;
	}
	n = 0;
	while (pool_next(&p) && n < ARRAY_SIZE(gone)) {
		if (p.resident > p.bound || p.resident_max > p.bound ||
		    (p.write_errors && !write_errors_expected)) {
			diag("pool %s: %ju resident, at most %ju, bound %ju, %ju write errors",
			     p.name, (uintmax_t)p.resident, (uintmax_t)p.resident_max,
			     (uintmax_t)p.bound, (uintmax_t)p.write_errors);
			left++;
		}
		if (!strncmp(p.name, "t-", 2))
			memcpy(gone[n++], p.name, sizeof(gone[0]));
	}
	for (i = 0; i < n; i++) {
		if (!wait_until(destroyed, gone[i], SETTLE_MS)) {
			diag("left behind: pool %s: %s", gone[i], strerror(errno));
			left++;
		}
	}
	return left;
}

/* All but the directory itself. */
static int remove_one(const char *what, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	if (at->level && remove(what))
		diag("cannot remove %s: %s", what, strerror(errno));
	return 0;
}

/* By ourselves: a shell and its rm would be most of what a short test costs. */
static void remove_files(void)
{
	if (nftw(dir, remove_one, 16, FTW_PHYS | FTW_DEPTH))
		diag("cannot empty %s: %s", dir, strerror(errno));
}

/* With SIGCHLD blocked; false: it still runs. */
static bool reap(pid_t pid, const sigset_t *chld, unsigned int seconds, int *status)
{
	struct timespec second = { .tv_sec = 1 };
	u64 end = now_ms() + seconds * 1000ull;

	while (!waitpid(pid, status, WNOHANG)) {
		if (now_ms() > end)
			return false;
		sigtimedwait(chld, NULL, &second);
	}
	return true;
}

/* 0, SKIPPED or FAILED */
static int run_one(const struct test *t)
{
	unsigned int spaces = plain ? 0 : spaces_count();
	sigset_t chld, before;
	int status = 0;
	pid_t pid;

	control_close();		/* the test shall be the only one who holds the module */
	memset(shared, 0, sizeof(*shared));
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &before);
	pid = fork();
	if (pid < 0)
		return FAILED;
	if (!pid) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		catch_faults();
		test_variant = t->flags >> 8;
		if (before_test)
			before_test();
		t->run();
		_exit(failures() ? FAILED : 0);
	}
	if (!reap(pid, &chld, limit, &status)) {
		diag("still running after %u s", limit);
		fail(__FILE__, __LINE__, t->name, "timed out");
		kill(-pid, SIGKILL);
		if (!reap(pid, &chld, 30, &status)) {
			say("Bail out! %s cannot be killed\n", t->name);
			_exit(FAILED);
		}
	}
	kill(-pid, SIGKILL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (WIFSIGNALED(status))
		diag("killed by %s", strsignal(WTERMSIG(status)));
	if (after_test)
		after_test();
	if (!plain && clean_up(spaces))
		atomic_fetch_add(&shared->failed, 1);
	if (shared->mounted[0] && umount(shared->mounted)) {
		diag("umount %s: %s", shared->mounted, strerror(errno));
		atomic_fetch_add(&shared->failed, 1);
		umount2(shared->mounted, MNT_DETACH);
	}
	if (!plain)
		wait_ms_restore();
	remove_files();
	if (failures())
		return FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

/* Of all processes that have ended: the rest of a test's time is waiting, or the module's threads. */
static u64 cpu_ms(void)
{
	struct rusage r;

	getrusage(RUSAGE_CHILDREN, &r);
	return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000ull +
	       (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1000;
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static void set_up(const char *program)
{
	const char *base = getenv("FPOOL_DIR"), *text;
	struct utsname uts;

	plain = (text = getenv("FPOOL_PLAIN")) && atoi(text);
	plain_at_home = plain && atoi(text) < 2;
	if ((text = getenv("FPOOL_SCALE")) && atoi(text) > 0)
		scale = atoi(text);
	limit = scale > 1 ? 300 : 120;
	if ((text = getenv("FPOOL_LIMIT")) && atoi(text) > 0)
		limit = atoi(text);
	if ((text = getenv("FPOOL_SEED")))
		seed = strtoull(text, NULL, 0);
	else if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = now_ms() ^ (u64)getpid() << 32;
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		_exit(FAILED);
	uname(&uts);
	program = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
	snprintf(dir, sizeof(dir), "%s/%s.%d", base ? base : "/mnt", program, getpid());
	diag("%s on %s, %s, scale %u, FPOOL_SEED=%#jx", program, uts.release,
	     plain ? "plain files" : "the device", scale, (uintmax_t)seed);
	set_clean_ms(getenv("FPOOL_CLEAN") ?: "0");
	if (mkdir(dir, 0755)) {
		say("Bail out! %s: %s\n", dir, strerror(errno));
		_exit(FAILED);
	}
	if (!plain && access(CONTROL, R_OK | W_OK)) {
		say("Bail out! " CONTROL ": %s\n", strerror(errno));
		_exit(FAILED);
	}
	if (!plain)
		wait_ms_note();
}

int test_main(int argc, char **argv, const struct test *tests, size_t nr)
{
	unsigned int run = 0, bad = 0;
	size_t i;
	u64 start, cpu;
	int ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < nr; i++)
		run += wanted(tests[i].name, argc, argv);
	say("1..%u\n", run);
	set_up(argv[0]);
	run = 0;
	for (i = 0; i < nr; i++) {
		if (!wanted(tests[i].name, argc, argv))
			continue;
		run++;
		if (plain && (tests[i].flags & T_DEVICE)) {
			say("ok %u - %s # SKIP about the device\n", run, tests[i].name);
			continue;
		}
		start = now_ms();
		cpu = cpu_ms();
		ret = run_one(&tests[i]);
		if (ret == SKIPPED) {
			say("ok %u - %s # SKIP %s\n", run, tests[i].name, shared->why);
			continue;
		}
		bad += ret != 0;
		say("%s %u - %s\n", ret ? "not ok" : "ok", run, tests[i].name);
		diag("took %ju ms, %ju ms of a processor", (uintmax_t)(now_ms() - start),
		     (uintmax_t)(cpu_ms() - cpu));
	}
	rmdir(dir);
	if (bad)
		diag("%u of %u failed", bad, run);
	return bad ? FAILED : 0;
}
