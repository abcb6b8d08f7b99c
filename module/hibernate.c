// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hibernation would lose.
 *
 * The image has the memory that the kernel knows as its own.  A region that was hidden from it
 * (base=) is none of that, and after the resume would have whatever is in the chips then: pages,
 * tables and all, with dirty pages among them to be written over their files.  So there is no
 * hibernation with such a pool; who wants one destroys the pool before it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "hibernate.h"

#include <linux/suspend.h>

#include "pool.h"

static bool is_any_hidden(void)
{
	struct fpool_pool *pool;
	bool hidden = false;

	mutex_lock(&fpool_pools_lock);
	list_for_each_entry(pool, &fpool_pools, link)
		hidden = hidden || pool->region.hidden;
	mutex_unlock(&fpool_pools_lock);
	return hidden;
}

static int hibernate_notify(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event != PM_HIBERNATION_PREPARE || !is_any_hidden())
		return NOTIFY_DONE;
	pr_err("no hibernation: it would lose the memory of a pool that was made with base=\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block notifier = { .notifier_call = hibernate_notify };

/**
 * fpool_hibernate_init - be asked before a hibernation
 *
 * Context: Module load.
 * Return: 0.
 */
int fpool_hibernate_init(void)
{
	return register_pm_notifier(&notifier);
}

/**
 * fpool_hibernate_exit - be asked no more
 *
 * Context: Module unload.
 */
void fpool_hibernate_exit(void)
{
	unregister_pm_notifier(&notifier);
}
