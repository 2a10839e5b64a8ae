/*
 * See machine.h.
 */
#include "harness/vm/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/vm/channel.h"
#include "harness/vm/delay.h"
#include "harness/vm/machine_internal.h"

enum {
	CONSOLE_MAX = 16 * 1024 * 1024, /* a guest that floods it loses the rest */
	LINE_MAX_BYTES = 64 * 1024 * 1024,
};
#define OFF_NS 5000000000ULL

const char *machine_end_name(enum machine_end end)
{
	static const char *const names[] = {
		[MACHINE_RUNS] = "runs",
		[MACHINE_OFF] = "off",
		[MACHINE_PANIC] = "panic",
		[MACHINE_RESET] = "reset",
		[MACHINE_FAILED] = "failed",
		[MACHINE_TIMEOUT] = "timeout",
		[MACHINE_GARBLED] = "garbage on its channel",
	};

	return names[end];
}

/* ---- what comes ----------------------------------------------------------------------------- */

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

/* ---- its end -------------------------------------------------------------------------------- */

static void find_panic(struct machine *machine)
{
	static const char words[] = "Kernel panic - not syncing: ";
	const char *at = machine->console.s ? strstr(machine->console.s, words) : NULL;

	if (at && !machine->panic.len)
		str_addf(&machine->panic, "%.*s", (int)strcspn(at + strlen(words), "\n"),
			 at + strlen(words));
}

static void collect_end(struct machine *machine)
{
	if (!machine->qemu.pid)
		return;
	(void)drain(machine, machine->qemu.console, take_console);
	(void)drain(machine, machine->qemu.channel, take_channel);
	for (int i = 0; i < 4; i++) {
		loop_remove(machine->sources[i]);
		machine->sources[i] = NULL;
	}
	machine->wait_status = qemu_end(&machine->qemu);
	machine->gone = true;
	find_panic(machine);
}

enum machine_end machine_ended(const struct machine *machine)
{
	int status = machine->wait_status;

	if (machine->broken_channel)
		return MACHINE_GARBLED;
	if (machine->timed_out)
		return MACHINE_TIMEOUT;
	if (!machine->gone)
		return MACHINE_RUNS;
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHANNEL_EXIT_STATUS)
		return MACHINE_OFF;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return MACHINE_FAILED;
	return machine->panic.len ? MACHINE_PANIC : MACHINE_RESET;
}

/* ---- waiting -------------------------------------------------------------------------------- */

static uint64_t machine_in(uint64_t ns)
{
	return ns == UINT64_MAX ? UINT64_MAX : clock_ns() + ns;
}

static uint64_t delay_ns(const struct machine *machine)
{
	return machine ? delay_of(machine->qemu.pid) : 0;
}

struct machine_deadline machine_deadline(const struct machine *machine, uint64_t at_ns)
{
	return (struct machine_deadline){at_ns, delay_ns(machine)};
}

/* On a busy host a machine can be without a CPU for most of its time. */
bool machine_is_late(const struct machine *machine, struct machine_deadline *deadline)
{
	if (clock_ns() < deadline->at_ns)
		return false;
	uint64_t delay = delay_ns(machine);
	if (delay > deadline->delay_ns)
		deadline->at_ns += delay - deadline->delay_ns;
	deadline->delay_ns = delay;
	return clock_ns() >= deadline->at_ns;
}

/* 0: *flag became true. */
int machine_wait(struct machine *machine, const bool *flag, uint64_t deadline_ns, struct err *err)
{
	struct machine_deadline deadline = machine_deadline(machine, deadline_ns);

	while (!*flag) {
		if (machine->interrupted)
			return err_set(err, EINTR, "interrupted");
		if (machine->broken_channel)
			return err_set(err, EPROTO, "the guest's answer is no JSON line");
		if (machine->gone) {
			collect_end(machine);
			if (*flag)
				return 0;
			return err_set(err, ENOTRECOVERABLE, "the machine ended (%s%s%s)",
				       machine_end_name(machine_ended(machine)),
				       machine->panic.len ? ": " : "", str_text(&machine->panic));
		}
		if (machine_is_late(machine, &deadline)) {
			machine->timed_out = true;
			collect_end(machine);
			return err_set(err, ETIMEDOUT, "no answer within its time");
		}
		int r = loop_wait(machine->loop, deadline.at_ns, err);
		if (r < 0 && r != -EINTR)
			return r;
	}
	return 0;
}

static int watch(struct machine *machine, struct err *err)
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

