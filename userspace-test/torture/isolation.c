// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nobody sees what is not his, and nobody does to others what he may not.
 *
 * A process fills frames with a secret and frees them; then another one, of another user and with
 * nothing but a descriptor, looks for it wherever a frame is shown that was not filled to its last
 * byte by a read of his own file.  The bound is watched from
 * the kernel's side while hostile programs run.
 */
#include "torture.h"
#include "module.h"

#include <elf.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <linux/falloc.h>

#define NR	300UL
#define STRANGER 65534
#define RAM	"/dev/ram0"		/* nobody else's */

static char *path;
static u8 *m;
static int fd;
static u32 id;

static void block_type(u32 type)
{
	struct framepool_block b = { .size = sizeof(b), .block_type = type };

	if (!plain)
		need_ok(ioctl(fd, FRAMEPOOL_SET_BLOCK, &b));
}

/* ---- one leaves a secret, another looks for it ---- */

static void leave(void *arg)
{
	secret_leave((uintptr_t)arg);
}

static void leave_secret(u64 pages)
{
	child_join(child_start(leave, (void *)(uintptr_t)pages));
}

/* Where the test may not change its user, another process has to do. */
static void become_stranger(void)
{
	if (!geteuid())
		become(STRANGER, STRANGER);
}

/* What cannot be read is no news; nor may a call that fails have left anything. */
static void search_calls(u8 *buf, u64 vpn)
{
	struct iovec iov[2] = { { buf, 100 }, { buf + PAGE, PAGE } };
	ssize_t n;

	memset(buf, 0, 2 * PAGE);
	n = pread(fd, buf, 2 * PAGE, vpn * PAGE);
	expect(!secret_in(buf, 2 * PAGE), "page %ju, read, %zd", (uintmax_t)vpn, n);
	memset(buf, 0, 2 * PAGE);
	n = preadv(fd, iov, 2, vpn * PAGE + 7);
	expect(!secret_in(buf, 2 * PAGE), "page %ju, read in parts, %zd", (uintmax_t)vpn, n);
}

static void search_mapping(u8 *buf, u64 pages)
{
	u64 vpn;

	m = map(fd, pages * PAGE, PROT_READ, MAP_SHARED);
	for (vpn = 0; vpn < pages; vpn++) {
		if (try_copy(buf, m + vpn * PAGE, PAGE) == 0)
			expect(!secret_in(buf, PAGE), "page %ju, mapped", (uintmax_t)vpn);
		search_calls(buf, vpn);
	}
	need_ok(munmap(m, pages * PAGE));
	m = map(fd, pages * PAGE, RW, MAP_PRIVATE);
	for (vpn = 0; vpn < pages; vpn += 7)
		if (!try_store(m + vpn * PAGE, 1))
			expect(!secret_in(m + vpn * PAGE, PAGE), "page %ju, private",
			       (uintmax_t)vpn);
	need_ok(munmap(m, pages * PAGE));
}

/* Every way to a space's bytes. */
static void searcher(void *arg)
{
	u64 pages = (uintptr_t)arg;
	struct framepool_range r;
	u8 *buf = malloc(2 * PAGE);

	need(buf, "no memory");
	become_stranger();
	for (u32 type = FRAMEPOOL_BLOCK_1; type <= FRAMEPOOL_BLOCK_256; type += 2) {
		block_type(type);
		search_mapping(buf, pages);
		if (!plain)
			need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	}
	free(buf);
}

static void search_attached(u64 pages)
{
	child_join(child_start(searcher, (void *)(uintptr_t)pages));
}

static void search(const char *file, u64 pages)
{
	fd = space_attach(file, O_RDWR);
	id = space_id(fd);
	search_attached(pages);
	space_gone(fd, id);
}

/*
 * Direct reads bring whole blocks of the device; a read through the page cache ends with the
 * file's last byte, and the rest of the frame is ours to clear.
 */
static char *place(const char *name, bool cached)
{
	char where[DIR_SIZE + 16], *file;

	if (!cached)
		return file_path(name);
	if (!fs_mount("tmpfs", where, sizeof(where)))
		skip("no tmpfs here");
	need(asprintf(&file, "%s/%s", where, name) > 0, "no memory");
	return file;
}

static void in_holes(void)
{
	int f;

	pool_use(2 * MIB);
	path = file_path("holes");
	f = need_ok(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	need_ok(ftruncate(f, NR * PAGE));
	need(pwrite(f, "x", 1, 100 * PAGE + 17) == 1, "pwrite");
	/* Unwritten extents are no holes, and have no bytes either. */
	if (fallocate(f, 0, 200 * PAGE, 50 * PAGE))
		diag("no fallocate: %s", strerror(errno));
	need_ok(fsync(f));
	need_ok(close(f));
	leave_secret(NR);
	search(path, NR);
}

/* The last page of a file is shown as a whole, whatever part of it the file has. */
static void tails(bool cached)
{
	static const u64 bytes[] = { 1, 513, PAGE - 1, PAGE + 1, 9 * PAGE + 5, 70 * PAGE + 77 };
	u64 i;

	pool_use(2 * MIB);
	path = place("tail", cached);
	for (i = 0; i < ARRAY_SIZE(bytes); i++) {
		file_make(path, bytes[i], 1);
		leave_secret(100);
		search(path, PAGES(bytes[i]));
	}
}

static void in_tails(void)
{
	tails(false);
}

static void in_cached_tails(void)
{
	tails(true);
}

#define CUT	(37 * PAGE + 100)

static void search_cut(void *arg)
{
	u8 *page = malloc(PAGE);
	u64 vpn;

	(void)arg;
	need(page, "no memory");
	become_stranger();
	for (vpn = 0; vpn < NR / 2; vpn++) {
		if (try_copy(page, m + vpn * PAGE, PAGE)) {
			expect(vpn > CUT / PAGE, "page %ju gives SIGBUS", (uintmax_t)vpn);
			continue;
		}
		expect(!secret_in(page, PAGE), "page %ju", (uintmax_t)vpn);
		if (vpn < CUT / PAGE)
			expect(page_is(page, vpn, 1), "before the cut");
		else if (vpn == CUT / PAGE)
			expect(bytes_zero(page + CUT % PAGE, PAGE - CUT % PAGE, 0), "at the cut");
	}
}

/* The file became shorter behind the pool: reads are short, or find nothing at all. */
static void short_reads(bool cached)
{
	pool_use(2 * MIB);
	path = file_make(place("short", cached), NR / 2 * PAGE, 1);
	leave_secret(NR / 2 + 20);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR / 2 * PAGE, PROT_READ, MAP_SHARED);
	need_ok(truncate(path, CUT));
	block_type(FRAMEPOOL_BLOCK_64);
	child_join(child_start(search_cut, NULL));
	need_ok(munmap(m, NR / 2 * PAGE));
	space_gone(fd, id);
}

