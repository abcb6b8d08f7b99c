// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a space: mmap and its faults.
 *
 * Frames are page-cache citizens: a fault returns the struct page, locked and with a reference, and
 * core mm does the rest (rmap, RSS, copy on write, GUP).  What a fault may do while it waits
 * depends on its flags:
 *
 *	ALLOW_RETRY			start the fill; unless that has ended at once,
 *					drop the fault lock, wait killably, VM_FAULT_RETRY; but in a
 *					system call, which may hold a lock that the I/O needs
 *					(write() to the backing file from the mapping), a bounded
 *					time, then SIGBUS (EFAULT there), unless it is the
 *					device that takes its time
 *	ALLOW_RETRY | RETRY_NOWAIT	start the fill, VM_FAULT_RETRY with the lock kept
 *	neither (ptrace, /proc/PID/mem)	wait a bounded time with the lock kept, then SIGBUS
 *
 * In no case is file I/O waited for here: a file system takes its inode lock under I/O and
 * page-faults under its inode lock.  A read is started only where that lock is free.
 */
#include "vma.h"

#include <linux/file.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "bring.h"
#include "compat.h"
#include "evict_range.h"
#include "hint.h"
#include "laundry.h"
#include "mmset.h"
#include "pager.h"
#include "trace.h"
#include "whatif.h"

/* Pages of an aligned run that are mapped together. */
#define AROUND	64

/* Map @nr neighbours; those that are mapped already end the run. */
static void map_run(struct vm_area_struct *vma, struct fpool_space *space, u64 first,
		    struct page **pages, unsigned long nr)
{
	unsigned long addr = vma->vm_start + ((first - vma->vm_pgoff) << PAGE_SHIFT);
	unsigned long i, left = nr;

	vm_insert_pages(vma, addr, pages, &left);
	fpool_space_count(space, FPOOL_STAT_MAPPED_AROUND, nr - left);
	for (i = 0; i < nr; i++)
		put_page(pages[i]);
}

/* Broken memory is not for mapping. */
static bool is_sound(struct page *page)
{
	if (likely(!page || !PageHWPoison(page)))
		return page;
	put_page(page);
	return false;
}

/* Map those of [first, end), within an aligned run of AROUND, that are resident; not the page. */
static void map_resident(struct vm_fault *vmf, struct fpool_space *space, u64 first, u64 end)
{
	struct vm_area_struct *vma = vmf->vma;
	struct page *pages[AROUND];
	u32 nr = end - first, i, start = 0;

	if (!fpool_pager_lookup_run(space, fpool_vpn(first), nr, pages))
		return;
	for (i = 0; i < nr; i++) {
		/* The page itself is core mm's to map. */
		if (first + i == vmf->pgoff && pages[i]) {
			put_page(pages[i]);
			pages[i] = NULL;
		}
		if (is_sound(pages[i]))
			continue;
		if (i > start)
			map_run(vma, space, first + start, &pages[start], i - start);
		start = i + 1;
	}
	if (nr > start)
		map_run(vma, space, first + start, &pages[start], nr - start);
}

/* FRAMEPOOL_ADVICE_*: the mapping's own, or else its descriptor's. */
static u8 advice(const struct vm_area_struct *vma)
{
	const struct fpool_handle *handle = vma->vm_file->private_data;

	if (vma->vm_flags & VM_RAND_READ)
		return FRAMEPOOL_ADVICE_RANDOM;
	if (vma->vm_flags & VM_SEQ_READ)
		return FRAMEPOOL_ADVICE_SEQUENTIAL;
	return READ_ONCE(handle->advice);
}

/* Pages [first, end) that are mapped with a fault. */
struct around {
	u64 first, end;
};

static struct around aligned(u64 vpn, u64 nr)
{
	return (struct around){ ALIGN_DOWN(vpn, nr), ALIGN_DOWN(vpn, nr) + nr };
}

/* What to map together: what was fetched together, or what happens to be there. */
static struct around choose(const struct vm_fault *vmf, const struct fpool_space *space, bool major)
{
	unsigned int type = READ_ONCE(space->block_type);
	struct around a;

	/* A private mapping's write takes a copy of one page. */
	if (vmf->flags & FAULT_FLAG_WRITE && !(vmf->vma->vm_flags & VM_SHARED))
		return aligned(vmf->pgoff, 1);
	if (type == FRAMEPOOL_BLOCK_AUTO &&
	    fpool_streams_block(&space->streams, vmf->pgoff, &a.first, &a.end))
		return a;
	if (!major && !(vmf->flags & FAULT_FLAG_TRIED))
		return aligned(vmf->pgoff, AROUND);
	if (type == FRAMEPOOL_BLOCK_AUTO)
		return aligned(vmf->pgoff, 1);
	return aligned(vmf->pgoff, 1ULL << fpool_block_type_order(type - FRAMEPOOL_BLOCK_1));
}

/*
 * Map the resident neighbours of a page with it: one fault for many pages.  As with any page, a
 * reference and a second look (fpool_pager_lookup) keep eviction away while the entry is made.
 */
