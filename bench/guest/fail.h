/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up, with a word about why. */
#ifndef FAIL_H
#define FAIL_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

/** fail() - say what went wrong and exit with 1 */
__attribute__((noreturn, format(printf, 1, 2)))
static inline void fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

/** fail_errno() - the same for a call that has set errno */
__attribute__((noreturn))
static inline void fail_errno(const char *what)
{
	fail("%s: %s", what, strerror(errno));
}

#endif
