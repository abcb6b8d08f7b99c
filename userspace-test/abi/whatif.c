// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a pool says that it would have missed under another policy, or with another size, is what
 * pools of that policy, or that size, do miss: the same references are made in each, and counted.
 */
#include "test.h"

#include <math.h>

#define RW		(PROT_READ | PROT_WRITE)
#define POOL		(32 * MIB)
#define RAM		"/dev/ram0"

/*
 * How far off it may be, in parts of what it says, but of 1 at least: a sample of one in 72 pages has
 * its luck, and a TLB forgets to set accessed bits that were cleared behind its back.
 */
#define TOLERANCE	0.15
/*
 * Each space that is attached has another sample.  132 of a loop's 9,500 pages are expected in one, give or
 * take 11: one in about ten is further off than that, but not three that follow one another.
 */
#define SAMPLES		3

struct row {
	char policy[16];
	unsigned int eighths;
	u64 misses, permille;
};

struct whatif {
	u64 sample, capacity, uses, first, looks, misses;
	struct row row[64];
	unsigned int nr;
};

static char *knob(void)
{
	static char at[256];

	snprintf(at, sizeof(at), "/sys/kernel/framepool/%s/whatif", pool);
	return at;
}

static FILE *table(const char *file)
{
	char at[256];

	snprintf(at, sizeof(at), "/sys/kernel/debug/framepool/%s/%s", pool, file);
	return fopen(at, "r");
}

/* 0, or the errno of the read. */
static int try_read(struct whatif *w)
{
	FILE *f = table("whatif");
	int got, err;

	need(f, "debugfs: %s", strerror(errno));
	memset(w, 0, sizeof(*w));
	errno = 0;
	got = fscanf(f, "sample %ju\ncapacity %ju\nuses %ju\nfirst %ju\nlooks %ju\nmisses %ju\n",
		     (uintmax_t *)&w->sample, (uintmax_t *)&w->capacity, (uintmax_t *)&w->uses,
		     (uintmax_t *)&w->first, (uintmax_t *)&w->looks, (uintmax_t *)&w->misses);
	err = errno;
	while (got == 6 && w->nr < ARRAY_SIZE(w->row)) {
		struct row *r = &w->row[w->nr];

		if (fscanf(f, "%15s %u %ju %ju\n", r->policy, &r->eighths, (uintmax_t *)&r->misses,
			   (uintmax_t *)&r->permille) != 4)
			break;
		w->nr++;
	}
	fclose(f);
	if (got != 6)
		return err ?: EPROTO;
	return 0;
}

static void read_table(struct whatif *w)
{
	int err = try_read(w);

	need(!err, "%s", strerror(err));
	expect(w->nr == 4 + 5 + 9, "%u rows", w->nr);
}

/* In parts of what the pool as it is has missed. */
static double said(const struct whatif *w, const char *policy, unsigned int eighths)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		if (w->row[i].eighths == eighths && !strcmp(w->row[i].policy, policy))
			return (double)w->row[i].misses / w->misses;
	need(false, "no row of %s, %u/8", policy, eighths);
	return 0;
}

static void expect_sound(void)
{
	FILE *f = table("check");
	char text[16] = "";

	need(f, "debugfs: %s", strerror(errno));
	expect(fgets(text, sizeof(text), f) && !strcmp(text, "ok\n"), "check: '%s'", text);
	fclose(f);
}

static void expect_off(void)
{
	char text[8] = "";
	struct whatif w;
	int err;

	expect(knob_read(knob(), text, sizeof(text)) && text[0] == '0', "%s: '%s'", knob(), text);
	err = try_read(&w);
	expect(err == ENODATA, "off: %s", strerror(err));
}

