// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cleaner: what is stored reaches the file without anybody asking for it, at the interval of
 * the pool, and not before; what must not be written yet is not.
 */
#include "bed.h"

#include <sys/ioctl.h>
#include <linux/fs.h>

#define RW	(PROT_READ | PROT_WRITE)
#define NR	64UL			/* pages of the file */
#define SOON	100			/* ms from one visit to the next */
#define VISIT	5000			/* the same, where one of them is waited for */
#define INTERVAL	1000		/* the same, where its time is taken */
#define SLACK		700		/* ms in which a visit begins, and has written */
#define LATE	20000			/* ms; by then it has come, however slow the machine is */
#define VISITS	1500			/* ms in which it comes a few times, at SOON */
#define TICKS	20000			/* us; the clock of files has moved */

static char *path;
static u8 *m;
static int fd;
static u32 id;

static char *knob(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "/sys/kernel/framepool/%s/clean_ms", pool);
	return text;
}

static void every(unsigned int ms)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", ms);
	need(knob_write(knob(), text), "%s: %s", knob(), strerror(errno));
}

static void attach_it(const char *where, u64 bytes)
{
	pool_use(bytes);
	fd = space_attach(where, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

static void begin(void)
{
	path = file_make("clean", NR * PAGE, 1);
	attach_it(path, 2 * MIB);
}

static void store(u64 vpn, u64 version)
{
	page_fill(m + vpn * PAGE, vpn, version);
}

static bool in_file(u64 vpn, u64 version)
{
	u64 bytes;
	u8 *is = file_load(path, &bytes);
	bool there = page_holds(is + vpn * PAGE, vpn, version);

	free(is);
	return there;
}

static bool all_in_file(void *version)
{
	u64 bytes, vpn, want = *(u64 *)version;
	u8 *is = file_load(path, &bytes);
	bool there = true;

	for (vpn = 0; there && vpn < NR; vpn++)
		there = page_holds(is + vpn * PAGE, vpn, want);
	free(is);
	return there;
}

static u64 dirty(void)
{
	struct framepool_space s;

	space_info(fd, &s);
	return s.dirty;
}

static bool is_clean(void *unused)
{
	(void)unused;
	return !dirty();
}

static void end(u64 version)
{
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect(all_in_file(&version), "version %ju is not in the file", (uintmax_t)version);
}

static void store_all(u64 version)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++)
		store(vpn, version);
}

static void reaches_file(void)
{
	u64 version;

	begin();
	every(SOON);
	for (version = 2; version < 5; version++) {
		store_all(version);
		expect(wait_until(all_in_file, &version, LATE), "version %ju is not in the file",
		       (uintmax_t)version);
	}
	expect(wait_until(is_clean, NULL, LATE), "%ju pages are dirty", (uintmax_t)dirty());
	end(4);
}

/* What write() has stored, too, and what no mapping has any more. */
static void without_mapping(void)
{
	u64 version = 2, vpn;
	u8 *page = aligned_alloc(PAGE, PAGE);

	begin();
	store_all(2);
	need_ok(munmap(m, NR * PAGE));
	for (vpn = 0; vpn < NR; vpn += 2) {
		page_fill(page, vpn, 2);
		need(pwrite(fd, page, PAGE, vpn * PAGE) == PAGE, "pwrite: %s", strerror(errno));
	}
	every(SOON);
	expect(wait_until(all_in_file, &version, LATE), "it is not in the file");
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	end(2);
}

static void never(void)
{
	begin();
	store_all(2);
	every(SOON);
	every(0);
	store_all(3);
	usleep(VISITS * 1000);
	expect(!in_file(0, 3) && !in_file(NR - 1, 3), "somebody has written");
	end(3);
}

static struct timespec changed_at(void)
{
	struct stat st;

	need_ok(stat(path, &st));
	return st.st_mtim;
}

static bool has_moved(void *since)
{
	const struct timespec *then = since;
	struct timespec now = changed_at();

	return now.tv_sec > then->tv_sec ||
	       (now.tv_sec == then->tv_sec && now.tv_nsec > then->tv_nsec);
}

