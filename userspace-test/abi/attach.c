// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach, use, list, detach: what goes well, on every kind of backing, and what info and nodes say
 * then.
 */
#include "park.h"

#include <dirent.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#define NR	48UL
#define BYTES	(NR * PAGE - 1000)
#define RW	(PROT_READ | PROT_WRITE)

/* Use the space fully: look, store, evict, look again, sync; the model follows. */
static void use(int fd, u8 *model, u64 bytes, u64 version)
{
	u64 vpn, room = PAGES(bytes) * PAGE, len;
	u8 *m = map(fd, room, RW, MAP_SHARED);
	u8 page[PAGE] __attribute__((aligned(8)));

	expect(bytes_are(m, model, bytes, 0), "the mapping");
	for (vpn = version & 1; vpn < PAGES(bytes); vpn += 2) {
		len = bytes - vpn * PAGE < PAGE ? bytes - vpn * PAGE : PAGE;
		page_fill(page, vpn, version);
		memcpy(model + vpn * PAGE, page, len);
		memcpy(m + vpn * PAGE, page, len);
	}
	make_absent(fd, m, room);
	expect(bytes_are(m, model, bytes, 0), "the mapping after eviction");
	need_ok(munmap(m, room));
}

/* The page cache has nothing of the file. */
static void forget(const char *path)
{
	int f = need_ok(open(path, O_RDONLY | O_CLOEXEC));

	need_ok(fsync(f));
	posix_fadvise(f, 0, 0, POSIX_FADV_DONTNEED);
	need_ok(close(f));
}

/* Pages of the file that the page cache has. */
static u64 cached(const char *path, u64 bytes)
{
	int f = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	u8 *p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, f, 0);
	u8 *in = calloc(PAGES(bytes), 1);
	u64 i, n = 0;

	need(p != MAP_FAILED, "mmap: %s", strerror(errno));
	need_ok(mincore(p, bytes, in));
	for (i = 0; i < PAGES(bytes); i++)
		n += in[i] & 1;
	need_ok(munmap(p, bytes));
	need_ok(close(f));
	free(in);
	return n;
}

static bool on_a_page_cache(const char *path)
{
	struct statfs s;

	need_ok(statfs(path, &s));
	return s.f_type == TMPFS_MAGIC;
}

static void anonymous_on(const char *path, u8 *model, u64 bytes)
{
	struct framepool_space s;
	u64 twice;
	int fd;
	u32 id;

	forget(path);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	space_info(fd, &s);
	expect(s.bytes == bytes, "%ju bytes", (uintmax_t)s.bytes);
	expect(s.state & FRAMEPOOL_SPACE_WRITABLE, "state %#x", s.state);
	diag("%s: %s I/O", path, s.state & FRAMEPOOL_SPACE_DIRECT_IO ? "direct" : "buffered");
	use(fd, model, bytes, 2);
	need_ok(fsync(fd));
	use(fd, model, bytes, 3);
	twice = on_a_page_cache(path) ? 0 : cached(path, bytes);
	/* Readahead leaves some that nobody has asked for; of a small file that may be most. */
	expect(bytes < MIB || twice <= PAGES(bytes) / 4, "%ju of %ju pages are cached twice", (uintmax_t)twice,
	       (uintmax_t)PAGES(bytes));
	space_gone(fd, id);
}

/* Nothing but a hole, of which nothing can be in a page cache. */
static char *make_hole(void)
{
	char *path = file_path("hole");
	int f = need_ok(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));

	need_ok(ftruncate(f, BYTES));
	need_ok(close(f));
	return path;
}

static void on_files(const char *type)
{
	u64 bytes = scale > 1 ? 5 * MIB / 2 : 6 * MIB;
	char where[DIR_SIZE];
	u8 *model;
	char *path;

	pool_use(2 * MIB);
	if (type) {
		if (!fs_mount(type, where, sizeof(where)))
			skip("no %s here", type);
		strcpy(dir, where);
	}
	path = file_make("file", BYTES, 1);
	model = model_make(BYTES, 1);
	anonymous_on(path, model, BYTES);
	expect_file(path, model, BYTES);
	/* Larger than the pool, so that write-back and reads run against each other. */
	path = file_make("big", bytes, 1);
	model = model_make(bytes, 1);
	anonymous_on(path, model, bytes);
	expect_file(path, model, bytes);
	path = make_hole();
	model = calloc(1, NR * PAGE);
	anonymous_on(path, model, BYTES);
	expect_file(path, model, BYTES);
}

