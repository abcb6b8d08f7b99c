/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Working sets: whose frames a pool's frames are, and whose page leaves next.
 *
 * Every frame that is filled is charged to the set of the process that touched its page first.
 * Each set has a policy of its own, which decides which of its pages leaves; the sets decide
 * between them whose it is.  wset.c has the theory.
 *
 * The set with id 0, the common one, is always there: it has what nobody in particular has asked
 * for or has left behind.  A pool that makes no other set is one global set.
 *
 * No lock: the caller serialises every call.
 */
#ifndef FPOOL_CORE_WSET_H
#define FPOOL_CORE_WSET_H

#include <linux/minmax.h>

#include "policy.h"

#define FPOOL_WSETS_MAX		4096	/* with the common one; a ghost has 12 bits for the set */
#define FPOOL_WSET_NO_MAX	U32_MAX
/* An instruction may need four data pages at once, and their neighbours. */
#define FPOOL_WSET_LEAST_MAX	8

/**
 * struct fpool_wset - the frames charged to one process
 * @policy: what decides which of them leaves
 * @id: index in the table of sets
 * @serial: no set before had it, as one may have had the @id
 * @leaving: gets no frame any more
 * @first: number of its first eviction: lower ones were those of a set that had its @id before
 * @charge: frames that it has: FILL, RESIDENT and EVICT
 * @peak: the most that @charge has ever been
 * @pinned: of these, those that are on lists of who pinned them
 * @barren: frames that were judged since the last one that could leave, lately
 * @min: others do not take it below this
 * @max: it gets no more; after a lower limit it has more until the excess has left
 * @target: how many it should have
 * @near: near refaults, those long ago counting less
 * @faults: pages that were asked for and not there, ever
 * @refaults: those of them that had been there, ever
 * @near_refaults: those of them that a little more memory would have kept, ever
 * @counted: for fpool_wsets_check(), as the next
 * @counted_pins: of these, pinned
 */
struct fpool_wset {
	struct fpool_policy policy;
	u32 id;
	u64 serial;
	bool leaving;
	u64 first;
	u32 charge, peak;
	u32 pinned;
	u32 barren;
	u32 min, max;
	u32 target;
	u32 near;
	u64 faults;
	u64 refaults;
	u64 near_refaults;
	u32 counted, counted_pins;
};

/**
 * struct fpool_wsets - all sets of a pool
 * @ft: the frame table; its @owner is the set's id
 * @capacity: frames that pages may use
 * @tab: each set at its id, or NULL; the caller's memory
 * @slots: how many there can be
 * @top: past the highest id in use
 * @nr: sets in @tab, the common one not counted
 * @serial: of the last one that came
 * @hand: where the last search ended
 * @promised: sum of the minima
 * @kept: sum of what nobody may take: of each set its minimum, or its pinned pages if they are more
 * @targets: sum of the targets, not more than @capacity
 * @faults: since the near refaults were halved
 * @past_evictions: of sets that are forgotten
 * @first: past the numbers of their evictions
 * @past_tests: accessed bits that their policies asked for
 * @common: id 0
 */
struct fpool_wsets {
	struct fpool_frames *ft;
	u32 capacity;
	struct fpool_wset **tab;
	u32 slots, top;
	u32 nr;
	u64 serial;
	u32 hand;
	u32 promised, kept;
	u64 targets;
	u32 faults;
	u64 past_evictions, past_tests;
	u64 first;
	struct fpool_wset common;
};

/* What a ghost says: a set's id, whether the policy forgets it, the number of the eviction. */
#define FPOOL_GHOST_BITS	39
#define FPOOL_GHOST_SILENT	BIT_ULL(FPOOL_GHOST_BITS)

static inline u32 fpool_ghost_set(u64 ghost)
{
	return ghost >> (FPOOL_GHOST_BITS + 1);
}

static inline u64 fpool_ghost_number(u64 ghost)
{
	return ghost & (BIT_ULL(FPOOL_GHOST_BITS) - 1);
}

/* Of a frame that is charged. */
static inline struct fpool_wset *fpool_wsets_of(struct fpool_wsets *ws, fpool_frame_t frame)
{
	u32 id = fpool_frames_info(ws->ft, frame)->owner;

	return likely(!id) ? &ws->common : ws->tab[id];
}

/* The policy that a resident frame is with. */
static inline struct fpool_policy *fpool_wsets_policy(struct fpool_wsets *ws, fpool_frame_t frame)
{
	return &fpool_wsets_of(ws, frame)->policy;
}

/* Is it a frame that is charged to somebody? */
static inline bool fpool_wset_is_charged(const struct fpool_frame_info *fi)
{
	return fi->state == FPOOL_FRAME_FILL || fi->state == FPOOL_FRAME_RESIDENT ||
	       fi->state == FPOOL_FRAME_EVICT;
}

static inline u32 fpool_wset_room(const struct fpool_wset *set)
{
	return set->max > set->charge ? set->max - set->charge : 0;
}

/* Frames that it has, without what is on its way out, which is not counted on to stay. */
static inline u64 fpool_wset_stay(const struct fpool_wset *set)
{
	return fpool_policy_len(&set->policy) + set->pinned;
}

