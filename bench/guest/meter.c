// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much the processor did.
 *
 * A virtual processor that waits advances the clock of instructions, too, so idle time has to come
 * off.  /proc/stat has it in ticks of 10 ms only; /proc/timer_list has the same sums in ns.
 * Reading it costs a million instructions, which is why the clock is read last at the start and
 * first at the end: the reading falls outside.
 */
#include "meter.h"
#include "fail.h"
#include "../mark.h"

#include <stdio.h>
#include <time.h>

uint64_t meter_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* The sleep with and without I/O under way, of all processors. */
static uint64_t idle_now(void)
{
	FILE *list = fopen("/proc/timer_list", "r");
	uint64_t idle = 0;
	unsigned long long ns;
	int fields = 0;
	char line[256];

	if (!list)
		fail_errno("/proc/timer_list");
	while (fgets(line, sizeof(line), list))
		if (sscanf(line, " .idle_sleeptime : %llu nsecs", &ns) == 1 ||
		    sscanf(line, " .iowait_sleeptime: %llu nsecs", &ns) == 1) {
			idle += ns;
			fields++;
		}
	fclose(list);
	if (!fields)
		fail("/proc/timer_list has no idle time");
	return idle;
}

struct meter meter_start(void)
{
	struct meter start = { .idle = idle_now() };

	start.clock = meter_now();
	MARK(MARK_START);
	return start;
}

struct meter meter_stop(struct meter start)
{
	uint64_t clock;

	MARK(MARK_STOP);
	clock = meter_now();
	return (struct meter){ .clock = clock - start.clock, .idle = idle_now() - start.idle };
}
