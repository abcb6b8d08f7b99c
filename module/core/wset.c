// SPDX-License-Identifier: GPL-2.0-only
/*
 * Working sets: a process that faults much is given more frames, one that is quiet gives some up.
 *
 *	        target                       charge
 *	   |------+------------------|---------+ - - - - - - - -|
 *	  min   floor                                          max
 *	   '-- nobody else takes it below      it gets no more -'
 *
 * How many frames each process should have is an old question, and its old answer is the working
 * set: what was used in the last so many references (P. J. Denning, CACM 11(5), 1968).  Nobody can
 * measure that without stopping the program; but everybody sees page faults.  So: a process
 * that faults often has too few frames, one that faults seldom has too many (page-fault
 * frequency; W. W. Chu, H. Opderbeck, FJCC 1972).
 *
 * As it stands this is wrong.  A process that reads a large file once faults at every page, and
 * no number of frames makes it fault less: it would get all, and nobody would gain.  What has to
 * be known of a fault is whether more frames would have prevented it.  The ghost says so.  It
 * counts the pages that left the same set since this one did: had the set had so many more frames,
 * the page would still be there.  A refault that two thirds more than its target would have
 * prevented is *near*, and only near refaults count: what a set needs three times its frames for
 * is no reason to give it one more.  (When a quarter of the pool was near for all, small sets took
 * frames from large ones for that, and those whose working sets change had most of theirs taken.)
 * It is a 64th of the pool at least, lest a small set cannot begin to grow, and a quarter at most.
 *
 * Every set has a target.  While their sum is less than the pool, any fault raises the target of
 * its set: frames that nobody else wants are free.  Then a target can rise only as another
 * one falls.  On a near refault, or while a set is below its floor, it takes a frame of the target
 * of the set that has had the fewest near refaults lately, among those above their
 * floors.  Any other fault moves no target: such a set replaces pages of its own.  The floor
 * is what keeps a set from being starved before it could show that it needs more: an eighth of
 * an equal share, or its guaranteed minimum.  Minima and pinned pages together leave a quarter of
 * the pool free: else a minimum would be a promise that pins of others break.  "Lately" is by a
 * count that is halved after so many faults of the pool as a sixteenth of its frames.
 * `make bench-policy` says what it is worth.
 *
 * Targets do nothing by themselves.  When frames are needed they come from the set that is
 * furthest above its target (or least below: where free frames are kept in store, all are below).
 * So a whole batch can leave at once, and the sum of the charges, not each of them at each moment,
 * follows the targets.  Which of its pages leave is for the set's own policy to say, which
 * sees accessed bits, and so takes what was not used.
 *
 * With a thousand sets neither the donor nor the victim is looked for among all of them: the best
 * of so many as LOOK, from where the last search ended, is nearly as good (M. Mitzenmacher, The
 * Power of Two Choices in Randomized Load Balancing, IEEE TPDS 12(10), 2001).
 *
 * A ghost's number says which set the page left and when, by that set's evictions, and whether
 * the policy wants to know of it: policies remember some evictions only, sets all.
 *
 *	 51          40 39 38                                   0
 *	+--------------+--+--------------------------------------+
 *	| id of the set| s| number of the eviction in that set   |	s: the policy forgets it
 *	+--------------+--+--------------------------------------+
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "wset.h"

/* Parts of the pool: one in so many. */
#define NEAR_LEAST_PART	64
#define NEAR_MOST_PART	4
#define FLOOR_PART	8
#define HALVE_PART	16
/* All but one in so many frames may be kept for somebody: page tables may need those. */
#define KEEP_PART	4

#define LOOK		64

#define SEQ_MASK	(BIT_ULL(FPOOL_GHOST_BITS) - 1)

static void set_init(struct fpool_wset *set, u32 id)
{
	set->id = id;
	set->first = set->policy.evictions;
	set->leaving = false;
	set->charge = 0;
	set->peak = 0;
	set->pinned = 0;
	set->barren = 0;
	set->min = 0;
	set->max = FPOOL_WSET_NO_MAX;
	set->target = 0;
	set->near = 0;
	set->faults = 0;
	set->refaults = 0;
	set->near_refaults = 0;
}

