// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool in which nothing can leave: a fault waits for a bounded time and then gets SIGBUS, whoever
 * waits can be killed, the address space stays usable, and when frames come back all goes on.
 */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define NR	1024UL			/* pages of the file: twice the smallest region */
#define RW	(PROT_READ | PROT_WRITE)
#define WAIT	300

static char *path;
static u8 *m;
static int fd;
static u32 id;

static void begin(void)
{
	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	set_wait_ms(WAIT);
}

static void end(u64 version)
{
	u64 vpn, bytes;
	u8 *is;

	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	is = file_load(path, &bytes);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, version), "in the file");
}

/* Pin until the pool takes no more; how many pages from the first on. */
static u64 fill_with_pins(void)
{
	struct framepool_range r;
	int ret;

	ret = range_op(fd, FRAMEPOOL_PIN, 0, 0, &r);
	need(ret == -1 && errno == ENOMEM, "a pin of twice the pool: %d, %s", ret, strerror(errno));
	expect(r.done > 0 && r.done < NR, "%ju pinned", (uintmax_t)r.done);
	return r.done;
}

static void *sigbus_soon(void *arg)
{
	u64 start = now_ms(), took;
	int sig = try_load(arg, NULL);

	took = now_ms() - start;
	expect(sig == SIGBUS, "signal %d", sig);
	expect(took >= WAIT / 2 && took < WAIT * 20 + 20000 * (scale > 1),
	       "took %ju ms, the limit is %d", (uintmax_t)took, WAIT);
	return NULL;
}

static void all_go_on(u64 version)
{
	u64 vpn;

	/* It is famine that ends early here, and not what a busy machine makes of a write. */
	set_wait_ms(10000);
	for (vpn = 0; vpn < NR; vpn++) {
		expect(page_is(m + vpn * PAGE, vpn, version), "after the famine");
		page_fill(m + vpn * PAGE, vpn, version + 1);
	}
}

static void pinned(void)
{
	struct framepool_pool before, after;
	struct framepool_range r;
	pthread_t thread[4];
	u64 n, i;
	u8 *buf = malloc(PAGE);

	begin();
	n = fill_with_pins();
	need(pool_info(pool, &before), "no pool");
	diag("%ju pages pinned of a bound of %ju", (uintmax_t)n, (uintmax_t)before.bound);
	expect(!before.starved, "starved already");
	sigbus_soon(m + (NR - 1) * PAGE);
	for (i = 0; i < 4; i++)
		need(!pthread_create(&thread[i], NULL, sigbus_soon, m + (NR - 1 - i / 2) * PAGE),
		     "no thread");
	for (i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	expect(pread(fd, buf, PAGE, (NR - 1) * PAGE) == -1, "a read worked");
	diag("read of a page that cannot come: %s", strerror(errno));
	need(pool_info(pool, &after), "no pool");
	expect(after.starved >= 3, "%ju starved", (uintmax_t)after.starved);
	/* What is there serves on. */
	for (i = 0; i < n; i++)
		expect(page_is(m + i * PAGE, i, 1), "a pinned page");
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	expect(r.done == n, "%ju unpinned of %ju", (uintmax_t)r.done, (uintmax_t)n);
	all_go_on(1);
	end(2);
}

/* Frames held by pipes are no better. */
static void held(void)
{
	struct iovec iov;
	int p[8][2], pipes = 0, i;
	u64 vpn = 0, n;
	u8 *buf = malloc(PAGE);
	ssize_t ret;

	begin();
	for (pipes = 0; pipes < 8; pipes++) {
		need_ok(pipe2(p[pipes], O_NONBLOCK));
		n = need_ok(fcntl(p[pipes][1], F_SETPIPE_SZ, 128 * PAGE)) / PAGE;
		for (i = 0; i < (int)n; i++) {
			iov = (struct iovec){ m + vpn * PAGE, PAGE };
			ret = vmsplice(p[pipes][1], &iov, 1, SPLICE_F_NONBLOCK);
			if (ret != (ssize_t)PAGE)
				break;
			vpn++;
		}
		if (i < (int)n)
			break;
	}
	diag("%ju pages held; then vmsplice says %s", (uintmax_t)vpn, strerror(errno));
	need(pipes < 8, "the pool has no end");
	expect(errno == EFAULT, "%s", strerror(errno));
	expect(try_load(m + (NR - 1) * PAGE, NULL) == SIGBUS, "a page came out of nothing");
	n = vpn;
	for (i = 0, vpn = 0; i <= pipes; i++)
		while (read(p[i][0], buf, PAGE) == (ssize_t)PAGE) {
			expect(page_is(buf, vpn, 1), "from a pipe");
			vpn++;
		}
	expect(vpn == n, "%ju pages went in, %ju came out", (uintmax_t)n, (uintmax_t)vpn);
	all_go_on(1);
	end(2);
}

struct waiter {
	atomic_int tid;
	u8 *at;
	u64 vpn;
};

static void *wait_for_page(void *arg)
{
	struct waiter *w = arg;
	u8 page[PAGE];
	int sig;

	atomic_store(&w->tid, syscall(SYS_gettid));
	sig = try_copy(page, w->at, PAGE);
	expect(!sig, "signal %d", sig);
	if (!sig)
		expect(page_is(page, w->vpn, 1), "the page that was waited for");
	return NULL;
}

/*
 * Who waits gets the page as soon as there is a frame, and its process may map and unmap meanwhile.
 */
static void rescued(void)
{
	struct waiter w = { 0 };
	struct framepool_range r;
	pthread_t thread;
	u64 start;
	u8 *other;

	begin();
	fill_with_pins();
	set_wait_ms(120000);
	w.vpn = NR - 5;
	w.at = m + w.vpn * PAGE;
	need(!pthread_create(&thread, NULL, wait_for_page, &w), "no thread");
	while (!atomic_load(&w.tid))
		;
	expect(task_waits(getpid(), w.tid, 20000), "the thread does not wait");
	/* Both take mmap_lock for writing. */
	other = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
	expect(page_is(other, 0, 1), "a resident page by another mapping");
	need_ok(munmap(other, NR * PAGE));
	start = now_ms();
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 64 * PAGE, &r));
	pthread_join(thread, NULL);
	expect(now_ms() - start < 10000 * scale, "took %ju ms after frames came back",
	       (uintmax_t)(now_ms() - start));
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	all_go_on(1);
	end(2);
}

