// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O that fails, and devices that recover: the backing is a device-mapper device that is told
 * what to fail, or a file of an ext4 on one, by the file system or past it.
 *
 * A failed read is the trouble of who asked for the page, and of nobody else; the next touch tries
 * again.  A page that cannot be written stays, dirty and usable, every descriptor is told once, and it
 * reaches the device when the device has recovered, whatever its users do meanwhile.
 */
#include "bed.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>

#define MAX	1024UL			/* pages */
#define RW	(PROT_READ | PROT_WRITE)
#define WAIT	300			/* ms for a fault in a full pool */
#define BAD	40UL			/* the bad page */
#define COLUMNS	"space unwritten reads read_offset read_error writes write_offset write_error "

static u64 nr;				/* pages of the backing */
static u64 version[MAX];		/* what each page has to be */
static u8 *m;
static int fd;
static u32 id;

static void healthy(void)
{
	bed_healthy();
}

static void dead(void)
{
	bed_dead();
}

/* Reads work. */
static void unwritable(void)
{
	bed_unwritable();
}

static void bad_page(void)
{
	bed_bad_page(BAD);
}

/* A backing of @pages, all of version 1, and a pool of @bytes. */
static void prepare(u64 pages, u64 bytes)
{
	u64 i;

	nr = pages;
	bed_make(nr);
	for (i = 0; i < nr; i++)
		version[i] = 1;
	pool_use(bytes);
	set_wait_ms(WAIT);
}

static void attach_it(void)
{
	struct framepool_space s;

	fd = space_attach(bed_path, O_RDWR);
	space_info(fd, &s);
	expect(s.state & FRAMEPOOL_SPACE_DIRECT_IO, "not read past the page cache");
	expect(!(s.state & FRAMEPOOL_SPACE_DIRECT_PATH) == (test_variant == BED_FILE),
	       "the wrong path");
	id = s.space;
	m = map(fd, nr * PAGE, RW, MAP_SHARED);
}

static void begin(u64 pages, u64 bytes)
{
	prepare(pages, bytes);
	attach_it();
}

static void expect_device(void)
{
	u8 *is = bed_load();
	u64 i;

	for (i = 0; i < nr; i++)
		expect(page_is(is + i * PAGE, i, version[i]), "on the device");
	free(is);
}

static void end_detached(void)
{
	expect_device();
	bed_end();
}

static void end(void)
{
	need_ok(munmap(m, nr * PAGE));
	space_gone(fd, id);
	end_detached();
}

static void store(u64 vpn, u64 v)
{
	page_fill(m + vpn * PAGE, vpn, v);
	version[vpn] = v;
}

static void expect_pages(u64 first, u64 n)
{
	u64 i;

	for (i = first; i < first + n; i++)
		expect(page_is(m + i * PAGE, i, version[i]), "by the mapping");
}

static void get_errors(struct framepool_errors *e)
{
	memset(e, 0, sizeof(*e));
	e->size = sizeof(*e);
	need_ok(ioctl(fd, FRAMEPOOL_ERRORS, e));
}

static void expect_no_trouble(void)
{
	struct framepool_space s;
	struct framepool_errors e;

	get_errors(&e);
	expect(!e.unwritten, "%ju pages still unwritten", (uintmax_t)e.unwritten);
	space_info(fd, &s);
	expect(!s.write_error, "write_error is still %s", strerror(s.write_error));
}

/* ---- reads ---- */

