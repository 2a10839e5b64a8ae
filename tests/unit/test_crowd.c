/*
 * harness/plan/crowd and 'generate': what a seed makes, and that it keeps within what was asked
 * for.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plan/crowd.h"
#include "tests/lib/scenario_rig.h"

Suite *crowd_suite(void);

enum { SEEDS = 500 };

static struct crowd_spec spec_of(uint64_t seed)
{
	return (struct crowd_spec){
		.seed = seed,
		.processes = {2, 200},
		.pages = {16, 1024},
		.adj = {1000, 2000},
		.adjusted = 30,
		.room = {5, 20},
		.kinds = (1U << CROWD_KINDS) - 1,
		.max_pages = 65536,
	};
}

START_TEST(same_seed_same_crowd)
{
	struct crowd_spec spec = spec_of(17), other = spec_of(18);
	struct crowd a, b, c;

	crowd_make(&spec, &a);
	crowd_make(&spec, &b);
	crowd_make(&other, &c);
	ck_assert_uint_eq(a.n, b.n);
	ck_assert_uint_eq(a.limit_pages, b.limit_pages);
	ck_assert_mem_eq(a.members, b.members, a.n * sizeof(*a.members));
	ck_assert(a.n != c.n || memcmp(a.members, c.members, a.n * sizeof(*a.members)) != 0);
	free(a.members);
	free(b.members);
	free(c.members);
}
END_TEST

/* A seed stands in records and reports: what it means must not change unnoticed. */
START_TEST(seed_keeps_its_meaning)
{
	struct crowd_spec spec = spec_of(1);
	struct crowd crowd;

	crowd_make(&spec, &crowd);
	ck_assert_uint_eq(crowd.processes, 15);
	ck_assert_uint_eq(crowd.n, 11);
	ck_assert_uint_eq(crowd.limit_pages, 6811);
	ck_assert_int_eq(crowd.members[0].kind, CROWD_ANON);
	ck_assert_uint_eq(crowd.members[0].pages, 953);
	ck_assert_int_eq(crowd.members[10].kind, CROWD_FAMILY);
	ck_assert_uint_eq(crowd.members[10].pages, 16);
	ck_assert_uint_eq(crowd.members[10].part, 68);
	ck_assert_int_eq(crowd.members[10].oom_score_adj, 598);
	free(crowd.members);
}
END_TEST

static void check_member(const struct crowd_member *member)
{
	ck_assert_uint_gt(member->pages + member->part, 0);
	ck_assert_int_ge(member->oom_score_adj, 0);
	ck_assert_int_le(member->oom_score_adj, 1000);
	ck_assert_uint_le(member->own, member->pages);
	ck_assert_int_eq(member->children > 0, member->kind == CROWD_FAMILY);
	ck_assert_int_eq(member->threads > 0, member->kind == CROWD_THREADS);
	if (member->kind == CROWD_ANON || member->kind == CROWD_SHMEM ||
	    member->kind == CROWD_THREADS)
		ck_assert_uint_eq(member->part, 0);
}

START_TEST(all_within_limits)
{
	uint64_t fewest = UINT64_MAX, most = 0, seen[CROWD_KINDS] = {0};

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct crowd_spec spec = spec_of(seed);
		uint64_t processes = 0, charged = 0;
		struct crowd crowd;

		crowd_make(&spec, &crowd);
		for (size_t i = 0; i < crowd.n; i++) {
			check_member(&crowd.members[i]);
			processes += 1 + crowd.members[i].children;
			charged += crowd_charged(&crowd.members[i]);
			seen[crowd.members[i].kind]++;
		}
		ck_assert_uint_eq(processes, crowd.processes);
		ck_assert_uint_ge(processes, 2);
		ck_assert_uint_le(processes, 200);
		/* All fit, with the room that was asked for, and below the ceiling. */
		ck_assert_uint_ge(crowd.limit_pages, charged + charged * 5 / 100);
		ck_assert_uint_le(crowd.limit_pages, spec.max_pages);
		fewest = processes < fewest ? processes : fewest;
		most = processes > most ? processes : most;
		free(crowd.members);
	}
	ck_assert_uint_le(fewest, 3);
	ck_assert_uint_ge(most, 190);
	for (int k = 0; k < CROWD_KINDS; k++)
		ck_assert_uint_gt(seen[k], SEEDS);
}
END_TEST

