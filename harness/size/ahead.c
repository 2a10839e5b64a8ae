/*
 * See ahead.h. Each run is made by a child of ours with the whole machinery of its own: children of
 * the command, signals and ptrace belong to a process. Nothing is taken from such a run but what
 * cannot be its neighbours' doing: that it passed, and that the OOM killer ended it.
 */
#include "harness/size/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "harness/size/memo.h"

enum {
	QUEUE_MAX = 256, /* of answers thought through */
	DOUBTS_MAX = 3,	 /* batches with a result that was no use */
};

struct answer {
	int r;
	struct run_result result;
};

struct beside {
	pid_t pid;
	int fd; /* the answer comes here; -1: it is there, or nobody gives it */
	size_t got;
	struct answer answer;
};

/* ---- processes ------------------------------------------------------------------------------ */

static void __attribute__((noreturn))
child_main(const struct size_lab *lab, const struct run_spec *spec, int fd, pid_t parent)
{
	struct size_lab own = *lab;
	struct answer answer = {0};
	struct err err = ERR_INIT;

	own.memo = NULL;
	/* What its command leaves behind is reaped here, and dies with us. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		_exit(1);
	answer.r = size_run(&own, spec, &answer.result, &err);
	(void)fd_write_full(fd, &answer, sizeof(answer));
	_exit(0);
}

static void start(struct size_lab *lab, const struct run_spec *spec, struct beside *beside)
{
	pid_t parent = getpid();
	int ends[2];

	*beside = (struct beside){.pid = -1, .fd = -1, .answer = {.r = -ECANCELED}};
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	beside->pid = fork();
	if (beside->pid == 0)
		child_main(lab, spec, ends[1], parent);
	lab->runs++; /* the names of groups are numbered */
	(void)close(ends[1]);
	beside->fd = ends[0];
	if (beside->pid < 0)
		fd_close_var(&beside->fd);
}

