// SPDX-License-Identifier: GPL-2.0-only
/*
 * No memory at all: every allocation of a task fails, for as long as the test wants.
 *
 * What is needed to get memory back must not ask for any: that clean pages leave, and that pages
 * are written and come by the direct path, goes on while nothing can be had.  Writing through a
 * file system does ask, and is told no: that is a write error, nothing that was stored is lost for
 * it, and it is tried again.
 *
 * By the kernel's failslab and fail_page_alloc, for the tasks that /proc/PID/make-it-fail names.
 */
#include "scene.h"
#include "fault.h"
#include "kthread.h"

#include <signal.h>
#include <sys/eventfd.h>

#define RW	(PROT_READ | PROT_WRITE)
#define RAM	"/dev/ram0"		/* nobody else's */
#define FRAMES	512UL			/* of the smallest region */
#define NR	(FRAMES * 3 / 2)
#define MANY	1000000000

static const char * const injectors[] = { FAULT_SLAB, FAULT_PAGE };

static void set_all(const char *probability, const char *times)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++) {
		fault_set(injectors[i], "probability", probability);
		fault_set(injectors[i], "times", times);
		fault_set(injectors[i], "verbose", "0");
	}
}

static void none_fails(void)
{
	set_all("0", "1");
}

/* From here on they fail for the tasks that are named, and only for these. */
static void prepare(void)
{
	char times[16];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++) {
		if (!fault_set(injectors[i], "task-filter", "Y"))
			skip("this kernel has no fault injection");
		need(fault_set(injectors[i], "ignore-gfp-wait", "N"), "%s: %s", injectors[i],
		     strerror(errno));
	}
	fault_set(FAULT_PAGE, "min-order", "0");
	snprintf(times, sizeof(times), "%d", MANY);
	set_all("100", times);
}

/* How many have failed since. */
static u64 failed(void)
{
	char text[32];
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++) {
		need(fault_get(injectors[i], "times", text, sizeof(text)), "%s: %s", injectors[i],
		     strerror(errno));
		sum += MANY - atoi(text);
	}
	return sum;
}

/* /proc/PID/make-it-fail, opened while there is memory to open it. */
static int victim(pid_t pid)
{
	char where[64];

	snprintf(where, sizeof(where), "/proc/%d/make-it-fail", pid);
	return (int)need_ok(open(where, O_WRONLY | O_CLOEXEC));
}

static void fail_for(int who, bool yes)
{
	need_ok(pwrite(who, yes ? "1" : "0", 1, 0));
}

/* ---- what must go on ---- */

/* A page is read, and, if there are to be stores, has another version then. */
static int touch(u64 vpn, u64 *versions)
{
	static u8 page[PAGE];
	int sig = try_copy(page, m + vpn * PAGE, PAGE);

	if (sig || !page_holds(page, vpn, versions ? versions[vpn] : 1))
		return sig ?: -1;
	if (!versions)
		return 0;
	page_fill(page, vpn, ++versions[vpn]);
	return try_copy(m + vpn * PAGE, page, PAGE);
}

/*
 * All pages once, so that the page tables are there; then again while nothing can be had: each of
 * them comes into a frame that another leaves for it, a dirty one once it has been written.
 */
static void touches_need_nothing(u64 *versions)
{
	struct framepool_space before, after;
	int me = victim(getpid()), thread = victim(kthread_of_pool()), sig = 0, none;
	u64 i, vpn = 0, n = scaled(8 * NR), all;

	/* Dirty pages leave many at once: at first there may be enough frames for a while. */
	if (n < 2 * NR)
		n = 2 * NR;
	for (i = 0; i < NR; i++)
		need(!touch(i, versions), "before");
	space_info(fd, &before);
	prepare();
	fail_for(thread, true);
	fail_for(me, true);
	none = eventfd(0, 0);
	for (i = 0; i < n && !sig; i++) {
		vpn = i * 7 % NR;
		sig = touch(vpn, versions);
	}
	fail_for(me, false);
	fail_for(thread, false);
	all = failed();
	none_fails();
	space_info(fd, &after);
	expect(none < 0, "there was memory");
	expect(all == 1, "%ju allocations were tried, with one of ours", (uintmax_t)all);
	expect(!sig, "touch %ju, page %ju: %d", (uintmax_t)i, (uintmax_t)vpn, sig);
	expect(after.fills - before.fills >= n / 4 &&
	       after.evictions - before.evictions >= n / 4, "%ju fills, %ju evictions for %ju",
	       (uintmax_t)(after.fills - before.fills),
	       (uintmax_t)(after.evictions - before.evictions), (uintmax_t)n);
	expect(!versions || after.written - before.written >= n / 4, "%ju written for %ju",
	       (uintmax_t)(after.written - before.written), (uintmax_t)n);
	expect(!after.write_errors, "%ju writes have failed", (uintmax_t)after.write_errors);
	diag("tried: %ju touches without memory, %ju pages written", (uintmax_t)n,
	     (uintmax_t)(after.written - before.written));
}

static void begin(const char *backing)
{
	struct framepool_space s;

	if (access("/proc/self/make-it-fail", W_OK))
		skip("this kernel has no fault injection");
	fd = space_attach(backing, O_RDWR);
	id = space_id(fd);
	space_info(fd, &s);
	need(!attach_flags || s.state & FRAMEPOOL_SPACE_DIRECT_PATH, "no direct path");
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	/* One page at a time: what is fetched ahead is for a worker, and this is about touches. */
	need_ok(madvise(m, NR * PAGE, MADV_RANDOM));
}

