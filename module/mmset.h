/* SPDX-License-Identifier: GPL-2.0-only */
/* Working sets of processes: one for each address space that maps something of a pool. */
#ifndef FPOOL_MMSET_H
#define FPOOL_MMSET_H

#include "space.h"

struct mm_struct;

/* A limiting that is under way, of which a set has one at a time: by where this lies. */
struct fpool_mmset_limiting {
	u32 min_before, max_before;
};

struct fpool_wset *fpool_mmset_find(struct fpool_pool *pool, const struct mm_struct *mm);
size_t fpool_mmset_bytes(const struct fpool_pool *pool);
bool fpool_mmset_has_room(struct fpool_pool *pool, const struct mm_struct *mm);
int fpool_mmset_map(struct fpool_pool *pool, struct mm_struct *mm);
void fpool_mmset_copy(struct fpool_pool *pool, struct mm_struct *mm);
void fpool_mmset_unmap(struct fpool_pool *pool, struct mm_struct *mm);

struct mm_struct *fpool_mmset_get_mm(s32 pid);
int fpool_mmset_info(struct fpool_pool *pool, const struct mm_struct *mm,
		     struct framepool_wset *info);
int fpool_mmset_next(struct fpool_pool *pool, u32 id, struct framepool_wset *info);
int fpool_mmset_limit(struct fpool_pool *pool, const struct mm_struct *mm,
		      struct fpool_mmset_limiting *l, u64 min, u64 max);
void fpool_mmset_forgo(struct fpool_pool *pool, const struct mm_struct *mm,
		       const struct fpool_mmset_limiting *l);
int fpool_mmset_excess(struct fpool_pool *pool, const struct mm_struct *mm,
		       const struct fpool_mmset_limiting *l, u32 *excess);
void fpool_mmset_limited(struct fpool_pool *pool, const struct mm_struct *mm,
			 const struct fpool_mmset_limiting *l);
void fpool_mmset_unlimit(struct fpool_pool *pool, const struct mm_struct *mm,
			 const struct fpool_mmset_limiting *l);

int fpool_mmset_init_pool(struct fpool_pool *pool);
void fpool_mmset_exit_pool(struct fpool_pool *pool);

#endif /* FPOOL_MMSET_H */
