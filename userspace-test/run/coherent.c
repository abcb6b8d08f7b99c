// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ordinary program that maps files and reads, writes and resizes them by other calls, too. What
 * it demands holds with plain mmap; it knows nothing of pools. Prints TAP.
 *
 * usage: coherent DIRECTORY [quick]
 *	  coherent DIRECTORY full	it fills the file system: a store that has no room for its
 *					block is killed with plain mmap, so this is for pools
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096L
#define PAGES 64L
#define SIZE (PAGES * PAGE)

static int number, failed;
static char path[4096];
static char *map;
static int fd;

static void ok(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
	failed |= !good;
	fflush(stdout);
}

static void fill(int to, char letter, off_t from, size_t bytes)
{
	char *buffer = malloc(bytes);

	memset(buffer, letter, bytes);
	if (pwrite(to, buffer, bytes, from) != (ssize_t)bytes)
		perror("pwrite");
	free(buffer);
}

static int only(const char *bytes, char letter, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (bytes[i] != letter)
			return 0;
	return 1;
}

static off_t size_of(int of)
{
	struct stat st;

	return fstat(of, &st) ? -1 : st.st_size;
}

static void begin(int flags)
{
	unlink(path);
	fd = open(path, O_CREAT | O_TRUNC | flags, 0600);
	if (fd < 0) {
		perror(path);
		exit(1);
	}
	fill(fd, 'a', 0, SIZE);
	map = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
}

static void end(void)
{
	if (map)
		munmap(map, 2 * SIZE);
	close(fd);
}

static void test_read_and_write(void)
{
	struct iovec iov[2];
	char bytes[2 * PAGE];

	begin(O_RDWR);
	ok(only(map, 'a', SIZE), "what was written before is mapped");
	map[PAGE] = 'b';
	ok(pread(fd, bytes, 1, PAGE) == 1 && bytes[0] == 'b', "pread sees a store");
	fill(fd, 'c', 2 * PAGE + 1, 3);
	ok(!memcmp(map + 2 * PAGE, "accca", 5), "a mapping sees pwrite");
	ok(lseek(fd, PAGE, SEEK_SET) == PAGE && read(fd, bytes, 2) == 2 && !memcmp(bytes, "ba", 2),
	   "read sees a store");
	ok(write(fd, "dd", 2) == 2 && !memcmp(map + PAGE, "baddaa", 6),
	   "write goes on where read has ended");
	ok(lseek(fd, 0, SEEK_CUR) == PAGE + 4, "and moves the position");
	iov[0] = (struct iovec){ bytes, 3 };
	iov[1] = (struct iovec){ bytes + PAGE, 3 };
	ok(preadv(fd, iov, 2, PAGE) == 6 && !memcmp(bytes, "bad", 3) &&
	   !memcmp(bytes + PAGE, "daa", 3), "preadv scatters");
	ok(pwritev(fd, iov, 2, 0) == 6 && !memcmp(map, "baddaa", 6), "pwritev gathers");
	ok(pread(fd, bytes, sizeof(bytes), SIZE - 5) == 5 && pread(fd, bytes, 1, SIZE) == 0,
	   "reading ends with the file");
	ok(pread(fd, bytes, 1, -1) == -1 && errno == EINVAL, "a negative offset is EINVAL");
	end();
}

static void test_other_descriptors(void)
{
	int copy, reader, writer, sync;
	char byte;

	begin(O_RDWR);
	copy = dup(fd);
	reader = open(path, O_RDONLY);
	writer = open(path, O_WRONLY);
	sync = open(path, O_WRONLY | O_DSYNC);
	close(fd);
	map[0] = 'e';
	ok(pread(copy, &byte, 1, 0) == 1 && byte == 'e', "a duplicate sees a store");
	ok(pread(reader, &byte, 1, 0) == 1 && byte == 'e', "and so does a descriptor for reading");
	ok(pwrite(writer, "f", 1, 1) == 1 && map[1] == 'f', "a descriptor for writing");
	ok(pwrite(sync, "g", 1, 2) == 1 && map[2] == 'g', "one that writes synchronously");
	ok(pwrite(reader, "x", 1, 0) == -1 && errno == EBADF, "one for reading does not write");
	ok(pread(writer, &byte, 1, 0) == -1 && errno == EBADF, "one for writing does not read");
	ok(dup2(reader, 100) == 100 && pread(100, &byte, 1, 2) == 1 && byte == 'g', "dup2");
	close(100);
	close(reader);
	close(writer);
	close(sync);
	fd = copy;
	end();
	fd = open(path, O_RDONLY);
	ok(pread(fd, &byte, 1, 2) == 1 && byte == 'g', "it is in the file when it is unmapped");
	close(fd);
}

