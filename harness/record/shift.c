/*
 * Results of several machines on one time line.
 */
#include "harness/record/record.h"

static void shift_all(json_t *list, int64_t by_ns)
{
	json_t *each;
	size_t i;

	json_array_foreach (list, i, each) {
		const json_t *t = json_object_get(each, "t");
		if (json_is_integer(t))
			json_object_set_new(each, "t", json_integer(json_integer_value(t) + by_ns));
	}
}

void result_shift(struct result *result, int64_t by_ns)
{
	result->began_ns += (uint64_t)by_ns;
	result->ended_ns += (uint64_t)by_ns;
	shift_all(result->events, by_ns);
	shift_all(result->kills, by_ns);
	shift_all(result->samples, by_ns);
}
