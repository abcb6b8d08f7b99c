// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flush that fails, on a device that takes the writes before it: an NBD device whose server is
 * in this process.  It keeps what is written in a cache, brings that to its medium with a flush, and loses it
 * with one that fails, as a device that fails a flush may.  A flush takes as long as a test wants.
 */
#include "nbd.h"

#include <pthread.h>
#include <sys/mount.h>

#define JOURNAL	"/dev/ram0"		/* nobody else's */
#define NR	256UL			/* pages */
#define RW	(PROT_READ | PROT_WRITE)

static struct {
	u8 *cache, *medium;		/* NR pages each; the lock's */
	atomic_uint fail, flushes;
	atomic_uint hold, held;		/* flushes are to wait for answer_flush(); one does */
	atomic_uint hold_write;		/* so is a write to this page, unless it is 0, for ... */
	atomic_uint held_write, writes;	/* ... answer_write(); so many were not held */
	char handle[8];			/* of that one */
	char write_handle[8];
} server;

static u64 version[NR];
static u8 *m;
static int fd;
static u32 id;

static u32 flush(bool failed)
{
	atomic_fetch_add(&server.flushes, 1);
	if (failed)
		memcpy(server.cache, server.medium, NR * PAGE);
	else
		memcpy(server.medium, server.cache, NR * PAGE);
	return failed ? EIO : 0;
}

/* What it writes is in the cache all the same. */
static bool answer_written(const struct nbd_request *request, u64 from)
{
	if (from && from == atomic_load(&server.hold_write) * PAGE) {
		memcpy(server.write_handle, request->handle, sizeof(server.write_handle));
		atomic_store(&server.held_write, 1);
		return true;
	}
	atomic_fetch_add(&server.writes, 1);
	return nbd_reply(request->handle, 0, NULL, 0);
}

static bool answer(const struct nbd_request *request)
{
	u32 len = nbd_length(request);
	u64 from = nbd_from(request);

	switch (nbd_command(request)) {
	case NBD_CMD_READ:
		return nbd_reply(request->handle, 0, server.cache + from, len);
	case NBD_CMD_WRITE:
		return nbd_receive(server.cache + from, len) &&
		       answer_written(request, from);
	case NBD_CMD_FLUSH:
		if (!atomic_load(&server.hold))
			return nbd_reply(request->handle, flush(atomic_load(&server.fail)), NULL, 0);
		memcpy(server.handle, request->handle, sizeof(server.handle));
		atomic_store(&server.held, 1);
		return true;
	default:
		return false;
	}
}

static bool flush_held(void *unused)
{
	(void)unused;
	return atomic_load(&server.held);
}

/* The flush that is under way, or is about to be, ends. */
static void answer_flush(bool failed)
{
	need(wait_until(flush_held, NULL, 20000), "no flush");
	nbd_lock();
	atomic_store(&server.held, 0);
	need(nbd_reply(server.handle, flush(failed), NULL, 0), "no answer");
	nbd_unlock();
}

static void answer_write(void)
{
	nbd_lock();
	atomic_store(&server.held_write, 0);
	atomic_store(&server.hold_write, 0);
	need(nbd_reply(server.write_handle, 0, NULL, 0), "no answer");
	nbd_unlock();
}

