// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buddy allocator against an array of bools.
 *
 * Buddies that are free are always merged, so the free blocks follow from which frames are
 * free: the block that a free frame is in is the largest aligned one around it that is free as a
 * whole.  That makes every answer predictable, down to the address that alloc gives.
 */
#include "fuzz.h"

#include "buddy.h"

#define MAX_FRAMES	4200U

static struct fpool_buddy buddy;
static bool used[MAX_FRAMES];
static u32 n, nused;
static u64 splits, merges;

static bool all(u32 first, u32 nr, bool value)
{
	u32 i;

	for (i = first; i < first + nr; i++)
		if (used[i] != value)
			return false;
	return true;
}

static void set(u32 first, u32 nr, bool value)
{
	u32 i;

	for (i = first; i < first + nr; i++)
		used[i] = value;
	nused += value ? nr : -nr;
}

static bool inside(u64 first, u64 nr)
{
	return nr && first + nr <= n;
}

/* The order of the free block that a frame is in, -1: none. */
static int block_order(u32 frame)
{
	int order = -1;

	if (frame >= n || used[frame])
		return -1;
	while (order < FPOOL_MAX_ORDER) {
		u32 size = 1U << (order + 1), base = frame & ~(size - 1);

		if (!inside(base, size) || !all(base, size, false))
			break;
		order++;
	}
	return order;
}

/* Where alloc has to take a block: lowest in the smallest that is large enough; n: nowhere. */
static u32 best_fit(unsigned int order)
{
	u32 at, found = n;
	int best = FPOOL_MAX_ORDER + 1, k;

	for (at = 0; at < n; at += k < 0 ? 1 : 1U << k) {
		k = block_order(at);
		if (k >= (int)order && k < best) {
			best = k;
			found = at;
		}
	}
	return found;
}

static void on_split(void *ctx, fpool_frame_t frame, unsigned int order)
{
	must(order && order <= FPOOL_MAX_ORDER, "order %u", order);
	must(inside(fpool_frame_nr(frame), 1ULL << order), "split at %u", fpool_frame_nr(frame));
	splits++;
}

static void on_merge(void *ctx, fpool_frame_t frame, unsigned int order)
{
	must(order && order <= FPOOL_MAX_ORDER, "order %u", order);
	must(inside(fpool_frame_nr(frame), 1ULL << order), "merge at %u", fpool_frame_nr(frame));
	merges++;
}

static const struct fpool_buddy_events events = { on_split, on_merge };

static void op_alloc(unsigned int order)
{
	fpool_frame_t frame = FPOOL_NO_FRAME;
	u32 want = order > FPOOL_MAX_ORDER ? n : best_fit(order);
	int err = fpool_buddy_alloc(&buddy, order, &frame);

	if (want == n) {
		must(err == (order > FPOOL_MAX_ORDER ? -EINVAL : -ENOMEM), "%d", err);
		must(frame == FPOOL_NO_FRAME, "a failed call gave %u", fpool_frame_nr(frame));
		return;
	}
	must(!err && fpool_frame_nr(frame) == want, "order %u: %d, frame %u, not %u", order, err,
	     fpool_frame_nr(frame), want);
	set(want, 1U << order, true);
}

static void op_alloc_closest(u32 nr)
{
	unsigned int order = 99, k = 0;
	fpool_frame_t frame = FPOOL_NO_FRAME;
	u32 wasted = 99, want;
	int err;

	while (k < FPOOL_MAX_ORDER && 1U << k < nr)
		k++;
	want = nr && nr <= 1U << FPOOL_MAX_ORDER ? best_fit(k) : n;
	err = fpool_buddy_alloc_closest(&buddy, nr, &frame, &order, &wasted);
	if (want == n) {
		must(err == (nr && nr <= 1U << FPOOL_MAX_ORDER ? -ENOMEM : -EINVAL), "%d", err);
		return;
	}
	must(!err && fpool_frame_nr(frame) == want, "%u frames: %d, frame %u, not %u", nr, err,
	     fpool_frame_nr(frame), want);
	must(order == k && wasted == (1U << k) - nr, "order %u, wasted %u", order, wasted);
	set(want, 1U << k, true);
}

static void op_alloc_range(u32 first, u32 nr)
{
	int want = !inside(first, nr) ? -EINVAL : all(first, nr, false) ? 0 : -EBUSY;
	int err = fpool_buddy_alloc_range(&buddy, fpool_frame(first), nr);

	must(err == want, "[%u, +%u): %d, not %d", first, nr, err, want);
	if (!err)
		set(first, nr, true);
}

