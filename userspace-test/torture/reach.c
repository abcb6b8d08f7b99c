// SPDX-License-Identifier: GPL-2.0-only
/*
 * Others reach into the mapping while the pool evicts all around them: debuggers,
 * process_vm_writev, pipes and sockets, process_madvise, userfaultfd, a core dump that is larger
 * than the pool.
 *
 * Whoever has written a byte, by whatever way, finds it again; whoever holds a frame keeps it.
 */
#include "scene.h"
#include "torture.h"

#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <linux/userfaultfd.h>

#define NR	128UL

static void begin(void)
{
	scene_begin(2 * MIB, NR);
}

static void crowd_start(void)
{
	pressure_start(700);
	evictor_start(fd);
}

static void crowd_stop(void)
{
	evictor_stop();
	pressure_stop();
}

static void stopped_child(void *arg)
{
	(void)arg;
	need_ok(ptrace(PTRACE_TRACEME, 0, 0, 0));
	raise(SIGSTOP);
}

static pid_t stopped_start(void)
{
	pid_t pid = child_start(stopped_child, NULL);
	int status;

	need_ok(waitpid(pid, &status, 0));
	need(WIFSTOPPED(status), "status %#x", status);
	return pid;
}

static void stopped_end(pid_t pid)
{
	need_ok(ptrace(PTRACE_CONT, pid, 0, 0));
	child_join(pid);
}

/* A debugger may not drop its lock while it waits for a page. */
static void debugger(void)
{
	pid_t pid;
	struct rnd r;
	u64 i, at;
	long word;

	begin();
	rnd_init(&r, 1);
	pid = stopped_start();
	crowd_start();
	for (i = 0; i < scaled(100); i++) {
		at = rnd_below(&r, NR * PAGE - 8);
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, m + at, 0);
		expect(!errno && !memcmp(&word, model + at, 8), "peek at %#jx: %s", (uintmax_t)at,
		       strerror(errno));
		word = rnd_next(&r);
		expect(!ptrace(PTRACE_POKEDATA, pid, m + at, word), "poke at %#jx: %s",
		       (uintmax_t)at, strerror(errno));
		memcpy(model + at, &word, 8);
		if (!rnd_below(&r, 50))
			need_ok(fsync(fd));
	}
	crowd_stop();
	stopped_end(pid);
	scene_end();
}

static void vm_writev(void)
{
	u8 *buf = aligned_alloc(PAGE, 16 * PAGE);
	struct iovec local, remote;
	struct rnd r;
	u64 i, at, len;
	pid_t pid;

	begin();
	rnd_init(&r, 2);
	pid = stopped_start();
	crowd_start();
	for (i = 0; i < scaled(100); i++) {
		len = 1 + rnd_below(&r, 12 * PAGE);
		at = rnd_below(&r, NR * PAGE - len);
		local = (struct iovec){ buf, len };
		remote = (struct iovec){ m + at, len };
		expect(process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len,
		       "readv: %s", strerror(errno));
		expect(bytes_are(buf, model + at, len, at), "what was read");
		memset(buf, i, len);
		expect(process_vm_writev(pid, &local, 1, &remote, 1, 0) == (ssize_t)len,
		       "writev: %s", strerror(errno));
		memcpy(model + at, buf, len);
	}
	crowd_stop();
	stopped_end(pid);
	scene_end();
}

/*
 * Spliced pages show what is stored to them as long as they are in the pipe, and leave no others.
 */
static void pipes(void)
{
	u8 *buf = malloc(PAGE);
	struct iovec iov;
	struct rnd r;
	u64 i, vpn, k;
	int p[2];

	begin();
	rnd_init(&r, 3);
	need_ok(pipe(p));
	crowd_start();
	for (i = 0; i < scaled(100); i++) {
		vpn = rnd_below(&r, NR - 8);
		iov = (struct iovec){ m + vpn * PAGE, 8 * PAGE };
		need(vmsplice(p[1], &iov, 1, 0) == 8 * PAGE, "vmsplice: %s", strerror(errno));
		store(vpn + rnd_below(&r, 8), 10 + i);
		if (!rnd_below(&r, 16))
			need_ok(fsync(fd));
		for (k = 0; k < 8; k++) {
			need(read(p[0], buf, PAGE) == PAGE, "pipe");
			expect(bytes_are(buf, model + (vpn + k) * PAGE, PAGE, (vpn + k) * PAGE),
			       "from the pipe");
		}
	}
	crowd_stop();
	scene_end();
}

