// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several who use one file: one space, one set of frames, and each no more rights than its own.
 */
#include "test.h"

#include <pthread.h>
#include <sys/socket.h>

#define NR	64UL
#define RW	(PROT_READ | PROT_WRITE)

static char *path;
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

static void begin(void)
{
	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 1);
	need_ok(pipe(up));
	need_ok(pipe(down));
}

static void all_are(const u8 *m, u64 version, const char *who)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, version), "%s", who);
}

static void all_store(u8 *m, u64 version)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++)
		page_fill(m + vpn * PAGE, vpn, version);
}

/* The same file opened again is the same space with the same frames. */
static void one_space(void)
{
	struct framepool_space a, b;
	char *linked = file_path("linked");
	int one, two, three;
	u8 *m;

	begin();
	need_ok(link(path, linked));
	one = space_attach(path, O_RDWR);
	m = map(one, NR * PAGE, RW, MAP_SHARED);
	all_store(m, 2);
	two = space_attach(linked, O_RDWR);
	three = space_attach(path, O_RDONLY);
	space_info(one, &a);
	space_info(two, &b);
	expect(a.space == b.space && a.space == space_id(three), "spaces %u, %u, %u", a.space,
	       b.space, space_id(three));
	expect(b.resident == NR && b.fills == NR, "%ju resident, %ju fills", (uintmax_t)b.resident,
	       (uintmax_t)b.fills);
	all_are(map(two, NR * PAGE, PROT_READ, MAP_SHARED), 2, "by the other name");
	all_are(map(three, NR * PAGE, PROT_READ, MAP_SHARED), 2, "by a third");
	space_info(one, &b);
	expect(b.fills == NR, "%ju fills for one file of %lu pages", (uintmax_t)b.fills, NR);
	expect(b.opens == 3, "%u opens", b.opens);
	need_ok(close(three));
	need_ok(close(two));
	expect(space_listed(a.space), "the first one went too");
}

static void reader(void *arg)
{
	u64 version;
	u8 *m;
	int ro;

	(void)arg;
	ro = space_attach(path, O_RDONLY);
	expect(mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0) == MAP_FAILED && errno == EACCES,
	       "a writable mapping of a read-only attachment: %s", strerror(errno));
	m = map(ro, NR * PAGE, PROT_READ, MAP_SHARED);
	expect_errno(mprotect(m, NR * PAGE, RW), EACCES);
	expect_errno(mprotect(m + 3 * PAGE, PAGE, PROT_WRITE), EACCES);
	expect_errno(write(ro, "x", 1), EBADF);
	for (version = 2; version < 8; version++) {
		give(up[1]);
		take(down[0]);
		all_are(m, version, "reader");
	}
}

/* One writes, one may only read and sees it all. */
static void writer_and_reader(void)
{
	u64 version;
	pid_t pid;
	u8 *m;
	int rw;
	u32 id;

	begin();
	rw = space_attach(path, O_RDWR);
	id = space_id(rw);
	m = map(rw, NR * PAGE, RW, MAP_SHARED);
	pid = child_start(reader, NULL);
	for (version = 2; version < 8; version++) {
		take(up[0]);
		all_store(m, version);
		if (version & 1)
			make_absent(rw, m, NR * PAGE);
		give(down[1]);
	}
	child_join(pid);
	need_ok(munmap(m, NR * PAGE));
	space_gone(rw, id);
	m = file_load(path, &version);
	all_are(m, 7, "in the file");
}

/* The reader came first: who comes later with more rights gets them, for himself alone. */
static void reader_first(void)
{
	int ro, rw;
	u8 *r, *w;
	u64 bytes;
	u32 id;

	begin();
	ro = space_attach(path, O_RDONLY);
	id = space_id(ro);
	r = map(ro, NR * PAGE, PROT_READ, MAP_SHARED);
	all_are(r, 1, "reader");
	rw = space_attach(path, O_RDWR);
	expect(space_id(rw) == id, "two spaces for one file");
	w = map(rw, NR * PAGE, RW, MAP_SHARED);
	all_store(w, 2);
	all_are(r, 2, "reader");
	expect_errno(mprotect(r, NR * PAGE, RW), EACCES);
	make_absent(rw, w, NR * PAGE);
	all_are(r, 2, "reader");
	/* The writer leaves dirty pages behind; the reader stays, evicts and syncs. */
	all_store(w, 3);
	need_ok(munmap(w, NR * PAGE));
	need_ok(close(rw));
	all_are(r, 3, "reader after the writer left");
	squeeze(4 * MIB);
	all_are(r, 3, "reader after the writer's pages were written");
	need_ok(munmap(r, NR * PAGE));
	space_gone(ro, id);
	all_are(file_load(path, &bytes), 3, "in the file");
}

