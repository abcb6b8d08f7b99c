/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the shim takes from the C library.  host.c alone sees the system's headers, so
 * that a core file cannot see them by accident.
 */
#ifndef SHIM_HOST_H
#define SHIM_HOST_H

#include <stdbool.h>
#include <stddef.h>

void *host_alloc(size_t size, bool zero);
void host_free(void *p);
unsigned long long host_random(void);
unsigned long long host_nsec(void);

void host_print(const char *fmt, ...) __attribute__((__format__(printf, 1, 2)));
void host_vprint(const char *fmt, __builtin_va_list args);

/* Registers a variable that "name=value" sets. */
void host_param(const char *name, unsigned long long *value);
bool host_param_set(const char *arg);

/* Calls fn(arg); true if it returned, false if it called host_abort(). */
bool host_try(void (*fn)(void *arg), void *arg);
void host_abort(void) __attribute__((__noreturn__));

#endif
