// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replacement policy of a pool: chosen at creation, replaced while the pool works, by ioctl and
 * in /sys/kernel/framepool.  No page leaves for it and no byte changes; who may not, and what there
 * is not, changes nothing.
 */
#include "test.h"

#include <pthread.h>

#define RW		(PROT_READ | PROT_WRITE)

static const char *const names[] = { "tenure", "clock", "lru2", "fifo" };

static int set_policy(const char *of, const char *policy)
{
	struct framepool_pool_policy p = { .size = sizeof(p) };

	name_set(p.name, of);
	memcpy(p.policy, policy, strnlen(policy, sizeof(p.policy)));
	return ioctl(control_fd(), FRAMEPOOL_POOL_SET_POLICY, &p);
}

static const char *policy_of(const char *name)
{
	static struct framepool_pool p;

	need(pool_info(name, &p), "no pool '%s'", name);
	return p.policy;
}

static char *knob(void)
{
	static char at[256];

	snprintf(at, sizeof(at), "/sys/kernel/framepool/%s/policy", pool);
	return at;
}

/* As "[tenure] clock lru2 fifo". */
static void expect_listed(const char *policy)
{
	char text[128] = "", want[128] = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		snprintf(want + strlen(want), sizeof(want) - strlen(want),
			 strcmp(names[i], policy) ? "%s%s" : "%s[%s]", i ? " " : "", names[i]);
	need(knob_read(knob(), text, sizeof(text)), "%s", knob());
	expect(!strncmp(text, want, strlen(want)), "'%s' instead of '%s'", text, want);
}

static void creation(void)
{
	struct framepool_pool_destroy d = { .size = sizeof(d) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		pool_use_policy(2 * MIB, names[i]);
		expect(!strcmp(policy_of(pool), names[i]), "%s: '%s'", names[i], policy_of(pool));
		expect_listed(names[i]);
		squeeze(4 * MIB);
		memcpy(d.name, pool, sizeof(d.name));
		need_ok(ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &d));
		expect(access(knob(), F_OK) && errno == ENOENT, "%s is still there", knob());
	}
}

/* Every policy to every other, both ways: what was resident still is. */
static void pages_stay(void)
{
	u64 pages = 600, vpn;
	char *path = file_make("file", pages * PAGE, 1);
	size_t i, k;
	u8 *m;
	int fd;

	pool_use(4 * MIB);
	attach_block = FRAMEPOOL_BLOCK_1;
	fd = space_attach(path, O_RDWR);
	m = map(fd, pages * PAGE, RW, MAP_SHARED);
	for (vpn = 0; vpn < pages; vpn++)
		page_fill(m + vpn * PAGE, vpn, 2);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (k = 0; k < ARRAY_SIZE(names); k++) {
			need_ok(set_policy(pool, names[i]));
			expect(!strcmp(policy_of(pool), names[i]), "'%s'", policy_of(pool));
			need(knob_write(knob(), names[k]), "%s: %s", knob(), strerror(errno));
			expect(!strcmp(policy_of(pool), names[k]), "'%s'", policy_of(pool));
			expect_listed(names[k]);
		}
	}
	expect(resident_pages(fd, 0, 0, calloc(1, pages / 8 + 1)) == pages, "pages left");
	for (vpn = 0; vpn < pages; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 2), "page %ju", (uintmax_t)vpn);
	squeeze(8 * MIB);
	for (vpn = 0; vpn < pages; vpn++)
		expect(page_is(m + vpn * PAGE, vpn, 2), "page %ju after pressure", (uintmax_t)vpn);
}

#define WORKERS		4

struct worker {
	u8 *mem;
	u64 first, pages, seed;
	u32 *version;
	atomic_bool *stop;
	atomic_ullong steps;
};

/* Random pages of his own part: what was stored last is there. */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct rnd r;
	u64 vpn;

	rnd_init(&r, w->seed);
	while (!atomic_load(w->stop) && !failures()) {
		u64 i = rnd_below(&r, 4) ? rnd_below(&r, w->pages / 8) : rnd_below(&r, w->pages);

		vpn = w->first + i;
		expect(page_is(w->mem + vpn * PAGE, vpn, w->version[i]), "page %ju", (uintmax_t)vpn);
		if (rnd_below(&r, 3) == 0)
			page_fill(w->mem + vpn * PAGE, vpn, ++w->version[i]);
		atomic_fetch_add(&w->steps, 1);
	}
	return NULL;
}

