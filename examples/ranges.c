// SPDX-License-Identifier: MIT
/* Prefetch, pin and evict pages of a file, with exact counts, and see which are resident. */
#include <framepool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096
#define SHOWN 64

typedef int (*command)(int space, struct framepool_range *range);

/* One command on the first @pages pages; 0 is all of them. */
static struct framepool_range on(int space, command call, const char *name, unsigned int pages)
{
	struct framepool_range range;
	int err;

	FRAMEPOOL_INIT(&range);
	range.length = (unsigned long long)pages * PAGE;
	err = call(space, &range);
	if (err) {
		fprintf(stderr, "ranges: %s: %s\n", name, strerror(-err));
		exit(1);
	}
	printf("%-8s %llu done, %llu already, %llu stayed pinned\n", name,
	       (unsigned long long)range.done, (unsigned long long)range.already,
	       (unsigned long long)range.pinned);
	return range;
}

static void show(int space)
{
	unsigned char bits[SHOWN / 8];

	if (framepool_residency(space, 0, SHOWN * PAGE, bits, NULL))
		return;
	for (int i = 0; i < SHOWN; i++)
		putchar(bits[i / 8] >> i % 8 & 1 ? '#' : '.');
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct framepool_mapping m;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: ranges FILE (of %d pages or more)\n", SHOWN);
		return 2;
	}
	err = framepool_map_file(argv[1], 0, NULL, &m);
	if (err) {
		fprintf(stderr, "ranges: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	on(m.fd, framepool_evict, "evict", 0);
	show(m.fd);
	on(m.fd, framepool_prefetch, "prefetch", 32);
	show(m.fd);
	on(m.fd, framepool_pin, "pin", 8);
	on(m.fd, framepool_evict, "evict", 0); /* all but the pinned ones */
	show(m.fd);
	on(m.fd, framepool_unpin, "unpin", 8);
	framepool_unmap(&m);
	return 0;
}
