// SPDX-License-Identifier: GPL-2.0-only
/* Streams: what is fetched at a miss follows the pattern of the misses. */
#include <kunit/test.h>

#include "stream.h"

/* A miss, and a fetch of the aligned block that was answered; what the reader misses next. */
static u64 read_on(struct kunit *test, struct fpool_streams *s, u64 vpn, unsigned int *order)
{
	u64 first;

	*order = fpool_streams_miss(s, vpn);
	KUNIT_EXPECT_LE(test, *order, (unsigned int)FPOOL_STREAM_MAX_ORDER);
	first = vpn & ~((1ULL << *order) - 1);
	fpool_streams_fetched(s, first, 1ULL << *order);
	return first + (1ULL << *order);
}

static void a_sequential_reader_grows_fourfold(struct kunit *test)
{
	static const unsigned int want[] = { 0, 0, 2, 4, 6, 8, 8, 8 };
	struct fpool_streams s;
	unsigned int order, i;
	u64 vpn = 1024;

	fpool_streams_init(&s);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		vpn = read_on(test, &s, vpn, &order);
		KUNIT_EXPECT_EQ(test, order, want[i]);
	}
}

static void a_random_reader_fetches_one_page(struct kunit *test)
{
	struct fpool_streams s;
	unsigned int order;
	u64 i;

	fpool_streams_init(&s);
	for (i = 0; i < 1000; i++) {
		read_on(test, &s, (i * 7919) % 65536 * 16, &order);
		KUNIT_EXPECT_EQ(test, order, 0U);
	}
}

static void one_jump_starts_again(struct kunit *test)
{
	struct fpool_streams s;
	unsigned int order, i;
	u64 vpn = 0;

	fpool_streams_init(&s);
	for (i = 0; i < 8; i++)
		vpn = read_on(test, &s, vpn, &order);
	KUNIT_EXPECT_EQ(test, order, 8U);
	read_on(test, &s, vpn + 100000, &order);
	KUNIT_EXPECT_EQ(test, order, 0U);
	/* The old stream is still known. */
	read_on(test, &s, vpn, &order);
	KUNIT_EXPECT_EQ(test, order, 8U);
}

static void as_many_readers_as_streams_do_not_disturb_each_other(struct kunit *test)
{
	u64 vpn[FPOOL_NR_STREAMS];
	struct fpool_streams s;
	unsigned int order = 0, round;
	u32 i;

	fpool_streams_init(&s);
	for (i = 0; i < FPOOL_NR_STREAMS; i++)
		vpn[i] = i * 1000000;
	for (round = 0; round < 8; round++)
		for (i = 0; i < FPOOL_NR_STREAMS; i++)
			vpn[i] = read_on(test, &s, vpn[i], &order);
	KUNIT_EXPECT_EQ(test, order, 8U);
}

/* As many sequential ones as leave a stream for him. */
static void a_random_reader_beside_does_not_disturb(struct kunit *test)
{
	u64 vpn[FPOOL_NR_STREAMS - 1], beside = 1;
	unsigned int order, i, k, round;
	struct fpool_streams s;

	fpool_streams_init(&s);
	for (i = 0; i < ARRAY_SIZE(vpn); i++)
		for (k = 0, vpn[i] = (i + 1) << 24; k < 6; k++)
			vpn[i] = read_on(test, &s, vpn[i], &order);
	for (round = 0; round < 100; round++) {
		for (i = 0; i < ARRAY_SIZE(vpn); i++) {
			for (k = 0; k < 3; k++, beside = beside * 7919 % 1000003) {
				read_on(test, &s, beside * 16, &order);
				KUNIT_EXPECT_EQ(test, order, 0U);
			}
			vpn[i] = read_on(test, &s, vpn[i], &order);
			KUNIT_EXPECT_EQ(test, order, 8U);
		}
	}
}

/* They take turns, and one is too many: only he, and one of the others, begin again and again. */
static void one_reader_more_than_streams(struct kunit *test)
{
	u64 vpn[FPOOL_NR_STREAMS + 1];
	unsigned int order[ARRAY_SIZE(vpn)], round, grown = 0;
	struct fpool_streams s;
	u32 i;

	fpool_streams_init(&s);
	for (i = 0; i < ARRAY_SIZE(vpn); i++)
		vpn[i] = i * 1000000;
	for (round = 0; round < 8; round++)
		for (i = 0; i < FPOOL_NR_STREAMS; i++)
			vpn[i] = read_on(test, &s, vpn[i], &order[i]);
	for (round = 0; round < 50; round++)
		for (i = 0; i < ARRAY_SIZE(vpn); i++)
			vpn[i] = read_on(test, &s, vpn[i], &order[i]);
	for (i = 0; i < ARRAY_SIZE(vpn); i++)
		grown += order[i] == 8;
	KUNIT_EXPECT_EQ(test, grown, FPOOL_NR_STREAMS - 1);
}