static void take_answer(struct beside *beside)
{
	struct answer *answer = &beside->answer;
	ssize_t n = read(beside->fd, (char *)answer + beside->got, sizeof(*answer) - beside->got);

	if (n < 0 && errno == EINTR)
		return;
	if (n > 0)
		beside->got += (size_t)n;
	if (n > 0 && beside->got < sizeof(*answer))
		return;
	if (beside->got < sizeof(*answer))
		answer->r = -ECANCELED;
	fd_close_var(&beside->fd);
	while (waitpid(beside->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Who is told to end ends its command and answers. */
static void take_signals(struct size_lab *lab, const struct beside *list, size_t n)
{
	struct signalfd_siginfo info;

	while (read(lab->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			continue;
		lab->interrupted = true;
		for (size_t i = 0; i < n; i++)
			if (list[i].fd >= 0)
				(void)kill(list[i].pid, SIGTERM);
	}
}

static void wait_for_all(struct size_lab *lab, struct beside *list, size_t n)
{
	struct pollfd fds[SIZE_JOBS_MAX + 1];

	for (;;) {
		size_t waiting = 0;
		for (size_t i = 0; i < n; i++) {
			fds[i] = (struct pollfd){.fd = list[i].fd, .events = POLLIN};
			waiting += list[i].fd >= 0;
		}
		fds[n] = (struct pollfd){.fd = lab->signal_fd, .events = POLLIN};
		if (waiting == 0)
			return;
		(void)poll(fds, n + 1, -1);
		if (fds[n].revents)
			take_signals(lab, list, n);
		for (size_t i = 0; i < n; i++)
			if (list[i].fd >= 0 && fds[i].revents)
				take_answer(&list[i]);
	}
}

/* ---- results -------------------------------------------------------------------------------- */

static bool is_trusted(const struct measure *measure, const struct run_spec *spec,
		       const struct answer *answer)
{
	const struct size_report *report = measure->report;
	struct run_result result = answer->result;

	if (answer->r < 0)
		return false; /* if it is not by chance, a run alone will fail alike */
	if (result.end == RUN_OOM)
		return spec->mode == RUN_HARD;
	if (report->output_varies) {
		result.output_sum = report->free.output_sum;
		result.output_bytes = report->free.output_bytes;
	}
	return run_same(&report->free, &result);
}

/* What is not trusted is made again alone when it is asked for; when that goes on, all is. */
static void keep(struct measure *measure, const struct run_spec *specs, const struct beside *list,
		 size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_trusted(measure, &specs[i], &list[i].answer))
			continue;
		memo_put(measure->lab->memo, &specs[i], &list[i].answer.result, true);
		kept++;
	}
	measure->doubts += kept < n;
	measure->report->jobs_doubted = measure->doubts >= DOUBTS_MAX;
}

static int run_all(struct measure *measure, const struct run_spec *specs, size_t n)
{
	struct size_lab *lab = measure->lab;
	struct beside *list = mem_zero(n, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		start(lab, &specs[i], &list[i]);
	measure->runs_ahead += (unsigned int)n;
	wait_for_all(lab, list, n);
	if (!lab->interrupted)
		keep(measure, specs, list, n);
	free(list);
	return lab->interrupted ? trial_interrupted(measure) : 0;
}

/* Of 'wanted' so many as there is room for; fewer than two are no use. */
static size_t at_once(const struct measure *measure, uint64_t bytes, uint64_t wanted)
{
	const struct size_options *options = measure->options;
	uint64_t n = bytes ? options->max_bytes / bytes : 1;

	n = n < options->jobs ? n : options->jobs;
	n = n < wanted ? n : wanted;
	n = n < SIZE_JOBS_MAX ? n : SIZE_JOBS_MAX;
	return n < 2 || !measure->lab->memo || measure->alone || measure->report->jobs_doubted
		       ? 0
		       : (size_t)n;
}

/* ---- what may be asked for ------------------------------------------------------------------ */

static bool is_among(uint64_t limit, const uint64_t *limits, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (limits[i] == limit)
			return true;
	return false;
}

size_t ahead_limits(const struct search *search, uint64_t room_bytes, uint64_t *limits, size_t max)
{
	struct search queue[QUEUE_MAX];
	size_t first = 0, last = 0, n = 0;

	queue[last++] = *search;
	while (first < last && n < max) {
		struct search state = queue[first++];
		uint64_t limit = search_next(&state);
		if (limit == 0)
			continue;
		if (!is_among(limit, limits, n)) {
			if (limit > room_bytes)
				break;
			room_bytes -= limit;
			limits[n++] = limit;
		}
		for (int passed = 0; passed < 2 && last < QUEUE_MAX; passed++) {
			queue[last] = state;
			search_tell(&queue[last++], limit, passed);
		}
	}
	return n;
}

int ahead_search(struct measure *measure, const struct search *search)
{
	struct run_spec specs[SIZE_JOBS_MAX];
	uint64_t limits[SIZE_JOBS_MAX];
	size_t n = at_once(measure, measure->options->step_bytes, SIZE_JOBS_MAX);

	if (n > 0)
		n = ahead_limits(search, measure->options->max_bytes, limits, n);
	for (size_t i = 0; i < n; i++)
		specs[i] = trial_hard_spec(measure, limits[i] - show_margin(measure));
	if (n < 2 || memo_has(measure->lab->memo, &specs[0]))
		return 0;
	measure_say(measure, "%zu limits side by side", n);
	return run_all(measure, specs, n);
}

static int same_again(struct measure *measure, const struct run_spec *spec, size_t n)
{
	struct run_spec specs[SIZE_JOBS_MAX];

	if (n == 0 || memo_has(measure->lab->memo, spec))
		return 0;
	for (size_t i = 0; i < n; i++)
		specs[i] = *spec;
	return run_all(measure, specs, n);
}

int ahead_passes(struct measure *measure, uint64_t limit_bytes, uint64_t times)
{
	struct run_spec spec = trial_hard_spec(measure, limit_bytes);
	size_t n = at_once(measure, limit_bytes, times);
	char size[PARSE_TEXT_MAX];

	if (n == 0)
		return 0;
	measure_say(measure, "limit %s, %zu side by side", format_size_short(limit_bytes, size), n);
	return same_again(measure, &spec, n);
}

/* Where each of them ends is not known: together they get no more than one alone. */
int ahead_samples(struct measure *measure, uint64_t from_bytes, uint64_t times)
{
	struct run_spec spec = trial_ratchet_spec(measure, from_bytes);
	size_t n = at_once(measure, 2 * measure->report->free.peak_bytes, times);
	char size[PARSE_TEXT_MAX];

	if (n == 0)
		return 0;
	spec.ceiling_bytes = measure->options->max_bytes / n;
	spec.ceiling_bytes -= spec.ceiling_bytes % measure->options->step_bytes;
	measure_say(measure, "ratchet from %s, %zu side by side",
		    format_size_short(from_bytes, size), n);
	return same_again(measure, &spec, n);
}

void ahead_alone(struct measure *measure, bool alone)
{
	measure->alone = alone;
	if (measure->lab->memo)
		memo_alone(measure->lab->memo, alone);
}

unsigned int ahead_unused(const struct measure *measure)
{
	const struct memo *memo = measure->lab->memo;

	return memo ? measure->runs_ahead - memo_taken_ahead(memo) : 0;
}
