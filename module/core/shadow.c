// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shadows: what another policy, or another size, would have missed.
 *
 * What a pool would have missed if it were another one can only be found out by running that
 * other one, too; but not all of it.  References to a sample of the pages, one of n chosen by a
 * hash, behave like a program n times smaller (mrc.c).  A pool n times smaller, under the
 * same policy, then misses the same share of them: a simulation in miniature (C. Waldspurger,
 * T. Saemundsson, I. Ahmad, N. Park, Cache Modeling and Optimization using Miniature Simulations,
 * USENIX ATC 2017).  A policy needs no frames for that, only frame tables, so the policies of the
 * real pool run here as they are, on small tables of their own:
 *
 *	                              policy      size         frames
 *	 a page of    +--> shadow 0   tenure      the pool's   C / n
 *	 the sample --+--> shadow 1   clock       the pool's   C / n
 *	 is used      |     ...       (each there is)
 *	              +--> shadow 4   the pool's  1/8          C / n / 8
 *	              +--> shadow 5   the pool's  1/4          C / n / 4
 *	                    ...       (halves and doubles)
 *
 * The stack of mrc.c is the page table of all shadows at once.  A page has a bit for each that
 * says whether it is there, and another that is the hardware's accessed bit.  So a reference to a
 * page that all have sets one word; a shadow costs time where it misses.
 *
 * The figures are for comparing with each other.  All shadows see the same references, so the
 * luck of the sample is the same for all and largely cancels out; the shadow that is like the pool
 * itself is the measure of the others, not the pool's own counters.
 *
 * A kernel does not see references.  It sees faults, and accessed bits where it looks: so it tells
 * of every fault, and of every bit that it finds set, and looks at the bits of the sample's pages
 * from time to time, lest the uses of a page that is always there be known only when the pool
 * wants to know whether it may leave.  Uses of a page between two looks are one, and the access
 * that faulted has set the bit as well: the first that is found after a fault is not to be told.
 *
 * A miniature has fewer frames than a duel needs (duel.c), and its larger sizes may have enough: it
 * would not go the way that the pool goes, and sizes would be compared that go different ways.  So
 * all go the pool's, and none of them duels, but for those of pools that would be too small for it.
 *
 * A page that falls off the stack is forgotten by all.  The stack is four times as deep as the
 * largest shadow, so that the ghosts that matter are still there.
 */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "shadow.h"

/* A sample this small says nothing at all; and the sizes have to differ. */
#define LEAST_FRAMES	FPOOL_SHADOW_UNIT

/* To the frames all pages are of one space, and have the numbers that the stack gives them. */
#define SPACE		1

const u32 fpool_shadow_eighths[FPOOL_SHADOW_SIZES] = { 1, 2, 4, 6, 8, 12, 16, 24, 32 };

#define LARGEST		32
#define DEPTH		(4 * LARGEST)

static_assert(FPOOL_SHADOW_SIZES <= FPOOL_MRC_SIZES_MAX);

static u32 nr_policies(void)
{
	u32 n = 0;

	while (fpool_policy_nth(n))
		n++;
	return n;
}

/*
 * Each costs time where it misses, and what lies between a size and its double can be read off
 * LRU's curve, which costs nothing.
 */
static bool is_other_size(u32 eighths)
{
	return eighths != FPOOL_SHADOW_UNIT && is_power_of_2(eighths);
}

/* Those of the policies have the pool's size, and those of the other sizes the pool's policy. */
static u32 nr_shadows(void)
{
	u32 n = nr_policies(), i;

	for (i = 0; i < FPOOL_SHADOW_SIZES; i++)
		n += is_other_size(fpool_shadow_eighths[i]);
	return n;
}

static u32 nr_pages(u32 frames)
{
	return fpool_shadow_part(frames, DEPTH);
}

static u32 page_bytes(void)
{
	return ALIGN(sizeof(struct fpool_shadow_page) + nr_shadows() * sizeof(u32), sizeof(u64));
}

/* Not more than one page of so many is worth its cost, where that leaves something to see ... */
#define PAGES_EACH	144U
/* ... which is so many frames: with less the parts that policies divide them into differ. */
#define FRAMES_SOME	110U
/* Not more are needed. */
#define FRAMES_MAX	512U
/* A pool so small that they would be more than one page of so many has fewer ... */
#define PAGES_EACH_MIN	64U
/* ... down to this many, which are better than nothing. */
#define FRAMES_LEAST	16U

/**
 * fpool_shadows_sample() - how large a sample of a pool's pages should be
 * @capacity: frames of the pool
 *
 * Context: Any.
 * Return: Frames of the miniature: the sample is one page of @capacity divided by this.
 */
