// SPDX-License-Identifier: GPL-2.0-only
/* Strides: what is fetched for who jumps by the same distance each time, and for nobody else. */
#include <kunit/test.h>

#include "stride.h"

struct jumper {
	u64 vpn;
	u64 stride;
	u64 fetched;	/* up to here, in jumps */
	u64 at;		/* his next page, in jumps */
	u32 misses;
};

static struct jumper jumper(u64 vpn, u64 stride)
{
	return (struct jumper){ .vpn = vpn, .stride = stride };
}

static bool marked(const struct fpool_strides *s, u64 vpn)
{
	return fpool_strides_marked(s, vpn, vpn + 1) == vpn;
}

/* Fetch what is to be fetched, at most @most pages. */
static u32 fetch(struct kunit *test, struct fpool_strides *s, struct jumper *j, u64 vpn, u32 most)
{
	u64 next = 0, stride = 0;
	u32 nr = fpool_strides_ahead(s, vpn, &next, &stride);

	KUNIT_EXPECT_LE(test, nr, (u32)FPOOL_STRIDE_MAX);
	if (nr) {
		KUNIT_EXPECT_EQ(test, stride, j->stride);
		KUNIT_EXPECT_EQ(test, next, j->vpn + j->fetched * j->stride);
	}
	nr = min(nr, most);
	fpool_strides_fetched(s, vpn, nr);
	j->fetched += nr;
	return nr;
}

/* The next page is touched: a miss, unless it was fetched ahead. What is fetched because of it. */
static u32 jump(struct kunit *test, struct fpool_strides *s, struct jumper *j, u32 most)
{
	u64 vpn = j->vpn + j->at * j->stride;

	if (j->at++ < j->fetched)
		return marked(s, vpn) ? fetch(test, s, j, vpn, most) : 0;
	j->misses++;
	j->fetched = j->at;
	if (!fpool_strides_miss(s, vpn))
		return 0;
	KUNIT_EXPECT_TRUE(test, marked(s, vpn));
	return fetch(test, s, j, vpn, most);
}

static void expect_seen(struct kunit *test, u64 vpn, u64 stride)
{
	/* Three misses in a row, and one where it was expected; from then on there is none. */
	static const u32 want[] = { 0, 0, 0, 2, 4, 0, 8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 16 };
	struct jumper j = jumper(vpn, stride);
	struct fpool_strides s;
	u32 i;

	fpool_strides_init(&s);
	for (i = 0; i < ARRAY_SIZE(want); i++)
		KUNIT_EXPECT_EQ(test, jump(test, &s, &j, U32_MAX), want[i]);
	for (i = 0; i < 1000; i++)
		jump(test, &s, &j, U32_MAX);
	KUNIT_EXPECT_EQ(test, j.misses, 4U);
	KUNIT_EXPECT_LE(test, j.fetched - j.at, 2ULL * FPOOL_STRIDE_MAX);
}

static void a_jumper_is_fetched_ahead_of(struct kunit *test)
{
	expect_seen(test, 0, 5);
	expect_seen(test, 77, 512);
	expect_seen(test, 1ULL << 30, 123457);
}

static void downwards_too(struct kunit *test)
{
	expect_seen(test, 1ULL << 30, -5ULL);
	expect_seen(test, 1ULL << 30, -4096ULL);
}

static void two_who_take_turns(struct kunit *test)
{
	struct jumper a = jumper(0, 100), b = jumper(1ULL << 20, -37ULL);
	struct fpool_strides s;
	u32 i;

	fpool_strides_init(&s);
	for (i = 0; i < 1000; i++) {
		jump(test, &s, &a, U32_MAX);
		jump(test, &s, &b, U32_MAX);
	}
	KUNIT_EXPECT_LE(test, a.misses, 6U);
	KUNIT_EXPECT_LE(test, b.misses, 6U);
}

/* A third one takes the place of who was not seen for longest. */
static void one_who_stops_is_forgotten(struct kunit *test)
{
	struct jumper a = jumper(0, 100), b = jumper(1ULL << 20, 77), c = jumper(1ULL << 21, 55);
	struct fpool_strides s;
	u32 i;

	fpool_strides_init(&s);
	for (i = 0; i < 100; i++)
		jump(test, &s, &a, U32_MAX);
	for (i = 0; i < 100; i++)
		jump(test, &s, &b, U32_MAX);
	for (i = 0; i < 100; i++)
		jump(test, &s, &c, U32_MAX);
	KUNIT_EXPECT_EQ(test, b.misses, 4U);
	KUNIT_EXPECT_EQ(test, c.misses, 4U);
	for (i = 0; i < 100; i++)
		jump(test, &s, &b, U32_MAX);
	KUNIT_EXPECT_EQ(test, b.misses, 4U);
}

