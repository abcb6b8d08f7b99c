/* SPDX-License-Identifier: GPL-2.0-only */
/* Spaces, pools and working sets, shown: their fields for people and for programs. */
#ifndef FRAMEPOOL_COUNTERS_H
#define FRAMEPOOL_COUNTERS_H

#include "../lib/framepool.h"
#include "text.h"

void show_space(const struct framepool_space *space);
void show_errors(const struct framepool_errors *errors);
void show_pool(const struct framepool_pool *pool);
void json_space(struct json *j, const struct framepool_space *space);
void json_pool(struct json *j, const struct framepool_pool *pool);
/* In frames, as the module has it. */
void json_wset(struct json *j, const struct framepool_wset *wset);

/* The same within an object that has others, too. */
void json_space_fields(struct json *j, const struct framepool_space *space);
void json_pool_fields(struct json *j, const struct framepool_pool *pool);
void json_wset_fields(struct json *j, const struct framepool_wset *wset);

/* The two arrays by order, as in json_pool(). */
void json_pool_orders(struct json *j, const struct framepool_pool *pool);

#endif /* FRAMEPOOL_COUNTERS_H */
