// SPDX-License-Identifier: GPL-2.0-only
/*
 * File systems that do not take what they are given: full, with bad blocks, read-only by force,
 * frozen.  Pages wait, whoever syncs is told or waits killably, and when the file system takes them
 * again they are in the file.
 */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <linux/fiemap.h>
#include <linux/fs.h>

#define RAM	"/dev/ram0"
#define FS_KIB	24576UL
#define NR	1024UL			/* pages of the file: twice the pool */
#define FEW	200UL			/* fit the pool */
#define RW	(PROT_READ | PROT_WRITE)
#define OVERLAY	1			/* a test's variant */

static char node[64], where[DIR_SIZE + 8], path[DIR_SIZE + 16];
static char over[DIR_SIZE + 8];		/* where an overlay on it is; "": none */
static u64 version[NR];			/* what each page has to be */
static u8 *m;
static int fd;
static u32 id;

static void healthy(void)
{
	dm_table("0 %lu linear " RAM " 0", FS_KIB * 2);
}

/* The file is to be seen through an overlay, which has it on the file system. */
static void make_overlay(void)
{
	static const char * const parts[] = { "lower", "upper", "work" };
	char part[DIR_SIZE + 16], options[3 * DIR_SIZE + 128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		snprintf(part, sizeof(part), "%s/%s", where, parts[i]);
		need_ok(mkdir(part, 0755));
	}
	snprintf(over, sizeof(over), "%s/over", dir);
	need_ok(mkdir(over, 0755));
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
		 where, where, where);
	if (system("modprobe -q overlay") || mount("overlay", over, "overlay", 0, options))
		skip("no overlay");
	snprintf(path, sizeof(path), "%s/file", over);
}

static void make_fs(const char *options)
{
	if (access(RAM, R_OK | W_OK) || !dm_make(node, sizeof(node)))
		skip("no device mapper or no " RAM);
	healthy();
	ext4_on(node, options, NULL, where, sizeof(where));
	snprintf(path, sizeof(path), "%s/file", where);
	if (test_variant == OVERLAY)
		make_overlay();
}

