// SPDX-License-Identifier: GPL-2.0-only
/*
 * From frames to the hardware entries that map them: unmap, clean, look at the accessed bit.
 *
 * Core mm's rmap walk is not exported, and unmapping only to look would cost a fault each: so we
 * walk the mapping's interval tree of VMAs ourselves, under i_mmap_rwsem, which keeps the page
 * tables of all these VMAs alive (free_pgtables() takes a VMA out of the tree before it frees
 * them), and with them the address spaces.
 *
 * Pages that lie scattered are unmapped in the same way, because core mm's call costs some 1,900
 * instructions for one page and flushes the TLB each time: entries of many pages are cleared
 * first, then one flush for each address space, then the pages let go of. What core mm does beyond
 * that in some mappings (mlock, userfaultfd, secondary MMUs) is left to core mm.  So are pages
 * cleaned: folio_mkclean() costs 750 instructions and a flush for each.
 */
#include "rmap.h"

#include <linux/delay.h>
#include <linux/interval_tree_generic.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/userfaultfd_k.h>
#include <asm/tlbflush.h>

#include "compat.h"
#include "inject.h"

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
	struct fpool_space *space;
	const struct fpool_region *region;
	struct vm_area_struct *vma;
	pmd_t *pmds;			/* of the VMA: the table that was walked last, or NULL */
	unsigned long pud_addr;		/* the first address that it is for */
	unsigned int changed;		/* entries whose translations have to leave the TLBs */
	bool counts;			/* uses through this VMA do */
	struct fpool_rmap_page *pages;	/* in the page table that is walked now, or NULL ... */
	unsigned int nr;		/* ... and how many; or pages that lie together */
	struct fpool_rmap_found *found;	/* by a look ... */
	unsigned int at;		/* ... in which the table's first page has this place */
};

/* What to do with an entry; called with the page table's lock held. */
typedef void (*entry_fn)(struct walk *walk, pte_t *pte, struct fpool_rmap_page *p);

/* What to do with the entries of @walk->nr pages in one page table; the same. */
typedef void (*table_fn)(struct walk *walk, pte_t *pte);

/* The VMA, and its page tables, stay as long as i_mmap_rwsem is held. */
static void set_vma(struct walk *walk, struct vm_area_struct *vma)
{
	i_mmap_assert_locked(walk->space->inode->i_mapping);
	if (fpool_inject(FPOOL_INJECT_WALK))
		msleep(1000);
	/* There may be millions of them. */
	cond_resched();
	walk->vma = vma;
	walk->pmds = NULL;
	walk->changed = 0;
}

/* A private mapping has copies of its own in its entries, which are not ours to look at. */
static __always_inline bool is_ours(const struct walk *walk, pte_t entry)
{
	return pte_present(entry) && pte_pfn(entry) - walk->region->pfn < walk->region->nframes;
}

/* Nothing but the bit goes: who holds the page table's lock may be changing the entry. */
static bool clear_young(const struct walk *walk, pte_t *pte)
{
	pte_t was = READ_ONCE(*pte);

	do {
		if (!(pte_flags(was) & _PAGE_ACCESSED) || !is_ours(walk, was))
			return false;
	} while (!try_cmpxchg(&pte->pte, &was.pte, pte_mkold(was).pte));
	return true;
}

/*
 * Neither accessed nor dirty any more; what it was.  The dirty bit arrives at the page before
 * it goes, and the processor sets bits all the time.
 */
static pte_t take_bits(pte_t *pte, struct page *page)
{
	pte_t was = READ_ONCE(*pte), is;

	do {
		if (pte_dirty(was) && !PageDirty(page))
			SetPageDirty(page);
		is = pte_mkold(pte_mkclean(was));
	} while (!try_cmpxchg(&pte->pte, &was.pte, is.pte));
	return was;
}

