// SPDX-License-Identifier: GPL-2.0-only
/* framepool walk: finds the space behind an address, and has its way through the table drawn. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cmd.h"
#include "debugfs.h"
#include "text.h"
#include "walk.h"

static const char walk_help[] =
	"usage: framepool walk PID ADDRESS [--json]\n"
	"       framepool walk NAME OFFSET [--json]\n"
	"\n"
	"Go the way from an address to a frame as the textbook does: the page's number and\n"
	"the offset in it, each level of the shadow page table, the entry with its P, A and\n"
	"D bits, the physical address, the byte of the file; and what a load would do now.\n"
	"Works for absent pages, too. ADDRESS is one of process PID, OFFSET a byte of a\n"
	"space (hexadecimal with 0x, or K, M, G, T as suffixes). For root.\n"
	"\n"
	"  -j, --json   for programs\n"
	"  -h, --help   this\n";

/* Bits of an entry of /proc/PID/pagemap. */
#define PAGEMAP_PRESENT	(1ULL << 63)
#define PAGEMAP_PFN	((1ULL << 55) - 1)

static FILE *open_proc(int pid, const char *file, const char *mode)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	return fopen(path, mode);
}

static int find_area(int pid, uint64_t address, struct area *area)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such process", "'pgrep -a NAME' finds the number of one." },
		{ ESRCH, "there is no such process", "'pgrep -a NAME' finds the number of one." },
		{ EACCES, "the process is another user's", "Run it as root." },
		{ EFAULT, "nothing is mapped there", "Look at its mappings: /proc/PID/maps." },
		{ }
	};
	FILE *maps = open_proc(pid, "maps", "re");
	char subject[64];
	int err;

	err = maps ? area_find(maps, address, area) : -errno;
	if (maps) {
		fclose(maps);
		if (err == -ENOENT)
			err = -EFAULT;
	}
	if (!err)
		return EXIT_OK;
	snprintf(subject, sizeof(subject), "%#" PRIx64 " of process %d", address, pid);
	return fail("walk to", subject, err, reasons);
}

/* A descriptor of ours for one of another process that is the file of @area; -1 if it is not. */
static int take_descriptor(int pid, int number, const struct area *area)
{
	char path[64];
	struct stat st;
	int pidfd, fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, number);
	if (stat(path, &st) || st.st_ino != area->inode || major(st.st_dev) != area->major ||
	    minor(st.st_dev) != area->minor)
		return -1;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0)
		return -1;
	fd = syscall(SYS_pidfd_getfd, pidfd, number, 0);
	close(pidfd);
	return fd;
}

