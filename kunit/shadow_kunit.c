// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shadows against the real thing: pools that run one policy with one size each, and see all.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "helpers.h"
#include "curves.h"
#include "shadow.h"

#define CAPACITY	24U
#define PAGES_MAX	(CAPACITY * 16)	/* of the model; the stack has as many */
#define FRAMES_MAX	(CAPACITY * 4)

/* A pool as it is without shadows: arrays by page number, whole ghosts. */
struct pool {
	struct fpool_policy policy;
	struct fpool_frames frames;
	struct fpool_frame_info tab[FRAMES_MAX];
	u32 page_in[FRAMES_MAX];
	u32 frame_of[PAGES_MAX];	/* or U32_MAX */
	bool accessed[PAGES_MAX];
	u64 ghost[PAGES_MAX];
	u32 used;			/* frames that have ever been */
	u64 misses;
};

static struct pool *pool_new(struct kunit *test, const struct fpool_policy_ops *ops, u32 frames)
{
	struct pool *pool = kunit_kzalloc(test, sizeof(*pool), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pool);
	fpool_frames_init(&pool->frames, pool->tab, frames);
	memset(pool->frame_of, 0xff, sizeof(pool->frame_of));
	KUNIT_ASSERT_EQ(test, fpool_policy_init(&pool->policy, ops, &pool->frames, frames), 0);
	return pool;
}

/* The frame of the page that leaves. */
static u32 evict(struct pool *pool)
{
	fpool_frame_t frame;
	bool accessed;
	u32 page;

	for (;;) {
		fpool_policy_candidates(&pool->policy, &frame, 1);
		page = pool->page_in[fpool_frame_nr(frame)];
		accessed = pool->accessed[page];
		pool->accessed[page] = false;
		if (fpool_policy_judge(&pool->policy, frame, accessed))
			break;
	}
	pool->ghost[page] = fpool_policy_evicted(&pool->policy, frame);
	pool->frame_of[page] = U32_MAX;
	return fpool_frame_nr(frame);
}

static void ref(struct pool *pool, u32 page)
{
	u32 frame = pool->frame_of[page];

	if (frame == U32_MAX) {
		pool->misses++;
		frame = pool->used < pool->frames.nframes ? pool->used++ : evict(pool);
		pool->page_in[frame] = page;
		pool->frame_of[page] = frame;
		pool->tab[frame].state = FPOOL_FRAME_RESIDENT;
		fpool_policy_insert(&pool->policy, fpool_frame(frame),
				    fpool_policy_age(&pool->policy, pool->ghost[page]));
	}
	pool->accessed[page] = true;
}