static void attach_it(void)
{
	struct framepool_space s;

	fd = space_attach(path, O_RDWR);
	space_info(fd, &s);
	expect(!(attach_flags & FRAMEPOOL_ATTACH_DIRECT) || s.state & FRAMEPOOL_SPACE_DIRECT_PATH,
	       "no direct path");
	id = s.space;
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

/* A file of version 1, or a sparse one. */
static void begin(bool sparse)
{
	u64 i;
	int f;

	make_fs("");
	if (sparse) {
		f = need_ok(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
		need_ok(ftruncate(f, NR * PAGE));
		need_ok(fsync(f));
		need_ok(close(f));
	} else {
		file_make(path, NR * PAGE, 1);
	}
	for (i = 0; i < NR; i++)
		version[i] = !sparse;
	pool_use(2 * MIB);
	attach_it();
}

static void store(u64 vpn, u64 v)
{
	page_fill(m + vpn * PAGE, vpn, v);
	version[vpn] = v;
}

/* Version 0 is a hole. */
static bool page_right(const u8 *page, u64 vpn)
{
	return version[vpn] ? page_is(page, vpn, version[vpn]) : bytes_zero(page, PAGE, 0);
}

static void expect_pages(u64 first, u64 n)
{
	u64 i;

	for (i = first; i < first + n; i++)
		expect(page_right(m + i * PAGE, i), "page %ju by the mapping", (uintmax_t)i);
}

static void expect_file_right(void)
{
	u64 bytes, i;
	u8 *is = file_load(path, &bytes);

	for (i = 0; i < NR; i++)
		expect(page_right(is + i * PAGE, i), "page %ju in the file", (uintmax_t)i);
	free(is);
}

static void unmount_all(void)
{
	if (over[0])
		need_ok(umount(over));
	need_ok(umount(where));
	note_mounted("");
	expect(wait_until(dm_remove, NULL, 10000), "the device is still in use: %s",
	       strerror(errno));
}

static void end_detached(void)
{
	expect_file_right();
	unmount_all();
}

static void end(void)
{
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	end_detached();
}

static u64 unwritten(u32 *why)
{
	struct framepool_errors e = { .size = sizeof(e) };

	need_ok(ioctl(fd, FRAMEPOOL_ERRORS, &e));
	if (why)
		*why = e.write_error;
	return e.unwritten;
}

/* ---- full ---- */

/* A file that takes all the room there is. */
static void fill_up_fs(const char *filler)
{
	static char zeros[64 * 1024];
	int f = need_ok(open(filler, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	size_t part = sizeof(zeros);

	while (part >= 512)
		if (write(f, zeros, part) != (ssize_t)part)
			part /= 2;
	need_ok(fsync(f));
	need_ok(close(f));
}

static void no_space(void)
{
	char filler[DIR_SIZE + 16];
	struct framepool_range r;
	int other;
	u64 i, n;
	u32 why;

	begin(true);
	other = space_attach(path, O_RDWR);
	for (i = 0; i < FEW; i++)
		store(i, 2);
	need_ok(fsync(fd));
	snprintf(filler, sizeof(filler), "%s/filler", where);
	fill_up_fs(filler);
	for (i = FEW - 50; i < FEW + 50; i++)
		store(i, 3);
	expect_errno(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r), ENOSPC);
	expect(r.failed && r.failed <= 50 && r.done + r.failed == 100 && r.error == ENOSPC,
	       "%ju written, %ju failed, errno %u", (uintmax_t)r.done, (uintmax_t)r.failed,
	       r.error);
	expect_errno(fsync(fd), ENOSPC);
	n = unwritten(&why);
	/* What had its blocks already got through; a few more blocks may have been found. */
	expect(n && n <= 50 && why == ENOSPC, "%ju pages unwritten, errno %u", (uintmax_t)n, why);
	diag("%ju of 50 pages had no room", (uintmax_t)n);
	expect_pages(0, NR / 4);
	store(FEW + 49, 4);
	need_ok(unlink(filler));
	sync();
	need_ok(fsync(fd));
	/* That was told; to who has it open, too, and has not asked, once. */
	expect_errno(fsync(other), ENOSPC);
	need_ok(fsync(other));
	need_ok(fsync(fd));
	need_ok(close(other));
	expect(!unwritten(NULL), "still unwritten");
	expect_file_right();
	for (i = 0; i < NR; i++)
		store(i, 5);
	need_ok(fsync(fd));
	end();
}

/* All as one who has no right to what is reserved. */
static void fill_and_store(void *unused)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = NR * PAGE };
	char filler[DIR_SIZE + 16];
	struct stat st;
	u64 i;
	int f;

	(void)unused;
	control_fd();
	become(1000, 1000);
	snprintf(filler, sizeof(filler), "%s/filler", where);
	f = need_ok(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	need_ok(ftruncate(f, NR / 2 * PAGE));
	need_ok(fsync(f));
	fill_up_fs(filler);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	/* With the descriptor's right; that of the file is gone. */
	need_ok(fchmod(f, 0400));
	need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &r));
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (i = 0; i < FEW; i++)
		store(i, 2);
	expect_errno(fsync(fd), ENOSPC);
	need_ok(fstat(f, &st));
	expect(st.st_blocks < 50 * 8, "%ju blocks of the reserve", (uintmax_t)st.st_blocks);
	expect_pages(0, FEW);
	need_ok(unlink(filler));
	sync();
	need_ok(fsync(fd));
	expect(!unwritten(NULL), "still unwritten");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	need_ok(close(f));
}

/* Blocks that are reserved for root are not for who writes through a worker. */
static void reserved(void)
{
	u64 i;

	make_fs("-m 40");
	need_ok(chown(where, 1000, 1000));
	need_ok(chmod(dir, 0755));
	pool_use(2 * MIB);
	child_join(child_start(fill_and_store, NULL));
	if (failures())
		return;
	for (i = 0; i < FEW; i++)
		version[i] = 2;
	end_detached();
}

