// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's part of the power cuts: keeps records in files through framepool, and tells the host
 * which of them are durable.
 *
 *	recorder PORT PROMISES SEED ROUND check|write NAME PATH [NAME PATH ...]
 *
 * First what the host knows to be promised (a file of lines "NAME PAGE VERSION") is looked for,
 * by an ordinary read and then through framepool, each page by the mapping and by read().  Then,
 * to "write", threads store new versions of random pages of their own and sync, in every way that
 * there is, for ever.  One more thread a file holds the pages after these (FRAMEPOOL_HOLD),
 * stores to them while the others sync and evict, and lets them go: before it says so to the
 * host, no disk may have what it has stored.  Lines to the host:
 *
 *	checked NAME HOW PAGES PROMISED TORN	all of them fine; TORN are between two versions
 *	lost NAME HOW PAGE WORD PROMISED IS	an older version than promised
 *	garbage NAME HOW PAGE WORD IS		nothing that was ever stored there
 *	early NAME HOW PAGE WORD RELEASED IS	a held page that was not released
 *	writing
 *	releasing NAME VERSION			of the held pages, from now on it may reach the disk
 *	promise NAME PAGE:VERSION ...		a sync that was begun when they were stored gave 0
 *	error ...				what should never be
 *
 * Each word of a page says by itself which version it is of, and its other half proves it: a page
 * that was stored to while it was being written may come to the disk between two versions, at any
 * word, and that is all that may happen to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "../../lib/framepool.h"

#define PAGE		4096UL
#define WORDS		(PAGE / sizeof(uint64_t))
#define NR		1024U		/* pages of each file; the pool has fewer for all of them */
#define HELD		32U		/* more of them, which one thread holds */
#define ALL		(NR + HELD)
#define RELEASED	UINT32_MAX	/* in the file of promises: not a page but what was released */
#define FILES		4
#define THREADS		2		/* for each file */
#define BATCH		24		/* stores between two syncs, at most */
#define LINE		(64 + ALL * 24)
/* A version is the round in the upper bits: what a round stores is newer than all before it. */
#define ROUND_SHIFT	22
#define SAID_MAX	10

struct file {
	const char *name;
	const char *path;
	unsigned int number;
	int space;
	uint8_t *map;
	uint32_t promised[ALL];		/* before this boot */
	uint32_t released;		/* the last version of the held pages before this boot */
	_Atomic uint32_t stored[NR];	/* the version whose store is finished; one thread a page */
	uint32_t told[ALL];		/* T */
};

struct writer {
	struct file *file;
	unsigned int number;
	uint64_t random;
};

/* T: lines to the host, one at a time, and what they said. */
static pthread_mutex_t tell_lock = PTHREAD_MUTEX_INITIALIZER;
static int port;
static uint64_t seed;
static uint32_t this_round;
static struct file files[FILES];
static unsigned int nfiles;

static void send_line(const char *line, size_t length)
{
	while (length) {
		ssize_t n = write(port, line, length);

		if (n <= 0)
			exit(1);
		line += n;
		length -= n;
	}
}

static void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void tell(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int length;

	va_start(ap, fmt);
	length = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&tell_lock);
	send_line(line, length);
	pthread_mutex_unlock(&tell_lock);
}

