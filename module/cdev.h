/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors of a space: an opened /dev/framepool/NAME, or what ATTACH returned. */
#ifndef FPOOL_CDEV_H
#define FPOOL_CDEV_H

#include "attach.h"

extern const struct file_operations fpool_cdev_fops;

int fpool_cdev_install(struct fpool_space *space, bool write);

#endif /* FPOOL_CDEV_H */