static void waiting_child(void *arg)
{
	*(volatile u8 *)arg = 1;
}

/* SIGKILL ends the waiting at once. */
static void killed(void)
{
	struct framepool_range r;
	u64 start;
	int status;
	pid_t pid;

	begin();
	fill_with_pins();
	set_wait_ms(120000);
	pid = child_start(waiting_child, m + (NR - 7) * PAGE);
	expect(task_waits(pid, pid, 20000), "the child does not wait");
	start = now_ms();
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	expect(now_ms() - start < 5000 * scale, "took %ju ms to die",
	       (uintmax_t)(now_ms() - start));
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %#x", status);
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	all_go_on(1);
	end(2);
}

/* More than there is: what cannot come is said, and no byte is wrong. */
static void prefetch_too_much(void)
{
	struct framepool_range r;
	struct framepool_pool p;
	int ret;

	begin();
	ret = range_op(fd, FRAMEPOOL_PREFETCH, 0, 0, &r);
	need(!ret || errno == ENOMEM, "%s", strerror(errno));
	need(pool_info(pool, &p), "no pool");
	diag("a prefetch of %lu pages: %s, %ju done, bound %ju", NR, ret ? strerror(errno) : "done",
	     (uintmax_t)r.done, (uintmax_t)p.bound);
	expect(r.done + r.already <= NR && r.done, "%ju done", (uintmax_t)r.done);
	all_go_on(1);
	end(2);
}

/* The smallest region that there is works, on one page at a time and all at once. */
static void smallest(void)
{
	struct framepool_pool p;
	u64 round;

	begin();
	need(pool_info(pool, &p), "no pool");
	expect(p.bytes == 2 * MIB && p.frames == 512, "%ju bytes, %ju frames", (uintmax_t)p.bytes,
	       (uintmax_t)p.frames);
	expect(p.bound == p.frames - p.kernel && p.bound > 400, "a bound of %ju",
	       (uintmax_t)p.bound);
	for (round = 1; round < 3; round++)
		all_go_on(round);
	end(3);
}

/* ---- nodes of page tables, of which there may be as many as a quarter of the frames ---- */

#define LEAF	(2 * MIB)		/* what one node of the lowest level leads to */
#define LEAVES	(2 * MIB / PAGE / 4 + 40)

static int far_fd;
static u32 far_id;
static u8 *far;

/* A second space, whose pages are to lie one in each leaf. */
static void begin_far_on(const char *backing)
{
	attach_block = FRAMEPOOL_BLOCK_1;
	begin();
	far_fd = space_attach(backing, O_RDWR);
	far_id = space_id(far_fd);
	far = map(far_fd, LEAVES * LEAF, RW, MAP_SHARED);
}

