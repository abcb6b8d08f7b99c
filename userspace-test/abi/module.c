// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"
#include "module.h"

#include <dirent.h>
#include <sys/syscall.h>

int module_open(void)
{
	const char *ko = getenv("FPOOL_KO");

	return (int)need_ok(open(ko ? ko : "/lib/framepool/framepool.ko", O_RDONLY | O_CLOEXEC));
}

int module_load(int module, const char *args)
{
	return (int)syscall(SYS_finit_module, module, args, 0);
}

int module_unload(void)
{
	return (int)syscall(SYS_delete_module, "framepool", O_NONBLOCK);
}

bool module_unloads(void *arg)
{
	(void)arg;
	return !module_unload();
}

void module_again(void)
{
	const char *args = getenv("FPOOL_INSMOD");
	int module = module_open();

	need_ok(module_load(module, args ? args : "size=64M"));
	need_ok(close(module));
}

static bool mentions(const char *file, const char *word)
{
	char line[512];
	bool found = false;
	FILE *f = fopen(file, "r");

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, word);
	fclose(f);
	return found;
}

static void no_threads(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *d;
	char name[300];

	while ((d = readdir(proc))) {
		snprintf(name, sizeof(name), "/proc/%s/comm", d->d_name);
		if (d->d_name[0] < '0' || d->d_name[0] > '9')
			continue;
		/* An idle worker of the kernel's is called after the last queue that it served. */
		expect(!mentions(name, "framepool") || mentions(name, "kworker"),
		       "a thread is left: %s", name);
	}
	closedir(proc);
}

void module_no_trace(void)
{
	static const char *const gone[] = {
		NODES, "/dev/control", "/sys/module/framepool", "/sys/kernel/debug/framepool",
		"/sys/class/framepool", "/sys/kernel/tracing/events/framepool"
	};
	static const char *const lists[] = {
		"/proc/slabinfo",    "/proc/devices", "/proc/iomem",
		"/proc/filesystems", "/proc/misc",    "/proc/modules"
	};
	u64 i;

	for (i = 0; i < ARRAY_SIZE(gone); i++)
		expect(access(gone[i], F_OK) == -1 && errno == ENOENT, "%s is left", gone[i]);
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		expect(!mentions(lists[i], "framepool"), "%s still has framepool", lists[i]);
	no_threads();
}
