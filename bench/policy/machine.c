// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine: frames, a page table and its bits, and the core's own policies and frame table.
 *
 * A policy gets no more than in the module.  A hit sets bits of the page and tells nobody.  A miss
 * inserts the page with the age of its ghost, and the faulting access itself then sets the
 * accessed bit.  When no frame is free, a batch of candidates is asked for, their accessed
 * bits are read and cleared, and each is judged; victims leave, and leave a ghost if the
 * policy wants one.
 *
 * Shadows that watch it see no more than in the module either, unless they are told all.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "fail.h"
#include "frames.h"
#include "machine.h"
#include "policy.h"
#include "shadow.h"

#define BATCH_MAX	256U
#define SPACE		1	/* all pages are of one space */

/* Of a page, as hardware keeps them in its page table. */
#define RESIDENT	0x01
#define ACCESSED	0x02
#define DIRTY		0x04
#define REFERENCED	0x08		/* was accessed, until somebody else read the bit */
#define FRESH		0x10		/* has just faulted: its accessed bit is no other use */

struct machine {
	const struct trace *trace;
	u32 at;				/* the next reference */
	u32 batch;
	u8 *bits;			/* of each page */
	u64 *ghost;			/* of each page: its eviction, or 0 */
	u32 *page;			/* of each frame */
	u32 *free, nfree;		/* a stack of frames */
	struct fpool_frames frames;
	struct fpool_policy policy;
	struct machine_counts counts;
	struct fpool_shadows *shadows;
	u32 every, next_look;
};

const char *machine_policy(unsigned int n)
{
	const struct fpool_policy_ops *ops = fpool_policy_nth(n);

	return ops ? ops->name : NULL;
}

const char *machine_default_policy(void)
{
	return fpool_policy_nth(0)->name;
}

struct machine *machine_new(const struct trace *t, const char *policy, u32 frames, u32 batch)
{
	const struct fpool_policy_ops *ops = fpool_policy_find(policy);
	struct machine *m;
	u32 i;

	if (!ops)
		return NULL;
	m = alloc_zeroed(sizeof(*m));
	m->trace = t;
	m->batch = clamp(batch, 1U, BATCH_MAX);
	m->bits = alloc_zeroed(t->pages);
	m->ghost = alloc_zeroed((size_t)t->pages * sizeof(u64));
	m->page = alloc_zeroed((size_t)frames * sizeof(u32));
	m->free = alloc_zeroed((size_t)frames * sizeof(u32));
	for (i = 0; i < frames; i++)
		m->free[m->nfree++] = frames - 1 - i;
	fpool_frames_init(&m->frames, alloc_zeroed(fpool_frames_bytes(frames)), frames);
	if (fpool_policy_init(&m->policy, ops, &m->frames, frames))
		return NULL;
	return m;
}

void machine_watch(struct machine *m, u32 shift, u32 every)
{
	u32 capacity = m->frames.nframes, frames = capacity >> shift;
	void *mem = alloc_zeroed(fpool_shadows_bytes(frames));

	m->shadows = alloc_zeroed(sizeof(*m->shadows));
	m->every = every;
	m->next_look = m->at + every;
	if (fpool_shadows_init(m->shadows, mem, m->policy.ops, capacity, frames))
		die("no shadows of %u frames for a pool of %u", frames, capacity);
}

static const struct fpool_shadow *find_shadow(const struct machine *m, const char *policy,
					      u32 eighths)
{
	if (!m->shadows)
		return NULL;
	return fpool_shadows_find(m->shadows, fpool_policy_find(policy), eighths);
}

bool machine_has_shadow(const struct machine *m, const char *policy, u32 eighths)
{
	return find_shadow(m, policy, eighths);
}

u64 machine_shadow(const struct machine *m, const char *policy, u32 eighths, u64 *all)
{
	const struct fpool_shadow *s = find_shadow(m, policy, eighths);

	if (!s)
		return ~0ULL;
	*all = m->shadows->mrc.refs;
	return s->misses;
}

void machine_curve(const struct machine *m, u64 *misses)
{
	u32 i;

	for (i = 0; i < m->shadows->mrc.sizes; i++)
		misses[i] = fpool_mrc_misses(&m->shadows->mrc, i);
}

void machine_lru(const struct trace *t, const u32 *frames, unsigned int nr, u64 *misses)
{
	u32 i, room = max(t->pages, frames[nr - 1]);
	void *mem = alloc_zeroed(fpool_mrc_bytes(room));
	struct fpool_mrc m;
	bool known;

	if (!fpool_mrc_init(&m, mem, room, frames, nr)) {
		for (i = 0; i < t->n; i++)
			fpool_mrc_ref(&m, SPACE, t->ref[i] & TRACE_PAGE, &known);
		for (i = 0; i < nr; i++)
			misses[i] = fpool_mrc_misses(&m, i);
	}
	kfree(mem);
}

