// SPDX-License-Identifier: GPL-2.0-only
/*
 * Working sets: what they promise, who gets frames and who gives them up, and random histories of
 * processes that come, fault and end, against sums that are done again from nothing.
 */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "helpers.h"
#include "wset.h"

#define PAGES		64	/* of each process */
#define FLOOR_PART	8	/* as in wset.c */

/* A process: its set, and its pages' entries. */
struct process {
	struct fpool_wset set;
	bool alive;
	u32 frame[PAGES];	/* number + 1, or 0 */
	u64 ghost[PAGES];
	bool accessed[PAGES];
};

struct pool {
	struct kunit *test;
	struct fpool_frames frames;
	struct fpool_wsets ws;
	struct process *process;
	u32 nr;
	u32 *owner, *page;	/* of each frame: process and page */
};

static struct fpool_wset **table(struct kunit *test, u32 slots)
{
	struct fpool_wset **tab = kunit_kzalloc(test, slots * sizeof(*tab), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, tab);
	return tab;
}

/* All processes are there; at most @most of them run at a time. */
static struct pool *pool_new(struct kunit *test, u32 frames, u32 nr, u32 most)
{
	struct pool *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	void *mem = kunit_kzalloc(test, fpool_frames_bytes(frames), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	p->test = test;
	p->nr = nr;
	p->process = kunit_kzalloc(test, nr * sizeof(*p->process), GFP_KERNEL);
	p->owner = kunit_kzalloc(test, frames * sizeof(u32), GFP_KERNEL);
	p->page = kunit_kzalloc(test, frames * sizeof(u32), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p->process);
	KUNIT_ASSERT_NOT_NULL(test, p->owner);
	KUNIT_ASSERT_NOT_NULL(test, p->page);
	fpool_frames_init(&p->frames, mem, frames);
	KUNIT_ASSERT_EQ(test, fpool_wsets_init(&p->ws, &fpool_policy_clock, &p->frames, frames,
					       table(test, most + 1), most + 1), 0);
	return p;
}

static void check(struct pool *p)
{
	const char *why = "";

	KUNIT_ASSERT_EQ_MSG(p->test, fpool_wsets_check(&p->ws, &why), 0, "%s", why);
}

static int start(struct pool *p, u32 i)
{
	struct process *proc = &p->process[i];
	int err;

	memset(proc, 0, sizeof(*proc));
	err = fpool_wset_add(&p->ws, &proc->set);
	proc->alive = !err;
	return err;
}

static struct pool *pool_of(struct kunit *test, u32 frames, u32 nr)
{
	struct pool *p = pool_new(test, frames, nr, nr);
	u32 i;

	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_EQ(test, start(p, i), 0);
	return p;
}

static u32 free_frame(struct pool *p)
{
	u32 i;

	for (i = 0; i < p->frames.nframes; i++)
		if (p->frames.tab[i].state == FPOOL_FRAME_FREE)
			return i;
	return U32_MAX;
}

/* The victim that a policy has given away leaves. */
static void leave(struct pool *p, fpool_frame_t frame)
{
	u32 nr = fpool_frame_nr(frame);
	struct process *proc = &p->process[p->owner[nr]];

	KUNIT_ASSERT_EQ(p->test, fpool_frames_mark_evict(&p->frames, frame), 0);
	proc->ghost[p->page[nr]] = fpool_wsets_evicted(&p->ws, frame);
	proc->frame[p->page[nr]] = 0;
	fpool_wset_uncharge(&p->ws, frame);
	KUNIT_ASSERT_EQ(p->test, fpool_frames_mark_free(&p->frames, frame), 0);
}

/* False if nobody has to give anything. */
static bool evict_from(struct pool *p, struct fpool_wset *set)
{
	fpool_frame_t frame;
	bool accessed, *bit;
	u32 nr;

	while (set && fpool_policy_candidates(&set->policy, &frame, 1)) {
		nr = fpool_frame_nr(frame);
		bit = &p->process[p->owner[nr]].accessed[p->page[nr]];
		accessed = *bit;
		*bit = false;
		if (!fpool_policy_judge(&set->policy, frame, accessed))
			continue;
		leave(p, frame);
		return true;
	}
	return false;
}

static void fill(struct pool *p, u32 i, u32 page, u32 nr)
{
	struct process *proc = &p->process[i];
	u64 age = fpool_wsets_age(&p->ws, proc->ghost[page]);

	p->owner[nr] = i;
	p->page[nr] = page;
	KUNIT_ASSERT_EQ(p->test, fpool_frames_mark_fill(&p->frames, fpool_frame(nr), 1,
							fpool_vpn(page)), 0);
	KUNIT_ASSERT_EQ(p->test, fpool_wset_charge(&p->ws, &proc->set, fpool_frame(nr)), 0);
	KUNIT_ASSERT_EQ(p->test, fpool_frames_mark_resident(&p->frames, fpool_frame(nr)), 0);
	fpool_policy_insert(&proc->set.policy, fpool_frame(nr), age);
	proc->frame[page] = nr + 1;
}

/* A reference, as the module serves it. Whether it was a fault. */
static bool touch(struct pool *p, u32 i, u32 page)
{
	struct process *proc = &p->process[i];
	bool fault = !proc->frame[page];

	if (fault) {
		fpool_wset_fault(&p->ws, &proc->set, proc->ghost[page]);
		while (!fpool_wset_room(&proc->set))
			KUNIT_ASSERT_TRUE(p->test, evict_from(p, &proc->set));
		while (free_frame(p) == U32_MAX)
			KUNIT_ASSERT_TRUE(p->test,
					  evict_from(p, fpool_wsets_victim(&p->ws, &proc->set)));
		fill(p, i, page, free_frame(p));
	}
	proc->accessed[page] = true;
	return fault;
}

/* All that it has goes to others' hands, or away. */
static void end(struct pool *p, u32 i, struct fpool_wset *heir)
{
	struct process *proc = &p->process[i];
	u32 page, nr;

	fpool_wset_leave(&p->ws, &proc->set);
	for (page = 0; page < PAGES; page++) {
		if (!proc->frame[page])
			continue;
		nr = proc->frame[page] - 1;
		if (heir && !fpool_wset_move(&p->ws, fpool_frame(nr), heir))
			continue;
		fpool_policy_remove(fpool_wsets_policy(&p->ws, fpool_frame(nr)), fpool_frame(nr));
		leave(p, fpool_frame(nr));
	}
	KUNIT_ASSERT_EQ(p->test, fpool_wset_del(&p->ws, &proc->set), 0);
	proc->alive = false;
}

/* "A process that faults much is given a larger working set." */
static void who_faults_much_is_given_a_larger_set(struct kunit *test)
{
	struct pool *p = pool_of(test, 64, 2);
	u32 i, faults = 0, before, was;

	/* Equal halves of the pool. */
	for (i = 0; i < 32; i++) {
		touch(p, 0, i);
		touch(p, 1, i);
	}
	KUNIT_EXPECT_EQ(test, p->process[0].set.target, 32);
	was = p->process[1].set.charge;
	/* The first uses 40 pages now, over and over; the second nothing. */
	for (i = 0; i < 40 * 20; i++) {
		touch(p, 0, i % 40);
		check(p);
	}
	KUNIT_EXPECT_GE(test, p->process[0].set.charge, 40);
	KUNIT_EXPECT_GT(test, p->process[0].set.near_refaults, 0);
	/* And has all that it needs. */
	for (i = 0; i < 40; i++)
		faults += touch(p, 0, i);
	KUNIT_EXPECT_EQ(test, faults, 0);
	/* "One that is quiet gives frames up." */
	before = p->process[1].set.charge;
	KUNIT_EXPECT_LT(test, before, was);
	KUNIT_EXPECT_GE(test, p->process[1].set.target, fpool_wset_floor(&p->ws,
									 &p->process[1].set));
}

/* Who reads a lot once faults at every page, and takes nothing from who does not. */
static void a_scan_takes_nothing(struct kunit *test)
{
	struct pool *p = pool_of(test, 32, 2);
	u32 i, k;

	for (i = 0; i < 16; i++)
		touch(p, 0, i);
	for (k = 0; k < 20; k++) {
		for (i = 0; i < PAGES; i++) {
			touch(p, 1, i);
			check(p);
		}
	}
	KUNIT_EXPECT_EQ(test, p->process[1].set.near_refaults, 0);
	KUNIT_EXPECT_EQ(test, p->process[0].set.charge, 16);
	KUNIT_EXPECT_EQ(test, p->process[1].set.charge, 16);
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_FALSE(test, touch(p, 0, i));
}

/* While frames are free nobody has to show that he needs them. */
static void free_frames_are_for_everybody(struct kunit *test)
{
	struct pool *p = pool_of(test, 32, 2);
	u32 i;

	for (i = 0; i < 32; i++)
		touch(p, 0, i);
	KUNIT_EXPECT_EQ(test, p->process[0].set.target, 32);
	KUNIT_EXPECT_EQ(test, p->ws.targets, 32);
	/* Now nothing is; but a newcomer has a floor: an eighth of a half. */
	KUNIT_EXPECT_EQ(test, fpool_wset_floor(&p->ws, &p->process[1].set), 32 / FLOOR_PART / 2);
	for (i = 0; i < 8; i++)
		touch(p, 1, i);
	check(p);
	KUNIT_EXPECT_EQ(test, p->process[1].set.target, 2);
	KUNIT_EXPECT_EQ(test, p->process[0].set.target, 30);
}

/* Near refaults of long ago count less and less: what counts is what is going on. */
static void the_past_is_forgotten_by_and_by(struct kunit *test)
{
	struct pool *p = pool_of(test, 64, 2);
	u32 i;

	p->process[0].set.near = 12;
	/* Four faults of the pool, whoever's they are, are a sixteenth of it. */
	for (i = 0; i < 3; i++)
		fpool_wset_fault(&p->ws, &p->process[1].set, 0);
	KUNIT_EXPECT_EQ(test, p->process[0].set.near, 12);
	fpool_wset_fault(&p->ws, &p->process[1].set, 0);
	KUNIT_EXPECT_EQ(test, p->process[0].set.near, 6);
	for (i = 0; i < 12; i++)
		fpool_wset_fault(&p->ws, &p->process[1].set, 0);
	KUNIT_EXPECT_EQ(test, p->process[0].set.near, 0);
}

/* "Others do not take it below its minimum", however much they fault. */
static void the_minimum_is_not_taken_by_others(struct kunit *test)
{
	struct pool *p = pool_of(test, 32, 2);
	u32 i;

	KUNIT_ASSERT_EQ(test, fpool_wset_limit(&p->ws, &p->process[0].set, 12, 32), 0);
	for (i = 0; i < 20; i++)
		touch(p, 0, i);
	/* It wants a little more than it has, all the time, and would need 26. */
	for (i = 0; i < 2400; i++) {
		touch(p, 1, i % min(26U, 14 + i / 100));
		KUNIT_ASSERT_GE(test, p->process[0].set.charge, 12);
		KUNIT_ASSERT_GE(test, p->process[0].set.target, 12);
		check(p);
	}
	KUNIT_EXPECT_EQ(test, p->process[0].set.charge, 12);
	/* With everybody at his minimum it is one's own page that leaves. */
	KUNIT_ASSERT_EQ(test, fpool_wset_limit(&p->ws, &p->process[1].set, 12, 12), 0);
	while (p->process[1].set.charge > 12)
		evict_from(p, &p->process[1].set);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, &p->process[1].set),
			    &p->process[1].set);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), (struct fpool_wset *)NULL);
}

