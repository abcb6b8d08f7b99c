// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every failure once: each command is run again and again with the first, the second, ... the
 * n-th thing failing that can fail in it, until it gets through unharmed.  After each: the error
 * is one that may be, nothing was lost, the pool's invariants hold, and the same command works
 * when nothing fails.
 *
 * Allocations of memory, by the program and by the kernel's workers, and copies to and from the
 * program fail by the kernel's /proc/PID/fail-nth; I/O, frames and nodes by the module's own
 * debugfs/framepool/inject. Only the test kernel has both.
 *
 * A test's variant says what the file is: bios, for a file's blocks or a device, have ways of their
 * own to begin, to end and to fail.
 */
#include "scene.h"
#include "bed.h"
#include "nth.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>

#define NR	32UL
#define RW	(PROT_READ | PROT_WRITE)
#define DEBUG	"/sys/kernel/debug/"
#define RAM	"/dev/ram0"		/* nobody else's */
#define NTH_MAX	400

static int file, other, fixed, scattered, source, sink, event, pipe_fd[2];
static int ram = -1;

/* No bytes are ever stored twice: a store that is lost shows. */
static u64 version = 1;

static void change(u64 vpn)
{
	store(vpn, ++version);
}

/* A byte of what may not come: 0 or the signal. */
static int change_byte(u64 at)
{
	int sig = try_store(m + at, model[at] + 1);

	model[at] += !sig;
	return sig;
}

/* From here on only what the module calls fails. False: this kernel cannot tell. */
static bool only_ours(void)
{
	unsigned long size, at = 0;
	char line[512];
	FILE *f = fopen("/proc/modules", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "framepool %lu %*s %*s %*s %lx", &size, &at) == 2)
			break;
	if (f)
		fclose(f);
	return at && nth_only(at, at + size);
}

static int make(const char *name)
{
	return (int)need_ok(open(file_make(name, NR * PAGE, 1), O_RDWR | O_CLOEXEC));
}

/* On a device the scene has the memory that is do_block_device()'s else. */
static void begin_scene(void)
{
	struct framepool_space s;

	if (test_variant == BED_DEVICE) {
		bed_make(NR);
		scene_begin_at(bed_path, 2 * MIB, NR);
	} else {
		attach_flags = test_variant == BED_DIRECT ? FRAMEPOOL_ATTACH_DIRECT : 0;
		scene_begin(2 * MIB, NR);
		ram = open(RAM, O_RDWR | O_CLOEXEC);
	}
	space_info(fd, &s);
	need(!(s.state & FRAMEPOOL_SPACE_DIRECT_PATH) == (test_variant == BED_FILE),
	     "not the path that this is about");
}

