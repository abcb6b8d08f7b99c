// SPDX-License-Identifier: GPL-2.0-only
/* The ioctl ABI: copying extensible structs in and out, for every command in the same way. */
#include "ioctl.h"

#include <linux/string.h>
#include <linux/uaccess.h>

/* The largest of all argument structs. */
#define ARG_MAX_SIZE	512

static_assert(sizeof(struct framepool_attach) == 160);
static_assert(sizeof(struct framepool_detach) == 72);
static_assert(sizeof(struct framepool_space) == 280);
static_assert(sizeof(struct framepool_pool_create) == 112);
static_assert(sizeof(struct framepool_pool_destroy) == 72);
static_assert(sizeof(struct framepool_pool_policy) == 88);
static_assert(sizeof(struct framepool_pool) == 440);
static_assert(sizeof(struct framepool_wset) == 160);
static_assert(sizeof(struct framepool_wset_limit) == 96);
static_assert(sizeof(struct framepool_range) == 96);
static_assert(sizeof(struct framepool_residency) == 40);
static_assert(sizeof(struct framepool_resize) == 16);
static_assert(sizeof(struct framepool_block) == 16);
static_assert(sizeof(struct framepool_advise) == 40);
static_assert(sizeof(struct framepool_errors) == 72);
static_assert(sizeof(struct framepool_span) == 48);
static_assert(sizeof(struct framepool_record_start) == 16);
static_assert(sizeof(struct framepool_record) == 40);
static_assert(sizeof(struct framepool_prefetch) == 32);

static const struct fpool_ioctl *find(const struct fpool_ioctl *table, size_t nr, unsigned int cmd)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (table[i].cmd == cmd)
			return &table[i];
	return NULL;
}

/**
 * fpool_ioctl_string - is a fixed-size field a string?
 * @s: the field
 * @size: of it
 *
 * Return: whether it has a NUL.
 */
bool fpool_ioctl_string(const char *s, size_t size)
{
	return strnlen(s, size) < size;
}

/**
 * fpool_ioctl_dispatch - one ioctl
 * @table: the commands of this kind of descriptor
 * @nr: rows of @table
 * @file: the descriptor
 * @cmd: as the program gave it
 * @arg: address of the program's struct
 *
 * Context: System call.
 * Return: what the command says; -ENOTTY: no such command; -EINVAL: a struct below the first
 * version's size or an unknown flag; -E2BIG: bytes beyond what is known are not zero; -EFAULT.
 */
long fpool_ioctl_dispatch(const struct fpool_ioctl *table, size_t nr, struct file *file,
			  unsigned int cmd, unsigned long arg)
{
	const struct fpool_ioctl *row = find(table, nr, cmd);
	u8 buffer[ARG_MAX_SIZE] __aligned(8) = {};
	struct fpool_ioctl_head *head = (void *)buffer;
	void __user *uarg = (void __user *)arg;
	u32 size;
	long ret;

	if (!row)
		return -ENOTTY;
	if (WARN_ON_ONCE(row->size > sizeof(buffer)))
		return -ENOTTY;
	if (get_user(size, (u32 __user *)uarg))
		return -EFAULT;
	if (size < row->min || size > PAGE_SIZE)
		return size < row->min ? -EINVAL : -E2BIG;
	ret = copy_struct_from_user(buffer, row->size, uarg, size);
	if (ret)
		return ret;
	if (head->flags & ~row->flags)
		return -EINVAL;
	/* Results that cannot be told have better not happened: try before. */
	if (row->results && copy_to_user(uarg, buffer, min(size, row->size)))
		return -EFAULT;
	ret = row->fn(file, buffer);
	/* After any error: no errno is a refusal's alone, a file system says EPERM, too. */
	if (!row->results || !copy_to_user(uarg, buffer, min(size, row->size)))
		return ret;
	if (!ret && row->undo)
		row->undo(file, buffer);
	return -EFAULT;
}
