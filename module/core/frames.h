/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame table: 32 bytes for each frame of the region, saying what it is, whose
 * it is, and where the policy has put it.
 *
 * The state machine (each arrow is one mark_* verb; nothing else writes @state):
 *
 *	        mark_kernel               mark_node
 *	FREE --------------> KERNEL    FREE ----------> NODE
 *	 | ^                             ^---------------+
 *	 | |                                 mark_free
 *	 | +--------------+---------- mark_free ----------------+
 *	 v mark_fill      |                                     |
 *	FILL -------------+ (the fill failed)                   |
 *	 |                                                      |
 *	 | mark_resident                mark_evict              |
 *	 +---------------> RESIDENT ----------------> EVICT ----+
 *	                       ^                        |
 *	                       +---- mark_resident -----+ (put back)
 *
 *	FREE, FILL, RESIDENT, EVICT -- mark_retired --> RETIRED (broken memory, for ever)
 *
 * mark_free and mark_retired refuse a frame that is on a list.
 *
 * No lock: the caller serialises every call.
 */
#ifndef FPOOL_CORE_FRAMES_H
#define FPOOL_CORE_FRAMES_H

#include <linux/compiler.h>

#include "types.h"

enum fpool_frame_state {
	FPOOL_FRAME_FREE,	/* in the buddy allocator, or in a cache in front of it */
	FPOOL_FRAME_KERNEL,	/* the pool's metadata: bitmap, frame table */
	FPOOL_FRAME_NODE,	/* a node of a shadow page table */
	FPOOL_FRAME_FILL,	/* taken, its page is being read */
	FPOOL_FRAME_RESIDENT,	/* holds a page, known to the policy */
	FPOOL_FRAME_EVICT,	/* holds a page that is leaving */
	FPOOL_FRAME_RETIRED,	/* broken memory, never used again */
	FPOOL_FRAME_NR_STATES,
};

#define FPOOL_NO_SPACE		0	/* space ids start at 1 */
#define FPOOL_NO_LIST		0xff
#define FPOOL_LAUNDRY_LIST	0xfc	/* EVICT: dirty, waits until it is written */
#define FPOOL_PIN_LIST		0xfd	/* RESIDENT: pinned, and no business of the policy's */
#define FPOOL_PTABLE_LIST	0xfe	/* NODE: a leaf with nothing but ghosts */

struct fpool_frame_info {
	union {
		u64 vpn;		/* FILL, RESIDENT, EVICT: which page */
		struct {		/* NODE */
			u32 parent;	/* frame of the parent node, or FPOOL_NO_FRAME */
			u16 used;	/* entries that are not empty */
			u16 ghosts;	/* of these, ghosts, of fills that failed, too */
		} node;
	};
	u32 prev, next;			/* frame numbers; the list that the frame is on */
	u32 space;			/* id of the owning space */
	u32 owner;			/* id of the working set it is charged to */
	u32 policy;			/* the policy's own word (counter, mark, sequence number) */
	u8 state;			/* enum fpool_frame_state */
	u8 list;			/* the policy's, one of the above, or FPOOL_NO_LIST */
	u16 aux;			/* NODE: slot in parent | level << 9; else a flush epoch */
};

static_assert(sizeof(struct fpool_frame_info) == 32);

struct fpool_frames {
	struct fpool_frame_info *tab;
	u32 nframes;
	u32 count[FPOOL_FRAME_NR_STATES];
};

/* A doubly linked list of frames, through prev and next of the table. */
struct fpool_frame_list {
	u32 head, tail;			/* frame numbers, or FPOOL_NO_FRAME */
	u32 len;
};

static inline struct fpool_frame_info *fpool_frames_info(const struct fpool_frames *ft,
							 fpool_frame_t frame)
{
	return &ft->tab[fpool_frame_nr(frame)];
}

size_t fpool_frames_bytes(u32 nframes);
void fpool_frames_init(struct fpool_frames *ft, void *mem, u32 nframes);
const char *fpool_frames_state_name(unsigned int state);

/*
 * The verbs; the others are inline. Each returns -EINVAL, and changes nothing, where the arrow is
 * not in the picture.
 */
int fpool_frames_mark_kernel(struct fpool_frames *ft, fpool_frame_t frame);
int fpool_frames_mark_node(struct fpool_frames *ft, fpool_frame_t frame, u32 space);
int fpool_frames_mark_retired(struct fpool_frames *ft, fpool_frame_t frame);

