// SPDX-License-Identifier: GPL-2.0-only
/*
 * The laundry: dirty victims that wait until the reclaim thread has them written.
 *
 * Who evicts may hold locks that the file system under the backing file needs, so his dirty victims
 * wait here, each with its space.  Spaces that have some take turns.  One at which a worker is,
 * because its writes may have to wait for its file system (launder.c), has no turn meanwhile; and
 * where that lasts its pages stay, so that the room is others'.  Who wants a page back has it at
 * once.
 */
#include "laundry.h"

static bool is_attended(const struct fpool_space *space)
{
	return space->nlaunderers;
}

/* Under pool->lock: whose turn it may be. */
static void sort_in(struct fpool_space *space)
{
	struct fpool_laundry *l = &space->pool->laundry;

	if (is_attended(space))
		list_move_tail(&space->laundry_link, &l->attended);
	else if (space->laundry.len)
		list_move_tail(&space->laundry_link, &l->ready);
	else
		list_del_init(&space->laundry_link);
}

/* Under pool->lock: so many pages more, or fewer. */
static void count(struct fpool_space *space, int nr)
{
	struct fpool_laundry *l = &space->pool->laundry;

	WRITE_ONCE(l->len, l->len + nr);
	if (!is_attended(space))
		WRITE_ONCE(l->nready, l->nready + nr);
}

/**
 * fpool_laundry_add - a dirty victim waits
 * @space: whose page
 * @frame: where it is; claimed, and on no list
 *
 * Context: Caller holds pool->lock.
 */
void fpool_laundry_add(struct fpool_space *space, fpool_frame_t frame)
{
	struct fpool_frames *ft = &space->pool->frames;

	fpool_frame_list_add_tail(ft, &space->laundry, frame);
	fpool_frames_info(ft, frame)->list = FPOOL_LAUNDRY_LIST;
	count(space, 1);
	if (list_empty(&space->laundry_link))
		sort_in(space);
}

/**
 * fpool_laundry_del - it waits no longer
 * @space: whose page
 * @frame: where it is
 *
 * Context: Caller holds pool->lock.
 */
void fpool_laundry_del(struct fpool_space *space, fpool_frame_t frame)
{
	struct fpool_frames *ft = &space->pool->frames;

	fpool_frame_list_del(ft, &space->laundry, frame);
	fpool_frames_info(ft, frame)->list = FPOOL_NO_LIST;
	count(space, -1);
	if (!space->laundry.len && !is_attended(space))
		sort_in(space);
}

/**
 * fpool_laundry_next - whose turn is it?
 * @pool: the pool
 *
 * Context: Caller holds pool->lock.
 * Return: a space that has pages here, whose next turn comes after all others'; or NULL.
 */
struct fpool_space *fpool_laundry_next(struct fpool_pool *pool)
{
	struct list_head *ready = &pool->laundry.ready;
	struct fpool_space *space;

	lockdep_assert_held(&pool->lock);
	space = list_first_entry_or_null(ready, struct fpool_space, laundry_link);
	if (space)
		list_move_tail(&space->laundry_link, ready);
	return space;
}

/**
 * fpool_laundry_attend - a worker is at the writes of a space, and may have to wait
 * @space: the space
 *
 * Context: Process context; takes pool->lock.
 */
void fpool_laundry_attend(struct fpool_space *space)
{
	struct fpool_laundry *l = &space->pool->laundry;

	spin_lock(&space->pool->lock);
	if (!space->nlaunderers++) {
		space->attended_since = jiffies;
		WRITE_ONCE(l->nready, l->nready - space->laundry.len);
		sort_in(space);
	}
	spin_unlock(&space->pool->lock);
}

/**
 * fpool_laundry_leave - it is not any more
 * @space: the space
 *
 * Context: Process context; takes pool->lock.
 */
