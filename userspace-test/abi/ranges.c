// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands on ranges of a space, their exact counts, and the bytes afterwards.
 */
#include "scene.h"

#include <signal.h>

#define NR	256UL
#define RW	(PROT_READ | PROT_WRITE)

static u8 map_bits[NR / 8 + 16];

static void begin(void)
{
	scene_begin(4 * MIB, NR);
}

/* Exactly [first, last) is resident. */
static void resident_is(u64 first, u64 last, const char *when)
{
	u64 vpn, n;

	memset(map_bits, 0x55, sizeof(map_bits));
	n = resident_pages(fd, 0, 0, map_bits);
	expect(n == last - first, "%s: %ju resident, should be %ju", when, (uintmax_t)n,
	       (uintmax_t)(last - first));
	for (vpn = 0; vpn < NR; vpn++)
		expect((map_bits[vpn / 8] >> vpn % 8 & 1) == (vpn >= first && vpn < last),
		       "%s: page %ju", when, (uintmax_t)vpn);
	expect(map_bits[NR / 8] == 0x55, "%s: the bitmap went on", when);
}

static void prefetch(void)
{
	struct framepool_range r;
	struct framepool_space s;

	begin();
	resident_is(0, 0, "at first");
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 16 * PAGE, 64 * PAGE, &r));
	expect(r.done == 64 && !r.already && !r.failed && !r.error,
	       "%ju done, %ju already, %ju failed", (uintmax_t)r.done, (uintmax_t)r.already,
	       (uintmax_t)r.failed);
	resident_is(16, 80, "after a prefetch");
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 48 * PAGE, 64 * PAGE, &r));
	expect(r.done == 32 && r.already == 32, "%ju done, %ju already", (uintmax_t)r.done,
	       (uintmax_t)r.already);
	resident_is(16, 112, "after another");
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 200 * PAGE, 0, &r));
	expect(r.done == 56 && !r.already, "%ju done to the end", (uintmax_t)r.done);
	need_ok(range_op(fd, FRAMEPOOL_PREFETCH, 0, 0, &r));
	expect(r.done == 16 + 88 && r.already == 96 + 56, "%ju done, %ju already",
	       (uintmax_t)r.done, (uintmax_t)r.already);
	resident_is(0, NR, "after a prefetch of all");
	space_info(fd, &s);
	expect(s.fills == NR, "%ju fills", (uintmax_t)s.fills);
	expect(bytes_are(m, model, NR * PAGE, 0), "the pages");
	space_info(fd, &s);
	expect(s.fills == NR, "%ju fills after a look", (uintmax_t)s.fills);
	scene_end();
}

static void evict(void)
{
	struct framepool_range r;
	unsigned char in[NR];
	u64 vpn, n;

	begin();
	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping");
	resident_is(0, NR, "after a look");
	for (vpn = 100; vpn < 110; vpn++)
		store(vpn, 2);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 64 * PAGE, 64 * PAGE, &r));
	expect(r.done == 64 && r.written == 10 && !r.pinned && !r.held && !r.busy && !r.failed,
	       "%ju done, %ju written, %ju pinned, %ju held, %ju busy, %ju failed",
	       (uintmax_t)r.done, (uintmax_t)r.written, (uintmax_t)r.pinned, (uintmax_t)r.held,
	       (uintmax_t)r.busy, (uintmax_t)r.failed);
	n = resident_pages(fd, 0, 0, map_bits);
	expect(n == NR - 64, "%ju resident", (uintmax_t)n);
	for (vpn = 0; vpn < NR; vpn++)
		expect((map_bits[vpn / 8] >> vpn % 8 & 1) == (vpn < 64 || vpn >= 128), "page %ju",
		       (uintmax_t)vpn);
	need_ok(mincore(m, NR * PAGE, in));
	for (vpn = 64; vpn < 128; vpn++)
		expect(!(in[vpn] & 1), "page %ju is still mapped", (uintmax_t)vpn);
	expect_file(path, model, NR * PAGE);	/* the dirty ones were the evicted ones */
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 64 * PAGE, 64 * PAGE, &r));
	expect(!r.done && !r.written, "%ju done again", (uintmax_t)r.done);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done == NR - 64 && !r.written, "%ju done, %ju written", (uintmax_t)r.done,
	       (uintmax_t)r.written);
	resident_is(0, 0, "after an eviction of all");
	scene_end();
}

