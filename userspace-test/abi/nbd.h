/* SPDX-License-Identifier: GPL-2.0-only */
/* A network block device whose server is a thread of the test. */
#ifndef ABI_NBD_H
#define ABI_NBD_H

#include "test.h"

#include <linux/nbd.h>

#define NBD_NODE	"/dev/nbd0"

/* With @flags of its protocol; each request is for @answer: false: it is the last one. */
void nbd_make(u64 pages, u32 flags, bool (*answer)(const struct nbd_request *request));
void nbd_end(void);

/* Between two requests; who keeps it keeps the server from reading more of what it was sent. */
void nbd_lock(void);
void nbd_unlock(void);

/* With the lock, as @answer has it. */
bool nbd_receive(void *to, size_t len);
bool nbd_reply(const char *handle, u32 error, void *data, size_t len);
u64 nbd_from(const struct nbd_request *request);
u32 nbd_length(const struct nbd_request *request);
u32 nbd_command(const struct nbd_request *request);

#endif /* ABI_NBD_H */
