// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be asked of a space and its pool while it works, and changes no byte: pages fetched while
 * nobody waits, limits, another policy, advice, a recording, what went wrong.
 */
#include "fuzz.h"

#include <poll.h>
#include <sys/eventfd.h>

#define ASKED		4		/* tickets that are out */
#define SPANS		3
#define ROOM		160		/* frames that a limit leaves beside pins */
#define REFS		1024
#define FETCH_MS	120000

/* ---- fetched while nobody waits ---- */

static struct asked {
	u64 ticket;			/* 0: none */
	u32 nr, pages[SPANS];
	int eventfd;
	bool resized;			/* meanwhile: some of it may not be there any more */
} asked[ASKED];

static int result(u64 ticket, u32 nr, struct framepool_span *spans)
{
	struct framepool_prefetch p = {
		.size = sizeof(p), .spans = (uintptr_t)spans, .nr = nr, .ticket = ticket,
	};

	return ioctl(first_fd(), FRAMEPOOL_PREFETCH_RESULT, &p) ? errno : 0;
}

void op_start(struct op *o)
{
	struct asked *a = &asked[below(o, ASKED)];
	struct framepool_span spans[SPANS] = { 0 };
	struct framepool_prefetch p = { .size = sizeof(p), .spans = (uintptr_t)spans };
	u64 at = 0, len = 0;
	u32 i;

	if (plain || a->ticket)
		return;
	memset(a, 0, sizeof(*a));
	for (i = 1 + below(o, SPANS); i; i--) {
		a->pages[a->nr] = pick_pages(o, 32, &at, &len);
		spans[a->nr].offset = at;
		spans[a->nr].length = len;
		a->nr += !!a->pages[a->nr];
	}
	if (!a->nr)
		return;
	a->eventfd = below(o, 4) ? -1 : (int)need_ok(eventfd(0, EFD_CLOEXEC));
	p.nr = a->nr;
	p.eventfd = a->eventfd;
	note("PREFETCH_START %u spans, the first %#jx %u pages", a->nr,
	     (uintmax_t)spans[0].offset, a->pages[0]);
	need_ok(ioctl(first_fd(), FRAMEPOOL_PREFETCH_START, &p));
	need(p.ticket, "no ticket");
	a->ticket = p.ticket;
}

static void check_span(const struct asked *a, u32 i, const struct framepool_span *s)
{
	need(s->done + s->already + s->failed == a->pages[i],
	     "span %u: %ju fetched, %ju there, %ju failed of %u", i, (uintmax_t)s->done,
	     (uintmax_t)s->already, (uintmax_t)s->failed, a->pages[i]);
	need(!s->failed == !s->error && (!s->error || s->error == ENOMEM || a->resized),
	     "span %u: %ju failed, %s", i, (uintmax_t)s->failed, strerror(s->error));
}

void op_result(struct op *o)
{
	struct asked *a = &asked[below(o, ASKED)];
	struct framepool_span spans[SPANS];
	struct pollfd told = { .fd = a->eventfd, .events = POLLIN };
	int err;
	u32 i;

	if (plain)
		return;
	note("PREFETCH_RESULT of %ju", (uintmax_t)a->ticket);
	if (!a->ticket) {
		need(result(a->ticket, SPANS, spans) == ENOENT, "there is no such ticket");
		return;
	}
	need(result(a->ticket, a->nr - 1, spans) == EINVAL, "too little room");
	if (told.fd >= 0)
		need(poll(&told, 1, FETCH_MS) == 1, "nobody was told: %s", strerror(errno));
	err = result(a->ticket, a->nr, spans);
	if (err == EAGAIN && told.fd < 0)
		return;
	need(!err, "%s", strerror(err));
	for (i = 0; i < a->nr; i++)
		check_span(a, i, &spans[i]);
	if (told.fd >= 0)
		need_ok(close(told.fd));
	a->ticket = 0;
}

void asks_resized(void)
{
	u32 i;

	for (i = 0; i < ASKED; i++)
		asked[i].resized = true;
}

/* ---- limits ---- */

static u64 limit = FRAMEPOOL_WSET_NO_MAX, least;

/* As much as its limit leaves beside pins, with what single operations need. */
bool may_pin(u32 nr)
{
	return limit == FRAMEPOOL_WSET_NO_MAX ||
	       pinned_pages() + held_pages() + nr + ROOM / 2 <= limit;
}

void op_limit(struct op *o)
{
	struct framepool_wset_limit l = { .size = sizeof(l), .max = FRAMEPOOL_WSET_NO_MAX };
	struct framepool_pool p;

	if (plain)
		return;
	need(pool_info(pool, &p), "no pool");
	/* Seldom: everything takes longer then. */
	if (!below(o, 5))
		l.max = pinned_pages() + held_pages() + ROOM + below(o, p.bound);
	l.min = below(o, 3) ? 0 : below(o, 64);
	l.pid = below(o, 2) ? getpid() : 0;
	memcpy(l.name, pool, sizeof(l.name));
	note("WSET_LIMIT %ju to %jd", (uintmax_t)l.min, (intmax_t)l.max);
	need_ok(ioctl(control_fd(), FRAMEPOOL_WSET_LIMIT, &l));
	limit = l.max;
	least = l.min;
}

