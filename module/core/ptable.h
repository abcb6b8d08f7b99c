/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shadow page table of a space: vpn -> shadow PTE, over the full 52 bits.
 *
 * A radix tree of nodes of one frame each, 512 entries of 64 bits, of as many levels
 * as its largest vpn needs (1 to 6, growing at the root).  Nodes are frames of the pool and
 * an entry of an inner node is, as in hardware, "present | frame of the child".
 *
 * A shadow PTE:
 *
 *	 63                          44 43              12 11        0
 *	+------------------------------+------------------+-----------+
 *	|  0                           |  frame (32)      |  flags    |	present, or busy with a fill
 *	+------------------------------+------------------+-----------+
 *	|  sequence number of the eviction (52)           |  G        |	ghost
 *	+------------------------------+------------------+-----------+
 *	|  0                           |  errno           |  G E      |	ghost of a fill that failed
 *	+------------------------------+------------------+-----------+
 *	|  0                                                          |	empty
 *	+-------------------------------------------------------------+
 *
 * Reading (get, next, walk) needs only that nodes stay readable: RCU in the module. Everything
 * else, seek with it, is serialised by the caller. Nodes that become empty are handed to node_free,
 * which must keep them readable until a grace period has passed.
 */
#ifndef FPOOL_CORE_PTABLE_H
#define FPOOL_CORE_PTABLE_H

#include <linux/bits.h>
#include <asm/barrier.h>

#include "frames.h"

typedef u64 __bitwise fpool_spte_t;

#define FPOOL_SPTE_P		BIT_ULL(0)	/* present */
#define FPOOL_SPTE_A		BIT_ULL(1)	/* accessed, as far as the pool has looked */
#define FPOOL_SPTE_D		BIT_ULL(2)	/* dirty, as far as the pool has looked */
#define FPOOL_SPTE_BUSY		BIT_ULL(3)	/* with P leaving, without P being filled */
#define FPOOL_SPTE_PIN		BIT_ULL(4)	/* may not be evicted: asked for by a program */
#define FPOOL_SPTE_WB		BIT_ULL(5)	/* being written, stays usable */
#define FPOOL_SPTE_G		BIT_ULL(6)	/* ghost */
#define FPOOL_SPTE_E		BIT_ULL(7)	/* with G: a fill failed; errno in frame field */
#define FPOOL_SPTE_H		BIT_ULL(8)	/* held back: pinned, and may not be written */
#define FPOOL_SPTE_FLAGS	0xfffULL

#define FPOOL_PTABLE_BITS	9
#define FPOOL_PTABLE_ENTRIES	512U		/* 2^FPOOL_PTABLE_BITS */
#define FPOOL_PTABLE_MAX_LEVELS	6

static_assert(FPOOL_PTABLE_ENTRIES == 1 << FPOOL_PTABLE_BITS);
static_assert(FPOOL_PTABLE_ENTRIES * sizeof(u64) == FPOOL_PAGE_BYTES);

static inline fpool_spte_t fpool_spte(u64 raw)
{
	return (__force fpool_spte_t)raw;
}

static inline u64 fpool_spte_raw(fpool_spte_t e)
{
	return (__force u64)e;
}

static inline fpool_spte_t fpool_spte_make(fpool_frame_t frame, u64 flags)
{
	return fpool_spte((u64)fpool_frame_nr(frame) << FPOOL_PAGE_SHIFT | flags);
}

static inline fpool_spte_t fpool_spte_ghost(u64 seq)
{
	return fpool_spte(seq << FPOOL_PAGE_SHIFT | FPOOL_SPTE_G);
}

static inline fpool_spte_t fpool_spte_error(int err)
{
	return fpool_spte((u64)-err << FPOOL_PAGE_SHIFT | FPOOL_SPTE_G | FPOOL_SPTE_E);
}

static inline bool fpool_spte_has(fpool_spte_t e, u64 flags)
{
	return fpool_spte_raw(e) & flags;
}

static inline bool fpool_spte_empty(fpool_spte_t e)
{
	return !fpool_spte_raw(e);
}

/* Of a present or filling entry. */
static inline fpool_frame_t fpool_spte_frame(fpool_spte_t e)
{
	return fpool_frame(fpool_spte_raw(e) >> FPOOL_PAGE_SHIFT);
}