/* Who copies what was changed since the last time sees that the file was; with no sync. */
static void time_of_change(void)
{
	struct framepool_range r;
	struct timespec then;

	attach_flags = test_variant ? FRAMEPOOL_ATTACH_DIRECT : 0;
	begin();
	every(0);
	then = changed_at();
	store(1, 2);
	usleep(TICKS);
	every(SOON);
	expect(wait_until(has_moved, &then, LATE), "the cleaner has not told");
	expect(wait_until(is_clean, NULL, LATE), "it is dirty");
	usleep(5 * SOON * 1000);
	then = changed_at();
	usleep(5 * SOON * 1000);
	expect(!has_moved(&then), "the time moves, and nothing was stored");
	every(0);
	store(2, 2);
	usleep(TICKS);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 2 * PAGE, PAGE, &r));
	expect(in_file(2, 2), "the page has not left");
	every(SOON);
	expect(wait_until(has_moved, &then, LATE), "what an eviction has written was not told");
	every(0);
	then = changed_at();
	store(3, 2);
	usleep(TICKS);
	need_ok(msync(m, NR * PAGE, MS_SYNC));
	expect(has_moved(&then), "the sync has not told");
	then = changed_at();
	store(4, 2);
	usleep(TICKS);
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect(has_moved(&then), "who left last has not told");
}

/* Stored to between any two visits: written again and again, and never torn by that. */
static void stored_all_the_time(void)
{
	u64 version = 2, start, seen = 0;

	begin();
	every(SOON);
	for (start = now_ms(); now_ms() - start < VISITS || !seen; version++) {
		store(5, version);
		if (!(version % 1024) && !in_file(5, 1))
			seen++;
		if (now_ms() - start > LATE)
			break;
	}
	expect(seen, "nothing was written");
	store_all(version);
	expect(wait_until(all_in_file, &version, LATE), "the last version is not in the file");
	end(version);
}

/* More than a quarter of the pool: all at once. */
static void bound(void)
{
	struct framepool_pool p;
	u64 version = 2, vpn;

	begin();
	need(pool_info(pool, &p), "no pool");
	need(NR < p.bound / 4, "the file is too large for this test");
	/* A store that must fault is known at once. */
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "before");
	every(VISIT);
	store_all(version);
	/* One visit only looks; two would write. */
	usleep((VISIT + 700) * 1000);
	expect(!in_file(0, 2), "the first visit has written");
	expect(dirty() == NR, "%ju pages are known to be dirty", (uintmax_t)dirty());
	end(2);
}

/* Which pages of the file have a version. */
static u64 pages_in_file(u64 nr, u64 version)
{
	u64 bytes, vpn, n = 0;
	u8 *is = file_load(path, &bytes);

	for (vpn = 0; vpn < nr; vpn++)
		n += page_holds(is + vpn * PAGE, vpn, version);
	free(is);
	return n;
}

/* A quarter of the pool and @more pages are dirty when the first visit looks. */
static void around_bound(u64 more, bool written)
{
	struct framepool_pool p;
	u64 nr, vpn, is;

	pool_use(2 * MIB);
	need(pool_info(pool, &p), "no pool");
	nr = p.bound / 4 + more;
	path = file_make("large", nr * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, nr * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < nr; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "before");
	every(VISIT);
	for (vpn = 0; vpn < nr; vpn++)
		store(vpn, 2);
	usleep((VISIT + 700) * 1000);
	is = pages_in_file(nr, 2);
	expect(is == (written ? nr : 0), "%ju of %ju pages were written by the first visit",
	       (uintmax_t)is, (uintmax_t)nr);
	expect(dirty() == (written ? 0 : nr), "%ju pages are dirty", (uintmax_t)dirty());
	need_ok(munmap(m, nr * PAGE));
	space_gone(fd, id);
}

static void at_bound(void)
{
	around_bound(0, false);
}

static void beyond_bound(void)
{
	around_bound(1, true);
}