static void on_and_off(void)
{
	static const char *const bad[] = { "2", "x", "clearly", "-1" };
	char text[8] = "";
	struct whatif w;
	size_t i;

	pool_use(2 * MIB);
	expect_off();
	expect(!knob_write(knob(), "clear") && errno == ENODATA, "clear: %s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect(!knob_write(knob(), bad[i]) && errno == EINVAL, "'%s': %s", bad[i],
		       strerror(errno));
	expect_off();
	need(knob_write(knob(), "1"), "%s", strerror(errno));
	expect(knob_read(knob(), text, sizeof(text)) && text[0] == '1', "'%s'", text);
	read_table(&w);
	expect(!w.uses && !w.misses, "%ju uses of nothing", (uintmax_t)w.uses);
	squeeze(4 * MIB);
	read_table(&w);
	expect(w.uses && w.misses && w.first, "nothing seen");
	expect(w.capacity < 2 * MIB / PAGE, "of %ju frames", (uintmax_t)w.capacity);
	/* Turned on when it is on: nothing happens. */
	need(knob_write(knob(), "1"), "%s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect(!knob_write(knob(), bad[i]) && errno == EINVAL, "'%s'", bad[i]);
	read_table(&w);
	expect(w.uses, "forgotten");
	need(knob_write(knob(), "clear"), "%s", strerror(errno));
	read_table(&w);
	expect(w.misses < 10, "%ju misses after a clear", (uintmax_t)w.misses);
	expect_sound();
	need(knob_write(knob(), "off"), "%s", strerror(errno));
	expect_off();
	need(knob_write(knob(), "0"), "%s", strerror(errno));
	/* Once more, and the pool goes away with them. */
	need(knob_write(knob(), "on"), "%s", strerror(errno));
	squeeze(4 * MIB);
}

#define ONCE	3000UL		/* pages: some hundred are in the sample */

/* One load each, and no more; what was seen at once, and when all had time to be looked at. */
static void load_each(int fd, u64 first, u64 nr, struct whatif *at_once, struct whatif *later)
{
	u8 *m = map(fd, ONCE * PAGE, PROT_READ, MAP_SHARED);
	u64 vpn;

	need_ok(madvise(m, ONCE * PAGE, MADV_RANDOM));
	for (vpn = first; vpn < first + nr; vpn++)
		(void)*(volatile u8 *)(m + vpn * PAGE);
	read_table(at_once);
	usleep(1200000);		/* longer than the look ever pauses */
	read_table(later);
	need_ok(munmap(m, ONCE * PAGE));
}

/*
 * The accessed bit that a fault leaves is found by evictions, or by the look, and is no second use.
 * A load may fall between its fault and a look, seldom.
 */
static void bits_of_faults(void)
{
	char *path = file_make("once", ONCE * PAGE, 1);
	struct whatif at_once, w, again;
	int fd;

	pool_use(2 * MIB);
	need(knob_write(knob(), "1"), "%s", strerror(errno));
	fd = space_attach(path, O_RDONLY);
	load_each(fd, 0, ONCE, &at_once, &w);
	expect(w.first > 20 && w.looks, "%ju pages, %ju looks", (uintmax_t)w.first,
	       (uintmax_t)w.looks);
	expect(w.uses <= w.first + 2, "%ju uses of %ju pages", (uintmax_t)w.uses,
	       (uintmax_t)w.first);
	/* These are in memory, and fault once more. */
	load_each(fd, ONCE - 300, 300, &at_once, &again);
	expect(again.first == w.first, "%ju pages are new", (uintmax_t)(again.first - w.first));
	diag("%ju uses of %ju pages; then %ju", (uintmax_t)w.uses, (uintmax_t)w.first,
	     (uintmax_t)again.uses);
	expect(at_once.uses > w.uses, "no use was seen of pages that are there");
	expect(again.uses <= at_once.uses + 2, "%ju more uses",
	       (uintmax_t)(again.uses - at_once.uses));
	need_ok(close(fd));
}

/* On and off and clear while pages come and go: nothing breaks, and it always says something. */
static bool has_row(const struct whatif *w, const char *policy, unsigned int eighths)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		if (w->row[i].eighths == eighths && !strcmp(w->row[i].policy, policy))
			return true;
	return false;
}

