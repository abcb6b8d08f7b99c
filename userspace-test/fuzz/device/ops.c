// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations: each does something to the space, and to the model what has to come of it.
 *
 * Most are cheap, as is most of what programs do: loads and stores in a part of the file that
 * changes, and a few all over it.  What the pool has to read and write for it is a few per cent.
 */
#include "fuzz.h"

#include <stdarg.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define RW		(PROT_READ | PROT_WRITE)
#define RANGE_MAX	(32 * KIB)
#define HOT_PAGES	384U		/* around which most operations are */
#define HOT_OPS		16384		/* for so long */
#define PINS_MAX	128
#define SIDE_BYTES	(256 * KIB)
#define STORE_PAST_END	(!plain)	/* what file systems make of it is their affair */

static unsigned int me;
static u32 first, pages;		/* of the file that are this worker's */
bool alone;
static int fds[EXTRAS];			/* [0] is always open; -1 */
static char names[EXTRAS][FRAMEPOOL_NAME_SIZE];
static u32 names_made;
static int side, side_direct, backing, proc_mem, pipe_fd[2];
static u8 *side_model, *buf, *want;
static u8 *pinned;			/* one byte for each page of the file */
static u64 npinned;
static u32 id;
static bool direct_path;
static unsigned int failures_before;	/* of former runs */

void note(const char *fmt, ...)
{
	struct log *log = &run.logs[me];
	u64 nr = atomic_load(&log->done) - 1;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(log->text[nr % LOG_LEN], LOG_TEXT, fmt, ap);
	va_end(ap);
}

/* ---- choosing ---- */

u32 below(struct op *o, u64 n)
{
	return rnd_below(&o->r, n);
}

/* Mostly short; now and then several pages. */
static u64 pick_len(struct op *o)
{
	switch (below(o, 16)) {
	case 0:
		return 1 + below(o, RANGE_MAX);
	case 1 ... 3:
		return 1 + below(o, 2 * PAGE);
	default:
		return 1 + below(o, 200);
	}
}

/* One of the worker's pages, as a number from 0 on. */
static u32 pick_page(struct op *o)
{
	u32 hot = mix(seed ^ (o->nr / HOT_OPS + 1) * 0x9e3779b97f4a7c15ull) % pages;

	return below(o, 64) ? (hot + below(o, HOT_PAGES)) % pages : below(o, pages);
}

/* A range of the file within the worker's pages and the file; false: there is nothing there. */
static bool pick_bytes(struct op *o, u64 max, u64 *at, u64 *len)
{
	u64 end = (u64)(first + pages) * PAGE;

	if (end > bytes_now())
		end = bytes_now();
	*at = (first + pick_page(o)) * PAGE + (below(o, 4) ? below(o, PAGE) : 0);
	if (*at >= end)
		return false;
	*len = pick_len(o);
	if (*len > max)
		*len = max;
	if (*len > end - *at)
		*len = end - *at;
	return true;
}

/* Whole pages of the file. */
u32 pick_pages(struct op *o, u32 max, u64 *at, u64 *len)
{
	u32 from = pick_page(o), nr = 1 + below(o, max), size = PAGES(bytes_now());

	if (nr > pages - from)
		nr = pages - from;
	if (first + from >= size)
		return 0;
	if (nr > size - first - from)
		nr = size - first - from;
	*at = (first + from) * PAGE;
	*len = nr * PAGE;
	return nr;
}

/* A page of a small slot, mostly one of a few, which change as the hot pages do. */
static u32 pick_small(struct op *o)
{
	u32 hot = mix(o->nr / HOT_OPS + 77) % SMALL_PAGES;

	return below(o, 4) ? (hot + below(o, 64)) % SMALL_PAGES : below(o, SMALL_PAGES);
}

/* Some place in memory; its length is how far these rights reach, which may be 0. */
static void pick_place(struct op *o, u64 len, int prot, struct place *p)
{
	p->slot = &slots[below(o, 12) ? 0 : 1 + below(o, SLOTS - 1)];
	p->at = (p->slot == slots ? pick_page(o) : pick_small(o)) * PAGE;
	p->at += below(o, 4) ? below(o, PAGE) : 0;
	p->len = reach(p->slot, p->at, len, prot);
}

static u8 *address(const struct place *p)
{
	return p->slot->addr + p->at;
}

#define SLOT(p)		((int)((p)->slot - slots))

static void random_bytes(struct op *o, u8 *to, u64 len)
{
	u64 i, x = 0;

	for (i = 0; i < len; i++, x >>= 8) {
		if (!(i % 8))
			x = rnd_next(&o->r);
		to[i] = x;
	}
}

/* ---- comparing ---- */

static void same(const u8 *is, const u8 *should, u64 len, u64 at, const char *what)
{
	need(bytes_are(is, should, len, at), "%s of %ju bytes at %#jx", what, (uintmax_t)len,
	     (uintmax_t)at);
}

static void same_file(const u8 *is, u64 at, u64 len, const char *what)
{
	same(is, run.model + at, len, at, what);
}

static void same_place(const u8 *is, const struct place *p, const char *what)
{
	model_get(p, want);
	same(is, want, p->len, p->at, what);
}

static void whole(long is, u64 should, const char *what)
{
	need(is == (long)should, "%s gave %ld of %ju: %s", what, is, (uintmax_t)should,
	     is < 0 ? strerror(errno) : "short");
}

/* ---- memory ---- */

