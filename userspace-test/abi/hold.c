// SPDX-License-Identifier: GPL-2.0-only
/*
 * Held write-back: what is stored to a held page reaches the file with its RELEASE and not before,
 * whoever syncs, evicts or wants the frame; and pins, which holds are, belong to a descriptor.
 *
 * "The file" here is the file read past the pool and the page cache.
 */
#include "scene.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#define NR	256UL
#define RW	(PROT_READ | PROT_WRITE)
#define FIRST	16UL		/* the pages that are held */
#define HELD	32UL

static u8 *before;

static void begin(void)
{
	scene_begin(2 * MIB, NR);
	before = model_make(NR * PAGE, 1);
}

static void store_held(u64 version)
{
	u64 vpn;

	for (vpn = FIRST; vpn < FIRST + HELD; vpn++)
		store(vpn, version);
}

static int hold_op(int on, unsigned long cmd, u32 flags, struct framepool_range *r)
{
	*r = (struct framepool_range){
		.size = sizeof(*r), .flags = flags, .offset = FIRST * PAGE, .length = HELD * PAGE,
	};
	return ioctl(on, cmd, r);
}

static void hold(u32 flags)
{
	struct framepool_range r;

	need_ok(hold_op(fd, FRAMEPOOL_HOLD, flags, &r));
	need(r.done == HELD && !r.already && !r.failed, "%ju held, %ju already, %ju failed",
	     (uintmax_t)r.done, (uintmax_t)r.already, (uintmax_t)r.failed);
}

static void release(void)
{
	struct framepool_range r;

	need_ok(hold_op(fd, FRAMEPOOL_RELEASE, 0, &r));
}

static u64 pinned(void)
{
	struct framepool_space s;

	space_info(fd, &s);
	return s.pinned;
}

/* The held pages are in the file as they were before. */
static void expect_held_back(const char *when)
{
	u64 bytes;
	u8 *file = file_load(path, &bytes);

	expect(bytes_are(file + FIRST * PAGE, before + FIRST * PAGE, HELD * PAGE, FIRST * PAGE),
	       "%s", when);
	free(file);
}

static void no_sync_writes(void)
{
	struct framepool_range r;
	int other;

	begin();
	hold(0);
	store_held(2);
	store(3, 2);
	need_ok(msync(m, NR * PAGE, MS_SYNC));
	expect_held_back("after msync");
	need_ok(fsync(fd));
	other = space_attach(path, O_RDWR);
	need_ok(fsync(other));
	need_ok(range_op(other, FRAMEPOOL_SYNC, 0, 0, &r));
	expect_held_back("after another's fsync");
	/* What is not held was written. */
	page_fill(before + 3 * PAGE, 3, 2);
	expect_file(path, before, NR * PAGE);
	close(other);
	release();
	expect_file(path, model, NR * PAGE);
	expect(!pinned(), "%ju pinned after the release", (uintmax_t)pinned());
	scene_end();
}

/* What a descriptor has pinned it may hold, too: then it counts as held, and the release unpins it. */
static void hold_of_pinned(void)
{
	struct framepool_range r;

	begin();
	need_ok(hold_op(fd, FRAMEPOOL_PIN, 0, &r));
	expect(r.done == HELD, "%ju pinned", (uintmax_t)r.done);
	hold(0);
	expect(pinned() == HELD, "%ju pinned twice over", (uintmax_t)pinned());
	store_held(2);
	need_ok(fsync(fd));
	expect_held_back("after fsync");
	release();
	expect_file(path, model, NR * PAGE);
	expect(!pinned(), "%ju pinned after the release", (uintmax_t)pinned());
	scene_end();
}

static void no_eviction_writes(void)
{
	struct framepool_range r;

	begin();
	hold(0);
	store_held(2);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.pinned == HELD && !r.written, "%ju pinned, %ju written", (uintmax_t)r.pinned,
	       (uintmax_t)r.written);
	squeeze(4 * MIB);
	expect_held_back("after pressure");
	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping after pressure");
	release();
	expect_file(path, model, NR * PAGE);
	/* Now they can go. */
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(!r.pinned && !r.written, "%ju pinned, %ju written", (uintmax_t)r.pinned,
	       (uintmax_t)r.written);
	scene_end();
}

