// SPDX-License-Identifier: GPL-2.0-only
/* Faults on request: debugfs/framepool/inject takes "WHERE N", and says what is still to come. */
#include "inject.h"

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

static const char *const names[FPOOL_NR_INJECTS] = {
	[FPOOL_INJECT_OPEN] = "open",
	[FPOOL_INJECT_NOWAIT] = "nowait",
	[FPOOL_INJECT_END] = "end",
	[FPOOL_INJECT_READ] = "read",
	[FPOOL_INJECT_SHORT] = "short",
	[FPOOL_INJECT_WRITE] = "write",
	[FPOOL_INJECT_FLUSH] = "flush",
	[FPOOL_INJECT_FRAME] = "frame",
	[FPOOL_INJECT_NODE] = "node",
	[FPOOL_INJECT_RESIZE] = "resize",
	[FPOOL_INJECT_WSET] = "wset",
	[FPOOL_INJECT_LINGER] = "linger",
	[FPOOL_INJECT_STABLE] = "stable",
	[FPOOL_INJECT_WALK] = "walk",
	[FPOOL_INJECT_STORE] = "store",
};

/* The n-th from now fails; 0: none. */
static atomic_t left[FPOOL_NR_INJECTS];

/**
 * fpool_inject - shall this one fail?
 * @where: what is about to be done
 *
 * Context: Any.
 * Return: whether to fail.
 */
bool fpool_inject(enum fpool_inject where)
{
	return atomic_read(&left[where]) && atomic_dec_if_positive(&left[where]) == 0;
}

/**
 * fpool_inject_later - is this one to fail, the next time that it is asked about?
 * @where: what is about to be tried in a way that may fail without anybody being told
 *
 * Context: Any.
 * Return: whether it is.
 */
bool fpool_inject_later(enum fpool_inject where)
{
	bool fails = fpool_inject(where);

	if (fails)
		atomic_set(&left[where], 1);
	return fails;
}

static int show(struct seq_file *m, void *v)
{
	unsigned int i;

	for (i = 0; i < FPOOL_NR_INJECTS; i++)
		seq_printf(m, "%s %d\n", names[i], atomic_read(&left[i]));
	return 0;
}

static int inject_open(struct inode *inode, struct file *file)
{
	return single_open(file, show, NULL);
}

static ssize_t inject_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	char line[32], name[16];
	int i, nth;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	if (sscanf(line, "%15s %d", name, &nth) != 2 || nth < 0)
		return -EINVAL;
	i = match_string(names, FPOOL_NR_INJECTS, name);
	if (i < 0)
		return -EINVAL;
	atomic_set(&left[i], nth);
	return len;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = inject_open,
	.read = seq_read,
	.write = inject_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/**
 * fpool_inject_debugfs - the file that asks for faults
 * @dir: debugfs/framepool
 *
 * Context: Module load.
 */
void fpool_inject_debugfs(struct dentry *dir)
{
	debugfs_create_file("inject", 0600, dir, NULL, &fops);
}
