// SPDX-License-Identifier: GPL-2.0-only
/*
 * Broken memory: the kernel has been told by the machine (here: by the administrator) that a frame is
 * not to be trusted any more.
 *
 * A clean page comes again from the file, and nobody notices.  What was stored in a dirty one is lost,
 * and nothing of it is written: whoever touches it, reads it or syncs next is told.  The frame is used
 * for nothing any more, and what was mapped beside it stays.
 */
#include "scene.h"

#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>

#define NR	64UL
#define OFFLINE	"/sys/devices/system/memory/hard_offline_page"
#define HWPOISON	(1ull << 19)	/* in /proc/kpageflags */

static u64 broken;			/* frames, in this pool */

static u64 pfn_of(u64 vpn)
{
	return pfn_at(m + vpn * PAGE);
}

static u64 pfn_of_touched(u64 vpn)
{
	u8 value;

	need(!try_load(m + vpn * PAGE, &value), "page %ju is not there", (uintmax_t)vpn);
	need(pfn_of(vpn), "page %ju has no frame", (uintmax_t)vpn);
	return pfn_of(vpn);
}

static void break_frame(u64 pfn)
{
	char text[32];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)pfn * PAGE);
	/* It says that it cannot take the page away from whoever has it; but it is marked. */
	knob_write(OFFLINE, text);
	/* What is hidden from the kernel has no flags there. */
	need(getenv("FPOOL_BASE") || word_at("/proc/kpageflags", pfn) & HWPOISON,
	     "frame %#jx is as it was", (uintmax_t)pfn);
	broken++;
}

static u64 break_page(u64 vpn)
{
	u64 pfn = pfn_of_touched(vpn);

	break_frame(pfn);
	return pfn;
}

static u64 retired(void)
{
	return pool_counter("stats", "retired");
}

/* The entries of these processes go, the pages stay. */
static void unmap_pages(u64 vpn, u64 nr)
{
	need_ok(madvise(m + vpn * PAGE, nr * PAGE, MADV_DONTNEED));
}

static void need_broken_memory(void)
{
	if (access(OFFLINE, W_OK))
		skip("this kernel knows no broken memory");
	broken = 0;
}

static void begin(void)
{
	need_broken_memory();
	scene_begin(2 * MIB, NR);
}

static void end(void)
{
	struct framepool_range r;

	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping in the end");
	/* What was broken and not touched since is found by whoever makes it leave. */
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(retired() == broken, "%ju frames retired of %ju", (uintmax_t)retired(),
	       (uintmax_t)broken);
	scene_end();
}

static void is_lost(u64 vpn)
{
	page_fill(model + vpn * PAGE, vpn, 1);
}

/* Who syncs is told, and is told once; ERRORS says which page. */
static void told_once(u64 vpn)
{
	struct framepool_errors e = { .size = sizeof(e) };

	expect_errno(fsync(fd), EIO);
	expect(!fsync(fd), "a second time: %s", strerror(errno));
	need_ok(ioctl(fd, FRAMEPOOL_ERRORS, &e));
	expect(e.write_error == EIO && e.write_offset == vpn * PAGE, "error %u at %ju",
	       e.write_error, (uintmax_t)e.write_offset);
}

static void clean(void)
{
	static const u64 pages[] = { 0, 5, 6, NR - 1 };
	u64 was[ARRAY_SIZE(pages)], i, vpn;

	begin();
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		was[i] = break_page(pages[i]);
	unmap_pages(0, NR);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		expect(page_is(m + pages[i] * PAGE, pages[i], 1), "page %ju", (uintmax_t)pages[i]);
		expect(retired() == i + 1, "%ju frames retired", (uintmax_t)retired());
	}
	/* All frames go round: the broken ones are not among them. */
	for (vpn = 0; vpn < NR; vpn++)
		store(vpn, 2);
	squeeze(8 * MIB);
	for (vpn = 0; vpn < NR; vpn++)
		for (i = 0; i < ARRAY_SIZE(pages); i++)
			expect(pfn_of_touched(vpn) != was[i], "page %ju in a broken frame",
			       (uintmax_t)vpn);
	need_ok(fsync(fd));
	end();
}

