/*
 * See vm_shrink.h. Greedy: what still fails is kept, and the walk goes on behind it; when a walk
 * finds nothing more, that is it. All candidates are files of the same name, because what lies in
 * the image is part of what the machine does.
 */
#include "harness/cmd/vm_shrink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/cmd/catalogue.h"
#include "harness/cmd/terminal.h"
#include "harness/cmd/vm_seed.h"
#include "harness/scenario/shrink.h"

enum { RUNS_MAX = 300, SEEDS_MAX = 8 };
#define FILE_NAME "shrunk.yaml"

struct shrink {
	const struct vm_shrink_job *job;
	const struct vm_outcome *outcome;
	const struct facts *facts; /* of the machine */
	struct vm_values values;
	struct vm_wish wish; /* of a candidate */
	char *path;	     /* of the candidate */
	char *missed;	     /* by the expectation that failed, see vm_outcomes.h */
	char *scenarios[1];
	uint64_t seed; /* with which candidates run */
	struct str header;
	struct node best;
	char *found; /* what the machine with 'best' gave, see vm_seed.h */
	size_t n_runs;
};

/* ---- a candidate ---------------------------------------------------------------------------- */

static int write_file(const char *path, const struct str *header, const struct node *root,
		      struct err *err)
{
	STR_AUTO text = STR_INIT;

	str_add(&text, str_text(header));
	shrink_write(root, &text);
	FD_AUTO fd = fd_open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	int r = fd < 0 ? fd : fd_write_full(fd, str_text(&text), text.len);
	return r < 0 ? err_errno(err, -r, "cannot write '%s'", path) : 0;
}

/* Most candidates are no scenarios; no machine needs to be booted for that. */
static bool is_scenario(struct shrink *shrink)
{
	const struct opt_list none = {0};
	const struct catalogue_query query = {shrink->scenarios, 1, &none, &none, NULL};
	struct facts facts = *shrink->facts;
	struct catalogue catalogue = {0};
	struct diags diags = {0};
	struct err ignored;
	int r = catalogue_load(&query, &facts, NULL, &catalogue, &diags, &ignored);
	bool is = r >= 0 && catalogue.n_plans == 1 && !catalogue.plans[0]->skip;

	if (r >= 0)
		catalogue_free(&catalogue);
	diags_free(&diags);
	return is;
}

static int wait_for(const struct shrink *shrink, struct vm_seed *seed, char **ret_text,
		    struct err *err)
{
	struct pollfd polled[] = {{seed->pidfd, POLLIN, 0},
				  {shrink->job->session->interrupt_fd, POLLIN, 0}};

	while (poll(polled, 2, -1) < 0 && errno == EINTR)
		;
	bool interrupted = polled[1].revents & POLLIN;
	if (interrupted)
		(void)fd_pidfd_signal(seed->pidfd, SIGTERM);
	int r = vm_seed_end(seed, ret_text, err);
	return interrupted ? err_set(err, EINTR, "interrupted") : r;
}

static bool fails_alike(const struct shrink *shrink, const char *text)
{
	struct vm_seed_found found;
	struct err ignored;
	bool alike = false;

	if (vm_seed_read(text, &found, &ignored) < 0)
		return false;
	if (found.record->n == 1 && found.record->results[0]->verdict == VERDICT_FAIL) {
		MEM_AUTO char *failed = vm_outcome_failed(found.record->results[0]);
		MEM_AUTO char *missed = vm_outcome_missed(found.record->results[0]);
		alike = str_eq(failed, shrink->outcome->failed) && str_eq(missed, shrink->missed);
	}
	vm_seed_clear(&found);
	return alike;
}

/* 1: it fails alike, and is the best now; 0: it does not. */
static int try_one(struct shrink *shrink, struct node *candidate, struct err *err)
{
	MEM_AUTO char *text = NULL;
	struct vm_seed seed;
	struct err lost;

	if (write_file(shrink->path, &shrink->header, candidate, err) < 0)
		return -err->code;
	if (!is_scenario(shrink))
		return 0;
	shrink->n_runs++;
	int r = vm_seed_start(shrink->job->session, &shrink->wish, shrink->job->kernel, -1,
			      shrink->seed, &seed, err);
	if (r < 0)
		return r;
	r = wait_for(shrink, &seed, &text, &lost);
	if (r == -EINTR)
		return err_set(err, EINTR, "interrupted");
	if (r < 0 || !fails_alike(shrink, text))
		return 0;
	free(shrink->found);
	shrink->found = text;
	text = NULL;
	struct node before = shrink->best;
	shrink->best = *candidate;
	*candidate = before;
	return 1;
}

/* ---- the walk ------------------------------------------------------------------------------- */

static int walk(struct shrink *shrink, struct err *err)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t n = 0; shrink->n_runs < RUNS_MAX;) {
			STR_AUTO what = STR_INIT;
			struct node candidate;
			if (!shrink_candidate(&shrink->best, n, &candidate, &what))
				break;
			int r = try_one(shrink, &candidate, err);
			shrink_clear(&candidate);
			if (r < 0)
				return r;
			if (r == 0) {
				n++;
				continue;
			}
			changed = true;
			if (!terminal_is(stderr))
				continue;
			fprintf(stderr, "still fails ");
			cmd_print_clean(stderr, str_text(&what));
		}
	}
	return 0;
}

/* ---- from the failure to its tree ----------------------------------------------------------- */

/* "x#3" is the third run of "x". */
static bool is_plan_of(const char *name, const char *result)
{
	size_t len = strlen(name);

	return strncmp(name, result, len) == 0 && (!result[len] || result[len] == '#');
}

