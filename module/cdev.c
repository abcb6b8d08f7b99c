// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of a space: open, read, write, seek, poll, mmap, fsync.
 *
 * A descriptor's f_mapping is the space's, whichever way it was opened: so its mappings are
 * found by rmap, and its fsync sees the space's errors.
 */
#include "cdev.h"

#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "bring.h"
#include "compat.h"
#include "hint.h"
#include "hold.h"
#include "pager.h"
#include "prefetch.h"
#include "range.h"
#include "record.h"
#include "vma.h"
#include "whatif.h"

static struct fpool_handle *make_handle(struct fpool_space *space, struct fpool_node *node)
{
	struct fpool_handle *handle = kzalloc(sizeof(*handle), GFP_KERNEL);

	if (handle) {
		handle->space = space;
		handle->node = node;
		INIT_LIST_HEAD(&handle->tickets);
	}
	return handle;
}

static int enter(struct fpool_node *node, struct file *file)
{
	lockdep_assert_held(&fpool_attach_lock);
	if (node->gone)
		return -ENXIO;
	if ((file->f_mode & FMODE_WRITE) && !node->writable)
		return -EROFS;
	file->private_data = make_handle(node->space, node);
	if (!file->private_data)
		return -ENOMEM;
	node->opens++;
	node->space->users++;
	return 0;
}

static int cdev_open(struct inode *inode, struct file *file)
{
	struct fpool_node *node = container_of(inode->i_cdev, struct fpool_node, cdev);
	struct address_space *mapping;
	int err;

	if (mutex_lock_killable(&fpool_attach_lock))
		return -EINTR;
	err = enter(node, file);
	mutex_unlock(&fpool_attach_lock);
	if (err)
		return err;
	mapping = node->space->inode->i_mapping;
	file->f_mapping = mapping;
	/* It was sampled from the device node's own mapping. */
	file->f_wb_err = filemap_sample_wb_err(mapping);
	return 0;
}

static int cdev_release(struct inode *inode, struct file *file)
{
	struct fpool_handle *handle = file->private_data;

	fpool_prefetch_leave(handle);
	fpool_hold_leave(handle);
	fpool_record_leave(handle);
	if (handle->node) {
		mutex_lock(&fpool_attach_lock);
		handle->node->opens--;
		mutex_unlock(&fpool_attach_lock);
	}
	fpool_attach_leave(handle->space, handle->node);
	kfree(handle);
	return 0;
}

static loff_t cdev_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence, fpool_space_bytes(fpool_file_space(file)));
}

/*
 * Copy between one page and the iterator.  With a reference and without the page lock: the
 * program's buffer may be this very page.  The reference makes the frame held, so nobody evicts
 * it, and who writes it back meanwhile leaves it dirty.
 */
static size_t copy_part(struct page *page, size_t offset, size_t len, struct iov_iter *iter)
{
	if (iov_iter_rw(iter) == READ)
		return copy_page_to_iter(page, offset, len, iter);
	len = copy_page_from_iter(page, offset, len, iter);
	if (len)
		SetPageDirty(page);
	return len;
}

/* What comes next is on its way while the page is copied. */
static void note_use(struct fpool_space *space, fpool_vpn_t vpn, unsigned int how, bool write)
{
	u64 nr = fpool_vpn_nr(vpn);

	fpool_whatif_note(space, vpn, FPOOL_WHATIF_REF);
	fpool_space_note(space, vpn, write ? FRAMEPOOL_REF_WRITE : 0);
	if (!(how & FPOOL_FILL_ALONE))
		fpool_pager_ahead(space, current->mm, vpn, nr, nr + 1);
}

/*
 * All of a page that is absent: what is overwritten is not read.  NULL: it is there, or the
 * program's bytes are not.
 */
static struct page *store_whole(struct fpool_space *space, fpool_vpn_t vpn, unsigned int how,
				struct iov_iter *iter)
{
	if (fpool_spte_has(fpool_space_spte(space, vpn), FPOOL_SPTE_P | FPOOL_SPTE_BUSY) ||
	    fault_in_iov_iter_readable(iter, PAGE_SIZE))
		return NULL;
	return fpool_bring_store(space, current->mm, vpn, how, iter);
}