static void dirty_touched(void)
{
	int store_it;
	u64 vpn;
	u8 value;

	begin();
	for (store_it = 0; store_it < 2; store_it++) {
		vpn = 9 + store_it;
		store(vpn, 2);
		break_page(vpn);
		unmap_pages(vpn, 1);
		is_lost(vpn);
		if (store_it)
			expect(try_store(m + vpn * PAGE, 7) == SIGBUS, "a store to what is lost");
		else
			expect(try_load(m + vpn * PAGE, &value) == SIGBUS, "a load of what is lost");
		expect(page_is(m + vpn * PAGE, vpn, 1), "the next touch");
		told_once(vpn);
	}
	end();
}

/* Written is everything but what is lost. */
static void dirty_synced(void)
{
	u64 vpn;

	begin();
	for (vpn = 10; vpn < 30; vpn++)
		store(vpn, 2);
	break_page(10);
	break_page(20);
	break_page(21);
	is_lost(10);
	is_lost(20);
	is_lost(21);
	told_once(21);
	expect_file(path, model, NR * PAGE);
	for (vpn = 10; vpn < 30; vpn++)
		store(vpn, 3);
	need_ok(fsync(fd));
	expect_file(path, model, NR * PAGE);
	end();
}

/* The pool needs the frames: some are clean, one is dirty. */
static void evicted(void)
{
	u64 vpn;

	begin();
	for (vpn = 0; vpn < NR; vpn += 2)
		store(vpn, 2);
	need_ok(fsync(fd));
	store(30, 3);
	break_page(30);
	break_page(32);
	break_page(33);
	page_fill(model + 30 * PAGE, 30, 2);
	squeeze(8 * MIB);
	expect(retired() == 3, "%ju frames retired", (uintmax_t)retired());
	told_once(30);
	expect_file(path, model, NR * PAGE);
	end();
}

static void beside(void)
{
	u8 value;

	begin();
	need(bytes_are(m, model, NR * PAGE, 0), "the file");
	break_page(40);
	unmap_pages(0, NR);
	need(!try_load(m + 41 * PAGE, &value), "the neighbour");
	expect(pfn_of(39) && pfn_of(42), "the others are mapped with it");
	expect(!pfn_of(40), "broken memory is mapped with its neighbour");
	expect(page_is(m + 40 * PAGE, 40, 1), "then it comes again");
	end();
}

static void by_system_calls(void)
{
	u8 *page = aligned_alloc(PAGE, PAGE);

	begin();
	break_page(3);
	expect(pread(fd, page, PAGE, 3 * PAGE) == PAGE, "pread: %s", strerror(errno));
	expect(page_is(page, 3, 1), "a clean page");
	store(4, 2);
	break_page(4);
	is_lost(4);
	expect_errno(pread(fd, page, PAGE, 4 * PAGE), EIO);
	expect(pread(fd, page, PAGE, 4 * PAGE) == PAGE, "the next one: %s", strerror(errno));
	expect(page_is(page, 4, 1), "what the file has");
	store(5, 2);
	break_page(5);
	is_lost(5);
	expect_errno(pwrite(fd, "abc", 3, 5 * PAGE), EIO);
	expect(pwrite(fd, "abc", 3, 5 * PAGE) == 3, "the next one: %s", strerror(errno));
	memcpy(model + 5 * PAGE, "abc", 3);
	told_once(5);
	end();
}

