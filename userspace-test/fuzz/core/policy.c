// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frame table's verbs against the table of their arrows, and CLOCK against a queue in an array.
 *
 * The verbs are called on any frame in any state, and on some that are not in the region. The
 * policy is called as its interface allows: it may be told of resident frames only, and a
 * candidate may be judged late, after other calls have moved it or taken it away.
 */
#include "fuzz.h"

#include "policy.h"

#define MAX_FRAMES	24U

static struct fpool_frames frames;
static struct fpool_frame_info infos[MAX_FRAMES];
static struct fpool_policy policy;
static u32 n;

/* The model. */
static u8 state[MAX_FRAMES];
static u32 space[MAX_FRAMES];
static u64 vpn[MAX_FRAMES];
static u32 queue[MAX_FRAMES], queued;
static u32 candidate[MAX_FRAMES], ncandidates;
static u64 evictions, tests;

/* One bit for each state that the verb may start from. */
static const struct verb {
	u8 from, to;
} verbs[] = {
	{ 1 << FPOOL_FRAME_FREE, FPOOL_FRAME_KERNEL },
	{ 1 << FPOOL_FRAME_FREE, FPOOL_FRAME_NODE },
	{ 1 << FPOOL_FRAME_FREE, FPOOL_FRAME_FILL },
	{ 1 << FPOOL_FRAME_FILL | 1 << FPOOL_FRAME_EVICT, FPOOL_FRAME_RESIDENT },
	{ 1 << FPOOL_FRAME_RESIDENT, FPOOL_FRAME_EVICT },
	{ 1 << FPOOL_FRAME_NODE | 1 << FPOOL_FRAME_FILL | 1 << FPOOL_FRAME_EVICT,
	  FPOOL_FRAME_FREE },
	{ 1 << FPOOL_FRAME_FREE | 1 << FPOOL_FRAME_FILL | 1 << FPOOL_FRAME_RESIDENT |
	  1 << FPOOL_FRAME_EVICT, FPOOL_FRAME_RETIRED },
};

static int call(u8 to, fpool_frame_t frame, u32 id, u64 page)
{
	switch (to) {
	case FPOOL_FRAME_KERNEL:
		return fpool_frames_mark_kernel(&frames, frame);
	case FPOOL_FRAME_NODE:
		return fpool_frames_mark_node(&frames, frame, id);
	case FPOOL_FRAME_FILL:
		return fpool_frames_mark_fill(&frames, frame, id, fpool_vpn(page));
	case FPOOL_FRAME_RESIDENT:
		return fpool_frames_mark_resident(&frames, frame);
	case FPOOL_FRAME_EVICT:
		return fpool_frames_mark_evict(&frames, frame);
	case FPOOL_FRAME_FREE:
		return fpool_frames_mark_free(&frames, frame);
	default:
		return fpool_frames_mark_retired(&frames, frame);
	}
}

static u32 place(u32 frame)
{
	u32 i = 0;

	while (i < queued && queue[i] != frame)
		i++;
	return i;
}

static bool is_queued(u32 frame)
{
	return place(frame) < queued;
}

static void unqueue(u32 frame)
{
	u32 i = place(frame);

	for (queued--; i < queued; i++)
		queue[i] = queue[i + 1];
}

static bool allowed(const struct verb *v, u32 frame, u32 id, u64 page)
{
	if (frame >= n || !(v->from >> state[frame] & 1))
		return false;
	if (v->to == FPOOL_FRAME_NODE || v->to == FPOOL_FRAME_FILL)
		return id && (v->to == FPOOL_FRAME_NODE || page >> 52 == 0);
	if (v->to == FPOOL_FRAME_FREE || v->to == FPOOL_FRAME_RETIRED)
		return !is_queued(frame);
	return true;
}

static void op_verb(const struct verb *v, u32 frame, u32 id, u64 page)
{
	bool ok = allowed(v, frame, id, page);
	int err = call(v->to, fpool_frame(frame), id, page);

	must(err == (ok ? 0 : -EINVAL), "frame %u from %u to %u: %d", frame,
	     frame < n ? state[frame] : 99, v->to, err);
	if (err)
		return;
	state[frame] = v->to;
	if (v->to == FPOOL_FRAME_NODE || v->to == FPOOL_FRAME_FILL)
		space[frame] = id;
	if (v->to == FPOOL_FRAME_FILL)
		vpn[frame] = page;
	if (v->to == FPOOL_FRAME_FREE || v->to == FPOOL_FRAME_RETIRED)
		space[frame] = FPOOL_NO_SPACE;
	/* "which the policy has forgotten or is about to" */
	if (v->to == FPOOL_FRAME_EVICT && is_queued(frame)) {
		fpool_policy_remove(&policy, fpool_frame(frame));
		unqueue(frame);
	}
}

static void op_tell(u32 frame, u8 how)
{
	if (frame >= n || state[frame] != FPOOL_FRAME_RESIDENT)
		return;
	if (is_queued(frame)) {
		fpool_policy_remove(&policy, fpool_frame(frame));
		unqueue(frame);
		return;
	}
	if (how & 1)
		fpool_policy_insert(&policy, fpool_frame(frame), how & 2 ? how : U64_MAX);
	else
		fpool_policy_put_back(&policy, fpool_frame(frame));
	queue[queued++] = frame;
}

