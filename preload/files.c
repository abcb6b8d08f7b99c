// SPDX-License-Identifier: MIT
/* Files that are in the pool, and those that are left alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/framepool.h"
#include "preload.h"

/*
 * A descriptor that was opened for writing only, or for appending, cannot be attached; the file is
 * opened once more. Closing that one would drop the program's record locks, so it stays.
 */
struct reopened {
	dev_t dev;
	ino_t ino;
	int fd;
};

#define REOPENED_MAX 64

static struct file *files;
static uint32_t count, room;
static struct reopened reopened[REOPENED_MAX];
static unsigned int reopened_count;

struct file *files_get(uint32_t number)
{
	return &files[number];
}

uint32_t files_find(const struct stat *st)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (files[i].used && files[i].ino == st->st_ino && files[i].dev == st->st_dev)
			return i;
	return NO_FILE;
}

static uint32_t unused(void)
{
	uint32_t i, wanted = room ? 2 * room : 4096 / sizeof(*files);
	struct file *more;

	for (i = 0; i < count; i++)
		if (!files[i].used)
			return i;
	if (count < room)
		return count++;
	more = ranges_memory(files, room * sizeof(*files), wanted * sizeof(*files));
	if (!more)
		return NO_FILE;
	files = more;
	room = wanted;
	return count++;
}

uint32_t files_make(const struct stat *st)
{
	uint32_t number = files_find(st);

	if (number != NO_FILE)
		return number;
	number = unused();
	if (number != NO_FILE)
		files[number] = (struct file){ .dev = st->st_dev,
					       .ino = st->st_ino,
					       .read_fd = -1,
					       .write_fd = -1,
					       .used = true };
	return number;
}

bool files_shared(const struct stat *st)
{
	return counts_any(st->st_dev, st->st_ino);
}

static bool in_pool(const struct file *file)
{
	return file->read_fd >= 0 || file->write_fd >= 0;
}

/* Another file may have come to the path meanwhile. */
static int open_same(dev_t dev, ino_t ino, const char *path)
{
	int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_dev == dev && st.st_ino == ino)
		return run_move_up(fd);
	syscall(SYS_close, fd);
	return -ESTALE;
}

/* A descriptor of the file that reads and writes at any place; it stays open. */
static int reopen(dev_t dev, ino_t ino, const char *path)
{
	struct reopened *r;
	unsigned int i;
	int again;

	for (i = 0; i < reopened_count; i++)
		if (reopened[i].ino == ino && reopened[i].dev == dev)
			return reopened[i].fd;
	if (reopened_count == REOPENED_MAX)
		return -EMFILE;
	again = open_same(dev, ino, path);
	if (again < 0)
		return again;
	r = &reopened[reopened_count++];
	*r = (struct reopened){ dev, ino, again };
	return again;
}

static int reopen_fd(const struct file *file, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return reopen(file->dev, file->ino, path);
}

int files_open(const char *path, const struct stat *st)
{
	sigset_t signals;
	int fd;

	run_lock(&signals);
	fd = reopen(st->st_dev, st->st_ino, path);
	run_unlock(&signals);
	return fd;
}

/* A descriptor of the space of @fd, or -errno. */
static int attach(int fd, bool write)
{
	int control = syscall(SYS_openat, AT_FDCWD, FRAMEPOOL_CONTROL, O_RDWR | O_CLOEXEC);
	struct framepool_attach a;
	int err;

	if (control < 0)
		return -errno;
	FRAMEPOOL_INIT(&a);
	a.fd = fd;
	a.flags = write ? 0 : FRAMEPOOL_ATTACH_READ_ONLY;
	strncpy(a.pool, run_pool, sizeof(a.pool) - 1);
	err = framepool_attach(control, &a);
	syscall(SYS_close, control);
	return err ? err : run_move_up(a.space_fd);
}

