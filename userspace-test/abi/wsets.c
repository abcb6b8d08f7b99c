// SPDX-License-Identifier: GPL-2.0-only
/*
 * Working sets: a process's pages are charged to it, others do not take it below its minimum, it
 * never has more than its maximum, and who faults near what he had gets more.
 */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/uio.h>

#define NR	2000UL
#define RW	(PROT_READ | PROT_WRITE)
#define RAM	"/dev/ram0"
#define NO_MAX	FRAMEPOOL_WSET_NO_MAX

static int fd;
static u8 *m;
static char *path;
static u32 id;

static int wset_get(pid_t pid, struct framepool_wset *w)
{
	*w = (struct framepool_wset){ .size = sizeof(*w), .pid = pid };
	name_set(w->name, pool);
	return ioctl(control_fd(), FRAMEPOOL_WSET_GET, w);
}

static int wset_limit(pid_t pid, u64 min, u64 max)
{
	struct framepool_wset_limit l = { .size = sizeof(l), .pid = pid, .min = min, .max = max };

	name_set(l.name, pool);
	return ioctl(control_fd(), FRAMEPOOL_WSET_LIMIT, &l);
}

/* The next one after *w, which begins with cursor 0. */
static bool wset_next(struct framepool_wset *w)
{
	w->size = sizeof(*w);
	w->flags = 0;
	name_set(w->name, pool);
	if (!ioctl(control_fd(), FRAMEPOOL_WSET_NEXT, w))
		return true;
	need(errno == ENOENT, "WSET_NEXT: %s", strerror(errno));
	return false;
}

static struct framepool_wset of(pid_t pid)
{
	struct framepool_wset w;

	need(!wset_get(pid, &w), "no working set of %d: %s", pid, strerror(errno));
	return w;
}

static struct framepool_wset common(void)
{
	struct framepool_wset w = { 0 };

	need(wset_next(&w) && !w.id, "no common set");
	return w;
}

static unsigned int count_sets(void)
{
	struct framepool_wset w = { 0 };
	unsigned int nr = 0;

	while (wset_next(&w))
		nr++;
	return nr;
}

static bool only(void *nr)
{
	return count_sets() == *(unsigned int *)nr;
}

/* Sets that have been left are forgotten a moment later. */
static void expect_sets(unsigned int nr)
{
	expect(wait_until(only, &nr, 20000), "%u sets instead of %u", count_sets(), nr);
}

static void expect_consistent(void)
{
	char at[256], text[64] = "";

	snprintf(at, sizeof(at), "/sys/kernel/debug/framepool/%s/check", pool);
	expect(knob_read(at, text, sizeof(text)) && !strcmp(text, "ok"), "%s: '%s'", at, text);
}

static void begin(u64 bytes, const char *policy)
{
	attach_block = FRAMEPOOL_BLOCK_1;
	pool_use_policy(bytes, policy);
	path = file_make("file", NR * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

static void end(void)
{
	expect_consistent();
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect_sets(1);
}

static void touch(u64 first, u64 nr)
{
	for (; nr--; first++)
		expect(page_is(m + first * PAGE, first, 1), "a page");
}

/* ---- a child that does as it is told, and says when it has ---- */

struct told {
	void (*run)(void);
	int go[2], done[2];
};

static struct told told;

static void obedient(void *arg)
{
	char c;

	(void)arg;
	while (read(told.go[0], &c, 1) == 1 && c == 'g') {
		told.run();
		need(write(told.done[1], "d", 1) == 1, "nobody listens");
	}
}

static pid_t obedient_start(void (*run)(void))
{
	told.run = run;
	need_ok(pipe2(told.go, O_CLOEXEC));
	need_ok(pipe2(told.done, O_CLOEXEC));
	return child_start(obedient, NULL);
}

static void tell(void)
{
	char c;

	need(write(told.go[1], "g", 1) == 1 && read(told.done[0], &c, 1) == 1, "the child is gone");
}

static void dismiss(pid_t pid)
{
	need(write(told.go[1], "q", 1) == 1, "the child is gone");
	child_join(pid);
	close(told.go[0]);
	close(told.go[1]);
	close(told.done[0]);
	close(told.done[1]);
}

/* ---- charges ---- */

static void touch_thirty(void)
{
	touch(100, 30);
}

static void charges(void)
{
	struct framepool_wset w;
	pid_t pid;

	begin(2 * MIB, "");
	expect_sets(2);
	touch(0, 50);
	w = of(0);
	expect(w.charge == 50 && w.peak == 50 && w.faults == 50, "charge %ju, peak %ju, faults %ju",
	       (uintmax_t)w.charge, (uintmax_t)w.peak, (uintmax_t)w.faults);
	expect(w.pid == getpid() && w.id, "pid %d, id %u", w.pid, w.id);
	expect(!w.min && w.max == NO_MAX && !w.pinned && !w.refaults, "a new set");
	pid = obedient_start(touch_thirty);
	tell();
	w = of(pid);
	expect(w.charge == 30 && w.pid == pid, "the child: charge %ju, pid %d", (uintmax_t)w.charge,
	       w.pid);
	expect(of(0).charge == 50, "the parent: charge %ju", (uintmax_t)of(0).charge);
	/* A page that is there is charged to who touched it first. */
	touch(100, 30);
	expect(of(0).charge == 50, "the parent: charge %ju", (uintmax_t)of(0).charge);
	expect_consistent();
	dismiss(pid);
	/* The parent maps them, too. */
	expect_sets(2);
	expect(of(0).charge == 80, "the heir: charge %ju", (uintmax_t)of(0).charge);
	expect(!common().charge, "common: charge %ju", (uintmax_t)common().charge);
	need_ok(munmap(m, NR * PAGE));
	expect_sets(1);
	expect(common().charge == 80, "common: charge %ju", (uintmax_t)common().charge);
	expect_errno(wset_get(0, &w), ESRCH);
	/* It is there as long as something is mapped, whatever is split off or moved. */
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	need_ok(munmap(m + 10 * PAGE, PAGE));
	need_ok(mprotect(m + 50 * PAGE, PAGE, PROT_READ));
	need_ok(munmap(m, 10 * PAGE));
	need_ok(munmap(m + 11 * PAGE, 1000 * PAGE));
	expect(of(0).pid == getpid(), "the set of the rest");
	need_ok(munmap(m + 1011 * PAGE, (NR - 1011) * PAGE));
	expect_errno(wset_get(0, &w), ESRCH);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	end();
}

/* What reads and writes is charged, where it maps something; what does not is not. */
static void read_ten(void)
{
	static u8 buf[10 * PAGE];

	need_ok(munmap(m, NR * PAGE));
	need(pread(fd, buf, sizeof(buf), 20 * PAGE) == sizeof(buf), "read: %s", strerror(errno));
}

static void system_calls(void)
{
	struct framepool_range r;
	static u8 buf[10 * PAGE];
	pid_t pid;

	begin(2 * MIB, "");
	need(pread(fd, buf, sizeof(buf), 0) == sizeof(buf), "read: %s", strerror(errno));
	expect(of(0).charge == 10, "read: charge %ju", (uintmax_t)of(0).charge);
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 10 * PAGE, 10 * PAGE, &r));
	need_ok(range_op(fd, FRAMEPOOL_PIN, 15 * PAGE, 10 * PAGE, &r));
	expect(of(0).charge == 25 && of(0).pinned == 10, "charge %ju, pinned %ju",
	       (uintmax_t)of(0).charge, (uintmax_t)of(0).pinned);
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 15 * PAGE, 10 * PAGE, &r));
	expect(!of(0).pinned, "pinned %ju", (uintmax_t)of(0).pinned);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 30 * PAGE, &r));
	expect(!of(0).charge, "charge %ju", (uintmax_t)of(0).charge);
	pid = obedient_start(read_ten);
	tell();
	expect(of(0).charge == 0 && common().charge == 10, "charge %ju, common %ju",
	       (uintmax_t)of(0).charge, (uintmax_t)common().charge);
	dismiss(pid);
	end();
}