static void begin(void)
{
	if (access(INJECT, W_OK))
		skip("this kernel has no fault injection");
	nth_begin();
	begin_scene();
	file = (int)need_ok(open(path, O_RDWR | O_CLOEXEC));
	other = make("other");
	fixed = make("fixed");
	scattered = (int)need_ok(open(file_make_scattered("scattered", NR * PAGE),
				      O_RDWR | O_CLOEXEC));
	source = (int)need_ok(open(file_make("source", 4 * PAGE, 1),
				   O_RDWR | O_DIRECT | O_CLOEXEC));
	sink = (int)need_ok(open(file_path("sink"), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	event = (int)need_ok(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	need_ok(pipe2(pipe_fd, O_NONBLOCK | O_CLOEXEC));
}

static void end(void)
{
	close(file);
	close(other);
	close(fixed);
	close(scattered);
	close(source);
	close(sink);
	close(ram);
	close(event);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	nth_end();
	scene_end();
	if (test_variant == BED_DEVICE)
		bed_end();
}

/* ---- what can fail ---- */

static const char *site;

static void arm_site(unsigned int n)
{
	char text[32];

	snprintf(text, sizeof(text), "%s %u", site, n);
	need(knob_write(INJECT, text), INJECT);
}

static bool disarm_site(void)
{
	char line[64];
	FILE *in = fopen(INJECT, "re");
	int left = -1;

	while (in && fgets(line, sizeof(line), in))
		if (!strncmp(line, site, strlen(site)) && line[strlen(site)] == ' ')
			left = atoi(line + strlen(site));
	need(left >= 0, "no site %s", site);
	fclose(in);
	arm_site(0);
	return !left;
}

struct injector {
	void (*arm)(unsigned int n);
	bool (*disarm)(void);
};

/* What a command has left to a worker, as the last close of a space, has its time. */
static bool disarm_workers(void)
{
	usleep(20000);
	return nth_workers_happened();
}

static const struct injector allocations = { nth_arm, nth_happened };
static const struct injector of_workers = { nth_arm_workers, disarm_workers };
static const struct injector sites = { arm_site, disarm_site };

/* ---- what is done: 0 or an errno; @again: after an error ---- */

static int range_through(int through, unsigned long cmd, u64 offset, u64 length,
			 struct framepool_range *r)
{
	int ret = range_op(through, cmd, offset, length, r);

	return ret ? errno : (int)r->error;
}

static int by_range(unsigned long cmd, u64 offset, u64 length)
{
	struct framepool_range r;

	return range_through(fd, cmd, offset, length, &r);
}

static int attach_and_close(int backing)
{
	struct framepool_attach a;
	int ret;

	attach_init(&a, backing);
	ret = ioctl(control_fd(), FRAMEPOOL_ATTACH, &a);
	if (ret)
		return errno;
	close(a.space_fd);
	return 0;
}

/* One user more. */
static int do_attach(void)
{
	return attach_and_close(file);
}

/* A space that comes and goes. */
static int do_attach_other(void)
{
	return attach_and_close(other);
}

/* A page is written and read through a space that comes and goes. */
static int use_and_close(int backing, u32 flags)
{
	u8 page[PAGE], back[PAGE];
	struct framepool_attach a;
	int err = 0;
	ssize_t n;

	attach_init(&a, backing);
	a.flags |= flags;
	if (ioctl(control_fd(), FRAMEPOOL_ATTACH, &a))
		return errno;
	page_fill(page, 5, ++version);
	n = pwrite(a.space_fd, page, PAGE, 5 * PAGE);
	if (n == (ssize_t)PAGE)
		n = pread(a.space_fd, back, PAGE, 5 * PAGE);
	if (n != (ssize_t)PAGE)
		err = n < 0 ? errno : EIO;
	if (!err)
		expect(!memcmp(back, page, PAGE), "what was written is not read");
	if (!err && fsync(a.space_fd))
		err = errno;
	close(a.space_fd);
	if (!err && pread(backing, back, PAGE, 5 * PAGE) == (ssize_t)PAGE)
		expect(!memcmp(back, page, PAGE), "what was synced is not in the file");
	return err;
}

static int do_attach_direct(void)
{
	return use_and_close(fixed, FRAMEPOOL_ATTACH_DIRECT);
}

static int do_block_device(void)
{
	return ram < 0 ? 0 : use_and_close(ram, 0);
}

/* The same file twice: the second attach opens it once more, for writing. */
static int do_upgrade(void)
{
	struct framepool_attach reader, writer;
	u8 page[PAGE];
	int err = 0;

	attach_init(&reader, other);
	reader.flags |= FRAMEPOOL_ATTACH_READ_ONLY;
	if (attach(&reader))
		return errno;
	page_fill(page, 5, 1);
	attach_init(&writer, other);
	if (attach(&writer) || pwrite(writer.space_fd, page, PAGE, 5 * PAGE) != (ssize_t)PAGE)
		err = errno;
	/* What failed has failed: the reader loses nothing by it. */
	if (err && expect(pread(reader.space_fd, page, PAGE, 5 * PAGE) == (ssize_t)PAGE, "%s",
			  strerror(errno)))
		expect(page_is(page, 5, 1), "what the reader reads");
	if (writer.space_fd >= 0)
		close(writer.space_fd);
	close(reader.space_fd);
	return err;
}

/* No matter what fails in it. */
static bool is_gone(void *space)
{
	struct framepool_space s = { .size = sizeof(s) };

	while (!ioctl(control_fd(), FRAMEPOOL_SPACE_NEXT, &s))
		if (s.space == *(u32 *)space)
			return false;
	return errno == ENOENT;
}

/* Without memory for the list of its blocks it goes through the file system, which is no error. */
static int do_scattered(void)
{
	struct framepool_space s = { .size = sizeof(s) };
	struct framepool_attach a;
	u8 page[PAGE];
	int err = 0;
	ssize_t n;

	attach_init(&a, scattered);
	a.flags |= FRAMEPOOL_ATTACH_DIRECT;
	if (attach(&a))
		return errno;
	while (ioctl(a.space_fd, FRAMEPOOL_SPACE_INFO, &s))
		err = errno;
	if (!(s.state & FRAMEPOOL_SPACE_DIRECT_PATH))
		err = ENOMEM;
	n = pread(a.space_fd, page, PAGE, 20 * PAGE);
	if (n == (ssize_t)PAGE)
		expect(page_is(page, 20, 1), "what was read");
	else
		err = n < 0 ? errno : EIO;
	close(a.space_fd);
	/* The close may not have waited, and who finds the space there takes it as it is. */
	expect(wait_until(is_gone, &s.space, SETTLE_MS), "it does not go");
	return err;
}

static int do_name(void)
{
	struct framepool_attach a;
	struct framepool_detach d = { .size = sizeof(d) };

	attach_init(&a, file);
	name_set(a.name, "swept");
	name_set(d.name, "swept");
	/* After an error of the detach it is still there. */
	if (ioctl(control_fd(), FRAMEPOOL_ATTACH, &a) && errno != EEXIST)
		return errno;
	/* It copies a name, which may be what fails. */
	expect(!access(NODES "/swept", F_OK) || errno == EFAULT || errno == ENOMEM,
	       "a node without a file");
	if (ioctl(control_fd(), FRAMEPOOL_DETACH, &d))
		return errno;
	expect(access(NODES "/swept", F_OK), "a file without a node");
	expect(access("/dev/swept", F_OK), "a file in the wrong place");
	return 0;
}

static int do_open(void)
{
	int node = open(NODES "/kept", O_RDWR | O_CLOEXEC);

	if (node < 0)
		return errno;
	close(node);
	return 0;
}

/* 6.1 needs memory for it. Only one allocation fails. */
static int unmap(void *p)
{
	int err;

	if (!munmap(p, NR * PAGE))
		return 0;
	err = errno;
	need_ok(munmap(p, NR * PAGE));
	return err;
}

static int do_mmap(void)
{
	void *p = mmap(NULL, NR * PAGE, RW, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? errno : unmap(p);
}

/* A page of the pool's is copied, and the copy alone is stored to. */
static int do_private(void)
{
	u64 at = 6 * PAGE;
	u8 *p = mmap(NULL, NR * PAGE, RW, MAP_PRIVATE, fd, 0), other_byte = ~model[at];
	int sig;

	if (p == MAP_FAILED)
		return errno;
	sig = try_store(p + at, other_byte);
	if (!sig) {
		expect(p[at] == other_byte, "the store");
		expect(bytes_are(p + at + 1, model + at + 1, PAGE - 1, at + 1), "the copy");
	}
	return unmap(p) ?: sig;
}

static int do_prefetch(void)
{
	return by_range(FRAMEPOOL_PREFETCH, 0, 0);
}

/* What could not be fetched ahead is fetched by whoever touches it. */
static int do_willneed(void)
{
	static u8 buf[NR * PAGE];
	int err = posix_fadvise(fd, 0, sizeof(buf), POSIX_FADV_WILLNEED);
	int sig = try_copy(buf, m, sizeof(buf));

	if (!sig)
		expect(bytes_are(buf, model, sizeof(buf), 0), "what came");
	return sig ?: err;
}

/* A read that could not tell has taken the signals all the same. */
static void forget_signals(void)
{
	eventfd_t signals;

	while (eventfd_read(event, &signals) && errno != EAGAIN)
		need(errno == EFAULT, "the eventfd: %s", strerror(errno));
}

/* A ticket that could not be told is none: there are 64 of them, and the sweep needs more. */
static int do_start(void)
{
	struct framepool_span span = { .length = NR * PAGE };
	struct framepool_prefetch p = {
		.size = sizeof(p), .spans = (uintptr_t)&span, .nr = 1, .eventfd = event,
	};
	struct pollfd over = { .fd = event, .events = POLLIN };
	int err = 0;

	if (ioctl(fd, FRAMEPOOL_PREFETCH_START, &p)) {
		err = errno;
		/* It may have ended before it was taken back. */
		forget_signals();
		return err;
	}
	/* This may be what fails. */
	while (poll(&over, 1, 60000) != 1)
		need(errno == EFAULT || errno == ENOMEM, "no result");
	forget_signals();
	while (ioctl(fd, FRAMEPOOL_PREFETCH_RESULT, &p)) {
		/* A result comes once, also where it could not be told. */
		if (errno == ENOENT && err)
			return err;
		need(errno != EAGAIN, "signalled, and not finished");
		err = errno;
	}
	return err ?: (int)span.error;
}

static int do_evict(void)
{
	change(3);
	return by_range(FRAMEPOOL_EVICT, 0, 0);
}

static int do_forget(void)
{
	struct framepool_advise a = {
		.size = sizeof(a), .advice = FRAMEPOOL_ADVICE_DONTNEED,
	};

	return ioctl(fd, FRAMEPOOL_ADVISE, &a) ? errno : 0;
}

static int do_sync(void)
{
	change(5);
	return by_range(FRAMEPOOL_SYNC, 0, 0);
}

static int do_fsync(void)
{
	change(7);
	return fsync(fd) ? errno : 0;
}

/* By a descriptor that has not pinned before. */
static int do_pin(void)
{
	int through = node_open("kept", O_RDWR), err, err_unpin;
	struct framepool_range r;

	if (through < 0)
		return errno;
	err = range_through(through, FRAMEPOOL_PIN, 0, 8 * PAGE, &r);
	expect(err || r.done == 8, "%ju pages of 8 are pinned", (uintmax_t)r.done);
	err_unpin = range_through(through, FRAMEPOOL_UNPIN, 0, 0, &r);
	expect(err || err_unpin || r.done == 8, "%ju pages of 8 were pinned", (uintmax_t)r.done);
	close(through);
	return err_unpin ?: err;
}

static int do_record(void)
{
	struct framepool_record_start s = { .size = sizeof(s) };
	u64 refs[64];
	struct framepool_record r = { .size = sizeof(r), .flags = FRAMEPOOL_RECORD_LOOK,
				      .refs = (uintptr_t)refs, .nr = ARRAY_SIZE(refs) };
	int through = node_open("kept", O_RDWR), err;

	if (through < 0)
		return errno;
	err = ioctl(through, FRAMEPOOL_RECORD_START, &s) ? errno : 0;
	if (!err)
		err = ioctl(through, FRAMEPOOL_RECORD, &r) ? errno : 0;
	close(through);
	return err;
}

static int do_hold(void)
{
	int err = by_range(FRAMEPOOL_HOLD, 16 * PAGE, 8 * PAGE), err_release, again;
	unsigned int tries = 0;

	change(17);
	err_release = by_range(FRAMEPOOL_RELEASE, 0, 0);
	/* What was held still is.  Where workers fail, each does once. */
	for (again = err_release; again && tries < 100; tries++)
		again = by_range(FRAMEPOOL_RELEASE, 0, 0);
	expect(!again, "it fails again: %s", strerrorname_np(again));
	return err_release ?: err;
}

/* What was stored since the HOLD is forgotten, whatever fails: a close has nobody to tell. */
static int do_drop(void)
{
	struct framepool_range r = {
		.size = sizeof(r), .flags = FRAMEPOOL_HOLD_DROP,
		.offset = 16 * PAGE, .length = 8 * PAGE,
	};
	int through = node_open("kept", O_RDWR), err;
	static u8 buf[PAGE];
	ssize_t n;

	if (through < 0)
		return errno;
	/* This was stored before it, and is written first. */
	err = change_byte(18 * PAGE);
	if (!err)
		err = ioctl(through, FRAMEPOOL_HOLD, &r) ? errno : 0;
	if (!err)
		page_fill(m + 17 * PAGE, 17, ++version);
	close(through);
	n = pread(fd, buf, PAGE, 17 * PAGE);
	if (n == PAGE)
		expect(!memcmp(buf, model + 17 * PAGE, PAGE),
		       "what was to be forgotten is still there");
	return err ?: n == PAGE ? 0 : n < 0 ? errno : EIO;
}

static int do_policy(void)
{
	struct framepool_pool_policy p = { .size = sizeof(p), .policy = "clock" };
	int err;

	memcpy(p.name, pool, sizeof(pool));
	err = ioctl(control_fd(), FRAMEPOOL_POOL_SET_POLICY, &p) ? errno : 0;
	strcpy(p.policy, "tenure");
	return (ioctl(control_fd(), FRAMEPOOL_POOL_SET_POLICY, &p) ? errno : 0) ?: err;
}

static int limit(u64 least, u64 most)
{
	struct framepool_wset_limit l = { .size = sizeof(l), .min = least, .max = most };

	memcpy(l.name, pool, sizeof(pool));
	return ioctl(control_fd(), FRAMEPOOL_WSET_LIMIT, &l) ? errno : 0;
}

/* What is above the maximum leaves, all of it dirty. */
static int do_limit(void)
{
	u64 vpn;
	int err;

	for (vpn = 0; vpn < NR; vpn++)
		change(vpn);
	err = limit(4, NR / 2);
	return limit(0, FRAMEPOOL_WSET_NO_MAX) ?: err;
}

static int do_wset(void)
{
	struct framepool_wset w = { .size = sizeof(w) };
	int err;

	memcpy(w.name, pool, sizeof(pool));
	err = ioctl(control_fd(), FRAMEPOOL_WSET_GET, &w) ? errno : 0;
	w.cursor = 0;
	w.pid = 0;
	while (!ioctl(control_fd(), FRAMEPOOL_WSET_NEXT, &w))
		;
	return err ?: errno == ENOENT ? 0 : errno;
}

static int do_lists(void)
{
	struct framepool_space s = { .size = sizeof(s) };
	struct framepool_pool p = { .size = sizeof(p) };

	while (!ioctl(control_fd(), FRAMEPOOL_SPACE_NEXT, &s))
		;
	if (errno != ENOENT)
		return errno;
	while (!ioctl(control_fd(), FRAMEPOOL_POOL_NEXT, &p))
		;
	return errno == ENOENT ? 0 : errno;
}

static int do_set_block(void)
{
	struct framepool_block b = { .size = sizeof(b), .block_type = FRAMEPOOL_BLOCK_AUTO };

	return ioctl(fd, FRAMEPOOL_SET_BLOCK, &b) ? errno : 0;
}

static int do_residency(void)
{
	u8 bitmap[NR / 8];
	struct framepool_residency r = { .size = sizeof(r), .bitmap = (uintptr_t)bitmap };

	return ioctl(fd, FRAMEPOOL_RESIDENCY, &r) ? errno : 0;
}

static int do_errors(void)
{
	struct framepool_errors e = { .size = sizeof(e) };

	return ioctl(fd, FRAMEPOOL_ERRORS, &e) ? errno : 0;
}

static int do_resize(void)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = (NR + 1) * PAGE };
	int err = ioctl(fd, FRAMEPOOL_RESIZE, &r) ? errno : 0;

	r.bytes = NR * PAGE;
	return (ioctl(fd, FRAMEPOOL_RESIZE, &r) ? errno : 0) ?: err;
}

static int do_info(void)
{
	struct framepool_space s = { .size = sizeof(s) };

	return ioctl(fd, FRAMEPOOL_SPACE_INFO, &s) ? errno : 0;
}

static int do_pool(void)
{
	struct framepool_pool_create c = { .size = sizeof(c), .bytes = 2 * MIB, .node = -1 };
	struct framepool_pool_destroy d = { .size = sizeof(d) };

	name_set(c.name, "swept");
	name_set(d.name, "swept");
	if (ioctl(control_fd(), FRAMEPOOL_POOL_CREATE, &c) && errno != EEXIST)
		return errno;
	return ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &d) ? errno : 0;
}

/* Absent pages, read and stored to by a fault each; SIGBUS is the error. */
static int do_touch(void)
{
	u64 at;
	int sig = 0;
	u8 byte;

	for (at = 0; at < NR * PAGE && !sig; at += 9 * PAGE) {
		sig = try_load(m + at, &byte);
		if (!sig)
			sig = change_byte(at);
	}
	return sig;
}

static int do_read(void)
{
	static u8 buf[4 * PAGE];
	ssize_t n = pread(fd, buf, sizeof(buf), 8 * PAGE);

	if (n == (ssize_t)sizeof(buf))
		expect(bytes_are(buf, model + 8 * PAGE, sizeof(buf), 8 * PAGE), "what was read");
	return n == (ssize_t)sizeof(buf) ? 0 : n < 0 ? errno : EIO;
}

/* A fault that may not drop its lock: a worker reads. */
static int do_peek(void)
{
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), err;
	u8 buf[64];
	ssize_t n;

	if (mem < 0)
		return errno;
	n = pread(mem, buf, sizeof(buf), (uintptr_t)(m + 11 * PAGE));
	err = n == (ssize_t)sizeof(buf) ? 0 : n < 0 ? errno : EIO;
	close(mem);
	if (!err)
		expect(bytes_are(buf, model + 11 * PAGE, sizeof(buf), 11 * PAGE), "the peek");
	return err;
}