/* A part, an odd number of pages, one that ends within a byte of the bitmap. */
static void residency(void)
{
	u64 n;

	begin();
	need(!try_load(m + 13 * PAGE, NULL) && !try_load(m + 17 * PAGE, NULL), "two pages");
	memset(map_bits, 0x55, sizeof(map_bits));
	n = resident_pages(fd, 10 * PAGE, 11 * PAGE, map_bits);
	expect(n == 2, "%ju resident", (uintmax_t)n);
	expect(map_bits[0] == (1 << 3 | 1 << 7) && map_bits[1] == 0, "bitmap %#x %#x", map_bits[0],
	       map_bits[1]);
	expect(map_bits[2] == 0x55, "the bitmap went on");
	n = resident_pages(fd, 17 * PAGE, PAGE, map_bits);
	expect(n == 1 && map_bits[0] == 1, "%ju resident, bitmap %#x", (uintmax_t)n, map_bits[0]);
	n = resident_pages(fd, 250 * PAGE, 0, map_bits);
	expect(!n && !map_bits[0], "%ju resident at the end", (uintmax_t)n);
	scene_end();
}

static void pin(void)
{
	struct framepool_range r;
	struct framepool_space s;

	scene_begin(2 * MIB, NR);
	store(40, 2);
	need_ok(range_op(fd, FRAMEPOOL_PIN, 32 * PAGE, 64 * PAGE, &r));
	expect(r.done == 64 && !r.already && !r.failed, "%ju done, %ju already, %ju failed",
	       (uintmax_t)r.done, (uintmax_t)r.already, (uintmax_t)r.failed);
	resident_is(32, 96, "after a pin");
	need_ok(range_op(fd, FRAMEPOOL_PIN, 64 * PAGE, 64 * PAGE, &r));
	expect(r.done == 32 && r.already == 32, "%ju done, %ju already", (uintmax_t)r.done,
	       (uintmax_t)r.already);
	space_info(fd, &s);
	expect(s.pinned == 96, "%ju pinned", (uintmax_t)s.pinned);
	store(50, 2);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(!r.done && r.pinned == 96, "%ju evicted, %ju pinned", (uintmax_t)r.done,
	       (uintmax_t)r.pinned);
	squeeze(4 * MIB);
	resident_is(32, 128, "after pressure");
	expect(bytes_are(m + 32 * PAGE, model + 32 * PAGE, 96 * PAGE, 32 * PAGE),
	       "the pinned pages");
	/* A pin does not keep a page from being written. */
	need_ok(fsync(fd));
	expect_file(path, model, NR * PAGE);
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 64 * PAGE, &r));
	expect(r.done == 32, "%ju unpinned", (uintmax_t)r.done);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.pinned == 64, "%ju stayed pinned", (uintmax_t)r.pinned);
	resident_is(64, 128, "after half was unpinned");
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	expect(r.done == 64, "%ju unpinned", (uintmax_t)r.done);
	squeeze_out(fd, 0);
	space_info(fd, &s);
	expect(!s.pinned, "%ju pinned", (uintmax_t)s.pinned);
	resident_is(0, 0, "after pressure without pins");
	scene_end();
}

/* Who goes takes the pins along: nothing stays because of them. */
static void pins_of_the_dead(void)
{
	struct framepool_range r;

	scene_begin(2 * MIB, NR);
	store(3, 2);
	need_ok(range_op(fd, FRAMEPOOL_PIN, 0, 0, &r));
	expect(r.done == NR, "%ju pinned", (uintmax_t)r.done);
	scene_end();
	squeeze(4 * MIB);
}

static void sync_counts(void)
{
	struct framepool_range r;
	struct framepool_space s;
	u64 vpn, written;

	begin();
	for (vpn = 0; vpn < 32; vpn++)
		store(vpn * 2, 2);
	space_info(fd, &s);
	written = s.written;
	need_ok(range_op(fd, FRAMEPOOL_SYNC, 0, 32 * PAGE, &r));
	expect(r.done == 16 && !r.failed && !r.error && !r.already, "%ju done", (uintmax_t)r.done);
	need_ok(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r));
	expect(r.done == 16, "%ju done", (uintmax_t)r.done);
	need_ok(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r));
	expect(!r.done, "%ju done", (uintmax_t)r.done);
	space_info(fd, &s);
	expect(s.written - written == 32, "%ju written", (uintmax_t)(s.written - written));
	expect_file(path, model, NR * PAGE);
	scene_end();
}

