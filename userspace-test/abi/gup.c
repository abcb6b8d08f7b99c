// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own access to the mapping: O_DIRECT, pipes, other processes' memory, ptrace, core
 * dumps.
 *
 * It comes by get_user_pages and holds frames for as long as it likes: a held frame may not be
 * evicted, and what was written into it, by whom ever, may not be lost.  ptrace and /proc/PID/mem
 * fault without being able to drop the lock, so that the pages have to come while the faulter
 * waits.
 */
#include "scene.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <linux/futex.h>

#define NR	128UL
#define RW	(PROT_READ | PROT_WRITE)

static char *other_path;
static int other;

static void begin(void)
{
	scene_begin(2 * MIB, NR);
	other_path = file_make("other", NR * PAGE, 2);
	other = open(other_path, O_RDWR | O_DIRECT);
	if (other < 0)
		other = need_ok(open(other_path, O_RDWR));
}

/* Out of the mapping into a file: absent pages, resident ones, dirty ones. */
static void direct_write(void)
{
	u64 round, at;

	begin();
	for (round = 0; round < 3; round++) {
		make_absent(fd, m, NR * PAGE);
		if (round == 1)
			expect(bytes_are(m, model, NR * PAGE, 0), "touched");
		if (round == 2)
			for (at = 0; at < NR; at += 3)
				store(at, 5);
		for (at = 0; at < NR * PAGE; at += 32 * PAGE)
			expect(pwrite(other, m + at, 32 * PAGE, at) == 32 * PAGE, "write: %s",
			       strerror(errno));
		expect_file(other_path, model, NR * PAGE);
	}
	scene_end();
}

/*
 * From a file into the mapping: the stores are the device's, no store of a program tells of them.
 */
static void direct_read(void)
{
	u64 round, vpn, from;

	begin();
	for (round = 0; round < 4; round++) {
		if (round & 1)
			make_absent(fd, m, NR * PAGE);
		for (vpn = 0; vpn < NR; vpn += 16) {
			from = (vpn + round * 16) % NR;
			expect(pread(other, m + vpn * PAGE, 16 * PAGE, from * PAGE) == 16 * PAGE,
			       "read: %s", strerror(errno));
			for (u64 i = 0; i < 16; i++)
				page_fill(model + (vpn + i) * PAGE, from + i, 2);
		}
		if (round == 2)
			need_ok(msync(m, NR * PAGE, MS_SYNC));
		make_absent(fd, m, NR * PAGE);
		expect(bytes_are(m, model, NR * PAGE, 0), "round %ju", (uintmax_t)round);
		expect_file(path, model, NR * PAGE);
	}
	scene_end();
}

/* A store through the mapping between two of the device's into the same page. */
static void direct_read_and_stores(void)
{
	u64 i, vpn;
	struct rnd r;

	begin();
	rnd_init(&r, 1);
	for (i = 0; i < scaled(400); i++) {
		vpn = rnd_below(&r, NR);
		switch (rnd_below(&r, 4)) {
		case 0:
			store(vpn, 10 + i);
			break;
		case 1:
			expect(pread(other, m + vpn * PAGE, PAGE, vpn * PAGE) == PAGE, "read");
			page_fill(model + vpn * PAGE, vpn, 2);
			break;
		case 2:
			need_ok(msync(m + vpn * PAGE, PAGE, MS_SYNC));
			break;
		case 3:
			make_absent(fd, m, NR * PAGE);
			break;
		}
		expect(bytes_are(m + vpn * PAGE, model + vpn * PAGE, PAGE, vpn * PAGE), "step %ju",
		       (uintmax_t)i);
	}
	scene_end();
}

struct press {
	atomic_uint stop;
	u8 *mem;
	u64 pages;
};

/* Walk over a file larger than the pool until told to stop. */
static void *press(void *arg)
{
	struct press *p = arg;
	u64 vpn = 0;

	while (!atomic_load(&p->stop)) {
		expect(page_is(p->mem + vpn * PAGE, vpn, 3), "the file that makes the pressure");
		vpn = (vpn + 1) % p->pages;
	}
	return NULL;
}

