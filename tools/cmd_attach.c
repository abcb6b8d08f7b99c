// SPDX-License-Identifier: GPL-2.0-only
/* framepool attach */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "text.h"

static const char attach_help[] =
	"usage: framepool attach FILE [options]\n"
	"\n"
	"Put FILE (a regular file or a block device) behind /dev/framepool/NAME and\n"
	"print that path. The node belongs to you, mode 0600, and stays until\n"
	"'framepool detach NAME'.\n"
	"\n"
	"  -n, --name NAME     name of the node (default: the file's own, cleaned up)\n"
	"  -r, --read-only     FILE is opened and can be mapped for reading only\n"
	"  -m, --mode MODE     permissions of the node, octal (default 600)\n"
	"  -g, --group GROUP   group of the node, a name or a number\n"
	"  -b, --block PAGES   fetch 1, 4, 16, 64 or 256 pages at a time, or as many as the\n"
	"                      pattern of the faults says (auto, the default)\n"
	"  -d, --direct        read and write the blocks of FILE without its file system,\n"
	"                      where that is possible ('framepool stat' says so); nobody\n"
	"                      else can write, resize or remove FILE meanwhile\n"
	"  -p, --pool POOL     the pool that provides the memory (default: 'default')\n"
	"  -j, --json          print name, node and pool for programs\n"
	"  -h, --help          this\n";

static bool parse_group(const char *text, uint32_t *gid)
{
	struct group *group = getgrnam(text);
	uint64_t number;

	if (group) {
		*gid = group->gr_gid;
		return true;
	}
	if (!parse_number(text, 10, UINT32_MAX - 1, &number))
		return false;
	*gid = number;
	return true;
}

/* False: an error was printed. */
static bool attach_option(struct framepool_attach *attach, int option, const char *value)
{
	uint64_t mode;

	switch (option) {
	case 'n':
		if (!framepool_name_valid(value))
			return usage_error(NO_NAME, value), false;
		snprintf(attach->name, sizeof(attach->name), "%s", value);
		return true;
	case 'd':
		attach->flags |= FRAMEPOOL_ATTACH_DIRECT;
		return true;
	case 'r':
		attach->flags |= FRAMEPOOL_ATTACH_READ_ONLY;
		return true;
	case 'm':
		if (!parse_number(value, 8, 0777, &mode))
			return usage_error("mode '%s' is no octal number up to 777", value), false;
		attach->mode = mode;
		attach->flags |= FRAMEPOOL_ATTACH_MODE;
		return true;
	case 'g':
		if (!parse_group(value, &attach->gid))
			return usage_error("there is no group '%s'", value), false;
		attach->flags |= FRAMEPOOL_ATTACH_GROUP;
		return true;
	case 'b':
		if (!parse_block(value, &attach->block_type))
			return usage_error("a block is auto, 1, 4, 16, 64 or 256 pages, not '%s'", value),
			       false;
		return true;
	case 'p':
		if (!framepool_name_valid(value))
			return usage_error("'%s' can be no name of a pool", value), false;
		snprintf(attach->pool, sizeof(attach->pool), "%s", value);
		return true;
	default:
		return usage_hint(), false;
	}
}

