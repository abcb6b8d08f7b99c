// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checker: a pool with frames in every state is found good, and then each of its invariants is
 * broken by hand, one at a time, and the checker has to say so, in these words.  A check that
 * cannot fail is a defect.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "rig.h"

#define NFRAMES	24

/* The pool to break: a frame in every state, pages in two spaces, and both kinds of cache. */
struct scene {
	struct rig *rig;
	fpool_frame_t pinned, kernel, fill, evict, retired, cached, idle;
	fpool_frame_t a, b, c;		/* resident: pages 0, 513 of space 1, last of 2 */
	fpool_frame_t leaf, top;	/* the tree of space 1 */
};

static struct fpool_frame_info *info(struct scene *s, fpool_frame_t frame)
{
	return fpool_frames_info(&s->rig->frames, frame);
}

static u64 *node(struct scene *s, fpool_frame_t frame)
{
	return rig_memory(s->rig, frame);
}

static void set_nodes(struct kunit *test, struct scene *s)
{
	struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS];

	KUNIT_ASSERT_EQ(test, fpool_ptable_walk(&s->rig->space[0], fpool_vpn(0), step), 2);
	s->top = step[0].node;
	s->leaf = step[1].node;
}

/* As a program's pin does: off the policy's list, and both sides say so. */
static void pin(struct scene *s, fpool_frame_t frame)
{
	fpool_policy_remove(s->rig->policy, frame);
	info(s, frame)->list = FPOOL_PIN_LIST;
	fpool_wset_pin(&s->rig->wsets, &s->rig->wsets.common);
	fpool_ptable_update(&s->rig->space[0], fpool_vpn(info(s, frame)->vpn), 0, FPOOL_SPTE_PIN);
}

static void set_scene(struct kunit *test, struct scene *s)
{
	struct rig *rig = rig_new(test, NFRAMES);
	const fpool_vpn_t ghost = fpool_vpn(1024), error = fpool_vpn(3);

	s->rig = rig;
	s->kernel = rig_take(rig);
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_kernel(&rig->frames, s->kernel), 0);
	s->a = rig_page_in(rig, 1, 0);
	s->b = rig_page_in(rig, 1, 513);
	s->c = rig_page_in(rig, 2, FPOOL_VPN_MAX);
	s->pinned = rig_page_in(rig, 1, 5);
	pin(s, s->pinned);
	rig->view.pinned = 1;
	s->fill = rig_begin_fill(rig, 1, 2);
	s->evict = rig_page_in(rig, 1, 4);
	rig_begin_evict(rig, s->evict);
	s->retired = rig_take(rig);
	KUNIT_ASSERT_EQ(test, fpool_frames_mark_retired(&rig->frames, s->retired), 0);
	s->cached = rig_take(rig);
	s->idle = rig_node_alloc(rig, 1);
	rig->view.cached = 1;
	rig->view.idle_nodes = 1;
	KUNIT_ASSERT_EQ(test, fpool_ptable_set(&rig->space[0], ghost, fpool_spte_ghost(1)), 0);
	KUNIT_ASSERT_EQ(test, fpool_ptable_set(&rig->space[0], error, fpool_spte_error(-EIO)), 0);
	set_nodes(test, s);
}

struct breakage {
	void (*harm)(struct scene *s);
	const char *why;
};

/* Each harm to a pool of its own; the checker must say just this. */
static void expect_all_found(struct kunit *test, const struct breakage *list)
{
	struct fpool_check_report r = { .why = NULL };
	struct scene s;

	for (; list->harm; list++) {
		set_scene(test, &s);
		rig_check(s.rig);
		list->harm(&s);
		KUNIT_EXPECT_EQ_MSG(test, fpool_check(&s.rig->view, &r), -EUCLEAN,
				    "not found: %s", list->why);
		KUNIT_EXPECT_STREQ(test, r.why, list->why);
	}
}

/* A good pool is found good: empty, with everything in it, without an allocator. */
static void good_pool(struct kunit *test)
{
	struct scene s;
	u32 i;

	rig_check(rig_new(test, 1));
	set_scene(test, &s);
	rig_check(s.rig);
	for (i = FPOOL_FRAME_FREE; i < FPOOL_FRAME_NR_STATES; i++)
		KUNIT_EXPECT_GT(test, s.rig->frames.count[i], 0);
	s.rig->view.buddy = NULL;
	rig_check(s.rig);
}

