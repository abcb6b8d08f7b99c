// SPDX-License-Identifier: GPL-2.0-only
/* Replacement: the registry, the counting, and CLOCK against a clock with a face and a hand. */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "helpers.h"
#include "policy.h"

#define MAX_FRAMES	9

struct pool {
	struct fpool_frames frames;
	struct fpool_frame_info tab[MAX_FRAMES];
	struct fpool_policy policy;
};

/* A region with every frame taken for some page, and a CLOCK that knows none of them yet. */
static struct pool *pool_new(struct kunit *test, u32 nframes)
{
	struct pool *pool = kunit_kzalloc(test, sizeof(*pool), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, pool);
	fpool_frames_init(&pool->frames, pool->tab, nframes);
	for (i = 0; i < nframes; i++) {
		KUNIT_ASSERT_EQ(test, fpool_frames_mark_fill(&pool->frames, fpool_frame(i), 1,
							     fpool_vpn(i)), 0);
		KUNIT_ASSERT_EQ(test, fpool_frames_mark_resident(&pool->frames, fpool_frame(i)), 0);
	}
	KUNIT_ASSERT_EQ(test, fpool_policy_init(&pool->policy, &fpool_policy_clock, &pool->frames,
						nframes), 0);
	return pool;
}

static void insert(struct pool *pool, u32 frame)
{
	fpool_policy_insert(&pool->policy, fpool_frame(frame), U64_MAX);
}

static bool judge(struct pool *pool, u32 frame, bool accessed)
{
	return fpool_policy_judge(&pool->policy, fpool_frame(frame), accessed);
}

static void check(struct kunit *test, struct pool *pool)
{
	const char *why;

	KUNIT_ASSERT_EQ_MSG(test, fpool_policy_check(&pool->policy, &why), 0, "%s", why);
}

/* From the hand on, the frames are those of @want, up to -1. */
static void expect_order(struct kunit *test, struct pool *pool, const int *want)
{
	fpool_frame_t got[MAX_FRAMES + 1];
	u32 i, n;

	n = fpool_policy_candidates(&pool->policy, got, MAX_FRAMES + 1);
	for (i = 0; i < n && want[i] >= 0; i++)
		KUNIT_EXPECT_EQ(test, fpool_frame_nr(got[i]), want[i]);
	KUNIT_EXPECT_EQ(test, i, n);
	KUNIT_EXPECT_EQ(test, want[i], -1);
	KUNIT_EXPECT_EQ(test, fpool_policy_len(&pool->policy), n);
	check(test, pool);
}

#define ORDER(...)	((const int []){ __VA_ARGS__, -1 })

/* Policies are found by the name that users type, each has its own, and the list has an end. */
static void policies_have_names(struct kunit *test)
{
	const struct fpool_policy_ops *ops;
	unsigned int n;

	for (n = 0; (ops = fpool_policy_nth(n)); n++) {
		KUNIT_EXPECT_PTR_EQ(test, fpool_policy_find(ops->name), ops);
		KUNIT_EXPECT_LT(test, strlen(ops->name), FPOOL_POLICY_NAME_MAX);
	}
	KUNIT_EXPECT_GE(test, n, 1);
	KUNIT_EXPECT_NULL(test, fpool_policy_nth(~0U));
	KUNIT_EXPECT_PTR_EQ(test, fpool_policy_find("clock"), &fpool_policy_clock);
	KUNIT_EXPECT_NULL(test, fpool_policy_find("CLOCK"));
	KUNIT_EXPECT_NULL(test, fpool_policy_find("clockwork"));
	KUNIT_EXPECT_NULL(test, fpool_policy_find(""));
}

