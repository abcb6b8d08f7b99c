// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that die at random moments: while they fault, store, sync, attach and close.
 *
 * The moment is a random number of finished steps, which the victim counts in shared memory.  The
 * model says for each page which version was finished and which was begun: after the kill it holds
 * the one, or the other torn.
 */
#include "test.h"

#include <pthread.h>
#include <signal.h>

#define NR	768UL			/* pages: one and a half of the smallest region */
#define THREADS	3
#define RW	(PROT_READ | PROT_WRITE)

struct book {
	atomic_ullong steps;
	struct {
		atomic_uint begun, finished;
	} page[NR];
};

static struct book *book;
static char *path;
static u8 *m;
static int fd;

struct victim {
	unsigned int nr;
	u64 round;
	bool syncs;
};

static void *victim_thread(void *arg)
{
	struct victim *v = arg;
	struct rnd r;
	u64 vpn;
	u32 version;

	rnd_init(&r, v->round * THREADS + v->nr);
	for (;;) {
		vpn = rnd_below(&r, NR / THREADS) * THREADS + v->nr; /* no page has two writers */
		version = atomic_load(&book->page[vpn].begun);
		expect(page_is(m + vpn * PAGE, vpn, version), "before the store");
		atomic_store(&book->page[vpn].begun, version + 1);
		page_fill(m + vpn * PAGE, vpn, version + 1);
		atomic_store(&book->page[vpn].finished, version + 1);
		atomic_fetch_add(&book->steps, 1);
		if (v->syncs && !rnd_below(&r, 16)) {
			if (rnd_next(&r) & 1)
				need_ok(msync(m, NR * PAGE, MS_SYNC));
			else
				need_ok(fsync(fd));
		}
		if (!rnd_below(&r, 64))
			need_ok(madvise(m + vpn * PAGE, PAGE, MADV_DONTNEED));
	}
	return NULL;
}

