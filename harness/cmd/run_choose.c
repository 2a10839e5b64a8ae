/*
 * What of the catalogue 'oomlab run' runs, and how often: options that choose, the items that they
 * leave.
 */
#include "harness/cmd/run_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

enum {
	JOBS_MAX = 64,
	RUNS_MAX = 1000000, /* of all scenarios: each is a row in memory and in the record */
};

static int parse_shard(const char *text, uint64_t *ret_index, uint64_t *ret_of, struct err *err)
{
	const char *slash = strchr(text, '/');
	char first[16] = "";

	if (slash && slash - text < (long)sizeof(first))
		memcpy(first, text, (size_t)(slash - text));
	if (!slash || parse_u64(first, 1000000, ret_index, err) < 0 ||
	    parse_u64(slash + 1, 1000000, ret_of, err) < 0 || *ret_index < 1 ||
	    *ret_index > *ret_of)
		return err_set(err, EINVAL, "--shard: expected I/N with 1 <= I <= N, got '%s'",
			       text);
	return 0;
}

static int check_values(const struct run_values *values, struct err *err)
{
	if (values->repeat < 1 || values->repeat > RUNS_MAX)
		return err_set(err, EINVAL, "--repeat: expected 1 to %d, got %llu", RUNS_MAX,
			       (unsigned long long)values->repeat);
	if (values->jobs < 1 || values->jobs > JOBS_MAX)
		return err_set(err, EINVAL, "--jobs: expected 1 to %d, got %llu", JOBS_MAX,
			       (unsigned long long)values->jobs);
	if (values->asked && !str_eq(run_formats[values->format], "stream"))
		return err_set(err, EINVAL, "--on-request: wants --format=stream");
	if (values->timeout_ns == 0)
		return err_set(err, EINVAL, "--timeout: expected more than nothing, such as 10s");
	return 0;
}

/* A virtual machine gets its seed by the kernel's command line, whose words that the kernel does
 * not know are the environment: so the image is the same for all seeds. */
static int choose_seed(struct run_values *values, struct err *err)
{
	const char *given = getenv("OOMLAB_SEED");

	if (values->seed == UINT64_MAX && given &&
	    parse_u64(given, UINT64_MAX - 1, &values->seed, err) < 0)
		return err_wrap(err, "OOMLAB_SEED");
	if (values->seed == 0)
		return err_set(err, EINVAL, "--seed: expected 1 or more, got 0");
	if (values->seed == UINT64_MAX)
		values->seed = 0;
	return 0;
}

static int add_items(struct run_session *session, const struct plan *plan, struct err *err)
{
	uint64_t times = session->values->repeat * plan->repeat;

	if (plan->skip)
		times = 1;
	if (times > RUNS_MAX - session->n_items)
		return err_set(err, EINVAL, "--repeat: more than %d runs in all", RUNS_MAX);
	for (uint64_t i = 1; i <= times; i++) {
		session->items =
			mem_grow(session->items, session->n_items + 1, sizeof(*session->items));
		session->items[session->n_items++] = (struct supervise_item){
			plan, times > 1 ? mem_printf("%s#%llu", plan->name, (unsigned long long)i)
					: mem_dup(plan->name)};
	}
	return 0;
}

/* Leaves out all up to the item of this name. */
static int go_on_after(struct run_session *session, const char *name, struct err *err)
{
	size_t done = session->n_items;

	while (done > 0 && !str_eq(session->items[done - 1].name, name))
		done--;
	if (done == 0)
		return err_set(err, ENOENT, "--after: '%s' is none of what would run", name);
	for (size_t i = 0; i < done; i++)
		free(session->items[i].name);
	session->n_items -= done;
	memmove(session->items, session->items + done, session->n_items * sizeof(*session->items));
	return 0;
}

int run_choose(struct run_session *session, int argc, char **argv, struct diags *diags,
	       struct err *err)
{
	struct run_values *values = session->values;
	uint64_t index = 1, of = 1;
	MEM_AUTO char *root = NULL;

	if (check_values(values, err) < 0 || choose_seed(values, err) < 0)
		return -EINVAL;
	if (values->shard && parse_shard(values->shard, &index, &of, err) < 0)
		return -EINVAL;
	int r = cmd_find_scenarios(&root, err);
	if (r < 0 && (r != -ENOENT || argc == 0))
		return r;
	struct catalogue_query query = {argv, (size_t)argc, &values->params, &values->filters,
					root};
	r = catalogue_load(&query, &session->facts, session->cg_host, &session->catalogue, diags,
			   err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < session->catalogue.n_plans; i++) {
		struct plan *plan = session->catalogue.plans[i];
		if (i % of != index - 1)
			continue;
		if (values->timeout_ns != UINT64_MAX)
			plan->timeout_ns = values->timeout_ns;
		if (add_items(session, plan, err) < 0)
			return -EINVAL;
	}
	if (values->after && go_on_after(session, values->after, err) < 0)
		return -ENOENT;
	if (session->n_items == 0)
		return err_set(err, ENOENT,
			       "nothing to run: no scenario is left after the filters "
			       "and the shard");
	return 0;
}

void run_print_plans(const struct run_session *session)
{
	for (size_t i = 0; i < session->catalogue.n_plans; i++) {
		STR_AUTO text = STR_INIT;
		plan_print(session->catalogue.plans[i], &text);
		cmd_print_clean(stdout, str_text(&text));
	}
}
