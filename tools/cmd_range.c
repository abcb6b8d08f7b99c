// SPDX-License-Identifier: GPL-2.0-only
/* framepool evict, framepool warm, framepool sync: what is done to a range of a space. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "interrupt.h"
#include "progress.h"
#include "text.h"
#include "watch.h"

#define RANGE_OPTIONS \
	"  -o, --offset BYTES   begin there (K, M, G, T as suffixes; a multiple of 4096)\n" \
	"  -l, --length BYTES   so much (default: to the end)\n" \
	"  -j, --json           the result for programs\n" \
	"  -h, --help           this\n"

/*
 * The kernel is asked for so much at a time, so that there is a bar to see, and what was done until
 * ^C is known.
 */
#define CHUNK (8ULL << 20)

/* One of the three commands. */
struct verb {
	const char *name;
	const char *help;
	int (*call)(int space, struct framepool_range *range);
	void (*say)(const char *name, const struct framepool_range *total);
	const struct reason *reasons;
};

struct request {
	const struct verb *verb;
	const char *name;
	__u64 offset, length;
	bool json;
};

static void add(struct framepool_range *total, const struct framepool_range *part)
{
	total->done += part->done;
	total->already += part->already;
	total->written += part->written;
	total->pinned += part->pinned;
	total->promised += part->promised;
	total->held += part->held;
	total->busy += part->busy;
	total->failed += part->failed;
	if (part->error)
		total->error = part->error;
}

/* A signal has come: we end after the part that we are in, and say how much was done. */
static volatile sig_atomic_t noted;

static void note(void *context, int number)
{
	(void)context;
	/* That part may take for ever. */
	if (noted)
		interrupt_die(number);
	noted = 1;
}

static int run_chunks(int fd, const struct request *r, uint64_t end, struct framepool_range *total)
{
	struct framepool_range part;
	struct watch watch = { .interrupt = note };
	struct progress progress;
	uint64_t at;
	int err = 0;

	progress_begin(&progress, r->verb->name);
	watch_begin(&watch);
	for (at = r->offset; at < end && !err; at += CHUNK) {
		if (noted) {
			err = EINTR;
			break;
		}
		FRAMEPOOL_INIT(&part);
		part.offset = at;
		part.length = end - at < CHUNK ? end - at : CHUNK;
		err = r->verb->call(fd, &part);
		add(total, &part);
		progress_tell(&progress, at + part.length - r->offset, end - r->offset);
	}
	watch_end(&watch);
	progress_end(&progress);
	return err;
}