/* Somebody has the frame: it can go nowhere, and nobody is let near it, until he gives it back. */
static void held(void)
{
	struct iovec iov = { m + 8 * PAGE, PAGE };
	int p[2];
	u8 value;

	begin();
	iov.iov_base = m + 8 * PAGE;
	need(page_is(m + 8 * PAGE, 8, 1), "the page");
	need_ok(pipe(p));
	need(vmsplice(p[1], &iov, 1, 0) == PAGE, "vmsplice: %s", strerror(errno));
	break_page(8);
	unmap_pages(8, 1);
	expect(try_load(m + 8 * PAGE, &value) == SIGBUS, "a load");
	expect(!retired(), "a held frame is retired");
	need_ok(close(p[0]));
	need_ok(close(p[1]));
	expect(page_is(m + 8 * PAGE, 8, 1), "given back");
	expect(!fsync(fd), "nothing was lost: %s", strerror(errno));
	end();
}

/* It breaks while nobody uses it: found by the first who is given it. */
static void unused(void)
{
	struct framepool_range r;
	u64 pfn, vpn;

	begin();
	pfn = pfn_of_touched(11);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	break_frame(pfn);
	expect(!retired(), "a free frame is retired");
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "page %ju", (uintmax_t)vpn);
	squeeze(8 * MIB);
	for (vpn = 0; vpn < NR; vpn++) {
		store(vpn, 2);
		expect(pfn_of_touched(vpn) != pfn, "page %ju in it", (uintmax_t)vpn);
	}
	need_ok(fsync(fd));
	end();
}

/* Resident by order: it comes again, but the pin is gone with its frame. */
static void pinned(void)
{
	struct framepool_space s;
	struct framepool_range r;

	begin();
	need_ok(range_op(fd, FRAMEPOOL_PIN, 20 * PAGE, 4 * PAGE, &r));
	break_page(22);
	unmap_pages(22, 1);
	expect(page_is(m + 22 * PAGE, 22, 1), "the page");
	space_info(fd, &s);
	expect(s.pinned == 3, "%ju pins", (uintmax_t)s.pinned);
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 20 * PAGE, 4 * PAGE, &r));
	expect(r.done == 3, "%ju unpinned", (uintmax_t)r.done);
	end();
}

/* Held back from being written: who releases it is told, and the others are still held. */
static void held_back(void)
{
	struct framepool_range r;
	u8 value;

	begin();
	store(14, 2);
	need_ok(range_op(fd, FRAMEPOOL_HOLD, 13 * PAGE, 3 * PAGE, &r));
	store(15, 2);
	break_page(14);
	unmap_pages(14, 1);
	expect(try_load(m + 14 * PAGE, &value) == SIGBUS, "a load");
	expect(try_load(m + 14 * PAGE, &value) == SIGBUS, "another one");
	expect_errno(range_op(fd, FRAMEPOOL_RELEASE, 13 * PAGE, 3 * PAGE, &r), EIO);
	is_lost(14);
	expect(page_is(m + 14 * PAGE, 14, 1), "after the release");
	expect(!range_op(fd, FRAMEPOOL_RELEASE, 13 * PAGE, 3 * PAGE, &r), "the next release: %s",
	       strerror(errno));
	told_once(14);
	expect_file(path, model, NR * PAGE);
	end();
}

/* Held back, and by the kernel, too: it stays held back until that has let it go. */
static void held_back_and_held(void)
{
	struct iovec iov = { NULL, PAGE };
	struct framepool_range r;
	struct framepool_space s;
	int p[2];

	begin();
	store(16, 2);
	need_ok(range_op(fd, FRAMEPOOL_HOLD, 16 * PAGE, PAGE, &r));
	iov.iov_base = m + 16 * PAGE;
	need_ok(pipe(p));
	need(vmsplice(p[1], &iov, 1, 0) == PAGE, "vmsplice: %s", strerror(errno));
	break_page(16);
	expect_errno(range_op(fd, FRAMEPOOL_RELEASE, 0, 0, &r), EIO);
	space_info(fd, &s);
	expect(s.pinned == 1 && s.dirty == 1, "%ju pinned, %ju dirty", (uintmax_t)s.pinned,
	       (uintmax_t)s.dirty);
	/* Nobody writes it: it is held back. */
	fsync(fd);
	expect(!fsync(fd), "a sync passes it: %s", strerror(errno));
	need_ok(close(p[0]));
	need_ok(close(p[1]));
	expect_errno(range_op(fd, FRAMEPOOL_RELEASE, 0, 0, &r), EIO);
	is_lost(16);
	space_info(fd, &s);
	expect(!s.pinned && !s.dirty, "%ju pinned, %ju dirty", (uintmax_t)s.pinned,
	       (uintmax_t)s.dirty);
	expect(page_is(m + 16 * PAGE, 16, 1), "after the release");
	expect(!range_op(fd, FRAMEPOOL_RELEASE, 0, 0, &r), "the next release: %s", strerror(errno));
	told_once(16);
	end();
}