/* The bits of pages that lie together. */
static void look_table(struct walk *walk, pte_t *pte)
{
	unsigned int i;
	pte_t was;

	for (i = walk->at; i < walk->at + walk->nr; i++, pte++) {
		struct page *page;

		if (!is_ours(walk, *pte) || !(pte_young(*pte) || pte_dirty(*pte)))
			continue;
		page = pfn_to_page(pte_pfn(*pte));
		was = take_bits(pte, page);
		/* For the policy, which has not seen it. */
		if (pte_young(was) && walk->counts)
			folio_set_referenced(page_folio(page));
		__set_bit(i, walk->found->used);
		if (pte_dirty(was))
			__set_bit(i, walk->found->written);
		walk->changed++;
	}
}

/*
 * A secondary MMU sets no bit of ours.  Where it has only read a page it may store to it all the
 * same, if our entry lets it: until a page is cleaned such an entry counts as dirty.
 */
static __always_inline bool may_be_stored_to(pte_t entry, bool secondary)
{
	return pte_dirty(entry) || (unlikely(secondary) && pte_write(entry));
}

/* The page is dirty from now on, and in its entries still. */
static void collect_dirty(struct walk *walk, pte_t *pte)
{
	bool secondary = mm_has_notifiers(walk->vma->vm_mm);
	struct page *page;
	unsigned int i;

	for (i = 0; i < walk->nr; i++, pte++) {
		if (likely(!may_be_stored_to(*pte, secondary)) || !is_ours(walk, *pte))
			continue;
		page = pfn_to_page(pte_pfn(*pte));
		if (!PageDirty(page))
			SetPageDirty(page);
	}
}

/* A use that no look will find any more. */
static void note_use(struct walk *walk, const struct fpool_rmap_page *p, pte_t entry)
{
	fpool_space_note(walk->space, fpool_vpn(p->vpn),
			 FRAMEPOOL_REF_SEEN | (pte_dirty(entry) ? FRAMEPOOL_REF_WRITE : 0));
}

/*
 * Clean and write-protected.  The dirty bit goes for good: its page is about to be written.  A
 * secondary MMU writes past the entry: it is core mm that tells it not to.
 */
static void clean_pte(struct walk *walk, pte_t *pte, struct fpool_rmap_page *p)
{
	pte_t entry = *pte;

	if (!is_ours(walk, entry) || !(pte_dirty(entry) || pte_write(entry)))
		return;
	if (mm_has_notifiers(walk->vma->vm_mm)) {
		p->left = true;
		return;
	}
	entry = ptep_get_and_clear(walk->vma->vm_mm, 0, pte);
	if (pte_dirty(entry))
		note_use(walk, p, entry);
	set_pte(pte, pte_mkclean(pte_wrprotect(entry)));
	walk->changed++;
}

/*
 * Nothing here of which core mm does more when it unmaps.  Asked with the page table's lock
 * held, as mlock() sets its flag before it looks at the entries.
 */
static bool is_plain(struct vm_area_struct *vma)
{
	return !(READ_ONCE(vma->vm_flags) & VM_LOCKED) && !userfaultfd_armed(vma) &&
	       !mm_has_notifiers(vma->vm_mm);
}

/* The dirty bit arrives at the page before anybody can find the entry gone and the page clean. */
static __always_inline void zap_pte(struct walk *walk, pte_t *pte, struct fpool_rmap_page *p)
{
	pte_t entry;

	if (!is_ours(walk, *pte))
		return;
	entry = ptep_get_and_clear(walk->vma->vm_mm, 0, pte);
	if (pte_dirty(entry))
		SetPageDirty(p->page);
	if (pte_young(entry) || pte_dirty(entry))
		note_use(walk, p, entry);
	p->unmapped++;
	walk->changed++;
}

/* The table of the last level but one for an address; NULL where there is none. */
static pmd_t *find_pmds(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud) || pud_bad(*pud))
		return NULL;
	return pmd_offset(pud, addr & PUD_MASK);
}