static void on_ext4(void)
{
	on_files(NULL);
}

static void on_tmpfs(void)
{
	on_files("tmpfs");
}

static void on_xfs(void)
{
	on_files("xfs");
}

static void on_btrfs(void)
{
	on_files("btrfs");
}

static void on_block_device(void)
{
	u64 bytes, i;
	u8 *model, *is;
	struct framepool_space s;
	int dev, fd;
	u32 id;
	u8 *m;

	dev = open("/dev/ram0", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		skip("no /dev/ram0");
	bytes = need_ok(lseek(dev, 0, SEEK_END));
	pool_use(2 * MIB);
	/* Its first 6 MiB are enough to look at. */
	model = model_make(6 * MIB, 1);
	need(pwrite(dev, model, 6 * MIB, 0) == 6 * MIB, "pwrite");
	need_ok(fsync(dev));
	fd = space_attach("/dev/ram0", O_RDWR);
	space_info(fd, &s);
	id = s.space;
	expect(s.bytes == bytes, "%ju bytes of %ju", (uintmax_t)s.bytes, (uintmax_t)bytes);
	expect(s.state & FRAMEPOOL_SPACE_BLOCKDEV, "state %#x", s.state);
	m = map(fd, bytes, RW, MAP_SHARED);
	expect(bytes_are(m, model, 6 * MIB, 0), "the mapping");
	for (i = 0; i < 6 * MIB / PAGE; i += 3) {
		page_fill(m + i * PAGE, i, 2);
		page_fill(model + i * PAGE, i, 2);
	}
	expect(bytes_are(m, model, 6 * MIB, 0), "the mapping after stores");
	expect(!try_load(m + bytes - 1, NULL), "the last byte");
	need_ok(munmap(m, bytes));
	space_gone(fd, id);
	posix_fadvise(dev, 0, 0, POSIX_FADV_DONTNEED);
	is = aligned_alloc(PAGE, 6 * MIB);
	expect(pread(dev, is, 6 * MIB, 0) == 6 * MIB, "pread");
	expect(bytes_are(is, model, 6 * MIB, 0), "the device");
}

/* The answer for one space by SPACE_NEXT; how many answers in all. */
static unsigned int look_up(const char *name, u32 id, struct framepool_space *found)
{
	struct framepool_space s = { .size = sizeof(s) };
	unsigned int n = 0, hits = 0;

	while (!ioctl(control_fd(), FRAMEPOOL_SPACE_NEXT, &s)) {
		u64 cursor = s.cursor;

		n++;
		if (name ? !strcmp(s.name, name) : s.space == id) {
			*found = s;
			hits++;
		}
		memset(&s, 0, sizeof(s));
		s.size = sizeof(s);
		s.cursor = cursor;
	}
	expect(errno == ENOENT, "%s", strerror(errno));
	return name ? hits : n;
}

static void named(void)
{
	struct framepool_space s, info;
	u8 *model = model_make(BYTES, 1);
	struct stat st;
	char *path;
	int fd;

	pool_use(2 * MIB);
	path = file_make("file", BYTES, 1);
	umask(0);
	space_name(path, "t.named", O_RDWR);
	need_ok(stat(NODES "/t.named", &st));
	expect(S_ISCHR(st.st_mode), "not a character device");
	expect((st.st_mode & 07777) == 0600, "mode %o", st.st_mode & 07777);
	expect(st.st_uid == 0 && st.st_gid == 0, "owner %u:%u", st.st_uid, st.st_gid);
	expect(look_up("t.named", 0, &s) == 1, "not listed once");
	expect(s.bytes == BYTES && !s.uid && (s.state & FRAMEPOOL_SPACE_NAMED) &&
	       (s.state & FRAMEPOOL_SPACE_WRITABLE) && !(s.state & FRAMEPOOL_SPACE_BLOCKDEV),
	       "%ju bytes, uid %u, state %#x", (uintmax_t)s.bytes, s.uid, s.state);
	expect(!strcmp(s.pool, pool), "pool '%s'", s.pool);
	expect(s.opens == 1, "%u opens", s.opens);
	fd = need_ok(node_open("t.named", O_RDWR));
	space_info(fd, &info);
	expect(info.space == s.space && info.opens == 2 && !strcmp(info.name, "t.named"),
	       "space %u, %u opens, name '%s'", info.space, info.opens, info.name);
	expect(lseek(fd, 0, SEEK_END) == (off_t)BYTES, "SEEK_END");
	expect(lseek(fd, 0, SEEK_CUR) == (off_t)BYTES, "SEEK_CUR");
	expect(lseek(fd, 0, SEEK_SET) == 0, "SEEK_SET");
	use(fd, model, BYTES, 2);
	need_ok(close(fd));
	/* Open again: the pages are still there, and so is what was stored. */
	fd = need_ok(node_open("t.named", O_RDWR));
	use(fd, model, BYTES, 3);
	need_ok(close(fd));
	need_ok(detach("t.named"));
	expect(stat(NODES "/t.named", &st) == -1 && errno == ENOENT, "the node is still there");
	expect(look_up("t.named", 0, &s) == 0, "still listed");
	expect_file(path, model, BYTES);
	/* The name is free again. */
	space_name(path, "t.named", O_RDWR);
	need_ok(detach("t.named"));
}

/* Names of every legal shape. */
static void names(void)
{
	static const char * const legal[] = {
		"t.a", "t.-", "t._", "t...", "t.0123456789", "t.ABCxyz.-_",
		"t.3456789012345678901234567890123456789012345678901234567890123", /* 63 */
	};
	struct framepool_space s;
	char *path;
	u64 i;
	int fd;

	pool_use(2 * MIB);
	path = file_make("file", BYTES, 1);
	need(strlen(legal[6]) == 63, "63 it must be");
	for (i = 0; i < ARRAY_SIZE(legal); i++)
		space_name(path, legal[i], O_RDWR);
	for (i = 0; i < ARRAY_SIZE(legal); i++) {
		expect(look_up(legal[i], 0, &s) == 1, "%s is not listed once", legal[i]);
		fd = node_open(legal[i], O_RDWR);
		expect(fd >= 0, "%s: %s", legal[i], strerror(errno));
		close(fd);
	}
	for (i = 0; i < ARRAY_SIZE(legal); i++)
		expect(!detach(legal[i]), "detach %s: %s", legal[i], strerror(errno));
}

/* Mode and group on request. */
static void modes(void)
{
	struct framepool_attach a;
	struct stat st;
	char *path;
	int fd;

	pool_use(2 * MIB);
	path = file_make("file", BYTES, 1);
	fd = need_ok(open(path, O_RDWR));
	attach_init(&a, fd);
	name_set(a.name, "t.mode");
	a.flags = FRAMEPOOL_ATTACH_MODE | FRAMEPOOL_ATTACH_GROUP;
	a.mode = 0640;
	a.gid = 4321;
	need_ok(attach(&a));
	need_ok(stat(NODES "/t.mode", &st));
	expect((st.st_mode & 07777) == 0640, "mode %o", st.st_mode & 07777);
	expect(st.st_uid == 0 && st.st_gid == 4321, "owner %u:%u", st.st_uid, st.st_gid);
	need_ok(detach("t.mode"));
	name_set(a.name, "t.mode2");
	a.flags = FRAMEPOOL_ATTACH_MODE;
	a.mode = 0666;
	a.gid = 0;
	need_ok(attach(&a));
	need_ok(stat(NODES "/t.mode2", &st));
	expect((st.st_mode & 07777) == 0666 && st.st_gid == 0, "mode %o, group %u",
	       st.st_mode & 07777, st.st_gid);
	need_ok(detach("t.mode2"));
}

static void reading_member(void *arg)
{
	int fd;

	(void)arg;
	become(1000, 4321);
	expect((fd = node_open("t.group", O_RDONLY)) >= 0, "%s", strerror(errno));
	expect_errno(node_open("t.group", O_RDWR), EACCES);
	expect(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES, "%s",
	       strerror(errno));
	map(fd, PAGE, PROT_READ, MAP_SHARED);
}

/* Who is in the group gets what the mode says. */
static void group(void)
{
	struct framepool_attach a;
	char *path;
	int fd;

	pool_use(2 * MIB);
	path = file_make("file", BYTES, 1);
	fd = need_ok(open(path, O_RDWR));
	attach_init(&a, fd);
	name_set(a.name, "t.group");
	a.flags = FRAMEPOOL_ATTACH_MODE | FRAMEPOOL_ATTACH_GROUP;
	a.mode = 0640;
	a.gid = 4321;
	need_ok(attach(&a));
	child_join(child_start(reading_member, NULL));
	need_ok(detach("t.group"));
}

static char *users_file;

/* Through a control descriptor that root opened, as the udev rule's group would have its own. */
static void users_child(void *arg)
{
	int control = *(int *)arg, file, fd;
	struct framepool_attach a;
	struct framepool_detach d = { .size = sizeof(d) };
	struct stat st;

	become(1000, 1001);
	file = need_ok(open(users_file, O_RDWR));
	attach_init(&a, file);
	name_set(a.name, "t.user");
	need_ok(ioctl(control, FRAMEPOOL_ATTACH, &a));
	need_ok(stat(NODES "/t.user", &st));
	expect(st.st_uid == 1000 && st.st_gid == 1001, "owner %u:%u", st.st_uid, st.st_gid);
	fd = need_ok(node_open("t.user", O_RDWR));
	need_ok(close(fd));
	a.flags = FRAMEPOOL_ATTACH_GROUP;
	a.gid = 4321;
	name_set(a.name, "t.group");
	expect_errno(ioctl(control, FRAMEPOOL_ATTACH, &a), EPERM);
	name_set(d.name, "t.root");
	expect_errno(ioctl(control, FRAMEPOOL_DETACH, &d), EPERM);
	name_set(d.name, "t.user");
	need_ok(ioctl(control, FRAMEPOOL_DETACH, &d));
	/* And once more for root, or another, to detach. */
	a.flags = 0;
	a.gid = 0;
	name_set(a.name, "t.user");
	need_ok(ioctl(control, FRAMEPOOL_ATTACH, &a));
}

static void stranger_child(void *arg)
{
	struct framepool_detach d = { .size = sizeof(d) };

	become(2000, 2000);
	name_set(d.name, "t.user");
	expect_errno(ioctl(*(int *)arg, FRAMEPOOL_DETACH, &d), EPERM);
	expect_errno(node_open("t.user", O_RDONLY), EACCES);
	expect_errno(node_open("t.user", O_RDWR), EACCES);
}

/* A space is its attacher's: owner of the node, and who may take it down. */
static void owners(void)
{
	int control = control_fd();
	struct framepool_space s;
	char *path;

	pool_use(2 * MIB);
	need_ok(chmod(dir, 0755));
	path = file_make("root", BYTES, 1);
	users_file = file_make("user", BYTES, 1);
	need_ok(chown(users_file, 1000, 1001));
	space_name(path, "t.root", O_RDWR);
	child_join(child_start(users_child, &control));
	expect(look_up("t.user", 0, &s) == 1 && s.uid == 1000, "uid %u", s.uid);
	child_join(child_start(stranger_child, &control));
	need_ok(detach("t.user"));
	need_ok(detach("t.root"));
}

#define NODES_MAX	1024

static int name_one(int control, int file, int nr)
{
	struct framepool_attach a;
	char name[32];

	attach_init(&a, file);
	snprintf(name, sizeof(name), "t.many.%d", nr);
	name_set(a.name, name);
	return ioctl(control, FRAMEPOOL_ATTACH, &a);
}

static void unname_one(int control, int nr)
{
	struct framepool_detach d = { .size = sizeof(d) };
	char name[32];

	snprintf(name, sizeof(name), "t.many.%d", nr);
	name_set(d.name, name);
	need_ok(ioctl(control, FRAMEPOOL_DETACH, &d));
}

static void name_many(void *arg)
{
	struct framepool_pool p = { .size = sizeof(p) };
	int control = *(int *)arg, file, nr = 0;

	become(1000, 1001);
	/* Nor is a stranger told where a pool lies. */
	need_ok(ioctl(control, FRAMEPOOL_POOL_NEXT, &p));
	expect(!p.base, "the pool is at %#jx", (uintmax_t)p.base);
	file = need_ok(open(users_file, O_RDWR));
	while (nr < NODES_MAX + 10 && !name_one(control, file, nr))
		nr++;
	expect(nr == NODES_MAX && errno == EDQUOT, "%d nodes, then %s", nr, strerror(errno));
	unname_one(control, 0);
	need_ok(name_one(control, file, 0));
	while (nr--)
		unname_one(control, nr);
}

/* Minors are everybody's, so one user has only so many; root is not bound by that. */
static void nodes_of_a_user(void)
{
	int control = control_fd();
	struct framepool_pool p;

	pool_use(2 * MIB);
	expect(pool_info(pool, &p) && p.base, "root is not told where the pool lies");
	need_ok(chmod(dir, 0755));
	users_file = file_make("user", BYTES, 1);
	need_ok(chown(users_file, 1000, 1001));
	child_join(child_start(name_many, &control));
}

/* A named and an unnamed attachment of a file: two answers, one space. */
static void named_and_not(void)
{
	struct framepool_space s, t;
	u8 *model = model_make(BYTES, 1);
	unsigned int n;
	char *path;
	int one, two;
	u32 id;
	u8 *m;

	pool_use(2 * MIB);
	path = file_make("file", BYTES, 1);
	one = space_attach(path, O_RDWR);
	id = space_id(one);
	space_name(path, "t.both", O_RDWR);
	n = look_up(NULL, id, &s);
	expect(n == 2, "%u answers, not two", n);
	expect(look_up("t.both", 0, &t) == 1 && t.space == id, "space %u and %u", id, t.space);
	two = need_ok(node_open("t.both", O_RDWR));
	m = map(one, NR * PAGE, RW, MAP_SHARED);
	m[77] = model[77] = 1;
	use(two, model, BYTES, 2);
	expect(bytes_are(m, model, BYTES, 0), "by the unnamed one");
	need_ok(close(two));
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(one));
	need_ok(detach("t.both"));
	expect(!space_listed(id), "still there");
	expect_file(path, model, BYTES);
}