void fpool_frame_list_init(struct fpool_frame_list *list);
const char *fpool_frame_list_check(const struct fpool_frames *ft,
				   const struct fpool_frame_list *list, u8 id, u8 state,
				   fpool_frame_t *bad);

/* These are called for every page that comes, is judged or leaves: inline. */

static __always_inline void fpool_frame_list_add_between(struct fpool_frames *ft,
							 struct fpool_frame_list *list,
							 u32 frame, u32 prev, u32 next)
{
	/* In a variable: for the compiler any store to the table might change @ft. */
	struct fpool_frame_info *tab = ft->tab;

	tab[frame].prev = prev;
	tab[frame].next = next;
	*(prev == fpool_frame_nr(FPOOL_NO_FRAME) ? &list->head : &tab[prev].next) = frame;
	*(next == fpool_frame_nr(FPOOL_NO_FRAME) ? &list->tail : &tab[next].prev) = frame;
	WRITE_ONCE(list->len, list->len + 1);
}

/**
 * fpool_frame_list_add_head() - puts a frame first
 * @ft: the table that has the links
 * @list: the list
 * @frame: a frame on no list; saying in its @list which one it is on is the caller's
 *
 * Context: Caller serialises access to @ft and @list.
 */
static inline void fpool_frame_list_add_head(struct fpool_frames *ft,
					     struct fpool_frame_list *list, fpool_frame_t frame)
{
	fpool_frame_list_add_between(ft, list, fpool_frame_nr(frame),
				     fpool_frame_nr(FPOOL_NO_FRAME), list->head);
}

/**
 * fpool_frame_list_add_tail() - puts a frame last
 * @ft: the table that has the links
 * @list: the list
 * @frame: a frame on no list; saying in its @list which one it is on is the caller's
 *
 * Context: Caller serialises access to @ft and @list.
 */
static inline void fpool_frame_list_add_tail(struct fpool_frames *ft,
					     struct fpool_frame_list *list, fpool_frame_t frame)
{
	fpool_frame_list_add_between(ft, list, fpool_frame_nr(frame), list->tail,
				     fpool_frame_nr(FPOOL_NO_FRAME));
}

/* The neighbours of a frame that leaves their list know of one another. */
static __always_inline void fpool_frame_list_unlink(struct fpool_frames *ft,
						    struct fpool_frame_list *list,
						    const struct fpool_frame_info *fi)
{
	struct fpool_frame_info *tab = ft->tab;
	u32 prev = fi->prev, next = fi->next;

	*(prev == fpool_frame_nr(FPOOL_NO_FRAME) ? &list->head : &tab[prev].next) = next;
	*(next == fpool_frame_nr(FPOOL_NO_FRAME) ? &list->tail : &tab[next].prev) = prev;
	WRITE_ONCE(list->len, list->len - 1);
}

/**
 * fpool_frame_list_del() - takes a frame off its list
 * @ft: the table that has the links
 * @list: the list that @frame is on
 * @frame: the frame; its @list is the caller's to reset
 *
 * Context: Caller serialises access to @ft and @list.
 */
static inline void fpool_frame_list_del(struct fpool_frames *ft, struct fpool_frame_list *list,
					fpool_frame_t frame)
{
	struct fpool_frame_info *fi = fpool_frames_info(ft, frame);

	fpool_frame_list_unlink(ft, list, fi);
	fi->prev = fpool_frame_nr(FPOOL_NO_FRAME);
	fi->next = fpool_frame_nr(FPOOL_NO_FRAME);
}

/**
 * fpool_frame_list_move_tail() - takes a frame off its list and puts it last on another
 * @ft: the table that has the links
 * @from: the list that @frame is on
 * @to: the list that it goes to, perhaps the same
 * @frame: the frame; its @list is the caller's to change
 *
 * Context: Caller serialises access to @ft and both lists.
 */
static __always_inline void fpool_frame_list_move_tail(struct fpool_frames *ft,
						       struct fpool_frame_list *from,
						       struct fpool_frame_list *to,
						       fpool_frame_t frame)
{
	fpool_frame_list_unlink(ft, from, fpool_frames_info(ft, frame));
	fpool_frame_list_add_tail(ft, to, frame);
}

/**
 * fpool_frame_list_first() - the frame at the head
 * @list: the list
 *
 * Context: Caller serialises access to @list.
 * Return: The frame, or FPOOL_NO_FRAME of an empty list.
 */
