// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model: the file's bytes, and for each page of memory which of them it has to show.
 *
 * Slots are places in an arena that was reserved once: what is unmapped there is reserved again, so
 * that nothing else can come to be where the model believes a hole.
 */
#include "fuzz.h"

struct slot slots[SLOTS];
u64 mapped_by[EXTRAS];

u64 bytes_now(void)
{
	return *run.bytes_now;
}

void slots_make(u32 pages)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++) {
		slots[i].pages = i ? SMALL_PAGES : pages;
		slots[i].map = calloc(slots[i].pages, sizeof(struct mapped));
		slots[i].addr = mmap(NULL, slots[i].pages * PAGE, PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		need(slots[i].map && slots[i].addr != MAP_FAILED, "no memory for the slots");
	}
}

u32 usable(const struct mapped *m)
{
	u64 start = m->page * PAGE, bytes = bytes_now();

	if (m->kind == NONE || start >= bytes)
		return 0;
	if (m->copy)
		return m->valid;
	return bytes - start < PAGE ? bytes - start : PAGE;
}

bool allows(const struct mapped *m, int prot)
{
	return m->kind != NONE && (m->prot & prot) == prot;
}

u64 reach(const struct slot *s, u64 at, u64 len, int prot)
{
	u64 got = 0, end, want, page = 0;
	const struct mapped *m;

	while (got < len && (at + got) / PAGE < s->pages) {
		m = &s->map[(at + got) / PAGE];
		end = usable(m);
		want = (at + got) % PAGE;
		/* No page twice: nobody says in which order a long store is done. */
		if (!allows(m, prot) || want >= end || m->page < page)
			break;
		page = m->page + 1;
		got += end - want;
		if (end < PAGE)
			break;
	}
	return got < len ? got : len;
}

static void forget_page(struct mapped *m)
{
	if (m->kind != NONE)
		mapped_by[m->fd]--;
	free(m->copy);
	memset(m, 0, sizeof(*m));
}

void forget(struct slot *s, u32 first, u32 nr)
{
	u32 i;

	for (i = first; i < first + nr; i++)
		forget_page(&s->map[i]);
}

void reserve(struct slot *s, u32 first, u32 nr)
{
	u8 *addr = s->addr + first * PAGE;

	need(mmap(addr, nr * PAGE, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == addr,
	     "reserve: %s", strerror(errno));
	forget(s, first, nr);
}

void model_copy_on_write(struct mapped *m)
{
	if (m->kind != PRIVATE || m->copy)
		return;
	m->valid = usable(m);
	m->copy = malloc(PAGE);
	need(m->copy, "no memory");
	memcpy(m->copy, run.model + m->page * PAGE, PAGE);
}

/* The piece of a place that is on one page. */
static u64 piece(const struct place *p, u64 done, struct mapped **m, u64 *offset)
{
	u64 at = p->at + done, left = p->len - done;

	*m = &p->slot->map[at / PAGE];
	*offset = at % PAGE;
	return left < PAGE - *offset ? left : PAGE - *offset;
}

void model_get(const struct place *p, u8 *out)
{
	u64 done, len, offset;
	struct mapped *m;

	for (done = 0; done < p->len; done += len) {
		len = piece(p, done, &m, &offset);
		memcpy(out + done, (m->copy ?: run.model + m->page * PAGE) + offset, len);
	}
}

void model_put(const struct place *p, const u8 *data)
{
	u64 done, len, offset;
	struct mapped *m;

	for (done = 0; done < p->len; done += len) {
		len = piece(p, done, &m, &offset);
		model_copy_on_write(m);
		memcpy((m->copy ?: run.model + m->page * PAGE) + offset, data + done, len);
	}
}

bool shows(const struct place *p, u64 offset, u64 len)
{
	u64 i;

	for (i = p->at / PAGE; i <= (p->at + p->len - 1) / PAGE; i++)
		if (p->slot->map[i].page >= offset / PAGE &&
		    p->slot->map[i].page <= (offset + len - 1) / PAGE)
			return true;
	return false;
}
