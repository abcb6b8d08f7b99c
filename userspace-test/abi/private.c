// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP_PRIVATE and fork: who sees whose stores, whatever the pool evicts in between.
 */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

#define NR		64	/* pages of the file */

static char *path;
static int fd;
static u32 id;
static u8 *shared_map;

static void begin(void)
{
	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	shared_map = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void resize(u64 bytes)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = bytes };

	if (plain)
		need_ok(ftruncate(fd, bytes));
	else
		need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &r));
}

/* The file in the end: version 1 everywhere but in the pages [first, last] */
static void end_with(u64 first, u64 last, u64 version)
{
	u64 vpn, bytes;
	u8 *is;

	need_ok(munmap(shared_map, NR * PAGE));
	space_gone(fd, id);
	is = file_load(path, &bytes);
	expect(bytes == NR * PAGE, "the file has %ju bytes", (uintmax_t)bytes);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, vpn >= first && vpn <= last ? version : 1),
		       "in the file");
}

/* A private store is the storer's: not the file's, not of who shares the file. */
static void private_store(void)
{
	u8 *m;
	u64 vpn;

	begin();
	m = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (vpn = 0; vpn < NR; vpn += 2)		/* without a look before */
		page_fill(m + vpn * PAGE, vpn, 2);
	for (vpn = 1; vpn < NR; vpn += 2) {		/* and with one */
		expect(page_is(m + vpn * PAGE, vpn, 1), "before the store");
		page_fill(m + vpn * PAGE, vpn, 2);
	}
	make_absent(fd, shared_map, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn++) {
		expect(page_is(m + vpn * PAGE, vpn, 2), "private");
		expect(page_is(shared_map + vpn * PAGE, vpn, 1), "shared");
	}
	need_ok(munmap(m, NR * PAGE));
	end_with(1, 0, 0);
}

/* A private page that was only read is still the file's and shows what others store. */
static void private_read(void)
{
	u64 vpn;
	u8 *m;

	begin();
	m = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "private, before");
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(shared_map + vpn * PAGE, vpn, 2);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 2), "private, after the store of another");
	make_absent(fd, shared_map, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 2), "private, after eviction");
	need_ok(munmap(m, NR * PAGE));
	end_with(0, NR - 1, 2);
}

/* MADV_DONTNEED on a private mapping throws the copies away: the file shows again. */
static void private_dontneed(void)
{
	u64 vpn;
	u8 *m;

	begin();
	m = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	need_ok(madvise(m + 8 * PAGE, 8 * PAGE, MADV_DONTNEED));
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, vpn >= 8 && vpn < 16 ? 1 : 2), "private");
	need_ok(munmap(m, NR * PAGE));
	end_with(1, 0, 0);
}

static atomic_bool stop;

/* Each time one fault for all of the pages, as far as they are there. */
static void *mapper(void *unused)
{
	u64 vpn;

	(void)unused;
	while (!atomic_load(&stop)) {
		need_ok(madvise(shared_map, NR * PAGE, MADV_DONTNEED));
		for (vpn = 0; vpn < NR; vpn++)
			(void)*(volatile u8 *)(shared_map + vpn * PAGE);
	}
	return NULL;
}

/*
 * What is mapped again while it leaves has to be unmapped once more, from the shared mapping: the
 * copies of the same pages stay.
 */
static void private_beside_leaving(void)
{
	struct framepool_range r;
	pthread_t thread;
	u64 vpn, i;
	u8 *m;

	begin();
	m = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	need(!pthread_create(&thread, NULL, mapper, NULL), "no thread");
	for (i = 0; i < scaled(4000); i++)
		need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 2), "private");
	need_ok(munmap(m, NR * PAGE));
	end_with(1, 0, 0);
}

/* More private copies than the region has frames: they are the kernel's, not the pool's. */
static void private_over_region(void)
{
	u64 pages = 2048, vpn;
	char *big;
	u8 *m;
	u32 big_id;
	int b;

	pool_use(2 * MIB);
	big = file_make("big", pages * PAGE, 3);
	b = space_attach(big, O_RDWR);
	big_id = space_id(b);
	m = map(b, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (vpn = 0; vpn < pages; vpn++)
		if (vpn % 3)
			page_fill(m + vpn * PAGE, vpn, 4);
	for (vpn = 0; vpn < pages; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, vpn % 3 ? 4 : 3), "private");
	need_ok(munmap(m, pages * PAGE));
	space_gone(b, big_id);
	m = file_load(big, &vpn);
	for (vpn = 0; vpn < pages; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 3), "in the file");
}

