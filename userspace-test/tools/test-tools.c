// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pure parts of the framepool command: numbers, names, JSON, the configuration file, the
 * pictures, the page walk, the live view. Prints TAP.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/buddy.h"
#include "../../tools/conf.h"
#include "../../tools/curves.h"
#include "../../tools/picture.h"
#include "../../tools/progress.h"
#include "../../tools/text.h"
#include "../../tools/top.h"
#include "../../tools/walk.h"

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
	ok(parse_block("1", &type) && type == FRAMEPOOL_BLOCK_1 &&
	   parse_block("256", &type) && type == FRAMEPOOL_BLOCK_256 &&
	   parse_block("16", &type) && type == FRAMEPOOL_BLOCK_16 &&
	   parse_block("auto", &type) && type == FRAMEPOOL_BLOCK_AUTO, "blocks");
	ok(!parse_block("0", &type) && !parse_block("2", &type) && !parse_block("512", &type) &&
	   !parse_block("", &type), "what is no block");
	ok(block_pages(FRAMEPOOL_BLOCK_1) == 1 && block_pages(FRAMEPOOL_BLOCK_64) == 64 &&
	   !block_pages(FRAMEPOOL_BLOCK_AUTO), "pages of a block");
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
	static const char expected[] = "{\n  \"a\": \"q\\\"\\\\\\u000a\\udce4\",\n  \"b\": [\n    1,\n"
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

/* Is @text quoted as @expected? */
static bool quoted(const char *text, const char *expected)
{
	char whole[200], *got = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&got, &size);
	struct json j = { .out = out, .first = true };
	bool same;

	json_string(&j, NULL, text);
	fclose(out);
	snprintf(whole, sizeof(whole), "\"%s\"", expected);
	same = !strcmp(got, whole);
	free(got);
	return same;
}

static void test_json_bytes(void)
{
	ok(quoted("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7") &&
	   quoted("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"),
	   "UTF-8 is as it is, up to the ends of what there is");
	ok(quoted("\x7f\xc2\x80\xc2\x9f\xc2\xa0", "\\u007f\\u0080\\u009f\xc2\xa0"), "controls are escaped");
	ok(quoted("a\xe4", "a\\udce4") && quoted("\xff\x80z", "\\udcff\\udc80z"), "bytes that begin nothing");
	ok(quoted("\xe2\x82", "\\udce2\\udc82") && quoted("\xe2\x82\"", "\\udce2\\udc82\\\"") &&
	   quoted("\xc3\xe2\x82\xac", "\\udcc3\xe2\x82\xac"), "characters that are cut");
	ok(quoted("\xc0\xaf", "\\udcc0\\udcaf") && quoted("\xe0\x9f\xbf", "\\udce0\\udc9f\\udcbf") &&
	   quoted("\xf0\x8f\xbf\xbf", "\\udcf0\\udc8f\\udcbf\\udcbf"), "longer than need be");
	ok(quoted("\xed\xa0\x80", "\\udced\\udca0\\udc80") && quoted("\xed\xbf\xbf", "\\udced\\udcbf\\udcbf") &&
	   quoted("\xf4\x90\x80\x80", "\\udcf4\\udc90\\udc80\\udc80"), "surrogates, and past the last one");
}

/* What is shown of three steps, on a terminal or elsewhere. */
static bool shows(bool terminal, int64_t pause, const char *expected)
{
	char *got = NULL;
	size_t size = 0;
	struct progress p;
	bool same;

	progress_begin(&p, "sync");
	p.out = open_memstream(&got, &size);
	p.terminal = terminal;
	p.pause = pause;
	p.next = 0;
	progress_tell(&p, 1, 2);
	progress_words(&p, "two");
	progress_tell(&p, 0, 0);
	progress_end(&p);
	progress_end(&p);
	fclose(p.out);
	same = !strcmp(got, expected);
	free(got);
	return same;
}

