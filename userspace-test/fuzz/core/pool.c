// SPDX-License-Identifier: GPL-2.0-only
/*
 * All of the core together, as the pager uses it: pages of two spaces are filled into frames, leave
 * by the policy's choice, come back, fail, are cut off; nodes wait for a grace period.
 *
 * fpool_check() has to be content after the steps, after each one while there are few nodes.  It
 * knows only what the structures say of each other; so the model has a list of the pages that
 * there must be, and each frame's memory holds the name of its page, as nobody else may write
 * there.
 */
#include "fuzz.h"

#include "check.h"

#define MAX_FRAMES	48U
#define SMALL		12U
#define SPACES		2U
#define WORDS		(FPOOL_PAGE_BYTES / 8)

enum stage { FILLING, RESIDENT, LEAVING };

struct page {
	u32 space;		/* 0 and 1; their ids are one more */
	u64 vpn;
	fpool_frame_t frame;
	enum stage stage;
	bool known;		/* to the policy */
};

static struct fpool_buddy buddy;
static struct fpool_frames frames;
static struct fpool_frame_info infos[MAX_FRAMES];
static struct fpool_wsets wsets;		/* one, the common one */
static struct fpool_policy *const policy = &wsets.common.policy;
static struct fpool_ptable spaces[SPACES];
static const struct fpool_ptable *space_list[SPACES] = { &spaces[0], &spaces[1] };
static u64 memory[MAX_FRAMES * WORDS];
static u64 buddy_memory[512];
static struct fpool_check_view view = {
	.buddy = &buddy, .frames = &frames, .wsets = &wsets, .spaces = space_list,
	.nspaces = SPACES,
};

static u32 n;

/* The model. */
static struct page pages[MAX_FRAMES];
static u32 npages;
static fpool_frame_t limbo[MAX_FRAMES], cache[MAX_FRAMES];
static u32 nretired;

static void give(fpool_frame_t frame)
{
	if (fpool_frames_info(&frames, frame)->state != FPOOL_FRAME_NODE)
		fpool_wset_uncharge(&wsets, frame);
	must(!fpool_frames_mark_free(&frames, frame), "frame %u", fpool_frame_nr(frame));
	must(!fpool_buddy_free(&buddy, frame, 0), "frame %u", fpool_frame_nr(frame));
}

static fpool_frame_t take_frame(void)
{
	fpool_frame_t frame;

	return fpool_buddy_alloc(&buddy, 0, &frame) ? FPOOL_NO_FRAME : frame;
}

static fpool_frame_t node_alloc(void *ctx, u32 space)
{
	fpool_frame_t node = take_frame();

	if (node != FPOOL_NO_FRAME)
		must(!fpool_frames_mark_node(&frames, node, space), "not free");
	return node;
}

/* Its contents stay as they are until op_grace(). */
static void node_free(void *ctx, fpool_frame_t node)
{
	limbo[view.idle_nodes++] = node;
}

static const struct fpool_ptable_ops node_ops = { node_alloc, node_free };

static u64 *words(fpool_frame_t frame)
{
	return &memory[fpool_frame_nr(frame) * WORDS];
}

static void stamp(const struct page *page)
{
	words(page->frame)[0] = page->vpn << 2 | page->space;
	words(page->frame)[WORDS - 1] = ~page->vpn;
}

static void check_stamp(const struct page *page)
{
	must(words(page->frame)[0] == (page->vpn << 2 | page->space), "page %#llx", page->vpn);
	must(words(page->frame)[WORDS - 1] == ~page->vpn, "page %#llx", page->vpn);
}

static struct page *find(u32 space, u64 vpn)
{
	u32 i;

	for (i = 0; i < npages; i++)
		if (pages[i].space == space && pages[i].vpn == vpn)
			return &pages[i];
	return NULL;
}

/* The first page, from some place in the list on, that has come so far. */
static struct page *any(enum stage so_far, u32 from)
{
	u32 i;

	for (i = 0; i < npages; i++)
		if (pages[(from + i) % npages].stage == so_far)
			return &pages[(from + i) % npages];
	return NULL;
}

static void set(const struct page *page, u64 flags)
{
	must(!fpool_ptable_set(&spaces[page->space], fpool_vpn(page->vpn),
			       fpool_spte_make(page->frame, flags)), "%#llx", page->vpn);
}

static void forget(struct page *page, fpool_spte_t left)
{
	struct fpool_ptable *pt = &spaces[page->space];
	fpool_vpn_t vpn = fpool_vpn(page->vpn);

	if (fpool_spte_is_evicted(left))
		must(!fpool_ptable_bury(pt, vpn, fpool_spte_seq(left)), "%#llx", page->vpn);
	else
		must(!fpool_ptable_set(pt, vpn, left), "%#llx", page->vpn);
	give(page->frame);
	*page = pages[--npages];
}

