// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replacement policies: the table of those that exist, and the calls to them.
 *
 * A policy is one line in the table below.  Everybody else calls it through here, so that
 * evictions and accessed-bit tests are counted in one place whatever the policy does.
 *
 * The clock that ages are measured in is the number of evictions: a page that comes back
 * when N others have left since would have stayed, had there been N more frames (the
 * reasoning, in the open, is at the top of Linux's mm/workingset.c).
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "policy.h"

static const struct fpool_policy_ops *const policies[] = {
	&fpool_policy_tenure,
	&fpool_policy_clock,
	&fpool_policy_lru2,
	&fpool_policy_fifo,
};

/**
 * fpool_policy_nth() - the policies in turn
 * @n: from 0 on; the first one is the default
 *
 * Context: Any.
 * Return: The policy, or NULL after the last one.
 */
const struct fpool_policy_ops *fpool_policy_nth(unsigned int n)
{
	return n < ARRAY_SIZE(policies) ? policies[n] : NULL;
}

/**
 * fpool_policy_find() - the policy of a name
 * @name: as users type it
 *
 * Context: Any.
 * Return: The policy, or NULL if there is none of that name.
 */
const struct fpool_policy_ops *fpool_policy_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(policies); i++)
		if (!strcmp(policies[i]->name, name))
			return policies[i];
	return NULL;
}

/**
 * fpool_policy_init() - a policy that knows of no frame yet
 * @p: the policy
 * @ops: which one
 * @ft: the frame table of the pool
 * @capacity: frames that pages may use
 *
 * Context: Any; the caller owns @p alone.
 * Return: 0, or -EINVAL if @ops is NULL, or @capacity 0 or more than the region has.
 */
int fpool_policy_init(struct fpool_policy *p, const struct fpool_policy_ops *ops,
		      struct fpool_frames *ft, u32 capacity)
{
	unsigned int i;

	if (!ops || !capacity || capacity > ft->nframes)
		return -EINVAL;
	memset(p, 0, sizeof(*p));
	p->ops = ops;
	p->ft = ft;
	p->capacity = capacity;
	p->evictions = 1;
	for (i = 0; i < FPOOL_POLICY_LISTS; i++)
		fpool_frame_list_init(&p->list[i]);
	return 0;
}

/**
 * fpool_policy_put_back() - a victim stays after all
 * @p: the policy
 * @frame: a frame that judge() has given away
 *
 * Context: Caller serialises access to @p.
 */
void fpool_policy_put_back(struct fpool_policy *p, fpool_frame_t frame)
{
	/* What the last policy knew of it, or whether it was to be forgotten. */
	fpool_frames_info(p->ft, frame)->policy = 0;
	p->ops->put_back(p, frame);
}

/**
 * fpool_policy_switch_begin() - another policy is to take over
 * @p: the policy
 * @ops: which one it becomes; may be the one that it is
 *
 * Until fpool_policy_switch_step() has said that it is done, nothing may be judged: frames are
 * between the two.  All other calls are allowed.
 *
 * Context: Caller serialises access to @p; between candidates() and judge() it is allowed.
 * Return: 0; -EINVAL if @ops is NULL; -EBUSY: it is being switched.
 */
int fpool_policy_switch_begin(struct fpool_policy *p, const struct fpool_policy_ops *ops)
{
	if (!ops)
		return -EINVAL;
	if (p->next)
		return -EBUSY;
	p->next = ops;
	p->entering = false;
	return 0;
}

/* In the order in which the old policy would have judged them; false: it has no more. */
static bool leave_old(struct fpool_policy *p, u32 max)
{
	fpool_frame_t frame;
	u32 n;

	for (n = 0; n < max; n++) {
		if (!p->ops->candidates(p, &frame, 1))
			return false;
		fpool_policy_dequeue(p, frame);
		fpool_policy_enqueue(p, FPOOL_POLICY_TRANSIT, frame);
	}
	return true;
}

