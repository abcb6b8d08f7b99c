// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow page table: which page of a space is in which frame.
 *
 * A program's 64-bit address has 12 bits of offset; the other 52 are the page's index, the
 * vpn, which no array can have an entry for each of.  As in the machine's own page tables
 * the vpn is therefore cut into indices of 9 bits, one for each level of a radix tree whose
 * nodes are exactly a frame: 512 entries of 8 bytes.
 *
 *	   vpn  |  7  |   9   |   9   |   9   |   9   |   9   |
 *	           5      4       3       2       1       0      level
 *
 *	   root ──> node ──> node ──> ... ──> leaf ──> shadow PTE
 *
 * Unlike the machine's, this tree has only the levels that its largest vpn so far needs: the
 * pages of a 2 MiB file are all in one leaf, and a tree that becomes too small gets a new
 * root above the old one, which becomes its slot 0 (as in Linux's lib/radix-tree.c).  Thus
 * nothing below the root moves, ever.  Nodes that become empty go at once, up to and
 * including the root; a tree that shrinks without becoming empty keeps its height.
 *
 *	 levels 1          levels 2
 *	 root ─> leaf      root ─> node ─[0]─> leaf, as it was
 *	                               └─[7]─> leaf, of the new page
 *
 * Readers take no lock.  Each node is complete (zeroed, or with the old root in slot 0)
 * before the store-release that links it, so whoever finds the link finds the node; and
 * a node that is cut off keeps its contents until node_free's grace period is over.  A
 * reader that was in it then sees what was true when it was cut off, which is within the
 * reader's call: it read the link to the node before.  The root's level count is in
 * the same word as its frame, because the two must be read as one.
 *
 * What an entry remembers of a page that is not there is a ghost: when it left, or why it could not
 * be read.  Who waited for a page takes its error; but he may have been killed, or gone elsewhere
 * by a signal's handler, and then nobody does.
 *
 * Each node's frame says how many entries are in use and how many of these are ghosts.
 * A leaf with nothing but ghosts is memory that holds only memories: such leaves wait in
 * a list, in the order in which they came to that, which is the order of the newest
 * ghost in each; when memory is short the oldest are dropped whole, without a search.
 * Whoever looks for pages, and excludes the writers of those two numbers, need not read what is in
 * a leaf where they are the same.  Of an inner node they say nothing about pages: it counts its
 * children, and a child that has only ghosts is one as any other.
 */
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/barrier.h>

#include "ptable.h"

/* Nodes that one path can lack: a root, five above the old one, and five down to the leaf. */
#define MAX_MISSING	(2 * FPOOL_PTABLE_MAX_LEVELS)

/* Of the root word and of the entry of an inner node. */
static fpool_frame_t target(u64 entry)
{
	return fpool_frame(entry >> FPOOL_PAGE_SHIFT);
}

static u64 make_root(fpool_frame_t node, unsigned int levels)
{
	return (u64)fpool_frame_nr(node) << FPOOL_PAGE_SHIFT | levels << 1 | FPOOL_SPTE_P;
}

static u64 make_link(fpool_frame_t node)
{
	return (u64)fpool_frame_nr(node) << FPOOL_PAGE_SHIFT | FPOOL_SPTE_P;
}

/* How many pages an entry of a node of this level stands for. */
static u64 span(unsigned int level)
{
	return 1ULL << (FPOOL_PTABLE_BITS * level);
}

static unsigned int index_at(fpool_vpn_t vpn, unsigned int level)
{
	return (fpool_vpn_nr(vpn) >> (FPOOL_PTABLE_BITS * level)) % FPOOL_PTABLE_ENTRIES;
}

static bool covers(unsigned int levels, fpool_vpn_t vpn)
{
	return levels && fpool_vpn_nr(vpn) < span(levels);
}

static unsigned int levels_for(fpool_vpn_t vpn)
{
	unsigned int levels = 1;

	while (!covers(levels, vpn))
		levels++;
	return levels;
}

static bool vpn_ok(fpool_vpn_t vpn)
{
	return fpool_vpn_nr(vpn) <= FPOOL_VPN_MAX;
}

/* Of no page. */
#define NO_PREFIX	U64_MAX

static void forget_leaf(struct fpool_ptable *pt)
{
	pt->last_prefix = NO_PREFIX;
}

/**
 * fpool_ptable_init() - an empty table, which has no node
 * @pt: the table
 * @ops: where nodes come from
 * @ctx: what @ops wants to be called with
 * @ft: the frame table of the pool
 * @base: where frame 0 is in memory
 * @space: id of the space, not FPOOL_NO_SPACE
 *
 * Context: Any; the caller owns @pt alone.
 */
void fpool_ptable_init(struct fpool_ptable *pt, const struct fpool_ptable_ops *ops, void *ctx,
		       struct fpool_frames *ft, void *base, u32 space)
{
	memset(pt, 0, sizeof(*pt));
	pt->ops = ops;
	pt->ctx = ctx;
	pt->ft = ft;
	pt->base = base;
	pt->space = space;
	forget_leaf(pt);
	fpool_frame_list_init(&pt->ghost_nodes);
}

/**
 * fpool_ptable_levels() - how high the tree is
 * @pt: the table
 *
 * Context: Any; as lockless as fpool_ptable_get().
 * Return: 0 for an empty tree, else 1 to 6.
 */
unsigned int fpool_ptable_levels(const struct fpool_ptable *pt)
{
	return fpool_ptable_root_levels(READ_ONCE(pt->root));
}

/**
 * fpool_ptable_get() - the shadow PTE of a page
 * @pt: the table
 * @vpn: the page; one that no table can have (more than 52 bits) is empty
 *
 * Context: Any, beside one writer; RCU read side, or what serialises the writers.
 * Return: The entry as it was at some time during the call.
 */
fpool_spte_t fpool_ptable_get(const struct fpool_ptable *pt, fpool_vpn_t vpn)
{
	const u64 *entry = fpool_ptable_get_run(pt, vpn, 1);

	return entry ? fpool_ptable_read(entry) : fpool_spte(0);
}

/* The slow way of fpool_ptable_find_leaf(): from the root. */
bool fpool_ptable_walk_to_leaf(struct fpool_ptable *pt, fpool_vpn_t vpn)
{
	u64 entry = pt->root, page = fpool_vpn_nr(vpn);
	unsigned int shift = FPOOL_PTABLE_BITS * fpool_ptable_root_levels(entry);

	if (!shift || page >> shift)
		return false;
	while (shift -= FPOOL_PTABLE_BITS) {
		entry = fpool_ptable_below(pt, entry)[(page >> shift) % FPOOL_PTABLE_ENTRIES];
		if (!entry)
			return false;
	}
	pt->last_prefix = fpool_ptable_prefix(vpn);
	pt->last_leaf = target(entry);
	return true;
}

/**
 * fpool_ptable_missing() - how many nodes the path to the entry of a page lacks
 * @pt: the table
 * @vpn: the page, of 52 bits
 *
 * Context: Caller serialises the writers of @pt.
 * Return: What fpool_ptable_prepare() would allocate.
 */
unsigned int fpool_ptable_missing(const struct fpool_ptable *pt, fpool_vpn_t vpn)
{
	unsigned int need = levels_for(vpn), level = fpool_ptable_root_levels(pt->root);
	u64 entry = pt->root;

	if (!level)
		return need;
	/* A page that is beyond the old root shares nothing but the new root with it. */
	if (level < need)
		return need - level + need - 1;
	while (--level) {
		entry = fpool_ptable_entries(pt, target(entry))[index_at(vpn, level)];
		if (!entry)
			return level;
	}
	return 0;
}

/* An empty node that nothing leads to yet. */
static void init_node(struct fpool_ptable *pt, fpool_frame_t node, fpool_frame_t parent,
		      unsigned int slot, unsigned int level)
{
	struct fpool_frame_info *fi = fpool_frames_info(pt->ft, node);

	memset(fpool_ptable_entries(pt, node), 0, FPOOL_PAGE_BYTES);
	fi->node.parent = fpool_frame_nr(parent);
	fi->node.used = 0;
	fi->node.ghosts = 0;
	fi->aux = slot | level << FPOOL_PTABLE_BITS;
	pt->nnodes++;
}

static void set_root(struct fpool_ptable *pt, fpool_frame_t node, unsigned int levels)
{
	/* The node's contents before the link: see the top of the file. */
	smp_store_release(&pt->root, make_root(node, levels));
}

static void link_child(struct fpool_ptable *pt, fpool_frame_t node, fpool_frame_t parent,
		       unsigned int slot, unsigned int level)
{
	init_node(pt, node, parent, slot, level);
	fpool_frames_info(pt->ft, parent)->node.used++;
	/* The node's contents before the link. */
	smp_store_release(&fpool_ptable_entries(pt, parent)[slot], make_link(node));
}

/* One level more: the old root becomes slot 0 of the new one. */
static void grow(struct fpool_ptable *pt, fpool_frame_t node)
{
	unsigned int levels = fpool_ptable_root_levels(pt->root);
	fpool_frame_t old = target(pt->root);

	init_node(pt, node, FPOOL_NO_FRAME, 0, levels);
	fpool_ptable_entries(pt, node)[0] = make_link(old);
	fpool_frames_info(pt->ft, node)->node.used = 1;
	fpool_frames_info(pt->ft, old)->node.parent = fpool_frame_nr(node);
	set_root(pt, node, levels + 1);
}

/* Makes the path to the page out of as many new nodes as fpool_ptable_missing() said. */
static void build(struct fpool_ptable *pt, fpool_vpn_t vpn, const fpool_frame_t *fresh)
{
	unsigned int need = levels_for(vpn), level, slot;
	fpool_frame_t node;

	if (!pt->root) {
		init_node(pt, *fresh, FPOOL_NO_FRAME, 0, need - 1);
		set_root(pt, *fresh++, need);
	}
	while (fpool_ptable_root_levels(pt->root) < need)
		grow(pt, *fresh++);
	node = target(pt->root);
	for (level = fpool_ptable_root_levels(pt->root) - 1; level; level--) {
		slot = index_at(vpn, level);
		if (!fpool_ptable_entries(pt, node)[slot])
			link_child(pt, *fresh++, node, slot, level - 1);
		node = target(fpool_ptable_entries(pt, node)[slot]);
	}
	/* Who has prepared reads and sets the entry without looking for it again. */
	fpool_ptable_remember(pt, vpn, node);
}

/* What fpool_ptable_prepare() does where there is no leaf. */
int fpool_ptable_make_path(struct fpool_ptable *pt, fpool_vpn_t vpn)
{
	fpool_frame_t fresh[MAX_MISSING];
	unsigned int i, missing;

	if (!vpn_ok(vpn))
		return -EINVAL;
	missing = fpool_ptable_missing(pt, vpn);
	for (i = 0; i < missing; i++) {
		fresh[i] = pt->ops->node_alloc(pt->ctx, pt->space);
		if (fresh[i] == FPOOL_NO_FRAME)
			goto free_fresh;
	}
	build(pt, vpn, fresh);
	return 0;

free_fresh:
	while (i--)
		pt->ops->node_free(pt->ctx, fresh[i]);
	return -ENOMEM;
}

/* To the list of leaves with nothing but ghosts, or off it. */
void fpool_ptable_move_leaf(struct fpool_ptable *pt, fpool_frame_t leaf)
{
	struct fpool_frame_info *fi = fpool_frames_info(pt->ft, leaf);

	if (fpool_ptable_only_ghosts(fi)) {
		fpool_frame_list_add_tail(pt->ft, &pt->ghost_nodes, leaf);
		fi->list = FPOOL_PTABLE_LIST;
	} else {
		fpool_frame_list_del(pt->ft, &pt->ghost_nodes, leaf);
		fi->list = FPOOL_NO_LIST;
	}
}

/* Gives back a node in which nothing is left, then its parent if that was all it had, ... */
void fpool_ptable_prune(struct fpool_ptable *pt, fpool_frame_t node)
{
	struct fpool_frame_info *fi;
	fpool_frame_t parent;
	u64 *slots;

	while (node != FPOOL_NO_FRAME) {
		fi = fpool_frames_info(pt->ft, node);
		if (fi->node.used)
			return;
		parent = fpool_frame(fi->node.parent);
		forget_leaf(pt);
		/* No release: an empty word leads nowhere, so there is nothing to order. */
		if (parent == FPOOL_NO_FRAME) {
			WRITE_ONCE(pt->root, 0);
		} else {
			slots = fpool_ptable_entries(pt, parent);
			WRITE_ONCE(slots[fi->aux % FPOOL_PTABLE_ENTRIES], 0);
			fpool_frames_info(pt->ft, parent)->node.used--;
		}
		pt->nnodes--;
		pt->ops->node_free(pt->ctx, node);
		node = parent;
	}
}

/* 1: there is a leaf for the entry now; 0: none is needed; or an error. */
int fpool_ptable_make_leaf(struct fpool_ptable *pt, fpool_vpn_t vpn, fpool_spte_t e)
{
	int err;

	if (!vpn_ok(vpn))
		return -EINVAL;
	if (fpool_spte_empty(e))
		return 0;
	err = fpool_ptable_prepare(pt, vpn);
	return err ?: fpool_ptable_find_leaf(pt, vpn);
}

/* The first entry of @node from @index on that has one of @flags, or 0; @index becomes its. */
static u64 scan(const u64 *node, unsigned int *index, u64 flags)
{
	u64 entry;

	for (; *index < FPOOL_PTABLE_ENTRIES; ++*index) {
		/* As in get(): pairs with fpool_ptable_put(). */
		entry = smp_load_acquire(&node[*index]);
		if (entry & flags)
			return entry;
	}
	return 0;
}

/*
 * The node on the path to the page that has something to scan: the leaf, or the lowest
 * inner node if that has no child there; none beyond the root. @level becomes its level.
 */
static fpool_frame_t lowest_node(const struct fpool_ptable *pt, fpool_vpn_t vpn,
				 unsigned int *level)
{
	u64 entry = READ_ONCE(pt->root);
	fpool_frame_t node;

	*level = fpool_ptable_root_levels(entry);
	if (!covers(*level, vpn))
		return FPOOL_NO_FRAME;
	for (;;) {
		node = target(entry);
		if (!--*level)
			return node;
		entry = READ_ONCE(fpool_ptable_entries(pt, node)[index_at(vpn, *level)]);
		if (!entry)
			return node;
	}
}

/* Of a leaf: no page is there, comes or goes. For who excludes writers. */
static bool has_no_page(const struct fpool_ptable *pt, fpool_frame_t leaf)
{
	const struct fpool_frame_info *fi = fpool_frames_info(pt->ft, leaf);

	return fi->node.used == fi->node.ghosts;
}

/*
 * One node on the way from *cur on.  The first entry there that has one of @flags, and *cur is its
 * page; or 0, and *cur is where to go on.
 */
static u64 look_at_node(const struct fpool_ptable *pt, u64 *cur, u64 flags, bool pass_ghosts)
{
	unsigned int level, index;
	fpool_frame_t node = lowest_node(pt, fpool_vpn(*cur), &level);
	u64 entry = 0;

	if (node == FPOOL_NO_FRAME) {
		*cur = U64_MAX;
		return 0;
	}
	index = index_at(fpool_vpn(*cur), level);
	if (!level && pass_ghosts && has_no_page(pt, node))
		index = FPOOL_PTABLE_ENTRIES;
	else
		entry = scan(fpool_ptable_entries(pt, node), &index, level ? FPOOL_SPTE_P : flags);
	/* A child that was linked since lowest_node() looked can be at *cur itself. */
	*cur = max_t(u64, *cur, (*cur & -span(level + 1)) + index * span(level));
	return level ? 0 : entry;
}

/**
 * fpool_ptable_next() - the first entry of a range that is of a kind
 * @pt: the table
 * @vpn: where to begin; becomes the page that was found
 * @end: where to stop, exclusive; may be 2^52
 * @flags: the entry has at least one of these; 0 = any entry that is not empty
 * @e: the entry that was found; may be NULL
 *
 * Ranges without a node are passed over in one step each; but every entry of each leaf before the
 * one that is found is read.
 *
 * Context: As fpool_ptable_get(): every entry is looked at, once, at some time during the call.
 * Return: true, or false if there is none; *@vpn and *@e are unchanged then.
 */
bool fpool_ptable_next(const struct fpool_ptable *pt, fpool_vpn_t *vpn, fpool_vpn_t end,
		       u64 flags, fpool_spte_t *e)
{
	u64 cur = fpool_vpn_nr(*vpn), last = min_t(u64, fpool_vpn_nr(end), FPOOL_VPN_MAX + 1);
	u64 entry = 0;

	while (cur < last && !entry)
		entry = look_at_node(pt, &cur, flags ?: ~0ULL, false);
	if (!entry || cur >= last)
		return false;
	*vpn = fpool_vpn(cur);
	if (e)
		*e = fpool_spte(entry);
	return true;
}

/**
 * fpool_ptable_seek() - a step of the way to the first entry of a range that is of a kind
 * @pt: the table
 * @vpn: where to begin; becomes the page that was found, or else where the next step begins: at
 *	@end or beyond it if there is no such entry
 * @end: where to stop, exclusive; may be 2^52
 * @flags: as in fpool_ptable_next()
 * @nodes: of how many nodes entries are looked at, at most
 * @e: the entry that was found; may be NULL
 *
 * A table may have a quarter of the region in leaves that hold nothing but ghosts. Who does not
 * look for ghosts passes each of these without reading it; and may let others have what
 * serialises the writers after each step.
 *
 * Context: Caller serialises the writers of @pt: the counters of a leaf are two words.
 * Return: whether there is such an entry among those that were looked at.
 */
bool fpool_ptable_seek(const struct fpool_ptable *pt, fpool_vpn_t *vpn, fpool_vpn_t end,
		       u64 flags, u32 nodes, fpool_spte_t *e)
{
	u64 cur = fpool_vpn_nr(*vpn), last = min_t(u64, fpool_vpn_nr(end), FPOOL_VPN_MAX + 1);
	bool pass_ghosts = flags && !(flags & (FPOOL_SPTE_G | FPOOL_SPTE_E));
	u64 entry = 0;

	while (cur < last && !entry && nodes--)
		entry = look_at_node(pt, &cur, flags ?: ~0ULL, pass_ghosts);
	/* The last node may go on beyond the end. */
	if (cur >= last)
		cur = max(cur, fpool_vpn_nr(end));
	*vpn = fpool_vpn(cur);
	if (!entry || cur >= last)
		return false;
	if (e)
		*e = fpool_spte(entry);
	return true;
}

/**
 * fpool_ptable_walk() - the way to the entry of a page, as the textbook draws it
 * @pt: the table
 * @vpn: the page
 * @step: filled in from the root downwards; the last is the leaf, or the node that has no
 *	child there
 *
 * Context: As fpool_ptable_get().
 * Return: How many of @step are filled in: 0 to 6; 0 if the page is beyond the root.
 */
unsigned int fpool_ptable_walk(const struct fpool_ptable *pt, fpool_vpn_t vpn,
			       struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS])
{
	u64 entry = READ_ONCE(pt->root);
	unsigned int level = fpool_ptable_root_levels(entry), n = 0;

	if (!covers(level, vpn))
		return 0;
	while (level-- && entry) {
		step[n].level = level;
		step[n].index = index_at(vpn, level);
		step[n].node = target(entry);
		/* As in get(): of the leaf, pairs with fpool_ptable_put(). */
		entry = smp_load_acquire(&fpool_ptable_entries(pt, step[n].node)[step[n].index]);
		step[n++].entry = entry;
	}
	return n;
}

