// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prefetch of a vector of ranges: it returns at once, an eventfd says when it is over, and the
 * results come once.
 */
#include "park.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#define RAM	"/dev/ram0"
#define NR	512UL			/* pages */
#define RW	(PROT_READ | PROT_WRITE)

static char dm_node[64];
static u8 *m;
static int fd, event;
static u32 id;

static void fill_ram(void)
{
	u8 *page = aligned_alloc(PAGE, PAGE);
	int ram = open(RAM, O_RDWR | O_CLOEXEC);
	u64 vpn;

	if (ram < 0 || !dm_make(dm_node, sizeof(dm_node)))
		skip("no device mapper or no " RAM);
	for (vpn = 0; vpn < NR; vpn++) {
		page_fill(page, vpn, 1);
		need(pwrite(ram, page, PAGE, vpn * PAGE) == PAGE, RAM ": %s", strerror(errno));
	}
	need_ok(fsync(ram));
	need_ok(close(ram));
	dm_table("0 %lu linear " RAM " 0", NR * PAGE / 512);
}

static void begin_with(u64 bytes, u32 block)
{
	fill_ram();
	pool_use(bytes);
	attach_block = block;
	fd = space_attach(dm_node, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	event = need_ok(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

static void begin(void)
{
	begin_with(4 * MIB, FRAMEPOOL_BLOCK_1);
}

static void device_gone(void)
{
	expect(wait_until(dm_remove, NULL, 10000), "the device is still in use: %s", strerror(errno));
}

static void end(void)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "contents");
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(event));
	space_gone(fd, id);
	device_gone();
}

static int start_with(struct framepool_span *spans, u32 nr, int told, u64 *ticket)
{
	struct framepool_prefetch p = {
		.size = sizeof(p), .spans = (uintptr_t)spans, .nr = nr, .eventfd = told,
	};
	int ret = ioctl(fd, FRAMEPOOL_PREFETCH_START, &p);

	*ticket = p.ticket;
	return ret;
}

static int result_of(u64 ticket, struct framepool_span *spans, u32 nr)
{
	struct framepool_prefetch p = {
		.size = sizeof(p), .spans = (uintptr_t)spans, .nr = nr, .ticket = ticket,
	};

	return ioctl(fd, FRAMEPOOL_PREFETCH_RESULT, &p);
}

static void wait_event(u64 events)
{
	struct pollfd p = { .fd = event, .events = POLLIN };
	u64 sum = 0, one;

	while (sum < events) {
		need(poll(&p, 1, 30000 * scale) == 1, "no event");
		need(read(event, &one, sizeof(one)) == sizeof(one), "eventfd");
		sum += one;
	}
	expect(sum == events, "%ju events", (uintmax_t)sum);
}

static void expect_span(const struct framepool_span *s, u64 done, u64 already, u64 failed,
			u32 error)
{
	expect(s->done == done && s->already == already && s->failed == failed &&
	       s->error == error,
	       "%ju fetched, %ju there, %ju failed, error %u; not %ju, %ju, %ju, %u",
	       (uintmax_t)s->done, (uintmax_t)s->already, (uintmax_t)s->failed, s->error,
	       (uintmax_t)done, (uintmax_t)already, (uintmax_t)failed, error);
}

/* Several ranges, one of them partly there, one to the end. */
static void counts(void)
{
	struct framepool_span spans[] = {
		{ .offset = 0, .length = 10 * PAGE },
		{ .offset = 100 * PAGE, .length = 4 * PAGE },
		{ .offset = (NR - 3) * PAGE, .length = 0 },
	}, out[4];
	u64 ticket;

	begin();
	make_absent(fd, m, NR * PAGE);
	expect(page_is(m + 101 * PAGE, 101, 1), "one that is there");
	need_ok(start_with(spans, 3, event, &ticket));
	wait_event(1);
	need_ok(result_of(ticket, out, 4));
	expect_span(&out[0], 10, 0, 0, 0);
	expect_span(&out[1], 3, 1, 0, 0);
	expect_span(&out[2], 3, 0, 0, 0);
	expect(out[2].length == 3 * PAGE, "length %ju", (uintmax_t)out[2].length);
	expect(resident_pages(fd, 0, 0, (u8[NR / 8]){}) == 17, "what is resident");
	expect_errno(result_of(ticket, out, 4), ENOENT);
	end();
}

