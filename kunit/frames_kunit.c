// SPDX-License-Identifier: GPL-2.0-only
/* The frame table: its states, its counters, its lists. */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "frames.h"
#include "helpers.h"

static struct fpool_frames *table(struct kunit *test, u32 nframes)
{
	struct fpool_frames *ft = kunit_kzalloc(test, sizeof(*ft), GFP_KERNEL);
	void *mem = kunit_kzalloc(test, fpool_frames_bytes(nframes), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ft);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	memset(ft, 0xa5, sizeof(*ft));
	memset(mem, 0xa5, fpool_frames_bytes(nframes));
	fpool_frames_init(ft, mem, nframes);
	return ft;
}

/* A frame costs 32 bytes, and a new table has nothing but free frames, whatever was in memory. */
static void frames_start_free(struct kunit *test)
{
	struct fpool_frames *ft = table(test, 3);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, fpool_frames_bytes(3), 96);
	KUNIT_EXPECT_EQ(test, fpool_frames_bytes(1U << 31), 1ULL << 36);
	for (i = 0; i < FPOOL_FRAME_NR_STATES; i++)
		KUNIT_EXPECT_EQ(test, ft->count[i], i == FPOOL_FRAME_FREE ? 3 : 0);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, ft->tab[i].state, FPOOL_FRAME_FREE);
		KUNIT_EXPECT_EQ(test, ft->tab[i].list, FPOOL_NO_LIST);
		KUNIT_EXPECT_EQ(test, ft->tab[i].space, FPOOL_NO_SPACE);
		KUNIT_EXPECT_EQ(test, ft->tab[i].vpn, 0);
		KUNIT_EXPECT_EQ(test, ft->tab[i].owner, 0);
	}
}

/* The verbs without their arguments, to go through all of them. */
static int mark_node(struct fpool_frames *ft, fpool_frame_t frame)
{
	return fpool_frames_mark_node(ft, frame, 7);
}

static int mark_fill(struct fpool_frames *ft, fpool_frame_t frame)
{
	return fpool_frames_mark_fill(ft, frame, 7, fpool_vpn(FPOOL_VPN_MAX));
}

#define FROM(s)	(1U << FPOOL_FRAME_##s)

static const struct {
	const char *name;
	int (*mark)(struct fpool_frames *ft, fpool_frame_t frame);
	unsigned int to, from;
} verbs[] = {
	{ "kernel", fpool_frames_mark_kernel, FPOOL_FRAME_KERNEL, FROM(FREE) },
	{ "node", mark_node, FPOOL_FRAME_NODE, FROM(FREE) },
	{ "fill", mark_fill, FPOOL_FRAME_FILL, FROM(FREE) },
	{ "resident", fpool_frames_mark_resident, FPOOL_FRAME_RESIDENT, FROM(FILL) | FROM(EVICT) },
	{ "evict", fpool_frames_mark_evict, FPOOL_FRAME_EVICT, FROM(RESIDENT) },
	{ "free", fpool_frames_mark_free, FPOOL_FRAME_FREE,
	  FROM(NODE) | FROM(FILL) | FROM(EVICT) },
	{ "retired", fpool_frames_mark_retired, FPOOL_FRAME_RETIRED,
	  FROM(FREE) | FROM(FILL) | FROM(RESIDENT) | FROM(EVICT) },
};

#define NR_VERBS	ARRAY_SIZE(verbs)

/* Takes a free frame to a state by the shortest way. */
static void bring_to(struct kunit *test, struct fpool_frames *ft, fpool_frame_t frame,
		     unsigned int state)
{
	static const u8 way[FPOOL_FRAME_NR_STATES][3] = {
		[FPOOL_FRAME_KERNEL]	= { 1 },
		[FPOOL_FRAME_NODE]	= { 2 },
		[FPOOL_FRAME_FILL]	= { 3 },
		[FPOOL_FRAME_RESIDENT]	= { 3, 4 },
		[FPOOL_FRAME_EVICT]	= { 3, 4, 5 },
		[FPOOL_FRAME_RETIRED]	= { 7 },
	};
	unsigned int i;

	for (i = 0; i < 3 && way[state][i]; i++)
		KUNIT_ASSERT_EQ(test, verbs[way[state][i] - 1].mark(ft, frame), 0);
	KUNIT_ASSERT_EQ(test, ft->tab[fpool_frame_nr(frame)].state, state);
}

