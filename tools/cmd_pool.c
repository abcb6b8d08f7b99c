// SPDX-License-Identifier: GPL-2.0-only
/* framepool pool create, destroy, list */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "counters.h"
#include "policy.h"
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
	const char *policy;
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
		o->policy = value;
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

#define NODES "/sys/devices/system/node"

/* Whether there is no such NUMA node: then @next, of @size bytes, says which there are. */
static bool node_unknown(int node, char *next, size_t size)
{
	char path[64], online[32] = "0";
	FILE *file;

	snprintf(path, sizeof(path), NODES "/node%d", node);
	if (node < 0 || !access(path, F_OK))
		return false;
	file = fopen(NODES "/online", "re");
	if (file) {
		if (!fgets(online, sizeof(online), file))
			online[0] = '\0';
		fclose(file);
	}
	snprintf(next, size, "The nodes are %s.", strtok(online, "\n") ? online : "0");
	return true;
}

/* What the module can refuse that was not seen to be wrong before. */
static int explain_invalid(int control, const struct pool_options *o)
{
	struct policy_unknown unknown;
	char next[64];
	struct reason reasons[] = {
		{ EINVAL, "there is no such NUMA node", next },
		{ }
	};

	if (!node_unknown(o->create.node, next, sizeof(next))) {
		reasons[0] = (struct reason){ EINVAL, unknown.what, unknown.next };
		if (!o->policy || !policy_unknown(control, o->policy, &unknown))
			reasons[0].error = 0;
	}
	return fail("create pool", o->create.name, EINVAL, reasons);
}

static bool overlaps(const struct framepool_pool_create *create, uint64_t first, uint64_t end)
{
	return create->base < end && first < create->base + create->bytes;
}

/* Whether the kernel has some of the memory for itself. */
static bool is_system_ram(const struct framepool_pool_create *create)
{
	FILE *file = fopen("/proc/iomem", "re");
	unsigned long long first, last;
	bool found = false;
	char line[128];

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%llx-%llx", &first, &last) == 2 &&
			strstr(line, "System RAM") && overlaps(create, first, last + 1);
	if (file)
		fclose(file);
	return found;
}

/* Why the memory at a base cannot be had. */
static int explain_base(int control, const struct framepool_pool_create *create)
{
	char what[64 + FRAMEPOOL_NAME_SIZE];
	struct reason reasons[] = {
		{ EBUSY, "there is no free memory at this base, or not as much as this",
		  "See what the kernel's command line hides with memmap=, and /proc/iomem." },
		{ }
	};
	struct framepool_pool pool;

	if (is_system_ram(create)) {
		reasons[0].what = "the kernel uses the memory at this base";
		reasons[0].next = "Hide it at boot with memmap= first.";
	}
	FRAMEPOOL_INIT(&pool);
	while (framepool_next_pool(control, &pool) > 0) {
		if (!overlaps(create, pool.base, pool.base + pool.bytes))
			continue;
		snprintf(what, sizeof(what), "pool %s has the memory at this base", pool.name);
		reasons[0].what = what;
		reasons[0].next = "Take another --base; 'framepool stat' shows theirs.";
	}
	return fail("create pool", create->name, EBUSY, reasons);
}

static int pool_create(int control, struct pool_options *o)
{
	const struct reason reasons[] = {
		{ EPERM, "it takes CAP_SYS_ADMIN", "Run it as root." },
		{ ERANGE, "it is larger than the memory there is", "Take a smaller --size." },
		{ EEXIST, "the name is in use",
		  "Take another one; 'framepool pool list' shows them." },
		{ ENOMEM, o->create.base ? "the kernel has no memory for what it notes of it" :
					   "no contiguous memory of this size is free",
		  o->create.base ? "Take a smaller --size." :
		  "Take a smaller one, or hide memory at boot with memmap= and give --base." },
		{ }
	};
	size_t length = o->policy ? strlen(o->policy) : 0;
	int err;

	/* "" would be the default one. */
	if (o->policy && (!length || length >= sizeof(o->create.policy)))
		return explain_invalid(control, o);
	snprintf(o->create.policy, sizeof(o->create.policy), "%s", o->policy ? o->policy : "");
	err = framepool_pool_create(control, &o->create);
	if (err == -EINVAL)
		return explain_invalid(control, o);
	if (err == -EBUSY)
		return explain_base(control, &o->create);
	return err ? fail("create pool", o->create.name, err, reasons) : EXIT_OK;
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
	if (o->create.base + o->create.bytes < o->create.base)
		return usage_error("a region of this size does not end at this base");
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
		status = pool_create(control, o);
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