u32 fpool_shadows_sample(u32 capacity)
{
	u32 frames = clamp(capacity / PAGES_EACH, FRAMES_SOME, FRAMES_MAX);

	frames = max(min(frames, capacity / PAGES_EACH_MIN), FRAMES_LEAST);
	return min(frames, capacity);
}

/**
 * fpool_shadows_bytes() - memory that the shadows need
 * @frames: of the pool's miniature
 *
 * Context: Any.
 * Return: Bytes: about 1,700 for each frame.
 */
size_t fpool_shadows_bytes(u32 frames)
{
	size_t bytes = ALIGN(fpool_mrc_bytes(nr_pages(frames)), sizeof(u64));
	u32 i;

	bytes += (size_t)nr_pages(frames) * page_bytes();
	bytes += nr_policies() * fpool_frames_bytes(frames);
	for (i = 0; i < FPOOL_SHADOW_SIZES; i++) {
		u32 eighths = fpool_shadow_eighths[i];

		if (is_other_size(eighths))
			bytes += fpool_frames_bytes(fpool_shadow_part(frames, eighths));
	}
	return bytes;
}

/**
 * fpool_shadow_stack() - an empty LRU stack that tells the sizes in fpool_shadow_eighths apart
 * @m: the stack
 * @mem: fpool_mrc_bytes() of memory, 8-byte aligned, which stay with it
 * @capacity: pages that it can have
 * @frames: of the pool's miniature
 *
 * Context: Any; the caller owns @m alone.
 * Return: 0, or -EINVAL as fpool_mrc_init().
 */
int fpool_shadow_stack(struct fpool_mrc *m, void *mem, u32 capacity, u32 frames)
{
	u32 depth[FPOOL_SHADOW_SIZES], i;

	for (i = 0; i < FPOOL_SHADOW_SIZES; i++)
		depth[i] = fpool_shadow_part(frames, fpool_shadow_eighths[i]);
	return fpool_mrc_init(m, mem, capacity, depth, FPOOL_SHADOW_SIZES);
}

static bool would_duel(u64 frames)
{
	return frames >= FPOOL_DUEL_LEAST;
}

/* One more shadow, on @mem; where the next one's memory begins. */
static void *add_shadow(struct fpool_shadows *s, void *mem, const struct fpool_policy_ops *ops,
			u32 capacity, u32 eighths)
{
	struct fpool_shadow *shadow = &s->shadow[s->nr];
	u32 nr = fpool_shadow_part(s->frames, eighths), i;

	shadow->nr = s->nr++;
	shadow->eighths = eighths;
	shadow->fixed = eighths == FPOOL_SHADOW_UNIT;
	fpool_frames_init(&shadow->frames, mem, nr);
	fpool_frame_list_init(&shadow->free);
	for (i = 0; i < nr; i++)
		fpool_frame_list_add_tail(&shadow->frames, &shadow->free, fpool_frame(i));
	/* Cannot fail: there is a policy, and there are frames. */
	fpool_policy_init(&shadow->policy, ops, &shadow->frames, nr);
	shadow->policy.duel.led = s->frames < FPOOL_DUEL_LEAST && would_duel(capacity) &&
				  would_duel((u64)capacity * eighths / FPOOL_SHADOW_UNIT);
	return mem + fpool_frames_bytes(nr);
}

/**
 * fpool_shadows_init() - the shadows of a pool, all empty
 * @s: the shadows
 * @mem: fpool_shadows_bytes() of memory, 8-byte aligned, which stay with them
 * @ops: the pool's policy
 * @capacity: frames that pages may use in the pool
 * @frames: of the miniature: the sample is one page of @capacity / @frames
 *
 * Context: Any; the caller owns @s alone.
 * Return: 0, or -EINVAL: @ops is NULL, or @frames are less than 8, more than 2^20 or more than
 *	@capacity.
 */
int fpool_shadows_init(struct fpool_shadows *s, void *mem, const struct fpool_policy_ops *ops,
		       u32 capacity, u32 frames)
{
	u32 i;

	if (!ops || frames < LEAST_FRAMES || frames > 1U << 20 || frames > capacity ||
	    nr_shadows() > FPOOL_SHADOWS_MAX)
		return -EINVAL;
	memset(s, 0, sizeof(*s));
	s->frames = frames;
	s->last = fpool_mrc_share(frames, capacity);
	s->stride = page_bytes();
	if (fpool_shadow_stack(&s->mrc, mem, nr_pages(frames), frames))
		return -EINVAL;
	s->page = mem + ALIGN(fpool_mrc_bytes(nr_pages(frames)), sizeof(u64));
	memset(s->page, 0, (size_t)nr_pages(frames) * s->stride);
	mem = s->page + (size_t)nr_pages(frames) * s->stride;
	for (i = 0; fpool_policy_nth(i); i++)
		mem = add_shadow(s, mem, fpool_policy_nth(i), capacity, FPOOL_SHADOW_UNIT);
	for (i = 0; i < FPOOL_SHADOW_SIZES; i++)
		if (is_other_size(fpool_shadow_eighths[i]))
			mem = add_shadow(s, mem, ops, capacity, fpool_shadow_eighths[i]);
	return 0;
}

