// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input: each with its own exact errno, one wrong thing at a time, and nothing changed by it.
 *
 * "Nothing" is the list of spaces, the list of pools with their frames, the nodes in /dev/framepool
 * and the descriptors of this process, before and after the call.
 */
#include "test.h"

#include <dirent.h>
#include <stdarg.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#define NR	16UL
#define RW	(PROT_READ | PROT_WRITE)

/* ---- the world before and after ---- */

struct world {
	char text[16384];
	size_t len;
};

static void note(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	w->len += vsnprintf(w->text + w->len, sizeof(w->text) - w->len, fmt, ap);
	va_end(ap);
	need(w->len < sizeof(w->text), "the world is too large");
}

static void note_names(struct world *w, const char *where)
{
	struct dirent **names;
	int n = scandir(where, &names, NULL, alphasort), i;

	need(n >= 0, "%s: %s", where, strerror(errno));
	for (i = 0; i < n; i++) {
		note(w, "%s/%s\n", where, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static void look_at_world(struct world *w)
{
	struct framepool_space s = { 0 };
	struct framepool_pool p = { 0 };
	u64 cursor;

	w->len = 0;
	for (s.size = sizeof(s); !ioctl(control_fd(), FRAMEPOOL_SPACE_NEXT, &s);) {
		note(w,
		     "space %u '%s' in '%s': %ju bytes, state %#x, block %u, uid %u, opens %u, "
		     "resident %ju, pinned %ju\n",
		     s.space, s.name, s.pool, (uintmax_t)s.bytes, s.state, s.block_type, s.uid,
		     s.opens, (uintmax_t)s.resident, (uintmax_t)s.pinned);
		cursor = s.cursor;
		memset(&s, 0, sizeof(s));
		s.size = sizeof(s);
		s.cursor = cursor;
	}
	for (p.size = sizeof(p); !ioctl(control_fd(), FRAMEPOOL_POOL_NEXT, &p);) {
		note(w,
		     "pool '%s': %ju bytes at %#jx, %u spaces, kernel %ju, nodes %ju, free %ju, "
		     "resident %ju, fills %ju\n",
		     p.name, (uintmax_t)p.bytes, (uintmax_t)p.base, p.spaces, (uintmax_t)p.kernel,
		     (uintmax_t)p.nodes, (uintmax_t)p.free, (uintmax_t)p.resident,
		     (uintmax_t)p.fills);
		cursor = p.cursor;
		memset(&p, 0, sizeof(p));
		p.size = sizeof(p);
		p.cursor = cursor;
	}
	note_names(w, NODES);
	note_names(w, "/proc/self/fd");
}

static bool same_world(const struct world *a, const struct world *b)
{
	if (a->len == b->len && !memcmp(a->text, b->text, a->len))
		return true;
	diag("before:");
	diag("%.850s", a->text);
	diag("after:");
	diag("%.850s", b->text);
	return false;
}

static struct world before, after;

/* The call fails with exactly this errno and leaves the world as it was. */
#define refuse(call, want) \
	do { \
		control_fd(); \
		look_at_world(&before); \
		expect_errno(call, want); \
		look_at_world(&after); \
		expect(same_world(&before, &after), "the refused call changed something"); \
	} while (0)

/* ---- attach ---- */

static char *path;

static int backing(int oflags)
{
	if (!path)
		path = file_make("file", NR * PAGE, 1);
	return need_ok(open(path, oflags | O_CLOEXEC));
}

/* A request that would be granted; each test breaks one thing. */
static struct framepool_attach good(void)
{
	struct framepool_attach a;

	attach_init(&a, backing(O_RDWR));
	name_set(a.name, "t.bad");
	return a;
}

static struct framepool_attach read_only(int fd)
{
	struct framepool_attach a;

	attach_init(&a, fd);
	a.flags = FRAMEPOOL_ATTACH_READ_ONLY;
	return a;
}

/* What all these requests have in common is legal: without the wrong thing they work. */
static void attach_good(void)
{
	struct framepool_attach a = good();

	need_ok(attach(&a));
	need_ok(detach("t.bad"));
	a = read_only(backing(O_RDONLY));
	need_ok(attach(&a));
	need_ok(close(a.space_fd));
}

static void attach_directory(void)
{
	struct framepool_attach a = read_only(need_ok(open(dir, O_RDONLY | O_DIRECTORY)));

	refuse(attach(&a), EISDIR);
}

static void attach_pipe(void)
{
	struct framepool_attach a;
	int p[2];

	need_ok(pipe(p));
	a = read_only(p[0]);
	refuse(attach(&a), EINVAL);
}

static void attach_fifo(void)
{
	struct framepool_attach a;
	char *fifo = file_path("fifo");

	need_ok(mkfifo(fifo, 0600));
	attach_init(&a, need_ok(open(fifo, O_RDWR)));
	refuse(attach(&a), EINVAL);
}

static void attach_socket(void)
{
	struct framepool_attach a;
	int s[2];

	need_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	attach_init(&a, s[0]);
	refuse(attach(&a), EINVAL);
}

static void attach_eventfd(void)
{
	struct framepool_attach a;

	attach_init(&a, need_ok(eventfd(0, 0)));
	refuse(attach(&a), EINVAL);
}

static void attach_char_device(void)
{
	struct framepool_attach a;

	attach_init(&a, need_ok(open("/dev/zero", O_RDWR)));
	refuse(attach(&a), EINVAL);
	attach_init(&a, need_ok(open("/dev/null", O_RDWR)));
	refuse(attach(&a), EINVAL);
}

static void attach_control(void)
{
	struct framepool_attach a;

	attach_init(&a, need_ok(open(CONTROL, O_RDWR)));
	refuse(attach(&a), ELOOP);
}

static void attach_node(void)
{
	struct framepool_attach a = good();
	int fd;

	need_ok(attach(&a));
	fd = need_ok(node_open("t.bad", O_RDWR));
	attach_init(&a, fd);
	refuse(attach(&a), ELOOP);
	need_ok(close(fd));
	need_ok(detach("t.bad"));
}

static void attach_space(void)
{
	struct framepool_attach a = good();

	a.name[0] = '\0';
	need_ok(attach(&a));
	attach_init(&a, a.space_fd);
	refuse(attach(&a), ELOOP);
}

static void attach_read_only_mount(void)
{
	struct framepool_attach a;
	char *where = file_path("ro"), *name;
	int fd;

	/* A file system of its own, remounted: who opens there can open for reading only. */
	need_ok(mkdir(where, 0755));
	need_ok(mount("none", where, "tmpfs", 0, "size=1M"));
	need(asprintf(&name, "%s/file", where) > 0, "no memory");
	file_make(name, NR * PAGE, 1);
	need_ok(mount("none", where, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1M"));
	expect_errno(open(name, O_RDWR), EROFS);
	fd = need_ok(open(name, O_RDONLY));
	attach_init(&a, fd);
	refuse(attach(&a), EROFS);
	a.flags = FRAMEPOOL_ATTACH_READ_ONLY;	/* and that is legal */
	need_ok(attach(&a));
	need_ok(close(a.space_fd));
	need_ok(close(fd));
	while (umount(where) && errno == EBUSY)
		;
}

static void attach_empty(void)
{
	struct framepool_attach a;

	file_make("empty", 0, 1);
	attach_init(&a, need_ok(open(file_path("empty"), O_RDWR)));
	refuse(attach(&a), ENODATA);
}

static void attach_write_only(void)
{
	struct framepool_attach a = good();

	a.fd = backing(O_WRONLY);
	refuse(attach(&a), EACCES);
}

static void attach_not_writable(void)
{
	struct framepool_attach a = good();

	a.fd = backing(O_RDONLY);
	refuse(attach(&a), EACCES);
}

static void attach_append(void)
{
	struct framepool_attach a = good();

	a.fd = backing(O_RDWR | O_APPEND);
	refuse(attach(&a), EINVAL);
}

static int memfd(unsigned int flags, u64 bytes)
{
	int fd = memfd_create("t.bad", MFD_CLOEXEC | flags);

	if (fd >= 0)
		need_ok(ftruncate(fd, bytes));
	return fd;
}

/* What can never be written back is not attached for writing, and does not become so meanwhile. */
static void attach_sealed(void)
{
	static const int seals[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE };
	struct framepool_attach a;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seals); i++) {
		a = good();
		a.fd = need_ok(memfd(MFD_ALLOW_SEALING, 4 * PAGE));
		need_ok(fcntl(a.fd, F_ADD_SEALS, seals[i]));
		refuse(attach(&a), EPERM);
		a.flags |= FRAMEPOOL_ATTACH_READ_ONLY;
		need_ok(attach(&a));
		need_ok(detach("t.bad"));
	}
	a = good();
	a.fd = need_ok(memfd(MFD_ALLOW_SEALING, 4 * PAGE));
	need_ok(attach(&a));
	expect_errno(fcntl(a.fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	need_ok(detach("t.bad"));
	need_ok(fcntl(a.fd, F_ADD_SEALS, F_SEAL_WRITE));
}

/* An attach that is refused late leaves nothing: the file can be sealed as before. */
static void attach_undone(void)
{
	struct framepool_attach a = good();

	a.fd = need_ok(memfd(MFD_ALLOW_SEALING, 4 * PAGE));
	inject("flush");
	refuse(attach(&a), EIO);
	need_ok(fcntl(a.fd, F_ADD_SEALS, F_SEAL_WRITE));
}

static void attach_huge_pages(void)
{
	struct framepool_attach a = good();

	a.fd = memfd(MFD_HUGETLB, 2 * MIB);
	if (a.fd < 0)
		skip("no hugetlbfs here");
	refuse(attach(&a), EINVAL);
}

static void attach_sysfs(void)
{
	struct framepool_attach a = good();

	a.fd = need_ok(open("/sys/module/framepool/parameters/wait_ms", O_RDWR));
	refuse(attach(&a), EINVAL);
	a.flags |= FRAMEPOOL_ATTACH_READ_ONLY;
	refuse(attach(&a), EINVAL);
}

static void attach_path_fd(void)
{
	struct framepool_attach a = good();

	a.fd = backing(O_PATH);
	refuse(attach(&a), EBADF);
}

static void attach_no_fd(void)
{
	struct framepool_attach a = good();

	a.fd = -1;
	refuse(attach(&a), EBADF);
	a.fd = 1000000;
	refuse(attach(&a), EBADF);
	a.fd = -100;			/* AT_FDCWD means nothing here */
	refuse(attach(&a), EBADF);
}

static void attach_name_in_use(void)
{
	struct framepool_attach a = good();

	need_ok(attach(&a));
	refuse(attach(&a), EEXIST);
	/* For another file too. */
	a.fd = need_ok(open(file_make("other", PAGE, 1), O_RDWR));
	refuse(attach(&a), EEXIST);
	need_ok(detach("t.bad"));
}

static void attach_names(void)
{
	static const char *const bad[] = {
		"control", ".", "..", "a/b", "/", "/abs", "a b", " ", "a\tb", "a\n", "a:b",
		"a\\b", "a*", "t.\x80", "t.\xc3\xa4", "t.\xff", "a,b", "a@b", "a+b", "a~", "a%",
	};
	struct framepool_attach a = good();
	u64 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		name_set(a.name, bad[i]);
		refuse(attach(&a), EINVAL);
	}
	memset(a.name, 'a', sizeof(a.name));		/* 64 and no NUL */
	refuse(attach(&a), EINVAL);
}

static void attach_unknown_flags(void)
{
	struct framepool_attach a;
	unsigned int bit;

	for (bit = 4; bit < 32; bit++) {
		a = good();
		a.flags = 1u << bit;
		refuse(attach(&a), EINVAL);
		close(a.fd);
	}
}

static void attach_mode_unnamed(void)
{
	struct framepool_attach a = good();

	a.name[0] = '\0';
	a.flags = FRAMEPOOL_ATTACH_MODE;
	a.mode = 0600;
	refuse(attach(&a), EINVAL);
	a.flags = FRAMEPOOL_ATTACH_GROUP;
	refuse(attach(&a), EINVAL);
}

/* A value that no flag announces is not ignored: one day it may mean something. */
static void attach_unannounced(void)
{
	struct framepool_attach a = good();

	a.mode = 0600;
	refuse(attach(&a), EINVAL);
	a.mode = 0;
	a.gid = 5;
	refuse(attach(&a), EINVAL);
}

static void attach_mode_bits(void)
{
	static const u32 bad[] = { 01000, 02000, 04000, 010000, 020600, 0100600, 1u << 31 };
	struct framepool_attach a = good();
	u64 i;

	a.flags = FRAMEPOOL_ATTACH_MODE;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		a.mode = bad[i];
		refuse(attach(&a), EINVAL);
	}
}

static void attach_block_type(void)
{
	struct framepool_attach a = good();

	a.block_type = FRAMEPOOL_BLOCK_256 + 1;
	refuse(attach(&a), EINVAL);
	a.block_type = ~0u;
	refuse(attach(&a), EINVAL);
}

static void attach_no_pool(void)
{
	struct framepool_attach a = good();

	name_set(a.pool, "nosuch");
	refuse(attach(&a), ENOENT);
}

/* The result has nowhere to go: the attachment must be undone. */
static void attach_read_only_memory(void)
{
	struct framepool_attach a = good(), *at;

	at = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(at != MAP_FAILED, "mmap");
	*at = a;
	need_ok(mprotect(at, PAGE, PROT_READ));
	refuse(attach(at), EFAULT);
	need_ok(mprotect(at, PAGE, RW));
	at->name[0] = '\0';
	need_ok(mprotect(at, PAGE, PROT_READ));
	refuse(attach(at), EFAULT);
}

static int call(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg);
}

/* ---- every command: size, tail, flags, reserved fields, pointers ---- */

struct command {
	const char *name;
	unsigned long cmd;
	size_t size;
	size_t reserved;	/* offset of a field that must be zero, 0: none */
	bool space;		/* of a space, not of the control node */
	size_t first;		/* size of the first version, 0: there is no other */
};

#define OF_RANGE(name) { \
	#name, FRAMEPOOL_##name, sizeof(struct framepool_range), 0, true, \
	offsetof(struct framepool_range, promised) }

static const struct command commands[] = {
	{ "ATTACH", FRAMEPOOL_ATTACH, sizeof(struct framepool_attach), 0, false, 0 },
	{ "DETACH", FRAMEPOOL_DETACH, sizeof(struct framepool_detach), 0, false, 0 },
	{ "SPACE_NEXT", FRAMEPOOL_SPACE_NEXT, sizeof(struct framepool_space), 0, false, 0 },
	{ "POOL_CREATE", FRAMEPOOL_POOL_CREATE, sizeof(struct framepool_pool_create),
	  offsetof(struct framepool_pool_create, __reserved), false, 0 },
	{ "POOL_DESTROY", FRAMEPOOL_POOL_DESTROY, sizeof(struct framepool_pool_destroy), 0, false, 0 },
	{ "POOL_NEXT", FRAMEPOOL_POOL_NEXT, sizeof(struct framepool_pool), 0, false, 0 },
	{ "SPACE_INFO", FRAMEPOOL_SPACE_INFO, sizeof(struct framepool_space), 0, true, 0 },
	OF_RANGE(PREFETCH),
	OF_RANGE(EVICT),
	{ "RESIDENCY", FRAMEPOOL_RESIDENCY, sizeof(struct framepool_residency), 0, true, 0 },
	OF_RANGE(PIN),
	OF_RANGE(UNPIN),
	OF_RANGE(HOLD),
	OF_RANGE(RELEASE),
	OF_RANGE(SYNC),
	{ "RESIZE", FRAMEPOOL_RESIZE, sizeof(struct framepool_resize), 0, true, 0 },
	{ "SET_BLOCK", FRAMEPOOL_SET_BLOCK, sizeof(struct framepool_block),
	  offsetof(struct framepool_block, __reserved), true, 0 },
	{ "PREFETCH_START", FRAMEPOOL_PREFETCH_START, sizeof(struct framepool_prefetch), 0, true,
	  0 },
	{ "PREFETCH_RESULT", FRAMEPOOL_PREFETCH_RESULT, sizeof(struct framepool_prefetch), 0, true,
	  0 },
	{ "ERRORS", FRAMEPOOL_ERRORS, sizeof(struct framepool_errors),
	  offsetof(struct framepool_errors, __reserved), true, 0 },
	{ "POOL_SET_POLICY", FRAMEPOOL_POOL_SET_POLICY, sizeof(struct framepool_pool_policy), 0,
	  false, 0 },
	{ "WSET_NEXT", FRAMEPOOL_WSET_NEXT, sizeof(struct framepool_wset), 0, false, 0 },
	{ "WSET_GET", FRAMEPOOL_WSET_GET, sizeof(struct framepool_wset), 0, false, 0 },
	{ "WSET_LIMIT", FRAMEPOOL_WSET_LIMIT, sizeof(struct framepool_wset_limit),
	  offsetof(struct framepool_wset_limit, __reserved), false, 0 },
	{ "ADVISE", FRAMEPOOL_ADVISE, sizeof(struct framepool_advise),
	  offsetof(struct framepool_advise, __reserved), true, 0 },
	{ "RECORD_START", FRAMEPOOL_RECORD_START, sizeof(struct framepool_record_start),
	  offsetof(struct framepool_record_start, __reserved), true, 0 },
	{ "RECORD", FRAMEPOOL_RECORD, sizeof(struct framepool_record),
	  offsetof(struct framepool_record, __reserved), true, 0 },
};

static int a_space;

/* An argument with which the command would do something legal and small. */
static u8 *legal(const struct command *c)
{
	static struct framepool_span span = { .length = PAGE };
	static u8 *page, bitmap[64];
	u8 *arg;

	if (!page) {
		page = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		need(page != MAP_FAILED, "mmap");
	}
	memset(page, 0, 4 * PAGE);
	arg = page;
	*(u32 *)arg = c->size;
	switch (c->cmd) {
	case FRAMEPOOL_ATTACH:
		*(struct framepool_attach *)arg = good();
		break;
	case FRAMEPOOL_DETACH:
		name_set(((struct framepool_detach *)arg)->name, "t.nosuch");
		break;
	case FRAMEPOOL_POOL_CREATE:
		((struct framepool_pool_create *)arg)->bytes = 2 * MIB;
		((struct framepool_pool_create *)arg)->node = -1;
		name_set(((struct framepool_pool_create *)arg)->name, "t-bad");
		break;
	case FRAMEPOOL_POOL_DESTROY:
		name_set(((struct framepool_pool_destroy *)arg)->name, "t-nosuch");
		break;
	case FRAMEPOOL_POOL_SET_POLICY:
		strcpy(((struct framepool_pool_policy *)arg)->policy, "clock");
		name_set(((struct framepool_pool_policy *)arg)->name, "t-nosuch");
		break;
	case FRAMEPOOL_WSET_LIMIT:
		((struct framepool_wset_limit *)arg)->max = FRAMEPOOL_WSET_NO_MAX;
		break;
	case FRAMEPOOL_RESIDENCY:
		((struct framepool_residency *)arg)->bitmap = (uintptr_t)bitmap;
		break;
	case FRAMEPOOL_RESIZE:
		((struct framepool_resize *)arg)->bytes = NR * PAGE;
		break;
	case FRAMEPOOL_RECORD:
		((struct framepool_record *)arg)->refs = (uintptr_t)bitmap;
		((struct framepool_record *)arg)->nr = 1;
		break;
	case FRAMEPOOL_PREFETCH_START:
		((struct framepool_prefetch *)arg)->spans = (uintptr_t)&span;
		((struct framepool_prefetch *)arg)->nr = 1;
		((struct framepool_prefetch *)arg)->eventfd = -1;
		break;
	}
	return arg;
}

static int descriptor(const struct command *c)
{
	if (!c->space)
		return control_fd();
	if (!a_space) {
		path = file_make("file", NR * PAGE, 1);
		a_space = space_attach(path, O_RDWR);
	}
	return a_space;
}

/* Run the check for each command and say which. */
#define each_command(c, ...) \
	do { \
		const struct command *c; \
		for (c = commands; c < commands + ARRAY_SIZE(commands); c++) { \
			unsigned int __was = failures(); \
			__VA_ARGS__ \
			if (failures() != __was) \
				diag("that was %s", c->name); \
		} \
	} while (0)

static void size_zero(void)
{
	each_command(c, {
		int fd = descriptor(c);
		u8 *arg = legal(c);

		*(u32 *)arg = 0;
		refuse(call(fd, c->cmd, arg), EINVAL);
	});
}

static void size_short(void)
{
	each_command(c, {
		int fd = descriptor(c);
		u8 *arg = legal(c);
		size_t size = c->first ? c->first : c->size;

		*(u32 *)arg = 4;
		refuse(call(fd, c->cmd, arg), EINVAL);
		*(u32 *)arg = size - 1;
		refuse(call(fd, c->cmd, arg), EINVAL);
		*(u32 *)arg = size - 8;
		refuse(call(fd, c->cmd, arg), EINVAL);
	});
}

/* Bytes of a later version: legal as long as they are zero. */
static void size_long(void)
{
	each_command(c, {
		int fd = descriptor(c);
		u8 *arg = legal(c);

		*(u32 *)arg = c->size + 16;
		arg[c->size] = 1;
		refuse(call(fd, c->cmd, arg), E2BIG);
		arg[c->size] = 0;
		arg[c->size + 15] = 0x80;
		refuse(call(fd, c->cmd, arg), E2BIG);
	});
}

static void size_long_and_zero(void)
{
	struct framepool_space *s;

	each_command(c, {
		int fd = descriptor(c);
		u8 *arg = legal(c);
		int ret;

		*(u32 *)arg = c->size + 16;
		memset(arg + c->size, 0, 16);
		ret = call(fd, c->cmd, arg);
		expect(!ret || errno == ENOENT || errno == ESRCH, "%s", strerror(errno));
		if (c->cmd == FRAMEPOOL_ATTACH)
			need_ok(detach("t.bad"));
	});
	s = (struct framepool_space *)legal(&commands[6]);
	need_ok(call(a_space, FRAMEPOOL_SPACE_INFO, s));
	expect(s->bytes == NR * PAGE, "%ju bytes", (uintmax_t)s->bytes);
}

static void size_huge(void)
{
	each_command(c, {
		int fd = descriptor(c);
		u8 *arg = legal(c);

		*(u32 *)arg = ~0u;
		refuse(call(fd, c->cmd, arg), E2BIG);
	});
}

/* How many flags there are. */
static unsigned int known_flags(const struct command *c)
{
	if (c->cmd == FRAMEPOOL_ATTACH)
		return 4;
	return c->cmd == FRAMEPOOL_HOLD || c->cmd == FRAMEPOOL_POOL_CREATE ||
	       c->cmd == FRAMEPOOL_RECORD;
}

static void unknown_flags(void)
{
	each_command(c, {
		int fd = descriptor(c);
		u8 *arg = legal(c);
		unsigned int bit;

		for (bit = known_flags(c); bit < 32; bit += 7) {
			((u32 *)arg)[1] = 1u << bit;
			refuse(call(fd, c->cmd, arg), EINVAL);
		}
	});
}

static void reserved_fields(void)
{
	each_command(c, {
		int fd = descriptor(c);
		u8 *arg = legal(c);

		if (!c->reserved)
			continue;
		arg[c->reserved] = 1;
		refuse(call(fd, c->cmd, arg), EINVAL);
	});
}

static void bad_pointers(void)
{
	u8 *hole = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(hole != MAP_FAILED, "mmap");
	need_ok(munmap(hole + PAGE, PAGE));
	each_command(c, {
		int fd = descriptor(c);
		u8 *arg = legal(c);

		refuse(call(fd, c->cmd, NULL), EFAULT);
		refuse(call(fd, c->cmd, hole + PAGE), EFAULT);
		refuse(call(fd, c->cmd, (void *)0xffff800000000000ul), EFAULT);
		/* The size can be read and the rest not. */
		memcpy(hole + PAGE - 8, arg, 8);
		refuse(call(fd, c->cmd, hole + PAGE - 8), EFAULT);
	});
}

/* Commands that answer, to memory that cannot be written. */
static void nowhere_to_answer(void)
{
	descriptor(&commands[6]);		/* there is a space to answer about */
	each_command(c, {
		int fd = descriptor(c);
		u8 *arg = legal(c);

		if (c->cmd != FRAMEPOOL_SPACE_NEXT && c->cmd != FRAMEPOOL_POOL_NEXT &&
		    c->cmd != FRAMEPOOL_SPACE_INFO)
			continue;
		need_ok(mprotect(arg, 4 * PAGE, PROT_READ));
		refuse(call(fd, c->cmd, arg), EFAULT);
		need_ok(mprotect(arg, 4 * PAGE, RW));
	});
}

static void wrong_descriptor(void)
{
	each_command(c, {
		u8 *arg = legal(c);
		int fd;

		descriptor(&commands[6]);		/* there is a space */
		fd = c->space ? control_fd() : a_space;
		refuse(call(fd, c->cmd, arg), ENOTTY);
	});
}

static void no_such_command(void)
{
	static const unsigned long none[] = {
		_IO(FRAMEPOOL_IOC_TYPE, 0x1e),
		_IO(FRAMEPOOL_IOC_TYPE, 0x1f),
		_IO(FRAMEPOOL_IOC_TYPE, 0x3f),
		_IO(FRAMEPOOL_IOC_TYPE, 0xff),
		_IO('f', 0x77),
		_IOR(FRAMEPOOL_IOC_TYPE, 0x00, u64),
		_IOWR(FRAMEPOOL_IOC_TYPE, 0x20, u64),
		0x5401 /* TCGETS */,
		0x4c00 /* LOOP_SET_FD */,
		0x1260 /* BLKGETSIZE */,
	};
	u8 *arg;
	u64 i;
	int fd = descriptor(&commands[6]);

	arg = legal(&commands[6]);
	for (i = 0; i < ARRAY_SIZE(none); i++) {
		refuse(call(fd, none[i], arg), ENOTTY);
		refuse(call(control_fd(), none[i], arg), ENOTTY);
	}
}

/* ---- mmap ---- */

static int space_of(int oflags)
{
	path = file_make("file", NR * PAGE, 1);
	return space_attach(path, oflags);
}

static long try_mmap(int fd, u64 bytes, int prot, int flags, u64 offset)
{
	return (long)syscall(SYS_mmap, NULL, bytes, prot, flags, fd, offset) == -1 ? -1 : 0;
}

static void mmap_unaligned(void)
{
	int fd = space_of(O_RDWR);

	refuse(try_mmap(fd, PAGE, RW, MAP_SHARED, 1), EINVAL);
	refuse(try_mmap(fd, PAGE, RW, MAP_SHARED, 512), EINVAL);
	refuse(try_mmap(fd, PAGE, RW, MAP_SHARED, PAGE + 1), EINVAL);
}

static void mmap_overflow(void)
{
	int fd = space_of(O_RDWR);
	u64 offset[] = { ~0ul - PAGE + 1, ~0ul - 2 * PAGE + 1, 1ull << 63 };
	u64 i;

	for (i = 0; i < ARRAY_SIZE(offset); i++)
		refuse(try_mmap(fd, 4 * PAGE, RW, MAP_SHARED, offset[i]), EOVERFLOW);
	refuse(try_mmap(fd, 0, RW, MAP_SHARED, 0), EINVAL);
}

static void mmap_exec(void)
{
	int fd = space_of(O_RDWR);
	u8 *m;

	refuse(try_mmap(fd, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, 0), EPERM);
	refuse(try_mmap(fd, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0), EPERM);
	refuse(try_mmap(fd, PAGE, RW | PROT_EXEC, MAP_PRIVATE, 0), EPERM);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	refuse(mprotect(m, PAGE, PROT_READ | PROT_EXEC), EACCES);
	need_ok(munmap(m, NR * PAGE));
	m = map(fd, NR * PAGE, RW, MAP_PRIVATE);
	refuse(mprotect(m, PAGE, PROT_READ | PROT_EXEC), EACCES);
}

static void mmap_read_only(void)
{
	int fd = space_of(O_RDONLY), node;
	u8 *m;

	refuse(try_mmap(fd, PAGE, RW, MAP_SHARED, 0), EACCES);
	refuse(try_mmap(fd, PAGE, PROT_WRITE, MAP_SHARED, 0), EACCES);
	m = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
	refuse(mprotect(m, PAGE, RW), EACCES);
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	/* A writable space by a descriptor that is not. */
	space_name(path, "t.rw", O_RDWR);
	node = need_ok(node_open("t.rw", O_RDONLY));
	refuse(try_mmap(node, PAGE, RW, MAP_SHARED, 0), EACCES);
	m = map(node, NR * PAGE, PROT_READ, MAP_SHARED);
	refuse(mprotect(m, PAGE, RW), EACCES);
	need_ok(munmap(m, NR * PAGE));
	refuse(write(node, "x", 1), EBADF);
	need_ok(close(node));
	need_ok(detach("t.rw"));
}

static void mmap_flags(void)
{
	int fd = space_of(O_RDWR);

	refuse(try_mmap(fd, PAGE, RW, MAP_SHARED_VALIDATE | 0x80000 /* MAP_SYNC */, 0), EOPNOTSUPP);
	refuse(try_mmap(fd, PAGE, RW, 0, 0), EINVAL);
}

static void control_is_no_memory(void)
{
	char c;

	refuse(try_mmap(control_fd(), PAGE, RW, MAP_SHARED, 0), ENODEV);
	refuse(read(control_fd(), &c, 1), EINVAL);
	refuse(write(control_fd(), &c, 1), EINVAL);
}

/* ---- opening and detaching ---- */

static void open_for_writing(void)
{
	path = file_make("file", NR * PAGE, 1);
	space_name(path, "t.ro", O_RDONLY);
	refuse(node_open("t.ro", O_RDWR), EROFS);
	refuse(node_open("t.ro", O_WRONLY), EROFS);
	need_ok(detach("t.ro"));
}

static void stranger(void *arg)
{
	(void)arg;
	become(1000, 1000);
	expect_errno(node_open("t.mine", O_RDONLY), EACCES);
	expect_errno(node_open("t.mine", O_RDWR), EACCES);
	expect_errno(open(CONTROL, O_RDWR), EACCES);
	expect_errno(open(CONTROL, O_RDONLY), EACCES);
}

static void strangers(void)
{
	struct stat st;

	path = file_make("file", NR * PAGE, 1);
	space_name(path, "t.mine", O_RDWR);
	look_at_world(&before);
	child_join(child_start(stranger, NULL));
	look_at_world(&after);
	expect(same_world(&before, &after), "a refused open changed something");
	need_ok(stat(CONTROL, &st));
	expect((st.st_mode & 07777) == 0600, "control has mode %o", st.st_mode & 07777);
	need_ok(detach("t.mine"));
}

static void detach_busy(void)
{
	int fd;
	u8 *m;

	path = file_make("file", NR * PAGE, 1);
	space_name(path, "t.busy", O_RDWR);
	fd = need_ok(node_open("t.busy", O_RDWR));
	refuse(detach("t.busy"), EBUSY);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	page_fill(m, 0, 2);
	refuse(detach("t.busy"), EBUSY);
	need_ok(close(fd));
	refuse(detach("t.busy"), EBUSY);		/* mapped only */
	expect(page_is(m, 0, 2), "after refused detaches");
	need_ok(munmap(m, NR * PAGE));
	need_ok(detach("t.busy"));
}

static void detach_unknown(void)
{
	struct framepool_detach d = { .size = sizeof(d) };

	refuse(detach("t.nosuch"), ENOENT);
	refuse(detach("control"), ENOENT);
	refuse(detach(""), ENOENT);
	refuse(detach("."), ENOENT);
	refuse(detach("a/b"), ENOENT);
	memset(d.name, 'a', sizeof(d.name));
	refuse(ioctl(control_fd(), FRAMEPOOL_DETACH, &d), EINVAL);
}

/* ---- commands of a space ---- */

/* Who refuses leaves the argument as it was, with what the program had in the results. */
static void refuse_range(int fd, unsigned long cmd, u64 offset, u64 length)
{
	struct framepool_range r = { .size = sizeof(r), .offset = offset, .length = length,
				     .done = 7, .failed = 7, .error = 7 };
	struct framepool_range asked = r;

	refuse(ioctl(fd, cmd, &r), EINVAL);
	expect(!memcmp(&r, &asked, sizeof(r)), "the argument has changed");
}

static void ranges(void)
{
	static const unsigned long cmds[] = { FRAMEPOOL_PREFETCH, FRAMEPOOL_EVICT, FRAMEPOOL_PIN,
					      FRAMEPOOL_UNPIN, FRAMEPOOL_HOLD,
					      FRAMEPOOL_RELEASE, FRAMEPOOL_SYNC };
	static const struct {
		u64 offset, length;
	} bad[] = {
		/* unaligned */
		{ 1, PAGE }, { 512, 0 }, { PAGE - 1, PAGE },
		/* past the end */
		{ NR * PAGE, PAGE }, { 0, (NR + 1) * PAGE }, { PAGE, NR * PAGE },
		{ 1ull << 63, PAGE }, { PAGE, ~0ull - PAGE + 1 }, { PAGE, ~0ull },
		{ ~0ull - PAGE + 1, 2 * PAGE },
	};
	struct framepool_residency res = { .size = sizeof(res), .resident = 7 };
	u8 bitmap[64];
	u64 i, k;
	int fd = space_of(O_RDWR);

	for (k = 0; k < ARRAY_SIZE(bad); k++) {
		for (i = 0; i < ARRAY_SIZE(cmds); i++)
			refuse_range(fd, cmds[i], bad[k].offset, bad[k].length);
		res.offset = bad[k].offset;
		res.length = bad[k].length;
		res.bitmap = (uintptr_t)bitmap;
		refuse(ioctl(fd, FRAMEPOOL_RESIDENCY, &res), EINVAL);
		if (failures()) {
			diag("offset %#jx, length %#jx", (uintmax_t)bad[k].offset,
			     (uintmax_t)bad[k].length);
			break;
		}
	}
	res.offset = 0;
	res.length = 0;
	res.bitmap = 0;
	refuse(ioctl(fd, FRAMEPOOL_RESIDENCY, &res), EFAULT);
	res.bitmap = 0xffff800000000000ul;
	refuse(ioctl(fd, FRAMEPOOL_RESIDENCY, &res), EFAULT);
	expect(res.resident == 7, "a refused RESIDENCY has counted");
}

static void set_block(void)
{
	struct framepool_block b = { .size = sizeof(b), .block_type = FRAMEPOOL_BLOCK_256 + 1 };
	int fd = space_of(O_RDWR);

	refuse(ioctl(fd, FRAMEPOOL_SET_BLOCK, &b), EINVAL);
	b.block_type = ~0u;
	refuse(ioctl(fd, FRAMEPOOL_SET_BLOCK, &b), EINVAL);
}

static void resize_zero(void)
{
	struct framepool_resize r = { .size = sizeof(r) };
	int fd = space_of(O_RDWR);

	refuse(ioctl(fd, FRAMEPOOL_RESIZE, &r), EINVAL);
}

static void resize_read_only(void)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = PAGE };
	int fd = space_of(O_RDONLY);

	refuse(ioctl(fd, FRAMEPOOL_RESIZE, &r), EBADF);
	expect(file_size(path) == NR * PAGE, "the file has %ju bytes", (uintmax_t)file_size(path));
}

