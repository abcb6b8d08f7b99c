// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"
#include "fault.h"

static void place(char *where, size_t len, const char *injector, const char *knob)
{
	snprintf(where, len, "/sys/kernel/debug/%s/%s", injector, knob);
}

bool fault_set(const char *injector, const char *knob, const char *value)
{
	char where[128];

	place(where, sizeof(where), injector, knob);
	return knob_write(where, value);
}

bool fault_get(const char *injector, const char *knob, char *value, size_t len)
{
	char where[128];

	place(where, sizeof(where), injector, knob);
	return knob_read(where, value, len);
}
