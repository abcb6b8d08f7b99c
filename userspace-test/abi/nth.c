// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"
#include "nth.h"

#define DEBUG	"/sys/kernel/debug/"
#define NTH	"/proc/thread-self/fail-nth"

/* The kernel's injectors, in debugfs. */
static const char *const attrs[] = { "failslab", "fail_page_alloc", "fail_usercopy" };

static int nth_fd;

/* Whether all of them took it. */
static bool set_all(const char *knob, const char *value)
{
	char where[128];
	bool all = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		snprintf(where, sizeof(where), DEBUG "%s/%s", attrs[i], knob);
		all = knob_write(where, value) && all;
	}
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

void nth_arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	need(pwrite(nth_fd, text, len, 0) == len, "fail-nth: %s", strerror(errno));
}

bool nth_happened(void)
{
	char text[16] = "";
	bool happened = false;

	if (pread(nth_fd, text, sizeof(text) - 1, 0) > 0)
		happened = !atoi(text);
	if (pwrite(nth_fd, "0", 1, 0) != 1)
		need(pwrite(nth_fd, "0", 1, 0) == 1, "fail-nth: %s", strerror(errno));
	return happened;
}
