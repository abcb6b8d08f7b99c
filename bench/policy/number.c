// SPDX-License-Identifier: GPL-2.0-only
/* Whole numbers that people write: strtoul() takes signs and blanks, and -1 for a large one. */
#include "number.h"

const char *number_read(const char *s, u32 least, u32 most, u32 *n)
{
	u64 value = 0;

	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		value = 10 * value + (*s - '0');
		if (value > most)
			return NULL;
	}
	*n = value;
	return value >= least ? s : NULL;
}
