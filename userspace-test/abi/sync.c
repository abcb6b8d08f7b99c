// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nothing is lost: after msync, fsync, fdatasync or SYNC gave 0 the bytes are in the file, and
 * after close, exit or a kill they get there.  The file is read by others, with O_DIRECT where
 * there is such a thing.
 */
#include "bed.h"
#include "scene.h"

#include <pthread.h>
#include <signal.h>

#define NR	256UL
#define RW	(PROT_READ | PROT_WRITE)

enum {
	DIRECT = 1,		/* a test's T_VARIANT() */
};

static void choose_path(void)
{
	if (test_variant == DIRECT)
		attach_flags |= FRAMEPOOL_ATTACH_DIRECT;
}

static void begin(void)
{
	scene_begin(4 * MIB, NR);
}

static u64 written(void)
{
	struct framepool_space s;

	space_info(fd, &s);
	return s.written;
}

/* Every way to say "to the file, now". */
static int flush(unsigned int how)
{
	struct framepool_range r;

	switch (how) {
	case 0:
		return msync(m, NR * PAGE, MS_SYNC);
	case 1:
		return fsync(fd);
	case 2:
		return fdatasync(fd);
	default:
		return plain ? fsync(fd) : range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r);
	}
}

static void flushes(void)
{
	u64 round, i, vpn;
	struct rnd r;

	begin();
	rnd_init(&r, 1);
	for (round = 0; round < scaled(60) + 8; round++) {
		for (i = rnd_below(&r, 40); i > 0; i--) {
			vpn = rnd_below(&r, NR);
			store(vpn, 2 + round);
		}
		if (round % 7 == 3)
			make_absent(fd, m, NR * PAGE);
		need_ok(flush(round % 4));
		expect_file(path, model, NR * PAGE);
	}
	scene_close();
}

/* The same few pages again and again: each store after a sync has to be noticed anew. */
static void same_page(void)
{
	u64 i;

	begin();
	for (i = 0; i < scaled(200) + 8; i++) {
		store(5, 2 + i);
		m[7 * PAGE + 123] = i;
		model[7 * PAGE + 123] = i;
		need_ok(flush(i % 4));
		expect_file(path, model, NR * PAGE);
	}
	scene_close();
}

/* Only what is dirty is written, and only once. */
static void only_dirty(void)
{
	struct framepool_range r;
	u64 before, i, n;
	u8 sum = 0;

	begin();
	for (i = 0; i < NR; i++)
		sum += m[i * PAGE];		/* all resident, none dirty */
	before = written();
	need_ok(fsync(fd));
	expect(written() == before, "clean pages were written: %ju",
	       (uintmax_t)(written() - before));
	for (n = 1; n <= 64; n *= 4) {
		for (i = 0; i < n; i++)
			store(i * (NR / n), 10 + n);
		before = written();
		need_ok(flush(n % 3));
		expect(written() - before == n, "%ju pages written for %ju stored",
		       (uintmax_t)(written() - before), (uintmax_t)n);
		need_ok(fsync(fd));
		expect(written() - before == n, "written twice");
		expect_file(path, model, NR * PAGE);
	}
	/* A range writes its own pages and leaves the others. */
	for (i = 0; i < NR; i++)
		store(i, 20);
	before = written();
	need_ok(range_op(fd, FRAMEPOOL_SYNC, 16 * PAGE, 32 * PAGE, &r));
	expect(r.done == 32 && !r.failed && !r.error, "%ju done, %ju failed", (uintmax_t)r.done,
	       (uintmax_t)r.failed);
	expect(written() - before == 32, "%ju pages written for a range of 32",
	       (uintmax_t)(written() - before));
	need_ok(fsync(fd));
	expect(written() - before == NR, "%ju pages written in all",
	       (uintmax_t)(written() - before));
	expect_file(path, model, NR * PAGE);
	diag("sum %u", sum);
	scene_close();
}

/* A counter of this test's pool. */
static u64 counter(const char *name)
{
	char path[256], line[128];
	size_t len = strlen(name);
	u64 value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/debug/framepool/%s/stats", pool);
	f = fopen(path, "r");
	need(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && line[len] == ' ')
			value = strtoull(line + len, NULL, 10);
	fclose(f);
	return value;
}

