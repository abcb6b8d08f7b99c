// SPDX-License-Identifier: GPL-2.0-only
/* A system call that stands still, by userfaultfd: nobody answers for the page that it wants. */
#include "park.h"

#include <sys/syscall.h>
#include <linux/userfaultfd.h>

static void *park_thread(void *arg)
{
	struct park *p = arg;

	atomic_store(&p->tid, syscall(SYS_gettid));
	p->ret = p->call(p);
	return NULL;
}

void park_begin(struct park *p, long (*call)(struct park *p), int fd)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	memset(p, 0, sizeof(*p));
	p->call = call;
	p->fd = fd;
	p->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (p->uffd < 0)
		skip("no userfaultfd: %s", strerror(errno));
	need_ok(ioctl(p->uffd, UFFDIO_API, &api));
	p->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(p->page != MAP_FAILED, "mmap: %s", strerror(errno));
	reg.range = (struct uffdio_range){ (uintptr_t)p->page, PAGE };
	need_ok(ioctl(p->uffd, UFFDIO_REGISTER, &reg));
	need(!pthread_create(&p->thread, NULL, park_thread, p), "no thread");
	while (!atomic_load(&p->tid))
		sched_yield();
	need(task_waits(getpid(), p->tid, 20000), "the call does not stand still");
}

void park_beside(struct park *p, pid_t pid)
{
	int status;

	if (!expect(child_ends(pid, 10000 * scale, &status), "others stand still, too")) {
		park_end(p);
		give_up();
	}
	expect(!status, "another process: %#x", status);
}

void park_fail(struct park *p)
{
	need_ok(munmap(p->page, PAGE));
	need_ok(close(p->uffd));	/* which wakes who waits for it */
	pthread_join(p->thread, NULL);
}

void park_end(struct park *p)
{
	static const u8 zeros[PAGE];

	park_end_with(p, zeros);
}

void park_end_with(struct park *p, const void *bytes)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)p->page, .src = (uintptr_t)bytes, .len = PAGE,
	};

	need_ok(ioctl(p->uffd, UFFDIO_COPY, &copy));
	pthread_join(p->thread, NULL);
	expect(p->ret > 0, "the call that stood still gave %ld", p->ret);
	need_ok(close(p->uffd));
	need_ok(munmap(p->page, PAGE));
}
