// SPDX-License-Identifier: GPL-2.0-only
#include "watch.h"

#include <time.h>

#include "interrupt.h"

/* By this the thread learns that the work is over. */
#define OVER SIGUSR1

static void *watch(void *context)
{
	static const struct timespec pause = { .tv_nsec = 100000000 };
	struct watch *w = context;
	int number;

	while ((number = sigtimedwait(&w->signals, NULL, &pause)) != OVER) {
		if (number > 0)
			w->interrupt(w->context, number);
		else if (w->look)
			w->look(w->context);
	}
	return NULL;
}

void watch_begin(struct watch *w)
{
	interrupt_block(&w->signals, &w->before);
	sigaddset(&w->signals, OVER);
	sigprocmask(SIG_BLOCK, &w->signals, NULL);
	w->begun = !pthread_create(&w->thread, NULL, watch, w);
	/* Without it the work is done as well, in silence. */
	if (!w->begun)
		sigprocmask(SIG_SETMASK, &w->before, NULL);
}

void watch_end(struct watch *w)
{
	if (!w->begun)
		return;
	pthread_kill(w->thread, OVER);
	pthread_join(w->thread, NULL);
	sigprocmask(SIG_SETMASK, &w->before, NULL);
}