static void attach_it(void)
{
	fd = space_attach(NBD_NODE, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

static void begin_server(void)
{
	u64 i;

	server.cache = model_make(NR * PAGE, 1);
	server.medium = model_make(NR * PAGE, 1);
	for (i = 0; i < NR; i++)
		version[i] = 1;
	nbd_make(NR, NBD_FLAG_SEND_FLUSH, answer);
	pool_use(4 * MIB);
}

static void begin(void)
{
	begin_server();
	attach_it();
}

static void expect_medium(void)
{
	u64 i;

	for (i = 0; i < NR; i++)
		expect(page_is(server.medium + i * PAGE, i, version[i]), "on the medium");
}

static void end(void)
{
	expect_medium();
	nbd_end();
}

static void store(u64 first, u64 n, u64 v)
{
	u64 i;

	for (i = first; i < first + n; i++) {
		page_fill(m + i * PAGE, i, v);
		version[i] = v;
	}
}

static void get_errors(struct framepool_errors *e)
{
	memset(e, 0, sizeof(*e));
	e->size = sizeof(*e);
	need_ok(ioctl(fd, FRAMEPOOL_ERRORS, e));
}

static void close_it(void)
{
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
}

/* The writes worked, the flush did not: the next sync writes them again. */
static void failed_flush(void)
{
	struct framepool_space before, after;
	struct framepool_errors e;
	struct framepool_range r;
	u64 round;

	begin();
	store(0, 50, 2);
	need_ok(fsync(fd));
	expect_medium();
	for (round = 3; round < 8; round++) {
		store(10, 8, round);
		atomic_store(&server.fail, 1);
		expect_errno(round % 2 ? fsync(fd) : msync(m, 20 * PAGE, MS_SYNC), EIO);
		get_errors(&e);
		expect(e.flush_error == EIO && e.flushes == round - 2 && e.unwritten == 8,
		       "%ju flushes failed with %u, %ju pages unwritten", (uintmax_t)e.flushes,
		       e.flush_error, (uintmax_t)e.unwritten);
		expect(!e.write_error && !e.writes, "%ju writes failed", (uintmax_t)e.writes);
		space_info(fd, &before);
		expect(before.dirty == 8 && before.write_error == EIO, "%ju dirty, write_error %u",
		       (uintmax_t)before.dirty, before.write_error);
		atomic_store(&server.fail, 0);
		need_ok(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r));
		space_info(fd, &after);
		expect(r.done == 8 && after.written - before.written == 8 && !after.dirty,
		       "%ju written again, %ju dirty", (uintmax_t)r.done, (uintmax_t)after.dirty);
		expect(!after.write_error, "write_error is still %u", after.write_error);
		expect_medium();
	}
	close_it();
	end();
}

/* A second failure, with other pages: none is forgotten. */
static void failed_twice(void)
{
	struct framepool_errors e;

	begin();
	atomic_store(&server.fail, 1);
	store(0, 10, 2);
	expect_errno(fsync(fd), EIO);
	store(5, 10, 3);
	expect_errno(fsync(fd), EIO);
	expect_errno(fsync(fd), EIO);
	get_errors(&e);
	expect(e.unwritten == 15, "%ju pages unwritten", (uintmax_t)e.unwritten);
	atomic_store(&server.fail, 0);
	need_ok(fsync(fd));
	expect_medium();
	close_it();
	end();
}

/* A flush fails for one who syncs: whoever has the space open is told, once. */
static void all_are_told(void)
{
	int other;

	begin();
	other = space_attach(NBD_NODE, O_RDWR);
	store(0, 10, 2);
	atomic_store(&server.fail, 1);
	expect_errno(fsync(fd), EIO);
	atomic_store(&server.fail, 0);
	expect_errno(fsync(other), EIO);
	need_ok(fsync(other));
	need_ok(fsync(fd));
	need_ok(close(other));
	close_it();
	end();
}

/* A space does not go before its pages are durable. */
static void last_close(void)
{
	begin();
	store(30, 40, 2);
	atomic_store(&server.fail, 1);
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	expect(wait_until(space_is_orphan, &id, 10000), "no orphan");
	atomic_store(&server.fail, 0);
	space_gone(-1, id);
	end();
}

/* What had left before the flush failed cannot be written again: but the sync says that it failed. */
static void evicted_before(void)
{
	struct framepool_range r;
	u64 i;

	begin();
	store(0, 20, 2);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.written == 20, "%ju written", (uintmax_t)r.written);
	atomic_store(&server.fail, 1);
	expect_errno(fsync(fd), EIO);
	atomic_store(&server.fail, 0);
	need_ok(fsync(fd));
	for (i = 0; i < 20; i++)
		version[i] = 1;
	for (i = 0; i < NR; i++)
		expect(page_is(m + i * PAGE, i, version[i]), "by the mapping");
	close_it();
	end();
}

/* ---- two who sync at once ---- */

#define FIRST	0UL		/* pages of the first, and of the second */
#define SECOND	10UL
#define EACH	10UL

static int msync_second(void)
{
	return msync(m + SECOND * PAGE, EACH * PAGE, MS_SYNC);
}

static int release_second(void)
{
	struct framepool_range r;

	return range_op(fd, FRAMEPOOL_RELEASE, SECOND * PAGE, EACH * PAGE, &r);
}

static void *first_syncs(void *unused)
{
	(void)unused;
	expect_errno(msync(m + FIRST * PAGE, EACH * PAGE, MS_SYNC), EIO);
	return NULL;
}

static void *second_syncs(void *arg)
{
	int (*sync)(void) = arg;

	expect_errno(sync(), EIO);
	return NULL;
}

static bool both_wrote(void *unused)
{
	struct framepool_space s;

	(void)unused;
	space_info(fd, &s);
	return s.written == 2 * EACH;
}

/*
 * The device takes what the second writes while it flushes for the first, and loses it when that
 * fails.  The second's own flush works, and does not bring it back.
 */
