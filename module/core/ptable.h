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
 *	|  0                           |  errno           |  E        |	the last fill failed
 *	+------------------------------+------------------+-----------+
 *	|  0                                                          |	empty
 *	+-------------------------------------------------------------+
 *
 * Reading (get, next, walk) needs only that nodes stay readable: RCU in the module. Everything
 * else is serialised by the caller. Nodes that become empty are handed to node_free,
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
#define FPOOL_SPTE_E		BIT_ULL(7)	/* the last fill failed; errno in the frame field */
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
	return fpool_spte((u64)-err << FPOOL_PAGE_SHIFT | FPOOL_SPTE_E);
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

/* Of a ghost. */
static inline u64 fpool_spte_seq(fpool_spte_t e)
{
	return fpool_spte_raw(e) >> FPOOL_PAGE_SHIFT;
}

/* Of an error entry: a negative errno. */
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
	u64 nother;		/* fills and errors */
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
const u64 *fpool_ptable_get_run(const struct fpool_ptable *pt, fpool_vpn_t vpn, u32 nr);
fpool_spte_t fpool_ptable_peek(struct fpool_ptable *pt, fpool_vpn_t vpn);

/* One of the entries of a run. */
static inline fpool_spte_t fpool_ptable_read(const u64 *entry)
{
	/* Pairs with the store in put(): with P comes all that was done before it was set. */
	return fpool_spte(smp_load_acquire(entry));
}

int fpool_ptable_prepare(struct fpool_ptable *pt, fpool_vpn_t vpn);
int fpool_ptable_set(struct fpool_ptable *pt, fpool_vpn_t vpn, fpool_spte_t e);
fpool_spte_t fpool_ptable_update(struct fpool_ptable *pt, fpool_vpn_t vpn, u64 clear, u64 set);
bool fpool_ptable_next(const struct fpool_ptable *pt, fpool_vpn_t *vpn, fpool_vpn_t end,
		       u64 flags, fpool_spte_t *e);
unsigned int fpool_ptable_walk(const struct fpool_ptable *pt, fpool_vpn_t vpn,
			       struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS]);
u64 fpool_ptable_drop_ghosts(struct fpool_ptable *pt, u32 nodes);
void fpool_ptable_clear(struct fpool_ptable *pt);
unsigned int fpool_ptable_levels(const struct fpool_ptable *pt);
int fpool_ptable_check(const struct fpool_ptable *pt, const char **why);

#endif /* FPOOL_CORE_PTABLE_H */
