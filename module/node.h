/* SPDX-License-Identifier: GPL-2.0-only */
/* Named nodes: /dev/framepool/NAME, and the device numbers and the class of all our nodes. */
#ifndef FPOOL_NODE_H
#define FPOOL_NODE_H

#include <linux/cdev.h>
#include <linux/device.h>

#include "space.h"

/* /dev/framepool/NAME; the letters are space.h's. */
struct fpool_node {
	struct device dev;
	struct cdev cdev;
	struct list_head link;		/* A */
	struct fpool_space *space;	/* I: a user of it, until the node is gone */
	char name[FRAMEPOOL_NAME_SIZE];	/* I */
	kuid_t uid;			/* I */
	kgid_t gid;			/* I */
	umode_t mode;			/* I */
	bool writable;			/* I: rights of the descriptor that was attached */
	bool added;			/* A: the device is there, the node may be detached */
	bool gone;			/* A */
	u32 opens;			/* A */
	u64 cursor;			/* I: in SPACE_NEXT */
	int minor;			/* I */
};

extern struct mutex fpool_attach_lock;
extern struct list_head fpool_nodes;	/* A */

struct fpool_node_params {
	const char *name;
	struct fpool_space *space;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	bool writable;
};

int fpool_node_init(const struct file_operations *control, const struct file_operations *space);
void fpool_node_exit(void);
int fpool_node_create(const struct fpool_node_params *params);
void fpool_node_remove(struct fpool_node *node);
struct fpool_node *fpool_node_find(const char *name);

#endif /* FPOOL_NODE_H */
