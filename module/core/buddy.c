// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buddy allocator, out of bitmaps and nothing else.
 *
 * A block of order k is 2^k frames and starts at a multiple of 2^k.  Cut in the middle it
 * becomes two buddies of order k - 1 whose numbers differ in one bit, so that each finds
 * the other with an exclusive or; that is why merging is cheap (Knuth, The Art of
 * Computer Programming 1, 2.5, "The buddy system").
 *
 * What is allocated is one bit per frame, and that bitmap is the truth.  An allocation
 * has neither header nor order, so any part of it may be given back.  What is free is
 * said a second time, in the form in which it is asked for: per order, the set of blocks
 * that are free as a whole and not part of a larger one.
 *
 *	frame          0   1   2   3   4   5   6   7   8   9  10  11  12  13  14
 *	allocated      #   .   .   .   .   .   .   .   .   .   .   .   #   #   .
 *	free, order 2  -------------  [=============] [=============]
 *	free, order 1  -----  [=====]  -----   -----   -----   -----   -----
 *	free, order 0  -  [=]  -   -   -   -   -   -   -   -   -   -   -   -  [=]
 *
 * Here 15 frames, 0, 12 and 13 of them allocated: 1 and 14 are free alone, 2-3 as a
 * pair, 4-7 and 8-11 as fours.  4-7 and 8-11 are neighbours and no buddies.  Only whole blocks
 * have a bit, so a region may have any size: its tail is a few smaller blocks.
 *
 * A set is a bitmap with a summary of one bit per word, which has a summary, up to a
 * single word:
 *
 *	level 2                      1
 *	level 1          0 1 0 ...           one bit per word of level 0
 *	level 0    0000 0010 0000 ...        one bit per block
 *
 * The first block of a set is at most six dependent find-first-set steps away, at any
 * size of the region; taking the lowest address each time keeps the high end whole.  A set
 * that gets its first block, which is what nearly every split does, only remembers which,
 * and writes no summary until it gets a second.
 *
 * All of it is about 3.1 bits per frame, there are no lists, and no frame is ever touched: bitmaps
 * are all the state that a frame allocator needs (Wrenger et al., "LLFree: Scalable and
 * Optionally-Persistent Page-Frame Allocation", USENIX ATC 2023).
 *
 * mark_free() and mark_taken() are the only writers of the sets; split() and
 * merge_free() are the only ones that change a free block's order.
 */
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "buddy.h"

#define WORD_BITS	FPOOL_BITMAP_WORD
#define WORD_SHIFT	6
#define EVEN_BITS	0x5555555555555555ULL

static size_t nr_words(size_t bits)
{
	return (bits + WORD_BITS - 1) / WORD_BITS;
}

static u32 order_frames(unsigned int order)
{
	return 1U << order;
}

/*
 * Sets of blocks.  @i is the number of a block among those of its order.
 */

/* Levels and words of a set of @nblocks; @level, if not NULL, gets where each is in @mem. */
static size_t set_layout(u32 nblocks, u64 *mem, u64 *level[], unsigned int *nlevels)
{
	size_t words = 0, n = nblocks;
	unsigned int l = 0;

	while (n) {
		size_t w = nr_words(n);

		if (level)
			level[l] = mem + words;
		words += w;
		l++;
		n = w > 1 ? w : 0;
	}
	if (nlevels)
		*nlevels = l;
	return words;
}

static __always_inline bool set_test(const struct fpool_buddy_order *o, u32 i)
{
	return o->level[0][i / WORD_BITS] >> (i % WORD_BITS) & 1;
}

/* Of a set that is not empty. */
static __always_inline bool set_has_summary(const struct fpool_buddy_order *o)
{
	return o->only == FPOOL_BUDDY_NO_BLOCK;
}

/* A word's bit in the level above changes only when the word was, or becomes, empty. */
static __always_inline void set_levels(struct fpool_buddy_order *o, unsigned int l, u32 i)
{
	for (; l < o->nlevels; l++) {
		u64 *word = &o->level[l][i / WORD_BITS];
		u64 old = *word;

		*word = old | 1ULL << (i % WORD_BITS);
		if (old)
			break;
		i >>= WORD_SHIFT;
	}
}

static __always_inline void clear_levels(struct fpool_buddy_order *o, u32 i)
{
	unsigned int l;

	for (l = 0; l < o->nlevels; l++) {
		u64 *word = &o->level[l][i / WORD_BITS];

		*word &= ~(1ULL << (i % WORD_BITS));
		if (*word)
			break;
		i >>= WORD_SHIFT;
	}
}

static __always_inline void set_add(struct fpool_buddy_order *o, u32 i)
{
	if (!o->nfree++) {
		o->level[0][i / WORD_BITS] |= 1ULL << (i % WORD_BITS);
		o->only = i;
		return;
	}
	if (!set_has_summary(o)) {
		set_levels(o, 1, o->only / WORD_BITS);
		o->only = FPOOL_BUDDY_NO_BLOCK;
	}
	set_levels(o, 0, i);
}

static __always_inline void set_del(struct fpool_buddy_order *o, u32 i)
{
	o->nfree--;
	if (set_has_summary(o))
		clear_levels(o, i);
	else
		o->level[0][i / WORD_BITS] &= ~(1ULL << (i % WORD_BITS));
}

/* Of a set that is not empty. */
static __always_inline u32 set_first(const struct fpool_buddy_order *o)
{
	unsigned int l = o->nlevels;
	u32 i = 0;

	if (!set_has_summary(o))
		return o->only;
	while (l--)
		i = i << WORD_SHIFT | __ffs64(o->level[l][i]);
	return i;
}

/*
 * Free blocks.  @nr is the first frame of one.
 */

static __always_inline void mark_free(struct fpool_buddy *b, u32 nr, unsigned int order)
{
	set_add(&b->order[order], nr >> order);
	b->nonempty |= 1U << order;
}

static __always_inline void mark_taken(struct fpool_buddy *b, u32 nr, unsigned int order)
{
	struct fpool_buddy_order *o = &b->order[order];

	set_del(o, nr >> order);
	if (!o->nfree)
		b->nonempty &= ~(1U << order);
}

/* Of a block of @order that is in no set, the half at @keep stays so and the other is free. */
static __always_inline void split(struct fpool_buddy *b, u32 keep, unsigned int order)
{
	u32 half = order_frames(order - 1);

	mark_free(b, keep ^ half, order - 1);
	b->nsplits++;
	if (b->events)
		b->events->split(b->events_ctx, fpool_frame(keep & ~half), order);
}

/* A block that is in no set becomes free, together with its buddies as far as they are. */
static __always_inline void merge_free(struct fpool_buddy *b, u32 nr, unsigned int order)
{
	/* No bound needed: both bits are in one word, and what is past the end is never set. */
	while (order < FPOOL_MAX_ORDER && set_test(&b->order[order], nr >> order ^ 1)) {
		mark_taken(b, nr ^ order_frames(order), order);
		nr &= ~order_frames(order);
		order++;
		b->nmerges++;
		if (b->events)
			b->events->merge(b->events_ctx, fpool_frame(nr), order);
	}
	mark_free(b, nr, order);
}

/* The frames of a range that are in no set become free, by the largest blocks that fit. */
static void merge_free_range(struct fpool_buddy *b, u32 nr, u32 count)
{
	while (count) {
		unsigned int order = min_t(unsigned int, fls(count) - 1, FPOOL_MAX_ORDER);

		if (nr)
			order = min_t(unsigned int, order, __ffs64(nr));
		merge_free(b, nr, order);
		nr += order_frames(order);
		count -= order_frames(order);
	}
}

static bool in_region(const struct fpool_buddy *b, u32 nr, u32 count)
{
	return count && count <= b->nframes && nr <= b->nframes - count;
}

static bool is_all_allocated(const struct fpool_buddy *b, u32 nr, u32 count)
{
	if (count == 1)
		return fpool_bitmap_test(&b->allocated, nr);
	return fpool_bitmap_all_set(&b->allocated, nr, count);
}

static void set_allocated(struct fpool_buddy *b, u32 nr, u32 count)
{
	if (count == 1)
		fpool_bitmap_set_one(&b->allocated, nr);
	else
		fpool_bitmap_set(&b->allocated, nr, count);
	WRITE_ONCE(b->nfree, b->nfree - count);
}

static void set_unallocated(struct fpool_buddy *b, u32 nr, u32 count)
{
	if (count == 1)
		fpool_bitmap_clear_one(&b->allocated, nr);
	else
		fpool_bitmap_clear(&b->allocated, nr, count);
	WRITE_ONCE(b->nfree, b->nfree + count);
}

/**
 * fpool_buddy_bytes() - memory that an allocator needs for its bitmaps
 * @nframes: frames of the region
 *
 * About 3.1 bits per frame: one says whether it is allocated, and the sets have
 * 1 + 1/2 + 1/4 + ... for it and a 63rd more for their summaries.
 *
 * Context: Any.
 * Return: Bytes, a multiple of 8.
 */
size_t fpool_buddy_bytes(u32 nframes)
{
	size_t words = nr_words(nframes);
	unsigned int k;

	for (k = 0; k < FPOOL_NR_ORDERS; k++)
		words += set_layout(nframes >> k, NULL, NULL, NULL);
	return words * sizeof(u64);
}

/**
 * fpool_buddy_init() - an allocator in which every frame is free
 * @b: the allocator
 * @mem: fpool_buddy_bytes() of memory, aligned to 8, zeroed or not; the allocator's for its life
 * @nframes: frames of the region, 1 to 2^32 - 2; no power of two is needed
 *
 * The caller may set @b->events (and events_ctx) afterwards.
 *
 * Context: Any; the caller owns @b alone.
 * Return: 0, or -EINVAL if @nframes is 0 or so large that FPOOL_NO_FRAME would be a frame.
 */
int fpool_buddy_init(struct fpool_buddy *b, void *mem, u32 nframes)
{
	u64 *words = mem;
	unsigned int k;

	if (!nframes || nframes == U32_MAX)
		return -EINVAL;

	memset(b, 0, sizeof(*b));
	fpool_bitmap_init(&b->allocated, mem, nframes);
	words += nr_words(nframes);
	memset(words, 0, fpool_buddy_bytes(nframes) - fpool_bitmap_bytes(nframes));
	for (k = 0; k < FPOOL_NR_ORDERS; k++) {
		struct fpool_buddy_order *o = &b->order[k];

		o->nblocks = nframes >> k;
		words += set_layout(o->nblocks, words, o->level, &o->nlevels);
	}
	b->nframes = nframes;
	b->nfree = nframes;
	merge_free_range(b, 0, nframes);
	return 0;
}

/**
 * fpool_buddy_alloc() - take a block
 * @b: the allocator
 * @order: 2^order frames, 0 to FPOOL_MAX_ORDER
 * @frame: gets the first frame of the block
 *
 * The smallest free block that is large enough is taken, of these the one with the lowest
 * address, and split until it fits: its low half each time, the rest stays free.
 *
 * Context: The caller serialises.
 * Return: 0; -EINVAL if @order is too large, -ENOMEM if no free block is large enough.
 */
int fpool_buddy_alloc(struct fpool_buddy *b, unsigned int order, fpool_frame_t *frame)
{
	unsigned int k;
	u32 fit, nr;

	if (unlikely(order > FPOOL_MAX_ORDER))
		return -EINVAL;
	fit = b->nonempty >> order;
	if (unlikely(!fit))
		return -ENOMEM;

	k = order + __ffs64(fit);
	nr = set_first(&b->order[k]) << k;
	mark_taken(b, nr, k);
	for (; k > order; k--)
		split(b, nr, k);
	set_allocated(b, nr, order_frames(order));
	*frame = fpool_frame(nr);
	return 0;
}

/**
 * fpool_buddy_alloc_closest() - take the smallest block that holds so many frames
 * @b: the allocator
 * @nr: frames wanted, 1 to 2^FPOOL_MAX_ORDER
 * @frame: gets the first frame of the block
 * @order: gets its order; this is what it is freed with
 * @wasted: gets how many of its frames were not asked for
 *
 * Context: The caller serialises.
 * Return: 0; -EINVAL if @nr is 0 or more than the largest block, -ENOMEM if no free block is
 *	large enough.
 */
int fpool_buddy_alloc_closest(struct fpool_buddy *b, u32 nr, fpool_frame_t *frame,
			      unsigned int *order, u32 *wasted)
{
	unsigned int k;
	int err;

	if (!nr || nr > order_frames(FPOOL_MAX_ORDER))
		return -EINVAL;
	k = fls(nr - 1);
	err = fpool_buddy_alloc(b, k, frame);
	if (err)
		return err;
	*order = k;
	*wasted = order_frames(k) - nr;
	return 0;
}

/* The order of the free block that @nr lies in; -1 if it is allocated. */
static int free_order(const struct fpool_buddy *b, u32 nr)
{
	int k;

	for (k = 0; k < FPOOL_NR_ORDERS && nr >> k < b->order[k].nblocks; k++) {
		if (set_test(&b->order[k], nr >> k))
			return k;
	}
	return -1;
}

/*
 * Takes the free block around @nr out of its set and splits off what is before @nr, and
 * what is behind @end, until a block is left that starts at @nr and does not pass @end.
 * Returns where that one ends.  @nr is free.
 */
static u32 carve(struct fpool_buddy *b, u32 nr, u32 end)
{
	unsigned int k = free_order(b, nr);
	u32 base = nr & ~(order_frames(k) - 1);

	mark_taken(b, base, k);
	while (base < nr || end - base < order_frames(k)) {
		u32 half = order_frames(k - 1);

		if (nr - base >= half)
			base += half;
		split(b, base, k--);
	}
	return base + order_frames(k);
}

/**
 * fpool_buddy_alloc_range() - take exactly these frames
 * @b: the allocator
 * @first: the first
 * @nr: how many, 1 or more; neither size nor alignment matters
 *
 * Context: The caller serialises.
 * Return: 0; -EINVAL if the range is empty or leaves the region, -EBUSY if a frame of it is
 *	allocated.
 */
int fpool_buddy_alloc_range(struct fpool_buddy *b, fpool_frame_t first, u32 nr)
{
	u32 at = fpool_frame_nr(first);
	u32 end = at + nr;

	if (!in_region(b, at, nr))
		return -EINVAL;
	if (!fpool_bitmap_all_clear(&b->allocated, at, nr))
		return -EBUSY;

	while (at < end)
		at = carve(b, at, end);
	set_allocated(b, fpool_frame_nr(first), nr);
	return 0;
}

/**
 * fpool_buddy_free() - give a block back
 * @b: the allocator
 * @frame: its first frame, a multiple of 2^@order
 * @order: 2^order frames, 0 to FPOOL_MAX_ORDER
 *
 * Only that all frames are allocated matters, not how they were: a part of a block may be
 * freed, and so may a block that was allocated in parts.
 *
 * Context: The caller serialises.
 * Return: 0; -EINVAL if @order is too large or the block is misaligned or foreign (not inside
 *	the region), -EALREADY if a frame of it is free.  Nothing has changed then.
 */
int fpool_buddy_free(struct fpool_buddy *b, fpool_frame_t frame, unsigned int order)
{
	u32 nr = fpool_frame_nr(frame);

	if (unlikely(order > FPOOL_MAX_ORDER || nr & (order_frames(order) - 1)))
		return -EINVAL;
	if (unlikely(!in_region(b, nr, order_frames(order))))
		return -EINVAL;
	if (unlikely(!is_all_allocated(b, nr, order_frames(order))))
		return -EALREADY;

	set_unallocated(b, nr, order_frames(order));
	merge_free(b, nr, order);
	return 0;
}

/**
 * fpool_buddy_free_range() - give frames back
 * @b: the allocator
 * @first: the first
 * @nr: how many, 1 or more; neither size nor alignment matters
 *
 * Context: The caller serialises.
 * Return: 0; -EINVAL if the range is empty or leaves the region, -EALREADY if a frame of it is
 *	free.  Nothing has changed then.
 */
int fpool_buddy_free_range(struct fpool_buddy *b, fpool_frame_t first, u32 nr)
{
	u32 at = fpool_frame_nr(first);

	if (!in_region(b, at, nr))
		return -EINVAL;
	if (!is_all_allocated(b, at, nr))
		return -EALREADY;

	set_unallocated(b, at, nr);
	merge_free_range(b, at, nr);
	return 0;
}

/**
 * fpool_buddy_is_allocated() - is this frame allocated?
 * @b: the allocator
 * @frame: any
 *
 * Context: The caller serialises.
 * Return: true if it is; false if it is free or no frame of the region.
 */
bool fpool_buddy_is_allocated(const struct fpool_buddy *b, fpool_frame_t frame)
{
	u32 nr = fpool_frame_nr(frame);

	return nr < b->nframes && fpool_bitmap_test(&b->allocated, nr);
}

/**
 * fpool_buddy_free_block_order() - how large is the free block that this frame is in?
 * @b: the allocator
 * @frame: any
 *
 * Context: The caller serialises.
 * Return: The order; -1 if the frame is allocated or no frame of the region.
 */
int fpool_buddy_free_block_order(const struct fpool_buddy *b, fpool_frame_t frame)
{
	return free_order(b, fpool_frame_nr(frame));
}

/**
 * fpool_buddy_largest() - how large is the largest free block?
 * @b: the allocator
 *
 * Context: The caller serialises.
 * Return: The order; -1 if nothing is free.
 */
int fpool_buddy_largest(const struct fpool_buddy *b)
{
	return fls(b->nonempty) - 1;
}

/**
 * fpool_buddy_fragmentation() - what part of the free frames is no use to a request?
 * @b: the allocator
 * @order: of the request
 *
 * The frames in free blocks smaller than the request, as a share of all free frames:
 *
 *	1000 * (sum over k < order of nfree[k] * 2^k) / nfree, rounded up
 *
 * Context: The caller serialises.
 * Return: Permille.  0: none is lost, or none is free; 1000: all are (more than 999 in 1000).
 */
u32 fpool_buddy_fragmentation(const struct fpool_buddy *b, unsigned int order)
{
	u64 lost = 0;
	unsigned int k;

	for (k = 0; k < FPOOL_NR_ORDERS && k < order; k++)
		lost += (u64)b->order[k].nfree << k;
	if (!lost)
		return 0;
	return div_u64(1000 * lost + b->nfree - 1, b->nfree);
}

/*
 * The checker.  Each step says why not, or NULL.
 */

static const char *check_counts(const struct fpool_buddy *b)
{
	const struct fpool_bitmap *map = &b->allocated;

	if (map->nbits != b->nframes)
		return "the bitmap has not as many bits as there are frames";
	if (b->nframes % WORD_BITS && map->words[b->nframes / WORD_BITS] >> b->nframes % WORD_BITS)
		return "a frame past the end is allocated";
	if (fpool_bitmap_weight(map) != map->nset)
		return "the bitmap's count is not the number of its bits";
	if (b->nfree != b->nframes - map->nset)
		return "free frames and allocated ones are not all frames";
	return NULL;
}

/* Level 0 of a set, as a bitmap. */
static struct fpool_bitmap blocks(const struct fpool_buddy_order *o)
{
	return (struct fpool_bitmap) {
		.words = o->level[0],
		.nbits = o->nblocks,
		.nset = o->nfree,
	};
}

/* The levels shrink to one word, and nothing in them is past the end. */
static const char *check_ends(const struct fpool_buddy_order *o)
{
	size_t bits = o->nblocks;
	unsigned int l;

	for (l = 0; l < o->nlevels; l++) {
		if (bits % WORD_BITS && o->level[l][bits / WORD_BITS] >> bits % WORD_BITS)
			return "a set has a block past its end";
		bits = nr_words(bits);
	}
	return bits > 1 ? "a set does not end in one word" : NULL;
}

/* Every bit of a summary is set if and only if there is one and the word below is not empty. */
static const char *check_summaries(const struct fpool_buddy_order *o)
{
	bool has_summary = o->nfree && set_has_summary(o);
	size_t words = nr_words(o->nblocks);
	unsigned int l;
	size_t i;

	for (l = 1; l < o->nlevels; l++) {
		for (i = 0; i < words; i++) {
			bool bit = o->level[l][i / WORD_BITS] >> i % WORD_BITS & 1;

			if (bit != (has_summary && o->level[l - 1][i]))
				return "a set's summary does not agree with what it sums up";
		}
		words = nr_words(words);
	}
	if (!o->nfree || has_summary)
		return NULL;
	if (o->nfree > 1 || o->only >= o->nblocks || !set_test(o, o->only))
		return "a set without a summary is not the one block that it says";
	return NULL;
}

/* No free block of this order inside a larger one. */
static bool nested(const struct fpool_buddy *b, u32 nr, unsigned int order)
{
	unsigned int k;

	for (k = order + 1; k < FPOOL_NR_ORDERS && nr >> k < b->order[k].nblocks; k++) {
		if (set_test(&b->order[k], nr >> k))
			return true;
	}
	return false;
}

static const char *check_blocks(const struct fpool_buddy *b, unsigned int order)
{
	const struct fpool_bitmap map = blocks(&b->order[order]);
	u32 i;

	for (i = fpool_bitmap_next_set(&map, 0); i < map.nbits;
	     i = fpool_bitmap_next_set(&map, i + 1)) {
		u64 word = map.words[i / WORD_BITS];

		if (order < FPOOL_MAX_ORDER && (word & (word >> 1) & EVEN_BITS))
			return "two free buddies are not merged";
		if (!fpool_bitmap_all_clear(&b->allocated, i << order, order_frames(order)))
			return "a free block has an allocated frame";
		if (nested(b, i << order, order))
			return "two free blocks overlap";
	}
	return NULL;
}

static const char *check_order(const struct fpool_buddy *b, unsigned int order)
{
	const struct fpool_buddy_order *o = &b->order[order];
	const struct fpool_bitmap map = blocks(o);
	const char *bad;

	if (o->nblocks != b->nframes >> order)
		return "a set has not as many blocks as the region";
	bad = check_ends(o);
	if (bad)
		return bad;
	if (fpool_bitmap_weight(&map) != o->nfree)
		return "an order's count is not the number of its free blocks";
	bad = check_summaries(o);
	if (bad)
		return bad;
	if ((b->nonempty >> order & 1) != !!o->nfree)
		return "nonempty does not agree with an order's count";
	return check_blocks(b, order);
}

/**
 * fpool_buddy_check() - do all structures of an allocator agree?
 * @b: the allocator
 * @why: gets a sentence if they do not; may be NULL
 *
 * Free blocks have no allocated frame and do not overlap; that together they have as many
 * frames as are not allocated then means that each of these is in exactly one.
 *
 * Context: The caller serialises.  Takes time in proportion to the region.
 * Return: 0, or -EUCLEAN.
 */
int fpool_buddy_check(const struct fpool_buddy *b, const char **why)
{
	const char *bad = check_counts(b);
	unsigned int k;
	u64 frames = 0;

	for (k = 0; k < FPOOL_NR_ORDERS && !bad; k++) {
		bad = check_order(b, k);
		frames += (u64)b->order[k].nfree << k;
	}
	if (!bad && b->nonempty >> FPOOL_NR_ORDERS)
		bad = "nonempty knows an order that does not exist";
	if (!bad && frames != b->nfree)
		bad = "a frame is neither allocated nor in a free block";
	if (!bad)
		return 0;
	if (why)
		*why = bad;
	return -EUCLEAN;
}