static int resize(u64 bytes)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = bytes };

	return ioctl(fd, FRAMEPOOL_RESIZE, &r);
}

/* File and space grow and shrink as one; what was cut off is gone when it grows again. */
static void resizes(void)
{
	static const u64 to[] = {
		64 * PAGE, 200 * PAGE, 100 * PAGE + 77, 100 * PAGE + 78, 99 * PAGE + 1,
		NR * PAGE, 1,	       3 * PAGE,	NR * PAGE
	};
	u64 bytes = NR * PAGE, i, vpn;
	int sig;

	begin();
	for (i = 0; i < ARRAY_SIZE(to); i++) {
		for (vpn = i % 3; vpn < bytes / PAGE; vpn += 3)
			store(vpn, 10 + i);
		need_ok(resize(to[i]));
		if (to[i] < bytes)
			memset(model + to[i], 0, NR * PAGE - to[i]);
		bytes = to[i];
		expect(file_size(path) == bytes, "the file has %ju bytes, not %ju",
		       (uintmax_t)file_size(path), (uintmax_t)bytes);
		expect(lseek(fd, 0, SEEK_END) == (off_t)bytes, "the space ends at %jd",
		       (intmax_t)lseek(fd, 0, SEEK_END));
		expect(bytes_are(m, model, PAGES(bytes) * PAGE, 0), "resized to %ju",
		       (uintmax_t)bytes);
		for (vpn = 0; vpn < NR; vpn++) {
			sig = try_load(m + vpn * PAGE, NULL);
			expect(sig == (vpn < PAGES(bytes) ? 0 : SIGBUS),
			       "page %ju of %ju: signal %d", (uintmax_t)vpn,
			       (uintmax_t)PAGES(bytes), sig);
		}
		if (i & 1)
			make_absent(fd, m, bytes);
		expect(bytes_are(m, model, PAGES(bytes) * PAGE, 0), "resized to %ju, read again",
		       (uintmax_t)bytes);
		need_ok(fsync(fd));
		expect_file(path, model, bytes);
	}
	scene_end();
}

static void resize_refused(void)
{
	struct framepool_range r;
	int ro;

	begin();
	ro = space_attach(path, O_RDONLY);
	expect_errno(resize(0), EINVAL);
	expect_errno(ioctl(ro, FRAMEPOOL_RESIZE,
			   &(struct framepool_resize){ .size = sizeof(struct framepool_resize),
						       .bytes = 5 }),
		     EBADF);
	expect(resize(1ull << 63) == -1 && (errno == EINVAL || errno == EFBIG), "%s",
	       strerror(errno));
	/* Pinned pages are part of what is cut; held ones are not ours to take. */
	need_ok(range_op(fd, FRAMEPOOL_PIN, 0, 0, &r));
	expect(file_size(path) == NR * PAGE, "the file has %ju bytes", (uintmax_t)file_size(path));
	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	need_ok(close(ro));
	scene_end();
}

static u64 pinned_pages(void)
{
	struct framepool_space s;

	space_info(fd, &s);
	return s.pinned;
}

/* A shrink that the file system refuses: what is pinned stays so. */
static void resize_pinned_refused(void)
{
	struct framepool_range r;
	u8 *is = aligned_alloc(PAGE, NR * PAGE);
	int file;

	pool_use(4 * MIB);
	model = model_make(NR * PAGE, 1);
	file = need_ok(memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	need(write(file, model, NR * PAGE) == (ssize_t)(NR * PAGE), "%s", strerror(errno));
	need(asprintf(&path, "/proc/self/fd/%d", file) > 0, "no memory");
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	need_ok(range_op(fd, FRAMEPOOL_PIN, 90 * PAGE, 30 * PAGE, &r));
	store(95, 2);
	store(110, 2);
	need_ok(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK));
	expect_errno(resize(100 * PAGE), EPERM);
	expect(pinned_pages() == 30, "%ju pages are pinned", (uintmax_t)pinned_pages());
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 90 * PAGE, 30 * PAGE, &r));
	expect(r.pinned == 30 && !r.done, "%ju stayed", (uintmax_t)r.pinned);
	expect(bytes_are(m, model, NR * PAGE, 0), "a refused resize changed bytes");
	need_ok(fsync(fd));
	need(pread(file, is, NR * PAGE, 0) == (ssize_t)(NR * PAGE), "%s", strerror(errno));
	expect(bytes_are(is, model, NR * PAGE, 0), "in the file");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	need_ok(close(file));
	free(is);
}

