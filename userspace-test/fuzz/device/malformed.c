// SPDX-License-Identifier: GPL-2.0-only
/*
 * Malformed requests, made from a description of each command's struct: every size, every place in
 * memory, every flag, every field with every value that is an edge of something, and random ones.
 *
 * Each answer has to be 0 or one of the errnos that the interface documents for the command, and
 * exactly one of them where only the envelope (size, flags, address) is wrong.  A refused request
 * changes nothing: the world is looked at after each bunch of them.
 */
#include "test.h"

#define RW		(PROT_READ | PROT_WRITE)
#define NR		16UL
#define NAME		"t.malformed"
#define MAX_SIZE	4096		/* of any struct, by the interface: a page */

/* ---- the commands ---- */

enum type {
	END, PLAIN,		/* a number */
	TEXT,			/* a string, of a fixed size */
	ADDRESS,
	ZERO,			/* must be zero */
	OUT,			/* an answer: what it holds before is nobody's business */
};

struct field {
	const char *name;
	size_t offset, size;
	enum type type;
};

#define FIELD(s, f, t) { #f, offsetof(struct s, f), sizeof(((struct s *)0)->f), t }

static const struct field attach_fields[] = {
	FIELD(framepool_attach, fd, PLAIN), FIELD(framepool_attach, mode, PLAIN),
	FIELD(framepool_attach, gid, PLAIN), FIELD(framepool_attach, block_type, PLAIN),
	FIELD(framepool_attach, pool, TEXT), FIELD(framepool_attach, name, TEXT),
	FIELD(framepool_attach, space, OUT), FIELD(framepool_attach, space_fd, OUT), { 0 },
};

static const struct field detach_fields[] = { FIELD(framepool_detach, name, TEXT), { 0 } };

static const struct field space_fields[] = {
	FIELD(framepool_space, cursor, PLAIN), FIELD(framepool_space, bytes, OUT),
	FIELD(framepool_space, ghosts, OUT), FIELD(framepool_space, name, OUT), { 0 },
};

static const struct field create_fields[] = {
	FIELD(framepool_pool_create, bytes, PLAIN), FIELD(framepool_pool_create, base, PLAIN),
	FIELD(framepool_pool_create, node, PLAIN), FIELD(framepool_pool_create, __reserved, ZERO),
	FIELD(framepool_pool_create, policy, TEXT), FIELD(framepool_pool_create, name, TEXT),
	{ 0 },
};

static const struct field destroy_fields[] = { FIELD(framepool_pool_destroy, name, TEXT), { 0 } };

static const struct field policy_fields[] = {
	FIELD(framepool_pool_policy, policy, TEXT), FIELD(framepool_pool_policy, name, TEXT), { 0 },
};

static const struct field wset_fields[] = {
	FIELD(framepool_wset, cursor, PLAIN), FIELD(framepool_wset, pid, PLAIN),
	FIELD(framepool_wset, id, OUT), FIELD(framepool_wset, charge, OUT),
	FIELD(framepool_wset, name, TEXT), { 0 },
};

static const struct field limit_fields[] = {
	FIELD(framepool_wset_limit, pid, PLAIN), FIELD(framepool_wset_limit, __reserved, ZERO),
	FIELD(framepool_wset_limit, min, PLAIN), FIELD(framepool_wset_limit, max, PLAIN),
	FIELD(framepool_wset_limit, name, TEXT), { 0 },
};

static const struct field pool_fields[] = {
	FIELD(framepool_pool, cursor, PLAIN), FIELD(framepool_pool, bytes, OUT),
	FIELD(framepool_pool, state, OUT), FIELD(framepool_pool, __reserved, OUT),
	FIELD(framepool_pool, name, OUT), { 0 },
};

static const struct field range_fields[] = {
	FIELD(framepool_range, offset, PLAIN), FIELD(framepool_range, length, PLAIN),
	FIELD(framepool_range, done, OUT), FIELD(framepool_range, failed, OUT),
	FIELD(framepool_range, error, OUT), FIELD(framepool_range, __reserved, ZERO),
	FIELD(framepool_range, promised, OUT), { 0 },
};

