// SPDX-License-Identifier: GPL-2.0-only
/* What the guest's parts of the power cuts share: the host, contents that prove themselves, spaces. */
#include "cut.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../../lib/framepool.h"

/* Lines to the host, one at a time. */
static pthread_mutex_t tell_lock = PTHREAD_MUTEX_INITIALIZER;
static int port;
uint64_t seed;
uint32_t this_round;

/* ---- the host ---- */

void tell_begin(int to)
{
	port = to;
}

void tell_line(const char *line, size_t length)
{
	pthread_mutex_lock(&tell_lock);
	while (length) {
		ssize_t n = write(port, line, length);

		if (n <= 0)
			exit(1);
		line += n;
		length -= n;
	}
	pthread_mutex_unlock(&tell_lock);
}

void tell(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	tell_line(line, length);
}

void die(const char *what, const char *name)
{
	tell("error %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

/* ---- contents ---- */

uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

uint64_t random_below(uint64_t *state, uint64_t n)
{
	*state += 0x9e3779b97f4a7c15ull;
	return mix(*state) % n;
}

uint64_t page_key(const struct place *at, uint32_t page)
{
	return mix(seed ^ ((uint64_t)at->number << 32 | page));
}

/* Version 0 is what was there before the first store: zeros. */
uint64_t word(uint64_t key, unsigned int i, uint32_t version)
{
	uint32_t proof = mix(key ^ (uint64_t)version << 10 ^ i);

	return version ? (uint64_t)version << 32 | proof : 0;
}

/* ---- spaces ---- */

/* Past the file system only blocks can be written that the file has. */
static void write_zeros(int fd, uint32_t pages, const char *name)
{
	static const uint8_t zeros[PAGE];
	uint32_t page;

	for (page = 0; page < pages; page++)
		if (pwrite(fd, zeros, PAGE, page * PAGE) != PAGE)
			die("zeros", name);
	if (fsync(fd))
		die("zeros", name);
}

/*
 * @empty: nothing of it was promised yet.  A file is sparse, so that the first write of a page has
 * blocks to allocate, which its sync has to cover.
 */
void place_prepare(const struct place *at, uint32_t pages, bool empty)
{
	int fd = open(at->path, O_RDWR | O_CREAT, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die("open", at->name);
	if (S_ISREG(st.st_mode) && (ftruncate(fd, pages * PAGE) || fsync(fd)))
		die("making", at->name);
	if (at->direct && empty)
		write_zeros(fd, pages, at->name);
	close(fd);
	fd = open("/run/cut", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fsync(fd))
		die("directory of", at->name);
	close(fd);
}

static void expect_direct(const struct place *at)
{
	struct framepool_space info;
	int err;

	FRAMEPOOL_INIT(&info);
	err = framepool_space_info(at->space, &info);

	errno = err ? -err : EOPNOTSUPP;
	if (err || !(info.state & FRAMEPOOL_SPACE_DIRECT_PATH))
		die("no direct path to", at->name);
}

void place_attach(struct place *at, uint32_t pages)
{
	struct framepool_attach attach;
	int control = framepool_open(), err;

	FRAMEPOOL_INIT(&attach);
	if (at->direct)
		attach.flags |= FRAMEPOOL_ATTACH_DIRECT;
	err = framepool_attach_path(control, at->path, &attach);
	if (err) {
		errno = -err;
		die("attach", at->name);
	}
	close(control);
	at->space = attach.space_fd;
	if (at->direct)
		expect_direct(at);
	at->map = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, at->space, 0);
	if (at->map == MAP_FAILED)
		die("mmap", at->name);
}