static void victim(void *arg)
{
	struct victim *v = arg, each[THREADS];
	pthread_t thread[THREADS];
	unsigned int i;

	if (fd < 0)
		fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (i = 0; i < THREADS; i++) {
		each[i] = *v;
		each[i].nr = i;
		need(!pthread_create(&thread[i], NULL, victim_thread, &each[i]), "no thread");
	}
	pthread_join(thread[0], NULL);
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

static void rounds(bool syncs, bool survivor, u64 nr)
{
	struct victim v = { .syncs = syncs };
	u64 i, at, vpn, bytes;
	struct rnd r;
	u8 *mine = NULL, *is;
	int status;
	pid_t pid;
	u32 id = 0;

	pool_use(2 * MIB);
	book = mmap(NULL, sizeof(*book), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rnd_init(&r, 99);
	path = file_make("file", NR * PAGE, 0);
	fd = -1;
	if (survivor) {
		fd = space_attach(path, O_RDWR);
		id = space_id(fd);
		mine = map(fd, NR * PAGE, RW, MAP_SHARED);
	}
	for (i = 0; i < nr; i++) {
		v.round = i;
		atomic_store(&book->steps, 0);
		pid = child_start(victim, &v);
		at = rnd_below(&r, scaled(syncs ? 300 : 2000) + 20);
		wait_for_steps(&book->steps, at);
		need_ok(kill(pid, SIGKILL));
		need_ok(waitpid(pid, &status, 0));
		if (survivor) {
			settle(mine, "in the survivor's mapping");
		} else {
			if (!plain)
				need(wait_until(no_spaces, NULL, 20000), "the space stays");
			is = file_load(path, &bytes);
			settle(is, "in the file");
			free(is);
		}
		need(!failures(), "round %ju", (uintmax_t)i);
		/* A new beginning for the torn ones. */
		fd = survivor ? fd : need_ok(open(path, O_RDWR));
		for (vpn = 0; vpn < NR; vpn++) {
			u8 page[PAGE] __attribute__((aligned(8)));
			u32 begun = atomic_load(&book->page[vpn].begun);

			if (begun == atomic_load(&book->page[vpn].finished))
				continue;
			page_fill(page, vpn, begun);
			if (survivor)
				memcpy(mine + vpn * PAGE, page, PAGE);
			else
				need(pwrite(fd, page, PAGE, vpn * PAGE) == PAGE, "pwrite");
			atomic_store(&book->page[vpn].finished, begun);
		}
		if (!survivor) {
			need_ok(fsync(fd));
			need_ok(close(fd));
			fd = -1;
		}
	}
	if (survivor) {
		need_ok(munmap(mine, NR * PAGE));
		space_gone(fd, id);
		settle(file_load(path, &bytes), "in the file");
	}
}

static void alone(void)
{
	rounds(false, false, scaled(8) + 2);
}

static void alone_syncing(void)
{
	rounds(true, false, scaled(8) + 2);
}

static void with_survivor(void)
{
	rounds(true, true, scaled(8) + 2);
}

/* Attach, touch, close, over and over, killed anywhere: nothing is left of any of them. */
static void attaching_child(void *arg)
{
	struct rnd *r = arg;
	u64 vpn;

	for (;;) {
		fd = space_attach(path, O_RDWR);
		m = map(fd, NR * PAGE, RW, MAP_SHARED);
		for (vpn = rnd_below(r, NR); vpn < NR; vpn += 1 + rnd_below(r, 50)) {
			expect(page_is(m + vpn * PAGE, vpn, 5), "after attach");
			page_fill(m + vpn * PAGE, vpn, 5);
		}
		if (rnd_next(r) & 1)
			need_ok(close(fd));
		need_ok(munmap(m, NR * PAGE));
		close(fd);
		atomic_fetch_add(&book->steps, 1);
	}
}

static void attach_and_die(void)
{
	u64 i, k, at, vpn, bytes;
	struct rnd r, each[2];
	pid_t pid[2];
	int status;
	u8 *is;

	pool_use(2 * MIB);
	book = mmap(NULL, sizeof(*book), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	path = file_make("file", NR * PAGE, 5);
	rnd_init(&r, 7);
	for (i = 0; i < scaled(8) + 2; i++) {
		for (k = 0; k < 2; k++) {
			rnd_init(&each[k], 100 + 2 * i + k);
			pid[k] = child_start(attaching_child, &each[k]);
		}
		at = atomic_load(&book->steps) + rnd_below(&r, 30);
		wait_for_steps(&book->steps, at);
		for (k = 0; k < 2; k++) {
			need_ok(kill(pid[k], SIGKILL));
			need_ok(waitpid(pid[k], &status, 0));
		}
		if (!plain)
			expect(wait_until(no_spaces, NULL, 20000), "a space stays");
	}
	is = file_load(path, &bytes);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, 5), "in the file");
}

/* A named space belongs to its name: it survives its attacher and all its users. */
static void naming_child(void *arg)
{
	u64 vpn;

	(void)arg;
	space_name(path, "t.kill", O_RDWR);
	fd = need_ok(node_open("t.kill", O_RDWR));
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	kill(getpid(), SIGKILL);
}

static void named(void)
{
	u64 vpn, bytes;
	int status;
	pid_t pid;
	u8 *is;

	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 1);
	pid = child_start(naming_child, NULL);
	need_ok(waitpid(pid, &status, 0));
	need(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %#x", status);
	fd = need_ok(node_open("t.kill", O_RDWR));
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 2), "after the attacher's death");
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	need_ok(detach("t.kill"));
	is = file_load(path, &bytes);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, 2), "in the file");
}

static void *reading_thread(void *arg)
{
	struct rnd r;
	u64 vpn;

	rnd_init(&r, (uintptr_t)arg);
	for (;;) {
		vpn = rnd_below(&r, NR);
		if (!page_holds(m + vpn * PAGE, vpn, 1))
			fail(__FILE__, __LINE__, "page", "wrong bytes in page %ju", (uintmax_t)vpn);
		atomic_fetch_add(&book->steps, 1);
	}
	return NULL;
}

static void leaving_child(void *arg)
{
	u64 how = (uintptr_t)arg, i;
	pthread_t thread;

	fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (i = 0; i < THREADS; i++)
		need(!pthread_create(&thread, NULL, reading_thread, (void *)i), "no thread");
	wait_for_steps(&book->steps, 200 + how * 100);
	if (how & 1)
		execl("/bin/true", "true", NULL);
	_exit(0);
}

/* exit and exec while other threads are in the middle of faults. */
static void leaving(void)
{
	u64 i;

	pool_use(2 * MIB);
	book = mmap(NULL, sizeof(*book), RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	path = file_make("file", NR * PAGE, 1);
	for (i = 0; i < scaled(20) + 2; i++) {
		atomic_store(&book->steps, 0);
		child_join(child_start(leaving_child, (void *)(uintptr_t)i));
	}
}

static const struct test tests[] = {
	{ "killed while storing", alone, 0 },
	{ "killed while storing and syncing", alone_syncing, 0 },
	{ "killed beside one who lives on", with_survivor, 0 },
	{ "killed while attaching and closing", attach_and_die, 0 },
	{ "a named space survives its attacher", named, T_DEVICE },
	{ "exit and exec while threads fault", leaving, 0 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
