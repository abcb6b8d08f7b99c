// SPDX-License-Identifier: GPL-2.0-only
/* The shadow page table: growth, memory, errors, ghosts, and a random run against a naive model. */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "helpers.h"
#include "rig.h"

#define LAST	FPOOL_VPN_MAX

/* A table in a region of so many frames, which are there for its nodes alone. */
static struct fpool_ptable *table(struct kunit *test, u32 nframes)
{
	struct rig *rig = rig_new(test, nframes);

	test->priv = rig;
	return &rig->space[0];
}

static fpool_spte_t present(u32 frame)
{
	return fpool_spte_make(fpool_frame(frame), FPOOL_SPTE_P);
}

static u64 get(struct fpool_ptable *pt, u64 vpn)
{
	return fpool_spte_raw(fpool_ptable_get(pt, fpool_vpn(vpn)));
}

static u64 peek(struct fpool_ptable *pt, u64 vpn)
{
	return fpool_spte_raw(fpool_ptable_peek(pt, fpool_vpn(vpn)));
}

static int set(struct fpool_ptable *pt, u64 vpn, fpool_spte_t e)
{
	return fpool_ptable_set(pt, fpool_vpn(vpn), e);
}

static int set_empty(struct fpool_ptable *pt, u64 vpn)
{
	return set(pt, vpn, fpool_spte(0));
}

static void check(struct kunit *test, struct fpool_ptable *pt)
{
	const char *why;

	KUNIT_ASSERT_EQ_MSG(test, fpool_ptable_check(pt, &why), 0, "%s", why);
}

static void expect_no_nodes(struct kunit *test, struct fpool_ptable *pt)
{
	struct rig *rig = test->priv;

	check(test, pt);
	KUNIT_EXPECT_EQ(test, fpool_ptable_levels(pt), 0);
	KUNIT_EXPECT_EQ(test, pt->nnodes, 0);
	KUNIT_EXPECT_EQ(test, rig->buddy.nfree, rig->buddy.nframes);
}

/* A table costs nothing before the first entry, and everything in it is empty. */
static void empty_has_no_node(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 1);
	struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS];
	fpool_vpn_t vpn = fpool_vpn(0);

	KUNIT_EXPECT_EQ(test, get(pt, 0), 0);
	KUNIT_EXPECT_EQ(test, get(pt, LAST), 0);
	KUNIT_EXPECT_EQ(test, get(pt, U64_MAX), 0);
	KUNIT_EXPECT_FALSE(test, fpool_ptable_next(pt, &vpn, fpool_vpn(LAST + 1), 0, NULL));
	KUNIT_EXPECT_EQ(test, fpool_ptable_walk(pt, vpn, step), 0);
	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 1), 0);
	KUNIT_EXPECT_EQ(test, set_empty(pt, 5), 0);
	fpool_ptable_clear(pt);
	expect_no_nodes(test, pt);
}

/* The height follows the largest vpn: 9 bits a level, one node each, all given back. */
static void height_follows_vpn(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 8);
	unsigned int levels;
	u64 first, last;

	for (levels = 1; levels <= FPOOL_PTABLE_MAX_LEVELS; levels++) {
		first = levels == 1 ? 0 : 1ULL << (FPOOL_PTABLE_BITS * (levels - 1));
		last = min_t(u64, (1ULL << (FPOOL_PTABLE_BITS * levels)) - 1, LAST);
		KUNIT_ASSERT_EQ(test, set(pt, last, present(1)), 0);
		KUNIT_EXPECT_EQ(test, fpool_ptable_levels(pt), levels);
		KUNIT_EXPECT_EQ(test, pt->nnodes, levels);
		check(test, pt);
		KUNIT_ASSERT_EQ(test, set_empty(pt, last), 0);
		expect_no_nodes(test, pt);
		KUNIT_ASSERT_EQ(test, set(pt, first, present(1)), 0);
		KUNIT_EXPECT_EQ(test, fpool_ptable_levels(pt), levels);
		KUNIT_ASSERT_EQ(test, set_empty(pt, first), 0);
		expect_no_nodes(test, pt);
	}
}

/* A tree that becomes too small gets a new root; nothing that was there moves or changes. */
static void growth_keeps_what_was(struct kunit *test)
{
	static const u64 vpns[] = { 3, 513, 1 << 18, 1 << 27, 1ULL << 36, 1ULL << 45, LAST };
	struct fpool_ptable *pt = table(test, 32);
	fpool_frame_t leaf = FPOOL_NO_FRAME;
	struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS];
	unsigned int i, k, n;

	for (i = 0; i < ARRAY_SIZE(vpns); i++) {
		KUNIT_ASSERT_EQ(test, set(pt, vpns[i], present(i + 1)), 0);
		check(test, pt);
		KUNIT_EXPECT_EQ(test, fpool_ptable_levels(pt), min(i + 1, 6U));
		for (k = 0; k <= i; k++)
			KUNIT_EXPECT_EQ(test, get(pt, vpns[k]), fpool_spte_raw(present(k + 1)));
		n = fpool_ptable_walk(pt, fpool_vpn(3), step);
		if (i)
			KUNIT_EXPECT_TRUE(test, step[n - 1].node == leaf);
		leaf = step[n - 1].node;
	}
	KUNIT_EXPECT_EQ(test, pt->npresent, i);
}

/* From one level to six at once: four new nodes carry nothing but the old root. */
static void growth_by_five_levels(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 11);

	KUNIT_ASSERT_EQ(test, set(pt, 0, present(1)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, LAST, present(2)), 0);
	KUNIT_EXPECT_EQ(test, pt->nnodes, 11);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, get(pt, 0), fpool_spte_raw(present(1)));
	KUNIT_ASSERT_EQ(test, set_empty(pt, LAST), 0);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, pt->nnodes, 6);
	KUNIT_ASSERT_EQ(test, set_empty(pt, 0), 0);
	expect_no_nodes(test, pt);
}

/*
 * A reader that read the root before the tree grew finishes in the old tree: it sees the old
 * entries, new values of theirs too, and the new page not yet.
 */
static void reader_with_old_root(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 8), reader;

	KUNIT_ASSERT_EQ(test, set(pt, 1, present(1)), 0);
	reader = *pt;
	KUNIT_ASSERT_EQ(test, set(pt, 512, present(2)), 0);
	KUNIT_EXPECT_EQ(test, get(&reader, 1), fpool_spte_raw(present(1)));
	KUNIT_EXPECT_EQ(test, get(&reader, 512), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 1, present(3)), 0);
	KUNIT_EXPECT_EQ(test, get(&reader, 1), fpool_spte_raw(present(3)));
}

static void keep_node(void *ctx, fpool_frame_t node)
{
}

/*
 * A reader in a leaf that is cut off, here the only one, sees what was true just before, as long
 * as node_free keeps the contents; one that is further up finds that there is no leaf.
 */
