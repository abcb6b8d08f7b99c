// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shadow page table against a list of its entries and a list of its nodes.
 *
 * A node is told by its level and the bits of the vpn above it; it is there while something is
 * under it, or since a prepare().  So the model can say how many nodes each call takes and gives
 * back, and when there are too few: there are no more than the input's first byte allows.
 */
#include "fuzz.h"

#include "ptable.h"

#define MAX_NODES	40U
#define MAX_ENTRIES	400U
#define SPACE		7

/* Spelt out: taken from the header, they could not tell when it changes. */
#define UPDATABLE	0x13eULL	/* A D BUSY PIN WB H */
#define HELD		0x110ULL	/* H, and PIN that goes with it */
#define PAGE_OR_FILL	0x9ULL		/* P BUSY */
#define FAILED		0xc0ULL		/* G, and E that goes with it */

struct node {
	unsigned int level;
	u64 prefix;		/* vpn >> 9 * (level + 1) */
	u64 ghosts_since;	/* a leaf: when it came to have nothing but ghosts, 0: it has not */
};

static struct fpool_ptable table;
static struct fpool_frames frames;
static struct fpool_frame_info infos[MAX_NODES];
static u64 memory[MAX_NODES * FPOOL_PTABLE_ENTRIES];
static u32 nframes;

/* The model. */
static struct node nodes[MAX_NODES];
static struct { u64 vpn, raw; } map[MAX_ENTRIES];
static u32 nnodes, nmap, height;
static u64 now, near;

static fpool_frame_t node_alloc(void *ctx, u32 space)
{
	u32 i;

	must(space == SPACE, "%u", space);
	for (i = 0; i < nframes; i++) {
		if (fpool_frames_mark_node(&frames, fpool_frame(i), space))
			continue;
		infos[i].node.used = 7;
		infos[i].node.ghosts = 7;
		return fpool_frame(i);
	}
	return FPOOL_NO_FRAME;
}

/* Who still reads it will notice. */
static void node_free(void *ctx, fpool_frame_t node)
{
	must(!fpool_frames_mark_free(&frames, node), "node %u", fpool_frame_nr(node));
	memset(&memory[fpool_frame_nr(node) * FPOOL_PTABLE_ENTRIES], 0x5a, FPOOL_PAGE_BYTES);
}

static const struct fpool_ptable_ops ops = { node_alloc, node_free };

/* ---- the model ---- */

static u64 prefix(u64 vpn, unsigned int level)
{
	return vpn >> (FPOOL_PTABLE_BITS * (level + 1));
}

static struct node *find_node(u64 vpn, unsigned int level)
{
	u32 i;

	for (i = 0; i < nnodes; i++)
		if (nodes[i].level == level && nodes[i].prefix == prefix(vpn, level))
			return &nodes[i];
	return NULL;
}

static u32 find(u64 vpn)
{
	u32 i = 0;

	while (i < nmap && map[i].vpn != vpn)
		i++;
	return i;
}

static u64 entry(u64 vpn)
{
	u32 i = find(vpn);

	return i < nmap ? map[i].raw : 0;
}

static unsigned int levels_of(u64 vpn)
{
	unsigned int levels = 1;

	while (levels <= FPOOL_PTABLE_MAX_LEVELS && prefix(vpn, levels - 1))
		levels++;
	return levels;
}

/* Adds what the path to a page lacks, or only counts it. */
static u32 add_path(u64 vpn, bool add)
{
	unsigned int top = max_t(u32, height, levels_of(vpn)), level;
	u32 missing = 0;

	for (level = height; height && level < top; level++) {
		missing++;
		if (add)
			nodes[nnodes++] = (struct node){ .level = level };
	}
	for (level = 0; level < top; level++) {
		/* The new root was counted. */
		if (find_node(vpn, level) ||
		    (!add && height && level >= height && level == top - 1))
			continue;
		missing++;
		if (add)
			nodes[nnodes++] = (struct node){ level, prefix(vpn, level), 0 };
	}
	if (add)
		height = top;
	return missing;
}

static bool has_child(const struct node *node)
{
	u32 i;

	for (i = 0; i < nmap && !node->level; i++)
		if (prefix(map[i].vpn, 0) == node->prefix)
			return true;
	for (i = 0; i < nnodes && node->level; i++)
		if (nodes[i].level == node->level - 1 &&
		    nodes[i].prefix >> FPOOL_PTABLE_BITS == node->prefix)
			return true;
	return false;
}

