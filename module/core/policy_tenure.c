// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tenure: new, on probation, or in the main list for good.
 *
 *	        ghost was near
 *	      +---------------------------------------------+
 *	      |                                             v
 *	 [ NEW ] ----> [ PROBATION ] ---- used ------> [ MAIN ] --+
 *	  ^   |              |                           |   ^     | used, or
 *	fault | ghost        | not used                  |   +-----+ still has credit
 *	      v was far      v                           v
 *	    leaves         leaves                      leaves
 *	      ghost          ghost                       no ghost
 *
 * What can be known of a page is little: whether it was used since somebody last looked, and, if it
 * was here before, how many others have left since it did.  Six things follow.
 *
 * 1. The faulting access itself sets the accessed bit, and one use is often several in a row.
 *    That bit says nothing.  So a page passes NEW, and what its bit says at the end of NEW is
 *    cleared and ignored.  How long uses belong to one another is a matter of the program and not
 *    of the pool's size: NEW is short, but has a least length.
 *
 * 2. A ghost is near if fewer than 5/8 as many pages have left since as the pool holds: then
 *    a place in MAIN would have saved the fault, and the page gets one.  A ghost that is further
 *    away proves the contrary: the uses of this page are too far apart for this pool,
 *    today.  It needs no probation to find that out, and leaves at the end of NEW.
 *
 * 3. So MAIN holds the pages that have proved something, PROBATION those of which nothing is known,
 *    and all the pool that MAIN does not need is PROBATION's: where nothing is proved this is a
 *    CLOCK of all frames.  When somebody must leave PROBATION is asked first, down to a
 *    least share, because what came last is seldom worth what it would displace.
 *
 * 4. A loop over more pages than the pool has is the test of this.  In its first round
 *    nothing is known, and the last pages of that round stay.  From then on every page returns with
 *    a far ghost and goes through NEW only, while those that stayed are used in every round:
 *    no policy can do better.  For it, pages that leave MAIN must leave no ghost.  In a
 *    loop they return soon, and if that let them in, each would push out the next one
 *    to be used, for ever.
 *
 * 5. PROBATION and MAIN could be full of pages of yesterday, while the uses of today's are too
 *    far apart to get in.  So every 64th eviction is preceded by a look at the oldest page of
 *    MAIN, every 256th by one of PROBATION.  It leaves if it is unused and without credit; the
 *    look takes nothing from pages that are used.
 *
 * 6. All this invests in pages that have proved something, and pays if they are used again for
 *    long.  It does not for a program that turns from one set of pages to another: each page of
 *    the new set must come twice before it may stay, beside the dead pages of the old one.
 *    CLOCK is better there, and what a program is like can only be found out while it runs: in a
 *    duel (duel.c), whose rival is *recency*.  All its pages go on to MAIN at the end of NEW,
 *    PROBATION comes to its end, and of MAIN leaves who was not used, with a ghost.  A page with a
 *    near ghost has one credit there: where there is no room for all, it is better not to keep the
 *    last ones only.  Each side of the duel has lists of its own; in a small pool all are the
 *    rest's.
 *
 * MAIN is a CLOCK whose pages have credit: one lap for each time they were found used, two at
 * most.  More credit keeps dead pages too long.
 *
 * With a batch of victims at a time the pool is never quite full, and "there is room" must not
 * mean "there are free frames", or there would always be.  All shares are parts of what was
 * left here at the end of the last round of evictions (settled).  Somebody may come in the middle
 * of a round, whose victims are still to leave: an eighth of the pool, as many as are ever kept
 * free, and some batches of those who evict at the same time.  So what is there less these is
 * certain at once, and the rest is believed by and by.  By and by alone, a set that grows again
 * would be taken for a small one for as many rounds as it was given frames.
 *
 * Source: S3-FIFO (J. Yang et al., SOSP 2023) for the short queues before a long one, CLOCK-Pro
 * (S. Jiang et al., USENIX ATC 2005) and LIRS (S. Jiang, X. Zhang, SIGMETRICS 2002) for the
 * ghost's distance as what decides, 2Q (T. Johnson, D. Shasha, VLDB 1994) for the correlated
 * uses of 1, DIP (duel.c) for 6.  `make bench-policy` says what it is worth.
 */
