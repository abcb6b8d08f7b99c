// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints, and what leaves first for them: by madvise, posix_fadvise and the ioctl, with each policy.
 *
 * A file has two parts that were used alike, A first; so what is older, and leaves first where no
 * hint is heard, is A.  The hint is about B, or spares A.  Then other pages need a part of the frames,
 * and which part of the file has paid for them tells whether the hint was heard.
 */
#include "test.h"

#define RW		(PROT_READ | PROT_WRITE)
#define PART		250UL			/* pages */
#define BOTH		(2 * PART)
#define NEED		200UL			/* frames that others want of ours, about */

static const char *const policies[] = { "tenure", "clock", "lru2", "fifo" };

static char *path;
static int fd;

/* The pages leave no frame free, or nearly so: what comes next needs theirs. */
static u64 filler_pages(void)
{
	struct framepool_pool p;

	need(pool_info(pool, &p), "the pool");
	need(p.free > BOTH + 100, "%ju frames are free", (uintmax_t)p.free);
	return p.free - BOTH - 32;
}

static void use(int through, u64 first, u64 nr)
{
	static u8 page[PAGE];
	u64 i;

	for (i = first; i < first + nr; i++) {
		need(pread(through, page, PAGE, i * PAGE) == PAGE, "page %ju", (uintmax_t)i);
		expect(page_is(page, i, 1), "page %ju", (uintmax_t)i);
	}
}

static int filler;

/* A pool with @policy, all of it in use but for the file's pages. Pinned, what fills it never leaves. */
static void scene(const char *policy)
{
	struct framepool_range r;
	u64 nr;

	pool_use_policy(4 * MIB, policy);
	attach_block = FRAMEPOOL_BLOCK_1;
	nr = filler_pages();
	filler = space_attach(file_make("filler", nr * PAGE, 3), O_RDWR);
	need_ok(range_op(filler, FRAMEPOOL_PIN, 0, 0, &r));
	path = file_make("file", BOTH * PAGE, 1);
	fd = space_attach(path, O_RDWR);
}

static void scene_over(void)
{
	struct framepool_pool_destroy d = { .size = sizeof(d) };
	u32 id = space_id(fd), filler_id = space_id(filler);

	space_gone(fd, id);
	space_gone(filler, filler_id);
	memcpy(d.name, pool, sizeof(d.name));
	need_ok(ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &d));
}

static void press(void)
{
	int other = space_attach(file_make("other", NEED * PAGE, 1), O_RDWR);
	u32 id = space_id(other);

	use(other, 0, NEED);
	space_gone(other, id);
}

static u64 gone(u64 first, u64 nr)
{
	u8 bitmap[BOTH / 8 + 1];

	return nr - resident_pages(fd, first * PAGE, nr * PAGE, bitmap);
}

/* The second part has paid, but for a page in twenty. */
static void expect_b_paid(const char *policy, const char *hint)
{
	u64 a = gone(0, PART), b = gone(PART, PART);

	expect(a + b > NEED / 2, "%s, %s: only %ju left: no pressure", policy, hint,
	       (uintmax_t)(a + b));
	expect(a * 20 <= a + b, "%s, %s: %ju of A left and %ju of B", policy, hint, (uintmax_t)a,
	       (uintmax_t)b);
}

/* Neither hint nor difference: the older part pays. What the tests rest on. */
static void no_hint(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		scene(policies[i]);
		use(fd, 0, BOTH);
		use(fd, 0, BOTH);
		press();
		expect(gone(0, PART) > gone(PART, PART), "%s: %ju of A left and %ju of B",
		       policies[i], (uintmax_t)gone(0, PART), (uintmax_t)gone(PART, PART));
		scene_over();
	}
}

static int advise(int through, u64 first, u64 nr, u32 advice, u64 *done)
{
	struct framepool_advise a = { .size = sizeof(a), .offset = first * PAGE,
				      .length = nr * PAGE, .advice = advice };
	int ret = ioctl(through, FRAMEPOOL_ADVISE, &a);

	*done = a.done;
	return ret;
}

static void noreuse(void)
{
	u64 done, again = 40;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		const char *policy = policies[i];
		int second;

		scene(policy);
		second = space_attach(path, O_RDWR);
		use(fd, 0, BOTH);
		use(fd, 0, BOTH);
		if (i % 2) {
			need_ok(posix_fadvise(second, PART * PAGE, PART * PAGE,
					      POSIX_FADV_NOREUSE));
		} else {
			need_ok(advise(second, PART, PART, FRAMEPOOL_ADVICE_NOREUSE, &done));
			expect(done == PART, "%s: %ju pages", policy, (uintmax_t)done);
		}
		/* Somebody uses some of it after all. FIFO does not ask. */
		use(fd, PART, again);
		press();
		expect_b_paid(policy, "NOREUSE");
		if (strcmp(policy, "fifo"))
			expect(gone(PART, again) <= 2, "%s: %ju of %ju left that were used again",
			       policy, (uintmax_t)gone(PART, again), (uintmax_t)again);
		close(second);
		scene_over();
	}
}

