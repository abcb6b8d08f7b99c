// SPDX-License-Identifier: GPL-2.0-only
/* The bitmap, beside an array of one byte per bit. */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "bitmap.h"
#include "helpers.h"

#define MAX_BITS	200
#define FENCE		0xa5a5a5a5a5a5a5a5ULL

struct fixture {
	struct fpool_bitmap map;
	u64 words[MAX_BITS / 64 + 2];	/* and a fence */
	u8 model[MAX_BITS];
};

/* Around the edges of words, and the smallest. */
static const u32 sizes[] = { 1, 2, 63, 64, 65, 127, 128, 129, MAX_BITS };

static struct fixture *make(struct kunit *test, u32 nbits)
{
	struct fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fx);
	memset(fx->words, 0xa5, sizeof(fx->words));
	fpool_bitmap_init(&fx->map, fx->words, nbits);
	return fx;
}

static u32 model_next(const struct fixture *fx, u32 from, u8 value)
{
	while (from < fx->map.nbits && fx->model[from] != value)
		from++;
	return min(from, fx->map.nbits);
}

static void compare(struct kunit *test, const struct fixture *fx)
{
	const struct fpool_bitmap *map = &fx->map;
	u32 i, n = 0, bad = 0;

	for (i = 0; i < map->nbits; i++) {
		n += fx->model[i];
		bad += fpool_bitmap_test(map, i) != fx->model[i];
		bad += fpool_bitmap_next_set(map, i) != model_next(fx, i, 1);
		bad += fpool_bitmap_next_clear(map, i) != model_next(fx, i, 0);
	}
	KUNIT_ASSERT_EQ(test, bad, 0);
	KUNIT_ASSERT_EQ(test, map->nset, n);
	KUNIT_ASSERT_EQ(test, fpool_bitmap_weight(map), n);
	KUNIT_ASSERT_EQ(test, fx->words[fpool_bitmap_bytes(map->nbits) / 8], FENCE);
}

/* Bytes are whole words, and near the largest size nothing overflows. */
static void bytes_are_whole_words(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, fpool_bitmap_bytes(0), 0);
	KUNIT_EXPECT_EQ(test, fpool_bitmap_bytes(1), 8);
	KUNIT_EXPECT_EQ(test, fpool_bitmap_bytes(64), 8);
	KUNIT_EXPECT_EQ(test, fpool_bitmap_bytes(65), 16);
	KUNIT_EXPECT_EQ(test, fpool_bitmap_bytes(1U << 28), 32UL << 20);
	KUNIT_EXPECT_EQ(test, fpool_bitmap_bytes(U32_MAX), 512UL << 20);
}

/* Memory full of rubbish becomes an empty map, and what is behind it stays. */
static void init_clears_everything(struct kunit *test)
{
	u32 s;

	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		compare(test, make(test, sizes[s]));
}

/* Every range of every size around the word edges, set and cleared: no bit more, no bit less. */
static void every_range_set_and_cleared(struct kunit *test)
{
	const u32 step = FPOOL_TEST_STEPS(7, 1);
	u32 s, first, nr;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct fixture *fx = make(test, sizes[s]);

		for (first = 0; first < sizes[s]; first++) {
			for (nr = 1; nr <= sizes[s] - first; nr += step) {
				fpool_bitmap_set(&fx->map, first, nr);
				memset(fx->model + first, 1, nr);
				compare(test, fx);
				fpool_bitmap_clear(&fx->map, first, nr);
				memset(fx->model + first, 0, nr);
			}
		}
		compare(test, fx);
	}
}

/* The same with the whole map set around it: a clear must not take a neighbour with it. */
static void every_range_cleared_in_a_full_map(struct kunit *test)
{
	const u32 step = FPOOL_TEST_STEPS(7, 1);
	struct fixture *fx = make(test, 130);
	u32 first, nr;

	fpool_bitmap_set(&fx->map, 0, 130);
	memset(fx->model, 1, 130);
	for (first = 0; first < 130; first++) {
		for (nr = 1; nr <= 130 - first; nr += step) {
			fpool_bitmap_clear(&fx->map, first, nr);
			memset(fx->model + first, 0, nr);
			compare(test, fx);
			fpool_bitmap_set(&fx->map, first, nr);
			memset(fx->model + first, 1, nr);
		}
	}
	compare(test, fx);
}

