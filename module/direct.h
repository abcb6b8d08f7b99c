/* SPDX-License-Identifier: GPL-2.0-only */
/* The direct path: bios for the blocks of a file, or of a device, without a file system between. */
#ifndef FPOOL_DIRECT_H
#define FPOOL_DIRECT_H

#include <linux/bio.h>
#include <linux/fs.h>

#define XFS_MAGIC	0x58465342	/* in no header of the kernel's for others */

/* It goes up to the next one. */
struct fpool_extent {
	u64 pos;			/* in the file, bytes */
	sector_t sector;
};

/* All of it is set when the file is attached (I), but for @marked (A) and what tail_lock is for. */
struct fpool_direct {
	struct block_device *bdev;	/* NULL: there is no direct path */
	bool sleeps;			/* its driver, in whoever submits */
	struct inode *marked;		/* the file whose blocks may not move meanwhile; or NULL */
	struct fpool_extent *extent;	/* of a file, sorted; NULL: all of the device */
	u32 nr;
	u32 room;			/* for so many there is memory */
	u64 bytes;			/* that may be read and written, whole sectors */
	struct page *tail;		/* for the page that the end cuts in two; tail_lock */
	struct mutex tail_lock;		/* one such write at a time */
};

/*
 * A file in more pieces than one for 16 frames would take more memory than it is worth, but a page
 * of it is nothing.
 */
static inline u32 fpool_direct_pieces(u32 nframes)
{
	return max_t(u32, nframes / 16, PAGE_SIZE / sizeof(struct fpool_extent));
}

/* What a direct path takes of the kernel's memory, at most. */
static inline size_t fpool_direct_bytes_max(u32 nframes)
{
	return PAGE_SIZE + fpool_direct_pieces(nframes) * sizeof(struct fpool_extent);
}

int fpool_direct_open_device(struct fpool_direct *d, struct file *file);
int fpool_direct_open_file(struct fpool_direct *d, struct file *file, u32 max);
void fpool_direct_let_go(struct fpool_direct *d);
void fpool_direct_close(struct fpool_direct *d);
size_t fpool_direct_bytes(const struct fpool_direct *d);

ssize_t fpool_direct_read(struct fpool_direct *d, struct bio_vec *bv, unsigned int nr, loff_t pos,
			  size_t len);
bool fpool_direct_start_read(struct fpool_direct *d, struct bio *bio, struct bio_vec *bv,
			     unsigned int nr, loff_t pos, size_t len, size_t *bytes,
			     bio_end_io_t *end);
int fpool_direct_write(struct fpool_direct *d, struct bio_vec *bv, unsigned int nr, loff_t pos,
		       size_t len);
bool fpool_direct_start_write(struct fpool_direct *d, struct bio *bio, struct bio_vec *bv,
			      unsigned int nr, loff_t pos, size_t len, bool nowait,
			      bio_end_io_t *end);

#endif /* FPOOL_DIRECT_H */
