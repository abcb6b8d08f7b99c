// SPDX-License-Identifier: GPL-2.0-only
/* Mixes that people write: web+db+db@6000. */
#define _GNU_SOURCE
#include "mix.h"

#include <string.h>

#include "fail.h"
#include "number.h"

#define LEAST		2		/* processes */
#define FRAMES_MAX	(1U << 24)	/* 64 GiB */

static void refuse(const char *how)
{
	die("a mix is NAME+NAME@FRAMES: %u to %u traces, one frame for each to %u frames, not '%s'",
	    LEAST, TOGETHER_MAX, FRAMES_MAX, how);
}

void mix_parse(struct mix *mix, const char *how)
{
	const char *at = strrchr(how, '@'), *end;
	char *names, *name;

	end = at ? number_read(at + 1, LEAST, FRAMES_MAX, &mix->frames) : NULL;
	if (!end || *end)
		refuse(how);
	mix->name = how;
	mix->nr = 0;
	/* The names stay as long as the program does. */
	names = alloc(at - how + 1);
	memcpy(names, how, at - how);
	names[at - how] = '\0';
	while ((name = strsep(&names, "+"))) {
		if (!*name || mix->nr == TOGETHER_MAX)
			refuse(how);
		mix->process[mix->nr++] = name;
	}
	if (mix->nr < LEAST || mix->nr > mix->frames)
		refuse(how);
}