#include <linux/kernel.h>

#include "policy.h"

/* Each side of the duel has these, and one that is empty: the side is some bits of the list. */
enum { NEW, PROBATION, MAIN, NR_LISTS };

#define SIDE_SHIFT	2
#define NR_ALL		((FPOOL_DUEL_SIDES << SIDE_SHIFT) - 1)

static_assert(NR_LISTS < 1 << SIDE_SHIFT && NR_ALL <= FPOOL_POLICY_TRANSIT);

/* Parts of the pool: one in so many. */
#define NEW_PART	100
#define PROBATION_PART	20
/* Both have at least so many frames, but not more than one in LEAST_PART of the pool for it. */
#define LEAST		8
#define LEAST_PART	10

#define CREDIT_MAX	2
/* Of a page with a near ghost, with recency. */
#define CREDIT_NEAR	1

/* What a round of evictions takes at most: one in so many, and so many beside. */
#define ROUND_PART	8
#define ROUND_FEW	128

/* When as many pages as the pool has were judged so many times, each has been, or nearly each. */
#define MOVING		8

/* Evictions from one look to the next. */
#define LOOK_MAIN	64
#define LOOK_PROBATION	256

/* The frame's word. On NEW: what its ghost said. On MAIN: its credit. */
#define PROMOTE		1
#define FAR		2

/* What a side of the duel has. */
struct side {
	u32 frames;		/* its part of the pool */
	u32 new_share, trial_share;
	u32 left;		/* pages that were to leave, modulo 2^32 */
	u32 looked[1 << SIDE_SHIFT];	/* of each list: @left at the last look */
};

/* The policy's words. */
struct tenure {
	u32 settled;		/* frames left after the last round of evictions, or 0 */
	u32 frames;		/* what the sides' shares were worked out of ... */
	u16 shift;		/* ... and this */
	bool evicting;		/* whether such a round is going on */
	u32 moving;		/* pages yet to be judged until each is on its side */
	struct side side[FPOOL_DUEL_SIDES];
};

static_assert(sizeof(struct tenure) <= FPOOL_POLICY_WORDS * sizeof(u32));

/* Of one side: its lists, as candidates() expects them to become; who is looked at. */
struct outlook {
	u32 new_share, trial_share;
	u32 at[NR_LISTS], len[NR_LISTS], total;
	u32 left, looked_probation, looked_main;
	bool full;		/* a page with a far ghost leaves at the end of NEW */
	bool recency;
};

static __always_inline struct tenure *state(struct fpool_policy *p)
{
	return (struct tenure *)p->word;
}

static __always_inline u8 list(u32 side, u32 id)
{
	return side << SIDE_SHIFT | id;
}

static u32 *word(struct fpool_policy *p, fpool_frame_t frame)
{
	return &fpool_frames_info(p->ft, frame)->policy;
}

static u32 share(u32 frames, u32 part)
{
	return max(frames / part, min_t(u32, LEAST, frames / LEAST_PART));
}

/* Of one side of a pool.  Leaders have their part of what the whole pool would have. */
static u32 side_share(const struct tenure *t, u32 side, u32 part)
{
	if (side == FPOOL_DUEL_REST)
		return share(t->side[side].frames, part);
	return max(share(t->frames, part) >> t->shift, 1U);
}

/* Which pages lead.  Until its frames are all in use a pool only grows, and misses nothing yet. */
static void choose_leaders(struct fpool_policy *p, struct tenure *t)
{
	u32 before = t->shift;

	if (p->duel.led)
		return;
	t->shift = t->settled ? fpool_duel_follow(before, t->frames) : fpool_duel_shift(t->frames);
	if (t->shift == before)
		return;
	t->moving = MOVING * t->frames;
	if (t->settled)
		fpool_duel_begin(&p->duel, t->frames);
}

