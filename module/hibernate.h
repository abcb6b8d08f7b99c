/* SPDX-License-Identifier: GPL-2.0-only */
/* What a hibernation would lose. */
#ifndef FPOOL_HIBERNATE_H
#define FPOOL_HIBERNATE_H

int fpool_hibernate_init(void);
void fpool_hibernate_exit(void);

#endif /* FPOOL_HIBERNATE_H */
