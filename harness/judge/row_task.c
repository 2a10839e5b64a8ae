/*
 * Expectations about what tasks are: alive, blocked, resumed, stopped, exited.
 */
#include <ctype.h>

#include "base/str.h"
#include "harness/judge/row.h"

void row_parse_tasks(struct parse *parse, const struct node *value)
{
	struct item *item = row_item(parse, value);

	row_targets(parse, item, value, false);
	if (item->n_targets == 0 && !parse->bad)
		row_mistake(parse, value, "expected a task's name or a list of them, got none");
}

/* ---- alive, blocked, resumed, stopped: all the same question of different kinds
 * ---------------------- */

/* What is known about one task: whether it is (yes), may be at this moment (maybe), may be at
 * some later time (later). */
struct standing {
	bool yes, maybe, later;
};

typedef struct standing (*standing_fn)(const struct world_task *task);
typedef void (*reason_fn)(struct tell *out, const struct world_task *task);

struct kind {
	standing_fn standing;
	reason_fn reason; /* what is missing, after the task's state */
	bool lasting;	  /* once it is so, it stays so */
};

static struct standing stand_alive(const struct world_task *task)
{
	bool dead = world_task_dead(task) || task->at_exit;
	bool running = task->life == WORLD_RUNNING && !task->at_exit;

	return (struct standing){
		.yes = running && !world_task_zombie(task) && (task->proved || task->blocked),
		.maybe = running && !world_task_zombie(task),
		.later = !dead,
	};
}

static void miss_alive(struct tell *out, const struct world_task *task)
{
	if (task->life == WORLD_RUNNING && !task->at_exit && !world_task_zombie(task))
		tell_add(out,
			 task->is_hog ? ", no answer to a ping yet" : ", not proved alive yet");
}

static struct standing stand_blocked(const struct world_task *task)
{
	bool blocked = task->life == WORLD_RUNNING && task->blocked;

	return (struct standing){blocked, blocked, !world_task_dead(task)};
}

static void miss_blocked(struct tell *out, const struct world_task *task)
{
	if (task->life == WORLD_RUNNING && task->wchan[0] && !task->blocked)
		tell_add(out, " in %s", task->wchan);
	if (task->life == WORLD_RUNNING && !task->pending && task->is_hog)
		tell_add(out, ", no command under way");
}

static struct standing stand_resumed(const struct world_task *task)
{
	bool resumed = task->was_blocked && task->resumed;

	return (struct standing){resumed, resumed, resumed || !world_task_dead(task)};
}

static void miss_resumed(struct tell *out, const struct world_task *task)
{
	tell_add(out, task->was_blocked ? ", has not gone on" : ", was never blocked");
}

static struct standing stand_stopped(const struct world_task *task)
{
	bool stopped =
		task->life == WORLD_RUNNING && (task->proc_state == 'T' || task->proc_state == 't');

	return (struct standing){stopped, stopped, !world_task_dead(task)};
}

static void miss_stopped(struct tell *out, const struct world_task *task)
{
	if (task->life == WORLD_RUNNING)
		tell_add(out, ", not stopped");
}

static void count_standing(const struct kind *kind, const struct target *target,
			   const struct world *world, uint64_t *lo, uint64_t *hi, uint64_t *most)
{
	for (size_t i = 0; i < target->n; i++) {
		struct standing is = kind->standing(&world->tasks[target->tasks[i]]);
		*lo += is.yes;
		*hi += is.maybe;
		*most += is.later;
	}
}

static void tell_targets(struct tell *got, const struct kind *kind, const struct target *target,
			 const struct world *world, bool holds)
{
	for (size_t i = 0; i < target->n; i++) {
		const struct world_task *task = &world->tasks[target->tasks[i]];
		tell_next(got, "; ");
		tell_task(got, task);
		if (!holds && !kind->standing(task).yes)
			kind->reason(got, task);
	}
}

