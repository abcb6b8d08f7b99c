// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every function of the library once against the module, as root, with files of its own in DIR.
 * Prints TAP. What the commands do in depth is tested in ../abi.
 */
#include <errno.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../lib/framepool.h"

#define PAGE	4096
#define PAGES	64

static int nr_tests, nr_failed, control;
static char path[4096], fifo[4200], empty[4200];

static void ok(bool passed, const char *name)
{
	nr_failed += !passed;
	printf("%sok %d - %s\n", passed ? "" : "not ", ++nr_tests, name);
	fflush(stdout);
}

/* PAGES pages, each full of its own number. */
static void make_file(const char *dir)
{
	unsigned char page[PAGE];
	int fd, i;

	snprintf(path, sizeof(path), "%s/test-lib.dat", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (i = 0; i < PAGES; i++) {
		memset(page, i + 1, PAGE);
		if (fd < 0 || write(fd, page, PAGE) != PAGE)
			err(1, "%s", path);
	}
	fsync(fd);
	close(fd);
	snprintf(fifo, sizeof(fifo), "%s/test-lib.fifo", dir);
	snprintf(empty, sizeof(empty), "%s/test-lib.empty", dir);
	if (mkfifo(fifo, 0600) || mknod(empty, S_IFREG | 0600, 0))
		err(1, "%s", dir);
}

static unsigned char byte_of_file(off_t offset)
{
	unsigned char byte = 0;
	int fd = open(path, O_RDONLY);

	if (pread(fd, &byte, 1, offset) != 1)
		byte = 0;
	close(fd);
	return byte;
}

static void test_names(void)
{
	char name[65];

	memset(name, 'a', 64);
	name[64] = '\0';
	ok(!framepool_name_valid(name), "a name of 64 is too long");
	ok(framepool_detach(control, name) == -EINVAL, "detach says so");
	name[63] = '\0';
	ok(framepool_name_valid(name), "a name of 63 is not");
	ok(!framepool_name_valid("") && !framepool_name_valid(".") && !framepool_name_valid("..") &&
	   !framepool_name_valid("control") && !framepool_name_valid("a/b"), "reserved names");
	ok(framepool_open_space("../null", O_RDONLY) == -EINVAL, "a path is no name");
	ok(framepool_detach(control, "nothing-here") == -ENOENT, "detach of nothing");
}

static void test_mapping(void)
{
	struct framepool_mapping m = { .fd = 4711 };
	unsigned char *byte;

	ok(framepool_map_file(path, 1U << 31, NULL, &m) == -EINVAL, "unknown flags");
	ok(framepool_map_file("/nonexistent", 0, NULL, &m) == -ENOENT, "no such file");
	ok(framepool_map_file(path, 0, "no-such-pool", &m) == -ENOENT, "no such pool");
	ok(framepool_map_file(path, FRAMEPOOL_MAP_WRITE | FRAMEPOOL_MAP_PRIVATE, NULL, &m) == -EINVAL,
	   "shared and private");
	ok(framepool_map_file("/", 0, NULL, &m) == -EISDIR, "a directory");
	ok(framepool_map_file("/dev/null", 0, NULL, &m) == -EINVAL, "no file and no block device");
	ok(framepool_map_file(fifo, 0, NULL, &m) == -EINVAL &&
	   framepool_map_file(fifo, FRAMEPOOL_MAP_WRITE, NULL, &m) == -EINVAL, "a pipe, at once");
	ok(framepool_map_file(empty, 0, NULL, &m) == -ENODATA, "an empty file");
	ok(framepool_map_file(path, 0,
			      "a-name-that-is-longer-than-the-63-characters-that-a-pool-may-have",
			      &m) == -EINVAL, "a name that is too long");
	ok(m.fd == 4711, "the mapping is untouched by all that");
	ok(!framepool_map_file(path, 0, NULL, &m), "map a file for reading");
	byte = m.addr;
	ok(m.pooled && m.length == PAGES * PAGE, "it is pooled and has the file's size");
	ok(fcntl(m.fd, F_GETFD) == FD_CLOEXEC && !(fcntl(m.fd, F_GETFL) & O_NONBLOCK),
	   "its descriptor is as usual");
	ok(byte[0] == 1 && byte[PAGES * PAGE - 1] == PAGES, "it has the file's bytes");
	ok(!framepool_unmap(&m), "unmap");

	ok(!framepool_map_file(path, FRAMEPOOL_MAP_PRIVATE, "default", &m), "map privately");
	byte = m.addr;
	byte[0] = 99;
	framepool_unmap(&m);
	ok(byte_of_file(0) == 1, "a private store stays private");

	ok(!framepool_map_file(path, FRAMEPOOL_MAP_WRITE, "", &m), "map for writing");
	byte = m.addr;
	byte[PAGE] = 99;
	ok(!msync(m.addr, m.length, MS_SYNC) && byte_of_file(PAGE) == 99, "msync writes it back");
	framepool_unmap(&m);
}

/* Does each function that takes a control descriptor answer @error for @fd? */
static bool control_refused(int fd, int error)
{
	struct framepool_pool_create create;
	struct framepool_attach attach;
	struct framepool_space space;
	struct framepool_wset wset;
	struct framepool_pool pool;
	bool all = true;
	size_t i;

	FRAMEPOOL_INIT(&create);
	FRAMEPOOL_INIT(&attach);
	FRAMEPOOL_INIT(&space);
	FRAMEPOOL_INIT(&wset);
	FRAMEPOOL_INIT(&pool);
	create.bytes = 2 << 20;
	strcpy(create.name, "none");
	const int got[] = {
		framepool_attach(fd, &attach),
		framepool_attach_path(fd, path, &attach),
		framepool_detach(fd, "none"),
		framepool_next_space(fd, &space),
		framepool_find_space(fd, "none", &space),
		framepool_pool_create(fd, &create),
		framepool_pool_destroy(fd, "none"),
		framepool_pool_set_policy(fd, NULL, "clock"),
		framepool_next_wset(fd, NULL, &wset),
		framepool_get_wset(fd, NULL, 0, &wset),
		framepool_limit_wset(fd, NULL, 0, 0, 100),
		framepool_next_pool(fd, &pool),
		framepool_find_pool(fd, NULL, &pool),
	};
	for (i = 0; i < sizeof(got) / sizeof(*got); i++) {
		if (got[i] != error)
			printf("# function %zu of a control descriptor: %d\n", i, got[i]);
		all = all && got[i] == error;
	}
	return all && attach.fd == -1;
}

/* The same for those that take a space's. */
static bool space_refused(int fd, int error)
{
	struct framepool_advise advise;
	struct framepool_errors errors;
	struct framepool_record record;
	struct framepool_span span = { .length = PAGE };
	struct framepool_space info;
	struct framepool_range range;
	unsigned char bitmap[PAGES / 8];
	uint64_t refs[8], ticket;
	bool all = true;
	size_t i;

	FRAMEPOOL_INIT(&advise);
	FRAMEPOOL_INIT(&errors);
	FRAMEPOOL_INIT(&record);
	FRAMEPOOL_INIT(&info);
	FRAMEPOOL_INIT(&range);
	record.refs = (uintptr_t)refs;
	record.nr = 8;
	const int got[] = {
		framepool_space_info(fd, &info),
		framepool_errors(fd, &errors),
		framepool_wait_error(fd, -1),
		framepool_prefetch_start(fd, &span, 1, -1, &ticket),
		framepool_prefetch_result(fd, 1, &span, 1),
		framepool_prefetch(fd, &range),
		framepool_evict(fd, &range),
		framepool_pin(fd, &range),
		framepool_unpin(fd, &range),
		framepool_hold(fd, &range),
		framepool_release(fd, &range),
		framepool_sync(fd, &range),
		framepool_advise(fd, &advise),
		framepool_record_start(fd),
		framepool_record(fd, &record),
		framepool_residency(fd, 0, 0, bitmap, NULL),
		framepool_resize(fd, PAGE),
		framepool_set_block(fd, FRAMEPOOL_BLOCK_1),
	};
	for (i = 0; i < sizeof(got) / sizeof(*got); i++) {
		if (got[i] != error)
			printf("# function %zu of a space's descriptor: %d\n", i, got[i]);
		all = all && got[i] == error;
	}
	return all;
}

static void test_descriptors(int space)
{
	int file = open(path, O_RDONLY);

	ok(control_refused(-1, -EBADF) && control_refused(9999, -EBADF), "no control descriptor");
	ok(control_refused(file, -ENOTTY) && control_refused(space, -ENOTTY), "nor is this one");
	ok(space_refused(-1, -EBADF) && space_refused(9999, -EBADF), "no space's descriptor");
	ok(space_refused(file, -ENOTTY) && space_refused(control, -ENOTTY), "nor is this one");
	close(file);
}

/* Each call on a range with one wrong field. */
static void test_bad_ranges(int space)
{
	static int (*const calls[])(int, struct framepool_range *) = {
		framepool_prefetch, framepool_evict, framepool_pin,	framepool_unpin,
		framepool_hold,	    framepool_sync,  framepool_release,
	};
	static const struct framepool_range bad[] = {
		{ .size = sizeof(bad[0]), .offset = 1 },
		{ .size = sizeof(bad[0]), .length = (PAGES + 1) * PAGE },
		{ .size = sizeof(bad[0]), .offset = -(uint64_t)PAGE, .length = 2 * PAGE },
		{ .size = sizeof(bad[0]), .length = PAGE, .flags = 1U << 31 },
		{ .size = 3, .length = PAGE },
	};
	struct framepool_range range;
	bool all = true;
	size_t i, k;

	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		all = all && calls[i](space, NULL) == -EFAULT;
		for (k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
			range = bad[k];
			if (calls[i](space, &range) != -EINVAL) {
				printf("# call %zu took range %zu\n", i, k);
				all = false;
			}
		}
	}
	ok(all, "ranges that are none");
	ok(framepool_residency(space, 0, 0, NULL, NULL) == -EFAULT &&
	   framepool_residency(space, 1, 0, NULL, NULL) == -EINVAL, "no bitmap, no offset");
	ok(framepool_resize(space, 0) == -EINVAL && framepool_resize(space, UINT64_MAX) == -EINVAL,
	   "no size of a file");
}