/* Does it remember a page that has left? */
static inline bool fpool_spte_is_evicted(fpool_spte_t e)
{
	return (fpool_spte_raw(e) & (FPOOL_SPTE_G | FPOOL_SPTE_E)) == FPOOL_SPTE_G;
}

/* Of a page that has left. */
static inline u64 fpool_spte_seq(fpool_spte_t e)
{
	return fpool_spte_raw(e) >> FPOOL_PAGE_SHIFT;
}

/* Of a fill that failed: a negative errno. */
static inline int fpool_spte_errno(fpool_spte_t e)
{
	return -(int)(fpool_spte_raw(e) >> FPOOL_PAGE_SHIFT);
}

/**
 * struct fpool_ptable_ops - where nodes come from
 * @node_alloc: returns a frame, already marked NODE in the frame table (FPOOL_NO_FRAME if
 *	there is none); its contents need not be zero. It must not change the table that it
 *	is called for: dropping ghosts to find a node is for the caller of set() and
 *	prepare() to do, after their -ENOMEM
 * @node_free: takes a node back, which is on no list; its contents stay readable until nobody
 *	can be walking it
 *
 * Both are called with what serialises the writers of the table.
 */
struct fpool_ptable_ops {
	fpool_frame_t (*node_alloc)(void *ctx, u32 space);
	void (*node_free)(void *ctx, fpool_frame_t node);
};

struct fpool_ptable {
	u64 root;		/* 0, or frame of the top node << 12 | levels << 1 | P */
	struct fpool_frames *ft;
	void *base;		/* where frame 0 is in memory */
	const struct fpool_ptable_ops *ops;
	void *ctx;
	u32 space;		/* id */
	u32 nnodes;
	struct fpool_frame_list ghost_nodes;	/* leaves with nothing but ghosts, oldest first */
	u64 npresent;		/* entries with P */
	u64 nghosts;		/* entries with G */
	u64 nfills;		/* the rest of what is not empty */
	u64 last_prefix;	/* of the leaf that a writer found last; ~0: none */
	fpool_frame_t last_leaf;
};

/* One level of a walk, as the textbook draws it. */
struct fpool_ptable_step {
	unsigned int level;	/* top first, 0 = the level of shadow PTEs */
	unsigned int index;	/* in the node */
	fpool_frame_t node;	/* where the node is */
	u64 entry;
};

void fpool_ptable_init(struct fpool_ptable *pt, const struct fpool_ptable_ops *ops, void *ctx,
		       struct fpool_frames *ft, void *base, u32 space);

fpool_spte_t fpool_ptable_get(const struct fpool_ptable *pt, fpool_vpn_t vpn);

/* One of the entries of a run. */
static inline fpool_spte_t fpool_ptable_read(const u64 *entry)
{
	/* Pairs with fpool_ptable_put(): with P comes all that was done before it was set. */
	return fpool_spte(smp_load_acquire(entry));
}

bool fpool_ptable_next(const struct fpool_ptable *pt, fpool_vpn_t *vpn, fpool_vpn_t end,
		       u64 flags, fpool_spte_t *e);
bool fpool_ptable_seek(const struct fpool_ptable *pt, fpool_vpn_t *vpn, fpool_vpn_t end,
		       u64 flags, u32 nodes, fpool_spte_t *e);
unsigned int fpool_ptable_walk(const struct fpool_ptable *pt, fpool_vpn_t vpn,
			       struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS]);
unsigned int fpool_ptable_missing(const struct fpool_ptable *pt, fpool_vpn_t vpn);
u64 fpool_ptable_drop_ghosts(struct fpool_ptable *pt, u32 nodes);
bool fpool_ptable_clear_some(struct fpool_ptable *pt, u32 leaves);
void fpool_ptable_clear(struct fpool_ptable *pt);
unsigned int fpool_ptable_levels(const struct fpool_ptable *pt);
int fpool_ptable_check(const struct fpool_ptable *pt, const char **why);

/* For those below. */
bool fpool_ptable_walk_to_leaf(struct fpool_ptable *pt, fpool_vpn_t vpn);
int fpool_ptable_make_path(struct fpool_ptable *pt, fpool_vpn_t vpn);
int fpool_ptable_make_leaf(struct fpool_ptable *pt, fpool_vpn_t vpn, fpool_spte_t e);
void fpool_ptable_move_leaf(struct fpool_ptable *pt, fpool_frame_t leaf);
void fpool_ptable_prune(struct fpool_ptable *pt, fpool_frame_t node);