static void test_size(void)
{
	char byte = 'x';
	int appending;

	begin(O_RDWR);
	fill(fd, 'h', SIZE, 100);
	ok(size_of(fd) == SIZE + 100 && only(map + SIZE, 'h', 100) && !map[SIZE + 100],
	   "a write past the end grows the file under the mapping");
	ok(!ftruncate(fd, SIZE + PAGE) && size_of(fd) == SIZE + PAGE && !map[SIZE + PAGE - 1],
	   "ftruncate grows it");
	map[SIZE + PAGE - 1] = 'i';
	ok(!ftruncate(fd, SIZE - 10) && size_of(fd) == SIZE - 10 &&
	   pread(fd, &byte, 1, SIZE - 10) == 0, "and cuts it");
	ok(!map[SIZE - 1], "what was cut off reads as zero");
	ok(!posix_fallocate(fd, 0, SIZE) && size_of(fd) == SIZE && !map[SIZE - 1],
	   "posix_fallocate grows it");
	appending = open(path, O_WRONLY | O_APPEND);
	ok(write(appending, "jkl", 3) == 3 && size_of(fd) == SIZE + 3 && map[SIZE + 2] == 'l',
	   "O_APPEND appends");
	close(appending);
	ok(!ftruncate(fd, 0) && !size_of(fd) && pread(fd, &byte, 1, 0) == 0,
	   "ftruncate to nothing");
	fill(fd, 'm', 0, PAGE + 1);
	ok(size_of(fd) == PAGE + 1 && only(map, 'm', PAGE + 1) && !map[PAGE + 1],
	   "and it grows again");
	appending = open(path, O_RDWR | O_TRUNC);
	ok(!size_of(fd), "O_TRUNC cuts");
	fill(appending, 'n', 0, 2);
	ok(map[0] == 'n' && map[1] == 'n' && !map[2], "and the mapping sees what comes then");
	close(appending);
	ok(ftruncate(fd, -1) == -1 && errno == EINVAL, "a negative size is EINVAL");
	end();
}

/* Writes 16 bytes from @at on, and then some that are not there to be read. */
static ssize_t write_half(off_t at)
{
	static char good[] = "0123456789abcdef";
	struct iovec iov[2] = { { good, 16 }, { NULL, 2 * PAGE } };

	return pwritev(fd, iov, 2, at);
}

static void test_half_written(void)
{
	struct iovec bad = { NULL, PAGE };

	begin(O_RDWR);
	ok(write_half(SIZE - PAGE) == 16 && size_of(fd) == SIZE &&
	   !memcmp(map + SIZE - PAGE, "0123456789abcdefa", 17) &&
	   only(map + SIZE - PAGE + 16, 'a', PAGE - 16),
	   "half a write that would have grown the file leaves what lies behind it");
	ok(write_half(SIZE - 8) == 16 && size_of(fd) == SIZE + 8 && map[SIZE + 7] == 'f' &&
	   !map[SIZE + 8], "or grows it as far as it has come");
	ok(pwritev(fd, &bad, 1, SIZE) == -1 && errno == EFAULT && size_of(fd) == SIZE + 8,
	   "and one of nothing not at all");
	ok(!ftruncate(fd, 0) && pwritev(fd, &bad, 1, 0) == -1 && errno == EFAULT && !size_of(fd),
	   "also where the file is empty");
	end();
}

/* What the file has on the disk, without what is only in memory: enough for a sparse one. */
static off_t allocated(int of)
{
	struct stat st;

	return fsync(of) || fstat(of, &st) ? -1 : st.st_blocks * 512;
}

static void test_far_end(void)
{
	off_t far = 1L << 40;
	char byte = 'x';

	begin(O_RDWR);
	ok(pwrite(fd, "e", 1, far) == 1 && size_of(fd) == far + 1, "a write far past the end");
	ok(pread(fd, &byte, 1, far) == 1 && byte == 'e' &&
	   pread(fd, &byte, 1, far / 2) == 1 && !byte, "is read, and nothing before it");
	ok(lseek(fd, 2 * far - 1, SEEK_SET) > 0 && write(fd, "f", 1) == 1 && size_of(fd) == 2 * far,
	   "and so is one at a position");
	ok(allocated(fd) < 8 * SIZE, "neither has taken blocks for what lies between");
	ok(!ftruncate(fd, SIZE) && only(map, 'a', SIZE), "and the file is cut again");
	end();
}

