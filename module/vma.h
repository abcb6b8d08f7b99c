/* SPDX-License-Identifier: GPL-2.0-only */
/* Mappings of a space: mmap and its faults. */
#ifndef FPOOL_VMA_H
#define FPOOL_VMA_H

struct file;
struct vm_area_struct;

int fpool_vma_mmap(struct file *file, struct vm_area_struct *vma);

#endif /* FPOOL_VMA_H */
