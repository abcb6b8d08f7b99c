/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs side by side on one file, and how many pages of it are read for that. */
#ifndef SCENE_H
#define SCENE_H

#include "target.h"

#define SCENE_CAST 3 /* programs at most */

struct actor;

/**
 * struct scene - what some programs do with the pages of a file
 * @name: in the table
 * @cast: how many programs
 * @direct: says what each of them does, in a file of @pages
 */
struct scene {
	const char *name;
	unsigned int cast;
	void (*direct)(struct actor *actors, uint32_t pages);
};

extern const struct scene scenes[];

/** scene_find() - by its name; there is one */
const struct scene *scene_find(const char *name);

/**
 * scene_play() - run the programs of a scene on a file, and count
 * @scene: what they do
 * @target: the file, which they map themselves
 * @read: how many pages the file's device was asked to read meanwhile
 * @accesses: how many accesses to pages that was for
 *
 * Each program is a process.  They keep step: how often one of them accesses memory while another
 * does so once is the same, however fast either is served.
 */
void scene_play(const struct scene *scene, const struct target *target, uint64_t *read,
		uint64_t *accesses);

#endif
