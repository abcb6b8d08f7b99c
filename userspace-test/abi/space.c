// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spaces and pools by raw ioctl, or the plain file in their place; file systems and loop devices to put
 * the backing on.
 */
#include "test.h"

#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#define WAIT_MS		"/sys/module/framepool/parameters/wait_ms"

char pool[FRAMEPOOL_NAME_SIZE];

static int control = -1;
static pid_t control_owner;

int control_fd(void)
{
	if (control < 0 || control_owner != getpid()) {
		control = need_ok(open(CONTROL, O_RDWR | O_CLOEXEC));
		control_owner = getpid();
	}
	return control;
}

void control_close(void)
{
	if (control >= 0)
		close(control);
	control = -1;
}

u32 attach_flags;
u32 attach_block;

void attach_init(struct framepool_attach *a, int fd)
{
	memset(a, 0, sizeof(*a));
	a->size = sizeof(*a);
	a->fd = fd;
	a->space_fd = -1;
	a->flags = attach_flags;
	a->block_type = attach_block;
	memcpy(a->pool, pool, sizeof(a->pool));
}

int attach(struct framepool_attach *a)
{
	return ioctl(control_fd(), FRAMEPOOL_ATTACH, a);
}

int space_attach(const char *path, int oflags)
{
	int fd = need_ok(open(path, oflags | O_CLOEXEC));
	struct framepool_attach a;

	if (plain)
		return fd;
	attach_init(&a, fd);
	if ((oflags & O_ACCMODE) == O_RDONLY)
		a.flags |= FRAMEPOOL_ATTACH_READ_ONLY;
	need_ok(attach(&a));
	need(a.space_fd >= 0, "%s: no descriptor", path);
	need_ok(close(fd));
	return a.space_fd;
}

void space_name(const char *path, const char *name, int oflags)
{
	int fd = need_ok(open(path, oflags | O_CLOEXEC));
	struct framepool_attach a;

	attach_init(&a, fd);
	if ((oflags & O_ACCMODE) == O_RDONLY)
		a.flags |= FRAMEPOOL_ATTACH_READ_ONLY;
	name_set(a.name, name);
	need_ok(attach(&a));
	expect(a.space_fd == -1, "a named attachment gave the descriptor %d", a.space_fd);
	need_ok(close(fd));
}

int node_open(const char *name, int oflags)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), NODES "/%s", name);
	return open(path, oflags | O_CLOEXEC);
}

void name_set(char *to, const char *name)
{
	size_t len = strnlen(name, FRAMEPOOL_NAME_SIZE);

	memset(to, 0, FRAMEPOOL_NAME_SIZE);
	memcpy(to, name, len);
}

int detach(const char *name)
{
	struct framepool_detach d = { .size = sizeof(d) };

	name_set(d.name, name);
	return ioctl(control_fd(), FRAMEPOOL_DETACH, &d);
}

void space_info(int fd, struct framepool_space *s)
{
	memset(s, 0, sizeof(*s));
	s->size = sizeof(*s);
	need_ok(ioctl(fd, FRAMEPOOL_SPACE_INFO, s));
}

u32 space_id(int fd)
{
	struct framepool_space s;

	if (plain)
		return 0;
	space_info(fd, &s);
	return s.space;
}

/* The answer after *s, which begins as zeros. */
bool space_next(struct framepool_space *s)
{
	u64 cursor = s->cursor;
	int ret;

	memset(s, 0, sizeof(*s));
	s->size = sizeof(*s);
	s->cursor = cursor;
	ret = ioctl(control_fd(), FRAMEPOOL_SPACE_NEXT, s);
	if (ret)
		need(errno == ENOENT, "SPACE_NEXT: %s", strerror(errno));
	return !ret;
}

bool pool_next(struct framepool_pool *p)
{
	u64 cursor = p->cursor;
	int ret;

	memset(p, 0, sizeof(*p));
	p->size = sizeof(*p);
	p->cursor = cursor;
	ret = ioctl(control_fd(), FRAMEPOOL_POOL_NEXT, p);
	if (ret)
		need(errno == ENOENT, "POOL_NEXT: %s", strerror(errno));
	return !ret;
}

unsigned int spaces_count(void)
{
	struct framepool_space s = { .cursor = 0 };
	unsigned int n = 0;

	while (space_next(&s))
		n++;
	return n;
}

bool no_spaces(void *unused)
{
	(void)unused;
	return !spaces_count();
}

bool space_listed(u32 id)
{
	struct framepool_space s = { .cursor = 0 };

	while (space_next(&s))
		if (s.space == id)
			return true;
	return false;
}

