// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device-mapper device whose table the test changes under its users: it can stand still, fail, or
 * have bad places, and be well again.
 */
#include "test.h"

#include <stdarg.h>
#include <sys/sysmacros.h>
#include <linux/dm-ioctl.h>

#define TABLE_SIZE	4096

static int dm = -1;

static void init(struct dm_ioctl *d, size_t size)
{
	memset(d, 0, sizeof(*d));
	d->version[0] = DM_VERSION_MAJOR;
	d->data_size = size;
	d->data_start = sizeof(*d);
	strcpy(d->name, "t-dm");
}

static void command(unsigned long cmd, u32 flags)
{
	struct dm_ioctl d;

	init(&d, sizeof(d));
	d.flags = flags;
	need_ok(ioctl(dm, cmd, &d));
}

void dm_stall(void)
{
	command(DM_DEV_SUSPEND, DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | DM_NOFLUSH_FLAG);
}

/* With the table that was loaded last; neither a file system nor I/O in flight is waited for. */
void dm_go_on(void)
{
	command(DM_DEV_SUSPEND, DM_SKIP_LOCKFS_FLAG | DM_NOFLUSH_FLAG);
}

/* One line of a table to @at; where the next one goes. */
static char *add_target(char *at, const char *line)
{
	struct dm_target_spec *spec = (void *)at;
	unsigned long long start, length;
	char *params = at + sizeof(*spec);
	int used = 0;

	need(sscanf(line, "%llu %llu %15s %n", &start, &length, spec->target_type, &used) == 3,
	     "a table's line: %s", line);
	spec->sector_start = start;
	spec->length = length;
	strcpy(params, line + used);
	spec->next = (sizeof(*spec) + strlen(params) + 1 + 7) & ~7u;
	return at + spec->next;
}

void dm_table(const char *fmt, ...)
{
	static char buffer[TABLE_SIZE] __attribute__((aligned(8)));
	struct dm_ioctl *d = (void *)buffer;
	char text[TABLE_SIZE / 2], *line, *rest, *at = buffer + sizeof(*d);
	va_list ap;

	memset(buffer, 0, sizeof(buffer));
	init(d, sizeof(buffer));
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		at = add_target(at, line);
		d->target_count++;
	}
	need_ok(ioctl(dm, DM_TABLE_LOAD, d));
	dm_go_on();
}

bool dm_has(const char *target)
{
	char text[128];

	snprintf(text, sizeof(text), "modprobe -q dm_%s 2>/dev/null", target);
	if (system(text))
		diag("no modprobe of dm_%s", target);
	snprintf(text, sizeof(text), "/sys/module/dm_%s", target);
	return !access(text, F_OK);
}

void dm_message(u64 sector, const char *fmt, ...)
{
	static char buffer[TABLE_SIZE] __attribute__((aligned(8)));
	struct dm_ioctl *d = (void *)buffer;
	struct dm_target_msg *msg = (void *)(d + 1);
	va_list ap;

	memset(buffer, 0, sizeof(buffer));
	init(d, sizeof(buffer));
	va_start(ap, fmt);
	msg->sector = sector;
	vsnprintf(msg->message, TABLE_SIZE / 2, fmt, ap);
	va_end(ap);
	need_ok(ioctl(dm, DM_TARGET_MSG, d));
}

unsigned int dm_delayed(void)
{
	static char buffer[TABLE_SIZE] __attribute__((aligned(8)));
	struct dm_ioctl *d = (void *)buffer;
	unsigned int i, at, here, writes = 0;

	memset(buffer, 0, sizeof(buffer));
	init(d, sizeof(buffer));
	need_ok(ioctl(dm, DM_TABLE_STATUS, d));
	at = d->data_start;
	for (i = 0; i < d->target_count; i++) {
		struct dm_target_spec *spec = (void *)(buffer + at);

		if (!strcmp(spec->target_type, "delay") &&
		    sscanf((char *)(spec + 1), "%*u %u", &here) == 1)
			writes += here;
		at = d->data_start + spec->next;
	}
	return writes;
}

bool dm_make(char *node, size_t len)
{
	struct dm_ioctl d;

	if (plain_at_home)
		return false;
	if (system("modprobe -q dm_mod 2>/dev/null; modprobe -q dm_flakey 2>/dev/null"))
		diag("no modprobe of dm_flakey");
	dm = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (dm < 0)
		return false;
	init(&d, sizeof(d));
	ioctl(dm, DM_DEV_REMOVE, &d);		/* of a run that failed */
	init(&d, sizeof(d));
	need_ok(ioctl(dm, DM_DEV_CREATE, &d));
	snprintf(node, len, "/dev/dm-%u", minor(d.dev));
	return true;
}

bool dm_remove(void *unused)
{
	struct dm_ioctl d;

	(void)unused;
	init(&d, sizeof(d));
	return !ioctl(dm, DM_DEV_REMOVE, &d);
}

/* A test that gave up may have left the device standing still, and with it all who wait for it. */
void dm_clear_away(void)
{
	struct dm_ioctl d;
	int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return;
	init(&d, sizeof(d));
	ioctl(control, DM_DEV_SUSPEND, &d);
	init(&d, sizeof(d));
	d.flags = DM_DEFERRED_REMOVE;
	ioctl(control, DM_DEV_REMOVE, &d);
	close(control);
}
