// SPDX-License-Identifier: GPL-2.0-only
/*
 * Work on a space that a worker does while its caller waits, killably.
 *
 * File I/O of ours sleeps uninterruptibly, and under a program's limits and signals it would
 * fail in the program's name (RLIMIT_FSIZE): so no program does it for itself.  Who is killed
 * while he waits leaves the work to end on its own.
 */
#include "job.h"

#include <linux/completion.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

static struct workqueue_struct *queue;

static void work(struct work_struct *work)
{
	struct fpool_job *job = container_of(work, struct fpool_job, work);

	job->err = job->fn(job);
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

static void start(struct fpool_job *job)
{
	refcount_inc(&job->refs);
	queue_work(queue, &job->work);
}

/**
 * fpool_job_run - have it done and wait
 * @job: run once
 *
 * Context: Process context.
 * Return: what fn() returned; -EINTR: killed while waiting, the results are not there yet.
 */
int fpool_job_run(struct fpool_job *job)
{
	start(job);
	if (wait_for_completion_killable(&job->done))
		return -EINTR;
	return job->err;
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
 * Return: the job, to read results from and to put; or an ERR_PTR: -ENOMEM; -EINTR: killed while
 * waiting, the results are still being written.
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

/* A signal that kills is taken off before the files are closed: no wait would see it then. */
static bool being_killed(void)
{
	return fatal_signal_pending(current) ||
	       (current->flags & PF_EXITING && current->signal->group_exit_code & 0x7f);
}

/**
 * fpool_job_run_leaving - have it done, and wait unless the caller is being killed
 * @job: run once
 *
 * Context: The release of a descriptor, perhaps in a process that exits.
 */
void fpool_job_run_leaving(struct fpool_job *job)
{
	if (being_killed())
		start(job);
	else
		fpool_job_run(job);
}

/**
 * fpool_job_put - drop a reference
 * @job: that was run
 *
 * Context: Any.
 */
void fpool_job_put(struct fpool_job *job)
{
	if (!refcount_dec_and_test(&job->refs))
		return;
	if (job->mm)
		mmdrop(job->mm);
	kfree(job);
}

/**
 * fpool_job_queue - the workers of jobs
 *
 * Return: the queue, for other work of the same kind.
 */
struct workqueue_struct *fpool_job_queue(void)
{
	return queue;
}

/**
 * fpool_job_init - start the workers
 *
 * Context: Module load.
 * Return: 0 or -ENOMEM.
 */
int fpool_job_init(void)
{
	queue = alloc_workqueue("framepool-jobs", WQ_UNBOUND, 0);
	return queue ? 0 : -ENOMEM;
}

/**
 * fpool_job_exit - wait for the last job and stop the workers
 *
 * Context: Module unload.
 */
void fpool_job_exit(void)
{
	destroy_workqueue(queue);
}
