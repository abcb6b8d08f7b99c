// SPDX-License-Identifier: GPL-2.0-only
/* A space: its structure, its inode, its place in the pool. Its pages are the pager's. */
#include "space.h"

#include <linux/delay.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/slab.h>

#include "inject.h"
#include "mrc.h"

/*
 * Core mm dirties a page: it takes away an entry that was stored through, makes one for a store, or
 * has stored itself.
 */
static bool dirty_folio(struct address_space *mapping, struct folio *folio)
{
	struct fpool_space *space = mapping->host->i_private;

	fpool_space_note(space, fpool_vpn(folio->index), FRAMEPOOL_REF_SEEN | FRAMEPOOL_REF_WRITE);
	/* Only who makes an entry for a store has no page table locked here, but the page. */
	if (folio_test_locked(folio) && fpool_inject(FPOOL_INJECT_STORE))
		msleep(1000);
	return noop_dirty_folio(mapping, folio);
}

/*
 * A page in broken memory that a fault returns all the same, because it has broken only just now,
 * is no page of the page cache that core mm may drop.
 */
static bool release_folio(struct folio *folio, gfp_t gfp)
{
	return false;
}

/*
 * Frames carry a mapping whose pages are in no page cache: dirtying one sets its flag and
 * nothing else, and core mm neither throttles nor writes back, as the file system has no bdi.
 */
static const struct address_space_operations mapping_ops = {
	.dirty_folio = dirty_folio,
	.release_folio = release_folio,
};

static int init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, 0x66706f6f) ? 0 : -ENOMEM;
}

static struct file_system_type fs_type = {
	.name = "framepool",
	.owner = THIS_MODULE,
	.init_fs_context = init_fs_context,
	.kill_sb = kill_anon_super,
};

static struct vfsmount *fs_mount;
static int fs_count;

static struct inode *make_inode(void)
{
	struct inode *inode;
	int err = simple_pin_fs(&fs_type, &fs_mount, &fs_count);

	if (err)
		return ERR_PTR(err);
	inode = alloc_anon_inode(fs_mount->mnt_sb);
	if (IS_ERR(inode)) {
		simple_release_fs(&fs_mount, &fs_count);
		return inode;
	}
	inode->i_mapping->a_ops = &mapping_ops;
	mapping_set_unevictable(inode->i_mapping);
	mapping_set_release_always(inode->i_mapping);
	return inode;
}

static void drop_inode(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&fs_mount, &fs_count);
}

static int enter_pool(struct fpool_space *space)
{
	struct fpool_pool *pool = space->pool;
	/*
	 * As many as a shadow PTE's owner field and a user's patience allow.  So far the number is
	 * only reserved: who goes through all tables under the lock finds none that is not ready.
	 * An eviction that has chosen a page of a space that has gone meanwhile must not take one
	 * of another space for it: the number is a new one.
	 */
	int err = xa_alloc_cyclic(&pool->tables, &space->id, NULL, xa_limit_31b,
				  &pool->next_space, GFP_KERNEL);

	if (err < 0)
		return err;
	space->whatif_seed = fpool_mrc_seed(space->id);
	spin_lock(&pool->lock);
	fpool_ptable_init(&space->ptable, &fpool_pool_node_ops, pool, &pool->frames,
			  pool->region.base, space->id);
	/* Into a slot that is there, so it needs no memory. */
	WARN_ON_ONCE(xa_err(xa_store(&pool->tables, space->id, &space->ptable, GFP_ATOMIC)));
	WRITE_ONCE(pool->nspaces, pool->nspaces + 1);
	spin_unlock(&pool->lock);
	return 0;
}

/**
 * fpool_space_create - make a space without backing and without pages
 * @pool: in which
 *
 * Context: Process context; may sleep.
 * Return: the space with one reference, or an ERR_PTR (-ENOMEM).
 */
struct fpool_space *fpool_space_create(struct fpool_pool *pool)
{
	struct fpool_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	int err;

