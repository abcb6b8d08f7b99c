// SPDX-License-Identifier: MIT
/* What the user wished, the memory that the run shares, messages, and locks. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

struct framepool_run *run;
const char *run_pool;
size_t run_min_size;

static const char *match;
static int shared_fd = -1;
static struct stat shared;
static int first_fd = INT_MAX;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

/* A program without the function has no way to call ours. */
void *next_symbol(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (!symbol)
		abort();
	return symbol;
}

static bool path_of(int fd, char path[PATH_MAX])
{
	char link[32];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, PATH_MAX - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	return true;
}

/* A pattern without a slash is about the last part of the path. */
bool run_matches(int fd)
{
	char path[PATH_MAX];

	if (!match)
		return true;
	if (!path_of(fd, path))
		return false;
	return !fnmatch(match, strchr(match, '/') ? path : strrchr(path, '/') + 1, 0);
}

/* One call: lines of several processes do not mix. Nobody can be told that it failed. */
static void say(const char *line, size_t length)
{
	if (syscall(SYS_write, STDERR_FILENO, line, length) < 0)
		return;
}

void run_say(int fd, const char *what, int error)
{
	char path[PATH_MAX], line[PATH_MAX + 256];
	int length;

	if (fd < 0 || !path_of(fd, path))
		strcpy(path, "a file");
	length = snprintf(line, sizeof(line), "framepool run: %s %s%s%s%s\n", path, what,
			  error ? " (" : "", error ? strerrordesc_np(error) : "", error ? ")" : "");
	say(line, length);
}

/* A handler that reads a file would wait for the thread that it has interrupted. */
static void block_signals(sigset_t *signals)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, signals);
}

void run_lock_read(sigset_t *signals)
{
	block_signals(signals);
	pthread_rwlock_rdlock(&lock);
}

void run_unlock_read(const sigset_t *signals)
{
	pthread_rwlock_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, signals, NULL);
}

void run_lock(sigset_t *signals)
{
	block_signals(signals);
	pthread_rwlock_wrlock(&lock);
}

void run_unlock(const sigset_t *signals)
{
	pthread_rwlock_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, signals, NULL);
}

/* The C library knows the lock's holder by its thread, which has another number in the child. */
void run_unlock_child(const sigset_t *signals)
{
	lock = (pthread_rwlock_t)PTHREAD_RWLOCK_INITIALIZER;
	pthread_sigmask(SIG_SETMASK, signals, NULL);
}

/* Who died with it left nothing half done that the next holder would not see in the file. */
void run_lock_order(pthread_mutex_t *order)
{
	if (pthread_mutex_lock(order) == EOWNERDEAD)
		pthread_mutex_consistent(order);
}

void run_unlock_order(pthread_mutex_t *order)
{
	pthread_mutex_unlock(order);
}

int run_move_up(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, first_fd);

	if (up < 0)
		up = -errno;
	syscall(SYS_close, fd);
	return up;
}

bool run_is_shared_fd(int fd)
{
	return fd == shared_fd;
}

int run_open_shared(void)
{
	struct stat st;
	char path[32];
	int fd;

	/* The program may have put another file there. */
	if (fstat(shared_fd, &st) || st.st_dev != shared.st_dev || st.st_ino != shared.st_ino)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", shared_fd);
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : run_move_up(fd);
}

int run_first_fd(void)
{
	return first_fd;
}

/* High, but not so high that the kernel's table of descriptors becomes large for it. */
static int choose_first_fd(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 4096)
		return 3072;
	return limit.rlim_cur / 4 * 3;
}

/* The descriptor may have been closed and its number given to another file meanwhile. */
static struct framepool_run *map_shared(const char *text)
{
	unsigned long long dev, ino;
	struct stat st;
	void *memory;
	int fd;

	if (sscanf(text, "%d:%llu:%llu", &fd, &dev, &ino) != 3 || fstat(fd, &st) ||
	    st.st_dev != dev || st.st_ino != ino)
		return NULL;
	memory = (void *)syscall(SYS_mmap, NULL, sizeof(struct framepool_run),
				 PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return NULL;
	shared_fd = fd;
	shared = st;
	return memory;
}

/* Called once, before main(); constructors of others may have run, and mapped what they liked. */
__attribute__((constructor)) static void start(void)
{
	const char *shared = getenv(FRAMEPOOL_RUN_SHARED), *size = getenv(FRAMEPOOL_RUN_MIN_SIZE);
	struct framepool_run *memory;

	run_pool = getenv(FRAMEPOOL_RUN_POOL);
	match = getenv(FRAMEPOOL_RUN_MATCH);
	if (!shared || !run_pool || !size)
		return;
	run_min_size = strtoull(size, NULL, 10);
	memory = map_shared(shared);
	if (!memory) {
		static const char said[] =
			"framepool run: a program was started with all descriptors closed: "
			"its files are left alone\n";

		say(said, sizeof(said) - 1);
		return;
	}
	first_fd = choose_first_fd();
	run = memory;
}
