// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces in memory.  Pages become dense numbers, so that a simulated page table is an array,
 * and each reference learns when the next one to its page is, which is all that OPT needs.
 */
#include "trace.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"

/* The exit code of a shell for what cannot be run; zstd has others. */
#define NO_ZSTD		127
#define ZSTD_MAGIC	0xfd2fb528U

/* Reading. */

struct source {
	const char *path;
	int fd;
	pid_t zstd;
};

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* It is given no name, as it refuses those of symbolic links. */
static void run_zstd(int in, int out)
{
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(1);
	close(in);
	close(out);
	execlp("zstd", "zstd", "-dcqq", (char *)NULL);
	_exit(NO_ZSTD);
}

static void source_open(struct source *s)
{
	int fd[2];

	s->fd = open_file(s->path);
	s->zstd = 0;
	if (!ends_with(s->path, ".zst"))
		return;
	if (pipe(fd))
		die("pipe: %s", strerror(errno));
	s->zstd = fork();
	if (s->zstd < 0)
		die("fork: %s", strerror(errno));
	if (!s->zstd) {
		close(fd[0]);
		run_zstd(s->fd, fd[1]);
	}
	close(fd[1]);
	close(s->fd);
	s->fd = fd[0];
}

static void source_close(struct source *s)
{
	int status;

	close(s->fd);
	if (!s->zstd)
		return;
	if (waitpid(s->zstd, &status, 0) < 0)
		die("wait for zstd: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_ZSTD)
		die("%s: there is no zstd to decompress it. Install zstd", s->path);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		die("%s: is not a whole zstd stream", s->path);
}

/* All bytes of the source, in memory that the caller frees. */
static u32 *read_all(struct source *s, size_t *bytes)
{
	size_t room = 1 << 20;
	char *buf = alloc(room);
	ssize_t got;

	*bytes = 0;
	while ((got = read(s->fd, buf + *bytes, room - *bytes)) != 0) {
		if (got < 0)
			die("%s: %s", s->path, strerror(errno));
		*bytes += got;
		if (*bytes > (size_t)TRACE_RECORDS_MAX * sizeof(u32))
			die("%s: has more than %u records", s->path, TRACE_RECORDS_MAX);
		if (*bytes == room) {
			room *= 2;
			buf = realloc(buf, room);
			if (!buf)
				die("%s: does not fit into memory", s->path);
		}
	}
	return (u32 *)buf;
}

static void cut(char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	if (n > m && ends_with(name, end))
		name[n - m] = '\0';
}

void trace_name(char name[TRACE_NAME_MAX], const char *path)
{
	const char *slash = strrchr(path, '/');
	char *c;

	snprintf(name, TRACE_NAME_MAX, "%s", slash ? slash + 1 : path);
	cut(name, ".zst");
	cut(name, ".u32");
	/* It is printed, and gnuplot reads it. */
	for (c = name; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
}

static u32 *read_records(const char *path, u32 *n)
{
	struct source s = { .path = path };
	size_t bytes;
	u32 *raw;

	source_open(&s);
	raw = read_all(&s, &bytes);
	source_close(&s);
	if (!bytes)
		die("%s: has no records", path);
	if (bytes >= sizeof(u32) && raw[0] == ZSTD_MAGIC)
		die("%s: is a zstd stream, but its name does not end in .zst", path);
	if (bytes % sizeof(u32))
		die("%s: ends in the middle of a record", path);
	*n = bytes / sizeof(u32);
	return raw;
}

struct trace *trace_read(const char *path)
{
	char name[TRACE_NAME_MAX];
	u32 n, *raw = read_records(path, &n);

	trace_name(name, path);
	return trace_make(name, raw, n);
}

void trace_check(const char *path)
{
	struct stat st;
	u32 n;

	if (stat(path, &st))
		die("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die("%s: is not a regular file", path);
	free(read_records(path, &n));
}

/* Making. */

/* From a page number to its dense number: open addressing, half full at most. */
struct numbers {
	u32 *key, *value;
	size_t mask;		/* for 2^30 pages there are 2^32 slots */
	u32 n;
};

static void numbers_init(struct numbers *h, size_t slots)
{
	h->key = alloc_zeroed(slots * sizeof(u32));
	h->value = alloc(slots * sizeof(u32));
	h->mask = slots - 1;
	h->n = 0;
}

u64 trace_hash(u32 page)
{
	u64 product = page * 0x9e3779b97f4a7c15ULL;

	return product ^ product >> 32;
}

/* Keys are pages + 1, 0 is an empty slot. */
static size_t slot_of(const struct numbers *h, u32 key)
{
	size_t i = trace_hash(key) & h->mask;

	while (h->key[i] && h->key[i] != key)
		i = (i + 1) & h->mask;
	return i;
}

static void numbers_grow(struct numbers *h)
{
	struct numbers old = *h;
	size_t i, slot;

	numbers_init(h, 2 * (old.mask + 1));
	for (i = 0; i <= old.mask; i++) {
		if (!old.key[i])
			continue;
		slot = slot_of(h, old.key[i]);
		h->key[slot] = old.key[i];
		h->value[slot] = old.value[i];
	}
	h->n = old.n;
	free(old.key);
	free(old.value);
}

static u32 number_of(struct numbers *h, u32 page)
{
	size_t slot = slot_of(h, page + 1);

	if (h->key[slot])
		return h->value[slot];
	if (2 * ((size_t)h->n + 1) > h->mask) {
		numbers_grow(h);
		slot = slot_of(h, page + 1);
	}
	h->key[slot] = page + 1;
	h->value[slot] = h->n;
	return h->n++;
}

static void number_pages(struct trace *t)
{
	struct numbers h;
	size_t i;

	numbers_init(&h, 1 << 12);
	for (i = 0; i < t->n; i++)
		t->ref[i] = number_of(&h, t->ref[i] & TRACE_PAGE) | (t->ref[i] & TRACE_WRITE);
	t->pages = h.n;
	t->vpn = alloc((size_t)h.n * sizeof(u32));
	for (i = 0; i <= h.mask; i++)
		if (h.key[i])
			t->vpn[h.value[i]] = h.key[i] - 1;
	free(h.key);
	free(h.value);
}

static void find_next(struct trace *t)
{
	u32 *last = alloc((size_t)t->pages * sizeof(u32));
	u32 i;

	memset(last, 0xff, (size_t)t->pages * sizeof(u32));
	t->next = alloc((size_t)t->n * sizeof(u32));
	for (i = t->n; i-- > 0; ) {
		u32 page = t->ref[i] & TRACE_PAGE;

		t->next[i] = last[page];
		last[page] = i;
	}
	free(last);
}

struct trace *trace_make(const char *name, u32 *raw, u32 n)
{
	struct trace *t = alloc_zeroed(sizeof(*t));

	snprintf(t->name, sizeof(t->name), "%s", name);
	t->ref = raw;
	t->n = n;
	number_pages(t);
	find_next(t);
	return t;
}

void trace_free(struct trace *t)
{
	free(t->ref);
	free(t->next);
	free(t->vpn);
	free(t);
}