static void in_short_reads(void)
{
	short_reads(false);
}

static void in_cached_short_reads(void)
{
	short_reads(true);
}

/*
 * A device with bad places: of what is fetched together some is read, some is not, and the frames had
 * the secret.  When it is well again what comes is its own.
 */
static void in_failed_reads(void)
{
	int ram = open(RAM, O_RDWR | O_CLOEXEC);
	u8 *bytes = model_make(NR * PAGE, 1);
	struct framepool_space s;
	char node[64];

	if (ram < 0 || !dm_make(node, sizeof(node)))
		skip("no device mapper or no " RAM);
	need(pwrite(ram, bytes, NR * PAGE, 0) == (ssize_t)(NR * PAGE), "pwrite: %s",
	     strerror(errno));
	need_ok(fsync(ram));
	need_ok(close(ram));
	dm_table("0 %lu linear " RAM " 0", NR * 8);
	pool_use(2 * MIB);
	leave_secret(NR);
	fd = space_attach(node, O_RDWR);
	id = space_id(fd);
	/* Half of a page, some pages, and all behind. */
	dm_table("0 804 linear " RAM " 0\n804 4 error\n808 392 linear " RAM " 808\n"
		 "1200 80 error\n1280 320 linear " RAM " 1280\n1600 %lu error", NR * 8 - 1600);
	search_attached(NR);
	space_info(fd, &s);
	expect(s.fill_errors, "nothing has failed");
	dm_table("0 %lu linear " RAM " 0", NR * 8);
	m = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
	expect(bytes_are(m, bytes, NR * PAGE, 0), "when it is well again");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect(wait_until(dm_remove, NULL, 10000), "the device is still in use: %s",
	       strerror(errno));
	free(bytes);
}

static bool pool_destroyed(void *arg)
{
	struct framepool_pool_destroy d = { .size = sizeof(d) };

	(void)arg;
	memcpy(d.name, pool, sizeof(d.name));
	return !ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &d);
}

/*
 * A new pool gets the memory of the old one, or anybody's: its frames are not empty, and not shown.
 */
static void in_new_pools(void)
{
	int f;
	u64 i;

	path = place("holes", true);
	f = need_ok(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	need_ok(ftruncate(f, NR * PAGE - 100));
	need_ok(close(f));
	for (i = 0; i < 2; i++) {
		pool_use(2 * MIB);
		leave_secret(NR);
		need(wait_until(pool_destroyed, NULL, SETTLE_MS), "the pool stays: %s",
		     strerror(errno));
		pool_use(2 * MIB);
		search(path, NR);
		need(wait_until(pool_destroyed, NULL, SETTLE_MS), "the pool stays: %s",
		     strerror(errno));
	}
}

/*
 * What the module gave back to the kernel has been emptied: the next who gets it raw is our module.
 */
static void after_unload(void)
{
	int f;

	path = place("holes", true);
	f = need_ok(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	need_ok(ftruncate(f, NR * PAGE - 100));
	need_ok(close(f));
	leave_secret(NR);
	control_close();
	need(wait_until(module_unloads, NULL, SETTLE_MS), "rmmod: %s", strerror(errno));
	module_again();
	search(path, NR);
}

/*
 * Both of these look through the module, which shows nothing that it has not cleared.  So memory
 * that was given back is looked at where it lies, too, as the kernel's mapping of all memory has
 * it.
 */
#define KCORE	"/proc/kcore"

/* Where the file has that physical memory; 0: nowhere. */
static u64 kcore_find(int kcore, u64 base, u64 bytes)
{
	Elf64_Ehdr e;
	Elf64_Phdr p;
	u64 i, at;

	need(pread(kcore, &e, sizeof(e), 0) == sizeof(e), KCORE ": %s", strerror(errno));
	for (i = 0; i < e.e_phnum; i++) {
		at = e.e_phoff + i * sizeof(p);
		need(pread(kcore, &p, sizeof(p), at) == sizeof(p), KCORE ": %s", strerror(errno));
		if (p.p_type == PT_LOAD && base >= p.p_paddr &&
		    base - p.p_paddr + bytes <= p.p_filesz)
			return p.p_offset + base - p.p_paddr;
	}
	return 0;
}

/* Whoever has the memory now may have the word itself, on the stack of a program that looked. */
#define WORDS	8

static u64 secret_pages(int kcore, u64 at, u64 bytes)
{
	u64 page[PAGE / sizeof(u64)], end = at + bytes, nr = 0;

	for (; at < end; at += PAGE) {
		need(pread(kcore, page, PAGE, at) == PAGE, KCORE ": %s", strerror(errno));
		nr += secret_words(page, PAGE) > WORDS;
	}
	return nr;
}

static void give_back(bool unload)
{
	if (unload)
		control_close();
	need(wait_until(unload ? module_unloads : pool_destroyed, NULL, SETTLE_MS),
	     "it stays: %s", strerror(errno));
}

static void after_giving_back(bool unload)
{
	int kcore = open(KCORE, O_RDONLY | O_CLOEXEC);
	struct framepool_pool p;
	u64 at, nr;

	if (kcore < 0 && errno == ENOENT)
		skip("no " KCORE);
	need_ok(kcore);
	if (!unload)
		pool_use(2 * MIB);
	leave_secret(NR);
	need(pool_info(pool, &p), "no pool");
	at = kcore_find(kcore, p.base, p.bytes);
	need(at, "%#jx is not in " KCORE, (uintmax_t)p.base);
	nr = secret_pages(kcore, at, p.bytes);
	need(nr > NR / 2, "%ju pages of %lu are seen where they are", (uintmax_t)nr, NR);
	give_back(unload);
	nr = secret_pages(kcore, at, p.bytes);
	expect(!nr, "%ju pages were given back as they were", (uintmax_t)nr);
	need_ok(close(kcore));
	if (unload)
		module_again();
}

static void after_destroying(void)
{
	after_giving_back(false);
}

static void after_unloading(void)
{
	after_giving_back(true);
}

static void search_regrown(void *arg)
{
	u64 vpn, kept = *(u64 *)arg, skip;
	u8 *page = malloc(PAGE);

	need(page, "no memory");
	become_stranger();
	for (vpn = kept / PAGE; vpn < NR / 2; vpn++) {
		skip = vpn == kept / PAGE ? kept % PAGE : 0;
		need(!try_copy(page, m + vpn * PAGE, PAGE), "page %ju", (uintmax_t)vpn);
		expect(bytes_zero(page + skip, PAGE - skip, 0), "page %ju came back",
		       (uintmax_t)vpn);
	}
}

/* RESIZE up and down: what was cut off does not come back. */
static void in_resizes(void)
{
	struct framepool_resize r = { .size = sizeof(r) };
	u64 vpn, kept = 10 * PAGE + 50;

	pool_use(2 * MIB);
	path = file_make("resized", NR / 2 * PAGE, 1);
	leave_secret(NR);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR / 2 * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < NR / 2; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	r.bytes = kept;
	need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &r));
	r.bytes = NR / 2 * PAGE;
	need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &r));
	child_join(child_start(search_regrown, &kept));
	need_ok(munmap(m, NR / 2 * PAGE));
	space_gone(fd, id);
}

