/* SPDX-License-Identifier: MIT */
/*
 * libframepool: the framepool module from a C or C++ program.
 *
 * The structures are those of <linux/framepool.h>, handed to the kernel as they are.  Begin with
 * FRAMEPOOL_INIT(), which sets the size that your program was compiled with: an older or a newer
 * library and kernel then know what you know.  A descriptor of a space can be mapped, read,
 * written, asked for its size with lseek(SEEK_END), and synchronised with msync() and fsync() like
 * that of a file.
 *
 * Functions return 0 (or what is said) or a negative errno; what they leave in errno means nothing.
 * A command's errnos are those listed in <linux/framepool.h>; only what the library adds is said
 * here. There is no state in the library: every function may be called from any thread.
 */
#ifndef FRAMEPOOL_H
#define FRAMEPOOL_H

#include <linux/framepool.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FRAMEPOOL_DIR	       "/dev/framepool"
#define FRAMEPOOL_CONTROL      FRAMEPOOL_DIR "/control"
#define FRAMEPOOL_DEFAULT_POOL "default"

/** FRAMEPOOL_INIT() - clear a structure of <linux/framepool.h> and set its size. */
#define FRAMEPOOL_INIT(structure) \
	((void)memset((structure), 0, sizeof(*(structure))), \
	 (void)((structure)->size = sizeof(*(structure))))

/**
 * framepool_name_valid() - may a space or a pool be called so?
 * @name: 1 to 63 of [A-Za-z0-9._-], and not "control", "." or ".."
 */
bool framepool_name_valid(const char *name);

/**
 * framepool_open() - open the control node
 *
 * Return: a descriptor (close-on-exec) for the functions that take @control; -ENOENT, -ENXIO or
 * -ENODEV while the module is not loaded; -EACCES without the right to it.
 */
int framepool_open(void);

/**
 * framepool_attach() - put a backing file, given by a descriptor, behind a space
 * @control: from framepool_open()
 * @attach: @attach->fd is the file; with a name /dev/framepool/NAME appears, without one
 *	@attach->space_fd is a descriptor of the space, to be closed by the caller
 *
 * The file's descriptor is needed no longer afterwards.
 */
int framepool_attach(int control, struct framepool_attach *attach);

/**
 * framepool_attach_path() - put a backing file, given by its path, behind a space
 * @control: from framepool_open()
 * @path: opened for reading, and for writing too unless @attach->flags has
 *	FRAMEPOOL_ATTACH_READ_ONLY
 * @attach: as in framepool_attach(), but for @attach->fd, which is not looked at and -1 afterwards
 *
 * Return: also the errors of open(2).
 */
int framepool_attach_path(int control, const char *path, struct framepool_attach *attach);

/**
 * framepool_detach() - write everything back and remove /dev/framepool/NAME
 * @control: from framepool_open()
 * @name: which
 */
int framepool_detach(int control, const char *name);

/**
 * framepool_next_space() - iterate over the spaces
 * @control: from framepool_open()
 * @space: FRAMEPOOL_INIT() before the first call; from then on @space->cursor says where it is
 *
 * Return: 1 and the next one in @space; 0 after the last.
 */
int framepool_next_space(int control, struct framepool_space *space);

/**
 * framepool_find_space() - look a named space up without opening its node
 * @control: from framepool_open()
 * @name: which
 * @space: FRAMEPOOL_INIT() before
 *
 * Return: -ENOENT where there is none.
 */
int framepool_find_space(int control, const char *name, struct framepool_space *space);

/**
 * framepool_pool_create() - reserve a region
 * @control: from framepool_open()
 * @create: its name, its size, and where; @create->node is -1 for any node, 0 is node 0
 */
int framepool_pool_create(int control, struct framepool_pool_create *create);

/**
 * framepool_pool_destroy() - give a region back
 * @control: from framepool_open()
 * @name: which
 */
int framepool_pool_destroy(int control, const char *name);

/**
 * framepool_pool_set_policy() - replace the replacement policy of a pool that may be working
 * @control: from framepool_open()
 * @name: which pool; "" or NULL for the default one
 * @policy: its name, as in /sys/kernel/framepool/POOL/policy
 *
 * Return: -EINVAL: no such policy; -ENOENT: no such pool; -EPERM without CAP_SYS_ADMIN.
 */
int framepool_pool_set_policy(int control, const char *name, const char *policy);

/**
 * framepool_next_wset() - iterate over the working sets of a pool
 * @control: from framepool_open()
 * @pool: which pool; "" or NULL for the default one
 * @wset: FRAMEPOOL_INIT() before the first call; from then on @wset->cursor says where it is
 *
 * The first one is the common one, of what nobody in particular has asked for. Other users' are
 * left out without CAP_SYS_ADMIN.
 *
 * Return: 1 and the next one in @wset; 0 after the last; -ENOENT: no such pool.
 */
int framepool_next_wset(int control, const char *pool, struct framepool_wset *wset);

