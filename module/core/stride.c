// SPDX-License-Identifier: GPL-2.0-only
/* Readers who jump by the same distance each time: see stride.h. */
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "stride.h"

/**
 * fpool_strides_init() - nobody yet
 * @s: the strides of a space
 *
 * Context: Any.
 */
void fpool_strides_init(struct fpool_strides *s)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < FPOOL_NR_STRIDERS; i++)
		s->strider[i].mark = FPOOL_NO_MARK;
	/* So far apart that no page is as far from them. */
	for (i = 0; i < ARRAY_SIZE(s->last); i++)
		s->last[i] = U64_MAX / 2 + (u64)i * i * (U64_MAX / 64);
}

static struct fpool_strider *expecting(struct fpool_strides *s, u64 vpn)
{
	u32 i;

	for (i = 0; i < FPOOL_NR_STRIDERS; i++)
		if (s->strider[i].hits && s->strider[i].next == vpn)
			return &s->strider[i];
	return NULL;
}

/* One that was seen just now takes the place of who was not for longest. */
static void begin(struct fpool_strides *s, u64 vpn, u64 stride)
{
	struct fpool_strider *t = &s->strider[0];
	u32 i;

	for (i = 1; i < FPOOL_NR_STRIDERS; i++)
		if (s->clock - s->strider[i].used > s->clock - t->used)
			t = &s->strider[i];
	t->next = vpn + stride;
	t->stride = stride;
	t->hits = 1;
	t->used = ++s->clock;
	WRITE_ONCE(t->mark, FPOOL_NO_MARK);
}

/* A miss that nobody was expected to have: alone, or one of two readers who take turns. */
static void note(struct fpool_strides *s, u64 vpn)
{
	u32 turn;

	for (turn = 1; turn <= FPOOL_NR_STRIDERS; turn++) {
		u64 before = s->last[turn - 1], first = s->last[2 * turn - 1];

		if (vpn - before == before - first && vpn != before) {
			begin(s, vpn, vpn - before);
			break;
		}
	}
	memmove(&s->last[1], &s->last[0], sizeof(s->last) - sizeof(s->last[0]));
	s->last[0] = vpn;
}

/**
 * fpool_strides_miss() - a page was missing, and no stream goes on there
 * @s: the strides of a space
 * @vpn: the page, which is being fetched
 *
 * Context: Any; the caller serialises.
 * Return: whether more is to be fetched: fpool_strides_ahead() says what.
 */
bool fpool_strides_miss(struct fpool_strides *s, u64 vpn)
{
	struct fpool_strider *t = expecting(s, vpn);

	if (!t) {
		note(s, vpn);
		return false;
	}
	t->hits++;
	t->used = ++s->clock;
	t->next = vpn + t->stride;
	WRITE_ONCE(t->mark, vpn);
	return true;
}

/**
 * fpool_strides_marked() - is there a page at whose touch more is to be fetched?
 * @s: the strides of a space
 * @first: of the pages that are touched, or mapped with one that is
 * @end: past the last
 *
 * Context: Any, beside one writer: a hint.
 * Return: the first that was found; FPOOL_NO_MARK: none.
 */
u64 fpool_strides_marked(const struct fpool_strides *s, u64 first, u64 end)
{
	u32 i;

	for (i = 0; i < FPOOL_NR_STRIDERS; i++) {
		u64 mark = READ_ONCE(s->strider[i].mark);

		if (mark - first < end - first)
			return mark;
	}
	return FPOOL_NO_MARK;
}

static struct fpool_strider *find(struct fpool_strides *s, u64 mark)
{
	u32 i;

	for (i = 0; i < FPOOL_NR_STRIDERS; i++)
		if (s->strider[i].mark == mark)
			return &s->strider[i];
	return NULL;
}

/**
 * fpool_strides_ahead() - what to fetch now that a page was touched
 * @s: the strides of a space
 * @vpn: the page
 * @next: out: the first page to fetch
 * @stride: out: how far it is from each to the next, modulo 2^64
 *
 * Any of them may lie outside of the file.  As with a stream, only what fpool_strides_fetched() is
 * told has happened.
 *
 * Context: Any; the caller serialises.
 * Return: how many; 0: none, the page has no mark.
 */
u32 fpool_strides_ahead(struct fpool_strides *s, u64 vpn, u64 *next, u64 *stride)
{
	const struct fpool_strider *t = find(s, vpn);

	if (!t)
		return 0;
	*next = t->next;
	*stride = t->stride;
	return min_t(u32, 1U << min_t(u32, t->hits - 1, 31), FPOOL_STRIDE_MAX);
}

/**
 * fpool_strides_fetched() - what was fetched of fpool_strides_ahead()
 * @s: the strides of a space
 * @vpn: the page that it was called with
 * @nr: how many of the pages, the first ones; none: his next miss has to ask again
 *
 * Context: Any; the caller serialises, perhaps others came between.
 */
void fpool_strides_fetched(struct fpool_strides *s, u64 vpn, u32 nr)
{
	/* The first with that mark, as there. */
	struct fpool_strider *t = find(s, vpn);

	if (!t)
		return;
	WRITE_ONCE(t->mark, nr ? t->next : FPOOL_NO_MARK);
	if (!nr)
		return;
	t->next += nr * t->stride;
	t->hits++;
	t->used = ++s->clock;
}
