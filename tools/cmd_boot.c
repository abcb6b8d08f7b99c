// SPDX-License-Identifier: GPL-2.0-only
/* framepool up, framepool down: the pools and spaces of /etc/framepool.conf come and go. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "conf.h"
#include "text.h"

#define CONF "/etc/framepool.conf"

static const char up_help[] =
	"usage: framepool up [FILE] [--json]\n"
	"\n"
	"Make the pools and attach the files of FILE (default: " CONF "), as\n"
	"framepool.service does at boot. Each line of FILE is what one would type after\n"
	"'framepool': 'pool create ...' or 'attach ...'; # begins a comment. A line that\n"
	"fails is told, the others are done. See framepool.conf(5).\n"
	"\n"
	"  -j, --json   an array of what was attached\n"
	"  -h, --help   this\n";

static const char down_help[] =
	"usage: framepool down [FILE]\n"
	"\n"
	"Detach the files and destroy the pools of FILE (default: " CONF "), last\n"
	"first. What is gone already is passed over; a line that fails is told, the others\n"
	"are done. See framepool.conf(5).\n";

/* What a line is about: a pool, or a space under a name. */
struct subject {
	bool pool;
	char name[FRAMEPOOL_NAME_SIZE];
};

/* The name that `attach` would give. False: the line is not understood. */
static bool name_of_attach(const struct conf_line *line, char *name)
{
	const char *file = NULL, *given = NULL;
	int i;

	for (i = 1; i < line->argc; i++) {
		const char *word = line->argv[i];

		if (!strncmp(word, "--name=", 7))
			given = word + 7;
		else if (!strcmp(word, "--name") || !strcmp(word, "-n"))
			given = line->argv[++i];
		else if (!strcmp(word, "-r") || !strcmp(word, "--read-only") ||
			 !strcmp(word, "-d") || !strcmp(word, "--direct") ||
			 !strcmp(word, "-j") || !strcmp(word, "--json") ||
			 (!strncmp(word, "--", 2) && strchr(word, '=')))
			continue;
		else if (word[0] == '-')
			i++; /* all others have a value */
		else
			file = word;
	}
	if (given)
		snprintf(name, FRAMEPOOL_NAME_SIZE, "%s", given);
	else if (file)
		name_of_file(file, name, FRAMEPOOL_NAME_SIZE);
	return given || file;
}

static bool find_subject(const struct conf_line *line, struct subject *s)
{
	memset(s, 0, sizeof(*s));
	if (!strcmp(line->argv[0], "attach"))
		return name_of_attach(line, s->name);
	s->pool = line->argc > 2 && !strcmp(line->argv[0], "pool") &&
		  !strcmp(line->argv[1], "create");
	if (s->pool)
		snprintf(s->name, sizeof(s->name), "%s", line->argv[2]);
	return s->pool;
}

static int complain(const char *path, const struct conf_line *line)
{
	fprintf(stderr, "framepool: %s:%u: a line is 'pool create NAME --size SIZE ...' or 'attach "
		"FILE ...'. See framepool.conf(5).\n", path, line->number);
	return EXIT_FAILED;
}

/* Have the command of a line done as if it had been typed. */
static int do_line(struct conf_line *line, struct json *j)
{
	char *argv[CONF_WORDS + 2] = { "framepool" };
	int argc = line->argc, i;

	for (i = 1; i < argc; i++)
		argv[i] = line->argv[i];
	optind = 0; /* getopt_long() begins anew */
	return strcmp(line->argv[0], "pool") ? attach_words(argc, argv, j) : cmd_pool(argc, argv);
}

/* What is gone already needs not to go. */
static bool exists(int control, const struct subject *s)
{
	struct framepool_space space;
	struct framepool_pool pool;

	FRAMEPOOL_INIT(&space);
	FRAMEPOOL_INIT(&pool);
	return s->pool ? !framepool_find_pool(control, s->name, &pool) :
			 !framepool_find_space(control, s->name, &space);
}

static int undo_line(int control, const struct subject *s)
{
	char *pool[] = { "framepool", "destroy", (char *)s->name, NULL };
	char *detach[] = { "framepool", (char *)s->name, NULL };

	if (!exists(control, s))
		return EXIT_OK;
	optind = 0;
	return s->pool ? cmd_pool(3, pool) : cmd_detach(2, detach);
}

static int run_lines(struct conf *conf, const char *path, bool up, struct json *j)
{
	int control, one, status = EXIT_OK;
	struct subject s;
	size_t i;

	control = control_open(&status);
	if (control < 0)
		return status;
	if (j)
		json_open(j, NULL, '[');
	for (i = 0; i < conf->nr; i++) {
		struct conf_line *line = &conf->lines[up ? i : conf->nr - 1 - i];

		if (!find_subject(line, &s))
			one = complain(path, line);
		else
			one = up ? do_line(line, j) : undo_line(control, &s);
		if (one) {
			fprintf(stderr, "framepool: %s:%u: not done\n", path, line->number);
			status = EXIT_FAILED;
		}
	}
	if (j)
		json_close(j, ']');
	close(control);
	return status;
}

static int run(const char *path, bool up, struct json *j)
{
	static const struct reason reasons[] = {
		{ ENOENT, "there is no such file", "Make it, or give another one." },
		{ EINVAL, "a quote does not end, or there are too many words",
		  "Mend the line." },
		{ }
	};
	FILE *in = fopen(path, "re");
	char where[256];
	struct conf conf;
	unsigned int line = 0;
	int err, status;

	if (!in)
		return fail("read", path, errno, reasons);
	err = conf_read(&conf, in, &line);
	fclose(in);
	snprintf(where, sizeof(where), "%.200s (line %u)", path, line);
	status = err ? fail("read", where, err, reasons) : run_lines(&conf, path, up, j);
	conf_free(&conf);
	return status;
}

int cmd_up(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct json out = { .out = stdout, .first = true }, *j = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		if (option != 'j')
			return option == 'h' ? help(up_help) : usage_hint();
		j = &out;
	}
	if (argc - optind > 1)
		return usage_error("up takes one FILE at most");
	return run(optind < argc ? argv[optind] : CONF, true, j);
}

int cmd_down(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int option = getopt_long(argc, argv, "h", options, NULL);

	if (option != -1)
		return option == 'h' ? help(down_help) : usage_hint();
	if (argc - optind > 1)
		return usage_error("down takes one FILE at most");
	return run(optind < argc ? argv[optind] : CONF, false, NULL);
}
