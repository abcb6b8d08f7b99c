// SPDX-License-Identifier: GPL-2.0-only
/* Setting the limits of working sets. */
#include <errno.h>

#include "text.h"
#include "wset.h"

const struct reason wset_reasons[] = {
	{ ESRCH, "there is no such process, or it maps nothing of the pool",
	  "See 'framepool wset'." },
	{ ENOENT, "there is no such pool", "See 'framepool pool list'." },
	{ EPERM, "it is another user's, or a higher minimum", "Run it as root." },
	{ EINVAL, "the minimum is over the maximum, or the maximum is under 32K",
	  "Give other limits." },
	{ ENOSPC, "the minimum cannot be guaranteed beside those of the others",
	  "All together may have three quarters of the pool." },
	{ EBUSY, "the maximum does not leave 32K beside what is pinned, or the pages above it "
		 "cannot be written",
	  "Unpin, or see 'framepool doctor'." },
	{ }
};

static uint64_t frames(__u64 bytes)
{
	return bytes == FRAMEPOOL_WSET_NO_MAX ? bytes : bytes / PAGE_BYTES;
}

int wset_limit(int control, const char *pool, int pid, const __u64 *min, const __u64 *max)
{
	struct framepool_wset wset;
	int err = framepool_get_wset(control, pool, pid, &wset);

	if (err)
		return err;
	return framepool_limit_wset(control, pool, pid, min ? frames(*min) : wset.min,
				    max ? frames(*max) : wset.max);
}
