// SPDX-License-Identifier: GPL-2.0-only
/*
 * Curves of working sets: each is what a stack says that is given this set's references alone.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "curves.h"
#include "helpers.h"

#define FRAMES	8
#define SETS	5

/* No two alike in their lower bits, where an id could be. */
static u64 set_nr(u32 i)
{
	return i * 0x100000001ULL;
}

static struct fpool_curves *curves_new(struct kunit *test)
{
	struct fpool_curves *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	void *mem = kunit_kzalloc(test, fpool_curves_bytes(FRAMES), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, fpool_curves_init(c, mem, FRAMES), 0);
	return c;
}

static struct fpool_curve *find(struct fpool_curves *c, u64 set)
{
	u32 i;

	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		if (c->curve[i].used && c->curve[i].set == set)
			return &c->curve[i];
	return NULL;
}

static void expect_sound(struct kunit *test, const struct fpool_curves *c)
{
	const char *why;

	KUNIT_EXPECT_EQ_MSG(test, fpool_curves_check(c, &why), 0, "%s", why);
}

/* A stack like that of a curve, for the references of one set. */
static void alone_init(struct kunit *test, struct fpool_mrc *m)
{
	u32 depth[FPOOL_SHADOW_SIZES], i;
	void *mem;

	for (i = 0; i < FPOOL_SHADOW_SIZES; i++)
		depth[i] = fpool_shadow_part(FRAMES, fpool_shadow_eighths[i]);
	mem = kunit_kzalloc(test, fpool_mrc_bytes(depth[i - 1]), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, fpool_mrc_init(m, mem, depth[i - 1], depth, i), 0);
}

static void each_as_if_alone(struct kunit *test)
{
	struct fpool_curves *c = curves_new(test);
	struct fpool_mrc *alone = kunit_kcalloc(test, SETS, sizeof(*alone), GFP_KERNEL);
	u32 i, k, set, page, steps = FPOOL_TEST_STEPS(2000, 20000);
	struct rnd_state rnd;
	bool known;

	KUNIT_ASSERT_NOT_NULL(test, alone);
	fpool_kunit_seed(test, &rnd);
	for (i = 0; i < SETS; i++)
		alone_init(test, &alone[i]);
	for (i = 0; i < steps; i++) {
		set = fpool_kunit_below(&rnd, SETS);
		/* From all in the smallest size to most in none. */
		page = fpool_kunit_below(&rnd, 1 + 12 * set);
		fpool_curves_ref(c, set_nr(set), page % 2, page);
		fpool_mrc_ref(&alone[set], page % 2, page, &known);
		if (i % 100)
			continue;
		expect_sound(test, c);
		if (i != steps / 2)
			continue;
		fpool_curves_clear(c);
		for (k = 0; k < SETS; k++)
			fpool_mrc_clear(&alone[k]);
	}
	KUNIT_EXPECT_EQ(test, c->left_out, 0);
	for (i = 0; i < SETS; i++) {
		const struct fpool_curve *curve = find(c, set_nr(i));

		KUNIT_ASSERT_NOT_NULL(test, curve);
		KUNIT_EXPECT_EQ(test, curve->mrc.refs, alone[i].refs);
		KUNIT_EXPECT_EQ(test, curve->mrc.cold, alone[i].cold);
		for (k = 0; k < FPOOL_SHADOW_SIZES; k++)
			KUNIT_EXPECT_EQ(test, fpool_mrc_misses(&curve->mrc, k),
					fpool_mrc_misses(&alone[i], k));
	}
}

static void one_more_than_there_can_be(struct kunit *test)
{
	struct fpool_curves *c = curves_new(test);
	u32 i;

	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		fpool_curves_ref(c, set_nr(i), 1, i);
	fpool_curves_ref(c, set_nr(i), 1, i);
	KUNIT_EXPECT_EQ(test, c->left_out, 1);
	KUNIT_EXPECT_NULL(test, find(c, set_nr(i)));
	/* Who had one keeps it ... */
	fpool_curves_ref(c, set_nr(3), 1, 3);
	KUNIT_EXPECT_EQ(test, find(c, set_nr(3))->mrc.refs, 2);
	/* ... until he goes. What he used is not the next one's. */
	fpool_curves_drop(c, set_nr(3));
	KUNIT_EXPECT_NULL(test, find(c, set_nr(3)));
	fpool_curves_ref(c, set_nr(i), 1, 3);
	KUNIT_ASSERT_NOT_NULL(test, find(c, set_nr(i)));
	KUNIT_EXPECT_EQ(test, find(c, set_nr(i))->mrc.cold, 1);
	KUNIT_EXPECT_EQ(test, c->left_out, 1);
	expect_sound(test, c);
	fpool_curves_drop(c, set_nr(3));
	KUNIT_EXPECT_NOT_NULL(test, find(c, set_nr(i)));
}

static void bad_frames(struct kunit *test)
{
	static const u32 bad[] = { 0, 7, (1U << 20) + 1 };
	struct fpool_curves *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	size_t i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ(test, fpool_curves_init(c, NULL, bad[i]), -EINVAL);
}

static void damage_is_found(struct kunit *test)
{
	struct fpool_curves *c = curves_new(test);
	const char *why;

	fpool_curves_ref(c, set_nr(1), 1, 1);
	fpool_curves_ref(c, set_nr(2), 1, 1);
	expect_sound(test, c);
	find(c, set_nr(2))->set = set_nr(1);
	KUNIT_EXPECT_EQ(test, fpool_curves_check(c, &why), -EUCLEAN);
	KUNIT_EXPECT_STREQ(test, why, "a working set has two curves");
	c->curve[1].set = set_nr(2);
	c->curve[1].mrc.used++;
	KUNIT_EXPECT_EQ(test, fpool_curves_check(c, &why), -EUCLEAN);
	KUNIT_EXPECT_NOT_NULL(test, why);
}

static struct kunit_case curves_cases[] = {
	KUNIT_CASE(each_as_if_alone),
	KUNIT_CASE(one_more_than_there_can_be),
	KUNIT_CASE(bad_frames),
	KUNIT_CASE(damage_is_found),
	{}
};

static struct kunit_suite curves_suite = {
	.name = "fpool_curves",
	.test_cases = curves_cases,
};

kunit_test_suite(curves_suite);
