/*
 * See vm_session.h.
 */
#include "harness/cmd/vm_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "harness/cmd/progress.h"
#include "harness/cmd/terminal.h"
#include "harness/cmd/vm_run.h"
#include "harness/vm/kernel.h"
#include "harness/vm/qemu.h"

enum { EXIT_INTERRUPTED = 130 };

/* One kernel and cgroup version of the session. */
struct turn {
	struct vm_session *session;
	const char *spec, *cgroup;
};

/* ---- what is shown -------------------------------------------------------------------------- */

static void on_ready(void *data, const struct machine *machine)
{
	const struct turn *turn = data;
	const struct vm_session *session = turn->session;

	if (session->values->format == 0) {
		fprintf(session->out, "== %s (%s), cgroup %s\n", machine_kernel(machine),
			turn->spec, turn->cgroup);
		(void)fflush(session->out);
	}
	if (*machine_troubles(machine)) {
		fprintf(stderr, "the guest could not set up everything:\n");
		cmd_print_clean(stderr, machine_troubles(machine));
	}
}

static void on_record(void *data, const struct record *record)
{
	const struct turn *turn = data;
	const struct vm_session *session = turn->session;

	if (session->reporter->begin)
		session->reporter->begin(session->out, record, &session->report);
}

static void on_result(void *data, const struct record *record, const struct result *result)
{
	const struct turn *turn = data;
	const struct vm_session *session = turn->session;

	if (session->reporter->result)
		session->reporter->result(session->out, record, result, &session->report);
}

static int save(struct vm_session *session, const struct vm_run *run, struct err *err)
{
	struct record *record = run->stream.record;
	MEM_AUTO char *path = NULL;

	/* By the guest's clock, as its beginning: that of a machine that died ends with its last
	 * result. */
	FD_AUTO dir = record_dir(session->values->results, record, &path, err);
	if (dir < 0)
		return dir;
	int r = record_save(record, dir, err);
	if (r >= 0)
		r = record_save_extras(record, dir, err);
	if (r >= 0)
		r = vm_run_save_consoles(run, dir, err);
	session->report.results = path;
	if (session->reporter->end)
		session->reporter->end(session->out, record, &session->report);
	session->report.results = NULL;
	return r < 0 ? r : 0;
}

/* ---- a turn --------------------------------------------------------------------------------- */

static int open_kernel(const char *spec, struct kernel *kernel, struct err *err)
{
	struct progress progress;
	struct fetch_watch watch;

	progress_begin(&progress, "vm", &watch);
	int r = kernel_open(spec, &watch, kernel, err);
	progress_end(&progress);
	return r;
}

int vm_session_run(struct vm_session *session, const char *spec, const char *cgroup,
		   struct err *err)
{
	struct kernel kernel = {.fd = -1};
	struct turn turn = {session, spec, cgroup};
	struct vm_run run = {
		.values = session->values,
		.kernel = &kernel,
		.cgroup = cgroup,
		.scenarios = session->argv,
		.n_scenarios = (size_t)session->argc,
		.interrupt_fd = session->interrupt_fd,
		.on_ready = on_ready,
		.data = &turn,
		.stream = {.on_record = on_record, .on_result = on_result, .data = &turn}};
	int r = open_kernel(spec, &kernel, err);

	if (r >= 0)
		r = vm_run(&run, err);
	if (r >= 0 && run.stream.record) {
		int saved = save(session, &run, err);
		r = saved < 0 ? saved : record_exit_status(run.stream.record);
	}
	vm_run_clear(&run);
	kernel_close(&kernel);
	return r == -EINTR ? EXIT_INTERRUPTED : r;
}

/* ---- the session ---------------------------------------------------------------------------- */

int vm_session_open(struct vm_session *session, struct err *err)
{
	const struct vm_values *values = session->values;
	char version[32];

	session->out = stdout;
	if (qemu_version(NULL, version, sizeof(version), err) < 0)
		return -err->code;
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

void vm_session_close(struct vm_session *session)
{
	if (session->out && session->out != stdout)
		(void)fclose(session->out);
	session->out = NULL;
}
