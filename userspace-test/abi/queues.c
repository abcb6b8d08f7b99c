// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queues of block devices: one that is full makes nobody wait but those who want its pages, and
 * what one read or write has to be cut into, by the file or by the queue, goes out together.
 */
#include "bed.h"
#include "nbd.h"

#include <sys/mount.h>
#include <sys/resource.h>
#include <linux/fs.h>

#define RW	(PROT_READ | PROT_WRITE)

/* ---- devices that take no more ---- */

#define NR	3000UL	/* pages; every second one is dirty, so that none are written together */
#define OTHER	3072UL
#define SOON	8000	/* ms; who gives up does after ten seconds */

static u8 *stored;		/* what the server of the network block device has */
static int fs_fd;

static bool answer(const struct nbd_request *request)
{
	u64 from = nbd_from(request);
	u32 len = nbd_length(request);

	switch (nbd_command(request)) {
	case NBD_CMD_READ:
		return nbd_reply(request->handle, 0, stored + from, len);
	case NBD_CMD_WRITE:
		return nbd_receive(stored + from, len) &&
		       nbd_reply(request->handle, 0, NULL, 0);
	default:
		return false;
	}
}

static void store_every_second(u8 *mem)
{
	u64 vpn;

	for (vpn = 0; vpn < NR / 2; vpn += 2)
		page_fill(mem + vpn * PAGE, vpn, 2);
}

/* Stores to a file on a device that works: nobody waits long for a frame. */
static void stream(u8 *mem)
{
	u64 vpn, start, took, longest = 0;

	for (vpn = 0; vpn < OTHER; vpn++) {
		start = now_ms();
		if (!expect(!try_store(mem + vpn * PAGE, 1), "page %ju cannot come",
			    (uintmax_t)vpn))
			break;
		page_fill(mem + vpn * PAGE, vpn, 5);
		took = now_ms() - start;
		if (took > longest)
			longest = took;
	}
	diag("at most %ju ms for a page", (uintmax_t)longest);
	expect(longest < SOON, "%ju ms", (uintmax_t)longest);
}

/*
 * Half of the pool's pages are dirty ones of @dev when it begins to stand still: they want to leave
 * before all those that come then.
 */
static void beside_full_queue(const char *dev, const char *file, void (*stall)(void),
			      void (*go_on)(void))
{
	u8 *mine, *other, *model = model_make(OTHER * PAGE, 5);
	int fd, other_fd;
	u32 id, other_id;
	u64 vpn;

	attach_block = FRAMEPOOL_BLOCK_1;
	pool_use(8 * MIB);
	fd = space_attach(dev, O_RDWR);
	id = space_id(fd);
	mine = map(fd, NR * PAGE, RW, MAP_SHARED);
	other_fd = space_attach(file, O_RDWR);
	other_id = space_id(other_fd);
	other = map(other_fd, OTHER * PAGE, RW, MAP_SHARED);
	store_every_second(mine);
	stall();
	stream(other);
	expect(!fsync(other_fd), "fsync: %s", strerror(errno));
	go_on();
	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(mine + vpn * PAGE, vpn, vpn < NR / 2 && !(vpn % 2) ? 2 : 1),
		       "on the device that stood still");
	expect(!fsync(fd), "fsync: %s", strerror(errno));
	need_ok(munmap(other, OTHER * PAGE));
	need_ok(munmap(mine, NR * PAGE));
	space_gone(other_fd, other_id);
	space_gone(fd, id);
	expect_file(file, model, OTHER * PAGE);
}

static void freeze(void)
{
	need_ok(ioctl(fs_fd, FIFREEZE, 0));
}

static void thaw(void)
{
	need_ok(ioctl(fs_fd, FITHAW, 0));
}

