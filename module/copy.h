/* SPDX-License-Identifier: GPL-2.0-only */
/* A copy of pages that are being written, for who wants their bytes to stand still meanwhile. */
#ifndef FPOOL_COPY_H
#define FPOOL_COPY_H

#include <linux/bvec.h>

/**
 * struct fpool_copy - pages outside of the pool, for the time of a write
 * @nr: pages
 * @bv: each of them, whole
 */
struct fpool_copy {
	unsigned int nr;
	struct bio_vec bv[];
};

struct fpool_copy *fpool_copy_make(const struct bio_vec *bv, unsigned int nr, size_t len);
void fpool_copy_free(struct fpool_copy *copy);

#endif /* FPOOL_COPY_H */
