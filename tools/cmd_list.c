// SPDX-License-Identifier: GPL-2.0-only
/* framepool list */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "counters.h"
#include "text.h"

static const char list_help[] =
	"usage: framepool list [--json]\n"
	"\n"
	"List what is attached. RESIDENT is what of it is in memory now, DIRTY what is\n"
	"known to await writing, '-' where a space is another user's, BLK how many pages\n"
	"are fetched together. A space without a name belongs to programs that attached\n"
	"the file by the library.\n"
	"\n"
	"  -j, --json   for programs; the fields of 'framepool stat --json'\n"
	"  -h, --help   this\n";

static void row(const struct framepool_space *s)
{
	char bytes[NUMBER_SIZE], resident[NUMBER_SIZE] = "-", dirty[NUMBER_SIZE] = "-";
	char id[NUMBER_SIZE];

	if (!(s->state & FRAMEPOOL_SPACE_HIDDEN)) {
		text_bytes(resident, s->resident * PAGE_BYTES);
		text_bytes(dirty, s->dirty * PAGE_BYTES);
	}
	snprintf(id, sizeof(id), "(space %u)", s->space);
	printf("%-20s %-10s %10s %10s %10s %5u %4s  %s%s%s\n", s->name[0] ? s->name : id, s->pool,
	       text_bytes(bytes, s->bytes), resident, dirty, s->opens, block_name(s->block_type),
	       s->state & FRAMEPOOL_SPACE_WRITABLE ? "rw" : "ro",
	       s->state & FRAMEPOOL_SPACE_ORPHAN ? ",orphan" : "",
	       s->write_error ? ",write-error" : "");
}

int cmd_list(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct json j = { .out = stdout, .first = true };
	struct framepool_space space;
	int option, control, got, status = EXIT_OK;
	bool json = false, header = false;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(list_help);
		if (option != 'j')
			return usage_hint();
		json = true;
	}
	if (optind != argc)
		return usage_error("list takes no argument; 'framepool stat NAME' shows one space");
	control = control_open(&status);
	if (control < 0)
		return status;
	if (json)
		json_open(&j, NULL, '[');
	FRAMEPOOL_INIT(&space);
	while ((got = framepool_next_space(control, &space)) > 0) {
		if (json) {
			json_space(&j, &space);
			continue;
		}
		if (!header)
			printf("%-20s %-10s %10s %10s %10s %5s %4s  %s\n", "NAME", "POOL", "SIZE",
			       "RESIDENT", "DIRTY", "OPENS", "BLK", "STATE");
		header = true;
		row(&space);
	}
	if (json)
		json_close(&j, ']');
	if (got < 0)
		status = fail("list", "the spaces", got, NULL);
	close(control);
	return status;
}