static const struct field residency_fields[] = {
	FIELD(framepool_residency, offset, PLAIN), FIELD(framepool_residency, length, PLAIN),
	FIELD(framepool_residency, bitmap, ADDRESS), FIELD(framepool_residency, resident, OUT),
	{ 0 },
};

static const struct field resize_fields[] = { FIELD(framepool_resize, bytes, PLAIN), { 0 } };

static const struct field block_fields[] = {
	FIELD(framepool_block, block_type, PLAIN), FIELD(framepool_block, __reserved, ZERO), { 0 },
};

static const struct field advise_fields[] = {
	FIELD(framepool_advise, offset, PLAIN), FIELD(framepool_advise, length, PLAIN),
	FIELD(framepool_advise, advice, PLAIN), FIELD(framepool_advise, __reserved, ZERO),
	FIELD(framepool_advise, done, OUT), { 0 },
};

static const struct field record_start_fields[] = {
	FIELD(framepool_record_start, __reserved, ZERO), { 0 },
};

static const struct field record_fields[] = {
	FIELD(framepool_record, refs, ADDRESS), FIELD(framepool_record, nr, PLAIN),
	FIELD(framepool_record, __reserved, ZERO), FIELD(framepool_record, cursor, PLAIN),
	FIELD(framepool_record, lost, OUT), { 0 },
};

static const struct field errors_fields[] = {
	FIELD(framepool_errors, reads, OUT), FIELD(framepool_errors, write_offset, OUT),
	FIELD(framepool_errors, flush_error, OUT), FIELD(framepool_errors, __reserved, ZERO),
	{ 0 },
};

static const struct field prefetch_fields[] = {
	FIELD(framepool_prefetch, spans, ADDRESS), FIELD(framepool_prefetch, nr, PLAIN),
	FIELD(framepool_prefetch, eventfd, PLAIN), FIELD(framepool_prefetch, ticket, PLAIN), { 0 },
};

/*
 * @base: what a request gets that has nothing wrong in its envelope and asks for nothing: an errno
 * that is found out after the envelope was looked at, or 0
 */
struct command {
	const char *name;
	unsigned long cmd;
	size_t size;
	const struct field *fields;
	u32 flags;
	int base;
	bool answers;		/* it writes to the struct */
	bool of_space;
	int errnos[16];		/* beyond EINVAL, E2BIG and EFAULT */
	size_t first;		/* size of the first version, 0: there is no other */
};

#define RANGE_FLAGS(name, flags, base) { \
	#name, FRAMEPOOL_##name, sizeof(struct framepool_range), range_fields, flags, base, true, \
	true, { ENOMEM, EINTR }, offsetof(struct framepool_range, promised) }
#define RANGE(name, base)	RANGE_FLAGS(name, 0, base)

