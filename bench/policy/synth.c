// SPDX-License-Identifier: GPL-2.0-only
/* Synthetic traces.  Seeds are fixed: the same references on every machine. */
#include "synth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* A rank from 0 on: rank r is chosen with a probability of about 1 / (r + 1)^@skew. */
static u32 zipf_of(u32 n, double skew)
{
	double u = below(1U << 30) / (double)(1U << 30);
	u32 rank = pow(u * (pow(n, 1 - skew) - 1) + 1, 1 / (1 - skew)) - 1;

	return rank < n ? rank : n - 1;
}

static u32 zipf(u32 n)
{
	return zipf_of(n, 0.9);
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

/* For mixes. */

static u32 scan20000(u32 i)
{
	return i % 20000;
}

static u32 zipf9(u32 i)
{
	return spread(zipf_of(8000, 0.9), 8000);
}

static u32 zipf8(u32 i)
{
	return spread(zipf_of(8000, 0.8), 8000);
}

/* The same, out of step. */
static u32 phases2(u32 i)
{
	return phases(i + 150000);
}

/* Of a length that takes them about as long as the others: who scans waits all the time. */
static const struct {
	const char *name;
	u32 (*page)(u32 i);
	u32 records;
} processes[] = {
	{ "scan20000", scan20000, 200000 },
	{ "zipf0.9", zipf9, 1000000 },
	{ "zipf0.8", zipf8, 1000000 },
	{ "phases", phases, RECORDS },
	{ "phases2", phases2, RECORDS },
	{ "loop", loop, RECORDS },
	{ "scan", scan, RECORDS },
	{ "zipf", skewed, RECORDS },
};

const char *synth_name(unsigned int n)
{
	return n < sizeof(processes) / sizeof(processes[0]) ? processes[n].name : NULL;
}

static unsigned int find(const char *name)
{
	unsigned int k = 0;

	while (synth_name(k) && strcmp(synth_name(k), name))
		k++;
	return k;
}

bool synth_has(const char *name)
{
	return synth_name(find(name));
}

struct trace *synth_process(const char *name, unsigned int seed)
{
	unsigned int i, k = find(name);
	u32 *raw;

	if (!synth_name(k))
		return NULL;
	raw = alloc((size_t)processes[k].records * sizeof(u32));
	state = 0x9e3779b97f4a7c15ULL + 16 * k + seed;
	for (i = 0; i < processes[k].records; i++)
		raw[i] = processes[k].page(i);
	return trace_make(name, raw, processes[k].records);
}
