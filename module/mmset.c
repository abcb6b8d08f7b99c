// SPDX-License-Identifier: GPL-2.0-only
/*
 * Working sets of processes.
 *
 * core/wset.c has the theory.  Here is whose they are: each address space that maps something of
 * the pool has one, from its first mapping to its last.  Its mappings are counted by mmap and the
 * open and close of VMAs; so it is there as long as somebody can fault with it, and a pointer to an
 * address space that has gone is never looked at, only compared.  Every VMA is counted: where there
 * is no memory or no number for a set, mmap fails; a fork, whose open cannot fail, waits for
 * memory, and where there is no number the child belongs to its parent's set, which stays until
 * all who belong to it have gone.  So a maximum holds whatever is forked.
 *
 *	parent  -->  set 7, max 50  <--  child for whom there was no number
 *
 * What is brought is charged to the address space for which it is brought: a fault's VMA says
 * which, a system call has its caller's.  Who has none (a worker, a program that only reads and
 * writes) is charged to the common set.
 *
 * When the last mapping has gone the set leaves, and what it had goes to others: a page that
 * somebody else maps to one of those who do, the rest to the common set, where it stays until its
 * frames are needed.  A worker does that, because there may be much.
 */
#include "mmset.h"

#include <linux/cred.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "inject.h"
#include "rmap.h"
#include "trace.h"

#define HASH_BITS	8

/* Frames that are looked at with the lock held. */
#define PIECE		1024
/* Frames that get a new owner together. */
#define BATCH		32

/* Of an address space. */
struct fpool_mmset {
	struct fpool_wset set;		/* P; not in the table where it belongs to another one's */
	struct fpool_mmset *as;		/* I: whose set it belongs to: itself, or an ancestor's */
	u32 members;			/* P: address spaces that belong to this one's set */
	struct hlist_node link;		/* P: while the address space has VMAs */
	const struct mm_struct *mm;	/* P: to compare with, not to look at */
	u32 users;			/* P: VMAs */
	struct pid *pid;		/* P: NULL: not known yet */
	kuid_t uid;			/* I: who may see and limit it, besides root */
	const struct fpool_mmset_limiting *limiting;	/* P: to compare with, not to look at */
	const struct fpool_mmset_limiting *next;	/* P: the same; whose turn comes then */
};

static struct hlist_head *bucket(struct fpool_pool *pool, const struct mm_struct *mm)
{
	return &pool->mmsets[hash_ptr(mm, HASH_BITS)];
}

static __always_inline struct fpool_mmset *find(struct fpool_pool *pool,
						const struct mm_struct *mm)
{
	struct fpool_mmset *ms;

	lockdep_assert_held(&pool->lock);
	if (!pool->wsets.nr || !mm)
		return NULL;
	hlist_for_each_entry(ms, bucket(pool, mm), link)
		if (ms->mm == mm)
			return ms;
	return NULL;
}

/*
 * Who forks is still the parent when the child's mappings are made; a thread of the kernel only
 * borrows.
 */
static void note_pid(struct fpool_mmset *ms)
{
	if (!ms->pid && ms->mm == current->mm && !(current->flags & PF_KTHREAD))
		ms->pid = get_pid(task_tgid(current));
}

/**
 * fpool_mmset_find - the set that an address space's pages are charged to
 * @pool: the pool
 * @mm: the address space; NULL: nobody's in particular
 *
 * Context: Caller holds pool->lock, as long as it uses the set.
 * Return: the set; the common one if it has none of its own.
 */
struct fpool_wset *fpool_mmset_find(struct fpool_pool *pool, const struct mm_struct *mm)
{
	struct fpool_mmset *ms = find(pool, mm);

	if (!ms)
		return &pool->wsets.common;
	note_pid(ms);
	return &ms->as->set;
}

/**
 * fpool_mmset_has_room - may an address space have another frame?
 * @pool: the pool
 * @mm: the address space, or NULL
 *
 * Context: Any process context; takes pool->lock.
 * Return: whether its set is below its maximum.
 */
bool fpool_mmset_has_room(struct fpool_pool *pool, const struct mm_struct *mm)
{
	bool room;

	spin_lock(&pool->lock);
	room = fpool_wset_room(fpool_mmset_find(pool, mm));
	spin_unlock(&pool->lock);
	return room;
}

static void destroy(struct fpool_mmset *ms)
{
	put_pid(ms->pid);
	kfree(ms);
}