static const struct command commands[] = {
	{ "ATTACH", FRAMEPOOL_ATTACH, sizeof(struct framepool_attach), attach_fields,
	  FRAMEPOOL_ATTACH_READ_ONLY | FRAMEPOOL_ATTACH_MODE | FRAMEPOOL_ATTACH_GROUP |
		  FRAMEPOOL_ATTACH_DIRECT, EBADF,
	  true, false, { EISDIR, ELOOP, ENODATA, EACCES, EROFS, EBADF, EEXIST, ENOENT, EBUSY,
			 EPERM, ENOMEM }, 0 },
	{ "DETACH", FRAMEPOOL_DETACH, sizeof(struct framepool_detach), detach_fields, 0, ENOENT,
	  false, false, { ENOENT, EPERM, EBUSY }, 0 },
	{ "SPACE_NEXT", FRAMEPOOL_SPACE_NEXT, sizeof(struct framepool_space), space_fields, 0,
	  ENOENT, true, false, { ENOENT }, 0 },
	{ "POOL_CREATE", FRAMEPOOL_POOL_CREATE, sizeof(struct framepool_pool_create),
	  create_fields, FRAMEPOOL_POOL_ONE_SET, EEXIST, false, false, 
	  { EPERM, ERANGE, EEXIST, ENOMEM, EBUSY }, 0 },
	{ "POOL_DESTROY", FRAMEPOOL_POOL_DESTROY, sizeof(struct framepool_pool_destroy),
	  destroy_fields, 0, ENOENT, false, false, { EPERM, EBUSY, ENOENT }, 0 },
	{ "POOL_NEXT", FRAMEPOOL_POOL_NEXT, sizeof(struct framepool_pool), pool_fields, 0,
	  ENOENT, true, false, { ENOENT }, 0 },
	{ "SPACE_INFO", FRAMEPOOL_SPACE_INFO, sizeof(struct framepool_space), space_fields, 0, 0,
	  true, true, { 0 }, 0 },
	RANGE(PREFETCH, 0), RANGE(EVICT, 0), RANGE(PIN, 0), RANGE(UNPIN, 0),
	RANGE_FLAGS(HOLD, FRAMEPOOL_HOLD_DROP, 0),
	/* Flushing is slow, and so is what a resize does to a file system's journal. */
	RANGE(SYNC, EINVAL), RANGE(RELEASE, EINVAL),
	{ "RESIDENCY", FRAMEPOOL_RESIDENCY, sizeof(struct framepool_residency), residency_fields,
	  0, 0, true, true, { 0 }, 0 },
	{ "RESIZE", FRAMEPOOL_RESIZE, sizeof(struct framepool_resize), resize_fields, 0, EINVAL,
	  false, true, { EBADF, EBUSY, EFBIG, ENOSPC }, 0 },
	{ "SET_BLOCK", FRAMEPOOL_SET_BLOCK, sizeof(struct framepool_block), block_fields, 0, 0,
	  false, true, { 0 }, 0 },
	{ "POOL_SET_POLICY", FRAMEPOOL_POOL_SET_POLICY, sizeof(struct framepool_pool_policy),
	  policy_fields, 0, ENOENT, false, false, { EPERM, ENOENT }, 0 },
	{ "WSET_NEXT", FRAMEPOOL_WSET_NEXT, sizeof(struct framepool_wset), wset_fields, 0, ENOENT,
	  true, false, { ENOENT }, 0 },
	{ "WSET_GET", FRAMEPOOL_WSET_GET, sizeof(struct framepool_wset), wset_fields, 0, ENOENT,
	  true, false, { ENOENT, ESRCH, EPERM }, 0 },
	{ "WSET_LIMIT", FRAMEPOOL_WSET_LIMIT, sizeof(struct framepool_wset_limit), limit_fields, 0,
	  ENOENT, false, false, { ENOENT, ESRCH, EPERM, ENOSPC, EBUSY }, 0 },
	{ "ADVISE", FRAMEPOOL_ADVISE, sizeof(struct framepool_advise), advise_fields, 0, 0, true,
	  true, { ENOMEM, EINTR }, 0 },
	{ "RECORD_START", FRAMEPOOL_RECORD_START, sizeof(struct framepool_record_start),
	  record_start_fields, 0, EBUSY, false, true, { EBUSY, ENOMEM, EINTR }, 0 },
	{ "RECORD", FRAMEPOOL_RECORD, sizeof(struct framepool_record), record_fields,
	  FRAMEPOOL_RECORD_LOOK, 0, true, true, { ENOMEM }, 0 },
	{ "ERRORS", FRAMEPOOL_ERRORS, sizeof(struct framepool_errors), errors_fields, 0, 0, true,
	  true, { 0 }, 0 },
	/* A ticket that is not taken back is one of 64. */
	{ "PREFETCH_START", FRAMEPOOL_PREFETCH_START, sizeof(struct framepool_prefetch),
	  prefetch_fields, 0, EBADF, true, true, { EBADF, EBUSY, ENOMEM }, 0 },
	{ "PREFETCH_RESULT", FRAMEPOOL_PREFETCH_RESULT, sizeof(struct framepool_prefetch),
	  prefetch_fields, 0, ENOENT, true, true, { ENOENT, EAGAIN }, 0 },
};

#define each_command(c) \
	const struct command *c = commands; c < commands + ARRAY_SIZE(commands); c++

/* ---- the stage ---- */

static char *path;
static int space, backing;
static bool resized;		/* what was in the file is gone */
static u8 *m;			/* the space's mapping, with two pages past the end */
static u8 *memory;		/* four pages, then a hole */
static u8 bitmap[64];
static u64 refs[4096];		/* more than there ever are */
static struct framepool_span spans[1024];	/* as many as may be asked for */
static u64 ticket;		/* one that is out, 0: none */
static struct rnd rnd;