/* These are called for every page that comes, is judged or leaves: inline. */

#define FPOOL_SPTE_ERRNO_MAX	4095

#define FPOOL_SPTE_UPDATABLE	(FPOOL_SPTE_A | FPOOL_SPTE_D | FPOOL_SPTE_BUSY | \
				 FPOOL_SPTE_PIN | FPOOL_SPTE_H | FPOOL_SPTE_WB)

/* May an entry with a frame have these flags? */
static __always_inline bool fpool_spte_flags_ok(u64 flags)
{
	return flags & (FPOOL_SPTE_P | FPOOL_SPTE_BUSY) &&
	       (flags & (FPOOL_SPTE_H | FPOOL_SPTE_PIN)) != FPOOL_SPTE_H;
}

/* Whether an entry is one of those in the picture above, the empty one apart. */
static __always_inline bool fpool_spte_ok(const struct fpool_ptable *pt, fpool_spte_t e)
{
	u64 flags = fpool_spte_raw(e) & FPOOL_SPTE_FLAGS;
	u64 field = fpool_spte_raw(e) >> FPOOL_PAGE_SHIFT;

	if (flags == FPOOL_SPTE_G)
		return true;
	if (flags == (FPOOL_SPTE_G | FPOOL_SPTE_E))
		return field && field <= FPOOL_SPTE_ERRNO_MAX;
	return fpool_spte_flags_ok(flags) && !(flags & ~(FPOOL_SPTE_UPDATABLE | FPOOL_SPTE_P)) &&
	       field < pt->ft->nframes;
}

/* Of the node that a root word or the entry of an inner node leads to: no shift there and back. */
static __always_inline u64 *fpool_ptable_below(const struct fpool_ptable *pt, u64 entry)
{
	return pt->base + (entry & ~FPOOL_SPTE_FLAGS);
}

static inline unsigned int fpool_ptable_root_levels(u64 root)
{
	return (root & FPOOL_SPTE_FLAGS) >> 1;
}

/**
 * fpool_ptable_get_run() - the shadow PTEs of pages that share a leaf
 * @pt: the table
 * @vpn: the first page
 * @nr: how many, none of them beyond the leaf of the first: an aligned run of at most 512
 *
 * Context: As fpool_ptable_get(); the entries may be read, with fpool_ptable_read(), for as long.
 * Return: The first of the entries, which lie one after the other; NULL: all are empty.
 */
static inline const u64 *fpool_ptable_get_run(const struct fpool_ptable *pt, fpool_vpn_t vpn,
					      u32 nr)
{
	/* Each link is ordered before what it leads to by the address dependency. */
	u64 entry = READ_ONCE(pt->root), page = fpool_vpn_nr(vpn);
	unsigned int shift = FPOOL_PTABLE_BITS * fpool_ptable_root_levels(entry);
	unsigned int index = page % FPOOL_PTABLE_ENTRIES;
	const u64 *node;

	if (!shift || page >> shift || index + nr > FPOOL_PTABLE_ENTRIES)
		return NULL;
	while (shift -= FPOOL_PTABLE_BITS) {
		node = fpool_ptable_below(pt, entry);
		entry = READ_ONCE(node[(page >> shift) % FPOOL_PTABLE_ENTRIES]);
		if (!entry)
			return NULL;
	}
	return &fpool_ptable_below(pt, entry)[index];
}

/* What all pages of a leaf have in common. */
static __always_inline u64 fpool_ptable_prefix(fpool_vpn_t vpn)
{
	return fpool_vpn_nr(vpn) >> FPOOL_PTABLE_BITS;
}

/*
 * Is there a leaf that has the entry of the page? Then it is @last_leaf: writers ask several times
 * in a row for the same one.
 */
static __always_inline bool fpool_ptable_find_leaf(struct fpool_ptable *pt, fpool_vpn_t vpn)
{
	return likely(pt->last_prefix == fpool_ptable_prefix(vpn)) ||
	       fpool_ptable_walk_to_leaf(pt, vpn);
}