static void resize_block_device(void)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = MIB };
	int fd;

	if (access("/dev/ram0", R_OK | W_OK))
		skip("no /dev/ram0");
	fd = space_attach("/dev/ram0", O_RDWR);
	refuse(ioctl(fd, FRAMEPOOL_RESIZE, &r), EINVAL);
}

/* ---- pools ---- */

static struct framepool_pool_create good_pool(void)
{
	struct framepool_pool_create c = { .size = sizeof(c), .bytes = 2 * MIB, .node = -1,
					   .name = "t-bad" };

	return c;
}

static int create(struct framepool_pool_create *c)
{
	return ioctl(control_fd(), FRAMEPOOL_POOL_CREATE, c);
}

static int destroy(const char *name)
{
	struct framepool_pool_destroy d = { .size = sizeof(d) };

	name_set(d.name, name);
	return ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &d);
}

static void pool_good(void)
{
	struct framepool_pool_create c = good_pool();

	need_ok(create(&c));
	need_ok(destroy("t-bad"));
}

static void pool_bytes(void)
{
	static const u64 bad[] = { 0, 1, PAGE, MIB, 2 * MIB - PAGE, 2 * MIB + 1, 3 * MIB,
				   2 * MIB + PAGE };
	struct framepool_pool_create c = good_pool();
	u64 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		c.bytes = bad[i];
		refuse(create(&c), EINVAL);
	}
}

