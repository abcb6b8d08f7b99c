// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O that does not come back: the backing is a device-mapper device, or a file on one, which can be
 * suspended, so that a read or a write stands still for exactly as long as the test wants it to.
 *
 * Meanwhile nothing else may stand still: not the process's address space (no file I/O under
 * mmap_lock or a VMA lock), not faults on other pages, not SIGKILL.
 */
#include "bed.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <linux/fs.h>

#define NR	512UL			/* pages, unless a test has more */
#define RW	(PROT_READ | PROT_WRITE)

static const char *policy = "";
static u64 pages = NR;
static u64 pool_bytes = 4 * MIB;
static u8 *m;
static int fd;
static u32 id;

/* Its pages are version 1. */
static void begin(void)
{
	bed_make(pages);
	pool_use_policy(pool_bytes, policy);
	fd = space_attach(bed_path, O_RDWR);
	id = space_id(fd);
	m = map(fd, pages * PAGE, RW, MAP_SHARED);
	make_absent(fd, m, pages * PAGE);
}

static void end(u64 first, u64 version)
{
	u64 vpn;
	u8 *is;

	need_ok(munmap(m, pages * PAGE));
	space_gone(fd, id);
	/* A plain file's pages are in the page cache. */
	sync();
	is = bed_load();
	for (vpn = 0; vpn < pages; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, vpn >= first ? version : 1), "on the device");
	bed_end();
}

struct waiter {
	pthread_t thread;
	atomic_int tid;
	atomic_int done;
	_Atomic u64 vpn;
};

static void *wait_for_page(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->tid, syscall(SYS_gettid));
	expect(page_is(m + w->vpn * PAGE, w->vpn, 1), "the page that was waited for");
	atomic_store(&w->done, 1);
	return NULL;
}

static bool is_done(void *arg)
{
	return atomic_load(&((struct waiter *)arg)->done);
}

static void waiter_start(struct waiter *w, u64 vpn)
{
	memset(w, 0, sizeof(*w));
	w->vpn = vpn;
	need(!pthread_create(&w->thread, NULL, wait_for_page, w), "no thread");
	while (!atomic_load(&w->tid))
		sched_yield();
	expect(task_waits(getpid(), w->tid, 20000), "page %ju came from a device that stands still",
	       (uintmax_t)vpn);
}

/* Whatever else a process does while one of its threads waits for a page. */
static void address_space_is_free(void)
{
	struct waiter w[2];
	char line[512];
	u8 *other;
	FILE *f;
	u64 vpn;

	begin();
	for (vpn = 0; vpn < 16; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "before");
	dm_stall();
	waiter_start(&w[0], 100);
	waiter_start(&w[1], 300);
	other = mmap(NULL, MIB, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* mmap_lock for writing */
	need(other != MAP_FAILED, "mmap");
	memset(other, 1, MIB);
	need_ok(munmap(other, MIB));
	other = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < 16; vpn++) {
		expect(page_is(other + vpn * PAGE, vpn, 1), "a resident page");
		page_fill(other + vpn * PAGE, vpn, 1);
	}
	need_ok(mprotect(other, PAGE, PROT_READ));
	need_ok(munmap(other, NR * PAGE));
	f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f))
		;
	fclose(f);
	expect(!atomic_load(&w[0].done) && !atomic_load(&w[1].done),
	       "the device did not stand still");
	dm_go_on();
	pthread_join(w[0].thread, NULL);
	pthread_join(w[1].thread, NULL);
	end(0, 1);
}

/* Many who wait for one page, some in other processes, all get it by one read. */
static void touching_child(void *arg)
{
	u64 vpn = (uintptr_t)arg;

	expect(page_is(m + vpn * PAGE, vpn, 1), "the page that was waited for");
}

static void many_wait_for_one(void)
{
	struct framepool_space before, after;
	struct waiter w[4];
	pid_t pid[3];
	u64 i;

	begin();
	if (!plain)
		space_info(fd, &before);
	dm_stall();
	for (i = 0; i < 4; i++)
		waiter_start(&w[i], 77);
	for (i = 0; i < 3; i++) {
		pid[i] = child_start(touching_child, (void *)77);
		expect(task_waits(pid[i], pid[i], 20000), "a child does not wait");
	}
	dm_go_on();
	for (i = 0; i < 4; i++)
		pthread_join(w[i].thread, NULL);
	for (i = 0; i < 3; i++)
		child_join(pid[i]);
	if (!plain) {
		space_info(fd, &after);
		expect(after.fills - before.fills == 1, "%ju reads for one page",
		       (uintmax_t)(after.fills - before.fills));
	}
	end(0, 1);
}

