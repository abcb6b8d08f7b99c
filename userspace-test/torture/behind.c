// SPDX-License-Identifier: GPL-2.0-only
/*
 * Behind the pool's back: somebody overwrites, cuts, punches or unlinks the backing file while it
 * is mapped.
 *
 * The outcome is documented: dirty pages of the pool win when they are written, clean ones may be
 * stale until they are evicted, what is not there any more is SIGBUS, and nobody ever sees bytes
 * that were neither in the file nor stored by a program.
 */
#include "torture.h"

#include <signal.h>
#include <sys/syscall.h>
#include <linux/falloc.h>

#define NR	300UL

static char *path;
static int fd;
static u32 id;
static u8 *m;

static void begin(void)
{
	pool_use(2 * MIB);
	secret_leave(320);
	path = file_make("file", NR * PAGE, 1);
	/* What was not touched is to be absent. */
	attach_block = FRAMEPOOL_BLOCK_1;
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

static void end(void)
{
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
}

/* Clean, dirty and absent pages: vpn % 3 is 0, 1 and 2. */
static void mixed(void)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++) {
		if (vpn % 3 == 0)
			expect(page_is(m + vpn * PAGE, vpn, 1), "clean");
		if (vpn % 3 == 1)
			page_fill(m + vpn * PAGE, vpn, 2);
	}
}

static void overwrite(bool direct, u64 version)
{
	int f = direct ? direct_open(path) : need_ok(open(path, O_RDWR | O_CLOEXEC));
	u8 *page = aligned_alloc(PAGE, PAGE);
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++) {
		page_fill(page, vpn, version);
		need(pwrite(f, page, PAGE, vpn * PAGE) == PAGE, "pwrite: %s", strerror(errno));
	}
	need_ok(fsync(f));
	need_ok(close(f));
	free(page);
}

static void overwritten(bool direct)
{
	u64 vpn, bytes;
	u8 *is;

	begin();
	make_absent(fd, m, NR * PAGE);
	mixed();
	overwrite(direct, 9);
	for (vpn = 0; vpn < NR; vpn++) {
		if (vpn % 3 == 0)
			expect(page_among(m + vpn * PAGE, vpn, 1, 1) ||
			       page_is(m + vpn * PAGE, vpn, 9), "stale, or new");
		else
			expect(page_is(m + vpn * PAGE, vpn, vpn % 3 == 1 ? 2 : 9), "%s",
			       vpn % 3 == 1 ? "dirty" : "absent");
	}
	make_absent(fd, m, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, vpn % 3 == 1 ? 2 : 9), "after eviction");
	end();
	is = file_load(path, &bytes);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, vpn % 3 == 1 ? 2 : 9), "the file");
}

static void by_write(void)
{
	overwritten(false);
}

static void by_direct_write(void)
{
	overwritten(true);
}

static void overwriting_child(void *arg)
{
	u64 round, rounds = *(u64 *)arg;

	for (round = 0; round < rounds; round++)
		overwrite(round & 1, 10 + round);
}

/* All the time, while the pool evicts and fills: old and new may be mixed, nothing else shows. */
static void all_the_time(void)
{
	u8 *page = aligned_alloc(PAGE, PAGE);
	u64 rounds = scaled(12), vpn;
	struct rnd r;
	pid_t pid;
	int status;

	begin();
	rnd_init(&r, 1);
	evictor_start(fd);
	pid = child_start(overwriting_child, &rounds);
	while (!waitpid(pid, &status, WNOHANG)) {
		vpn = rnd_below(&r, NR);
		memcpy(page, m + vpn * PAGE, PAGE);
		expect(page_among(page, vpn, 1, 9 + rounds), "page %ju", (uintmax_t)vpn);
	}
	expect(!status, "status %#x", status);
	evictor_stop();
	make_absent(fd, m, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 9 + rounds), "in the end");
	end();
}

/* A copy of a page whose place in the file may have gone; false when there is none. */
static bool copied(u8 *page, u64 vpn)
{
	int sig = try_copy(page, m + vpn * PAGE, PAGE);

	expect(!sig || sig == SIGBUS, "signal %d", sig);
	expect(!secret_in(page, PAGE), "page %ju shows memory of others", (uintmax_t)vpn);
	return !sig;
}

/* What it may show while nothing else happens. */
static void expect_no_garbage(u64 vpn, u64 last_version)
{
	static u8 page[PAGE] __attribute__((aligned(8)));

	if (copied(page, vpn))
		expect(bytes_zero(page, PAGE, 0) || page_among(page, vpn, 1, last_version),
		       "page %ju", (uintmax_t)vpn);
}

