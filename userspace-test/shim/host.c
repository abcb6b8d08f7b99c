// SPDX-License-Identifier: GPL-2.0-only
/* The only file of the shim that is compiled with the system's headers. */
#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/random.h>

static jmp_buf escape;

static struct {
	const char *name;
	unsigned long long *value;
} params[8];
static unsigned int nparams;

void *host_alloc(size_t size, bool zero)
{
	return zero ? calloc(1, size) : malloc(size);
}

void host_free(void *p)
{
	free(p);
}

unsigned long long host_random(void)
{
	unsigned long long r;

	if (getrandom(&r, sizeof(r), 0) != sizeof(r))
		abort();
	return r;
}

unsigned long long host_nsec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void host_vprint(const char *fmt, va_list args)
{
	vprintf(fmt, args);
	fflush(stdout);
}

void host_print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	host_vprint(fmt, args);
	va_end(args);
}

void host_param(const char *name, unsigned long long *value)
{
	if (nparams == sizeof(params) / sizeof(params[0]))
		abort();
	params[nparams].name = name;
	params[nparams++].value = value;
}

bool host_param_set(const char *arg)
{
	const char *eq = strchr(arg, '=');
	unsigned int i;
	char *end;

	for (i = 0; eq && i < nparams; i++) {
		if (strlen(params[i].name) != (size_t)(eq - arg) ||
		    strncmp(params[i].name, arg, eq - arg))
			continue;
		*params[i].value = strtoull(eq + 1, &end, 0);
		return eq[1] && !*end;
	}
	return false;
}

bool host_try(void (*fn)(void *arg), void *arg)
{
	if (setjmp(escape))
		return false;
	fn(arg);
	return true;
}

void host_abort(void)
{
	longjmp(escape, 1);
}
