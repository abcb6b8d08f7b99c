/* SPDX-License-Identifier: GPL-2.0-only */
/* debugfs framepool/: what is going on, to look at. */
#ifndef FPOOL_DEBUGFS_H
#define FPOOL_DEBUGFS_H

#include "pool.h"

void fpool_debugfs_init(void);
void fpool_debugfs_exit(void);
void fpool_debugfs_add(struct fpool_pool *pool);
void fpool_debugfs_remove(struct fpool_pool *pool);

#endif /* FPOOL_DEBUGFS_H */
