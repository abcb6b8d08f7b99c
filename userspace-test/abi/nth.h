/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The n-th allocation of this thread, or copy to or from it, or that of each of the kernel's
 * workers, fails: by the kernel's /proc/PID/fail-nth, which only the test kernels have.
 */
#ifndef ABI_NTH_H
#define ABI_NTH_H

void nth_nothing(void);		/* not of workers either, whoever has armed them; for after_test */
void nth_begin(void);		/* every kind, silently; skips where there is none */
void nth_end(void);
bool nth_only(u64 start, u64 end);	/* what code there asks for; false: nothing can tell */
void nth_anything(void);		/* again */
void nth_arm(unsigned int n);
bool nth_happened(void);	/* and no more of it; asking copies, too: it may be what fails */
void nth_arm_workers(unsigned int n);	/* with them the thread of the pool */
bool nth_workers_happened(void);	/* to any of them, and no more of it */

#endif
