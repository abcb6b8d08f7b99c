/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * framepool: the ioctl interface of /dev/framepool/control and of spaces.
 *
 * Every argument is a struct that begins with its own size and a word of flags.  A program
 * fills in @size with the sizeof() it was compiled with; a kernel that knows more takes the
 * missing fields as zero, one that knows less answers E2BIG where they are not zero.  One meaning
 * per errno, everywhere:
 *
 *   EINVAL	a field has a value that is never legal; an unknown flag; a struct too short
 *   E2BIG	bytes beyond what this kernel knows are not zero
 *   EFAULT	a pointer is bad
 *   ENOTTY	no such command on this descriptor
 *   EPERM	the caller may not do this
 *   ENOENT	no pool or space of this name
 *   EEXIST	the name is in use
 *   EBUSY	opened, mapped, attached or held
 *   ENOMEM	no memory for it
 */
#ifndef _UAPI_LINUX_FRAMEPOOL_H
#define _UAPI_LINUX_FRAMEPOOL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define FRAMEPOOL_ABI_VERSION	1
#define FRAMEPOOL_IOC_TYPE	0xfb
#define FRAMEPOOL_NAME_SIZE	64	/* 63 of [A-Za-z0-9._-] and the NUL */
#define FRAMEPOOL_POLICY_SIZE	16

/* Commands of the control node. */
#define FRAMEPOOL_ATTACH	_IO(FRAMEPOOL_IOC_TYPE, 0x00)
#define FRAMEPOOL_DETACH	_IO(FRAMEPOOL_IOC_TYPE, 0x01)
#define FRAMEPOOL_SPACE_NEXT	_IO(FRAMEPOOL_IOC_TYPE, 0x02)
#define FRAMEPOOL_POOL_CREATE	_IO(FRAMEPOOL_IOC_TYPE, 0x03)
#define FRAMEPOOL_POOL_DESTROY	_IO(FRAMEPOOL_IOC_TYPE, 0x04)
#define FRAMEPOOL_POOL_NEXT	_IO(FRAMEPOOL_IOC_TYPE, 0x05)
#define FRAMEPOOL_POOL_SET_POLICY _IO(FRAMEPOOL_IOC_TYPE, 0x06)
#define FRAMEPOOL_WSET_NEXT	_IO(FRAMEPOOL_IOC_TYPE, 0x07)
#define FRAMEPOOL_WSET_GET	_IO(FRAMEPOOL_IOC_TYPE, 0x08)
#define FRAMEPOOL_WSET_LIMIT	_IO(FRAMEPOOL_IOC_TYPE, 0x09)

/* Commands of a space: a descriptor from ATTACH, or an opened /dev/framepool/NAME. */
#define FRAMEPOOL_SPACE_INFO	_IO(FRAMEPOOL_IOC_TYPE, 0x20)
#define FRAMEPOOL_PREFETCH	_IO(FRAMEPOOL_IOC_TYPE, 0x21)
#define FRAMEPOOL_EVICT		_IO(FRAMEPOOL_IOC_TYPE, 0x22)
#define FRAMEPOOL_RESIDENCY	_IO(FRAMEPOOL_IOC_TYPE, 0x23)
#define FRAMEPOOL_PIN		_IO(FRAMEPOOL_IOC_TYPE, 0x24)
#define FRAMEPOOL_UNPIN		_IO(FRAMEPOOL_IOC_TYPE, 0x25)
#define FRAMEPOOL_SYNC		_IO(FRAMEPOOL_IOC_TYPE, 0x26)
#define FRAMEPOOL_RESIZE	_IO(FRAMEPOOL_IOC_TYPE, 0x27)
#define FRAMEPOOL_SET_BLOCK	_IO(FRAMEPOOL_IOC_TYPE, 0x28)
#define FRAMEPOOL_HOLD		_IO(FRAMEPOOL_IOC_TYPE, 0x29)
#define FRAMEPOOL_RELEASE	_IO(FRAMEPOOL_IOC_TYPE, 0x2a)
#define FRAMEPOOL_ERRORS	_IO(FRAMEPOOL_IOC_TYPE, 0x2b)
#define FRAMEPOOL_ADVISE	_IO(FRAMEPOOL_IOC_TYPE, 0x2c)
#define FRAMEPOOL_RECORD_START	_IO(FRAMEPOOL_IOC_TYPE, 0x2d)
#define FRAMEPOOL_RECORD	_IO(FRAMEPOOL_IOC_TYPE, 0x2e)
#define FRAMEPOOL_PREFETCH_START	_IO(FRAMEPOOL_IOC_TYPE, 0x30)
#define FRAMEPOOL_PREFETCH_RESULT	_IO(FRAMEPOOL_IOC_TYPE, 0x31)