static void failed_read(void)
{
	struct framepool_errors before, after;
	u8 *buf = aligned_alloc(PAGE, PAGE);
	struct framepool_range r;
	u64 i;

	begin(256, 4 * MIB);
	bad_page();
	get_errors(&before);
	expect(!before.reads && !before.read_error, "errors before the first one");
	for (i = 0; i < 3; i++) {
		expect(try_load(m + BAD * PAGE, NULL) == SIGBUS, "a load of the bad page");
		expect(try_store(m + BAD * PAGE + 8, 1) == SIGBUS, "a store to the bad page");
		expect_errno(pread(fd, buf, PAGE, BAD * PAGE), EIO);
	}
	get_errors(&after);
	expect(after.reads >= 9 && after.read_error == EIO && after.read_offset == BAD * PAGE,
	       "%ju errors, the last %u at %#jx: each touch has to try again",
	       (uintmax_t)after.reads, after.read_error, (uintmax_t)after.read_offset);
	expect(!after.writes && !after.write_error && !after.unwritten, "write errors");
	expect_pages(BAD - 1, 1);
	expect_pages(BAD + 1, 1);
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 32 * PAGE, 16 * PAGE, &r));
	expect(r.done + r.already == 15 && r.failed == 1 && r.error == EIO,
	       "prefetch: %ju done, %ju were there, %ju failed with %u", (uintmax_t)r.done,
	       (uintmax_t)r.already, (uintmax_t)r.failed, r.error);
	need_ok(range_op(fd, FRAMEPOOL_PIN, (BAD - 2) * PAGE, 4 * PAGE, &r));
	expect(r.done == 3 && r.failed == 1 && r.error == EIO,
	       "pin: %ju done, %ju failed with %u", (uintmax_t)r.done, (uintmax_t)r.failed,
	       r.error);
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	/* A read that comes to the bad page gives what is before it. */
	free(buf);
	buf = aligned_alloc(PAGE, 4 * PAGE);
	expect(pread(fd, buf, 4 * PAGE, (BAD - 2) * PAGE) == 2 * (ssize_t)PAGE, "a short read");
	healthy();
	expect_pages(0, nr);
	store(BAD, 2);
	need_ok(fsync(fd));
	end();
}

/*
 * A disk with a bad block, as dm-dust makes it: the block is read as an error until it is written, and
 * whatever else is in the request is read.
 */
static void bad_block_of_a_disk(void)
{
	struct framepool_errors e;
	u8 *page = aligned_alloc(PAGE, PAGE);
	int disk;

	if (!dm_has("dust"))
		skip("this kernel has no dm-dust");
	begin(256, 4 * MIB);
	dm_table("0 %lu dust " BED_RAM " 0 4096", nr * PAGE / 512);
	dm_message(0, "addbadblock %lu", BAD);
	dm_message(0, "addbadblock %lu", BAD + 2);
	dm_message(0, "enable");
	expect(try_load(m + BAD * PAGE, NULL) == SIGBUS, "a load of the bad block");
	expect_pages(BAD - 1, 1);
	expect_pages(BAD + 1, 1);
	expect(try_store(m + (BAD + 2) * PAGE, 1) == SIGBUS, "a store to the other one");
	expect_pages(0, BAD);
	expect_pages(BAD + 3, nr - BAD - 3);
	get_errors(&e);
	expect(e.reads >= 2 && e.read_error == EIO && !e.writes && !e.unwritten,
	       "%ju reads failed with %u, %ju writes", (uintmax_t)e.reads, e.read_error,
	       (uintmax_t)e.writes);
	/* One is well by itself, the other by being written, as disks do it. */
	dm_message(0, "removebadblock %lu", BAD);
	expect_pages(BAD, 1);
	expect(try_load(m + (BAD + 2) * PAGE, NULL) == SIGBUS, "a load of the other one");
	version[BAD + 2] = 2;
	page_fill(page, BAD + 2, 2);
	disk = need_ok(open(bed_path, O_RDWR | O_CLOEXEC));
	need(pwrite(disk, page, PAGE, (BAD + 2) * PAGE) == PAGE, "%s: %s", bed_path, strerror(errno));
	need_ok(fsync(disk));
	need_ok(close(disk));
	free(page);
	expect_pages(0, nr);
	store(BAD, 3);
	need_ok(fsync(fd));
	expect_no_trouble();
	end();
}

/*
 * A block that becomes bad while its page is in memory: the pool's own write mends it, if there is
 * one; a page that is clean is not written, and lost to who reads it then.
 */
