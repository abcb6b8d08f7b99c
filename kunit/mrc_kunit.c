// SPDX-License-Identifier: GPL-2.0-only
/*
 * The LRU stack against a naive one: an array that is shifted by hand, and counts by exact depth.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "helpers.h"
#include "mrc.h"

#define PAGES_MAX	64

struct stack {
	struct fpool_mrc mrc;
	u64 mem[PAGES_MAX * 8];		/* more than any of the tests needs */
};

/* What is known exactly: the pages, last used first, and the depths at which they were found. */
struct naive {
	u64 page[PAGES_MAX];
	u32 len, capacity;
	u64 at[PAGES_MAX + 1];
	u64 refs, cold;
};

static struct stack *stack_new(struct kunit *test, u32 capacity, const u32 *depth, u32 sizes)
{
	struct stack *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_LE(test, fpool_mrc_bytes(capacity), sizeof(s->mem));
	KUNIT_ASSERT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, capacity, depth, sizes), 0);
	return s;
}

/* The depth at which it was, from 1 on; 0: it was not there. */
static u32 naive_ref(struct naive *n, u64 page)
{
	u32 i = 0, found;

	while (i < n->len && n->page[i] != page)
		i++;
	found = i < n->len ? i + 1 : 0;
	if (!found) {
		n->cold++;
		if (n->len < n->capacity)
			n->len++;
		i = n->len - 1;
	}
	for (; i > 0; i--)
		n->page[i] = n->page[i - 1];
	n->page[0] = page;
	n->at[found]++;
	n->refs++;
	return found;
}

static u64 naive_misses(const struct naive *n, u32 frames)
{
	u64 misses = n->refs;
	u32 i;

	for (i = 1; i <= frames; i++)
		misses -= n->at[i];
	return misses;
}

static void compare(struct kunit *test, const struct stack *s, const struct naive *n)
{
	u32 i = s->mrc.top, k;
	const char *why = "";

	KUNIT_ASSERT_EQ_MSG(test, fpool_mrc_check(&s->mrc, &why), 0, "%s", why);
	KUNIT_ASSERT_EQ(test, s->mrc.used, n->len);
	for (k = 0; k < n->len; k++, i = s->mrc.page[i].older)
		KUNIT_ASSERT_EQ(test, s->mrc.page[i].vpn, n->page[k]);
	KUNIT_ASSERT_EQ(test, s->mrc.refs, n->refs);
	KUNIT_ASSERT_EQ(test, s->mrc.cold, n->cold);
	for (k = 0; k < s->mrc.sizes; k++)
		KUNIT_ASSERT_EQ_MSG(test, fpool_mrc_misses(&s->mrc, k),
				    naive_misses(n, s->mrc.depth[k]), "size %u", k);
}

static void live(struct kunit *test, struct rnd_state *rnd, u32 capacity, const u32 *depth,
		 u32 sizes)
{
	struct stack *s = stack_new(test, capacity, depth, sizes);
	struct naive *n = kunit_kzalloc(test, sizeof(*n), GFP_KERNEL);
	unsigned int step, steps = FPOOL_TEST_STEPS(400, 20000);
	bool known;
	u64 page;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, n);
	n->capacity = capacity;
	for (step = 0; step < steps; step++) {
		/* Some pages more often than others, and some more pages than it can have. */
		page = fpool_kunit_below(rnd, 1 + fpool_kunit_below(rnd, capacity + 4));
		i = fpool_mrc_ref(&s->mrc, page % 3, page, &known);
		KUNIT_ASSERT_EQ(test, s->mrc.page[i].vpn, page);
		KUNIT_ASSERT_EQ(test, s->mrc.page[i].space, page % 3);
		KUNIT_ASSERT_EQ(test, known, !!naive_ref(n, page));
		compare(test, s, n);
		if (fpool_kunit_below(rnd, 1000))
			continue;
		fpool_mrc_clear(&s->mrc);
		memset(n->at, 0, sizeof(n->at));
		n->refs = 0;
		n->cold = 0;
	}
}

