// SPDX-License-Identifier: GPL-2.0-only
/* Which replacement policies the module has. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "policy.h"

void policy_read(const char *pool, char all[POLICIES_SIZE])
{
	char path[sizeof("/sys/kernel/framepool//policy") + FRAMEPOOL_NAME_SIZE];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/framepool/%s/policy", pool);
	file = fopen(path, "re");
	if (!file || !fgets(all, POLICIES_SIZE, file))
		all[0] = '\0';
	if (file)
		fclose(file);
}

char *policy_next(char **rest)
{
	return strtok_r(NULL, " []\n", rest);
}

/* All pools have the same. */
static void read_any(int control, char all[POLICIES_SIZE])
{
	struct framepool_pool pool;

	all[0] = '\0';
	FRAMEPOOL_INIT(&pool);
	while (!*all && framepool_next_pool(control, &pool) > 0)
		policy_read(pool.name, all);
}

bool policy_unknown(int control, const char *name, struct policy_unknown *why)
{
	char all[POLICIES_SIZE], *rest = all, *one;
	bool listed = false;

	snprintf(why->what, sizeof(why->what), "there is no policy '%.32s'", name);
	why->next[0] = '\0';
	read_any(control, all);
	while ((one = policy_next(&rest))) {
		listed |= !strcmp(one, name);
		snprintf(why->next + strlen(why->next), sizeof(why->next) - strlen(why->next),
			 "%s%s", *why->next ? ", " : "There are ", one);
	}
	strcat(why->next, *why->next ? "." : "'modinfo framepool' lists them.");
	return !listed;
}
