// SPDX-License-Identifier: GPL-2.0-only
/* The direct path: who gets it, what it keeps others from, and that the bytes are the file's. */
#include "park.h"

#include <sys/mount.h>
#include <sys/swap.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>

#define PMEM	"/dev/pmem0"
#define RW	(PROT_READ | PROT_WRITE)
#define NR	2000ull
#define LAST	48ull		/* page of the scattered file */

static char *path;
static u8 *m;
static int fd;
static u32 id;

static bool has_path(void)
{
	struct framepool_space s;

	space_info(fd, &s);
	return s.state & FRAMEPOOL_SPACE_DIRECT_PATH;
}

static void attach_direct(u64 bytes)
{
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, PAGES(bytes) * PAGE, RW, MAP_SHARED);
}

static void leave(u64 bytes)
{
	need_ok(munmap(m, PAGES(bytes) * PAGE));
	space_gone(fd, id);
}

/* Stores, evictions and syncs; the file has them, and so has who reads it without the pool. */
static void bytes_arrive(void)
{
	u8 *model = model_make(NR * PAGE, 1);
	struct stat before, after;
	struct rnd r;
	u64 i, vpn;

	rnd_init(&r, 1);
	pool_use(4 * MIB);
	path = file_make("file", NR * PAGE, 1);
	need_ok(stat(path, &before));
	attach_direct(NR * PAGE);
	expect(has_path(), "no direct path to a file without holes");
	for (i = 0; i < scaled(2 * NR); i++) {
		vpn = rnd_below(&r, NR);
		expect(bytes_are(m + vpn * PAGE, model + vpn * PAGE, PAGE, vpn * PAGE), "a page");
		page_fill(m + vpn * PAGE, vpn, 2 + i);
		memcpy(model + vpn * PAGE, m + vpn * PAGE, PAGE);
		if (!(i % 1000))
			need_ok(msync(m, NR * PAGE, MS_SYNC));
	}
	need_ok(fsync(fd));
	expect_file(path, model, NR * PAGE);
	need_ok(stat(path, &after));
	expect(after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
	       after.st_mtim.tv_nsec != before.st_mtim.tv_nsec, "the time of change stands still");
	for (vpn = 0; vpn < NR; vpn += 7) {
		page_fill(m + vpn * PAGE, vpn, 5000);
		memcpy(model + vpn * PAGE, m + vpn * PAGE, PAGE);
	}
	leave(NR * PAGE);
	expect_file(path, model, NR * PAGE);
}

/* What moves blocks, or writes to them behind the pool, is refused, and works again afterwards. */
static void others_wait(void)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = 5 * PAGE };
	int file;

	pool_use(2 * MIB);
	path = file_make("file", 100 * PAGE, 1);
	attach_direct(100 * PAGE);
	need(has_path(), "no direct path");
	file = need_ok(open(path, O_RDWR));
	expect_errno(pwrite(file, "x", 1, 0), ETXTBSY);
	expect_errno(ftruncate(file, PAGE), ETXTBSY);
	expect_errno(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), ETXTBSY);
	expect_errno(unlink(path), EPERM);
	expect_errno(ioctl(fd, FRAMEPOOL_RESIZE, &r), ETXTBSY);
	/* Nor more: what it grew by would be nowhere. */
	r.bytes = 200 * PAGE;
	expect_errno(ioctl(fd, FRAMEPOOL_RESIZE, &r), ETXTBSY);
	expect(file_size(path) == 100 * PAGE, "the file has %ju bytes", (uintmax_t)file_size(path));
	expect(page_is(m, 0, 1) && page_is(m + 99 * PAGE, 99, 1), "something was changed");
	leave(100 * PAGE);
	need_ok(ftruncate(file, 50 * PAGE));
	expect(pwrite(file, "x", 1, 0) == 1, "the file cannot be written to afterwards");
	need_ok(unlink(path));
}

static bool reads_as(int file, u64 vpn, u64 version)
{
	u8 *page = aligned_alloc(PAGE, PAGE);

	need(pread(file, page, PAGE, vpn * PAGE) == PAGE, "pread: %s", strerror(errno));
	return page_is(page, vpn, version);
}

