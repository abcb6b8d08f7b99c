// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buddy allocator, beside a model that knows one thing: who owns each frame.
 *
 * From that alone follows what the sets must be (a block is free if its frames are and
 * its parent is not) and which block comes next (the smallest that fits, lowest first), and
 * the model finds both by looking at every frame each time.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "buddy.h"
#include "helpers.h"

#define MAX_FRAMES	600
#define FENCE		0xa5a5a5a5a5a5a5a5ULL

struct fixture {
	struct fpool_buddy b;
	void *mem;
	size_t bytes;
	u32 owner[MAX_FRAMES];	/* 0: free */
	u32 splits, merges;	/* heard from the events */
};

static void hear_split(void *ctx, fpool_frame_t frame, unsigned int order)
{
	struct fixture *fx = ctx;

	/* Of two aligned halves, inside the region; anything else is counted as a thousand. */
	if (!order || fpool_frame_nr(frame) % (1U << order) ||
	    fpool_frame_nr(frame) + (1U << order) > fx->b.nframes)
		fx->splits += 1000;
	fx->splits++;
}

static void hear_merge(void *ctx, fpool_frame_t frame, unsigned int order)
{
	struct fixture *fx = ctx;

	if (!order || fpool_frame_nr(frame) % (1U << order) ||
	    fpool_frame_nr(frame) + (1U << order) > fx->b.nframes)
		fx->merges += 1000;
	fx->merges++;
}

static const struct fpool_buddy_events events = {
	.split = hear_split,
	.merge = hear_merge,
};

/* In memory full of rubbish, with a fence behind it. */
static void setup(struct kunit *test, struct fixture *fx, u32 nframes)
{
	fx->bytes = fpool_buddy_bytes(nframes);
	fx->mem = kunit_kzalloc(test, fx->bytes + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fx->mem);
	memset(fx->mem, 0xa5, fx->bytes + 8);
	KUNIT_ASSERT_EQ(test, fpool_buddy_init(&fx->b, fx->mem, nframes), 0);
	fx->b.events = &events;
	fx->b.events_ctx = fx;
}

static struct fixture *make(struct kunit *test, u32 nframes)
{
	struct fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fx);
	setup(test, fx, nframes);
	return fx;
}

/*
 * The model.
 */

static bool model_free(const struct fixture *fx, u32 first, u32 nr)
{
	u32 i;

	if (first >= fx->b.nframes || nr > fx->b.nframes - first)
		return false;
	for (i = first; i < first + nr; i++) {
		if (fx->owner[i])
			return false;
	}
	return true;
}

static bool model_owned(const struct fixture *fx, u32 first, u32 nr)
{
	u32 i;

	for (i = first; i < first + nr; i++) {
		if (!fx->owner[i])
			return false;
	}
	return true;
}

static void model_own(struct fixture *fx, u32 first, u32 nr, u32 owner)
{
	u32 i;

	for (i = first; i < first + nr; i++)
		fx->owner[i] = owner;
}

/* The order of the free block around a frame; -1 if it is not free. */
static int model_order(const struct fixture *fx, u32 nr)
{
	int k = -1;

	while (k < FPOOL_MAX_ORDER && model_free(fx, nr >> (k + 1) << (k + 1), 1U << (k + 1)))
		k++;
	return k;
}

/* Where a block of this order has to come from, and what it is cut from. */
static bool model_find(const struct fixture *fx, unsigned int order, u32 *first, int *from)
{
	u32 i;

	*from = FPOOL_NR_ORDERS;
	for (i = 0; i < fx->b.nframes; i++) {
		int k = model_order(fx, i);

		if (k >= (int)order && k < *from && i % (1U << k) == 0) {
			*first = i;
			*from = k;
		}
	}
	return *from < FPOOL_NR_ORDERS;
}

static u32 model_blocks(const struct fixture *fx)
{
	u32 i, n = 0;

	for (i = 0; i < fx->b.nframes; i++) {
		int k = model_order(fx, i);

		n += k >= 0 && i % (1U << k) == 0;
	}
	return n;
}

