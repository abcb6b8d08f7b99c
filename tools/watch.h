/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread beside work that the kernel does in long calls. In such a call we hear nothing but what
 * kills us, not even a handler of our own: the thread looks how far the work has come, and hears the
 * signals.
 */
#ifndef FRAMEPOOL_WATCH_H
#define FRAMEPOOL_WATCH_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

struct watch {
	void (*look)(void *context); /* ten times a second; or NULL */
	/* A signal to end early. From then on, or from the second on, it may not return. */
	void (*interrupt)(void *context, int number);
	void *context;

	sigset_t signals, before;
	pthread_t thread;
	bool begun;
};

/* From now on, until watch_end(), the signals are the thread's. */
void watch_begin(struct watch *w);
void watch_end(struct watch *w);

#endif /* FRAMEPOOL_WATCH_H */
