// SPDX-License-Identifier: GPL-2.0-only
/*
 * OPT of the simulator against two models, on random traces.
 *
 * The first tries everything: for each set of pages that could be resident after a reference, the
 * fewest misses with which one can get there, whichever page was evicted each time.  It knows
 * no rule that it could share with OPT, but only does for a few pages.  The second evicts the
 * page whose next use is furthest, which it looks for by reading on in the trace: for many.
 *
 * usage: opt [SEED]
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "opt.h"

#define FEW		8	/* pages that the first model can have */
#define SETS		(1U << FEW)
#define IMPOSSIBLE	(~0U)

static u64 state;
static unsigned int number;
static bool failed;

/* xorshift64* */
static u32 below(u32 n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL >> 33) % n;
}

/* References, before anybody has made a trace of them. */
struct refs {
	u32 n, pages;
	u32 *page;
};

static struct refs refs_new(u32 n, u32 pages)
{
	struct refs r = { n, pages, alloc(n * sizeof(u32)) };

	return r;
}

static u32 opt_of(const struct refs *r, u32 frames)
{
	u32 *raw = alloc(r->n * sizeof(u32)), i, misses;
	struct trace *t;

	/* Numbers are the program's, and say nothing of the order; stores are references, too. */
	for (i = 0; i < r->n; i++)
		raw[i] = (r->page[i] * 7919 + 13) | (below(4) ? 0 : TRACE_WRITE);
	t = trace_make("test", raw, r->n);
	misses = opt_misses(t, frames);
	trace_free(t);
	return misses;
}

/* The models. */

static void reach(u32 *best, u32 set, u32 misses)
{
	if (misses < best[set])
		best[set] = misses;
}

/* All sets that one can have after a miss of @page in @set. */
static void try_all(u32 *best, u32 set, u32 page, u32 frames, u32 misses)
{
	u32 victim;

	if (__builtin_popcount(set) < frames) {
		reach(best, set | 1U << page, misses + 1);
		return;
	}
	for (victim = 0; victim < FEW; victim++)
		if (set & 1U << victim)
			reach(best, (set & ~(1U << victim)) | 1U << page, misses + 1);
}

static u32 fewest(const struct refs *r, u32 frames)
{
	u32 now[SETS], next[SETS], i, set, least = IMPOSSIBLE;

	memset(now, 0xff, sizeof(now));
	now[0] = 0;
	for (i = 0; i < r->n; i++) {
		memset(next, 0xff, sizeof(next));
		for (set = 0; set < SETS; set++) {
			if (now[set] == IMPOSSIBLE)
				continue;
			if (set & 1U << r->page[i])
				reach(next, set, now[set]);
			else
				try_all(next, set, r->page[i], frames, now[set]);
		}
		memcpy(now, next, sizeof(now));
	}
	for (set = 0; set < SETS; set++)
		least = now[set] < least ? now[set] : least;
	return least;
}

static u32 next_use(const struct refs *r, u32 from, u32 page)
{
	while (from < r->n && r->page[from] != page)
		from++;
	return from;
}

static u32 furthest(const struct refs *r, u32 frames)
{
	u32 *resident = alloc(frames * sizeof(u32));
	u32 n = 0, misses = 0, i, k, victim, far;

	for (i = 0; i < r->n; i++) {
		for (k = 0; k < n && resident[k] != r->page[i]; k++)
			;
		if (k < n)
			continue;
		misses++;
		if (n < frames) {
			resident[n++] = r->page[i];
			continue;
		}
		for (k = victim = far = 0; k < n; k++) {
			if (next_use(r, i, resident[k]) < far)
				continue;
			far = next_use(r, i, resident[k]);
			victim = k;
		}
		resident[victim] = r->page[i];
	}
	free(resident);
	return misses;
}

/* Tests. */

static void say(const struct refs *r, u32 frames, u32 opt, u32 model)
{
	u32 i;

	printf("# %u frames: OPT has %u misses, the model %u, of", frames, opt, model);
	for (i = 0; i < r->n && i < 100; i++)
		printf(" %u", r->page[i]);
	printf(i < r->n ? " ...\n" : "\n");
}

