// SPDX-License-Identifier: MIT
/*
 * A key-value store: a hash table of fixed slots in a file, and look-ups of keys as Zipf's law has
 * them, few often and most hardly ever. What is hot should stay in memory.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare.h"

#define SLOT 64
#define SKEW 0.99

struct slot {
	uint64_t key, value[SLOT / 8 - 1];
};

static uint64_t value_of(uint64_t key)
{
	return next_random(&key);
}

static size_t place(uint64_t key, size_t slots)
{
	return next_random(&key) % slots;
}

/* Half of the slots are taken, by keys from 1. */
static void fill(void *data, size_t bytes)
{
	struct slot *table = data;
	size_t slots = bytes / SLOT, at;
	uint64_t key;

	for (at = 0; at < slots; at++)
		table[at].key = 0;
	for (key = 1; key <= slots / 2; key++) {
		for (at = place(key, slots); table[at].key; at = (at + 1) % slots)
			;
		table[at].key = key;
		table[at].value[0] = value_of(key);
	}
}

/* Ranks as of Gray et al., "Quickly generating billion-record synthetic databases", 1994. */
static uint64_t zipf(uint64_t keys, double zeta, uint64_t *seed)
{
	double alpha = 1 / (1 - SKEW), zeta2 = 1 + pow(0.5, SKEW);
	double eta = (1 - pow(2.0 / keys, 1 - SKEW)) / (1 - zeta2 / zeta);
	double u = (next_random(seed) >> 11) * 0x1p-53;
	uint64_t rank;

	if (u * zeta < 1)
		return 1;
	if (u * zeta < zeta2)
		return 2;
	rank = 1 + (uint64_t)(keys * pow(eta * u - eta + 1, alpha));
	return rank > keys ? keys : rank;
}

static uint64_t work(void *data, size_t bytes)
{
	struct slot *table = data;
	size_t slots = bytes / SLOT, at;
	uint64_t keys = slots / 2, key, i, seed = 7, sum = 0;
	double zeta = 0;

	for (i = 1; i <= keys; i++)
		zeta += pow(1.0 / i, SKEW);
	for (i = 0; i < slots / 8; i++) {
		key = zipf(keys, zeta, &seed);
		for (at = place(key, slots); table[at].key != key; at = (at + 1) % slots)
			;
		if (table[at].value[0] != value_of(key)) {
			fprintf(stderr, "lookup: key %llu has another's value\n",
				(unsigned long long)key);
			exit(1);
		}
		sum += table[at].value[0];
	}
	return sum;
}

int main(int argc, char **argv)
{
	static const struct work lookup = { .name = "lookup", .work = work, .fill = fill };

	return compare(&lookup, argc, argv);
}