static noinline void work_out_shares(struct fpool_policy *p, u32 frames)
{
	struct tenure *t = state(p);
	u32 i;

	t->frames = frames;
	choose_leaders(p, t);
	for (i = 0; i < FPOOL_DUEL_SIDES; i++) {
		t->side[i].frames = fpool_duel_share(i, frames, t->shift);
		t->side[i].new_share = side_share(t, i, NEW_PART);
		t->side[i].trial_share = t->side[i].new_share + side_share(t, i, PROBATION_PART);
	}
}

/* The state, for the size that the pool has now. */
static __always_inline struct tenure *settled(struct fpool_policy *p)
{
	struct tenure *t = state(p);
	u32 frames = t->settled ?: fpool_policy_len(p);

	if (unlikely(t->frames != frames))
		work_out_shares(p, frames);
	return t;
}

static __always_inline u32 side_len(const struct fpool_policy *p, u32 side)
{
	const struct fpool_frame_list *l = &p->list[list(side, 0)];

	return l[NEW].len + l[PROBATION].len + l[MAIN].len;
}

/* fpool_policy_len(), of the lists that are in use. */
static __always_inline u32 total_len(const struct fpool_policy *p)
{
	u32 side, len = p->list[FPOOL_POLICY_TRANSIT].len;

	for (side = 0; side < FPOOL_DUEL_SIDES; side++)
		len += side_len(p, side);
	return len;
}

/* What is left at the end of a round in the middle of which there are @len frames. */
static u32 left_at_least(u32 len)
{
	u32 round = len / ROUND_PART + ROUND_FEW;

	return len > round ? len - round : 0;
}

/* A round of evictions is over when the next page comes: what is left now is the pool's size. */
static noinline void settle(struct fpool_policy *p)
{
	struct tenure *t = state(p);
	u32 len = total_len(p), *now = &t->settled;

	t->evicting = false;
	if (!*now)
		fpool_duel_begin(&p->duel, len);
	if (!*now || len <= *now)
		*now = len;
	else
		*now = max(*now + 1, left_at_least(len));
}

static __always_inline u32 side_of(const struct tenure *t, const struct fpool_frame_info *fi)
{
	return fpool_duel_side(fi->space, fi->vpn, t->shift);
}

static void tenure_insert(struct fpool_policy *p, fpool_frame_t frame, u64 age)
{
	struct fpool_frame_info *fi = fpool_frames_info(p->ft, frame);
	struct tenure *t;
	u32 side;

	if (unlikely(state(p)->evicting))
		settle(p);
	t = settled(p);
	side = side_of(t, fi);
	if (age == U64_MAX)
		fi->policy = 0;
	else
		fi->policy = 8 * age < 5ULL * t->frames ? PROMOTE : FAR;
	fpool_policy_enqueue(p, list(side, NEW), frame);
	if (t->settled)
		fpool_duel_fault(&p->duel, side, t->frames, t->shift);
}

/* Others lead, not long since. */
static noinline u32 side_by_now(struct fpool_policy *p, fpool_frame_t frame)
{
	state(p)->moving--;
	return side_of(state(p), fpool_frames_info(p->ft, frame));
}

/* A page that was judged stays, on the side that it belongs to by now. */
static __always_inline void stay(struct fpool_policy *p, u32 side, u32 id, fpool_frame_t frame,
				 u32 credit)
{
	*word(p, frame) = credit;
	if (unlikely(state(p)->moving))
		side = side_by_now(p, frame);
	fpool_policy_requeue(p, list(side, id), frame);
}

static void tenure_put_back(struct fpool_policy *p, fpool_frame_t frame)
{
	fpool_policy_enqueue(p, list(side_of(settled(p), fpool_frames_info(p->ft, frame)), MAIN),
			     frame);
}

/*
 * It leaves next, unless it is used until then.  From the rest, because a leader's page leaves only
 * when another leader's comes.
 */
static void tenure_cool(struct fpool_policy *p, fpool_frame_t frame)
{
	fpool_policy_dequeue(p, frame);
	*word(p, frame) = 0;
	fpool_policy_enqueue_first(p, list(FPOOL_DUEL_REST, PROBATION), frame);
}