/**
 * framepool_get_wset() - the working set of a process
 * @control: from framepool_open()
 * @pool: which pool; "" or NULL for the default one
 * @pid: which process, 0 for the caller
 * @wset: out
 *
 * Return: -ESRCH: there is no such process, or it maps nothing of the pool; -EPERM: another
 * user's; -ENOENT: no such pool.
 */
int framepool_get_wset(int control, const char *pool, pid_t pid, struct framepool_wset *wset);

/**
 * framepool_limit_wset() - what a process has for sure in a pool, and what it never exceeds
 * @control: from framepool_open()
 * @pool: which pool; "" or NULL for the default one
 * @pid: which process, 0 for the caller
 * @min: frames that others do not take from it
 * @max: frames that it never has more than, at least 8, or FRAMEPOOL_WSET_NO_MAX
 *
 * Return: 0: and it has no more than @max; -EINVAL: @min over @max, or @max under 8; -ENOSPC: @min
 * cannot be guaranteed beside those of others; -EBUSY: @max does not leave 8 frames beside what is
 * pinned, or what is above it cannot leave; -EPERM: another user's, or a higher minimum without
 * CAP_SYS_ADMIN; -ESRCH, -ENOENT: see framepool_get_wset(). Then nothing has changed.
 */
int framepool_limit_wset(int control, const char *pool, pid_t pid, uint64_t min, uint64_t max);

/**
 * framepool_next_pool() - iterate over the pools
 * @control: from framepool_open()
 * @pool: FRAMEPOOL_INIT() before the first call; from then on @pool->cursor says where it is
 *
 * Return: 1 and the next one in @pool; 0 after the last.
 */
int framepool_next_pool(int control, struct framepool_pool *pool);

/**
 * framepool_find_pool() - look a pool up
 * @control: from framepool_open()
 * @name: which; "" or NULL for the default one
 * @pool: FRAMEPOOL_INIT() before
 *
 * Return: -ENOENT where there is none.
 */
int framepool_find_pool(int control, const char *name, struct framepool_pool *pool);

/**
 * framepool_open_space() - open /dev/framepool/NAME
 * @name: which
 * @flags: of open(2): O_RDONLY or O_RDWR; O_CLOEXEC is added
 *
 * Return: a descriptor for the functions that take @space; -EINVAL where @name can be no name.
 */
int framepool_open_space(const char *name, int flags);

/**
 * framepool_space_info() - what a space is and what happened to it
 * @space: a descriptor of it
 * @info: FRAMEPOOL_INIT() before
 */
int framepool_space_info(int space, struct framepool_space *info);

/**
 * framepool_errors() - what went wrong with the I/O of a space
 * @space: a descriptor of it
 * @errors: FRAMEPOOL_INIT() before
 */
int framepool_errors(int space, struct framepool_errors *errors);

/**
 * framepool_wait_error() - wait until a write has failed that this descriptor was not told of
 * @space: a descriptor of it
 * @timeout_ms: 0: only look; negative: wait for ever
 *
 * The next framepool_sync(), fsync() or msync() reports the error, and that ends it.  In a loop of
 * one's own poll() the descriptor for POLLERR or POLLPRI.
 *
 * Return: 0: there is one; -ETIMEDOUT: there is none; -EINTR: a signal came; -EBADF: it is no
 * descriptor; -ENOTTY: it is one of something else.
 */
int framepool_wait_error(int space, int timeout_ms);

/**
 * framepool_prefetch_start() - read ranges in while the program does something else
 * @space: a descriptor of it
 * @spans: what to fetch: offset and length of each, the rest 0
 * @nr: how many, 1 to 1024
 * @eventfd: an eventfd to which 1 is added when all is over; -1: none
 * @ticket: out: for framepool_prefetch_result()
 *
 * Return: 0, at once; -EINVAL: a bad span, then nothing is fetched, or @eventfd is none; -EBADF: it
 * is not open; -EBUSY: 64 tickets of this descriptor are out; -ENOMEM.
 */
int framepool_prefetch_start(int space, const struct framepool_span *spans, uint32_t nr,
			     int eventfd, uint64_t *ticket);

/**
 * framepool_prefetch_result() - what became of it; once
 * @space: the descriptor
 * @ticket: of framepool_prefetch_start()
 * @spans: out: each as it was given, with the counts of its pages
 * @nr: room for so many, at least as many as were given
 *
 * Return: 0; -EAGAIN: it is not finished; -ENOENT: no such ticket; -EINVAL: @nr is too small.
 */
int framepool_prefetch_result(int space, uint64_t ticket, struct framepool_span *spans,
			      uint32_t nr);

/**
 * framepool_prefetch() - read pages in before they are touched
 * @space: a descriptor of it
 * @range: FRAMEPOOL_INIT() before; 0 and 0 as offset and length are the whole space
 */
int framepool_prefetch(int space, struct framepool_range *range);

/**
 * framepool_evict() - write back what is dirty and give the frames back
 * @space: a descriptor of it
 * @range: as in framepool_prefetch(); says afterwards how many went and why others stayed
 */
int framepool_evict(int space, struct framepool_range *range);

/**
 * framepool_pin() - read pages in and keep them from being evicted, as long as @space is open
 * @space: a descriptor of it
 * @range: as in framepool_prefetch()
 */