/* What cannot be written can be cut off, as ftruncate() does it, and then there is nothing to write. */
static void no_space_cut_off(void)
{
	struct framepool_resize size = { .size = sizeof(size), .bytes = FEW * PAGE };
	char filler[DIR_SIZE + 16];
	u64 i, bytes;
	u8 *is;

	begin(true);
	for (i = 0; i < FEW; i++)
		store(i, 2);
	need_ok(fsync(fd));
	snprintf(filler, sizeof(filler), "%s/filler", where);
	fill_up_fs(filler);
	for (i = FEW; i < FEW + 50; i++)
		page_fill(m + i * PAGE, i, 3);
	expect_errno(fsync(fd), ENOSPC);
	need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &size));
	expect(!unwritten(NULL), "%ju pages unwritten", (uintmax_t)unwritten(NULL));
	need_ok(fsync(fd));
	expect(try_load(m + FEW * PAGE, NULL) == SIGBUS, "a page that was cut off");
	expect_pages(0, FEW);
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	is = file_load(path, &bytes);
	expect(bytes == FEW * PAGE, "%ju bytes", (uintmax_t)bytes);
	for (i = 0; i < FEW; i++)
		expect(page_is(is + i * PAGE, i, 2), "in the file");
	free(is);
	unmount_all();
}

/* ---- bad blocks under the file ---- */

/* Where @n pages of the file are, one behind the other. */
static u64 sector_of(u64 first, u64 n)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent;
	} f = { .map = { .fm_start = first * PAGE, .fm_length = n * PAGE,
			 .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 1 } };
	int back = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	u64 skipped;

	need_ok(ioctl(back, FS_IOC_FIEMAP, &f));
	need_ok(close(back));
	skipped = first * PAGE - f.extent.fe_logical;
	if (f.extent.fe_length < skipped + n * PAGE)
		skip("the file is in pieces");
	return (f.extent.fe_physical + skipped) / 512;
}

/* Pages [first, first + n) of the file have bad blocks. */
static void bad_blocks(u64 first, u64 n)
{
	u64 from = sector_of(first, n), to = from + n * PAGE / 512;

	dm_table("0 %ju linear " RAM " 0\n%ju %ju error\n%ju %ju linear " RAM " %ju", (uintmax_t)from,
		 (uintmax_t)from, (uintmax_t)(to - from), (uintmax_t)to,
		 (uintmax_t)(FS_KIB * 2 - to), (uintmax_t)to);
}

static void bad_blocks_below(void)
{
	u8 *buf = aligned_alloc(PAGE, PAGE);
	u64 i;

	begin(false);
	for (i = 0; i < FEW; i++)
		store(i, 2);
	bad_blocks(100, 3);
	expect_errno(fsync(fd), EIO);
	expect(unwritten(NULL) == 3, "%ju pages unwritten", (uintmax_t)unwritten(NULL));
	expect_pages(0, FEW);
	/* A bad place that is not resident: a read fails, and only there. */
	bad_blocks(150, 2);
	need_ok(fsync(fd));
	make_absent(fd, m, NR * PAGE);
	expect(try_load(m + 150 * PAGE, NULL) == SIGBUS, "a load of a bad block");
	expect_errno(pread(fd, buf, PAGE, 151 * PAGE), EIO);
	expect_pages(140, 10);
	expect_pages(152, 10);
	healthy();
	expect_pages(0, NR);
	store(150, 3);
	need_ok(fsync(fd));
	end();
}

/* The same of which only writes fail. */
static void unwritable_blocks(u64 first, u64 n)
{
	u64 from = sector_of(first, n), to = from + n * PAGE / 512;

	dm_table("0 %ju linear " RAM " 0\n%ju %ju flakey " RAM " %ju 0 3600 1 error_writes\n"
		 "%ju %ju linear " RAM " %ju", (uintmax_t)from, (uintmax_t)from,
		 (uintmax_t)(to - from), (uintmax_t)from, (uintmax_t)to,
		 (uintmax_t)(FS_KIB * 2 - to), (uintmax_t)to);
}

#define TAIL	(NR - 1)		/* a page that ends in its middle */
#define PART	(PAGE - 100)

static atomic_bool enough;

/* Who waits for the file's pages and sees the error first has it, though he only reads the file. */
static void *sync_on(void *unused)
{
	struct fiemap f;
	int file = need_ok(open(path, O_RDONLY | O_CLOEXEC));

	(void)unused;
	while (!atomic_load(&enough)) {
		f = (struct fiemap){ .fm_length = NR * PAGE, .fm_flags = FIEMAP_FLAG_SYNC };
		ioctl(file, FS_IOC_FIEMAP, &f);
	}
	need_ok(close(file));
	return NULL;
}

