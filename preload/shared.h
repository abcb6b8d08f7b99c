/* SPDX-License-Identifier: MIT */
/*
 * What `framepool run` hands to the library that it has preloaded: the user's wishes in the
 * environment, and memory that all processes of one run share.
 *
 * The memory answers one question fast: may some process of this run have a file in the pool?
 * Files are hashed to slots that count the processes.  A count may be too high (of a process that
 * has ended it is taken back by the next one that comes across it, files share slots) and is never
 * too low: then a process takes the file into the pool, too, which is right and only costs time.
 */
#ifndef FRAMEPOOL_PRELOAD_SHARED_H
#define FRAMEPOOL_PRELOAD_SHARED_H

#include <pthread.h>
#include <stdatomic.h>

#define FRAMEPOOL_RUN_LIBRARY  "libframepool-preload.so"
#define FRAMEPOOL_RUN_POOL     "FRAMEPOOL_RUN_POOL"     /* name of the pool */
#define FRAMEPOOL_RUN_MATCH    "FRAMEPOOL_RUN_MATCH"    /* glob, absent for all files */
#define FRAMEPOOL_RUN_MIN_SIZE "FRAMEPOOL_RUN_MIN_SIZE" /* bytes, decimal */
#define FRAMEPOOL_RUN_SHARED   "FRAMEPOOL_RUN_SHARED"   /* DESCRIPTOR:DEVICE:INODE, decimal */

#define FRAMEPOOL_RUN_SLOTS 65536

#define FRAMEPOOL_RUN_ORDERS 4096

struct framepool_run {
	/*
	 * Robust: a file's, as far as hashes tell files apart, is held while it grows, and while a
	 * position in it is used and moved. A process that is stopped then holds up no other file.
	 */
	pthread_mutex_t orders[FRAMEPOOL_RUN_ORDERS];
	/* The same of what is counted: for moments, and by who forks for all files that he has. */
	pthread_mutex_t counts[FRAMEPOOL_RUN_ORDERS];
	atomic_uint active; /* sum of the slots */
	atomic_uint slots[FRAMEPOOL_RUN_SLOTS];
};

#endif /* FRAMEPOOL_PRELOAD_SHARED_H */
