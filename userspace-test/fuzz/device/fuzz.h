/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random operations on a space, with a model of its contents: what the parts of the fuzzer share.
 *
 * An operation takes all its random numbers from the seed and its own number, so that a run can be
 * repeated with any of its operations left out.  What an operation does depends on them and on
 * the state that those before it have made.
 *
 * A worker is a process with its own range of the file's pages, on which nobody else stores.
 */
#ifndef FUZZ_DEVICE_H
#define FUZZ_DEVICE_H

#include "test.h"

typedef uint16_t u16;

/* ---- the log of operations, in memory that outlives the worker ---- */

#define LOG_LEN		64
#define LOG_TEXT	120
#define WORKERS_MAX	4

struct log {
	atomic_ulong done;		/* operations begun */
	u64 nr[LOG_LEN];
	char text[LOG_LEN][LOG_TEXT];
};

/* ---- a run ---- */

struct run {
	unsigned int workers;
	u64 ops;			/* of each worker */
	u64 bytes, bytes_max;		/* of the file at first, and ever */
	bool resizes;
	bool lies;			/* stores now and then what the model does not know */
	const char *path;
	u8 *model;			/* the file, bytes_max of it, shared */
	u64 *bytes_now;			/* its size, shared */
	const u8 *skip;			/* a bit for each operation of each worker to leave out */
	struct log *logs;
};

extern struct run run;

/* ---- one operation ---- */

struct op {
	u64 nr;
	struct rnd r;
};

void work(unsigned int worker);		/* all operations of a worker, or exit */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- memory: slots of pages, each page of them mapped somehow or not ---- */

#define SLOTS		5
#define SMALL_PAGES	1024U		/* of all slots but the first, which has all pages mapped */
#define EXTRAS		4		/* descriptors: the first, and more */

enum kind { NONE, SHARED, PRIVATE };

struct mapped {
	u8 *copy;			/* PRIVATE and stored to: what is there now */
	u32 page;			/* of the file */
	u16 valid;			/* bytes of the copy that are known */
	u8 kind;
	u8 prot;
	u8 fd;				/* index of the descriptor it was mapped by */
};

struct slot {
	u8 *addr;
	u32 pages;
	struct mapped *map;
};

/* A range within a slot. */
struct place {
	struct slot *slot;
	u64 at, len;
};

extern struct slot slots[SLOTS];
extern u64 mapped_by[EXTRAS];		/* pages */

void slots_make(u32 pages);
u64 bytes_now(void);
u32 usable(const struct mapped *m);	/* bytes that may be touched */
bool allows(const struct mapped *m, int prot);
u64 reach(const struct slot *s, u64 at, u64 len, int prot);	/* how far from @at on */
void forget(struct slot *s, u32 first, u32 nr);			/* they are not mapped any more */
void reserve(struct slot *s, u32 first, u32 nr);		/* and nobody else's */
void model_get(const struct place *p, u8 *out);
void model_put(const struct place *p, const u8 *data);
void model_copy_on_write(struct mapped *m);
bool shows(const struct place *p, u64 offset, u64 len);		/* these bytes of the file */

/* ---- ops.c, for the operations of others ---- */

extern bool alone;			/* there is one worker */

u32 below(struct op *o, u64 n);
u32 pick_pages(struct op *o, u32 max, u64 *at, u64 *len);	/* of the file, whole; 0: none */
int any_fd(struct op *o);
int first_fd(void);			/* it lasts as long as the space */
bool is_pinned(u32 page);		/* by the first descriptor */
u64 pinned_pages(void);
int store_first(u64 at, u8 byte);	/* to the first byte of a page, as a signal or 0 */
void file_read(u64 at, u64 len, u8 *to);	/* past the pool; whole pages of room */

/* ---- hold.c: pages that are held back ---- */

void hold_begin(void);
void hold_leave(void);			/* as its descriptor does */
void hold_cut(u64 bytes);
bool held_past(u64 bytes);
bool is_held(u32 page);
u64 held_pages(void);
const u8 *synced_page(u32 page);
void op_hold(struct op *o);
void op_release(struct op *o);
void op_look_held(struct op *o);
void op_hold_leave(struct op *o);

/* ---- asks.c: what changes no byte ---- */

bool may_pin(u32 nr);
void asks_resized(void);
void asks_leave(void);
void op_start(struct op *o);
void op_result(struct op *o);
void op_limit(struct op *o);
void op_wset(struct op *o);
void op_policy(struct op *o);
void op_check(struct op *o);
void op_advise(struct op *o);
void op_errors(struct op *o);
void op_recorder(struct op *o);
void op_record(struct op *o);

#endif /* FUZZ_DEVICE_H */