#define EDGE	(memory + 4 * PAGE)

static void begin(void)
{
	struct framepool_record_start start = { .size = sizeof(start) };

	pool_use(2 * MIB);
	rnd_init(&rnd, 1);
	path = file_make("file", NR * PAGE, 1);
	backing = need_ok(open(path, O_RDWR | O_CLOEXEC));
	space = space_attach(path, O_RDWR);
	need_ok(ioctl(space, FRAMEPOOL_RECORD_START, &start));
	m = map(space, (NR + 2) * PAGE, RW, MAP_SHARED);
	memory = mmap(NULL, 5 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(memory != MAP_FAILED, "mmap");
	need_ok(munmap(EDGE, PAGE));
	control_fd();
}

static void end(void)
{
	u8 *model = model_make(NR * PAGE, 1);
	u32 id = space_id(space);

	need_ok(munmap(m, (NR + 2) * PAGE));
	space_gone(space, id);
	if (!resized)
		expect_file(path, model, NR * PAGE);
}

static int fd_of(const struct command *c)
{
	return c->of_space ? space : control_fd();
}

/* 0 or the errno. */
static int call(const struct command *c, void *arg)
{
	return ioctl(fd_of(c), c->cmd, arg) < 0 ? errno : 0;
}

/* A request with nothing wrong in its envelope that gets c->base. */
static void harmless(const struct command *c, void *to)
{
	union {
		u32 size;
		struct framepool_attach attach;
		struct framepool_detach detach;
		struct framepool_space space;
		struct framepool_pool_create create;
		struct framepool_pool_destroy destroy;
		struct framepool_pool pool;
		struct framepool_range range;
		struct framepool_residency residency;
		struct framepool_resize resize;
		struct framepool_block block;
		struct framepool_pool_policy policy;
		struct framepool_advise advise;
		struct framepool_wset wset;
		struct framepool_wset_limit limit;
		struct framepool_record record;
		struct framepool_prefetch prefetch;
	} a;

	memset(&a, 0, sizeof(a));
	if (c->cmd == FRAMEPOOL_ATTACH) {
		attach_init(&a.attach, -1);
	} else if (c->cmd == FRAMEPOOL_DETACH) {
		name_set(a.detach.name, "t.nobody");
	} else if (c->cmd == FRAMEPOOL_POOL_CREATE) {
		a.create.bytes = 2 * MIB;
		a.create.node = -1;
		memcpy(a.create.name, pool, sizeof(pool));
	} else if (c->cmd == FRAMEPOOL_POOL_DESTROY) {
		name_set(a.destroy.name, "t-nobody");
	} else if (c->cmd == FRAMEPOOL_POOL_SET_POLICY) {
		strcpy(a.policy.policy, "clock");
		name_set(a.policy.name, "t-nobody");
	} else if (c->fields == wset_fields) {
		name_set(a.wset.name, "t-nobody");
	} else if (c->cmd == FRAMEPOOL_WSET_LIMIT) {
		a.limit.max = FRAMEPOOL_WSET_NO_MAX;
		name_set(a.limit.name, "t-nobody");
	} else if (c->cmd == FRAMEPOOL_SPACE_NEXT) {
		a.space.cursor = ~0ull;
	} else if (c->cmd == FRAMEPOOL_POOL_NEXT) {
		a.pool.cursor = ~0ull;
	} else if (c->fields == range_fields) {
		a.range.offset = (NR + (c->base == EINVAL)) * PAGE;
	} else if (c->cmd == FRAMEPOOL_RESIDENCY) {
		a.residency.bitmap = (uintptr_t)bitmap;
	} else if (c->cmd == FRAMEPOOL_RECORD) {
		a.record.refs = (uintptr_t)refs;
		a.record.nr = ARRAY_SIZE(refs);
	} else if (c->fields == prefetch_fields) {
		a.prefetch.spans = (uintptr_t)memset(spans, 0, sizeof(spans));
		a.prefetch.nr = 1;
		a.prefetch.eventfd = -2;
		a.prefetch.ticket = ~0ull;
	}
	a.size = c->size;
	memcpy(to, &a, c->size);
}

/* ---- the world ---- */

struct world {
	struct {
		u64 bytes, pinned, space, state, block_type, opens;
		char name[FRAMEPOOL_NAME_SIZE];
	} spaces[8];
	struct {
		u64 bytes, spaces;
		char name[FRAMEPOOL_NAME_SIZE];
	} pools[8];
	u64 nspaces, npools, fds;
};

static void look(struct world *w)
{
	struct framepool_space s = { .cursor = 0 };
	struct framepool_pool p = { .cursor = 0 };
	int fd;

	memset(w, 0, sizeof(*w));
	for (; space_next(&s) && w->nspaces < 8; w->nspaces++) {
		w->spaces[w->nspaces].bytes = s.bytes;
		w->spaces[w->nspaces].pinned = s.pinned;
		w->spaces[w->nspaces].space = s.space;
		w->spaces[w->nspaces].state = s.state;
		w->spaces[w->nspaces].block_type = s.block_type;
		w->spaces[w->nspaces].opens = s.opens;
		memcpy(w->spaces[w->nspaces].name, s.name, sizeof(s.name));
	}
	for (; pool_next(&p) && w->npools < 8; w->npools++) {
		w->pools[w->npools].bytes = p.bytes;
		w->pools[w->npools].spaces = p.spaces;
		memcpy(w->pools[w->npools].name, p.name, sizeof(p.name));
	}
	for (fd = 0; fd < 64; fd++)
		w->fds |= (u64)(fcntl(fd, F_GETFD) >= 0) << fd;
}

static struct world before, after;

static void prefetch(unsigned long cmd, u32 nr)
{
	struct framepool_prefetch p = {
		.size = sizeof(p), .spans = (uintptr_t)spans, .nr = nr, .eventfd = -1,
		.ticket = ticket,
	};
	u64 until = now_ms() + 60000;

	memset(spans, 0, sizeof(spans));
	while (ioctl(space, cmd, &p)) {
		need(errno == EAGAIN && now_ms() < until, "a prefetch: %s", strerror(errno));
		usleep(100);
	}
	ticket = cmd == FRAMEPOOL_PREFETCH_START ? p.ticket : 0;
}

static bool is_same(void *unused)
{
	(void)unused;
	look(&after);
	return !memcmp(&before, &after, sizeof(before));
}

/* Who fetches uses the space until a moment after the result is there. */
static void same_world(const struct command *c, const char *what)
{
	if (ticket)
		prefetch(FRAMEPOOL_PREFETCH_RESULT, ARRAY_SIZE(spans));
	expect(wait_until(is_same, NULL, 5000),
	       "%s: %s: a refused request changed something", c->name, what);
	before = after;
}

static void exactly(const struct command *c, int is, int should, const char *what, u64 value)
{
	expect(is == should, "%s: %s %#jx: %s, not %s", c->name, what, (uintmax_t)value,
	       strerrorname_np(is) ?: "0", strerrorname_np(should) ?: "0");
}

static bool documented(const struct command *c, int err)
{
	unsigned int i;

	if (!err || err == EINVAL || err == E2BIG || err == EFAULT)
		return true;
	for (i = 0; i < ARRAY_SIZE(c->errnos) && c->errnos[i]; i++)
		if (c->errnos[i] == err)
			return true;
	return false;
}

/* ---- the envelope: sizes ---- */

static int for_size(const struct command *c, u64 size)
{
	size_t least = c->first ? c->first : c->size;

	return size < least ? EINVAL : size > MAX_SIZE ? E2BIG : c->base;
}

/* In the middle of memory, zeros behind it. */
static void size_roomy(const struct command *c, u32 size)
{
	memset(memory, 0, 4 * PAGE);
	harmless(c, memory);
	*(u32 *)memory = size;
	exactly(c, call(c, memory), for_size(c, size), "size", size);
}

/* Its last byte is the last before a hole; then one more than there are bytes. */
static void size_at_edge(const struct command *c, u32 size)
{
	u8 *arg = EDGE - size;
	u8 whole[MAX_SIZE + 512] = { 0 };

	harmless(c, whole);
	*(u32 *)whole = size;
	memcpy(arg, whole, size);
	exactly(c, call(c, arg), for_size(c, size), "size, up to a hole,", size);
	if (size <= c->size)
		return;
	memcpy(arg + 1, whole, size - 1);
	exactly(c, call(c, arg + 1), size > MAX_SIZE ? E2BIG : EFAULT, "size, into a hole,", size);
}

static void sizes(void)
{
	static const u32 large[] = { 4097, 8192, 65536, 1u << 20, 0x7fffffff, 0x80000000,
				     0xfffffffc, 0xffffffff };
	u32 size, i;

	begin();
	look(&before);
	for (each_command(c)) {
		for (size = 0; size <= MAX_SIZE; size++)
			size_roomy(c, size);
		for (size = 4; size <= MAX_SIZE; size += 1 + (size > c->size + 9) * 7)
			size_at_edge(c, size);
		for (i = 0; i < ARRAY_SIZE(large); i++)
			size_roomy(c, large[i]);
		same_world(c, "sizes");
	}
	end();
}

/* Bytes behind what the kernel knows: one that is not zero, wherever it is. */
static void tails(void)
{
	u32 size, at, i;

	begin();
	look(&before);
	for (each_command(c)) {
		for (i = 0; i < 400; i++) {
			size = i < 16 ? c->size + 1 + i :
			       c->size + 1 + rnd_below(&rnd, MAX_SIZE - c->size);
			at = i < 16 ? c->size + i : c->size + rnd_below(&rnd, size - c->size);
			memset(memory, 0, 4 * PAGE);
			harmless(c, memory);
			*(u32 *)memory = size;
			memory[at] = 1 + rnd_below(&rnd, 255);
			exactly(c, call(c, memory), E2BIG, "a tail that is not zero at", at);
			memory[at] = 0;
			memory[size] = 1;
			exactly(c, call(c, memory), c->base, "a byte behind the size", size);
		}
		same_world(c, "tails");
	}
	end();
}

/* ---- the envelope: flags and addresses ---- */

static void flags(void)
{
	u32 i, set;

	begin();
	look(&before);
	for (each_command(c)) {
		for (i = 0; i < 232; i++) {
			set = i < 32 ? 1u << i : rnd_next(&rnd);
			if (!(set & ~c->flags))
				continue;
			harmless(c, memory);
			((u32 *)memory)[1] = set;
			exactly(c, call(c, memory), EINVAL, "flags", set);
		}
		same_world(c, "flags");
	}
	end();
}

static void addresses(void)
{
	static const u64 bad[] = {
		0, 1, 4, 0x1000, 0xffff, 0x7ffffffff000, 0x7ffffffffffc, 0x800000000000,
		0xffff800000000000, 0xffff888000000000, 0xffffc90000000000, 0xffffffff81000000,
		0xfffffffffffff000, 0xfffffffffffffffc, 0xffffffffffffffff, 1ull << 63, 1ull << 56,
	};
	u8 *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	u32 i;

	begin();
	look(&before);
	for (each_command(c)) {
		for (i = 0; i < ARRAY_SIZE(bad); i++)
			exactly(c, call(c, (void *)bad[i]), EFAULT, "address", bad[i]);
		exactly(c, call(c, none), EFAULT, "PROT_NONE", 0);
		exactly(c, call(c, m + (NR + 1) * PAGE), EFAULT, "past the end of a mapping", 0);
		/* A hole at each of its bytes. */
		for (i = 0; i < c->size; i++) {
			u8 whole[512];

			harmless(c, whole);
			memcpy(EDGE - i, whole, i);
			exactly(c, call(c, EDGE - i), EFAULT, "a hole at byte", i);
		}
		same_world(c, "addresses");
	}
	end();
}

/* Memory that can be read only, that is not aligned, that is the space itself. */
static void odd_memory(void)
{
	u32 i;

	begin();
	look(&before);
	for (each_command(c)) {
		harmless(c, memory);
		need_ok(mprotect(memory, PAGE, PROT_READ));
		exactly(c, call(c, memory), c->answers ? EFAULT : c->base, "read-only memory", 0);
		need_ok(mprotect(memory, PAGE, RW));
		for (i = 1; i < 8; i++) {
			harmless(c, memory + PAGE - c->size / 2 + i);
			exactly(c, call(c, memory + PAGE - c->size / 2 + i), c->base,
				"unaligned by", i);
		}
		/* The end of its own last page, which need not be there. */
		harmless(c, m + NR * PAGE - c->size);
		make_absent(space, m, NR * PAGE);
		exactly(c, call(c, m + NR * PAGE - c->size), c->base, "in the space's page", NR);
		page_fill(m + (NR - 1) * PAGE, NR - 1, 1);
		same_world(c, "odd memory");
	}
	end();
}

/* ---- fields ---- */

/* What a request that was granted has changed goes again. */
static void undo(const struct command *c, void *arg)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = NR * PAGE };
	struct framepool_block b = { .size = sizeof(b) };
	struct framepool_pool_destroy d = { .size = sizeof(d) };
	struct framepool_range range;

	if (c->cmd == FRAMEPOOL_ATTACH) {
		struct framepool_attach *a = arg;

		if (a->name[0])
			need_ok(detach(a->name));
		else
			need_ok(close(a->space_fd));
	} else if (c->cmd == FRAMEPOOL_POOL_CREATE) {
		memcpy(d.name, ((struct framepool_pool_create *)arg)->name, sizeof(d.name));
		need_ok(ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &d));
	} else if (c->cmd == FRAMEPOOL_RESIZE) {
		resized = true;
		need_ok(ioctl(space, FRAMEPOOL_RESIZE, &r));
	} else if (c->cmd == FRAMEPOOL_SET_BLOCK) {
		need_ok(ioctl(space, FRAMEPOOL_SET_BLOCK, &b));
	} else if (c->cmd == FRAMEPOOL_PIN) {
		need_ok(range_op(space, FRAMEPOOL_UNPIN, 0, 0, &range));
	} else if (c->cmd == FRAMEPOOL_HOLD) {
		need_ok(range_op(space, FRAMEPOOL_RELEASE, 0, 0, &range));
	} else if (c->cmd == FRAMEPOOL_PREFETCH_START) {
		ticket = ((struct framepool_prefetch *)arg)->ticket;
		prefetch(FRAMEPOOL_PREFETCH_RESULT, ARRAY_SIZE(spans));
	} else if (c->cmd == FRAMEPOOL_PREFETCH_RESULT) {
		ticket = 0;
	}
}

