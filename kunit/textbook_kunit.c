// SPDX-License-Identifier: GPL-2.0-only
/*
 * The statements of the textbook, a test for each, by the names that they have there.
 *
 * The first half is about the allocator, the second about paging.  The last statement, that a
 * process that faults much is given a larger working set, and one that is quiet gives frames up, is
 * with the working sets: who_faults_much_is_given_a_larger_set() in wset_kunit.c.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "buddy.h"
#include "helpers.h"
#include "rig.h"

/*
 * Allocation.
 */

#define GIB_ORDER	18	/* 2^18 frames of 4 KiB */
#define MIB_ORDER	8

static struct fpool_buddy *region(struct kunit *test, u32 nframes)
{
	struct fpool_buddy *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	void *mem = kunit_kzalloc(test, fpool_buddy_bytes(nframes), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, fpool_buddy_init(b, mem, nframes), 0);
	return b;
}

static void sound(struct kunit *test, const struct fpool_buddy *b)
{
	const char *why = "";

	KUNIT_EXPECT_EQ_MSG(test, fpool_buddy_check(b, &why), 0, "%s", why);
}

/* User space starts off empty, and the bitmap tracks allocated frames. */
static void user_space_starts_empty_and_the_bitmap_tracks_frames(struct kunit *test)
{
	struct fpool_buddy *b = region(test, 8);
	fpool_frame_t frame;
	u32 i;

	KUNIT_EXPECT_EQ(test, b->nfree, 8);
	KUNIT_EXPECT_TRUE(test, fpool_bitmap_all_clear(&b->allocated, 0, 8));
	for (i = 0; i < 8; i++) {
		KUNIT_ASSERT_EQ(test, fpool_buddy_alloc(b, 0, &frame), 0);
		KUNIT_EXPECT_EQ(test, fpool_frame_nr(frame), i);
		KUNIT_EXPECT_EQ(test, b->allocated.words[0], (2ULL << i) - 1);
		KUNIT_EXPECT_EQ(test, b->nfree, 7 - i);
	}
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc(b, 0, &frame), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fpool_buddy_free(b, fpool_frame(5), 0), 0);
	KUNIT_EXPECT_EQ(test, b->allocated.words[0], 0xdf);
	KUNIT_EXPECT_EQ(test, fpool_buddy_alloc(b, 0, &frame), 0);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(frame), 5);
	sound(test, b);
}

/* There are block types of 4, 16, 64 and 256 pages beside the single page. */
static void block_types_of_4_16_64_and_256_pages(struct kunit *test)
{
	static const u32 pages[FPOOL_NR_BLOCK_TYPES] = { 1, 4, 16, 64, 256 };
	struct fpool_buddy *b = region(test, 1024);
	fpool_frame_t frame[FPOOL_NR_BLOCK_TYPES];
	unsigned int type, order;
	u32 left = 1024;

	for (type = 0; type < FPOOL_NR_BLOCK_TYPES; type++) {
		order = fpool_block_type_order(type);
		KUNIT_EXPECT_EQ(test, 1U << order, pages[type]);
		KUNIT_ASSERT_EQ(test, fpool_buddy_alloc(b, order, &frame[type]), 0);
		KUNIT_EXPECT_EQ(test, fpool_frame_nr(frame[type]) % pages[type], 0);
		KUNIT_EXPECT_TRUE(test, fpool_bitmap_all_set(&b->allocated,
							     fpool_frame_nr(frame[type]),
							     pages[type]));
		left -= pages[type];
		KUNIT_EXPECT_EQ(test, b->nfree, left);
		sound(test, b);
	}
	for (type = 0; type < FPOOL_NR_BLOCK_TYPES; type++) {
		order = fpool_block_type_order(type);
		KUNIT_EXPECT_EQ(test, fpool_buddy_free(b, frame[type], order), 0);
	}
	KUNIT_EXPECT_EQ(test, fpool_buddy_largest(b), 10);
	sound(test, b);
}

/*
 * 8 GiB are 8 blocks of 1 GiB.  2 MiB out of them leaves free blocks of 512, 256, ... 2 MiB;
 * none is lost to fragmentation, and freeing merges all back to 1 GiB.
 */
