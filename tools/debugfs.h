/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module shows of a pool in debugfs, to root alone. */
#ifndef FRAMEPOOL_TOOLS_DEBUGFS_H
#define FRAMEPOOL_TOOLS_DEBUGFS_H

#include <stdio.h>

#define DEBUGFS "/sys/kernel/debug/framepool"

/*
 * Open FILE of a pool's directory with fopen()'s @mode; NULL after an error that is in *@status,
 * in which the pool could not be @verb'ed.
 */
FILE *debugfs_open(const char *pool, const char *file, const char *mode, const char *verb,
		   int *status);

#endif /* FRAMEPOOL_TOOLS_DEBUGFS_H */
