// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/framepool/POOL/: settings of a pool that scripts may rely on, one value a file. */
#include "sysfs.h"

#include <linux/capability.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

static struct kobject *root;

static struct fpool_pool *pool_of(struct kobj_attribute *attr)
{
	return container_of(attr, struct fpool_pool, policy_attr);
}

/* As a block device's scheduler: all that there are, and the one that it is in brackets. */
static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct fpool_pool *pool = pool_of(attr);
	const struct fpool_policy_ops *ops, *now = READ_ONCE(pool->wsets.common.policy.ops);
	unsigned int i;
	ssize_t len = 0;

	for (i = 0; (ops = fpool_policy_nth(i)); i++)
		len += sysfs_emit_at(buf, len, ops == now ? "%s[%s]" : "%s%s", i ? " " : "",
				     ops->name);
	return len + sysfs_emit_at(buf, len, "\n");
}

static ssize_t policy_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			    size_t count)
{
	const struct fpool_policy_ops *ops;
	unsigned int i;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	for (i = 0; (ops = fpool_policy_nth(i)); i++)
		if (sysfs_streq(ops->name, buf))
			break;
	if (!ops)
		return -EINVAL;
	fpool_pool_set_policy(pool_of(attr), ops);
	return count;
}

/**
 * fpool_sysfs_add - the directory of a pool
 * @pool: the pool
 *
 * Context: Caller holds fpool_pools_lock.
 * Return: 0 or -ENOMEM.
 */
int fpool_sysfs_add(struct fpool_pool *pool)
{
	struct kobj_attribute *attr = &pool->policy_attr;
	int err;

	sysfs_attr_init(&attr->attr);
	attr->attr.name = "policy";
	attr->attr.mode = 0644;
	attr->show = policy_show;
	attr->store = policy_store;
	pool->sysfs = kobject_create_and_add(pool->name, root);
	if (!pool->sysfs)
		return -ENOMEM;
	err = sysfs_create_file(pool->sysfs, &attr->attr);
	if (err)
		kobject_put(pool->sysfs);
	return err;
}

/**
 * fpool_sysfs_remove - remove a pool's directory
 * @pool: the pool; nobody reads or writes there when this returns
 *
 * Context: Caller holds fpool_pools_lock, which readers and writers of the files do not take.
 */
void fpool_sysfs_remove(struct fpool_pool *pool)
{
	sysfs_remove_file(pool->sysfs, &pool->policy_attr.attr);
	kobject_put(pool->sysfs);
}

/**
 * fpool_sysfs_init - the directory of all pools
 *
 * Context: Module load.
 * Return: 0 or -ENOMEM.
 */
int fpool_sysfs_init(void)
{
	root = kobject_create_and_add("framepool", kernel_kobj);
	return root ? 0 : -ENOMEM;
}

/**
 * fpool_sysfs_exit - remove it
 *
 * Context: Module unload, all pools gone.
 */
void fpool_sysfs_exit(void)
{
	kobject_put(root);
}