/* Pages that are fetched together, aligned; AUTO follows the pattern of the program's faults. */
#define FRAMEPOOL_BLOCK_AUTO	0
#define FRAMEPOOL_BLOCK_1	1
#define FRAMEPOOL_BLOCK_4	2
#define FRAMEPOOL_BLOCK_16	3
#define FRAMEPOOL_BLOCK_64	4
#define FRAMEPOOL_BLOCK_256	5

/* struct framepool_attach.flags */
#define FRAMEPOOL_ATTACH_READ_ONLY	(1U << 0)
#define FRAMEPOOL_ATTACH_MODE		(1U << 1)	/* @mode is given; needs a name */
#define FRAMEPOOL_ATTACH_GROUP		(1U << 2)	/* @gid is given; needs a name */
#define FRAMEPOOL_ATTACH_DIRECT		(1U << 3)	/* past the file system, if that can be */

/**
 * struct framepool_attach - put a backing file behind a space
 * @size: sizeof(struct framepool_attach)
 * @flags: FRAMEPOOL_ATTACH_*
 * @fd: the backing: a regular file or a block device, opened for reading, and for
 *	writing too unless READ_ONLY; without O_APPEND
 * @mode: permission bits of the node, 0600 unless ATTACH_MODE
 * @gid: group of the node, the caller's unless ATTACH_GROUP (one that the caller is in, or
 *	CAP_CHOWN)
 * @block_type: FRAMEPOOL_BLOCK_*: how many pages are fetched together
 * @pool: the pool, "" for the default one
 * @name: makes /dev/framepool/NAME, which lasts until DETACH; "" makes an anonymous
 *	space, which lasts until its last descriptor and mapping go
 * @space: out: id of the space; who attaches the same file again gets the same one
 * @space_fd: out: a descriptor of the space (close-on-exec), -1 where @name is given
 *
 * With DIRECT pages of a regular file are read from and written to its blocks, without the file
 * system, where all of them are allocated and fixed (as for swapon); otherwise, and where that is
 * not so, through the file system. FRAMEPOOL_SPACE_DIRECT_PATH says which. As long as the file is
 * attached in this way it can neither be removed, nor resized (by RESIZE neither), nor written to
 * by others (ETXTBSY, EPERM), so @fd has to be open for writing (EACCES). Block devices are always
 * used directly.
 *
 * EISDIR, EINVAL (neither a regular file nor a block device; O_APPEND; a file of sysfs and its
 * like; of hugetlbfs, for writing), ELOOP (a node of framepool itself), ENODATA (an empty file),
 * EACCES (the descriptor has not the rights), EPERM (a memfd that is sealed against writing; while
 * one is attached for writing it cannot be), EROFS (for writing, on a read-only mount), ETXTBSY
 * (for writing, and the kernel swaps to it), EBADF (no such descriptor), EEXIST, ENOENT (no such
 * pool), EDQUOT (the caller has 1,024 named nodes already, and no CAP_SYS_ADMIN).
 */
struct framepool_attach {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 mode;
	__u32 gid;
	__u32 block_type;
	char pool[FRAMEPOOL_NAME_SIZE];
	char name[FRAMEPOOL_NAME_SIZE];
	__u32 space;
	__s32 space_fd;
};

