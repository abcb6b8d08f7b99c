// SPDX-License-Identifier: GPL-2.0-only
/* A device, or a file of a file system on one, of which a test says what fails. */
#include "bed.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <linux/fiemap.h>
#include <linux/fs.h>

#define FS_SECTORS	49152UL
#define SECTORS		(PAGE / 512)

char bed_path[DIR_SIZE + 16];
u64 bed_sector;
static char where[DIR_SIZE + 8];	/* "": no file system */
static u64 nr, sectors;

/* The device is as its memory, but for the backing, whose lines are given. */
static void table(const char *lines)
{
	u64 end = bed_sector + nr * SECTORS;
	char before[96] = "", after[96] = "";

	if (bed_sector)
		snprintf(before, sizeof(before), "0 %ju linear " BED_RAM " 0\n",
			 (uintmax_t)bed_sector);
	if (end < sectors)
		snprintf(after, sizeof(after), "%ju %ju linear " BED_RAM " %ju", (uintmax_t)end,
			 (uintmax_t)(sectors - end), (uintmax_t)end);
	dm_table("%s%s%s", before, lines, after);
}

void bed_healthy(void)
{
	dm_table("0 %ju linear " BED_RAM " 0", (uintmax_t)sectors);
}

void bed_dead(void)
{
	char lines[128];

	snprintf(lines, sizeof(lines), "%ju %ju error\n", (uintmax_t)bed_sector,
		 (uintmax_t)(nr * SECTORS));
	table(lines);
}

void bed_unwritable(void)
{
	char lines[128];

	snprintf(lines, sizeof(lines), "%ju %ju flakey " BED_RAM " %ju 0 3600 1 error_writes\n",
		 (uintmax_t)bed_sector, (uintmax_t)(nr * SECTORS), (uintmax_t)bed_sector);
	table(lines);
}

void bed_bad_page(u64 vpn)
{
	u64 bad = bed_sector + vpn * SECTORS, end = bed_sector + nr * SECTORS;
	char lines[256];

	snprintf(lines, sizeof(lines),
		 "%ju %ju linear " BED_RAM " %ju\n%ju %lu error\n%ju %ju linear " BED_RAM " %ju\n",
		 (uintmax_t)bed_sector, (uintmax_t)(vpn * SECTORS), (uintmax_t)bed_sector,
		 (uintmax_t)bad, SECTORS, (uintmax_t)(bad + SECTORS),
		 (uintmax_t)(end - bad - SECTORS), (uintmax_t)(bad + SECTORS));
	table(lines);
}

void bed_with_bad_blocks(void)
{
	char lines[128];

	snprintf(lines, sizeof(lines), "%ju %ju dust " BED_RAM " %ju %lu\n", (uintmax_t)bed_sector,
		 (uintmax_t)(nr * SECTORS), (uintmax_t)bed_sector, PAGE);
	table(lines);
	dm_message(bed_sector, "enable");
}

/* dm-dust counts blocks from the beginning of what lies under it. */
void bed_bad_block(u64 vpn)
{
	dm_message(bed_sector, "addbadblock %ju", (uintmax_t)(bed_sector / SECTORS + vpn));
}

static void delay(unsigned int reads, unsigned int writes)
{
	char lines[192];

	snprintf(lines, sizeof(lines), "%ju %ju delay " BED_RAM " %ju %u " BED_RAM " %ju %u\n",
		 (uintmax_t)bed_sector, (uintmax_t)(nr * SECTORS), (uintmax_t)bed_sector, reads,
		 (uintmax_t)bed_sector, writes);
	table(lines);
}

void bed_slow(unsigned int ms)
{
	delay(0, ms);
}

void bed_slow_reads(unsigned int ms)
{
	delay(ms, 0);
}

static void fill_device(void)
{
	u8 *pages = model_make(nr * PAGE, 1);
	int ram = need_ok(open(BED_RAM, O_RDWR | O_CLOEXEC));

	need(pwrite(ram, pages, nr * PAGE, 0) == (ssize_t)(nr * PAGE), BED_RAM ": %s",
	     strerror(errno));
	need_ok(fsync(ram));
	need_ok(close(ram));
	free(pages);
}

/* Where the file is; it has to be in one piece, as it is on a new file system. */
static u64 first_sector(void)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extent;
	} f = { .map = { .fm_length = nr * PAGE, .fm_flags = FIEMAP_FLAG_SYNC,
			 .fm_extent_count = 1 } };
	int file = need_ok(open(bed_path, O_RDONLY | O_CLOEXEC));

	need_ok(ioctl(file, FS_IOC_FIEMAP, &f));
	need_ok(close(file));
	if (f.extent.fe_length < nr * PAGE)
		skip("the file is in pieces");
	return f.extent.fe_physical / 512;
}

static void make_file(const char *node)
{
	ext4_on(node, "", NULL, where, sizeof(where));
	snprintf(bed_path, sizeof(bed_path), "%s/file", where);
	free(file_make(bed_path, nr * PAGE, 1));
	bed_sector = first_sector();
}

void bed_make(u64 pages)
{
	char node[64];

	if (plain_at_home || access(BED_RAM, R_OK | W_OK) || !dm_make(node, sizeof(node)))
		skip("no device mapper or no " BED_RAM);
	nr = pages;
	sectors = test_variant == BED_DEVICE ? nr * SECTORS : FS_SECTORS;
	if (test_variant == BED_DEVICE) {
		fill_device();
		bed_healthy();
		strcpy(bed_path, node);
	} else {
		bed_healthy();
		make_file(node);
	}
	if (test_variant == BED_DIRECT)
		attach_flags |= FRAMEPOOL_ATTACH_DIRECT;
}

u64 bed_count(const char *file, unsigned int at)
{
	char knob[64], line[256], *next = line;
	struct stat st;
	dev_t dev;

	need_ok(stat(bed_path, &st));
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	snprintf(knob, sizeof(knob), "/sys/dev/block/%u:%u/%s", major(dev), minor(dev), file);
	need(knob_read(knob, line, sizeof(line)), "%s: %s", knob, strerror(errno));
	while (at--)
		strtoull(next, &next, 10);
	return strtoull(next, NULL, 10);
}

u8 *bed_load(void)
{
	u8 *buf = aligned_alloc(PAGE, nr * PAGE);
	int ram = need_ok(open(BED_RAM, O_RDONLY | O_DIRECT | O_CLOEXEC));

	need(pread(ram, buf, nr * PAGE, bed_sector * 512) == (ssize_t)(nr * PAGE), BED_RAM ": %s",
	     strerror(errno));
	need_ok(close(ram));
	return buf;
}

void bed_end(void)
{
	if (where[0]) {
		need_ok(umount(where));
		note_mounted("");
	}
	/* The last close of the backing may come a moment after the space has gone. */
	expect(wait_until(dm_remove, NULL, 10000), "the device is still in use: %s",
	       strerror(errno));
}