/* ---- rights ---- */

static void denied(const char *file, int oflags)
{
	int f = open(file, oflags | O_CLOEXEC);

	expect(f < 0 && (errno == EACCES || errno == EPERM), "%s: %s", file,
	       f < 0 ? strerror(errno) : "opened");
}

/* A space with a name, pages of which are resident, pinned, held, dirty and gone: it is root's. */
static struct {
	int fd;
	u32 space;
	pid_t pid;
} victim;

#define SIZE	(100 * PAGE)

/* With a descriptor of a space of his own, in the same pool, and nothing else. */
static void stranger(void *arg)
{
	struct framepool_resize size = { .size = sizeof(size), .bytes = 20 * PAGE };
	struct framepool_range r;
	struct framepool_space s = { .size = sizeof(s) };

	(void)arg;
	become(STRANGER, STRANGER);
	denied(CONTROL, O_RDWR);
	denied(CONTROL, O_RDONLY);
	denied(NODES "/t.private", O_RDONLY);
	denied("/sys/kernel/debug/framepool", O_RDONLY);
	denied("/sys/module/framepool/parameters/wait_ms", O_WRONLY);
	/* No command of the control node goes through a space's descriptor. */
	expect_errno(ioctl(fd, FRAMEPOOL_SPACE_NEXT, &s), ENOTTY);
	expect_errno(ioctl(fd, FRAMEPOOL_POOL_CREATE, &s), ENOTTY);
	expect_errno(ioctl(fd, FRAMEPOOL_DETACH, &s), ENOTTY);
	/* His own statistics, and only his own pages. */
	space_info(fd, &s);
	expect(s.space != victim.space, "it is the victim's space");
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	expect(!r.done, "%ju pages unpinned", (uintmax_t)r.done);
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 0, 0, &r));
	need_ok(range_op(fd, FRAMEPOOL_PIN, 0, 10 * PAGE, &r));
	expect(r.done == 10, "%ju pages pinned", (uintmax_t)r.done);
	need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &size));
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	expect(r.done == 10, "%ju pages unpinned", (uintmax_t)r.done);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done == 20, "%ju pages evicted", (uintmax_t)r.done);
}

/* Whether only the named space is left. */
static bool is_alone(void *unused)
{
	(void)unused;
	return spaces_count() == 1;
}

static void find_victim(struct framepool_space *s)
{
	memset(s, 0, sizeof(*s));
	while (space_next(s))
		if (s->space == victim.space)
			return;
	need(false, "it is not listed");
}

#define COUNTERS	(offsetof(struct framepool_space, pool) - \
			 offsetof(struct framepool_space, resident))

static void sees_no_counters(void)
{
	struct framepool_space s;

	find_victim(&s);
	expect(s.state & FRAMEPOOL_SPACE_HIDDEN && !strcmp(s.name, "t.private"),
	       "state %#x, name %s", s.state, s.name);
	expect(bytes_zero(&s.resident, COUNTERS, 0) && !s.write_error, "counters are told");
}

/* Else a stranger's zeros would say nothing. */
static void admin_sees_counters(void)
{
	struct framepool_space s;

	find_victim(&s);
	expect(!(s.state & FRAMEPOOL_SPACE_HIDDEN), "state %#x", s.state);
	expect(s.resident && s.dirty && s.pinned && s.nodes, "%ju, %ju, %ju, %ju",
	       (uintmax_t)s.resident, (uintmax_t)s.dirty, (uintmax_t)s.pinned,
	       (uintmax_t)s.nodes);
	expect(s.minor_faults && s.major_faults && s.fills, "%ju, %ju, %ju",
	       (uintmax_t)s.minor_faults, (uintmax_t)s.major_faults, (uintmax_t)s.fills);
	expect(s.evictions && s.written && s.refaults && s.ghosts, "%ju, %ju, %ju, %ju",
	       (uintmax_t)s.evictions, (uintmax_t)s.written, (uintmax_t)s.refaults,
	       (uintmax_t)s.ghosts);
}