/* A touch that cannot work has to fail by the right signal. */
static void forbidden(struct op *o, const struct place *p, int prot)
{
	const struct mapped *m = &p->slot->map[p->at / PAGE];
	int should, sig;

	/* Bytes past the end, of a page that is partly there, are nobody's. */
	if (usable(m) && allows(m, prot))
		return;
	should = allows(m, prot) ? SIGBUS : SIGSEGV;
	note("touch slot %d +%#jx, for a signal %d", SLOT(p), (uintmax_t)p->at, should);
	sig = prot & PROT_WRITE ? try_store(address(p), below(o, 256)) :
				  try_load(address(p), NULL);
	need(sig == should, "signal %d, not %d, at slot %d +%#jx (page %u)", sig, should, SLOT(p),
	     (uintmax_t)p->at, m->page);
}

static void op_load(struct op *o)
{
	struct place p;

	pick_place(o, pick_len(o), PROT_READ, &p);
	if (!p.len) {
		forbidden(o, &p, PROT_READ);
		return;
	}
	note("load slot %d +%#jx %ju", SLOT(&p), (uintmax_t)p.at, (uintmax_t)p.len);
	need(!try_copy(buf, address(&p), p.len), "a load died");
	same_place(buf, &p, "a load");
}

static void op_store(struct op *o)
{
	struct place p;

	pick_place(o, pick_len(o), RW, &p);
	if (!p.len) {
		forbidden(o, &p, RW);
		return;
	}
	note("store slot %d +%#jx %ju", SLOT(&p), (uintmax_t)p.at, (uintmax_t)p.len);
	random_bytes(o, buf, p.len);
	if (run.lies && o->nr % 37 == 5)
		buf[0] ^= 1;
	need(!try_copy(address(&p), buf, p.len), "a store died");
	if (run.lies && o->nr % 37 == 5)
		buf[0] ^= 1;
	model_put(&p, buf);
}

/* Bytes behind the end in the last page never reach the file, nor a page that it grows by. */
static void op_store_past_end(struct op *o)
{
	u64 end = bytes_now(), at;

	if (!alone || !STORE_PAST_END || end % PAGE == 0)
		return;
	at = end + below(o, PAGE - end % PAGE);
	note("store past the end at %#jx", (uintmax_t)at);
	need(!try_store(slots[0].addr + at, 0xee), "a store past the end, in the last page, died");
}

static void op_compare_all(struct op *o)
{
	struct place p = { .slot = slots };

	(void)o;
	note("compare everything");
	for (; p.at < pages * PAGE; p.at += p.len) {
		p.len = reach(p.slot, p.at, 64 * KIB, PROT_READ);
		if (!p.len)
			break;
		need(!try_copy(buf, address(&p), p.len), "a load died");
		same_place(buf, &p, "comparing all");
	}
}

/* ---- read and write ---- */

int any_fd(struct op *o)
{
	int fd = fds[below(o, EXTRAS)];

	return fd < 0 ? fds[0] : fd;
}

int first_fd(void)
{
	return fds[0];
}

static void op_pread(struct op *o)
{
	u64 at, len;

	if (!pick_bytes(o, RANGE_MAX, &at, &len))
		return;
	note("pread %#jx %ju", (uintmax_t)at, (uintmax_t)len);
	whole(pread(any_fd(o), buf, len, at), len, "pread");
	same_file(buf, at, len, "pread");
}

static void op_read(struct op *o)
{
	int fd = any_fd(o);
	u64 at, len;

	if (!pick_bytes(o, RANGE_MAX, &at, &len))
		return;
	note("lseek and read %#jx %ju", (uintmax_t)at, (uintmax_t)len);
	need(lseek(fd, at, SEEK_SET) == (off_t)at, "lseek: %s", strerror(errno));
	whole(read(fd, buf, len), len, "read");
	same_file(buf, at, len, "read");
	need(lseek(fd, 0, SEEK_CUR) == (off_t)(at + len), "the position after read");
	need(lseek(fd, 0, SEEK_END) == (off_t)bytes_now(), "the end");
}

static void op_pwrite(struct op *o)
{
	u64 at, len;

	if (!pick_bytes(o, RANGE_MAX, &at, &len))
		return;
	note("pwrite %#jx %ju", (uintmax_t)at, (uintmax_t)len);
	random_bytes(o, buf, len);
	whole(pwrite(any_fd(o), buf, len, at), len, "pwrite");
	memcpy(run.model + at, buf, len);
}

static void op_vectors(struct op *o)
{
	struct iovec iov[3];
	u64 at, len, a, b;
	bool out = below(o, 2);

	if (!pick_bytes(o, RANGE_MAX, &at, &len))
		return;
	note("%s %#jx %ju", out ? "pwritev" : "preadv", (uintmax_t)at, (uintmax_t)len);
	a = below(o, len + 1);
	b = below(o, len - a + 1);
	iov[0] = (struct iovec){ buf, a };
	iov[1] = (struct iovec){ buf + RANGE_MAX + 5, b };
	iov[2] = (struct iovec){ buf + a, len - a - b };
	if (!out) {
		whole(preadv(any_fd(o), iov, 3, at), len, "preadv");
		same_file(iov[0].iov_base, at, a, "preadv");
		same_file(iov[1].iov_base, at + a, b, "preadv");
		same_file(iov[2].iov_base, at + a + b, len - a - b, "preadv");
		return;
	}
	random_bytes(o, buf, len);
	random_bytes(o, iov[1].iov_base, b);
	whole(pwritev(any_fd(o), iov, 3, at), len, "pwritev");
	memcpy(run.model + at, iov[0].iov_base, a);
	memcpy(run.model + at + a, iov[1].iov_base, b);
	memcpy(run.model + at + a + b, iov[2].iov_base, len - a - b);
}