/* The maximum, to the frame. */
static void the_maximum_is_never_exceeded(struct kunit *test)
{
	struct pool *p = pool_of(test, 32, 1);
	struct fpool_wset *set = &p->process[0].set;
	u32 i;

	KUNIT_ASSERT_EQ(test, fpool_wset_limit(&p->ws, set, 0, 9), 0);
	for (i = 0; i < 200; i++) {
		touch(p, 0, i % 11);
		KUNIT_ASSERT_LE(test, set->charge, 9);
		KUNIT_ASSERT_LE(test, set->target, 9);
		check(p);
	}
	KUNIT_EXPECT_EQ(test, set->charge, 9);
	KUNIT_EXPECT_EQ(test, fpool_wset_room(set), 0);
	i = free_frame(p);
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_fill(&p->frames, fpool_frame(i), 1, fpool_vpn(60)),
			0);
	KUNIT_EXPECT_EQ(test, fpool_wset_charge(&p->ws, set, fpool_frame(i)), -EDQUOT);
	KUNIT_EXPECT_EQ(test, fpool_wset_charge_run(&p->ws, set, fpool_frame(i), 2), -EDQUOT);
	KUNIT_EXPECT_EQ(test, set->charge, 9);
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_free(&p->frames, fpool_frame(i)), 0);
	/* A maximum below what it has: nothing comes until it has less. */
	KUNIT_ASSERT_EQ(test, fpool_wset_limit(&p->ws, set, 0, 8), 0);
	KUNIT_EXPECT_EQ(test, fpool_wset_room(set), 0);
	KUNIT_EXPECT_EQ(test, set->target, 8);
	evict_from(p, set);
	KUNIT_EXPECT_EQ(test, fpool_wset_room(set), 0);
	evict_from(p, set);
	KUNIT_EXPECT_EQ(test, fpool_wset_room(set), 1);
}