static void end(void)
{
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
}

/* The variant of each of these stores. */
static void touch_and_end(const char *backing)
{
	u64 versions[NR], i;
	u8 *is;

	for (i = 0; i < NR; i++)
		versions[i] = 1;
	begin(backing);
	touches_need_nothing(test_variant ? versions : NULL);
	end();
	model = model_make(NR * PAGE, 1);
	for (i = 0; i < NR; i++)
		page_fill(model + i * PAGE, i, versions[i]);
	is = file_load_first(backing, NR * PAGE);
	expect(bytes_are(is, model, NR * PAGE, 0), "what is in %s", backing);
}

static void a_direct_file(void)
{
	pool_use(2 * MIB);
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	touch_and_end(file_make("file", NR * PAGE, 1));
}

static void a_block_device(void)
{
	int ram = open(RAM, O_RDWR | O_CLOEXEC);
	u8 *bytes = model_make(NR * PAGE, 1);

	if (ram < 0)
		skip("no " RAM);
	need(pwrite(ram, bytes, NR * PAGE, 0) == (ssize_t)(NR * PAGE), "pwrite: %s",
	     strerror(errno));
	need_ok(fsync(ram));
	need_ok(close(ram));
	pool_use(2 * MIB);
	touch_and_end(RAM);
}

/* ---- what is told no ---- */

static void want_copies(void)
{
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	need(knob_write(INJECT, "stable 1"), INJECT ": %s", strerror(errno));
}

static bool write_failed(void *arg)
{
	struct framepool_errors e = { .size = sizeof(e) };

	(void)arg;
	need_ok(ioctl(fd, FRAMEPOOL_ERRORS, &e));
	return e.writes;
}

static bool all_written(void *arg)
{
	struct framepool_space s;

	(void)arg;
	space_info(fd, &s);
	return !s.write_error;
}

/*
 * More is stored than the pool has frames: its thread has to write, and a worker what that could not
 * start, and neither can.  By the direct path they could, but that the device wants copies; for these
 * there is a list, but no page.
 */
static void a_write_is_tried_again(void)
{
	struct framepool_errors e = { .size = sizeof(e) };
	u64 i, version[NR], done = 0;
	int who[64];
	pid_t pids[ARRAY_SIZE(who) - 1];
	unsigned int k, nr;

	pool_use(2 * MIB);
	set_wait_ms(500);
	path = file_make("file", NR * PAGE, 1);
	if (test_variant)
		want_copies();
	begin(path);
	who[0] = victim(kthread_of_pool());
	/* Who writes for the pool is one of these. */
	nr = 1 + kthreads(WORKERS_UNBOUND, pids, ARRAY_SIZE(pids));
	for (k = 1; k < nr; k++)
		who[k] = victim(pids[k - 1]);
	prepare();
	if (test_variant)
		fault_set(FAULT_SLAB, "probability", "0");
	for (k = 0; k < nr; k++)
		fail_for(who[k], true);
	for (i = 0; i < NR; i++) {
		version[i] = 1;
		/* At some page no frame is left, and the store gives up. */
		if (try_store(m + i * PAGE, 0))
			break;
		page_fill(m + i * PAGE, i, 2);
		version[i] = 2;
		done++;
	}
	for (; i < NR; i++)
		version[i] = 1;
	expect(done < NR, "the pool has written without memory");
	expect(wait_until(write_failed, NULL, 30000), "no write has failed");
	need_ok(ioctl(fd, FRAMEPOOL_ERRORS, &e));
	expect(e.write_error == ENOMEM, "the error is %s", strerror(e.write_error));
	for (i = 0; i < done; i++)
		expect(page_is(m + i * PAGE, i, version[i]), "while it fails");
	for (k = 0; k < nr; k++) {
		fail_for(who[k], false);
		need_ok(close(who[k]));
	}
	diag("%ju allocations and %ju writes have failed, %ju of %lu pages were stored",
	     (uintmax_t)failed(), (uintmax_t)e.writes, (uintmax_t)done, NR);
	none_fails();
	/* Once, what nobody was told yet. */
	expect_errno(fsync(fd), ENOMEM);
	need_ok(fsync(fd));
	expect(wait_until(all_written, NULL, 30000), "it is not forgotten");
	for (i = 0; i < NR; i++)
		expect(page_is(m + i * PAGE, i, version[i]), "in the end");
	model = model_make(NR * PAGE, 1);
	for (i = 0; i < NR; i++)
		page_fill(model + i * PAGE, i, version[i]);
	expect_file(path, model, NR * PAGE);
	end();
	expect_file(path, model, NR * PAGE);
}

static const struct test tests[] = {
	{ "clean pages leave, and others come from a file's blocks", a_direct_file, T_DEVICE },
	{ "clean pages leave, and others come from a block device", a_block_device, T_DEVICE },
	{ "dirty pages leave to a file's blocks, and others come", a_direct_file,
	  T_DEVICE | T_VARIANT(1) },
	{ "dirty pages leave to a block device, and others come", a_block_device,
	  T_DEVICE | T_VARIANT(1) },
	{ "a write that finds no memory is tried again", a_write_is_tried_again, T_DEVICE },
	{ "a write that finds no memory for a copy is tried again", a_write_is_tried_again,
	  T_DEVICE | T_VARIANT(1) },
};

int main(int argc, char **argv)
{
	write_errors_expected = true;
	after_test = none_fails;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