/* The last page goes through the page cache, where others wait for what is written, too. */
static void last_page(void)
{
	u64 v, n = scaled(400) + 5, bytes;
	struct framepool_range r;
	u8 page[PAGE], *is;
	pthread_t other[2];

	make_fs("");
	free(file_make(path, TAIL * PAGE + PART, 1));
	pool_use(2 * MIB);
	attach_it();
	unwritable_blocks(TAIL, 1);
	need(!pthread_create(&other[0], NULL, sync_on, NULL), "no thread");
	need(!pthread_create(&other[1], NULL, sync_on, NULL), "no thread");
	for (v = 2; v < 2 + n && !failures(); v++) {
		page_fill(page, TAIL, v);
		memcpy(m + TAIL * PAGE, page, PART);
		need_ok(range_op(fd, FRAMEPOOL_EVICT, TAIL * PAGE, 0, &r));
		expect(!r.done && r.failed == 1, "try %ju: %ju done, %ju failed", (uintmax_t)v - 2,
		       (uintmax_t)r.done, (uintmax_t)r.failed);
	}
	atomic_store(&enough, true);
	pthread_join(other[0], NULL);
	pthread_join(other[1], NULL);
	healthy();
	fsync(fd);
	need_ok(fsync(fd));
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	is = file_load(path, &bytes);
	expect(bytes == TAIL * PAGE + PART && !memcmp(is + TAIL * PAGE, page, PART),
	       "the last page is not as it was stored");
	free(is);
	unmount_all();
}

/* ---- read-only by force ---- */

static void emergency_remount(void)
{
	u64 i;

	begin(true);
	for (i = 0; i < FEW; i++)
		store(i, 2);
	need_ok(fsync(fd));
	for (i = 0; i < FEW; i++)
		store(i * 2, 3);
	all_read_only(where);
	/* Holes need blocks, which a read-only file system does not give. */
	expect(fsync(fd) == -1, "a sync to a read-only file system");
	diag("fsync: %s; %ju pages unwritten", strerror(errno), (uintmax_t)unwritten(NULL));
	expect_pages(0, FEW * 2);
	all_writable(where);
	fsync(fd);
	need_ok(fsync(fd));
	expect(!unwritten(NULL), "still unwritten");
	end();
}

