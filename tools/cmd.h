/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the commands of the `framepool` program share: exit codes, errors, rights to the control
 * node.
 */
#ifndef FRAMEPOOL_CMD_H
#define FRAMEPOOL_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "../lib/framepool.h"

/* Exit codes; a command returns one of them. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* refused, or partly done */
	EXIT_USAGE = 2,
	EXIT_NO_MODULE = 3,
	EXIT_NO_RIGHT = 4,
};

/* Says that '%s' can be no name of a space or a pool. */
#define NO_NAME "'%s' can be no name: 1 to 63 of A-Z a-z 0-9 . _ - and not 'control'"

typedef int (*cmd_fn)(int argc, char **argv);

int cmd_attach(int argc, char **argv);
/* The same, with what is told in @j, if that is given. */
struct json;
int attach_words(int argc, char **argv, struct json *j);
int cmd_detach(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_evict(int argc, char **argv);
int cmd_warm(int argc, char **argv);
int cmd_sync(int argc, char **argv);
int cmd_pool(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_whatif(int argc, char **argv);
int cmd_wset(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_walk(int argc, char **argv);
int cmd_buddy(int argc, char **argv);
int cmd_pin(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_up(int argc, char **argv);
int cmd_down(int argc, char **argv);

/* What an errno means to one command, and what its user can do about it. */
struct reason {
	int error;
	const char *what;
	const char *next;
};

/*
 * Print "framepool: cannot @verb @subject: what was wrong (errno text). What to do next." and
 * return the exit code.
 * @reasons, ended by error 0, is looked up first, then what errnos mean everywhere. @error may be
 * negative.
 */
int fail(const char *verb, const char *subject, int error, const struct reason *reasons);

/* The same without "framepool: " and without its end of line, in @text, which is returned. */
#define FAIL_SIZE 5120 /* a path, and words */
char *fail_text(char text[FAIL_SIZE], const char *verb, const char *subject, int error,
		const struct reason *reasons);

/* The pages of a space whose I/O failed, where a call went on without them; EXIT_OK: there are none. */
int fail_pages(const char *name, const struct framepool_range *range);

/* Print "framepool: ..." with a pointer to --help; EXIT_USAGE. */
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* getopt_long() has printed what is wrong: EXIT_USAGE. */
int usage_hint(void);

/* Print a command's help on standard output; EXIT_OK. */
int help(const char *text);

bool module_loaded(void);

/* A descriptor of the control node, or -1 after an error that is in *@status. */
int control_open(int *status);

/*
 * A descriptor of a named space, or -1 after an error that is in *@status. For writing if that is
 * allowed.
 */
int space_open(const char *name, const char *verb, int *status);

/* NAME, from a name or from its path /dev/framepool/NAME. */
const char *space_name(const char *argument);

#endif /* FRAMEPOOL_CMD_H */
