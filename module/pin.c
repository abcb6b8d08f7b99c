// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who pinned which pages.
 *
 * A pinned frame is on no list of the policy, which so never looks at it in vain, but on the list
 * of the descriptor that pinned it; its policy word says which.  Two bits of the shadow PTE:
 *
 *	PIN	may not be evicted
 *	PIN|H	and may not be written: held back
 *
 * A pin belongs to the descriptor that set it first, is charged to its user as mlock() would be,
 * and ends with the descriptor: what a process leaves behind costs nobody memory.
 */
#include "pin.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

/*
 * Who has no CAP_IPC_LOCK, and so is @bounded, pins no more than RLIMIT_MEMLOCK, together with all
 * else that this user has locked, and leaves half of the pool to others.
 */
static int charge(const struct fpool_pinner *pinner, bool bounded)
{
	long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long locked = atomic_long_read(&pinner->user->locked_vm);

	if (!bounded) {
		atomic_long_inc(&pinner->user->locked_vm);
		return 0;
	}
	do {
		if (locked >= limit)
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&pinner->user->locked_vm, &locked, locked + 1));
	return 0;
}

static void uncharge(const struct fpool_pinner *pinner)
{
	atomic_long_dec(&pinner->user->locked_vm);
}

/**
 * fpool_pin_create - begin to pin pages through a descriptor
 * @space: the descriptor's
 *
 * Context: Process context; may sleep.
 * Return: the pinner, or an ERR_PTR (-ENOMEM).
 */
struct fpool_pinner *fpool_pin_create(struct fpool_space *space)
{
	struct fpool_pinner *pinner = kzalloc(sizeof(*pinner), GFP_KERNEL_ACCOUNT);
	int err;

	if (!pinner)
		return ERR_PTR(-ENOMEM);
	pinner->space = space;
	fpool_frame_list_init(&pinner->frames);
	/* Cyclic: a release that outlives its pinner must not take another for it. */
	err = xa_alloc_cyclic(&space->pool->pinners, &pinner->id, pinner, xa_limit_31b,
			      &space->pool->next_pinner, GFP_KERNEL);
	if (err < 0) {
		kfree(pinner);
		return ERR_PTR(err);
	}
	pinner->user = get_uid(current_user());
	return pinner;
}

static void enlist(struct fpool_pinner *pinner, fpool_frame_t frame, u64 flags)
{
	struct fpool_space *space = pinner->space;
	struct fpool_frame_info *info = fpool_frames_info(&space->pool->frames, frame);

	lockdep_assert_held(&space->pool->lock);
	fpool_frame_list_add_tail(&space->pool->frames, &pinner->frames, frame);
	info->list = FPOOL_PIN_LIST;
	info->policy = pinner->id;
	pinner->nheld += !!(flags & FPOOL_SPTE_H);
	fpool_wset_pin(&space->pool->wsets, fpool_wsets_of(&space->pool->wsets, frame));
	space->npinned++;
	space->pool->npinned++;
	fpool_ptable_update(&space->ptable, fpool_vpn(info->vpn), 0, flags);
}

static void delist(struct fpool_pinner *pinner, fpool_frame_t frame)
{
	struct fpool_space *space = pinner->space;
	struct fpool_frame_info *info = fpool_frames_info(&space->pool->frames, frame);
	fpool_vpn_t vpn = fpool_vpn(info->vpn);

	lockdep_assert_held(&space->pool->lock);
	fpool_frame_list_del(&space->pool->frames, &pinner->frames, frame);
	fpool_wset_unpin(&space->pool->wsets, fpool_wsets_of(&space->pool->wsets, frame));
	info->list = FPOOL_NO_LIST;
	info->policy = 0;
	pinner->nheld -= fpool_spte_has(fpool_ptable_get(&space->ptable, vpn), FPOOL_SPTE_H);
	space->npinned--;
	space->pool->npinned--;
	fpool_ptable_update(&space->ptable, vpn, FPOOL_SPTE_PIN | FPOOL_SPTE_H, 0);
}

static bool is_mine(const struct fpool_pinner *pinner, fpool_spte_t e)
{
	const struct fpool_frames *ft = &pinner->space->pool->frames;

	return fpool_spte_has(e, FPOOL_SPTE_PIN) &&
	       fpool_frames_info(ft, fpool_spte_frame(e))->policy == pinner->id;
}

