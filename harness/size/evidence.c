/*
 * See evidence.h.
 */
#include "harness/size/evidence.h"

enum {
	BATCH_PAGES = 64, /* what a CPU charges in advance: MEMCG_CHARGE_BATCH */
	MARGIN_PART = 4,  /* of a step, at most */
	NOISE_MARGINS = 2,
	COLLECTS_PART = 16,
	HIGHEST = 3, /* peaks that tell of the upper end */
	TOP_TIMES = 2,
};

struct evidence evidence_of(const struct size_report *report, uint64_t step_bytes,
			    uint64_t page_bytes)
{
	uint64_t batch = BATCH_PAGES * page_bytes, part = step_bytes / MARGIN_PART;

	return (struct evidence){report->trials, report->n_trials, step_bytes,
				 batch < part ? batch : part};
}

uint64_t evidence_round_up(const struct evidence *evidence, uint64_t bytes)
{
	uint64_t step = evidence->step_bytes;

	return (bytes + step - 1) / step * step;
}

bool evidence_known(const struct evidence *evidence, uint64_t bytes, bool *ret_passed)
{
	for (size_t i = evidence->n; i > 0; i--)
		if (evidence->trials[i - 1].limit_bytes == bytes) {
			*ret_passed = evidence->trials[i - 1].passed;
			return true;
		}
	return false;
}

uint64_t evidence_highest_fail(const struct evidence *evidence, uint64_t below_bytes)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < evidence->n; i++) {
		const struct size_trial *trial = &evidence->trials[i];
		if (!trial->passed && trial->limit_bytes < below_bytes &&
		    trial->limit_bytes > highest)
			highest = trial->limit_bytes;
	}
	return highest;
}

static uint64_t lowest_pass(const struct evidence *evidence)
{
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < evidence->n; i++)
		if (evidence->trials[i].passed && evidence->trials[i].limit_bytes < lowest)
			lowest = evidence->trials[i].limit_bytes;
	return lowest;
}

uint64_t evidence_cap(const struct evidence *evidence, uint64_t together_bytes)
{
	if (!together_bytes || evidence_highest_fail(evidence, UINT64_MAX) >= together_bytes)
		return UINT64_MAX;
	return evidence_round_up(evidence, together_bytes + evidence->margin_bytes);
}

uint64_t evidence_above(const struct evidence *evidence, uint64_t cap)
{
	uint64_t fail = evidence_highest_fail(evidence, UINT64_MAX);
	uint64_t pass = lowest_pass(evidence), step = evidence->step_bytes;
	uint64_t mixed = pass <= fail ? evidence_round_up(evidence, fail - pass) + step : 0;

	uint64_t least = evidence_round_up(evidence, fail) + step;

	cap = cap > least ? cap : least;
	return least + mixed < cap ? least + mixed : cap;
}

bool evidence_is_edge(const struct evidence *evidence, uint64_t limit_bytes)
{
	uint64_t at = limit_bytes - evidence->margin_bytes;
	uint64_t near = at - NOISE_MARGINS * evidence->margin_bytes;
	bool passed = false;

	for (size_t i = 0; i < evidence->n; i++) {
		const struct size_trial *trial = &evidence->trials[i];
		if (!trial->passed || trial->limit_bytes > at)
			continue;
		if (trial->limit_bytes < at || trial->need_bytes < near)
			return false;
		passed = true;
	}
	return passed;
}

/* Of the last runs that passed; 'high' from the highest on. */
struct peaks {
	uint64_t least, high[HIGHEST];
};

static void insert(struct peaks *peaks, uint64_t bytes)
{
	peaks->least = bytes < peaks->least ? bytes : peaks->least;
	for (size_t i = 0; i < HIGHEST; i++)
		if (bytes > peaks->high[i]) {
			uint64_t lower = peaks->high[i];
			peaks->high[i] = bytes;
			bytes = lower;
		}
}

static struct peaks peaks_of(const struct evidence *evidence, uint64_t passes)
{
	struct peaks peaks = {.least = UINT64_MAX};

	for (size_t i = evidence->n; i > 0 && passes > 0; i--)
		if (evidence->trials[i - 1].passed) {
			insert(&peaks, evidence->trials[i - 1].need_bytes);
			passes--;
		}
	return peaks;
}

/* Peaks are exact to a batch or two. */
static uint64_t apart(const struct evidence *evidence, uint64_t most, uint64_t least)
{
	uint64_t noise = NOISE_MARGINS * evidence->margin_bytes;

	return most > least + noise ? most - least - noise : 0;
}

uint64_t evidence_spread(const struct evidence *evidence, uint64_t passes, uint64_t *ret_most)
{
	struct peaks peaks = peaks_of(evidence, passes);

	*ret_most = peaks.high[0];
	return apart(evidence, peaks.high[0], peaks.least);
}

/* How far above the highest peak the next one may be. Where peaks crowd at their upper end there is
 * an end: two processes that are at their peaks at once, which no coincidence makes more. Twice
 * what the highest ones differ by is three times the scale of an exponential tail in the mean. */
static uint64_t tail(const struct evidence *evidence, const struct peaks *peaks)
{
	uint64_t all = apart(evidence, peaks->high[0], peaks->least);
	uint64_t top = TOP_TIMES * apart(evidence, peaks->high[0], peaks->high[HIGHEST - 1]);

	return top < all ? top : all;
}

bool evidence_is_mixed(const struct evidence *evidence, uint64_t passes)
{
	uint64_t most;

	return lowest_pass(evidence) <= evidence_highest_fail(evidence, UINT64_MAX) ||
	       evidence_spread(evidence, passes, &most) > 0;
}

/* What passed a limit is cut off there: a garbage collector's long tail (node: 66 to 70 MiB in nine
 * runs of ten, 75 in the tenth) is not seen, hence a part that it has in any case. */
uint64_t evidence_beyond(const struct evidence *evidence, uint64_t limit_bytes, uint64_t passes,
			 bool collects, uint64_t max_bytes)
{
	struct peaks peaks = peaks_of(evidence, passes);
	uint64_t most = peaks.high[0], spread = apart(evidence, most, peaks.least);
	uint64_t part = most / COLLECTS_PART, above = spread > part ? spread : part;
	uint64_t up =
		evidence_round_up(evidence, most + (collects ? above : tail(evidence, &peaks)));

	up = up < max_bytes ? up : max_bytes;
	return up > limit_bytes ? up : limit_bytes;
}