static void test_mremap(void)
{
	char *moved;

	begin(O_RDWR);
	munmap(map + SIZE, SIZE);
	fill(fd, 'o', SIZE, SIZE);
	moved = mremap(map, SIZE, 2 * SIZE, MREMAP_MAYMOVE);
	ok(moved != MAP_FAILED, "mremap grows a mapping");
	if (moved != MAP_FAILED)
		map = moved;
	ok(moved != MAP_FAILED && map[0] == 'a' && only(map + SIZE, 'o', SIZE),
	   "and it shows the rest");
	fill(fd, 'p', SIZE, 1);
	ok(map[SIZE] == 'p', "and is coherent there");
	munmap(map, SIZE);
	map[SIZE + 1] = 'q';
	ok(pread(fd, map + SIZE + PAGE, 2, SIZE) == 2 && !memcmp(map + SIZE + PAGE, "pq", 2),
	   "and so is its rest when a part was unmapped");
	end();
}

#define HOLES 166

/*
 * A mapping in 167 pieces, and one beside it: from the middle of a piece into the middle of the
 * other one is two more pieces, and what has moved. Who keeps a list of pieces, 170 to a page, and
 * gets that wrong has lost one.
 */
static void test_pieces(void)
{
	char *pieces, *other;
	int i, bad = 0;

	begin(O_RDWR);
	end();
	fd = open(path, O_RDWR);
	fill(fd, 'a', 0, 400 * PAGE);
	fill(fd, 'b', 350 * PAGE, PAGE);
	pieces = mmap(NULL, 400 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (i = 0; i < HOLES; i++)
		bad |= munmap(pieces + (2 * i + 1) * PAGE, PAGE);
	other = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(!bad && other != MAP_FAILED, "a mapping in many pieces");
	ok(mremap(pieces + 350 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other + 8 * PAGE) ==
	   other + 8 * PAGE, "a page of one goes into the middle of another mapping");
	ok(only(other, 'a', 8 * PAGE) && only(other + 8 * PAGE, 'b', PAGE) &&
	   only(other + 9 * PAGE, 'a', 7 * PAGE), "and is there");
	munmap(pieces, 400 * PAGE);
	munmap(other, 16 * PAGE);
	ok(!truncate(path, SIZE), "when all pieces are unmapped the file is a file like others");
	map = NULL;
	end();
}

static void test_sync(void)
{
	begin(O_RDWR);
	map[5] = 'r';
	ok(!fsync(fd) && !fdatasync(fd) && !msync(map, PAGE, MS_SYNC),
	   "fsync, fdatasync and msync");
	end();
}

static void test_read_only(void)
{
	char *shared, *private, byte;
	int reader;

	begin(O_RDWR);
	end();
	fd = open(path, O_RDONLY);
	shared = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	private = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	reader = open(path, O_RDWR);
	ok(pwrite(reader, "s", 1, 0) == 1 && shared[0] == 's', "a read-only mapping sees pwrite");
	ok(private[1] == 'a' && pread(fd, &byte, 1, 0) == 1 && byte == 's', "and a private one");
	ok(mprotect(shared, PAGE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES,
	   "and cannot be made writable");
	ok(!mprotect(private, PAGE, PROT_READ | PROT_WRITE) && (private[1] = 't') == 't' &&
	   shared[1] == 'a', "a private one can, and keeps it");
	close(reader);
	munmap(shared, SIZE);
	munmap(private, SIZE);
	map = NULL;
	end();
}

static int refused(int to_map, int prot, int flags)
{
	return mmap(NULL, SIZE, prot, flags, to_map, 0) == MAP_FAILED && errno == EACCES;
}

/* What a descriptor may not do, its mapping may not, though another descriptor of the file may. */
static void test_rights(void)
{
	int reader, writer;
	char *shared;

	begin(O_RDWR);
	reader = open(path, O_RDONLY);
	writer = open(path, O_WRONLY);
	ok(refused(reader, PROT_READ | PROT_WRITE, MAP_SHARED),
	   "a descriptor for reading is not mapped to be stored into");
	ok(refused(writer, PROT_READ | PROT_WRITE, MAP_SHARED) &&
	   refused(writer, PROT_READ, MAP_SHARED) && refused(writer, PROT_READ, MAP_PRIVATE),
	   "and one for writing not at all");
	shared = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, reader, 0);
	map[1] = 'X';
	ok(shared != MAP_FAILED && shared[1] == 'X', "the first is mapped to be read");
	ok(mprotect(shared, PAGE, PROT_READ | PROT_WRITE) == -1 && errno == EACCES,
	   "which cannot be changed");
	munmap(map, 2 * SIZE);
	ok(shared[1] == 'X' && mprotect(shared, PAGE, PROT_READ | PROT_WRITE) == -1 &&
	   errno == EACCES, "nor when it is the only mapping");
	map = NULL;
	munmap(shared, SIZE);
	close(reader);
	close(writer);
	end();
	fd = open(path, O_WRONLY);
	ok(refused(fd, PROT_READ | PROT_WRITE, MAP_SHARED) && !ftruncate(fd, 1) &&
	   !truncate(path, 0),
	   "a file that cannot be mapped is left as it was");
	close(fd);
}

static void test_processes(void)
{
	int to_child[2], to_parent[2], status;
	char byte, command[8192];
	pid_t child;

	begin(O_RDWR);
	if (pipe(to_child) || pipe(to_parent))
		exit(1);
	child = fork();
	if (!child) {
		map[0] = 'u';
		fill(fd, 'v', PAGE, 1);
		if (write(to_parent[1], "1", 1) != 1 || read(to_child[0], &byte, 1) != 1)
			_exit(1);
		_exit(map[2 * PAGE] != 'w');
	}
	ok(read(to_parent[0], &byte, 1) == 1 && map[0] == 'u' && map[PAGE] == 'v' &&
	   pread(fd, &byte, 1, 0) == 1 && byte == 'u', "what a child stores and writes is seen");
	fill(fd, 'w', 2 * PAGE, 1);
	ok(write(to_child[1], "1", 1) == 1 && waitpid(child, &status, 0) == child && !status,
	   "and the child sees what its parent writes");
	/* A program of its own, which has not mapped the file. */
	map[0] = '!';
	snprintf(command, sizeof(command), "[ \"$(dd if='%s' bs=1 count=1 2>/dev/null)\" = ! ]",
		 path);
	ok(!system(command), "a child's program reads what is only in the mapping");
	snprintf(command, sizeof(command),
		 "printf X | dd of='%s' bs=1 count=1 conv=notrunc 2>/dev/null", path);
	ok(!system(command) && map[0] == 'X', "and what it writes is in the mapping");
	end();
}

static void test_between_descriptors(void)
{
	off_t from = PAGE;
	char byte;
	int out;

	begin(O_RDWR);
	map[PAGE] = 'y';
	unlink(path);
	strcat(path, ".out");
	out = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ok(sendfile(out, fd, &from, 2) == 2 && pread(out, &byte, 1, 0) == 1 && byte == 'y',
	   "sendfile sends what was stored");
	from = 0;
	ok(!ftruncate(fd, 0) && sendfile(out, fd, &from, 2) == 0 && size_of(out) == 2,
	   "and nothing of an empty file");
	unlink(path);
	path[strlen(path) - 4] = '\0';
	close(out);
	end();
}

/* A file with data in its page 40, which was stored, and nowhere else. */
static void begin_sparse(void)
{
	begin(O_RDWR);
	if (ftruncate(fd, 0) || ftruncate(fd, SIZE))
		exit(1);
	munmap(map, 2 * SIZE);
	map = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		exit(1);
	memset(map + 40 * PAGE, 'D', PAGE);
}

static void test_holes(void)
{
	char command[3 * sizeof(path)], byte = 'x';
	int copy;

	begin_sparse();
	snprintf(command, sizeof(command), "cp '%s' '%s.copy'", path, path);
	ok(!system(command), "a child's program copies a file with holes");
	strcat(path, ".copy");
	copy = open(path, O_RDONLY);
	ok(size_of(copy) == SIZE && pread(copy, &byte, 1, 40 * PAGE) == 1 && byte == 'D',
	   "and what was stored in one");
	close(copy);
	unlink(path);
	path[strlen(path) - 5] = '\0';
	end();

	begin_sparse();
	ok(lseek(fd, 0, SEEK_DATA) <= 40 * PAGE && lseek(fd, 40 * PAGE, SEEK_DATA) == 40 * PAGE,
	   "lseek finds data that was stored");
	ok(lseek(fd, 40 * PAGE, SEEK_HOLE) > 40 * PAGE, "and where they end");
	ok(lseek(fd, SIZE, SEEK_DATA) == -1 && errno == ENXIO, "and none past the end");
	end();
}

#define SENT (3 * SIZE / 4)
#define PATIENCE 60 /* seconds, after which it is taken to hang for ever */

static void *sender(void *out)
{
	off_t from = 0;

	return sendfile(*(int *)out, fd, &from, SENT) == SENT && from == SENT ? NULL : &failed;
}

/* All that has to wait while a file goes into the pool or leaves it. */
static void *bystander(void *unused)
{
	void *other = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	FILE *stream = fopen("/proc/self/stat", "r");

	if (other == MAP_FAILED || munmap(other, PAGE) || !stream || fclose(stream))
		return &failed;
	return unused;
}

static void *parent(void *unused)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(0);
	return waitpid(child, &status, 0) == child && !status ? unused : &failed;
}

