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
#include <linux/blk-mq.h>
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

static int add_extent(struct fpool_direct *d, u32 max, const struct fpool_extent *e)
{
	struct fpool_extent *grown;

	if (d->nr == max)
		return -EOPNOTSUPP;
	if (d->nr == d->room) {
		d->room = min(d->room ? 2 * d->room : 16, max);
		grown = kvmalloc_array(d->room, sizeof(*grown), GFP_KERNEL_ACCOUNT);
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

/*
 * Where all blocks are. -EOPNOTSUPP: some are nowhere, or not where they will be, or they are in
 * more than @max pieces.
 */
static int map_blocks(struct fpool_direct *d, struct inode *inode, u32 max)
{
	unsigned int bits = inode->i_blkbits;
	u64 nr = DIV_ROUND_UP_ULL(i_size_read(inode), 1U << bits), i;
	sector_t block, next = 0;
	int err;

	if (!nr)
		return -EOPNOTSUPP;
	for (i = 0; i < nr; i++) {
		block = i;
		if (bmap(inode, &block) || !block)
			return -EOPNOTSUPP;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		block <<= bits - SECTOR_SHIFT;
		if (block != next) {
			/* A page is read and written in one piece. */
			if ((i << bits) & ~PAGE_MASK)
				return -EOPNOTSUPP;
			err = add_extent(d, max, &(struct fpool_extent){ i << bits, block });
			if (err)
				return err;
		}
		next = block + (1U << (bits - SECTOR_SHIFT));
	}
	d->bytes = nr << bits;
	return 0;
}

static void set_bdev(struct fpool_direct *d, struct block_device *bdev)
{
	const struct blk_mq_tag_set *tags = bdev_get_queue(bdev)->tag_set;

	d->bdev = bdev;
	d->sleeps = tags && tags->flags & BLK_MQ_F_BLOCKING;
}

/**
 * fpool_direct_open_device - a direct path to a block device
 * @d: filled in
 * @file: an open of it, which lasts longer
 *
 * Context: Process context.
 * Return: 0; -EOPNOTSUPP: its size is no multiple of its blocks; -ENOMEM.
 */
int fpool_direct_open_device(struct fpool_direct *d, struct file *file)
{
	struct inode *host = file->f_mapping->host;

	if (i_size_read(host) & (bdev_logical_block_size(I_BDEV(host)) - 1))
		return -EOPNOTSUPP;
	d->tail = alloc_page(GFP_KERNEL);
	if (!d->tail)
		return -ENOMEM;
	mutex_init(&d->tail_lock);
	invalidate_inode_pages2(file->f_mapping);
	d->bytes = i_size_read(host);
	set_bdev(d, I_BDEV(host));
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
 * @max: pieces that it may be in: each costs memory
 *
 * Takes time in proportion to the file's size.
 *
 * Context: Process context; may sleep, and write the file's dirty pages.
 * Return: 0; -EOPNOTSUPP: the file, or its file system, does not keep the contract, or it is in
 * too many pieces; -ETXTBSY: it is a swap file; -EINTR: killed; -ENOMEM; or the error of writing
 * what was dirty.
 */
int fpool_direct_open_file(struct fpool_direct *d, struct file *file, u32 max)
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
		err = map_blocks(d, inode, max);
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
	set_bdev(d, inode->i_sb->s_bdev);
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

/**
 * fpool_direct_bytes - how much memory is for where the file's pieces are
 * @d: opened, or zeros
 *
 * Context: Any.
 * Return: bytes.
 */
size_t fpool_direct_bytes(const struct fpool_direct *d)
{
	return d->room * sizeof(*d->extent) + (d->tail ? PAGE_SIZE : 0);
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
	return (e + 1 < d->extent + d->nr ? e[1].pos : d->bytes) - pos;
}

/*
 * Does the device keep nobody who does not want to wait?  What a driver does when it is given a
 * request it says elsewhere: one that sends it by network may sleep until the server has read it.
 */
static __always_inline bool has_nowait(const struct fpool_direct *d)
{
	return bdev_nowait(d->bdev) && !d->sleeps;
}

/* What goes out of the start of @bio at once, that lies at @pos: the rest is elsewhere. */
static size_t together(const struct fpool_direct *d, const struct bio *bio, loff_t pos)
{
	sector_t sector;

	return min_t(u64, bio->bi_iter.bi_size, locate(d, pos, &sector));
}

/* How far it is to where the device's next stripe, or what else may not be crossed, begins. */
static size_t to_boundary(const struct bio *bio, unsigned int chunk)
{
	sector_t sector = bio->bi_iter.bi_sector + bio->bi_bdev->bd_start_sect;
	u32 into;

	div_u64_rem(sector, chunk, &into);
	return (size_t)(chunk - into) << SECTOR_SHIFT;
}

/*
 * So much of it no queue has to split, which would be refused to who may not wait.  A page is a
 * segment at most, frames that lie together are as few as a segment's size and boundaries allow.
 * The limits may change meanwhile, as for the block layer itself: then somebody waits after all.
 */
static size_t unsplit(const struct bio *bio)
{
	const struct queue_limits *lim = &bdev_get_queue(bio->bi_bdev)->limits;
	unsigned int chunk = READ_ONCE(lim->chunk_sectors);
	size_t bytes = ALIGN_DOWN((size_t)lim->max_sectors << SECTOR_SHIFT, PAGE_SIZE);
	u64 size = min_not_zero((u64)lim->max_segment_size, (u64)lim->seg_boundary_mask + 1);

	bytes = min_t(size_t, bytes, bio->bi_iter.bi_size);
	if (2 * bio->bi_vcnt + div64_u64(bytes, size) > lim->max_segments)
		bytes = min(bytes, (size_t)lim->max_segments << PAGE_SHIFT);
	if (chunk)
		bytes = min(bytes, to_boundary(bio, chunk));
	return bytes ?: bio->bi_iter.bi_size;
}

static __always_inline void set_up(struct fpool_direct *d, struct bio *bio, struct bio_vec *bv,
				   unsigned int nr, loff_t pos, size_t len, blk_opf_t op)
{
	bio_init(bio, d->bdev, bv, nr, op);
	bio->bi_vcnt = nr;
	locate(d, pos, &bio->bi_iter.bi_sector);
	bio->bi_iter.bi_size = len;
}

/*
 * Submit all but the last of the pieces that have to go out each for itself, and leave that one;
 * its end is then the end of all.  False: for a piece there was no memory without waiting.
 */
static noinline bool split(struct fpool_direct *d, struct bio *bio, loff_t pos)
{
	bool nowait = bio->bi_opf & REQ_NOWAIT;
	gfp_t gfp = nowait ? GFP_NOWAIT | __GFP_NOWARN : GFP_NOIO;
	struct bio *front;
	size_t bytes;

	for (;;) {
		bytes = together(d, bio, pos);
		if (nowait)
			bytes = min(bytes, unsplit(bio));
		/* Nothing lies past the end: the device says so. */
		if (!bytes || bytes == bio->bi_iter.bi_size)
			return true;
		front = bio_split(bio, bytes >> SECTOR_SHIFT, gfp, &fs_bio_set);
		if (!front)
			return false;
		bio_chain(front, bio);
		submit_bio(front);
		pos += bytes;
		locate(d, pos, &bio->bi_iter.bi_sector);
	}
}

static __always_inline void start(struct fpool_direct *d, struct bio *bio, loff_t pos,
				  bio_end_io_t *end)
{
	bio->bi_end_io = end;
	/* Most are of one page, of which there are no pieces. */
	if (bio->bi_iter.bi_size <= PAGE_SIZE || split(d, bio, pos))
		submit_bio(bio);
	else
		bio_wouldblock_error(bio);
}

static int transfer(struct fpool_direct *d, struct bio_vec *bv, unsigned int nr, loff_t pos,
		    size_t len, blk_opf_t op)
{
	struct bio bio;
	int err;

	set_up(d, &bio, bv, nr, pos, len, op);
	split(d, &bio, pos);
	err = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return err;
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
	len = readable(d, pos, len);
	*bytes = len;
	if (!len || !has_nowait(d))
		return false;
	set_up(d, bio, bv, nr, pos, len, REQ_OP_READ | REQ_NOWAIT);
	start(d, bio, pos, end);
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
 * @nowait: where something has to be waited for it ends with BLK_STS_AGAIN, or is not started
 * @end: called when it has ended, in any context, perhaps before this returns
 *
 * Context: A worker, which sleeps where the device has no room; with @nowait the reclaim thread.
 * Return: whether it was started; not if it lies past the end.
 */
bool fpool_direct_start_write(struct fpool_direct *d, struct bio *bio, struct bio_vec *bv,
			      unsigned int nr, loff_t pos, size_t len, bool nowait,
			      bio_end_io_t *end)
{
	blk_opf_t op = REQ_OP_WRITE | REQ_SYNC | REQ_IDLE;

	if ((u64)pos + len > d->bytes || (nowait && !has_nowait(d)))
		return false;
	set_up(d, bio, bv, nr, pos, len, nowait ? op | REQ_NOWAIT : op);
	start(d, bio, pos, end);
	return true;
}