/**
 * struct framepool_detach - write everything back and remove /dev/framepool/NAME
 * @size: sizeof(struct framepool_detach)
 * @flags: 0
 * @name: which
 *
 * EPERM: not the attacher's and no CAP_SYS_ADMIN. EBUSY: opened, mapped or held. EIO and its like:
 * pages could not be written; nothing was lost, the space is still attached.
 */
struct framepool_detach {
	__u32 size;
	__u32 flags;
	char name[FRAMEPOOL_NAME_SIZE];
};

/* struct framepool_space.state, bits */
#define FRAMEPOOL_SPACE_WRITABLE	(1U << 0)
#define FRAMEPOOL_SPACE_NAMED		(1U << 1)
#define FRAMEPOOL_SPACE_ORPHAN		(1U << 2)	/* nobody's, waits to be written back */
#define FRAMEPOOL_SPACE_BLOCKDEV	(1U << 3)
#define FRAMEPOOL_SPACE_DIRECT_IO	(1U << 4)	/* past the page cache */
#define FRAMEPOOL_SPACE_DIRECT_PATH	(1U << 5)	/* and past the file system */
#define FRAMEPOOL_SPACE_COPIES		(1U << 6)	/* either, and what is written is a copy */
#define FRAMEPOOL_SPACE_HIDDEN		(1U << 7)	/* another user's: counters are 0 */

/**
 * struct framepool_space - what a space is and what happened to it
 * @size: sizeof(struct framepool_space)
 * @flags: 0
 * @cursor: SPACE_NEXT: in: 0 or the last answer's; out: of this answer. ENOENT after the last.
 *	A named and an unnamed attachment of one file are two answers with one @space.
 * @bytes: size of the backing file
 * @space: id
 * @state: FRAMEPOOL_SPACE_*
 * @block_type: FRAMEPOOL_BLOCK_*
 * @uid: owner of the node (of the named space) or attacher
 * @opens: descriptors and named nodes that hold the space, and prefetches and resizes under way
 * @write_error: 0, or while pages are dirty that could not be written: errno of the last failure
 * @resident: frames that hold its pages now; from here on counters
 * @dirty: pages known to be dirty (a store that the pool has not looked at is not known yet)
 * @pinned: pages
 * @nodes: frames of its shadow page table
 * @minor_faults: faults on pages that were resident
 * @major_faults: faults that waited for a page
 * @fills: pages read
 * @fill_errors: pages that could not be read
 * @evictions: pages that left
 * @written: pages written back
 * @write_errors: pages that could not be written, each time
 * @refaults: fills of pages that a ghost remembered
 * @ghosts: pages remembered: they have left, or the last read of them failed and nobody was told
 * @pool: name of its pool
 * @name: name, "" for an unnamed one
 */
struct framepool_space {
	__u32 size;
	__u32 flags;
	__u64 cursor;
	__u64 bytes;
	__u32 space;
	__u32 state;
	__u32 block_type;
	__u32 uid;
	__u32 opens;
	__u32 write_error;
	__u64 resident;
	__u64 dirty;
	__u64 pinned;
	__u64 nodes;
	__u64 minor_faults;
	__u64 major_faults;
	__u64 fills;
	__u64 fill_errors;
	__u64 evictions;
	__u64 written;
	__u64 write_errors;
	__u64 refaults;
	__u64 ghosts;
	char pool[FRAMEPOOL_NAME_SIZE];
	char name[FRAMEPOOL_NAME_SIZE];
};

/* struct framepool_pool_create.flags, struct framepool_pool.state */
#define FRAMEPOOL_POOL_ONE_SET	(1U << 0)	/* processes have no working sets of their own */