/* A request that would be granted, to have one field of it spoilt. */
static void good(const struct command *c, void *to)
{
	harmless(c, to);
	if (c->cmd == FRAMEPOOL_ATTACH)
		((struct framepool_attach *)to)->fd = backing;
	if (c->cmd == FRAMEPOOL_POOL_CREATE)
		name_set(((struct framepool_pool_create *)to)->name, "t-malformed");
	if (c->fields == range_fields)
		((struct framepool_range *)to)->offset = 0;
	if (c->cmd == FRAMEPOOL_RESIZE)
		((struct framepool_resize *)to)->bytes = NR * PAGE;
	if (c->cmd == FRAMEPOOL_PREFETCH_START)
		((struct framepool_prefetch *)to)->eventfd = -1;
	if (c->cmd == FRAMEPOOL_PREFETCH_RESULT) {
		/* A refused request has left it, finished or not. */
		if (!ticket)
			prefetch(FRAMEPOOL_PREFETCH_START, 1);
		((struct framepool_prefetch *)to)->ticket = ticket;
	}
}

static void ask(const struct command *c, const char *what)
{
	u8 was[512];
	int err;

	memcpy(was, memory, c->size);
	err = call(c, memory);
	expect(documented(c, err), "%s: %s: %s", c->name, what, strerrorname_np(err));
	expect(!err || err == ENOMEM || c->cmd == FRAMEPOOL_RESIDENCY ||
	       !memcmp(was, memory, c->size), "%s: %s: %s, and an answer", c->name, what,
	       strerrorname_np(err));
	if (!err)
		undo(c, memory);
}