/* Of a page that is pinned already. */
static int add_again(struct fpool_pinner *pinner, fpool_vpn_t vpn, fpool_spte_t e, bool hold)
{
	if (!hold || (is_mine(pinner, e) && fpool_spte_has(e, FPOOL_SPTE_H)))
		return -EALREADY;
	if (!is_mine(pinner, e))
		return -EBUSY;
	fpool_ptable_update(&pinner->space->ptable, vpn, 0, FPOOL_SPTE_H);
	pinner->nheld++;
	return 0;
}

/* The part that costs nothing: the page is pinned already, or cannot be pinned now. */
static int add_free(struct fpool_pinner *pinner, fpool_vpn_t vpn, bool hold)
{
	fpool_spte_t e = fpool_ptable_get(&pinner->space->ptable, vpn);

	lockdep_assert_held(&pinner->space->pool->lock);
	/* What is being written is not held back any more. */
	if (!fpool_spte_has(e, FPOOL_SPTE_P) ||
	    fpool_spte_has(e, FPOOL_SPTE_BUSY | (hold ? FPOOL_SPTE_WB : 0)))
		return -EAGAIN;
	if (fpool_spte_has(e, FPOOL_SPTE_PIN))
		return add_again(pinner, vpn, e, hold);
	return -EINPROGRESS;
}

static bool leaves_half(const struct fpool_pool *pool)
{
	lockdep_assert_held(&pool->lock);
	return pool->npinned < (pool->region.nframes - pool->kernel_frames) / 2;
}

static int add_charged(struct fpool_pinner *pinner, fpool_vpn_t vpn, bool hold, bool bounded)
{
	struct fpool_space *space = pinner->space;
	int err = add_free(pinner, vpn, hold);
	struct fpool_wsets *ws = &space->pool->wsets;
	fpool_frame_t frame;

	if (err != -EINPROGRESS) {
		uncharge(pinner);
		return err;
	}
	frame = fpool_spte_frame(fpool_ptable_get(&space->ptable, vpn));
	if ((bounded && !leaves_half(space->pool)) ||
	    !fpool_wset_may_pin(ws, fpool_wsets_of(ws, frame))) {
		uncharge(pinner);
		return -ENOMEM;
	}
	fpool_policy_remove(fpool_pool_policy(space->pool, frame), frame);
	enlist(pinner, frame, FPOOL_SPTE_PIN | (hold ? FPOOL_SPTE_H : 0));
	return 0;
}

/**
 * fpool_pin_add - pin a resident page
 * @pinner: for whom
 * @vpn: the page
 * @hold: hold it back from being written, too
 *
 * Context: Process context, of who is to be charged; takes pool->lock.
 * Return: 0; -EALREADY: it is pinned (and held, if asked), perhaps by another; -EBUSY: to be held,
 * but pinned by another; -EAGAIN: not resident, or changing hands, or to be held and being written:
 * bring it, wait, ask again; -ENOMEM: the user, or the process to which the page is charged, has
 * pinned enough, or the minimum of some process could not be guaranteed any more.
 */
int fpool_pin_add(struct fpool_pinner *pinner, fpool_vpn_t vpn, bool hold)
{
	struct fpool_pool *pool = pinner->space->pool;
	bool bounded;
	int err;

	spin_lock(&pool->lock);
	err = add_free(pinner, vpn, hold);
	spin_unlock(&pool->lock);
	if (err != -EINPROGRESS)
		return err;
	bounded = !capable(CAP_IPC_LOCK);
	err = charge(pinner, bounded);
	if (err)
		return err;
	spin_lock(&pool->lock);
	err = add_charged(pinner, vpn, hold, bounded);
	spin_unlock(&pool->lock);
	return err;
}

static bool is_held(const struct fpool_pinner *pinner, fpool_vpn_t vpn)
{
	fpool_spte_t e = fpool_ptable_get(&pinner->space->ptable, vpn);

	return is_mine(pinner, e) && fpool_spte_has(e, FPOOL_SPTE_H);
}

/*
 * It comes to the policy as a page that was never there: nobody knows how it was used while it was
 * pinned.  A policy that duels counts it as a fault of the side that it falls to by its hash: that
 * is noise, which meets both alike.
 */
static void unpin(struct fpool_pinner *pinner, fpool_frame_t frame)
{
	delist(pinner, frame);
	fpool_policy_insert(fpool_pool_policy(pinner->space->pool, frame), frame, U64_MAX);
	uncharge(pinner);
}

