// SPDX-License-Identifier: GPL-2.0-only
/*
 * demo-sum PATH: the SHA-256 of a mapping, printed like sha256sum prints that of a file.
 *
 * The whole file goes through the memory of the mapping, once, from front to back.
 */
#include <err.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "demo.h"

#define STEP (1U << 20)

static void sum(const struct mapping *m, unsigned char digest[EVP_MAX_MD_SIZE],
		unsigned int *length)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t at, now;

	if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
		errx(1, "libcrypto has no SHA-256");
	for (at = 0; at < m->bytes; at += now) {
		now = m->bytes - at < STEP ? m->bytes - at : STEP;
		if (!EVP_DigestUpdate(ctx, m->addr + at, now))
			errx(1, "SHA-256 failed");
		progress("checksum", at + now, m->bytes);
	}
	EVP_DigestFinal_ex(ctx, digest, length);
	EVP_MD_CTX_free(ctx);
}

int main(int argc, char **argv)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int i, length = 0;
	struct mapping m;

	if (argc != 2)
		errx(2, "usage: demo-sum PATH");
	m = map_path(argv[1], false);
	sum(&m, digest, &length);
	unmap(&m);
	for (i = 0; i < length; i++)
		printf("%02x", digest[i]);
	printf("  %s\n", argv[1]);
	return 0;
}
