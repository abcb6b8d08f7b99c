/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which page leaves: the interface of every replacement policy.
 *
 * A policy sees frames, the accessed bits handed to it, ghosts and hints, and of which page it is
 * no more than a hash; it never sees a lock, or a struct page.  The pager asks in two steps, so
 * that the accessed bits of a whole batch can be read, with other locks, between them:
 *
 *	n = candidates(p, frames, max)	whom the policy would look at next, in order
 *	... the pager reads and clears their accessed bits ...
 *	judge(p, frame, accessed)	for each still there: true = victim, and forgotten by the
 *					policy; false = kept, moved where the policy wants it
 *
 * A victim that cannot leave after all (held, write error) comes back with put_back().  A page
 * whose users say that they are done with it (DONTNEED, NOREUSE, behind a sequential reader) is
 * told with cool().
 * No lock: the caller serialises every call.
 */
#ifndef FPOOL_CORE_POLICY_H
#define FPOOL_CORE_POLICY_H

#include "duel.h"
#include "frames.h"

#define FPOOL_POLICY_LISTS	12
/* No policy's: frames that are on their way from one policy to the next. */
#define FPOOL_POLICY_TRANSIT	11
#define FPOOL_POLICY_WORDS	28
#define FPOOL_POLICY_NAME_MAX	16
/* A frame's word, after judge(): its page leaves no ghost. */
#define FPOOL_POLICY_FORGET	U32_MAX

struct fpool_policy;

/**
 * struct fpool_policy_ops - one replacement policy
 * @name: as users type it
 * @insert: a page was filled into @frame; @age is how many evictions ago it left, or
 *	U64_MAX if nothing remembers it
 * @put_back: a victim stays
 * @remove: the page in @frame is going for another reason than the policy's own (detach,
 *	EVICT ioctl); @frame is on a list
 * @cool: the page in @frame is to leave next, unless it is used until then; @frame is on a list
 * @candidates: up to @max frames in the order in which the policy would judge them; changes nothing
 * @judge: decides on one of the candidates, which may have moved since, or have left the policy
 *	(then: false); the frame's word of one that leaves is FPOOL_POLICY_FORGET where the eviction
 *	is not to be remembered
 * @check: what the policy knows of its lists beyond that they are consistent; 0, or -EUCLEAN
 *	and *@why; may be NULL
 */
struct fpool_policy_ops {
	const char *name;
	void (*insert)(struct fpool_policy *p, fpool_frame_t frame, u64 age);
	void (*put_back)(struct fpool_policy *p, fpool_frame_t frame);
	void (*remove)(struct fpool_policy *p, fpool_frame_t frame);
	void (*cool)(struct fpool_policy *p, fpool_frame_t frame);
	u32 (*candidates)(struct fpool_policy *p, fpool_frame_t *out, u32 max);
	bool (*judge)(struct fpool_policy *p, fpool_frame_t frame, bool accessed);
	int (*check)(const struct fpool_policy *p, const char **why);
};

struct fpool_policy {
	const struct fpool_policy_ops *ops;
	const struct fpool_policy_ops *next;	/* what it is being switched to, or NULL */
	bool entering;				/* and that is @ops already */
	struct fpool_frames *ft;
	u32 capacity;				/* frames that pages may use */
	u64 evictions;				/* sequence number of the next ghost */
	struct fpool_frame_list list[FPOOL_POLICY_LISTS];
	u64 tests;				/* accessed bits asked for, ever */
	u32 word[FPOOL_POLICY_WORDS];		/* the policy's own state */
	struct fpool_duel duel;			/* the same, of those that duel */
};

extern const struct fpool_policy_ops fpool_policy_clock;
extern const struct fpool_policy_ops fpool_policy_fifo;
extern const struct fpool_policy_ops fpool_policy_lru2;
extern const struct fpool_policy_ops fpool_policy_tenure;

const struct fpool_policy_ops *fpool_policy_find(const char *name);
/* The first one is the default. */
const struct fpool_policy_ops *fpool_policy_nth(unsigned int n);
int fpool_policy_init(struct fpool_policy *p, const struct fpool_policy_ops *ops,
		      struct fpool_frames *ft, u32 capacity);
int fpool_policy_switch(struct fpool_policy *p, const struct fpool_policy_ops *ops);
int fpool_policy_switch_begin(struct fpool_policy *p, const struct fpool_policy_ops *ops);
bool fpool_policy_switch_step(struct fpool_policy *p, u32 max);

/* Thin calls through ops, which also count: evictions, tests. */
void fpool_policy_put_back(struct fpool_policy *p, fpool_frame_t frame);
void fpool_policy_remove(struct fpool_policy *p, fpool_frame_t frame);
void fpool_policy_cool(struct fpool_policy *p, fpool_frame_t frame);
/* The lists are consistent and have resident frames only, and ops->check agrees. */
int fpool_policy_check(const struct fpool_policy *p, const char **why);

/* For the policies: their lists, with what the frames say of the list that they are on. */
void fpool_policy_enqueue_first(struct fpool_policy *p, u8 id, fpool_frame_t frame);

/* Inline, as the lists are. */

