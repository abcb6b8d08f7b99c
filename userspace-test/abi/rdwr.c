// SPDX-License-Identifier: GPL-2.0-only
/*
 * read, write and lseek on a space are the mapping by another door: the same bytes, the same end.
 */
#include "test.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

#define NR	64UL
#define BYTES	(NR * PAGE - 100)	/* ends within a page */
#define RW	(PROT_READ | PROT_WRITE)

static char *path;
static u8 *model, *m, *buf;
static int fd;
static u32 id;

static void begin(void)
{
	pool_use(2 * MIB);
	path = file_make("file", BYTES, 1);
	model = model_make(BYTES, 1);
	memset(model + BYTES, 0, NR * PAGE - BYTES);
	buf = aligned_alloc(PAGE, NR * PAGE);
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

static void end(void)
{
	expect(bytes_are(m, model, BYTES, 0), "the mapping in the end");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect_file(path, model, BYTES);
}

/* Bytes that differ from the model's by a version. */
static const u8 *fresh(u64 at, u64 len, u64 version)
{
	static u8 *other;
	u64 vpn;

	free(other);
	other = aligned_alloc(PAGE, NR * PAGE);
	for (vpn = 0; vpn < NR; vpn++)
		page_fill(other + vpn * PAGE, vpn, version);
	memcpy(model + at, other + at, len);
	return other + at;
}

static void reads(void)
{
	static const struct {
		u64 at, len;
	} all[] = {
		{ 0, 1 },
		{ 0, PAGE },
		{ 0, BYTES },
		{ 1, PAGE },
		{ PAGE - 1, 2 },
		{ PAGE - 1, 2 * PAGE },
		{ 7 * PAGE + 3, 9 * PAGE + 5 },
		{ BYTES - 1, 1 },
		{ BYTES - PAGE, PAGE },
	};
	struct iovec iov[3];
	u64 i;

	begin();
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		expect(pread(fd, buf, all[i].len, all[i].at) == (ssize_t)all[i].len,
		       "pread %ju at %ju", (uintmax_t)all[i].len, (uintmax_t)all[i].at);
		expect(bytes_are(buf, model + all[i].at, all[i].len, all[i].at), "what pread read");
	}
	/* The end. */
	expect(pread(fd, buf, 10 * PAGE, BYTES - 5) == 5, "a read across the end is short");
	expect(bytes_are(buf, model + BYTES - 5, 5, BYTES - 5), "the last five bytes");
	expect(pread(fd, buf, 10, BYTES) == 0, "a read at the end gives 0");
	expect(pread(fd, buf, 10, BYTES + 100 * PAGE) == 0, "a read past the end gives 0");
	expect(pread(fd, buf, 0, 0) == 0, "a read of nothing gives 0");
	expect_errno(pread(fd, buf, 10, -1), EINVAL);
	/* In sequence: the position moves. */
	need_ok(lseek(fd, 0, SEEK_SET));
	for (i = 0; i < BYTES; i += 10007)
		expect(read(fd, buf + i, 10007) == (ssize_t)(BYTES - i < 10007 ? BYTES - i : 10007),
		       "read at %ju", (uintmax_t)i);
	expect(read(fd, buf, 10) == 0, "read at the end");
	expect(bytes_are(buf, model, BYTES, 0), "what was read in sequence");
	/* Scattered. */
	iov[0] = (struct iovec){ buf + 10 * PAGE, 5 };
	iov[1] = (struct iovec){ buf + 5, 3 * PAGE };
	iov[2] = (struct iovec){ buf + 20 * PAGE, 17 };
	expect(preadv(fd, iov, 3, 77) == (ssize_t)(22 + 3 * PAGE), "preadv");
	expect(bytes_are(iov[0].iov_base, model + 77, 5, 77), "first piece");
	expect(bytes_are(iov[1].iov_base, model + 82, 3 * PAGE, 82), "second piece");
	expect(bytes_are(iov[2].iov_base, model + 82 + 3 * PAGE, 17, 82 + 3 * PAGE), "third piece");
	end();
}

