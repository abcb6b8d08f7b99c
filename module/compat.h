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

/* 6.12's vfs_iocb_iter_write() takes the file system's freeze protection, 6.1's leaves it to us. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)

static inline void fpool_write_start(struct file *file)
{
	file_start_write(file);
}

static inline void fpool_write_end(struct file *file)
{
	file_end_write(file);
}

#else

static inline void fpool_write_start(struct file *file)
{
}

static inline void fpool_write_end(struct file *file)
{
}

#endif

#endif /* FPOOL_COMPAT_H */
