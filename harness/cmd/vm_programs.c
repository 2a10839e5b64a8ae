/*
 * See vm_programs.h. A scenario's programs are those of its commands and those that its 'needs'
 * name: what a shell calls is not read out of the shell's text.
 */
#include "harness/cmd/vm_programs.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/vm_chosen.h"
#include "harness/vm/program.h"

struct names {
	size_t n;
	const char **name;
};

static void add_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(names->name[i], name))
			return;
	names->name = mem_grow(names->name, names->n + 1, sizeof(*names->name));
	names->name[names->n++] = name;
}

static void want(struct vm_wants *wants, const struct plan *plan)
{
	wants->disk |= plan->host.swap == PLAN_SWAP_FILE || plan->host.swap == PLAN_SWAP_ZRAM;
	for (size_t i = 0; i < plan->n_tasks; i++) {
		const struct wl *wl = plan->tasks[i].wl;
		wants->programs |= !wl;
		wants->disk |= !wl || wl->disk;
	}
}

static void add_plan(struct names *names, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_programs; i++)
		add_name(names, plan->programs[i]);
	for (size_t i = 0; i < plan->n_tasks; i++)
		if (!plan->tasks[i].wl)
			add_name(names, plan->tasks[i].program);
}

static bool is_below(const char *path, const char *root)
{
	return str_starts(path, root) && path[strlen(root)] == '/';
}

/* Files that were given by their path are brought as such (vm_image.c). */
static void add_scenario(struct image *image, const struct plan *plan, const char *root)
{
	size_t len = strlen(root);
	MEM_AUTO char *path = mem_printf("scenarios%s", plan->file + len);

	if (!image_has(image, path))
		image_add_file(image, path, plan->file, 0644);
}

static struct vm_wants add_all(struct image *image, const struct catalogue *catalogue,
			       const char *root)
{
	struct vm_wants wants = {0};
	struct names names = {0};
	struct err ignored;

	for (size_t i = 0; i < catalogue->n_plans; i++) {
		if (root && is_below(catalogue->plans[i]->file, root))
			add_scenario(image, catalogue->plans[i], root);
		add_plan(&names, catalogue->plans[i]);
		want(&wants, catalogue->plans[i]);
	}
	for (size_t i = 0; i < names.n; i++)
		(void)program_add(image, names.name[i], &ignored);
	free(names.name);
	return wants;
}

struct vm_wants vm_programs_add(struct image *image, const struct vm_wish *wish)
{
	struct vm_wants wants = {.programs = true, .disk = true, .all = true};
	struct catalogue catalogue;
	struct err ignored;
	MEM_AUTO char *root = NULL;

	(void)cmd_find_scenarios(&root, &ignored);
	if (vm_chosen(wish, &catalogue, &ignored) >= 0)
		wants = add_all(image, &catalogue, root);
	catalogue_free(&catalogue);
	return wants;
}
