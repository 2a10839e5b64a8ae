/*
 * THE expectation table. One line here, with a parse and an eval function in a row_*.c, is an
 * expectation; messages, the man page and the parser take everything from this table.
 */
#include <string.h>

#include "harness/judge/row.h"

/* The keys are needed as a list of their own, too: both are made from this one. */
#define ROWS(ROW)                                                                                 \
	ROW("killed", row_parse_killed, row_eval_killed, row_claim_killed, 0,                     \
	    "exactly these were killed by the OOM killer and no one else: TASK, [TASK, TASK.3], " \
	    "{TASK.*: '>=2'} for children, none; left out, nobody may have been killed")          \
	ROW("order", row_parse_order, row_eval_order, NULL, JUDGE_WANTS_LOG,                      \
	    "the kernel killed these tasks in this order")                                        \
	ROW("reaped", row_parse_reaped, row_eval_reaped, NULL, JUDGE_WANTS_LOG,                   \
	    "the kernel's OOM reaper took the memory of exactly these of ours, so long after "    \
	    "their kill: TASK, [TASK], {TASK: '>=2s'}, none")                                     \
	ROW("alive", row_parse_tasks, row_eval_alive, NULL,                                       \
	    JUDGE_WANTS_PROOF | JUDGE_WANTS_BLOCKED,                                              \
	    "these tasks run, are no zombies, and answered; {'w-*': 1} counts")                   \
	ROW("blocked", row_parse_tasks, row_eval_blocked, NULL, JUDGE_WANTS_BLOCKED,              \
	    "these tasks sleep in the kernel's OOM wait (state D)")                               \
	ROW("resumed", row_parse_tasks, row_eval_resumed, NULL, JUDGE_WANTS_BLOCKED,              \
	    "these tasks were blocked and went on")                                               \
	ROW("stopped", row_parse_tasks, row_eval_stopped, NULL, JUDGE_WANTS_STATE,                \
	    "these tasks are stopped by a signal or a tracer (state T or t)")                     \
	ROW("exited", row_parse_exited, row_eval_exited, row_claim_exited, 0,                     \
	    "how tasks ended: {TASK: 0}, {TASK: SIGTERM}, {TASK: {code: '>=1'}}")                 \
	ROW("counters", row_parse_counters, row_eval_counters, NULL, 0,                           \
	    "counters of groups: {GROUP: {oom_kill: +1, under_oom: 0, failcnt: '>=1'}}")          \
	ROW("usage", row_parse_usage, row_eval_usage, NULL, 0,                                    \
	    "memory of groups: {GROUP: <=80M}, {GROUP: <=50%} of the limit")                      \
	ROW("notified", row_parse_notified, row_eval_notified, NULL, 0,                           \
	    "how often the groups' event descriptors fired: {GROUP: +1}")                         \
	ROW("pressure", row_parse_pressure, row_eval_pressure, NULL, 0,                           \
	    "how often the kernel told of a stall that a 'watch' step asked for: {GROUP: '>=1'}") \
	ROW("group_empty", row_parse_groups, row_eval_group_empty, NULL, JUDGE_WANTS_POPULATED,   \
	    "no live process in these groups or below")                                           \
	ROW("errno", row_parse_errno, row_eval_errno, row_claim_errno, 0,                         \
	    "error of the hogs' last command: {TASK: ENOMEM}, {TASK: [ENOMEM, EAGAIN]}, none")    \
	ROW("touched", row_parse_touched, row_eval_touched, NULL, 0,                              \
	    "memory that hogs hold (held, when killed): exact (what was computed to fit), "       \
	    "4087pages, 10M..20M")                                                                \
	ROW("beats", row_parse_task_count, row_eval_beats, NULL, 0,                               \
	    "heart beats since the start: {TASK: '>=3'}")                                         \
	ROW("forks", row_parse_task_count, row_eval_forks, NULL, 0,                               \
	    "children ever made: {TASK: '>=10'}")                                                 \
	ROW("oom_score", row_parse_oom_score, row_eval_oom_score, NULL, JUDGE_WANTS_SCORE,        \
	    "/proc/PID/oom_score: [highest, ..., lowest], {TASK: '>OTHER'}, {TASK: '>=600'}")     \
	ROW("swap_used", row_parse_swap_used, row_eval_swap_used, NULL, JUDGE_WANTS_SWAP,         \
	    "swap in use since the start: {machine: '>=10M', TASK: '>=8M'}")                      \
	ROW("log", row_parse_log, row_eval_log, NULL, JUDGE_WANTS_LOG,                            \
	    "the kernel's report: {victim: TASK, constraint: CONSTRAINT_MEMCG, group: GROUP "     \
	    "whose limit was hit, victim_group: GROUP}, or a list of these")                      \
	ROW("says", row_parse_says, row_eval_says, NULL, JUDGE_WANTS_LOG,                         \
	    "lines of the kernel's log since the expectation before, the whole machine's: "       \
	    "{REGEX: 0}, or one of REGEX, [REGEX, REGEX] each")                                   \
	ROW("victim", row_parse_victim, row_eval_victim, row_claim_victim, 0,                     \
	    "predicted: each kill was chosen as predicted before, and could be predicted; any: "  \
	    "nobody need be (left out, a wrong prediction fails the scenario)")                   \
	ROW("violation", row_parse_violation, row_eval_violation, row_claim_violation, 0,         \
	    "hogs that the confinement stopped, and where: {TASK: kill}, {TASK: any}")            \
	ROW("within", row_parse_within, NULL, NULL, 0,                                            \
	    "all of it comes true within this time: 500ms, 2s")                                   \
	ROW("lasts", row_parse_lasts, NULL, NULL, 0,                                              \
	    "and stays true for so long from then on: 300ms")

#define KEY(key, parse, eval, claim, wants, help)  key,
#define LINE(key, parse, eval, claim, wants, help) {key, parse, eval, claim, wants, help},

static const char *const keys[] = {ROWS(KEY) NULL};

static const struct row rows[] = {ROWS(LINE)};

const struct row *row_find(const char *key)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

const char *const *judge_keys(void)
{
	return keys;
}

const char *judge_key_help(const char *key)
{
	const struct row *row = row_find(key);

	return row ? row->help : NULL;
}
