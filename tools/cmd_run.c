// SPDX-License-Identifier: GPL-2.0-only
/* framepool run: an unmodified program whose file mappings go through a pool. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../preload/shared.h"
#include "cmd.h"
#include "program.h"
#include "text.h"

static const char run_help[] =
	"usage: framepool run [options] [--] PROGRAM [ARGUMENT]...\n"
	"\n"
	"Run PROGRAM with its file mappings, those that are shared or read-only, going\n"
	"through a pool; what it reads and writes by other calls stays coherent with\n"
	"them. What cannot be kept so is left alone, and told once on standard error.\n"
	"The exit status is the program's; 127 if it cannot be run.\n"
	"\n"
	"  -p, --pool POOL       the pool (default: 'default')\n"
	"  -m, --match GLOB      only files whose path matches, or whose name does where\n"
	"                        GLOB has no slash\n"
	"  -s, --min-size BYTES  leave shorter mappings alone (K, M, G, T as suffixes;\n"
	"                        default 64K)\n"
	"  -h, --help            this\n";

#define MIN_SIZE       "65536"

struct wishes {
	const char *pool, *match;
	char min_size[NUMBER_SIZE];
};

/* The directories of PATH, as execvp() goes through them. False: it is not there. */
static bool find_program(const char *name, char path[PATH_MAX])
{
	const char *at = getenv("PATH"), *end;

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		return !access(path, F_OK);
	}
	for (at = at ? at : "/usr/bin:/bin"; *at; at = *end ? end + 1 : end) {
		end = strchrnul(at, ':');
		if (snprintf(path, PATH_MAX, "%.*s/%s", (int)(end - at), at, name) < PATH_MAX &&
		    !access(path, X_OK))
			return true;
	}
	return false;
}

/* Has a program an interpreter that loads libraries for it? */
static bool is_dynamic(int fd, const Elf64_Ehdr *head)
{
	Elf64_Phdr part;
	int i;

	for (i = 0; i < head->e_phnum; i++) {
		if (pread(fd, &part, sizeof(part), head->e_phoff + i * sizeof(part)) !=
		    sizeof(part))
			return false;
		if (part.p_type == PT_INTERP)
			return true;
	}
	return false;
}

/* NULL, or why nothing can be loaded into it. Scripts are their interpreter's business. */
static const char *not_for_us(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why = NULL;
	Elf64_Ehdr head;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && (st.st_mode & (S_ISUID | S_ISGID)) && geteuid()) {
		why = "it is set-user-ID or set-group-ID";
	} else if (pread(fd, &head, sizeof(head), 0) == sizeof(head) &&
		 !memcmp(head.e_ident, ELFMAG, SELFMAG)) {
		if (head.e_ident[EI_CLASS] != ELFCLASS64)
			why = "it is no 64-bit program";
		else if (!is_dynamic(fd, &head))
			why = "it is statically linked";
	}
	close(fd);
	return why;
}

/* Beside the command (a build tree), or where it was installed. */
static bool find_library(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof(FRAMEPOOL_RUN_LIBRARY));

	if (length > 0) {
		path[length] = '\0';
		strcpy(strrchr(path, '/') + 1, FRAMEPOOL_RUN_LIBRARY);
		if (!access(path, R_OK))
			return true;
	}
	snprintf(path, PATH_MAX, "%s/%s", FRAMEPOOL_LIBRARY_DIR, FRAMEPOOL_RUN_LIBRARY);
	return !access(path, R_OK);
}

static int check_pool(const char *pool)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such pool",
		  "See 'framepool pool list', or make it with 'framepool pool create'." },
		{ }
	};
	struct framepool_pool found;
	int control, err, status = EXIT_OK;

	control = control_open(&status);
	if (control < 0)
		return status;
	FRAMEPOOL_INIT(&found);
	err = framepool_find_pool(control, pool, &found);
	close(control);
	return err ? fail("use pool", pool, err, reasons) : EXIT_OK;
}

static int prepare_memory(struct framepool_run *memory)
{
	pthread_mutexattr_t attributes;
	int i, err = 0;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	for (i = 0; !err && i < FRAMEPOOL_RUN_ORDERS; i++) {
		err = pthread_mutex_init(&memory->orders[i], &attributes);
		err = err ?: pthread_mutex_init(&memory->counts[i], &attributes);
	}
	pthread_mutexattr_destroy(&attributes);
	return -err;
}