static u64 edge_value(u32 i)
{
	static const u64 around[] = { 0, 4, 64, 511, PAGE, NR * PAGE, 2 * MIB, 1ull << 31,
				      1ull << 32, 1ull << 44, 1ull << 52, 1ull << 63 };

	if (i < 3 * ARRAY_SIZE(around))
		return around[i / 3] + i % 3 - 1;
	return rnd_next(&rnd) >> rnd_below(&rnd, 64);
}

static void spoil_text(const struct field *f, u32 i)
{
	static const char * const texts[] = {
		"", ".", "..", "/", "a/b", "../x", "\n", " ", "%s%n", "\xff", "control", "t-none",
		"\x80\x80", "A", "a.b-c_d",
	};
	u32 at;

	memset(memory + f->offset, 0, f->size);
	if (i < ARRAY_SIZE(texts))
		memcpy(memory + f->offset, texts[i], strlen(texts[i]));
	else if (i == ARRAY_SIZE(texts))
		memset(memory + f->offset, 'a', f->size);
	else if (i == ARRAY_SIZE(texts) + 1)
		memset(memory + f->offset, 'a', f->size - 1);
	else
		for (at = 0; at < f->size; at++)
			memory[f->offset + at] = rnd_next(&rnd) >> 7;
}

static void spoil(const struct field *f, u32 i)
{
	u64 value = edge_value(i);
	u32 at;

	if (f->type == TEXT) {
		spoil_text(f, i);
	} else if (f->size <= 8) {
		memcpy(memory + f->offset, &value, f->size);
	} else {
		for (at = 0; at < f->size; at++)
			memory[f->offset + at] = rnd_next(&rnd);
	}
}

