// SPDX-License-Identifier: GPL-2.0-only
/* The pure parts of the framepool command: numbers, names, JSON, the picture. Prints TAP. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/picture.h"
#include "../../tools/text.h"

static int nr_tests, nr_failed;

static void ok(bool passed, const char *name)
{
	nr_failed += !passed;
	printf("%sok %d - %s\n", passed ? "" : "not ", ++nr_tests, name);
}

static bool bytes_are(const char *text, __u64 expected)
{
	__u64 bytes = 0;

	return parse_bytes(text, &bytes) && bytes == expected;
}

static bool no_bytes(const char *text)
{
	__u64 bytes = 4711;

	return !parse_bytes(text, &bytes) && bytes == 4711;
}

static void test_sizes(void)
{
	ok(bytes_are("0", 0) && bytes_are("4096", 4096) && bytes_are("0x1000", 4096), "bytes");
	ok(bytes_are("64M", 64ULL << 20) && bytes_are("1k", 1024) && bytes_are("2G", 2ULL << 30) &&
	   bytes_are("3T", 3ULL << 40), "suffixes");
	ok(bytes_are("18446744073709551615", UINT64_MAX), "the largest number");
	ok(no_bytes("18446744073709551616") && no_bytes("16777216T"), "numbers that overflow");
	ok(no_bytes("") && no_bytes("M") && no_bytes("-1") && no_bytes(" 1") && no_bytes("+1") &&
	   no_bytes("1MB") && no_bytes("1 M") && no_bytes("x"), "what is no number");
}

static void test_numbers(void)
{
	uint64_t n;
	uint32_t type;

	ok(parse_number("640", 8, 0777, &n) && n == 0640, "an octal mode");
	ok(!parse_number("1000", 8, 0777, &n) && !parse_number("8", 8, 0777, &n), "no octal mode");
	ok(parse_block("1", &type) && type == 0 && parse_block("256", &type) && type == 4 &&
	   parse_block("16", &type) && type == 2, "blocks");
	ok(!parse_block("0", &type) && !parse_block("2", &type) && !parse_block("512", &type) &&
	   !parse_block("", &type), "what is no block");
	ok(block_pages(0) == 1 && block_pages(3) == 64, "pages of a block");
}

static bool counted(uint64_t number, const char *expected)
{
	char text[NUMBER_SIZE];

	return !strcmp(text_count(text, number), expected);
}

static bool sized(uint64_t bytes, const char *expected)
{
	char text[NUMBER_SIZE];

	return !strcmp(text_bytes(text, bytes), expected);
}

static void test_output(void)
{
	ok(counted(0, "0") && counted(999, "999") && counted(1000, "1,000") &&
	   counted(UINT64_MAX, "18,446,744,073,709,551,615"), "counts");
	ok(sized(0, "0 B") && sized(1023, "1023 B") && sized(1024, "1.0 KiB") &&
	   sized(64 << 20, "64.0 MiB") && sized((1 << 20) - 1, "1.0 MiB") &&
	   sized(UINT64_MAX, "16.0 EiB"), "sizes");
}

static bool named(const char *path, const char *expected)
{
	char name[64];

	name_of_file(path, name, sizeof(name));
	return !strcmp(name, expected);
}

static void test_names(void)
{
	char path[300], expected[64];

	ok(named("/mnt/demo.tar", "demo.tar") && named("demo", "demo"), "the file's own name");
	ok(named("/a b/c d\"e", "c_d_e") && named("/x/\xc3\xa4.bin", "__.bin"), "cleaned up");
	ok(named("/x/control", "file-control") && named("/x/", "file-") &&
	   named("..", "file-..") && named(".", "file-."), "names that are not allowed");
	memset(path, 'n', sizeof(path));
	path[299] = '\0';
	memset(expected, 'n', 63);
	expected[63] = '\0';
	ok(named(path, expected), "cut at 63");
}

static void test_json(void)
{
	static const char expected[] = "{\n  \"a\": \"q\\\"\\\\\\u000a\\u00e4\",\n  \"b\": [\n    1,\n"
				       "    -2\n  ],\n  \"c\": [],\n  \"d\": true\n}\n";
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct json j = { .out = out, .first = true };

	json_open(&j, NULL, '{');
	json_string(&j, "a", "q\"\\\n\xe4");
	json_open(&j, "b", '[');
	json_number(&j, NULL, 1);
	json_signed(&j, NULL, -2);
	json_close(&j, ']');
	json_open(&j, "c", '[');
	json_close(&j, ']');
	json_bool(&j, "d", true);
	json_close(&j, '}');
	fclose(out);
	ok(!strcmp(text, expected), "JSON: quotes, commas, nothing in brackets");
	free(text);
}

static int read_text(struct picture *p, const char *text, unsigned int *line)
{
	FILE *in = fmemopen((void *)text, strlen(text) + !*text, "r");
	int err;

	if (!*text)
		getc(in);
	err = picture_read(p, in, line);
	fclose(in);
	return err;
}

static bool refused(const char *text, int error, unsigned int at)
{
	struct picture p = { 0 };
	unsigned int line;
	bool as_expected = read_text(&p, text, &line) == error && line == at;

	picture_free(&p);
	return as_expected;
}

static void test_reading(void)
{
	struct picture p = { 0 };
	unsigned int line;

	ok(!read_text(&p, "0 2 kernel 0\n2 1 node 1\n3 5 resident 1\n8 8 free 0\n", &line) &&
	   p.frames == 16 && p.nr_runs == 4 && p.in_state[FRAME_RESIDENT] == 5, "runs are read");
	picture_free(&p);
	ok(refused("0 2 kernel 0\n2 1 nonsense 0\n", -EINVAL, 2), "an unknown state");
	ok(refused("0 2 kernel 0\n3 1 free 0\n", -EINVAL, 2), "a gap");
	ok(refused("0 2 kernel 0\n1 1 free 0\n", -EINVAL, 2), "an overlap");
	ok(refused("0 0 free 0\n", -EINVAL, 1), "an empty run");
	ok(refused("zero 1 free 0\n", -EINVAL, 1), "no number");
	ok(refused("", -ENODATA, 0), "nothing at all");
}

static bool cell_is(uint64_t free, uint64_t resident, uint64_t evict, enum frame_state expected,
		    bool expect_part)
{
	uint64_t in_state[FRAME_STATES] = { 0 };
	bool part;

	in_state[FRAME_FREE] = free;
	in_state[FRAME_RESIDENT] = resident;
	in_state[FRAME_EVICT] = evict;
	return picture_cell(in_state, &part) == expected && part == expect_part;
}

static void test_cells(void)
{
	ok(cell_is(16, 0, 0, FRAME_FREE, false), "all free");
	ok(cell_is(8, 8, 0, FRAME_RESIDENT, false), "half resident counts as resident");
	ok(cell_is(15, 1, 0, FRAME_RESIDENT, true), "a little resident is shown as a part");
	ok(cell_is(7, 8, 1, FRAME_EVICT, false), "one frame on its way out wins");
}

static void test_scale(void)
{
	struct picture_style style = { .width = 80, .rows = 16 };
	struct picture p = { .frames = 16384 };
	unsigned int columns;
	uint64_t per_cell;

	picture_scale(&p, &style, &per_cell, &columns);
	ok(columns == 64 && per_cell == 16, "64 MiB on 80 columns: 64 cells of 64 KiB a row");
	p.frames = 16385;
	picture_scale(&p, &style, &per_cell, &columns);
	ok(per_cell == 32, "one frame more: the next power of two");
	style.width = 1;
	p.frames = 1;
	picture_scale(&p, &style, &per_cell, &columns);
	ok(columns == 8 && per_cell == 1, "a terminal that is too narrow, a frame alone");
}

static void test_drawing(void)
{
	static const char expected[] = "            64.0 KiB, a character is 4.0 KiB\n"
				       "       0 B  KKn#####\n"
				       "  32.0 KiB  ........\n";
	struct picture_style style = { .width = 20, .rows = 16 };
	struct picture p = { 0 };
	char *text = NULL;
	unsigned int line;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	read_text(&p, "0 2 kernel 0\n2 1 node 1\n3 5 resident 1\n8 8 free 0\n", &line);
	picture_draw(&p, &style, out);
	fclose(out);
	ok(!strncmp(text, expected, strlen(expected)), "a picture in ASCII");
	ok(!strchr(text, '\033'), "no colours unless asked for");
	free(text);
	picture_free(&p);
}

int main(void)
{
	test_sizes();
	test_numbers();
	test_output();
	test_names();
	test_json();
	test_reading();
	test_cells();
	test_scale();
	test_drawing();
	printf("1..%d\n", nr_tests);
	return nr_failed != 0;
}