/* What is asked of other sizes is asked of the policy that the pool has now. */
static void another_policy(void)
{
	char at[256];
	struct whatif w;

	pool_use(2 * MIB);
	need(knob_write(knob(), "1"), "%s", strerror(errno));
	squeeze(3 * MIB);
	read_table(&w);
	expect(has_row(&w, "tenure", 4) && !has_row(&w, "fifo", 4), "not of the pool's own policy");
	snprintf(at, sizeof(at), "/sys/kernel/framepool/%s/policy", pool);
	need(knob_write(at, "fifo"), "%s: %s", at, strerror(errno));
	read_table(&w);
	expect(has_row(&w, "fifo", 4) && !has_row(&w, "tenure", 4), "still of the policy before");
	expect_sound();
	squeeze(3 * MIB);
	read_table(&w);
	expect(w.misses, "it sees nothing any more");
	expect_sound();
}

static void under_load(void)
{
	unsigned int i, rounds = scaled(12);
	struct whatif w;
	pid_t child;
	int status;

	pool_use(2 * MIB);
	child = need_ok(fork());
	if (!child) {
		for (i = 0; i < rounds; i++)
			squeeze(4 * MIB);
		_exit(failures() ? FAILED : 0);
	}
	for (i = 0; waitpid(child, &status, WNOHANG) == 0; i++) {
		static const char *const what[] = { "1", "clear", "0" };
		int err;

		need(knob_write(knob(), what[i % 3]) || errno == ENODATA, "%s", strerror(errno));
		err = try_read(&w);
		expect(err == (i % 3 == 2 ? ENODATA : 0), "%s", strerror(err));
		expect_sound();
	}
	expect(WIFEXITED(status) && !WEXITSTATUS(status), "the load: %#x", status);
}

/* Patterns: the page of the i-th touch. */

/* How much larger than usual all is: the size of a pool decides what part of it is sampled. */
static u64 times = 1;

static u64 file_pages(void)
{
	return 24000 * times;
}

static u64 loop(u64 i, struct rnd *r)
{
	(void)r;
	return i % (9500 * times);
}

/* Some more wanted than others, spread over the file. */
static u64 zipf(u64 i, struct rnd *r)
{
	double u = (rnd_next(r) >> 11) / 0x1p53;
	u64 rank = pow(u * (pow(file_pages(), 0.2) - 1) + 1, 5) - 1;

	(void)i;
	return rank * 7919 % file_pages();
}

/* A hot set and a scan through it all. */
static u64 scan(u64 i, struct rnd *r)
{
	u64 hot = 3000 * times;

	if (i % 3)
		return rnd_below(r, hot);
	return hot + i / 3 % (file_pages() - hot);
}

struct pattern {
	const char *name;
	u64 (*page)(u64 i, struct rnd *r);
	u64 touches;
};

static void touch(const struct pattern *p, volatile u8 *m, u64 from, u64 to, struct rnd *r)
{
	u64 i;

	for (i = from; i < to; i++)
		(void)m[p->page(i, r) * PAGE];
}

static void drop_pool(void)
{
	struct framepool_pool_destroy d = { .size = sizeof(d) };

	memcpy(d.name, pool, sizeof(d.name));
	need_ok(ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &d));
}

/*
 * The pages that such a pool reads when it has warmed up: the first third of the touches does not
 * count.  With @w what it says itself.
 */
static u64 measure(const struct pattern *p, u64 bytes, const char *policy, struct whatif *w)
{
	struct framepool_pool before, after;
	u64 touches = p->touches * times;
	struct rnd r;
	u8 *m;
	int fd;

	pool_use_policy(bytes, policy);
	attach_block = FRAMEPOOL_BLOCK_1;
	if (w)
		need(knob_write(knob(), "1"), "%s", strerror(errno));
	fd = space_attach(RAM, O_RDWR);
	m = map(fd, file_pages() * PAGE, RW, MAP_SHARED);
	rnd_init(&r, 1);
	touch(p, m, 0, touches / 3, &r);
	need(pool_info(pool, &before), "the pool");
	if (w)
		need(knob_write(knob(), "clear"), "%s", strerror(errno));
	touch(p, m, touches / 3, touches, &r);
	need(pool_info(pool, &after), "the pool");
	if (w) {
		read_table(w);
		expect_sound();
	}
	munmap(m, file_pages() * PAGE);
	space_gone(fd, space_id(fd));
	drop_pool();
	return after.fills - before.fills;
}

