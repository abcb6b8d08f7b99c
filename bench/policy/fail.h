/* SPDX-License-Identifier: GPL-2.0-only */
/* What a program does that cannot go on: one line, and status 1. */
#ifndef BENCH_FAIL_H
#define BENCH_FAIL_H

#include <stddef.h>

void die(const char *fmt, ...) __attribute__((__noreturn__, __format__(printf, 1, 2)));

/* Each returns what was asked for, or fails. */
void *alloc(size_t bytes);
void *alloc_zeroed(size_t bytes);
int open_file(const char *path);

#endif /* BENCH_FAIL_H */