/* From the device into a socket and a file, and back into the device by splice. */
static void sockets(void)
{
	u8 *buf = aligned_alloc(PAGE, 16 * PAGE);
	int to = need_ok(open(file_make("to", NR * PAGE, 2), O_RDWR | O_CLOEXEC));
	struct rnd r;
	u64 i, vpn, len;
	off_t at;
	int s[2], p[2];
	ssize_t n;

	begin();
	rnd_init(&r, 4);
	need_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	need_ok(pipe(p));
	crowd_start();
	for (i = 0; i < scaled(100); i++) {
		vpn = rnd_below(&r, NR - 8);
		store(vpn, 10 + i);
		at = vpn * PAGE + 10;
		n = sendfile(s[0], fd, &at, 5 * PAGE);
		need(n > 0, "sendfile: %s", strerror(errno));
		for (len = n; len; len -= n) {
			n = read(s[1], buf, len);
			need(n > 0, "socket: %s", strerror(errno));
			expect(bytes_are(buf, model + at - len, n, at - len), "from the socket");
		}
		vpn = rnd_below(&r, NR - 8);
		at = vpn * PAGE;
		need_ok(lseek(to, at, SEEK_SET));
		n = sendfile(to, fd, &at, 4 * PAGE);
		need(n > 0 && pread(to, buf, n, vpn * PAGE) == n, "sendfile: %s", strerror(errno));
		expect(bytes_are(buf, model + vpn * PAGE, n, vpn * PAGE), "sent to a file");
		memset(buf, i, PAGE);
		need(write(p[1], buf, PAGE) == PAGE, "pipe");
		at = vpn * PAGE;
		need(splice(p[0], NULL, fd, &at, PAGE, 0) == PAGE, "splice: %s", strerror(errno));
		memcpy(model + vpn * PAGE, buf, PAGE);
	}
	crowd_stop();
	scene_end();
}

/* ---- advice from another process ---- */

static void storing_child(void *arg)
{
	u64 i, vpn;

	(void)arg;
	for (i = 0; i < scaled(30); i++)
		for (vpn = 0; vpn < NR; vpn++) {
			expect(page_is(m + vpn * PAGE, vpn, 1 + i), "before the store");
			page_fill(m + vpn * PAGE, vpn, 2 + i);
		}
}

static void advised(void)
{
	static const int advice[] = { MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, 25 /* COLLAPSE */ };
	struct iovec iov;
	struct rnd r;
	u64 vpn, took = 0;
	int pidfd, status;
	pid_t pid;

	begin();
	rnd_init(&r, 5);
	pid = child_start(storing_child, NULL);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		skip("no pidfd: %s", strerror(errno));
	while (!waitpid(pid, &status, WNOHANG)) {
		vpn = rnd_below(&r, NR - 8);
		iov = (struct iovec){ m + vpn * PAGE, 8 * PAGE };
		took += syscall(SYS_process_madvise, pidfd, &iov, 1,
				advice[rnd_below(&r, ARRAY_SIZE(advice))], 0) > 0;
	}
	expect(!status, "status %#x", status);
	if (!took)
		skip("no process_madvise here");
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(model + vpn * PAGE, vpn, 1 + scaled(30));
	scene_end();
}

/* ---- userfaultfd ---- */

static int uffd_open(u64 *features)
{
	struct uffdio_api api = { .api = UFFD_API };
	int u = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (u < 0)
		skip("no userfaultfd: %s", strerror(errno));
	need_ok(ioctl(u, UFFDIO_API, &api));
	*features = api.features;
	need_ok(close(u));
	u = need_ok(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
	api = (struct uffdio_api){ .api = UFFD_API, .features = *features };
	need_ok(ioctl(u, UFFDIO_API, &api));
	return u;
}

#define ASYNC_WP	(1ull << 15)	/* UFFD_FEATURE_WP_ASYNC, of newer headers */

/*
 * Missing pages are ours to bring: nobody else may answer for them. Write protection that tracks
 * stores is allowed on newer kernels for any mapping, and may not cost a byte.
 */
static void userfault(void)
{
	struct uffdio_register reg = { .range = { 0, NR * PAGE } };
	struct uffdio_writeprotect wp = { .mode = UFFDIO_WRITEPROTECT_MODE_WP };
	u64 features, vpn, round;
	int u = uffd_open(&features);

	begin();
	reg.range.start = (uintptr_t)m;
	reg.mode = UFFDIO_REGISTER_MODE_MISSING;
	expect_errno(ioctl(u, UFFDIO_REGISTER, &reg), EINVAL);
	reg.mode = UFFDIO_REGISTER_MODE_MINOR;
	expect(ioctl(u, UFFDIO_REGISTER, &reg) == -1, "minor faults of others were registered");
	reg.mode = UFFDIO_REGISTER_MODE_WP;
	if (ioctl(u, UFFDIO_REGISTER, &reg)) {
		/* 6.1 has none for files, 6.12 none for mappings of ours. */
		expect(errno == EINVAL, "write protection: %s", strerror(errno));
		close(u);
		scene_end();
		return;
	}
	expect(features & ASYNC_WP, "registered for messages that nobody reads");
	crowd_start();
	for (round = 0; round < scaled(24); round++) {
		wp.range = (struct uffdio_range){ (uintptr_t)m, NR * PAGE };
		need_ok(ioctl(u, UFFDIO_WRITEPROTECT, &wp));
		for (vpn = round % 3; vpn < NR; vpn += 3)
			store(vpn, 2 + round);
		if (round % 8 == 0)
			need_ok(msync(m, NR * PAGE, MS_SYNC));
		expect(bytes_are(m, model, NR * PAGE, 0), "round %ju", (uintmax_t)round);
	}
	crowd_stop();
	need_ok(close(u));
	scene_end();
}

/* ---- core dumps ---- */

#define MANY	900UL

static void dumping_child(void *arg)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)arg;
	need_ok(setrlimit(RLIMIT_CORE, &all));
	need(knob_write("/proc/self/coredump_filter", "0x3f"), "coredump_filter");
	signal(SIGABRT, SIG_DFL);
	abort();
}