/* One release after the other, each of a part. */
static void release_of_a_part(void)
{
	struct framepool_range r;

	begin();
	hold(0);
	store_held(2);
	need_ok(range_op(fd, FRAMEPOOL_RELEASE, (FIRST + 8) * PAGE, 8 * PAGE, &r));
	expect(r.written == 8, "%ju written", (uintmax_t)r.written);
	memcpy(before + (FIRST + 8) * PAGE, model + (FIRST + 8) * PAGE, 8 * PAGE);
	expect_file(path, before, NR * PAGE);
	expect(pinned() == HELD - 8, "%ju still held", (uintmax_t)pinned());
	/* What is stored to a released page is a store like any other. */
	store(FIRST + 9, 3);
	need_ok(fsync(fd));
	page_fill(before + (FIRST + 9) * PAGE, FIRST + 9, 3);
	expect_file(path, before, NR * PAGE);
	release();
	expect_file(path, model, NR * PAGE);
	scene_end();
}

/* Held pages of a descriptor that goes are pages like others. */
static void close_writes(void)
{
	int other;

	begin();
	other = fd;
	fd = space_attach(path, O_RDWR);
	hold(0);
	store_held(2);
	close(fd);
	fd = other;
	expect(!pinned(), "%ju pinned", (uintmax_t)pinned());
	need_ok(fsync(fd));
	expect_file(path, model, NR * PAGE);
	scene_end();
}

/* Or what was stored since the HOLD is forgotten, and only that. */
static void close_drops(void)
{
	struct framepool_range r;
	int other, pipes[2];

	begin();
	store(FIRST, 2);
	page_fill(before + FIRST * PAGE, FIRST, 2);
	other = fd;
	fd = space_attach(path, O_RDWR);
	need_ok(range_op(fd, FRAMEPOOL_PIN, 100 * PAGE, PAGE, &r));
	hold(FRAMEPOOL_HOLD_DROP);
	expect_file(path, before, NR * PAGE);
	store_held(3);
	store(100, 3);
	page_fill(before + 100 * PAGE, 100, 3);
	/* One of the frames is in a pipe, so that it cannot leave. */
	need_ok(pipe(pipes));
	need_ok(vmsplice(pipes[1], &(struct iovec){ m + (FIRST + 5) * PAGE, PAGE }, 1, 0));
	need_ok(fsync(fd));
	close(fd);
	fd = other;
	memcpy(model, before, NR * PAGE);
	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping after the holder has gone");
	expect(!pinned(), "%ju pinned", (uintmax_t)pinned());
	close(pipes[0]);
	close(pipes[1]);
	scene_end();
}

static u32 child_holds;		/* with these flags */

static void hold_and_wait(void *arg)
{
	int *ready = arg;

	fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	hold(child_holds);
	store_held(2);
	store(3, 2);
	need(write(ready[1], "", 1) == 1, "the pipe");
	pause();
}

static bool unpinned(void *arg)
{
	(void)arg;
	return !pinned();
}

/* Who holds, and has stored; also to a page that he does not hold. */
static pid_t holder_start(u32 flags)
{
	int ready[2];
	pid_t pid;
	u8 byte;

	child_holds = flags;
	need_ok(pipe(ready));
	pid = child_start(hold_and_wait, ready);
	need(read(ready[0], &byte, 1) == 1, "the child");
	page_fill(model + 3 * PAGE, 3, 2);
	return pid;
}

static void holder_kill(pid_t pid)
{
	expect_held_back("while the holder lives");
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, NULL, 0));
}

static void die_beside_others(u32 flags)
{
	pid_t pid;

	begin();
	pid = holder_start(flags);
	expect(page_holds(m + FIRST * PAGE, FIRST, 2), "others see the stores");
	need_ok(fsync(fd));
	holder_kill(pid);
	need(wait_until(unpinned, NULL, SETTLE_MS), "%ju are held", (uintmax_t)pinned());
}

static void model_of_held(void)
{
	u64 vpn;

	for (vpn = FIRST; vpn < FIRST + HELD; vpn++)
		page_fill(model + vpn * PAGE, vpn, 2);
}

static void death_drops(void)
{
	die_beside_others(FRAMEPOOL_HOLD_DROP);
	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping after the holder's death");
	scene_end();
}

static void death_writes(void)
{
	die_beside_others(0);
	model_of_held();
	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping after the holder's death");
	need_ok(fsync(fd));
	expect_file(path, model, NR * PAGE);
	scene_end();
}

/* The space goes with the holder: by its own last writes, and by no sync. */
static void die_alone(u32 flags)
{
	if (test_variant)
		attach_flags |= FRAMEPOOL_ATTACH_DIRECT;
	begin();
	scene_close();
	holder_kill(holder_start(flags));
	need(wait_until(no_spaces, NULL, SETTLE_MS), "the space stays");
}

