// SPDX-License-Identifier: GPL-2.0-only
#include "progress.h"

#include <string.h>
#include <unistd.h>

#include "clock.h"

#define BAR_WIDTH 40

/* A terminal is drawn on as often as one can see; a log gets a line as often as one wants to read. */
#define TERMINAL_PAUSE 100
#define LINES_PAUSE    10000

static int64_t now(void)
{
	return clock_seconds() * 1000;
}

void progress_begin(struct progress *p, const char *label)
{
	*p = (struct progress){ .out = stderr, .label = label };
	p->terminal = isatty(STDERR_FILENO);
	p->pause = p->terminal ? TERMINAL_PAUSE : LINES_PAUSE;
	p->next = now() + p->pause;
}

static bool is_time(struct progress *p)
{
	int64_t at = now();

	if (at < p->next)
		return false;
	p->next = at + p->pause;
	return true;
}

static void draw(struct progress *p, double part)
{
	char bar[BAR_WIDTH + 1];
	int filled = part * BAR_WIDTH;

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	fprintf(p->out, "\r%s [%s] %3.0f %%", p->label, bar, 100 * part);
	fflush(p->out);
	p->drawn = true;
}

void progress_tell(struct progress *p, uint64_t done, uint64_t total)
{
	double part = done < total ? (double)done / total : 1;

	if (!is_time(p))
		return;
	if (p->terminal)
		draw(p, part);
	else
		fprintf(p->out, "%s: %.0f %%\n", p->label, 100 * part);
}

void progress_words(struct progress *p, const char *done)
{
	if (!is_time(p))
		return;
	if (p->terminal)
		fprintf(p->out, "\r%s: %s\033[K", p->label, done);
	else
		fprintf(p->out, "%s: %s\n", p->label, done);
	p->drawn = p->terminal;
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", p->out);
	p->drawn = false;
}