/* Every verb from every state: the arrows of the picture work, all others change nothing. */
static void every_arrow_and_no_other(struct kunit *test)
{
	struct fpool_frame_info before[2];
	unsigned int state, v;
	struct fpool_frames was;
	int want, got;

	for (state = 0; state < FPOOL_FRAME_NR_STATES; state++) {
		for (v = 0; v < NR_VERBS; v++) {
			struct fpool_frames *ft = table(test, 2);

			bring_to(test, ft, fpool_frame(1), state);
			was = *ft;
			memcpy(before, ft->tab, sizeof(before));
			want = verbs[v].from & (1U << state) ? 0 : -EINVAL;
			got = verbs[v].mark(ft, fpool_frame(1));
			KUNIT_EXPECT_EQ_MSG(test, got, want, "mark_%s from %s", verbs[v].name,
					    fpool_frames_state_name(state));
			KUNIT_EXPECT_EQ(test, memcmp(before, ft->tab, sizeof(before[0])), 0);
			if (want) {
				KUNIT_EXPECT_EQ(test, memcmp(before, ft->tab, sizeof(before)), 0);
				KUNIT_EXPECT_EQ(test, memcmp(&was, ft, sizeof(was)), 0);
				continue;
			}
			KUNIT_EXPECT_EQ(test, ft->tab[1].state, verbs[v].to);
			KUNIT_EXPECT_EQ(test, ft->count[state], was.count[state] - 1);
			KUNIT_EXPECT_EQ(test, ft->count[verbs[v].to], was.count[verbs[v].to] + 1);
		}
	}
}

/* A frame number that is not of the region is refused by every verb. */
static void frames_outside_are_refused(struct kunit *test)
{
	struct fpool_frames *ft = table(test, 1);
	unsigned int v;

	for (v = 0; v < NR_VERBS; v++) {
		KUNIT_EXPECT_EQ(test, verbs[v].mark(ft, fpool_frame(1)), -EINVAL);
		KUNIT_EXPECT_EQ(test, verbs[v].mark(ft, FPOOL_NO_FRAME), -EINVAL);
	}
	KUNIT_EXPECT_EQ(test, ft->count[FPOOL_FRAME_FREE], 1);
}

/* A node and a page belong to a space, and a page's number has 52 bits. */
static void owners_have_to_exist(struct kunit *test)
{
	struct fpool_frames *ft = table(test, 1);
	fpool_frame_t f = fpool_frame(0);

	KUNIT_EXPECT_EQ(test, fpool_frames_mark_node(ft, f, FPOOL_NO_SPACE), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_fill(ft, f, FPOOL_NO_SPACE, fpool_vpn(0)), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_fill(ft, f, 1, fpool_vpn(FPOOL_VPN_MAX + 1)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, ft->tab[0].state, FPOOL_FRAME_FREE);
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_fill(ft, f, 1, fpool_vpn(FPOOL_VPN_MAX)), 0);
	KUNIT_EXPECT_EQ(test, ft->tab[0].vpn, FPOOL_VPN_MAX);
	KUNIT_EXPECT_EQ(test, ft->tab[0].space, 1);
}

