// SPDX-License-Identifier: GPL-2.0-only
/* framepool trace: which pages programs use. */
#include <string.h>

#include "cmd.h"
#include "trace.h"

static const char trace_help[] =
	"usage: framepool trace record NAME... -o FILE [options] [-- PROGRAM ...]\n"
	"       framepool trace report FILE [--sizes LIST] [--json]\n"
	"\n"
	"Record which pages of spaces are used, and say what other pools would miss of it.\n"
	"\n"
	"  --output --pool --interval --seconds --sizes --json: see 'framepool trace\n"
	"  record --help' and 'framepool trace report --help'\n";

int cmd_trace(int argc, char **argv)
{
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return help(trace_help);
	if (argc > 1 && !strcmp(argv[1], "record")) {
		argv[1] = argv[0];
		return trace_record(argc - 1, argv + 1);
	}
	if (argc > 1 && !strcmp(argv[1], "report")) {
		argv[1] = argv[0];
		return trace_report(argc - 1, argv + 1);
	}
	return usage_error("trace takes record or report");
}
