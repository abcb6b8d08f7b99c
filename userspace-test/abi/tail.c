// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files whose size is no multiple of a page, or of a sector: the bytes past the end read as zeros,
 * what is stored there never reaches the file, and the file never grows.
 */
#include "bed.h"

#define RW	(PROT_READ | PROT_WRITE)

static const u64 sizes[] = {
	1, 2, 511, 512, 513, 1000, 2048, 4095, 4096, 4097, 4096 + 511, 4096 + 512, 2 * 4096 - 1,
	3 * 4096 + 100, 16 * 4096 + 1, 16 * 4096 - 1, 64 * 4096 + 3 * 512 + 7,
};

/* Store over all of the last page, end of file or not, and in some before it. */
static void store_all(u8 *m, u8 *model, u64 bytes, u64 version)
{
	u64 last = PAGES(bytes) - 1, vpn;
	u8 page[PAGE] __attribute__((aligned(8)));

	for (vpn = last & 1; vpn <= last; vpn += 2) {
		page_fill(page, vpn, version);
		memcpy(m + vpn * PAGE, page, PAGE);
		memcpy(model + vpn * PAGE, page, vpn == last ? bytes - vpn * PAGE : PAGE);
	}
}

static void past_end_is_zero(const u8 *m, u64 bytes, const char *when)
{
	u64 pad = PAGES(bytes) * PAGE - bytes;

	expect(bytes_zero(m + bytes, pad, bytes), "size %ju, %s: bytes past the end are not zero",
	       (uintmax_t)bytes, when);
}

static void one_size(u64 bytes)
{
	u64 room = PAGES(bytes) * PAGE;
	char *path = file_make("tail", bytes, 1);
	u8 *model = model_make(bytes, 1), *m;
	int fd = space_attach(path, O_RDWR);
	u32 id = space_id(fd);
	u64 round;

	expect(lseek(fd, 0, SEEK_END) == (off_t)bytes, "the end is not at %ju", (uintmax_t)bytes);
	m = map(fd, room, RW, MAP_SHARED);
	expect(bytes_are(m, model, bytes, 0), "size %ju, as it was", (uintmax_t)bytes);
	past_end_is_zero(m, bytes, "at first");
	for (round = 2; round < 4; round++) {
		store_all(m, model, bytes, round);
		if (round & 1)
			need_ok(fsync(fd));
		else
			need_ok(msync(m, room, MS_SYNC));
		expect_file(path, model, bytes);
		expect(bytes_are(m, model, bytes, 0), "size %ju, after a sync", (uintmax_t)bytes);
		make_absent(fd, m, room);
		expect(bytes_are(m, model, bytes, 0), "size %ju, read again", (uintmax_t)bytes);
		if (!plain)		/* the page cache may keep what was stored there */
			past_end_is_zero(m, bytes, "read again");
	}
	/* Dirty at the end: close and munmap write it. */
	store_all(m, model, bytes, 7);
	need_ok(munmap(m, room));
	space_gone(fd, id);
	expect_file(path, model, bytes);
	need_ok(unlink(path));
	free(path);
	free(model);
}

static void all_sizes(void)
{
	u64 i;

	pool_use(2 * MIB);
	/* A slow kernel takes every other one. */
	for (i = scale > 1 ? seed & 1 : 0; i < ARRAY_SIZE(sizes); i += 1 + (scale > 1))
		one_size(sizes[i]);
}

static void all_sizes_direct(void)
{
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	all_sizes();
}

static void on(const char *type)
{
	char where[DIR_SIZE];

	if (!fs_mount(type, where, sizeof(where)))
		skip("no %s here", type);
	strcpy(dir, where);
	all_sizes();
}

static void on_tmpfs(void)
{
	on("tmpfs");
}

static void on_xfs(void)
{
	on("xfs");
}

static void on_btrfs(void)
{
	on("btrfs");
}

