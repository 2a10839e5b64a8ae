/*
 * See filter.h. The programs are put together once from lists of system calls. FILTER_CHARGES lists
 * what is left alone rather than what is stopped: a call that nobody thought of is then slow, not
 * wrong. Left alone is what neither allocates nor touches the caller's memory in a way that could
 * fail, or whose caller has just touched it.
 */
#include "harness/size/filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

enum { PROGRAM_MAX = 64 };

#ifdef __x86_64__

static const uint32_t opens[] = {SYS_open, SYS_openat, SYS_openat2, SYS_execve, SYS_execveat};

static const uint32_t harmless[] = {
	SYS_lseek,	  SYS_close,	       SYS_getpid,     SYS_gettid,  SYS_getppid,
	SYS_getuid,	  SYS_geteuid,	       SYS_getgid,     SYS_getegid, SYS_sched_yield,
	SYS_exit,	  SYS_exit_group,      SYS_umask,      SYS_alarm,   SYS_pause,
	SYS_getpgrp,	  SYS_getpgid,	       SYS_kill,       SYS_tgkill,  SYS_fadvise64,
	SYS_rt_sigreturn, SYS_restart_syscall, SYS_membarrier,
};

bool filter_supported(void)
{
	return true;
}

/* if (nr is one of the list) 'hit' else 'miss'; of another processor's calls (32-bit programs) all
 * are stopped, so that the tracer sees one and gives up. */
static void build(struct sock_fprog *prog, struct sock_filter *code, const uint32_t *list, size_t n,
		  uint32_t hit, uint32_t miss)
{
	uint16_t at = 0;

	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  offsetof(struct seccomp_data, arch));
	code[at++] =
		(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < n; i++) {
		code[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, list[i],
							  (uint8_t)(n - i), 0);
	}
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, miss);
	code[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, hit);
	*prog = (struct sock_fprog){.len = at, .filter = code};
}

const struct sock_fprog *filter_program(enum filter_kind kind)
{
	static struct sock_filter open_code[PROGRAM_MAX], charge_code[PROGRAM_MAX];
	static struct sock_fprog open_prog, charge_prog;

	if (kind == FILTER_NONE)
		return NULL;
	if (open_prog.len == 0) {
		build(&open_prog, open_code, opens, sizeof(opens) / sizeof(opens[0]),
		      SECCOMP_RET_TRACE, SECCOMP_RET_ALLOW);
		build(&charge_prog, charge_code, harmless, sizeof(harmless) / sizeof(harmless[0]),
		      SECCOMP_RET_ALLOW, SECCOMP_RET_TRACE);
	}
	return kind == FILTER_OPENS ? &open_prog : &charge_prog;
}

#else

bool filter_supported(void)
{
	return false;
}

const struct sock_fprog *filter_program(enum filter_kind kind)
{
	(void)kind;
	return NULL;
}

#endif