/* The program's buffer is itself in the mapping, elsewhere in the file. */
static void op_buffer_mapped(struct op *o)
{
	bool out = below(o, 2);
	struct place p;
	u64 at, len;

	if (!pick_bytes(o, RANGE_MAX, &at, &len))
		return;
	pick_place(o, len, out ? PROT_READ : RW, &p);
	if (!p.len || shows(&p, at, p.len))
		return;
	note("%s %#jx %ju, buffer slot %d +%#jx", out ? "pwrite" : "pread", (uintmax_t)at,
	     (uintmax_t)p.len, SLOT(&p), (uintmax_t)p.at);
	if (out) {
		whole(pwrite(any_fd(o), address(&p), p.len, at), p.len, "pwrite");
		model_get(&p, run.model + at);
	} else {
		whole(pread(any_fd(o), address(&p), p.len, at), p.len, "pread");
		memcpy(buf, run.model + at, p.len);
		model_put(&p, buf);
	}
}

/* ---- by other ways than the processor's ---- */

static void op_vm_readv(struct op *o)
{
	struct iovec local = { .iov_base = buf }, remote;
	struct place p;

	pick_place(o, pick_len(o), PROT_READ, &p);
	if (!p.len)
		return;
	note("process_vm_readv slot %d +%#jx %ju", SLOT(&p), (uintmax_t)p.at, (uintmax_t)p.len);
	local.iov_len = p.len;
	remote = (struct iovec){ address(&p), p.len };
	whole(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), p.len, "process_vm_readv");
	same_place(buf, &p, "process_vm_readv");
}

static void op_vm_writev(struct op *o)
{
	struct iovec local = { .iov_base = buf }, remote;
	struct place p;

	pick_place(o, pick_len(o), RW, &p);
	if (!p.len)
		return;
	note("process_vm_writev slot %d +%#jx %ju", SLOT(&p), (uintmax_t)p.at, (uintmax_t)p.len);
	random_bytes(o, buf, p.len);
	local.iov_len = p.len;
	remote = (struct iovec){ address(&p), p.len };
	whole(process_vm_writev(getpid(), &local, 1, &remote, 1, 0), p.len, "process_vm_writev");
	model_put(&p, buf);
}

/* As a debugger: its faults may not wait as others do. */
static void op_proc_mem(struct op *o)
{
	bool out = below(o, 2);
	struct place p;

	pick_place(o, pick_len(o), out ? RW : PROT_READ, &p);
	if (!p.len)
		return;
	note("%s /proc/self/mem slot %d +%#jx %ju", out ? "pwrite" : "pread", SLOT(&p),
	     (uintmax_t)p.at, (uintmax_t)p.len);
	if (!out) {
		whole(pread(proc_mem, buf, p.len, (uintptr_t)address(&p)), p.len, "pread");
		same_place(buf, &p, "/proc/self/mem");
		return;
	}
	random_bytes(o, buf, p.len);
	whole(pwrite(proc_mem, buf, p.len, (uintptr_t)address(&p)), p.len, "pwrite");
	model_put(&p, buf);
}

/* O_DIRECT between another file and the mapping. */
static void op_direct(struct op *o)
{
	bool out = below(o, 2);
	u64 len = (1 + below(o, 6)) * PAGE, at = below(o, SIDE_BYTES / PAGE - 6) * PAGE;
	struct place p;

	pick_place(o, len, out ? PROT_READ : RW, &p);
	p.at -= p.at % PAGE;
	p.len = reach(p.slot, p.at, len, out ? PROT_READ : RW);
	p.len -= p.len % PAGE;
	if (!p.len)
		return;
	note("O_DIRECT %s slot %d +%#jx %ju, at %#jx", out ? "from" : "into", SLOT(&p),
	     (uintmax_t)p.at, (uintmax_t)p.len, (uintmax_t)at);
	if (out) {
		whole(pwrite(side_direct, address(&p), p.len, at), p.len, "direct write");
		model_get(&p, side_model + at);
		return;
	}
	whole(pread(side_direct, address(&p), p.len, at), p.len, "direct read");
	model_put(&p, side_model + at);
}

static void op_sendfile(struct op *o)
{
	u64 at, len, to = below(o, SIDE_BYTES - RANGE_MAX);
	off_t from;
	ssize_t n;

	if (!pick_bytes(o, RANGE_MAX, &at, &len))
		return;
	from = at;
	note("sendfile %#jx %ju to %#jx", (uintmax_t)at, (uintmax_t)len, (uintmax_t)to);
	need_ok(lseek(side, to, SEEK_SET));
	n = sendfile(side, any_fd(o), &from, len);
	need(n > 0 && n <= (ssize_t)len, "sendfile gave %zd: %s", n, strerror(errno));
	memcpy(side_model + to, run.model + at, n);
	whole(pread(side, buf, n, to), n, "pread of what was sent");
	same(buf, side_model + to, n, to, "what was sent");
}

static void op_splice_out(struct op *o)
{
	loff_t from;
	u64 at, len;
	ssize_t n;

	if (!pick_bytes(o, RANGE_MAX, &at, &len))
		return;
	from = at;
	note("splice out %#jx %ju", (uintmax_t)at, (uintmax_t)len);
	n = splice(any_fd(o), &from, pipe_fd[1], NULL, len, 0);
	need(n > 0 && n <= (ssize_t)len, "splice gave %zd: %s", n, strerror(errno));
	whole(read(pipe_fd[0], buf, n), n, "the pipe");
	same_file(buf, at, n, "splice");
}

static void op_splice_in(struct op *o)
{
	u64 at, len, done;
	loff_t to;
	ssize_t n;

	if (!pick_bytes(o, RANGE_MAX, &at, &len))
		return;
	note("splice in %#jx %ju", (uintmax_t)at, (uintmax_t)len);
	random_bytes(o, buf, len);
	whole(write(pipe_fd[1], buf, len), len, "the pipe");
	for (done = 0, to = at; done < len; done += n) {
		n = splice(pipe_fd[0], NULL, fds[0], &to, len - done, 0);
		need(n > 0, "splice gave %zd: %s", n, strerror(errno));
	}
	memcpy(run.model + at, buf, len);
}

