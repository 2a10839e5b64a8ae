/*
 * See vm_session.h.
 */
#include "harness/cmd/vm_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/cmd/progress.h"
#include "harness/cmd/terminal.h"
#include "harness/cmd/vm_exec.h"
#include "harness/cmd/vm_shell.h"
#include "harness/vm/qemu.h"
#include "harness/vm/sha256.h"

/* ---- what is shown -------------------------------------------------------------------------- */

void vm_session_wrote(struct vm_session *session)
{
	if (ferror(session->out) && !session->lost)
		session->lost = errno ? errno : EIO;
}

static void on_ready(void *data, const struct machine *machine)
{
	const struct vm_turn *turn = data;
	const struct vm_session *session = turn->session;

	if (session->values->format == 0 && !session->values->exec) {
		fprintf(session->out, "== %s (%s), cgroup %s\n", machine_kernel(machine),
			turn->wish->kernel, turn->wish->cgroup);
		(void)fflush(session->out);
	}
	if (*machine_lack(machine)) {
		fprintf(stderr, "oomlab vm: %s: ", turn->wish->kernel);
		cmd_print_clean(stderr, machine_lack(machine));
		vm_run_tell_console(machine);
	} else if (*machine_troubles(machine)) {
		fprintf(stderr, "the guest could not set up everything:\n");
		cmd_print_clean(stderr, machine_troubles(machine));
	}
}

/* A replay that is the same leaves none. What fails here fails once more at the end, and is told
 * then. */
static void begin_folder(struct vm_turn *turn)
{
	const struct vm_session *session = turn->session;
	struct record *record = turn->run.stream.record;
	struct err ignored;

	if (session->values->replay)
		return;
	json_decref(record->vm);
	record->vm = vm_evidence(turn->wish, session->qemu, "");
	(void)record_folder_new(session->values->results, record, true, &turn->folder, &ignored);
}

static void on_record(void *data, const struct record *record)
{
	struct vm_turn *turn = data;
	struct vm_session *session = turn->session;

	begin_folder(turn);
	if (turn->run.unbooted && session->values->format == 0)
		fprintf(session->out, "== %s, cgroup %s\n", turn->wish->kernel, turn->wish->cgroup);
	errno = 0;
	if (session->reporter->begin)
		session->reporter->begin(session->out, record, &session->report);
	vm_session_wrote(session);
}

static void on_came(void *data, const struct result *result)
{
	const struct vm_turn *turn = data;

	record_folder_add(turn->folder, result);
}

static void on_result(void *data, const struct record *record, const struct result *result)
{
	const struct vm_turn *turn = data;
	struct vm_session *session = turn->session;

	errno = 0;
	if (session->reporter->result)
		session->reporter->result(session->out, record, result, &session->report);
	vm_session_wrote(session);
}

/* ---- what is kept --------------------------------------------------------------------------- */

int vm_session_evidence(const struct vm_session *session, const struct vm_wish *wish,
			const struct kernel *kernel, const struct vm_run *run, struct err *err)
{
	struct record *record = run->stream.record;
	char sha256[SHA256_TEXT] = "";

	if (kernel->fd >= 0 && sha256_of_fd(kernel->fd, sha256, err) < 0)
		return err_wrap(err, "kernel '%s'", wish->kernel);
	json_decref(record->vm);
	record->vm = vm_evidence(wish, session->qemu, sha256);
	json_decref(record->machines);
	record->machines = run->machines ? json_incref(run->machines) : json_array();
	return 0;
}

int vm_session_save(struct vm_session *session, struct vm_turn *turn, struct err *err)
{
	struct record *record = turn->run.stream.record;

	/* By the guest's clock, as its beginning: that of a machine that died ends with its last
	 * result. */
	int r = turn->folder ? 0
			     : record_folder_new(session->values->results, record, false,
						 &turn->folder, err);
	if (r < 0)
		return r;
	const char *path = record_folder_path(turn->folder);
	if (record_folder_save(turn->folder, record, err) < 0)
		return -err->code;
	turn->saved = mem_dup(path);
	r = vm_run_save_consoles(&turn->run, record_folder_fd(turn->folder), err);
	return r < 0 ? err_wrap(err, "'%s'", path) : 0;
}

void vm_session_report_end(struct vm_session *session, const struct vm_turn *turn,
			   const char *folder)
{
	session->report.results = folder;
	errno = 0;
	if (session->reporter->end)
		session->reporter->end(session->out, turn->run.stream.record, &session->report);
	vm_session_wrote(session);
	session->report.results = NULL;
}

int vm_session_keep(struct vm_session *session, struct vm_turn *turn, struct err *err)
{
	int r = vm_session_save(session, turn, err);

	vm_session_report_end(session, turn, turn->saved);
	return r < 0 ? r : record_exit_status(turn->run.stream.record);
}

/* ---- a turn --------------------------------------------------------------------------------- */

