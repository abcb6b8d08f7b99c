// SPDX-License-Identifier: GPL-2.0-only
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void program_exec(char **argv)
{
	execvp(argv[0], argv);
	fprintf(stderr, "framepool: cannot run %s: %s. Check the name and PATH.\n", argv[0],
		strerror(errno));
	_exit(EXIT_NOT_RUN);
}

int program_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL + WTERMSIG(status);
}
