// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU that counts the instructions which a guest with one processor executes, by the
 * block of code that they are in, between the marks of mark.h.
 *
 *   -plugin profile.so,out=FILE
 *
 * At each second mark one measurement is added to FILE: a line "measurement", then for each block
 * of the kernel that was executed "ADDRESS INSTRUCTIONS EXECUTIONS", the address in hexadecimal,
 * and one line with the address 0 for all of user space.
 */
#include "qemu-plugin.h"
#include "../mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One for each address at which a block begins; never freed, as translated code adds to it. */
struct block {
	uint64_t address;
	uint64_t instructions;
	uint64_t executions;
	struct block *next;
};

#define BUCKETS (1u << 16)

EXPORTED int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static struct block *buckets[BUCKETS];
static const char *out;

/* The upper half of the address space is the kernel's. */
static uint64_t key_of(uint64_t address)
{
	return address >> 63 ? address : 0;
}

static struct block *find(uint64_t address)
{
	struct block **bucket = &buckets[(address ^ address >> 16) % BUCKETS], *block;

	for (block = *bucket; block; block = block->next)
		if (block->address == address)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	block->address = address;
	block->next = *bucket;
	return *bucket = block;
}

static void start(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct block *block = buckets[i]; block; block = block->next)
			block->instructions = block->executions = 0;
}

static void stop(unsigned int vcpu, void *data)
{
	FILE *file = fopen(out, "a");

	(void)vcpu;
	(void)data;
	if (!file) {
		perror(out);
		exit(1);
	}
	fprintf(file, "measurement\n");
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct block *block = buckets[i]; block; block = block->next)
			if (block->executions)
				fprintf(file, "%llx %llu %llu\n",
					(unsigned long long)block->address,
					(unsigned long long)block->instructions,
					(unsigned long long)block->executions);
	fclose(file);
}

/* The number of the mark that an instruction is, or 0. */
static uint32_t mark_of(const struct qemu_plugin_insn *insn)
{
	const char *bytes = qemu_plugin_insn_data(insn);
	uint32_t number;

	if (qemu_plugin_insn_size(insn) != 8 || memcmp(bytes, MARK_BYTES, 4))
		return 0;
	memcpy(&number, bytes + 4, sizeof(number));
	return number;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = find(key_of(qemu_plugin_tb_vaddr(tb)));
	size_t n = qemu_plugin_tb_n_insns(tb);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &block->instructions, n);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &block->executions, 1);
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint32_t mark = mark_of(insn);

		if (mark == MARK_START || mark == MARK_STOP)
			qemu_plugin_register_vcpu_insn_exec_cb(insn,
							       mark == MARK_START ? start : stop,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "profile: out=FILE is missing\n");
		return -1;
	}
	out = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
