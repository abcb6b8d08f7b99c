// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much a fault of a mapping, or a read(), brings, and who pays for it: blocks that grow under a sequential
 * reader and not under a random one, what becomes of them where no frames lie together, and how
 * seldom a reader waits for a read, or a fault for a frame.
 */
#include "bed.h"

#include <pthread.h>
#include <signal.h>

#define POOL	(8 * MIB)
#define NR	1024UL			/* pages of a file that fits */
#define LARGE	8192UL			/* and of one that does not */

static char *path;
static int fd;
static u32 id;
static u8 *m;

static void begin_file(u64 pages)
{
	path = file_make("file", pages * PAGE, 1);
	fd = space_attach(path, O_RDONLY);
	id = space_id(fd);
	m = map(fd, pages * PAGE, PROT_READ, MAP_SHARED);
}

static void begin(u64 pages)
{
	pool_use(POOL);
	begin_file(pages);
}

static void end(u64 pages)
{
	need_ok(munmap(m, pages * PAGE));
	space_gone(fd, id);
}

static void read_pages(u64 first, u64 nr)
{
	u64 vpn;

	for (vpn = first; vpn < first + nr; vpn++)
		if (!expect(page_is(m + vpn * PAGE, vpn, 1), "page %ju", (uintmax_t)vpn))
			return;
}

struct cost {
	u64 fills, major;
};

/* Of a part that is read in order. What is fetched ahead of its end counts, too. */
static struct cost cost_of(u64 first, u64 nr)
{
	struct framepool_space before, after;
	struct cost cost;

	space_info(fd, &before);
	read_pages(first, nr);
	space_info(fd, &after);
	cost.fills = after.fills - before.fills;
	cost.major = after.major_faults - before.major_faults;
	diag("pages %ju to %ju: %ju fetched, %ju major faults", (uintmax_t)first,
	     (uintmax_t)(first + nr - 1), (uintmax_t)cost.fills, (uintmax_t)cost.major);
	return cost;
}

/* The first two misses fetch a page each; from then on it is more and more. */
static void grow(void)
{
	struct cost early, late;

	begin(NR);
	early = cost_of(0, 8);
	late = cost_of(8, NR - 8);
	expect(early.major >= 2, "%ju major faults", (uintmax_t)early.major);
	expect(late.fills * early.major > 4 * early.fills * (late.major ?: 1),
	       "what a major fault fetches does not grow");
	expect(late.major <= NR / 16, "%ju major faults", (uintmax_t)late.major);
	end(NR);
}

static void random_advice(void)
{
	struct cost cost;

	begin(NR);
	need_ok(madvise(m, NR * PAGE, MADV_RANDOM));
	cost = cost_of(0, NR);
	expect(cost.fills == NR && cost.major == NR, "%ju fetched by %ju faults",
	       (uintmax_t)cost.fills, (uintmax_t)cost.major);
	end(NR);
}

/* No two misses are needed to see it. */
static void sequential_advice(void)
{
	struct cost advised, plain_one, rows;
	u64 row;

	begin(NR);
	plain_one = cost_of(0, 1);
	need_ok(madvise(m, NR * PAGE, MADV_SEQUENTIAL));
	advised = cost_of(NR / 2, 1);
	expect(plain_one.fills == 1, "%ju fetched without advice", (uintmax_t)plain_one.fills);
	expect(advised.fills >= 32, "%ju fetched", (uintmax_t)advised.fills);
	/* Rows an equal distance apart: a block each, and nobody jumps. */
	for (row = 0; row < 9; row++) {
		rows = cost_of(64 + row * 96, 32);
		expect(rows.major <= 1, "row %ju: %ju major faults", (uintmax_t)row,
		       (uintmax_t)rows.major);
	}
	end(NR);
}

/* Random misses fetch one page each, without advice too. */
static void random_order(void)
{
	struct cost sum = { 0 };
	u64 i, nr = NR / 4;

	begin(NR);
	for (i = 4; i < nr; i++) {
		struct framepool_space before, after;
		/* No two are neighbours, and no three equally far apart. */
		u64 vpn = (i * (i + 1) / 2) % (NR / 2) * 2;

		space_info(fd, &before);
		read_pages(vpn, 1);
		space_info(fd, &after);
		sum.fills += after.fills - before.fills;
	}
	diag("%ju fetched for %ju pages in a random order", (uintmax_t)sum.fills, (uintmax_t)nr);
	expect(sum.fills <= nr + nr / 8, "%ju fetched for %ju pages", (uintmax_t)sum.fills,
	       (uintmax_t)nr);
	end(NR);
}