/* Makes a leaf forget, as far as counters and lists go, what it held. */
static void disown(struct fpool_ptable *pt, fpool_frame_t leaf)
{
	struct fpool_frame_info *fi = fpool_frames_info(pt->ft, leaf);
	const u64 *slots = fpool_ptable_entries(pt, leaf);
	u32 present = 0, i;

	for (i = 0; !has_no_page(pt, leaf) && i < FPOOL_PTABLE_ENTRIES; i++)
		present += !!(slots[i] & FPOOL_SPTE_P);
	pt->npresent -= present;
	pt->nghosts -= fi->node.ghosts;
	pt->nfills -= fi->node.used - fi->node.ghosts - present;
	fi->node.used = 0;
	fi->node.ghosts = 0;
	fpool_ptable_relist(pt, fi, leaf);
}

/**
 * fpool_ptable_drop_ghosts() - forgets the oldest ghosts, to have their memory back
 * @pt: the table
 * @nodes: leaves to free; inner nodes that become empty with them are extra
 *
 * Only leaves with nothing but ghosts go, the one with the longest-forgotten newest ghost
 * first. (A leaf that came to have nothing but ghosts because another entry became empty
 * counts from then.) Constant time for each.
 *
 * Context: Caller serialises the writers of @pt; readers may be about.
 * Return: The number of ghosts that are gone; 0 when there is no such leaf.
 */
