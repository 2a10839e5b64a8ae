/*
 * The plain answer: every topic's sentences, for the text and for the JSON.
 */
#include "harness/report/explain_facts.h"

void explain_answer(const struct explain_item *item, struct explain_answer *ret)
{
	static void (*const by_topic[EXPLAIN_TOPICS])(const struct explain_facts *,
						      struct str *) = {
		[EXPLAIN_WHAT] = explain_what,		 [EXPLAIN_WHO] = explain_who,
		[EXPLAIN_DIED] = explain_died,		 [EXPLAIN_WHY] = explain_why,
		[EXPLAIN_PROTECTED] = explain_protected, [EXPLAIN_LEFT] = explain_left,
		[EXPLAIN_ADVICE] = explain_advice,
	};
	struct explain_facts facts;

	explain_facts(item, &facts);
	*ret = (struct explain_answer){0};
	for (int topic = 0; topic < EXPLAIN_TOPICS; topic++)
		by_topic[topic](&facts, &ret->topic[topic]);
}

void explain_answer_clear(struct explain_answer *answer)
{
	for (int topic = 0; topic < EXPLAIN_TOPICS; topic++)
		str_free(&answer->topic[topic]);
}
