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
 * was here before, how many others have left since it did.  Five things follow.
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
 * MAIN is a CLOCK whose pages have credit: one lap for each time they were found used, two at
 * most.  More credit keeps dead pages too long.
 *
 * With a batch of victims at a time the pool is never quite full, and "there is room" must not
 * mean "there are free frames", or there would always be.  All shares are parts of what was
 * left here at the end of the last round of evictions (settled).
 *
 * Source: S3-FIFO (J. Yang et al., SOSP 2023) for the short queues before a long one, CLOCK-Pro
 * (S. Jiang et al., USENIX ATC 2005) and LIRS (S. Jiang, X. Zhang, SIGMETRICS 2002) for the
 * ghost's distance as what decides, 2Q (T. Johnson, D. Shasha, VLDB 1994) for the correlated
 * uses of 1.  `make bench-policy` says what it is worth.
 */
#include <linux/kernel.h>

#include "policy.h"

enum { NEW, PROBATION, MAIN, NR_LISTS };

/* Parts of the pool: one in so many. */
#define NEW_PART	100
#define PROBATION_PART	20
/* Both have at least so many frames, but not more than one in LEAST_PART of the pool for it. */
#define LEAST		8
#define LEAST_PART	10

#define CREDIT_MAX	2

/* Evictions from one look to the next. */
#define LOOK_MAIN	64
#define LOOK_PROBATION	256

/* The frame's word. On NEW: what its ghost said. On MAIN: its credit. After judge(): FORGET. */
#define PROMOTE		1
#define FAR		2
#define FORGET		U32_MAX

/* The policy's words. */
enum {
	SETTLED,		/* frames left after the last round of evictions, or 0 */
	EVICTING,		/* whether such a round is going on */
	LOOKED,			/* of each list: eviction of the last look, modulo 2^32 */
};

/* Lengths of the lists, as candidates() expects them to become; the shares; who is looked at. */
struct outlook {
	u32 new_len, probation_len, main_len;
	u32 evictions, looked_probation, looked_main;
	u32 new_share, trial_share;
	bool full;		/* a page with a far ghost leaves at the end of NEW */
};

static u32 *word(struct fpool_policy *p, fpool_frame_t frame)
{
	return &fpool_frames_info(p->ft, frame)->policy;
}

static u32 settled(const struct fpool_policy *p)
{
	return p->word[SETTLED] ?: fpool_policy_len(p);
}

static u32 share(u32 frames, u32 part)
{
	return max(frames / part, min_t(u32, LEAST, frames / LEAST_PART));
}

static u32 trial_share(u32 frames)
{
	return share(frames, NEW_PART) + share(frames, PROBATION_PART);
}

/* A round of evictions is over when the next page comes: what is left now is the pool's size. */
static void settle(struct fpool_policy *p)
{
	u32 len = fpool_policy_len(p), *now = &p->word[SETTLED];

	if (!p->word[EVICTING])
		return;
	p->word[EVICTING] = false;
	/* Up only by and by: somebody may have come in the middle of the round. */
	*now = !*now || len < *now ? len : min(len, *now + 1);
}

static void tenure_insert(struct fpool_policy *p, fpool_frame_t frame, u64 age)
{
	settle(p);
	if (age == U64_MAX)
		*word(p, frame) = 0;
	else
		*word(p, frame) = 8 * age < 5ULL * settled(p) ? PROMOTE : FAR;
	fpool_policy_enqueue(p, NEW, frame);
}

static __always_inline void enter(struct fpool_policy *p, u8 id, fpool_frame_t frame)
{
	*word(p, frame) = 0;
	fpool_policy_enqueue(p, id, frame);
}

static void tenure_put_back(struct fpool_policy *p, fpool_frame_t frame)
{
	enter(p, MAIN, frame);
}

/* It leaves next, unless it is used until then. */
static void tenure_cool(struct fpool_policy *p, fpool_frame_t frame)
{
	fpool_policy_dequeue(p, frame);
	*word(p, frame) = 0;
	fpool_policy_enqueue_first(p, PROBATION, frame);
}

/* The list whose oldest page is the next to be judged. */
static __always_inline u8 next_list(const struct outlook *o)
{
	u32 trial = o->new_len + o->probation_len;

	if (o->probation_len && o->evictions - o->looked_probation >= LOOK_PROBATION)
		return PROBATION;
	if (o->new_len > o->new_share)
		return NEW;
	if (o->main_len && o->evictions - o->looked_main >= LOOK_MAIN)
		return MAIN;
	if (o->probation_len && (!o->main_len || trial >= o->trial_share))
		return PROBATION;
	return o->main_len ? MAIN : NEW;
}