static void pool_too_large(void)
{
	struct framepool_pool_create c = good_pool();
	struct sysinfo si;

	need_ok(sysinfo(&si));
	c.bytes = (si.totalram * si.mem_unit / (2 * MIB) + 512) * 2 * MIB;
	refuse(create(&c), ERANGE);
	c.bytes = 1ull << 50;
	refuse(create(&c), ERANGE);
	c.bytes = ~0ull & ~(2 * MIB - 1);
	refuse(create(&c), ERANGE);
}

static void pool_base(void)
{
	struct framepool_pool_create c = good_pool();

	c.base = 1;
	refuse(create(&c), EINVAL);
	c.base = PAGE;
	refuse(create(&c), EINVAL);
	c.base = 512 * MIB + MIB;
	refuse(create(&c), EINVAL);
	c.base = 512 * MIB;			/* memory, and the kernel's */
	refuse(create(&c), EBUSY);
	c.base = 256 * MIB;
	c.bytes = 16 * MIB;
	refuse(create(&c), EBUSY);
	/* No memory at all, and where that of devices is. */
	c.base = 1ull << 40;
	refuse(create(&c), EBUSY);
	c.base = 0xe0000000;
	refuse(create(&c), EBUSY);
}

static void pool_base_overflow(void)
{
	struct framepool_pool_create c = good_pool();

	c.base = ~0ull & ~(2 * MIB - 1);
	c.bytes = 4 * MIB;
	refuse(create(&c), EINVAL);
}

