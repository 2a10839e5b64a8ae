/*
 * Private to harness/judge: what a row of the expectation table is, what its parser leaves for its
 * judgement, and the helpers that all rows share. A new expectation is one line in rows.c, one
 * parse and one eval function in a row_*.c.
 */
#ifndef OOMLAB_JUDGE_ROW_H
#define OOMLAB_JUDGE_ROW_H

#include <regex.h>

#include "harness/judge/compare.h"
#include "harness/judge/judge.h"

/* ---- what is parsed ------------------------------------------------------------------------- */

enum { CHILD_SELF = -1, CHILD_ANY = -2 }; /* or the number of a child */

/* Some tasks (more than one only for a pattern in a map: they are counted together) and how many
 * of them, or of their children, it should be. */
struct target {
	const char *label; /* as written; the scenario's */
	size_t n;
	int *tasks;
	int child;
	struct compare count;
};

/* One thing to judge, and one finding: a whole list, or one entry of a map. */
struct item {
	const struct row *row;
	const struct node *at;
	size_t n_targets; /* lists of tasks; also lists of groups (tasks[0] is the group) */
	struct target *targets;
	int task, group, counter; /* -1: none */
	int child;		  /* of task */
	int other;		  /* a second task or group to compare with, -1: none */
	struct compare compare;
	bool exact;	/* 'touched: exact' */
	bool machine;	/* 'swap_used: machine' */
	int signal;	/* 'exited' by it; 0: by code */
	size_t n_codes; /* errno values any of which will do */
	int *codes;
	const char *text; /* constraint, system call, regular expression */
	regex_t *regex;	  /* the same, compiled; NULL: none */
};

struct expect {
	size_t n;
	struct item *items;
	uint64_t within_ns, lasts_ns;
	unsigned wants;
};

/* ---- the table ------------------------------------------------------------------------------ */

struct parse {
	const struct judge_scope *scope;
	struct diags *diags;
	struct expect *expect;
	const struct row *row;
	bool bad; /* a mistake was found (diags drop a line that they have already) */
};

/* Mistakes go to row_mistake(). */
typedef void (*parse_fn)(struct parse *parse, const struct node *value);
/* Says why in 'expected', 'got' and 'seen', which are empty when it is called. */
typedef enum judge_state (*eval_fn)(const struct item *item, const struct world *world,
				    struct finding *ret);
/* The whole expectation held: marks what this item named. */
typedef void (*claim_fn)(const struct item *item, struct world *world);

struct row {
	const char *key;
	parse_fn parse;
	eval_fn eval;	/* NULL: nothing to judge ('within') */
	claim_fn claim; /* may be NULL */
	unsigned wants; /* enum judge_wants */
	const char *help;
};

const struct row *row_find(const char *key); /* or NULL */

void row_parse_killed(struct parse *parse, const struct node *value);
void row_parse_reaped(struct parse *parse, const struct node *value);
void row_parse_order(struct parse *parse, const struct node *value);
void row_parse_tasks(struct parse *parse, const struct node *value);
void row_parse_groups(struct parse *parse, const struct node *value);
void row_parse_exited(struct parse *parse, const struct node *value);
void row_parse_errno(struct parse *parse, const struct node *value);
void row_parse_touched(struct parse *parse, const struct node *value);
void row_parse_task_count(struct parse *parse, const struct node *value);
void row_parse_oom_score(struct parse *parse, const struct node *value);
void row_parse_violation(struct parse *parse, const struct node *value);
void row_parse_counters(struct parse *parse, const struct node *value);
void row_parse_usage(struct parse *parse, const struct node *value);
void row_parse_pressure(struct parse *parse, const struct node *value);
void row_parse_notified(struct parse *parse, const struct node *value);
void row_parse_swap_used(struct parse *parse, const struct node *value);
void row_parse_log(struct parse *parse, const struct node *value);
void row_parse_says(struct parse *parse, const struct node *value);
void row_free_says(struct item *item);
void row_parse_victim(struct parse *parse, const struct node *value);
void row_parse_within(struct parse *parse, const struct node *value);
void row_parse_lasts(struct parse *parse, const struct node *value);

#define ROW_EVAL(name)                                                            \
	enum judge_state name(const struct item *item, const struct world *world, \
			      struct finding *ret)
ROW_EVAL(row_eval_killed);
ROW_EVAL(row_eval_reaped);
ROW_EVAL(row_eval_order);
ROW_EVAL(row_eval_alive);
ROW_EVAL(row_eval_blocked);
ROW_EVAL(row_eval_resumed);
ROW_EVAL(row_eval_stopped);
ROW_EVAL(row_eval_exited);
ROW_EVAL(row_eval_errno);
ROW_EVAL(row_eval_touched);
ROW_EVAL(row_eval_beats);
ROW_EVAL(row_eval_forks);
ROW_EVAL(row_eval_oom_score);
ROW_EVAL(row_eval_violation);
ROW_EVAL(row_eval_counters);
ROW_EVAL(row_eval_usage);
ROW_EVAL(row_eval_notified);
ROW_EVAL(row_eval_pressure);
ROW_EVAL(row_eval_group_empty);
ROW_EVAL(row_eval_swap_used);
ROW_EVAL(row_eval_log);
ROW_EVAL(row_eval_says);
ROW_EVAL(row_eval_victim);