/* A loop device over a file of a file system that is frozen: as many requests as it has stand still. */
static void without_room(void)
{
	char where[DIR_SIZE], dev[64], *file;
	u8 *model = model_make(NR * PAGE, 1);
	int loop;

	if (plain_at_home || access(BED_RAM, R_OK | W_OK))
		skip("no " BED_RAM);
	file = file_make("file", OTHER * PAGE, 4);
	ext4_on(BED_RAM, "", NULL, where, sizeof(where));
	strcpy(dir, where);
	if (!loop_make(NR * PAGE, dev, sizeof(dev)))
		skip("no loop devices");
	fs_fd = need_ok(open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	loop = need_ok(open(dev, O_RDWR | O_CLOEXEC));
	need(pwrite(loop, model, NR * PAGE, 0) == NR * PAGE && !fsync(loop), "%s: %s", dev,
	     strerror(errno));
	need_ok(close(loop));
	beside_full_queue(dev, file, freeze, thaw);
}

/* The driver of a network block device sleeps, in whoever submits, until the socket has room. */
static void server_stops(void)
{
	char *file;

	stored = model_make(NR * PAGE, 1);
	nbd_make(NR, 0, answer);
	file = file_make("file", OTHER * PAGE, 4);
	beside_full_queue(NBD_NODE, file, nbd_lock, nbd_unlock);
	nbd_end();
}

/* ---- what has to be cut ---- */

#define PIECES	32UL	/* pages of a file, each somewhere else on the disk */
#define SLOW	100	/* ms */

/* One fault, one wait for the device: not one for each place. */
static void places_together(void)
{
	char node[64], where[DIR_SIZE], name[DIR_SIZE + 16];
	u64 start, took;
	int fd;
	u32 id;
	u8 *m;

	if (plain_at_home || access(BED_RAM, R_OK | W_OK) || !dm_make(node, sizeof(node)))
		skip("no device mapper or no " BED_RAM);
	dm_table("0 65536 linear " BED_RAM " 0");
	ext4_on(node, "", NULL, where, sizeof(where));
	strcpy(dir, where);
	snprintf(name, sizeof(name), "%s", file_make_scattered("file", PIECES * PAGE));
	pool_use(4 * MIB);
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	attach_block = FRAMEPOOL_BLOCK_16;
	fd = space_attach(name, O_RDWR);
	id = space_id(fd);
	m = map(fd, PIECES * PAGE, RW, MAP_SHARED);
	dm_stall();
	dm_table("0 65536 delay " BED_RAM " 0 %d", SLOW);
	start = now_ms();
	expect(page_is(m, 0, 1), "the first page");
	took = now_ms() - start;
	diag("%ju ms for 16 pages in 16 places, %d ms each", (uintmax_t)took, SLOW);
	expect(resident_pages(fd, 0, 16 * PAGE, (u8[2]){}) == 16, "no block of 16 pages");
	expect(took < 8 * SLOW, "%ju ms for what takes %d", (uintmax_t)took, SLOW);
	dm_stall();
	dm_table("0 65536 linear " BED_RAM " 0");
	need_ok(munmap(m, PIECES * PAGE));
	space_gone(fd, id);
	need_ok(umount(where));
	note_mounted("");
	expect(wait_until(dm_remove, NULL, 10000), "%s", strerror(errno));
}

/* What debugfs says of the pool's memory outside of its region. */
static u64 outside(void)
{
	char name[128], line[128];
	u64 bytes = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/sys/kernel/debug/framepool/%s/stats", pool);
	f = fopen(name, "r");
	need(f, "%s: %s", name, strerror(errno));
	while (fgets(line, sizeof(line), f))
		sscanf(line, "outside %ju", (uintmax_t *)&bytes);
	fclose(f);
	return bytes;
}

/* Attached once; how much memory it took of the kernel's. */
static u64 memory_for(u64 pages, bool direct)
{
	char *name = file_make_scattered("file", pages * PAGE);
	struct framepool_space s;
	u64 before = outside(), took;
	int fd = space_attach(name, O_RDWR);
	u32 id = space_id(fd);

	took = outside() - before;
	space_info(fd, &s);
	expect(!!(s.state & FRAMEPOOL_SPACE_DIRECT_PATH) == direct, "%ju pieces: %s direct path",
	       (uintmax_t)pages, direct ? "no" : "a");
	space_gone(fd, id);
	expect(outside() == before, "%ju bytes stay", (uintmax_t)(outside() - before));
	need_ok(unlink(name));
	free(name);
	return took;
}

/* Where the pieces are is in the kernel's memory, of which a pool takes only so much. */
static void many_places(void)
{
	u64 few, many;

	pool_use(4 * MIB);
	attach_flags = FRAMEPOOL_ATTACH_DIRECT;
	few = memory_for(10, true);
	many = memory_for(60, true);
	diag("%ju bytes for 10 places, %ju for 60", (uintmax_t)few, (uintmax_t)many);
	expect(many >= few + 16 * 40 && many <= few + 16 * 64, "%ju bytes for 50 places more",
	       (uintmax_t)(many - few));
	/* A page of them, or a piece for 16 frames. */
	memory_for(PAGE / 16 + 10, false);
}

#define NULL_NODE	"/dev/nullb0"
#define NULL_QUEUE	"/sys/block/nullb0/queue/"
#define BLOCKS		32UL

static long sleeps(void)
{
	struct rusage usage;

	need_ok(getrusage(RUSAGE_THREAD, &usage));
	return usage.ru_nvcsw;
}

/*
 * A queue splits what it is given, but not for who does not want to wait: he would be sent to a
 * worker each time.  This device's reads end at once, so that without a worker nobody sleeps.
 */
static void within_limits(void)
{
	long before, slept;
	u64 i;
	int fd;
	u32 id;
	u8 *m;

	if (plain_at_home ||
	    (access(NULL_NODE, F_OK) && system("modprobe -q null_blk irqmode=0 queue_mode=2 gb=1")))
		skip("no null_blk");
	need(knob_write(NULL_QUEUE "max_sectors_kb", "64"), "%s", strerror(errno));
	pool_use(32 * MIB);
	attach_block = FRAMEPOOL_BLOCK_64;
	fd = space_attach(NULL_NODE, O_RDONLY);
	id = space_id(fd);
	m = map(fd, (1024 * MIB), PROT_READ, MAP_SHARED);
	expect(!try_load(m, NULL), "the first block");
	before = sleeps();
	for (i = 1; i <= BLOCKS; i++)
		expect(!try_load(m + 64 * i * PAGE, NULL), "block %ju", (uintmax_t)i);
	slept = sleeps() - before;
	expect(resident_pages(fd, 0, 64 * PAGE, (u8[8]){}) == 64, "no block of 64 pages");
	diag("%ld of %lu faults slept", slept, BLOCKS);
	expect(slept < (long)BLOCKS / 4, "%ld of %lu faults slept", slept, BLOCKS);
	need_ok(munmap(m, (1024 * MIB)));
	space_gone(fd, id);
}

static const struct test tests[] = {
	{ "a device without room, and another space", without_room, T_DEVICE },
	{ "a server that reads no more, and another space", server_stops, T_DEVICE },
	{ "a block in many places waits once", places_together, T_DEVICE },
	{ "a file in many places takes little memory", many_places, T_DEVICE },
	{ "a block larger than a request needs no worker", within_limits, T_DEVICE },
};

/* A test that gave up may have left it frozen. */
static void clear_away(void)
{
	char where[DIR_SIZE + 8];

	snprintf(where, sizeof(where), "%s/fs", dir);
	fs_thaw_left(where);
	dm_clear_away();
}

int main(int argc, char **argv)
{
	after_test = clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
