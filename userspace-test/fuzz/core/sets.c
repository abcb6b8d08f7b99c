// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several working sets that share frames: they come, are limited, pin, take from each other, hand
 * frames on, and go.
 *
 * The model has an owner and a stage for each frame, and for each set its limits; all sums are
 * counted anew each time.  It says which errno a limit gets, that nobody has more than its maximum
 * (but what it had when that was lowered), and that no other one takes it below its minimum.
 */
#include "fuzz.h"

#include "wset.h"

#define MAX_FRAMES	64U
#define SLOTS		6U		/* with the common set */
#define NOBODY		SLOTS

enum stage { FREE, FILLING, RESIDENT, PINNED, LEAVING };

struct model {
	bool used, leaving;
	u32 min, max;
	u32 cap;		/* what it may have at the moment */
};

static struct fpool_frames frames;
static struct fpool_frame_info infos[MAX_FRAMES];
static struct fpool_wsets wsets;
static struct fpool_wset *tab[SLOTS];
static struct fpool_wset memory[SLOTS];
static u32 n;

/* The model. */
static struct model model[SLOTS];
static enum stage stage[MAX_FRAMES];
static u32 owner[MAX_FRAMES];
static u64 ghosts[MAX_FRAMES];

static struct fpool_wset *set_of(u32 id)
{
	return id ? &memory[id] : &wsets.common;
}

static u32 count(u32 id, enum stage from, enum stage to)
{
	u32 i, sum = 0;

	for (i = 0; i < n; i++)
		sum += owner[i] == id && stage[i] >= from && stage[i] <= to;
	return sum;
}

static u32 charge(u32 id)
{
	return count(id, FILLING, LEAVING);
}

static u32 stays(u32 id)
{
	return count(id, RESIDENT, PINNED);
}

static u32 kept_by(u32 id, u32 min)
{
	u32 pinned = count(id, PINNED, PINNED);

	return pinned > min ? pinned : min;
}

static u32 kept_by_others(u32 id)
{
	u32 i, sum = 0;

	for (i = 0; i < SLOTS; i++)
		if (model[i].used && i != id)
			sum += kept_by(i, model[i].min);
	return sum;
}

static u32 pick_set(u8 byte)
{
	u32 id = byte % SLOTS;

	return model[id].used ? id : 0;
}

/* The first frame, from some one on, that has come so far. */
static u32 any(enum stage so_far, u32 from)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (stage[(from + i) % n] == so_far)
			return (from + i) % n;
	return MAX_FRAMES;
}

/* ---- sets ---- */

static void op_add(void)
{
	u32 id, err;

	for (id = 1; id < SLOTS && model[id].used; id++)
		;
	err = fpool_wset_add(&wsets, &memory[id < SLOTS ? id : 0]);
	must(err == (id < SLOTS ? 0 : (u32)-ENOSPC), "%d", err);
	if (err)
		return;
	must(memory[id].id == id, "it is %u, not %u", memory[id].id, id);
	model[id] = (struct model){ true, false, 0, FPOOL_WSET_NO_MAX, FPOOL_WSET_NO_MAX };
}

static int should_limit(u32 id, u32 min, u32 max)
{
	if (min > max || max < FPOOL_WSET_LEAST_MAX)
		return -EINVAL;
	if (model[id].leaving)
		return -ESRCH;
	if (min > model[id].min && kept_by_others(id) + kept_by(id, min) > n - n / 4)
		return -ENOSPC;
	if (count(id, PINNED, PINNED) + FPOOL_WSET_LEAST_MAX > max)
		return -EBUSY;
	return 0;
}

static void op_limit(u32 id, u32 min, u32 max)
{
	int should = should_limit(id, min, max), err;

	/* Nobody limits the common set. */
	if (!id)
		return;
	err = fpool_wset_limit(&wsets, set_of(id), min, max);
	must(err == should, "set %u, %u to %u: %d, not %d", id, min, max, err, should);
	if (err)
		return;
	model[id].min = min;
	model[id].max = max;
	model[id].cap = charge(id) > max ? charge(id) : max;
}

static void op_leave(u32 id)
{
	if (!id)
		return;
	fpool_wset_leave(&wsets, &memory[id]);
	model[id] = (struct model){ true, true, 0, 0, charge(id) };
}

static void op_del(u32 id)
{
	int should = id && model[id].leaving && !charge(id) ? 0 : -EBUSY, err;

	if (!id)
		return;
	err = fpool_wset_del(&wsets, &memory[id]);
	must(err == should, "set %u: %d, not %d", id, err, should);
	if (!err)
		model[id].used = false;
}

/* ---- frames ---- */