/* Device reads in flight while everything around them is evicted. */
static void direct_read_under_pressure(void)
{
	struct press p = { .pages = 2048 };
	u64 i, vpn, n;
	pthread_t thread;
	struct rnd r;
	int big;
	u32 big_id;

	begin();
	big = space_attach(file_make("big", p.pages * PAGE, 3), O_RDWR);
	big_id = space_id(big);
	p.mem = map(big, p.pages * PAGE, PROT_READ, MAP_SHARED);
	need(!pthread_create(&thread, NULL, press, &p), "no thread");
	rnd_init(&r, 2);
	for (i = 0; i < scaled(600); i++) {
		n = 1 + rnd_below(&r, 16);
		vpn = rnd_below(&r, NR - n);
		expect(pread(other, m + vpn * PAGE, n * PAGE, vpn * PAGE) == (ssize_t)(n * PAGE),
		       "read: %s", strerror(errno));
		for (u64 k = vpn; k < vpn + n; k++)
			page_fill(model + k * PAGE, k, 2);
		vpn = rnd_below(&r, NR);
		store(vpn, 20 + i);
		vpn = rnd_below(&r, NR);
		expect(bytes_are(m + vpn * PAGE, model + vpn * PAGE, PAGE, vpn * PAGE), "step %ju",
		       (uintmax_t)i);
	}
	atomic_store(&p.stop, 1);
	pthread_join(thread, NULL);
	need_ok(munmap(p.mem, p.pages * PAGE));
	space_gone(big, big_id);
	scene_end();
}

/* More than the pool has in one call: short or refused, and not for ever. */
static void larger_than_the_pool(void)
{
	u64 pages = 1024, vpn;
	char *big_path, *to_path;
	int big, to;
	u32 big_id;
	ssize_t n;
	u8 *mem, *is;

	pool_use(2 * MIB);
	big_path = file_make("big", pages * PAGE, 3);
	to_path = file_make("to", pages * PAGE, 4);
	to = open(to_path, O_RDWR | O_DIRECT);
	if (to < 0)
		skip("no O_DIRECT here");
	set_wait_ms(500);
	big = space_attach(big_path, O_RDWR);
	big_id = space_id(big);
	mem = map(big, pages * PAGE, RW, MAP_SHARED);
	n = pwrite(to, mem, pages * PAGE, 0);
	diag("a write of twice the pool gave %zd%s%s", n, n < 0 ? ", " : "",
	     n < 0 ? strerror(errno) : "");
	expect(n > 0 || (n < 0 && (errno == EFAULT || errno == ENOMEM)), "%zd", n);
	is = file_load(to_path, &vpn);
	for (vpn = 0; n > 0 && vpn < n / PAGE; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, 3), "what was written");
	/* And the pool is as it was. */
	set_wait_ms(10000);
	for (vpn = 0; vpn < pages; vpn++)
		expect(page_is(mem + vpn * PAGE, vpn, 3), "afterwards");
	need_ok(munmap(mem, pages * PAGE));
	space_gone(big, big_id);
}

/* Two processes that take turns. */
static int up[2], down[2];

static void give(int to)
{
	need(write(to, "x", 1) == 1, "the other side is gone");
}

static void take(int from)
{
	char c;

	need(read(from, &c, 1) == 1, "the other side is gone");
}

static void idle_child(void *arg)
{
	(void)arg;
	need_ok(ptrace(PTRACE_TRACEME, 0, 0, 0));
	give(up[1]);
	take(down[0]);
}

static pid_t idle_start(void)
{
	pid_t pid;

	need_ok(pipe(up));
	need_ok(pipe(down));
	pid = child_start(idle_child, NULL);
	take(up[0]);
	return pid;
}

static void vm_readv(void)
{
	struct iovec local, remote;
	u8 *buf = aligned_alloc(PAGE, NR * PAGE);
	u64 round, vpn;
	pid_t pid;

	begin();
	pid = idle_start();
	for (round = 0; round < 3; round++) {
		if (round != 1)
			make_absent(fd, m, NR * PAGE);
		local = (struct iovec){ buf, NR * PAGE - 200 };
		remote = (struct iovec){ m + 100, NR * PAGE - 200 };
		expect(process_vm_readv(pid, &local, 1, &remote, 1, 0) == NR * PAGE - 200,
		       "readv: %s", strerror(errno));
		expect(bytes_are(buf, model + 100, NR * PAGE - 200, 100), "what was read");
		make_absent(fd, m, NR * PAGE);
		for (vpn = 0; vpn < NR; vpn++)
			page_fill(buf + vpn * PAGE, vpn, 5 + round);
		local = (struct iovec){ buf + 300, 50 * PAGE };
		remote = (struct iovec){ m + 20 * PAGE + 300, 50 * PAGE };
		expect(process_vm_writev(pid, &local, 1, &remote, 1, 0) == 50 * PAGE, "writev: %s",
		       strerror(errno));
		memcpy(model + 20 * PAGE + 300, buf + 300, 50 * PAGE);
	}
	/* From the mapping of one into the same mapping of another. */
	make_absent(fd, m, NR * PAGE);
	local = (struct iovec){ m, 10 * PAGE };
	remote = (struct iovec){ m + 100 * PAGE, 10 * PAGE };
	expect(process_vm_readv(pid, &local, 1, &remote, 1, 0) == 10 * PAGE, "within: %s",
	       strerror(errno));
	memcpy(model, model + 100 * PAGE, 10 * PAGE);
	give(down[1]);
	child_join(pid);
	scene_end();
}

