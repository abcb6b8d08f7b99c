// SPDX-License-Identifier: GPL-2.0-only
/*
 * The direct path: bios for the blocks of a file, or of a device, without a file system between.
 *
 * Of a file it needs the contract of swapon(2): all blocks are there, are written over in place,
 * and stay where they are.  So the blocks are looked up once, and as long as the space exists the
 * inode is marked as a swap file: the file system refuses to truncate it, to punch holes, to share
 * its blocks, to unlink it, and to write to it for anybody else.  It counts as open for writing, be
 * the space read only: else fs-verity could be enabled on it, and our reads are not verified.
 *
 * ext4 and xfs keep the contract; a hole, an unwritten extent or a shared block in the file, data
 * that goes to a journal first, and every other file system, means that there is no direct path.
 */
#include "direct.h"

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <linux/highmem.h>
#include <linux/magic.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/stat.h>

#include "inject.h"

#define XFS_MAGIC	0x58465342	/* in no header of the kernel's for others */

struct fpool_extent {
	u64 pos;		/* in the file, bytes */
	u64 len;
	sector_t sector;
};

/* Opening. */

static bool in_place(const struct inode *inode)
{
	unsigned long magic = inode->i_sb->s_magic;

	if (magic != EXT4_SUPER_MAGIC && magic != XFS_MAGIC)
		return false;
	return inode->i_sb->s_bdev && inode->i_blkbits <= PAGE_SHIFT &&
	       !IS_ENCRYPTED(inode) && !IS_VERITY(inode) && !IS_DAX(inode);
}

/*
 * There is no direct I/O to what is kept elsewhere than in its blocks: in the inode, or for a while
 * in the journal, from which after a power cut old bytes would be put over ours.
 */
static bool has_direct_io(struct file *file)
{
	struct kstat stat;

	if (vfs_getattr_nosec(&file->f_path, &stat, STATX_DIOALIGN, AT_STATX_SYNC_AS_STAT))
		return false;
	return stat.result_mask & STATX_DIOALIGN && stat.dio_offset_align;
}

/* Who reads the file into memory that does not come keeps the lock as long as he likes. */
static int mark(struct inode *inode)
{
	int err;

	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	err = IS_SWAPFILE(inode) ? -ETXTBSY : get_write_access(inode);
	if (!err)
		inode_set_flags(inode, S_SWAPFILE, S_SWAPFILE);
	inode_unlock(inode);
	return err;
}

static void unmark(struct inode *inode)
{
	inode_lock(inode);
	inode_set_flags(inode, 0, S_SWAPFILE);
	put_write_access(inode);
	inode_unlock(inode);
}

/* A file in more pieces than this costs more memory than it is worth: 24 MiB. */
#define EXTENTS_MAX	BIT(20)

static int add_extent(struct fpool_direct *d, unsigned int *room, const struct fpool_extent *e)
{
	struct fpool_extent *grown;

	if (d->nr == EXTENTS_MAX)
		return -EOPNOTSUPP;
	if (d->nr == *room) {
		*room = *room ? 2 * *room : 16;
		grown = kvmalloc_array(*room, sizeof(*grown), GFP_KERNEL_ACCOUNT);
		if (!grown)
			return -ENOMEM;
		if (d->nr)
			memcpy(grown, d->extent, d->nr * sizeof(*grown));
		kvfree(d->extent);
		d->extent = grown;
	}
	d->extent[d->nr++] = *e;
	return 0;
}