/**
 * fpool_pin_remove - unpin a page that is not held back
 * @pinner: whose pin
 * @vpn: the page
 *
 * Context: Any process context; takes pool->lock.
 * Return: whether there was such a pin.
 */
bool fpool_pin_remove(struct fpool_pinner *pinner, fpool_vpn_t vpn)
{
	struct fpool_pool *pool = pinner->space->pool;
	fpool_spte_t e;
	bool there;

	spin_lock(&pool->lock);
	e = fpool_ptable_get(&pinner->space->ptable, vpn);
	there = is_mine(pinner, e) && !fpool_spte_has(e, FPOOL_SPTE_H);
	if (there)
		unpin(pinner, fpool_spte_frame(e));
	spin_unlock(&pool->lock);
	return there;
}

/**
 * fpool_pin_end_hold - a held page was written: it is neither held nor pinned any more
 * @space: the space
 * @id: of the pinner, which may have gone meanwhile
 * @vpn: the page
 *
 * Context: Any process context; takes pool->lock.
 */
void fpool_pin_end_hold(struct fpool_space *space, u32 id, fpool_vpn_t vpn)
{
	struct fpool_pinner *pinner;

	spin_lock(&space->pool->lock);
	pinner = xa_load(&space->pool->pinners, id);
	if (pinner && is_held(pinner, vpn))
		unpin(pinner, fpool_spte_frame(fpool_ptable_get(&space->ptable, vpn)));
	spin_unlock(&space->pool->lock);
}

/**
 * fpool_pin_first_held - a page that is held back; pins that are no more than pins end on the way
 * @pinner: whose
 * @vpn: out: the page
 *
 * Context: Any process context; takes pool->lock.
 * Return: whether there is one.
 */
bool fpool_pin_first_held(struct fpool_pinner *pinner, fpool_vpn_t *vpn)
{
	struct fpool_pool *pool = pinner->space->pool;
	fpool_frame_t frame;
	bool held = false;

	spin_lock(&pool->lock);
	while (!held && (frame = fpool_frame_list_first(&pinner->frames)) != FPOOL_NO_FRAME) {
		*vpn = fpool_vpn(fpool_frames_info(&pool->frames, frame)->vpn);
		held = is_held(pinner, *vpn);
		if (!held)
			unpin(pinner, frame);
		cond_resched_lock(&pool->lock);
	}
	spin_unlock(&pool->lock);
	return held;
}

/**
 * fpool_pin_destroy - all pins of a descriptor end
 * @pinner: of which nobody else knows any more but its frames
 *
 * Held pages become pages like others, and are written some time.
 *
 * Context: Process context; takes pool->lock.
 */
void fpool_pin_destroy(struct fpool_pinner *pinner)
{
	struct fpool_pool *pool = pinner->space->pool;
	fpool_frame_t frame;

	spin_lock(&pool->lock);
	while ((frame = fpool_frame_list_first(&pinner->frames)) != FPOOL_NO_FRAME) {
		unpin(pinner, frame);
		cond_resched_lock(&pool->lock);
	}
	/* A victim that is on its way back looks for it under the lock. */
	xa_erase(&pool->pinners, pinner->id);
	spin_unlock(&pool->lock);
	free_uid(pinner->user);
	kfree(pinner);
}

/**
 * fpool_pin_lift - a pinned page is leaving all the same
 * @pool: the pool
 * @frame: where it is
 *
 * Context: Caller holds pool->lock.
 * Return: for fpool_pin_put_back().
 */
u32 fpool_pin_lift(struct fpool_pool *pool, fpool_frame_t frame)
{
	u32 id = fpool_frames_info(&pool->frames, frame)->policy;
	struct fpool_pinner *pinner = xa_load(&pool->pinners, id);

	delist(pinner, frame);
	uncharge(pinner);
	return id;
}

/**
 * fpool_pin_put_back - it stays after all
 * @pool: the pool
 * @frame: where it is, resident again
 * @id: what fpool_pin_lift() said
 * @hold: it was held back, too
 *
 * Context: Caller holds pool->lock.
 */
void fpool_pin_put_back(struct fpool_pool *pool, fpool_frame_t frame, u32 id, bool hold)
{
	struct fpool_pinner *pinner = xa_load(&pool->pinners, id);

	if (!pinner) {
		fpool_policy_put_back(fpool_pool_policy(pool, frame), frame);
		return;
	}
	enlist(pinner, frame, FPOOL_SPTE_PIN | (hold ? FPOOL_SPTE_H : 0));
	atomic_long_inc(&pinner->user->locked_vm);
}
