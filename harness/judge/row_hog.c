/*
 * Expectations about what hogs report (errno of an allocation, touched pages, beats, forks,
 * confinement) and about the kernel's score of tasks.
 *
 * 'touched' is what the hog holds (touched_pages of its status page): the page outlives a SIGKILL,
 * so for a killed task it is what it held when it died.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/judge/row.h"

/* For what only the task's own next command can change. */
static enum judge_state unless_settled(const struct world_task *task)
{
	return world_task_settled(task) ? JUDGE_FAILS : JUDGE_WAIT;
}

static void tell_pending(struct tell *out, const struct world_task *task)
{
	if (task->life == WORLD_RUNNING && !task->pending && !task->blocked)
		return;
	tell_add(out, ", ");
	tell_state(out, task);
	if (task->life == WORLD_RUNNING && task->pending)
		tell_add(out, " with a command under way");
}

/* Hogs alone have a status page; true when told. */
static bool tell_command(struct tell *got, const struct world_task *task)
{
	if (task->is_hog)
		return false;
	if (task->life == WORLD_UNBORN)
		tell_task(got, task);
	else
		tell_add(got, "%s is a command, only hogs report this", task->name);
	return true;
}

static enum judge_state command_state(const struct world_task *task)
{
	return task->life == WORLD_UNBORN ? JUDGE_WAIT : JUDGE_FAILS;
}

/* ---- errno ---------------------------------------------------------------------------------- */

static void add_errno(struct parse *parse, struct item *item, const struct node *node)
{
	const char *text = row_text(parse, node, "an errno such as ENOMEM, or none");
	int code = text ? row_errno(text) : -1;

	if (text && code < 0)
		row_mistake(parse, node,
			    "unknown errno '%s', expected a name such as ENOMEM, or none", text);
	item->codes = mem_grow(item->codes, item->n_codes + 1, sizeof(*item->codes));
	item->codes[item->n_codes++] = code;
}

static void parse_errno_pair(struct parse *parse, int index, const struct node *key,
			     const struct node *value)
{
	struct item *item = row_item(parse, key);

	item->task = index;
	if (value->kind != NODE_LIST) {
		add_errno(parse, item, value);
		return;
	}
	if (value->n == 0)
		row_mistake(parse, value, "expected an errno or a list of them, got an empty list");
	for (size_t i = 0; i < value->n; i++)
		add_errno(parse, item, &value->items[i]);
}

void row_parse_errno(struct parse *parse, const struct node *value)
{
	row_task_pairs(parse, value, "a map of task: errno", parse_errno_pair);
}

enum judge_state row_eval_errno(const struct item *item, const struct world *world,
				struct finding *ret)
{
	const struct world_task *task = &world->tasks[item->task];
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	bool found = false;

	tell_add(&expected, "%s: ", task->name);
	for (size_t i = 0; i < item->n_codes; i++) {
		tell_add(&expected, "%s%s", i ? " or " : "", tell_errno(item->codes[i]));
		found = found || task->last_errno == item->codes[i];
	}
	if (tell_command(&got, task))
		return command_state(task);
	tell_add(&got, "%s: %s", task->name,
		 task->pending	   ? "no answer to its command"
		 : !task->answered ? "it was never given a command"
				   : tell_errno(task->last_errno));
	tell_pending(&got, task);
	/* A command without its receipt says nothing yet, and if it killed the task, never will. */
	if (task->pending)
		return world_task_dead(task) ? JUDGE_FAILS : JUDGE_WAIT;
	return found && task->answered ? JUDGE_HOLDS : unless_settled(task);
}

void row_claim_errno(const struct item *item, struct world *world)
{
	world->tasks[item->task].errno_unclaimed = 0;
}

/* ---- touched -------------------------------------------------------------------------------- */

static void parse_touched_pair(struct parse *parse, int index, const struct node *key,
			       const struct node *value)
{
	struct compare_rules rules = {.unit = COMPARE_SIZE, .whole = parse->scope->machine_bytes};
	struct item *item = row_item(parse, key);
	uint64_t page = 0;
	struct err err;

	item->task = index;
	item->exact = value->kind == NODE_SCALAR && strcmp(value->text, "exact") == 0;
	if (item->exact || !row_compare(parse, value, &rules, &item->compare))
		return;
	if (!strchr(value->text, '%') && parse_size("1page", &page, &err) == 0 &&
	    (item->compare.a % page || item->compare.b % page))
		row_mistake(parse, value,
			    "'%s' is not a whole number of pages; sizes without a unit "
			    "are bytes, pages are written '%spages'",
			    value->text, value->text);
}

void row_parse_touched(struct parse *parse, const struct node *value)
{
	row_task_pairs(parse, value, "a map of task: size, or 'exact'", parse_touched_pair);
}

static void tell_pages(struct tell *out, uint64_t pages, uint64_t page_size)
{
	char size[PARSE_TEXT_MAX];

	tell_add(out, "%" PRIu64 " pages (%s)", pages, format_size(pages * page_size, size));
}

