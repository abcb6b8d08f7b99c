/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FRAMEPOOL_CLOCK_H
#define FRAMEPOOL_CLOCK_H

/* Seconds, of a clock that does not jump. */
double clock_seconds(void);

#endif /* FRAMEPOOL_CLOCK_H */
