// SPDX-License-Identifier: GPL-2.0-only
/*
 * Setting the limits of working sets.
 *
 * The ABI has one errno for several causes.  Which of them it was is seen by looking at the sets,
 * and at the pool, once more.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "debugfs.h"
#include "text.h"
#include "wset.h"

/* As the module has them. */
#define LEAST_MAX 8 /* frames */
#define KEEP_PART 4 /* one in so many frames cannot be promised */

static uint64_t frames(__u64 bytes)
{
	return bytes == FRAMEPOOL_WSET_NO_MAX ? bytes : bytes / PAGE_BYTES;
}

int wset_limit(int control, const struct wset_limits *l, struct wset_why *why)
{
	struct framepool_wset wset;
	int err = framepool_get_wset(control, l->pool, l->pid, &wset);

	if (!err)
		err = framepool_limit_wset(control, l->pool, l->pid,
					   l->min ? frames(*l->min) : wset.min,
					   l->max ? frames(*l->max) : wset.max);
	if (err)
		wset_explain(control, l, err, why);
	return err;
}

/* What has been found out: the set as it is, and what it was to be, in frames. */
struct scene {
	const struct wset_limits *l;
	struct framepool_wset set;
	bool has_set;
	struct framepool_pool pool;
	uint64_t min, max;
	int control;
};

