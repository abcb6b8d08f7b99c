// SPDX-License-Identifier: GPL-2.0-only
/* framepool pool create, destroy, list */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "counters.h"
#include "text.h"

#define REGION_UNIT (2ULL << 20)

static const char pool_help[] =
	"usage: framepool pool create NAME --size SIZE [--base ADDRESS] [--node N]\n"
	"                             [--policy POLICY] [--working-sets on|off]\n"
	"       framepool pool destroy NAME\n"
	"       framepool pool list [--json]\n"
	"\n"
	"A pool is a region of physical memory that is reserved as a whole. 'default' is\n"
	"made when the module is loaded.\n"
	"\n"
	"  -s, --size SIZE       of the region: K, M, G, T as suffixes; a multiple of 2M\n"
	"  -b, --base ADDRESS    physical address of memory hidden with memmap= on the\n"
	"                        kernel's command line\n"
	"  -N, --node N          NUMA node (default: any)\n"
	"  -P, --policy POLICY   how victims are chosen (default: the module's)\n"
	"  -w, --working-sets on|off  whether each process that maps something has a working\n"
	"                        set of its own (default: on), or all are one\n"
	"  -j, --json            for programs\n"
	"  -h, --help            this\n";

struct pool_options {
	struct framepool_pool_create create;
	bool json, create_only;
};

/* False: an error was printed. */
static bool pool_option(struct pool_options *o, int option, const char *value)
{
	uint64_t node;

	o->create_only |= option != 'j';
	switch (option) {
	case 's':
		if (!parse_bytes(value, &o->create.bytes) || !o->create.bytes ||
		    o->create.bytes % REGION_UNIT)
			return usage_error("'%s' is no size of a region, such as 512M", value),
			       false;
		return true;
	case 'b':
		if (!parse_bytes(value, &o->create.base) || o->create.base % REGION_UNIT)
			return usage_error("'%s' is no base of a region, such as 4G", value), false;
		return true;
	case 'N':
		if (!parse_number(value, 10, INT32_MAX, &node))
			return usage_error("'%s' is no NUMA node", value), false;
		o->create.node = node;
		return true;
	case 'P':
		if (strlen(value) >= sizeof(o->create.policy))
			return usage_error("there is no policy '%s'", value), false;
		snprintf(o->create.policy, sizeof(o->create.policy), "%s", value);
		return true;
	case 'w':
		if (strcmp(value, "on") && strcmp(value, "off"))
			return usage_error("working sets are on or off, not '%s'", value), false;
		o->create.flags = strcmp(value, "on") ? FRAMEPOOL_POOL_ONE_SET : 0;
		return true;
	case 'j':
		o->json = true;
		return true;
	default:
		return usage_hint(), false;
	}
}

static int pool_create(int control, struct framepool_pool_create *create)
{
	static const struct reason reasons[] = {
		{ EPERM, "it takes CAP_SYS_ADMIN", "Run it as root." },
		{ EINVAL, "the module refused the size, the base, the node or the policy",
		  "Sizes and bases are multiples of 2M; the kernel's log (dmesg) tells more." },
		{ ERANGE, "it is larger than the memory there is", "Take a smaller --size." },
		{ EEXIST, "the name is in use",
		  "Take another one; 'framepool pool list' shows them." },
		{ ENOMEM, "no contiguous memory of this size is free",
		  "Take a smaller one, or hide memory at boot with memmap= and give --base." },
		{ EBUSY, "the kernel uses the memory at this base",
		  "Hide it at boot with memmap= first." },
		{ }
	};
	int err = framepool_pool_create(control, create);

	return err ? fail("create pool", create->name, err, reasons) : EXIT_OK;
}

static int pool_destroy(int control, const char *name)
{
	static const struct reason reasons[] = {
		{ EPERM, "it takes CAP_SYS_ADMIN", "Run it as root." },
		{ ENOENT, "there is no such pool", "See 'framepool pool list'." },
		{ EBUSY, "files are attached to it",
		  "Detach them first; 'framepool list' shows them." },
		{ EINVAL, "this can be no name of a pool", "See 'framepool pool list'." },
		{ }
	};
	int err = framepool_pool_destroy(control, name);

	return err ? fail("destroy pool", name, err, reasons) : EXIT_OK;
}