/* The entry of the last level but one, or NULL.  One table of these has the entries of 1 GiB. */
static __always_inline pmd_t *find_pmd(struct walk *walk, unsigned long addr)
{
	if (!walk->pmds || walk->pud_addr != (addr & PUD_MASK)) {
		walk->pmds = find_pmds(walk->vma->vm_mm, addr);
		walk->pud_addr = addr & PUD_MASK;
	}
	return walk->pmds ? walk->pmds + pmd_index(addr) : NULL;
}

static unsigned long address(const struct vm_area_struct *vma, u64 vpn)
{
	return vma->vm_start + ((vpn - vma->vm_pgoff) << PAGE_SHIFT);
}

/* Ours are never huge. */
static bool is_table(pmd_t pmd)
{
	return (native_pmd_val(pmd) & (_PAGE_PRESENT | _PAGE_PSE)) == _PAGE_PRESENT;
}

/* As pte_offset_kernel(), where is_table() has said so: there is no huge page's mask to choose. */
static pte_t *table_entry(pmd_t table, unsigned long addr)
{
	return (pte_t *)__va(pmd_val(table) & PTE_PFN_MASK) + pte_index(addr);
}

/* The entry that has the page table of an address, and what it was when it was read; or NULL. */
static __always_inline pmd_t *find_table(struct walk *walk, unsigned long addr, pmd_t *table)
{
	pmd_t *pmd = find_pmd(walk, addr);

	if (!pmd)
		return NULL;
	*table = READ_ONCE(*pmd);
	return is_table(*table) ? pmd : NULL;
}

/* Call @fn for the entries in the page table of an address, from there on. */
static __always_inline void walk_table(struct walk *walk, unsigned long addr, table_fn fn)
{
	pmd_t table, *pmd = find_table(walk, addr, &table);
	spinlock_t *ptl;	/* core mm's: of one page table */

	if (!pmd)
		return;
	ptl = pte_lockptr(walk->vma->vm_mm, &table);
	spin_lock(ptl);
	/* mremap() may have moved the table away; who moves it has this lock, too. */
	if (likely(table.pmd == READ_ONCE(pmd->pmd)))
		fn(walk, table_entry(table, addr));
	spin_unlock(ptl);
}

/* Call @fn for the entries of the pages that are listed. */
static __always_inline void each_listed(struct walk *walk, pte_t *pte, entry_fn fn)
{
	struct fpool_rmap_page *p = walk->pages, *end = p + walk->nr;
	u64 first = p->vpn;

	for (; p < end; p++)
		fn(walk, pte + (long)(p->vpn - first), p);
}

static void clean_table(struct walk *walk, pte_t *pte)
{
	each_listed(walk, pte, clean_pte);
}

static void zap_table(struct walk *walk, pte_t *pte)
{
	if (likely(is_plain(walk->vma)))
		each_listed(walk, pte, zap_pte);
}

/* The entries of the page table of an address, whoever may be changing them; or NULL. */
static __always_inline pte_t *find_entries(struct walk *walk, unsigned long addr)
{
	pmd_t table;

	if (!find_table(walk, addr, &table))
		return NULL;
	return table_entry(table, addr & PMD_MASK);
}

/* The first page after those of which the page table has the entries that has @vpn's. */
static u64 table_end(const struct vm_area_struct *vma, u64 vpn)
{
	return vpn + PTRS_PER_PTE - pte_index(address(vma, vpn));
}

/* Pages [first, end). */
struct stretch {
	u64 first, end;
};

static bool is_in(const struct stretch *s, u64 vpn)
{
	return vpn - s->first < s->end - s->first;
}

static struct stretch vma_stretch(struct vm_area_struct *vma)
{
	return (struct stretch){ vma->vm_pgoff, vma->vm_pgoff + vma_pages(vma) };
}

/*
 * Call @fn for the entries that a VMA has for pages of a list: once for those that follow one
 * another and share a page table.
 */
