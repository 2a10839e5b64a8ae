/*
 * See follow.h. Events: threads and children appear, exec, a call begins (seccomp), a call ended
 * (only those that follow_again.c asked to see), signals, stops. Registers are follow_again.c's.
 */
#include "harness/size/follow.h"

#include <errno.h>
#include <limits.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "harness/size/follow_again.h"
#include "harness/size/probe.h"

/* ---- threads ------------------------------------------------------------------------------- */

static struct follow_thread *find_thread(struct follow *follow, pid_t tid)
{
	for (size_t i = 0; i < follow->n; i++)
		if (follow->threads[i].tid == tid)
			return &follow->threads[i];
	return NULL;
}

static struct follow_thread *get_thread(struct follow *follow, pid_t tid)
{
	struct follow_thread *thread = find_thread(follow, tid);

	if (thread)
		return thread;
	if (follow->n == follow->cap) {
		follow->cap = follow->cap ? 2 * follow->cap : 16;
		follow->threads = mem_grow(follow->threads, follow->cap, sizeof(*thread));
	}
	thread = &follow->threads[follow->n++];
	follow->most = follow->most > follow->n ? follow->most : follow->n;
	*thread = (struct follow_thread){.tid = tid, .born = ++follow->moment};
	if (follow->probe && !probe_add(follow->probe, tid))
		follow->missed = true;
	return thread;
}

static void forget_thread(struct follow *follow, pid_t tid)
{
	struct follow_thread *thread = find_thread(follow, tid);

	if (!thread)
		return;
	*thread = follow->threads[--follow->n];
	if (follow->probe)
		probe_remove(follow->probe, tid);
}

/* ---- who reads its limit ------------------------------------------------------------------- */

bool follow_is_limit_file(const char *path)
{
	static const char *const files[] = {"memory.max", "memory.high", "memory.limit_in_bytes",
					    "memory.soft_limit_in_bytes",
					    "memory.memsw.limit_in_bytes"};
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (str_eq(base, files[i]))
			return true;
	return false;
}

const char *follow_runtime_of(const char *program)
{
	static const char *const runtimes[] = {"java", "node", "nodejs", "dotnet", "bun", "deno"};
	const char *base = strrchr(program, '/');

	base = base ? base + 1 : program;
	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++)
		if (str_eq(base, runtimes[i]))
			return runtimes[i];
	return NULL;
}

static void give_up(struct follow *follow, bool *flag, const char *why)
{
	if (follow->self_sized || follow->lost)
		return;
	*flag = true;
	snprintf(follow->why, sizeof(follow->why), "%s", why);
}

static void look_at_program(struct follow *follow, pid_t tid)
{
	char link[64], path[PATH_MAX];

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)tid);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	const char *runtime = follow_runtime_of(path);
	if (!runtime)
		return;
	MEM_AUTO char *why = mem_printf("'%s' sizes itself by its group's limit", runtime);
	give_up(follow, &follow->self_sized, why);
}

static void read_path(pid_t tid, uint64_t address, char *buf, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), done = 0;

	while (done < size - 1 && !memchr(buf, '\0', done)) {
		size_t to_page = page - (address + done) % page;
		struct iovec here = {buf + done,
				     size - 1 - done < to_page ? size - 1 - done : to_page};
		struct iovec there = {(void *)(uintptr_t)(address + done), here.iov_len};
		ssize_t n = process_vm_readv(tid, &here, 1, &there, 1, 0);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	buf[done] = '\0';
}

static void look_at_open(struct follow *follow, pid_t tid, const struct __ptrace_syscall_info *info)
{
	char path[512], why[FOLLOW_WHY_MAX];
	uint64_t nr = info->seccomp.nr;

	if (nr != SYS_open && nr != SYS_openat && nr != SYS_openat2)
		return;
	read_path(tid, info->seccomp.args[nr == SYS_open ? 0 : 1], path, sizeof(path));
	if (!follow_is_limit_file(path))
		return;
	char comm[32] = "it", link[64];
	snprintf(link, sizeof(link), "/proc/%d/comm", (int)tid);
	FILE *file = fopen(link, "re");
	if (file) {
		if (fgets(comm, sizeof(comm), file))
			comm[strcspn(comm, "\n")] = '\0';
		(void)fclose(file);
	}
	snprintf(why, sizeof(why), "'%s' reads its group's limit (%.80s)", comm, path);
	give_up(follow, &follow->self_sized, why);
}

/* ---- what each needed ---------------------------------------------------------------------- */

static bool is_exec(uint64_t nr)
{
	return nr == SYS_execve || nr == SYS_execveat;
}

static void take_peak(struct follow *follow, struct follow_thread *thread)
{
	peaks_take(&follow->peaks, thread->tid, thread->born, ++follow->moment);
	thread->counted = true;
}

void follow_take_peaks(struct follow *follow)
{
	for (size_t i = 0; i < follow->n; i++)
		take_peak(follow, &follow->threads[i]);
}

/* ---- events -------------------------------------------------------------------------------- */

static void resume(const struct follow_thread *thread, int signal)
{
	/* ESRCH: it was killed meanwhile. */
	bool calls = thread->inside || thread->armed || again_watches(thread);

	(void)ptrace(calls ? PTRACE_SYSCALL : PTRACE_CONT, thread->tid, 0,
		     (void *)(intptr_t)signal);
}

