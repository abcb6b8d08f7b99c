// SPDX-License-Identifier: MIT
/*
 * Breadth-first search over a graph that is larger than the pool, in compressed sparse rows:
 *
 *	struct head | where each vertex' edges begin, vertices + 1 | the edges' targets
 *
 * The graph's neighbours are mostly near, as in meshes, maps and sorted web graphs.
 */
#include <stdlib.h>

#include "compare.h"

#define DEGREE 8
#define NEAR   4096

struct head {
	uint64_t vertices, edges;
};

static uint64_t *starts(struct head *head)
{
	return (uint64_t *)(head + 1);
}

static uint32_t *targets(struct head *head)
{
	return (uint32_t *)(starts(head) + head->vertices + 1);
}

static void fill(void *data, size_t bytes)
{
	struct head *head = data;
	uint64_t v, e, seed = 1;

	head->vertices = (bytes - sizeof(*head) - 8) / (8 + DEGREE * 4);
	head->edges = head->vertices * DEGREE;
	for (v = 0; v <= head->vertices; v++)
		starts(head)[v] = v * DEGREE;
	for (v = 0, e = 0; v < head->vertices; v++)
		for (; e < (v + 1) * DEGREE; e++)
			targets(head)[e] = next_random(&seed) % 256 ?
				(v + next_random(&seed) % NEAR) % head->vertices :
				next_random(&seed) % head->vertices;
}

/* The sum of all distances from vertex 0; levels and the queue are in ordinary memory. */
static uint64_t work(void *data, size_t bytes)
{
	struct head *head = data;
	uint32_t *queue = malloc(head->vertices * sizeof(*queue));
	uint32_t *level = calloc(head->vertices, sizeof(*level));
	uint64_t first = 0, last = 0, sum = 0, e;

	(void)bytes;
	if (!queue || !level)
		abort();
	queue[last++] = 0;
	level[0] = 1;
	while (first < last) {
		uint32_t v = queue[first++];

		sum += level[v] - 1;
		for (e = starts(head)[v]; e < starts(head)[v + 1]; e++) {
			uint32_t to = targets(head)[e];

			if (level[to])
				continue;
			level[to] = level[v] + 1;
			queue[last++] = to;
		}
	}
	free(queue);
	free(level);
	return sum * 1000003 + last;
}

int main(int argc, char **argv)
{
	static const struct work bfs = {
		.name = "bfs", .work = work, .fill = fill, .block_type = FRAMEPOOL_BLOCK_AUTO,
		.extra_percent = 100 * 8 / (8 + DEGREE * 4),
	};

	return compare(&bfs, argc, argv);
}
