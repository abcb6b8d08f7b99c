// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the test of the command cannot do in a shell.
 *
 *	helper map PATH OFFSET
 *		map PATH through a pool, close its descriptor if it is a named node, load a byte at
 *		OFFSET, print "PID ADDRESS", wait for the end of standard input
 *	helper store PATH PAGES
 *		map PATH through a pool, store to its first PAGES, print PID, wait for the end of
 *		standard input
 *	helper hold PATH PAGES
 *		the same, and the kernel holds them meanwhile, as for O_DIRECT
 *	helper loop PATH PAGES ROUNDS
 *		map PATH and go over its first PAGES ROUNDS times: load all, and store to each fifth
 *	helper childless COMMAND...
 *		run COMMAND with SIGCHLD ignored: shells do not let go of theirs
 *	helper pty TEXT KEYS [TEXT KEYS]... -- COMMAND...
 *		run COMMAND on a terminal of 24 lines of 100 characters; once it has printed TEXT
 *		send KEYS, then wait for the next TEXT; print all that it printed
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
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

static int store(const char *path, const char *pages, int held)
{
	struct iovec iov = { .iov_len = strtoul(pages, NULL, 0) * 4096 };
	struct framepool_mapping m;
	int error = framepool_map_file(path, FRAMEPOOL_MAP_WRITE, NULL, &m), pipe[2];
	char byte;

	if (error) {
		errno = -error;
		err(1, "%s", path);
	}
	iov.iov_base = m.addr;
	memset(m.addr, 'h', iov.iov_len);
	if (held && (pipe2(pipe, O_NONBLOCK) || fcntl(pipe[1], F_SETPIPE_SZ, 1 << 20) < 0 ||
	    vmsplice(pipe[1], &iov, 1, 0) != (ssize_t)iov.iov_len))
		err(1, "a pipe");
	printf("%d\n", getpid());
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}

static int loop(const char *path, const char *pages, const char *rounds)
{
	unsigned long nr = strtoul(pages, NULL, 0), left = strtoul(rounds, NULL, 0), i;
	struct framepool_mapping m;
	volatile unsigned char *byte;
	int error = framepool_map_file(path, FRAMEPOOL_MAP_WRITE, NULL, &m);

	if (error) {
		errno = -error;
		err(1, "%s", path);
	}
	for (; left; left--) {
		for (i = 0; i < nr; i++) {
			byte = (unsigned char *)m.addr + i * 4096;
			if (i % 5)
				(void)*byte;
			else
				++*byte;
		}
		usleep(60000);
	}
	return 0;
}

static int pty(char **steps, char **command)
{
	struct winsize size = { .ws_row = 24, .ws_col = 100 };
	static char all[1 << 20];
	size_t length = 0;
	int master, status;
	char *seen = all, *found;
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
		while (steps < command - 1 && (found = strstr(seen, steps[0]))) {
			seen = found + strlen(steps[0]);
			if (write(master, steps[1], strlen(steps[1])) < 0)
				err(1, "write");
			steps += 2;
		}
	}
	fwrite(all, 1, length, stdout);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	int i;

	if (argc == 4 && !strcmp(argv[1], "map"))
		return map(argv[2], argv[3]);
	if (argc == 4 && (!strcmp(argv[1], "store") || !strcmp(argv[1], "hold")))
		return store(argv[2], argv[3], !strcmp(argv[1], "hold"));
	if (argc == 5 && !strcmp(argv[1], "loop"))
		return loop(argv[2], argv[3], argv[4]);
	if (argc > 2 && !strcmp(argv[1], "childless")) {
		signal(SIGCHLD, SIG_IGN);
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	for (i = 2; i < argc && strcmp(argv[i], "--"); i++)
		;
	if (i < argc - 1 && i % 2 == 0 && !strcmp(argv[1], "pty"))
		return pty(argv + 2, argv + i + 1);
	errx(2, "usage: helper map PATH OFFSET | helper store|hold PATH PAGES | helper loop PATH PAGES ROUNDS | helper childless COMMAND... | helper pty TEXT KEYS [TEXT KEYS]... -- COMMAND...");
}
