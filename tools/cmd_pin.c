// SPDX-License-Identifier: GPL-2.0-only
/* framepool pin: pins are a descriptor's, so this holds one as long as it runs. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "interrupt.h"
#include "program.h"
#include "progress.h"
#include "text.h"
#include "watch.h"

static const char pin_help[] =
	"usage: framepool pin NAME [options] [-- COMMAND [ARGUMENT]...]\n"
	"\n"
	"Read pages of a space in and keep them from being evicted: while COMMAND runs,\n"
	"whose exit status is then ours, or until interrupted (^C, SIGTERM). Pins are\n"
	"bounded by RLIMIT_MEMLOCK and by half of the pool.\n"
	"\n"
	"  -o, --offset BYTES   begin there (K, M, G, T as suffixes; a multiple of 4096)\n"
	"  -l, --length BYTES   so much (default: to the end)\n"
	"  -j, --json           say how many pages for programs\n"
	"  -h, --help           this\n";

static int run_command(char **argv)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return fail("run", argv[0], errno, NULL);
	if (!child)
		program_exec(argv);
	/* ^C is for the command; we leave when it has left. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return fail("wait for", argv[0], errno, NULL);
	return program_code(status);
}

static int wait_for_signal(const sigset_t *set)
{
	int number;

	fflush(stdout);
	while (sigwait(set, &number))
		;
	return EXIT_OK;
}

/* How far the reading has come. */
struct pinning {
	int fd;
	const char *name;
	uint64_t before, total; /* pages */
	struct progress progress;
};

static void begin(struct pinning *p, const struct framepool_range *range)
{
	struct framepool_space info;

	FRAMEPOOL_INIT(&info);
	/* The pin itself says what is wrong, if that fails. */
	if (!framepool_space_info(p->fd, &info) && range->offset < info.bytes) {
		p->before = info.pinned;
		p->total = ((range->length ? range->length : info.bytes - range->offset) +
			    PAGE_BYTES - 1) / PAGE_BYTES;
	}
	progress_begin(&p->progress, "pin");
}

static void look(void *context)
{
	struct pinning *p = context;
	struct framepool_space info;

	FRAMEPOOL_INIT(&info);
	if (!framepool_space_info(p->fd, &info) && info.pinned >= p->before)
		progress_tell(&p->progress, info.pinned - p->before, p->total);
}

/* What was pinned goes with the descriptor. */
static void interrupted(void *context, int number)
{
	struct pinning *p = context;

	(void)number;
	progress_end(&p->progress);
	_exit(fail("pin", p->name, EINTR, NULL));
}

static int pin_range(int fd, const char *name, struct framepool_range *range)
{
	static const struct reason reasons[] = {
		{ ENOMEM, "more than RLIMIT_MEMLOCK, or half of the pool, would be pinned",
		  "Pin a smaller part, raise the limit (ulimit -l), or run it as root." },
		{ EINVAL, "the range is outside of the space", "See its size: 'framepool list'." },
		{ }
	};
	struct pinning p = { .fd = fd, .name = name };
	struct watch w = { .look = look, .interrupt = interrupted, .context = &p };
	int err;

	begin(&p, range);
	watch_begin(&w);
	err = framepool_pin(fd, range);
	watch_end(&w);
	progress_end(&p.progress);
	/* Interrupted, refused half way, or without some: what was pinned goes with the descriptor. */
	return err ? fail("pin", name, err, reasons) : fail_pages(name, range);
}

/* What a command prints is its own: then this goes to the other stream. */
static void show(FILE *out, const char *name, const struct framepool_range *range, bool as_json)
{
	char done[NUMBER_SIZE], already[NUMBER_SIZE];
	struct json j = { .out = out, .first = true };

	if (!as_json) {
		fprintf(out, "pinned %s pages of %s%s%s%s\n", text_count(done, range->done), name,
			range->already ? ", " : "",
			range->already ? text_count(already, range->already) : "",
			range->already ? " were pinned by others" : "");
		return;
	}
	json_open(&j, NULL, '{');
	json_string(&j, "space", name);
	json_number(&j, "pinned", range->done);
	json_number(&j, "already_pinned", range->already);
	json_close(&j, '}');
}

static int run(const char *name, struct framepool_range *range, char **command, bool as_json)
{
	int fd, status = EXIT_OK;
	sigset_t signals;

	fd = space_open(name, "pin", &status);
	if (fd < 0)
		return status;
	/* Before anything is pinned: a signal cannot come too early to be seen. */
	if (!*command)
		interrupt_block(&signals, NULL);
	status = pin_range(fd, name, range);
	if (!status) {
		show(*command ? stderr : stdout, name, range, as_json);
		status = *command ? run_command(command) : wait_for_signal(&signals);
	}
	close(fd);
	return status;
}

int cmd_pin(int argc, char **argv)
{
	static const struct option options[] = {
		{ "offset", required_argument, NULL, 'o' },
		{ "length", required_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct framepool_range range;
	bool as_json = false;
	int option, words;
	__u64 *to;

	FRAMEPOOL_INIT(&range);
	while ((option = getopt_long(argc, argv, "o:l:jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(pin_help);
		if (option == 'j') {
			as_json = true;
			continue;
		}
		if (option != 'o' && option != 'l')
			return usage_hint();
		to = option == 'o' ? &range.offset : &range.length;
		if (!parse_bytes(optarg, to) || *to % PAGE_BYTES)
			return usage_error("'%s' is no number of bytes in whole pages of 4096",
					   optarg);
	}
	words = argc - optind;
	/* getopt_long() has put NAME behind the "--" that it found. */
	if (!words || (words > 1 && strcmp(argv[optind - 1], "--")))
		return usage_error("pin takes one NAME, and '--' before a COMMAND");
	return run(space_name(argv[optind]), &range, argv + optind + 1, as_json);
}