/**
 * struct framepool_pool_create - reserve a region
 * @size: sizeof(struct framepool_pool_create)
 * @flags: FRAMEPOOL_POOL_ONE_SET
 * @bytes: size of the region, a multiple of 2 MiB
 * @base: 0, or a physical address hidden from the kernel with memmap=, a multiple of 2 MiB
 * @node: NUMA node, -1 for any
 * @__reserved: 0
 * @policy: "" for the default
 * @name: of the pool
 *
 * EPERM without CAP_SYS_ADMIN; EINVAL; ERANGE: larger than the memory there is; EEXIST; ENOMEM:
 * no contiguous memory of this size; EBUSY: @base is not reserved.
 */
struct framepool_pool_create {
	__u32 size;
	__u32 flags;
	__u64 bytes;
	__u64 base;
	__s32 node;
	__u32 __reserved;
	char policy[FRAMEPOOL_POLICY_SIZE];
	char name[FRAMEPOOL_NAME_SIZE];
};

/**
 * struct framepool_pool_destroy - give a region back
 * @size: sizeof(struct framepool_pool_destroy)
 * @flags: 0
 * @name: which
 *
 * EPERM without CAP_SYS_ADMIN; EBUSY while it has a space; ENOENT.
 */
struct framepool_pool_destroy {
	__u32 size;
	__u32 flags;
	char name[FRAMEPOOL_NAME_SIZE];
};

/**
 * struct framepool_pool_policy - replace the replacement policy of a pool
 * @size: sizeof(struct framepool_pool_policy)
 * @flags: 0
 * @policy: its name; /sys/kernel/framepool/POOL/policy lists them
 * @name: of the pool, "" for the default one
 *
 * The pool goes on working, no page leaves for it, and ghosts keep their age; what the old policy
 * had learned of the pages is forgotten.
 *
 * EPERM without CAP_SYS_ADMIN; EINVAL: no such policy; ENOENT: no such pool.
 */
struct framepool_pool_policy {
	__u32 size;
	__u32 flags;
	char policy[FRAMEPOOL_POLICY_SIZE];
	char name[FRAMEPOOL_NAME_SIZE];
};

/* No maximum. */
#define FRAMEPOOL_WSET_NO_MAX	(~0ULL)

/**
 * struct framepool_wset - the frames charged to a process in a pool
 * @size: sizeof(struct framepool_wset)
 * @flags: 0
 * @cursor: WSET_NEXT: in: 0 or the last answer's; out: of this answer. ENOENT after the last.
 *	WSET_GET: 0
 * @pid: WSET_GET: in: whose, 0 for the caller's. Out: whose, 0: not known yet, or of @id 0
 * @id: out: number of the set in its pool; 0 is the common one, of what nobody in particular has
 *	asked for or has left behind
 * @min: out: frames that others do not take
 * @max: out: frames that it never has more than, or FRAMEPOOL_WSET_NO_MAX; 0: its process has gone,
 *	and others are being given its frames
 * @target: out: how many it should have
 * @charge: out: how many it has
 * @peak: out: the most that it has had, since its last LIMIT
 * @pinned: out: of @charge, pinned ones
 * @faults: out: pages that it asked for and that were not there
 * @refaults: out: of these, pages that had been there
 * @near_refaults: out: of these, pages that a little more memory would have kept
 * @name: of the pool, "" for the default one
 *
 * A process has a working set in a pool as long as it maps something of it; its pages are those
 * that it touched first.  There are at most 4,095 in a pool: with so many, mmap() is ENOMEM for
 * who has none, and a child that is forked belongs to its parent's, which then has no more than its
 * maximum for both.
 *
 * ESRCH: there is no such process, or it has no working set of its own in this pool; EPERM: it is
 * another user's (WSET_NEXT leaves it out); ENOENT: no such pool.
 */
struct framepool_wset {
	__u32 size;
	__u32 flags;
	__u64 cursor;
	__s32 pid;
	__u32 id;
	__u64 min;
	__u64 max;
	__u64 target;
	__u64 charge;
	__u64 peak;
	__u64 pinned;
	__u64 faults;
	__u64 refaults;
	__u64 near_refaults;
	char name[FRAMEPOOL_NAME_SIZE];
};

