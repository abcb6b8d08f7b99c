/* SPDX-License-Identifier: GPL-2.0-only */
/* Work on a space that a worker does while its caller waits, killably. */
#ifndef FPOOL_JOB_H
#define FPOOL_JOB_H

#include "evict_range.h"
#include "space.h"

/* From below: see job.c. */
enum fpool_job_queue {
	FPOOL_JOB_JOBS,
	FPOOL_JOB_LEAVES,
	FPOOL_JOB_TICKETS,
	FPOOL_JOB_QUEUES
};

/**
 * struct fpool_job - one piece of work; arguments and results
 * @fn: does it, in a worker; its return value is the job's
 * @space: of which the job has a reference
 * @queue: argument: which workers, FPOOL_JOB_JOBS unless told
 * @ctx: argument
 * @start: argument: first page
 * @end: argument: past the last
 * @bytes: argument: a size
 * @nr: argument: a number
 * @mm: argument: the address space of who asked, or NULL: to compare with; no other one is there
 * @written: result: pages written
 * @failed: result: pages that could not be
 * @evicted: result
 * @err: result: what @fn returned
 */
struct fpool_job {
	int (*fn)(struct fpool_job *job);
	struct fpool_space *space;
	enum fpool_job_queue queue;
	void *ctx;
	fpool_vpn_t start, end;
	u64 bytes;
	u32 nr;
	struct mm_struct *mm;
	u64 written, failed;
	struct fpool_evicted evicted;
	int err;
	/* private: */
	struct work_struct work;
	struct completion done;
	refcount_t refs;
	bool started, has_place;
};

int fpool_job_init(void);
void fpool_job_exit(void);
struct workqueue_struct *fpool_job_queue(enum fpool_job_queue which);
struct fpool_job *fpool_job_create(struct fpool_space *space, int (*fn)(struct fpool_job *job));
int fpool_job_get_place(struct fpool_job *job);
void fpool_job_start(struct fpool_job *job);
int fpool_job_wait(struct fpool_job *job);
bool fpool_job_may_wait(void);
void fpool_job_wait_leaving(struct completion *done);
void fpool_job_run_leaving(struct fpool_job *job);
int fpool_job_run(struct fpool_job *job);
struct fpool_job *fpool_job_run_range(struct fpool_space *space, fpool_vpn_t start,
				      fpool_vpn_t end, u32 nr, int (*fn)(struct fpool_job *job),
				      int *err);
void fpool_job_put(struct fpool_job *job);

#endif /* FPOOL_JOB_H */
