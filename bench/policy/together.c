// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several processes in one pool.  Each makes a reference in every unit of time, unless it waits for
 * a page: a fault takes 200 to 1,000 units, and the others go on meanwhile.  At its end a
 * process gives all its frames back.
 *
 * The frames, the policies and the working sets are the core's, called as the module calls them.
 */
#include <linux/kernel.h>
#include <linux/slab.h>

#include "fail.h"
#include "together.h"
#include "wset.h"

#define DELAY_LEAST	200U
#define DELAY_MOST	1000U
#define SPACE		1	/* all pages are of one space */

#define RESIDENT	0x01
#define ACCESSED	0x02

struct process {
	const struct trace *trace;
	struct fpool_wset set;		/* unless all is global */
	struct fpool_wset *charged;
	u32 at;				/* the next reference */
	u64 wakes;			/* when it makes that */
	u64 seed;
	u32 frames;			/* that it has */
	u8 *bits;			/* of each page */
	u64 *ghost;			/* of each page */
	struct together_counts *counts;
};

struct together {
	struct fpool_frames frames;
	struct fpool_wsets sets;
	struct fpool_wset *tab[TOGETHER_MAX + 1];
	struct process process[TOGETHER_MAX];
	unsigned int nr;
	u64 now;
	u32 *page;			/* of each frame */
	u8 *owner;			/* of each frame: the process */
	u32 *free, nfree;		/* a stack of frames */
};

/* Not the same delays in step for everybody; xorshift64*. */
static u32 delay(struct process *p)
{
	p->seed ^= p->seed >> 12;
	p->seed ^= p->seed << 25;
	p->seed ^= p->seed >> 27;
	return DELAY_LEAST + (u32)(p->seed * 0x2545f4914f6cdd1dULL >> 33) %
				     (DELAY_MOST - DELAY_LEAST + 1);
}

static void give(struct together *m, fpool_frame_t frame)
{
	u32 nr = fpool_frame_nr(frame);

	fpool_wset_uncharge(&m->sets, frame);
	fpool_frames_mark_free(&m->frames, frame);
	m->process[m->owner[nr]].frames--;
	m->free[m->nfree++] = nr;
}

static void leave(struct together *m, fpool_frame_t frame)
{
	u32 nr = fpool_frame_nr(frame), page = m->page[nr];
	struct process *p = &m->process[m->owner[nr]];

	fpool_frames_mark_evict(&m->frames, frame);
	p->ghost[page] = fpool_wsets_evicted(&m->sets, frame);
	p->bits[page] = 0;
	give(m, frame);
}

static void evict_one(struct together *m, struct process *self)
{
	struct fpool_wset *set = fpool_wsets_victim(&m->sets, self->charged);
	fpool_frame_t frame;
	bool accessed;
	u8 *bits;

	fpool_policy_candidates(&set->policy, &frame, 1);
	bits = &m->process[m->owner[fpool_frame_nr(frame)]].bits[m->page[fpool_frame_nr(frame)]];
	accessed = *bits & ACCESSED;
	*bits &= ~ACCESSED;
	if (fpool_policy_judge(&set->policy, frame, accessed))
		leave(m, frame);
}

static void fault(struct together *m, struct process *p, u32 page)
{
	fpool_frame_t frame;
	u32 nr;
	u64 age;

	p->counts->faults++;
	p->wakes = m->now + delay(p);
	fpool_wset_fault(&m->sets, p->charged, p->ghost[page]);
	while (!m->nfree)
		evict_one(m, p);
	age = fpool_wsets_age(&m->sets, p->ghost[page]);
	nr = m->free[--m->nfree];
	frame = fpool_frame(nr);
	m->page[nr] = page;
	m->owner[nr] = p - m->process;
	p->frames++;
	p->counts->most = max(p->counts->most, p->frames);
	p->bits[page] = RESIDENT;
	fpool_frames_mark_fill(&m->frames, frame, SPACE, fpool_vpn(p->trace->vpn[page]));
	fpool_wset_charge(&m->sets, p->charged, frame);
	fpool_frames_mark_resident(&m->frames, frame);
	fpool_policy_insert(&p->charged->policy, frame, age);
}