/* Of pages that were to be written, which may have failed at any of them: each is old or new. */
static void note_new(u64 vpn, const u8 *new, int err)
{
	u64 end = vpn + 4;
	static u8 is[PAGE];

	for (; vpn < end; vpn++, new += PAGE) {
		u8 *old = model + vpn * PAGE;

		need(!err || !try_copy(is, m + vpn * PAGE, PAGE), "page %ju", (uintmax_t)vpn);
		if (err && !memcmp(is, old, PAGE))
			continue;
		expect(!err || !memcmp(is, new, PAGE), "page %ju is neither", (uintmax_t)vpn);
		memcpy(old, new, PAGE);
	}
}

static const u8 *four_new(u64 vpn)
{
	static u8 new[4 * PAGE] __attribute__((aligned(PAGE)));
	unsigned int i;

	version++;
	for (i = 0; i < 4; i++)
		page_fill(new + i * PAGE, vpn + i, version);
	return new;
}

static int do_write(void)
{
	const u8 *new = four_new(24);
	ssize_t n = pwrite(fd, new, 4 * PAGE, 24 * PAGE);
	int err = n == 4 * PAGE ? 0 : n < 0 ? errno : EIO;

	note_new(24, new, err);
	return err;
}

/* Somebody else's direct read into the mapping: core mm gets the pages, and marks them dirty. */
static int do_read_into(void)
{
	const u8 *new = four_new(28);
	ssize_t n;
	int err;

	if (pwrite(source, new, 4 * PAGE, 0) != 4 * PAGE)
		return errno;
	n = pread(source, m + 28 * PAGE, 4 * PAGE, 0);
	err = n == 4 * PAGE ? 0 : n < 0 ? errno : EIO;
	note_new(28, new, err);
	return err;
}