/* The one who detaches is the last who can be told. */
static void detached(void)
{
	begin();
	scene_end();
	space_name(path, "broken", O_RDWR);
	fd = node_open("broken", O_RDWR);
	m = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	page_fill(m + 7 * PAGE, 7, 2);
	store(8, 2);
	break_page(7);
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	expect_errno(detach("broken"), EIO);
	expect(!detach("broken"), "the next time: %s", strerror(errno));
	expect(retired() == 1, "%ju frames retired", (uintmax_t)retired());
	expect_file(path, model, NR * PAGE);
}

#define ROUNDS	20UL

static pthread_barrier_t together;

static void *toucher(void *unused)
{
	u64 i;

	(void)unused;
	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		expect(page_is(m + i * PAGE, i, 1), "round %ju", (uintmax_t)i);
		pthread_barrier_wait(&together);
	}
	return NULL;
}

/* Who comes second has a reference just when the first makes it leave. */
static void two_at_once(void)
{
	pthread_t thread;
	u64 i;

	begin();
	pthread_barrier_init(&together, NULL, 2);
	need(!pthread_create(&thread, NULL, toucher, NULL), "no thread");
	for (i = 0; i < ROUNDS; i++) {
		break_page(i);
		unmap_pages(0, NR);
		pthread_barrier_wait(&together);
		expect(page_is(m + i * PAGE, i, 1), "round %ju", (uintmax_t)i);
		pthread_barrier_wait(&together);
	}
	pthread_join(thread, NULL);
	end();
}

static void private_mapping(void)
{
	u8 *own;

	begin();
	own = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	expect(page_is(own + 3 * PAGE, 3, 1) && page_is(own + 4 * PAGE, 4, 1), "before");
	break_page(3);
	break_page(4);
	unmap_pages(0, NR);
	need_ok(madvise(own, NR * PAGE, MADV_DONTNEED));
	expect(page_is(own + 3 * PAGE, 3, 1), "a load");
	own[4 * PAGE] ^= 1;
	own[4 * PAGE] ^= 1;
	expect(page_is(own + 4 * PAGE, 4, 1), "a copy of it");
	need_ok(munmap(own, NR * PAGE));
	end();
}

