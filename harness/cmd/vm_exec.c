/*
 * See vm_exec.h. What the command prints comes over the channel and not the console, on which the
 * kernel speaks as well.
 */
#include "harness/cmd/vm_exec.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/vm_accel.h"
#include "harness/cmd/vm_image.h"
#include "harness/cmd/vm_run_internal.h"
#include "harness/cmd/vm_words.h"
#include "harness/record/bytes.h"

static void on_line(void *data, json_t *line)
{
	static const struct {
		const char *name;
		int fd;
	} streams[] = {{"out", STDOUT_FILENO}, {"err", STDERR_FILENO}};

	(void)data;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		STR_AUTO bytes = STR_INIT;
		if (bytes_from_json(json_object_get(line, streams[i].name), &bytes))
			(void)fd_write_full(streams[i].fd, str_text(&bytes), bytes.len);
	}
}

static void on_console(void *data, const char *bytes, size_t n)
{
	const struct vm_run *run = data;

	if (run->values->console)
		(void)fwrite(bytes, 1, n, stderr);
}

static int run_command(const struct vm_run *run, struct machine *machine, struct err *err)
{
	uint64_t timeout_ns = run->values->timeout_ns;
	char time[PARSE_TEXT_MAX];
	json_t *line = json_pack("{s:{s:s}}", "exec", "command", run->values->exec);

	if (!line)
		return err_set(err, EINVAL, "--exec: the command is no UTF-8");
	if (run->on_ready)
		run->on_ready(run->data, machine);
	int r = machine_send(machine, line, err);
	json_decref(line);
	if (r >= 0)
		r = machine_run(machine, NULL, timeout_ns, err);
	if (r == -ETIMEDOUT) {
		fprintf(stderr, "oomlab vm: the command did not end within %s (--timeout)\n",
			format_duration(timeout_ns, time));
		return VM_EXEC_TIMEOUT;
	}
	return r;
}

/* A machine that dies before it is ready has not been asked anything: once more. */
static int boot(const struct machine_options *options, struct machine **ret, struct err *err)
{
	int r = -ENOTRECOVERABLE;

	for (int i = 0; i < VM_BOOTS && r == -ENOTRECOVERABLE; i++) {
		machine_free(*ret);
		*ret = NULL;
		r = machine_start(options, ret, err);
	}
	return r;
}

int vm_exec(struct vm_run *run, struct err *err)
{
	const struct vm_image_request request = vm_run_request(run);
	MEM_AUTO char *append = vm_words_kernel(run->values, run->cgroup);
	json_t *words = json_array();
	FD_AUTO initrd = vm_image_build(&request, words, false, err);
	struct machine *machine = NULL;
	int r = initrd < 0 ? initrd : 0;

	json_decref(words);
	if (r >= 0) {
		struct machine_options options = vm_run_machine(run, initrd, append);
		options.line = on_line;
		options.console = on_console;
		options.data = run;
		options.interrupt_fd = run->interrupt_fd;
		vm_run_tell_gdb(run);
		r = vm_accel(run, initrd, append, &options.qemu.kvm, err);
		if (r >= 0)
			r = boot(&options, &machine, err);
		if (r >= 0)
			r = run_command(run, machine, err);
		if (r < 0 && machine && r != -EINTR && r != -EINVAL)
			vm_run_tell_console(machine);
	}
	machine_free(machine);
	return r;
}