static void under_load(void)
{
	u64 pages = 4 * 2 * MIB / PAGE, part = pages / WORKERS, i, switches = 0;
	u64 rounds = scaled(4000);
	struct worker w[WORKERS];
	atomic_bool stop = false;
	struct framepool_pool p;
	pthread_t thread[WORKERS];
	struct rnd r;
	u8 *model;
	char *path = file_make("file", pages * PAGE, 1);
	int fd;
	u8 *m;

	pool_use(2 * MIB);
	fd = space_attach(path, O_RDWR);
	m = map(fd, pages * PAGE, RW, MAP_SHARED);
	for (i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){ .mem = m, .first = i * part, .pages = part, .seed = i,
					.stop = &stop,
					.version = malloc(part * sizeof(u32)) };
		for (u64 k = 0; k < part; k++)
			w[i].version[k] = 1;
		need(!pthread_create(&thread[i], NULL, work, &w[i]), "a thread");
	}
	rnd_init(&r, 99);
	while (switches < rounds && !failures()) {
		const char *name = names[rnd_below(&r, ARRAY_SIZE(names))];

		if (rnd_below(&r, 2))
			expect(!set_policy(pool, name), "%s: %s", name, strerror(errno));
		else
			expect(knob_write(knob(), name), "%s: %s", name, strerror(errno));
		switches++;
		/* Some right behind each other, some with time to work between. */
		if (switches % 8 == 0)
			usleep(rnd_below(&r, 5000));
	}
	for (i = 0; i < WORKERS; i++)
		wait_for_steps(&w[i].steps, 200);
	atomic_store(&stop, true);
	for (i = 0; i < WORKERS; i++)
		pthread_join(thread[i], NULL);
	need(pool_info(pool, &p), "the pool");
	expect(p.evictions > 100, "only %ju pages left: no load", (uintmax_t)p.evictions);
	expect(p.resident_max <= p.bound, "%ju frames of %ju", (uintmax_t)p.resident_max,
	       (uintmax_t)p.bound);
	diag("%ju switches, %ju evictions, %ju steps of the first worker", (uintmax_t)switches,
	     (uintmax_t)p.evictions, (uintmax_t)atomic_load(&w[0].steps));
	need_ok(msync(m, pages * PAGE, MS_SYNC));
	model = malloc(pages * PAGE);
	for (i = 0; i < pages; i++)
		page_fill(model + i * PAGE, i, w[i / part].version[i % part]);
	expect_file(path, model, pages * PAGE);
}

static void refused(void)
{
	static const char *const bad[] = { "", "nonsense", "Clock", "clock ", "clockwork",
					   "cccccccccccccccccccc" };
	size_t i;

	pool_use_policy(2 * MIB, "lru2");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		expect_errno(set_policy(pool, bad[i]), EINVAL);
		if (*bad[i])
			expect(!knob_write(knob(), bad[i]) && errno == EINVAL, "'%s': %s", bad[i],
			       strerror(errno));
		expect(!strcmp(policy_of(pool), "lru2"), "'%s' became '%s'", bad[i],
		       policy_of(pool));
	}
	expect_errno(set_policy("t-nosuch", "clock"), ENOENT);
	expect_errno(set_policy("no/name", "clock"), ENOENT);
	expect_listed("lru2");
}

/* The control node may be somebody's who may not change pools. */
static void stranger(void *arg)
{
	int sysfs = *(int *)arg;

	control_fd();
	/* In the process that keeps the descriptor. */
	become(65534, 65534);
	expect_errno(set_policy(pool, "clock"), EPERM);
	expect_errno(set_policy("t-nosuch", "clock"), EPERM);
	expect_errno(set_policy(pool, "nonsense"), EPERM);
	expect_errno(write(sysfs, "clock", 5), EPERM);
	expect_errno(open(knob(), O_WRONLY), EACCES);
	expect_listed("fifo");
}

static void rights(void)
{
	int sysfs;

	pool_use_policy(2 * MIB, "fifo");
	sysfs = need_ok(open(knob(), O_WRONLY | O_CLOEXEC));
	child_join(child_start(stranger, &sysfs));
	expect(!strcmp(policy_of(pool), "fifo"), "'%s'", policy_of(pool));
}

static const struct test tests[] = {
	{ "pools with each policy", creation, T_DEVICE },
	{ "pages stay when the policy is replaced", pages_stay, T_DEVICE },
	{ "replaced again and again under load", under_load, T_DEVICE },
	{ "no such policy, no such pool", refused, T_DEVICE },
	{ "without CAP_SYS_ADMIN: EPERM", rights, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
