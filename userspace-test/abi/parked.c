// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user who keeps the lock of his backing file: his write() to it takes its bytes from a page that
 * userfaultfd brings when he likes, and until then the file system (ext4 in the VM) holds the inode's.
 *
 * Whatever of the pool's waits for that lock is of his space, and no other space waits for it.
 */
#include "park.h"

#include <poll.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>

#define NR	512UL			/* pages of a file */
#define RW	(PROT_READ | PROT_WRITE)
#define SOON	10			/* seconds in which others get what they want */

struct side {
	char *path;
	u8 *m;
	int fd;
	u32 id;
};

static struct side his, other;

static void open_side(struct side *s)
{
	s->fd = space_attach(s->path, O_RDWR);
	s->id = space_id(s->fd);
	s->m = map(s->fd, NR * PAGE, RW, MAP_SHARED);
	make_absent(s->fd, s->m, NR * PAGE);
}

/* On a file system of which every read has to be done by a worker. */
static char *file_on_tmpfs(void)
{
	char where[DIR_SIZE], *path;

	if (!fs_mount("tmpfs", where, sizeof(where)))
		skip("no tmpfs");
	need(asprintf(&path, "%s/file", where) > 0, "no memory");
	return file_make(path, NR * PAGE, 1);
}

/* All pages of @is are of @version. */
static void expect_all(const u8 *is, u64 version, const char *whose)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, version), "%s", whose);
}

static void close_side(struct side *s, u64 version)
{
	u64 bytes;
	u8 *is;

	expect_all(s->m, version, s->path);
	need_ok(munmap(s->m, NR * PAGE));
	space_gone(s->fd, s->id);
	is = file_load(s->path, &bytes);
	expect_all(is, version, s->path);
	free(is);
}

/* ---- the lock ---- */

static struct park writer;

static long write_to_file(struct park *p)
{
	return write(p->fd, p->page, PAGE);
}

/* From here on he has the lock of his file. */
static void keep_lock(void)
{
	park_begin(&writer, write_to_file, need_ok(open(his.path, O_WRONLY | O_CLOEXEC)));
}

/* What he writes at last is the first page of the file, as of @version. */
static void let_go(u64 version)
{
	u8 page[PAGE];

	page_fill(page, 0, version);
	park_end_with(&writer, page);
	expect(writer.ret == (long)PAGE, "write gave %ld", writer.ret);
	need_ok(close(writer.fd));
}

/* ---- fills ---- */

static void touching_child(void *unused)
{
	(void)unused;
	alarm(SOON * scale);
	expect_all(other.m, 1, "the other space");
}

/* Reads that have to wait for his lock leave workers to those that only have to be done by one. */
static void fills(void)
{
	attach_block = FRAMEPOOL_BLOCK_1;
	his.path = file_make("his", NR * PAGE, 1);
	other.path = file_on_tmpfs();
	pool_use(8 * MIB);
	open_side(&his);
	open_side(&other);
	keep_lock();
	need_ok(madvise(his.m, NR * PAGE, MADV_WILLNEED));
	child_join(child_start(touching_child, NULL));
	expect(!resident_pages(his.fd, 0, 0, (u8[NR / 8]){}), "nobody has waited for his lock");
	let_go(1);
	close_side(&his, 1);
	close_side(&other, 1);
}

/* ---- write-back ---- */

/* More than loads of the laundry may be with workers; a load of dirty pages for each. */
#define KEEPERS		12
#define KEPT_PAGES	64UL
#define KEPT_BYTES	(KEPT_PAGES * PAGE)

struct keeper {
	struct side s;
	struct park writer;
};

static struct keeper keeper[KEEPERS];

static void store_all(u8 *m, u64 pages, u64 version)
{
	u64 vpn;

	for (vpn = 0; vpn < pages; vpn++)
		page_fill(m + vpn * PAGE, vpn, version);
}

/* All of his file is a hole, for which ext4 wants the lock; then he keeps that. */
static void begin_to_keep(struct keeper *k, unsigned int i)
{
	char name[16];

	snprintf(name, sizeof(name), "keeper-%u", i);
	k->s.path = file_make(name, KEPT_BYTES, 1);
	need_ok(truncate(k->s.path, 0));
	need_ok(truncate(k->s.path, KEPT_BYTES));
	k->s.fd = space_attach(k->s.path, O_RDWR);
	k->s.id = space_id(k->s.fd);
	k->s.m = map(k->s.fd, KEPT_BYTES, RW, MAP_SHARED);
	store_all(k->s.m, KEPT_PAGES, 2);
	park_begin(&k->writer, write_to_file, need_ok(open(k->s.path, O_WRONLY | O_CLOEXEC)));
}

