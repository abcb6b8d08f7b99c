// SPDX-License-Identifier: GPL-2.0-only
/* What debugfs says of a pool agrees with what was done to it, and with itself. */
#include "scene.h"

#include <ctype.h>
#include <stdarg.h>
#include <sys/uio.h>

#define NR	64UL
#define FIRST	20UL		/* the pages that are there */
#define THERE	10UL
#define PINNED	(FIRST + 3)

static char *text_of(const char *name)
{
	char *text = calloc(1, MIB), where[256];
	FILE *f;

	snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/%s", pool, name);
	f = fopen(where, "re");
	need(f && text, "%s: %s", where, strerror(errno));
	need(fread(text, 1, MIB - 1, f), "%s is empty", where);
	fclose(f);
	return text;
}

/* What follows NAME at the beginning of a line; NULL: there is no such line. */
static const char *line_of(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
		if (!strncmp(text, name, len) && text[len] == ' ')
			return text + len + 1;
	return NULL;
}

static u64 number_of(const char *text, const char *name)
{
	const char *value = line_of(text, name);

	need(value, "no %s in: %s", name, text);
	return strtoull(value, NULL, 10);
}

/* Ten pages, and no others, one of them pinned. */
static void begin(void)
{
	struct framepool_range r;
	u64 i;

	attach_block = FRAMEPOOL_BLOCK_1;
	scene_begin(2 * MIB, NR);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	for (i = FIRST; i < FIRST + THERE; i++)
		store(i, 2);
	need_ok(range_op(fd, FRAMEPOOL_PIN, PINNED * PAGE, PAGE, &r));
}

static void end(void)
{
	struct framepool_range r;

	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	scene_end();
}

static void spaces(void)
{
	u64 bytes, resident, pinned;
	const char *line;
	char name[16];

	begin();
	snprintf(name, sizeof(name), "%u", id);
	line = line_of(text_of("spaces"), name);
	need(line && sscanf(line, "%ju %ju %ju", &bytes, &resident, &pinned) == 3,
	     "spaces has no line of space %u", id);
	expect(bytes == NR * PAGE && resident == THERE && pinned == 1,
	       "%ju bytes, %ju resident, %ju pinned", (uintmax_t)bytes, (uintmax_t)resident,
	       (uintmax_t)pinned);
	end();
}

/* Each page that is there has a frame of its own; the rest are ghosts, or nothing. */
static void pagetables(void)
{
	u64 vpn, frame, i, nr = 0, seen[THERE];
	const char *entry;
	char name[16];
	char *text;

	begin();
	text = text_of("pagetable");
	snprintf(name, sizeof(name), "space %u", id);
	expect(line_of(text, name), "no table of space %u: %s", id, text);
	for (vpn = 0; vpn < NR; vpn++) {
		snprintf(name, sizeof(name), "%ju", (uintmax_t)vpn);
		entry = line_of(text, name);
		if (!entry || *entry != 'P')
			continue;
		need(vpn >= FIRST && vpn < FIRST + THERE, "page %ju is there",
		     (uintmax_t)vpn);
		entry = strndup(entry, strcspn(entry, "\n"));
		expect(!!strstr(entry, "pinned") == (vpn == PINNED), "page %ju: %s",
		       (uintmax_t)vpn, entry);
		need(sscanf(strstr(entry, "frame "), "frame %ju", &frame) == 1, "%s", entry);
		for (i = 0; i < nr; i++)
			expect(seen[i] != frame, "two pages in frame %ju", (uintmax_t)frame);
		seen[nr++] = frame;
	}
	expect(nr == THERE, "%ju pages are there", (uintmax_t)nr);
	end();
}

/* This process's line of wsets: all but the page's last users. */
static u64 charge_of_self(u32 *set, char *max)
{
	u64 min, target, charge, peak;
	char *line;
	int pid;

	for (line = text_of("working_sets"); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (sscanf(line, "%u %d %ju %31s %ju %ju %ju", set, &pid, &min, max, &target,
			   &charge, &peak) == 7 && pid == getpid()) {
			expect(!min && peak >= charge, "%.80s", line);
			return charge;
		}
	}
	need(false, "no working set of %d", getpid());
	return 0;
}

static void wsets(void)
{
	struct framepool_wset_limit l = { .size = sizeof(l), .max = 100 };
	char max[32];
	u64 charge;
	u32 set;

	begin();
	charge = charge_of_self(&set, max);
	expect(charge == THERE && set && !strcmp(max, "-"), "set %u has %ju of %s", set,
	       (uintmax_t)charge, max);
	name_set(l.name, pool);
	need_ok(ioctl(control_fd(), FRAMEPOOL_WSET_LIMIT, &l));
	charge_of_self(&set, max);
	expect(!strcmp(max, "100"), "at most %s", max);
	end();
}

