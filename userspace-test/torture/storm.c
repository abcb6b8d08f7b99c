// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces that change under faults: pages cut out, protected, moved and advised away one by
 * one while threads use them; forks that store on both sides; processes that leave, or are killed,
 * in the middle of whatever the pool does for them.
 *
 * The model says for each page which version was begun and which finished; no page has two writers.
 */
#include "torture.h"

#include <signal.h>
#include <sys/uio.h>

#define NR	768UL			/* pages: one and a half of the smallest region */

static char *path;
static u8 *m;
static int fd;
static u32 id;

static struct book {
	atomic_ullong steps;
	struct {
		atomic_uint begun, finished;
	} page[NR];
} *book;

static void begin(void)
{
	pool_use(2 * MIB);
	book = mmap(NULL, sizeof(*book), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	path = file_make("file", NR * PAGE, 0);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

static void settle(const u8 *is, const char *where)
{
	u32 finished, begun;
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++) {
		finished = atomic_load(&book->page[vpn].finished);
		begun = atomic_load(&book->page[vpn].begun);
		expect_settled(is + vpn * PAGE, vpn, finished, begun, where);
	}
}

static void end(void)
{
	u64 bytes;

	settle(m, "the mapping in the end");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	settle(file_load(path, &bytes), "the file");
}

/* ---- surgery ---- */

#define USERS	2

static atomic_bool stop;

/*
 * Read a page and store its next version, again and again while it is being cut away: SIGSEGV is
 * what is due then; SIGBUS, or other bytes, never is.
 */
static void use_page(u64 vpn)
{
	u8 now[PAGE] __attribute__((aligned(8))), next[PAGE] __attribute__((aligned(8)));
	u32 version = atomic_load(&book->page[vpn].finished);
	int sig;

	sig = try_copy(now, m + vpn * PAGE, PAGE);
	if (!sig)
		expect(page_is(now, vpn, version), "before the store");
	page_fill(next, vpn, version + 1);
	atomic_store(&book->page[vpn].begun, version + 1);
	do {
		expect(!sig || sig == SIGSEGV, "signal %d", sig);
		sig = try_copy(m + vpn * PAGE, next, PAGE);
	} while (sig && !failures());
	atomic_store(&book->page[vpn].finished, version + 1);
}

static void *user(void *arg)
{
	u64 nr = (uintptr_t)arg;
	struct rnd r;

	rnd_init(&r, nr);
	while (!atomic_load(&stop))
		use_page(rnd_below(&r, NR / USERS) * USERS + nr);
	return NULL;
}

static void cut(u8 *at, u64 vpn, u64 pages)
{
	need_ok(munmap(at, pages * PAGE));
	need(mmap(at, pages * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, vpn * PAGE) == at, "mmap: %s",
	     strerror(errno));
}

/* To a place of its own and back; there nobody but us can see the page. */
static void move(u8 *at, u64 vpn, u8 *away)
{
	u32 finished, begun;

	need(mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, away) == away, "away: %s",
	     strerror(errno));
	begun = atomic_load(&book->page[vpn].begun);
	finished = atomic_load(&book->page[vpn].finished);
	/* Its writer may have begun, or ended, between the two looks and before the move. */
	expect(page_among(away, vpn, finished ? finished - 1 : 0, begun + 1),
	       "page %ju, moved away", (uintmax_t)vpn);
	need(mremap(away, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at, "back: %s",
	     strerror(errno));
	need(mmap(away, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == away,
	     "reserve: %s", strerror(errno));
}

static void protect(u8 *at, u64 pages, struct rnd *r)
{
	static const int prot[] = { PROT_NONE, PROT_READ, RW };

	need_ok(mprotect(at, pages * PAGE, prot[rnd_below(r, 3)]));
	need_ok(mprotect(at, pages * PAGE, RW));
}

static void advise(u8 *at, u64 pages, struct rnd *r)
{
	static const int advice[] = { MADV_DONTNEED,	 MADV_COLD,	     MADV_PAGEOUT,
				      MADV_HUGEPAGE,	 MADV_RANDOM,	     MADV_SEQUENTIAL,
				      MADV_NORMAL,	 MADV_POPULATE_READ, MADV_POPULATE_WRITE,
				      MADV_WILLNEED,	 MADV_DONTFORK,	     MADV_DOFORK,
				      MADV_FREE,	 25 /* MADV_COLLAPSE */,
				      MADV_REMOVE };

	/* The last one punches holes into a plain file. */
	madvise(at, pages * PAGE, advice[rnd_below(r, ARRAY_SIZE(advice) - plain)]);
}

static void surgery(void)
{
	u8 *away = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread[USERS];
	struct framepool_range range;
	struct rnd r;
	u64 i, vpn, pages;

	begin();
	rnd_init(&r, 99);
	for (i = 0; i < USERS; i++)
		need(!pthread_create(&thread[i], NULL, user, (void *)i), "no thread");
	for (i = 0; i < scaled(800) && !failures(); i++) {
		pages = 1 + rnd_below(&r, 4);
		vpn = rnd_below(&r, NR - pages);
		switch (rnd_below(&r, 6)) {
		case 0:
			cut(m + vpn * PAGE, vpn, pages);
			break;
		case 1:
			move(m + vpn * PAGE, vpn, away);
			break;
		case 2:
			protect(m + vpn * PAGE, pages, &r);
			break;
		case 3:
			advise(m + vpn * PAGE, pages, &r);
			break;
		case 4:
			mlock(m + vpn * PAGE, pages * PAGE);
			munlock(m + vpn * PAGE, pages * PAGE);
			break;
		case 5:
			if (!plain)
				need_ok(range_op(fd, FRAMEPOOL_EVICT, vpn * PAGE, pages * PAGE,
						 &range));
		}
	}
	atomic_store(&stop, true);
	for (i = 0; i < USERS; i++)
		pthread_join(thread[i], NULL);
	end();
}

/* ---- forks ---- */

#define STRIPES	6	/* 0, 1: threads of the parent; 2, 3: children; 4, 5: their children */

static void store_stripe(u64 stripe, u64 step)
{
	u64 vpn;
	u32 version;

	for (vpn = stripe; vpn < NR; vpn += STRIPES * step) {
		version = atomic_load(&book->page[vpn].begun);
		expect(page_is(m + vpn * PAGE, vpn, version), "stripe %ju", (uintmax_t)stripe);
		atomic_store(&book->page[vpn].begun, version + 1);
		page_fill(m + vpn * PAGE, vpn, version + 1);
		atomic_store(&book->page[vpn].finished, version + 1);
	}
}

static void *storing_thread(void *arg)
{
	while (!atomic_load(&stop))
		store_stripe((uintptr_t)arg, 3);
	return NULL;
}

static u8 *private;

/* Private copies of before the fork are there, and those of after it are its maker's alone. */
static void private_child(u64 nr)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn += 31) {
		expect(page_is(private + vpn * PAGE, vpn, 9), "a private copy, inherited");
		page_fill(private + vpn * PAGE, vpn, 10 + nr);
	}
	for (vpn = 0; vpn < NR; vpn += 31)
		expect(page_is(private + vpn * PAGE, vpn, 10 + nr), "a private copy");
}