void fpool_laundry_leave(struct fpool_space *space)
{
	struct fpool_laundry *l = &space->pool->laundry;

	spin_lock(&space->pool->lock);
	if (!--space->nlaunderers) {
		WRITE_ONCE(l->nready, l->nready + space->laundry.len);
		sort_in(space);
	}
	spin_unlock(&space->pool->lock);
}

/**
 * fpool_laundry_is_attended - is a worker at the writes of a space?
 * @space: the space
 *
 * Context: Process context; takes pool->lock.
 * Return: whether.
 */
bool fpool_laundry_is_attended(struct fpool_space *space)
{
	bool is;

	spin_lock(&space->pool->lock);
	is = is_attended(space);
	spin_unlock(&space->pool->lock);
	return is;
}

/**
 * fpool_laundry_has_room - is there room for more dirty victims?
 * @pool: the pool
 *
 * Context: Any; a hint.
 * Return: whether evicting dirty ones may help before some have been written.
 */
bool fpool_laundry_has_room(const struct fpool_pool *pool)
{
	return READ_ONCE(pool->laundry.len) < FPOOL_LAUNDRY_MAX;
}

/* A device that is only slow ends some load in this time. */
#define STANDS_STILL	(HZ / 10)

/**
 * fpool_laundry_stands_still - is it full, and nothing leaves it?
 * @pool: the pool
 *
 * While a device does its work a full laundry is waited for: frames come from there in a moment,
 * and looking for clean pages among many dirty ones is dear.
 *
 * Context: Any; a hint.
 * Return: whether only clean pages can leave for now.
 */
bool fpool_laundry_stands_still(const struct fpool_pool *pool)
{
	return !fpool_laundry_has_room(pool) &&
	       time_after(jiffies, READ_ONCE(pool->laundry.moved) + STANDS_STILL);
}

/**
 * fpool_laundry_lets_evict - may evicting more help, before some load has ended?
 * @pool: the pool
 *
 * Context: Any; a hint.
 * Return: whether.
 */
bool fpool_laundry_lets_evict(const struct fpool_pool *pool)
{
	return fpool_laundry_has_room(pool) || fpool_laundry_stands_still(pool);
}

/**
 * fpool_laundry_moves - some of it begins to be written, or has been
 * @pool: the pool
 *
 * Context: Any.
 */
void fpool_laundry_moves(struct fpool_pool *pool)
{
	WRITE_ONCE(pool->laundry.moved, jiffies);
}

/* A worker that only has much to do, or blocks to allocate, has left in this time. */
#define STUCK		(HZ / 4)

static bool is_stuck(const struct fpool_space *space)
{
	return is_attended(space) && time_after(jiffies, space->attended_since + STUCK);
}

/**
 * fpool_laundry_refuses - does a dirty page have to stay?
 * @space: whose it is
 *
 * Who looks whether there is room before he chooses a batch may send all of it.
 *
 * Context: Caller holds pool->lock.
 * Return: whether.
 */
bool fpool_laundry_refuses(const struct fpool_space *space)
{
	return space->pool->laundry.len >= FPOOL_LAUNDRY_FULL || is_stuck(space);
}

/* Under pool->lock: it is a resident page again. */
static void put_back(struct fpool_space *space, fpool_vpn_t vpn, fpool_frame_t frame)
{
	struct fpool_pool *pool = space->pool;

	WARN_ON_ONCE(fpool_frames_mark_resident(&pool->frames, frame));
	fpool_policy_put_back(fpool_pool_policy(pool, frame), frame);
	fpool_ptable_update(&space->ptable, vpn, FPOOL_SPTE_BUSY, 0);
	fpool_space_wake(space, vpn);
}

/* Under pool->lock. */
static void turn_out_of(struct fpool_space *space)
{
	const struct fpool_frames *ft = &space->pool->frames;
	u32 len = space->laundry.len;

	while (len--) {
		fpool_frame_t frame = fpool_frame_list_first(&space->laundry);

		fpool_laundry_del(space, frame);
		put_back(space, fpool_vpn(fpool_frames_info(ft, frame)->vpn), frame);
	}
}

