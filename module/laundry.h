/* SPDX-License-Identifier: GPL-2.0-only */
/* Dirty victims that wait until they are written, and those that are being written. */
#ifndef FPOOL_LAUNDRY_H
#define FPOOL_LAUNDRY_H

#include "space.h"

int fpool_laundry_create(struct fpool_pool *pool);
size_t fpool_laundry_bytes(const struct fpool_pool *pool);
void fpool_laundry_destroy(struct fpool_pool *pool);
bool fpool_laundry_has_room(struct fpool_pool *pool);
bool fpool_laundry_stands_still(struct fpool_pool *pool);
bool fpool_laundry_lets_evict(struct fpool_pool *pool);
bool fpool_laundry_landed(struct fpool_pool *pool);
u64 fpool_laundry_reap(struct fpool_pool *pool);
bool fpool_laundry_may_start(struct fpool_pool *pool);
unsigned int fpool_laundry_start(struct fpool_pool *pool);
void fpool_laundry_rescue(struct fpool_space *space, fpool_vpn_t vpn);
int fpool_laundry_wait_settled(struct fpool_space *space, fpool_vpn_t vpn, bool killable);

#endif /* FPOOL_LAUNDRY_H */
