// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has to be true of a pool at any moment when nobody is changing it.
 *
 *	             buddy               frame table            policy        shadow page tables
 *	FREE         free, or cached     nothing known of it    -             -
 *	KERNEL       allocated           nothing known of it    -             -
 *	NODE         allocated           its space              -             a node of its space
 *	FILL         allocated           its page               -             BUSY
 *	RESIDENT     allocated           its page               on one list   P
 *	  pinned     allocated           its page, its pinner   -             P, PIN
 *	EVICT        allocated           its page               -             P, BUSY
 *	RETIRED      allocated           nothing known of it    -             -
 *
 * Read downwards this is one pass over the frames.  Read from the right it is one pass over
 * the entries: each leads to a frame that says that it holds just this page.  A frame
 * says one page only, so different entries lead to different frames; and if there are as many
 * of such entries as of such frames, then each frame has its entry.  So nothing is
 * searched for and nothing remembered; only when the numbers differ does a search
 * say which frame it was.  The same goes for the lists, whose members all say which list they
 * are on, and for the nodes.
 */
#include <linux/string.h>

#include "check.h"

#define BIT_OF(state)	(1U << (state))

/* The states in which a frame is some page's. */
#define HAS_PAGE	(BIT_OF(FPOOL_FRAME_FILL) | BIT_OF(FPOOL_FRAME_RESIDENT) | \
			 BIT_OF(FPOOL_FRAME_EVICT))

static int complain(struct fpool_check_report *report, const char *why, fpool_frame_t frame,
		    u32 space, fpool_vpn_t vpn)
{
	report->why = why;
	report->frame = frame;
	report->space = space;
	report->vpn = vpn;
	return -EUCLEAN;
}

static int complain_frame(const struct fpool_check_view *view, struct fpool_check_report *report,
			  const char *why, fpool_frame_t frame)
{
	const struct fpool_frame_info *fi = fpool_frames_info(view->frames, frame);
	bool has_page = fi->state < FPOOL_FRAME_NR_STATES && HAS_PAGE & BIT_OF(fi->state);

	return complain(report, why, frame, fi->space, fpool_vpn(has_page ? fi->vpn : 0));
}

static int complain_pool(struct fpool_check_report *report, const char *why)
{
	return complain(report, why, FPOOL_NO_FRAME, FPOOL_NO_SPACE, fpool_vpn(0));
}

/* What a frame's entry in the table says by itself. */
static const char *check_frame(const struct fpool_frame_info *fi)
{
	if (fi->state >= FPOOL_FRAME_NR_STATES)
		return "a frame is in a state that does not exist";
	if (fi->state == FPOOL_FRAME_RESIDENT) {
		if (fi->list >= FPOOL_POLICY_LISTS && fi->list != FPOOL_PIN_LIST)
			return "a resident frame is on no list of the policy";
	} else if (fi->list != FPOOL_NO_LIST &&
		   !(fi->state == FPOOL_FRAME_NODE && fi->list == FPOOL_PTABLE_LIST) &&
		   !(fi->state == FPOOL_FRAME_EVICT && fi->list == FPOOL_LAUNDRY_LIST)) {
		return "a frame that is not resident is on a list";
	}
	if (fi->state == FPOOL_FRAME_NODE || HAS_PAGE & BIT_OF(fi->state))
		return fi->space == FPOOL_NO_SPACE ? "a frame in use belongs to no space" : NULL;
	if (fi->space != FPOOL_NO_SPACE || fi->vpn || fi->owner || fi->policy || fi->aux)
		return "a frame that is nobody's still says whose it was";
	return NULL;
}

/* Of all sets together. */
static u32 list_len(struct fpool_wsets *ws, unsigned int list)
{
	struct fpool_wset *set;
	u32 len = 0;

	for (set = fpool_wsets_next(ws, 0); set; set = fpool_wsets_next(ws, set->id + 1))
		len += set->policy.list[list].len;
	return len;
}

