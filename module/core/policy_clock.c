// SPDX-License-Identifier: GPL-2.0-only
/*
 * CLOCK: first in, first out, with a second chance.
 *
 * The pages stand around a clock face.  When one must leave, the hand looks at the page it
 * points to: if that was accessed since the hand's last visit, it is let off with its
 * accessed bit cleared, and the hand goes on; if not, it leaves, the new page takes its
 * place, and the hand goes on to the next.
 *
 *	          B*                            hand
 *	       A     C                           |
 *	     F    ^    D*         the same:      A  B* C  D* E  F
 *	       E ...  hand at A                 head          tail
 *
 * Accessed once in a round is enough to stay, so CLOCK comes near to LRU, for one bit a page
 * and no work at all when a page is accessed.  Source: F. J. Corbato, A Paging Experiment
 * with the Multics System, MIT Project MAC Report MAC-M-384, 1968; and any textbook.
 *
 * There is no face and no hand here but a queue, which is the same thing unrolled: the page
 * under the hand is the head, and the one that the hand has just left is the tail.  "The hand
 * goes on" turns the head into the tail; "the new page takes its place, and the hand goes
 * on" removes the head and adds a tail.  A page that is filled into a frame without a
 * victim before it also becomes the tail: the hand comes to it last.
 *
 * The price of the batch: when candidates() and judge() have other calls between them, the
 * page judged may not be the head any more.  Then only its own place in the round is at
 * stake, and it is treated as if the hand had just come to it.
 */
#include "policy.h"

#define FACE	0	/* the one list that is used */

static void clock_insert(struct fpool_policy *p, fpool_frame_t frame, u64 age)
{
	fpool_policy_enqueue(p, FACE, frame);
}

static void clock_put_back(struct fpool_policy *p, fpool_frame_t frame)
{
	fpool_policy_enqueue(p, FACE, frame);
}

/* The hand goes back to it. */
static void clock_cool(struct fpool_policy *p, fpool_frame_t frame)
{
	fpool_policy_dequeue(p, frame);
	fpool_policy_enqueue_first(p, FACE, frame);
}

static u32 clock_candidates(struct fpool_policy *p, fpool_frame_t *out, u32 max)
{
	fpool_frame_t frame = fpool_frame_list_first(&p->list[FACE]);
	u32 n = 0;

	while (n < max && frame != FPOOL_NO_FRAME) {
		out[n++] = frame;
		frame = fpool_frame_list_next(p->ft, frame);
	}
	return n;
}

static bool clock_judge(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	if (!fpool_policy_knows(p, frame))
		return false;
	fpool_policy_dequeue(p, frame);
	if (accessed)
		fpool_policy_enqueue(p, FACE, frame);
	return !accessed;
}

static int clock_check(const struct fpool_policy *p, const char **why)
{
	if (fpool_policy_len(p) == p->list[FACE].len)
		return 0;
	*why = "CLOCK has frames on a list that it does not use";
	return -EUCLEAN;
}

const struct fpool_policy_ops fpool_policy_clock = {
	.name		= "clock",
	.insert		= clock_insert,
	.put_back	= clock_put_back,
	.remove		= fpool_policy_dequeue,
	.cool		= clock_cool,
	.candidates	= clock_candidates,
	.judge		= clock_judge,
	.check		= clock_check,
};