/* What names the victim, his process, or the pool of both. */
static void commands_are_refused(void)
{
	struct framepool_wset w = { .size = sizeof(w), .pid = victim.pid };
	struct framepool_wset_limit l = { .size = sizeof(l), .pid = victim.pid, .max = 64 };
	struct framepool_pool_policy p = { .size = sizeof(p), .policy = "fifo" };

	memcpy(w.name, pool, sizeof(pool));
	memcpy(l.name, pool, sizeof(pool));
	memcpy(p.name, pool, sizeof(pool));
	expect_errno(ioctl(control_fd(), FRAMEPOOL_WSET_GET, &w), EPERM);
	expect_errno(ioctl(control_fd(), FRAMEPOOL_WSET_LIMIT, &l), EPERM);
	expect_errno(ioctl(control_fd(), FRAMEPOOL_POOL_SET_POLICY, &p), EPERM);
	expect(!pool_destroyed(NULL) && errno == EPERM, "POOL_DESTROY: %s", strerror(errno));
	expect_errno(detach("t.private"), EPERM);
	w.cursor = 0;
	while (!ioctl(control_fd(), FRAMEPOOL_WSET_NEXT, &w))
		expect(w.pid != victim.pid, "the victim's working set is listed");
	expect(errno == ENOENT, "WSET_NEXT: %s", strerror(errno));
}

static void ways_in_are_closed(void)
{
	char file[64];

	denied(NODES "/t.private", O_RDONLY);
	snprintf(file, sizeof(file), "/proc/%d/fd/%d", victim.pid, victim.fd);
	denied(file, O_RDONLY);
	snprintf(file, sizeof(file), "/proc/%d/mem", victim.pid);
	denied(file, O_RDONLY);
}

/* With the control node, as who is of its group, he sees that others' spaces are there. */
static void member(void *arg)
{
	struct framepool_space s = { 0 };
	struct framepool_attach a;
	int file = need_ok(open(file_path("own"), O_RDWR | O_CLOEXEC));
	bool seen = false;
	u32 own;
	u8 byte;

	(void)arg;
	control_fd();
	become(STRANGER, STRANGER);
	attach_init(&a, file);
	need_ok(attach(&a));
	need(pread(a.space_fd, &byte, 1, 0) == 1, "pread: %s", strerror(errno));
	own = space_id(a.space_fd);
	need(own != victim.space, "it is the victim's space");
	sees_no_counters();
	while (space_next(&s)) {
		if (s.space != own)
			continue;
		seen = true;
		expect(s.uid == STRANGER && !(s.state & FRAMEPOOL_SPACE_HIDDEN) && s.resident &&
		       s.fills, "state %#x, %ju resident", s.state, (uintmax_t)s.resident);
	}
	expect(seen, "his own space is not listed");
	commands_are_refused();
	ways_in_are_closed();
	need_ok(close(a.space_fd));
}

/* One of each that its counters count, but for errors; nothing goes on by itself afterwards. */
static void make_victim(u8 *model)
{
	struct framepool_range r;
	u64 vpn;

	space_name(file_make("private", SIZE, 1), "t.private", O_RDWR);
	victim.fd = need_ok(node_open("t.private", O_RDWR));
	victim.space = space_id(victim.fd);
	victim.pid = getpid();
	m = map(victim.fd, SIZE, RW, MAP_SHARED);
	need_ok(range_op(victim.fd, FRAMEPOOL_PREFETCH, 0, 0, &r));
	for (vpn = 20; vpn < 30; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	need_ok(range_op(victim.fd, FRAMEPOOL_SYNC, 0, 0, &r));
	/* What leaves because others want frames is remembered, what is evicted is not. */
	squeeze_out(victim.fd, 10);
	for (vpn = 50; vpn < SIZE / PAGE; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 1), "what has left");
	need_ok(range_op(victim.fd, FRAMEPOOL_PIN, 0, 10 * PAGE, &r));
	/* What is held stays dirty. */
	need_ok(range_op(victim.fd, FRAMEPOOL_HOLD, 20 * PAGE, 10 * PAGE, &r));
	for (vpn = 20; vpn < 30; vpn++) {
		page_fill(model + vpn * PAGE, vpn, 3);
		need(pwrite(victim.fd, model + vpn * PAGE, PAGE, vpn * PAGE) == PAGE, "pwrite: %s",
		     strerror(errno));
	}
}

static void end_victim(const u8 *model)
{
	struct framepool_range r;

	expect(bytes_are(m, model, SIZE, 0), "its contents");
	need_ok(range_op(victim.fd, FRAMEPOOL_RELEASE, 0, 0, &r));
	need_ok(munmap(m, SIZE));
	need_ok(close(victim.fd));
	need_ok(detach("t.private"));
}

/* What is said of the victim, his process's working set, and the pool. */
struct said {
	struct framepool_space space;
	struct framepool_wset set;
	char policy[FRAMEPOOL_POLICY_SIZE];
};

static void ask(struct said *said)
{
	struct framepool_wset *w = &said->set;
	struct framepool_pool p;

	memset(said, 0, sizeof(*said));
	space_info(victim.fd, &said->space);
	w->size = sizeof(*w);
	memcpy(w->name, pool, sizeof(pool));
	need_ok(ioctl(control_fd(), FRAMEPOOL_WSET_GET, w));
	need(pool_info(pool, &p), "no pool");
	memcpy(said->policy, p.policy, sizeof(p.policy));
}