static void trace(const struct fpool_pool *pool, const struct fpool_mmset *ms, const char *what)
{
	trace_fpool_wset(pool->id, ms->set.id, pid_nr(ms->pid), what, ms->set.charge, ms->set.min,
			 ms->set.max);
}

static int get_number(struct fpool_pool *pool, struct fpool_mmset *ms)
{
	return fpool_inject(FPOOL_INJECT_WSET) ? -ENOSPC : fpool_wset_add(&pool->wsets, &ms->set);
}

/*
 * A set of its own, or its parent's.  A child's maximum is its parent's: else a fork would be the
 * way around it.
 */
static int enter(struct fpool_pool *pool, struct fpool_mmset *ms)
{
	struct fpool_mmset *parent = current->mm == ms->mm ? NULL : find(pool, current->mm);
	int err = get_number(pool, ms);

	if (err && !parent)
		return err;
	ms->as = err ? parent->as : ms;
	if (!err && parent)
		fpool_wset_limit(&pool->wsets, &ms->set, 0, parent->as->set.max);
	ms->as->members++;
	hlist_add_head(&ms->link, bucket(pool, ms->mm));
	note_pid(ms);
	if (!err)
		trace(pool, ms, "enter");
	return 0;
}

static bool map_again(struct fpool_pool *pool, struct mm_struct *mm)
{
	struct fpool_mmset *ms;

	spin_lock(&pool->lock);
	ms = find(pool, mm);
	if (ms)
		ms->users++;
	spin_unlock(&pool->lock);
	return ms;
}

/* Nobody else makes one for @mm: its mmap_lock is held. */
static int map_first(struct fpool_pool *pool, struct mm_struct *mm, gfp_t gfp)
{
	struct fpool_mmset *ms = kzalloc(sizeof(*ms), gfp);
	int err;

	if (!ms)
		return -ENOMEM;
	ms->mm = mm;
	ms->uid = current_euid();
	ms->users = 1;
	spin_lock(&pool->lock);
	err = enter(pool, ms);
	spin_unlock(&pool->lock);
	if (err)
		kfree(ms);
	return err ? -ENOMEM : 0;
}

/**
 * fpool_mmset_map - an address space maps something of the pool
 * @pool: the pool
 * @mm: the address space, current's
 *
 * Context: mmap_lock of @mm held for writing; may sleep.
 * Return: 0; -ENOMEM: there is no memory, or no number, for a set, and the mapping is not counted.
 */
int fpool_mmset_map(struct fpool_pool *pool, struct mm_struct *mm)
{
	if (!pool->wsets.slots || map_again(pool, mm))
		return 0;
	return map_first(pool, mm, GFP_KERNEL_ACCOUNT);
}

/**
 * fpool_mmset_copy - a mapping of the pool was split, moved or copied to a child
 * @pool: the pool
 * @mm: the address space that has the new one
 *
 * It cannot fail: what it is a copy of was counted, current's or by whom it was forked, and so
 * there is a set to belong to; and a few hundred bytes may be waited for.
 *
 * Context: mmap_lock of @mm held for writing; may sleep.
 */
void fpool_mmset_copy(struct fpool_pool *pool, struct mm_struct *mm)
{
	if (!pool->wsets.slots || map_again(pool, mm))
		return;
	WARN_ON_ONCE(map_first(pool, mm, GFP_KERNEL_ACCOUNT | __GFP_NOFAIL));
}

/* Nobody belongs to the set any more. */
static void leave(struct fpool_pool *pool, struct fpool_mmset *ms)
{
	fpool_wset_leave(&pool->wsets, &ms->set);
	trace(pool, ms, "leave");
	queue_work(pool->chores, &pool->leave_work);
}

/* The last VMA has gone. Whether @ms is of no more use: another set has what it brought. */
static bool unmap_last(struct fpool_pool *pool, struct fpool_mmset *ms)
{
	struct fpool_mmset *as = ms->as;

	hlist_del(&ms->link);
	if (!--as->members)
		leave(pool, as);
	return as != ms;
}

/**
 * fpool_mmset_unmap - an address space has one mapping less
 * @pool: the pool
 * @mm: the address space
 *
 * Context: mmap_lock of @mm held for writing, or nobody else has @mm.
 */
