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

#include <signal.h>
#include <sys/uio.h>

#define NR	64UL
#define OFFLINE	"/sys/devices/system/memory/hard_offline_page"
#define HWPOISON	(1ull << 19)	/* in /proc/kpageflags */

static u64 broken;			/* frames, in this pool */

static u64 word_at(const char *file, u64 index)
{
	int f = need_ok(open(file, O_RDONLY | O_CLOEXEC));
	u64 word;

	need(pread(f, &word, sizeof(word), index * sizeof(word)) == sizeof(word), "%s: %s", file,
	     strerror(errno));
	close(f);
	return word;
}

/* Where the page is; 0: it has no entry in the page table of this process. */
static u64 pfn_of(u64 vpn)
{
	u64 word = word_at("/proc/self/pagemap", (uintptr_t)(m + vpn * PAGE) / PAGE);

	return word >> 63 ? word & ((1ull << 55) - 1) : 0;
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

	if (access(OFFLINE, W_OK))
		skip("this kernel knows no broken memory");
	snprintf(text, sizeof(text), "%#llx", (unsigned long long)pfn * PAGE);
	/* It says that it cannot take the page away from whoever has it; but it is marked. */
	knob_write(OFFLINE, text);
	need(word_at("/proc/kpageflags", pfn) & HWPOISON, "frame %#jx is as it was", (uintmax_t)pfn);
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
	char where[256], line[64];
	u64 nr = ~0ull;
	FILE *f;

	snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/stats", pool);
	f = fopen(where, "re");
	need(f, "%s: %s", where, strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "retired %ju", (uintmax_t *)&nr) == 1)
			break;
	fclose(f);
	return nr;
}

/* The entries of these processes go, the pages stay. */
static void unmap_pages(u64 vpn, u64 nr)
{
	need_ok(madvise(m + vpn * PAGE, nr * PAGE, MADV_DONTNEED));
}

static void begin(void)
{
	broken = 0;
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
	is_lost(8);
	/* It was held, so it may have been stored to. */
	if (try_load(m + 8 * PAGE, &value))
		expect_errno(fsync(fd), EIO);
	expect(page_is(m + 8 * PAGE, 8, 1), "given back");
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
};

int main(int argc, char **argv)
{
	write_errors_expected = true;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