/* A block device may end in the middle of a page too. */
static void on_block_device(void)
{
	u64 bytes = 5 * PAGE + 3 * 512, room = PAGES(bytes) * PAGE, is, round;
	u8 *model, *m, *raw;
	char dev[64];
	int fd;
	u32 id;

	pool_use(2 * MIB);
	if (!loop_make(bytes, dev, sizeof(dev)))
		skip("no loop devices");
	model = calloc(1, room);
	fd = space_attach(dev, O_RDWR);
	id = space_id(fd);
	expect(lseek(fd, 0, SEEK_END) == (off_t)bytes, "the end is not at %ju", (uintmax_t)bytes);
	m = map(fd, room, RW, MAP_SHARED);
	for (round = 1; round < 4; round++) {
		store_all(m, model, bytes, round);
		need_ok(msync(m, room, MS_SYNC));
		raw = file_load(dev, &is);
		expect(is == bytes && bytes_are(raw, model, bytes, 0), "the device after msync");
		make_absent(fd, m, room);
		expect(bytes_are(m, model, bytes, 0), "read again");
		if (!plain)
			past_end_is_zero(m, bytes, "read again");
	}
	need_ok(munmap(m, room));
	space_gone(fd, id);
}

/* What was stored past the end stays out of sight when the file grows. */
static void growing(void)
{
	struct framepool_resize size = { .size = sizeof(size) };
	u64 bytes = 3 * PAGE + 100, more = 5 * PAGE + 7;
	char *path = file_make("tail", bytes, 1);
	u8 *model = calloc(1, 8 * PAGE), *m, *old = model_make(bytes, 1);
	int fd, synced;
	u32 id;

	pool_use(2 * MIB);
	for (synced = 0; synced < 2; synced++) {
		memcpy(model, old, bytes);
		memset(model + bytes, 0, 8 * PAGE - bytes);
		fd = space_attach(path, O_RDWR);
		id = space_id(fd);
		m = map(fd, 8 * PAGE, RW, MAP_SHARED);
		memset(m + bytes, 0xee, 4 * PAGE - bytes);
		if (synced)
			need_ok(msync(m, 4 * PAGE, MS_SYNC));
		size.bytes = more;
		need_ok(ioctl(fd, FRAMEPOOL_RESIZE, &size));
		expect(bytes_are(m, model, more, 0), "after growing");
		need_ok(munmap(m, 8 * PAGE));
		space_gone(fd, id);
		expect_file(path, model, more);
		need_ok(truncate(path, bytes));
	}
}

/*
 * The file was cut within a page behind the pool, and a resize of it is refused: what was to be cut
 * off has not been written for that, is there as before, and makes the file whole again.
 */
static void cut_behind(void)
{
	struct framepool_resize size = { .size = sizeof(size), .bytes = PAGE };
	u64 bytes = 2 * PAGE + PAGE / 2, vpn, is;
	u8 *old = model_make(10 * PAGE, 1), *m, *raw;
	int fd;
	u32 id;

	if (access(INJECT, W_OK))
		skip("this kernel has no fault injection");
	bed_make(10);
	pool_use(2 * MIB);
	fd = space_attach(bed_path, O_RDWR);
	id = space_id(fd);
	m = map(fd, 10 * PAGE, RW, MAP_SHARED);
	for (vpn = 1; vpn < 10; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	need_ok(truncate(bed_path, bytes));
	need(knob_write(INJECT, "resize 1"), INJECT ": %s", strerror(errno));
	expect_errno(ioctl(fd, FRAMEPOOL_RESIZE, &size), ENOSPC);
	raw = file_load(bed_path, &is);
	expect(is == bytes, "%ju bytes", (uintmax_t)is);
	expect(bytes_are(raw, old, bytes, 0), "in the file");
	for (vpn = 0; vpn < 10; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, vpn ? 2 : 1), "in memory");
	need_ok(munmap(m, 10 * PAGE));
	space_gone(fd, id);
	raw = file_load(bed_path, &is);
	expect(is == 10 * PAGE, "%ju bytes in the end", (uintmax_t)is);
	for (vpn = 0; vpn < 10; vpn++)
		expect(page_is(raw + vpn * PAGE, vpn, vpn ? 2 : 1), "in the file in the end");
	bed_end();
}

static const struct test tests[] = {
	{ "every size on the file system of the run", all_sizes, 0 },
	{ "every size, on the direct path", all_sizes_direct, T_DEVICE },
	{ "every size on tmpfs", on_tmpfs, 0 },
	{ "every size on xfs", on_xfs, 0 },
	{ "every size on btrfs", on_btrfs, 0 },
	{ "a block device that ends within a page", on_block_device, 0 },
	{ "stores past the end do not show when the file grows", growing, T_DEVICE },
	{ "cut within a page behind the pool, then not resized", cut_behind,
	  T_DEVICE | T_VARIANT(BED_FILE) },
};

int main(int argc, char **argv)
{
	after_test = dm_clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
