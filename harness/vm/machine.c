/*
 * See machine.h.
 */
#include "harness/vm/machine.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/vm/channel.h"
#include "harness/vm/delay.h"
#include "harness/vm/machine_internal.h"

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

/* ---- its end -------------------------------------------------------------------------------- */

/* The kernel's own line, which has a time before it (printk.time=1), and no program's that prints
 * these words. */
static void find_panic(struct machine *machine)
{
	static const char words[] = "] Kernel panic - not syncing: ";
	const char *start = str_text(&machine->console), *at = start;

	while ((at = strstr(at, words)) != NULL && !machine->panic.len) {
		const char *text = at + strlen(words);
		if (at > start && isdigit((unsigned char)at[-1]))
			str_addf(&machine->panic, "%.*s", (int)strcspn(text, "\n"), text);
		at = text;
	}
}

static void collect_end(struct machine *machine)
{
	if (!machine->qemu.pid)
		return;
	machine_hear_last(machine);
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

uint64_t machine_delay_ns(const struct machine *machine)
{
	return machine ? delay_of(machine->qemu.pid) : 0;
}

struct machine_deadline machine_deadline(const struct machine *machine, uint64_t at_ns)
{
	return (struct machine_deadline){at_ns, machine_delay_ns(machine)};
}

/* On a busy host a machine can be without a CPU for most of its time. */
bool machine_is_late(const struct machine *machine, struct machine_deadline *deadline)
{
	if (clock_ns() < deadline->at_ns)
		return false;
	uint64_t delay = machine_delay_ns(machine);
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
	r = machine_listen(machine, err);
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