/* True: the thread has ended, and well. */
static int joined(pthread_t thread)
{
	struct timespec until;
	void *result = &failed;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	return !pthread_timedjoin_np(thread, &result, &until) && !result;
}

static int receives(int from)
{
	char *bytes = malloc(SENT);
	int good = recv(from, bytes, SENT, MSG_WAITALL) == SENT && bytes[0] == 'B' &&
		   only(bytes + 1, 'a', SENT - 1);

	free(bytes);
	return good;
}

/*
 * Somebody who does not take what is sent to him keeps its sender waiting, and nobody else: the
 * thread that does @work.
 */
static void slow_receiver(void *(*work)(void *), const char *what)
{
	int ends[2], small = 4096, others;
	pthread_t sending, working;
	char byte, name[32];

	begin(O_RDWR);
	map[0] = 'B';
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)))
		exit(1);
	pthread_create(&sending, NULL, sender, &ends[0]);
	ok(recv(ends[1], &byte, 1, MSG_PEEK) == 1, "sendfile sends more than a socket takes");
	pthread_create(&working, NULL, work, NULL);
	others = joined(working);
	ok(others, what);
	if (others) {
		munmap(map, 2 * SIZE);
		map = NULL;
		ok(pread(fd, &byte, 1, 0) == 1 && byte == 'B',
		   "and read when nobody maps it any more");
	}
	ok(receives(ends[1]) && joined(sending), "all of it comes when it is received");
	close(ends[0]);
	close(ends[1]);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ok(work == parent || !truncate(name, SIZE), "and then the file is a file like others");
	end();
}

