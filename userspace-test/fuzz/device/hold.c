// SPDX-License-Identifier: GPL-2.0-only
/*
 * Held write-back: one descriptor of each worker holds pages, and the model knows what the file has
 * of them meanwhile.
 *
 * What the file has of a page when HOLD returns it has until a RELEASE, whatever is stored, synced
 * or evicted; after a RELEASE it has what was stored.  Where the descriptor goes without one, with
 * DROP that is what everybody sees again, and else nothing changes.
 */
#include "fuzz.h"

#define HELD_MAX	64

static int holder = -1;
static bool drop;			/* how the pages are held, if there are any */
static u8 **in_file;			/* of each page of the file; NULL: it is not held */
static u64 nheld;

void hold_begin(void)
{
	in_file = calloc(PAGES(run.bytes_max), sizeof(*in_file));
	need(in_file, "no memory");
}

bool is_held(u32 page)
{
	return in_file[page];
}

u64 held_pages(void)
{
	return nheld;
}

/* What a sync leaves in the file. */
const u8 *synced_page(u32 page)
{
	return in_file[page] ?: run.model + page * PAGE;
}

static u64 bytes_of(u32 page)
{
	u64 left = bytes_now() - page * PAGE;

	return left < PAGE ? left : PAGE;
}

static void same_in_file(u32 page, const u8 *should, const char *what)
{
	static u8 *is;

	is = is ?: aligned_alloc(PAGE, PAGE);
	file_read(page * PAGE, bytes_of(page), is);
	need(bytes_are(is, should, bytes_of(page), page * PAGE), "the file has page %u %s", page,
	     what);
}

static void note_held(u32 page)
{
	in_file[page] = aligned_alloc(PAGE, PAGE);
	need(in_file[page], "no memory");
	memset(in_file[page], 0, PAGE);
	file_read(page * PAGE, bytes_of(page), in_file[page]);
	nheld++;
	if (drop)
		need(bytes_are(in_file[page], run.model + page * PAGE, bytes_of(page), page * PAGE),
		     "HOLD with DROP has not written page %u", page);
}

static void not_held(u32 page)
{
	free(in_file[page]);
	in_file[page] = NULL;
	nheld--;
}

/* What is pinned by another descriptor ends it. */
static u32 pages_before_pin(u32 from, u32 nr)
{
	u32 i;

	for (i = 0; i < nr && !is_pinned(from + i); i++)
		;
	return i;
}

static void hold(u32 from, u32 nr, bool as_drop)
{
	u32 may = pages_before_pin(from, nr), should = 0, i;
	struct framepool_range r = {
		.size = sizeof(r), .flags = as_drop ? FRAMEPOOL_HOLD_DROP : 0,
		.offset = from * PAGE, .length = nr * PAGE,
	};
	int err;

	note("HOLD page %u, %u, %s", from, nr, as_drop ? "DROP" : "to be written");
	err = ioctl(holder, FRAMEPOOL_HOLD, &r) ? errno : 0;
	if (nheld && as_drop != drop) {
		need(err == EBUSY && !r.done && !r.already, "other flags: %s", strerror(err));
		return;
	}
	need(err == (may < nr ? EBUSY : 0), "%u may be held: %s", may, strerror(err));
	for (i = 0; i < may; i++)
		should += !is_held(from + i);
	need(r.done == should && r.already == may - should, "%ju held, not %u",
	     (uintmax_t)r.done, should);
	drop = as_drop;
	for (i = 0; i < may; i++)
		if (!is_held(from + i))
			note_held(from + i);
}

void op_hold(struct op *o)
{
	u64 at, len;
	u32 nr = pick_pages(o, 8, &at, &len);
	bool other = !below(o, nheld ? 8 : 2);

	if (!nr || plain || nheld > HELD_MAX || !may_pin(nr))
		return;
	if (holder < 0)
		holder = space_attach(run.path, O_RDWR);
	hold(at / PAGE, nr, drop != other);
}

void op_release(struct op *o)
{
	struct framepool_range r;
	u64 at, len;
	u32 nr = pick_pages(o, 128, &at, &len), i;

	if (!nr || holder < 0)
		return;
	note("RELEASE %#jx %u pages", (uintmax_t)at, nr);
	/* Neither another descriptor nor UNPIN takes them away. */
	need_ok(range_op(holder, FRAMEPOOL_UNPIN, at, len, &r));
	need(!r.done, "%ju unpinned", (uintmax_t)r.done);
	if (!below(o, 4)) {
		need_ok(range_op(any_fd(o), FRAMEPOOL_RELEASE, at, len, &r));
		return;
	}
	need_ok(range_op(holder, FRAMEPOOL_RELEASE, at, len, &r));
	need(!r.failed, "%ju failed, %s", (uintmax_t)r.failed, strerror(r.error));
	for (i = at / PAGE; i < at / PAGE + nr; i++) {
		if (!is_held(i))
			continue;
		same_in_file(i, run.model + i * PAGE, "after a RELEASE");
		not_held(i);
	}
}

/* The next page that is held, from one on. */
static bool next_held(u32 *page)
{
	for (; *page < PAGES(run.bytes_max); ++*page)
		if (is_held(*page))
			return true;
	return false;
}

/* One that is held was not written. */
void op_look_held(struct op *o)
{
	u32 page = below(o, PAGES(bytes_now()));

	if (plain || (!next_held(&page) && (page = 0, !next_held(&page))))
		return;
	note("look at page %u, which is held", page);
	if (below(o, 2))
		need_ok(fsync(any_fd(o)));
	same_in_file(page, in_file[page], "while it is held");
}

void hold_leave(void)
{
	u32 page;

	if (holder < 0)
		return;
	need_ok(close(holder));
	holder = -1;
	for (page = 0; next_held(&page); page++) {
		if (drop)
			memcpy(run.model + page * PAGE, in_file[page], bytes_of(page));
		not_held(page);
	}
}

void op_hold_leave(struct op *o)
{
	(void)o;
	if (holder < 0)
		return;
	note("close what holds %ju pages, %s", (uintmax_t)nheld, drop ? "DROP" : "to be written");
	hold_leave();
}

bool held_past(u64 bytes)
{
	u32 page = PAGES(bytes);

	return next_held(&page);
}

/* The file was cut in the middle of a page. */
void hold_cut(u64 bytes)
{
	if (bytes % PAGE && is_held(bytes / PAGE))
		memset(in_file[bytes / PAGE] + bytes % PAGE, 0, PAGE - bytes % PAGE);
}
