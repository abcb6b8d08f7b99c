// SPDX-License-Identifier: GPL-2.0-only
/*
 * All policies, and every way from one to another, against what holds for each of them: who is known
 * is on exactly one list, whatever comes, leaves, is judged, put back, cooled, or changes hands in the
 * middle of a switch; nobody is named twice as a candidate; only who is known can become a victim;
 * ghosts count evictions; and where nothing is used everybody leaves in the end.
 */
#include "fuzz.h"

#include "policy.h"

#define MAX_FRAMES	200U

static struct fpool_frames frames;
static struct fpool_frame_info infos[MAX_FRAMES];
static struct fpool_policy policy;
static u32 n;

/* The model. */
static bool known[MAX_FRAMES];
static u32 nknown;
static u64 evictions, tests;
static const struct fpool_policy_ops *now, *next;

static u32 candidate[MAX_FRAMES], ncandidates;

static void bring(u32 frame, u64 age)
{
	if (known[frame])
		return;
	must(!fpool_frames_mark_fill(&frames, fpool_frame(frame), 1, fpool_vpn(frame)), "fill");
	must(!fpool_frames_mark_resident(&frames, fpool_frame(frame)), "resident");
	fpool_policy_insert(&policy, fpool_frame(frame), age);
	known[frame] = true;
	nknown++;
}

/* The policy has forgotten it. */
static void leave(u32 frame)
{
	must(!fpool_frames_mark_evict(&frames, fpool_frame(frame)), "evict");
	must(!fpool_frames_mark_free(&frames, fpool_frame(frame)), "free");
	known[frame] = false;
	nknown--;
}

static void take_out(u32 frame)
{
	if (!known[frame])
		return;
	fpool_policy_remove(&policy, fpool_frame(frame));
	leave(frame);
}

static void ask(u32 max)
{
	fpool_frame_t out[MAX_FRAMES + 1];
	bool named[MAX_FRAMES] = { false };
	u32 i, frame;

	out[max] = FPOOL_NO_FRAME;
	ncandidates = fpool_policy_candidates(&policy, out, max);
	must(ncandidates <= max && ncandidates <= nknown, "%u of %u", ncandidates, nknown);
	must(ncandidates || !max || !nknown || next, "nobody of %u", nknown);
	must(out[max] == FPOOL_NO_FRAME, "more were written than asked for");
	for (i = 0; i < ncandidates; i++) {
		frame = fpool_frame_nr(out[i]);
		must(frame < n && known[frame] && !named[frame], "frame %u", frame);
		named[frame] = true;
		candidate[i] = frame;
	}
}

static void judge(u32 frame, bool accessed, bool back)
{
	bool victim;
	u64 seq;

	/* "Until ... has said that it is done, nothing may be judged." */
	if (next)
		return;
	victim = fpool_policy_judge(&policy, fpool_frame(frame), accessed);
	tests++;
	must(!victim || known[frame], "frame %u is a victim, and was not known", frame);
	must(fpool_policy_knows(&policy, fpool_frame(frame)) == (known[frame] && !victim),
	     "frame %u", frame);
	if (!victim)
		return;
	if (back) {
		fpool_policy_put_back(&policy, fpool_frame(frame));
		return;
	}
	seq = fpool_policy_evicted(&policy, fpool_frame(frame));
	must(!seq || seq == evictions, "%llu", seq);
	must(fpool_policy_age(&policy, evictions) == 0, "age of the newest");
	evictions++;
	leave(frame);
}

static void begin_switch(u32 to)
{
	int err = fpool_policy_switch_begin(&policy, fpool_policy_nth(to));

	must(err == (to > 3 ? -EINVAL : next ? -EBUSY : 0), "%d", err);
	if (!err)
		next = fpool_policy_nth(to);
}

static void step_switch(u32 max)
{
	if (!next || fpool_policy_switch_step(&policy, max))
		return;
	now = next;
	next = NULL;
	must(policy.ops == now, "it is '%s'", policy.ops->name);
}

static void finish_switch(void)
{
	u32 steps;

	for (steps = 0; next; steps++) {
		must(steps <= 2 * n + 4, "the switch goes on and on");
		step_switch(1);
	}
}

static void step(struct input *in)
{
	u8 op = take8(in), arg = take8(in);
	u32 frame = take_below(in, n);

	switch (op % 16) {
	case 0 ... 4:
		bring(frame, op & 0x80 ? U64_MAX : arg);
		break;
	case 5:
		take_out(frame);
		break;
	case 6 ... 7:
		ask(min(n, (u32)arg));
		break;
	case 8 ... 11:
		judge(ncandidates ? candidate[arg % ncandidates] : frame, op & 0x80, op & 0x40);
		break;
	case 12:
		judge(frame, op & 0x80, op & 0x40);
		break;
	case 13:
		if (known[frame])
			fpool_policy_cool(&policy, fpool_frame(frame));
		break;
	case 14:
		begin_switch(arg % 5);
		break;
	case 15:
		step_switch(1 + arg % 32);
		break;
	}
}

static void check(void)
{
	const char *why = "";
	u32 i;

	must(!fpool_policy_check(&policy, &why), "%s: %s", policy.ops->name, why);
	must(fpool_policy_len(&policy) == nknown, "%llu instead of %u", fpool_policy_len(&policy),
	     nknown);
	must(policy.evictions == evictions && policy.tests == tests, "counters");
	must(next || policy.ops == now, "it is '%s'", policy.ops->name);
	for (i = 0; i < n; i++)
		must(fpool_policy_knows(&policy, fpool_frame(i)) == known[i], "frame %u", i);
}

/* Nobody is used any more: by looks in their order all leave, each after a few. */
static void drain(void)
{
	u32 looks, most = 8 * n + 64;

	for (looks = 0; nknown; looks++) {
		must(looks < most, "%s: %u stay", policy.ops->name, nknown);
		ask(1);
		judge(candidate[0], false, false);
		check();
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };

	n = 1 + take8(&in) % MAX_FRAMES;
	now = fpool_policy_nth(take8(&in) % 4);
	next = NULL;
	fpool_frames_init(&frames, infos, n);
	must(!fpool_policy_init(&policy, now, &frames, n), "%u frames", n);
	memset(known, 0, sizeof(known));
	nknown = 0;
	ncandidates = 0;
	evictions = 1;
	tests = 0;
	while (more(&in)) {
		step(&in);
		check();
	}
	finish_switch();
	check();
	drain();
	return 0;
}
