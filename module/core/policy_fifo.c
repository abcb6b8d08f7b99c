// SPDX-License-Identifier: GPL-2.0-only
/*
 * FIFO: first in, first out.
 *
 *	filled --> tail [ F  E  D  C  B  A ] head --> leaves
 *
 * The page that has been here longest leaves, used or not.  It is the cheapest policy and the
 * measure of all others: what a policy wins over FIFO is what it learns from accessed
 * bits.  It is also the one with which more frames can mean more misses (L. A. Belady, R. A.
 * Nelson, G. S. Shedler, An Anomaly in Space-Time Characteristics of Certain Programs Running
 * in a Paging Machine, CACM 12(6), 1969): 1 2 3 4 1 2 5 1 2 3 4 5 misses 9 times with three
 * frames and 10 times with four.
 */
#include "policy.h"

#define QUEUE	0	/* the one list that is used */

static void fifo_insert(struct fpool_policy *p, fpool_frame_t frame, u64 age)
{
	fpool_policy_enqueue(p, QUEUE, frame);
}

/* It could not leave when its turn came, so its turn comes again after all others. */
static void fifo_put_back(struct fpool_policy *p, fpool_frame_t frame)
{
	fpool_policy_enqueue(p, QUEUE, frame);
}

static void fifo_cool(struct fpool_policy *p, fpool_frame_t frame)
{
	fpool_policy_dequeue(p, frame);
	fpool_policy_enqueue_first(p, QUEUE, frame);
}

static u32 fifo_candidates(struct fpool_policy *p, fpool_frame_t *out, u32 max)
{
	fpool_frame_t frame = fpool_frame_list_first(&p->list[QUEUE]);
	u32 n = 0;

	while (n < max && frame != FPOOL_NO_FRAME) {
		out[n++] = frame;
		frame = fpool_frame_list_next(p->ft, frame);
	}
	return n;
}

static bool fifo_judge(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	if (!fpool_policy_knows(p, frame))
		return false;
	fpool_policy_dequeue(p, frame);
	return true;
}

static int fifo_check(const struct fpool_policy *p, const char **why)
{
	if (fpool_policy_len(p) == p->list[QUEUE].len)
		return 0;
	*why = "FIFO has frames on a list that it does not use";
	return -EUCLEAN;
}

const struct fpool_policy_ops fpool_policy_fifo = {
	.name		= "fifo",
	.insert		= fifo_insert,
	.put_back	= fifo_put_back,
	.remove		= fpool_policy_dequeue,
	.cool		= fifo_cool,
	.candidates	= fifo_candidates,
	.judge		= fifo_judge,
	.check		= fifo_check,
};
