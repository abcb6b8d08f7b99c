// SPDX-License-Identifier: GPL-2.0-only
/*
 * framepool trace record: faults and calls as they come, and between them, at intervals, what the
 * accessed and dirty bits say.
 *
 * A page that was exactly known in an interval is not written again because its bit was found: that
 * is the bit that this very use has left.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "interrupt.h"
#include "program.h"
#include "progress.h"
#include "text.h"
#include "trace.h"

static const char record_help[] =
	"usage: framepool trace record NAME... -o FILE [options] [-- PROGRAM [ARGUMENT]...]\n"
	"       framepool trace record --pool POOL -o FILE [options] [-- PROGRAM ...]\n"
	"\n"
	"Record which pages of spaces are used, by whomever: until PROGRAM has ended, for\n"
	"some seconds, or until interrupted. 'framepool trace report FILE' says what is in\n"
	"it. Pages of a second space are numbered after those of the first, and so on.\n"
	"\n"
	"  -o, --output FILE   32 bits a reference: the page, and bit 31 where it was\n"
	"                      stored to; compressed where the name ends in .zst\n"
	"  -p, --pool POOL     all that is attached in POOL by a name\n"
	"  -i, --interval MS   look at accessed bits so often (100)\n"
	"  -s, --seconds N     end after N seconds\n"
	"  -j, --json          the summary for programs\n"
	"  -h, --help          this\n";

#define SPACES_MAX   64
#define CHUNK	     4096
#define ALIGN_PAGES  256 /* blocks stay aligned */

struct source {
	char name[FRAMEPOOL_NAME_SIZE];
	int fd;
	uint32_t id;
	uint64_t pages, first; /* its pages are numbered from first on */
	uint64_t lost;
};

struct recorder {
	struct source source[SPACES_MAX];
	unsigned int nr;
	struct trace_file file;
	uint32_t *refs; /* of this interval */
	size_t used, room;
	uint32_t *at;	/* of each page: where in refs, plus 1, if that is of this interval */
	uint8_t *known; /* of each page, ever: 1 */
	uint64_t all, writes, pages, outside;
	double seconds;
};

struct request {
	const char *output, *pool;
	uint64_t interval, seconds;
	bool json;
};

static int add_source(struct recorder *r, const char *name)
{
	struct source *s = &r->source[r->nr];
	struct framepool_space info;
	int status = EXIT_OK, err;

	if (r->nr == SPACES_MAX)
		return usage_error("trace record takes %d spaces at most", SPACES_MAX);
	s->fd = space_open(name, "record", &status);
	if (s->fd < 0)
		return status;
	r->nr++;
	snprintf(s->name, sizeof(s->name), "%s", name);
	FRAMEPOOL_INIT(&info);
	err = framepool_space_info(s->fd, &info);
	if (err)
		return fail("record", name, err, NULL);
	s->id = info.space;
	s->pages = (info.bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	if (r->nr > 1)
		s->first =
			(s[-1].first + s[-1].pages + ALIGN_PAGES - 1) / ALIGN_PAGES * ALIGN_PAGES;
	return EXIT_OK;
}

/* Of one pool: its spaces may have several names. */
static bool has_source(const struct recorder *r, uint32_t id)
{
	unsigned int i = 0;

	while (i < r->nr && r->source[i].id != id)
		i++;
	return i < r->nr;
}

static int add_pool(struct recorder *r, const char *pool)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such pool", "See 'framepool pool list'." }, {}
	};
	struct framepool_space space;
	struct framepool_pool info;
	int control, status = EXIT_OK, err;

	control = control_open(&status);
	if (control < 0)
		return status;
	FRAMEPOOL_INIT(&info);
	err = framepool_find_pool(control, pool, &info);
	if (err)
		status = fail("record", pool, err, reasons);
	FRAMEPOOL_INIT(&space);
	while (!status && framepool_next_space(control, &space) > 0)
		if (*space.name && !strcmp(space.pool, info.name) && !has_source(r, space.space))
			status = add_source(r, space.name);
	close(control);
	if (!status && !r->nr) {
		fprintf(stderr,
			"framepool: cannot record %s: nothing is attached there by a name. "
			"Attach a file: 'framepool attach FILE --pool %s'.\n",
			pool, pool);
		return EXIT_FAILED;
	}
	return status;
}