/* Of a node. */
static __always_inline u64 *fpool_ptable_entries(const struct fpool_ptable *pt, fpool_frame_t node)
{
	return pt->base + ((size_t)fpool_frame_nr(node) << FPOOL_PAGE_SHIFT);
}

/* The entry of the page, of which fpool_ptable_find_leaf() has said that there is one. */
static __always_inline u64 *fpool_ptable_slot(const struct fpool_ptable *pt, fpool_vpn_t vpn)
{
	return &fpool_ptable_entries(pt, pt->last_leaf)[fpool_vpn_nr(vpn) % FPOOL_PTABLE_ENTRIES];
}

/* The leaf that a writer has just found. */
static __always_inline fpool_frame_t fpool_ptable_leaf(const struct fpool_ptable *pt)
{
	return pt->last_leaf;
}

/**
 * fpool_ptable_remember() - spares writers the walk to a leaf that is known
 * @pt: the table
 * @vpn: a page whose entry is BUSY, and has been since; or whose leaf has just been made
 * @leaf: what fpool_ptable_leaf() said when that was set, as the entry has kept it; or that
 *
 * Context: Caller serialises the writers of @pt.
 */
static __always_inline void fpool_ptable_remember(struct fpool_ptable *pt, fpool_vpn_t vpn,
						  fpool_frame_t leaf)
{
	pt->last_prefix = fpool_ptable_prefix(vpn);
	pt->last_leaf = leaf;
}

static __always_inline void fpool_ptable_put(u64 *slot, fpool_spte_t e)
{
	/* Pairs with get(): the page's and its frame's state before the entry that shows them. */
	smp_store_release(slot, fpool_spte_raw(e));
}

static __always_inline bool fpool_ptable_only_ghosts(const struct fpool_frame_info *fi)
{
	return fi->node.ghosts && fi->node.ghosts == fi->node.used;
}

static __always_inline bool fpool_ptable_is_listed(const struct fpool_frame_info *fi)
{
	return fi->list == FPOOL_PTABLE_LIST;
}

/* The list of leaves with nothing but ghosts after the counters of a leaf have changed. */
static __always_inline void fpool_ptable_relist(struct fpool_ptable *pt,
						const struct fpool_frame_info *fi,
						fpool_frame_t leaf)
{
	if (unlikely(fpool_ptable_only_ghosts(fi) != fpool_ptable_is_listed(fi)))
		fpool_ptable_move_leaf(pt, leaf);
}

/* The counters of a leaf and of the table when an entry of it becomes another. */
static __always_inline void fpool_ptable_account(struct fpool_ptable *pt,
						 struct fpool_frame_info *fi, u64 old, u64 new)
{
	int used = !!new - !!old;
	int present = !!(new & FPOOL_SPTE_P) - !!(old & FPOOL_SPTE_P);
	int ghosts = !!(new & FPOOL_SPTE_G) - !!(old & FPOOL_SPTE_G);

	fi->node.used += used;
	fi->node.ghosts += ghosts;
	pt->npresent += present;
	pt->nghosts += ghosts;
	pt->nfills += used - present - ghosts;
}

/**
 * fpool_ptable_peek() - the shadow PTE of a page, for who may change it
 * @pt: the table
 * @vpn: the page; one that no table can have (more than 52 bits) is empty
 *
 * As fpool_ptable_get(), and cheaper where several calls in a row ask for pages of one leaf.
 *
 * Context: Caller serialises the writers of @pt.
 * Return: The entry.
 */
static __always_inline fpool_spte_t fpool_ptable_peek(struct fpool_ptable *pt, fpool_vpn_t vpn)
{
	return fpool_spte(fpool_ptable_find_leaf(pt, vpn) ? *fpool_ptable_slot(pt, vpn) : 0);
}

/**
 * fpool_ptable_prepare() - makes sure that setting the entry of a page cannot fail
 * @pt: the table
 * @vpn: the page
 *
 * Allocates all nodes on the path to the entry.  The promise ends with the next call that
 * may free one of them: a set() to the empty entry within the same 512 pages,
 * drop_ghosts(), or clear().  A prepared leaf in which nothing is set stays until
 * then; set(@vpn, empty) is the way to take a prepare() back.  The leaf is the last one that a
 * writer has found: fpool_ptable_slot() is the page's.
 *
 * Context: Caller serialises the writers of @pt.
 * Return: 0; -EINVAL if @vpn has more than 52 bits; -ENOMEM if there are not enough nodes,
 *	and then nothing has changed.
 */
