// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that look at what they are given twice: it has to stand still while it is written, and
 * stores go on.  dm-integrity puts a checksum beside each block; if block and checksum are not of
 * one moment the block cannot be read any more.  Where there is none, the module takes a device
 * for such a one because it is told to.
 */
#include "bed.h"

#include <pthread.h>
#include <sys/sysmacros.h>

#define RW	(PROT_READ | PROT_WRITE)
#define NR	64UL			/* pages of the file */
#define FEW	10UL			/* that are stored to */
#define SLOW	2000			/* ms for a write; stores meanwhile have to be over by then */

static u8 *m;
static int fd;
static u32 id;

static void expect_copies(bool copies)
{
	struct framepool_space s;

	space_info(fd, &s);
	expect(!!(s.state & FRAMEPOOL_SPACE_COPIES) == copies, "state %#x: %s", s.state,
	       copies ? "no copies" : "copies");
}

static void attach_it(const char *path)
{
	pool_use(2 * MIB);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

static void detach_it(void)
{
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
}

/* ---- what is written stands still ---- */

static void begin(void)
{
	if (access(INJECT, W_OK))
		skip("this kernel has no fault injection");
	bed_make(NR);
	need(knob_write(INJECT, "stable 1"), INJECT ": %s", strerror(errno));
	attach_it(bed_path);
	expect_copies(true);
}

static void store(u64 version)
{
	u64 vpn;

	for (vpn = 0; vpn < FEW; vpn++)
		page_fill(m + vpn * PAGE, vpn, version);
}

static void expect_medium(u64 version)
{
	u8 *is = bed_load();
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++)
		expect(page_is(is + vpn * PAGE, vpn, vpn < FEW ? version : 1), "on the medium");
	free(is);
}

static bool is_written(void *unused)
{
	(void)unused;
	return dm_delayed();
}

static void *syncs(void *unused)
{
	(void)unused;
	need_ok(fsync(fd));
	return NULL;
}

static void *evicts(void *unused)
{
	struct framepool_range r;

	(void)unused;
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(!r.failed, "%ju could not be written", (uintmax_t)r.failed);
	return NULL;
}

/* Its write takes so long that it is under way while its pages are stored to. */
static void store_while(void *(*write)(void *unused))
{
	pthread_t writes;

	need(!pthread_create(&writes, NULL, write, NULL), "no thread");
	need(wait_until(is_written, NULL, 20000), "no write");
	store(3);
	need(is_written(NULL), "the write has ended before the stores");
	pthread_join(writes, NULL);
	expect_medium(2);
}

static void end(void)
{
	bed_healthy();
	need_ok(fsync(fd));
	expect_medium(3);
	detach_it();
	bed_end();
}

static void stands_still(void *(*write)(void *unused))
{
	begin();
	store(2);
	bed_slow(SLOW);
	store_while(write);
	end();
}

static void still_for_sync(void)
{
	stands_still(syncs);
}

static void still_for_evict(void)
{
	stands_still(evicts);
}

/* What the device under the space says by now, whatever it said at the attach. */
static void asked_later(void)
{
	char knob[64];
	struct stat st;

	bed_make(NR);
	attach_it(bed_path);
	expect_copies(false);
	store(2);
	bed_slow(SLOW);
	need_ok(stat(bed_path, &st));
	st.st_dev = test_variant == BED_DEVICE ? st.st_rdev : st.st_dev;
	snprintf(knob, sizeof(knob), "/sys/dev/block/%u:%u/queue/stable_writes",
		 major(st.st_dev), minor(st.st_dev));
	need(knob_write(knob, "1"), "%s: %s", knob, strerror(errno));
	expect_copies(true);
	store_while(syncs);
	end();
}

/* After an error each page is written for itself, by who waits for it. */
static void one_by_one(void)
{
	begin();
	store(2);
	need(knob_write(INJECT, "write 1"), INJECT ": %s", strerror(errno));
	need_ok(fsync(fd));
	expect_medium(2);
	detach_it();
	bed_end();
}