/* A policy needs ops and a capacity that the region has; else the memory is not touched. */
static void init_refuses_nonsense(struct kunit *test)
{
	struct pool *pool = pool_new(test, 2);
	struct fpool_policy p, was;
	unsigned int i;

	memset(&p, 0x77, sizeof(p));
	was = p;
	KUNIT_EXPECT_EQ(test, fpool_policy_init(&p, NULL, &pool->frames, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_policy_init(&p, &fpool_policy_clock, &pool->frames, 0),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_policy_init(&p, &fpool_policy_clock, &pool->frames, 3),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, memcmp(&p, &was, sizeof(p)), 0);
	KUNIT_EXPECT_EQ(test, fpool_policy_init(&p, &fpool_policy_clock, &pool->frames, 2), 0);
	KUNIT_EXPECT_EQ(test, fpool_policy_len(&p), 0);
	KUNIT_EXPECT_EQ(test, p.capacity, 2);
	KUNIT_EXPECT_EQ(test, p.tests, 0);
	for (i = 0; i < ARRAY_SIZE(p.word); i++)
		KUNIT_EXPECT_EQ(test, p.word[i], 0);
}

/* Ghosts are numbered from 1 by eviction, and their age is the evictions since. */
static void ghosts_have_an_age(struct kunit *test)
{
	struct pool *pool = pool_new(test, 3);
	struct fpool_policy *p = &pool->policy;
	u32 *word = &fpool_frames_info(&pool->frames, fpool_frame(2))->policy;

	KUNIT_EXPECT_EQ(test, fpool_policy_age(p, 0), U64_MAX);
	KUNIT_EXPECT_EQ(test, fpool_policy_age(p, 1), U64_MAX);
	KUNIT_EXPECT_EQ(test, fpool_policy_evicted(p, fpool_frame(0)), 1);
	KUNIT_EXPECT_EQ(test, fpool_policy_age(p, 1), 0);
	KUNIT_EXPECT_EQ(test, fpool_policy_evicted(p, fpool_frame(1)), 2);
	*word = FPOOL_POLICY_FORGET;
	KUNIT_EXPECT_EQ(test, fpool_policy_evicted(p, fpool_frame(2)), 0);
	*word = 0;
	KUNIT_EXPECT_EQ(test, fpool_policy_evicted(p, fpool_frame(2)), 4);
	KUNIT_EXPECT_EQ(test, fpool_policy_age(p, 1), 3);
	KUNIT_EXPECT_EQ(test, fpool_policy_age(p, 2), 2);
	KUNIT_EXPECT_EQ(test, fpool_policy_age(p, 4), 0);
	KUNIT_EXPECT_EQ(test, fpool_policy_age(p, 5), U64_MAX);
	KUNIT_EXPECT_EQ(test, fpool_policy_age(p, 0), U64_MAX);
}

/* Without accesses CLOCK is first in, first out. */
static void clock_fifo(struct kunit *test)
{
	struct pool *pool = pool_new(test, 3);

	insert(pool, 2);
	insert(pool, 0);
	insert(pool, 1);
	expect_order(test, pool, ORDER(2, 0, 1));
	KUNIT_EXPECT_TRUE(test, judge(pool, 2, false));
	expect_order(test, pool, ORDER(0, 1));
	KUNIT_EXPECT_FALSE(test, fpool_policy_knows(&pool->policy, fpool_frame(2)));
	insert(pool, 2);
	expect_order(test, pool, ORDER(0, 1, 2));
	KUNIT_EXPECT_EQ(test, pool->policy.tests, 1);
}

/* An accessed page is let off once: the hand comes back to it after all the others. */
static void clock_second_chance(struct kunit *test)
{
	struct pool *pool = pool_new(test, 3);
	u32 i;

	for (i = 0; i < 3; i++)
		insert(pool, i);
	KUNIT_EXPECT_FALSE(test, judge(pool, 0, true));
	expect_order(test, pool, ORDER(1, 2, 0));
	KUNIT_EXPECT_FALSE(test, judge(pool, 1, true));
	KUNIT_EXPECT_FALSE(test, judge(pool, 2, true));
	expect_order(test, pool, ORDER(0, 1, 2));
	KUNIT_EXPECT_TRUE(test, judge(pool, 0, false));
	expect_order(test, pool, ORDER(1, 2));
}

/* One frame is under the hand and behind it at once; none is no candidate. */
static void clock_of_one(struct kunit *test)
{
	struct pool *pool = pool_new(test, 1);
	fpool_frame_t none;

	KUNIT_EXPECT_EQ(test, fpool_policy_candidates(&pool->policy, &none, 1), 0);
	insert(pool, 0);
	KUNIT_EXPECT_FALSE(test, judge(pool, 0, true));
	expect_order(test, pool, ORDER(0));
	KUNIT_EXPECT_TRUE(test, judge(pool, 0, false));
	expect_order(test, pool, ORDER(-1));
}

/* Asking for candidates changes nothing, and never gives more than asked for. */
static void candidates_change_nothing(struct kunit *test)
{
	struct pool *pool = pool_new(test, 3);
	fpool_frame_t out[3] = { FPOOL_NO_FRAME, FPOOL_NO_FRAME, FPOOL_NO_FRAME };
	struct pool was;
	u32 i;

	for (i = 0; i < 3; i++)
		insert(pool, i);
	was = *pool;
	KUNIT_EXPECT_EQ(test, fpool_policy_candidates(&pool->policy, out, 0), 0);
	KUNIT_EXPECT_EQ(test, fpool_policy_candidates(&pool->policy, out, 2), 2);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(out[1]), 1);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(out[2]), fpool_frame_nr(FPOOL_NO_FRAME));
	KUNIT_EXPECT_EQ(test, memcmp(&was, pool, sizeof(was)), 0);
}