/* Reads that the device has ended. */
static u64 reads(void)
{
	char where[64];
	unsigned long long nr;
	struct stat st;
	FILE *f;

	need_ok(stat(dm_node, &st));
	snprintf(where, sizeof(where), "/sys/dev/block/%u:%u/stat", major(st.st_rdev),
		 minor(st.st_rdev));
	f = fopen(where, "re");
	need(f && fscanf(f, "%llu", &nr) == 1, "%s", where);
	fclose(f);
	return nr;
}

static void expect_blocks(const char *what, u64 pages, u64 before)
{
	u64 n = reads() - before;

	diag("%s: %ju pages in %ju reads", what, (uintmax_t)pages, (uintmax_t)n);
	expect(n && n <= pages / 8, "%s: %ju reads", what, (uintmax_t)n);
}

/* Who asks for all pages of a range gets blocks, whatever was asked for before. */
static void in_blocks(void)
{
	struct framepool_span span = { .offset = 3 * PAGE, .length = 400 * PAGE }, out;
	struct framepool_range r;
	u64 ticket, before;

	begin_with(4 * MIB, FRAMEPOOL_BLOCK_AUTO);
	make_absent(fd, m, NR * PAGE);
	before = reads();
	need_ok(start_with(&span, 1, event, &ticket));
	wait_event(1);
	need_ok(result_of(ticket, &out, 1));
	expect_span(&out, 400, 0, 0, 0);
	expect(resident_pages(fd, 0, 0, (u8[NR / 8]){}) == 400, "more is resident");
	expect_blocks("PREFETCH_START", 400, before);
	make_absent(fd, m, NR * PAGE);
	before = reads();
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 5 * PAGE, 300 * PAGE, &r));
	expect(r.done == 300, "%ju done", (uintmax_t)r.done);
	expect_blocks("PREFETCH", 300, before);
	make_absent(fd, m, NR * PAGE);
	before = reads();
	need_ok(range_op(fd, FRAMEPOOL_PIN, 0, 200 * PAGE, &r));
	expect(r.done == 200, "%ju done", (uintmax_t)r.done);
	expect_blocks("PIN", 200, before);
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	make_absent(fd, m, NR * PAGE);
	before = reads();
	need_ok(posix_fadvise(fd, 16 * PAGE, 320 * PAGE, POSIX_FADV_WILLNEED));
	for (u64 vpn = 16; vpn < 336; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "contents");
	expect_blocks("WILLNEED", 320, before);
	end();
}

/* A device that stands still: the call returns, and there is no result until it goes on. */
static void at_once(void)
{
	struct framepool_span span = { .offset = 0, .length = 20 * PAGE }, out;
	u64 ticket[2], i;

	begin();
	make_absent(fd, m, NR * PAGE);
	dm_stall();
	for (i = 0; i < 2; i++)
		need_ok(start_with(&span, 1, event, &ticket[i]));
	expect(ticket[0] != ticket[1], "two tickets with one number");
	expect_errno(result_of(ticket[0], &out, 1), EAGAIN);
	dm_go_on();
	wait_event(2);
	need_ok(result_of(ticket[1], &out, 1));
	expect(out.done + out.already == 20 && !out.failed, "the second");
	need_ok(result_of(ticket[0], &out, 1));
	expect(out.done + out.already == 20 && !out.failed, "the first");
	end();
}

/* Without an eventfd the result can be asked for until it is there. */
static bool has_result(void *ticket)
{
	struct framepool_span out;

	return !result_of(*(u64 *)ticket, &out, 1);
}

static void without_event(void)
{
	struct framepool_span span = { .offset = 0, .length = PAGE };
	u64 ticket;

	begin();
	need_ok(start_with(&span, 1, -1, &ticket));
	expect(wait_until(has_result, &ticket, 30000 * scale), "no result");
	end();
}

/* Bad blocks are counted, and what is beside them comes. */
static void bad_blocks(void)
{
	struct framepool_span spans[] = {
		{ .offset = 0, .length = 16 * PAGE },
		{ .offset = 200 * PAGE, .length = 8 * PAGE },
	};
	u64 ticket;

	begin();
	make_absent(fd, m, NR * PAGE);
	dm_table("0 32 linear " RAM " 0\n32 16 error\n48 %lu linear " RAM " 48",
		 NR * PAGE / 512 - 48);
	need_ok(start_with(spans, 2, event, &ticket));
	wait_event(1);
	need_ok(result_of(ticket, spans, 2));
	expect_span(&spans[0], 14, 0, 2, EIO);
	expect_span(&spans[1], 8, 0, 0, 0);
	dm_table("0 %lu linear " RAM " 0", NR * PAGE / 512);
	end();
}