static int check_frames(const struct fpool_check_view *view, struct fpool_check_report *report)
{
	const struct fpool_frames *ft = view->frames;
	u32 count[FPOOL_FRAME_NR_STATES] = { 0 }, listed[FPOOL_POLICY_LISTS] = { 0 };
	u32 pinned = 0, i;
	const char *why;

	for (i = 0; i < ft->nframes; i++) {
		why = check_frame(&ft->tab[i]);
		if (why)
			return complain_frame(view, report, why, fpool_frame(i));
		count[ft->tab[i].state]++;
		if (ft->tab[i].state != FPOOL_FRAME_RESIDENT)
			continue;
		if (ft->tab[i].list == FPOOL_PIN_LIST)
			pinned++;
		else
			listed[ft->tab[i].list]++;
	}
	if (memcmp(count, ft->count, sizeof(count)))
		return complain_pool(report, "the frame table counts other states than it has");
	if (pinned != view->pinned)
		return complain_pool(report, "other frames are pinned than are counted");
	for (i = 0; i < FPOOL_POLICY_LISTS; i++)
		if (listed[i] != list_len(view->wsets, i))
			return complain_pool(report,
					     "other frames say they are on a list than are on it");
	return 0;
}

static int check_policy(const struct fpool_check_view *view, const struct fpool_policy *p,
			struct fpool_check_report *report)
{
	fpool_frame_t bad;
	const char *why;
	unsigned int i;

	if (p->ft != view->frames)
		return complain_pool(report, "the policy uses another frame table");
	for (i = 0; i < FPOOL_POLICY_LISTS; i++) {
		why = fpool_frame_list_check(p->ft, &p->list[i], i, FPOOL_FRAME_RESIDENT, &bad);
		if (why && fpool_frame_nr(bad) < p->ft->nframes)
			return complain_frame(view, report, why, bad);
		if (why)
			return complain_pool(report, why);
	}
	if (fpool_policy_check(p, &why))
		return complain_pool(report, why);
	return 0;
}

static int check_policies(const struct fpool_check_view *view, struct fpool_check_report *report)
{
	struct fpool_wsets *ws = view->wsets;
	struct fpool_wset *set;
	int err = 0;

	for (set = fpool_wsets_next(ws, 0); set && !err; set = fpool_wsets_next(ws, set->id + 1))
		err = check_policy(view, &set->policy, report);
	return err;
}

static int check_wsets(const struct fpool_check_view *view, struct fpool_check_report *report)
{
	const char *why;

	return fpool_wsets_check(view->wsets, &why) ? complain_pool(report, why) : 0;
}

static int check_buddy(const struct fpool_check_view *view, struct fpool_check_report *report)
{
	const struct fpool_frames *ft = view->frames;
	const char *why = NULL;
	u32 i, cached = 0;
	bool allocated;

	if (fpool_buddy_check(view->buddy, &why))
		return complain_pool(report, why);
	if (view->buddy->nframes != ft->nframes)
		return complain_pool(report, "allocator and frame table are of different sizes");
	for (i = 0; i < ft->nframes; i++) {
		allocated = fpool_buddy_is_allocated(view->buddy, fpool_frame(i));
		if (ft->tab[i].state != FPOOL_FRAME_FREE && !allocated)
			return complain_frame(view, report,
					      "a frame in use is free in the allocator",
					      fpool_frame(i));
		if (ft->tab[i].state == FPOOL_FRAME_FREE && allocated)
			cached++;
	}
	if (cached > view->cached)
		return complain_pool(report,
				     "frames are lost: allocated, free in the table, not cached");
	if (cached < view->cached)
		return complain_pool(report, "frames are cached that the allocator still has");
	return 0;
}

/* What the entry of a page says, and what the frame that it leads to says. */
static const char *check_entry(const struct fpool_frame_info *fi, u32 space, fpool_vpn_t vpn,
			       fpool_spte_t e)
{
	bool present = fpool_spte_has(e, FPOOL_SPTE_P), busy = fpool_spte_has(e, FPOOL_SPTE_BUSY);
	bool pinned;

	if (!(HAS_PAGE & BIT_OF(fi->state)))
		return "an entry leads to a frame that holds no page";
	if (fi->space != space || fi->vpn != fpool_vpn_nr(vpn))
		return "an entry leads to a frame that holds another page";
	switch (fi->state) {
	case FPOOL_FRAME_FILL:
		return present ? "a page is present in a frame that is being filled" : NULL;
	case FPOOL_FRAME_RESIDENT:
		pinned = fi->list == FPOOL_PIN_LIST;
		if (fpool_spte_has(e, FPOOL_SPTE_PIN) != pinned)
			return "a page's entry and its frame do not agree on who pinned it";
		return present && !busy ? NULL : "a resident page's entry is not P without BUSY";
	default:
		return present && busy ? NULL : "a leaving page's entry is not P with BUSY";
	}
}