	if (!space)
		return ERR_PTR(-ENOMEM);
	refcount_set(&space->refs, 1);
	space->pool = pool;
	INIT_LIST_HEAD(&space->link);
	fpool_frame_list_init(&space->laundry);
	INIT_LIST_HEAD(&space->laundry_link);
	fpool_streams_init(&space->streams);
	fpool_strides_init(&space->strides);
	mutex_init(&space->sync_lock);
	init_waitqueue_head(&space->error_wait);
	sema_init(&space->release_sem, 1);
	sema_init(&space->places, FPOOL_SPACE_PLACES);
	spin_lock_init(&space->fills_lock);
	INIT_LIST_HEAD(&space->fills);
	space->epoch = 1;
	space->cut_from = fpool_vpn(FPOOL_VPN_MAX);
	err = fpool_stats_init(&space->stats);
	if (err)
		goto free_space;
	space->inode = make_inode();
	if (IS_ERR(space->inode)) {
		err = PTR_ERR(space->inode);
		goto free_stats;
	}
	space->inode->i_private = space;
	err = enter_pool(space);
	if (err)
		goto free_inode;
	return space;
free_inode:
	drop_inode(space->inode);
free_stats:
	fpool_stats_exit(&space->stats);
free_space:
	kfree(space);
	return ERR_PTR(err);
}

static void space_free(struct fpool_space *space)
{
	struct fpool_pool *pool = space->pool;

	spin_lock(&pool->lock);
	WRITE_ONCE(pool->nspaces, pool->nspaces - 1);
	pool->direct_bytes -= fpool_direct_bytes(&space->backing.bio);
	spin_unlock(&pool->lock);
	fpool_backing_close(&space->backing);
	fpool_stats_exit(&space->stats);
	drop_inode(space->inode);
	kfree(space);
}

/**
 * fpool_space_put_many - drop references
 * @space: the space
 * @nr: how many, or 0
 *
 * Context: Any; the last reference is that of who called fpool_space_unlink(), in process context.
 */
void fpool_space_put_many(struct fpool_space *space, unsigned int nr)
{
	bool dying = READ_ONCE(space->dying);

	if (!nr)
		return;
	if (refcount_sub_and_test(nr, &space->refs))
		space_free(space);
	else if (dying)
		wake_up_var(&space->refs);	/* an address to look up by, not to look at */
}

/* Nodes of a shadow page table that are visited with the lock held: at most some 8,000 entries. */
#define SEEK_NODES	16

/**
 * fpool_space_unlink - take a space without pages out of its pool
 * @space: nobody faults on it, and none of its pages is resident; the caller has a reference
 *	besides the first one, which goes here
 *
 * When it returns, the caller's reference is the last.
 *
 * Context: Process context; takes pool->lock, and sleeps until others have dropped theirs.
 */
void fpool_space_unlink(struct fpool_space *space)
{
	struct fpool_pool *pool = space->pool;

	spin_lock(&pool->lock);
	WARN_ON_ONCE(space->ptable.npresent);
	/*
	 * There may be as many nodes as a quarter of the region. Between the steps whoever goes
	 * through all tables finds this one sound; and nobody adds to it.
	 */
	while (fpool_ptable_clear_some(&space->ptable, SEEK_NODES))
		fpool_pool_breathe(pool);
	xa_erase(&pool->tables, space->id);
	/* Whoever has a reference still and wants a page: it is past the end. */
	i_size_write(space->inode, 0);
	spin_unlock(&pool->lock);
	WRITE_ONCE(space->dying, true);
	/*
	 * Who had a reference before it read @dying does not wake us, but there are only moments
	 * in which that can happen: look again.
	 */
	refcount_dec(&space->refs);
	while (refcount_read(&space->refs) > 1)
		wait_var_event_timeout(&space->refs, refcount_read(&space->refs) == 1, HZ / 50);
}

