/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of two ways to choose victims misses less: a few pages always go one way, a few the other,
 * and all the rest follows the better one.  duel.c has the theory.
 *
 * No lock: the caller serialises every call.
 */
#ifndef FPOOL_CORE_DUEL_H
#define FPOOL_CORE_DUEL_H

#include <linux/bitops.h>
#include <linux/minmax.h>

#include "mrc.h"

/* Leaders of a smaller pool would be too few to tell anything. */
#define FPOOL_DUEL_LEAST	1024U
/* Not the hashes that choose the sample of shadows: that would have all leaders or none. */
#define FPOOL_DUEL_SEED		0x9e3779b97f4a7c15ULL
/* Faults from one reckoning to the next: nearly every fault must do with a count or two. */
#define FPOOL_DUEL_STEP		8U

enum fpool_duel_side { FPOOL_DUEL_REST, FPOOL_DUEL_HOLDER, FPOOL_DUEL_RIVAL, FPOOL_DUEL_SIDES };

/**
 * struct fpool_duel - the state of one
 * @lead: misses that the rival's way would have saved of late, or less than 0
 * @faults: that were counted, modulo 2^32
 * @lost: misses since the last reckoning of the leaders that go another way than the rest
 * @won: the rest goes the rival's way
 * @asleep: nobody does, for a while
 * @led: it is not decided here: nobody leads, and @won is told from outside
 */
struct fpool_duel {
	s32 lead;
	u32 faults;
	u32 lost;
	bool won;
	bool asleep;
	bool led;
};

/**
 * fpool_duel_shift() - how many leaders there are
 * @frames: what the pool has
 *
 * Return: Each of the two ways leads one of 2^this pages and frames; 0: nobody leads.
 */
static inline u32 fpool_duel_shift(u32 frames)
{
	return frames < FPOOL_DUEL_LEAST ? 0 : fls(frames) / 2;
}

/**
 * fpool_duel_follow() - the same of a pool whose size changes
 * @shift: what it was
 * @frames: what the pool has now
 *
 * Others lead only where the pool is an eighth beyond the size at which they would: it is what it
 * is for a while, and a duel begins anew each time.
 *
 * Return: As fpool_duel_shift().
 */
static inline u32 fpool_duel_follow(u32 shift, u32 frames)
{
	return clamp(shift, fpool_duel_shift(frames - frames / 8),
		     fpool_duel_shift(frames + frames / 8));
}

/**
 * fpool_duel_share() - how many frames a side has
 * @side: of enum fpool_duel_side
 * @frames: what the pool has
 * @shift: of fpool_duel_shift(), for that size or one like it
 *
 * Return: So many of @frames.
 */
static inline u32 fpool_duel_share(u32 side, u32 frames, u32 shift)
{
	u32 leaders = shift ? frames >> shift : 0;

	return side == FPOOL_DUEL_REST ? frames - 2 * leaders : leaders;
}

/**
 * fpool_duel_side() - whether a page is a leader, and whose
 * @space: the page's space
 * @vpn: its number in that
 * @shift: of fpool_duel_shift()
 *
 * Leaders of a larger pool are leaders of a smaller one, too, on the same side.
 *
 * Return: Of enum fpool_duel_side.
 */
static inline u32 fpool_duel_side(u32 space, u64 vpn, u32 shift)
{
	u64 hash;

	if (!shift)
		return FPOOL_DUEL_REST;
	hash = fpool_mrc_hash(fpool_mrc_seed(space) ^ FPOOL_DUEL_SEED, vpn);
	if (hash <= fpool_mrc_last(shift))
		return FPOOL_DUEL_HOLDER;
	return ~hash <= fpool_mrc_last(shift) ? FPOOL_DUEL_RIVAL : FPOOL_DUEL_REST;
}

/* Whether a side goes the rival's way now. */
static inline bool fpool_duel_rivals(const struct fpool_duel *d, u32 side)
{
	if (side == FPOOL_DUEL_RIVAL)
		return !d->asleep;
	return side == FPOOL_DUEL_REST && d->won;
}

void fpool_duel_begin(struct fpool_duel *d, u32 frames);
void fpool_duel_step(struct fpool_duel *d, u32 frames, u32 shift);

/**
 * fpool_duel_fault() - a page had to be brought
 * @d: the duel
 * @side: the page's
 * @frames: what the pool has now
 * @shift: how many leaders it has
 *
 * For faults of a pool that is full: before, nobody can have missed less.
 *
 * Context: Caller serialises access to @d.
 */
static inline void fpool_duel_fault(struct fpool_duel *d, u32 side, u32 frames, u32 shift)
{
	d->lost += side == (d->won ? FPOOL_DUEL_HOLDER : FPOOL_DUEL_RIVAL);
	if (++d->faults % FPOOL_DUEL_STEP == 0)
		fpool_duel_step(d, frames, shift);
}

#endif /* FPOOL_CORE_DUEL_H */
