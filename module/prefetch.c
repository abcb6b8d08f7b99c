// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages brought because a program says that it will want them: while it waits, or while it does
 * something else.
 *
 * Who does not wait gets a ticket:
 *
 *	START(spans) --> ticket --worker--> finished, eventfd signalled --RESULT(ticket)--> gone
 *	                   |
 *	                   +-- the descriptor goes: cancelled, and the worker frees it; or he
 *	                       who cancels, where no worker has begun
 *
 * A ticket is a user of its space, like a descriptor, so that no page comes to a space that is
 * being torn down.
 */
#include "prefetch.h"

#include <linux/eventfd.h>
#include <linux/list.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/framepool.h>

#include "attach.h"
#include "bring.h"
#include "compat.h"
#include "job.h"
#include "pager.h"

/* Pages whose reads are started together, so that the device has more than one to do. */
#define CHUNK		256

#define SPANS_MAX	1024
#define TICKETS_MAX	64	/* of one descriptor */

/**
 * struct ticket - a prefetch that nobody waits for
 * @link: T: among those of its descriptor, until that goes
 * @finished: T: the results are there, and no worker has it any more
 * @cancelled: T: its descriptor has gone; read by the worker without the lock, as a hint
 * @work: run once
 * @space: of which it is a user
 * @eventfd: to be signalled, or NULL
 * @mm: to compare with: whose working set is charged; a reference, so that no other one is there
 * @id: by which the program asks for it
 * @nr: of @spans
 * @spans: what to fetch, and the results, which are the worker's until it is @finished
 */
struct ticket {
	struct list_head link;
	bool finished, cancelled;
	struct work_struct work;
	struct fpool_space *space;
	struct eventfd_ctx *eventfd;
	struct mm_struct *mm;
	u64 id;
	u32 nr;
	struct framepool_span spans[];
};

/* T: of the tickets of all descriptors: they come and go seldom. */
static DEFINE_SPINLOCK(tickets_lock);

/* Wait for one page and count it. -EINTR, -ENOMEM end the call; other errors are counted. */
static int fetch(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		 fpool_vpn_t end, bool was_there, struct fpool_prefetched *out)
{
	struct page *page = fpool_bring_get(space, mm, vpn, fpool_pager_all(vpn, end));

	if (!IS_ERR(page)) {
		put_page(page);
		if (was_there)
			out->already++;
		else
			out->done++;
		return 0;
	}
	if (PTR_ERR(page) == -EINTR || PTR_ERR(page) == -ENOMEM)
		return PTR_ERR(page);
	out->failed++;
	out->error = PTR_ERR(page);
	return 0;
}

/* Start what the pool has room for, in blocks; it may end up to @end. */
static void start_chunk(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
			fpool_vpn_t end)
{
	const u64 there = FPOOL_SPTE_P | FPOOL_SPTE_BUSY;
	int err = 0;

	while (fpool_vpn_nr(vpn) < fpool_vpn_nr(end) && !fpool_pool_is_low(space->pool) &&
	       (!err || err == -EEXIST)) {
		if (!fpool_spte_has(fpool_space_spte(space, vpn), there))
			err = fpool_pager_start(space, mm, vpn, FPOOL_FILL_HERE |
						fpool_pager_all(vpn, end), NULL);
		vpn = fpool_vpn_add(vpn, 1);
	}
}

static int fetch_chunk(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t vpn,
		       u32 nr, struct fpool_prefetched *out)
{
	fpool_vpn_t end = fpool_vpn_add(vpn, nr);
	DECLARE_BITMAP(there, CHUNK) = {};
	int err = 0;
	u32 i;

	for (i = 0; i < nr; i++)
		if (fpool_spte_has(fpool_space_spte(space, fpool_vpn_add(vpn, i)), FPOOL_SPTE_P))
			__set_bit(i, there);
	start_chunk(space, mm, vpn, end);
	for (i = 0; i < nr && !err; i++)
		err = fetch(space, mm, fpool_vpn_add(vpn, i), end, test_bit(i, there), out);
	return err;
}

/**
 * fpool_prefetch - bring the pages of a range, and wait for them
 * @space: the space, of which the caller is a user
 * @mm: for whom, as fpool_pager_start()
 * @start: first page
 * @end: past the last
 * @cancelled: looked at now and then, or NULL: whether to stop
 * @out: added to
 *
 * Context: Process context, with no lock of mm's; waits for I/O, killably.
 * Return: 0, with pages that could not be read counted; -EINTR: killed, or cancelled; -ENOMEM: the
 * pool cannot take more.
 */
int fpool_prefetch(struct fpool_space *space, const struct mm_struct *mm, fpool_vpn_t start,
		   fpool_vpn_t end, const bool *cancelled, struct fpool_prefetched *out)
{
	fpool_vpn_t vpn = start;
	int err = 0;

	while (!err && fpool_vpn_nr(vpn) < fpool_vpn_nr(end)) {
		u64 first = fpool_vpn_nr(vpn);
		/* Chunks are aligned, as blocks are. */
		u32 nr = min_t(u64, CHUNK - first % CHUNK, fpool_vpn_nr(end) - first);

		/* Errors that are there at once are no waits, which would see a signal. */
		if (fatal_signal_pending(current) || (cancelled && READ_ONCE(*cancelled)))
			return -EINTR;
		err = fetch_chunk(space, mm, vpn, nr, out);
		vpn = fpool_vpn_add(vpn, nr);
		cond_resched();
	}
	return err;
}