/* ---- the maximum ---- */

/* Both operands lie across two pages: one instruction needs four at once. */
static void four_pages(struct rnd *r, u64 first, u64 nr)
{
	u8 *src = m + (first + rnd_below(r, nr - 1)) * PAGE + PAGE - 1 - rnd_below(r, 7);
	u8 *dst = m + (first + nr + rnd_below(r, nr - 1)) * PAGE + PAGE - 1 - rnd_below(r, 7);
	u64 was = *(u64 *)src;

	asm volatile("movsq" : "+S"(src), "+D"(dst) : : "memory");
	expect(*(u64 *)(dst - 8) == was, "what was moved");
}

static u64 max_of_child;

static void *read_all(void *unused)
{
	struct rnd r;
	u64 i, vpn;

	rnd_init(&r, 3);
	for (i = 0; i < scaled(600); i++) {
		vpn = 1000 + rnd_below(&r, NR - 1000);
		expect(page_is(m + vpn * PAGE, vpn, 1), "a page");
	}
	return unused;
}

/* Many pages, in blocks too, by two threads, by faults and by calls. */
static void confined(void *arg)
{
	static u8 buf[64 * PAGE];
	struct framepool_wset w;
	pthread_t thread;
	struct rnd r;
	u64 i;

	(void)arg;
	rnd_init(&r, max_of_child);
	need_ok(wset_limit(0, 0, max_of_child));
	for (i = 0; i < scaled(150); i++)
		four_pages(&r, 0, 400);
	need(!pthread_create(&thread, NULL, read_all, NULL), "no thread");
	for (i = 900; i < NR - 64; i += 64)
		need(pread(fd, buf, sizeof(buf), i * PAGE) == sizeof(buf), "%s", strerror(errno));
	pthread_join(thread, NULL);
	w = of(0);
	diag("at most %ju of %ju frames, %ju faults", (uintmax_t)w.peak, (uintmax_t)max_of_child,
	     (uintmax_t)w.faults);
	expect(w.max == max_of_child, "a maximum of %ju", (uintmax_t)w.max);
	expect(w.peak <= max_of_child, "%ju frames", (uintmax_t)w.peak);
	expect(w.charge <= max_of_child && w.charge > max_of_child / 2, "%ju frames",
	       (uintmax_t)w.charge);
}

static void maximum(void)
{
	static const u64 maxima[] = { 8, 20, 200 };
	struct framepool_block b = { .size = sizeof(b) };
	size_t i;

	begin(4 * MIB, "");
	for (i = 0; i < ARRAY_SIZE(maxima); i++) {
		b.block_type = i % 2 ? FRAMEPOOL_BLOCK_64 : FRAMEPOOL_BLOCK_AUTO;
		need_ok(ioctl(fd, FRAMEPOOL_SET_BLOCK, &b));
		max_of_child = maxima[i];
		child_join(child_start(confined, NULL));
		expect_sets(2);
	}
	end();
}

/* A direct write holds its pages: it does with as many as it gets, ends short, or as if there were none. */
static void write_too_much(void *arg)
{
	int to = need_ok(open(arg, O_RDWR | O_DIRECT));
	struct framepool_wset w;
	u64 len, vpn;
	ssize_t n;
	u8 *is;

	need_ok(wset_limit(0, 0, 8));
	n = pwrite(to, m, 64 * PAGE, 0);
	diag("a write of 64 pages by who may have 8 gave %zd%s%s", n, n < 0 ? ", " : "",
	     n < 0 ? strerror(errno) : "");
	expect(n > 0 || (n < 0 && (errno == EFAULT || errno == ENOMEM)), "%zd", n);
	w = of(0);
	expect(w.peak <= 8, "%ju frames", (uintmax_t)w.peak);
	is = file_load(arg, &len);
	for (vpn = 0; n > 0 && vpn < n / PAGE; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, 1), "what was written");
	/* And it goes on. */
	touch(0, 100);
	expect(of(0).peak <= 8, "%ju frames", (uintmax_t)of(0).peak);
}

static void larger_than_the_maximum(void)
{
	char *to = file_make("to", 64 * PAGE, 4);

	begin(2 * MIB, "");
	/* So long a fault waits for one of its own pages to come free, and then gives up. */
	set_wait_ms(50);
	child_join(child_start(write_too_much, to));
	set_wait_ms(10000);
	touch(0, NR);
	end();
}

#define LEAVES		150UL
#define LEAF_PAGES	512UL

static u64 refaults_of_a_round(void)
{
	u64 before = of(0).refaults, leaf;

	for (leaf = 0; leaf < LEAVES; leaf++)
		expect(!m[leaf * LEAF_PAGES * PAGE], "a hole");
	return of(0).refaults - before;
}

/* Who comes for the first time, to where nothing is known yet, is nobody who has left. */
static void new_leaves(void)
{
	u64 bytes = LEAVES * LEAF_PAGES * PAGE, first, second;

	attach_block = FRAMEPOOL_BLOCK_1;
	pool_use(8 * MIB);
	path = file_make("sparse", 0, 1);
	need_ok(truncate(path, bytes));
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, bytes, RW, MAP_SHARED);
	need_ok(wset_limit(0, 0, 8));
	first = refaults_of_a_round();
	second = refaults_of_a_round();
	expect(!first && second >= LEAVES - 8, "%ju and %ju", (uintmax_t)first, (uintmax_t)second);
	expect_consistent();
	need_ok(munmap(m, bytes));
	space_gone(fd, id);
}