/* The pipe holds the very pages, while the pool is told to get rid of them. */
static void op_vmsplice(struct op *o)
{
	struct framepool_range r;
	struct iovec iov;
	struct place p;
	u64 from, len;
	ssize_t n;

	pick_place(o, pick_len(o), PROT_READ, &p);
	if (!p.len)
		return;
	note("vmsplice slot %d +%#jx %ju", SLOT(&p), (uintmax_t)p.at, (uintmax_t)p.len);
	iov = (struct iovec){ address(&p), p.len };
	n = vmsplice(pipe_fd[1], &iov, 1, 0);
	need(n > 0, "vmsplice gave %zd: %s", n, strerror(errno));
	p.len = n;
	from = p.slot->map[p.at / PAGE].page * PAGE;
	len = bytes_now() - from < 8 * PAGE ? 0 : 8 * PAGE;
	if (!plain)
		need_ok(range_op(fds[0], FRAMEPOOL_EVICT, from, len, &r));
	whole(read(pipe_fd[0], buf, n), n, "the pipe");
	same_place(buf, &p, "vmsplice");
}

/* ---- what a space can be asked for ---- */

/* To the end, which is more than the pool has. */
static void op_prefetch(struct op *o)
{
	struct framepool_range r;
	u64 at, len;
	u32 nr = pick_pages(o, 48, &at, &len);
	int err;

	if (!nr || plain)
		return;
	note("PREFETCH %#jx %u pages", (uintmax_t)at, nr);
	err = range_op(any_fd(o), FRAMEPOOL_PREFETCH, at, 0, &r) ? errno : 0;
	(void)len;
	need(!err || err == ENOMEM, "%s", strerror(err));
	need(!r.failed, "%ju failed, %s", (uintmax_t)r.failed, strerror(r.error));
}

static void op_prefetch_few(struct op *o)
{
	struct framepool_range r;
	u64 at, len;
	u32 nr = pick_pages(o, 32, &at, &len);

	if (!nr || plain)
		return;
	note("PREFETCH %#jx %u pages", (uintmax_t)at, nr);
	need_ok(range_op(any_fd(o), FRAMEPOOL_PREFETCH, at, len, &r));
	need(r.done + r.already == nr && !r.failed, "%ju fetched, %ju there, %ju failed",
	     (uintmax_t)r.done, (uintmax_t)r.already, (uintmax_t)r.failed);
}

static void op_evict(struct op *o)
{
	struct framepool_range r;
	u64 at, len;
	u32 nr = pick_pages(o, below(o, 8) ? 4 : 64, &at, &len);

	if (!nr || plain)
		return;
	if (!below(o, 60)) {
		at = 0;
		len = 0;
	}
	note("EVICT %#jx %#jx", (uintmax_t)at, (uintmax_t)len);
	need_ok(range_op(any_fd(o), FRAMEPOOL_EVICT, at, len, &r));
	need(!r.failed, "%ju failed, %s", (uintmax_t)r.failed, strerror(r.error));
}

static void op_residency(struct op *o)
{
	u64 at, len, resident, i, ones = 0;
	u32 nr = pick_pages(o, 256, &at, &len);

	if (!nr || plain)
		return;
	note("RESIDENCY %#jx %u pages", (uintmax_t)at, nr);
	resident = resident_pages(any_fd(o), at, len, buf);
	for (i = 0; i < nr; i++) {
		ones += buf[i / 8] >> i % 8 & 1;
		need(buf[i / 8] >> i % 8 & 1 ||
		     (!pinned[at / PAGE + i] && !is_held(at / PAGE + i)),
		     "page %ju is pinned and not resident", (uintmax_t)(at / PAGE + i));
	}
	need(ones == resident, "%ju resident, %ju bits", (uintmax_t)resident, (uintmax_t)ones);
}

bool is_pinned(u32 page)
{
	return pinned[page];
}

u64 pinned_pages(void)
{
	return npinned;
}

/* What is held stays the other descriptor's. */
static u64 note_pins(u64 at, u32 nr, bool pin)
{
	u64 changed = 0, i;

	for (i = at / PAGE; i < at / PAGE + nr; i++) {
		if (is_held(i))
			continue;
		changed += pinned[i] != pin;
		pinned[i] = pin;
	}
	npinned += pin ? changed : -changed;
	return changed;
}

static void unpin(u64 at, u32 nr)
{
	struct framepool_range r;
	u64 should;

	note("UNPIN %#jx %u pages", (uintmax_t)at, nr);
	need_ok(range_op(fds[0], FRAMEPOOL_UNPIN, at, nr * PAGE, &r));
	should = note_pins(at, nr, false);
	need(r.done == should, "%ju unpinned, not %ju", (uintmax_t)r.done, (uintmax_t)should);
}

static void op_unpin(struct op *o)
{
	u64 at, len;
	u32 nr = pick_pages(o, 128, &at, &len);

	if (nr && !plain)
		unpin(at, nr);
}

static void op_pin(struct op *o)
{
	struct framepool_range r;
	u64 at, len, should;
	u32 nr = pick_pages(o, 8, &at, &len), all = PAGES(bytes_now());

	if (!nr || plain || !may_pin(nr))
		return;
	if (npinned > PINS_MAX)
		unpin(first * PAGE, (first + pages < all ? first + pages : all) - first);
	note("PIN %#jx %u pages", (uintmax_t)at, nr);
	need_ok(range_op(fds[0], FRAMEPOOL_PIN, at, len, &r));	/* pins are a descriptor's */
	should = note_pins(at, nr, true);
	need(r.done == should && r.already == nr - should, "%ju pinned, not %ju",
	     (uintmax_t)r.done, (uintmax_t)should);
}