/*
 * With a mapping: there what the module asks for cannot be refused, so that nothing may fail.  A
 * child begins with nothing armed.
 */
static int do_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		return errno;
	if (!pid)
		_exit(m[3 * PAGE] == model[3 * PAGE] ? 0 : FAILED);
	while (waitpid(pid, NULL, 0) < 0)
		need(errno == EFAULT || errno == ENOMEM, "waitpid: %s", strerror(errno));
	return 0;
}

static int same_as_model(const u8 *is, ssize_t n, u64 vpn, int err)
{
	if (n > 0)
		expect(bytes_are(is, model + vpn * PAGE, n, vpn * PAGE), "what came");
	return n == 4 * PAGE ? 0 : n < 0 ? err : EIO;
}

static int do_splice(void)
{
	static u8 buf[4 * PAGE];
	loff_t at = 12 * PAGE;
	ssize_t n = splice(fd, &at, pipe_fd[1], NULL, sizeof(buf), 0), got = 0, part;
	int err = errno;

	/* All of it, so that the next finds the pipe empty. */
	while ((part = read(pipe_fd[0], buf + got, sizeof(buf) - got)) > 0 ||
	       (part < 0 && errno != EAGAIN))
		got += part > 0 ? part : 0;
	return n > 0 && got < n ? EIO : same_as_model(buf, n, 12, err);
}

