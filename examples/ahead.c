// SPDX-License-Identifier: MIT
/*
 * Read scattered records without waiting for the disk: while one batch is worked on, the next one,
 * whose places are known already, is on its way.
 */
#include <errno.h>
#include <framepool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PAGE 4096
#define BATCH 32
#define BATCHES 16

static void die(const char *what, int err)
{
	fprintf(stderr, "ahead: %s: %s\n", what, strerror(-err));
	exit(1);
}

/* Where the records of a batch are: here by dice, elsewhere by an index. */
static void choose(struct framepool_span *batch, size_t bytes)
{
	memset(batch, 0, BATCH * sizeof(*batch));
	for (int i = 0; i < BATCH; i++) {
		batch[i].offset = rand() % (bytes / PAGE) * PAGE;
		batch[i].length = PAGE;
	}
}

/* The counts of pages that came, and of those that were there. */
static void fetched(int space, uint64_t ticket, int event, unsigned long long *came,
		    unsigned long long *there)
{
	struct framepool_span result[BATCH];
	uint64_t events;
	int err;

	if (read(event, &events, sizeof(events)) != sizeof(events))
		exit(1);
	err = framepool_prefetch_result(space, ticket, result, BATCH);
	if (err)
		die("result", err);
	for (int i = 0; i < BATCH; i++) {
		if (result[i].error)
			die("a record", -(int)result[i].error);
		*came += result[i].done;
		*there += result[i].already;
	}
}

int main(int argc, char **argv)
{
	struct framepool_span batch[2][BATCH];
	unsigned long long came = 0, there = 0, sum = 0;
	int err, event = eventfd(0, EFD_CLOEXEC);
	struct framepool_mapping m;
	uint64_t ticket;

	if (argc != 2) {
		fprintf(stderr, "usage: ahead FILE (of a page or more)\n");
		return 2;
	}
	err = framepool_map_file(argv[1], 0, NULL, &m);
	if (err)
		die(argv[1], err);
	if (m.length < PAGE)
		die(argv[1], -EINVAL);
	choose(batch[0], m.length);
	err = framepool_prefetch_start(m.fd, batch[0], BATCH, event, &ticket);
	for (int b = 0; b < BATCHES && !err; b++) {
		fetched(m.fd, ticket, event, &came, &there);
		choose(batch[(b + 1) % 2], m.length);
		err = framepool_prefetch_start(m.fd, batch[(b + 1) % 2], BATCH, event, &ticket);
		for (int i = 0; i < BATCH; i++)
			sum += *((unsigned char *)m.addr + batch[b % 2][i].offset);
	}
	if (err)
		die("prefetch", err);
	printf("%d records, sum %llu; %llu pages came while others were read, %llu were there\n",
	       BATCH * BATCHES, sum, came, there);
	framepool_unmap(&m);
	return 0;
}