static __always_inline u8 next_of_recency(const struct outlook *o)
{
	if (o->len[NEW] > o->new_share)
		return NEW;
	if (o->len[PROBATION])
		return PROBATION;
	return o->len[MAIN] ? MAIN : NEW;
}

/* The list whose oldest page is the next to be judged. */
static __always_inline u8 next_list(const struct outlook *o)
{
	if (o->recency)
		return next_of_recency(o);
	if (o->len[PROBATION] && o->left - o->looked_probation >= LOOK_PROBATION)
		return PROBATION;
	if (o->len[NEW] > o->new_share)
		return NEW;
	if (o->len[MAIN] && o->left - o->looked_main >= LOOK_MAIN)
		return MAIN;
	if (o->len[PROBATION] &&
	    (!o->len[MAIN] || o->len[NEW] + o->len[PROBATION] >= o->trial_share))
		return PROBATION;
	return o->len[MAIN] ? MAIN : NEW;
}

/* Is all the side's part of the pool but NEW's share in use? */
static __always_inline bool is_full(const struct fpool_policy *p, const struct tenure *t, u32 side)
{
	return p->list[list(side, PROBATION)].len + p->list[list(side, MAIN)].len +
	       t->side[side].new_share >= t->side[side].frames;
}

/* The oldest page of a list has been judged, and was not used; @flag: its word. */
static __always_inline void foresee(struct outlook *o, u8 id, u32 flag)
{
	o->len[id]--;
	switch (id) {
	case NEW:
		if (!o->recency && flag == FAR && o->full)
			break;
		o->len[o->recency || flag == PROMOTE ? MAIN : PROBATION]++;
		return;
	case PROBATION:
		o->looked_probation = o->left;
		break;
	default:
		o->looked_main = o->left;
	}
	o->left++;
	o->total--;
}

static __always_inline struct outlook look_out(const struct fpool_policy *p, const struct tenure *t,
					       u32 side)
{
	const struct fpool_frame_list *l = &p->list[list(side, 0)];
	const struct side *s = &t->side[side];

	return (struct outlook) {
		.new_share = s->new_share,
		.trial_share = s->trial_share,
		.at = { l[NEW].head, l[PROBATION].head, l[MAIN].head },
		.len = { l[NEW].len, l[PROBATION].len, l[MAIN].len },
		.total = side_len(p, side),
		.left = s->left,
		.looked_probation = s->looked[PROBATION],
		.looked_main = s->looked[MAIN],
		.full = is_full(p, t, side),
		.recency = fpool_duel_rivals(&p->duel, side),
	};
}

/* Whom one side looks at next, until it has no more than @frames; how many. */
static noinline u32 look_ahead(struct fpool_policy *p, u32 side, u32 frames, fpool_frame_t *out,
			       u32 max)
{
	const struct fpool_frame_info *tab = p->ft->tab, *fi;
	struct outlook o = look_out(p, settled(p), side);
	u32 n, id;

	for (n = 0; n < max && o.total > frames; n++) {
		id = next_list(&o);
		/* Those that came to this list in the outlook are not there yet. */
		if (o.at[id] == fpool_frame_nr(FPOOL_NO_FRAME))
			break;
		out[n] = fpool_frame(o.at[id]);
		fi = &tab[o.at[id]];
		o.at[id] = fi->next;
		foresee(&o, id, fi->policy);
	}
	return n;
}

/* The same for one: what it leads to needs no outlook. */
static __always_inline u32 look_once(struct fpool_policy *p, const struct tenure *t, u32 side,
				     fpool_frame_t *out)
{
	const struct outlook o = look_out(p, t, side);

	*out = fpool_frame_list_first(&p->list[list(side, next_list(&o))]);
	return *out != FPOOL_NO_FRAME;
}

