/* SPDX-License-Identifier: GPL-2.0-only */
/* Setting the limits of working sets: what `wset` and `top` share. */
#ifndef FRAMEPOOL_WSET_H
#define FRAMEPOOL_WSET_H

#include "cmd.h"

/*
 * Set the limits of @pid in @pool; what is NULL stays as it is. 0 or -errno, and then nothing has
 * changed; wset_reasons says what an errno means.
 */
int wset_limit(int control, const char *pool, int pid, const __u64 *min, const __u64 *max);
extern const struct reason wset_reasons[];

#endif /* FRAMEPOOL_WSET_H */