void fpool_mmset_unmap(struct fpool_pool *pool, struct mm_struct *mm)
{
	struct fpool_mmset *ms;
	bool useless = false;

	if (!pool->wsets.slots)
		return;
	spin_lock(&pool->lock);
	ms = find(pool, mm);
	if (!WARN_ON_ONCE(!ms) && !--ms->users)
		useless = unmap_last(pool, ms);
	spin_unlock(&pool->lock);
	if (useless)
		destroy(ms);
}

/* Leaving. */

struct heirs {
	struct fpool_space *space;	/* of all of them; a reference */
	u32 nr;
	struct {
		fpool_frame_t frame;
		u64 vpn;
		const struct mm_struct *mm;
	} page[BATCH];
};

static bool is_charged(const struct fpool_frame_info *fi, const struct fpool_wset *set)
{
	return fi->owner == set->id && fpool_wset_is_charged(fi);
}

static fpool_frame_t first_listed(const struct fpool_wset *set)
{
	fpool_frame_t frame = FPOOL_NO_FRAME;
	unsigned int i;

	for (i = 0; i < FPOOL_POLICY_LISTS && frame == FPOOL_NO_FRAME; i++)
		frame = fpool_frame_list_first(&set->policy.list[i]);
	return frame;
}

/* The next frames on the set's lists, of one space; they stay there. */
static void gather(struct fpool_pool *pool, const struct fpool_wset *set, struct heirs *h)
{
	fpool_frame_t frame = first_listed(set);

	h->nr = 0;
	for (; frame != FPOOL_NO_FRAME && h->nr < BATCH;
	     frame = fpool_frame_list_next(&pool->frames, frame)) {
		const struct fpool_frame_info *fi = fpool_frames_info(&pool->frames, frame);

		if (!h->nr)
			h->space = fpool_space_get(fpool_space_by_id(pool, fi->space));
		if (fi->space != h->space->id)
			break;
		h->page[h->nr].frame = frame;
		h->page[h->nr++].vpn = fi->vpn;
	}
}

static void pass_on(struct fpool_pool *pool, const struct fpool_wset *from, struct heirs *h)
{
	struct fpool_wset *to;
	u32 i;

	for (i = 0; i < h->nr; i++) {
		const struct fpool_frame_info *fi =
			fpool_frames_info(&pool->frames, h->page[i].frame);

		/* It may hold another page by now, or be pinned: then an heir may have no room. */
		if (!is_charged(fi, from))
			continue;
		to = fpool_mmset_find(pool, h->page[i].mm);
		if (fpool_wset_move(&pool->wsets, h->page[i].frame, to))
			fpool_wset_move(&pool->wsets, h->page[i].frame, &pool->wsets.common);
	}
}

/*
 * A step; false: nothing is on the set's lists any more.  Nobody judges meanwhile, and no policy
 * takes over: a frame keeps its list's number.
 */
static bool pass_some(struct fpool_pool *pool, struct fpool_wset *set)
{
	struct heirs h;
	u32 i;

	mutex_lock(&pool->victim_lock);
	spin_lock(&pool->lock);
	gather(pool, set, &h);
	spin_unlock(&pool->lock);
	if (h.nr) {
		for (i = 0; i < h.nr; i++)
			h.page[i].mm = fpool_rmap_user(h.space, h.page[i].vpn);
		spin_lock(&pool->lock);
		pass_on(pool, set, &h);
		spin_unlock(&pool->lock);
	}
	mutex_unlock(&pool->victim_lock);
	if (h.nr)
		fpool_space_put(h.space);
	return h.nr;
}

/* What is pinned, or on its way: on no list of the set's. Nothing is charged to it any more. */
static void pass_rest(struct fpool_pool *pool, struct fpool_wset *set)
{
	u32 i;

	mutex_lock(&pool->victim_lock);
	spin_lock(&pool->lock);
	for (i = 0; set->charge && i < pool->region.nframes; i++) {
		if (is_charged(fpool_frames_info(&pool->frames, fpool_frame(i)), set))
			fpool_wset_move(&pool->wsets, fpool_frame(i), &pool->wsets.common);
		if (!(i % PIECE))
			fpool_pool_breathe(pool);
	}
	spin_unlock(&pool->lock);
	mutex_unlock(&pool->victim_lock);
}

static void forget(struct fpool_pool *pool, struct fpool_wset *set)
{
	struct fpool_mmset *ms = container_of(set, struct fpool_mmset, set);
	int err;

	/* Whoever chooses victims may have the set in his hands. */
	mutex_lock(&pool->victim_lock);
	spin_lock(&pool->lock);
	err = fpool_wset_del(&pool->wsets, set);
	spin_unlock(&pool->lock);
	mutex_unlock(&pool->victim_lock);
	if (WARN_ON_ONCE(err))
		return;
	destroy(ms);
}