static void *lazy(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int start(struct recorder *r)
{
	static const struct reason reasons[] = {
		{ EBUSY, "somebody records it already", "Try again when that has ended." },
		{ EPERM, "it may be read, but not written to, and is another user's",
		  "Run it as its owner or as root." },
		{ ENODEV, "two of the names are one space", "Name it once." },
		{ EFBIG, "a trace has room for 8 TiB of pages", "Record fewer spaces." },
		{}
	};
	const struct source *last = &r->source[r->nr - 1];
	uint64_t pages = last->first + last->pages;
	unsigned int i;
	int err;

	if (pages > TRACE_FILE_PAGES_MAX)
		return fail("record", last->name, EFBIG, reasons);
	r->at = lazy(pages * sizeof(*r->at));
	r->known = lazy(pages);
	if (!r->at || !r->known)
		return fail("record", last->name, ENOMEM, NULL);
	for (i = 0; i < r->nr; i++) {
		err = framepool_record_start(r->source[i].fd);
		if (err)
			return fail("record", r->source[i].name, err, reasons);
	}
	return EXIT_OK;
}

static int room_for_one(struct recorder *r)
{
	uint32_t *refs;

	if (r->used < r->room)
		return EXIT_OK;
	refs = realloc(r->refs, (r->room + 65536) * sizeof(*refs));
	if (!refs)
		return fail("record", "an interval", ENOMEM, NULL);
	r->refs = refs;
	r->room += 65536;
	return EXIT_OK;
}

static bool in_interval(const struct recorder *r, uint32_t page)
{
	uint32_t at = r->at[page];

	return at && at <= r->used && (r->refs[at - 1] & ~TRACE_FILE_WRITE) == page;
}

static int add(struct recorder *r, const struct source *s, uint64_t ref)
{
	uint64_t vpn = ref & FRAMEPOOL_REF_PAGE;
	uint32_t write = ref & FRAMEPOOL_REF_WRITE ? TRACE_FILE_WRITE : 0, page;

	/* The space has grown since the start. */
	if (vpn >= s->pages) {
		r->outside++;
		return EXIT_OK;
	}
	page = s->first + vpn;
	if (ref & FRAMEPOOL_REF_SEEN && in_interval(r, page)) {
		r->refs[r->at[page] - 1] |= write;
		return EXIT_OK;
	}
	if (room_for_one(r))
		return EXIT_FAILED;
	r->refs[r->used++] = page | write;
	r->at[page] = r->used;
	return EXIT_OK;
}

/* One answer; *more: there may be others. */
static int take(struct recorder *r, struct source *s, struct framepool_record *q, bool *more)
{
	static uint64_t refs[CHUNK];
	int err, status = EXIT_OK;
	uint32_t i;

	q->refs = (uintptr_t)refs;
	q->nr = CHUNK;
	err = framepool_record(s->fd, q);
	if (err)
		return fail("record", s->name, err, NULL);
	for (i = 0; i < q->nr && !status; i++)
		status = add(r, s, refs[i]);
	*more = q->flags & FRAMEPOOL_RECORD_LOOK ? q->cursor : q->nr == CHUNK;
	s->lost = q->lost;
	return status;
}

static int take_all(struct recorder *r, struct source *s, uint32_t flags)
{
	struct framepool_record q;
	int status = EXIT_OK;
	bool more = true;

	FRAMEPOOL_INIT(&q);
	q.flags = flags;
	while (more && !status)
		status = take(r, s, &q, &more);
	return status;
}

/* The end of an interval. */
static int round_up(struct recorder *r)
{
	int status = EXIT_OK;
	unsigned int i;
	size_t k;

	for (i = 0; i < r->nr && !status; i++)
		status = take_all(r, &r->source[i], 0);
	for (i = 0; i < r->nr && !status; i++)
		status = take_all(r, &r->source[i], FRAMEPOOL_RECORD_LOOK);
	if (status)
		return status;
	for (k = 0; k < r->used; k++) {
		uint32_t page = r->refs[k] & ~TRACE_FILE_WRITE;

		r->writes += !!(r->refs[k] & TRACE_FILE_WRITE);
		r->pages += !r->known[page];
		r->known[page] = 1;
	}
	r->all += r->used;
	status = trace_file_write(&r->file, r->refs, r->used);
	r->used = 0;
	return status;
}

static void tell(struct progress *progress, const struct recorder *r, double seconds)
{
	char all[NUMBER_SIZE], words[NUMBER_SIZE + 64];

	if (seconds) {
		progress_tell(progress, r->seconds * 1000, seconds * 1000);
		return;
	}
	snprintf(words, sizeof(words), "%s references, %.0f s", text_count(all, r->all),
		 r->seconds);
	progress_words(progress, words);
}

struct signals {
	sigset_t ours, before;
};

/* From before there is a file on: what ends us leaves no half of one. */
static void block_signals(struct signals *s)
{
	interrupt_block(&s->ours, &s->before);
	sigaddset(&s->ours, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s->ours, NULL);
}

/*
 * True: we shall end. A program ends first, and is recorded until then: it has ^C from the terminal
 * as we have, but not what was sent to us alone.
 */
static bool wait_interval(const struct signals *s, const struct timespec *pause, pid_t program)
{
	siginfo_t info;
	int number = sigtimedwait(&s->ours, &info, pause);

	if (number < 0 || number == SIGCHLD)
		return false;
	if (program && info.si_code <= 0)
		kill(program, number);
	return !program;
}

static pid_t run_program(char **program, const sigset_t *old)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	sigprocmask(SIG_SETMASK, old, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	program_exec(program);
}

/* Interval after interval; *program: its exit code, where there is one. */
static int record(struct recorder *r, const struct request *q, const struct signals *s, char **argv,
		  int *program)
{
	struct timespec pause = { q->interval / 1000, q->interval % 1000 * 1000000L };
	double begun = clock_seconds(), seconds = q->seconds;
	struct progress progress;
	int status, ended;
	pid_t pid = 0;
	bool stop;

	if (argv) {
		pid = run_program(argv, &s->before);
		if (pid < 0)
			return fail("run", argv[0], errno, NULL);
	}
	progress_begin(&progress, "recording");
	do {
		stop = wait_interval(s, &pause, pid);
		if (pid && waitpid(pid, &ended, WNOHANG) == pid) {
			*program = program_code(ended);
			pid = 0;
			stop = true;
		}
		r->seconds = clock_seconds() - begun;
		stop = stop || (seconds && r->seconds >= seconds);
		status = round_up(r);
		tell(&progress, r, seconds);
	} while (!stop && !status);
	progress_end(&progress);
	return status;
}

static void show(const struct recorder *r, FILE *out)
{
	char all[NUMBER_SIZE], writes[NUMBER_SIZE], pages[NUMBER_SIZE], lost[NUMBER_SIZE];
	unsigned int i;

	fprintf(out, "%s: %s references, %s of them writes, to %s pages, in %.1f s\n", r->file.path,
		text_count(all, r->all), text_count(writes, r->writes), text_count(pages, r->pages),
		r->seconds);
	for (i = 0; i < r->nr; i++) {
		const struct source *s = &r->source[i];

		if (r->nr > 1)
			fprintf(out, "  %s: pages %llu to %llu\n", s->name,
				(unsigned long long)s->first,
				(unsigned long long)(s->first + s->pages - 1));
		if (s->lost)
			fprintf(out, "  %s: %s references were lost: take a shorter --interval\n",
				s->name, text_count(lost, s->lost));
	}
	if (r->outside)
		fprintf(out, "  %s references to pages past the size at the start were left out\n",
			text_count(lost, r->outside));
}

static void show_json(const struct recorder *r, FILE *out)
{
	struct json j = { .out = out, .first = true };
	unsigned int i;

	json_open(&j, NULL, '{');
	json_string(&j, "file", r->file.path);
	json_number(&j, "references", r->all);
	json_number(&j, "writes", r->writes);
	json_number(&j, "pages", r->pages);
	json_number(&j, "milliseconds", r->seconds * 1000);
	json_number(&j, "left_out", r->outside);
	json_open(&j, "spaces", '[');
	for (i = 0; i < r->nr; i++) {
		json_open(&j, NULL, '{');
		json_string(&j, "name", r->source[i].name);
		json_number(&j, "first", r->source[i].first);
		json_number(&j, "pages", r->source[i].pages);
		json_number(&j, "lost", r->source[i].lost);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

static int run(struct recorder *r, const struct request *q, char **program)
{
	FILE *out = program ? stderr : stdout; /* what a program prints is its own */
	int code = EXIT_OK, status = start(r);
	struct signals signals;

	block_signals(&signals);
	if (!status)
		status = trace_file_open(&r->file, q->output);
	if (status)
		return status;
	status = record(r, q, &signals, program, &code);
	/* It could not be run, and has said so. */
	if (!status && code == EXIT_NOT_RUN && !r->all)
		status = code;
	if (status) {
		trace_file_discard(&r->file);
		return status;
	}
	status = trace_file_close(&r->file);
	if (status)
		return status;
	q->json ? show_json(r, out) : show(r, out);
	return code;
}

static int parse(struct request *q, int argc, char **argv)
{
	static const struct option options[] = { { "output", required_argument, NULL, 'o' },
						 { "pool", required_argument, NULL, 'p' },
						 { "interval", required_argument, NULL, 'i' },
						 { "seconds", required_argument, NULL, 's' },
						 { "json", no_argument, NULL, 'j' },
						 { "help", no_argument, NULL, 'h' },
						 {} };
	int option;

	while ((option = getopt_long(argc, argv, "o:p:i:s:jh", options, NULL)) != -1) {
		if (option == 'h') {
			help(record_help);
			return -1;
		}
		if (option == 'o')
			q->output = optarg;
		else if (option == 'p')
			q->pool = optarg;
		else if (option == 'j')
			q->json = true;
		else if (option == 'i' &&
			 (!parse_number(optarg, 10, 60000, &q->interval) || !q->interval))
			return usage_error("'%s' is no number of milliseconds, 1 to 60000", optarg);
		else if (option == 's' &&
			 (!parse_number(optarg, 10, 1000000, &q->seconds) || !q->seconds))
			return usage_error("'%s' is no number of seconds", optarg);
		else if (option == '?')
			return usage_hint();
	}
	return EXIT_OK;
}

int trace_record(int argc, char **argv)
{
	static struct recorder r;
	struct request q = { .interval = 100 };
	char **program = NULL;
	int words, status, i;

	/* What comes after "--" is the program's. */
	for (words = 0; words < argc && strcmp(argv[words], "--"); words++)
		;
	if (words < argc) {
		program = argv + words + 1;
		argv[words] = NULL;
	}
	status = parse(&q, words, argv);
	if (status)
		return status < 0 ? EXIT_OK : status;
	if (program && !*program)
		return usage_error("trace record takes a PROGRAM after '--'");
	if (!q.output)
		return usage_error("trace record needs a FILE to write to (-o)");
	if (!q.pool == (optind == words))
		return usage_error("trace record takes NAMEs, or --pool");
	if (q.pool && !framepool_name_valid(q.pool))
		return usage_error(NO_NAME, q.pool);
	status = q.pool ? add_pool(&r, q.pool) : EXIT_OK;
	for (i = optind; i < words && !status; i++)
		status = add_source(&r, space_name(argv[i]));
	return status ? status : run(&r, &q, program);
}
