/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scene of many tests: a pool of its own, a file of version 1, its space, mapped whole for
 * reading and writing, and a model of the bytes beside it.
 */
#ifndef ABI_SCENE_H
#define ABI_SCENE_H

#include "test.h"

extern char *path;		/* of the file */
extern u8 *m, *model;		/* the mapping, and what it has to be */
extern int fd;			/* of the space */
extern u32 id;			/* of the space */

void scene_begin(u64 region, u64 pages);
void scene_begin_as(u64 region, u64 pages, int oflags);	/* O_RDONLY or O_RDWR */
void scene_begin_at(const char *where, u64 region, u64 pages);	/* a device, say */
void scene_end(void);		/* the mapping is right; then scene_close() */
void scene_close(void);		/* it goes, and the file is right */
void store(u64 vpn, u64 version);	/* a whole page */

#endif /* ABI_SCENE_H */