/**
 * fpool_space_next - the first entry of a range that is of a kind
 * @space: the space
 * @vpn: where to begin; becomes the page that was found, or the end
 * @end: where to stop, exclusive
 * @flags: the entry has at least one of these
 * @e: the entry that was found, as it is when this returns; may be NULL
 *
 * The lock is let go between pieces: there may be any number of leaves with nothing but ghosts on
 * the way, and an unprivileged program can make them, with a large sparse file.  So false says that
 * each entry was another for a moment, not that all were at the same time.
 *
 * Context: Process context; caller holds pool->lock, which is let go now and then.
 * Return: whether there is one.
 */
bool fpool_space_next(struct fpool_space *space, fpool_vpn_t *vpn, fpool_vpn_t end, u64 flags,
		      fpool_spte_t *e)
{
	lockdep_assert_held(&space->pool->lock);
	while (!fpool_ptable_seek(&space->ptable, vpn, end, flags, SEEK_NODES, e)) {
		if (fpool_vpn_nr(*vpn) >= fpool_vpn_nr(end))
			return false;
		fpool_pool_breathe(space->pool);
	}
	return true;
}

/**
 * fpool_space_count_pages - look at the frame of every resident page
 * @space: the space
 * @fn: called with pool->lock held; whether the page counts
 *
 * Large spaces have many pages: the lock is let go between pieces, and the count is no snapshot.
 *
 * Context: Process context; takes pool->lock.
 * Return: pages that count.
 */
u64 fpool_space_count_pages(struct fpool_space *space,
			    bool (*fn)(struct fpool_space *space, fpool_frame_t frame))
{
	struct fpool_pool *pool = space->pool;
	fpool_vpn_t vpn = fpool_vpn(0), end = fpool_vpn(FPOOL_VPN_MAX);
	fpool_spte_t e;
	u32 looked = 0;
	u64 nr = 0;

	spin_lock(&pool->lock);
	while (fpool_space_next(space, &vpn, end, FPOOL_SPTE_P, &e)) {
		nr += fn(space, fpool_spte_frame(e));
		vpn = fpool_vpn_add(vpn, 1);
		if (!(++looked % FPOOL_PTABLE_ENTRIES))
			fpool_pool_breathe(pool);
	}
	spin_unlock(&pool->lock);
	return nr;
}

/**
 * fpool_space_range - the pages of an offset and a length
 * @space: of which
 * @offset: in bytes
 * @length: in bytes; 0 is to the end
 * @start: out: first page
 * @end: out: past the last
 *
 * Context: Any.
 * Return: 0; -EINVAL: unaligned, or not within the space.
 */
int fpool_space_range(struct fpool_space *space, u64 offset, u64 length, fpool_vpn_t *start,
		      fpool_vpn_t *end)
{
	u64 pages = fpool_space_pages(space);
	u64 limit = pages << PAGE_SHIFT;

	if (offset & ~PAGE_MASK || offset > limit)
		return -EINVAL;
	if (length > limit - offset)
		return -EINVAL;
	*start = fpool_addr_vpn(offset);
	*end = length ? fpool_vpn(fpool_bytes_to_pages(offset + length)) : fpool_vpn(pages);
	return 0;
}

/**
 * fpool_space_wake_run - entries of neighbours are not busy any more
 * @space: the space
 * @vpn: the first page
 * @nr: how many, at least one
 *
 * Context: Any, after the entries were changed.
 */
void fpool_space_wake_run(struct fpool_space *space, fpool_vpn_t vpn, u32 nr)
{
	u64 end = fpool_vpn_nr(vpn) + nr;
	u64 here = fpool_vpn_nr(vpn);

	for (; here < end; here = ALIGN_DOWN(here, FPOOL_BUSY_RUN) + FPOOL_BUSY_RUN)
		fpool_space_wake(space, fpool_vpn(here));
}

/**
 * fpool_space_mount - where inodes of spaces live
 *
 * Context: Caller holds a space.
 * Return: the mount.
 */
struct vfsmount *fpool_space_mount(void)
{
	return fs_mount;
}