static void op_free(u32 first, unsigned int order)
{
	u64 nr = 1ULL << (order > FPOOL_MAX_ORDER ? 0 : order);
	int want = 0, err;

	if (order > FPOOL_MAX_ORDER || first % nr || !inside(first, nr))
		want = -EINVAL;
	else if (!all(first, nr, true))
		want = -EALREADY;
	err = fpool_buddy_free(&buddy, fpool_frame(first), order);
	must(err == want, "%u, order %u: %d, not %d", first, order, err, want);
	if (!err)
		set(first, nr, false);
}

static void op_free_range(u32 first, u32 nr)
{
	int want = !inside(first, nr) ? -EINVAL : all(first, nr, true) ? 0 : -EALREADY;
	int err = fpool_buddy_free_range(&buddy, fpool_frame(first), nr);

	must(err == want, "[%u, +%u): %d, not %d", first, nr, err, want);
	if (!err)
		set(first, nr, false);
}

/* As large a block as may be freed at the first used frame from here on. */
static void op_free_used(u32 from, unsigned int order)
{
	while (from < n && !used[from])
		from++;
	if (from >= n)
		return;
	order = min_t(unsigned int, order, FPOOL_MAX_ORDER);
	while (from % (1U << order) || !inside(from, 1U << order) || !all(from, 1U << order, true))
		order--;
	op_free(from, order);
}

static void ask(u32 frame, unsigned int order)
{
	int largest = -1, k;
	u64 lost = 0;
	u32 at;

	must(fpool_buddy_is_allocated(&buddy, fpool_frame(frame)) == (frame < n && used[frame]),
	     "frame %u", frame);
	must(fpool_buddy_free_block_order(&buddy, fpool_frame(frame)) == block_order(frame),
	     "frame %u: %d", frame, block_order(frame));
	for (at = 0; at < n; at += k < 0 ? 1 : 1U << k) {
		k = block_order(at);
		largest = max_t(int, largest, k);
		lost += k >= 0 && k < (int)order ? 1ULL << k : 0;
	}
	must(fpool_buddy_largest(&buddy) == largest, "%d", largest);
	lost = n - nused ? (1000 * lost + n - nused - 1) / (n - nused) : 0;
	must(fpool_buddy_fragmentation(&buddy, order) == lost, "%llu", lost);
}

static void step(struct input *in)
{
	u8 op = take8(in), order = take8(in) % (FPOOL_MAX_ORDER + 3);
	/* A little past the end too, and far past it. */
	u32 at = take_below(in, n + 2), nr = take_below(in, n + 2);

	if (op & 0x80 && op & 0x40 && at > n)
		at = U32_MAX - nr;
	switch (op % 10) {
	case 0:
		op_alloc(order);
		break;
	case 1:
		op_alloc(fpool_block_type_order(order % FPOOL_NR_BLOCK_TYPES));
		break;
	case 2:
		op_alloc_closest(op == 252 ? (1U << FPOOL_MAX_ORDER) + nr : nr);
		break;
	case 3:
		op_alloc_range(at, nr);
		break;
	case 4:
		op_alloc_range(at, nr % 9);
		break;
	case 5:
		op_free(at, order);
		break;
	case 6:
	case 7:
		op_free_used(at, order);
		break;
	case 8:
		op_free_range(at, nr % 17);
		break;
	case 9:
		ask(at, order);
		break;
	}
}

static void check(void)
{
	const char *why = "";
	u32 i;

	must(!fpool_buddy_check(&buddy, &why), "%s", why);
	must(buddy.nfree == n - nused, "%u free, not %u", buddy.nfree, n - nused);
	must(buddy.nsplits == splits && buddy.nmerges == merges, "an event was not told");
	for (i = 0; i < n; i++)
		must(fpool_buddy_is_allocated(&buddy, fpool_frame(i)) == used[i], "frame %u", i);
}

/* One to 128 frames, or about as many as a set's summary gets another level at. */
static u32 pick_size(u8 byte)
{
	static const u16 large[] = { 255, 256, 257, 300, 511, 513, 640, 1023, 1025, 4096, 4161 };

	return byte < 240 ? byte % 128 + 1 : large[byte % ARRAY_SIZE(large)];
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	u32 steps = 0;
	void *mem;

	n = pick_size(take8(&in));
	nused = 0;
	memset(used, 0, sizeof(used));
	mem = host_alloc(fpool_buddy_bytes(n), false);
	memset(mem, 0xa5, fpool_buddy_bytes(n));
	must(fpool_buddy_init(&buddy, mem, n) == 0, "%u frames", n);
	buddy.events = &events;
	splits = buddy.nsplits;
	merges = buddy.nmerges;
	while (more(&in) && steps++ < (n > 700 ? 40 : 400)) {
		step(&in);
		check();
	}
	host_free(mem);
	return 0;
}
