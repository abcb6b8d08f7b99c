/* SPDX-License-Identifier: GPL-2.0-only */
/* What a program asks of a range of a space's pages. */
#ifndef FPOOL_RANGE_H
#define FPOOL_RANGE_H

#include "attach.h"

long fpool_range_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int fpool_range_fsync(struct file *file, loff_t start, loff_t end, int datasync);
int fpool_range_fadvise(struct file *file, loff_t offset, loff_t len, int advice);
bool fpool_range_may_count(const struct fpool_space *space, const struct fpool_node *node);
void fpool_range_describe(struct fpool_space *space, const struct fpool_node *node,
			  struct framepool_space *info);
void fpool_range_count(struct fpool_space *space, struct framepool_space *info);

#endif /* FPOOL_RANGE_H */