static void op_info(struct op *o)
{
	struct framepool_space s;

	if (plain)
		return;
	note("SPACE_INFO");
	space_info(any_fd(o), &s);
	need(s.bytes == bytes_now(), "%ju bytes", (uintmax_t)s.bytes);
	need(!s.write_error && !s.write_errors && !s.fill_errors, "I/O errors");
	need(!alone || s.pinned == npinned + held_pages(), "%ju pinned, not %ju",
	     (uintmax_t)s.pinned, (uintmax_t)(npinned + held_pages()));
	need(s.space == id, "another space");
}

static void op_set_block(struct op *o)
{
	/* Large blocks are for programs that read on; here most of what they bring is in the way. */
	static const u8 types[] = { 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5 };
	struct framepool_block b = { .size = sizeof(b) };

	b.block_type = types[below(o, ARRAY_SIZE(types))];
	if (plain)
		return;
	note("SET_BLOCK %u", b.block_type);
	need_ok(ioctl(any_fd(o), FRAMEPOOL_SET_BLOCK, &b));
}

/* ---- getting it to the file ---- */

static void op_msync(struct op *o)
{
	static const int flags[] = {
		MS_ASYNC, MS_ASYNC, MS_ASYNC, MS_SYNC, MS_ASYNC | MS_INVALIDATE,
	};
	int flag = flags[below(o, ARRAY_SIZE(flags))];
	u32 page = pick_page(o), nr = 1 + below(o, 16);

	if (nr > pages - page)
		nr = pages - page;
	note("msync page %u, %u, flags %d", page, nr, flag);
	need_ok(msync(slots[0].addr + page * PAGE, nr * PAGE, flag));
}

static void sync_range(struct op *o, u64 at, u64 len)
{
	struct framepool_range r;

	switch (below(o, plain ? 3 : 4)) {
	case 0:
		note("msync %#jx %ju and look", (uintmax_t)at, (uintmax_t)len);
		need_ok(msync(slots[0].addr + at - first * PAGE, len, MS_SYNC));
		break;
	case 1:
		note("fsync and look at %#jx %ju", (uintmax_t)at, (uintmax_t)len);
		need_ok(fsync(any_fd(o)));
		break;
	case 2:
		note("fdatasync and look at %#jx %ju", (uintmax_t)at, (uintmax_t)len);
		need_ok(fdatasync(any_fd(o)));
		break;
	case 3:
		note("SYNC %#jx %ju and look", (uintmax_t)at, (uintmax_t)len);
		need_ok(range_op(any_fd(o), FRAMEPOOL_SYNC, at, len, &r));
		need(!r.failed, "%ju failed", (uintmax_t)r.failed);
		break;
	}
}

void file_read(u64 at, u64 len, u8 *to)
{
	ssize_t n = pread(backing, to, PAGES(len) * PAGE, at);

	need(n >= (ssize_t)len, "the file gave %zd of %ju: %s", n, (uintmax_t)len,
	     n < 0 ? strerror(errno) : "short");
}

/* After a 0 the bytes are in the file, but for those that are held back. */
static void op_sync(struct op *o)
{
	u64 at, len, done, part;

	if (!pick_pages(o, 16, &at, &len))
		return;
	sync_range(o, at, len);
	if (len > bytes_now() - at)
		len = bytes_now() - at;
	file_read(at, len, buf);
	for (done = 0; done < len; done += part) {
		part = len - done < PAGE ? len - done : PAGE;
		same(buf + done, synced_page((at + done) / PAGE), part, at + done,
		     "the file after a sync");
	}
}

/* ---- mappings ---- */

static struct slot *small_slot(struct op *o)
{
	return &slots[1 + below(o, SLOTS - 1)];
}

/* A run of pages of a slot that are all mapped. */
static u32 pick_run(struct op *o, u32 max, struct slot **s, u32 *from)
{
	u32 nr = 0;

	*s = small_slot(o);
	*from = pick_small(o);
	max = 1 + below(o, max);
	while (nr < max && *from + nr < SMALL_PAGES && (*s)->map[*from + nr].kind != NONE)
		nr++;
	return nr;
}

static void op_mmap(struct op *o)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ, RW, RW, RW };
	struct slot *s = small_slot(o);
	u32 nr = 1 + below(o, 100), to = pick_small(o), page, i, fd = below(o, EXTRAS);
	int prot = prots[below(o, ARRAY_SIZE(prots))];
	enum kind kind = below(o, 4) ? SHARED : PRIVATE;
	int flags = MAP_FIXED | (kind == SHARED ? MAP_SHARED : MAP_PRIVATE);

	page = first + pick_page(o);
	nr = kind == PRIVATE && nr > 64 ? 64 : nr;
	nr = nr < SMALL_PAGES - to ? nr : SMALL_PAGES - to;
	nr = nr < first + pages - page ? nr : first + pages - page;
	fd = fds[fd] < 0 ? 0 : fd;
	flags |= kind == SHARED && !below(o, 8) ? MAP_POPULATE : 0;
	note("mmap slot %d page %u, %u, file page %u, prot %d, flags %#x", (int)(s - slots), to, nr,
	     page, prot, flags);
	need(mmap(s->addr + to * PAGE, nr * PAGE, prot, flags, fds[fd], page * PAGE) ==
	     s->addr + to * PAGE, "mmap: %s", strerror(errno));
	forget(s, to, nr);
	for (i = 0; i < nr; i++)
		s->map[to + i] = (struct mapped){ .page = page + i, .kind = kind, .prot = prot,
						  .fd = fd };
	mapped_by[fd] += nr;
}

