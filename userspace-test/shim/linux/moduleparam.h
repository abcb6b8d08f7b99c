/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MODULEPARAM_H
#define SHIM_LINUX_MODULEPARAM_H

/* "name=value" on the command line of the test program, as on insmod's; only ullong. */
#include <linux/types.h>
#include "../host.h"

#define module_param(name, type, perm)						\
	static void __attribute__((__constructor__)) __param_##name(void)	\
	{									\
		host_param(#name, &name);					\
	}
#define MODULE_PARM_DESC(name, desc)	_Static_assert(sizeof(desc), "")

#endif
