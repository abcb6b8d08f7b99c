// SPDX-License-Identifier: GPL-2.0-only
/*
 * No deadlock between the locks of a file system and those of an address space.
 *
 * The classical one of a pager under a mapping: a thread writes to a file system from a buffer in
 * the mapping and faults with the file's lock held; another faults, with mmap_lock held, and its
 * page comes from that file system; a third wants mmap_lock for writing, and whoever comes after it
 * waits behind it.  It cannot happen as long as no fault does file I/O with a lock of mm's held.
 *
 * What can happen without any pager of ours, and may not here: a page that can only come when its
 * own waiter lets the file go.  That has to end, with the bytes or with EFAULT.
 */
#include "torture.h"

#include <limits.h>
#include <signal.h>
#include <sys/uio.h>

#define NR	600UL			/* pages: more than the smallest region */
#define CHUNK	16UL
#define WAIT	200

static char *path, *out_path;
static int fd, out;
static u8 *m;
static u32 id;
static atomic_bool stop;
static atomic_uint round_of[4];		/* rounds of each thread: all of them have to go on */

static void begin(const char *where)
{
	char *name;

	pool_use(2 * MIB);
	need(asprintf(&name, "%s/file", where) > 0, "no memory");
	path = file_make(name, NR * PAGE, 1);
	need(asprintf(&name, "%s/out", where) > 0, "no memory");
	out_path = file_make(name, NR * PAGE, 2);
	out = need_ok(open(out_path, O_RDWR | O_CLOEXEC));
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	make_absent(fd, m, NR * PAGE);
}

static void end(void)
{
	u64 vpn, bytes;
	u8 *is;

	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "the mapping in the end");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	need_ok(close(out));
	is = file_load(path, &bytes);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, 1), "the file");
	free(is);
}

/* Out of the mapping to the backing's file system: into another file, and by O_DIRECT. */
static void *writer(void *arg)
{
	int direct = direct_open(out_path);
	struct rnd r;
	u64 vpn;

	(void)arg;
	rnd_init(&r, 1);
	while (!atomic_load(&stop)) {
		vpn = rnd_below(&r, NR - CHUNK);
		expect(pwrite(rnd_below(&r, 4) ? out : direct, m + vpn * PAGE, CHUNK * PAGE,
			      vpn * PAGE) == CHUNK * PAGE, "write: %s", strerror(errno));
		if (!rnd_below(&r, 64))
			need_ok(fdatasync(out));
		atomic_fetch_add(&round_of[0], 1);
	}
	close(direct);
	return NULL;
}

static void *faulter(void *arg)
{
	struct rnd r;
	u64 vpn;

	(void)arg;
	rnd_init(&r, 2);
	while (!atomic_load(&stop)) {
		vpn = rnd_below(&r, NR);
		expect(page_is(m + vpn * PAGE, vpn, 1), "a page");
		/* The same bytes: dirty, so that eviction has to write. */
		page_fill(m + vpn * PAGE, vpn, 1);
		atomic_fetch_add(&round_of[1], 1);
	}
	return NULL;
}

