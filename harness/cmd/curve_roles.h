/*
 * The words of 'oomlab curve': "[ROLE=]FILE", "[ROLE=]12M/h", "[ROLE=]500" become roles.
 */
#ifndef OOMLAB_CMD_CURVE_ROLES_H
#define OOMLAB_CMD_CURVE_ROLES_H

#include "base/opts.h"
#include "harness/curve/curve_forecast.h"

/* "[ROLE=]FILE", which has to stay: a file with several columns gives a role for each, by their
 * names in its first row. The roles' curves are the caller's to clear, also after an error. */
int curve_roles_read(struct curve_load_set *set, const char *word, uint64_t period_ns,
		     struct err *err);
int curve_roles_leaks(struct curve_load_set *set, const struct opt_list *leaks, struct err *err);
int curve_roles_adjs(struct curve_load_set *set, const struct opt_list *adjs, struct err *err);

#endif