/* Sets go in this work only. */
static struct fpool_wset *next_leaving(struct fpool_pool *pool, u32 id)
{
	struct fpool_wset *set;

	spin_lock(&pool->lock);
	for (set = fpool_wsets_next(&pool->wsets, id); set && !set->leaving;
	     set = fpool_wsets_next(&pool->wsets, set->id + 1))
		;
	spin_unlock(&pool->lock);
	return set;
}

static void leave_work(struct work_struct *work)
{
	struct fpool_pool *pool = container_of(work, struct fpool_pool, leave_work);
	struct fpool_wset *set;
	u32 id = 1;

	while ((set = next_leaving(pool, id))) {
		id = set->id + 1;
		while (pass_some(pool, set))
			cond_resched();
		pass_rest(pool, set);
		forget(pool, set);
	}
}

/* Seeing and limiting. */

static void describe(const struct fpool_wset *set, s32 pid, struct framepool_wset *info)
{
	info->cursor = (u64)set->id + 1;
	info->id = set->id;
	info->pid = pid;
	info->min = set->min;
	info->max = set->max == FPOOL_WSET_NO_MAX ? FRAMEPOOL_WSET_NO_MAX : set->max;
	info->target = set->target;
	info->charge = set->charge;
	info->peak = set->peak;
	info->pinned = set->pinned;
	info->faults = set->faults;
	info->refaults = set->refaults;
	info->near_refaults = set->near_refaults;
}

/* In numbers of who asks; 0: not known, or not to be seen from there. */
static s32 pid_for_caller(const struct fpool_wset *set)
{
	return set->id ? pid_vnr(container_of(set, struct fpool_mmset, set)->pid) : 0;
}

static bool may_see(const struct fpool_wset *set, bool admin)
{
	if (!set->id || admin)
		return true;
	return !set->leaving &&
	       uid_eq(container_of(set, struct fpool_mmset, set)->uid, current_euid());
}

/**
 * fpool_mmset_get_mm - the address space of a process
 * @pid: its number, in the caller's eyes; 0: the caller's own
 *
 * Context: Process context.
 * Return: it, to be put with mmput(); NULL: there is no such process, or it has ended.
 */
struct mm_struct *fpool_mmset_get_mm(s32 pid)
{
	struct task_struct *task;
	struct pid *ref;
	struct mm_struct *mm;

	if (!pid)
		return get_task_mm(current);
	ref = find_get_pid(pid);
	task = get_pid_task(ref, PIDTYPE_PID);
	put_pid(ref);
	if (!task)
		return NULL;
	/* It asks for PF_KTHREAD, which never changes, in a word that its task stores to often. */
	mm = data_race(get_task_mm(task));
	put_task_struct(task);
	return mm;
}

/* Of an address space that has a set of its own. */
static struct fpool_mmset *find_own(struct fpool_pool *pool, const struct mm_struct *mm)
{
	struct fpool_mmset *ms = find(pool, mm);

	return ms && ms->as == ms ? ms : NULL;
}

/**
 * fpool_mmset_info - how the working set of an address space is
 * @pool: the pool
 * @mm: the address space
 * @info: out
 *
 * Context: System call.
 * Return: 0; -ESRCH: it has no set in this pool; -EPERM: another user's.
 */
int fpool_mmset_info(struct fpool_pool *pool, const struct mm_struct *mm,
		     struct framepool_wset *info)
{
	bool admin = mm != current->mm && capable(CAP_SYS_ADMIN);
	struct fpool_mmset *ms;
	int err = -ESRCH;

	spin_lock(&pool->lock);
	ms = find_own(pool, mm);
	if (ms)
		err = mm == current->mm || may_see(&ms->set, admin) ? 0 : -EPERM;
	if (!err) {
		note_pid(ms);
		describe(&ms->set, pid_for_caller(&ms->set), info);
	}
	spin_unlock(&pool->lock);
	return err;
}

/**
 * fpool_mmset_next - the working sets of a pool in turn
 * @pool: the pool
 * @id: the first that can be meant; 0 is the common one
 * @info: out
 *
 * Context: System call; read of debugfs.
 * Return: 0; -ENOENT: there is none that the caller may see.
 */
