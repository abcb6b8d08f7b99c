/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A space: one demand-paged virtual range over one backing file.
 *
 * Its inode is anonymous; the inode's address_space is what frames carry in page->mapping while
 * they hold a page of the space, and what every file of the space has for f_mapping, so that core
 * mm's rmap, unmapping and error reporting work on it.
 *
 * Field letters: pool.h's, and
 *
 *   A	fpool_attach_lock
 *   F	fills_lock
 *   T	tickets_lock of prefetch.c
 */
#ifndef FPOOL_SPACE_H
#define FPOOL_SPACE_H

#include <linux/fs.h>
#include <linux/refcount.h>
#include <linux/semaphore.h>

#include "backing.h"
#include "pool.h"
#include "reflog.h"
#include "stream.h"
#include "stride.h"

/* Jobs of one space that are under way together, at most. */
#define FPOOL_SPACE_PLACES	16

/* Fills of one space that have a worker, at most: one in sixteen of what a pool has. */
#define FPOOL_SPACE_FILLS	32

/* Instead of an epoch: the page could not be written, or not be flushed, and is dirty again. */
#define FPOOL_EPOCH_FAILED	U16_MAX

/* How far the tear-down of a space is. */
enum fpool_leaving {
	FPOOL_LEAVING_NOT,
	FPOOL_LEAVING_SOON,	/* queued, or waiting for its time; it has a reference */
	FPOOL_LEAVING_NOW,	/* under way; the same */
	FPOOL_LEAVING_AGAIN,	/* the same, and the space was attached and left since it began */
};

struct fpool_space {
	refcount_t refs;		/* X: of this structure */
	struct fpool_pool *pool;	/* I */
	u32 id;				/* I */
	u64 whatif_seed;		/* I: of the hashes of its pages */
	struct inode *inode;		/* I */
	struct fpool_ptable ptable;	/* R */
	struct fpool_backing backing;	/* I, but for its upgrade: by who has the opening */
	struct list_head link;		/* A: all spaces of all pools */
	u32 users;			/* A: see attach.c; 0: being torn down */
	u32 unnamed;			/* A: of these, descriptors that ATTACH returned ... */
	u32 nodes;			/* A: ... and named nodes */
	kuid_t uid;			/* I: of the first attacher */
	u8 block_type;			/* any time, READ_ONCE: a hint to the next fill */
	struct fpool_frame_list laundry;	/* P: its dirty victims that wait ... */
	struct list_head laundry_link;	/* P: ... and where it does: ready, attended, or nowhere */
	unsigned long attended_since;	/* P: jiffies */
	u32 nlaunderers;		/* P: workers that write for it, and may wait long */
	struct fpool_streams streams;	/* P; read without it for hints: what AUTO follows ... */
	struct fpool_strides strides;	/* ... and this, by its marks */
	struct delayed_work leave;	/* A: its tear-down, which is queued once */
	enum fpool_leaving leaving;	/* A */
	struct list_head leavers;	/* A: who waits until the next tear-down has ended */
	struct work_struct clean_work;	/* who set @cleaning */
	bool cleaning;			/* P: the cleaner's visit has not ended */
	bool dying;			/* any time, READ_ONCE: waits for the last references */
	bool orphan;			/* A: its tear-down will be tried again */
	struct mutex sync_lock;		/* one fsync's flush at a time */
	struct semaphore release_sem;	/* one RELEASE at a time */
	struct semaphore places;	/* X: for jobs of this space; see job.c */
	spinlock_t fills_lock;		/* F */
	struct list_head fills;		/* F: that wait until they may have a worker */
	u32 filling;			/* F: how many have one */
	struct {
		u32 pinner;		/* 0: nobody */
		fpool_vpn_t start, end;
	} releasing;			/* P: whose held pages may be written now */
	u16 epoch;			/* P: pages written now carry it in the frame table */
	u16 flushed;			/* P: all that carry up to this one are on the medium */
	u16 wrote;			/* P: in which something was written last; 0: flushed */
	u32 failed_flushes;		/* P: what they did not cover is dirty again, or has left */
	bool lost;			/* any time, READ_ONCE: the last flush failed, with cause */
	u32 npinned;			/* P: pages */
	fpool_vpn_t failed_read;	/* P: the last page that could not be read ... */
	fpool_vpn_t failed_write;	/* P: ... and written; see errlog.c */
	int read_error;			/* P: with which negative errno */
	int write_error;		/* P */
	int flush_error;		/* P */
	wait_queue_head_t error_wait;	/* X: for the errors that a sync will report */
	fpool_vpn_t cut_from;		/* P: not written from here on; FPOOL_VPN_MAX: all are */
	unsigned long retry_at;		/* P: jiffies; no write-back by reclaim before */
	unsigned long put_off_until;	/* P: jiffies; no eviction of dirty pages before */
	struct fpool_reflog __rcu *reflog;	/* RCU: of who records it; set by cmpxchg */
	struct fpool_stats stats;	/* X */
};

struct fpool_node;
struct fpool_pinner;