/* What is pinned goes with its end of the file. */
static void resize_pinned(void)
{
	struct framepool_range r;

	begin();
	need_ok(range_op(fd, FRAMEPOOL_PIN, 90 * PAGE, 30 * PAGE, &r));
	store(95, 2);
	store(110, 2);
	need_ok(resize(100 * PAGE));
	expect(pinned_pages() == 10, "%ju pages are pinned", (uintmax_t)pinned_pages());
	need_ok(resize(NR * PAGE));
	memset(model + 100 * PAGE, 0, (NR - 100) * PAGE);
	scene_end();
}

static void resize_held(void)
{
	struct iovec iov = { NULL, 2 * PAGE };
	u8 *buf = malloc(2 * PAGE);
	int p[2];

	begin();
	need_ok(pipe(p));
	store(200, 3);
	iov.iov_base = m + 200 * PAGE;
	need(vmsplice(p[1], &iov, 1, 0) == 2 * PAGE, "vmsplice: %s", strerror(errno));
	set_wait_ms(300);
	expect_errno(resize(100 * PAGE), EBUSY);
	set_wait_ms(10000);
	expect(file_size(path) == NR * PAGE, "a refused resize cut the file");
	expect(bytes_are(m, model, NR * PAGE, 0), "a refused resize changed bytes");
	need(read(p[0], buf, 2 * PAGE) == 2 * PAGE, "pipe");
	expect(bytes_are(buf, model + 200 * PAGE, 2 * PAGE, 200 * PAGE), "from the pipe");
	need_ok(resize(100 * PAGE));
	need_ok(resize(NR * PAGE));
	memset(model + 100 * PAGE, 0, (NR - 100) * PAGE);
	scene_end();
}

/* Every block type reads and writes the same bytes, and fetches in its own size. */
static void block_types(void)
{
	struct framepool_block b = { .size = sizeof(b) };
	struct framepool_space s;
	u64 vpn, pages, fills;
	struct rnd r;

	begin();
	rnd_init(&r, 1);
	for (b.block_type = FRAMEPOOL_BLOCK_1; b.block_type <= FRAMEPOOL_BLOCK_256;
	     b.block_type++) {
		pages = 1ull << 2 * (b.block_type - FRAMEPOOL_BLOCK_1);
		make_absent(fd, m, NR * PAGE);
		need_ok(ioctl(fd, FRAMEPOOL_SET_BLOCK, &b));
		space_info(fd, &s);
		expect(s.block_type == b.block_type, "block type %u", s.block_type);
		fills = s.fills;
		expect(bytes_are(m + 70 * PAGE, model + 70 * PAGE, 10, 70 * PAGE), "a look");
		space_info(fd, &s);
		expect(s.fills - fills == pages, "%ju fills for a block of %ju",
		       (uintmax_t)(s.fills - fills), (uintmax_t)pages);
		resident_is(70 / pages * pages, 70 / pages * pages + pages, "after one look");
		for (vpn = 0; vpn < NR; vpn++) {
			expect(bytes_are(m + vpn * PAGE, model + vpn * PAGE, PAGE, vpn * PAGE),
			       "block type %u", b.block_type);
			if (rnd_next(&r) & 1)
				store(vpn, 10 + b.block_type);
		}
		if (b.block_type % 3 == 2)
			squeeze(5 * MIB);
		expect(bytes_are(m, model, NR * PAGE, 0), "block type %u after pressure",
		       b.block_type);
		need_ok(fsync(fd));
		expect_file(path, model, NR * PAGE);
	}
	scene_end();
}