/* Two processes that take turns: each end of a pipe pair gives the word to the other. */
struct turns {
	int up[2], down[2];
	u8 *mem;
};

static void give(int to)
{
	need(write(to, "x", 1) == 1, "the other side is gone");
}

static void take(int from)
{
	char c;

	need(read(from, &c, 1) == 1, "the other side is gone");
}

static void shared_child(void *arg)
{
	struct turns *t = arg;
	u64 vpn;

	need_ok(close(fd));		/* the mapping alone must do */
	for (vpn = 0; vpn < NR; vpn++) {
		expect(page_is(t->mem + vpn * PAGE, vpn, 2),
		       "child sees what was stored before fork");
		page_fill(t->mem + vpn * PAGE, vpn, 3);
	}
	give(t->up[1]);
	take(t->down[0]);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(t->mem + vpn * PAGE, vpn, 4), "child sees the parent's");
}

/* After fork both store to the one file. */
static void fork_shared(void)
{
	struct turns t;
	pid_t pid;
	u64 vpn;

	begin();
	need_ok(pipe(t.up));
	need_ok(pipe(t.down));
	t.mem = shared_map;
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(shared_map + vpn * PAGE, vpn, 2);
	pid = child_start(shared_child, &t);
	take(t.up[0]);
	make_absent(fd, shared_map, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn++) {
		expect(page_is(shared_map + vpn * PAGE, vpn, 3), "parent sees the child's");
		page_fill(shared_map + vpn * PAGE, vpn, 4);
	}
	give(t.down[1]);
	child_join(pid);
	end_with(0, NR - 1, 4);
}

static void private_child(void *arg)
{
	struct turns *t = arg;
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++)
		page_fill(t->mem + vpn * PAGE, vpn, 10);
	give(t->up[1]);
	take(t->down[0]);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(t->mem + vpn * PAGE, vpn, 10), "child keeps its own");
}

/* After fork a private mapping is two: half of it copied before, half still the file's. */
static void fork_private(void)
{
	struct turns t;
	pid_t pid;
	u64 vpn;

	begin();
	need_ok(pipe(t.up));
	need_ok(pipe(t.down));
	t.mem = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (vpn = 0; vpn < NR / 2; vpn++)
		page_fill(t.mem + vpn * PAGE, vpn, 5);
	pid = child_start(private_child, &t);
	take(t.up[0]);
	make_absent(fd, shared_map, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn++) {
		expect(page_is(t.mem + vpn * PAGE, vpn, vpn < NR / 2 ? 5 : 1),
		       "parent keeps its own");
		page_fill(t.mem + vpn * PAGE, vpn, 11);
	}
	give(t.down[1]);
	child_join(pid);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(t.mem + vpn * PAGE, vpn, 11), "parent's, in the end");
	need_ok(munmap(t.mem, NR * PAGE));
	end_with(1, 0, 0);
}

static void pressing_child(void *arg)
{
	(void)arg;
	squeeze(4 * MIB);
}

/* A fork whose two sides live on under pressure of a third. */
static void fork_under_pressure(void)
{
	pid_t pressing, reading;
	struct turns t;
	u64 vpn, i;

	begin();
	need_ok(pipe(t.up));
	need_ok(pipe(t.down));
	t.mem = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (vpn = 0; vpn < NR / 2; vpn++)
		page_fill(t.mem + vpn * PAGE, vpn, 5);
	reading = child_start(private_child, &t);
	pressing = child_start(pressing_child, NULL);
	take(t.up[0]);
	for (i = 0; i < scaled(40); i++)
		for (vpn = 0; vpn < NR; vpn++) {
			expect(page_is(t.mem + vpn * PAGE, vpn, vpn < NR / 2 ? 5 : 1), "private");
			expect(page_is(shared_map + vpn * PAGE, vpn, i && vpn == 7 ? 2 : 1),
			       "shared");
			if (vpn == 7)
				page_fill(shared_map + vpn * PAGE, vpn, 2);
			if (vpn == 7 && !i)	/* private page 7 is a copy and stays 5 */
				expect(page_is(t.mem + vpn * PAGE, vpn, 5), "private after store");
		}
	give(t.down[1]);
	child_join(reading);
	child_join(pressing);
	need_ok(munmap(t.mem, NR * PAGE));
	end_with(7, 7, 2);
}