static void read_only(void)
{
	u8 *model = model_make(BYTES, 1), *m;
	struct framepool_space s;
	char *path;
	int fd;

	pool_use(2 * MIB);
	path = file_make("file", BYTES, 1);
	need_ok(chmod(path, 0400));
	space_name(path, "t.ro", O_RDONLY);
	fd = need_ok(node_open("t.ro", O_RDONLY));
	space_info(fd, &s);
	expect(!(s.state & FRAMEPOOL_SPACE_WRITABLE), "state %#x", s.state);
	m = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
	expect(bytes_are(m, model, BYTES, 0), "the mapping");
	expect(try_store(m, 1) == SIGSEGV, "a store");
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	need_ok(detach("t.ro"));
	expect_file(path, model, BYTES);
}

static void unlinked(void)
{
	u8 *model = model_make(BYTES, 1), *is = aligned_alloc(PAGE, NR * PAGE);
	int back, fd;
	char *path;

	pool_use(2 * MIB);
	path = file_make("file", BYTES, 1);
	back = need_ok(open(path, O_RDONLY));
	space_name(path, "t.gone", O_RDWR);
	need_ok(unlink(path));
	fd = need_ok(node_open("t.gone", O_RDWR));
	use(fd, model, BYTES, 2);
	need_ok(close(fd));
	need_ok(detach("t.gone"));
	posix_fadvise(back, 0, 0, POSIX_FADV_DONTNEED);
	expect(pread(back, is, NR * PAGE, 0) == (ssize_t)BYTES, "pread");
	expect(bytes_are(is, model, BYTES, 0), "the unlinked file");
}

