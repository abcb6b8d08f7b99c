/* SPDX-License-Identifier: GPL-2.0-only */
/* A store with a log ahead of its data, both in one mapping. */
#ifndef POWERCUT_LEDGER_H
#define POWERCUT_LEDGER_H

#include "cut.h"

struct ledger {
	struct place at;
	uint32_t committed;		/* the last transaction that was promised before this boot */
	uint32_t released;		/* and the last whose data a RELEASE may have written */
	uint32_t durable;		/* and the last whose data one has */
	uint32_t last;			/* the last that is durable: found by the recovery */
};

void ledger_note(struct ledger *ledger, uint32_t what, uint32_t transaction);
void ledger_recover(struct ledger *ledger);
void *ledger_write_for_ever(void *ledger);

#endif /* POWERCUT_LEDGER_H */