/* The space may have shrunk since: then what is past its end fails. */
static int fetch_span(struct ticket *t, struct framepool_span *span)
{
	struct fpool_prefetched out = {};
	fpool_vpn_t start = fpool_addr_vpn(span->offset);
	fpool_vpn_t end = fpool_vpn(fpool_bytes_to_pages(span->offset + span->length));
	u64 pages = fpool_vpn_nr(end) - fpool_vpn_nr(start);
	int err = fpool_prefetch(t->space, t->mm, start, end, &t->cancelled, &out);

	span->done = out.done;
	span->already = out.already;
	/* What the pool had no room for. */
	span->failed = pages - out.done - out.already;
	span->error = -(err ?: out.error);
	return err;
}

static void give_up(struct framepool_span *span, int err)
{
	span->failed = fpool_bytes_to_pages(span->offset + span->length) -
		       fpool_vpn_nr(fpool_addr_vpn(span->offset));
	span->error = -err;
}

/* Nobody but the caller knows of it. */
static void free_ticket(struct ticket *t)
{
	if (t->eventfd)
		eventfd_ctx_put(t->eventfd);
	if (t->mm)
		mmdrop(t->mm);
	kvfree(t);
}

/* The descriptor's from here on, which may take it away at once. */
static void finish(struct ticket *t)
{
	bool cancelled;

	spin_lock(&tickets_lock);
	t->finished = true;
	cancelled = t->cancelled;
	/* Under the lock: until it is let go the ticket, and so the context, is there. */
	if (!cancelled && t->eventfd)
		fpool_eventfd_signal(t->eventfd);
	spin_unlock(&tickets_lock);
	if (cancelled)
		free_ticket(t);
}

static void work(struct work_struct *work)
{
	struct ticket *t = container_of(work, struct ticket, work);
	struct fpool_space *space = t->space;
	int err = 0;
	u32 i;

	for (i = 0; i < t->nr; i++) {
		if (err)
			give_up(&t->spans[i], err);
		else
			err = fetch_span(t, &t->spans[i]);
	}
	finish(t);
	/* Who waits for the tear-down takes a worker from others that it may wait for. */
	fpool_attach_leave_later(space);
}

/* What the program asks for, all of it checked: a length of 0 becomes that to the end. */
static int check_spans(struct fpool_space *space, struct framepool_span *spans, u32 nr)
{
	fpool_vpn_t start, end;
	u32 i;

	for (i = 0; i < nr; i++) {
		struct framepool_span *s = &spans[i];
		int err = s->__reserved ? -EINVAL :
					  fpool_space_range(space, s->offset, s->length, &start,
							    &end);

		if (err)
			return err;
		*s = (struct framepool_span){
			.offset = s->offset,
			.length = (fpool_vpn_nr(end) << PAGE_SHIFT) - s->offset,
		};
	}
	return 0;
}

static struct ticket *make_ticket(struct fpool_space *space, const struct framepool_prefetch *p)
{
	struct ticket *t;
	int err = -EFAULT;

	if (!p->nr || p->nr > SPANS_MAX)
		return ERR_PTR(-EINVAL);
	t = kvzalloc(struct_size(t, spans, p->nr), GFP_KERNEL_ACCOUNT);
	if (!t)
		return ERR_PTR(-ENOMEM);
	t->space = space;
	t->mm = current->mm;
	if (t->mm)
		mmgrab(t->mm);
	t->nr = p->nr;
	INIT_WORK(&t->work, work);
	if (!copy_from_user(t->spans, u64_to_user_ptr(p->spans), p->nr * sizeof(t->spans[0])))
		err = check_spans(space, t->spans, t->nr);
	if (!err && p->eventfd != -1) {
		t->eventfd = eventfd_ctx_fdget(p->eventfd);
		err = PTR_ERR_OR_ZERO(t->eventfd);
	}
	if (!err)
		return t;
	if (IS_ERR(t->eventfd))
		t->eventfd = NULL;
	free_ticket(t);
	return ERR_PTR(err);
}

/* -EBUSY: it has too many already. */
static int enlist(struct fpool_handle *handle, struct ticket *t)
{
	int err = 0;

	spin_lock(&tickets_lock);
	if (handle->ntickets == TICKETS_MAX) {
		err = -EBUSY;
	} else {
		handle->ntickets++;
		t->id = ++handle->last_ticket;
		list_add_tail(&t->link, &handle->tickets);
	}
	spin_unlock(&tickets_lock);
	return err;
}

