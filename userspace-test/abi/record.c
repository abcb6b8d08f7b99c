// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recording which pages are used: what a look finds is what was used since the last one, what the
 * log has is each fault and call in its order, and neither the policy nor write-back loses anything
 * by it.
 */
#include "scene.h"

#include <pthread.h>

#define NR	256UL
#define RW	(PROT_READ | PROT_WRITE)
#define ROOM	4096U
#define SEEN	FRAMEPOOL_REF_SEEN
#define WRITE	FRAMEPOOL_REF_WRITE

static u64 refs[ROOM];

static int start(int through)
{
	struct framepool_record_start s = { .size = sizeof(s) };

	return ioctl(through, FRAMEPOOL_RECORD_START, &s);
}

static int take(int through, u32 flags, u64 *cursor, u32 room, struct framepool_record *r)
{
	int ret;

	*r = (struct framepool_record){
		.size = sizeof(*r), .flags = flags, .refs = (uintptr_t)refs, .nr = room,
		.cursor = cursor ? *cursor : 0,
	};
	ret = ioctl(through, FRAMEPOOL_RECORD, r);
	if (cursor)
		*cursor = r->cursor;
	return ret;
}

/* How many the log has; they are in refs. */
static u32 take_log(int through)
{
	struct framepool_record r;

	need_ok(take(through, 0, NULL, ROOM, &r));
	need(r.nr < ROOM, "too many");
	return r.nr;
}

/* A whole look, by calls with room for @room. */
static u32 look(int through, u32 room, u64 *found)
{
	struct framepool_record r;
	u64 cursor = 0;
	u32 nr = 0;

	do {
		need_ok(take(through, FRAMEPOOL_RECORD_LOOK, &cursor, room, &r));
		need(nr + r.nr <= ROOM, "too many");
		memcpy(found + nr, refs, r.nr * sizeof(*refs));
		nr += r.nr;
	} while (cursor);
	return nr;
}

static void forget_log(int through)
{
	while (take_log(through))
		;
}

static void load_page(u64 vpn)
{
	(void)*(volatile u8 *)(m + vpn * PAGE);
}

static void load_all(u64 first, u64 nr)
{
	u64 i;

	for (i = first; i < first + nr; i++)
		load_page(i);
}

/* Every third page is read and every fifth written: of those that a look is to find. */
static bool is_read(u64 vpn)
{
	return vpn % 3 == 0;
}

static bool is_written(u64 vpn)
{
	return vpn % 5 == 0;
}

static void use_some(u64 version)
{
	u64 i;

	for (i = 0; i < NR; i++) {
		if (is_read(i))
			load_page(i);
		if (is_written(i))
			store(i, version);
	}
}

static void expect_some(const u64 *found, u32 nr, const char *when)
{
	u64 i;
	u32 at = 0;

	for (i = 0; i < NR; i++) {
		u64 want = i | SEEN | (is_written(i) ? WRITE : 0);

		if (!is_read(i) && !is_written(i))
			continue;
		if (!expect(at < nr && found[at] == want, "%s: %#jx instead of %#jx", when,
			    (uintmax_t)(at < nr ? found[at] : ~0ULL), (uintmax_t)want))
			return;
		at++;
	}
	expect(at == nr, "%s: %u references more", when, nr - at);
}

/* Exactly what was used between two looks, writes told from reads; again and again. */
static void looks(void)
{
	static u64 found[ROOM];
	u32 nr, round;

	attach_block = FRAMEPOOL_BLOCK_1;
	scene_begin(4 * MIB, NR);
	/* Used before, and written: no part of it. */
	load_all(0, NR);
	store(1, 2);
	need_ok(start(fd));
	nr = look(fd, ROOM, found);
	expect(!nr, "%u references before any use", nr);
	for (round = 0; round < 5; round++) {
		use_some(10 + round);
		/* Little room: by and by. */
		nr = look(fd, round % 2 ? ROOM : 7, found);
		expect_some(found, nr, "a look");
		expect(!look(fd, ROOM, found), "the next look finds it again");
	}
	/* All of them were mapped: no faults. */
	nr = take_log(fd);
	expect(!nr, "%u faults", nr);
	scene_end();
}

