// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast the core is, by itself, on the machine this runs on.  The same files that are compiled
 * into the module, optimised as there.
 */
#include "bench.h"

u32 bench_random(u32 limit)
{
	static u64 state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) * limit >> 32;
}

void bench_shuffle(u32 *numbers, u32 n)
{
	for (u32 i = n; i > 1; i--) {
		u32 j = bench_random(i), other = numbers[j];

		numbers[j] = numbers[i - 1];
		numbers[i - 1] = other;
	}
}

void *bench_memory(size_t bytes)
{
	void *memory = host_alloc(bytes, true);

	if (!memory) {
		host_print("no memory for %zu bytes\n", bytes);
		__builtin_trap();
	}
	return memory;
}

int main(void)
{
	bench_buddy();
	bench_ptable();
	bench_space();
	return 0;
}