/* Takes away what is empty on the path to a page, from the leaf upwards. */
static void prune(u64 vpn)
{
	unsigned int level;
	struct node *node;

	for (level = 0; level < height; level++) {
		node = find_node(vpn, level);
		if (!node || has_child(node))
			return;
		*node = nodes[--nnodes];
	}
	height = 0;
}

static bool leaf_has_only_ghosts(u64 vpn)
{
	u32 i, ghosts = 0;

	for (i = 0; i < nmap; i++) {
		if (prefix(map[i].vpn, 0) != prefix(vpn, 0))
			continue;
		if (map[i].raw & PAGE_OR_FILL)
			return false;
		ghosts++;
	}
	return ghosts;
}

static void note_ghosts(u64 vpn)
{
	struct node *leaf = find_node(vpn, 0);

	if (!leaf_has_only_ghosts(vpn))
		leaf->ghosts_since = 0;
	else if (!leaf->ghosts_since)
		leaf->ghosts_since = ++now;
}

static void model_set(u64 vpn, u64 raw)
{
	u32 i = find(vpn);

	if (i == nmap && raw)
		nmap++;
	if (i == nmap)
		return;
	map[i].vpn = vpn;
	map[i].raw = raw;
	if (!raw)
		map[i] = map[--nmap];
}

static bool legal(u64 raw)
{
	u64 flags = raw & 0xfff, field = raw >> 12;

	if (flags == 0x40)
		return true;
	if (flags == FAILED)
		return field >= 1 && field <= 4095;
	if (flags & ~(UPDATABLE | 1) || !(flags & 9) || (flags & HELD) == 0x100)
		return false;
	return field < nframes;
}

/* ---- the operations ---- */

/* Pages close to each other and to what a level can hold; past 52 bits now and then. */
static u64 pick_vpn(struct input *in)
{
	static const u64 bases[] = {
		0, 0, 508, 1ULL << 18, 1ULL << 27, (1ULL << 27) - 4, 1ULL << 36, 1ULL << 45,
		(1ULL << 45) - 4, FPOOL_VPN_MAX - 3, FPOOL_VPN_MAX - 600, 512 * 511,
		FPOOL_VPN_MAX + 1, 1ULL << 63,
	};
	u8 which = take8(in);

	if (which >= 0xf8)
		return take64(in) >> (which & 7);
	if (which < 0x80)
		near = bases[which % ARRAY_SIZE(bases)] + (which & 0x60) * 16;
	return near + take8(in) % 8;
}

static u64 pick_entry(struct input *in)
{
	u8 kind = take8(in), flags = take8(in);
	u64 frame = (u64)(flags % nframes) << 12;

	switch (kind % 8) {
	case 0:
	case 1:
		return frame | FPOOL_SPTE_P | (flags & 0x3e) |
		       (kind & 0x80 ? FPOOL_SPTE_H : 0);
	case 2:
		return frame | FPOOL_SPTE_BUSY;
	case 3:
	case 4:
		return (u64)(kind << 8 | flags) << 12 | FPOOL_SPTE_G;
	case 5:
		return (u64)flags << 12 | (kind & 0x80 ? FPOOL_SPTE_E : FAILED);
	case 6:
		return take64(in);
	default:
		return 0;
	}
}

static u64 take_updatable(struct input *in)
{
	u8 bits = take8(in);

	return (bits & 0x3e) | (bits & 1 ? FPOOL_SPTE_H : 0);
}

static void op_set(u64 vpn, u64 raw)
{
	bool ok = vpn <= FPOOL_VPN_MAX && (!raw || legal(raw));
	u32 missing = ok && raw ? add_path(vpn, false) : 0;
	int want = !ok ? -EINVAL : missing > nframes - nnodes ? -ENOMEM : 0, err;

	if (ok && !want && nmap == MAX_ENTRIES && raw && !entry(vpn))
		return;
	err = fpool_ptable_set(&table, fpool_vpn(vpn), fpool_spte(raw));
	must(err == want, "set %#llx to %#llx: %d, not %d", vpn, raw, err, want);
	if (err)
		return;
	if (raw)
		add_path(vpn, true);
	model_set(vpn, raw);
	if (find_node(vpn, 0)) {
		note_ghosts(vpn);
		prune(vpn);
	}
}

