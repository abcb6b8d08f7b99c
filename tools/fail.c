// SPDX-License-Identifier: GPL-2.0-only
/* Errors: one line that says what was wrong and what to do next. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

/* The ABI gives each errno one meaning everywhere; this is the meaning in words. */
static const struct reason everywhere[] = {
	{ EINVAL, "the module refused a value", "Check the arguments with --help." },
	{ E2BIG, "the module is older than this command", "Load the module of the same release." },
	{ ENOTTY, "the module does not know this command", "Load the module of the same release." },
	{ EFAULT, "the module could not read the request", "Report this as a bug." },
	{ EPERM, "you have not the right", "Run it as root." },
	{ EACCES, "you have not the right", "Run it as root, or as the owner." },
	{ ENOENT, "there is no such thing", "See 'framepool list' and 'framepool pool list'." },
	{ EEXIST, "the name is in use", "Take another name." },
	{ EBUSY, "it is in use", "Try again when its users have ended." },
	{ ENOMEM, "there is not enough memory",
	  "Evict or detach something, or use a larger pool." },
	{ EINTR, "it was interrupted", "Run it again to finish." },
	{ EIO, "the backing device reported an error",
	  "Look at the kernel's log (dmesg); nothing stored is lost." },
	{ ENOSPC, "the file system of the backing file is full",
	  "Make room and try again; nothing stored is lost." },
	{ EDQUOT, "the quota of the backing file is used up",
	  "Make room and try again; nothing stored is lost." },
	{ EROFS, "the file system is mounted read-only",
	  "Attach with --read-only, or mount it for writing." },
	{ EMFILE, "too many files are open", "Raise the limit (ulimit -n)." },
	{ ENFILE, "too many files are open", "Raise fs.file-max." },
	{ }
};

static const struct reason *look_up(const struct reason *reasons, int error)
{
	for (; reasons && reasons->error; reasons++)
		if (reasons->error == error)
			return reasons;
	return NULL;
}

char *fail_text(char text[FAIL_SIZE], const char *verb, const char *subject, int error,
		const struct reason *reasons)
{
	const struct reason *r;

	if (error < 0)
		error = -error;
	r = look_up(reasons, error);
	if (!r)
		r = look_up(everywhere, error);
	if (r)
		snprintf(text, FAIL_SIZE, "cannot %s %s: %s (%s). %s", verb, subject, r->what,
			 strerror(error), r->next);
	else
		snprintf(text, FAIL_SIZE,
			 "cannot %s %s: the system refused it (%s). Look at dmesg.", verb, subject,
			 strerror(error));
	return text;
}

int fail(const char *verb, const char *subject, int error, const struct reason *reasons)
{
	char text[FAIL_SIZE];

	fprintf(stderr, "framepool: %s\n", fail_text(text, verb, subject, error, reasons));
	error = abs(error);
	return error == EPERM || error == EACCES ? EXIT_NO_RIGHT : EXIT_FAILED;
}

int fail_pages(const char *name, const struct framepool_range *range)
{
	if (!range->failed)
		return EXIT_OK;
	fprintf(stderr, "framepool: %llu pages of %s failed (%s). Look at dmesg.\n",
		(unsigned long long)range->failed, name, strerror(range->error));
	return EXIT_FAILED;
}

int usage_hint(void)
{
	fputs("Try 'framepool --help', or 'framepool COMMAND --help'.\n", stderr);
	return EXIT_USAGE;
}

int usage_error(const char *format, ...)
{
	va_list args;

	fputs("framepool: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\n", stderr);
	return usage_hint();
}

int help(const char *text)
{
	fputs(text, stdout);
	return EXIT_OK;
}

int control_open(int *status)
{
	static const char load_it[] =
		"Load it: modprobe framepool (or insmod framepool.ko size=512M).";
	static const char join_it[] = "Run it as root, or join the group.";
	static const struct reason reasons[] = {
		{ ENOENT, "the module is not loaded", load_it },
		{ ENXIO, "the module is not loaded", load_it },
		{ ENODEV, "the module is not loaded", load_it },
		{ EACCES, "only root and the group framepool may", join_it },
		{ EPERM, "only root and the group framepool may", join_it },
		{ }
	};
	int fd = framepool_open();

	if (fd >= 0)
		return fd;
	*status = fail("open", FRAMEPOOL_CONTROL, fd, reasons);
	if (fd == -ENOENT || fd == -ENXIO || fd == -ENODEV)
		*status = EXIT_NO_MODULE;
	return -1;
}

const char *space_name(const char *argument)
{
	size_t prefix = strlen(FRAMEPOOL_DIR "/");

	return strncmp(argument, FRAMEPOOL_DIR "/", prefix) ? argument : argument + prefix;
}

bool module_loaded(void)
{
	return !access(FRAMEPOOL_CONTROL, F_OK);
}

int space_open(const char *name, const char *verb, int *status)
{
	static const struct reason reasons[] = {
		{ ENOENT, "nothing is attached under this name", "See 'framepool list'." },
		{ EACCES, "the space belongs to another user", "Run it as that user or as root." },
		{ EINVAL, "this cannot be a name",
		  "A name is 1 to 63 of A-Z a-z 0-9 . _ -, see 'framepool list'." },
		{ }
	};
	int fd = framepool_open_space(name, O_RDWR);

	if (fd == -EACCES || fd == -EPERM || fd == -EROFS)
		fd = framepool_open_space(name, O_RDONLY);
	if (fd >= 0)
		return fd;
	/* Nothing is attached without the module: that is then the better answer. */
	if (fd == -ENOENT && !module_loaded()) {
		control_open(status);
		return -1;
	}
	*status = fail(verb, name, fd, reasons);
	return -1;
}
