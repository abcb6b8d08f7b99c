/* SPDX-License-Identifier: GPL-2.0-only */
/* Recording which pages of a space are used. */
#ifndef FPOOL_RECORD_H
#define FPOOL_RECORD_H

#include "space.h"

long fpool_record_start(struct file *file, void *arg);
long fpool_record_take(struct file *file, void *arg);
void fpool_record_leave(struct fpool_handle *handle);

#endif /* FPOOL_RECORD_H */
