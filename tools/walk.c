// SPDX-License-Identifier: GPL-2.0-only
/* A page walk: reading what /proc and debugfs say, and drawing it as the textbook does. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "text.h"
#include "walk.h"

int area_find(FILE *maps, uint64_t address, struct area *area)
{
	char line[512];
	int length;

	while (fgets(line, sizeof(line), maps)) {
		if (!strchr(line, '\n')) /* a long path: its rest is not looked at */
			while (!feof(maps) && !ferror(maps) && getc(maps) != '\n')
				;
		memset(area, 0, sizeof(*area));
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 "%n",
			   &area->start, &area->end, area->perms, &area->offset, &area->major,
			   &area->minor, &area->inode, &length) != 7)
			return -EINVAL;
		if (address < area->start || address >= area->end)
			continue;
		sscanf(line + length, " %255[^\n]", area->path);
		return 0;
	}
	return -ENOENT;
}

static bool read_frame(struct walk *w, const char *text)
{
	const char *frame = strstr(text, "frame ");

	if (strlen(text) < 3 || !frame || sscanf(frame, "frame %" SCNu64, &w->frame) != 1)
		return false;
	w->kind = ENTRY_FRAME;
	w->present = text[0] == 'P';
	w->accessed = text[1] == 'A';
	w->dirty = text[2] == 'D';
	w->busy = strstr(text, " busy");
	w->pinned = strstr(text, " pinned");
	w->writeback = strstr(text, " writeback");
	return true;
}

/* "VPN ghost N [set S]", "VPN error N" or "VPN PAD [busy] [pinned] [writeback] frame N". */
static bool read_entry(struct walk *w, const char *line)
{
	const char *text = strchr(line, ' ');

	if (!text)
		return false;
	text++;
	if (sscanf(text, "ghost %" SCNu64 " set %u", &w->ghost, &w->ghost_set) >= 1)
		w->kind = ENTRY_GHOST;
	else if (sscanf(text, "error %d", &w->error) == 1)
		w->kind = ENTRY_ERROR;
	else
		return read_frame(w, text);
	return true;
}

static bool read_step(struct walk *w, const char *line)
{
	struct walk_step *step = &w->step[w->nr_steps];
	char rest;

	if (w->nr_steps == w->levels ||
	    sscanf(line, "%u %u %" SCNu64 " %c", &step->level, &step->index, &step->node, &rest) !=
		    3 ||
	    step->level != w->levels - 1 - w->nr_steps)
		return false;
	w->nr_steps++;
	return true;
}

int walk_read(struct walk *w, FILE *in)
{
	char line[128];

	memset(w, 0, sizeof(*w));
	if (!fgets(line, sizeof(line), in))
		return ferror(in) ? -errno : -EINVAL;
	if (sscanf(line, "levels %u", &w->levels) != 1 || w->levels > WALK_LEVELS)
		return -EINVAL;
	while (fgets(line, sizeof(line), in))
		if (w->kind != ENTRY_EMPTY || (!read_step(w, line) && !read_entry(w, line)))
			return -EINVAL;
	return 0;
}

unsigned int walk_index(uint64_t page, unsigned int level)
{
	return page >> (WALK_BITS * level) & ((1U << WALK_BITS) - 1);
}

static void draw_place(const struct walk_place *p, FILE *out)
{
	const struct area *a = p->area;

	if (a) {
		fprintf(out, "address    %#" PRIx64 " of process %d\n", p->address, p->pid);
		fprintf(out, "mapping    %#" PRIx64 "-%#" PRIx64 " %s, from byte %#" PRIx64
			     " of the space on\n", a->start, a->end, a->perms, a->offset);
	}
	fprintf(out, "space      %s in pool %s, byte %#" PRIx64 " (%" PRIu64 ") of %" PRIu64 "\n",
		p->space, p->pool, p->offset, p->offset, p->bytes);
}

/* The 64 bits: the page's number, in the levels' indices, and the offset in the page. */
static void draw_bits(const struct walk *w, const struct walk_place *p, FILE *out)
{
	uint64_t page = p->offset >> WALK_OFFSET_BITS;
	unsigned int level;

	fprintf(out, "\n"
		     "   63                                          12 11           0\n"
		     "  +----------------------------------------------+--------------+\n"
		     "  | page %#-16" PRIx64 " (%15" PRIu64 ")     | offset %#5" PRIx64 " |\n"
		     "  +----------------------------------------------+--------------+\n",
		page, page, p->offset & (PAGE_BYTES - 1));
	fputs("   indices, 9 bits each:", out);
	for (level = WALK_LEVELS; level--;)
		fprintf(out, level < w->levels ? " %u" : " (%u)", walk_index(page, level));
	fputs("\n\n", out);
}

static void print_ghost(const struct walk *w, FILE *out)
{
	fprintf(out, "a ghost, eviction number %" PRIu64, w->ghost);
	if (w->ghost_set)
		fprintf(out, " of working set %u", w->ghost_set);
	putc('\n', out);
}