int framepool_pin(int space, struct framepool_range *range);

/**
 * framepool_unpin() - let pages be evicted again
 * @space: a descriptor of it
 * @range: as in framepool_prefetch()
 */
int framepool_unpin(int space, struct framepool_range *range);

/**
 * framepool_hold() - pin pages, and keep what is stored to them from being written
 * @space: a descriptor opened for writing
 * @range: as in framepool_prefetch(); flags may be FRAMEPOOL_HOLD_DROP
 *
 * For write-ahead logging: store, make the log durable, then framepool_release().
 */
int framepool_hold(int space, struct framepool_range *range);

/**
 * framepool_release() - write the pages of a range that are held, flush, hold and pin them no more
 * @space: the descriptor that holds them
 * @range: as in framepool_prefetch()
 */
int framepool_release(int space, struct framepool_range *range);

/**
 * framepool_sync() - write back what is dirty, whoever stored it, and flush the backing device
 * @space: a descriptor of it
 * @range: as in framepool_prefetch()
 */
int framepool_sync(int space, struct framepool_range *range);

/**
 * framepool_advise() - say what will be done with pages, and what leaves first for it
 * @space: a descriptor of it
 * @advise: FRAMEPOOL_INIT() before; its advice is FRAMEPOOL_ADVICE_*
 *
 * posix_fadvise() of the descriptor does the same, but for the count in @advise->done.
 */
int framepool_advise(int space, struct framepool_advise *advise);

/**
 * framepool_record_start() - record which pages of a space are used, until @space is closed
 * @space: a descriptor of it, opened for writing, or the owner's
 *
 * Return: -EBUSY: somebody records it already; -EPERM.
 */
int framepool_record_start(int space);

/**
 * framepool_record() - take what was recorded, or look at the accessed and dirty bits
 * @space: the descriptor that records
 * @record: FRAMEPOOL_INIT() before; its @record->refs is the address of room for @record->nr
 *	references. FRAMEPOOL_RECORD_LOOK is a flag of it
 *
 * Return: -ENODATA: framepool_record_start() was not called; -EINVAL: no room, or a wrong cursor.
 */
int framepool_record(int space, struct framepool_record *record);

/**
 * framepool_residency() - which pages are resident
 * @space: a descriptor of it
 * @offset: in bytes, a multiple of 4096
 * @length: in bytes; 0 is to the end, wherever it is by then: others may resize the space
 * @bitmap: room for a bit per page, rounded up to bytes; page i is bit i % 8 of byte i / 8
 * @resident: how many, or NULL
 *
 * Return: -EPERM: as framepool_record_start() has it.
 */
int framepool_residency(int space, uint64_t offset, uint64_t length, void *bitmap,
			uint64_t *resident);

/**
 * framepool_resize() - change the size of the backing file and of the space together
 * @space: a descriptor opened for writing
 * @bytes: new size
 */
int framepool_resize(int space, uint64_t bytes);

/**
 * framepool_set_block() - how many pages are fetched together
 * @space: a descriptor of it
 * @block_type: FRAMEPOOL_BLOCK_*: AUTO, or 1, 4, 16, 64 or 256 pages
 */
int framepool_set_block(int space, unsigned int block_type);

/* Flags of framepool_map_file(). */
#define FRAMEPOOL_MAP_WRITE    (1U << 0) /* stores reach the file */
#define FRAMEPOOL_MAP_PRIVATE  (1U << 1) /* stores are allowed and reach nobody (MAP_PRIVATE) */
#define FRAMEPOOL_MAP_FALLBACK (1U << 2) /* no module, or no right to it: map the file itself */

/**
 * struct framepool_mapping - a file mapped whole
 * @addr: where
 * @length: of the file in bytes, not rounded
 * @fd: a descriptor of the space, or of the file itself after a fallback
 * @pooled: the mapping goes through a pool
 */
struct framepool_mapping {
	void *addr;
	size_t length;
	int fd;
	bool pooled;
};

/**
 * framepool_map_file() - map a whole file through a pool, instead of open() and mmap()
 * @path: a file, a block device, or a /dev/framepool/NAME that is there already
 * @flags: FRAMEPOOL_MAP_*; 0 maps for reading
 * @pool: name of the pool; "" or NULL for the default one
 * @mapping: out
 *
 * Return: the errors of open(2), of FRAMEPOOL_ATTACH and of mmap(2); -EINVAL: unknown flags, or
 * WRITE and PRIVATE together; -EFBIG: larger than the address space.  On error @mapping is
 * untouched.
 */
int framepool_map_file(const char *path, unsigned int flags, const char *pool,
		       struct framepool_mapping *mapping);

/**
 * framepool_unmap() - undo framepool_map_file()
 * @mapping: invalid afterwards, whatever is returned
 *
 * What was stored stays stored: the pool writes it back in time.  Call msync() or
 * fsync(@mapping->fd) first where it must be on the device when this returns.
 */
int framepool_unmap(struct framepool_mapping *mapping);

#ifdef __cplusplus
}
#endif

#endif /* FRAMEPOOL_H */