static void expect_limits(struct kunit *test, struct pool *p, u32 i, int err, u32 min, u32 max)
{
	struct fpool_wset *set = &p->process[i].set;
	struct fpool_wset was = *set;
	u32 promised = p->ws.promised;

	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, set, min, max), err);
	KUNIT_EXPECT_EQ(test, memcmp(set, &was, sizeof(was)), 0);
	KUNIT_EXPECT_EQ(test, p->ws.promised, promised);
}

/* One bad word each; nothing changes. */
static void bad_limits_change_nothing(struct kunit *test)
{
	struct pool *p = pool_of(test, 64, 2);

	expect_limits(test, p, 0, -EINVAL, 10, 9);
	expect_limits(test, p, 0, -EINVAL, 0, FPOOL_WSET_LEAST_MAX - 1);
	/* Three quarters of the pool can be promised. */
	expect_limits(test, p, 0, -ENOSPC, 49, 64);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, &p->process[0].set, 30, 64), 0);
	expect_limits(test, p, 1, -ENOSPC, 19, 64);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, &p->process[1].set, 18, 64), 0);
	/* Its own old minimum does not stand in its way. */
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, &p->process[0].set, 29,
					       FPOOL_WSET_NO_MAX), 0);
	check(p);
	fpool_wset_leave(&p->ws, &p->process[1].set);
	KUNIT_EXPECT_EQ(test, p->ws.promised, 29);
	expect_limits(test, p, 1, -ESRCH, 0, 64);
}

/* What a ghost remembers: of which set, when, and whether the policy is to know. */
static void ghosts_count_the_evictions_of_their_set(struct kunit *test)
{
	struct pool *p = pool_of(test, 32, 2);
	struct process *one = &p->process[0];
	u64 ghost;
	u32 i;

	for (i = 0; i < 16; i++) {
		touch(p, 0, i);
		touch(p, 1, i);
		one->accessed[i] = false;
	}
	evict_from(p, &one->set);
	ghost = one->ghost[0];
	KUNIT_EXPECT_EQ(test, fpool_wsets_age(&p->ws, ghost), 0);
	/* What leaves the other set is nothing to it. */
	for (i = 0; i < 5; i++)
		evict_from(p, &p->process[1].set);
	KUNIT_EXPECT_EQ(test, fpool_wsets_age(&p->ws, ghost), 0);
	for (i = 0; i < 3; i++)
		evict_from(p, &one->set);
	KUNIT_EXPECT_EQ(test, fpool_wsets_age(&p->ws, ghost), 3);
	KUNIT_EXPECT_EQ(test, fpool_wsets_age(&p->ws, 0), U64_MAX);
	/* Both kinds of number fit in 52 bits; a set that is gone knows nothing. */
	KUNIT_EXPECT_EQ(test, ghost >> 52, 0);
	end(p, 0, NULL);
	KUNIT_EXPECT_EQ(test, fpool_wsets_age(&p->ws, ghost), U64_MAX);
	check(p);
}

/* 2^39 evictions are some days' work: ages go on across the wrap. */
static void ages_survive_the_wrap_of_the_ghosts_number(struct kunit *test)
{
	struct pool *p = pool_of(test, 32, 1);
	struct process *one = &p->process[0];
	u32 i;

	for (i = 0; i < 16; i++) {
		touch(p, 0, i);
		one->accessed[i] = false;
	}
	one->set.policy.evictions = (1ULL << 39) - 2;
	for (i = 0; i < 8; i++)
		evict_from(p, &one->set);
	/* The one that would be number 0 is none. */
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_EQ(test, fpool_wsets_age(&p->ws, one->ghost[i]), 7 - i);
}

/* Pages that the policy forgets are remembered for the set all the same. */
static void the_sets_remember_what_the_policy_forgets(struct kunit *test)
{
	struct pool *p = pool_new(test, 16, 1, 1);
	struct process *one = &p->process[0];
	u32 i, silent = 0;
	u64 before;

	KUNIT_ASSERT_EQ(test, fpool_wsets_switch(&p->ws, &fpool_policy_tenure), 0);
	KUNIT_ASSERT_EQ(test, start(p, 0), 0);
	for (i = 0; i < 16 * 50; i++) {
		touch(p, 0, i % 8);
		touch(p, 0, 8 + i % 16);
	}
	before = one->set.near_refaults;
	/* All used: some get into the main list. Then none is: they leave it. */
	memset(one->accessed, 0, sizeof(one->accessed));
	memset(one->ghost, 0, sizeof(one->ghost));
	while (evict_from(p, &one->set))
		memset(one->accessed, 0, sizeof(one->accessed));
	for (i = 0; i < 24; i++) {
		u64 ghost = one->ghost[i];

		if (!ghost || fpool_wsets_age(&p->ws, ghost) != U64_MAX)
			continue;
		silent++;
		/* Not for the policy, and near. */
		fpool_wset_fault(&p->ws, &one->set, ghost);
	}
	KUNIT_EXPECT_GT(test, silent, 0);
	KUNIT_EXPECT_GT(test, one->set.near_refaults, before);
	check(p);
}