static void test_slow_receiver(void)
{
	slow_receiver(bystander, "and others map and open meanwhile");
}

/* A child may count as one that has the file, and then it is one like others later. */
static void test_slow_receiver_and_fork(void)
{
	slow_receiver(parent, "and others fork meanwhile");
}

/* Numbers of descriptors that a program has not opened are its own all the same. */
static void take_high_numbers(void)
{
	int n;

	for (n = 800; n < 1000; n++)
		if (fcntl(n, F_GETFD) >= 0)
			dup2(fd, n);
}

static int child_unmaps(void)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(munmap(map, 2 * SIZE) ? 1 : 0);
	return waitpid(child, &status, 0) == child && !status;
}

static void test_numbers_taken(void)
{
	pid_t child = fork();
	int status, good;
	char byte;

	if (!child) {
		begin(O_RDWR);
		take_high_numbers();
		good = child_unmaps();
		map[0] = 'Q';
		good &= pread(fd, &byte, 1, 0) == 1 && byte == 'Q';
		good &= child_unmaps() && pread(fd, &byte, 1, 0) == 1 && byte == 'Q';
		_exit(!good);
	}
	ok(waitpid(child, &status, 0) == child && !status,
	   "with high numbers of descriptors taken, what a child unmaps stays its parent's");
}

/* Stores and writes of two threads each to pages of its own. */
static void *storer(void *unused)
{
	long i;

	for (i = 0; i < 50000; i++)
		map[(i % (PAGES / 2)) * PAGE + 7] = 'A' + i % 26;
	return unused;
}

static void *writer(void *unused)
{
	char byte;
	long i;

	for (i = 0; i < 2000; i++) {
		byte = 'A' + i % 26;
		if (pwrite(fd, &byte, 1, (PAGES / 2 + i % (PAGES / 2)) * PAGE + 9) != 1 ||
		    pread(fd, &byte, 1, (PAGES / 2 + i % (PAGES / 2)) * PAGE + 9) != 1 ||
		    byte != 'A' + i % 26)
			return &failed;
	}
	return unused;
}

static void *mapper(void *unused)
{
	long i;
	char *p;

	for (i = 0; i < 500; i++) {
		p = mmap(NULL, PAGE * 16, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED || munmap(p, PAGE * 16))
			return &failed;
	}
	return unused;
}

static void test_threads(void)
{
	void *(*const work[])(void *) = { storer, writer, mapper };
	pthread_t threads[3];
	int i, bad = 0;
	void *result;

	begin(O_RDWR);
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, work[i], NULL);
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], &result);
		bad |= !!result;
	}
	ok(!bad, "threads that store, write and map at once");
	end();
}