/**
 * struct framepool_wset_limit - limits of a working set
 * @size: sizeof(struct framepool_wset_limit)
 * @flags: 0
 * @pid: whose, 0 for the caller's
 * @__reserved: 0
 * @min: frames that others do not take from it
 * @max: frames that it never has more than, at least 8, or FRAMEPOOL_WSET_NO_MAX
 * @name: of the pool, "" for the default one
 *
 * When it returns 0 the set has no more than @max. A child that is forked has its parent's maximum.
 * Several for one set come one after the other.
 *
 * EINVAL: @min is over @max, or @max is under 8; ENOSPC: @min cannot be guaranteed beside the
 * minima of the others and what they have pinned (together three quarters of the pool); EBUSY: @max
 * does not leave 8 frames beside what is pinned, or what is above it cannot leave; EPERM: another
 * user's, or a higher minimum without CAP_SYS_ADMIN; ESRCH: there is no such process, or it has no
 * working set of its own in this pool; ENOENT: no such pool. Then nothing has changed.
 */
struct framepool_wset_limit {
	__u32 size;
	__u32 flags;
	__s32 pid;
	__u32 __reserved;
	__u64 min;
	__u64 max;
	char name[FRAMEPOOL_NAME_SIZE];
};

/**
 * struct framepool_pool - what a pool is and what happened in it
 * @size: sizeof(struct framepool_pool)
 * @flags: 0
 * @cursor: POOL_NEXT: in: 0 or the last answer's; out: of this answer. ENOENT after the last.
 * @bytes: of the region
 * @base: physical address of frame 0; 0 without CAP_SYS_ADMIN
 * @node: NUMA node
 * @spaces: how many
 * @frames: all frames of the region
 * @kernel: of these, bitmap, frame table, and what is kept for nodes and not in use
 * @nodes: of these, nodes of shadow page tables
 * @free: of these, free
 * @resident: of these, holding pages
 * @resident_max: the most that @resident has ever been
 * @bound: the most that @resident can be: @frames less the kernel space at creation
 * @minor_faults: faults on pages that were resident
 * @major_faults: faults that waited for a page
 * @fills: pages read
 * @fill_errors: pages that could not be read
 * @evictions: pages that left
 * @written: pages written back
 * @write_errors: pages that could not be written, each time
 * @refaults: fills of pages that a ghost remembered
 * @splits: of blocks, in the allocator
 * @merges: of buddies, in the allocator
 * @direct_reclaims: faults that had to evict for themselves
 * @frame_waits: faults that waited for a free frame
 * @starved: faults that gave up waiting, with SIGBUS
 * @free_blocks: free blocks of each order, 0 to 18
 * @fragmentation: for each order: free frames that cannot serve it, in permille of all free
 * @state: FRAMEPOOL_POOL_ONE_SET
 * @__reserved: 0
 * @policy: its name
 * @name: of the pool
 */
struct framepool_pool {
	__u32 size;
	__u32 flags;
	__u64 cursor;
	__u64 bytes;
	__u64 base;
	__s32 node;
	__u32 spaces;
	__u64 frames;
	__u64 kernel;
	__u64 nodes;
	__u64 free;
	__u64 resident;
	__u64 resident_max;
	__u64 bound;
	__u64 minor_faults;
	__u64 major_faults;
	__u64 fills;
	__u64 fill_errors;
	__u64 evictions;
	__u64 written;
	__u64 write_errors;
	__u64 refaults;
	__u64 splits;
	__u64 merges;
	__u64 direct_reclaims;
	__u64 frame_waits;
	__u64 starved;
	__u32 free_blocks[19];
	__u32 fragmentation[19];
	__u32 state;
	__u32 __reserved;
	char policy[FRAMEPOOL_POLICY_SIZE];
	char name[FRAMEPOOL_NAME_SIZE];
};

/* struct framepool_range.flags, for HOLD */
#define FRAMEPOOL_HOLD_DROP	(1U << 0)	/* when the descriptor goes, forget, don't write */

