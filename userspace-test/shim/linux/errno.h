/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_ERRNO_H
#define SHIM_LINUX_ERRNO_H

/* The numbers of asm-generic/errno-base.h and errno.h; only those that the core speaks. */
#define ESRCH		3
#define EIO		5
#define E2BIG		7
#define EAGAIN		11
#define ENOMEM		12
#define EBUSY		16
#define EEXIST		17
#define EINVAL		22
#define ENOSPC		28
#define ERANGE		34
#define ENOENT		2
#define ENODATA		61
#define EOVERFLOW	75
#define EALREADY	114
#define EUCLEAN		117
#define EDQUOT		122

#endif