static __always_inline int fpool_ptable_prepare(struct fpool_ptable *pt, fpool_vpn_t vpn)
{
	return fpool_ptable_find_leaf(pt, vpn) ? 0 : fpool_ptable_make_path(pt, vpn);
}

/**
 * fpool_ptable_set() - replaces the shadow PTE of a page
 * @pt: the table
 * @vpn: the page
 * @e: the new entry, one of those in the picture above
 *
 * The empty entry never needs memory, and gives back the nodes that it leaves empty.
 *
 * Context: Caller serialises the writers of @pt; readers may be about.
 * Return: 0; -EINVAL if @vpn has more than 52 bits or @e is no entry (flags of two kinds or
 *	of none, a frame that is not in the region, an error that is no errno); -ENOMEM if
 *	there are not enough nodes, never after prepare(). Nothing has changed then.
 */
static __always_inline int fpool_ptable_set(struct fpool_ptable *pt, fpool_vpn_t vpn,
					    fpool_spte_t e)
{
	struct fpool_frame_info *fi;
	u64 *slot;
	int err;

	if (!(fpool_spte_empty(e) || fpool_spte_ok(pt, e)))
		return -EINVAL;
	if (unlikely(!fpool_ptable_find_leaf(pt, vpn))) {
		err = fpool_ptable_make_leaf(pt, vpn, e);
		if (err <= 0)
			return err;
	}
	fi = fpool_frames_info(pt->ft, pt->last_leaf);
	slot = fpool_ptable_slot(pt, vpn);
	fpool_ptable_account(pt, fi, *slot, fpool_spte_raw(e));
	fpool_ptable_put(slot, e);
	fpool_ptable_relist(pt, fi, pt->last_leaf);
	if (fpool_spte_empty(e))
		fpool_ptable_prune(pt, pt->last_leaf);
	return 0;
}

/**
 * fpool_ptable_update() - changes flags of a present or filling entry
 * @pt: the table
 * @vpn: the page
 * @clear: flags to take away, of A, D, BUSY, PIN, H and WB
 * @set: flags to add afterwards, of the same
 *
 * What an entry is (present, a fill, a ghost, empty) is for set() to change: so BUSY can come and
 * go beside P, but not leave an entry that has nothing else; and H goes with PIN.
 *
 * Context: Caller serialises the writers of @pt; readers may be about.
 * Return: The new entry; or the empty one, and nothing has changed, if the entry is neither
 *	present nor filling, another flag is asked for, or the result were no entry.
 */
static __always_inline fpool_spte_t fpool_ptable_update(struct fpool_ptable *pt, fpool_vpn_t vpn,
							u64 clear, u64 set)
{
	fpool_spte_t e;
	u64 *slot;

	if (!fpool_ptable_find_leaf(pt, vpn) || (clear | set) & ~FPOOL_SPTE_UPDATABLE)
		return fpool_spte(0);
	slot = fpool_ptable_slot(pt, vpn);
	if (!(*slot & (FPOOL_SPTE_P | FPOOL_SPTE_BUSY)))
		return fpool_spte(0);
	e = fpool_spte((*slot & ~clear) | set);
	if (!fpool_spte_flags_ok(fpool_spte_raw(e)))
		return fpool_spte(0);
	fpool_ptable_put(slot, e);
	return e;
}

/* Can a run of entries lead to these frames? Then the leaf of the first was found. */
static __always_inline bool fpool_ptable_run_ok(struct fpool_ptable *pt, fpool_vpn_t vpn, u32 nr,
						fpool_frame_t frame)
{
	return nr <= FPOOL_PTABLE_ENTRIES - fpool_vpn_nr(vpn) % FPOOL_PTABLE_ENTRIES &&
	       fpool_frame_nr(frame) < pt->ft->nframes &&
	       nr <= pt->ft->nframes - fpool_frame_nr(frame) && fpool_ptable_find_leaf(pt, vpn);
}