/* A debugger looks at pages that are not there. */
static void ptrace_absent(void)
{
	u64 vpn;
	int status;
	pid_t pid;
	long word;

	begin();
	pid = idle_start();
	need_ok(kill(pid, SIGSTOP));
	need_ok(waitpid(pid, &status, 0));
	need(WIFSTOPPED(status), "status %#x", status);
	for (vpn = 0; vpn < NR; vpn += 5) {
		make_absent(fd, m, NR * PAGE);
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, m + vpn * PAGE + 64, 0);
		expect(!errno, "peek at page %ju: %s", (uintmax_t)vpn, strerror(errno));
		expect(!memcmp(&word, model + vpn * PAGE + 64, sizeof(word)), "page %ju reads %#lx",
		       (uintmax_t)vpn, word);
		make_absent(fd, m, NR * PAGE);
		word = ~word;
		expect(!ptrace(PTRACE_POKEDATA, pid, m + vpn * PAGE + 72, word),
		       "poke at page %ju: %s", (uintmax_t)vpn, strerror(errno));
		memcpy(model + vpn * PAGE + 72, &word, sizeof(word));
		/* Across two pages, the second of which may be absent still. */
		errno = 0;
		if (vpn + 1 < NR) {
			word = ptrace(PTRACE_PEEKDATA, pid, m + (vpn + 1) * PAGE - 3, 0);
			expect(!errno && !memcmp(&word, model + (vpn + 1) * PAGE - 3, sizeof(word)),
			       "across pages at %ju", (uintmax_t)vpn);
		}
	}
	errno = 0;
	ptrace(PTRACE_PEEKDATA, pid, m + NR * PAGE, 0);
	need_ok(ptrace(PTRACE_DETACH, pid, 0, 0));
	give(down[1]);
	child_join(pid);
	scene_end();
}

static void proc_mem_absent(void)
{
	u8 *buf = aligned_alloc(PAGE, NR * PAGE);
	char name[64];
	u64 vpn;
	pid_t pid;
	int mem;

	begin();
	pid = idle_start();
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	mem = need_ok(open(name, O_RDWR));
	make_absent(fd, m, NR * PAGE);
	expect(pread(mem, buf, NR * PAGE, (uintptr_t)m) == NR * PAGE, "read of all: %s",
	       strerror(errno));
	expect(bytes_are(buf, model, NR * PAGE, 0), "what was read");
	for (vpn = 0; vpn < NR; vpn += 7) {
		make_absent(fd, m, NR * PAGE);
		page_fill(buf, vpn, 9);
		expect(pwrite(mem, buf, PAGE - 100, (uintptr_t)m + vpn * PAGE + 50) == PAGE - 100,
		       "write to page %ju: %s", (uintmax_t)vpn, strerror(errno));
		memcpy(model + vpn * PAGE + 50, buf, PAGE - 100);
		make_absent(fd, m, NR * PAGE);
		expect(pread(mem, buf, PAGE, (uintptr_t)m + vpn * PAGE) == PAGE,
		       "read of page %ju: %s", (uintmax_t)vpn, strerror(errno));
		expect(bytes_are(buf, model + vpn * PAGE, PAGE, vpn * PAGE), "what was read");
	}
	need_ok(close(mem));
	give(down[1]);
	child_join(pid);
	scene_end();
}