static void writes(void)
{
	struct iovec iov[2];
	u64 at, len;

	begin();
	/* write, then look through the mapping; store, then read. */
	for (at = 3, len = 1; at + len < BYTES; at += len + 4000, len = len * 2 + 1) {
		expect(pwrite(fd, fresh(at, len, 2), len, at) == (ssize_t)len, "pwrite %ju at %ju",
		       (uintmax_t)len, (uintmax_t)at);
		expect(bytes_are(m, model, BYTES, 0), "the mapping after a write");
	}
	for (at = 5, len = 1; at + len < BYTES; at += len + 5000, len = len * 2 + 1) {
		memcpy(m + at, fresh(at, len, 3), len);
		expect(pread(fd, buf, BYTES, 0) == (ssize_t)BYTES, "pread");
		expect(bytes_are(buf, model, BYTES, 0), "a read after a store");
	}
	make_absent(fd, m, NR * PAGE);
	expect(pwrite(fd, fresh(9 * PAGE + 9, 5, 4), 5, 9 * PAGE + 9) == 5, "into an absent page");
	expect(pwrite(fd, fresh(20 * PAGE, PAGE, 4), PAGE, 20 * PAGE) == (ssize_t)PAGE,
	       "all of an absent page");
	expect(bytes_are(m, model, BYTES, 0), "the mapping after writes to absent pages");
	/* Gathered, and at the position. */
	fresh(30 * PAGE + 1, 2 * PAGE, 5);
	iov[0] = (struct iovec){ model + 30 * PAGE + 1, 100 };
	iov[1] = (struct iovec){ model + 30 * PAGE + 101, 2 * PAGE - 100 };
	need_ok(lseek(fd, 30 * PAGE + 1, SEEK_SET));
	expect(writev(fd, iov, 2) == (ssize_t)(2 * PAGE), "writev");
	expect(lseek(fd, 0, SEEK_CUR) == 32 * PAGE + 1, "the position after writev");
	expect(pwrite(fd, buf, 0, 5) == 0, "a write of nothing gives 0");
	end();
}

/* A space does not grow by writing: short up to the end, then ENOSPC, as on a block device. */
static void writes_at_the_end(void)
{
	begin();
	expect(pwrite(fd, fresh(BYTES - 3, 3, 2), 3, BYTES - 3) == 3, "the last three bytes");
	expect(pwrite(fd, fresh(BYTES - 10, 10, 3), 500, BYTES - 10) == 10,
	       "a write across the end is short");
	expect_errno(pwrite(fd, buf, 1, BYTES), ENOSPC);
	expect_errno(pwrite(fd, buf, PAGE, BYTES + 50 * PAGE), ENOSPC);
	need_ok(lseek(fd, 0, SEEK_END));
	expect_errno(write(fd, buf, 1), ENOSPC);
	expect(bytes_zero(m + BYTES, NR * PAGE - BYTES, BYTES), "bytes past the end");
	end();
}

static void seeks(void)
{
	int two;

	begin();
	expect(lseek(fd, 0, SEEK_CUR) == 0, "a new descriptor is at 0");
	expect(lseek(fd, 0, SEEK_END) == BYTES, "SEEK_END");
	expect(lseek(fd, -7, SEEK_END) == BYTES - 7, "SEEK_END - 7");
	expect(lseek(fd, 5, SEEK_SET) == 5, "SEEK_SET");
	expect(lseek(fd, 6, SEEK_CUR) == 11, "SEEK_CUR");
	expect_errno(lseek(fd, -12, SEEK_CUR), EINVAL);
	expect_errno(lseek(fd, -1, SEEK_SET), EINVAL);
	expect_errno(lseek(fd, 0, 99), EINVAL);
	expect(lseek(fd, 0, SEEK_CUR) == 11, "a refused seek moved the position");
	two = need_ok(dup(fd));
	expect(read(two, buf, 9) == 9, "read");
	expect(lseek(fd, 0, SEEK_CUR) == 20, "dup shares the position");
	expect(pread(fd, buf, 9, 100) == 9 && lseek(fd, 0, SEEK_CUR) == 20,
	       "pread moved the position");
	need_ok(close(two));
	end();
}

