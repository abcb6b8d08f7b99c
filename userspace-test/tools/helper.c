// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the test of the command cannot do in a shell.
 *
 *	helper map PATH OFFSET
 *		map PATH through a pool, close its descriptor if it is a named node, load a byte at
 *		OFFSET, print "PID ADDRESS", wait for the end of standard input
 *	helper pty TEXT KEYS COMMAND...
 *		run COMMAND on a terminal of 24 lines of 100 characters; once it has printed TEXT
 *		send KEYS; print all that it printed
 */
#include <err.h>
#include <errno.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/framepool.h"

static int map(const char *path, const char *offset)
{
	struct framepool_mapping m;
	volatile unsigned char *at;
	char byte;
	int error = framepool_map_file(path, 0, NULL, &m);

	if (error) {
		errno = -error;
		err(1, "%s", path);
	}
	if (!strncmp(path, FRAMEPOOL_DIR, strlen(FRAMEPOOL_DIR)))
		close(m.fd);
	at = (unsigned char *)m.addr + strtoull(offset, NULL, 0);
	(void)*at;
	printf("%d %p\n", getpid(), (void *)at);
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}

static int pty(const char *text, const char *keys, char **command)
{
	struct winsize size = { .ws_row = 24, .ws_col = 100 };
	static char all[1 << 20];
	size_t length = 0;
	int master, status;
	bool sent = false;
	ssize_t got;
	pid_t child = forkpty(&master, NULL, NULL, &size);

	if (child < 0)
		err(1, "forkpty");
	if (!child) {
		execvp(command[0], command);
		err(127, "%s", command[0]);
	}
	/* Reading fails with EIO once the other side is closed. */
	while (length < sizeof(all) - 1 &&
	       (got = read(master, all + length, sizeof(all) - 1 - length)) > 0) {
		length += got;
		all[length] = '\0';
		if (!sent && strstr(all, text)) {
			sent = true;
			if (write(master, keys, strlen(keys)) < 0)
				err(1, "write");
		}
	}
	fwrite(all, 1, length, stdout);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "map"))
		return map(argv[2], argv[3]);
	if (argc > 4 && !strcmp(argv[1], "pty"))
		return pty(argv[2], argv[3], argv + 4);
	errx(2, "usage: helper map PATH OFFSET | helper pty TEXT KEYS COMMAND...");
}