static void expect_unchanged(const struct said *before, const char *by)
{
	struct said now;

	ask(&now);
	expect(!memcmp(&now.space.bytes, &before->space.bytes,
		       offsetof(struct framepool_space, name) -
		       offsetof(struct framepool_space, bytes)),
	       "%s: %ju bytes, %ju resident, %ju pinned, %ju evictions", by,
	       (uintmax_t)now.space.bytes, (uintmax_t)now.space.resident,
	       (uintmax_t)now.space.pinned, (uintmax_t)now.space.evictions);
	expect(now.set.min == before->set.min && now.set.max == before->set.max &&
	       now.set.charge == before->set.charge, "%s: at most %ju frames, has %ju", by,
	       (uintmax_t)now.set.max, (uintmax_t)now.set.charge);
	expect(!strcmp(now.policy, before->policy), "%s: policy %s", by, now.policy);
}

static void rights(void)
{
	u8 *model = model_make(SIZE, 1);
	struct said before;
	struct stat st;

	pool_use(2 * MIB);
	make_victim(model);
	admin_sees_counters();
	ask(&before);
	fd = space_attach(file_make("own", 50 * PAGE, 2), O_RDWR);
	child_join(child_start(stranger, NULL));
	expect_unchanged(&before, "a stranger");
	need_ok(close(fd));
	need(wait_until(is_alone, NULL, SETTLE_MS), "the file's first space is still there");
	child_join(child_start(member, NULL));
	expect_unchanged(&before, "a member of the group");
	need_ok(stat(CONTROL, &st));
	expect((st.st_mode & 0777) == 0600 && !st.st_uid, "control: mode %o", st.st_mode);
	need_ok(stat(NODES "/t.private", &st));
	expect((st.st_mode & 0777) == 0600 && !st.st_uid, "node: mode %o", st.st_mode);
	end_victim(model);
	free(model);
}

/* ---- pins are locked memory ---- */

#define LOCKED	16UL			/* pages that RLIMIT_MEMLOCK allows */

static int spaces[2];

static void two_spaces(u32 *ids, u64 pages)
{
	for (u64 i = 0; i < 2; i++) {
		spaces[i] = space_attach(file_make(i ? "two" : "one", pages * PAGE, 1), O_RDWR);
		ids[i] = space_id(spaces[i]);
	}
}

static u64 pin_some(int space, u64 first, u64 pages, int want)
{
	struct framepool_range r;
	int ret = range_op(space, FRAMEPOOL_PIN, first * PAGE, pages * PAGE, &r);

	if (want)
		expect(ret == -1 && errno == want, "a pin of %ju pages: %s", (uintmax_t)pages,
		       ret ? strerror(errno) : "done");
	else
		expect(!ret, "a pin of %ju pages: %s", (uintmax_t)pages, strerror(errno));
	return r.done;
}

static void limited(void *arg)
{
	struct rlimit limit = { LOCKED * PAGE, LOCKED * PAGE };
	struct framepool_range r;

	(void)arg;
	need_ok(setrlimit(RLIMIT_MEMLOCK, &limit));
	become(STRANGER, STRANGER);
	expect(pin_some(spaces[0], 0, 40, ENOMEM) <= LOCKED, "more than RLIMIT_MEMLOCK is pinned");
	need_ok(range_op(spaces[0], FRAMEPOOL_UNPIN, 0, 0, &r));
	expect(pin_some(spaces[0], 0, LOCKED, 0) == LOCKED, "not all pinned");
	expect(pin_some(spaces[0], 0, LOCKED, 0) == 0, "pinned twice");
	pin_some(spaces[0], LOCKED, 1, ENOMEM);
	/* Another space is no way around it. */
	pin_some(spaces[1], 0, 1, ENOMEM);
	need_ok(range_op(spaces[0], FRAMEPOOL_UNPIN, 0, 4 * PAGE, &r));
	expect(pin_some(spaces[1], 0, 4, 0) == 4, "what was unpinned is not free again");
	pin_some(spaces[1], 4, 1, ENOMEM);
	need_ok(range_op(spaces[0], FRAMEPOOL_UNPIN, 0, 0, &r));
	need_ok(range_op(spaces[1], FRAMEPOOL_UNPIN, 0, 0, &r));
	/* Page by page, and no lock of the limit leaks. */
	for (u64 i = 0; i < 100; i++) {
		expect(pin_some(spaces[i & 1], i, 1, 0) == 1, "pin %ju", (uintmax_t)i);
		need_ok(range_op(spaces[i & 1], FRAMEPOOL_UNPIN, i * PAGE, PAGE, &r));
	}
}

static void pin_limit(void)
{
	u64 i;
	u32 ids[2];

	pool_use(2 * MIB);
	two_spaces(ids, 200);
	child_join(child_start(limited, NULL));
	/* CAP_IPC_LOCK may more, as it may with mlock. */
	need_ok(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ LOCKED * PAGE, LOCKED * PAGE }));
	expect(pin_some(spaces[0], 0, 100, 0) == 100, "root is bounded");
	for (i = 0; i < 2; i++)
		space_gone(spaces[i], ids[i]);
}

/* Whatever RLIMIT_MEMLOCK allows, the other half of the pool is others'. */
static void wants_all(void *arg)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	u64 half = *(u64 *)arg;
	struct framepool_range r;

	need_ok(setrlimit(RLIMIT_MEMLOCK, &limit));
	become(STRANGER, STRANGER);
	expect(pin_some(spaces[0], 0, NR, ENOMEM) == half, "not half of the pool");
	pin_some(spaces[1], 0, 1, ENOMEM);
	/* Holds are pins. */
	need_ok(range_op(spaces[0], FRAMEPOOL_UNPIN, 0, 4 * PAGE, &r));
	expect_errno(range_op(spaces[1], FRAMEPOOL_HOLD, 0, 8 * PAGE, &r), ENOMEM);
	expect(r.done == 4, "%ju held", (uintmax_t)r.done);
}

static u64 half_of_pool(void)
{
	struct framepool_pool p;

	need(pool_info(pool, &p), "no pool");
	return p.bound / 2;
}