int fpool_mmset_next(struct fpool_pool *pool, u32 id, struct framepool_wset *info)
{
	bool admin = capable(CAP_SYS_ADMIN);
	struct fpool_wset *set;

	spin_lock(&pool->lock);
	set = fpool_wsets_next(&pool->wsets, id);
	while (set && !may_see(set, admin))
		set = fpool_wsets_next(&pool->wsets, set->id + 1);
	if (set)
		describe(set, pid_for_caller(set), info);
	spin_unlock(&pool->lock);
	return set ? 0 : -ENOENT;
}

/* Who begins again and again would let nobody else in, as who waits looks now and then only. */
static bool takes_turn(struct fpool_mmset *ms, const struct fpool_mmset_limiting *l)
{
	if (!ms->next)
		ms->next = l;
	if (ms->limiting || ms->next != l)
		return false;
	ms->next = NULL;
	return true;
}

static int limit(struct fpool_pool *pool, struct fpool_mmset *ms, struct fpool_mmset_limiting *l,
		 u32 min, u32 max)
{
	bool admin = capable(CAP_SYS_ADMIN);
	struct fpool_wset *set = &ms->set;
	int err;

	if (!admin && ms->mm != current->mm && !may_see(set, admin))
		return -EPERM;
	/* It takes from others, as locked memory does. */
	if (min > set->min && !admin)
		return -EPERM;
	if (!takes_turn(ms, l))
		return -EAGAIN;
	*l = (struct fpool_mmset_limiting){ .min_before = set->min, .max_before = set->max };
	err = fpool_wset_limit(&pool->wsets, set, min, max);
	if (err)
		return err;
	ms->limiting = l;
	trace(pool, ms, "limit");
	return 0;
}

/**
 * fpool_mmset_limit - what an address space has for sure, and what it never exceeds
 * @pool: the pool
 * @mm: the address space
 * @l: stays until fpool_mmset_limited() or fpool_mmset_unlimit(), if this returns 0
 * @min: frames
 * @max: frames, or FRAMEPOOL_WSET_NO_MAX
 *
 * What it has above @max stays for the caller to evict; no more comes.
 *
 * Context: System call.
 * Return: 0; -EINVAL, -ENOSPC, -EBUSY: see fpool_wset_limit(); -EPERM: another user's, or a higher
 * minimum without CAP_SYS_ADMIN; -ESRCH: it has no set in this pool; -EAGAIN: somebody else is at
 * it, and has to know how that ends first, or has waited longer; who asks no more has to forgo it.
 */
int fpool_mmset_limit(struct fpool_pool *pool, const struct mm_struct *mm,
		      struct fpool_mmset_limiting *l, u64 min, u64 max)
{
	struct fpool_mmset *ms;
	int err = -ESRCH;

	if (min > max)
		return -EINVAL;
	/* Nothing that a pool has is above this. */
	min = min_t(u64, min, FPOOL_WSET_NO_MAX - 1);
	max = min_t(u64, max, FPOOL_WSET_NO_MAX);
	spin_lock(&pool->lock);
	ms = find_own(pool, mm);
	if (ms)
		err = limit(pool, ms, l, min, max);
	spin_unlock(&pool->lock);
	/* Who waits for room below the maximum that it had. */
	if (!err)
		fpool_pool_freed(pool);
	return err;
}

/**
 * fpool_mmset_forgo - who was told to ask again asks no more
 * @pool: the pool
 * @mm: the address space
 * @l: as fpool_mmset_limit() had it
 *
 * Context: Any process context; takes pool->lock.
 */
void fpool_mmset_forgo(struct fpool_pool *pool, const struct mm_struct *mm,
		       const struct fpool_mmset_limiting *l)
{
	struct fpool_mmset *ms;

	spin_lock(&pool->lock);
	ms = find_own(pool, mm);
	if (ms && ms->next == l)
		ms->next = NULL;
	spin_unlock(&pool->lock);
}

/* The set that is being limited: not one that the address space has got since. */
static struct fpool_mmset *find_limited(struct fpool_pool *pool, const struct mm_struct *mm,
					const struct fpool_mmset_limiting *l)
{
	struct fpool_mmset *ms = find_own(pool, mm);

	return ms && ms->limiting == l ? ms : NULL;
}

/**
 * fpool_mmset_excess - frames that an address space has above its maximum
 * @pool: the pool
 * @mm: the address space
 * @l: who limits it
 * @excess: out: how many
 *
 * Context: Any process context; takes pool->lock.
 * Return: 0; -ESRCH: the set that was being limited is no more.
 */