/* The report says which frame of which page it is. */
static void report_says_where(struct kunit *test)
{
	struct fpool_check_report r = { .why = NULL };
	struct scene s;

	set_scene(test, &s);
	info(&s, s.b)->list = FPOOL_NO_LIST;
	KUNIT_EXPECT_EQ(test, fpool_check(&s.rig->view, &r), -EUCLEAN);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(r.frame), fpool_frame_nr(s.b));
	KUNIT_EXPECT_EQ(test, r.space, 1);
	KUNIT_EXPECT_EQ(test, fpool_vpn_nr(r.vpn), 513);

	set_scene(test, &s);
	fpool_ptable_set(&s.rig->space[1], fpool_vpn(FPOOL_VPN_MAX), fpool_spte(0));
	KUNIT_EXPECT_EQ(test, fpool_check(&s.rig->view, &r), -EUCLEAN);
	KUNIT_EXPECT_EQ(test, fpool_frame_nr(r.frame), fpool_frame_nr(s.c));
	KUNIT_EXPECT_EQ(test, r.space, 2);
	KUNIT_EXPECT_EQ(test, fpool_vpn_nr(r.vpn), FPOOL_VPN_MAX);
}

/* Frames by themselves. */

static void no_such_state(struct scene *s)
{
	info(s, s->kernel)->state = FPOOL_FRAME_NR_STATES;
}

static void resident_on_no_list(struct scene *s)
{
	fpool_policy_remove(s->rig->policy, s->a);
}

static void leaving_on_a_list(struct scene *s)
{
	info(s, s->evict)->list = 0;
}

static void filling_on_a_list(struct scene *s)
{
	info(s, s->fill)->list = FPOOL_PTABLE_LIST;
}

static void node_on_a_policy_list(struct scene *s)
{
	info(s, s->leaf)->list = 1;
}

static void page_of_no_space(struct scene *s)
{
	info(s, s->fill)->space = FPOOL_NO_SPACE;
}

static void node_of_no_space(struct scene *s)
{
	info(s, s->idle)->space = FPOOL_NO_SPACE;
}

static void free_of_a_space(struct scene *s)
{
	info(s, s->cached)->space = 1;
}

static void free_charged(struct scene *s)
{
	info(s, s->cached)->owner = 1;
}

static void free_with_policy_word(struct scene *s)
{
	info(s, s->cached)->policy = 1;
}

static void free_with_epoch(struct scene *s)
{
	info(s, s->cached)->aux = 1;
}

static void kernel_with_page(struct scene *s)
{
	info(s, s->kernel)->vpn = 1;
}

static void retired_of_a_space(struct scene *s)
{
	info(s, s->retired)->space = 2;
}

static void miscounted(struct scene *s)
{
	s->rig->frames.count[FPOOL_FRAME_FREE]--;
	s->rig->frames.count[FPOOL_FRAME_KERNEL]++;
}

static void frames_are_found(struct kunit *test)
{
	static const struct breakage list[] = {
		{ no_such_state, "a frame is in a state that does not exist" },
		{ resident_on_no_list, "a resident frame is on no list of the policy" },
		{ leaving_on_a_list, "a frame that is not resident is on a list" },
		{ filling_on_a_list, "a frame that is not resident is on a list" },
		{ node_on_a_policy_list, "a frame that is not resident is on a list" },
		{ page_of_no_space, "a frame in use belongs to no space" },
		{ node_of_no_space, "a frame in use belongs to no space" },
		{ free_of_a_space, "a frame that is nobody's still says whose it was" },
		{ free_charged, "a frame that is nobody's still says whose it was" },
		{ free_with_policy_word, "a frame that is nobody's still says whose it was" },
		{ free_with_epoch, "a frame that is nobody's still says whose it was" },
		{ kernel_with_page, "a frame that is nobody's still says whose it was" },
		{ retired_of_a_space, "a frame that is nobody's still says whose it was" },
		{ miscounted, "the frame table counts other states than it has" },
		{}
	};

	expect_all_found(test, list);
}

/* The policy's lists. */

static void listed_and_says_no(struct scene *s)
{
	info(s, s->a)->list = FPOOL_NO_LIST;
}

static void listed_and_leaving(struct scene *s)
{
	fpool_frames_mark_evict(&s->rig->frames, s->a);
}

