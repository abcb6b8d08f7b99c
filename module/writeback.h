/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing pages back: runs of neighbours in one call, and what fsync promises. */
#ifndef FPOOL_WRITEBACK_H
#define FPOOL_WRITEBACK_H

#include "space.h"

void fpool_writeback_redirty(struct fpool_space *space, fpool_frame_t frame);
int fpool_writeback_range(struct fpool_space *space, fpool_vpn_t first, fpool_vpn_t end,
			  u64 *written, u64 *failed);
int fpool_writeback_known(struct fpool_space *space);
u64 fpool_writeback_look(struct fpool_space *space);
int fpool_writeback_sync(struct fpool_space *space, fpool_vpn_t start, fpool_vpn_t end,
			 u64 *written, u64 *failed);
bool fpool_writeback_unflushed(struct fpool_space *space);
u64 fpool_writeback_count_dirty(struct fpool_space *space);
bool fpool_writeback_dirty(struct fpool_pool *pool, fpool_frame_t frame);

#endif /* FPOOL_WRITEBACK_H */
