/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the hostile programs share, beyond test.h: others who want the frames at the same time, and
 * a look at the pools' invariants after every test.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include "test.h"

#include <pthread.h>

#define RW	(PROT_READ | PROT_WRITE)

/* The module checks its own invariants in every pool; also(), if any, goes first. */
int torture_main(int argc, char **argv, const struct test *tests, size_t nr, void (*also)(void));

/* A thread that walks over a file larger than the pool, so that everything else has to leave. */
void pressure_start(u64 pages);
void pressure_stop(void);

/* A thread that asks for the eviction of a whole space again and again. */
void evictor_start(int fd);
void evictor_stop(void);

/* A page of this number in which each word is of one of the versions [old, new]. */
bool page_among(const void *page, u64 vpn, u64 old, u64 new);
bool page_among_zeros(const void *page, u64 vpn, u64 old, u64 new);	/* or is zero */

int direct_open(const char *path);	/* with O_DIRECT where there is such a thing */
void spread(const void *mem, u64 pages);	/* load one byte of each page */

/*
 * Frames that hold a secret, freed: whoever sees these words has been shown memory of others.
 */
void secret_leave(u64 pages);
bool secret_in(const void *mem, size_t len);
u64 secret_words(const void *mem, size_t len);	/* aligned; a program that looks has some, too */

#endif /* TORTURE_H */