static void map_around(struct vm_fault *vmf, struct fpool_space *space, struct around a)
{
	u64 first, end, next;

	if (a.end - a.first < 2)
		return;
	end = min_t(u64, a.end, vmf->vma->vm_pgoff + vma_pages(vmf->vma));
	for (first = max_t(u64, a.first, vmf->vma->vm_pgoff); first < end; first = next) {
		next = min_t(u64, ALIGN_DOWN(first, AROUND) + AROUND, end);
		map_resident(vmf, space, first, next);
	}
}

/*
 * A sequential reader has come to [a.first, a.end): he is done with as much before it, but perhaps
 * for the last page, over whose end he may be reading right now.
 */
static void leave_behind(struct fpool_space *space, struct around a)
{
	u64 end = a.first ? a.first - 1 : 0, nr = min(a.end - a.first, end);

	fpool_hint_done(space, fpool_vpn(end - nr), nr);
}

/* What comes with the page where its mapping is not used at random. */
static noinline void map_others(struct vm_fault *vmf, struct fpool_space *space, u8 advised,
				bool major)
{
	struct around a = choose(vmf, space, major);

	/* Who records wants to see the first use of each page. */
	if (!fpool_space_recorded(space))
		map_around(vmf, space, a);
	if (advised == FRAMEPOOL_ADVICE_SEQUENTIAL)
		leave_behind(space, a);
	fpool_pager_ahead(space, vmf->vma->vm_mm, fpool_vpn(vmf->pgoff), a.first, a.end);
}

/*
 * The page lies in broken memory.  0: it has just left, and nothing is lost; while it is being
 * written, who is in no system call, and so has no lock that the write needs, waits for that.
 */
