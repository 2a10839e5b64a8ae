/*
 * See catalogue.h.
 */
#include "harness/cmd/catalogue.h"

#include <errno.h>
#include <fnmatch.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/exec/host.h"

struct files {
	size_t n;
	char **path;
	char **suite;
};

/* ---- finding files ------------------------------------------------------------------------- */

static void files_add(struct files *files, const char *path, const char *suite, size_t suite_len)
{
	for (size_t i = 0; i < files->n; i++)
		if (str_eq(files->path[i], path))
			return;
	files->path = mem_grow(files->path, files->n + 1, sizeof(char *));
	files->suite = mem_grow(files->suite, files->n + 1, sizeof(char *));
	files->path[files->n] = mem_dup(path);
	files->suite[files->n] = mem_printf("%.*s", (int)suite_len, suite);
	files->n++;
}

static void files_free(struct files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->path[i]);
		free(files->suite[i]);
	}
	free(files->path);
	free(files->suite);
	*files = (struct files){0};
}

static bool is_scenario(const char *path)
{
	return str_ends(path, ".yaml") || str_ends(path, ".yml");
}

/* The folders between root and the file: "limits" of ROOT/limits/x.yaml. */
static void add_below(struct files *files, const char *root, const char *path)
{
	size_t skip = strlen(root);
	const char *rest = path + skip + (path[skip] == '/');
	const char *slash = strrchr(rest, '/');

	files_add(files, path, rest, slash ? (size_t)(slash - rest) : 0);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Whether a path as given lies in the catalogue: its files then keep their suites' names. */
static bool below(const char *path, const char *root)
{
	char *real = realpath(path, NULL), *top = root ? realpath(root, NULL) : NULL;
	bool is = real && top && str_starts(real, top) && strchr("/", real[strlen(top)]);

	free(real);
	free(top);
	return is;
}

/* What cannot be read is told: a suite that is passed over in silence would look like a pass. */
static int visit(struct files *files, const FTSENT *entry, const char *top, struct err *err)
{
	bool named = is_scenario(entry->fts_name);

	if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS ||
	    (entry->fts_info == FTS_SLNONE && named))
		return err_errno(err, entry->fts_errno ? entry->fts_errno : ENOENT,
				 "cannot read '%s'", entry->fts_path);
	if (entry->fts_info != FTS_F || !named)
		return 0;
	add_below(files, top, entry->fts_path);
	return 1;
}

/* Adds all scenario files below 'folder'; suites count from 'root' when it lies in there. Returns
 * how many there are. */
static int walk(struct files *files, const char *folder, const char *root, struct err *err)
{
	MEM_AUTO char *real = realpath(folder, NULL);
	MEM_AUTO char *top = root ? realpath(root, NULL) : NULL;
	bool inside = real && top && below(folder, root);
	char *copy = mem_dup(inside ? real : folder);
	char *const paths[] = {copy, NULL};
	FTS *fts = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	int found = 0, r = 0;

	if (!fts) {
		free(copy);
		return err_errno(err, errno, "cannot read folder '%s'", folder);
	}
	while (r >= 0 && (entry = fts_read(fts)) != NULL) {
		r = visit(files, entry, inside ? top : folder, err);
		found += r > 0;
	}
	(void)fts_close(fts);
	free(copy);
	return r < 0 ? r : found;
}

static int add_folder(struct files *files, const char *folder, const char *root, struct err *err)
{
	int r = walk(files, folder, root, err);

	return r ? r : err_set(err, ENOENT, "no scenario (NAME.yaml) in folder '%s'", folder);
}

/* "limits/three-race" of a file below the catalogue's root. */
static char *full_name(const struct files *all, size_t i)
{
	const char *slash = strrchr(all->path[i], '/');
	const char *base = slash ? slash + 1 : all->path[i];
	const char *dot = strrchr(base, '.');
	int len = (int)(dot ? dot - base : (long)strlen(base));

	return mem_printf("%s%s%.*s", all->suite[i], all->suite[i][0] ? "/" : "", len, base);
}