/* What counters say after a known little piece of work. */
static void counters(void)
{
	struct framepool_block one = { .size = sizeof(one), .block_type = FRAMEPOOL_BLOCK_1 };
	struct framepool_space a, b;
	struct framepool_pool p;
	char *path;
	u64 vpn;
	u32 id;
	u8 *m;
	int fd;

	pool_use(4 * MIB);
	path = file_make("file", NR * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	/* A fault for each page. */
	need_ok(ioctl(fd, FRAMEPOOL_SET_BLOCK, &one));
	id = space_id(fd);
	space_info(fd, &a);
	expect(!a.resident && !a.fills && !a.dirty && !a.major_faults && !a.evictions &&
		       !a.written && !a.pinned && !a.write_error,
	       "a new space is not new");
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "page");
	for (vpn = 0; vpn < 10; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	space_info(fd, &b);
	expect(b.resident == NR && b.fills == NR && b.major_faults == NR,
	       "%ju resident, %ju fills, %ju major", (uintmax_t)b.resident, (uintmax_t)b.fills,
	       (uintmax_t)b.major_faults);
	make_absent(fd, m, NR * PAGE);
	space_info(fd, &b);
	expect(!b.resident && b.evictions == NR && b.written == 10 && !b.dirty,
	       "%ju resident, %ju evictions, %ju written, %ju dirty", (uintmax_t)b.resident,
	       (uintmax_t)b.evictions, (uintmax_t)b.written, (uintmax_t)b.dirty);
	expect(!try_load(m, NULL), "page 0");
	need(pool_info(pool, &p), "no pool");
	expect(p.spaces == 1 && p.resident == 1 && p.resident_max == NR && p.fills == NR + 1 &&
		       p.evictions == NR && p.written == 10,
	       "%u spaces, %ju resident, most %ju", p.spaces, (uintmax_t)p.resident,
	       (uintmax_t)p.resident_max);
	expect(p.frames == 4 * MIB / PAGE && p.bound == p.frames - p.kernel - p.nodes,
	       "%ju frames, bound %ju", (uintmax_t)p.frames, (uintmax_t)p.bound);
	expect(p.free + p.resident + p.nodes + p.kernel == p.frames,
	       "%ju free + %ju + %ju + %ju of %ju", (uintmax_t)p.free, (uintmax_t)p.resident,
	       (uintmax_t)p.nodes, (uintmax_t)p.kernel, (uintmax_t)p.frames);
	for (vpn = 0, id = 0; vpn < 19; vpn++)
		id += p.free_blocks[vpn] << vpn;
	expect(id == p.free, "free blocks add up to %u of %ju", id, (uintmax_t)p.free);
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, b.space);
	need(pool_info(pool, &p), "no pool");
	expect(!p.resident && !p.nodes && p.free == p.bound && !p.spaces,
	       "an empty pool has %ju resident, %ju nodes, %ju free of %ju", (uintmax_t)p.resident,
	       (uintmax_t)p.nodes, (uintmax_t)p.free, (uintmax_t)p.bound);
}