/* A block that the file ends in is as long as the file. */
static void block_at_the_end(void)
{
	struct framepool_attach a;
	u64 bytes = 37 * PAGE + 5, type;
	int file, s;
	u8 *mem;
	u32 s_id;

	pool_use(4 * MIB);
	path = file_make("odd", bytes, 3);
	model = model_make(bytes, 3);
	for (type = FRAMEPOOL_BLOCK_1; type <= FRAMEPOOL_BLOCK_256; type++) {
		file = need_ok(open(path, O_RDWR));
		attach_init(&a, file);
		a.block_type = type;
		need_ok(attach(&a));
		need_ok(close(file));
		s = a.space_fd;
		s_id = space_id(s);
		mem = map(s, 38 * PAGE, RW, MAP_SHARED);
		expect(bytes_are(mem + 37 * PAGE, model + 37 * PAGE, 5, 37 * PAGE),
		       "the last bytes");
		expect(bytes_zero(mem + bytes, 38 * PAGE - bytes, bytes), "past the end");
		expect(bytes_are(mem, model, bytes, 0), "block type %ju", (uintmax_t)type);
		page_fill(model + 36 * PAGE, 36, 10 + type);
		page_fill(mem + 36 * PAGE, 36, 10 + type);
		mem[bytes - 1] = model[bytes - 1] = type;
		need_ok(munmap(mem, 38 * PAGE));
		space_gone(s, s_id);
		expect_file(path, model, bytes);
	}
}

#define STRIDE	(2 * MIB)
#define LEAVES	900UL

static void touch(int s, u64 leaf)
{
	u8 byte;

	need(pread(s, &byte, 1, leaf * STRIDE) == 1, "read: %s", strerror(errno));
	expect(!byte, "a hole has %u", byte);
}

/*
 * A page of each 2 MiB of a sparse file, one after the other: nearly a quarter of the region is
 * nodes, nearly all with nothing but a ghost.  What is asked of all of it finds the few pages that
 * are there among them, and the end of the space has all of that memory back.
 */
static void far_apart(void)
{
	struct framepool_range r;
	struct framepool_space s;
	u8 *first;
	u32 s_id;
	u64 leaf;
	int f;

	pool_use(16 * MIB);
	path = file_make("sparse", PAGE, 1);
	need_ok(truncate(path, 0));
	need_ok(truncate(path, LEAVES * STRIDE));
	f = space_attach(path, O_RDWR);
	s_id = space_id(f);
	/* Who maps something has a working set; sets remember every eviction but the first. */
	first = map(f, PAGE, PROT_READ, MAP_SHARED);
	for (leaf = 0; leaf < LEAVES; leaf++)
		touch(f, leaf);
	squeeze(32 * MIB);
	need_ok(range_op(f, FRAMEPOOL_EVICT, 0, 0, &r));
	space_info(f, &s);
	expect(!s.resident && !s.dirty && s.ghosts > LEAVES / 2 && s.nodes > LEAVES / 2,
	       "%ju resident, %ju dirty, %ju ghosts, %ju nodes", (uintmax_t)s.resident,
	       (uintmax_t)s.dirty, (uintmax_t)s.ghosts, (uintmax_t)s.nodes);
	need_ok(range_op(f, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(!r.done && !r.busy, "%ju done", (uintmax_t)r.done);
	for (leaf = 0; leaf < LEAVES; leaf += LEAVES / 3)
		touch(f, leaf);
	need_ok(range_op(f, FRAMEPOOL_EVICT, STRIDE, 0, &r));
	expect(r.done == 2, "%ju done", (uintmax_t)r.done);
	need_ok(range_op(f, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done == 1, "%ju done", (uintmax_t)r.done);
	need_ok(munmap(first, PAGE));
	space_gone(f, s_id);
}

static const struct test tests[] = {
	{ "PREFETCH", prefetch, T_DEVICE },
	{ "EVICT", evict, T_DEVICE },
	{ "RESIDENCY of parts", residency, T_DEVICE },
	{ "PIN and UNPIN", pin, T_DEVICE },
	{ "pins of who has gone", pins_of_the_dead, T_DEVICE },
	{ "SYNC", sync_counts, T_DEVICE },
	{ "RESIZE", resizes, T_DEVICE },
	{ "RESIZE refused", resize_refused, T_DEVICE },
	{ "RESIZE of pinned pages", resize_pinned, T_DEVICE },
	{ "RESIZE of pinned pages that is refused", resize_pinned_refused, T_DEVICE },
	{ "RESIZE of held pages", resize_held, T_DEVICE },
	{ "block types", block_types, T_DEVICE },
	{ "a block at the end of the file", block_at_the_end, T_DEVICE },
	{ "pages far apart", far_apart, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
