// SPDX-License-Identifier: GPL-2.0-only
/* framepool doctor: looks at everything that can be wrong or slow, and says what to do about it. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd.h"
#include "debugfs.h"
#include "terminal.h"
#include "text.h"

static const char doctor_help[] =
	"usage: framepool doctor [--json]\n"
	"\n"
	"Look at the kernel, the module, your rights, the pools and the spaces; say what is\n"
	"wrong or slow, why, and what to do about it. Changes nothing.\n"
	"\n"
	"Exit status: 0 nothing is wrong (something may be slow), 1 something is wrong,\n"
	"3 the module is not loaded, 4 no right to it.\n"
	"\n"
	"  -j, --json   for programs: an array of \"level\", \"about\" and \"text\"\n"
	"  -h, --help   this\n";

enum level { LEVEL_OK, LEVEL_NOTE, LEVEL_SLOW, LEVEL_WRONG };

struct doctor {
	struct json *json; /* NULL: for people */
	bool colour, wrong;
};

static void finding(struct doctor *d, enum level level, const char *about, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void finding(struct doctor *d, enum level level, const char *about, const char *format, ...)
{
	static const char *const names[] = { "ok", "note", "slow", "wrong" };
	static const char *const colours[] = { "\033[32m", "\033[36m", "\033[33m", "\033[31m" };
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	d->wrong |= level == LEVEL_WRONG;
	if (!d->json) {
		printf("%s%-6s%s %s: %s\n", d->colour ? colours[level] : "", names[level],
		       d->colour ? "\033[0m" : "", about, text);
		return;
	}
	json_open(d->json, NULL, '{');
	json_string(d->json, "level", names[level]);
	json_string(d->json, "about", about);
	json_string(d->json, "text", text);
	json_close(d->json, '}');
}

/* The first line of a small file, without its newline; "" where there is none. */
static void read_line(const char *path, char *line, size_t size)
{
	FILE *in = fopen(path, "re");

	line[0] = '\0';
	if (!in)
		return;
	if (!fgets(line, size, in))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(in);
}

static void look_at_kernel(struct doctor *d)
{
	struct utsname name;
	char lockdown[64];
	unsigned int major, minor;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return;
	if (strcmp(name.machine, "x86_64"))
		finding(d, LEVEL_WRONG, "kernel", "%s is not supported. Use x86-64.", name.machine);
	else if (major == 6 && (minor == 1 || minor == 12))
		finding(d, LEVEL_OK, "kernel", "Linux %s is one that is tested", name.release);
	else
		finding(d, LEVEL_NOTE, "kernel",
			"Linux %s is not tested, 6.1 and 6.12 are. Run the tests of the source "
			"before you trust it.", name.release);
	read_line("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
	if (strstr(lockdown, "[integrity]") || strstr(lockdown, "[confidentiality]"))
		finding(d, LEVEL_NOTE, "kernel",
			"it is locked down (Secure Boot): only signed modules load, and map, walk "
			"and buddy show nothing. See framepool(7), SECURE BOOT.");
}

static bool look_at_module(struct doctor *d)
{
	if (module_loaded()) {
		finding(d, LEVEL_OK, "module", "it is loaded");
		return true;
	}
	if (!access("/sys/module/framepool", F_OK))
		finding(d, LEVEL_WRONG, "module",
			"it is loaded, but " FRAMEPOOL_CONTROL " is missing. Is devtmpfs mounted "
			"on /dev?");
	else
		finding(d, LEVEL_WRONG, "module",
			"it is not loaded. Load it: modprobe framepool (or insmod framepool.ko "
			"size=512M); dmesg says why if it refuses.");
	return false;
}

static void look_at_memlock(struct doctor *d)
{
	struct rlimit limit;
	char bytes[NUMBER_SIZE];

	if (!geteuid() || getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return;
	finding(d, LEVEL_NOTE, "pins",
		"you may pin %s (ulimit -l). Raise memlock in /etc/security/limits.conf for more.",
		text_bytes(bytes, limit.rlim_cur));
}

static void look_at_debugfs(struct doctor *d)
{
	if (geteuid())
		finding(d, LEVEL_NOTE, "debugfs", "map, walk and buddy need root");
	else if (access(DEBUGFS, F_OK))
		finding(d, LEVEL_NOTE, "debugfs",
			"it is not there: map, walk and buddy show nothing. "
			"mount -t debugfs none /sys/kernel/debug");
}

/* Is one number a notable part of another one? */
static bool part_of(uint64_t part, uint64_t whole, unsigned int percent)
{
	return whole && part * 100.0 >= (double)whole * percent;
}

static void look_at_pool_memory(struct doctor *d, const struct framepool_pool *p, const char *about)
{
	char bytes[NUMBER_SIZE];

	/* Only administrators are told where. */
	if (p->base)
		finding(d, LEVEL_OK, about, "%s, contiguous at %#llx-%#llx on node %d",
			text_bytes(bytes, p->bytes), (unsigned long long)p->base,
			(unsigned long long)(p->base + p->bytes - 1), p->node);
	else
		finding(d, LEVEL_OK, about, "%s, contiguous, on node %d",
			text_bytes(bytes, p->bytes), p->node);
	if (p->resident_max > p->bound)
		finding(d, LEVEL_WRONG, about, "its bound was exceeded. Report this as a bug.");
	if (p->starved)
		finding(d, LEVEL_WRONG, about,
			"%llu faults found no frame in time and ended in SIGBUS: everything was "
			"pinned, held, or could not be written. Pin less, or take a larger pool.",
			(unsigned long long)p->starved);
	if (p->fill_errors || p->write_errors)
		finding(d, LEVEL_WRONG, about,
			"%llu pages could not be read and %llu not be written. dmesg and "
			"'framepool stat NAME' tell which.",
			(unsigned long long)p->fill_errors, (unsigned long long)p->write_errors);
}

static void look_at_pool_speed(struct doctor *d, const struct framepool_pool *p, const char *about)
{
	if (part_of(p->refaults, p->fills, 20) && p->fills > p->bound)
		finding(d, LEVEL_SLOW, about,
			"%.0f %% of the pages that were read had been in memory shortly before: "
			"the working set is larger than the pool. Take a larger one, or pin what "
			"is hot.", 100.0 * p->refaults / p->fills);
	if (part_of(p->direct_reclaims, p->major_faults, 10))
		finding(d, LEVEL_SLOW, about,
			"%.0f %% of the major faults had to evict for themselves: the pool's "
			"thread does not keep up. A faster backing device or fewer stores help.",
			100.0 * p->direct_reclaims / p->major_faults);
	if (part_of(p->frame_waits, p->major_faults, 5))
		finding(d, LEVEL_SLOW, about,
			"%.0f %% of the major faults waited for a frame: dirty pages are written "
			"more slowly than they are made. Call msync earlier, or take a faster "
			"device.", 100.0 * p->frame_waits / p->major_faults);
	if (p->free && p->fragmentation[2] > 500)
		finding(d, LEVEL_SLOW, about,
			"%u %% of what is free lies in pieces smaller than 16 KiB: large blocks "
			"shrink when they are read. 'framepool buddy' shows it; 'framepool evict' "
			"of a space that rests mends it.", p->fragmentation[2] / 10);
}

static void look_at_pool(struct doctor *d, const struct framepool_pool *pool)
{
	char about[FRAMEPOOL_NAME_SIZE + 8];

	snprintf(about, sizeof(about), "pool %s", pool->name);
	look_at_pool_memory(d, pool, about);
	look_at_pool_speed(d, pool, about);
}

static void look_at_space(struct doctor *d, const struct framepool_space *s)
{
	char about[FRAMEPOOL_NAME_SIZE + 16];

	snprintf(about, sizeof(about), "space %s", s->name);
	if (!s->name[0])
		snprintf(about, sizeof(about), "space (%u)", s->space);
	if (s->state & FRAMEPOOL_SPACE_ORPHAN)
		finding(d, LEVEL_WRONG, about,
			"it is an orphan: its users are gone and its pages cannot be written. Mend "
			"the device or make room; it is tried again every second.");
	if (s->write_error)
		finding(d, LEVEL_WRONG, about, "pages could not be written (%s). Nothing is lost "
			"yet; 'framepool stat' of it tells where.", strerror(s->write_error));
	if (!(s->state & FRAMEPOOL_SPACE_DIRECT_IO))
		finding(d, LEVEL_SLOW, about,
			"its file system has no direct I/O that the pool can use: each page is "
			"copied by way of the page cache. ext4, xfs and block devices have it.");
	if (s->block_type == FRAMEPOOL_BLOCK_1 && s->fills > 4096 &&
	    part_of(s->fills, s->resident + s->evictions, 90) &&
	    !part_of(s->refaults, s->fills, 20))
		finding(d, LEVEL_NOTE, about,
			"pages are read one at a time. If it is read from one end to the other, "
			"attach it with --block auto.");
}

static int look_at_all(struct doctor *d)
{
	struct framepool_space space;
	struct framepool_pool pool;
	int control = framepool_open(), pools = 0, got;

	if (control < 0) {
		finding(d, LEVEL_WRONG, "rights",
			"you may not open " FRAMEPOOL_CONTROL " (%s). Run it as root, or join the "
			"group framepool.", strerror(-control));
		return EXIT_NO_RIGHT;
	}
	finding(d, LEVEL_OK, "rights", "you may attach files");
	FRAMEPOOL_INIT(&pool);
	for (; (got = framepool_next_pool(control, &pool)) > 0; pools++)
		look_at_pool(d, &pool);
	if (!pools && !got)
		finding(d, LEVEL_NOTE, "pools",
			"there is none. framepool pool create NAME --size 512M");
	FRAMEPOOL_INIT(&space);
	while (got >= 0 && (got = framepool_next_space(control, &space)) > 0)
		look_at_space(d, &space);
	close(control);
	return got ? fail("look at", "the pools and spaces", got, NULL) : EXIT_OK;
}

static int diagnose(struct doctor *d)
{
	int status;

	look_at_kernel(d);
	if (!look_at_module(d))
		return EXIT_NO_MODULE;
	status = look_at_all(d);
	look_at_debugfs(d);
	look_at_memlock(d);
	return status ? status : d->wrong ? EXIT_FAILED : EXIT_OK;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct json writer = { .out = stdout, .first = true };
	struct doctor d = { .colour = terminal_colour() };
	int option, status;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(doctor_help);
		if (option != 'j')
			return usage_hint();
		d.json = &writer;
	}
	if (optind != argc)
		return usage_error("doctor takes no argument");
	if (d.json)
		json_open(&writer, NULL, '[');
	status = diagnose(&d);
	if (d.json)
		json_close(&writer, ']');
	return status;
}