static void reader_in_removed_node(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 8), reader;
	struct fpool_ptable_ops later = rig_node_ops;

	later.node_free = keep_node;
	pt->ops = &later;
	KUNIT_ASSERT_EQ(test, set(pt, 5, present(1)), 0);
	reader = *pt;
	KUNIT_ASSERT_EQ(test, set_empty(pt, 5), 0);
	KUNIT_EXPECT_EQ(test, pt->nnodes, 0);
	KUNIT_EXPECT_EQ(test, get(&reader, 5), 0);

	KUNIT_ASSERT_EQ(test, set(pt, 5, fpool_spte_ghost(9)), 0);
	reader = *pt;
	KUNIT_ASSERT_EQ(test, fpool_ptable_drop_ghosts(pt, 1), 1);
	KUNIT_EXPECT_EQ(test, get(&reader, 5), fpool_spte_raw(fpool_spte_ghost(9)));
	KUNIT_EXPECT_EQ(test, get(pt, 5), 0);

	KUNIT_ASSERT_EQ(test, set(pt, 512, fpool_spte_ghost(9)), 0);
	reader = *pt;
	KUNIT_ASSERT_EQ(test, fpool_ptable_drop_ghosts(pt, 1), 1);
	KUNIT_EXPECT_EQ(test, get(&reader, 512), 0);
}

/* What is no page or no entry is refused, and leaves no trace, on an entry or on nothing. */
static void set_refuses_nonsense(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 4);
	const u64 frame1 = 1 << FPOOL_PAGE_SHIFT;
	const u64 bad[] = {
		frame1,						/* of no kind */
		FPOOL_SPTE_A | frame1,				/* neither */
		FPOOL_SPTE_WB | FPOOL_SPTE_D | FPOOL_SPTE_PIN,
		FPOOL_SPTE_G | FPOOL_SPTE_P,			/* of two kinds */
		FPOOL_SPTE_G | FPOOL_SPTE_A,
		FPOOL_SPTE_E | FPOOL_SPTE_BUSY | frame1,
		FPOOL_SPTE_E | frame1,				/* an error that is no ghost */
		FPOOL_SPTE_G | FPOOL_SPTE_E,			/* no errno */
		FPOOL_SPTE_G | FPOOL_SPTE_E | 4096ULL << FPOOL_PAGE_SHIFT,
		FPOOL_SPTE_P | FPOOL_SPTE_H | frame1,		/* held, but not pinned */
		FPOOL_SPTE_P | 1 << 9,				/* a flag that does not exist */
		FPOOL_SPTE_P | 4 << FPOOL_PAGE_SHIFT,		/* a frame that does not exist */
		FPOOL_SPTE_BUSY | (u64)U32_MAX << FPOOL_PAGE_SHIFT,
		FPOOL_SPTE_P | frame1 | 1ULL << 44,
	};
	unsigned int i, k;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			KUNIT_EXPECT_EQ_MSG(test, set(pt, 1, fpool_spte(bad[i])), -EINVAL,
					    "entry %llx", bad[i]);
			KUNIT_EXPECT_EQ(test, get(pt, 1), k ? fpool_spte_raw(present(3)) : 0);
			KUNIT_EXPECT_EQ(test, pt->nnodes, k);
			check(test, pt);
		}
		KUNIT_EXPECT_EQ(test, set(pt, LAST + 1, present(1)), -EINVAL);
		KUNIT_EXPECT_EQ(test, set_empty(pt, LAST + 1), -EINVAL);
		KUNIT_EXPECT_EQ(test, fpool_ptable_prepare(pt, fpool_vpn(LAST + 1)), -EINVAL);
		KUNIT_EXPECT_EQ(test, pt->nnodes, k);
		KUNIT_ASSERT_EQ(test, set(pt, 1, present(3)), 0);
	}
}

/* Every kind of entry can follow every other, and the counters follow. */
static void kinds_follow_each_other(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 4);
	const u64 kinds[] = {
		0,
		FPOOL_SPTE_P | FPOOL_SPTE_A | FPOOL_SPTE_D | FPOOL_SPTE_PIN | FPOOL_SPTE_H |
			FPOOL_SPTE_WB,
		FPOOL_SPTE_P | FPOOL_SPTE_BUSY | 3 << FPOOL_PAGE_SHIFT,
		FPOOL_SPTE_BUSY,
		fpool_spte_raw(fpool_spte_ghost((1ULL << 52) - 1)),
		fpool_spte_raw(fpool_spte_error(-EIO)),
		fpool_spte_raw(fpool_spte_error(-4095)),
	};
	const unsigned int n = ARRAY_SIZE(kinds);
	unsigned int from, to;

	for (from = 0; from < n; from++) {
		for (to = 0; to < n; to++) {
			KUNIT_ASSERT_EQ(test, set(pt, 700, fpool_spte(kinds[from])), 0);
			KUNIT_ASSERT_EQ(test, set(pt, 700, fpool_spte(kinds[to])), 0);
			KUNIT_EXPECT_EQ(test, get(pt, 700), kinds[to]);
			check(test, pt);
			KUNIT_EXPECT_EQ(test, pt->npresent, to == 1 || to == 2);
			KUNIT_EXPECT_EQ(test, pt->nghosts, to >= 4);
			KUNIT_EXPECT_EQ(test, pt->nfills, to == 3);
			KUNIT_EXPECT_EQ(test, pt->nnodes, to ? 2 : 0);
		}
	}
	KUNIT_EXPECT_EQ(test, fpool_spte_errno(fpool_spte(kinds[5])), -EIO);
	KUNIT_EXPECT_EQ(test, fpool_spte_seq(fpool_spte(kinds[4])), (1ULL << 52) - 1);
}

/* All bytes of the region, and what the table says of itself. */
struct snapshot {
	struct fpool_ptable pt;
	void *memory, *frames;
	u32 nfree;
};

static void take(struct kunit *test, struct snapshot *s, struct fpool_ptable *pt)
{
	struct rig *rig = test->priv;
	size_t size = rig->frames.nframes * FPOOL_PAGE_BYTES;

	if (!s->memory) {
		s->memory = kunit_kzalloc(test, size, GFP_KERNEL);
		s->frames = kunit_kzalloc(test, fpool_frames_bytes(rig->frames.nframes),
					  GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, s->memory);
		KUNIT_ASSERT_NOT_NULL(test, s->frames);
	}
	s->pt = *pt;
	s->nfree = rig->buddy.nfree;
	memcpy(s->memory, rig->base, size);
	memcpy(s->frames, rig->frames.tab, fpool_frames_bytes(rig->frames.nframes));
}

/* Frames that were free may have been written to; all else is as it was. */
static void expect_unchanged(struct kunit *test, struct snapshot *s, struct fpool_ptable *pt)
{
	struct rig *rig = test->priv;
	u32 i;

	KUNIT_EXPECT_EQ(test, memcmp(&s->pt, pt, sizeof(*pt)), 0);
	KUNIT_EXPECT_EQ(test, rig->buddy.nfree, s->nfree);
	KUNIT_EXPECT_EQ(test, memcmp(s->frames, rig->frames.tab,
				     fpool_frames_bytes(rig->frames.nframes)), 0);
	for (i = 0; i < rig->frames.nframes; i++)
		if (rig->frames.tab[i].state == FPOOL_FRAME_NODE)
			KUNIT_EXPECT_EQ(test, memcmp(s->memory + i * FPOOL_PAGE_BYTES,
						     rig_memory(rig, fpool_frame(i)),
						     FPOOL_PAGE_BYTES), 0);
}