/* Of the descriptor: what is read through it leaves first, though it was read last, and twice. */
static void descriptor(int advice)
{
	u64 others = 40;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		int second;

		scene(policies[i]);
		second = space_attach(path, O_RDWR);
		need_ok(posix_fadvise(second, 0, 0, advice));
		use(fd, 0, PART);
		use(fd, 0, PART);
		use(second, PART, PART);
		/* Others use some of it, too. */
		use(fd, PART, others);
		use(second, PART, PART);
		press();
		expect_b_paid(policies[i], "descriptor");
		if (strcmp(policies[i], "fifo"))
			expect(gone(PART, others) <= 2, "%s: %ju of %ju left that others use",
			       policies[i], (uintmax_t)gone(PART, others), (uintmax_t)others);
		close(second);
		scene_over();
	}
}

static void descriptor_noreuse(void)
{
	descriptor(POSIX_FADV_NOREUSE);
}

static void descriptor_sequential(void)
{
	descriptor(POSIX_FADV_SEQUENTIAL);
}

static void load_all(const volatile u8 *m, u64 nr)
{
	u64 i;

	for (i = 0; i < nr; i++)
		(void)m[i * PAGE];
}

/* Behind a sequential reader of a mapping. */
static void sequential(void)
{
	u64 others = 40;
	size_t i;
	u8 *m;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		scene(policies[i]);
		m = map(fd, BOTH * PAGE, PROT_READ, MAP_SHARED);
		need_ok(madvise(m + PART * PAGE, PART * PAGE, MADV_SEQUENTIAL));
		load_all(m, PART);
		use(fd, 0, PART);
		load_all(m + PART * PAGE, PART);
		/* Others use some of it, too. */
		use(fd, PART, others);
		press();
		expect_b_paid(policies[i], "MADV_SEQUENTIAL");
		if (strcmp(policies[i], "fifo"))
			expect(gone(PART, others) <= 2, "%s: %ju of %ju left that others use",
			       policies[i], (uintmax_t)gone(PART, others), (uintmax_t)others);
		need_ok(munmap(m, BOTH * PAGE));
		scene_over();
	}
}

/*
 * Uses by a mapping of a descriptor with such advice, one after the other and ended by -1: do they
 * count?  B is to leave first, unless it is used; and it is, through the mapping.
 */
static bool uses_count(const int *of_descriptor, int of_mapping)
{
	int second;
	bool count;
	u64 done;
	u8 *b;

	scene("clock");
	second = space_attach(path, O_RDWR);
	use(fd, 0, BOTH);
	need_ok(advise(fd, 0, BOTH, FRAMEPOOL_ADVICE_NOREUSE, &done));
	need_ok(advise(fd, 0, 0, FRAMEPOOL_ADVICE_NORMAL, &done));
	for (; *of_descriptor >= 0; of_descriptor++)
		need_ok(posix_fadvise(second, 0, 0, *of_descriptor));
	/* A new mapping: no processor remembers an entry of it. */
	b = mmap(NULL, PART * PAGE, PROT_READ, MAP_SHARED, second, PART * PAGE);
	need(b != MAP_FAILED, "mmap");
	need_ok(madvise(b, PART * PAGE, of_mapping));
	load_all(b, PART);
	press();
	count = gone(0, PART) > gone(PART, PART);
	diag("%ju of A and %ju of B left", (uintmax_t)gone(0, PART), (uintmax_t)gone(PART, PART));
	need_ok(munmap(b, PART * PAGE));
	close(second);
	scene_over();
	return count;
}

static void who_counts(void)
{
	static const int none[] = { -1 };
	static const int random[] = { POSIX_FADV_RANDOM, -1 };
	static const int sequential[] = { POSIX_FADV_SEQUENTIAL, -1 };
	static const int noreuse[] = { POSIX_FADV_NOREUSE, -1 };

	expect(uses_count(none, MADV_NORMAL), "without advice");
	expect(uses_count(none, MADV_RANDOM), "MADV_RANDOM");
	expect(!uses_count(none, MADV_SEQUENTIAL), "MADV_SEQUENTIAL");
	expect(uses_count(random, MADV_NORMAL), "a random descriptor");
	expect(!uses_count(sequential, MADV_NORMAL), "a sequential descriptor");
	expect(!uses_count(noreuse, MADV_NORMAL), "a descriptor with NOREUSE");
}