/* Every frame, every number, every bit; and what cannot be compared, the checker checks. */
static void compare(struct kunit *test, const struct fixture *fx)
{
	const struct fpool_buddy *b = &fx->b;
	const char *why = "";
	u32 i, bad = 0, nfree = 0;
	int k, largest = -1;

	for (i = 0; i < b->nframes; i++) {
		k = model_order(fx, i);
		nfree += !fx->owner[i];
		largest = max(largest, k);
		bad += fpool_buddy_is_allocated(b, fpool_frame(i)) != !!fx->owner[i];
		bad += fpool_buddy_free_block_order(b, fpool_frame(i)) != k;
	}
	KUNIT_ASSERT_EQ(test, bad, 0);
	KUNIT_ASSERT_EQ(test, b->nfree, nfree);
	KUNIT_ASSERT_EQ(test, fpool_buddy_largest(b), largest);
	KUNIT_ASSERT_EQ(test, fx->splits, b->nsplits);
	KUNIT_ASSERT_EQ(test, fx->merges, b->nmerges);
	KUNIT_ASSERT_EQ_MSG(test, fpool_buddy_check(b, &why), 0, "%s", why);
	KUNIT_ASSERT_EQ(test, *(u64 *)(fx->mem + fx->bytes), FENCE);
}

/*
 * One operation on both.  Each knows from the model what must come out of it.
 */

static int do_alloc(struct kunit *test, struct fixture *fx, unsigned int order, u32 owner)
{
	fpool_frame_t frame = FPOOL_NO_FRAME;
	u32 splits = fx->splits, first = 0;
	int from, err;

	if (!model_find(fx, order, &first, &from)) {
		KUNIT_ASSERT_EQ(test, fpool_buddy_alloc(&fx->b, order, &frame), -ENOMEM);
		KUNIT_ASSERT_EQ(test, fpool_frame_nr(frame), fpool_frame_nr(FPOOL_NO_FRAME));
		return -ENOMEM;
	}
	err = fpool_buddy_alloc(&fx->b, order, &frame);
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_ASSERT_EQ(test, fpool_frame_nr(frame), first);
	KUNIT_ASSERT_EQ(test, fx->splits - splits, from - order);
	model_own(fx, first, 1U << order, owner);
	return 0;
}

static int do_alloc_range(struct kunit *test, struct fixture *fx, u32 first, u32 nr, u32 owner)
{
	int want = 0;

	if (!nr || first >= fx->b.nframes || nr > fx->b.nframes - first)
		want = -EINVAL;
	else if (!model_free(fx, first, nr))
		want = -EBUSY;
	KUNIT_ASSERT_EQ(test, fpool_buddy_alloc_range(&fx->b, fpool_frame(first), nr), want);
	if (!want)
		model_own(fx, first, nr, owner);
	return want;
}

static int do_free_range(struct kunit *test, struct fixture *fx, u32 first, u32 nr)
{
	int want = 0;

	if (!nr || first >= fx->b.nframes || nr > fx->b.nframes - first)
		want = -EINVAL;
	else if (!model_owned(fx, first, nr))
		want = -EALREADY;
	KUNIT_ASSERT_EQ(test, fpool_buddy_free_range(&fx->b, fpool_frame(first), nr), want);
	if (!want)
		model_own(fx, first, nr, 0);
	return want;
}

static int do_free(struct kunit *test, struct fixture *fx, u32 first, unsigned int order)
{
	u32 nr = 1U << order, merges = fx->merges, before = model_blocks(fx);
	int want = 0;

	if (first % nr || first >= fx->b.nframes || nr > fx->b.nframes - first)
		want = -EINVAL;
	else if (!model_owned(fx, first, nr))
		want = -EALREADY;
	KUNIT_ASSERT_EQ(test, fpool_buddy_free(&fx->b, fpool_frame(first), order), want);
	if (want)
		return want;
	model_own(fx, first, nr, 0);
	/* One block more, less one for each merge. */
	KUNIT_ASSERT_EQ(test, fx->merges - merges, before + 1 - model_blocks(fx));
	return 0;
}

/*
 * Shapes.
 */

/* Any size is whole: powers of two, one less, one more; the tail is smaller blocks. */
static void every_size_starts_free(struct kunit *test)
{
	struct fixture *fx = kunit_kzalloc(test, sizeof(*fx), GFP_KERNEL);
	u32 n;

	KUNIT_ASSERT_NOT_NULL(test, fx);
	for (n = 1; n <= FPOOL_TEST_STEPS(40, 300); n++) {
		setup(test, fx, n);
		compare(test, fx);
		KUNIT_EXPECT_EQ(test, fx->b.nsplits + fx->b.nmerges, 0);
	}
}

