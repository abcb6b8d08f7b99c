/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of KUnit as our suites use.  A failed EXPECT is counted and printed, a failed
 * ASSERT also leaves the test; exit and the kunit_k*alloc memory are cleaned up in both cases.
 */
#ifndef SHIM_KUNIT_TEST_H
#define SHIM_KUNIT_TEST_H

#include <linux/kernel.h>
#include <linux/errno.h>
#include <linux/slab.h>

struct kunit_alloc;

struct kunit {
	void *priv;
	const char *name;
	struct kunit_alloc *allocs;
	bool failed, skipped;
	const char *why;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char *name;
	int (*suite_init)(struct kunit_suite *suite);
	void (*suite_exit)(struct kunit_suite *suite);
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(fn)		{ .run_case = (fn), .name = #fn }
#define KUNIT_CASE_SLOW(fn)	KUNIT_CASE(fn)

void kunit_register(struct kunit_suite *suite);

#define __kunit_cat2(a, b)	a##b
#define __kunit_cat(a, b)	__kunit_cat2(a, b)

#define kunit_test_suite(suite)							\
	static void __attribute__((__constructor__)) __kunit_cat(__kunit_reg_, __LINE__)(void) \
	{									\
		kunit_register(&(suite));					\
	}

void *kunit_kmalloc(struct kunit *test, size_t size, gfp_t gfp);
void *kunit_kzalloc(struct kunit *test, size_t size, gfp_t gfp);

static inline void *kunit_kcalloc(struct kunit *test, size_t n, size_t size, gfp_t gfp)
{
	return kunit_kzalloc(test, n * size, gfp);
}

void kunit_info(struct kunit *test, const char *fmt, ...) __printf(2, 3);
void kunit_skip_case(struct kunit *test, const char *why) __noreturn;
#define kunit_skip(test, why)	kunit_skip_case(test, why)

/* A failure: the place, the sentence, and then what the author of the test adds. */
void kunit_fail(struct kunit *test, bool fatal, const char *file, int line, const char *fmt, ...)
	__printf(5, 6);
void kunit_explain(struct kunit *test, bool fatal, const char *fmt, ...) __printf(3, 4);

#define __kunit_cmp(test, fatal, l, op, r, fmt, ...) do {				\
	__auto_type __l = (l);								\
	__auto_type __r = (r);								\
											\
	if (likely(__l op __r))								\
		break;									\
	kunit_fail(test, fatal, __FILE__, __LINE__,					\
		   "%s %s %s, but they are %lld and %lld", #l, #op, #r,			\
		   (long long)(__l), (long long)(__r));					\
	kunit_explain(test, fatal, fmt, ##__VA_ARGS__);					\
} while (0)

#define __kunit_ptr(test, fatal, l, op, r, fmt, ...) do {				\
	const void *__l = (l);								\
	const void *__r = (r);								\
											\
	if (likely(__l op __r))								\
		break;									\
	kunit_fail(test, fatal, __FILE__, __LINE__,					\
		   "%s %s %s, but they are %p and %p", #l, #op, #r, __l, __r);		\
	kunit_explain(test, fatal, fmt, ##__VA_ARGS__);					\
} while (0)

#define __kunit_true(test, fatal, cond, want, fmt, ...) do {				\
	if (likely((!!(cond)) == (want)))							\
		break;									\
	kunit_fail(test, fatal, __FILE__, __LINE__, "%s is not %s", #cond, #want);	\
	kunit_explain(test, fatal, fmt, ##__VA_ARGS__);					\
} while (0)

#define __kunit_str(test, fatal, l, r, fmt, ...) do {					\
	const char *__l = (l);								\
	const char *__r = (r);								\
											\
	if (likely(__l && __r && !strcmp(__l, __r)))					\
		break;									\
	kunit_fail(test, fatal, __FILE__, __LINE__,					\
		   "%s == %s, but they are \"%s\" and \"%s\"", #l, #r,			\
		   __l ?: "(null)", __r ?: "(null)");					\
	kunit_explain(test, fatal, fmt, ##__VA_ARGS__);					\
} while (0)

#define __kunit_mem(test, fatal, l, r, size, fmt, ...) do {				\
	if (likely(!memcmp(l, r, size)))						\
		break;									\
	kunit_fail(test, fatal, __FILE__, __LINE__,					\
		   "%s and %s have the same %zu bytes", #l, #r, (size_t)(size));	\
	kunit_explain(test, fatal, fmt, ##__VA_ARGS__);					\
} while (0)

#define KUNIT_FAIL(test, fmt, ...) \
	kunit_fail(test, false, __FILE__, __LINE__, fmt, ##__VA_ARGS__)

#define KUNIT_EXPECT_EQ(t, l, r)		__kunit_cmp(t, false, l, ==, r, NULL)
#define KUNIT_EXPECT_EQ_MSG(t, l, r, f, ...)	__kunit_cmp(t, false, l, ==, r, f, ##__VA_ARGS__)
#define KUNIT_EXPECT_NE(t, l, r)		__kunit_cmp(t, false, l, !=, r, NULL)
#define KUNIT_EXPECT_NE_MSG(t, l, r, f, ...)	__kunit_cmp(t, false, l, !=, r, f, ##__VA_ARGS__)
#define KUNIT_EXPECT_LT(t, l, r)		__kunit_cmp(t, false, l, <, r, NULL)
#define KUNIT_EXPECT_LT_MSG(t, l, r, f, ...)	__kunit_cmp(t, false, l, <, r, f, ##__VA_ARGS__)
#define KUNIT_EXPECT_LE(t, l, r)		__kunit_cmp(t, false, l, <=, r, NULL)
#define KUNIT_EXPECT_LE_MSG(t, l, r, f, ...)	__kunit_cmp(t, false, l, <=, r, f, ##__VA_ARGS__)
#define KUNIT_EXPECT_GT(t, l, r)		__kunit_cmp(t, false, l, >, r, NULL)
#define KUNIT_EXPECT_GT_MSG(t, l, r, f, ...)	__kunit_cmp(t, false, l, >, r, f, ##__VA_ARGS__)
#define KUNIT_EXPECT_GE(t, l, r)		__kunit_cmp(t, false, l, >=, r, NULL)
#define KUNIT_EXPECT_GE_MSG(t, l, r, f, ...)	__kunit_cmp(t, false, l, >=, r, f, ##__VA_ARGS__)
#define KUNIT_EXPECT_PTR_EQ(t, l, r)		__kunit_ptr(t, false, l, ==, r, NULL)
#define KUNIT_EXPECT_PTR_NE(t, l, r)		__kunit_ptr(t, false, l, !=, r, NULL)
#define KUNIT_EXPECT_NULL(t, p)		__kunit_ptr(t, false, p, ==, NULL, NULL)
#define KUNIT_EXPECT_NOT_NULL(t, p)		__kunit_ptr(t, false, p, !=, NULL, NULL)
#define KUNIT_EXPECT_NOT_ERR_OR_NULL(t, p)	__kunit_ptr(t, false, p, !=, NULL, NULL)
#define KUNIT_EXPECT_TRUE(t, c)		__kunit_true(t, false, c, true, NULL)
#define KUNIT_EXPECT_TRUE_MSG(t, c, f, ...)	__kunit_true(t, false, c, true, f, ##__VA_ARGS__)
#define KUNIT_EXPECT_FALSE(t, c)		__kunit_true(t, false, c, false, NULL)
#define KUNIT_EXPECT_FALSE_MSG(t, c, f, ...)	__kunit_true(t, false, c, false, f, ##__VA_ARGS__)
#define KUNIT_EXPECT_STREQ(t, l, r)		__kunit_str(t, false, l, r, NULL)
#define KUNIT_EXPECT_MEMEQ(t, l, r, n)	__kunit_mem(t, false, l, r, n, NULL)

#define KUNIT_ASSERT_EQ(t, l, r)		__kunit_cmp(t, true, l, ==, r, NULL)
#define KUNIT_ASSERT_EQ_MSG(t, l, r, f, ...)	__kunit_cmp(t, true, l, ==, r, f, ##__VA_ARGS__)
#define KUNIT_ASSERT_NE(t, l, r)		__kunit_cmp(t, true, l, !=, r, NULL)
#define KUNIT_ASSERT_NE_MSG(t, l, r, f, ...)	__kunit_cmp(t, true, l, !=, r, f, ##__VA_ARGS__)
#define KUNIT_ASSERT_LT(t, l, r)		__kunit_cmp(t, true, l, <, r, NULL)
#define KUNIT_ASSERT_LT_MSG(t, l, r, f, ...)	__kunit_cmp(t, true, l, <, r, f, ##__VA_ARGS__)
#define KUNIT_ASSERT_LE(t, l, r)		__kunit_cmp(t, true, l, <=, r, NULL)
#define KUNIT_ASSERT_LE_MSG(t, l, r, f, ...)	__kunit_cmp(t, true, l, <=, r, f, ##__VA_ARGS__)
#define KUNIT_ASSERT_GT(t, l, r)		__kunit_cmp(t, true, l, >, r, NULL)
#define KUNIT_ASSERT_GT_MSG(t, l, r, f, ...)	__kunit_cmp(t, true, l, >, r, f, ##__VA_ARGS__)
#define KUNIT_ASSERT_GE(t, l, r)		__kunit_cmp(t, true, l, >=, r, NULL)
#define KUNIT_ASSERT_GE_MSG(t, l, r, f, ...)	__kunit_cmp(t, true, l, >=, r, f, ##__VA_ARGS__)
#define KUNIT_ASSERT_PTR_EQ(t, l, r)		__kunit_ptr(t, true, l, ==, r, NULL)
#define KUNIT_ASSERT_PTR_NE(t, l, r)		__kunit_ptr(t, true, l, !=, r, NULL)
#define KUNIT_ASSERT_NULL(t, p)		__kunit_ptr(t, true, p, ==, NULL, NULL)
#define KUNIT_ASSERT_NOT_NULL(t, p)		__kunit_ptr(t, true, p, !=, NULL, NULL)
#define KUNIT_ASSERT_NOT_ERR_OR_NULL(t, p)	__kunit_ptr(t, true, p, !=, NULL, NULL)
#define KUNIT_ASSERT_TRUE(t, c)		__kunit_true(t, true, c, true, NULL)
#define KUNIT_ASSERT_TRUE_MSG(t, c, f, ...)	__kunit_true(t, true, c, true, f, ##__VA_ARGS__)
#define KUNIT_ASSERT_FALSE(t, c)		__kunit_true(t, true, c, false, NULL)
#define KUNIT_ASSERT_FALSE_MSG(t, c, f, ...)	__kunit_true(t, true, c, false, f, ##__VA_ARGS__)
#define KUNIT_ASSERT_STREQ(t, l, r)		__kunit_str(t, true, l, r, NULL)
#define KUNIT_ASSERT_MEMEQ(t, l, r, n)	__kunit_mem(t, true, l, r, n, NULL)

#endif
