/* SPDX-License-Identifier: GPL-2.0-only */
/* The module itself: loaded, unloaded, and what must not be left of it then. */
#ifndef ABI_MODULE_H
#define ABI_MODULE_H

int module_open(void);			/* its file, $FPOOL_KO */
int module_load(int module, const char *args);	/* as finit_module(2) */
int module_unload(void);		/* as delete_module(2), which does not wait */
bool module_unloads(void *arg);		/* whether it has; for wait_until */
void module_again(void);		/* it must load, with $FPOOL_INSMOD */
void module_no_trace(void);		/* of one that is not loaded */

#endif
