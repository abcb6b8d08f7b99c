// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring from and into a mapping, by its bare system calls.
 *
 * A registered ("fixed") buffer is the worst holder of frames that there is: it keeps them for as
 * long as it likes, the device writes into them again and again, and nobody ever tells the page
 * that it is dirty.  So a frame that is held can be neither evicted nor taken for clean, and one
 * that was held cannot be taken for clean until it was written once more.  6.1 lets no mapping of a
 * file be registered; there the same goes by buffers that are pinned for one request each.
 */
#include "torture.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <linux/io_uring.h>

#define NR	128UL			/* pages of the mapping */
#define SLOT	8UL			/* pages of the largest request */
#define SLOTS	(NR / SLOT)

struct ring {
	int fd;
	u32 *sq_tail, *sq_mask, *sq_array;
	u32 *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static struct ring ring;
static char *path;
static int fd, from, other;
static u32 id;
static u8 *m, *model;

static void ring_open(void)
{
	struct io_uring_params p = { 0 };
	size_t bytes;
	u8 *rings;

	ring.fd = syscall(SYS_io_uring_setup, 64, &p);
	if (ring.fd < 0)
		skip("no io_uring: %s", strerror(errno));
	bytes = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	rings = mmap(NULL, bytes, RW, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.sqes = mmap(NULL, p.sq_entries * sizeof(*ring.sqes), RW, MAP_SHARED, ring.fd,
			 IORING_OFF_SQES);
	need(rings != MAP_FAILED && ring.sqes != MAP_FAILED, "the rings: %s", strerror(errno));
	ring.sq_tail = (u32 *)(rings + p.sq_off.tail);
	ring.sq_mask = (u32 *)(rings + p.sq_off.ring_mask);
	ring.sq_array = (u32 *)(rings + p.sq_off.array);
	ring.cq_head = (u32 *)(rings + p.cq_off.head);
	ring.cq_tail = (u32 *)(rings + p.cq_off.tail);
	ring.cq_mask = (u32 *)(rings + p.cq_off.ring_mask);
	ring.cqes = (struct io_uring_cqe *)(rings + p.cq_off.cqes);
}

static void ring_start(u8 op, int file, void *at, size_t len, u64 pos, u64 tag)
{
	u32 tail = *ring.sq_tail, i = tail & *ring.sq_mask;

	ring.sqes[i] = (struct io_uring_sqe){
		.opcode = op,
		.fd = file,
		.addr = (uintptr_t)at,
		.len = len,
		.off = pos,
		.user_data = tag,
	};
	ring.sq_array[i] = i;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
	need(syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, NULL, 0) == 1, "submit: %s",
	     strerror(errno));
}

/* The tag of the next request to end; *res is its result. */
static u64 ring_take(int *res)
{
	u32 head = *ring.cq_head;
	u64 tag;

	while (__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == head)
		if (syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
			need(errno == EINTR, "wait: %s", strerror(errno));
	*res = ring.cqes[head & *ring.cq_mask].res;
	tag = ring.cqes[head & *ring.cq_mask].user_data;
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	return tag;
}

static bool ring_register(void *at, size_t len)
{
	struct iovec iov = { at, len };

	return !syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &iov, 1);
}

static void ring_unregister(void)
{
	need_ok(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
}

/* Pages of @version, by the device, into the registered buffer. */
static void device_writes(u64 vpn, u64 nr, int file, u64 version)
{
	u64 i;
	int res;

	ring_start(IORING_OP_READ_FIXED, file, m + vpn * PAGE, nr * PAGE, vpn * PAGE, 0);
	ring_take(&res);
	expect(res == (int)(nr * PAGE), "READ_FIXED: %d", res);
	for (i = vpn; i < vpn + nr; i++)
		page_fill(model + i * PAGE, i, version);
}

static void begin(void)
{
	ring_open();
	pool_use(2 * MIB);
	path = file_make("file", NR * PAGE, 1);
	model = model_make(NR * PAGE, 1);
	from = direct_open(file_make("from", NR * PAGE, 2));
	other = direct_open(file_make("other", NR * PAGE, 4));
	fd = space_attach(path, O_RDWR);
	id = space_id(fd);
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
}

static void want_registered(void)
{
	if (!ring_register(m, NR * PAGE))
		skip("a mapping of a file cannot be registered here: %s", strerror(errno));
}

static void end(void)
{
	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping in the end");
	make_absent(fd, m, NR * PAGE);
	expect(bytes_are(m, model, NR * PAGE, 0), "the mapping after eviction");
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
	expect_file(path, model, NR * PAGE);
}

static void store_all(u64 version)
{
	u64 vpn;

	for (vpn = 0; vpn < NR; vpn++) {
		page_fill(m + vpn * PAGE, vpn, version);
		page_fill(model + vpn * PAGE, vpn, version);
	}
}

/*
 * Every state a page can be registered in; the last sync before the device's write finds it clean.
 */
static void after_a_read(void)
{
	begin();
	make_absent(fd, m, NR * PAGE);
	spread(m, NR);
	want_registered();
	device_writes(0, NR, from, 2);
	ring_unregister();
	end();
}

static void after_a_store(void)
{
	begin();
	store_all(5);
	need_ok(fsync(fd));
	want_registered();
	device_writes(0, NR, from, 2);
	ring_unregister();
	end();
}

static void while_absent(void)
{
	begin();
	make_absent(fd, m, NR * PAGE);
	want_registered();
	device_writes(0, NR, from, 2);
	ring_unregister();
	end();
}

/* What was synced while it was held, and written to by the device after that. */
static void synced_between(void)
{
	u64 round;

	begin();
	spread(m, NR);
	want_registered();
	for (round = 0; round < 4; round++) {
		device_writes(0, NR, round & 1 ? other : from, round & 1 ? 4 : 2);
		need_ok(round == 1 ? msync(m, NR * PAGE, MS_SYNC) : fsync(fd));
		expect_file(path, model, NR * PAGE);
	}
	device_writes(0, NR, from, 2);
	ring_unregister();
	end();
}

/* Synced while it was held, before the device had written anything at all. */
static void synced_before(void)
{
	begin();
	make_absent(fd, m, NR * PAGE);
	spread(m, NR);
	want_registered();
	need_ok(fsync(fd));
	need_ok(fsync(fd));
	device_writes(0, NR, from, 2);
	ring_unregister();
	end();
}

/* The mapping goes before the buffer does: no hardware entry can tell of a store any more. */
static void unmapped(void)
{
	struct framepool_range r;

	begin();
	make_absent(fd, m, NR * PAGE);
	spread(m, NR);
	want_registered();
	need_ok(fsync(fd));
	need_ok(munmap(m, NR * PAGE));
	if (!plain) {
		/* Busy is what the cleaner is writing at this moment, which may be all of it. */
		do
			need_ok(range_op(fd, FRAMEPOOL_EVICT, 0, 0, &r));
		while (r.busy == NR);
		expect(r.held && r.held + r.busy == NR && !r.done, "%ju held, %ju busy, %ju evicted",
		       (uintmax_t)r.held, (uintmax_t)r.busy, (uintmax_t)r.done);
	}
	/* A fixed buffer is addressed by where it was. */
	device_writes(0, NR, from, 2);
	need_ok(fsync(fd));
	expect_file(path, model, NR * PAGE);
	device_writes(0, NR, other, 4);
	ring_unregister();
	m = map(fd, NR * PAGE, RW, MAP_SHARED);
	end();
}

/* The buffer outlives mapping and descriptor, and keeps the space; then all goes. */
static void outlives(void)
{
	begin();
	spread(m, NR);
	want_registered();
	need_ok(munmap(m, NR * PAGE));
	need_ok(close(fd));
	squeeze(4 * MIB);
	device_writes(0, NR, from, 2);
	if (!plain)
		expect(space_listed(id), "the space of a held frame has gone");
	ring_unregister();
	space_gone(-1, id);
	expect_file(path, model, NR * PAGE);
}

struct slot {
	u64 pages;
	bool write, busy;
};

static void slot_start(struct slot *s, u64 nr, struct rnd *r, bool fixed, int out)
{
	u8 *at = m + nr * SLOT * PAGE;

	s->write = !rnd_below(r, 4);
	s->pages = 1 + rnd_below(r, SLOT);
	s->busy = true;
	if (s->write)
		ring_start(fixed ? IORING_OP_WRITE_FIXED : IORING_OP_WRITE, out, at,
			   s->pages * PAGE, nr * SLOT * PAGE, nr);
	else
		ring_start(fixed ? IORING_OP_READ_FIXED : IORING_OP_READ,
			   rnd_next(r) & 1 ? from : other, at, s->pages * PAGE, nr * SLOT * PAGE,
			   nr);
}

/* What the device read has to be there; what it wrote has to be what was there. */
static void slot_end(struct slot *s, u64 nr, int res, int out)
{
	u64 at = nr * SLOT * PAGE, len = s->pages * PAGE, i;
	static u8 buf[SLOT * PAGE] __attribute__((aligned(4096)));

	s->busy = false;
	if (!expect(res == (int)len, "request of %ju bytes: %d", (uintmax_t)len, res))
		return;
	if (s->write) {
		need(pread(out, buf, len, at) == (ssize_t)len, "pread");
		expect(bytes_are(buf, model + at, len, at), "what was written");
		return;
	}
	for (i = 0; i < s->pages; i++) {
		u64 vpn = nr * SLOT + i, version = page_holds(m + vpn * PAGE, vpn, 2) ? 2 : 4;

		expect(page_is(m + vpn * PAGE, vpn, version), "what the device read");
		page_fill(model + vpn * PAGE, vpn, version);
	}
}

static void in_flight(bool fixed, u64 requests)
{
	struct slot slot[SLOTS] = {};
	u64 i, nr, vpn, flying = 0;
	struct rnd r;
	int res, out;

	begin();
	out = direct_open(file_make("out", NR * PAGE, 9));
	if (fixed)
		want_registered();
	rnd_init(&r, fixed);
	pressure_start(700);
	evictor_start(fd);
	for (i = 0; i < requests || flying; ) {
		nr = rnd_below(&r, SLOTS);
		if (i < requests && flying < SLOTS / 2 && !slot[nr].busy) {
			slot_start(&slot[nr], nr, &r, fixed, out);
			flying++;
			i++;
			continue;
		}
		if (i < requests && flying < SLOTS / 2)
			continue;
		nr = ring_take(&res);
		slot_end(&slot[nr], nr, res, out);
		flying--;
		/* And a store of our own where nothing is in flight. */
		vpn = nr * SLOT + rnd_below(&r, SLOT);
		page_fill(m + vpn * PAGE, vpn, 20 + i);
		page_fill(model + vpn * PAGE, vpn, 20 + i);
		if (!rnd_below(&r, 32))
			need_ok(msync(m, NR * PAGE, MS_SYNC));
	}
	evictor_stop();
	pressure_stop();
	if (fixed)
		ring_unregister();
	end();
}

static void fixed_in_flight(void)
{
	in_flight(true, scaled(300));
}

static void in_flight_once(void)
{
	in_flight(false, scaled(300));
}

static void dying_child(void *arg)
{
	u64 i;

	(void)arg;
	ring_open();
	ring_register(m, NR * PAGE);
	for (i = 0; i < 32; i++)
		ring_start(IORING_OP_READ, from, m + i % SLOTS * SLOT * PAGE, SLOT * PAGE,
			   i % SLOTS * SLOT * PAGE, i);
	kill(getpid(), SIGKILL);
}

/* Who is killed with requests in flight leaves whole pages, and no frame behind. */
static void killed(void)
{
	u64 i, vpn;
	int status;

	begin();
	for (i = 0; i < scaled(12); i++) {
		need_ok(waitpid(child_start(dying_child, NULL), &status, 0));
		for (vpn = 0; vpn < NR; vpn++)
			expect(page_among(m + vpn * PAGE, vpn, 1, 2), "page %ju", (uintmax_t)vpn);
	}
	/*
	 * The ring's own end comes a moment after the process: what is held then is held no more.
	 */
	need_ok(munmap(m, NR * PAGE));
	space_gone(fd, id);
}

static const struct test tests[] = {
	{ "fixed buffer over pages that were only read", after_a_read, 0 },
	{ "fixed buffer over pages that were stored to", after_a_store, 0 },
	{ "fixed buffer over absent pages", while_absent, 0 },
	{ "fixed buffer, syncs between the device's writes", synced_between, 0 },
	{ "fixed buffer, synced before the device's write", synced_before, 0 },
	{ "fixed buffer, unmapped", unmapped, 0 },
	{ "fixed buffer outlives mapping and descriptor", outlives, 0 },
	{ "fixed buffers in flight while the pool evicts", fixed_in_flight, 0 },
	{ "requests in flight while the pool evicts", in_flight_once, 0 },
	{ "killed with requests in flight", killed, 0 },
};

int main(int argc, char **argv)
{
	return torture_main(argc, argv, tests, ARRAY_SIZE(tests), NULL);
}