/* Where all blocks are. -EOPNOTSUPP: some are nowhere, or not where they will be. */
static int map_blocks(struct fpool_direct *d, struct inode *inode)
{
	unsigned int bits = inode->i_blkbits, room = 0;
	u64 nr = DIV_ROUND_UP_ULL(i_size_read(inode), 1U << bits), i;
	struct fpool_extent e = {};
	sector_t block;
	int err;

	for (i = 0; i < nr; i++) {
		block = i;
		if (bmap(inode, &block) || !block)
			return -EOPNOTSUPP;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		if (e.len && e.sector + (e.len >> SECTOR_SHIFT) == block << (bits - SECTOR_SHIFT)) {
			e.len += 1U << bits;
			continue;
		}
		/* A page is read and written in one piece. */
		if ((i << bits) & ~PAGE_MASK)
			return -EOPNOTSUPP;
		err = e.len ? add_extent(d, &room, &e) : 0;
		if (err)
			return err;
		e = (struct fpool_extent){ i << bits, 1U << bits, block << (bits - SECTOR_SHIFT) };
	}
	d->bytes = nr << bits;
	return add_extent(d, &room, &e);
}

/**
 * fpool_direct_open_device - a direct path to a block device
 * @d: filled in
 * @file: an open of it, which lasts longer
 *
 * Context: Process context.
 * Return: 0; -EOPNOTSUPP: its size is no multiple of a sector; -ENOMEM.
 */
int fpool_direct_open_device(struct fpool_direct *d, struct file *file)
{
	struct inode *host = file->f_mapping->host;

	d->tail = alloc_page(GFP_KERNEL);
	if (!d->tail)
		return -ENOMEM;
	mutex_init(&d->tail_lock);
	invalidate_inode_pages2(file->f_mapping);
	d->bytes = i_size_read(host);
	d->bdev = I_BDEV(host);
	return 0;
}

static int flush(struct file *file)
{
	return fpool_inject(FPOOL_INJECT_FLUSH) ? -EIO : vfs_fsync(file, 0);
}

/**
 * fpool_direct_open_file - a direct path to the blocks of a regular file
 * @d: filled in
 * @file: an open of it, which lasts longer
 *
 * Takes time in proportion to the file's size.
 *
 * Context: Process context; may sleep, and write the file's dirty pages.
 * Return: 0; -EOPNOTSUPP: the file, or its file system, does not keep the contract; -ETXTBSY: it
 * is a swap file; -EINTR: killed; -ENOMEM; or the error of writing what was dirty.
 */
int fpool_direct_open_file(struct fpool_direct *d, struct file *file)
{
	struct inode *inode = file_inode(file);
	int err;

	if (!in_place(inode))
		return -EOPNOTSUPP;
	err = mark(inode);
	if (err)
		return err;
	d->marked = inode;
	/* Not before: until then what is written may still come to go to the journal. */
	err = has_direct_io(file) ? flush(file) : -EOPNOTSUPP;
	if (!err)
		err = map_blocks(d, inode);
	if (!err) {
		d->tail = alloc_page(GFP_KERNEL);
		err = d->tail ? 0 : -ENOMEM;
	}
	if (err) {
		fpool_direct_close(d);
		return err;
	}
	/* Nothing cached is newer now, and what is written past the cache is to be seen. */
	invalidate_inode_pages2(file->f_mapping);
	mutex_init(&d->tail_lock);
	d->bdev = inode->i_sb->s_bdev;
	return 0;
}

/**
 * fpool_direct_let_go - let the file have its blocks again
 * @d: opened, or zeros; nothing is written any more
 *
 * Context: Process context; waits for the inode's lock.
 */
void fpool_direct_let_go(struct fpool_direct *d)
{
	if (d->marked)
		unmark(d->marked);
	d->marked = NULL;
}

/**
 * fpool_direct_close - there is no direct path any more
 * @d: opened, or zeros
 *
 * Context: Process context, no I/O under way.
 */
void fpool_direct_close(struct fpool_direct *d)
{
	fpool_direct_let_go(d);
	kvfree(d->extent);
	if (d->tail)
		__free_page(d->tail);
	memset(d, 0, sizeof(*d));
}

/* I/O. */

/* The extent that a byte is in: there is one for every byte of the file. */
static __always_inline const struct fpool_extent *find(const struct fpool_direct *d, u64 pos)
{
	unsigned int low = 0, high = d->nr;

	while (high - low > 1) {
		unsigned int mid = (low + high) / 2;

		if (d->extent[mid].pos <= pos)
			low = mid;
		else
			high = mid;
	}
	return &d->extent[low];
}

