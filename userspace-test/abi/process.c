// SPDX-License-Identifier: GPL-2.0-only
/*
 * Child processes, accesses that may fault, and waiting for what nothing announces.
 */
#include "test.h"

#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <time.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

pid_t child_start(void (*run)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = need_ok(fork());

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(FAILED);
	run(arg);
	_exit(0);
}

void child_join(pid_t pid)
{
	int status;

	need_ok(waitpid(pid, &status, 0));
	if (WIFSIGNALED(status))
		fail(__FILE__, __LINE__, "child", "was killed by %s", strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == SKIPPED)
		_exit(SKIPPED);
	else if (WEXITSTATUS(status))
		fail(__FILE__, __LINE__, "child", "exit status %d", WEXITSTATUS(status));
}

void become(uid_t uid, gid_t gid)
{
	need_ok(setgroups(0, NULL));
	need_ok(setresgid(gid, gid, gid));
	need_ok(setresuid(uid, uid, uid));
}

static __thread sigjmp_buf *volatile catcher;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	char line[128];
	int len;

	(void)context;
	if (catcher)
		siglongjmp(*catcher, sig);
	len = snprintf(line, sizeof(line), "# unexpected %s (code %d) at address %p\n",
		       sig == SIGBUS ? "SIGBUS" : "SIGSEGV", info->si_code, info->si_addr);
	if (write(STDOUT_FILENO, line, len) < 0)
		_exit(FAILED);
	signal(sig, SIG_DFL);
	raise(sig);
}

void catch_signal(int sig)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(sig, &sa, NULL);
}

void catch_faults(void)
{
	catch_signal(SIGBUS);
	catch_signal(SIGSEGV);
}

int try_load(const volatile void *from, u8 *value)
{
	sigjmp_buf here;
	int sig = sigsetjmp(here, 1);
	u8 got;

	if (!sig) {
		catcher = &here;
		got = *(const volatile u8 *)from;
		if (value)
			*value = got;
	}
	catcher = NULL;
	return sig;
}

int try_store(volatile void *to, u8 value)
{
	sigjmp_buf here;
	int sig = sigsetjmp(here, 1);

	if (!sig) {
		catcher = &here;
		*(volatile u8 *)to = value;
	}
	catcher = NULL;
	return sig;
}

int try_copy(void *to, const void *from, size_t len)
{
	sigjmp_buf here;
	int sig = sigsetjmp(here, 1);

	if (!sig) {
		catcher = &here;
		memcpy(to, from, len);
		atomic_signal_fence(memory_order_seq_cst);
	}
	catcher = NULL;
	return sig;
}

struct ending {
	pid_t pid;
	int *status;
};

static bool ended(void *arg)
{
	struct ending *e = arg;

	return waitpid(e->pid, e->status, WNOHANG) == e->pid;
}

bool child_ends(pid_t pid, u64 ms, int *status)
{
	struct ending e = { pid, status };

	if (wait_until(ended, &e, ms))
		return true;
	need_ok(kill(pid, SIGKILL));
	need_ok(waitpid(pid, status, 0));
	return false;
}

u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* For what nothing announces. */
bool wait_until(bool (*done)(void *arg), void *arg, u64 ms)
{
	u64 end = now_ms() + ms;

	while (!done(arg)) {
		if (now_ms() > end)
			return false;
		poll(NULL, 0, 2);
	}
	return true;
}

/* Without taking the processor from whoever makes the steps. */
void wait_for_steps(atomic_ullong *steps, u64 at)
{
	while (atomic_load(steps) < at && !failures())
		poll(NULL, 0, 1);
}

/* Longer than a step on the way to where it waits; shorter than it sleeps between two looks. */
#define ASLEEP_MS	40
#define ASLEEP_SAMPLES	5

struct task {
	char stat[64];
	unsigned int asleep;	/* samples, one after the other */
	u64 since;		/* the first of them, ms */
};

static bool task_asleep(void *arg)
{
	struct task *t = arg;
	char line[512], *paren;
	int fd = open(t->stat, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	line[n] = '\0';
	paren = strrchr(line, ')');
	t->asleep = paren && (paren[2] == 'D' || paren[2] == 'S') ? t->asleep + 1 : 0;
	if (t->asleep == 1)
		t->since = now_ms();
	return t->asleep >= ASLEEP_SAMPLES && now_ms() - t->since >= ASLEEP_MS;
}

bool task_waits(pid_t pid, pid_t tid, u64 ms)
{
	struct task t = { .asleep = 0 };

	snprintf(t.stat, sizeof(t.stat), "/proc/%d/task/%d/stat", pid, tid);
	return wait_until(task_asleep, &t, ms);
}

bool knob_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	return done;
}

bool knob_read(const char *path, char *text, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, len - 1);
	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	if (n < 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

u64 pool_counter(const char *file, const char *name)
{
	char where[256], line[64], key[64];
	uintmax_t number = 0;
	bool found = false;
	FILE *f;

	snprintf(where, sizeof(where), "/sys/kernel/debug/framepool/%s/%s", pool, file);
	f = fopen(where, "re");
	need(f, "%s: %s", where, strerror(errno));
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%63s %ju", key, &number) == 2 && !strcmp(key, name);
	fclose(f);
	need(found, "%s says nothing of %s", where, name);
	return number;
}

void inject(const char *where)
{
	char line[32];

	snprintf(line, sizeof(line), "%s 1", where);
	if (!knob_write(INJECT, line))
		skip("this kernel has no fault injection");
}

bool inject_begun(void *where)
{
	char line[64], done[32];
	bool begun = false;
	FILE *f = fopen(INJECT, "re");

	need(f, INJECT);
	snprintf(done, sizeof(done), "%s 0\n", (const char *)where);
	while (fgets(line, sizeof(line), f))
		begun |= !strcmp(line, done);
	fclose(f);
	return begun;
}

u64 word_at(const char *path, u64 index)
{
	int f = need_ok(open(path, O_RDONLY | O_CLOEXEC));
	u64 word;

	need(pread(f, &word, sizeof(word), index * sizeof(word)) == sizeof(word), "%s: %s", path,
	     strerror(errno));
	close(f);
	return word;
}

u64 pfn_at(const void *page)
{
	u64 word = word_at("/proc/self/pagemap", (uintptr_t)page / PAGE);

	return word >> 63 ? word & ((1ull << 55) - 1) : 0;
}

bool kernel_is_at_least(unsigned int major, unsigned int minor)
{
	unsigned int its_major, its_minor;
	struct utsname u;

	need_ok(uname(&u));
	need(sscanf(u.release, "%u.%u", &its_major, &its_minor) == 2, "release %s", u.release);
	return its_major > major || (its_major == major && its_minor >= minor);
}
