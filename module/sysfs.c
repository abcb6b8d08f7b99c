// SPDX-License-Identifier: GPL-2.0-only
/* /sys/kernel/framepool/POOL/: settings of a pool that scripts may rely on, one value a file. */
#include "sysfs.h"

#include <linux/capability.h>
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "cleaner.h"
#include "whatif.h"

static struct kobject *root;

static struct fpool_pool *policy_of(struct kobj_attribute *attr)
{
	return container_of(attr, struct fpool_pool, policy_attr);
}

static struct fpool_pool *whatif_of(struct kobj_attribute *attr)
{
	return container_of(attr, struct fpool_pool, whatif_attr);
}

/* As a block device's scheduler: all that there are, and the one that it is in brackets. */
static ssize_t policy_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct fpool_pool *pool = policy_of(attr);
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
	fpool_pool_set_policy(policy_of(attr), ops);
	return count;
}

static ssize_t whatif_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", fpool_whatif_is_on(whatif_of(attr)));
}

static ssize_t whatif_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			    size_t count)
{
	struct fpool_pool *pool = whatif_of(attr);
	bool on;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (sysfs_streq(buf, "clear"))
		return fpool_whatif_clear(pool) ?: count;
	err = kstrtobool(buf, &on);
	if (!err && on)
		err = fpool_whatif_start(pool);
	else if (!err)
		fpool_whatif_stop(pool);
	return err ?: count;
}

static struct fpool_pool *clean_of(struct kobj_attribute *attr)
{
	return container_of(attr, struct fpool_pool, clean_attr);
}

static ssize_t clean_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(clean_of(attr)->clean_ms));
}

static ssize_t clean_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			   size_t count)
{
	unsigned int ms;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = kstrtouint(buf, 0, &ms);
	if (err)
		return err;
	fpool_cleaner_set(clean_of(attr), ms);
	return count;
}

/* A file of a pool's directory: @attr is a member of the pool. */
static int add_file(struct fpool_pool *pool, struct kobj_attribute *attr, const char *name)
{
	sysfs_attr_init(&attr->attr);
	attr->attr.name = name;
	attr->attr.mode = 0644;
	return sysfs_create_file(pool->sysfs, &attr->attr);
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
	int err;

	pool->policy_attr.show = policy_show;
	pool->policy_attr.store = policy_store;
	pool->whatif_attr.show = whatif_show;
	pool->whatif_attr.store = whatif_store;
	pool->clean_attr.show = clean_show;
	pool->clean_attr.store = clean_store;
	pool->sysfs = kobject_create_and_add(pool->name, root);
	if (!pool->sysfs)
		return -ENOMEM;
	err = add_file(pool, &pool->policy_attr, "policy");
	if (!err)
		err = add_file(pool, &pool->whatif_attr, "whatif");
	if (!err)
		err = add_file(pool, &pool->clean_attr, "clean_ms");
	/* With the directory go its files. */
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
	sysfs_remove_file(pool->sysfs, &pool->clean_attr.attr);
	sysfs_remove_file(pool->sysfs, &pool->whatif_attr.attr);
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
