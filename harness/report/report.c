/*
 * Finds a reporter by name.
 */
#include "harness/report/report.h"

#include "base/str.h"
#include "harness/report/reporters.h"

#define REPORTER_ADDRESS(id) &reporter_##id,
#define REPORTER_NAME(id)    #id,

const struct reporter *const reporters[] = {REPORTERS(REPORTER_ADDRESS) NULL};

static const char *const names[] = {REPORTERS(REPORTER_NAME) NULL};

const struct reporter *reporter_find(const char *name)
{
	for (size_t i = 0; reporters[i]; i++)
		if (str_eq(reporters[i]->name, name))
			return reporters[i];
	return NULL;
}

const char *const *reporter_names(void)
{
	return names;
}