int machine_launch(const struct machine_options *options, struct machine **ret, struct err *err)
{
	struct machine *machine = mem_zero(1, sizeof(*machine));

	machine->options = *options;
	machine->loop = options->loop;
	int r = qemu_start(&options->qemu, &machine->qemu, err);
	if (r < 0) {
		free(machine);
		return r;
	}
	*ret = machine;
	r = watch(machine, err);
	if (r >= 0 && machine->qemu.control >= 0)
		machine_greet(machine);
	return r;
}

int machine_start(const struct machine_options *options, struct machine **ret, struct err *err)
{
	int r = machine_launch(options, ret, err);

	return r < 0 ? r : machine_wait(*ret, &(*ret)->ready, machine_in(options->boot_ns), err);
}

/* ---- work ----------------------------------------------------------------------------------- */

/* The guest reads its port slowly (no flow control): QEMU takes what the socket holds as the guest
 * reads, so all of a request fits into the socket's buffer or is waited for. */
int machine_send(struct machine *machine, const json_t *line, struct err *err)
{
	MEM_AUTO char *text = json_dumps(line, JSON_COMPACT);
	MEM_AUTO char *whole = mem_printf("%s\n", text);

	int r = fd_write_full(machine->qemu.channel, whole, strlen(whole));
	return r < 0 ? err_errno(err, -r, "cannot send to the guest") : 0;
}

int machine_run(struct machine *machine, const json_t *words, uint64_t timeout_ns, struct err *err)
{
	json_t *line = words ? json_pack("{s:O}", "run", words) : NULL;
	int r = 0;

	if (line)
		machine->done = false;
	if (line && machine->gone)
		r = err_set(err, ENOTRECOVERABLE, "the machine has ended");
	if (line && r >= 0)
		r = machine_send(machine, line, err);
	json_decref(line);
	if (r >= 0)
		r = machine_wait(machine, &machine->done, machine_in(timeout_ns), err);
	return r < 0 ? r : machine->status;
}

void machine_quit(struct machine *machine)
{
	struct err ignored;
	json_t *quit = json_pack("{s:b}", "quit", 1);

	if (machine->qemu.pid && !machine->gone && machine->ready)
		(void)machine_send(machine, quit, &ignored);
	json_decref(quit);
}

void machine_stop(struct machine *machine, bool timed_out)
{
	if (timed_out)
		machine_note_state(machine);
	machine->timed_out = machine->timed_out || timed_out;
	collect_end(machine);
}

void machine_free(struct machine *machine)
{
	struct err ignored;

	if (!machine)
		return;
	if (machine->qemu.pid && !machine->gone && machine->ready) {
		machine_quit(machine);
		machine->interrupted = false;
		(void)machine_wait(machine, &machine->gone, clock_ns() + OFF_NS, &ignored);
	}
	collect_end(machine);
	loop_remove(machine->sources[4]);
	loop_free(machine->own_loop);
	str_free(&machine->control);
	str_free(&machine->console);
	str_free(&machine->line);
	str_free(&machine->kernel);
	str_free(&machine->troubles);
	str_free(&machine->lack);
	str_free(&machine->panic);
	free(machine);
}

bool machine_is_ready(const struct machine *machine)
{
	return machine->ready;
}

bool machine_is_gone(const struct machine *machine)
{
	return machine->gone;
}

bool machine_is_garbled(const struct machine *machine)
{
	return machine->broken_channel;
}

void machine_type(struct machine *machine, const char *bytes, size_t n)
{
	(void)fd_write_full(machine->qemu.console, bytes, n);
}

int machine_wait_done(struct machine *machine, struct err *err)
{
	return machine_wait(machine, &machine->done, UINT64_MAX, err);
}

bool machine_is_done(const struct machine *machine, int *ret_status)
{
	if (machine->done)
		*ret_status = machine->status;
	return machine->done;
}

/* ---- what is known of it -------------------------------------------------------------------- */

const char *machine_kernel(const struct machine *machine)
{
	return str_text(&machine->kernel);
}

const char *machine_troubles(const struct machine *machine)
{
	return str_text(&machine->troubles);
}

const char *machine_lack(const struct machine *machine)
{
	return str_text(&machine->lack);
}

const char *machine_console(const struct machine *machine)
{
	return str_text(&machine->console);
}

const char *machine_panic(const struct machine *machine)
{
	return str_text(&machine->panic);
}

const char *machine_append(const struct machine *machine)
{
	return machine->options.qemu.append;
}

void machine_tail(const struct machine *machine, int lines, struct str *out)
{
	const char *text = str_text(&machine->console);
	const char *at = text + machine->console.len;

	if (at > text && at[-1] == '\n')
		at--;
	while (at > text && (at[-1] != '\n' || --lines > 0))
		at--;
	str_add(out, at);
}
