// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random numbers that can be replayed, pages that say what they are, files and models of files.
 */
#include "test.h"

u64 mix(u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

u64 rnd_next(struct rnd *r)
{
	r->state += 0x9e3779b97f4a7c15ull;
	return mix(r->state);
}

u64 rnd_below(struct rnd *r, u64 n)
{
	return n ? rnd_next(r) % n : 0;
}

void rnd_init(struct rnd *r, u64 stream)
{
	r->state = mix(seed ^ mix(stream + 1));
}

#define WORDS		(PAGE / sizeof(u64))
#define STEP		0x9e3779b97f4a7c15ull
#define VERSION_BITS	24

static u64 head_word(u64 vpn, u64 version)
{
	return (vpn << VERSION_BITS | version) + 1;	/* no page is all zeros */
}

void page_fill(void *page, u64 vpn, u64 version)
{
	volatile u64 *w = page;
	u64 head = head_word(vpn, version), x = mix(head);
	unsigned int i;

	w[0] = head;
	for (i = 1; i < WORDS; i++)
		w[i] = x + i * STEP;
}

static unsigned int differs_at(const void *page, u64 vpn, u64 version)
{
	const u64 *w = page;
	u64 head = head_word(vpn, version), x = mix(head);
	unsigned int i;

	if (w[0] != head)
		return 0;
	for (i = 1; i < WORDS; i++)
		if (w[i] != x + i * STEP)
			return i;
	return WORDS;
}

bool page_holds(const void *page, u64 vpn, u64 version)
{
	return differs_at(page, vpn, version) == WORDS;
}

bool page_is(const void *page, u64 vpn, u64 version)
{
	unsigned int at = differs_at(page, vpn, version);
	u64 head, word;

	if (at == WORDS)
		return true;
	memcpy(&head, page, sizeof(head));
	memcpy(&word, (const u8 *)page + at * sizeof(u64), sizeof(word));
	head--;
	diag("page %#jx should be version %ju: wrong from word %u (%#jx); its head says page %#jx "
	     "version %ju%s",
	     (uintmax_t)vpn, (uintmax_t)version, at, (uintmax_t)word,
	     (uintmax_t)(head >> VERSION_BITS), (uintmax_t)(head & ((1u << VERSION_BITS) - 1)),
	     bytes_zero(page, PAGE, 0) ? "; it is all zeros" : "");
	return false;
}

bool page_torn(const void *page, u64 vpn, u64 old, u64 new)
{
	const u64 *w = page;
	u64 from = mix(head_word(vpn, old)), to = mix(head_word(vpn, new));
	unsigned int i = 0;

	if (w[0] == head_word(vpn, new))
		for (i = 1; i < WORDS && w[i] == to + i * STEP; i++)
			;
	else if (w[i++] != head_word(vpn, old))
		return false;
	for (; i < WORDS; i++)
		if (w[i] != from + i * STEP)
			return false;
	return true;
}

void expect_settled(const void *page, u64 vpn, u64 finished, u64 begun, const char *where)
{
	if (finished == begun)
		expect(page_is(page, vpn, begun), "%s", where);
	else
		expect(page_torn(page, vpn, finished, begun), "%s: page %ju is neither %ju nor %ju",
		       where, (uintmax_t)vpn, (uintmax_t)finished, (uintmax_t)begun);
}

bool bytes_are(const void *is, const void *want, u64 len, u64 offset)
{
	const u8 *a = is, *b = want;
	u64 i;

	if (!memcmp(a, b, len))
		return true;
	for (i = 0; a[i] == b[i]; i++)
		;
	diag("byte %#jx of %#jx is %#x, should be %#x", (uintmax_t)(offset + i),
	     (uintmax_t)(offset + len), a[i], b[i]);
	return false;
}

bool bytes_zero(const void *is, u64 len, u64 offset)
{
	const u8 *a = is;
	u64 i;

	(void)offset;
	for (i = 0; i < len; i++)
		if (a[i])
			return false;
	return true;
}

u8 *model_make(u64 bytes, u64 version)
{
	u8 *m = aligned_alloc(PAGE, PAGES(bytes) * PAGE);
	u64 i;

	need(m, "no memory for a model of %ju bytes", (uintmax_t)bytes);
	for (i = 0; i < PAGES(bytes); i++)
		page_fill(m + i * PAGE, i, version);
	return m;
}

char *file_path(const char *name)
{
	char *path;

	need(asprintf(&path, "%s/%s", dir, name) > 0, "no memory");
	return path;
}

char *file_make(const char *name, u64 bytes, u64 version)
{
	u64 chunk = 64, i, n, part;
	u8 *buf = aligned_alloc(PAGE, chunk * PAGE);
	char *path = name[0] == '/' ? strdup(name) : file_path(name);
	int fd = need_ok(open(path, O_RDWR | O_CREAT | O_TRUNC, 0644));
	u64 pos = 0;

	need(buf && path, "no memory");
	while (pos < bytes) {
		n = PAGES(bytes - pos) < chunk ? PAGES(bytes - pos) : chunk;
		for (i = 0; i < n; i++)
			page_fill(buf + i * PAGE, pos / PAGE + i, version);
		part = n * PAGE < bytes - pos ? n * PAGE : bytes - pos;
		need(write(fd, buf, part) == (ssize_t)part, "%s: %s", path, strerror(errno));
		pos += part;
	}
	need_ok(fsync(fd));
	need_ok(close(fd));
	free(buf);
	return path;
}

/* Every other page of a file is taken out, so that no two of those that stay lie in a row. */
char *file_make_scattered(const char *name, u64 bytes)
{
	u8 *page = aligned_alloc(PAGE, PAGE);
	u64 pages = PAGES(bytes), vpn, len;
	char *path = file_make(name, 2 * pages * PAGE, 1);
	int file = need_ok(open(path, O_RDWR | O_CLOEXEC));

	for (vpn = 1; vpn < pages; vpn++)
		need_ok(fallocate(file, FALLOC_FL_COLLAPSE_RANGE, vpn * PAGE, PAGE));
	for (vpn = 0; vpn < pages; vpn++) {
		len = bytes - vpn * PAGE < PAGE ? bytes - vpn * PAGE : PAGE;
		page_fill(page, vpn, 1);
		need(pwrite(file, page, len, vpn * PAGE) == (ssize_t)len, "%s", strerror(errno));
	}
	need_ok(ftruncate(file, bytes));
	need_ok(fsync(file));
	need_ok(close(file));
	free(page);
	return path;
}

u64 file_size(const char *path)
{
	struct stat st;

	need_ok(stat(path, &st));
	return st.st_size;
}

/*
 * Read what the medium holds: with O_DIRECT, and where there is no such thing after asking the page
 * cache to forget.
 */
static u8 *load(const char *path, u64 max, u64 *bytes)
{
	int fd = open(path, O_RDONLY | O_DIRECT);
	bool direct = fd >= 0;
	u64 pos = 0, room;
	ssize_t n;
	u8 *buf;

	if (!direct)
		fd = need_ok(open(path, O_RDONLY));
	*bytes = need_ok(lseek(fd, 0, SEEK_END));
	if (*bytes > max)
		*bytes = max;
	room = PAGES(*bytes) * PAGE + PAGE;
	buf = aligned_alloc(PAGE, room);
	need(buf, "no memory for %s", path);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	while (pos < *bytes) {
		n = pread(fd, buf + pos, room - pos > MIB ? MIB : room - pos, pos);
		if (n < 0 && errno == EINVAL && direct) {
			direct = false;
			close(fd);
			fd = need_ok(open(path, O_RDONLY));
			continue;
		}
		need(n > 0, "%s: read at %#jx of %#jx: %s", path, (uintmax_t)pos, (uintmax_t)*bytes,
		     n ? strerror(errno) : "end of file");
		pos += n;
	}
	close(fd);
	return buf;
}

u8 *file_load(const char *path, u64 *bytes)
{
	return load(path, UINT64_MAX, bytes);
}

u8 *file_load_first(const char *path, u64 bytes)
{
	u64 is;
	u8 *buf = load(path, bytes, &is);

	need(is == bytes, "%s has only %ju bytes", path, (uintmax_t)is);
	return buf;
}

void expect_file(const char *path, const u8 *model, u64 bytes)
{
	u64 is;
	u8 *buf = file_load(path, &is);

	expect(is == bytes, "%s has %ju bytes, should have %ju", path, (uintmax_t)is,
	       (uintmax_t)bytes);
	expect(bytes_are(buf, model, is < bytes ? is : bytes, 0), "%s differs from the model",
	       path);
	free(buf);
}
