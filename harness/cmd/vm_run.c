/*
 * See vm_run.h. A machine that ends in the middle leaves what it said, the scenario under way gets
 * its verdict from how it ended, and the next machine goes on behind it.
 */
#include "harness/cmd/vm_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/vm_evidence.h"
#include "harness/cmd/vm_image.h"
#include "harness/cmd/vm_run_internal.h"
#include "harness/cmd/vm_unbooted.h"
#include "harness/cmd/vm_words.h"

enum {
	CONSOLE_LINES = 15,
	ICOUNT_SHIFT = 1, /* 2 ns an instruction: 500 MIPS */
};

#define MACHINE_NS 600000000000ULL /* for all that it runs, by the host's clock */

static void on_line(void *data, json_t *line)
{
	struct vm_run *run = data;

	vm_stream_line(&run->stream, line);
}

static void on_console(void *data, const char *bytes, size_t n)
{
	const struct vm_run *run = data;

	if (run->values->console)
		(void)fwrite(bytes, 1, n, stderr);
}

void vm_run_tell_console(const struct machine *machine)
{
	STR_AUTO tail = STR_INIT;

	machine_tail(machine, CONSOLE_LINES, &tail);
	if (!tail.len)
		return;
	fprintf(stderr, "the guest's console ended with:\n");
	cmd_print_clean(stderr, str_text(&tail));
}

/* ---- a machine ------------------------------------------------------------------------------ */

/* -EAGAIN: it died before it was ready, another try is fair. */
static int boot(const struct machine_options *options, struct machine **ret, struct err *err)
{
	int r = machine_start(options, ret, err);

	if (r >= 0 || !*ret)
		return r;
	enum machine_end end = machine_ended(*ret);
	bool again = end == MACHINE_PANIC || end == MACHINE_RESET;
	if (r != -EINTR) {
		fprintf(stderr, "oomlab vm: the machine did not get ready: ");
		cmd_print_clean(stderr, err->text);
		vm_run_tell_console(*ret);
	}
	machine_free(*ret);
	*ret = NULL;
	return again ? -EAGAIN : r;
}

static int start(const struct machine_options *options, struct machine **ret, struct err *err)
{
	int r = -EAGAIN;

	*ret = NULL;
	for (int i = 0; i < VM_BOOTS && r == -EAGAIN; i++)
		r = boot(options, ret, err);
	if (r < 0 && r != -EINTR)
		err_wrap(err, "nothing was run");
	return r == -EAGAIN ? -(err->code = ENOTRECOVERABLE) : r;
}

size_t vm_run_keep_console(struct vm_run *run, const struct machine *machine)
{
	run->consoles = mem_grow(run->consoles, run->n_consoles + 1, sizeof(*run->consoles));
	run->consoles[run->n_consoles] = mem_dup(machine_console(machine));
	if (!run->machines)
		run->machines = json_array();
	json_array_append_new(run->machines,
			      vm_evidence_machine(run->n_consoles, machine_console(machine),
						  run->image_sha256, machine_append(machine)));
	return run->n_consoles++;
}

/* A panic that was expected is nothing to complain of. */
static void tell_end(const struct machine *machine, const struct record *record,
		     const struct err *err)
{
	if (machine_ended(machine) == MACHINE_PANIC && record->n &&
	    record->results[record->n - 1]->verdict == VERDICT_PASS)
		return;
	fprintf(stderr, "oomlab vm: ");
	cmd_print_clean(stderr, err->text);
	vm_run_tell_console(machine);
}

/* Lets it run what is left. *ret_more: another machine is to go on where this one ended. */
static int run_in(struct vm_run *run, struct machine *machine, bool *ret_more, struct err *err)
{
	size_t before = run->stream.record ? run->stream.record->n : 0;
	int status = machine_run(machine, NULL, run->values->gdb ? UINT64_MAX : MACHINE_NS, err);

	(void)vm_run_keep_console(run, machine);
	const struct record *record = run->stream.record;
	if (status == -EINTR || !record) {
		if (status >= 0)
			vm_run_tell_console(machine);
		return status;
	}
	enum machine_end end = machine_ended(machine);
	if (status < 0)
		vm_stream_end_of_machine(&run->stream, machine);
	if (status < 0)
		tell_end(machine, record, err);
	bool may = status >= 0 || end == MACHINE_PANIC || end == MACHINE_RESET;
	*ret_more = record->n > before && may && record->n < record->planned;
	return 0;
}

struct machine_options vm_run_machine(const struct vm_run *run, int initrd, const char *append)
{
	const struct vm_values *values = run->values;

	return (struct machine_options){.qemu = {.kernel_fd = run->kernel->fd,
						 .initrd_fd = initrd,
						 .append = append,
						 .memory_bytes = values->memory_bytes,
						 .icount = values->seed != UINT64_MAX,
						 .shift = ICOUNT_SHIFT,
						 .seed = values->seed,
						 .cpus = (unsigned)values->cpus,
						 .nodes = (unsigned)values->nodes,
						 .disk_bytes = values->disk_bytes,
						 .gdb = values->gdb,
						 .restore_fd = -1},
					.boot_ns = values->gdb ? UINT64_MAX : values->boot_ns,
					.interrupt_fd = -1};
}

