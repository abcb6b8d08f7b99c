// SPDX-License-Identifier: GPL-2.0-only
/*
 * demo-share PATH: two processes, each with an open and a mapping of its own, work on one
 * file at once.
 * demo-share --check FILE: read it without mapping it, and look for what both left there.
 *
 * The first fills page after page and says how far it is in a counter on page 0. The second
 * follows, checks each page, and counts its visit on it. Both count all visits in a second counter
 * on page 0. Then each goes over the whole file again, one from the front and one from the back:
 * most pages were evicted since, and must come back with what both have stored.
 */
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"

#define WORDS	 (PAGE_BYTES / sizeof(uint64_t) - 2)
#define VISITS	 2   /* of each page, one by each process */
#define PATIENCE 600 /* seconds after which a process whose partner has died gives up */

/* Page 0. */
struct header {
	_Atomic uint64_t written; /* pages 1 to here are filled */
	_Atomic uint64_t visits;  /* of all pages by both */
};

struct page {
	uint64_t number;
	_Atomic uint64_t visits;
	uint64_t words[WORDS];
};

static uint64_t word_of(uint64_t page, uint64_t word)
{
	return (page * WORDS + word) * 0x9e3779b97f4a7c15;
}

static void fill(struct page *p, uint64_t number)
{
	uint64_t i;

	p->number = number;
	for (i = 0; i < WORDS; i++)
		p->words[i] = word_of(number, i);
	atomic_store(&p->visits, 1);
}

static void check_page(const struct page *p, uint64_t number, uint64_t visits, const char *who)
{
	uint64_t i;

	if (p->number != number)
		errx(1, "%s: page %llu says that it is %llu", who, (unsigned long long)number,
		     (unsigned long long)p->number);
	if (atomic_load(&p->visits) < visits)
		errx(1, "%s: page %llu lost a visit", who, (unsigned long long)number);
	for (i = 0; i < WORDS; i++)
		if (p->words[i] != word_of(number, i))
			errx(1, "%s: page %llu is wrong at word %llu", who,
			     (unsigned long long)number, (unsigned long long)i);
}

static void wait_for(const _Atomic uint64_t *counter, uint64_t value)
{
	while (atomic_load(counter) < value)
		sched_yield();
}

static void first_process(struct header *h, struct page *pages, uint64_t nr)
{
	uint64_t i;

	for (i = 1; i < nr; i++) {
		fill(&pages[i], i);
		atomic_fetch_add(&h->visits, 1);
		atomic_store(&h->written, i);
		progress("two processes", i, 2 * nr);
	}
	wait_for(&h->visits, VISITS * (nr - 1));
	for (i = 1; i < nr; i++) {
		check_page(&pages[i], i, VISITS, "first process");
		progress("two processes", nr + i + 1, 2 * nr);
	}
}

static void second_process(struct header *h, struct page *pages, uint64_t nr)
{
	uint64_t i;

	for (i = 1; i < nr; i++) {
		wait_for(&h->written, i);
		check_page(&pages[i], i, 1, "second process");
		atomic_fetch_add(&pages[i].visits, 1);
		atomic_fetch_add(&h->visits, 1);
	}
	wait_for(&h->visits, VISITS * (nr - 1));
	for (i = nr - 1; i; i--)
		check_page(&pages[i], i, VISITS, "second process");
}

/* One of the two: opens the path anew. Ends the process if anything is wrong. */
static void work(const char *path, bool is_first)
{
	struct mapping m = map_path(path, true);
	struct header *h = (struct header *)m.addr;
	uint64_t nr = m.bytes / PAGE_BYTES;

	alarm(PATIENCE);
	if (is_first)
		first_process(h, (struct page *)m.addr, nr);
	else
		second_process(h, (struct page *)m.addr, nr);
	if (atomic_load(&h->visits) != VISITS * (nr - 1))
		errx(1, "the visits do not add up");
	if (msync(m.addr, m.bytes, MS_SYNC))
		err(1, "msync %s", path);
	unmap(&m);
}

static int share(const char *path)
{
	struct mapping m = map_path(path, true);
	int status;
	pid_t child;

	memset(m.addr, 0, PAGE_BYTES);
	unmap(&m);
	child = fork();
	if (child < 0)
		err(1, "fork");
	work(path, child);
	if (!child)
		_exit(0);
	if (waitpid(child, &status, 0) != child || status)
		errx(1, "the second process failed");
	return 0;
}

static int check(const char *path)
{
	static struct page page;
	struct header header;
	uint64_t nr = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		err(1, "cannot open %s", path);
	while ((got = read(fd, &page, sizeof(page))) == sizeof(page)) {
		if (!nr++) {
			memcpy(&header, &page, sizeof(header));
			continue;
		}
		check_page(&page, nr - 1, VISITS, "file");
	}
	if (got < 0)
		err(1, "cannot read %s", path);
	close(fd);
	if (nr < 2 || header.visits != VISITS * (nr - 1))
		errx(1, "file: the visits do not add up");
	printf("pages=%llu visits=%llu\n", (unsigned long long)nr,
	       (unsigned long long)header.visits);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--check"))
		return check(argv[2]);
	if (argc != 2 || argv[1][0] == '-')
		errx(2, "usage: demo-share PATH | demo-share --check FILE");
	return share(argv[1]);
}