static void test_progress(void)
{
	ok(shows(true, 0, "\rsync [####################....................]  50 %\rsync: two\033[K"
			  "\rsync [########################################] 100 %\r\033[K"),
	   "a bar on a terminal, wiped off once");
	ok(shows(false, 0, "sync: 50 %\nsync: two\nsync: 100 %\n"), "lines elsewhere");
	ok(shows(false, 3600000, "sync: 50 %\n"), "and not all the time");
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

static void test_svg(void)
{
	struct picture_style style = { .width = 20, .rows = 16 };
	struct picture p = { 0 };
	size_t size = 0, squares = 0;
	char *text = NULL, *at;
	unsigned int line;
	FILE *out = open_memstream(&text, &size);

	read_text(&p, "0 2 kernel 0\n2 1 node 1\n3 5 resident 1\n8 8 free 0\n", &line);
	picture_svg(&p, &style, out);
	fclose(out);
	for (at = text; (at = strstr(at, "<title>from frame ")); at++)
		squares++;
	ok(squares == 16 && !strncmp(text, "<svg ", 5) && strstr(text, "from frame 3: resident") &&
	   !strcmp(text + size - 7, "</svg>\n"), "a picture as SVG: a square for each frame");
	free(text);
	out = open_memstream(&text, &size);
	picture_json(&p, out);
	fclose(out);
	ok(strstr(text, "\"frames\": 16,") && strstr(text, "\"resident\": 5,") &&
	   strstr(text, "\"first\": 3,\n      \"frames\": 5,\n      \"state\": \"resident\""),
	   "and as JSON");
	free(text);
	picture_free(&p);
}

static const char maps[] =
	"55d0c0000000-55d0c0001000 r--p 00000000 fd:01 1234                 /usr/bin/a b\n"
	"7f0000000000-7f0000400000 rw-s 00002000 00:05 42                   /dev/framepool/x\n"
	"7f0000400000-7f0000500000 rw-p 00000000 00:00 0 \n";

/* What area_find() says of @address in @text. */
static int find(const char *text, uint64_t address, struct area *area)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	int err = area_find(in, address, area);

	fclose(in);
	return err;
}

static void test_areas(void)
{
	char longer[1300];
	struct area a;

	ok(!find(maps, 0x7f0000000000, &a) && a.offset == 0x2000 && a.inode == 42 &&
	   a.major == 0 && a.minor == 5 && !strcmp(a.perms, "rw-s") &&
	   !strcmp(a.path, "/dev/framepool/x"), "a mapping's first byte");
	ok(!find(maps, 0x55d0c0000fff, &a) && !strcmp(a.path, "/usr/bin/a b"),
	   "a path with a blank");
	ok(!find(maps, 0x7f0000400000, &a) && !a.path[0],
	   "an end is exclusive; a path may be missing");
	ok(find(maps, 0x7f0000500000, &a) == -ENOENT && find(maps, 0, &a) == -ENOENT,
	   "an address in no mapping");
	ok(find("nonsense\n", 0, &a) == -EINVAL, "what is no list of mappings");
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, maps, 73);
	snprintf(longer + 1000, 300, "\n%s", maps);
	ok(!find(longer, 0x7f0000000000, &a) && a.inode == 42, "behind a line that is too long");
}

static int walk_text(struct walk *w, const char *text)
{
	FILE *in = fmemopen((void *)text, strlen(text) + !*text, "r");
	int err;

	if (!*text)
		getc(in);
	err = walk_read(w, in);
	fclose(in);
	return err;
}

static void test_walk_reading(void)
{
	struct walk w;

	ok(!walk_text(&w, "levels 2\n1 1 300\n0 5 301\n517 P-D pinned frame 77\n") &&
	   w.levels == 2 && w.nr_steps == 2 && w.step[1].node == 301 && w.step[1].index == 5 &&
	   w.kind == ENTRY_FRAME && w.frame == 77 && w.present && !w.accessed && w.dirty &&
	   w.pinned && !w.busy && !w.writeback, "a page that is present");
	ok(!walk_text(&w, "levels 1\n0 5 301\n5 ghost 12\n") && w.kind == ENTRY_GHOST &&
	   w.ghost == 12 && !w.ghost_set, "a ghost");
	ok(!walk_text(&w, "levels 1\n0 5 301\n5 ghost 12 set 3\n") && w.ghost == 12 &&
	   w.ghost_set == 3, "a ghost of a working set");
	ok(!walk_text(&w, "levels 1\n0 5 301\n5 error -5\n") && w.kind == ENTRY_ERROR &&
	   w.error == -5, "an error");
	ok(!walk_text(&w, "levels 1\n0 5 301\n5 --- busy frame 8\n") && w.busy && !w.present,
	   "a fill");
	ok(!walk_text(&w, "levels 3\n2 0 9\n") && w.nr_steps == 1 && w.kind == ENTRY_EMPTY,
	   "a node that has no child there");
	ok(!walk_text(&w, "levels 0\n") && !w.nr_steps, "an empty table");
	ok(walk_text(&w, "") == -EINVAL && walk_text(&w, "levels 7\n") == -EINVAL &&
	   walk_text(&w, "levels 1\n0 5\n") == -EINVAL &&
	   walk_text(&w, "levels 2\n0 5 3\n") == -EINVAL &&
	   walk_text(&w, "levels 1\n0 5 3\n0 5 3\n") == -EINVAL &&
	   walk_text(&w, "levels 1\n0 5 3\n5 P\n") == -EINVAL &&
	   walk_text(&w, "levels 1\n0 5 3\n5 ghost 1\n5 ghost 1\n") == -EINVAL, "what is no walk");
}