static int do_sendfile(void)
{
	static u8 buf[4 * PAGE];
	off_t at = 20 * PAGE;
	ssize_t n;
	int err;

	if (lseek(sink, 0, SEEK_SET))
		return errno;
	n = sendfile(sink, fd, &at, sizeof(buf));
	err = errno;
	if (n > 0 && pread(sink, buf, n, 0) != n)
		return errno;
	return same_as_model(buf, n, 20, err);
}

static int open_debug(const char *name, int oflags)
{
	char where[160];

	snprintf(where, sizeof(where), DEBUG "framepool/%s/%s", pool, name);
	return open(where, oflags | O_CLOEXEC);
}

static int read_and_close(int f)
{
	char text[PAGE];
	ssize_t n;
	int err;

	while ((n = read(f, text, sizeof(text))) > 0)
		;
	err = n < 0 ? errno : 0;
	close(f);
	return err;
}

static int read_all(const char *name)
{
	int f = open_debug(name, O_RDONLY);

	return f < 0 ? errno : read_and_close(f);
}

static int walk(void)
{
	int f = open_debug("walk", O_RDWR), err, err_read;

	if (f < 0)
		return errno;
	err = dprintf(f, "%u 3", id) < 0 ? errno : 0;
	/* Of no page there is nothing to be read. */
	err_read = read_and_close(f);
	return err ?: err_read;
}

