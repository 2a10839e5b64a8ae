/*
 * See hog_escape.h. Each attempt is harmless where it can be, should it ever be let through:
 * wrong arguments, own pid, signal 0.
 */
#include "tests/integration/hog_escape.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/reboot.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "workloads/hog_run.h"

static void try_kill(void)
{
	syscall(SYS_kill, getppid(), 0);
}

static void try_tkill(void)
{
	syscall(SYS_tkill, 1, 0);
}

static void try_tgkill(void)
{
	syscall(SYS_tgkill, 1, 1, 0);
}

static void try_pidfd_open(void)
{
	syscall(SYS_pidfd_open, 1, 0);
}

static void try_ptrace(void)
{
	syscall(SYS_ptrace, PTRACE_ATTACH, 0, 0, 0);
}

static void try_mount(void)
{
	syscall(SYS_mount, "none", "/nonexistent", "none", 0, NULL);
}

static void try_openat(void)
{
	syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
}

static void try_memfd(void)
{
	syscall(SYS_memfd_create, "x", 0);
}

static void try_unlink(void)
{
	syscall(SYS_unlinkat, AT_FDCWD, "/nonexistent", 0);
}

static void try_socket(void)
{
	syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static void try_execve(void)
{
	syscall(SYS_execve, "/nonexistent", NULL, NULL);
}

static void try_vm_writev(void)
{
	syscall(SYS_process_vm_writev, 1, NULL, 0UL, NULL, 0UL, 0UL);
}

static void try_bpf(void)
{
	syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0);
}

static void try_swapoff(void)
{
	syscall(SYS_swapoff, "/nonexistent");
}

static void try_reboot(void)
{
	syscall(SYS_reboot, 0, 0, LINUX_REBOOT_CMD_CAD_ON, NULL);
}

static void try_setns(void)
{
	syscall(SYS_setns, -1, CLONE_NEWNS);
}

static void try_unshare(void)
{
	syscall(SYS_unshare, CLONE_NEWNS);
}

static void try_prctl(void)
{
	syscall(SYS_prctl, PR_SET_NAME, "free", 0, 0, 0);
}

static void try_pdeathsig_off(void)
{
	syscall(SYS_prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
}

static void try_tiocsti(void)
{
	syscall(SYS_ioctl, 0, TIOCSTI, "x");
}

static void try_mprotect_exec(void)
{
	syscall(SYS_mprotect, NULL, 0UL, PROT_READ | PROT_EXEC);
}

static void try_mmap_exec(void)
{
	syscall(SYS_mmap, NULL, 4096UL, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
}

static void try_shmat_exec(void)
{
	syscall(SYS_shmat, -1, NULL, SHM_EXEC);
}

static void try_hwpoison(void)
{
	syscall(SYS_madvise, NULL, 0UL, MADV_HWPOISON);
}

static void try_clone_namespace(void)
{
	/* If it were let, the child would end at once. */
	if (syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0) == 0)
		_exit(0);
}

static void try_write_elsewhere(void)
{
	syscall(SYS_write, 50, "x", 0UL);
}

static void try_read_stdin(void)
{
	syscall(SYS_read, 0, NULL, 0UL);
}

static void try_sendto(void)
{
	syscall(SYS_sendto, 50, "x", 0UL, 0, NULL, 0);
}

static void try_shm_set(void)
{
	syscall(SYS_shmctl, -1, IPC_SET, NULL);
}

static void try_setrlimit(void)
{
	syscall(SYS_prlimit64, 0, RLIMIT_AS, NULL, NULL);
}

static void try_sigaction(void)
{
	syscall(SYS_rt_sigaction, SIGSYS, NULL, NULL, 8UL);
}

static void try_personality(void)
{
	syscall(SYS_personality, 0xffffffffUL);
}

const struct escape escapes[] = {
	{"kill", "signal another process", try_kill},
	{"tkill", "signal a thread", try_tkill},
	{"tgkill", "signal a thread of a group", try_tgkill},
	{"pidfd_open", "get a handle of a process", try_pidfd_open},
	{"ptrace", "trace a process", try_ptrace},
	{"mount", "mount", try_mount},
	{"openat", "open a file", try_openat},
	{"memfd_create", "make a file after setup", try_memfd},
	{"unlinkat", "remove a file", try_unlink},
	{"socket", "make a socket", try_socket},
	{"execve", "become another program", try_execve},
	{"process_vm_writev", "write another's memory", try_vm_writev},
	{"bpf", "load a BPF program", try_bpf},
	{"swapoff", "turn swap off", try_swapoff},
	{"reboot", "reboot", try_reboot},
	{"setns", "join a namespace", try_setns},
	{"unshare", "make a namespace", try_unshare},
	{"prctl", "change its name", try_prctl},
	{"prctl", "outlive its parent", try_pdeathsig_off},
	{"ioctl", "type into the terminal", try_tiocsti},
	{"mprotect", "make memory executable", try_mprotect_exec},
	{"mmap", "map executable memory", try_mmap_exec},
	{"shmat", "attach executable memory", try_shmat_exec},
	{"madvise", "poison a page", try_hwpoison},
	{"clone", "clone into a namespace", try_clone_namespace},
	{"write", "write to a descriptor not its own", try_write_elsewhere},
	{"read", "read stdin", try_read_stdin},
	{"sendto", "send on a socket", try_sendto},
	{"shmctl", "change a segment's owner", try_shm_set},
	{"prlimit64", "change limits", try_setrlimit},
	{"rt_sigaction", "take the SIGSYS handler away", try_sigaction},
	{"personality", "change its personality", try_personality},
};

const size_t n_escapes = sizeof(escapes) / sizeof(escapes[0]);

_Noreturn void escape_run(const struct escape *escape, struct hog_status *status, unsigned needs)
{
	struct err err = ERR_INIT;

	if (hog_confine(status, needs, false, &err) < 0)
		_exit(100);
	escape->attempt();
	_exit(0);
}