/* The order of first touches is that of the log, block by block though they were fetched. */
static void faults(void)
{
	static u64 want[NR];
	struct rnd r;
	u64 i, k, swap;
	u32 nr;

	attach_block = FRAMEPOOL_BLOCK_16;
	scene_begin(4 * MIB, NR);
	need_ok(start(fd));
	rnd_init(&r, 1);
	for (i = 0; i < NR; i++)
		want[i] = i;
	for (i = NR; i-- > 1;) {
		k = rnd_below(&r, i + 1);
		swap = want[i];
		want[i] = want[k];
		want[k] = swap;
	}
	for (i = 0; i < NR; i++) {
		if (want[i] % 4 == 0) {
			store(want[i], 2);
			want[i] |= WRITE;
		} else {
			load_page(want[i]);
		}
	}
	nr = take_log(fd);
	expect(nr == NR, "%u references for %lu pages", nr, NR);
	for (i = 0; i < NR && i < nr; i++)
		if (!expect(refs[i] == want[i], "reference %ju: %#jx instead of %#jx",
			    (uintmax_t)i, (uintmax_t)refs[i], (uintmax_t)want[i]))
			break;
	scene_end();
}

static void calls(void)
{
	static u8 page[PAGE];

	scene_begin(4 * MIB, NR);
	need_ok(start(fd));
	page_fill(page, 9, 2);
	need(pread(fd, page + 0, 0, 0) == 0, "nothing is read");
	need(pwrite(fd, page, PAGE, 9 * PAGE) == PAGE, "pwrite");
	memcpy(model + 9 * PAGE, page, PAGE);
	need(pread(fd, page, 8, 3 * PAGE) == 8 && pread(fd, page, 8, 3 * PAGE + 8) == 8, "pread");
	need(pread(fd, page, PAGE, 20 * PAGE - 100) == PAGE, "pread of two pages");
	need(take_log(fd) == 4, "not 4 references");
	expect(refs[0] == (9 | WRITE) && refs[1] == 3 && refs[2] == 19 && refs[3] == 20,
	       "%#jx %#jx %#jx %#jx", (uintmax_t)refs[0], (uintmax_t)refs[1], (uintmax_t)refs[2],
	       (uintmax_t)refs[3]);
	scene_end();
}

/* Is each page with this property in the log, with all of @how? */
static void expect_in_log(u32 nr, bool (*has)(u64 vpn), u64 how, const char *what)
{
	static u64 said[NR];
	u64 i;

	memset(said, 0, sizeof(said));
	for (i = 0; i < nr; i++)
		if ((refs[i] & FRAMEPOOL_REF_PAGE) < NR)
			said[refs[i] & FRAMEPOOL_REF_PAGE] |= refs[i] | 1ULL << 52;
	for (i = 0; i < NR; i++)
		expect(has(i) == ((said[i] & how) == how), "%s: page %ju: %#jx", what,
		       (uintmax_t)i, (uintmax_t)said[i]);
}

/* What others clear between two looks is known: write-back, eviction, the end of a mapping. */
static void others_clear(void)
{
	static u64 found[ROOM];
	struct framepool_range r;

	attach_block = FRAMEPOOL_BLOCK_1;
	scene_begin(4 * MIB, NR);
	load_all(0, NR);
	need_ok(start(fd));
	use_some(2);
	need_ok(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r));
	expect_in_log(take_log(fd), is_written, WRITE | SEEN, "write-back");
	look(fd, ROOM, found);
	use_some(3);
	need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
	expect(r.done == NR, "%ju pages evicted", (uintmax_t)r.done);
	expect_in_log(take_log(fd), is_written, WRITE | SEEN, "eviction");
	expect(!look(fd, ROOM, found), "evicted pages are found");
	load_all(0, NR);
	forget_log(fd);
	look(fd, ROOM, found);
	use_some(4);
	need_ok(madvise(m, NR * PAGE, MADV_DONTNEED));
	expect_in_log(take_log(fd), is_written, WRITE | SEEN, "an unmapping");
	scene_end();
}

/* A private mapping's stores are its own, what it reads is the file's. */
static void private_copies(void)
{
	static u64 found[ROOM];
	u8 *copy;
	u32 nr;

	attach_block = FRAMEPOOL_BLOCK_1;
	scene_begin(4 * MIB, NR);
	need_ok(start(fd));
	copy = map(fd, NR * PAGE, RW, MAP_PRIVATE);
	copy[5 * PAGE] = 1;
	(void)*(volatile u8 *)(copy + 6 * PAGE);
	need(take_log(fd) == 2 && refs[0] == 5 && refs[1] == 6, "%#jx %#jx", (uintmax_t)refs[0],
	     (uintmax_t)refs[1]);
	copy[5 * PAGE] = 2;
	(void)*(volatile u8 *)(copy + 6 * PAGE);
	nr = look(fd, ROOM, found);
	expect(nr == 1 && found[0] == (6 | SEEN), "%u references, %#jx", nr, (uintmax_t)found[0]);
	need_ok(munmap(copy, NR * PAGE));
	scene_end();
}

