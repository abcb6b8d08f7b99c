// SPDX-License-Identifier: GPL-2.0-only
/* framepool: loading and unloading. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "bring.h"
#include "cdev.h"
#include "cleaner.h"
#include "control.h"
#include "debugfs.h"
#include "flight.h"
#include "hibernate.h"
#include "job.h"
#include "pager.h"
#include "sysfs.h"

static char *size;
module_param(size, charp, 0444);
MODULE_PARM_DESC(size, "size of the default pool's region, with K, M or G (1/8 of RAM)");

static char *base;
module_param(base, charp, 0444);
MODULE_PARM_DESC(base, "physical address of memory hidden with memmap= (none)");

static int node = NUMA_NO_NODE;
module_param(node, int, 0444);
MODULE_PARM_DESC(node, "NUMA node of the default pool (any)");

static char *policy = "tenure";
module_param(policy, charp, 0444);
MODULE_PARM_DESC(policy, "replacement policy of the default pool: tenure, clock, lru2, fifo (tenure)");

static bool working_sets = true;
module_param(working_sets, bool, 0444);
MODULE_PARM_DESC(working_sets, "each process of the default pool has a working set of its own (on)");
module_param_named(wait_ms, fpool_bring_wait_ms, uint, 0644);
MODULE_PARM_DESC(wait_ms, "how long a fault waits for a free frame before SIGBUS (10000)");
module_param_named(clean_ms, fpool_cleaner_ms, uint, 0644);
MODULE_PARM_DESC(clean_ms, "of new pools: dirty pages are written at this interval; 0: only when asked for, or evicted (5000)");

/* Takes a suffix off; which power of two it is. In 0x1E the E is a digit. */
static unsigned int cut_suffix(char *text)
{
	static const char suffixes[] = "KMGTPE";
	size_t len = strlen(text);
	const char *at = len ? strchr(suffixes, toupper(text[len - 1])) : NULL;

	if (!at || (*at == 'E' && !strncasecmp(text, "0x", 2)))
		return 0;
	text[len - 1] = '\0';
	return 10 * (at - suffixes + 1);
}

/* A number with an optional suffix, and nothing else; memparse() would let it wrap. */
static int parse_bytes(const char *what, const char *s, u64 *bytes)
{
	char text[32] = "";
	unsigned int shift;
	int err = -EINVAL;

	if (strscpy(text, s, sizeof(text)) >= 0) {
		text[strcspn(text, "\n")] = '\0';
		shift = cut_suffix(text);
		err = isdigit(*text) ? kstrtou64(text, 0, bytes) : -EINVAL;
		if (!err && *bytes > U64_MAX >> shift)
			err = -ERANGE;
		*bytes <<= shift;
	}
	if (err == -ERANGE)
		pr_err("%s=%s: more than 64 bits\n", what, s);
	else if (err)
		pr_err("%s=%s: not a number with K, M or G\n", what, s);
	return err;
}

static int parse(struct fpool_pool_params *params)
{
	int err = 0;

	params->bytes = ALIGN_DOWN((u64)totalram_pages() << PAGE_SHIFT >> 3, FPOOL_REGION_ALIGN);
	params->bytes = max_t(u64, params->bytes, FPOOL_REGION_MIN);
	if (size)
		err = parse_bytes("size", size, &params->bytes);
	if (!err && base)
		err = parse_bytes("base", base, &params->base);
	if (!err && base && !params->base) {
		pr_err("base=%s: no address of hidden memory\n", base);
		err = -EINVAL;
	}
	return err;
}

static void complain(const struct fpool_pool_params *params, int err)
{
	u64 mib = params->bytes >> 20;

	if (err == -EINVAL && !fpool_policy_find(params->policy))
		pr_err("policy=%s: no such policy\n", params->policy);
	else if (err == -EINVAL && fpool_region_check(params->bytes, params->base))
		pr_err("size=%s%s%s: must be multiples of 2M, and size at least 2M\n", size ?: "",
		       base ? " base=" : "", base ?: "");
	else if (err == -EINVAL)
		pr_err("node=%d: no such node\n", params->node);
	else if (err == -ERANGE)
		pr_err("size=%s: more than the memory of this machine\n", size ?: "");
	else if (err == -EBUSY)
		pr_err("base=%s: this memory is in use; hide it with memmap=%lluM$%s on the kernel's command line\n",
		       base, mib, base);
	else if (err == -ENOMEM)
		pr_err("no %llu MiB of contiguous memory; load earlier, ask for less, or hide memory with memmap= and use base=\n",
		       mib);
	else
		pr_err("cannot make the default pool: error %d\n", err);
}

static int create_default(void)
{
	struct fpool_pool_params params = {
		.name = "default",
		.node = node,
		.policy = policy,
		.one_set = !working_sets,
	};
	struct fpool_pool *pool;
	int err = parse(&params);

	if (err)
		return err;
	mutex_lock(&fpool_pools_lock);
	pool = fpool_control_create(&params);
	mutex_unlock(&fpool_pools_lock);
	if (IS_ERR(pool)) {
		complain(&params, PTR_ERR(pool));
		return PTR_ERR(pool);
	}
	pr_info("pool default: %llu MiB at %#llx, %u frames, %u of them for itself, policy %s\n",
		params.bytes >> 20, (u64)PFN_PHYS(pool->region.pfn), pool->region.nframes,
		pool->kernel_frames, pool->wsets.common.policy.ops->name);
	return 0;
}

static void destroy_pools(void)
{
	struct fpool_pool *pool, *next;

	mutex_lock(&fpool_pools_lock);
	/* Every space keeps the module: there is none. */
	list_for_each_entry_safe(pool, next, &fpool_pools, link)
		WARN_ON_ONCE(fpool_control_destroy(pool));
	mutex_unlock(&fpool_pools_lock);
}

static int __init framepool_init(void)
{
	int err;

	err = fpool_pager_init();
	if (err)
		return err;
	err = fpool_flight_init();
	if (err)
		goto pager_exit;
	err = fpool_job_init();
	if (err)
		goto flight_exit;
	err = fpool_cleaner_init();
	if (err)
		goto job_exit;
	err = fpool_sysfs_init();
	if (err)
		goto cleaner_exit;
	fpool_debugfs_init();
	err = fpool_hibernate_init();
	if (err)
		goto debugfs_exit;
	err = create_default();
	if (err)
		goto hibernate_exit;
	err = fpool_node_init(&fpool_control_fops, &fpool_cdev_fops);
	if (err)
		goto pools_exit;
	return 0;
pools_exit:
	destroy_pools();
hibernate_exit:
	fpool_hibernate_exit();
debugfs_exit:
	fpool_debugfs_exit();
	fpool_sysfs_exit();
cleaner_exit:
	fpool_cleaner_exit();
job_exit:
	fpool_job_exit();
flight_exit:
	fpool_flight_exit();
pager_exit:
	fpool_pager_exit();
	return err;
}

static void __exit framepool_exit(void)
{
	fpool_node_exit();
	fpool_job_exit();
	destroy_pools();
	fpool_hibernate_exit();
	fpool_cleaner_exit();
	fpool_debugfs_exit();
	fpool_flight_exit();
	fpool_sysfs_exit();
	fpool_pager_exit();
	rcu_barrier();
}

module_init(framepool_init);
module_exit(framepool_exit);

MODULE_AUTHOR("framepool maintainers");
MODULE_DESCRIPTION("A virtual-memory system inside one reserved region of physical memory");
MODULE_LICENSE("GPL");