static void a_random_reader_is_none(struct kunit *test)
{
	struct fpool_strides s;
	u64 x = 1;
	u32 i, fetches = 0;

	fpool_strides_init(&s);
	for (i = 0; i < 100000; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		fetches += fpool_strides_miss(&s, x >> 48);
	}
	/* One is taken for a reader now and then, by chance, and expected from then on. */
	KUNIT_EXPECT_LE(test, fetches, 8U);
}

/* A mark is found by any part of the file that it lies in. */
static void a_mark_within_a_range(struct kunit *test)
{
	struct fpool_strides s;
	u32 i;

	fpool_strides_init(&s);
	KUNIT_EXPECT_EQ(test, fpool_strides_marked(&s, 0, FPOOL_VPN_MAX), FPOOL_NO_MARK);
	for (i = 0; i < 4; i++)
		fpool_strides_miss(&s, i * 100);
	KUNIT_EXPECT_EQ(test, fpool_strides_marked(&s, 256, 320), 300ULL);
	KUNIT_EXPECT_EQ(test, fpool_strides_marked(&s, 300, 301), 300ULL);
	KUNIT_EXPECT_EQ(test, fpool_strides_marked(&s, 301, 400), FPOOL_NO_MARK);
	KUNIT_EXPECT_EQ(test, fpool_strides_marked(&s, 0, 300), FPOOL_NO_MARK);
}

/* Two readers who meet: what is fetched is the first one's, and the other one is still expected. */
static void two_with_one_mark(struct kunit *test)
{
	u64 next = 0, stride = 0;
	struct fpool_strides s;
	u32 i;

	fpool_strides_init(&s);
	for (i = 0; i < 3; i++)
		fpool_strides_miss(&s, 1000 + i * 100);
	for (i = 0; i < 3; i++)
		fpool_strides_miss(&s, 1600 - i * 100);
	/* Both are expected at 1300. */
	KUNIT_EXPECT_TRUE(test, fpool_strides_miss(&s, 1300));
	s.strider[1].mark = 1300;
	KUNIT_EXPECT_EQ(test, fpool_strides_ahead(&s, 1300, &next, &stride), 2U);
	KUNIT_EXPECT_EQ(test, next, 1400ULL);
	fpool_strides_fetched(&s, 1300, 2);
	KUNIT_EXPECT_EQ(test, s.strider[0].next, 1600ULL);
	KUNIT_EXPECT_EQ(test, s.strider[1].next, 1300ULL);
}

static void one_page_is_none(struct kunit *test)
{
	struct fpool_strides s;
	u32 i;

	fpool_strides_init(&s);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_FALSE(test, fpool_strides_miss(&s, 1000));
	KUNIT_EXPECT_FALSE(test, marked(&s, 1000));
}

/* Where there are no frames for it he goes on by misses, and is not forgotten. */
static void what_cannot_be_fetched_is_missed(struct kunit *test)
{
	struct jumper j = jumper(0, 100);
	struct fpool_strides s;
	u32 i;

	fpool_strides_init(&s);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, jump(test, &s, &j, 0), 0U);
	KUNIT_EXPECT_FALSE(test, marked(&s, 9900));
	KUNIT_EXPECT_EQ(test, j.misses, 100U);
	KUNIT_EXPECT_EQ(test, jump(test, &s, &j, 3), 3U);
	for (i = 0; i < 100; i++)
		jump(test, &s, &j, 3);
	KUNIT_EXPECT_EQ(test, j.misses, 101U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(a_jumper_is_fetched_ahead_of),
	KUNIT_CASE(downwards_too),
	KUNIT_CASE(two_who_take_turns),
	KUNIT_CASE(one_who_stops_is_forgotten),
	KUNIT_CASE(a_random_reader_is_none),
	KUNIT_CASE(one_page_is_none),
	KUNIT_CASE(a_mark_within_a_range),
	KUNIT_CASE(two_with_one_mark),
	KUNIT_CASE(what_cannot_be_fetched_is_missed),
	{}
};

static struct kunit_suite stride_suite = {
	.name = "fpool_stride",
	.test_cases = cases,
};

kunit_test_suite(stride_suite);