static void end_to_keep(struct keeper *k)
{
	u64 bytes, vpn;
	u8 page[PAGE], *is;

	page_fill(page, 0, 2);
	park_end_with(&k->writer, page);
	need_ok(close(k->writer.fd));
	need_ok(munmap(k->s.m, KEPT_BYTES));
	space_gone(k->s.fd, k->s.id);
	is = file_load(k->s.path, &bytes);
	expect(bytes == KEPT_BYTES, "%s has %llu bytes", k->s.path, (unsigned long long)bytes);
	for (vpn = 0; vpn < KEPT_PAGES; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, 2), "%s", k->s.path);
	free(is);
}

static void storing_child(void *unused)
{
	(void)unused;
	alarm(6 * SOON * scale);
	store_all(other.m, NR, 2);
	store_all(other.m, NR, 3);
}

/* Their writes wait for locks that they keep; what others have stored is written all the same. */
static void writes(void)
{
	unsigned int i;

	attach_block = FRAMEPOOL_BLOCK_1;
	other.path = file_make("other", NR * PAGE, 1);
	pool_use(4 * MIB);
	for (i = 0; i < KEEPERS; i++)
		begin_to_keep(&keeper[i], i);
	open_side(&other);
	child_join(child_start(storing_child, NULL));
	for (i = 0; i < KEEPERS; i++)
		end_to_keep(&keeper[i]);
	close_side(&other, 3);
}

/* ---- closes of a kernel thread ---- */

static int ready[2], go[2], end_of_b[2];

/* When the process ends, a kernel thread of io_uring's closes the file. */
static void leave_to_ring(int file)
{
	struct io_uring_params p = { 0 };
	int ring = need_ok(syscall(SYS_io_uring_setup, 4, &p));

	need_ok(syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &file, 1));
	need_ok(close(file));
}

static void leave_space(void *unused)
{
	int fd = space_attach(his.path, O_RDWR);
	u8 page[PAGE];

	(void)unused;
	page_fill(page, 5, 2);
	need(pwrite(fd, page, PAGE, 5 * PAGE) == (ssize_t)PAGE, "pwrite: %s", strerror(errno));
	need(write(ready[1], "", 1) == 1 && read(go[0], page, 1) == 1, "the pipes");
	leave_to_ring(fd);
}

static void leave_pipe(void *unused)
{
	(void)unused;
	leave_to_ring(end_of_b[1]);
}

/* Nobody has the only space, for which there is still something to do. */
static bool is_left(void *unused)
{
	struct framepool_space s = { 0 };

	(void)unused;
	return space_next(&s) && !s.opens;
}

/*
 * What kernel threads let go is closed for all by one work, a file after the other: a space whose
 * last close has to write to his file is not waited for there.
 */
static void left_to_ring(void)
{
	struct io_uring_params params = { 0 };
	struct pollfd closed = { .events = POLLIN };
	pid_t a;
	int ring = syscall(SYS_io_uring_setup, 4, &params);
	u8 *is, byte;
	u64 bytes;

	if (ring < 0)
		skip("no io_uring: %s", strerror(errno));
	need_ok(close(ring));
	his.path = file_make("his", NR * PAGE, 1);
	pool_use(8 * MIB);
	need_ok(pipe2(ready, O_CLOEXEC));
	need_ok(pipe2(go, O_CLOEXEC));
	a = child_start(leave_space, NULL);
	need(read(ready[0], &byte, 1) == 1, "the first child");
	keep_lock();
	need(write(go[1], "", 1) == 1, "the first child");
	child_join(a);
	need(wait_until(is_left, NULL, 20000), "nobody has closed it");
	need_ok(pipe2(end_of_b, O_CLOEXEC));
	child_join(child_start(leave_pipe, NULL));
	need_ok(close(end_of_b[1]));
	closed.fd = end_of_b[0];
	expect(poll(&closed, 1, SOON * scale * 1000) == 1 && closed.revents & POLLHUP,
	       "another one's file is not closed");
	let_go(1);
	need(wait_until(no_spaces, NULL, 20000), "the space is still there");
	is = file_load(his.path, &bytes);
	expect(page_is(is + 5 * PAGE, 5, 2) && page_is(is, 0, 1), "what was stored");
	free(is);
}

static const struct test tests[] = {
	{ "fills of others", fills, T_DEVICE },
	{ "write-back of others", writes, T_DEVICE },
	{ "a space that a kernel thread closes", left_to_ring, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