/* A sync of [first, first + n) takes @writes calls for @pages pages. */
static void expect_writes(u64 first, u64 n, u64 writes, u64 pages)
{
	u64 calls = counter("writes"), before = written();
	struct framepool_range r;

	need_ok(range_op(fd, FRAMEPOOL_SYNC, first * PAGE, n * PAGE, &r));
	calls = counter("writes") - calls;
	expect(r.done == pages && written() - before == pages && calls == writes,
	       "%ju pages in %ju writes, should be %ju in %ju", (uintmax_t)r.done,
	       (uintmax_t)calls, (uintmax_t)pages, (uintmax_t)writes);
}

static void store_run(u64 first, u64 n, u64 version)
{
	while (n--)
		store(first + n, version);
}

/* Neighbours are written by one call, up to 64 of them; what lies between is not written. */
static void neighbours(void)
{
	u64 i, sum = 0;

	begin();
	store_run(0, 64, 2);
	expect_writes(0, NR, 1, 64);
	expect_writes(0, NR, 0, 0);
	for (i = 0; i < NR; i++)
		sum += m[i * PAGE];		/* resident and mapped, as good as dirty to look at */
	store_run(10, 10, 3);
	store_run(30, 5, 3);
	expect_writes(0, NR, 2, 15);
	for (i = 0; i < 40; i += 2)
		store(i, 4);
	expect_writes(0, NR, 20, 20);
	store_run(100, 64, 5);
	expect_writes(116, 16, 1, 16);
	expect_writes(0, NR, 2, 48);
	store_run(0, NR, 6);
	expect_writes(0, NR, NR / 64, NR);
	expect_file(path, model, NR * PAGE);
	diag("sum %ju", (uintmax_t)sum);
	scene_close();
}

/* Dirty neighbours that leave in any order are written in a few calls. */
static void leaving_neighbours(void)
{
	u64 i, nr = 8 * NR, calls, pages;

	/* They come one by one, in the order of their stores. */
	attach_block = FRAMEPOOL_BLOCK_1;
	scene_begin(2 * MIB, nr);
	calls = counter("writes");
	pages = written();
	for (i = 0; i < nr; i++)
		/* 0, 5, 2, 7, 4, 1, 6, 3, 8 ... */
		store(i / 8 * 8 + i * 5 % 8, 2);
	calls = counter("writes") - calls;
	pages = written() - pages;
	diag("%ju pages in %ju writes", (uintmax_t)pages, (uintmax_t)calls);
	expect(pages > nr / 2, "%ju of %ju pages written", (uintmax_t)pages, (uintmax_t)nr);
	expect(calls <= pages / 3, "%ju writes for %ju pages", (uintmax_t)calls, (uintmax_t)pages);
	scene_close();
}

/* ---- what a device is asked ---- */

static u64 device_writes(void)
{
	return bed_count("stat", 4);
}

static u64 device_sectors(void)
{
	return bed_count("stat", 6);
}

/* Of a run of neighbours: the pool claims 64 dirty pages at a time, and no run goes beyond. */
static u64 requests_for(u64 pages)
{
	u64 most = bed_count("queue/max_sectors_kb", 0) * KIB / PAGE;

	need(most, "no page fits into a request");
	return pages / 64 * ((64 + most - 1) / most) + (pages % 64 + most - 1) / most;
}

/* A sync takes at most so many requests, for just the sectors of @pages; how many it took. */
static u64 expect_requests(u64 at_most, u64 pages)
{
	u64 writes = device_writes(), sectors = device_sectors();

	need_ok(fsync(fd));
	writes = device_writes() - writes;
	sectors = device_sectors() - sectors;
	expect(writes <= at_most, "%ju requests, should be %ju", (uintmax_t)writes,
	       (uintmax_t)at_most);
	expect(sectors == pages * (PAGE / 512), "%ju sectors for %ju pages", (uintmax_t)sectors,
	       (uintmax_t)pages);
	return writes;
}

