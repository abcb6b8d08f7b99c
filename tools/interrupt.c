// SPDX-License-Identifier: GPL-2.0-only
#include "interrupt.h"

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static bool ignored(int number)
{
	struct sigaction action;

	return !sigaction(number, NULL, &action) && action.sa_handler == SIG_IGN;
}

void interrupt_block(sigset_t *signals, sigset_t *before)
{
	static const int all[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	size_t i;

	/* One that is blocked arrives even if it is ignored. */
	sigemptyset(signals);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!ignored(all[i]))
			sigaddset(signals, all[i]);
	sigprocmask(SIG_BLOCK, signals, before);
}

void interrupt_die(int number)
{
	sigset_t set;

	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
	_exit(128 + number);
}