/* SIGKILL ends the waiting at once; the read that is under way harms nobody. */
static void killed(void)
{
	u64 i, start;
	pid_t pid[3];
	int status;

	begin();
	dm_stall();
	for (i = 0; i < 3; i++) {
		pid[i] = child_start(touching_child, (void *)(uintptr_t)(50 + i / 2));
		expect(task_waits(pid[i], pid[i], 20000), "a child does not wait");
	}
	for (i = 0; i < 3; i++) {
		start = now_ms();
		need_ok(kill(pid[i], SIGKILL));
		need_ok(waitpid(pid[i], &status, 0));
		expect(WIFSIGNALED(status), "status %#x", status);
		expect(now_ms() - start < 3000 * scale, "took %ju ms to die",
		       (uintmax_t)(now_ms() - start));
	}
	dm_go_on();
	for (i = 0; i < NR; i++)
		expect(page_is(m + i * PAGE, i, 1), "afterwards");
	end(0, 1);
}

static void *sync_all(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->tid, syscall(SYS_gettid));
	expect(!fsync(fd), "fsync: %s", strerror(errno));
	atomic_store(&w->done, 1);
	return NULL;
}

/* An fsync that waits for the device. */
static void sync_start(struct waiter *w)
{
	need(!pthread_create(&w->thread, NULL, sync_all, w), "no thread");
	while (!atomic_load(&w->tid))
		sched_yield();
	expect(task_waits(getpid(), w->tid, 20000), "fsync does not wait");
}

