/* SPDX-License-Identifier: GPL-2.0-only */
/* The laundry's dirty victims are written. */
#ifndef FPOOL_LAUNDER_H
#define FPOOL_LAUNDER_H

#include "space.h"

int fpool_launder_create(struct fpool_pool *pool);
size_t fpool_launder_bytes(const struct fpool_pool *pool);
void fpool_launder_destroy(struct fpool_pool *pool);
bool fpool_launder_landed(struct fpool_pool *pool);
u64 fpool_launder_reap(struct fpool_pool *pool);
bool fpool_launder_may_start(struct fpool_pool *pool);
unsigned int fpool_launder_start(struct fpool_pool *pool);
struct fpool_space *fpool_launder_put_off(struct fpool_pool *pool);

#endif /* FPOOL_LAUNDER_H */
