/* SPDX-License-Identifier: GPL-2.0-only */
/* What programs say of the pages that they will use, and will not. */
#ifndef FPOOL_HINT_H
#define FPOOL_HINT_H

#include "space.h"

u64 fpool_hint_cool(struct fpool_space *space, fpool_vpn_t vpn, fpool_vpn_t end);
void fpool_hint_done(struct fpool_space *space, fpool_vpn_t vpn, u32 nr);

#endif /* FPOOL_HINT_H */
