// SPDX-License-Identifier: GPL-2.0-only
/* The duel: who leads, and when the rest changes over. */
#include <kunit/test.h>
#include <linux/kernel.h>

#include "duel.h"

#define FRAMES	4096U	/* shift 6: 64 frames for the leaders of each way */
#define SHIFT	6

static void faults(struct fpool_duel *d, u32 side, u32 n)
{
	while (n--)
		fpool_duel_fault(d, side, FRAMES, SHIFT);
}

/* As often as pages of these sides miss if a way is no matter. */
static void misses_alike(struct fpool_duel *d, u32 rounds)
{
	while (rounds--) {
		faults(d, FPOOL_DUEL_REST, (1 << SHIFT) - 2);
		faults(d, FPOOL_DUEL_HOLDER, 1);
		faults(d, FPOOL_DUEL_RIVAL, 1);
	}
}

static bool about(u32 n, u32 mean, u32 off)
{
	return n > mean - off && n < mean + off;
}

static void small_pools_do_not_duel(struct kunit *test)
{
	struct fpool_duel d = { .lead = 5, .faults = 5, .won = true, .asleep = true };
	u32 vpn;

	KUNIT_EXPECT_EQ(test, fpool_duel_shift(1023), 0);
	KUNIT_EXPECT_EQ(test, fpool_duel_share(FPOOL_DUEL_REST, 1023, 0), 1023);
	KUNIT_EXPECT_EQ(test, fpool_duel_share(FPOOL_DUEL_HOLDER, 1023, 0), 0);
	for (vpn = 0; vpn < 1000; vpn++)
		KUNIT_ASSERT_EQ(test, fpool_duel_side(1, vpn, 0), FPOOL_DUEL_REST);
	/* One that has become small forgets. */
	for (vpn = 0; vpn < FPOOL_DUEL_STEP; vpn++)
		fpool_duel_fault(&d, FPOOL_DUEL_REST, 1023, 0);
	KUNIT_EXPECT_EQ(test, d.lead, 0);
	KUNIT_EXPECT_FALSE(test, d.won);
	KUNIT_EXPECT_FALSE(test, d.asleep);
}

/* About as many leaders as the root of the pool, alike for both; the shares are all frames. */
static void leaders_are_few(struct kunit *test)
{
	static const u32 sizes[][2] = {
		{ 1024, 5 }, { 2047, 5 }, { 2048, 6 }, { 8191, 6 }, { 8192, 7 }, { 1U << 28, 14 },
	};
	u32 i, frames, leaders, shift;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		frames = sizes[i][0];
		shift = fpool_duel_shift(frames);
		leaders = fpool_duel_share(FPOOL_DUEL_RIVAL, frames, shift);
		KUNIT_EXPECT_EQ(test, shift, sizes[i][1]);
		KUNIT_EXPECT_EQ(test, leaders, frames >> sizes[i][1]);
		KUNIT_EXPECT_EQ(test, leaders, fpool_duel_share(FPOOL_DUEL_HOLDER, frames, shift));
		KUNIT_EXPECT_EQ(test, fpool_duel_share(FPOOL_DUEL_REST, frames, shift) +
				      2 * leaders, frames);
	}
}

/* A few frames more or less about a power of two change nothing; an eighth does, both ways. */
static void leaders_stay_for_a_while(struct kunit *test)
{
	u32 frames, step, shift = 6;

	for (step = 0; step < 200; step++) {
		shift = fpool_duel_follow(shift, 2048 - 100 + 31 * step % 200);
		KUNIT_ASSERT_EQ(test, shift, 6);
	}
	KUNIT_EXPECT_EQ(test, fpool_duel_follow(6, 1821), 6);
	KUNIT_EXPECT_EQ(test, fpool_duel_follow(6, 1820), 5);
	KUNIT_EXPECT_EQ(test, fpool_duel_follow(5, 2339), 5);
	KUNIT_EXPECT_EQ(test, fpool_duel_follow(5, 2340), 6);
	KUNIT_EXPECT_EQ(test, fpool_duel_follow(5, 911), 5);
	KUNIT_EXPECT_EQ(test, fpool_duel_follow(5, 910), 0);
	KUNIT_EXPECT_EQ(test, fpool_duel_follow(0, 1169), 0);
	KUNIT_EXPECT_EQ(test, fpool_duel_follow(0, 1170), 5);
	/* Far away from what it was there is nothing to remember. */
	for (frames = 1500; frames <= 1U << 28; frames *= 4) {
		KUNIT_EXPECT_EQ(test, fpool_duel_follow(0, frames), fpool_duel_shift(frames));
		KUNIT_EXPECT_EQ(test, fpool_duel_follow(14, frames), fpool_duel_shift(frames));
	}
	KUNIT_EXPECT_EQ(test, fpool_duel_follow(14, 0), 0);
}