static void pin_half(void)
{
	u64 half, i;
	u32 ids[2];

	pool_use(2 * MIB);
	half = half_of_pool();
	two_spaces(ids, NR);
	child_join(child_start(wants_all, &half));
	expect(pin_some(spaces[0], 0, NR, 0) == NR - half + 4, "root is bounded");
	for (i = 0; i < 2; i++)
		space_gone(spaces[i], ids[i]);
}

/* Either limit is one for two processes of a user, also where both want the last page at once. */
static struct together {
	atomic_ullong steps, pinned;
	u64 most;			/* pages that both may pin */
	struct rlimit limit;
} *together;

/* At the same moment, if both have a processor now. */
static void step_together(u64 *steps)
{
	unsigned int looks = 200000;

	atomic_fetch_add(&together->steps, 1);
	++*steps;
	while (atomic_load(&together->steps) < 2 * *steps && looks)
		looks--;
	wait_for_steps(&together->steps, 2 * *steps);
}

static bool pin_page(int space, u64 vpn)
{
	struct framepool_range r;
	int ret = range_op(space, FRAMEPOOL_PIN, vpn * PAGE, PAGE, &r);

	expect(!ret || errno == ENOMEM, "pin: %s", strerror(errno));
	atomic_fetch_add(&together->pinned, !ret);
	return !ret;
}

static void expect_together(u64 want)
{
	expect(atomic_load(&together->pinned) == want, "%ju pinned together, not %ju",
	       (uintmax_t)atomic_load(&together->pinned), (uintmax_t)want);
}

static void pins_beside_another(void *arg)
{
	int space = *(int *)arg;
	u64 steps = 0, i, rounds = scaled(2000);
	struct framepool_range r;

	need_ok(setrlimit(RLIMIT_MEMLOCK, &together->limit));
	become(STRANGER, STRANGER);
	step_together(&steps);
	for (i = 0; i <= together->most && pin_page(space, i); i++)
		;
	step_together(&steps);
	expect_together(together->most);
	need_ok(range_op(space, FRAMEPOOL_UNPIN, 0, 0, &r));
	step_together(&steps);
	/* All but one. */
	if (space == spaces[0])
		need_ok(range_op(space, FRAMEPOOL_PIN, PAGE, (together->most - 1) * PAGE, &r));
	for (i = 1; i <= rounds && !failures(); i++) {
		step_together(&steps);
		pin_page(space, 0);
		step_together(&steps);
		expect_together(together->most + i);
		need_ok(range_op(space, FRAMEPOOL_UNPIN, 0, PAGE, &r));
	}
}

static void pin_together(u64 most, rlim_t bytes)
{
	pid_t pid[2];
	u32 ids[2];
	u64 i;

	together = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(together != MAP_FAILED, "mmap: %s", strerror(errno));
	together->most = most;
	together->limit = (struct rlimit){ bytes, bytes };
	two_spaces(ids, NR);
	for (i = 0; i < 2; i++)
		pid[i] = child_start(pins_beside_another, &spaces[i]);
	for (i = 0; i < 2; i++)
		child_join(pid[i]);
	for (i = 0; i < 2; i++)
		space_gone(spaces[i], ids[i]);
}

static void pin_limit_together(void)
{
	pool_use(2 * MIB);
	pin_together(LOCKED, LOCKED * PAGE);
}

static void pin_half_together(void)
{
	pool_use(2 * MIB);
	pin_together(half_of_pool(), RLIM_INFINITY);
}

/* Pins that go with their space are charged to nobody any more. */
static void pinning_child(void *arg)
{
	struct rlimit limit = { LOCKED * PAGE, LOCKED * PAGE };

	(void)arg;
	need_ok(setrlimit(RLIMIT_MEMLOCK, &limit));
	become(STRANGER, STRANGER);
	expect(pin_some(fd, 0, LOCKED, 0) == LOCKED, "not all pinned");
	pin_some(fd, LOCKED, 1, ENOMEM);
}

static void pins_and_ends(void)
{
	u64 i;

	pool_use(2 * MIB);
	path = file_make("file", 200 * PAGE, 1);
	for (i = 0; i < 4; i++) {
		fd = space_attach(path, O_RDWR);
		id = space_id(fd);
		child_join(child_start(pinning_child, NULL));
		space_gone(fd, id);
	}
}

/* ---- the bound ---- */

#define ROOM	64UL			/* frames of a process that has a maximum */

/* Between the sampler and those whom it watches. */
static struct watch {
	atomic_ullong ready;		/* of them, with their maxima */
	atomic_bool stop;
	atomic_uint alone;		/* the space that one process has to itself */
	atomic_bool full, sampled;	/* he has touched all of it; a sample since then is over */
} *watch;

static FILE *debug_open(const char *name)
{
	char file[128];
	FILE *f;

	snprintf(file, sizeof(file), "/sys/kernel/debug/framepool/%s/%s", pool, name);
	f = fopen(file, "re");
	need(f, "%s: %s", file, strerror(errno));
	return f;
}

static void sample_stats(u64 bound)
{
	FILE *f = debug_open("stats");
	bool seen = false;
	char line[128];
	u64 value;

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "resident %ju", (uintmax_t *)&value) != 1)
			continue;
		seen = true;
		expect(value <= bound, "debugfs: %ju resident", (uintmax_t)value);
	}
	expect(seen, "debugfs: no count of resident frames");
	fclose(f);
}

/* Of each frame what it holds, all at one moment: a pool of 2 MiB is looked at in one piece. */
static u64 sample_frames(u32 space)
{
	FILE *f = debug_open("frames");
	unsigned int first, nr, of;
	char line[128], state[16];
	u64 frames = 0;

	while (fgets(line, sizeof(line), f)) {
		need(sscanf(line, "%u %u %15s %u", &first, &nr, state, &of) == 4, "%s", line);
		if (of == space && (!strcmp(state, "resident") || !strcmp(state, "fill") ||
				    !strcmp(state, "evict")))
			frames += nr;
	}
	fclose(f);
	expect(!space || frames <= ROOM, "%ju frames, %lu at most", (uintmax_t)frames, ROOM);
	return space ? frames : 0;
}

