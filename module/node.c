// SPDX-License-Identifier: GPL-2.0-only
/*
 * Named nodes: devices of a class of our own, so that devtmpfs makes them with the owner and the
 * mode that their attacher asked for.  Minor 0 is the control node.
 */
#include "node.h"

#include <linux/idr.h>
#include <linux/slab.h>

#include "compat.h"

#define MINORS	BIT(16)

/* Named nodes of one user, unless he has CAP_SYS_ADMIN: minors are everybody's. */
#define NODES_MAX	1024

/* Who uses which space, under which name; docs/locking.md. */
DEFINE_MUTEX(fpool_attach_lock);
LIST_HEAD(fpool_nodes);

static DEFINE_IDA(minors);
static dev_t first_dev;
static const struct file_operations *space_fops;
static struct fpool_node *control_node;
static u64 next_cursor = 1;	/* A */

static struct class node_class = {
	.name = "framepool",
};

/*
 * Without a name devtmpfs would make the file in /dev itself, by that of the device, or leave the
 * one that is here when the device goes, and nobody would be told: so it is never without.
 */
static char *node_devnode(fpool_const_device *dev, umode_t *mode, kuid_t *uid, kgid_t *gid)
{
	const struct fpool_node *node = container_of(dev, struct fpool_node, dev);

	/* Who only wants the name passes NULLs. */
	if (mode)
		*mode = node->mode;
	if (uid)
		*uid = node->uid;
	if (gid)
		*gid = node->gid;
	return kasprintf(GFP_KERNEL | __GFP_NOFAIL, "framepool/%s", node->name);
}

static const struct device_type node_type = {
	.name = "framepool",
	.devnode = node_devnode,
};

static void node_dev_release(struct device *dev)
{
	struct fpool_node *node = container_of(dev, struct fpool_node, dev);

	ida_free(&minors, node->minor);
	kfree(node);
}

static struct fpool_node *node_alloc(const struct fpool_node_params *params,
				     const struct file_operations *fops, int minor)
{
	struct fpool_node *node = kzalloc(sizeof(*node), GFP_KERNEL_ACCOUNT);

	if (!node)
		return NULL;
	node->minor = minor;
	node->space = params->space;
	node->uid = params->uid;
	node->gid = params->gid;
	node->mode = params->mode;
	node->writable = params->writable;
	strscpy(node->name, params->name, sizeof(node->name));
	INIT_LIST_HEAD(&node->link);
	device_initialize(&node->dev);
	node->dev.class = &node_class;
	node->dev.type = &node_type;
	node->dev.devt = first_dev + minor;
	node->dev.release = node_dev_release;
	cdev_init(&node->cdev, fops);
	node->cdev.owner = THIS_MODULE;
	return node;
}

/* Nobody sees it yet. */
static struct fpool_node *node_make(const struct fpool_node_params *params,
				    const struct file_operations *fops)
{
	struct fpool_node *node;
	int err, minor = ida_alloc_max(&minors, MINORS - 1, GFP_KERNEL);

	if (minor < 0)
		return ERR_PTR(minor);
	node = node_alloc(params, fops, minor);
	if (!node) {
		ida_free(&minors, minor);
		return ERR_PTR(-ENOMEM);
	}
	err = dev_set_name(&node->dev, "%s", params->name);
	if (err) {
		put_device(&node->dev);
		return ERR_PTR(err);
	}
	return node;
}

/**
 * fpool_node_find - look a named node up
 * @name: its name
 *
 * Context: Caller holds fpool_attach_lock.
 * Return: the node or NULL.
 */
struct fpool_node *fpool_node_find(const char *name)
{
	struct fpool_node *node;

	lockdep_assert_held(&fpool_attach_lock);
	list_for_each_entry(node, &fpool_nodes, link)
		if (!strcmp(node->name, name))
			return node;
	return NULL;
}

static bool has_too_many(kuid_t uid)
{
	const struct fpool_node *node;
	u32 nr = 0;

	list_for_each_entry(node, &fpool_nodes, link)
		nr += uid_eq(node->uid, uid);
	return nr >= NODES_MAX && !capable(CAP_SYS_ADMIN);
}