/* Where the range ends, in whole pages; false: it is outside of the space. */
static bool find_end(const struct request *r, uint64_t bytes, uint64_t *end)
{
	uint64_t limit = (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

	if (r->offset >= limit || r->length > limit - r->offset)
		return false;
	*end = r->length ? r->offset + r->length : limit;
	return true;
}

static void report_json(const struct framepool_range *t)
{
	struct json j = { .out = stdout, .first = true };

	json_open(&j, NULL, '{');
	json_number(&j, "done", t->done);
	json_number(&j, "already", t->already);
	json_number(&j, "written", t->written);
	json_number(&j, "pinned", t->pinned);
	json_number(&j, "promised", t->promised);
	json_number(&j, "held", t->held);
	json_number(&j, "busy", t->busy);
	json_number(&j, "failed", t->failed);
	json_number(&j, "error", t->error);
	json_close(&j, '}');
}

static int run_on(int fd, const struct request *r)
{
	struct framepool_range total;
	struct framepool_space info;
	uint64_t end;
	int err;

	FRAMEPOOL_INIT(&info);
	err = framepool_space_info(fd, &info);
	if (err)
		return fail(r->verb->name, r->name, err, NULL);
	if (!find_end(r, info.bytes, &end))
		return usage_error("the range is outside of %s, which has %llu bytes", r->name,
				   (unsigned long long)info.bytes);
	FRAMEPOOL_INIT(&total);
	err = run_chunks(fd, r, end, &total);
	if (r->json)
		report_json(&total);
	else
		r->verb->say(r->name, &total);
	if (err)
		return fail(r->verb->name, r->name, err, r->verb->reasons);
	return fail_pages(r->name, &total);
}

static int range_option(struct request *r, int option, const char *value)
{
	__u64 *to = option == 'o' ? &r->offset : &r->length;

	switch (option) {
	case 'o':
	case 'l':
		if (!parse_bytes(value, to) || *to % PAGE_BYTES)
			return usage_error("'%s' is no number of bytes in whole pages of 4096",
					   value);
		return EXIT_OK;
	case 'j':
		r->json = true;
		return EXIT_OK;
	default:
		return usage_hint();
	}
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {
		{ "offset", required_argument, NULL, 'o' },
		{ "length", required_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct request r = { .verb = verb };
	int option, fd, status = EXIT_OK;

	while ((option = getopt_long(argc, argv, "o:l:jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(verb->help);
		status = range_option(&r, option, optarg);
		if (status)
			return status;
	}
	if (argc - optind != 1)
		return usage_error("%s takes one NAME", verb->name);
	r.name = space_name(argv[optind]);
	fd = space_open(r.name, verb->name, &status);
	if (fd < 0)
		return status;
	status = run_on(fd, &r);
	close(fd);
	return status;
}

static void say_evicted(const char *name, const struct framepool_range *t)
{
	char done[NUMBER_SIZE], written[NUMBER_SIZE];

	printf("evicted %s pages of %s, %s of them written first", text_count(done, t->done), name,
	       text_count(written, t->written));
	if (t->pinned || t->promised || t->held || t->busy)
		printf("; stayed: %llu pinned, %llu promised to other processes, %llu held by the kernel, "
		       "%llu busy", (unsigned long long)t->pinned, (unsigned long long)t->promised,
		       (unsigned long long)t->held, (unsigned long long)t->busy);
	putchar('\n');
}

static void say_warmed(const char *name, const struct framepool_range *t)
{
	char done[NUMBER_SIZE], already[NUMBER_SIZE];

	printf("read %s pages of %s, %s were there already\n", text_count(done, t->done), name,
	       text_count(already, t->already));
}

static void say_synced(const char *name, const struct framepool_range *t)
{
	char done[NUMBER_SIZE];

	printf("wrote %s pages of %s\n", text_count(done, t->done), name);
}

int cmd_evict(int argc, char **argv)
{
	static const struct verb evict = {
		"evict",
		"usage: framepool evict NAME [options]\n"
		"\n"
		"Write back what is dirty and give the frames of a space back to its pool; says\n"
		"what stayed, and why.\n"
		"\n" RANGE_OPTIONS,
		framepool_evict, say_evicted, NULL
	};

	return run_verb(&evict, argc, argv);
}

int cmd_warm(int argc, char **argv)
{
	static const struct reason reasons[] = {
		{ ENOMEM, "the pool is full",
		  "Warm a smaller part (--offset, --length), or use a larger pool." },
		{ EIO, "the backing device reported an error",
		  "Look at the kernel's log (dmesg)." },
		{ }
	};
	static const struct verb warm = {
		"warm",
		"usage: framepool warm NAME [options]\n"
		"\n"
		"Read a space into memory before a program touches it, as far as the pool has\n"
		"room.\n"
		"\n" RANGE_OPTIONS,
		framepool_prefetch, say_warmed, reasons
	};

	return run_verb(&warm, argc, argv);
}

int cmd_sync(int argc, char **argv)
{
	static const struct verb sync_all = {
		"sync",
		"usage: framepool sync NAME [options]\n"
		"\n"
		"Write back what is dirty in a space and flush its device: what was stored before\n"
		"is then safe.\n"
		"\n" RANGE_OPTIONS,
		framepool_sync, say_synced, NULL
	};

	return run_verb(&sync_all, argc, argv);
}