/* A process ends: its charge is others' at once, with what was known of the pages. */
static void what_a_process_leaves_is_its_heirs(struct kunit *test)
{
	struct pool *p = pool_of(test, 32, 2);
	struct fpool_wset *heir = &p->process[1].set;
	fpool_frame_t first, second;
	u32 i;

	for (i = 0; i < 10; i++)
		touch(p, 0, i);
	touch(p, 1, 0);
	KUNIT_ASSERT_EQ(test, fpool_wset_limit(&p->ws, heir, 0, 9), 0);
	KUNIT_ASSERT_EQ(test, fpool_wset_limit(&p->ws, &p->process[0].set, 8, 20), 0);
	KUNIT_EXPECT_EQ(test, fpool_wset_del(&p->ws, &p->process[0].set), -EBUSY);
	fpool_wset_leave(&p->ws, &p->process[0].set);
	KUNIT_EXPECT_EQ(test, fpool_wset_del(&p->ws, &p->process[0].set), -EBUSY);
	KUNIT_EXPECT_EQ(test, p->ws.promised, 0);
	KUNIT_EXPECT_EQ(test, fpool_wset_room(&p->process[0].set), 0);
	first = fpool_frame(p->process[0].frame[3] - 1);
	second = fpool_frame(p->process[0].frame[5] - 1);
	KUNIT_ASSERT_EQ(test, fpool_wset_move(&p->ws, first, heir), 0);
	KUNIT_ASSERT_EQ(test, fpool_wset_move(&p->ws, second, heir), 0);
	check(p);
	KUNIT_EXPECT_EQ(test, heir->charge, 3);
	KUNIT_EXPECT_EQ(test, heir->target, 3);
	KUNIT_EXPECT_EQ(test, p->process[0].set.charge, 8);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_of(&p->ws, first), heir);
	KUNIT_EXPECT_EQ(test, fpool_policy_len(&heir->policy), 3);
	/* Not over the heir's maximum: the rest is common. */
	for (i = 0; i < 10; i++) {
		fpool_frame_t frame = fpool_frame(p->process[0].frame[i] - 1);

		if (fpool_wsets_of(&p->ws, frame) == heir)
			continue;
		if (fpool_wset_move(&p->ws, frame, heir))
			KUNIT_EXPECT_EQ(test, fpool_wset_move(&p->ws, frame, &p->ws.common), 0);
		check(p);
	}
	KUNIT_EXPECT_EQ(test, heir->charge, 9);
	KUNIT_EXPECT_EQ(test, p->ws.common.charge, 2);
	/* Which nobody has a target for: it is what leaves first. */
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, heir), &p->ws.common);
	KUNIT_EXPECT_EQ(test, fpool_wset_del(&p->ws, &p->process[0].set), 0);
	check(p);
}

static void there_are_no_more_sets_than_slots(struct kunit *test)
{
	struct pool *p = pool_new(test, 8, 3, 2);

	KUNIT_EXPECT_EQ(test, start(p, 0), 0);
	KUNIT_EXPECT_EQ(test, start(p, 1), 0);
	KUNIT_EXPECT_EQ(test, start(p, 2), -ENOSPC);
	KUNIT_EXPECT_EQ(test, p->ws.nr, 2);
	end(p, 0, NULL);
	KUNIT_EXPECT_EQ(test, start(p, 2), 0);
	KUNIT_EXPECT_EQ(test, p->process[2].set.id, 1);
	check(p);
	KUNIT_EXPECT_EQ(test, fpool_wsets_init(&p->ws, &fpool_policy_clock, &p->frames, 8, NULL,
					       FPOOL_WSETS_MAX + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_wsets_init(&p->ws, NULL, &p->frames, 8, NULL, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fpool_wsets_init(&p->ws, &fpool_policy_clock, &p->frames, 9, NULL, 0),
			-EINVAL);
}

/* One global set is its policy: the same victims, the same ghosts. */
static void one_global_set_is_its_policy(struct kunit *test)
{
	struct fpool_frames frames;
	struct fpool_frame_info tab[8];
	struct fpool_wsets ws;
	struct fpool_policy *policy = &ws.common.policy;
	struct rnd_state rnd;
	fpool_frame_t frame;
	u32 i, forgotten = 0;
	u64 before, ghost;
	const char *why = "";

	fpool_kunit_seed(test, &rnd);
	fpool_frames_init(&frames, tab, 8);
	KUNIT_ASSERT_EQ(test, 0, fpool_wsets_init(&ws, &fpool_policy_tenure, &frames, 8, NULL, 0));
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_next(&ws, 0), &ws.common);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_next(&ws, 1), (struct fpool_wset *)NULL);
	for (i = 0; i < 2000; i++) {
		frame = fpool_frame(i % 8);
		if (i >= 8) {
			KUNIT_ASSERT_PTR_EQ(test, fpool_wsets_victim(&ws, NULL), &ws.common);
			do
				fpool_policy_candidates(policy, &frame, 1);
			while (!fpool_policy_judge(policy, frame, fpool_kunit_below(&rnd, 3) == 0));
			KUNIT_ASSERT_EQ(test, fpool_frames_mark_evict(&frames, frame), 0);
			before = policy->evictions;
			ghost = fpool_wsets_evicted(&ws, frame);
			forgotten += !ghost;
			KUNIT_ASSERT_TRUE(test, !ghost || ghost == before);
			KUNIT_ASSERT_EQ(test, fpool_wsets_age(&ws, ghost),
					fpool_policy_age(policy, ghost));
			fpool_wset_uncharge(&ws, frame);
			KUNIT_ASSERT_EQ(test, fpool_frames_mark_free(&frames, frame), 0);
		}
		KUNIT_ASSERT_EQ(test, fpool_frames_mark_fill(&frames, frame, 1, fpool_vpn(i)), 0);
		KUNIT_ASSERT_EQ(test, fpool_wset_charge(&ws, &ws.common, frame), 0);
		KUNIT_ASSERT_EQ(test, fpool_frames_mark_resident(&frames, frame), 0);
		fpool_policy_insert(policy, frame, fpool_kunit_below(&rnd, 16));
		KUNIT_ASSERT_EQ_MSG(test, fpool_wsets_check(&ws, &why), 0, "%s", why);
	}
	KUNIT_EXPECT_GT(test, forgotten, 0);
}

