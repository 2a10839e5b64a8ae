/*
 * oomlab list: the catalogue, what each scenario needs, and whether this machine has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/cmd/catalogue.h"
#include "harness/cmd/cmd.h"
#include "harness/exec/host.h"
#include "harness/record/field.h"
#include "harness/record/text.h"

struct list_values {
	struct opt_list filters;
	bool names, json;
};

static const struct opt options[] = {
	{"filter", 'f', OPT_LIST, offsetof(struct list_values, filters), "TAG",
	 "only scenarios with this tag or suite; '!TAG': without it", NULL, NULL},
	{"names", '\0', OPT_FLAG, offsetof(struct list_values, names), NULL,
	 "names alone, one a line", NULL, NULL},
	{"json", '\0', OPT_FLAG, offsetof(struct list_values, json), NULL,
	 "a JSON array with name, title, file, tags and skip", NULL, NULL},
	OPT_END,
};

static json_t *text_json(const char *text)
{
	return text ? field_text_new(text) : json_null();
}

static json_t *plan_json(const struct plan *plan)
{
	json_t *tags = json_array();

	for (size_t i = 0; i < plan->n_tags; i++)
		json_array_append_new(tags, field_text_new(plan->tags[i]));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name", text_json(plan->name), "title",
			 text_json(plan->title), "suite", text_json(plan->suite), "file",
			 text_json(plan->file), "tags", tags, "skip", text_json(plan->skip));
}

static void print_json(const struct catalogue *catalogue)
{
	json_t *all = json_array();

	for (size_t i = 0; i < catalogue->n_plans; i++)
		json_array_append_new(all, plan_json(catalogue->plans[i]));
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

/* One line, whatever names and titles hold. */
static void print_row(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void print_row(const char *fmt, ...)
{
	STR_AUTO row = STR_INIT;
	STR_AUTO clean = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&row, fmt, ap);
	va_end(ap);
	text_clean(&clean, str_text(&row));
	puts(str_text(&clean));
}

static void print_table(const struct catalogue *catalogue)
{
	int width = 0;
	size_t skipped = 0;

	for (size_t i = 0; i < catalogue->n_plans; i++) {
		int len = (int)strlen(catalogue->plans[i]->name);
		width = len > width ? len : width;
	}
	for (size_t i = 0; i < catalogue->n_plans; i++) {
		const struct plan *plan = catalogue->plans[i];
		print_row("%-5s %-*s  %s", plan->skip ? "skip" : "runs", width, plan->name,
			  plan->title ? plan->title : "");
		if (plan->skip)
			print_row("      %-*s  %s", width, "", plan->skip);
		skipped += plan->skip != NULL;
	}
	printf("%zu scenarios, %zu of them cannot run on this machine\n", catalogue->n_plans,
	       skipped);
}

static void print(const struct list_values *values, const struct catalogue *catalogue)
{
	if (values->json) {
		print_json(catalogue);
	} else if (values->names) {
		for (size_t i = 0; i < catalogue->n_plans; i++)
			print_row("%s", catalogue->plans[i]->name);
	} else {
		print_table(catalogue);
	}
}

static int list_run(struct cmd_ctx *ctx, void *data, int argc, char **argv)
{
	struct list_values *values = data;
	struct cg_host *host = NULL;
	struct catalogue catalogue = {0};
	struct diags diags = {0};
	struct facts facts;
	struct err err = ERR_INIT;
	MEM_AUTO char *root_path = NULL;
	FD_AUTO root = fd_open_at(-1, "/", O_PATH | O_DIRECTORY, 0, &err);
	int status = CMD_OK;

	if (root < 0 || cg_host_open(root, NULL, &host, &err) < 0 ||
	    facts_gather(host, &facts, &err) < 0)
		return cmd_fail(ctx, CMD_BROKEN, &err);
	int found = cmd_find_scenarios(&root_path, &err);
	if (found < 0 && (found != -ENOENT || argc == 0)) {
		cg_host_free(host);
		return cmd_fail(ctx, CMD_BROKEN, &err);
	}
	struct catalogue_query query = {argv, (size_t)argc, NULL, &values->filters, root_path};
	if (catalogue_load(&query, &facts, host, &catalogue, &diags, &err) < 0) {
		fputs(str_text(&diags.text), stderr);
		status = cmd_fail(ctx, CMD_USAGE, &err);
	} else {
		print(values, &catalogue);
	}
	catalogue_free(&catalogue);
	diags_free(&diags);
	cg_host_free(host);
	return status;
}

const struct cmd cmd_list = {
	.opts = {.name = "list",
		 .args = "[FILE|DIR|NAME...]",
		 .summary = "list scenarios and whether this machine can run them",
		 .description =
			 "One line a scenario: 'runs', or 'skip' with the reason and what would "
			 "provide what is missing. Touches nothing.",
		 .examples = "oomlab list\tthe whole catalogue\n"
			     "oomlab list --filter swap\tone tag\n",
		 .exit_status = "0\tlisted\n2\tunknown name or a wrong scenario file\n",
		 .opts = options,
		 .max_args = SIZE_MAX},
	.values_size = sizeof(struct list_values),
	.run = list_run,
};