/**
 * fpool_prefetch_start - FRAMEPOOL_PREFETCH_START
 * @file: a descriptor of a space
 * @arg: struct framepool_prefetch
 *
 * Context: System call.
 * Return: 0; -EINVAL: no spans, too many, one that is unaligned or not within the space, or the
 * descriptor to be told is no eventfd; -EBADF: it is not open; -EBUSY: too many tickets of this
 * descriptor; -EFAULT; -ENOMEM.
 */
long fpool_prefetch_start(struct file *file, void *arg)
{
	struct fpool_handle *handle = file->private_data;
	struct framepool_prefetch *p = arg;
	struct ticket *t = make_ticket(handle->space, p);
	int err;

	if (IS_ERR(t))
		return PTR_ERR(t);
	err = enlist(handle, t);
	if (err) {
		free_ticket(t);
		return err;
	}
	p->ticket = t->id;
	fpool_attach_enter(t->space);
	queue_work(fpool_job_queue(FPOOL_JOB_TICKETS), &t->work);
	return 0;
}

static struct ticket *find(struct fpool_handle *handle, u64 id)
{
	struct ticket *t;

	lockdep_assert_held(&tickets_lock);
	list_for_each_entry(t, &handle->tickets, link)
		if (t->id == id)
			return t;
	return NULL;
}

/*
 * The descriptor forgets a ticket. True: the caller calls bury(), else the worker frees it.  One
 * that waits behind others, on devices that may stand still, does not keep its space.
 */
static bool abandon(struct fpool_handle *handle, struct ticket *t)
{
	lockdep_assert_held(&tickets_lock);
	list_del(&t->link);
	handle->ntickets--;
	WRITE_ONCE(t->cancelled, true);
	return t->finished || cancel_work(&t->work);
}

/* The descriptor is a user of the space still. */
static void bury(struct ticket *t)
{
	if (!t->finished)
		fpool_attach_leave(t->space, true);
	free_ticket(t);
}

/**
 * fpool_prefetch_undo - the ticket of a start could not be told
 * @file: as fpool_prefetch_start() had it
 * @arg: too
 *
 * Context: System call.
 */
void fpool_prefetch_undo(struct file *file, void *arg)
{
	struct fpool_handle *handle = file->private_data;
	struct framepool_prefetch *p = arg;
	struct ticket *t;

	spin_lock(&tickets_lock);
	t = find(handle, p->ticket);
	if (t && !abandon(handle, t))
		t = NULL;
	spin_unlock(&tickets_lock);
	if (t)
		bury(t);
}

/* Take a ticket whose results are to be told.  It counts until they are, as it may come back. */
static struct ticket *take(struct fpool_handle *handle, const struct framepool_prefetch *p)
{
	struct ticket *t;

	spin_lock(&tickets_lock);
	t = find(handle, p->ticket);
	if (!t)
		t = ERR_PTR(-ENOENT);
	else if (p->nr < t->nr)
		t = ERR_PTR(-EINVAL);
	else if (!t->finished)
		t = ERR_PTR(-EAGAIN);
	else
		list_del(&t->link);
	spin_unlock(&tickets_lock);
	return t;
}

static void put_back(struct fpool_handle *handle, struct ticket *t)
{
	spin_lock(&tickets_lock);
	list_add(&t->link, &handle->tickets);
	spin_unlock(&tickets_lock);
}

static void forget(struct fpool_handle *handle, struct ticket *t)
{
	spin_lock(&tickets_lock);
	handle->ntickets--;
	spin_unlock(&tickets_lock);
	free_ticket(t);
}

/**
 * fpool_prefetch_result - FRAMEPOOL_PREFETCH_RESULT
 * @file: a descriptor of a space
 * @arg: struct framepool_prefetch
 *
 * Context: System call.
 * Return: 0: the spans are written, and the ticket is gone; -ENOENT: no such ticket; -EAGAIN: it is
 * not finished; -EINVAL: room for fewer spans than it has; -EFAULT: it is still there.
 */
long fpool_prefetch_result(struct file *file, void *arg)
{
	struct fpool_handle *handle = file->private_data;
	struct framepool_prefetch *p = arg;
	struct ticket *t = take(handle, p);

	if (IS_ERR(t))
		return PTR_ERR(t);
	if (copy_to_user(u64_to_user_ptr(p->spans), t->spans, t->nr * sizeof(t->spans[0]))) {
		put_back(handle, t);
		return -EFAULT;
	}
	p->nr = t->nr;
	forget(handle, t);
	return 0;
}

/**
 * fpool_prefetch_leave - the descriptor goes, and its tickets with it
 * @handle: of the descriptor, with no system call on it any more
 *
 * Waits for no I/O: what is under way stops after the pages that it has begun.
 *
 * Context: Process context, without fpool_attach_lock.
 */
void fpool_prefetch_leave(struct fpool_handle *handle)
{
	struct ticket *t, *next;
	LIST_HEAD(ours);

	spin_lock(&tickets_lock);
	list_for_each_entry_safe(t, next, &handle->tickets, link)
		if (abandon(handle, t))
			list_add(&t->link, &ours);
	spin_unlock(&tickets_lock);
	list_for_each_entry_safe(t, next, &ours, link)
		bury(t);
}
