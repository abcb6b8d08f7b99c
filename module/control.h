/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/framepool/control. */
#ifndef FPOOL_CONTROL_H
#define FPOOL_CONTROL_H

#include "pool.h"

extern const struct file_operations fpool_control_fops;

struct fpool_pool *fpool_control_create(const struct fpool_pool_params *params);
int fpool_control_destroy(struct fpool_pool *pool);

#endif /* FPOOL_CONTROL_H */