static inline fpool_frame_t fpool_frame_list_first(const struct fpool_frame_list *list)
{
	return fpool_frame(list->head);
}

/**
 * fpool_frame_list_last() - the frame at the tail
 * @list: the list
 *
 * Context: Caller serialises access to @list.
 * Return: The frame, or FPOOL_NO_FRAME of an empty list.
 */
static inline fpool_frame_t fpool_frame_list_last(const struct fpool_frame_list *list)
{
	return fpool_frame(list->tail);
}

/**
 * fpool_frame_list_next() - the frame after another
 * @ft: the table that has the links
 * @frame: a frame on a list
 *
 * Context: Caller serialises access to @ft.
 * Return: The frame, or FPOOL_NO_FRAME after the last one.
 */
static inline fpool_frame_t fpool_frame_list_next(const struct fpool_frames *ft,
						  fpool_frame_t frame)
{
	return fpool_frame(fpool_frames_info(ft, frame)->next);
}

/* A frame of which nothing is known but its state. */
static inline void fpool_frames_reset(struct fpool_frame_info *fi, enum fpool_frame_state state)
{
	*fi = (struct fpool_frame_info) {
		.prev	= fpool_frame_nr(FPOOL_NO_FRAME),
		.next	= fpool_frame_nr(FPOOL_NO_FRAME),
		.space	= FPOOL_NO_SPACE,
		.state	= state,
		.list	= FPOOL_NO_LIST,
	};
}

/* The frame's entry if it is in one of the states of @from, a bit each; else NULL. */
static inline struct fpool_frame_info *fpool_frames_in_state(struct fpool_frames *ft,
							     fpool_frame_t frame,
							     unsigned int from)
{
	struct fpool_frame_info *fi;

	if (fpool_frame_nr(frame) >= ft->nframes)
		return NULL;
	fi = fpool_frames_info(ft, frame);
	return from & (1U << fi->state) ? fi : NULL;
}

static inline void fpool_frames_move(struct fpool_frames *ft, struct fpool_frame_info *fi,
				     enum fpool_frame_state to)
{
	WRITE_ONCE(ft->count[fi->state], ft->count[fi->state] - 1);
	WRITE_ONCE(ft->count[to], ft->count[to] + 1);
	fi->state = to;
}

/* Are all frames of a run in one of the states of @from, and in the region? */
static __always_inline bool fpool_frames_all_in_state(struct fpool_frames *ft,
						      fpool_frame_t frame, u32 nr,
						      unsigned int from)
{
	u32 i;

	if (fpool_frame_nr(frame) >= ft->nframes || nr > ft->nframes - fpool_frame_nr(frame))
		return false;
	for (i = 0; i < nr; i++)
		if (!(from & (1U << ft->tab[fpool_frame_nr(frame) + i].state)))
			return false;
	return true;
}

/**
 * fpool_frames_mark_fill_run() - FREE -> FILL: frames that lie together wait for pages that do
 * @ft: the table
 * @frame: the first frame, all of them free
 * @nr: how many, at least one
 * @space: id of the space whose pages they are to hold
 * @vpn: the first page
 *
 * Context: Caller serialises access to @ft.
 * Return: 0, or -EINVAL if a frame is not in the region or not FREE, @space is
 *	FPOOL_NO_SPACE, or a page has more than 52 bits.
 */
static __always_inline int fpool_frames_mark_fill_run(struct fpool_frames *ft,
						      fpool_frame_t frame, u32 nr, u32 space,
						      fpool_vpn_t vpn)
{
	struct fpool_frame_info *fi = &ft->tab[fpool_frame_nr(frame)];
	u32 i;

	if (!fpool_frames_all_in_state(ft, frame, nr, 1U << FPOOL_FRAME_FREE) ||
	    space == FPOOL_NO_SPACE || fpool_vpn_nr(vpn) > FPOOL_VPN_MAX - (nr - 1))
		return -EINVAL;
	for (i = 0; i < nr; i++, fi++) {
		fi->state = FPOOL_FRAME_FILL;
		fi->space = space;
		fi->vpn = fpool_vpn_nr(vpn) + i;
	}
	WRITE_ONCE(ft->count[FPOOL_FRAME_FREE], ft->count[FPOOL_FRAME_FREE] - nr);
	WRITE_ONCE(ft->count[FPOOL_FRAME_FILL], ft->count[FPOOL_FRAME_FILL] + nr);
	return 0;
}

