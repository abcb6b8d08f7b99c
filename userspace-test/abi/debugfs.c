// SPDX-License-Identifier: GPL-2.0-only
/* What debugfs says of a pool agrees with what was done to it, and with itself. */
#include "scene.h"

#include <ctype.h>

#define NR	64UL
#define FIRST	20UL		/* the pages that are there */
#define THERE	10UL
#define PINNED	(FIRST + 3)

static char *text_of(const char *name)
{
	char *text = calloc(1, MIB), where[256];
	FILE *f;

	snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/%s", pool, name);
	f = fopen(where, "re");
	need(f && text, "%s: %s", where, strerror(errno));
	need(fread(text, 1, MIB - 1, f), "%s is empty", where);
	fclose(f);
	return text;
}

/* What follows NAME at the beginning of a line; NULL: there is no such line. */
static const char *line_of(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
		if (!strncmp(text, name, len) && text[len] == ' ')
			return text + len + 1;
	return NULL;
}

static u64 number_of(const char *text, const char *name)
{
	const char *value = line_of(text, name);

	need(value, "no %s in: %s", name, text);
	return strtoull(value, NULL, 10);
}

/* Ten pages, and no others, one of them pinned. */
static void begin(void)
{
	struct framepool_range r;
	u64 i;

	attach_block = FRAMEPOOL_BLOCK_1;
	scene_begin(2 * MIB, NR);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	for (i = FIRST; i < FIRST + THERE; i++)
		store(i, 2);
	need_ok(range_op(fd, FRAMEPOOL_PIN, PINNED * PAGE, PAGE, &r));
}

static void end(void)
{
	struct framepool_range r;

	need_ok(range_op(fd, FRAMEPOOL_UNPIN, 0, 0, &r));
	scene_end();
}

static void spaces(void)
{
	u64 bytes, resident, pinned;
	const char *line;
	char name[16];

	begin();
	snprintf(name, sizeof(name), "%u", id);
	line = line_of(text_of("spaces"), name);
	need(line && sscanf(line, "%ju %ju %ju", &bytes, &resident, &pinned) == 3,
	     "spaces has no line of space %u", id);
	expect(bytes == NR * PAGE && resident == THERE && pinned == 1,
	       "%ju bytes, %ju resident, %ju pinned", (uintmax_t)bytes, (uintmax_t)resident,
	       (uintmax_t)pinned);
	end();
}

/* Each page that is there has a frame of its own; the rest are ghosts, or nothing. */
static void pagetables(void)
{
	u64 vpn, frame, i, nr = 0, seen[THERE];
	const char *entry;
	char name[16];
	char *text;

	begin();
	text = text_of("pagetable");
	snprintf(name, sizeof(name), "space %u", id);
	expect(line_of(text, name), "no table of space %u: %s", id, text);
	for (vpn = 0; vpn < NR; vpn++) {
		snprintf(name, sizeof(name), "%ju", (uintmax_t)vpn);
		entry = line_of(text, name);
		if (!entry || *entry != 'P')
			continue;
		need(vpn >= FIRST && vpn < FIRST + THERE, "page %ju is there",
		     (uintmax_t)vpn);
		entry = strndup(entry, strcspn(entry, "\n"));
		expect(!!strstr(entry, "pinned") == (vpn == PINNED), "page %ju: %s",
		       (uintmax_t)vpn, entry);
		need(sscanf(strstr(entry, "frame "), "frame %ju", &frame) == 1, "%s", entry);
		for (i = 0; i < nr; i++)
			expect(seen[i] != frame, "two pages in frame %ju", (uintmax_t)frame);
		seen[nr++] = frame;
	}
	expect(nr == THERE, "%ju pages are there", (uintmax_t)nr);
	end();
}

/* The blocks that are free are the frames that are. */
static void buddyinfo(void)
{
	u64 order, kib, blocks, frames = 0;
	char *text, *line;

	begin();
	text = text_of("buddyinfo");
	for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (!isdigit((unsigned char)*line))
			continue;
		need(sscanf(line, "%ju %ju %ju", &order, &kib, &blocks) == 3, "%s", line);
		expect(kib == 4ull << order, "order %ju has %ju KiB", (uintmax_t)order,
		       (uintmax_t)kib);
		frames += blocks << order;
	}
	expect(frames == number_of(text_of("stats"), "free"), "%ju frames in %s",
	       (uintmax_t)frames, text);
	end();
}

static void policy(void)
{
	char *text, name[16];
	u64 listed = 0;
	unsigned int i;

	begin();
	text = text_of("policy");
	need(line_of(text, "name"), "no name: %s", text);
	expect(number_of(text, "capacity") == number_of(text_of("stats"), "bound"),
	       "another capacity than the pool's: %s", text);
	for (i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "list%u", i);
		if (line_of(text, name))
			listed += number_of(text, name);
	}
	/* Pinned pages are on no list of the policy's. */
	expect(listed == THERE - 1, "%ju frames on its lists: %s", (uintmax_t)listed, text);
	end();
}

static const struct test tests[] = {
	{ "spaces", spaces, T_DEVICE },
	{ "pagetables", pagetables, T_DEVICE },
	{ "buddyinfo", buddyinfo, T_DEVICE },
	{ "policy", policy, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
