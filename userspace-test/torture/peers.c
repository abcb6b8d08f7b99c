// SPDX-License-Identifier: GPL-2.0-only
/*
 * What other systems of this kind were seen to fall over, pointed at us, where no other program
 * does: hints that do nothing, three mappings of a page at most, hot pages that MADV_RANDOM hides,
 * a file offset that is ignored, one page advised away while it is in use.
 */
#include "torture.h"

#include <signal.h>
#include <sys/mount.h>

#define NR	256UL

static char *path;
static int fd;
static u32 id;
static u8 *m;

static void begin(u64 pages)
{
	pool_use(2 * MIB);
	path = file_make("file", pages * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, pages * PAGE, RW, MAP_SHARED);
}

static void end(u64 pages)
{
	need_ok(munmap(m, pages * PAGE));
	space_gone(fd, id);
}

/* ---- hints ---- */

static u64 resident(void)
{
	static u8 bitmap[1024];

	return resident_pages(fd, 0, 0, bitmap);
}

static bool all_resident(void *arg)
{
	(void)arg;
	return resident() == NR;
}

/* A hint that returns 0 has done something. */
static void hints(void)
{
	begin(NR);
	make_absent(fd, m, NR * PAGE);
	need_ok(madvise(m, NR * PAGE, MADV_WILLNEED));
	expect(wait_until(all_resident, NULL, 20000), "MADV_WILLNEED brought %ju pages",
	       (uintmax_t)resident());
	expect(!posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), "FADV_DONTNEED");
	expect(!resident(), "%ju pages are there after FADV_DONTNEED", (uintmax_t)resident());
	expect(!posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED), "FADV_WILLNEED");
	expect(wait_until(all_resident, NULL, 20000), "FADV_WILLNEED brought %ju pages",
	       (uintmax_t)resident());
	expect(readahead(fd, 0, NR * PAGE) == -1 || resident() == NR, "readahead did nothing");
	end(NR);
}

/* ---- many mappings of a page ---- */

static void mapping_child(void *arg)
{
	u64 nr = (uintptr_t)arg, i;
	u8 *mine[20];

	for (i = 0; i < ARRAY_SIZE(mine); i++) {
		mine[i] = map(fd, NR * PAGE, RW, MAP_SHARED);
		atomic_fetch_add((atomic_uint *)(mine[i] + 5 * PAGE), 1);
		expect(page_is(mine[i] + 7 * PAGE, 7, 1), "child %ju", (uintmax_t)nr);
	}
	make_absent(fd, mine[0], NR * PAGE);
	for (i = 0; i < ARRAY_SIZE(mine); i++) {
		atomic_fetch_add((atomic_uint *)(mine[i] + 5 * PAGE), 1);
		if (i & 1)
			need_ok(munmap(mine[i], NR * PAGE));
	}
}

static void evicting_child(void *arg)
{
	struct framepool_range r;
	u8 *mine = map(fd, NR * PAGE, RW, MAP_SHARED);
	u64 i;

	(void)arg;
	for (i = 0; i < 20; i++) {
		atomic_fetch_add((atomic_uint *)(mine + 5 * PAGE), 1);
		if (!plain)
			need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
		atomic_fetch_add((atomic_uint *)(mine + 5 * PAGE), 1);
	}
}

/* One page in hundreds of places, counted up from all of them, and unmapped from all at once. */
static void many_mappings(void)
{
	pid_t pid[12];
	u64 i;

	begin(NR);
	memset(m + 5 * PAGE, 0, PAGE);
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		pid[i] = child_start(evicting_child, (void *)(uintptr_t)i);
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		child_join(pid[i]);
	expect(*(u32 *)(m + 5 * PAGE) == ARRAY_SIZE(pid) * 40, "%u of %zu", *(u32 *)(m + 5 * PAGE),
	       ARRAY_SIZE(pid) * 40);
	memset(m + 5 * PAGE, 0, PAGE);
	child_join(child_start(mapping_child, NULL));
	expect(*(u32 *)(m + 5 * PAGE) == 40, "%u of 40", *(u32 *)(m + 5 * PAGE));
	end(NR);
}

/* ---- hot pages ---- */

#define LARGE	4096UL
#define HOT	32UL

static u64 missing_of_pool(const u8 *mapping)
{
	u8 bitmap[HOT / 8];

	(void)mapping;
	return HOT - resident_pages(fd, 0, HOT * PAGE, bitmap);
}

static u64 missing_of_cache(const u8 *mapping)
{
	unsigned char in[HOT];
	u64 i, nr = 0;

	need_ok(mincore((void *)mapping, HOT * PAGE, in));
	for (i = 0; i < HOT; i++)
		nr += !(in[i] & 1);
	return nr;
}

/*
 * A few pages that are used all the time among many that are used once: they stay, whatever the
 * program has said about its order of access.  How often a hot page was lost while so many others
 * came as there is room for, in hundredths: 100 is what a page that nobody looks at comes to.
 */
static u64 hot_lost(const u8 *mapping, u64 pages, u64 room, int advice,
		    u64 (*missing_of)(const u8 *mapping))
{
	u64 vpn, i, missing = 0;

	need_ok(madvise((void *)mapping, pages * PAGE, advice));
	for (vpn = HOT; vpn < pages; vpn++) {
		*(volatile u8 *)(mapping + vpn * PAGE);
		if (vpn % 8)
			continue;
		/*
		 * Who asks the processor by its own entries must see the use: a system call
		 * between.  Until there is no room any more all of them are new.
		 */
		i = missing_of(mapping);
		missing += vpn > room ? i : 0;
		for (i = 0; i < HOT; i++)
			*(volatile u8 *)(mapping + i * PAGE);
	}
	return missing * 100 * room / (HOT * (pages - room));
}