static void op_prepare(u64 vpn)
{
	bool ok = vpn <= FPOOL_VPN_MAX;
	int want = !ok ? -EINVAL : add_path(vpn, false) > nframes - nnodes ? -ENOMEM : 0;
	int err = fpool_ptable_prepare(&table, fpool_vpn(vpn));

	must(err == want, "prepare %#llx: %d, not %d", vpn, err, want);
	if (!err)
		add_path(vpn, true);
}

static void op_update(u64 vpn, u64 clear, u64 set)
{
	u64 was = entry(vpn), want = (was & ~clear) | set;
	fpool_spte_t e;

	if ((clear | set) & ~UPDATABLE || !(was & PAGE_OR_FILL) || !legal(want))
		want = 0;
	e = fpool_ptable_update(&table, fpool_vpn(vpn), clear, set);
	must(fpool_spte_raw(e) == want, "update %#llx of %#llx: %#llx, not %#llx", vpn, was,
	     fpool_spte_raw(e), want);
	if (want)
		model_set(vpn, want);
}

/* The same, in steps of as few nodes as the place says. */
static void op_seek(u64 from, u64 end, u64 flags, u32 best)
{
	u64 want = best < nmap ? map[best].vpn : end;
	fpool_vpn_t vpn = fpool_vpn(from);
	fpool_spte_t e = fpool_spte(0x77);
	bool found = false;
	u64 before;

	do {
		before = fpool_vpn_nr(vpn);
		found = fpool_ptable_seek(&table, &vpn, fpool_vpn(end), flags, 1 + from % 3, &e);
		must(found || fpool_vpn_nr(vpn) > before || before >= end, "no way on from %#llx",
		     before);
	} while (!found && fpool_vpn_nr(vpn) < end);
	must(found == (best < nmap), "seek [%#llx, %#llx) %#llx: %d", from, end, flags, found);
	must(found ? fpool_vpn_nr(vpn) == want : fpool_vpn_nr(vpn) >= want, "%#llx",
	     fpool_vpn_nr(vpn));
	must(fpool_spte_raw(e) == (found ? map[best].raw : 0x77), "%#llx", fpool_spte_raw(e));
}

static void op_next(u64 from, u64 end, u64 flags)
{
	fpool_vpn_t vpn = fpool_vpn(from);
	fpool_spte_t e = fpool_spte(0x77);
	u32 i, best = nmap;
	bool found;

	for (i = 0; i < nmap; i++)
		if (map[i].vpn >= from && map[i].vpn < end &&
		    (!flags || map[i].raw & flags) &&
		    (best == nmap || map[i].vpn < map[best].vpn))
			best = i;
	found = fpool_ptable_next(&table, &vpn, fpool_vpn(end), flags, &e);
	must(found == (best < nmap), "[%#llx, %#llx) %#llx: %d", from, end, flags, found);
	must(fpool_vpn_nr(vpn) == (found ? map[best].vpn : from), "%#llx", fpool_vpn_nr(vpn));
	must(fpool_spte_raw(e) == (found ? map[best].raw : 0x77), "%#llx", fpool_spte_raw(e));
	op_seek(from, end, flags, best);
}

static void op_walk(u64 vpn)
{
	struct fpool_ptable_step steps[FPOOL_PTABLE_MAX_LEVELS];
	unsigned int n = fpool_ptable_walk(&table, fpool_vpn(vpn), steps), want = 0, level;

	/* A root of six levels has slots for 54 bits; those past 52 are empty. */
	if (height && levels_of(vpn) <= height)
		for (level = height; level-- && find_node(vpn, level);)
			want++;
	must(n == want, "walk to %#llx: %u steps, not %u", vpn, n, want);
	for (level = 0; level < n; level++) {
		must(steps[level].level == height - 1 - level, "step %u", level);
		must(steps[level].index == (vpn >> (9 * steps[level].level)) % 512, "step %u",
		     level);
	}
	if (n && !steps[n - 1].level)
		must(steps[n - 1].entry == entry(vpn), "%#llx", steps[n - 1].entry);
}

/* The leaf that came to have nothing but ghosts before all others; false: none has. */
static bool oldest_ghosts(u64 *vpn)
{
	struct node *oldest = NULL;
	u32 i;

	for (i = 0; i < nnodes; i++)
		if (nodes[i].ghosts_since &&
		    (!oldest || nodes[i].ghosts_since < oldest->ghosts_since))
			oldest = &nodes[i];
	if (oldest)
		*vpn = oldest->prefix << FPOOL_PTABLE_BITS;
	return oldest;
}

