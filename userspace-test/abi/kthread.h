/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own threads: what makes allocations fail for a task asks for its number. */
#ifndef ABI_KTHREAD_H
#define ABI_KTHREAD_H

#define WORKERS		"kworker/*"
#define WORKERS_UNBOUND	"kworker/u*"	/* of queues without a processor of their own */

/* Those whose names are like @pattern, as by fnmatch(3); returns how many of them are in @pids. */
unsigned int kthreads(const char *pattern, pid_t *pids, unsigned int max);
pid_t kthread_of_pool(void);		/* the pool's own, which makes room */

#endif