/* Single frames come until there are none, and whatever the order, all merge back. */
static void drained_and_refilled_frame_by_frame(struct kunit *test)
{
	u32 n, i;

	for (n = 1; n <= FPOOL_TEST_STEPS(20, 70); n++) {
		struct fixture *fx = make(test, n);

		for (i = 0; i < n; i++) {
			KUNIT_ASSERT_EQ(test, do_alloc(test, fx, 0, 1), 0);
			compare(test, fx);
		}
		KUNIT_ASSERT_EQ(test, do_alloc(test, fx, 0, 1), -ENOMEM);
		for (i = 0; i < n; i++) {
			/* Every other one first, then those between. */
			u32 f = 2 * i < n ? 2 * i : 2 * (i - (n + 1) / 2) + 1;

			KUNIT_ASSERT_EQ(test, do_free(test, fx, f, 0), 0);
			compare(test, fx);
		}
		KUNIT_EXPECT_EQ(test, fx->b.nfree, n);
		KUNIT_EXPECT_EQ(test, fx->b.nsplits, fx->b.nmerges);
	}
}

/* Of 16 frames, one: four splits leave 8, 4, 2 and 1; giving it back is four merges. */
static void one_of_sixteen_splits_four_times(struct kunit *test)
{
	struct fixture *fx = make(test, 16);
	u32 k;

	do_alloc(test, fx, 0, 1);
	KUNIT_EXPECT_EQ(test, fx->splits, 4);
	for (k = 0; k < 4; k++) {
		KUNIT_EXPECT_EQ(test, fx->b.order[k].nfree, 1);
		KUNIT_EXPECT_EQ(test, model_order(fx, 1U << k), k);
	}
	compare(test, fx);
	do_free(test, fx, 0, 0);
	KUNIT_EXPECT_EQ(test, fx->merges, 4);
	compare(test, fx);
}

/* Neighbours that are not buddies stay apart: 4-7 and 8-11. */
static void neighbours_are_not_buddies(struct kunit *test)
{
	struct fixture *fx = make(test, 16);

	do_alloc_range(test, fx, 0, 16, 1);
	do_free(test, fx, 4, 2);
	do_free(test, fx, 8, 2);
	compare(test, fx);
	KUNIT_EXPECT_EQ(test, fx->merges, 0);
	KUNIT_EXPECT_EQ(test, fpool_buddy_largest(&fx->b), 2);
	KUNIT_EXPECT_EQ(test, do_alloc(test, fx, 3, 1), -ENOMEM);
}

/* A small block is taken although a larger one lies before it. */
static void smallest_that_fits_goes_first(struct kunit *test)
{
	struct fixture *fx = make(test, 16);

	do_alloc_range(test, fx, 8, 8, 1);
	do_free(test, fx, 13, 0);
	do_alloc(test, fx, 0, 2);
	KUNIT_EXPECT_EQ(test, fx->owner[13], 2);
	compare(test, fx);
}

/* Each block type comes aligned, and two of them do not overlap. */
static void every_order_is_aligned(struct kunit *test)
{
	struct fixture *fx = make(test, 600);
	unsigned int order;

	for (order = 0; order <= 8; order++) {
		KUNIT_ASSERT_EQ(test, do_alloc(test, fx, order, 1 + order), 0);
		compare(test, fx);
	}
	KUNIT_EXPECT_EQ(test, fx->b.nfree, 600 - 511);
}

/* Out of a block of 16, single frames are given back, and the rest stays allocated. */
static void part_of_a_block_is_freed(struct kunit *test)
{
	struct fixture *fx = make(test, 16);

	do_alloc(test, fx, 4, 1);
	do_free(test, fx, 5, 0);
	compare(test, fx);
	do_free(test, fx, 12, 2);
	compare(test, fx);
	KUNIT_EXPECT_EQ(test, fx->b.nfree, 5);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, 0, 4), -EALREADY);
	compare(test, fx);
}

/* What was allocated in parts may be freed as a whole. */
static void parts_are_freed_as_a_block(struct kunit *test)
{
	struct fixture *fx = make(test, 4);
	u32 i;

	for (i = 0; i < 4; i++)
		do_alloc(test, fx, 0, 1 + i);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, 0, 2), 0);
	KUNIT_EXPECT_EQ(test, fx->merges, 0);
	compare(test, fx);
}