static void grandchild(void *arg)
{
	u64 nr = (uintptr_t)arg;

	store_stripe(4 + nr, 2);
	private_child(2 + nr);
}

static void forking_child(void *arg)
{
	u64 nr = (uintptr_t)arg & 1, round = (uintptr_t)arg >> 1;
	pid_t pid = child_start(grandchild, (void *)nr);

	store_stripe(2 + nr, 2);
	private_child(nr);
	child_join(pid);
	if (failures() || (round & 1))
		return;
	execl("/bin/true", "true", NULL);
	give_up();
}

static void forks(void)
{
	pthread_t thread[2];
	pid_t pid[2];
	u64 i, k, vpn;

	begin();
	private = map(fd, NR * PAGE, RW, MAP_PRIVATE);
	for (vpn = 0; vpn < NR; vpn += 31)
		page_fill(private + vpn * PAGE, vpn, 9);
	for (i = 0; i < 2; i++)
		need(!pthread_create(&thread[i], NULL, storing_thread, (void *)i), "no thread");
	for (i = 0; i < scaled(20) && !failures(); i++) {
		for (k = 0; k < 2; k++)
			pid[k] = child_start(forking_child, (void *)(i << 1 | k));
		for (k = 0; k < 2; k++)
			child_join(pid[k]);
		for (vpn = 0; vpn < NR; vpn += 31)
			expect(page_is(private + vpn * PAGE, vpn, 9), "the parent's private copy");
	}
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	need_ok(munmap(private, NR * PAGE));
	end();
}