/* Who leads anew is an eighth of the pool behind, or more if it was; who has won keeps that. */
static void others_begin_behind(struct kunit *test)
{
	struct fpool_duel d = { 0 };

	fpool_duel_begin(&d, FRAMES);
	KUNIT_EXPECT_EQ(test, d.lead, -(s32)FRAMES / 8);
	d.lead = -(s32)FRAMES / 2;
	fpool_duel_begin(&d, FRAMES);
	KUNIT_EXPECT_EQ(test, d.lead, -(s32)FRAMES / 2);
	d = (struct fpool_duel) { .lead = 100, .won = true };
	fpool_duel_begin(&d, FRAMES);
	KUNIT_EXPECT_EQ(test, d.lead, 100);
	KUNIT_EXPECT_TRUE(test, d.won);
}

/*
 * Of 2^18 pages each side leads 2^12, within four standard deviations.  Leaders of fewer are
 * leaders of more; of the sample of shadows they are no more than of all.
 */
static void pages_are_chosen_by_chance(struct kunit *test)
{
	u32 n[FPOOL_DUEL_SIDES] = { 0 }, sampled = 0, vpn, side;

	for (vpn = 0; vpn < 1U << 18; vpn++) {
		side = fpool_duel_side(1, vpn, SHIFT);
		n[side]++;
		if (fpool_duel_side(1, vpn, SHIFT + 1) != FPOOL_DUEL_REST)
			KUNIT_ASSERT_EQ(test, side, fpool_duel_side(1, vpn, SHIFT + 1));
		if (side != FPOOL_DUEL_REST && fpool_mrc_samples(1, vpn, fpool_mrc_last(3)))
			sampled++;
	}
	KUNIT_EXPECT_TRUE(test, about(n[FPOOL_DUEL_HOLDER], 4096, 256));
	KUNIT_EXPECT_TRUE(test, about(n[FPOOL_DUEL_RIVAL], 4096, 256));
	KUNIT_EXPECT_TRUE(test, about(sampled, 1024, 128));
}

/* The holder keeps the rest, and the rival is not asleep before it has lost all that it can. */
static void no_difference_changes_nothing(struct kunit *test)
{
	struct fpool_duel d = { 0 };

	misses_alike(&d, FRAMES * 23 / (1 << SHIFT));
	KUNIT_EXPECT_FALSE(test, d.won);
	KUNIT_EXPECT_FALSE(test, d.asleep);
	KUNIT_EXPECT_FALSE(test, fpool_duel_rivals(&d, FPOOL_DUEL_REST));
	KUNIT_EXPECT_FALSE(test, fpool_duel_rivals(&d, FPOOL_DUEL_HOLDER));
	KUNIT_EXPECT_TRUE(test, fpool_duel_rivals(&d, FPOOL_DUEL_RIVAL));
}

/* If the rival's leaders never miss: after 1/8 of the pool, and what the margin takes. */
static void the_better_one_wins(struct kunit *test)
{
	struct fpool_duel d = { 0 };
	u32 need = FRAMES / 8 * 24 / 23;

	faults(&d, FPOOL_DUEL_REST, need - 2);
	KUNIT_EXPECT_FALSE(test, d.won);
	faults(&d, FPOOL_DUEL_HOLDER, FPOOL_DUEL_STEP);
	KUNIT_EXPECT_TRUE(test, d.won);
	KUNIT_EXPECT_TRUE(test, fpool_duel_rivals(&d, FPOOL_DUEL_REST));
	KUNIT_EXPECT_FALSE(test, fpool_duel_rivals(&d, FPOOL_DUEL_HOLDER));
}

