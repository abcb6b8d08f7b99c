/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bitmap over memory that the caller owns: one bit per frame, 1 = allocated.
 *
 * Every function works on ranges [first, first + nr); the caller guarantees that
 * they lie inside the map.  No lock: the caller's.
 */
#ifndef FPOOL_CORE_BITMAP_H
#define FPOOL_CORE_BITMAP_H

#include "types.h"

#define FPOOL_BITMAP_WORD	64

struct fpool_bitmap {
	u64 *words;
	u32 nbits;
	u32 nset;
};

/* The way of a single frame, in line: these three are on the path of every fault. */

/**
 * fpool_bitmap_test() - is a bit set?
 * @map: the map
 * @bit: less than the map's bits
 *
 * Context: The caller serialises.
 * Return: true if it is.
 */
static inline bool fpool_bitmap_test(const struct fpool_bitmap *map, u32 bit)
{
	return map->words[bit / FPOOL_BITMAP_WORD] >> (bit % FPOOL_BITMAP_WORD) & 1;
}

/**
 * fpool_bitmap_set_one() - set a bit
 * @map: the map
 * @bit: which; it is clear
 *
 * Context: The caller serialises.
 */
static inline void fpool_bitmap_set_one(struct fpool_bitmap *map, u32 bit)
{
	map->words[bit / FPOOL_BITMAP_WORD] |= 1ULL << (bit % FPOOL_BITMAP_WORD);
	map->nset++;
}

/**
 * fpool_bitmap_clear_one() - clear a bit
 * @map: the map
 * @bit: which; it is set
 *
 * Context: The caller serialises.
 */
static inline void fpool_bitmap_clear_one(struct fpool_bitmap *map, u32 bit)
{
	map->words[bit / FPOOL_BITMAP_WORD] &= ~(1ULL << (bit % FPOOL_BITMAP_WORD));
	map->nset--;
}

size_t fpool_bitmap_bytes(u32 nbits);
void fpool_bitmap_init(struct fpool_bitmap *map, void *mem, u32 nbits);
void fpool_bitmap_set(struct fpool_bitmap *map, u32 first, u32 nr);
void fpool_bitmap_clear(struct fpool_bitmap *map, u32 first, u32 nr);
bool fpool_bitmap_all_set(const struct fpool_bitmap *map, u32 first, u32 nr);
bool fpool_bitmap_all_clear(const struct fpool_bitmap *map, u32 first, u32 nr);
u32 fpool_bitmap_next_set(const struct fpool_bitmap *map, u32 from);
u32 fpool_bitmap_next_clear(const struct fpool_bitmap *map, u32 from);
u32 fpool_bitmap_weight(const struct fpool_bitmap *map);

#endif /* FPOOL_CORE_BITMAP_H */