/* The user's buffer is the very page, its neighbour, an absent one: faults inside the copy. */
static void buffer_in_the_mapping(void)
{
	u64 round;

	begin();
	for (round = 0; round < 2; round++) {
		make_absent(fd, m, NR * PAGE);
		expect(pread(fd, m + 10 * PAGE, 2 * PAGE, 3 * PAGE) == (ssize_t)(2 * PAGE), "read");
		memcpy(model + 10 * PAGE, model + 3 * PAGE, 2 * PAGE);
		make_absent(fd, m, NR * PAGE);
		expect(pwrite(fd, m + 20 * PAGE + 5, 3 * PAGE, 40 * PAGE + 7) ==
			       (ssize_t)(3 * PAGE),
		       "write");
		memcpy(model + 40 * PAGE + 7, model + 20 * PAGE + 5, 3 * PAGE);
		make_absent(fd, m, NR * PAGE);
		expect(pread(fd, m + 8 * PAGE, PAGE, 8 * PAGE) == (ssize_t)PAGE,
		       "a page into itself");
		make_absent(fd, m, NR * PAGE);
		expect(pwrite(fd, m + 9 * PAGE, PAGE, 9 * PAGE) == (ssize_t)PAGE,
		       "a page from itself");
		make_absent(fd, m, NR * PAGE);
		/* Half a page onto its other half. */
		expect(pwrite(fd, m + 12 * PAGE, 2048, 12 * PAGE + 2048) == 2048, "half a page");
		memcpy(model + 12 * PAGE + 2048, model + 12 * PAGE, 2048);
		make_absent(fd, m, NR * PAGE);
		expect(pread(fd, m + 13 * PAGE + 2048, 2048, 13 * PAGE) == 2048, "half a page");
		memcpy(model + 13 * PAGE + 2048, model + 13 * PAGE, 2048);
		expect(bytes_are(m, model, BYTES, 0), "the mapping");
	}
	end();
}

static u64 pages_read(void)
{
	struct framepool_space s;

	space_info(fd, &s);
	return s.fills;
}

/* What is overwritten as a whole is not read before; what is not is. */
static void whole_pages(void)
{
	u64 read;

	begin();
	if (!plain)
		make_absent(fd, m, NR * PAGE);
	read = plain ? 0 : pages_read();
	expect(pwrite(fd, fresh(0, 16 * PAGE, 2), 16 * PAGE, 0) == 16 * PAGE, "16 pages");
	expect(plain || pages_read() == read, "%ju pages were read for 16 whole ones",
	       (uintmax_t)(pages_read() - read));
	expect(pwrite(fd, fresh(20 * PAGE + 1, 3 * PAGE, 3), 3 * PAGE, 20 * PAGE + 1) == 3 * PAGE,
	       "two whole pages and two parts");
	expect(plain || pages_read() >= read + 2, "parts of pages were not read");
	expect(bytes_are(m, model, BYTES, 0), "the mapping");
	need_ok(fsync(fd));
	expect_file(path, model, BYTES);
	end();
}

/* Whatever a program's buffer lacks, the page has its old bytes, or its new ones. */
static void half_a_buffer(void)
{
	u8 *edge = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t n;

	begin();
	need_ok(munmap(edge + PAGE, PAGE));
	memset(edge, 0x5a, PAGE);
	if (!plain)
		make_absent(fd, m, NR * PAGE);
	n = pwrite(fd, edge + PAGE / 2, PAGE, 5 * PAGE);
	expect(n == PAGE / 2 || (n < 0 && errno == EFAULT), "pwrite gave %zd", n);
	if (n > 0)
		memset(model + 5 * PAGE, 0x5a, n);
	else
		expect(page_is(m + 5 * PAGE, 5, 1), "the page that was not written");
	end();
}

