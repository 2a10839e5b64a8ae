/*
 * See follow_again.h. A call is made again by setting the instruction pointer back onto the
 * 'syscall' instruction (2 bytes) and its number into rax: exactly what the kernel does to restart
 * one after a signal, so handlers may run in between. The other registers are as they were, but for
 * rcx and r11, which the instruction itself destroys.
 */
#include "harness/size/follow_again.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "harness/size/retry.h"

void again_begins(struct follow_thread *thread, const struct __ptrace_syscall_info *info,
		  uint64_t nr, const uint64_t *args, uint64_t failcnt)
{
	thread->inside = true;
	thread->settled = false;
	thread->nr = nr;
	memcpy(thread->args, args, sizeof(thread->args));
	thread->failcnt = failcnt;
	/* A handler's call while a transfer rests leaves it alone; the same place with another
	 * call (siglongjmp) ends it. */
	if (thread->resting && info->instruction_pointer == thread->rest_ip &&
	    info->stack_pointer == thread->rest_sp && thread->nr != thread->rest_nr)
		thread->resting = false;
}

#ifdef __x86_64__

enum { SYSCALL_BYTES = 2 };

static bool file_fits(const struct follow_thread *thread)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)thread->tid, (int)thread->args[0]);
	return stat(path, &st) == 0 && retry_rest_fits(thread->nr, st.st_mode, st.st_rdev);
}

static bool is_rest(const struct follow_thread *thread, const struct user_regs_struct *regs)
{
	return thread->resting && regs->rip == thread->rest_ip && regs->rsp == thread->rest_sp;
}

static void set_again(struct follow *follow, struct follow_thread *thread,
		      struct user_regs_struct *regs)
{
	regs->rip -= SYSCALL_BYTES;
	regs->rax = thread->nr;
	if (ptrace(PTRACE_SETREGS, thread->tid, 0, regs) == 0)
		follow->n_retries++;
}

/* Lets a transfer go on behind what it has moved. */
static void set_rest(struct follow *follow, struct follow_thread *thread,
		     struct user_regs_struct *regs, int64_t moved)
{
	int offset_arg = -1;

	if (!is_rest(thread, regs)) {
		thread->resting = true;
		thread->rest_ip = regs->rip;
		thread->rest_sp = regs->rsp;
		memcpy(thread->rest_args, thread->args, sizeof(thread->rest_args));
		thread->rest_nr = thread->nr;
		thread->rest_done = 0;
	}
	thread->rest_done += moved;
	regs->rsi += (uint64_t)moved;
	regs->rdx -= (uint64_t)moved;
	if (retry_is_transfer(thread->nr, &offset_arg) && offset_arg == 3)
		regs->r10 += (uint64_t)moved;
	set_again(follow, thread, regs);
}

/* The whole transfer's result, and the registers as the caller knows them. */
static void finish_rest(struct follow_thread *thread, struct user_regs_struct *regs, int64_t last)
{
	thread->resting = false;
	regs->rsi = thread->rest_args[1];
	regs->rdx = thread->rest_args[2];
	regs->r10 = thread->rest_args[3];
	/* What was moved before an error is the result of a transfer that had an error. */
	regs->rax = (uint64_t)(thread->rest_done + (last > 0 ? last : 0));
	(void)ptrace(PTRACE_SETREGS, thread->tid, 0, regs);
}

/* 'limit': the group's limit was in its way. */
static void settle(struct follow *follow, struct follow_thread *thread,
		   struct user_regs_struct *regs, bool limit)
{
	int64_t result = (int64_t)regs->rax;
	enum retry what = limit ? retry_decide(thread->nr, result, thread->args[2]) : RETRY_NO;

	if (what == RETRY_REST && !file_fits(thread))
		what = RETRY_NO;
	if (what != RETRY_NO && follow->calls->raise(follow->data)) {
		if (what == RETRY_REST)
			set_rest(follow, thread, regs, result);
		else
			set_again(follow, thread, regs);
		return;
	}
	if (is_rest(thread, regs))
		finish_rest(thread, regs, result);
}

void again_ended(struct follow *follow, struct follow_thread *thread)
{
	struct user_regs_struct regs;

	if (!thread->inside || ptrace(PTRACE_GETREGS, thread->tid, 0, &regs) < 0)
		return;
	thread->inside = false;
	thread->settled = follow->style == FOLLOW_PROBE;
	settle(follow, thread, &regs, follow->calls->failcnt(follow->data) != thread->failcnt);
}

/* The instruction leaves where it returns to in rcx. Elsewhere, and still in a call: a handler has
 * begun before, and the call's result is in its frame. No call (-1): the return of a handler. */
void again_probed(struct follow *follow, struct follow_thread *thread)
{
	struct user_regs_struct regs;

	if (thread->settled) {
		thread->settled = false;
		return;
	}
	if (ptrace(PTRACE_GETREGS, thread->tid, 0, &regs) < 0)
		return;
	if ((int64_t)regs.orig_rax < 0 || regs.rip != regs.rcx) {
		follow->missed = follow->missed ||
				 ((int64_t)regs.orig_rax >= 0 && regs.orig_rax != SYS_execve &&
				  regs.orig_rax != SYS_execveat);
		return;
	}
	thread->inside = false;
	thread->nr = regs.orig_rax;
	memcpy(thread->args,
	       (const uint64_t[]){regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9},
	       sizeof(thread->args));
	settle(follow, thread, &regs, true);
}

bool again_watches(const struct follow_thread *thread)
{
	return thread->resting || thread->settled;
}

#else

void again_probed(struct follow *follow, struct follow_thread *thread)
{
	(void)thread;
	follow->missed = true;
}

bool again_watches(const struct follow_thread *thread)
{
	(void)thread;
	return false;
}

void again_ended(struct follow *follow, struct follow_thread *thread)
{
	(void)follow;
	thread->inside = false;
}

#endif
