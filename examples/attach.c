// SPDX-License-Identifier: MIT
/*
 * Attach a file under a name, open the node as any program would, store to it, have it written,
 * detach.
 */
#include <fcntl.h>
#include <framepool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void check(int err, const char *what)
{
	if (err >= 0)
		return;
	fprintf(stderr, "attach: %s: %s\n", what, strerror(-err));
	exit(1);
}

/* What a program does that knows nothing of framepool. */
static void store_in(const char *path, const char *text)
{
	int fd = open(path, O_RDWR);
	off_t bytes = lseek(fd, 0, SEEK_END);
	char *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd < 0 || data == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	memcpy(data, text, strlen(text));
	if (msync(data, bytes, MS_SYNC)) /* 0: it is in the file, and its device was flushed */
		perror("msync");
	munmap(data, bytes);
	close(fd);
}

int main(int argc, char **argv)
{
	struct framepool_attach attach;
	int control;

	if (argc != 3) {
		fprintf(stderr, "usage: attach FILE TEXT\n");
		return 2;
	}
	control = framepool_open();
	check(control, FRAMEPOOL_CONTROL);
	FRAMEPOOL_INIT(&attach);
	attach.block_type = FRAMEPOOL_BLOCK_16; /* 16 pages are read at a time */
	strcpy(attach.name, "example");
	check(framepool_attach_path(control, argv[1], &attach), argv[1]);
	store_in(FRAMEPOOL_DIR "/example", argv[2]);
	check(framepool_detach(control, "example"), "detach");
	close(control);
	return 0;
}