static void pinned_and_not_counted(struct scene *s)
{
	pin(s, s->a);
}

static void says_list_and_is_not(struct scene *s)
{
	fpool_frame_list_del(&s->rig->frames, &s->rig->policy->list[0], s->a);
}

static void list_length(struct scene *s)
{
	s->rig->policy->list[0].len++;
}

static void list_tail(struct scene *s)
{
	s->rig->policy->list[0].tail = s->rig->policy->list[0].head;
}

static void list_links(struct scene *s)
{
	info(s, s->b)->prev = fpool_frame_nr(s->b);
}

static void list_leaves_the_region(struct scene *s)
{
	info(s, s->c)->next = NFRAMES;
}

static void list_of_another_policy(struct scene *s)
{
	fpool_policy_remove(s->rig->policy, s->a);
	fpool_policy_enqueue(s->rig->policy, 3, s->a);
}

static void policy_of_another_table(struct scene *s)
{
	static struct fpool_frames other;

	s->rig->policy->ft = &other;
}

static void lists_are_found(struct kunit *test)
{
	static const struct breakage list[] = {
		{ listed_and_says_no, "a frame is on a list and says that it is on another" },
		{ listed_and_leaving,
		  "a frame is on a list and in a state that does not belong there" },
		{ pinned_and_not_counted, "other frames are pinned than are counted" },
		{ says_list_and_is_not, "other frames say they are on a list than are on it" },
		{ list_length, "a list has another length than it says" },
		{ list_tail, "a list does not end at its tail" },
		{ list_links, "a frame on a list does not lead back to the one before it" },
		{ list_leaves_the_region,
		  "a list goes on with a frame that is not in the region" },
		{ list_of_another_policy, "CLOCK has frames on a list that it does not use" },
		{ policy_of_another_table, "the policy uses another frame table" },
		{}
	};

	expect_all_found(test, list);
}

/* Whose the pages are. */

static void charged_to_nobody(struct scene *s)
{
	info(s, s->fill)->owner = 7;
}

static void charge_too_high(struct scene *s)
{
	s->rig->wsets.common.charge++;
}

static void charge_too_low(struct scene *s)
{
	fpool_wset_uncharge(&s->rig->wsets, s->pinned);
}

static void pins_miscounted(struct scene *s)
{
	s->rig->wsets.common.pinned = 0;
}

static void promised_and_not_given(struct scene *s)
{
	s->rig->wsets.promised++;
}

static void charges_are_found(struct kunit *test)
{
	static const struct breakage list[] = {
		{ charged_to_nobody, "a page is charged to a working set that there is not" },
		{ charge_too_high, "a working set's charge is not its number of frames" },
		{ charge_too_low, "a working set's charge is not its number of frames" },
		{ pins_miscounted, "a working set counts other pins than it has" },
		{ promised_and_not_given, "the sums over the working sets are wrong" },
		{}
	};

	expect_all_found(test, list);
}

/* The allocator. */

static void resident_free_in_buddy(struct scene *s)
{
	fpool_buddy_free(&s->rig->buddy, s->a, 0);
}

static void node_free_in_buddy(struct scene *s)
{
	fpool_buddy_free(&s->rig->buddy, s->leaf, 0);
}

static void retired_free_in_buddy(struct scene *s)
{
	fpool_buddy_free(&s->rig->buddy, s->retired, 0);
}

static void lost_frame(struct scene *s)
{
	rig_take(s->rig);
}

static void cached_and_free(struct scene *s)
{
	fpool_buddy_free(&s->rig->buddy, s->cached, 0);
}

static void buddies_are_found(struct kunit *test)
{
	static const struct breakage list[] = {
		{ resident_free_in_buddy, "a frame in use is free in the allocator" },
		{ node_free_in_buddy, "a frame in use is free in the allocator" },
		{ retired_free_in_buddy, "a frame in use is free in the allocator" },
		{ lost_frame, "frames are lost: allocated, free in the table, not cached" },
		{ cached_and_free, "frames are cached that the allocator still has" },
		{}
	};

	expect_all_found(test, list);
}

