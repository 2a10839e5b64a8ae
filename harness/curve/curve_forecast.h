/*
 * When curves and leaks meet a limit: limit - base - curves - leak x time = 0, and who is largest
 * then. Pure; held beside what really happened.
 */
#ifndef OOMLAB_CURVE_FORECAST_H
#define OOMLAB_CURVE_FORECAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workloads/curve.h"

enum { CURVE_ROLES_MAX = 16 };

struct curve_role {
	char name[16]; /* as the kernel's log has it */
	const char *path;
	unsigned int column;
	struct curve curve;
	struct curve_leak leak;
	int adj; /* oom_score_adj */
};

struct curve_load_set {
	struct curve_role roles[CURVE_ROLES_MAX];
	size_t n;
	uint64_t limit_bytes, page_size;
};

struct forecast {
	bool dies;
	uint64_t at_ns; /* of the curves' time */
	size_t who;	/* the role with the most points then */
	bool close;	/* another has nearly as many */
	/* The most that all need together until then, or within the horizon. */
	uint64_t most_bytes, most_at_ns;
};

/* What one role's memory is charged as: its pages and their tables. */
uint64_t forecast_charge(const struct curve_role *role, uint64_t page_size, uint64_t t_ns);
/* base: what the processes need for themselves. */
void forecast_make(const struct curve_load_set *set, uint64_t base_bytes, uint64_t horizon_ns,
		   struct forecast *ret);

#endif