START_TEST(kinds_are_those_asked_for)
{
	struct crowd_spec spec = spec_of(3);
	struct crowd crowd;

	spec.kinds = 1U << CROWD_TABLES;
	spec.processes = (struct range){50, 50};
	crowd_make(&spec, &crowd);
	ck_assert_uint_eq(crowd.n, 50);
	for (size_t i = 0; i < crowd.n; i++)
		ck_assert_int_eq(crowd.members[i].kind, CROWD_TABLES);
	free(crowd.members);
}
END_TEST

START_TEST(apart_keeps_its_distance)
{
	struct crowd_spec spec = spec_of(5);
	struct crowd crowd;

	spec.kinds = 1U << CROWD_SWAPPED;
	spec.processes = (struct range){30, 30};
	spec.apart_pages = 100; /* more than fits between 16 and 1024 pages */
	crowd_make(&spec, &crowd);
	for (size_t i = 0; i < crowd.n; i++)
		for (size_t k = 0; k < i; k++) {
			uint64_t a = crowd.members[i].pages + crowd.members[i].part;
			uint64_t b = crowd.members[k].pages + crowd.members[k].part;
			ck_assert_uint_ge(a > b ? a - b : b - a, 100);
		}
	free(crowd.members);
}
END_TEST

/* ---- as tasks of a plan -------------------------------------------------------------------- */

#define HEAD "groups: {victims: {}}\ntasks: {filler: {run: step, group: victims}}\n"
#define TAIL "steps: [{fill: {task: filler, kills: 3, left: 2}}]\n"

static const struct plan_task *task_named(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->n_tasks; i++)
		if (strcmp(plan->tasks[i].name, name) == 0)
			return &plan->tasks[i];
	ck_abort_msg("no task '%s'", name);
}

START_TEST(crowd_becomes_tasks)
{
	struct rig rig;

	scenario_rig_init(&rig);
	scenario_rig_plan(&rig, HEAD
			  "generate: {seed: 9, group: victims, name: m, processes: 3, "
			  "size: 64K, kinds: anon, adj: 500, adjusted: 100%, room: 50%}\n" TAIL);
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	ck_assert_uint_eq(rig.plan->n_tasks, 4);
	const struct plan_task *task = task_named(rig.plan, "m2");
	ck_assert_str_eq(task->wl->name, "mix");
	ck_assert_str_eq(task->argv[0], "--recipe=65536 anon");
	ck_assert_ptr_null(task->argv[1]);
	ck_assert_int_eq(task->start, PLAN_START_READY);
	ck_assert(task->has_adj);
	ck_assert_int_eq(task->oom_score_adj, 500);
	/* 256 pages for the filler, three times 64 and 16 pages, and half as much again. */
	ck_assert_uint_eq(rig.plan->groups[0].limit_bytes, (256 + 3 * 80) * 3 / 2 * 4096);
	ck_assert_uint_eq(rig.plan->groups[0].effective_bytes, rig.plan->groups[0].limit_bytes);
	ck_assert_str_eq(rig.plan->groups[0].knobs[0].knob, "memory.max");
	ck_assert_uint_eq(rig.plan->limits_total_bytes, rig.plan->groups[0].limit_bytes);
	ck_assert(!rig.plan->dangerous);
	const struct plan_step *fill = &rig.plan->steps[0];
	ck_assert_int_eq(fill->kind, PLAN_FILL);
	ck_assert_uint_eq(fill->times, 3);
	ck_assert_uint_eq(fill->left, 2);
	scenario_rig_free(&rig);
}
END_TEST