u64 fpool_ptable_drop_ghosts(struct fpool_ptable *pt, u32 nodes)
{
	fpool_frame_t leaf;
	u64 dropped = 0;

	while (nodes--) {
		leaf = fpool_frame_list_first(&pt->ghost_nodes);
		if (leaf == FPOOL_NO_FRAME)
			break;
		dropped += fpool_frames_info(pt->ft, leaf)->node.ghosts;
		disown(pt, leaf);
		fpool_ptable_prune(pt, leaf);
	}
	return dropped;
}

/* The leaf with the first pages of a tree that has one. */
static fpool_frame_t first_leaf(const struct fpool_ptable *pt)
{
	unsigned int level = fpool_ptable_root_levels(pt->root), index;
	fpool_frame_t node = target(pt->root);

	while (--level) {
		index = 0;
		node = target(scan(fpool_ptable_entries(pt, node), &index, FPOOL_SPTE_P));
	}
	return node;
}

/**
 * fpool_ptable_clear_some() - a step of forgetting everything
 * @pt: the table; sound between two steps, and usable
 * @leaves: leaves to free, those of the first pages; inner nodes that become empty with them are
 *	extra
 *
 * What the entries led to is the caller's business, before.
 *
 * Context: Caller serialises the writers of @pt; readers may be about.
 * Return: whether there is more.
 */
