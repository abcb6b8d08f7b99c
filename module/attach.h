/* SPDX-License-Identifier: GPL-2.0-only */
/* Who uses a space: descriptors and named nodes; their coming and going. */
#ifndef FPOOL_ATTACH_H
#define FPOOL_ATTACH_H

#include "node.h"

struct fpool_attach_params {
	struct file *file;
	const char *pool;		/* its name */
	const char *name;		/* of the node that is to be made, or "" */
	bool write;
	unsigned int block_type;
	bool direct;
};

extern struct list_head fpool_spaces;	/* A */

struct fpool_space *fpool_attach_space(const struct fpool_attach_params *params);
void fpool_attach_leave(struct fpool_space *space, bool named);
void fpool_attach_enter(struct fpool_space *space);
void fpool_attach_leave_later(struct fpool_space *space);
int fpool_attach_detach(struct fpool_node *node);

#endif /* FPOOL_ATTACH_H */
