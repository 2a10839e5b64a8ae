/*
 * The end of a run: what its group counted, why it ended, the sum of what it wrote.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/size/output.h"
#include "harness/size/run_internal.h"

/* The kernel's own memory and files on tmpfs are nobody's; tables count twice, which is little. */
static void sum_peaks(struct run *run)
{
	const struct look *top = &run->ret->top;
	struct peaks *peaks = &run->follow.peaks;
	uint64_t rest = top->kernel_bytes + top->socket_bytes + top->shmem_bytes;

	if (!peaks_known(peaks, run->spec->step_bytes))
		return;
	run->ret->met_bytes = rest + peaks_met(peaks);
	run->ret->together_bytes = rest + peaks_largest(peaks, run->follow.most);
}

static void read_counters(struct run *run)
{
	struct run_result *ret = run->ret;

	ret->peak_bytes = look_count(run->group, "peak", 0);
	ret->failcnt = look_count(run->group, "failcnt", 0);
	ret->psi_some_us = look_count(run->group, "pressure_some_us", UINT64_MAX);
	ret->psi_full_us = look_count(run->group, "pressure_full_us", UINT64_MAX);
	ret->refaults = look_refaults(run->group);
	ret->major_faults = look_count(run->group, "stat.pgmajfault", 0);
	ret->oom_kills = look_oom_kills(run->group);
	ret->limit_bytes = run->limit_bytes;
	ret->retries = run->follow.n_retries;
	sum_peaks(run);
}

static void look_at_rest(struct run *run)
{
	struct look look = {0};

	look_take(run->group, run->lab->version == CG_V1, &look);
	run->ret->left_kernel_bytes = look.kernel_bytes;
	run->ret->left_shmem_bytes = look.shmem_bytes;
	if (look.file_bytes > run->ret->file_most_bytes)
		run->ret->file_most_bytes = look.file_bytes;
}

/* Why it ended, when nobody ended it. The counter says what was an OOM: a SIGKILL may be anybody's,
 * and a parent may shrug off the death of a child. */
void run_judge(struct run *run)
{
	struct run_result *ret = run->ret;
	int errnum = 0;

	read_counters(run);
	look_at_rest(run);
	ret->wall_ns = (run->ended_ns ? run->ended_ns : clock_ns()) - run->began_ns;
	if (run->ending)
		return;
	if (ret->oom_kills > 0) {
		ret->end = RUN_OOM;
	} else if (read(run->child.start, &errnum, sizeof(errnum)) == (ssize_t)sizeof(errnum)) {
		ret->end = RUN_NO_START;
		ret->status = errnum;
	} else if (WIFSIGNALED(run->main_status)) {
		ret->end = RUN_SIGNALED;
		ret->status = WTERMSIG(run->main_status);
	} else {
		ret->end = RUN_EXITED;
		ret->status = WEXITSTATUS(run->main_status);
	}
}

void run_sum_results(struct run *run)
{
	const struct size_command *command = run->spec->command;

	if (run->ret->end != RUN_EXITED && run->ret->end != RUN_SIGNALED)
		return;
	for (size_t i = 0; i < command->n_outputs; i++)
		output_add_file(command->outputs[i], &run->ret->output_sum,
				&run->ret->output_bytes);
	if (command->check)
		run->ret->check_failed = !output_check(command->check, &run->lab->old_mask);
}