/* The most that one with a maximum has. */
static u64 sample_sets(void)
{
	struct framepool_wset w = { .size = sizeof(w) };
	u64 most = 0;

	memcpy(w.name, pool, sizeof(pool));
	while (!ioctl(control_fd(), FRAMEPOOL_WSET_NEXT, &w)) {
		/* Its process has ended, and what it has is on its way to others. */
		if (!w.max)
			continue;
		expect(w.charge <= w.max && w.peak <= w.max, "%ju frames now, %ju once, %ju at most",
		       (uintmax_t)w.charge, (uintmax_t)w.peak, (uintmax_t)w.max);
		if (w.max == ROOM && w.charge > most)
			most = w.charge;
	}
	need(errno == ENOENT, "WSET_NEXT: %s", strerror(errno));
	return most;
}

static u64 sample_pool(void)
{
	struct framepool_pool p;

	need(pool_info(pool, &p), "no pool");
	expect(p.resident <= p.bound && p.resident_max <= p.bound, "%ju resident of %ju",
	       (uintmax_t)p.resident, (uintmax_t)p.bound);
	expect(p.resident + p.free + p.nodes + p.kernel <= p.frames,
	       "%ju resident, %ju free, %ju nodes, %ju kernel of %ju", (uintmax_t)p.resident,
	       (uintmax_t)p.free, (uintmax_t)p.nodes, (uintmax_t)p.kernel, (uintmax_t)p.frames);
	sample_stats(p.bound);
	return p.resident;
}

/* Reads what the kernel says, in all ways that there are, as fast as it can. */
static void sampler(void *arg)
{
	u64 samples, most = 0, of_set = 0, of_space = 0, now;
	bool full;

	(void)arg;
	for (samples = 0; !atomic_load(&watch->stop) || !samples; samples++) {
		full = atomic_load(&watch->full);
		now = sample_pool();
		most = now > most ? now : most;
		now = sample_sets();
		of_set = now > of_set ? now : of_set;
		now = sample_frames(atomic_load(&watch->alone));
		of_space = now > of_space ? now : of_space;
		atomic_store(&watch->sampled, full);
	}
	diag("%ju samples, %ju resident at most, a process %ju, a space %ju", (uintmax_t)samples,
	     (uintmax_t)most, (uintmax_t)of_set, (uintmax_t)of_space);
	expect(of_set > ROOM / 2 && of_space > ROOM / 2, "nobody was near his maximum");
}

#define SPAN	(2 * NR + 8)		/* pages of the file */
#define GREEDY	4

static void touch_and_store(struct rnd *rnd)
{
	u64 k, vpn;

	for (k = 0; k < 50; k++) {
		vpn = rnd_below(rnd, 2 * NR);
		expect(page_is(m + vpn * PAGE, vpn, 1), "greedy");
		page_fill(m + vpn * PAGE, vpn, 1);
	}
}

static void forked(void *arg)
{
	touch_and_store(arg);
}

static void send_to_pipe(u64 vpn)
{
	struct iovec iov = { m + vpn * PAGE, 8 * PAGE };
	int p[2];

	need_ok(pipe2(p, O_NONBLOCK));
	vmsplice(p[1], &iov, 1, SPLICE_F_NONBLOCK);
	need_ok(close(p[0]));
	need_ok(close(p[1]));
}

/* Everything that takes frames, in a hurry. */
static void take_frames(struct rnd *rnd, bool may_fork)
{
	struct framepool_range r;
	u64 vpn = rnd_below(rnd, 2 * NR);

	switch (rnd_below(rnd, 8)) {
	case 0:
		block_type(rnd_below(rnd, 6));
		break;
	case 1:
		range_op(fd, FRAMEPOOL_PREFETCH, vpn * PAGE, 0, &r);
		break;
	case 2:
		range_op(fd, FRAMEPOOL_PIN, vpn * PAGE, 8 * PAGE, &r);
		range_op(fd, FRAMEPOOL_UNPIN, vpn * PAGE, 8 * PAGE, &r);
		break;
	case 3:
		send_to_pipe(vpn);
		break;
	case 4:
		if (may_fork)
			child_join(child_start(forked, rnd));
		break;
	default:
		touch_and_store(rnd);
	}
}

static void limit_myself(u64 max)
{
	struct framepool_wset_limit l = { .size = sizeof(l), .max = max };

	memcpy(l.name, pool, sizeof(pool));
	need_ok(ioctl(control_fd(), FRAMEPOOL_WSET_LIMIT, &l));
}

/* Who ends leaves to others what is more than the maximum of one who has not got it yet. */
static void begin_together(void)
{
	atomic_fetch_add(&watch->ready, 1);
	wait_for_steps(&watch->ready, GREEDY);
}

/* For himself: the first with a maximum, which his children have, too. */
static void greedy(void *arg)
{
	struct rnd rnd;
	u64 i;

	rnd_init(&rnd, (uintptr_t)arg);
	if ((uintptr_t)arg == 1)
		limit_myself(ROOM);
	begin_together();
	for (i = 0; i < scaled(40); i++)
		take_frames(&rnd, true);
}

static bool is_sampled(void *unused)
{
	(void)unused;
	return atomic_load(&watch->sampled);
}

/*
 * The same alone with a space, all frames of which are therefore his: what a child would leave
 * behind would be nobody's.
 */