/* What decides how much fits. */
static void tell_room(struct finding *ret, const struct world_group *group)
{
	struct tell seen = tell_into(ret->seen, sizeof(ret->seen));
	char usage[PARSE_TEXT_MAX], limit[PARSE_TEXT_MAX];

	tell_add(&seen, "%s: usage %s, limit %s", group->name,
		 format_size(group->usage_bytes, usage), format_size(group->limit_bytes, limit));
}

enum judge_state row_eval_touched(const struct item *item, const struct world *world,
				  struct finding *ret)
{
	const struct world_task *task = &world->tasks[item->task];
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	uint64_t pages = task->touched_pages;
	char text[COMPARE_TEXT_MAX];

	tell_add(&expected, "%s: ", task->name);
	if (!item->exact)
		tell_add(&expected, "%s", compare_format(&item->compare, text));
	else if (task->predicted_pages == UINT64_MAX)
		tell_add(&expected, "exactly what fits");
	else
		tell_pages(&expected, task->predicted_pages, world->page_size);
	if (tell_command(&got, task))
		return command_state(task);
	tell_add(&got, "%s: ", task->name);
	tell_pages(&got, pages, world->page_size);
	tell_pending(&got, task);
	if (task->group >= 0)
		tell_room(ret, &world->groups[task->group]);
	if (item->exact && task->predicted_pages == UINT64_MAX) {
		tell_add(&got, "; how many fit was not computed, no step of it was exact");
		return JUDGE_WAIT;
	}
	/* A number that is on its way somewhere may pass the right one. */
	if (task->life == WORLD_RUNNING && task->stepping && !task->blocked)
		return JUDGE_WAIT;
	if (item->exact ? pages == task->predicted_pages
			: compare_holds(&item->compare, pages * world->page_size, 0))
		return JUDGE_HOLDS;
	return unless_settled(task);
}

/* ---- beats, forks --------------------------------------------------------------------------- */

static void parse_count_pair(struct parse *parse, int index, const struct node *key,
			     const struct node *value)
{
	static const struct compare_rules rules = {.unit = COMPARE_COUNT};
	struct item *item = row_item(parse, key);

	item->task = index;
	row_compare(parse, value, &rules, &item->compare);
}

void row_parse_task_count(struct parse *parse, const struct node *value)
{
	row_task_pairs(parse, value, "a map of task: number", parse_count_pair);
}

static enum judge_state eval_count(const struct item *item, const struct world *world,
				   struct finding *ret, uint64_t count)
{
	const struct world_task *task = &world->tasks[item->task];
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	char text[COMPARE_TEXT_MAX];

	tell_add(&expected, "%s: %s", task->name, compare_format(&item->compare, text));
	if (tell_command(&got, task))
		return command_state(task);
	tell_add(&got, "%s: %" PRIu64 ", ", task->name, count);
	tell_state(&got, task);
	if (compare_holds(&item->compare, count, 0))
		return JUDGE_HOLDS;
	if (world_task_dead(task) || !compare_reachable(&item->compare, count, 0))
		return JUDGE_FAILS;
	return JUDGE_WAIT;
}

enum judge_state row_eval_beats(const struct item *item, const struct world *world,
				struct finding *ret)
{
	return eval_count(item, world, ret, world->tasks[item->task].beats);
}

enum judge_state row_eval_forks(const struct item *item, const struct world *world,
				struct finding *ret)
{
	return eval_count(item, world, ret, world->tasks[item->task].forks);
}

/* ---- violation ------------------------------------------------------------------------------ */

static void parse_violation_pair(struct parse *parse, int index, const struct node *key,
				 const struct node *value)
{
	struct item *item = row_item(parse, key);

	item->task = index;
	item->text = row_text(parse, value, "a system call's name or number, or any");
}

void row_parse_violation(struct parse *parse, const struct node *value)
{
	row_task_pairs(parse, value, "a map of task: system call", parse_violation_pair);
}

enum judge_state row_eval_violation(const struct item *item, const struct world *world,
				    struct finding *ret)
{
	const struct world_task *task = &world->tasks[item->task];
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	char number[16] = "";

	tell_add(&expected, "%s stopped at %s", task->name,
		 strcmp(item->text, "any") == 0 ? "any system call" : item->text);
	if (task->violation) {
		tell_add(&got, "%s stopped at ", task->name);
		tell_violation(&got, task);
		struct tell digits = tell_into(number, sizeof(number));
		tell_add(&digits, "%d", task->violation);
		bool named = strcmp(item->text, "any") == 0 || strcmp(item->text, number) == 0 ||
			     str_eq(item->text, task->violation_name);
		return named ? JUDGE_HOLDS : JUDGE_FAILS;
	}
	tell_add(&got, "no violation, ");
	tell_task(&got, task);
	return world_task_dead(task) ? JUDGE_FAILS : JUDGE_WAIT;
}

void row_claim_violation(const struct item *item, struct world *world)
{
	world->tasks[item->task].violation_claimed = true;
}