/* Each range of each small region, out of nothing allocated, and back. */
static void every_range_of_every_small_region(struct kunit *test)
{
	u32 n, first, nr;

	for (n = 1; n <= FPOOL_TEST_STEPS(12, 40); n++) {
		struct fixture *fx = make(test, n);

		for (first = 0; first < n; first++) {
			for (nr = 1; nr <= n - first; nr++) {
				do_alloc_range(test, fx, first, nr, 1);
				compare(test, fx);
				do_free_range(test, fx, first, nr);
				compare(test, fx);
			}
		}
		KUNIT_EXPECT_EQ(test, fx->b.nsplits, fx->b.nmerges);
	}
}

/* The closest power of two, for each number up to 64: never too small, never twice too large. */
static void closest_is_the_next_power_of_two(struct kunit *test)
{
	struct fixture *fx = make(test, 64);
	unsigned int order;
	fpool_frame_t frame;
	u32 nr, wasted;

	for (nr = 1; nr <= 64; nr++) {
		KUNIT_ASSERT_EQ(test, fpool_buddy_alloc_closest(&fx->b, nr, &frame, &order,
								&wasted), 0);
		KUNIT_EXPECT_EQ(test, nr + wasted, 1U << order);
		KUNIT_EXPECT_LT(test, wasted, nr);
		KUNIT_EXPECT_EQ(test, fx->b.nfree, 64 - (1U << order));
		KUNIT_EXPECT_EQ(test, fpool_buddy_free(&fx->b, frame, order), 0);
		compare(test, fx);
	}
}

/*
 * The index.  Frames 0 and 8 of 16 allocated: free are 1, 2-3, 4-7 and their like, 14 in
 * all; 2 of 14 are lost to a request of 2, 6 to one of 4, all to one of 8.
 */
static void fragmentation_is_the_share_that_is_lost(struct kunit *test)
{
	struct fixture *fx = make(test, 16);

	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(&fx->b, 4), 0);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(&fx->b, 5), 1000);
	do_alloc_range(test, fx, 0, 1, 1);
	do_alloc_range(test, fx, 8, 1, 1);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(&fx->b, 0), 0);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(&fx->b, 1), 143);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(&fx->b, 2), 429);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(&fx->b, 3), 1000);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(&fx->b, FPOOL_NR_ORDERS), 1000);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(&fx->b, UINT_MAX), 1000);
	while (!do_alloc(test, fx, 0, 1))
		;
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(&fx->b, 3), 0);
}

/* Nobody has to listen. */
static void works_without_events(struct kunit *test)
{
	struct fixture *fx = make(test, 8);
	fpool_frame_t frame;

	fx->b.events = NULL;
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc(&fx->b, 0, &frame), 0);
	KUNIT_EXPECT_EQ(test, fpool_buddy_free(&fx->b, frame, 0), 0);
	KUNIT_EXPECT_EQ(test, fx->b.nsplits, 3);
	KUNIT_EXPECT_EQ(test, fx->b.nmerges, 3);
}

/* Three bits per frame and a little, at any size; the arithmetic holds to the largest. */
static void memory_is_about_three_bits_per_frame(struct kunit *test)
{
	unsigned int k;

	for (k = 14; k <= 31; k++) {
		u64 bits = 8ULL * fpool_buddy_bytes(1U << k);

		KUNIT_EXPECT_GE(test, bits, 3ULL << k);
		KUNIT_EXPECT_LE(test, bits * 10, 31ULL << k);
	}
	KUNIT_EXPECT_GT(test, fpool_buddy_bytes(U32_MAX - 1), 3ULL << 29);
	KUNIT_EXPECT_LT(test, fpool_buddy_bytes(U32_MAX - 1), 31ULL << 26);
	KUNIT_EXPECT_EQ(test, fpool_buddy_bytes(1) % 8, 0);
}

/*
 * What is refused, and that it changes nothing: compare() runs after each.
 */