static void op_come(u32 id, u32 frame, u64 ghost)
{
	fpool_frame_t f = fpool_frame(frame);
	int err, should = charge(id) < model[id].max ? 0 : -EDQUOT;

	must(!fpool_frames_mark_fill(&frames, f, 1, fpool_vpn(frame)), "not free");
	err = fpool_wset_charge(&wsets, set_of(id), f);
	must(err == should, "set %u: %d, not %d", id, err, should);
	if (err) {
		must(!fpool_frames_mark_free(&frames, f), "frame %u", frame);
		return;
	}
	fpool_wset_fault(&wsets, set_of(id), ghost);
	stage[frame] = FILLING;
	owner[frame] = id;
}

static void op_filled(u32 frame, u64 age)
{
	must(!fpool_frames_mark_filled_run(&frames, fpool_frame(frame), 1), "not a fill");
	fpool_policy_insert(fpool_wsets_policy(&wsets, fpool_frame(frame)), fpool_frame(frame),
			    age);
	stage[frame] = RESIDENT;
}

static void victim(u32 frame)
{
	must(stage[frame] == RESIDENT, "frame %u", frame);
	must(!fpool_frames_mark_evict(&frames, fpool_frame(frame)), "not resident");
	stage[frame] = LEAVING;
}

/* As the evictor does: a set that is not one's own gives what it can spare, and no more. */
static void op_take(u32 for_whom, u32 max, u8 accessed)
{
	struct fpool_wset *self = for_whom == NOBODY ? NULL : set_of(for_whom), *set;
	u32 before[SLOTS], i, spare, nr, victims = 0;
	fpool_frame_t out[8];

	for (i = 0; i < SLOTS; i++)
		before[i] = stays(i);
	set = fpool_wsets_victim(&wsets, self);
	if (!set)
		return;
	must(model[set->id].used, "set %u is none", set->id);
	spare = fpool_wset_spare(set);
	must(spare == (before[set->id] > model[set->id].min ?
		       before[set->id] - model[set->id].min : 0), "set %u, %u", set->id, spare);
	must(spare || set == self || !wsets.nr, "set %u has nothing to spare", set->id);
	nr = fpool_policy_candidates(&set->policy, out, spare && spare < max ? spare : max);
	for (i = 0; i < nr; i++) {
		must(owner[fpool_frame_nr(out[i])] == set->id, "another's frame");
		if (!fpool_policy_judge(&set->policy, out[i], accessed >> i & 1))
			continue;
		victim(fpool_frame_nr(out[i]));
		victims++;
	}
	fpool_wset_judged(set, nr, victims);
	for (i = 0; i < SLOTS; i++)
		must(set == self || stays(i) >= model[i].min || stays(i) == before[i],
		     "set %u has %u of its %u", i, stays(i), model[i].min);
}

static void op_left(u32 frame, bool back)
{
	fpool_frame_t f = fpool_frame(frame);

	if (back) {
		must(!fpool_frames_mark_resident(&frames, f), "not leaving");
		fpool_policy_put_back(fpool_wsets_policy(&wsets, f), f);
		stage[frame] = RESIDENT;
		return;
	}
	ghosts[frame] = fpool_wsets_evicted(&wsets, f);
	if (ghosts[frame])
		must(fpool_ghost_set(ghosts[frame]) == owner[frame], "a ghost of another set");
	fpool_wset_uncharge(&wsets, f);
	must(!fpool_frames_mark_free(&frames, f), "frame %u", frame);
	stage[frame] = FREE;
	owner[frame] = NOBODY;
}

/* Beside one more pinned page. */
static bool can_run(u32 id)
{
	return (u64)count(id, PINNED, PINNED) + FPOOL_WSET_LEAST_MAX < model[id].max;
}

static void op_move(u32 frame, u32 to)
{
	int err, should;

	if (stage[frame] == FREE)
		return;
	should = charge(to) < model[to].max && (stage[frame] != PINNED || can_run(to)) ?
		 0 : -EDQUOT;
	err = fpool_wset_move(&wsets, fpool_frame(frame), set_of(to));
	must(err == should, "frame %u to set %u: %d, not %d", frame, to, err, should);
	if (!err)
		owner[frame] = to;
}

static bool should_pin(u32 id)
{
	u32 pinned = count(id, PINNED, PINNED), promised = 0, i;

	for (i = 0; i < SLOTS; i++)
		promised += model[i].used ? model[i].min : 0;
	if (!model[id].leaving && !can_run(id))
		return false;
	return !promised || pinned < model[id].min ||
	       kept_by_others(id) + kept_by(id, model[id].min) < n - n / 4;
}

static void op_pin(u32 frame)
{
	struct fpool_wset *set = set_of(owner[frame]);
	bool may = fpool_wset_may_pin(&wsets, set);

	must(may == should_pin(set->id), "set %u may %d", set->id, may);
	if (!may)
		return;
	fpool_policy_remove(&set->policy, fpool_frame(frame));
	infos[frame].list = FPOOL_PIN_LIST;
	fpool_wset_pin(&wsets, set);
	stage[frame] = PINNED;
}