/* One file, two pools: refused, there would be two truths. */
static void two_pools(void)
{
	struct framepool_attach a;
	struct framepool_space s;
	int fd, other, file;
	u8 *m;

	begin();
	fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	all_store(m, 2);
	file = need_ok(open(path, O_RDWR));
	attach_init(&a, file);
	memset(a.pool, 0, sizeof(a.pool));		/* the default one */
	expect_errno(attach(&a), EBUSY);
	all_are(m, 2, "after the refusal");
	space_info(fd, &s);
	expect(!strcmp(s.pool, pool), "in pool '%s'", s.pool);
	/* When the first is through the second may. */
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, s.space);
	need_ok(attach(&a));
	other = a.space_fd;
	all_are(map(other, NR * PAGE, PROT_READ, MAP_SHARED), 2, "in the other pool");
}

static void send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	need_ok(sendmsg(socket, &msg, 0));
}

static int receive_fd(int socket)
{
	char control[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	int fd = -1;

	need_ok(recvmsg(socket, &msg, 0));
	need(CMSG_FIRSTHDR(&msg), "no descriptor came");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void receiver(void *arg)
{
	int *socket = arg, fd;
	u8 *m;

	need_ok(close(socket[0]));
	become(1234, 1234);
	fd = receive_fd(socket[1]);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	all_are(m, 2, "receiver");
	all_store(m, 3);
}

/* A descriptor that travels takes its rights along, to another user too, and keeps the space. */
static void passed_on(void)
{
	int socket[2], fd;
	u64 bytes;
	pid_t pid;
	u32 id;
	u8 *m;

	begin();
	need_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, socket));
	pid = child_start(receiver, socket);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	all_store(m, 2);
	send_fd(socket[0], fd);
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	child_join(pid);
	space_gone(-1, id);
	all_are(file_load(path, &bytes), 3, "in the file");
}

struct guarded {
	pthread_mutex_t mutex;
	u64 count;
};

static void counting_child(void *arg)
{
	struct guarded *g = arg;
	u64 i;

	for (i = 0; i < scaled(4000); i++) {
		pthread_mutex_lock(&g->mutex);
		g->count++;
		pthread_mutex_unlock(&g->mutex);
	}
}

/* A mutex that lives in the mapping, as programs with shared memory have it, while pages come and
 * go. */
static void mutex(void)
{
	pthread_mutexattr_t attr;
	struct guarded *g;
	pid_t pid[3];
	int fd, i;
	u8 *m;

	begin();
	fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	g = (struct guarded *)(m + 9 * PAGE);
	memset(g, 0, sizeof(*g));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	need(!pthread_mutex_init(&g->mutex, &attr), "mutex");
	for (i = 0; i < 3; i++)
		pid[i] = child_start(counting_child, g);
	squeeze(4 * MIB);
	for (i = 0; i < 3; i++)
		child_join(pid[i]);
	expect(g->count == 3 * scaled(4000), "counted %ju", (uintmax_t)g->count);
}

static void ponging_child(void *arg)
{
	atomic_ulong *ball = arg;
	u64 i;

	for (i = 0; i < scaled(2000); i++) {
		while (atomic_load(ball) != 2 * i + 1)
			sched_yield();
		atomic_store(ball, 2 * i + 2);
	}
}

static void squeezing_child(void *arg)
{
	(void)arg;
	squeeze(4 * MIB);
}

/* A ball that two processes throw through one word of the mapping, each with its own attachment. */
static void ping_pong(void)
{
	atomic_ulong *ball;
	int one, two;
	u8 *a, *b;
	pid_t pid, squeezing;
	u64 i;

	begin();
	one = space_attach(path, O_RDWR);
	two = space_attach(path, O_RDWR);
	a = map(one, NR * PAGE, RW, MAP_SHARED);
	b = map(two, NR * PAGE, RW, MAP_SHARED);
	ball = (atomic_ulong *)(a + 3 * PAGE);
	atomic_store(ball, 0);
	pid = child_start(ponging_child, b + 3 * PAGE);
	squeezing = child_start(squeezing_child, NULL);
	for (i = 0; i < scaled(2000); i++) {
		atomic_store(ball, 2 * i + 1);
		while (atomic_load(ball) != 2 * i + 2)
			sched_yield();
	}
	child_join(pid);
	child_join(squeezing);
}

static const struct test tests[] = {
	{ "one file, one space", one_space, T_DEVICE },
	{ "one writes, one may only read", writer_and_reader, 0 },
	{ "the reader came first", reader_first, 0 },
	{ "one file, two pools: EBUSY", two_pools, T_DEVICE },
	{ "a descriptor that was passed on", passed_on, 0 },
	{ "a mutex in the mapping", mutex, 0 },
	{ "ping-pong", ping_pong, 0 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
