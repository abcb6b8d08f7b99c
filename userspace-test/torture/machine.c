// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine changes under the pool: processors come and go, all tasks are frozen, memory is short
 * and gets compacted.
 */
#include "torture.h"

#include <signal.h>
#include <sys/mman.h>

#define NR	768UL			/* pages: one and a half of the smallest region */
#define CPU1	"/sys/devices/system/cpu/cpu1/online"

static char *path;
static u8 *m;
static int fd;
static u32 id;
static atomic_bool stop;
static atomic_ullong steps;

/* Two threads that page all the time; each page has one writer, which knows its version. */
static u32 version[NR];
static pthread_t thread[2];

static void *user(void *arg)
{
	u64 nr = (uintptr_t)arg, vpn;
	struct rnd r;

	rnd_init(&r, nr);
	while (!atomic_load(&stop)) {
		vpn = rnd_below(&r, NR / 2) * 2 + nr;
		expect(page_is(m + vpn * PAGE, vpn, version[vpn]), "before the store");
		page_fill(m + vpn * PAGE, vpn, ++version[vpn]);
		if (!rnd_below(&r, 200))
			expect(!fsync(fd), "fsync: %s", strerror(errno));
		atomic_fetch_add(&steps, 1);
	}
	return NULL;
}

static void begin(void)
{
	u64 i;

	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 0);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	for (i = 0; i < 2; i++)
		need(!pthread_create(&thread[i], NULL, user, (void *)i), "no thread");
}

static bool stepped(void *arg)
{
	return atomic_load(&steps) >= *(u64 *)arg || failures();
}

static void let_it_run(u64 more)
{
	u64 want = atomic_load(&steps) + more;

	expect(wait_until(stepped, &want, 30000 * (scale > 4 ? 3 : 1)), "nothing goes on");
}

static void end(void)
{
	u64 i, vpn, bytes;
	u8 *is;

	atomic_store(&stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, version[vpn]), "the mapping in the end");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	is = file_load(path, &bytes);
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, version[vpn]), "the file");
}

static void processors(void)
{
	u64 i;

	if (plain_at_home || access(CPU1, W_OK))
		skip("no second processor that can be switched off");
	begin();
	let_it_run(scaled(200));
	for (i = 0; i < scaled(6); i++) {
		need(knob_write(CPU1, "0"), "off: %s", strerror(errno));
		let_it_run(scaled(200));
		need(knob_write(CPU1, "1"), "on: %s", strerror(errno));
		let_it_run(scaled(200));
	}
	end();
}

/* All tasks are frozen and thawed in the middle of faults, syncs and evictions. */
static void freezer(void)
{
	u64 i;

	if (plain_at_home || !knob_write("/sys/power/pm_test", "freezer"))
		skip("this kernel cannot test its freezer");
	knob_write("/sys/module/suspend/parameters/pm_test_delay", "1");
	begin();
	for (i = 0; i < 3; i++) {
		let_it_run(scaled(300));
		expect(knob_write("/sys/power/state", "freeze") ||
		       knob_write("/sys/power/state", "mem"), "freeze: %s", strerror(errno));
	}
	let_it_run(scaled(300));
	end();
}

/* ---- memory ---- */

#define FLOOR_PERCENT	5		/* of all memory; below it somebody is killed */
#define CHUNK		(2 * MIB)

struct hog {
	atomic_bool stop;
	atomic_ullong least;		/* bytes that were available at the worst moment */
};

static u64 meminfo(const char *name)
{
	char line[128];
	u64 kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	need(f, "/proc/meminfo: %s", strerror(errno));
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), ": %ju", (uintmax_t *)&kib);
	fclose(f);
	return kib * KIB;
}

/* Takes what memory there is, keeps it, and takes what the kernel sets free by its need. */
static void hog(void *arg)
{
	struct hog *h = arg;
	u64 all = meminfo("MemTotal"), bytes = 0, there;
	u8 *mem;

	knob_write("/proc/self/oom_score_adj", "1000");
	mem = mmap(NULL, all, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED)
		return;
	/* In large pieces, as long as there are any: each fault takes its time. */
	madvise(mem, all, MADV_HUGEPAGE);
	while (!atomic_load(&h->stop)) {
		there = meminfo("MemAvailable");
		if (there < atomic_load(&h->least))
			atomic_store(&h->least, there);
		if (there > all * FLOOR_PERCENT / 100 + CHUNK && bytes + CHUNK <= all) {
			madvise(mem + bytes, CHUNK, MADV_POPULATE_WRITE);
			bytes += CHUNK;
		} else {
			usleep(1000);
		}
	}
	munmap(mem, all);
	/* Takes minutes where every page is checked. */
	if (scale <= 4)
		knob_write("/proc/sys/vm/compact_memory", "1");
}

static bool is_short(void *arg)
{
	const struct hog *h = arg;

	return atomic_load(&h->least) <= meminfo("MemTotal") * (FLOOR_PERCENT + 1) / 100;
}

static void memory(void)
{
	struct hog *h;
	pid_t pid;

	if (plain_at_home)
		skip("not in a VM");
	h = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(h != MAP_FAILED, "no memory");
	atomic_store(&h->least, ~0ull);
	begin();
	let_it_run(scaled(200));
	pid = child_start(hog, h);
	expect(wait_until(is_short, h, 120000), "memory does not get short: %ju MiB are left",
	       (uintmax_t)(atomic_load(&h->least) / MIB));
	let_it_run(scaled(2000));
	diag("of %ju MiB %ju were left", (uintmax_t)(meminfo("MemTotal") / MIB),
	     (uintmax_t)(atomic_load(&h->least) / MIB));
	atomic_store(&h->stop, true);
	while (!waitpid(pid, NULL, WNOHANG))
		let_it_run(1);
	let_it_run(scaled(200));
	end();
}

static void restore(void)
{
	char text[8];

	if (plain_at_home)
		return;
	if (knob_read(CPU1, text, sizeof(text)) && text[0] == '0')
		knob_write(CPU1, "1");
	if (!access("/sys/power/pm_test", W_OK))
		knob_write("/sys/power/pm_test", "none");
}

static const struct test tests[] = {
	{ "a processor goes and comes", processors, 0 },
	{ "the freezer", freezer, 0 },
	{ "memory is short and is compacted", memory, 0 },
};

int main(int argc, char **argv)
{
	return torture_main(argc, argv, tests, ARRAY_SIZE(tests), restore);
}