/* A mapping's own advice goes before its descriptor's, of which the last is in force. */
static void which_advice_holds(void)
{
	static const int sequential[] = { POSIX_FADV_SEQUENTIAL, -1 };
	static const int random[] = { POSIX_FADV_RANDOM, -1 };
	static const int no_longer[] = { POSIX_FADV_SEQUENTIAL, POSIX_FADV_NORMAL, -1 };
	static const int reused[] = { POSIX_FADV_NOREUSE, POSIX_FADV_NORMAL, -1 };
	static const int still[] = { POSIX_FADV_NOREUSE, POSIX_FADV_RANDOM, -1 };

	expect(uses_count(sequential, MADV_RANDOM), "random of sequential");
	expect(!uses_count(random, MADV_SEQUENTIAL), "sequential of random");
	expect(uses_count(no_longer, MADV_NORMAL), "sequential no longer");
	expect(uses_count(reused, MADV_NORMAL), "NOREUSE no longer");
	expect(!uses_count(still, MADV_NORMAL), "NOREUSE still");
}

/* All pages are to leave first; those that will be needed are not. */
static void willneed(void)
{
	static const char *const asking[] = { "clock", "lru2", "tenure" };
	u64 done;
	size_t i;
	u8 *m;

	for (i = 0; i < ARRAY_SIZE(asking); i++) {
		scene(asking[i]);
		use(fd, 0, BOTH);
		need_ok(advise(fd, PART, PART, FRAMEPOOL_ADVICE_NOREUSE, &done));
		need_ok(advise(fd, 0, PART, FRAMEPOOL_ADVICE_NOREUSE, &done));
		m = map(fd, PART * PAGE, PROT_READ, MAP_SHARED);
		if (i == 0) {
			need_ok(advise(fd, 0, PART, FRAMEPOOL_ADVICE_WILLNEED, &done));
			expect(done == PART, "%ju pages", (uintmax_t)done);
		} else if (i == 1) {
			need_ok(posix_fadvise(fd, 0, PART * PAGE, POSIX_FADV_WILLNEED));
		} else {
			need_ok(madvise(m, PART * PAGE, MADV_WILLNEED));
		}
		press();
		expect_b_paid(asking[i], "WILLNEED");
		need_ok(munmap(m, PART * PAGE));
		scene_over();
	}
}

#define TOGETHER	16UL		/* pages of a block */

/*
 * A page that was brought for somebody is not the next to leave before he has been here: CLOCK's
 * hand passes it once, as if it had been used, and takes those that came with another.  (The other
 * policies give every new page time, or none.)  Who reads A leaves no other mark.
 */
static void brought_for_somebody(void)
{
	struct framepool_block many = { .size = sizeof(many), .block_type = FRAMEPOOL_BLOCK_16 };
	int once;
	u64 vpn;
	u8 byte;

	scene("clock");
	once = space_attach(path, O_RDWR);
	need_ok(posix_fadvise(once, 0, 0, POSIX_FADV_NOREUSE));
	for (vpn = 0; vpn < PART; vpn++)
		need(pread(once, &byte, 1, vpn * PAGE) == 1, "page %ju", (uintmax_t)vpn);
	need_ok(ioctl(fd, FRAMEPOOL_SET_BLOCK, &many));
	for (vpn = PART + TOGETHER - PART % TOGETHER; vpn < BOTH; vpn += TOGETHER)
		need(pread(once, &byte, 1, vpn * PAGE) == 1, "page %ju", (uintmax_t)vpn);
	need(gone(0, BOTH) < TOGETHER, "%ju are not there", (uintmax_t)gone(0, BOTH));
	press();
	expect_b_paid("clock", "brought");
	need_ok(close(once));
	scene_over();
}

static void dontneed(void)
{
	u64 done;

	scene("");
	use(fd, 0, BOTH);
	need_ok(advise(fd, PART, PART / 2, FRAMEPOOL_ADVICE_DONTNEED, &done));
	expect(done == PART / 2, "%ju pages left", (uintmax_t)done);
	expect(gone(PART, PART) == PART / 2, "%ju of B are gone", (uintmax_t)gone(PART, PART));
	need_ok(posix_fadvise(fd, PART * PAGE, PART * PAGE, POSIX_FADV_DONTNEED));
	expect(gone(PART, PART) == PART, "%ju of B are gone", (uintmax_t)gone(PART, PART));
	expect(!gone(0, PART), "%ju of A are gone", (uintmax_t)gone(0, PART));
	need_ok(advise(fd, 0, BOTH, FRAMEPOOL_ADVICE_WILLNEED, &done));
	expect(done == BOTH, "%ju pages", (uintmax_t)done);
	use(fd, 0, BOTH);
	scene_over();
}