static void bad_buffers(void)
{
	u8 *edge = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u8 *volatile nowhere = NULL;
	ssize_t n;

	begin();
	need_ok(munmap(edge + PAGE, PAGE));
	expect_errno(pread(fd, nowhere, PAGE, 0), EFAULT);
	expect_errno(pwrite(fd, nowhere, PAGE, 0), EFAULT);
	expect_errno(pread(fd, edge + PAGE, PAGE, 5 * PAGE), EFAULT);
	expect_errno(pwrite(fd, edge + PAGE, PAGE, 5 * PAGE), EFAULT);
	expect(bytes_are(m, model, BYTES, 0), "the mapping after bad pointers");
	/* Half good: what was moved counts. */
	n = pread(fd, edge + PAGE - 10, 20, 7);
	expect(n == 10 || (n < 0 && errno == EFAULT), "pread gave %zd", n);
	if (n == 10)
		expect(bytes_are(edge + PAGE - 10, model + 7, 10, 7), "the good half");
	memset(edge + PAGE - 10, 0x5a, 10);
	n = pwrite(fd, edge + PAGE - 10, 20, 9);
	expect(n == 10 || (n < 0 && errno == EFAULT), "pwrite gave %zd", n);
	if (n == 10)
		memset(model + 9, 0x5a, 10);
	else
		memcpy(model + 9, m + 9, 10);
	end();
}

static void read_only(void)
{
	int ro;

	begin();
	ro = space_attach(path, O_RDONLY);
	expect_errno(write(ro, "x", 1), EBADF);
	expect_errno(pwrite(ro, "x", 1, 0), EBADF);
	memcpy(m + 3, fresh(3, 5000, 2), 5000);
	expect(pread(ro, buf, BYTES, 0) == (ssize_t)BYTES, "pread");
	expect(bytes_are(buf, model, BYTES, 0), "what the read-only one reads");
	need_ok(close(ro));
	end();
}

/* A write with O_SYNC, O_DSYNC, RWF_SYNC or RWF_DSYNC is on the medium when it returns. */
static void synchronous(void)
{
	static const struct {
		int oflags, rwf;
		const char *name;
	} all[] = {
		{ O_SYNC, 0, "O_SYNC" }, { O_DSYNC, 0, "O_DSYNC" }, { 0, RWF_DSYNC, "RWF_DSYNC" },
		{ 0, RWF_SYNC, "RWF_SYNC" },
	};
	struct iovec iov;
	u64 i, bytes;
	u8 *is;
	int s;

	begin();
	if (!plain)
		space_name(path, "t.sync", O_RDWR);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		s = need_ok(plain ? open(path, O_RDWR | all[i].oflags) :
				    node_open("t.sync", O_RDWR | all[i].oflags));
		iov.iov_len = 2 * PAGE;
		iov.iov_base = (void *)fresh(7 * PAGE + 99 + i * 3 * PAGE, 2 * PAGE, 2 + i);
		expect(pwritev2(s, &iov, 1, 7 * PAGE + 99 + i * 3 * PAGE, all[i].rwf) ==
			       (ssize_t)(2 * PAGE),
		       "%s: %s", all[i].name, strerror(errno));
		is = file_load(path, &bytes);
		expect(bytes_are(is, model, BYTES, 0), "the file after a write with %s",
		       all[i].name);
		free(is);
		need_ok(close(s));
	}
	if (!plain)
		need_ok(detach("t.sync"));
	end();
}

/* A space does not grow by writing: at its end there is no room. */
static void appends(void)
{
	struct iovec iov = { .iov_len = 10 };

	begin();
	iov.iov_base = buf;
	memset(buf, 1, 10);
	expect_errno(pwritev2(fd, &iov, 1, 0, RWF_APPEND), ENOSPC);
	need_ok(fcntl(fd, F_SETFL, O_APPEND));
	expect_errno(pwrite(fd, buf, 10, 0), ENOSPC);
	need_ok(fcntl(fd, F_SETFL, 0));
	end();
}

