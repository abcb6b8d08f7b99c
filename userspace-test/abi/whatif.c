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
 * How far off it may be, in parts of what it says, but of 1 at least: a sample of one in 64 pages has
 * its luck, and a TLB forgets to set accessed bits that were cleared behind its back.
 */
#define TOLERANCE	0.15

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
	expect(w->nr == 4 + 8 + 9, "%u rows", w->nr);
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

/* On and off and clear while pages come and go: nothing breaks, and it always says something. */
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

#define FILE_PAGES	24000UL

static u64 loop(u64 i, struct rnd *r)
{
	(void)r;
	return i % 9500;
}

/* Some more wanted than others, spread over the file. */
static u64 zipf(u64 i, struct rnd *r)
{
	double u = (rnd_next(r) >> 11) / 0x1p53;
	u64 rank = pow(u * (pow(FILE_PAGES, 0.2) - 1) + 1, 5) - 1;

	(void)i;
	return rank * 7919 % FILE_PAGES;
}

/* A hot set and a scan through it all. */
static u64 scan(u64 i, struct rnd *r)
{
	if (i % 3)
		return rnd_below(r, 3000);
	return 3000 + i / 3 % (FILE_PAGES - 3000);
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
	struct rnd r;
	u8 *m;
	int fd;

	pool_use_policy(bytes, policy);
	attach_block = FRAMEPOOL_BLOCK_1;
	if (w)
		need(knob_write(knob(), "1"), "%s", strerror(errno));
	fd = space_attach(RAM, O_RDWR);
	m = map(fd, FILE_PAGES * PAGE, RW, MAP_SHARED);
	rnd_init(&r, 1);
	touch(p, m, 0, p->touches / 3, &r);
	need(pool_info(pool, &before), "the pool");
	if (w)
		need(knob_write(knob(), "clear"), "%s", strerror(errno));
	touch(p, m, p->touches / 3, p->touches, &r);
	need(pool_info(pool, &after), "the pool");
	if (w) {
		read_table(w);
		expect_sound();
	}
	munmap(m, FILE_PAGES * PAGE);
	space_gone(fd, space_id(fd));
	drop_pool();
	return after.fills - before.fills;
}

static void compare(const struct pattern *p, const struct whatif *w, u64 own, const char *policy,
		    unsigned int eighths)
{
	double is = (double)measure(p, POOL * eighths / 8, policy, NULL) / own;
	double says = said(w, policy, eighths);

	diag("%s, %s, %u/8: said %.3f, is %.3f", p->name, policy, eighths, says, is);
	expect(fabs(says - is) <= TOLERANCE * fmax(is, 1), "%s, %s, %u/8: said %.3f, is %.3f", p->name, policy,
	       eighths, says, is);
}

static void facts(const struct pattern *p)
{
	struct whatif w;
	u64 own;

	if (scale > 4 || (scale > 1 && p->page != zipf))
		skip("takes too long here");
	/* A device that takes no time: so many references take long enough. */
	if (access(RAM, R_OK | W_OK))
		skip("no " RAM);
	own = measure(p, POOL, "tenure", &w);
	need(own && w.misses, "no misses");
	diag("%s: %ju pages read, %ju misses and %ju uses seen, one of %ju, %ju looks", p->name,
	     (uintmax_t)own, (uintmax_t)w.misses, (uintmax_t)w.uses, (uintmax_t)w.sample,
	     (uintmax_t)w.looks);
	/* Its own misses are those of the sample, times how many pages it is of. */
	diag("own: %.3f", (double)w.misses * w.sample / own);
	compare(p, &w, own, "fifo", 8);
	compare(p, &w, own, "tenure", 4);
	if (scale > 1)
		return;
	compare(p, &w, own, "clock", 8);
	compare(p, &w, own, "lru2", 8);
	compare(p, &w, own, "tenure", 16);
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

static const struct test tests[] = {
	{ "on, off, clear, and what is none of these", on_and_off, T_DEVICE },
	{ "on and off under load", under_load, T_DEVICE },
	{ "a loop a little larger than the pool", loops, T_DEVICE },
	{ "some pages more wanted than others", skewed, T_DEVICE },
	{ "a hot set, and a scan", scans, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