/* The first, second, ... n-th node is not to be had: nothing changes until all are. */
static void every_node_can_be_missing(struct kunit *test)
{
	static const struct {
		u64 have, want;
		u32 nodes;
	} cases[] = {
		{ U64_MAX, 0, 1 },		/* an empty tree, one level */
		{ U64_MAX, 512, 2 },
		{ U64_MAX, LAST, 6 },
		{ 0, 511, 0 },			/* in the same leaf */
		{ 0, 512, 2 },			/* a root and a leaf */
		{ 0, LAST, 10 },		/* the most that there can be */
		{ 1 << 18, 0, 2 },		/* below the root */
		{ LAST, 0, 5 },
		{ LAST, LAST - 512, 1 },
	};
	struct snapshot s = { .memory = NULL };
	struct fpool_ptable *pt;
	struct rig *rig;
	unsigned int i;
	u32 n;

	pt = table(test, 17);
	rig = test->priv;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].have != U64_MAX)
			KUNIT_ASSERT_EQ(test, set(pt, cases[i].have, present(1)), 0);
		take(test, &s, pt);
		for (n = 0; n < cases[i].nodes; n++) {
			rig->nodes_left = n;
			KUNIT_EXPECT_EQ(test, set(pt, cases[i].want, present(2)), -ENOMEM);
			expect_unchanged(test, &s, pt);
			rig->nodes_left = n;
			KUNIT_EXPECT_EQ(test, fpool_ptable_prepare(pt, fpool_vpn(cases[i].want)),
					-ENOMEM);
			expect_unchanged(test, &s, pt);
		}
		KUNIT_EXPECT_EQ(test, set_empty(pt, cases[i].want), 0);
		expect_unchanged(test, &s, pt);
		rig->nodes_left = n;
		KUNIT_EXPECT_EQ(test, set(pt, cases[i].want, present(2)), 0);
		KUNIT_EXPECT_EQ(test, rig->nodes_left, 0);
		check(test, pt);
		rig->nodes_left = U32_MAX;
		fpool_ptable_clear(pt);
		expect_no_nodes(test, pt);
	}
}

/* After prepare(), set() needs nothing more, and set(empty) takes the prepare() back. */
static void prepared_set_cannot_fail(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 16);
	struct rig *rig = test->priv;

	KUNIT_ASSERT_EQ(test, set(pt, 7, present(1)), 0);
	KUNIT_ASSERT_EQ(test, fpool_ptable_prepare(pt, fpool_vpn(LAST)), 0);
	KUNIT_EXPECT_EQ(test, pt->nnodes, 11);
	KUNIT_EXPECT_EQ(test, get(pt, LAST), 0);
	check(test, pt);
	rig->nodes_left = 0;
	KUNIT_EXPECT_EQ(test, fpool_ptable_prepare(pt, fpool_vpn(LAST)), 0);
	KUNIT_EXPECT_EQ(test, set_empty(pt, 7), 0);
	KUNIT_EXPECT_EQ(test, set(pt, LAST, present(2)), 0);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, set_empty(pt, LAST), 0);
	expect_no_nodes(test, pt);

	rig->nodes_left = 6;
	KUNIT_ASSERT_EQ(test, fpool_ptable_prepare(pt, fpool_vpn(LAST)), 0);
	KUNIT_EXPECT_EQ(test, set_empty(pt, LAST), 0);
	expect_no_nodes(test, pt);
	rig->nodes_left = 6;
	KUNIT_ASSERT_EQ(test, fpool_ptable_prepare(pt, fpool_vpn(LAST)), 0);
	fpool_ptable_clear(pt);
	expect_no_nodes(test, pt);
}

/* A claim reads in the leaf that prepare() has made, and not in the one that was found before. */
static void prepared_leaf_is_the_last(struct kunit *test)
{
	static const u64 pages[] = { 600, LAST, 8, 1ULL << 30 };
	struct fpool_ptable *pt = table(test, 32);
	fpool_vpn_t vpn;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, set(pt, 88, present(1)), 0);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		vpn = fpool_vpn(pages[i]);
		KUNIT_EXPECT_NE(test, peek(pt, 88), 0);
		KUNIT_ASSERT_EQ(test, fpool_ptable_prepare(pt, vpn), 0);
		KUNIT_EXPECT_PTR_EQ(test, fpool_ptable_slot(pt, vpn),
				    fpool_ptable_get_run(pt, vpn, 1));
	}
}

/* Nodes come with whatever was in them, and an entry that nobody set is empty. */
static void new_nodes_are_zeroed(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 3);
	struct rig *rig = test->priv;
	u64 vpn;

	memset(rig->base, 0xff, 3 * FPOOL_PAGE_BYTES);
	KUNIT_ASSERT_EQ(test, set(pt, 5, present(1)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 600, present(1)), 0);
	check(test, pt);
	for (vpn = 0; vpn < 2048; vpn++)
		if (vpn != 5 && vpn != 600)
			KUNIT_EXPECT_EQ(test, get(pt, vpn), 0);
}

/* Flags come and go beside what the entry is; what it is does not change. */
static void update_changes_flags(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 8);
	const u64 frame = 6 << FPOOL_PAGE_SHIFT, all = FPOOL_SPTE_A | FPOOL_SPTE_D |
			  FPOOL_SPTE_BUSY | FPOOL_SPTE_PIN | FPOOL_SPTE_H | FPOOL_SPTE_WB;
	fpool_vpn_t vpn = fpool_vpn(9);
	fpool_spte_t e;

	KUNIT_ASSERT_EQ(test, set(pt, 9, present(6)), 0);
	e = fpool_ptable_update(pt, vpn, 0, all);
	KUNIT_EXPECT_EQ(test, fpool_spte_raw(e), frame | FPOOL_SPTE_P | all);
	KUNIT_EXPECT_EQ(test, get(pt, 9), fpool_spte_raw(e));
	e = fpool_ptable_update(pt, vpn, FPOOL_SPTE_BUSY | FPOOL_SPTE_A, FPOOL_SPTE_A);
	KUNIT_EXPECT_EQ(test, fpool_spte_raw(e), (frame | FPOOL_SPTE_P | all) & ~FPOOL_SPTE_BUSY);
	e = fpool_ptable_update(pt, vpn, all, 0);
	KUNIT_EXPECT_EQ(test, fpool_spte_raw(e), frame | FPOOL_SPTE_P);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, pt->npresent, 1);

	KUNIT_ASSERT_EQ(test, set(pt, 9, fpool_spte_make(fpool_frame(6), FPOOL_SPTE_BUSY)), 0);
	e = fpool_ptable_update(pt, vpn, 0, FPOOL_SPTE_PIN);
	KUNIT_EXPECT_EQ(test, fpool_spte_raw(e), frame | FPOOL_SPTE_BUSY | FPOOL_SPTE_PIN);
	check(test, pt);
}

static int fill_run(struct fpool_ptable *pt, u64 vpn, u32 nr, u32 frame)
{
	return fpool_ptable_fill_run(pt, fpool_vpn(vpn), nr, fpool_frame(frame));
}

