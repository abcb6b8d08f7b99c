// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frame table: what each frame of the region is, and the verbs that change it.
 *
 * frames.h has the picture of the states.  A verb looks at the arrow first and then
 * changes the state and the counters together, so that the two cannot disagree; it is
 * the only way from one state to another.  What else a frame carries (whose page, whose
 * charge, which list) lives exactly as long as the state that it belongs to: mark_free
 * wipes all of it, and a frame that is still on a list cannot be given away at all.
 */
#include <linux/compiler.h>
#include <linux/string.h>

#include "frames.h"

static const char * const names[FPOOL_FRAME_NR_STATES] = {
	[FPOOL_FRAME_FREE]	= "free",
	[FPOOL_FRAME_KERNEL]	= "kernel",
	[FPOOL_FRAME_NODE]	= "node",
	[FPOOL_FRAME_FILL]	= "fill",
	[FPOOL_FRAME_RESIDENT]	= "resident",
	[FPOOL_FRAME_EVICT]	= "evict",
	[FPOOL_FRAME_RETIRED]	= "retired",
};

/**
 * fpool_frames_bytes() - memory that a frame table needs
 * @nframes: frames of the region
 *
 * Context: Any.
 * Return: Bytes.
 */
size_t fpool_frames_bytes(u32 nframes)
{
	return (size_t)nframes * sizeof(struct fpool_frame_info);
}

/**
 * fpool_frames_init() - a table in which every frame is free
 * @ft: the table
 * @mem: fpool_frames_bytes() of memory, which stay with the table for its life
 * @nframes: frames of the region
 *
 * Context: Any; the caller owns @ft alone.
 */
void fpool_frames_init(struct fpool_frames *ft, void *mem, u32 nframes)
{
	u32 i;

	memset(ft, 0, sizeof(*ft));
	ft->tab = mem;
	ft->nframes = nframes;
	ft->count[FPOOL_FRAME_FREE] = nframes;
	for (i = 0; i < nframes; i++)
		fpool_frames_reset(&ft->tab[i], FPOOL_FRAME_FREE);
}

/**
 * fpool_frames_state_name() - a state as users read it
 * @state: enum fpool_frame_state; anything else is "?"
 *
 * Context: Any.
 * Return: A string that lives forever.
 */
const char *fpool_frames_state_name(unsigned int state)
{
	return state < FPOOL_FRAME_NR_STATES ? names[state] : "?";
}

/**
 * fpool_frames_mark_kernel() - FREE -> KERNEL: the frame holds metadata of the pool
 * @ft: the table
 * @frame: a free frame; it stays KERNEL for the life of the pool
 *
 * Context: Caller serialises access to @ft.
 * Return: 0, or -EINVAL if @frame is not in the region or not FREE.
 */
int fpool_frames_mark_kernel(struct fpool_frames *ft, fpool_frame_t frame)
{
	struct fpool_frame_info *fi = fpool_frames_in_state(ft, frame, 1U << FPOOL_FRAME_FREE);

	if (!fi)
		return -EINVAL;
	fpool_frames_move(ft, fi, FPOOL_FRAME_KERNEL);
	return 0;
}

/**
 * fpool_frames_mark_node() - FREE -> NODE: the frame becomes a node of a shadow page table
 * @ft: the table
 * @frame: a free frame
 * @space: id of the space whose table it is
 *
 * The node has no parent and no entries yet: that is the shadow page table's to say.
 *
 * Context: Caller serialises access to @ft.
 * Return: 0, or -EINVAL if @frame is not in the region or not FREE, or @space is
 *	FPOOL_NO_SPACE.
 */
int fpool_frames_mark_node(struct fpool_frames *ft, fpool_frame_t frame, u32 space)
{
	struct fpool_frame_info *fi = fpool_frames_in_state(ft, frame, 1U << FPOOL_FRAME_FREE);

	if (!fi || space == FPOOL_NO_SPACE)
		return -EINVAL;
	fpool_frames_move(ft, fi, FPOOL_FRAME_NODE);
	fi->space = space;
	fi->node.parent = fpool_frame_nr(FPOOL_NO_FRAME);
	return 0;
}

/**
 * fpool_frames_mark_retired() - FREE, FILL, RESIDENT, EVICT -> RETIRED: the memory is broken
 * @ft: the table
 * @frame: a frame of user space, on no list; a free one the caller has already taken from
 *	the allocator, and never gives back
 *
 * There is no way out of RETIRED.  KERNEL and NODE frames cannot be retired: what they
 * hold is nowhere else.
 *
 * Context: Caller serialises access to @ft.
 * Return: 0, or -EINVAL if @frame is not in the region, in another state, or on a list.
 */
int fpool_frames_mark_retired(struct fpool_frames *ft, fpool_frame_t frame)
{
	struct fpool_frame_info *fi = fpool_frames_in_state(ft, frame, 1U << FPOOL_FRAME_FREE |
							      1U << FPOOL_FRAME_FILL |
							      1U << FPOOL_FRAME_RESIDENT |
							      1U << FPOOL_FRAME_EVICT);

	if (!fi || fi->list != FPOOL_NO_LIST)
		return -EINVAL;
	fpool_frames_move(ft, fi, FPOOL_FRAME_RETIRED);
	fpool_frames_reset(fi, FPOOL_FRAME_RETIRED);
	return 0;
}

/**
 * fpool_frame_list_init() - an empty list
 * @list: the list
 *
 * Context: Any; the caller owns @list alone.
 */
void fpool_frame_list_init(struct fpool_frame_list *list)
{
	list->head = fpool_frame_nr(FPOOL_NO_FRAME);
	list->tail = fpool_frame_nr(FPOOL_NO_FRAME);
	list->len = 0;
}

/**
 * fpool_frame_list_check() - whether a list hangs together
 * @ft: the table that has the links
 * @list: the list
 * @id: what each of its frames says in its @list
 * @state: what each of its frames is, enum fpool_frame_state
 * @bad: the frame that is wrong, or FPOOL_NO_FRAME where it is the list; may be NULL
 *
 * Because every frame's @prev is the frame before it and the first has none, no frame is
 * met twice: @len frames are @len different frames.
 *
 * Context: Caller serialises access to @ft and @list.
 * Return: NULL, or a sentence about the first thing that is wrong.
 */
const char *fpool_frame_list_check(const struct fpool_frames *ft,
				   const struct fpool_frame_list *list, u8 id, u8 state,
				   fpool_frame_t *bad)
{
	u32 prev = fpool_frame_nr(FPOOL_NO_FRAME), cur, n = 0;
	fpool_frame_t ignored;

	if (!bad)
		bad = &ignored;
	for (cur = list->head; cur != fpool_frame_nr(FPOOL_NO_FRAME); cur = ft->tab[cur].next) {
		*bad = fpool_frame(cur);
		if (cur >= ft->nframes)
			return "a list goes on with a frame that is not in the region";
		if (ft->tab[cur].prev != prev)
			return "a frame on a list does not lead back to the one before it";
		if (ft->tab[cur].list != id)
			return "a frame is on a list and says that it is on another";
		if (ft->tab[cur].state != state)
			return "a frame is on a list and in a state that does not belong there";
		prev = cur;
		n++;
	}
	*bad = FPOOL_NO_FRAME;
	if (list->tail != prev)
		return "a list does not end at its tail";
	return n == list->len ? NULL : "a list has another length than it says";
}
