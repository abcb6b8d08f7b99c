// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"
#include "kthread.h"

#include <dirent.h>
#include <fnmatch.h>

unsigned int kthreads(const char *pattern, pid_t *pids, unsigned int max)
{
	char where[300], name[128];
	DIR *d = opendir("/proc");
	struct dirent *e;
	unsigned int nr = 0;

	need(d, "/proc: %s", strerror(errno));
	while (nr < max && (e = readdir(d))) {
		snprintf(where, sizeof(where), "/proc/%s/comm", e->d_name);
		if (atoi(e->d_name) && knob_read(where, name, sizeof(name)) &&
		    !fnmatch(pattern, name, 0))
			pids[nr++] = atoi(e->d_name);
	}
	closedir(d);
	return nr;
}

pid_t kthread_of_pool(void)
{
	char name[128];
	pid_t pid;

	snprintf(name, sizeof(name), "framepool/%s", pool);
	need(kthreads(name, &pid, 1), "no thread %s", name);
	return pid;
}