/* A run is marked as a whole or not at all, and its frames hold pages in their order. */
static void runs_are_marked_whole(struct kunit *test)
{
	struct fpool_frames *ft = table(test, 4);
	fpool_frame_t f = fpool_frame(1);

	KUNIT_ASSERT_EQ(test, fpool_frames_mark_node(ft, fpool_frame(0), 3), 0);
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_fill_run(ft, fpool_frame(0), 2, 7, fpool_vpn(9)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_fill_run(ft, f, 4, 7, fpool_vpn(9)), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_fill_run(ft, f, 2, 7, fpool_vpn(FPOOL_VPN_MAX)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, ft->count[FPOOL_FRAME_FREE], 3);
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_fill_run(ft, f, 2, 7, fpool_vpn(9)), 0);
	KUNIT_EXPECT_EQ(test, ft->count[FPOOL_FRAME_FILL], 2);
	KUNIT_EXPECT_EQ(test, ft->tab[2].vpn, 10);
	KUNIT_EXPECT_EQ(test, ft->tab[2].space, 7);
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_filled_run(ft, f, 3), -EINVAL);
	KUNIT_EXPECT_EQ(test, ft->tab[1].state, FPOOL_FRAME_FILL);
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_filled_run(ft, f, 2), 0);
	KUNIT_EXPECT_EQ(test, ft->count[FPOOL_FRAME_RESIDENT], 2);
	KUNIT_EXPECT_EQ(test, ft->count[FPOOL_FRAME_FILL], 0);
	KUNIT_EXPECT_EQ(test, ft->tab[2].state, FPOOL_FRAME_RESIDENT);
	KUNIT_EXPECT_EQ(test, ft->tab[3].state, FPOOL_FRAME_FREE);
}

/* A new node has no parent and no entries. */
static void node_starts_empty(struct kunit *test)
{
	struct fpool_frames *ft = table(test, 1);

	KUNIT_ASSERT_EQ(test, fpool_frames_mark_node(ft, fpool_frame(0), 3), 0);
	KUNIT_EXPECT_EQ(test, ft->tab[0].node.parent, fpool_frame_nr(FPOOL_NO_FRAME));
	KUNIT_EXPECT_EQ(test, ft->tab[0].node.used, 0);
	KUNIT_EXPECT_EQ(test, ft->tab[0].node.ghosts, 0);
	KUNIT_EXPECT_EQ(test, ft->tab[0].space, 3);
}

/* A frame that is free again knows no more of its past than a new one, byte by byte. */
static void free_and_retired_wipe(struct kunit *test)
{
	struct fpool_frames *ft = table(test, 2), *fresh = table(test, 1);
	struct fpool_frame_info *fi = &ft->tab[0];
	u32 i;

	for (i = 0; i < 2; i++) {
		bring_to(test, ft, fpool_frame(i), FPOOL_FRAME_EVICT);
		ft->tab[i].owner = 1;
		ft->tab[i].policy = 2;
		ft->tab[i].aux = 3;
	}
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_free(ft, fpool_frame(0)), 0);
	KUNIT_EXPECT_EQ(test, memcmp(fi, fresh->tab, sizeof(*fi)), 0);
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_retired(ft, fpool_frame(1)), 0);
	ft->tab[1].state = FPOOL_FRAME_FREE;
	KUNIT_EXPECT_EQ(test, memcmp(&ft->tab[1], fresh->tab, sizeof(*fi)), 0);
}

/* A frame on a list cannot be given away: the list would go through a stranger. */
static void listed_frames_are_not_given_away(struct kunit *test)
{
	struct fpool_frames *ft = table(test, 1);
	fpool_frame_t f = fpool_frame(0);

	bring_to(test, ft, f, FPOOL_FRAME_EVICT);
	ft->tab[0].list = 0;
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_free(ft, f), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_retired(ft, f), -EINVAL);
	KUNIT_EXPECT_EQ(test, ft->tab[0].state, FPOOL_FRAME_EVICT);
	ft->tab[0].list = FPOOL_NO_LIST;
	KUNIT_EXPECT_EQ(test, fpool_frames_mark_free(ft, f), 0);
}

/* Users read states: each has a name of its own, and what is no state has none. */
static void states_have_names(struct kunit *test)
{
	unsigned int a, b;

	for (a = 0; a < FPOOL_FRAME_NR_STATES; a++)
		for (b = 0; b < a; b++)
			KUNIT_EXPECT_NE(test, strcmp(fpool_frames_state_name(a),
						     fpool_frames_state_name(b)), 0);
	KUNIT_EXPECT_STREQ(test, fpool_frames_state_name(FPOOL_FRAME_RESIDENT), "resident");
	KUNIT_EXPECT_STREQ(test, fpool_frames_state_name(FPOOL_FRAME_NR_STATES), "?");
	KUNIT_EXPECT_STREQ(test, fpool_frames_state_name(~0U), "?");
}

