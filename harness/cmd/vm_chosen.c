/*
 * See vm_chosen.h. The guest plans for itself, by what it finds: what is guessed of it here decides
 * about skips alone, which nobody is told.
 */
#include "harness/cmd/vm_chosen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "harness/cmd/cmd.h"

void vm_chosen_facts(const struct vm_wish *wish, struct facts *ret)
{
	const struct vm_values *values = wish->values;
	const char *slash = strrchr(wish->kernel, '/');

	*ret = (struct facts){.page_size = 4096,
			      .cpus = values->cpus,
			      .nodes = values->nodes,
			      .mem_total_bytes = values->memory_bytes,
			      .mem_available_bytes = values->memory_bytes,
			      .memory_version = str_eq(wish->cgroup, "v1") ? 1 : 2,
			      .pids_version = str_eq(wish->cgroup, "v2") ? 2 : 1,
			      .cap_sys_resource = true,
			      .cap_sys_admin = true,
			      .init_pid_ns = true,
			      .disposable = true,
			      .vm = true};
	snprintf(ret->kernel, sizeof(ret->kernel), "%s", slash ? slash + 1 : wish->kernel);
	snprintf(ret->machine, sizeof(ret->machine), "x86_64");
	snprintf(ret->host, sizeof(ret->host), "vm");
	snprintf(ret->oomlab, sizeof(ret->oomlab), "%s", oomlab_version);
	snprintf(ret->cgroups, sizeof(ret->cgroups), "%s", wish->cgroup);
}

int vm_chosen(const struct vm_wish *wish, struct catalogue *ret, struct err *err)
{
	MEM_AUTO char *root = NULL;
	struct diags diags = {0};
	struct facts facts;
	int r = cmd_find_scenarios(&root, err);
	const struct catalogue_query query = {wish->scenarios, wish->n_scenarios,
					      &wish->values->params, &wish->values->filters, root};

	*ret = (struct catalogue){0};
	vm_chosen_facts(wish, &facts);
	if (r >= 0)
		r = catalogue_load(&query, &facts, NULL, ret, &diags, err);
	fputs(str_text(&diags.text), stderr);
	diags_free(&diags);
	if (r >= 0 && !ret->n_plans)
		r = err_set(err, ENOENT, "nothing to run: no scenario is left after the filters");
	return r;
}

int vm_chosen_check(const struct vm_wish *wish, struct err *err)
{
	struct catalogue catalogue;
	int r = vm_chosen(wish, &catalogue, err);

	catalogue_free(&catalogue);
	return r < 0 ? -(err->code = EINVAL) : 0; /* a file that cannot be read, too */
}