static int check_space(const struct fpool_check_view *view, struct fpool_check_report *report,
		       const struct fpool_ptable *pt, u64 *pages)
{
	fpool_vpn_t vpn = fpool_vpn(0), end = fpool_vpn(FPOOL_VPN_MAX + 1);
	const char *why;
	fpool_spte_t e;

	if (pt->ft != view->frames)
		return complain(report, "a space uses another frame table", FPOOL_NO_FRAME,
				pt->space, vpn);
	if (fpool_ptable_check(pt, &why))
		return complain(report, why, FPOOL_NO_FRAME, pt->space, vpn);
	while (fpool_ptable_next(pt, &vpn, end, FPOOL_SPTE_P | FPOOL_SPTE_BUSY, &e)) {
		why = check_entry(fpool_frames_info(view->frames, fpool_spte_frame(e)),
				  pt->space, vpn, e);
		if (why)
			return complain(report, why, fpool_spte_frame(e), pt->space, vpn);
		++*pages;
		vpn = fpool_vpn_add(vpn, 1);
	}
	return 0;
}

/* Whether some space has an entry that leads to the frame. */
static bool has_entry(const struct fpool_check_view *view, fpool_frame_t frame)
{
	const struct fpool_frame_info *fi = fpool_frames_info(view->frames, frame);
	fpool_spte_t e;
	u32 i;

	for (i = 0; i < view->nspaces; i++) {
		if (view->spaces[i]->space != fi->space)
			continue;
		e = fpool_ptable_get(view->spaces[i], fpool_vpn(fi->vpn));
		if (fpool_spte_has(e, FPOOL_SPTE_P | FPOOL_SPTE_BUSY) &&
		    fpool_spte_frame(e) == frame)
			return true;
	}
	return false;
}

/* The number of entries is wrong: which frame is it? */
static int find_orphan(const struct fpool_check_view *view, struct fpool_check_report *report)
{
	const struct fpool_frames *ft = view->frames;
	u32 i;

	for (i = 0; i < ft->nframes; i++)
		if (HAS_PAGE & BIT_OF(ft->tab[i].state) && !has_entry(view, fpool_frame(i)))
			return complain_frame(view, report, "a frame's page has no entry for it",
					      fpool_frame(i));
	return complain_pool(report, "two spaces have the same id");
}

static int check_spaces(const struct fpool_check_view *view, struct fpool_check_report *report)
{
	const u32 *count = view->frames->count;
	u64 pages = 0, nodes = view->idle_nodes;
	u32 i;
	int err;

	for (i = 0; i < view->nspaces; i++) {
		err = check_space(view, report, view->spaces[i], &pages);
		if (err)
			return err;
		nodes += view->spaces[i]->nnodes;
	}
	if (pages != (u64)count[FPOOL_FRAME_FILL] + count[FPOOL_FRAME_RESIDENT] +
		     count[FPOOL_FRAME_EVICT])
		return find_orphan(view, report);
	if (nodes != count[FPOOL_FRAME_NODE])
		return complain_pool(report, "frames are nodes of no space, or of two");
	return 0;
}

/**
 * fpool_check() - whether all structures of a pool agree
 * @view: the structures
 * @report: becomes the first disagreement; untouched if there is none
 *
 * Takes time in proportion to the frames and the nodes, and no memory.
 *
 * Context: Caller keeps everything in @view from changing.
 * Return: 0; -EUCLEAN if something is wrong.
 */
int fpool_check(const struct fpool_check_view *view, struct fpool_check_report *report)
{
	int err;

	err = check_policies(view, report);
	if (!err)
		err = check_frames(view, report);
	if (!err)
		err = check_wsets(view, report);
	if (!err && view->buddy)
		err = check_buddy(view, report);
	if (!err)
		err = check_spaces(view, report);
	return err;
}
