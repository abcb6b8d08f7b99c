/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a space lies on in the tests of I/O that fails or stands still: a device-mapper device over
 * memory, or a file of an ext4 on one, of whose file system only the file's own blocks fail.
 */
#ifndef ABI_BED_H
#define ABI_BED_H

#include "test.h"

/* A test's T_VARIANT(). */
enum bed_kind {
	BED_DEVICE,
	BED_FILE,		/* through the file system */
	BED_DIRECT,		/* past it */
};

#define BED_RAM		"/dev/ram0"

extern char bed_path[DIR_SIZE + 16];	/* to be attached; all its pages are of version 1 */
extern u64 bed_sector;			/* where its first byte is on BED_RAM */

void bed_make(u64 pages);		/* of the kind that this test is about */
void bed_healthy(void);
void bed_dead(void);
void bed_unwritable(void);		/* reads work */
void bed_bad_page(u64 vpn);
void bed_with_bad_blocks(void);		/* none yet; dm_has("dust") */
void bed_bad_block(u64 vpn);		/* its reads fail until it has been written */
void bed_slow(unsigned int ms);		/* each write */
void bed_slow_reads(unsigned int ms);
u64 bed_count(const char *file, unsigned int at);	/* a number, from 0, of the device's sysfs */
u8 *bed_load(void);			/* what is on the medium */
void bed_end(void);			/* after the space has gone */

#endif /* ABI_BED_H */