/* Where a byte is on the device, and how many from there on lie together. */
static __always_inline u64 locate(const struct fpool_direct *d, u64 pos, sector_t *sector)
{
	const struct fpool_extent *e;

	if (!d->extent) {
		*sector = pos >> SECTOR_SHIFT;
		return d->bytes - pos;
	}
	e = find(d, pos);
	*sector = e->sector + ((pos - e->pos) >> SECTOR_SHIFT);
	return e->pos + e->len - pos;
}

static void set_up(struct fpool_direct *d, struct bio *bio, struct bio_vec *bv, unsigned int nr,
		   sector_t sector, size_t len, blk_opf_t op)
{
	bio_init(bio, d->bdev, bv, nr, op);
	bio->bi_vcnt = nr;
	bio->bi_iter.bi_sector = sector;
	bio->bi_iter.bi_size = len;
}

static int do_bio(struct fpool_direct *d, struct bio_vec *bv, unsigned int nr, sector_t sector,
		  size_t len, blk_opf_t op)
{
	struct bio bio;
	int err;

	set_up(d, &bio, bv, nr, sector, len, op);
	err = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return err;
}

/* Page by page, for what lies in more than one extent. */
static int do_pages(struct fpool_direct *d, struct bio_vec *bv, loff_t pos, size_t len,
		    blk_opf_t op)
{
	size_t done, at = 0;
	int err = 0;

	for (done = 0; !err && done < len; done += PAGE_SIZE) {
		size_t bytes = min_t(size_t, len - done, PAGE_SIZE);
		struct bio_vec one;
		sector_t sector;

		if (at == bv->bv_len) {
			bv++;
			at = 0;
		}
		bvec_set_page(&one, bv->bv_page + (at >> PAGE_SHIFT), bytes, 0);
		at += PAGE_SIZE;
		locate(d, pos + done, &sector);
		err = do_bio(d, &one, 1, sector, bytes, op);
	}
	return err;
}

static int transfer(struct fpool_direct *d, struct bio_vec *bv, unsigned int nr, loff_t pos,
		    size_t len, blk_opf_t op)
{
	sector_t sector;

	if (locate(d, pos, &sector) < len)
		return do_pages(d, bv, pos, len, op);
	return do_bio(d, bv, nr, sector, len, op);
}

/* How much of a read there is: fewer bytes at the end of the file, in whole sectors. */
static size_t readable(const struct fpool_direct *d, loff_t pos, size_t len)
{
	return (u64)pos < d->bytes ? min_t(u64, len, d->bytes - pos) : 0;
}

/**
 * fpool_direct_read - read into frames
 * @d: the direct path
 * @bv: where to
 * @nr: entries of @bv
 * @pos: offset in the file, a multiple of 4096
 * @len: bytes, a multiple of 4096, as many as @bv has room for
 *
 * Context: A worker; sleeps uninterruptibly.
 * Return: bytes read, fewer than @len at the end; or -EIO and what else devices say.
 */
ssize_t fpool_direct_read(struct fpool_direct *d, struct bio_vec *bv, unsigned int nr, loff_t pos,
			  size_t len)
{
	int err;

	len = readable(d, pos, len);
	err = len ? transfer(d, bv, nr, pos, len, REQ_OP_READ) : 0;
	return err ?: len;
}

/**
 * fpool_direct_start_read - start a read, if nothing has to be waited for
 * @d: the direct path
 * @bio: for the read; stays until @end was called
 * @bv: where to; stays as long
 * @nr: entries of @bv
 * @pos: offset in the file, a multiple of 4096
 * @len: bytes, a multiple of 4096, as many as @bv has room for
 * @bytes: out, before it is started: how many will be read, fewer at the end of the file
 * @end: called when it has ended, in any context, perhaps before this returns; BLK_STS_AGAIN: it
 *	would have had to wait
 *
 * Context: Process context, under mm's locks or not.
 * Return: whether it was started.
 */