/* The file is cut to @cut bytes; then it is made as long as before. */
static void cut_behind(u64 cut)
{
	u64 vpn, bytes, version;
	u8 *is;

	begin();
	make_absent(fd, m, NR * PAGE);
	mixed();
	need_ok(truncate(path, cut));
	for (vpn = 0; vpn < NR; vpn++)
		if (vpn != cut / PAGE)
			expect_no_garbage(vpn, 2);
	/* An error is allowed, a hang or a lost page before the cut is not. */
	if (fsync(fd))
		diag("fsync of what was cut: %s", strerror(errno));
	need_ok(truncate(path, NR * PAGE));
	for (vpn = 0; vpn < NR; vpn++)
		if (vpn != cut / PAGE)
			expect_no_garbage(vpn, 2);
	end();
	is = file_load(path, &bytes);
	expect(bytes == NR * PAGE, "the file has %ju bytes", (uintmax_t)bytes);
	for (vpn = 0; vpn < NR; vpn++) {
		version = vpn % 3 == 1 ? 2 : 1;
		if (vpn < cut / PAGE)
			expect(page_is(is + vpn * PAGE, vpn, version), "before the cut");
		else if (vpn > cut / PAGE)
			expect(bytes_zero(is + vpn * PAGE, PAGE, 0) ||
			       page_is(is + vpn * PAGE, vpn, 2), "after the cut");
		expect(!secret_in(is + vpn * PAGE, PAGE), "page %ju shows memory of others",
		       (uintmax_t)vpn);
	}
}

static void cut_between(void)
{
	cut_behind(150 * PAGE);
}

static void cut_within(void)
{
	cut_behind(150 * PAGE + 1000);
}

static void cutting_child(void *arg)
{
	u64 round;

	(void)arg;
	for (round = 0; round < scaled(400); round++) {
		need_ok(truncate(path, 50 * PAGE));
		need_ok(truncate(path, NR * PAGE));
	}
}

/*
 * Up and down all the time, under loads, stores and syncs.  A page that is evicted and cut in the
 * middle of a copy, from it or to it, is zeros in one of its parts.
 */
static void cut_all_the_time(void)
{
	u8 *page = aligned_alloc(PAGE, PAGE);
	struct rnd r;
	pid_t pid;
	u64 vpn;
	int sig, status;

	begin();
	rnd_init(&r, 2);
	set_wait_ms(1000);
	evictor_start(fd);
	pid = child_start(cutting_child, NULL);
	while (!waitpid(pid, &status, WNOHANG)) {
		vpn = 50 + rnd_below(&r, NR - 50);
		if (copied(page, vpn))
			expect(page_among_zeros(page, vpn, 1, 2), "page %ju", (uintmax_t)vpn);
		page_fill(page, vpn, 2);
		sig = try_copy(m + vpn * PAGE, page, PAGE);
		expect(!sig || sig == SIGBUS, "signal %d", sig);
		vpn = rnd_below(&r, 50);
		expect(page_is(m + vpn * PAGE, vpn, 1), "a page that is never cut");
	}
	expect(!status, "status %#x", status);
	evictor_stop();
	end();
	need_ok(truncate(path, NR * PAGE));
}

/* A hole punched behind the pool. */
static void punched(void)
{
	u64 vpn;
	int f;

	begin();
	make_absent(fd, m, NR * PAGE);
	mixed();
	f = need_ok(open(path, O_RDWR | O_CLOEXEC));
	if (fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100 * PAGE, 100 * PAGE))
		skip("no holes here: %s", strerror(errno));
	for (vpn = 100; vpn < 200; vpn++)
		expect_no_garbage(vpn, 2);
	make_absent(fd, m, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn++) {
		if (vpn % 3 == 1)
			expect(plain || page_is(m + vpn * PAGE, vpn, 2), "dirty pages win");
		else if (vpn < 100 || vpn >= 200)
			expect(page_is(m + vpn * PAGE, vpn, 1), "beside the hole");
		else
			expect(bytes_zero(m + vpn * PAGE, PAGE, 0), "in the hole");
	}
	need_ok(close(f));
	end();
}

static void remaking_child(void *arg)
{
	u64 i;

	(void)arg;
	for (i = 0; i < scaled(20); i++) {
		free(file_make("file", NR * PAGE, 5));
		need_ok(unlink(path));
	}
}

/* Unlinked, and others made with its name, out of the same blocks as soon as they are free. */
static void unlinked(void)
{
	struct rnd r;
	pid_t pid;
	u64 vpn;
	u32 *version = calloc(NR, sizeof(*version));
	int status;

	begin();
	need_ok(unlink(path));
	rnd_init(&r, 3);
	pressure_start(700);
	pid = child_start(remaking_child, NULL);
	while (!waitpid(pid, &status, WNOHANG)) {
		vpn = rnd_below(&r, NR);
		expect(page_is(m + vpn * PAGE, vpn, version[vpn] + 1), "an unlinked file");
		page_fill(m + vpn * PAGE, vpn, ++version[vpn] + 1);
		if (!rnd_below(&r, 200))
			need_ok(fsync(fd));
	}
	expect(!status, "status %#x", status);
	pressure_stop();
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, version[vpn] + 1), "in the end");
	end();
	expect(access(path, F_OK) == -1, "the file has come back");
}

static const struct test tests[] = {
	{ "overwritten behind the pool", by_write, T_DEVICE },
	{ "overwritten behind the pool by O_DIRECT", by_direct_write, T_DEVICE },
	{ "overwritten all the time", all_the_time, T_DEVICE },
	{ "cut between two pages and grown again", cut_between, 0 },
	{ "cut within a page and grown again", cut_within, 0 },
	{ "cut and grown all the time", cut_all_the_time, 0 },
	{ "a hole punched", punched, 0 },
	{ "unlinked, its name and blocks used again", unlinked, 0 },
};

int main(int argc, char **argv)
{
	return torture_main(argc, argv, tests, ARRAY_SIZE(tests), NULL);
}
