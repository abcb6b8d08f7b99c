/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets of the core share: an input that is read as a list of operations, and
 * an end that libFuzzer notices.
 *
 * Every target keeps a model that is naive on purpose (arrays, searched from one end to the
 * other) and says before each call what has to come of it.  All choices come from the input's
 * bytes, so that an input is a replay; where they end, zeros follow.
 */
#ifndef FUZZ_CORE_H
#define FUZZ_CORE_H

#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "host.h"
#include "types.h"

struct input {
	const u8 *at, *end;
};

static inline u8 take8(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static inline u32 take16(struct input *in)
{
	u32 low = take8(in);

	return low | (u32)take8(in) << 8;
}

static inline u64 take64(struct input *in)
{
	u64 value = 0;
	int i;

	for (i = 0; i < 8; i++)
		value = value << 8 | take8(in);
	return value;
}

/* One of a few, and of many where one byte cannot say which. */
static inline u32 take_below(struct input *in, u32 n)
{
	return n ? (n <= 256 ? take8(in) : take16(in)) % n : 0;
}

static inline bool more(const struct input *in)
{
	return in->at < in->end;
}

/* What has to be so, or the input is kept as a find. */
#define must(cond, fmt, ...)								\
	do {										\
		if (!(cond)) {								\
			host_print("%s:%d: %s: " fmt "\n", __FILE__, __LINE__, #cond,	\
				   ##__VA_ARGS__);					\
			__builtin_trap();						\
		}									\
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif /* FUZZ_CORE_H */