static void draw_step(const struct walk *w, unsigned int i, FILE *out)
{
	const struct walk_step *step = &w->step[i];

	fprintf(out, "level %u    node in frame %" PRIu64 ", entry %u: ", step->level, step->node,
		step->index);
	if (i + 1 < w->nr_steps)
		fprintf(out, "node in frame %" PRIu64 "\n", w->step[i + 1].node);
	else if (step->level)
		fputs("empty, no node below\n", out);
	else if (w->kind == ENTRY_FRAME)
		fprintf(out, "%c%c%c%s%s%s, frame %" PRIu64 "\n", w->present ? 'P' : '-',
			w->accessed ? 'A' : '-', w->dirty ? 'D' : '-', w->busy ? " busy" : "",
			w->pinned ? " pinned" : "", w->writeback ? " writeback" : "", w->frame);
	else if (w->kind == ENTRY_GHOST)
		print_ghost(w, out);
	else if (w->kind == ENTRY_ERROR)
		fprintf(out, "an error: %s\n", strerror(-w->error));
	else
		fputs("empty\n", out);
}

static void draw_levels(const struct walk *w, const struct walk_place *p, FILE *out)
{
	unsigned int i;

	fprintf(out, "table      %u level%s of nodes with 512 entries\n", w->levels,
		w->levels == 1 ? "" : "s");
	if (!w->nr_steps)
		fputs(w->levels ? "           the page is beyond what its levels reach\n" :
				  "           it has no node yet\n",
		      out);
	for (i = 0; i < w->nr_steps; i++)
		draw_step(w, i, out);
	if (w->kind != ENTRY_FRAME)
		return;
	fprintf(out,
		"  P        %s\n"
		"  A        %s\n"
		"  D        %s\n",
		w->present ? "present: the frame holds the page" :
			     "not present: the frame waits for the page",
		w->accessed ? "accessed since the policy last looked" :
			      "not accessed since the policy last looked, as far as is known",
		w->dirty ? "dirty: the frame is newer than the file" :
			   "clean, as far as the pool has looked");
	fprintf(out, "physical   %#" PRIx64 " = base %#" PRIx64 " + %" PRIu64 " * 4096 + %#" PRIx64
		     "\n", p->base + w->frame * PAGE_BYTES + p->offset % PAGE_BYTES, p->base,
		w->frame, p->offset % PAGE_BYTES);
}

static void draw_hardware(const struct walk *w, const struct walk_place *p, FILE *out)
{
	if (!p->hardware_known)
		return;
	fputs("processor  ", out);
	if (!p->hardware_present)
		fputs("its own page table has no entry for the address\n", out);
	else if (!p->hardware_pfn)
		fputs("its own page table has the address\n", out);
	else if (w->kind == ENTRY_FRAME && p->hardware_pfn == p->base / PAGE_BYTES + w->frame)
		fprintf(out, "its own page table has the address: the same frame (pfn %#" PRIx64
			     ")\n", p->hardware_pfn);
	else
		fprintf(out, "its own page table has pfn %#" PRIx64 ": a private copy\n",
			p->hardware_pfn);
}

static void touch_frame(const struct walk *w, const struct walk_place *p, char *text, size_t size)
{
	if (!w->present)
		snprintf(text, size, "wait for the read that is on its way");
	else if (w->busy)
		snprintf(text, size, "wait until the page has left, and read it again");
	else if (p->hardware_present)
		snprintf(text, size, "not even fault");
	else
		snprintf(text, size, "be a minor fault: the page is in memory, nothing is read");
}

void walk_touch(const struct walk *w, const struct walk_place *p, char *text, size_t size)
{
	uint64_t page = p->offset >> WALK_OFFSET_BITS, first = page & -(uint64_t)p->block;
	uint64_t last = first + p->block - 1, end = (p->bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	unsigned int missing = w->nr_steps ? w->step[w->nr_steps - 1].level : 0;
	int n;

	if (p->offset >= p->bytes && page >= end) {
		snprintf(text, size, "end in SIGBUS: the space ends before");
		return;
	}
	if (w->kind == ENTRY_FRAME) {
		touch_frame(w, p, text, size);
		return;
	}
	if (last >= end)
		last = end - 1;
	n = snprintf(text, size, "be a major fault: ");
	if (p->block > 1)
		n += snprintf(text + n, size - n, "read pages %" PRIu64 " to %" PRIu64
			      ", those that are absent", first, last);
	else
		n += snprintf(text + n, size - n, "read page %" PRIu64, page);
	n += snprintf(text + n, size - n, " (bytes %" PRIu64 " to %" PRIu64 " of the file) into %s",
		      first * PAGE_BYTES,
		      last == end - 1 ? p->bytes - 1 : (last + 1) * PAGE_BYTES - 1,
		      p->free ? "free frames" : "frames that others have to leave first");
	if (!w->nr_steps)
		n += snprintf(text + n, size - n, ", and make the nodes on the way");
	else if (missing)
		n += snprintf(text + n, size - n, ", and make %u node%s", missing,
			      missing == 1 ? "" : "s");
	if (w->kind == ENTRY_GHOST)
		snprintf(text + n, size - n, "; it would count as a refault");
	else if (w->kind == ENTRY_ERROR)
		snprintf(text + n, size - n, "; the last try failed (%s)", strerror(-w->error));
}

void walk_draw(const struct walk *w, const struct walk_place *p, FILE *out)
{
	char text[512];

	draw_place(p, out);
	draw_bits(w, p, out);
	draw_levels(w, p, out);
	draw_hardware(w, p, out);
	if (p->offset < p->bytes)
		fprintf(out, "backing    byte %" PRIu64 " of the file\n", p->offset);
	walk_touch(w, p, text, sizeof(text));
	fprintf(out, "a load would %s\n", text);
}