/**
 * fpool_laundry_turn_out - pages whose turn does not come stay, and make room
 * @pool: the pool
 *
 * Context: Process context; takes pool->lock.
 */
void fpool_laundry_turn_out(struct fpool_pool *pool)
{
	struct fpool_laundry *l = &pool->laundry;
	struct fpool_space *space;

	if (READ_ONCE(l->len) == READ_ONCE(l->nready))
		return;
	spin_lock(&pool->lock);
	list_for_each_entry(space, &l->attended, laundry_link)
		if (is_stuck(space))
			turn_out_of(space);
	spin_unlock(&pool->lock);
}

/*
 * In the laundry, or on its way to the file.  It has no pin that could get lost: a pinned page that
 * leaves, because its pinner wants that, is unpinned when it is claimed (fpool_pin_lift), and who
 * has it back has a page like others.
 */
static bool can_stay(struct fpool_pool *pool, fpool_spte_t e)
{
	const u64 leaving = FPOOL_SPTE_P | FPOOL_SPTE_BUSY;

	if ((fpool_spte_raw(e) & leaving) != leaving)
		return false;
	return fpool_spte_has(e, FPOOL_SPTE_WB) ||
	       fpool_frames_info(&pool->frames, fpool_spte_frame(e))->list == FPOOL_LAUNDRY_LIST;
}

/**
 * fpool_laundry_rescue - a page that is leaving is wanted, and stays if it is dirty
 * @space: the space
 * @vpn: the page
 *
 * Its write goes on, if it has begun; nobody waits for that.
 *
 * Context: Caller holds pool->lock.
 */
void fpool_laundry_rescue(struct fpool_space *space, fpool_vpn_t vpn)
{
	fpool_spte_t e = fpool_ptable_peek(&space->ptable, vpn);
	fpool_frame_t frame = fpool_spte_frame(e);
	struct fpool_pool *pool = space->pool;

	lockdep_assert_held(&pool->lock);
	if (!can_stay(pool, e))
		return;
	if (!fpool_spte_has(e, FPOOL_SPTE_WB))
		fpool_laundry_del(space, frame);
	fpool_page_set_fresh(fpool_pool_page(pool, frame));
	put_back(space, vpn, frame);
}

static void rescue(struct fpool_space *space, fpool_vpn_t vpn)
{
	spin_lock(&space->pool->lock);
	fpool_laundry_rescue(space, vpn);
	spin_unlock(&space->pool->lock);
}

static long wait_a_moment(struct wait_queue_head *queue, struct fpool_space *space, fpool_vpn_t vpn,
			  bool killable)
{
	if (!killable)
		return wait_event_timeout(*queue, fpool_space_settled(space, vpn), STANDS_STILL);
	return wait_event_killable_timeout(*queue, fpool_space_settled(space, vpn), STANDS_STILL);
}

/**
 * fpool_laundry_wait_settled - wait until a page is neither changing hands nor being written
 * @space: the space, of which the caller has a reference
 * @vpn: the page
 * @killable: whether a signal that kills ends it
 *
 * One that waits for its write where nothing moves, as others' loads are stuck, stays.
 *
 * Context: Process context, with no lock of mm's, nor any that the write may need.
 * Return: 0 or -EINTR: killed.
 */
int fpool_laundry_wait_settled(struct fpool_space *space, fpool_vpn_t vpn, bool killable)
{
	struct wait_queue_head *queue = fpool_pool_busy_queue(space->pool, space->id, vpn);
	long left;

	fpool_pool_wait_begin(space->pool);
	while (!(left = wait_a_moment(queue, space, vpn, killable)))
		rescue(space, vpn);
	fpool_pool_wait_end(space->pool);
	return left < 0 ? -EINTR : 0;
}