static struct fpool_shadow_page *page_at(const struct fpool_shadows *s, u32 i)
{
	return s->page + (size_t)i * s->stride;
}

/* The page in a frame of a shadow. */
static struct fpool_shadow_page *page_in(const struct fpool_shadows *s,
					 const struct fpool_shadow *shadow, fpool_frame_t frame)
{
	return page_at(s, fpool_frames_info(&shadow->frames, frame)->vpn);
}

/* A page leaves the shadow, with a ghost or without; its frame is the caller's. */
static void leave(const struct fpool_shadow *shadow, struct fpool_shadow_page *page, u32 ghost)
{
	page->resident &= ~BIT(shadow->nr);
	page->at[shadow->nr] = ghost;
}

static void free_frame(struct fpool_shadow *shadow, fpool_frame_t frame)
{
	fpool_frames_mark_evict(&shadow->frames, frame);
	fpool_frames_mark_free(&shadow->frames, frame);
	fpool_frame_list_add_head(&shadow->frames, &shadow->free, frame);
}

static bool test_clear_accessed(const struct fpool_shadow *shadow, struct fpool_shadow_page *page)
{
	bool accessed = page->accessed & BIT(shadow->nr);

	page->accessed &= ~BIT(shadow->nr);
	return accessed;
}

/* As the pool does it, but one page at a time: a batch would be half of the miniature. */
static fpool_frame_t evict(struct fpool_shadows *s, struct fpool_shadow *shadow)
{
	struct fpool_policy *policy = &shadow->policy;
	struct fpool_shadow_page *page;
	fpool_frame_t frame;

	while (fpool_policy_candidates(policy, &frame, 1)) {
		page = page_in(s, shadow, frame);
		if (fpool_policy_judge(policy, frame, test_clear_accessed(shadow, page))) {
			leave(shadow, page, fpool_policy_evicted(policy, frame));
			return frame;
		}
	}
	return FPOOL_NO_FRAME;
}

/* A frame that had no page yet; there is one. */
static fpool_frame_t get_free(struct fpool_shadow *shadow, u32 i)
{
	fpool_frame_t frame = fpool_frame_list_first(&shadow->free);

	fpool_frame_list_del(&shadow->frames, &shadow->free, frame);
	fpool_frames_mark_fill(&shadow->frames, frame, SPACE, fpool_vpn(i));
	fpool_frames_mark_resident(&shadow->frames, frame);
	return frame;
}

/* Nobody sees it in between: from page to page at once, as if by EVICT, FREE and FILL. */
static fpool_frame_t get_from_other(struct fpool_shadows *s, struct fpool_shadow *shadow, u32 i)
{
	fpool_frame_t frame = evict(s, shadow);
	struct fpool_frame_info *info;

	if (frame == FPOOL_NO_FRAME)
		return frame;
	info = fpool_frames_info(&shadow->frames, frame);
	info->vpn = i;
	info->policy = 0;
	return frame;
}

/* Only the lower half of a ghost's number is kept; the upper one is that of now, or one less. */
static u64 age_of(const struct fpool_policy *p, u32 ghost)
{
	return ghost ? (u32)(p->evictions - 1 - ghost) : U64_MAX;
}

/* Page number @i was used, and the shadow does not have it. */
static noinline void bring(struct fpool_shadows *s, struct fpool_shadow *shadow, u32 i)
{
	struct fpool_shadow_page *page = page_at(s, i);
	fpool_frame_t frame;

	shadow->misses++;
	if (shadow->free.len)
		frame = get_free(shadow, i);
	else
		frame = get_from_other(s, shadow, i);
	if (frame == FPOOL_NO_FRAME)
		return;
	fpool_policy_insert(&shadow->policy, frame,
			    age_of(&shadow->policy, page->at[shadow->nr]));
	page->at[shadow->nr] = fpool_frame_nr(frame);
	page->resident |= BIT(shadow->nr);
}

/* Another page takes this one's place on the stack: nobody knows it any more. */
static void forget(struct fpool_shadows *s, u32 i)
{
	struct fpool_shadow_page *page = page_at(s, i);
	fpool_frame_t frame;
	u32 k;

	for (k = 0; page->resident && k < s->nr; k++) {
		if (!(page->resident & BIT(k)))
			continue;
		frame = fpool_frame(page->at[k]);
		fpool_policy_remove(&s->shadow[k].policy, frame);
		leave(&s->shadow[k], page, 0);
		free_frame(&s->shadow[k], frame);
	}
	memset(page, 0, s->stride);
}

