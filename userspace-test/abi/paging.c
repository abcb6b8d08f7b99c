// SPDX-License-Identifier: GPL-2.0-only
/*
 * The promise itself: a file several times the region, used as if it were memory.
 *
 * The model is one version number for each page, in memory that all workers share, and a lock bit
 * for each page, so that whoever has the bit knows exactly what the page holds, whatever anybody
 * does to its neighbours in the meantime.
 */
#include "test.h"

#include <poll.h>
#include <pthread.h>

#define WORKERS		4	/* two threads in each of two processes */
#define LOCKED		(1U << 31)

struct book {
	atomic_uint stop;
	atomic_ullong over;		/* times that more than the bound was seen */
	atomic_ullong samples;
	atomic_uint version[];
};

struct job {
	struct book *book;
	const char *path;
	int fd;			/* of a space; -1: attach for yourself */
	u8 *mem;
	u64 pages;
	u64 ops;
	unsigned int worker;
};

static struct book *book_make(u64 pages)
{
	struct book *b = mmap(NULL, sizeof(*b) + pages * sizeof(b->version[0]),
			      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need(b != MAP_FAILED, "no memory for the model");
	return b;
}

static u32 page_lock(struct book *b, u64 vpn)
{
	u32 v;

	while ((v = atomic_fetch_or(&b->version[vpn], LOCKED)) & LOCKED)
		sched_yield();
	return v;
}

static void page_unlock(struct book *b, u64 vpn, u32 version)
{
	atomic_store(&b->version[vpn], version);
}

/* Look at the page as it should be and, one time in two, make it the next version. */
static void visit(struct job *j, u64 vpn, bool store)
{
	u32 v = page_lock(j->book, vpn);

	expect(page_is(j->mem + vpn * PAGE, vpn, v), "worker %u", j->worker);
	if (store)
		page_fill(j->mem + vpn * PAGE, vpn, ++v);
	page_unlock(j->book, vpn, v);
}

/* First every page of this worker's share once, in a random order; then pages of anybody's. */
static void *work(void *arg)
{
	struct job *j = arg;
	u64 share = j->pages / WORKERS, first = share * j->worker, i, k, *order;
	struct rnd r;

	rnd_init(&r, j->worker);
	order = malloc(share * sizeof(*order));
	need(order, "no memory");
	for (i = 0; i < share; i++) {
		k = rnd_below(&r, i + 1);
		order[i] = order[k];
		order[k] = first + i;
	}
	for (i = 0; i < share; i++)
		visit(j, order[i], true);
	for (i = 0; i < j->ops; i++)
		visit(j, rnd_below(&r, j->pages), rnd_next(&r) & 1);
	free(order);
	return NULL;
}

static void work_in_two_threads(void *arg)
{
	struct job *j = arg, second;
	pthread_t thread;

	if (j->fd < 0)
		j->fd = space_attach(j->path, O_RDWR);
	j->mem = map(j->fd, j->pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	second = *j;
	second.worker++;
	need(!pthread_create(&thread, NULL, work, &second), "no thread");
	work(j);
	pthread_join(thread, NULL);
}

static void *watch(void *arg)
{
	struct book *b = arg;
	struct framepool_pool p;

	while (!atomic_load(&b->stop)) {
		need(pool_info(pool, &p), "the pool went away");
		if (p.resident > p.bound)
			atomic_fetch_add(&b->over, 1);
		atomic_fetch_add(&b->samples, 1);
		poll(NULL, 0, 1);	/* the most that there ever was is noted by the module */
	}
	return NULL;
}

static void random_order(u64 pages, u64 ops)
{
	struct book *book = book_make(pages);
	char *path = file_make("big", pages * PAGE, 0);
	struct job job[2] = { 0 };
	struct framepool_space info = { 0 };
	struct framepool_pool before, after;
	pthread_t watcher;
	pid_t child[2];
	u64 i, bytes;
	u8 *is;
	u32 id;

	if (!plain) {
		need(pool_info(pool, &before), "no pool");
		need(pages > before.bound, "a file of %ju pages proves nothing with a bound of %ju",
		     (uintmax_t)pages, (uintmax_t)before.bound);
	}
	for (i = 0; i < 2; i++) {
		job[i] = (struct job){ .book = book,
				       .path = path,
				       .pages = pages,
				       .ops = ops / WORKERS,
				       .worker = i * 2,
				       .fd = -1 };
	}
	/* One process has its descriptor from here, the other attaches the file for itself. */
	job[0].fd = space_attach(path, O_RDWR);
	id = space_id(job[0].fd);
	if (!plain)
		need(!pthread_create(&watcher, NULL, watch, book), "no thread");
	for (i = 0; i < 2; i++)
		child[i] = child_start(work_in_two_threads, &job[i]);
	for (i = 0; i < 2; i++)
		child_join(child[i]);
	if (!plain) {
		atomic_store(&book->stop, 1);
		pthread_join(watcher, NULL);
		space_info(job[0].fd, &info);
		need(pool_info(pool, &after), "no pool");
		diag("%ju pages, bound %ju, most %ju; %ju major faults, %ju evictions, %ju "
		     "written; looked %ju times",
		     (uintmax_t)pages, (uintmax_t)after.bound, (uintmax_t)after.resident_max,
		     (uintmax_t)info.major_faults, (uintmax_t)info.evictions,
		     (uintmax_t)info.written, (uintmax_t)atomic_load(&book->samples));
		expect(!atomic_load(&book->over), "over the bound %ju times",
		       (uintmax_t)atomic_load(&book->over));
		expect(after.resident_max <= after.bound, "%ju of %ju",
		       (uintmax_t)after.resident_max, (uintmax_t)after.bound);
		expect(info.fills >= pages, "%ju fills", (uintmax_t)info.fills);
		expect(info.major_faults, "no major fault");
		expect(info.evictions >= pages - after.bound, "%ju evictions",
		       (uintmax_t)info.evictions);
		expect(info.refaults, "no ghost was ever remembered");
		expect(info.written >= pages - after.bound, "%ju pages written",
		       (uintmax_t)info.written);
		expect(!info.fill_errors && !info.write_errors && !info.write_error, "I/O errors");
	}
	space_gone(job[0].fd, id);
	is = file_load(path, &bytes);
	expect(bytes == pages * PAGE, "the file has %ju bytes", (uintmax_t)bytes);
	for (i = 0; i < pages; i++)
		expect(page_is(is + i * PAGE, i, book->version[i]), "in the file");
}

/* Large enough that no processor's caches and no TLB hide anything; smaller on a slow kernel. */
static void four_times_the_region(void)
{
	u64 bytes = scale > 4 ? 2 * MIB : scale > 1 ? 4 * MIB : 16 * MIB;

	pool_use(bytes);
	random_order(4 * bytes / PAGE, scaled(10000));
}

/* The same where nearly every access evicts. */
static void many_times_the_region(void)
{
	pool_use(2 * MIB);
	random_order((scale > 1 ? 8 : 16) * 2 * MIB / PAGE, scaled(10000));
}

static void many_times_direct(void)
{
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	many_times_the_region();
}

struct crowd {
	pthread_barrier_t *gate;
	u8 *mem;
	u64 first, pages, step;
};

static void *read_pages(void *arg)
{
	struct crowd *c = arg;
	u64 vpn;

	pthread_barrier_wait(c->gate);
	for (vpn = c->first; vpn < c->pages; vpn += c->step)
		expect(page_is(c->mem + vpn * PAGE, vpn, 1), "read in parallel");
	return NULL;
}

static void crowd_run(u8 *mem, u64 pages, unsigned int nr, bool apart)
{
	pthread_t thread[16];
	pthread_barrier_t gate;
	struct crowd c[16];
	unsigned int i;

	pthread_barrier_init(&gate, NULL, nr);
	for (i = 0; i < nr; i++) {
		c[i] = (struct crowd){ .gate = &gate, .mem = mem, .pages = pages,
				       .first = apart ? i : 0, .step = apart ? nr : 1 };
		need(!pthread_create(&thread[i], NULL, read_pages, &c[i]), "no thread");
	}
	for (i = 0; i < nr; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&gate);
}

/* Threads that fault on different pages, then all on the same ones: each page is read once. */
static void parallel_faults(void)
{
	u64 pages = 256, rounds = scaled(16), i;
	struct framepool_space before, after;
	char *path = file_make("crowd", pages * PAGE, 1);
	int fd;
	u32 id;
	u8 *m;

	pool_use(8 * MIB);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, pages * PAGE, PROT_READ, MAP_SHARED);
	for (i = 0; i < rounds; i++) {
		if (!plain)
			space_info(fd, &before);
		crowd_run(m, pages, 8, i & 1);
		if (!plain) {
			space_info(fd, &after);
			expect(after.fills - before.fills == pages, "%ju fills for %ju pages",
			       (uintmax_t)(after.fills - before.fills), (uintmax_t)pages);
			expect(after.resident == pages, "%ju resident", (uintmax_t)after.resident);
		}
		make_absent(fd, m, pages * PAGE);
	}
	need_ok(munmap(m, pages * PAGE));
	space_gone(fd, id);
}

/* Orders that a replacement policy may like or hate: forwards, backwards, in strides. */
static void orders(void)
{
	u64 pages = 4 * 512, i, vpn;
	char *path = file_make("orders", pages * PAGE, 5);
	int fd;
	u32 id;
	u8 *m;

	pool_use(2 * MIB);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (i = 0; i < pages; i++) {
		expect(page_is(m + i * PAGE, i, 5), "forwards");
		page_fill(m + i * PAGE, i, 6);
	}
	for (i = pages; i-- > 0;) {
		expect(page_is(m + i * PAGE, i, 6), "backwards");
		page_fill(m + i * PAGE, i, 7);
	}
	for (i = 0; i < pages; i++) {
		vpn = i * 513 % pages;
		expect(page_is(m + vpn * PAGE, vpn, 7), "in strides");
		if (vpn & 1)
			page_fill(m + vpn * PAGE, vpn, 8);
	}
	need_ok(munmap(m, pages * PAGE));
	space_gone(fd, id);
	m = file_load(path, &i);
	for (vpn = 0; vpn < pages; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 7 + (vpn & 1)), "in the file");
}