/**
 * fpool_wsets_init() - a pool with nothing but the common set
 * @ws: the sets
 * @ops: the policy of each of them
 * @ft: the frame table of the pool, in which no frame is charged
 * @capacity: frames that pages may use
 * @tab: room for @slots pointers, for the life of @ws; NULL if @slots is 0
 * @slots: how many sets there can be, the common one counted; 0: no other one
 *
 * Context: Any; the caller owns @ws alone.
 * Return: 0, or -EINVAL if @ops is NULL, @capacity 0 or more than the region has, or @slots more
 *	than FPOOL_WSETS_MAX.
 */
int fpool_wsets_init(struct fpool_wsets *ws, const struct fpool_policy_ops *ops,
		     struct fpool_frames *ft, u32 capacity, struct fpool_wset **tab, u32 slots)
{
	int err;

	if (slots > FPOOL_WSETS_MAX)
		return -EINVAL;
	memset(ws, 0, sizeof(*ws));
	err = fpool_policy_init(&ws->common.policy, ops, ft, capacity);
	if (err)
		return err;
	set_init(&ws->common, 0);
	ws->ft = ft;
	ws->capacity = capacity;
	ws->tab = tab;
	ws->slots = slots;
	ws->top = 1;
	ws->first = ws->common.policy.evictions;
	if (slots) {
		memset(tab, 0, slots * sizeof(*tab));
		tab[0] = &ws->common;
	}
	return 0;
}

/**
 * fpool_wsets_next() - the sets in turn
 * @ws: the sets
 * @id: from where on; 0 is the common one
 *
 * Context: Caller serialises access to @ws.
 * Return: The first set with this id or a higher one, or NULL.
 */
struct fpool_wset *fpool_wsets_next(struct fpool_wsets *ws, u32 id)
{
	if (!id)
		return &ws->common;
	for (; id < ws->top; id++)
		if (ws->tab[id])
			return ws->tab[id];
	return NULL;
}

/**
 * fpool_wsets_rival() - which way most of the pool goes (duel.c)
 * @ws: the sets
 *
 * Takes time in proportion to the sets.
 *
 * Context: Caller serialises access to @ws.
 * Return: true if more than half of the frames that are charged are of sets in which the rival has
 *	won.
 */
bool fpool_wsets_rival(struct fpool_wsets *ws)
{
	struct fpool_wset *set;
	s64 more = 0;

	for (set = &ws->common; set; set = fpool_wsets_next(ws, set->id + 1))
		more += set->policy.duel.won ? (s64)set->charge : -(s64)set->charge;
	return more > 0;
}

/**
 * fpool_wsets_switch() - another policy takes over in every set
 * @ws: the sets
 * @ops: which one
 *
 * Context: Caller serialises access to @ws; as fpool_policy_switch().
 * Return: 0, or -EINVAL if @ops is NULL.
 */
int fpool_wsets_switch(struct fpool_wsets *ws, const struct fpool_policy_ops *ops)
{
	struct fpool_wset *set;

	if (!ops)
		return -EINVAL;
	for (set = &ws->common; set; set = fpool_wsets_next(ws, set->id + 1))
		fpool_policy_switch(&set->policy, ops);
	return 0;
}

/**
 * fpool_wset_add() - a process begins to use the pool
 * @ws: the sets
 * @set: its set, whose memory stays until fpool_wset_del()
 *
 * Context: Caller serialises access to @ws.
 * Return: 0, or -ENOSPC if there are as many as there can be.
 */
int fpool_wset_add(struct fpool_wsets *ws, struct fpool_wset *set)
{
	u32 id;

	for (id = 1; id < ws->top && ws->tab[id]; id++)
		;
	if (id >= ws->slots)
		return -ENOSPC;
	fpool_policy_init(&set->policy, ws->common.policy.ops, ws->ft, ws->capacity);
	set->policy.evictions = ws->first;
	set_init(set, id);
	set->serial = ++ws->serial;
	ws->tab[id] = set;
	ws->top = max(ws->top, id + 1);
	ws->nr++;
	return 0;
}

/* Frames of a set that nobody may take. */
static u32 keeps(const struct fpool_wset *set)
{
	return max(set->min, set->pinned);
}

static void mark_min(struct fpool_wsets *ws, struct fpool_wset *set, u32 min)
{
	ws->promised += min - set->min;
	ws->kept -= keeps(set);
	set->min = min;
	ws->kept += keeps(set);
}

static void mark_pinned(struct fpool_wsets *ws, struct fpool_wset *set, u32 pinned)
{
	ws->kept -= keeps(set);
	set->pinned = pinned;
	ws->kept += keeps(set);
}