static void op_munmap(struct op *o)
{
	struct slot *s = small_slot(o);
	u32 from = below(o, SMALL_PAGES), nr = 1 + below(o, 32);

	nr = nr < SMALL_PAGES - from ? nr : SMALL_PAGES - from;
	note("munmap slot %d page %u, %u", (int)(s - slots), from, nr);
	need_ok(munmap(s->addr + from * PAGE, nr * PAGE));
	reserve(s, from, nr);
}

static void op_mprotect(struct op *o)
{
	static const int prots[] = { PROT_NONE, PROT_READ, RW, RW, RW };
	int prot = prots[below(o, ARRAY_SIZE(prots))];
	struct slot *s;
	u32 from, nr = pick_run(o, 24, &s, &from), i;

	if (!nr)
		return;
	note("mprotect slot %d page %u, %u, prot %d", (int)(s - slots), from, nr, prot);
	need_ok(mprotect(s->addr + from * PAGE, nr * PAGE, prot));
	for (i = from; i < from + nr; i++)
		s->map[i].prot = prot;
}

static void move_pages(struct slot *to, u32 at, struct slot *s, u32 from, u32 nr)
{
	forget(to, at, nr);
	memcpy(&to->map[at], &s->map[from], nr * sizeof(struct mapped));
	memset(&s->map[from], 0, nr * sizeof(struct mapped));
	reserve(s, from, nr);
}

static void op_mremap(struct op *o)
{
	struct slot *s, *to = small_slot(o);
	u32 from, nr = pick_run(o, 48, &s, &from), at = below(o, SMALL_PAGES), keep;
	u8 *got;

	if (!nr)
		return;
	if (!below(o, 4)) {
		keep = 1 + below(o, nr);
		note("mremap slot %d page %u, %u to %u", (int)(s - slots), from, nr, keep);
		need(mremap(s->addr + from * PAGE, nr * PAGE, keep * PAGE, 0) ==
		     s->addr + from * PAGE, "mremap: %s", strerror(errno));
		if (keep < nr)
			reserve(s, from + keep, nr - keep);
		return;
	}
	if (at + nr > SMALL_PAGES || (to == s && at < from + nr && from < at + nr))
		return;
	note("mremap slot %d page %u, %u to slot %d page %u", (int)(s - slots), from, nr,
	     (int)(to - slots), at);
	got = mremap(s->addr + from * PAGE, nr * PAGE, nr * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		     to->addr + at * PAGE);
	if (got == to->addr + at * PAGE) {
		move_pages(to, at, s, from, nr);
		return;
	}
	/* It moves one mapping at a time; what was at the other place is gone all the same. */
	need(got == MAP_FAILED && errno == EFAULT, "mremap: %s", strerror(errno));
	reserve(to, at, nr);
}

static void advise(struct slot *s, u32 from, u32 nr, int advice)
{
	int ret = madvise(s->addr + from * PAGE, nr * PAGE, advice);
	u32 i;

	if (advice == MADV_FREE || advice == MADV_WIPEONFORK)
		need(ret && errno == EINVAL, "%d, %s", ret, strerror(errno));
	if (advice == MADV_DONTNEED || advice == MADV_POPULATE_READ ||
	    advice == MADV_POPULATE_WRITE)
		need(!ret, "madvise %d: %s", advice, strerror(errno));
	if (advice == MADV_DONTFORK)
		need_ok(madvise(s->addr + from * PAGE, nr * PAGE, MADV_DOFORK));
	for (i = from; i < from + nr; i++) {
		if (advice == MADV_POPULATE_WRITE)
			model_copy_on_write(&s->map[i]);
		if (advice == MADV_DONTNEED) {
			free(s->map[i].copy);
			s->map[i].copy = NULL;
		}
	}
}

static void op_madvise(struct op *o)
{
	static const int all[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED,
		MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_WIPEONFORK,
		MADV_KEEPONFORK, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_DONTDUMP, MADV_DODUMP, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ,
		MADV_POPULATE_WRITE, 25 /* MADV_COLLAPSE */,
	};
	int advice = all[below(o, ARRAY_SIZE(all))];
	struct slot *s;
	u32 from, nr = pick_run(o, 24, &s, &from);

	/* Of a plain file it makes a hole. */
	if (!nr || (advice == MADV_REMOVE && plain))
		return;
	if (advice == MADV_POPULATE_WRITE || advice == MADV_POPULATE_READ)
		nr = reach(s, from * PAGE, nr * PAGE,
			   advice == MADV_POPULATE_WRITE ? RW : PROT_READ) / PAGE;
	if (!nr)
		return;
	note("madvise slot %d page %u, %u, %d", (int)(s - slots), from, nr, advice);
	advise(s, from, nr, advice);
}

/* The whole file is mapped in slot 0, and advice on all of it costs more. */
static void op_madvise_all(struct op *o)
{
	static const int all[] = { MADV_RANDOM, MADV_SEQUENTIAL, MADV_NORMAL, MADV_DONTNEED };
	int advice = all[below(o, ARRAY_SIZE(all))];

	note("madvise all, %d", advice);
	need_ok(madvise(slots[0].addr, pages * PAGE, advice));
}

static void op_fadvise(struct op *o)
{
	u64 at, len;
	int advice = below(o, 6), ret;

	if (!pick_pages(o, 32, &at, &len))
		return;
	note("posix_fadvise %#jx %ju %d", (uintmax_t)at, (uintmax_t)len, advice);
	ret = posix_fadvise(any_fd(o), at, len, advice);
	need(!ret, "%s", strerror(ret));
}