/* It is of a file with nothing in it. */
static void begin_far(void)
{
	char *name = file_path("far");
	int f = need_ok(open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600));

	need_ok(ftruncate(f, LEAVES * LEAF));
	close(f);
	begin_far_on(name);
}

static void end_far(u64 version)
{
	need_ok(munmap(far, LEAVES * LEAF));
	space_gone(far_fd, far_id);
	end(version);
}

static void touch_leaf(const u8 *mem, u64 i)
{
	expect(bytes_zero(mem + i * LEAF, PAGE, i * LEAF), "page %ju of a hole", (uintmax_t)i);
}

/* Just so many that there are no more nodes, and those of the reserve are in use, too. */
static void use_all_nodes(const u8 *mem)
{
	struct framepool_pool p;
	u64 i = 0;

	do {
		touch_leaf(mem, i++);
		need(pool_info(pool, &p), "no pool");
	} while (p.nodes < p.frames / 4 && i < LEAVES);
	diag("%ju leaves, %ju of %ju frames are nodes", (uintmax_t)i, (uintmax_t)p.nodes,
	     (uintmax_t)p.frames);
	need(i < LEAVES, "nodes without end");
}

/* What a space remembers of pages that have left starves no other. */
static void others_ghosts(void)
{
	u64 start, i;

	begin_far();
	set_wait_ms(10000);
	use_all_nodes(far);
	start = now_ms();
	all_go_on(1);
	expect(now_ms() - start < 20000 * scale, "took %ju ms", (uintmax_t)(now_ms() - start));
	for (i = 0; i < LEAVES; i++)
		touch_leaf(far, i);
	end_far(2);
}

/* Pin a page in each leaf until there are no more nodes; how many. */
static u64 pin_all_nodes(void)
{
	struct framepool_range r;
	u64 i;

	for (i = 0; i < LEAVES; i++)
		if (range_op(far_fd, FRAMEPOOL_PIN, i * LEAF, PAGE, &r))
			break;
	need(i && i < LEAVES && errno == ENOMEM, "pin %ju: %s", (uintmax_t)i, strerror(errno));
	return i;
}

#define RICH	200UL

static void touch_rich(const u8 *mem)
{
	u64 vpn;

	for (vpn = 0; vpn < RICH; vpn++)
		expect(page_is(mem + vpn * PAGE, vpn, 3), "a page that has its node");
}

static u64 evictions(void)
{
	struct framepool_pool p;

	need(pool_info(pool, &p), "no pool");
	return p.evictions;
}

