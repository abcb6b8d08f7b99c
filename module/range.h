/* SPDX-License-Identifier: GPL-2.0-only */
/* What a program asks of a range of a space's pages. */
#ifndef FPOOL_RANGE_H
#define FPOOL_RANGE_H

#include "attach.h"

long fpool_range_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int fpool_range_fsync(struct file *file, loff_t start, loff_t end, int datasync);
int fpool_range_fadvise(struct file *file, loff_t offset, loff_t len, int advice);
void fpool_range_space_info(struct fpool_space *space, const struct fpool_node *node,
			    struct framepool_space *info);

#endif /* FPOOL_RANGE_H */
