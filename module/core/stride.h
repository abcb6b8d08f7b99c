/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Strides: readers who jump by the same distance each time, such as over a column of a matrix.
 *
 * Three misses an equal distance apart, further than a stream reaches, make a reader; when he
 * misses where he is expected, pages of his alone are fetched ahead: two of them, then twice as
 * many each time up to 16, as soon as he has come to the first of those that were fetched last.
 * Nothing of what lies between is fetched.  So that two readers who take turns are seen, a miss is
 * compared with the two before it, and with every second one before it.
 *
 * The idea is that of the stride prefetchers of processors (Fu, Patel and Janssens, 1992; Baer and
 * Chen, 1991), which know the instruction; here there is only the address.
 *
 * No lock: the caller serialises every call but fpool_strides_marked().
 */
#ifndef FPOOL_CORE_STRIDE_H
#define FPOOL_CORE_STRIDE_H

#include "types.h"

#define FPOOL_NR_STRIDERS	2
#define FPOOL_STRIDE_MAX	16	/* pages that are fetched ahead at once */
#define FPOOL_NO_MARK		U64_MAX

/**
 * struct fpool_strider - a reader who jumps
 * @next: where his next miss is expected
 * @stride: how far he jumps, modulo 2^64: downwards is as good
 * @mark: whose touch is the time to fetch more; FPOOL_NO_MARK: none's
 * @hits: misses where he was expected, and fetches, one more than there were; 0: nobody
 * @used: when the last of them was
 */
struct fpool_strider {
	u64 next;
	u64 stride;
	u64 mark;
	u32 hits;
	u32 used;
};

/**
 * struct fpool_strides - those of a space
 * @strider: the readers that were seen
 * @last: the last misses that belonged to nobody, the latest first
 * @clock: counts all of these
 */
struct fpool_strides {
	struct fpool_strider strider[FPOOL_NR_STRIDERS];
	u64 last[2 * FPOOL_NR_STRIDERS];
	u32 clock;
};

void fpool_strides_init(struct fpool_strides *s);
bool fpool_strides_miss(struct fpool_strides *s, u64 vpn);
u64 fpool_strides_marked(const struct fpool_strides *s, u64 first, u64 end);
u32 fpool_strides_ahead(struct fpool_strides *s, u64 vpn, u64 *next, u64 *stride);
void fpool_strides_fetched(struct fpool_strides *s, u64 vpn, u32 nr);

#endif /* FPOOL_CORE_STRIDE_H */
