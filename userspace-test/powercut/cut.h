/* SPDX-License-Identifier: GPL-2.0-only */
/* What the guest's parts of the power cuts share: the host, contents that prove themselves, spaces. */
#ifndef POWERCUT_CUT_H
#define POWERCUT_CUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE		4096UL
#define WORDS		(PAGE / sizeof(uint64_t))
#define RELEASED	UINT32_MAX	/* in the file of promises: not a page but what was released */

/* A file or a disk on which promises are kept. */
struct place {
	const char *name;
	const char *path;
	unsigned int number;
	bool direct;		/* past the file system */
	int space;
	uint8_t *map;
};

extern uint64_t seed;
extern uint32_t this_round;

void tell_begin(int port);
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tell_line(const char *line, size_t length);
void die(const char *what, const char *name) __attribute__((noreturn));

uint64_t mix(uint64_t x);
uint64_t random_below(uint64_t *state, uint64_t n);
uint64_t page_key(const struct place *at, uint32_t page);
uint64_t word(uint64_t key, unsigned int i, uint32_t version);

void place_prepare(const struct place *at, uint32_t pages, bool empty);
void place_attach(struct place *at, uint32_t pages);

#endif /* POWERCUT_CUT_H */
