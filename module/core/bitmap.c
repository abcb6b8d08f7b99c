// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bitmap of frames: one bit each, 1 = allocated, in words of 64.
 *
 *	word      0                 1                 2
 *	+-----------------+-----------------+-----------------+
 *	|.........########|#################|####.............|
 *	+-----------------+-----------------+-----------------+
 *	          ^ first                        ^ first + nr
 *
 * A range is a part of one word, or a tail, whole words and a head; mask() cuts the
 * first and the last, and whatever is between them goes by whole words.  Bits of the
 * last word at nbits and beyond are always 0.
 */
#include <linux/bitops.h>
#include <linux/string.h>

#include "bitmap.h"

#define WORD_BITS	FPOOL_BITMAP_WORD
#define ALL		(~0ULL)

static size_t nr_words(u32 nbits)
{
	return ((size_t)nbits + WORD_BITS - 1) / WORD_BITS;
}

static u64 mask_from(u32 bit)
{
	return ALL << (bit % WORD_BITS);
}

static u64 mask_upto(u32 last)
{
	return ALL >> (WORD_BITS - 1 - last % WORD_BITS);
}

/* The bits of word @w that lie in [@first, @last]. */
static u64 mask(u32 w, u32 first, u32 last)
{
	u64 m = ALL;

	if (w == first / WORD_BITS)
		m &= mask_from(first);
	if (w == last / WORD_BITS)
		m &= mask_upto(last);
	return m;
}

/**
 * fpool_bitmap_bytes() - memory that a map needs
 * @nbits: bits in it
 *
 * Context: Any.
 * Return: Bytes, a multiple of 8.
 */
size_t fpool_bitmap_bytes(u32 nbits)
{
	return nr_words(nbits) * sizeof(u64);
}

/**
 * fpool_bitmap_init() - make a map with every bit clear
 * @map: the map
 * @mem: fpool_bitmap_bytes() of memory, aligned to 8, zeroed or not; the map's for its life
 * @nbits: bits in it
 *
 * Context: Any; the caller owns @map alone.
 */
void fpool_bitmap_init(struct fpool_bitmap *map, void *mem, u32 nbits)
{
	memset(mem, 0, fpool_bitmap_bytes(nbits));
	map->words = mem;
	map->nbits = nbits;
	map->nset = 0;
}

/**
 * fpool_bitmap_set() - set a range
 * @map: the map
 * @first: its first bit
 * @nr: bits in it, all of them clear
 *
 * Context: The caller serialises.
 */
void fpool_bitmap_set(struct fpool_bitmap *map, u32 first, u32 nr)
{
	u32 last = first + nr - 1;
	u32 w = first / WORD_BITS, end = last / WORD_BITS;

	if (!nr)
		return;
	map->nset += nr;
	map->words[w] |= mask(w, first, last);
	if (w == end)
		return;
	memset(&map->words[w + 1], 0xff, (size_t)(end - w - 1) * sizeof(u64));
	map->words[end] |= mask_upto(last);
}

/**
 * fpool_bitmap_clear() - clear a range
 * @map: the map
 * @first: its first bit
 * @nr: bits in it, all of them set
 *
 * Context: The caller serialises.
 */
void fpool_bitmap_clear(struct fpool_bitmap *map, u32 first, u32 nr)
{
	u32 last = first + nr - 1;
	u32 w = first / WORD_BITS, end = last / WORD_BITS;

	if (!nr)
		return;
	map->nset -= nr;
	map->words[w] &= ~mask(w, first, last);
	if (w == end)
		return;
	memset(&map->words[w + 1], 0, (size_t)(end - w - 1) * sizeof(u64));
	map->words[end] &= ~mask_upto(last);
}

/* Does every word of the range, xor @flip, have only zeros in it? */
static bool all_zero(const struct fpool_bitmap *map, u32 first, u32 nr, u64 flip)
{
	u32 last = first + nr - 1;
	u32 w;

	if (!nr)
		return true;
	for (w = first / WORD_BITS; w <= last / WORD_BITS; w++) {
		if ((map->words[w] ^ flip) & mask(w, first, last))
			return false;
	}
	return true;
}

/**
 * fpool_bitmap_all_set() - is every bit of a range set?
 * @map: the map
 * @first: its first bit
 * @nr: bits in it
 *
 * Context: The caller serialises.
 * Return: true if so, and for an empty range.
 */
bool fpool_bitmap_all_set(const struct fpool_bitmap *map, u32 first, u32 nr)
{
	return all_zero(map, first, nr, ALL);
}

/**
 * fpool_bitmap_all_clear() - is every bit of a range clear?
 * @map: the map
 * @first: its first bit
 * @nr: bits in it
 *
 * Context: The caller serialises.
 * Return: true if so, and for an empty range.
 */
bool fpool_bitmap_all_clear(const struct fpool_bitmap *map, u32 first, u32 nr)
{
	return all_zero(map, first, nr, 0);
}

/* The first bit at or after @from that is set in the map xor @flip. */
static u32 next(const struct fpool_bitmap *map, u32 from, u64 flip)
{
	size_t w = from / WORD_BITS, end = nr_words(map->nbits);
	u64 word;

	if (from >= map->nbits)
		return map->nbits;
	word = (map->words[w] ^ flip) & mask_from(from);
	while (!word) {
		if (++w == end)
			return map->nbits;
		word = map->words[w] ^ flip;
	}
	/* At most nbits, because what is past the end is clear. */
	return w * WORD_BITS + __ffs64(word);
}

/**
 * fpool_bitmap_next_set() - find a set bit
 * @map: the map
 * @from: where to start, any number
 *
 * Context: The caller serialises.
 * Return: The first set bit at or after @from, or the number of bits if there is none.
 */
u32 fpool_bitmap_next_set(const struct fpool_bitmap *map, u32 from)
{
	return next(map, from, 0);
}

/**
 * fpool_bitmap_next_clear() - find a clear bit
 * @map: the map
 * @from: where to start, any number
 *
 * Context: The caller serialises.
 * Return: The first clear bit at or after @from, or the number of bits if there is none.
 */
u32 fpool_bitmap_next_clear(const struct fpool_bitmap *map, u32 from)
{
	return next(map, from, ALL);
}

/**
 * fpool_bitmap_weight() - count the set bits, one by one
 * @map: the map
 *
 * Not what @map believes (nset), but what is there, bits past the end included: for the checkers.
 *
 * Context: The caller serialises.
 * Return: How many are set.
 */
u32 fpool_bitmap_weight(const struct fpool_bitmap *map)
{
	size_t w;
	u32 n = 0;

	for (w = 0; w < nr_words(map->nbits); w++)
		n += hweight64(map->words[w]);
	return n;
}