/* Frames that others may take. */
static inline u32 fpool_wset_spare(const struct fpool_wset *set)
{
	u64 stay = fpool_wset_stay(set);

	return stay > set->min ? stay - set->min : 0;
}

/* Frames that have to leave, besides those that are on their way, so that it has its maximum. */
static inline u32 fpool_wset_over(const struct fpool_wset *set)
{
	u64 stay = fpool_wset_stay(set);

	return stay > set->max ? stay - set->max : 0;
}

int fpool_wsets_init(struct fpool_wsets *ws, const struct fpool_policy_ops *ops,
		     struct fpool_frames *ft, u32 capacity, struct fpool_wset **tab, u32 slots);
int fpool_wsets_switch(struct fpool_wsets *ws, const struct fpool_policy_ops *ops);
struct fpool_wset *fpool_wsets_next(struct fpool_wsets *ws, u32 id);
bool fpool_wsets_rival(struct fpool_wsets *ws);
struct fpool_wset *fpool_wsets_victim(struct fpool_wsets *ws, struct fpool_wset *self);
u64 fpool_wsets_age(struct fpool_wsets *ws, u64 ghost);
int fpool_wsets_check(struct fpool_wsets *ws, const char **why);

int fpool_wset_add(struct fpool_wsets *ws, struct fpool_wset *set);
void fpool_wset_leave(struct fpool_wsets *ws, struct fpool_wset *set);
int fpool_wset_del(struct fpool_wsets *ws, struct fpool_wset *set);
int fpool_wset_limit(struct fpool_wsets *ws, struct fpool_wset *set, u32 min, u32 max);
bool fpool_wset_may_pin(const struct fpool_wsets *ws, const struct fpool_wset *set);
void fpool_wset_pin(struct fpool_wsets *ws, struct fpool_wset *set);
void fpool_wset_unpin(struct fpool_wsets *ws, struct fpool_wset *set);
u32 fpool_wset_floor(const struct fpool_wsets *ws, const struct fpool_wset *set);
void fpool_wset_judged(struct fpool_wset *set, u32 looked, u32 victims);
u64 fpool_wset_fault(struct fpool_wsets *ws, struct fpool_wset *set, u64 ghost);
int fpool_wset_move(struct fpool_wsets *ws, fpool_frame_t frame, struct fpool_wset *to);

/* Inline, as they are called for every page that comes or leaves. */

/**
 * fpool_wset_charge_run() - frames that lie together are filled for a process
 * @ws: the sets
 * @set: of that process
 * @frame: the first, all of them in state FILL and charged to nobody yet
 * @nr: how many
 *
 * Context: Caller serialises access to @ws.
 * Return: 0, or -EDQUOT if the set may not have so many more; then nothing has changed.
 */
static __always_inline int fpool_wset_charge_run(struct fpool_wsets *ws, struct fpool_wset *set,
						 fpool_frame_t frame, u32 nr)
{
	u32 i;

	if (fpool_wset_room(set) < nr)
		return -EDQUOT;
	set->charge += nr;
	set->peak = max(set->peak, set->charge);
	for (i = 0; i < nr; i++)
		fpool_frames_info(ws->ft, fpool_frame_add(frame, i))->owner = set->id;
	return 0;
}

/**
 * fpool_wset_charge() - a frame is filled for a process
 * @ws: the sets
 * @set: of that process
 * @frame: a frame in state FILL that is charged to nobody yet
 *
 * Context: Caller serialises access to @ws.
 * Return: 0, or -EDQUOT if the set has as many as it may have.
 */
static inline int fpool_wset_charge(struct fpool_wsets *ws, struct fpool_wset *set,
				    fpool_frame_t frame)
{
	return fpool_wset_charge_run(ws, set, frame, 1);
}

/**
 * fpool_wset_uncharge() - a frame holds no page any more
 * @ws: the sets
 * @frame: a frame that is charged, and on no list; becoming FREE is its next step
 *
 * Context: Caller serialises access to @ws.
 */
static inline void fpool_wset_uncharge(struct fpool_wsets *ws, fpool_frame_t frame)
{
	fpool_wsets_of(ws, frame)->charge--;
	fpool_frames_info(ws->ft, frame)->owner = 0;
}

/**
 * fpool_wsets_evicted() - a victim has left
 * @ws: the sets
 * @frame: the victim, still charged, that its policy has given away
 *
 * Context: Caller serialises access to @ws.
 * Return: What the page's ghost is to remember; 0 if it leaves none.
 */
static inline u64 fpool_wsets_evicted(struct fpool_wsets *ws, fpool_frame_t frame)
{
	struct fpool_wset *set = fpool_wsets_of(ws, frame);
	u64 number = fpool_ghost_number(set->policy.evictions);
	u64 wanted = fpool_policy_evicted(&set->policy, frame);

	/* One global set has no use for more than its policy has. */
	if (!wanted && (!ws->nr || !number))
		return 0;
	return (u64)set->id << (FPOOL_GHOST_BITS + 1) | (wanted ? 0 : FPOOL_GHOST_SILENT) | number;
}

#endif /* FPOOL_CORE_WSET_H */
