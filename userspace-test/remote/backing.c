// SPDX-License-Identifier: GPL-2.0-only
/*
 * One program for every backing: it maps a named space, stores, checks and syncs, and says what it
 * was told of failures.
 *
 * usage: backing store|check|work|sync NODE SEED [PAGES]
 *
 * Ends with 0; 1: wrong bytes; 3: SIGBUS; 4: an error of fsync, whose name is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE   4096
#define WORDS  (PAGE / 8)
#define ROUNDS 8

static sigjmp_buf jump;

static void bus(int number)
{
	(void)number;
	siglongjmp(jump, 1);
}

/* What word @word of page @page holds in round @round of @seed. */
static uint64_t value(uint64_t page, unsigned int word, uint64_t seed, uint64_t round)
{
	return (page * 0x9e3779b97f4a7c15 + seed * 0xff51afd7ed558ccd + round * 1000003) ^ word;
}

static void store(uint64_t *map, uint64_t page, uint64_t seed, uint64_t round)
{
	unsigned int word;

	for (word = 0; word < WORDS; word += 16)
		map[page * WORDS + word] = value(page, word, seed, round);
}

static int good(const uint64_t *map, uint64_t page, uint64_t seed, uint64_t round)
{
	unsigned int word;

	for (word = 0; word < WORDS; word += 16)
		if (map[page * WORDS + word] != value(page, word, seed, round)) {
			printf("page %llu is wrong\n", (unsigned long long)page);
			return 0;
		}
	return 1;
}

static int sync_it(int fd)
{
	if (!fsync(fd))
		return 0;
	printf("fsync: %s\n", strerrorname_np(errno));
	fflush(stdout);
	return 4;
}

/* One page; where it cannot be had, once more. */
static int work_page(uint64_t *map, uint64_t page, uint64_t seed, uint64_t round)
{
	if (sigsetjmp(jump, 1)) {
		printf("SIGBUS at page %llu\n", (unsigned long long)page);
		fflush(stdout);
		usleep(300000);
	}
	if (round && !good(map, page, seed, round - 1))
		return 1;
	store(map, page, seed, round);
	return 0;
}

/*
 * Passes of stores over every page, each after a check of the one before. Told of a failure, it
 * tries again: then nothing may be lost.
 */
static int work(int fd, uint64_t *map, uint64_t pages, uint64_t seed)
{
	volatile uint64_t round, page;

	for (round = 0; round < ROUNDS; round++) {
		for (page = 0; page < pages; page++) {
			if (work_page(map, page, seed, round))
				return 1;
		}
		while (sync_it(fd))
			usleep(300000);
		printf("round %llu\n", (unsigned long long)round);
		fflush(stdout);
	}
	return 0;
}

static int run(const char *what, int fd, uint64_t *map, uint64_t pages, uint64_t seed)
{
	uint64_t page;

	if (!strcmp(what, "sync"))
		return sync_it(fd);
	if (!strcmp(what, "work"))
		return work(fd, map, pages, seed);
	for (page = 0; page < pages; page++)
		if (!strcmp(what, "store"))
			store(map, page, seed, 0);
		else if (!good(map, page, seed, 0))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t *map;
	off_t bytes;
	int fd;

	if (argc < 4)
		return 2;
	fd = open(argv[2], O_RDWR);
	bytes = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	map = bytes <= 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		perror(argv[2]);
		return 2;
	}
	signal(SIGBUS, bus);
	if (sigsetjmp(jump, 1)) {
		puts("SIGBUS");
		return 3;
	}
	if (argc > 4)
		bytes = strtoull(argv[4], NULL, 10) * PAGE;
	return run(argv[1], fd, map, bytes / PAGE, strtoull(argv[3], NULL, 10));
}
