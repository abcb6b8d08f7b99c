/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole numbers that people write. */
#ifndef BENCH_NUMBER_H
#define BENCH_NUMBER_H

#include "num.h"

/* Reads decimal digits.  Returns what comes after them, or NULL: none, or not @least to @most. */
const char *number_read(const char *s, u32 least, u32 most, u32 *n);

#endif /* BENCH_NUMBER_H */
