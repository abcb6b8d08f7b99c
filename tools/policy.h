/* SPDX-License-Identifier: GPL-2.0-only */
/* Which replacement policies the module has: what it lists in sysfs for each of its pools. */
#ifndef FRAMEPOOL_TOOLS_POLICY_H
#define FRAMEPOOL_TOOLS_POLICY_H

#include <stdbool.h>

#define POLICIES_SIZE 256

/* "[tenure] clock", of a pool; "" where that cannot be read. */
void policy_read(const char *pool, char all[POLICIES_SIZE]);

/* The next of the names, without brackets; NULL after the last. *@rest begins as what was read. */
char *policy_next(char **rest);

/* That there is no such policy, for a struct reason: what is wrong, and which there are. */
struct policy_unknown {
	char what[64], next[POLICIES_SIZE + 32];
};

/*
 * Whether the module has no policy of this name, as far as it can be asked: without a pool it lists
 * none. @why is filled in in any case.
 */
bool policy_unknown(int control, const char *name, struct policy_unknown *why);

#endif /* FRAMEPOOL_TOOLS_POLICY_H */
