/*
 * The map below 'expect:' to a list of items, by the table of rows.c; and what exec asks of a
 * parsed expectation before it judges.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "harness/judge/row.h"

static void parse_time(struct parse *parse, const struct node *value, uint64_t *ret_ns)
{
	const char *text = row_text(parse, value, "a duration such as 500ms or 2s");
	struct err err;

	if (text && parse_duration(text, ret_ns, &err) < 0)
		row_mistake(parse, value, "%s", err.text);
}

void row_parse_within(struct parse *parse, const struct node *value)
{
	parse_time(parse, value, &parse->expect->within_ns);
}

void row_parse_lasts(struct parse *parse, const struct node *value)
{
	parse_time(parse, value, &parse->expect->lasts_ns);
}

static void unknown_key(const struct node *key, const struct judge_scope *scope,
			struct diags *diags)
{
	const char *near = str_nearest(key->text, judge_keys());

	if (near)
		diag_add(diags, scope->file, key, "unknown expectation '%s', did you mean '%s'?",
			 key->text, near);
	else
		diag_add(diags, scope->file, key,
			 "unknown expectation '%s', expected one such as killed, alive or counters",
			 key->text);
}

/* Where 'killed' is left out nobody may have been killed, but for those whose order is given. It is
 * judged first: an unexpected kill is the reason for most of what else fails. */
static void imply_killed(struct parse *parse, const struct node *map)
{
	static const struct node nobody = {.kind = NODE_LIST};
	const struct node *order = node_get(map, "order");
	struct expect *expect = parse->expect;

	if (node_get(map, "killed"))
		return;
	parse->row = row_find("killed");
	row_parse_killed(parse, order && !parse->bad ? order : &nobody);
	struct item implied = expect->items[expect->n - 1];
	if (!order)
		implied.at = NULL;
	memmove(expect->items + 1, expect->items, (expect->n - 1) * sizeof(implied));
	expect->items[0] = implied;
}

int judge_parse(const struct node *map, const struct judge_scope *scope, struct expect **ret,
		struct diags *diags)
{
	char got[80];

	if (map->kind != NODE_MAP) {
		diag_add(diags, scope->file, map,
			 "expected a map of expectations, e.g. 'killed: [TASK]', got %s",
			 node_describe(map, got, sizeof(got)));
		return -EINVAL;
	}
	struct expect *expect = mem_zero(1, sizeof(*expect));
	struct parse parse = {.scope = scope, .diags = diags, .expect = expect};
	expect->within_ns = UINT64_MAX;
	for (size_t i = 0; i < map->n; i++) {
		parse.row = row_find(map->keys[i].text);
		if (parse.row) {
			parse.row->parse(&parse, &map->items[i]);
			continue;
		}
		unknown_key(&map->keys[i], scope, diags);
		parse.bad = true;
	}
	imply_killed(&parse, map);
	if (parse.bad) {
		judge_free(expect);
		return -EINVAL;
	}
	*ret = expect;
	return 0;
}

void judge_free(struct expect *expect)
{
	if (!expect)
		return;
	for (size_t i = 0; i < expect->n; i++) {
		struct item *item = &expect->items[i];
		for (size_t j = 0; j < item->n_targets; j++)
			free(item->targets[j].tasks);
		free(item->targets);
		free(item->codes);
		row_free_says(item);
	}
	free(expect->items);
	free(expect);
}

unsigned judge_wants(const struct expect *expect)
{
	return expect->wants;
}

int judge_wants_proof_of(const struct expect *expect, int task)
{
	for (size_t i = 0; i < expect->n; i++) {
		const struct item *item = &expect->items[i];
		if (!(item->row->wants & JUDGE_WANTS_PROOF))
			continue;
		for (size_t j = 0; j < item->n_targets; j++)
			for (size_t k = 0; k < item->targets[j].n; k++)
				if (item->targets[j].tasks[k] == task)
					return 1;
	}
	return 0;
}

uint64_t judge_within_ns(const struct expect *expect)
{
	return expect->within_ns;
}

uint64_t judge_lasts_ns(const struct expect *expect)
{
	return expect->lasts_ns;
}
