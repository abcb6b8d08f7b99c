// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user who keeps the lock of his backing file: his write() to it takes its bytes from a page that
 * userfaultfd brings when he likes, and until then the file system (ext4 in the VM) holds the inode's.
 *
 * Whatever of the pool's waits for that lock is of his space, and no other space waits for it.
 */
#include "test.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <linux/userfaultfd.h>

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

static int uffd;
static u8 *bait;
static pthread_t parker;
static atomic_int parker_tid;

static void *park_thread(void *unused)
{
	int file = need_ok(open(his.path, O_WRONLY | O_CLOEXEC));

	(void)unused;
	atomic_store(&parker_tid, syscall(SYS_gettid));
	expect(write(file, bait, PAGE) == (ssize_t)PAGE, "write: %s", strerror(errno));
	need_ok(close(file));
	return NULL;
}

/* From here on he has the lock of his file. */
static void park(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		skip("no userfaultfd: %s", strerror(errno));
	need_ok(ioctl(uffd, UFFDIO_API, &api));
	bait = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(bait != MAP_FAILED, "mmap");
	reg.range = (struct uffdio_range){ (uintptr_t)bait, PAGE };
	need_ok(ioctl(uffd, UFFDIO_REGISTER, &reg));
	need(!pthread_create(&parker, NULL, park_thread, NULL), "no thread");
	while (!atomic_load(&parker_tid))
		sched_yield();
	need(task_waits(getpid(), parker_tid, 20000), "his write does not wait");
}

/* What he writes at last is the first page of the file, as of @version. */
static void let_go(u64 version)
{
	u8 *page = aligned_alloc(PAGE, PAGE);
	struct uffdio_copy copy = { .dst = (uintptr_t)bait, .src = (uintptr_t)page, .len = PAGE };

	page_fill(page, 0, version);
	need_ok(ioctl(uffd, UFFDIO_COPY, &copy));
	pthread_join(parker, NULL);
	need_ok(close(uffd));
	free(page);
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
	park();
	need_ok(madvise(his.m, NR * PAGE, MADV_WILLNEED));
	child_join(child_start(touching_child, NULL));
	expect(!resident_pages(his.fd, 0, 0, (u8[NR / 8]){}), "nobody has waited for his lock");
	let_go(1);
	close_side(&his, 1);
	close_side(&other, 1);
}

static const struct test tests[] = {
	{ "fills of others", fills, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
