// SPDX-License-Identifier: GPL-2.0-only
/*
 * The core for framepool_kunit.ko, in a namespace of its own.  Linked into framepool.ko only
 * where the kernel has KUnit.
 */
#include <linux/export.h>

#include "bitmap.h"
#include "buddy.h"
#include "frames.h"
#include "ptable.h"
#include "policy.h"
#include "curves.h"
#include "duel.h"
#include "mrc.h"
#include "shadow.h"
#include "stream.h"
#include "stride.h"
#include "wset.h"
#include "check.h"

#define EXPORT(sym) \
	EXPORT_SYMBOL_NS_GPL(sym, FRAMEPOOL_KUNIT)

EXPORT(fpool_bitmap_bytes);
EXPORT(fpool_bitmap_init);
EXPORT(fpool_bitmap_set);
EXPORT(fpool_bitmap_clear);
EXPORT(fpool_bitmap_all_set);
EXPORT(fpool_bitmap_all_clear);
EXPORT(fpool_bitmap_next_set);
EXPORT(fpool_bitmap_next_clear);
EXPORT(fpool_bitmap_weight);

EXPORT(fpool_buddy_bytes);
EXPORT(fpool_buddy_init);
EXPORT(fpool_buddy_alloc);
EXPORT(fpool_buddy_alloc_closest);
EXPORT(fpool_buddy_alloc_range);
EXPORT(fpool_buddy_free);
EXPORT(fpool_buddy_free_range);
EXPORT(fpool_buddy_is_allocated);
EXPORT(fpool_buddy_free_block_order);
EXPORT(fpool_buddy_largest);
EXPORT(fpool_buddy_fragmentation);
EXPORT(fpool_buddy_check);

EXPORT(fpool_frames_bytes);
EXPORT(fpool_frames_init);
EXPORT(fpool_frames_state_name);
EXPORT(fpool_frames_mark_kernel);
EXPORT(fpool_frames_mark_node);
EXPORT(fpool_frames_mark_retired);
EXPORT(fpool_frame_list_init);
EXPORT(fpool_frame_list_check);

EXPORT(fpool_ptable_init);
EXPORT(fpool_ptable_get);
EXPORT(fpool_ptable_walk_to_leaf);
EXPORT(fpool_ptable_make_leaf);
EXPORT(fpool_ptable_move_leaf);
EXPORT(fpool_ptable_prune);
EXPORT(fpool_ptable_make_path);
EXPORT(fpool_ptable_next);
EXPORT(fpool_ptable_seek);
EXPORT(fpool_ptable_walk);
EXPORT(fpool_ptable_missing);
EXPORT(fpool_ptable_drop_ghosts);
EXPORT(fpool_ptable_clear_some);
EXPORT(fpool_ptable_clear);
EXPORT(fpool_ptable_levels);
EXPORT(fpool_ptable_check);

EXPORT(fpool_duel_begin);
EXPORT(fpool_duel_step);

EXPORT(fpool_policy_find);
EXPORT(fpool_policy_nth);
EXPORT(fpool_policy_init);
EXPORT(fpool_policy_put_back);
EXPORT(fpool_policy_remove);
EXPORT(fpool_policy_cool);
EXPORT(fpool_policy_switch);
EXPORT(fpool_policy_switch_begin);
EXPORT(fpool_policy_switch_step);
EXPORT(fpool_policy_check);
EXPORT(fpool_policy_enqueue_first);
EXPORT(fpool_policy_clock);
EXPORT(fpool_policy_fifo);
EXPORT(fpool_policy_lru2);
EXPORT(fpool_policy_tenure);

EXPORT(fpool_wsets_init);
EXPORT(fpool_wsets_next);
EXPORT(fpool_wsets_rival);
EXPORT(fpool_wsets_switch);
EXPORT(fpool_wsets_victim);
EXPORT(fpool_wsets_age);
EXPORT(fpool_wsets_check);
EXPORT(fpool_wset_add);
EXPORT(fpool_wset_leave);
EXPORT(fpool_wset_del);
EXPORT(fpool_wset_limit);
EXPORT(fpool_wset_floor);
EXPORT(fpool_wset_judged);
EXPORT(fpool_wset_fault);
EXPORT(fpool_wset_may_pin);
EXPORT(fpool_wset_move);
EXPORT(fpool_wset_pin);
EXPORT(fpool_wset_unpin);

EXPORT(fpool_streams_init);
EXPORT(fpool_streams_miss);
EXPORT(fpool_streams_fetched);
EXPORT(fpool_streams_block);
EXPORT(fpool_streams_next);
EXPORT(fpool_streams_ahead);
EXPORT(fpool_strides_init);
EXPORT(fpool_strides_miss);
EXPORT(fpool_strides_marked);
EXPORT(fpool_strides_ahead);
EXPORT(fpool_strides_fetched);

EXPORT(fpool_mrc_bytes);
EXPORT(fpool_mrc_init);
EXPORT(fpool_mrc_find);
EXPORT(fpool_mrc_ref);
EXPORT(fpool_mrc_misses);
EXPORT(fpool_mrc_clear);
EXPORT(fpool_mrc_check);

EXPORT(fpool_shadow_eighths);
EXPORT(fpool_shadows_sample);
EXPORT(fpool_shadow_stack);
EXPORT(fpool_shadows_bytes);
EXPORT(fpool_shadows_init);
EXPORT(fpool_shadows_ref);
EXPORT(fpool_shadows_switch);
EXPORT(fpool_shadows_clear);
EXPORT(fpool_shadows_find);
EXPORT(fpool_shadows_follow);
EXPORT(fpool_shadows_check);

EXPORT(fpool_curves_bytes);
EXPORT(fpool_curves_init);
EXPORT(fpool_curves_ref);
EXPORT(fpool_curves_drop);
EXPORT(fpool_curves_clear);
EXPORT(fpool_curves_check);

EXPORT(fpool_check);