static bool touch_is(const char *walk, uint64_t offset, unsigned int block, uint64_t free,
		     const char *expected)
{
	struct walk_place p = { .offset = offset, .bytes = 10 * PAGE_BYTES + 1, .block = block,
				.free = free };
	char text[512];
	struct walk w;

	if (walk_text(&w, walk))
		return false;
	walk_touch(&w, &p, text, sizeof(text));
	if (strcmp(text, expected))
		printf("# '%s' instead of '%s'\n", text, expected);
	return !strcmp(text, expected);
}

static void test_touches(void)
{
	ok(walk_index(0xfffffffffffff, 5) == 127 && walk_index(0xfffffffffffff, 4) == 511 &&
	   walk_index(513, 0) == 1 && walk_index(513, 1) == 1, "indices of 9 bits, 7 at the top");
	ok(touch_is("levels 1\n0 1 3\n1 P-- frame 8\n", 4096, 1, 1,
		    "be a minor fault: the page is in memory, nothing is read"), "present");
	ok(touch_is("levels 1\n0 1 3\n1 --- busy frame 8\n", 4096, 1, 1,
		    "wait for the read that is on its way"), "being read");
	ok(touch_is("levels 1\n0 1 3\n1 P-- busy frame 8\n", 4096, 1, 1,
		    "wait until the page has left, and read it again"), "leaving");
	ok(touch_is("levels 1\n0 1 3\n1 ghost 4\n", 4096, 1, 0,
		    "be a major fault: read page 1 (bytes 4096 to 8191 of the file) into frames "
		    "that others have to leave first; it would count as a refault"),
	   "a ghost, pool full");
	ok(touch_is("levels 2\n1 0 3\n", 9 * 4096, 4, 1,
		    "be a major fault: read pages 8 to 10, those that are absent (bytes 32768 to "
		    "40960 of the file) into free frames, and make 1 node"), "a block at the end");
	ok(touch_is("levels 1\n0 1 3\n1 error -5\n", 4096, 1, 1,
		    "be a major fault: read page 1 (bytes 4096 to 8191 of the file) into free "
		    "frames; the last try failed (Input/output error)"), "after an error");
	ok(touch_is("levels 1\n", 11 * 4096, 1, 1, "end in SIGBUS: the space ends before"),
	   "behind the end");
	ok(touch_is("levels 1\n0 10 3\n", 10 * 4096 + 100, 1, 1,
		    "be a major fault: read page 10 (bytes 40960 to 40960 of the file) into free "
		    "frames"), "behind the end, in the last page");
}

static void test_walk_drawing(void)
{
	struct area area = { .start = 0x7f0000000000, .end = 0x7f0000400000, .perms = "rw-s" };
	struct walk_place p = { .offset = 0x1234, .bytes = 1 << 20, .base = 0x10000000, .free = 1,
				.block = 1, .space = "x", .pool = "default", .area = &area,
				.address = 0x7f0000001234, .pid = 7, .hardware_known = true,
				.hardware_present = true, .hardware_pfn = 0x1004d };
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	struct walk w;

	walk_text(&w, "levels 1\n0 1 300\n1 PAD frame 77\n");
	walk_draw(&w, &p, out);
	p.hardware_pfn = 1;
	walk_draw(&w, &p, out);
	fclose(out);
	ok(strstr(text, "physical   0x1004d234 = base 0x10000000 + 77 * 4096 + 0x234"),
	   "the physical address");
	ok(strstr(text, "level 0    node in frame 300, entry 1: PAD, frame 77"), "the entry");
	ok(strstr(text, "the same frame (pfn 0x1004d)") && strstr(text, "pfn 0x1: a private copy"),
	   "the processor's own entry");
	free(text);
}

