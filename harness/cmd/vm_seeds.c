/*
 * See vm_seeds.h. Of each outcome the record of its smallest seed is kept, so that it can be
 * replayed and compared; the others are a number each.
 */
#include "harness/cmd/vm_seeds.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/parse.h"
#include "harness/cmd/progress.h"
#include "harness/cmd/vm_outcomes.h"
#include "harness/cmd/vm_room.h"
#include "harness/cmd/vm_seed.h"
#include "harness/cmd/vm_shrink.h"
#include "harness/record/field.h"

enum {
	LANES_MAX = 64,
	UNBOOTED_MAX = 3, /* when no machine has run anything after so many, none is going to */
};

struct lane {
	struct seeds *seeds;
	struct vm_seed seed;
	struct loop_source *source;
};

struct seeds {
	struct vm_session *session;
	struct vm_wish wish;
	struct kernel kernel;
	int initrd;
	struct loop *loop;
	uint64_t first, last, next; /* next > last: all were started */
	bool all_started, interrupted;
	size_t n_lanes, n_running, n_done, n_lost, n_unbooted;
	struct lane lanes[LANES_MAX];
	struct vm_outcomes outcomes;
	struct fetch_watch watch;
	char doing[96];
};

int vm_seeds_parse(const char *text, uint64_t *ret_first, uint64_t *ret_last, struct err *err)
{
	const char *dots = strstr(text, "..");
	MEM_AUTO char *first = dots ? mem_printf("%.*s", (int)(dots - text), text) : mem_dup(text);
	uint64_t a, b;
	struct err ignored;

	if (parse_u64(first, UINT64_MAX - 1, &a, &ignored) < 0 ||
	    parse_u64(dots ? dots + 2 : text, UINT64_MAX - 1, &b, &ignored) < 0 || a < 1 || a > b)
		return err_set(err, EINVAL, "--seeds: expected A..B with 1 <= A <= B, got '%s'",
			       text);
	*ret_first = a;
	*ret_last = b;
	return 0;
}

/* ---- one that ended ------------------------------------------------------------------------- */

static void tell_progress(struct seeds *seeds)
{
	uint64_t all = seeds->last - seeds->first + 1;

	snprintf(seeds->doing, sizeof(seeds->doing), "%zu of %llu seeds, %zu outcomes, %zu failed",
		 seeds->n_done, (unsigned long long)all, seeds->outcomes.n,
		 vm_outcomes_count(&seeds->outcomes, VERDICT_FAIL));
	fetch_progress(&seeds->watch, seeds->doing, 100.0 * (double)seeds->n_done / (double)all);
}

static void count_seed(struct seeds *seeds, uint64_t seed, const char *text)
{
	struct vm_seed_found found;
	struct err err;

	if (vm_seed_read(text, &found, &err) < 0) {
		seeds->n_lost++;
		return;
	}
	bool unbooted = json_array_size(found.record->machines) == 0;
	vm_outcomes_add(&seeds->outcomes, seed, found.record, text);
	seeds->n_unbooted += unbooted;
	if (unbooted || found.record->n < found.record->planned)
		seeds->n_lost++;
	vm_seed_clear(&found);
}

static void on_end(void *data, int fd, uint32_t events)
{
	struct lane *lane = data;
	struct seeds *seeds = lane->seeds;
	MEM_AUTO char *text = NULL;
	struct err err;

	(void)fd;
	(void)events;
	loop_remove(lane->source);
	lane->source = NULL;
	if (vm_seed_end(&lane->seed, &text, &err) >= 0)
		count_seed(seeds, lane->seed.seed, text);
	else if (!seeds->interrupted)
		seeds->n_lost++;
	seeds->n_running--;
	seeds->n_done++;
	tell_progress(seeds);
}

static void on_interrupt(void *data, int fd, uint32_t events)
{
	struct seeds *seeds = data;

	(void)fd;
	(void)events;
	if (seeds->interrupted)
		return;
	seeds->interrupted = true;
	for (size_t i = 0; i < seeds->n_lanes; i++)
		if (seeds->lanes[i].seed.pid)
			(void)fd_pidfd_signal(seeds->lanes[i].seed.pidfd, SIGTERM);
}

/* ---- all ------------------------------------------------------------------------------------ */

static int start_one(struct seeds *seeds, struct lane *lane, struct err *err)
{
	lane->seeds = seeds;
	int r = vm_seed_start(seeds->session, &seeds->wish, &seeds->kernel, seeds->initrd,
			      seeds->next, &lane->seed, err);
	if (r < 0)
		return r;
	seeds->n_running++;
	seeds->all_started = seeds->next == seeds->last;
	seeds->next++;
	return loop_add(seeds->loop, lane->seed.pidfd, EPOLLIN, on_end, lane, &lane->source, err);
}

