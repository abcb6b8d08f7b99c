// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's part of the power cuts: keeps records in files through framepool, and tells the host
 * which of them are durable.
 *
 *	recorder PORT PROMISES SEED ROUND check|write KIND NAME PATH [KIND NAME PATH ...]
 *
 * First what the host knows to be promised (a file of lines "NAME PAGE VERSION") is looked for,
 * by an ordinary read and then through framepool, each page by the mapping and by read().  Then,
 * to "write", threads store new versions of random pages of their own and sync, in every way that
 * there is, for ever.  One more thread a file holds the pages after these (FRAMEPOOL_HOLD),
 * stores to them while the others sync and evict, and lets them go, first one half and then the
 * other: before it says so to the host, no disk may have what it has stored, and none may have any
 * of the second half without all of the first.
 *
 * KIND is records, for these; direct, for the same past the file system; or ledger, for a store with
 * a log ahead of its data (ledger.c).  Lines to the host:
 *
 *	checked NAME HOW PAGES PROMISED TORN	all of them fine; TORN are between two versions
 *	lost NAME HOW PAGE WORD PROMISED IS	an older version than promised
 *	garbage NAME HOW PAGE WORD IS		nothing that was ever stored there
 *	early NAME HOW PAGE WORD RELEASED IS	a held page that was not released
 *	early NAME HOW order FIRST SECOND	a second release is there without the first
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
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "../../lib/framepool.h"
#include "ledger.h"

#define NR		1024U		/* pages of each file; the pool has fewer for all of them */
#define HELD		32U		/* more of them, which one thread holds */
#define HALF		(HELD / 2)	/* that are released together */
#define ALL		(NR + HELD)
#define FILES		6
#define THREADS		2		/* for each file */
#define BATCH		24		/* stores between two syncs, at most */
#define LINE		(64 + ALL * 24)
/* A version is the round in the upper bits: what a round stores is newer than all before it. */
#define ROUND_SHIFT	22
#define SAID_MAX	10

