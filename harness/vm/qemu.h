/*
 * One QEMU process: its command line, its two serial ports as sockets, its end. It dies with its
 * parent (PR_SET_PDEATHSIG), its memory is bounded, and nothing of it is in a file.
 */
#ifndef OOMLAB_VM_QEMU_H
#define OOMLAB_VM_QEMU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct qemu_config {
	const char *program; /* NULL: qemu-system-x86_64 of $PATH */
	int kernel_fd;	     /* an ELF vmlinux with a PVH entry */
	int initrd_fd;
	const char *append; /* kernel command line */
	uint64_t memory_bytes;
	unsigned cpus;
	unsigned nodes;	  /* NUMA nodes; 0, 1: none */
	bool icount;	  /* instructions are the clock: the same run again, bit for bit */
	unsigned shift;	  /* of icount: 2^shift ns an instruction */
	uint64_t seed;	  /* of QEMU's random numbers, with icount */
	const char *disk; /* a raw file as the first virtio disk; NULL: none (needs PCI) */
	const char *gdb;  /* where it waits for a debugger: a TCP port or a path with a slash */
	bool kvm;	  /* the hardware runs it; else TCG does */
	bool control;	  /* has a control socket (QMP) */
	int restore_fd;	  /* goes on from what is saved here, instead of booting; -1: none */
};

struct qemu {
	pid_t pid; /* 0: none */
	int pidfd;
	int console, channel, control; /* sockets, non-blocking; -1 */
};

/* The guest's side of them, -1: none. */
struct qemu_ports {
	int console, channel, control;
};

/* Words of the command line, NULL-terminated; freed by qemu_free_words(). */
char **qemu_words(const struct qemu_config *config, const struct qemu_ports *ports);
void qemu_free_words(char **words);

int qemu_start(const struct qemu_config *config, struct qemu *ret, struct err *err);
/* Kills it if it lives, reaps it and closes everything. Returns its wait status, -1: none. */
int qemu_end(struct qemu *qemu);

/* Its version with the distribution's, "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"; -ENOPKG with what
 * to install when there is none. */
int qemu_version(const char *program, char *buf, size_t size, struct err *err);

#endif