static void hot_pages(void)
{
	static const int advice[] = { MADV_NORMAL, MADV_RANDOM };
	u64 i, lost;

	begin(LARGE);
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		lost = hot_lost(m, LARGE, 2 * MIB / PAGE, advice[i], missing_of_pool);
		diag("advice %d: each hot page was lost %ju times in 100", advice[i],
		     (uintmax_t)lost);
		expect(lost < 30, "%ju times in 100", (uintmax_t)lost);
	}
	end(LARGE);
}

#define CGROUPS		"/sys/fs/cgroup"
#define CGROUP		CGROUPS "/t-peers"
#define CGROUP_BYTES	(4 * MIB)
#define PLAIN		(8 * CGROUP_BYTES / PAGE)	/* pages */

static bool memory_cgroup(void)
{
	char bytes[32];

	if (access(CGROUPS "/cgroup.subtree_control", W_OK) &&
	    mount("none", CGROUPS, "cgroup2", 0, NULL))
		return false;
	knob_write(CGROUPS "/cgroup.subtree_control", "+memory");
	snprintf(bytes, sizeof(bytes), "%lu", CGROUP_BYTES);
	return (!mkdir(CGROUP, 0755) || errno == EEXIST) && knob_write(CGROUP "/memory.max", bytes);
}

/* What the kernel's own mmap makes of it: a file of eight times the memory that it may have. */
static void plain_child(void *unused)
{
	static const int advice[] = { MADV_NORMAL, MADV_RANDOM };
	u64 i, lost[ARRAY_SIZE(advice)];
	u8 *mapping;
	int file;

	(void)unused;
	need(knob_write(CGROUP "/cgroup.procs", "0"), "cgroup: %s", strerror(errno));
	for (i = 0; i < ARRAY_SIZE(advice); i++) {
		file = need_ok(open(path, O_RDWR | O_CLOEXEC));
		need_ok(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED));
		mapping = mmap(NULL, PLAIN * PAGE, RW, MAP_SHARED, file, 0);
		need(mapping != MAP_FAILED, "mmap: %s", strerror(errno));
		lost[i] = hot_lost(mapping, PLAIN, CGROUP_BYTES / PAGE, advice[i],
				   missing_of_cache);
		diag("plain mmap, advice %d: each hot page was lost %ju times in 100", advice[i],
		     (uintmax_t)lost[i]);
		need_ok(munmap(mapping, PLAIN * PAGE));
		close(file);
	}
	/* That is the kernel's business: what is said of it in the documentation is true, or not. */
	diag("plain mmap %s hot pages after MADV_RANDOM on this kernel",
	     lost[1] < 30 ? "keeps its" : "loses its");
}

/* The same on the same kernel without a pool, so that one can see what is different. */
static void plain_hot_pages(void)
{
	if (!memory_cgroup())
		skip("no memory cgroup");
	path = file_make("file", PLAIN * PAGE, 1);
	child_join(child_start(plain_child, NULL));
	rmdir(CGROUP);
}

/* ---- offsets ---- */

/* A mapping that begins in the middle of the file shows the middle, in a child as well. */
static void offset_child(void *arg)
{
	u8 *mine = arg;
	u64 i;

	for (i = 0; i < 50; i++) {
		expect(page_is(mine + i * PAGE, 100 + i, i & 1 ? 2 : 1), "in the child");
		page_fill(mine + i * PAGE, 100 + i, 3);
	}
}

static void offsets(void)
{
	u64 i;
	u8 *mid;

	begin(NR);
	mid = mmap(NULL, 50 * PAGE, RW, MAP_SHARED, fd, 100 * PAGE);
	need(mid != MAP_FAILED, "mmap: %s", strerror(errno));
	for (i = 1; i < 50; i += 2)
		page_fill(mid + i * PAGE, 100 + i, 2);
	make_absent(fd, m, NR * PAGE);
	child_join(child_start(offset_child, mid));
	for (i = 0; i < NR; i++)
		expect(page_is(m + i * PAGE, i, i >= 100 && i < 150 ? 3 : 1), "page %ju",
		       (uintmax_t)i);
	need_ok(munmap(mid, 50 * PAGE));
	end(NR);
}

/* ---- stores that race write-back ---- */

static atomic_bool stop;

static void *syncer(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		need_ok(fsync(fd));
	return NULL;
}

/* What was stored while its page was being written is there after an eviction, every time. */
static void stores_against_syncs(void)
{
	pthread_t thread;
	u64 i, vpn, round;

	begin(NR);
	need(!pthread_create(&thread, NULL, syncer, NULL), "no thread");
	for (round = 0; round < scaled(20); round++) {
		for (i = 0; i < 4; i++)
			for (vpn = 0; vpn < NR; vpn += 5)
				page_fill(m + vpn * PAGE, vpn, 2 + 4 * round + i);
		for (vpn = 0; vpn < NR; vpn += 15) {
			struct framepool_range r;

			if (!plain)
				need_ok(range_op(fd, FRAMEPOOL_EVICT, vpn * PAGE, PAGE, &r));
			expect(page_is(m + vpn * PAGE, vpn, 5 + 4 * round), "round %ju",
			       (uintmax_t)round);
		}
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	end(NR);
}

static const struct test tests[] = {
	{ "hints do what they say", hints, T_DEVICE },
	{ "one page mapped hundreds of times", many_mappings, 0 },
	{ "hot pages stay, whatever the advice", hot_pages, T_DEVICE },
	{ "and what plain mmap does with them", plain_hot_pages, T_DEVICE },
	{ "offsets of mappings", offsets, 0 },
	{ "stores against syncs and evictions", stores_against_syncs, 0 },
};

int main(int argc, char **argv)
{
	return torture_main(argc, argv, tests, ARRAY_SIZE(tests), NULL);
}
