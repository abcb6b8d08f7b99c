// SPDX-License-Identifier: GPL-2.0-only
/*
 * Backing I/O: bytes between frames and a file, in a worker, or started by who asks for it.
 *
 * Direct I/O where the file system has it, so that nothing is cached twice; buffered I/O,
 * dropped behind, elsewhere and for what direct I/O cannot do:
 *
 *  - the last partial page is written to exactly the end of the file, which a direct write of whole
 *    blocks would grow;
 *  - btrfs checksums what it writes, and stores go on while a page is written: the copy that
 *    the page cache takes is the stable one;
 *  - tmpfs is a page cache.
 *
 * What goes to a device that makes checksums of what it is given is a copy, too (copy.c), but
 * no page cache's: that would be waited for, and direct I/O starts many writes together.
 *
 * File systems take their inode lock under I/O and fault under their inode lock.  So nothing here
 * is called with mmap_lock or a VMA lock held, but fpool_backing_read_nowait(): a fault starts its
 * read under its lock.  That takes of a file system's locks only those that are free, and waits
 * for nothing; what would have to wait is left to a worker.
 */
#include "backing.h"

#include <linux/backing-dev.h>
#include <linux/blkdev.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/uio.h>

#include "compat.h"
#include "inject.h"

/* What is read of these is made at that moment, and what is written is a command. */
static bool is_no_storage(const struct inode *inode)
{
	switch (inode->i_sb->s_magic) {
	case SYSFS_MAGIC:
	case PROC_SUPER_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

/* A memfd that nobody writes to any more, or that nobody begins to write to. */
static bool is_sealed(struct file *file)
{
	struct inode *inode = fpool_backing_host(file);

	return S_ISREG(inode->i_mode) && inode->i_sb->s_magic == TMPFS_MAGIC &&
	       SHMEM_I(inode)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
}

static int validate_for_writing(struct file *file)
{
	if (S_ISREG(file_inode(file)->i_mode) && __mnt_is_readonly(file->f_path.mnt))
		return -EROFS;
	if (!(file->f_mode & FMODE_WRITE))
		return -EACCES;
	/* As hugetlbfs has it. */
	if (!file->f_op->write_iter)
		return -EINVAL;
	return is_sealed(file) ? -EPERM : 0;
}

/**
 * fpool_backing_validate - can this file be behind a space?
 * @file: what a program offered
 * @write: whether pages are to be written back
 *
 * Context: Any.
 * Return: 0; -EISDIR: a directory; -EINVAL: neither a regular file nor a block device, a file of
 * sysfs and its like, one that cannot be written at all, or opened with O_APPEND, which would move
 * every write to the end; -EROFS: on a read-only mount; -EACCES: not opened for reading, or not for
 * writing; -EPERM: sealed against writing; -ENODATA: empty.
 */
int fpool_backing_validate(struct file *file, bool write)
{
	struct inode *inode = file_inode(file);
	int err;

	if (S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (!S_ISREG(inode->i_mode) && !S_ISBLK(inode->i_mode))
		return -EINVAL;
	if (file->f_flags & O_APPEND || is_no_storage(inode) || !file->f_op->read_iter)
		return -EINVAL;
	err = write ? validate_for_writing(file) : 0;
	if (err)
		return err;
	if (!(file->f_mode & FMODE_READ))
		return -EACCES;
	if (!i_size_read(fpool_backing_host(file)))
		return -ENODATA;
	return 0;
}

/**
 * fpool_backing_host - what makes two files the same
 * @file: an opened file
 *
 * Context: Any.
 * Return: the inode that owns its page cache: for a block special file, the device's.
 */
struct inode *fpool_backing_host(struct file *file)
{
	return file->f_mapping->host;
}

static bool wants_direct(struct file *file)
{
	/* Not of a block device's special file, which is on a tmpfs. */
	unsigned long magic = fpool_backing_host(file)->i_sb->s_magic;

	return (file->f_mode & FMODE_CAN_ODIRECT) && magic != BTRFS_SUPER_MAGIC &&
	       magic != TMPFS_MAGIC;
}

/* The inode that the blocks belong to, also below an overlay. */
static struct inode *real_host(struct file *file)
{
	struct inode *host = fpool_backing_host(file);

	return S_ISBLK(host->i_mode) ? host : d_real_inode(file->f_path.dentry);
}

/* The device below, unless its file system may change it for another: btrfs does. */
static struct block_device *lasting_bdev(struct inode *host)
{
	unsigned long magic = host->i_sb->s_magic;

	if (S_ISBLK(host->i_mode))
		return I_BDEV(host);
	return magic == EXT4_SUPER_MAGIC || magic == XFS_MAGIC ? host->i_sb->s_bdev : NULL;
}

/* Does somebody on the way to the device look at the bytes twice? */
static bool wants_copies(const struct inode *host)
{
	struct block_device *bdev = host->i_sb->s_bdev;

	return (bdev && bdev_stable_writes(bdev)) ||
	       host->i_sb->s_iflags & SB_I_STABLE_WRITES ||
	       mapping_stable_writes(host->i_mapping) || fpool_inject(FPOOL_INJECT_STABLE);
}

/*
 * Who listens to the file is told nothing, as with stores to a mapping: fanotify may want to be
 * asked for leave, and a fault that reads under its lock would wait for a program.
 */
static struct file *open_again(struct file *file, int flags)
{
	if (fpool_inject(FPOOL_INJECT_OPEN))
		return ERR_PTR(-ENOMEM);
	return dentry_open(&file->f_path, flags | O_LARGEFILE | __FMODE_NONOTIFY, current_cred());
}

/* As a shared mapping for writing would: nobody seals the file against it meanwhile. */
static struct file *open_to_write(struct file *file, const struct inode *ours)
{
	struct inode *host = fpool_backing_host(file);
	struct file *own;
	int err;

	/* Its blocks are somebody else's, and the file system takes no write; or it is @ours. */
	if (IS_SWAPFILE(host) && host != ours)
		return ERR_PTR(-ETXTBSY);
	own = open_again(file, O_RDWR);
	if (IS_ERR(own))
		return own;
	/* To tell the time is a transaction, which would have to be waited for; later, and once. */
	own->f_mode |= FMODE_NOCMTIME;
	err = mapping_map_writable(own->f_mapping);
	if (!err)
		return own;
	fput(own);
	return ERR_PTR(err);
}

/* Where the file's pages are cached: an overlay has none of its own. */
static struct address_space *cache_of(struct file *file)
{
	return real_host(file)->i_mapping;
}

/* What is cached of these pages leaves, unless it is all that there is (tmpfs). */
static void drop_cached(struct file *file, pgoff_t first, pgoff_t last)
{
	struct address_space *mapping = cache_of(file);

	if (mapping_can_writeback(mapping))
		invalidate_mapping_pages(mapping, first, last);
}

static void use_for_writing(struct fpool_backing *b, struct file *own)
{
	/* Not that of what it was read from, perhaps: an overlay has made a copy of its own. */
	struct inode *host = real_host(own);

	b->sb = host->i_sb;
	b->bdev = lasting_bdev(host);
	b->copies = b->direct && wants_copies(host);
	/* A direct write has to drop what is cached; one that may not wait is refused for it. */
	if (b->direct && !b->blockdev)
		drop_cached(own, 0, -1);
	/* Who sees it sees the rest; pairs with fpool_backing_writable(). */
	smp_store_release(&b->wfile, own);
}

/* Of an error that nobody has been told of yet a second one would not differ: now it does. */
static errseq_t errors_so_far(struct address_space *mapping)
{
	errseq_t since = 0;

	errseq_check_and_advance(&mapping->wb_err, &since);
	return since;
}

/*
 * Whoever waits for any page of the file takes the error that the wait would tell, a program's
 * fsync() too; that there has been one since is told to all.
 */
static int write_and_wait(struct address_space *mapping, loff_t first, loff_t last, errseq_t since)
{
	int err = filemap_write_and_wait_range(mapping, first, last);

	return err ?: errseq_check(&mapping->wb_err, since);
}

/*
 * What was cached before us and is newer than the medium.  What cannot be written is clean then,
 * and nobody would see it through us.  Only errors of just now count: older ones are for who syncs.
 */
static int write_cached(struct address_space *mapping, bool write)
{
	errseq_t since;

	if (fpool_inject(FPOOL_INJECT_FLUSH))
		return -EIO;
	filemap_check_errors(mapping);
	/* Who only reads never syncs, and must not take an error from who opens the file later. */
	if (!write)
		return filemap_write_and_wait(mapping);
	since = errors_so_far(mapping);
	return write_and_wait(mapping, 0, LLONG_MAX, since);
}

/**
 * fpool_backing_open - open the file once more, for the space alone
 * @b: filled in
 * @file: what a program offered, validated
 * @write: whether pages are to be written back
 *
 * An open of our own, because the program may change the flags of its own at any time. The rights
 * are those of the program's descriptor, which the caller has looked at.
 *
 * Context: Process context; may sleep.
 * Return: 0; -ETXTBSY: to be written, and the kernel swaps to it; what opening says (-EACCES,
 * -EPERM, -ETXTBSY, -ENOMEM, ...); or why what was cached could not be written (-EIO, -ENOSPC,
 * ...).
 */
int fpool_backing_open(struct fpool_backing *b, struct file *file, bool write)
{
	struct file *own = write ? open_to_write(file, NULL) : open_again(file, O_RDONLY);
	int err;

	if (IS_ERR(own))
		return PTR_ERR(own);
	err = write_cached(cache_of(own), write);
	if (err) {
		if (write)
			mapping_unmap_writable(own->f_mapping);
		fput(own);
		return err;
	}
	/* When a page was last fetched is nothing that anybody wants to know. */
	own->f_flags |= O_NOATIME;
	b->file = own;
	b->direct = wants_direct(own);
	b->blockdev = S_ISBLK(file_inode(own)->i_mode);
	/* The cleaner may look already. */
	if (write)
		use_for_writing(b, own);
	return 0;
}

/**
 * fpool_backing_open_direct - go past the file system, where that is possible
 * @b: just opened
 * @max: pieces that a file may be in, see fpool_direct_open_file()
 *
 * A block device has none anyway. Where the file does not keep the contract (see direct.c), reads
 * and writes go through the file system as before.
 *
 * Context: Process context; may sleep, for a time that depends on the file's size.
 */
void fpool_backing_open_direct(struct fpool_backing *b, u32 max)
{
	if (!b->direct)
		return;
	if (b->blockdev)
		fpool_direct_open_device(&b->bio, b->file);
	else
		fpool_direct_open_file(&b->bio, b->file, max);
}

/**
 * fpool_backing_upgrade - somebody attaches the file for writing, too
 * @b: opened read only
 * @file: what he offered, validated for writing
 *
 * Fills go on through the first open.
 *
 * Context: Process context; may sleep. The caller keeps others from doing the same.
 * Return: as fpool_backing_open().
 */
int fpool_backing_upgrade(struct fpool_backing *b, struct file *file)
{
	struct file *own = open_to_write(file, b->bio.marked);

	if (IS_ERR(own))
		return PTR_ERR(own);
	/* Syncs and reclaim look at it without a lock. */
	use_for_writing(b, own);
	return 0;
}

/*
 * A worker's fput() comes later, and who detaches wants to unmount now.  To flush what all others
 * have put off would close their files here: a descriptor of ours among them waits for another
 * worker.
 */
static void close_file(struct file *file)
{
	if (current->flags & PF_KTHREAD)
		__fput_sync(file);
	else
		fput(file);
}

/**
 * fpool_backing_copies - is what is written a copy?
 * @b: the backing
 *
 * Because somebody on the way to the medium looks at the bytes twice.  A device may come to do so
 * at any time: by its sysfs, or with another table of the device mapper.
 *
 * Context: Any.
 * Return: whether.
 */
bool fpool_backing_copies(const struct fpool_backing *b)
{
	if (!b->direct || !fpool_backing_writable(b))
		return false;
	return b->copies || (b->bdev && bdev_stable_writes(b->bdev));
}

/**
 * fpool_backing_forget_cached - others have the file cached as it was
 * @b: the backing; what was written to it has got there
 *
 * Past the file system nobody does it for us. Pages that are mapped leave the page cache, too: who
 * wrote to one that stayed, even a byte, would write the old bytes beside it.
 *
 * Context: Process context, without locks of mm's; waits for reads of theirs.
 */
void fpool_backing_forget_cached(struct fpool_backing *b)
{
	if (b->bio.bdev)
		invalidate_inode_pages2(b->file->f_mapping);
}

/**
 * fpool_backing_let_go - others may do with the file what they like
 * @b: the backing; nothing is written to it any more
 *
 * Context: Process context; takes the inode's lock, for which it may wait long: a module-wide lock
 * must not be held.
 */
void fpool_backing_let_go(struct fpool_backing *b)
{
	fpool_direct_let_go(&b->bio);
}

/**
 * fpool_backing_close - let the file go
 * @b: the backing; one that was never opened is fine
 *
 * Context: Process context.
 */
void fpool_backing_close(struct fpool_backing *b)
{
	if (!b->file)
		return;
	fpool_direct_close(&b->bio);
	/* Direct I/O went past what readers of the file may have cached meanwhile. */
	drop_cached(b->file, 0, -1);
	if (b->wfile)
		mapping_unmap_writable(b->wfile->f_mapping);
	if (b->wfile && b->wfile != b->file)
		close_file(b->wfile);
	close_file(b->file);
	b->file = NULL;
	b->wfile = NULL;
}

/**
 * fpool_backing_bytes - how large the file is now
 * @b: the backing
 *
 * Context: Any.
 * Return: bytes.
 */
u64 fpool_backing_bytes(const struct fpool_backing *b)
{
	return i_size_read(fpool_backing_host(b->file));
}

/**
 * fpool_backing_may_watch - may the caller know which pages of the file are used?
 * @b: the backing
 *
 * That says much about the programs that use them, which are perhaps other users'.  So it is as
 * with mincore(): for who owns the file, or could open it for writing.  That somebody has a
 * descriptor for reading, or has attached the file as the first, or has named it, is no right.
 *
 * Context: Process context; may sleep.
 * Return: whether he may.
 */
bool fpool_backing_may_watch(const struct fpool_backing *b)
{
	return fpool_is_owner(b->file) || !file_permission(b->file, MAY_WRITE);
}

static void prepare(struct kiocb *iocb, struct file *file, loff_t pos, bool direct)
{
	init_sync_kiocb(iocb, file);
	iocb->ki_pos = pos;
	iocb->ki_flags &= ~IOCB_APPEND;
	if (direct)
		iocb->ki_flags |= IOCB_DIRECT;
}

/* As a file system that has a bad day would. */
static ssize_t maybe_short(ssize_t ret)
{
	return ret > SECTOR_SIZE && fpool_inject(FPOOL_INJECT_SHORT) ?
	       ALIGN_DOWN(ret / 2, SECTOR_SIZE) : ret;
}

/* Read what is left of a read of @len bytes when @done of them are there. */
static ssize_t read_once(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr,
			 loff_t pos, size_t len, size_t done, bool direct)
{
	struct kiocb iocb;
	struct iov_iter iter;

	prepare(&iocb, b->file, pos + done, direct);
	iov_iter_bvec(&iter, ITER_DEST, bv, nr, len);
	iov_iter_advance(&iter, done);
	return maybe_short(vfs_iocb_iter_read(b->file, &iocb, &iter));
}

/*
 * Who writes is a worker, but what that takes of a file system is its opener's: his quota, not the
 * blocks that are reserved for root, and no set-user-ID bit stays.
 */
static const struct cred *act_for_opener(const struct fpool_backing *b)
{
	return override_creds(b->wfile->f_cred);
}

static ssize_t write_once(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr,
			  loff_t pos, size_t len, bool direct)
{
	const struct cred *old;
	struct kiocb iocb;
	struct iov_iter iter;
	ssize_t ret;

	prepare(&iocb, b->wfile, pos, direct);
	iov_iter_bvec(&iter, ITER_SOURCE, bv, nr, len);
	old = act_for_opener(b);
	ret = fpool_iocb_write(&iocb, &iter);
	revert_creds(old);
	return ret;
}

static void drop_behind(struct fpool_backing *b, loff_t pos, size_t len)
{
	drop_cached(b->file, pos >> PAGE_SHIFT, (pos + len - 1) >> PAGE_SHIFT);
}

static ssize_t read_part(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr,
			 loff_t pos, size_t len, size_t done)
{
	ssize_t ret = -EINVAL;

	if (b->direct)
		ret = read_once(b, bv, nr, pos, len, done, true);
	/* Some files refuse direct I/O only when it comes. */
	if (ret == -EINVAL || ret == -EOPNOTSUPP) {
		ret = read_once(b, bv, nr, pos, len, done, false);
		drop_behind(b, pos, len);
	}
	return ret;
}

/* How much of a read there is. */
static size_t readable(const struct fpool_backing *b, loff_t pos, size_t len)
{
	u64 bytes = fpool_backing_bytes(b);

	return (u64)pos < bytes ? min_t(u64, len, bytes - pos) : 0;
}

/**
 * fpool_backing_read - read into frames
 * @b: the backing
 * @bv: where to
 * @nr: entries of @bv
 * @pos: offset in the file, a multiple of 4096
 * @len: bytes, a multiple of 4096
 *
 * Context: A worker; sleeps uninterruptibly.
 * Return: bytes read, fewer than @len at the end of the file; or a negative errno of the file
 * system (-EIO, ...).
 */
ssize_t fpool_backing_read(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr,
			   loff_t pos, size_t len)
{
	size_t done = 0;
	ssize_t ret;

	if (fpool_inject(FPOOL_INJECT_READ))
		return -EIO;
	if (b->bio.bdev)
		return fpool_direct_read(&b->bio, bv, nr, pos, len);
	/* A short read is the end only where the file ends; elsewhere the rest is no zeros. */
	do {
		ret = read_part(b, bv, nr, pos, len, done);
		if (ret > 0)
			done += ret;
	} while (ret > 0 && done < readable(b, pos, len));
	return ret < 0 ? ret : done;
}

/* A read that was not waited for is whole, or fpool_backing_read() has to do it. */
static ssize_t whole(const struct fpool_read *read, ssize_t ret)
{
	return ret >= 0 && maybe_short(ret) < read->bytes ? -EAGAIN : ret;
}

static void end_read(struct fpool_read *read, long ret)
{
	read->done(read, fpool_inject(FPOOL_INJECT_END) ? -EIO : ret);
}

static void iocb_done(struct kiocb *iocb, long ret)
{
	struct fpool_read *read = container_of(iocb, struct fpool_read, iocb);

	end_read(read, whole(read, ret));
}

static void bio_done(struct bio *bio)
{
	struct fpool_read *read = container_of(bio, struct fpool_read, bio);
	long ret = blk_status_to_errno(bio->bi_status);

	/* What was asked for, as it ends where the device's bytes end. */
	if (!ret)
		ret = read->bytes;
	bio_uninit(bio);
	end_read(read, ret);
}

/* Through the file system; not in line, for its iterator on the stack. */
static noinline ssize_t start_file_read(struct fpool_backing *b, struct fpool_read *read,
					struct bio_vec *bv, unsigned int nr, loff_t pos, size_t len)
{
	struct iov_iter iter;
	ssize_t ret;

	if (!b->direct || !(b->file->f_mode & FMODE_NOWAIT))
		return -EAGAIN;
	read->bytes = readable(b, pos, len);
	prepare(&read->iocb, b->file, pos, true);
	read->iocb.ki_flags |= IOCB_NOWAIT;
	read->iocb.ki_complete = iocb_done;
	iov_iter_bvec(&iter, ITER_DEST, bv, nr, len);
	ret = vfs_iocb_iter_read(b->file, &read->iocb, &iter);
	/* Once it is queued it may have ended, and @read with it. */
	return ret == -EIOCBQUEUED ? ret : whole(read, ret);
}

/**
 * fpool_backing_read_nowait - start a direct read, if nothing has to be waited for
 * @b: the backing
 * @read: for the read; stays until @done was called
 * @bv: where to; stays as long
 * @nr: entries of @bv
 * @pos: offset in the file, a multiple of 4096
 * @len: bytes, a multiple of 4096, as many as @bv has room for
 * @done: called with bytes or an errno, in any context, perhaps before this returns; only after
 *	-EIOCBQUEUED
 *
 * Any error means no more than that fpool_backing_read() has to do it: a file system's lock was
 * taken, the device has no room, or one of them knows no IOCB_NOWAIT.
 *
 * Context: Process context, under mm's locks or not.
 * Return: -EIOCBQUEUED: @done is or will be called; bytes read; or an error.
 */
ssize_t fpool_backing_read_nowait(struct fpool_backing *b, struct fpool_read *read,
				  struct bio_vec *bv, unsigned int nr, loff_t pos, size_t len,
				  void (*done)(struct fpool_read *read, long ret))
{
	if (fpool_inject(FPOOL_INJECT_NOWAIT) || fpool_inject_later(FPOOL_INJECT_READ))
		return -EAGAIN;
	read->done = done;
	if (!b->bio.bdev)
		return start_file_read(b, read, bv, nr, pos, len);
	if (!fpool_direct_start_read(&b->bio, &read->bio, bv, nr, pos, len, &read->bytes, bio_done))
		return -EAGAIN;
	return -EIOCBQUEUED;
}

static int write_direct(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr,
			loff_t pos, size_t len)
{
	ssize_t ret = write_once(b, bv, nr, pos, len, true);

	if (ret < 0)
		return ret;
	return ret == len ? 0 : -EIO;
}

static int write_buffered(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr,
			  loff_t pos, size_t len)
{
	struct address_space *mapping = cache_of(b->wfile);
	errseq_t since = errors_so_far(mapping);
	ssize_t ret = write_once(b, bv, nr, pos, len, false);
	int err;

	if (ret < 0)
		return ret;
	if (ret != len)
		return -ENOSPC;
	/* Now, because only now an error can still be tied to these pages. */
	err = write_and_wait(mapping, pos, pos + len - 1, since);
	if (!err)
		drop_behind(b, pos, len);
	return err;
}

/*
 * A snapshot of a frozen file system is to be one of its files, too.  What a device's special file
 * is on has nothing to do with the device.
 */
static bool bio_begins(struct fpool_backing *b, bool nowait)
{
	if (b->blockdev)
		return true;
	if (nowait)
		return fpool_write_trystart(b->wfile);
	fpool_write_start(b->wfile);
	return true;
}

static void bio_ends(struct fpool_backing *b)
{
	if (!b->blockdev)
		fpool_write_end(b->wfile);
}

static int write_bio(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr, loff_t pos,
		     size_t len)
{
	int err;

	bio_begins(b, false);
	err = fpool_direct_write(&b->bio, bv, nr, pos, len);
	bio_ends(b);
	return err;
}

/* Its time is to be told. Even what has failed may have changed a part. */
static void note_change(struct fpool_backing *b)
{
	/* After the bytes, for who tells the time; pairs with tell_time(). */
	smp_store_release(&b->changed, true);
}

/* By an emergency remount; 6.12's ext4 warns about who writes all the same. */
static bool is_read_only(const struct fpool_backing *b)
{
	return !b->blockdev && sb_rdonly(b->sb);
}

static int write_out(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr, loff_t pos,
		     size_t len)
{
	size_t whole = b->direct ? ALIGN_DOWN(len, PAGE_SIZE) : 0;
	int err = 0;

	if (b->bio.bdev)
		return write_bio(b, bv, nr, pos, len);
	if (whole) {
		err = write_direct(b, bv, nr, pos, whole);
		if (err == -EINVAL || err == -EOPNOTSUPP) {
			whole = 0;
			err = 0;
		}
	}
	if (err || whole == len)
		return err;
	if (whole) {
		/* The tail: the last @len - @whole bytes are at the start of the last page. */
		struct bio_vec tail;
		struct bio_vec *last = &bv[nr - 1];

		bvec_set_page(&tail, last->bv_page + ((last->bv_len - 1) >> PAGE_SHIFT),
			      len - whole, 0);
		return write_buffered(b, &tail, 1, pos + whole, len - whole);
	}
	return write_buffered(b, bv, nr, pos, len);
}

/* The same of a copy, which nobody stores to meanwhile. */
static int write_copy(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr, loff_t pos,
		      size_t len)
{
	struct fpool_copy *copy = fpool_copy_make(bv, nr, ALIGN(len, PAGE_SIZE));
	int err;

	if (!copy)
		return -ENOMEM;
	err = write_out(b, copy->bv, copy->nr, pos, len);
	fpool_copy_free(copy);
	return err;
}

/**
 * fpool_backing_write - write frames out
 * @b: the backing
 * @bv: where from
 * @nr: entries of @bv
 * @pos: offset in the file, a multiple of 4096
 * @len: bytes; not a multiple of 4096 only where it ends at the end of the file
 *
 * Context: A worker; sleeps uninterruptibly.
 * Return: 0: all of it is with the device, perhaps in its volatile cache; or a negative errno
 * of the file system (-EIO, -ENOSPC, ...): any part of it may be.
 */
int fpool_backing_write(struct fpool_backing *b, struct bio_vec *bv, unsigned int nr,
			loff_t pos, size_t len)
{
	int err;

	if (fpool_inject(FPOOL_INJECT_WRITE))
		return -EIO;
	if (is_read_only(b))
		return -EROFS;
	err = fpool_backing_copies(b) ? write_copy(b, bv, nr, pos, len) :
					write_out(b, bv, nr, pos, len);
	note_change(b);
	return err;
}

/* A write that was started has ended. */
static void written(struct fpool_write *write, int err)
{
	fpool_copy_free(write->copy);
	note_change(write->b);
	write->done(write, err);
}

static void bio_written(struct bio *bio)
{
	struct fpool_write *write = container_of(bio, struct fpool_write, bio);
	int err = blk_status_to_errno(bio->bi_status);

	/* Of a queue that has forgotten meanwhile how not to wait. */
	if (err == -EOPNOTSUPP && bio->bi_opf & REQ_NOWAIT)
		err = -EAGAIN;
	bio_uninit(bio);
	bio_ends(write->b);
	written(write, err);
}

static bool start_bio(struct fpool_backing *b, struct fpool_write *write, struct bio_vec *bv,
		      unsigned int nr, loff_t pos, size_t len, bool nowait)
{
	if (!bio_begins(b, nowait))
		return false;
	if (fpool_direct_start_write(&b->bio, &write->bio, bv, nr, pos, len, nowait, bio_written))
		return true;
	bio_ends(b);
	return false;
}

static void iocb_ended(struct fpool_write *write, long ret)
{
	/* The rest would have to wait, and is no error yet. */
	int cut_short = write->iocb.ki_flags & IOCB_NOWAIT ? -EAGAIN : -EIO;

	written(write, ret < 0 ? ret : ret == write->bytes ? 0 : cut_short);
}

static void iocb_written(struct kiocb *iocb, long ret)
{
	struct fpool_write *write = container_of(iocb, struct fpool_write, iocb);

	fpool_write_end(write->b->wfile);
	iocb_ended(write, ret);
}

static bool start_iocb(struct fpool_backing *b, struct fpool_write *write, struct bio_vec *bv,
		       unsigned int nr, loff_t pos, size_t len, bool nowait)
{
	const struct cred *old;
	struct iov_iter iter;
	ssize_t ret;

	prepare(&write->iocb, b->wfile, pos, true);
	/* A device has no lock of that kind, and not every one knows how not to wait. */
	if (nowait && !b->blockdev) {
		if (!(b->wfile->f_mode & FMODE_NOWAIT))
			return false;
		write->iocb.ki_flags |= IOCB_NOWAIT;
	}
	write->iocb.ki_complete = iocb_written;
	write->bytes = len;
	iov_iter_bvec(&iter, ITER_SOURCE, bv, nr, len);
	old = act_for_opener(b);
	ret = fpool_iocb_write(&write->iocb, &iter);
	revert_creds(old);
	/* Some files refuse direct I/O only when it comes. */
	if (ret == -EINVAL || ret == -EOPNOTSUPP || (ret == -EAGAIN && nowait))
		return false;
	if (ret != -EIOCBQUEUED)
		iocb_ended(write, ret);
	return true;
}

/**
 * fpool_backing_start_write - start to write frames out
 * @b: the backing
 * @write: for the write; stays until @done was called
 * @bv: where from; stays as long
 * @nr: entries of @bv
 * @pos: offset in the file, a multiple of 4096
 * @len: bytes
 * @nowait: where a lock of the file system's, a thaw, or room on the device would have to be waited
 *	for, it is not started, or @done is called with -EAGAIN
 * @done: called with 0 or a negative errno, as fpool_backing_write() returns them, in any context,
 *	perhaps before this returns; -EAGAIN: without waiting not all of it could be written
 *
 * Not everything can be written without somebody who waits: what ends within a page, and what a
 * file system takes through the page cache only.
 *
 * Context: A worker, or with @nowait the reclaim thread; a worker may sleep for locks of the file
 * system's, and until the device has room, but not for the write.
 * Return: whether it was started; otherwise it is fpool_backing_write()'s to do.
 */
bool fpool_backing_start_write(struct fpool_backing *b, struct fpool_write *write,
			       struct bio_vec *bv, unsigned int nr, loff_t pos, size_t len,
			       bool nowait, void (*done)(struct fpool_write *write, int err))
{
	bool started;

	if (!b->direct || len & ~PAGE_MASK || is_read_only(b))
		return false;
	/* Who started others may have been overtaken by a freeze. */
	if (nowait && fpool_backing_frozen(b))
		return false;
	write->b = b;
	write->done = done;
	write->copy = NULL;
	if (fpool_inject(FPOOL_INJECT_WRITE)) {
		done(write, -EIO);
		return true;
	}
	if (fpool_backing_copies(b)) {
		write->copy = fpool_copy_make(bv, nr, len);
		if (!write->copy)
			return false;
		bv = write->copy->bv;
		nr = write->copy->nr;
	}
	/* If so, it may have ended, and @write with it. */
	started = b->bio.bdev ? start_bio(b, write, bv, nr, pos, len, nowait) :
				start_iocb(b, write, bv, nr, pos, len, nowait);
	if (!started)
		fpool_copy_free(write->copy);
	return started;
}

/**
 * fpool_backing_frozen - would a write wait for a thaw?
 * @b: the backing
 *
 * By 6.12's file systems a write waits all the same for a freeze that comes right after.
 *
 * Context: Any.
 * Return: whether the file system is frozen, or about to be.
 */
bool fpool_backing_frozen(const struct fpool_backing *b)
{
	if (!fpool_backing_writable(b) || b->blockdev)
		return false;
	return READ_ONCE(b->sb->s_writers.frozen) != SB_UNFROZEN;
}

static void tell_time(struct fpool_backing *b)
{
	/* Pairs with note_change(): what changes from here on is told the next time. */
	if (b->blockdev || !xchg(&b->changed, false))
		return;
	fpool_write_start(b->wfile);
	file_update_time(b->wfile);
	fpool_write_end(b->wfile);
}

/**
 * fpool_backing_tell_time - the file was changed, if it was
 * @b: writable
 *
 * Our writes leave it to us: to those past it the file system is blind, and others would have to
 * wait for its journal each time the clock has ticked. The time of a frozen one stands still.
 *
 * Context: A worker; sleeps uninterruptibly, where the file system is frozen until it is thawed.
 */
void fpool_backing_tell_time(struct fpool_backing *b)
{
	const struct cred *old = act_for_opener(b);

	tell_time(b);
	revert_creds(old);
}

/*
 * Where a file system's own flush leaves out the device of its data, and says that all is well.
 * One that has become read only flushes nothing, but a write that had begun before may have ended
 * since. And ext4 leaves it to the commit of its journal, which flushes the journal's device, a
 * disk of its own perhaps, and the other one only if the transaction had ordered data: nothing that
 * was allocated before has.
 */
static bool flushes_too_little(const struct fpool_backing *b)
{
	return is_read_only(b) || (!b->blockdev && b->sb->s_magic == EXT4_SUPER_MAGIC);
}

static int flush_device(const struct fpool_backing *b)
{
	if (!b->sb->s_bdev)
		return 0;
	return fpool_inject(FPOOL_INJECT_FLUSH) ? -EIO : blkdev_issue_flush(b->sb->s_bdev);
}

/**
 * fpool_backing_flush - make what was written durable
 * @b: the backing
 * @written: something was, since the last flush
 *
 * Context: A worker; sleeps uninterruptibly, where something was written to a frozen file system
 * until that is thawed.
 * Return: 0: it is on the medium; or a negative errno.
 */
int fpool_backing_flush(struct fpool_backing *b, bool written)
{
	const struct cred *old = act_for_opener(b);
	int err;

	tell_time(b);
	err = fpool_inject(FPOOL_INJECT_FLUSH) ? -EIO : vfs_fsync(b->wfile, 0);
	revert_creds(old);
	if (!err && written && flushes_too_little(b))
		err = flush_device(b);
	if (written)
		fpool_backing_forget_cached(b);
	return err;
}

/* The opener's, and as with ftruncate() no matter what he could open by now. */
static struct cred *truncating_creds(const struct fpool_backing *b)
{
	const struct cred *old = act_for_opener(b);
	struct cred *cred = prepare_creds();

	revert_creds(old);
	if (cred)
		cap_raise(cred->cap_effective, CAP_DAC_OVERRIDE);
	return cred;
}

/**
 * fpool_backing_resize - change the size of the file
 * @b: a regular file, writable
 * @bytes: new size
 *
 * Context: A worker; sleeps.
 * Return: 0; -ENOMEM; or a negative errno of the file system.
 */
int fpool_backing_resize(struct fpool_backing *b, u64 bytes)
{
	const struct cred *old;
	struct cred *cred;
	int err;

	if (fpool_inject(FPOOL_INJECT_RESIZE))
		return -ENOSPC;
	cred = truncating_creds(b);
	if (!cred)
		return -ENOMEM;
	old = override_creds(cred);
	err = vfs_truncate(&b->wfile->f_path, bytes);
	revert_creds(old);
	put_cred(cred);
	return err;
}