static int show_run(struct fpool_ptable *pt, u64 vpn, u32 nr, u32 frame)
{
	return fpool_ptable_show_run(pt, fpool_vpn(vpn), nr, fpool_frame(frame));
}

/* A run over an empty entry, a ghost and an error is filled, shown and buried as one by one. */
static void runs_are_as_their_pages(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 8);
	u32 i;

	KUNIT_ASSERT_EQ(test, set(pt, 510, fpool_spte_ghost(7)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 511, fpool_spte_error(-EIO)), 0);
	KUNIT_ASSERT_EQ(test, fill_run(pt, 509, 3, 4), 0);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, pt->nghosts, 0);
	KUNIT_EXPECT_EQ(test, pt->nfills, 3);
	KUNIT_ASSERT_EQ(test, show_run(pt, 509, 2, 4), 0);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, pt->npresent, 2);
	KUNIT_EXPECT_EQ(test, get(pt, 511), FPOOL_SPTE_BUSY | 6 << FPOOL_PAGE_SHIFT);
	KUNIT_ASSERT_EQ(test, show_run(pt, 511, 1, 6), 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, get(pt, 509 + i), fpool_spte_raw(present(4 + i)));
		KUNIT_ASSERT_EQ(test, fpool_ptable_bury(pt, fpool_vpn(509 + i), 9 + i), 0);
		check(test, pt);
	}
	KUNIT_EXPECT_EQ(test, get(pt, 510), fpool_spte_raw(fpool_spte_ghost(10)));
	/* The leaf has nothing but ghosts, until one of them is filled. */
	KUNIT_EXPECT_EQ(test, pt->ghost_nodes.len, 1);
	KUNIT_ASSERT_EQ(test, fill_run(pt, 510, 1, 2), 0);
	KUNIT_EXPECT_EQ(test, pt->ghost_nodes.len, 0);
	check(test, pt);
}

/* A run that cannot be done as a whole changes nothing. */
static void runs_are_done_whole(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 8);

	KUNIT_EXPECT_EQ(test, fill_run(pt, 5, 1, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_ptable_bury(pt, fpool_vpn(5), 1), -EINVAL);
	KUNIT_ASSERT_EQ(test, set(pt, 7, present(6)), 0);
	KUNIT_EXPECT_EQ(test, fill_run(pt, 5, 3, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, fill_run(pt, 510, 3, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, fill_run(pt, 5, 2, 7), -EINVAL);
	KUNIT_EXPECT_EQ(test, fill_run(pt, 5, 1, 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, show_run(pt, 7, 1, 6), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_ptable_bury(pt, fpool_vpn(5), 1), -EINVAL);
	KUNIT_ASSERT_EQ(test, fill_run(pt, 5, 2, 1), 0);
	KUNIT_EXPECT_EQ(test, fill_run(pt, 6, 1, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, show_run(pt, 5, 3, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, show_run(pt, 5, 2, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, get(pt, 5), FPOOL_SPTE_BUSY | 1 << FPOOL_PAGE_SHIFT);
	check(test, pt);
}

/* Who remembers the leaf of a busy page finds its entry, whatever was looked for meanwhile. */
static void leaf_is_remembered(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 16);
	fpool_frame_t leaf;

	KUNIT_ASSERT_EQ(test, set(pt, 5, present(1)), 0);
	fpool_ptable_update(pt, fpool_vpn(5), 0, FPOOL_SPTE_BUSY);
	leaf = fpool_ptable_leaf(pt);
	/* The tree grows, and the leaf stays. */
	KUNIT_ASSERT_EQ(test, set(pt, 1 << 20, present(2)), 0);
	fpool_ptable_remember(pt, fpool_vpn(5), leaf);
	KUNIT_EXPECT_EQ(test, peek(pt, 5), fpool_spte_raw(present(1)) | FPOOL_SPTE_BUSY);
	KUNIT_ASSERT_EQ(test, fpool_ptable_bury(pt, fpool_vpn(5), 3), 0);
	KUNIT_EXPECT_EQ(test, get(pt, 5), fpool_spte_raw(fpool_spte_ghost(3)));
	KUNIT_EXPECT_EQ(test, peek(pt, 1 << 20), fpool_spte_raw(present(2)));
	check(test, pt);
}

static bool refused(struct fpool_ptable *pt, u64 vpn, u64 clear, u64 set)
{
	return fpool_spte_empty(fpool_ptable_update(pt, fpool_vpn(vpn), clear, set));
}

/* An update that would change what an entry is, or one that is not there, does nothing. */
static void update_refuses_the_rest(struct kunit *test)
{
	static const u64 kinds[] = { FPOOL_SPTE_P, FPOOL_SPTE_G, FPOOL_SPTE_E, 1 << 9, 1 << 12 };
	struct fpool_ptable *pt = table(test, 8);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, set(pt, 9, present(6)), 0);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		KUNIT_EXPECT_TRUE(test, refused(pt, 9, kinds[i], 0));
		KUNIT_EXPECT_TRUE(test, refused(pt, 9, 0, kinds[i]));
	}
	KUNIT_EXPECT_EQ(test, get(pt, 9), fpool_spte_raw(present(6)));
	KUNIT_EXPECT_TRUE(test, refused(pt, 10, 0, FPOOL_SPTE_A));
	KUNIT_EXPECT_TRUE(test, refused(pt, 10, 0, FPOOL_SPTE_BUSY));
	KUNIT_EXPECT_TRUE(test, refused(pt, LAST, 0, FPOOL_SPTE_A));
	KUNIT_EXPECT_EQ(test, get(pt, 10), 0);

	KUNIT_ASSERT_EQ(test, set(pt, 9, fpool_spte_make(fpool_frame(6), FPOOL_SPTE_BUSY)), 0);
	KUNIT_EXPECT_TRUE(test, refused(pt, 9, FPOOL_SPTE_BUSY, 0));
	KUNIT_EXPECT_EQ(test, get(pt, 9), FPOOL_SPTE_BUSY | 6 << FPOOL_PAGE_SHIFT);
	KUNIT_ASSERT_EQ(test, set(pt, 9, fpool_spte_ghost(4)), 0);
	KUNIT_EXPECT_TRUE(test, refused(pt, 9, 0, FPOOL_SPTE_A));
	KUNIT_ASSERT_EQ(test, set(pt, 9, fpool_spte_error(-EIO)), 0);
	KUNIT_EXPECT_TRUE(test, refused(pt, 9, 0, FPOOL_SPTE_BUSY));
	KUNIT_EXPECT_EQ(test, get(pt, 9), fpool_spte_raw(fpool_spte_error(-EIO)));
	check(test, pt);
}

/* Leaves with nothing but ghosts go, the oldest first, with the inner nodes above them. */
static void oldest_ghosts_go_first(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 16);

	/* The leaf of 1024 forgets first, then that of LAST, then that of 0; 512 keeps a page. */
	KUNIT_ASSERT_EQ(test, set(pt, 0, present(1)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 512, present(2)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 513, fpool_spte_ghost(1)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 1024, fpool_spte_ghost(2)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 1026, fpool_spte_ghost(3)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, LAST, fpool_spte_ghost(4)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 0, fpool_spte_ghost(5)), 0);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, pt->nghosts, 5);
	KUNIT_EXPECT_EQ(test, pt->ghost_nodes.len, 3);

	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 0), 0);
	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 1), 2);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, get(pt, 1024), 0);
	KUNIT_EXPECT_EQ(test, get(pt, LAST), fpool_spte_raw(fpool_spte_ghost(4)));
	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 1), 1);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, get(pt, LAST), 0);
	KUNIT_EXPECT_EQ(test, get(pt, 0), fpool_spte_raw(fpool_spte_ghost(5)));
	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 9), 1);
	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 9), 0);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, get(pt, 513), fpool_spte_raw(fpool_spte_ghost(1)));
	KUNIT_EXPECT_EQ(test, get(pt, 512), fpool_spte_raw(present(2)));
	KUNIT_ASSERT_EQ(test, set_empty(pt, 512), 0);
	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 1), 1);
	expect_no_nodes(test, pt);
}

