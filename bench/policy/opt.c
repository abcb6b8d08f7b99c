// SPDX-License-Identifier: GPL-2.0-only
/*
 * OPT: evict the page whose next reference is furthest away; nothing can do better.
 *
 * A resident page is known by the moment of its next reference, and no two pages have the same
 * one.  So the resident pages are a set of moments: a bit for each reference of the trace, and
 * above it a bit for each word that is not 0, and so on.  A hit takes its own moment out and
 * puts the next one in; the victim is the last bit that is set.  Both take as many steps as
 * there are levels, four for 16 million references, and mostly one, as a word that stays
 * as it was to the level above needs no more.  Pages that are never used again leave first.
 *
 * Source: L. A. Belady, A Study of Replacement Algorithms for a Virtual-Storage Computer, IBM
 * Systems Journal 5(2), 1966.
 */
#include "opt.h"

#include <stdlib.h>

#include "fail.h"

#define LEVELS	6

struct moments {
	u64 *level[LEVELS];
	unsigned int top;
};

static void moments_init(struct moments *m, u32 n)
{
	u64 words = n;

	m->top = 0;
	for (;;) {
		words = (words + 63) / 64;
		m->level[m->top] = alloc_zeroed(words * sizeof(u64));
		if (words == 1)
			return;
		m->top++;
	}
}

static void moments_free(struct moments *m)
{
	unsigned int i;

	for (i = 0; i <= m->top; i++)
		free(m->level[i]);
}

static void add(struct moments *m, u32 at)
{
	unsigned int i;
	u64 was;

	for (i = 0; i <= m->top; i++, at /= 64) {
		was = m->level[i][at / 64];
		m->level[i][at / 64] = was | 1ULL << (at % 64);
		if (was)
			return;
	}
}

static void del(struct moments *m, u32 at)
{
	unsigned int i;

	for (i = 0; i <= m->top; i++, at /= 64) {
		m->level[i][at / 64] &= ~(1ULL << (at % 64));
		if (m->level[i][at / 64])
			return;
	}
}

static u32 last(const struct moments *m)
{
	u32 at = 0;
	int i;

	for (i = m->top; i >= 0; i--)
		at = at * 64 + 63 - __builtin_clzll(m->level[i][at]);
	return at;
}

/**
 * opt_misses() - the misses of OPT
 * @t: the trace
 * @frames: of the pool, at least 1
 *
 * Return: Misses, those of the first touches among them.
 */
u64 opt_misses(const struct trace *t, u32 frames)
{
	u8 *resident = alloc_zeroed(t->pages);
	u32 i, left = frames, dead = 0;
	struct moments m;
	u64 misses = 0;

	moments_init(&m, t->n);
	for (i = 0; i < t->n; i++) {
		u32 page = t->ref[i] & TRACE_PAGE;

		if (resident[page]) {
			del(&m, i);
		} else {
			misses++;
			if (left) {
				left--;
			} else if (dead) {
				dead--;
			} else {
				u32 victim = last(&m);

				del(&m, victim);
				resident[t->ref[victim] & TRACE_PAGE] = false;
			}
			resident[page] = true;
		}
		if (t->next[i] == TRACE_NEVER)
			dead++;
		else
			add(&m, t->next[i]);
	}
	moments_free(&m);
	free(resident);
	return misses;
}
