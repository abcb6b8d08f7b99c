/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A miss-ratio curve for each of some working sets: what it would miss, alone in pools of several
 * sizes, under LRU.  curves.c has the theory.
 *
 * No lock: the caller serialises every call.
 */
#ifndef FPOOL_CORE_CURVES_H
#define FPOOL_CORE_CURVES_H

#include "mrc.h"
#include "shadow.h"

#define FPOOL_CURVES_MAX	16

/**
 * struct fpool_curve - one working set's
 * @mrc: its pages by last use; sizes as in fpool_shadow_eighths
 * @set: whose: a number that no other set ever has
 * @used: has an owner
 */
struct fpool_curve {
	struct fpool_mrc mrc;
	u64 set;
	bool used;
};

/**
 * struct fpool_curves - those of a pool
 * @mem: of the stacks; the caller's
 * @frames: of the pool's miniature
 * @left_out: references by sets that have no curve, because all are taken
 * @curve: as many as there can be
 */
struct fpool_curves {
	void *mem;
	u32 frames;
	u64 left_out;
	struct fpool_curve curve[FPOOL_CURVES_MAX];
};

size_t fpool_curves_bytes(u32 frames);
int fpool_curves_init(struct fpool_curves *c, void *mem, u32 frames);
void fpool_curves_ref(struct fpool_curves *c, u64 set, u32 space, u64 vpn);
void fpool_curves_drop(struct fpool_curves *c, u64 set);
void fpool_curves_clear(struct fpool_curves *c);
int fpool_curves_check(const struct fpool_curves *c, const char **why);

#endif /* FPOOL_CORE_CURVES_H */