/* A leaf that waits to be dropped and gets a page again, or loses its ghosts, waits no longer. */
static void ghosts_that_come_back_stay(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 4);

	KUNIT_ASSERT_EQ(test, set(pt, 0, fpool_spte_ghost(1)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 600, fpool_spte_ghost(2)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 0, present(1)), 0);
	KUNIT_EXPECT_EQ(test, pt->ghost_nodes.len, 1);
	KUNIT_ASSERT_EQ(test, set_empty(pt, 600), 0);
	KUNIT_EXPECT_EQ(test, pt->ghost_nodes.len, 0);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 2), 0);
	KUNIT_EXPECT_EQ(test, get(pt, 0), fpool_spte_raw(present(1)));
	KUNIT_ASSERT_EQ(test, set(pt, 600, fpool_spte_ghost(3)), 0);
	fpool_ptable_clear(pt);
	expect_no_nodes(test, pt);
	KUNIT_EXPECT_EQ(test, pt->nghosts, 0);
}

/* An error that nobody has taken is a ghost as others: it keeps no leaf from going. */
static void errors_are_ghosts(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 8);

	KUNIT_ASSERT_EQ(test, fpool_ptable_prepare(pt, fpool_vpn(3)), 0);
	KUNIT_ASSERT_EQ(test, fill_run(pt, 3, 2, 5), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 600, fpool_spte_ghost(1)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 601, fpool_spte_error(-EIO)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 3, fpool_spte_error(-EIO)), 0);
	check(test, pt);
	/* The other page of the first leaf is still on its way. */
	KUNIT_EXPECT_EQ(test, pt->ghost_nodes.len, 1);
	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 2), 2);
	KUNIT_ASSERT_EQ(test, set(pt, 4, fpool_spte_error(-EAGAIN)), 0);
	check(test, pt);
	KUNIT_EXPECT_EQ(test, pt->nghosts, 2);
	KUNIT_EXPECT_EQ(test, pt->nfills, 0);
	/* Who comes back takes his, and goes on where it is gone. */
	KUNIT_EXPECT_EQ(test, get(pt, 4), fpool_spte_raw(fpool_spte_error(-EAGAIN)));
	KUNIT_ASSERT_EQ(test, set_empty(pt, 4), 0);
	KUNIT_EXPECT_EQ(test, fpool_ptable_drop_ghosts(pt, 2), 1);
	KUNIT_EXPECT_EQ(test, get(pt, 3), 0);
	expect_no_nodes(test, pt);
}

static void expect_next(struct kunit *test, struct fpool_ptable *pt, u64 from, u64 end, u64 flags,
			u64 want)
{
	fpool_vpn_t vpn = fpool_vpn(from);
	fpool_spte_t e = fpool_spte(77);
	bool found = fpool_ptable_next(pt, &vpn, fpool_vpn(end), flags, &e);

	KUNIT_EXPECT_EQ_MSG(test, found, want != U64_MAX, "from %llx to %llx", from, end);
	KUNIT_EXPECT_EQ(test, fpool_vpn_nr(vpn), found ? want : from);
	KUNIT_EXPECT_EQ(test, fpool_spte_raw(e), found ? get(pt, want) : 77);
}

/* Entries far apart, at the borders of nodes, at both ends of 52 bits; the end is exclusive. */
static void next_over_the_sparse(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 32);
	const u64 none = U64_MAX, end = LAST + 1;
	fpool_vpn_t vpn = fpool_vpn(512);

	KUNIT_ASSERT_EQ(test, set(pt, 0, present(1)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 511, fpool_spte_ghost(1)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 512, present(2)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 1ULL << 40, fpool_spte_error(-EIO)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, LAST, present(3)), 0);

	expect_next(test, pt, 0, end, 0, 0);
	expect_next(test, pt, 0, 0, 0, none);
	expect_next(test, pt, 1, end, 0, 511);
	expect_next(test, pt, 1, 511, 0, none);
	expect_next(test, pt, 1, 512, 0, 511);
	expect_next(test, pt, 1, end, FPOOL_SPTE_P, 512);
	expect_next(test, pt, 1, 512, FPOOL_SPTE_P, none);
	expect_next(test, pt, 513, end, 0, 1ULL << 40);
	expect_next(test, pt, 513, 1ULL << 40, 0, none);
	expect_next(test, pt, 513, (1ULL << 40) + 1, FPOOL_SPTE_E, 1ULL << 40);
	expect_next(test, pt, 513, end, FPOOL_SPTE_P | FPOOL_SPTE_BUSY, LAST);
	expect_next(test, pt, 513, end, FPOOL_SPTE_P | FPOOL_SPTE_G, 1ULL << 40);
	expect_next(test, pt, LAST, end, 0, LAST);
	expect_next(test, pt, LAST, U64_MAX, 0, LAST);
	expect_next(test, pt, LAST, LAST, 0, none);
	expect_next(test, pt, end, U64_MAX, 0, none);
	expect_next(test, pt, 0, end, FPOOL_SPTE_WB, none);
	KUNIT_EXPECT_TRUE(test, fpool_ptable_next(pt, &vpn, fpool_vpn(end), 0, NULL));
	KUNIT_EXPECT_EQ(test, fpool_vpn_nr(vpn), 512);
}

/* A range without nodes costs a step, not its length: the last page of a tree with one entry. */
static void next_in_a_tree_that_ends_early(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 2);

	KUNIT_ASSERT_EQ(test, set(pt, 3, present(1)), 0);
	expect_next(test, pt, 4, LAST + 1, 0, U64_MAX);
	expect_next(test, pt, 512, LAST + 1, 0, U64_MAX);
	KUNIT_ASSERT_EQ(test, fpool_ptable_prepare(pt, fpool_vpn(100)), 0);
	expect_next(test, pt, 0, LAST + 1, 0, 3);
}