/* An ordinary write that needs the journal. */
static void upset_the_journal(void)
{
	char other[DIR_SIZE + 16];
	int f;

	snprintf(other, sizeof(other), "%s/other", where);
	f = need_ok(open(other, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	if (write(f, other, sizeof(other)) > 0)
		fsync(f);
	close(f);
}

/* 6.12's ext4 does not say in its flags that it takes nothing any more. */
static bool refuses_changes(void *unused)
{
	char third[DIR_SIZE + 16];

	(void)unused;
	snprintf(third, sizeof(third), "%s/third", where);
	return mkdir(third, 0700) || rmdir(third);
}

static bool unmounted(void *unused)
{
	(void)unused;
	return !umount(where);
}

/*
 * The device dies, and ext4 goes read-only for good.  Everything was synced before: so the pages that are
 * there serve on, and the space does not outlive its last user, although its file system cannot
 * flush any more.
 */
static void errors_remount_ro(void)
{
	u64 i;

	begin(false);
	need_ok(mount(NULL, where, NULL, MS_REMOUNT, "errors=remount-ro"));
	for (i = 0; i < FEW; i++)
		store(i, 2);
	need_ok(fsync(fd));
	dm_table("0 %lu error", FS_KIB * 2);
	upset_the_journal();
	need(wait_until(refuses_changes, NULL, 20000), "still writable");
	expect_pages(0, FEW);
	expect(try_load(m + (NR - 1) * PAGE, NULL) == SIGBUS, "a page of a dead device");
	/* Nothing has to be written: whether the flush is refused is ext4's to say. */
	diag("fsync: %s", fsync(fd) ? strerror(errno) : "done");
	healthy();
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	need(wait_until(unmounted, NULL, 10000), "umount: %s", strerror(errno));
	need_ok(mount(node, where, "ext4", 0, NULL));
	end_detached();
}

#define DIRTY	10UL			/* pages, not synced when it happens */
#define OFFLINE	"/sys/devices/system/memory/hard_offline_page"

/* Each sync of whomever finds what cannot be written, says so, and comes back. */
static void expect_told(int descriptor)
{
	u64 start = now_ms();

	expect(fsync(descriptor) == -1 && (errno == EROFS || errno == EIO), "fsync: %s",
	       strerror(errno));
	expect(now_ms() - start < 20000, "after %ju ms", (uintmax_t)(now_ms() - start));
}

/*
 * What such a file system does not take waits until the machine goes down, and the space with it.
 * The machine shall go on: the memory of these pages breaks, which takes them out of the world.
 */
static void lose_dirty_pages(int file)
{
	struct framepool_attach a;
	char text[32];
	u64 vpn;

	attach_init(&a, file);
	a.flags |= FRAMEPOOL_ATTACH_READ_ONLY;
	need_ok(attach(&a));
	need_ok(close(file));
	fd = a.space_fd;
	expect(space_id(fd) == id, "another space of the same file");
	m = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
	expect_pages(0, FEW);
	for (vpn = 0; vpn < DIRTY; vpn++) {
		snprintf(text, sizeof(text), "%#jx", (uintmax_t)(pfn_at(m + vpn * PAGE) * PAGE));
		knob_write(OFFLINE, text);
		need_ok(madvise(m + vpn * PAGE, PAGE, MADV_DONTNEED));
		expect(try_load(m + vpn * PAGE, NULL) == SIGBUS, "what was stored is there still");
		version[vpn] = 2;
	}
	expect_pages(DIRTY, FEW - DIRTY);
	need_ok(munmap(m, NR * PAGE));
	fsync(fd);
	space_gone(fd, id);
}

/*
 * 6.1's ext4 takes all the same what needs no journal, as soon as the device does.  Is it so, and was
 * all of it written?
 */
static bool takes_overwrites(int second, int file)
{
	/* They tell of what was before, perhaps. */
	fsync(fd);
	fsync(second);
	if (unwritten(NULL))
		return false;
	expect(!kernel_is_at_least(6, 12), "written by a file system that has become read only");
	need_ok(fsync(fd));
	need_ok(fsync(second));
	need_ok(close(second));
	need_ok(close(file));
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	return true;
}

/* The same with pages that are dirty: they stay, every sync is told, and their space is an orphan. */
static void errors_remount_ro_dirty(void)
{
	u64 vpn;
	int second, file;
	u32 why;

	/* 6.1 leaves none: see takes_overwrites(). */
	if (kernel_is_at_least(6, 12) && access(OFFLINE, W_OK))
		skip("this kernel has no way to be rid of the orphan again");
	begin(false);
	need_ok(mount(NULL, where, NULL, MS_REMOUNT, "errors=remount-ro"));
	second = space_attach(path, O_RDWR);
	/* Nothing can be opened there any more when it has happened. */
	file = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	for (vpn = 0; vpn < FEW; vpn++)
		store(vpn, 2);
	need_ok(fsync(fd));
	dm_table("0 %lu error", FS_KIB * 2);
	upset_the_journal();
	need(wait_until(refuses_changes, NULL, 20000), "still writable");
	for (vpn = 0; vpn < DIRTY; vpn++)
		store(vpn, 3);
	expect_told(fd);
	expect_told(second);
	expect(unwritten(&why) == DIRTY && (why == EROFS || why == EIO),
	       "%ju pages unwritten, errno %u", (uintmax_t)unwritten(NULL), why);
	expect_pages(0, FEW);
	/* The device is well again; the file system is not. */
	healthy();
	if (!takes_overwrites(second, file)) {
		expect_told(fd);
		expect_told(second);
		expect_pages(0, FEW);
		need_ok(close(second));
		need_ok(munmap(m, NR * PAGE));
		need_ok(close(fd));
		expect(wait_until(space_is_orphan, &id, 20000), "no orphan");
		lose_dirty_pages(file);
	}
	need(wait_until(unmounted, NULL, 10000), "umount: %s", strerror(errno));
	need_ok(mount(node, where, "ext4", 0, NULL));
	end_detached();
}

/* ---- immutable ---- */

static void set_immutable(bool on)
{
	int flags, f = need_ok(open(path, O_RDONLY | O_CLOEXEC));

	need_ok(ioctl(f, FS_IOC_GETFLAGS, &flags));
	flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	need_ok(ioctl(f, FS_IOC_SETFLAGS, &flags));
	need_ok(close(f));
}

static void expect_refused_pages(unsigned long cmd, u64 first, u64 n)
{
	struct framepool_range r;

	expect_errno(range_op(fd, cmd, first * PAGE, n * PAGE, &r), EPERM);
	expect(r.failed == n && r.error == EPERM && !r.done && !r.written,
	       "%ju failed, errno %u, %ju done, %ju written", (uintmax_t)r.failed, r.error,
	       (uintmax_t)r.done, (uintmax_t)r.written);
}

/* The errno of a page may be one that commands refuse by, too: then the results are told as well. */
static void immutable(void)
{
	struct framepool_range r;
	u64 i;

	begin(false);
	need_ok(range_op(fd, FRAMEPOOL_HOLD, 20 * PAGE, 5 * PAGE, &r));
	for (i = 0; i < 25; i++)
		store(i, 2);
	set_immutable(true);
	expect_refused_pages(FRAMEPOOL_SYNC, 0, 20);
	expect_refused_pages(FRAMEPOOL_RELEASE, 20, 5);
	expect_errno(fsync(fd), EPERM);
	set_immutable(false);
	need_ok(range_op(fd, FRAMEPOOL_RELEASE, 0, 0, &r));
	need_ok(fsync(fd));
	expect(!unwritten(NULL), "still unwritten");
	end();
}

/* ---- frozen ---- */

static int fs_fd;

static void freeze(void)
{
	fs_fd = need_ok(open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	need_ok(ioctl(fs_fd, FIFREEZE, 0));
}

static void thaw(void)
{
	need_ok(ioctl(fs_fd, FITHAW, 0));
	need_ok(close(fs_fd));
}

struct syncer {
	pthread_t thread;
	atomic_int tid, done;
};

static void *sync_it(void *arg)
{
	struct syncer *s = arg;

	atomic_store(&s->tid, syscall(SYS_gettid));
	expect(!fsync(fd), "fsync: %s", strerror(errno));
	atomic_store(&s->done, 1);
	return NULL;
}

static void syncer_start(struct syncer *s)
{
	memset(s, 0, sizeof(*s));
	need(!pthread_create(&s->thread, NULL, sync_it, s), "no thread");
	while (!atomic_load(&s->tid))
		sched_yield();
	expect(task_waits(getpid(), s->tid, 20000), "fsync does not wait");
}

static void syncing_child(void *unused)
{
	(void)unused;
	fsync(fd);
}

static void killed_while_syncing(void)
{
	pid_t pid = child_start(syncing_child, NULL);
	u64 start;
	int status;

	expect(task_waits(pid, pid, 20000), "the child does not wait");
	start = now_ms();
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	expect(WIFSIGNALED(status), "status %#x", status);
	expect(now_ms() - start < 5000 * scale, "took %ju ms to die",
	       (uintmax_t)(now_ms() - start));
}

/* Who syncs waits, and may be killed; pages that are there serve on; after the thaw all is well. */
static void frozen(void)
{
	struct syncer s;
	u64 i;

	begin(false);
	for (i = 0; i < FEW; i++)
		store(i, 2);
	freeze();
	syncer_start(&s);
	killed_while_syncing();
	expect_pages(0, FEW);
	for (i = 0; i < FEW; i++)
		store(i, 3);
	/* Reading is not frozen. */
	expect_pages(FEW, 50);
	expect(!atomic_load(&s.done), "fsync did not wait for the thaw");
	thaw();
	pthread_join(s.thread, NULL);
	need_ok(fsync(fd));
	expect_file_right();
	end();
}

static void frozen_direct(void)
{
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	frozen();
}

/* WARN() sets a flag for good. */
static bool warned(void)
{
	char text[32];

	need(knob_read("/proc/sys/kernel/tainted", text, sizeof(text)), "no taint");
	return strtoull(text, NULL, 10) & 1 << 9;
}

/* Nothing was written to it, so a sync has nothing to wait for; what was written waits. */
static void frozen_clean(void)
{
	bool warned_before = warned();
	struct framepool_range r;
	struct syncer s;
	u64 i;

	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	begin(false);
	for (i = 0; i < FEW; i++)
		store(i, 2);
	need_ok(fsync(fd));
	freeze();
	need_ok(fsync(fd));
	need_ok(msync(m, FEW * PAGE, MS_SYNC));
	thaw();
	for (i = 0; i < FEW; i++)
		store(i, 3);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.written == FEW, "%ju written", (uintmax_t)r.written);
	freeze();
	syncer_start(&s);
	killed_while_syncing();
	expect_pages(0, FEW);
	thaw();
	pthread_join(s.thread, NULL);
	need_ok(fsync(fd));
	expect(warned() == warned_before, "the kernel has warned of something");
	expect_file_right();
	end();
}

/*
 * The pool is full of pages that the frozen file system does not take: a space on another one goes
 * on, and so does the frozen one after the thaw.  Nothing is written to the frozen one meanwhile.
 */
static void frozen_and_full(void)
{
	u64 i, n, bytes, pages = 512;
	u8 *other, *then, *now;
	char *other_path;
	u32 other_id;
	int f;

	begin(false);
	other_path = file_make("other", pages * PAGE, 5);
	f = space_attach(other_path, O_RDWR);
	other_id = space_id(f);
	other = map(f, pages * PAGE, RW, MAP_SHARED);
	/* Some room that the other one can always turn over. */
	for (i = 0; i < 64; i++)
		expect(page_is(other + i * PAGE, i, 5), "before");
	set_wait_ms(2000);
	for (i = 0; i < 300; i++)
		store(i, 2);
	freeze();
	then = file_load(node, &bytes);
	for (i = n = 0; i < pages && n < 5; i++) {
		if (try_store(other + i * PAGE, 1)) {
			n++;
			continue;
		}
		page_fill(other + i * PAGE, i, 6);
	}
	expect(!n, "%ju pages of another file system's file found no frame", (uintmax_t)n);
	now = file_load(node, &bytes);
	expect(bytes_are(now, then, bytes, 0), "written to while it was frozen");
	free(now);
	free(then);
	thaw();
	for (i = 0; i < pages; i++)
		page_fill(other + i * PAGE, i, 7);
	need_ok(munmap(other, pages * PAGE));
	space_gone(f, other_id);
	expect_pages(0, NR);
	need_ok(fsync(fd));
	end();
}

static void frozen_and_full_direct(void)
{
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	frozen_and_full();
}

/* ---- resized ---- */

static void resizing_child(void *attached)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = NR * PAGE + 5 };

	fd = space_attach(path, O_RDWR);
	atomic_store((atomic_int *)attached, 1);
	ioctl(fd, FRAMEPOOL_RESIZE, &r);
}