static void end(struct together *m, struct process *p)
{
	u32 nr;

	p->counts->time = p->wakes;
	p->wakes = U64_MAX;
	if (p->charged == &p->set)
		fpool_wset_leave(&m->sets, &p->set);
	for (nr = 0; nr < m->frames.nframes; nr++) {
		if (m->owner[nr] != p - m->process ||
		    m->frames.tab[nr].state != FPOOL_FRAME_RESIDENT)
			continue;
		fpool_policy_remove(&p->charged->policy, fpool_frame(nr));
		fpool_frames_mark_evict(&m->frames, fpool_frame(nr));
		give(m, fpool_frame(nr));
	}
	if (p->charged == &p->set)
		fpool_wset_del(&m->sets, &p->set);
}

/* References up to its next fault, or to when the next process has its turn. */
static void go_on(struct together *m, struct process *p)
{
	u32 page = p->trace->ref[p->at] & TRACE_PAGE;

	p->wakes = m->now + 1;
	if (unlikely(!(p->bits[page] & RESIDENT)))
		fault(m, p, page);
	p->bits[page] |= ACCESSED;
	if (++p->at == p->trace->n)
		end(m, p);
}

/* False when all have ended. */
static bool step(struct together *m)
{
	u64 next = U64_MAX;
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		if (m->process[i].wakes <= m->now)
			go_on(m, &m->process[i]);
		next = min(next, m->process[i].wakes);
	}
	m->now = next;
	return next != U64_MAX;
}

static void process_init(struct together *m, unsigned int i, const struct trace *t,
			 unsigned int number, enum together_rule rule,
			 struct together_counts *counts)
{
	struct process *p = &m->process[i];

	p->trace = t;
	p->seed = 0x9e3779b97f4a7c15ULL + number;
	p->bits = alloc_zeroed(t->pages);
	p->ghost = alloc_zeroed((size_t)t->pages * sizeof(u64));
	p->counts = counts;
	p->charged = rule == TOGETHER_SETS ? &p->set : &m->sets.common;
	if (rule == TOGETHER_SETS)
		fpool_wset_add(&m->sets, &p->set);
	*counts = (struct together_counts){ 0 };
}

static struct together *together_new(const char *policy, enum together_rule rule, u32 frames)
{
	struct together *m = alloc_zeroed(sizeof(*m));
	u32 i;

	fpool_frames_init(&m->frames, alloc_zeroed(fpool_frames_bytes(frames)), frames);
	m->page = alloc_zeroed((size_t)frames * sizeof(u32));
	m->owner = alloc_zeroed(frames);
	m->free = alloc_zeroed((size_t)frames * sizeof(u32));
	for (i = 0; i < frames; i++)
		m->free[m->nfree++] = frames - 1 - i;
	fpool_wsets_init(&m->sets, fpool_policy_find(policy), &m->frames, frames, m->tab,
			 rule == TOGETHER_SETS ? TOGETHER_MAX + 1 : 0);
	return m;
}

static void together_free(struct together *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		kfree(m->process[i].bits);
		kfree(m->process[i].ghost);
	}
	kfree(m->frames.tab);
	kfree(m->page);
	kfree(m->owner);
	kfree(m->free);
	kfree(m);
}

const char *together_run(const struct trace *const *t, unsigned int nr, unsigned int number,
			 const char *policy, enum together_rule rule, u32 frames,
			 struct together_counts *counts)
{
	struct together *m = together_new(policy, rule, frames);
	const char *why;

	for (; m->nr < nr; m->nr++)
		process_init(m, m->nr, t[m->nr], number + m->nr, rule, &counts[m->nr]);
	while (step(m))
		;
	fpool_wsets_check(&m->sets, &why);
	if (!why && m->nfree != frames)
		why = "a frame was lost";
	together_free(m);
	return why;
}