static enum judge_state eval_kind(const struct kind *kind, const struct item *item,
				  const struct world *world, struct finding *ret)
{
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	struct tell fine = tell_into(ret->seen, sizeof(ret->seen));
	enum judge_state worst = JUDGE_HOLDS;
	char number[COMPARE_TEXT_MAX];

	for (size_t i = 0; i < item->n_targets; i++) {
		const struct target *target = &item->targets[i];
		uint64_t lo = 0, hi = 0, most = 0;
		enum judge_state state = JUDGE_FAILS;
		count_standing(kind, target, world, &lo, &hi, &most);
		if (compare_all(&target->count, lo, hi))
			state = JUDGE_HOLDS;
		else if (compare_some(&target->count, kind->lasting ? lo : 0, most))
			state = JUDGE_WAIT;
		tell_next(&expected, ", ");
		if (target->n == 1 && target->count.min == 1 && target->count.max == 1)
			tell_add(&expected, "%s", target->label);
		else
			tell_add(&expected, "%s of %s", compare_format(&target->count, number),
				 target->label);
		tell_targets(state == JUDGE_HOLDS ? &fine : &got, kind, target, world,
			     state == JUDGE_HOLDS);
		worst = judge_worse(worst, state);
	}
	if (worst == JUDGE_HOLDS) {
		/* All is fine: that is what we got. */
		got = tell_into(ret->got, sizeof(ret->got));
		tell_add(&got, "%s", ret->seen);
		ret->seen[0] = '\0';
	}
	return worst;
}

enum judge_state row_eval_alive(const struct item *item, const struct world *world,
				struct finding *ret)
{
	static const struct kind kind = {stand_alive, miss_alive, false};

	return eval_kind(&kind, item, world, ret);
}

/* With the groups: their under_oom is what else tells a pause. */
enum judge_state row_eval_blocked(const struct item *item, const struct world *world,
				  struct finding *ret)
{
	static const struct kind kind = {stand_blocked, miss_blocked, false};
	enum judge_state state = eval_kind(&kind, item, world, ret);

	if (ret->seen[0] == '\0') {
		struct tell seen = tell_into(ret->seen, sizeof(ret->seen));
		tell_groups(&seen, world);
	}
	return state;
}

enum judge_state row_eval_resumed(const struct item *item, const struct world *world,
				  struct finding *ret)
{
	static const struct kind kind = {stand_resumed, miss_resumed, true};

	return eval_kind(&kind, item, world, ret);
}

enum judge_state row_eval_stopped(const struct item *item, const struct world *world,
				  struct finding *ret)
{
	static const struct kind kind = {stand_stopped, miss_stopped, false};

	return eval_kind(&kind, item, world, ret);
}

/* ---- exited --------------------------------------------------------------------------------- */

static const char exited_form[] = "an exit code such as 0, a signal such as SIGTERM, or {code: 1}";

static void parse_ending(struct parse *parse, struct item *item, const struct node *value)
{
	static const struct compare_rules rules = {.unit = COMPARE_COUNT};
	const struct node *code = value;

	if (value->kind == NODE_MAP && value->n == 1) {
		code = node_get(value, "code");
		const struct node *signal = node_get(value, "signal");
		if (!code && !signal) {
			row_mistake(parse, &value->keys[0],
				    "unknown key '%s', expected code or signal",
				    value->keys[0].text);
			return;
		}
		value = code ? code : signal;
	}
	const char *text = row_text(parse, value, exited_form);
	if (!text)
		return;
	item->signal = row_signal(text);
	if (item->signal)
		return;
	if (isalpha((unsigned char)text[0]))
		code = NULL;
	if (!code)
		row_mistake(parse, value, "unknown signal '%s', expected %s", text, exited_form);
	else if (row_compare(parse, code, &rules, &item->compare) && item->compare.a > 255)
		row_mistake(parse, value, "'%s': exit codes end at 255", text);
}

static void parse_exited_pair(struct parse *parse, int index, const struct node *key,
			      const struct node *value)
{
	struct item *item = row_item(parse, key);

	item->task = index;
	parse_ending(parse, item, value);
}

void row_parse_exited(struct parse *parse, const struct node *value)
{
	row_task_pairs(parse, value, "a map of task: exit code or signal", parse_exited_pair);
}

enum judge_state row_eval_exited(const struct item *item, const struct world *world,
				 struct finding *ret)
{
	const struct world_task *task = &world->tasks[item->task];
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	char text[COMPARE_TEXT_MAX];

	if (item->signal) {
		tell_signal(item->signal, text, sizeof(text));
		tell_add(&expected, "%s killed by %s", task->name, text);
	} else {
		tell_add(&expected, "%s exited %s", task->name,
			 compare_format(&item->compare, text));
	}
	tell_task(&got, task);
	if (!world_task_dead(task))
		return JUDGE_WAIT;
	if (item->signal ? task->life == WORLD_KILLED && task->status == item->signal
			 : task->life == WORLD_EXITED &&
				   compare_holds(&item->compare, (uint64_t)task->status, 0))
		return JUDGE_HOLDS;
	return JUDGE_FAILS;
}

void row_claim_exited(const struct item *item, struct world *world)
{
	world->tasks[item->task].end_claimed = true;
}