static void block_is_mended(void)
{
	struct framepool_errors e;
	struct framepool_range r;
	u8 page[PAGE];

	if (!dm_has("dust"))
		skip("this kernel has no dm-dust");
	begin(256, 4 * MIB);
	bed_with_bad_blocks();
	store(BAD, 2);
	expect_pages(BAD + 2, 1);
	bed_bad_block(BAD);
	bed_bad_block(BAD + 2);
	expect_pages(BAD, 1);
	need_ok(fsync(fd));
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(!r.written && !r.failed && !resident_pages(fd, BAD * PAGE, PAGE, (u8[1]){ 0 }),
	       "%ju written, %ju failed by the eviction", (uintmax_t)r.written,
	       (uintmax_t)r.failed);
	expect_pages(BAD, 1);
	expect(try_load(m + (BAD + 2) * PAGE, NULL) == SIGBUS, "a load of the other bad block");
	get_errors(&e);
	expect(e.reads && e.read_error == EIO && !e.writes && !e.unwritten && !e.flushes,
	       "%ju reads failed with %u, %ju writes", (uintmax_t)e.reads, e.read_error,
	       (uintmax_t)e.writes);
	/* Who writes all of it does not read it first, and mends it. */
	page_fill(page, BAD + 2, 1);
	expect(pwrite(fd, page, PAGE, (BAD + 2) * PAGE) == PAGE, "pwrite: %s", strerror(errno));
	need_ok(fsync(fd));
	make_absent(fd, m, nr * PAGE);
	expect_pages(0, nr);
	healthy();
	expect_pages(0, nr);
	expect_no_trouble();
	end();
}

/* In a block of 16 pages, a bad one is the trouble of who wants it. */
static void bad_page_in_a_block(void)
{
	struct framepool_block b = { .size = sizeof(b), .block_type = FRAMEPOOL_BLOCK_16 };
	u64 i;

	begin(256, 4 * MIB);
	bad_page();
	need_ok(ioctl(fd, FRAMEPOOL_SET_BLOCK, &b));
	for (i = BAD - 3; i < BAD + 4; i++) {
		if (i == BAD)
			expect(try_load(m + i * PAGE, NULL) == SIGBUS, "the bad page");
		else
			expect_pages(i, 1);
	}
	for (i = 0; i < nr; i += 16)
		if (i != BAD)
			expect_pages(i, 1);
	healthy();
	expect_pages(0, nr);
	end();
}

static void *touch_bad(void *unused)
{
	unsigned int i;

	(void)unused;
	for (i = 0; i < 50; i++) {
		expect(try_load(m + BAD * PAGE, NULL) == SIGBUS, "a load of the bad page");
		expect(page_holds(m + (BAD + 1) * PAGE, BAD + 1, 1), "its neighbour");
	}
	return NULL;
}

/* Who waits for the same read is told of its error, too, and nobody waits for ever. */
static void many_touch_a_bad_page(void)
{
	pthread_t thread[6];
	unsigned int i;

	begin(256, 4 * MIB);
	bad_page();
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		need(!pthread_create(&thread[i], NULL, touch_bad, NULL), "no thread");
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		pthread_join(thread[i], NULL);
	healthy();
	expect_pages(0, nr);
	end();
}

/* ---- writes ---- */

static char *debugfs_errors(void)
{
	static char text[4096];
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/framepool/%s/errors", pool);
	f = fopen(path, "r");
	need(f, "%s: %s", path, strerror(errno));
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* All of what ERRORS says is there, column by column. */
static void expect_debugfs(const struct framepool_errors *e)
{
	const char *text = debugfs_errors();
	char line[256];

	expect(!strncmp(text, COLUMNS, strlen(COLUMNS)), "debugfs has other columns: %s", text);
	snprintf(line, sizeof(line), "\n%u %ju %ju %ju %u %ju %ju %u %ju %u\n", id,
		 (uintmax_t)e->unwritten, (uintmax_t)e->reads, (uintmax_t)e->read_offset,
		 e->read_error, (uintmax_t)e->writes, (uintmax_t)e->write_offset, e->write_error,
		 (uintmax_t)e->flushes, e->flush_error);
	expect(strstr(text, line), "no line %s in %s", line, text);
}

static void failed_write(void)
{
	struct framepool_errors e;
	struct framepool_space s;
	struct framepool_range r;
	char line[64];
	u64 i;

	begin(256, 4 * MIB);
	for (i = 100; i < 105; i++)
		store(i, 2);
	unwritable();
	expect_errno(fsync(fd), EIO);
	expect_errno(msync(m, nr * PAGE, MS_SYNC), EIO);
	expect_errno(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r), EIO);
	/* A range without them has nothing to complain of. */
	need_ok(range_op(fd, FRAMEPOOL_SYNC, 0, 100 * PAGE, &r));
	get_errors(&e);
	expect(e.unwritten == 5 && e.write_error == EIO && e.writes >= 15 && !e.reads,
	       "%ju unwritten, errno %u, %ju write errors", (uintmax_t)e.unwritten, e.write_error,
	       (uintmax_t)e.writes);
	expect(e.write_offset >= 100 * PAGE && e.write_offset < 105 * PAGE, "at %#jx",
	       (uintmax_t)e.write_offset);
	space_info(fd, &s);
	expect(s.write_error == EIO && s.write_errors == e.writes && s.dirty == 5,
	       "write_error %u, %ju write errors, %ju dirty", s.write_error,
	       (uintmax_t)s.write_errors, (uintmax_t)s.dirty);
	expect_debugfs(&e);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.failed == 5 && r.error == EIO, "evict: %ju failed with %u", (uintmax_t)r.failed,
	       r.error);
	expect(resident_pages(fd, 100 * PAGE, 5 * PAGE, memset(line, 0, sizeof(line))) == 5,
	       "unwritten pages left");
	expect_pages(100, 5);
	store(102, 3);
	healthy();
	/* What the eviction met, nobody was told. */
	expect_errno(fsync(fd), EIO);
	need_ok(fsync(fd));
	expect_no_trouble();
	expect_device();
	end();
}