/* A bitmap of 16 frames: 0-2, 5 and 8 are allocated; so 3, 4, 6-7, 9, 10-11, 12-15 are free. */
static int sixteen(struct buddy *b, uint64_t frames)
{
	unsigned char bits[2] = { 0x27, 0x01 };
	FILE *in = fmemopen(bits, sizeof(bits), "r");
	int err = buddy_read(b, in, frames);

	fclose(in);
	return err;
}

static void test_buddy(void)
{
	struct buddy_style style = { .width = 16 };
	unsigned int order;
	char *text = NULL;
	size_t size = 0;
	uint64_t first;
	struct buddy b;
	FILE *out;

	ok(sixteen(&b, 17) == -EINVAL, "a bitmap that is too short");
	ok(!sixteen(&b, 16) && b.free == 11 && b.blocks[0] == 3 && b.blocks[1] == 2 &&
	   b.blocks[2] == 1 && !b.blocks[3], "free blocks of a bitmap");
	ok(buddy_next(&b, 0, &first, &order) && first == 3 && order == 0 &&
	   buddy_next(&b, 5, &first, &order) && first == 6 && order == 1 &&
	   buddy_next(&b, 13, &first, &order) && first == 12 && order == 2 &&
	   !buddy_next(&b, 16, &first, &order), "the block around a frame");
	out = open_memstream(&text, &size);
	buddy_draw(&b, &style, out);
	buddy_draw_split(&b, out);
	fclose(out);
	ok(strstr(text, "    2   16.0 KiB          1    63.6 %  ............####\n") &&
	   strstr(text, "    1    8.0 KiB          2    27.3 %  ......##..##....\n") &&
	   strstr(text, "    0    4.0 KiB          3     0.0 %  ...##....#......\n"),
	   "a line for each order");
	ok(strstr(text, "the next frame is 3, a block of its own"), "nothing to split");
	free(text);
	buddy_free(&b);
}

static void test_split(void)
{
	unsigned char bits[2] = { 0xff, 0x00 };
	FILE *in = fmemopen(bits, sizeof(bits), "r"), *out;
	char *text = NULL;
	size_t size = 0;
	struct buddy b;

	ok(!buddy_read(&b, in, 16) && b.blocks[3] == 1 && b.free == 8, "one block of 8");
	fclose(in);
	out = open_memstream(&text, &size);
	buddy_draw_split(&b, out);
	fclose(out);
	ok(!strcmp(text, "the next frame is 8, from the block of order 3 at 8:\n"
			 "  split order 3  -> 8-11 | 12-15 stays free, order 2\n"
			 "  split order 2  -> 8-9 | 10-11 stays free, order 1\n"
			 "  split order 1  -> 8-8 | 9-9 stays free, order 0\n"
			 "and when it is given back, 3 merges undo them\n"), "three splits");
	free(text);
	memset(b.bits, 0xff, 2);
	b.blocks[3] = 0;
	b.free = 0;
	out = open_memstream(&text, &size);
	buddy_draw_split(&b, out);
	fclose(out);
	ok(strstr(text, "would have to leave"), "a full pool");
	free(text);
	buddy_free(&b);
}

static struct top_sample *sample_of(double when, uint64_t a_faults, uint64_t b_faults)
{
	struct top_sample *s = calloc(1, sizeof(*s));

	s->when = when;
	s->nr_spaces = 2;
	strcpy(s->space[0].name, "b");
	s->space[0].resident = 10;
	s->space[0].major_faults = b_faults;
	strcpy(s->space[1].name, "a");
	s->space[1].resident = 5;
	s->space[1].major_faults = a_faults;
	return s;
}

/* Set 1 of process 7 and set 2 of process 8, in a pool that can give 100 frames. */
static struct top_sample *wsets_of(double when, uint64_t faults_1, uint64_t faults_2)
{
	struct top_sample *s = calloc(1, sizeof(*s));
	int i;

	s->when = when;
	s->nr_wsets = 2;
	for (i = 0; i < 2; i++) {
		s->wset[i].bound = 100;
		s->wset[i].counters.id = 1 + i;
		s->wset[i].counters.pid = 7 + i;
		s->wset[i].counters.max = FRAMEPOOL_WSET_NO_MAX;
		strcpy(s->wset[i].counters.name, "p");
		strcpy(s->wset[i].command, i ? "fio" : "sort");
	}
	s->wset[0].counters.charge = 50;
	s->wset[0].counters.target = 70;
	s->wset[0].counters.faults = faults_1;
	s->wset[1].counters.charge = 20;
	s->wset[1].counters.faults = faults_2;
	s->wset[1].counters.near_refaults = faults_2 / 2;
	return s;
}

