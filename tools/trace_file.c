// SPDX-License-Identifier: GPL-2.0-only
/* The file of a trace: plain, or through zstd where its name ends in .zst. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "trace.h"

static const struct reason reasons[] = {
	{ ENOENT, "there is no such directory", "Make it, or take another one." },
	{ ENOTDIR, "there is no such directory", "Make it, or take another one." },
	{ EACCES, "its directory may not be written to", "Take another one." },
	{ ENOSPC, "the disk is full", "Make room, or name it .zst to compress it." },
	{ EDQUOT, "the quota is used up", "Make room, or name it .zst to compress it." },
	{ EFBIG, "it is as large as a file may be", "Raise the limit (ulimit -f)." },
	{ EISDIR, "it is a directory", "Name a file." },
	{ ENOTSUP, "it is no regular file", "Name a file." },
	{ ENOEXEC, "there is no zstd to compress it", "Install zstd, or name it without .zst." },
	{}
};

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

static bool have_zstd(void)
{
	return !system("command -v zstd > /dev/null 2>&1");
}

/* What is there already is replaced only if it is a file. */
static int check_path(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == ENOENT ? 0 : errno;
	return S_ISREG(st.st_mode) ? 0 : S_ISDIR(st.st_mode) ? EISDIR : ENOTSUP;
}

static void run_zstd(int in, int out)
{
	int null = open("/dev/null", O_WRONLY);
	sigset_t none;

	/* ^C is for us: we end it by closing its input. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		_exit(127);
	execlp("zstd", "zstd", "-qc", (char *)NULL);
	_exit(127);
}

/* Descriptor to write to, or a negative errno. */
static int compress(struct trace_file *f)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	f->zstd = fork();
	if (f->zstd < 0)
		return -errno;
	if (!f->zstd)
		run_zstd(ends[0], f->fd);
	close(ends[0]);
	return ends[1];
}

static int begin(struct trace_file *f)
{
	mode_t mask = umask(0);
	int to;

	umask(mask);
	if (asprintf(&f->temporary, "%s.XXXXXX", f->path) < 0)
		return ENOMEM;
	f->fd = mkostemp(f->temporary, O_CLOEXEC);
	if (f->fd < 0)
		return errno;
	fchmod(f->fd, 0666 & ~mask);
	to = ends_with(f->path, ".zst") ? compress(f) : fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
	if (to < 0)
		return to == -1 ? errno : -to;
	f->out = fdopen(to, "w");
	return f->out ? 0 : errno;
}

int trace_file_open(struct trace_file *f, const char *path)
{
	int err = check_path(path);

	*f = (struct trace_file){ .path = path, .fd = -1 };
	if (!err && ends_with(path, ".zst") && !have_zstd())
		err = ENOEXEC;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (!err)
		err = begin(f);
	if (!err)
		return EXIT_OK;
	trace_file_discard(f);
	return fail("write", path, err, reasons);
}

/* zstd does not tell why it ended: the file system does. */
static int cause(const struct trace_file *f, int err)
{
	int why;

	if (!f->zstd)
		return err;
	why = posix_fallocate(f->fd, lseek(f->fd, 0, SEEK_END), 1 << 20);
	return why ? why : EIO;
}

static int failed(struct trace_file *f, int err)
{
	err = cause(f, err);
	trace_file_discard(f);
	return fail("write", f->path, err, reasons);
}

int trace_file_write(struct trace_file *f, const uint32_t *refs, size_t nr)
{
	uint32_t chunk[1024];
	size_t i, n;

	for (; nr; nr -= n, refs += n) {
		n = nr < 1024 ? nr : 1024;
		for (i = 0; i < n; i++)
			chunk[i] = htole32(refs[i]);
		if (fwrite(chunk, sizeof(*chunk), n, f->out) != n)
			return failed(f, errno);
	}
	return EXIT_OK;
}

/* zstd's own status; 0 without it. */
static int end_zstd(struct trace_file *f)
{
	int status = 0;

	if (f->zstd > 0)
		while (waitpid(f->zstd, &status, 0) < 0 && errno == EINTR)
			;
	return status;
}

int trace_file_close(struct trace_file *f)
{
	int err = fclose(f->out) ? errno : 0, status;

	f->out = NULL;
	status = end_zstd(f);
	if (err || status)
		return failed(f, err);
	f->zstd = 0;
	if (rename(f->temporary, f->path))
		return failed(f, errno);
	close(f->fd);
	free(f->temporary);
	return EXIT_OK;
}

void trace_file_discard(struct trace_file *f)
{
	if (f->out) {
		fclose(f->out);
		end_zstd(f);
	}
	f->out = NULL;
	if (f->fd >= 0) {
		close(f->fd);
		unlink(f->temporary);
	}
	f->fd = -1;
	free(f->temporary);
	f->temporary = NULL;
}