static char pattern[256];

/* A core with all of a mapping that is larger than the pool, under pressure from others. */
static void core_dump(void)
{
	char *name = file_path("core");
	u64 bytes, vpn, at, found = 0;
	int status;
	pid_t pid;
	u8 *core;

	begin();
	if (!knob_read("/proc/sys/kernel/core_pattern", pattern, sizeof(pattern)) ||
	    !knob_write("/proc/sys/kernel/core_pattern", name))
		skip("no core dumps here");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	path = file_make("large", MANY * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, MANY * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < MANY; vpn += 3)
		page_fill(m + vpn * PAGE, vpn, 2);
	evictor_start(fd);
	pid = child_start(dumping_child, NULL);
	need_ok(waitpid(pid, &status, 0));
	evictor_stop();
	need(WIFSIGNALED(status) && WCOREDUMP(status), "status %#x: no core", status);
	core = file_load(name, &bytes);
	for (at = 0; at + MANY * PAGE <= bytes && !found; at += PAGE) {
		if (!page_holds(core + at, 0, 2))
			continue;
		for (vpn = 0; vpn < MANY; vpn++)
			if (!page_holds(core + at + vpn * PAGE, vpn, vpn % 3 ? 1 : 2))
				break;
		found = vpn == MANY;
	}
	expect(found, "the mapping is not in the core of %ju bytes", (uintmax_t)bytes);
	need_ok(munmap(m, MANY * PAGE));
	space_gone(fd, id);
}

static void restore(void)
{
	char text[256];

	if (knob_read("/proc/sys/kernel/core_pattern", text, sizeof(text)) &&
	    !strncmp(text, dir, strlen(dir)))
		knob_write("/proc/sys/kernel/core_pattern", "core");
}

/* ---- descriptors under way ---- */

static void sender(void *arg)
{
	int s = *(int *)arg, mine;
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	u64 vpn;

	mine = space_attach(path, O_RDWR);
	m = map(mine, NR * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &mine, sizeof(int));
	need(sendmsg(s, &msg, 0) == 1, "sendmsg: %s", strerror(errno));
	kill(getpid(), SIGKILL);
}

/*
 * The only descriptor of a space lies in a socket's queue, its owner was killed: it holds the
 * space.
 */
static void under_way(void)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int s[2], status;
	u64 vpn;

	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 1);
	need_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	need_ok(waitpid(child_start(sender, &s[0]), &status, 0));
	squeeze(3 * MIB);
	need(recvmsg(s[1], &msg, MSG_CMSG_CLOEXEC) == 1, "recvmsg: %s", strerror(errno));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 2), "from the descriptor");
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	/* And one that nobody ever takes goes with the socket. */
	need_ok(waitpid(child_start(sender, &s[0]), &status, 0));
	need_ok(close(s[0]));
	need_ok(close(s[1]));
	/* Whether it has gone is what the runner looks at. */
}

static const struct test tests[] = {
	{ "ptrace while the pool evicts", debugger, 0 },
	{ "process_vm_writev while the pool evicts", vm_writev, 0 },
	{ "vmsplice while the pool evicts", pipes, 0 },
	{ "sendfile and splice while the pool evicts", sockets, 0 },
	{ "process_madvise while its target stores", advised, 0 },
	{ "userfaultfd", userfault, T_DEVICE },
	{ "a core dump larger than the pool", core_dump, T_DEVICE },
	{ "the last descriptor lies in a socket", under_way, 0 },
};

int main(int argc, char **argv)
{
	return torture_main(argc, argv, tests, ARRAY_SIZE(tests), restore);
}