bool catalogue_name_matches(const char *arg, const char *name, const char *suite)
{
	const char *base = strrchr(name, '/');
	size_t len = strlen(arg);

	while (len > 1 && arg[len - 1] == '/')
		len--;
	MEM_AUTO char *word = mem_printf("%.*s", (int)len, arg);
	return str_eq(word, name) || (base && str_eq(word, base + 1)) || str_eq(word, suite) ||
	       (str_starts(suite, word) && suite[len] == '/') || fnmatch(word, name, 0) == 0 ||
	       (base && fnmatch(word, base + 1, 0) == 0);
}

static int unknown_name(const char *arg, const struct files *all, const char *root, struct err *err)
{
	char **names = mem_zero(2 * all->n + 1, sizeof(char *));
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		names[n] = full_name(all, i);
		const char *slash = strrchr(names[n++], '/');
		names[n++] = mem_dup(slash ? slash + 1 : all->path[i]);
	}
	const char *near = str_nearest(arg, (const char *const *)names);
	MEM_AUTO char *hint = near ? mem_printf(" (did you mean '%s'?)", near) : mem_dup("");
	while (n-- > 0)
		free(names[n]);
	free(names);
	return err_set(err, ENOENT,
		       "no scenario, file or folder '%s'%s; 'oomlab list' shows those below '%s'",
		       arg, hint, root);
}

static int add_named(struct files *files, const char *arg, const struct files *all,
		     const char *root, struct err *err)
{
	size_t found = 0;

	for (size_t i = 0; i < all->n; i++) {
		MEM_AUTO char *name = full_name(all, i);
		if (!catalogue_name_matches(arg, name, all->suite[i]))
			continue;
		files_add(files, all->path[i], all->suite[i], strlen(all->suite[i]));
		found++;
	}
	return found ? 0 : unknown_name(arg, all, root, err);
}

static int add_arg(struct files *files, const char *arg, const struct files *all, const char *root,
		   struct err *err)
{
	struct stat info;

	/* A name of the catalogue wins over a folder of the same name only when the argument does
	 * not look like a path: 'limits' is the suite, './limits' the folder. */
	bool path = !root || arg[0] == '/' || arg[0] == '.' || is_scenario(arg);
	if (!path && add_named(files, arg, all, root, err) >= 0)
		return 0;
	if (stat(arg, &info) < 0)
		return path ? err_errno(err, errno, "cannot open '%s'", arg)
			    : unknown_name(arg, all, root, err);
	if (S_ISDIR(info.st_mode))
		return add_folder(files, arg, root, err);
	if (below(arg, root)) {
		MEM_AUTO char *real = realpath(arg, NULL);
		MEM_AUTO char *top = realpath(root, NULL);
		add_below(files, top, real);
		return 0;
	}
	files_add(files, arg, "", 0); /* somebody's own file belongs to no suite */
	return 0;
}

static int find_files(const struct catalogue_query *query, struct files *ret, struct err *err)
{
	struct files all = {0};
	int r = query->root ? walk(&all, query->root, query->root, err) : 0;

	for (size_t i = 0; r >= 0 && i < query->n_args; i++)
		r = add_arg(ret, query->args[i], &all, query->root, err);
	if (r >= 0 && query->n_args == 0) {
		*ret = all;
		return 0;
	}
	files_free(&all);
	return r;
}

/* ---- plans --------------------------------------------------------------------------------- */

static bool has_tag(const struct plan *plan, const char *tag)
{
	for (size_t i = 0; i < plan->n_tags; i++)
		if (str_eq(plan->tags[i], tag))
			return true;
	return str_eq(plan->suite, tag);
}

static bool wanted(const struct plan *plan, const struct opt_list *filters)
{
	for (size_t i = 0; filters && i < filters->n; i++) {
		const char *tag = filters->text[i];
		bool not = tag[0] == '!';
		if (has_tag(plan, tag + not ) == not )
			return false;
	}
	return true;
}

static void add_plan(struct catalogue *catalogue, struct plan *plan)
{
	catalogue->plans =
		mem_grow(catalogue->plans, catalogue->n_plans + 1, sizeof(struct plan *));
	catalogue->plans[catalogue->n_plans++] = plan;
}

