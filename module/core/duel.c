// SPDX-License-Identifier: GPL-2.0-only
/*
 * Set duelling: of two ways to choose victims, the one that misses less.
 *
 *	pages by hash:	[ holder's leaders |          the rest          | rival's leaders ]
 *	go              always the holder's      the way that is ahead     the rival's, or sleep
 *
 * No rule says beforehand whether a program is better served by keeping what has proved itself or
 * by keeping what came last.  But it can be measured, while it runs.  A page's hash is as good as
 * chance, so pages that are chosen by it miss as often as all others do, under the same rules and
 * with their part of the frames.  Each way has leaders, with frames of their own: else one side
 * would live on what the other saves.
 *
 * The holder has the rest at first.  What the rival would have saved is what has been missed, less
 * what its leaders have missed times 2^shift.  While the rest goes the holder's way, the rest and
 * the holder's leaders are one sample, and a large one; so it is the other way round when
 * the rival has won.  So each miss of the losing leaders has a weight of 2^shift - 1 and all others
 * 1, and if there is no difference the sum stays where it is.  Chance makes it wander: with m
 * leaders' frames by 1/sqrt(m) of the pool in so many misses as the pool has frames.  Therefore
 * there are about as many leaders as the root of the pool's frames, and three things more:
 *
 * 1. What does not save at least one miss in MARGIN is worth nothing: so much is taken off.
 *
 * 2. The rest changes over when the lead is 1/8 of the pool, and back when it is gone.  The lead
 *    is held between minus and plus the pool's frames.  Changing costs up to as many misses as
 *    there are frames, for what either way has kept must come again.  The holder may gain by it
 *    only after a long time (a loop: after a whole round), so its leaders go on while they lose.
 *    The rival gains in moments, whenever a program changes, and may lose by chance in between
 *    for as long as nothing does: a memory of half the frames was too short for that.
 *
 * 3. Where the rival has lost all that can be lost, its leaders sleep: they go the holder's way.
 *    Its lead grows by one miss in WAKE meanwhile, and at 3/4 of what it was they wake.  The worse
 *    they do, the sooner they sleep again, and so in the long run they cannot cost more than one
 *    miss in WAKE * 2^shift, whatever the program does.
 *
 * A pool that grows has fewer leaders for its size, and one that shrinks more.  They change when it
 * is an eighth beyond the power of two, lest they do with every few frames, and each page goes to
 * the frames of its new side when it is judged.  Until all have been, a leader's page may live in
 * frames of others, and the other way round, as those of a pool that has just been filled do: what
 * they miss says less.  So the rival begins an eighth of the pool behind.
 *
 * Source: M. Qureshi, A. Jaleel, Y. Patt, S. Steely, J. Emer, Adaptive Insertion Policies for High
 * Performance Caching, ISCA 2007, which has sets of a processor's cache for leaders, and one
 * counter.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "duel.h"

#define MARGIN	24
#define WAKE	8

static_assert(MARGIN % FPOOL_DUEL_STEP == 0 && FPOOL_DUEL_STEP % WAKE == 0);

static void sleep_on(struct fpool_duel *d, s32 frames)
{
	d->lead = max(d->lead, -frames) + (s32)FPOOL_DUEL_STEP / WAKE;
	d->asleep = d->lead < -frames / 4 * 3;
}

static void judge(struct fpool_duel *d, s32 frames)
{
	d->lead = clamp(d->lead, -frames, frames);
	d->asleep = d->lead == -frames;
	if (d->lead <= 0)
		d->won = false;
	else if (d->lead >= frames / 8)
		d->won = true;
}

/**
 * fpool_duel_begin() - other pages lead from now on
 * @d: the duel
 * @frames: what the pool has now
 *
 * Context: Caller serialises access to @d.
 */
void fpool_duel_begin(struct fpool_duel *d, u32 frames)
{
	if (!d->won)
		d->lead = min(d->lead, -(s32)(frames / 8));
}

/**
 * fpool_duel_step() - reckon up the last FPOOL_DUEL_STEP faults
 * @d: the duel
 * @frames: what the pool has now
 * @shift: how many leaders it has
 *
 * Called by fpool_duel_fault().
 *
 * Context: Caller serialises access to @d.
 */
void fpool_duel_step(struct fpool_duel *d, u32 frames, u32 shift)
{
	s32 saved = FPOOL_DUEL_STEP - (d->lost << shift);

	if (d->led)
		return;
	if (!shift) {
		memset(d, 0, sizeof(*d));
		return;
	}
	d->lost = 0;
	if (d->asleep) {
		sleep_on(d, frames);
		return;
	}
	d->lead += (d->won ? -saved : saved) - !(d->faults % MARGIN);
	judge(d, frames);
}