int files_attach(uint32_t number, int fd)
{
	struct file *file = files_get(number);
	int flags = fcntl(fd, F_GETFL), space, err;
	bool write = (flags & O_ACCMODE) != O_RDONLY, first = !in_pool(file);

	if (write ? file->write_fd >= 0 : file->read_fd >= 0)
		return 0;
	if (write && ((flags & O_ACCMODE) == O_WRONLY || (flags & O_APPEND))) {
		fd = reopen_fd(file, fd);
		if (fd < 0)
			return -fd;
	}
	/* Before the first page can be read: others are to see it from here on. */
	err = first ? counts_enter(file->dev, file->ino) : 0;
	if (err)
		return -err;
	space = attach(fd, write);
	if (space < 0 && first)
		counts_leave(file->dev, file->ino);
	if (space < 0)
		return -space;
	*(write ? &file->write_fd : &file->read_fd) = space;
	return 0;
}

/*
 * Closing the last descriptor of a space waits until all is written to the file, but tells nobody
 * that this has failed.  So it is written first; where that fails the space stays, its bytes are
 * what is read, and the next operation tries again.
 */
static void leave(struct file *file)
{
	int any = file->read_fd >= 0 ? file->read_fd : file->write_fd;

	if (any < 0 || syscall(SYS_fsync, any))
		return;
	if (file->read_fd >= 0)
		syscall(SYS_close, file->read_fd);
	if (file->write_fd >= 0)
		syscall(SYS_close, file->write_fd);
	file->read_fd = -1;
	file->write_fd = -1;
	counts_leave(file->dev, file->ino);
}

void files_forget(uint32_t number)
{
	struct file *file = files_get(number);

	if (file->ranges || file->kept)
		return;
	leave(file);
	file->used = in_pool(file) || file->alone || file->said || file->streams_reading ||
		     file->streams_writing;
}

void files_alone(uint32_t number, int fd, const char *why, int error)
{
	struct file *file = files_get(number);

	file->alone = true;
	if (why && !file->said) {
		file->said = true;
		run_say(fd, why, error);
	}
}

void files_mapped(uint32_t number)
{
	files_get(number)->ranges++;
}

void files_unmapped(uint32_t number)
{
	if (!--files_get(number)->ranges)
		files_forget(number);
}

static bool own(int fd)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (files[i].used && (files[i].read_fd == fd || files[i].write_fd == fd))
			return true;
	for (i = 0; i < reopened_count; i++)
		if (reopened[i].fd == fd)
			return true;
	return counts_fd == fd;
}

bool files_own(int fd)
{
	sigset_t signals;
	bool found;

	if (!run)
		return false;
	if (run_is_shared_fd(fd))
		return true;
	if (fd < run_first_fd())
		return false;
	run_lock_read(&signals);
	found = own(fd);
	run_unlock_read(&signals);
	return found;
}

static void move(int *ours, int fd)
{
	int other;

	if (*ours != fd)
		return;
	other = fcntl(fd, F_DUPFD_CLOEXEC, run_first_fd());
	if (other >= 0)
		*ours = other;
}

void files_step_aside(int fd)
{
	sigset_t signals;
	unsigned int i;

	run_lock(&signals);
	for (i = 0; i < count; i++) {
		move(&files[i].read_fd, fd);
		move(&files[i].write_fd, fd);
	}
	for (i = 0; i < reopened_count; i++)
		move(&reopened[i].fd, fd);
	move(&counts_fd, fd);
	run_unlock(&signals);
}

void files_follow(uint32_t number, int fd)
{
	int err;

	if (files_get(number)->alone)
		return;
	err = files_attach(number, fd);
	/* What is empty is in nobody's pool: the slot counts another file. */
	if (err == ENODATA)
		files_forget(number);
	else if (err)
		files_alone(number, fd,
			    "is in the pool, but what this process reads and writes goes past it",
			    err);
}

/* Where only we have a file that we have not mapped, it can go. */
static bool is_last(uint32_t number)
{
	const struct file *file = files_get(number);

	return file->used && !file->ranges && !file->kept && in_pool(file) &&
	       counts_only_ours(file->dev, file->ino);
}

