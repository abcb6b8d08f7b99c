/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads and a lock, without the system's headers. */
#ifndef THREADS_H
#define THREADS_H

/** threads_run() - call fn(arg, 0 .. n - 1) in @n threads at once, and wait for all */
void threads_run(unsigned int n, void (*fn)(void *arg, unsigned int number), void *arg);

/* A lock that spins a little and then lets others run: they may have no processor. */
struct threads_lock {
	_Bool taken;
};

void threads_yield(void);

static inline void threads_lock(struct threads_lock *lock)
{
	unsigned int spins = 0;

	while (__atomic_test_and_set(&lock->taken, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
			if (++spins % 1024 == 0)
				threads_yield();
}

static inline void threads_unlock(struct threads_lock *lock)
{
	__atomic_clear(&lock->taken, __ATOMIC_RELEASE);
}

#endif
