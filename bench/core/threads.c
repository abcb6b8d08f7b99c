// SPDX-License-Identifier: GPL-2.0-only
/* Compiled with the system's headers. */
#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define MAX_THREADS 8

struct thread {
	pthread_t id;
	pthread_barrier_t *start;
	void (*fn)(void *arg, unsigned int number);
	void *arg;
	unsigned int number;
};

static void *run(void *data)
{
	struct thread *thread = data;

	pthread_barrier_wait(thread->start);
	thread->fn(thread->arg, thread->number);
	return NULL;
}

void threads_run(unsigned int n, void (*fn)(void *arg, unsigned int number), void *arg)
{
	struct thread threads[MAX_THREADS];
	pthread_barrier_t start;

	if (n > MAX_THREADS || pthread_barrier_init(&start, NULL, n))
		abort();
	for (unsigned int i = 0; i < n; i++) {
		threads[i] = (struct thread){ .start = &start, .fn = fn, .arg = arg, .number = i };
		if (pthread_create(&threads[i].id, NULL, run, &threads[i]))
			abort();
	}
	for (unsigned int i = 0; i < n; i++)
		pthread_join(threads[i].id, NULL);
	pthread_barrier_destroy(&start);
}

void threads_yield(void)
{
	sched_yield();
}
