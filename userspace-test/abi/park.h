/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A system call that stands still for as long as a test wants: it copies to, or from, a page of memory
 * that does not come, with whatever locks the kernel holds meanwhile.
 */
#ifndef ABI_PARK_H
#define ABI_PARK_H

#include "test.h"

#include <pthread.h>

struct park {
	long (*call)(struct park *p);	/* its value: that of the call, which wants @page */
	int fd;
	void *page;
	int uffd;
	pthread_t thread;
	atomic_int tid;
	long ret;
};

/* From a machine without userfaultfd the test is skipped. */
void park_begin(struct park *p, long (*call)(struct park *p), int fd);
void park_beside(struct park *p, pid_t pid);	/* a child meanwhile; or the test ends */
void park_fail(struct park *p);		/* the page goes away instead: the call has EFAULT */
void park_end(struct park *p);		/* the page comes, and the call has worked */
void park_end_with(struct park *p, const void *bytes);	/* the same; what the page has */

#endif /* ABI_PARK_H */