static int load_tree(struct shrink *shrink, struct err *err)
{
	const struct vm_wish *wish = shrink->job->wish;
	MEM_AUTO char *root = NULL;
	struct facts facts = *shrink->facts;
	struct catalogue catalogue = {0};
	struct diags diags = {0};
	size_t plan = 0;
	int r = cmd_find_scenarios(&root, err);
	struct catalogue_query query = {wish->scenarios, wish->n_scenarios, &wish->values->params,
					&wish->values->filters, root};

	if (r >= 0)
		r = catalogue_load(&query, &facts, NULL, &catalogue, &diags, err);
	diags_free(&diags);
	if (r < 0)
		return r;
	r = err_set(err, ESRCH, "'%s' is not found any more", shrink->outcome->scenario);
	for (size_t i = 0; i < catalogue.n_scenarios; i++)
		for (size_t k = 0; k < catalogue.n_instances[i]; k++, plan++)
			if (r < 0 &&
			    is_plan_of(catalogue.plans[plan]->name, shrink->outcome->scenario)) {
				shrink_start(&catalogue.instances[i][k], &shrink->best);
				r = 0;
			}
	catalogue_free(&catalogue);
	return r;
}

/* The candidates' folder is below the record's. */
static int open_shrink(struct shrink *shrink, struct err *err)
{
	const struct vm_outcome *outcome = shrink->outcome;
	MEM_AUTO char *folder = mem_printf("%s/try", outcome->record);

	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make '%s'", folder);
	shrink->path = mem_printf("%s/" FILE_NAME, folder);
	shrink->scenarios[0] = shrink->path;
	shrink->values = *shrink->job->wish->values;
	shrink->values.params.n = shrink->values.filters.n = 0;
	shrink->values.repeat = 1;
	shrink->wish = (struct vm_wish){&shrink->values, shrink->job->wish->kernel,
					shrink->job->wish->cgroup, shrink->scenarios, 1};
	return load_tree(shrink, err);
}

static void close_shrink(struct shrink *shrink)
{
	MEM_AUTO char *folder = mem_printf("%s/try", shrink->outcome->record);

	if (shrink->path)
		(void)unlink(shrink->path);
	(void)rmdir(folder);
	shrink_clear(&shrink->best);
	str_free(&shrink->header);
	free(shrink->path);
	free(shrink->missed);
	free(shrink->found);
}

/* ---- what is kept --------------------------------------------------------------------------- */

/* The record names the file that stays, with the same bytes under the same name. */
static int keep(struct shrink *shrink, struct vm_outcome *outcome, struct err *err)
{
	struct vm_seed_found found;
	char *path = mem_printf("%s/" FILE_NAME, outcome->record);

	outcome->shrunk = path;
	if (write_file(path, &shrink->header, &shrink->best, err) < 0 ||
	    vm_seed_read(shrink->found, &found, err) < 0)
		return -err->code;
	json_object_set_new(found.record->vm, "scenarios", json_pack("[s]", path));
	struct vm_turn turn = {.kernel = {.fd = -1},
			       .run = {.stream.record = found.record,
				       .consoles = found.consoles,
				       .n_consoles = found.n_consoles}};
	int r = vm_session_save(shrink->job->session, &turn, err);
	outcome->shrunk_record = turn.saved;
	turn.saved = NULL;
	vm_turn_clear(&turn);
	return r;
}

/* The whole as a file of its own. The file is part of the image, so a race may end otherwise than
 * it did from its place in the catalogue: then another seed of the same outcome may do. */
static int try_whole(struct shrink *shrink, uint64_t seed, struct node *whole, struct err *err)
{
	str_free(&shrink->header);
	str_addf(&shrink->header,
		 "# From %s by oomlab vm --shrink: with --seed %llu on %s it fails alike.\n",
		 shrink->outcome->scenario, (unsigned long long)seed, shrink->job->wish->kernel);
	shrink->seed = seed;
	return try_one(shrink, whole, err);
}

static int find_start(struct shrink *shrink, struct err *err)
{
	const struct vm_outcome *outcome = shrink->outcome;
	struct node whole = shrink->best;

	shrink->best = (struct node){0};
	int r = try_whole(shrink, outcome->smallest, &whole, err);
	for (size_t i = 0; r == 0 && i < outcome->n && i < SEEDS_MAX; i++)
		if (outcome->seeds[i] != outcome->smallest)
			r = try_whole(shrink, outcome->seeds[i], &whole, err);
	shrink_clear(&whole);
	if (r == 0)
		r = err_set(err, ESRCH, "'%s' does not fail alike as a file of its own",
			    outcome->scenario);
	return r;
}

int vm_shrink(const struct vm_shrink_job *job, struct vm_outcome *outcome, struct err *err)
{
	struct vm_seed_found found;
	struct shrink shrink = {.job = job, .outcome = outcome};

	if (vm_seed_read(outcome->evidence, &found, err) < 0)
		return -err->code;
	shrink.facts = &found.record->facts;
	for (size_t i = 0; i < found.record->n && !shrink.missed; i++)
		if (str_eq(found.record->results[i]->name, outcome->scenario))
			shrink.missed = vm_outcome_missed(found.record->results[i]);
	int r = open_shrink(&shrink, err);
	if (r >= 0)
		r = find_start(&shrink, err);
	if (r >= 0)
		r = walk(&shrink, err);
	if (shrink.found && (r >= 0 || r == -EINTR) && keep(&shrink, outcome, err) < 0)
		r = -err->code;
	close_shrink(&shrink);
	vm_seed_clear(&found);
	return r;
}