static void no_frames_or_too_many_is_einval(struct kunit *test)
{
	struct fpool_buddy b;

	KUNIT_EXPECT_EQ(test, fpool_buddy_init(&b, NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_buddy_init(&b, NULL, U32_MAX), -EINVAL);
}

static void alloc_of_too_large_an_order_is_einval(struct kunit *test)
{
	struct fixture *fx = make(test, 8);
	fpool_frame_t frame = fpool_frame(7);

	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc(&fx->b, FPOOL_NR_ORDERS, &frame), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc(&fx->b, UINT_MAX, &frame), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(frame), 7);
	compare(test, fx);
}

static void alloc_of_more_than_is_free_is_enomem(struct kunit *test)
{
	struct fixture *fx = make(test, 7);

	KUNIT_EXPECT_EQ(test, do_alloc(test, fx, 3, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, do_alloc(test, fx, FPOOL_MAX_ORDER, 1), -ENOMEM);
	compare(test, fx);
}

static void closest_of_nothing_or_too_much_is_einval(struct kunit *test)
{
	struct fixture *fx = make(test, 8);
	fpool_frame_t frame = fpool_frame(7);
	unsigned int order = 77;
	u32 wasted = 777;

	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc_closest(&fx->b, 0, &frame, &order, &wasted),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc_closest(&fx->b, (1U << FPOOL_MAX_ORDER) + 1, &frame,
							&order, &wasted), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc_closest(&fx->b, U32_MAX, &frame, &order, &wasted),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc_closest(&fx->b, 9, &frame, &order, &wasted),
			-ENOMEM);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(frame), 7);
	KUNIT_EXPECT_EQ(test, order, 77);
	KUNIT_EXPECT_EQ(test, wasted, 777);
	compare(test, fx);
}

