/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_ASM_BARRIER_H
#define SHIM_ASM_BARRIER_H

/* smp_load_acquire() and smp_store_release() */
#include <linux/compiler.h>

#endif
