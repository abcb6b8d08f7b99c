// SPDX-License-Identifier: MIT
/*
 * Count the lines of a file, however large, within the pool's memory: one call instead of open()
 * and mmap().
 */
#include <framepool.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct framepool_mapping m;
	size_t lines = 0;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: lines FILE\n");
		return 2;
	}
	/* Without the module, or the right to it, the file itself is mapped. */
	err = framepool_map_file(argv[1], FRAMEPOOL_MAP_FALLBACK, NULL, &m);
	if (err) {
		fprintf(stderr, "lines: %s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	for (const char *at = m.addr, *end = at + m.length; at < end; at++)
		lines += *at == '\n';
	printf("%zu lines, %s\n", lines, m.pooled ? "through the pool" : "through the page cache");
	framepool_unmap(&m);
	return 0;
}