static void plan_scenario(struct catalogue *catalogue, size_t index,
			  const struct catalogue_query *query, const struct facts *facts,
			  const struct cg_host *host, unsigned long long *used, struct diags *diags)
{
	const struct opt_list *params = query->params;
	struct instance **instances = &catalogue->instances[index];
	size_t *n = &catalogue->n_instances[index];

	if (scenario_expand(catalogue->scenarios[index], params ? params->text : NULL,
			    params ? params->n : 0, used, instances, n, diags) < 0)
		return;
	for (size_t i = 0; i < *n; i++) {
		struct plan *plan;
		if (plan_build(&(*instances)[i], facts, host, &plan, diags) < 0)
			return; /* the same mistake in every instance is said once */
		if (wanted(plan, query->filters))
			add_plan(catalogue, plan);
		else
			plan_free(plan);
	}
}

static int load_one(struct catalogue *catalogue, const char *path, const char *suite,
		    struct diags *diags, struct err *err)
{
	struct scenario *scenario;
	int r = scenario_load(path, &scenario, diags, err);

	if (r < 0)
		return r;
	free(scenario->suite);
	scenario->suite = mem_dup(suite);
	catalogue->scenarios[catalogue->n_scenarios++] = scenario;
	return 0;
}

static int check_params(const struct opt_list *params, unsigned long long used, struct err *err)
{
	for (size_t i = 0; params && i < params->n; i++)
		if (!(used & (1ULL << i)))
			return err_set(err, EINVAL,
				       "-p '%s': expected NAME=VALUE of a parameter that "
				       "a chosen scenario declares under 'params' or 'matrix'",
				       params->text[i]);
	return 0;
}

static bool asks_for_stress_ng(const struct scenario *scenario)
{
	const struct node *needs = node_get(&scenario->root, "needs");
	const struct node *tasks = node_get(&scenario->root, "tasks");

	if (needs && needs->kind == NODE_MAP && node_get(needs, "stress-ng"))
		return true;
	for (size_t i = 0; tasks && tasks->kind == NODE_MAP && i < tasks->n; i++) {
		const struct node *task = &tasks->items[i];
		const struct node *run = task->kind == NODE_MAP ? node_get(task, "run") : NULL;
		if (run && str_eq(run->text, "stress-ng"))
			return true;
	}
	return false;
}

static void plan_all(struct catalogue *catalogue, const struct catalogue_query *query,
		     struct facts *facts, const struct cg_host *host, unsigned long long *used,
		     struct diags *diags)
{
	for (size_t i = 0; i < catalogue->n_scenarios && !facts->stress_ng[0]; i++)
		if (asks_for_stress_ng(catalogue->scenarios[i])) {
			facts_add_stress_ng(facts);
			break;
		}
	for (size_t i = 0; i < catalogue->n_scenarios; i++)
		plan_scenario(catalogue, i, query, facts, host, used, diags);
}

int catalogue_load(const struct catalogue_query *query, struct facts *facts,
		   const struct cg_host *host, struct catalogue *ret, struct diags *diags,
		   struct err *err)
{
	struct files files = {0};
	unsigned long long used = 0;
	int r = find_files(query, &files, err);

	*ret = (struct catalogue){0};
	ret->scenarios = mem_zero(files.n, sizeof(struct scenario *));
	ret->instances = mem_zero(files.n, sizeof(struct instance *));
	ret->n_instances = mem_zero(files.n, sizeof(size_t));
	for (size_t i = 0; r >= 0 && i < files.n; i++) {
		size_t before = diags->n;
		r = load_one(ret, files.path[i], files.suite[i], diags, err);
		if (r < 0 && diags->n > before)
			r = 0; /* go on: all mistakes of all files at once */
	}
	files_free(&files);
	if (r < 0)
		return r;
	plan_all(ret, query, facts, host, &used, diags);
	if (diags->n)
		return err_set(err, EINVAL, "%zu mistake%s in scenario files", diags->n,
			       diags->n == 1 ? "" : "s");
	return check_params(query->params, used, err);
}

void catalogue_free(struct catalogue *catalogue)
{
	for (size_t i = 0; i < catalogue->n_plans; i++)
		plan_free(catalogue->plans[i]);
	for (size_t i = 0; i < catalogue->n_scenarios; i++) {
		instances_free(catalogue->instances[i], catalogue->n_instances[i]);
		scenario_free(catalogue->scenarios[i]);
	}
	free(catalogue->plans);
	free(catalogue->scenarios);
	free(catalogue->instances);
	free(catalogue->n_instances);
	*catalogue = (struct catalogue){0};
}