/* A victim that cannot leave after all is as good as new. */
static void put_back_goes_last(struct kunit *test)
{
	struct pool *pool = pool_new(test, 3);
	u32 i;

	for (i = 0; i < 3; i++)
		insert(pool, i);
	KUNIT_EXPECT_TRUE(test, judge(pool, 0, false));
	fpool_policy_put_back(&pool->policy, fpool_frame(0));
	expect_order(test, pool, ORDER(1, 2, 0));
}

/* Between candidates() and judge() others come, go and are judged: each still gets its due. */
static void judge_what_has_moved(struct kunit *test)
{
	struct pool *pool = pool_new(test, 5);
	u32 i;

	for (i = 0; i < 4; i++)
		insert(pool, i);
	/* The batch is 0, 1, 2, 3. Before it is judged, 0 is removed and 4 comes. */
	fpool_policy_remove(&pool->policy, fpool_frame(0));
	insert(pool, 4);
	KUNIT_EXPECT_FALSE(test, judge(pool, 0, false));
	expect_order(test, pool, ORDER(1, 2, 3, 4));
	KUNIT_EXPECT_FALSE(test, judge(pool, 0, true));
	expect_order(test, pool, ORDER(1, 2, 3, 4));
	KUNIT_EXPECT_FALSE(test, judge(pool, 2, true));
	expect_order(test, pool, ORDER(1, 3, 4, 2));
	KUNIT_EXPECT_TRUE(test, judge(pool, 3, false));
	expect_order(test, pool, ORDER(1, 4, 2));
	KUNIT_EXPECT_TRUE(test, judge(pool, 2, false));
	expect_order(test, pool, ORDER(1, 4));
}

/* What check() says of a frame on a list that CLOCK does not use, and of one that is not there. */
static void check_finds(struct kunit *test)
{
	struct pool *pool = pool_new(test, 2);
	const char *why = NULL;

	fpool_policy_enqueue(&pool->policy, 1, fpool_frame(0));
	KUNIT_EXPECT_EQ(test, fpool_policy_check(&pool->policy, &why), -EUCLEAN);
	KUNIT_EXPECT_STREQ(test, why, "CLOCK has frames on a list that it does not use");
	fpool_policy_dequeue(&pool->policy, fpool_frame(0));
	check(test, pool);
	insert(pool, 0);
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_evict(&pool->frames, fpool_frame(0)), 0);
	KUNIT_EXPECT_EQ(test, fpool_policy_check(&pool->policy, &why), -EUCLEAN);
	KUNIT_EXPECT_STREQ(test, why,
			   "a frame is on a list and in a state that does not belong there");
}

/*
 * The clock as Corbato drew it: places around a face, each with a frame and its accessed bit,
 * and a hand.
 */
struct face {
	u32 frame[MAX_FRAMES];
	bool accessed[MAX_FRAMES];
	u32 places, hand;
};

static void face_advance(struct face *c)
{
	c->hand = c->places ? (c->hand + 1) % c->places : 0;
}

/* A new place just behind the hand. */
static void face_insert(struct face *c, u32 frame)
{
	u32 i;

	for (i = c->places++; i > c->hand; i--) {
		c->frame[i] = c->frame[i - 1];
		c->accessed[i] = c->accessed[i - 1];
	}
	c->frame[i] = frame;
	c->accessed[i] = false;
	face_advance(c);
}

