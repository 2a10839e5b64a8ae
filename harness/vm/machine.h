/*
 * A virtual machine under way: started, ready, given work, ended. One loop for its console, its
 * channel and its end; everything has a deadline. Nothing that the console prints is taken for an
 * answer; it is kept as evidence.
 */
#ifndef OOMLAB_VM_MACHINE_H
#define OOMLAB_VM_MACHINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/loop.h"
#include "base/str.h"
#include "harness/vm/qemu.h"

enum machine_end {
	MACHINE_RUNS,
	MACHINE_OFF,	 /* by its own will */
	MACHINE_PANIC,	 /* the console says so, and it stopped */
	MACHINE_RESET,	 /* stopped without a panic's text: a triple fault, a reboot */
	MACHINE_FAILED,	 /* QEMU itself ended with an error or was killed */
	MACHINE_TIMEOUT, /* the deadline passed: killed */
	MACHINE_GARBLED, /* its channel said what is no JSON line: killed */
};
const char *machine_end_name(enum machine_end end); /* "panic", ... */

struct machine_options {
	struct qemu_config qemu;
	uint64_t boot_ns; /* to be ready in */
	/* Lines of the channel but "ready" and "done" (borrowed). */
	void (*line)(void *data, json_t *line);
	/* The console, as it comes. May be NULL. */
	void (*console)(void *data, const char *bytes, size_t n);
	void *data;
	int interrupt_fd;  /* readable: give up (a signalfd); -1: none */
	struct loop *loop; /* that many machines share (borrowed); NULL: one of its own */
};

struct machine;

/* Starts it, with a loop of the caller's, who calls loop_wait() until one of these is true, and for
 * whom 'boot_ns' means nothing. *ret is there in any case but a failed start. */
int machine_launch(const struct machine_options *options, struct machine **ret, struct err *err);
bool machine_is_ready(const struct machine *machine);
bool machine_is_gone(const struct machine *machine); /* machine_stop() collects how it ended */
bool machine_is_garbled(const struct machine *machine);
/* What it was told to run has ended; *ret_status: with this. */
bool machine_is_done(const struct machine *machine, int *ret_status);
/* How long the host has kept it waiting for a CPU since it began, see delay.h. NULL: 0. */
uint64_t machine_delay_ns(const struct machine *machine);
/* A moment until which something has to have happened. It is moved by what the host keeps the
 * machine waiting for a CPU, see delay.h. */
struct machine_deadline {
	uint64_t at_ns; /* UINT64_MAX: none */
	uint64_t delay_ns;
};
/* 'machine' may be NULL, one that is still to be started. */
struct machine_deadline machine_deadline(const struct machine *machine, uint64_t at_ns);
bool machine_is_late(const struct machine *machine, struct machine_deadline *deadline);
/* A line for the guest (channel.h). */
int machine_send(struct machine *machine, const json_t *line, struct err *err);
/* Keys for its console. */
void machine_type(struct machine *machine, const char *bytes, size_t n);
/* Waits, without a deadline, until what it was told has ended. */
int machine_wait_done(struct machine *machine, struct err *err);
/* Asks it to switch off, and does not wait. */
void machine_quit(struct machine *machine);
/* Makes sure that it has ended, and collects what it said last. */
void machine_stop(struct machine *machine, bool timed_out);

/* Starts it and waits until it is ready. -ETIMEDOUT, -ENOTRECOVERABLE (it ended: see
 * machine_ended()), -EINTR; *ret is there in any case but a failed start. */
int machine_start(const struct machine_options *options, struct machine **ret, struct err *err);
/* "6.1.0-56-cloud-amd64", and what the guest could not set up, a line each. */
const char *machine_kernel(const struct machine *machine);
const char *machine_troubles(const struct machine *machine);
/* What its kernel does not have and no scenario can do without, "" as a rule: all that it is told
 * to run comes back as broken. */
const char *machine_lack(const struct machine *machine);

/* Lets the guest run 'oomlab WORDS...' (NULL: the image says what) and waits until it has ended.
 * Returns its exit status; -ETIMEDOUT after timeout_ns, -ENOTRECOVERABLE when the machine ended,
 * -EINTR. */
int machine_run(struct machine *machine, const json_t *words, uint64_t timeout_ns, struct err *err);

/* Writes a ready machine's state to a file (a memfd) from which any number of machines with the
 * same options can go on, each by qemu_config.restore_fd: a description of its own of that file,
 * since it has an offset. This one goes on, too. Needs qemu_config.control. -EOPNOTSUPP with what
 * QEMU said: it cannot; the machine is as before. */
int machine_save(struct machine *machine, int fd, struct err *err);

enum machine_end machine_ended(const struct machine *machine);
/* All of the console so far, without carriage returns; its last lines; a panic's text, "" without.
 */
const char *machine_console(const struct machine *machine);
void machine_tail(const struct machine *machine, int lines, struct str *out);
const char *machine_panic(const struct machine *machine);
const char *machine_append(const struct machine *machine); /* its kernel's command line */

/* Asks it to switch off, waits at most a few seconds, and makes sure that nothing of it is left. */
void machine_free(struct machine *machine);

#endif