/* ---- what the device is asked ---- */

static u64 device_reads(void)
{
	return bed_count("stat", 0);
}

static u64 device_sectors(void)
{
	return bed_count("stat", 2);
}

static void begin_on_device(void)
{
	/* Past the file system it has to be open for writing. */
	fd = space_attach(bed_path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
	/* What the file system wants to know of the file it knows from now on. */
	read_pages(NR - 1, 1);
}

/* By one fault, which is one read of the device, or as few as it has room for; pages fetched. */
static u64 read_at_once(u64 vpn)
{
	u64 most = bed_count("queue/max_sectors_kb", 0) * KIB / PAGE;
	u64 reads = device_reads(), sectors = device_sectors();
	struct cost cost = cost_of(vpn, 1);

	reads = device_reads() - reads;
	sectors = device_sectors() - sectors;
	expect(cost.major == 1, "%ju major faults", (uintmax_t)cost.major);
	expect(sectors == cost.fills * (PAGE / 512), "%ju sectors for %ju pages",
	       (uintmax_t)sectors, (uintmax_t)cost.fills);
	expect(reads && reads <= (cost.fills + most - 1) / most, "%ju reads for %ju pages",
	       (uintmax_t)reads, (uintmax_t)cost.fills);
	return cost.fills;
}

/* What is fetched with a page costs the device no request of its own. */
static void one_read(void)
{
	struct framepool_block b = { .size = sizeof(b), .block_type = FRAMEPOOL_BLOCK_1 };
	u64 nr, fills;

	bed_make(NR);
	pool_use(POOL);
	begin_on_device();
	for (nr = 1; nr <= 256; nr *= 4, b.block_type++) {
		need_ok(ioctl(fd, FRAMEPOOL_SET_BLOCK, &b));
		fills = read_at_once(nr + nr / 2);
		expect(fills == nr, "%ju pages of a block of %ju", (uintmax_t)fills,
		       (uintmax_t)nr);
	}
	end(NR);
	bed_end();
}

#define DELAY		2		/* ms that the device takes for a read, up to two ticks */
#define WORK		1000		/* us that the reader does something else after each page */

static void begin_bed(u64 pages)
{
	bed_make(pages);
	pool_use(2 * MIB);
	fd = space_attach(bed_path, O_RDWR);
	id = space_id(fd);
	m = map(fd, pages * PAGE, PROT_READ, MAP_SHARED);
}

/*
 * A file that is larger than the pool on a device that is slow, but not slower than the reader:
 * what comes next has been read when it is wanted, and nothing else.  Column by column.
 */
static void seldom_waits(u64 pages, u64 stride, u64 apart, bool back)
{
	struct framepool_space s;
	u64 nr = 0, first, at, vpn;

	begin_bed(pages);
	bed_slow_reads(DELAY);
	for (first = 0; first < stride; first += apart) {
		for (at = first; at < pages; at += stride, nr++) {
			vpn = back ? pages - 1 - at : at;
			expect(page_is(m + vpn * PAGE, vpn, 1), "page %ju", (uintmax_t)vpn);
			usleep(WORK);
		}
	}
	space_info(fd, &s);
	diag("%ju pages, %ju apart: %ju fetched, %ju major faults", (uintmax_t)nr,
	     (uintmax_t)stride, (uintmax_t)s.fills, (uintmax_t)s.major_faults);
	/* In blocks, of 16 pages in such a pool, one in 16 would be a matter of course. */
	expect(s.major_faults <= nr / (stride == 1 ? 64 : 16), "%ju major faults in %ju pages",
	       (uintmax_t)s.major_faults, (uintmax_t)nr);
	expect(s.fills <= nr + nr / 16, "%ju fetched", (uintmax_t)s.fills);
	end(pages);
	bed_end();
}

static void reads_ahead(void)
{
	seldom_waits(NR, 1, 1, false);
}

static void reads_ahead_back(void)
{
	seldom_waits(NR, 1, 1, true);
}

/* So near that several pages of his are mapped with one fault. */
static void jumps_a_little(void)
{
	seldom_waits(2 * NR, 7, 7, false);
}

/* As over the columns of a matrix, some of them. */
static void jumps_ahead(void)
{
	/* A larger file would not lie in one piece on that file system. */
	if (test_variant == BED_FILE)
		seldom_waits(2 * NR, 16, 8, false);
	else
		seldom_waits(4 * NR, 32, 8, false);
}

/* And each time up to the file's first page, before which there is nothing. */
static void jumps_back(void)
{
	seldom_waits(4 * NR, 32, 8, true);
}

static u64 resident(u64 first, u64 nr)
{
	u8 bitmap[NR / 8];

	return resident_pages(fd, first * PAGE, nr * PAGE, bitmap);
}

/* A page by a system call, into or out of @page: the bytes that it did. */

static ssize_t use_read(u8 *page, u64 vpn)
{
	return vpn < NR ? read(fd, page, PAGE) : -1;
}

static ssize_t use_pread(u8 *page, u64 vpn)
{
	return pread(fd, page, PAGE, vpn * PAGE);
}

/* Not all of a page, of which nothing would be read. */
static ssize_t use_pwrite(u8 *page, u64 vpn)
{
	page_fill(page, vpn, 1);
	return pwrite(fd, page + 1, PAGE - 1, vpn * PAGE + 1) + 1;
}

static ssize_t use_splice(u8 *page, u64 vpn)
{
	static int ends[2];
	off64_t at = vpn * PAGE;

	if (!ends[0])
		need_ok(pipe(ends));
	if (splice(fd, &at, ends[1], NULL, PAGE, 0) != PAGE)
		return -1;
	return read(ends[0], page, PAGE);
}

/* seldom_waits() of a system call: who finds the page absent just before is about to wait. */
static void seldom_waits_by(ssize_t (*use)(u8 *page, u64 vpn), bool back)
{
	struct framepool_space s;
	u64 i, vpn, waits = 0;
	u8 page[PAGE];

	begin_bed(NR);
	bed_slow_reads(DELAY);
	for (i = 0; i < NR; i++) {
		vpn = back ? NR - 1 - i : i;
		waits += !resident(vpn, 1);
		need(use(page, vpn) == PAGE, "page %ju", (uintmax_t)vpn);
		expect(page_is(page, vpn, 1), "page %ju", (uintmax_t)vpn);
		usleep(WORK);
	}
	space_info(fd, &s);
	diag("%lu pages: %ju fetched, %ju waits", NR, (uintmax_t)s.fills, (uintmax_t)waits);
	expect(waits <= NR / 64, "%ju waits in %lu pages", (uintmax_t)waits, NR);
	expect(s.fills <= NR + NR / 16, "%ju fetched", (uintmax_t)s.fills);
	end(NR);
	bed_end();
}

static void read_ahead(void)
{
	seldom_waits_by(use_read, false);
}

static void pread_back(void)
{
	seldom_waits_by(use_pread, true);
}

static void pwrite_ahead(void)
{
	seldom_waits_by(use_pwrite, false);
}

static void splice_ahead(void)
{
	seldom_waits_by(use_splice, false);
}

static bool came_ahead(void *read)
{
	return resident(0, NR) > *(u64 *)read;
}

/* Pages [0, @nr) by pread(), and what was fetched ahead; returns its end. */
static u64 pread_in_order(u64 nr)
{
	u8 page[PAGE];
	u64 vpn;

	for (vpn = 0; vpn < nr; vpn++)
		need(use_pread(page, vpn) == PAGE, "page %ju", (uintmax_t)vpn);
	need(wait_until(came_ahead, &nr, 10000), "nothing was fetched ahead");
	return resident(0, NR);
}

/* A page each, and where there is one already none; not what comes next in somebody's stream. */
static void preads_here_and_there(void)
{
	struct framepool_space s;
	u64 vpn, ahead, nr = 0;
	u8 page[PAGE];

	begin(NR);
	ahead = pread_in_order(256);
	for (vpn = 256 + 5; vpn < ahead; vpn++)
		need(use_pread(page, vpn) == PAGE, "page %ju", (uintmax_t)vpn);
	/* No two are neighbours, and no three equally far apart. */
	for (vpn = ahead + 16; vpn < NR; nr++, vpn += 8 + nr)
		need(use_pread(page, vpn) == PAGE, "page %ju", (uintmax_t)vpn);
	space_info(fd, &s);
	diag("%ju fetched in order, then %ju for %ju pages", (uintmax_t)ahead,
	     (uintmax_t)(s.fills - ahead), (uintmax_t)nr);
	expect(s.fills == ahead + nr, "%ju fetched for %ju pages", (uintmax_t)(s.fills - ahead),
	       (uintmax_t)nr);
	end(NR);
}

static void preads_advised_random(void)
{
	struct framepool_space s;
	u64 vpn, ahead;
	u8 page[PAGE];

	begin(NR);
	ahead = pread_in_order(256);
	need(!posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), "POSIX_FADV_RANDOM");
	for (vpn = 256; vpn < ahead + 32; vpn++)
		need(use_pread(page, vpn) == PAGE, "page %ju", (uintmax_t)vpn);
	space_info(fd, &s);
	expect(s.fills == ahead + 32, "%ju fetched for 32 pages", (uintmax_t)(s.fills - ahead));
	end(NR);
}

