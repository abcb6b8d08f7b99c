// SPDX-License-Identifier: GPL-2.0-only
/* Synthetic traces.  Seeds are fixed: the same references on every machine. */
#include "synth.h"

#include <math.h>
#include <stdlib.h>

#include "fail.h"

#define RECORDS		2000000U

static u64 state;

/* xorshift64*: S. Vigna, 2016. */
static u32 below(u32 n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL >> 33) % n;
}

/* A rank from 0 on: rank r is chosen with a probability of about 1 / (r + 1)^0.9. */
static u32 zipf(u32 n)
{
	double u = below(1U << 30) / (double)(1U << 30);
	u32 rank = pow(u * (pow(n, 0.1) - 1) + 1, 10) - 1;

	return rank < n ? rank : n - 1;
}

/* Ranks are spread over the pages, so that neighbours are not equally hot. */
static u32 spread(u32 rank, u32 n)
{
	return (u64)rank * 7919 % n;
}

/* Round and round over 6,000 pages. */
static u32 loop(u32 i)
{
	return i % 6000;
}

/* A hot set of 1,000 pages, and every fourth reference a scan of 20,000 that nobody needs again. */
static u32 scan(u32 i)
{
	return i % 4 ? spread(zipf(1000), 1000) : 1000 + i / 4 % 20000;
}

/* 10,000 pages, some more wanted than others. */
static u32 skewed(u32 i)
{
	return spread(zipf(10007), 10007);
}

/* Every 100,000 references another working set, of another size. */
static u32 phases(u32 i)
{
	static const u32 size[] = { 500, 3000, 1000, 2000 };
	u32 phase = i / 100000;

	return phase % 8 * 1500 + below(size[phase % 4]);
}

static const struct {
	const char *name;
	u32 (*page)(u32 i);
} shapes[] = {
	{ "loop", loop },
	{ "scan", scan },
	{ "zipf", skewed },
	{ "phases", phases },
};

struct trace *synth_trace(unsigned int n)
{
	u32 *raw, i;

	if (n >= sizeof(shapes) / sizeof(shapes[0]))
		return NULL;
	raw = alloc((size_t)RECORDS * sizeof(u32));
	state = 0x9e3779b97f4a7c15ULL + n;
	for (i = 0; i < RECORDS; i++) {
		raw[i] = shapes[n].page(i);
		if (below(10) == 0)
			raw[i] |= TRACE_WRITE;
	}
	return trace_make(shapes[n].name, raw, RECORDS);
}