static void test_ranges(int space)
{
	struct framepool_advise advise;
	struct framepool_record record;
	struct framepool_range range;
	unsigned char bitmap[PAGES / 8];
	uint64_t refs[8];
	uint64_t resident = 0;

	FRAMEPOOL_INIT(&range);
	ok(!framepool_prefetch(space, &range) && range.done + range.already == PAGES, "prefetch");
	FRAMEPOOL_INIT(&advise);
	advise.advice = FRAMEPOOL_ADVICE_NOREUSE;
	ok(!framepool_advise(space, &advise) && advise.done == PAGES, "advise");
	advise.advice = 77;
	ok(framepool_advise(space, &advise) == -EINVAL, "no such advice");
	ok(!framepool_residency(space, 0, 0, bitmap, &resident) && resident == PAGES &&
	   bitmap[0] == 0xff && bitmap[PAGES / 8 - 1] == 0xff, "residency");
	FRAMEPOOL_INIT(&range);
	range.length = PAGE;
	ok(!framepool_pin(space, &range) && range.done == 1, "pin a page");
	FRAMEPOOL_INIT(&range);
	ok(!framepool_evict(space, &range) && range.done == PAGES - 1 && range.pinned == 1,
	   "evict the others");
	FRAMEPOOL_INIT(&range);
	ok(!framepool_unpin(space, &range) && range.done == 1, "unpin it");
	FRAMEPOOL_INIT(&range);
	range.length = PAGE;
	ok(!framepool_hold(space, &range) && range.done == 1, "hold a page");
	FRAMEPOOL_INIT(&range);
	ok(!framepool_release(space, &range) && !range.written, "release it");
	FRAMEPOOL_INIT(&record);
	record.refs = (uintptr_t)refs;
	record.nr = 8;
	ok(framepool_record(space, &record) == -ENODATA, "nothing is recorded");
	ok(!framepool_record_start(space), "record");
	ok(framepool_record_start(space) == -EBUSY, "once");
	ok(pwrite(space, "x", 1, 2 * PAGE) == 1, "write to the device");
	ok(!framepool_record(space, &record) && record.nr == 1 &&
	   refs[0] == (2 | FRAMEPOOL_REF_WRITE), "it is recorded");
	FRAMEPOOL_INIT(&range);
	ok(!framepool_sync(space, &range) && range.done == 1 && byte_of_file(2 * PAGE) == 'x', "sync");
}

