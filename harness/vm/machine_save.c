/*
 * Saving a machine and going on from what was saved, over QEMU's control protocol (QMP: a JSON
 * object a line, QEMU's docs/interop/qmp-spec). The state goes through 'migrate' into a file
 * without a name. A machine that was saved while it ran goes on by itself when it is restored, and
 * says so ("RESUME"); before that nothing may be sent to its serial ports, whose state is still to
 * come.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/vm/machine_internal.h"

#define SAVE_NS	      20000000000ULL
#define BANDWIDTH_MAX 100000000000LL /* bytes a second: QEMU's default is for networks */

#define STATE_NS  2000000000ULL
#define ASK_STATE "human-monitor-command"

enum { ENTROPY = 32 };

/* ---- what it is told ------------------------------------------------------------------------ */

/* Takes over 'arguments'. With a descriptor it is sent along. */
static void command(struct machine *machine, const char *name, json_t *arguments, int fd)
{
	json_t *line =
		json_pack("{s:s, s:s, s:o*}", "execute", name, "id", name, "arguments", arguments);
	MEM_AUTO char *text = json_dumps(line, JSON_COMPACT);
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {text, strlen(text)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		*head = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS,
					 .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(head), &fd, sizeof(int));
	}
	/* A few hundred bytes into an empty socket: all or, when QEMU has gone, nothing. */
	(void)sendmsg(machine->qemu.control, &message, MSG_NOSIGNAL);
	json_decref(line);
}

void machine_greet(struct machine *machine)
{
	command(machine, "qmp_capabilities", NULL, -1);
}

void machine_wake(struct machine *machine)
{
	unsigned char random[ENTROPY];
	char hex[2 * ENTROPY + 1] = "";
	struct timespec now;
	struct err ignored;

	if (getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random))
		for (size_t i = 0; i < sizeof(random); i++)
			snprintf(hex + 2 * i, 3, "%02x", random[i]);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	json_t *line = json_pack("{s:{s:I, s:s}}", "wake", "unix_ns",
				 (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec, "entropy", hex);
	(void)machine_send(machine, line, &ignored); /* a machine that has gone is seen to have */
	json_decref(line);
}

/* ---- what QEMU says ------------------------------------------------------------------------- */

static void take_event(struct machine *machine, const char *event, const json_t *line)
{
	const char *status =
		json_string_value(json_object_get(json_object_get(line, "data"), "status"));

	if (str_eq(event, "RESUME") && machine->options.qemu.restore_fd >= 0)
		machine_wake(machine);
	machine->resumed = machine->resumed || str_eq(event, "RESUME");
	if (!str_eq(event, "MIGRATION"))
		return;
	machine->migration_failed = machine->migration_failed || str_eq(status, "failed");
	machine->migrated =
		machine->migrated || str_eq(status, "completed") || machine->migration_failed;
}

/* Of all registers the line with the instruction, and whether the CPU had halted: a machine that
 * hangs is idle, or goes round in a circle there. */
static void take_state(struct machine *machine, const char *text)
{
	const char *at = text ? strstr(text, "RIP=") : NULL;
	size_t len = machine->console.len;
	bool open = len && machine->console.s[len - 1] != '\n'; /* a line is not at its end */

	at = at || !text ? at : strstr(text, "EIP=");
	if (at)
		str_addf(&machine->console, "%s[oomlab: it was at %.*s]\n", open ? "\n" : "",
			 (int)strcspn(at, "\r\n"), at);
	machine->state_told = true;
}

static void take_answer(struct machine *machine, const json_t *line)
{
	const json_t *error = json_object_get(line, "error");
	const char *desc = json_string_value(json_object_get(error, "desc"));
	const char *id = json_string_value(json_object_get(line, "id"));

	if (str_eq(id, ASK_STATE))
		take_state(machine, json_string_value(json_object_get(line, "return")));
	/* "Migration is not finalized yet": it says that it is completed a moment before it is. */
	if (error && str_eq(id, "cont"))
		command(machine, "cont", NULL, -1);
	/* Other commands are wishes: an older QEMU has fewer parameters. */
	if (!error || !str_eq(id, "migrate"))
		return;
	machine->migration_failed = true;
	machine->migrated = true;
	snprintf(machine->migration_error, sizeof(machine->migration_error), "%s",
		 desc ? desc : "refused");
}

void machine_take_control(struct machine *machine, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			str_addn(&machine->control, &bytes[i], 1);
			continue;
		}
		json_t *line = json_loadb(machine->control.s, machine->control.len, 0, NULL);
		const char *event = json_string_value(json_object_get(line, "event"));
		if (event)
			take_event(machine, event, line);
		else
			take_answer(machine, line);
		json_decref(line);
		machine->control.len = 0;
	}
}

/* ---- saving ---------------------------------------------------------------------------------- */

/* QEMU 9.1 calls "fd:" of a file obsolete, and older ones than 8.2 have no "file:". */
static int migrate(struct machine *machine, int fd, bool by_name, struct err *err)
{
	MEM_AUTO char *path = mem_printf("file:/proc/%ld/fd/%d", (long)getpid(), fd);

	machine->migrated = machine->migration_failed = false;
	if (!by_name)
		command(machine, "getfd", json_pack("{s:s}", "fdname", "snapshot"), fd);
	command(machine, "migrate", json_pack("{s:s}", "uri", by_name ? path : "fd:snapshot"), -1);
	return machine_wait(machine, &machine->migrated, clock_ns() + SAVE_NS, err);
}

int machine_save(struct machine *machine, int fd, struct err *err)
{
	json_t *events =
		json_pack("{s:[{s:s, s:b}]}", "capabilities", "capability", "events", "state", 1);

	command(machine, "migrate-set-capabilities", events, -1);
	command(machine, "migrate-set-parameters",
		json_pack("{s:I}", "max-bandwidth", (json_int_t)BANDWIDTH_MAX), -1);
	int r = migrate(machine, fd, false, err);
	if (r >= 0 && machine->migration_failed)
		r = migrate(machine, fd, true, err);
	if (r < 0)
		return r;
	/* It was stopped when all of it was written, and a serial port must not get a byte then. */
	machine->resumed = false;
	command(machine, "cont", NULL, -1);
	if (!machine->migration_failed &&
	    machine_wait(machine, &machine->resumed, clock_ns() + SAVE_NS, err) < 0)
		return -err->code;
	if (machine->migration_failed)
		return err_set(err, EOPNOTSUPP, "QEMU cannot save the machine: %s",
			       *machine->migration_error ? machine->migration_error : "it failed");
	return 0;
}

void machine_note_state(struct machine *machine)
{
	struct err ignored;

	if (machine->qemu.control < 0 || machine->gone)
		return;
	machine->state_told = false;
	command(machine, ASK_STATE, json_pack("{s:s}", "command-line", "info registers"), -1);
	(void)machine_wait(machine, &machine->state_told, clock_ns() + STATE_NS, &ignored);
}
