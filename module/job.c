// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work on a space that a worker does while its caller waits, killably.
 *
 * File I/O of ours sleeps uninterruptibly, and under a program's limits and signals it would
 * fail in the program's name (RLIMIT_FSIZE): so no program does it for itself.  Who is killed
 * while he waits leaves the work to end on its own.
 *
 * A queue has only so many places, and what has none waits until another one has ended.  So work
 * never waits for work of its own queue, only for that of those below it:
 *
 *	tickets		prefetches that nobody waits for (prefetch.c); they wait for no other,
 *			but begin tear-downs
 *	leaves		tear-downs, one for each space, which wait until the last reference to it
 *			has gone, and so for its jobs; and detaches, which begin a tear-down
 *	jobs		everything else; no lock that one of them waits for is held by somebody who
 *			waits for a job, but for those that have their places already
 *
 * And one space whose device stands still has only so many of the jobs' places.
 */
#include "job.h"

#include <linux/completion.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

/* For who exits. */
#define EXIT_WAIT	(10 * HZ)

static struct workqueue_struct *queues[FPOOL_JOB_QUEUES];

static void work(struct work_struct *work)
{
	struct fpool_job *job = container_of(work, struct fpool_job, work);

	job->err = job->fn(job);
	if (job->has_place)
		up(&job->space->places);
	/* Before anybody is told: when a detach has returned, the space is gone. */
	fpool_space_put(job->space);
	complete(&job->done);
	fpool_job_put(job);
}

/**
 * fpool_job_create - prepare a job
 * @space: on which; a reference is taken
 * @fn: what to do
 *
 * Context: Process context; may sleep.
 * Return: the job, with one reference; or NULL.
 */
struct fpool_job *fpool_job_create(struct fpool_space *space, int (*fn)(struct fpool_job *job))
{
	struct fpool_job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (!job)
		return NULL;
	job->fn = fn;
	job->space = fpool_space_get(space);
	job->mm = current->mm;
	if (job->mm)
		mmgrab(job->mm);
	refcount_set(&job->refs, 1);
	init_completion(&job->done);
	INIT_WORK(&job->work, work);
	return job;
}

/**
 * fpool_job_get_place - wait until the space has few enough others under way
 * @job: not started yet
 *
 * Context: Process context, of a system call.
 * Return: 0; -EINTR: killed, it must not be started.
 */
int fpool_job_get_place(struct fpool_job *job)
{
	if (down_killable(&job->space->places))
		return -EINTR;
	job->has_place = true;
	return 0;
}

/**
 * fpool_job_start - have it done
 * @job: started once
 *
 * With a place, or where there can only be one of its kind in a space or for a descriptor.
 *
 * Context: Process context; waits for nothing.
 */
void fpool_job_start(struct fpool_job *job)
{
	job->started = true;
	refcount_inc(&job->refs);
	queue_work(queues[job->queue], &job->work);
}

/**
 * fpool_job_wait - until it is done
 * @job: that was started
 *
 * Context: Process context, not of a worker.
 * Return: what fn() returned; -EINTR: killed while waiting, the results are not there yet.
 */
int fpool_job_wait(struct fpool_job *job)
{
	if (wait_for_completion_killable(&job->done))
		return -EINTR;
	return job->err;
}

/**
 * fpool_job_run - have it done and wait
 * @job: run once
 *
 * Context: Process context, not of a worker.
 * Return: what fn() returned; -EINTR: killed while waiting, the results are not there yet, and
 * perhaps it was not begun.
 */
int fpool_job_run(struct fpool_job *job)
{
	int err = fpool_job_get_place(job);

	if (err)
		return err;
	fpool_job_start(job);
	return fpool_job_wait(job);
}

/**
 * fpool_job_run_range - have it done to a range of pages and wait
 * @space: of which
 * @start: first page
 * @end: past the last
 * @nr: the job's number, for @fn
 * @fn: what to do
 * @err: out: what fn() returned
 *
 * Context: Process context; may sleep.
 * Return: the job, to read results from and to put; or an ERR_PTR: -ENOMEM; -EINTR: as
 * fpool_job_run() has it.
 */