static bool is_foreign(struct follow *follow, const struct __ptrace_syscall_info *info)
{
	if (info->arch == AUDIT_ARCH_X86_64)
		return false;
	give_up(follow, &follow->lost, "it runs 32-bit programs");
	return true;
}

/* The filter stopped a call. */
static void on_filter(struct follow *follow, struct follow_thread *thread)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->tid, sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_SECCOMP && !is_foreign(follow, &info)) {
		look_at_open(follow, thread->tid, &info);
		if (follow->began && is_exec(info.seccomp.nr))
			peaks_take(&follow->peaks, thread->tid, thread->born, ++follow->moment);
		if (follow->style == FOLLOW_CHARGES)
			again_begins(thread, &info, info.seccomp.nr,
				     (const uint64_t *)info.seccomp.args,
				     follow->calls->failcnt(follow->data));
	}
	resume(thread, 0);
}

/* A call begins or ends: the latter where its beginning was seen. */
static void on_call(struct follow *follow, struct follow_thread *thread)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread->tid, sizeof(info), &info) > 0 &&
	    !is_foreign(follow, &info)) {
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && follow->probe && !thread->resting)
			thread->settled = false; /* the probe will say so if it has to be seen */
		else if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			again_begins(thread, &info, info.entry.nr,
				     (const uint64_t *)info.entry.args,
				     follow->calls->failcnt(follow->data));
		else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
			again_ended(follow, thread);
	}
	resume(thread, 0);
}

/* The probe stopped it at the end of a call that had memory reclaimed. */
static void on_probe(struct follow *follow, struct follow_thread *thread)
{
	again_probed(follow, thread);
	resume(thread, 0);
}

/* Its first stop since follow_arm(), whatever it is for. */
static void arm_thread(struct follow *follow, struct follow_thread *thread)
{
	if (!follow->armed || thread->armed)
		return;
	thread->armed = true;
	follow->missed = follow->missed || follow->calls->failcnt(follow->data) > 0;
}

/* One that ended before it could be stopped has made calls that nobody saw. */
static void on_gone(struct follow *follow, pid_t tid)
{
	struct follow_thread *thread = find_thread(follow, tid);

	if (thread && follow->style == FOLLOW_LATE && !thread->armed &&
	    follow->calls->failcnt(follow->data) > 0)
		follow->missed = true;
	if (thread && !thread->counted)
		follow->peaks.unknown = true;
	forget_thread(follow, tid);
}

void follow_arm(struct follow *follow)
{
	follow->armed = true;
	for (size_t i = 0; i < follow->n; i++)
		(void)ptrace(PTRACE_INTERRUPT, follow->threads[i].tid, 0, 0);
}

/* exec by a thread makes it the first one of its process; the others are gone. */
static void on_exec(struct follow *follow, pid_t tid)
{
	unsigned long former = 0;

	if (ptrace(PTRACE_GETEVENTMSG, tid, 0, &former) == 0 && (pid_t)former != tid) {
		struct follow_thread *from = find_thread(follow, (pid_t)former);
		if (from) {
			struct follow_thread kept = *from;
			forget_thread(follow, (pid_t)former);
			kept.tid = tid;
			*get_thread(follow, tid) = kept;
		}
		if (follow->probe)
			(void)probe_add(follow->probe, tid);
	}
	follow->began = true;
	look_at_program(follow, tid);
}

static void on_event(struct follow *follow, struct follow_thread *thread, int event, int signal)
{
	pid_t tid = thread->tid;

	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		on_filter(follow, thread);
		return;
	case PTRACE_EVENT_EXEC:
		on_exec(follow, tid);
		thread = get_thread(follow, tid);
		break;
	case PTRACE_EVENT_EXIT:
		take_peak(follow, thread);
		break;
	case PTRACE_EVENT_STOP:
		/* Stopped by job control: stays so until SIGCONT. SIGTRAP: it is new, or armed. */
		if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
		    signal == SIGTTOU) {
			(void)ptrace(PTRACE_LISTEN, tid, 0, 0);
			return;
		}
		break;
	default:
		break;
	}
	resume(thread, 0);
}

void follow_take(struct follow *follow, pid_t tid, int status)
{
	if (!WIFSTOPPED(status)) {
		on_gone(follow, tid);
		return;
	}
	bool known = find_thread(follow, tid) != NULL;
	struct follow_thread *thread = get_thread(follow, tid);
	int signal = WSTOPSIG(status), event = status >> 16;
	if (known)
		arm_thread(follow, thread);
	else
		thread->armed = follow->armed; /* from its first instruction on */
	if (event)
		on_event(follow, thread, event, signal);
	else if (signal == (SIGTRAP | 0x80))
		on_call(follow, thread);
	else if (follow->probe && probe_is_ours(tid, signal))
		on_probe(follow, thread);
	else
		resume(thread, signal);
}

void follow_begin(struct follow *follow, pid_t pid, enum follow_style style,
		  const struct probe *probe, const struct follow_calls *calls, void *data)
{
	*follow = (struct follow){.calls = calls, .data = data, .style = style, .probe = probe};
	(void)get_thread(follow, pid);
}

void follow_end(struct follow *follow)
{
	free(follow->threads);
	peaks_clear(&follow->peaks);
	follow->threads = NULL;
	follow->n = follow->cap = 0;
}
