// SPDX-License-Identifier: GPL-2.0-only
/*
 * Few frames: the smallest pool with all but a handful of its frames pinned.
 *
 * One instruction may need four pages at once, a system call any number: they have to finish, or to
 * fail in a bounded time, and may never live-lock by evicting for each other what both need.
 */
#include "torture.h"

#include <signal.h>
#include <sys/uio.h>

#define NR	640UL			/* pages of the file: more than the smallest region */
#define FREE	16UL			/* frames that are left: the reclaim thread's upper mark */

static char *path;
static int fd, ballast;
static u32 id, ballast_id;
static u8 *m, *model;

/* A space whose pins take all frames but @left. */
static void begin(u64 left)
{
	struct framepool_range r;
	int ret;

	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 1);
	model = model_make(NR * PAGE, 1);
	set_wait_ms(2000);
	if (!plain) {
		ballast = space_attach(file_make("ballast", NR * PAGE, 2), O_RDWR);
		ballast_id = space_id(ballast);
		set_wait_ms(300);
		ret = range_op(ballast, FRAMEPOOL_PIN, 0, 0, &r);
		need(ret == -1 && errno == ENOMEM, "a pin of twice the pool: %s", strerror(errno));
		need_ok(range_op(ballast, FRAMEPOOL_UNPIN, 0, left * PAGE, &r));
		need(r.done == left, "%ju unpinned", (uintmax_t)r.done);
		set_wait_ms(10000);
	}
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

static void end(void)
{
	struct framepool_range r;

	expect(bytes_are(m, model, NR * PAGE, 0), "mapping and model");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect_file(path, model, NR * PAGE);
	if (plain)
		return;
	need_ok(range_op(ballast, FRAMEPOOL_UNPIN, 0, 0, &r));
	space_gone(ballast, ballast_id);
}

/* Both operands lie across two pages: four at once, and each of them the last of its kind. */
static void four_pages(u64 first, u64 pages, struct rnd *r)
{
	u64 at = (first + rnd_below(r, pages - 1)) * PAGE + PAGE - 1 - rnd_below(r, 7);
	u64 to = (first + rnd_below(r, pages - 1)) * PAGE + PAGE - 1 - rnd_below(r, 7);
	u8 *src = m + at, *dst = m + to;
	u64 n = 2 + rnd_below(r, 30), i, len = n;

	if (rnd_next(r) & 1) {
		asm volatile("movsq" : "+S"(src), "+D"(dst) : : "memory");
		memmove(model + to, model + at, 8);
		return;
	}
	asm volatile("rep movsb" : "+S"(src), "+D"(dst), "+c"(n) : : "memory");
	for (i = 0; i < len; i++)
		model[to + i] = model[at + i];
}

static void instructions(void)
{
	struct rnd r;
	u64 i;

	begin(FREE);
	rnd_init(&r, 1);
	for (i = 0; i < scaled(500); i++)
		four_pages(0, NR, &r);
	end();
}

static void *half(void *arg)
{
	u64 nr = (uintptr_t)arg, i;
	struct rnd r;

	rnd_init(&r, 2 + nr);
	for (i = 0; i < scaled(200); i++)
		four_pages(nr * NR / 2, NR / 2, &r);
	return NULL;
}

/* Two threads at a time, who take each other's frames. */
static void instructions_of_two(void)
{
	pthread_t thread[2];
	u64 i;

	begin(FREE);
	for (i = 0; i < 2; i++)
		need(!pthread_create(&thread[i], NULL, half, (void *)i), "no thread");
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	end();
}