static void one_field(const struct command *c, const struct field *f)
{
	u32 i;
	u64 value;

	for (i = 0; i < 60; i++) {
		good(c, memory);
		if (f->type == ADDRESS && i > 40)
			value = 0xffff800000000000ull + i * PAGE;
		else
			value = 0;
		spoil(f, i);
		if (value)
			memcpy(memory + f->offset, &value, f->size);
		value = 0;
		memcpy(&value, memory + f->offset, f->size < 8 ? f->size : 8);
		if (f->type == ZERO && value)
			exactly(c, call(c, memory), EINVAL, f->name, value);
		else
			ask(c, f->name);
	}
}

static void fields(void)
{
	const struct field *f;

	begin();
	look(&before);
	for (each_command(c)) {
		for (f = c->fields; f->name; f++)
			one_field(c, f);
		same_world(c, "fields");
	}
	end();
}

/* All of them at once: edges and random bits, half of the time with good flags. */
static void everything(void)
{
	u64 rounds = scaled(4000), i;
	const struct field *f;

	begin();
	look(&before);
	for (each_command(c)) {
		for (i = 0; i < rounds; i++) {
			good(c, memory);
			for (f = c->fields; f->name; f++)
				if (rnd_below(&rnd, 3) == 0)
					spoil(f, rnd_below(&rnd, 70));
			if (rnd_below(&rnd, 2))
				((u32 *)memory)[1] = rnd_next(&rnd) & (c->flags | 1u << i % 32);
			ask(c, "many fields");
		}
		same_world(c, "many fields");
	}
	end();
}

