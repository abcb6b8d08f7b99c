// SPDX-License-Identifier: GPL-2.0-only
/*
 * framepool detach. The kernel writes everything back in one call, which goes on without us if we
 * are ended in the middle.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "progress.h"
#include "watch.h"

static const char detach_help[] =
	"usage: framepool detach NAME...\n"
	"\n"
	"Write everything back and remove /dev/framepool/NAME. Refused while a program\n"
	"has it open or mapped.\n";

/* How far a detach has come. */
struct detach {
	int control;
	const char *name;
	uint64_t begun; /* pages that were dirty then */
	struct progress progress;
};

/* Pages known to be dirty; 0: none, or it is gone. */
static uint64_t dirty(int control, const char *name)
{
	struct framepool_space info;

	FRAMEPOOL_INIT(&info);
	return framepool_find_space(control, name, &info) ? 0 : info.dirty;
}

static void look(void *context)
{
	struct detach *d = context;
	uint64_t left = dirty(d->control, d->name);

	progress_tell(&d->progress, left < d->begun ? d->begun - left : 0, d->begun);
}

static void interrupted(void *context, int number)
{
	static const struct reason reasons[] = {
		{ EINTR, "it was interrupted; what was begun goes on without you",
		  "See with 'framepool list' whether it is gone." },
		{ }
	};
	struct detach *d = context;

	(void)number;
	progress_end(&d->progress);
	_exit(fail("detach", d->name, EINTR, reasons));
}

static int detach(int control, const char *name)
{
	struct detach d = { .control = control, .name = name, .begun = dirty(control, name) };
	struct watch w = { .look = look, .interrupt = interrupted, .context = &d };
	int err;

	progress_begin(&d.progress, "detach");
	watch_begin(&w);
	err = framepool_detach(control, name);
	watch_end(&w);
	progress_end(&d.progress);
	return err;
}

int cmd_detach(int argc, char **argv)
{
	static const struct reason reasons[] = {
		{ ENOENT, "nothing is attached under this name", "See 'framepool list'." },
		{ EPERM, "another user attached it", "Run it as that user or as root." },
		{ EBUSY,
		  "it is being detached, or a program has it open or mapped, or the kernel holds a "
		  "page",
		  "End that program ('fuser -v' of the node finds it) and try again." },
		{ EINVAL, "this can be no name", "See 'framepool list'." },
		{ EIO, "pages could not be written; it stays attached and nothing is lost",
		  "Look at the kernel's log (dmesg), mend the device and try again." },
		{ ENOSPC, "the file system is full; it stays attached and nothing is lost",
		  "Make room and try again." },
		{ }
	};
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int option, control, err, status = EXIT_OK;

	option = getopt_long(argc, argv, "h", options, NULL);
	if (option != -1)
		return option == 'h' ? help(detach_help) : usage_hint();
	if (optind == argc)
		return usage_error("detach takes a NAME");
	control = control_open(&status);
	if (control < 0)
		return status;
	for (; optind < argc; optind++) {
		const char *name = space_name(argv[optind]);

		err = detach(control, name);
		if (err)
			status = fail("detach", name, err, reasons);
	}
	close(control);
	return status;
}