/* What the allocator's own check says is passed on, whatever its words are; sizes have to agree. */
static void sick_buddy_is_found(struct kunit *test)
{
	struct fpool_check_report r = { .why = NULL };
	struct scene s;
	struct rig *big;

	set_scene(test, &s);
	s.rig->buddy.nfree++;
	KUNIT_EXPECT_EQ(test, fpool_check(&s.rig->view, &r), -EUCLEAN);
	KUNIT_EXPECT_NOT_NULL(test, r.why);
	big = rig_new(test, NFRAMES + 1);
	s.rig->view.buddy = &big->buddy;
	KUNIT_EXPECT_EQ(test, fpool_check(&s.rig->view, &r), -EUCLEAN);
	KUNIT_EXPECT_STREQ(test, r.why, "allocator and frame table are of different sizes");
}

/* Frames and the entries of their pages. */

static void put_entry(struct scene *s, u32 space, u64 vpn, u64 entry)
{
	fpool_ptable_set(&s->rig->space[space - 1], fpool_vpn(vpn), fpool_spte(entry));
}

static void put_frame_entry(struct scene *s, u32 space, u64 vpn, fpool_frame_t frame, u64 flags)
{
	put_entry(s, space, vpn, fpool_spte_raw(fpool_spte_make(frame, flags)));
}

static void entry_is_empty(struct scene *s)
{
	put_entry(s, 1, 0, 0);
}

static void filling_entry_is_an_error(struct scene *s)
{
	put_entry(s, 1, 2, fpool_spte_raw(fpool_spte_error(-EIO)));
}

static void leaving_entry_is_a_ghost(struct scene *s)
{
	put_entry(s, 1, 4, fpool_spte_raw(fpool_spte_ghost(1)));
}

static void space_is_missing(struct scene *s)
{
	s->rig->view.nspaces = 1;
}

static void space_is_there_twice(struct scene *s)
{
	s->rig->spaces[1] = s->rig->spaces[0];
	info(s, s->c)->space = 1;
}

static void entry_to_free_frame(struct scene *s)
{
	put_frame_entry(s, 1, 9, s->cached, FPOOL_SPTE_P);
}

static void fill_to_node(struct scene *s)
{
	put_frame_entry(s, 1, 9, s->top, FPOOL_SPTE_BUSY);
}

static void two_pages_in_one_frame(struct scene *s)
{
	put_frame_entry(s, 1, 9, s->a, FPOOL_SPTE_P);
}

static void page_of_another_space(struct scene *s)
{
	info(s, s->c)->space = 1;
}

static void another_page(struct scene *s)
{
	info(s, s->b)->vpn = 512;
}

static void filling_and_present(struct scene *s)
{
	put_frame_entry(s, 1, 2, s->fill, FPOOL_SPTE_P | FPOOL_SPTE_BUSY);
}

static void pinned_by_the_entry_alone(struct scene *s)
{
	fpool_ptable_update(&s->rig->space[0], fpool_vpn(0), 0, FPOOL_SPTE_PIN);
}

static void pinned_by_the_frame_alone(struct scene *s)
{
	fpool_ptable_update(&s->rig->space[0], fpool_vpn(5), FPOOL_SPTE_PIN, 0);
}

static void resident_and_busy(struct scene *s)
{
	fpool_ptable_update(&s->rig->space[0], fpool_vpn(0), 0, FPOOL_SPTE_BUSY);
}

static void resident_and_absent(struct scene *s)
{
	put_frame_entry(s, 1, 0, s->a, FPOOL_SPTE_BUSY);
}

static void leaving_and_not_busy(struct scene *s)
{
	fpool_ptable_update(&s->rig->space[0], fpool_vpn(4), FPOOL_SPTE_BUSY, 0);
}

static void leaving_and_absent(struct scene *s)
{
	put_frame_entry(s, 1, 4, s->evict, FPOOL_SPTE_BUSY);
}