/* Pages in a pipe are held: they stay, they keep their bytes, and EVICT says so. */
static void held_by_a_pipe(void)
{
	u8 *buf = malloc(16 * PAGE);
	struct framepool_range range;
	struct iovec iov;
	int p[2];
	u64 i;

	begin();
	need_ok(pipe(p));
	store(10, 5);
	iov = (struct iovec){ m + 8 * PAGE, 8 * PAGE };
	need(vmsplice(p[1], &iov, 1, 0) == 8 * PAGE, "vmsplice: %s", strerror(errno));
	if (!plain) {
		need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &range));
		expect(range.held == 8, "%ju held", (uintmax_t)range.held);
		expect(resident_pages(fd, 8 * PAGE, 8 * PAGE, buf) == 8, "held pages left");
	}
	squeeze(4 * MIB);
	if (!plain)
		expect(resident_pages(fd, 8 * PAGE, 8 * PAGE, buf) == 8,
		       "held pages left under pressure");
	/* Stores after the splice go to the page that the pipe has. */
	store(12, 6);
	for (i = 0; i < 8; i++) {
		need(read(p[0], buf, PAGE) == PAGE, "pipe");
		expect(bytes_are(buf, model + (8 + i) * PAGE, PAGE, (8 + i) * PAGE),
		       "page %ju of the pipe", (uintmax_t)i);
	}
	make_absent(fd, m, NR * PAGE);
	scene_end();
}

/* A held frame outlives mapping and descriptor, and keeps the space; then all goes. */
static void held_after_the_end(void)
{
	u8 *buf = malloc(4 * PAGE);
	struct iovec iov;
	int p[2];
	u64 i;

	begin();
	need_ok(pipe(p));
	for (i = 0; i < 4; i++)
		store(i, 5);
	iov = (struct iovec){ m, 4 * PAGE };
	need(vmsplice(p[1], &iov, 1, 0) == 4 * PAGE, "vmsplice: %s", strerror(errno));
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	squeeze(4 * MIB);
	for (i = 0; i < 4; i++) {
		need(read(p[0], buf, PAGE) == PAGE, "pipe");
		expect(page_is(buf, i, 5), "from the pipe");
	}
	space_gone(-1, id);
	expect_file(path, model, NR * PAGE);
}

/* Who could not go was left for later, came back and can go now: he goes now, and not when later comes. */
static void held_and_back(void)
{
	u64 best = UINT64_MAX, start;
	u8 *buf = malloc(PAGE);
	struct iovec iov;
	int p[2], i;

	begin();
	need_ok(pipe(p));
	for (i = 0; i < 5; i++) {
		store(i, 5);
		iov = (struct iovec){ m + i * PAGE, PAGE };
		need(vmsplice(p[1], &iov, 1, 0) == PAGE, "vmsplice: %s", strerror(errno));
		need_ok(munmap(m, NR * PAGE));
		need_ok(close(fd));
		fd = space_attach(path, O_RDWR);
		expect(space_id(fd) == id, "another space of the same file");
		need(read(p[0], buf, PAGE) == PAGE, "pipe");
		start = now_ms();
		space_gone(fd, id);
		best = now_ms() - start < best ? now_ms() - start : best;
		fd = space_attach(path, O_RDWR);
		id = space_id(fd);
		m = map(fd, NR * PAGE, RW, MAP_SHARED);
	}
	expect(best < 500, "%ju ms", (uintmax_t)best);
	scene_end();
}

/* A named space with a held frame cannot be detached, and can when the frame is let go. */
static void held_and_detached(void)
{
	u8 *buf = malloc(PAGE);
	struct iovec iov;
	int p[2];

	begin();
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	space_name(path, "t.held", O_RDWR);
	fd = need_ok(node_open("t.held", O_RDWR));
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	need_ok(pipe(p));
	store(3, 5);
	iov = (struct iovec){ m + 3 * PAGE, PAGE };
	need(vmsplice(p[1], &iov, 1, 0) == PAGE, "vmsplice: %s", strerror(errno));
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	set_wait_ms(300);
	expect_errno(detach("t.held"), EBUSY);
	set_wait_ms(10000);
	fd = need_ok(node_open("t.held", O_RDWR));
	need_ok(close(fd));
	need(read(p[0], buf, PAGE) == PAGE, "pipe");
	expect(page_is(buf, 3, 5), "from the pipe");
	need_ok(detach("t.held"));
	expect_file(path, model, NR * PAGE);
}

