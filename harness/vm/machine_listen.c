/*
 * See machine_internal.h: what comes from a machine, by its console, its channel and QEMU's control
 * socket, and that QEMU has ended.
 */
#include "harness/vm/machine_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	CONSOLE_MAX = 16 * 1024 * 1024, /* a guest that floods it loses the rest */
	LINE_MAX_BYTES = 64 * 1024 * 1024,
};

static void take_ready(struct machine *machine, const json_t *ready)
{
	const char *kernel = json_string_value(json_object_get(ready, "kernel"));
	const char *troubles = json_string_value(json_object_get(ready, "troubles"));
	const char *lack = json_string_value(json_object_get(ready, "lack"));

	str_add(&machine->kernel, kernel ? kernel : "");
	str_add(&machine->troubles, troubles ? troubles : "");
	str_add(&machine->lack, lack ? lack : "");
	if (machine->options.qemu.icount)
		machine->ready = true; /* whatever came over a port would come at another moment */
	else
		machine_wake(machine);
}

static void take_line(struct machine *machine)
{
	json_error_t error;
	json_t *line = json_loadb(machine->line.s, machine->line.len, 0, &error);
	json_t *done = json_object_get(line, "done");

	if (!line) {
		machine->broken_channel = true;
	} else if (json_object_get(line, "ready")) {
		take_ready(machine, json_object_get(line, "ready"));
	} else if (json_object_get(line, "awake")) {
		machine->ready = true;
	} else if (done) {
		machine->status = (int)json_integer_value(done);
		machine->done = true;
	} else if (machine->options.line) {
		machine->options.line(machine->options.data, line);
	}
	json_decref(line);
}

static void take_channel(struct machine *machine, const char *bytes, size_t n)
{
	const char *end;

	while ((end = memchr(bytes, '\n', n)) != NULL) {
		str_addn(&machine->line, bytes, (size_t)(end - bytes));
		if (machine->line.len)
			take_line(machine);
		machine->line.len = 0;
		n -= (size_t)(end + 1 - bytes);
		bytes = end + 1;
	}
	if (machine->line.len + n < LINE_MAX_BYTES)
		str_addn(&machine->line, bytes, n);
}

static void take_console(struct machine *machine, const char *bytes, size_t n)
{
	if (machine->options.console)
		machine->options.console(machine->options.data, bytes, n);
	for (size_t i = 0; i < n && machine->console.len < CONSOLE_MAX; i++)
		if (bytes[i] != '\r')
			str_addn(&machine->console, bytes[i] ? &bytes[i] : "?", 1);
}

/* Until nothing more is there: QEMU's end must not overtake what it has sent. */
static bool drain(struct machine *machine, int fd,
		  void (*take)(struct machine *machine, const char *bytes, size_t n))
{
	char bytes[65536];
	ssize_t n;

	while (fd >= 0 && (n = read(fd, bytes, sizeof(bytes))) > 0)
		take(machine, bytes, (size_t)n);
	return fd >= 0 && n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void on_console(void *data, int fd, uint32_t events)
{
	struct machine *machine = data;

	(void)events;
	if (!drain(machine, fd, take_console)) {
		loop_remove(machine->sources[0]);
		machine->sources[0] = NULL;
	}
}

static void on_channel(void *data, int fd, uint32_t events)
{
	struct machine *machine = data;

	(void)events;
	if (!drain(machine, fd, take_channel)) {
		loop_remove(machine->sources[1]);
		machine->sources[1] = NULL;
	}
}

static void on_control(void *data, int fd, uint32_t events)
{
	struct machine *machine = data;

	(void)events;
	if (!drain(machine, fd, machine_take_control)) {
		loop_remove(machine->sources[3]);
		machine->sources[3] = NULL;
	}
}

static void on_gone(void *data, int fd, uint32_t events)
{
	struct machine *machine = data;

	(void)fd;
	(void)events;
	loop_remove(machine->sources[2]);
	machine->sources[2] = NULL;
	machine->gone = true;
}

static void on_interrupt(void *data, int fd, uint32_t events)
{
	struct machine *machine = data;

	(void)fd;
	(void)events;
	machine->interrupted = true;
}

int machine_listen(struct machine *machine, struct err *err)
{
	struct qemu *qemu = &machine->qemu;
	int r = 0;

	if (!machine->loop)
		r = loop_new(&machine->own_loop, err);
	if (!machine->loop)
		machine->loop = machine->own_loop;
	if (r >= 0)
		r = loop_add(machine->loop, qemu->console, EPOLLIN, on_console, machine,
			     &machine->sources[0], err);
	if (r >= 0)
		r = loop_add(machine->loop, qemu->channel, EPOLLIN, on_channel, machine,
			     &machine->sources[1], err);
	if (r >= 0)
		r = loop_add(machine->loop, qemu->pidfd, EPOLLIN, on_gone, machine,
			     &machine->sources[2], err);
	if (r >= 0 && qemu->control >= 0)
		r = loop_add(machine->loop, qemu->control, EPOLLIN, on_control, machine,
			     &machine->sources[3], err);
	if (r >= 0 && machine->options.interrupt_fd >= 0)
		r = loop_add(machine->loop, machine->options.interrupt_fd, EPOLLIN, on_interrupt,
			     machine, &machine->sources[4], err);
	return r;
}

void machine_hear_last(struct machine *machine)
{
	(void)drain(machine, machine->qemu.console, take_console);
	(void)drain(machine, machine->qemu.channel, take_channel);
	for (int i = 0; i < 4; i++) {
		loop_remove(machine->sources[i]);
		machine->sources[i] = NULL;
	}
}