#define PART	(NR / 4)

static bool part_in_file(void *first)
{
	u64 bytes, vpn = *(u64 *)first, end = vpn + PART;
	u8 *is = file_load(path, &bytes);

	while (vpn < end && page_holds(is + vpn * PAGE, vpn, 2))
		vpn++;
	free(is);
	return vpn == end;
}

/*
 * How old a store gets that nobody has noticed: one visit looks, and the next one writes.  From the
 * second part on the last visit has just been when it is stored.
 */
static void age(void)
{
	u64 first, vpn, start, ms;

	begin();
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "before");
	every(INTERVAL);
	for (first = 0; first < NR; first += PART) {
		start = now_ms();
		for (vpn = first; vpn < first + PART; vpn++)
			store(vpn, 2);
		expect(wait_until(part_in_file, &first, LATE), "it is not in the file");
		ms = now_ms() - start;
		diag("in the file after %ju ms", (uintmax_t)ms);
		expect(ms <= 2 * INTERVAL + SLACK, "after %ju ms", (uintmax_t)ms);
	}
	end(2);
}

/* What is held back stays out of the file, whoever comes by. */
static void held_back(void)
{
	struct framepool_range r;
	u64 vpn;

	begin();
	every(SOON);
	need_ok(range_op(fd, FRAMEPOOL_HOLD, 0, NR / 2 * PAGE, &r));
	store_all(2);
	usleep(VISITS * 1000);
	expect(dirty() == NR / 2, "%ju pages are dirty", (uintmax_t)dirty());
	for (vpn = 0; vpn < NR / 2; vpn++)
		expect(in_file(vpn, 1), "page %ju was written", (uintmax_t)vpn);
	need_ok(range_op(fd, FRAMEPOOL_RELEASE, 0, NR / 2 * PAGE, &r));
	for (vpn = 0; vpn < NR / 2; vpn++)
		expect(in_file(vpn, 2), "page %ju was not released", (uintmax_t)vpn);
	end(2);
}

/* A device that takes nothing: told once to each descriptor, and tried again without being asked. */
static bool has_failed(void *unused)
{
	struct framepool_space s;

	(void)unused;
	space_info(fd, &s);
	return s.write_errors;
}

static void fails(void)
{
	u64 vpn, version = 3;

	bed_make(NR);
	path = bed_path;
	attach_it(bed_path, 2 * MIB);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "before");
	bed_dead();
	store_all(2);
	every(SOON);
	expect(wait_until(has_failed, NULL, LATE), "no write has failed");
	every(0);
	bed_healthy();
	expect_errno(fsync(fd), EIO);
	need_ok(fsync(fd));
	bed_dead();
	store_all(3);
	every(SOON);
	usleep(VISITS * 1000);
	bed_healthy();
	expect(wait_until(all_in_file, &version, LATE), "it was not tried again");
	expect_errno(msync(m, PAGE, MS_SYNC), EIO);
	need_ok(msync(m, PAGE, MS_SYNC));
	end(3);
	bed_end();
}

