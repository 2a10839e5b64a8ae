/*
 * Tells which system calls ran into their group's limit, without stopping any other: two BPF
 * programs, one on the kernel's reclaim for a group, one on the end of system calls. Whoever of the
 * followed threads had memory reclaimed within a call is sent a SIGSTOP at its end, before it is
 * back in its program: a tracer sees that as any signal, and can look at the call's result.
 *
 * Needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, the first pid namespace, CONFIG_BPF_EVENTS and
 * CONFIG_FTRACE_SYSCALLS, Linux 5.5 (bpf_send_signal_thread).
 */
#ifndef OOMLAB_SIZE_PROBE_H
#define OOMLAB_SIZE_PROBE_H

#include <stdbool.h>
#include <sys/types.h>

struct probe {
	int map;	  /* tid -> whether memory was reclaimed in its call */
	int reclaim, end; /* what is attached */
};

#define PROBE_NONE ((struct probe){-1, -1, -1})

/* False, and nothing is open: this kernel, or what we may do here, does not allow it. */
bool probe_open(struct probe *probe);
void probe_close(struct probe *probe);
/* A thread to look at. False: there are too many. */
bool probe_add(const struct probe *probe, pid_t tid);
void probe_remove(const struct probe *probe, pid_t tid);
/* Whether the signal that stopped this tracee is the probe's. */
bool probe_is_ours(pid_t tid, int signal);

#endif
