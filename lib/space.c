// SPDX-License-Identifier: MIT
/* Commands of a space. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#include "internal.h"

int framepool_open_space(const char *name, int flags)
{
	char path[sizeof(FRAMEPOOL_DIR "/") + FRAMEPOOL_NAME_SIZE];
	int fd;

	if (!framepool_name_valid(name))
		return -EINVAL;
	snprintf(path, sizeof(path), FRAMEPOOL_DIR "/%s", name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int framepool_space_info(int space, struct framepool_space *info)
{
	return command(space, FRAMEPOOL_SPACE_INFO, info);
}

int framepool_errors(int space, struct framepool_errors *errors)
{
	return command(space, FRAMEPOOL_ERRORS, errors);
}

int framepool_wait_error(int space, int timeout_ms)
{
	struct pollfd pollfd = { .fd = space };
	struct framepool_space info;
	int n;

	/* poll() would wait for another descriptor's errors, and pass a negative one over. */
	FRAMEPOOL_INIT(&info);
	n = framepool_space_info(space, &info);
	if (n)
		return n;
	n = poll(&pollfd, 1, timeout_ms);
	if (n < 0)
		return -errno;
	if (pollfd.revents & POLLNVAL)
		return -EBADF;
	return n ? 0 : -ETIMEDOUT;
}

int framepool_prefetch(int space, struct framepool_range *range)
{
	return command(space, FRAMEPOOL_PREFETCH, range);
}

int framepool_prefetch_start(int space, const struct framepool_span *spans, uint32_t nr,
			     int eventfd, uint64_t *ticket)
{
	struct framepool_prefetch prefetch;
	int err;

	FRAMEPOOL_INIT(&prefetch);
	prefetch.spans = (uintptr_t)spans;
	prefetch.nr = nr;
	prefetch.eventfd = eventfd;
	err = command(space, FRAMEPOOL_PREFETCH_START, &prefetch);
	if (!err)
		*ticket = prefetch.ticket;
	return err;
}

int framepool_prefetch_result(int space, uint64_t ticket, struct framepool_span *spans,
			      uint32_t nr)
{
	struct framepool_prefetch prefetch;

	FRAMEPOOL_INIT(&prefetch);
	prefetch.spans = (uintptr_t)spans;
	prefetch.nr = nr;
	prefetch.ticket = ticket;
	return command(space, FRAMEPOOL_PREFETCH_RESULT, &prefetch);
}

int framepool_evict(int space, struct framepool_range *range)
{
	return command(space, FRAMEPOOL_EVICT, range);
}

int framepool_pin(int space, struct framepool_range *range)
{
	return command(space, FRAMEPOOL_PIN, range);
}

int framepool_unpin(int space, struct framepool_range *range)
{
	return command(space, FRAMEPOOL_UNPIN, range);
}

int framepool_hold(int space, struct framepool_range *range)
{
	return command(space, FRAMEPOOL_HOLD, range);
}

int framepool_release(int space, struct framepool_range *range)
{
	return command(space, FRAMEPOOL_RELEASE, range);
}

int framepool_sync(int space, struct framepool_range *range)
{
	return command(space, FRAMEPOOL_SYNC, range);
}

int framepool_advise(int space, struct framepool_advise *advise)
{
	return command(space, FRAMEPOOL_ADVISE, advise);
}

int framepool_record_start(int space)
{
	struct framepool_record_start start;

	FRAMEPOOL_INIT(&start);
	return command(space, FRAMEPOOL_RECORD_START, &start);
}

int framepool_record(int space, struct framepool_record *record)
{
	return command(space, FRAMEPOOL_RECORD, record);
}

int framepool_residency(int space, uint64_t offset, uint64_t length, void *bitmap,
			uint64_t *resident)
{
	struct framepool_residency residency;
	int err;

	FRAMEPOOL_INIT(&residency);
	residency.offset = offset;
	residency.length = length;
	residency.bitmap = (uintptr_t)bitmap;
	err = command(space, FRAMEPOOL_RESIDENCY, &residency);
	if (!err && resident)
		*resident = residency.resident;
	return err;
}

int framepool_resize(int space, uint64_t bytes)
{
	struct framepool_resize resize;

	FRAMEPOOL_INIT(&resize);
	resize.bytes = bytes;
	return command(space, FRAMEPOOL_RESIZE, &resize);
}

int framepool_set_block(int space, unsigned int block_type)
{
	struct framepool_block block;

	FRAMEPOOL_INIT(&block);
	block.block_type = block_type;
	return command(space, FRAMEPOOL_SET_BLOCK, &block);
}