/* While a write stands still the page can be read and stored to, and the store is not lost. */
static void stores_during_write(void)
{
	struct waiter w = { 0 };
	u64 vpn;

	begin();
	for (vpn = 256; vpn < 288; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	for (vpn = 0; vpn < 16; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "before");
	dm_stall();
	sync_start(&w);
	for (vpn = 0; vpn < 16; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "a clean page");
	for (vpn = 256; vpn < 288; vpn++) {
		expect(page_is(m + vpn * PAGE, vpn, 2), "a page that is being written");
		page_fill(m + vpn * PAGE, vpn, 3);
	}
	expect(!atomic_load(&w.done), "fsync did not wait for the device");
	dm_go_on();
	pthread_join(w.thread, NULL);
	for (vpn = 256; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 3);
	end(256, 3);
}

static void *evict_stored(void *arg)
{
	struct framepool_range r = { .offset = 256 * PAGE, .length = 32 * PAGE };
	struct waiter *w = arg;

	r.size = sizeof(r);
	atomic_store(&w->tid, syscall(SYS_gettid));
	need_ok(ioctl(fd, FRAMEPOOL_EVICT, &r));
	expect(r.failed == 0, "%ju pages could not be written", (uintmax_t)r.failed);
	atomic_store(&w->done, 1);
	return NULL;
}

/* While a page that leaves is written, who wants it has it back, and no store is lost. */
static void stores_while_leaving(void)
{
	struct waiter w = { 0 };
	u64 vpn;

	begin();
	for (vpn = 256; vpn < 288; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	dm_stall();
	need(!pthread_create(&w.thread, NULL, evict_stored, &w), "no thread");
	while (!atomic_load(&w.tid))
		sched_yield();
	expect(task_waits(getpid(), w.tid, 20000), "the eviction does not wait");
	for (vpn = 256; vpn < 288; vpn++) {
		expect(page_is(m + vpn * PAGE, vpn, 2), "a page that is leaving");
		page_fill(m + vpn * PAGE, vpn, 3);
	}
	expect(!atomic_load(&w.done), "the eviction did not wait for the device");
	dm_go_on();
	pthread_join(w.thread, NULL);
	for (vpn = 256; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 3);
	end(256, 3);
}

static u8 *other_map;

static void *load_through_other(void *arg)
{
	struct waiter *w = arg;

	expect(page_is(other_map + 256 * PAGE, 256, 2), "a page that is leaving");
	atomic_store(&w->done, 1);
	return NULL;
}

/* Also who came before it could be had back: while it is unmapped. */
static void load_before_leaving(void)
{
	struct waiter evictor = { 0 }, reader = { 0 };
	u64 vpn;

	/* Not when the device stands still already: nobody would let it go on. */
	if (access(INJECT, W_OK))
		skip("this kernel has no fault injection");
	begin();
	other_map = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
	for (vpn = 256; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	dm_stall();
	inject("walk");
	need(!pthread_create(&evictor.thread, NULL, evict_stored, &evictor), "no thread");
	need(wait_until(inject_begun, "walk", 10000), "the eviction has not begun");
	need(!pthread_create(&reader.thread, NULL, load_through_other, &reader), "no thread");
	expect(wait_until(is_done, &reader, 20000), "who wants the page waits for its write");
	expect(!atomic_load(&evictor.done), "the eviction did not wait for the device");
	dm_go_on();
	pthread_join(reader.thread, NULL);
	pthread_join(evictor.thread, NULL);
	need_ok(munmap(other_map, NR * PAGE));
	end(256, 2);
}

#define TOGETHER	64	/* pages that are written one by one, ... */
#define EACH		100	/* ... each in so many milliseconds */

/* Pages that do not lie together are with the device together. */
static void written_together(void)
{
	struct timespec from, to;
	u64 vpn, ms;

	begin();
	for (vpn = 256; vpn < 256 + 2 * TOGETHER; vpn += 2)
		page_fill(m + vpn * PAGE, vpn, 2);
	dm_stall();
	bed_slow(EACH);
	clock_gettime(CLOCK_MONOTONIC, &from);
	need_ok(fsync(fd));
	clock_gettime(CLOCK_MONOTONIC, &to);
	ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
	printf("# %d writes of %d ms each took %ju ms\n", TOGETHER, EACH, (uintmax_t)ms);
	expect(ms < TOGETHER * EACH / 2, "one after the other");
	for (vpn = 256; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 3);
	dm_stall();
	bed_healthy();
	end(256, 3);
}

#define FEW	8	/* pages that are written at once */
#define OTHER	3072UL	/* pages, three times the pool */

static void load_all(const u8 *mem, u64 pages)
{
	u64 vpn;

	for (vpn = 0; vpn < pages; vpn++)
		expect(page_is(mem + vpn * PAGE, vpn, 4), "the other space");
}

/* A page that is being written stays, however much its policy wants it to leave. */
static void stays_during_write(const char *which)
{
	struct waiter w = { 0 };
	u32 other_id;
	u8 *other;
	u64 vpn;
	int f;

	policy = which;
	attach_block = FRAMEPOOL_BLOCK_1;
	begin();
	f = space_attach(file_make("file", OTHER * PAGE, 4), O_RDONLY);
	other_id = space_id(f);
	other = map(f, OTHER * PAGE, PROT_READ, MAP_SHARED);
	/* What left long ago, and comes back, is what no policy holds in esteem. */
	for (vpn = 0; vpn < FEW; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "before");
	load_all(other, OTHER);
	for (vpn = 0; vpn < FEW; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	dm_stall();
	sync_start(&w);
	load_all(other, OTHER);
	expect(resident_pages(fd, 0, FEW * PAGE, (u8[FEW / 8]){}) == FEW,
	       "pages left while they were written");
	dm_go_on();
	pthread_join(w.thread, NULL);
	for (vpn = 0; vpn < FEW; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 2), "afterwards");
	need_ok(munmap(other, OTHER * PAGE));
	space_gone(f, other_id);
	for (; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	end(0, 2);
}

static void stays_tenure(void)
{
	stays_during_write("tenure");
}

static void stays_clock(void)
{
	stays_during_write("clock");
}

static void stays_lru2(void)
{
	stays_during_write("lru2");
}

static void stays_fifo(void)
{
	stays_during_write("fifo");
}

static void attach_and_store(atomic_int *ready)
{
	u64 vpn;

	fd = space_attach(bed_path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (vpn = 64; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	atomic_store(ready, 1);
}

static void storing_child(void *ready)
{
	attach_and_store(ready);
	for (;;)
		pause();
}

/* A child that has stored and is the only user, of a device that stands still from now on. */
static pid_t last_user(void (*run)(void *arg), atomic_int *ready)
{
	pid_t pid;

	begin();
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	pid = child_start(run, ready);
	while (!atomic_load(ready))
		sched_yield();
	dm_stall();
	return pid;
}

/* What such a child has stored is there, and on the device in the end. */
static void end_as_stored(void)
{
	dm_go_on();
	fd = space_attach(bed_path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	end(64, 2);
}

/* The last user is killed: he does not wait for his pages to be written, and they are all the same. */
static void last_user_killed(void)
{
	atomic_int *ready = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	u64 start;
	pid_t pid;

	pid = last_user(storing_child, ready);
	start = now_ms();
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	expect(now_ms() - start < 5000 * scale, "took %ju ms to die",
	       (uintmax_t)(now_ms() - start));
	expect(spaces_count(), "the space has gone without its pages");
	end_as_stored();
}

static void closing_child(void *ready)
{
	int f = space_attach(bed_path, O_RDWR);

	atomic_store((atomic_int *)ready, 1);
	need_ok(close(f));
}

/* Who leaves a space while it is being torn down does not wait for who attaches it after him. */
static void left_and_attached(void)
{
	atomic_int *ready = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	pid = last_user(storing_child, ready);
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	/* The tear-down has begun by then; and if not, the test is a little easier. */
	usleep(300000 * scale);
	atomic_store(ready, 0);
	pid = child_start(closing_child, ready);
	while (!atomic_load(ready))
		sched_yield();
	expect(task_waits(pid, pid, 20000), "the close does not wait for the device");
	fd = space_attach(bed_path, O_RDWR);
	id = space_id(fd);
	dm_go_on();
	expect(child_ends(pid, 10000 * scale, &status), "the close waits for who has it now");
	expect(!status, "who closed it: %#x", status);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	end(64, 2);
}

/* ---- more spaces than a queue of the kernel's has places ---- */

#define SPACES	530

static const char *one_of(unsigned int i)
{
	static char name[sizeof(bed_path) + 16];

	snprintf(name, sizeof(name), "%s.%u", bed_path, i);
	return name;
}

static void attaching_all(void *ready)
{
	struct rlimit files = { 4 * SPACES, 4 * SPACES };
	u8 *page = aligned_alloc(PAGE, PAGE);
	unsigned int i;

	need_ok(setrlimit(RLIMIT_NOFILE, &files));
	for (i = 0; i < SPACES; i++) {
		fd = space_attach(one_of(i), O_RDWR);
		page_fill(page, i, 2);
		need(pwrite(fd, page, PAGE, 0) == PAGE, "pwrite: %s", strerror(errno));
	}
	atomic_store((atomic_int *)ready, 1);
	for (;;)
		pause();
}

static pid_t attach_all(void)
{
	atomic_int *ready = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = child_start(attaching_all, ready);

	while (!atomic_load(ready) && !waitpid(pid, NULL, WNOHANG))
		usleep(1000);
	need(atomic_load(ready), "the child has not attached them all");
	return pid;
}

static void kill_user(pid_t pid)
{
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, NULL, 0));
}

/* All are being torn down, are attached, and left: they go all the same. */
static void left_twice(void)
{
	unsigned int i;
	pid_t user;
	u8 *is;
	u64 n;

	/* Each has nodes of a page table. */
	pool_use(64 * MIB);
	bed_make(1);
	for (i = 0; i < SPACES; i++)
		free(file_make(one_of(i), PAGE, 1));
	sync();
	user = attach_all();
	dm_stall();
	kill_user(user);
	user = attach_all();
	kill_user(user);
	dm_go_on();
	expect(wait_until(no_spaces, NULL, SETTLE_MS * 2), "%u spaces stay", spaces_count());
	for (i = 0; i < SPACES; i++) {
		is = file_load(one_of(i), &n);
		expect(page_is(is, i, 2), "file %u", i);
		free(is);
	}
	bed_end();
}

/* A page of another space is no prisoner of this one's device. */
static void other_space(void)
{
	struct waiter w;
	char *path;
	u64 vpn;
	u8 *mem;
	int f;
	u32 f_id;

	begin();
	path = file_make("file", NR * PAGE, 4);
	f = space_attach(path, O_RDWR);
	f_id = space_id(f);
	mem = map(f, NR * PAGE, RW, MAP_SHARED);
	dm_stall();
	waiter_start(&w, 100);
	for (vpn = 0; vpn < NR; vpn++) {
		expect(page_is(mem + vpn * PAGE, vpn, 4), "the other space");
		page_fill(mem + vpn * PAGE, vpn, 5);
	}
	need_ok(fsync(f));
	expect(!atomic_load(&w.done), "the device did not stand still");
	dm_go_on();
	pthread_join(w.thread, NULL);
	need_ok(munmap(mem, NR * PAGE));
	space_gone(f, f_id);
	end(0, 1);
}

#define CROWD	300		/* more than a queue of the kernel's has places */

static void *sync_quietly(void *unused)
{
	(void)unused;
	expect(!fsync(fd), "fsync: %s", strerror(errno));
	return NULL;
}

static void *sync_other(void *arg)
{
	struct waiter *w = arg;

	expect(!fsync(w->vpn), "fsync of the other space: %s", strerror(errno));
	atomic_store(&w->done, 1);
	return NULL;
}

/* Those who wait for a device that stands still leave workers to others. */
static void crowd_syncs(void)
{
	pthread_t thread[CROWD];
	struct waiter w = { 0 };
	u32 other_id;
	u8 *other;
	int i, f;

	begin();
	f = space_attach(file_make("file", NR * PAGE, 4), O_RDWR);
	other_id = space_id(f);
	other = map(f, NR * PAGE, RW, MAP_SHARED);
	page_fill(m, 0, 1);
	dm_stall();
	for (i = 0; i < CROWD; i++)
		need(!pthread_create(&thread[i], NULL, sync_quietly, NULL), "no thread");
	/* All of them have asked by then; and if not, the test is a little easier. */
	usleep(300000 * scale);
	page_fill(other, 0, 5);
	w.vpn = f;
	need(!pthread_create(&w.thread, NULL, sync_other, &w), "no thread");
	expect(wait_until(is_done, &w, 10000 * scale), "the other space's fsync waits, too");
	dm_go_on();
	pthread_join(w.thread, NULL);
	for (i = 0; i < CROWD; i++)
		pthread_join(thread[i], NULL);
	need_ok(munmap(other, NR * PAGE));
	space_gone(f, other_id);
	end(0, 1);
}

/* ---- clean pages leave beside a device that stands still ---- */

#define STUCK	1500UL	/* pages of it that are dirty: all that may be under way, and many more */
#define OWN	64UL	/* of these, of who is at his maximum ... */
#define MAXIMUM	200UL	/* ... of so many frames */
#define SOON	8000	/* ms; who gives up does after ten seconds */

static u8 *other;

static void limit_self(u64 max)
{
	struct framepool_wset_limit l = { .size = sizeof(l), .max = max };

	name_set(l.name, pool);
	need_ok(ioctl(control_fd(), FRAMEPOOL_WSET_LIMIT, &l));
}

/* Pages of a file on a device that works: nobody waits long for one of them. */
static void stream(void)
{
	u64 vpn, start, took, longest = 0;

	for (vpn = 0; vpn < OTHER; vpn++) {
		start = now_ms();
		if (!expect(!try_load(other + vpn * PAGE, NULL), "page %ju cannot come",
			    (uintmax_t)vpn))
			break;
		took = now_ms() - start;
		if (took > longest)
			longest = took;
		expect(page_is(other + vpn * PAGE, vpn, 4), "the other space");
	}
	diag("at most %ju ms for a page", (uintmax_t)longest);
	expect(longest < SOON, "%ju ms", (uintmax_t)longest);
}

struct steps {
	atomic_int ready, go;
};

static void confined_child(void *arg)
{
	struct steps *steps = arg;
	u64 vpn;

	limit_self(MAXIMUM);
	for (vpn = STUCK - OWN; vpn < STUCK; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	for (vpn = 0; vpn < MAXIMUM - OWN; vpn++)
		expect(page_is(other + vpn * PAGE, vpn, 4), "the other space");
	atomic_store(&steps->ready, 1);
	while (!atomic_load(&steps->go))
		usleep(1000);
	stream();
}

static void beside_a_stuck_device(bool confined)
{
	struct steps *steps = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = 0;
	u32 other_id;
	u64 vpn;
	int f;

	pages = STUCK;
	pool_bytes = 8 * MIB;
	attach_block = FRAMEPOOL_BLOCK_1;
	begin();
	f = space_attach(file_make("file", OTHER * PAGE, 4), O_RDONLY);
	other_id = space_id(f);
	other = map(f, OTHER * PAGE, PROT_READ, MAP_SHARED);
	if (confined) {
		pid = child_start(confined_child, steps);
		while (!atomic_load(&steps->ready))
			usleep(1000);
	}
	for (vpn = 0; vpn < STUCK - OWN; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	dm_stall();
	stream();
	if (confined) {
		atomic_store(&steps->go, 1);
		child_join(pid);
	}
	dm_go_on();
	need_ok(munmap(other, OTHER * PAGE));
	space_gone(f, other_id);
	for (vpn = STUCK - OWN; vpn < STUCK; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	end(0, 2);
}

static void stuck_beside_stream(void)
{
	beside_a_stuck_device(false);
}

static void stuck_beside_confined(void)
{
	beside_a_stuck_device(true);
}

static void stuck_fifo(void)
{
	policy = "fifo";
	beside_a_stuck_device(false);
}

/* ---- syncs beside a device that stands still ---- */

#define MIXED	16UL	/* pages that are written together, unless they are of two spaces */
#define FEW_OF	10UL	/* pages that alone are too few for a load beside many */

/* @mine pages of the device that stands still are dirty; and @others of the other space. */
static void sync_beside(u64 mine, u64 others)
{
	u64 vpn, most = mine > others ? mine : others;
	struct waiter w = { 0 };
	u32 other_id;

	policy = "fifo";
	attach_block = FRAMEPOOL_BLOCK_1;
	begin();
	w.vpn = space_attach(file_make("file", OTHER * PAGE, 4), O_RDWR);
	other_id = space_id(w.vpn);
	other = map(w.vpn, OTHER * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < most; vpn++) {
		if (vpn < mine)
			page_fill(m + vpn * PAGE, vpn, 2);
		if (vpn >= most - others)
			page_fill(other + vpn * PAGE, vpn, 4);
	}
	dm_stall();
	stream();
	need(!pthread_create(&w.thread, NULL, sync_other, &w), "no thread");
	expect(wait_until(is_done, &w, SOON * scale), "the other space's fsync waits, too");
	dm_go_on();
	pthread_join(w.thread, NULL);
	need_ok(munmap(other, OTHER * PAGE));
	space_gone(w.vpn, other_id);
	for (vpn = mine; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	end(0, 2);
}

/* Their pages were evicted together. */
static void sync_beside_mixed(void)
{
	sync_beside(MIXED, MIXED);
}

/* So many writes of the one stand still that the few pages of the other are not begun. */
static void sync_beside_many(void)
{
	sync_beside(300, FEW_OF);
}

/* ---- who is at his maximum, and a slow device ---- */

#define SLOW	300	/* ms */

/* All that he may have is being read when he wants one more. */
static void full_of_reads(void)
{
	u64 start, took;

	attach_block = FRAMEPOOL_BLOCK_1;
	begin();
	limit_self(16);
	dm_stall();
	dm_table("0 %lu delay " BED_RAM " 0 %d", NR * PAGE / 512, SLOW);
	start = now_ms();
	need_ok(madvise(m, 64 * PAGE, MADV_WILLNEED));
	expect(!try_load(m + 400 * PAGE, NULL), "there was no frame for it");
	took = now_ms() - start;
	diag("%ju ms", (uintmax_t)took);
	expect(took < SOON, "%ju ms", (uintmax_t)took);
	dm_stall();
	bed_healthy();
	end(0, 1);
}

#define DIRTY	128UL

/* All that he has is dirty: for one page more he does not lose everything. */
static void full_of_dirt(void)
{
	u64 vpn, stayed;

	attach_block = FRAMEPOOL_BLOCK_1;
	begin();
	limit_self(DIRTY);
	for (vpn = NR - DIRTY; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	dm_stall();
	bed_slow(SLOW);
	expect(page_is(m, 0, 1), "one page more");
	/* What has to leave has left when this returns. */
	need_ok(fsync(fd));
	stayed = resident_pages(fd, (NR - DIRTY) * PAGE, DIRTY * PAGE, (u8[DIRTY / 8]){});
	diag("%ju of %lu pages have stayed", (uintmax_t)stayed, DIRTY);
	expect(stayed >= DIRTY / 2, "%ju of %lu pages have stayed", (uintmax_t)stayed, DIRTY);
	dm_stall();
	bed_healthy();
	end(NR - DIRTY, 2);
}

static void *attach_stalled(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->tid, syscall(SYS_gettid));
	fd = space_attach(bed_path, O_RDWR);
	atomic_store(&w->done, 1);
	return NULL;
}

/* All that others do with the control node, and with spaces that come and go. */
static void *attach_other(void *arg)
{
	struct waiter *w = arg;
	struct framepool_space s = { .size = sizeof(s) };
	struct framepool_pool p;
	int f = space_attach(file_path("file"), O_RDWR);
	u32 f_id = space_id(f);

	space_info(f, &s);
	expect(space_listed(f_id), "it is not listed");
	expect(pool_info(pool, &p), "no pool");
	space_name(file_path("file"), "t-stall", O_RDWR);
	need_ok(close(node_open("t-stall", O_RDWR)));
	need_ok(detach("t-stall"));
	space_gone(f, f_id);
	atomic_store(&w->done, 1);
	return NULL;
}

static void attaching_child(void *unused)
{
	(void)unused;
	space_attach(bed_path, O_RDWR);
}

/* What is cached of a file is written before it is attached: meanwhile others go on. */
static void attach_stands_still(void)
{
	struct waiter w[2] = { 0 };
	u8 *page = aligned_alloc(PAGE, PAGE);
	int device, status;
	pid_t pid;
	u64 start;

	begin();
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	file_make("file", NR * PAGE, 4);
	device = need_ok(open(bed_path, O_RDWR | O_CLOEXEC));
	dm_stall();
	page_fill(page, 7, 1);
	need(pwrite(device, page, PAGE, 7 * PAGE) == PAGE, "%s", strerror(errno));
	need(!pthread_create(&w[0].thread, NULL, attach_stalled, &w[0]), "no thread");
	while (!atomic_load(&w[0].tid))
		sched_yield();
	expect(task_waits(getpid(), w[0].tid, 20000), "the attach does not wait");
	need(!pthread_create(&w[1].thread, NULL, attach_other, &w[1]), "no thread");
	expect(wait_until(is_done, &w[1], 10000 * scale), "others wait for it");
	/* Who wants the same file waits, but not for ever. */
	pid = child_start(attaching_child, NULL);
	expect(task_waits(pid, pid, 20000), "a child does not wait");
	start = now_ms();
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	expect(now_ms() - start < 5000 * scale, "took %ju ms to die",
	       (uintmax_t)(now_ms() - start));
	expect(!atomic_load(&w[0].done), "the device did not stand still");
	dm_go_on();
	pthread_join(w[0].thread, NULL);
	pthread_join(w[1].thread, NULL);
	need_ok(close(device));
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	end(0, 1);
}

static void stopped_child(void *arg)
{
	(void)arg;
	need_ok(ptrace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGSTOP);
}

/* A fault that may not drop its lock waits for a bounded time, and says so; the next one works. */
static void bounded_without_retry(void)
{
	u64 start = now_ms(), want;
	int status;
	pid_t pid;
	long word;

	begin();
	set_wait_ms(500);
	pid = child_start(stopped_child, NULL);
	need_ok(waitpid(pid, &status, 0));
	dm_stall();
	errno = 0;
	start = now_ms();
	word = ptrace(PTRACE_PEEKDATA, pid, m + 200 * PAGE, 0);
	expect(word == -1 && errno == EIO, "peek gave %#lx, %s", word, strerror(errno));
	expect(now_ms() - start < 10000 * scale, "took %ju ms", (uintmax_t)(now_ms() - start));
	dm_go_on();
	set_wait_ms(10000);
	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, pid, m + 200 * PAGE, 0);
	memcpy(&want, m + 200 * PAGE, sizeof(want));
	expect(!errno && (u64)word == want, "peek gave %#lx, %s", word, strerror(errno));
	need_ok(ptrace(PTRACE_CONT, pid, 0, 0));
	child_join(pid);
	end(0, 1);
}

/* Keeps mmap_lock, for reading, until the page comes. */
static void *peek(void *arg)
{
	int mem = need_ok(open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
	struct waiter *w = arg;
	u8 byte;

	atomic_store(&w->tid, syscall(SYS_gettid));
	expect(pread(mem, &byte, 1, (uintptr_t)(m + w->vpn * PAGE)) == 1, "peek: %s",
	       strerror(errno));
	atomic_store(&w->done, 1);
	close(mem);
	return NULL;
}

/* Wants it for writing, when it is time. */
static void *map_later(void *arg)
{
	struct waiter *w = arg;
	void *other;

	while (!atomic_load(&w->vpn))
		usleep(1000);
	atomic_store(&w->tid, syscall(SYS_gettid));
	other = mmap(NULL, MIB, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(other != MAP_FAILED, "mmap");
	atomic_store(&w->done, 1);
	need_ok(munmap(other, MIB));
	return NULL;
}

/* mmap_lock is held, and somebody waits for it: a page that is there can be had all the same. */
static void no_mmap_lock(void)
{
	struct waiter peeker = { .vpn = 200 }, mapper = { 0 };
	u64 start;

	/* Before, every fault takes mmap_lock. */
	if (!kernel_is_at_least(6, 4))
		skip("this kernel takes mmap_lock for each fault");
	begin();
	set_wait_ms(60000);
	expect(page_is(m + 5 * PAGE, 5, 1), "before");
	need_ok(madvise(m, 16 * PAGE, MADV_DONTNEED));
	dm_stall();
	/* First: a new thread's stack is mapped, too. */
	need(!pthread_create(&mapper.thread, NULL, map_later, &mapper), "no thread");
	need(!pthread_create(&peeker.thread, NULL, peek, &peeker), "no thread");
	while (!atomic_load(&peeker.tid))
		sched_yield();
	expect(task_waits(getpid(), peeker.tid, 20000), "the peek does not wait");
	atomic_store(&mapper.vpn, 1);
	while (!atomic_load(&mapper.tid))
		sched_yield();
	expect(task_waits(getpid(), mapper.tid, 20000), "who maps does not wait");
	start = now_ms();
	expect(page_is(m + 5 * PAGE, 5, 1), "a resident page");
	expect(!atomic_load(&peeker.done) && !atomic_load(&mapper.done),
	       "the fault came back after %ju ms, when others had", (uintmax_t)(now_ms() - start));
	dm_go_on();
	pthread_join(peeker.thread, NULL);
	pthread_join(mapper.thread, NULL);
	end(0, 1);
}

#define ON_EACH(name, run, flags) \
	{ name, run, (flags) | T_VARIANT(BED_DEVICE) }, \
	{ name ", of a file", run, (flags) | T_VARIANT(BED_FILE) }, \
	{ name ", on the direct path", run, T_DEVICE | T_VARIANT(BED_DIRECT) }

static void exiting_child(void *step)
{
	attach_and_store(step);
	while (atomic_load((atomic_int *)step) != 2)
		sched_yield();
}

static bool is_buried(void *pid)
{
	return waitpid(*(pid_t *)pid, NULL, WNOHANG) == *(pid_t *)pid;
}

/* Who exits by himself sees no SIGKILL any more: his wait for the device ends without it. */
static void last_user_exits(void)
{
	atomic_int *step = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	pid = last_user(exiting_child, step);
	atomic_store(step, 2);
	if (!expect(wait_until(is_buried, &pid, 30000 * scale), "it does not end")) {
		dm_go_on();
		need_ok(waitpid(pid, NULL, 0));
		return;
	}
	expect(spaces_count(), "the space has gone without its pages");
	end_as_stored();
}

static atomic_bool enough;

static void *sync_on(void *unused)
{
	while (!atomic_load(&enough))
		need_ok(fsync(fd));
	return unused;
}

/* Who reads the file past the pool has its inode's lock most of the time. */
static void *read_on(void *unused)
{
	int file = need_ok(open(bed_path, O_RDONLY | O_CLOEXEC));
	u8 *buf = malloc(MIB);

	while (!atomic_load(&enough))
		need(pread(file, buf, MIB, 0) > 0, "pread: %s", strerror(errno));
	free(buf);
	need_ok(close(file));
	return unused;
}

static void resize(u64 bytes)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = bytes };

	need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &r));
	expect(file_size(bed_path) == bytes, "the file has %ju bytes, not %ju",
	       (uintmax_t)file_size(bed_path), (uintmax_t)bytes);
}

/* What is cut off while others write it is not written behind the new end, where a file grows. */
static void cut_beside_syncs(void)
{
	void *(*const run[])(void *arg) = { read_on, sync_on, sync_on };
	u64 vpn, turn, turns = scaled(80) + 5, kept = 16;
	pthread_t thread[ARRAY_SIZE(run)];
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(run); i++)
		need(!pthread_create(&thread[i], NULL, run[i], NULL), "no thread");
	for (turn = 0; turn < turns && !failures(); turn++) {
		for (vpn = 0; vpn < NR; vpn++)
			page_fill(m + vpn * PAGE, vpn, 2);
		resize(kept * PAGE);
		resize(NR * PAGE);
		for (vpn = 0; vpn < kept; vpn++)
			expect(page_is(m + vpn * PAGE, vpn, 2), "what was kept");
		expect(bytes_zero(m + kept * PAGE, (NR - kept) * PAGE, kept * PAGE), "cut off");
	}
	atomic_store(&enough, true);
	for (i = 0; i < ARRAY_SIZE(run); i++)
		pthread_join(thread[i], NULL);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	end(0, 2);
}

static void *detach_it(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->tid, syscall(SYS_gettid));
	expect(!detach("t-left"), "detach: %s", strerror(errno));
	atomic_store(&w->done, 1);
	return NULL;
}

static bool is_being_written(void *unused)
{
	(void)unused;
	return dm_delayed();
}

/*
 * A detach that is not the last user's when it begins, and is when it ends: what keeps the space
 * is not its trouble.
 */
static void detached_and_left(void)
{
	struct waiter w = { 0 };
	struct iovec page;
	int pipes[2];
	u8 *is;

	begin();
	space_name(bed_path, "t-left", O_RDWR);
	page_fill(m, 0, 2);
	page = (struct iovec){ m, PAGE };
	need_ok(pipe2(pipes, O_CLOEXEC));
	need(vmsplice(pipes[1], &page, 1, 0) == (ssize_t)PAGE, "vmsplice: %s", strerror(errno));
	bed_slow(600000);
	need(!pthread_create(&w.thread, NULL, detach_it, &w), "no thread");
	need(wait_until(is_being_written, NULL, 10000 * scale), "it writes nothing");
	need_ok(munmap(m, pages * PAGE));
	need_ok(close(fd));
	expect(!atomic_load(&w.done), "it did not wait for the write");
	bed_healthy();
	pthread_join(w.thread, NULL);
	expect_errno(detach("t-left"), ENOENT);
	expect(wait_until(space_is_orphan, &id, 10000 * scale), "a space of which a page is held");
	need_ok(close(pipes[0]));
	need_ok(close(pipes[1]));
	space_gone(-1, id);
	is = bed_load();
	expect(page_is(is, 0, 2), "on the device");
	free(is);
	bed_end();
}

static const struct test tests[] = {
	ON_EACH("the address space is free while a read stands still", address_space_is_free, 0),
	ON_EACH("many wait for one page", many_wait_for_one, 0),
	ON_EACH("SIGKILL ends the wait for a read", killed, 0),
	ON_EACH("stores while their page is being written", stores_during_write, 0),
	ON_EACH("stores while their page is leaving", stores_while_leaving, T_DEVICE),
	ON_EACH("a load while its page is being unmapped", load_before_leaving, T_DEVICE),
	ON_EACH("scattered pages are written together", written_together, T_DEVICE),
	{ "what is being written stays: tenure", stays_tenure, T_DEVICE },
	{ "what is being written stays: clock", stays_clock, T_DEVICE },
	{ "what is being written stays: lru2", stays_lru2, T_DEVICE },
	{ "what is being written stays: fifo", stays_fifo, T_DEVICE },
	{ "clean pages leave beside a device that stands still", stuck_beside_stream, T_DEVICE },
	{ "clean pages leave beside a device that stands still: fifo", stuck_fifo, T_DEVICE },
	{ "the same at a maximum", stuck_beside_confined, T_DEVICE },
	{ "a sync beside writes that stand still", sync_beside_mixed, T_DEVICE },
	{ "a sync beside many writes that stand still", sync_beside_many, T_DEVICE },
	{ "a maximum of pages that are being read", full_of_reads, T_DEVICE },
	{ "a maximum of dirty pages", full_of_dirt, T_DEVICE },
	ON_EACH("the last user is killed", last_user_killed, T_DEVICE),
	{ "the last user exits", last_user_exits, T_DEVICE },
	{ "a space that is left, and attached again", left_and_attached, T_DEVICE },
	{ "spaces are left, attached and left", left_twice, T_DEVICE | T_VARIANT(BED_FILE) },
	ON_EACH("another space goes on", other_space, 0),
	{ "a crowd that syncs, and another space", crowd_syncs, T_DEVICE },
	ON_EACH("a fault that may not drop its lock is bounded", bounded_without_retry, T_DEVICE),
	{ "a file that is cut beside syncs", cut_beside_syncs, T_DEVICE | T_VARIANT(BED_FILE) },
	{ "a detach that is the last user's when it ends", detached_and_left, T_DEVICE },
	{ "an attach that stands still, and others", attach_stands_still, T_DEVICE },
	{ "a fault on a page that is there needs no mmap_lock", no_mmap_lock, T_DEVICE },
};

int main(int argc, char **argv)
{
	after_test = dm_clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