/* In the memory of a page's leaf, behind the table's back: who reads it there finds a page. */
static void plant(struct kunit *test, struct fpool_ptable *pt, u64 vpn)
{
	struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS];
	unsigned int n = fpool_ptable_walk(pt, fpool_vpn(vpn), step);
	u64 *slots;

	KUNIT_ASSERT_GT(test, n, 0);
	KUNIT_ASSERT_EQ(test, step[n - 1].level, 0);
	slots = rig_memory(test->priv, step[n - 1].node);
	slots[step[n - 1].index] = fpool_spte_raw(present(0));
}

static bool seek(struct fpool_ptable *pt, u64 *vpn, u64 end, u64 flags, u32 nodes)
{
	fpool_vpn_t at = fpool_vpn(*vpn);
	fpool_spte_t e = fpool_spte(77);
	bool found = fpool_ptable_seek(pt, &at, fpool_vpn(end), flags, nodes, &e);

	*vpn = fpool_vpn_nr(at);
	return found ? fpool_spte_raw(e) == get(pt, *vpn) : false;
}

#define GHOST_LEAVES	40

static void fill_with_ghosts(struct kunit *test, struct fpool_ptable *pt)
{
	u64 leaf;

	for (leaf = 0; leaf < GHOST_LEAVES; leaf++)
		KUNIT_ASSERT_EQ(test, set(pt, leaf * FPOOL_PTABLE_ENTRIES + 7,
					  leaf % 4 == 1 ? fpool_spte_error(-EIO) :
					  fpool_spte_ghost(leaf)), 0);
}

/* Leaves with nothing but ghosts, and prepared ones, are passed without being read. */
static void seek_passes_ghosts_unread(struct kunit *test)
{
	const u64 page = GHOST_LEAVES * FPOOL_PTABLE_ENTRIES + 9, end = LAST + 1;
	struct fpool_ptable *pt = table(test, 64);
	u64 leaf, vpn = 0;

	fill_with_ghosts(test, pt);
	KUNIT_ASSERT_EQ(test, fpool_ptable_prepare(pt, fpool_vpn(page + 1024)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, page, present(1)), 0);
	for (leaf = 0; leaf < GHOST_LEAVES; leaf++)
		plant(test, pt, leaf * FPOOL_PTABLE_ENTRIES + leaf);
	plant(test, pt, page + 1024);
	KUNIT_EXPECT_TRUE(test, seek(pt, &vpn, end, FPOOL_SPTE_P, U32_MAX));
	KUNIT_EXPECT_EQ(test, vpn, page);
	vpn++;
	KUNIT_EXPECT_FALSE(test, seek(pt, &vpn, end, FPOOL_SPTE_P | FPOOL_SPTE_BUSY, U32_MAX));
	KUNIT_EXPECT_GE(test, vpn, end);
	/* Who wants ghosts, or anything, reads them. */
	vpn = 8;
	KUNIT_EXPECT_TRUE(test, seek(pt, &vpn, end, FPOOL_SPTE_G, U32_MAX));
	KUNIT_EXPECT_EQ(test, vpn, FPOOL_PTABLE_ENTRIES + 7);
	vpn = 1;
	KUNIT_EXPECT_TRUE(test, seek(pt, &vpn, end, 0, U32_MAX));
	KUNIT_EXPECT_EQ(test, vpn, 7);
}

/* A page or a fill beside the ghosts, and the leaf is read; for an error it is by who wants one. */
static void seek_reads_what_is_not_only_ghosts(struct kunit *test)
{
	const u64 fill = FPOOL_SPTE_BUSY | 3 << FPOOL_PAGE_SHIFT;
	struct fpool_ptable *pt = table(test, 64);
	u64 vpn = 0;

	fill_with_ghosts(test, pt);
	KUNIT_ASSERT_EQ(test, set(pt, 10, fpool_spte_error(-EIO)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 512, fpool_spte(fill)), 0);
	KUNIT_EXPECT_TRUE(test, seek(pt, &vpn, LAST, FPOOL_SPTE_E, U32_MAX));
	KUNIT_EXPECT_EQ(test, vpn, 10);
	KUNIT_EXPECT_TRUE(test, seek(pt, &vpn, LAST, FPOOL_SPTE_P | FPOOL_SPTE_BUSY, U32_MAX));
	KUNIT_EXPECT_EQ(test, vpn, 512);
	/* The page is beyond the end, and the leaf goes on there. */
	vpn = 11;
	KUNIT_EXPECT_FALSE(test, seek(pt, &vpn, 512, FPOOL_SPTE_BUSY, U32_MAX));
	KUNIT_EXPECT_GE(test, vpn, 512);
}

/* A step visits so many nodes and no more, and says where the next one begins. */
static void seek_goes_in_steps(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 64);
	unsigned int steps = 0;
	u64 vpn = 0, before;

	fill_with_ghosts(test, pt);
	KUNIT_EXPECT_FALSE(test, seek(pt, &vpn, LAST + 1, FPOOL_SPTE_P, 0));
	KUNIT_EXPECT_EQ(test, vpn, 0);
	while (vpn < LAST + 1) {
		before = vpn;
		KUNIT_ASSERT_FALSE(test, seek(pt, &vpn, LAST + 1, FPOOL_SPTE_P, 4));
		KUNIT_ASSERT_GT(test, vpn, before);
		if (vpn < LAST + 1)
			KUNIT_EXPECT_LE(test, vpn - before, 4 * FPOOL_PTABLE_ENTRIES);
		KUNIT_ASSERT_LE(test, ++steps, GHOST_LEAVES);
	}
	/* Beside the leaves, what is behind the last one in the root, and what is behind that. */
	KUNIT_EXPECT_EQ(test, steps, DIV_ROUND_UP(GHOST_LEAVES + 2, 4));
}

/* Clearing, too: after each step the table is sound, and others may add to it. */
static void clear_goes_in_steps(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 64);
	struct rig *rig = test->priv;
	unsigned int steps = 1;
	u32 nfree;

	fill_with_ghosts(test, pt);
	KUNIT_ASSERT_EQ(test, set(pt, 3, present(1)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, 513, fpool_spte_error(-EIO)), 0);
	KUNIT_ASSERT_EQ(test, set(pt, LAST, fpool_spte_ghost(1)), 0);
	KUNIT_EXPECT_TRUE(test, fpool_ptable_clear_some(pt, 0));
	for (nfree = rig->buddy.nfree; fpool_ptable_clear_some(pt, 4); nfree = rig->buddy.nfree) {
		check(test, pt);
		/* With the last of a subtree goes what led to it. */
		KUNIT_ASSERT_GE(test, rig->buddy.nfree - nfree, 4);
		KUNIT_ASSERT_LE(test, rig->buddy.nfree - nfree, 4 + 5);
		KUNIT_ASSERT_LE(test, ++steps, GHOST_LEAVES);
	}
	KUNIT_EXPECT_EQ(test, steps, DIV_ROUND_UP(GHOST_LEAVES + 1, 4));
	expect_no_nodes(test, pt);
	KUNIT_EXPECT_EQ(test, pt->npresent + pt->nghosts + pt->nfills, 0);
}

