/* SPDX-License-Identifier: GPL-2.0-only */
/* Text in and out: numbers, sizes, names, tables, JSON. Pure: no device is touched here. */
#ifndef FRAMEPOOL_TEXT_H
#define FRAMEPOOL_TEXT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PAGE_BYTES  UINT64_C(4096)
#define NUMBER_SIZE 32

/* "256.0 MiB" and "12,345", in @text, which is returned. */
char *text_bytes(char text[NUMBER_SIZE], uint64_t bytes);
char *text_count(char text[NUMBER_SIZE], uint64_t number);

/*
 * "64M", "4096", "0x1000" -> bytes; false where it is none, negative or too large. Powers of 1024,
 * letters K M G T.
 */
bool parse_bytes(const char *text, __u64 *bytes);
/* Limits of a working set in bytes, multiples of a page; for a maximum, "none", too. */
bool parse_min(const char *text, __u64 *bytes);
bool parse_max(const char *text, __u64 *bytes);
/* A maximum in frames: "16.0 MiB", or "-" for none; in @text, which is returned. */
char *text_max(char text[NUMBER_SIZE], uint64_t frames);
/* A whole number in @base, at most @max. */
bool parse_number(const char *text, int base, uint64_t max, uint64_t *number);
/* "auto", or 1, 4, 16, 64, 256 pages -> FRAMEPOOL_BLOCK_*, and back. */
bool parse_block(const char *text, uint32_t *type);
const char *block_name(uint32_t type);
/* 0: as many as the pattern of the faults says. */
unsigned int block_pages(uint32_t type);

/* Make a legal name of a space out of a file's path; @size is of @name. */
void name_of_file(const char *path, char *name, size_t size);

/* A JSON value in the making: commas, quotes and indentation are set by these. */
struct json {
	FILE *out;
	int depth;
	bool first;
};

void json_open(struct json *j, const char *key, char bracket);
void json_close(struct json *j, char bracket);
void json_number(struct json *j, const char *key, uint64_t value);
void json_signed(struct json *j, const char *key, int64_t value);
/* With one decimal. */
void json_real(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_string(struct json *j, const char *key, const char *value);

#endif /* FRAMEPOOL_TEXT_H */
