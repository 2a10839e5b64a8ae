/*
 * The options of 'oomlab vm' as they were given.
 */
#ifndef OOMLAB_CMD_VM_VALUES_H
#define OOMLAB_CMD_VM_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opts.h"

enum { VM_TCG, VM_KVM, VM_AUTO };

struct vm_values {
	struct opt_list kernels, params, filters, with;
	const char *cgroups, *swap, *append, *output, *results, *replay, *seeds;
	uint64_t memory_bytes, cpus, nodes, repeat, boot_ns;
	uint64_t timeout_ns; /* of a scenario; UINT64_MAX: its own */
	uint64_t jobs;	     /* machines at once; 0: as many as this machine has CPUs */
	uint64_t seed;	     /* UINT64_MAX: none, time runs free */
	int format, colour;
	bool verbose, console, snapshot, shell, shrink;
	const char *exec;    /* a command instead of scenarios; NULL: none */
	const char *gdb;     /* a port or a socket; NULL: none */
	uint64_t disk_bytes; /* of --swap=SIZE:disk; 0: none */
	int accel;	     /* of VM_TCG, ... */
};

#endif