static struct fpool_shadows *shadows_new(struct kunit *test, const struct fpool_policy_ops *ops,
					 u32 capacity, u32 frames)
{
	struct fpool_shadows *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	size_t bytes = fpool_shadows_bytes(frames);
	void *mem = kunit_kzalloc(test, bytes + 8, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	memset(mem + bytes, 0x5a, 8);
	KUNIT_ASSERT_EQ(test, fpool_shadows_init(s, mem, ops, capacity, frames), 0);
	return s;
}

static void sound(struct kunit *test, const struct fpool_shadows *s)
{
	const char *why = "";

	KUNIT_ASSERT_EQ_MSG(test, fpool_shadows_check(s, &why), 0, "%s", why);
}

/* A hot set, a loop, a few at random: something for every policy. */
static u32 some_page(struct rnd_state *rnd, u32 step)
{
	switch (fpool_kunit_below(rnd, 4)) {
	case 0:
		return fpool_kunit_below(rnd, CAPACITY / 2);
	case 1:
		return fpool_kunit_below(rnd, PAGES_MAX);
	default:
		return CAPACITY + step / 2 % (CAPACITY + CAPACITY / 4);
	}
}

struct pools {
	struct pool *pool[FPOOL_SHADOWS_MAX];
};

static struct pools *pools_like(struct kunit *test, const struct fpool_shadows *s)
{
	struct pools *all = kunit_kzalloc(test, sizeof(*all), GFP_KERNEL);
	u32 k;

	KUNIT_ASSERT_NOT_NULL(test, all);
	for (k = 0; k < s->nr; k++)
		all->pool[k] = pool_new(test, s->shadow[k].policy.ops,
					CAPACITY * s->shadow[k].eighths / FPOOL_SHADOW_UNIT);
	return all;
}

static void live(struct kunit *test, struct fpool_shadows *s, struct pools *all,
		 struct rnd_state *rnd, u32 steps)
{
	u32 step, page, k;

	for (step = 0; step < steps; step++) {
		page = some_page(rnd, step);
		fpool_shadows_ref(s, 1, page);
		for (k = 0; k < s->nr; k++) {
			ref(all->pool[k], page);
			KUNIT_ASSERT_EQ_MSG(test, s->shadow[k].misses, all->pool[k]->misses,
					    "%s, %u/8, step %u", s->shadow[k].policy.ops->name,
					    s->shadow[k].eighths, step);
		}
		if (!(step % 64))
			sound(test, s);
	}
}

/* With all pages in the sample every shadow misses exactly when the pool it is of would. */
static void like_the_pools_themselves(struct kunit *test)
{
	const struct fpool_policy_ops *ops;
	struct fpool_shadows *s;
	struct rnd_state rnd;
	u32 n;

	fpool_kunit_seed(test, &rnd);
	for (n = 0; (ops = fpool_policy_nth(n)); n++) {
		s = shadows_new(test, ops, CAPACITY, CAPACITY);
		live(test, s, pools_like(test, s), &rnd, FPOOL_TEST_STEPS(600, 20000));
	}
}

/* The pool's policy changes: what differs by size goes along, what stands for a policy does not. */
static void a_switch_in_the_pool(struct kunit *test)
{
	struct fpool_shadows *s = shadows_new(test, &fpool_policy_lru2, CAPACITY, CAPACITY);
	struct pools *all = pools_like(test, s);
	struct rnd_state rnd;
	u32 k;

	fpool_kunit_seed(test, &rnd);
	live(test, s, all, &rnd, 300);
	KUNIT_EXPECT_NULL(test, fpool_shadows_find(s, &fpool_policy_fifo, 4));
	fpool_shadows_switch(s, &fpool_policy_fifo);
	for (k = 0; k < s->nr; k++)
		if (s->shadow[k].eighths != FPOOL_SHADOW_UNIT)
			fpool_policy_switch(&all->pool[k]->policy, &fpool_policy_fifo);
	live(test, s, all, &rnd, 300);
	KUNIT_EXPECT_NOT_NULL(test, fpool_shadows_find(s, &fpool_policy_fifo, 4));
	KUNIT_EXPECT_NULL(test, fpool_shadows_find(s, &fpool_policy_lru2, 4));
	for (k = 0; fpool_policy_nth(k); k++)
		KUNIT_EXPECT_PTR_EQ(test,
				    fpool_shadows_find(s, fpool_policy_nth(k), FPOOL_SHADOW_UNIT),
				    &s->shadow[k]);
	KUNIT_EXPECT_NULL(test, fpool_shadows_find(s, &fpool_policy_fifo, 5));
}

/* More pages than anybody remembers: the stack is full, and all agree on what is forgotten. */
static void what_is_forgotten_is_forgotten_by_all(struct kunit *test)
{
	struct fpool_shadows *s = shadows_new(test, &fpool_policy_tenure, CAPACITY, CAPACITY);
	struct rnd_state rnd;
	u32 step;

	fpool_kunit_seed(test, &rnd);
	for (step = 0; step < FPOOL_TEST_STEPS(600, 20000); step++) {
		/* Few come back, and some of those after others were forgotten. */
		fpool_shadows_ref(s, 1 + step % 2, fpool_kunit_below(&rnd, 3 * PAGES_MAX) & ~1ULL);
		if (!(step % 16))
			sound(test, s);
	}
	sound(test, s);
	KUNIT_EXPECT_EQ(test, s->mrc.used, s->mrc.capacity);
	KUNIT_EXPECT_GT(test, s->mrc.cold, s->mrc.capacity);
}

/* Nothing is written behind the memory that it asked for, whatever size and sample. */
static void it_keeps_to_its_memory(struct kunit *test)
{
	static const u32 capacity[] = { 8, 9, 15, 24, 1000, 1001 };
	struct fpool_shadows *s;
	u32 i, frames, page;
	const u8 *end;

	for (i = 0; i < ARRAY_SIZE(capacity); i++) {
		for (frames = capacity[i]; frames >= 8; frames = 2 * frames / 3) {
			s = shadows_new(test, &fpool_policy_clock, capacity[i], frames);
			end = (const u8 *)s->mrc.page + fpool_shadows_bytes(frames);
			for (page = 0; page < 20 * frames; page++)
				fpool_shadows_ref(s, 1, page);
			sound(test, s);
			KUNIT_EXPECT_EQ(test, end[0], 0x5a);
			KUNIT_EXPECT_EQ(test, end[7], 0x5a);
			KUNIT_EXPECT_PTR_EQ(test,
					    (const void *)&s->shadow[s->nr - 1].frames.tab
						    [s->shadow[s->nr - 1].frames.nframes],
					    (const void *)end);
		}
	}
}

/* Whatever the pool, up to 1 TiB: a sample that can be told, and not more than was promised. */
static void three_mib_are_enough(struct kunit *test)
{
	const u32 tib = 1U << 28;
	u32 capacity, frames, before = 0;
	size_t bytes;

	for (capacity = 16; capacity <= tib; capacity += capacity / 16) {
		frames = fpool_shadows_sample(capacity);
		/* More for who has more, and one page of 64 at most where there are enough. */
		KUNIT_ASSERT_GE(test, frames, before);
		KUNIT_ASSERT_GE(test, frames, 16);
		KUNIT_ASSERT_LE(test, frames, max(16U, capacity / 64));
		KUNIT_ASSERT_LE(test, frames, 512);
		before = frames;
		/* What whatif.c has beside: a bit, 4 bytes and 16 for each page of the stack. */
		bytes = fpool_shadows_bytes(frames) + fpool_curves_bytes(frames) +
			21 * 16 * frames;
		KUNIT_ASSERT_LE_MSG(test, bytes, 3U << 20, "%u frames", capacity);
	}
	KUNIT_EXPECT_EQ(test, fpool_shadows_sample(16000), 111);
	KUNIT_EXPECT_EQ(test, fpool_shadows_sample(tib), 512);
	KUNIT_EXPECT_EQ(test, fpool_shadows_sample(8), 8);
}

static void bad_parameters(struct kunit *test)
{
	struct fpool_shadows *s = shadows_new(test, &fpool_policy_clock, 64, 64);
	void *mem = s->mrc.page;

	KUNIT_EXPECT_EQ(test, fpool_shadows_init(s, mem, NULL, 64, 64), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_shadows_init(s, mem, &fpool_policy_clock, 64, 65), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_shadows_init(s, mem, &fpool_policy_clock, 64, 7), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_shadows_init(s, mem, &fpool_policy_clock, U32_MAX,
						 (1U << 20) + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_shadows_init(s, mem, &fpool_policy_clock, 64, 8), 0);
}

/* The checker finds what the stack, a policy and the shadows themselves could have wrong. */
static void damage_is_found(struct kunit *test)
{
	struct fpool_shadows *s = shadows_new(test, &fpool_policy_clock, CAPACITY, CAPACITY);
	struct fpool_shadow_page *page = s->page;
	const char *why;
	u32 i;

	for (i = 0; i < 2 * CAPACITY; i++)
		fpool_shadows_ref(s, 1, i);
	sound(test, s);
	s->mrc.used--;
	KUNIT_EXPECT_EQ(test, fpool_shadows_check(s, &why), -EUCLEAN);
	s->mrc.used++;
	s->shadow[1].policy.list[0].len++;
	KUNIT_EXPECT_EQ(test, fpool_shadows_check(s, &why), -EUCLEAN);
	s->shadow[1].policy.list[0].len--;
	s->shadow[2].free.len++;
	KUNIT_EXPECT_EQ(test, fpool_shadows_check(s, &why), -EUCLEAN);
	s->shadow[2].free.len--;
	/* The first page left all but the largest long ago. */
	page->resident |= 1;
	page->at[0] = 1;
	KUNIT_EXPECT_EQ(test, fpool_shadows_check(s, &why), -EUCLEAN);
	page->at[0] = CAPACITY;
	KUNIT_EXPECT_EQ(test, fpool_shadows_check(s, &why), -EUCLEAN);
	KUNIT_EXPECT_NOT_NULL(test, why);
	page->resident &= ~1;
	sound(test, s);
}

#define MINIATURE	256U
#define PAGES_EACH	16	/* one of so many is in the sample */
#define ROUND		(2 * MINIATURE * PAGES_EACH)

/*
 * What is known without a simulation: of uniformly random references to twice as many pages as
 * there are frames every policy misses one half, and with n frames 1 - n / pages.
 */
static void a_sample_of_random_references(struct kunit *test)
{
	struct fpool_shadows *s = shadows_new(test, &fpool_policy_tenure, MINIATURE * PAGES_EACH,
					     MINIATURE);
	u32 i, k, page, want, steps = FPOOL_TEST_STEPS(8, 40) * ROUND;
	struct rnd_state rnd;

	fpool_kunit_seed(test, &rnd);
	for (i = 0; i < steps; i++) {
		page = fpool_kunit_below(&rnd, ROUND);
		if (fpool_shadows_samples(s, 1, page))
			fpool_shadows_ref(s, 1, page);
		if (i == 4 * ROUND)
			fpool_shadows_clear(s);
	}
	sound(test, s);
	for (k = 0; k < s->nr; k++) {
		/* In permille; a larger sample than that of 512 pages would come nearer. */
		want = s->shadow[k].eighths < 16 ? 1000 - s->shadow[k].eighths * 1000 / 16 : 0;
		i = s->shadow[k].misses * 1000 / s->mrc.refs;
		KUNIT_EXPECT_TRUE_MSG(test, i + 60 >= want && i <= want + 60,
				      "%s, %u/8: %u instead of %u permille",
				      s->shadow[k].policy.ops->name, s->shadow[k].eighths, i, want);
	}
}

/* Whoever has won the pool's duel: so the pool goes, and pools of other sizes that would duel. */
static void expect_way(struct kunit *test, struct fpool_shadows *s, bool won, u32 least)
{
	struct rnd_state rnd;
	u32 i, k;

	prandom_seed_state(&rnd, 1);
	fpool_shadows_follow(s, won);
	for (i = 0; i < 8 * MINIATURE; i++)
		fpool_shadows_ref(s, 1, fpool_kunit_below(&rnd, 4 * MINIATURE));
	for (k = 0; k < s->nr; k++)
		KUNIT_EXPECT_EQ_MSG(test, s->shadow[k].policy.duel.won,
				    won && s->shadow[k].eighths >= least, "%u/8",
				    s->shadow[k].eighths);
	sound(test, s);
}

static void all_sizes_go_the_pools_way(struct kunit *test)
{
	/* A quarter of such a pool is large enough for a duel, an eighth is not. */
	struct fpool_shadows *s = shadows_new(test, &fpool_policy_tenure, 4096, MINIATURE);

	expect_way(test, s, false, 0);
	expect_way(test, s, true, 2);
	fpool_shadows_switch(s, &fpool_policy_clock);
	fpool_shadows_switch(s, &fpool_policy_tenure);
	expect_way(test, s, true, 2);
	expect_way(test, s, false, 0);
	/* Pools that do not duel, and one that is its own sample and does so itself. */
	expect_way(test, shadows_new(test, &fpool_policy_tenure, 1023, MINIATURE / 2), true, 64);
	expect_way(test, shadows_new(test, &fpool_policy_tenure, 1024, 1024), true, 64);
}

static struct kunit_case shadow_cases[] = {
	KUNIT_CASE(like_the_pools_themselves),
	KUNIT_CASE(a_switch_in_the_pool),
	KUNIT_CASE(what_is_forgotten_is_forgotten_by_all),
	KUNIT_CASE(it_keeps_to_its_memory),
	KUNIT_CASE(three_mib_are_enough),
	KUNIT_CASE(bad_parameters),
	KUNIT_CASE(damage_is_found),
	KUNIT_CASE(a_sample_of_random_references),
	KUNIT_CASE(all_sizes_go_the_pools_way),
	{}
};

static struct kunit_suite shadow_suite = {
	.name = "fpool_shadow",
	.test_cases = shadow_cases,
};

kunit_test_suite(shadow_suite);