void row_claim_killed(const struct item *item, struct world *world);
void row_claim_violation(const struct item *item, struct world *world);
void row_claim_exited(const struct item *item, struct world *world);
void row_claim_errno(const struct item *item, struct world *world);
void row_claim_victim(const struct item *item, struct world *world);

/* ---- whole expectations (eval.c) ------------------------------------------------------------ */

/* judge_eval() in its two halves. */
enum judge_state judge_items(const struct expect *expect, const struct world *world,
			     struct findings *ret);
void judge_claim(const struct expect *expect, struct world *world);

/* ---- parsing helpers (names.c) -------------------------------------------------------------- */

/* "file:line:column: KEY: text". */
void row_mistake(struct parse *parse, const struct node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Appends an item for this row, all indices -1. The pointer lives until the next call. */
struct item *row_item(struct parse *parse, const struct node *at);
/* The text of a scalar, or NULL with a mistake "expected WHAT, got ...". */
const char *row_text(struct parse *parse, const struct node *node, const char *what);
/* NULL unless node is a map that is not empty; what: "a map of task: number". */
const struct node *row_map(struct parse *parse, const struct node *node, const char *what);

/* Which names of a list a name or a pattern (* ? [) means: their number; *ret is the caller's. */
size_t row_match(const char *const *names, size_t n, const char *pattern, int **ret);
/* The same with a mistake when there is none. 'kind': "task", "group". */
size_t row_names(struct parse *parse, const struct node *at, const char *kind, const char *text,
		 int **ret);
/* One name alone, no pattern; -1 with a mistake. */
int row_task_name(struct parse *parse, const struct node *at);
int row_group_name(struct parse *parse, const struct node *at);

/* "TASK", "TASK.3", "TASK.*" and patterns of them. 0 with a mistake. */
size_t row_process(struct parse *parse, const struct node *at, int **ret, int *ret_child);
/* Fills item->targets from a name, a list (each of them) or a map name: count (together).
 * children: whether "TASK.*" may be said. */
void row_targets(struct parse *parse, struct item *item, const struct node *value, bool children);

/* Calls fn for each pair of a map whose keys are names or patterns of tasks (groups). */
typedef void (*pair_fn)(struct parse *parse, int index, const struct node *key,
			const struct node *value);
void row_task_pairs(struct parse *parse, const struct node *map, const char *what, pair_fn fn);
void row_group_pairs(struct parse *parse, const struct node *map, const char *what, pair_fn fn);

/* A comparison from a scalar; false with a mistake. */
bool row_compare(struct parse *parse, const struct node *node, const struct compare_rules *rules,
		 struct compare *ret);

int row_signal(const char *name);   /* "SIGTERM", "TERM" -> 15; 0: unknown */
int row_errno(const char *name);    /* "ENOMEM", "none" -> 0; -1: unknown */
const char *tell_errno(int number); /* "ENOMEM", "none" */

/* ---- saying what is there (tell.c) ---------------------------------------------------------- */

/* Text of fixed size; what does not fit ends in "...". Size 0: nothing is written. */
struct tell {
	char *buf;
	size_t size, len;
};
struct tell tell_into(char *buf, size_t size);
void tell_add(struct tell *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Adds separator unless the text is still empty. */
void tell_next(struct tell *text, const char *separator);

/* "exited 0", "killed by SIGTERM", "blocked in mem_cgroup_oom_synchronize (state D)". */
void tell_state(struct tell *text, const struct world_task *task);
/* "alloc_2 running (state S)" */
void tell_task(struct tell *text, const struct world_task *task);
/* "alloc_1 (pid 123)", "child 3 of bomb (pid 130)", "'comm' (pid 7), no task of ours, in 'g'" */
void tell_process(struct tell *text, const struct world *world, const struct world_kill *kill);
/* "wait yes, log yes, counter yes" */
void tell_sources(struct tell *text, const struct world *world, const struct world_kill *kill);
/* "oom_test: oom_kill +1 under_oom 0", and all of them. */
void tell_group(struct tell *text, const struct world_group *group);
void tell_groups(struct tell *text, const struct world *world);
void tell_violation(struct tell *text,
		    const struct world_task *task);   /* "system call 'kill' (62)" */
void tell_signal(int number, char *buf, size_t size); /* "SIGTERM" */

/* ---- facts about tasks and kills (agreement.c) ---------------------------------------------- */

bool world_task_dead(const struct world_task *task);
bool world_task_zombie(const struct world_task *task);
/* No command under way, or dead: what its status says stays so. */
bool world_task_settled(const struct world_task *task);
/* The kernel says so, by its line or its counter; a SIGKILL alone does not. */
bool world_kill_by_oom(const struct world_kill *kill);
/* In one of our groups or of our tasks; others are other people's runs. */
bool world_kill_ours(const struct world_kill *kill);
/* Under memory.oom.group the kernel can print a chosen victim's line twice: the second one. */
bool world_kill_repeated(const struct world *world, const struct world_kill *kill);
/* Of oom_kill since the last mark, or since the group was made. */
uint64_t world_group_delta(const struct world_group *group);
int world_kill_group(const struct world *world, const struct world_kill *kill); /* -1: not known */
/* When a group's counter saw more kills than are known, says so. */
bool world_unaccounted(const struct world *world, struct tell *text);

enum judge_state judge_worse(enum judge_state a, enum judge_state b);

/* Of one kill: fills in state, 'expected' and 'got' (row_victim.c). */
void judge_prediction(const struct world *world, const struct world_kill *kill,
		      struct finding *ret);

#endif
