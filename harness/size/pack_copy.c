/*
 * One copy of a run: started and held back, what it writes, how it ended.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/size/output.h"
#include "harness/size/pack_internal.h"

/* ---- what it writes ------------------------------------------------------------------------ */

static void close_stream(struct loop_source **source, int *fd)
{
	loop_remove(*source);
	*source = NULL;
	fd_close_var(fd);
}

/* False: nothing more is there now. */
static bool read_output(struct pack_copy *copy)
{
	static char chunk[65536];
	ssize_t n = copy->child.out < 0 ? -1 : read(copy->child.out, chunk, sizeof(chunk));

	if (n > 0) {
		copy->output_sum = output_sum(copy->output_sum, chunk, (size_t)n);
		copy->output_bytes += (uint64_t)n;
		return true;
	}
	if (n == 0)
		close_stream(&copy->out, &copy->child.out);
	return false;
}

/* Keeps the last of it. */
static bool read_errors(struct pack_copy *copy)
{
	char chunk[RUN_TAIL_MAX];
	ssize_t n = copy->child.err < 0 ? -1 : read(copy->child.err, chunk, sizeof(chunk));

	if (n == 0)
		close_stream(&copy->err, &copy->child.err);
	if (n <= 0)
		return false;
	size_t more = (size_t)n, room = RUN_TAIL_MAX - more;
	size_t keep = copy->tail_len < room ? copy->tail_len : room;
	memmove(copy->tail, copy->tail + copy->tail_len - keep, keep);
	memcpy(copy->tail + keep, chunk, more);
	copy->tail_len = keep + more;
	copy->tail[copy->tail_len] = '\0';
	return true;
}

static void on_output(void *data, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	(void)read_output(data);
}

static void on_errors(void *data, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	(void)read_errors(data);
}

void pack_copy_drain(struct pack_copy *copy)
{
	while (read_output(copy) || read_errors(copy))
		;
}

/* ---- its life ------------------------------------------------------------------------------ */

static void set_number(uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	(void)setenv(PACK_VARIABLE, text, 1); /* inherited by what is started next */
}

int pack_copy_start(struct pack_copy *copy, struct pack_live *live, uint64_t number,
		    struct err *err)
{
	copy->live = live;
	copy->number = number;
	copy->output_sum = OUTPUT_SUM_INIT;
	copy->child = (struct spawned){.pid = -1, .out = -1, .err = -1, .start = -1, .go = -1};
	pack_command_make(&copy->command, live->spec->command, live->spec->mark, number);
	set_number(number);
	int r = spawn_command(&copy->command.command, live->group, 0, FILTER_NONE, &copy->child,
			      err);
	if (r >= 0)
		r = loop_add(live->loop, copy->child.out, EPOLLIN, on_output, copy, &copy->out,
			     err);
	if (r >= 0)
		r = loop_add(live->loop, copy->child.err, EPOLLIN, on_errors, copy, &copy->err,
			     err);
	return r < 0 ? err_wrap(err, "copy %" PRIu64, number) : 0;
}

/* The start of the bad one's story; the first stays. */
static void is_bad(struct pack_copy *copy, enum run_end end, int status)
{
	struct pack_result *ret = copy->live->ret;

	if (copy->live->ending)
		return;
	pack_copy_drain(copy);
	ret->bad = copy->number;
	ret->status = status;
	memcpy(ret->tail, copy->tail, copy->tail_len + 1);
	pack_end_now(copy->live, end);
}

/* The counter says what was an OOM; a SIGKILL may be anybody's. */
void pack_copy_ended(struct pack_copy *copy, int status, const struct rusage *usage)
{
	struct pack_live *live = copy->live;
	int errnum = 0;

	copy->gone = true;
	copy->status = status;
	live->n_gone++;
	live->ended_ns = clock_ns();
	live->ret->cpu_ns +=
		(uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000 +
		(uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000;
	if (look_oom_kills(live->group) > 0)
		pack_end_now(live, RUN_OOM);
	else if (read(copy->child.start, &errnum, sizeof(errnum)) == (ssize_t)sizeof(errnum))
		is_bad(copy, RUN_NO_START, errnum);
	else if (WIFSIGNALED(status))
		is_bad(copy, RUN_SIGNALED, WTERMSIG(status));
	else if (live->spec->command->for_ns ||
		 WEXITSTATUS(status) != live->spec->reference->status)
		is_bad(copy, RUN_EXITED, WEXITSTATUS(status));
}

bool pack_copy_result_is_good(struct pack_copy *copy)
{
	const struct size_command *command = &copy->command.command;
	const struct run_result *reference = copy->live->spec->reference;
	struct pack_result *ret = copy->live->ret;

	for (size_t i = 0; i < command->n_outputs; i++)
		output_add_file(command->outputs[i], &copy->output_sum, &copy->output_bytes);
	set_number(copy->number);
	if (command->check && !output_check(command->check, &copy->live->lab->old_mask)) {
		ret->check_failed = true;
	} else if (!copy->live->spec->any_output &&
		   (copy->output_sum != reference->output_sum ||
		    copy->output_bytes != reference->output_bytes)) {
		ret->wrong_output = true;
	} else {
		return true;
	}
	ret->bad = copy->number;
	return false;
}

void pack_copy_clear(struct pack_copy *copy)
{
	loop_remove(copy->out);
	loop_remove(copy->err);
	spawn_close(&copy->child);
	pack_command_clear(&copy->command);
}