#define MODEL_MAX	9

/* The naive list: an array in order. */
struct model {
	u32 nr[MODEL_MAX];
	u32 len;
};

static void model_insert(struct model *m, u32 at, u32 nr)
{
	memmove(&m->nr[at + 1], &m->nr[at], (m->len++ - at) * sizeof(m->nr[0]));
	m->nr[at] = nr;
}

static void model_remove(struct model *m, u32 at)
{
	memmove(&m->nr[at], &m->nr[at + 1], (--m->len - at) * sizeof(m->nr[0]));
}

static void compare(struct kunit *test, struct fpool_frames *ft, struct fpool_frame_list *list,
		    struct model *m)
{
	fpool_frame_t f = fpool_frame_list_first(list);
	u32 none = fpool_frame_nr(FPOOL_NO_FRAME), i;
	const char *why;

	why = fpool_frame_list_check(ft, list, FPOOL_NO_LIST, FPOOL_FRAME_FREE, NULL);
	KUNIT_ASSERT_TRUE_MSG(test, !why, "%s", why);
	for (i = 0; i < m->len; i++, f = fpool_frame_list_next(ft, f))
		KUNIT_ASSERT_EQ(test, fpool_frame_nr(f), m->nr[i]);
	KUNIT_ASSERT_EQ(test, fpool_frame_nr(f), none);
	KUNIT_ASSERT_EQ(test, list->len, m->len);
	KUNIT_ASSERT_EQ(test, fpool_frame_nr(fpool_frame_list_last(list)),
			m->len ? m->nr[m->len - 1] : none);
}

/* One frame is head and tail at once, and leaves an empty list. */
static void list_of_one(struct kunit *test)
{
	struct fpool_frames *ft = table(test, 1);
	struct fpool_frame_list list;
	struct model m = { .len = 0 };

	fpool_frame_list_init(&list);
	compare(test, ft, &list, &m);
	fpool_frame_list_add_head(ft, &list, fpool_frame(0));
	model_insert(&m, 0, 0);
	compare(test, ft, &list, &m);
	fpool_frame_list_del(ft, &list, fpool_frame(0));
	model_remove(&m, 0);
	compare(test, ft, &list, &m);
}

static u32 model_find(struct model *m, u32 nr)
{
	u32 i;

	for (i = 0; i < m->len && m->nr[i] != nr; i++)
		;
	return i;
}

/* A frame that is on the list leaves it, or goes to the end of that one or of another. */
static void take_or_move(struct kunit *test, struct fpool_frames *ft, struct fpool_frame_list *list,
			 struct model *m, u32 from, u32 to, u32 nr)
{
	model_remove(&m[from], model_find(&m[from], nr));
	if (to < 2) {
		fpool_frame_list_move_tail(ft, &list[from], &list[to], fpool_frame(nr));
		model_insert(&m[to], m[to].len, nr);
		return;
	}
	fpool_frame_list_del(ft, &list[from], fpool_frame(nr));
	KUNIT_ASSERT_EQ(test, ft->tab[nr].prev, fpool_frame_nr(FPOOL_NO_FRAME));
	KUNIT_ASSERT_EQ(test, ft->tab[nr].next, fpool_frame_nr(FPOOL_NO_FRAME));
}

