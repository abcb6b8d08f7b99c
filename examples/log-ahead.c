// SPDX-License-Identifier: MIT
/*
 * Write-ahead logging: the page changes in place first, the log is made durable, and only then may
 * the page reach its file. Until then neither eviction nor anybody's fsync writes it.
 */
#include <fcntl.h>
#include <framepool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "log-ahead: %s: %s\n", what, strerror(-err));
	exit(1);
}

static struct framepool_range first_page(void)
{
	struct framepool_range range;

	FRAMEPOOL_INIT(&range);
	range.length = PAGE;
	return range;
}

static char in_file(const char *path)
{
	char byte = 0;
	int fd = open(path, O_RDONLY);

	if (pread(fd, &byte, 1, 0) != 1)
		perror(path);
	close(fd);
	return byte;
}

int main(int argc, char **argv)
{
	struct framepool_range range = first_page();
	struct framepool_mapping m;
	char *data;
	int log;

	if (argc != 3) {
		fprintf(stderr, "usage: log-ahead FILE LOG\n");
		return 2;
	}
	log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600);
	check(framepool_map_file(argv[1], FRAMEPOOL_MAP_WRITE, NULL, &m), argv[1]);
	data = m.addr;

	check(framepool_hold(m.fd, &range), "hold");
	data[0] = 'B';
	fsync(m.fd); /* of whomever: passes a held page */
	printf("before the log is durable: %c in memory, %c in the file\n", data[0],
	       in_file(argv[1]));

	if (dprintf(log, "page 0: B\n") < 0 || fsync(log)) {
		perror(argv[2]);
		return 1;
	}
	range = first_page();
	check(framepool_release(m.fd, &range), "release");
	printf("after release: %c in the file, %llu page written\n", in_file(argv[1]),
	       (unsigned long long)range.written);
	close(log);
	framepool_unmap(&m);
	return 0;
}