static void op_unpin(u32 frame)
{
	struct fpool_wset *set = set_of(owner[frame]);

	fpool_wset_unpin(&wsets, set);
	infos[frame].list = FPOOL_NO_LIST;
	fpool_policy_insert(&set->policy, fpool_frame(frame), U64_MAX);
	stage[frame] = RESIDENT;
}

static void step(struct input *in)
{
	u8 op = take8(in), arg = take8(in);
	u32 frame = take_below(in, n), id = pick_set(op >> 4), at, i;

	switch (op % 16) {
	case 0 ... 2:
		at = any(FREE, frame);
		if (at < n)
			op_come(id, at, arg & 1 ? ghosts[at] : 0);
		if (at < n && arg & 6 && stage[at] == FILLING)
			op_filled(at, arg & 4 ? U64_MAX : arg);
		break;
	case 3:
		at = any(FILLING, frame);
		if (at < n)
			op_filled(at, arg);
		break;
	case 4 ... 6:
		op_take(arg & 1 ? NOBODY : id, 1 + arg / 2 % 8, take8(in));
		break;
	case 7 ... 8:
		at = any(LEAVING, frame);
		if (at < n)
			op_left(at, arg % 4 == 3);
		break;
	case 9:
		for (i = 0; i <= arg % 16; i++)
			op_move((frame + i) % n, id);
		break;
	case 10:
		at = any(RESIDENT, frame);
		if (at < n)
			op_pin(at);
		break;
	case 11:
		at = any(PINNED, frame);
		if (at < n)
			op_unpin(at);
		break;
	case 12:
		op_add();
		break;
	case 13:
		op_limit(id, arg % 32, arg & 0x80 ? FPOOL_WSET_NO_MAX : 6 + arg / 4);
		break;
	case 14:
		if (arg < 64)
			op_leave(id);
		else
			op_del(arg % 2 ? id : pick_set(arg / 2));
		break;
	case 15:
		if (arg < 64)
			must(!fpool_wsets_switch(&wsets, fpool_policy_nth(arg % 4)), "a switch");
		break;
	}
}

static void check(void)
{
	const char *why = "";
	u32 i, has;

	must(!fpool_wsets_check(&wsets, &why), "%s", why);
	for (i = 0; i < SLOTS; i++) {
		if (!model[i].used)
			continue;
		has = charge(i);
		must(set_of(i)->charge == has, "set %u: %u, not %u", i, set_of(i)->charge, has);
		must(has <= model[i].cap, "set %u: %u, and may have %u", i, has, model[i].cap);
		must(fpool_wset_stay(set_of(i)) == stays(i), "set %u", i);
		must(set_of(i)->min == model[i].min && set_of(i)->max == model[i].max, "set %u", i);
		/* What is above a lower maximum does not come back. */
		model[i].cap = has > model[i].max ? has : model[i].max;
	}
}

/* Everybody goes, and the common set has it all. */
static void finish(void)
{
	u32 i;

	for (i = 0; i < n; i++) {
		if (stage[i] == FILLING)
			op_filled(i, U64_MAX);
		if (stage[i] == PINNED)
			op_unpin(i);
		op_move(i, 0);
	}
	for (i = 1; i < SLOTS; i++) {
		if (!model[i].used)
			continue;
		op_leave(i);
		op_del(i);
		must(!model[i].used, "set %u stays", i);
		check();
	}
	must(!wsets.nr && !wsets.promised && !wsets.kept, "%u sets, %u promised", wsets.nr,
	     wsets.promised);
}

/* Three sets, two of which have limits, and half of the frames: who has nothing, nobody takes from. */
static void furnish(struct input *in)
{
	u32 i;

	for (i = 0; i < 3; i++)
		op_add();
	op_limit(1, take8(in) % 16, 16 + take8(in) % 16);
	op_limit(2, take8(in) % 16, FPOOL_WSET_NO_MAX);
	for (i = 0; i < n / 2; i++) {
		op_come(i % 3, i, 0);
		if (stage[i] == FILLING)
			op_filled(i, U64_MAX);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	u32 i;

	n = 8 + take8(&in) % (MAX_FRAMES - 7);
	fpool_frames_init(&frames, infos, n);
	must(!fpool_wsets_init(&wsets, fpool_policy_nth(take8(&in) % 4), &frames, n, tab, SLOTS),
	     "%u frames", n);
	memset(model, 0, sizeof(model));
	memset(ghosts, 0, sizeof(ghosts));
	model[0] = (struct model){ true, false, 0, FPOOL_WSET_NO_MAX, FPOOL_WSET_NO_MAX };
	for (i = 0; i < MAX_FRAMES; i++) {
		stage[i] = FREE;
		owner[i] = NOBODY;
	}
	furnish(&in);
	check();
	while (more(&in)) {
		step(&in);
		check();
	}
	finish();
	return 0;
}
