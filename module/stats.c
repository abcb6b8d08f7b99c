// SPDX-License-Identifier: GPL-2.0-only
/* Counters: see stats.h. */
#include "stats.h"

#include <linux/cpumask.h>
#include <linux/errno.h>

static const char *const names[FPOOL_NR_STATS] = {
#define FPOOL_STAT_NAME(id, name) [FPOOL_STAT_##id] = name,
	FPOOL_STATS(FPOOL_STAT_NAME)
#undef FPOOL_STAT_NAME
};

/**
 * fpool_stats_init - allocate a set of counters, all zero
 * @stats: the set
 *
 * Context: Process context; may sleep.
 * Return: 0, or -ENOMEM.
 */
int fpool_stats_init(struct fpool_stats *stats)
{
	stats->cpu = alloc_percpu(struct fpool_stats_cpu);
	return stats->cpu ? 0 : -ENOMEM;
}

/**
 * fpool_stats_exit - free a set of counters
 * @stats: the set; one that was never allocated is fine
 *
 * Context: Process context.
 */
void fpool_stats_exit(struct fpool_stats *stats)
{
	free_percpu(stats->cpu);
	stats->cpu = NULL;
}

/**
 * fpool_stats_read - the sum of a counter over all CPUs
 * @stats: the set
 * @id: which
 *
 * Context: Any.
 * Return: the sum; it may miss increments that are under way.
 */
u64 fpool_stats_read(const struct fpool_stats *stats, enum fpool_stat id)
{
	u64 sum = 0;
	int cpu;

	/* A counter is one word that its CPU alone writes: a racing read is an older value. */
	for_each_possible_cpu(cpu)
		/* As said above. */
		sum += data_race(per_cpu_ptr(stats->cpu, cpu)->count[id]);
	return sum;
}

/**
 * fpool_stats_name - a counter's name, as users see it
 * @id: which
 *
 * Return: the name.
 */
const char *fpool_stats_name(enum fpool_stat id)
{
	return names[id];
}
