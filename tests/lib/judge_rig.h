/*
 * For the tests of the judge: a small world (five tasks, three groups) in which nothing has
 * happened yet, expectations from YAML text, and assertions that show the finding on failure.
 */
#ifndef OOMLAB_TESTS_JUDGE_RIG_H
#define OOMLAB_TESTS_JUDGE_RIG_H

#include "harness/judge/judge.h"

enum { RIG_TASKS = 6, RIG_GROUPS = 3, RIG_KILLS = 8, RIG_COUNTERS = 16 };

/* Tasks, by index; their pids are 101, 102, ... All run in oom_test (limit 80M). */
enum { ALLOC_1, ALLOC_2, COUNTER, BOMB, STRESS /* a command */, ALLOC_3 };
enum { OOM_TEST, OUTER, OUTER_INNER };

struct rig {
	struct world world;
	struct world_task tasks[RIG_TASKS];
	struct world_group groups[RIG_GROUPS];
	struct world_kill kills[RIG_KILLS];
	struct world_counter counters[RIG_COUNTERS];
	struct judge_scope scope;
	struct scenario *scenario;
	struct expect *expect;
	struct findings findings;
	struct diags diags;
};

struct rig *rig_new(void);
void rig_free(struct rig *rig);

/* Parses; fails the test on a mistake. Replaces the expectation before. */
void rig_expect(struct rig *rig, const char *yaml);
/* Parses what must be wrong; its diags. */
const char *rig_mistakes(struct rig *rig, const char *yaml);

/* Judges; fails the test unless the whole comes out as this. */
void rig_judge(struct rig *rig, enum judge_state state);
/* rig_expect and rig_judge. */
void rig_says(struct rig *rig, const char *yaml, enum judge_state state);
/* The first finding with this key. */
const struct finding *rig_finding(const struct rig *rig, const char *what);

enum { BY_WAIT = 1, BY_LINE = 2, BY_COUNTER = 4, BY_ALL = 7 };
/* A kill of a task (child -1: its own process) seen by these sources: what each source would
 * change in the world is changed. */
struct world_kill *rig_kill(struct rig *rig, int task, int child, int sources);
/* A process that is no task's; group may be -1. */
struct world_kill *rig_kill_stranger(struct rig *rig, int group, int sources);
void rig_exit(struct rig *rig, int task, int status);
void rig_signal(struct rig *rig, int task, int signal);
struct world_counter *rig_counter(struct rig *rig, int group, const char *name);

#endif