/* Each may have been waited for until its deadline. */
static void give_up(struct seeds *seeds)
{
	if (seeds->all_started || seeds->n_unbooted < UNBOOTED_MAX ||
	    seeds->n_unbooted < seeds->n_done)
		return;
	seeds->all_started = true;
	fprintf(stderr,
		"oomlab vm: no machine of the first %zu seeds ran anything: the others, from %llu "
		"on, are not tried\n",
		seeds->n_done, (unsigned long long)seeds->next);
}

static int go(struct seeds *seeds, struct err *err)
{
	int r = 0;

	for (;;) {
		give_up(seeds);
		for (size_t i = 0; i < seeds->n_lanes && r >= 0; i++)
			if (!seeds->lanes[i].seed.pid && !seeds->all_started && !seeds->interrupted)
				r = start_one(seeds, &seeds->lanes[i], err);
		if (r < 0 && r != -EINTR)
			return r;
		if (seeds->n_running == 0)
			return seeds->interrupted ? err_set(err, EINTR, "interrupted") : 0;
		r = loop_wait(seeds->loop, UINT64_MAX, err);
	}
}

static int choose_lanes(struct seeds *seeds, struct err *err)
{
	const struct vm_values *values = seeds->session->values;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = values->jobs ? (size_t)values->jobs : cpus > 0 ? (size_t)cpus : 1;
	STR_AUTO meminfo = STR_INIT;

	if (fd_read_all(-1, "/proc/meminfo", &meminfo, err) < 0)
		return -err->code;
	return vm_room(str_text(&meminfo), values->memory_bytes,
		       wanted < LANES_MAX ? wanted : LANES_MAX, false, &seeds->n_lanes, err);
}

static int open_seeds(struct seeds *seeds, struct err *err)
{
	const struct vm_run first = {.values = seeds->wish.values,
				     .kernel = &seeds->kernel,
				     .cgroup = seeds->wish.cgroup,
				     .scenarios = seeds->wish.scenarios,
				     .n_scenarios = seeds->wish.n_scenarios};
	struct loop_source *source;
	int r = choose_lanes(seeds, err);

	if (r >= 0)
		r = vm_session_kernel(seeds->session, seeds->wish.kernel, &seeds->kernel, err);
	if (r >= 0 && !seeds->kernel.why_not)
		r = seeds->initrd = vm_run_image(&first, err);
	if (r >= 0)
		r = loop_new(&seeds->loop, err);
	if (r >= 0)
		r = loop_add(seeds->loop, seeds->session->interrupt_fd, EPOLLIN, on_interrupt,
			     seeds, &source, err);
	return r < 0 ? r : 0;
}

static void close_seeds(struct seeds *seeds)
{
	struct err ignored;

	for (size_t i = 0; i < seeds->n_lanes; i++) {
		struct lane *lane = &seeds->lanes[i];
		MEM_AUTO char *text = NULL;
		loop_remove(lane->source);
		if (!lane->seed.pid)
			continue;
		(void)fd_pidfd_signal(lane->seed.pidfd, SIGKILL);
		(void)vm_seed_end(&lane->seed, &text, &ignored);
	}
	loop_free(seeds->loop);
	fd_close_var(&seeds->initrd);
	kernel_close(&seeds->kernel);
	vm_outcomes_clear(&seeds->outcomes);
	free(seeds);
}

/* ---- the summary ---------------------------------------------------------------------------- */

/* The record of an outcome's smallest seed, unless another outcome has kept it already. */
static int keep(struct seeds *seeds, size_t index, struct err *err)
{
	struct vm_outcome *outcome = &seeds->outcomes.outcome[index];
	struct vm_seed_found found;

	for (size_t i = 0; i < index; i++)
		if (seeds->outcomes.outcome[i].smallest == outcome->smallest) {
			outcome->record = mem_dup(seeds->outcomes.outcome[i].record);
			return 0;
		}
	if (vm_seed_read(outcome->evidence, &found, err) < 0)
		return -err->code;
	struct vm_turn turn = {.kernel = {.fd = -1},
			       .run = {.stream.record = found.record,
				       .consoles = found.consoles,
				       .n_consoles = found.n_consoles}};
	int r = vm_session_save(seeds->session, &turn, err);
	outcome->record = turn.saved;
	turn.saved = NULL;
	vm_turn_clear(&turn);
	return r;
}

static uint64_t untried(const struct seeds *seeds)
{
	return seeds->last - seeds->first + 1 - seeds->n_done;
}

