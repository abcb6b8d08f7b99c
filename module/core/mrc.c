// SPDX-License-Identifier: GPL-2.0-only
/*
 * The miss-ratio curve of LRU, from a sample of the pages.
 *
 *	       top                                                  bottom
 *	stack   g  c  a  k | d  h | b  f  m  e | i  j  l  n  o ...
 *	                   ^      ^            ^
 *	       depth[0] = 4       6           10     last[] points at k, h, e
 *
 * Stack the pages with the one that was used last on top.  A pool of n frames under LRU holds
 * the first n of the stack, whatever n is.  So a reference to a page that is found d pages down
 * is a hit in every pool of at least d frames and a miss in all others, and the depths of all
 * references together are the misses of all sizes at once (R. L. Mattson, J. Gecsei, D. R. Slutz,
 * I. L. Traiger, Evaluation Techniques for Storage Hierarchies, IBM Systems Journal 9(2), 1970).
 *
 * Nobody needs the exact depth, only between which two of a few sizes it lies.  So each page
 * knows that of itself.  When one comes to the top, all that were above it sink by one, and at
 * each size in between just one page, the last that was within it, no longer is: as many
 * steps as there are sizes, however long the stack (Y. H. Kim, M. D. Hill, D. A. Wood, Implementing
 * Stack Simulation for Highly-Associative Memories, SIGMETRICS 1991).
 *
 * Following every reference costs more than most are worth.  But pages that are chosen by a hash
 * of their number, one of 2^s, behave like a program 2^s times smaller: all references to them are
 * seen, so that their reuse distances are as they were, divided by 2^s.  What is not chosen costs
 * a hash and a comparison (C. A. Waldspurger, N. Park, A. Garthwaite, I. Ahmad, Efficient MRC
 * Construction with SHARDS, FAST 2015).  The error is that of a sample: the hottest pages count
 * for much and are few.
 *
 * The stack is as long as the memory that it was given; what falls off its end is forgotten, and
 * cold when it comes again.  The depths are not deeper than that, so this changes no figure.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "mrc.h"

#define NONE	FPOOL_MRC_NONE

/* As many buckets as pages, or up to twice as many. */
static u32 buckets_for(u32 capacity)
{
	u32 n = 1;

	while (n < capacity)
		n *= 2;
	return n;
}

/**
 * fpool_mrc_bytes() - memory that a stack needs
 * @capacity: pages that it can have, at most 2^31
 *
 * Context: Any.
 * Return: Bytes.
 */
size_t fpool_mrc_bytes(u32 capacity)
{
	return capacity * sizeof(struct fpool_mrc_page) + buckets_for(capacity) * sizeof(u32);
}

/**
 * fpool_mrc_init() - an empty stack
 * @m: the stack
 * @mem: fpool_mrc_bytes() of memory, 8-byte aligned, which stay with it
 * @capacity: pages that it can have
 * @depth: sizes of the pools whose misses are wanted, in pages; in a sample, of pages in it
 * @sizes: how many
 *
 * Context: Any; the caller owns @m alone.
 * Return: 0, or -EINVAL: no sizes or too many, not ascending, one is 0 or larger than @capacity,
 *	or that is larger than 2^31.
 */
int fpool_mrc_init(struct fpool_mrc *m, void *mem, u32 capacity, const u32 *depth, u32 sizes)
{
	u32 i;

	if (!sizes || sizes > FPOOL_MRC_SIZES_MAX || capacity > 1U << 31)
		return -EINVAL;
	for (i = 0; i < sizes; i++)
		if (depth[i] > capacity || depth[i] <= (i ? depth[i - 1] : 0))
			return -EINVAL;
	memset(m, 0, sizeof(*m));
	m->capacity = capacity;
	m->buckets = buckets_for(capacity);
	m->page = mem;
	m->bucket = (u32 *)&m->page[capacity];
	m->sizes = sizes;
	m->top = NONE;
	m->bottom = NONE;
	memcpy(m->depth, depth, sizes * sizeof(*depth));
	memset(m->last, 0xff, sizeof(m->last));
	memset(m->bucket, 0xff, m->buckets * sizeof(*m->bucket));
	return 0;
}

/* The upper half of the hash has chosen the sample, and is not even any more. */
static u32 *bucket_of(const struct fpool_mrc *m, u32 space, u64 vpn)
{
	u64 hash = fpool_mrc_hash(fpool_mrc_seed(space), vpn);

	return &m->bucket[(u32)(hash ^ hash >> 31) & (m->buckets - 1)];
}

/**
 * fpool_mrc_find() - look a page up
 * @m: the stack
 * @space: id of its space
 * @vpn: the page
 *
 * Context: Caller serialises access to @m.
 * Return: Its index in @m->page, or FPOOL_MRC_NONE: it is not on the stack.
 */
u32 fpool_mrc_find(const struct fpool_mrc *m, u32 space, u64 vpn)
{
	u32 i = *bucket_of(m, space, vpn);

	while (i != NONE && (m->page[i].vpn != vpn || m->page[i].space != space))
		i = m->page[i].chain;
	return i;
}

static void hash_add(struct fpool_mrc *m, u32 i)
{
	u32 *head = bucket_of(m, m->page[i].space, m->page[i].vpn);

	m->page[i].chain = *head;
	*head = i;
}

static void hash_del(struct fpool_mrc *m, u32 i)
{
	u32 *at = bucket_of(m, m->page[i].space, m->page[i].vpn);

	while (*at != i)
		at = &m->page[*at].chain;
	*at = m->page[i].chain;
}

static void stack_del(struct fpool_mrc *m, u32 i)
{
	u32 newer = m->page[i].newer, older = m->page[i].older;

	if (newer == NONE)
		m->top = older;
	else
		m->page[newer].older = older;
	if (older == NONE)
		m->bottom = newer;
	else
		m->page[older].newer = newer;
}

