// SPDX-License-Identifier: GPL-2.0-only
/* What the module shows of a pool in debugfs, to root alone. */
#include <errno.h>

#include "cmd.h"
#include "debugfs.h"

FILE *debugfs_open(const char *pool, const char *file, const char *mode, const char *verb,
		   int *status)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such pool, or debugfs is not mounted",
		  "See 'framepool pool list', and mount -t debugfs none /sys/kernel/debug." },
		{ EACCES, "debugfs is for root alone", "Run it as root." },
		{ EPERM, "the kernel is locked down",
		  "It cannot be looked at here; 'framepool stat' works." },
		{ }
	};
	char path[sizeof(DEBUGFS "/") + FRAMEPOOL_NAME_SIZE + 32];
	FILE *stream;

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", pool, file);
	stream = fopen(path, mode);
	if (stream)
		return stream;
	*status = errno;
	/* Without the module there is no pool: that is then the better answer. */
	if (*status == ENOENT && !module_loaded()) {
		control_open(status);
		return NULL;
	}
	*status = fail(verb, pool, *status, reasons);
	return NULL;
}