static void overlap(int (*sync)(void))
{
	pthread_t first, second;

	store(FIRST, EACH, 2);
	atomic_store(&server.hold, 1);
	need(!pthread_create(&first, NULL, first_syncs, NULL), "no thread");
	need(wait_until(flush_held, NULL, 20000), "no flush");
	store(SECOND, EACH, 2);
	need(!pthread_create(&second, NULL, second_syncs, sync), "no thread");
	need(wait_until(both_wrote, NULL, 20000), "the second does not write");
	answer_flush(true);
	/* The error of all has been told to their descriptor by then. */
	pthread_join(first, NULL);
	answer_flush(false);
	pthread_join(second, NULL);
	atomic_store(&server.hold, 0);
	need_ok(sync());
	need_ok(fsync(fd));
	expect_medium();
}

static void overlapping_msync(void)
{
	begin();
	overlap(msync_second);
	close_it();
	end();
}

static void overlapping_release(void)
{
	struct framepool_range r;

	begin();
	need_ok(range_op(fd, FRAMEPOOL_HOLD, SECOND * PAGE, EACH * PAGE, &r));
	overlap(release_second);
	close_it();
	end();
}

/* ---- releases follow each other ---- */

struct releaser {
	pthread_t thread;
	atomic_int tid;
	int fd;
	u64 first;		/* page of what it holds */
	atomic_bool done;
};

static void *releases(void *arg)
{
	struct releaser *r = arg;
	struct framepool_range range;

	atomic_store(&r->tid, gettid());
	need_ok(range_op(r->fd, FRAMEPOOL_RELEASE, r->first * PAGE, EACH * PAGE, &range));
	expect(range.written == EACH, "%ju written", (uintmax_t)range.written);
	atomic_store(&r->done, true);
	return NULL;
}

static void hold_and_store(const struct releaser *r)
{
	struct framepool_range range;

	need_ok(range_op(r->fd, FRAMEPOOL_HOLD, r->first * PAGE, EACH * PAGE, &range));
	store(r->first, EACH, 2);
}

static void start_release(struct releaser *r)
{
	need(!pthread_create(&r->thread, NULL, releases, r), "no thread");
}

static bool write_held(void *unused)
{
	(void)unused;
	return atomic_load(&server.held_write);
}

static bool wrote(void *unused)
{
	(void)unused;
	return atomic_load(&server.writes);
}

/* A release that did not wait would have written long before the time is over. */
static void nothing_written(const char *when)
{
	need(!wait_until(wrote, NULL, 2000), "the second release writes, %s", when);
}

/*
 * While the device writes, and while it flushes, for the first release, nothing of the second one
 * reaches it; both of one descriptor, or of two.
 */
static void releases_in_order(void)
{
	struct releaser a = { .first = SECOND }, b = { .first = FIRST };

	begin();
	a.fd = fd;
	b.fd = test_variant ? space_attach(NBD_NODE, O_RDWR) : fd;
	hold_and_store(&a);
	hold_and_store(&b);
	atomic_store(&server.hold, 1);
	atomic_store(&server.hold_write, a.first);
	atomic_store(&server.writes, 0);
	start_release(&a);
	need(wait_until(write_held, NULL, 20000), "the first release does not write");
	start_release(&b);
	while (!atomic_load(&b.tid))
		sched_yield();
	need(task_waits(getpid(), b.tid, 20000), "the second release does not wait");
	nothing_written("while the first one does");
	answer_write();
	need(wait_until(flush_held, NULL, 20000), "no flush");
	nothing_written("while the first one flushes");
	expect(!atomic_load(&a.done) && !atomic_load(&b.done), "released before the flush");
	answer_flush(false);
	pthread_join(a.thread, NULL);
	need(wait_until(flush_held, NULL, 20000), "no second flush");
	expect(atomic_load(&server.writes), "a second flush, and nothing was written");
	expect(!atomic_load(&b.done), "released before its flush");
	answer_flush(false);
	pthread_join(b.thread, NULL);
	atomic_store(&server.hold, 0);
	expect_medium();
	if (b.fd != fd)
		need_ok(close(b.fd));
	close_it();
	end();
}

/* ---- a flush that fails while writes are under way ---- */

static bool one_write_held(void *unused)
{
	(void)unused;
	return atomic_load(&server.held_write) && atomic_load(&server.writes);
}

static void *syncs(void *unused)
{
	(void)unused;
	expect_errno(fsync(fd), EIO);
	return NULL;
}

/* Nothing is lost, and who evicts has no part in the other one's error. */
static void *evicts(void *unused)
{
	struct framepool_range r;

	(void)unused;
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	return NULL;
}

/*
 * The device has taken the first run and is at the second when another one's flush fails, and with
 * it loses both.  That both writes end well then does not make their pages clean.
 */