struct file {
	struct place at;
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

static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;	/* T */
static struct file files[FILES];
static unsigned int nfiles;
static struct ledger ledgers[FILES];
static unsigned int nledgers;

static void fill(const struct file *file, volatile uint64_t *to, uint32_t page, uint32_t version)
{
	uint64_t key = page_key(&file->at, page);
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		to[i] = word(key, i, version);
}

/* ---- checking ---- */

struct check {
	const struct file *file;
	const char *how;
	unsigned int bad, torn, promised;
	uint32_t first;		/* the oldest version in the half that is released first */
	uint32_t second;	/* the newest one in the other */
};

static void complain(const struct check *c, uint32_t page, unsigned int i, uint64_t is)
{
	uint32_t version = is >> 32, promised = c->file->promised[page];

	if (is != word(page_key(&c->file->at, page), i, version))
		tell("garbage %s %s %u %u %#jx\n", c->file->at.name, c->how, page, i,
		     (uintmax_t)is);
	else if (version < promised)
		tell("lost %s %s %u %u %u %u\n", c->file->at.name, c->how, page, i, promised,
		     version);
	else
		tell("early %s %s %u %u %u %u\n", c->file->at.name, c->how, page, i,
		     c->file->released, version);
}

static void note_release(struct check *c, uint32_t page, uint32_t version)
{
	if (page < NR)
		return;
	if (page < NR + HALF && version < c->first)
		c->first = version;
	if (page >= NR + HALF && version > c->second)
		c->second = version;
}

static void check_page(struct check *c, const uint64_t *is, uint32_t page)
{
	uint32_t promised = c->file->promised[page], first = is[0] >> 32;
	uint32_t newest = page < NR ? (this_round + 1) << ROUND_SHIFT : c->file->released;
	uint64_t key = page_key(&c->file->at, page);
	bool torn = false;
	unsigned int i;

	for (i = 0; i < WORDS; i++) {
		uint32_t version = is[i] >> 32;

		torn |= version != first;
		note_release(c, page, version);
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
	const char *name = c->file->at.name;

	if (c->bad)
		return;
	if (c->second > c->first)
		tell("early %s %s order %u %u\n", name, c->how, c->first, c->second);
	else
		tell("checked %s %s %u %u %u\n", name, c->how, ALL, c->promised, c->torn);
}

static void check_read(const struct file *file, int fd, const char *how)
{
	struct check c = { .file = file, .how = how, .first = UINT32_MAX };
	uint64_t *buffer = aligned_alloc(PAGE, PAGE);
	uint32_t page;

	for (page = 0; page < ALL; page++) {
		if (pread(fd, buffer, PAGE, page * PAGE) != PAGE)
			die(how, file->at.name);
		check_page(&c, buffer, page);
	}
	free(buffer);
	check_end(&c);
}

static void check_mapping(const struct file *file)
{
	struct check c = { .file = file, .how = "mapping", .first = UINT32_MAX };
	uint32_t page;

	for (page = 0; page < ALL; page++)
		check_page(&c, (const uint64_t *)(file->at.map + page * PAGE), page);
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
	int fd = open(file->at.path, O_RDONLY);
	bool whole = fd >= 0 && lseek(fd, 0, SEEK_END) >= (off_t)(ALL * PAGE);

	if (whole)
		check_read(file, fd, "plain");
	else if (promised_anything(file))
		tell("lost %s plain: there is no file, or it is too short\n", file->at.name);
	if (fd >= 0)
		close(fd);
}

/* ---- writing ---- */

/* Some of this writer's pages, half of the time neighbours as far as they are its own. */
static uint32_t store_some(struct writer *w, uint32_t version)
{
	uint32_t page = 0, nr = 1 + random_below(&w->random, BATCH), i;
	bool near = random_below(&w->random, 2);

	for (i = 0; i < nr; i++) {
		page = near && i ? page + THREADS : random_below(&w->random, NR);
		page = page / THREADS * THREADS % NR + w->number;
		fill(w->file, (uint64_t *)(w->file->at.map + page * PAGE), page, version);
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
	if (pwritev2(w->file->at.space, &part, 1, page * PAGE, RWF_DSYNC) != PAGE)
		return -1;
	atomic_store(&w->file->stored[page], version);
	return 0;
}

static void range_of(struct framepool_range *range, uint32_t first, uint32_t nr)
{
	FRAMEPOOL_INIT(range);
	range->offset = first * PAGE;
	range->length = nr * PAGE;
}

static int sync_range(const struct file *file, unsigned int how, uint32_t first, uint32_t nr)
{
	struct framepool_range range;
	int err;

	switch (how) {
	case 0:
		return msync(file->at.map + first * PAGE, nr * PAGE, MS_SYNC);
	case 1:
		range_of(&range, first, nr);
		err = framepool_sync(file->at.space, &range);
		errno = -err;
		return err;
	case 2:
		return fsync(file->at.space);
	default:
		return fdatasync(file->at.space);
	}
}

/* What is new in @stored, as one line, written whole before the next one. */
static void promise(struct file *file, uint32_t first, uint32_t nr, const uint32_t *stored)
{
	static char line[LINE];
	size_t length;
	uint32_t i;

	pthread_mutex_lock(&told_lock);
	length = sprintf(line, "promise %s", file->at.name);
	for (i = 0; i < nr; i++) {
		if (stored[i] <= file->told[first + i])
			continue;
		file->told[first + i] = stored[i];
		length += sprintf(line + length, " %u:%u", first + i, stored[i]);
	}
	line[length++] = '\n';
	tell_line(line, length);
	pthread_mutex_unlock(&told_lock);
}

static void *write_for_ever(void *arg)
{
	struct writer *w = arg;
	struct file *file = w->file;
	uint32_t stored[NR], version, first, nr, page, i;
	unsigned int how;

	for (version = this_round << ROUND_SHIFT;; ) {
		page = store_some(w, ++version);
		how = random_below(&w->random, 5);
		first = 0;
		nr = NR;
		if (how < 2) {
			first = random_below(&w->random, page + 1);
			nr = page - first + 1 + random_below(&w->random, NR - page);
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
			die("sync", file->at.name);
		promise(file, first, nr, stored);
	}
	return NULL;
}

static void release(struct file *file, uint32_t first, uint32_t nr, const uint32_t *stored)
{
	struct framepool_range range;

	range_of(&range, first, nr);
	if (framepool_release(file->at.space, &range))
		die("release", file->at.name);
	promise(file, first, nr, stored);
}

/* As a program that logs ahead: what is held must not be on the disk before it is let go. */
static void *hold_for_ever(void *arg)
{
	struct file *file = arg;
	uint32_t stored[HELD], version, i;
	struct framepool_range range;

	for (version = this_round << ROUND_SHIFT;; ) {
		version++;
		range_of(&range, NR, HELD);
		if (framepool_hold(file->at.space, &range) || range.done != HELD)
			die("hold", file->at.name);
		for (i = 0; i < HELD; i++) {
			fill(file, (uint64_t *)(file->at.map + (NR + i) * PAGE), NR + i, version);
			stored[i] = version;
		}
		/* All of this has to pass them by. */
		FRAMEPOOL_INIT(&range);
		if (fsync(file->at.space) || framepool_evict(file->at.space, &range) ||
		    msync(file->at.map, ALL * PAGE, MS_SYNC))
			die("sync beside held pages", file->at.name);
		tell("releasing %s %u\n", file->at.name, version);
		release(file, NR, HALF, stored);
		release(file, NR + HALF, HELD - HALF, stored + HALF);
	}
	return NULL;
}

static void start(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg))
		die("thread", "");
}

static void write_files(void)
{
	static struct writer writers[FILES * THREADS];
	unsigned int i;

	tell("writing\n");
	for (i = 0; i < nfiles * THREADS; i++) {
		writers[i].file = &files[i / THREADS];
		writers[i].number = i % THREADS;
		writers[i].random = mix(seed + (uint64_t)this_round * 1000 + i);
		start(write_for_ever, &writers[i]);
	}
	for (i = 0; i < nfiles; i++)
		start(hold_for_ever, &files[i]);
	for (i = 0; i < nledgers; i++)
		start(ledger_write_for_ever, &ledgers[i]);
	for (;;)
		pause();
}

/* ---- */

static void note_before(struct file *file, uint32_t page, uint32_t version)
{
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
	while (fscanf(f, "%31s %u %u", name, &page, &version) == 3) {
		for (i = 0; i < nfiles; i++)
			if (!strcmp(files[i].at.name, name))
				note_before(&files[i], page, version);
		for (i = 0; i < nledgers; i++)
			if (!strcmp(ledgers[i].at.name, name))
				ledger_note(&ledgers[i], page, version);
	}
	fclose(f);
}

/* KIND NAME PATH. */
static void add_place(char **arg)
{
	bool ledger = !strcmp(arg[0], "ledger");
	struct place *at = ledger ? &ledgers[nledgers].at : &files[nfiles].at;

	at->number = nfiles + nledgers;
	at->direct = !strcmp(arg[0], "direct");
	at->name = arg[1];
	at->path = arg[2];
	if (ledger)
		nledgers++;
	else
		nfiles++;
}

static void recover_file(struct file *file)
{
	place_prepare(&file->at, ALL, !promised_anything(file));
	place_attach(&file->at, ALL);
	if (this_round) {
		check_mapping(file);
		check_read(file, file->at.space, "read");
	}
}

int main(int argc, char **argv)
{
	int to, i;

	if (argc < 9 || argc % 3 || argc > 6 + 3 * (int)FILES)
		return 2;
	to = open(argv[1], O_WRONLY);
	if (to < 0)
		return 1;
	tell_begin(to);
	seed = mix(strtoull(argv[3], NULL, 0));
	this_round = atoi(argv[4]);
	for (i = 6; i < argc; i += 3)
		add_place(argv + i);
	load_promises(argv[2]);
	for (i = 0; i < (int)nfiles; i++)
		check_plain(&files[i]);
	for (i = 0; i < (int)nfiles; i++)
		recover_file(&files[i]);
	for (i = 0; i < (int)nledgers; i++)
		ledger_recover(&ledgers[i]);
	if (!strcmp(argv[5], "write"))
		write_files();
	return 0;
}
