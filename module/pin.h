/* SPDX-License-Identifier: GPL-2.0-only */
/* Who pinned which pages. */
#ifndef FPOOL_PIN_H
#define FPOOL_PIN_H

#include <linux/sched/user.h>

#include "space.h"

struct fpool_job;

/**
 * struct fpool_pinner - the pins of one descriptor
 * @space: its space; the descriptor keeps it
 * @user: who is charged, against RLIMIT_MEMLOCK
 * @id: what its frames carry where others have the policy's word; never 0
 * @frames: P: the pinned frames
 * @nheld: P: of these, held back from being written
 * @drop: P: when the descriptor goes, what was stored to held pages goes with it
 * @leave: space->release_sem: does that then; made before a page is held so
 */
struct fpool_pinner {
	struct fpool_space *space;
	struct user_struct *user;
	u32 id;
	struct fpool_frame_list frames;
	u32 nheld;
	bool drop;
	struct fpool_job *leave;
};

struct fpool_pinner *fpool_pin_create(struct fpool_space *space);
void fpool_pin_destroy(struct fpool_pinner *pinner);
int fpool_pin_add(struct fpool_pinner *pinner, fpool_vpn_t vpn, bool hold);
bool fpool_pin_remove(struct fpool_pinner *pinner, fpool_vpn_t vpn);
void fpool_pin_end_hold(struct fpool_space *space, u32 id, fpool_vpn_t vpn);
bool fpool_pin_first_held(struct fpool_pinner *pinner, fpool_vpn_t *vpn);

/* For eviction, which holds pool->lock. */
u32 fpool_pin_lift(struct fpool_pool *pool, fpool_frame_t frame);
void fpool_pin_put_back(struct fpool_pool *pool, fpool_frame_t frame, u32 id, bool hold);

#endif /* FPOOL_PIN_H */