static int write_limit(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As one write(); 0 or -1. */
static int write_limit(const char *fmt, ...)
{
	char text[256], where[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/working_sets", pool);
	return knob_write(where, text) ? 0 : -1;
}

/* The limits of this process, and that nothing is above the maximum. */
static void expect_limits(u64 min, u64 max)
{
	struct framepool_wset w = { .size = sizeof(w) };

	name_set(w.name, pool);
	need_ok(ioctl(control_fd(), FRAMEPOOL_WSET_GET, &w));
	expect(w.min == min && w.max == max, "min %ju, max %ju", (uintmax_t)w.min,
	       (uintmax_t)w.max);
	expect(w.charge <= w.max, "%ju frames", (uintmax_t)w.charge);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* @ is the number of this process. */
static void fill_in(char text[256], const char *from)
{
	size_t n = 0;

	for (; *from; from++)
		n += snprintf(text + n, 256 - n, *from == '@' ? "%d" : "%c",
			      *from == '@' ? getpid() : *from);
	text[n] = '\0';
}

/* What is written there is done, or is refused by one errno and changes nothing. */
static void limits(void)
{
	static const char *const malformed[] = {
		"", "\n", "@\n", "@ 1\n", "@ 1 20 3\n", "@ 1 20\n\n", "@ 1 20\n@ 2 20\n",
		"@ 1 20", "@ 1 20 ", "@ 1 20 \n", " @ 1 20\n", "@  1 20\n", "@\t1 20\n",
		"@ 1 20 -\n", "@ - 20\n", "@ 1 max\n", "@ 1 -1\n", "@ 1 +20\n",
		"@ 1 0x20\n", "@ 1 20K\n", "@ 1 99999999999999999999\n", "-@ 1 20\n",
		"0 1 20\n", "- 1 20\n", "4294967296 1 20\n",
		"@ 1 0000000000000000000000000000000000000000000000000000000000000000020\n",
	};
	u64 bound, i;
	pid_t gone, self = getpid();

	begin();
	bound = number_of(text_of("stats"), "bound");
	need_ok(write_limit("%d 5 20\n", self));
	expect_limits(5, 20);
	/* There are ten pages, one of them pinned: two have to leave. */
	need_ok(write_limit("%d 0 9\n", self));
	expect_limits(0, 9);
	need_ok(write_limit("%d 7 -\n", self));
	expect_limits(7, FRAMEPOOL_WSET_NO_MAX);
	for (i = 0; i < ARRAY_SIZE(malformed); i++) {
		char text[256];

		fill_in(text, malformed[i]);
		if (!expect(write_limit("%s", text) == -1 && errno == EINVAL, "'%s': %s", text,
			    strerror(errno)))
			need_ok(write_limit("%d 7 -\n", self));
	}
	expect_errno(write_limit("%d 20 19\n", self), EINVAL);
	expect_errno(write_limit("%d 0 7\n", self), EINVAL);
	expect_errno(write_limit("%d 0 8\n", self), EBUSY);
	expect_errno(write_limit("%d %ju -\n", self, (uintmax_t)(bound - bound / 4 + 1)), ENOSPC);
	gone = child_start(nothing, NULL);
	child_join(gone);
	expect_errno(write_limit("%d 0 20\n", gone), ESRCH);
	expect_errno(write_limit("1 0 20\n"), ESRCH);
	expect_limits(7, FRAMEPOOL_WSET_NO_MAX);
	end();
}

/* Several in one writev() are done in turn, up to the first that is wrong. */
static void several_limits(void)
{
	char where[256], line[3][64];
	struct iovec iov[3];
	int f, i;

	begin();
	snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/working_sets", pool);
	f = need_ok(open(where, O_RDWR | O_CLOEXEC));
	for (i = 0; i < 3; i++) {
		snprintf(line[i], sizeof(line[i]), i == 1 ? "%d 30 20\n" : "%d 2 %d\n", getpid(),
			 20 + i);
		iov[i] = (struct iovec){ line[i], strlen(line[i]) };
	}
	expect(writev(f, iov, 3) == (ssize_t)strlen(line[0]), "more than the first is done");
	expect_limits(2, 20);
	/* A line of which the first half was lost, or the second comes later. */
	expect_errno(write(f, line[2], 3), EINVAL);
	expect_errno(write(f, strchr(line[2], ' '), strlen(strchr(line[2], ' '))), EINVAL);
	expect_errno(write(f, mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 10),
		     EFAULT);
	expect_limits(2, 20);
	need_ok(close(f));
	end();
}

/* A descriptor of root's in the hands of somebody else: what WSET_LIMIT would allow him. */
static void stranger(void *arg)
{
	char line[64];
	int f = *(int *)arg;

	become(65534, 65534);
	snprintf(line, sizeof(line), "%d 0 20\n", getppid());
	expect_errno(write(f, line, strlen(line)), EPERM);
	snprintf(line, sizeof(line), "%d 1 20\n", getpid());
	expect_errno(write(f, line, strlen(line)), EPERM);
	snprintf(line, sizeof(line), "%d 0 20\n", getpid());
	need_ok(write(f, line, strlen(line)));
}

static void limits_of_strangers(void)
{
	char where[256];
	struct stat st;
	int f;

	begin();
	snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/working_sets", pool);
	need_ok(stat(where, &st));
	expect(!st.st_uid && (st.st_mode & 0777) == 0600, "uid %u, mode %o", st.st_uid, st.st_mode);
	f = need_ok(open(where, O_WRONLY | O_CLOEXEC));
	child_join(child_start(stranger, &f));
	expect_limits(0, FRAMEPOOL_WSET_NO_MAX);
	need_ok(close(f));
	end();
}

struct writer {
	int file;
	pid_t pid;
	atomic_ullong *steps;
};

/* Limits @pid until the pool has gone: it is there, then it is not, then the file is not. */
static void write_on(void *arg)
{
	const struct writer *w = arg;
	bool maps = true;
	char line[64];
	unsigned int i;
	ssize_t put;

	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	for (i = 0;; i++) {
		snprintf(line, sizeof(line), "%d 0 %u\n", w->pid, 10 + i % 20);
		put = write(w->file, line, strlen(line));
		if (put < 0 && errno == EIO)
			return;
		maps = maps && put >= 0;
		need(maps ? put == (ssize_t)strlen(line) : put < 0 && errno == ESRCH, "'%s': %s", line,
		     strerror(errno));
		atomic_fetch_add(w->steps, 1);
	}
}

/* A pool is destroyed while limits are written in it. */
static void destroyed(void)
{
	struct framepool_pool_destroy d = { .size = sizeof(d) };
	u64 round, rounds = scaled(30);
	struct writer w = { .pid = getpid() };
	char where[256];
	pid_t pid;

	w.steps = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(w.steps != MAP_FAILED, "mmap");
	for (round = 0; round < rounds; round++) {
		scene_begin(2 * MIB, NR);
		snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/working_sets", pool);
		w.file = need_ok(open(where, O_WRONLY | O_CLOEXEC));
		store(0, 2);
		pid = child_start(write_on, &w);
		wait_for_steps(w.steps, atomic_load(w.steps) + 20);
		need_ok(munmap(m, NR * PAGE));
		need_ok(close(fd));
		name_set(d.name, pool);
		need(wait_until(no_spaces, NULL, SETTLE_MS), "a space stays");
		need_ok(ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &d));
		child_join(pid);
		need_ok(close(w.file));
	}
}

/* Pages that left under pressure are remembered, with whose they were. */
static void ghosts(void)
{
	u64 vpn, number, found = 0;
	const char *entry;
	u32 set, whose;
	char name[32];
	char *text;

	begin();
	charge_of_self(&set, name);
	squeeze_out(fd, 1);
	text = text_of("pagetable");
	for (vpn = FIRST; vpn < FIRST + THERE; vpn++) {
		snprintf(name, sizeof(name), "%ju", (uintmax_t)vpn);
		entry = line_of(text, name);
		if (!entry || sscanf(entry, "ghost %ju set %u", &number, &whose) != 2)
			continue;
		expect(vpn != PINNED && whose == set, "page %ju, set %u: %.40s", (uintmax_t)vpn, set,
		       entry);
		found++;
	}
	expect(found, "no ghost in: %.200s", text);
	end();
}

/* The blocks that are free are the frames that are. */
static void buddyinfo(void)
{
	u64 order, kib, blocks, frames = 0;
	char *text, *line;

	begin();
	text = text_of("buddyinfo");
	for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (!isdigit((unsigned char)*line))
			continue;
		need(sscanf(line, "%ju %ju %ju", &order, &kib, &blocks) == 3, "%s", line);
		expect(kib == 4ull << order, "order %ju has %ju KiB", (uintmax_t)order,
		       (uintmax_t)kib);
		frames += blocks << order;
	}
	expect(frames == number_of(text_of("stats"), "free"), "%ju frames in %s",
	       (uintmax_t)frames, text);
	end();
}

static void policy(void)
{
	char *text, name[16];
	u64 listed = 0;
	unsigned int i;

	begin();
	text = text_of("policy");
	need(line_of(text, "name"), "no name: %s", text);
	expect(number_of(text, "capacity") == number_of(text_of("stats"), "bound"),
	       "another capacity than the pool's: %s", text);
	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "list%u", i);
		if (line_of(text, name))
			listed += number_of(text, name);
	}
	/* Pinned pages are on no list of the policy's. */
	expect(listed == THERE - 1, "%ju frames on its lists: %s", (uintmax_t)listed, text);
	end();
}