/* Random additions at both ends, removals anywhere, and moves, against two naive lists. */
static void list_like_the_model(struct kunit *test)
{
	struct fpool_frames *ft = table(test, MODEL_MAX);
	unsigned int step, steps = FPOOL_TEST_STEPS(300, 20000);
	struct model m[2] = { { .len = 0 }, { .len = 0 } };
	struct fpool_frame_list list[2];
	struct rnd_state rnd;
	u32 nr, k;

	fpool_kunit_seed(test, &rnd);
	fpool_frame_list_init(&list[0]);
	fpool_frame_list_init(&list[1]);
	for (step = 0; step < steps; step++) {
		nr = fpool_kunit_below(&rnd, MODEL_MAX);
		for (k = 0; k < 2 && model_find(&m[k], nr) == m[k].len; k++)
			;
		if (k < 2) {
			take_or_move(test, ft, list, m, k, fpool_kunit_below(&rnd, 3), nr);
		} else if (fpool_kunit_below(&rnd, 2)) {
			k = fpool_kunit_below(&rnd, 2);
			fpool_frame_list_add_head(ft, &list[k], fpool_frame(nr));
			model_insert(&m[k], 0, nr);
		} else {
			k = fpool_kunit_below(&rnd, 2);
			fpool_frame_list_add_tail(ft, &list[k], fpool_frame(nr));
			model_insert(&m[k], m[k].len, nr);
		}
		compare(test, ft, &list[0], &m[0]);
		compare(test, ft, &list[1], &m[1]);
	}
}

static void expect_broken(struct kunit *test, struct fpool_frames *ft,
			  struct fpool_frame_list *list, const char *want, u32 want_bad)
{
	fpool_frame_t bad;
	const char *why;

	why = fpool_frame_list_check(ft, list, FPOOL_NO_LIST, FPOOL_FRAME_FREE, &bad);
	KUNIT_ASSERT_TRUE_MSG(test, why, "not found: %s", want);
	KUNIT_EXPECT_STREQ(test, why, want);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(bad), want_bad);
}

/* Each way in which a list of 0, 1, 2 can be broken is found, and where. */
static void list_check_finds(struct kunit *test)
{
	struct fpool_frames *ft = table(test, 4);
	u32 none = fpool_frame_nr(FPOOL_NO_FRAME), i;
	struct fpool_frame_list list;

	fpool_frame_list_init(&list);
	for (i = 0; i < 3; i++)
		fpool_frame_list_add_tail(ft, &list, fpool_frame(i));

	ft->tab[2].next = 4;
	expect_broken(test, ft, &list, "a list goes on with a frame that is not in the region", 4);
	ft->tab[2].next = 0;
	expect_broken(test, ft, &list,
		      "a frame on a list does not lead back to the one before it", 0);
	ft->tab[2].next = none;
	ft->tab[1].prev = 2;
	expect_broken(test, ft, &list,
		      "a frame on a list does not lead back to the one before it", 1);
	ft->tab[1].prev = 0;
	ft->tab[1].list = 3;
	expect_broken(test, ft, &list, "a frame is on a list and says that it is on another", 1);
	ft->tab[1].list = FPOOL_NO_LIST;
	ft->tab[0].state = FPOOL_FRAME_KERNEL;
	expect_broken(test, ft, &list,
		      "a frame is on a list and in a state that does not belong there", 0);
	ft->tab[0].state = FPOOL_FRAME_FREE;
	list.tail = 1;
	expect_broken(test, ft, &list, "a list does not end at its tail", none);
	list.tail = 2;
	list.len = 4;
	expect_broken(test, ft, &list, "a list has another length than it says", none);
	list.len = 3;
	KUNIT_EXPECT_NULL(test, fpool_frame_list_check(ft, &list, FPOOL_NO_LIST,
						       FPOOL_FRAME_FREE, NULL));
}

static struct kunit_case frames_cases[] = {
	KUNIT_CASE(frames_start_free),
	KUNIT_CASE(every_arrow_and_no_other),
	KUNIT_CASE(frames_outside_are_refused),
	KUNIT_CASE(owners_have_to_exist),
	KUNIT_CASE(runs_are_marked_whole),
	KUNIT_CASE(node_starts_empty),
	KUNIT_CASE(free_and_retired_wipe),
	KUNIT_CASE(listed_frames_are_not_given_away),
	KUNIT_CASE(states_have_names),
	KUNIT_CASE(list_of_one),
	KUNIT_CASE(list_like_the_model),
	KUNIT_CASE(list_check_finds),
	{}
};

static struct kunit_suite frames_suite = {
	.name = "fpool_frames",
	.test_cases = frames_cases,
};

kunit_test_suite(frames_suite);