bool fpool_ptable_clear_some(struct fpool_ptable *pt, u32 leaves)
{
	fpool_frame_t leaf;

	while (pt->root && leaves--) {
		leaf = first_leaf(pt);
		disown(pt, leaf);
		fpool_ptable_prune(pt, leaf);
	}
	return pt->root;
}

/**
 * fpool_ptable_clear() - forgets everything and gives every node back
 * @pt: the table; usable again afterwards
 *
 * Context: As fpool_ptable_clear_some().
 */
void fpool_ptable_clear(struct fpool_ptable *pt)
{
	while (fpool_ptable_clear_some(pt, U32_MAX))
		;
}

/* What a check counts for itself. */
struct tally {
	u32 nodes, ghost_nodes;
	u64 present, ghosts, fills;
};

static const char *check_leaf(const struct fpool_ptable *pt, const struct fpool_frame_info *fi,
			      const u64 *slots, struct tally *t)
{
	u32 present = 0, ghosts = 0, fills = 0, i;

	for (i = 0; i < FPOOL_PTABLE_ENTRIES; i++) {
		if (!slots[i])
			continue;
		if (!fpool_spte_ok(pt, fpool_spte(slots[i])))
			return "a shadow PTE is malformed";
		if (slots[i] & FPOOL_SPTE_P)
			present++;
		else if (slots[i] & FPOOL_SPTE_G)
			ghosts++;
		else
			fills++;
	}
	if (fi->node.used != present + ghosts + fills)
		return "a leaf has another number of entries than its frame says";
	if (fi->node.ghosts != ghosts)
		return "a leaf has another number of ghosts than its frame says";
	if (fpool_ptable_only_ghosts(fi) != fpool_ptable_is_listed(fi))
		return "the list of leaves with nothing but ghosts has the wrong leaves";
	t->present += present;
	t->ghosts += ghosts;
	t->fills += fills;
	t->ghost_nodes += fpool_ptable_only_ghosts(fi);
	return NULL;
}

