// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the I/O alone costs that a sequence of accesses cannot do without.
 *
 * Somebody who knew beforehand which accesses come could do them with pread() and pwrite() and
 * nothing else: read each page when it is not in memory, write a dirty one when it leaves,
 * neighbours in one call.  Which are in memory is worked out for exact LRU, off the clock.  What
 * remains on the clock is the system calls and the direct I/O: no faults, no tables, no replacement.
 */
#include "floor.h"
#include "fail.h"
#include "target.h"

#include <unistd.h>

/* Neighbours done with one call. */
#define RUN_PAGES 64u

struct io {
	uint32_t page;
	uint16_t pages;
	bool write;
};

/* Pages in the order of their use: a ring through @pages, which is its head. */
struct link {
	uint32_t older;
	uint32_t newer;
	bool resident;
	bool dirty;
};

struct floor {
	int fd;
	uint32_t pages;
	uint32_t frames;
	uint32_t resident;
	struct link *links;
	struct io *plan;
	size_t planned;
	size_t room;
	/* Of the plan, where the last read and the last write are: neighbours join them. */
	size_t last[2];
	void *buffer;
};

struct floor *floor_new(int fd, uint32_t pages, uint32_t frames)
{
	struct floor *floor = calloc(1, sizeof(*floor));

	if (!floor)
		fail_errno("floor");
	floor->fd = fd;
	floor->pages = pages;
	floor->frames = frames;
	floor->links = calloc(pages + 1, sizeof(*floor->links));
	floor->buffer = aligned_alloc(PAGE_BYTES, RUN_PAGES * PAGE_BYTES);
	if (!floor->links || !floor->buffer)
		fail_errno("floor");
	memset(floor->buffer, 0, RUN_PAGES * PAGE_BYTES);
	floor->links[pages] = (struct link){ .older = pages, .newer = pages };
	return floor;
}

void floor_free(struct floor *floor)
{
	free(floor->links);
	free(floor->plan);
	free(floor->buffer);
	free(floor);
}

static bool joins(const struct floor *floor, uint32_t page, bool write)
{
	const struct io *io = &floor->plan[floor->last[write]];

	return floor->planned && io->write == write && io->pages < RUN_PAGES &&
	       io->page + io->pages == page;
}

static void plan_io(struct floor *floor, uint32_t page, bool write)
{
	if (joins(floor, page, write)) {
		floor->plan[floor->last[write]].pages++;
		return;
	}
	if (floor->planned == floor->room) {
		floor->room = floor->room * 2 + 1024;
		floor->plan = realloc(floor->plan, floor->room * sizeof(*floor->plan));
		if (!floor->plan)
			fail_errno("floor");
	}
	floor->last[write] = floor->planned;
	floor->plan[floor->planned++] = (struct io){ .page = page, .pages = 1, .write = write };
}

static void unlink_page(struct floor *floor, uint32_t page)
{
	struct link *links = floor->links;

	links[links[page].older].newer = links[page].newer;
	links[links[page].newer].older = links[page].older;
	links[page].resident = false;
	floor->resident--;
}

static void link_newest(struct floor *floor, uint32_t page)
{
	struct link *links = floor->links, *head = &links[floor->pages];

	links[page].older = head->older;
	links[page].newer = floor->pages;
	links[head->older].newer = page;
	head->older = page;
	links[page].resident = true;
	floor->resident++;
}

static void evict_oldest(struct floor *floor)
{
	uint32_t page = floor->links[floor->pages].newer;

	unlink_page(floor, page);
	if (floor->links[page].dirty)
		plan_io(floor, page, true);
	floor->links[page].dirty = false;
}

static void plan_access(struct floor *floor, struct access access)
{
	struct link *link = &floor->links[access.page];

	if (link->resident) {
		unlink_page(floor, access.page);
	} else {
		if (floor->resident == floor->frames)
			evict_oldest(floor);
		plan_io(floor, access.page, false);
	}
	link_newest(floor, access.page);
	link->dirty |= access.store;
}

void floor_plan(struct floor *floor, struct pattern pattern)
{
	floor->planned = 0;
	floor->last[false] = floor->last[true] = 0;
	for (size_t i = 0; i < pattern.n; i++)
		plan_access(floor, pattern.accesses[i]);
}

/* Every page is written with its number, as it is read. */
static void number(struct floor *floor, const struct io *io)
{
	for (uint32_t i = 0; i < io->pages; i++)
		*(uint64_t *)((char *)floor->buffer + i * PAGE_BYTES) = io->page + i;
}

static void transfer(struct floor *floor, const struct io *io)
{
	off_t at = (off_t)io->page * PAGE_BYTES;
	ssize_t bytes = io->pages * PAGE_BYTES, done;

	if (io->write) {
		number(floor, io);
		done = pwrite(floor->fd, floor->buffer, bytes, at);
	} else {
		done = pread(floor->fd, floor->buffer, bytes, at);
	}
	if (done != bytes)
		fail_errno("floor: I/O");
}

void floor_run(struct floor *floor)
{
	for (size_t i = 0; i < floor->planned; i++)
		transfer(floor, &floor->plan[i]);
}

void floor_store(struct floor *floor, struct pattern pattern)
{
	for (size_t i = 0; i < pattern.n; i++) {
		struct io io = { .page = pattern.accesses[i].page, .pages = 1, .write = true };

		transfer(floor, &io);
	}
	if (fdatasync(floor->fd))
		fail_errno("fdatasync");
}