/* Each set's policy is replaced, and none loses a page. */
static void a_switch_is_for_all_sets(struct kunit *test)
{
	struct pool *p = pool_of(test, 32, 3);
	u32 i;

	for (i = 0; i < 40; i++)
		touch(p, i % 3, i / 3);
	KUNIT_EXPECT_EQ(test, fpool_wsets_switch(&p->ws, NULL), -EINVAL);
	for (i = 0; fpool_policy_nth(i); i++) {
		KUNIT_EXPECT_EQ(test, fpool_wsets_switch(&p->ws, fpool_policy_nth(i)), 0);
		KUNIT_EXPECT_PTR_EQ(test, p->process[2].set.policy.ops, fpool_policy_nth(i));
		KUNIT_EXPECT_PTR_EQ(test, p->ws.common.policy.ops, fpool_policy_nth(i));
		check(p);
		touch(p, 0, 20 + i);
	}
}

static void expect_breaks(struct pool *p, u32 *field, u32 by)
{
	const char *why = NULL;

	*field += by;
	KUNIT_EXPECT_EQ(p->test, fpool_wsets_check(&p->ws, &why), -EUCLEAN);
	KUNIT_EXPECT_NOT_NULL(p->test, why);
	*field -= by;
	check(p);
}

static void expect_says(struct pool *p, const char *what)
{
	const char *why = NULL;

	KUNIT_EXPECT_EQ(p->test, fpool_wsets_check(&p->ws, &why), -EUCLEAN);
	KUNIT_EXPECT_STREQ(p->test, why, what);
}

/* What check() is for. */
static void check_finds_what_does_not_add_up(struct kunit *test)
{
	struct pool *p = pool_of(test, 16, 2);
	struct fpool_wset *set = &p->process[0].set;
	const char *why;
	u32 i;

	for (i = 0; i < 8; i++)
		touch(p, 0, i);
	expect_breaks(p, &set->charge, 1);
	expect_breaks(p, &set->target, 1);
	expect_breaks(p, &set->min, 1);
	expect_breaks(p, &p->ws.promised, 1);
	expect_breaks(p, &p->ws.kept, 1);
	p->ws.targets++;
	KUNIT_EXPECT_EQ(test, fpool_wsets_check(&p->ws, &why), -EUCLEAN);
	p->ws.targets--;
	expect_breaks(p, &p->ws.nr, 1);
	set->policy.ft = NULL;
	expect_says(p, "a working set has another frame table");
	set->policy.ft = &p->frames;
	check(p);
	/* More than there is, though each sum is right. */
	i = p->ws.capacity - p->ws.targets + 1;
	set->target += i;
	p->ws.targets += i;
	expect_says(p, "the working sets' targets are more than the pool");
	set->target -= i;
	p->ws.targets -= i;
	check(p);
	/* A frame of one with the policy of another; a frame of nobody. */
	expect_breaks(p, &p->frames.tab[0].owner, 1);
	expect_breaks(p, &p->frames.tab[0].owner, 7);
	i = set->max;
	set->max = set->target - 1;
	expect_says(p, "a working set's target is over its maximum");
	set->max = i;
	KUNIT_ASSERT_EQ(test, fpool_wset_limit(&p->ws, set, 2, 20), 0);
	set->max = 1;
	KUNIT_EXPECT_EQ(test, fpool_wsets_check(&p->ws, &why), -EUCLEAN);
}

/* The naive rules, looking at everything. */

struct was {
	u32 target, near;
};

/* The fewest near refaults, and then the largest target, of those above their floors. */
static bool may_give(struct pool *p, u32 giver, u32 taker, const struct was *was)
{
	u32 i;

	for (i = 0; i < p->nr; i++) {
		struct fpool_wset *set = &p->process[i].set;

		if (!p->process[i].alive || i == taker ||
		    was[i].target <= fpool_wset_floor(&p->ws, set))
			continue;
		if (was[i].near < was[giver].near ||
		    (was[i].near == was[giver].near && was[i].target > was[giver].target))
			return false;
	}
	return was[giver].target > fpool_wset_floor(&p->ws, &p->process[giver].set);
}

static void note(struct pool *p, struct was *was)
{
	u32 i;

	for (i = 0; i < p->nr; i++)
		was[i] = (struct was){ p->process[i].set.target, p->process[i].set.near };
}

/* After a fault of @self: at most one target has risen, its own, and at most one fallen. */
static void expect_fair(struct pool *p, u32 self, const struct was *was, u64 targets, bool near)
{
	struct fpool_wset *set = &p->process[self].set;
	bool wants = near || was[self].target < fpool_wset_floor(&p->ws, set);
	u32 i, gave = 0;

	for (i = 0; i < p->nr; i++) {
		if (i == self || !p->process[i].alive || p->process[i].set.target == was[i].target)
			continue;
		gave++;
		KUNIT_ASSERT_EQ(p->test, p->process[i].set.target, was[i].target - 1);
		KUNIT_ASSERT_TRUE(p->test, may_give(p, i, self, was));
	}
	KUNIT_ASSERT_LE(p->test, gave, 1);
	if (targets < p->ws.capacity) {
		KUNIT_ASSERT_EQ(p->test, gave, 0);
		KUNIT_ASSERT_EQ(p->test, set->target,
				was[self].target + (was[self].target < set->max));
	} else {
		KUNIT_ASSERT_EQ(p->test, set->target, was[self].target + gave);
		KUNIT_ASSERT_TRUE(p->test, wants || !gave);
	}
}

