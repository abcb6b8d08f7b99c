// SPDX-License-Identifier: GPL-2.0-only
/* The picture of a region: reading the runs, scaling them, drawing them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"
#include "text.h"

/* Room at the left for where a row begins. */
#define MARGIN 12

struct look {
	const char *name, *unicode, *ascii, *colour, *meaning, *fill;
};

static const struct look looks[FRAME_STATES] = {
	[FRAME_FREE] = { "free", "·", ".", "\033[2m", "free", "#eceff1" },
	[FRAME_KERNEL] = { "kernel", "▓", "K", "\033[34m", "bitmap and frame table", "#3f51b5" },
	[FRAME_NODE] = { "node", "▒", "n", "\033[35m", "page-table nodes", "#9c27b0" },
	[FRAME_FILL] = { "fill", "▲", "+", "\033[36m", "being read", "#00bcd4" },
	[FRAME_RESIDENT] = { "resident", "█", "#", "\033[32m", "resident", "#43a047" },
	[FRAME_EVICT] = { "evict", "▼", "-", "\033[33m", "being evicted", "#fb8c00" },
	[FRAME_RETIRED] = { "retired", "×", "x", "\033[31m", "retired", "#e53935" },
};

static const struct look partly = { "", "▄", "=", "\033[32m", "partly resident", "#a5d6a7" };

static bool state_of(const char *name, enum frame_state *state)
{
	int i;

	for (i = 0; i < FRAME_STATES; i++) {
		if (!strcmp(name, looks[i].name)) {
			*state = i;
			return true;
		}
	}
	return false;
}

static int add_run(struct picture *p, uint64_t first, uint64_t nr, enum frame_state state)
{
	if (first != p->frames || !nr || nr > UINT64_MAX - first)
		return -EINVAL;
	if (p->nr_runs == p->room) {
		size_t room = p->room ? 2 * p->room : 256;
		struct run *runs = reallocarray(p->runs, room, sizeof(*runs));

		if (!runs)
			return -ENOMEM;
		p->runs = runs;
		p->room = room;
	}
	p->runs[p->nr_runs++] = (struct run){ first, nr, state };
	p->frames += nr;
	p->in_state[state] += nr;
	return 0;
}

int picture_read(struct picture *p, FILE *in, unsigned int *line)
{
	enum frame_state state;
	char text[128], name[32];
	uint64_t first, nr;
	int err = 0;

	*line = 0;
	while (!err && fgets(text, sizeof(text), in)) {
		++*line;
		if (sscanf(text, "%" SCNu64 " %" SCNu64 " %31s", &first, &nr, name) != 3 ||
		    !state_of(name, &state))
			return -EINVAL;
		err = add_run(p, first, nr, state);
	}
	if (!err && ferror(in))
		return -EIO;
	return err ? err : p->frames ? 0 : -ENODATA;
}

void picture_free(struct picture *p)
{
	free(p->runs);
	memset(p, 0, sizeof(*p));
}

void picture_scale(const struct picture *p, const struct picture_style *style, uint64_t *per_cell,
		   unsigned int *columns)
{
	unsigned int room = style->width > MARGIN + 8 ? style->width - MARGIN : 8;

	*columns = 8;
	while (2 * *columns <= room && *columns < 128)
		*columns *= 2;
	*per_cell = 1;
	while (*per_cell < 1ULL << 62 && p->frames > *per_cell * *columns * style->rows)
		*per_cell *= 2;
}

enum frame_state picture_cell(const uint64_t in_state[FRAME_STATES], bool *part)
{
	static const enum frame_state first[] = { FRAME_RETIRED, FRAME_FILL, FRAME_EVICT };
	static const enum frame_state most[] = { FRAME_RESIDENT, FRAME_NODE, FRAME_KERNEL,
						 FRAME_FREE };
	enum frame_state best = FRAME_RESIDENT;
	unsigned int i;