/* More pages in one call than there are frames: short, or refused, and all is as it was. */
static void calls(void)
{
	char *name = file_make("other", NR * PAGE, 7);
	int other = direct_open(name);
	u8 *buf = aligned_alloc(PAGE, NR * PAGE);
	struct iovec iov;
	ssize_t n;
	u64 i;
	int p[2];

	begin(FREE);
	/* Each time that the call has all frames it waits so long, and goes on with these. */
	set_wait_ms(50);
	n = pread(other, m, 100 * PAGE, 0);
	diag("O_DIRECT read of 100 pages, %lu frames: %zd%s%s", FREE, n, n < 0 ? ", " : "",
	     n < 0 ? strerror(errno) : "");
	expect(n > 0 || (n < 0 && (errno == EFAULT || errno == ENOMEM)), "read: %zd", n);
	for (i = 0; n > 0 && i < (u64)n; i += PAGE)
		page_fill(model + i, i / PAGE, 7);
	/* What was not read may have been read in part: only whole requests are reported. */
	for (i = n > 0 ? n / PAGE : 0; i < 100; i++) {
		expect(page_among(m + i * PAGE, i, 1, 1) || page_is(m + i * PAGE, i, 7), "page %ju",
		       (uintmax_t)i);
		memcpy(model + i * PAGE, m + i * PAGE, PAGE);
	}
	n = pwrite(other, m + 300 * PAGE, 100 * PAGE, 300 * PAGE);
	expect(n > 0 || (n < 0 && (errno == EFAULT || errno == ENOMEM)), "write: %zd", n);
	need_ok(pipe2(p, O_NONBLOCK));
	need_ok(fcntl(p[1], F_SETPIPE_SZ, 128 * PAGE));
	iov = (struct iovec){ m + 500 * PAGE, 128 * PAGE };
	n = vmsplice(p[1], &iov, 1, SPLICE_F_NONBLOCK);
	expect(n > 0 || (n < 0 && (errno == EFAULT || errno == ENOMEM)), "vmsplice: %zd", n);
	if (n > 0) {
		need(read(p[0], buf, n) == n, "pipe");
		expect(bytes_are(buf, model + 500 * PAGE, n, 500 * PAGE), "from the pipe");
	}
	/* Calls that copy need one page at a time, and no luck, but the time to write one. */
	set_wait_ms(10000);
	expect(pread(fd, buf, NR * PAGE, 0) == NR * PAGE, "read: %s", strerror(errno));
	expect(bytes_are(buf, model, NR * PAGE, 0), "what was read");
	expect(pread(fd, m, 100 * PAGE, 500 * PAGE) == 100 * PAGE, "read into the mapping: %s",
	       strerror(errno));
	memcpy(model, model + 500 * PAGE, 100 * PAGE);
	end();
}

#define MANY	200UL