/* A lower maximum holds when the call returns, also for what has to be written first. */
static void lowered(void)
{
	struct framepool_wset w;
	u64 max, vpn;

	begin(4 * MIB, "");
	for (max = 300; max >= 8; max = max * 2 / 5) {
		for (vpn = 0; vpn < 400; vpn++)
			page_fill(m + vpn * PAGE, vpn, 1);
		need_ok(wset_limit(0, 0, max));
		w = of(0);
		/* No more leave than have to, though they are dirty and take their time. */
		expect(w.charge == max && w.peak == max && w.max == max, "charge %ju, peak %ju",
		       (uintmax_t)w.charge, (uintmax_t)w.peak);
		touch(0, 400);
		expect(of(0).peak <= max, "peak %ju of %ju", (uintmax_t)of(0).peak, (uintmax_t)max);
		need_ok(wset_limit(0, 0, NO_MAX));
	}
	touch(0, 500);
	expect(of(0).charge == 500, "charge %ju", (uintmax_t)of(0).charge);
	end();
}

#define LARGE	12000UL

/* Where that takes several steps, between which others have their turn. */
static void lowered_much(void)
{
	u64 vpn, max = 5000;

	pool_use(64 * MIB);
	path = file_make("large", LARGE * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, LARGE * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < LARGE; vpn += 64)
		touch(vpn, 64 < LARGE - vpn ? 64 : LARGE - vpn);
	expect(of(0).charge > 11000, "charge %ju", (uintmax_t)of(0).charge);
	for (; max >= 8; max /= 25) {
		need_ok(wset_limit(0, 0, max));
		expect(of(0).charge == max && of(0).peak == max, "charge %ju, peak %ju",
		       (uintmax_t)of(0).charge, (uintmax_t)of(0).peak);
	}
	need_ok(munmap(m, LARGE * PAGE));
	space_gone(fd, id);
	expect_sets(1);
}

#define ALL		200UL
#define USED		4		/* every so many-th of them is in use */

/* By an own mapping each time: its end tells of the uses, whatever the processor remembers. */
static void use_some(void)
{
	u8 *again = map(fd, ALL * PAGE, PROT_READ, MAP_SHARED);
	u64 vpn;

	for (vpn = 0; vpn < ALL; vpn += USED)
		expect(page_is(again + vpn * PAGE, vpn, 1), "a page in use");
	need_ok(munmap(again, ALL * PAGE));
}

/* How many of the pages in use, and of the others, are there. */
static void count_there(u64 *used, u64 *unused)
{
	u8 there[ALL / 8] = { 0 };
	u64 vpn;

	resident_pages(fd, 0, ALL * PAGE, there);
	for (*used = *unused = vpn = 0; vpn < ALL; vpn++)
		*(vpn % USED ? unused : used) += there[vpn / 8] >> (vpn % 8) & 1;
}

/* Which pages stay, not how many. */
static void shrunk(const char *policy)
{
	u64 used, unused, max;

	begin(2 * MIB, policy);
	need_ok(madvise(m, NR * PAGE, MADV_RANDOM));
	touch(0, ALL);
	for (max = ALL - 20; max >= ALL / USED + 10; max -= 20) {
		use_some();
		need_ok(wset_limit(0, 0, max));
	}
	count_there(&used, &unused);
	diag("%s, %ju frames: %ju of %lu pages in use are there, and %ju others", policy,
	     (uintmax_t)of(0).charge, (uintmax_t)used, ALL / USED, (uintmax_t)unused);
	/* By chance it would be every third or fourth of them. */
	expect(used >= ALL / USED * 3 / 4, "%s: %ju of %lu pages in use stayed", policy,
	       (uintmax_t)used, ALL / USED);
	expect(used + unused == of(0).charge, "%ju pages", (uintmax_t)(used + unused));
	end();
}

/* A set that has to be smaller gives what was not accessed. FIFO does not ask. */
static void shrunk_tenure(void)
{
	shrunk("tenure");
}

static void shrunk_clock(void)
{
	shrunk("clock");
}

static void shrunk_lru2(void)
{
	shrunk("lru2");
}

/* ---- a set of which no page can leave ---- */

#define HELD	8UL

/* Held by a pipe, which may not be evicted. */
static void hold_pages(int pipe[2], u64 first)
{
	struct iovec iov = { m + first * PAGE, HELD * PAGE };

	need_ok(pipe2(pipe, O_CLOEXEC | O_NONBLOCK));
	touch(first, HELD);
	need(vmsplice(pipe[1], &iov, 1, 0) == HELD * PAGE, "vmsplice: %s", strerror(errno));
}

static void let_go(int pipe[2])
{
	close(pipe[0]);
	close(pipe[1]);
}

#define LIMITERS	6

static pid_t limited;

static void limiting_child(void *arg)
{
	u64 max = HELD + 1 + (uintptr_t)arg;
	int ret = wset_limit(limited, 0, max);

	_exit(ret ? errno : 0);
}

/* All of them at once; returns how many were told EBUSY, and the others 0. */
static unsigned int limit_together(void)
{
	pid_t pid[LIMITERS];
	unsigned int busy = 0;
	uintptr_t i;
	int status;

	for (i = 0; i < LIMITERS; i++)
		pid[i] = child_start(limiting_child, (void *)i);
	for (i = 0; i < LIMITERS; i++) {
		need_ok(waitpid(pid[i], &status, 0));
		busy += WIFEXITED(status) && WEXITSTATUS(status) == EBUSY;
		expect(WIFEXITED(status) && (!WEXITSTATUS(status) || WEXITSTATUS(status) == EBUSY),
		       "status %#x", status);
	}
	return busy;
}

/* Several limits for one set: each holds, or has changed nothing, whoever else comes. */
static void limits_together(void)
{
	int pipe[2], other[2];
	unsigned int busy;

	limited = getpid();
	begin(2 * MIB, "");
	hold_pages(pipe, 0);
	hold_pages(other, 50);
	touch(100, 100);
	set_wait_ms(200);
	busy = limit_together();
	expect(busy == LIMITERS, "%u of %u were refused", busy, LIMITERS);
	expect(of(0).max == NO_MAX, "max %ju", (uintmax_t)of(0).max);
	let_go(pipe);
	let_go(other);
	set_wait_ms(10000);
	touch(100, 100);
	expect(!limit_together(), "one was refused");
	expect(of(0).max > HELD && of(0).max <= HELD + LIMITERS && of(0).charge <= of(0).max,
	       "max %ju, charge %ju", (uintmax_t)of(0).max, (uintmax_t)of(0).charge);
	end();
}

static atomic_bool enough;
static atomic_uint in_vain;

/* Less than what is held: in vain, again and again. */
static void *limit_again(void *unused)
{
	while (!atomic_load(&enough)) {
		expect_errno(wset_limit(0, 0, HELD), EBUSY);
		atomic_fetch_add(&in_vain, 1);
	}
	return unused;
}

