// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies of what is written, where it has to stand still.
 *
 * A program may store to a page while it is written: the page is dirty again, and the device has
 * got some of both, which is as good as either.  Not so where somebody on the way looks at the
 * bytes twice: a checksum that is made of the old ones and stored beside the new ones makes the
 * block unreadable (dm-integrity, T10-PI), or breaks the connection (rbd, NVMe over TCP, iSCSI).
 * So these get a copy.  It is the kernel's memory, as that of a page cache would be, and only for
 * the time of the write.
 */
#include "copy.h"

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

/* For who writes, because memory is wanted. */
#define GFP_COPY	(GFP_NOIO | __GFP_NOWARN)

static bool add_page(struct fpool_copy *copy, struct iov_iter *from)
{
	struct page *page = alloc_page(GFP_COPY);

	if (!page)
		return false;
	copy_page_from_iter(page, 0, PAGE_SIZE, from);
	bvec_set_page(&copy->bv[copy->nr++], page, PAGE_SIZE, 0);
	return true;
}

/**
 * fpool_copy_make - copy pages
 * @bv: where they are
 * @nr: entries of @bv
 * @len: bytes, a multiple of 4096
 *
 * Context: Process context; may sleep.
 * Return: the copy, or NULL: no memory.
 */
struct fpool_copy *fpool_copy_make(const struct bio_vec *bv, unsigned int nr, size_t len)
{
	struct fpool_copy *copy = kmalloc(struct_size(copy, bv, len >> PAGE_SHIFT), GFP_COPY);
	struct iov_iter from;

	if (!copy)
		return NULL;
	copy->nr = 0;
	iov_iter_bvec(&from, ITER_SOURCE, bv, nr, len);
	while (iov_iter_count(&from)) {
		if (!add_page(copy, &from)) {
			fpool_copy_free(copy);
			return NULL;
		}
	}
	return copy;
}

/**
 * fpool_copy_free - the write has ended
 * @copy: from fpool_copy_make(), or NULL
 *
 * Context: Any.
 */
void fpool_copy_free(struct fpool_copy *copy)
{
	if (!copy)
		return;
	while (copy->nr)
		__free_page(copy->bv[--copy->nr].bv_page);
	kfree(copy);
}
