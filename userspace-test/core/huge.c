// SPDX-License-Identifier: GPL-2.0-only
/*
 * Userspace only: regions of a size for which no test kernel has the memory, 2^28 frames
 * (1 TiB).  What a byte or a shift too few would break is at the far end.
 */
#include <kunit/test.h>

#include "buddy.h"
#include "duel.h"
#include "frames.h"
#include "helpers.h"
#include "layout.h"
#include "wset.h"

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

/* What a division by 512 rounds up, in numbers that cannot overflow. */
static u64 nodes_of(u64 pages)
{
	u64 leaves = (pages + 511) / 512;

	return leaves + (leaves + 511) / 512 + 1;
}

static void expect_laid_out(struct kunit *test, u32 nframes)
{
	struct fpool_layout l = fpool_layout_of(nframes);
	u64 end = l.frames_at + 32ULL * nframes;

	KUNIT_EXPECT_EQ(test, l.frames_at % 64, 0);
	KUNIT_EXPECT_GE(test, l.frames_at, fpool_buddy_bytes(nframes));
	KUNIT_EXPECT_LT(test, l.frames_at, fpool_buddy_bytes(nframes) + 64);
	KUNIT_EXPECT_GE(test, (u64)l.meta * FPOOL_PAGE_BYTES, end);
	KUNIT_EXPECT_LT(test, ((u64)l.meta - 1) * FPOOL_PAGE_BYTES, end);
	KUNIT_EXPECT_EQ_MSG(test, l.kernel - l.meta, nodes_of(4ULL * nframes), "%u frames",
			    nframes);
	KUNIT_EXPECT_LT(test, l.kernel, nframes);
}

/* Of each size up to 1 TiB: the bitmaps, the table behind them, the reserve; and their figures. */
static void a_region_is_laid_out(struct kunit *test)
{
	struct fpool_layout l = fpool_layout_of(NFRAMES);
	u32 nframes;

	for (nframes = 512; nframes <= NFRAMES; nframes *= 2) {
		expect_laid_out(test, nframes - 1);
		expect_laid_out(test, nframes);
		expect_laid_out(test, nframes + 1);
	}
	KUNIT_EXPECT_EQ(test, fpool_frames_bytes(NFRAMES), 8ULL << 30);
	KUNIT_EXPECT_EQ(test, l.kernel - l.meta, (2 << 20) + 4096 + 1);
	/* Not much more than one part in 64 is not for pages. */
	KUNIT_EXPECT_LT(test, l.kernel, NFRAMES / 62);
}

/* Minima, pins and targets of a pool as large: sums of frames, three quarters, a fault at a time. */
static void sets_of_a_huge_pool(struct kunit *test)
{
	struct fpool_frames ft = { .nframes = NFRAMES };
	const u32 user = NFRAMES - fpool_layout_of(NFRAMES).kernel, room = user - user / 4;
	struct fpool_wset *tab[4], *a, *b;
	struct fpool_wsets *ws = kunit_kzalloc(test, sizeof(*ws), GFP_KERNEL);
	const char *why;

	a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, fpool_wsets_init(ws, fpool_policy_nth(0), &ft, user, tab, 4), 0);
	KUNIT_EXPECT_EQ(test, ws->common.policy.capacity, user);
	KUNIT_ASSERT_EQ(test, fpool_wset_add(ws, a), 0);
	KUNIT_ASSERT_EQ(test, fpool_wset_add(ws, b), 0);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(ws, a, room + 1, FPOOL_WSET_NO_MAX), -ENOSPC);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(ws, a, FPOOL_WSET_NO_MAX, FPOOL_WSET_NO_MAX),
			-ENOSPC);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(ws, a, room - 10, FPOOL_WSET_NO_MAX), 0);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(ws, b, 11, FPOOL_WSET_NO_MAX), -ENOSPC);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(ws, b, 10, FPOOL_WSET_NO_MAX), 0);
	KUNIT_EXPECT_FALSE(test, fpool_wset_limit(ws, b, 0, 9));
	KUNIT_EXPECT_EQ(test, fpool_wset_floor(ws, a), room - 10);
	KUNIT_EXPECT_EQ(test, fpool_wset_floor(ws, b), 9);
	KUNIT_EXPECT_EQ(test, fpool_wset_floor(ws, &ws->common), user / 8 / 2);
	/* All but a frame is in targets: the next fault takes that one, the one after it none. */
	ws->common.target = user - 1;
	ws->targets = user - 1;
	fpool_wset_fault(ws, b, 0);
	KUNIT_EXPECT_EQ(test, b->target, 1);
	fpool_wset_fault(ws, a, 0);
	KUNIT_EXPECT_EQ(test, a->target, 1);
	KUNIT_EXPECT_EQ(test, ws->common.target, user - 2);
	KUNIT_EXPECT_EQ(test, ws->targets, user);
	/* For a small set a 64th of the pool is near, and one page more is not ... */
	b->policy.evictions += user;
	fpool_wset_fault(ws, b, (u64)b->id << 40 | (b->policy.evictions - user / 64));
	KUNIT_EXPECT_EQ(test, b->near_refaults, 1);
	fpool_wset_fault(ws, b, (u64)b->id << 40 | (b->policy.evictions - user / 64 - 1));
	KUNIT_EXPECT_EQ(test, b->near_refaults, 1);
	/* ... for a larger one two thirds of its target, and for the largest a quarter of the pool. */
	KUNIT_EXPECT_FALSE(test, fpool_wset_limit(ws, b, 0, FPOOL_WSET_NO_MAX));
	ws->common.target -= 9000000 - b->target;
	b->target = 9000000;
	fpool_wset_fault(ws, b, (u64)b->id << 40 | (b->policy.evictions - 6000001));
	KUNIT_EXPECT_EQ(test, b->near_refaults, 1);
	fpool_wset_fault(ws, b, (u64)b->id << 40 | (b->policy.evictions - 6000000));
	KUNIT_EXPECT_EQ(test, b->near_refaults, 2);
	ws->common.target -= user / 2 - b->target;
	b->target = user / 2;
	fpool_wset_fault(ws, b, (u64)b->id << 40 | (b->policy.evictions - user / 4 - 1));
	KUNIT_EXPECT_EQ(test, b->near_refaults, 2);
	fpool_wset_fault(ws, b, (u64)b->id << 40 | (b->policy.evictions - user / 4));
	KUNIT_EXPECT_EQ(test, b->near_refaults, 3);
	ft.nframes = 0;
	KUNIT_EXPECT_EQ_MSG(test, fpool_wsets_check(ws, &why), 0, "%s", why);
}