static int do_debugfs(void)
{
	static const char *const names[] = {
		"stats", "buddyinfo", "bitmap", "frames", "spaces", "errors", "pagetable",
		"policy", "working_sets", "check",
	};
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		err = read_all(names[i]) ?: err;
	return walk() ?: err;
}

static int write_whatif(const char *text)
{
	char where[128];
	int f, err;

	snprintf(where, sizeof(where), "/sys/kernel/framepool/%s/whatif", pool);
	f = open(where, O_WRONLY | O_CLOEXEC);
	if (f < 0)
		return errno;
	err = write(f, text, 1) == 1 ? 0 : errno;
	close(f);
	return err;
}

static int do_whatif(void)
{
	int err = write_whatif("1");
	u8 byte;

	if (!err)
		err = try_load(m + 9 * PAGE, &byte);
	if (!err)
		err = read_all("whatif") ?: read_all("curves");
	return write_whatif("0") ?: err;
}

#define COLD	(1U << 0)	/* on absent pages */
#define BACK	(1U << 1)	/* from the last failure back to the first, too */
#define OURS	(1U << 2)	/* of what the kernel asks for itself it complains in its log */
#define NEVER	(1U << 3)	/* no failure is seen */
#define WRITES	(1U << 4)	/* pages that are dirty */
#define WHOLE	(1U << 5)	/* all of them, so that nothing is read */