/* All pages are to leave first, but for those that are used: known though a look was there. */
static void policy_sees(void)
{
	static const char *const policies[] = { "clock", "lru2", "tenure" };
	u64 part = NR / 2, i, k, left[2];
	u8 bitmap[NR / 8];
	u64 found[ROOM];

	for (i = 0; i < ARRAY_SIZE(policies); i++) {
		struct framepool_advise a = { .size = sizeof(a), .advice = FRAMEPOOL_ADVICE_NOREUSE };
		struct framepool_pool_destroy d = { .size = sizeof(d) };
		struct framepool_pool p;
		struct framepool_range r;
		int filler, other;

		pool_use_policy(4 * MIB, policies[i]);
		attach_block = FRAMEPOOL_BLOCK_1;
		need(pool_info(pool, &p), "the pool");
		filler = space_attach(file_make("filler", (p.free - NR - 32) * PAGE, 3), O_RDWR);
		need_ok(range_op(filler, FRAMEPOOL_PIN, 0, 0, &r));
		path = file_make("file", NR * PAGE, 1);
		fd = space_attach(path, O_RDWR);
		m = map(fd, NR * PAGE, PROT_READ, MAP_SHARED);
		load_all(0, NR);
		need_ok(start(fd));
		need_ok(ioctl(fd, FRAMEPOOL_ADVISE, &a));
		a.advice = FRAMEPOOL_ADVICE_NORMAL;
		need_ok(ioctl(fd, FRAMEPOOL_ADVISE, &a));
		/* New entries: no processor remembers one of them. */
		need_ok(madvise(m, NR * PAGE, MADV_DONTNEED));
		load_all(part, part);
		expect(look(fd, ROOM, found) == part, "%s: not what was used", policies[i]);
		other = space_attach(file_make("other", 100 * PAGE, 1), O_RDWR);
		need_ok(range_op(other, FRAMEPOOL_PIN, 0, 0, &r));
		for (k = 0; k < 2; k++)
			left[k] = part - resident_pages(fd, k * part * PAGE, part * PAGE, bitmap);
		diag("%s: %ju unused pages left and %ju used ones", policies[i],
		     (uintmax_t)left[0], (uintmax_t)left[1]);
		expect(left[0] + left[1] > 40, "%s: no pressure", policies[i]);
		expect(left[1] * 10 <= left[0], "%s: %ju used pages left, and %ju others",
		       policies[i], (uintmax_t)left[1], (uintmax_t)left[0]);
		need_ok(munmap(m, NR * PAGE));
		space_gone(other, space_id(other));
		space_gone(filler, space_id(filler));
		space_gone(fd, space_id(fd));
		memcpy(d.name, pool, sizeof(d.name));
		need_ok(ioctl(control_fd(), FRAMEPOOL_POOL_DESTROY, &d));
	}
}

/* What the log has no room for is counted, and the oldest stay. */
static void overflow(void)
{
	struct framepool_record r;
	u64 i, all = (1 << 17) + 1000, taken = 0;
	u8 byte;

	scene_begin(4 * MIB, NR);
	need_ok(start(fd));
	for (i = 0; i < all; i++)
		need(pread(fd, &byte, 1, i % NR * PAGE) == 1, "pread");
	do {
		need_ok(take(fd, 0, NULL, ROOM, &r));
		for (i = 0; i < r.nr; i++)
			expect(refs[i] == (taken + i) % NR, "reference %ju", (uintmax_t)(taken + i));
		taken += r.nr;
	} while (r.nr == ROOM);
	/* The newest that has room is asked for again now and then: that is one and the same. */
	expect(taken == 1 << 17 && r.lost == 1000 - 1000 / NR, "%ju taken, %ju lost",
	       (uintmax_t)taken, (uintmax_t)r.lost);
	/* And there is room again. */
	load_page(7);
	expect(take_log(fd) == 1 && refs[0] == 7, "not page 7");
	scene_end();
}

static void *look_for_ever(void *arg)
{
	static u64 mine[ROOM];
	atomic_bool *stop = arg;
	struct framepool_record r = { .size = sizeof(r), .refs = (uintptr_t)mine };

	while (!atomic_load(stop)) {
		r.nr = ROOM;
		r.flags ^= FRAMEPOOL_RECORD_LOOK;
		if (!(r.flags & FRAMEPOOL_RECORD_LOOK))
			r.cursor = 0;
		need_ok(ioctl(fd, FRAMEPOOL_RECORD, &r));
	}
	return NULL;
}