/* The textbook's picture: an address of 64 bits is six indices and an offset. */
static void walk_shows_the_way(struct kunit *test)
{
	const u64 vpn = 0x123456789abcdULL;
	struct fpool_ptable *pt = table(test, 8);
	struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS];
	unsigned int i, n;
	u64 again = 0;

	KUNIT_ASSERT_EQ(test, set(pt, vpn, present(5)), 0);
	n = fpool_ptable_walk(pt, fpool_vpn(vpn), step);
	KUNIT_ASSERT_EQ(test, n, 6);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, step[i].level, 5 - i);
		again = again << FPOOL_PTABLE_BITS | step[i].index;
		if (i)
			KUNIT_EXPECT_EQ(test, step[i - 1].entry >> FPOOL_PAGE_SHIFT,
					fpool_frame_nr(step[i].node));
	}
	KUNIT_EXPECT_EQ(test, again, vpn);
	KUNIT_EXPECT_EQ(test, step[5].entry, fpool_spte_raw(present(5)));
	KUNIT_EXPECT_EQ(test, fpool_ptable_walk(pt, fpool_vpn(vpn ^ 1), step), 6);
	KUNIT_EXPECT_EQ(test, step[5].entry, 0);
	KUNIT_EXPECT_EQ(test, fpool_ptable_walk(pt, fpool_vpn(vpn ^ 512), step), 5);
	KUNIT_EXPECT_EQ(test, step[4].entry, 0);
	KUNIT_EXPECT_EQ(test, fpool_ptable_walk(pt, fpool_vpn(0), step), 1);
}

/* A page beyond the root of a low tree has no way to it at all. */
static void walk_beyond_the_root(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 1);
	struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS];

	KUNIT_ASSERT_EQ(test, set(pt, 0, present(0)), 0);
	KUNIT_EXPECT_EQ(test, fpool_ptable_walk(pt, fpool_vpn(511), step), 1);
	KUNIT_EXPECT_EQ(test, fpool_ptable_walk(pt, fpool_vpn(512), step), 0);
}

/* clear() takes entries of every kind and leaves a table that can be used again. */
static void clear_and_again(struct kunit *test)
{
	struct fpool_ptable *pt = table(test, 32);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, set(pt, 0, present(1)), 0);
		KUNIT_ASSERT_EQ(test, set(pt, 513, fpool_spte_ghost(1)), 0);
		KUNIT_ASSERT_EQ(test, set(pt, 1 << 30, fpool_spte_error(-EIO)), 0);
		KUNIT_ASSERT_EQ(test, set(pt, LAST, present(2)), 0);
		check(test, pt);
		fpool_ptable_clear(pt);
		expect_no_nodes(test, pt);
		KUNIT_EXPECT_EQ(test, pt->npresent + pt->nghosts + pt->nfills, 0);
	}
}

#define NR_VPNS		32

/* The naive table: an array of pages with their entries, in the order of the pages. */
struct model {
	u64 vpn[NR_VPNS], entry[NR_VPNS];
	u64 since[NR_VPNS];	/* when the page's leaf came to have nothing but ghosts, or 0 */
	u64 now;
};

/* Both ends, the neighbours across the borders of nodes of every level, and others. */
static void model_init(struct model *m, struct rnd_state *rnd)
{
	unsigned int i = 0, k, level;
	u64 v;

	m->vpn[i++] = 0;
	m->vpn[i++] = 1;
	m->vpn[i++] = LAST - 1;
	m->vpn[i++] = LAST;
	for (level = 1; level < FPOOL_PTABLE_MAX_LEVELS; level++) {
		m->vpn[i++] = (1ULL << (FPOOL_PTABLE_BITS * level)) - 1;
		m->vpn[i++] = 1ULL << (FPOOL_PTABLE_BITS * level);
	}
	while (i < NR_VPNS) {
		v = (u64)prandom_u32_state(rnd) << 32 | prandom_u32_state(rnd);
		m->vpn[i++] = v >> (12 + fpool_kunit_below(rnd, 50));
	}
	for (i = 0; i < NR_VPNS; i++)
		for (k = i; k && m->vpn[k - 1] > m->vpn[k]; k--)
			swap(m->vpn[k - 1], m->vpn[k]);
	for (i = 1; i < NR_VPNS; i++)
		if (m->vpn[i] <= m->vpn[i - 1])
			m->vpn[i] = m->vpn[i - 1] + 1;
}

static bool same_leaf(struct model *m, unsigned int a, unsigned int b)
{
	return m->vpn[a] >> FPOOL_PTABLE_BITS == m->vpn[b] >> FPOOL_PTABLE_BITS;
}

static bool is_page_or_fill(u64 entry)
{
	return entry & (FPOOL_SPTE_P | FPOOL_SPTE_BUSY);
}

static bool model_only_ghosts(struct model *m, unsigned int i)
{
	bool any = false;
	unsigned int k;

	for (k = 0; k < NR_VPNS; k++) {
		if (!same_leaf(m, i, k) || !m->entry[k])
			continue;
		if (is_page_or_fill(m->entry[k]))
			return false;
		any = true;
	}
	return any;
}

static void model_set(struct model *m, unsigned int i, u64 entry)
{
	unsigned int k;
	bool was = model_only_ghosts(m, i), is;

	m->entry[i] = entry;
	is = model_only_ghosts(m, i);
	m->now++;
	for (k = 0; k < NR_VPNS; k++)
		if (same_leaf(m, i, k) && was != is)
			m->since[k] = is ? m->now : 0;
}

/* Forgets the leaf that has had nothing but ghosts for longest. */
static u64 model_drop(struct model *m)
{
	unsigned int i, oldest = NR_VPNS;
	u64 dropped = 0, since;

	for (i = 0; i < NR_VPNS; i++)
		if (m->since[i] && (oldest == NR_VPNS || m->since[i] < m->since[oldest]))
			oldest = i;
	if (oldest == NR_VPNS)
		return 0;
	since = m->since[oldest];
	for (i = 0; i < NR_VPNS; i++) {
		if (m->since[i] != since)
			continue;
		dropped += !!m->entry[i];
		m->entry[i] = 0;
		m->since[i] = 0;
	}
	return dropped;
}

/* How many leaves, and nodes, hold these pages. */
static u32 model_nodes(struct model *m, unsigned int levels)
{
	unsigned int i, level;
	u64 prefix, last;
	u32 nodes = 0;

	for (level = 0; level < levels; level++) {
		last = U64_MAX;
		for (i = 0; i < NR_VPNS; i++) {
			prefix = m->vpn[i] >> (FPOOL_PTABLE_BITS * (level + 1));
			if (!m->entry[i] || prefix == last)
				continue;
			nodes++;
			last = prefix;
		}
	}
	return nodes;
}

static u64 random_entry(struct rnd_state *rnd)
{
	u32 r = prandom_u32_state(rnd) >> 8;

	switch (fpool_kunit_below(rnd, 6)) {
	case 0:
		return 0;
	case 1:
	case 2:
		return fpool_spte_raw(fpool_spte_ghost(r));
	case 3:
		return fpool_spte_raw(fpool_spte_error(-1 - (int)(r % 4095)));
	case 4:
		return fpool_spte_raw(fpool_spte_make(fpool_frame(r % 16), FPOOL_SPTE_BUSY));
	default:
		return fpool_spte_raw(fpool_spte_make(fpool_frame(r % 16), FPOOL_SPTE_P |
						      (r & FPOOL_SPTE_D)));
	}
}

