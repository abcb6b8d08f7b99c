// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs do to mappings: cut, protect, move, advise, lock, map again and map past the end.
 */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#define NR	64UL			/* pages of the file */
#define RW	(PROT_READ | PROT_WRITE)

static char *path;
static u8 *model;
static int fd;
static u32 id;
static u8 *m;

static void begin(void)
{
	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 1);
	model = model_make(NR * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

/* Store a new version both in the mapping and in the model. */
static void store(u8 *mem, u64 vpn, u64 version)
{
	page_fill(mem, vpn, version);
	page_fill(model + vpn * PAGE, vpn, version);
}

static void end(u8 *mem, u64 bytes)
{
	if (mem)
		need_ok(munmap(mem, bytes));
	space_gone(fd, id);
	expect_file(path, model, NR * PAGE);
}

static void same(const u8 *mem, u64 vpn, u64 pages)
{
	expect(bytes_are(mem, model + vpn * PAGE, pages * PAGE, vpn * PAGE), "pages %#jx and on",
	       (uintmax_t)vpn);
}

/* A hole cut into the middle is a hole; the rest and what was stored in the hole stay. */
static void munmap_middle(void)
{
	u64 vpn;

	begin();
	for (vpn = 0; vpn < NR; vpn++)
		store(m + vpn * PAGE, vpn, 2);
	need_ok(munmap(m + 20 * PAGE, 3 * PAGE));
	same(m, 0, 20);
	same(m + 23 * PAGE, 23, NR - 23);
	for (vpn = 20; vpn < 23; vpn++) {
		expect(try_load(m + vpn * PAGE, NULL) == SIGSEGV, "page %ju can be read",
		       (uintmax_t)vpn);
		expect(try_store(m + vpn * PAGE, 1) == SIGSEGV, "page %ju can be stored to",
		       (uintmax_t)vpn);
	}
	need(mmap(m + 20 * PAGE, 3 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 20 * PAGE) ==
		     m + 20 * PAGE,
	     "mmap: %s", strerror(errno));
	same(m, 0, NR);
	/* One page at a time, odd ones first. */
	for (vpn = 1; vpn < NR; vpn += 2)
		need_ok(munmap(m + vpn * PAGE, PAGE));
	for (vpn = 0; vpn < NR; vpn += 2) {
		same(m + vpn * PAGE, vpn, 1);
		store(m + vpn * PAGE, vpn, 3);
		need_ok(munmap(m + vpn * PAGE, PAGE));
	}
	end(NULL, 0);
}

/* Rights of single pages in the middle, changed while they are resident, dirty and absent. */
static void mprotect_middle(void)
{
	u64 vpn, round;

	begin();
	for (round = 0; round < 3; round++) {
		if (round)
			make_absent(fd, m, NR * PAGE);
		for (vpn = round; vpn < NR - 2; vpn += 5) {
			store(m + vpn * PAGE, vpn, 2 + round);
			store(m + (vpn + 1) * PAGE, vpn + 1, 2 + round);
			need_ok(mprotect(m + vpn * PAGE, PAGE, PROT_READ));
			need_ok(mprotect(m + (vpn + 1) * PAGE, PAGE, PROT_NONE));
		}
		for (vpn = round; vpn < NR - 2; vpn += 5) {
			expect(!try_load(m + vpn * PAGE, NULL), "a readable page");
			same(m + vpn * PAGE, vpn, 1);
			expect(try_store(m + vpn * PAGE, 1) == SIGSEGV,
			       "a read-only page was stored to");
			expect(try_load(m + (vpn + 1) * PAGE, NULL) == SIGSEGV,
			       "PROT_NONE was read");
			expect(try_store(m + (vpn + 1) * PAGE, 1) == SIGSEGV,
			       "PROT_NONE was stored to");
			store(m + (vpn + 2) * PAGE, vpn + 2, 5 + round);
		}
		need_ok(mprotect(m, NR * PAGE, RW));
		same(m, 0, NR);
		for (vpn = 0; vpn < NR; vpn++)
			store(m + vpn * PAGE, vpn, 9 + round);
	}
	end(m, NR * PAGE);
}

/* Shrink, move to another place, move over something else: stores go along. */
static void mremap_moves(void)
{
	u8 *to, *back;
	u64 vpn;

	begin();
	for (vpn = 0; vpn < NR; vpn++)
		if (vpn & 1)
			store(m + vpn * PAGE, vpn, 2);
	need(mremap(m, NR * PAGE, 40 * PAGE, 0) == m, "shrink: %s", strerror(errno));
	same(m, 0, 40);
	expect(try_load(m + 40 * PAGE, NULL) == SIGSEGV, "the cut part can be read");
	to = mmap(NULL, NR * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(to != MAP_FAILED, "mmap: %s", strerror(errno));
	need(mremap(m, 40 * PAGE, 40 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to, "move: %s",
	     strerror(errno));
	expect(try_load(m, NULL) == SIGSEGV, "the old place can be read");
	same(to, 0, 40);
	for (vpn = 0; vpn < 40; vpn++)
		store(to + vpn * PAGE, vpn, 3);
	make_absent(fd, to, 40 * PAGE);
	same(to, 0, 40);
	/* A piece out of the middle goes elsewhere, and grows there if the kernel lets it. */
	back = mremap(to + 10 * PAGE, 10 * PAGE, 10 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, m);
	need(back == m, "move of a piece: %s", strerror(errno));
	same(m, 10, 10);
	same(to, 0, 10);
	same(to + 20 * PAGE, 20, 20);
	store(m, 10, 4);
	back = mremap(m, 10 * PAGE, 30 * PAGE, MREMAP_MAYMOVE);
	if (back == MAP_FAILED) {
		diag("a mapping may not grow: %s", strerror(errno));
		/* The kernel grows in place by a merge, which VM_MIXEDMAP rules out. */
		expect(errno == EFAULT || errno == ENOMEM, "%s", strerror(errno));
		back = m;
	} else {
		same(back, 10, 30);
		store(back + 29 * PAGE, 39, 5);
		need_ok(munmap(back + 10 * PAGE, 20 * PAGE));
	}
	need_ok(munmap(back, 10 * PAGE));
	end(to, NR * PAGE);
}

/* What only helps must not change anything. */
static void advice(void)
{
	static const struct {
		int advice;
		const char *name;
		bool may_refuse;
	} all[] = {
		{ MADV_WILLNEED, "WILLNEED", false }, { MADV_SEQUENTIAL, "SEQUENTIAL", false },
		{ MADV_RANDOM, "RANDOM", false }, { MADV_DONTNEED, "DONTNEED", false },
		{ MADV_NORMAL, "NORMAL", false }, { MADV_DONTDUMP, "DONTDUMP", false },
		{ MADV_DODUMP, "DODUMP", true }, { MADV_DONTFORK, "DONTFORK", false },
		{ MADV_DOFORK, "DOFORK", true }, { MADV_HUGEPAGE, "HUGEPAGE", true },
		{ MADV_NOHUGEPAGE, "NOHUGEPAGE", true }, { MADV_COLD, "COLD", true },
		{ MADV_PAGEOUT, "PAGEOUT", true }, { MADV_MERGEABLE, "MERGEABLE", true },
		{ MADV_POPULATE_READ, "POPULATE_READ", false },
		{ MADV_POPULATE_WRITE, "POPULATE_WRITE", false },
	};
	static const int file_advice[] = { POSIX_FADV_NORMAL, POSIX_FADV_RANDOM,
					   POSIX_FADV_SEQUENTIAL, POSIX_FADV_WILLNEED,
					   POSIX_FADV_DONTNEED };
	u64 i, vpn;
	int ret;

	begin();
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		for (vpn = i % 3; vpn < NR; vpn += 3)
			store(m + vpn * PAGE, vpn, 10 + i);
		ret = madvise(m, NR * PAGE, all[i].advice);
		expect(!ret || (all[i].may_refuse && errno == EINVAL), "MADV_%s: %s", all[i].name,
		       strerror(errno));
		same(m, 0, NR);
		/* On a single page in the middle too, which splits the mapping. */
		madvise(m + (i + 3) * PAGE, PAGE, all[i].advice);
		store(m + (i + 3) * PAGE, i + 3, 50 + i);
		same(m, 0, NR);
		if (i & 1)
			make_absent(fd, m, NR * PAGE);
		same(m, 0, NR);
	}
	expect_errno(madvise(m, NR * PAGE, MADV_FREE), EINVAL);
	same(m, 0, NR);
	for (i = 0; i < ARRAY_SIZE(file_advice); i++) {
		store(m + i * PAGE, i, 100 + i);
		ret = posix_fadvise(fd, 0, 0, file_advice[i]);
		expect(!ret, "posix_fadvise %d: %s", file_advice[i], strerror(ret));
		same(m, 0, NR);
	}
	end(m, NR * PAGE);
}

/* POPULATE brings pages in: that is what it is there for. */
static void populate(void)
{
	u8 *populated;

	begin();
	need_ok(madvise(m, NR * PAGE, MADV_POPULATE_READ));
	expect(resident_pages(fd, 0, 0, malloc(PAGE)) == NR, "POPULATE_READ left pages out");
	make_absent(fd, m, NR * PAGE);
	populated = map(fd, NR * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE);
	expect(resident_pages(fd, 0, 0, malloc(PAGE)) == NR, "MAP_POPULATE left pages out");
	same(populated, 0, NR);
	need_ok(munmap(populated, NR * PAGE));
	end(m, NR * PAGE);
}

/* MADV_REMOVE punches the file behind a mapping: the device has no holes to punch. */
static void madv_remove(void)
{
	begin();
	store(m + 5 * PAGE, 5, 2);
	expect(madvise(m + 4 * PAGE, 4 * PAGE, MADV_REMOVE) == -1, "MADV_REMOVE gave 0");
	expect(errno == ENODEV || errno == EOPNOTSUPP || errno == EINVAL, "%s", strerror(errno));
	same(m, 0, NR);
	end(m, NR * PAGE);
}

/* mincore sees what is mapped, and not what has gone. */
static void mincore_sees(void)
{
	unsigned char in[NR];
	u64 vpn, n = 0;
	u8 value;

	begin();
	make_absent(fd, m, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn += 4)
		need(!try_load(m + vpn * PAGE, &value), "page %ju", (uintmax_t)vpn);
	need_ok(mincore(m, NR * PAGE, in));
	for (vpn = 0; vpn < NR; vpn += 4)
		expect(in[vpn] & 1, "page %ju was touched and is not in core", (uintmax_t)vpn);
	make_absent(fd, m, NR * PAGE);
	need_ok(mincore(m, NR * PAGE, in));
	for (vpn = 0; vpn < NR; vpn++)
		n += in[vpn] & 1;
	expect(!n, "%ju pages are in core after eviction", (uintmax_t)n);
	end(m, NR * PAGE);
}

static void locks(void)
{
	u64 vpn;

	begin();
	need_ok(mlock(m, 8 * PAGE));
	need_ok(mlock2(m + 16 * PAGE, 8 * PAGE, MLOCK_ONFAULT));
	for (vpn = 0; vpn < NR; vpn++)
		store(m + vpn * PAGE, vpn, 2);
	if (plain) {
		expect_errno(msync(m, 8 * PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
		expect_errno(madvise(m, 8 * PAGE, MADV_DONTNEED), EINVAL);
	}
	squeeze(3 * MIB);
	same(m, 0, NR);
	need_ok(munlock(m, 4 * PAGE));
	need_ok(munmap(m + 2 * PAGE, PAGE));		/* unlocked */
	need_ok(munmap(m + 6 * PAGE, PAGE));		/* locked */
	need_ok(munlockall());
	same(m, 0, 2);
	end(m, NR * PAGE);
}

static void msync_kinds(void)
{
	u64 vpn, bytes;
	u8 *is;

	begin();
	for (vpn = 0; vpn < NR; vpn++)
		store(m + vpn * PAGE, vpn, 2);
	need_ok(msync(m, NR * PAGE, MS_ASYNC));
	same(m, 0, NR);
	need_ok(msync(m, NR * PAGE, MS_SYNC));
	is = file_load(path, &bytes);
	expect(bytes_are(is, model, NR * PAGE, 0), "the file after MS_SYNC");
	for (vpn = 0; vpn < NR; vpn += 2)
		store(m + vpn * PAGE, vpn, 3);
	need_ok(msync(m, NR * PAGE, MS_SYNC | MS_INVALIDATE));
	same(m, 0, NR);
	is = file_load(path, &bytes);
	expect(bytes_are(is, model, NR * PAGE, 0), "the file after MS_SYNC | MS_INVALIDATE");
	expect_errno(msync(m, NR * PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	expect_errno(msync(m + 1, PAGE, MS_SYNC), EINVAL);
	/* Over a hole: what is mapped is written, and ENOMEM tells of the hole. */
	store(m + 30 * PAGE, 30, 4);
	need_ok(munmap(m + 10 * PAGE, PAGE));
	expect_errno(msync(m, NR * PAGE, MS_SYNC), ENOMEM);
	is = file_load(path, &bytes);
	expect(bytes_are(is, model, NR * PAGE, 0), "the file after msync over a hole");
	end(m, NR * PAGE);
}

/* Allowed to map, not to touch; and the kernel gets EFAULT where a program gets SIGBUS. */
static void past_the_end(void)
{
	u8 *far, *deep;
	int p[2];
	u64 vpn;

	begin();
	need_ok(pipe(p));
	need_ok(munmap(m, NR * PAGE));
	far = map(fd, (NR + 8) * PAGE, RW, MAP_SHARED);
	for (vpn = NR; vpn < NR + 8; vpn++) {
		expect(try_load(far + vpn * PAGE, NULL) == SIGBUS, "page %ju was read",
		       (uintmax_t)vpn);
		expect(try_store(far + vpn * PAGE, 1) == SIGBUS, "page %ju was stored to",
		       (uintmax_t)vpn);
	}
	same(far, 0, NR);
	expect_errno(write(p[1], far + NR * PAGE, 10), EFAULT);
	need(write(p[1], "0123456789", 10) == 10, "pipe");
	expect_errno(read(p[0], far + NR * PAGE, 10), EFAULT);
	store(far + (NR - 1) * PAGE, NR - 1, 2);
	deep = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 1ull << 40);
	if (expect(deep != MAP_FAILED, "mmap far past the end: %s", strerror(errno))) {
		expect(try_load(deep, NULL) == SIGBUS, "read far past the end");
		need_ok(munmap(deep, 2 * PAGE));
	}
	deep = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, NR * PAGE);
	if (expect(deep != MAP_FAILED, "private mmap past the end: %s", strerror(errno))) {
		expect(try_load(deep, NULL) == SIGBUS, "private read past the end");
		expect(try_store(deep, 1) == SIGBUS, "private store past the end");
		need_ok(munmap(deep, PAGE));
	}
	expect(file_size(path) == NR * PAGE, "the file grew");
	end(far, (NR + 8) * PAGE);
}

/* A mapping put together from single pages, backwards, with gaps in the file's order. */
static void pieces(void)
{
	u8 *base = mmap(NULL, NR * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u64 i, vpn;

	begin();
	need(base != MAP_FAILED, "mmap");
	for (i = NR; i-- > 0;) {
		vpn = i * 37 % NR;
		need(mmap(base + i * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, vpn * PAGE) ==
		     base + i * PAGE, "mmap: %s", strerror(errno));
	}
	for (i = 0; i < NR; i++) {
		vpn = i * 37 % NR;
		same(base + i * PAGE, vpn, 1);
		store(base + i * PAGE, vpn, 2);
	}
	same(m, 0, NR);
	need_ok(msync(base, NR * PAGE, MS_SYNC));
	for (i = 0; i < NR; i++)
		store(base + i * PAGE, i * 37 % NR, 3);
	need_ok(munmap(m, NR * PAGE));
	end(base, NR * PAGE);
}

/* One page at many addresses is one page. */
static void aliases(void)
{
	u8 *alias[16];
	u64 i, vpn;

	begin();
	for (i = 0; i < ARRAY_SIZE(alias); i++)
		alias[i] = map(fd, NR * PAGE, i & 1 ? PROT_READ : RW, MAP_SHARED);
	for (i = 0; i < ARRAY_SIZE(alias); i += 2) {
		for (vpn = 0; vpn < NR; vpn++)
			store(alias[i] + vpn * PAGE, vpn, 2 + i);
		same(alias[i + 1], 0, NR);
		same(m, 0, NR);
		if (i == 4)
			make_absent(fd, m, NR * PAGE);
		same(alias[15 - i], 0, NR);
	}
	for (i = 0; i < ARRAY_SIZE(alias); i++)
		need_ok(munmap(alias[i], NR * PAGE));
	end(m, NR * PAGE);
}

static long rss_kib(const void *where)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, last;
	char line[512];
	bool here = false;
	long rss = -1;

	need(f, "smaps: %s", strerror(errno));
	while (rss < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &last) == 2)
			here = start == (unsigned long)where;
		else if (here)
			sscanf(line, "Rss: %ld", &rss);
	}
	fclose(f);
	return rss;
}

/* The resident set in smaps counts frames that are mapped, and lets go of them. */
static void rss(void)
{
	u64 vpn;
	long is;

	begin();
	for (vpn = 0; vpn < NR; vpn++)
		store(m + vpn * PAGE, vpn, 2);
	is = rss_kib(m);
	expect(is == NR * 4, "Rss %ld KiB with %lu pages touched", is, NR);
	make_absent(fd, m, NR * PAGE);
	is = rss_kib(m);
	expect(!is, "Rss %ld KiB after eviction", is);
	same(m, 0, NR);
	need_ok(madvise(m, NR * PAGE / 2, MADV_DONTNEED));
	is = rss_kib(m);
	expect(is == NR * 2, "Rss %ld KiB after DONTNEED of one half", is);
	same(m, 0, NR);
	end(m, NR * PAGE);
}

/* Accesses that need two pages at once, at every odd place, in the smallest pool under pressure. */
static void unaligned(void)
{
	u64 ops = scaled(20000), bytes = 1200 * PAGE, i, at, to, len, n;
	char *big;
	struct rnd r;
	u8 *mem, *copy, *src, *dst;
	int b;

	pool_use(2 * MIB);
	big = file_make("big", bytes, 1);
	copy = model_make(bytes, 1);
	rnd_init(&r, 3);
	b = space_attach(big, O_RDWR);
	id = space_id(b);
	mem = map(b, bytes, RW, MAP_SHARED);
	for (i = 0; i < ops; i++) {
		at = PAGE * rnd_below(&r, 1199) + PAGE - 1 - rnd_below(&r, 8);
		to = PAGE * rnd_below(&r, 1199) + PAGE - 1 - rnd_below(&r, 8);
		len = 1 + rnd_below(&r, 32);
		switch (rnd_below(&r, 3)) {
		case 0:				/* one instruction, up to four pages */
			src = mem + at;
			dst = mem + to;
			n = len;
			asm volatile("rep movsb" : "+S"(src), "+D"(dst), "+c"(n) : : "memory");
			for (n = 0; n < len; n++)	/* forwards, as movsb goes */
				copy[to + n] = copy[at + n];
			break;
		case 1:
			*(volatile u64 *)(mem + to) = i;
			*(u64 *)(copy + to) = i;
			break;
		case 2:
			expect(*(volatile u64 *)(mem + at) == *(u64 *)(copy + at), "at %#jx",
			       (uintmax_t)at);
			break;
		}
	}
	expect(bytes_are(mem, copy, bytes, 0), "mapping and model");
	need_ok(munmap(mem, bytes));
	space_gone(b, id);
	expect_file(big, copy, bytes);
}

/* ---- what the kernel counts ---- */

static void touch_all(struct rusage *counted)
{
	struct rusage before;
	u64 vpn;

	need_ok(getrusage(RUSAGE_THREAD, &before));
	for (vpn = 0; vpn < NR; vpn++)
		expect(!try_load(m + vpn * PAGE, NULL), "page %ju", (uintmax_t)vpn);
	need_ok(getrusage(RUSAGE_THREAD, counted));
	counted->ru_majflt -= before.ru_majflt;
	counted->ru_minflt -= before.ru_minflt;
}

/* A page that has to be read is one major fault, whether it has to be waited for or not. */
static void counts_of(const char *file)
{
	struct framepool_space s = { .size = sizeof(s) };
	struct rusage counted;

	attach_block = FRAMEPOOL_BLOCK_1;
	fd = space_attach(file, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	need_ok(madvise(m, NR * PAGE, MADV_RANDOM));
	touch_all(&counted);
	space_info(fd, &s);
	expect(counted.ru_majflt == (long)NR && s.major_faults == NR,
	       "%ld major faults, of the space %ju", counted.ru_majflt, (uintmax_t)s.major_faults);
	need_ok(madvise(m, NR * PAGE, MADV_DONTNEED));
	touch_all(&counted);
	space_info(fd, &s);
	expect(!counted.ru_majflt && counted.ru_minflt >= (long)NR && s.minor_faults == NR,
	       "then %ld major, %ld minor, of the space %ju", counted.ru_majflt,
	       counted.ru_minflt, (uintmax_t)s.minor_faults);
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
}

static void counted_once(void)
{
	char in_memory[32];
	int f;

	pool_use(2 * MIB);
	counts_of(file_make("file", NR * PAGE, 1));
	/* Of a file that is memory a worker reads, and the fault is tried again. */
	f = need_ok(memfd_create("counted", MFD_CLOEXEC));
	need_ok(ftruncate(f, NR * PAGE));
	snprintf(in_memory, sizeof(in_memory), "/proc/self/fd/%d", f);
	counts_of(in_memory);
	close(f);
}

static const struct test tests[] = {
	{ "munmap in the middle", munmap_middle, 0 },
	{ "mprotect of single pages", mprotect_middle, 0 },
	{ "mremap shrinks, moves and grows", mremap_moves, 0 },
	{ "advice changes no byte", advice, 0 },
	{ "POPULATE brings pages in", populate, T_DEVICE },
	{ "MADV_REMOVE is refused", madv_remove, T_DEVICE },
	{ "mincore", mincore_sees, T_DEVICE },
	{ "mlock locks nothing and harms nothing", locks, 0 },
	{ "msync of every kind", msync_kinds, 0 },
	{ "past the end: SIGBUS, and EFAULT for the kernel", past_the_end, 0 },
	{ "a mapping of single pages", pieces, 0 },
	{ "one page at many addresses", aliases, 0 },
	{ "Rss in smaps", rss, 0 },
	{ "a fault is counted once", counted_once, T_DEVICE },
	{ "accesses across pages under pressure", unaligned, 0 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