struct fpool_job *fpool_job_run_range(struct fpool_space *space, fpool_vpn_t start,
				      fpool_vpn_t end, u32 nr, int (*fn)(struct fpool_job *job),
				      int *err)
{
	struct fpool_job *job = fpool_job_create(space, fn);

	if (!job)
		return ERR_PTR(-ENOMEM);
	job->start = start;
	job->end = end;
	job->nr = nr;
	*err = fpool_job_run(job);
	if (*err != -EINTR)
		return job;
	fpool_job_put(job);
	return ERR_PTR(-EINTR);
}

/**
 * fpool_job_may_wait - is the caller not being killed?
 *
 * A signal that kills is taken off before the files are closed: no wait would see it then.  Nor is
 * there one for a kernel thread, which closes the files of all, one after the other, that io_uring
 * and others have let go: a backing file that a program keeps would keep them all.
 *
 * Context: The release of a descriptor, perhaps in a process that exits.
 * Return: whether he may wait for a worker.
 */
bool fpool_job_may_wait(void)
{
	return !(current->flags & PF_KTHREAD) && !fatal_signal_pending(current) &&
	       !(current->flags & PF_EXITING && current->signal->group_exit_code & 0x7f);
}

/**
 * fpool_job_wait_leaving - wait for what a release has begun
 * @done: completed some time, by what does not depend on the caller
 *
 * Who exits by himself cannot be killed any more, and perhaps it is he who would serve what is
 * waited for, were his other files closed: for him the wait has a bound.
 *
 * Context: The release of a descriptor, perhaps in a process that exits, of who may wait.
 */
void fpool_job_wait_leaving(struct completion *done)
{
	if (current->flags & PF_EXITING)
		wait_for_completion_timeout(done, EXIT_WAIT);
	else
		(void)wait_for_completion_killable(done);
}

/**
 * fpool_job_run_leaving - have it done, and wait unless the caller is being killed
 * @job: run once
 *
 * Context: The release of a descriptor, perhaps in a process that exits.
 */
void fpool_job_run_leaving(struct fpool_job *job)
{
	fpool_job_start(job);
	if (fpool_job_may_wait())
		fpool_job_wait_leaving(&job->done);
}

/**
 * fpool_job_put - drop a reference
 * @job: that was run; or not, then the caller has another reference to its space
 *
 * Context: Any.
 */
void fpool_job_put(struct fpool_job *job)
{
	if (!refcount_dec_and_test(&job->refs))
		return;
	if (job->mm)
		mmdrop(job->mm);
	if (!job->started)
		fpool_space_put(job->space);
	kfree(job);
}

/**
 * fpool_job_queue - the workers of one kind
 * @which: of which
 *
 * Return: the queue, for other work of the same kind.
 */
struct workqueue_struct *fpool_job_queue(enum fpool_job_queue which)
{
	return queues[which];
}

/**
 * fpool_job_init - start the workers
 *
 * Context: Module load.
 * Return: 0 or -ENOMEM.
 */
int fpool_job_init(void)
{
	/* A tear-down for each space, and a detach for each node: as many as can be. */
	queues[FPOOL_JOB_JOBS] = alloc_workqueue("framepool-jobs", WQ_UNBOUND, 0);
	queues[FPOOL_JOB_LEAVES] = alloc_workqueue("framepool-leaves", WQ_UNBOUND,
						   WQ_UNBOUND_MAX_ACTIVE);
	queues[FPOOL_JOB_TICKETS] = alloc_workqueue("framepool-tickets", WQ_UNBOUND, 0);
	if (queues[FPOOL_JOB_JOBS] && queues[FPOOL_JOB_LEAVES] && queues[FPOOL_JOB_TICKETS])
		return 0;
	fpool_job_exit();
	return -ENOMEM;
}

/**
 * fpool_job_exit - wait for the last job and stop the workers
 *
 * Context: Module unload.
 */
void fpool_job_exit(void)
{
	unsigned int i = FPOOL_JOB_QUEUES;

	/* From the top: a ticket may begin a tear-down. */
	while (i--) {
		if (queues[i])
			destroy_workqueue(queues[i]);
		queues[i] = NULL;
	}
}