static void say(struct wset_why *why, const char *next, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(struct wset_why *why, const char *next, const char *format, ...)
{
	va_list args;

	snprintf(why->next, sizeof(why->next), "%s", next);
	va_start(args, format);
	vsnprintf(why->what, sizeof(why->what), format, args);
	va_end(args);
}

static char *bytes_of(char text[NUMBER_SIZE], uint64_t nr)
{
	return text_bytes(text, nr > UINT64_MAX / PAGE_BYTES ? UINT64_MAX : nr * PAGE_BYTES);
}

static void no_set(const struct scene *s, struct wset_why *why)
{
	if (s->pool.state & FRAMEPOOL_POOL_ONE_SET) {
		why->error = EOPNOTSUPP;
		say(why, "What processes use there is charged together; see 'framepool pool list'.",
		    "pool %s has no working sets of processes", s->pool.name);
	} else if (s->has_set) {
		say(why, "See 'framepool wset'.", "the working set is another one by now");
	} else if (kill(s->l->pid, 0) && errno == ESRCH) {
		say(why, "See 'framepool wset'.", "there is no such process");
	} else {
		say(why, "See 'framepool wset'.", "it maps nothing of pool %s", s->pool.name);
	}
}

static void no_right(const struct scene *s, struct wset_why *why)
{
	char min[NUMBER_SIZE];

	if (!s->has_set)
		say(why, "Run it as root.", "the process is another user's");
	else
		say(why, "Run it as root.", "to raise its minimum of %s takes CAP_SYS_ADMIN",
		    bytes_of(min, s->set.min));
}

static void invalid(const struct scene *s, struct wset_why *why)
{
	char min[NUMBER_SIZE], max[NUMBER_SIZE];

	if (s->max < LEAST_MAX)
		say(why, "Give at least 32K.", "a maximum of %s is under 32K",
		    bytes_of(max, s->max));
	else
		say(why, !s->l->max ? "Give a larger maximum, too." :
			 !s->l->min ? "Give a smaller minimum, too." : "Give other limits.",
		    "%s minimum of %s is over %s maximum of %s", s->l->min ? "a" : "its",
		    bytes_of(min, s->min), s->l->max ? "a" : "its", bytes_of(max, s->max));
}

/* Who may set a higher minimum sees all sets. */
static void not_guaranteed(const struct scene *s, struct wset_why *why)
{
	uint64_t room = s->pool.bound - s->pool.bound / KEEP_PART, promised = 0, pinned = 0, left;
	char min[NUMBER_SIZE], others[NUMBER_SIZE], pins[NUMBER_SIZE], all[NUMBER_SIZE],
	     own[NUMBER_SIZE];
	struct framepool_wset set;
	char next[64];

	FRAMEPOOL_INIT(&set);
	while (framepool_next_wset(s->control, s->l->pool, &set) > 0) {
		if (set.id == s->set.id)
			continue;
		promised += set.min;
		pinned += set.pinned > set.min ? set.pinned - set.min : 0;
	}
	left = room > promised + pinned ? room - promised - pinned : 0;
	snprintf(next, sizeof(next), "Give at most %lluK.",
		 (unsigned long long)(left * PAGE_BYTES >> 10));
	bytes_of(min, s->min);
	bytes_of(others, promised);
	bytes_of(pins, pinned);
	bytes_of(all, room);
	if (s->min > room)
		say(why, next, "a minimum of %s cannot be guaranteed: the pool can promise %s", min,
		    all);
	else if (s->min > room - (promised < room ? promised : room))
		say(why, next, "a minimum of %s cannot be guaranteed: others are promised %s of %s",
		    min, others, all);
	else if (s->min > left)
		say(why, next, "a minimum of %s cannot be guaranteed: others are promised %s of %s, "
		    "and have pinned %s more", min, others, all, pins);
	else
		say(why, "Unpin some.", "a minimum of %s cannot be guaranteed: it has pinned %s "
		    "itself, which with what others have is over %s", min,
		    bytes_of(own, s->set.pinned), all);
}

/* A space of the pool of which pages could not be written. */
static bool find_unwritable(const struct scene *s, struct framepool_space *space)
{
	FRAMEPOOL_INIT(space);
	while (framepool_next_space(s->control, space) > 0)
		if (space->write_error && !strcmp(space->pool, s->pool.name))
			return true;
	return false;
}

/* How many frames' pages are on their way out; -1: that is for root to see. */
static long leaving(const char *pool)
{
	char path[sizeof(DEBUGFS "//stats") + FRAMEPOOL_NAME_SIZE], line[128];
	long nr = -1;
	FILE *file;

	snprintf(path, sizeof(path), DEBUGFS "/%s/stats", pool);
	file = fopen(path, "re");
	while (file && nr < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "evict %ld", &nr);
	if (file)
		fclose(file);
	return nr;
}

static void stays(const struct scene *s, struct wset_why *why)
{
	struct framepool_space space;
	long out = leaving(s->pool.name);

	if (find_unwritable(s, &space))
		say(why, "See 'framepool stat', mend it and run this again.",
		    "pages above it cannot be written to space %u%s%s: %s", space.space,
		    *space.name ? " " : "", space.name, strerror(space.write_error));
	else if (out > 0)
		say(why, "Run it again when the device is faster, or with a larger wait_ms.",
		    "pages above it were not written in the module's wait_ms");
	else if (!out)
		say(why, "Run it again when the I/O from or into them has ended.",
		    "the kernel holds pages above it");
	else
		say(why, "Run it as root to be told which.",
		    "the kernel holds pages above it, or does not write them in time");
}

static void busy(const struct scene *s, struct wset_why *why)
{
	char max[NUMBER_SIZE], pinned[NUMBER_SIZE], next[64];

	if (s->set.pinned + LEAST_MAX <= s->max) {
		stays(s, why);
		return;
	}
	snprintf(next, sizeof(next), "Unpin some, or give at least %lluK.",
		 (unsigned long long)((s->set.pinned + LEAST_MAX) * PAGE_BYTES >> 10));
	say(why, next, "a maximum of %s does not leave 32K beside the %s that are pinned",
	    bytes_of(max, s->max), bytes_of(pinned, s->set.pinned));
}

void wset_explain(int control, const struct wset_limits *l, int error, struct wset_why *why)
{
	struct scene s = { .l = l, .control = control };

	why->error = error < 0 ? -error : error;
	why->what[0] = '\0';
	FRAMEPOOL_INIT(&s.pool);
	if (framepool_find_pool(control, l->pool, &s.pool))
		why->error = ENOENT;
	s.has_set = !framepool_get_wset(control, l->pool, l->pid, &s.set);
	s.min = l->min ? frames(*l->min) : s.set.min;
	s.max = l->max ? frames(*l->max) : s.set.max;
	if (why->error == ENOENT)
		say(why, "See 'framepool pool list'.", "there is no such pool");
	else if (why->error == ESRCH)
		no_set(&s, why);
	else if (why->error == EPERM)
		no_right(&s, why);
	else if (why->error == EINVAL)
		invalid(&s, why);
	else if (why->error == ENOSPC)
		not_guaranteed(&s, why);
	else if (why->error == EBUSY)
		busy(&s, why);
	why->reasons[0] = (struct reason){ why->what[0] ? why->error : 0, why->what, why->next };
	why->reasons[1] = (struct reason){ };
}