static __always_inline void walk_vma(struct walk *walk, struct fpool_rmap_page *pages,
				     unsigned int nr, table_fn fn)
{
	struct fpool_rmap_page *p = pages, *end = pages + nr;
	const struct stretch all = vma_stretch(walk->vma);
	unsigned long addr;
	u64 table;

	while (p < end) {
		if (!is_in(&all, p->vpn)) {
			p++;
			continue;
		}
		addr = address(walk->vma, p->vpn);
		/* May be before the first page of all: only the distance counts. */
		table = p->vpn - pte_index(addr);
		walk->pages = p;
		do
			p++;
		while (p < end && is_in(&all, p->vpn) && p->vpn - table < PTRS_PER_PTE);
		walk->nr = p - walk->pages;
		walk_table(walk, addr, fn);
	}
}

/*
 * Do uses through a VMA tell that there will be others?  A sequential reader's do not; core mm
 * thinks so, too (vma_has_recency()).  It says the same of random ones, whose hot pages we want.
 */
static bool uses_count(const struct vm_area_struct *vma)
{
	if (vma->vm_flags & (VM_SEQ_READ | VM_RAND_READ))
		return vma->vm_flags & VM_RAND_READ;
	return fpool_handle_counts(vma->vm_file->private_data);
}

/* From the first to the last of a list; all that there can be, where only one VMA is looked for. */
static struct stretch list_stretch(const struct address_space *mapping,
				   const struct fpool_rmap_page *pages, unsigned int nr)
{
	const struct rb_node *root = mapping->i_mmap.rb_root.rb_node;
	u64 first = pages->vpn, last = first;
	unsigned int i;

	if (root && !root->rb_left && !root->rb_right)
		return (struct stretch){ 0, ULONG_MAX };

	for (i = 1; i < nr; i++) {
		first = min(first, pages[i].vpn);
		last = max(last, pages[i].vpn);
	}
	return (struct stretch){ first, last + 1 };
}

/**
 * fpool_rmap_user - somebody who maps a page of a space
 * @space: the space
 * @vpn: the page
 *
 * Context: Process context; takes i_mmap_rwsem.
 * Return: an address space, to compare with: it may have gone when this returns; NULL: nobody does.
 */
const struct mm_struct *fpool_rmap_user(struct fpool_space *space, u64 vpn)
{
	struct address_space *mapping = space->inode->i_mapping;
	const struct vm_area_struct *vma;
	const struct mm_struct *mm;

	i_mmap_lock_read(mapping);
	vma = vmas_iter_first(&mapping->i_mmap, vpn, vpn);
	mm = vma ? vma->vm_mm : NULL;
	i_mmap_unlock_read(mapping);
	return mm;
}

/*
 * A page table that was found stays one while i_mmap_rwsem is held, even if mremap() moves it, and
 * a bit that is taken from an entry as it is does no harm to who changes it: there is no need of
 * the page table's lock.
 *
 * No TLB flush: an access through a cached translation may then go unseen until the translation
 * leaves the TLB.  "Not young" is a hint, and the flush costs more than the hint.
 */
static void young_vma(struct walk *walk, struct fpool_rmap_page *pages, unsigned int nr)
{
	const struct stretch all = vma_stretch(walk->vma);
	struct fpool_rmap_page *p, *end = pages + nr;
	unsigned long addr, table_addr = 0;
	bool counts = uses_count(walk->vma);
	pte_t *table = NULL;

	for (p = pages; p < end; p++) {
		if (!is_in(&all, p->vpn))
			continue;
		addr = address(walk->vma, p->vpn);
		if (!table || table_addr != (addr & PMD_MASK)) {
			table = find_entries(walk, addr);
			table_addr = addr & PMD_MASK;
		}
		if (table && clear_young(walk, table + pte_index(addr))) {
			p->found |= counts;
			fpool_space_note(walk->space, fpool_vpn(p->vpn), FRAMEPOOL_REF_SEEN);
		}
	}
}

