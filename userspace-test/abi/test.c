// SPDX-License-Identifier: GPL-2.0-only
/*
 * The runner of the black-box programs and what they share; test.h says what it is for.
 */
#include "test.h"

#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <time.h>
#include <linux/loop.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define WAIT_MS		"/sys/module/framepool/parameters/wait_ms"
#define FAILED		1
#define SKIPPED		77
#define SAID_MAX	25	/* failures of one test that are worth printing */
#define SETTLE_MS	30000	/* for spaces to go after their last user */

bool plain;
bool plain_at_home;
void (*after_test)(void);
unsigned int scale = 1;
u64 seed;
char dir[DIR_SIZE];
char pool[FRAMEPOOL_NAME_SIZE];

/* One for a test and all its children. */
static struct shared {
	atomic_uint failed;
	char why[256];		/* it was skipped */
	char mounted[256];	/* to be unmounted after it */
} *shared;

static unsigned int limit = 120;

/* ---- saying ---- */

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One write for one line: threads and children speak at the same time. */
static void say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	if (write(STDOUT_FILENO, line, len) != len)
		_exit(FAILED);
}

void diag(const char *fmt, ...)
{
	char line[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	say("# %s\n", line);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(shared->why, sizeof(shared->why), fmt, ap);
	va_end(ap);
	_exit(SKIPPED);
}

void fail(const char *file, int line, const char *what, const char *fmt, ...)
{
	unsigned int nr = atomic_fetch_add(&shared->failed, 1);
	char text[700];
	va_list ap;

	if (nr == SAID_MAX)
		diag("more failures of this test are not printed");
	if (nr >= SAID_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag("%s:%d: %.120s: %s", file, line, what, text);
}

unsigned int failures(void)
{
	return atomic_load(&shared->failed);
}

void give_up(void)
{
	_exit(FAILED);
}

u64 scaled(u64 work)
{
	return work > scale ? work / scale : 1;
}

/* ---- random numbers ---- */

u64 mix(u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

u64 rnd_next(struct rnd *r)
{
	r->state += 0x9e3779b97f4a7c15ull;
	return mix(r->state);
}

u64 rnd_below(struct rnd *r, u64 n)
{
	return n ? rnd_next(r) % n : 0;
}

void rnd_init(struct rnd *r, u64 stream)
{
	r->state = mix(seed ^ mix(stream + 1));
}

/* ---- contents ---- */

#define WORDS		(PAGE / sizeof(u64))
#define STEP		0x9e3779b97f4a7c15ull
#define VERSION_BITS	24

static u64 head_word(u64 vpn, u64 version)
{
	return (vpn << VERSION_BITS | version) + 1;	/* no page is all zeros */
}

void page_fill(void *page, u64 vpn, u64 version)
{
	volatile u64 *w = page;
	u64 head = head_word(vpn, version), x = mix(head);
	unsigned int i;

	w[0] = head;
	for (i = 1; i < WORDS; i++)
		w[i] = x + i * STEP;
}

static unsigned int differs_at(const void *page, u64 vpn, u64 version)
{
	const u64 *w = page;
	u64 head = head_word(vpn, version), x = mix(head);
	unsigned int i;

	if (w[0] != head)
		return 0;
	for (i = 1; i < WORDS; i++)
		if (w[i] != x + i * STEP)
			return i;
	return WORDS;
}

bool page_holds(const void *page, u64 vpn, u64 version)
{
	return differs_at(page, vpn, version) == WORDS;
}

bool page_is(const void *page, u64 vpn, u64 version)
{
	unsigned int at = differs_at(page, vpn, version);
	u64 head, word;

	if (at == WORDS)
		return true;
	memcpy(&head, page, sizeof(head));
	memcpy(&word, (const u8 *)page + at * sizeof(u64), sizeof(word));
	head--;
	diag("page %#jx should be version %ju: wrong from word %u (%#jx); its head says page %#jx "
	     "version %ju%s",
	     (uintmax_t)vpn, (uintmax_t)version, at, (uintmax_t)word,
	     (uintmax_t)(head >> VERSION_BITS), (uintmax_t)(head & ((1u << VERSION_BITS) - 1)),
	     bytes_zero(page, PAGE, 0) ? "; it is all zeros" : "");
	return false;
}

bool page_torn(const void *page, u64 vpn, u64 old, u64 new)
{
	const u64 *w = page;
	u64 from = mix(head_word(vpn, old)), to = mix(head_word(vpn, new));
	unsigned int i = 0;

	if (w[0] == head_word(vpn, new))
		for (i = 1; i < WORDS && w[i] == to + i * STEP; i++)
			;
	else if (w[i++] != head_word(vpn, old))
		return false;
	for (; i < WORDS; i++)
		if (w[i] != from + i * STEP)
			return false;
	return true;
}

bool bytes_are(const void *is, const void *want, u64 len, u64 offset)
{
	const u8 *a = is, *b = want;
	u64 i;

	if (!memcmp(a, b, len))
		return true;
	for (i = 0; a[i] == b[i]; i++)
		;
	diag("byte %#jx of %#jx is %#x, should be %#x", (uintmax_t)(offset + i),
	     (uintmax_t)(offset + len), a[i], b[i]);
	return false;
}

bool bytes_zero(const void *is, u64 len, u64 offset)
{
	const u8 *a = is;
	u64 i;

	(void)offset;
	for (i = 0; i < len; i++)
		if (a[i])
			return false;
	return true;
}

u8 *model_make(u64 bytes, u64 version)
{
	u8 *m = aligned_alloc(PAGE, PAGES(bytes) * PAGE);
	u64 i;

	need(m, "no memory for a model of %ju bytes", (uintmax_t)bytes);
	for (i = 0; i < PAGES(bytes); i++)
		page_fill(m + i * PAGE, i, version);
	return m;
}

char *file_path(const char *name)
{
	char *path;

	need(asprintf(&path, "%s/%s", dir, name) > 0, "no memory");
	return path;
}

char *file_make(const char *name, u64 bytes, u64 version)
{
	u64 chunk = 64, i, n, part;
	u8 *buf = aligned_alloc(PAGE, chunk * PAGE);
	char *path = name[0] == '/' ? strdup(name) : file_path(name);
	int fd = need_ok(open(path, O_RDWR | O_CREAT | O_TRUNC, 0644));
	u64 pos = 0;

	need(buf && path, "no memory");
	while (pos < bytes) {
		n = PAGES(bytes - pos) < chunk ? PAGES(bytes - pos) : chunk;
		for (i = 0; i < n; i++)
			page_fill(buf + i * PAGE, pos / PAGE + i, version);
		part = n * PAGE < bytes - pos ? n * PAGE : bytes - pos;
		need(write(fd, buf, part) == (ssize_t)part, "%s: %s", path, strerror(errno));
		pos += part;
	}
	need_ok(fsync(fd));
	need_ok(close(fd));
	free(buf);
	return path;
}

u64 file_size(const char *path)
{
	struct stat st;

	need_ok(stat(path, &st));
	return st.st_size;
}

/*
 * Read what the medium holds: with O_DIRECT, and where there is no such thing after asking the page
 * cache to forget.
 */
u8 *file_load(const char *path, u64 *bytes)
{
	int fd = open(path, O_RDONLY | O_DIRECT);
	bool direct = fd >= 0;
	u64 pos = 0, room;
	ssize_t n;
	u8 *buf;

	if (!direct)
		fd = need_ok(open(path, O_RDONLY));
	*bytes = need_ok(lseek(fd, 0, SEEK_END));
	room = PAGES(*bytes) * PAGE + PAGE;
	buf = aligned_alloc(PAGE, room);
	need(buf, "no memory for %s", path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while (pos < *bytes) {
		n = pread(fd, buf + pos, room - pos > MIB ? MIB : room - pos, pos);
		if (n < 0 && errno == EINVAL && direct) {
			direct = false;
			close(fd);
			fd = need_ok(open(path, O_RDONLY));
			continue;
		}
		need(n > 0, "%s: read at %#jx of %#jx: %s", path, (uintmax_t)pos, (uintmax_t)*bytes,
		     n ? strerror(errno) : "end of file");
		pos += n;
	}
	close(fd);
	return buf;
}

void expect_file(const char *path, const u8 *model, u64 bytes)
{
	u64 is;
	u8 *buf = file_load(path, &is);

	expect(is == bytes, "%s has %ju bytes, should have %ju", path, (uintmax_t)is,
	       (uintmax_t)bytes);
	expect(bytes_are(buf, model, is < bytes ? is : bytes, 0), "%s differs from the model",
	       path);
	free(buf);
}

/* ---- processes ---- */

pid_t child_start(void (*run)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = need_ok(fork());

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(FAILED);
	run(arg);
	_exit(0);
}

void child_join(pid_t pid)
{
	int status;

	need_ok(waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		fail(__FILE__, __LINE__, "child", "was killed by %s", strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == SKIPPED)
		_exit(SKIPPED);
	else if (WEXITSTATUS(status))
		fail(__FILE__, __LINE__, "child", "exit status %d", WEXITSTATUS(status));
}

void become(uid_t uid, gid_t gid)
{
	need_ok(setgroups(0, NULL));
	need_ok(setresgid(gid, gid, gid));
	need_ok(setresuid(uid, uid, uid));
}

/* ---- faults ---- */

static __thread sigjmp_buf *volatile catcher;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	char line[128];
	int len;

	(void)context;
	if (catcher)
		siglongjmp(*catcher, sig);
	len = snprintf(line, sizeof(line), "# unexpected %s (code %d) at address %p\n",
		       sig == SIGBUS ? "SIGBUS" : "SIGSEGV", info->si_code, info->si_addr);
	if (write(STDOUT_FILENO, line, len) < 0)
		_exit(FAILED);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void catch_faults(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
}

int try_load(const volatile void *from, u8 *value)
{
	sigjmp_buf here;
	int sig = sigsetjmp(here, 1);
	u8 got;

	if (!sig) {
		catcher = &here;
		got = *(const volatile u8 *)from;
		if (value)
			*value = got;
	}
	catcher = NULL;
	return sig;
}

int try_store(volatile void *to, u8 value)
{
	sigjmp_buf here;
	int sig = sigsetjmp(here, 1);

	if (!sig) {
		catcher = &here;
		*(volatile u8 *)to = value;
	}
	catcher = NULL;
	return sig;
}

int try_copy(void *to, const void *from, size_t len)
{
	sigjmp_buf here;
	int sig = sigsetjmp(here, 1);

	if (!sig) {
		catcher = &here;
		memcpy(to, from, len);
		atomic_signal_fence(memory_order_seq_cst);
	}
	catcher = NULL;
	return sig;
}

/* ---- waiting ---- */

u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* For what nothing announces. */
bool wait_until(bool (*done)(void *arg), void *arg, u64 ms)
{
	u64 end = now_ms() + ms;

	while (!done(arg)) {
		if (now_ms() > end)
			return false;
		poll(NULL, 0, 2);
	}
	return true;
}

struct task {
	char stat[64];
	unsigned int asleep;
};

static bool task_asleep(void *arg)
{
	struct task *t = arg;
	char line[512], *paren;
	int fd = open(t->stat, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	line[n] = '\0';
	paren = strrchr(line, ')');
	t->asleep = paren && (paren[2] == 'D' || paren[2] == 'S') ? t->asleep + 1 : 0;
	return t->asleep >= 20;
}

bool task_waits(pid_t pid, pid_t tid, u64 ms)
{
	struct task t = { .asleep = 0 };

	snprintf(t.stat, sizeof(t.stat), "/proc/%d/task/%d/stat", pid, tid);
	return wait_until(task_asleep, &t, ms);
}

/* ---- the device ---- */

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

void attach_init(struct framepool_attach *a, int fd)
{
	memset(a, 0, sizeof(*a));
	a->size = sizeof(*a);
	a->fd = fd;
	a->space_fd = -1;
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
static bool space_next(struct framepool_space *s)
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

static bool pool_next(struct framepool_pool *p)
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

bool space_listed(u32 id)
{
	struct framepool_space s = { .cursor = 0 };

	while (space_next(&s))
		if (s.space == id)
			return true;
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

void pool_use(u64 bytes)
{
	struct framepool_pool_create c = { .size = sizeof(c), .bytes = bytes, .node = -1 };
	int ret, tries = 0;

	if (plain)
		return;
	snprintf(c.name, sizeof(c.name), "t-%d", getpid());
	/* Contiguous memory may be busy for a moment. */
	do
		ret = ioctl(control_fd(), FRAMEPOOL_POOL_CREATE, &c);
	while (ret && errno == ENOMEM && tries++ < 5);
	need(!ret, "a pool of %ju bytes: %s", (uintmax_t)bytes, strerror(errno));
	memcpy(pool, c.name, sizeof(pool));
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

	if (plain) {
		need_ok(msync(mapping, bytes, MS_SYNC));
		need_ok(madvise(mapping, bytes, MADV_DONTNEED));
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		return;
	}
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
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

void set_wait_ms(unsigned int ms)
{
	if (!plain)
		need(number_file(WAIT_MS, &ms, true), WAIT_MS ": %s", strerror(errno));
}

/* ---- file systems and devices ---- */

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
	snprintf(shared->mounted, sizeof(shared->mounted), "%s", where);
	return true;
}

/* ---- the runner ---- */

static bool spaces_back(void *arg)
{
	return spaces_count() == *(unsigned int *)arg;
}

/*
 * What a test left behind is a failure of the test, or of the module: and it must not become that
 * of the next test.
 */
static unsigned int clean_up(unsigned int spaces)
{
	struct framepool_pool_destroy destroy = { .size = sizeof(destroy) };
	struct framepool_space s = { .cursor = 0 };
	struct framepool_pool p = { .cursor = 0 };
	char gone[16][FRAMEPOOL_NAME_SIZE];
	unsigned int left = 0, n = 0, i;

	while (space_next(&s) && n < ARRAY_SIZE(gone))
		if (!strncmp(s.name, "t.", 2))
			memcpy(gone[n++], s.name, sizeof(gone[0]));
	for (i = 0; i < n; i++, left++)
		diag("left behind: space %s; detach: %s", gone[i],
		     detach(gone[i]) ? strerror(errno) : "done");
	if (!wait_until(spaces_back, &spaces, SETTLE_MS)) {
		memset(&s, 0, sizeof(s));
		while (space_next(&s))
			diag("left behind: space %u '%s' in %s: state %#x, %u opens, %ju resident, "
			     "%ju dirty",
			     s.space, s.name, s.pool, s.state, s.opens, (uintmax_t)s.resident,
			     (uintmax_t)s.dirty);
		left++;
	}
	n = 0;
	while (pool_next(&p) && n < ARRAY_SIZE(gone)) {
		if (p.resident > p.bound || p.resident_max > p.bound || p.write_errors) {
			diag("pool %s: %ju resident, at most %ju, bound %ju, %ju write errors",
			     p.name, (uintmax_t)p.resident, (uintmax_t)p.resident_max,
			     (uintmax_t)p.bound, (uintmax_t)p.write_errors);
			left++;
		}
		if (!strncmp(p.name, "t-", 2))
			memcpy(gone[n++], p.name, sizeof(gone[0]));
	}
	for (i = 0; i < n; i++) {
		memcpy(destroy.name, gone[i], sizeof(destroy.name));
		if (ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &destroy)) {
			diag("left behind: pool %s: %s", gone[i], strerror(errno));
			left++;
		}
	}
	return left;
}

static void remove_files(void)
{
	char cmd[PATH_MAX + 32];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'/*", dir);
	if (system(cmd))
		diag("cannot empty %s", dir);
}

/* With SIGCHLD blocked; false: it still runs. */
static bool reap(pid_t pid, const sigset_t *chld, unsigned int seconds, int *status)
{
	struct timespec second = { .tv_sec = 1 };
	u64 end = now_ms() + seconds * 1000ull;

	while (!waitpid(pid, status, WNOHANG)) {
		if (now_ms() > end)
			return false;
		sigtimedwait(chld, NULL, &second);
	}
	return true;
}

/* 0, SKIPPED or FAILED */
static int run_one(const struct test *t)
{
	unsigned int spaces = plain ? 0 : spaces_count();
	sigset_t chld, before;
	int status = 0;
	pid_t pid;

	control_close();		/* the test shall be the only one who holds the module */
	memset(shared, 0, sizeof(*shared));
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &before);
	pid = fork();
	if (pid < 0)
		return FAILED;
	if (!pid) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		catch_faults();
		t->run();
		_exit(failures() ? FAILED : 0);
	}
	if (!reap(pid, &chld, limit, &status)) {
		diag("still running after %u s", limit);
		fail(__FILE__, __LINE__, t->name, "timed out");
		kill(-pid, SIGKILL);
		if (!reap(pid, &chld, 30, &status)) {
			say("Bail out! %s cannot be killed\n", t->name);
			_exit(FAILED);
		}
	}
	kill(-pid, SIGKILL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (WIFSIGNALED(status))
		diag("killed by %s", strsignal(WTERMSIG(status)));
	if (after_test)
		after_test();
	if (!plain && clean_up(spaces))
		atomic_fetch_add(&shared->failed, 1);
	if (shared->mounted[0] && umount(shared->mounted)) {
		diag("umount %s: %s", shared->mounted, strerror(errno));
		atomic_fetch_add(&shared->failed, 1);
		umount2(shared->mounted, MNT_DETACH);
	}
	if (!plain && wait_ms_before)
		number_file(WAIT_MS, &wait_ms_before, true);
	remove_files();
	if (failures())
		return FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

static bool wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static void set_up(const char *program)
{
	const char *base = getenv("FPOOL_DIR"), *text;
	struct utsname uts;

	plain = (text = getenv("FPOOL_PLAIN")) && atoi(text);
	plain_at_home = plain && atoi(text) < 2;
	if ((text = getenv("FPOOL_SCALE")) && atoi(text) > 0)
		scale = atoi(text);
	if ((text = getenv("FPOOL_LIMIT")) && atoi(text) > 0)
		limit = atoi(text);
	if ((text = getenv("FPOOL_SEED")))
		seed = strtoull(text, NULL, 0);
	else if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = now_ms() ^ (u64)getpid() << 32;
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		_exit(FAILED);
	uname(&uts);
	program = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
	snprintf(dir, sizeof(dir), "%s/%s.%d", base ? base : "/mnt", program, getpid());
	diag("%s on %s, %s, scale %u, FPOOL_SEED=%#jx", program, uts.release,
	     plain ? "plain files" : "the device", scale, (uintmax_t)seed);
	if (mkdir(dir, 0755)) {
		say("Bail out! %s: %s\n", dir, strerror(errno));
		_exit(FAILED);
	}
	if (!plain && access(CONTROL, R_OK | W_OK)) {
		say("Bail out! " CONTROL ": %s\n", strerror(errno));
		_exit(FAILED);
	}
	if (!plain)
		number_file(WAIT_MS, &wait_ms_before, false);
}

int test_main(int argc, char **argv, const struct test *tests, size_t nr)
{
	unsigned int run = 0, bad = 0;
	size_t i;
	u64 start;
	int ret;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < nr; i++)
		run += wanted(tests[i].name, argc, argv);
	say("1..%u\n", run);
	set_up(argv[0]);
	run = 0;
	for (i = 0; i < nr; i++) {
		if (!wanted(tests[i].name, argc, argv))
			continue;
		run++;
		if (plain && (tests[i].flags & T_DEVICE)) {
			say("ok %u - %s # SKIP about the device\n", run, tests[i].name);
			continue;
		}
		start = now_ms();
		ret = run_one(&tests[i]);
		if (ret == SKIPPED) {
			say("ok %u - %s # SKIP %s\n", run, tests[i].name, shared->why);
			continue;
		}
		bad += ret != 0;
		say("%s %u - %s\n", ret ? "not ok" : "ok", run, tests[i].name);
		if (now_ms() - start > 3000 || ret)
			diag("took %ju ms", (uintmax_t)(now_ms() - start));
	}
	rmdir(dir);
	if (bad)
		diag("%u of %u failed", bad, run);
	return bad ? FAILED : 0;
}