/* Those who have gone do not keep new ones from beginning. */
static void new_readers_take_the_place_of_old_ones(struct kunit *test)
{
	unsigned int order[2] = {}, i, k;
	u64 vpn, new[2] = { 1 << 20, 1 << 21 };
	struct fpool_streams s;

	fpool_streams_init(&s);
	for (i = 0; i < FPOOL_NR_STREAMS; i++)
		for (k = 0, vpn = i * 100000; k < 8; k++)
			vpn = read_on(test, &s, vpn, &order[0]);
	for (k = 0; k < 4 * 16; k++)
		for (i = 0; i < 2; i++)
			new[i] = read_on(test, &s, new[i], &order[i]);
	KUNIT_EXPECT_EQ(test, order[0], 8U);
	KUNIT_EXPECT_EQ(test, order[1], 8U);
}

/* A full working set, or pool, lets a miss claim nothing, and it comes again, and again. */
static void who_fetches_nothing_has_asked_in_vain(struct kunit *test)
{
	struct fpool_streams s, was;
	unsigned int order, i;
	struct fpool_stream_ahead ahead;
	u64 vpn = 0;

	fpool_streams_init(&s);
	for (i = 0; i < 3; i++)
		vpn = read_on(test, &s, vpn, &order);
	KUNIT_EXPECT_EQ(test, order, 2U);
	for (i = 0; i < 3 * FPOOL_NR_STREAMS; i++) {
		KUNIT_EXPECT_EQ(test, fpool_streams_miss(&s, 1000000), 0U);
		KUNIT_EXPECT_EQ(test, fpool_streams_miss(&s, vpn), 4U);
	}
	for (i = 0; i < 2; i++)
		vpn = read_on(test, &s, vpn, &order);
	KUNIT_EXPECT_EQ(test, order, 6U);
	was = s;
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, fpool_streams_ahead(&s, vpn - 1, &ahead), 8U);
	KUNIT_EXPECT_EQ(test, memcmp(was.stream, s.stream, sizeof(s.stream)), 0);
	KUNIT_EXPECT_EQ(test, fpool_streams_miss(&s, vpn), 8U);
}

static void backwards_and_small_strides_grow_too(struct kunit *test)
{
	struct fpool_streams s;
	unsigned int order, i;
	u64 vpn = 100000;

	fpool_streams_init(&s);
	for (i = 0; i < 8; i++) {
		order = fpool_streams_miss(&s, vpn);
		fpool_streams_fetched(&s, vpn & ~((1ULL << order) - 1), 1ULL << order);
		vpn = (vpn & ~((1ULL << order) - 1)) - 1;
	}
	KUNIT_EXPECT_EQ(test, order, 8U);
	for (vpn = 500000, i = 0; i < 4; i++, vpn += 3)
		read_on(test, &s, vpn, &order);
	KUNIT_EXPECT_GE(test, order, 2U);
}

static void ahead_goes_on_from_a_block_that_is_touched(struct kunit *test)
{
	struct fpool_stream_ahead ahead;
	struct fpool_streams s;
	unsigned int order, i;
	u64 vpn = 0, lo, hi;

	fpool_streams_init(&s);
	KUNIT_EXPECT_EQ(test, fpool_streams_ahead(&s, 0, &ahead), 0U);
	for (i = 0; i < 3; i++)
		vpn = read_on(test, &s, vpn, &order);
	/* Not yet grown enough to be read ahead of. */
	KUNIT_EXPECT_EQ(test, fpool_streams_ahead(&s, vpn - 1, &ahead), 0U);
	for (i = 0; i < 5; i++)
		vpn = read_on(test, &s, vpn, &order);
	KUNIT_EXPECT_EQ(test, fpool_streams_block(&s, vpn - 1, &lo, &hi), 8U);
	KUNIT_EXPECT_EQ(test, lo, vpn - 256);
	KUNIT_EXPECT_EQ(test, hi, vpn);
	KUNIT_EXPECT_EQ(test, fpool_streams_ahead(&s, vpn - 256, &ahead), 8U);
	KUNIT_EXPECT_EQ(test, ahead.entry, vpn - 256);
	KUNIT_EXPECT_EQ(test, ahead.next, vpn);
	KUNIT_EXPECT_EQ(test, ahead.step, 1ULL);
	fpool_streams_fetched(&s, ahead.next, 256);
	/* What lies behind is nobody's any more. */
	KUNIT_EXPECT_EQ(test, fpool_streams_ahead(&s, vpn - 1, &ahead), 0U);
	KUNIT_EXPECT_EQ(test, fpool_streams_block(&s, vpn - 1, &lo, &hi), 0U);
}

/* The same of somebody who reads backwards. */
static u64 read_back(struct kunit *test, struct fpool_streams *s, u64 vpn, unsigned int *order)
{
	u64 end = read_on(test, s, vpn, order);

	return end - (1ULL << *order) - 1;
}