static void expect_victim(struct pool *p, u32 self)
{
	struct fpool_wset *got = fpool_wsets_victim(&p->ws, &p->process[self].set);
	s64 most = -S64_MAX;
	u32 i;

	for (i = 0; i < p->nr; i++) {
		struct fpool_wset *set = &p->process[i].set;

		if (p->process[i].alive && set->charge > set->min)
			most = max(most, (s64)set->charge - set->target + (i == self));
	}
	if (most == -S64_MAX)
		KUNIT_ASSERT_PTR_EQ(p->test, got, &p->process[self].set);
	else
		KUNIT_ASSERT_EQ(p->test, (s64)got->charge - got->target +
				(got == &p->process[self].set), most);
}

static void random_limits(struct pool *p, struct rnd_state *rnd, u32 i)
{
	struct fpool_wset *set = &p->process[i].set;
	u32 most = fpool_kunit_below(rnd, 3) ? FPOOL_WSET_NO_MAX :
					       fpool_kunit_below(rnd, p->frames.nframes + 12);
	u32 least = fpool_kunit_below(rnd, p->frames.nframes);
	u64 sum = least;
	u32 k;
	int err = 0;

	for (k = 0; k < p->nr; k++)
		sum += p->process[k].alive && k != i ? p->process[k].set.min : 0;
	if (least > most || most < FPOOL_WSET_LEAST_MAX)
		err = -EINVAL;
	else if (sum > p->frames.nframes - p->frames.nframes / 4)
		err = -ENOSPC;
	KUNIT_ASSERT_EQ(p->test, fpool_wset_limit(&p->ws, set, least, most), err);
	while (set->charge > set->max)
		KUNIT_ASSERT_TRUE(p->test, evict_from(p, set));
}

static void random_fault(struct pool *p, struct rnd_state *rnd, u32 i, struct was *was)
{
	struct process *proc = &p->process[i];
	u32 page = fpool_kunit_below(rnd, fpool_kunit_below(rnd, 2) ? 16 : PAGES);
	u64 targets = p->ws.targets, near = proc->set.near_refaults;

	note(p, was);
	if (!touch(p, i, page))
		return;
	expect_fair(p, i, was, targets, proc->set.near_refaults > near);
	if (fpool_kunit_below(rnd, 4) == 0)
		expect_victim(p, i);
}

/* Processes come, fault, are limited and end. After each step everything adds up. */
static void history(struct kunit *test, struct rnd_state *rnd, u32 frames, u32 nr, u32 steps)
{
	struct pool *p = pool_new(test, frames, nr, nr);
	struct was *was = kunit_kzalloc(test, nr * sizeof(*was), GFP_KERNEL);
	u32 step, i, k;

	KUNIT_ASSERT_NOT_NULL(test, was);
	for (step = 0; step < steps; step++) {
		u32 charge[4];

		i = fpool_kunit_below(rnd, nr);
		for (k = 0; k < min(nr, 4U); k++)
			charge[k] = p->process[k].alive ? p->process[k].set.charge : 0;
		if (!p->process[i].alive)
			KUNIT_ASSERT_EQ(test, start(p, i), 0);
		else if (fpool_kunit_below(rnd, 200) == 0)
			end(p, i, NULL);
		else if (fpool_kunit_below(rnd, 50) == 0)
			random_limits(p, rnd, i);
		else
			random_fault(p, rnd, i, was);
		/* Nobody else's minimum was touched, nor a maximum. */
		for (k = 0; k < min(nr, 4U); k++) {
			struct fpool_wset *set = &p->process[k].set;

			if (!p->process[k].alive)
				continue;
			KUNIT_ASSERT_LE(test, set->charge, set->max);
			if (k != i && set->charge < charge[k])
				KUNIT_ASSERT_GE(test, set->charge, set->min);
		}
		check(p);
	}
}

static void random_histories_of_few(struct kunit *test)
{
	struct rnd_state rnd;

	fpool_kunit_seed(test, &rnd);
	history(test, &rnd, 16, 1, FPOOL_TEST_STEPS(500, 5000));
	history(test, &rnd, 16, 2, FPOOL_TEST_STEPS(500, 5000));
	history(test, &rnd, 48, 3, FPOOL_TEST_STEPS(1000, 20000));
	history(test, &rnd, 64, 7, FPOOL_TEST_STEPS(1000, 20000));
}

/* More sets than frames, and more than are looked at in one search. */
static void a_thousand_sets(struct kunit *test)
{
	struct pool *p = pool_of(test, 512, FPOOL_TEST_STEPS(100, 1000));
	struct rnd_state rnd;
	u32 step, i, near = 0, steps = FPOOL_TEST_STEPS(2000, 40000);

	fpool_kunit_seed(test, &rnd);
	KUNIT_EXPECT_EQ(test, p->ws.nr, p->nr);
	/* One who needs its 32 pages, among a thousand who read something once. */
	for (step = 0; step < steps; step++) {
		touch(p, 0, step % 32);
		i = 1 + fpool_kunit_below(&rnd, p->nr - 1);
		touch(p, i, fpool_kunit_below(&rnd, PAGES));
		if (step % 1000 == 0)
			check(p);
	}
	check(p);
	for (i = 0; i < 32; i++)
		near += touch(p, 0, i);
	KUNIT_EXPECT_LE(test, near, 4);
	for (i = 0; i < p->nr; i++)
		end(p, i, NULL);
	check(p);
	KUNIT_EXPECT_EQ(test, p->frames.count[FPOOL_FRAME_FREE], 512);
	KUNIT_EXPECT_EQ(test, p->ws.nr, 0);
	KUNIT_EXPECT_EQ(test, p->ws.targets, 0);
	KUNIT_EXPECT_EQ(test, p->ws.top, 1);
}