static void storing_child(void *arg)
{
	u64 n = (uintptr_t)arg, vpn;

	/* Each generation stores one share and leaves the rest to its own child. */
	for (vpn = n; vpn < NR; vpn += 8)
		page_fill(shared_map + vpn * PAGE, vpn, 9);
	if (n + 1 < 8)
		child_join(child_start(storing_child, (void *)(uintptr_t)(n + 1)));
}

/* A line of eight generations over one mapping, none of which made it. */
static void generations(void)
{
	begin();
	child_join(child_start(storing_child, (void *)0));
	end_with(0, NR - 1, 9);
}

/* The mapping outlives the descriptor, the parent's mapping and the parent's interest. */
static void last_one_out(void)
{
	struct turns t;
	pid_t pid;
	u64 vpn, bytes;
	u8 *is;

	begin();
	need_ok(pipe(t.up));
	need_ok(pipe(t.down));
	t.mem = shared_map;
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(shared_map + vpn * PAGE, vpn, 2);
	pid = child_start(shared_child, &t);
	take(t.up[0]);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(shared_map + vpn * PAGE, vpn, 4);
	need_ok(munmap(shared_map, NR * PAGE));
	need_ok(close(fd));
	if (!plain)
		expect(space_listed(id), "the child's mapping did not keep the space");
	give(t.down[1]);
	child_join(pid);
	space_gone(-1, id);
	is = file_load(path, &bytes);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, 4), "in the file");
}

/* What may not be written may still be copied. */
static void read_only_private(void)
{
	u64 vpn;
	u8 *m;

	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 1);
	fd = space_attach(path, O_RDONLY);
	id = space_id(fd);
	m = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	shared_map = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	for (vpn = 0; vpn < NR; vpn++) {
		expect(page_is(m + vpn * PAGE, vpn, 2), "private");
		expect(page_is(shared_map + vpn * PAGE, vpn, 1), "shared");
	}
	need_ok(munmap(m, NR * PAGE));
	end_with(1, 0, 0);
}

/* A file that shrinks takes the private copies past its end along, and does not bring them back. */
static void private_past_the_end(void)
{
	u64 vpn;
	u8 *m;

	begin();
	m = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	resize(40 * PAGE + 100);
	for (vpn = 0; vpn < 40; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 2), "a copy before the end");
	expect(!try_load(m + 40 * PAGE, NULL), "the copy of the last page");
	for (vpn = 41; vpn < NR; vpn++)
		expect(try_load(m + vpn * PAGE, NULL) == SIGBUS, "page %ju is still there",
		       (uintmax_t)vpn);
	resize(NR * PAGE);
	for (vpn = 41; vpn < NR; vpn++)
		expect(bytes_zero(m + vpn * PAGE, PAGE, 0), "page %ju came back", (uintmax_t)vpn);
	need_ok(munmap(m, NR * PAGE));
	need_ok(munmap(shared_map, NR * PAGE));
	space_gone(fd, id);
}

static const struct test tests[] = {
	{ "a private store is nobody else's", private_store, 0 },
	{ "a private page that was only read follows the file", private_read, 0 },
	{ "MADV_DONTNEED brings the file back", private_dontneed, 0 },
	{ "private copies beside pages that leave", private_beside_leaving, T_DEVICE },
	{ "more private copies than frames", private_over_region, 0 },
	{ "a file that shrinks takes private copies along", private_past_the_end, 0 },
	{ "fork of a shared mapping", fork_shared, 0 },
	{ "fork of a private mapping", fork_private, 0 },
	{ "fork under pressure", fork_under_pressure, 0 },
	{ "eight generations", generations, 0 },
	{ "the last mapping keeps the space", last_one_out, 0 },
	{ "private and writable over a read-only space", read_only_private, 0 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