static void pool_node(void)
{
	struct framepool_pool_create c = good_pool();

	c.node = -2;
	refuse(create(&c), EINVAL);
	c.node = 77;
	refuse(create(&c), EINVAL);
	c.node = 1 << 20;
	refuse(create(&c), EINVAL);
}

static void pool_policy(void)
{
	struct framepool_pool_create c = good_pool();

	strcpy(c.policy, "nonsense");
	refuse(create(&c), EINVAL);
	memset(c.policy, 'c', sizeof(c.policy));
	refuse(create(&c), EINVAL);
}

static void pool_names(void)
{
	static const char * const bad[] = { "", ".", "..", "a/b", "a b", "\xc3\xa4", "a\n" };
	struct framepool_pool_create c = good_pool();
	u64 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		name_set(c.name, bad[i]);
		refuse(create(&c), EINVAL);
	}
	memset(c.name, 'a', sizeof(c.name));
	refuse(create(&c), EINVAL);
}

static void pool_exists(void)
{
	struct framepool_pool_create c = good_pool();
	struct framepool_pool p;

	need(pool_info("", &p), "no default pool");
	memcpy(c.name, p.name, sizeof(c.name));
	refuse(create(&c), EEXIST);
	name_set(c.name, "t-bad");
	need_ok(create(&c));
	refuse(create(&c), EEXIST);
	need_ok(destroy("t-bad"));
}