/**
 * fpool_frames_mark_fill() - FREE -> FILL: the frame waits for its page to be read
 * @ft: the table
 * @frame: a free frame
 * @space: id of the space whose page it is to hold
 * @vpn: which page
 *
 * Context: Caller serialises access to @ft.
 * Return: As fpool_frames_mark_fill_run().
 */
static inline int fpool_frames_mark_fill(struct fpool_frames *ft, fpool_frame_t frame, u32 space,
					 fpool_vpn_t vpn)
{
	return fpool_frames_mark_fill_run(ft, frame, 1, space, vpn);
}

/**
 * fpool_frames_mark_filled_run() - FILL -> RESIDENT: frames that lie together hold their pages
 * @ft: the table
 * @frame: the first frame, all of which were filled
 * @nr: how many, at least one
 *
 * Telling the policy is the caller's next step.
 *
 * Context: Caller serialises access to @ft.
 * Return: 0, or -EINVAL if a frame is not in the region or not FILL.
 */
static __always_inline int fpool_frames_mark_filled_run(struct fpool_frames *ft,
							fpool_frame_t frame, u32 nr)
{
	u32 i;

	if (!fpool_frames_all_in_state(ft, frame, nr, 1U << FPOOL_FRAME_FILL))
		return -EINVAL;
	for (i = 0; i < nr; i++)
		ft->tab[fpool_frame_nr(frame) + i].state = FPOOL_FRAME_RESIDENT;
	WRITE_ONCE(ft->count[FPOOL_FRAME_FILL], ft->count[FPOOL_FRAME_FILL] - nr);
	WRITE_ONCE(ft->count[FPOOL_FRAME_RESIDENT], ft->count[FPOOL_FRAME_RESIDENT] + nr);
	return 0;
}

/**
 * fpool_frames_mark_resident() - FILL -> RESIDENT, or back from EVICT: the frame holds its page
 * @ft: the table
 * @frame: a frame whose fill succeeded, or whose page stays after all
 *
 * Telling the policy (insert, put_back) is the caller's next step.
 *
 * Context: Caller serialises access to @ft.
 * Return: 0, or -EINVAL if @frame is not in the region or neither FILL nor EVICT.
 */
static inline int fpool_frames_mark_resident(struct fpool_frames *ft, fpool_frame_t frame)
{
	struct fpool_frame_info *fi = fpool_frames_in_state(ft, frame, 1U << FPOOL_FRAME_FILL |
							      1U << FPOOL_FRAME_EVICT);

	if (!fi)
		return -EINVAL;
	fpool_frames_move(ft, fi, FPOOL_FRAME_RESIDENT);
	return 0;
}

/**
 * fpool_frames_mark_evict() - RESIDENT -> EVICT: the page is leaving
 * @ft: the table
 * @frame: a resident frame, which the policy has forgotten or is about to
 *
 * Context: Caller serialises access to @ft.
 * Return: 0, or -EINVAL if @frame is not in the region or not RESIDENT.
 */
static inline int fpool_frames_mark_evict(struct fpool_frames *ft, fpool_frame_t frame)
{
	struct fpool_frame_info *fi = fpool_frames_in_state(ft, frame, 1U << FPOOL_FRAME_RESIDENT);

	if (!fi)
		return -EINVAL;
	fpool_frames_move(ft, fi, FPOOL_FRAME_EVICT);
	return 0;
}

/**
 * fpool_frames_mark_free() - NODE, FILL, EVICT -> FREE: the frame has no owner any more
 * @ft: the table
 * @frame: a node that nobody walks any more, a fill that failed, or a page that has left
 *
 * Everything that the table knew about the frame is wiped.  Giving it to the allocator is
 * the caller's next step.
 *
 * Context: Caller serialises access to @ft.
 * Return: 0, or -EINVAL if @frame is not in the region, in another state, or on a list.
 */
static inline int fpool_frames_mark_free(struct fpool_frames *ft, fpool_frame_t frame)
{
	struct fpool_frame_info *fi = fpool_frames_in_state(ft, frame, 1U << FPOOL_FRAME_NODE |
							      1U << FPOOL_FRAME_FILL |
							      1U << FPOOL_FRAME_EVICT);

	if (!fi || fi->list != FPOOL_NO_LIST)
		return -EINVAL;
	fpool_frames_move(ft, fi, FPOOL_FRAME_FREE);
	fpool_frames_reset(fi, FPOOL_FRAME_FREE);
	return 0;
}

#endif /* FPOOL_CORE_FRAMES_H */