/* What is fetched ahead of him takes no frame that is not his. */
static void jumps_at_a_maximum(void)
{
	struct framepool_wset_limit l = { .size = sizeof(l), .max = 16 };
	struct framepool_wset w = { .size = sizeof(w) };
	u64 vpn;

	begin(LARGE);
	name_set(l.name, pool);
	name_set(w.name, pool);
	read_pages(0, 1);
	need_ok(ioctl(control_fd(), FRAMEPOOL_WSET_LIMIT, &l));
	for (vpn = 0; vpn < LARGE; vpn += 24)
		read_pages(vpn, 1);
	need_ok(ioctl(control_fd(), FRAMEPOOL_WSET_GET, &w));
	expect(w.peak <= l.max && w.charge > l.max / 2, "a charge of %ju, and of %ju once",
	       (uintmax_t)w.charge, (uintmax_t)w.peak);
	end(LARGE);
}

/* A page that cannot be read is an error for who touches it, and for nobody else. */
static void jumps_over_a_bad_page(void)
{
	const u64 stride = 16, bad = 40 * stride;
	struct framepool_space s;
	u8 page[PAGE];
	u64 vpn;
	int sig;

	begin_bed(2 * NR);
	bed_bad_page(bad);
	for (vpn = 0; vpn < 2 * NR; vpn += stride) {
		sig = try_copy(page, m + vpn * PAGE, PAGE);
		expect(sig == (vpn == bad ? SIGBUS : 0), "page %ju: signal %d", (uintmax_t)vpn, sig);
		expect(sig || page_is(page, vpn, 1), "page %ju", (uintmax_t)vpn);
	}
	bed_healthy();
	read_pages(bad, 1);
	space_info(fd, &s);
	diag("%ju pages, %ju fetched, %ju major faults", (uintmax_t)(2 * NR / stride),
	     (uintmax_t)s.fills, (uintmax_t)s.major_faults);
	/* Nothing that lies between. How often he waits is a matter of who is faster. */
	expect(s.fills <= 2 * NR / stride, "%ju fetched", (uintmax_t)s.fills);
	end(2 * NR);
	bed_end();
}