static int mask_is(const sigset_t *mask)
{
	sigset_t now;

	pthread_sigmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, SIGUSR1) == sigismember(mask, SIGUSR1) &&
	       sigismember(&now, SIGUSR2) == sigismember(mask, SIGUSR2) &&
	       !sigismember(&now, SIGTERM);
}

/* Forks with one signal blocked, which is how it stays in parent and child. */
static void *forker(void *arg)
{
	int i, status;
	sigset_t mask;
	pid_t child;

	sigemptyset(&mask);
	sigaddset(&mask, *(int *)arg);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	for (i = 0; i < 100; i++) {
		child = fork();
		if (!child)
			_exit(!mask_is(&mask));
		if (child < 0 || waitpid(child, &status, 0) != child || status || !mask_is(&mask))
			return &failed;
	}
	return NULL;
}

static void test_forkers(void)
{
	int signals[2] = { SIGUSR1, SIGUSR2 }, i, bad = 0;
	pthread_t threads[2];
	void *result;

	begin(O_RDWR);
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, forker, &signals[i]);
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &result);
		bad |= !!result;
	}
	ok(!bad, "threads that fork at once, each with its signals blocked");
	end();
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The first byte of a file that is closed again. */
static char first_of(const char *name)
{
	int to = open(name, O_RDONLY);
	char byte = 0;

	if (read(to, &byte, 1) != 1)
		perror(name);
	close(to);
	return byte;
}

enum way { EXIT, EXEC, KILL };

/* A child makes a file, of a letter, by stores, and ends with it mapped: what it looked like. */
static char leave_mapped(const char *name, char letter, enum way way)
{
	int to_parent[2], status;
	pid_t child;
	char byte;

	if (pipe(to_parent))
		exit(1);
	child = fork();
	if (!child) {
		fd = open(name, O_RDWR | O_CREAT, 0600);
		if (ftruncate(fd, SIZE))
			_exit(1);
		map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		memset(map, letter, SIZE);
		if (way == EXIT)
			_exit(0);
		if (way == EXEC)
			execl("/proc/self/exe", "coherent", NULL);
		if (write(to_parent[1], "1", 1) == 1)
			pause();
		_exit(1);
	}
	close(to_parent[1]);
	byte = letter;
	if (way == KILL) {
		if (read(to_parent[0], &byte, 1) == 1)
			byte = first_of(name);
		kill(child, SIGKILL);
	}
	waitpid(child, &status, 0);
	close(to_parent[0]);
	return byte;
}

#define LEFT 12

static void test_many_left(void)
{
	char name[sizeof(path) + 8], *bytes = malloc(SIZE);
	int i, before = descriptors(), alive = 1, dead = 1;

	for (i = 0; i < LEFT; i++) {
		snprintf(name, sizeof(name), "%s.%d", path, i);
		alive &= leave_mapped(name, 'A' + i, i % 3) == 'A' + i;
		fd = open(name, O_RDONLY);
		/* Of the first that were killed no more is read: nothing says that they may go. */
		if (i % 3 != KILL || i > LEFT / 2)
			dead &= read(fd, bytes, SIZE) == SIZE && only(bytes, 'A' + i, SIZE);
		close(fd);
		unlink(name);
	}
	ok(alive, "a file that a child makes by stores is read");
	ok(dead, "and is when the child has gone by exit, exec or a signal");
	/* In a pool the last file may still be there. */
	ok(descriptors() < before + 2, "and costs no descriptors");
	free(bytes);
}

/* Processes that end do not unmap; what they had mapped is a file like others then. */
static void test_left(void)
{
	char command[8192], bytes[PAGE + 1];
	FILE *stream;

	begin(O_RDWR);
	snprintf(command, sizeof(command), "dd if='%s' bs=1 count=1 > /dev/null 2>&1", path);
	ok(!system(command), "a child reads what is mapped");
	end();
	ok(!truncate(path, SIZE / 2), "when the child has gone truncate() cuts the file");
	ok(!truncate(path, SIZE), "and lengthens it");
	leave_mapped(path, 'y', EXIT);
	stream = fopen(path, "r+");
	ok(stream && fgetc(stream) == 'y', "stdio has what a child has left mapped");
	if (stream)
		fclose(stream);
	leave_mapped(path, 'z', EXIT);
	fd = open(path, O_RDWR);
	ok(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE) &&
	   pread(fd, bytes, PAGE + 1, 0) == PAGE + 1 && only(bytes, 0, PAGE) && bytes[PAGE] == 'z',
	   "a hole is punched where a child has left a mapping");
	close(fd);
	test_many_left();
}

