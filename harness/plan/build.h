/*
 * What the files of harness/plan/ share while one plan is built. Private: callers include plan.h.
 *
 * Every reader takes the node, adds a mistake ("what, expected what, got what") when it is wrong,
 * and returns whether it was right; building goes on in either case, so that all mistakes of a
 * file are found in one go.
 */
#ifndef OOMLAB_PLAN_BUILD_H
#define OOMLAB_PLAN_BUILD_H

#include "harness/plan/arena.h"
#include "harness/plan/plan.h"

struct crowd_tasks;

enum { PLAN_TASKS_MAX = 4096, PLAN_GROUPS_MAX = 1024, PLAN_NAME_MAX = 64 };

struct build {
	const struct instance *instance;
	const struct facts *facts;
	const struct cg_host *cg; /* NULL: knob support is not checked */
	const char *file;
	struct diags *diags;
	struct plan *plan;
	struct arena *arena;
	struct str skips; /* reasons so far, parted by "; " */
	/* Above 0 within a part that 'when' leaves out here: its mistakes count, but what it lacks
	 * on this host and the counters that it asks for do not. */
	int dropped;
	/* As the steps go: */
	uint64_t *limit_now;	   /* of each group; UINT64_MAX: none */
	uint64_t *limit_worst;	   /* the largest that it ever has */
	int *group_now;		   /* of each task */
	int *start_given;	   /* of each task: enum plan_start from the file, -1: none */
	bool *spawn_named;	   /* of each task: by a 'spawn' step, also one left out here */
	bool *start_named;	   /* the same for 'start' */
	struct crowd_tasks *crowd; /* NULL: none is generated */
	size_t decides;		   /* 'decide' steps of the file, also those left out here */
	const char **task_names;   /* NULL-terminated, in the order of plan->tasks */
	const char **group_names;  /* NULL-terminated, in the order of plan->groups */
};

/* ---- read.c: nodes into values ------------------------------------------------------------- */

void bad(struct build *b, const struct node *at, const char *what, const char *expected);
/* "unknown WHAT 'name'" with the nearest of names. */
void bad_name(struct build *b, const struct node *at, const char *what, const char *name,
	      const char *const *names);
bool read_scalar(struct build *b, const struct node *at, const char *what, const char *expected,
		 const char **ret);
bool read_size(struct build *b, const struct node *at, const char *what, uint64_t *ret);
/* As read_size; "50%" is that part of 'whole' (UINT64_MAX: there is none, a mistake that says
 * whose limit is missing), rounded down to pages. */
bool read_part(struct build *b, const struct node *at, const char *what, uint64_t whole,
	       const char *whose, uint64_t *ret);
bool read_duration(struct build *b, const struct node *at, const char *what, uint64_t *ret);
bool read_u64(struct build *b, const struct node *at, const char *what, uint64_t min, uint64_t max,
	      uint64_t *ret);
bool read_i64(struct build *b, const struct node *at, const char *what, int64_t min, int64_t max,
	      int64_t *ret);
bool read_bool(struct build *b, const struct node *at, const char *what, bool *ret);
bool read_choice(struct build *b, const struct node *at, const char *what, const char *const *names,
		 int *ret);
/* Whether it is a map (null counts as an empty one); a mistake otherwise. */
bool is_map(struct build *b, const struct node *at, const char *what, const char *expected);
/* Whether text may name a scenario, task or part of a group; a mistake otherwise. */
bool is_name(struct build *b, const struct node *at, const char *what, const char *text);
/* A list of texts; a single scalar is a list of one. Returns the number. */
size_t read_texts(struct build *b, const struct node *at, const char *what, const char ***ret);

struct key {
	const char *name;
	void (*fn)(struct build *b, const struct node *value, void *data);
	bool required;
};
/* Calls fn of every key of the table that the map has, in the table's order (which is the order
 * in which they depend on each other). Keys that are in neither the table nor 'others'
 * (NULL-terminated, may be NULL) are mistakes. 'of' says whose keys ("task 'x'"), NULL: the
 * file's. The table ends with a NULL name. */
bool read_keys(struct build *b, const struct node *map, const char *of, const struct key *keys,
	       const char *const *others, void *data);

/* ---- names.c: tasks, groups, signals, errors ----------------------------------------------- */

int find_group(struct build *b, const struct node *at, const char *name); /* -1: a mistake */
int find_task(struct build *b, const struct node *at, const char *name);
/* Calls fn for each task that a name, a pattern such as 'hog-*', or a list of these means. */
void each_task(struct build *b, const struct node *at, const char *what,
	       void (*fn)(struct build *b, int task, const struct node *at, void *data),
	       void *data);
bool read_signal(struct build *b, const struct node *at, int64_t *ret);
/* "EBUSY" -> EBUSY, "any" -> -1. */
bool read_errno(struct build *b, const struct node *at, int *ret);

/* ---- skips --------------------------------------------------------------------------------- */

/* The machine lacks something: one reason, without final dot; told once. */
void skip(struct build *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- parts of a scenario, in the order in which they are built ----------------------------- */

void build_needs(struct build *b, const struct node *needs);
/* Whether this host has all of a map of needs; 'what' is for mistakes. */
bool build_has(struct build *b, const struct node *needs, const char *what);
/* Whether 'when' and 'unless' of a map let it take place on this host. */
bool build_when(struct build *b, const struct node *map);
void build_host(struct build *b, const struct node *host);
void build_claim(struct build *b, const struct node *claim);
/* That 'claim' and 'decide' have each other. */
void check_claim(struct build *b);
void build_groups(struct build *b, const struct node *groups);
/* One knob of a group, from 'groups' or a 'set' step; false: a mistake, or left out by 'when'. */
bool build_knob(struct build *b, int group, const struct node *key, const struct node *value,
		struct plan_knob *ret, int *ret_error);
uint64_t effective_limit(const struct build *b, const uint64_t *limits, int group);
/* What percentages are of, now: without a limit the free memory of a virtual machine. */
uint64_t memory_of(const struct build *b, int group);
/* Sets the limit of the group of a generated crowd, and keeps its tasks for build_tasks(). */
void build_generate(struct build *b, const struct node *generate);
void build_tasks(struct build *b, const struct node *tasks);
/* A workload's own option, appended to the task's arguments. */
void build_option(struct build *b, struct plan_task *task, const struct node *key,
		  const struct node *value);
void build_steps(struct build *b, const struct node *steps);
/* How tasks begin, once it is known what the steps do with them. */
void build_starts(struct build *b);
/* Which tasks 'step' and 'free' name anywhere. */
void find_stepped(const struct build *b, bool *stepped);
void free_expects(struct plan_step *steps, size_t n);
/* Skips where an oom_score_adj below 0 may not be set. */
void need_to_lower(struct build *b, int64_t adj);
/* Steps that can never happen and expectations that can never hold. */
void check_steps(struct build *b);
/* plan->dangerous and what follows from it. */
void build_danger(struct build *b);

#endif