/* ---- the operations ---- */

static void op_fill(u32 space, u64 vpn)
{
	fpool_frame_t frame;

	if (find(space, vpn))
		return;
	/* As the pager does: the frame first, then the way to the entry, or nothing. */
	frame = take_frame();
	if (frame == FPOOL_NO_FRAME)
		return;
	if (fpool_ptable_prepare(&spaces[space], fpool_vpn(vpn))) {
		must(!fpool_buddy_free(&buddy, frame, 0), "frame %u", fpool_frame_nr(frame));
		return;
	}
	must(!fpool_frames_mark_fill(&frames, frame, space + 1, fpool_vpn(vpn)), "not free");
	must(!fpool_wset_charge(&wsets, &wsets.common, frame), "no maximum is set");
	pages[npages] = (struct page){ space, vpn, frame, FILLING, false };
	stamp(&pages[npages]);
	must(!fpool_ptable_fill_run(&spaces[space], fpool_vpn(vpn), 1, frame), "%#llx", vpn);
	npages++;
}

static void op_filled(struct page *page, u8 how)
{
	if (how % 8 == 7) {
		forget(page, how & 8 ? fpool_spte_error(-EIO) : fpool_spte(0));
		return;
	}
	must(!fpool_frames_mark_filled_run(&frames, page->frame, 1), "not a fill");
	must(!fpool_ptable_show_run(&spaces[page->space], fpool_vpn(page->vpn), 1, page->frame),
	     "%#llx", page->vpn);
	fpool_policy_insert(policy, page->frame, U64_MAX);
	page->stage = RESIDENT;
}

static void leave(struct page *page)
{
	must(!fpool_frames_mark_evict(&frames, page->frame), "not resident");
	must(!fpool_spte_empty(fpool_ptable_update(&spaces[page->space], fpool_vpn(page->vpn), 0,
						   FPOOL_SPTE_BUSY)), "%#llx", page->vpn);
	page->stage = LEAVING;
}

/* A batch as the evictor takes it; the bits of @accessed say who was used. */
static void op_judge(u32 max, u8 accessed)
{
	fpool_frame_t out[8];
	u32 nr = fpool_policy_candidates(policy, out, max), i;
	struct page *page;

	for (i = 0; i < nr; i++) {
		struct fpool_frame_info *fi = fpool_frames_info(&frames, out[i]);

		page = find(fi->space - 1, fi->vpn);
		must(page && page->frame == out[i], "a candidate that holds nothing");
		if (fpool_policy_judge(policy, out[i], accessed >> i & 1))
			leave(page);
	}
}

static void op_left(struct page *page, u8 how)
{
	check_stamp(page);
	if (how % 4) {
		forget(page, fpool_spte_ghost(fpool_policy_evicted(policy, page->frame)));
		return;
	}
	must(!fpool_frames_mark_resident(&frames, page->frame), "not leaving");
	set(page, FPOOL_SPTE_P | FPOOL_SPTE_D);
	fpool_policy_put_back(policy, page->frame);
	page->stage = RESIDENT;
}

/* By another's wish than the policy's; nothing remembers it. */
static void op_remove(struct page *page)
{
	fpool_policy_remove(policy, page->frame);
	leave(page);
	check_stamp(page);
	forget(page, fpool_spte(0));
}

static void op_retire(struct page *page)
{
	fpool_frame_t frame = page->frame;

	must(!fpool_ptable_set(&spaces[page->space], fpool_vpn(page->vpn), fpool_spte(0)), "");
	fpool_wset_uncharge(&wsets, frame);
	must(!fpool_frames_mark_retired(&frames, frame), "frame %u", fpool_frame_nr(frame));
	*page = pages[--npages];
	nretired++;
}

static void op_grace(void)
{
	while (view.idle_nodes) {
		fpool_frame_t node = limbo[--view.idle_nodes];

		memset(words(node), 0x5a, FPOOL_PAGE_BYTES);
		give(node);
	}
}

static void op_cache(u8 how)
{
	fpool_frame_t frame;

	if (how & 1) {
		frame = take_frame();
		if (frame != FPOOL_NO_FRAME)
			cache[view.cached++] = frame;
	} else if (view.cached) {
		must(!fpool_buddy_free(&buddy, cache[--view.cached], 0), "a cached frame");
	}
}