/* By the path, of what is mapped. */
static void test_truncate(void)
{
	begin(O_RDWR);
	map[0] = 'T';
	ok(!truncate(path, PAGE + 1) && size_of(fd) == PAGE + 1 && map[0] == 'T' && !map[PAGE + 1],
	   "truncate cuts what is mapped");
	ok(!truncate(path, SIZE) && size_of(fd) == SIZE && map[PAGE] == 'a' && !map[PAGE + 1],
	   "and lengthens it");
	ok(truncate(path, -1) == -1 && errno == EINVAL, "a negative size is EINVAL there, too");
	end();
}

/* A child that has given up its rights cuts nothing by the path, though its parent could. */
static void test_truncate_without_rights(void)
{
	int status;
	pid_t child;

	begin(O_RDWR);
	ok(!truncate(path, SIZE - 1), "truncate by who may");
	child = fork();
	if (!child)
		_exit(setuid(65534) || !truncate(path, 0) || errno != EACCES);
	ok(waitpid(child, &status, 0) == child && !status && size_of(fd) == SIZE - 1,
	   "and by who may not");
	end();
}

/* A program of its own: its exit status is the first byte of the file, read by stdio. */
static int stranger(const char *name, const char *mode, int mapped)
{
	int to_map = open(name, O_RDONLY);
	FILE *stream;
	char byte;

	if (mapped && mmap(NULL, SIZE, PROT_READ, MAP_SHARED, to_map, 0) == MAP_FAILED)
		return 1;
	if (write(STDOUT_FILENO, "1", 1) != 1 || read(STDIN_FILENO, &byte, 1) != 1)
		return 1;
	stream = fopen(name, mode);
	return stream ? fgetc(stream) : 1;
}

static int stranger_sees(char letter, const char *mode, const char *mapped)
{
	int to_child[2], to_parent[2], status;
	pid_t child;
	char byte;

	if (pipe(to_child) || pipe(to_parent))
		exit(1);
	child = fork();
	if (!child) {
		dup2(to_child[0], STDIN_FILENO);
		dup2(to_parent[1], STDOUT_FILENO);
		execl("/proc/self/exe", "coherent", path, "stdio", mode, mapped, NULL);
		_exit(1);
	}
	close(to_parent[1]);
	if (read(to_parent[0], &byte, 1) != 1)
		perror("stranger");
	map[0] = letter;
	if (write(to_child[1], "1", 1) != 1 || waitpid(child, &status, 0) != child)
		return 0;
	close(to_child[0]);
	close(to_child[1]);
	close(to_parent[0]);
	return WIFEXITED(status) && WEXITSTATUS(status) == letter;
}

/* A child that has ended before long, and well. */
static int ends_well(pid_t child)
{
	int i, status;

	for (i = 0; i < PATIENCE * 100; i++) {
		if (waitpid(child, &status, WNOHANG) == child)
			return !status;
		usleep(10000);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return 0;
}

/* What a handler may do that was called in the middle of any of these. */
static void handler(int unused)
{
	int err = errno;
	char byte;
	void *p;

	(void)unused;
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED || munmap(p, PAGE) || lseek(fd, 0, SEEK_SET) ||
	    read(fd, &byte, 1) != 1 || write(fd, "h", 1) != 1)
		_exit(1);
	errno = err;
}

static void read_and_write(long times)
{
	char bytes[2];
	long i;

	for (i = 0; i < times; i++)
		if (lseek(fd, 2 * PAGE, SEEK_SET) < 0 || read(fd, bytes, 2) < 0 ||
		    write(fd, "ww", 2) != 2)
			_exit(1);
}

static void test_handlers(void)
{
	pid_t child, parent;
	int i, status;

	begin(O_RDWR);
	child = fork();
	if (!child) {
		signal(SIGUSR1, handler);
		parent = getpid();
		child = fork();
		for (i = 0; !child && i < 500 && !kill(parent, SIGUSR1); i++)
			usleep(1000);
		if (!child)
			_exit(0);
		while (!waitpid(child, &status, WNOHANG))
			read_and_write(1);
		_exit(map[1] != 'h');
	}
	ok(ends_well(child), "a handler reads, writes and maps what it has interrupted");
	end();
}

/* Whoever is stopped in the middle of reading and writing one file, and a process that uses @of. */
static int stopped_by(int signal, int of)
{
	pid_t child = fork(), other;
	int good, status;

	if (!child) {
		setpgid(0, 0); /* an orphaned group is not stopped by a terminal */
		read_and_write(1000000);
		_exit(1);
	}
	setpgid(child, child);
	usleep(1000 + rand() % 5000);
	kill(child, signal);
	if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status))
		return 0;
	other = fork();
	if (!other) {
		fd = of;
		read_and_write(1);
		_exit(ftruncate(of, SIZE) ? 1 : 0);
	}
	good = ends_well(other);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return good;
}

