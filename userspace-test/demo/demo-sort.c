// SPDX-License-Identifier: GPL-2.0-only
/*
 * demo-sort PATH: sort a file of records of 256 bytes in place, through a mapping of it.
 * demo-sort --check FILE: read a file without mapping it; say whether it is sorted, and which
 * records it has.
 *
 * Quicksort walks a range from both ends towards the middle and then stays within one half, so it
 * pages each part of the file in twice or three times until the halves fit into memory; from then
 * on it never waits.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo.h"

#define RECORD 256
#define SMALL  12 /* records that are quicker sorted by insertion */

struct record {
	unsigned char bytes[RECORD];
};

struct sort {
	unsigned int levels; /* of halving, ideally: each record is worth so much progress */
	uint64_t done, total;
};

static bool less(const struct record *a, const struct record *b)
{
	return memcmp(a, b, RECORD) < 0;
}

static void swap(struct record *a, struct record *b)
{
	struct record t = *a;

	*a = *b;
	*b = t;
}

static void insertion_sort(struct record *r, size_t nr)
{
	struct record t;
	size_t i, to;

	for (i = 1; i < nr; i++) {
		if (!less(&r[i], &r[i - 1]))
			continue;
		t = r[i];
		for (to = i; to && less(&t, &r[to - 1]); to--)
			r[to] = r[to - 1];
		r[to] = t;
	}
}

static const struct record *median(const struct record *a, const struct record *b,
				   const struct record *c)
{
	if (less(a, b))
		return less(b, c) ? b : less(a, c) ? c : a;
	return less(a, c) ? a : less(b, c) ? c : b;
}

/*
 * Hoare's partition. Both scans stop at records equal to the pivot, so that many equal ones, as
 * real files have, still make halves. Answers n, 0 < n < nr: what is before n is not greater than
 * what is from n on.
 */
static size_t partition(struct record *r, size_t nr)
{
	struct record pivot = *median(&r[nr / 4], &r[nr / 2], &r[nr / 4 * 3]);
	size_t i = 0, j = nr - 1;

	for (;;) {
		while (less(&r[i], &pivot))
			i++;
		while (less(&pivot, &r[j]))
			j--;
		if (i >= j)
			break;
		swap(&r[i++], &r[j--]);
	}
	/* The scans met on a record equal to the pivot, or have crossed. */
	return i ? i : 1;
}

static void credit(struct sort *s, uint64_t units)
{
	s->done += units;
	progress("sort", s->done, s->total);
}

static void quicksort(struct sort *s, struct record *r, size_t nr, unsigned int depth)
{
	size_t half;

	while (nr > SMALL) {
		half = partition(r, nr);
		if (depth < s->levels)
			credit(s, nr);
		depth++;
		/* The smaller half first: the depth of the calls stays within log2. */
		if (half <= nr - half) {
			quicksort(s, r, half, depth);
			r += half;
			nr -= half;
		} else {
			quicksort(s, r + half, nr - half, depth);
			nr = half;
		}
	}
	insertion_sort(r, nr);
	if (depth < s->levels)
		credit(s, nr * (s->levels - depth));
}

static int sort(const char *path)
{
	struct mapping m = map_path(path, true);
	size_t nr = m.bytes / RECORD, n;
	struct sort s = { .levels = 1 };

	for (n = nr; n > SMALL; n /= 2)
		s.levels++;
	s.total = (uint64_t)nr * (s.levels + 1); /* the last level is msync() */
	quicksort(&s, (struct record *)m.addr, nr, 0);
	if (msync(m.addr, m.bytes, MS_SYNC))
		err(1, "msync %s", path);
	progress("sort", s.total, s.total);
	unmap(&m);
	return 0;
}

/* FNV-1a over words, stirred at the end so that a sum of many says which records there are. */
static uint64_t hash(const struct record *r)
{
	uint64_t h = 0xcbf29ce484222325, word;
	int i;

	for (i = 0; i < RECORD; i += sizeof(word)) {
		memcpy(&word, r->bytes + i, sizeof(word));
		h = (h ^ word) * 0x100000001b3;
		h ^= h >> 29;
	}
	return (h ^ h >> 32) * 0x9e3779b97f4a7c15;
}

struct check {
	uint64_t records, misplaced, sum;
	struct record before;
};

static void check_record(struct check *c, const struct record *r)
{
	if (c->records++ && less(r, &c->before))
		c->misplaced++;
	c->sum += hash(r);
	c->before = *r;
}

static int check(const char *path)
{
	static struct record buffer[4096];
	struct check c = { 0 };
	ssize_t got, i;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		err(1, "cannot open %s", path);
	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		for (i = 0; i < got / RECORD; i++)
			check_record(&c, &buffer[i]);
	if (got < 0)
		err(1, "cannot read %s", path);
	close(fd);
	printf("%s records=%" PRIu64 " sum=%016" PRIx64 "\n", c.misplaced ? "unsorted" : "sorted",
	       c.records, c.sum);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--check"))
		return check(argv[2]);
	if (argc != 2 || argv[1][0] == '-')
		errx(2, "usage: demo-sort PATH | demo-sort --check FILE");
	return sort(argv[1]);
}