static const char *check_node(const struct fpool_ptable *pt, fpool_frame_t node,
			      fpool_frame_t parent, unsigned int slot, unsigned int level,
			      struct tally *t);

static const char *check_inner(const struct fpool_ptable *pt, fpool_frame_t node,
			       unsigned int level, struct tally *t)
{
	const struct fpool_frame_info *fi = fpool_frames_info(pt->ft, node);
	const u64 *slots = fpool_ptable_entries(pt, node);
	const char *why;
	u32 used = 0, i;

	if (fi->node.ghosts || fi->list != FPOOL_NO_LIST)
		return "an inner node has ghosts or is on a list";
	for (i = 0; i < FPOOL_PTABLE_ENTRIES; i++) {
		if (!slots[i])
			continue;
		if (i * span(level) > FPOOL_VPN_MAX)
			return "a node has an entry beyond 52 bits";
		if ((slots[i] & FPOOL_SPTE_FLAGS) != FPOOL_SPTE_P)
			return "the entry of an inner node is malformed";
		why = check_node(pt, target(slots[i]), node, i, level - 1, t);
		if (why)
			return why;
		used++;
	}
	if (!used)
		return "an inner node is empty";
	if (fi->node.used != used)
		return "an inner node has another number of entries than its frame says";
	return NULL;
}