/* One page's worth at @pos; bytes copied, 0 at the end of the space, or an error. */
static ssize_t transfer(const struct fpool_handle *handle, loff_t pos, struct iov_iter *iter)
{
	unsigned int how = fpool_pager_advised(READ_ONCE(handle->advice));
	struct fpool_space *space = handle->space;
	u64 bytes = fpool_space_bytes(space);
	bool counts = fpool_handle_counts(handle), write = iov_iter_rw(iter) == WRITE;
	size_t offset = offset_in_page(pos), len, done = 0;
	fpool_vpn_t vpn = fpool_addr_vpn(pos);
	struct page *page = NULL;

	if (pos >= bytes)
		return 0;
	if (!counts)
		how |= FPOOL_FILL_ONCE;
	len = min_t(u64, min_t(u64, PAGE_SIZE - offset, bytes - pos), iov_iter_count(iter));
	if (write && len == PAGE_SIZE)
		page = store_whole(space, vpn, how, iter);
	if (page)
		done = len;
	else
		page = fpool_bring_get(space, current->mm, vpn, how);
	if (IS_ERR(page))
		return PTR_ERR(page);
	note_use(space, vpn, how, write);
	if (!done)
		done = copy_part(page, offset, len, iter);
	put_page(page);
	if (!counts && offset + done == PAGE_SIZE)
		fpool_hint_done(space, vpn, 1);
	return done ?: -EFAULT;
}

static ssize_t copy(struct kiocb *iocb, struct iov_iter *iter)
{
	const struct fpool_handle *handle = iocb->ki_filp->private_data;
	ssize_t total = 0, ret = 0;

	while (iov_iter_count(iter)) {
		ret = transfer(handle, iocb->ki_pos, iter);
		if (ret <= 0)
			break;
		iocb->ki_pos += ret;
		total += ret;
		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
	}
	return total ?: ret;
}

static ssize_t cdev_read_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	ssize_t ret = copy(iocb, iter);

	file_accessed(iocb->ki_filp);
	/* The space shrank between the look at its size and the page: that is the end. */
	return ret == -ENXIO ? 0 : ret;
}

static ssize_t cdev_write_iter(struct kiocb *iocb, struct iov_iter *iter)
{
	u64 bytes = fpool_space_bytes(fpool_file_space(iocb->ki_filp));
	ssize_t ret;

	if (!iov_iter_count(iter))
		return 0;
	if (iocb->ki_flags & IOCB_APPEND)
		iocb->ki_pos = bytes;
	/* As a block device: a space does not grow by writing. */
	if (iocb->ki_pos >= bytes)
		return -ENOSPC;
	ret = copy(iocb, iter);
	return ret > 0 ? generic_write_sync(iocb, ret) : ret;
}

/*
 * As a file it is always ready.  What can be waited for is an error of a write-back that this
 * descriptor has not been told of: it is there until a sync has reported it.
 */
static __poll_t cdev_poll(struct file *file, poll_table *wait)
{
	__poll_t ready = EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &fpool_file_space(file)->error_wait, wait);
	if (filemap_check_wb_err(file->f_mapping, READ_ONCE(file->f_wb_err)))
		ready |= EPOLLERR | EPOLLPRI;
	return ready;
}

static long cdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return fpool_range_ioctl(file, cmd, arg);
}

const struct file_operations fpool_cdev_fops = {
	.owner = THIS_MODULE,
	.open = cdev_open,
	.release = cdev_release,
	.llseek = cdev_llseek,
	.read_iter = cdev_read_iter,
	.write_iter = cdev_write_iter,
	.poll = cdev_poll,
	.splice_read = fpool_splice_read,
	.splice_write = iter_file_splice_write,
	.mmap = fpool_vma_mmap,
	.fsync = fpool_range_fsync,
	.fadvise = fpool_range_fadvise,
	.unlocked_ioctl = cdev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct file *make_file(struct fpool_space *space, bool write)
{
	struct fpool_handle *handle = make_handle(space, NULL);
	struct file *file;

	if (!handle)
		return ERR_PTR(-ENOMEM);
	ihold(space->inode);
	file = alloc_file_pseudo(space->inode, fpool_space_mount(), "framepool",
				 (write ? O_RDWR : O_RDONLY) | O_LARGEFILE, &fpool_cdev_fops);
	if (IS_ERR(file)) {
		iput(space->inode);
		kfree(handle);
		return file;
	}
	__module_get(THIS_MODULE);	/* its release gives it back */
	file->f_mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	file->private_data = handle;
	return file;
}

/**
 * fpool_cdev_install - a descriptor of a space for the caller
 * @space: the space, of which the descriptor takes over one user
 * @write: whether it may write
 *
 * Context: System call.
 * Return: the descriptor, close-on-exec; -EMFILE, -ENFILE or -ENOMEM: the user is still the
 * caller's.
 */
int fpool_cdev_install(struct fpool_space *space, bool write)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);
	struct file *file;

	if (fd < 0)
		return fd;
	file = make_file(space, write);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}
