/* SPDX-License-Identifier: GPL-2.0-only */
/* What went wrong last with the I/O of a space, and which pages still suffer from it. */
#ifndef FPOOL_ERRLOG_H
#define FPOOL_ERRLOG_H

#include <uapi/linux/framepool.h>

#include "space.h"

void fpool_errlog_read(struct fpool_space *space, fpool_vpn_t vpn, int err);
void fpool_errlog_write(struct fpool_space *space, fpool_vpn_t vpn, int err);
void fpool_errlog_flush(struct fpool_space *space, int err);
void fpool_errlog_wake(struct fpool_space *space);
void fpool_errlog_report(struct fpool_space *space, int err);
void fpool_errlog_mark(struct fpool_space *space, fpool_frame_t frame);
int fpool_errlog_write_error(struct fpool_space *space);
void fpool_errlog_get(struct fpool_space *space, struct framepool_errors *e);

#endif /* FPOOL_ERRLOG_H */
