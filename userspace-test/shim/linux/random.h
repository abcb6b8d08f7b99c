/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_RANDOM_H
#define SHIM_LINUX_RANDOM_H

#include <linux/types.h>
#include "../host.h"

static inline u64 get_random_u64(void)
{
	return host_random();
}

#endif
