// SPDX-License-Identifier: GPL-2.0-only
/* /etc/framepool.conf: lines into words. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

#define BLANKS " \t\r\n"

/*
 * Cut a word off *@at and take its quotes out of it. False: a quote does not end; *@word is NULL
 * at the end of the line.
 */
static bool next_word(char **at, char **word)
{
	char *from = *at + strspn(*at, BLANKS), *to = from;
	bool quoted = false;

	*word = *from && *from != '#' ? from : NULL;
	if (!*word)
		return true;
	for (; *from && (quoted || !strchr(BLANKS, *from)); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = '\0';
	return !quoted;
}

static int split(struct conf_line *line)
{
	char *at = line->text, *word;

	while (line->argc <= CONF_WORDS) {
		if (!next_word(&at, &word))
			return -EINVAL;
		if (!word)
			return 0;
		if (line->argc < CONF_WORDS)
			line->argv[line->argc] = word;
		line->argc++;
	}
	return -EINVAL;
}

static struct conf_line *add_line(struct conf *conf)
{
	struct conf_line *lines;

	if (conf->nr == conf->room) {
		conf->room = conf->room ? 2 * conf->room : 16;
		lines = reallocarray(conf->lines, conf->room, sizeof(*lines));
		if (!lines)
			return NULL;
		conf->lines = lines;
	}
	memset(&conf->lines[conf->nr], 0, sizeof(*lines));
	return &conf->lines[conf->nr++];
}

/* Takes @text over; keeps it if there is something in the line. */
static int read_line(struct conf *conf, char *text, unsigned int number)
{
	struct conf_line *line = add_line(conf);
	int err;

	if (!line) {
		free(text);
		return -ENOMEM;
	}
	line->text = text;
	line->number = number;
	err = split(line);
	if (!line->argc) {
		free(text);
		conf->nr--;
	}
	return err;
}

int conf_read(struct conf *conf, FILE *in, unsigned int *number)
{
	char *text = NULL;
	size_t size = 0;
	int err = 0;

	memset(conf, 0, sizeof(*conf));
	*number = 0;
	while (!err && getline(&text, &size, in) >= 0) {
		err = read_line(conf, text, ++*number);
		text = NULL;
		size = 0;
	}
	free(text);
	return err ? err : ferror(in) ? -EIO : 0;
}

void conf_free(struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->nr; i++)
		free(conf->lines[i].text);
	free(conf->lines);
	memset(conf, 0, sizeof(*conf));
}