static void test_top_wsets(void)
{
	struct top_sample *last = wsets_of(1, 100, 0), *now = wsets_of(3, 120, 40);
	unsigned int index[TOP_WSETS];
	char line[TOP_LINE];

	ok(top_wset_rates(now, last, 0).faults == 10 && top_wset_rates(now, last, 1).near == 10,
	   "rates of working sets");
	ok(top_wset_rates(now, NULL, 0).faults == 0, "none in the first round");
	last->wset[0].counters.pid = 9;
	ok(top_wset_rates(now, last, 0).faults == 60, "the number was another process's");
	last->wset[0].counters.pid = 7;
	strcpy(last->wset[0].counters.name, "q");
	ok(top_wset_rates(now, last, 0).faults == 60, "the set was another pool's");
	strcpy(last->wset[0].counters.name, "p");
	top_sort_wsets(now, last, TOP_BY_RESIDENT, index);
	ok(index[0] == 0 && index[1] == 1, "sets by what they have");
	top_sort_wsets(now, last, TOP_BY_FAULTS, index);
	ok(index[0] == 1 && index[1] == 0, "by faults");
	top_sort_wsets(now, last, TOP_BY_NAME, index);
	ok(index[0] == 1 && index[1] == 0, "by command");
	top_wset_line(line, now, last, 0);
	ok(strlen(line) == strlen(top_wset_heading()) && strlen(line) < 100, "a set's line");
	ok(strstr(line, "[#####..|..]"), "what it has of the pool, and its target");
	ok(strstr(line, "  280.0 KiB        0 B          -      10       0"), "and its numbers");
	now->wset[0].counters.max = 80;
	now->wset[0].counters.pid = 0;
	now->wset[0].counters.target = 1000;
	top_wset_line(line, now, last, 0);
	ok(strstr(line, "320.0 KiB") && strstr(line, "      - sort") &&
	   strstr(line, "[#####....|]"), "a maximum, no process, a target past the end");
	free(last);
	free(now);
}

static void test_top_entry(void)
{
	struct top_entry entry = { };
	int i;

	ok(top_type(&entry, 127) == TOP_TYPING && !entry.length, "nothing to take back");
	top_type(&entry, '1');
	top_type(&entry, '7');
	top_type(&entry, '\b');
	top_type(&entry, ' ');
	top_type(&entry, 0x1b5);
	ok(top_type(&entry, 'M') == TOP_TYPING && !strcmp(entry.text, "1M"), "a line is typed");
	ok(top_type(&entry, '\r') == TOP_TYPED && !strcmp(entry.text, "1M"), "and ended");
	ok(top_type(&entry, 27) == TOP_CANCELLED, "or left");
	for (i = 0; i < 100; i++)
		top_type(&entry, 'x');
	ok(entry.length == sizeof(entry.text) - 1 && strlen(entry.text) == entry.length,
	   "no more than there is room for");
}

static void test_top(void)
{
	struct top_sample *last = sample_of(1, 0, 50), *now = sample_of(3, 100, 40);
	unsigned int index[TOP_SPACES];
	char bar[32], line[TOP_LINE];

	ok(top_space_rates(now, last, 1).major == 50, "a rate is by second");
	ok(top_space_rates(now, last, 0).major == 0, "a counter that went back is another space's");
	ok(top_space_rates(now, NULL, 1).major == 0, "no rate in the first round");
	strcpy(last->space[1].name, "c");
	ok(top_space_rates(now, last, 1).major == 50, "a new space has done all since");
	top_sort_spaces(now, last, TOP_BY_RESIDENT, index);
	ok(index[0] == 0 && index[1] == 1, "by resident");
	top_sort_spaces(now, last, TOP_BY_FAULTS, index);
	ok(index[0] == 1 && index[1] == 0, "by faults");
	top_sort_spaces(now, last, TOP_BY_NAME, index);
	ok(index[0] == 1 && index[1] == 0, "by name");
	ok(top_order_of('d') == TOP_BY_DIRTY && top_order_of('x') == TOP_ORDERS &&
	   top_key(TOP_BY_WRITES) == 'w', "keys");
	top_bar(bar, 12, 1, 4);
	ok(!strcmp(bar, "[###.......]"), "a bar");
	top_bar(bar, 12, 5, 4);
	ok(!strcmp(bar, "[##########]"), "a bar that is more than full");
	top_bar(bar, 12, 0, 0);
	ok(!strcmp(bar, "[..........]"), "a bar of nothing");
	top_space_line(line, now, last, 1);
	ok(strlen(line) == strlen(top_space_heading()) && strlen(line) < 100,
	   "a line is as long as its heading");
	now->nr_pools = 1;
	top_pool_line(line, now, last, 0);
	ok(strlen(line) == strlen(top_pool_heading()) && strlen(line) < 100, "a pool's, too");
	free(last);
	free(now);
}