/* What is decided elsewhere stays so, whatever misses. */
static void who_is_led_decides_nothing(struct kunit *test)
{
	struct fpool_duel d = { .led = true, .won = true };

	faults(&d, FPOOL_DUEL_RIVAL, 2 * FRAMES);
	KUNIT_EXPECT_TRUE(test, d.won);
	d.won = false;
	faults(&d, FPOOL_DUEL_REST, 2 * FRAMES);
	KUNIT_EXPECT_FALSE(test, d.won);
}

/* Not back before the lead is gone; that is held at the pool's frames, however long it lasted. */
static void it_changes_back_late(struct kunit *test)
{
	struct fpool_duel d = { 0 };

	faults(&d, FPOOL_DUEL_REST, FRAMES);
	KUNIT_ASSERT_TRUE(test, d.won);
	/* Now the holder's leaders are the small sample. */
	faults(&d, FPOOL_DUEL_HOLDER, FRAMES);
	KUNIT_EXPECT_EQ(test, d.lead, FRAMES);
	faults(&d, FPOOL_DUEL_RIVAL, FRAMES / 24 * 23 - 1);
	KUNIT_EXPECT_TRUE(test, d.won);
	faults(&d, FPOOL_DUEL_REST, FRAMES / 16);
	KUNIT_EXPECT_FALSE(test, d.won);
}

/* A loop: the rival's leaders miss always.  They sleep, wake after long, and sleep again soon. */
static void the_worse_one_sleeps(struct kunit *test)
{
	struct fpool_duel d = { 0 };
	u32 i, awake = 0;

	faults(&d, FPOOL_DUEL_RIVAL, FRAMES >> SHIFT);
	KUNIT_EXPECT_FALSE(test, d.asleep);
	faults(&d, FPOOL_DUEL_RIVAL, FPOOL_DUEL_STEP);
	KUNIT_ASSERT_TRUE(test, d.asleep);
	KUNIT_EXPECT_FALSE(test, fpool_duel_rivals(&d, FPOOL_DUEL_RIVAL));
	for (i = 0; i < 16 * FRAMES; i++) {
		awake += !d.asleep;
		fpool_duel_fault(&d, i % 4 || d.asleep ? FPOOL_DUEL_REST : FPOOL_DUEL_RIVAL,
				 FRAMES, SHIFT);
	}
	KUNIT_EXPECT_GT(test, awake, 0);
	KUNIT_EXPECT_LT(test, awake, FRAMES / 2);
	KUNIT_EXPECT_FALSE(test, d.won);
	/* It wakes at once where the pool has become so small that it has lost less. */
	d = (struct fpool_duel) { .lead = -2 * (s32)FRAMES, .asleep = true };
	faults(&d, FPOOL_DUEL_REST, FRAMES / 4 * 8 - 16);
	KUNIT_EXPECT_TRUE(test, d.asleep);
	faults(&d, FPOOL_DUEL_REST, 16);
	KUNIT_EXPECT_FALSE(test, d.asleep);
}

static struct kunit_case duel_cases[] = {
	KUNIT_CASE(small_pools_do_not_duel),
	KUNIT_CASE(leaders_are_few),
	KUNIT_CASE(leaders_stay_for_a_while),
	KUNIT_CASE(others_begin_behind),
	KUNIT_CASE(pages_are_chosen_by_chance),
	KUNIT_CASE(no_difference_changes_nothing),
	KUNIT_CASE(the_better_one_wins),
	KUNIT_CASE(who_is_led_decides_nothing),
	KUNIT_CASE(it_changes_back_late),
	KUNIT_CASE(the_worse_one_sleeps),
	{}
};

static struct kunit_suite duel_suite = {
	.name = "fpool_duel",
	.test_cases = duel_cases,
};

kunit_test_suite(duel_suite);
