/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /etc/framepool.conf: each line is what one would type after `framepool`, "pool create ..." or
 * "attach ...". Words are separated by blanks; "..." holds blanks together; # begins a comment.
 *
 * Pure: reads a stream.
 */
#ifndef FRAMEPOOL_CONF_H
#define FRAMEPOOL_CONF_H

#include <stdio.h>

#define CONF_WORDS 32

struct conf_line {
	unsigned int number; /* in the file, from 1 */
	int argc;
	char *argv[CONF_WORDS + 1]; /* ended by NULL; into text */
	char *text;
};

struct conf {
	struct conf_line *lines;
	size_t nr, room;
};

/*
 * 0; -EINVAL: a quote that does not end, or too many words, in line *@number; -ENOMEM; -EIO.
 * conf_free() in every case.
 */
int conf_read(struct conf *conf, FILE *in, unsigned int *number);
void conf_free(struct conf *conf);

#endif /* FRAMEPOOL_CONF_H */