#define TRACING "/sys/kernel/tracing/"

/* A line of the trace that has both. */
static bool traced(const char *event, const char *fmt, ...)
{
	char line[512], what[128];
	bool found = false;
	va_list args;
	FILE *f;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	f = fopen(TRACING "trace", "re");
	need(f, "%s", strerror(errno));
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, event) && strstr(line, what);
	fclose(f);
	return expect(found, "no %s with '%s'", event, what);
}

/* What the events say of one page that comes, is stored to, written and leaves. */
static void events(void)
{
	struct framepool_range r;

	begin();
	need_ok(range_op(fd, FRAMEPOOL_EVICT, PAGE, PAGE, &r));
	if (!knob_write(TRACING "events/framepool/enable", "1"))
		skip("no tracing here");
	store(1, 2);
	need_ok(range_op(fd, FRAMEPOOL_SYNC, PAGE, PAGE, &r));
	store(1, 3);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, PAGE, PAGE, &r));
	need_ok(munmap(map(fd, PAGE, PROT_READ, MAP_SHARED), PAGE));
	squeeze(4 * MIB);
	need(knob_write(TRACING "events/framepool/enable", "0"), "%s", strerror(errno));
	traced("fpool_fault:", "space=%u vpn=1 write major", id);
	traced("fpool_fill:", "space=%u vpn=1 nr=1 err=0", id);
	traced("fpool_writeback:", "space=%u vpn=1 nr=1 err=0", id);
	traced("fpool_evict:", "space=%u vpn=1 frame=", id);
	traced("fpool_alloc:", "order=0");
	traced("fpool_split:", "order=");
	need(knob_write(TRACING "trace", " "), "%s", strerror(errno));
	end();
}