bool fpool_direct_start_read(struct fpool_direct *d, struct bio *bio, struct bio_vec *bv,
			     unsigned int nr, loff_t pos, size_t len, size_t *bytes,
			     bio_end_io_t *end)
{
	sector_t sector;

	len = readable(d, pos, len);
	*bytes = len;
	if (!len || !bdev_nowait(d->bdev) || locate(d, pos, &sector) < len)
		return false;
	set_up(d, bio, bv, nr, sector, len, REQ_OP_READ | REQ_NOWAIT);
	bio->bi_end_io = end;
	submit_bio(bio);
	return true;
}

/* The last page, of which the file has only the first @len bytes: what follows is zero. */
static int write_tail(struct fpool_direct *d, struct page *page, loff_t pos, size_t len)
{
	size_t whole = ALIGN(len, bdev_logical_block_size(d->bdev));
	struct bio_vec bv;
	int err;

	mutex_lock(&d->tail_lock);
	memcpy_page(d->tail, 0, page, 0, len);
	memzero_page(d->tail, len, PAGE_SIZE - len);
	bvec_set_page(&bv, d->tail, whole, 0);
	err = transfer(d, &bv, 1, pos, whole, REQ_OP_WRITE | REQ_SYNC | REQ_IDLE);
	mutex_unlock(&d->tail_lock);
	return err;
}

/**
 * fpool_direct_write - write frames out
 * @d: the direct path
 * @bv: where from
 * @nr: entries of @bv
 * @pos: offset in the file, a multiple of 4096
 * @len: bytes; not a multiple of 4096 only where it ends at the end of the file
 *
 * Context: A worker; sleeps uninterruptibly.
 * Return: 0: all of it is with the device, perhaps in its volatile cache; or -EIO and what else
 * devices say: any part of it may be.
 */
int fpool_direct_write(struct fpool_direct *d, struct bio_vec *bv, unsigned int nr, loff_t pos,
		       size_t len)
{
	size_t whole = ALIGN_DOWN(len, PAGE_SIZE);
	struct bio_vec *last = &bv[nr - 1];
	struct page *page = last->bv_page + ((last->bv_len - 1) >> PAGE_SHIFT);
	int err;

	if ((u64)pos + len > d->bytes)
		return -EFBIG;
	if (whole == len)
		return transfer(d, bv, nr, pos, len, REQ_OP_WRITE | REQ_SYNC | REQ_IDLE);
	err = write_tail(d, page, pos + whole, len - whole);
	if (err || !whole)
		return err;
	last->bv_len -= PAGE_SIZE;
	return transfer(d, bv, last->bv_len ? nr : nr - 1, pos, whole,
			REQ_OP_WRITE | REQ_SYNC | REQ_IDLE);
}

/**
 * fpool_direct_start_write - start to write whole pages
 * @d: the direct path
 * @bio: for the write; stays until @end was called
 * @bv: where from; stays as long
 * @nr: entries of @bv
 * @pos: offset in the file, a multiple of 4096
 * @len: bytes, a multiple of 4096
 * @end: called when it has ended, in any context, perhaps before this returns
 *
 * Context: A worker or the reclaim thread; sleeps only where the device has no room.
 * Return: whether it was started; not if it lies in more than one extent, or past the end.
 */
bool fpool_direct_start_write(struct fpool_direct *d, struct bio *bio, struct bio_vec *bv,
			      unsigned int nr, loff_t pos, size_t len, bio_end_io_t *end)
{
	sector_t sector;

	if ((u64)pos + len > d->bytes || locate(d, pos, &sector) < len)
		return false;
	set_up(d, bio, bv, nr, sector, len, REQ_OP_WRITE | REQ_SYNC | REQ_IDLE);
	bio->bi_end_io = end;
	submit_bio(bio);
	return true;
}