void vm_run_tell_gdb(const struct vm_run *run)
{
	const char *where = run->values->gdb;

	if (where)
		fprintf(stderr,
			"oomlab vm: the machine waits for a debugger:\n"
			"  gdb -ex 'target remote %s%s' [the vmlinux of '%s' with its symbols]\n",
			strchr(where, '/') ? "" : "localhost:", where, run->kernel->name);
}

struct vm_wish vm_run_wish(const struct vm_run *run)
{
	return (struct vm_wish){run->values, run->kernel->name, run->cgroup, run->scenarios,
				run->n_scenarios};
}

struct vm_image_request vm_run_request(const struct vm_run *run)
{
	const struct vm_values *values = run->values;

	return (struct vm_image_request){.kernel = run->kernel,
					 .with = &values->with,
					 .wish = vm_run_wish(run),
					 .swap = values->swap != NULL,
					 .person = values->shell || values->exec};
}

/* 'after': the last scenario that has its verdict, NULL: none. */
static int build_image(const struct vm_run *run, const char *after, struct err *err)
{
	const struct vm_values *values = run->values;
	const struct vm_image_request request = vm_run_request(run);
	json_t *words = vm_words_run(values, after);
	int fd = vm_image_build(&request, words, true, err);

	json_decref(words);
	return fd;
}

int vm_run_image(const struct vm_run *run, struct err *err)
{
	return build_image(run, NULL, err);
}

static int one_machine(struct vm_run *run, bool *ret_more, struct err *err)
{
	const struct vm_values *values = run->values;
	const struct record *record = run->stream.record;
	const char *after = record ? record->results[record->n - 1]->name : NULL;
	MEM_AUTO char *append = vm_words_kernel(values, run->cgroup);
	bool given = !after && run->initrd >= 0;
	FD_AUTO own = given ? -1 : build_image(run, after, err);
	int initrd = given ? run->initrd : own;
	struct machine *machine = NULL;
	struct machine_options options = vm_run_machine(run, initrd, append);

	options.line = on_line;
	options.console = on_console;
	options.data = run;
	options.interrupt_fd = run->interrupt_fd;
	vm_run_tell_gdb(run);
	int r = initrd < 0 ? initrd : sha256_of_fd(initrd, run->image_sha256, err);
	if (r >= 0)
		r = start(&options, &machine, err);
	if (r >= 0) {
		if (!record && run->on_ready)
			run->on_ready(run->data, machine);
		r = run_in(run, machine, ret_more, err);
	}
	machine_free(machine);
	return r;
}

/* ---- all ------------------------------------------------------------------------------------ */

static int one_by_one(struct vm_run *run, struct err *err)
{
	bool more = true;
	int r = 0;

	while (more) {
		more = false;
		r = one_machine(run, &more, err);
	}
	if (!run->stream.record || r == -EINTR || r >= 0)
		return r;
	fprintf(stderr, "oomlab vm: ");
	cmd_print_clean(stderr, err->text);
	return 0;
}

/* What a kernel or its machines do, not what this machine lacks. */
static bool is_unbooted(const struct vm_run *run, int r)
{
	return !run->stream.record && (r == -ENOTRECOVERABLE || r == -ETIMEDOUT || r == -EPROTO);
}

int vm_run(struct vm_run *run, struct err *err)
{
	int r = run->kernel->why_not ? err_set(err, ENOTRECOVERABLE, "%s", run->kernel->why_not)
		: run->values->seed == UINT64_MAX ? vm_fleet(run, err)
						  : one_by_one(run, err);
	struct err ignored;

	if (!is_unbooted(run, r))
		return r;
	MEM_AUTO char *why = mem_dup(err->text);
	return vm_unbooted(run, why, &ignored) < 0 ? r : 0;
}

void vm_run_clear(struct vm_run *run)
{
	vm_stream_clear(&run->stream);
	for (size_t i = 0; i < run->n_consoles; i++)
		free(run->consoles[i]);
	free(run->consoles);
	json_decref(run->machines);
	run->machines = NULL;
	run->consoles = NULL;
	run->n_consoles = 0;
}

/* Half of one would be no evidence. */
static int save_console(const char *text, int dir, const char *name, struct err *err)
{
	FD_AUTO fd = fd_open_at(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	int r = fd < 0 ? 0 : fd_write_full(fd, text, strlen(text));

	if (r < 0)
		(void)unlinkat(dir, name, 0);
	return fd < 0 ? fd : r < 0 ? err_errno(err, -r, "cannot write '%s'", name) : 0;
}

int vm_run_save_consoles(const struct vm_run *run, int dir, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < run->n_consoles && r >= 0; i++) {
		MEM_AUTO char *name = vm_evidence_console(i);
		r = save_console(run->consoles[i], dir, name, err);
	}
	return r;
}
