/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters: one set for each pool and one for each space, per CPU, never locked. */
#ifndef FPOOL_STATS_H
#define FPOOL_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

#define FPOOL_STATS(x)							\
	x(MINOR_FAULTS, "minor_faults")		/* the page was resident */	\
	x(MAJOR_FAULTS, "major_faults")		/* waited for a page */		\
	x(FILLS, "fills")			/* pages read */		\
	x(FILL_ERRORS, "fill_errors")					\
	x(REFAULTS, "refaults")			/* fills of pages with a ghost */	\
	x(EVICTIONS, "evictions")		/* pages that left */		\
	x(EVICT_HELD, "evict_held")		/* victims that the kernel held */	\
	x(WRITTEN, "written")			/* pages written back */	\
	x(WRITES, "writes")			/* calls that wrote them */	\
	x(WRITE_ERRORS, "write_errors")		/* pages, each time */		\
	x(FLUSHES, "flushes")			/* of the backing device */	\
	x(FLUSH_ERRORS, "flush_errors")					\
	x(DIRECT_RECLAIMS, "direct_reclaims")	/* faults that evicted for themselves */ \
	x(FRAME_WAITS, "frame_waits")		/* faults that waited for a frame */	\
	x(STARVED, "starved")			/* faults that gave up waiting */	\
	x(RECLAIM_BATCHES, "reclaim_batches")				\
	x(MAPPED_AROUND, "mapped_around")	/* neighbours mapped with a fault */

enum fpool_stat {
#define FPOOL_STAT_ENUM(id, name) FPOOL_STAT_##id,
	FPOOL_STATS(FPOOL_STAT_ENUM)
#undef FPOOL_STAT_ENUM
	FPOOL_NR_STATS,
};

struct fpool_stats_cpu {
	u64 count[FPOOL_NR_STATS];
};

struct fpool_stats {
	struct fpool_stats_cpu __percpu *cpu;
};

int fpool_stats_init(struct fpool_stats *stats);
void fpool_stats_exit(struct fpool_stats *stats);
u64 fpool_stats_read(const struct fpool_stats *stats, enum fpool_stat id);
const char *fpool_stats_name(enum fpool_stat id);

static inline void fpool_stats_add(struct fpool_stats *stats, enum fpool_stat id, u64 nr)
{
	this_cpu_add(stats->cpu->count[id], nr);
}

#endif /* FPOOL_STATS_H */
