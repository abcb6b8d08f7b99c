// SPDX-License-Identifier: GPL-2.0-only
/*
 * From frames to the hardware entries that map them: unmap, clean, look at the accessed bit.
 *
 * The first two are core mm's.  For accessed bits core mm's rmap walk is not exported, and
 * unmapping only to look would cost a fault each: so we walk the mapping's interval tree of
 * VMAs ourselves, under i_mmap_rwsem, which keeps the page tables of all these VMAs alive
 * (free_pgtables() takes a VMA out of the tree before it frees them).
 */
#include "rmap.h"

#include <linux/interval_tree_generic.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>

static inline unsigned long vma_first(struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static inline unsigned long vma_last(struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

INTERVAL_TREE_DEFINE(struct vm_area_struct, shared.rb, unsigned long, shared.rb_subtree_last,
		     vma_first, vma_last, static __maybe_unused, vmas)

struct walk {
	struct fpool_pool *pool;
	unsigned long start;	/* user address of the first page asked for */
	u8 *found;		/* set to 1 for each page that has the bit */
};

/* A private mapping has copies of its own in its entries, which are not ours to look at. */
static bool is_ours(const struct walk *walk, pte_t entry)
{
	const struct fpool_region *region = &walk->pool->region;

	return pte_present(entry) && pte_pfn(entry) - region->pfn < region->nframes;
}

/* Called with the page table's lock held. */
static int young_pte(pte_t *pte, unsigned long addr, void *data)
{
	struct walk *walk = data;

	/*
	 * No TLB flush: an access through a cached translation may then go unseen until the
	 * translation leaves the TLB.  "Not young" is a hint, and the flush costs more than the
	 * hint.
	 */
	if (is_ours(walk, *pte) &&
	    test_and_clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)&pte->pte))
		walk->found[(addr - walk->start) >> PAGE_SHIFT] = 1;
	return 0;
}

static int dirty_pte(pte_t *pte, unsigned long addr, void *data)
{
	struct walk *walk = data;

	if (is_ours(walk, *pte) && pte_dirty(*pte))
		walk->found[(addr - walk->start) >> PAGE_SHIFT] = 1;
	return 0;
}

/* Call @fn for every hardware entry of a run of pages, in every process. */
static void walk_entries(struct fpool_space *space, fpool_vpn_t vpn, u64 nr, pte_fn_t fn, u8 *found)
{
	struct address_space *mapping = space->inode->i_mapping;
	unsigned long first = fpool_vpn_nr(vpn), last = first + nr - 1;
	struct walk walk = { .pool = space->pool };
	struct vm_area_struct *vma;

	i_mmap_lock_read(mapping);
	for (vma = vmas_iter_first(&mapping->i_mmap, first, last); vma;
	     vma = vmas_iter_next(vma, first, last)) {
		unsigned long from = max(first, vma_first(vma));
		unsigned long to = min(last, vma_last(vma));

		walk.start = vma->vm_start + ((from - vma->vm_pgoff) << PAGE_SHIFT);
		walk.found = found + (from - first);
		apply_to_existing_page_range(vma->vm_mm, walk.start,
					     (to - from + 1) << PAGE_SHIFT, fn, &walk);
	}
	i_mmap_unlock_read(mapping);
}

/**
 * fpool_rmap_test_clear_young - read and clear the accessed bits of a run of pages
 * @space: the space
 * @vpn: first page
 * @nr: pages
 * @young: set to 1 for each page that somebody used since the last time, else untouched
 *
 * Context: Process context; takes i_mmap_rwsem and page-table locks, so not under pool->lock.
 */
void fpool_rmap_test_clear_young(struct fpool_space *space, fpool_vpn_t vpn, u64 nr, u8 *young)
{
	walk_entries(space, vpn, nr, young_pte, young);
}

/**
 * fpool_rmap_test_dirty - look at the dirty bits of a run of pages
 * @space: the space
 * @vpn: first page
 * @nr: pages
 * @dirty: set to 1 for each page that somebody has stored to since it was cleaned, else untouched
 *
 * folio_mkclean() cannot be asked: it counts entries that could be stored through, too.  A bit
 * that an unmapping has taken meanwhile is in the page's flag: look there after this.
 *
 * Context: Process context; takes i_mmap_rwsem and page-table locks, so not under pool->lock.
 */
