/* SPDX-License-Identifier: GPL-2.0-only */
/* Which pages were used, for who records them. */
#ifndef FPOOL_REFLOG_H
#define FPOOL_REFLOG_H

#include <linux/rcupdate.h>
#include <uapi/linux/framepool.h>

#include "types.h"

struct fpool_reflog;

struct fpool_reflog *fpool_reflog_create(void);
void fpool_reflog_destroy(struct fpool_reflog *log);
void fpool_reflog_add(struct fpool_reflog __rcu **where, u64 vpn, u64 how);
u32 fpool_reflog_take(struct fpool_reflog *log, u64 *refs, u32 nr);
u64 fpool_reflog_lost(struct fpool_reflog *log);

/**
 * fpool_reflog_note - a page was used
 * @where: of its space
 * @vpn: the page
 * @how: FRAMEPOOL_REF_*
 *
 * Where nobody records, it is a look at a pointer.
 *
 * Context: Any but interrupts; nothing is taken under its lock.
 */
static inline void fpool_reflog_note(struct fpool_reflog __rcu **where, u64 vpn, u64 how)
{
	if (unlikely(rcu_access_pointer(*where)))
		fpool_reflog_add(where, vpn, how);
}

#endif /* FPOOL_REFLOG_H */