/* What is asked of a sample, and the pages that such a pool reads. */
struct question {
	const char *policy;
	unsigned int eighths;
	u64 reads;
};

/* Is the sample right about everything? */
static bool is_near(const struct pattern *p, const struct whatif *w, u64 own,
		    const struct question *questions, unsigned int nr)
{
	const struct question *q;
	double is, says;
	bool near = true;

	for (q = questions; q < questions + nr; q++) {
		is = (double)q->reads / own;
		says = said(w, q->policy, q->eighths);
		diag("%s, %s, %u/8: said %.3f, is %.3f", p->name, q->policy, q->eighths, says, is);
		near &= fabs(says - is) <= TOLERANCE * fmax(is, 1);
	}
	return near;
}

static void facts(const struct pattern *p)
{
	struct question q[] = {
		{ "fifo", 8, 0 }, { "tenure", 4, 0 }, { "clock", 8, 0 }, { "lru2", 8, 0 },
		{ "tenure", 16, 0 },
	};
	unsigned int i, tries = 0, nr = scale > 1 ? 2 : ARRAY_SIZE(q);
	struct whatif w;
	bool near;
	u64 own;

	if (scale > 4 || (scale > 1 && p->page != zipf))
		skip("takes too long here");
	/* A device that takes no time: so many references take long enough. */
	if (access(RAM, R_OK | W_OK))
		skip("no " RAM);
	for (i = 0; i < nr; i++)
		q[i].reads = measure(p, times * POOL * q[i].eighths / 8, q[i].policy, NULL);
	do {
		own = measure(p, times * POOL, "tenure", &w);
		need(own && w.misses, "no misses");
		diag("%s: %ju pages read, %ju misses and %ju uses seen, one of %ju, %ju looks", p->name,
		     (uintmax_t)own, (uintmax_t)w.misses, (uintmax_t)w.uses, (uintmax_t)w.sample,
		     (uintmax_t)w.looks);
		/* Its own misses are those of the sample, times how many pages it is of. */
		diag("own: %.3f", (double)w.misses * w.sample / own);
		near = is_near(p, &w, own, q, nr);
	} while (!near && ++tries < SAMPLES);
	expect(near, "%u samples, and none is within %.2f in all that it says", SAMPLES, TOLERANCE);
}

static void loops(void)
{
	facts(&(struct pattern){ "loop", loop, 9500 * 6 });
}

static void skewed(void)
{
	facts(&(struct pattern){ "zipf", zipf, 100000 });
}

static void scans(void)
{
	facts(&(struct pattern){ "scan", scan, 120000 });
}

/* From here on one of 128 pages is enough. */
static void larger(void (*pattern)(void))
{
	if (scale > 1)
		skip("takes too long here");
	times = 2;
	pattern();
}

static void larger_loops(void)
{
	larger(loops);
}

static void larger_skewed(void)
{
	larger(skewed);
}

static void larger_scans(void)
{
	larger(scans);
}

/* Curves of working sets. */

#define SIZES		9	/* eighths: 1 2 4 6 8 12 16 24 32 */
#define WHOLE		4	/* the fifth of them is the pool's own */
#define LOOP_PAGES	1000UL	/* of a pool of 2,048 frames */

struct curve {
	u64 uses, first, misses[SIZES];
};

/* That of a process; false: it has none. */
static bool curve_of(pid_t pid, struct curve *c)
{
	struct framepool_wset w = { .size = sizeof(w), .pid = pid };
	bool found = false;
	unsigned int id, i;
	char line[512];
	FILE *f;
	int at;

	memcpy(w.name, pool, sizeof(w.name));
	/* Perhaps it maps nothing yet. */
	if (ioctl(control_fd(), FRAMEPOOL_WSET_GET, &w)) {
		need(errno == ESRCH, "WSET_GET: %s", strerror(errno));
		return false;
	}
	f = table("curves");
	need(f, "debugfs: %s", strerror(errno));
	need(fgets(line, sizeof(line), f) &&
	     !strcmp(line, "id uses first 1/8 2/8 4/8 6/8 8/8 12/8 16/8 24/8 32/8\n"), "'%s'", line);
	while (!found && fgets(line, sizeof(line), f)) {
		const char *rest = line;

		if (sscanf(line, "%u %ju %ju%n", &id, (uintmax_t *)&c->uses,
			   (uintmax_t *)&c->first, &at) != 3)
			continue;
		found = id == w.id;
		for (i = 0, rest += at; found && i < SIZES; i++, rest += at)
			need(sscanf(rest, " %ju%n", (uintmax_t *)&c->misses[i], &at) == 1, "'%s'",
			     line);
	}
	fclose(f);
	return found;
}