static void op_candidates(u32 max)
{
	fpool_frame_t out[MAX_FRAMES + 1];
	u32 i, got;

	for (i = 0; i <= MAX_FRAMES; i++)
		out[i] = FPOOL_NO_FRAME;
	got = fpool_policy_candidates(&policy, out, max);
	must(got == min_t(u32, max, queued), "%u of %u", got, queued);
	must(out[got] == FPOOL_NO_FRAME, "more were written than counted");
	for (i = 0; i < got; i++) {
		candidate[i] = fpool_frame_nr(out[i]);
		must(candidate[i] == queue[i], "candidate %u is %u", i, candidate[i]);
	}
	ncandidates = got;
}

static void evicted(u32 frame)
{
	u64 seq = fpool_policy_evicted(&policy, fpool_frame(frame));

	must(seq == evictions, "%llu", seq);
	evictions++;
	must(fpool_policy_age(&policy, seq) == 0, "age of the newest");
}

static void op_judge(u32 frame, u8 how)
{
	bool known = frame < n && is_queued(frame), victim;

	if (frame >= n)
		return;
	victim = fpool_policy_judge(&policy, fpool_frame(frame), how & 1);
	tests++;
	must(victim == (known && !(how & 1)), "frame %u", frame);
	if (known)
		unqueue(frame);
	if (known && !victim)
		queue[queued++] = frame;
	if (victim && how & 2)
		evicted(frame);
}

static void op_age(u64 seq)
{
	u64 want = seq && seq < evictions ? evictions - 1 - seq : U64_MAX;

	must(fpool_policy_age(&policy, seq) == want, "%llu", seq);
}

static void step(struct input *in)
{
	u8 op = take8(in), arg = take8(in);
	u32 frame = take_below(in, n);

	switch (op % 16) {
	case 0:
		/* Rarely, as there is no way back. */
		if (op >= 0xe0)
			op_verb(&verbs[op & 0x10 ? 0 : 6], frame, 0, 0);
		else
			op_verb(&verbs[3], arg == 0xff ? U32_MAX : n + arg, 0, 0);
		break;
	case 1 ... 6:
		op_verb(&verbs[op % 16 - (op % 16 == 6)], frame, arg % 4,
			op & 0x80 ? take64(in) : arg);
		break;
	case 7 ... 9:
		/* The usual life: in, known to the policy. */
		op_verb(&verbs[2], frame, 1, arg);
		op_verb(&verbs[3], frame, 0, 0);
		op_tell(frame, arg);
		break;
	case 10:
		op_tell(frame, arg);
		break;
	case 11:
		op_candidates(arg % (MAX_FRAMES + 1));
		break;
	case 12 ... 13:
		op_judge(ncandidates ? candidate[arg % ncandidates] : frame, op >> 4);
		break;
	case 14:
		op_judge(frame, op >> 4);
		break;
	case 15:
		op_age(op & 0x80 ? take64(in) : arg);
		break;
	}
}

static void check_frame(u32 i, u32 *count)
{
	must(infos[i].state == state[i], "frame %u is %u, not %u", i, infos[i].state, state[i]);
	must(infos[i].space == space[i], "frame %u is of space %u", i, infos[i].space);
	must(infos[i].list == (is_queued(i) ? 0 : FPOOL_NO_LIST), "frame %u, list %u", i,
	     infos[i].list);
	must(fpool_policy_knows(&policy, fpool_frame(i)) == is_queued(i), "frame %u", i);
	if (state[i] >= FPOOL_FRAME_FILL && state[i] <= FPOOL_FRAME_EVICT)
		must(infos[i].vpn == vpn[i], "frame %u has page %#llx", i, infos[i].vpn);
	else if (state[i] != FPOOL_FRAME_NODE)
		must(!infos[i].vpn && !infos[i].policy && !infos[i].aux, "frame %u remembers", i);
	count[state[i]]++;
}

static void check(void)
{
	u32 count[FPOOL_FRAME_NR_STATES] = { 0 }, i;
	fpool_frame_t frame = fpool_frame_list_first(&policy.list[0]);
	const char *why = "";

	must(!fpool_policy_check(&policy, &why), "%s", why);
	must(fpool_policy_len(&policy) == queued, "%u", queued);
	must(policy.tests == tests && policy.evictions == evictions, "counters");
	for (i = 0; i < queued; i++, frame = fpool_frame_list_next(&frames, frame))
		must(fpool_frame_nr(frame) == queue[i], "place %u: %u", i, queue[i]);
	must(frame == FPOOL_NO_FRAME, "the queue goes on");
	for (i = 0; i < n; i++)
		check_frame(i, count);
	must(!memcmp(count, frames.count, sizeof(count)), "counts of states");
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };

	n = 1 + take8(&in) % MAX_FRAMES;
	fpool_frames_init(&frames, infos, n);
	must(fpool_policy_init(&policy, &fpool_policy_clock, &frames, n + 1) == -EINVAL, "");
	must(!fpool_policy_init(&policy, &fpool_policy_clock, &frames, n), "%u frames", n);
	memset(state, 0, sizeof(state));
	memset(space, 0, sizeof(space));
	queued = 0;
	ncandidates = 0;
	evictions = 1;
	tests = 0;
	while (more(&in)) {
		step(&in);
		check();
	}
	return 0;
}