/* All others of its run reach the device. */
static void bad_page_in_a_run(void)
{
	struct framepool_errors e;
	struct framepool_range r;
	u64 i;
	u8 *is;

	begin(256, 4 * MIB);
	for (i = 0; i < nr; i++)
		store(i, 2);
	bad_page();
	expect_errno(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r), EIO);
	get_errors(&e);
	expect(e.unwritten == 1 && e.write_offset == BAD * PAGE,
	       "%ju pages unwritten, the last at %#jx; %ju writes failed, %ju flushes (%u)",
	       (uintmax_t)e.unwritten, (uintmax_t)e.write_offset, (uintmax_t)e.writes,
	       (uintmax_t)e.flushes, e.flush_error);
	is = bed_load();
	for (i = 0; i < nr; i++)
		expect(page_is(is + i * PAGE, i, i == BAD ? 1 : 2), "on the device meanwhile");
	free(is);
	/* They may leave, the bad one may not. */
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done == nr - 1 && r.failed == 1, "evict: %ju done, %ju failed", (uintmax_t)r.done,
	       (uintmax_t)r.failed);
	for (i = 0; i < nr; i++)
		store(i, 3);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done == nr - 1 && r.written == nr - 1 && r.failed == 1,
	       "evict: %ju done, %ju written, %ju failed", (uintmax_t)r.done, (uintmax_t)r.written,
	       (uintmax_t)r.failed);
	healthy();
	expect_errno(fsync(fd), EIO);		/* the eviction's */
	need_ok(fsync(fd));
	expect_no_trouble();
	end();
}

/* What could not be written is held still, and the same call does it when the device is well. */
static void failed_release(void)
{
	struct framepool_space s;
	struct framepool_range r;
	u64 i;
	u8 *is;

	begin(256, 4 * MIB);
	need_ok(range_op(fd, FRAMEPOOL_HOLD, 16 * PAGE, 32 * PAGE, &r));
	for (i = 16; i < 48; i++)
		store(i, 2);
	unwritable();
	expect_errno(range_op(fd, FRAMEPOOL_RELEASE, 0, 0, &r), EIO);
	expect(r.failed == 32, "%ju failed", (uintmax_t)r.failed);
	space_info(fd, &s);
	expect(s.pinned == 32 && s.dirty == 32, "%ju held, %ju dirty", (uintmax_t)s.pinned,
	       (uintmax_t)s.dirty);
	healthy();
	/* The device is well, and still nobody's sync or eviction writes them. */
	store(16, 3);
	fsync(fd);
	need_ok(fsync(fd));
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.pinned == 32 && !r.written, "%ju pinned, %ju written", (uintmax_t)r.pinned,
	       (uintmax_t)r.written);
	is = bed_load();
	for (i = 0; i < nr; i++)
		expect(page_is(is + i * PAGE, i, 1), "on the device after the failed release");
	free(is);
	expect_pages(0, nr);
	need_ok(range_op(fd, FRAMEPOOL_RELEASE, 0, 0, &r));
	expect(r.written == 32, "%ju written", (uintmax_t)r.written);
	space_info(fd, &s);
	expect(!s.pinned, "%ju pinned after the release", (uintmax_t)s.pinned);
	expect_no_trouble();
	expect_device();
	end();
}