/* Who asked is killed, and nobody else has the space: the resize has it as long as it takes. */
static void resize_of_the_dead(void)
{
	atomic_int *attached = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct framepool_space s = { .size = sizeof(s) };
	int status;
	pid_t pid;

	begin(false);
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	freeze();
	pid = child_start(resizing_child, attached);
	while (!atomic_load(attached) && !waitpid(pid, &status, WNOHANG))
		usleep(1000);
	expect(task_waits(pid, pid, 20000), "the child does not wait");
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, &status, 0));
	expect(space_next(&s) && s.opens == 1, "%u users", s.opens);
	thaw();
	expect(wait_until(no_spaces, NULL, 20000), "the space stays");
	expect(file_size(path) == NR * PAGE + 5, "%ju bytes", (uintmax_t)file_size(path));
	need_ok(truncate(path, NR * PAGE));
	end_detached();
}

#define SHORT	(3 * PAGE + 100)
#define LONGER	(5 * PAGE + 7)

static void *evict_it(void *arg)
{
	struct syncer *s = arg;
	struct framepool_range r;

	atomic_store(&s->tid, syscall(SYS_gettid));
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	return NULL;
}

static void *grow_it(void *arg)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = LONGER };
	struct syncer *s = arg;

	atomic_store(&s->tid, syscall(SYS_gettid));
	need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &r));
	atomic_store(&s->done, 1);
	return NULL;
}

