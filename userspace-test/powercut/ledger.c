// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store with a log ahead of its data, both in one mapping, as a database would use held pages:
 *
 *	HOLD the data
 *	a few times: a transaction changes words of the data in place,
 *	             its record goes to the log, the log is synced: committed
 *	RELEASE the data: written and durable, so the log may be written over
 *
 *	| log: a ring of records, each a sector of 512 bytes | data |
 *
 * What a transaction changes follows from its number, and what it writes to a word is its number
 * and a proof (cut.h).  So after a power cut each word says which transaction it is of, and
 *
 *	no word may be of a transaction whose record is not in the log, nor of one whose data was not
 *	released: a held page that came to the disk early;
 *	each word is at least as new as the last RELEASE that returned;
 *	the record of each transaction that was committed is there;
 *	the records, replayed over the data, give what the transactions give one after the other.
 *
 * The log is in the same space and is synced, by range or as a whole, while the data has what is
 * not committed: what is held is all that keeps it off the disk.
 */
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "../../lib/framepool.h"

#define LOG		16U		/* pages */
#define DATA		32U
#define ALL		(LOG + DATA)
#define CHANGES		6U		/* of one transaction, at most */
#define SLOTS		(LOG * PAGE / sizeof(struct record))
#define GROUP		8U		/* transactions between two releases, at most */
#define SAID_MAX	10

/* Words of a page: those from @from on. */
struct change {
	uint32_t page, from, nr;
};

struct record {
	uint64_t transaction;
	uint64_t nr;
	struct change changes[CHANGES];
	uint8_t unused[512 - 24 - CHANGES * sizeof(struct change)];
	uint64_t sum;
};

_Static_assert(sizeof(struct record) == 512, "a record is a sector");

/* ---- transactions ---- */

static uint64_t sum_of(const struct record *r)
{
	const uint64_t *words = (const uint64_t *)r;
	uint64_t sum = seed;
	unsigned int i;

	for (i = 0; i < sizeof(*r) / sizeof(*words) - 1; i++)
		sum = mix(sum ^ words[i]) + i;
	return sum;
}

static void make_record(const struct ledger *ledger, uint32_t transaction, struct record *r)
{
	uint64_t random = page_key(&ledger->at, transaction);
	struct change *c;

	memset(r, 0, sizeof(*r));
	r->transaction = transaction;
	r->nr = 1 + random_below(&random, CHANGES);
	for (c = r->changes; c < r->changes + r->nr; c++) {
		c->page = random_below(&random, DATA);
		c->from = random_below(&random, WORDS);
		c->nr = 1 + random_below(&random, WORDS - c->from);
	}
	r->sum = sum_of(r);
}

static void apply(const struct ledger *ledger, const struct record *r, uint64_t *data)
{
	const struct change *c;
	unsigned int i;

	for (c = r->changes; c < r->changes + r->nr; c++)
		for (i = c->from; i < c->from + c->nr; i++)
			data[c->page * WORDS + i] = word(page_key(&ledger->at, c->page), i,
							 r->transaction);
}

static struct record *slot_of(void *log, uint32_t transaction)
{
	return (struct record *)log + transaction % SLOTS;
}

/* What the transactions give, one after the other. */
static void model_make(const struct ledger *ledger, uint32_t last, uint64_t *data)
{
	struct record r;
	uint32_t t;

	memset(data, 0, DATA * PAGE);
	for (t = 1; t <= last; t++) {
		make_record(ledger, t, &r);
		apply(ledger, &r, data);
	}
}

/* ---- after a cut ---- */

static bool is_record(void *log, uint32_t transaction)
{
	const struct record *r = slot_of(log, transaction);

	return r->transaction == transaction && r->sum == sum_of(r) && r->nr <= CHANGES;
}

/* The last transaction in the log. */
static uint32_t last_record(void *log)
{
	const struct record *r = log;
	uint32_t last = 0;
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (r[i].transaction > last && is_record(log, r[i].transaction))
			last = r[i].transaction;
	return last;
}