static void range_outside_is_einval(struct kunit *test)
{
	struct fixture *fx = make(test, 8);

	KUNIT_EXPECT_EQ(test, do_alloc_range(test, fx, 0, 0, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_alloc_range(test, fx, 0, 9, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_alloc_range(test, fx, 8, 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_alloc_range(test, fx, 7, U32_MAX, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_alloc_range(test, fx, U32_MAX, 2, 1), -EINVAL);
	compare(test, fx);
	KUNIT_EXPECT_EQ(test, do_alloc_range(test, fx, 0, 8, 1), 0);
	KUNIT_EXPECT_EQ(test, do_free_range(test, fx, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_free_range(test, fx, 1, 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_free_range(test, fx, 2, U32_MAX - 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_free_range(test, fx, U32_MAX, 1), -EINVAL);
	compare(test, fx);
}

/* One allocated frame at its first, middle or last place is enough. */
static void range_with_an_allocated_frame_is_ebusy(struct kunit *test)
{
	struct fixture *fx = make(test, 9);
	u32 i;

	for (i = 2; i < 7; i++) {
		do_alloc_range(test, fx, i, 1, 1);
		KUNIT_EXPECT_EQ(test, do_alloc_range(test, fx, 2, 5, 2), -EBUSY);
		compare(test, fx);
		do_free_range(test, fx, i, 1);
	}
	KUNIT_EXPECT_EQ(test, do_alloc_range(test, fx, 2, 5, 2), 0);
}

static void free_of_a_foreign_frame_is_einval(struct kunit *test)
{
	struct fixture *fx = make(test, 7);

	do_alloc_range(test, fx, 0, 7, 1);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, 7, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, 4, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, 0, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, U32_MAX, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, U32_MAX - 3, 2), -EINVAL);
	compare(test, fx);
}

static void free_of_a_misaligned_block_is_einval(struct kunit *test)
{
	struct fixture *fx = make(test, 8);

	do_alloc_range(test, fx, 0, 8, 1);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, 2, 2), -EINVAL);
	compare(test, fx);
}

static void free_of_too_large_an_order_is_einval(struct kunit *test)
{
	struct fixture *fx = make(test, 8);

	do_alloc_range(test, fx, 0, 8, 1);
	KUNIT_EXPECT_EQ(test, fpool_buddy_free(&fx->b, fpool_frame(0), FPOOL_NR_ORDERS), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_buddy_free(&fx->b, fpool_frame(0), UINT_MAX), -EINVAL);
	compare(test, fx);
}

static void double_free_is_ealready(struct kunit *test)
{
	struct fixture *fx = make(test, 8);

	KUNIT_EXPECT_EQ(test, do_free(test, fx, 0, 0), -EALREADY);
	do_alloc(test, fx, 0, 1);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, 0, 0), 0);
	KUNIT_EXPECT_EQ(test, do_free(test, fx, 0, 0), -EALREADY);
	compare(test, fx);
}

/* A block of which one frame is free already, at each place: nothing of it is freed. */
static void free_with_a_free_frame_in_it_is_ealready(struct kunit *test)
{
	struct fixture *fx = make(test, 8);
	u32 i;

	for (i = 0; i < 4; i++) {
		do_alloc_range(test, fx, 0, 8, 1);
		do_free(test, fx, i, 0);
		KUNIT_EXPECT_EQ(test, do_free(test, fx, 0, 2), -EALREADY);
		KUNIT_EXPECT_EQ(test, do_free_range(test, fx, 0, 5), -EALREADY);
		compare(test, fx);
		do_alloc_range(test, fx, i, 1, 1);
		do_free_range(test, fx, 0, 8);
	}
}

static void questions_about_foreign_frames_are_answered(struct kunit *test)
{
	struct fixture *fx = make(test, 7);

	KUNIT_EXPECT_FALSE(test, fpool_buddy_is_allocated(&fx->b, fpool_frame(7)));
	KUNIT_EXPECT_FALSE(test, fpool_buddy_is_allocated(&fx->b, FPOOL_NO_FRAME));
	KUNIT_EXPECT_EQ(test, fpool_buddy_free_block_order(&fx->b, fpool_frame(7)), -1);
	KUNIT_EXPECT_EQ(test, fpool_buddy_free_block_order(&fx->b, FPOOL_NO_FRAME), -1);
}

/*
 * The checker can say no.  Each damage is done to 130 free frames less one, and undone.
 */

static void check_sees(struct kunit *test, struct fixture *fx, const char *want)
{
	const char *why = "nothing";

	KUNIT_EXPECT_EQ(test, fpool_buddy_check(&fx->b, &why), -EUCLEAN);
	KUNIT_EXPECT_STREQ(test, why, want);
	KUNIT_EXPECT_EQ(test, fpool_buddy_check(&fx->b, NULL), -EUCLEAN);
}

static void damage32(struct kunit *test, struct fixture *fx, u32 *what, u32 value, const char *why)
{
	u32 old = *what;

	*what = value;
	check_sees(test, fx, why);
	*what = old;
	compare(test, fx);
}

static void damage64(struct kunit *test, struct fixture *fx, u64 *what, u64 value, const char *why)
{
	u64 old = *what;

	*what = value;
	check_sees(test, fx, why);
	*what = old;
	compare(test, fx);
}

static void check_sees_wrong_counts(struct kunit *test)
{
	struct fixture *fx = make(test, 130);
	struct fpool_buddy *b = &fx->b;

	do_alloc_range(test, fx, 0, 1, 1);
	damage32(test, fx, &b->allocated.nbits, 129,
		 "the bitmap has not as many bits as there are frames");
	damage32(test, fx, &b->allocated.nset, 2,
		 "the bitmap's count is not the number of its bits");
	damage32(test, fx, &b->nfree, 128, "free frames and allocated ones are not all frames");
	damage32(test, fx, &b->order[3].nfree, 0,
		 "an order's count is not the number of its free blocks");
	damage32(test, fx, &b->order[3].nblocks, 17, "a set has not as many blocks as the region");
	damage32(test, fx, &b->nonempty, b->nonempty ^ 8,
		 "nonempty does not agree with an order's count");
	damage32(test, fx, &b->nonempty, b->nonempty | 1U << FPOOL_NR_ORDERS,
		 "nonempty knows an order that does not exist");
}

static void check_sees_wrong_sets(struct kunit *test)
{
	struct fixture *fx = make(test, 130);
	struct fpool_buddy *b = &fx->b;

	do_alloc_range(test, fx, 0, 2, 1);
	do_alloc_range(test, fx, 4, 1, 1);
	damage64(test, fx, &b->allocated.words[2], 4, "a frame past the end is allocated");
	damage64(test, fx, &b->order[0].level[0][2], 4, "a set has a block past its end");
	damage64(test, fx, &b->order[0].level[1][0], 2,
		 "a set's summary does not agree with what it sums up");
	damage32(test, fx, &b->order[0].nlevels, 1, "a set does not end in one word");
	damage32(test, fx, &b->order[0].only, 6,
		 "a set without a summary is not the one block that it says");
	damage32(test, fx, &b->order[0].only, U32_MAX - 1,
		 "a set without a summary is not the one block that it says");
	damage32(test, fx, &b->order[1].only, 3,
		 "a set's summary does not agree with what it sums up");
	/* 5 allocated instead of 4. */
	damage64(test, fx, &b->allocated.words[0], 0x23, "a free block has an allocated frame");
}

/* 1 and 4 are free alone, and one of them is said to be the only one. */
static void check_sees_a_second_only_block(struct kunit *test)
{
	struct fixture *fx = make(test, 8);

	do_alloc_range(test, fx, 0, 1, 1);
	do_alloc_range(test, fx, 5, 1, 1);
	damage32(test, fx, &fx->b.order[0].only, 1,
		 "a set without a summary is not the one block that it says");
}

/* The same four free frames, told wrongly in three ways. */
static void check_sees_blocks_that_cannot_be(struct kunit *test)
{
	struct fixture *fx = make(test, 4);
	struct fpool_buddy *b = &fx->b;

	/* Two pairs instead of one four. */
	b->order[2].level[0][0] = 0;
	b->order[2].nfree = 0;
	b->order[1].level[0][0] = 3;
	b->order[1].nfree = 2;
	b->order[1].only = FPOOL_BUDDY_NO_BLOCK;
	b->nonempty = 2;
	check_sees(test, fx, "two free buddies are not merged");

	/* One pair only. */
	b->order[1].level[0][0] = 1;
	b->order[1].nfree = 1;
	check_sees(test, fx, "a frame is neither allocated nor in a free block");

	/* A pair inside the four. */
	b->order[2].level[0][0] = 1;
	b->order[2].nfree = 1;
	b->nonempty = 6;
	check_sees(test, fx, "two free blocks overlap");
}

/*
 * Everything, at small sizes.
 */

/* Where a run can come back to. */
struct snapshot {
	struct fixture fx;
	u64 words[32];
};

static void save(struct kunit *test, struct snapshot *snap, const struct fixture *fx)
{
	KUNIT_ASSERT_LE(test, fx->bytes, sizeof(snap->words));
	snap->fx = *fx;
	memcpy(snap->words, fx->mem, fx->bytes);
}

static void restore(const struct snapshot *snap, struct fixture *fx)
{
	*fx = snap->fx;
	memcpy(fx->mem, snap->words, fx->bytes);
}

/* Move number @m on a small region; false if there are not so many. */
static bool move(struct kunit *test, struct fixture *fx, u32 m)
{
	u32 n = fx->b.nframes, order;

	for (order = 0; order < 4; order++) {
		if (!m--)
			return do_alloc(test, fx, order, 1), true;
	}
	for (order = 0; order < 4; order++) {
		if (m < n)
			return do_free(test, fx, m, order), true;
		m -= n;
	}
	for (order = 1; order <= 3; order++) {
		if (m < n)
			return do_alloc_range(test, fx, m, order, 1), true;
		m -= n;
	}
	return false;
}

/* Every set of allocated frames of up to eight, and every move out of it. */
static void every_move_from_every_state(struct kunit *test)
{
	struct snapshot *snap = kunit_kzalloc(test, sizeof(*snap), GFP_KERNEL);
	u32 n, state, i, m;

	KUNIT_ASSERT_NOT_NULL(test, snap);
	for (n = 1; n <= FPOOL_TEST_STEPS(5, 9); n++) {
		for (state = 0; state < 1U << n; state++) {
			struct fixture *fx = make(test, n);

			for (i = 0; i < n; i++) {
				if (state >> i & 1)
					do_alloc_range(test, fx, i, 1, 1);
			}
			compare(test, fx);
			save(test, snap, fx);
			for (m = 0; move(test, fx, m); m++) {
				compare(test, fx);
				restore(snap, fx);
			}
		}
	}
}

static void every_sequence_from(struct kunit *test, struct fixture *fx, struct snapshot *snap,
				unsigned int depth)
{
	u32 m;

	save(test, snap, fx);
	for (m = 0; move(test, fx, m); m++) {
		compare(test, fx);
		if (depth > 1)
			every_sequence_from(test, fx, snap + 1, depth - 1);
		restore(snap, fx);
	}
}

/* Every sequence of moves, three deep: the way to a state leaves nothing behind in it. */
static void every_sequence_of_moves(struct kunit *test)
{
	const unsigned int depth = FPOOL_TEST_STEPS(2, 3);
	struct snapshot *snap = kunit_kcalloc(test, depth, sizeof(*snap), GFP_KERNEL);
	u32 n;

	KUNIT_ASSERT_NOT_NULL(test, snap);
	for (n = 1; n <= FPOOL_TEST_STEPS(4, 7); n++)
		every_sequence_from(test, make(test, n), snap, depth);
}

/*
 * Long and random.
 */

static void random_step(struct kunit *test, struct fixture *fx, struct rnd_state *rnd, bool fill)
{
	u32 n = fx->b.nframes;
	u32 first = fpool_kunit_below(rnd, n);
	u32 order = __ffs64(prandom_u32_state(rnd) | 1U << 6);
	u32 nr = 1 + fpool_kunit_below(rnd, 20);

	switch (fpool_kunit_below(rnd, 4) + 4 * fill) {
	case 0:
	case 5:
	case 6:
		do_alloc(test, fx, order, 1 + first);
		break;
	case 1:
	case 2:
	case 4:
		do_free(test, fx, first >> order << order, order);
		break;
	case 3:
		do_free_range(test, fx, first, nr);
		break;
	case 7:
		do_alloc_range(test, fx, first, nr, 1 + first);
		break;
	}
}

/* Regions of any size, filled and emptied in turns. */
static void random_like_the_model(struct kunit *test)
{
	const u32 runs = FPOOL_TEST_STEPS(6, 60), steps = FPOOL_TEST_STEPS(100, 400);
	struct rnd_state rnd;
	u32 run, i;

	fpool_kunit_seed(test, &rnd);
	for (run = 0; run < runs; run++) {
		struct fixture *fx = make(test, 1 + fpool_kunit_below(&rnd, 200));

		for (i = 0; i < steps; i++) {
			random_step(test, fx, &rnd, i / 50 % 2 == 0);
			compare(test, fx);
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(every_size_starts_free),
	KUNIT_CASE(drained_and_refilled_frame_by_frame),
	KUNIT_CASE(one_of_sixteen_splits_four_times),
	KUNIT_CASE(neighbours_are_not_buddies),
	KUNIT_CASE(smallest_that_fits_goes_first),
	KUNIT_CASE(every_order_is_aligned),
	KUNIT_CASE(part_of_a_block_is_freed),
	KUNIT_CASE(parts_are_freed_as_a_block),
	KUNIT_CASE(every_range_of_every_small_region),
	KUNIT_CASE(closest_is_the_next_power_of_two),
	KUNIT_CASE(fragmentation_is_the_share_that_is_lost),
	KUNIT_CASE(works_without_events),
	KUNIT_CASE(memory_is_about_three_bits_per_frame),
	KUNIT_CASE(no_frames_or_too_many_is_einval),
	KUNIT_CASE(alloc_of_too_large_an_order_is_einval),
	KUNIT_CASE(alloc_of_more_than_is_free_is_enomem),
	KUNIT_CASE(closest_of_nothing_or_too_much_is_einval),
	KUNIT_CASE(range_outside_is_einval),
	KUNIT_CASE(range_with_an_allocated_frame_is_ebusy),
	KUNIT_CASE(free_of_a_foreign_frame_is_einval),
	KUNIT_CASE(free_of_a_misaligned_block_is_einval),
	KUNIT_CASE(free_of_too_large_an_order_is_einval),
	KUNIT_CASE(double_free_is_ealready),
	KUNIT_CASE(free_with_a_free_frame_in_it_is_ealready),
	KUNIT_CASE(questions_about_foreign_frames_are_answered),
	KUNIT_CASE(check_sees_wrong_counts),
	KUNIT_CASE(check_sees_wrong_sets),
	KUNIT_CASE(check_sees_a_second_only_block),
	KUNIT_CASE(check_sees_blocks_that_cannot_be),
	KUNIT_CASE(every_move_from_every_state),
	KUNIT_CASE(every_sequence_of_moves),
	KUNIT_CASE(random_like_the_model),
	{}
};

static struct kunit_suite suite = {
	.name = "fpool_buddy",
	.test_cases = cases,
};

kunit_test_suite(suite);