static noinline vm_fault_t broken(struct vm_fault *vmf, struct fpool_space *space)
{
	fpool_vpn_t vpn = fpool_vpn(vmf->pgoff);
	int err = fpool_evict_broken(space, vpn, 0);
	struct file *file;

	if (!err)
		return 0;
	if (err != -EAGAIN || !(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return VM_FAULT_HWPOISON;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT)
		return VM_FAULT_RETRY;
	if (!(vmf->flags & FAULT_FLAG_USER))
		return VM_FAULT_HWPOISON;
	file = get_file(vmf->vma->vm_file);
	fpool_release_fault_lock(vmf);
	fpool_laundry_wait_settled(space, vpn, true);
	fput(file);
	return VM_FAULT_RETRY;
}

/* 0: it has just left. */
static vm_fault_t present(struct vm_fault *vmf, struct fpool_space *space, struct page *page,
			  bool major)
{
	bool write = vmf->flags & FAULT_FLAG_WRITE;
	u8 advised = advice(vmf->vma);

	if (unlikely(PageHWPoison(page))) {
		put_page(page);
		return broken(vmf, space);
	}
	if (advised != FRAMEPOOL_ADVICE_RANDOM)
		map_others(vmf, space, advised, major);
	/* Held for moments only: while it is mapped, and while it is write-protected. */
	if (unlikely(!trylock_page(page)))
		lock_page(page);
	/* A resize may have cut it off; its reference keeps the cut waiting, not the fault. */
	if (unlikely(vmf->pgoff >= fpool_space_pages(space))) {
		unlock_page(page);
		put_page(page);
		return VM_FAULT_SIGBUS;
	}
	trace_fpool_fault(space->pool->id, space->id, vmf->pgoff, write, false);
	/* A private mapping's write reads ours, and goes to its own copy. */
	fpool_space_note(space, fpool_vpn(vmf->pgoff),
			 write && vmf->vma->vm_flags & VM_SHARED ? FRAMEPOOL_REF_WRITE : 0);
	vmf->page = page;
	if (major)
		return VM_FAULT_LOCKED | VM_FAULT_MAJOR;
	/* A fault that waited comes back here, and was counted then. */
	if (!(vmf->flags & FAULT_FLAG_TRIED))
		fpool_space_count(space, FPOOL_STAT_MINOR_FAULTS, 1);
	return VM_FAULT_LOCKED;
}

/* The entry is not there: bring the page, as far as the fault's flags allow waiting. */
static vm_fault_t absent(struct vm_fault *vmf, struct fpool_space *space)
{
	fpool_vpn_t vpn = fpool_vpn(vmf->pgoff);
	unsigned int how = fpool_pager_advised(advice(vmf->vma));
	bool bounded = !(vmf->flags & FAULT_FLAG_USER);
	const struct mm_struct *mm = vmf->vma->vm_mm;
	struct page *page = NULL;
	struct file *file;
	int err;

	trace_fpool_fault(space->pool->id, space->id, vmf->pgoff, vmf->flags & FAULT_FLAG_WRITE,
			  true);
	if (!(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return fpool_bring_bounded(space, mm, vpn) ? VM_FAULT_SIGBUS : 0;
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT) {
		fpool_pager_start(space, mm, vpn, FPOOL_FILL_ALONE, NULL);
		return VM_FAULT_RETRY;
	}
	/* Devices that are memory have ended the read when this returns; a write need not end. */
	err = fpool_pager_start(space, mm, vpn, how | FPOOL_FILL_HERE, &page);
	if (!page && (!err || err == -EEXIST))
		page = fpool_pager_lookup(space, vpn);
	if (page)
		return present(vmf, space, page, !(vmf->flags & FAULT_FLAG_TRIED));
	/* The file keeps the space; from the unlock on the VMA may be gone. */
	file = get_file(vmf->vma->vm_file);
	fpool_release_fault_lock(vmf);
	/* Killed, starved, failed or given up: the fault comes back, and finds out there. */
	if (err)
		fpool_bring(space, mm, vpn, how, bounded);
	else
		fpool_bring_wait(space, vpn, bounded);
	fput(file);
	return VM_FAULT_RETRY | VM_FAULT_MAJOR;
}

/**
 * fault - a page of a space is touched and has no hardware entry
 * @vmf: which, and what the fault may do
 *
 * Context: mmap_lock or the VMA's lock held for reading.
 * Return: VM_FAULT_LOCKED and the page; VM_FAULT_SIGBUS: past the end, the fill failed, or the
 * pool is starved; VM_FAULT_RETRY: see the table above; VM_FAULT_HWPOISON.
 */
static vm_fault_t fault(struct vm_fault *vmf)
{
	struct fpool_space *space = fpool_file_space(vmf->vma->vm_file);
	fpool_vpn_t vpn = fpool_vpn(vmf->pgoff);
	bool major = false;
	struct page *page;
	vm_fault_t ret;

	do {
		if (vmf->pgoff >= fpool_space_pages(space))
			return VM_FAULT_SIGBUS;
		/* A fault that waited comes back here, and was noted then. */
		if (!major && !(vmf->flags & FAULT_FLAG_TRIED))
			fpool_whatif_note(space, vpn, FPOOL_WHATIF_FAULT);
		page = fpool_pager_lookup(space, vpn);
		if (page) {
			ret = present(vmf, space, page, major);
			continue;
		}
		/* Who has waited before gets what the wait has brought. */
		if (vmf->flags & FAULT_FLAG_TRIED) {
			if (fpool_pager_take_error(space, vpn) ||
			    fpool_bring_starved(space, vpn) || fpool_bring_gave_up(space, vpn))
				return VM_FAULT_SIGBUS;
		} else if (!major) {
			fpool_space_count(space, FPOOL_STAT_MAJOR_FAULTS, 1);
			major = true;
		}
		ret = absent(vmf, space);
	} while (!ret);
	return ret;
}

/*
 * Its presence alone makes 6.12 call fault() under the VMA's lock, without taking mmap_lock first.
 * It runs under RCU, where nothing may sleep, so neighbours are not mapped here.
 */
static vm_fault_t map_pages(struct vm_fault *vmf, pgoff_t start, pgoff_t end)
{
	return 0;
}

/*
 * A piece of a mapping that was split, moved or forked: what it comes from was counted, so every
 * VMA is, and close() counts down none that is not.
 */
static void open(struct vm_area_struct *vma)
{
	fpool_mmset_copy(fpool_file_space(vma->vm_file)->pool, vma->vm_mm);
}

static void close(struct vm_area_struct *vma)
{
	fpool_mmset_unmap(fpool_file_space(vma->vm_file)->pool, vma->vm_mm);
}

static const struct vm_operations_struct vm_ops = {
	.open = open,
	.close = close,
	.fault = fault,
	.map_pages = map_pages,
};

/**
 * fpool_vma_mmap - map a space
 * @file: a descriptor of it
 * @vma: where
 *
 * Past the end of the file is fine; touching it there is SIGBUS.
 *
 * Context: mmap_lock held for writing.
 * Return: 0; -EPERM: executable; -EOVERFLOW: past the last page that there can be; -ENOMEM: no
 * memory, or no number, for the working set of a process that has none.
 */
int fpool_vma_mmap(struct file *file, struct vm_area_struct *vma)
{
	int err;

	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (vma->vm_pgoff + vma_pages(vma) < vma->vm_pgoff ||
	    vma->vm_pgoff + vma_pages(vma) - 1 > (u64)MAX_LFS_FILESIZE >> PAGE_SHIFT)
		return -EOVERFLOW;
	err = fpool_mmset_map(fpool_file_space(file)->pool, vma->vm_mm);
	if (err)
		return err;
	/* MIXEDMAP allows vm_insert_pages(), and keeps NUMA balancing, KSM and huge pages away. */
	fpool_vm_flags_mod(vma, VM_MIXEDMAP, VM_MAYEXEC);
	/* Entries are born not accessed: who is mapped with a neighbour's fault was not used. */
	vma->vm_page_prot = __pgprot(pgprot_val(vma->vm_page_prot) & ~_PAGE_ACCESSED);
	vma->vm_ops = &vm_ops;
	file_accessed(file);
	return 0;
}