/* ---- how much memory is not for pages ---- */

/* In a pool of so many bytes, with a file of four times as many, all of whose tables are there. */
static void overhead(u64 bytes, u64 permyriad)
{
	char *name = file_path("large");
	int f = need_ok(open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
	struct framepool_pool p;
	u64 i, outside, all;
	u8 *mem;

	need_ok(ftruncate(f, 4 * bytes));
	close(f);
	attach_block = FRAMEPOOL_BLOCK_1;
	pool_use(bytes);
	f = space_attach(name, O_RDONLY);
	mem = map(f, 4 * bytes, PROT_READ, MAP_SHARED);
	for (i = 0; i < 4 * bytes; i += 2 * MIB)
		expect(bytes_zero(mem + i, PAGE, i), "a page of a hole");
	need(pool_info(pool, &p), "no pool");
	outside = number_of(text_of("stats"), "outside");
	all = (p.kernel + p.nodes) * PAGE + outside;
	diag("%ju MiB: %ju bytes in the region, %ju nodes, %ju bytes outside: %ju in 10,000",
	     (uintmax_t)(bytes / MIB), (uintmax_t)((p.kernel + p.nodes) * PAGE),
	     (uintmax_t)p.nodes, (uintmax_t)outside, (uintmax_t)(all * 10000 / bytes));
	expect(p.nodes >= 4 * bytes / (2 * MIB), "%ju nodes", (uintmax_t)p.nodes);
	expect(all * 10000 <= bytes * permyriad, "%ju bytes of %ju", (uintmax_t)all,
	       (uintmax_t)bytes);
	need_ok(munmap(mem, 4 * bytes));
	space_gone(f, space_id(f));
}

static void overhead_small(void)
{
	overhead(64 * MIB, 200);
}

static void overhead_large(void)
{
	if ((u64)sysconf(_SC_AVPHYS_PAGES) * PAGE < 1280 * MIB)
		skip("not enough memory");
	overhead(1024 * MIB, 160);
}

static const struct test tests[] = {
	{ "spaces", spaces, T_DEVICE },
	{ "pagetables", pagetables, T_DEVICE },
	{ "wsets", wsets, T_DEVICE },
	{ "limits are written", limits, T_DEVICE },
	{ "several limits, and parts of one", several_limits, T_DEVICE },
	{ "limits of strangers", limits_of_strangers, T_DEVICE },
	{ "a pool is destroyed beside who limits", destroyed, T_DEVICE },
	{ "ghosts", ghosts, T_DEVICE },
	{ "buddyinfo", buddyinfo, T_DEVICE },
	{ "policy", policy, T_DEVICE },
	{ "trace events", events, T_DEVICE },
	{ "memory that is not for pages: 64 MiB", overhead_small, T_DEVICE },
	{ "memory that is not for pages: 1 GiB", overhead_large, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
