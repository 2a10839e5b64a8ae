/*
 * 'says': how many lines the kernel wrote into its log since the expectation before, each told by a
 * regular expression. The log is the whole machine's.
 */
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>

#include "base/str.h"
#include "harness/judge/row.h"

static regex_t *compile(struct parse *parse, const struct node *at, const char *text)
{
	regex_t *regex = mem_zero(1, sizeof(*regex));
	char message[128];
	int r = regcomp(regex, text, REG_EXTENDED | REG_NOSUB);

	if (r == 0)
		return regex;
	(void)regerror(r, regex, message, sizeof(message));
	row_mistake(parse, at, "'%s' is no regular expression: %s", text, message);
	free(regex);
	return NULL;
}

static void parse_line(struct parse *parse, const struct node *at, const struct node *count)
{
	static const struct compare_rules rules = {.unit = COMPARE_COUNT};
	const char *text = row_text(parse, at, "a regular expression");
	struct item *item = row_item(parse, at);

	if (!text)
		return;
	item->text = text;
	item->regex = compile(parse, at, text);
	if (count)
		row_compare(parse, count, &rules, &item->compare);
	else
		item->compare = compare_exactly(1);
	if (!count)
		item->compare.max = UINT64_MAX;
}

void row_parse_says(struct parse *parse, const struct node *value)
{
	for (size_t i = 0; i < value->n; i++)
		if (value->kind == NODE_LIST)
			parse_line(parse, &value->items[i], NULL);
		else
			parse_line(parse, &value->keys[i], &value->items[i]);
	if (value->n == 0)
		parse_line(parse, value, NULL);
}

void row_free_says(struct item *item)
{
	if (item->regex)
		regfree(item->regex);
	free(item->regex);
	item->regex = NULL;
}

enum judge_state row_eval_says(const struct item *item, const struct world *world,
			       struct finding *ret)
{
	struct tell expected = tell_into(ret->expected, sizeof(ret->expected));
	struct tell got = tell_into(ret->got, sizeof(ret->got));
	char number[COMPARE_TEXT_MAX];
	const char *last = NULL;
	uint64_t n = 0;

	for (size_t i = world->lines_mark; i < world->n_lines; i++) {
		if (regexec(item->regex, world->lines[i], 0, NULL, 0) != 0)
			continue;
		last = world->lines[i];
		n++;
	}
	tell_add(&expected, "%s of '%s'",
		 item->compare.max == UINT64_MAX && item->compare.min == 1
			 ? ">=1"
			 : compare_format(&item->compare, number),
		 item->text);
	tell_add(&got, "%" PRIu64 " of %zu lines", n, world->n_lines - world->lines_mark);
	if (last)
		tell_add(&got, ", last '%s'", last);
	if (compare_holds(&item->compare, n, 0))
		return JUDGE_HOLDS;
	return compare_reachable(&item->compare, n, 0) ? JUDGE_WAIT : JUDGE_FAILS;
}