/* ---- leaving ---- */

static char *other_path;

static void *syncing_thread(void *arg)
{
	(void)arg;
	for (;;) {
		expect(!fsync(fd) || errno == EINTR, "fsync: %s", strerror(errno));
		atomic_fetch_add(&book->steps, 1);
	}
	return NULL;
}

static void *direct_thread(void *arg)
{
	int other = direct_open(other_path);
	struct rnd r;
	u64 vpn;

	rnd_init(&r, (uintptr_t)arg);
	for (;;) {
		vpn = rnd_below(&r, NR - 16);
		expect(pread(other, m + vpn * PAGE, 16 * PAGE, vpn * PAGE) > 0 || errno == EINTR,
		       "pread: %s", strerror(errno));
		atomic_fetch_add(&book->steps, 1);
	}
	return NULL;
}

static void *ranging_thread(void *arg)
{
	static const unsigned long cmd[] = { FRAMEPOOL_PREFETCH, FRAMEPOOL_EVICT, FRAMEPOOL_PIN,
					     FRAMEPOOL_UNPIN, FRAMEPOOL_SYNC };
	struct framepool_range range;
	struct rnd r;
	u64 vpn;

	rnd_init(&r, (uintptr_t)arg);
	for (;;) {
		vpn = rnd_below(&r, NR - 32);
		if (!plain)
			range_op(fd, cmd[rnd_below(&r, ARRAY_SIZE(cmd))], vpn * PAGE, 32 * PAGE,
				 &range);
		else
			*(volatile u8 *)(m + vpn * PAGE);
		atomic_fetch_add(&book->steps, 1);
	}
	return NULL;
}

static void *splicing_thread(void *arg)
{
	struct iovec iov;
	struct rnd r;
	u8 buf[PAGE];
	u64 vpn;
	int p[2];

	rnd_init(&r, (uintptr_t)arg);
	need_ok(pipe(p));
	for (;;) {
		vpn = rnd_below(&r, NR);
		iov = (struct iovec){ m + vpn * PAGE, PAGE };
		if (vmsplice(p[1], &iov, 1, 0) == (ssize_t)PAGE &&
		    read(p[0], buf, PAGE) == (ssize_t)PAGE)
			expect(page_among(buf, vpn, 0, 1), "from the pipe");
		atomic_fetch_add(&book->steps, 1);
	}
	return NULL;
}

/* All of it at once, and then gone: by exit, by exec, by a thread's exec, by SIGKILL. */
static void *exec_thread(void *arg)
{
	(void)arg;
	execl("/bin/true", "true", NULL);
	give_up();
}

static void leaving_child(void *arg)
{
	void *(*const run[])(void *arg) = { syncing_thread, direct_thread, ranging_thread,
					    splicing_thread, direct_thread };
	u64 how = (uintptr_t)arg, i;
	pthread_t thread;

	for (i = 0; i < ARRAY_SIZE(run); i++)
		need(!pthread_create(&thread, NULL, run[i], (void *)(how * 8 + i)), "no thread");
	wait_for_steps(&book->steps, 20 + how * 7 % 60);
	if (how % 4 == 0)
		exec_thread(NULL);
	if (how % 4 == 1)
		_exit(0);
	if (how % 4 == 2)
		kill(getpid(), SIGKILL);
	need(!pthread_create(&thread, NULL, exec_thread, NULL), "no thread");
	pthread_join(thread, NULL);
}

