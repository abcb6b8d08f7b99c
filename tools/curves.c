// SPDX-License-Identifier: GPL-2.0-only
#include "curves.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EIGHTHS 8

/* "id uses first 1/8 2/8 ..." */
static bool parse_sizes(char *line, struct curves *c)
{
	char *word = strtok(line, " \n"), *end;
	unsigned int i;

	for (i = 0; word; word = strtok(NULL, " \n"), i++) {
		if (i < 3)
			continue;
		if (c->sizes == CURVE_SIZES)
			return false;
		c->eighths[c->sizes++] = strtoul(word, &end, 10);
		if (strcmp(end, "/8"))
			return false;
	}
	return c->sizes;
}

static bool parse_curve(char *line, struct curves *c)
{
	struct curve *curve = &c->curve[c->nr];
	unsigned int i;
	int at;

	if (sscanf(line, "- %" SCNu64, &c->left_out) == 1)
		return true;
	if (c->nr == CURVES_MAX || sscanf(line, "%u %" SCNu64 " %" SCNu64 "%n", &curve->id,
					  &curve->uses, &curve->first, &at) != 3)
		return false;
	for (i = 0, line += at; i < c->sizes; i++, line += at)
		if (sscanf(line, " %" SCNu64 "%n", &curve->misses[i], &at) != 1)
			return false;
	c->nr++;
	return true;
}

bool curves_parse(FILE *in, struct curves *c)
{
	uint64_t capacity = c->capacity;
	char line[512];

	memset(c, 0, sizeof(*c));
	c->capacity = capacity;
	if (!fgets(line, sizeof(line), in) || !parse_sizes(line, c))
		return false;
	while (fgets(line, sizeof(line), in))
		if (!parse_curve(line, c))
			return false;
	return true;
}

static uint64_t bytes_of(const struct curves *c, unsigned int size)
{
	return c->capacity * c->eighths[size] / EIGHTHS * PAGE_BYTES;
}

void curves_show(const struct curves *c)
{
	char text[NUMBER_SIZE];
	unsigned int i, k;

	if (!c->nr)
		return;
	printf("Of their uses working sets would miss, alone and under LRU, with\n  %5s %10s", "set",
	       "uses");
	for (k = 0; k < c->sizes; k++)
		printf(" %9s", text_bytes(text, bytes_of(c, k)));
	putchar('\n');
	for (i = 0; i < c->nr; i++) {
		const struct curve *curve = &c->curve[i];

		if (!curve->uses)
			continue;
		printf("  %5u %10s", curve->id, text_count(text, curve->uses));
		for (k = 0; k < c->sizes; k++)
			printf(" %7.1f %%", 100.0 * curve->misses[k] / curve->uses);
		putchar('\n');
	}
	if (c->left_out)
		printf("  others %9s   there is room for %u working sets\n",
		       text_count(text, c->left_out), c->nr);
}

void curves_json(struct json *j, const struct curves *c)
{
	unsigned int i, k;

	json_open(j, "working_sets", '[');
	for (i = 0; i < c->nr; i++) {
		const struct curve *curve = &c->curve[i];

		json_open(j, NULL, '{');
		json_number(j, "set", curve->id);
		json_number(j, "uses", curve->uses);
		json_number(j, "first_uses", curve->first);
		json_open(j, "would_miss", '[');
		for (k = 0; k < c->sizes; k++) {
			json_open(j, NULL, '{');
			json_number(j, "bytes", bytes_of(c, k));
			json_number(j, "eighths", c->eighths[k]);
			json_number(j, "misses", curve->misses[k]);
			json_close(j, '}');
		}
		json_close(j, ']');
		json_close(j, '}');
	}
	json_close(j, ']');
	json_number(j, "left_out_uses", c->left_out);
}