/* Those that lie in the log without a gap, up to @last. */
static void replay(const struct ledger *ledger, void *log, uint32_t last, uint64_t *data)
{
	uint32_t t = last;

	while (t && is_record(log, t))
		t--;
	while (t++ < last)
		apply(ledger, slot_of(log, t), data);
}

/* @i: of all words of the data. @released: what it has to be at least. */
static bool word_is_fine(const struct ledger *ledger, const char *how, unsigned int i, uint64_t is,
			 uint64_t released)
{
	unsigned int page = i / WORDS, within = i % WORDS, version = is >> 32;
	const char *name = ledger->at.name;

	if (is != word(page_key(&ledger->at, page), within, version))
		tell("garbage %s %s %u %u %#jx\n", name, how, page, within, (uintmax_t)is);
	else if (version > ledger->last)
		tell("early %s %s %u %u: of %u, the log ends with %u\n", name, how, page, within,
		     version, ledger->last);
	else if (version > ledger->released)
		tell("early %s %s %u %u %u %u\n", name, how, page, within, ledger->released,
		     version);
	else if (version < released >> 32)
		tell("lost %s %s %u %u %u %u\n", name, how, page, within,
		     (unsigned int)(released >> 32), version);
	else
		return true;
	return false;
}

static bool words_are_fine(const struct ledger *ledger, const char *how, const uint64_t *data)
{
	uint64_t *released = malloc(DATA * PAGE);
	unsigned int i, bad = 0;

	model_make(ledger, ledger->durable, released);
	for (i = 0; i < DATA * WORDS && bad < SAID_MAX; i++)
		bad += !word_is_fine(ledger, how, i, data[i], released[i]);
	free(released);
	return !bad;
}

/* The data after the replay, and how many pages that has changed. */
static void check_replayed(const struct ledger *ledger, const char *how, const uint64_t *before,
			   const uint64_t *data)
{
	uint64_t *model = malloc(DATA * PAGE);
	unsigned int i, changed = 0;

	model_make(ledger, ledger->last, model);
	for (i = 0; i < DATA; i++)
		changed += memcmp(before + i * WORDS, data + i * WORDS, PAGE) != 0;
	for (i = 0; i < DATA * WORDS && data[i] == model[i]; i++)
		;
	if (i < DATA * WORDS)
		tell("lost %s %s, replayed to %u: %zu %zu %#jx %#jx\n", ledger->at.name, how,
		     ledger->last, i / WORDS, i % WORDS, (uintmax_t)model[i], (uintmax_t)data[i]);
	else
		tell("checked %s %s %u %u %u\n", ledger->at.name, how, ALL, ledger->committed,
		     changed);
	free(model);
}

/* @image: all of it, as it was found; the data in it is replayed. */
static void check(struct ledger *ledger, const char *how, uint8_t *image)
{
	uint64_t *data = (uint64_t *)(image + LOG * PAGE), *before = malloc(DATA * PAGE);

	memcpy(before, data, DATA * PAGE);
	ledger->last = last_record(image);
	if (ledger->last < ledger->committed)
		tell("lost %s %s: the log ends with %u, %u was committed\n", ledger->at.name, how,
		     ledger->last, ledger->committed);
	else if (words_are_fine(ledger, how, data)) {
		replay(ledger, image, ledger->last, data);
		check_replayed(ledger, how, before, data);
	}
	free(before);
}

/* Without the pool. */
static void check_plain(struct ledger *ledger, uint8_t *image)
{
	int fd = open(ledger->at.path, O_RDONLY);

	if (fd >= 0 && pread(fd, image, ALL * PAGE, 0) == ALL * PAGE)
		check(ledger, "plain", image);
	else if (ledger->committed)
		tell("lost %s plain: there is no file, or it is too short\n", ledger->at.name);
	if (fd >= 0)
		close(fd);
}

