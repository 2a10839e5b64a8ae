/*
 * See probe.h. Written out as instructions, since they are few: no compiler for BPF and no library
 * is needed. 'reclaim' sets the thread's flag, 'end' takes it back and signals. SIGSTOP, because it
 * is the one signal that a program can neither block nor handle and that a tracer may drop.
 */
#include "harness/size/probe.h"

#include <linux/bpf.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

enum {
	THREADS_MAX = 8192,
	KEY_AT = -8,
};
/* The inode of the first pid namespace, in which alone a thread's number here is the kernel's
 * (PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE 0xEFFFFFFCU

#define REG(n) ((n)&0xf)
#define INSN(op, to, from, offset, value) \
	((struct bpf_insn){(op), REG(to), REG(from), (offset), (value)})
#define CALL(helper)	 INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define MOVE(to, from)	 INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, value)	 INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define ADD(to, value)	 INSN(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define KEEP32(from)	 INSN(BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, from, KEY_AT, 0)
#define LOAD(to, from)	 INSN(BPF_LDX | BPF_MEM | BPF_DW, to, from, 0, 0)
#define STORE(to, value) INSN(BPF_ST | BPF_MEM | BPF_DW, to, 0, 0, value)
#define IF_ZERO(reg, by) INSN(BPF_JMP | BPF_JEQ | BPF_K, reg, 0, by, 0)
#define LOAD_MAP(to, map)                                               \
	INSN(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, map), \
	{                                                               \
		0                                                       \
	}
#define END() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* r0: where this thread's flag is, or NULL. */
#define LOOK_UP(map)                                                                      \
	CALL(BPF_FUNC_get_current_pid_tgid), KEEP32(BPF_REG_0), LOAD_MAP(BPF_REG_1, map), \
		MOVE(BPF_REG_2, BPF_REG_10), ADD(BPF_REG_2, KEY_AT),                      \
		CALL(BPF_FUNC_map_lookup_elem)

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* Named by what it does and by this process, for who lists programs: "oomlab_r4711". */
static int load(const struct bpf_insn *insns, size_t n, char what)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	snprintf(attr.prog_name, sizeof(attr.prog_name), "oomlab_%c%d", what, (int)getpid());
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uint64_t)(uintptr_t) ""; /* none of the helpers asks for one */
	return bpf(BPF_PROG_LOAD, &attr);
}

/* The descriptor that keeps it attached. */
static int attach(const struct bpf_insn *insns, size_t n, char what, const char *tracepoint)
{
	union bpf_attr attr;
	FD_AUTO prog = load(insns, n, what);

	if (prog < 0)
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.name = (uint64_t)(uintptr_t)tracepoint;
	attr.raw_tracepoint.prog_fd = (uint32_t)prog;
	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attr);
}

static int make_map(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_HASH;
	attr.key_size = sizeof(uint32_t);
	attr.value_size = sizeof(uint64_t);
	attr.max_entries = THREADS_MAX;
	return bpf(BPF_MAP_CREATE, &attr);
}

static int attach_reclaim(int map)
{
	const struct bpf_insn insns[] = {
		LOOK_UP(map), IF_ZERO(BPF_REG_0, 1), STORE(BPF_REG_0, 1), SET(BPF_REG_0, 0), END(),
	};

	return attach(insns, sizeof(insns) / sizeof(insns[0]), 'r',
		      "mm_vmscan_memcg_reclaim_begin");
}

static int attach_end(int map)
{
	const struct bpf_insn insns[] = {
		LOOK_UP(map),
		IF_ZERO(BPF_REG_0, 5),
		LOAD(BPF_REG_1, BPF_REG_0),
		IF_ZERO(BPF_REG_1, 3),
		STORE(BPF_REG_0, 0),
		SET(BPF_REG_1, SIGSTOP),
		CALL(BPF_FUNC_send_signal_thread),
		SET(BPF_REG_0, 0),
		END(),
	};

	return attach(insns, sizeof(insns) / sizeof(insns[0]), 'e', "sys_exit");
}

static bool in_first_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == FIRST_PID_NAMESPACE;
}

/* Kernels before 5.11 count maps and programs as locked memory, of which root has 64 KiB by
 * default; the command is not to inherit more than it had. */
bool probe_open(struct probe *probe)
{
	struct rlimit before, all = {RLIM_INFINITY, RLIM_INFINITY};

	*probe = PROBE_NONE;
	if (!in_first_namespace())
		return false;
	bool raised =
		getrlimit(RLIMIT_MEMLOCK, &before) == 0 && setrlimit(RLIMIT_MEMLOCK, &all) == 0;
	probe->map = make_map();
	if (probe->map >= 0)
		probe->reclaim = attach_reclaim(probe->map);
	if (probe->reclaim >= 0)
		probe->end = attach_end(probe->map);
	if (raised)
		(void)setrlimit(RLIMIT_MEMLOCK, &before);
	if (probe->end < 0)
		probe_close(probe);
	return probe->end >= 0;
}

void probe_close(struct probe *probe)
{
	fd_close_var(&probe->end);
	fd_close_var(&probe->reclaim);
	fd_close_var(&probe->map);
}

bool probe_add(const struct probe *probe, pid_t tid)
{
	union bpf_attr attr;
	uint32_t key = (uint32_t)tid;
	uint64_t value = 0;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)probe->map;
	attr.key = (uint64_t)(uintptr_t)&key;
	attr.value = (uint64_t)(uintptr_t)&value;
	return bpf(BPF_MAP_UPDATE_ELEM, &attr) == 0;
}

void probe_remove(const struct probe *probe, pid_t tid)
{
	union bpf_attr attr;
	uint32_t key = (uint32_t)tid;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)probe->map;
	attr.key = (uint64_t)(uintptr_t)&key;
	(void)bpf(BPF_MAP_DELETE_ELEM, &attr);
}

/* The kernel's own, and not one that somebody sent to stop the program. */
bool probe_is_ours(pid_t tid, int signal)
{
	siginfo_t info;

	return signal == SIGSTOP && ptrace(PTRACE_GETSIGINFO, tid, 0, &info) == 0 &&
	       info.si_code == SI_KERNEL;
}