static void greedy_alone(void *arg)
{
	struct rnd rnd;
	u64 i;

	rnd_init(&rnd, (uintptr_t)arg);
	need_ok(munmap(m, SPAN * PAGE));
	fd = space_attach(file_make("alone", SPAN * PAGE, 1), O_RDWR);
	id = space_id(fd);
	m = map(fd, SPAN * PAGE, RW, MAP_SHARED);
	limit_myself(ROOM);
	begin_together();
	atomic_store(&watch->alone, id);
	for (i = 0; i < scaled(40); i++)
		take_frames(&rnd, false);
	spread(m, SPAN);
	/* One sample more, of what there is now. */
	atomic_store(&watch->full, true);
	need(wait_until(is_sampled, NULL, SETTLE_MS), "no sample");
	atomic_store(&watch->alone, 0);
}

static void bound(void)
{
	pid_t pid[GREEDY], look;
	u64 i;

	pool_use(2 * MIB);
	watch = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	path = file_make("file", SPAN * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, SPAN * PAGE, RW, MAP_SHARED);
	look = child_start(sampler, NULL);
	for (i = 0; i < GREEDY; i++)
		pid[i] = child_start(i ? greedy : greedy_alone, (void *)(uintptr_t)i);
	for (i = 0; i < GREEDY; i++)
		child_join(pid[i]);
	atomic_store(&watch->stop, true);
	child_join(look);
	need_ok(munmap(m, SPAN * PAGE));
	space_gone(fd, id);
}

/*
 * The same past all that the module counts: the entries of a process's page table, which the kernel
 * reads under the table's lock, of one table at a time.
 */
#define TABLE	(2 * MIB)
#define MAX	24UL			/* frames of the process */

static atomic_bool *stop;

static u64 entries(int pagemap)
{
	u64 table[TABLE / PAGE], there = 0, i;
	ssize_t n = need_ok(pread(pagemap, table, sizeof(table),
				  (uintptr_t)m / PAGE * sizeof(u64)));

	/* Nothing: it has ended. */
	need(!n || n == sizeof(table), "pagemap: %zd bytes", n);
	for (i = 0; i < n / sizeof(u64); i++)
		there += table[i] >> 63;
	return there;
}

static void *touch_some(void *stream)
{
	struct rnd rnd;
	u64 i, vpn;

	rnd_init(&rnd, (uintptr_t)stream);
	for (i = 0; i < scaled(1000); i++) {
		vpn = rnd_below(&rnd, TABLE / PAGE);
		expect(page_is(m + vpn * PAGE, vpn, 1), "confined");
	}
	return NULL;
}

static void confined(void *arg)
{
	pthread_t other;

	(void)arg;
	limit_myself(MAX);
	need(!pthread_create(&other, NULL, touch_some, (void *)1), "no thread");
	touch_some(NULL);
	pthread_join(other, NULL);
	/* One sample more, of what there is now. */
	atomic_store(&stop[0], true);
	while (!atomic_load(&stop[1]))
		usleep(1000);
}

static void bound_of_entries(void)
{
	u64 samples = 0, most = 0, there;
	char where[64];
	int pagemap, status = 0;
	pid_t pid;
	u8 *area;

	pool_use(2 * MIB);
	stop = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	path = file_make("file", TABLE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	area = mmap(NULL, 2 * TABLE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(area != MAP_FAILED, "mmap: %s", strerror(errno));
	m = (u8 *)(((uintptr_t)area + TABLE - 1) & ~(TABLE - 1));
	need(mmap(m, TABLE, RW, MAP_SHARED | MAP_FIXED, fd, 0) == m, "mmap: %s", strerror(errno));
	pid = child_start(confined, NULL);
	snprintf(where, sizeof(where), "/proc/%d/pagemap", pid);
	pagemap = need_ok(open(where, O_RDONLY | O_CLOEXEC));
	while (!waitpid(pid, &status, WNOHANG)) {
		bool last = atomic_load(&stop[0]);

		there = entries(pagemap);
		atomic_store(&stop[1], last);
		expect(there <= MAX, "%ju entries, %lu frames", (uintmax_t)there, MAX);
		most = there > most ? there : most;
		samples++;
	}
	need_ok(close(pagemap));
	expect(WIFEXITED(status) && !WEXITSTATUS(status), "status %#x", status);
	expect(most > MAX / 2, "%ju entries at most in %ju samples", (uintmax_t)most,
	       (uintmax_t)samples);
	diag("%ju samples, %ju entries at most, %lu frames", (uintmax_t)samples, (uintmax_t)most,
	     MAX);
	need_ok(munmap(area, 2 * TABLE));
	space_gone(fd, id);
}

static const struct test tests[] = {
	{ "no secret in holes", in_holes, 0 },
	{ "no secret in tails", in_tails, 0 },
	{ "no secret in tails, read through the page cache", in_cached_tails, 0 },
	{ "no secret in short reads", in_short_reads, 0 },
	{ "no secret in failed reads", in_failed_reads, T_DEVICE },
	{ "no secret in short reads through the page cache", in_cached_short_reads, 0 },
	{ "no secret in resizes", in_resizes, T_DEVICE },
	{ "no secret in new pools", in_new_pools, T_DEVICE },
	{ "no secret after unload", after_unload, T_DEVICE },
	{ "no secret in the memory of a destroyed pool", after_destroying, T_DEVICE },
	{ "no secret in the memory of an unloaded module", after_unloading, T_DEVICE },
	{ "a stranger's rights", rights, T_DEVICE },
	{ "pins are bounded by RLIMIT_MEMLOCK", pin_limit, T_DEVICE },
	{ "pins leave half of the pool", pin_half, T_DEVICE },
	{ "pins of two processes, bounded by RLIMIT_MEMLOCK", pin_limit_together, T_DEVICE },
	{ "pins of two processes leave half of the pool", pin_half_together, T_DEVICE },
	{ "pins that went with their space", pins_and_ends, T_DEVICE },
	{ "the bound holds at every moment", bound, T_DEVICE },
	{ "the bound holds by the page table", bound_of_entries, T_DEVICE },
};

int main(int argc, char **argv)
{
	return torture_main(argc, argv, tests, ARRAY_SIZE(tests), dm_clear_away);
}
