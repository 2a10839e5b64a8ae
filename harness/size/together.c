/*
 * How much the processes of a command need if all have their peaks at once. What happens to meet
 * differs from run to run, and what one process needs mostly does not: so what those need together
 * that live at the same time is what a need may vary to. It is believed when two runs of the
 * ratchet agree, and gets what they differ by.
 */
#include "harness/size/measure_internal.h"

enum { ALIKE_PART = 16 };

/* 0: they do not agree. */
static uint64_t agreed(uint64_t a, uint64_t b)
{
	uint64_t most = a > b ? a : b, least = a > b ? b : a;

	return most - least <= most / ALIKE_PART ? most + (most - least) : 0;
}

int together_find(struct measure *measure, struct err *err)
{
	struct size_report *report = measure->report;
	const struct size_sample *first = report->samples;
	struct run_result run;
	bool good = false;

	if (measure->together_asked || report->n_samples == 0 || measure->sizes_itself)
		return 0;
	measure->together_asked = true;
	if (first->together_bytes == 0)
		return 0;
	int r = trial_ratchet(measure, first->limit_bytes, &run, &good, err);
	if (r != 0 || !good)
		return r;
	report->together_bytes = agreed(first->together_bytes, run.together_bytes);
	report->met_bytes = agreed(first->met_bytes, run.met_bytes);
	return 0;
}
