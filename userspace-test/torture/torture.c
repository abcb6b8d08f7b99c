// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the hostile programs share; torture.h says what it is for.
 */
#include "torture.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>

#define DEBUGFS	"/sys/kernel/debug/framepool"

static void (*after_also)(void);

static void check_pools(void)
{
	char path[PATH_MAX], text[16];
	DIR *pools = plain ? NULL : opendir(DEBUGFS);
	struct dirent *d;

	if (after_also)
		after_also();
	while (pools && (d = readdir(pools))) {
		if (d->d_name[0] == '.' || d->d_type != DT_DIR)
			continue;
		snprintf(path, sizeof(path), DEBUGFS "/%s/check", d->d_name);
		expect(knob_read(path, text, sizeof(text)) && !strcmp(text, "ok"),
		       "pool %s: its invariants do not hold: %s", d->d_name, strerror(errno));
	}
	if (pools)
		closedir(pools);
}

int torture_main(int argc, char **argv, const struct test *tests, size_t nr, void (*also)(void))
{
	after_also = also;
	after_test = check_pools;
	return test_main(argc, argv, tests, nr);
}

/* ---- pressure ---- */

static struct {
	atomic_bool stop;
	pthread_t thread;
	u8 *mem;
	u64 pages;
	int fd;
	u32 id;
} press;

static void *press_run(void *arg)
{
	u64 vpn = 0;

	(void)arg;
	while (!atomic_load(&press.stop)) {
		expect(page_is(press.mem + vpn * PAGE, vpn, 3), "the file that makes the pressure");
		vpn = (vpn + 1) % press.pages;
	}
	return NULL;
}

void pressure_start(u64 pages)
{
	char *path = file_make("pressure", pages * PAGE, 3);

	press.pages = pages;
	press.fd = space_attach(path, O_RDWR);
	press.id = space_id(press.fd);
	press.mem = map(press.fd, pages * PAGE, PROT_READ, MAP_SHARED);
	atomic_store(&press.stop, false);
	need(!pthread_create(&press.thread, NULL, press_run, NULL), "no thread");
	free(path);
}

void pressure_stop(void)
{
	atomic_store(&press.stop, true);
	pthread_join(press.thread, NULL);
	need_ok(munmap(press.mem, press.pages * PAGE));
	space_gone(press.fd, press.id);
}

static struct {
	atomic_bool stop;
	pthread_t thread;
	int fd;
} evictor;

static void *evictor_run(void *arg)
{
	struct framepool_range r;

	(void)arg;
	while (!atomic_load(&evictor.stop)) {
		if (plain) {
			posix_fadvise(evictor.fd, 0, 0, POSIX_FADV_DONTNEED);
			continue;
		}
		expect(!range_op(evictor.fd, FRAMEPOOL_EVICT, 0, 0, &r) && !r.failed,
		       "evict: %s, %ju failed", strerror(errno), (uintmax_t)r.failed);
	}
	return NULL;
}

void evictor_start(int fd)
{
	evictor.fd = fd;
	atomic_store(&evictor.stop, false);
	need(!pthread_create(&evictor.thread, NULL, evictor_run, NULL), "no thread");
}

void evictor_stop(void)
{
	atomic_store(&evictor.stop, true);
	pthread_join(evictor.thread, NULL);
}

/* ---- contents ---- */

static bool words_among(const void *page, u64 vpn, u64 old, u64 new, bool zero)
{
	u64 one[PAGE / sizeof(u64)], version, i;
	const u64 *w = page;
	bool known[PAGE / sizeof(u64)];

	for (i = 0; i < PAGE / sizeof(u64); i++)
		known[i] = zero && !w[i];
	for (version = old; version <= new; version++) {
		page_fill(one, vpn, version);
		for (i = 0; i < PAGE / sizeof(u64); i++)
			known[i] |= w[i] == one[i];
	}
	for (i = 0; i < PAGE / sizeof(u64) && known[i]; i++)
		;
	if (i == PAGE / sizeof(u64))
		return true;
	diag("page %#jx: word %ju is %#jx, of no version in [%ju, %ju]; the first is %#jx%s",
	     (uintmax_t)vpn, (uintmax_t)i, (uintmax_t)w[i], (uintmax_t)old, (uintmax_t)new,
	     (uintmax_t)w[0], bytes_zero(page, PAGE, 0) ? "; it is all zeros" : "");
	return false;
}

bool page_among(const void *page, u64 vpn, u64 old, u64 new)
{
	return words_among(page, vpn, old, new, false);
}

bool page_among_zeros(const void *page, u64 vpn, u64 old, u64 new)
{
	return words_among(page, vpn, old, new, true);
}

int direct_open(const char *path)
{
	int fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);

	return fd >= 0 ? fd : need_ok(open(path, O_RDWR | O_CLOEXEC));
}

void spread(const void *mem, u64 pages)
{
	u64 vpn;

	for (vpn = 0; vpn < pages; vpn++)
		*(const volatile u8 *)((const u8 *)mem + vpn * PAGE);
}

/* ---- secrets ---- */

#define SECRET	0x5ec2e75ec2e75ec2ull

void secret_leave(u64 pages)
{
	char *path = file_make("secret", pages * PAGE, 1);
	int fd = space_attach(path, O_RDWR);
	u64 *m = map(fd, pages * PAGE, RW, MAP_SHARED);
	u32 id = space_id(fd);
	u64 i;

	for (i = 0; i < pages * PAGE / sizeof(u64); i++)
		m[i] = SECRET;
	need_ok(munmap(m, pages * PAGE));
	space_gone(fd, id);
	need_ok(unlink(path));
	free(path);
}

bool secret_in(const void *mem, size_t len)
{
	const u8 *bytes = mem;
	u64 secret = SECRET;
	size_t i;

	/* At any place: five bytes are enough to know it by. */
	for (i = 0; i + sizeof(secret) <= len; i++)
		if (!memcmp(bytes + i, &secret, 5))
			return true;
	return false;
}

u64 secret_words(const void *mem, size_t len)
{
	const u64 *w = mem;
	u64 n = 0;
	size_t i;

	for (i = 0; i < len / sizeof(*w); i++)
		n += w[i] == SECRET;
	return n;
}