static void row(const struct framepool_pool *p)
{
	char bytes[NUMBER_SIZE], free[NUMBER_SIZE], resident[NUMBER_SIZE], max[NUMBER_SIZE],
		bound[NUMBER_SIZE];

	printf("%-16s %10s %10s %10s %10s %10s %6u  %-4s  %s\n", p->name, text_bytes(bytes, p->bytes),
	       text_bytes(free, p->free * PAGE_BYTES),
	       text_bytes(resident, p->resident * PAGE_BYTES),
	       text_bytes(max, p->resident_max * PAGE_BYTES),
	       text_bytes(bound, p->bound * PAGE_BYTES), p->spaces,
	       p->state & FRAMEPOOL_POOL_ONE_SET ? "off" : "on", p->policy);
}

static int pool_list(int control, bool json)
{
	struct json j = { .out = stdout, .first = true };
	struct framepool_pool pool;
	int got;

	if (json)
		json_open(&j, NULL, '[');
	else
		printf("%-16s %10s %10s %10s %10s %10s %6s  %-4s  %s\n", "POOL", "SIZE", "FREE",
		       "RESIDENT", "AT MOST", "BOUND", "SPACES", "SETS", "POLICY");
	FRAMEPOOL_INIT(&pool);
	while ((got = framepool_next_pool(control, &pool)) > 0)
		json ? json_pool(&j, &pool) : row(&pool);
	if (json)
		json_close(&j, ']');
	return got ? fail("list", "the pools", got, NULL) : EXIT_OK;
}

/* What is wrong with the words after 'pool', if anything. */
static int check_words(const char *verb, int argc, char **argv, const struct pool_options *o)
{
	bool create = !strcmp(verb, "create"), list = !strcmp(verb, "list");

	if (!create && !list && strcmp(verb, "destroy"))
		return usage_error("pool has no command '%s': create, destroy or list", verb);
	if (argc != (list ? 0 : 1))
		return usage_error("pool %s takes %s", verb, list ? "no argument" : "one NAME");
	if (!list && !framepool_name_valid(argv[0]))
		return usage_error(NO_NAME, argv[0]);
	if (create && !o->create.bytes)
		return usage_error("pool create needs a --size");
	if ((o->create_only && !create) || (o->json && !list))
		return usage_error("pool %s does not take this option", verb);
	return EXIT_OK;
}

static int run(const char *verb, const char *name, struct pool_options *o)
{
	int control, status = EXIT_OK;

	control = control_open(&status);
	if (control < 0)
		return status;
	if (!strcmp(verb, "list")) {
		status = pool_list(control, o->json);
	} else if (!strcmp(verb, "destroy")) {
		status = pool_destroy(control, name);
	} else {
		snprintf(o->create.name, sizeof(o->create.name), "%s", name);
		status = pool_create(control, &o->create);
	}
	close(control);
	return status;
}

int cmd_pool(int argc, char **argv)
{
	static const struct option options[] = {
		{ "size", required_argument, NULL, 's' },
		{ "base", required_argument, NULL, 'b' },
		{ "node", required_argument, NULL, 'N' },
		{ "policy", required_argument, NULL, 'P' },
		{ "working-sets", required_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct pool_options o = { 0 };
	int option, status;

	FRAMEPOOL_INIT(&o.create);
	o.create.node = -1;
	while ((option = getopt_long(argc, argv, "s:b:N:P:w:jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(pool_help);
		if (!pool_option(&o, option, optarg))
			return EXIT_USAGE;
	}
	if (optind == argc)
		return usage_error("pool needs a command: create, destroy or list");
	status = check_words(argv[optind], argc - optind - 1, argv + optind + 1, &o);
	return status ? status : run(argv[optind], argv[optind + 1], &o);
}