/* Out of the way of what programs number themselves, and below the limit that they have. */
static int shared_fd_from(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 1024)
		return 900;
	return limit.rlim_cur * 7 / 8;
}

/* A descriptor that the program and its children inherit, or -errno. */
static int make_shared(void)
{
	int fd = memfd_create("framepool-run", MFD_CLOEXEC), up, err;
	void *memory;

	if (fd < 0)
		return -errno;
	up = fcntl(fd, F_DUPFD, shared_fd_from());
	close(fd);
	if (up < 0)
		return -errno;
	if (ftruncate(up, sizeof(struct framepool_run)))
		return -errno;
	memory = mmap(NULL, sizeof(struct framepool_run), PROT_READ | PROT_WRITE, MAP_SHARED, up,
		      0);
	if (memory == MAP_FAILED)
		return -errno;
	err = prepare_memory(memory);
	munmap(memory, sizeof(struct framepool_run));
	return err ? err : up;
}

static int set_environment(const struct wishes *w, const char *library, int shared)
{
	const char *others = getenv("LD_PRELOAD");
	char text[PATH_MAX * 2];
	struct stat st;

	if (fstat(shared, &st))
		return -errno;
	snprintf(text, sizeof(text), "%d:%llu:%llu", shared, (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	if (setenv(FRAMEPOOL_RUN_SHARED, text, 1) || setenv(FRAMEPOOL_RUN_POOL, w->pool, 1) ||
	    setenv(FRAMEPOOL_RUN_MIN_SIZE, w->min_size, 1))
		return -errno;
	if (w->match ? setenv(FRAMEPOOL_RUN_MATCH, w->match, 1) : unsetenv(FRAMEPOOL_RUN_MATCH))
		return -errno;
	if ((size_t)snprintf(text, sizeof(text), "%s%s%s", library, others ? ":" : "",
			     others ? others : "") >= sizeof(text))
		return -E2BIG;
	return setenv("LD_PRELOAD", text, 1) ? -errno : 0;
}

static int not_run(const char *program, const char *why, const char *next)
{
	fprintf(stderr, "framepool: cannot run %s: %s. %s\n", program, why, next);
	return EXIT_NOT_RUN;
}

static int run(const struct wishes *w, char **argv)
{
	char path[PATH_MAX], library[PATH_MAX];
	const char *why;
	int err;

	if (!find_program(argv[0], path))
		return not_run(argv[0], "there is no such program", "Check the name and PATH.");
	why = not_for_us(path);
	if (why)
		return not_run(argv[0], why,
			       "Attach its files and have it map /dev/framepool/NAME instead.");
	if (!find_library(library) || strpbrk(library, " :"))
		return not_run(argv[0], "libframepool-preload.so is not where it was installed",
			       "Install framepool again.");
	err = make_shared();
	if (err >= 0)
		err = set_environment(w, library, err);
	if (err < 0)
		return fail("run", argv[0], err, NULL);
	execvp(argv[0], argv);
	return not_run(argv[0], strerror(errno), "Check its permissions.");
}

/* False: an error was printed. */
static bool run_option(struct wishes *w, int option, const char *value)
{
	__u64 bytes;

	switch (option) {
	case 'p':
		if (!framepool_name_valid(value))
			return usage_error("'%s' can be no name of a pool", value), false;
		w->pool = value;
		return true;
	case 'm':
		if (!*value)
			return usage_error("an empty GLOB matches nothing"), false;
		w->match = value;
		return true;
	case 's':
		if (!parse_bytes(value, &bytes))
			return usage_error("'%s' is no number of bytes", value), false;
		snprintf(w->min_size, sizeof(w->min_size), "%llu", (unsigned long long)bytes);
		return true;
	default:
		return usage_hint(), false;
	}
}

int cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "pool", required_argument, NULL, 'p' },
		{ "match", required_argument, NULL, 'm' },
		{ "min-size", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct wishes w = { .pool = FRAMEPOOL_DEFAULT_POOL, .min_size = MIN_SIZE };
	int option, status;

	/* The first word that is no option is the program's. */
	while ((option = getopt_long(argc, argv, "+p:m:s:h", options, NULL)) != -1) {
		if (option == 'h')
			return help(run_help);
		if (!run_option(&w, option, optarg))
			return EXIT_USAGE;
	}
	if (optind == argc)
		return usage_error("run needs a PROGRAM");
	status = check_pool(w.pool);
	return status ? status : run(&w, argv + optind);
}