static void last_death_drops(void)
{
	die_alone(FRAMEPOOL_HOLD_DROP);
	expect_file(path, model, NR * PAGE);
}

static void last_death_writes(void)
{
	die_alone(0);
	model_of_held();
	expect_file(path, model, NR * PAGE);
}

static void store_to_all(u64 first, u64 nr, const char *which)
{
	u64 vpn;

	for (vpn = first; vpn < first + nr; vpn++)
		if (!expect(!try_store(m + vpn * PAGE + 8, 7), "a store to page %ju, %s",
			    (uintmax_t)vpn, which))
			return;
}

static void hold_to_the_limit(void *arg)
{
	struct rlimit limit = { 8 * PAGE, 8 * PAGE };
	struct framepool_range r;

	(void)arg;
	need_ok(setrlimit(RLIMIT_MEMLOCK, &limit));
	become(1000, 1000);
	expect_errno(range_op(fd, FRAMEPOOL_HOLD, 0, 16 * PAGE, &r), ENOMEM);
	expect(r.done == 8, "%ju held", (uintmax_t)r.done);
	store_to_all(0, 8, "held");
	store_to_all(8, NR - 8, "beside them");
	need_ok(fsync(fd));
	need_ok(range_op(fd, FRAMEPOOL_RELEASE, 0, 0, &r));
}

/* More cannot be held, and who stores does not learn of it: only who holds does. */
static void stores_at_the_bound(void)
{
	struct framepool_range r;
	u64 bytes = 1024 * PAGE, held;

	pool_use(2 * MIB);
	path = file_make("file", bytes, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, bytes, RW, MAP_SHARED);
	child_join(child_start(hold_to_the_limit, NULL));
	set_wait_ms(300);
	/* Who may hold all that there is. */
	expect_errno(range_op(fd, FRAMEPOOL_HOLD, 0, 0, &r), ENOMEM);
	held = r.done;
	need(held > 256, "%ju held", (uintmax_t)held);
	store_to_all(0, held, "in a pool full of held pages");
	expect(pinned() == held, "%ju of %ju held", (uintmax_t)pinned(), (uintmax_t)held);
	need_ok(fsync(fd));
	store_to_all(0, held, "after a sync");
	need_ok(range_op(fd, FRAMEPOOL_RELEASE, 0, 0, &r));
	expect(r.written == held, "%ju of %ju written", (uintmax_t)r.written, (uintmax_t)held);
	store_to_all(0, 1024, "after the release");
	need_ok(munmap(m, bytes));
	space_gone(fd, id);
}

static void whose(void)
{
	struct framepool_range r;
	int other, reader;

	begin();
	other = space_attach(path, O_RDWR);
	reader = space_attach(path, O_RDONLY);
	hold(0);
	expect_errno(hold_op(fd, FRAMEPOOL_HOLD, FRAMEPOOL_HOLD_DROP, &r), EBUSY);
	expect_errno(hold_op(other, FRAMEPOOL_HOLD, 0, &r), EBUSY);
	expect_errno(hold_op(reader, FRAMEPOOL_HOLD, 0, &r), EBADF);
	expect_errno(hold_op(reader, FRAMEPOOL_RELEASE, 0, &r), EBADF);
	expect_errno(hold_op(fd, FRAMEPOOL_HOLD, 2, &r), EINVAL);
	expect_errno(hold_op(fd, FRAMEPOOL_RELEASE, 1, &r), EINVAL);
	store_held(2);
	/* Not the other's to release, and not to be unpinned. */
	need_ok(hold_op(other, FRAMEPOOL_RELEASE, 0, &r));
	need_ok(hold_op(other, FRAMEPOOL_UNPIN, 0, &r));
	need_ok(hold_op(fd, FRAMEPOOL_UNPIN, 0, &r));
	expect(pinned() == HELD, "%ju held", (uintmax_t)pinned());
	expect_held_back("after the attempts");
	need_ok(hold_op(fd, FRAMEPOOL_HOLD, 0, &r));
	expect(r.already == HELD && !r.done, "%ju already, %ju done", (uintmax_t)r.already,
	       (uintmax_t)r.done);
	release();
	close(reader);
	close(other);
	scene_end();
}