/* Out by sendfile and splice, to a file and through a pipe. */
static void spliced(void)
{
	int out, p[2];
	off_t off = 0;
	loff_t at;
	u64 done;
	ssize_t n;

	begin();
	memcpy(m + 100, fresh(100, 9000, 2), 9000);
	out = need_ok(open(file_path("out"), O_RDWR | O_CREAT | O_TRUNC, 0600));
	while (off < (off_t)BYTES) {
		n = sendfile(out, fd, &off, BYTES - off);
		need(n > 0, "sendfile at %jd: %s", (intmax_t)off, n ? strerror(errno) : "end");
	}
	expect(sendfile(out, fd, &off, 10) == 0, "sendfile at the end");
	expect(pread(out, buf, BYTES, 0) == (ssize_t)BYTES, "pread");
	expect(bytes_are(buf, model, BYTES, 0), "what sendfile sent");
	make_absent(fd, m, NR * PAGE);
	need_ok(pipe(p));
	for (at = 5, done = 0; (u64)at < BYTES; done += n) {
		n = splice(fd, &at, p[1], NULL, 3 * PAGE + 1, 0);
		need(n > 0, "splice at %jd: %s", (intmax_t)at, n ? strerror(errno) : "end");
		need(read(p[0], buf + done, n) == n, "pipe");
	}
	expect(done == BYTES - 5, "splice gave %ju bytes", (uintmax_t)done);
	expect(bytes_are(buf, model + 5, BYTES - 5, 5), "what splice spliced");
	end();
}

/* Everything at once in the style of fsx: random doors, one model. */
static void random_doors(void)
{
	u64 ops = scaled(12000), i, at, len, version = 10;
	struct framepool_range range;
	struct rnd r;
	ssize_t n;

	begin();
	rnd_init(&r, 1);
	for (i = 0; i < ops; i++) {
		at = rnd_below(&r, BYTES);
		len = 1 + rnd_below(&r, rnd_next(&r) & 1 ? 100 : 5 * PAGE);
		if (len > BYTES - at)
			len = BYTES - at;
		switch (rnd_below(&r, 40)) {
		case 0 ... 9:
			memcpy(m + at, fresh(at, len, ++version), len);
			break;
		case 10 ... 19:
			expect(bytes_are(m + at, model + at, len, at), "op %ju: load",
			       (uintmax_t)i);
			break;
		case 20 ... 27:
			n = pwrite(fd, fresh(at, len, ++version), len, at);
			need(n == (ssize_t)len, "op %ju: pwrite gave %zd", (uintmax_t)i, n);
			break;
		case 28 ... 35:
			n = pread(fd, buf, len, at);
			need(n == (ssize_t)len, "op %ju: pread gave %zd", (uintmax_t)i, n);
			expect(bytes_are(buf, model + at, len, at), "op %ju: pread", (uintmax_t)i);
			break;
		case 36:
			make_absent(fd, m, NR * PAGE);
			break;
		case 37:
			need_ok(msync(m + at / PAGE * PAGE, PAGE, MS_SYNC));
			break;
		case 38:
			need_ok(madvise(m, NR * PAGE, MADV_DONTNEED));
			break;
		case 39:
			if (!plain)
				need_ok(range_op(fd, FRAMEPOOL_EVICT, at / PAGE * PAGE, PAGE,
						 &range));
			break;
		}
		if (failures())
			break;
	}
	end();
}

static const struct test tests[] = {
	{ "read, pread, readv", reads, 0 },
	{ "write, pwrite, writev", writes, 0 },
	{ "writing at the end: short, then ENOSPC", writes_at_the_end, T_DEVICE },
	{ "lseek", seeks, 0 },
	{ "buffers inside the mapping", buffer_in_the_mapping, 0 },
	{ "whole pages are not read before", whole_pages, 0 },
	{ "half a buffer for an absent page", half_a_buffer, 0 },
	{ "bad buffers", bad_buffers, 0 },
	{ "a read-only space", read_only, 0 },
	{ "synchronous writes", synchronous, 0 },
	{ "appending: ENOSPC", appends, T_DEVICE },
	{ "sendfile and splice", spliced, 0 },
	{ "random doors, one model", random_doors, 0 },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
