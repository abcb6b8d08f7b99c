/* SPDX-License-Identifier: GPL-2.0-only */
/* The reclaim thread of a pool. */
#ifndef FPOOL_RECLAIM_H
#define FPOOL_RECLAIM_H

#include "pool.h"

int fpool_reclaim_start(struct fpool_pool *pool);
void fpool_reclaim_stop(struct fpool_pool *pool);

#endif /* FPOOL_RECLAIM_H */
