/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's fault injectors, in debugfs. Not every kernel has one, nor each of them every knob. */
#ifndef ABI_FAULT_H
#define ABI_FAULT_H

#define FAULT_SLAB	"failslab"
#define FAULT_PAGE	"fail_page_alloc"
#define FAULT_USERCOPY	"fail_usercopy"

bool fault_set(const char *injector, const char *knob, const char *value);
bool fault_get(const char *injector, const char *knob, char *value, size_t len);

#endif