/* From now on the name is taken. */
static int list(struct fpool_node *node)
{
	int err = 0;

	if (mutex_lock_killable(&fpool_attach_lock))
		return -EINTR;
	if (fpool_node_find(node->name)) {
		err = -EEXIST;
	} else if (has_too_many(node->uid)) {
		err = -EDQUOT;
	} else {
		node->cursor = next_cursor++;
		node->space->nodes++;
		list_add_tail(&node->link, &fpool_nodes);
	}
	mutex_unlock(&fpool_attach_lock);
	return err;
}

static void unlist(struct fpool_node *node)
{
	mutex_lock(&fpool_attach_lock);
	node->gone = true;
	list_del(&node->link);
	node->space->nodes--;
	mutex_unlock(&fpool_attach_lock);
}

/*
 * It is the kernel's kdevtmpfsd that makes and removes the files, and who adds or deletes a device
 * waits for it; it waits for the lock of the directory, which anybody keeps who reads that into
 * memory that does not come.  So nothing is locked meanwhile: the node is listed, so that its name
 * is taken, but it can be detached neither before it was added nor twice.
 */
static int add(struct fpool_node *node)
{
	int err = cdev_device_add(&node->cdev, &node->dev);

	if (err) {
		unlist(node);
		return err;
	}
	mutex_lock(&fpool_attach_lock);
	node->added = true;
	mutex_unlock(&fpool_attach_lock);
	return 0;
}

/**
 * fpool_node_create - make /dev/framepool/NAME
 * @params: which; the node takes over one user of the space
 *
 * Context: Process context, without fpool_attach_lock; waits for kdevtmpfsd.
 * Return: 0; -EEXIST; -EDQUOT: the user has so many already; -ENOSPC: no minor; -EINTR: killed;
 * -ENOMEM. When it has failed, the user is still the caller's.
 */
int fpool_node_create(const struct fpool_node_params *params)
{
	struct fpool_node *node = node_make(params, space_fops);
	int err;

	if (IS_ERR(node))
		return PTR_ERR(node);
	err = list(node);
	if (!err)
		err = add(node);
	if (err)
		put_device(&node->dev);
	return err;
}

/**
 * fpool_node_remove - remove /dev/framepool/NAME
 * @node: the node, marked gone, with nothing of it open; may be freed when this returns
 *
 * Context: Process context, without fpool_attach_lock; waits for kdevtmpfsd.
 */
void fpool_node_remove(struct fpool_node *node)
{
	cdev_device_del(&node->cdev, &node->dev);
	unlist(node);
	put_device(&node->dev);
}

/**
 * fpool_node_init - register the class and the control node
 * @control: operations of the control node
 * @space: operations of named nodes
 *
 * Context: Module load.
 * Return: 0, or the error of registering.
 */
int fpool_node_init(const struct file_operations *control, const struct file_operations *space)
{
	static const struct fpool_node_params params = {
		.name = "control",
		.mode = 0600,
	};
	int err = alloc_chrdev_region(&first_dev, 0, MINORS, "framepool");

	if (err)
		return err;
	space_fops = space;
	err = class_register(&node_class);
	if (err)
		goto unregister_region;
	control_node = node_make(&params, control);
	if (IS_ERR(control_node)) {
		err = PTR_ERR(control_node);
		goto unregister_class;
	}
	err = cdev_device_add(&control_node->cdev, &control_node->dev);
	if (err)
		goto put_node;
	return 0;
put_node:
	put_device(&control_node->dev);
unregister_class:
	class_unregister(&node_class);
unregister_region:
	unregister_chrdev_region(first_dev, MINORS);
	return err;
}

/**
 * fpool_node_exit - remove the control node and the class
 *
 * Context: Module unload, no named node left.
 */
void fpool_node_exit(void)
{
	cdev_device_del(&control_node->cdev, &control_node->dev);
	put_device(&control_node->dev);
	class_unregister(&node_class);
	unregister_chrdev_region(first_dev, MINORS);
	ida_destroy(&minors);
}
