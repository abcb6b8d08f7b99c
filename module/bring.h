/* SPDX-License-Identifier: GPL-2.0-only */
/* Bringing a page and waiting for it. */
#ifndef FPOOL_BRING_H
#define FPOOL_BRING_H

#include "space.h"

struct iov_iter;
struct mm_struct;

int fpool_bring(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		unsigned int how, bool bounded);
int fpool_bring_bounded(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn);
struct page *fpool_bring_get(struct fpool_space *space, const struct mm_struct *mm,
			     fpool_vpn_t vpn, unsigned int how);
struct page *fpool_bring_store(struct fpool_space *space, const struct mm_struct *mm,
			       fpool_vpn_t vpn, unsigned int how, struct iov_iter *iter);
int fpool_bring_wait(struct fpool_space *space, fpool_vpn_t vpn, bool bounded);
bool fpool_bring_gave_up(struct fpool_space *space, fpool_vpn_t vpn);
bool fpool_bring_starved(struct fpool_space *space, fpool_vpn_t vpn);

extern unsigned int fpool_bring_wait_ms;

#endif /* FPOOL_BRING_H */
