/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the kernels from 6.1 on differ: the only place that asks for a version. */
#ifndef FPOOL_COMPAT_H
#define FPOOL_COMPAT_H

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/splice.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)

static inline void fpool_vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}

#else

static inline void fpool_vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set, vm_flags_t clear)
{
	vm_flags_mod(vma, set, clear);
}

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)

static inline bool fpool_is_owner(const struct file *file)
{
	return inode_owner_or_capable(file_mnt_user_ns((struct file *)file), file_inode(file));
}

#else

static inline bool fpool_is_owner(const struct file *file)
{
	return inode_owner_or_capable(file_mnt_idmap(file), file_inode(file));
}

#endif

/* Per-VMA locks came with 6.4, and 6.7 takes them for mappings of files. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)

static inline void fpool_release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}

#else

static inline void fpool_release_fault_lock(struct vm_fault *vmf)
{
	release_fault_lock(vmf);
}

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define fpool_splice_read	generic_file_splice_read
#else
#define fpool_splice_read	copy_splice_read
#endif

/* Mapped pages of files, as an address space counts them: per CPU since 6.2. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)

static inline void fpool_file_rss_sub(struct mm_struct *mm, long nr)
{
	atomic_long_sub(nr, &mm->rss_stat.count[MM_FILEPAGES]);
}

#else

static inline void fpool_file_rss_sub(struct mm_struct *mm, long nr)
{
	percpu_counter_add(&mm->rss_stat[MM_FILEPAGES], -nr);
}

#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define fpool_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#else
#define fpool_eventfd_signal(ctx)	eventfd_signal(ctx)
#endif

/* The devnode callback of a device type learnt const in 6.2. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define fpool_const_device	struct device
#else
#define fpool_const_device	const struct device
#endif

/*
 * A write is protected against a freeze of its file system until it has ended, in whatever context
 * that is.  6.12's vfs_iocb_iter_write() takes that protection, 6.1's leaves it to us.
 */
static inline void fpool_write_start(struct file *file)
{
	struct super_block *sb = file_inode(file)->i_sb;

	sb_start_write(sb);
	/* For lockdep: who takes it need not be who gives it back. */
	__sb_writers_release(sb, SB_FREEZE_WRITE);
}

static inline bool fpool_write_trystart(struct file *file)
{
	struct super_block *sb = file_inode(file)->i_sb;

	if (!sb_start_write_trylock(sb))
		return false;
	__sb_writers_release(sb, SB_FREEZE_WRITE);
	return true;
}

static inline void fpool_write_end(struct file *file)
{
	struct super_block *sb = file_inode(file)->i_sb;

	__sb_writers_acquired(sb, SB_FREEZE_WRITE);
	sb_end_write(sb);
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)

/* After -EIOCBQUEUED fpool_write_end() is for whoever is told the write's end. */
static inline ssize_t fpool_iocb_write(struct kiocb *iocb, struct iov_iter *iter)
{
	struct file *file = iocb->ki_filp;
	ssize_t ret;

	if (!(iocb->ki_flags & IOCB_NOWAIT))
		fpool_write_start(file);
	else if (!fpool_write_trystart(file))
		return -EAGAIN;
	ret = vfs_iocb_iter_write(file, iocb, iter);
	if (ret != -EIOCBQUEUED)
		fpool_write_end(file);
	return ret;
}

#else

static inline ssize_t fpool_iocb_write(struct kiocb *iocb, struct iov_iter *iter)
{
	return vfs_iocb_iter_write(iocb->ki_filp, iocb, iter);
}

#endif

/* 6.3 learnt to ask a file whether its uses count when entries of its mappings are zapped. */
#ifdef FMODE_NOREUSE

static inline void fpool_file_set_noreuse(struct file *file, bool noreuse)
{
	spin_lock(&file->f_lock);
	if (noreuse)
		file->f_mode |= FMODE_NOREUSE;
	else
		file->f_mode &= ~FMODE_NOREUSE;
	spin_unlock(&file->f_lock);
}

#else

static inline void fpool_file_set_noreuse(struct file *file, bool noreuse)
{
}

#endif

#endif /* FPOOL_COMPAT_H */
