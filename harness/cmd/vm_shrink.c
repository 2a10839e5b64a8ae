/*
 * See vm_shrink.h. Greedy: what still fails is kept, and the walk goes on behind it; when a walk
 * finds nothing more, that is it. All candidates are files of the same name, because what lies in
 * the image is part of what the machine does.
 */
#include "harness/cmd/vm_shrink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/cmd/catalogue.h"
#include "harness/cmd/terminal.h"
#include "harness/cmd/vm_seed.h"
#include "harness/cmd/vm_shrink_internal.h"

enum {
	RUNS_MAX = 300,
	TRIES_MAX = 4, /* seeds for a candidate */
};
#define FILE_NAME "shrunk.yaml"

/* ---- the walk ------------------------------------------------------------------------------- */

/* How often an ending came by itself says how often it comes again when the file is another one,
 * whatever was taken away: so many seeds that it is missed one time in four at most. */
static size_t tries(const struct shrink *shrink)
{
	double share = (double)shrink->outcome->n / (double)shrink->job->n_seeds;
	double missed = 1 - share;
	size_t n = 1;

	for (; n < TRIES_MAX && n < shrink->n_seeds && missed > 0.25; n++)
		missed *= 1 - share;
	return n;
}

static int walk(struct shrink *shrink, struct err *err)
{
	size_t n_tries = tries(shrink);
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t n = 0; shrink->n_runs < RUNS_MAX;) {
			STR_AUTO what = STR_INIT;
			struct node candidate;
			if (!shrink_candidate(&shrink->best, n, &candidate, &what))
				break;
			int r = vm_shrink_try(shrink, &candidate, n_tries, err);
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
	outcome->shrunk_seed = shrink->seeds[0];
	outcome->shrunk_runs = shrink->n_runs;
	if (vm_shrink_write(path, &shrink->header, &shrink->best, err) < 0 ||
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

static void add_seed(struct shrink *shrink, uint64_t seed)
{
	for (size_t i = 0; i < shrink->n_seeds; i++)
		if (shrink->seeds[i] == seed)
			return;
	if (shrink->n_seeds < VM_SHRINK_SEEDS_MAX)
		shrink->seeds[shrink->n_seeds++] = seed;
}

/* Those of the outcome, the smallest first, then whichever. */
static void choose_seeds(struct shrink *shrink)
{
	const struct vm_outcome *outcome = shrink->outcome;

	add_seed(shrink, outcome->smallest);
	for (size_t i = 0; i < outcome->n; i++)
		add_seed(shrink, outcome->seeds[i]);
	for (uint64_t seed = 1; seed <= VM_SHRINK_SEEDS_MAX; seed++)
		add_seed(shrink, seed);
}

/* The whole as a file of its own. The file is part of the image, so a race may end otherwise than
 * it did from its place in the catalogue: then another seed may do. For the same reason no seed is
 * named in it. */
static int find_start(struct shrink *shrink, struct err *err)
{
	struct node whole = shrink->best;

	shrink->best = (struct node){0};
	choose_seeds(shrink);
	str_addf(&shrink->header,
		 "# From %s by oomlab vm --shrink: on %s it fails alike, with the seed of its "
		 "record.\n",
		 shrink->outcome->scenario, shrink->job->wish->kernel);
	int r = vm_shrink_try(shrink, &whole, shrink->n_seeds, err);
	shrink_clear(&whole);
	if (r == 0)
		r = err_set(err, ESRCH,
			    "'%s' (died: %s) does not fail alike as a file of its own, with none "
			    "of %zu seeds",
			    shrink->outcome->scenario,
			    *shrink->outcome->died ? shrink->outcome->died : "nobody",
			    shrink->n_seeds);
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