/* Both are about memory that is the kernel's to keep: on ours they change nothing. */
static void op_mlock(struct op *o)
{
	struct slot *s;
	u32 from, nr = pick_run(o, 8, &s, &from), i;

	nr = nr ? reach(s, from * PAGE, nr * PAGE, PROT_READ) / PAGE : 0;
	if (!nr)
		return;
	note("mlock slot %d page %u, %u", (int)(s - slots), from, nr);
	/* It copies what is private and may be written, where it locks at all. */
	for (i = from; i < from + nr; i++)
		if (s->map[i].kind == PRIVATE)
			return;
	mlock(s->addr + from * PAGE, nr * PAGE);
	need_ok(munlock(s->addr + from * PAGE, nr * PAGE));
	need_ok(mincore(s->addr + from * PAGE, nr * PAGE, buf));
}

/* ---- processes ---- */

/* Stores and loads on pages whose numbers have the same parity. */
static void fork_part(struct op *o, u32 parity)
{
	struct place p;
	int i;

	for (i = 0; i < 8; i++) {
		pick_place(o, pick_len(o), RW, &p);
		if (!p.len || p.slot->map[p.at / PAGE].page % 2 != parity)
			continue;
		p.len = p.len < PAGE - p.at % PAGE ? p.len : PAGE - p.at % PAGE;
		need(!try_copy(buf, address(&p), p.len), "a load died");
		same_place(buf, &p, "a load beside another process");
		random_bytes(o, buf, p.len);
		need(!try_copy(address(&p), buf, p.len), "a store died");
		model_put(&p, buf);
	}
}

/* The model of the file is shared with the child, that of private pages is its own. */
static void op_fork(struct op *o)
{
	int status;
	pid_t pid;

	note("fork");
	pid = need_ok(fork());
	if (!pid) {
		rnd_next(&o->r);
		fork_part(o, 0);
		_exit(0);
	}
	fork_part(o, 1);
	need_ok(waitpid(pid, &status, 0));
	need(!status, "the child's status is %#x", status);
}

/* ---- size ---- */

/* Pages past the end are nobody's: private copies go as well. */
static void drop_copies(u32 from_page)
{
	struct slot *s;
	u32 i;

	for (s = slots + 1; s < slots + SLOTS; s++) {
		for (i = 0; i < SMALL_PAGES; i++) {
			if (!s->map[i].copy || s->map[i].page < from_page)
				continue;
			free(s->map[i].copy);
			s->map[i].copy = NULL;
		}
	}
}

/* False: it cannot be, and nothing has changed. */
static bool set_size(u64 bytes)
{
	struct framepool_resize r = { .size = sizeof(r), .bytes = bytes };
	int err, should = direct_path ? ETXTBSY : 0;

	if (plain)
		return !need_ok(ftruncate(fds[0], bytes));
	if (!should && bytes < bytes_now() && held_past(bytes))
		should = EBUSY;
	err = ioctl(fds[0], FRAMEPOOL_RESIZE, &r) ? errno : 0;
	need(err == should, "%s, not %s", strerror(err), strerror(should));
	return !err;
}

static void op_resize(struct op *o)
{
	u64 old = bytes_now(), bytes, i;

	if (!run.resizes)
		return;
	if (below(o, 2))
		bytes = run.bytes_max / 4 + rnd_below(&o->r, run.bytes_max * 3 / 4);
	else
		bytes = old - 64 * KIB + below(o, 128 * KIB);
	if (bytes > run.bytes_max)
		bytes = run.bytes_max;
	note("resize from %ju to %ju", (uintmax_t)old, (uintmax_t)bytes);
	if (!set_size(bytes))
		return;
	asks_resized();
	hold_cut(bytes);
	drop_copies(PAGES(bytes));
	if (bytes < old)
		memset(run.model + bytes, 0, old - bytes);
	for (i = PAGES(bytes); i < PAGES(run.bytes_max); i++) {
		npinned -= pinned[i];
		pinned[i] = 0;
	}
	*run.bytes_now = bytes;
}

/* ---- descriptors ---- */

static void map_all(void)
{
	u32 i;

	need(mmap(slots[0].addr, pages * PAGE, RW, MAP_SHARED | MAP_FIXED, fds[0], first * PAGE) ==
	     slots[0].addr, "mmap: %s", strerror(errno));
	for (i = 0; i < pages; i++)
		slots[0].map[i] = (struct mapped){ .page = first + i, .kind = SHARED, .prot = RW };
	mapped_by[0] += pages;
}

static void op_attach(struct op *o)
{
	u32 i = 1 + below(o, EXTRAS - 1);
	bool named = below(o, 2);

	if (fds[i] >= 0 || names[i][0] || mapped_by[i])
		return;
	note("attach %s as %u", named ? "by a name" : "again", i);
	if (named && !plain) {
		snprintf(names[i], sizeof(names[i]), "t.fz%d.%u", getpid(), names_made++);
		space_name(run.path, names[i], O_RDWR);
		fds[i] = need_ok(node_open(names[i], O_RDWR));
	} else {
		fds[i] = space_attach(run.path, O_RDWR);
	}
	need(space_id(fds[i]) == id, "the same file is another space");
}

/* A name can go when nobody has it open or mapped. */
static void op_detach(struct op *o)
{
	u32 i = 1 + below(o, EXTRAS - 1);

	if (fds[i] < 0 && !names[i][0])
		return;
	note("detach %u, mapped by it: %ju", i, (uintmax_t)mapped_by[i]);
	if (fds[i] >= 0 && names[i][0])
		need(detach(names[i]) && errno == EBUSY, "detach while open: %s", strerror(errno));
	if (fds[i] >= 0)
		need_ok(close(fds[i]));
	fds[i] = -1;
	if (!names[i][0])
		return;
	if (mapped_by[i]) {
		need(detach(names[i]) && errno == EBUSY, "detach while mapped: %s",
		     strerror(errno));
		return;
	}
	need_ok(detach(names[i]));
	names[i][0] = '\0';
}