static const struct op {
	const char *name;
	int (*run)(void);
	unsigned int how;
} ops[] = {
	{ "ATTACH", do_attach, 0 },
	{ "ATTACH of another file", do_attach_other, 0 },
	{ "ATTACH for writing after reading", do_upgrade, 0 },
	{ "ATTACH with DIRECT", do_attach_direct, 0 },
	{ "ATTACH with DIRECT of a scattered file", do_scattered, 0 },
	{ "ATTACH of a block device", do_block_device, 0 },
	/* What a failure leaves to the next try moves the numbers of those behind it by one. */
	{ "ATTACH and DETACH of a name", do_name, BACK },
	{ "open", do_open, 0 },
	{ "mmap", do_mmap, 0 },
	{ "a private mapping", do_private, COLD },
	{ "PREFETCH", do_prefetch, COLD },
	{ "posix_fadvise WILLNEED", do_willneed, COLD },
	{ "PREFETCH_START and RESULT", do_start, COLD },
	{ "EVICT", do_evict, WRITES },
	{ "ADVISE DONTNEED", do_forget, 0 },
	{ "SYNC", do_sync, WRITES },
	{ "fsync", do_fsync, WRITES },
	{ "PIN and UNPIN", do_pin, COLD },
	{ "HOLD and RELEASE", do_hold, COLD | WRITES },
	{ "HOLD with DROP and close", do_drop, COLD | WRITES },
	{ "RECORD", do_record, 0 },
	{ "POOL_SET_POLICY", do_policy, 0 },
	{ "WSET_LIMIT", do_limit, WRITES },
	{ "WSET_GET and NEXT", do_wset, 0 },
	{ "SPACE_NEXT and POOL_NEXT", do_lists, 0 },
	{ "SET_BLOCK", do_set_block, 0 },
	{ "RESIDENCY", do_residency, 0 },
	{ "ERRORS", do_errors, 0 },
	{ "RESIZE", do_resize, 0 },
	{ "SPACE_INFO", do_info, 0 },
	{ "POOL_CREATE and DESTROY", do_pool, BACK },
	{ "loads and stores", do_touch, COLD },
	{ "read", do_read, COLD },
	{ "/proc/self/mem", do_peek, COLD },
	{ "write", do_write, COLD | WHOLE },
	{ "splice", do_splice, COLD },
	{ "sendfile", do_sendfile, COLD },
	{ "a direct read into the mapping", do_read_into, COLD },
	{ "fork", do_fork, OURS | NEVER },
	{ "debugfs", do_debugfs, 0 },
	{ "whatif on and off", do_whatif, BACK },
};

/* ---- the sweep ---- */

static bool may_be(int err)
{
	return err == ENOMEM || err == EIO || err == EFAULT || err == ENOSPC || err == SIGBUS ||
	       err == EAGAIN;
}

/* What the pool itself says of its structures. */
static void check_pool(const char *op, unsigned int n)
{
	char where[128], text[64] = "";

	snprintf(where, sizeof(where), DEBUG "framepool/%s/check", pool);
	need(knob_read(where, text, sizeof(text)) && !strcmp(text, "ok"), "%s, %u: %s", op, n,
	     text);
}

static void get_ready(const struct op *op)
{
	struct framepool_range r;

	if (!(op->how & COLD))
		return;
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	need_ok(madvise(m, NR * PAGE, MADV_DONTNEED));
}

/* Errors of earlier failures have been told, so that they are not taken for those of the next run. */
static void clear_errors(void)
{
	change(1);
	while (fsync(fd))
		;
}

/*
 * What is stored is there, and a sync brings all of it to the file: no page was taken for clean.
 * To be asked before the same pages are stored to again.
 */
static void expect_kept(const char *op, unsigned int n)
{
	static u8 buf[NR * PAGE];

	need_ok(fsync(fd));
	need(pread(file, buf, sizeof(buf), 0) == (ssize_t)sizeof(buf), "%s", strerror(errno));
	expect(!memcmp(buf, model, sizeof(buf)), "%s, %u: the file", op, n);
	expect(!memcmp(m, model, sizeof(buf)), "%s, %u: the mapping", op, n);
}

/* Whether there was an n-th thing to fail. */
static bool fail_one(const struct op *op, const struct injector *in, unsigned int n,
		     unsigned int *harmed)
{
	bool happened;
	int err;

	get_ready(op);
	in->arm(n);
	err = op->run();
	happened = in->disarm();
	if (!happened) {
		/* One of a worker's may have come while that was asked. */
		clear_errors();
		return false;
	}
	if (err) {
		++*harmed;
		expect(may_be(err), "%s, the %u. fails: error %d", op->name, n, err);
	}
	clear_errors();
	check_pool(op->name, n);
	expect_kept(op->name, n);
	get_ready(op);
	err = op->run();
	expect(!err, "%s, after the %u. has failed: error %d", op->name, n, err);
	expect_kept(op->name, n);
	return true;
}