/* What can be kept for somebody for sure. */
static u32 room_to_keep(const struct fpool_wsets *ws)
{
	return ws->capacity - ws->capacity / KEEP_PART;
}

static void set_target(struct fpool_wsets *ws, struct fpool_wset *set, u32 target)
{
	ws->targets += target;
	ws->targets -= set->target;
	set->target = target;
}

/**
 * fpool_wset_leave() - a process ends
 * @ws: the sets
 * @set: its set, not the common one
 *
 * What it was promised is free from now on, what it has is what others take first.  Moving that to
 * others is the caller's next step (fpool_wset_move()).
 *
 * Context: Caller serialises access to @ws.
 */
void fpool_wset_leave(struct fpool_wsets *ws, struct fpool_wset *set)
{
	mark_min(ws, set, 0);
	set->max = 0;
	set->leaving = true;
	set_target(ws, set, 0);
}

/**
 * fpool_wset_del() - a set that nothing is charged to any more is forgotten
 * @ws: the sets
 * @set: one that has been told to leave
 *
 * Context: Caller serialises access to @ws.
 * Return: 0, or -EBUSY if it is not leaving, or has frames.
 */
int fpool_wset_del(struct fpool_wsets *ws, struct fpool_wset *set)
{
	if (!set->leaving || set->charge)
		return -EBUSY;
	ws->past_evictions += set->policy.evictions - set->first;
	ws->first = max(ws->first, set->policy.evictions);
	ws->past_tests += set->policy.tests;
	ws->tab[set->id] = NULL;
	while (!ws->tab[ws->top - 1])
		ws->top--;
	ws->nr--;
	return 0;
}

/**
 * fpool_wset_limit() - sets what a process has for sure, and what it never exceeds
 * @ws: the sets
 * @set: its set
 * @min: frames
 * @max: frames, or FPOOL_WSET_NO_MAX
 *
 * What the set has above @max stays, but no more comes; evicting it is the caller's next
 * step.
 *
 * Context: Caller serialises access to @ws.
 * Return: 0; -EINVAL: @min is over @max, or @max under FPOOL_WSET_LEAST_MAX; -ENOSPC: @min cannot
 *	be guaranteed beside those of the others and what is pinned; -EBUSY: @max does not leave
 *	FPOOL_WSET_LEAST_MAX frames beside what is pinned; -ESRCH: the process has ended.
 */
int fpool_wset_limit(struct fpool_wsets *ws, struct fpool_wset *set, u32 min, u32 max)
{
	if (min > max || max < FPOOL_WSET_LEAST_MAX)
		return -EINVAL;
	if (set->leaving)
		return -ESRCH;
	if (min > set->min &&
	    (u64)ws->kept - keeps(set) + max(min, set->pinned) > room_to_keep(ws))
		return -ENOSPC;
	if ((u64)set->pinned + FPOOL_WSET_LEAST_MAX > max)
		return -EBUSY;
	mark_min(ws, set, min);
	set->max = max;
	if (set->target > max)
		set_target(ws, set, max);
	return 0;
}

/* Another pinned page leaves it FPOOL_WSET_LEAST_MAX frames. */
static bool can_run_beside(const struct fpool_wset *set)
{
	return (u64)set->pinned + FPOOL_WSET_LEAST_MAX < set->max;
}

/**
 * fpool_wset_may_pin() - whether one more page of a set may be pinned
 * @ws: the sets
 * @set: one of them
 *
 * Context: Caller serialises access to @ws.
 * Return: false if the set would not have FPOOL_WSET_LEAST_MAX frames beside what is pinned, or if
 *	some minimum would not be guaranteed any more.
 */
bool fpool_wset_may_pin(const struct fpool_wsets *ws, const struct fpool_wset *set)
{
	/* What it has goes to somebody else in a moment. */
	if (!set->leaving && !can_run_beside(set))
		return false;
	return !ws->promised || set->pinned < set->min || ws->kept < room_to_keep(ws);
}

/**
 * fpool_wset_pin() - a page of a set is pinned
 * @ws: the sets
 * @set: the set, whose policy has given the frame away
 *
 * The frame's list becoming FPOOL_PIN_LIST is the caller's part.
 *
 * Context: Caller serialises access to @ws.
 */