void ledger_note(struct ledger *ledger, uint32_t what, uint32_t transaction)
{
	if (what == RELEASED)
		ledger->released = transaction;
	else if (what)
		ledger->durable = transaction;
	else
		ledger->committed = transaction;
}

/* Look at what the cut has left, by a plain read and through the mapping, and replay it there. */
void ledger_recover(struct ledger *ledger)
{
	uint8_t *image = aligned_alloc(PAGE, ALL * PAGE);
	struct place *at = &ledger->at;

	check_plain(ledger, image);
	place_prepare(at, ALL, !ledger->committed);
	place_attach(at, ALL);
	if (this_round) {
		memcpy(image, at->map, ALL * PAGE);
		check(ledger, "replayed", image);
		/* Nothing is held: it may reach the disk from here on. */
		tell("releasing %s %u\n", at->name, ledger->last);
		memcpy(at->map + LOG * PAGE, image + LOG * PAGE, DATA * PAGE);
		if (fsync(at->space))
			die("sync of the recovered", at->name);
		tell("promise %s 0:%u 1:%u\n", at->name, ledger->last, ledger->last);
	}
	free(image);
}

/* ---- writing ---- */

static void data_range(struct framepool_range *range)
{
	FRAMEPOOL_INIT(range);
	range->offset = LOG * PAGE;
	range->length = DATA * PAGE;
}

static void hold_data(const struct ledger *ledger)
{
	struct framepool_range range;

	data_range(&range);
	if (framepool_hold(ledger->at.space, &range) || range.done != DATA)
		die("hold", ledger->at.name);
}

static void release_data(const struct ledger *ledger)
{
	struct framepool_range range;

	tell("releasing %s %u\n", ledger->at.name, ledger->last);
	data_range(&range);
	if (framepool_release(ledger->at.space, &range))
		die("release", ledger->at.name);
	tell("promise %s 1:%u\n", ledger->at.name, ledger->last);
}

/* All of this has to pass the held pages by. */
static void disturb(const struct place *at, unsigned int how)
{
	struct framepool_range range;

	FRAMEPOOL_INIT(&range);
	if (how == 0 && fsync(at->space))
		die("fsync beside held pages of", at->name);
	if (how == 1 && framepool_evict(at->space, &range))
		die("evict beside held pages of", at->name);
	if (how == 2 && msync(at->map, ALL * PAGE, MS_SYNC))
		die("msync beside held pages of", at->name);
}

static void sync_record(const struct place *at, const struct record *r, unsigned int how)
{
	uint64_t offset = ((const uint8_t *)r - at->map) / PAGE * PAGE;
	struct framepool_range range;
	int err;

	FRAMEPOOL_INIT(&range);
	range.offset = offset;
	range.length = PAGE;
	if (how == 0)
		err = msync(at->map + offset, PAGE, MS_SYNC);
	else if (how == 1)
		err = framepool_sync(at->space, &range);
	else
		err = fdatasync(at->space);
	if (err)
		die("sync of the log", at->name);
}

static void commit(struct ledger *ledger, uint64_t *random)
{
	struct place *at = &ledger->at;
	uint32_t transaction = ledger->last + 1;
	struct record r, *slot = slot_of(at->map, transaction);

	make_record(ledger, transaction, &r);
	apply(ledger, &r, (uint64_t *)(at->map + LOG * PAGE));
	disturb(at, random_below(random, 6));
	memcpy(slot, &r, sizeof(r));
	sync_record(at, slot, random_below(random, 3));
	ledger->last = transaction;
	tell("promise %s 0:%u\n", at->name, transaction);
}

void *ledger_write_for_ever(void *arg)
{
	struct ledger *ledger = arg;
	uint64_t random = mix(seed + this_round) + ledger->at.number;
	unsigned int nr;

	for (;;) {
		hold_data(ledger);
		for (nr = 1 + random_below(&random, GROUP); nr; nr--)
			commit(ledger, &random);
		release_data(ledger);
	}
	return NULL;
}