static void test_wait_error(int space)
{
	int file = open(path, O_RDONLY), ends[2];

	ok(framepool_wait_error(space, 0) == -ETIMEDOUT, "no write has failed");
	ok(framepool_wait_error(space, 10) == -ETIMEDOUT, "nor does one");
	ok(framepool_wait_error(-1, -1) == -EBADF && framepool_wait_error(9999, -1) == -EBADF,
	   "no descriptor to wait on");
	/* A file would be ready at once, a pipe never. */
	ok(!pipe(ends) && framepool_wait_error(file, -1) == -ENOTTY &&
	   framepool_wait_error(ends[0], -1) == -ENOTTY &&
	   framepool_wait_error(control, -1) == -ENOTTY, "descriptors of something else");
	close(file);
	close(ends[0]);
	close(ends[1]);
}

static void test_space(void)
{
	struct framepool_space info;
	struct framepool_attach attach;
	struct stat st;
	int space;

	FRAMEPOOL_INIT(&attach);
	strcpy(attach.name, "test-lib");
	ok(!framepool_attach_path(control, path, &attach) && attach.fd == -1, "attach by path");
	FRAMEPOOL_INIT(&info);
	ok(!framepool_find_space(control, "test-lib", &info) && info.space == attach.space &&
	   info.bytes == PAGES * PAGE, "find it");
	space = framepool_open_space("test-lib", O_RDWR);
	ok(space >= 0, "open it");
	FRAMEPOOL_INIT(&info);
	ok(!framepool_space_info(space, &info) && !strcmp(info.name, "test-lib"), "its info");
	test_descriptors(space);
	test_bad_ranges(space);
	test_ranges(space);
	test_wait_error(space);
	ok(!framepool_set_block(space, FRAMEPOOL_BLOCK_16), "set the block type");
	ok(framepool_set_block(space, 6) == -EINVAL, "there are five block types, and AUTO");
	ok(!framepool_resize(space, 3 * PAGE) && !stat(path, &st) && st.st_size == 3 * PAGE, "resize");
	ok(framepool_detach(control, "test-lib") == -EBUSY, "no detach while it is open");
	close(space);
	ok(!framepool_detach(control, "test-lib"), "detach");
	FRAMEPOOL_INIT(&info);
	ok(framepool_find_space(control, "test-lib", &info) == -ENOENT, "it is gone");
}

