/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctl ABI: one table a descriptor, one row a command. */
#ifndef FPOOL_IOCTL_H
#define FPOOL_IOCTL_H

#include <linux/fs.h>
#include <uapi/linux/framepool.h>

/* Every argument struct begins with these. */
struct fpool_ioctl_head {
	u32 size;
	u32 flags;
};

/**
 * struct fpool_ioctl - one command
 * @cmd: its number
 * @size: of its struct
 * @min: of its struct's first version
 * @flags: that are known
 * @results: what @fn leaves in its argument is copied back, also after errors
 * @fn: does it, on a kernel copy of the argument, which it leaves as it is where it refuses
 * @undo: undoes it, where the results could not be copied back; may be NULL: nobody minds that it
 *	was done
 */
struct fpool_ioctl {
	unsigned int cmd;
	u32 size;
	u32 min;
	u32 flags;
	bool results;
	long (*fn)(struct file *file, void *arg);
	void (*undo)(struct file *file, void *arg);
};

#define FPOOL_IOCTL(_cmd, _struct, _last, _flags, _fn) {			\
	.cmd = (_cmd), .size = sizeof(_struct), .min = offsetofend(_struct, _last),	\
	.flags = (_flags), .results = true, .fn = (_fn) }

/* A command that only takes: its argument may be in memory that cannot be written. */
#define FPOOL_IOCTL_IN(_cmd, _struct, _last, _fn) {				\
	.cmd = (_cmd), .size = sizeof(_struct), .min = offsetofend(_struct, _last),	\
	.fn = (_fn) }

long fpool_ioctl_dispatch(const struct fpool_ioctl *table, size_t nr, struct file *file,
			  unsigned int cmd, unsigned long arg);
bool fpool_ioctl_string(const char *s, size_t size);

#endif /* FPOOL_IOCTL_H */