/* What the pool says of itself is true for the device: neighbours are one request. */
static void requests(void)
{
	u64 i, n, flush, sum = 0;
	u8 *is;

	bed_make(NR);
	pool_use(4 * MIB);
	model = model_make(NR * PAGE, 1);
	fd = space_attach(bed_path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (i = 0; i < NR; i++)
		sum += m[i * PAGE];		/* resident, and what is not dirty is not written */
	store(7, 2);
	flush = expect_requests(2, 1) - 1;	/* it may count as one */
	for (n = 2; n <= NR; n *= 2) {
		store_run(0, n, 2 + n);
		expect_requests(requests_for(n) + flush, n);
	}
	for (i = 0; i < NR; i += 16)
		store_run(i, 4, 3);
	expect_requests(NR / 16 * requests_for(4) + flush, NR / 4);
	expect_requests(flush, 0);
	is = bed_load();
	expect(bytes_are(is, model, NR * PAGE, 0), "on the device");
	free(is);
	diag("%ju pages are %ju requests, a flush is %ju; sum %ju", (uintmax_t)NR,
	     (uintmax_t)requests_for(NR), (uintmax_t)flush, (uintmax_t)sum);
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	bed_end();
}

/* msync of a part: that part is in the file, and of what lies around it nothing is written. */
static void part(void)
{
	u8 *file = model_make(NR * PAGE, 1);
	u64 i, before;

	begin();
	for (i = 0; i < NR; i++)
		store(i, 3);
	memcpy(file + 100 * PAGE, model + 100 * PAGE, 50 * PAGE);
	before = plain ? 0 : written();
	need_ok(msync(m + 100 * PAGE, 50 * PAGE, MS_SYNC));
	if (!plain) {
		expect(written() - before == 50, "%ju pages written for a part of 50",
		       (uintmax_t)(written() - before));
		expect_file(path, file, NR * PAGE);
	}
	need_ok(msync(m, NR * PAGE, MS_SYNC));
	expect_file(path, model, NR * PAGE);
	free(file);
	scene_close();
}

/*
 * Without any sync: unmapping and closing is enough, in each order, for each number of descriptors.
 */
static void close_writes(void)
{
	u64 i, order;
	int two;

	pool_use(4 * MIB);
	path = file_make("file", NR * PAGE, 1);
	model = model_make(NR * PAGE, 1);
	for (order = 0; order < 3; order++) {
		fd = space_attach(path, O_RDWR);
		id = space_id(fd);
		two = need_ok(dup(fd));
		m = map(fd, NR * PAGE, RW, MAP_SHARED);
		if (order == 2)
			need_ok(close(two));
		for (i = order; i < NR; i += 2)
			store(i, 10 + order);
		if (order == 0) {
			need_ok(munmap(m, NR * PAGE));
			need_ok(close(two));
			space_gone(fd, id);
		} else {
			need_ok(close(fd));
			if (order == 1)
				need_ok(close(two));
			need_ok(munmap(m, NR * PAGE));
			space_gone(-1, id);
		}
		expect_file(path, model, NR * PAGE);
	}
}

static void exiting_child(void *arg)
{
	u64 version = (uintptr_t)arg, i;

	fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (i = 0; i < NR; i++)
		page_fill(m + i * PAGE, i, version);
	if (version & 1)
		execl("/bin/true", "true", NULL);
	_exit(0);			/* nothing unmapped, nothing closed */
}

static bool file_is_model(void *arg)
{
	u64 bytes;
	u8 *is = file_load(path, &bytes);
	bool same = bytes == NR * PAGE && !memcmp(is, arg, bytes);

	free(is);
	return same;
}

/* exit and exec in the middle of it. */
static void exits(void)
{
	u64 i, version;

	pool_use(4 * MIB);
	path = file_make("file", NR * PAGE, 1);
	model = model_make(NR * PAGE, 1);
	for (version = 2; version < 6; version++) {
		child_join(child_start(exiting_child, (void *)(uintptr_t)version));
		if (!plain)
			expect(wait_until(no_spaces, NULL, 20000), "the space stays");
		for (i = 0; i < NR; i++)
			page_fill(model + i * PAGE, i, version);
		expect_file(path, model, NR * PAGE);
	}
}

struct progress {
	atomic_ullong done;		/* stores that are finished */
};

static void killed_child(void *arg)
{
	struct progress *p = arg;
	u64 i;

	fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (i = 0;; i++) {
		page_fill(m + i % NR * PAGE, i % NR, 2 + i / NR);
		atomic_store(&p->done, i + 1);
	}
}

/* A kill loses no store that was finished; the one in hand may be torn. */
static void kills(void)
{
	struct progress *p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	u64 round, i, at, done, version, bytes;
	struct rnd r;
	int status;
	pid_t pid;
	u8 *is;

	pool_use(2 * MIB);
	rnd_init(&r, 5);
	for (round = 0; round < scaled(24) + 2; round++) {
		path = file_make("file", NR * PAGE, 1);
		atomic_store(&p->done, 0);
		pid = child_start(killed_child, p);
		at = rnd_below(&r, 3 * NR) + 1;
		wait_for_steps(&p->done, at);
		need_ok(kill(pid, SIGKILL));
		need_ok(waitpid(pid, &status, 0));
		done = atomic_load(&p->done);
		if (!plain)
			need(wait_until(no_spaces, NULL, 20000), "the space stays");
		is = file_load(path, &bytes);
		expect(bytes == NR * PAGE, "%ju bytes", (uintmax_t)bytes);
		for (i = 0; i < NR; i++) {
			/* the last version of page i among the first done stores */
			version = 1 + (done + NR - 1 - i) / NR;
			if (i == done % NR)
				expect(page_torn(is + i * PAGE, i, version, version + 1),
				       "the last page, %ju", (uintmax_t)i);
			else
				expect(page_is(is + i * PAGE, i, version),
				       "killed after %ju stores", (uintmax_t)done);
		}
		free(is);
	}
}

struct counter {
	atomic_uint stop;
	atomic_ullong value;
};

static void *count(void *arg)
{
	struct counter *c = arg;
	u64 v;

	for (v = 1; !atomic_load(&c->stop); v++) {
		*(volatile u64 *)(m + 9 * PAGE) = v;
		*(volatile u64 *)(m + (10 + v % 50) * PAGE) = v;
		atomic_store(&c->value, v);
	}
	return NULL;
}

/* While another thread keeps storing: the file is never behind what was stored before the call. */
static void against_stores(void)
{
	struct counter c = { 0 };
	u64 i, before, bytes, is_value;
	pthread_t thread;
	u8 *is;

	begin();
	need(!pthread_create(&thread, NULL, count, &c), "no thread");
	while (!atomic_load(&c.value))
		;
	for (i = 0; i < scaled(100) + 10; i++) {
		before = atomic_load(&c.value);
		need_ok(flush(i % 4));
		is = file_load(path, &bytes);
		memcpy(&is_value, is + 9 * PAGE, sizeof(is_value));
		expect(is_value >= before, "the file has %ju, %ju was stored before the sync",
		       (uintmax_t)is_value, (uintmax_t)before);
		free(is);
	}
	atomic_store(&c.stop, 1);
	pthread_join(thread, NULL);
	memcpy(model, m, NR * PAGE);
	scene_close();
}

/* A sync of what may not be written has nothing to do. */
static void read_only(void)
{
	u8 sum = 0;
	u64 i;

	scene_begin_as(2 * MIB, NR, O_RDONLY);
	for (i = 0; i < NR; i++)
		sum += m[i * PAGE];
	diag("sum %u", sum);
	need_ok(msync(m, NR * PAGE, MS_SYNC));
	need_ok(fsync(fd));
	need_ok(fdatasync(fd));
	expect(file_is_model(model), "the file");
	scene_close();
}

/* A file that has no name any more still takes its bytes. */
static void unlinked(void)
{
	u64 i;
	int back;

	begin();
	back = need_ok(open(path, O_RDONLY));
	need_ok(unlink(path));
	for (i = 0; i < NR; i++)
		store(i, 4);
	need_ok(fsync(fd));
	for (i = 0; i < NR; i += 3)
		store(i, 5);
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	m = aligned_alloc(PAGE, NR * PAGE);
	posix_fadvise(back, 0, 0, POSIX_FADV_DONTNEED);
	expect(pread(back, m, NR * PAGE, 0) == NR * PAGE, "pread");
	expect(bytes_are(m, model, NR * PAGE, 0), "the unlinked file");
}

/* A file by its file system, and past it. */
#define ON_BOTH(name, run, flags) \
	{ name, run, flags }, \
	{ name ", on the direct path", run, T_DEVICE | T_VARIANT(DIRECT) }

static const struct test tests[] = {
	ON_BOTH("msync, fsync, fdatasync, SYNC", flushes, 0),
	ON_BOTH("the same page again and again", same_page, 0),
	ON_BOTH("only dirty pages are written, once", only_dirty, T_DEVICE),
	ON_BOTH("neighbours are written together", neighbours, T_DEVICE),
	ON_BOTH("neighbours that leave in any order, too", leaving_neighbours, T_DEVICE),
	{ "neighbours are one request to a device", requests, T_DEVICE },
	ON_BOTH("msync of a part", part, 0),
	ON_BOTH("close and munmap lose nothing", close_writes, 0),
	ON_BOTH("exit and exec lose nothing", exits, 0),
	ON_BOTH("SIGKILL loses no finished store", kills, 0),
	ON_BOTH("syncs against stores", against_stores, 0),
	{ "a read-only space", read_only, 0 },
	{ "an unlinked file", unlinked, 0 },
};

int main(int argc, char **argv)
{
	before_test = choose_path;
	after_test = dm_clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