/* Stores, evictions and write-back while somebody looks all the time: no byte is lost. */
static void under_load(void)
{
	u64 pages = 1500, i, work = scaled(3000), version = 2;
	atomic_bool stop = false;
	struct framepool_range r;
	pthread_t looker;
	struct rnd rnd;

	scene_begin(4 * MIB, pages);
	need_ok(start(fd));
	rnd_init(&rnd, 2);
	need(!pthread_create(&looker, NULL, look_for_ever, &stop), "no thread");
	for (i = 0; i < work; i++) {
		store(rnd_below(&rnd, i % 2 ? pages : 100), version++ % 1000000);
		if (i % 500 == 0)
			need_ok(range_op(fd, FRAMEPOOL_SYNC, 0, 0, &r));
		if (i % 700 == 0)
			need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 100 * PAGE, &r));
	}
	atomic_store(&stop, true);
	pthread_join(looker, NULL);
	scene_end();
}

static void one_recorder(void)
{
	struct framepool_record r;
	int second;

	scene_begin(4 * MIB, NR);
	second = space_attach(path, O_RDWR);
	expect_errno(take(fd, 0, NULL, ROOM, &r), ENODATA);
	need_ok(start(fd));
	expect_errno(start(fd), EBUSY);
	expect_errno(start(second), EBUSY);
	expect_errno(take(second, 0, NULL, ROOM, &r), ENODATA);
	load_page(1);
	expect(take_log(fd) == 1, "nothing recorded");
	need_ok(close(second));
	second = space_attach(path, O_RDWR);
	expect_errno(start(second), EBUSY);
	/* It goes with its descriptor, which a mapping keeps. */
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	fd = second;
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	need_ok(start(fd));
	load_page(2);
	expect(take_log(fd) == 1 && refs[0] == 2, "not page 2");
	scene_end();
}

static void refused(void)
{
	struct framepool_record r;
	static u64 found[ROOM];
	u64 cursor;
	u8 *hole;

	attach_block = FRAMEPOOL_BLOCK_1;
	scene_begin(4 * MIB, NR);
	load_all(0, NR);
	need_ok(start(fd));
	load_all(0, 5);
	expect_errno(take(fd, 2, NULL, ROOM, &r), EINVAL);
	expect_errno(take(fd, 0, NULL, 0, &r), EINVAL);
	expect_errno(take(fd, FRAMEPOOL_RECORD_LOOK, NULL, 0, &r), EINVAL);
	cursor = 1;
	expect_errno(take(fd, 0, &cursor, ROOM, &r), EINVAL);
	cursor = 1ULL << 52;
	expect_errno(take(fd, FRAMEPOOL_RECORD_LOOK, &cursor, ROOM, &r), EINVAL);
	hole = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(hole != MAP_FAILED, "mmap");
	r = (struct framepool_record){ .size = sizeof(r), .flags = FRAMEPOOL_RECORD_LOOK,
				       .refs = (uintptr_t)hole, .nr = 512 };
	expect_errno(ioctl(fd, FRAMEPOOL_RECORD, &r), EFAULT);
	expect(r.nr == 512, "a refused look leaves room for %u", r.nr);
	r.__reserved = 1;
	expect_errno(ioctl(fd, FRAMEPOOL_RECORD, &r), EINVAL);
	expect_errno(ioctl(control_fd(), FRAMEPOOL_RECORD, &r), ENOTTY);
	/* None of them has taken anything. */
	expect(look(fd, ROOM, found) == 5, "a refused look has cleared bits");
	scene_end();
}

/* Room of which the second half cannot be written: what went to the first half is told. */
static void half_room(void)
{
	u64 half = PAGE / sizeof(u64), i;
	struct framepool_record r;
	u64 *room;
	u8 byte;

	scene_begin(4 * MIB, NR);
	room = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(room != MAP_FAILED, "mmap");
	need_ok(mprotect(room + half, PAGE, PROT_READ));
	need_ok(start(fd));
	for (i = 0; i < half + 10; i++)
		need(pread(fd, &byte, 1, i % NR * PAGE) == 1, "pread");
	r = (struct framepool_record){ .size = sizeof(r), .refs = (uintptr_t)room,
				       .nr = 2 * half };
	need_ok(ioctl(fd, FRAMEPOOL_RECORD, &r));
	expect(r.nr == half, "%u references instead of %ju", r.nr, (uintmax_t)half);
	for (i = 0; i < half; i++)
		expect(room[i] == i % NR, "reference %ju", (uintmax_t)i);
	expect(take_log(fd) == 10 && refs[0] == half % NR, "the rest is not there");
	need_ok(munmap(room, 2 * PAGE));
	scene_end();
}