bool space_is_orphan(void *id)
{
	struct framepool_space s = { .cursor = 0 };

	while (space_next(&s))
		if (s.space == *(u32 *)id)
			return s.state & FRAMEPOOL_SPACE_ORPHAN;
	return false;
}

static bool not_listed(void *arg)
{
	return !space_listed(*(u32 *)arg);
}

void space_gone(int fd, u32 id)
{
	if (fd >= 0)
		need_ok(close(fd));
	if (!plain)
		expect(wait_until(not_listed, &id, SETTLE_MS), "space %u is still there", id);
}

/* The default pool is the one that was there first: the first that is listed and no test's. */
bool pool_info(const char *name, struct framepool_pool *p)
{
	memset(p, 0, sizeof(*p));
	while (pool_next(p))
		if (name[0] ? !strcmp(p->name, name) : strncmp(p->name, "t-", 2) != 0)
			return true;
	return false;
}

u32 pool_flags;

void pool_use_policy(u64 bytes, const char *policy)
{
	struct framepool_pool_create c = {
		.size = sizeof(c), .flags = pool_flags, .bytes = bytes, .node = -1,
	};
	int ret, tries = 0;

	if (plain)
		return;
	snprintf(c.name, sizeof(c.name), "t-%d", getpid());
	snprintf(c.policy, sizeof(c.policy), "%s", policy);
	if (getenv("FPOOL_BASE"))
		c.base = strtoull(getenv("FPOOL_BASE"), NULL, 0);
	/* Contiguous memory may be busy for a moment. */
	do
		ret = ioctl(control_fd(), FRAMEPOOL_POOL_CREATE, &c);
	while (ret && errno == ENOMEM && tries++ < 5);
	need(!ret, "a pool of %ju bytes: %s", (uintmax_t)bytes, strerror(errno));
	memcpy(pool, c.name, sizeof(pool));
}

void pool_use(u64 bytes)
{
	pool_use_policy(bytes, "");
}

int range_op(int fd, unsigned long cmd, u64 offset, u64 length, struct framepool_range *r)
{
	memset(r, 0, sizeof(*r));
	r->size = sizeof(*r);
	r->offset = offset;
	r->length = length;
	return ioctl(fd, cmd, r);
}

u64 resident_pages(int fd, u64 offset, u64 length, u8 *bitmap)
{
	struct framepool_residency r = { .size = sizeof(r), .offset = offset, .length = length,
					 .bitmap = (uintptr_t)bitmap };

	need_ok(ioctl(fd, FRAMEPOOL_RESIDENCY, &r));
	return r.resident;
}

void *map(int fd, u64 bytes, int prot, int flags)
{
	void *m = mmap(NULL, bytes, prot, flags, fd, 0);

	need(m != MAP_FAILED, "mmap of %ju bytes: %s", (uintmax_t)bytes, strerror(errno));
	return m;
}

void make_absent(int fd, void *mapping, u64 bytes)
{
	struct framepool_range r;
	int tries = 0;

	if (plain) {
		need_ok(msync(mapping, bytes, MS_SYNC));
		need_ok(madvise(mapping, bytes, MADV_DONTNEED));
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		return;
	}
	/* A block that is read ahead is on its way still. */
	do {
		if (tries)
			usleep(1000);
		need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	} while (r.busy && ++tries < 10000);
	expect(!r.pinned && !r.held && !r.failed, "%ju pinned, %ju held, %ju failed",
	       (uintmax_t)r.pinned, (uintmax_t)r.held, (uintmax_t)r.failed);
	expect(!resident_pages(fd, 0, 0, memset(malloc(PAGES(bytes) / 8 + 8), 0, 8)),
	       "pages stayed (%ju busy)", (uintmax_t)r.busy);
}

/* Pressure: everything else in the pool that may leave has to. */
void squeeze(u64 bytes)
{
	char name[64], *path;
	u64 vpn, pages = PAGES(bytes);
	u32 id;
	u8 *m;
	int fd;

	snprintf(name, sizeof(name), "squeeze.%d", getpid());
	path = file_make(name, bytes, 77);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (vpn = 0; vpn < pages; vpn++) {
		expect(page_is(m + vpn * PAGE, vpn, 77), "scratch file under pressure");
		page_fill(m + vpn * PAGE, vpn, 78);
	}
	need_ok(munmap(m, bytes));
	space_gone(fd, id);
	need_ok(unlink(path));
	free(path);
}

/* Pages that have to be written first go round once more: what leaves in one pass is not certain. */
void squeeze_out(int fd, u64 left)
{
	struct framepool_space s;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		squeeze(4 * MIB);
		space_info(fd, &s);
		if (s.resident <= left)
			return;
	}
	need(false, "%ju pages stay, %ju expected", (uintmax_t)s.resident, (uintmax_t)left);
}