static u32 face_find(struct face *c, u32 frame)
{
	u32 i;

	for (i = 0; i < c->places && c->frame[i] != frame; i++)
		;
	return i;
}

/* The place closes; if the hand was there, it is at the next. */
static void face_remove(struct face *c, u32 frame)
{
	u32 i = face_find(c, frame);

	if (i < c->hand)
		c->hand--;
	for (c->places--; i < c->places; i++) {
		c->frame[i] = c->frame[i + 1];
		c->accessed[i] = c->accessed[i + 1];
	}
	if (c->hand == c->places)
		c->hand = 0;
}

/* The hand goes round until it finds a page that was not accessed; it stays there. */
static u32 face_victim(struct face *c)
{
	while (c->accessed[c->hand]) {
		c->accessed[c->hand] = false;
		face_advance(c);
	}
	return c->frame[c->hand];
}

static void compare(struct kunit *test, struct pool *pool, struct face *c)
{
	int want[MAX_FRAMES + 1];
	u32 i;

	for (i = 0; i < c->places; i++)
		want[i] = c->frame[(c->hand + i) % c->places];
	want[i] = -1;
	expect_order(test, pool, want);
}

/* The victim by batches of random size, reading and clearing the face's accessed bits. */
static u32 clock_victim(struct kunit *test, struct pool *pool, bool *accessed, u32 batch)
{
	fpool_frame_t out[MAX_FRAMES];
	u32 i, n, nr;

	for (;;) {
		n = fpool_policy_candidates(&pool->policy, out, batch);
		KUNIT_ASSERT_GT(test, n, 0);
		for (i = 0; i < n; i++) {
			nr = fpool_frame_nr(out[i]);
			if (fpool_policy_judge(&pool->policy, out[i], accessed[nr]))
				return nr;
			accessed[nr] = false;
		}
	}
}

/* One step of the comparison: a fault with its eviction, an access, or a removal. */
static void step_once(struct kunit *test, struct pool *pool, struct face *c, struct rnd_state *rnd)
{
	u32 nr = fpool_kunit_below(rnd, pool->frames.nframes), at = face_find(c, nr), i;
	bool accessed[MAX_FRAMES] = { false };

	if (at == c->places) {
		insert(pool, nr);
		face_insert(c, nr);
		return;
	}
	switch (fpool_kunit_below(rnd, 8)) {
	case 0:
		fpool_policy_remove(&pool->policy, fpool_frame(nr));
		face_remove(c, nr);
		break;
	case 1:
	case 2:
	case 3:
		for (i = 0; i < c->places; i++)
			accessed[c->frame[i]] = c->accessed[i];
		nr = face_victim(c);
		KUNIT_ASSERT_EQ(test, clock_victim(test, pool, accessed,
						   1 + fpool_kunit_below(rnd, MAX_FRAMES)), nr);
		for (i = 0; i < c->places; i++)
			KUNIT_ASSERT_EQ(test, accessed[c->frame[i]], c->accessed[i]);
		/* The new page, in the same frame, takes the victim's place. */
		insert(pool, nr);
		face_advance(c);
		break;
	default:
		c->accessed[at] = true;
	}
}

/* Random accesses, faults, and removals: the same victims in the same order as the naive clock. */
static void clock_like_the_model(struct kunit *test)
{
	unsigned int step, steps = FPOOL_TEST_STEPS(500, 50000);
	struct rnd_state rnd;
	struct pool *pool;
	struct face *c;
	u32 nframes;

	fpool_kunit_seed(test, &rnd);
	for (nframes = 1; nframes <= MAX_FRAMES; nframes += 2) {
		pool = pool_new(test, nframes);
		c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, c);
		for (step = 0; step < steps / 5; step++) {
			step_once(test, pool, c, &rnd);
			compare(test, pool, c);
		}
	}
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE(policies_have_names),
	KUNIT_CASE(init_refuses_nonsense),
	KUNIT_CASE(ghosts_have_an_age),
	KUNIT_CASE(clock_fifo),
	KUNIT_CASE(clock_second_chance),
	KUNIT_CASE(clock_of_one),
	KUNIT_CASE(candidates_change_nothing),
	KUNIT_CASE(put_back_goes_last),
	KUNIT_CASE(judge_what_has_moved),
	KUNIT_CASE(check_finds),
	KUNIT_CASE(clock_like_the_model),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "fpool_policy",
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);