/* What is generated must be understood by the hogs: each argument by its workload's own table. */
static void check_arguments(const struct plan_task *task)
{
	void *values = malloc(task->wl->values_size);
	struct err err = ERR_INIT;

	memcpy(values, task->wl->defaults, task->wl->values_size);
	for (char **arg = task->argv; *arg; arg++) {
		char *name = strdup(*arg + 2), *equals = strchr(name, '=');
		ck_assert_int_eq(strncmp(*arg, "--", 2), 0);
		ck_assert_ptr_nonnull(equals);
		*equals = '\0';
		ck_assert_msg(opt_set(task->wl->opts, name, equals + 1, values, &err) >= 0,
			      "%s: %s", task->name, err.text);
		free(name);
	}
	free(values);
}

START_TEST(hogs_understand_their_arguments)
{
	char text[512];
	struct rig rig;

	snprintf(text, sizeof(text),
		 HEAD "generate: {seed: %d, group: victims, kinds: [anon, shmem, tables, threads, "
		      "family, swapped]}\n" TAIL,
		 _i);
	scenario_rig_init(&rig);
	scenario_rig_plan(&rig, text);
	ck_assert_msg(rig.plan != NULL, "%s", str_text(&rig.diags.text));
	for (size_t i = 1; i < rig.plan->n_tasks; i++)
		check_arguments(&rig.plan->tasks[i]);
	scenario_rig_free(&rig);
}
END_TEST

static const struct {
	const char *generate, *mistake;
} refused[] = {
	{"{group: victims}", "t.yaml:3:11: key 'seed' of 'generate' is missing\n"},
	{"{seed: 1, group: none}", "t.yaml:3:28: unknown group 'none'"},
	{"{seed: 1, group: limited}",
	 "t.yaml:3:11: generate, expected group 'limited' without memory.max: its limit is made to "
	 "fit\n"},
	{"{seed: 1, group: victims, processes: 200..2}",
	 "t.yaml:3:48: processes, expected the lower end of the range first, got '200..2'\n"},
	{"{seed: 1, group: victims, processes: 2..20000}", "t.yaml:3:48: processes: "},
	{"{seed: 1, group: victims, size: 0}", "t.yaml:3:43: size, expected sizes from one page"},
	{"{seed: 1, group: victims, adj: 0..1001}", "t.yaml:3:42: adj: "},
	{"{seed: 1, group: victims, adjusted: lots}",
	 "t.yaml:3:47: adjusted, expected a percentage such as 10%, got 'lots'\n"},
	{"{seed: 1, group: victims, kinds: [anno]}",
	 "t.yaml:3:44: unknown kind 'anno', did you mean 'anon'?\n"},
	{"{seed: 1, group: victims, name: much-too-long}", "t.yaml:3:43: name, expected at most 8"},
	{"7", "t.yaml:3:11: generate, expected a map such as {seed: 1, group: victims}, got '7'\n"},
};

START_TEST(mistakes_of_generate)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "groups: {victims: {}, limited: {memory.max: 8M}}\n"
		 "tasks: {filler: {run: step, group: limited}}\n"
		 "generate: %s\n"
		 "steps: [{step: {task: filler, size: 1M}}]\n",
		 refused[_i].generate);
	char *got = scenario_rig_mistakes(text);
	ck_assert_msg(strncmp(got, refused[_i].mistake, strlen(refused[_i].mistake)) == 0,
		      "expected %s, got %s", refused[_i].mistake, got);
	free(got);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *crowd_suite(void)
{
	Suite *suite = suite_create("crowd");
	TCase *tcase = tcase_create("crowd");

	tcase_add_test(tcase, same_seed_same_crowd);
	tcase_add_test(tcase, seed_keeps_its_meaning);
	tcase_add_test(tcase, all_within_limits);
	tcase_add_test(tcase, kinds_are_those_asked_for);
	tcase_add_test(tcase, apart_keeps_its_distance);
	tcase_add_test(tcase, crowd_becomes_tasks);
	tcase_add_loop_test(tcase, hogs_understand_their_arguments, 0, 20);
	tcase_add_loop_test(tcase, mistakes_of_generate, 0, ROWS(refused));
	suite_add_tcase(suite, tcase);
	return suite;
}