/**
 * struct framepool_range - PREFETCH, EVICT, PIN, UNPIN, SYNC, HOLD, RELEASE
 * @size: sizeof(struct framepool_range)
 * @flags: 0; HOLD: FRAMEPOOL_HOLD_DROP
 * @offset: in bytes, a multiple of 4096
 * @length: in bytes; 0 is to the end; past the end of the space is EINVAL
 * @done: out: pages fetched; evicted; pinned; unpinned; written; held; RELEASE: 0
 * @already: out: PREFETCH: were resident; PIN: were pinned; HOLD: were held; else 0
 * @written: out: EVICT: of @done, those that had to be written first; RELEASE: pages; HOLD
 *	with DROP: pages that were dirty before
 * @pinned: out: EVICT: stayed because pinned
 * @held: out: EVICT: stayed because the kernel holds the frame
 * @busy: out: EVICT: stayed because busy
 * @failed: out: pages whose I/O failed
 * @error: out: errno of the last of these, 0 for none
 * @__reserved: 0
 * @promised: out: EVICT: stayed because they are of the minimum of another process's working set;
 *	not in the first version
 *
 * The results are there also where the call fails because of a page: SYNC, RELEASE and HOLD with
 * DROP say its errno in @error, too, and how many there were.
 *
 * PREFETCH, PIN and HOLD stop, with what they did in the fields, when the pool cannot take more
 * (ENOMEM); HOLD also at a page that cannot be read (EIO and its like), or is pinned by another
 * (EBUSY): release what it has held. EINTR: killed while waiting.
 *
 * PIN: the pages come and stay until UNPIN through the same descriptor, or until it goes, or until
 * their memory breaks. A pin is that descriptor's which set it first. Pins and holds together are
 * bounded by RLIMIT_MEMLOCK and half of the pool, unless the caller has CAP_IPC_LOCK (ENOMEM); and
 * for everybody by what the minima of working sets leave of three quarters of the pool, where there
 * are any.
 *
 * HOLD: the pages are pinned, and what is stored to them is not written to the file: not by
 * eviction, not by fsync, msync or SYNC of whomever, which pass them and return 0. RELEASE through
 * the same descriptor writes those of the range that it holds and flushes the device; then they are
 * neither held nor pinned. One RELEASE of a space follows the other. If it fails, what was held
 * still is, some of it perhaps written; but not what lies in broken memory (EIO): that is lost, and
 * not held any more; ERRORS has the place of the last. When the descriptor goes (its process has
 * died), held pages become pages like others, and are written; with FRAMEPOOL_HOLD_DROP they are
 * not: everybody sees them as they were before HOLD, which then wrote them if they were dirty. HOLD
 * and RELEASE need a descriptor opened for writing (EBADF). EBUSY: a page is pinned by another
 * descriptor, or this one holds pages with other flags.
 */
struct framepool_range {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 done;
	__u64 already;
	__u64 written;
	__u64 pinned;
	__u64 held;
	__u64 busy;
	__u64 failed;
	__u32 error;
	__u32 __reserved;
	__u64 promised;
};

/**
 * struct framepool_span - one of the ranges that are prefetched together
 * @offset: in bytes, a multiple of 4096
 * @length: in bytes; 0 is to the end; past the end of the space is EINVAL
 * @done: out: pages fetched
 * @already: out: pages that were resident
 * @failed: out: pages that were not fetched
 * @error: out: errno of the last of these, 0 for none; ENOMEM: the pool could not take more, and
 *	what came after was not tried
 * @__reserved: 0
 */
struct framepool_span {
	__u64 offset;
	__u64 length;
	__u64 done;
	__u64 already;
	__u64 failed;
	__u32 error;
	__u32 __reserved;
};