/**
 * fpool_rmap_test_clear_young - read and clear the accessed bits of pages
 * @space: the space
 * @pages: which; @found is set for each page that somebody used since the last time
 * @nr: pages, at least one
 *
 * Context: Process context; takes i_mmap_rwsem, so not under pool->lock.
 */
void fpool_rmap_test_clear_young(struct fpool_space *space, struct fpool_rmap_page *pages,
				 unsigned int nr)
{
	struct address_space *mapping = space->inode->i_mapping;
	struct walk walk = { .space = space, .region = &space->pool->region };
	struct vm_area_struct *vma;
	struct stretch s;

	i_mmap_lock_read(mapping);
	s = list_stretch(mapping, pages, nr);
	for (vma = vmas_iter_first(&mapping->i_mmap, s.first, s.end - 1); vma;
	     vma = vmas_iter_next(vma, s.first, s.end - 1)) {
		set_vma(&walk, vma);
		young_vma(&walk, pages, nr);
	}
	i_mmap_unlock_read(mapping);
}

/**
 * fpool_rmap_collect_dirty - which pages has anybody stored to since they were cleaned?
 * @space: the space
 * @first: first page
 * @end: past the last
 *
 * Pages whose entries are dirty are dirty when it returns; the entries stay as they are.  An
 * unmapping that comes first has set the flag itself.
 *
 * Context: Process context; takes i_mmap_rwsem and page-table locks, so not under pool->lock.
 */
void fpool_rmap_collect_dirty(struct fpool_space *space, u64 first, u64 end)
{
	struct address_space *mapping = space->inode->i_mapping;
	struct walk walk = { .space = space, .region = &space->pool->region };
	struct vm_area_struct *vma;
	u64 vpn, here, vma_end;

	i_mmap_lock_read(mapping);
	for (vma = vmas_iter_first(&mapping->i_mmap, first, end - 1); vma;
	     vma = vmas_iter_next(vma, first, end - 1)) {
		set_vma(&walk, vma);
		vma_end = min_t(u64, vma_last(vma) + 1, end);
		for (vpn = max_t(u64, vma->vm_pgoff, first); vpn < vma_end; vpn = here) {
			here = min(table_end(vma, vpn), vma_end);
			walk.nr = here - vpn;
			walk_table(&walk, address(vma, vpn), collect_dirty);
		}
	}
	i_mmap_unlock_read(mapping);
}

static void flush_cpu(void *unused)
{
	__flush_tlb_all();
}

/*
 * As flush_tlb_mm(), which is not exported: whoever switches to the address space from now on sees
 * that its translations are too old, and who uses it now is interrupted.  The interrupt also
 * waits for a lockless GUP that has read one of the entries.
 */
static void flush_mm(struct mm_struct *mm)
{
	/* A full barrier: after the entries were cleared, before the mask is read. */
	atomic64_inc_return(&mm->context.tlb_gen);
	on_each_cpu_mask(mm_cpumask(mm), flush_cpu, NULL, true);
}

static void look_vma(struct walk *walk, u64 first, u64 end)
{
	struct vm_area_struct *vma = walk->vma;
	u64 vpn, here, vma_end = min_t(u64, vma_last(vma) + 1, end);

	for (vpn = max_t(u64, vma->vm_pgoff, first); vpn < vma_end; vpn = here) {
		here = min(table_end(vma, vpn), vma_end);
		walk->at = vpn - first;
		walk->nr = here - vpn;
		walk_table(walk, address(vma, vpn), look_table);
	}
}

