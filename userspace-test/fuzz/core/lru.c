// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a pool would have missed: LRU's stack with its sizes, curves of several sets, and shadows.
 *
 * The model is a list of pages for each set, searched from the newest on: how far down a page was
 * found says which sizes would have had it.  What the shadows of other policies miss no model says
 * (policies.c has their rules); but their LRU curve is that of the list, they miss what nobody has
 * seen before, and fpool_shadows_check() looks at each.
 */
#include "fuzz.h"

#include "curves.h"

#define FRAMES		16U		/* of the miniature */
#define SETS		(FPOOL_CURVES_MAX + 2)
#define DEEP		128U		/* pages that a list has room for */

struct list {
	u64 set;			/* 0: nobody's */
	u64 page[DEEP];			/* the newest first; space and vpn in one */
	u32 nr;
	u64 refs, cold, found[FPOOL_MRC_SIZES_MAX];
};

static struct fpool_curves curves;
static struct fpool_shadows shadows;
static u64 curve_memory[1 << 17], shadow_memory[1 << 16];

/* The model. */
static struct list lists[FPOOL_CURVES_MAX], all;
static u64 left_out;

/* How far down it was, from 1 on, and it comes to the top; 0: it was not there. */
static u32 touch(struct list *l, u64 page, u32 capacity)
{
	u32 depth, i;

	for (depth = 1; depth <= l->nr && l->page[depth - 1] != page; depth++)
		;
	if (depth > l->nr) {
		l->nr += l->nr < capacity;
		i = l->nr;
		depth = 0;
	} else {
		i = depth;
	}
	memmove(&l->page[1], &l->page[0], (i - 1) * sizeof(l->page[0]));
	l->page[0] = page;
	return depth;
}

static void note(struct list *l, u64 page, const struct fpool_mrc *m)
{
	u32 depth = touch(l, page, m->capacity), k;

	l->refs++;
	l->cold += !depth;
	for (k = 0; depth && k < m->sizes; k++) {
		if (depth > m->depth[k])
			continue;
		l->found[k]++;
		break;
	}
}

static void same(const struct list *l, const struct fpool_mrc *m)
{
	u64 misses = l->refs;
	u32 k;

	must(m->refs == l->refs && m->cold == l->cold && m->used == l->nr,
	     "%llu references, %llu cold, %u pages", m->refs, m->cold, m->used);
	for (k = 0; k < m->sizes; k++) {
		misses -= l->found[k];
		must(fpool_mrc_misses(m, k) == misses, "size %u: %llu, not %llu", k,
		     fpool_mrc_misses(m, k), misses);
	}
}

static void forget_counts(struct list *l)
{
	l->refs = 0;
	l->cold = 0;
	memset(l->found, 0, sizeof(l->found));
}

/* The set's list, or one that nobody has. */
static struct list *list_of(u64 set)
{
	u32 i;

	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		if (lists[i].set == set)
			return &lists[i];
	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		if (!lists[i].set)
			return &lists[i];
	return NULL;
}

static const struct fpool_mrc *curve_of(u64 set)
{
	u32 i;

	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		if (curves.curve[i].used && curves.curve[i].set == set)
			return &curves.curve[i].mrc;
	return NULL;
}

static void use_curve(u64 set, u32 space, u64 vpn)
{
	struct list *l = list_of(set);

	fpool_curves_ref(&curves, set, space, vpn);
	if (!l) {
		left_out++;
		return;
	}
	must(curve_of(set), "set %llu has no curve", set);
	if (!l->set)
		memset(l, 0, sizeof(*l));
	l->set = set;
	note(l, vpn << 1 | space, curve_of(set));
}

static void op_use(u64 set, u32 space, u64 vpn)
{
	use_curve(set, space, vpn);
	note(&all, vpn << 1 | space, &shadows.mrc);
	fpool_shadows_ref(&shadows, space, vpn);
}

static void op_drop(u64 set)
{
	u32 i;

	fpool_curves_drop(&curves, set);
	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		if (lists[i].set == set)
			lists[i].set = 0;
}

static void op_clear(void)
{
	u32 i;

	fpool_curves_clear(&curves);
	fpool_shadows_clear(&shadows);
	left_out = 0;
	forget_counts(&all);
	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		forget_counts(&lists[i]);
}

static void check(void)
{
	const char *why = "";
	u32 i;

	must(!fpool_curves_check(&curves, &why), "%s", why);
	must(!fpool_shadows_check(&shadows, &why), "%s", why);
	must(curves.left_out == left_out, "%llu left out", curves.left_out);
	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		if (lists[i].set)
			same(&lists[i], curve_of(lists[i].set));
	same(&all, &shadows.mrc);
	for (i = 0; i < shadows.nr; i++)
		must(shadows.shadow[i].misses <= all.refs && shadows.shadow[i].misses >= all.cold,
		     "shadow %u: %llu misses of %llu", i, shadows.shadow[i].misses, all.refs);
}

static void step(struct input *in)
{
	u8 op = take8(in), arg = take8(in);
	u64 set = 1 + take8(in) % SETS;
	/* Loops, few pages, and many. */
	static u64 at;
	u64 vpn = op & 0x10 ? at++ % (FRAMES + 3) : arg % (op & 0x20 ? 6 : 90);

	switch (op % 16) {
	case 0 ... 12:
		op_use(set, op >> 7, vpn);
		break;
	case 13:
		op_drop(set);
		break;
	case 14:
		fpool_shadows_switch(&shadows, fpool_policy_nth(arg % 4));
		break;
	case 15:
		if (arg < 32)
			op_clear();
		break;
	}
	if (!more(in))
		at = 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	u32 steps = 0;

	must(fpool_curves_bytes(FRAMES) <= sizeof(curve_memory), "%zu", fpool_curves_bytes(FRAMES));
	must(fpool_shadows_bytes(FRAMES) <= sizeof(shadow_memory), "%zu",
	     fpool_shadows_bytes(FRAMES));
	must(!fpool_curves_init(&curves, curve_memory, FRAMES), "curves");
	must(!fpool_shadows_init(&shadows, shadow_memory, fpool_policy_nth(take8(&in) % 4), FRAMES,
				 FRAMES), "shadows");
	memset(lists, 0, sizeof(lists));
	memset(&all, 0, sizeof(all));
	left_out = 0;
	while (more(&in) && steps++ < 300) {
		step(&in);
		/* It looks at every page of every stack. */
		if (!(steps % 8))
			check();
	}
	check();
	return 0;
}