static void ahead_of_who_reads_backwards_is_below(struct kunit *test)
{
	struct fpool_stream_ahead ahead;
	struct fpool_streams s;
	unsigned int order, i;
	u64 vpn = 4095;

	fpool_streams_init(&s);
	for (i = 0; i < 8; i++)
		vpn = read_back(test, &s, vpn, &order);
	KUNIT_EXPECT_EQ(test, fpool_streams_ahead(&s, vpn + 256, &ahead), 8U);
	KUNIT_EXPECT_EQ(test, ahead.entry, vpn + 256);
	KUNIT_EXPECT_EQ(test, ahead.next, vpn);
	KUNIT_EXPECT_EQ(test, ahead.step, U64_MAX);
	fpool_streams_fetched(&s, vpn - 255, 256);
	/* Now he turns round. */
	vpn = read_on(test, &s, vpn + 2, &order);
	KUNIT_EXPECT_EQ(test, fpool_streams_ahead(&s, vpn - 1, &ahead), 8U);
	KUNIT_EXPECT_EQ(test, ahead.next, vpn);
	KUNIT_EXPECT_EQ(test, ahead.step, 1ULL);
}

/* And is in no file. */
static void below_the_first_page_is_nothing(struct kunit *test)
{
	struct fpool_stream_ahead ahead;
	struct fpool_streams s;
	unsigned int order;
	u64 vpn = 511;

	fpool_streams_init(&s);
	do
		vpn = read_back(test, &s, vpn, &order);
	while (vpn < 512);
	KUNIT_EXPECT_EQ(test, fpool_streams_ahead(&s, 0, &ahead), 8U);
	KUNIT_EXPECT_GT(test, ahead.next + 3 * ahead.step, FPOOL_VPN_MAX);
}

/* Who reads while a stream is written has some words of the old one and some of the new. */
static void a_torn_stream_is_no_larger_than_a_block(struct kunit *test)
{
	const u64 ends[] = { 0, 1, 512, 768, 1 << 20, (1 << 20) + 256, FPOOL_VPN_MAX - 255,
			     FPOOL_VPN_MAX + 1 };
	struct fpool_stream_ahead ahead;
	struct fpool_streams s;
	unsigned int i, k;
	u64 lo, hi;

	fpool_streams_init(&s);
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		for (k = 0; k < ARRAY_SIZE(ends); k++) {
			bool ok = ends[i] < ends[k] && ends[k] - ends[i] <= FPOOL_STREAM_MAX;

			s.stream[1] = (struct fpool_stream){ ends[i], ends[k], 9, 0, false };
			KUNIT_EXPECT_EQ(test, fpool_streams_next(&s, ends[i], &ahead), ok);
			KUNIT_EXPECT_EQ(test, fpool_streams_block(&s, ends[i], &lo, &hi),
					ok ? 8U : 0U);
			KUNIT_EXPECT_EQ(test, fpool_streams_block(&s, ends[k] - 1, &lo, &hi),
					ok ? 8U : 0U);
		}
	}
}

static void the_first_and_the_last_page(struct kunit *test)
{
	struct fpool_streams s;

	fpool_streams_init(&s);
	KUNIT_EXPECT_EQ(test, fpool_streams_miss(&s, 0), 0U);
	fpool_streams_fetched(&s, 0, 1);
	KUNIT_EXPECT_EQ(test, fpool_streams_miss(&s, FPOOL_VPN_MAX), 0U);
	fpool_streams_fetched(&s, FPOOL_VPN_MAX, 1);
	KUNIT_EXPECT_EQ(test, fpool_streams_miss(&s, FPOOL_VPN_MAX - 1), 0U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(a_sequential_reader_grows_fourfold),
	KUNIT_CASE(a_random_reader_fetches_one_page),
	KUNIT_CASE(one_jump_starts_again),
	KUNIT_CASE(as_many_readers_as_streams_do_not_disturb_each_other),
	KUNIT_CASE(a_random_reader_beside_does_not_disturb),
	KUNIT_CASE(one_reader_more_than_streams),
	KUNIT_CASE(new_readers_take_the_place_of_old_ones),
	KUNIT_CASE(who_fetches_nothing_has_asked_in_vain),
	KUNIT_CASE(backwards_and_small_strides_grow_too),
	KUNIT_CASE(ahead_goes_on_from_a_block_that_is_touched),
	KUNIT_CASE(ahead_of_who_reads_backwards_is_below),
	KUNIT_CASE(below_the_first_page_is_nothing),
	KUNIT_CASE(a_torn_stream_is_no_larger_than_a_block),
	KUNIT_CASE(the_first_and_the_last_page),
	{}
};

static struct kunit_suite stream_suite = {
	.name = "fpool_stream",
	.test_cases = cases,
};

kunit_test_suite(stream_suite);