/* Many spaces at once, listed each once, gone all. */
static void many(void)
{
	enum { MANY = 64 };
	struct framepool_space s;
	int fd[MANY];
	u32 id[MANY];
	char name[32], *path;
	u64 i, k;
	u8 *m;

	pool_use(2 * MIB);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many.%ju", (uintmax_t)i);
		path = file_make(name, 3 * PAGE, i << 8);
		fd[i] = space_attach(path, O_RDWR);
		id[i] = space_id(fd[i]);
		for (k = 0; k < i; k++)
			expect(id[i] != id[k], "two spaces have id %u", id[i]);
	}
	expect(look_up(NULL, id[0], &s) == MANY, "not all are listed");
	for (k = 0; k < 3; k++)
		for (i = 0; i < MANY; i++) {
			m = map(fd[i], 3 * PAGE, RW, MAP_SHARED);
			expect(page_is(m + k * PAGE, k, i << 8), "space %ju", (uintmax_t)i);
			page_fill(m + k * PAGE, k, i << 8 | 1);
			need_ok(munmap(m, 3 * PAGE));
		}
	for (i = 0; i < MANY; i++)
		space_gone(fd[i], id[i]);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many.%ju", (uintmax_t)i);
		m = file_load(file_path(name), &k);
		for (k = 0; k < 3; k++)
			expect(page_is(m + k * PAGE, k, i << 8 | 1), "file %ju", (uintmax_t)i);
	}
}