static void test_stopped(void)
{
	int i, good = 1, other;
	char *other_map;

	begin(O_RDWR);
	strcat(path, ".other");
	other = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	unlink(path);
	path[strlen(path) - 6] = '\0';
	fill(other, 'a', 0, SIZE);
	other_map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
	srand(7);
	for (i = 0; good && i < 20; i++)
		good = stopped_by(SIGTSTP, fd);
	ok(good, "whom a terminal stops holds up nobody at the same file");
	for (i = 0, good = 1; good && i < 20; i++)
		good = stopped_by(SIGSTOP, other);
	ok(good && only(other_map + 2 * PAGE + 2, 'w', 2),
	   "and who is stopped for good nobody at another one");
	munmap(other_map, SIZE);
	close(other);
	end();
}

static void test_stranger(void)
{
	FILE *stream;
	char byte;

	begin(O_RDWR);
	map[0] = 'z';
	stream = fopen(path, "r");
	ok(stream && fread(&byte, 1, 1, stream) == 1 && byte == 'z',
	   "stdio reads what was stored before");
	if (stream)
		fclose(stream);
	ok(stranger_sees('A', "r", NULL), "and so does the stdio of another program");
	ok(stranger_sees('B', "r+", NULL), "also to write");
	ok(stranger_sees('C', "a+", NULL), "or to append");
	ok(stranger_sees('D', "r", "mapped"), "and of one that has mapped the file to read");
	end();
}

#define HOLE (8L << 20)

/* Takes all blocks of the file system but a megabyte. */
static int fill_up(const char *ballast)
{
	int to = open(ballast, O_RDWR | O_CREAT | O_TRUNC, 0600);
	off_t size = 0, step;

	for (step = 1L << 30; step >= PAGE; step /= 2)
		while (!posix_fallocate(to, size, step))
			size += step;
	if (fsync(to) || ftruncate(to, size - (1L << 20)) || fsync(to))
		perror(ballast);
	return to;
}

static void make_room(int ballast, const char *name)
{
	if (ftruncate(ballast, 0) || fsync(ballast) || unlink(name))
		perror(name);
	close(ballast);
	sync();
}

/* What was stored and cannot be written is neither forgotten nor taken for written. */
static void test_full(const char *directory)
{
	char name[4096], *bytes = malloc(HOLE);
	int ballast;

	snprintf(name, sizeof(name), "%s/ballast", directory);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	ok(fd >= 0 && !ftruncate(fd, HOLE), "a file that is one hole");
	ballast = fill_up(name);
	map = mmap(NULL, HOLE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(map != MAP_FAILED, "is mapped");
	memset(map, 'n', HOLE);
	ok(!munmap(map, HOLE), "and unmapped, with more stored than there is room for");
	ok(fsync(fd) == -1 && errno == ENOSPC, "fsync says that it is not in the file");
	ok(fsync(fd) == -1 && errno == ENOSPC, "and says so again");
	ok(pread(fd, bytes, HOLE, 0) == HOLE && only(bytes, 'n', HOLE), "read has what was stored");
	fill(fd, 'w', HOLE - PAGE, PAGE);
	make_room(ballast, name);
	ok(!fsync(fd), "with room fsync succeeds");
	ok(pread(fd, bytes, HOLE, 0) == HOLE && only(bytes, 'n', HOLE - PAGE) &&
	   only(bytes + HOLE - PAGE, 'w', PAGE), "and what was written last is there");
	close(fd);
	free(bytes);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	if (argc > 3)
		return stranger(argv[1], argv[3], argc > 4);
	snprintf(path, sizeof(path) - 8, "%s/coherent", argv[1]);
	if (argc > 2 && !strcmp(argv[2], "full")) {
		test_full(argv[1]);
		goto done;
	}
	test_read_and_write();
	if (argc > 2)
		goto done;
	test_other_descriptors();
	test_size();
	test_half_written();
	test_far_end();
	test_mremap();
	test_pieces();
	test_sync();
	test_read_only();
	test_rights();
	test_slow_receiver();
	test_processes();
	test_numbers_taken();
	test_left();
	test_truncate();
	test_truncate_without_rights();
	test_between_descriptors();
	test_slow_receiver_and_fork();
	test_holes();
	test_threads();
	test_forkers();
	test_handlers();
	test_stopped();
	test_stranger();
done:
	unlink(path);
	printf("1..%d\n", number);
	return failed;
}