static void stack_push(struct fpool_mrc *m, u32 i)
{
	m->page[i].newer = NONE;
	m->page[i].older = m->top;
	if (m->top == NONE)
		m->bottom = i;
	else
		m->page[m->top].newer = i;
	m->top = i;
	m->page[i].size = 0;
}

/* A page of size @from is on its way to the top: the last of each smaller size sinks out of it. */
static void sink(struct fpool_mrc *m, u32 from)
{
	u32 k, i;

	for (k = 0; k < from && m->last[k] != NONE; k++) {
		i = m->last[k];
		m->page[i].size = k + 1;
		/* With a depth of one this is the page that is about to come to the top. */
		m->last[k] = m->page[i].newer;
	}
}

/* After the push: sizes that just filled up have a last page, and those of one page a new one. */
static void settle(struct fpool_mrc *m)
{
	u32 k;

	for (k = 0; k < m->sizes; k++)
		if (m->last[k] == NONE && m->used >= m->depth[k])
			m->last[k] = m->depth[k] == 1 ? m->top : m->bottom;
}

/* Off the stack, for the top: who was above it sinks, who was below stays where it was. */
static void lift(struct fpool_mrc *m, u32 i)
{
	u32 size = m->page[i].size;

	sink(m, size);
	/* It was itself the last of its size: now the one above it is. */
	if (size < m->sizes && m->last[size] == i)
		m->last[size] = m->page[i].newer;
	stack_del(m, i);
}

/* A size has no last page only while the stack is not so deep, or where it is of one page. */
static void put_on_top(struct fpool_mrc *m, u32 i, bool deeper)
{
	stack_push(m, i);
	if (deeper || m->depth[0] == 1)
		settle(m);
}

/* Room for one more: if need be the page that has not been used for longest is forgotten. */
static u32 get_page(struct fpool_mrc *m)
{
	u32 i = m->bottom;

	if (m->used < m->capacity) {
		sink(m, m->sizes);
		return m->used++;
	}
	lift(m, i);
	hash_del(m, i);
	return i;
}

/**
 * fpool_mrc_ref() - a page is referenced
 * @m: the stack
 * @space: id of its space
 * @vpn: the page
 * @known: becomes whether it was on the stack; if not, what the index returned has stood for is
 *	forgotten
 *
 * Context: Caller serialises access to @m.
 * Return: Its index in @m->page, which stays the same as long as it is on the stack.
 */
u32 fpool_mrc_ref(struct fpool_mrc *m, u32 space, u64 vpn, bool *known)
{
	u32 i = fpool_mrc_find(m, space, vpn);

	m->now++;
	m->refs++;
	*known = i != NONE;
	if (*known) {
		if (m->page[i].size < m->sizes)
			m->found[m->page[i].size]++;
		if (i == m->top)
			return i;
		lift(m, i);
	} else {
		m->cold++;
		i = get_page(m);
		m->page[i].space = space;
		m->page[i].vpn = vpn;
		hash_add(m, i);
	}
	put_on_top(m, i, !*known);
	return i;
}

/**
 * fpool_mrc_misses() - what a pool of one of the sizes would have missed
 * @m: the stack
 * @size: index of the size
 *
 * Context: Caller serialises access to @m.
 * Return: Misses since the last clear, first references among them; in a sample, of its pages.
 */
u64 fpool_mrc_misses(const struct fpool_mrc *m, u32 size)
{
	u64 misses = m->refs;
	u32 k;

	for (k = 0; k <= size && k < m->sizes; k++)
		misses -= m->found[k];
	return misses;
}

/**
 * fpool_mrc_clear() - count anew; the pages stay where they are
 * @m: the stack
 *
 * Context: Caller serialises access to @m.
 */
void fpool_mrc_clear(struct fpool_mrc *m)
{
	memset(m->found, 0, sizeof(m->found));
	m->refs = 0;
	m->cold = 0;
}

/* The size that a page at this depth, from 1 on, is in. */
static u32 size_at(const struct fpool_mrc *m, u32 depth)
{
	u32 k = 0;

	while (k < m->sizes && depth > m->depth[k])
		k++;
	return k;
}

static const char *check_page(const struct fpool_mrc *m, u32 i, u32 newer, u32 depth)
{
	u32 size = size_at(m, depth);

	if (m->page[i].newer != newer)
		return "the stack is not linked both ways";
	if (m->page[i].size != size)
		return "a page is not in the size that its depth says";
	if (size < m->sizes && m->depth[size] == depth && m->last[size] != i)
		return "the last page of a size is not the one at its depth";
	if (fpool_mrc_find(m, m->page[i].space, m->page[i].vpn) != i)
		return "a page on the stack cannot be found, or is there twice";
	return NULL;
}

/**
 * fpool_mrc_check() - whether the stack hangs together
 * @m: the stack
 * @why: becomes a sentence about the first thing that is wrong
 *
 * Context: Caller serialises access to @m.
 * Return: 0; -EUCLEAN if something is wrong.
 */
int fpool_mrc_check(const struct fpool_mrc *m, const char **why)
{
	u32 i = m->top, newer = NONE, depth = 0, k;

	*why = NULL;
	while (i != NONE && depth < m->used && !*why) {
		*why = check_page(m, i, newer, ++depth);
		newer = i;
		i = m->page[i].older;
	}
	if (!*why && (i != NONE || depth != m->used || m->bottom != newer))
		*why = "the stack has more or fewer pages than are used";
	for (k = 0; k < m->sizes && !*why; k++)
		if (m->last[k] != NONE && m->depth[k] > m->used)
			*why = "a size that the stack does not fill has a last page";
	return *why ? -EUCLEAN : 0;
}
