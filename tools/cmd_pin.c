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
#include "text.h"

static const char pin_help[] =
	"usage: framepool pin NAME [options] [-- COMMAND [ARGUMENT]...]\n"
	"\n"
	"Read pages of a space in and keep them from being evicted: while COMMAND runs,\n"
	"whose exit status is then ours, or until interrupted (^C, SIGTERM). Pins are\n"
	"bounded by RLIMIT_MEMLOCK and by half of the pool.\n"
	"\n"
	"  -o, --offset BYTES   begin there (K, M, G, T as suffixes; a multiple of 4096)\n"
	"  -l, --length BYTES   so much (default: to the end)\n"
	"  -h, --help           this\n";

/* The exit code of a shell for a command that cannot be run, or died by a signal. */
#define EXIT_NOT_RUN 127
#define EXIT_SIGNAL  128

static int run_command(char **argv)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return fail("run", argv[0], errno, NULL);
	if (!child) {
		execvp(argv[0], argv);
		fprintf(stderr, "framepool: cannot run %s: %s. Check the name and PATH.\n", argv[0],
			strerror(errno));
		_exit(EXIT_NOT_RUN);
	}
	/* ^C is for the command; we leave when it has left. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return fail("wait for", argv[0], errno, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}

/* Blocked before anything is pinned: a signal cannot come too early to be seen. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static int wait_for_signal(const sigset_t *set)
{
	int number;

	fflush(stdout);
	while (sigwait(set, &number))
		;
	return EXIT_OK;
}

static int pin_range(int fd, const char *name, struct framepool_range *range)
{
	static const struct reason reasons[] = {
		{ ENOMEM, "more than RLIMIT_MEMLOCK, or half of the pool, would be pinned",
		  "Pin a smaller part, raise the limit (ulimit -l), or run it as root." },
		{ EINVAL, "the range is outside of the space", "See its size: 'framepool list'." },
		{ EBADF, "it was opened for reading only",
		  "Run it as the owner of the space or as root." },
		{ }
	};
	int err = framepool_pin(fd, range);

	/* Interrupted or refused half way: what was pinned goes with the descriptor. */
	return err ? fail("pin", name, err, reasons) : EXIT_OK;
}

static int run(const char *name, struct framepool_range *range, char **command)
{
	char done[NUMBER_SIZE], already[NUMBER_SIZE];
	int fd, status = EXIT_OK;
	sigset_t signals;

	fd = space_open(name, "pin", &status);
	if (fd < 0)
		return status;
	if (!*command)
		block_signals(&signals);
	status = pin_range(fd, name, range);
	if (!status) {
		fprintf(*command ? stderr : stdout, "pinned %s pages of %s%s%s%s\n",
			text_count(done, range->done), name, range->already ? ", " : "",
			range->already ? text_count(already, range->already) : "",
			range->already ? " were pinned by others" : "");
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
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct framepool_range range;
	int option, words;
	__u64 *to;

	FRAMEPOOL_INIT(&range);
	while ((option = getopt_long(argc, argv, "o:l:h", options, NULL)) != -1) {
		if (option == 'h')
			return help(pin_help);
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
	return run(space_name(argv[optind]), &range, argv + optind + 1);
}
