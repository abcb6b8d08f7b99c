// SPDX-License-Identifier: GPL-2.0-only
/*
 * Miss-ratio curves of working sets.
 *
 *	pages of the sample, each used by somebody
 *	         |
 *	   +-----+-----+
 *	   v     v     v
 *	 set 3  set 0  set 7 ...	an LRU stack each (mrc.c)
 *
 * How many misses more memory would save, and less would cost, differs from set to set, and the
 * curve of the whole pool does not say whose they are.  So each set has a stack of its own, of the
 * same sample, that sees its references and no others: it says what the set would miss if it had
 * so much memory for itself.  Where the curve is flat, frames can be taken without harm; where it
 * falls, they are worth the most (H. S. Stone, J. Turek, J. L. Wolf, Optimal Partitioning of Cache
 * Memory, IEEE Trans. Computers 41(9), 1992).
 *
 * Who comes first has a curve, until his set is gone; there are only so many.  The common set is
 * one like the others.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "curves.h"

/* As deep as the largest size that is asked about: what is deeper is a miss in all. */
static u32 depth_of(u32 frames)
{
	return fpool_shadow_part(frames, fpool_shadow_eighths[FPOOL_SHADOW_SIZES - 1]);
}

static size_t stack_bytes(u32 frames)
{
	return ALIGN(fpool_mrc_bytes(depth_of(frames)), sizeof(u64));
}

/**
 * fpool_curves_bytes() - memory that the curves need
 * @frames: of the pool's miniature
 *
 * Context: Any.
 * Return: Bytes.
 */
size_t fpool_curves_bytes(u32 frames)
{
	return FPOOL_CURVES_MAX * stack_bytes(frames);
}

/* Cannot fail: the sizes of so many frames ascend, and the stack is as deep as the last. */
static void begin(struct fpool_curves *c, struct fpool_curve *curve, u64 set)
{
	size_t nr = curve - c->curve;

	fpool_shadow_stack(&curve->mrc, c->mem + nr * stack_bytes(c->frames), depth_of(c->frames),
			   c->frames);
	curve->set = set;
	curve->used = true;
}

/**
 * fpool_curves_init() - curves of nobody
 * @c: the curves
 * @mem: fpool_curves_bytes() of memory, 8-byte aligned, which stay with them
 * @frames: of the pool's miniature
 *
 * Context: Any; the caller owns @c alone.
 * Return: 0, or -EINVAL: @frames are less than 8 or more than 2^20.
 */
int fpool_curves_init(struct fpool_curves *c, void *mem, u32 frames)
{
	if (frames < FPOOL_SHADOW_UNIT || frames > 1U << 20)
		return -EINVAL;
	memset(c, 0, sizeof(*c));
	c->mem = mem;
	c->frames = frames;
	return 0;
}

/* The set's, or a free one that becomes it; NULL: there is none. */
static struct fpool_curve *curve_of(struct fpool_curves *c, u64 set)
{
	struct fpool_curve *free = NULL;
	u32 i;

	for (i = 0; i < FPOOL_CURVES_MAX; i++) {
		if (c->curve[i].used && c->curve[i].set == set)
			return &c->curve[i];
		if (!c->curve[i].used && !free)
			free = &c->curve[i];
	}
	if (free)
		begin(c, free, set);
	return free;
}

/**
 * fpool_curves_ref() - a page of the sample was used
 * @c: the curves
 * @set: the working set that it is charged to: a number that no other one ever has
 * @space: id of its space
 * @vpn: the page
 *
 * Context: Caller serialises access to @c.
 */
void fpool_curves_ref(struct fpool_curves *c, u64 set, u32 space, u64 vpn)
{
	struct fpool_curve *curve = curve_of(c, set);
	bool known;

	if (curve)
		fpool_mrc_ref(&curve->mrc, space, vpn, &known);
	else
		c->left_out++;
}

/**
 * fpool_curves_drop() - a working set is gone
 * @c: the curves
 * @set: which
 *
 * Context: Caller serialises access to @c.
 */
void fpool_curves_drop(struct fpool_curves *c, u64 set)
{
	u32 i;

	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		if (c->curve[i].set == set)
			c->curve[i].used = false;
}

/**
 * fpool_curves_clear() - count anew; all pages stay known
 * @c: the curves
 *
 * Context: Caller serialises access to @c.
 */
void fpool_curves_clear(struct fpool_curves *c)
{
	u32 i;

	c->left_out = 0;
	for (i = 0; i < FPOOL_CURVES_MAX; i++)
		fpool_mrc_clear(&c->curve[i].mrc);
}

/**
 * fpool_curves_check() - whether every stack hangs together, and no set has two
 * @c: the curves
 * @why: becomes a sentence about the first thing that is wrong
 *
 * Context: Caller serialises access to @c.
 * Return: 0; -EUCLEAN if something is wrong.
 */
int fpool_curves_check(const struct fpool_curves *c, const char **why)
{
	u32 i, k;

	*why = NULL;
	for (i = 0; i < FPOOL_CURVES_MAX; i++) {
		if (!c->curve[i].used)
			continue;
		if (fpool_mrc_check(&c->curve[i].mrc, why))
			return -EUCLEAN;
		for (k = 0; k < i && !*why; k++)
			if (c->curve[k].used && c->curve[k].set == c->curve[i].set)
				*why = "a working set has two curves";
	}
	return *why ? -EUCLEAN : 0;
}