void fpool_wset_pin(struct fpool_wsets *ws, struct fpool_wset *set)
{
	mark_pinned(ws, set, set->pinned + 1);
}

/**
 * fpool_wset_unpin() - a page of a set is pinned no more
 * @ws: the sets
 * @set: the set
 *
 * Context: Caller serialises access to @ws.
 */
void fpool_wset_unpin(struct fpool_wsets *ws, struct fpool_wset *set)
{
	mark_pinned(ws, set, set->pinned - 1);
}

/**
 * fpool_wset_floor() - what near refaults of others leave a set
 * @ws: the sets
 * @set: one of them
 *
 * Context: Caller serialises access to @ws.
 * Return: Frames: its minimum, or an eighth of an equal share of the pool if that is more.
 */
u32 fpool_wset_floor(const struct fpool_wsets *ws, const struct fpool_wset *set)
{
	u32 part = ws->capacity / FLOOR_PART / max(ws->nr, 1U);

	return set->leaving ? 0 : max(set->min, min(part, set->max));
}

static struct fpool_wset *turn(struct fpool_wsets *ws)
{
	do {
		ws->hand = ws->hand + 1 < ws->top ? ws->hand + 1 : 0;
	} while (ws->hand && !ws->tab[ws->hand]);
	return ws->hand ? ws->tab[ws->hand] : &ws->common;
}

static bool gives_rather(const struct fpool_wset *set, const struct fpool_wset *than)
{
	if (!than || set->near != than->near)
		return !than || set->near < than->near;
	return set->target > than->target;
}

/* Whose target falls so that another's can rise, or NULL. */
static struct fpool_wset *donor(struct fpool_wsets *ws, const struct fpool_wset *taker)
{
	struct fpool_wset *set, *best = NULL;
	u32 n = min(ws->nr + 1, (u32)LOOK);

	while (n--) {
		set = turn(ws);
		if (set != taker && set->target > fpool_wset_floor(ws, set) &&
		    gives_rather(set, best))
			best = set;
	}
	return best;
}

static noinline void halve(struct fpool_wsets *ws)
{
	struct fpool_wset *set;

	ws->faults = 0;
	for (set = &ws->common; set; set = fpool_wsets_next(ws, set->id + 1)) {
		set->near /= 2;
		set->barren /= 2;
	}
}

/* All frames are in somebody's target: one for the set is one less for another. */
static noinline void grow_from_donor(struct fpool_wsets *ws, struct fpool_wset *set)
{
	struct fpool_wset *from = donor(ws, set);

	if (!from)
		return;
	set_target(ws, from, from->target - 1);
	set_target(ws, set, set->target + 1);
}

/* The set wants one frame more than it has. */
static void grow(struct fpool_wsets *ws, struct fpool_wset *set, bool near)
{
	if (set->leaving || set->target >= set->max)
		return;
	if (ws->targets < ws->capacity)
		set_target(ws, set, set->target + 1);
	else if (near || set->target < fpool_wset_floor(ws, set))
		grow_from_donor(ws, set);
}

static u64 evictions_since(const struct fpool_policy *p, u64 seq)
{
	u64 full = (p->evictions & ~SEQ_MASK) | (seq & SEQ_MASK);

	/* The low bits have wrapped since. */
	if (full >= p->evictions && p->evictions > SEQ_MASK)
		full -= SEQ_MASK + 1;
	return fpool_policy_age(p, full);
}

/* By the evictions of the set that the page left; U64_MAX: not known. */
static u64 distance(struct fpool_wsets *ws, u64 ghost)
{
	u32 id = fpool_ghost_set(ghost);
	const struct fpool_wset *set;
	u64 age;

	if (!ghost || (id && (id >= ws->top || !ws->tab[id])))
		return U64_MAX;
	set = id ? ws->tab[id] : &ws->common;
	age = evictions_since(&set->policy, ghost);
	/* It left a set that is forgotten, and whose id was given away again. */
	return age > set->policy.evictions - set->first ? U64_MAX : age;
}

/* A refault of a page that left so many evictions ago is not near any more. */
static u32 near_limit(const struct fpool_wsets *ws, const struct fpool_wset *set)
{
	u32 near = min(2 * set->target / 3, ws->capacity / NEAR_MOST_PART);

	return max(near, ws->capacity / NEAR_LEAST_PART);
}