/* Leaders that have more than their share; then the rest, or whoever there is. */
static u32 tenure_candidates(struct fpool_policy *p, fpool_frame_t *out, u32 max)
{
	const struct tenure *t = settled(p);
	u32 side, n = 0;

	for (side = FPOOL_DUEL_HOLDER; side < FPOOL_DUEL_SIDES; side++)
		if (side_len(p, side) > t->side[side].frames)
			n += look_ahead(p, side, t->side[side].frames, out + n, max - n);
	if (max == 1 && !n)
		n = look_once(p, t, FPOOL_DUEL_REST, out);
	else
		n += look_ahead(p, FPOOL_DUEL_REST, 0, out + n, max - n);
	for (side = FPOOL_DUEL_HOLDER; !n && side < FPOOL_DUEL_SIDES; side++)
		n = look_ahead(p, side, 0, out, max);
	return n;
}

/* A page that was judged leaves. */
static __always_inline bool leave(struct fpool_policy *p, u32 side, fpool_frame_t frame)
{
	fpool_policy_dequeue(p, frame);
	state(p)->side[side].left++;
	return true;
}

/* The three are not in line, so that each saves the registers that it needs and no others. */

static noinline bool judge_new(struct fpool_policy *p, u32 side, fpool_frame_t frame)
{
	u32 flag = *word(p, frame);

	if (fpool_duel_rivals(&p->duel, side)) {
		stay(p, side, MAIN, frame, flag == PROMOTE ? CREDIT_NEAR : 0);
		return false;
	}
	if (flag == FAR && is_full(p, settled(p), side))
		return leave(p, side, frame);
	stay(p, side, flag == PROMOTE ? MAIN : PROBATION, frame, 0);
	return false;
}

static noinline bool judge_probation(struct fpool_policy *p, u32 side, fpool_frame_t frame,
				     bool accessed)
{
	if (!accessed)
		return leave(p, side, frame);
	stay(p, side, MAIN, frame, 0);
	return false;
}

static noinline bool judge_main(struct fpool_policy *p, u32 side, fpool_frame_t frame,
				bool accessed)
{
	bool recency = fpool_duel_rivals(&p->duel, side);
	u32 credit = *word(p, frame);

	if (!accessed && !credit) {
		*word(p, frame) = recency ? 0 : FPOOL_POLICY_FORGET;
		return leave(p, side, frame);
	}
	if (!accessed)
		credit--;
	else if (recency)
		credit = min_t(u32, credit, CREDIT_NEAR);
	else if (credit < CREDIT_MAX)
		credit++;
	stay(p, side, MAIN, frame, credit);
	return false;
}

static bool tenure_judge(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	u32 at = fpool_frames_info(p->ft, frame)->list;
	u32 side = at >> SIDE_SHIFT, id = at & ((1 << SIDE_SHIFT) - 1);
	struct tenure *t = state(p);

	if (!fpool_policy_knows(p, frame))
		return false;
	t->evicting = true;
	if (id == NEW)
		return judge_new(p, side, frame);
	t->side[side].looked[id] = t->side[side].left;
	return id == PROBATION ? judge_probation(p, side, frame, accessed) :
				 judge_main(p, side, frame, accessed);
}

static int tenure_check(const struct fpool_policy *p, const char **why)
{
	static const u32 most[NR_LISTS] = { FAR, 0, CREDIT_MAX };
	fpool_frame_t frame;
	u64 len = 0;
	u8 id;

	for (id = 0; id < NR_ALL; id++) {
		if (id % (1 << SIDE_SHIFT) == NR_LISTS)
			continue;
		len += p->list[id].len;
		frame = fpool_frame_list_first(&p->list[id]);
		for (; frame != FPOOL_NO_FRAME; frame = fpool_frame_list_next(p->ft, frame))
			if (fpool_frames_info(p->ft, frame)->policy > most[id % (1 << SIDE_SHIFT)])
				*why = "a frame's word does not belong to the list it is on";
	}
	if (fpool_policy_len(p) != len)
		*why = "there are frames on a list that is not used";
	return *why ? -EUCLEAN : 0;
}

const struct fpool_policy_ops fpool_policy_tenure = {
	.name		= "tenure",
	.insert		= tenure_insert,
	.put_back	= tenure_put_back,
	.remove		= fpool_policy_dequeue,
	.cool		= tenure_cool,
	.candidates	= tenure_candidates,
	.judge		= tenure_judge,
	.check		= tenure_check,
};
