/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two instructions that do nothing, and tell whoever watches the processor where the measured part
 * of a program begins and ends: nopl MARK(%rax,%rax,1).
 */
#ifndef MARK_H
#define MARK_H

#define MARK_BYTES "\x0f\x1f\x84\x00"
#define MARK_START 0x46504231
#define MARK_STOP  0x46504230

#define MARK(number) \
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .long %c0" : : "i"(number) : "memory")

#endif