static void entries_are_found(struct kunit *test)
{
	static const struct breakage list[] = {
		{ entry_is_empty, "a frame's page has no entry for it" },
		{ filling_entry_is_an_error, "a frame's page has no entry for it" },
		{ leaving_entry_is_a_ghost, "a frame's page has no entry for it" },
		{ space_is_missing, "a frame's page has no entry for it" },
		{ space_is_there_twice, "a frame's page has no entry for it" },
		{ entry_to_free_frame, "an entry leads to a frame that holds no page" },
		{ fill_to_node, "an entry leads to a frame that holds no page" },
		{ two_pages_in_one_frame, "an entry leads to a frame that holds another page" },
		{ page_of_another_space, "an entry leads to a frame that holds another page" },
		{ another_page, "an entry leads to a frame that holds another page" },
		{ filling_and_present, "a page is present in a frame that is being filled" },
		{ pinned_by_the_entry_alone,
		  "a page's entry and its frame do not agree on who pinned it" },
		{ pinned_by_the_frame_alone,
		  "a page's entry and its frame do not agree on who pinned it" },
		{ resident_and_busy, "a resident page's entry is not P without BUSY" },
		{ resident_and_absent, "a resident page's entry is not P without BUSY" },
		{ leaving_and_not_busy, "a leaving page's entry is not P with BUSY" },
		{ leaving_and_absent, "a leaving page's entry is not P with BUSY" },
		{}
	};

	expect_all_found(test, list);
}

/* One table listed under two places leads twice to each frame: the numbers tell. */
static void same_space_twice_is_found(struct kunit *test)
{
	struct fpool_check_report r = { .why = NULL };
	struct rig *rig = rig_new(test, 4);

	rig_page_in(rig, 1, 0);
	rig_check(rig);
	rig->spaces[1] = rig->spaces[0];
	KUNIT_EXPECT_EQ(test, fpool_check(&rig->view, &r), -EUCLEAN);
	KUNIT_EXPECT_STREQ(test, r.why, "two spaces have the same id");
}

/* The trees and their nodes. */

static void table_of_other_frames(struct scene *s)
{
	static struct fpool_frames other;

	s->rig->space[0].ft = &other;
}

static void node_leaked(struct scene *s)
{
	rig_node_alloc(s->rig, 1);
}

static void node_too_many(struct scene *s)
{
	s->rig->view.idle_nodes = 2;
}

static void fewer_nodes(struct scene *s)
{
	s->rig->space[0].nnodes++;
}

static void more_nodes(struct scene *s)
{
	s->rig->space[0].nnodes--;
}

static void root_without_levels(struct scene *s)
{
	s->rig->space[0].root &= ~0xeULL;
}

static void root_too_high(struct scene *s)
{
	s->rig->space[0].root |= 0xe;
}

static void root_without_p(struct scene *s)
{
	s->rig->space[0].root &= ~FPOOL_SPTE_P;
}

static void child_outside(struct scene *s)
{
	node(s, s->top)[0] = (u64)NFRAMES << FPOOL_PAGE_SHIFT | FPOOL_SPTE_P;
}

static void child_is_a_page(struct scene *s)
{
	node(s, s->top)[0] = fpool_spte_raw(fpool_spte_make(s->a, FPOOL_SPTE_P));
}

static void child_of_another_space(struct scene *s)
{
	info(s, s->leaf)->space = 2;
}

static void child_of_another_parent(struct scene *s)
{
	info(s, s->leaf)->node.parent = fpool_frame_nr(s->idle);
}

static void child_at_another_slot(struct scene *s)
{
	info(s, s->leaf)->aux = 1;
}

static void child_at_another_level(struct scene *s)
{
	info(s, s->leaf)->aux += 1 << FPOOL_PTABLE_BITS;
}

static void link_with_flags(struct scene *s)
{
	node(s, s->top)[0] |= FPOOL_SPTE_D;
}

static void inner_used(struct scene *s)
{
	info(s, s->top)->node.used++;
}

static void inner_ghosts(struct scene *s)
{
	info(s, s->top)->node.ghosts++;
}

static void inner_listed(struct scene *s)
{
	info(s, s->top)->list = FPOOL_PTABLE_LIST;
}

static void inner_is_empty(struct scene *s)
{
	memset(node(s, s->top), 0, FPOOL_PAGE_BYTES);
}

static void leaf_used(struct scene *s)
{
	info(s, s->leaf)->node.used--;
}

static void leaf_ghosts(struct scene *s)
{
	info(s, s->leaf)->node.ghosts++;
}

static void leaf_listed(struct scene *s)
{
	info(s, s->leaf)->list = FPOOL_PTABLE_LIST;
}

static void ghost_list_length(struct scene *s)
{
	s->rig->space[0].ghost_nodes.len++;
}

static void ghost_list_lost(struct scene *s)
{
	fpool_frame_list_init(&s->rig->space[0].ghost_nodes);
}