static void op_drop_ghosts(u32 nr)
{
	u32 left = nr, i, dropped = 0;
	u64 leaf, got;

	while (left-- && oldest_ghosts(&leaf)) {
		for (i = nmap; i--;)
			if (prefix(map[i].vpn, 0) == prefix(leaf, 0)) {
				map[i] = map[--nmap];
				dropped++;
			}
		prune(leaf);
	}
	got = fpool_ptable_drop_ghosts(&table, nr);
	must(got == dropped, "%llu ghosts, not %u", got, dropped);
}

/* As when all pages around one are evicted, or could not be read. */
static void op_only_ghosts(u64 vpn)
{
	u32 i;

	for (i = 0; i < nmap; i++)
		if (prefix(map[i].vpn, 0) == prefix(vpn, 0))
			op_set(map[i].vpn, (i + 1) << FPOOL_PAGE_SHIFT |
					   (i % 4 ? FPOOL_SPTE_G : FAILED));
}

static void op_clear(void)
{
	const char *why = "";

	while (nnodes % 2 && fpool_ptable_clear_some(&table, 1))
		must(!fpool_ptable_check(&table, &why), "%s", why);
	fpool_ptable_clear(&table);
	nmap = 0;
	nnodes = 0;
	height = 0;
}

static void step(struct input *in)
{
	u8 op = take8(in);
	u64 vpn = pick_vpn(in);

	switch (op % 16) {
	case 0 ... 6:
		op_set(vpn, pick_entry(in));
		break;
	case 7:
		op_set(vpn, 0);
		break;
	case 8:
		op_prepare(vpn);
		break;
	case 9:
		op_update(vpn, take_updatable(in), take_updatable(in));
		break;
	case 10:
		op_update(vpn, take16(in), take16(in));
		break;
	case 11:
		op_next(vpn, pick_vpn(in), op & 0x80 ? take8(in) : 0);
		break;
	case 12:
		op_next(vpn, FPOOL_VPN_MAX + 1, take8(in));
		break;
	case 13:
		op_walk(vpn);
		break;
	case 14:
		if (op & 0x80)
			op_only_ghosts(vpn);
		op_drop_ghosts(vpn % 4);
		break;
	case 15:
		/* All but a few are for going on with what is there. */
		if (op == 0xff)
			op_clear();
		else if (nmap)
			op_set(map[vpn % nmap].vpn, pick_entry(in));
		break;
	}
}

static void check(u32 steps)
{
	u64 present = 0, ghosts = 0;
	const char *why = "";
	u32 i;

	/* It looks at every entry of every node. */
	if (nnodes <= 8 || !(steps % 16))
		must(!fpool_ptable_check(&table, &why), "%s", why);
	for (i = 0; i < nmap; i++) {
		u64 raw = fpool_spte_raw(fpool_ptable_get(&table, fpool_vpn(map[i].vpn)));

		must(raw == map[i].raw, "%#llx: %#llx, not %#llx", map[i].vpn, raw, map[i].raw);
		raw = fpool_spte_raw(fpool_ptable_peek(&table, fpool_vpn(map[i].vpn)));
		must(raw == map[i].raw, "%#llx: a writer sees %#llx", map[i].vpn, raw);
		present += raw & 1;
		ghosts += !(raw & PAGE_OR_FILL);
	}
	must(table.npresent == present && table.nghosts == ghosts, "counters");
	must(table.nfills == nmap - present - ghosts, "counters");
	must(table.nnodes == nnodes, "%u nodes, not %u", table.nnodes, nnodes);
	must(frames.count[FPOOL_FRAME_NODE] == nnodes, "nodes are lost");
	must(fpool_ptable_levels(&table) == height, "%u levels, not %u",
	     fpool_ptable_levels(&table), height);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	u32 steps = 0;

	nframes = 1 + take8(&in) % MAX_NODES;
	fpool_frames_init(&frames, infos, nframes);
	fpool_ptable_init(&table, &ops, NULL, &frames, memory, SPACE);
	memset(memory, 0xa5, (size_t)nframes * FPOOL_PAGE_BYTES);
	nmap = 0;
	nnodes = 0;
	height = 0;
	now = 0;
	near = 0;
	while (more(&in) && steps++ < 300) {
		step(&in);
		check(steps);
	}
	check(0);
	op_clear();
	check(0);
	return 0;
}
