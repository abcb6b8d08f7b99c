// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recording which pages of a space are used, for traces.
 *
 * Two things are known.  Faults and system calls are known one by one, in their order: they are
 * in a log (reflog.c), and while somebody records a fault maps its page alone, so that the first
 * use of each page by each process is one.  What follows through an entry that is there is known
 * by the entry's accessed and dirty bits, once for all uses since they were cleared: somebody looks
 * at them now and then, and clears them.
 *
 * The bits are the replacement policy's and write-back's, too.  A page whose accessed bit a look
 * clears is marked referenced, which evictions ask for beside the bit; one whose dirty bit it
 * clears is dirty before that, by its flag.  And what evictions and write-back clear between two
 * looks goes into the log.
 *
 * A recording belongs to the descriptor through which it was started, and ends with it.
 */
#include "record.h"

#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "rmap.h"

/* References that are copied at once; a look is at so many pages. */
#define CHUNK	FPOOL_RMAP_LOOK_MAX

/* The next page from *vpn on that may be mapped; false: there is none. */
static bool next_resident(struct fpool_space *space, fpool_vpn_t *vpn)
{
	bool found;

	spin_lock(&space->pool->lock);
	found = fpool_space_next(space, vpn, fpool_vpn(FPOOL_VPN_MAX), FPOOL_SPTE_P, NULL);
	spin_unlock(&space->pool->lock);
	return found;
}

static u32 list_found(const struct fpool_rmap_found *found, u64 first, u32 nr, u64 *refs)
{
	u32 i, n = 0;

	for_each_set_bit(i, found->used, nr)
		refs[n++] = (first + i) | FRAMEPOOL_REF_SEEN |
			    (test_bit(i, found->written) ? FRAMEPOOL_REF_WRITE : 0);
	return n;
}

/*
 * Look at up to @nr pages that lie together, from the first one on from *cursor that is there.
 * *cursor: where to go on, 0: that was all.  How many @refs there are then.
 */
static u32 look(struct fpool_space *space, u64 *cursor, u64 *refs, u32 nr)
{
	struct fpool_rmap_found found = {};
	fpool_vpn_t vpn = fpool_vpn(*cursor);
	u64 first;

	if (!next_resident(space, &vpn)) {
		*cursor = 0;
		return 0;
	}
	first = fpool_vpn_nr(vpn);
	fpool_rmap_look(space, first, first + nr, &found);
	*cursor = first + nr;
	return list_found(&found, first, nr, refs);
}

/* What was used before is not part of the recording. */
static int forget_past(struct fpool_space *space)
{
	struct fpool_rmap_found found = {};
	fpool_vpn_t vpn = fpool_vpn(0);

	while (next_resident(space, &vpn)) {
		fpool_rmap_look(space, fpool_vpn_nr(vpn), fpool_vpn_nr(vpn) + CHUNK, &found);
		vpn = fpool_vpn_add(vpn, CHUNK);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* Nobody else records this space; the log is the handle's from now on. */
static int install(struct fpool_handle *handle, struct fpool_reflog *log)
{
	struct fpool_reflog **where = (__force struct fpool_reflog **)&handle->space->reflog;

	if (cmpxchg(where, NULL, log))
		return -EBUSY;
	/* Who reads it has not seen START return, or reads all of it. */
	smp_store_release(&handle->reflog, log);
	return 0;
}

/**
 * fpool_record_start - begin to record the uses of a space's pages
 * @file: a descriptor of it
 * @arg: struct framepool_record_start
 *
 * Context: System call; takes i_mmap_rwsem, page-table locks.
 * Return: 0; -EPERM: neither opened for writing nor the owner's; -EBUSY: somebody records it;
 * -ENOMEM; -EINTR: killed.
 */
long fpool_record_start(struct file *file, void *arg)
{
	const struct framepool_record_start *r = arg;
	struct fpool_handle *handle = file->private_data;
	struct fpool_reflog *log;
	int err;

	if (r->__reserved)
		return -EINVAL;
	if (!fpool_file_may_watch(file))
		return -EPERM;
	if (rcu_access_pointer(handle->space->reflog))
		return -EBUSY;
	log = fpool_reflog_create();
	if (!log)
		return -ENOMEM;
	err = forget_past(handle->space);
	if (!err)
		err = install(handle, log);
	if (err)
		fpool_reflog_destroy(log);
	return err;
}

/* One chunk of what is asked for; how many, and *over: there are no more. */
static u32 next_chunk(struct fpool_handle *handle, struct framepool_record *r, u64 *refs, u32 room,
		      bool *over)
{
	u32 nr;

	if (r->flags & FRAMEPOOL_RECORD_LOOK) {
		nr = look(handle->space, &r->cursor, refs, room);
		*over = !r->cursor;
	} else {
		nr = fpool_reflog_take(handle->reflog, refs, room);
		*over = nr < room;
	}
	return nr;
}

static int take(struct fpool_handle *handle, struct framepool_record *r, u64 *refs, u32 room)
{
	u64 __user *out = u64_to_user_ptr(r->refs);
	bool over = false;
	u32 nr, part;

	for (r->nr = 0; !over && r->nr < room; r->nr += nr) {
		part = min_t(u32, room - r->nr, CHUNK);
		/*
		 * A bit that cannot be told of had better not been cleared: try before.  And what
		 * was taken before that is told.
		 */
		if (fault_in_writeable((char __user *)(out + r->nr), part * sizeof(*refs)))
			return r->nr ? 0 : -EFAULT;
		nr = next_chunk(handle, r, refs, part, &over);
		if (copy_to_user(out + r->nr, refs, nr * sizeof(*refs)))
			return -EFAULT;
		/* What was done is told, and where to go on. */
		if (signal_pending(current)) {
			r->nr += nr;
			break;
		}
		cond_resched();
	}
	return 0;
}

/**
 * fpool_record_take - the uses of a space's pages since they were taken last
 * @file: the descriptor that records them
 * @arg: struct framepool_record
 *
 * Context: System call; takes i_mmap_rwsem, page-table locks, the log's lock.
 * Return: 0; -EINVAL: no room, or a wrong cursor; -ENODATA: this descriptor does not record;
 * -EFAULT; -ENOMEM.
 */
long fpool_record_take(struct file *file, void *arg)
{
	struct framepool_record *r = arg;
	struct fpool_handle *handle = file->private_data;
	const struct framepool_record asked = *r;
	u32 room = r->nr;
	u64 *refs;
	int err;

	if (r->__reserved || !room || r->cursor > FPOOL_VPN_MAX ||
	    (r->cursor && !(r->flags & FRAMEPOOL_RECORD_LOOK)))
		return -EINVAL;
	/* Pairs with install(). */
	if (!smp_load_acquire(&handle->reflog))
		return -ENODATA;
	refs = kmalloc_array(CHUNK, sizeof(*refs), GFP_KERNEL);
	if (!refs)
		return -ENOMEM;
	err = take(handle, r, refs, room);
	r->lost = fpool_reflog_lost(handle->reflog);
	if (err)
		*r = asked;
	kfree(refs);
	return err;
}

/**
 * fpool_record_leave - a descriptor goes, and with it what it records
 * @handle: of the descriptor
 *
 * Context: Process context, nobody else uses the descriptor.
 */
void fpool_record_leave(struct fpool_handle *handle)
{
	if (!handle->reflog)
		return;
	RCU_INIT_POINTER(handle->space->reflog, NULL);
	fpool_reflog_destroy(handle->reflog);
}