static int open_kernel(const char *spec, struct kernel *ret, struct err *err)
{
	struct progress progress;
	struct fetch_watch watch;

	progress_begin(&progress, "vm", &watch);
	int r = kernel_open(spec, &watch, ret, err);
	progress_end(&progress);
	/* As when QEMU is not there: the word may be right, and on another machine it is there. */
	return r == -ENOENT ? -(err->code = ENOPKG) : r;
}

int vm_session_kernel(const struct vm_session *session, const char *spec, struct kernel *ret,
		      struct err *err)
{
	bool no_qemu = session->no_qemu.code;
	int r = no_qemu ? -ENOPKG : open_kernel(spec, ret, err);

	if (r >= 0 || r == -EINTR || session->values->shell || session->values->exec)
		return r;
	if (!no_qemu)
		(void)cmd_fail(session->ctx, CMD_BROKEN, err);
	*ret = (struct kernel){.name = mem_dup(spec),
			       .fd = -1,
			       .why_not = mem_dup(no_qemu ? session->no_qemu.text : err->text)};
	return 0;
}

/* QEMU leaves it behind when it is killed. */
static void forget_socket(const char *gdb)
{
	struct stat info;

	if (gdb && strchr(gdb, '/') && lstat(gdb, &info) == 0 && S_ISSOCK(info.st_mode))
		(void)unlink(gdb);
}

int vm_session_turn(struct vm_session *session, const struct vm_wish *wish, struct vm_turn *ret,
		    struct err *err)
{
	*ret = (struct vm_turn){.session = session, .wish = wish, .kernel = {.fd = -1}};
	ret->run = (struct vm_run){.values = wish->values,
				   .kernel = &ret->kernel,
				   .cgroup = wish->cgroup,
				   .scenarios = wish->scenarios,
				   .n_scenarios = wish->n_scenarios,
				   .interrupt_fd = session->interrupt_fd,
				   .initrd = -1,
				   .on_ready = on_ready,
				   .data = ret,
				   .stream = {.on_record = on_record,
					      .on_result = on_result,
					      .on_came = on_came,
					      .data = ret}};
	int r = vm_session_kernel(session, wish->kernel, &ret->kernel, err);

	if (r >= 0)
		r = wish->values->shell	 ? vm_shell(&ret->run, err)
		    : wish->values->exec ? vm_exec(&ret->run, err)
					 : vm_run(&ret->run, err);
	if ((r >= 0 || r == -EINTR) && ret->run.stream.record &&
	    vm_session_evidence(session, wish, &ret->kernel, &ret->run, err) < 0)
		return -err->code;
	return r;
}

void vm_turn_clear(struct vm_turn *turn)
{
	vm_run_clear(&turn->run);
	record_folder_free(turn->folder);
	turn->folder = NULL;
	kernel_close(&turn->kernel);
	free(turn->saved);
	turn->saved = NULL;
}

int vm_session_run(struct vm_session *session, const char *spec, const char *cgroup,
		   struct err *err)
{
	const struct vm_wish wish = {session->values, spec, cgroup, session->argv,
				     (size_t)session->argc};
	struct vm_turn turn;
	int r = vm_session_turn(session, &wish, &turn, err);
	struct record *record = turn.run.stream.record;
	bool interrupted = r == -EINTR;

	/* What was seen until Ctrl-C is kept. */
	if (interrupted && record)
		record->interrupted = true;
	if (record && (r >= 0 || interrupted)) {
		int status = vm_session_keep(session, &turn, err);
		if (interrupted && status < 0)
			(void)cmd_fail(session->ctx, CMD_BROKEN, err);
		r = interrupted ? r : status;
	}
	vm_turn_clear(&turn);
	forget_socket(session->values->gdb);
	return r;
}

/* ---- the session ---------------------------------------------------------------------------- */

int vm_session_open(struct vm_session *session, struct err *err)
{
	const struct vm_values *values = session->values;

	session->out = stdout;
	if (qemu_version(NULL, session->qemu, sizeof(session->qemu), &session->no_qemu) < 0) {
		if (values->shell || values->exec)
			return *err = session->no_qemu, -err->code;
		(void)cmd_fail(session->ctx, CMD_BROKEN, &session->no_qemu);
	}
	if (values->output && !str_eq(values->output, "-")) {
		int fd = fd_open_at(AT_FDCWD, values->output, O_WRONLY | O_CREAT | O_TRUNC, 0644,
				    err);
		if (fd < 0)
			return err_wrap(err, "--output");
		session->out = fdopen(fd, "w");
	}
	session->reporter = reporter_find(
		(const char *const[]){"text", "tap", "junit", "json"}[values->format]);
	session->report =
		(struct report_options){.colour = terminal_colour(session->out, values->colour),
					.verbose = values->verbose,
					.width = terminal_width(session->out)};
	return 0;
}

int vm_session_close(struct vm_session *session, struct err *err)
{
	FILE *out = session->out;

	session->out = NULL;
	if (!out || out == stdout) /* main() looks after it */
		return 0;
	errno = 0;
	bool late = fclose(out) != 0;
	int lost = session->lost ? session->lost : late ? errno : 0;
	return lost ? err_errno(err, lost, "cannot write '%s'", session->values->output) : 0;
}
