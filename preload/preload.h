/* SPDX-License-Identifier: MIT */
/*
 * libframepool-preload: file mappings of an unmodified program, through a pool.
 *
 * The program keeps its own descriptors: locks, fstat() and what the kernel does with them stay
 * as they are. Beside them the library keeps descriptors of spaces, found by the file's device and
 * inode, so that it does not matter how often a descriptor was duplicated, inherited or sent.
 * As long as a file is mapped through the pool, calls that read, write or resize it are done on its
 * space; when its last mapping goes, the space goes, and the file is the truth again.
 *
 *	calls, maps, opens  -->  files  -->  counts, ranges, run
 *
 * Locks: `lock` for reading while a regular file is read or written, so that no file goes into the
 * pool, or out of it, in the middle; for writing while one does. Below it the file's order of the
 * shared memory. All with signals blocked, which wait for the end of such calls in the kernel, too:
 * a handler may make any of them, and a terminal stops nobody in the middle. No allocation
 * anywhere: malloc() may be the program's own, and use mmap().
 */
#ifndef FRAMEPOOL_PRELOAD_H
#define FRAMEPOOL_PRELOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "shared.h"

/* What replaces a function of the C library. */
#define EXPORT __attribute__((visibility("default")))

/* The next definition of the function that this is called in. */
#define NEXT(name)                                     \
	({                                             \
		static __typeof__(&(name)) next;       \
						       \
		if (!next)                             \
			next = next_symbol(#name);     \
		next;                                  \
	})

/* run.c: wishes, messages, locks. */
extern struct framepool_run *run; /* NULL: do nothing */
extern const char *run_pool;
extern size_t run_min_size;

void *next_symbol(const char *name);
bool run_matches(int fd);
void run_lock_read(sigset_t *signals);
void run_unlock_read(const sigset_t *signals);
void run_lock(sigset_t *signals);
void run_unlock(const sigset_t *signals);
void run_unlock_child(const sigset_t *signals);
/* A file's; with the lock for reading, and thereby signals blocked. */
void run_lock_order(pthread_mutex_t *order);
void run_unlock_order(pthread_mutex_t *order);
/* Away from the numbers that programs use; -EMFILE: there is none, and @fd is closed. */
int run_move_up(int fd);
bool run_is_shared_fd(int fd); /* the shared memory's own */
int run_open_shared(void);     /* its memory, once more, or -errno */
int run_first_fd(void);	      /* below it no descriptor is ours */
/* "framepool run: FILE @what", on standard error. */
void run_say(int fd, const char *what, int error);

/* ranges.c: which addresses are mapped through the pool, for which file. */
struct file;

struct range {
	uintptr_t start, end;
	uint32_t file;
};

bool ranges_empty(void);
int ranges_find(uintptr_t address); /* the file's number, -1: none */
bool ranges_overlap(uintptr_t start, uintptr_t end);
/* False: no memory for it. */
bool ranges_reserve(void);
void ranges_add(uintptr_t start, uintptr_t end, uint32_t file);
/* Calls files_unmapped() for each file that has lost its last range. */
void ranges_cut(uintptr_t start, uintptr_t end);
/* Memory from the kernel that can grow; NULL: there is none. */
void *ranges_memory(void *old, size_t old_bytes, size_t bytes);

/* counts.c: which files processes of this run have in the pool. */
extern int counts_fd; /* -1: this process has had none */

bool counts_any(dev_t dev, ino_t ino); /* perhaps some process has it */
bool counts_only_ours(dev_t dev, ino_t ino);
int counts_enter(dev_t dev, ino_t ino); /* 0 or -errno */
void counts_leave(dev_t dev, ino_t ino);
pthread_mutex_t *counts_order(dev_t dev, ino_t ino);
/* Before a fork, and then in the parent. */
void counts_fork(void);
void counts_forked(void);
/* In the child for each file that it has, and then the end. */
void counts_inherit(dev_t dev, ino_t ino);
void counts_inherited(void);

/* files.c: files that are in the pool, and files that are left alone. */
struct file {
	dev_t dev;
	ino_t ino;
	int read_fd, write_fd; /* of its space, -1: none; write_fd can read, too */
	unsigned int ranges;
	atomic_uint kept; /* by calls that go on without the lock; counted up with it for reading */
	unsigned int streams_reading, streams_writing; /* FILEs of stdio that are open */
	bool used, alone, said;
};

#define NO_FILE UINT32_MAX

struct file *files_get(uint32_t number);
uint32_t files_find(const struct stat *st);
uint32_t files_make(const struct stat *st); /* NO_FILE: no memory for it */
/* 0, or the errno of attaching the file of @fd, with the rights that @fd has. */
int files_attach(uint32_t number, int fd);
/* Another process has the file in the pool: so must we; or no longer: so need not we. */
void files_follow(uint32_t number, int fd);
void files_alone(uint32_t number, int fd, const char *why, int error);
void files_mapped(uint32_t number);
void files_unmapped(uint32_t number);
void files_forget(uint32_t number); /* unless it is needed */
void files_forget_last(uint32_t number); /* where only this process has it, and does not map it */
/* A descriptor that reads and writes and is not to be closed, or -errno. */
int files_open(const char *path, const struct stat *st);
bool files_shared(const struct stat *st); /* some process may have it in the pool */
bool files_own(int fd);			  /* the descriptor is the library's */
void files_step_aside(int fd);		  /* the program wants this number */

/*
 * Begin an operation on a descriptor. True: it is to be done on io->space, which has the right to
 * write if that was asked for. False: on the descriptor itself. files_end() in any case.
 */
struct io {
	struct stat st;
	uint32_t number; /* where there is a space */
	int space;
	pthread_mutex_t *order; /* so, too */
	bool locked;
	sigset_t signals; /* before the lock */
};

bool files_begin(struct io *io, int fd, bool write);
void files_end(struct io *io);
/* Instead of it: the space stays without the lock, until files_release(), which keeps errno. */
void files_keep(struct io *io);
void files_release(struct io *io);

#endif /* FRAMEPOOL_PRELOAD_H */
