/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of the pool as types.
 *
 * A frame is an index in the region, a vpn the index of a page in a space, and
 * the two never mix: both are __bitwise, so that sparse refuses to add them, to
 * compare them, or to pass one for the other.  The arithmetic of the textbook's
 * 64-bit address is here too:
 *
 *	 63                                    12 11          0
 *	+----------------------------------------+-------------+
 *	|        virtual page number (52)        | offset (12) |
 *	+----------------------------------------+-------------+
 */
#ifndef FPOOL_CORE_TYPES_H
#define FPOOL_CORE_TYPES_H

#include <linux/bits.h>
#include <linux/types.h>
#include <linux/limits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>

#define FPOOL_PAGE_SHIFT	12
#define FPOOL_PAGE_BYTES	BIT(FPOOL_PAGE_SHIFT)
#define FPOOL_VPN_BITS		52
#define FPOOL_VPN_MAX		((1ULL << FPOOL_VPN_BITS) - 1)

/* Orders: 2^0 frames (4 KiB) to 2^18 frames (1 GiB). */
#define FPOOL_MAX_ORDER		18
#define FPOOL_NR_ORDERS		(FPOOL_MAX_ORDER + 1)

/* Block types: 1, 4, 16, 64 and 256 pages. */
#define FPOOL_NR_BLOCK_TYPES	5

typedef u32 __bitwise fpool_frame_t;
typedef u64 __bitwise fpool_vpn_t;

#define FPOOL_NO_FRAME		((__force fpool_frame_t)U32_MAX)

static inline fpool_frame_t fpool_frame(u32 nr)
{
	return (__force fpool_frame_t)nr;
}

static inline u32 fpool_frame_nr(fpool_frame_t frame)
{
	return (__force u32)frame;
}

static inline fpool_frame_t fpool_frame_add(fpool_frame_t frame, u32 nr)
{
	return fpool_frame(fpool_frame_nr(frame) + nr);
}

static inline fpool_vpn_t fpool_vpn(u64 nr)
{
	return (__force fpool_vpn_t)nr;
}

static inline u64 fpool_vpn_nr(fpool_vpn_t vpn)
{
	return (__force u64)vpn;
}

static inline fpool_vpn_t fpool_vpn_add(fpool_vpn_t vpn, u64 nr)
{
	return fpool_vpn(fpool_vpn_nr(vpn) + nr);
}

/* The two halves of a 64-bit address. */
static inline fpool_vpn_t fpool_addr_vpn(u64 addr)
{
	return fpool_vpn(addr >> FPOOL_PAGE_SHIFT);
}

static inline u32 fpool_addr_offset(u64 addr)
{
	return addr & (FPOOL_PAGE_BYTES - 1);
}

/* Block type 0..4 is 4^type pages. */
static inline unsigned int fpool_block_type_order(unsigned int type)
{
	return 2 * type;
}

/* Pages that hold @bytes, the last one perhaps in part. */
static inline u64 fpool_bytes_to_pages(u64 bytes)
{
	return (bytes >> FPOOL_PAGE_SHIFT) + !!(bytes & (FPOOL_PAGE_BYTES - 1));
}

#endif /* FPOOL_CORE_TYPES_H */