/* Free frames become pages, and nodes of a shadow page table: the kernel itself reads those. */
static void nodes(void)
{
	u64 far = 1ull << 30, pfn[16], i;
	struct framepool_range r;
	char *name;
	u8 *mem;
	int f, other;

	attach_block = FRAMEPOOL_BLOCK_1;
	begin();
	for (i = 0; i < ARRAY_SIZE(pfn); i++)
		pfn[i] = pfn_of_touched(i);
	/* More than the pool has for itself are in use before the broken ones are free. */
	name = file_path("far");
	f = need_ok(open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	if (ftruncate(f, 64 * far))
		skip("no such file here: %s", strerror(errno));
	other = space_attach(name, O_RDWR);
	mem = mmap(NULL, 64 * far, PROT_READ, MAP_SHARED | MAP_NORESERVE, other, 0);
	need(mem != MAP_FAILED, "mmap: %s", strerror(errno));
	for (i = 0; i < 24; i++)
		expect(bytes_zero(mem + i * far, PAGE, 0), "page %ju of a hole", (uintmax_t)i);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	for (i = 0; i < ARRAY_SIZE(pfn); i++)
		break_frame(pfn[i]);
	for (i = 24; i < 64; i++)
		expect(bytes_zero(mem + i * far, PAGE, 0), "page %ju of a hole", (uintmax_t)i);
	expect(retired() == broken, "%ju frames retired of %ju", (uintmax_t)retired(),
	       (uintmax_t)broken);
	need_ok(munmap(mem, 64 * far));
	space_gone(other, space_id(other));
	close(f);
	end();
}

static bool no_dirty(void *unused)
{
	struct framepool_space s;

	(void)unused;
	space_info(fd, &s);
	return !s.dirty;
}

static void *syncer(void *unused)
{
	(void)unused;
	expect(!fsync(fd), "fsync: %s", strerror(errno));
	return NULL;
}

static void *reader(void *unused)
{
	(void)unused;
	expect(page_is(m + 5 * PAGE, 5, 2), "what was stored");
	return NULL;
}

/* It breaks while it is being written: if the write ends well, nothing is lost. */
static void being_written(void)
{
	u8 *page = aligned_alloc(PAGE, PAGE);
	pthread_t sync, read;
	char device[64];
	int ram;
	u64 vpn;

	need_broken_memory();
	ram = open("/dev/ram0", O_RDWR | O_CLOEXEC);
	if (ram < 0 || !dm_make(device, sizeof(device)))
		skip("no device mapper or no brd");
	for (vpn = 0; vpn < NR; vpn++) {
		page_fill(page, vpn, 1);
		need(pwrite(ram, page, PAGE, vpn * PAGE) == PAGE, "%s", strerror(errno));
	}
	need_ok(fsync(ram));
	need_ok(close(ram));
	dm_table("0 %lu linear /dev/ram0 0", NR * PAGE / 512);
	pool_use(2 * MIB);
	fd = space_attach(device, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	page_fill(m + 5 * PAGE, 5, 2);
	dm_stall();
	need(!pthread_create(&sync, NULL, syncer, NULL), "no thread");
	need(wait_until(no_dirty, NULL, 10000), "it is not being written");
	break_page(5);
	unmap_pages(5, 1);
	need(!pthread_create(&read, NULL, reader, NULL), "no thread");
	usleep(300000);
	expect(!retired(), "a page left while it was being written");
	dm_go_on();
	pthread_join(sync, NULL);
	pthread_join(read, NULL);
	expect(retired() == 1, "%ju frames retired", (uintmax_t)retired());
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect(wait_until(dm_remove, NULL, 10000), "the device is still in use: %s", strerror(errno));
}

static const struct test tests[] = {
	{ "a clean page comes again, its frame never", clean, T_DEVICE },
	{ "a dirty page is lost: who touches it is told", dirty_touched, T_DEVICE },
	{ "a dirty page is lost: who syncs is told, and nothing of it is written", dirty_synced,
	  T_DEVICE },
	{ "broken frames under pressure", evicted, T_DEVICE },
	{ "mapped beside others", beside, T_DEVICE },
	{ "read and write", by_system_calls, T_DEVICE },
	{ "a held frame", held, T_DEVICE },
	{ "a frame that nobody uses", unused, T_DEVICE },
	{ "a pinned page", pinned, T_DEVICE },
	{ "a page that is held back", held_back, T_DEVICE },
	{ "a page that is held back, and by the kernel", held_back_and_held, T_DEVICE },
	{ "detached", detached, T_DEVICE },
	{ "two threads at once", two_at_once, T_DEVICE },
	{ "a private mapping", private_mapping, T_DEVICE },
	{ "nodes of page tables", nodes, T_DEVICE },
	{ "a page that is being written", being_written, T_DEVICE },
};

int main(int argc, char **argv)
{
	after_test = dm_clear_away;
	write_errors_expected = true;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