/**
 * fpool_wset_fault() - a page was asked for that is not there
 * @ws: the sets
 * @set: of the process that asked
 * @ghost: what remembers the page, or 0
 *
 * Context: Caller serialises access to @ws.
 * Return: How many pages have left the same set since this one did; U64_MAX: not known.
 */
u64 fpool_wset_fault(struct fpool_wsets *ws, struct fpool_wset *set, u64 ghost)
{
	u64 age = distance(ws, ghost);
	bool near = age < near_limit(ws, set);

	set->faults++;
	set->refaults += !!ghost;
	set->near_refaults += near;
	set->near += near;
	grow(ws, set, near);
	if (++ws->faults >= ws->capacity / HALVE_PART)
		halve(ws);
	return age;
}

/**
 * fpool_wsets_age() - what a policy is to know of a ghost
 * @ws: the sets
 * @ghost: what remembers the page, or 0
 *
 * Context: Caller serialises access to @ws.
 * Return: How many pages have left the same set since; U64_MAX: nothing is known, or to be known.
 */
u64 fpool_wsets_age(struct fpool_wsets *ws, u64 ghost)
{
	return ghost & FPOOL_GHOST_SILENT ? U64_MAX : distance(ws, ghost);
}

/**
 * fpool_wset_move() - a frame is charged to somebody else
 * @ws: the sets
 * @frame: a frame that is charged
 * @to: whom to
 *
 * What the policy knows of the page goes with it.  So does what there is for it: the target of
 * the new owner rises by the frame as far as there is room.
 *
 * Context: Caller serialises access to @ws.
 * Return: 0, or -EDQUOT if @to has as many as it may have, or the frame is pinned and @to would not
 *	have FPOOL_WSET_LEAST_MAX beside what is; then nothing has changed.  It is 0 where @to has
 *	no maximum.
 */
int fpool_wset_move(struct fpool_wsets *ws, fpool_frame_t frame, struct fpool_wset *to)
{
	struct fpool_frame_info *fi = fpool_frames_info(ws->ft, frame);
	struct fpool_wset *from = fpool_wsets_of(ws, frame);
	u8 list = fi->list;

	if (!fpool_wset_room(to) || (list == FPOOL_PIN_LIST && !can_run_beside(to)))
		return -EDQUOT;
	if (fpool_policy_knows(&from->policy, frame)) {
		fpool_policy_dequeue(&from->policy, frame);
		fpool_policy_enqueue(&to->policy, list, frame);
	} else if (list == FPOOL_PIN_LIST) {
		fpool_wset_unpin(ws, from);
		fpool_wset_pin(ws, to);
	}
	fpool_wset_uncharge(ws, frame);
	fpool_wset_charge(ws, to, frame);
	if (to->id && ws->targets < ws->capacity && to->target < to->max)
		set_target(ws, to, to->target + 1);
	return 0;
}

/**
 * fpool_wset_judged() - what came of asking a set for victims
 * @set: the set
 * @looked: frames that were judged
 * @victims: of these, those that could leave
 *
 * A set whose pages cannot leave, whatever its policy says (they cannot be written just now), must
 * not be asked for ever while others have what is needed.
 *
 * Context: Caller serialises access to @set.
 */
void fpool_wset_judged(struct fpool_wset *set, u32 looked, u32 victims)
{
	set->barren = victims ? 0 : min(set->barren + looked, U32_MAX / 2);
}

/* All of it was judged twice (once to clear the accessed bits), for nothing. */
static bool is_barren(const struct fpool_wset *set)
{
	return set->barren > 2 * fpool_policy_len(&set->policy);
}

/* How far above its target; who needs a frame will have one more. */
static s64 excess(const struct fpool_wset *set, const struct fpool_wset *self)
{
	return (s64)set->charge - set->target + (set == self);
}

/* How often all of it was judged for nothing, to be compared with the same of @than. */
static u64 rounds(const struct fpool_wset *set, const struct fpool_wset *than)
{
	return (u64)set->barren * (fpool_policy_len(&than->policy) + 1);
}

static bool is_better_victim(const struct fpool_wset *set, const struct fpool_wset *than,
			     const struct fpool_wset *self)
{
	if (is_barren(set) != is_barren(than))
		return is_barren(than);
	/* Both: who was gone through less, as what could not leave then perhaps can by now. */
	if (is_barren(set) && rounds(set, than) != rounds(than, set))
		return rounds(set, than) < rounds(than, set);
	return excess(set, self) > excess(than, self);
}

