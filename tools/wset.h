/* SPDX-License-Identifier: GPL-2.0-only */
/* Setting the limits of working sets: what `wset` and `top` share. */
#ifndef FRAMEPOOL_WSET_H
#define FRAMEPOOL_WSET_H

#include "cmd.h"

/* In bytes; what is NULL stays as it is. */
struct wset_limits {
	const char *pool; /* NULL: the default one */
	int pid;
	const __u64 *min, *max;
};

/* Why limits could not be set: one error and its reason, for fail(). */
struct wset_why {
	int error;
	struct reason reasons[2];
	char what[256], next[128];
};

/* 0 or -errno, and then nothing has changed, and @why says why. */
int wset_limit(int control, const struct wset_limits *l, struct wset_why *why);

/* For who has looked at the set before: why the errno is so, or -ESRCH: it is another one now. */
void wset_explain(int control, const struct wset_limits *l, int error, struct wset_why *why);

#endif /* FRAMEPOOL_WSET_H */
