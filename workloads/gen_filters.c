/*
 * Build-time generator: prints filters.h, the seccomp programs for every combination of what
 * workloads need (enum wl_needs) and a table of system call names, both made by libseccomp for
 * the machine it runs on. So oomhog links libc alone and installs a filter in microseconds.
 * Run by the Makefile; exit status 1 and a line on stderr when libseccomp refuses a rule.
 */
#include <errno.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workloads/hog_run.h"

enum { ALWAYS = 0, NEEDS_ALL = 32, MAX_FILTER = 1024, MAX_CALL = 600, COMPARES = 2 };

#define EQ(n, v)                     \
	{                            \
		n, SCMP_CMP_EQ, v, 0 \
	}
#define MASK(n, m, v)                       \
	{                                   \
		n, SCMP_CMP_MASKED_EQ, m, v \
	}
#define BELOW(n, v)                  \
	{                            \
		n, SCMP_CMP_LT, v, 0 \
	}

/* Flags of clone(2) that a fork may have: memory shared or not, a vfork's suspension; never a
 * thread's and never a namespace's. */
#define FORK_FLAGS                                                                               \
	((scmp_datum_t)(CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | CLONE_FS | CLONE_FILES) | \
	 (scmp_datum_t)SIGCHLD)
/* Exactly what pthread_create() passes (glibc 2.36). */
#define THREAD_FLAGS                                                                        \
	((scmp_datum_t)(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | \
			CLONE_THREAD | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID))
#define WORD 0xffffffffUL

static const struct rule {
	unsigned needs; /* ALWAYS, or one of enum wl_needs */
	int call;
	int errnum; /* 0: allow */
	unsigned n;
	struct scmp_arg_cmp args[COMPARES];
} rules[] = {
	/* Life: end, wait, tell the time, return from a signal. */
	{ALWAYS, SCMP_SYS(exit), 0, 0, {{0}}},
	{ALWAYS, SCMP_SYS(exit_group), 0, 0, {{0}}},
	{ALWAYS, SCMP_SYS(ppoll), 0, 0, {{0}}},
	{ALWAYS, SCMP_SYS(clock_gettime), 0, 0, {{0}}},
	{ALWAYS, SCMP_SYS(rt_sigreturn), 0, 0, {{0}}},
	{ALWAYS, SCMP_SYS(restart_syscall), 0, 0, {{0}}},
	/* Commands and receipts, and for a hog started by hand stdout and stderr. */
	{ALWAYS, SCMP_SYS(recvfrom), 0, 2, {EQ(0, HOG_FD_CONTROL), EQ(4, 0)}},
	{ALWAYS, SCMP_SYS(write), 0, 1, {EQ(0, HOG_FD_RECEIPT)}},
	{ALWAYS, SCMP_SYS(write), 0, 1, {EQ(0, STDOUT_FILENO)}},
	{ALWAYS, SCMP_SYS(write), 0, 1, {EQ(0, STDERR_FILENO)}},
	/* Memory, never executable, never poisoned (MADV_HWPOISON is 100, SOFT_OFFLINE 101). */
	{ALWAYS, SCMP_SYS(brk), 0, 0, {{0}}},
	{ALWAYS, SCMP_SYS(munmap), 0, 0, {{0}}},
	{ALWAYS, SCMP_SYS(mincore), 0, 0, {{0}}},
	{ALWAYS, SCMP_SYS(mmap), 0, 1, {MASK(2, PROT_EXEC, 0)}},
	{ALWAYS, SCMP_SYS(mprotect), 0, 1, {MASK(2, PROT_EXEC, 0)}},
	{ALWAYS, SCMP_SYS(madvise), 0, 1, {BELOW(2, 100)}},

	{WL_FORK, SCMP_SYS(clone), 0, 1, {MASK(0, WORD & ~FORK_FLAGS, 0)}},
	{WL_FORK, SCMP_SYS(wait4), 0, 0, {{0}}},
	{WL_FORK, SCMP_SYS(waitid), 0, 0, {{0}}},
	{WL_FORK, SCMP_SYS(getpid), 0, 0, {{0}}},
	{WL_FORK, SCMP_SYS(getppid), 0, 0, {{0}}},
	{WL_FORK, SCMP_SYS(futex), 0, 0, {{0}}},
	{WL_FORK, SCMP_SYS(prctl), 0, 2, {EQ(0, PR_SET_PDEATHSIG), EQ(1, SIGKILL)}},
	{WL_FORK, SCMP_SYS(read), 0, 1, {EQ(0, HOG_FD_SIGNAL)}},
	{WL_FORK, SCMP_SYS(read), 0, 1, {EQ(0, HOG_FD_EVENT)}},
	{WL_FORK, SCMP_SYS(write), 0, 1, {EQ(0, HOG_FD_EVENT)}},

	/* clone3 takes its flags in memory, which no filter can see: glibc falls back to clone. */
	{WL_THREADS, SCMP_SYS(clone3), ENOSYS, 0, {{0}}},
	{WL_THREADS, SCMP_SYS(clone), 0, 1, {MASK(0, WORD, THREAD_FLAGS)}},
	{WL_THREADS, SCMP_SYS(futex), 0, 0, {{0}}},
	{WL_THREADS, SCMP_SYS(set_robust_list), 0, 0, {{0}}},
	{WL_THREADS, SCMP_SYS(rseq), 0, 0, {{0}}},
	{WL_THREADS, SCMP_SYS(rt_sigprocmask), 0, 0, {{0}}},
	/* glibc's own two signals, SIGCANCEL and SIGSETXID. */
	{WL_THREADS, SCMP_SYS(rt_sigaction), 0, 1, {EQ(0, 32)}},
	{WL_THREADS, SCMP_SYS(rt_sigaction), 0, 1, {EQ(0, 33)}},
	{WL_THREADS, SCMP_SYS(prctl), 0, 2, {EQ(0, PR_SET_PDEATHSIG), EQ(1, SIGKILL)}},

	{WL_SHM, SCMP_SYS(shmget), 0, 0, {{0}}},
	{WL_SHM, SCMP_SYS(shmat), 0, 1, {MASK(2, SHM_EXEC, 0)}},
	{WL_SHM, SCMP_SYS(shmdt), 0, 0, {{0}}},
	{WL_SHM, SCMP_SYS(shmctl), 0, 1, {EQ(1, IPC_RMID)}},

	{WL_LOCK, SCMP_SYS(mlock), 0, 0, {{0}}},
	{WL_LOCK, SCMP_SYS(mlock2), 0, 0, {{0}}},
	{WL_LOCK, SCMP_SYS(munlock), 0, 0, {{0}}},
	{WL_LOCK, SCMP_SYS(mlockall), 0, 0, {{0}}},
	{WL_LOCK, SCMP_SYS(munlockall), 0, 0, {{0}}},
};