static int hot_fd;
static u32 hot_id;
static u8 *hot;

/* Half of a pool's pages are to be hot; the others are of the block type that the test is about. */
static void begin_hot(void)
{
	pool_use(POOL);
	attach_block = FRAMEPOOL_BLOCK_1;
	hot_fd = space_attach(file_make("hot", NR * PAGE, 2), O_RDONLY);
	hot_id = space_id(hot_fd);
	hot = map(hot_fd, NR * PAGE, PROT_READ, MAP_SHARED);
	attach_block = test_variant;
	begin_file(LARGE);
}

static void end_hot(void)
{
	need_ok(munmap(hot, NR * PAGE));
	space_gone(hot_fd, hot_id);
	end(LARGE);
}

/* Reads pages in order, and beside each of them two that are in use all the time. */
static void read_beside(u64 first, u64 nr, bool call)
{
	u8 page[PAGE];
	u64 vpn, i;

	for (vpn = first; vpn < first + nr; vpn++) {
		need(!call || use_pread(page, vpn) == PAGE, "page %ju", (uintmax_t)vpn);
		expect(page_is(call ? page : m + vpn * PAGE, vpn, 1), "page %ju", (uintmax_t)vpn);
		for (i = 2 * vpn; i < 2 * vpn + 2; i++)
			expect(page_is(hot + i % NR * PAGE, i % NR, 2), "a hot page");
	}
}