/* Of a shared mapping: it unmaps and no more, so what is older leaves first, as without it. */
static void dontneed_of_a_mapping(void)
{
	struct framepool_space s;
	u64 fills, a, b;
	size_t i;
	u8 *m;

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		scene(policies[i]);
		m = map(fd, BOTH * PAGE, PROT_READ, MAP_SHARED);
		load_all(m, BOTH);
		load_all(m, BOTH);
		space_info(fd, &s);
		fills = s.fills;
		need_ok(madvise(m + PART * PAGE, PART * PAGE, MADV_DONTNEED));
		expect(!gone(0, BOTH), "%s: %ju pages left for it", policies[i],
		       (uintmax_t)gone(0, BOTH));
		load_all(m + PART * PAGE, 10);
		space_info(fd, &s);
		expect(s.fills == fills, "%s: %ju pages were read again", policies[i],
		       (uintmax_t)(s.fills - fills));
		press();
		a = gone(0, PART);
		b = gone(PART, PART);
		diag("%s: %ju of A left and %ju of B", policies[i], (uintmax_t)a, (uintmax_t)b);
		expect(a + b > NEED / 2, "%s: only %ju left: no pressure", policies[i],
		       (uintmax_t)(a + b));
		expect(a > b, "%s: what was advised away left first", policies[i]);
		need_ok(munmap(m, BOTH * PAGE));
		scene_over();
	}
}

/* RANDOM of a descriptor: one page at a time, where a stream would have been followed. */
static void random_reads(void)
{
	struct framepool_space s;
	u64 fills[3], i;
	static const int advice[] = { POSIX_FADV_NORMAL, POSIX_FADV_RANDOM,
				      POSIX_FADV_SEQUENTIAL };

	pool_use(4 * MIB);
	path = file_make("file", BOTH * PAGE, 1);
	for (i = 0; i < 3; i++) {
		fd = space_attach(path, O_RDWR);
		need_ok(posix_fadvise(fd, 0, 0, advice[i]));
		use(fd, 100, 20);
		usleep(100000);
		space_info(fd, &s);
		fills[i] = s.fills;
		space_gone(fd, s.space);
	}
	expect(fills[1] == 20, "%ju pages were fetched for random reads", (uintmax_t)fills[1]);
	expect(fills[0] > 20, "%ju pages were fetched without advice", (uintmax_t)fills[0]);
	expect(fills[2] > 60, "%ju pages were fetched for sequential reads", (uintmax_t)fills[2]);
}

static void refused(void)
{
	struct framepool_advise a = { .size = sizeof(a) };
	u64 done;

	scene("");
	use(fd, 0, BOTH);
	a.advice = FRAMEPOOL_ADVICE_NOREUSE + 1;
	expect_errno(ioctl(fd, FRAMEPOOL_ADVISE, &a), EINVAL);
	a.advice = FRAMEPOOL_ADVICE_DONTNEED;
	a.offset = 1;
	expect_errno(ioctl(fd, FRAMEPOOL_ADVISE, &a), EINVAL);
	a.offset = 0;
	a.length = BOTH * PAGE + 1;
	expect_errno(ioctl(fd, FRAMEPOOL_ADVISE, &a), EINVAL);
	a.length = 0;
	a.flags = 1;
	expect_errno(ioctl(fd, FRAMEPOOL_ADVISE, &a), EINVAL);
	expect_errno(ioctl(control_fd(), FRAMEPOOL_ADVISE, &a), ENOTTY);
	expect(posix_fadvise(fd, 0, 0, 77) == EINVAL, "advice 77");
	expect(!gone(0, BOTH), "%ju pages are gone", (uintmax_t)gone(0, BOTH));
	/* Past the end there is nothing to say anything about. */
	need_ok(advise(fd, BOTH, 0, FRAMEPOOL_ADVICE_DONTNEED, &done));
	expect(!done, "%ju pages", (uintmax_t)done);
	scene_over();
}

static const struct test tests[] = {
	{ "without a hint the older part leaves", no_hint, T_DEVICE },
	{ "NOREUSE leaves first, unless it is used again", noreuse, T_DEVICE },
	{ "what is read through a descriptor with NOREUSE leaves first", descriptor_noreuse,
	  T_DEVICE },
	{ "what is read through a sequential descriptor leaves first", descriptor_sequential,
	  T_DEVICE },
	{ "what is behind a sequential reader leaves first", sequential, T_DEVICE },
	{ "whose uses count", who_counts, T_DEVICE },
	{ "which advice holds", which_advice_holds, T_DEVICE },
	{ "WILLNEED stays", willneed, T_DEVICE },
	{ "what was brought for somebody stays", brought_for_somebody, T_DEVICE },
	{ "DONTNEED has left", dontneed, T_DEVICE },
	{ "MADV_DONTNEED unmaps, and nothing leaves for it", dontneed_of_a_mapping, T_DEVICE },
	{ "random reads fetch one page at a time", random_reads, T_DEVICE },
	{ "bad advice: EINVAL", refused, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