/* With WL_FILES, on the descriptors HOG_FD_FILE and up only. */
static const int file_calls[] = {
	SCMP_SYS(read),	     SCMP_SYS(pread64),	  SCMP_SYS(write),     SCMP_SYS(pwrite64),
	SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fadvise64), SCMP_SYS(fdatasync),
};

static void must(int r, const char *what, const char *detail)
{
	if (r >= 0)
		return;
	fprintf(stderr, "gen-filters: %s %s: %s\n", what, detail ? detail : "", strerror(-r));
	exit(1);
}

static void add(scmp_filter_ctx ctx, uint32_t action, int call, unsigned n,
		const struct scmp_arg_cmp *args)
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

	must(seccomp_rule_add_array(ctx, action, call, n, args), "cannot add a rule for", name);
	free(name);
}

static void add_rules(scmp_filter_ctx ctx, unsigned needs)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *rule = &rules[i];
		uint32_t action =
			rule->errnum ? SCMP_ACT_ERRNO((uint32_t)rule->errnum) : SCMP_ACT_ALLOW;

		if (rule->needs == ALWAYS || (needs & rule->needs))
			add(ctx, action, rule->call, rule->n, rule->args);
	}
	for (size_t i = 0; (needs & WL_FILES) && i < sizeof(file_calls) / sizeof(int); i++)
		for (scmp_datum_t fd = HOG_FD_FILE; fd < HOG_FD_FILE + HOG_FILES_MAX; fd++)
			add(ctx, SCMP_ACT_ALLOW, file_calls[i], 1, &(struct scmp_arg_cmp)EQ(0, fd));
}

/* libseccomp writes a program to a descriptor alone. */
static size_t compile(unsigned needs, struct sock_filter *code)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
	FILE *file = tmpfile();

	if (!ctx || !file)
		must(-ENOMEM, "cannot start", NULL);
	must(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "cannot set",
	     "the action for other architectures");
	/* A binary tree: some 10 comparisons a system call instead of 60. */
	must(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), "cannot set", "the tree");
	add_rules(ctx, needs);
	must(seccomp_export_bpf(ctx, fileno(file)), "cannot compile", NULL);
	rewind(file);
	size_t n = fread(code, sizeof(*code), MAX_FILTER, file);
	fclose(file);
	seccomp_release(ctx);
	return n;
}

static void print_filters(void)
{
	static struct sock_filter code[MAX_FILTER];

	for (unsigned needs = 0; needs < NEEDS_ALL; needs++) {
		size_t n = compile(needs, code);

		printf("static const struct sock_filter filter_%u[] = {\n", needs);
		for (size_t i = 0; i < n; i++)
			printf("\t{%#x, %u, %u, %#x},\n", code[i].code, code[i].jt, code[i].jf,
			       code[i].k);
		printf("};\n\n");
	}
	printf("/* By enum wl_needs. */\nstatic const struct {\n\tconst struct sock_filter *code;\n"
	       "\tunsigned short n;\n} filters[%d] = {\n",
	       NEEDS_ALL);
	for (unsigned needs = 0; needs < NEEDS_ALL; needs++)
		printf("\t[%u] = {filter_%u, sizeof(filter_%u) / sizeof(filter_%u[0])},\n", needs,
		       needs, needs, needs);
	printf("};\n\n");
}

static void print_names(void)
{
	printf("static const char *const call_names[] = {\n");
	for (int call = 0; call < MAX_CALL; call++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

		if (name)
			printf("\t[%d] = \"%s\",\n", call, name);
		free(name);
	}
	printf("};\n");
}

int main(void)
{
	printf("/* Made by gen-filters from workloads/gen_filters.c; do not edit. */\n"
	       "#include <linux/filter.h>\n\n");
	print_filters();
	print_names();
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
