/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the black-box programs share.
 *
 * A program is a table of tests.  Each test runs in a process of its own, so that one that dies or
 * hangs is one "not ok" and no more; afterwards the runner itself demands that nothing is left:
 * no space, no pool, and that no pool ever held more than its bound.
 *
 * Contents are compared with a model: a plain array of bytes, or a page derived from its number
 * and a version.  With FPOOL_PLAIN=1 a "space" is the backing file itself, opened and mapped by the
 * ordinary kernel: what holds there has to hold on the device, which tells whether a test is right.
 *
 * Environment:
 *   FPOOL_PLAIN=1	no module: the tests whose meaning is that of mmap, on the plain file;
 *			2: the same, and mounts and loop devices may be made (in a VM)
 *   FPOOL_DIR		where the files go, /mnt unless told
 *   FPOOL_SCALE	divides the work, for slow kernels
 *   FPOOL_SEED		of all random choices; every run prints its own
 *   FPOOL_LIMIT	seconds for one test
 *   FPOOL_CLEAN	milliseconds from one visit of the cleaner's to the next, 0 (never) unless told
 *   FPOOL_BASE		where the pools of tests are, in memory that is hidden from the kernel
 */
#ifndef ABI_TEST_H
#define ABI_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <linux/framepool.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE		4096UL
#define KIB		1024UL
#define MIB		(1024 * KIB)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PAGES(bytes)	(((bytes) + PAGE - 1) / PAGE)

#define CONTROL		"/dev/framepool/control"
#define NODES		"/dev/framepool"

/* ---- tests ---- */

#define T_DEVICE	(1U << 0)	/* about the module: no meaning on a plain file */
#define T_VARIANT(n)	((n) << 8)	/* in test_variant while it runs */

#define FAILED		1		/* exit statuses of a test's process */
#define SKIPPED		77
#define SETTLE_MS	30000		/* for spaces to go after their last user */

struct test {
	const char *name;
	void (*run)(void);
	unsigned int flags;
};

extern unsigned int test_variant;
extern bool plain;
extern bool write_errors_expected;	/* else one in any pool fails the test */
extern bool plain_at_home;		/* not in a VM either: nothing may be mounted or loaded */
extern void (*before_test)(void);	/* in its process */
extern void (*after_test)(void);	/* in the runner, before it looks for what is left */
extern unsigned int scale;
extern u64 seed;
#define DIR_SIZE	1024
extern char dir[DIR_SIZE];		/* of this program's files */

int test_main(int argc, char **argv, const struct test *tests, size_t nr);