static unsigned int wait_ms_before;

static bool number_file(const char *path, unsigned int *value, bool write_it)
{
	FILE *f = fopen(path, write_it ? "w" : "r");
	bool done;

	if (!f)
		return false;
	done = write_it ? fprintf(f, "%u\n", *value) > 0 : fscanf(f, "%u", value) == 1;
	return !fclose(f) && done;
}

void wait_ms_note(void)
{
	if (!number_file(WAIT_MS, &wait_ms_before, false))
		wait_ms_before = 0;
}

void wait_ms_restore(void)
{
	if (wait_ms_before)
		number_file(WAIT_MS, &wait_ms_before, true);
}

void set_wait_ms(unsigned int ms)
{
	if (!plain)
		need(number_file(WAIT_MS, &ms, true), WAIT_MS ": %s", strerror(errno));
}

void set_clean_ms(const char *ms)
{
	if (plain)
		return;
	/* Not there while a test of loading has it unloaded. */
	knob_write("/sys/module/framepool/parameters/clean_ms", ms);
	knob_write("/sys/kernel/framepool/default/clean_ms", ms);
}

bool loop_make(u64 bytes, char *dev, size_t len)
{
	static unsigned int made;
	struct loop_config config = { .block_size = 512, .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	char name[64], *path;
	int control, nr, loop, fd;

	if (plain_at_home)
		return false;
	control = access("/dev/loop-control", F_OK) && system("modprobe -q loop") ? -1 :
		  open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return false;
	nr = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	if (nr < 0)
		return false;
	snprintf(dev, len, "/dev/loop%d", nr);
	snprintf(name, sizeof(name), "loop.%u", made++);
	path = file_path(name);
	fd = need_ok(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	need_ok(ftruncate(fd, bytes));
	loop = need_ok(open(dev, O_RDWR | O_CLOEXEC));
	config.fd = fd;
	need_ok(ioctl(loop, LOOP_CONFIGURE, &config));
	/* The open descriptor keeps it until the test's process ends; then AUTOCLEAR. */
	close(fd);
	free(path);
	return true;
}

void ext4_on(const char *dev, const char *mkfs, const char *options, char *where, size_t len)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "mkfs.ext4 -qF -b 4096 %s %s >/dev/null 2>&1", mkfs, dev);
	if (system(cmd))
		skip("no mkfs.ext4");
	snprintf(where, len, "%s/fs", dir);
	need_ok(mkdir(where, 0755));
	need_ok(mount(dev, where, "ext4", 0, options));
	note_mounted(where);
}

void fs_thaw_left(const char *where)
{
	int f = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (f < 0)
		return;
	ioctl(f, FITHAW, 0);
	close(f);
}

static bool is_read_only(void *where)
{
	struct statvfs s;

	return !statvfs(where, &s) && s.f_flag & ST_RDONLY;
}

void all_read_only(const char *where)
{
	int trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (trigger < 0)
		skip("no /proc/sysrq-trigger");
	need(write(trigger, "u", 1) == 1, "sysrq: %s", strerror(errno));
	need(wait_until(is_read_only, (void *)where, 20000), "still writable");
	need_ok(close(trigger));
}

void all_writable(const char *where)
{
	need_ok(mount(NULL, where, NULL, MS_REMOUNT, NULL));
	need_ok(mount(NULL, getenv("FPOOL_DIR") ?: "/mnt", NULL, MS_REMOUNT, NULL));
}

bool fs_mount(const char *type, char *where, size_t len)
{
	char cmd[PATH_MAX + 128], dev[64];

	if (plain_at_home)
		return false;
	snprintf(where, len, "%s/%s", dir, type);
	need_ok(mkdir(where, 0755));
	if (!strcmp(type, "tmpfs")) {
		if (mount("none", where, "tmpfs", 0, "size=128M"))
			return false;
	} else {
		snprintf(cmd, sizeof(cmd),
			 "command -v mkfs.%s >/dev/null 2>&1 && { modprobe -q %s || grep -q %s "
			 "/proc/filesystems; }",
			 type, type, type);
		if (system(cmd) || !loop_make(400 * MIB, dev, sizeof(dev)))
			return false;
		snprintf(cmd, sizeof(cmd), "mkfs.%s %s %s >/dev/null 2>&1", type,
			 !strcmp(type, "ext4") ? "-qF" : "-f", dev);
		if (system(cmd) || mount(dev, where, type, 0, NULL))
			return false;
	}
	note_mounted(where);
	return true;
}
