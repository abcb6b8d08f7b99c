/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

#define min(x, y) ({					\
	__auto_type __min_x = (x);			\
	__auto_type __min_y = (y);			\
	__min_x < __min_y ? __min_x : __min_y; })

#define max(x, y) ({					\
	__auto_type __max_x = (x);			\
	__auto_type __max_y = (y);			\
	__max_x > __max_y ? __max_x : __max_y; })

#define min_t(type, x, y)	min((type)(x), (type)(y))
#define max_t(type, x, y)	max((type)(x), (type)(y))
#define clamp(val, lo, hi)	min(max(val, lo), hi)

#define swap(a, b) do {					\
	__typeof__(a) __swap_tmp = (a);			\
	(a) = (b);					\
	(b) = __swap_tmp;				\
} while (0)

#endif