/* When the pool can take no more it is over: the ranges behind are not tried. */
static void no_room(void)
{
	struct framepool_span spans[] = {
		{ .offset = (NR - 8) * PAGE, .length = 4 * PAGE },
		{ .offset = (NR - 4) * PAGE, .length = 3 * PAGE },
	};
	struct framepool_range r;
	u64 ticket;

	begin_with(2 * MIB, FRAMEPOOL_BLOCK_1);
	set_wait_ms(300);
	expect_errno(range_op(fd, FRAMEPOOL_PIN, 0, 0, &r), ENOMEM);
	need(r.done && r.done < NR - 8, "%ju pages are pinned", (uintmax_t)r.done);
	need_ok(start_with(spans, 2, event, &ticket));
	wait_event(1);
	need_ok(result_of(ticket, spans, 2));
	expect_span(&spans[0], 0, 0, 4, ENOMEM);
	expect_span(&spans[1], 0, 0, 3, ENOMEM);
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	end();
}

/* The descriptor goes while its prefetch stands still: nothing is left behind. */
static void closed(void)
{
	struct framepool_span span = { .offset = 0, .length = 0 };
	u64 ticket;

	begin();
	make_absent(fd, m, NR * PAGE);
	dm_stall();
	need_ok(start_with(&span, 1, event, &ticket));
	need_ok(start_with(&span, 1, -1, &ticket));
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	need_ok(close(event));
	dm_go_on();
	device_gone();
	expect(wait_until(no_spaces, NULL, 30000 * scale), "the space is still there");
}

/* Its pages are its process's to wait for no more, once that is killed. */
static void starting_child(void *arg)
{
	struct framepool_span span = { .offset = 0, .length = 0 };
	u64 ticket;

	need_ok(start_with(&span, 1, -1, &ticket));
	atomic_store((atomic_int *)arg, 1);
	for (;;)
		pause();
}

static void killed(void)
{
	atomic_int *ready = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;
	u64 start;

	begin();
	make_absent(fd, m, NR * PAGE);
	dm_stall();
	pid = child_start(starting_child, ready);
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	while (!atomic_load(ready))
		sched_yield();
	start = now_ms();
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	expect(now_ms() - start < 5000 * scale, "took %ju ms to die", (uintmax_t)(now_ms() - start));
	dm_go_on();
	need_ok(close(event));
	device_gone();
}

static void prefetching_child(void *unused)
{
	struct framepool_range r;

	(void)unused;
	range_op(fd, FRAMEPOOL_PREFETCH, 0, 0, &r);
}

/* Most of what he asked for is not there any more: errors of which none is waited for. */
static void killed_past_the_end(void)
{
	struct framepool_resize size = { .size = sizeof(size), .bytes = PAGE };
	char where[DIR_SIZE], name[DIR_SIZE + 16];
	struct framepool_space s = { 0 };
	int status;
	pid_t pid;

	if (!fs_mount("tmpfs", where, sizeof(where)))
		skip("no tmpfs");
	snprintf(name, sizeof(name), "%s/file", where);
	free(file_make(name, PAGE, 1));
	need_ok(truncate(name, 1LL << 50));
	pool_use(2 * MIB);
	fd = space_attach(name, O_RDWR);
	id = space_id(fd);
	pid = child_start(prefetching_child, NULL);
	while (space_info(fd, &s), s.fills < 20)
		usleep(1000);
	need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &size));
	usleep(100000);
	need_ok(kill(pid, SIGKILL));
	expect(child_ends(pid, 20000, &status) && WIFSIGNALED(status), "it goes on: %#x", status);
	space_gone(fd, id);
}