/* A visit to a device that stands still keeps the cleaner from nobody else. */
static void beside_stuck(void)
{
	u64 vpn, version = 2;
	u32 stuck_id;
	u8 *stuck;
	int f;

	bed_make(NR);
	attach_it(bed_path, 2 * MIB);
	f = fd;
	stuck_id = id;
	stuck = m;
	path = file_make("clean", NR * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(stuck + vpn * PAGE, vpn, 2);
	dm_stall();
	every(SOON);
	usleep(VISITS * 1000);
	store_all(2);
	expect(wait_until(all_in_file, &version, LATE), "it is not in the file");
	end(2);
	dm_go_on();
	path = bed_path;
	fd = f;
	id = stuck_id;
	m = stuck;
	expect(wait_until(all_in_file, &version, LATE), "the device was not visited any more");
	end(2);
	bed_end();
}

/* Only a frozen file system waits. */
static void frozen(void)
{
	char where[DIR_SIZE];
	u64 version = 2;
	int dirfd, out;
	u8 *model;

	if (!fs_mount("ext4", where, sizeof(where)))
		skip("no ext4");
	need(asprintf(&path, "%s/frozen", where) > 0, "no memory");
	model = model_make(NR * PAGE, 1);
	out = need_ok(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	need(write(out, model, NR * PAGE) == NR * PAGE, "%s: %s", path, strerror(errno));
	need_ok(fsync(out));
	need_ok(close(out));
	free(model);
	attach_it(path, 2 * MIB);
	store_all(2);
	dirfd = need_ok(open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	need_ok(ioctl(dirfd, FIFREEZE, 0));
	every(SOON);
	usleep(VISITS * 1000);
	expect(in_file(0, 1), "a frozen file system was written to");
	need_ok(ioctl(dirfd, FITHAW, 0));
	expect(wait_until(all_in_file, &version, LATE), "it is not in the file");
	need_ok(close(dirfd));
	end(2);
}

/* Spaces and pools go while the cleaner is there. */
static void comes_and_goes(void)
{
	u64 round, version;

	begin();
	every(1);
	end(1);
	for (round = 0; round < scaled(200); round++) {
		fd = space_attach(path, O_RDWR);
		id = space_id(fd);
		m = map(fd, NR * PAGE, RW, MAP_SHARED);
		store_all(round + 2);
		if (round % 3 == 0)
			usleep(rand() % 3000);
		need_ok(munmap(m, NR * PAGE));
		space_gone(fd, id);
		version = round + 2;
		expect(all_in_file(&version), "round %ju", (uintmax_t)round);
	}
}

static void stranger(void *arg)
{
	int sysfs = *(int *)arg;

	become(65534, 65534);
	expect_errno(write(sysfs, "1", 1), EPERM);
	expect_errno(open(knob(), O_WRONLY), EACCES);
}

static void refused(void)
{
	static const char *const bad[] = { "", "x", "-1", "1.5", "4294967296", "5000 6000" };
	char is[16];
	int sysfs;
	size_t i;

	pool_use(2 * MIB);
	every(1234);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect(!*bad[i] || !knob_write(knob(), bad[i]), "'%s' was taken", bad[i]);
	sysfs = need_ok(open(knob(), O_WRONLY | O_CLOEXEC));
	child_join(child_start(stranger, &sysfs));
	need(knob_read(knob(), is, sizeof(is)), "%s", knob());
	expect(!strcmp(is, "1234"), "it is '%s'", is);
}

static const struct test tests[] = {
	{ "what is stored reaches the file", reaches_file, T_DEVICE },
	{ "without a mapping, too", without_mapping, T_DEVICE },
	{ "0: not before somebody asks", never, T_DEVICE },
	{ "the time of change", time_of_change, T_DEVICE },
	{ "the same on the direct path", time_of_change, T_DEVICE | T_VARIANT(true) },
	{ "a page that is stored to all the time", stored_all_the_time, T_DEVICE },
	{ "the first visit only looks", bound, T_DEVICE },
	{ "where a quarter of the pool is dirty, too", at_bound, T_DEVICE },
	{ "not where one page more is", beyond_bound, T_DEVICE },
	{ "no store is older than two intervals", age, T_DEVICE },
	{ "what is held back stays out of the file", held_back, T_DEVICE },
	{ "a device that fails is tried again", fails, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "the same under a file", fails, T_DEVICE | T_VARIANT(BED_FILE) },
	{ "the same on the direct path", fails, T_DEVICE | T_VARIANT(BED_DIRECT) },
	{ "beside a device that stands still", beside_stuck, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "the same with a file on it", beside_stuck, T_DEVICE | T_VARIANT(BED_FILE) },
	{ "a frozen file system is passed", frozen, T_DEVICE },
	{ "spaces come and go meanwhile", comes_and_goes, T_DEVICE },
	{ "no number, no right: refused", refused, T_DEVICE },
};

int main(int argc, char **argv)
{
	after_test = dm_clear_away;
	write_errors_expected = true;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