static bool has_ended(void *arg)
{
	return atomic_load(&((struct syncer *)arg)->done);
}

/* The last page is leaving when the file grows, and comes back: with nothing past the end. */
static void grows_while_leaving(void)
{
	struct syncer evictor = { 0 }, grower = { 0 };
	u8 *model = calloc(1, LONGER), *page;

	make_fs("");
	file_make(path, SHORT, 1);
	pool_use(2 * MIB);
	attach_it();
	memcpy(model, m, SHORT);
	memset(m + SHORT, 0xee, 4 * PAGE - SHORT);
	page = m + 3 * PAGE;
	dm_stall();
	need(!pthread_create(&evictor.thread, NULL, evict_it, &evictor), "no thread");
	while (!atomic_load(&evictor.tid))
		sched_yield();
	expect(task_waits(getpid(), evictor.tid, 20000), "the eviction does not wait");
	need(!pthread_create(&grower.thread, NULL, grow_it, &grower), "no thread");
	/* The file system may need the device for it. */
	wait_until(has_ended, &grower, 3000);
	expect(*(volatile u8 *)page == model[3 * PAGE], "the page that comes back");
	dm_go_on();
	pthread_join(evictor.thread, NULL);
	pthread_join(grower.thread, NULL);
	expect(bytes_are(m, model, LONGER, 0), "after growing");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect_file(path, model, LONGER);
	need_ok(umount(where));
	note_mounted("");
	expect(wait_until(dm_remove, NULL, 10000), "the device is still in use: %s",
	       strerror(errno));
}

