// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs side by side on one file.  Which pages they access, and in what turns, is fixed
 * beforehand: what differs is only what memory keeps.
 */
#include "scene.h"
#include "fail.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* In so many steps each program does all that it has to do. */
#define STEPS 4000u

#define SECTORS_PER_PAGE (PAGE_BYTES / 512)

/* One program. */
struct actor {
	struct pattern pattern;
	int advice;
};

/* One lookup in half of what fits into memory for two pages that another program reads past. */
static void scan(struct actor *actors, uint32_t pages)
{
	uint32_t hot = FRAMES / 2, cold = pages - hot;

	actors[0].pattern = pattern_random(cold, hot, false);
	actors[0].advice = MADV_RANDOM;
	actors[1].pattern = pattern_at(hot, pattern_sequential(2 * cold, cold, 0, false));
}

/* A quarter more than there is memory, again and again. */
static void loop(struct actor *actors, uint32_t pages)
{
	uint32_t length = FRAMES / 4 * 5;

	if (pages < length)
		fail("%u pages are no more than there is memory", pages);
	actors[0].pattern = pattern_sequential(8 * length, length, 0, false);
}

static struct pattern zipf_loads(size_t n, uint32_t pages)
{
	struct zipf zipf = zipf_new(pages, 0.9);
	struct pattern pattern = pattern_zipf(n, &zipf, 100);

	zipf_free(&zipf);
	return pattern;
}

static void zipf(struct actor *actors, uint32_t pages)
{
	actors[0].pattern = zipf_loads(6 * pages, pages);
	actors[0].advice = MADV_RANDOM;
}

/* Lookups, a loop that does not fit, and one who needs now little and now much. */
static void three(struct actor *actors, uint32_t pages)
{
	static const uint32_t phases[] = { FRAMES / 12, FRAMES / 2, FRAMES / 6, FRAMES / 4 };
	uint32_t popular = pages / 4, length = pages / 2;
	size_t n = 3 * length;

	actors[0].pattern = zipf_loads(n, popular);
	actors[0].advice = MADV_RANDOM;
	actors[1].pattern = pattern_at(popular, pattern_sequential(n, length, 0, false));
	actors[2].pattern = pattern_at(popular + length,
				       pattern_phases(n, phases, sizeof(phases) / sizeof(*phases)));
	actors[2].advice = MADV_RANDOM;
}

const struct scene scenes[] = {
	{ "scan", 2, scan },
	{ "loop", 1, loop },
	{ "zipf", 1, zipf },
	{ "three", 3, three },
	{ NULL, 0, NULL },
};

const struct scene *scene_find(const char *name)
{
	for (const struct scene *scene = scenes; scene->name; scene++)
		if (!strcmp(scene->name, name))
			return scene;
	fail("no scene %s", name);
}

/* Pages that the device of a file was asked to read so far. */
static uint64_t pages_read(const struct target *target)
{
	unsigned long long ios, merges, sectors;
	struct stat st;
	char path[64];
	FILE *stats;

	if (fstat(target->file, &st))
		fail_errno(target->path);
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(st.st_dev),
		 minor(st.st_dev));
	stats = fopen(path, "r");
	if (!stats)
		fail_errno(path);
	if (fscanf(stats, "%llu %llu %llu", &ios, &merges, &sectors) != 3)
		fail("%s: not understood", path);
	fclose(stats);
	return sectors / SECTORS_PER_PAGE;
}

static pthread_barrier_t *new_barrier(unsigned int n)
{
	pthread_barrier_t *barrier = mmap(NULL, sizeof(*barrier), PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;

	if (barrier == MAP_FAILED)
		fail_errno("mmap");
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (pthread_barrier_init(barrier, &attr, n))
		fail("no barrier");
	return barrier;
}

static void act(const struct actor *actor, const struct target *target, pthread_barrier_t *step)
{
	struct target own = *target;
	size_t n = actor->pattern.n;

	target_map(&own, actor->advice);
	for (unsigned int i = 0; i < STEPS; i++) {
		size_t from = n * i / STEPS, to = n * (i + 1) / STEPS;

		target_touch(&own, (struct pattern){ actor->pattern.accesses + from, to - from });
		pthread_barrier_wait(step);
	}
}

static void start(const struct actor *actor, const struct target *target, pthread_barrier_t *step)
{
	pid_t pid = fork();

	if (pid < 0)
		fail_errno("fork");
	if (pid)
		return;
	/* Who waits for one that has failed would wait for ever. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	act(actor, target, step);
	_exit(0);
}

void scene_play(const struct scene *scene, const struct target *target, uint64_t *read,
		uint64_t *accesses)
{
	struct actor actors[SCENE_CAST] = {};
	pthread_barrier_t *step = new_barrier(scene->cast);
	uint64_t before;
	int status;

	scene->direct(actors, target->pages);
	before = pages_read(target);
	for (unsigned int i = 0; i < scene->cast; i++)
		start(&actors[i], target, step);
	*accesses = 0;
	for (unsigned int i = 0; i < scene->cast; i++) {
		if (wait(&status) < 0 || status)
			fail("%s: a program failed", scene->name);
		*accesses += actors[i].pattern.n;
	}
	*read = pages_read(target) - before;
	for (unsigned int i = 0; i < scene->cast; i++)
		pattern_free(&actors[i].pattern);
	munmap(step, sizeof(*step));
}