/**
 * struct fpool_handle - what a descriptor of a space has for private data
 * @space: a user of it
 * @node: the named node that was opened, or NULL
 * @pinner: made with the first pin
 * @tickets: T: its prefetches that nobody waits for
 * @ntickets: T: how many
 * @last_ticket: T: number of the last one
 * @advice: FRAMEPOOL_ADVICE_NORMAL, RANDOM or SEQUENTIAL; any time, READ_ONCE
 * @noreuse: what is used through it will not be used again; the same
 * @reflog: of the recording that it has started, or NULL; set once
 */
struct fpool_handle {
	struct fpool_space *space;
	struct fpool_node *node;
	struct fpool_pinner *pinner;
	struct list_head tickets;
	u32 ntickets;
	u64 last_ticket;
	u8 advice;
	bool noreuse;
	struct fpool_reflog *reflog;
};

static inline struct fpool_space *fpool_file_space(struct file *file)
{
	struct fpool_handle *handle = file->private_data;

	return handle->space;
}

/* May who has this descriptor know which pages are used, and are there? */
static inline bool fpool_file_may_watch(struct file *file)
{
	return file->f_mode & FMODE_WRITE ||
	       fpool_backing_may_watch(&fpool_file_space(file)->backing);
}

/* Does a use through this descriptor tell that there will be another? */
static inline bool fpool_handle_counts(const struct fpool_handle *handle)
{
	return READ_ONCE(handle->advice) != FRAMEPOOL_ADVICE_SEQUENTIAL &&
	       !READ_ONCE(handle->noreuse);
}

struct fpool_space *fpool_space_create(struct fpool_pool *pool);
void fpool_space_put_many(struct fpool_space *space, unsigned int nr);
void fpool_space_unlink(struct fpool_space *space);
struct vfsmount *fpool_space_mount(void);

static inline struct fpool_space *fpool_space_get(struct fpool_space *space)
{
	refcount_inc(&space->refs);
	return space;
}

static inline void fpool_space_get_many(struct fpool_space *space, unsigned int nr)
{
	refcount_add(nr, &space->refs);
}

static inline void fpool_space_put(struct fpool_space *space)
{
	fpool_space_put_many(space, 1);
}

/* In bytes: i_size, so that core mm sees the same. */
static inline u64 fpool_space_bytes(const struct fpool_space *space)
{
	return i_size_read(space->inode);
}

static inline u64 fpool_space_pages(const struct fpool_space *space)
{
	return fpool_bytes_to_pages(fpool_space_bytes(space));
}

static inline fpool_spte_t fpool_space_spte(const struct fpool_space *space, fpool_vpn_t vpn)
{
	fpool_spte_t e;

	rcu_read_lock();
	e = fpool_ptable_get(&space->ptable, vpn);
	rcu_read_unlock();
	return e;
}

/* Nobody is bringing the page, making it leave or writing it. */
static inline bool fpool_space_settled(const struct fpool_space *space, fpool_vpn_t vpn)
{
	return !fpool_spte_has(fpool_space_spte(space, vpn), FPOOL_SPTE_BUSY | FPOOL_SPTE_WB);
}

static inline void fpool_space_count(struct fpool_space *space, enum fpool_stat id, u64 nr)
{
	fpool_stats_add(&space->stats, id, nr);
	fpool_stats_add(&space->pool->stats, id, nr);
}

/* The space of an id; the caller holds P, or a reference, as long as it uses it. */
static inline struct fpool_space *fpool_space_by_id(struct fpool_pool *pool, u32 id)
{
	struct fpool_ptable *table = xa_load(&pool->tables, id);

	return table ? container_of(table, struct fpool_space, ptable) : NULL;
}

/**
 * fpool_space_wake - an entry is not busy any more
 * @space: the space
 * @vpn: the page
 *
 * Context: Any, after the entry was changed.
 */
static inline void fpool_space_wake(struct fpool_space *space, fpool_vpn_t vpn)
{
	struct wait_queue_head *queue;

	if (likely(!fpool_pool_has_waiters(space->pool)))
		return;
	queue = fpool_pool_busy_queue(space->pool, space->id, vpn);
	/* Who counts himself after the barrier in there sees the entry. */
	if (waitqueue_active(queue))
		wake_up_all(queue);
}

/* A page was used; @how: FRAMEPOOL_REF_*. */
static inline void fpool_space_note(struct fpool_space *space, fpool_vpn_t vpn, u64 how)
{
	fpool_reflog_note(&space->reflog, fpool_vpn_nr(vpn), how);
}

static inline bool fpool_space_recorded(const struct fpool_space *space)
{
	return unlikely(rcu_access_pointer(space->reflog));
}

bool fpool_space_next(struct fpool_space *space, fpool_vpn_t *vpn, fpool_vpn_t end, u64 flags,
		      fpool_spte_t *e);
u64 fpool_space_count_pages(struct fpool_space *space,
			    bool (*fn)(struct fpool_space *space, fpool_frame_t frame));
void fpool_space_wake_run(struct fpool_space *space, fpool_vpn_t vpn, u32 nr);
int fpool_space_range(struct fpool_space *space, u64 offset, u64 length, fpool_vpn_t *start,
		      fpool_vpn_t *end);

#endif /* FPOOL_SPACE_H */