/* Every depth, every order, every count, with stacks that overflow; sizes one apart and far. */
static void like_the_model(struct kunit *test)
{
	static const u32 all[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	static const u32 some[] = { 2, 3, 9, 40 }, one[] = { 7 };
	struct rnd_state rnd;

	fpool_kunit_seed(test, &rnd);
	live(test, &rnd, 1, all, 1);
	live(test, &rnd, 2, all, 1);
	live(test, &rnd, 2, all, 2);
	live(test, &rnd, 16, all, ARRAY_SIZE(all));
	live(test, &rnd, 17, all, ARRAY_SIZE(all));
	live(test, &rnd, 7, one, 1);
	live(test, &rnd, 9, one, 1);
	live(test, &rnd, 40, some, ARRAY_SIZE(some));
	live(test, &rnd, PAGES_MAX, some, ARRAY_SIZE(some));
}

/* A loop over n pages: LRU hits always with n frames, and never with one less. */
static void a_loop_is_all_or_nothing(struct kunit *test)
{
	static const u32 depth[] = { 1, 9, 10, 11 };
	struct stack *s = stack_new(test, 20, depth, ARRAY_SIZE(depth));
	bool known;
	u32 i;

	for (i = 0; i < 100; i++)
		fpool_mrc_ref(&s->mrc, 1, i % 10, &known);
	KUNIT_EXPECT_EQ(test, fpool_mrc_misses(&s->mrc, 0), 100);
	KUNIT_EXPECT_EQ(test, fpool_mrc_misses(&s->mrc, 1), 100);
	KUNIT_EXPECT_EQ(test, fpool_mrc_misses(&s->mrc, 2), 10);
	KUNIT_EXPECT_EQ(test, fpool_mrc_misses(&s->mrc, 3), 10);
	fpool_mrc_clear(&s->mrc);
	for (i = 0; i < 10; i++)
		fpool_mrc_ref(&s->mrc, 1, i, &known);
	KUNIT_EXPECT_EQ(test, fpool_mrc_misses(&s->mrc, 1), 10);
	KUNIT_EXPECT_EQ(test, fpool_mrc_misses(&s->mrc, 2), 0);
	KUNIT_EXPECT_EQ(test, s->mrc.cold, 0);
}

/* Whoever orders uses by their number can do so across a clear. */
static void uses_are_numbered_for_ever(struct kunit *test)
{
	static const u32 depth[] = { 2 };
	struct stack *s = stack_new(test, 2, depth, 1);
	u64 last = 0;
	bool known;
	u32 i;

	for (i = 0; i < 40; i++) {
		fpool_mrc_ref(&s->mrc, 1, i % 3, &known);
		KUNIT_EXPECT_GT(test, s->mrc.now, last);
		last = s->mrc.now;
		if (i % 10 == 9)
			fpool_mrc_clear(&s->mrc);
	}
	KUNIT_EXPECT_EQ(test, s->mrc.refs, 0);
}

/* The same page of two spaces is two pages. */
static void spaces_do_not_mix(struct kunit *test)
{
	static const u32 depth[] = { 2 };
	struct stack *s = stack_new(test, 2, depth, 1);
	u32 a, b;
	bool known;

	a = fpool_mrc_ref(&s->mrc, 1, 5, &known);
	b = fpool_mrc_ref(&s->mrc, 2, 5, &known);
	KUNIT_EXPECT_FALSE(test, known);
	KUNIT_EXPECT_NE(test, a, b);
	KUNIT_EXPECT_EQ(test, fpool_mrc_ref(&s->mrc, 1, 5, &known), a);
	KUNIT_EXPECT_TRUE(test, known);
}

/* The checker finds each kind of damage. */
static void damage_is_found(struct kunit *test)
{
	static const u32 depth[] = { 2, 4, 8 };
	struct stack *s = stack_new(test, 9, depth, ARRAY_SIZE(depth));
	struct fpool_mrc *m = &s->mrc, whole;
	struct fpool_mrc_page page[9];
	const char *why;
	bool known;
	u32 i;

	for (i = 0; i < 5; i++)
		fpool_mrc_ref(m, 1, i, &known);
	whole = *m;
	memcpy(page, m->page, sizeof(page));
	for (i = 0; i < 7; i++) {
		switch (i) {
		case 0:
			m->page[m->page[m->top].older].newer = m->bottom;
			break;
		case 1:
			m->page[m->bottom].size = 0;
			break;
		case 2:
			m->last[1] = m->bottom;
			break;
		case 3:
			m->page[m->top].vpn = 77;
			break;
		case 4:
			m->used--;
			break;
		case 5:
			m->bottom = m->top;
			break;
		case 6:
			m->last[2] = m->top;
			break;
		}
		why = NULL;
		KUNIT_EXPECT_EQ_MSG(test, fpool_mrc_check(m, &why), -EUCLEAN, "damage %u", i);
		KUNIT_EXPECT_NOT_NULL(test, why);
		*m = whole;
		memcpy(m->page, page, sizeof(page));
		KUNIT_ASSERT_EQ(test, fpool_mrc_check(m, &why), 0);
	}
}

/* Each bad size is refused; the next larger or smaller one is not. */
static void bad_sizes(struct kunit *test)
{
	static const u32 none[] = { 0, 1 }, equal[] = { 1, 3, 3 }, down[] = { 3, 2 };
	static const u32 deep[] = { 9 };
	struct stack *s = stack_new(test, 9, deep, 1);
	u32 fine[FPOOL_MRC_SIZES_MAX + 1], i;

	for (i = 0; i <= FPOOL_MRC_SIZES_MAX; i++)
		fine[i] = i + 1;
	KUNIT_EXPECT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, 20, fine, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, 20, none, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, 20, equal, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, 20, down, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, 8, deep, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, (1U << 31) + 1, deep, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, 20, fine, FPOOL_MRC_SIZES_MAX + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, 20, fine, FPOOL_MRC_SIZES_MAX), 0);
	KUNIT_EXPECT_EQ(test, fpool_mrc_init(&s->mrc, s->mem, 9, deep, 1), 0);
}