/**
 * fpool_ptable_fill_run() - neighbours are being filled into frames that lie together
 * @pt: the table
 * @vpn: the first page
 * @nr: how many, at least one and none of them beyond the leaf of the first
 * @frame: where the first will be
 *
 * As set() of each to BUSY, where prepare() of one of them has made sure of the leaf.
 *
 * Context: Caller serialises the writers of @pt; readers may be about.
 * Return: 0; -EINVAL if there is no leaf, or it ends before the run, a frame is not in the region,
 *	or a page is present or being filled.  Nothing has changed then.
 */
static __always_inline int fpool_ptable_fill_run(struct fpool_ptable *pt, fpool_vpn_t vpn, u32 nr,
						 fpool_frame_t frame)
{
	u32 i, empty = 0, ghosts = 0;
	struct fpool_frame_info *fi;
	u64 *slot, all = 0;

	if (!fpool_ptable_run_ok(pt, vpn, nr, frame))
		return -EINVAL;
	slot = fpool_ptable_slot(pt, vpn);
	for (i = 0; i < nr; i++) {
		all |= slot[i];
		empty += !slot[i];
		ghosts += !!(slot[i] & FPOOL_SPTE_G);
	}
	if (all & (FPOOL_SPTE_P | FPOOL_SPTE_BUSY))
		return -EINVAL;
	for (i = 0; i < nr; i++)
		fpool_ptable_put(&slot[i], fpool_spte_make(fpool_frame_add(frame, i),
							   FPOOL_SPTE_BUSY));
	fi = fpool_frames_info(pt->ft, pt->last_leaf);
	fi->node.used += empty;
	fi->node.ghosts -= ghosts;
	pt->nghosts -= ghosts;
	pt->nfills += nr;
	if (unlikely(fpool_ptable_is_listed(fi)))
		fpool_ptable_move_leaf(pt, pt->last_leaf);
	return 0;
}

/**
 * fpool_ptable_show_run() - neighbours that were being filled are present
 * @pt: the table
 * @vpn: the first page
 * @nr: how many, as fpool_ptable_fill_run() had it or fewer
 * @frame: where the first is
 *
 * Context: Caller serialises the writers of @pt; readers may be about.
 * Return: 0; -EINVAL if one of them is not being filled into its frame.  Nothing has changed then.
 */
static __always_inline int fpool_ptable_show_run(struct fpool_ptable *pt, fpool_vpn_t vpn, u32 nr,
						 fpool_frame_t frame)
{
	u64 *slot, first = fpool_spte_raw(fpool_spte_make(frame, FPOOL_SPTE_BUSY));
	u32 i;

	if (!fpool_ptable_run_ok(pt, vpn, nr, frame))
		return -EINVAL;
	slot = fpool_ptable_slot(pt, vpn);
	for (i = 0; i < nr; i++)
		if (slot[i] != first + ((u64)i << FPOOL_PAGE_SHIFT))
			return -EINVAL;
	for (i = 0; i < nr; i++)
		fpool_ptable_put(&slot[i], fpool_spte_make(fpool_frame_add(frame, i),
							   FPOOL_SPTE_P));
	pt->npresent += nr;
	pt->nfills -= nr;
	return 0;
}

/**
 * fpool_ptable_bury() - a present page has left: its entry becomes a ghost
 * @pt: the table
 * @vpn: the page
 * @seq: what the ghost remembers
 *
 * As set(), and cheaper.
 *
 * Context: Caller serialises the writers of @pt; readers may be about.
 * Return: 0; -EINVAL if the page is not present. Nothing has changed then.
 */
static __always_inline int fpool_ptable_bury(struct fpool_ptable *pt, fpool_vpn_t vpn, u64 seq)
{
	struct fpool_frame_info *fi;
	u64 *slot;

	if (!fpool_ptable_find_leaf(pt, vpn))
		return -EINVAL;
	slot = fpool_ptable_slot(pt, vpn);
	if (!(*slot & FPOOL_SPTE_P))
		return -EINVAL;
	fpool_ptable_put(slot, fpool_spte_ghost(seq));
	fi = fpool_frames_info(pt->ft, pt->last_leaf);
	fi->node.ghosts++;
	pt->npresent--;
	pt->nghosts++;
	/* It was no such leaf before: it had this page. */
	if (unlikely(fi->node.ghosts == fi->node.used))
		fpool_ptable_move_leaf(pt, pt->last_leaf);
	return 0;
}

#endif /* FPOOL_CORE_PTABLE_H */
