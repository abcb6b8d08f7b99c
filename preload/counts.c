// SPDX-License-Identifier: MIT
/*
 * How many processes have a file in the pool, and whose counts still hold.
 *
 * A process that ends, or becomes another program, takes back nothing.  So it has a lock for each
 * slot that it counts in, of a descriptor that is its alone and goes with it: the byte of the
 * slot's number in the memory that the run shares.  Where no other one has that lock, what a slot
 * counts beyond our own files was left behind.
 *
 * Descriptors that go together with their process go the highest one first (6.1, 6.12), so this one
 * is had before those of spaces: when the lock has gone, what was stored is in the file, or, of
 * who was killed, on its way there, and who attaches the file finds it.  Lock and count change
 * together, under `counts` of the memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

int counts_fd = -1;

/* The child's that is being made; negative: it has none, and no locks of its own. */
static int childs_fd = -1;

/* Locks of `counts_fd` are also a parent's, or children's, for want of another descriptor. */
static bool shared;

/* What the slots count for this process. */
static unsigned int own[FRAMEPOOL_RUN_SLOTS];

static unsigned int slot_of(dev_t dev, ino_t ino)
{
	return (dev * UINT64_C(31) + ino) * UINT64_C(0x9e3779b97f4a7c15) >> 48;
}

static unsigned int place_of(dev_t dev, ino_t ino)
{
	return slot_of(dev, ino) / (FRAMEPOOL_RUN_SLOTS / FRAMEPOOL_RUN_ORDERS);
}

pthread_mutex_t *counts_order(dev_t dev, ino_t ino)
{
	return &run->orders[place_of(dev, ino)];
}

static pthread_mutex_t *counting(dev_t dev, ino_t ino)
{
	return &run->counts[place_of(dev, ino)];
}

bool counts_any(dev_t dev, ino_t ino)
{
	return run->slots[slot_of(dev, ino)];
}

static int lock_slot(int fd, unsigned int slot, short type)
{
	struct flock lock = { .l_type = type, .l_start = slot, .l_len = 1 };

	return fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

/* True if that cannot be told, too. */
static bool others_count(unsigned int slot)
{
	struct flock lock = { .l_type = F_WRLCK, .l_start = slot, .l_len = 1 };

	return shared || fcntl(counts_fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

bool counts_only_ours(dev_t dev, ino_t ino)
{
	unsigned int slot = slot_of(dev, ino);

	return run->slots[slot] == own[slot] || !others_count(slot);
}

static int mark(int fd, unsigned int slot)
{
	int err = lock_slot(fd, slot, F_RDLCK);

	if (err)
		return err;
	/* Who finds the slot counting has found something active before. */
	atomic_fetch_add(&run->active, 1);
	atomic_fetch_add(&run->slots[slot], 1);
	return 0;
}

int counts_enter(dev_t dev, ino_t ino)
{
	unsigned int slot = slot_of(dev, ino);
	int err = 0;

	run_lock_order(counting(dev, ino));
	if (counts_fd < 0) {
		counts_fd = run_open_shared();
		err = counts_fd < 0 ? counts_fd : 0;
	}
	err = err ?: mark(counts_fd, slot);
	if (!err)
		own[slot]++;
	run_unlock_order(counting(dev, ino));
	return err;
}

void counts_leave(dev_t dev, ino_t ino)
{
	unsigned int slot = slot_of(dev, ino), gone;

	run_lock_order(counting(dev, ino));
	own[slot]--;
	gone = others_count(slot) ? 1 : run->slots[slot] - own[slot];
	atomic_fetch_sub(&run->slots[slot], gone);
	atomic_fetch_sub(&run->active, gone);
	if (!own[slot] && !shared)
		lock_slot(counts_fd, slot, F_UNLCK);
	run_unlock_order(counting(dev, ino));
}

/*
 * The parent's descriptor has the parent's locks, which hold as long as the child has it, too. If
 * there is no other one for the child, neither can tell any more what only its own files count.
 */
void counts_fork(void)
{
	if (counts_fd < 0)
		return;
	childs_fd = run_open_shared();
	shared |= childs_fd < 0;
}

void counts_forked(void)
{
	if (childs_fd >= 0)
		syscall(SYS_close, childs_fd);
	childs_fd = -1;
}

void counts_inherit(dev_t dev, ino_t ino)
{
	run_lock_order(counting(dev, ino));
	mark(childs_fd < 0 ? counts_fd : childs_fd, slot_of(dev, ino));
	run_unlock_order(counting(dev, ino));
}

/* The parent's number goes after those of the spaces, and is the one to keep. */
void counts_inherited(void)
{
	if (childs_fd < 0)
		return;
	syscall(SYS_dup3, childs_fd, counts_fd, O_CLOEXEC);
	syscall(SYS_close, childs_fd);
	childs_fd = -1;
	shared = false;
}