void op_wset(struct op *o)
{
	struct framepool_wset w = { .size = sizeof(w) };

	if (plain)
		return;
	w.pid = below(o, 2) ? getpid() : 0;
	memcpy(w.name, pool, sizeof(w.name));
	note("WSET_GET");
	need_ok(ioctl(control_fd(), FRAMEPOOL_WSET_GET, &w));
	need(w.max == limit && w.min == least, "limits %ju and %ju", (uintmax_t)w.min,
	     (uintmax_t)w.max);
	need(w.charge <= w.max && w.charge <= w.peak && w.peak <= w.max && w.pinned <= w.charge,
	     "%ju charged, at most %ju, %ju pinned, of %ju", (uintmax_t)w.charge,
	     (uintmax_t)w.peak, (uintmax_t)w.pinned, (uintmax_t)w.max);
}

/* ---- the pool ---- */

void op_policy(struct op *o)
{
	static const char * const names[] = { "tenure", "clock", "lru2", "fifo" };
	const char *name = names[below(o, ARRAY_SIZE(names))];
	struct framepool_pool_policy p = { .size = sizeof(p) };

	if (plain)
		return;
	note("POOL_SET_POLICY %s", name);
	strcpy(p.policy, name);
	memcpy(p.name, pool, sizeof(p.name));
	need_ok(ioctl(control_fd(), FRAMEPOOL_POOL_SET_POLICY, &p));
}

/* What the pool says of its own structures. */
void op_check(struct op *o)
{
	char where[128], text[128];

	(void)o;
	snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/check", pool);
	if (plain || !knob_read(where, text, sizeof(text)))
		return;
	note("check");
	need(!strcmp(text, "ok"), "%s", text);
}

/* ---- a space ---- */

void op_advise(struct op *o)
{
	struct framepool_advise a = { .size = sizeof(a) };
	u64 at, len;
	u32 nr = pick_pages(o, 32, &at, &len);

	if (!nr || plain)
		return;
	a.offset = at;
	a.length = len;
	a.advice = below(o, FRAMEPOOL_ADVICE_NOREUSE + 1);
	note("ADVISE %#jx %u pages, %u", (uintmax_t)a.offset, nr, a.advice);
	need_ok(ioctl(any_fd(o), FRAMEPOOL_ADVISE, &a));
	need(a.done <= nr, "%ju of %u", (uintmax_t)a.done, nr);
}

void op_errors(struct op *o)
{
	struct framepool_errors e = { .size = sizeof(e) };

	if (plain)
		return;
	note("ERRORS");
	need_ok(ioctl(any_fd(o), FRAMEPOOL_ERRORS, &e));
	need(!e.reads && !e.writes && !e.flushes && !e.read_offset && !e.write_offset &&
	     !e.unwritten && !e.read_error && !e.write_error && !e.flush_error, "I/O errors");
}

/* ---- a recording ---- */

static int recorder = -1;
static u64 refs[REFS];

static bool among(u32 nr, u64 page, u64 bits)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		need((refs[i] & FRAMEPOOL_REF_PAGE) < PAGES(run.bytes_max), "page %#jx",
		     (uintmax_t)refs[i]);
		if ((refs[i] & FRAMEPOOL_REF_PAGE) == page && (refs[i] & bits) == bits)
			return true;
	}
	return false;
}

/* Take all that there is, by looks or from the log; whether a store to @page is among it. */
static bool take(u32 flags, u64 page, bool *lost)
{
	struct framepool_record r = {
		.size = sizeof(r), .flags = flags, .refs = (uintptr_t)refs,
	};
	bool found = false;

	do {
		r.nr = REFS;
		need_ok(ioctl(recorder, FRAMEPOOL_RECORD, &r));
		found = among(r.nr, page, FRAMEPOOL_REF_WRITE |
			      (flags ? FRAMEPOOL_REF_SEEN : 0)) || found;
	} while (flags ? r.cursor : r.nr == REFS);
	*lost = r.lost;
	return found;
}

void op_recorder(struct op *o)
{
	struct framepool_record_start s = { .size = sizeof(s) };

	/* Not for long: meanwhile each page has a fault of its own. */
	if (plain || (recorder < 0 && below(o, 4)))
		return;
	note("%s a recording", recorder < 0 ? "begin" : "end");
	if (recorder >= 0) {
		need_ok(close(recorder));
		recorder = -1;
		return;
	}
	recorder = space_attach(run.path, O_RDWR);
	if (!ioctl(recorder, FRAMEPOOL_RECORD_START, &s))
		return;
	need(errno == EBUSY && !alone, "RECORD_START: %s", strerror(errno));
	need_ok(close(recorder));
	recorder = -1;
}

/* A store between two looks is in the second, or in the log if its page has left before. */
void op_record(struct op *o)
{
	u64 at, len;
	u32 nr = pick_pages(o, 1, &at, &len);
	bool lost, found;

	if (recorder < 0 || !nr)
		return;
	note("a store to %#jx between looks", (uintmax_t)at);
	take(0, at / PAGE, &lost);
	take(FRAMEPOOL_RECORD_LOOK, at / PAGE, &lost);
	need(!store_first(at, mix(o->nr)), "a store died");
	found = take(FRAMEPOOL_RECORD_LOOK, at / PAGE, &lost);
	found = take(0, at / PAGE, &lost) || found;
	need(found || lost, "the store is not recorded");
}

/* ---- the end of all descriptors ---- */

void asks_leave(void)
{
	u32 i;

	for (i = 0; i < ASKED; i++)
		if (asked[i].ticket && asked[i].eventfd >= 0)
			need_ok(close(asked[i].eventfd));
	memset(asked, 0, sizeof(asked));
	if (recorder >= 0)
		need_ok(close(recorder));
	recorder = -1;
	/* Of the process's working set, which goes with its mappings. */
	limit = FRAMEPOOL_WSET_NO_MAX;
	least = 0;
}