/* A resize does not cut off what is held. */
static void resize_is_refused(void)
{
	struct framepool_resize size = { .size = sizeof(size), .bytes = FIRST * PAGE };
	struct framepool_range r;

	begin();
	hold(0);
	store_held(2);
	expect_errno(ioctl(fd, FRAMEPOOL_RESIZE, &size), EBUSY);
	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping after it");
	expect(pinned() == HELD, "%ju held", (uintmax_t)pinned());
	/* Nor has it taken pins with it. */
	need_ok(range_op(fd, FRAMEPOOL_PIN, (NR - 4) * PAGE, 4 * PAGE, &r));
	expect_errno(ioctl(fd, FRAMEPOOL_RESIZE, &size), EBUSY);
	expect(pinned() == HELD + 4, "%ju held and pinned", (uintmax_t)pinned());
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, (NR - 4) * PAGE, 4 * PAGE, &r));
	release();
	scene_end();
}

static void pin_some(void *arg)
{
	struct rlimit limit = { 8 * PAGE, 8 * PAGE };
	struct framepool_range r;

	(void)arg;
	need_ok(setrlimit(RLIMIT_MEMLOCK, &limit));
	become(1000, 1000);
	expect_errno(range_op(fd, FRAMEPOOL_PIN, 0, 16 * PAGE, &r), ENOMEM);
	expect(r.done == 8, "%ju pinned", (uintmax_t)r.done);
	/* What is pinned may be pinned again. */
	need_ok(range_op(fd, FRAMEPOOL_PIN, 0, 8 * PAGE, &r));
	expect(r.already == 8, "%ju already", (uintmax_t)r.already);
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 4 * PAGE, &r));
	expect_errno(hold_op(fd, FRAMEPOOL_HOLD, 0, &r), ENOMEM);
	expect(r.done == 4, "%ju held", (uintmax_t)r.done);
}

/* As mlock(): no more than RLIMIT_MEMLOCK without CAP_IPC_LOCK. */
static void bounded(void)
{
	struct framepool_range r;

	begin();
	child_join(child_start(pin_some, NULL));
	expect(pinned() == 8, "%ju pinned", (uintmax_t)pinned());
	/* The descriptor is shared, so its pins are there still, and root has a right to more. */
	need_ok(range_op(fd, FRAMEPOOL_PIN, 0, 128 * PAGE, &r));
	expect(r.done + r.already == 128, "%ju pinned", (uintmax_t)(r.done + r.already));
	need_ok(range_op(fd, FRAMEPOOL_RELEASE, 0, 0, &r));
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	expect(!pinned(), "%ju pinned", (uintmax_t)pinned());
	scene_end();
}

static void pin_through(void *arg)
{
	struct framepool_range r;
	int own = space_attach(path, O_RDONLY);

	(void)arg;
	need_ok(range_op(own, FRAMEPOOL_PIN, 0, 64 * PAGE, &r));
	expect(r.done == 64, "%ju pinned", (uintmax_t)r.done);
}

/* A pin ends with its descriptor, though the space lives on. */
static void pins_end_with_the_descriptor(void)
{
	struct framepool_range r;

	begin();
	child_join(child_start(pin_through, NULL));
	need(wait_until(unpinned, NULL, SETTLE_MS), "%ju are pinned", (uintmax_t)pinned());
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done == 64 && !r.pinned, "%ju evicted, %ju pinned", (uintmax_t)r.done,
	       (uintmax_t)r.pinned);
	scene_end();
}

/* A command on all of a huge space takes time by what is in it. */
static void huge(void)
{
	struct framepool_range r;
	u64 start;
	int sparse;

	begin();
	path = file_make("sparse", PAGE, 1);
	if (truncate(path, 1ull << 40))
		skip("no files of 1 TiB: %s", strerror(errno));
	sparse = space_attach(path, O_RDWR);
	start = now_ms();
	need_ok(range_op(sparse, FRAMEPOOL_PIN, 1ull << 39, PAGE, &r));
	need_ok(range_op(sparse, FRAMEPOOL_HOLD, 1ull << 38, PAGE, &r));
	need_ok(range_op(sparse, FRAMEPOOL_RELEASE, 0, 0, &r));
	need_ok(range_op(sparse, FRAMEPOOL_UNPIN, 0, 0, &r));
	expect(r.done == 1, "%ju unpinned", (uintmax_t)r.done);
	expect(now_ms() - start < 10000, "%ju ms", (uintmax_t)(now_ms() - start));
	start = space_id(sparse);
	space_gone(sparse, start);
	path = file_path("file");
	scene_end();
}