/* A child that touches pages of the space in order, again and again, until it is killed. */
static pid_t start_loop(int fd, u64 first, u64 pages)
{
	pid_t child = need_ok(fork());
	volatile u8 *m;
	u64 i;

	if (child)
		return child;
	m = map(fd, (first + pages) * PAGE, PROT_READ, MAP_SHARED);
	for (i = 0;; i++)
		(void)m[(first + i % pages) * PAGE];
}

static bool seen_again(void *arg)
{
	struct curve c = {};

	return curve_of(*(pid_t *)arg, &c) && c.uses > 2 * c.first + 20;
}

/* Who needs little and who can use no frames: the pool's curve does not say which of them it is. */
static void of_sets(void)
{
	pid_t small, large;
	struct curve c;
	unsigned int i;
	int fd;

	pool_use(8 * MIB);
	attach_block = FRAMEPOOL_BLOCK_1;
	need(knob_write(knob(), "1"), "%s", strerror(errno));
	fd = space_attach(file_make("file", 20 * MIB, 1), O_RDWR);
	small = start_loop(fd, 0, LOOP_PAGES);
	large = start_loop(fd, LOOP_PAGES, 4000);
	expect(wait_until(seen_again, &small, 60000 * (scale > 4 ? 4 : 1)), "the small loop is not seen");
	expect(wait_until(seen_again, &large, 60000 * (scale > 4 ? 4 : 1)), "the large loop is not seen");
	expect_sound();
	need(curve_of(small, &c), "no curve");
	diag("small: %ju uses, %ju first, misses %ju in 1/8, %ju in 8/8", (uintmax_t)c.uses,
	     (uintmax_t)c.first, (uintmax_t)c.misses[0], (uintmax_t)c.misses[WHOLE]);
	/* A loop misses all of its pages or none. */
	expect(c.misses[0] > c.uses * 9 / 10, "1/8 of the pool is too little");
	expect(c.misses[WHOLE] < c.first + c.uses / 10, "the pool is enough");
	need(curve_of(large, &c), "no curve");
	diag("large: %ju uses, %ju first, misses %ju in 8/8, %ju in 24/8", (uintmax_t)c.uses,
	     (uintmax_t)c.first, (uintmax_t)c.misses[WHOLE], (uintmax_t)c.misses[SIZES - 2]);
	expect(c.misses[WHOLE] > c.uses * 9 / 10, "the pool is too little");
	expect(c.misses[SIZES - 2] < c.first + c.uses / 10, "three times the pool is enough");
	for (i = 1; i < SIZES; i++)
		expect(c.misses[i] <= c.misses[i - 1], "a curve that rises");
	kill(small, SIGKILL);
	kill(large, SIGKILL);
	while (wait(NULL) > 0)
		;
	expect_sound();
}

static const struct test tests[] = {
	{ "on, off, clear, and what is none of these", on_and_off, T_DEVICE },
	{ "the accessed bit of a fault", bits_of_faults, T_DEVICE },
	{ "the pool's policy changes", another_policy, T_DEVICE },
	{ "on and off under load", under_load, T_DEVICE },
	{ "a loop a little larger than the pool", loops, T_DEVICE },
	{ "some pages more wanted than others", skewed, T_DEVICE },
	{ "a hot set, and a scan", scans, T_DEVICE },
	{ "a loop, in a pool of 64 MiB", larger_loops, T_DEVICE },
	{ "some pages more wanted than others, in a pool of 64 MiB", larger_skewed, T_DEVICE },
	{ "a hot set, and a scan, in a pool of 64 MiB", larger_scans, T_DEVICE },
	{ "a curve for each working set", of_sets, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
