/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of a pool in /sys/kernel/framepool/. */
#ifndef FPOOL_SYSFS_H
#define FPOOL_SYSFS_H

#include "pool.h"

int fpool_sysfs_init(void);
void fpool_sysfs_exit(void);
int fpool_sysfs_add(struct fpool_pool *pool);
void fpool_sysfs_remove(struct fpool_pool *pool);

#endif /* FPOOL_SYSFS_H */