static void pool_in_use(void)
{
	struct framepool_pool_create c = good_pool();
	int fd;
	u32 id;

	need_ok(create(&c));
	name_set(pool, "t-bad");
	fd = space_of(O_RDWR);
	id = space_id(fd);
	refuse(destroy("t-bad"), EBUSY);
	space_gone(fd, id);
	need_ok(destroy("t-bad"));
	refuse(destroy("t-bad"), ENOENT);
}

static void powerless(void *arg)
{
	struct framepool_pool_create c = good_pool();
	struct framepool_pool_destroy d = { .size = sizeof(d) };
	int control = *(int *)arg;

	become(1000, 1000);
	expect_errno(ioctl(control, FRAMEPOOL_POOL_CREATE, &c), EPERM);
	name_set(d.name, "t-mine");
	expect_errno(ioctl(control, FRAMEPOOL_POOL_DESTROY, &d), EPERM);
	name_set(d.name, "t-nosuch");
	expect_errno(ioctl(control, FRAMEPOOL_POOL_DESTROY, &d), EPERM);
}

static void pool_rights(void)
{
	struct framepool_pool_create c = good_pool();
	int control = control_fd();

	name_set(c.name, "t-mine");
	need_ok(create(&c));
	look_at_world(&before);
	child_join(child_start(powerless, &control));
	look_at_world(&after);
	expect(same_world(&before, &after), "a refused call changed something");
	need_ok(destroy("t-mine"));
}

