// SPDX-License-Identifier: GPL-2.0-only
/* Streams of misses: see stream.h. */
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "stream.h"

/* Misses in a row before more than one page is fetched. */
#define TRUST	2

/* A stream that has grown is as dear as one that is as many times younger and has not. */
#define GROWN_AGES	16

/* What the readers of ahead() fetch is at least this. */
#define AHEAD_MIN_ORDER	4

/**
 * fpool_streams_init() - no stream yet
 * @s: the streams of a space
 *
 * Context: Any.
 */
void fpool_streams_init(struct fpool_streams *s)
{
	memset(s, 0, sizeof(*s));
}

static bool goes_on(const struct fpool_stream *t, u64 vpn)
{
	return t->hi && vpn + FPOOL_STREAM_NEAR >= t->lo && vpn < t->hi + FPOOL_STREAM_NEAR;
}

static unsigned int order_of(u32 hits)
{
	if (hits < TRUST)
		return 0;
	return min_t(u32, 2 * (hits - TRUST + 1), FPOOL_STREAM_MAX_ORDER);
}

/* So that random misses beside a reader take each other's place and not his, unless he has gone. */
static u32 age(const struct fpool_streams *s, const struct fpool_stream *t)
{
	u32 age = s->clock - t->used;

	/* The youngest of the others is older than a grown one that goes on. */
	return order_of(t->hits) ? age / GROWN_AGES : age + 1;
}

/* The next fetch is a stream's, which has so many hits with it. */
static unsigned int ask(struct fpool_streams *s, u32 which, u32 hits)
{
	s->latest = which;
	s->hits = hits;
	return order_of(hits);
}

/**
 * fpool_streams_miss() - how much to fetch at a miss
 * @s: the streams of a space
 * @vpn: the page that is missing
 *
 * The caller says with fpool_streams_fetched() what it has fetched.  Only then has anything
 * happened: who finds no frame asks again, perhaps more than once, for the same miss.
 *
 * Context: Any; the caller serialises.
 * Return: Order of the aligned block around the page: 0, 2, 4, 6 or 8.
 */
unsigned int fpool_streams_miss(struct fpool_streams *s, u64 vpn)
{
	struct fpool_stream *t;
	u32 i, oldest = 0;

	for (i = 0; i < FPOOL_NR_STREAMS; i++) {
		t = &s->stream[i];
		if (goes_on(t, vpn)) {
			/* Who asks again for the same miss says the same. */
			WRITE_ONCE(t->down, vpn < t->lo);
			return ask(s, i, t->hits + 1);
		}
		if (age(s, t) > age(s, &s->stream[oldest]))
			oldest = i;
	}
	return ask(s, oldest, 0);
}

/**
 * fpool_streams_fetched() - what was fetched for the miss, or ahead, that was asked about last
 * @s: the streams of a space
 * @first: first page
 * @nr: pages, at least one
 *
 * Context: Any; the caller serialises.
 */
void fpool_streams_fetched(struct fpool_streams *s, u64 first, u64 nr)
{
	struct fpool_stream *t = &s->stream[s->latest];

	t->used = ++s->clock;
	WRITE_ONCE(t->hits, s->hits);
	WRITE_ONCE(t->lo, first);
	WRITE_ONCE(t->hi, first + nr);
}

/**
 * fpool_streams_block() - what a page was fetched with
 * @s: the streams of a space
 * @vpn: the page
 * @lo: out: the first page that was fetched with it
 * @hi: out: past the last
 *
 * Context: Any, beside one writer: a hint, of FPOOL_STREAM_MAX pages at most.
 * Return: Order that the stream of the page has grown to; 0, and nothing out: it was alone.
 */
unsigned int fpool_streams_block(const struct fpool_streams *s, u64 vpn, u64 *lo, u64 *hi)
{
	unsigned int order;
	u32 i;

	for (i = 0; i < FPOOL_NR_STREAMS; i++) {
		const struct fpool_stream *t = &s->stream[i];
		u64 first = READ_ONCE(t->lo), end = READ_ONCE(t->hi);

		/* More than a fetch is torn: the one is of what was fetched before the other. */
		if (vpn < first || vpn >= end || end - first > FPOOL_STREAM_MAX)
			continue;
		order = order_of(READ_ONCE(t->hits));
		if (order) {
			*lo = first;
			*hi = end;
		}
		return order;
	}
	return 0;
}

/* Whose block the page is in, if it is read ahead of. */
static const struct fpool_stream *reader(const struct fpool_streams *s, u64 vpn,
					 struct fpool_stream_ahead *ahead)
{
	const struct fpool_stream *t;

	for (t = s->stream; t < s->stream + FPOOL_NR_STREAMS; t++) {
		u64 first = READ_ONCE(t->lo), end = READ_ONCE(t->hi);

		/* Torn, as in fpool_streams_block(). */
		if (vpn < first || vpn >= end || end - first > FPOOL_STREAM_MAX ||
		    order_of(READ_ONCE(t->hits)) < AHEAD_MIN_ORDER)
			continue;
		if (READ_ONCE(t->down))
			*ahead = (struct fpool_stream_ahead){ end - 1, first - 1, -1ULL };
		else
			*ahead = (struct fpool_stream_ahead){ first, end, 1 };
		return t;
	}
	return NULL;
}

/**
 * fpool_streams_next() - what would be fetched ahead?
 * @s: the streams of a space
 * @vpn: a page that was touched and was there
 * @ahead: out: as fpool_streams_ahead()
 *
 * Context: Any, beside one writer: a hint.
 * Return: whether fpool_streams_ahead() would say that it is time.
 */
bool fpool_streams_next(const struct fpool_streams *s, u64 vpn, struct fpool_stream_ahead *ahead)
{
	return reader(s, vpn, ahead);
}

/**
 * fpool_streams_ahead() - is it time to fetch what comes next?
 * @s: the streams of a space
 * @vpn: a page that was touched and was there
 * @ahead: out: where
 *
 * The touch of a block that was fetched ahead is as good as a miss there: the block after it is
 * fetched, or before it for who reads backwards, so that a sequential reader hardly ever waits.
 * Only streams that have grown are read ahead of.
 *
 * Context: Any; the caller serialises.
 * Return: Order of the block, as fpool_streams_miss(); 0: no.
 */
unsigned int fpool_streams_ahead(struct fpool_streams *s, u64 vpn, struct fpool_stream_ahead *ahead)
{
	const struct fpool_stream *t = reader(s, vpn, ahead);

	return t ? ask(s, t - s->stream, t->hits + 1) : 0;
}