/* As deep as the tree is high; a loop ends when more nodes are met than there are. */
static const char *check_node(const struct fpool_ptable *pt, fpool_frame_t node,
			      fpool_frame_t parent, unsigned int slot, unsigned int level,
			      struct tally *t)
{
	const struct fpool_frame_info *fi;

	if (fpool_frame_nr(node) >= pt->ft->nframes)
		return "an entry leads to a node that is not in the region";
	if (++t->nodes > pt->nnodes)
		return "more nodes can be reached than are counted";
	fi = fpool_frames_info(pt->ft, node);
	if (fi->state != FPOOL_FRAME_NODE)
		return "a node's frame is not marked as one";
	if (fi->space != pt->space)
		return "a node's frame belongs to another space";
	if (fi->node.parent != fpool_frame_nr(parent))
		return "a node's frame says that it has another parent";
	if (fi->aux != (slot | level << FPOOL_PTABLE_BITS))
		return "a node's frame says that it is at another slot or level";
	if (level)
		return check_inner(pt, node, level, t);
	return check_leaf(pt, fi, fpool_ptable_entries(pt, node), t);
}

static const char *check_tree(const struct fpool_ptable *pt, struct tally *t)
{
	unsigned int levels = fpool_ptable_root_levels(pt->root);

	if (!pt->root)
		return NULL;
	if (!levels || levels > FPOOL_PTABLE_MAX_LEVELS || !(pt->root & FPOOL_SPTE_P))
		return "the root is malformed";
	return check_node(pt, target(pt->root), FPOOL_NO_FRAME, 0, levels - 1, t);
}

/**
 * fpool_ptable_check() - counts everything again
 * @pt: the table
 * @why: becomes a sentence about the first thing that is wrong
 *
 * Takes time in proportion to the nodes.
 *
 * Context: Caller serialises the writers of @pt.
 * Return: 0; -EUCLEAN if something is wrong.
 */
int fpool_ptable_check(const struct fpool_ptable *pt, const char **why)
{
	struct tally t = { 0 };

	*why = check_tree(pt, &t);
	if (!*why)
		*why = fpool_frame_list_check(pt->ft, &pt->ghost_nodes, FPOOL_PTABLE_LIST,
					      FPOOL_FRAME_NODE, NULL);
	if (!*why && t.nodes != pt->nnodes)
		*why = "fewer nodes can be reached than are counted";
	if (!*why && t.ghost_nodes != pt->ghost_nodes.len)
		*why = "the list of leaves with nothing but ghosts has another length";
	if (!*why && (t.present != pt->npresent || t.ghosts != pt->nghosts ||
		      t.fills != pt->nfills))
		*why = "a table has other numbers of pages, ghosts or fills than it says";
	return *why ? -EUCLEAN : 0;
}