#define STRANGER	1234

/* What the pages of a file are used for is told to him, or not: through this descriptor. */
static void told(int reader, bool may)
{
	struct framepool_residency r = { .size = sizeof(r), .length = 8 * PAGE };
	u8 bits = 0;

	r.bitmap = (uintptr_t)&bits;
	if (may) {
		need_ok(ioctl(reader, FRAMEPOOL_RESIDENCY, &r));
		need_ok(start(reader));
	} else {
		expect_errno(ioctl(reader, FRAMEPOOL_RESIDENCY, &r), EPERM);
		expect(!bits, "he was told %#x", bits);
		expect_errno(start(reader), EPERM);
	}
	need_ok(close(reader));
}

static void stranger(void *arg)
{
	become(STRANGER, STRANGER);
	told(*(int *)arg, false);
}

/* For who could change what is recorded, or owns it. */
static void rights(void)
{
	struct framepool_attach a;
	int reader;

	path = file_make("file", NR * PAGE, 1);
	attach_init(&a, need_ok(open(path, O_RDWR)));
	a.flags = FRAMEPOOL_ATTACH_MODE;
	a.mode = 0644;
	name_set(a.name, "t.record");
	need_ok(attach(&a));
	close(a.fd);
	reader = need_ok(node_open("t.record", O_RDONLY));
	child_join(child_start(stranger, &reader));
	told(reader, true);
	need_ok(detach("t.record"));
}

struct reader {
	int control, file;
	const char *name;		/* "": unnamed */
	bool may;
};

/* He attaches what he can only read: the space, and the node, are his, or he is the first. */
static void attaching_reader(void *arg)
{
	struct framepool_detach d = { .size = sizeof(d) };
	const struct reader *r = arg;
	struct framepool_attach a;

	become(STRANGER, STRANGER);
	attach_init(&a, r->file);
	a.flags = FRAMEPOOL_ATTACH_READ_ONLY;
	name_set(a.name, r->name);
	need_ok(ioctl(r->control, FRAMEPOOL_ATTACH, &a));
	told(*r->name ? need_ok(node_open(r->name, O_RDONLY)) : a.space_fd, r->may);
	name_set(d.name, r->name);
	if (*r->name)
		need_ok(ioctl(r->control, FRAMEPOOL_DETACH, &d));
}

static void attached_to_watch(const char *file, uid_t owner, mode_t mode, bool may)
{
	struct reader r = { .control = control_fd(), .name = "", .may = may };

	need_ok(chmod(file, mode));
	need_ok(chown(file, owner, 0));
	r.file = need_ok(open(file, O_RDONLY | O_CLOEXEC));
	child_join(child_start(attaching_reader, &r));
	r.name = "t.watch";
	child_join(child_start(attaching_reader, &r));
	need_ok(close(r.file));
}

/* As with mincore(): a descriptor for reading is no right to know what others do, nor is a name. */
static void readers(void)
{
	char dev[64];

	need_ok(chmod(dir, 0755));
	path = file_make("file", NR * PAGE, 1);
	attached_to_watch(path, 0, 0644, false);
	attached_to_watch(path, 0, 0646, true);
	attached_to_watch(path, STRANGER, 0400, true);
	if (!loop_make(NR * PAGE, dev, sizeof(dev)))
		skip("no loop devices");
	attached_to_watch(dev, 0, 0644, false);
	attached_to_watch(dev, 0, 0646, true);
	need_ok(chmod(dev, 0660));
}

static const struct test tests[] = {
	{ "a look finds what was used since the last one", looks, T_DEVICE },
	{ "faults are recorded one by one, in their order", faults, T_DEVICE },
	{ "so are reads and writes", calls, T_DEVICE },
	{ "what write-back, eviction and unmapping clear is recorded", others_clear, T_DEVICE },
	{ "private copies are nobody's", private_copies, T_DEVICE },
	{ "the policy sees what a look has cleared", policy_sees, T_DEVICE },
	{ "a full log", overflow, T_DEVICE },
	{ "no byte is lost under looks", under_load, T_DEVICE },
	{ "one recorder", one_recorder, T_DEVICE },
	{ "bad input: nothing is taken", refused, T_DEVICE },
	{ "half of the room cannot be written", half_room, T_DEVICE },
	{ "who may record", rights, T_DEVICE },
	{ "who attaches what he can only read", readers, T_DEVICE },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, tests, ARRAY_SIZE(tests));
}
