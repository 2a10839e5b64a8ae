/*
 * See score.h: the answer in sentences. Each says one thing and is one line; the caller wraps.
 */
#include <inttypes.h>

#include "base/parse.h"
#include "harness/cmd/score.h"
#include "harness/record/text.h"

enum { NAMED = 5, ADJ_NEVER = -1000 };

void score_name(struct str *out, const struct score_scope *scope, size_t at)
{
	text_clean(out, scope->c->more[at].comm);
	str_addf(out, " (pid %" PRId64 ")", scope->c->tasks[at].pid);
}

static const char *pages_text(const struct score_scope *scope, uint64_t pages, char *buf)
{
	return format_size_short(pages * scope->c->page_bytes, buf);
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

uint64_t score_pages(const struct score *score, const struct score_scope *scope, int64_t points)
{
	uint64_t pages = magnitude(points);

	return score->rules->scale == BADNESS_PERMILLE ? pages * scope->total_pages / 1000 : pages;
}

void score_tell_count(const struct score *score, const struct score_scope *scope, size_t shown,
		      struct str *out)
{
	bool permille = score->rules->scale == BADNESS_PERMILLE;
	char step[PARSE_TEXT_MAX];

	str_addf(out, "%zu of %zu can be chosen, %zu shown", scope->n_eligible, scope->n_rows,
		 shown);
	if (permille || scope->total_pages >= 1000)
		str_addf(out, "; a step of oom_score_adj weighs %s",
			 pages_text(scope, scope->total_pages / 1000, step));
	if (score->forced)
		str_addf(out, "; ranked by the rules of %s", score->rules->name);
	str_add(out, ".\n");
}

/* "312345 points (1.19G)" */
static void tell_points(const struct score *score, struct str *out, const struct score_scope *scope,
			int64_t points)
{
	char size[PARSE_TEXT_MAX];

	str_addf(out, "%" PRId64 " point%s (%s%s)", points, magnitude(points) == 1 ? "" : "s",
		 points < 0 ? "-" : "", pages_text(scope, score_pages(score, scope, points), size));
}

static void tell_when(struct str *out, const struct score_scope *scope)
{
	char limit[PARSE_TEXT_MAX], usage[PARSE_TEXT_MAX];
	const struct cg_limits *limits = &scope->limits;

	if (!scope->dir) {
		str_add(out, "when the machine runs out of memory");
		return;
	}
	str_add(out, "when '");
	text_clean(out, scope->path);
	if (!scope->limited) {
		str_add(out, "' comes to a limit, of which it has none now");
		return;
	}
	uint64_t lowest =
		limits->max_bytes < limits->memsw_bytes ? limits->max_bytes : limits->memsw_bytes;
	str_addf(out, "' comes to its limit of %s (it uses %s)", format_size_short(lowest, limit),
		 format_size_short(limits->usage_bytes, usage));
}

static void tell_nobody(struct str *out, const struct score_scope *scope)
{
	str_add(out, "Nobody can be chosen ");
	tell_when(out, scope);
	str_add(out, scope->dir ? ": what asks for memory fails, or waits.\n"
				: ": the kernel panics.\n");
}

/* Others that could be chosen, by name, the most likely ones first. */
static void tell_others(const struct score *score, const struct score_scope *scope, struct str *out)
{
	const struct candidates *c = scope->c;
	size_t told = 0, others = scope->choice.n_within - 1;

	for (size_t i = 0; i < scope->n_eligible && told < others && told < NAMED; i++) {
		size_t at = scope->rows[i].at;
		if (at == scope->choice.victim ||
		    !badness_possible(score->rules, c->tasks, c->n, scope->total_pages, at))
			continue;
		str_add(out, told++ ? ", " : ": ");
		score_name(out, scope, at);
	}
	if (others > told)
		str_addf(out, " and %zu more", others - told);
	str_add(out, ".\n");
}

static void tell_sure(const struct score *score, const struct score_scope *scope, struct str *out)
{
	const struct badness_choice *choice = &scope->choice;
	enum badness_tie tie = scope->dir ? score->rules->tie_memcg : score->rules->tie_global;
	const char *taken = tie == BADNESS_LAST ? "last" : "first";

	switch (choice->sure) {
	case BADNESS_CERTAIN:
		if (choice->n_ties > 1)
			str_addf(out,
				 "%zu processes have as many; the kernel takes the %s of equals, "
				 "and their order is known.\n",
				 choice->n_ties, taken);
		break;
	case BADNESS_TIED:
		str_addf(out,
			 "Not certain: %zu have as many, the kernel takes the %s of equals, and "
			 "their order cannot be seen from here",
			 choice->n_ties, taken);
		tell_others(score, scope, out);
		break;
	case BADNESS_WITHIN_ERROR:
		str_addf(out,
			 "Not certain: the kernel's counts of swapped pages may be off by %" PRIu64
			 " together, so it could be another one",
			 choice->error);
		tell_others(score, scope, out);
		break;
	case BADNESS_NOBODY:
	default:
		break;
	}
}

/* What would change the choice; of two at most, since the rest follows. */
static void tell_turning(const struct score_scope *scope, struct str *out)
{
	const struct badness_choice *choice = &scope->choice;

	if (choice->runner_up == SIZE_MAX)
		return;
	if (scope->has_victim_adj && scope->victim_adj == ADJ_NEVER)
		str_add(out, "Only an oom_score_adj of -1000 would save it");
	else if (scope->has_victim_adj)
		str_addf(out,
			 "It would not be chosen any more at an oom_score_adj of %d or below "
			 "(it has %d)",
			 scope->victim_adj, scope->c->tasks[choice->victim].oom_score_adj);
	else
		str_add(out, "No oom_score_adj would save it");
	str_add(out, "; ");
	score_name(out, scope, choice->runner_up);
	if (scope->has_next_adj)
		str_addf(out, " would be at %d or above (it has %d).\n", scope->next_adj,
			 scope->c->tasks[choice->runner_up].oom_score_adj);
	else
		str_add(out, " would not be chosen with any.\n");
}

static void tell_next(const struct score *score, const struct score_scope *scope, struct str *out)
{
	const struct badness_choice *choice = &scope->choice;

	str_add(out, "Next to die ");
	tell_when(out, scope);
	str_add(out, ": ");
	score_name(out, scope, choice->victim);
	str_add(out, ", ");
	tell_points(score, out, scope, choice->points);
	str_add(out, ".\n");
	if (choice->child != SIZE_MAX) {
		str_add(out, "Its child ");
		score_name(out, scope, choice->child);
		str_add(out, " would die in its place.\n");
	}
	if (choice->runner_up == SIZE_MAX) {
		str_add(out, "It is the only one that can be chosen.\n");
		return;
	}
	if (choice->margin) {
		str_add(out, "Then ");
		score_name(out, scope, choice->runner_up);
		str_add(out, ", with ");
		tell_points(score, out, scope, choice->margin);
		str_add(out, " less.\n");
	}
	tell_sure(score, scope, out);
	tell_turning(scope, out);
}

/* What is not in the numbers. */
static void tell_reserve(const struct score *score, const struct score_scope *scope,
			 struct str *out)
{
	const struct candidates *c = scope->c;

	if (!scope->dir && score->allocating)
		str_add(out, "But vm.oom_kill_allocating_task is set: the machine's OOM killer "
			     "takes who asks for memory, if it can be killed at all.\n");
	if (!scope->dir && score->panics)
		str_add(out, "But vm.panic_on_oom is set: the kernel panics instead.\n");
	if (scope->dir && scope->total_pages < 1000 && score->rules->scale == BADNESS_IN_PAGES)
		str_add(out, "The limit is below 1000 pages: oom_score_adj has no weight, "
			     "except -1000.\n");
	if (c->hidden)
		str_addf(out, "%zu processes may not be read by this user and are left out.\n",
			 c->hidden);
	if (score->invisible)
		str_add(out, "/proc hides processes of other users (hidepid): they are left "
			     "out.\n");
	if (!c->whole)
		str_add(out, "This is a container: processes outside of its pid namespace are "
			     "left out.\n");
}

void score_tell(const struct score *score, const struct score_scope *scope, struct str *out)
{
	if (scope->choice.victim == SIZE_MAX)
		tell_nobody(out, scope);
	else
		tell_next(score, scope, out);
	tell_reserve(score, scope, out);
}

void score_tell_place(const struct score_scope *scope, const struct score_row *row, struct str *out)
{
	score_name(out, scope, row->at);
	str_add(out, ": ");
	if (row->rank == 0)
		str_add(out, "never chosen");
	else if (row->rank == 1)
		str_addf(out, "the first of %zu to die", scope->n_eligible);
	else
		str_addf(out, "number %zu of %zu to die", row->rank, scope->n_eligible);
	str_add(out, " ");
	tell_when(out, scope);
	if (row->rank > 1) {
		str_add(out, "; first is ");
		score_name(out, scope, scope->choice.victim);
	}
	str_add(out, ".\n");
}

void score_tell_differences(const struct score *score, const struct score_scope *scope,
			    struct str *out)
{
	for (size_t i = 0; i < scope->n_rows; i++) {
		const struct score_row *row = &scope->rows[i];
		if (row->match < SCORE_WITHIN_ERROR)
			continue;
		score_name(out, scope, row->at);
		if (row->match == SCORE_WITHIN_ERROR)
			str_addf(out,
				 ": oom_score is %" PRId64 ", ours %" PRId64 ": within the %" PRIu64
				 " pages that the swap counter may be off.\n",
				 row->kernel_score, row->own_score,
				 scope->c->tasks[row->at].error_pages);
		else if (row->match == SCORE_MOVING)
			str_add(out, ": changes too fast to compare, or has gone.\n");
		else if (row->match == SCORE_HIDDEN)
			str_add(out, ": its oom_score may not be read by this user.\n");
		else
			str_addf(out,
				 ": oom_score is %" PRId64 ", but ours %" PRId64
				 " by the rules of %s, several times over: this kernel has other "
				 "rules.\n",
				 row->kernel_score, row->own_score, score->kernel_rules->name);
	}
}