/* Who reads the file through the page cache gets what was there at the attach no more. */
static void cached_readers(void)
{
	int file;
	u64 vpn;

	pool_use(2 * MIB);
	path = file_make("file", 100 * PAGE, 1);
	file = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	for (vpn = 0; vpn < 100; vpn++)
		need(reads_as(file, vpn, 1), "before");
	attach_direct(100 * PAGE);
	need(has_path(), "no direct path");
	for (vpn = 0; vpn < 100; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	need_ok(msync(m, 100 * PAGE, MS_SYNC));
	for (vpn = 0; vpn < 100; vpn++)
		expect(reads_as(file, vpn, 2), "cached before the attach");
	for (vpn = 0; vpn < 100; vpn++)
		page_fill(m + vpn * PAGE, vpn, 3);
	leave(100 * PAGE);
	for (vpn = 0; vpn < 100; vpn++)
		expect(reads_as(file, vpn, 3), "cached before the detach");
	need_ok(close(file));
}

static u64 wrong_pages(const u8 *mapped, u64 version)
{
	u64 vpn, wrong = 0;

	for (vpn = 0; vpn < 100; vpn++)
		wrong += !page_holds(mapped + vpn * PAGE, vpn, version);
	return wrong;
}

static void store_all(u64 version)
{
	u64 vpn;

	for (vpn = 0; vpn < 100; vpn++)
		page_fill(m + vpn * PAGE, vpn, version);
}

/*
 * Who has mapped the file, or device, without the pool sees what was synced.  In a page that he
 * writes to afterwards there is nothing old.
 */
static void mapped_past_the_pool(void)
{
	u8 *model = model_make(100 * PAGE, 5);
	int file = need_ok(open(path, O_RDWR | O_CLOEXEC));
	u8 *other = map(file, 100 * PAGE, PROT_READ, MAP_SHARED);
	u64 version;

	need(!wrong_pages(other, 1), "before");
	attach_direct(100 * PAGE);
	need(has_path(), "no direct path");
	for (version = 2; version < 5; version++) {
		expect(!wrong_pages(m, version - 1), "by the pool");
		store_all(version);
		need_ok(msync(m, 100 * PAGE, MS_SYNC));
		expect(!wrong_pages(other, version), "%ju of 100 pages are old after sync %ju",
		       (uintmax_t)wrong_pages(other, version), (uintmax_t)version - 1);
	}
	store_all(5);
	leave(100 * PAGE);
	expect(!wrong_pages(other, 5), "%ju of 100 pages are old after the detach",
	       (uintmax_t)wrong_pages(other, 5));
	need(pwrite(file, "x", 1, 50 * PAGE + 100) == 1, "pwrite: %s", strerror(errno));
	model[50 * PAGE + 100] = 'x';
	need_ok(fsync(file));
	need_ok(munmap(other, 100 * PAGE));
	need_ok(close(file));
	attach_direct(100 * PAGE);
	expect(bytes_are(m, model, 100 * PAGE, 0), "written to without the pool");
	leave(100 * PAGE);
}

static void mapped_readers(void)
{
	pool_use(2 * MIB);
	path = file_make("file", 100 * PAGE, 1);
	mapped_past_the_pool();
}

static void mapped_readers_of_device(void)
{
	char dev[64];
	u8 *model = model_make(100 * PAGE, 1);
	int file;

	pool_use(2 * MIB);
	if (!loop_make(100 * PAGE, dev, sizeof(dev)))
		skip("no loop devices");
	path = dev;
	file = need_ok(open(path, O_RDWR | O_CLOEXEC));
	need(pwrite(file, model, 100 * PAGE, 0) == 100 * PAGE && !fsync(file), "%s",
	     strerror(errno));
	mapped_past_the_pool();
	need_ok(close(file));
}

/* Holes, and blocks that were never written, are the file system's: it is used. */
static void fixed_blocks_only(void)
{
	int file, round;

	pool_use(2 * MIB);
	for (round = 0; round < 2; round++) {
		path = file_path(round ? "unwritten" : "holes");
		file = need_ok(open(path, O_RDWR | O_CREAT, 0600));
		need_ok(round ? posix_fallocate(file, 0, 100 * PAGE) :
				ftruncate(file, 100 * PAGE));
		attach_direct(100 * PAGE);
		expect(!has_path(), "a direct path to what is not there");
		expect(bytes_zero(m, 100 * PAGE, 0), "not zeros");
		page_fill(m + 7 * PAGE, 7, 1);
		need_ok(msync(m, 100 * PAGE, MS_SYNC));
		leave(100 * PAGE);
		need_ok(ftruncate(file, 8 * PAGE));
		need_ok(close(file));
	}
}

static char disk[64];		/* what the ext4 is on */

static void mount_on_disk(const char *mkfs, const char *options)
{
	char where[DIR_SIZE];

	ext4_on(disk, mkfs, options, where, sizeof(where));
	strcpy(dir, where);
}

static void mount_ext4(const char *mkfs, const char *options)
{
	if (!loop_make(64 * MIB, disk, sizeof(disk)))
		skip("no loop devices");
	mount_on_disk(mkfs, options);
}

/* Through the file system it works as ever. */
static void not_direct(const char *why)
{
	u8 *model = model_make(100 * PAGE, 1);

	attach_direct(100 * PAGE);
	expect(!has_path(), "a direct path with %s", why);
	page_fill(m + 7 * PAGE, 7, 2);
	memcpy(model + 7 * PAGE, m + 7 * PAGE, PAGE);
	need_ok(msync(m, 100 * PAGE, MS_SYNC));
	leave(100 * PAGE);
	expect_file(path, model, 100 * PAGE);
}

/* After a power cut the journal would put what was there before over what was written past it. */
static void journalled_file(void)
{
	int file, flags;

	/* Where allocation is delayed ext4 does not do what the flag says. */
	mount_ext4("", "nodelalloc");
	pool_use(2 * MIB);
	path = file_make("file", 100 * PAGE, 1);
	attach_direct(100 * PAGE);
	expect(has_path(), "no direct path without it");
	leave(100 * PAGE);
	file = need_ok(open(path, O_RDWR | O_CLOEXEC));
	need_ok(ioctl(file, FS_IOC_GETFLAGS, &flags));
	flags |= FS_JOURNAL_DATA_FL;
	need_ok(ioctl(file, FS_IOC_SETFLAGS, &flags));
	need_ok(close(file));
	not_direct("chattr +j");
}

static void journalled_fs(void)
{
	mount_ext4("", "data=journal");
	pool_use(2 * MIB);
	path = file_make("file", 100 * PAGE, 1);
	not_direct("data=journal");
}

/* What is made in it from now on is encrypted. */
static void encrypt_dir(const char *where)
{
	struct fscrypt_policy_v2 policy = {
		.version = FSCRYPT_POLICY_V2,
		.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
		.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS,
	};
	struct fscrypt_add_key_arg *key = calloc(1, sizeof(*key) + FSCRYPT_MAX_KEY_SIZE);
	int d = need_ok(open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	key->key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
	key->raw_size = FSCRYPT_MAX_KEY_SIZE;
	memset(key->raw, 0x5a, FSCRYPT_MAX_KEY_SIZE);
	if (ioctl(d, FS_IOC_ADD_ENCRYPTION_KEY, key) && errno == EOPNOTSUPP)
		skip("this kernel encrypts no files");
	memcpy(policy.master_key_identifier, key->key_spec.u.identifier,
	       sizeof(policy.master_key_identifier));
	need_ok(ioctl(d, FS_IOC_SET_ENCRYPTION_POLICY, &policy));
	need_ok(close(d));
	free(key);
}

static u64 pages_on_disk(u64 vpn, u64 version)
{
	u64 bytes, i, found = 0;
	u8 *is = file_load(disk, &bytes);

	for (i = 0; i < bytes / PAGE; i++)
		found += page_holds(is + i * PAGE, vpn, version);
	free(is);
	return found;
}

/* Past the file system, plain text would go to the disk, and what is there come as it is. */
static void encrypted(void)
{
	char *where;

	mount_ext4("-O encrypt", NULL);
	where = file_path("secret");
	need_ok(mkdir(where, 0700));
	encrypt_dir(where);
	strcpy(dir, where);
	pool_use(2 * MIB);
	path = file_make("file", 100 * PAGE, 1);
	not_direct("encryption");
	sync();
	expect(!pages_on_disk(50, 1) && !pages_on_disk(7, 2), "plain text is on the disk");
}

static void enable_verity(int want)
{
	struct fsverity_enable_arg arg = {
		.version = 1,
		.hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
		.block_size = PAGE,
	};
	int file = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	int err = ioctl(file, FS_IOC_ENABLE_VERITY, &arg) ? errno : 0;

	if (err == EOPNOTSUPP)
		skip("this kernel verifies no files");
	expect(err == want, "to be verified: %s, wanted %s", strerror(err), strerror(want));
	need_ok(close(file));
}

/* A new file of 100 pages, by a descriptor that may write, which is closed again. */
static int read_only_past_fs(void)
{
	struct framepool_attach a;
	int file;

	path = file_make("file", 100 * PAGE, 1);
	file = need_ok(open(path, O_RDWR | O_CLOEXEC));
	attach_init(&a, file);
	a.flags |= FRAMEPOOL_ATTACH_DIRECT | FRAMEPOOL_ATTACH_READ_ONLY;
	need_ok(attach(&a));
	need_ok(close(file));
	return a.space_fd;
}

/*
 * What is read past the file system is not verified.  A verified file is never open for writing, as
 * it has to be for a direct path, and one with such a path, though it be read only, is.
 */
static void verified(void)
{
	struct framepool_attach a;
	int file;

	mount_ext4("-O verity", NULL);
	pool_use(2 * MIB);
	fd = read_only_past_fs();
	need(has_path(), "no direct path before");
	enable_verity(ETXTBSY);
	space_gone(fd, space_id(fd));
	enable_verity(0);
	file = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	attach_init(&a, file);
	a.flags |= FRAMEPOOL_ATTACH_DIRECT | FRAMEPOOL_ATTACH_READ_ONLY;
	expect_errno(attach(&a), EACCES);
	need_ok(close(file));
	fd = space_attach(path, O_RDONLY);
	expect(!has_path(), "a direct path to a verified file");
	m = map(fd, 100 * PAGE, PROT_READ, MAP_SHARED);
	expect(!wrong_pages(m, 1), "%ju of 100 pages", (uintmax_t)wrong_pages(m, 1));
	id = space_id(fd);
	leave(100 * PAGE);
}

/* Who has mapped the file has its blocks themselves. */
static void dax(void)
{
	if (system("modprobe -q nd_e820 && modprobe -q nd_pmem") || access(PMEM, R_OK | W_OK))
		skip("no " PMEM);
	strcpy(disk, PMEM);
	mount_on_disk("", "dax=always");
	pool_use(2 * MIB);
	path = file_make("file", 100 * PAGE, 1);
	not_direct("DAX");
}

/* A file that is small enough has no block. */
static void in_the_inode(void)
{
	char text[] = "forty bytes of a file that has no block", is[sizeof(text)];
	struct stat st;
	int file;

	mount_ext4("-O inline_data", NULL);
	pool_use(2 * MIB);
	path = file_path("small");
	file = need_ok(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	need(write(file, text, sizeof(text)) == sizeof(text) && !fsync(file), "%s",
	     strerror(errno));
	need_ok(fstat(file, &st));
	need(st.st_blocks < 8, "it has %ju blocks", (uintmax_t)st.st_blocks);
	attach_direct(sizeof(text));
	expect(!has_path(), "a direct path to an inode");
	expect(!memcmp(m, text, sizeof(text)) && bytes_zero(m + sizeof(text), PAGE - sizeof(text), 0),
	       "what is mapped");
	m[0] = text[0] = 'F';
	need_ok(fsync(fd));
	leave(sizeof(text));
	need(pread(file, is, sizeof(is), 0) == sizeof(is), "%s", strerror(errno));
	expect(!memcmp(is, text, sizeof(is)), "the file");
	need_ok(fstat(file, &st));
	expect(st.st_size == sizeof(text), "%jd bytes", (intmax_t)st.st_size);
	need_ok(close(file));
}

/* What the kernel swaps to is read only: its blocks are the kernel's. */
static void swap_file(void)
{
	union {
		char page[PAGE];
		struct {
			char boot[1024];
			u32 version, last, nr_bad;
		};
	} header = { .version = 1, .last = 99 };
	struct framepool_attach a;
	int file, space;

	pool_use(2 * MIB);
	path = file_make("file", 100 * PAGE, 1);
	file = need_ok(open(path, O_RDWR | O_CLOEXEC));
	memcpy(header.page + PAGE - 10, "SWAPSPACE2", 10);
	need(pwrite(file, &header, PAGE, 0) == PAGE && !fsync(file), "%s", strerror(errno));
	need_ok(fchmod(file, 0600));
	if (swapon(path, 0))
		skip("swapon: %s", strerror(errno));
	attach_init(&a, file);
	expect_errno(attach(&a), ETXTBSY);
	a.flags = FRAMEPOOL_ATTACH_DIRECT;
	expect_errno(attach(&a), ETXTBSY);
	space = space_attach(path, O_RDONLY);
	expect_errno(attach(&a), ETXTBSY);
	need_ok(swapoff(path));
	need_ok(close(space));
	attach_direct(100 * PAGE);
	expect(page_is(m + 50 * PAGE, 50, 1), "not what was there");
	leave(100 * PAGE);
	need_ok(close(file));
}

static void not_without_a_right(void)
{
	struct framepool_attach a;
	int file;

	path = file_make("file", 100 * PAGE, 1);
	file = need_ok(open(path, O_RDONLY));
	attach_init(&a, file);
	a.flags = FRAMEPOOL_ATTACH_DIRECT | FRAMEPOOL_ATTACH_READ_ONLY;
	expect_errno(attach(&a), EACCES);
	need_ok(close(file));
	file = need_ok(open(path, O_RDWR));
	expect(pwrite(file, "x", 1, 0) == 1, "the refused call has marked the file");
}

/* Who attaches the file again shares the space as it is, in both orders. */
static void shared(void)
{
	int other;

	pool_use(2 * MIB);
	path = file_make("file", 100 * PAGE, 1);
	attach_direct(100 * PAGE);
	attach_flags = 0;
	other = space_attach(path, O_RDONLY);
	expect(space_id(other) == id, "another space");
	need_ok(close(other));
	expect(has_path(), "the direct path is gone");
	leave(100 * PAGE);
	other = space_attach(path, O_RDWR);
	attach_direct(100 * PAGE);
	expect(!has_path(), "a path came to a space that was there");
	need_ok(close(other));
	leave(100 * PAGE);
}

/* The mark that keeps others from writing is the space's own. */
static void written_after_read_only(void)
{
	int reader, file;
	u8 page[PAGE];

	pool_use(2 * MIB);
	reader = read_only_past_fs();
	need(pread(reader, page, PAGE, 7 * PAGE) == (ssize_t)PAGE, "pread: %s", strerror(errno));
	attach_flags = 0;
	fd = space_attach(path, O_RDWR);
	expect(has_path() && space_id(fd) == space_id(reader), "another space");
	page_fill(page, 7, 2);
	need(pwrite(fd, page, PAGE, 7 * PAGE) == (ssize_t)PAGE, "pwrite: %s", strerror(errno));
	need_ok(fsync(fd));
	need(pread(reader, page, PAGE, 7 * PAGE) == (ssize_t)PAGE, "pread: %s", strerror(errno));
	expect(page_is(page, 7, 2), "what the reader sees");
	id = space_id(fd);
	need_ok(close(reader));
	space_gone(fd, id);
	file = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	need(pread(file, page, PAGE, 7 * PAGE) == (ssize_t)PAGE, "pread: %s", strerror(errno));
	expect(page_is(page, 7, 2), "what is in the file");
	need_ok(close(file));
}

static void attach_often(void *unused)
{
	u64 i;

	(void)unused;
	for (i = 0; i < scaled(4000); i++) {
		attach_flags = FRAMEPOOL_ATTACH_DIRECT;
		fd = space_attach(path, O_RDWR);
		if (!expect(has_path(), "round %ju", (uintmax_t)i))
			break;
		need_ok(close(fd));
	}
}

/* One who comes while the last user is going has the direct path all the same. */
static void coming_and_going(void)
{
	pid_t pid[3];
	unsigned int i;

	pool_use(2 * MIB);
	path = file_make("file", 10 * PAGE, 1);
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		pid[i] = child_start(attach_often, NULL);
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		child_join(pid[i]);
}

/* A direct read keeps the inode's lock until it has ended. */
static long read_direct(struct park *p)
{
	return pread(p->fd, p->page, PAGE, 0);
}

struct steps {
	atomic_uint id, go;
};

static void attach_and_leave(void *arg)
{
	struct steps *steps = arg;

	attach_direct(10 * PAGE);
	need(has_path(), "no direct path");
	atomic_store(&steps->id, id);
	while (!atomic_load(&steps->go))
		usleep(1000);
	need_ok(munmap(m, 10 * PAGE));
	need_ok(close(fd));
}

static bool is_attached(void *steps)
{
	return atomic_load(&((struct steps *)steps)->id);
}

static bool is_unlisted(void *steps)
{
	return !space_listed(atomic_load(&((struct steps *)steps)->id));
}

/* Everything for which one has to know who uses which space. */
static void use_other(void *unused)
{
	int other = space_attach(file_path("other"), O_RDWR);
	u32 other_id = space_id(other);

	(void)unused;
	expect(space_listed(other_id), "it is not listed");
	space_name(file_path("other"), "t-direct", O_RDWR);
	need_ok(close(node_open("t-direct", O_RDWR)));
	need_ok(detach("t-direct"));
	space_gone(other, other_id);
}

static void use_same(void *unused)
{
	(void)unused;
	attach_direct(10 * PAGE);
	expect(has_path(), "no direct path after the last user had gone");
	leave(10 * PAGE);
}

/* Nobody can be sure that he gets the file, but he can be killed while he waits for it. */
static void attached_beside_reader(void)
{
	struct park park;
	int file, status;
	pid_t pid;

	pool_use(2 * MIB);
	path = file_make("file", 10 * PAGE, 1);
	file = need_ok(open(path, O_RDONLY | O_DIRECT | O_CLOEXEC));
	park_begin(&park, read_direct, file);
	pid = child_start(use_same, NULL);
	expect(task_waits(pid, pid, 20000), "the lock is not kept");
	need_ok(kill(pid, SIGKILL));
	expect(child_ends(pid, 10000 * scale, &status), "it cannot be killed");
	park_end(&park);
	use_same(NULL);
	need_ok(close(file));
}

/*
 * Who can read the file keeps it from being let go: the space has left the list then, who wants the
 * same file waits, and nobody else.
 */
static void reader_stands_still(void)
{
	struct steps *steps = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct park park;
	pid_t last, pid;
	int file, status;

	pool_use(2 * MIB);
	path = file_make("file", 10 * PAGE, 1);
	file_make("other", 10 * PAGE, 1);
	file = need_ok(open(path, O_RDONLY | O_DIRECT | O_CLOEXEC));
	last = child_start(attach_and_leave, steps);
	need(wait_until(is_attached, steps, 20000), "the child has not attached it");
	park_begin(&park, read_direct, file);
	atomic_store(&steps->go, 1);
	expect(task_waits(last, last, 20000), "the last user does not wait");
	pid = child_start(use_other, NULL);
	park_beside(&park, pid);
	expect(wait_until(is_unlisted, steps, 10000 * scale), "the space does not end");
	pid = child_start(use_same, NULL);
	expect(task_waits(pid, pid, 20000), "who wants the same file does not wait");
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	pid = child_start(use_same, NULL);
	expect(task_waits(pid, pid, 20000), "who wants the same file does not wait");
	park_end(&park);
	child_join(pid);
	child_join(last);
	need_ok(close(file));
}

static void on(const char *type, bool path_there)
{
	char where[DIR_SIZE];

	if (!fs_mount(type, where, sizeof(where)))
		skip("no %s here", type);
	strcpy(dir, where);
	pool_use(2 * MIB);
	path = file_make("file", 300 * PAGE, 1);
	attach_direct(300 * PAGE);
	expect(has_path() == path_there, "%s: %d", type, has_path());
	page_fill(m + 250 * PAGE, 250, 2);
	expect(page_is(m + 100 * PAGE, 100, 1), "%s", type);
	leave(300 * PAGE);
}

static void on_xfs(void)
{
	on("xfs", true);
}

static void on_btrfs(void)
{
	on("btrfs", false);
}

static void on_tmpfs(void)
{
	on("tmpfs", false);
}

/* Blocks that two files share are not written to past the file system, nor shared meanwhile. */
static void clones(void)
{
	char where[DIR_SIZE];
	int file, clone;
	u64 bytes;
	u8 *is;

	if (!fs_mount("xfs", where, sizeof(where)))
		skip("no xfs here");
	strcpy(dir, where);
	pool_use(2 * MIB);
	path = file_make("file", 300 * PAGE, 1);
	file = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	clone = need_ok(open(file_path("clone"), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	attach_direct(300 * PAGE);
	need(has_path(), "no direct path");
	expect_errno(ioctl(clone, FICLONE, file), ETXTBSY);
	leave(300 * PAGE);
	need_ok(ioctl(clone, FICLONE, file));
	attach_direct(300 * PAGE);
	expect(!has_path(), "a direct path to shared blocks");
	page_fill(m + 250 * PAGE, 250, 2);
	need_ok(fsync(fd));
	is = file_load(file_path("clone"), &bytes);
	expect(page_is(is + 250 * PAGE, 250, 1), "the clone");
	free(is);
	leave(300 * PAGE);
	is = file_load(path, &bytes);
	expect(page_is(is + 250 * PAGE, 250, 2), "the file");
	free(is);
	need_ok(close(clone));
	need_ok(close(file));
}

static u32 extents_of(const char *name)
{
	struct fiemap f = { .fm_length = ~0ull };
	int file = need_ok(open(name, O_RDONLY | O_CLOEXEC));

	need_ok(ioctl(file, FS_IOC_FIEMAP, &f));
	need_ok(close(file));
	return f.fm_mapped_extents;
}

/* What is read and written in one piece lies in many places of the disk, and ends within a page. */
static void scattered(void)
{
	u64 bytes = LAST * PAGE + 100, vpn;
	struct framepool_range r;
	u8 *model = model_make(bytes, 1);
	u32 nr;

	pool_use(2 * MIB);
	path = file_make_scattered("file", bytes);
	nr = extents_of(path);
	need(nr >= LAST, "the file lies in %u places only", nr);
	attach_direct(bytes);
	expect(has_path(), "no direct path to a scattered file");
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 0, 0, &r));
	expect(bytes_are(m, model, bytes, 0), "as it was attached");
	/* All of it in one run, then pieces of it; the end of the file goes with those before it. */
	for (vpn = 0; vpn < LAST; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	memset(m + LAST * PAGE, 7, 100);
	memcpy(model, m, bytes);
	need_ok(msync(m, bytes, MS_SYNC));
	expect_file(path, model, bytes);
	for (vpn = 5; vpn < 20; vpn++)
		page_fill(m + vpn * PAGE, vpn, 3);
	memcpy(model, m, bytes);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done && !r.failed, "evict: %ju done, %ju failed", (uintmax_t)r.done,
	       (uintmax_t)r.failed);
	expect(bytes_are(m, model, bytes, 0), "read again");
	leave(bytes);
	expect_file(path, model, bytes);
}

static void block_device(void)
{
	char dev[64];

	pool_use(2 * MIB);
	if (!loop_make(4 * MIB, dev, sizeof(dev)))
		skip("no loop devices");
	path = dev;
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	expect(has_path(), "a block device has no direct path");
	space_gone(fd, id);
}

static const struct test tests[] = {
	{ "what is stored arrives", bytes_arrive, T_DEVICE },
	{ "others cannot move, cut, write or remove the file", others_wait, T_DEVICE },
	{ "who reads past the pool sees what was written", cached_readers, T_DEVICE },
	{ "who has mapped the file sees what was synced", mapped_readers, T_DEVICE },
	{ "who has mapped the device sees what was synced", mapped_readers_of_device, T_DEVICE },
	{ "holes and unwritten blocks: through the file system", fixed_blocks_only, T_DEVICE },
	{ "a file whose data is journalled: through the file system", journalled_file, T_DEVICE },
	{ "a file system that journals data: through the file system", journalled_fs, T_DEVICE },
	{ "an encrypted file: through the file system", encrypted, T_DEVICE },
	{ "a verified file: through the file system", verified, T_DEVICE },
	{ "a DAX file: through the file system", dax, T_DEVICE },
	{ "a file in its inode: through the file system", in_the_inode, T_DEVICE },
	{ "a swap file: read only", swap_file, T_DEVICE },
	{ "a file that is not open for writing: EACCES", not_without_a_right, T_DEVICE },
	{ "attached twice", shared, T_DEVICE },
	{ "attached for writing after for reading", written_after_read_only, T_DEVICE },
	{ "attached while it is being left", coming_and_going, T_DEVICE },
	{ "attached while a reader of the file stands still", attached_beside_reader, T_DEVICE },
	{ "left while a reader of the file stands still", reader_stands_still, T_DEVICE },
	{ "xfs has it", on_xfs, T_DEVICE },
	{ "a file that shares its blocks has not", clones, T_DEVICE },
	{ "btrfs has not", on_btrfs, T_DEVICE },
	{ "tmpfs has not", on_tmpfs, T_DEVICE },
	{ "a file in many places", scattered, T_DEVICE },
	{ "block devices have it", block_device, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
