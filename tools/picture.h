/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The picture of a region: what debugfs says of its frames, scaled down to a block of characters.
 *
 * Each character stands for a power of two of neighbouring frames, each row for a power of two of
 * characters: rows and characters then begin where the buddy allocator's blocks begin. Pure: reads
 * a stream, writes a stream.
 */
#ifndef FRAMEPOOL_PICTURE_H
#define FRAMEPOOL_PICTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum frame_state {
	FRAME_FREE,
	FRAME_KERNEL,
	FRAME_NODE,
	FRAME_FILL,
	FRAME_RESIDENT,
	FRAME_EVICT,
	FRAME_RETIRED,
	FRAME_STATES,
};

/* Neighbouring frames in one state. */
struct run {
	uint64_t first, nr;
	enum frame_state state;
};

struct picture {
	struct run *runs;
	size_t nr_runs, room;
	uint64_t frames;
	uint64_t in_state[FRAME_STATES];
};

struct picture_style {
	unsigned int width; /* of the terminal, in characters */
	unsigned int rows;  /* at most */
	bool unicode, colour;
};

/*
 * Lines "FIRST NR STATE SPACE", in order and without gaps. 0 or -errno; @line is the one that is
 * wrong, for EINVAL.
 */
int picture_read(struct picture *p, FILE *in, unsigned int *line);
void picture_free(struct picture *p);

/* How many frames a character and how many characters a row stand for. */
void picture_scale(const struct picture *p, const struct picture_style *style, uint64_t *per_cell,
		   unsigned int *columns);

/*
 * What a cell shows: anything on its way in or out, or lost, wins; then most of the frames. *@part:
 * resident frames are there but fewer than others.
 */
enum frame_state picture_cell(const uint64_t in_state[FRAME_STATES], bool *part);

int picture_draw(const struct picture *p, const struct picture_style *style, FILE *out);

/* The same as SVG, a square for each character; hovering tells where it is and what is there. */
int picture_svg(const struct picture *p, const struct picture_style *style, FILE *out);

/* The same for programs: how many frames are in each state, and which are neighbours in one. */
int picture_json(const struct picture *p, FILE *out);

#endif /* FRAMEPOOL_PICTURE_H */