/*
 * Half of the pool is in use all the time, and somebody reads a file of four times the pool in
 * order: what is fetched with his pages takes the place of what he has read, not of what is in use.
 * Not at first: when the pool is full for the first time, all of it was used once since it came.
 */
static void hot_pages_stay(bool call)
{
	u64 nr = scaled(LARGE - POOL / PAGE), left;
	struct framepool_space before, after;

	begin_hot();
	read_beside(0, POOL / PAGE, call);
	space_info(hot_fd, &before);
	read_beside(POOL / PAGE, nr, call);
	space_info(hot_fd, &after);
	left = after.evictions - before.evictions;
	diag("%ju pages read in order beside %lu hot ones, of which %ju have left", (uintmax_t)nr,
	     NR, (uintmax_t)left);
	expect(left <= NR / 50, "%ju of %lu hot pages have left", (uintmax_t)left, NR);
	end_hot();
}

/* A page of each block in any order, and meanwhile as many hot ones as for each page fetched. */
static void miss_beside(u64 nr, u64 block, struct rnd *r, u64 *at)
{
	u64 vpn, i;

	for (; nr > 0; nr -= nr < block ? nr : block) {
		vpn = rnd_below(r, LARGE);
		expect(page_is(m + vpn * PAGE, vpn, 1), "page %ju", (uintmax_t)vpn);
		for (i = 0; i < 2 * block; i++, ++*at)
			expect(page_is(hot + *at % NR * PAGE, *at % NR, 2), "a hot page");
	}
}

/* The same with misses anywhere: what is fetched along with them nobody ever wants. */
static void hot_pages_stay_beside_misses(void)
{
	u64 block = 1ULL << 2 * (test_variant - FRAMEPOOL_BLOCK_1), left, at = 0;
	struct framepool_space before, after, cold;
	struct rnd r;

	rnd_init(&r, 1);
	begin_hot();
	miss_beside(2 * POOL / PAGE, block, &r, &at);
	space_info(hot_fd, &before);
	miss_beside(scaled(8 * POOL / PAGE), block, &r, &at);
	space_info(hot_fd, &after);
	space_info(fd, &cold);
	left = after.evictions - before.evictions;
	diag("%ju pages fetched by %ju misses beside %lu hot ones, of which %ju have left",
	     (uintmax_t)cold.fills, (uintmax_t)cold.major_faults, NR, (uintmax_t)left);
	expect(left <= NR / 50, "%ju of %lu hot pages have left", (uintmax_t)left, NR);
	end_hot();
}

static void hot_pages_stay_mapped(void)
{
	hot_pages_stay(false);
}

static void hot_pages_stay_read(void)
{
	hot_pages_stay(true);
}

/* ---- no frames that lie together ---- */

static u64 free_blocks_from(unsigned int order)
{
	struct framepool_pool p;
	u64 nr = 0;

	need(pool_info(pool, &p), "no pool");
	for (; order < ARRAY_SIZE(p.free_blocks); order++)
		nr += p.free_blocks[order];
	return nr;
}

#define RUN	32UL			/* frames */

/*
 * All frames hold pages of a file, of which every second one leaves and the others cannot; with
 * @runs of each fourth run all leave.
 */
