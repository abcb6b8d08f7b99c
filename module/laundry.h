/* SPDX-License-Identifier: GPL-2.0-only */
/* Dirty victims that wait until they are written. */
#ifndef FPOOL_LAUNDRY_H
#define FPOOL_LAUNDRY_H

#include "space.h"

/* So many pages; more of them help nobody. */
#define FPOOL_LAUNDRY_MAX	72

/* Who looks whether there is room before he chooses some may send them all. */
#define FPOOL_LAUNDRY_FULL	(FPOOL_LAUNDRY_MAX + 28)

void fpool_laundry_add(struct fpool_space *space, fpool_frame_t frame);
void fpool_laundry_del(struct fpool_space *space, fpool_frame_t frame);
struct fpool_space *fpool_laundry_next(struct fpool_pool *pool);
void fpool_laundry_attend(struct fpool_space *space);
bool fpool_laundry_is_attended(struct fpool_space *space);
void fpool_laundry_leave(struct fpool_space *space);
bool fpool_laundry_has_room(const struct fpool_pool *pool);
bool fpool_laundry_stands_still(const struct fpool_pool *pool);
bool fpool_laundry_lets_evict(const struct fpool_pool *pool);
void fpool_laundry_moves(struct fpool_pool *pool);
bool fpool_laundry_refuses(const struct fpool_space *space);
void fpool_laundry_turn_out(struct fpool_pool *pool);
void fpool_laundry_rescue(struct fpool_space *space, fpool_vpn_t vpn);
int fpool_laundry_wait_settled(struct fpool_space *space, fpool_vpn_t vpn, bool killable);

#endif /* FPOOL_LAUNDRY_H */