/* Is all the pool but NEW's share in use? */
static __always_inline bool is_full(const struct fpool_policy *p, u32 frames)
{
	return p->list[PROBATION].len + p->list[MAIN].len >= frames - share(frames, NEW_PART);
}

/* The oldest page of a list has been judged, and was not used; @flag: its word. */
static __always_inline void foresee(struct outlook *o, u8 id, u32 flag)
{
	switch (id) {
	case NEW:
		o->new_len--;
		if (flag == FAR && o->full)
			o->evictions++;
		else if (flag == PROMOTE)
			o->main_len++;
		else
			o->probation_len++;
		return;
	case PROBATION:
		o->probation_len--;
		o->looked_probation = o->evictions++;
		return;
	default:
		o->main_len--;
		o->looked_main = o->evictions++;
	}
}

static __always_inline struct outlook look_out(const struct fpool_policy *p)
{
	u32 frames = settled(p);

	return (struct outlook) {
		.new_len = p->list[NEW].len,
		.probation_len = p->list[PROBATION].len,
		.main_len = p->list[MAIN].len,
		.evictions = p->evictions,
		.looked_probation = p->word[LOOKED + PROBATION],
		.looked_main = p->word[LOOKED + MAIN],
		.new_share = share(frames, NEW_PART),
		.trial_share = trial_share(frames),
		.full = is_full(p, frames),
	};
}

static u32 tenure_candidates(struct fpool_policy *p, fpool_frame_t *out, u32 max)
{
	const struct fpool_frame_info *tab = p->ft->tab, *fi;
	struct outlook o = look_out(p);
	u32 at[NR_LISTS], n, id;

	for (id = 0; id < NR_LISTS; id++)
		at[id] = p->list[id].head;
	for (n = 0; n < max; n++) {
		id = next_list(&o);
		/* Those that came to this list in the outlook are not there yet. */
		if (at[id] == fpool_frame_nr(FPOOL_NO_FRAME))
			break;
		out[n] = fpool_frame(at[id]);
		fi = &tab[at[id]];
		at[id] = fi->next;
		foresee(&o, id, fi->policy);
	}
	return n;
}

static __always_inline bool judge_new(struct fpool_policy *p, fpool_frame_t frame)
{
	u32 flag = *word(p, frame);

	if (flag == FAR && is_full(p, settled(p)))
		return true;
	enter(p, flag == PROMOTE ? MAIN : PROBATION, frame);
	return false;
}

static bool judge_probation(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	if (accessed)
		enter(p, MAIN, frame);
	return !accessed;
}

static bool judge_main(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	u32 *credit = word(p, frame);

	if (!accessed && !*credit) {
		*credit = FORGET;
		return true;
	}
	if (!accessed)
		--*credit;
	else if (*credit < CREDIT_MAX)
		++*credit;
	fpool_policy_enqueue(p, MAIN, frame);
	return false;
}

static bool tenure_judge(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	u8 id = fpool_frames_info(p->ft, frame)->list;

	if (!fpool_policy_knows(p, frame))
		return false;
	p->word[EVICTING] = true;
	p->word[LOOKED + id] = p->evictions;
	fpool_policy_dequeue(p, frame);
	switch (id) {
	case NEW:
		return judge_new(p, frame);
	case PROBATION:
		return judge_probation(p, frame, accessed);
	default:
		return judge_main(p, frame, accessed);
	}
}

static bool tenure_ghost(struct fpool_policy *p, fpool_frame_t frame)
{
	return *word(p, frame) != FORGET;
}

static int tenure_check(const struct fpool_policy *p, const char **why)
{
	static const u32 most[NR_LISTS] = { FAR, 0, CREDIT_MAX };
	fpool_frame_t frame;
	u64 len = 0;
	u8 id;

	for (id = 0; id < NR_LISTS; id++) {
		len += p->list[id].len;
		frame = fpool_frame_list_first(&p->list[id]);
		for (; frame != FPOOL_NO_FRAME; frame = fpool_frame_list_next(p->ft, frame))
			if (fpool_frames_info(p->ft, frame)->policy > most[id])
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
	.ghost		= tenure_ghost,
	.check		= tenure_check,
};