/* What duels and shares are worked out of, in 32 bits with a sign. */
static void the_duel_of_a_huge_pool(struct kunit *test)
{
	const u32 shift = fpool_duel_shift(NFRAMES);
	struct fpool_duel d = { 0 };
	u32 i;

	KUNIT_EXPECT_EQ(test, shift, 14);
	KUNIT_EXPECT_EQ(test, fpool_duel_share(FPOOL_DUEL_HOLDER, NFRAMES, shift),
			NFRAMES >> shift);
	KUNIT_EXPECT_EQ(test, fpool_duel_share(FPOOL_DUEL_REST, NFRAMES, shift),
			NFRAMES - 2 * (NFRAMES >> shift));
	/* Nobody but the rival's leaders misses: it loses all that can be lost, and sleeps. */
	for (i = 0; i < 2 * (NFRAMES >> shift) && !d.asleep; i++)
		fpool_duel_fault(&d, FPOOL_DUEL_RIVAL, NFRAMES, shift);
	KUNIT_EXPECT_TRUE(test, d.asleep);
	KUNIT_EXPECT_EQ(test, d.lead, -(s32)NFRAMES);
	KUNIT_EXPECT_GE(test, i, NFRAMES >> shift);
	/* Nobody but the holder's, and others: the rival wins, an eighth of the pool ahead. */
	d = (struct fpool_duel){ .lead = NFRAMES / 8 - FPOOL_DUEL_STEP };
	for (i = 1; i < FPOOL_DUEL_STEP; i++)
		fpool_duel_fault(&d, FPOOL_DUEL_REST, NFRAMES, shift);
	KUNIT_EXPECT_FALSE(test, d.won);
	fpool_duel_fault(&d, FPOOL_DUEL_REST, NFRAMES, shift);
	KUNIT_EXPECT_TRUE(test, d.won);
	d = (struct fpool_duel){ .lead = NFRAMES / 8 - FPOOL_DUEL_STEP - 1 };
	for (i = 0; i < FPOOL_DUEL_STEP; i++)
		fpool_duel_fault(&d, FPOOL_DUEL_REST, NFRAMES, shift);
	KUNIT_EXPECT_FALSE(test, d.won);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(one_tib_is_1024_blocks_of_one_gib),
	KUNIT_CASE(the_last_frame_is_found),
	KUNIT_CASE(far_singles_come_in_order),
	KUNIT_CASE(the_index_does_not_overflow),
	KUNIT_CASE(a_region_is_laid_out),
	KUNIT_CASE(sets_of_a_huge_pool),
	KUNIT_CASE(the_duel_of_a_huge_pool),
	{}
};

static struct kunit_suite suite = {
	.name = "fpool_huge",
	.test_cases = cases,
};

kunit_test_suite(suite);
