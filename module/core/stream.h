/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Streams: how much to fetch at a miss, from where the last misses were.
 *
 * A miss next to what was fetched before goes on with a stream, in either direction and with small
 * strides; the second one in a row begins to grow what is fetched, fourfold each time up to 256
 * pages.  A miss anywhere else is the beginning of a new stream, which fetches one page, and the
 * stream that has fetched nothing for longest is forgotten, where those that have grown count as
 * a sixteenth as old.  So a random reader never fetches more than it asks for, and several
 * sequential readers, with a random one beside them, do not disturb each other.  What is fetched
 * ahead of a reader lies on the side on which his last miss was.
 *
 * The idea is that of Linux's on-demand readahead (Fengguang Wu, 2007) with the state in the
 * space instead of the descriptor, as faults know no descriptor's position.
 *
 * No lock: the caller serialises every call but fpool_streams_block() and fpool_streams_next().
 */
#ifndef FPOOL_CORE_STREAM_H
#define FPOOL_CORE_STREAM_H

#include "types.h"

#define FPOOL_NR_STREAMS	4
#define FPOOL_STREAM_NEAR	4	/* a stride up to this is no jump */
#define FPOOL_STREAM_MAX_ORDER	8
#define FPOOL_STREAM_MAX	BIT_ULL(FPOOL_STREAM_MAX_ORDER)	/* pages of a fetch */

/**
 * struct fpool_stream - misses that follow each other
 * @lo: the first page of what was fetched last
 * @hi: past the last
 * @hits: misses in a row that went on with it
 * @used: when something was fetched for it last
 * @down: the last of them was below what was fetched before
 */
struct fpool_stream {
	u64 lo, hi;
	u32 hits;
	u32 used;
	bool down;
};

/**
 * struct fpool_stream_ahead - what comes next in a stream
 * @entry: the page at which its reader comes into what was fetched last
 * @next: the page to fetch around; it may lie outside of the file
 * @step: from there to the one after it, modulo 2^64: 1 or -1
 */
struct fpool_stream_ahead {
	u64 entry, next, step;
};

struct fpool_streams {
	struct fpool_stream stream[FPOOL_NR_STREAMS];
	u32 clock;
	u32 latest;		/* whose the next fetch is */
	u32 hits;		/* that he has with it */
};

void fpool_streams_init(struct fpool_streams *s);
unsigned int fpool_streams_miss(struct fpool_streams *s, u64 vpn);
void fpool_streams_fetched(struct fpool_streams *s, u64 first, u64 nr);
bool fpool_streams_next(const struct fpool_streams *s, u64 vpn, struct fpool_stream_ahead *ahead);
unsigned int fpool_streams_ahead(struct fpool_streams *s, u64 vpn,
				 struct fpool_stream_ahead *ahead);
unsigned int fpool_streams_block(const struct fpool_streams *s, u64 vpn, u64 *lo, u64 *hi);

#endif /* FPOOL_CORE_STREAM_H */
