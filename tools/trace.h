/* SPDX-License-Identifier: GPL-2.0-only */
/* Recording the page references of programs, and the file that they go to. */
#ifndef FRAMEPOOL_TRACE_H
#define FRAMEPOOL_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Of a file: u32 little endian, in order. */
#define TRACE_FILE_WRITE     (UINT32_C(1) << 31)
#define TRACE_FILE_PAGES_MAX (UINT64_C(1) << 31)

/*
 * A trace in the making. It has another name until it is whole, so that nobody finds half of one,
 * and a trace that was there before stays if this one fails.
 */
struct trace_file {
	const char *path;
	char *temporary;
	FILE *out;
	int fd;
	pid_t zstd; /* 0: it is not compressed */
};

/* Each returns an exit code, after an error. */
int trace_file_open(struct trace_file *f, const char *path);
int trace_file_write(struct trace_file *f, const uint32_t *refs, size_t nr);
int trace_file_close(struct trace_file *f);
void trace_file_discard(struct trace_file *f);

int trace_record(int argc, char **argv);
int trace_report(int argc, char **argv);

#endif /* FRAMEPOOL_TRACE_H */