/* Takes mmap_lock for writing all the time. */
static void *mapper(void *arg)
{
	u64 vpn = 0;
	u8 *other;

	(void)arg;
	while (!atomic_load(&stop)) {
		other = map(fd, NR * PAGE, RW, MAP_SHARED);
		expect(page_is(other + vpn * PAGE, vpn, 1), "by another mapping");
		need_ok(munmap(other, NR * PAGE));
		other = mmap(NULL, MIB, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		need(other != MAP_FAILED, "mmap");
		need_ok(munmap(other, MIB));
		vpn = (vpn + 61) % NR;
		atomic_fetch_add(&round_of[2], 1);
	}
	return NULL;
}

/* The other way round: from the file system into the mapping, and syncs that hold its locks. */
static void *reader(void *arg)
{
	int mine = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	struct rnd r;
	u64 vpn;

	(void)arg;
	rnd_init(&r, 3);
	while (!atomic_load(&stop)) {
		vpn = rnd_below(&r, NR - CHUNK);
		expect(pread(mine, m + vpn * PAGE, CHUNK * PAGE, vpn * PAGE) == CHUNK * PAGE,
		       "read: %s", strerror(errno));
		if (!rnd_below(&r, 32))
			need_ok(msync(m, NR * PAGE, MS_SYNC));
		atomic_fetch_add(&round_of[3], 1);
	}
	close(mine);
	return NULL;
}

static bool all_turned(void *arg)
{
	unsigned int i, want = *(unsigned int *)arg;

	for (i = 0; i < ARRAY_SIZE(round_of); i++)
		if (atomic_load(&round_of[i]) < want)
			return failures();
	return true;
}

static void classical(const char *where)
{
	void *(*const run[])(void *arg) = { writer, faulter, mapper, reader };
	unsigned int want = scaled(24), i;
	pthread_t thread[ARRAY_SIZE(run)];

	begin(where);
	for (i = 0; i < ARRAY_SIZE(run); i++)
		need(!pthread_create(&thread[i], NULL, run[i], NULL), "no thread");
	expect(wait_until(all_turned, &want, 60000 * (scale > 4 ? 3 : 1)),
	       "after %u, %u, %u and %u rounds nothing goes on", round_of[0], round_of[1],
	       round_of[2], round_of[3]);
	atomic_store(&stop, true);
	for (i = 0; i < ARRAY_SIZE(run); i++)
		pthread_join(thread[i], NULL);
	end();
}

/* A child that may get stuck with a file's lock: it has to end, with all bytes, some, or EFAULT. */
struct writing {
	int file;
	u64 vpn, pages;
};

static void writing_child(void *arg)
{
	const struct writing *w = arg;
	ssize_t n = pwrite(w->file, m + w->vpn * PAGE, w->pages * PAGE, w->vpn * PAGE);

	expect(n > 0 || (n < 0 && errno == EFAULT), "write gave %zd, %s", n, strerror(errno));
}

static void must_end(pid_t pid, const char *what)
{
	int status;

	if (expect(child_ends(pid, WAIT * 50 + 5000 * scale, &status), "%s does not end", what))
		expect(WIFEXITED(status) && !WEXITSTATUS(status), "%s: status %#x", what, status);
}

static bool absent(void *arg)
{
	static u8 bitmap[NR / 8 + 1];
	struct framepool_range r;

	(void)arg;
	if (plain) {
		make_absent(fd, m, NR * PAGE);
		return true;
	}
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	return !resident_pages(fd, 0, 0, bitmap);
}

/* Reads that nobody waits for any more may have to end first. */
static void all_absent(void)
{
	expect(wait_until(absent, NULL, 20000), "pages stay");
}

/*
 * A write to the backing file itself, at the same place, from pages that are not there: they can
 * only come from the file that the write has locked.
 */
static void onto_itself(const char *where)
{
	struct writing w = { .pages = 1 };
	u64 i;

	begin(where);
	set_wait_ms(WAIT);
	for (i = 0; i < 3; i++) {
		w.vpn = 100 * i;
		w.pages = 1 + 20 * i;
		w.file = need_ok(open(path, O_RDWR | O_CLOEXEC));
		all_absent();
		must_end(child_start(writing_child, &w), "a write of the file onto itself");
		need_ok(close(w.file));
	}
	set_wait_ms(10000);
	all_absent();
	end();
}

/* Two files and two writers: each has locked the file that the other one's pages come from. */
static u8 *cross[2];
static int cross_file[2], cross_space[2];
static u32 cross_id[2];

static void cross_begin(const char *where)
{
	char *name;
	u64 i;

	pool_use(2 * MIB);
	set_wait_ms(WAIT);
	for (i = 0; i < 2; i++) {
		need(asprintf(&name, "%s/cross%ju", where, (uintmax_t)i) > 0, "no memory");
		file_make(name, NR * PAGE, 1);
		cross_file[i] = need_ok(open(name, O_RDWR | O_CLOEXEC));
		cross_space[i] = space_attach(name, O_RDWR);
		cross_id[i] = space_id(cross_space[i]);
		cross[i] = map(cross_space[i], NR * PAGE, RW, MAP_SHARED);
		make_absent(cross_space[i], cross[i], NR * PAGE);
		free(name);
	}
}

/* Both files have the same bytes everywhere, whoever wrote which part. */
static void cross_end(void)
{
	u64 i, vpn;

	set_wait_ms(10000);
	for (i = 0; i < 2; i++) {
		for (vpn = 0; vpn < NR; vpn++)
			expect(page_is(cross[i] + vpn * PAGE, vpn, 1), "file %ju", (uintmax_t)i);
		need_ok(munmap(cross[i], NR * PAGE));
		need_ok(close(cross_file[i]));
		space_gone(cross_space[i], cross_id[i]);
	}
}

static void cross_write(u64 me)
{
	u64 i, vpn;
	ssize_t n;

	for (i = 0; i < scaled(12); i++) {
		vpn = i * 37 % (NR - CHUNK);
		n = pwrite(cross_file[!me], cross[me] + vpn * PAGE, CHUNK * PAGE, vpn * PAGE);
		expect(n > 0 || (n < 0 && errno == EFAULT), "write gave %zd, %s", n,
		       strerror(errno));
	}
}

static void crossing_child(void *arg)
{
	cross_write((uintptr_t)arg);
}

static void crosswise(const char *where)
{
	pid_t pid[2];
	u64 i;

	cross_begin(where);
	for (i = 0; i < 2; i++)
		pid[i] = child_start(crossing_child, (void *)(uintptr_t)i);
	for (i = 0; i < 2; i++)
		must_end(pid[i], "writing crosswise");
	cross_end();
}

static void *crossing_thread(void *arg)
{
	cross_write((uintptr_t)arg);
	return NULL;
}

/* Takes mmap_lock for writing all the time, which who waits with it for reading would not let it. */
static void *cross_mapper(void *arg)
{
	unsigned int turn = 0;
	u8 *other;

	(void)arg;
	while (!atomic_load(&stop)) {
		other = map(cross_space[turn % 2], NR * PAGE, RW, MAP_SHARED);
		need_ok(munmap(other, NR * PAGE));
		turn++;
	}
	expect(turn, "no mapping was made");
	return NULL;
}

/* The same with one mmap_lock, and somebody who wants it. */
static void crossing_threads(void *arg)
{
	pthread_t writer_of[2], mapper_of;
	u64 i;

	(void)arg;
	need(!pthread_create(&mapper_of, NULL, cross_mapper, NULL), "no thread");
	for (i = 0; i < 2; i++)
		need(!pthread_create(&writer_of[i], NULL, crossing_thread, (void *)(uintptr_t)i),
		     "no thread");
	for (i = 0; i < 2; i++)
		pthread_join(writer_of[i], NULL);
	atomic_store(&stop, true);
	pthread_join(mapper_of, NULL);
}

static void crosswise_in_one(const char *where)
{
	cross_begin(where);
	must_end(child_start(crossing_threads, NULL), "writing crosswise");
	cross_end();
}

/* On the file system of the run, or on a new one of this type. */
static void on(const char *type, void (*run)(const char *where))
{
	char where[PATH_MAX];

	if (!type) {
		run(dir);
		return;
	}
	if (!fs_mount(type, where, sizeof(where)))
		skip("no %s here", type);
	run(where);
}

static void classical_ext4(void)
{
	on(NULL, classical);
}

static void classical_xfs(void)
{
	on("xfs", classical);
}

static void classical_btrfs(void)
{
	on("btrfs", classical);
}

static void classical_tmpfs(void)
{
	on("tmpfs", classical);
}

static void classical_direct(void)
{
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	on(NULL, classical);
}

static void itself_ext4(void)
{
	on(NULL, onto_itself);
}

static void itself_xfs(void)
{
	on("xfs", onto_itself);
}

static void cross_ext4(void)
{
	on(NULL, crosswise);
}

static void cross_xfs(void)
{
	on("xfs", crosswise);
}

static void cross_in_one_ext4(void)
{
	on(NULL, crosswise_in_one);
}

static void cross_in_one_xfs(void)
{
	on("xfs", crosswise_in_one);
}

static const struct test tests[] = {
	{ "write from the mapping, fault, map and unmap, on ext4", classical_ext4, 0 },
	{ "write from the mapping, fault, map and unmap, on xfs", classical_xfs, 0 },
	{ "write from the mapping, fault, map and unmap, on btrfs", classical_btrfs, 0 },
	{ "write from the mapping, fault, map and unmap, on tmpfs", classical_tmpfs, 0 },
	{ "write from the mapping, fault, map and unmap, past ext4", classical_direct, T_DEVICE },
	{ "a file written onto itself, on ext4", itself_ext4, 0 },
	{ "a file written onto itself, on xfs", itself_xfs, 0 },
	{ "two files written crosswise, on ext4", cross_ext4, 0 },
	{ "two files written crosswise, on xfs", cross_xfs, 0 },
	{ "two files written crosswise by threads, and mapped, on ext4", cross_in_one_ext4, 0 },
	{ "two files written crosswise by threads, and mapped, on xfs", cross_in_one_xfs, 0 },
};

int main(int argc, char **argv)
{
	return torture_main(argc, argv, tests, ARRAY_SIZE(tests), NULL);
}
