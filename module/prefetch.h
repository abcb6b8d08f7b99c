/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages brought because a program says that it will want them. */
#ifndef FPOOL_PREFETCH_H
#define FPOOL_PREFETCH_H

#include "space.h"

/**
 * struct fpool_prefetched - what became of the pages
 * @done: were fetched
 * @already: were resident
 * @failed: could not be
 * @error: negative errno of the last of these, 0 for none
 */
struct fpool_prefetched {
	u64 done, already, failed;
	int error;
};

int fpool_prefetch(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t start,
		   fpool_vpn_t end, const bool *cancelled, struct fpool_prefetched *out);

long fpool_prefetch_start(struct file *file, void *arg);
void fpool_prefetch_undo(struct file *file, void *arg);
long fpool_prefetch_result(struct file *file, void *arg);
void fpool_prefetch_leave(struct fpool_handle *handle);

#endif /* FPOOL_PREFETCH_H */