static const struct test tests[] = {
	{ "what the bad requests are made from is good", attach_good, T_DEVICE },
	{ "attach a directory: EISDIR", attach_directory, T_DEVICE },
	{ "attach a pipe: EINVAL", attach_pipe, T_DEVICE },
	{ "attach a fifo: EINVAL", attach_fifo, T_DEVICE },
	{ "attach a socket: EINVAL", attach_socket, T_DEVICE },
	{ "attach an eventfd: EINVAL", attach_eventfd, T_DEVICE },
	{ "attach a character device: EINVAL", attach_char_device, T_DEVICE },
	{ "attach the control node: ELOOP", attach_control, T_DEVICE },
	{ "attach a named node: ELOOP", attach_node, T_DEVICE },
	{ "attach an unnamed space: ELOOP", attach_space, T_DEVICE },
	{ "attach for writing on a read-only mount: EROFS", attach_read_only_mount, T_DEVICE },
	{ "attach an empty file: ENODATA", attach_empty, T_DEVICE },
	{ "attach a file opened O_WRONLY: EACCES", attach_write_only, T_DEVICE },
	{ "attach a file opened O_RDONLY for writing: EACCES", attach_not_writable, T_DEVICE },
	{ "attach a file opened O_APPEND: EINVAL", attach_append, T_DEVICE },
	{ "attach a sealed memfd for writing: EPERM", attach_sealed, T_DEVICE },
	{ "attach a file whose cached pages cannot be written: EIO", attach_undone, T_DEVICE },
	{ "attach huge pages for writing: EINVAL", attach_huge_pages, T_DEVICE },
	{ "attach a file of sysfs: EINVAL", attach_sysfs, T_DEVICE },
	{ "attach an O_PATH descriptor: EBADF", attach_path_fd, T_DEVICE },
	{ "attach no descriptor: EBADF", attach_no_fd, T_DEVICE },
	{ "attach by a name in use: EEXIST", attach_name_in_use, T_DEVICE },
	{ "attach by a bad name: EINVAL", attach_names, T_DEVICE },
	{ "attach with an unknown flag: EINVAL", attach_unknown_flags, T_DEVICE },
	{ "attach with mode or group and no name: EINVAL", attach_mode_unnamed, T_DEVICE },
	{ "attach with mode or group and no flag: EINVAL", attach_unannounced, T_DEVICE },
	{ "attach with more than permission bits: EINVAL", attach_mode_bits, T_DEVICE },
	{ "attach with block type 6: EINVAL", attach_block_type, T_DEVICE },
	{ "attach in an unknown pool: ENOENT", attach_no_pool, T_DEVICE },
	{ "attach from memory that cannot be written: EFAULT", attach_read_only_memory, T_DEVICE },
	{ "size 0: EINVAL", size_zero, T_DEVICE },
	{ "size too short: EINVAL", size_short, T_DEVICE },
	{ "bytes beyond what is known: E2BIG", size_long, T_DEVICE },
	{ "zeros beyond what is known: fine", size_long_and_zero, T_DEVICE },
	{ "a size of 4 GiB", size_huge, T_DEVICE },
	{ "unknown flags: EINVAL", unknown_flags, T_DEVICE },
	{ "reserved fields: EINVAL", reserved_fields, T_DEVICE },
	{ "bad pointers: EFAULT", bad_pointers, T_DEVICE },
	{ "answers to memory that cannot be written: EFAULT", nowhere_to_answer, T_DEVICE },
	{ "commands on the wrong kind of descriptor: ENOTTY", wrong_descriptor, T_DEVICE },
	{ "unknown commands: ENOTTY", no_such_command, T_DEVICE },
	{ "mmap, offset unaligned: EINVAL", mmap_unaligned, T_DEVICE },
	{ "mmap, offset overflows: EOVERFLOW", mmap_overflow, T_DEVICE },
	{ "mmap, executable: EPERM", mmap_exec, T_DEVICE },
	{ "mmap, writable without the right: EACCES", mmap_read_only, T_DEVICE },
	{ "mmap, unknown flags", mmap_flags, T_DEVICE },
	{ "the control node is no memory", control_is_no_memory, T_DEVICE },
	{ "open a read-only space for writing: EROFS", open_for_writing, T_DEVICE },
	{ "another user: EACCES", strangers, T_DEVICE },
	{ "detach while open or mapped: EBUSY", detach_busy, T_DEVICE },
	{ "detach what is not there: ENOENT", detach_unknown, T_DEVICE },
	{ "ranges that are none: EINVAL", ranges, T_DEVICE },
	{ "SET_BLOCK 6: EINVAL", set_block, T_DEVICE },
	{ "RESIZE to 0: EINVAL", resize_zero, T_DEVICE },
	{ "RESIZE without the right: EBADF", resize_read_only, T_DEVICE },
	{ "RESIZE of a block device: EINVAL", resize_block_device, T_DEVICE },
	{ "what the bad pools are made from is good", pool_good, T_DEVICE },
	{ "pool, bad size: EINVAL", pool_bytes, T_DEVICE },
	{ "pool, larger than RAM: ERANGE", pool_too_large, T_DEVICE },
	{ "pool, base unaligned: EINVAL, not reserved: EBUSY", pool_base, T_DEVICE },
	{ "pool, base overflows", pool_base_overflow, T_DEVICE },
	{ "pool, no such node: EINVAL", pool_node, T_DEVICE },
	{ "pool, no such policy: EINVAL", pool_policy, T_DEVICE },
	{ "pool, bad name: EINVAL", pool_names, T_DEVICE },
	{ "pool, name in use: EEXIST", pool_exists, T_DEVICE },
	{ "pool, destroyed while in use: EBUSY", pool_in_use, T_DEVICE },
	{ "pool, without CAP_SYS_ADMIN: EPERM", pool_rights, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