/* Who limits a set all the time does not keep others from it. */
static void limits_in_turn(void)
{
	unsigned int before, turns;
	int pipe[2], other[2];
	pthread_t thread;

	limited = getpid();
	begin(2 * MIB, "");
	hold_pages(pipe, 0);
	hold_pages(other, HELD);
	set_wait_ms(100);
	need(!pthread_create(&thread, NULL, limit_again, NULL), "no thread");
	while (!atomic_load(&in_vain))
		usleep(1000);
	before = atomic_load(&in_vain);
	child_join(child_start(limiting_child, (void *)(4 * HELD)));
	turns = atomic_load(&in_vain) - before;
	expect(turns < 10, "%u turns of somebody else first", turns);
	atomic_store(&enough, true);
	pthread_join(thread, NULL);
	expect(of(0).max == 5 * HELD + 1, "max %ju", (uintmax_t)of(0).max);
	let_go(pipe);
	let_go(other);
	end();
}

static void stuck_child(void *arg)
{
	int pipe[2];

	hold_pages(pipe, 100);
	atomic_store((atomic_int *)arg, 1);
	touch(200, 1);
}

/* Who needs one more is told in bounded time, or killed; when they are let go all goes on. */
static void all_held(void)
{
	atomic_int *ready = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int pipe[2], status;
	unsigned int tries, waited = 0;
	u64 start, took;
	pid_t pid;

	need(ready != MAP_FAILED, "mmap");
	begin(2 * MIB, "");
	need_ok(wset_limit(0, 0, HELD));
	hold_pages(pipe, 0);
	set_wait_ms(300);
	/* Where the machine is busy the guest's ticks come late, and then all at once. */
	for (tries = 0; tries < 5; tries++) {
		start = now_ms();
		expect(try_load(m + 50 * PAGE, NULL) == SIGBUS, "a ninth frame");
		took = now_ms() - start;
		expect(took < 20000, "after %ju ms", (uintmax_t)took);
		waited += took >= 150;
	}
	expect(waited >= 3, "%u of %u have waited", waited, tries);
	expect(of(0).charge == HELD && of(0).peak == HELD, "peak %ju", (uintmax_t)of(0).peak);
	let_go(pipe);
	touch(50, 100);
	expect(of(0).peak == HELD, "peak %ju", (uintmax_t)of(0).peak);
	/* A child has the same maximum. */
	set_wait_ms(600000);
	pid = child_start(stuck_child, ready);
	while (!atomic_load(ready))
		usleep(1000);
	expect(task_waits(pid, pid, 10000), "it does not wait");
	start = now_ms();
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	expect(WIFSIGNALED(status) && now_ms() - start < 20000, "took %ju ms to die",
	       (uintmax_t)(now_ms() - start));
	end();
}

/* What a process leaves, and its heir has no room for, is charged to nobody. */
static void heir_is_full(void)
{
	pid_t pid;

	begin(2 * MIB, "");
	pid = obedient_start(touch_thirty);
	tell();
	touch(100, 30);
	touch(0, 8);
	need_ok(wset_limit(0, 0, 8));
	expect(of(pid).charge == 30 && of(0).charge == 8, "charges of %ju and %ju",
	       (uintmax_t)of(pid).charge, (uintmax_t)of(0).charge);
	dismiss(pid);
	expect_sets(2);
	expect(of(0).charge == 8 && of(0).peak == 8, "the heir: charge %ju, peak %ju",
	       (uintmax_t)of(0).charge, (uintmax_t)of(0).peak);
	expect(common().charge == 30, "common: charge %ju", (uintmax_t)common().charge);
	touch(100, 30);
	end();
}

static void grandchild(void *arg)
{
	struct framepool_wset w = of(0);

	(void)arg;
	expect(w.max == 50 && !w.min, "inherited: min %ju, max %ju", (uintmax_t)w.min,
	       (uintmax_t)w.max);
	touch(0, 200);
	expect(of(0).peak <= 50, "peak %ju", (uintmax_t)of(0).peak);
}

static void inherited(void)
{
	begin(2 * MIB, "");
	need_ok(wset_limit(0, 20, 50));
	child_join(child_start(grandchild, NULL));
	expect(of(0).min == 20 && of(0).max == 50, "the parent's");
	end();
}

/* For the next set that is asked for there is no number. */
static void no_number(void)
{
	need(knob_write(INJECT, "wset 1"), INJECT ": %s", strerror(errno));
}

static void touch_many(void)
{
	touch(0, 200);
}