void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void fail(const char *file, int line, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
unsigned int failures(void);
void give_up(void) __attribute__((noreturn));

/* Note a failure and go on. */
#define expect(cond, ...) \
	({ bool __ok = (cond); if (!__ok) fail(__FILE__, __LINE__, #cond, __VA_ARGS__); __ok; })

/* Without this the rest of the test makes no sense. */
#define need(cond, ...) do { if (!expect(cond, __VA_ARGS__)) give_up(); } while (0)

/* A system call that must work; its value. */
#define need_ok(call) \
	({ \
		long __ret = (long)(call); \
		if (__ret == -1) { \
			fail(__FILE__, __LINE__, #call, "%s", strerror(errno)); \
			give_up(); \
		} \
		__ret; \
	})

/* A system call that must fail so. */
#define expect_errno(call, want) \
	({ \
		errno = 0; \
		long __ret = (long)(call); \
		int __err = errno; \
		if (__ret != -1) \
			fail(__FILE__, __LINE__, #call, "gave %ld, wanted %s", __ret, \
			     strerrorname_np(want)); \
		else if (__err != (want)) \
			fail(__FILE__, __LINE__, #call, "%s, wanted %s", strerrorname_np(__err), \
			     strerrorname_np(want)); \
		__ret == -1 && __err == (want); \
	})

u64 scaled(u64 work);			/* work / scale, at least 1 */

/* ---- random numbers: splitmix64 ---- */

struct rnd {
	u64 state;
};

u64 mix(u64 x);
u64 rnd_next(struct rnd *r);
u64 rnd_below(struct rnd *r, u64 n);
void rnd_init(struct rnd *r, u64 stream);	/* from the seed of the run */

/* ---- contents ---- */

/*
 * A page of the number vpn and a version below 2^24: its first word says both, so that a wrong page
 * can be told by name, and the others follow from it.
 */
void page_fill(void *page, u64 vpn, u64 version);
bool page_is(const void *page, u64 vpn, u64 version);		/* says what it is instead */
bool page_holds(const void *page, u64 vpn, u64 version);	/* the same, silently */
bool page_torn(const void *page, u64 vpn, u64 old, u64 new);	/* a fill that was cut short */
/* Of a page whose writer may have died: the version that he finished, and the one that he began. */
void expect_settled(const void *page, u64 vpn, u64 finished, u64 begun, const char *where);
bool bytes_are(const void *is, const void *want, u64 len, u64 offset);
bool bytes_zero(const void *is, u64 len, u64 offset);

u8 *model_make(u64 bytes, u64 version);
char *file_path(const char *name);
char *file_make(const char *name, u64 bytes, u64 version);
char *file_make_scattered(const char *name, u64 bytes);	/* of version 1, no two pages in a row */
u8 *file_load(const char *path, u64 *bytes);	/* past the page cache where that is possible */
u8 *file_load_first(const char *path, u64 bytes);	/* of a device that is larger */
u64 file_size(const char *path);
void expect_file(const char *path, const u8 *model, u64 bytes);

/* ---- processes, faults, waiting ---- */

pid_t child_start(void (*run)(void *arg), void *arg);	/* exits 0 after run() */
void child_join(pid_t pid);				/* it must have */
bool child_ends(pid_t pid, u64 ms, int *status);	/* false: not within that time, it was killed */
void become(uid_t uid, gid_t gid);	/* for good, without groups or capabilities */

int try_load(const volatile void *from, u8 *value);	/* 0 or the signal */
int try_store(volatile void *to, u8 value);
int try_copy(void *to, const void *from, size_t len);
void catch_signal(int sig);		/* it ends them, too, from now on */

u64 now_ms(void);
bool wait_until(bool (*done)(void *arg), void *arg, u64 ms);
void wait_for_steps(atomic_ullong *steps, u64 at);	/* of somebody else; or until the test failed */
bool task_waits(pid_t pid, pid_t tid, u64 ms);		/* asleep, and stays so */
bool kernel_is_at_least(unsigned int major, unsigned int minor);

#define INJECT		"/sys/kernel/debug/framepool/inject"	/* kernels with fault injection */

/* A file of /proc or /sys: one write; or its first line. */
bool knob_write(const char *path, const char *text);
bool knob_read(const char *path, char *text, size_t len);
u64 pool_counter(const char *file, const char *name);	/* "NAME NUMBER" of the pool in debugfs */
void inject(const char *where);		/* the next one; skips where there is none */
bool inject_begun(void *where);		/* it has come; for wait_until */
u64 word_at(const char *path, u64 index);	/* of a file that is an array of 64-bit words */
u64 pfn_at(const void *page);		/* 0: it has no entry in the page table of this process */

/* ---- spaces and pools ---- */

extern char pool[FRAMEPOOL_NAME_SIZE];	/* for the next attach; "" is the default one */

int control_fd(void);				/* opened once in each process */
void control_close(void);
extern u32 pool_flags;		/* FRAMEPOOL_POOL_*, for the next two */
void pool_use(u64 bytes);			/* a pool for this test alone */
void pool_use_policy(u64 bytes, const char *policy);
bool pool_info(const char *name, struct framepool_pool *p);

extern u32 attach_flags;	/* FRAMEPOOL_ATTACH_*, beyond what a call needs */
extern u32 attach_block;	/* FRAMEPOOL_BLOCK_* */
void attach_init(struct framepool_attach *a, int fd);
int attach(struct framepool_attach *a);
int space_attach(const char *path, int oflags);	/* an unnamed space, or the plain file */
void space_name(const char *path, const char *name, int oflags);
int node_open(const char *name, int oflags);
int detach(const char *name);
void name_set(char *to, const char *name);	/* 64 bytes of a name, padded or cut */
void space_info(int fd, struct framepool_space *s);
unsigned int spaces_count(void);
bool no_spaces(void *unused);		/* for wait_until */
bool space_listed(u32 id);
bool space_is_orphan(void *id);		/* a u32; for wait_until */
void space_gone(int fd, u32 id);	/* close fd, if not -1; wait until id is not listed */
u32 space_id(int fd);

int range_op(int fd, unsigned long cmd, u64 offset, u64 length, struct framepool_range *r);
u64 resident_pages(int fd, u64 offset, u64 length, u8 *bitmap);

void *map(int fd, u64 bytes, int prot, int flags);
void make_absent(int fd, void *mapping, u64 bytes);	/* the next touch is a major fault */
void squeeze(u64 bytes);			/* page a scratch file through the pool once */
void squeeze_out(int fd, u64 left);		/* until that many pages of it are there at most */

/* How often pools that are made from now on are cleaned: clean_ms. The runner says 0, or FPOOL_CLEAN. */
void set_clean_ms(const char *ms);

/* The module's limit for waits, restored by the runner. */
void set_wait_ms(unsigned int ms);

/* ---- file systems and devices; false: this machine has no such thing ---- */

bool fs_mount(const char *type, char *where, size_t len);
/* An ext4 with blocks of 4 KiB on a device; without mkfs.ext4 the test is skipped. */
void ext4_on(const char *dev, const char *mkfs, const char *options, char *where, size_t len);
void fs_thaw_left(const char *where);	/* that of a test which gave up, if it is frozen */
/* All that are on devices, whoever writes to files of theirs: sysrq-u. Then the one and FPOOL_DIR. */
void all_read_only(const char *where);
void all_writable(const char *where);
bool loop_make(u64 bytes, char *dev, size_t len);

/* One device-mapper device a test; its first table comes with dm_table(), as dmsetup's lines. */
bool dm_make(char *node, size_t len);
void dm_table(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool dm_has(const char *target);		/* where not every kernel has it */
void dm_message(u64 sector, const char *fmt, ...)	/* to the target there */
	__attribute__((format(printf, 2, 3)));
unsigned int dm_delayed(void);		/* writes that the table's delays keep back now */
void dm_stall(void);			/* until */
void dm_go_on(void);
bool dm_remove(void *unused);		/* false: still in use */
void dm_clear_away(void);		/* for after_test */

/* ---- between the runner and the rest ---- */

void catch_faults(void);
void note_mounted(const char *where);		/* to be unmounted after the test */
bool space_next(struct framepool_space *s);	/* the answer after *s, which begins as zeros */
bool pool_next(struct framepool_pool *p);
void wait_ms_note(void);
void wait_ms_restore(void);

#endif /* ABI_TEST_H */
