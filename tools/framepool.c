// SPDX-License-Identifier: GPL-2.0-only
/* framepool: the command. Finds the subcommand; each has a file of its own. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

#define VERSION "0.1"

static const struct command {
	const char *name;
	cmd_fn run;
	const char *summary;
} commands[] = {
	{ "attach", cmd_attach, "put a file behind /dev/framepool/NAME" },
	{ "detach", cmd_detach, "write everything back and remove /dev/framepool/NAME" },
	{ "list", cmd_list, "what is attached" },
	{ "stat", cmd_stat, "faults, evictions, write-backs, memory" },
	{ "top", cmd_top, "the same, live: pools, working sets, spaces, rates" },
	{ "map", cmd_map, "a picture of a pool's memory" },
	{ "walk", cmd_walk, "the way from an address to a frame, step by step" },
	{ "buddy", cmd_buddy, "free blocks by order, and what would be split" },
	{ "warm", cmd_warm, "read a space into memory" },
	{ "evict", cmd_evict, "give the memory of a space back to its pool" },
	{ "sync", cmd_sync, "write a space back to its file, safely" },
	{ "pin", cmd_pin, "keep pages in memory while a command runs" },
	{ "run", cmd_run, "an unmodified program, with its mappings in a pool" },
	{ "pool", cmd_pool, "create, destroy and list pools" },
	{ "policy", cmd_policy, "how pools choose the pages that leave" },
	{ "whatif", cmd_whatif, "what another policy, or another size, would have missed" },
	{ "wset", cmd_wset, "how much of a pool each process has, and its limits" },
	{ "trace", cmd_trace, "record which pages are used, and what pools would miss of it" },
	{ "up", cmd_up, "make what is in /etc/framepool.conf" },
	{ "down", cmd_down, "undo that" },
	{ "doctor", cmd_doctor, "what is wrong or slow, and what to do about it" },
};

#define COUNT (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	size_t i;

	fputs("usage: framepool COMMAND [options]\n"
	      "\n"
	      "File mappings with a hard memory bound of their own: attach a file, then open\n"
	      "and mmap /dev/framepool/NAME.\n"
	      "\n",
	      out);
	for (i = 0; i < COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
	fputs("\n"
	      "  --help after a command tells its options; --version tells the version.\n"
	      "\n"
	      "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 the module is not\n"
	      "loaded, 4 no right to it. Errors are one line on standard error. NO_COLOR,\n"
	      "COLUMNS and the locale are respected.\n",
	      out);
}

int main(int argc, char **argv)
{
	size_t i;
	int status;

	setlocale(LC_CTYPE, "");
	/* Who ignores it gives that to us, and then nobody tells us how our children ended. */
	signal(SIGCHLD, SIG_DFL);
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("framepool %s (ABI %d)\n", VERSION, FRAMEPOOL_ABI_VERSION);
		return EXIT_OK;
	}
	for (i = 0; i < COUNT; i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		argv[1] = "framepool"; /* what getopt_long() begins its messages with */
		status = commands[i].run(argc - 1, argv + 1);
		/* A full disk or a closed pipe must not look like success. */
		if (fflush(stdout) || ferror(stdout)) {
			if (!status)
				perror("framepool: cannot write the output");
			return status ? status : EXIT_FAILED;
		}
		return status;
	}
	return usage_error("there is no command '%s'", argv[1]);
}