/* What is found in small steps, with the ghosts passed. */
static void compare_seek(struct kunit *test, struct fpool_ptable *pt, struct model *m, u64 flags)
{
	unsigned int i;
	u64 vpn = 0;

	for (i = 0; i < NR_VPNS; i++) {
		if (!(m->entry[i] & flags))
			continue;
		while (vpn < LAST + 1 && !seek(pt, &vpn, LAST + 1, flags, 3))
			;
		KUNIT_ASSERT_EQ(test, vpn, m->vpn[i]);
		vpn++;
	}
	while (vpn < LAST + 1)
		KUNIT_ASSERT_FALSE(test, seek(pt, &vpn, LAST + 1, flags, 3));
}

static void compare(struct kunit *test, struct fpool_ptable *pt, struct model *m, bool prepared)
{
	u64 present = 0, ghosts = 0, fills = 0;
	fpool_vpn_t vpn = fpool_vpn(0);
	unsigned int i;
	fpool_spte_t e;

	check(test, pt);
	for (i = 0; i < NR_VPNS; i++) {
		KUNIT_ASSERT_EQ_MSG(test, get(pt, m->vpn[i]), m->entry[i], "page %llx", m->vpn[i]);
		KUNIT_ASSERT_EQ_MSG(test, peek(pt, m->vpn[i]), m->entry[i], "page %llx",
				    m->vpn[i]);
		if (!m->entry[i])
			continue;
		present += !!(m->entry[i] & FPOOL_SPTE_P);
		ghosts += !is_page_or_fill(m->entry[i]);
		fills += is_page_or_fill(m->entry[i]) && !(m->entry[i] & FPOOL_SPTE_P);
		KUNIT_ASSERT_TRUE(test, fpool_ptable_next(pt, &vpn, fpool_vpn(LAST + 1), 0, &e));
		KUNIT_ASSERT_EQ(test, fpool_vpn_nr(vpn), m->vpn[i]);
		KUNIT_ASSERT_EQ(test, fpool_spte_raw(e), m->entry[i]);
		vpn = fpool_vpn_add(vpn, 1);
	}
	KUNIT_ASSERT_FALSE(test, fpool_ptable_next(pt, &vpn, fpool_vpn(LAST + 1), 0, &e));
	compare_seek(test, pt, m, FPOOL_SPTE_P);
	compare_seek(test, pt, m, FPOOL_SPTE_P | FPOOL_SPTE_BUSY | FPOOL_SPTE_E);
	KUNIT_ASSERT_EQ(test, pt->npresent, present);
	KUNIT_ASSERT_EQ(test, pt->nghosts, ghosts);
	KUNIT_ASSERT_EQ(test, pt->nfills, fills);
	if (!prepared)
		KUNIT_ASSERT_EQ(test, pt->nnodes, model_nodes(m, fpool_ptable_levels(pt)));
}

/* One random step; whether it left a leaf behind that is prepared for page @i. */
static bool step_once(struct kunit *test, struct fpool_ptable *pt, struct model *m,
		      struct rnd_state *rnd, unsigned int i)
{
	u64 entry = random_entry(rnd);
	int err;

	switch (fpool_kunit_below(rnd, 8)) {
	case 0:
		KUNIT_ASSERT_EQ(test, fpool_ptable_drop_ghosts(pt, 1), model_drop(m));
		return false;
	case 1:
		return !fpool_ptable_prepare(pt, fpool_vpn(m->vpn[i]));
	case 2:
		if (!(m->entry[i] & FPOOL_SPTE_P))
			return false;
		m->entry[i] = (m->entry[i] & ~FPOOL_SPTE_D) | FPOOL_SPTE_WB;
		KUNIT_ASSERT_EQ(test, fpool_spte_raw(fpool_ptable_update(pt, fpool_vpn(m->vpn[i]),
									 FPOOL_SPTE_D,
									 FPOOL_SPTE_WB)),
				m->entry[i]);
		return false;
	default:
		err = set(pt, m->vpn[i], fpool_spte(entry));
		if (err)
			KUNIT_ASSERT_EQ(test, err, -ENOMEM);
		else
			model_set(m, i, entry);
		return false;
	}
}

/* Random entries at awkward pages in a region that is now and then too small, against the model. */
static void like_the_model(struct kunit *test)
{
	unsigned int step, i, steps = FPOOL_TEST_STEPS(250, 20000);
	struct fpool_ptable *pt = table(test, 64);
	struct rig *rig = test->priv;
	struct model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct rnd_state rnd;

	KUNIT_ASSERT_NOT_NULL(test, m);
	fpool_kunit_seed(test, &rnd);
	model_init(m, &rnd);
	for (step = 0; step < steps; step++) {
		i = fpool_kunit_below(&rnd, NR_VPNS);
		if (step_once(test, pt, m, &rnd, i)) {
			compare(test, pt, m, true);
			KUNIT_ASSERT_EQ(test, set(pt, m->vpn[i], fpool_spte(m->entry[i])), 0);
		}
		compare(test, pt, m, false);
	}
	fpool_ptable_clear(pt);
	expect_no_nodes(test, pt);
	rig_check(rig);
}

static struct kunit_case ptable_cases[] = {
	KUNIT_CASE(empty_has_no_node),
	KUNIT_CASE(height_follows_vpn),
	KUNIT_CASE(growth_keeps_what_was),
	KUNIT_CASE(growth_by_five_levels),
	KUNIT_CASE(reader_with_old_root),
	KUNIT_CASE(reader_in_removed_node),
	KUNIT_CASE(set_refuses_nonsense),
	KUNIT_CASE(kinds_follow_each_other),
	KUNIT_CASE(every_node_can_be_missing),
	KUNIT_CASE(prepared_set_cannot_fail),
	KUNIT_CASE(prepared_leaf_is_the_last),
	KUNIT_CASE(new_nodes_are_zeroed),
	KUNIT_CASE(update_changes_flags),
	KUNIT_CASE(update_refuses_the_rest),
	KUNIT_CASE(runs_are_as_their_pages),
	KUNIT_CASE(runs_are_done_whole),
	KUNIT_CASE(leaf_is_remembered),
	KUNIT_CASE(oldest_ghosts_go_first),
	KUNIT_CASE(ghosts_that_come_back_stay),
	KUNIT_CASE(errors_are_ghosts),
	KUNIT_CASE(next_over_the_sparse),
	KUNIT_CASE(next_in_a_tree_that_ends_early),
	KUNIT_CASE(seek_passes_ghosts_unread),
	KUNIT_CASE(seek_reads_what_is_not_only_ghosts),
	KUNIT_CASE(seek_goes_in_steps),
	KUNIT_CASE(clear_goes_in_steps),
	KUNIT_CASE(walk_shows_the_way),
	KUNIT_CASE(walk_beyond_the_root),
	KUNIT_CASE(clear_and_again),
	KUNIT_CASE(like_the_model),
	{}
};

static struct kunit_suite ptable_suite = {
	.name = "fpool_ptable",
	.test_cases = ptable_cases,
};

kunit_test_suite(ptable_suite);