/* MAP_POPULATE, mlock and MADV_POPULATE of more than there is end, whatever they say. */
static void populates(void)
{
	u8 *other;
	int ret;

	begin(FREE);
	set_wait_ms(500);
	other = mmap(NULL, MANY * PAGE, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	need(other != MAP_FAILED, "mmap: %s", strerror(errno));
	set_wait_ms(10000);
	expect(bytes_are(other, model, MANY * PAGE, 0), "populated");
	need_ok(munmap(other, MANY * PAGE));
	set_wait_ms(500);
	ret = madvise(m, MANY * PAGE, MADV_POPULATE_WRITE);
	expect(!ret || errno == EFAULT || errno == ENOMEM, "POPULATE_WRITE: %s", strerror(errno));
	mlock(m, MANY * PAGE);
	munlock(m, MANY * PAGE);
	set_wait_ms(10000);
	end();
}

#define CROWD	8UL
#define SHARE	(NR / CROWD)		/* pages of each */

/* Each of a child's pages but the last, which only the one before it leads to. */
static void fill_share(u8 *where, u64 nr, u64 version)
{
	u64 vpn;

	for (vpn = nr * SHARE; vpn < (nr + 1) * SHARE - 1; vpn++)
		page_fill(where + vpn * PAGE, vpn, version);
}

/*
 * Processes enough that each of them has less than one instruction needs.  What a child knows of its
 * pages is in its own copy of the model.
 */
static void crowd_child(void *arg)
{
	u64 nr = (uintptr_t)arg, i, vpn;
	struct rnd r;

	rnd_init(&r, 20 + nr);
	for (i = 0; i < scaled(60); i++) {
		vpn = nr * SHARE + rnd_below(&r, SHARE - 1);
		expect(bytes_are(m + vpn * PAGE, model + vpn * PAGE, PAGE, vpn * PAGE),
		       "a page of child %ju", (uintmax_t)nr);
		expect(*(volatile u64 *)(m + (vpn + 1) * PAGE - 4) ==
			       *(u64 *)(model + (vpn + 1) * PAGE - 4), "across two pages");
		page_fill(m + vpn * PAGE, vpn, 10 + i);
		page_fill(model + vpn * PAGE, vpn, 10 + i);
	}
	fill_share(m, nr, 5);
}

static void crowd(void)
{
	pid_t pid[CROWD];
	u64 i;

	begin(FREE);
	for (i = 0; i < CROWD; i++)
		pid[i] = child_start(crowd_child, (void *)(uintptr_t)i);
	for (i = 0; i < CROWD; i++) {
		child_join(pid[i]);
		fill_share(model, i, 5);
	}
	end();
}

/* ---- tables ---- */

#define FAR	(1ull << 28)		/* pages: 1 TiB */
#define KNOWN	128UL

static u64 version[KNOWN];		/* of their pages; one walker's each */

static u64 known(u64 i)
{
	return mix(seed + i) % (FAR / KNOWN) + i * (FAR / KNOWN);
}

/*
 * Almost every touch needs nodes of the page table that are not there, and there is room for few:
 * they come and go all the time under threads that walk them without a lock.
 */
static void *far_walker(void *arg)
{
	u64 nr = (uintptr_t)arg, i, vpn, which;
	struct rnd r;

	rnd_init(&r, 50 + nr);
	for (i = 0; i < scaled(700); i++) {
		which = rnd_below(&r, KNOWN / 2) * 2 + nr;
		vpn = known(which);
		if (rnd_next(&r) & 1) {
			expect(page_is(m + vpn * PAGE, vpn, version[which]), "known page %ju",
			       (uintmax_t)which);
			page_fill(m + vpn * PAGE, vpn, ++version[which]);
			continue;
		}
		/*
		 * Beside it, where nothing is; at all distances, so that nodes of all levels
		 * change.
		 */
		vpn ^= 1ull << rnd_below(&r, 28);
		if (vpn != known(vpn / (FAR / KNOWN)))
			expect(bytes_zero(m + vpn * PAGE, PAGE, 0), "page %#jx of a hole",
			       (uintmax_t)vpn);
	}
	return NULL;
}

/* A space of 1 TiB in a small pool, mapped; the descriptor of its file. */
static int map_far(void)
{
	int f;

	pool_use(2 * MIB);
	path = file_path("far");
	f = need_ok(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	if (ftruncate(f, FAR * PAGE))
		skip("no file of 1 TiB here: %s", strerror(errno));
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = mmap(NULL, FAR * PAGE, RW, MAP_SHARED | MAP_NORESERVE, fd, 0);
	need(m != MAP_FAILED, "mmap of 1 TiB: %s", strerror(errno));
	return f;
}

static void tables(void)
{
	pthread_t thread[2];
	u8 *page = aligned_alloc(PAGE, PAGE);
	int f = map_far();
	u64 i;

	for (i = 0; i < KNOWN; i++) {
		version[i] = 3;
		page_fill(m + known(i) * PAGE, known(i), version[i]);
	}
	evictor_start(fd);
	for (i = 0; i < 2; i++)
		need(!pthread_create(&thread[i], NULL, far_walker, (void *)i), "no thread");
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	evictor_stop();
	need_ok(munmap(m, FAR * PAGE));
	space_gone(fd, id);
	for (i = 0; i < KNOWN; i++) {
		need(pread(f, page, PAGE, known(i) * PAGE) == PAGE, "pread");
		expect(page_is(page, known(i), version[i]), "in the file");
	}
}

#define LONELY	(7ull << 18)	/* a page whose table has no other */

static void *lonely_reader(void *unused)
{
	(void)unused;
	expect(bytes_zero(m + LONELY * PAGE, PAGE, 0), "a page of a hole");
	return NULL;
}

/* A file of which each word looks like an entry: the page is there, in that frame. */
static int space_of_entries(void)
{
	u64 word[PAGE / 8], vpn;
	char *name = file_path("entries");
	int f = need_ok(open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	size_t i;

	for (vpn = 0; vpn < 2 * MIB / PAGE; vpn++) {
		for (i = 0; i < ARRAY_SIZE(word); i++)
			word[i] = (vpn / 2 + 128) << 12 | 1;
		need(pwrite(f, word, PAGE, vpn * PAGE) == PAGE, "%s", strerror(errno));
	}
	close(f);
	return space_attach(name, O_RDWR);
}

/*
 * Who walks a table without a lock is slow, and the table's last page leaves meanwhile: its frame is
 * nobody else's before the walker has gone.
 */
static void walked_and_freed(void)
{
	struct framepool_range r;
	pthread_t thread;
	int f, other;
	u64 i;

	attach_block = FRAMEPOOL_BLOCK_1;
	f = map_far();
	other = space_of_entries();
	/* The first nodes are of the pool's own, and never hold a page: these use them up. */
	for (i = 1; i <= 24; i++)
		need_ok(range_op(fd, FRAMEPOOL_PREFETCH, (LONELY + (i << 19)) * PAGE, PAGE, &r));
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, LONELY * PAGE, PAGE, &r));
	inject("linger");
	need(!pthread_create(&thread, NULL, lonely_reader, NULL), "no thread");
	need(wait_until(inject_begun, "linger", 10000), "nobody looked it up");
	need_ok(range_op(fd, FRAMEPOOL_EVICT, LONELY * PAGE, PAGE, &r));
	expect(r.done == 1, "%ju pages have left", (uintmax_t)r.done);
	range_op(other, FRAMEPOOL_PREFETCH, 0, 0, &r);
	pthread_join(thread, NULL);
	need_ok(munmap(m, FAR * PAGE));
	space_gone(other, space_id(other));
	space_gone(fd, id);
	close(f);
}

/* What makes the module walk the mappings of a space. */
static void walk_to_evict(void)
{
	struct framepool_range r;

	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
}

static void walk_to_sync(void)
{
	need_ok(fsync(fd));
}

/* Of a file that nobody maps. */
static void walk_to_choose(void)
{
	int other = space_attach(file_make("ballast", 4 * MIB, 2), O_RDONLY);
	struct framepool_range r;
	u32 other_id = space_id(other);

	need_ok(range_op(other, FRAMEPOOL_PREFETCH, 0, 0, &r));
	space_gone(other, other_id);
}

/* The last one: the descriptor records from then on. */
static void walk_to_record(void)
{
	struct framepool_record_start start = { .size = sizeof(start) };
	u64 refs[NR];
	struct framepool_record r = {
		.size = sizeof(r), .flags = FRAMEPOOL_RECORD_LOOK, .refs = (uintptr_t)refs,
		.nr = ARRAY_SIZE(refs),
	};

	need_ok(ioctl(fd, FRAMEPOOL_RECORD_START, &start));
	need_ok(ioctl(fd, FRAMEPOOL_RECORD, &r));
}

static void *walker(void *walk)
{
	((void (*)(void))walk)();
	return NULL;
}

/*
 * A walk of the mappings is slow, and one of them is unmapped meanwhile, with its page tables: they
 * stay until the walk has passed them.
 */
static void walked_and_unmapped(void)
{
	static void (*const walk[])(void) = { walk_to_evict, walk_to_sync, walk_to_choose,
					      walk_to_record };
	pthread_t thread;
	u8 *other;
	u64 i, k;

	pool_use(2 * MIB);
	path = file_make("file", NR / 4 * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		m = map(fd, NR / 4 * PAGE, RW, MAP_SHARED);
		other = map(fd, NR / 4 * PAGE, RW, MAP_SHARED);
		for (k = 0; k < NR / 4; k++) {
			page_fill(m + k * PAGE, k, 2 + i);
			expect(page_is(other + k * PAGE, k, 2 + i), "the other mapping");
		}
		inject("walk");
		need(!pthread_create(&thread, NULL, walker, walk[i]), "no thread");
		need(wait_until(inject_begun, "walk", 10000), "walk %ju has not begun",
		     (uintmax_t)i);
		need_ok(munmap(m, NR / 4 * PAGE));
		need_ok(munmap(other, NR / 4 * PAGE));
		pthread_join(thread, NULL);
	}
	space_gone(fd, id);
	expect_file(path, model_make(NR / 4 * PAGE, 1 + ARRAY_SIZE(walk)), NR / 4 * PAGE);
}

static void *store_once(void *unused)
{
	(void)unused;
	page_fill(m, 0, 2);
	return NULL;
}

/* Perhaps not at once: the cleaner may be writing it. */
static bool first_has_left(void *unused)
{
	struct framepool_range r;

	(void)unused;
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, PAGE, &r));
	return r.done == 1;
}