static void entry_of_no_kind(struct scene *s)
{
	node(s, s->leaf)[0] = FPOOL_SPTE_A;
}

static void entry_changed_kind(struct scene *s)
{
	node(s, s->leaf)[2] |= FPOOL_SPTE_P;
}

static void count_present(struct scene *s)
{
	s->rig->space[0].npresent++;
}

static void count_ghosts(struct scene *s)
{
	s->rig->space[0].nghosts++;
}

static void count_fills(struct scene *s)
{
	s->rig->space[0].nfills--;
}

static void trees_are_found(struct kunit *test)
{
	static const char counters[] =
		"a table has other numbers of pages, ghosts or fills than it says";
	static const struct breakage list[] = {
		{ table_of_other_frames, "a space uses another frame table" },
		{ node_leaked, "frames are nodes of no space, or of two" },
		{ node_too_many, "frames are nodes of no space, or of two" },
		{ fewer_nodes, "fewer nodes can be reached than are counted" },
		{ more_nodes, "more nodes can be reached than are counted" },
		{ root_without_levels, "the root is malformed" },
		{ root_too_high, "the root is malformed" },
		{ root_without_p, "the root is malformed" },
		{ child_outside, "an entry leads to a node that is not in the region" },
		{ child_is_a_page, "a node's frame is not marked as one" },
		{ child_of_another_space, "a node's frame belongs to another space" },
		{ child_of_another_parent, "a node's frame says that it has another parent" },
		{ child_at_another_slot,
		  "a node's frame says that it is at another slot or level" },
		{ child_at_another_level,
		  "a node's frame says that it is at another slot or level" },
		{ link_with_flags, "the entry of an inner node is malformed" },
		{ inner_used, "an inner node has another number of entries than its frame says" },
		{ inner_ghosts, "an inner node has ghosts or is on a list" },
		{ inner_listed, "an inner node has ghosts or is on a list" },
		{ inner_is_empty, "an inner node is empty" },
		{ leaf_used, "a leaf has another number of entries than its frame says" },
		{ leaf_ghosts, "a leaf has another number of ghosts than its frame says" },
		{ leaf_listed, "the list of leaves with nothing but ghosts has the wrong leaves" },
		{ ghost_list_length, "a list has another length than it says" },
		{ ghost_list_lost,
		  "the list of leaves with nothing but ghosts has another length" },
		{ entry_of_no_kind, "a shadow PTE is malformed" },
		{ entry_changed_kind, counters },
		{ count_present, counters },
		{ count_ghosts, counters },
		{ count_fills, counters },
		{}
	};

	expect_all_found(test, list);
}

/* Entries beyond 52 bits have slots in the top node of six levels, and must not be there. */
static void beyond_52_bits_is_found(struct kunit *test)
{
	struct rig *rig = rig_new(test, 8);
	struct fpool_ptable *pt = &rig->space[0];
	struct fpool_check_report r = { .why = NULL };
	fpool_frame_t top;

	KUNIT_ASSERT_EQ(test, fpool_ptable_set(pt, fpool_vpn(FPOOL_VPN_MAX),
					       fpool_spte_ghost(1)), 0);
	rig_check(rig);
	top = fpool_frame(pt->root >> FPOOL_PAGE_SHIFT);
	swap(((u64 *)rig_memory(rig, top))[127], ((u64 *)rig_memory(rig, top))[128]);
	KUNIT_EXPECT_EQ(test, fpool_check(&rig->view, &r), -EUCLEAN);
	KUNIT_EXPECT_STREQ(test, r.why, "a node has an entry beyond 52 bits");
}

static struct kunit_case check_cases[] = {
	KUNIT_CASE(good_pool),
	KUNIT_CASE(report_says_where),
	KUNIT_CASE(frames_are_found),
	KUNIT_CASE(lists_are_found),
	KUNIT_CASE(charges_are_found),
	KUNIT_CASE(buddies_are_found),
	KUNIT_CASE(sick_buddy_is_found),
	KUNIT_CASE(entries_are_found),
	KUNIT_CASE(same_space_twice_is_found),
	KUNIT_CASE(trees_are_found),
	KUNIT_CASE(beyond_52_bits_is_found),
	{}
};

static struct kunit_suite check_suite = {
	.name = "fpool_check",
	.test_cases = check_cases,
};

kunit_test_suite(check_suite);