	*part = false;
	for (i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (in_state[first[i]])
			return first[i];
	for (i = 0; i < sizeof(most) / sizeof(most[0]); i++)
		if (in_state[most[i]] > in_state[best])
			best = most[i];
	*part = best == FRAME_FREE && in_state[FRAME_RESIDENT];
	return *part ? FRAME_RESIDENT : best;
}

/* Where drawing is among the runs. */
struct cursor {
	const struct run *run;
	uint64_t used;
};

/* Count the states of the next @nr frames, or of as many as are left. */
static void take(const struct picture *p, struct cursor *c, uint64_t nr,
		 uint64_t in_state[FRAME_STATES])
{
	memset(in_state, 0, FRAME_STATES * sizeof(in_state[0]));
	while (nr && c->run < p->runs + p->nr_runs) {
		uint64_t left = c->run->nr - c->used, now = left < nr ? left : nr;

		in_state[c->run->state] += now;
		c->used += now;
		nr -= now;
		if (c->used == c->run->nr) {
			c->run++;
			c->used = 0;
		}
	}
}

/* @last is what the cell before was painted with: a colour is sent when it changes. */
static void paint(const struct look *look, const struct picture_style *style, const char **last,
		  FILE *out)
{
	if (style->colour && *last != look->colour)
		fprintf(out, "\033[0m%s", look->colour);
	*last = look->colour;
	fputs(style->unicode ? look->unicode : look->ascii, out);
}

static void draw_row(const struct picture *p, const struct picture_style *style, struct cursor *c,
		     uint64_t per_cell, unsigned int columns, FILE *out)
{
	uint64_t in_state[FRAME_STATES];
	const char *last = NULL;
	enum frame_state state;
	char at[NUMBER_SIZE];
	bool part;

	fprintf(out, "%*s  ", MARGIN - 2, text_bytes(at, (c->run->first + c->used) * PAGE_BYTES));
	while (columns-- && c->run < p->runs + p->nr_runs) {
		take(p, c, per_cell, in_state);
		state = picture_cell(in_state, &part);
		paint(part ? &partly : &looks[state], style, &last, out);
	}
	fprintf(out, "%s\n", style->colour ? "\033[0m" : "");
}

static void draw_legend(const struct picture *p, const struct picture_style *style, FILE *out)
{
	char count[NUMBER_SIZE], bytes[NUMBER_SIZE];
	const char *last = NULL;
	int i;

	for (i = 0; i < FRAME_STATES; i++) {
		if (!p->in_state[i])
			continue;
		fprintf(out, "%*s", MARGIN, "");
		paint(&looks[i], style, &last, out);
		fprintf(out, "%s %-24s %12s frames  %10s  %5.1f %%\n",
			style->colour ? "\033[0m" : "", looks[i].meaning,
			text_count(count, p->in_state[i]),
			text_bytes(bytes, p->in_state[i] * PAGE_BYTES),
			100.0 * p->in_state[i] / p->frames);
		last = NULL;
	}
	if (p->in_state[FRAME_FREE] && p->in_state[FRAME_RESIDENT])
		fprintf(out, "%*s%s %s\n", MARGIN, "",
			style->unicode ? partly.unicode : partly.ascii, partly.meaning);
}

int picture_draw(const struct picture *p, const struct picture_style *style, FILE *out)
{
	struct cursor c = { p->runs, 0 };
	char total[NUMBER_SIZE], cell[NUMBER_SIZE];
	unsigned int columns;
	uint64_t per_cell;

	picture_scale(p, style, &per_cell, &columns);
	fprintf(out, "%*s%s, a character is %s\n", MARGIN, "",
		text_bytes(total, p->frames * PAGE_BYTES), text_bytes(cell, per_cell * PAGE_BYTES));
	while (c.run < p->runs + p->nr_runs)
		draw_row(p, style, &c, per_cell, columns, out);
	draw_legend(p, style, out);
	return ferror(out) ? -EIO : 0;
}

/* Side of a square, and height of a line of the legend. */
#define SQUARE	10
#define LINE	16

static void svg_cell(const struct picture *p, struct cursor *c, uint64_t per_cell, unsigned int x,
		     unsigned int y, FILE *out)
{
	uint64_t first = c->run->first + c->used, in_state[FRAME_STATES];
	const struct look *look;
	bool part;

	take(p, c, per_cell, in_state);
	look = &looks[picture_cell(in_state, &part)];
	if (part)
		look = &partly;
	fprintf(out,
		"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\">"
		"<title>from frame %" PRIu64 ": %s</title></rect>\n",
		x * SQUARE, LINE + y * SQUARE, SQUARE - 1, SQUARE - 1, look->fill, first,
		look->meaning);
}

static void svg_legend(const struct picture *p, unsigned int y, FILE *out)
{
	char bytes[NUMBER_SIZE];
	int i;

	for (i = 0; i < FRAME_STATES; i++) {
		if (!p->in_state[i])
			continue;
		fprintf(out,
			"<rect x=\"0\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"%s\"/>"
			"<text x=\"%u\" y=\"%u\">%s, %s</text>\n",
			y, SQUARE, SQUARE, looks[i].fill, LINE, y + SQUARE - 1, looks[i].meaning,
			text_bytes(bytes, p->in_state[i] * PAGE_BYTES));
		y += LINE;
	}
}

int picture_svg(const struct picture *p, const struct picture_style *style, FILE *out)
{
	struct cursor c = { p->runs, 0 };
	char total[NUMBER_SIZE], cell[NUMBER_SIZE];
	unsigned int columns, rows, x, y;
	uint64_t per_cell;

	picture_scale(p, style, &per_cell, &columns);
	rows = (p->frames + per_cell * columns - 1) / (per_cell * columns);
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"font-family=\"sans-serif\" font-size=\"11\">\n"
		"<text x=\"0\" y=\"11\">%s, a square is %s</text>\n",
		columns * SQUARE, (rows + 1) * SQUARE + (FRAME_STATES + 1) * LINE,
		text_bytes(total, p->frames * PAGE_BYTES), text_bytes(cell, per_cell * PAGE_BYTES));
	for (y = 0; c.run < p->runs + p->nr_runs; y++)
		for (x = 0; x < columns && c.run < p->runs + p->nr_runs; x++)
			svg_cell(p, &c, per_cell, x, y, out);
	svg_legend(p, LINE + (rows + 1) * SQUARE, out);
	fputs("</svg>\n", out);
	return ferror(out) ? -EIO : 0;
}

int picture_json(const struct picture *p, FILE *out)
{
	struct json j = { .out = out, .first = true };
	const struct run *run;
	int i;

	json_open(&j, NULL, '{');
	json_number(&j, "frames", p->frames);
	for (i = 0; i < FRAME_STATES; i++)
		json_number(&j, looks[i].name, p->in_state[i]);
	json_open(&j, "runs", '[');
	for (run = p->runs; run < p->runs + p->nr_runs; run++) {
		json_open(&j, NULL, '{');
		json_number(&j, "first", run->first);
		json_number(&j, "frames", run->nr);
		json_string(&j, "state", looks[run->state].name);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	return ferror(out) ? -EIO : 0;
}
