// SPDX-License-Identifier: GPL-2.0-only
/* Text in and out: numbers, sizes, names, JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

bool parse_min(const char *text, __u64 *bytes)
{
	return parse_bytes(text, bytes) && !(*bytes % PAGE_BYTES);
}

bool parse_max(const char *text, __u64 *bytes)
{
	if (strcmp(text, "none"))
		return parse_min(text, bytes);
	*bytes = FRAMEPOOL_WSET_NO_MAX;
	return true;
}

char *text_max(char text[NUMBER_SIZE], uint64_t frames)
{
	return frames == FRAMEPOOL_WSET_NO_MAX ? strcpy(text, "-") :
						 text_bytes(text, frames * PAGE_BYTES);
}

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

/* How many bytes the character of UTF-8 at @text has; 0: it is none. @code: its number. */
static unsigned int decode(const char *text, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = *text;
	unsigned int length = first < 0x80 ? 1 :
			      first < 0xc0 ? 0 :
			      first < 0xe0 ? 2 :
			      first < 0xf0 ? 3 :
			      first < 0xf8 ? 4 :
					     0;
	unsigned int i;

	*code = length < 2 ? first : first & (0x7f >> length);
	for (i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3f);
	}
	if (!length || *code < least[length] || *code > 0x10ffff || *code >> 11 == 0xd800 >> 11)
		return 0;
	return length;
}

/*
 * UTF-8 as it is, but for controls. Other bytes as the surrogates U+DC80 to U+DCFF, from which
 * Python's os.fsencode() makes the bytes again.
 */
static void quote(FILE *out, const char *text)
{
	unsigned int length;
	uint32_t code;

	putc('"', out);
	for (; *text; text += length ? length : 1) {
		length = decode(text, &code);
		if (!length)
			fprintf(out, "\\udc%02x", (unsigned char)*text);
		else if (code == '"' || code == '\\')
			fprintf(out, "\\%c", code);
		else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
			fprintf(out, "\\u%04x", code);
		else
			fwrite(text, 1, length, out);
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

void json_real(struct json *j, const char *key, double value)
{
	key_of(j, key);
	fprintf(j->out, "%.1f", value);
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