/*
 * A futex word in the mapping is found by its page: wake across two mappings, whatever is evicted.
 */
static void futex_child(void *arg)
{
	u32 *word = (u32 *)(m + 5 * PAGE);

	(void)arg;
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == 1)
		syscall(SYS_futex, word, FUTEX_WAIT, 1, NULL, NULL, 0);
	expect(__atomic_load_n(word, __ATOMIC_ACQUIRE) == 2, "word %u", *word);
	__atomic_store_n(word, 3, __ATOMIC_RELEASE);
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futexes(void)
{
	u32 *word, value;
	u8 *alias;
	pid_t pid;
	u64 i;

	begin();
	alias = map(fd, NR * PAGE, RW, MAP_SHARED);
	word = (u32 *)(alias + 5 * PAGE);
	for (i = 0; i < scaled(20); i++) {
		__atomic_store_n(word, 1, __ATOMIC_RELEASE);
		pid = child_start(futex_child, NULL);
		expect(task_waits(pid, pid, 20000), "the child does not wait");
		make_absent(fd, m, NR * PAGE);
		__atomic_store_n(word, 2, __ATOMIC_RELEASE);
		need(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) >= 0, "wake: %s",
		     strerror(errno));
		child_join(pid);
		value = __atomic_load_n(word, __ATOMIC_ACQUIRE);
		expect(value == 3, "word %u", value);
	}
	memcpy(model + 5 * PAGE, word, sizeof(*word));
	need_ok(munmap(alias, NR * PAGE));
	scene_end();
}

static bool set_text(const char *file, const char *text)
{
	int f = open(file, O_WRONLY);
	bool done = f >= 0 && write(f, text, strlen(text)) == (ssize_t)strlen(text);

	if (f >= 0)
		close(f);
	return done;
}

static void dumping_child(void *arg)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)arg;
	need_ok(setrlimit(RLIMIT_CORE, &all));
	need(set_text("/proc/self/coredump_filter", "0x3f"), "coredump_filter: %s",
	     strerror(errno));
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* A core dump of absent, resident and dirty pages has their bytes. */
static void core_dump(void)
{
	char before[256] = "", *name = file_path("core");
	u64 bytes, vpn, at = 0, found = 0;
	int status, f;
	pid_t pid;
	u8 *core;

	begin();
	f = open("/proc/sys/kernel/core_pattern", O_RDONLY);
	if (f < 0 || read(f, before, sizeof(before) - 1) <= 0 ||
	    !set_text("/proc/sys/kernel/core_pattern", name))
		skip("no core dumps here");
	for (vpn = 0; vpn < NR; vpn += 3)
		store(vpn, 6);
	make_absent(fd, m, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn += 4)
		store(vpn, 7);
	pid = child_start(dumping_child, NULL);
	need_ok(waitpid(pid, &status, 0));
	set_text("/proc/sys/kernel/core_pattern", before);
	need(WIFSIGNALED(status) && WCOREDUMP(status), "status %#x: no core", status);
	core = file_load(name, &bytes);
	/* The mapping is in one piece somewhere. */
	for (at = 0; at + NR * PAGE <= bytes && !found; at += 8)
		if (!memcmp(core + at, model, 64))
			found = !memcmp(core + at, model, NR * PAGE);
	expect(found, "the mapping is not in the core of %ju bytes", (uintmax_t)bytes);
	scene_end();
}

static const struct test tests[] = {
	{ "O_DIRECT write from the mapping", direct_write, 0 },
	{ "O_DIRECT read into the mapping", direct_read, 0 },
	{ "O_DIRECT reads and stores in turns", direct_read_and_stores, 0 },
	{ "O_DIRECT reads while the pool evicts", direct_read_under_pressure, 0 },
	{ "O_DIRECT of more than the pool", larger_than_the_pool, 0 },
	{ "process_vm_readv and writev", vm_readv, 0 },
	{ "ptrace at absent pages", ptrace_absent, 0 },
	{ "/proc/PID/mem at absent pages", proc_mem_absent, 0 },
	{ "pages held by a pipe", held_by_a_pipe, 0 },
	{ "a held frame outlives mapping and descriptor", held_after_the_end, 0 },
	{ "a held frame, and back again", held_and_back, T_DEVICE },
	{ "a held frame and detach", held_and_detached, T_DEVICE },
	{ "futexes across mappings", futexes, 0 },
	{ "core dump", core_dump, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