struct listened {
	const char *path;
	int listener;
	atomic_uint done;
};

static void use_listened(void *arg)
{
	struct listened *l = arg;
	struct framepool_range r;
	u8 *m;
	u32 id;
	int fd;

	/* Whoever waits for an answer waits until nobody can give it any more. */
	need_ok(close(l->listener));
	fd = space_attach(l->path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	expect(page_is(m, 0, 1), "a load");
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 0, 0, &r));
	page_fill(m, 0, 2);
	need_ok(fsync(fd));
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	atomic_store(&l->done, 1);
}

static bool listened_done(void *arg)
{
	struct listened *l = arg;

	return atomic_load(&l->done);
}

/* Somebody wants to be asked before the file is read, and never answers. */
static void listeners(void)
{
	struct listened *l = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	need(l != MAP_FAILED, "%s", strerror(errno));
	l->path = file_make("file", NR * PAGE, 1);
	l->listener = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY);
	if (l->listener < 0)
		skip("no fanotify: %s", strerror(errno));
	if (fanotify_mark(l->listener, FAN_MARK_ADD, FAN_ACCESS_PERM, AT_FDCWD, l->path))
		skip("it asks for no leave: %s", strerror(errno));
	pool_use(2 * MIB);
	pid = child_start(use_listened, l);
	expect(wait_until(listened_done, l, 20000), "the listener is asked");
	need_ok(close(l->listener));
	child_join(pid);
}