void fpool_rmap_test_dirty(struct fpool_space *space, fpool_vpn_t vpn, u64 nr, u8 *dirty)
{
	walk_entries(space, vpn, nr, dirty_pte, dirty);
}

static int old_pte(pte_t *pte, unsigned long addr, void *data)
{
	clear_bit(_PAGE_BIT_ACCESSED, (unsigned long *)&pte->pte);
	return 0;
}

/**
 * fpool_rmap_make_old - clear the accessed bits of entries that were just made
 * @vma: of which
 * @addr: of the first page
 * @nr: pages
 *
 * Context: mmap_lock or the VMA's lock held; takes page-table locks.
 */
void fpool_rmap_make_old(struct vm_area_struct *vma, unsigned long addr, unsigned long nr)
{
	apply_to_existing_page_range(vma->vm_mm, addr, nr << PAGE_SHIFT, old_pte, NULL);
}

/**
 * fpool_rmap_unmap - remove a run of pages from every process
 * @space: the space
 * @vpn: first page
 * @nr: pages
 *
 * When it returns the TLBs are flushed and every dirty bit is in its page's flags. Private
 * copies stay.
 *
 * Context: Process context; takes i_mmap_rwsem and page-table locks.
 */
void fpool_rmap_unmap(struct fpool_space *space, fpool_vpn_t vpn, u64 nr)
{
	unmap_mapping_pages(space->inode->i_mapping, fpool_vpn_nr(vpn), nr, false);
}

/**
 * fpool_rmap_cut - nobody has pages past a new end any more
 * @space: the space
 * @vpn: the first that is cut off
 *
 * As for a file, private copies go too: what is past the end is SIGBUS in every mapping.
 *
 * Context: as fpool_rmap_unmap(); no page past @vpn is resident, so no fault is copying one.
 */
void fpool_rmap_cut(struct fpool_space *space, fpool_vpn_t vpn)
{
	unmap_mapping_pages(space->inode->i_mapping, fpool_vpn_nr(vpn), 0, true);
}

/* Frames are single pages. 6.1 does not export folio_mapcount(). */
static int mapcount(const struct folio *folio)
{
	return atomic_read(&folio->_mapcount) + 1;
}

/*
 * References beyond ours and the mappings'.  A mapping that comes or goes between the reads (fork
 * and munmap do not take the page lock) must rather look held than hide a holder: the smaller
 * count.
 */
static bool is_held(struct folio *folio)
{
	int before = mapcount(folio);
	int refs = folio_ref_count(folio);

	/* Pairs with nothing: only the order of our own reads counts. */
	smp_rmb();
	return min(before, mapcount(folio)) + 1 < refs;
}

/**
 * fpool_rmap_is_held - has anybody a reference besides us and the mappings?
 * @page: of a resident frame
 *
 * Context: Any.
 * Return: whether it looks so now; the answer may be old.
 */
bool fpool_rmap_is_held(struct page *page)
{
	return is_held(page_folio(page));
}

/**
 * fpool_rmap_clean - make a page clean before it is written
 * @page: of a resident frame
 * @held: out: somebody holds the frame and may write to it without telling anyone
 *
 * From now on a store faults and makes the page dirty again, so what happens during the write is
 * not lost.  Who has a reference besides us and the mappings may be a device that writes into
 * the frame, or an unmapping that has not flushed the TLB yet: for them the page has to stay
 * dirty after the write.
 *
 * Context: Process context; takes the page lock, never held across the write.
 * Return: whether there is something to write.
 */
bool fpool_rmap_clean(struct page *page, bool *held)
{
	struct folio *folio = page_folio(page);
	bool dirty;

	folio_lock(folio);
	if (folio_mapped(folio) && folio_mkclean(folio))
		folio_mark_dirty(folio);
	dirty = folio_test_clear_dirty(folio);
	*held = dirty && is_held(folio);
	folio_unlock(folio);
	return dirty;
}