/*
 * Whoever finds pages absent reads them, and who cleans writes.  A read that was not waited for is
 * done again by a worker, whatever has become of it.
 */
static void expect_at_site(const struct op *op, unsigned int total, unsigned int harmed)
{
	bool again = !strcmp(site, "nowait") || !strcmp(site, "end") || !strcmp(site, "short");
	bool reads = !strcmp(site, "read") && (op->how & (COLD | WHOLE)) == COLD;
	bool writes = !strcmp(site, "write") && op->how & WRITES;

	if (reads || writes)
		expect(total, "%s: no %s has failed", op->name, site);
	if (again)
		expect(!harmed, "%s: %u of %u were told", op->name, harmed, total);
}

static unsigned int sweep_op(const struct op *op, const struct injector *in)
{
	unsigned int n, total, harmed = 0;

	if (op->how & OURS && !only_ours()) {
		nth_anything();
		return 0;
	}
	for (n = 1; n <= NTH_MAX && fail_one(op, in, n, &harmed); n++)
		;
	expect(n <= NTH_MAX, "%s never gets through", op->name);
	total = n - 1;
	while (op->how & BACK && --n)
		total += fail_one(op, in, n, &harmed);
	if (op->how & OURS && in != &of_workers)
		nth_anything();
	expect_kept(op->name, 0);
	if (in == &sites)
		expect_at_site(op, total, harmed);
	if (in == &allocations)
		expect(op->how & NEVER ? !harmed : total, "%s: %u failures, %u of them seen",
		       op->name, total, harmed);
	if (total)
		diag("%s%s%s: %u failures, %u of them seen", op->name, site ? " with " : "",
		     site ? site : "", total, harmed);
	return total;
}

static void sweep(const struct injector *in)
{
	/* The rest has nothing to do with where pages come from and go to. */
	unsigned int i, total = 0, what = test_variant == BED_FILE ? 0 : COLD | WRITES;

	space_name(path, "kept", O_RDWR);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (!what || ops[i].how & what)
			total += sweep_op(&ops[i], in);
	need_ok(detach("kept"));
	diag("tried: %u injected failures", total);
	expect(total, "nothing has failed%s%s", site ? " with " : "", site ? site : "");
}

static void every_allocation(void)
{
	begin();
	sweep(&allocations);
	end();
}

static void every_one_of(const char *const *names, unsigned int nr)
{
	begin();
	while (nr--) {
		site = *names++;
		sweep(&sites);
	}
	end();
}

static void every_site(void)
{
	static const char *const names[] = {
		"open", "nowait", "end", "read", "short", "write", "flush", "frame", "node", "resize",
	};

	every_one_of(names, ARRAY_SIZE(names));
}

static void every_bio(void)
{
	static const char *const names[] = { "nowait", "end", "read", "write", "flush", "frame" };

	every_one_of(names, ARRAY_SIZE(names));
}

/* What the module's code calls, or what that calls: these threads work for others, too. */
static void every_allocation_of_workers(void)
{
	begin();
	if (!only_ours())
		skip("this kernel cannot tell who asks");
	sweep(&of_workers);
	nth_anything();
	end();
}

#define FILE_TEST	(T_DEVICE | T_VARIANT(BED_FILE))
#define DIRECT_TEST	(T_DEVICE | T_VARIANT(BED_DIRECT))
#define DEVICE_TEST	(T_DEVICE | T_VARIANT(BED_DEVICE))

static const struct test tests[] = {
	{ "every allocation fails once", every_allocation, FILE_TEST },
	{ "every allocation of a worker fails once", every_allocation_of_workers, FILE_TEST },
	{ "every I/O, frame and node fails once", every_site, FILE_TEST },
	{ "every allocation fails once: a file's blocks", every_allocation, DIRECT_TEST },
	{ "every allocation of a worker fails once: a file's blocks", every_allocation_of_workers,
	  DIRECT_TEST },
	{ "every I/O fails once: a file's blocks", every_bio, DIRECT_TEST },
	{ "every I/O fails once: a block device", every_bio, DEVICE_TEST },
};

static void clear_away(void)
{
	nth_nothing();
	dm_clear_away();
}

int main(int argc, char **argv)
{
	write_errors_expected = true;
	after_test = clear_away;
	/* Hundreds of rounds in one test. */
	setenv("FPOOL_LIMIT", "900", 0);
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