static void eight_gib_give_2_mib_and_take_them_back(struct kunit *test)
{
	struct fpool_buddy *b = region(test, 1U << 21);
	fpool_frame_t frame;
	unsigned int k;

	KUNIT_EXPECT_EQ(test, b->order[GIB_ORDER].nfree, 8);
	KUNIT_EXPECT_EQ(test, b->nonempty, 1U << GIB_ORDER);

	KUNIT_ASSERT_EQ(test, fpool_buddy_alloc(b, MIB_ORDER + 1, &frame), 0);
	KUNIT_EXPECT_EQ(test, b->nsplits, 9);
	KUNIT_EXPECT_EQ(test, b->order[GIB_ORDER].nfree, 7);
	for (k = 0; k < GIB_ORDER; k++)
		KUNIT_EXPECT_EQ(test, b->order[k].nfree, k > MIB_ORDER);
	KUNIT_EXPECT_EQ(test, b->nfree, (1U << 21) - 512);
	KUNIT_EXPECT_EQ(test, fpool_buddy_fragmentation(b, MIB_ORDER + 1), 0);
	sound(test, b);

	KUNIT_EXPECT_EQ(test, fpool_buddy_free(b, frame, MIB_ORDER + 1), 0);
	KUNIT_EXPECT_EQ(test, b->nmerges, 9);
	KUNIT_EXPECT_EQ(test, b->order[GIB_ORDER].nfree, 8);
	KUNIT_EXPECT_EQ(test, b->nonempty, 1U << GIB_ORDER);
	sound(test, b);
}

/* A request of 3 MiB gets the closest, 4 MiB, and says what it wastes. */
static void three_mib_get_4_and_say_what_they_waste(struct kunit *test)
{
	struct fpool_buddy *b = region(test, 1U << GIB_ORDER);
	fpool_frame_t frame;
	unsigned int order;
	u32 wasted;

	KUNIT_ASSERT_EQ(test, fpool_buddy_alloc_closest(b, 3 * 256, &frame, &order, &wasted), 0);
	KUNIT_EXPECT_EQ(test, order, MIB_ORDER + 2);
	KUNIT_EXPECT_EQ(test, wasted, 256);
	KUNIT_EXPECT_EQ(test, b->nfree, (1U << GIB_ORDER) - 1024);

	/* Exact requests waste nothing. */
	KUNIT_ASSERT_EQ(test, fpool_buddy_alloc_closest(b, 4 * 256, &frame, &order, &wasted), 0);
	KUNIT_EXPECT_EQ(test, order, MIB_ORDER + 2);
	KUNIT_EXPECT_EQ(test, wasted, 0);
	sound(test, b);
}

/* 4 GiB are 1,048,576 pages, but only 4,096 blocks of 1 MiB. */
static void four_gib_are_many_pages_and_few_blocks(struct kunit *test)
{
	u32 nframes = fpool_bytes_to_pages(4ULL << 30);
	struct fpool_buddy *b = region(test, nframes);
	fpool_frame_t frame;
	u32 n = 0;

	KUNIT_EXPECT_EQ(test, nframes, 1048576);
	KUNIT_EXPECT_EQ(test, b->order[0].nblocks, 1048576);
	KUNIT_EXPECT_EQ(test, b->order[MIB_ORDER].nblocks, 4096);
	while (!fpool_buddy_alloc(b, fpool_block_type_order(4), &frame))
		n++;
	KUNIT_EXPECT_EQ(test, n, 4096);
	KUNIT_EXPECT_EQ(test, b->nfree, 0);
	KUNIT_EXPECT_EQ(test, fpool_buddy_largest(b), -1);
}

/* An address of 64 bits with pages of 4 KiB has 12 bits of offset and an index of 52. */
static void an_address_is_a_52_bit_index_and_a_12_bit_offset(struct kunit *test)
{
	const u64 addr = 0xfedcba9876543210ULL;

	KUNIT_EXPECT_EQ(test, FPOOL_PAGE_BYTES, 4096);
	KUNIT_EXPECT_EQ(test, FPOOL_PAGE_SHIFT, 12);
	KUNIT_EXPECT_EQ(test, FPOOL_VPN_BITS + FPOOL_PAGE_SHIFT, 64);
	KUNIT_EXPECT_EQ(test, fpool_vpn_nr(fpool_addr_vpn(addr)), 0xfedcba9876543ULL);
	KUNIT_EXPECT_EQ(test, fpool_addr_offset(addr), 0x210);
	KUNIT_EXPECT_EQ(test, fpool_vpn_nr(fpool_addr_vpn(U64_MAX)), FPOOL_VPN_MAX);
	KUNIT_EXPECT_EQ(test, fpool_addr_offset(U64_MAX), 4095);
	KUNIT_EXPECT_EQ(test, fpool_vpn_nr(fpool_addr_vpn(4095)), 0);
	KUNIT_EXPECT_EQ(test, fpool_vpn_nr(fpool_addr_vpn(4096)), 1);
}