int fpool_mmset_excess(struct fpool_pool *pool, const struct mm_struct *mm,
		       const struct fpool_mmset_limiting *l, u32 *excess)
{
	const struct fpool_mmset *ms;

	spin_lock(&pool->lock);
	ms = find_limited(pool, mm, l);
	if (ms)
		*excess = ms->set.charge > ms->set.max ? ms->set.charge - ms->set.max : 0;
	spin_unlock(&pool->lock);
	return ms ? 0 : -ESRCH;
}

/**
 * fpool_mmset_limited - an address space has no more than its maximum
 * @pool: the pool
 * @mm: the address space
 * @l: who limited it
 *
 * The most that it has had is what it has.
 *
 * Context: Any process context; takes pool->lock.
 */
void fpool_mmset_limited(struct fpool_pool *pool, const struct mm_struct *mm,
			 const struct fpool_mmset_limiting *l)
{
	struct fpool_mmset *ms;

	spin_lock(&pool->lock);
	ms = find_limited(pool, mm, l);
	if (ms) {
		ms->limiting = NULL;
		ms->set.peak = ms->set.charge;
	}
	spin_unlock(&pool->lock);
}

/**
 * fpool_mmset_unlimit - an address space has the limits again that it had before
 * @pool: the pool
 * @mm: the address space
 * @l: who limited it
 *
 * What has left meanwhile comes back when it is touched.  A higher minimum that others have been
 * promised or have pinned meanwhile does not come back.
 *
 * Context: Any process context; takes pool->lock.
 */
void fpool_mmset_unlimit(struct fpool_pool *pool, const struct mm_struct *mm,
			 const struct fpool_mmset_limiting *l)
{
	struct fpool_mmset *ms;

	spin_lock(&pool->lock);
	ms = find_limited(pool, mm, l);
	if (ms) {
		ms->limiting = NULL;
		if (fpool_wset_limit(&pool->wsets, &ms->set, l->min_before, l->max_before))
			fpool_wset_limit(&pool->wsets, &ms->set, ms->set.min, l->max_before);
		trace(pool, ms, "limit");
	}
	spin_unlock(&pool->lock);
	fpool_pool_freed(pool);
}

/**
 * fpool_mmset_init_pool - processes get working sets of their own
 * @pool: a new pool
 *
 * Context: Process context; may sleep.
 * Return: 0 or -ENOMEM.
 */
int fpool_mmset_init_pool(struct fpool_pool *pool)
{
	const struct fpool_wsets *ws = &pool->wsets;
	struct fpool_wset **tab;

	tab = kvcalloc(FPOOL_WSETS_MAX, sizeof(*tab), GFP_KERNEL);
	pool->mmsets = kcalloc(1 << HASH_BITS, sizeof(*pool->mmsets), GFP_KERNEL);
	if (!tab || !pool->mmsets) {
		kvfree(tab);
		kfree(pool->mmsets);
		return -ENOMEM;
	}
	INIT_WORK(&pool->leave_work, leave_work);
	/* Once more, with a table: as before nothing is charged. */
	WARN_ON_ONCE(fpool_wsets_init(&pool->wsets, ws->common.policy.ops, &pool->frames,
				      ws->capacity, tab, FPOOL_WSETS_MAX));
	return 0;
}

/**
 * fpool_mmset_bytes - memory outside of the region for working sets of processes
 * @pool: the pool
 *
 * Context: Any.
 * Return: bytes, those of the sets that there are included.
 */
size_t fpool_mmset_bytes(const struct fpool_pool *pool)
{
	const struct fpool_wsets *ws = &pool->wsets;

	if (!ws->slots)
		return 0;
	return ws->slots * sizeof(*ws->tab) + (sizeof(*pool->mmsets) << HASH_BITS) +
	       READ_ONCE(ws->nr) * sizeof(struct fpool_mmset);
}

/**
 * fpool_mmset_exit_pool - all of them have gone
 * @pool: without spaces, and with nothing under way
 *
 * Context: Process context; may sleep.
 */
void fpool_mmset_exit_pool(struct fpool_pool *pool)
{
	if (!pool->wsets.slots)
		return;
	flush_work(&pool->leave_work);
	WARN_ON_ONCE(pool->wsets.nr);
	kvfree(pool->wsets.tab);
	kfree(pool->mmsets);
	pool->wsets.tab = NULL;
	pool->wsets.slots = 0;
}