static void bad_input(void)
{
	struct framepool_span good = { .offset = 0, .length = PAGE }, bad;
	static struct framepool_span many[1025];
	int pipes[2];
	u64 ticket, i;

	begin();
	make_absent(fd, m, NR * PAGE);
	expect_errno(start_with(&good, 0, -1, &ticket), EINVAL);
	expect_errno(start_with(many, 1025, -1, &ticket), EINVAL);
	expect_errno(start_with(NULL, 1, -1, &ticket), EFAULT);
	bad = (struct framepool_span){ .offset = 1, .length = PAGE };
	expect_errno(start_with(&bad, 1, -1, &ticket), EINVAL);
	bad = (struct framepool_span){ .offset = NR * PAGE, .length = PAGE };
	expect_errno(start_with(&bad, 1, -1, &ticket), EINVAL);
	bad = (struct framepool_span){ .offset = PAGE, .length = ~0ull };
	expect_errno(start_with(&bad, 1, -1, &ticket), EINVAL);
	bad = good;
	bad.__reserved = 1;
	expect_errno(start_with(&bad, 1, -1, &ticket), EINVAL);
	/* The last one is bad: the good ones before it are not begun. */
	many[0] = good;
	many[1] = bad;
	expect_errno(start_with(many, 2, -1, &ticket), EINVAL);
	need_ok(pipe(pipes));
	expect_errno(start_with(&good, 1, pipes[0], &ticket), EINVAL);
	expect_errno(start_with(&good, 1, 999, &ticket), EBADF);
	expect_errno(start_with(&good, 1, -2, &ticket), EBADF);
	expect_errno(result_of(1, &good, 1), ENOENT);
	expect(!resident_pages(fd, 0, 0, (u8[NR / 8]){}), "a refused call has fetched pages");
	/* As many tickets as there may be, two spans each. */
	many[1] = good;
	for (i = 0; i < 64; i++)
		need_ok(start_with(many, 2, event, &ticket));
	expect_errno(start_with(&good, 1, event, &ticket), EBUSY);
	wait_event(64);
	expect_errno(start_with(&good, 1, event, &ticket), EBUSY);
	expect_errno(result_of(1, &good, 1), EINVAL);
	expect_errno(result_of(1, NULL, 2), EFAULT);
	for (i = 1; i <= 64; i++)
		need_ok(result_of(i, many, 2));
	need_ok(start_with(&good, 1, event, &ticket));
	wait_event(1);
	end();
}

static u64 last_ticket;

/* A result whose memory does not come, and then is none. */
static long wanting_result(struct park *p)
{
	return result_of(last_ticket, p->page, 1) ? errno : 0;
}

/* As many tickets as there may be, and one of them is on its way to the program, and back. */
static void one_comes_back(void)
{
	struct framepool_span span = { .offset = 0, .length = PAGE };
	struct park parked;
	u64 i, ticket;

	begin();
	for (i = 0; i < 64; i++)
		need_ok(start_with(&span, 1, event, &last_ticket));
	wait_event(64);
	park_begin(&parked, wanting_result, fd);
	expect_errno(start_with(&span, 1, event, &ticket), EBUSY);
	park_fail(&parked);
	expect(parked.ret == EFAULT, "the result that had no room gave %ld", parked.ret);
	expect_errno(start_with(&span, 1, event, &ticket), EBUSY);
	for (i = 0; i < 64; i++)
		need_ok(result_of(last_ticket - i, &span, 1));
	expect_errno(result_of(last_ticket, &span, 1), ENOENT);
	for (i = 0; i < 64; i++)
		need_ok(start_with(&span, 1, event, &ticket));
	expect_errno(start_with(&span, 1, event, &ticket), EBUSY);
	wait_event(64);
	end();
}

static const struct test tests[] = {
	{ "counts of several ranges", counts, T_DEVICE },
	{ "in blocks", in_blocks, T_DEVICE },
	{ "it returns at once", at_once, T_DEVICE },
	{ "without an eventfd", without_event, T_DEVICE },
	{ "bad blocks", bad_blocks, T_DEVICE },
	{ "no room in the pool", no_room, T_DEVICE },
	{ "the descriptor is closed", closed, T_DEVICE },
	{ "the process is killed", killed, T_DEVICE },
	{ "the process is killed, and its pages are past the end", killed_past_the_end, T_DEVICE },
	{ "bad input", bad_input, T_DEVICE },
	{ "a result that cannot be told, of as many as there may be", one_comes_back, T_DEVICE },
};

int main(int argc, char **argv)
{
	after_test = dm_clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