/**
 * fpool_rmap_look - read and clear the accessed and dirty bits of pages that lie together
 * @space: the space
 * @first: first page
 * @end: past the last; at most FPOOL_RMAP_LOOK_MAX
 * @found: out: which were used since the last time; bits that are set stay set
 *
 * Nothing is lost by it: a page that was stored to is dirty, and one whose use counts is
 * referenced, which the policy asks for.  The TLBs are flushed when it returns, so the next use of
 * each page sets its bits again.
 *
 * Until then a store through an old translation leaves no bit.  Write-back must not pass the entry
 * meanwhile: one that mprotect() has just made read-only is clean for it, and needs no flush.  So
 * i_mmap_rwsem is held for writing.
 *
 * Context: Process context; takes i_mmap_rwsem and page-table locks, so not under pool->lock.
 */
void fpool_rmap_look(struct fpool_space *space, u64 first, u64 end, struct fpool_rmap_found *found)
{
	struct walk walk = { .space = space, .region = &space->pool->region, .found = found };
	struct address_space *mapping = space->inode->i_mapping;
	struct vm_area_struct *vma;

	i_mmap_lock_write(mapping);
	for (vma = vmas_iter_first(&mapping->i_mmap, first, end - 1); vma;
	     vma = vmas_iter_next(vma, first, end - 1)) {
		set_vma(&walk, vma);
		walk.counts = uses_count(vma);
		look_vma(&walk, first, end);
		if (walk.changed)
			flush_mm(vma->vm_mm);
	}
	i_mmap_unlock_write(mapping);
}

/* Drop the references and counts that the cleared entries had. Does anybody map a page still? */
static bool let_go(struct fpool_space *space, struct fpool_rmap_page *pages, unsigned int nr)
{
	bool mapped = false;
	unsigned int i;
	int unused = 0;

	for (i = 0; i < nr; i++) {
		struct page *page = pages[i].page;

		if (!pages[i].unmapped) {
			mapped |= page_mapped(page);
			continue;
		}
		if (atomic_sub_return(pages[i].unmapped, &page->_mapcount) < 0)
			unused++;
		else
			mapped = true;
		page_ref_sub(page, pages[i].unmapped);
	}
	if (unused)
		mod_node_page_state(page_pgdat(pages[0].page), NR_FILE_MAPPED, -unused);
	return mapped;
}

/* The first page after the run of neighbours that begins at @i. */
static unsigned int run_end(const struct fpool_rmap_page *pages, unsigned int i, unsigned int nr)
{
	do
		i++;
	while (i < nr && pages[i].vpn == pages[i - 1].vpn + 1);
	return i;
}

/* What our own walk had to leave to core mm, or what was mapped again meanwhile. */
static void unmap_rest(struct fpool_space *space, struct fpool_rmap_page *pages, unsigned int nr)
{
	unsigned int i, end, k;

	for (i = 0; i < nr; i = end) {
		bool mapped = false;

		end = run_end(pages, i, nr);
		for (k = i; k < end; k++)
			mapped |= page_mapped(pages[k].page);
		if (mapped)
			unmap_mapping_pages(space->inode->i_mapping, pages[i].vpn, end - i, false);
	}
}

/**
 * fpool_rmap_unmap - remove pages from every process
 * @space: the space
 * @pages: which, with @page set and @unmapped 0, and no reference of core mm's keeps any
 *	of them from being mapped by others: their entries are busy
 * @nr: pages, at least one
 *
 * Those that share a page table cost least where they follow one another.
 *
 * When it returns the TLBs are flushed and every dirty bit is in its page's flags. Private
 * copies stay.
 *
 * Context: Process context; takes i_mmap_rwsem and page-table locks.
 */
void fpool_rmap_unmap(struct fpool_space *space, struct fpool_rmap_page *pages, unsigned int nr)
{
	struct address_space *mapping = space->inode->i_mapping;
	struct walk walk = { .space = space, .region = &space->pool->region };
	struct vm_area_struct *vma;
	struct stretch s;
	bool mapped;

	i_mmap_lock_read(mapping);
	s = list_stretch(mapping, pages, nr);
	for (vma = vmas_iter_first(&mapping->i_mmap, s.first, s.end - 1); vma;
	     vma = vmas_iter_next(vma, s.first, s.end - 1)) {
		set_vma(&walk, vma);
		walk_vma(&walk, pages, nr, zap_table);
		if (!walk.changed)
			continue;
		flush_mm(vma->vm_mm);
		fpool_file_rss_sub(vma->vm_mm, walk.changed);
	}
	mapped = let_go(space, pages, nr);
	i_mmap_unlock_read(mapping);
	if (unlikely(mapped))
		unmap_rest(space, pages, nr);
}

