/*
 * plan_build(): the table of top-level keys, read in the order in which they need each other, and
 * what is known only when all of them are read.
 */
#include "harness/plan/build.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { REPEAT_MAX = 100000 };

static const uint64_t default_timeout_ns = 30ULL * 1000 * 1000 * 1000;
static const uint64_t default_within_ns = 5ULL * 1000 * 1000 * 1000;
/* A machine whose processor is a program is ten times slower, or more beside others; deadlines
 * only end what goes wrong. */
enum { VM_FACTOR = 6 };

/* A plan and everything it points to. */
struct owned {
	struct plan plan; /* first: plan_free() gets its address */
	struct arena arena;
};

void skip(struct build *b, const char *fmt, ...)
{
	STR_AUTO reason = STR_INIT;
	va_list ap;

	if (b->dropped)
		return;
	va_start(ap, fmt);
	str_vaddf(&reason, fmt, ap);
	va_end(ap);
	if (strstr(str_text(&b->skips), str_text(&reason)))
		return;
	str_addf(&b->skips, "%s%s", b->skips.len ? "; " : "", str_text(&reason));
}

/* ---- simple keys --------------------------------------------------------------------------- */

static void top_name(struct build *b, const struct node *value, void *data)
{
	const char *text;

	(void)data;
	if (read_scalar(b, value, "name", "a name such as limit-kills-largest", &text))
		is_name(b, value, "name", text);
}

static void top_title(struct build *b, const struct node *value, void *data)
{
	(void)data;
	read_scalar(b, value, "title", "one line of text", &b->plan->title);
}

static void top_description(struct build *b, const struct node *value, void *data)
{
	const char *text;

	(void)data;
	read_scalar(b, value, "description", "text", &text);
}

static void top_tags(struct build *b, const struct node *value, void *data)
{
	(void)data;
	b->plan->n_tags = read_texts(b, value, "tags", &b->plan->tags);
	for (size_t i = 0; i < b->plan->n_tags; i++)
		is_name(b, value, "tag", b->plan->tags[i]);
}

static void top_claim(struct build *b, const struct node *value, void *data)
{
	(void)data;
	build_claim(b, value);
}

static void top_needs(struct build *b, const struct node *value, void *data)
{
	(void)data;
	build_needs(b, value);
}

static void top_host(struct build *b, const struct node *value, void *data)
{
	(void)data;
	build_host(b, value);
}

static void top_repeat(struct build *b, const struct node *value, void *data)
{
	(void)data;
	read_u64(b, value, "repeat", 1, REPEAT_MAX, &b->plan->repeat);
}

static void positive_duration(struct build *b, const struct node *value, const char *what,
			      uint64_t *ret)
{
	if (read_duration(b, value, what, ret) && *ret == 0)
		bad(b, value, what, "a duration above 0");
}

static void top_timeout(struct build *b, const struct node *value, void *data)
{
	(void)data;
	positive_duration(b, value, "timeout", &b->plan->timeout_ns);
}

static void top_within(struct build *b, const struct node *value, void *data)
{
	(void)data;
	positive_duration(b, value, "within", &b->plan->within_ns);
}

/* Whoever looks from inside of the machine never sees it. */
static void top_panic(struct build *b, const struct node *value, void *data)
{
	char message[128];
	const char *text;
	regex_t regex;

	(void)data;
	if (!read_scalar(b, value, "panic", "the kernel's text, a regular expression", &text))
		return;
	int r = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);
	if (r != 0) {
		(void)regerror(r, &regex, message, sizeof(message));
		diag_add(b->diags, b->file, value, "panic: '%s' is no regular expression: %s", text,
			 message);
		return;
	}
	regfree(&regex);
	b->plan->panic = text;
	b->plan->panic_at = value;
	b->plan->dangerous = true;
	if (!b->plan->vm)
		diag_add(b->diags, b->file, value,
			 "panic: only a virtual machine is seen to panic, expected 'needs: {vm: "
			 "yes}'");
}

static void nothing(struct build *b, const struct node *value, void *data)
{
	(void)b;
	(void)value;
	(void)data;
}

/* 'host' before 'needs': swap that the scenario brings along is there. Groups, tasks and steps are
 * read by build_all(), whether they are there or not. */
static const struct key top_keys[] = {
	{"name", top_name, false},
	{"title", top_title, false},
	{"description", top_description, false},
	{"tags", top_tags, false},
	{"claim", top_claim, false},
	{"params", nothing, false},
	{"matrix", nothing, false},
	{"host", top_host, false},
	{"needs", top_needs, false},
	{"panic", top_panic, false},
	{"repeat", top_repeat, false},
	{"timeout", top_timeout, false},
	{"within", top_within, false},
	{"groups", nothing, false},
	{"generate", nothing, false},
	{"tasks", nothing, false},
	{"steps", nothing, true},
	{NULL, NULL, false},
};

/* ---- the whole ----------------------------------------------------------------------------- */

static void name_plan(struct build *b)
{
	const struct instance *instance = b->instance;
	const struct scenario *scenario = instance->scenario;
	const char *label = instance->label;

	b->plan->name = arena_printf(b->arena, "%s%s%s%s%s%s", scenario->suite,
				     scenario->suite[0] ? "/" : "", scenario->name,
				     label[0] ? "[" : "", label, label[0] ? "]" : "");
	b->plan->suite = scenario->suite;
	b->plan->file = scenario->file;
	b->plan->title = scenario->name;
	b->plan->n_params = instance->n_params;
	b->plan->params = instance->params;
}

static void build_all(struct build *b)
{
	const struct node *root = &b->instance->root;
	const struct node *steps = node_get(root, "steps");

	read_keys(b, root, NULL, top_keys, NULL, NULL);
	build_groups(b, node_get(root, "groups"));
	if (node_get(root, "generate"))
		build_generate(b, node_get(root, "generate"));
	build_tasks(b, node_get(root, "tasks"));
	if (steps)
		build_steps(b, steps);
	check_claim(b);
	build_starts(b);
	build_danger(b);
	check_steps(b);
}

int plan_build(const struct instance *instance, const struct facts *facts,
	       const struct cg_host *host, struct plan **ret, struct diags *diags)
{
	struct owned *owned = mem_zero(1, sizeof(*owned));
	struct diags found = {0};
	struct build b = {
		.instance = instance,
		.facts = facts,
		.cg = host,
		.file = instance->scenario->file,
		.diags = &found,
		.plan = &owned->plan,
		.arena = &owned->arena,
	};

	owned->plan.repeat = 1;
	owned->plan.timeout_ns = default_timeout_ns * (facts->vm ? VM_FACTOR : 1);
	owned->plan.within_ns = default_within_ns * (facts->vm ? VM_FACTOR : 1);
	name_plan(&b);
	build_all(&b);
	owned->plan.exclusive = owned->plan.exclusive || owned->plan.vm;
	if (owned->plan.vm && !facts->vm) /* all else is that machine's business */
		owned->plan.skip = "runs in a virtual machine: oomlab vm";
	else if (b.skips.len)
		owned->plan.skip = arena_dup(b.arena, str_text(&b.skips));
	str_free(&b.skips);
	if (found.n) {
		diags_move_sorted(&found, diags, b.file);
		plan_free(&owned->plan);
		return -EINVAL;
	}
	*ret = &owned->plan;
	return 0;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	struct owned *owned = (struct owned *)plan;
	free_expects(plan->steps, plan->n_steps);
	arena_free(&owned->arena);
	free(owned);
}