/**
 * fpool_shadows_ref() - a page of the sample was used
 * @s: the shadows
 * @space: id of its space
 * @vpn: the page; fpool_shadows_samples() has said that it is in the sample
 *
 * Context: Caller serialises access to @s.
 * Return: Its index on the stack of @s->mrc, until it falls off.
 */
u32 fpool_shadows_ref(struct fpool_shadows *s, u32 space, u64 vpn)
{
	bool known;
	u32 i = fpool_mrc_ref(&s->mrc, space, vpn, &known), k, absent;

	if (!known)
		forget(s, i);
	absent = ~page_at(s, i)->resident;
	for (k = 0; k < s->nr; k++)
		if (absent & BIT(k))
			bring(s, &s->shadow[k], i);
	page_at(s, i)->accessed = U32_MAX;
	return i;
}

/**
 * fpool_shadows_switch() - the pool has another policy now
 * @s: the shadows
 * @ops: which
 *
 * Those that differ from the pool by their size go over to it as the pool does, with their pages.
 *
 * Context: Caller serialises access to @s.
 */
void fpool_shadows_switch(struct fpool_shadows *s, const struct fpool_policy_ops *ops)
{
	u32 k;

	for (k = 0; k < s->nr; k++)
		if (!s->shadow[k].fixed)
			fpool_policy_switch(&s->shadow[k].policy, ops);
}

/**
 * fpool_shadows_follow() - which way the pool goes now
 * @s: the shadows
 * @won: whether the rival has won its duel
 *
 * To be told again after fpool_shadows_switch().
 *
 * Context: Caller serialises access to @s.
 */
void fpool_shadows_follow(struct fpool_shadows *s, bool won)
{
	struct fpool_duel *duel;
	u32 k;

	for (k = 0; k < s->nr; k++) {
		duel = &s->shadow[k].policy.duel;
		if (duel->led)
			duel->won = won;
	}
}

/**
 * fpool_shadows_clear() - count anew; all pages stay where they are
 * @s: the shadows
 *
 * Context: Caller serialises access to @s.
 */
void fpool_shadows_clear(struct fpool_shadows *s)
{
	u32 k;

	fpool_mrc_clear(&s->mrc);
	for (k = 0; k < s->nr; k++)
		s->shadow[k].misses = 0;
}

/**
 * fpool_shadows_find() - the shadow that answers a question
 * @s: the shadows
 * @ops: what if the policy were this
 * @eighths: and the size this, in eighths of the pool
 *
 * Context: Caller serialises access to @s.
 * Return: The shadow, or NULL: there is none like that.
 */
const struct fpool_shadow *fpool_shadows_find(const struct fpool_shadows *s,
					      const struct fpool_policy_ops *ops, u32 eighths)
{
	u32 k;

	for (k = 0; k < s->nr; k++)
		if (s->shadow[k].policy.ops == ops && s->shadow[k].eighths == eighths)
			return &s->shadow[k];
	return NULL;
}

static const char *check_shadow(const struct fpool_shadows *s, u32 k)
{
	const struct fpool_shadow *shadow = &s->shadow[k];
	const char *why;
	u32 i, resident = 0;

	if (fpool_policy_check(&shadow->policy, &why))
		return why;
	for (i = 0; i < s->mrc.used; i++) {
		const struct fpool_shadow_page *page = page_at(s, i);

		if (!(page->resident & BIT(k)))
			continue;
		resident++;
		if (page->at[k] >= shadow->frames.nframes ||
		    page_in(s, shadow, fpool_frame(page->at[k])) != page)
			return "a page of a shadow and its frame do not agree";
	}
	if (resident != fpool_policy_len(&shadow->policy) ||
	    resident + shadow->free.len != shadow->frames.nframes)
		return "a shadow has lost a frame, or has one twice";
	return NULL;
}

/**
 * fpool_shadows_check() - whether stack, shadows, policies and frames agree
 * @s: the shadows
 * @why: becomes a sentence about the first thing that is wrong
 *
 * Context: Caller serialises access to @s.
 * Return: 0; -EUCLEAN if something is wrong.
 */
int fpool_shadows_check(const struct fpool_shadows *s, const char **why)
{
	u32 k;

	if (fpool_mrc_check(&s->mrc, why))
		return -EUCLEAN;
	for (k = 0; k < s->nr && !*why; k++)
		*why = check_shadow(s, k);
	return *why ? -EUCLEAN : 0;
}