/**
 * struct framepool_prefetch - fetch ranges while the program does something else
 * @size: sizeof(struct framepool_prefetch)
 * @flags: 0
 * @spans: address of @nr struct framepool_span; START reads what to fetch, RESULT writes all of it
 * @nr: spans, 1 to 1024; RESULT: room for so many, out: how many there were
 * @eventfd: START: an eventfd to which 1 is added when all is over, -1: none
 * @ticket: START: out: what RESULT wants to have
 *
 * START checks everything and returns at once; nothing is fetched if anything is wrong. EINVAL: a
 * bad span, or @eventfd is no eventfd; EBADF: it is not open; EBUSY: 64 tickets of this descriptor
 * are out. RESULT gives the results once and ends the ticket; EAGAIN: it is not finished; ENOENT:
 * no such ticket; EINVAL: @nr is too small. Closing the descriptor cancels.
 */
struct framepool_prefetch {
	__u32 size;
	__u32 flags;
	__u64 spans;
	__u32 nr;
	__s32 eventfd;
	__u64 ticket;
};

/**
 * struct framepool_residency - which pages are resident
 * @size: sizeof(struct framepool_residency)
 * @flags: 0
 * @offset: in bytes, a multiple of 4096
 * @length: in bytes; 0 is to the end
 * @bitmap: address of (pages + 7) / 8 bytes; page i is bit i % 8 of byte i / 8
 * @resident: out: how many
 *
 * EPERM: as for struct framepool_record_start.
 */
struct framepool_residency {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 bitmap;
	__u64 resident;
};

/**
 * struct framepool_resize - change the backing file and the space together
 * @size: sizeof(struct framepool_resize)
 * @flags: 0
 * @bytes: new size, at least 1
 *
 * Needs a descriptor opened for writing (EBADF), and a regular file behind it (EINVAL). EBUSY:
 * pages past the new end are held. ETXTBSY: the file has the direct path (FRAMEPOOL_ATTACH_DIRECT),
 * or is a swap file. EFBIG, ENOSPC, EROFS, EPERM and their like: the file system does not take the
 * size. ENOMEM; EINTR: killed, it may go on. Then, but for EINTR, the size is what it was.
 */
struct framepool_resize {
	__u32 size;
	__u32 flags;
	__u64 bytes;
};

/**
 * struct framepool_block - the block type of a space
 * @size: sizeof(struct framepool_block)
 * @flags: 0
 * @block_type: FRAMEPOOL_BLOCK_*
 * @__reserved: 0
 */
struct framepool_block {
	__u32 size;
	__u32 flags;
	__u32 block_type;
	__u32 __reserved;
};

/**
 * struct framepool_errors - what went wrong with the I/O of a space
 * @size: sizeof(struct framepool_errors)
 * @flags: 0
 * @reads: pages that could not be read, each time
 * @writes: pages that could not be written, each time
 * @flushes: flushes of the device that failed
 * @read_offset: in bytes, of the last page that could not be read; 0 if @read_error is 0
 * @write_offset: in bytes, of the last page that could not be written; 0 if @write_error is 0
 * @unwritten: pages that are dirty now because they could not be written, or not be flushed; they
 *	are tried again by every sync, and where frames are needed
 * @read_error: errno of the last failed read, 0 for none
 * @write_error: errno of the last failed write, 0 for none
 * @flush_error: errno of the last failed flush, 0 for none
 * @__reserved: 0
 *
 * Counts since the space was attached. Asking changes nothing: fsync still reports what it would
 * have.
 */
struct framepool_errors {
	__u32 size;
	__u32 flags;
	__u64 reads;
	__u64 writes;
	__u64 flushes;
	__u64 read_offset;
	__u64 write_offset;
	__u64 unwritten;
	__u32 read_error;
	__u32 write_error;
	__u32 flush_error;
	__u32 __reserved;
};

/* struct framepool_advise.advice: as posix_fadvise() has them. */
#define FRAMEPOOL_ADVICE_NORMAL		0
#define FRAMEPOOL_ADVICE_RANDOM		1
#define FRAMEPOOL_ADVICE_SEQUENTIAL	2
#define FRAMEPOOL_ADVICE_WILLNEED	3
#define FRAMEPOOL_ADVICE_DONTNEED	4
#define FRAMEPOOL_ADVICE_NOREUSE	5

