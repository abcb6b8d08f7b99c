/* SPDX-License-Identifier: GPL-2.0-only */
/* Bringing pages to frames. */
#ifndef FPOOL_PAGER_H
#define FPOOL_PAGER_H

#include "space.h"

struct iov_iter;
struct mm_struct;

int fpool_pager_init(void);
void fpool_pager_exit(void);

struct page *fpool_pager_lookup(struct fpool_space *space, fpool_vpn_t vpn);
u32 fpool_pager_lookup_run(struct fpool_space *space, fpool_vpn_t vpn, u32 nr, struct page **pages);
/* How a page is asked for. */
#define FPOOL_FILL_HERE		1	/* the read may be started here; else a worker does it */
#define FPOOL_FILL_ALONE	2	/* neighbours are not wanted, unless the space has a type */
#define FPOOL_FILL_SEQUENTIAL	4	/* they are, whatever was asked for before */
#define FPOOL_FILL_ONCE		8	/* the use of the page does not count */
/* With ALONE: 2^order pages are wanted, all of the block that begins with the page. */
#define FPOOL_FILL_ORDER(order)	((order) << 4)

/* ... by somebody who gave a FRAMEPOOL_ADVICE_*. */
static inline unsigned int fpool_pager_advised(u8 advice)
{
	if (advice == FRAMEPOOL_ADVICE_RANDOM)
		return FPOOL_FILL_ALONE;
	return advice == FRAMEPOOL_ADVICE_SEQUENTIAL ? FPOOL_FILL_SEQUENTIAL : 0;
}

/* ... by somebody who wants all pages up to @end, of which @vpn is the next. */
static inline unsigned int fpool_pager_all(fpool_vpn_t vpn, fpool_vpn_t end)
{
	u64 nr = fpool_vpn_nr(vpn), left = fpool_vpn_nr(end) - nr;
	unsigned int order = FPOOL_STREAM_MAX_ORDER;

	while (order && (left < 1U << order || !IS_ALIGNED(nr, 1U << order)))
		order -= 2;
	return FPOOL_FILL_ALONE | FPOOL_FILL_ORDER(order);
}

int fpool_pager_start(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		      unsigned int how, struct page **page);
int fpool_pager_store(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		      struct iov_iter *iter, struct page **page);
bool fpool_pager_make_nodes(struct fpool_space *space, fpool_vpn_t vpn);
void fpool_pager_ahead(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		       u64 first, u64 end);
int fpool_pager_take_error(struct fpool_space *space, fpool_vpn_t vpn);

#endif /* FPOOL_PAGER_H */
