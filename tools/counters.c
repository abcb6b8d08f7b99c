// SPDX-License-Identifier: GPL-2.0-only
/* Spaces and pools, shown: one table of their fields for people and for programs. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "counters.h"

/* A counter of 64 bits in a structure of the ABI. */
struct counter {
	const char *key;
	const char *label;
	size_t offset;
	bool pages; /* shown in bytes, too */
};

#define SPACE(field, label, pages) { #field, label, offsetof(struct framepool_space, field), pages }
#define POOL(field, label, pages) { #field, label, offsetof(struct framepool_pool, field), pages }

static const struct counter of_space[] = {
	SPACE(resident, "resident", true),
	SPACE(dirty, "known to be dirty", true),
	SPACE(pinned, "pinned", true),
	SPACE(nodes, "page-table nodes", true),
	SPACE(minor_faults, "minor faults", false),
	SPACE(major_faults, "major faults", false),
	SPACE(fills, "pages read", true),
	SPACE(fill_errors, "pages not readable", false),
	SPACE(evictions, "pages evicted", true),
	SPACE(written, "pages written back", true),
	SPACE(write_errors, "failed writes", false),
	SPACE(refaults, "refaults", false),
	SPACE(ghosts, "ghosts", false),
};

static const struct counter of_pool[] = {
	POOL(frames, "frames", true),
	POOL(kernel, "for bitmap, frame table", true),
	POOL(nodes, "for page-table nodes", true),
	POOL(free, "free", true),
	POOL(resident, "resident", true),
	POOL(resident_max, "resident at most", true),
	POOL(bound, "bound", true),
	POOL(minor_faults, "minor faults", false),
	POOL(major_faults, "major faults", false),
	POOL(fills, "pages read", true),
	POOL(fill_errors, "pages not readable", false),
	POOL(evictions, "pages evicted", true),
	POOL(written, "pages written back", true),
	POOL(write_errors, "failed writes", false),
	POOL(refaults, "refaults", false),
	POOL(splits, "blocks split", false),
	POOL(merges, "buddies merged", false),
	POOL(direct_reclaims, "faults that evicted", false),
	POOL(frame_waits, "waits for a frame", false),
	POOL(starved, "starved faults (SIGBUS)", false),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t value_of(const struct counter *c, const void *structure)
{
	uint64_t value;

	memcpy(&value, (const char *)structure + c->offset, sizeof(value));
	return value;
}

static void show(const struct counter *c, size_t nr, const void *structure)
{
	char count[NUMBER_SIZE], bytes[NUMBER_SIZE];

	for (; nr--; c++) {
		uint64_t value = value_of(c, structure);

		printf("  %-24s %14s", c->label, text_count(count, value));
		if (c->pages)
			printf("  %10s", text_bytes(bytes, value * PAGE_BYTES));
		putchar('\n');
	}
}

static void json(struct json *j, const struct counter *c, size_t nr, const void *structure)
{
	for (; nr--; c++)
		json_number(j, c->key, value_of(c, structure));
}

void show_space(const struct framepool_space *s)
{
	char bytes[NUMBER_SIZE];

	printf("space %u%s%s: %s, %s, in pool %s, blocks: %s, held %u times%s%s%s%s\n", s->space,
	       s->name[0] ? " " : "", s->name, text_bytes(bytes, s->bytes),
	       s->state & FRAMEPOOL_SPACE_WRITABLE ? "read-write" : "read-only", s->pool,
	       block_name(s->block_type), s->opens,
	       s->state & FRAMEPOOL_SPACE_BLOCKDEV ? ", block device" : "",
	       s->state & FRAMEPOOL_SPACE_DIRECT_PATH ? ", direct path" :
	       s->state & FRAMEPOOL_SPACE_DIRECT_IO ? ", direct I/O" : ", buffered I/O",
	       s->state & FRAMEPOOL_SPACE_COPIES ? " of copies" : "",
	       s->state & FRAMEPOOL_SPACE_ORPHAN ? ", orphan" : "");
	if (s->state & FRAMEPOOL_SPACE_HIDDEN) {
		printf("  another user's: only he is told what it does\n");
		return;
	}
	if (s->write_error)
		printf("  a page could not be written (%s) and is tried again\n",
		       strerror(s->write_error));
	show(of_space, COUNT(of_space), s);
}

/* Nothing where nothing went wrong. */
void show_errors(const struct framepool_errors *e)
{
	if (e->read_error)
		printf("  last failed read at byte %llu: %s\n", (unsigned long long)e->read_offset,
		       strerror(e->read_error));
	if (e->write_error)
		printf("  last failed write at byte %llu: %s\n",
		       (unsigned long long)e->write_offset, strerror(e->write_error));
	if (e->flush_error)
		printf("  last failed flush: %s, %llu failed\n", strerror(e->flush_error),
		       (unsigned long long)e->flushes);
	if (e->unwritten)
		printf("  %llu pages are not in the file because of this, and are tried again\n",
		       (unsigned long long)e->unwritten);
}

void show_pool(const struct framepool_pool *p)
{
	char bytes[NUMBER_SIZE], at[NUMBER_SIZE + 4] = "";

	/* Only administrators are told. */
	if (p->base)
		snprintf(at, sizeof(at), " at %#llx", (unsigned long long)p->base);
	printf("pool %s: %s%s on node %d, policy %s, working sets %s, %u spaces\n", p->name,
	       text_bytes(bytes, p->bytes), at, p->node, p->policy,
	       p->state & FRAMEPOOL_POOL_ONE_SET ? "off" : "on", p->spaces);
	show(of_pool, COUNT(of_pool), p);
}

void json_space_fields(struct json *j, const struct framepool_space *s)
{
	json_string(j, "name", s->name);
	json_string(j, "pool", s->pool);
	json_number(j, "space", s->space);
	json_number(j, "bytes", s->bytes);
	json_number(j, "block_pages", block_pages(s->block_type));
	json_number(j, "uid", s->uid);
	json_number(j, "opens", s->opens);
	json_number(j, "write_error", s->write_error);
	json_bool(j, "writable", s->state & FRAMEPOOL_SPACE_WRITABLE);
	json_bool(j, "named", s->state & FRAMEPOOL_SPACE_NAMED);
	json_bool(j, "orphan", s->state & FRAMEPOOL_SPACE_ORPHAN);
	json_bool(j, "block_device", s->state & FRAMEPOOL_SPACE_BLOCKDEV);
	json_bool(j, "direct_io", s->state & FRAMEPOOL_SPACE_DIRECT_IO);
	json_bool(j, "direct_path", s->state & FRAMEPOOL_SPACE_DIRECT_PATH);
	json_bool(j, "copies", s->state & FRAMEPOOL_SPACE_COPIES);
	json_bool(j, "hidden", s->state & FRAMEPOOL_SPACE_HIDDEN);
	json(j, of_space, COUNT(of_space), s);
}

void json_space(struct json *j, const struct framepool_space *s)
{
	json_open(j, NULL, '{');
	json_space_fields(j, s);
	json_close(j, '}');
}

static void json_orders(struct json *j, const char *key, const uint32_t *values, size_t nr)
{
	json_open(j, key, '[');
	for (; nr--; values++)
		json_number(j, NULL, *values);
	json_close(j, ']');
}

void json_pool_orders(struct json *j, const struct framepool_pool *p)
{
	json_orders(j, "free_blocks", p->free_blocks, COUNT(p->free_blocks));
	json_orders(j, "fragmentation_permille", p->fragmentation, COUNT(p->fragmentation));
}

void json_pool_fields(struct json *j, const struct framepool_pool *p)
{
	json_string(j, "name", p->name);
	json_string(j, "policy", p->policy);
	json_number(j, "bytes", p->bytes);
	json_number(j, "base", p->base);
	json_signed(j, "node", p->node);
	json_number(j, "spaces", p->spaces);
	json_bool(j, "working_sets", !(p->state & FRAMEPOOL_POOL_ONE_SET));
	json(j, of_pool, COUNT(of_pool), p);
	json_pool_orders(j, p);
}

void json_pool(struct json *j, const struct framepool_pool *p)
{
	json_open(j, NULL, '{');
	json_pool_fields(j, p);
	json_close(j, '}');
}

void json_wset_fields(struct json *j, const struct framepool_wset *w)
{
	json_number(j, "id", w->id);
	json_number(j, "pid", w->pid);
	json_number(j, "min", w->min);
	if (w->max != FRAMEPOOL_WSET_NO_MAX)
		json_number(j, "max", w->max);
	json_number(j, "target", w->target);
	json_number(j, "charge", w->charge);
	json_number(j, "peak", w->peak);
	json_number(j, "pinned", w->pinned);
	json_number(j, "faults", w->faults);
	json_number(j, "refaults", w->refaults);
	json_number(j, "near_refaults", w->near_refaults);
}

void json_wset(struct json *j, const struct framepool_wset *w)
{
	json_open(j, NULL, '{');
	json_wset_fields(j, w);
	json_close(j, '}');
}