/**
 * struct framepool_advise - what a program will do with a range; posix_fadvise() does the same
 * @size: sizeof(struct framepool_advise)
 * @flags: 0
 * @offset: in bytes, a multiple of 4096
 * @length: in bytes; 0 is to the end; past the end of the space is EINVAL
 * @advice: FRAMEPOOL_ADVICE_*
 * @__reserved: 0
 * @done: out: pages that are there or coming (WILLNEED); that have left (DONTNEED); that leave
 *	first (NOREUSE); else 0
 *
 * NORMAL, RANDOM and SEQUENTIAL are of the descriptor, whatever the range: of its reads and
 * writes, and of its mappings where madvise() has not said otherwise. RANDOM fetches one page at a
 * time. SEQUENTIAL fetches ahead; what was read leaves first, unless others use it.
 *
 * WILLNEED starts to read what is absent, as far as frames are free; what is there counts as used.
 * DONTNEED evicts the range, and writes it where it is dirty. NOREUSE: the range leaves first,
 * unless it is used again; and from now on uses through this descriptor and its mappings do not
 * count, until NORMAL.
 */
struct framepool_advise {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u32 advice;
	__u32 __reserved;
	__u64 done;
};

/**
 * struct framepool_record_start - record which pages of a space are used, from now on
 * @size: sizeof(struct framepool_record_start)
 * @flags: 0
 * @__reserved: 0
 *
 * It ends when the descriptor goes. Until then a fault maps its page alone, so programs fault more.
 *
 * EPERM: the descriptor is not open for writing, and the caller neither owns the file nor could
 * open it for writing; EBUSY: somebody records it already; ENOMEM; EINTR: killed.
 */
struct framepool_record_start {
	__u32 size;
	__u32 flags;
	__u64 __reserved;
};

/* A reference is a __u64: the number of the page, and these bits. */
#define FRAMEPOOL_REF_PAGE	((1ULL << 52) - 1)
#define FRAMEPOOL_REF_SEEN	(1ULL << 62)	/* sometime since the page was looked at last */
#define FRAMEPOOL_REF_WRITE	(1ULL << 63)

/* struct framepool_record.flags */
#define FRAMEPOOL_RECORD_LOOK	(1U << 0)	/* look at the accessed and dirty bits */

/**
 * struct framepool_record - which pages were used
 * @size: sizeof(struct framepool_record)
 * @flags: FRAMEPOOL_RECORD_LOOK or 0
 * @refs: address of @nr __u64: references
 * @nr: room for so many, at least 1; out: how many there are
 * @__reserved: 0
 * @cursor: LOOK: in: 0 or the last answer's; out: where to go on, 0: that was all. Without: 0
 * @lost: out: references since the start that were not recorded, because nobody took those before
 *
 * Without LOOK it takes what the log has, oldest first: each fault and each page of a read() or
 * write(), in their order; and, with REF_SEEN, pages of which write-back or eviction found that
 * they had been used. Fewer than @nr: that is all. With LOOK it looks at the accessed and dirty
 * bits of all mappings, clears them and lists the pages in ascending order, with REF_SEEN. Uses
 * of a page that is mapped are seen as one, however many there were. The pool's policy and write-
 * back lose nothing by it.
 *
 * A use that neither was a fault nor stored anything is not known if its mapping goes before the
 * look. A signal makes it return early, with what there is; so does memory at @refs that cannot be
 * written, where something was taken before it.
 *
 * EINVAL: @nr is 0, or a wrong cursor; ENODATA: not started through this descriptor; EFAULT;
 * ENOMEM.
 */
struct framepool_record {
	__u32 size;
	__u32 flags;
	__u64 refs;
	__u32 nr;
	__u32 __reserved;
	__u64 cursor;
	__u64 lost;
};

#endif /* _UAPI_LINUX_FRAMEPOOL_H */
