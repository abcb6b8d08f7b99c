// SPDX-License-Identifier: GPL-2.0-only
/* Text in and out: numbers, sizes, names, JSON, the progress bar. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/framepool.h>

#include "text.h"

char *text_bytes(char text[NUMBER_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = bytes;
	unsigned int unit = 0;

	/* What would be printed as 1024.0 of a unit is 1.0 of the next. */
	while (value >= (unit ? 1023.95 : 1024)) {
		value /= 1024;
		unit++;
	}
	snprintf(text, NUMBER_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

char *text_count(char text[NUMBER_SIZE], uint64_t number)
{
	char digits[NUMBER_SIZE];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
	char *to = text;
	int i;

	for (i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

bool parse_number(const char *text, int base, uint64_t max, uint64_t *number)
{
	unsigned long long value;
	char *end;

	/* strtoull() would take a sign, and leading blanks. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || *end || value > max)
		return false;
	*number = value;
	return true;
}

bool parse_bytes(const char *text, __u64 *bytes)
{
	static const char letters[] = "KkMmGgTt";
	unsigned long long value;
	const char *letter;
	int shift = 0;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno)
		return false;
	letter = *end ? strchr(letters, *end) : NULL;
	if (letter) {
		shift = 10 * ((letter - letters) / 2 + 1);
		end++;
	}
	if (*end || value > UINT64_MAX >> shift)
		return false;
	*bytes = value << shift;
	return true;
}

static const struct {
	const char *name;
	unsigned int pages;
} blocks[] = {
	[FRAMEPOOL_BLOCK_AUTO] = { "auto", 0 },
	[FRAMEPOOL_BLOCK_1] = { "1", 1 },
	[FRAMEPOOL_BLOCK_4] = { "4", 4 },
	[FRAMEPOOL_BLOCK_16] = { "16", 16 },
	[FRAMEPOOL_BLOCK_64] = { "64", 64 },
	[FRAMEPOOL_BLOCK_256] = { "256", 256 },
};

#define NR_BLOCKS (sizeof(blocks) / sizeof(blocks[0]))

bool parse_block(const char *text, uint32_t *type)
{
	uint32_t t;

	for (t = 0; t < NR_BLOCKS; t++) {
		if (!strcmp(text, blocks[t].name)) {
			*type = t;
			return true;
		}
	}
	return false;
}

const char *block_name(uint32_t type)
{
	return type < NR_BLOCKS ? blocks[type].name : "?";
}

unsigned int block_pages(uint32_t type)
{
	return type < NR_BLOCKS ? blocks[type].pages : 0;
}

static bool legal(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

static bool reserved(const char *name)
{
	return !*name || !strcmp(name, "control") || !strcmp(name, ".") || !strcmp(name, "..");
}

void name_of_file(const char *path, char *name, size_t size)
{
	const char *base = strrchr(path, '/');
	char *c;

	base = base ? base + 1 : path;
	/* "", "control", "." and ".." are legal names of files. */
	snprintf(name, size, "%s%s", reserved(base) ? "file-" : "", base);
	for (c = name; *c; c++)
		if (!legal(*c))
			*c = '_';
}

static void quote(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void key_of(struct json *j, const char *key)
{
	if (!j->first)
		putc(',', j->out);
	if (j->depth)
		fprintf(j->out, "\n%*s", 2 * j->depth, "");
	j->first = false;
	if (key) {
		quote(j->out, key);
		fputs(": ", j->out);
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	key_of(j, key);
	putc(bracket, j->out);
	j->depth++;
	j->first = true;
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	if (!j->first)
		fprintf(j->out, "\n%*s", 2 * j->depth, "");
	putc(bracket, j->out);
	j->first = false;
	if (!j->depth)
		putc('\n', j->out);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
	key_of(j, key);
	fprintf(j->out, "%llu", (unsigned long long)value);
}

void json_signed(struct json *j, const char *key, int64_t value)
{
	key_of(j, key);
	fprintf(j->out, "%lld", (long long)value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	key_of(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_string(struct json *j, const char *key, const char *value)
{
	key_of(j, key);
	quote(j->out, value);
}

#define BAR_WIDTH 40

void bar_draw(const char *label, uint64_t done, uint64_t total)
{
	char bar[BAR_WIDTH + 1];
	double part = total ? (double)done / total : 1;
	int filled = part * BAR_WIDTH;

	if (!isatty(STDERR_FILENO))
		return;
	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r%s [%s] %3.0f %%", label, bar, 100 * part);
}

void bar_clear(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}