/* A set whose pages cannot leave is asked last, until it has got over it. */
static void barren_sets_are_left_alone(struct kunit *test)
{
	struct pool *p = pool_of(test, 64, 2);
	struct fpool_wset *stuck = &p->process[0].set, *other = &p->process[1].set;
	u32 i;

	for (i = 0; i < 64; i++)
		touch(p, i / 48, i);
	fpool_wset_leave(&p->ws, stuck);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), stuck);
	fpool_wset_judged(stuck, 96, 0);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), stuck);
	fpool_wset_judged(stuck, 1, 0);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), other);
	/* Nobody has anything: they are asked in turn. */
	fpool_wset_judged(other, 33, 0);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), other);
	fpool_wset_judged(other, 1, 0);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), stuck);
	fpool_wset_judged(stuck, 2, 0);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), other);
	fpool_wset_judged(other, 1, 1);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), other);
	/* After some faults of the pool it is tried again. */
	for (i = 0; i < 4; i++)
		fpool_wset_fault(&p->ws, other, 0);
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), stuck);
	check(p);
}

/* A ghost of a set that is forgotten tells nothing of the set that has its id now. */
static void ids_are_given_away_again(struct kunit *test)
{
	struct pool *p = pool_of(test, 16, 2);
	u64 ghost;
	u32 i;

	for (i = 0; i < 24; i++)
		touch(p, 0, i);
	ghost = p->process[0].ghost[0];
	KUNIT_EXPECT_LT(test, fpool_wsets_age(&p->ws, ghost), 16);
	end(p, 0, &p->ws.common);
	KUNIT_EXPECT_EQ(test, fpool_wsets_age(&p->ws, ghost), U64_MAX);
	KUNIT_ASSERT_EQ(test, start(p, 0), 0);
	KUNIT_EXPECT_EQ(test, p->process[0].set.id, ghost >> 40);
	KUNIT_EXPECT_EQ(test, fpool_wsets_age(&p->ws, ghost), U64_MAX);
	fpool_wset_fault(&p->ws, &p->process[0].set, ghost);
	KUNIT_EXPECT_EQ(test, p->process[0].set.near_refaults, 0);
	/* Its own are counted from its own first one on. */
	for (i = 0; i < 24; i++)
		touch(p, 0, i);
	KUNIT_EXPECT_LT(test, fpool_wsets_age(&p->ws, p->process[0].ghost[0]), 24);
	KUNIT_EXPECT_EQ(test, fpool_wsets_age(&p->ws, ghost), U64_MAX);
	check(p);
}

/* What is on its way out is not what a set has for sure. */
static void minimum_counts_what_stays(struct kunit *test)
{
	struct pool *p = pool_of(test, 64, 2);
	struct fpool_wset *set = &p->process[0].set;
	fpool_frame_t frame;
	u32 i;

	for (i = 0; i < 16; i++)
		touch(p, 0, i);
	KUNIT_ASSERT_EQ(test, fpool_wset_limit(&p->ws, set, 10, FPOOL_WSET_NO_MAX), 0);
	KUNIT_EXPECT_EQ(test, fpool_wset_spare(set), 6);
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, NULL), set);
		KUNIT_ASSERT_EQ(test, fpool_policy_candidates(&set->policy, &frame, 1), 1);
		fpool_policy_remove(&set->policy, frame);
	}
	KUNIT_EXPECT_EQ(test, set->charge, 16);
	KUNIT_EXPECT_EQ(test, fpool_wset_spare(set), 0);
	KUNIT_EXPECT_NULL(test, fpool_wsets_victim(&p->ws, NULL));
	KUNIT_EXPECT_PTR_EQ(test, fpool_wsets_victim(&p->ws, &p->process[1].set),
			    &p->process[1].set);
}

static void pin(struct pool *p, u32 i, u32 page)
{
	struct fpool_wset *set = &p->process[i].set;
	fpool_frame_t frame = fpool_frame(p->process[i].frame[page] - 1);

	fpool_policy_remove(&set->policy, frame);
	fpool_frames_info(&p->frames, frame)->list = FPOOL_PIN_LIST;
	fpool_wset_pin(&p->ws, set);
}

/* Pinned pages are charged, count on the minimum, and keep the maximum up. */
static void pins_are_charged(struct kunit *test)
{
	struct pool *p = pool_of(test, 64, 2);
	struct fpool_wset *set = &p->process[0].set, *heir = &p->process[1].set;
	fpool_frame_t frame;
	u32 i;

	for (i = 0; i < 12; i++) {
		touch(p, 0, i);
		pin(p, 0, i);
	}
	check(p);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, set, 0, 19), -EBUSY);
	KUNIT_EXPECT_EQ(test, set->max, FPOOL_WSET_NO_MAX);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, set, 12, 20), 0);
	KUNIT_EXPECT_EQ(test, fpool_wset_spare(set), 0);
	KUNIT_EXPECT_EQ(test, set->peak, 12);
	for (i = 0; i < 5; i++) {
		frame = fpool_frame(p->process[0].frame[i] - 1);
		KUNIT_EXPECT_EQ(test, fpool_wset_move(&p->ws, frame, heir), 0);
	}
	KUNIT_EXPECT_EQ(test, set->pinned, 7);
	KUNIT_EXPECT_EQ(test, heir->pinned, 5);
	KUNIT_EXPECT_EQ(test, set->peak, 12);
	check(p);
}