void files_forget_last(uint32_t number)
{
	if (is_last(number))
		files_forget(number);
}

static void follow(int fd, const struct stat *st)
{
	uint32_t number, i;
	sigset_t signals;

	run_lock(&signals);
	/* Nobody may come back to what was read while another process had it. */
	for (i = 0; i < count; i++)
		files_forget_last(i);
	number = files_make(st);
	if (number != NO_FILE)
		files_follow(number, fd);
	run_unlock(&signals);
}

static void unfollow(uint32_t number)
{
	sigset_t signals;

	run_lock(&signals);
	files_forget(number);
	run_unlock(&signals);
}

/* What @fd needs is there: its number; NO_FILE: it has to be had first, or never will be. */
static uint32_t ready(const struct stat *st, bool write)
{
	uint32_t number = files_find(st);

	if (number == NO_FILE)
		return NO_FILE;
	return write ? (files[number].write_fd >= 0 ? number : NO_FILE) :
		       (in_pool(&files[number]) ? number : NO_FILE);
}

static int space_of(uint32_t number, bool write)
{
	const struct file *file = files_get(number);

	if (write || file->read_fd < 0)
		return file->write_fd;
	return file->read_fd;
}

bool files_begin(struct io *io, int fd, bool write)
{
	uint32_t number;

	io->locked = false;
	io->space = -1;
	/* A store that is on its way must have arrived when the file goes into the pool. */
	if (!run || (!write && !run->active))
		return false;
	if (fstat(fd, &io->st) || !S_ISREG(io->st.st_mode))
		return false;
	run_lock_read(&io->signals);
	io->locked = true;
	if (!files_shared(&io->st))
		return false;
	number = ready(&io->st, write);
	if (number == NO_FILE) {
		run_unlock_read(&io->signals);
		follow(fd, &io->st);
		run_lock_read(&io->signals);
		number = ready(&io->st, write);
	}
	/* Also what was followed just now, if those who are counted have ended. */
	if (number != NO_FILE && is_last(number)) {
		run_unlock_read(&io->signals);
		unfollow(number);
		run_lock_read(&io->signals);
		number = ready(&io->st, write);
	}
	if (number == NO_FILE)
		return false;
	io->number = number;
	io->space = space_of(number, write);
	io->order = counts_order(io->st.st_dev, io->st.st_ino);
	return true;
}

void files_end(struct io *io)
{
	if (io->locked)
		run_unlock_read(&io->signals);
}

void files_keep(struct io *io)
{
	atomic_fetch_add(&files_get(io->number)->kept, 1);
	files_end(io);
}

/* In a child that a handler has made nothing is kept any more. */
void files_release(struct io *io)
{
	struct file *file;
	sigset_t signals;
	int err = errno;

	run_lock(&signals);
	file = files_get(io->number);
	if (file->kept)
		file->kept--;
	files_forget(io->number);
	run_unlock(&signals);
	errno = err;
}

/* The forking thread's; under the lock, as another one may be waiting for it in prepare(). */
static sigset_t before_fork;

static void prepare(void)
{
	sigset_t signals;

	run_lock(&signals);
	before_fork = signals;
	counts_fork();
}

static void in_parent(void)
{
	sigset_t signals = before_fork;

	counts_forked();
	run_unlock(&signals);
}

/*
 * The child has our mappings and descriptors: it is one more process that has the files. Threads
 * that keep some are not in it.
 */
static void in_child(void)
{
	uint32_t i;

	/* What other threads were sending has stayed behind with them. */
	for (i = 0; i < count; i++)
		files[i].kept = 0;
	for (i = 0; i < count; i++)
		if (files[i].used && in_pool(&files[i]))
			counts_inherit(files[i].dev, files[i].ino);
	counts_inherited();
	run_unlock_child(&before_fork);
}

__attribute__((constructor)) static void start(void)
{
	pthread_atfork(prepare, in_parent, in_child);
}