static void leaving(void)
{
	struct framepool_range r;
	u64 i, vpn, bytes;
	int status;
	u8 *is;

	begin();
	other_path = file_make("other", NR * PAGE, 1);
	for (i = 0; i < scaled(16) + 4; i++) {
		atomic_store(&book->steps, 0);
		need_ok(waitpid(child_start(leaving_child, (void *)(uintptr_t)i), &status, 0));
		expect(i % 4 == 2 ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL :
				    WIFEXITED(status) && !WEXITSTATUS(status),
		       "round %ju: status %#x", (uintmax_t)i, status);
		if (!plain)
			need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	}
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_among(m + vpn * PAGE, vpn, 0, 1), "page %ju", (uintmax_t)vpn);
	is = malloc(NR * PAGE);
	memcpy(is, m, NR * PAGE);
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect(bytes_are(file_load(path, &bytes), is, NR * PAGE, 0), "the file");
}

/* ---- detaching ---- */

#define FEW	200UL

static void detaching_child(void *arg)
{
	u64 vpn;
	u32 version;
	int node;

	(void)arg;
	for (;;) {
		/* Of a life before: the name is there still, or just going. */
		if (detach("t.storm"))
			expect(errno == ENOENT || errno == EBUSY || errno == ENXIO, "detach: %s",
			       strerror(errno));
		space_name(path, "t.storm", O_RDWR);
		node = need_ok(node_open("t.storm", O_RDWR));
		m = map(node, FEW * PAGE, RW, MAP_SHARED);
		need_ok(close(node));
		for (vpn = 0; vpn < FEW; vpn += 3) {
			version = atomic_load(&book->page[vpn].begun);
			expect(page_is(m + vpn * PAGE, vpn, version), "after attach");
			atomic_store(&book->page[vpn].begun, version + 1);
			page_fill(m + vpn * PAGE, vpn, version + 1);
			atomic_store(&book->page[vpn].finished, version + 1);
			atomic_fetch_add(&book->steps, 1);
		}
		need_ok(munmap(m, FEW * PAGE));
		atomic_fetch_add(&book->steps, 40);
		need_ok(detach("t.storm"));
		atomic_fetch_add(&book->steps, 40);
	}
}

static bool name_gone(void *arg)
{
	(void)arg;
	return detach("t.storm") && errno == ENOENT && !spaces_count();
}

/*
 * Killed anywhere between attach and detach: afterwards the name can be detached, and all is there.
 */
static void detaching(void)
{
	struct rnd r;
	u64 i, vpn, at;
	u8 *page = aligned_alloc(PAGE, PAGE);
	int status, f;
	pid_t pid;

	pool_use(2 * MIB);
	book = mmap(NULL, sizeof(*book), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	path = file_make("file", FEW * PAGE, 0);
	rnd_init(&r, 5);
	for (i = 0; i < scaled(12) + 3 && !failures(); i++) {
		at = atomic_load(&book->steps) + rnd_below(&r, 300);
		pid = child_start(detaching_child, NULL);
		wait_for_steps(&book->steps, at);
		need_ok(kill(pid, SIGKILL));
		need_ok(waitpid(pid, &status, 0));
		need(wait_until(name_gone, NULL, SETTLE_MS), "the name stays: %s", strerror(errno));
		f = direct_open(path);
		for (vpn = 0; vpn < FEW; vpn++) {
			u32 finished = atomic_load(&book->page[vpn].finished);
			u32 begun = atomic_load(&book->page[vpn].begun);

			need(pread(f, page, PAGE, vpn * PAGE) == PAGE, "pread");
			if (finished == begun)
				expect(page_is(page, vpn, begun), "round %ju", (uintmax_t)i);
			else
				expect(page_torn(page, vpn, finished, begun), "round %ju, torn",
				       (uintmax_t)i);
			if (finished == begun)
				continue;
			page_fill(page, vpn, begun);
			need(pwrite(f, page, PAGE, vpn * PAGE) == PAGE, "pwrite");
			atomic_store(&book->page[vpn].finished, begun);
		}
		need_ok(close(f));
	}
}

static const struct test tests[] = {
	{ "single pages cut, moved, protected and advised under faults", surgery, 0 },
	{ "forks, with stores on both sides", forks, 0 },
	{ "exit, exec and SIGKILL in the middle of I/O", leaving, 0 },
	{ "SIGKILL between attach and detach", detaching, T_DEVICE },
};

int main(int argc, char **argv)
{
	return torture_main(argc, argv, tests, ARRAY_SIZE(tests), NULL);
}