static _Atomic bool stop;

static void *sync_all_the_time(void *arg)
{
	while (!stop)
		need_ok(fsync(fd));
	return arg;
}

static void refused(unsigned int round)
{
	struct framepool_resize size = { .size = sizeof(size), .bytes = 4 * PAGE + 100 };
	struct framepool_range r;
	unsigned int vpn;

	/* All of these have to be written before it is clear that some page stays. */
	for (vpn = FIRST + HELD; vpn < NR; vpn++)
		store(vpn, round);
	store(4, round);
	expect_errno(ioctl(fd, FRAMEPOOL_RESIZE, &size), EBUSY);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	need(page_is(m + 4 * PAGE, 4, round), "after resize %u", round);
}

/* A resize that is refused in the end has let nobody take the page at the new end for written. */
static void refused_resize_loses_nothing(void)
{
	pthread_t thread;
	unsigned int i;
	int pipes[2];
	u8 byte;

	begin();
	hold(0);
	need(!pthread_create(&thread, NULL, sync_all_the_time, NULL), "a thread");
	for (i = 2; i < 2 + scaled(40); i++)
		refused(i);
	release();
	/* What the kernel has is found out by trying, for two seconds. */
	need_ok(pipe(pipes));
	need_ok(vmsplice(pipes[1], &(struct iovec){ m + FIRST * PAGE, 1 }, 1, 0));
	refused(i);
	refused(i + 1);
	need(read(pipes[0], &byte, 1) == 1, "the pipe");
	stop = true;
	pthread_join(thread, NULL);
	scene_end();
}

#define CROWD	300		/* more than a queue of the kernel's has places */

static void *release_again(void *unused)
{
	struct framepool_range r;

	(void)unused;
	while (!stop)
		need_ok(hold_op(fd, FRAMEPOOL_RELEASE, 0, &r));
	return NULL;
}

/* Who holds writes before, and has to find a worker for that among all who want to release. */
static void crowd_releases(void)
{
	pthread_t thread[CROWD];
	u64 round, rounds = scaled(12);
	int i;

	begin();
	hold(FRAMEPOOL_HOLD_DROP);
	for (i = 0; i < CROWD; i++)
		need(!pthread_create(&thread[i], NULL, release_again, NULL), "no thread");
	for (round = 0; round < rounds; round++) {
		struct framepool_range r;

		store_held(2 + round);
		need_ok(hold_op(fd, FRAMEPOOL_HOLD, FRAMEPOOL_HOLD_DROP, &r));
	}
	stop = true;
	for (i = 0; i < CROWD; i++)
		pthread_join(thread[i], NULL);
	release();
	expect_file(path, model, NR * PAGE);
	scene_end();
}

static const struct test tests[] = {
	{ "no sync writes a held page, a release does", no_sync_writes, T_DEVICE },
	{ "a hold of what is pinned", hold_of_pinned, T_DEVICE },
	{ "no eviction writes a held page", no_eviction_writes, T_DEVICE },
	{ "a release of a part of what is held", release_of_a_part, T_DEVICE },
	{ "held pages of a closed descriptor are written", close_writes, T_DEVICE },
	{ "or forgotten, if so asked", close_drops, T_DEVICE },
	{ "the death of the holder forgets", death_drops, T_DEVICE },
	{ "or writes, as was asked", death_writes, T_DEVICE },
	{ "the death of a holder who is the last user forgets", last_death_drops, T_DEVICE },
	{ "the death of such a one forgets, on the direct path", last_death_drops,
	  T_DEVICE | T_VARIANT(1) },
	{ "the death of a holder who is the last user writes", last_death_writes, T_DEVICE },
	{ "the death of such a one writes, on the direct path", last_death_writes,
	  T_DEVICE | T_VARIANT(1) },
	{ "a store is never refused for a hold", stores_at_the_bound, T_DEVICE },
	{ "a hold is one descriptor's", whose, T_DEVICE },
	{ "a resize of held pages is refused", resize_is_refused, T_DEVICE },
	{ "and loses nothing", refused_resize_loses_nothing, T_DEVICE },
	{ "a whole space of 1 TiB is released and unpinned at once", huge, T_DEVICE },
	{ "pins and holds are bounded by RLIMIT_MEMLOCK", bounded, T_DEVICE },
	{ "a crowd that releases, and one who holds", crowd_releases, T_DEVICE },
	{ "pins end with their descriptor", pins_end_with_the_descriptor, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
