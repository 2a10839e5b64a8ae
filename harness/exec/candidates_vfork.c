/*
 * Who is in the middle of a vfork: in_vfork() of the kernel passes over a child that uses its
 * parent's memory while the parent waits for it (4.8 on, b18dc5f291c0). /proc does not say so; a
 * parent that sleeps uninterruptibly with the same memory does. Processes that merely share memory
 * (clone with CLONE_VM) run beside their parent and can be chosen.
 */
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/exec/candidates_internal.h"
#include "harness/exec/proc_text.h"

/* Names of the function that a thread sleeps in; where the kernel does not tell ("0"), its state
 * alone decides. */
static bool sleeps_in_fork(const struct candidates *c, int64_t pid, const char *below)
{
	char text[128], file[64];

	snprintf(file, sizeof(file), "%swchan", below);
	ssize_t n = candidates_text(c, pid, file, text, sizeof(text));
	return n <= 0 || strcmp(text, "0") == 0 || strstr(text, "clone") || strstr(text, "fork");
}

/* Whether this thread waits for a vfork child. */
static bool thread_waits(const struct candidates *c, int64_t pid, const char *below)
{
	char text[1024], file[64];
	struct proc_stat stat;

	snprintf(file, sizeof(file), "%sstat", below);
	ssize_t n = candidates_text(c, pid, file, text, sizeof(text));
	return n > 0 && proc_parse_stat(text, (size_t)n, &stat) && stat.state == 'D' &&
	       sleeps_in_fork(c, pid, below);
}

struct waiter_search {
	const struct candidates *c;
	int64_t pid;
	bool found;
};

static bool try_waiter(void *data, int64_t tid)
{
	struct waiter_search *search = data;
	char below[32];

	snprintf(below, sizeof(below), "task/%d/", (int)tid);
	search->found = thread_waits(search->c, search->pid, below);
	return !search->found;
}

static bool parent_waits(const struct candidates *c, int64_t parent)
{
	struct waiter_search search = {c, parent, false};
	char path[32];

	snprintf(path, sizeof(path), "%d/task", (int)parent);
	(void)candidates_each_number(c, path, try_waiter, &search);
	return search.found;
}

bool candidates_in_vfork(const struct candidates *c, size_t i)
{
	int64_t parent = c->tasks[i].ppid;
	size_t at = candidates_find(c, parent);

	/* Cheap answers first: they save a system call for nearly everybody. */
	if (parent <= 0)
		return false;
	if (at != SIZE_MAX && c->more[at].threads == 1 && c->more[at].state != 'D')
		return false;
	if (at != SIZE_MAX && c->tasks[at].total_vm_pages != c->tasks[i].total_vm_pages)
		return false;
	/* Not allowed to compare: taken for an ordinary process. */
	if (syscall(SYS_kcmp, (pid_t)c->tasks[i].pid, (pid_t)parent, KCMP_VM, 0UL, 0UL) != 0)
		return false;
	return parent_waits(c, parent);
}