/* ---- checksums ---- */

#define FS_SECTORS	49152UL		/* 24 MiB, and so much is left for the checksums */

static atomic_uint stop;

/* The device, on a medium that is none yet, and each block of it readable. */
static void integrity_make(char *node, size_t len)
{
	u8 *zeros = calloc(1, MIB);
	u64 at;
	int f;

	if (access(BED_RAM, R_OK | W_OK) || !dm_make(node, len) || !dm_has("integrity"))
		skip("no dm-integrity or no " BED_RAM);
	f = need_ok(open(BED_RAM, O_RDWR | O_CLOEXEC));
	need(pwrite(f, zeros, MIB, 0) == (ssize_t)MIB, BED_RAM ": %s", strerror(errno));
	need_ok(fsync(f));
	need_ok(close(f));
	dm_table("0 %lu integrity " BED_RAM " 0 - D 3 internal_hash:crc32c journal_sectors:128 "
		 "block_size:4096", FS_SECTORS);
	f = need_ok(open(node, O_RDWR | O_CLOEXEC));
	for (at = 0; at < FS_SECTORS * 512; at += MIB)
		need(pwrite(f, zeros, MIB, at) == (ssize_t)MIB, "%s: %s", node, strerror(errno));
	need_ok(fsync(f));
	need_ok(close(f));
	free(zeros);
}

static void *stores(void *unused)
{
	volatile u64 *word = (u64 *)m;
	u64 i;

	(void)unused;
	for (i = 0; !atomic_load(&stop); i++)
		word[i % (FEW * PAGE / sizeof(*word))] = i;
	return NULL;
}

static void expect_readable(const char *path, u64 round)
{
	u8 *is = aligned_alloc(PAGE, FEW * PAGE);
	int f = need_ok(open(path, O_RDONLY | O_DIRECT | O_CLOEXEC));
	ssize_t n = pread(f, is, FEW * PAGE, 0);

	expect(n == (ssize_t)(FEW * PAGE), "round %ju: %zd, %s", (uintmax_t)round, n,
	       strerror(errno));
	need_ok(close(f));
	free(is);
}

/* What a sync has written while there were stores can be read, whenever the power fails. */
static void checksums_hold(void)
{
	char node[64], where[DIR_SIZE + 8], path[DIR_SIZE + 16];
	pthread_t thread;
	u64 round;

	integrity_make(node, sizeof(node));
	strcpy(path, node);
	if (test_variant != BED_DEVICE) {
		ext4_on(node, "", NULL, where, sizeof(where));
		snprintf(path, sizeof(path), "%s/file", where);
		free(file_make(path, NR * PAGE, 1));
	}
	if (test_variant == BED_DIRECT)
		attach_flags |= FRAMEPOOL_ATTACH_DIRECT;
	attach_it(path);
	expect_copies(true);
	for (round = 0; round < scaled(100) && !failures(); round++) {
		atomic_store(&stop, 0);
		need(!pthread_create(&thread, NULL, stores, NULL), "no thread");
		need_ok(fsync(fd));
		atomic_store(&stop, 1);
		pthread_join(thread, NULL);
		expect_readable(path, round);
	}
	detach_it();
}

#define ON_EACH(name, fn) \
	{ name ", a device", fn, T_DEVICE | T_VARIANT(BED_DEVICE) }, \
	{ name ", a file", fn, T_DEVICE | T_VARIANT(BED_FILE) }, \
	{ name ", on the direct path", fn, T_DEVICE | T_VARIANT(BED_DIRECT) }

static const struct test tests[] = {
	ON_EACH("what a sync writes stands still", still_for_sync),
	ON_EACH("what leaves stands still", still_for_evict),
	ON_EACH("a device that asks for it later", asked_later),
	ON_EACH("a page at a time", one_by_one),
	ON_EACH("checksums hold", checksums_hold),
};

int main(int argc, char **argv)
{
	write_errors_expected = true;
	after_test = dm_clear_away;
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