#define FINE	(POLLIN | POLLOUT)
#define ERROR	(FINE | POLLPRI | POLLERR)

static int ready(int of)
{
	struct pollfd p = { .fd = of, .events = POLLIN | POLLOUT | POLLPRI };

	need_ok(poll(&p, 1, 0));
	return p.revents;
}

static void *wait_for_error(void *revents)
{
	struct pollfd p = { .fd = fd };

	need_ok(poll(&p, 1, 60000));
	*(int *)revents = p.revents;
	return NULL;
}

/* Who waits sleeps until a write fails, and is told until a sync has told him. */
static void woken(void)
{
	struct epoll_event e = { .events = EPOLLPRI };
	struct framepool_range r;
	pthread_t thread;
	int revents = 0;
	int ep;

	begin(256, 4 * MIB);
	ep = need_ok(epoll_create1(EPOLL_CLOEXEC));
	need_ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	expect(!pthread_create(&thread, NULL, wait_for_error, &revents), "no thread");
	usleep(100000);
	expect(ready(fd) == FINE, "%#x", ready(fd));
	expect(!epoll_wait(ep, &e, 1, 0), "epoll: no error yet");
	unwritable();
	store(3, 2);
	expect(!revents, "woken by nothing: %#x", revents);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.failed == 1, "%ju failed", (uintmax_t)r.failed);
	pthread_join(thread, NULL);
	expect(revents == POLLERR, "woken by %#x", revents);
	expect(epoll_wait(ep, &e, 1, 0) == 1 && e.events == (EPOLLPRI | EPOLLERR), "epoll: %#x",
	       e.events);
	healthy();
	expect(ready(fd) == ERROR, "not told yet: %#x", ready(fd));
	expect_errno(fsync(fd), EIO);
	expect(ready(fd) == FINE, "told: %#x", ready(fd));
	expect(!epoll_wait(ep, &e, 1, 0), "epoll: %#x after it was told", e.events);
	close(ep);
	end();
}