static int make_fragments(u32 *filler_id, bool runs)
{
	struct framepool_range r;
	struct framepool_pool p;
	u64 vpn, nr, left = 0;
	int filler;

	attach_block = FRAMEPOOL_BLOCK_1;
	need(pool_info(pool, &p), "no pool");
	nr = p.free - 64;
	filler = space_attach(file_make("filler", nr * PAGE, 3), O_RDWR);
	*filler_id = space_id(filler);
	need_ok(range_op(filler, FRAMEPOOL_PIN, 0, 0, &r));
	for (vpn = 0; vpn < nr; vpn++) {
		if (vpn % 2 && (!runs || vpn / RUN % 4))
			continue;
		need_ok(range_op(filler, FRAMEPOOL_UNPIN, vpn * PAGE, PAGE, &r));
		left++;
	}
	need_ok(range_op(filler, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done == left, "%ju of %ju have left", (uintmax_t)r.done, (uintmax_t)left);
	return filler;
}

static void fragmented(u32 block)
{
	u32 filler_id;
	struct cost cost;
	int filler;

	pool_use(4 * MIB);
	filler = make_fragments(&filler_id, block != FRAMEPOOL_BLOCK_AUTO);
	diag("%ju free blocks of 4 pages or more, %ju of 16, %ju of 64",
	     (uintmax_t)free_blocks_from(2), (uintmax_t)free_blocks_from(4),
	     (uintmax_t)free_blocks_from(6));
	need(free_blocks_from(6) < 2, "%ju blocks of 64 are free", (uintmax_t)free_blocks_from(6));
	attach_block = block;
	begin_file(NR);
	cost = cost_of(0, 256);
	/* Every page came, by itself or with a few others. */
	expect(cost.fills >= 256, "%ju fetched", (uintmax_t)cost.fills);
	/* In pieces; or blocks of 16, of which there are some. */
	expect(cost.major <= (block == FRAMEPOOL_BLOCK_AUTO ? 128 : 96), "%ju major faults",
	       (uintmax_t)cost.major);
	end(NR);
	space_gone(filler, filler_id);
}

/* Its pages lie together on the device all the same. */
static void one_read_in_pieces(void)
{
	u32 filler_id;
	u64 fills;
	int filler;

	bed_make(NR);
	pool_use(4 * MIB);
	filler = make_fragments(&filler_id, false);
	attach_block = FRAMEPOOL_BLOCK_AUTO;
	begin_on_device();
	need_ok(madvise(m, NR * PAGE, MADV_SEQUENTIAL));
	/* These take the frames that lie together. */
	read_pages(0, 64);
	need(free_blocks_from(1) < 2, "%ju times two free frames lie together",
	     (uintmax_t)free_blocks_from(1));
	fills = read_at_once(256);
	expect(fills >= 16, "%ju pages fetched", (uintmax_t)fills);
	end(NR);
	space_gone(filler, filler_id);
	bed_end();
}

static void fragmented_auto(void)
{
	fragmented(FRAMEPOOL_BLOCK_AUTO);
}

static void fragmented_fixed(void)
{
	fragmented(FRAMEPOOL_BLOCK_64);
}

/* ---- while something changes ---- */

static atomic_bool enough;

static void *change_type(void *unused)
{
	struct framepool_block b = { .size = sizeof(b) };
	u32 i;

	(void)unused;
	for (i = 0; !atomic_load(&enough); i++) {
		b.block_type = i % 2 ? FRAMEPOOL_BLOCK_AUTO : FRAMEPOOL_BLOCK_256;
		need_ok(ioctl(fd, FRAMEPOOL_SET_BLOCK, &b));
	}
	return NULL;
}

/* Up to the second page, so that the blocks of all others have an end of their own. */
static void *change_size(void *unused)
{
	struct framepool_resize r = { .size = sizeof(r) };
	u32 i;

	(void)unused;
	for (i = 0; !atomic_load(&enough); i++) {
		r.bytes = (i % 2 ? NR : 2 + i % 300) * PAGE;
		need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &r));
	}
	return NULL;
}

/* A page that stays in each block, so that what is fetched is of any size. */
static void fetch_and_evict(bool whole)
{
	struct framepool_range r;
	u64 i, rounds = scaled(600), vpn;

	for (i = 0; i < rounds; i++) {
		for (vpn = 0; vpn < NR; vpn += 256)
			range_op(fd, FRAMEPOOL_PREFETCH, (vpn + i % 256) * PAGE, PAGE, &r);
		range_op(fd, FRAMEPOOL_PREFETCH, 0, 0, &r);
		need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
		if (whole && i % 64 == 0)
			read_pages(0, NR);
	}
}

/* What was fetched ahead may come a moment later. */
static bool all_free(void *before)
{
	const struct framepool_pool *was = before;
	struct framepool_range r;
	struct framepool_pool is;

	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	need(pool_info(pool, &is), "no pool");
	return is.free + is.nodes == was->free + was->nodes;
}