/**
 * fpool_rmap_cut - nobody has pages past a new end any more
 * @space: the space
 * @vpn: the first that is cut off
 *
 * As for a file, private copies go too: what is past the end is SIGBUS in every mapping.
 *
 * Context: Process context; takes i_mmap_rwsem and page-table locks; no page past @vpn is
 * resident, so no fault is copying one.
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

/*
 * Core mm's own way, with all that it does in some mappings.  A secondary MMU that is told then
 * says that it has stored, whether it has or not, and the page is dirty: so once more, when it has
 * it no longer, or each page would be written twice.
 */
static void clean_by_core(struct fpool_space *space, const struct fpool_rmap_page *p)
{
	struct folio *folio = page_folio(p->page);
	int cleaned;

	folio_lock(folio);
	cleaned = folio_mkclean(folio);
	if (folio_test_dirty(folio)) {
		folio_clear_dirty(folio);
		/* As in fpool_rmap_clean(). */
		smp_mb__after_atomic();
		cleaned += folio_mkclean(folio);
	}
	folio_unlock(folio);
	if (cleaned)
		fpool_space_note(space, fpool_vpn(p->vpn),
				 FRAMEPOOL_REF_SEEN | FRAMEPOOL_REF_WRITE);
}

/* Write-protect pages in every process; the TLBs are flushed when it returns. */
static void write_protect(struct fpool_space *space, struct fpool_rmap_page *pages,
			  unsigned int nr)
{
	struct address_space *mapping = space->inode->i_mapping;
	struct walk walk = { .space = space, .region = &space->pool->region };
	struct vm_area_struct *vma;
	struct stretch s;

	i_mmap_lock_read(mapping);
	s = list_stretch(mapping, pages, nr);
	for (vma = vmas_iter_first(&mapping->i_mmap, s.first, s.end - 1); vma;
	     vma = vmas_iter_next(vma, s.first, s.end - 1)) {
		set_vma(&walk, vma);
		walk_vma(&walk, pages, nr, clean_table);
		if (walk.changed)
			flush_mm(vma->vm_mm);
	}
	i_mmap_unlock_read(mapping);
}

/**
 * fpool_rmap_clean - make pages clean before they are written
 * @space: the space
 * @pages: of resident frames, with @page set and @left false; @held: somebody holds the
 *	frame and may write to it without telling anyone
 * @nr: pages, at least one
 *
 * From now on a store faults and makes its page dirty again, so what happens during the write is
 * not lost; nor is what is stored through an entry that was made after its page table was
 * walked: that entry has the dirty bit.  A look may take the bit from it at once, and leaves the
 * page dirty instead: so the page's flag is cleared before the walk, and never after it.
 *
 * Who has a reference besides us and the mappings may be a device that writes into the frame, or
 * an unmapping that has not flushed the TLB yet: for them the page has to stay dirty after the
 * write.
 *
 * Context: Process context; takes i_mmap_rwsem, page-table locks, and where there are secondary
 * MMUs the page lock, never held across the write.
 */
void fpool_rmap_clean(struct fpool_space *space, struct fpool_rmap_page *pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		ClearPageDirty(pages[i].page);
	/* Who may have stored without setting the flag again is seen after it is gone. */
	smp_mb__after_atomic();
	write_protect(space, pages, nr);
	for (i = 0; i < nr; i++) {
		if (unlikely(pages[i].left))
			clean_by_core(space, &pages[i]);
		pages[i].held = is_held(page_folio(pages[i].page));
	}
}