void machine_exact_curve(const struct trace *t, u32 frames, u64 *misses)
{
	u32 depth[FPOOL_SHADOW_SIZES], i;

	for (i = 0; i < FPOOL_SHADOW_SIZES; i++)
		depth[i] = (u64)frames * fpool_shadow_eighths[i] / FPOOL_SHADOW_UNIT;
	machine_lru(t, depth, FPOOL_SHADOW_SIZES, misses);
}

u32 machine_eighths(unsigned int n)
{
	return n < FPOOL_SHADOW_SIZES ? fpool_shadow_eighths[n] : 0;
}

static void tell(struct machine *m, u32 page)
{
	u64 vpn = m->trace->vpn[page];

	if (m->shadows && fpool_shadows_samples(m->shadows, SPACE, vpn))
		fpool_shadows_ref(m->shadows, SPACE, vpn);
}

/* Its accessed bit is read.  The one that a fault has left is no use of its own. */
static void tell_young(struct machine *m, u32 page)
{
	if ((m->bits[page] & (ACCESSED | FRESH)) == ACCESSED)
		tell(m, page);
}

/* The accessed bits of the sample; who looks next hears that they were set. */
static void look(struct machine *m)
{
	u32 page;

	for (page = 0; page < m->trace->pages; page++) {
		if (!(m->bits[page] & ACCESSED) ||
		    !fpool_shadows_samples(m->shadows, SPACE, m->trace->vpn[page]))
			continue;
		tell_young(m, page);
		m->bits[page] = (m->bits[page] & ~(ACCESSED | FRESH)) | REFERENCED;
	}
	m->next_look = m->at + m->every;
}

void machine_free(struct machine *m)
{
	if (m->shadows)
		kfree(m->shadows->mrc.page);
	kfree(m->shadows);
	kfree(m->frames.tab);
	kfree(m->free);
	kfree(m->page);
	kfree(m->ghost);
	kfree(m->bits);
	kfree(m);
}

static void leave(struct machine *m, fpool_frame_t frame)
{
	u32 nr = fpool_frame_nr(frame), page = m->page[nr];

	fpool_frames_mark_evict(&m->frames, frame);
	m->ghost[page] = fpool_policy_evicted(&m->policy, frame);
	fpool_frames_mark_free(&m->frames, frame);
	m->free[m->nfree++] = nr;
	m->counts.writes += !!(m->bits[page] & DIRTY);
	m->counts.evictions++;
	m->bits[page] = 0;
}

static void evict_batch(struct machine *m)
{
	fpool_frame_t out[BATCH_MAX];
	bool accessed[BATCH_MAX];
	u32 i, n = fpool_policy_candidates(&m->policy, out, m->batch);

	for (i = 0; i < n; i++) {
		u32 page = m->page[fpool_frame_nr(out[i])];

		accessed[i] = m->bits[page] & (ACCESSED | REFERENCED);
		if (m->every)
			tell_young(m, page);
		m->bits[page] &= ~(ACCESSED | REFERENCED | FRESH);
	}
	for (i = 0; i < n; i++)
		if (fpool_policy_judge(&m->policy, out[i], accessed[i]))
			leave(m, out[i]);
}

static void fault(struct machine *m, u32 page)
{
	fpool_frame_t frame;
	u64 age;

	m->counts.misses++;
	if (m->shadows)
		fpool_shadows_follow(m->shadows, m->policy.duel.won);
	if (m->every)
		tell(m, page);
	while (!m->nfree)
		evict_batch(m);
	age = fpool_policy_age(&m->policy, m->ghost[page]);
	frame = fpool_frame(m->free[--m->nfree]);
	m->page[fpool_frame_nr(frame)] = page;
	m->bits[page] = RESIDENT | FRESH;
	fpool_frames_mark_fill(&m->frames, frame, SPACE, fpool_vpn(m->trace->vpn[page]));
	fpool_frames_mark_resident(&m->frames, frame);
	fpool_policy_insert(&m->policy, frame, age);
}

void machine_run(struct machine *m, u32 end)
{
	const u32 *ref = m->trace->ref;
	u32 i;

	for (i = m->at; i < end; i++) {
		u32 page = ref[i] & TRACE_PAGE;

		if (unlikely(!(m->bits[page] & RESIDENT)))
			fault(m, page);
		m->bits[page] |= ref[i] & TRACE_WRITE ? ACCESSED | DIRTY : ACCESSED;
		if (likely(!m->shadows))
			continue;
		m->at = i;
		if (!m->every)
			tell(m, page);
		else if (i >= m->next_look)
			look(m);
	}
	m->at = end;
}

const char *machine_check(const struct machine *m)
{
	const char *why;

	fpool_policy_check(&m->policy, &why);
	if (!why && fpool_policy_len(&m->policy) + m->nfree != m->frames.nframes)
		why = "the policy has lost a frame, or has one twice";
	return why;
}

struct machine_counts machine_counts(const struct machine *m)
{
	struct machine_counts c = m->counts;

	c.tests = m->policy.tests;
	return c;
}