/* One bit that differs, anywhere in a range, is seen; just outside of it, it is not. */
static void one_odd_bit_is_seen_only_inside(struct kunit *test)
{
	struct fixture *fx = make(test, 130);
	u32 i, first = 3, nr = 126, bad = 0;

	for (i = 0; i < 130; i++) {
		bool inside = i >= first && i < first + nr;

		fpool_bitmap_set_one(&fx->map, i);
		bad += fpool_bitmap_all_clear(&fx->map, first, nr) == inside;
		fpool_bitmap_clear_one(&fx->map, i);
	}
	fpool_bitmap_set(&fx->map, 0, 130);
	for (i = 0; i < 130; i++) {
		bool inside = i >= first && i < first + nr;

		fpool_bitmap_clear_one(&fx->map, i);
		bad += fpool_bitmap_all_set(&fx->map, first, nr) == inside;
		fpool_bitmap_set_one(&fx->map, i);
	}
	KUNIT_EXPECT_EQ(test, bad, 0);
	KUNIT_EXPECT_EQ(test, fx->map.nset, 130);
}

/* A range of nothing is all set, all clear, and changes nothing, at the edges too. */
static void empty_range_is_nothing(struct kunit *test)
{
	struct fixture *fx = make(test, 64);

	fpool_bitmap_set(&fx->map, 0, 0);
	fpool_bitmap_set(&fx->map, 64, 0);
	fpool_bitmap_clear(&fx->map, 64, 0);
	KUNIT_EXPECT_TRUE(test, fpool_bitmap_all_set(&fx->map, 0, 0));
	KUNIT_EXPECT_TRUE(test, fpool_bitmap_all_clear(&fx->map, 64, 0));
	compare(test, fx);
}

/* Searching stops at the end, also when the search starts past it. */
static void search_stops_at_the_end(struct kunit *test)
{
	struct fixture *fx = make(test, 65);

	KUNIT_EXPECT_EQ(test, fpool_bitmap_next_set(&fx->map, 0), 65);
	KUNIT_EXPECT_EQ(test, fpool_bitmap_next_set(&fx->map, 65), 65);
	KUNIT_EXPECT_EQ(test, fpool_bitmap_next_clear(&fx->map, U32_MAX), 65);
	fpool_bitmap_set(&fx->map, 0, 65);
	KUNIT_EXPECT_EQ(test, fpool_bitmap_next_clear(&fx->map, 0), 65);
	KUNIT_EXPECT_EQ(test, fpool_bitmap_next_set(&fx->map, 64), 64);
}

/* The weight counts what is there, not what the map believes: else no checker could use it. */
static void weight_counts_for_itself(struct kunit *test)
{
	struct fixture *fx = make(test, 65);

	fpool_bitmap_set(&fx->map, 3, 62);
	fx->map.nset = 7;
	KUNIT_EXPECT_EQ(test, fpool_bitmap_weight(&fx->map), 62);
}

/* Long and random: flip ranges that are uniform, compare everything after each step. */
static void random_like_the_model(struct kunit *test)
{
	const u32 steps = FPOOL_TEST_STEPS(500, 20000);
	struct rnd_state rnd;
	u32 s, i;

	fpool_kunit_seed(test, &rnd);
	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct fixture *fx = make(test, sizes[s]);

		for (i = 0; i < steps / ARRAY_SIZE(sizes); i++) {
			u32 first = fpool_kunit_below(&rnd, sizes[s]);
			u8 old = fx->model[first];
			u32 run = model_next(fx, first, !old) - first;
			u32 nr = 1 + fpool_kunit_below(&rnd, run);

			if (old)
				fpool_bitmap_clear(&fx->map, first, nr);
			else
				fpool_bitmap_set(&fx->map, first, nr);
			memset(fx->model + first, !old, nr);
			compare(test, fx);
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(bytes_are_whole_words),
	KUNIT_CASE(init_clears_everything),
	KUNIT_CASE(every_range_set_and_cleared),
	KUNIT_CASE(every_range_cleared_in_a_full_map),
	KUNIT_CASE(one_odd_bit_is_seen_only_inside),
	KUNIT_CASE(empty_range_is_nothing),
	KUNIT_CASE(search_stops_at_the_end),
	KUNIT_CASE(weight_counts_for_itself),
	KUNIT_CASE(random_like_the_model),
	{}
};

static struct kunit_suite suite = {
	.name = "fpool_bitmap",
	.test_cases = cases,
};

kunit_test_suite(suite);