static void flush_beside_writes(void *(*write)(void *unused))
{
	struct framepool_space s;
	struct framepool_range r;
	pthread_t writes;

	begin();
	store(FIRST, EACH, 2);
	store(SECOND + 1, EACH, 2);
	atomic_store(&server.writes, 0);
	atomic_store(&server.hold_write, SECOND + 1);
	need(!pthread_create(&writes, NULL, write, NULL), "no thread");
	need(wait_until(one_write_held, NULL, 20000), "no two writes");
	atomic_store(&server.fail, 1);
	expect_errno(range_op(fd, FRAMEPOOL_SYNC, (NR - 1) * PAGE, PAGE, &r), EIO);
	atomic_store(&server.fail, 0);
	answer_write();
	pthread_join(writes, NULL);
	space_info(fd, &s);
	expect(s.dirty == 2 * EACH, "%ju dirty", (uintmax_t)s.dirty);
	need_ok(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r));
	expect(r.done == 2 * EACH, "%ju written again", (uintmax_t)r.done);
	close_it();
	end();
}

static void flush_beside_sync(void)
{
	flush_beside_writes(syncs);
}

static void flush_beside_evict(void)
{
	flush_beside_writes(evicts);
}

/* ---- a file system that does not flush ---- */

/* ext4 that has become read only; what was written before is in the device's cache. */
static void flush_of_read_only(void)
{
	char where[DIR_SIZE + 8], path[DIR_SIZE + 16];
	struct framepool_range r;
	unsigned int before;

	begin_server();
	ext4_on(NBD_NODE, "-O ^has_journal", NULL, where, sizeof(where));
	snprintf(path, sizeof(path), "%s/file", where);
	free(file_make(path, EACH * PAGE, 1));
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, EACH * PAGE, RW, MAP_SHARED);
	page_fill(m, 0, 2);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.written == 1, "%ju written", (uintmax_t)r.written);
	all_read_only(where);
	before = atomic_load(&server.flushes);
	need_ok(fsync(fd));
	expect(atomic_load(&server.flushes) > before, "no flush");
	all_writable(where);
	need_ok(munmap(m, EACH * PAGE));
	space_gone(fd, id);
	need_ok(umount(where));
	note_mounted("");
	nbd_end();
}

static bool medium_holds(u64 vpn, u64 v)
{
	u64 i;

	for (i = 0; i < NR; i++)
		if (page_holds(server.medium + i * PAGE, vpn, v))
			return true;
	return false;
}

/*
 * ext4 flushes its journal's device, and that of its data only after transactions of ordered data: what is
 * written over has none, so it would stay in the cache, and all would be well.
 */
static void flush_beside_journal(void)
{
	char where[DIR_SIZE + 8], path[DIR_SIZE + 16];
	struct framepool_space s;
	u64 i;

	begin_server();
	if (system("mkfs.ext4 -qF -b 4096 -O journal_dev " JOURNAL " 4096 > /dev/null 2>&1"))
		skip("no journal on " JOURNAL);
	ext4_on(NBD_NODE, "-J device=" JOURNAL, NULL, where, sizeof(where));
	snprintf(path, sizeof(path), "%s/file", where);
	free(file_make(path, EACH * PAGE, 1));
	if (test_variant)
		attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	space_info(fd, &s);
	expect(!(s.state & FRAMEPOOL_SPACE_DIRECT_PATH) == !test_variant, "the wrong path");
	m = map(fd, EACH * PAGE, RW, MAP_SHARED);
	for (i = 2; i < 6; i++) {
		page_fill(m, 0, i);
		need_ok(fsync(fd));
		expect(medium_holds(0, i), "version %ju is in a cache", (uintmax_t)i);
	}
	need_ok(munmap(m, EACH * PAGE));
	space_gone(fd, id);
	need_ok(umount(where));
	note_mounted("");
	nbd_end();
}

static const struct test tests[] = {
	{ "a failed flush", failed_flush, T_DEVICE },
	{ "flushes fail again and again", failed_twice, T_DEVICE },
	{ "all who have it open are told of a failed flush", all_are_told, T_DEVICE },
	{ "a failed flush after the last close", last_close, T_DEVICE },
	{ "pages that left before a failed flush", evicted_before, T_DEVICE },
	{ "another one's flush fails while one syncs", overlapping_msync, T_DEVICE },
	{ "another one's flush fails while one releases", overlapping_release, T_DEVICE },
	{ "releases follow each other", releases_in_order, T_DEVICE },
	{ "releases of two descriptors follow each other", releases_in_order,
	  T_DEVICE | T_VARIANT(1) },
	{ "a flush fails while one syncs, before its writes have ended", flush_beside_sync,
	  T_DEVICE },
	{ "a flush fails while one evicts, before its writes have ended", flush_beside_evict,
	  T_DEVICE },
	{ "a flush below a file system that has become read only", flush_of_read_only, T_DEVICE },
	{ "a flush below a file system whose journal is elsewhere", flush_beside_journal, T_DEVICE },
	{ "a flush below one whose journal is elsewhere, past it", flush_beside_journal,
	  T_DEVICE | T_VARIANT(1) },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
