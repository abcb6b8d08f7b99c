// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two lists, and the distance at which pages come back.
 *
 *	                 used again since its fault
 *	       +--------------------------------------------+
 *	       |                                            v
 *	 [ inactive ] <--- not used, inactive is low --- [ active ] --+
 *	  ^    |                                            ^  ^      | used
 *	fault  | not used                                   |  +------+
 *	       v                                            |
 *	     ghost ---- comes back before as many others have left as active is long
 *
 * Pages that are used once, by a scan say, pass through the inactive list and leave the
 * active one alone.  What is found used on the inactive list becomes active; what is found
 * unused at the end of the active list becomes inactive again.
 *
 * The inactive list alone decides too early: a page whose uses are further apart than that list
 * is long is evicted and read again for ever, though the active list may hold pages of less
 * use.  The ghost tells.  If R others have left between a page's eviction and its return, then it
 * would have stayed, had it had R places more.  The active list has places; if R is
 * less than what it has, the page may be worth more than what is at that list's end, so it
 * becomes active and competes.  If it is not, it will find its way back.
 *
 * The faulting access sets the accessed bit, so that bit says nothing when it is first seen:
 * a page makes one more round of the inactive list without it.
 *
 * Source: mm/workingset.c and mm/vmscan.c of Linux (J. Weiner, 2012), without what they know of
 * readahead, executables and more than one reference; two lists are older (2Q: T. Johnson,
 * D. Shasha, VLDB 1994).
 */
#include <linux/kernel.h>

#include "policy.h"

#define INACTIVE	0
#define ACTIVE		1

#define SEEN		1	/* the frame's word: the bit of the fault itself is gone */

#define INACTIVE_PART	8	/* the share of the inactive list is one in so many */

static void lru2_insert(struct fpool_policy *p, fpool_frame_t frame, u64 age)
{
	bool active = age <= p->list[ACTIVE].len && age != U64_MAX;

	fpool_frames_info(p->ft, frame)->policy = 0;
	fpool_policy_enqueue(p, active ? ACTIVE : INACTIVE, frame);
}

static void lru2_put_back(struct fpool_policy *p, fpool_frame_t frame)
{
	fpool_frames_info(p->ft, frame)->policy = SEEN;
	fpool_policy_enqueue(p, INACTIVE, frame);
}

static void lru2_cool(struct fpool_policy *p, fpool_frame_t frame)
{
	fpool_policy_dequeue(p, frame);
	fpool_frames_info(p->ft, frame)->policy = SEEN;
	fpool_policy_enqueue_first(p, INACTIVE, frame);
}

/* The list whose oldest page is the next to be judged. */
static u8 next_list(u32 inactive, u32 active)
{
	return active && inactive <= (inactive + active) / INACTIVE_PART ? ACTIVE : INACTIVE;
}

/* In the order in which they would be judged, if none was used since. */
static u32 lru2_candidates(struct fpool_policy *p, fpool_frame_t *out, u32 max)
{
	fpool_frame_t at[2] = { fpool_frame_list_first(&p->list[INACTIVE]),
				fpool_frame_list_first(&p->list[ACTIVE]) };
	u32 len[2] = { p->list[INACTIVE].len, p->list[ACTIVE].len };
	u32 n = 0;
	u8 id;

	while (n < max) {
		id = next_list(len[INACTIVE], len[ACTIVE]);
		if (at[id] == FPOOL_NO_FRAME)
			break;
		out[n++] = at[id];
		at[id] = fpool_frame_list_next(p->ft, at[id]);
		len[id]--;
		/* From active to the end of inactive, where this walk may not find it. */
		if (id == ACTIVE)
			len[INACTIVE]++;
	}
	return n;
}

static bool judge_inactive(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	struct fpool_frame_info *info = fpool_frames_info(p->ft, frame);

	if (info->policy != SEEN) {
		info->policy = SEEN;
		fpool_policy_enqueue(p, INACTIVE, frame);
		return false;
	}
	if (accessed)
		fpool_policy_enqueue(p, ACTIVE, frame);
	return !accessed;
}

static bool judge_active(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	fpool_frames_info(p->ft, frame)->policy = SEEN;
	fpool_policy_enqueue(p, accessed ? ACTIVE : INACTIVE, frame);
	return false;
}

static bool lru2_judge(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	bool active;

	if (!fpool_policy_knows(p, frame))
		return false;
	active = fpool_frames_info(p->ft, frame)->list == ACTIVE;
	fpool_policy_dequeue(p, frame);
	return active ? judge_active(p, frame, accessed) : judge_inactive(p, frame, accessed);
}

static int lru2_check(const struct fpool_policy *p, const char **why)
{
	if (fpool_policy_len(p) == (u64)p->list[INACTIVE].len + p->list[ACTIVE].len)
		return 0;
	*why = "LRU2 has frames on a list that it does not use";
	return -EUCLEAN;
}

const struct fpool_policy_ops fpool_policy_lru2 = {
	.name		= "lru2",
	.insert		= lru2_insert,
	.put_back	= lru2_put_back,
	.remove		= fpool_policy_dequeue,
	.cool		= lru2_cool,
	.candidates	= lru2_candidates,
	.judge		= lru2_judge,
	.check		= lru2_check,
};