static void die(const char *what, const char *name)
{
	tell("error %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

/* ---- contents ---- */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static uint64_t page_key(const struct file *file, uint32_t page)
{
	return mix(seed ^ ((uint64_t)file->number << 32 | page));
}

/* Version 0 is what was there before the first store: zeros. */
static uint64_t word(uint64_t key, unsigned int i, uint32_t version)
{
	uint32_t proof = mix(key ^ (uint64_t)version << 10 ^ i);

	return version ? (uint64_t)version << 32 | proof : 0;
}

static void fill(const struct file *file, volatile uint64_t *to, uint32_t page, uint32_t version)
{
	uint64_t key = page_key(file, page);
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		to[i] = word(key, i, version);
}

/* ---- checking ---- */

struct check {
	const struct file *file;
	const char *how;
	unsigned int bad, torn, promised;
};

static void complain(const struct check *c, uint32_t page, unsigned int i, uint64_t is)
{
	uint32_t version = is >> 32, promised = c->file->promised[page];

	if (is != word(page_key(c->file, page), i, version))
		tell("garbage %s %s %u %u %#jx\n", c->file->name, c->how, page, i, (uintmax_t)is);
	else if (version < promised)
		tell("lost %s %s %u %u %u %u\n", c->file->name, c->how, page, i, promised,
		     version);
	else
		tell("early %s %s %u %u %u %u\n", c->file->name, c->how, page, i,
		     c->file->released, version);
}

static void check_page(struct check *c, const uint64_t *is, uint32_t page)
{
	uint32_t promised = c->file->promised[page], first = is[0] >> 32;
	uint32_t newest = page < NR ? (this_round + 1) << ROUND_SHIFT : c->file->released;
	uint64_t key = page_key(c->file, page);
	bool torn = false;
	unsigned int i;

	for (i = 0; i < WORDS; i++) {
		uint32_t version = is[i] >> 32;

		torn |= version != first;
		if (is[i] == word(key, i, version) && version >= promised && version <= newest)
			continue;
		if (c->bad++ < SAID_MAX)
			complain(c, page, i, is[i]);
		return;
	}
	c->torn += torn;
	c->promised += promised != 0;
}

static void check_end(const struct check *c)
{
	if (!c->bad)
		tell("checked %s %s %u %u %u\n", c->file->name, c->how, ALL, c->promised, c->torn);
}

static void check_read(const struct file *file, int fd, const char *how)
{
	struct check c = { .file = file, .how = how };
	uint64_t *buffer = aligned_alloc(PAGE, PAGE);
	uint32_t page;

	for (page = 0; page < ALL; page++) {
		if (pread(fd, buffer, PAGE, page * PAGE) != PAGE)
			die(how, file->name);
		check_page(&c, buffer, page);
	}
	free(buffer);
	check_end(&c);
}

static void check_mapping(const struct file *file)
{
	struct check c = { .file = file, .how = "mapping" };
	uint32_t page;

	for (page = 0; page < ALL; page++)
		check_page(&c, (const uint64_t *)(file->map + page * PAGE), page);
	check_end(&c);
}

static bool promised_anything(const struct file *file)
{
	uint32_t page;

	for (page = 0; page < ALL; page++)
		if (file->promised[page])
			return true;
	return false;
}

/* Without the pool. A file that was not made durable yet may be missing, or too short. */
static void check_plain(const struct file *file)
{
	int fd = open(file->path, O_RDONLY);
	bool whole = fd >= 0 && lseek(fd, 0, SEEK_END) >= (off_t)(ALL * PAGE);

	if (whole)
		check_read(file, fd, "plain");
	else if (promised_anything(file))
		tell("lost %s plain: there is no file, or it is too short\n", file->name);
	if (fd >= 0)
		close(fd);
}

/* ---- the pool ---- */

static void prepare(const struct file *file)
{
	int fd = open(file->path, O_RDWR | O_CREAT, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die("open", file->name);
	/* Sparse: the first write of a page has blocks to allocate, which its sync has to cover. */
	if (S_ISREG(st.st_mode) && (ftruncate(fd, ALL * PAGE) || fsync(fd)))
		die("making", file->name);
	close(fd);
	fd = open("/run/cut", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fsync(fd))
		die("directory of", file->name);
	close(fd);
}

static void attach(struct file *file)
{
	struct framepool_attach attach;
	int control = framepool_open(), err;

	FRAMEPOOL_INIT(&attach);
	err = framepool_attach_path(control, file->path, &attach);
	if (err) {
		errno = -err;
		die("attach", file->name);
	}
	close(control);
	file->space = attach.space_fd;
	file->map = mmap(NULL, ALL * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file->space, 0);
	if (file->map == MAP_FAILED)
		die("mmap", file->name);
}

/* ---- writing ---- */

static uint64_t below(struct writer *w, uint64_t n)
{
	w->random += 0x9e3779b97f4a7c15ull;
	return mix(w->random) % n;
}

/* Some of this writer's pages, half of the time neighbours as far as they are its own. */
static uint32_t store_some(struct writer *w, uint32_t version)
{
	uint32_t page = 0, nr = 1 + below(w, BATCH), i;
	bool near = below(w, 2);

	for (i = 0; i < nr; i++) {
		page = (near && i ? page + THREADS : below(w, NR)) / THREADS * THREADS;
		page = page % NR + w->number;
		fill(w->file, (uint64_t *)(w->file->map + page * PAGE), page, version);
		atomic_store(&w->file->stored[page], version);
	}
	return page;
}

/* One page by write(), durable when it returns. */
static int store_durably(struct writer *w, uint32_t page, uint32_t version)
{
	uint64_t buffer[WORDS];
	struct iovec part = { .iov_base = buffer, .iov_len = PAGE };

	fill(w->file, buffer, page, version);
	if (pwritev2(w->file->space, &part, 1, page * PAGE, RWF_DSYNC) != PAGE)
		return -1;
	atomic_store(&w->file->stored[page], version);
	return 0;
}

static int sync_range(const struct file *file, unsigned int how, uint32_t first, uint32_t nr)
{
	struct framepool_range range;
	int err;

	switch (how) {
	case 0:
		return msync(file->map + first * PAGE, nr * PAGE, MS_SYNC);
	case 1:
		FRAMEPOOL_INIT(&range);
		range.offset = first * PAGE;
		range.length = nr * PAGE;
		err = framepool_sync(file->space, &range);
		errno = -err;
		return err;
	case 2:
		return fsync(file->space);
	default:
		return fdatasync(file->space);
	}
}

/* What is new in @stored, as one line, written whole before the next one. */
static void promise(struct file *file, uint32_t first, uint32_t nr, const uint32_t *stored)
{
	static char line[LINE];
	size_t length;
	uint32_t i;

	pthread_mutex_lock(&tell_lock);
	length = sprintf(line, "promise %s", file->name);
	for (i = 0; i < nr; i++) {
		if (stored[i] <= file->told[first + i])
			continue;
		file->told[first + i] = stored[i];
		length += sprintf(line + length, " %u:%u", first + i, stored[i]);
	}
	line[length++] = '\n';
	send_line(line, length);
	pthread_mutex_unlock(&tell_lock);
}

static void *write_for_ever(void *arg)
{
	struct writer *w = arg;
	struct file *file = w->file;
	uint32_t stored[NR], version, first, nr, page, i;
	unsigned int how;

	for (version = this_round << ROUND_SHIFT;; ) {
		page = store_some(w, ++version);
		how = below(w, 5);
		first = 0;
		nr = NR;
		if (how < 2) {
			first = below(w, page + 1);
			nr = page - first + 1 + below(w, NR - page);
		}
		/* What any thread has stored before the sync begins is promised by it. */
		for (i = 0; i < nr; i++)
			stored[i] = atomic_load(&file->stored[first + i]);
		if (how == 4) {
			first = page;
			nr = 1;
			stored[0] = ++version;
		}
		if (how == 4 ? store_durably(w, page, version) : sync_range(file, how, first, nr))
			die("sync", file->name);
		promise(file, first, nr, stored);
	}
	return NULL;
}

static void range_of_held(struct framepool_range *range)
{
	FRAMEPOOL_INIT(range);
	range->offset = NR * PAGE;
	range->length = HELD * PAGE;
}

/* As a program that logs ahead: what is held must not be on the disk before it is let go. */
static void *hold_for_ever(void *arg)
{
	struct file *file = arg;
	uint32_t stored[HELD], version, i;
	struct framepool_range range;

	for (version = this_round << ROUND_SHIFT;; ) {
		version++;
		range_of_held(&range);
		if (framepool_hold(file->space, &range) || range.done != HELD)
			die("hold", file->name);
		for (i = 0; i < HELD; i++) {
			fill(file, (uint64_t *)(file->map + (NR + i) * PAGE), NR + i, version);
			stored[i] = version;
		}
		/* All of this has to pass them by. */
		FRAMEPOOL_INIT(&range);
		if (fsync(file->space) || framepool_evict(file->space, &range) ||
		    msync(file->map, ALL * PAGE, MS_SYNC))
			die("sync beside held pages", file->name);
		tell("releasing %s %u\n", file->name, version);
		range_of_held(&range);
		if (framepool_release(file->space, &range))
			die("release", file->name);
		promise(file, NR, HELD, stored);
	}
	return NULL;
}

static void write_files(void)
{
	static struct writer writers[FILES * THREADS];
	pthread_t thread;
	unsigned int i;

	tell("writing\n");
	for (i = 0; i < nfiles * THREADS; i++) {
		writers[i].file = &files[i / THREADS];
		writers[i].number = i % THREADS;
		writers[i].random = mix(seed + (uint64_t)this_round * 1000 + i);
		if (pthread_create(&thread, NULL, write_for_ever, &writers[i]))
			die("thread", "");
	}
	for (i = 0; i < nfiles; i++)
		if (pthread_create(&thread, NULL, hold_for_ever, &files[i]))
			die("thread", "");
	pthread_join(thread, NULL);
}

/* ---- */

static void note_before(struct file *file, const char *name, uint32_t page, uint32_t version)
{
	if (strcmp(file->name, name))
		return;
	if (page == RELEASED)
		file->released = version;
	else if (page < ALL)
		file->promised[page] = version;
}

static void load_promises(const char *path)
{
	FILE *f = fopen(path, "r");
	uint32_t page, version;
	char name[32];
	unsigned int i;

	if (!f)
		die("open", path);
	while (fscanf(f, "%31s %u %u", name, &page, &version) == 3)
		for (i = 0; i < nfiles; i++)
			note_before(&files[i], name, page, version);
	fclose(f);
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc < 8 || argc > 6 + 2 * FILES)
		return 2;
	port = open(argv[1], O_WRONLY);
	if (port < 0)
		return 1;
	seed = mix(strtoull(argv[3], NULL, 0));
	this_round = atoi(argv[4]);
	for (nfiles = 0; 7 + 2 * (int)nfiles < argc; nfiles++) {
		files[nfiles].name = argv[6 + 2 * nfiles];
		files[nfiles].path = argv[7 + 2 * nfiles];
		files[nfiles].number = nfiles;
	}
	load_promises(argv[2]);
	for (i = 0; i < nfiles; i++)
		check_plain(&files[i]);
	for (i = 0; i < nfiles; i++) {
		prepare(&files[i]);
		attach(&files[i]);
		if (this_round) {
			check_mapping(&files[i]);
			check_read(&files[i], files[i].space, "read");
		}
	}
	if (!strcmp(argv[5], "write"))
		write_files();
	return 0;
}