/* A space without a name is known by a descriptor that its process still has. */
static bool find_unnamed(int pid, const struct area *area, struct framepool_space *space)
{
	struct dirent *entry;
	bool found = false;
	char path[64];
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		fd = take_descriptor(pid, atoi(entry->d_name), area);
		if (fd < 0)
			continue;
		FRAMEPOOL_INIT(space);
		found = !framepool_space_info(fd, space);
		close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

static int space_of_area(int control, int pid, const struct area *area,
			 struct framepool_space *space)
{
	const char *name = space_name(area->path);

	if (name != area->path) {
		FRAMEPOOL_INIT(space);
		if (!framepool_find_space(control, name, space))
			return EXIT_OK;
	}
	if (find_unnamed(pid, area, space))
		return EXIT_OK;
	fprintf(stderr,
		"framepool: the mapping at %#" PRIx64 " (%s) is none of a space that is known. "
		"If its program has closed the descriptor, give the space: framepool walk NAME "
		"OFFSET.\n",
		area->start, area->path[0] ? area->path : "anonymous");
	return EXIT_FAILED;
}

/* What the processor's own table says; not told to everybody. */
static void read_hardware(struct walk_place *p)
{
	FILE *pagemap = open_proc(p->pid, "pagemap", "re");
	uint64_t entry;

	if (!pagemap)
		return;
	if (!fseeko(pagemap, p->address / PAGE_BYTES * sizeof(entry), SEEK_SET) &&
	    fread(&entry, sizeof(entry), 1, pagemap) == 1) {
		p->hardware_known = true;
		p->hardware_present = entry & PAGEMAP_PRESENT;
		p->hardware_pfn = p->hardware_present ? entry & PAGEMAP_PFN : 0;
	}
	fclose(pagemap);
}

static int read_table(const struct framepool_space *space, uint64_t page, struct walk *w)
{
	static const struct reason reasons[] = {
		{ EINVAL, "what the module says is not understood",
		  "Use the command of the module's release." },
		{ ENOENT, "the space has just gone", "See 'framepool list'." },
		{ }
	};
	int err, status = EXIT_OK;
	FILE *table = debugfs_open(space->pool, "walk", "r+e", "walk in pool", &status);

	if (!table)
		return status;
	errno = 0;
	setvbuf(table, NULL, _IONBF, 0); /* one write is one question */
	if (dprintf(fileno(table), "%u %" PRIu64, space->space, page) < 0)
		err = -errno;
	else
		err = walk_read(w, table);
	fclose(table);
	return err ? fail("walk in", space->name[0] ? space->name : "the space", err, reasons) :
		     EXIT_OK;
}

static void report_json(const struct walk *w, const struct walk_place *p)
{
	static const char *const kinds[] = { "empty", "frame", "ghost", "error" };
	struct json j = { .out = stdout, .first = true };
	char text[512];
	unsigned int i;

	json_open(&j, NULL, '{');
	json_string(&j, "space", p->space);
	json_string(&j, "pool", p->pool);
	json_number(&j, "offset", p->offset);
	json_number(&j, "page", p->offset / PAGE_BYTES);
	json_number(&j, "levels", w->levels);
	json_open(&j, "steps", '[');
	for (i = 0; i < w->nr_steps; i++) {
		json_open(&j, NULL, '{');
		json_number(&j, "level", w->step[i].level);
		json_number(&j, "index", w->step[i].index);
		json_number(&j, "node", w->step[i].node);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_string(&j, "entry", kinds[w->kind]);
	json_bool(&j, "present", w->present);
	json_bool(&j, "accessed", w->accessed);
	json_bool(&j, "dirty", w->dirty);
	json_bool(&j, "busy", w->busy);
	json_bool(&j, "pinned", w->pinned);
	json_bool(&j, "writeback", w->writeback);
	if (w->kind == ENTRY_FRAME) {
		json_number(&j, "frame", w->frame);
		json_number(&j, "physical",
			    p->base + w->frame * PAGE_BYTES + p->offset % PAGE_BYTES);
	}
	if (w->kind == ENTRY_GHOST) {
		json_number(&j, "eviction", w->ghost);
		json_number(&j, "set", w->ghost_set);
	}
	if (w->kind == ENTRY_ERROR)
		json_number(&j, "error", -w->error);
	walk_touch(w, p, text, sizeof(text));
	json_string(&j, "load_would", text);
	json_close(&j, '}');
}

static int report(int control, const struct framepool_space *space, struct walk_place *p, bool json)
{
	struct framepool_pool pool;
	struct walk w;
	char id[NUMBER_SIZE];
	int status, err;

	FRAMEPOOL_INIT(&pool);
	err = framepool_find_pool(control, space->pool, &pool);
	if (err)
		return fail("find pool", space->pool, err, NULL);
	status = read_table(space, p->offset / PAGE_BYTES, &w);
	if (status)
		return status;
	snprintf(id, sizeof(id), "(space %u)", space->space);
	p->space = space->name[0] ? space->name : id;
	p->pool = space->pool;
	p->bytes = space->bytes;
	p->base = pool.base;
	p->free = pool.free;
	p->block = block_pages(space->block_type) ?: 1;
	json ? report_json(&w, p) : walk_draw(&w, p, stdout);
	return EXIT_OK;
}

static int walk_process(int control, int pid, uint64_t address, bool json)
{
	struct walk_place place = { .pid = pid, .address = address };
	struct framepool_space space;
	struct area area;
	int status = find_area(pid, address, &area);

	if (!status)
		status = space_of_area(control, pid, &area, &space);
	if (status)
		return status;
	place.area = &area;
	place.offset = address - area.start + area.offset;
	read_hardware(&place);
	return report(control, &space, &place, json);
}

static int walk_space(int control, const char *name, uint64_t offset, bool json)
{
	static const struct reason reasons[] = {
		{ ENOENT, "nothing is attached under this name", "See 'framepool list'." },
		{ }
	};
	struct walk_place place = { .offset = offset };
	struct framepool_space space;
	int err;

	FRAMEPOOL_INIT(&space);
	err = framepool_find_space(control, name, &space);
	if (err)
		return fail("walk in", name, err, reasons);
	return report(control, &space, &place, json);
}

int cmd_walk(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int option, control, status = EXIT_OK;
	bool json = false;
	uint64_t pid;
	__u64 where;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(walk_help);
		if (option != 'j')
			return usage_hint();
		json = true;
	}
	if (argc - optind != 2)
		return usage_error("walk takes PID ADDRESS, or NAME OFFSET");
	if (!parse_bytes(argv[optind + 1], &where))
		return usage_error("'%s' is no address, such as 0x7f0012345678",
				   argv[optind + 1]);
	control = control_open(&status);
	if (control < 0)
		return status;
	/* A space may have a number for a name: its path names it beyond doubt. */
	if (parse_number(argv[optind], 10, INT_MAX, &pid) && pid)
		status = walk_process(control, pid, where, json);
	else
		status = walk_space(control, space_name(argv[optind]), where, json);
	close(control);
	return status;
}
