/*
 * A run's record in memory: ownership, counts and the exit status. Files are store.c's business.
 */
#include "harness/record/record.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

static const char *const verdicts[VERDICTS + 1] = {
	[VERDICT_PASS] = "pass",
	[VERDICT_FAIL] = "fail",
	[VERDICT_SKIP] = "skip",
	[VERDICT_BROKEN] = "broken",
};

const char *verdict_name(enum verdict verdict)
{
	return verdicts[verdict];
}

int verdict_parse(const char *name, enum verdict *ret, struct err *err)
{
	for (int i = 0; i < VERDICTS; i++)
		if (str_eq(name, verdicts[i])) {
			*ret = (enum verdict)i;
			return 0;
		}
	return err_set(err, EINVAL, "expected pass, fail, skip or broken, got '%s'", name);
}

struct record *record_new(void)
{
	/* From here on jansson aborts with a message when memory is gone, as base/str.c does, so
	 * that no json_*() value needs a check. Both use malloc(3): older values stay valid. */
	json_set_alloc_funcs(mem_new, free);
	return mem_zero(1, sizeof(struct record));
}

void record_free(struct record *record)
{
	if (!record)
		return;
	for (size_t i = 0; i < record->n; i++) {
		result_clear(record->results[i]);
		free(record->results[i]);
	}
	free(record->results);
	free(record->id);
	free(record->command);
	json_decref(record->vm);
	json_decref(record->machines);
	free(record);
}

struct result *record_add(struct record *record, struct result *result)
{
	struct result *kept = mem_new(sizeof(*kept));

	*kept = *result;
	*result = (struct result){0};
	record->results = mem_grow(record->results, record->n + 1, sizeof(struct result *));
	record->results[record->n++] = kept;
	return kept;
}

size_t record_count(const struct record *record, enum verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < record->n; i++)
		n += record->results[i]->verdict == verdict;
	return n;
}

/* Broken comes before fail: a harness that failed must not look like a kernel bug. */
int record_exit_status(const struct record *record)
{
	if (record_count(record, VERDICT_BROKEN) > 0 || record->n < record->planned ||
	    record->interrupted)
		return 3;
	if (record_count(record, VERDICT_FAIL) > 0)
		return 1;
	if (record->n > 0 && record_count(record, VERDICT_SKIP) == record->n)
		return 77;
	return 0;
}
