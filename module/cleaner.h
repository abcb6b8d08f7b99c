/* SPDX-License-Identifier: GPL-2.0-only */
/* The cleaner: what is stored reaches the file though nobody asks for it. */
#ifndef FPOOL_CLEANER_H
#define FPOOL_CLEANER_H

#include "space.h"

/* A parameter of the module: clean_ms of pools that are made from now on. */
extern unsigned int fpool_cleaner_ms;

void fpool_cleaner_start(struct fpool_pool *pool);
void fpool_cleaner_hurry(struct fpool_space *space);
void fpool_cleaner_set(struct fpool_pool *pool, unsigned int ms);
void fpool_cleaner_stop(struct fpool_pool *pool);
int fpool_cleaner_init(void);
void fpool_cleaner_exit(void);

#endif /* FPOOL_CLEANER_H */
