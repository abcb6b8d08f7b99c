/* SPDX-License-Identifier: GPL-2.0-only */
/* Pages that stay, and pages that are not written, until their program says so. */
#ifndef FPOOL_HOLD_H
#define FPOOL_HOLD_H

#include <uapi/linux/framepool.h>

#include "space.h"

long fpool_hold_pin(struct fpool_handle *handle, fpool_vpn_t start, fpool_vpn_t end,
		    struct framepool_range *r);
long fpool_hold_unpin(struct fpool_handle *handle, fpool_vpn_t start, fpool_vpn_t end,
		      struct framepool_range *r);
long fpool_hold_begin(struct fpool_handle *handle, fpool_vpn_t start, fpool_vpn_t end,
		      struct framepool_range *r);
long fpool_hold_release(struct fpool_handle *handle, fpool_vpn_t start, fpool_vpn_t end,
			struct framepool_range *r);
void fpool_hold_leave(struct fpool_handle *handle);

#endif /* FPOOL_HOLD_H */
