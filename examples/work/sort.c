// SPDX-License-Identifier: MIT
/* Sort a file of numbers in place, larger than the pool: quicksort goes from end to end. */
#include <stdio.h>
#include <stdlib.h>

#include "compare.h"

static void fill(void *data, size_t bytes)
{
	uint64_t *a = data, seed = 1;
	size_t i;

	for (i = 0; i < bytes / sizeof(*a); i++)
		a[i] = next_random(&seed);
}

static void swap(uint64_t *a, uint64_t *b)
{
	uint64_t t = *a;

	*a = *b;
	*b = t;
}

static uint64_t middle(uint64_t a, uint64_t b, uint64_t c)
{
	if (a > b)
		swap(&a, &b);
	return c < a ? a : c > b ? b : c;
}

/* Hoare's partition: what is before the returned place is not larger than what is behind. */
static uint64_t *partition(uint64_t *first, uint64_t *last)
{
	uint64_t pivot = middle(*first, first[(last - first - 1) / 2], last[-1]);
	uint64_t *low = first - 1, *high = last;

	for (;;) {
		do
			low++;
		while (*low < pivot);
		do
			high--;
		while (*high > pivot);
		if (low >= high)
			return high + 1;
		swap(low, high);
	}
}

/* The smaller side first: the stack stays small. */
static void sort(uint64_t *first, uint64_t *last)
{
	while (last - first > 1) {
		uint64_t *split = partition(first, last);

		if (split - first < last - split) {
			sort(first, split);
			first = split;
		} else {
			sort(split, last);
			last = split;
		}
	}
}

/* A sum in which each number's place counts. */
static uint64_t work(void *data, size_t bytes)
{
	uint64_t *a = data, sum = 0;
	size_t i, n = bytes / sizeof(*a);

	sort(a, a + n);
	for (i = 0; i < n; i++) {
		if (i && a[i - 1] > a[i]) {
			fprintf(stderr, "sort: number %zu is out of order\n", i);
			exit(1);
		}
		sum = sum * 31 + a[i];
	}
	return sum;
}

int main(int argc, char **argv)
{
	static const struct work by_sort = {
		.name = "sort", .work = work, .fill = fill, .changes = true, .block_type = FRAMEPOOL_BLOCK_64,
	};

	return compare(&by_sort, argc, argv);
}
