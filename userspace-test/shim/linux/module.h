/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MODULE_H
#define SHIM_LINUX_MODULE_H

#include <linux/moduleparam.h>

#define MODULE_LICENSE(s)	_Static_assert(sizeof(s), "")
#define MODULE_DESCRIPTION(s)	_Static_assert(sizeof(s), "")
#define MODULE_AUTHOR(s)	_Static_assert(sizeof(s), "")
#define MODULE_IMPORT_NS(ns)	_Static_assert(sizeof(#ns), "")

#endif
