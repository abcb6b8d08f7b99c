// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine: frames, a page table and its bits, and the core's own policies and frame table.
 *
 * A policy gets no more than in the module.  A hit sets bits of the page and tells nobody.  A miss
 * inserts the page with the age of its ghost, and the faulting access itself then sets the
 * accessed bit.  When no frame is free, a batch of candidates is asked for, their accessed
 * bits are read and cleared, and each is judged; victims leave, and leave a ghost if the
 * policy wants one.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "frames.h"
#include "machine.h"
#include "policy.h"

#define BATCH_MAX	256U
#define SPACE		1	/* all pages are of one space */

/* Of a page, as hardware keeps them in its page table. */
#define RESIDENT	0x01
#define ACCESSED	0x02
#define DIRTY		0x04

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
	m = kzalloc(sizeof(*m), GFP_KERNEL);
	m->trace = t;
	m->batch = clamp(batch, 1U, BATCH_MAX);
	m->bits = kzalloc(t->pages, GFP_KERNEL);
	m->ghost = kcalloc(t->pages, sizeof(u64), GFP_KERNEL);
	m->page = kcalloc(frames, sizeof(u32), GFP_KERNEL);
	m->free = kcalloc(frames, sizeof(u32), GFP_KERNEL);
	for (i = 0; i < frames; i++)
		m->free[m->nfree++] = frames - 1 - i;
	fpool_frames_init(&m->frames, kzalloc(fpool_frames_bytes(frames), GFP_KERNEL), frames);
	if (fpool_policy_init(&m->policy, ops, &m->frames, frames))
		return NULL;
	return m;
}

void machine_free(struct machine *m)
{
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
		u8 *bits = &m->bits[m->page[fpool_frame_nr(out[i])]];

		accessed[i] = *bits & ACCESSED;
		*bits &= ~ACCESSED;
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
	while (!m->nfree)
		evict_batch(m);
	age = fpool_policy_age(&m->policy, m->ghost[page]);
	frame = fpool_frame(m->free[--m->nfree]);
	m->page[fpool_frame_nr(frame)] = page;
	m->bits[page] = RESIDENT;
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