/* The special file of a device is on a file system that is frozen; the device is not. */
static void frozen_special_file(void)
{
	char dev[64], special[DIR_SIZE + 16];
	struct syncer s = { 0 };
	struct stat st;
	u32 its_id;
	u8 *its;

	make_fs("");
	if (!loop_make(MIB, dev, sizeof(dev)))
		skip("no loop device");
	need_ok(stat(dev, &st));
	snprintf(special, sizeof(special), "%s/special", where);
	need_ok(mknod(special, S_IFBLK | 0600, st.st_rdev));
	pool_use(2 * MIB);
	fd = space_attach(special, O_RDWR);
	its_id = space_id(fd);
	its = map(fd, MIB, RW, MAP_SHARED);
	page_fill(its, 0, 2);
	freeze();
	need(!pthread_create(&s.thread, NULL, sync_it, &s), "no thread");
	expect(wait_until(has_ended, &s, 10000 * scale), "a device waits for a file system");
	thaw();
	pthread_join(s.thread, NULL);
	need_ok(munmap(its, MIB));
	space_gone(fd, its_id);
	its = file_load_first(dev, PAGE);
	expect(page_is(its, 0, 2), "on the device");
	free(its);
	unmount_all();
}

static const struct test tests[] = {
	{ "a full file system", no_space, T_DEVICE },
	{ "a file system that is full but for what is reserved", reserved, T_DEVICE },
	{ "a full file system, and what it has no room for is cut off", no_space_cut_off, T_DEVICE },
	{ "bad blocks below a file", bad_blocks_below, T_DEVICE },
	{ "a last page that cannot be written, and others who sync", last_page, T_DEVICE },
	{ "a last page that cannot be written, below an overlay", last_page,
	  T_DEVICE | T_VARIANT(OVERLAY) },
	{ "an emergency remount", emergency_remount, T_DEVICE },
	{ "errors=remount-ro", errors_remount_ro, T_DEVICE },
	{ "errors=remount-ro and dirty pages", errors_remount_ro_dirty, T_DEVICE },
	{ "a file that becomes immutable", immutable, T_DEVICE },
	{ "a frozen file system", frozen, T_DEVICE },
	{ "a frozen file system, on the direct path", frozen_direct, T_DEVICE },
	{ "a frozen file system, and nothing to write", frozen_clean, T_DEVICE },
	{ "a device whose special file is on a frozen file system", frozen_special_file, T_DEVICE },
	{ "a frozen file system and a full pool", frozen_and_full, T_DEVICE },
	{ "a frozen file system and a full pool, on the direct path", frozen_and_full_direct,
	  T_DEVICE },
	{ "a frozen file system below an overlay and a full pool", frozen_and_full,
	  T_DEVICE | T_VARIANT(OVERLAY) },
	{ "a resize whose caller was killed", resize_of_the_dead, T_DEVICE },
	{ "a last page that is leaving when the file grows", grows_while_leaving, T_DEVICE },
};

/* A test that gave up may have left it frozen, and an overlay on it. */
static void clear_away(void)
{
	snprintf(where, sizeof(where), "%s/fs", dir);
	fs_thaw_left(where);
	snprintf(where, sizeof(where), "%s/over", dir);
	umount2(where, MNT_DETACH);
	dm_clear_away();
}

int main(int argc, char **argv)
{
	write_errors_expected = true;
	after_test = clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