/* All pages of a space go, as at its end. */
static void op_end(u32 space)
{
	u32 i;

	for (i = npages; i--;) {
		if (pages[i].space != space)
			continue;
		if (pages[i].stage == RESIDENT)
			op_remove(&pages[i]);
		else
			forget(&pages[i], fpool_spte(0));
	}
	fpool_ptable_clear(&spaces[space]);
	must(!spaces[space].nnodes && !fpool_ptable_levels(&spaces[space]), "a cleared table");
}

static u64 pick_vpn(struct input *in)
{
	static const u64 bases[] = { 0, 0, 0, 508, 1ULL << 18, 1ULL << 45, FPOOL_VPN_MAX - 7 };
	u8 which = take8(in);

	return bases[which % ARRAY_SIZE(bases)] + which / 8 % 8;
}

static void step(struct input *in)
{
	u8 op = take8(in), arg = take8(in);
	struct page *page;

	switch (op % 16) {
	case 0 ... 4:
		op_fill(arg % SPACES, pick_vpn(in));
		if (op & 0x10 && npages && pages[npages - 1].stage == FILLING)
			op_filled(&pages[npages - 1], 0);
		break;
	case 5 ... 6:
		page = any(FILLING, arg);
		if (page)
			op_filled(page, op >> 4);
		break;
	case 7 ... 8:
		op_judge(1 + op / 16 % 8, arg);
		break;
	case 9 ... 10:
		page = any(LEAVING, arg);
		if (page)
			op_left(page, op >> 4);
		break;
	case 11:
		page = any(RESIDENT, arg);
		if (page)
			op_remove(page);
		break;
	case 12:
		fpool_ptable_drop_ghosts(&spaces[arg % SPACES], 1 + op / 16 % 2);
		break;
	case 13:
		op_grace();
		break;
	case 14:
		op_cache(arg);
		break;
	case 15:
		page = any(LEAVING, arg);
		if (op >= 0xe0)
			op_end(arg % SPACES);
		else if (page && op >= 0xc0)
			op_retire(page);
		break;
	}
}

static void check_all(void)
{
	struct fpool_check_report report = { .why = "" };

	must(!fpool_check(&view, &report), "%s: frame %u, page %#llx of space %u", report.why,
	     fpool_frame_nr(report.frame), fpool_vpn_nr(report.vpn), report.space);
}

static u32 nodes(void)
{
	return spaces[0].nnodes + spaces[1].nnodes;
}

static void check_pages(void)
{
	u32 i, idle = view.idle_nodes + view.cached + nretired;

	for (i = 0; i < npages; i++) {
		fpool_spte_t e = fpool_ptable_get(&spaces[pages[i].space],
						  fpool_vpn(pages[i].vpn));

		check_stamp(&pages[i]);
		must(fpool_spte_frame(e) == pages[i].frame, "page %#llx", pages[i].vpn);
		must(fpool_spte_has(e, FPOOL_SPTE_P) == (pages[i].stage != FILLING), "%#llx",
		     fpool_spte_raw(e));
		must(fpool_spte_has(e, FPOOL_SPTE_BUSY) == (pages[i].stage != RESIDENT), "%#llx",
		     fpool_spte_raw(e));
	}
	must(buddy.nfree == n - npages - nodes() - idle, "%u free", buddy.nfree);
}

static void begin(void)
{
	u32 i;

	must(fpool_buddy_bytes(n) <= sizeof(buddy_memory), "%u frames", n);
	must(!fpool_buddy_init(&buddy, buddy_memory, n), "%u frames", n);
	fpool_frames_init(&frames, infos, n);
	must(!fpool_wsets_init(&wsets, &fpool_policy_clock, &frames, n, NULL, 0), "%u frames", n);
	for (i = 0; i < SPACES; i++)
		fpool_ptable_init(&spaces[i], &node_ops, NULL, &frames, memory, i + 1);
	view.cached = 0;
	view.idle_nodes = 0;
	npages = 0;
	nretired = 0;
}

/* The smallest are the most frequent: they run out of everything soonest. */
static u32 pick_size(u8 byte)
{
	return byte < 128 ? 1 + byte % SMALL : 1 + byte % MAX_FRAMES;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	u32 steps = 0, i;

	n = pick_size(take8(&in));
	begin();
	while (more(&in) && steps++ < 300) {
		step(&in);
		check_pages();
		/* It looks at every entry of every node, which is much where there are many. */
		if (nodes() <= 4 || !(steps % 16))
			check_all();
	}
	for (i = 0; i < SPACES; i++)
		op_end(i);
	op_grace();
	check_all();
	must(buddy.nfree == n - view.cached - nretired, "frames are lost");
	return 0;
}