/* As pages of which nothing more is known; false: all are there. */
static bool enter_new(struct fpool_policy *p, u32 max)
{
	fpool_frame_t frame;
	u32 n;

	for (n = 0; n < max; n++) {
		frame = fpool_frame_list_first(&p->list[FPOOL_POLICY_TRANSIT]);
		if (frame == FPOOL_NO_FRAME)
			return false;
		fpool_policy_dequeue(p, frame);
		fpool_policy_put_back(p, frame);
	}
	return true;
}

/**
 * fpool_policy_switch_step() - a part of the way from one policy to the next
 * @p: the policy
 * @max: frames to move at most, at least one
 *
 * Context: Caller serialises access to @p, and need not from one step to the next.  After
 * fpool_policy_switch_begin(), until it says false.
 * Return: Whether there is more to do.
 */
bool fpool_policy_switch_step(struct fpool_policy *p, u32 max)
{
	if (p->entering) {
		if (!enter_new(p, max))
			p->next = NULL;
	} else if (!leave_old(p, max)) {
		memset(p->word, 0, sizeof(p->word));
		p->duel = (struct fpool_duel){ .led = p->duel.led };
		WRITE_ONCE(p->ops, p->next);
		p->entering = true;
	}
	return p->next;
}

/**
 * fpool_policy_switch() - another policy takes over, at once
 * @p: the policy
 * @ops: which one it becomes; may be the one that it is
 *
 * All frames stay.  The new policy gets them in the order in which the old one would have judged
 * them, as pages of which nothing more is known.  Ghosts keep their ages.  Takes time in
 * proportion to the frames, and no memory.
 *
 * Context: As fpool_policy_switch_begin().
 * Return: As fpool_policy_switch_begin().
 */
int fpool_policy_switch(struct fpool_policy *p, const struct fpool_policy_ops *ops)
{
	int err = fpool_policy_switch_begin(p, ops);

	while (!err && fpool_policy_switch_step(p, U32_MAX))
		;
	return err;
}

/**
 * fpool_policy_remove() - a page leaves for another reason than the policy's
 * @p: the policy
 * @frame: a frame that the policy knows of
 *
 * Context: Caller serialises access to @p.
 */
void fpool_policy_remove(struct fpool_policy *p, fpool_frame_t frame)
{
	p->ops->remove(p, frame);
}

/**
 * fpool_policy_cool() - the users of a page say that they are done with it
 * @p: the policy
 * @frame: a frame that the policy knows of; it is the next to be judged, or nearly so
 *
 * If it is used until then it stays.
 *
 * Context: Caller serialises access to @p.
 */
void fpool_policy_cool(struct fpool_policy *p, fpool_frame_t frame)
{
	p->ops->cool(p, frame);
}

/**
 * fpool_policy_enqueue_first() - for policies: puts a frame first on one of the lists
 * @p: the policy
 * @id: index of the list
 * @frame: a frame on no list
 *
 * Context: Caller serialises access to @p.
 */
void fpool_policy_enqueue_first(struct fpool_policy *p, u8 id, fpool_frame_t frame)
{
	fpool_frame_list_add_head(p->ft, &p->list[id], frame);
	fpool_frames_info(p->ft, frame)->list = id;
}

/**
 * fpool_policy_check() - whether the lists hang together and have resident frames only
 * @p: the policy
 * @why: becomes a sentence about the first thing that is wrong
 *
 * Context: Caller serialises access to @p.
 * Return: 0; -EUCLEAN if something is wrong.
 */
int fpool_policy_check(const struct fpool_policy *p, const char **why)
{
	unsigned int i;

	*why = NULL;
	for (i = 0; i < FPOOL_POLICY_LISTS && !*why; i++)
		*why = fpool_frame_list_check(p->ft, &p->list[i], i, FPOOL_FRAME_RESIDENT, NULL);
	if (*why)
		return -EUCLEAN;
	/* On the way from one policy to the next there are frames that neither knows of. */
	if (p->next)
		return 0;
	return p->ops->check ? p->ops->check(p, why) : 0;
}