/* Several files in one pool, each twice its size: nobody sees a page of another. */
static void files_in_one_pool(void)
{
	u64 pages = 1024, ops = scaled(20000), i, f, vpn;
	u32 id[3], *version;
	char name[16], *path[3];
	struct rnd r;
	int fd[3];
	u8 *m[3];

	pool_use(2 * MIB);
	version = calloc(3 * pages, sizeof(*version));
	need(version, "no memory");
	rnd_init(&r, 9);
	for (f = 0; f < 3; f++) {
		snprintf(name, sizeof(name), "file%ju", (uintmax_t)f);
		path[f] = file_make(name, pages * PAGE, f << 16);
		fd[f] = space_attach(path[f], O_RDWR);
		id[f] = space_id(fd[f]);
		m[f] = map(fd[f], pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	}
	for (i = 0; i < ops; i++) {
		f = rnd_below(&r, 3);
		vpn = rnd_below(&r, pages);
		expect(page_is(m[f] + vpn * PAGE, vpn, f << 16 | version[f * pages + vpn]),
		       "file %ju", (uintmax_t)f);
		if (rnd_next(&r) & 1)
			page_fill(m[f] + vpn * PAGE, vpn, f << 16 | ++version[f * pages + vpn]);
	}
	for (f = 0; f < 3; f++) {
		need_ok(munmap(m[f], pages * PAGE));
		space_gone(fd[f], id[f]);
		m[f] = file_load(path[f], &i);
		for (vpn = 0; vpn < pages; vpn++)
			expect(page_is(m[f] + vpn * PAGE, vpn, f << 16 | version[f * pages + vpn]),
			       "in file %ju", (uintmax_t)f);
	}
}

/* Holes read as zeros; reading fills none of them, a store only its own. */
static void holes(void)
{
	u64 pages = 1024, vpn;
	char *path = file_path("holes");
	int file = need_ok(open(path, O_RDWR | O_CREAT | O_TRUNC, 0600)), fd;
	struct stat st;
	u32 id;
	u8 *m;

	pool_use(2 * MIB);
	need_ok(ftruncate(file, pages * PAGE));
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (vpn = 0; vpn < pages; vpn++)
		expect(bytes_zero(m + vpn * PAGE, PAGE, 0), "page %ju of a hole", (uintmax_t)vpn);
	page_fill(m + 100 * PAGE, 100, 1);
	for (vpn = 0; vpn < pages; vpn++)
		if (vpn != 100)
			expect(bytes_zero(m + vpn * PAGE, PAGE, 0), "page %ju of a hole",
			       (uintmax_t)vpn);
	expect(page_is(m + 100 * PAGE, 100, 1), "the stored page");
	need_ok(munmap(m, pages * PAGE));
	space_gone(fd, id);
	need_ok(fsync(file));
	need_ok(fstat(file, &st));
	/* The kernel's own mmap of tmpfs fills holes that are only read. */
	expect(plain || st.st_blocks * 512 <= 64 * (long)KIB, "%jd KiB were allocated for one stored page",
	       (intmax_t)st.st_blocks / 2);
	expect(st.st_size == (off_t)(pages * PAGE), "size changed");
}

static const struct test tests[] = {
	{ "four times the region, by threads and processes", four_times_the_region, 0 },
	{ "many times the smallest region", many_times_the_region, 0 },
	{ "the same, on the direct path", many_times_direct, T_DEVICE },
	{ "parallel faults read each page once", parallel_faults, 0 },
	{ "forwards, backwards, in strides", orders, 0 },
	{ "three files in one pool do not mix", files_in_one_pool, 0 },
	{ "holes read as zeros and stay holes", holes, 0 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