static bool agrees(const struct refs *r, u32 frames, u32 (*model)(const struct refs *r, u32 frames))
{
	u32 opt = opt_of(r, frames), is = model(r, frames);

	if (opt != is)
		say(r, frames, opt, is);
	return opt == is;
}

static void ok(bool passed, const char *fmt, ...)
{
	va_list args;

	failed |= !passed;
	printf("%sok %u - ", passed ? "" : "not ", ++number);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

/* Uniform, skewed, a loop with noise, or phases. */
static void fill(struct refs *r)
{
	u32 kind = below(4), i;

	for (i = 0; i < r->n; i++) {
		if (kind == 0)
			r->page[i] = below(r->pages);
		else if (kind == 1)
			r->page[i] = below(1 + below(r->pages));
		else if (kind == 2)
			r->page[i] = (below(8) ? i : below(r->pages)) % r->pages;
		else
			r->page[i] = (i * 4 / r->n + below(1 + r->pages / 2)) % r->pages;
	}
}

static bool few_pages(u32 n)
{
	struct refs r = refs_new(n, 1 + below(FEW));
	bool good = true;
	u32 frames;

	fill(&r);
	/* One more than there are pages: then nothing leaves. */
	for (frames = 1; good && frames <= r.pages + 1; frames++)
		good = agrees(&r, frames, fewest);
	free(r.page);
	return good;
}

static bool many_pages(void)
{
	struct refs r = refs_new(1000 + below(4000), 2 + below(300));
	bool good;

	fill(&r);
	good = agrees(&r, 1 + below(r.pages), furthest);
	free(r.page);
	return good;
}

/* Four levels of bits are needed from 262,145 references on: and a loop has a sum. */
static bool long_loop(void)
{
	const u32 pages = 1000, frames = 600, rounds = 300;
	struct refs r = refs_new(pages * rounds, pages);
	u32 i, opt, least = 0;

	for (i = 0; i < r.n; i++)
		r.page[i] = i % pages;
	opt = opt_of(&r, frames);
	/* While pages come for the first time, all miss; then frames - 1 of pages - 1 are hits. */
	least = pages + (u32)((u64)(r.n - pages) * (pages - frames) / (pages - 1));
	if (opt + frames < least || opt > least + frames)
		printf("# OPT has %u misses, a loop's sum is %u\n", opt, least);
	free(r.page);
	return opt + frames >= least && opt <= least + frames;
}

/* A table for 2^30 pages has 2^32 slots: neighbours, and those far apart, come to be all over it. */
static bool hash_is_spread(u32 step)
{
	const u32 pages = 1 << 16, parts = 1 << 10;
	u32 *n = alloc_zeroed(parts * sizeof(u32)), i, most = 0, least = pages;

	for (i = 0; i < pages; i++)
		n[(trace_hash(i * step) & 0xffffffff) / (1ULL << 22)]++;
	for (i = 0; i < parts; i++) {
		most = n[i] > most ? n[i] : most;
		least = n[i] < least ? n[i] : least;
	}
	if (!least || most > 4 * pages / parts)
		printf("# pages %u apart: %u to %u in a part, instead of %u\n", step, least, most,
		       pages / parts);
	free(n);
	return least && most <= 4 * pages / parts;
}

int main(int argc, char **argv)
{
	/* Where words and levels of bits end. */
	static const u32 edge[] = { 1, 2, 63, 64, 65, 4095, 4096, 4097 };
	u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20260101;
	bool good = true;
	u32 i;

	state = 0x9e3779b97f4a7c15ULL ^ seed;
	printf("# seed %llu\n", seed);
	for (i = 0; good && i < 3000; i++)
		good = few_pages(1 + below(40));
	ok(good, "%u short traces of up to %u pages, everything tried", i, FEW);
	for (good = true, i = 0; good && i < sizeof(edge) / sizeof(edge[0]); i++)
		good = few_pages(edge[i]);
	ok(good, "traces that end where words of bits do, everything tried");
	for (good = true, i = 0; good && i < 20; i++)
		good = many_pages();
	ok(good, "%u longer traces, the next uses looked for", i);
	ok(long_loop(), "a long loop: the misses that one can work out");
	ok(hash_is_spread(1) && hash_is_spread(512) && hash_is_spread(0x7fff),
	   "pages are spread over a table of any size");
	printf("1..%u\n", number);
	return failed;
}
