/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults on request, for tests: on a kernel with CONFIG_FAULT_INJECTION the n-th I/O, frame or
 * node from now on fails.  Allocations of memory fail by the kernel's own /proc/PID/fail-nth;
 * what is here is what happens in workers, or is no allocation of the kernel's.  Elsewhere it
 * compiles to nothing.
 */
#ifndef FPOOL_INJECT_H
#define FPOOL_INJECT_H

#include <linux/types.h>

enum fpool_inject {
	FPOOL_INJECT_OPEN,	/* opening a backing file */
	FPOOL_INJECT_NOWAIT,	/* starting a read without waiting */
	FPOOL_INJECT_END,	/* what was started so has ended */
	FPOOL_INJECT_READ,	/* a read for good: a worker's */
	FPOOL_INJECT_SHORT,	/* a read through a file system gives half, which is no error */
	FPOOL_INJECT_WRITE,
	FPOOL_INJECT_FLUSH,
	FPOOL_INJECT_FRAME,	/* taking a frame or a block */
	FPOOL_INJECT_NODE,	/* taking a node of a shadow page table */
	FPOOL_INJECT_RESIZE,	/* of a backing file */
	FPOOL_INJECT_WSET,	/* taking a number for a working set */
	FPOOL_INJECT_LINGER,	/* no fault: a look-up stays a second between node and entry */
	FPOOL_INJECT_STABLE,	/* no fault: the file that is opened wants copies */
	FPOOL_INJECT_WALK,	/* no fault: a walk of mappings stays a second at one of them */
	FPOOL_INJECT_STORE,	/* no fault: core mm stays a second in one for a store */
	FPOOL_NR_INJECTS,
};

struct dentry;

#ifdef CONFIG_FAULT_INJECTION

bool fpool_inject(enum fpool_inject where);
bool fpool_inject_later(enum fpool_inject where);
void fpool_inject_debugfs(struct dentry *dir);

#else

static inline bool fpool_inject(enum fpool_inject where)
{
	return false;
}

static inline bool fpool_inject_later(enum fpool_inject where)
{
	return false;
}

static inline void fpool_inject_debugfs(struct dentry *dir)
{
}

#endif

#endif /* FPOOL_INJECT_H */