/* A file that had room made for it since has holes, and goes through the file system. */
static void begin_space(bool direct)
{
	struct framepool_space s;

	attach_flags = direct && !plain ? FRAMEPOOL_ATTACH_DIRECT : 0;
	fds[0] = space_attach(run.path, O_RDWR);
	attach_flags = 0;
	id = space_id(fds[0]);
	map_all();
	if (plain)
		return;
	space_info(fds[0], &s);
	direct_path = s.state & FRAMEPOOL_SPACE_DIRECT_PATH;
	diag("worker %u goes %s", me, direct_path ? "past the file system" : "by the file system");
}

int store_first(u64 at, u8 byte)
{
	run.model[at] = byte;
	return try_store(slots[0].addr + at - first * PAGE, byte);
}

static void end_space(void)
{
	u32 i;

	hold_leave();
	asks_leave();
	for (i = 0; i < SLOTS; i++)
		reserve(&slots[i], 0, slots[i].pages);
	for (i = 1; i < EXTRAS; i++) {
		if (fds[i] >= 0)
			need_ok(close(fds[i]));
		fds[i] = -1;
		if (names[i][0])
			need_ok(detach(names[i]));
		names[i][0] = '\0';
	}
	need_ok(close(fds[0]));
	fds[0] = -1;
}

/* All goes, the file has to be the model, and it begins again. */
static void op_again(struct op *o)
{
	if (!alone)
		return;
	note("detach everything, compare the file, attach again");
	end_space();
	space_gone(-1, id);
	expect_file(run.path, run.model, bytes_now());
	if (failures() != failures_before)
		give_up();
	memset(pinned, 0, PAGES(run.bytes_max));
	npinned = 0;
	begin_space(below(o, 2));
}

/* ---- all of them ---- */

static const struct {
	unsigned int weight;
	void (*fn)(struct op *o);
} ops[] = {
	{ 40000, op_load }, { 30000, op_store }, { 10000, op_pread }, { 8000, op_pwrite },
	{ 2000, op_read }, { 2000, op_vectors }, { 600, op_buffer_mapped },
	{ 800, op_vm_readv }, { 800, op_vm_writev }, { 300, op_proc_mem }, { 200, op_direct },
	{ 100, op_sendfile }, { 200, op_splice_out }, { 150, op_splice_in }, { 200, op_vmsplice },
	{ 400, op_prefetch_few }, { 1, op_prefetch }, { 500, op_evict }, { 1000, op_residency },
	{ 300, op_pin }, { 300, op_unpin }, { 300, op_info }, { 200, op_set_block },
	{ 250, op_msync }, { 100, op_sync }, { 200, op_store_past_end },
	{ 1000, op_mmap }, { 500, op_munmap }, { 1500, op_mprotect }, { 500, op_mremap },
	{ 2000, op_madvise }, { 20, op_madvise_all }, { 400, op_fadvise }, { 150, op_mlock },
	{ 40, op_fork }, { 10, op_resize }, { 60, op_attach }, { 60, op_detach },
	{ 150, op_hold }, { 80, op_release }, { 60, op_look_held }, { 20, op_hold_leave },
	{ 150, op_start }, { 200, op_result }, { 60, op_limit }, { 200, op_wset },
	{ 15, op_policy }, { 8, op_check }, { 150, op_advise }, { 100, op_errors },
	{ 40, op_recorder }, { 100, op_record },
	{ 3, op_again }, { 1, op_compare_all },
};

static void do_op(struct op *o)
{
	u64 total = 0, at;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		total += ops[i].weight;
	at = rnd_below(&o->r, total);
	for (i = 0; at >= ops[i].weight; i++)
		at -= ops[i].weight;
	ops[i].fn(o);
}

static void begin(unsigned int worker)
{
	char name[32];
	u32 all = PAGES(run.bytes_max), i;

	me = worker;
	failures_before = failures();
	alone = run.workers == 1;
	first = all / run.workers * worker;
	pages = worker + 1 < run.workers ? all / run.workers : all - first;
	pinned = calloc(all, 1);
	buf = aligned_alloc(PAGE, 128 * KIB);
	want = aligned_alloc(PAGE, 128 * KIB);
	side_model = model_make(SIDE_BYTES, worker);
	need(pinned && buf && want, "no memory");
	for (i = 0; i < EXTRAS; i++)
		fds[i] = -1;
	snprintf(name, sizeof(name), "side.%u", worker);
	file_make(name, SIDE_BYTES, worker);
	side = need_ok(open(file_path(name), O_RDWR));
	side_direct = open(file_path(name), O_RDWR | O_DIRECT);
	side_direct = side_direct < 0 ? side : side_direct;
	backing = open(run.path, O_RDONLY | O_DIRECT);
	backing = backing < 0 ? need_ok(open(run.path, O_RDONLY)) : backing;
	proc_mem = need_ok(open("/proc/self/mem", O_RDWR));
	need_ok(pipe(pipe_fd));
	slots_make(pages);
	hold_begin();
	/* All of a run go the same way. */
	begin_space(mix(seed + run.bytes) % 2);
}

void work(unsigned int worker)
{
	struct log *log = &run.logs[worker];
	struct op o;
	u64 at;

	begin(worker);
	for (o.nr = 0; o.nr < run.ops; o.nr++) {
		at = worker * run.ops + o.nr;
		if (run.skip && run.skip[at / 8] >> at % 8 & 1)
			continue;
		log->nr[atomic_fetch_add(&log->done, 1) % LOG_LEN] = o.nr;
		note("-");
		rnd_init(&o.r, at);
		do_op(&o);
	}
	log->nr[atomic_fetch_add(&log->done, 1) % LOG_LEN] = o.nr;
	note("the end");
	end_space();
	_exit(0);
}