/* errseq: each descriptor is told once; who comes later only of what nobody was told. */
static void told_once(void)
{
	struct framepool_range r;
	int a, b, c;

	prepare(256, 4 * MIB);
	space_name(bed_path, "t.told", O_RDWR);
	a = need_ok(node_open("t.told", O_RDWR));
	b = need_ok(node_open("t.told", O_RDWR));
	fd = a;
	id = space_id(fd);
	m = map(fd, nr * PAGE, RW, MAP_SHARED);
	store(3, 2);
	unwritable();
	expect_errno(fsync(a), EIO);
	healthy();
	c = need_ok(node_open("t.told", O_RDWR));
	need_ok(fsync(a));
	expect_errno(fsync(b), EIO);
	need_ok(fsync(b));
	need_ok(fsync(c));
	need_ok(close(c));
	need_ok(fsync(a));
	expect(ready(a) == FINE && ready(b) == FINE, "told, and still not fine");
	/* An error that no sync has met: nobody was told. */
	store(3, 3);
	unwritable();
	need_ok(range_op(a, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.failed == 1, "%ju failed", (uintmax_t)r.failed);
	expect(ready(a) == ERROR && ready(b) == ERROR, "an error nobody was told of: %#x, %#x",
	       ready(a), ready(b));
	healthy();
	c = need_ok(node_open("t.told", O_RDWR));
	expect_errno(fdatasync(c), EIO);
	need_ok(fdatasync(c));
	expect_errno(msync(m, PAGE, MS_SYNC), EIO);	/* by a's mapping */
	need_ok(fsync(a));
	expect_errno(range_op(b, FRAMEPOOL_SYNC, 0, 0, &r), EIO);
	need_ok(range_op(b, FRAMEPOOL_SYNC, 0, 0, &r));
	need_ok(munmap(m, nr * PAGE));
	need_ok(close(a));
	need_ok(close(b));
	need_ok(close(c));
	need_ok(detach("t.told"));
	end_detached();
}

/* ---- a pool full of pages that cannot be written ---- */

static u64 expect_in_time(u64 start)
{
	u64 took = now_ms() - start;

	expect(took < WAIT * 20 + 20000 * (scale > 1), "no room: told after %ju ms",
	       (uintmax_t)took);
	return took;
}

static u64 fill_up(void)
{
	u64 i, start = 0, took;

	for (i = 0; i < nr; i++) {
		start = now_ms();
		if (try_store(m + i * PAGE, 1))
			break;
		store(i, 2);
	}
	took = expect_in_time(start);
	expect(i < nr, "all of %ju pages found room", (uintmax_t)nr);
	diag("%ju dirty pages, then SIGBUS after %ju ms", (uintmax_t)i, (uintmax_t)took);
	return i;
}

static void touching_child(void *arg)
{
	*(volatile u8 *)arg = 1;
}

static void killed_while_waiting(u64 vpn)
{
	u64 start;
	int status;
	pid_t pid;

	set_wait_ms(120000);
	pid = child_start(touching_child, m + vpn * PAGE);
	expect(task_waits(pid, pid, 20000), "the child does not wait");
	start = now_ms();
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	expect(WIFSIGNALED(status), "status %#x", status);
	expect(now_ms() - start < 5000 * scale, "took %ju ms to die",
	       (uintmax_t)(now_ms() - start));
	set_wait_ms(WAIT);
}

/* By the descriptor, and by a mapping that has no entries yet: neither needs a frame. */
static void read_by_call(u64 n)
{
	u8 *buf = aligned_alloc(PAGE, n * PAGE);
	u64 i;

	need(pread(fd, buf, n * PAGE, 0) == (ssize_t)(n * PAGE), "pread: %s", strerror(errno));
	for (i = 0; i < n; i++)
		expect(page_is(buf + i * PAGE, i, version[i]), "by pread");
	free(buf);
}

static void read_by_new_mapping(void *n)
{
	m = map(fd, nr * PAGE, RW, MAP_SHARED);
	expect_pages(0, *(u64 *)n);
}

enum absent_op {
	BY_PREAD,
	BY_PWRITE,
	BY_PREFETCH,
	BY_PIN,
	ABSENT_OPS
};

static long want_page(enum absent_op op, u64 vpn)
{
	static u8 page[PAGE] __attribute__((aligned(PAGE)));
	struct framepool_range r;

	switch (op) {
	case BY_PREAD:
		return pread(fd, page, PAGE, vpn * PAGE);
	case BY_PWRITE:
		return pwrite(fd, page, PAGE, vpn * PAGE);
	case BY_PREFETCH:
		return range_op(fd, FRAMEPOOL_PREFETCH, vpn * PAGE, PAGE, &r);
	default:
		return range_op(fd, FRAMEPOOL_PIN, vpn * PAGE, PAGE, &r);
	}
}

/* Calls are told what a fault cannot say, and as soon. */
static void calls_find_no_room(u64 vpn)
{
	enum absent_op op;
	u64 start;

	for (op = BY_PREAD; op < ABSENT_OPS; op++) {
		start = now_ms();
		if (!expect_errno(want_page(op, vpn), ENOMEM))
			diag("by way %u", op);
		expect_in_time(start);
	}
}

static void full_of_unwritable(void)
{
	u64 n, i, round;

	begin(MAX, 2 * MIB);
	unwritable();
	n = fill_up();
	read_by_call(n);
	child_join(child_start(read_by_new_mapping, &n));
	calls_find_no_room(nr - 1);
	for (round = 3; round < 6; round++) {
		expect_pages(0, n);
		for (i = 0; i < n; i++)
			store(i, round);
		expect(try_load(m + (nr - round) * PAGE, NULL) == SIGBUS, "a page without a frame");
		expect_errno(fsync(fd), EIO);
	}
	killed_while_waiting(nr - 1);
	healthy();
	/* From here on frames come, as fast as this machine is. */
	set_wait_ms(60000);
	fsync(fd);			/* what reclaim met since the last sync */
	need_ok(fsync(fd));
	expect_pages(0, nr);
	for (i = 0; i < nr; i++)
		store(i, 9);
	expect_no_trouble();
	end();
}

/* Who waits in a full pool goes on when the device has recovered, by himself. */
static void *touch_last(void *done)
{
	expect(page_is(m + (nr - 1) * PAGE, nr - 1, 1), "the page that was waited for");
	atomic_store((atomic_int *)done, 1);
	return NULL;
}

static void recovers_by_itself(void)
{
	atomic_int done = 0;
	pthread_t thread;

	begin(MAX, 2 * MIB);
	unwritable();
	fill_up();
	set_wait_ms(60000);
	need(!pthread_create(&thread, NULL, touch_last, &done), "no thread");
	usleep(200000);		/* any time will do: what matters is that it ends */
	expect(!atomic_load(&done), "the page found room");
	healthy();
	pthread_join(thread, NULL);
	end();
}

/* ---- the end of a space ---- */

static void detach_fails(void)
{
	struct framepool_errors e;
	u64 i;

	prepare(256, 4 * MIB);
	space_name(bed_path, "t.stays", O_RDWR);
	fd = need_ok(node_open("t.stays", O_RDWR));
	m = map(fd, nr * PAGE, RW, MAP_SHARED);
	for (i = 0; i < nr; i += 3)
		store(i, 2);
	unwritable();
	need_ok(munmap(m, nr * PAGE));
	need_ok(close(fd));
	expect_errno(detach("t.stays"), EIO);
	expect_errno(detach("t.stays"), EIO);
	fd = need_ok(node_open("t.stays", O_RDWR));
	m = map(fd, nr * PAGE, RW, MAP_SHARED);
	expect_pages(0, nr);
	get_errors(&e);
	expect(e.unwritten == (nr + 2) / 3, "%ju unwritten", (uintmax_t)e.unwritten);
	need_ok(munmap(m, nr * PAGE));
	need_ok(close(fd));
	healthy();
	need_ok(detach("t.stays"));
	end_detached();
}

static bool find_space(struct framepool_space *s)
{
	memset(s, 0, sizeof(*s));
	while (space_next(s))
		if (s->space == id)
			return true;
	return false;
}

static void leave_an_orphan(void)
{
	need_ok(munmap(m, nr * PAGE));
	need_ok(close(fd));
	expect(wait_until(space_is_orphan, &id, 10000), "no orphan");
}

/* The last user goes, and his pages cannot be written: they wait, and whoever comes again has them. */
static void orphan(void)
{
	struct framepool_space s;
	u32 first;
	u64 i;

	begin(256, 4 * MIB);
	for (i = 0; i < nr; i += 2)
		store(i, 2);
	unwritable();
	leave_an_orphan();
	need(find_space(&s), "it is gone");
	expect(s.write_error == EIO && s.dirty == nr / 2 && !s.opens,
	       "write_error %u, %ju dirty, %u opens", s.write_error, (uintmax_t)s.dirty, s.opens);
	first = id;
	attach_it();
	expect(id == first, "another space of the same file");
	expect(!space_is_orphan(&id), "an orphan with a user");
	expect_pages(0, nr);
	store(1, 3);
	leave_an_orphan();
	healthy();
	space_gone(-1, id);
	end_detached();
}

/* ---- weather ---- */

struct worker {
	pthread_t thread;
	unsigned int number;
	atomic_int *stop;
	u64 stores, refused, syncs, failed;
};

#define WORKERS	3

/* Until the store has worked, whole: a fault in its middle may fail as the first one may. */
static void store_stubbornly(struct worker *w, u64 vpn, u64 v)
{
	u8 page[PAGE] __attribute__((aligned(8)));

	page_fill(page, vpn, v);
	while (try_copy(m + vpn * PAGE, page, PAGE))
		w->refused++;
	version[vpn] = v;
	w->stores++;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct rnd r;
	u64 vpn, v;

	rnd_init(&r, 100 + w->number);
	for (v = 2; !atomic_load(w->stop); v++) {
		vpn = rnd_below(&r, nr / WORKERS) * WORKERS + w->number;
		store_stubbornly(w, vpn, v);
		if (rnd_below(&r, 30))
			continue;
		w->syncs++;
		if (fsync(fd)) {
			expect(errno == EIO, "fsync: %s", strerror(errno));
			w->failed++;
		}
	}
	return NULL;
}

/* A device that fails and recovers at random, under stores, syncs and eviction: nothing is lost. */
static void weather(void)
{
	struct worker w[WORKERS] = { 0 };
	void (*const moods[])(void) = { healthy, unwritable, dead, bad_page };
	atomic_int stop = 0;
	struct rnd r;
	u64 i, turns = scaled(60) + 10;

	begin(MAX - MAX % WORKERS, 2 * MIB);
	rnd_init(&r, 7);
	set_wait_ms(50);
	for (i = 0; i < WORKERS; i++) {
		w[i].number = i;
		w[i].stop = &stop;
		need(!pthread_create(&w[i].thread, NULL, work, &w[i]), "no thread");
	}
	for (i = 0; i < turns; i++) {
		moods[i % 2 ? rnd_below(&r, ARRAY_SIZE(moods)) : 0]();
		usleep(rnd_below(&r, 60000));
	}
	healthy();
	atomic_store(&stop, 1);
	for (i = 0; i < WORKERS; i++) {
		pthread_join(w[i].thread, NULL);
		diag("%ju stores, %ju tries refused, %ju syncs, %ju failed",
		     (uintmax_t)w[i].stores, (uintmax_t)w[i].refused, (uintmax_t)w[i].syncs,
		     (uintmax_t)w[i].failed);
	}
	set_wait_ms(10000);
	expect_pages(0, nr);
	fsync(fd);			/* the last error may be untold */
	need_ok(fsync(fd));
	expect_no_trouble();
	expect_device();
	end();
}

/*
 * What was written to the file before, and is still on its way, cannot be written: who attaches the
 * file would see what was there before that.
 */
static void cached_and_unwritable(void)
{
	struct framepool_attach a;
	u8 page[PAGE];
	int file;

	prepare(64, 2 * MIB);
	file = need_ok(open(bed_path, O_RDWR | O_CLOEXEC));
	page_fill(page, 3, 2);
	unwritable();
	need(pwrite(file, page, PAGE, 3 * PAGE) == (ssize_t)PAGE, "pwrite: %s", strerror(errno));
	attach_init(&a, file);
	expect_errno(attach(&a), EIO);
	healthy();
	need(pwrite(file, page, PAGE, 3 * PAGE) == (ssize_t)PAGE, "pwrite: %s", strerror(errno));
	version[3] = 2;
	/* The error is told once, and not to who attaches: he would have no direct path for it. */
	fsync(file);
	need_ok(fsync(file));
	need_ok(close(file));
	attach_it();
	expect(page_is(m + 3 * PAGE, 3, 2), "what was written before");
	end();
}

#define ON_EACH(name, run) \
	{ name, run, T_DEVICE | T_VARIANT(BED_DEVICE) }, \
	{ name ", of a file", run, T_DEVICE | T_VARIANT(BED_FILE) }, \
	{ name ", on the direct path", run, T_DEVICE | T_VARIANT(BED_DIRECT) }

static const struct test tests[] = {
	ON_EACH("a failed read", failed_read),
	{ "a bad block of a disk", bad_block_of_a_disk, T_DEVICE },
	ON_EACH("a block that goes bad under a dirty page is mended", block_is_mended),
	ON_EACH("a bad page in a block", bad_page_in_a_block),
	ON_EACH("many touch a bad page", many_touch_a_bad_page),
	ON_EACH("a failed write", failed_write),
	ON_EACH("a bad page in a run", bad_page_in_a_run),
	ON_EACH("a release that fails leaves all held", failed_release),
	ON_EACH("each descriptor is told once", told_once),
	{ "who waits for an error is woken", woken, T_DEVICE },
	ON_EACH("a pool full of unwritable pages", full_of_unwritable),
	ON_EACH("a full pool recovers by itself", recovers_by_itself),
	ON_EACH("detach fails and loses nothing", detach_fails),
	ON_EACH("an orphan", orphan),
	ON_EACH("a device in changing weather", weather),
	ON_EACH("what is cached and cannot be written is no file to attach", cached_and_unwritable),
};

int main(int argc, char **argv)
{
	write_errors_expected = true;
	after_test = dm_clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