static u32 sampled(u32 space, u64 first, u64 step, u32 nr, u64 last)
{
	u32 i, n = 0;

	for (i = 0; i < nr; i++)
		n += fpool_mrc_samples(space, first + i * step, last);
	return n;
}

/*
 * Neighbours, strides, huge numbers, any space: as many are chosen as should be, within five times
 * the deviation that chance has; who is in the smaller sample is in the larger one, too.
 */
static void the_sample_is_fair(struct kunit *test)
{
	static const u64 steps[] = { 1, 2, 3, 64, 512, 4096, 1ULL << 30 };
	static const u32 parts[][2] = { { 1, 2 }, { 96, 15360 }, { 3, 1000 }, { 999, 1000 } };
	const u32 nr = 1 << 16;
	u32 n, want, space, i, k;
	u64 vpn;

	KUNIT_EXPECT_EQ(test, sampled(1, 0, 1, nr, fpool_mrc_last(0)), nr);
	KUNIT_EXPECT_EQ(test, fpool_mrc_share(7, 7), fpool_mrc_last(0));
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		for (k = 0; k < ARRAY_SIZE(parts); k++) {
			for (space = 1; space < 4; space++) {
				n = sampled(space, 0, steps[i], nr,
					    fpool_mrc_share(parts[k][0], parts[k][1]));
				want = nr * parts[k][0] / parts[k][1];
				KUNIT_EXPECT_TRUE_MSG(test,
						      (n - want) * (n - want) <= 25 * want,
						      "step %llu, space %u: %u of %u", steps[i],
						      space, n, want);
			}
		}
	}
	for (vpn = 0; vpn < nr; vpn++)
		if (fpool_mrc_samples(1, vpn, fpool_mrc_share(5, 100)))
			KUNIT_ASSERT_TRUE(test, fpool_mrc_samples(1, vpn, fpool_mrc_share(6, 100)));
}

static struct kunit_case mrc_cases[] = {
	KUNIT_CASE(like_the_model),
	KUNIT_CASE(a_loop_is_all_or_nothing),
	KUNIT_CASE(uses_are_numbered_for_ever),
	KUNIT_CASE(spaces_do_not_mix),
	KUNIT_CASE(bad_sizes),
	KUNIT_CASE(damage_is_found),
	KUNIT_CASE(the_sample_is_fair),
	{}
};

static struct kunit_suite mrc_suite = {
	.name = "fpool_mrc",
	.test_cases = mrc_cases,
};

kunit_test_suite(mrc_suite);
