/* SPDX-License-Identifier: GPL-2.0-only */
/* What each working set of a pool would miss if it had so much memory for itself. */
#ifndef FRAMEPOOL_TOOLS_CURVES_H
#define FRAMEPOOL_TOOLS_CURVES_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CURVES_MAX 64
#define CURVE_SIZES 16

/* @eighths of a pool of @capacity pages; misses of each size, among @uses. */
struct curves {
	uint64_t capacity;
	unsigned int sizes, nr;
	unsigned int eighths[CURVE_SIZES];
	struct curve {
		unsigned int id;
		uint64_t uses, first, misses[CURVE_SIZES];
	} curve[CURVES_MAX];
	uint64_t left_out; /* uses of sets for which there was no room */
};

/* The module's table; false: it is none. */
bool curves_parse(FILE *in, struct curves *c);

void curves_show(const struct curves *c);
void curves_json(struct json *j, const struct curves *c);

#endif /* FRAMEPOOL_TOOLS_CURVES_H */