/* An heir that has room for pages may have none for pins: eight frames beside them. */
static void an_heir_can_run_beside_its_pins(struct kunit *test)
{
	struct pool *p = pool_of(test, 64, 2);
	struct fpool_wset *set = &p->process[0].set, *heir = &p->process[1].set;
	u32 i, moved = 0;

	for (i = 0; i < 8; i++) {
		touch(p, 0, i);
		pin(p, 0, i);
	}
	KUNIT_ASSERT_EQ(test, fpool_wset_limit(&p->ws, heir, 0, 11), 0);
	fpool_wset_leave(&p->ws, set);
	for (i = 0; i < 8; i++) {
		fpool_frame_t frame = fpool_frame(p->process[0].frame[i] - 1);
		int err = fpool_wset_move(&p->ws, frame, heir);

		moved += !err;
		if (err)
			KUNIT_EXPECT_EQ(test, fpool_wset_move(&p->ws, frame, &p->ws.common), 0);
	}
	KUNIT_EXPECT_EQ(test, moved, 3);
	KUNIT_EXPECT_EQ(test, heir->pinned, 3);
	KUNIT_EXPECT_EQ(test, p->ws.common.pinned, 5);
	KUNIT_EXPECT_EQ(test, set->charge, 0);
	/* And its maximum can be set again as it is. */
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, heir, 0, 11), 0);
}

/* What is pinned cannot be promised to others, and what is promised cannot be pinned by them. */
static void pins_and_minima_share_the_pool(struct kunit *test)
{
	struct pool *p = pool_of(test, 64, 3);
	struct fpool_wset *one = &p->process[0].set, *two = &p->process[1].set;
	u32 i;

	for (i = 0; i < 20; i++) {
		touch(p, 0, i);
		pin(p, 0, i);
	}
	/* Three quarters are 48 frames. */
	expect_limits(test, p, 1, -ENOSPC, 29, 64);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, two, 27, 64), 0);
	check(p);
	/* Pins are part of one's own minimum, not beside it. */
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, one, 21, 64), 0);
	expect_limits(test, p, 0, -ENOSPC, 22, 64);
	for (; i < 21; i++) {
		touch(p, 0, i);
		KUNIT_EXPECT_TRUE(test, fpool_wset_may_pin(&p->ws, one));
		pin(p, 0, i);
	}
	KUNIT_EXPECT_FALSE(test, fpool_wset_may_pin(&p->ws, one));
	KUNIT_EXPECT_FALSE(test, fpool_wset_may_pin(&p->ws, &p->process[2].set));
	KUNIT_EXPECT_TRUE(test, fpool_wset_may_pin(&p->ws, two));
	check(p);
	/* Where nothing is promised pins break no promise; a lower minimum is always possible. */
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, one, 0, 64), 0);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, two, 0, 64), 0);
	for (; i < 50; i++) {
		touch(p, 0, i);
		KUNIT_EXPECT_TRUE(test, fpool_wset_may_pin(&p->ws, one));
		pin(p, 0, i);
	}
	expect_limits(test, p, 1, -ENOSPC, 1, 64);
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, two, 0, 32), 0);
	for (i = 0; i < 10; i++) {
		fpool_frame_t frame = fpool_frame(p->process[0].frame[i] - 1);

		fpool_wset_unpin(&p->ws, one);
		fpool_frames_info(&p->frames, frame)->list = FPOOL_NO_LIST;
		fpool_policy_insert(&one->policy, frame, U64_MAX);
	}
	KUNIT_EXPECT_EQ(test, fpool_wset_limit(&p->ws, two, 8, 32), 0);
	expect_limits(test, p, 1, -ENOSPC, 9, 32);
	check(p);
}

/* The way of the pool is that of most of its frames, not of most of its sets. */
static void the_way_of_most_frames(struct kunit *test)
{
	struct pool *p = pool_of(test, 64, 3);
	struct fpool_wset *set;
	u32 i;

	KUNIT_EXPECT_FALSE(test, fpool_wsets_rival(&p->ws));
	for (i = 0; i < 3; i++) {
		set = &p->process[i].set;
		set->charge = 10 + 15 * i;
		set->policy.duel.won = i < 2;
	}
	/* 10 and 25 against 40. */
	KUNIT_EXPECT_FALSE(test, fpool_wsets_rival(&p->ws));
	p->ws.common.policy.duel.won = true;
	p->ws.common.charge = 5;
	KUNIT_EXPECT_FALSE(test, fpool_wsets_rival(&p->ws));
	p->ws.common.charge++;
	KUNIT_EXPECT_TRUE(test, fpool_wsets_rival(&p->ws));
}

static struct kunit_case wset_cases[] = {
	KUNIT_CASE(barren_sets_are_left_alone),
	KUNIT_CASE(ids_are_given_away_again),
	KUNIT_CASE(minimum_counts_what_stays),
	KUNIT_CASE(pins_are_charged),
	KUNIT_CASE(an_heir_can_run_beside_its_pins),
	KUNIT_CASE(pins_and_minima_share_the_pool),
	KUNIT_CASE(who_faults_much_is_given_a_larger_set),
	KUNIT_CASE(a_scan_takes_nothing),
	KUNIT_CASE(free_frames_are_for_everybody),
	KUNIT_CASE(the_past_is_forgotten_by_and_by),
	KUNIT_CASE(the_minimum_is_not_taken_by_others),
	KUNIT_CASE(the_maximum_is_never_exceeded),
	KUNIT_CASE(bad_limits_change_nothing),
	KUNIT_CASE(ghosts_count_the_evictions_of_their_set),
	KUNIT_CASE(ages_survive_the_wrap_of_the_ghosts_number),
	KUNIT_CASE(the_sets_remember_what_the_policy_forgets),
	KUNIT_CASE(what_a_process_leaves_is_its_heirs),
	KUNIT_CASE(there_are_no_more_sets_than_slots),
	KUNIT_CASE(one_global_set_is_its_policy),
	KUNIT_CASE(a_switch_is_for_all_sets),
	KUNIT_CASE(check_finds_what_does_not_add_up),
	KUNIT_CASE(random_histories_of_few),
	KUNIT_CASE(a_thousand_sets),
	KUNIT_CASE(the_way_of_most_frames),
	{}
};

static struct kunit_suite wset_suite = {
	.name = "fpool_wset",
	.test_cases = wset_cases,
};

kunit_test_suite(wset_suite);
