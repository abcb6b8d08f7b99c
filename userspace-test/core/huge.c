// SPDX-License-Identifier: GPL-2.0-only
/*
 * Userspace only: regions of a size for which no test kernel has the memory, 2^28 frames
 * (1 TiB).  What a byte or a shift too few would break is at the far end.
 */
#include <kunit/test.h>

#include "buddy.h"
#include "helpers.h"

#define NFRAMES	(256U << 20)

static struct fpool_buddy *make(struct kunit *test, u32 nframes)
{
	struct fpool_buddy *b = kunit_kmalloc(test, sizeof(*b), GFP_KERNEL);
	void *mem = kunit_kmalloc(test, fpool_buddy_bytes(nframes), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, fpool_buddy_init(b, mem, nframes), 0);
	return b;
}

static void sound(struct kunit *test, const struct fpool_buddy *b)
{
	const char *why = "";

	KUNIT_ASSERT_EQ_MSG(test, fpool_buddy_check(b, &why), 0, "%s", why);
}

/* All of 1 TiB by the largest blocks, the last of which ends with the last frame. */
static void one_tib_is_1024_blocks_of_one_gib(struct kunit *test)
{
	struct fpool_buddy *b = make(test, NFRAMES);
	fpool_frame_t frame;
	u32 n = 0;

	sound(test, b);
	while (!fpool_buddy_alloc(b, FPOOL_MAX_ORDER, &frame))
		n++;
	KUNIT_EXPECT_EQ(test, n, 1024);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(frame), NFRAMES - (1U << FPOOL_MAX_ORDER));
	KUNIT_EXPECT_EQ(test, b->nfree, 0);
	KUNIT_EXPECT_EQ(test, fpool_buddy_free_range(b, fpool_frame(0), NFRAMES), 0);
	KUNIT_EXPECT_EQ(test, b->order[FPOOL_MAX_ORDER].nfree, 1024);
	sound(test, b);
}

/* The last frame alone free is found, by the longest way through the summaries. */
static void the_last_frame_is_found(struct kunit *test)
{
	struct fpool_buddy *b = make(test, NFRAMES - 1);
	fpool_frame_t frame;

	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc_range(b, fpool_frame(0), NFRAMES - 1), 0);
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc(b, 0, &frame), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fpool_buddy_free(b, fpool_frame(NFRAMES - 1), 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_buddy_free(b, fpool_frame(NFRAMES - 2), 0), 0);
	sound(test, b);
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc(b, 0, &frame), 0);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(frame), NFRAMES - 2);
	sound(test, b);
}

/* Frames lost times 1000 does not fit in 32 bits. */
static void the_index_does_not_overflow(struct kunit *test)
{
	struct fpool_buddy *b = make(test, NFRAMES);

	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(b, FPOOL_MAX_ORDER), 0);
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc_range(b, fpool_frame(NFRAMES / 2), 1), 0);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(b, FPOOL_MAX_ORDER), 1);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(b, FPOOL_NR_ORDERS), 1000);
}

/*
 * Singles, so far apart that every level of the summaries is at work, come and go; always
 * the lowest is taken.
 */
static void far_singles_come_in_order(struct kunit *test)
{
	struct fpool_buddy *b = make(test, NFRAMES);
	const u32 n = 1000;
	struct rnd_state rnd;
	fpool_frame_t frame;
	u32 round, i, at;

	fpool_kunit_seed(test, &rnd);
	KUNIT_ASSERT_EQ(test, fpool_buddy_alloc_range(b, fpool_frame(0), NFRAMES), 0);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < n; i++) {
			at = fpool_kunit_below(&rnd, NFRAMES) | 1;
			if (fpool_bitmap_test(&b->allocated, at))
				KUNIT_ASSERT_EQ(test, fpool_buddy_free(b, fpool_frame(at), 0), 0);
		}
		sound(test, b);
		for (at = 0; b->nfree; at++) {
			at = fpool_bitmap_next_clear(&b->allocated, at);
			KUNIT_ASSERT_EQ(test, fpool_buddy_alloc(b, 0, &frame), 0);
			KUNIT_ASSERT_EQ(test, fpool_frame_nr(frame), at);
		}
		sound(test, b);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(one_tib_is_1024_blocks_of_one_gib),
	KUNIT_CASE(the_last_frame_is_found),
	KUNIT_CASE(far_singles_come_in_order),
	KUNIT_CASE(the_index_does_not_overflow),
	{}
};

static struct kunit_suite suite = {
	.name = "fpool_huge",
	.test_cases = cases,
};

kunit_test_suite(suite);