/**
 * fpool_wsets_victim() - whose page leaves next
 * @ws: the sets
 * @self: who needs the frame, or NULL
 *
 * Context: Caller serialises access to @ws.
 * Return: The set that is furthest above its target, of those above their minima, rather one whose
 *	pages can leave; where none can, they take turns; if there is none, @self; NULL: nobody
 *	has to give anything.
 */
struct fpool_wset *fpool_wsets_victim(struct fpool_wsets *ws, struct fpool_wset *self)
{
	struct fpool_wset *set, *best = NULL;
	u32 n;

	if (likely(!ws->nr))
		return &ws->common;
	for (n = 0; n <= ws->nr && (n < LOOK || !best || is_barren(best)); n++) {
		set = turn(ws);
		if (fpool_policy_len(&set->policy) && fpool_wset_spare(set) &&
		    (!best || is_better_victim(set, best, self)))
			best = set;
	}
	return best ?: self;
}

static const char *check_set(const struct fpool_wsets *ws, const struct fpool_wset *set,
			     const char **why)
{
	*why = NULL;
	if (set->policy.ft != ws->ft)
		*why = "a working set has another frame table";
	else if (set->min > set->max)
		*why = "a working set's minimum is over its maximum";
	else if (set->target > set->max)
		*why = "a working set's target is over its maximum";
	else
		fpool_policy_check(&set->policy, why);
	return *why;
}

/* Of all frames that are on a policy's list: it is the list of their owner. */
static const char *check_lists(const struct fpool_wsets *ws, const struct fpool_wset *set)
{
	fpool_frame_t frame;
	unsigned int i;

	for (i = 0; i < FPOOL_POLICY_LISTS; i++) {
		frame = fpool_frame_list_first(&set->policy.list[i]);
		for (; frame != FPOOL_NO_FRAME; frame = fpool_frame_list_next(ws->ft, frame))
			if (fpool_frames_info(ws->ft, frame)->owner != set->id)
				return "a frame is with the policy of another set than its owner";
	}
	return NULL;
}

/* The frames of each set; false: one has an owner that there is not. */
static bool count_charges(struct fpool_wsets *ws)
{
	struct fpool_wset *set;
	u32 i, owner;

	for (set = &ws->common; set; set = fpool_wsets_next(ws, set->id + 1)) {
		set->counted = 0;
		set->counted_pins = 0;
	}
	for (i = 0; i < ws->ft->nframes; i++) {
		owner = ws->ft->tab[i].owner;
		if (!fpool_wset_is_charged(&ws->ft->tab[i]))
			continue;
		if (owner && (owner >= ws->top || !ws->tab[owner]))
			return false;
		set = fpool_wsets_of(ws, fpool_frame(i));
		set->counted++;
		set->counted_pins += ws->ft->tab[i].list == FPOOL_PIN_LIST;
	}
	return true;
}

/**
 * fpool_wsets_check() - whether charges, promises and targets add up
 * @ws: the sets
 * @why: becomes a sentence about the first thing that is wrong
 *
 * Takes time in proportion to the frames.
 *
 * Context: Caller serialises access to @ws.
 * Return: 0; -EUCLEAN if something is wrong.
 */
int fpool_wsets_check(struct fpool_wsets *ws, const char **why)
{
	u64 promised = 0, kept = 0, targets = 0;
	struct fpool_wset *set;
	u32 nr = 0;

	*why = "a page is charged to a working set that there is not";
	if (!count_charges(ws))
		return -EUCLEAN;
	for (set = &ws->common; set; set = fpool_wsets_next(ws, set->id + 1)) {
		if (check_set(ws, set, why))
			return -EUCLEAN;
		*why = check_lists(ws, set);
		if (!*why && set->counted != set->charge)
			*why = "a working set's charge is not its number of frames";
		if (!*why && set->counted_pins != set->pinned)
			*why = "a working set counts other pins than it has";
		if (*why)
			return -EUCLEAN;
		promised += set->min;
		kept += keeps(set);
		targets += set->target;
		nr++;
	}
	if (promised != ws->promised || kept != ws->kept || targets != ws->targets ||
	    nr != ws->nr + 1)
		*why = "the sums over the working sets are wrong";
	else if (targets > ws->capacity)
		*why = "the working sets' targets are more than the pool";
	return *why ? -EUCLEAN : 0;
}
