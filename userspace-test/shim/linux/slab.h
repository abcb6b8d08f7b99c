/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

/* For tests only: the core allocates nothing. */
#include <linux/types.h>
#include "../host.h"

#define GFP_KERNEL	0u

#define kmalloc(size, gfp)	host_alloc(size, false)
#define kzalloc(size, gfp)	host_alloc(size, true)
#define kcalloc(n, size, gfp)	host_alloc((n) * (size), true)
#define kfree(p)		host_free(p)
#define kvmalloc(size, gfp)	host_alloc(size, false)
#define kvzalloc(size, gfp)	host_alloc(size, true)
#define kvfree(p)		host_free(p)
#define vmalloc(size)		host_alloc(size, false)
#define vzalloc(size)		host_alloc(size, true)
#define vfree(p)		host_free(p)

#endif