static void test_pools(void)
{
	struct framepool_pool_create create;
	struct framepool_wset wset;
	struct framepool_pool pool;

	FRAMEPOOL_INIT(&create);
	create.bytes = 8 << 20;
	create.node = -1;
	strcpy(create.name, "second");
	ok(!framepool_pool_create(control, &create), "create a pool");
	ok(framepool_pool_create(control, &create) == -EEXIST, "not twice");
	FRAMEPOOL_INIT(&pool);
	ok(!framepool_find_pool(control, "second", &pool) && pool.frames == 2048, "find it");
	FRAMEPOOL_INIT(&pool);
	ok(!framepool_find_pool(control, NULL, &pool) && !strcmp(pool.name, "default"),
	   "find the default one");
	ok(!framepool_pool_set_policy(control, "second", "lru2"), "replace its policy");
	FRAMEPOOL_INIT(&pool);
	ok(!framepool_find_pool(control, "second", &pool) && !strcmp(pool.policy, "lru2"),
	   "it has it");
	ok(framepool_pool_set_policy(control, "second", "nonsense") == -EINVAL &&
	   framepool_pool_set_policy(control, "second", "clock-and-much-more") == -EINVAL &&
	   framepool_pool_set_policy(control, "third", "clock") == -ENOENT,
	   "no such policy, no such pool");
	FRAMEPOOL_INIT(&wset);
	ok(framepool_next_wset(control, "second", &wset) == 1 && !wset.id && !wset.pid &&
	   framepool_next_wset(control, "second", &wset) == 0,
	   "nothing but its common set");
	FRAMEPOOL_INIT(&wset);
	ok(framepool_next_wset(control, "third", &wset) == -ENOENT &&
	   framepool_get_wset(control, "third", 0, &wset) == -ENOENT &&
	   framepool_get_wset(control, "second", 0, &wset) == -ESRCH &&
	   framepool_limit_wset(control, "second", 0, 0, 100) == -ESRCH,
	   "no such pool, nothing mapped");
	ok(!framepool_pool_destroy(control, "second"), "destroy it");
	ok(framepool_pool_destroy(control, "second") == -ENOENT, "not twice");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: test-lib DIR");
	make_file(argv[1]);
	control = framepool_open();
	ok(control >= 0, "open the control node");
	test_names();
	test_mapping();
	test_space();
	test_pools();
	close(control);
	unlink(path);
	unlink(fifo);
	unlink(empty);
	printf("1..%d\n", nr_tests);
	return nr_failed != 0;
}