/*
 * A store's fault is slow between the entry that it makes and its end: the page stays meanwhile, as
 * that marks it dirty, whosever it is then.
 */
static void stored_and_evicted(void)
{
	struct framepool_range r;
	pthread_t thread;

	pool_use(2 * MIB);
	path = file_make("file", PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, PAGE, RW, MAP_SHARED);
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 0, PAGE, &r));
	inject("store");
	need(!pthread_create(&thread, NULL, store_once, NULL), "no thread");
	need(wait_until(inject_begun, "store", 10000), "the store has not begun");
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, PAGE, &r));
	expect(r.held == 1 && !r.done, "%ju held, %ju have left", (uintmax_t)r.held,
	       (uintmax_t)r.done);
	pthread_join(thread, NULL);
	expect(wait_until(first_has_left, NULL, 10000), "it has not left");
	need_ok(munmap(m, PAGE));
	space_gone(fd, id);
	expect_file(path, model_make(PAGE, 2), PAGE);
}

/* ---- many at once ---- */

#define TICKETS		300		/* more than a queue of the kernel's has places */
#define LONG		(64 * MIB)	/* of holes */

/* Spaces that are nobody's but their prefetch's when their process is killed. */
static void ticket_child(void *ready)
{
	struct framepool_span span = {};
	struct framepool_prefetch p = {
		.size = sizeof(p), .spans = (uintptr_t)&span, .nr = 1, .eventfd = -1,
	};
	char name[32];
	int i, f;

	for (i = 0; i < TICKETS; i++) {
		snprintf(name, sizeof(name), "hole%d", i);
		f = need_ok(open(file_path(name), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
		need_ok(ftruncate(f, LONG));
		need_ok(close(f));
		f = space_attach(file_path(name), O_RDWR);
		need_ok(ioctl(f, FRAMEPOOL_PREFETCH_START, &p));
	}
	atomic_store((atomic_int *)ready, 1);
	for (;;)
		pause();
}

static void sync_child(void *unused)
{
	(void)unused;
	page_fill(m + PAGE, 1, 2);
	need_ok(fsync(fd));
}

static void tickets_as_last_users(void)
{
	atomic_int *ready = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	pool_use(8 * MIB);
	path = file_make("file", NR * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	pid = child_start(ticket_child, ready);
	while (!atomic_load(ready) && !waitpid(pid, &status, WNOHANG))
		usleep(1000);
	need(atomic_load(ready), "no tickets");
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	pid = child_start(sync_child, NULL);
	need(child_ends(pid, 20000 * scale, &status), "an fsync waits for ever");
	expect(!status, "status %#x", status);
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
}

static const struct test tests[] = {
	{ "four pages in one instruction", instructions, 0 },
	{ "four pages in one instruction, two threads", instructions_of_two, 0 },
	{ "system calls of more pages than frames", calls, 0 },
	{ "populating more than there is", populates, 0 },
	{ "eight processes, sixteen frames", crowd, 0 },
	{ "tables larger than the pool", tables, 0 },
	{ "a table that is walked when it is freed", walked_and_freed, T_DEVICE },
	{ "a mapping that is walked when it is unmapped", walked_and_unmapped, T_DEVICE },
	{ "a page that leaves while a fault stores to it", stored_and_evicted, T_DEVICE },
	{ "prefetches that are the last users of their spaces", tickets_as_last_users, T_DEVICE },
};

int main(int argc, char **argv)
{
	return torture_main(argc, argv, tests, ARRAY_SIZE(tests), NULL);
}