/*
 * Paging.
 */

static const char page_of_file[] = "what the backing file has on this page";

/* A page with P = 0 faults, is brought to a frame, and its entry is updated. */
static void a_page_with_p_0_faults_and_is_brought_to_a_frame(struct kunit *test)
{
	const fpool_vpn_t vpn = fpool_addr_vpn(0x7fff00123456ULL);
	struct rig *rig = rig_new(test, 8);
	struct fpool_ptable *pt = &rig->space[0];
	fpool_frame_t frame;
	fpool_spte_t e;

	/* The fault: there is no entry, so P is 0. */
	KUNIT_EXPECT_FALSE(test, fpool_spte_has(fpool_ptable_get(pt, vpn), FPOOL_SPTE_P));

	/* A frame is taken, and the entry says that the page is on its way. */
	KUNIT_ASSERT_EQ(test, fpool_buddy_alloc(&rig->buddy, 0, &frame), 0);
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_fill(&rig->frames, frame, 1, vpn), 0);
	KUNIT_ASSERT_EQ(test, fpool_wset_charge(&rig->wsets, &rig->wsets.common, frame), 0);
	e = fpool_spte_make(frame, FPOOL_SPTE_BUSY);
	KUNIT_ASSERT_EQ(test, fpool_ptable_set(pt, vpn, e), 0);
	rig_check(rig);
	KUNIT_EXPECT_FALSE(test, fpool_spte_has(fpool_ptable_get(pt, vpn), FPOOL_SPTE_P));

	/* The page is read into the frame. */
	memcpy(rig_memory(rig, frame), page_of_file, sizeof(page_of_file));

	/* The entry is updated: P and A are 1, and it has the frame's number. */
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_resident(&rig->frames, frame), 0);
	e = fpool_spte_make(frame, FPOOL_SPTE_P | FPOOL_SPTE_A);
	KUNIT_ASSERT_EQ(test, fpool_ptable_set(pt, vpn, e), 0);
	fpool_policy_insert(rig->policy, frame, U64_MAX);
	rig_check(rig);

	/* The access is repeated, and finds the page. */
	e = fpool_ptable_get(pt, vpn);
	KUNIT_EXPECT_TRUE(test, fpool_spte_has(e, FPOOL_SPTE_P));
	KUNIT_EXPECT_TRUE(test, fpool_spte_has(e, FPOOL_SPTE_A));
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(fpool_spte_frame(e)), fpool_frame_nr(frame));
	KUNIT_EXPECT_STREQ(test, (char *)rig_memory(rig, fpool_spte_frame(e)), page_of_file);
	KUNIT_EXPECT_EQ(test, pt->npresent, 1);
}

/* The hand of CLOCK goes round until a page was not accessed since its last visit. */
static fpool_frame_t choose_victim(struct rig *rig)
{
	struct fpool_ptable *pt = &rig->space[0];
	fpool_frame_t frame;
	fpool_vpn_t vpn;
	bool accessed;

	do {
		KUNIT_ASSERT_EQ(rig->test, fpool_policy_candidates(rig->policy, &frame, 1), 1);
		vpn = fpool_vpn(fpool_frames_info(&rig->frames, frame)->vpn);
		accessed = fpool_spte_has(fpool_ptable_get(pt, vpn), FPOOL_SPTE_A);
		fpool_ptable_update(pt, vpn, FPOOL_SPTE_A, 0);
	} while (!fpool_policy_judge(rig->policy, frame, accessed));
	return frame;
}

