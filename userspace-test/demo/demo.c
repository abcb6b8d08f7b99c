// SPDX-License-Identifier: GPL-2.0-only
/* What the demo programs share: mapping a path, showing progress. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "demo.h"

struct mapping map_path(const char *path, bool for_writing)
{
	struct mapping m;
	off_t bytes;

	m.fd = open(path, for_writing ? O_RDWR : O_RDONLY);
	if (m.fd < 0)
		err(1, "cannot open %s", path);
	bytes = lseek(m.fd, 0, SEEK_END);
	if (bytes <= 0)
		err(1, "%s has no size", path);
	m.bytes = bytes;
	m.addr = mmap(NULL, m.bytes, for_writing ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
		      m.fd, 0);
	if (m.addr == MAP_FAILED)
		err(1, "cannot map %s", path);
	return m;
}

void unmap(struct mapping *m)
{
	munmap(m->addr, m->bytes);
	close(m->fd);
}

#define BAR_WIDTH 40

static void draw_bar(const char *label, int percent)
{
	char bar[BAR_WIDTH + 1];

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', percent * BAR_WIDTH / 100);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r  %-18s [%s] %3d %%%s", label, bar, percent, percent == 100 ? "\n" : "");
}

void progress(const char *label, uint64_t done, uint64_t total)
{
	static const char *last_label;
	static int last = -1;
	bool bar = getenv("DEMO_BAR") || isatty(STDERR_FILENO);
	int step = bar ? 1 : 25;
	int percent = total ? done * 100 / total : 100;

	percent -= percent % step;
	if (label == last_label && percent == last)
		return;
	last_label = label;
	last = percent;
	if (bar)
		draw_bar(label, percent);
	else
		fprintf(stderr, "  %s: %d %%\n", label, percent);
}
