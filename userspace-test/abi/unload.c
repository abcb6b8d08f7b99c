// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmmod: refused while anything is open, mapped, attached or held; afterwards it works, loses no
 * stored byte and leaves no trace.  Each test unloads the module and loads it again, from
 * $FPOOL_KO.
 */
#include "test.h"
#include "module.h"

#include <sys/uio.h>

#define NR	512UL
#define RW	(PROT_READ | PROT_WRITE)

static char *path;
static u8 *model, *m;
static int fd = -1;

static void refused(const char *why)
{
	control_close();
	expect(module_unload() == -1 && (errno == EWOULDBLOCK || errno == EBUSY), "%s: rmmod says %s", why,
	       strerror(errno));
	expect(!access(CONTROL, F_OK), "%s: a refused rmmod took the control node away", why);
}

/* Now that nobody holds it. */
static void unload_and_check(void)
{
	control_close();
	need(wait_until(module_unloads, NULL, 20000), "rmmod of an unused module: %s", strerror(errno));
	module_no_trace();
	if (path)
		expect_file(path, model, NR * PAGE);
	module_again();
	expect(!spaces_count(), "spaces after a fresh load");
}

static void make(void)
{
	path = file_make("file", NR * PAGE, 1);
	model = model_make(NR * PAGE, 1);
}

static void store_all(u64 version)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++) {
		page_fill(m + vpn * PAGE, vpn, version);
		page_fill(model + vpn * PAGE, vpn, version);
	}
}

static void unused(void)
{
	unload_and_check();
}

static void by_control(void)
{
	int control = need_ok(open(CONTROL, O_RDWR | O_CLOEXEC));

	refused("control open");
	need_ok(close(control));
	unload_and_check();
}

static void by_space(void)
{
	make();
	fd = space_attach(path, O_RDWR);
	refused("a space open");
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	store_all(2);
	need_ok(munmap(m, NR * PAGE));
	refused("a dirty space open");
	need_ok(close(fd));
	unload_and_check();
}

static void by_mapping(void)
{
	make();
	fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	store_all(2);
	need_ok(close(fd));
	refused("a mapping");
	store_all(3);
	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping after a refused rmmod");
	need_ok(munmap(m, NR * PAGE));
	unload_and_check();
}

static void by_name(void)
{
	make();
	space_name(path, "t.name", O_RDWR);
	refused("a named space that nobody has open");
	fd = need_ok(node_open("t.name", O_RDWR));
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	store_all(2);
	refused("a named space, open and mapped");
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	refused("a named space with dirty pages");
	need_ok(detach("t.name"));
	unload_and_check();
}

static void by_pipe(void)
{
	struct iovec iov;
	u8 page[PAGE];
	int p[2];

	make();
	need_ok(pipe(p));
	fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	store_all(2);
	iov = (struct iovec){ m + 7 * PAGE, PAGE };
	need(vmsplice(p[1], &iov, 1, 0) == PAGE, "vmsplice: %s", strerror(errno));
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	refused("a held frame");
	need(read(p[0], page, PAGE) == PAGE, "pipe");
	expect(page_is(page, 7, 2), "from the pipe");
	unload_and_check();
}

/* A pool of our own that nobody uses goes with the module. */
static void with_pool(void)
{
	make();
	pool_use(4 * MIB);
	fd = space_attach(path, O_RDWR);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	store_all(2);
	refused("a space in another pool");
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	unload_and_check();
}

#define SPACES	30
#define LEAVES	8
#define LEAF	(512 * PAGE)		/* what one node of the lowest level maps */

static void touch_leaves(int space)
{
	u8 *mapped = map(space, LEAVES * LEAF, PROT_READ, MAP_SHARED);
	u64 i;

	for (i = 0; i < LEAVES; i++)
		expect(!mapped[i * LEAF], "a hole");
	need_ok(munmap(mapped, LEAVES * LEAF));
}

/* Nodes of tables that were just freed wait for a grace period, which the module must outlast. */
static void nodes_in_limbo(void)
{
	int space[SPACES], file;
	char name[32], *sparse;
	u64 i;

	for (i = 0; i < SPACES; i++) {
		snprintf(name, sizeof(name), "sparse.%ju", (uintmax_t)i);
		sparse = file_path(name);
		file = need_ok(open(sparse, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
		need_ok(ftruncate(file, LEAVES * LEAF));
		need_ok(close(file));
		space[i] = space_attach(sparse, O_RDWR);
		touch_leaves(space[i]);
		free(sparse);
	}
	control_close();
	for (i = 0; i < SPACES; i++)
		need_ok(close(space[i]));
	unload_and_check();
}

static const struct test tests[] = {
	{ "unused", unused, T_DEVICE },
	{ "control open", by_control, T_DEVICE },
	{ "a space open", by_space, T_DEVICE },
	{ "a mapping alone", by_mapping, T_DEVICE },
	{ "a named space", by_name, T_DEVICE },
	{ "a held frame", by_pipe, T_DEVICE },
	{ "another pool", with_pool, T_DEVICE },
	{ "nodes of tables that were just freed", nodes_in_limbo, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