/* Takes a page out of its frame; the entry remembers when. */
static void replace_one(struct rig *rig)
{
	struct fpool_ptable *pt = &rig->space[0];
	fpool_frame_t frame = choose_victim(rig);
	fpool_vpn_t vpn = fpool_vpn(fpool_frames_info(&rig->frames, frame)->vpn);
	u64 seq;

	KUNIT_ASSERT_EQ(rig->test, fpool_frames_mark_evict(&rig->frames, frame), 0);
	fpool_ptable_update(pt, vpn, 0, FPOOL_SPTE_BUSY);
	rig_check(rig);
	seq = fpool_policy_evicted(rig->policy, frame);
	KUNIT_ASSERT_EQ(rig->test, fpool_ptable_set(pt, vpn, fpool_spte_ghost(seq)), 0);
	rig_give(rig, frame);
	rig_check(rig);
}

/* An access to a page: the frame that it is in then. */
static u32 touch(struct rig *rig, u64 vpn)
{
	fpool_spte_t e = fpool_ptable_get(&rig->space[0], fpool_vpn(vpn));

	if (!fpool_spte_has(e, FPOOL_SPTE_P)) {
		if (!rig->buddy.nfree)
			replace_one(rig);
		rig_page_in(rig, 1, vpn);
		rig_check(rig);
	}
	e = fpool_ptable_update(&rig->space[0], fpool_vpn(vpn), 0, FPOOL_SPTE_A);
	return fpool_frame_nr(fpool_spte_frame(e));
}

/* How many evictions ago the page left. */
static u64 age(struct rig *rig, u64 vpn)
{
	fpool_spte_t e = fpool_ptable_get(&rig->space[0], fpool_vpn(vpn));

	KUNIT_EXPECT_TRUE(rig->test, fpool_spte_has(e, FPOOL_SPTE_G));
	return fpool_policy_age(rig->policy, fpool_spte_seq(e));
}

/* When all frames are allocated a page is replaced: three frames for five pages. */
static void when_all_frames_are_allocated_a_page_is_replaced(struct kunit *test)
{
	struct rig *rig = rig_new(test, 4);	/* one holds the page table */
	struct fpool_ptable *pt = &rig->space[0];
	u32 frame;

	frame = touch(rig, 10);
	touch(rig, 11);
	touch(rig, 12);
	KUNIT_EXPECT_EQ(test, rig->buddy.nfree, 0);

	/* Page 10 has not been used for a while, the others have: 13 takes its frame. */
	fpool_ptable_update(pt, fpool_vpn(10), FPOOL_SPTE_A, 0);
	KUNIT_EXPECT_EQ(test, touch(rig, 13), frame);
	KUNIT_EXPECT_EQ(test, age(rig, 10), 0);
	KUNIT_EXPECT_EQ(test, pt->npresent, 3);

	/* All are used: the hand goes round once, and 11, which has been there longest, goes. */
	touch(rig, 14);
	KUNIT_EXPECT_EQ(test, age(rig, 11), 0);

	/* Page 10 comes back, and is known as one that left an eviction earlier. */
	KUNIT_EXPECT_EQ(test, age(rig, 10), 1);
	touch(rig, 10);
	KUNIT_EXPECT_TRUE(test, fpool_spte_has(fpool_ptable_get(pt, fpool_vpn(10)), FPOOL_SPTE_P));
	KUNIT_EXPECT_EQ(test, pt->npresent, 3);
	KUNIT_EXPECT_EQ(test, pt->nghosts, 2);
	KUNIT_EXPECT_EQ(test, rig->buddy.nfree, 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(user_space_starts_empty_and_the_bitmap_tracks_frames),
	KUNIT_CASE(block_types_of_4_16_64_and_256_pages),
	KUNIT_CASE(eight_gib_give_2_mib_and_take_them_back),
	KUNIT_CASE(three_mib_get_4_and_say_what_they_waste),
	KUNIT_CASE(four_gib_are_many_pages_and_few_blocks),
	KUNIT_CASE(an_address_is_a_52_bit_index_and_a_12_bit_offset),
	KUNIT_CASE(a_page_with_p_0_faults_and_is_brought_to_a_frame),
	KUNIT_CASE(when_all_frames_are_allocated_a_page_is_replaced),
	{}
};

static struct kunit_suite suite = {
	.name = "fpool_textbook",
	.test_cases = cases,
};

kunit_test_suite(suite);