static u8 *part(u64 first, u64 nr)
{
	u8 *p = mmap(NULL, nr * PAGE, RW, MAP_SHARED, fd, first * PAGE);

	need(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

/* Only some of its mappings go, or it maps more: it is as before. */
static void map_and_unmap(void)
{
	u8 *p = part(10, 20);

	expect(page_is(p, 10, 1), "a page");
	need_ok(munmap(m + 300 * PAGE, 10 * PAGE));
	need_ok(munmap(p + 5 * PAGE, 5 * PAGE));
	need_ok(munmap(p, 20 * PAGE));
	touch(0, 200);
}

static void newcomer(void *arg)
{
	(void)arg;
	need_ok(munmap(m, NR * PAGE));
	no_number();
	expect(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENOMEM, "%s",
	       strerror(errno));
	/* And the next time there is one. */
	m = part(0, NR);
	touch(0, 10);
	expect(of(0).charge <= 10 && of(0).max == NO_MAX, "charge %ju", (uintmax_t)of(0).charge);
}

/*
 * A child for which there is no set belongs to its parent's, and both together have no more than
 * its maximum, also when the parent maps nothing any more; who is no child maps nothing.
 */
static void no_set(void)
{
	struct framepool_wset w = { 0 };
	pid_t pid, parent;

	if (access(INJECT, W_OK))
		skip("this kernel has no fault injection");
	begin(2 * MIB, "");
	child_join(child_start(newcomer, NULL));
	expect_sets(2);
	need_ok(wset_limit(0, 0, 50));
	touch(300, 100);
	no_number();
	pid = obedient_start(touch_many);
	expect_sets(2);
	tell();
	expect_errno(wset_get(pid, &w), ESRCH);
	expect_errno(wset_limit(pid, 0, 100), ESRCH);
	expect(of(0).peak <= 50 && of(0).faults >= 300, "peak %ju, %ju faults",
	       (uintmax_t)of(0).peak, (uintmax_t)of(0).faults);
	expect(!common().charge && !common().peak, "common: %ju", (uintmax_t)common().peak);
	expect_consistent();
	dismiss(pid);
	expect(of(0).charge <= 50, "charge %ju", (uintmax_t)of(0).charge);
	no_number();
	pid = obedient_start(map_and_unmap);
	need_ok(munmap(m, NR * PAGE));
	parent = getpid();
	expect_errno(wset_get(parent, &w), ESRCH);
	tell();
	tell();
	expect_sets(2);
	memset(&w, 0, sizeof(w));
	while (wset_next(&w))
		expect(!w.id || (w.max == 50 && w.peak <= 50), "max %ju, peak %ju",
		       (uintmax_t)w.max, (uintmax_t)w.peak);
	expect(!common().peak, "common: %ju", (uintmax_t)common().peak);
	dismiss(pid);
	expect_sets(1);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	end();
}

/* ---- the minimum ---- */

static void stream(void)
{
	u64 vpn;

	for (vpn = 200; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "a page");
}

static void minimum(void)
{
	int i, rounds = scaled(12) > 2 ? 3 : 1;
	pid_t pid;

	begin(2 * MIB, "");
	pid = obedient_start(stream);
	touch(0, 150);
	need_ok(wset_limit(0, 150, NO_MAX));
	for (i = 0; i < rounds; i++) {
		tell();
		expect(of(0).charge == 150, "%ju of 150 frames", (uintmax_t)of(0).charge);
		expect(resident_pages(fd, 0, 150 * PAGE, calloc(1, 64)) == 150, "pages have left");
	}
	/* Only who has it takes from it. */
	touch(200, 400);
	expect(of(0).charge >= 150, "%ju frames", (uintmax_t)of(0).charge);
	/* What is promised no more goes. */
	need_ok(wset_limit(0, 0, NO_MAX));
	for (i = 0; i < rounds; i++)
		tell();
	expect(of(0).charge < 150, "idle pages stay: %ju", (uintmax_t)of(0).charge);
	dismiss(pid);
	end();
}

/* Opened only for reading; he has read the first pages, too. */
static void evict_all(void)
{
	int other = space_attach(path, O_RDONLY);
	struct framepool_range r;

	need_ok(range_op(other, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.promised == 150 && !r.pinned && !r.held && !r.busy && r.done == 50,
	       "evicted %ju, promised %ju, pinned %ju, held %ju, busy %ju", (uintmax_t)r.done,
	       (uintmax_t)r.promised, (uintmax_t)r.pinned, (uintmax_t)r.held, (uintmax_t)r.busy);
	need_ok(posix_fadvise(other, 0, 0, POSIX_FADV_DONTNEED));
	need_ok(close(other));
}

/* What is promised to a process nobody else sends away, not by asking for it either. */
static void minimum_and_requests(void)
{
	struct framepool_range r;
	pid_t pid;

	begin(2 * MIB, "");
	pid = obedient_start(evict_all);
	touch(0, 200);
	need_ok(wset_limit(0, 150, NO_MAX));
	tell();
	expect(of(0).charge == 150, "%ju of 150 frames", (uintmax_t)of(0).charge);
	/* A program of the first version asks: it is not told, and nothing goes. */
	r = (struct framepool_range){ .size = offsetof(struct framepool_range, promised),
				      .promised = 77 };
	need_ok(ioctl(fd, FRAMEPOOL_EVICT, &r));
	expect(r.done == 150 && r.promised == 77, "evicted %ju, promised %ju", (uintmax_t)r.done,
	       (uintmax_t)r.promised);
	expect(!of(0).charge, "who it is promised to may do without: %ju",
	       (uintmax_t)of(0).charge);
	dismiss(pid);
	end();
}

#define PINS	200UL

static void pin_some(void)
{
	struct framepool_range r;

	need_ok(range_op(fd, FRAMEPOOL_PIN, 0, PINS * PAGE, &r));
	expect(r.done == PINS, "%ju pinned", (uintmax_t)r.done);
}

/* What is pinned cannot be promised to others; what is promised cannot be pinned by them. */
static void minimum_and_pins(void)
{
	struct framepool_range r;
	struct framepool_pool p;
	pid_t pid;
	u64 room;

	begin(2 * MIB, "");
	need(pool_info(pool, &p), "no pool");
	room = p.bound - p.bound / 4;
	pid = obedient_start(pin_some);
	tell();
	expect(of(pid).pinned == PINS, "pinned %ju", (uintmax_t)of(pid).pinned);
	expect_errno(wset_limit(0, room - PINS + 1, NO_MAX), ENOSPC);
	need_ok(wset_limit(0, room - PINS - 10, NO_MAX));
	/* Ten are left for others, but what is one's own minimum one may pin. */
	need_ok(wset_limit(pid, PINS + 3, NO_MAX));
	expect_errno(wset_limit(pid, PINS + 11, NO_MAX), ENOSPC);
	expect_errno(range_op(fd, FRAMEPOOL_PIN, 1000 * PAGE, room * PAGE, &r), ENOMEM);
	expect(r.done == room - PINS - 10 + 7, "%ju pinned", (uintmax_t)r.done);
	expect_consistent();
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	dismiss(pid);
	end();
}

/* ---- who gets more ---- */

#define LOOP	250UL			/* pages; the pool has room for twice as many */

#define SCAN	2			/* pages of the scan for one of the loop */
#define AHEAD	16			/* pages of the loop before it waits for the scan */

/* They keep step: whose faults are how far apart is not for the scheduler to say. */
static struct {
	atomic_bool stop;
	atomic_ullong looped, scanned;
} *pace;

static void scanner(void *arg)
{
	u64 n, vpn;

	(void)arg;
	for (n = 0; !atomic_load(&pace->stop); ) {
		if (n == SCAN * atomic_load(&pace->looped)) {
			usleep(20);
			continue;
		}
		vpn = LOOP + n % (NR - LOOP);
		expect(page_is(m + vpn * PAGE, vpn, 1), "a page");
		atomic_store(&pace->scanned, ++n);
	}
}

static void loop_page(u64 vpn)
{
	u64 n;

	touch(vpn, 1);
	n = atomic_fetch_add(&pace->looped, 1) + 1;
	while (atomic_load(&pace->scanned) + SCAN * AHEAD < SCAN * n)
		usleep(20);
}

/* Faults of a loop in its last rounds, beside a scan; fifo knows nothing of uses. */
static u64 loop_beside_scan(void)
{
	u64 before, round, i;
	pid_t pid;

	begin(2 * MIB, "fifo");
	pid = child_start(scanner, NULL);
	for (round = before = 0; round < 12; round++) {
		struct framepool_space s;

		if (round == 8) {
			space_info(fd, &s);
			before = pool_flags ? s.fills : of(0).faults;
		}
		for (i = 0; i < LOOP; i++)
			loop_page(i);
	}
	if (!pool_flags) {
		struct framepool_wset w = of(0), of_scan = of(pid);

		diag("loop: charge %ju, target %ju, %ju faults, %ju near; scan: %ju, %ju, %ju, %ju",
		     (uintmax_t)w.charge, (uintmax_t)w.target, (uintmax_t)w.faults,
		     (uintmax_t)w.near_refaults, (uintmax_t)of_scan.charge,
		     (uintmax_t)of_scan.target, (uintmax_t)of_scan.faults,
		     (uintmax_t)of_scan.near_refaults);
		before = w.faults - before;
	}
	atomic_store(&pace->stop, true);
	child_join(pid);
	end();
	return before;
}

static void who_faults_gets_more(void)
{
	u64 faults;

	pace = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(pace != MAP_FAILED, "mmap");
	faults = loop_beside_scan();
	diag("%ju faults in 4 rounds of %lu pages", (uintmax_t)faults, LOOP);
	expect(faults < 4 * LOOP / 5, "the loop did not get what it needs");
}

#define QUIET	250UL
#define BUSY	350UL			/* pages: both together are more than the pool has */

static void touch_and_rest(void)
{
	touch(1000, QUIET);
}

/* Who has many frames and does nothing, beside one whose faults are near what he had. */
static void who_is_quiet_gives(void)
{
	struct framepool_wset before, after, busy;
	u64 round, faults = 0;
	pid_t pid;

	begin(2 * MIB, "");
	need_ok(madvise(m, NR * PAGE, MADV_RANDOM));
	pid = obedient_start(touch_and_rest);
	tell();
	before = of(pid);
	expect(before.charge == QUIET, "%ju frames", (uintmax_t)before.charge);
	for (round = 0; round < 12; round++) {
		faults = of(0).faults;
		touch(0, BUSY);
	}
	after = of(pid);
	busy = of(0);
	faults = busy.faults - faults;
	diag("quiet: charge %ju, then %ju, target %ju, then %ju; busy: charge %ju, target %ju, %ju "
	     "faults in the last round", (uintmax_t)before.charge, (uintmax_t)after.charge,
	     (uintmax_t)before.target, (uintmax_t)after.target, (uintmax_t)busy.charge,
	     (uintmax_t)busy.target, (uintmax_t)faults);
	expect(after.charge < QUIET * 3 / 4, "the quiet one still has %ju frames",
	       (uintmax_t)after.charge);
	expect(after.target < busy.target, "targets of %ju and %ju", (uintmax_t)after.target,
	       (uintmax_t)busy.target);
	expect(faults < BUSY / 10, "%ju of %lu pages of the last round were gone",
	       (uintmax_t)faults, BUSY);
	dismiss(pid);
	end();
}

/* ---- bad input ---- */

static void stranger(void *arg)
{
	pid_t parent = *(pid_t *)arg;
	struct framepool_wset w = { 0 };
	unsigned int nr = 0;

	control_fd();
	become(1000, 1000);
	expect_errno(wset_get(parent, &w), EPERM);
	expect_errno(wset_limit(parent, 0, 100), EPERM);
	memset(&w, 0, sizeof(w));
	while (wset_next(&w)) {
		expect(w.pid != parent, "another user's set is listed");
		nr++;
	}
	/* Its own it may see, and make smaller, and no more. */
	need_ok(wset_get(0, &w));
	expect_errno(wset_limit(0, 1, NO_MAX), EPERM);
	need_ok(wset_limit(0, 0, 100));
	expect(of(0).max == 100, "max %ju", (uintmax_t)of(0).max);
	diag("%u sets are listed for a stranger", nr);
}

static void expect_unchanged(u64 min, u64 max)
{
	struct framepool_wset w = of(0);

	expect(w.min == min && w.max == max, "min %ju, max %ju", (uintmax_t)w.min, (uintmax_t)w.max);
}

static void idle(void)
{
}

static void refused(void)
{
	struct framepool_wset w;
	struct framepool_range r;
	struct framepool_pool p;
	pid_t pid, self = getpid();
	char was[FRAMEPOOL_NAME_SIZE];

	begin(2 * MIB, "");
	touch(0, 100);
	need_ok(wset_limit(0, 50, 120));
	expect_errno(wset_limit(0, 60, 59), EINVAL);
	expect_errno(wset_limit(0, 0, 7), EINVAL);
	expect_errno(wset_limit(0, NO_MAX, NO_MAX), ENOSPC);
	expect_errno(wset_limit(-1, 0, 100), EINVAL);
	expect_errno(wset_get(-1, &w), EINVAL);
	expect_errno(wset_limit(0x3fffffff, 0, 100), ESRCH);
	expect_errno(wset_limit(1, 0, 100), ESRCH);
	expect_errno(wset_get(2, &w), ESRCH);
	memcpy(was, pool, sizeof(was));
	strcpy(pool, "no-such-pool");
	expect_errno(wset_limit(0, 0, 100), ENOENT);
	expect_errno(wset_get(0, &w), ENOENT);
	memcpy(pool, was, sizeof(was));
	/* Three quarters can be promised, to all together. */
	need(pool_info(pool, &p), "no pool");
	expect(!p.state, "state %#x", p.state);
	expect_errno(wset_limit(0, p.bound - p.bound / 4 + 1, NO_MAX), ENOSPC);
	expect_unchanged(50, 120);
	pid = obedient_start(idle);
	tell();
	need_ok(wset_limit(pid, p.bound / 2, NO_MAX));
	expect_errno(wset_limit(0, p.bound - p.bound / 4 - p.bound / 2 + 1, NO_MAX), ENOSPC);
	need_ok(wset_limit(0, p.bound / 5, NO_MAX));
	dismiss(pid);
	expect_sets(2);
	need_ok(wset_limit(0, 50, 120));
	/* Eight frames beside what is pinned. */
	need_ok(range_op(fd, FRAMEPOOL_PIN, 0, 40 * PAGE, &r));
	expect_errno(wset_limit(0, 0, 47), EBUSY);
	expect_errno(wset_limit(0, 0, 20), EBUSY);
	expect_unchanged(50, 120);
	need_ok(wset_limit(0, 0, 48));
	touch(100, 100);
	expect_errno(range_op(fd, FRAMEPOOL_PIN, 40 * PAGE, PAGE, &r), ENOMEM);
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	child_join(child_start(stranger, &self));
	expect_unchanged(0, 48);
	end();
}

static char *debugfs_file(void)
{
	static char at[256];

	snprintf(at, sizeof(at), "/sys/kernel/debug/framepool/%s/working_sets", pool);
	return at;
}

static void write_limit(void *line)
{
	knob_write(debugfs_file(), line);
	expect(false, "'%s' has ended: %s", (char *)line, strerror(errno));
}

/* What cannot leave is waited for by who writes to debugfs, too, in bounded time and killably. */
static bool is_limited(void *unused)
{
	(void)unused;
	return of(0).max == 100;
}

static void expect_waits(const char *line)
{
	int status;
	pid_t pid;

	expect(!knob_write(debugfs_file(), line) && errno == EBUSY, "'%s': %s", line,
	       strerror(errno));
	expect_unchanged(0, NO_MAX);
	set_wait_ms(600000);
	pid = child_start(write_limit, (void *)line);
	expect(wait_until(is_limited, NULL, 20000), "max %ju", (uintmax_t)of(0).max);
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	expect(WIFSIGNALED(status), "status %#x", status);
	expect_unchanged(0, NO_MAX);
	set_wait_ms(300);
}

/* Dirty pages that cannot be written cannot leave: then the maximum cannot hold. */
static void unwritable(void)
{
	u64 sectors = 1000 * PAGE / 512, vpn;
	char node[64], line[64];
	u8 *page = aligned_alloc(PAGE, PAGE);
	int ram = open(RAM, O_RDWR | O_CLOEXEC), d;
	u32 d_id;
	u8 *dm;

	if (ram < 0 || !dm_make(node, sizeof(node)))
		skip("no device mapper or no " RAM);
	for (vpn = 0; vpn < 1000; vpn++) {
		page_fill(page, vpn, 1);
		need(pwrite(ram, page, PAGE, vpn * PAGE) == PAGE, RAM ": %s", strerror(errno));
	}
	need_ok(fsync(ram));
	need_ok(close(ram));
	dm_table("0 %lu linear " RAM " 0", sectors);
	begin(2 * MIB, "");
	set_wait_ms(300);
	d = space_attach(node, O_RDWR);
	d_id = space_id(d);
	dm = map(d, 1000 * PAGE, RW, MAP_SHARED);
	dm_table("0 %lu flakey " RAM " 0 0 3600 1 error_writes", sectors);
	for (vpn = 0; vpn < 200; vpn++)
		page_fill(dm + vpn * PAGE, vpn, 2);
	expect_errno(wset_limit(0, 0, 100), EBUSY);
	expect_unchanged(0, NO_MAX);
	snprintf(line, sizeof(line), "%d 0 100\n", getpid());
	expect_waits(line);
	/* Another process pages beside it: the pages that are stuck are in nobody's way but ours. */
	set_wait_ms(10000);
	child_join(child_start((void (*)(void *))(void *)stream, NULL));
	for (vpn = 0; vpn < 200; vpn++)
		expect(page_is(dm + vpn * PAGE, vpn, 2), "a dirty page");
	dm_table("0 %lu linear " RAM " 0", sectors);
	fsync(d);
	need_ok(fsync(d));
	need_ok(wset_limit(0, 0, 100));
	expect(of(0).peak <= 100, "peak %ju", (uintmax_t)of(0).peak);
	for (vpn = 0; vpn < 200; vpn++)
		expect(page_is(dm + vpn * PAGE, vpn, 2), "a page");
	need_ok(munmap(dm, 1000 * PAGE));
	space_gone(d, d_id);
	end();
	expect(wait_until(dm_remove, NULL, 10000), "the device is still in use");
}

/* ---- all together ---- */

#define LIVES		120UL
#define AT_ONCE		4
#define SAVED		80UL		/* pages that one of them keeps by his minimum */

static struct {
	atomic_bool calm;
	atomic_int limited[LIVES + AT_ONCE];	/* pids: a life has what is its due from then on */
} *stage;

/* Not of the minimum: a process itself may have a page of its own leave for another one. */
static void expect_at_most(u64 max)
{
	struct framepool_wset w = of(0);

	expect(w.peak <= max && w.charge <= max, "%ju frames, %ju once, of at most %ju",
	       (uintmax_t)w.charge, (uintmax_t)w.peak, (uintmax_t)max);
}

static void life(void *arg)
{
	u64 i, vpn, nr = (uintptr_t)arg, max = of(0).max;
	struct rnd r;

	rnd_init(&r, 100 + nr);
	if (rnd_next(&r) & 1) {
		max = 30 + rnd_below(&r, 100);
		need_ok(wset_limit(0, rnd_below(&r, 3) * 10, max));
		if (nr < LIVES + AT_ONCE)
			atomic_store(&stage->limited[nr], getpid());
	}
	for (i = 0; i < 60; i++) {
		vpn = rnd_below(&r, NR);
		if (rnd_next(&r) & 1)
			page_fill(m + vpn * PAGE, vpn, 1);
		else
			touch(vpn, 1);
		expect_at_most(max);
	}
	if (!rnd_below(&r, 4) && nr < 1000000) {
		child_join(child_start(life, (void *)(nr + 1000000)));
		touch(rnd_below(&r, NR), 1);
		expect_at_most(max);
	}
}

/* Each policy in turn, while they live and die. */
static void changing_policies(void *arg)
{
	static const char *const policies[] = { "clock", "lru2", "fifo", "tenure" };
	struct framepool_pool_policy p = { .size = sizeof(p) };
	u64 i;

	(void)arg;
	name_set(p.name, pool);
	for (i = 0; !atomic_load(&stage->calm); i++) {
		memset(p.policy, 0, sizeof(p.policy));
		strcpy(p.policy, policies[i % ARRAY_SIZE(policies)]);
		need_ok(ioctl(control_fd(), FRAMEPOOL_POOL_SET_POLICY, &p));
		usleep(1000);
	}
	diag("%ju changes of the policy", (uintmax_t)i);
}

/* Whether it is a set that has been limited, which has to be as it should since then. */
static bool look_at(pid_t pid)
{
	struct framepool_wset w;
	size_t i = 0;

	while (i < ARRAY_SIZE(stage->limited) && atomic_load(&stage->limited[i]) != pid)
		i++;
	/* When the process has gone there is no maximum: the pages leave the set. */
	if (!pid || i == ARRAY_SIZE(stage->limited) || wset_get(pid, &w) || !w.max)
		return false;
	expect(w.peak <= w.max && w.charge <= w.max, "%ju frames, %ju once, of %ju",
	       (uintmax_t)w.charge, (uintmax_t)w.peak, (uintmax_t)w.max);
	return true;
}

/* He uses none of his pages while he looks: others do what is done to them. */
static void looking(void *arg)
{
	struct framepool_wset w;
	u64 i, seen = 0;
	u8 there[SAVED];

	(void)arg;
	touch(0, SAVED);
	need_ok(wset_limit(0, SAVED, SAVED));
	atomic_store(&stage->calm, false);
	for (i = 0; !atomic_load(&stage->calm); i++) {
		expect(of(0).charge == SAVED, "%ju of %lu frames", (uintmax_t)of(0).charge, SAVED);
		expect(resident_pages(fd, 0, SAVED * PAGE, there) == SAVED, "a page has left");
		for (w.cursor = 0; wset_next(&w); )
			seen += look_at(w.pid);
	}
	diag("looked %ju times, and at a set with a maximum %ju times", (uintmax_t)i, (uintmax_t)seen);
}

static bool is_looking(void *unused)
{
	(void)unused;
	return !atomic_load(&stage->calm);
}

/* Lives begin, and some are ended. */
static void live_and_die(void)
{
	pid_t pid[AT_ONCE] = { 0 };
	struct rnd r;
	u64 i, killed = 0;
	int status;

	rnd_init(&r, 9);
	for (i = 0; i < scaled(LIVES) + AT_ONCE; i++) {
		pid_t *slot = &pid[i % AT_ONCE];

		if (*slot && !rnd_below(&r, 3)) {
			usleep(rnd_below(&r, 20000));
			need_ok(kill(*slot, SIGKILL));
		}
		if (*slot) {
			need_ok(waitpid(*slot, &status, 0));
			killed += WIFSIGNALED(status);
			expect(!status || WIFSIGNALED(status), "a life: status %#x", status);
		}
		*slot = child_start(life, (void *)(uintptr_t)i);
		touch(rnd_below(&r, NR), 1);
		if (!(i % 16))
			expect_consistent();
	}
	for (i = 0; i < AT_ONCE; i++)
		waitpid(pid[i], &status, 0);
	diag("%ju of %ju were killed", (uintmax_t)killed, (uintmax_t)scaled(LIVES));
}

static void storm(void)
{
	pid_t looks, changes;

	begin(2 * MIB, "");
	stage = mmap(NULL, sizeof(*stage), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	atomic_store(&stage->calm, true);
	looks = child_start(looking, NULL);
	need(wait_until(is_looking, NULL, 20000), "nobody looks");
	changes = child_start(changing_policies, NULL);
	live_and_die();
	atomic_store(&stage->calm, true);
	child_join(looks);
	child_join(changes);
	need_ok(munmap(stage, sizeof(*stage)));
	expect_sets(2);
	touch(0, NR);
	end();
}

static atomic_ullong *arrived;
static int gate[2];

/* Who waits at the gate costs nothing; it opens when nobody holds its other end. */
static void one_of_many(void *arg)
{
	u64 vpn = 3 * (uintptr_t)arg % (NR - 3);
	char c;

	close(gate[1]);
	touch(vpn, 3);
	atomic_fetch_add(arrived, 1);
	expect(!read(gate[0], &c, 1), "the gate: %s", strerror(errno));
	touch(vpn, 3);
}

static bool all_there(void *nr)
{
	return atomic_load(arrived) == *(u64 *)nr;
}

static void many(void)
{
	u64 nr = scaled(1000), i, charge = 0;
	struct framepool_wset w = { 0 };
	pid_t *pid = calloc(nr, sizeof(*pid));
	struct framepool_pool p;

	arrived = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(arrived != MAP_FAILED, "mmap");
	need_ok(pipe(gate));
	/* With a thousand that is less than a frame for each. */
	begin(4 * MIB, "");
	for (i = 0; i < nr; i++)
		pid[i] = child_start(one_of_many, (void *)(uintptr_t)i);
	expect(wait_until(all_there, &nr, 120000), "%ju of %ju", (uintmax_t)atomic_load(arrived),
	       (uintmax_t)nr);
	expect(count_sets() == nr + 2, "%u sets", count_sets());
	while (wset_next(&w))
		charge += w.charge;
	need(pool_info(pool, &p), "no pool");
	expect(charge == p.resident, "%ju charged, %ju resident", (uintmax_t)charge,
	       (uintmax_t)p.resident);
	expect_consistent();
	/* All of them have to give: each its part. */
	touch(1000, 900);
	expect_consistent();
	close(gate[1]);
	for (i = 0; i < nr; i++)
		child_join(pid[i]);
	diag("%ju processes", (uintmax_t)nr);
	expect_sets(2);
	end();
}

/* A pool that is one set. */
static void off(void)
{
	struct framepool_wset w;
	struct framepool_pool p;
	char line[64];
	pid_t pid;

	pool_flags = FRAMEPOOL_POOL_ONE_SET;
	begin(2 * MIB, "");
	need(pool_info(pool, &p), "no pool");
	expect(p.state == FRAMEPOOL_POOL_ONE_SET, "state %#x", p.state);
	touch(0, 50);
	pid = obedient_start(touch_thirty);
	tell();
	expect(count_sets() == 1, "%u sets", count_sets());
	expect(common().charge == 80, "charge %ju", (uintmax_t)common().charge);
	expect_errno(wset_get(0, &w), ESRCH);
	expect_errno(wset_limit(0, 0, 100), ESRCH);
	snprintf(line, sizeof(line), "%d 0 100\n", getpid());
	expect(!knob_write(debugfs_file(), line) && errno == ESRCH, "%s", strerror(errno));
	dismiss(pid);
	touch(0, NR);
	end();
}

static const struct test tests[] = {
	{ "pages are charged to who touched them, and inherited", charges, T_DEVICE },
	{ "system calls and pins", system_calls, T_DEVICE },
	{ "the maximum is never exceeded", maximum, T_DEVICE },
	{ "a call of more pages than the maximum", larger_than_the_maximum, T_DEVICE },
	{ "who comes to new leaves", new_leaves, T_DEVICE },
	{ "a lower maximum", lowered, T_DEVICE },
	{ "a much lower maximum", lowered_much, T_DEVICE },
	{ "a lower maximum takes what is not used: tenure", shrunk_tenure, T_DEVICE },
	{ "a lower maximum takes what is not used: clock", shrunk_clock, T_DEVICE },
	{ "a lower maximum takes what is not used: lru2", shrunk_lru2, T_DEVICE },
	{ "several limits at once", limits_together, T_DEVICE },
	{ "limits of one set in turn", limits_in_turn, T_DEVICE },
	{ "a set of which all is held", all_held, T_DEVICE },
	{ "an heir that is full", heir_is_full, T_DEVICE },
	{ "a child has its parent's maximum", inherited, T_DEVICE },
	{ "a child without a set of its own", no_set, T_DEVICE },
	{ "others leave the minimum", minimum, T_DEVICE },
	{ "a minimum and who evicts", minimum_and_requests, T_DEVICE },
	{ "a minimum and who pins", minimum_and_pins, T_DEVICE },
	{ "who faults near what he had gets more", who_faults_gets_more, T_DEVICE },
	{ "who is quiet gives frames up", who_is_quiet_gives, T_DEVICE },
	{ "bad limits, other users' sets", refused, T_DEVICE },
	{ "pages that cannot leave", unwritable, T_DEVICE },
	{ "processes that fault, fork and die", storm, T_DEVICE },
	{ "many processes", many, T_DEVICE },
	{ "working sets off", off, T_DEVICE },
};

int main(int argc, char **argv)
{
	write_errors_expected = true;
	after_test = dm_clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