/* All nodes lead to pinned pages: who needs one is told in bounded time, and takes no page for it. */
static void pinned_nodes(void)
{
	struct framepool_resize size = { .size = sizeof(size) };
	struct framepool_range r;
	u64 n, before, left;
	u8 *buf = malloc(PAGE), *mem;
	int rich, i;

	begin_far();
	/* Pages that could leave, but for nothing: their node stays. */
	rich = space_attach(file_make("rich", RICH * PAGE, 3), O_RDONLY);
	mem = map(rich, RICH * PAGE, PROT_READ, MAP_SHARED);
	need_ok(range_op(rich, FRAMEPOOL_PIN, 0, PAGE, &r));
	n = pin_all_nodes();
	diag("%ju pages pinned", (uintmax_t)n);
	before = evictions();
	for (i = 0; i < 8; i++) {
		touch_rich(mem);
		sigbus_soon(m + i * PAGE);
	}
	expect(pread(fd, buf, PAGE, PAGE) == -1 && errno == ENOMEM, "read: %s", strerror(errno));
	expect_errno(range_op(fd, FRAMEPOOL_PREFETCH, 0, 0, &r), ENOMEM);
	/* The page in which the new end lies has to come. */
	size.bytes = (NR - 3) * PAGE + 1;
	expect_errno(ioctl(fd, FRAMEPOOL_RESIZE, &size), ENOMEM);
	left = evictions() - before;
	diag("%ju pages have left for nothing", (uintmax_t)left);
	expect(left < 4 * MIB / PAGE, "%ju pages have left", (uintmax_t)left);
	set_wait_ms(10000);
	/* The other needs a root and two leaves. */
	need_ok(range_op(far_fd, FRAMEPOOL_UNPIN, 0, 3 * LEAF, &r));
	need(r.done == 3, "%ju unpinned", (uintmax_t)r.done);
	all_go_on(1);
	need_ok(range_op(far_fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	expect(r.done == n - 3, "%ju unpinned of %ju", (uintmax_t)r.done, (uintmax_t)n - 3);
	need_ok(munmap(mem, RICH * PAGE));
	space_gone(rich, space_id(rich));
	end_far(2);
}

/* Waits for a page, and jumps away when its fault could have learnt what has become of that. */
static void *jump_away(void *arg)
{
	int sig = try_load(arg, NULL);

	expect(sig == SIGUSR1, "signal %d", sig);
	return NULL;
}

static bool more_nodes(void *before)
{
	struct framepool_pool p;

	return pool_info(pool, &p) && p.nodes > *(u64 *)before;
}

static u64 errors_shown(void)
{
	char where[128], line[128];
	u64 n = 0;
	FILE *f;

	snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/pagetable", pool);
	f = fopen(where, "re");
	need(f, "%s: %s", where, strerror(errno));
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, " error -5\n");
	fclose(f);
	return n;
}

/*
 * Each of them waits in a leaf of its own, until there are no more nodes, when the device stands
 * still; it fails, and nobody is there to be told.  How many they are.
 */
static u64 fail_in_all_leaves(void)
{
	pthread_t thread[LEAVES];
	struct framepool_space s;
	struct framepool_pool p;
	u64 n = 0, i;

	catch_signal(SIGUSR1);
	dm_stall();
	need(pool_info(pool, &p), "no pool");
	while (p.nodes < p.frames / 4) {
		need(n < LEAVES, "nodes without end");
		need(!pthread_create(&thread[n], NULL, jump_away, far + n * LEAF), "no thread");
		n++;
		need(wait_until(more_nodes, &p.nodes, 20000), "no node for leaf %ju", (uintmax_t)n);
		need(pool_info(pool, &p), "no pool");
	}
	for (i = 0; i < n; i++)
		pthread_kill(thread[i], SIGUSR1);
	dm_go_on();
	for (i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	space_info(far_fd, &s);
	expect(s.fill_errors == n && s.ghosts == n && errors_shown() == n,
	       "%ju of %ju reads failed, %ju are remembered", (uintmax_t)s.fill_errors,
	       (uintmax_t)n, (uintmax_t)s.ghosts);
	return n;
}

#define ERROR_WAITERS	4

static void *told_each_time(void *first)
{
	u64 i;

	for (i = (u64)first; i < LEAVES; i += ERROR_WAITERS)
		expect(try_load(far + i * LEAF, NULL) == SIGBUS, "leaf %ju", (uintmax_t)i);
	return NULL;
}

/*
 * Errors that nobody was told of keep no node from who needs one.  And who is there is told, although
 * the others want the node that has his error.
 */
static void forgotten_errors(void)
{
	pthread_t thread[ERROR_WAITERS];
	struct framepool_space s;
	char node[64];
	u64 n, i;

	if (!dm_make(node, sizeof(node)))
		skip("no device mapper");
	dm_table("0 %lu error", LEAVES * LEAF / 512);
	begin_far_on(node);
	n = fail_in_all_leaves();
	diag("%ju reads failed, each in a leaf of its own", (uintmax_t)n);
	all_go_on(1);
	for (i = 0; i < ERROR_WAITERS; i++)
		need(!pthread_create(&thread[i], NULL, told_each_time, (void *)i), "no thread");
	for (i = 0; i < ERROR_WAITERS; i++)
		pthread_join(thread[i], NULL);
	space_info(far_fd, &s);
	expect(!s.refaults, "%ju pages come again that were never there", (uintmax_t)s.refaults);
	end_far(2);
	expect(wait_until(dm_remove, NULL, 10000), "the device is still in use: %s",
	       strerror(errno));
}

static const struct test tests[] = {
	{ "everything pinned", pinned, T_DEVICE },
	{ "everything held", held, T_DEVICE },
	{ "a waiter is rescued", rescued, T_DEVICE },
	{ "a waiter is killed", killed, T_DEVICE },
	{ "a prefetch of more than the pool", prefetch_too_much, T_DEVICE },
	{ "the smallest region", smallest, T_DEVICE },
	{ "the ghosts of another space", others_ghosts, T_DEVICE },
	{ "every node leads to a pinned page", pinned_nodes, T_DEVICE },
	{ "errors that nobody was told of", forgotten_errors, T_DEVICE },
};

int main(int argc, char **argv)
{
	after_test = dm_clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