/* Who goes past the file system keeps others from writing, which is for those who may write. */
static int open_backing(const char *path, __u32 flags, int *status)
{
	const bool read_only = flags & FRAMEPOOL_ATTACH_READ_ONLY;
	const bool direct = flags & FRAMEPOOL_ATTACH_DIRECT;
	static const struct reason for_writing[] = {
		{ ENOENT, "there is no such file",
		  "Check the path; a new file can be made with truncate -s SIZE." },
		{ ENOTDIR, "a part of the path is no directory", "Check the path." },
		{ EACCES, "you may not read and write it",
		  "Attach with --read-only, or as its owner." },
		{ EPERM, "you may not write it", "Attach with --read-only; lsattr may say why." },
		{ EROFS, "its file system is mounted read-only", "Attach with --read-only." },
		{ EISDIR, "it is a directory", "Attach a regular file or a block device." },
		{ ETXTBSY, "it is a program that runs, or a swap file",
		  "Attach with --read-only, or a copy." },
		{ ELOOP, "its symbolic links go in a circle", "Attach the file itself." },
		{ }
	};
	static const struct reason for_reading[] = {
		{ ENOENT, "there is no such file", "Check the path." },
		{ ENOTDIR, "a part of the path is no directory", "Check the path." },
		{ EACCES, "you may not read it", "Attach as its owner or as root." },
		{ ELOOP, "its symbolic links go in a circle", "Attach the file itself." },
		{ }
	};
	static const struct reason for_direct_reading[] = {
		{ ENOENT, "there is no such file", "Check the path." },
		{ ENOTDIR, "a part of the path is no directory", "Check the path." },
		{ EACCES, "--direct is for who may write it, too",
		  "Attach without --direct, or as its owner." },
		{ EPERM, "--direct is for who may write it, too", "Attach without --direct." },
		{ EROFS, "its file system is mounted read-only", "Attach without --direct." },
		{ EISDIR, "it is a directory", "Attach a regular file or a block device." },
		{ ETXTBSY, "it is a program that runs, or a swap file",
		  "Attach without --direct, or a copy." },
		{ ELOOP, "its symbolic links go in a circle", "Attach the file itself." },
		{ }
	};
	const int mode = read_only && !direct ? O_RDONLY : O_RDWR;
	/* A pipe must not make us wait for its other end: the module is to refuse it. */
	int fd = open(path, mode | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		*status = fail("attach", path, errno, !read_only ? for_writing :
			       direct ? for_direct_reading : for_reading);
	return fd;
}

static void show(const struct framepool_attach *attach, struct json *j)
{
	char node[sizeof(FRAMEPOOL_DIR) + FRAMEPOOL_NAME_SIZE];

	snprintf(node, sizeof(node), FRAMEPOOL_DIR "/%s", attach->name);
	if (!j) {
		puts(node);
		return;
	}
	json_open(j, NULL, '{');
	json_string(j, "name", attach->name);
	json_string(j, "node", node);
	json_string(j, "pool", *attach->pool ? attach->pool : "default");
	json_close(j, '}');
}

static int attach_file(struct framepool_attach *attach, const char *path, struct json *j)
{
	static const struct reason reasons[] = {
		{ EISDIR, "it is a directory", "Attach a regular file or a block device." },
		{ EINVAL, "it is neither a regular file nor a block device",
		  "Attach one of these." },
		{ ELOOP, "it is a node of framepool itself", "Attach the file behind it." },
		{ ENODATA, "it is empty", "Give it a size first: truncate -s SIZE." },
		{ EACCES, "you may not write it", "Attach with --read-only." },
		{ EPERM, "it is sealed against writing", "Attach with --read-only." },
		{ EROFS, "its file system is mounted read-only", "Attach with --read-only." },
		{ ETXTBSY, "the kernel swaps to it", "Attach with --read-only, or a copy." },
		{ EEXIST, "the name is in use",
		  "Give another one with --name; 'framepool list' shows them." },
		{ ENOENT, "there is no such pool", "See 'framepool pool list'." },
		{ EDQUOT, "you have as many named spaces as one user may have",
		  "Detach some of them; 'framepool list' shows them." },
		{ EBUSY, "it is attached to another pool, or otherwise in use",
		  "See 'framepool list'; detach it there first." },
		{ }
	};
	static const struct reason of_the_group[] = {
		{ EPERM, "you may not give the node to this group",
		  "Take a group that you are in, or run it as root." },
		{ }
	};
	const bool foreign = attach->flags & FRAMEPOOL_ATTACH_GROUP && geteuid() &&
			     !group_member(attach->gid);
	int status = EXIT_FAILED, control, err;

	control = control_open(&status);
	if (control < 0)
		return status;
	attach->fd = open_backing(path, attach->flags, &status);
	if (attach->fd < 0)
		goto close_control;
	err = framepool_attach(control, attach);
	close(attach->fd);
	if (err) {
		status = fail("attach", path, err, foreign && err == -EPERM ? of_the_group : reasons);
	} else {
		show(attach, j);
		status = EXIT_OK;
	}
close_control:
	close(control);
	return status;
}

int attach_words(int argc, char **argv, struct json *j)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "mode", required_argument, NULL, 'm' },
		{ "group", required_argument, NULL, 'g' },
		{ "block", required_argument, NULL, 'b' },
		{ "direct", no_argument, NULL, 'd' },
		{ "pool", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct json own = { .out = stdout, .first = true };
	struct framepool_attach attach;
	int option;

	FRAMEPOOL_INIT(&attach);
	while ((option = getopt_long(argc, argv, "n:rdm:g:b:p:jh", options, NULL)) != -1) {
		if (option == 'h')
			return help(attach_help);
		if (option == 'j')
			j = j ? j : &own;
		else if (!attach_option(&attach, option, optarg))
			return EXIT_USAGE;
	}
	if (argc - optind != 1)
		return usage_error("attach takes one FILE");
	if (!attach.name[0])
		name_of_file(argv[optind], attach.name, sizeof(attach.name));
	return attach_file(&attach, argv[optind], j);
}

int cmd_attach(int argc, char **argv)
{
	return attach_words(argc, argv, NULL);
}