/**
 * fpool_policy_len() - how many frames the policy knows of
 * @p: the policy
 *
 * Context: Caller serialises access to @p.
 * Return: Frames, all lists together.
 */
static inline u64 fpool_policy_len(const struct fpool_policy *p)
{
	unsigned int i;
	u64 len = 0;

	for (i = 0; i < FPOOL_POLICY_LISTS; i++)
		len += p->list[i].len;
	return len;
}

/**
 * fpool_policy_insert() - a page was filled into a frame
 * @p: the policy
 * @frame: a frame that the policy does not know of
 * @age: how many evictions ago the page left, or U64_MAX if nothing remembers it
 *
 * Context: Caller serialises access to @p.
 */
static inline void fpool_policy_insert(struct fpool_policy *p, fpool_frame_t frame, u64 age)
{
	p->ops->insert(p, frame, age);
}

/**
 * fpool_policy_evicted() - the victim just judged has left
 * @p: the policy
 * @frame: the victim
 *
 * Context: Caller serialises access to @p.
 * Return: The sequence number that the page's ghost is to remember, from 1 on; 0 if the
 *	page leaves no ghost.
 */
static inline u64 fpool_policy_evicted(struct fpool_policy *p, fpool_frame_t frame)
{
	u64 seq = p->evictions++;

	return fpool_frames_info(p->ft, frame)->policy != FPOOL_POLICY_FORGET ? seq : 0;
}

/**
 * fpool_policy_age() - how long ago a ghost was made
 * @p: the policy
 * @seq: the ghost's sequence number, or 0 for none
 *
 * Context: Caller serialises access to @p.
 * Return: Evictions since; U64_MAX if there is no ghost, or none that this pool can have
 *	made yet.
 */
static inline u64 fpool_policy_age(const struct fpool_policy *p, u64 seq)
{
	if (!seq || seq >= p->evictions)
		return U64_MAX;
	return p->evictions - 1 - seq;
}

/**
 * fpool_policy_candidates() - whom the policy would look at next
 * @p: the policy
 * @out: becomes the frames, in the order in which they would be judged
 * @max: how many at most
 *
 * Context: Caller serialises access to @p, and need not until judge().
 * Return: How many of @out there are.
 */
static inline u32 fpool_policy_candidates(struct fpool_policy *p, fpool_frame_t *out, u32 max)
{
	return p->ops->candidates(p, out, max);
}

/**
 * fpool_policy_judge() - stay or leave
 * @p: the policy
 * @frame: a candidate; if the policy has lost it since, it stays lost
 * @accessed: whether its page was accessed since the last time this was asked
 *
 * Context: Caller serialises access to @p.
 * Return: true if the page shall leave, and the policy has forgotten the frame; false if
 *	it stays.
 */
static inline bool fpool_policy_judge(struct fpool_policy *p, fpool_frame_t frame, bool accessed)
{
	p->tests++;
	return p->ops->judge(p, frame, accessed);
}

/**
 * fpool_policy_enqueue() - for policies: puts a frame last on one of the lists
 * @p: the policy
 * @id: index of the list
 * @frame: a frame on no list
 *
 * Context: Caller serialises access to @p.
 */
static inline void fpool_policy_enqueue(struct fpool_policy *p, u8 id, fpool_frame_t frame)
{
	fpool_frame_list_add_tail(p->ft, &p->list[id], frame);
	fpool_frames_info(p->ft, frame)->list = id;
}

/**
 * fpool_policy_dequeue() - for policies: takes a frame off the list that it is on
 * @p: the policy
 * @frame: a frame that fpool_policy_knows()
 *
 * Context: Caller serialises access to @p.
 */
static inline void fpool_policy_dequeue(struct fpool_policy *p, fpool_frame_t frame)
{
	struct fpool_frame_info *fi = fpool_frames_info(p->ft, frame);

	fpool_frame_list_del(p->ft, &p->list[fi->list], frame);
	fi->list = FPOOL_NO_LIST;
}

/**
 * fpool_policy_requeue() - for policies: a frame goes from its list to the end of one
 * @p: the policy
 * @id: index of the list that it goes to
 * @frame: a frame that fpool_policy_knows()
 *
 * As dequeue() and enqueue(), and cheaper.
 *
 * Context: Caller serialises access to @p.
 */
static __always_inline void fpool_policy_requeue(struct fpool_policy *p, u8 id,
						 fpool_frame_t frame)
{
	struct fpool_frame_info *fi = fpool_frames_info(p->ft, frame);

	fpool_frame_list_move_tail(p->ft, &p->list[fi->list], &p->list[id], frame);
	fi->list = id;
}

/**
 * fpool_policy_knows() - whether a frame is on one of the policy's lists
 * @p: the policy
 * @frame: any frame of the region
 *
 * Context: Caller serialises access to @p.
 * Return: Whether it is.
 */
static inline bool fpool_policy_knows(const struct fpool_policy *p, fpool_frame_t frame)
{
	return fpool_frames_info(p->ft, frame)->list < FPOOL_POLICY_LISTS;
}

#endif /* FPOOL_CORE_POLICY_H */
