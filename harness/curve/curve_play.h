/*
 * Plays curves against a limit: a hog a role in one group, all on the same time, until one dies or
 * the time is over. Who died is what the kernel's log, the hog's end and the group's counter say,
 * never what was to be expected.
 */
#ifndef OOMLAB_CURVE_PLAY_H
#define OOMLAB_CURVE_PLAY_H

#include <sys/types.h>

#include "harness/curve/curve_forecast.h"
#include "harness/size/lab.h"

enum { CURVE_SAMPLES = 240, CURVE_DEATHS_MAX = CURVE_ROLES_MAX };

struct play_options {
	const char *hog; /* the program */
	uint64_t speed, tick_ns, period_ns;
	uint64_t horizon_ns; /* of the curves' time */
	uint64_t deaths;     /* go on until so many have died */
	void (*progress)(void *data, uint64_t t_ns, uint64_t usage_bytes); /* may be NULL */
	void *data;
};

struct play_death {
	size_t role;
	pid_t pid;
	uint64_t at_ns;			      /* of the curves' time: the step that it was in */
	bool by_log, by_count;		      /* beside its end by SIGKILL */
	uint64_t anon_rss_bytes;	      /* the kernel's log; UINT64_MAX: not said */
	uint64_t usage_bytes, limit_bytes;    /* of its report; UINT64_MAX: not printed */
	uint64_t held_bytes[CURVE_ROLES_MAX]; /* by each role then; the dead hold 0 */
};

struct play_sample {
	uint64_t t_ns, usage_bytes;
};

struct play_result {
	uint64_t base_bytes; /* of the group, before the curves began */
	struct play_death deaths[CURVE_DEATHS_MAX];
	size_t n_deaths;
	struct play_sample samples[CURVE_SAMPLES];
	size_t n_samples;
	uint64_t until_ns; /* of the curves' time: where it ended */
	uint64_t late_ns; /* by the clock: the most that a hog was behind its time when looked at */
	bool no_log;	  /* the kernel's log cannot be read */
	bool interrupted;
	char trouble[200]; /* a hog ended by something else; "": none */
};

/* -errno: the harness could not do its part. */
int curve_play(struct size_lab *lab, const struct curve_load_set *set,
	       const struct play_options *options, struct play_result *ret, struct err *err);

#endif
