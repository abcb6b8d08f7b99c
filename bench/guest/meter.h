/* SPDX-License-Identifier: GPL-2.0-only */
/* How much the processor did: nanoseconds of the clock less those it idled. */
#ifndef METER_H
#define METER_H

#include <stdint.h>

/**
 * struct meter - what passed between two looks at the clocks
 * @clock: nanoseconds; under QEMU's `-icount shift=0` the instructions executed, and those that an
 *	idle processor would have executed
 * @idle: of these, nanoseconds in which no processor had anything to do
 */
struct meter {
	uint64_t clock;
	uint64_t idle;
};

/** meter_start() - begin */
struct meter meter_start(void);

/** meter_stop() - what passed since @start, the looking itself left out */
struct meter meter_stop(struct meter start);

/** meter_now() - nanoseconds of the monotonic clock */
uint64_t meter_now(void);

#endif
