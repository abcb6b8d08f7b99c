/* SPDX-License-Identifier: GPL-2.0-only */
/* The backing file of a space: a regular file or a block device, and how to do I/O on it. */
#ifndef FPOOL_BACKING_H
#define FPOOL_BACKING_H

#include <linux/bvec.h>
#include <linux/fs.h>

#include "copy.h"
#include "direct.h"

struct fpool_backing {
	struct file *file;	/* our own open of it, which nobody else can change */
	struct file *wfile;	/* the same or a second one, for writing; NULL: read only (yet) */
	const struct super_block *sb;	/* that @wfile is written to, also below an overlay */
	struct block_device *bdev;	/* and what is below; NULL: no one device */
	bool direct;		/* past the page cache */
	bool copies;		/* and what is written is a copy, whatever the device says */
	bool blockdev;
	bool changed;		/* any time: since fpool_backing_tell_time() */
	struct fpool_direct bio;	/* past the file system; the next best is @direct */
};

/**
 * struct fpool_read - a read that was started
 * @iocb: through the file system
 * @bio: past it
 * @bytes: that it asked for
 * @done: called with bytes or an errno
 */
struct fpool_read {
	union {
		struct kiocb iocb;
		struct bio bio;
	};
	size_t bytes;
	void (*done)(struct fpool_read *read, long ret);
};

/**
 * struct fpool_write - a write that was started
 * @iocb: through the file system
 * @bytes: of @iocb
 * @bio: past it
 * @b: that it writes to
 * @copy: of what is written; NULL: the frames are
 * @done: called with 0 or an errno
 */
struct fpool_write {
	union {
		struct {
			struct kiocb iocb;
			size_t bytes;
		};
		struct bio bio;
	};
	struct fpool_backing *b;
	struct fpool_copy *copy;
	void (*done)(struct fpool_write *write, int err);
};

int fpool_backing_validate(struct file *file, bool write);
int fpool_backing_open(struct fpool_backing *b, struct file *file, bool write);
int fpool_backing_upgrade(struct fpool_backing *b, struct file *file);
void fpool_backing_open_direct(struct fpool_backing *b, u32 max);
void fpool_backing_forget_cached(struct fpool_backing *b);
void fpool_backing_let_go(struct fpool_backing *b);
void fpool_backing_close(struct fpool_backing *b);
u64 fpool_backing_bytes(const struct fpool_backing *b);
struct inode *fpool_backing_host(struct file *file);

ssize_t fpool_backing_read(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr,
			   loff_t pos, size_t len);
ssize_t fpool_backing_read_nowait(struct fpool_backing *b, struct fpool_read *read,
				  struct bio_vec *bv, unsigned int nr, loff_t pos, size_t len,
				  void (*done)(struct fpool_read *read, long ret));
int fpool_backing_write(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr,
			loff_t pos, size_t len);
bool fpool_backing_start_write(struct fpool_backing *b, struct fpool_write *write,
			       struct bio_vec *bv, unsigned int nr, loff_t pos, size_t len,
			       bool nowait, void (*done)(struct fpool_write *write, int err));

/* May it be written by now? */
static inline bool fpool_backing_writable(const struct fpool_backing *b)
{
	/* Pairs with fpool_backing_upgrade(): the file that it has opened comes with it. */
	return smp_load_acquire(&b->wfile);
}

/* Its blocks are where they were when it was opened: neither more nor fewer. */
static inline bool fpool_backing_fixed(const struct fpool_backing *b)
{
	return b->bio.marked;
}

bool fpool_backing_copies(const struct fpool_backing *b);
bool fpool_backing_may_watch(const struct fpool_backing *b);
bool fpool_backing_frozen(const struct fpool_backing *b);
void fpool_backing_tell_time(struct fpool_backing *b);
int fpool_backing_flush(struct fpool_backing *b, bool written);
int fpool_backing_resize(struct fpool_backing *b, u64 bytes);

#endif /* FPOOL_BACKING_H */