/* Whether @text is a table, which is @c then. */
static bool curves_read(const char *text, struct curves *c)
{
	FILE *in = fmemopen((char *)text, strlen(text), "r");
	bool good;

	*c = (struct curves){ .capacity = 1024 };
	good = curves_parse(in, c);
	fclose(in);
	return good;
}

static void test_curves(void)
{
	struct curves c;

	ok(curves_read("id uses first 1/8 8/8\n7 100 5 90 5\n4095 1 1 1 1\n- 12\n", &c) &&
		   c.sizes == 2 && c.eighths[0] == 1 && c.eighths[1] == 8 && c.nr == 2 &&
		   c.curve[0].id == 7 && c.curve[0].uses == 100 && c.curve[0].first == 5 &&
		   c.curve[0].misses[0] == 90 && c.curve[0].misses[1] == 5 &&
		   c.curve[1].id == 4095 && c.left_out == 12,
	   "curves of two working sets");
	ok(curves_read("id uses first 1/8\n", &c) && c.nr == 0 && !c.left_out, "of none");
	ok(!curves_read("\n", &c), "no table");
	ok(!curves_read("id uses first 1/4\n", &c), "quarters");
	ok(!curves_read("id uses first 1/8 8/8\n7 100 5 90\n", &c), "half a line");
	ok(!curves_read("id uses first 1/8\n7 -\n", &c), "no numbers");
}

/* What conf_read() says of @text; @number is the line that it came to. */
static int read_conf(struct conf *conf, const char *text, unsigned int *number)
{
	FILE *in = fmemopen((void *)text, strlen(text) + !*text, "r");
	int err;

	if (!*text)
		getc(in);
	err = conf_read(conf, in, number);
	fclose(in);
	return err;
}

static bool conf_refused(const char *text, unsigned int at)
{
	struct conf conf;
	unsigned int number;
	bool as_expected = read_conf(&conf, text, &number) == -EINVAL && number == at;

	conf_free(&conf);
	return as_expected;
}

static void test_conf(void)
{
	char many[300] = "";
	struct conf conf;
	unsigned int number;
	int i;

	ok(!read_conf(&conf, "# all\n\n  attach \"/a b\"/c\t--name x # why\npool create p",
		      &number) && conf.nr == 2 && conf.lines[0].number == 3 && conf.lines[0].argc == 4 &&
	   !strcmp(conf.lines[0].argv[1], "/a b/c") && !strcmp(conf.lines[0].argv[3], "x") &&
	   !conf.lines[0].argv[4] && conf.lines[1].argc == 3 &&
	   !strcmp(conf.lines[1].argv[2], "p"), "words, quotes, comments");
	conf_free(&conf);
	ok(!read_conf(&conf, "", &number) && !conf.nr, "an empty file");
	conf_free(&conf);
	ok(conf_refused("a\nb \"c\n", 2), "a quote that does not end");
	for (i = 0; i < CONF_WORDS; i++)
		strcat(many, "a ");
	ok(!read_conf(&conf, many, &number) && conf.lines[0].argc == CONF_WORDS, "many words");
	conf_free(&conf);
	strcat(many, "a");
	ok(conf_refused(many, 1), "too many words");
}

int main(void)
{
	test_sizes();
	test_numbers();
	test_output();
	test_names();
	test_json();
	test_json_bytes();
	test_progress();
	test_reading();
	test_cells();
	test_scale();
	test_drawing();
	test_svg();
	test_areas();
	test_walk_reading();
	test_touches();
	test_walk_drawing();
	test_buddy();
	test_split();
	test_top();
	test_top_wsets();
	test_top_entry();
	test_curves();
	test_conf();
	printf("1..%d\n", nr_tests);
	return nr_failed != 0;
}
