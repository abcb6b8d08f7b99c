// SPDX-License-Identifier: GPL-2.0-only
/* framepool policy */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "policy.h"
#include "text.h"

static const char policy_help[] =
	"usage: framepool policy [POOL [NAME]] [--json]\n"
	"\n"
	"Show by which policy the pools choose the pages that leave, and which others\n"
	"there are; with NAME, replace that of POOL. The pool goes on working, and no page\n"
	"leaves for it.\n"
	"\n"
	"  -j, --json   for programs\n"
	"  -h, --help   this\n";

static void show(const struct framepool_pool *pool)
{
	char all[POLICIES_SIZE], *rest = all, *name;
	const char *between = "";

	policy_read(pool->name, all);
	printf("%-16s %-10s ", pool->name, pool->policy);
	while ((name = policy_next(&rest))) {
		if (!strcmp(name, pool->policy))
			continue;
		printf("%s%s", between, name);
		between = " ";
	}
	putchar('\n');
}

static void show_json(struct json *j, const struct framepool_pool *pool)
{
	char all[POLICIES_SIZE], *rest = all, *name;

	policy_read(pool->name, all);
	json_open(j, NULL, '{');
	json_string(j, "name", pool->name);
	json_string(j, "policy", pool->policy);
	json_open(j, "policies", '[');
	while ((name = policy_next(&rest)))
		json_string(j, NULL, name);
	json_close(j, ']');
	json_close(j, '}');
}

/* All pools, or the one of this name. */
static int list(int control, const char *only, bool json)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such pool", "See 'framepool pool list'." },
		{ }
	};
	struct json j = { .out = stdout, .first = true };
	struct framepool_pool pool;
	bool any = false;
	int got;

	FRAMEPOOL_INIT(&pool);
	while ((got = framepool_next_pool(control, &pool)) > 0) {
		if (only && strcmp(only, pool.name))
			continue;
		if (!any && json)
			json_open(&j, NULL, '[');
		else if (!any)
			printf("%-16s %-10s %s\n", "POOL", "POLICY", "OTHERS");
		any = true;
		json ? show_json(&j, &pool) : show(&pool);
	}
	if (any && json)
		json_close(&j, ']');
	if (got < 0)
		return fail("list", "the pools", got, NULL);
	return any || !only ? EXIT_OK : fail("show the policy of", only, ENOENT, reasons);
}

static int set(int control, const char *pool, const char *policy)
{
	struct policy_unknown unknown;
	const struct reason reasons[] = {
		{ EPERM, "it takes CAP_SYS_ADMIN", "Run it as root." },
		{ ENOENT, "there is no such pool", "See 'framepool pool list'." },
		{ EINVAL, unknown.what, unknown.next },
		{ }
	};
	int err = framepool_pool_set_policy(control, pool, policy);

	if (!err)
		return EXIT_OK;
	policy_unknown(control, policy, &unknown);
	return fail("set the policy of", pool, err, reasons);
}

int cmd_policy(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int option, control, status = EXIT_OK;
	bool json = false;
	char *pool;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(policy_help);
		if (option != 'j')
			return usage_hint();
		json = true;
	}
	if (argc - optind > 2)
		return usage_error("policy takes a POOL and a NAME at most");
	pool = argv[optind];
	if (pool && !framepool_name_valid(pool))
		return usage_error(NO_NAME, pool);
	control = control_open(&status);
	if (control < 0)
		return status;
	if (argc - optind == 2)
		status = set(control, pool, argv[optind + 1]);
	if (!status && (argc - optind < 2 || json))
		status = list(control, pool, json);
	close(control);
	return status;
}