/* ---- numbers of commands ---- */

static bool known(u32 cmd)
{
	for (each_command(c))
		if (c->cmd == cmd)
			return true;
	return false;
}

/* Of the module's own type every number, with every direction and size that means anything. */
static void numbers(void)
{
	const struct command *c = commands;
	u32 nr, dir, i, cmd;
	int fd, k;

	begin();
	look(&before);
	for (k = 0; k < 2; k++) {
		fd = k ? space : control_fd();
		for (nr = 0; nr < 256; nr++)
			for (dir = 0; dir < 4; dir++)
				for (i = 0; i < 20; i++) {
					cmd = _IOC(dir, FRAMEPOOL_IOC_TYPE, nr,
						   i ? 1u << i % 14 | i : 0);
					if (known(cmd))
						continue;
					expect_errno(ioctl(fd, cmd, memory), ENOTTY);
				}
	}
	same_world(c, "numbers");
	end();
}

static const struct test tests[] = {
	{ "every size of every struct", sizes, T_DEVICE },
	{ "bytes behind what is known", tails, T_DEVICE },
	{ "every flag", flags, T_DEVICE },
	{ "addresses that are none, holes at every byte", addresses, T_DEVICE },
	{ "read-only, unaligned and self-referring memory", odd_memory, T_DEVICE },
	{ "every field at every edge", fields, T_DEVICE },
	{ "many fields at once", everything, T_DEVICE },
	{ "every number of a command", numbers, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