static void print_text(const struct seeds *seeds)
{
	STR_AUTO text = STR_INIT;

	str_addf(&text, "== %s, cgroup %s, seeds %llu..%llu: %zu ran", seeds->wish.kernel,
		 seeds->wish.cgroup, (unsigned long long)seeds->first,
		 (unsigned long long)seeds->last, seeds->n_done - seeds->n_lost);
	if (seeds->n_lost)
		str_addf(&text, ", %zu are incomplete", seeds->n_lost);
	if (untried(seeds))
		str_addf(&text, ", %llu were not tried", (unsigned long long)untried(seeds));
	str_add(&text, "\n");
	vm_outcomes_text(&seeds->outcomes, &text);
	cmd_print_clean(seeds->session->out, str_text(&text));
}

static void print_json(const struct seeds *seeds)
{
	json_t *json = json_pack(
		"{s:s, s:s, s:o, s:o, s:I, s:I, s:o, s:b, s:o}", "kernel", seeds->wish.kernel,
		"cgroup", seeds->wish.cgroup, "first", json_integer((json_int_t)seeds->first),
		"last", json_integer((json_int_t)seeds->last), "ran",
		(json_int_t)(seeds->n_done - seeds->n_lost), "incomplete",
		(json_int_t)seeds->n_lost, "not_tried", field_u64_new(untried(seeds)),
		"interrupted", seeds->interrupted, "outcomes", vm_outcomes_json(&seeds->outcomes));
	MEM_AUTO char *text = json_dumps(json, JSON_INDENT(1) | JSON_ENSURE_ASCII);

	fprintf(seeds->session->out, "%s\n", text);
	json_decref(json);
}

/* What cannot be made smaller is told, and stays as it is. */
static void shrink_failures(struct seeds *seeds)
{
	const struct vm_shrink_job job = {seeds->session, &seeds->wish, &seeds->kernel,
					  seeds->n_done, seeds->n_lanes};

	int r = 0;

	/* What was found until Ctrl-C is kept. */
	for (size_t i = 0; i < seeds->outcomes.n && r != -EINTR; i++) {
		struct err err = ERR_INIT;
		struct vm_outcome *outcome = &seeds->outcomes.outcome[i];
		r = outcome->verdict == VERDICT_FAIL ? vm_shrink(&job, outcome, &err) : 0;
		seeds->interrupted = seeds->interrupted || r == -EINTR;
		if (r >= 0 || r == -EINTR)
			continue;
		fprintf(stderr, "oomlab vm: --shrink: ");
		cmd_print_clean(stderr, err.text);
	}
}

static int summarise(struct seeds *seeds, struct err *err)
{
	const struct vm_outcomes *outcomes = &seeds->outcomes;

	vm_outcomes_sort(&seeds->outcomes);
	int kept = 0; /* what was found is told all the same */
	for (size_t i = 0; i < outcomes->n && kept >= 0; i++)
		kept = keep(seeds, i, err);
	if (seeds->session->values->shrink && !seeds->interrupted && kept >= 0)
		shrink_failures(seeds);
	errno = 0;
	if (seeds->session->values->format == 0)
		print_text(seeds);
	else
		print_json(seeds);
	(void)fflush(seeds->session->out);
	vm_session_wrote(seeds->session);
	if (kept < 0)
		return kept;
	if (vm_outcomes_count(outcomes, VERDICT_FAIL))
		return CMD_FAILED;
	if (seeds->n_lost || !outcomes->n || vm_outcomes_count(outcomes, VERDICT_BROKEN))
		return CMD_BROKEN;
	return vm_outcomes_count(outcomes, VERDICT_PASS) ? CMD_OK : CMD_SKIPPED;
}

int vm_seeds(struct vm_session *session, const char *spec, const char *cgroup, struct err *err)
{
	struct seeds *seeds = mem_zero(1, sizeof(*seeds));
	struct vm_values values = *session->values;
	struct progress progress;

	values.seed = 1; /* whichever: the image is the same */
	seeds->session = session;
	seeds->wish = (struct vm_wish){&values, spec, cgroup, session->argv, (size_t)session->argc};
	seeds->kernel.fd = seeds->initrd = -1;
	int r = vm_seeds_parse(session->values->seeds, &seeds->first, &seeds->last, err);
	seeds->next = seeds->first;
	if (r >= 0)
		r = open_seeds(seeds, err);
	if (r >= 0) {
		progress_begin(&progress, "vm", &seeds->watch);
		r = go(seeds, err);
		progress_end(&progress);
	}
	if (r >= 0 || r == -EINTR) {
		int status = summarise(seeds, err);
		r = status >= 0 && seeds->interrupted ? err_set(err, EINTR, "interrupted") : status;
	}
	close_seeds(seeds);
	return r;
}
