/* SPDX-License-Identifier: GPL-2.0-only */
/* The signals by which a user ends a command early: SIGINT, SIGQUIT, SIGTERM, SIGHUP. */
#ifndef FRAMEPOOL_INTERRUPT_H
#define FRAMEPOOL_INTERRUPT_H

#include <signal.h>

/*
 * Block them, to be waited for; @before: the mask until now, or NULL. Left out is what our parent
 * has us ignore (nohup, a job in the background of a script).
 */
void interrupt_block(sigset_t *signals, sigset_t *before);

/* End by signal @number, as if it had never been blocked. */
__attribute__((noreturn)) void interrupt_die(int number);

#endif /* FRAMEPOOL_INTERRUPT_H */
