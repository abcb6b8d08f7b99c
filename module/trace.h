/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: framepool:* in tracefs. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM framepool

#if !defined(FPOOL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define FPOOL_TRACE_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(fpool_block,
	TP_PROTO(u32 pool, u32 frame, unsigned int order),
	TP_ARGS(pool, frame, order),
	TP_STRUCT__entry(
		__field(u32, pool)
		__field(u32, frame)
		__field(u32, order)
	),
	TP_fast_assign(
		__entry->pool = pool;
		__entry->frame = frame;
		__entry->order = order;
	),
	TP_printk("pool=%u frame=%u order=%u", __entry->pool, __entry->frame, __entry->order)
);

DEFINE_EVENT(fpool_block, fpool_alloc,
	TP_PROTO(u32 pool, u32 frame, unsigned int order), TP_ARGS(pool, frame, order));
DEFINE_EVENT(fpool_block, fpool_split,
	TP_PROTO(u32 pool, u32 frame, unsigned int order), TP_ARGS(pool, frame, order));
DEFINE_EVENT(fpool_block, fpool_merge,
	TP_PROTO(u32 pool, u32 frame, unsigned int order), TP_ARGS(pool, frame, order));

DECLARE_EVENT_CLASS(fpool_io,
	TP_PROTO(u32 pool, u32 space, u64 vpn, u32 nr, int err),
	TP_ARGS(pool, space, vpn, nr, err),
	TP_STRUCT__entry(
		__field(u32, pool)
		__field(u32, space)
		__field(u64, vpn)
		__field(u32, nr)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->pool = pool;
		__entry->space = space;
		__entry->vpn = vpn;
		__entry->nr = nr;
		__entry->err = err;
	),
	TP_printk("pool=%u space=%u vpn=%llu nr=%u err=%d", __entry->pool, __entry->space,
		  __entry->vpn, __entry->nr, __entry->err)
);

DEFINE_EVENT(fpool_io, fpool_fill,
	TP_PROTO(u32 pool, u32 space, u64 vpn, u32 nr, int err), TP_ARGS(pool, space, vpn, nr, err));
DEFINE_EVENT(fpool_io, fpool_writeback,
	TP_PROTO(u32 pool, u32 space, u64 vpn, u32 nr, int err), TP_ARGS(pool, space, vpn, nr, err));

TRACE_EVENT(fpool_fault,
	TP_PROTO(u32 pool, u32 space, u64 vpn, bool write, bool major),
	TP_ARGS(pool, space, vpn, write, major),
	TP_STRUCT__entry(
		__field(u32, pool)
		__field(u32, space)
		__field(u64, vpn)
		__field(bool, write)
		__field(bool, major)
	),
	TP_fast_assign(
		__entry->pool = pool;
		__entry->space = space;
		__entry->vpn = vpn;
		__entry->write = write;
		__entry->major = major;
	),
	TP_printk("pool=%u space=%u vpn=%llu %s %s", __entry->pool, __entry->space, __entry->vpn,
		  __entry->write ? "write" : "read", __entry->major ? "major" : "minor")
);

TRACE_EVENT(fpool_wset,
	TP_PROTO(u32 pool, u32 id, s32 pid, const char *what, u32 charge, u32 min, u32 max),
	TP_ARGS(pool, id, pid, what, charge, min, max),
	TP_STRUCT__entry(
		__field(u32, pool)
		__field(u32, id)
		__field(s32, pid)
		__field(u32, charge)
		__field(u32, min)
		__field(u32, max)
		__array(char, what, 8)
	),
	TP_fast_assign(
		__entry->pool = pool;
		__entry->id = id;
		__entry->pid = pid;
		__entry->charge = charge;
		__entry->min = min;
		__entry->max = max;
		strscpy(__entry->what, what, sizeof(__entry->what));
	),
	TP_printk("pool=%u set=%u pid=%d %s charge=%u min=%u max=%u", __entry->pool,
		  __entry->id, __entry->pid, __entry->what, __entry->charge, __entry->min,
		  __entry->max)
);

TRACE_EVENT(fpool_evict,
	TP_PROTO(u32 pool, u32 space, u64 vpn, u32 frame, bool written),
	TP_ARGS(pool, space, vpn, frame, written),
	TP_STRUCT__entry(
		__field(u32, pool)
		__field(u32, space)
		__field(u64, vpn)
		__field(u32, frame)
		__field(bool, written)
	),
	TP_fast_assign(
		__entry->pool = pool;
		__entry->space = space;
		__entry->vpn = vpn;
		__entry->frame = frame;
		__entry->written = written;
	),
	TP_printk("pool=%u space=%u vpn=%llu frame=%u%s", __entry->pool, __entry->space,
		  __entry->vpn, __entry->frame, __entry->written ? " written" : "")
);

#endif /* FPOOL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