/* No frame is lost, and no page is another one. */
static void beside(void *(*change)(void *unused), bool whole)
{
	struct framepool_pool before, after;
	pthread_t thread;

	pool_use(POOL);
	path = file_make("file", NR * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
	need(pool_info(pool, &before), "no pool");
	need(!pthread_create(&thread, NULL, change, NULL), "no thread");
	fetch_and_evict(whole);
	atomic_store(&enough, true);
	pthread_join(thread, NULL);
	expect(wait_until(all_free, &before, 10000), "frames are lost");
	need(pool_info(pool, &after), "no pool");
	diag("%ju frames are free, and %ju nodes; there were %ju and %ju", (uintmax_t)after.free,
	     (uintmax_t)after.nodes, (uintmax_t)before.free, (uintmax_t)before.nodes);
	end(NR);
}

static void beside_types(void)
{
	beside(change_type, true);
}

static void beside_sizes(void)
{
	beside(change_size, false);
}

/* ---- who frees frames ---- */

/* Accessed bits that were asked for, ever. */
static u64 bits_tested(void)
{
	return pool_counter("policy", "tests");
}

struct reclaims {
	u64 evictions, by_faults, waits, tests;
};

static struct reclaims reclaims_so_far(void)
{
	struct framepool_pool p;

	need(pool_info(pool, &p), "no pool");
	return (struct reclaims){ p.evictions, p.direct_reclaims, p.frame_waits, bits_tested() };
}

/* Of @nr accesses; one in @part evictions may be a fault's own, and half as many have waited. */
static void expect_seldom(const struct reclaims *before, u64 nr, u64 part)
{
	struct reclaims after = reclaims_so_far();
	u64 evictions = after.evictions - before->evictions, tests = after.tests - before->tests;
	u64 by_faults = after.by_faults - before->by_faults, waits = after.waits - before->waits;

	diag("%ju accesses, %ju evictions, %ju tests; %ju faults have evicted, %ju have waited",
	     (uintmax_t)nr, (uintmax_t)evictions, (uintmax_t)tests, (uintmax_t)by_faults,
	     (uintmax_t)waits);
	expect(evictions > nr / 4, "%ju evictions", (uintmax_t)evictions);
	expect(tests <= 4 * evictions, "%ju accessed bits tested for %ju evictions",
	       (uintmax_t)tests, (uintmax_t)evictions);
	expect(by_faults <= evictions / part + 2, "%ju of %ju evictions are faults' own",
	       (uintmax_t)by_faults, (uintmax_t)evictions);
	expect(waits <= evictions / part / 2 + 2, "%ju faults have waited", (uintmax_t)waits);
}

/* Many times the pool at random: the thread between the watermarks evicts, hardly ever a fault. */
static void seldom_reclaims(void)
{
	u64 i, vpn, nr = scaled(80000);
	struct reclaims before;
	struct rnd r;

	begin(LARGE);
	need_ok(madvise(m, LARGE * PAGE, MADV_RANDOM));
	rnd_init(&r, 1);
	read_pages(0, POOL / PAGE);
	before = reclaims_so_far();
	for (i = 0; i < nr; i++) {
		vpn = rnd_below(&r, LARGE);
		expect(page_is(m + vpn * PAGE, vpn, 1), "page %ju", (uintmax_t)vpn);
	}
	expect_seldom(&before, nr, 10);
	end(LARGE);
}

/*
 * And where each victim has to be written before its frame is free.  Who faults for himself evicts
 * until some are clean, some eighty in all: so the bound is lower, and he leaves the thread time.
 */
static void seldom_reclaims_for_stores(void)
{
	u64 i, vpn, nr = scaled(16000);
	struct reclaims before;
	struct rnd r;

	pool_use(POOL);
	attach_flags |= test_variant;
	path = file_make("file", LARGE * PAGE, 1);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, LARGE * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	need_ok(madvise(m, LARGE * PAGE, MADV_RANDOM));
	rnd_init(&r, 1);
	for (vpn = 0; vpn < POOL / PAGE; vpn++)
		page_fill(m + vpn * PAGE, vpn, 1);
	before = reclaims_so_far();
	for (i = 0; i < nr; i++) {
		vpn = rnd_below(&r, LARGE);
		page_fill(m + vpn * PAGE, vpn, 1);
		usleep(100);
	}
	expect_seldom(&before, nr, 100);
	end(LARGE);
}

static const struct test tests[] = {
	{ "what a fault fetches grows under a sequential reader", grow, T_DEVICE },
	{ "MADV_RANDOM keeps it at a page", random_advice, T_DEVICE },
	{ "MADV_SEQUENTIAL fetches many at once", sequential_advice, T_DEVICE },
	{ "a random order fetches a page each", random_order, T_DEVICE },
	{ "a block is one read of a device", one_read, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "a block is one read of a file", one_read, T_DEVICE | T_VARIANT(BED_FILE) },
	{ "a block is one read past the file system", one_read,
	  T_DEVICE | T_VARIANT(BED_DIRECT) },
	{ "a sequential reader seldom waits", reads_ahead, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "a sequential reader of a file seldom waits", reads_ahead,
	  T_DEVICE | T_VARIANT(BED_FILE) },
	{ "a reader who goes backwards seldom waits", reads_ahead_back,
	  T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "a reader of a file who goes backwards seldom waits", reads_ahead_back,
	  T_DEVICE | T_VARIANT(BED_FILE) },
	{ "a reader who jumps seldom waits", jumps_ahead, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "a reader who jumps a little seldom waits", jumps_a_little,
	  T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "a reader of a file who jumps seldom waits", jumps_ahead,
	  T_DEVICE | T_VARIANT(BED_FILE) },
	{ "a reader who jumps back seldom waits", jumps_back, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "read in order seldom waits", read_ahead, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "read of a file in order seldom waits", read_ahead, T_DEVICE | T_VARIANT(BED_FILE) },
	{ "pread backwards seldom waits", pread_back, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "pwrite in order seldom waits", pwrite_ahead, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "splice in order seldom waits", splice_ahead, T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "preads here and there fetch a page each", preads_here_and_there, T_DEVICE },
	{ "POSIX_FADV_RANDOM keeps preads at a page", preads_advised_random, T_DEVICE },
	{ "a reader who jumps keeps to his maximum", jumps_at_a_maximum, T_DEVICE },
	{ "a reader who jumps over a page that cannot be read", jumps_over_a_bad_page,
	  T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "neighbours do not take the place of hot pages", hot_pages_stay_mapped, T_DEVICE },
	{ "nor do those of a read", hot_pages_stay_read, T_DEVICE },
	{ "the same in blocks of 4", hot_pages_stay_mapped, T_DEVICE | T_VARIANT(FRAMEPOOL_BLOCK_4) },
	{ "the same in blocks of 16", hot_pages_stay_mapped, T_DEVICE | T_VARIANT(FRAMEPOOL_BLOCK_16) },
	{ "the same in blocks of 64", hot_pages_stay_mapped, T_DEVICE | T_VARIANT(FRAMEPOOL_BLOCK_64) },
	{ "the same in blocks of 256", hot_pages_stay_mapped, T_DEVICE | T_VARIANT(FRAMEPOOL_BLOCK_256) },
	{ "nor do those of misses anywhere, in blocks of 4", hot_pages_stay_beside_misses,
	  T_DEVICE | T_VARIANT(FRAMEPOOL_BLOCK_4) },
	{ "in blocks of 16", hot_pages_stay_beside_misses,
	  T_DEVICE | T_VARIANT(FRAMEPOOL_BLOCK_16) },
	{ "in blocks of 64", hot_pages_stay_beside_misses,
	  T_DEVICE | T_VARIANT(FRAMEPOOL_BLOCK_64) },
	{ "in blocks of 256", hot_pages_stay_beside_misses,
	  T_DEVICE | T_VARIANT(FRAMEPOOL_BLOCK_256) },
	{ "smaller blocks in a fragmented pool", fragmented_auto, T_DEVICE },
	{ "smaller blocks in a fragmented pool, of a fixed size", fragmented_fixed, T_DEVICE },
	{ "a block in pieces is one read of a device", one_read_in_pieces,
	  T_DEVICE | T_VARIANT(BED_DEVICE) },
	{ "a block in pieces is one read of a file", one_read_in_pieces,
	  T_DEVICE | T_VARIANT(BED_FILE) },
	{ "a block in pieces is one read past the file system", one_read_in_pieces,
	  T_DEVICE | T_VARIANT(BED_DIRECT) },
	{ "blocks of which the type changes meanwhile", beside_types, T_DEVICE },
	{ "blocks of which the end changes meanwhile", beside_sizes, T_DEVICE },
	{ "a fault seldom reclaims, and few bits are tested", seldom_reclaims, T_DEVICE },
	{ "a fault for a store seldom reclaims", seldom_reclaims_for_stores, T_DEVICE },
	{ "the same past the file system", seldom_reclaims_for_stores,
	  T_DEVICE | T_VARIANT(FRAMEPOOL_ATTACH_DIRECT) },
};

int main(int argc, char **argv)
{
	after_test = dm_clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
