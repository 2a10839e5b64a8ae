/*
 * The whole of 'oomlab size': a run without a limit, then the limit that the command needs by the
 * engine that can be trusted with it, then runs under that limit that show it.
 */
#ifndef OOMLAB_SIZE_MEASURE_H
#define OOMLAB_SIZE_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "harness/size/lab.h"
#include "harness/size/run.h"
#include "harness/size/search.h"

enum { SIZE_JOBS_MAX = 64 };

enum size_method { SIZE_AUTO, SIZE_RATCHET, SIZE_BISECT };

struct size_options {
	struct size_command command;
	enum size_method method;
	uint64_t step_bytes;
	uint64_t from_bytes; /* where the ratchet starts; 0: decided from the first run */
	uint64_t max_bytes;  /* never more than this */
	uint64_t timeout_ns; /* of one run; 0: the first has none, the others many times its time */
	uint64_t samples;
	uint64_t jobs; /* copies of the command that may run side by side; 0 or 1: one */
	double quantile;
	uint64_t slow_percent; /* 0: L_slow is not looked for */
	int expected_status;
	bool thp_always; /* more memory may be worse */
	bool swap;
	uint64_t swap_bytes; /* at most so much; UINT64_MAX: all that there is */
	/* A line about what is done next. May be NULL. */
	void (*progress)(void *data, const char *line);
	void *data;
};

enum size_trouble {
	SIZE_FINE,
	SIZE_NO_START,	  /* the command cannot be executed */
	SIZE_FAILS,	  /* without any limit */
	SIZE_TOO_LARGE,	  /* needs more than it may have */
	SIZE_TOO_LONG,	  /* does not end */
	SIZE_ESCAPES,	  /* moves processes into another group */
	SIZE_LEAVES,	  /* ends and leaves processes behind */
	SIZE_KILLED,	  /* by somebody else */
	SIZE_UNSTABLE,	  /* no limit below the highest passes reliably */
	SIZE_INTERRUPTED, /* what is known stands */
};

/* One run under a hard limit. */
struct size_trial {
	uint64_t limit_bytes, wall_ns, psi_some_us, psi_full_us, refaults, major_faults;
	uint64_t swap_bytes; /* the most that was seen in use */
	uint64_t need_bytes; /* no more than this: its peak, if that stayed below the limit */
	enum run_end end;
	int status;
	bool passed, wrong_output, half; /* half: of the CPUs */
};

struct size_sample {
	uint64_t limit_bytes, wall_ns;
	unsigned int steps, retries;
	bool probed;
	uint64_t met_bytes, together_bytes; /* as in run_result */
};

struct size_slow {
	bool known;
	uint64_t limit_bytes, wall_ns, base_ns, psi_some_us, refaults, major_faults, swap_bytes;
};

struct size_report {
	enum size_trouble trouble;
	char why[512];		/* one line about it */
	struct run_result free; /* without a limit */
	const char *engine;	/* "ratchet", "bisection" */
	char engine_why[256];	/* when it is not the one that was to be expected; else "" */
	bool found;
	uint64_t limit_bytes; /* L_oom */
	uint64_t shown_bytes; /* a bit lower: where runs passed */
	uint64_t below_bytes; /* where one failed, or would have to; 0: nowhere */
	uint64_t in_a_row;    /* passes of a need that varies */
	/* What a need may vary to, by the peaks of processes: those that live at the same time, the
	 * largest. 0: not known. */
	uint64_t met_bytes, together_bytes;
	bool at_floor;	    /* even one step is enough */
	bool varies;	    /* the need differs from run to run, or is taken to */
	bool output_varies; /* so only the exit status was compared */
	bool not_monotone;
	bool jobs_doubted;	     /* copies side by side came out otherwise than one alone */
	double quantile, confidence; /* of samples */
	struct look peak;	     /* what it is made of */
	struct size_sample *samples;
	size_t n_samples;
	struct size_trial *trials;
	size_t n_trials;
	struct size_slow slow;
	uint64_t measure_ns;
	unsigned int runs;
	unsigned int known_runs; /* of these, from a file (memo.h) */
	size_t planned_runs;	 /* under a limit, where that is known in advance; 0: not */
};

/* The lowest limit above this one that a trial had; UINT64_MAX: none. */
uint64_t size_next_limit(const struct size_report *report, uint64_t above_bytes);

/* Negative only when the harness could not do its part; else see report->trouble. */
int size_measure(struct size_lab *lab, const struct size_options *options,
		 struct size_report *report, struct err *err);
void size_report_clear(struct size_report *report);

#endif
