// SPDX-License-Identifier: MIT
/* Which addresses are mapped through the pool. Unordered, few; all under the lock. */
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

static struct range *ranges;
static size_t room;
/* Written under the lock; read without it by those who only ask whether there is any. */
static atomic_size_t count;

void *ranges_memory(void *old, size_t old_bytes, size_t bytes)
{
	void *memory = (void *)syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (old) {
		memcpy(memory, old, old_bytes);
		syscall(SYS_munmap, old, old_bytes);
	}
	return memory;
}

bool ranges_empty(void)
{
	return !count;
}

int ranges_find(uintptr_t address)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (address >= ranges[i].start && address < ranges[i].end)
			return ranges[i].file;
	return -1;
}

bool ranges_overlap(uintptr_t start, uintptr_t end)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (start < ranges[i].end && end > ranges[i].start)
			return true;
	return false;
}

/* A move from the middle of one to the middle of another splits both, and then comes the new one. */
#define MORE 3

bool ranges_reserve(void)
{
	size_t wanted = room ? 2 * room : 4096 / sizeof(*ranges);
	struct range *more;

	if (count + MORE <= room)
		return true;
	more = ranges_memory(ranges, room * sizeof(*ranges), wanted * sizeof(*ranges));
	if (!more)
		return false;
	ranges = more;
	room = wanted;
	return true;
}

void ranges_add(uintptr_t start, uintptr_t end, uint32_t file)
{
	ranges[count++] = (struct range){ start, end, file };
	files_mapped(file);
}

static void cut_one(size_t i, uintptr_t start, uintptr_t end)
{
	struct range r = ranges[i];

	ranges[i] = ranges[--count];
	if (r.start < start)
		ranges_add(r.start, start, r.file);
	if (r.end > end)
		ranges_add(end, r.end, r.file);
	files_unmapped(r.file);
}

void ranges_cut(uintptr_t start, uintptr_t end)
{
	size_t i;

	/* Backwards: what is put in the place of a cut one was looked at, or lies outside. */
	for (i = count; i-- > 0;)
		if (start < ranges[i].end && end > ranges[i].start)
			cut_one(i, start, end);
}
