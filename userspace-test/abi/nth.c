// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"
#include "fault.h"
#include "kthread.h"
#include "nth.h"

#define NTH	"/proc/thread-self/fail-nth"

static const char *const injectors[] = { FAULT_SLAB, FAULT_PAGE, FAULT_USERCOPY };

static int nth_fd;
static int workers[256];
static unsigned int nr_workers;

/* Whether all of them took it. */
static bool set_all(const char *knob, const char *value)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		all = fault_set(injectors[i], knob, value) && all;
	return all;
}

bool nth_only(u64 start, u64 end)
{
	char from[32], to[32];

	snprintf(from, sizeof(from), "%#jx", (uintmax_t)start);
	snprintf(to, sizeof(to), "%#jx", (uintmax_t)end);
	return set_all("require-start", from) && set_all("require-end", to);
}

void nth_anything(void)
{
	nth_only(0, UINT64_MAX);
}

void nth_begin(void)
{
	if (access(NTH, W_OK))
		skip("this kernel has no fault injection");
	/* Not every one of them knows each. */
	set_all("ignore-gfp-wait", "N");
	set_all("min-order", "0");
	set_all("verbose", "0");
	nth_fd = (int)need_ok(open(NTH, O_RDWR | O_CLOEXEC));
}

void nth_end(void)
{
	close(nth_fd);
}

static bool set_nth(int who, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(who, text, len, 0) == len;
}

static bool is_used_up(int who)
{
	char text[16] = "";

	return pread(who, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
}

void nth_arm(unsigned int n)
{
	need(set_nth(nth_fd, n), "fail-nth: %s", strerror(errno));
}

bool nth_happened(void)
{
	bool happened = is_used_up(nth_fd);

	if (!set_nth(nth_fd, 0))
		nth_arm(0);
	return happened;
}

/* Some of them come and go: they are looked for each time. */
void nth_arm_workers(unsigned int n)
{
	pid_t pids[ARRAY_SIZE(workers)];
	unsigned int i, nr = kthreads(WORKERS, pids, ARRAY_SIZE(pids) - 1);
	char where[64];

	pids[nr++] = kthread_of_pool();
	for (i = 0; i < nr; i++) {
		snprintf(where, sizeof(where), "/proc/%d/fail-nth", pids[i]);
		workers[nr_workers] = open(where, O_RDWR | O_CLOEXEC);
		if (workers[nr_workers] < 0)
			continue;
		if (set_nth(workers[nr_workers], n))
			nr_workers++;
		else
			close(workers[nr_workers]);
	}
}

bool nth_workers_happened(void)
{
	bool happened = false;

	while (nr_workers) {
		int who = workers[--nr_workers];

		happened = is_used_up(who) || happened;
		set_nth(who, 0);
		close(who);
	}
	return happened;
}

void nth_nothing(void)
{
	pid_t pids[ARRAY_SIZE(workers)];
	unsigned int nr = kthreads(WORKERS, pids, ARRAY_SIZE(pids));
	char where[64];

	while (nr--) {
		snprintf(where, sizeof(where), "/proc/%d/fail-nth", pids[nr]);
		knob_write(where, "0");
	}
	nth_anything();
}