/* Reading a directory keeps its lock until what is read has been copied. */
static long read_nodes(struct park *p)
{
	return getdents64(p->fd, p->page, PAGE);
}

static void name_space(void *unused)
{
	(void)unused;
	space_name(file_path("file"), "t-late", O_RDWR);
}

static void detach_space(void *unused)
{
	(void)unused;
	need_ok(detach("t-late"));
}

static void use_unnamed(void *unused)
{
	int fd = space_attach(file_path("other"), O_RDWR);
	u32 id = space_id(fd);

	(void)unused;
	expect(space_listed(id), "it is not listed");
	/* Its name is taken, and it is not there yet, or not any more. */
	expect_errno(detach("t-late"), EBUSY);
	space_gone(fd, id);
}

static void beside_reader_of_nodes(void (*run)(void *unused))
{
	int nodes = need_ok(open(NODES, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct park park;
	pid_t pid, other;

	park_begin(&park, read_nodes, nodes);
	pid = child_start(run, NULL);
	expect(task_waits(pid, pid, 20000), "a node comes or goes in a directory that is locked");
	other = child_start(use_unnamed, NULL);
	park_beside(&park, other);
	park_end(&park);
	child_join(pid);
	need_ok(close(nodes));
}

/* Who reads the directory of the nodes keeps nodes from coming and going, and nothing else. */
static void reader_of_nodes(void)
{
	pool_use(2 * MIB);
	file_make("file", NR * PAGE, 1);
	file_make("other", NR * PAGE, 1);
	beside_reader_of_nodes(name_space);
	need_ok(close(node_open("t-late", O_RDWR)));
	beside_reader_of_nodes(detach_space);
	expect(access(NODES "/t-late", F_OK) == -1 && errno == ENOENT, "the node is still there");
}

static const struct test tests[] = {
	{ "a file on ext4", on_ext4, T_DEVICE },
	{ "a file on tmpfs", on_tmpfs, T_DEVICE },
	{ "a file on xfs", on_xfs, T_DEVICE },
	{ "a file on btrfs", on_btrfs, T_DEVICE },
	{ "a block device", on_block_device, T_DEVICE },
	{ "a named space", named, T_DEVICE },
	{ "names", names, T_DEVICE },
	{ "mode and group of a node", modes, T_DEVICE },
	{ "who is in the group", group, T_DEVICE },
	{ "who owns a space", owners, T_DEVICE },
	{ "how many nodes a user has", nodes_of_a_user, T_DEVICE },
	{ "named and unnamed at once", named_and_not, T_DEVICE },
	{ "read-only", read_only, T_DEVICE },
	{ "an unlinked file", unlinked, T_DEVICE },
	{ "counters", counters, T_DEVICE },
	{ "many spaces", many, T_DEVICE },
	{ "who listens to the file is not asked", listeners, T_DEVICE },
	{ "who reads the directory of nodes, and others", reader_of_nodes, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
