/*
 * See claims.h. One row a claim, in the order of the results; a repeated scenario is one row, and
 * says so when it was not the same each time. Cells are broken at spaces to fit the width.
 */
#include "harness/report/claims.h"

#include <stdlib.h>
#include <string.h>

#include "harness/record/text.h"
#include "harness/report/cells.h"
#include "harness/report/lines.h"

enum { CLAIM, HERE, TRUTH, COLUMNS };
enum { HERE_WIDTH = 5, WIDTH_DEFAULT = 80, WIDTH_LEAST = 40, WIDTH_MOST = 120, NOTE_INDENT = 4 };

static const char *const heads[COLUMNS] = {"claim", "here", "since when"};

struct layout {
	struct cells cells; /* a claim that goes on hangs, so that rows can be told apart */
	bool colour;
};

struct tally {
	const struct result *first; /* whose claim it is */
	const struct result *other; /* one that has no answer */
	size_t observed[2], unexpected;
};

/* ---- counting ------------------------------------------------------------------------------ */

static bool same_claim(const struct result *a, const struct result *b)
{
	return str_eq(line_text(a->claim, "says"), line_text(b->claim, "says"));
}

struct tallies {
	struct tally *of;
	size_t n;
};

/* The claims of a catalogue are few, results may be a million. */
static struct tally *tally_of(struct tallies *all, const struct result *result)
{
	for (size_t i = all->n; i-- > 0;)
		if (same_claim(all->of[i].first, result))
			return &all->of[i];
	all->of = mem_grow(all->of, all->n + 1, sizeof(*all->of));
	all->of[all->n] = (struct tally){.first = result};
	return &all->of[all->n++];
}

static void add_result(struct tallies *all, const struct result *result)
{
	struct tally *tally = tally_of(all, result);
	int observed = line_claim_observed(result);
	bool expected = json_is_true(json_object_get(result->claim, "expected"));

	if (observed < 0) {
		tally->other = result;
		return;
	}
	tally->observed[observed]++;
	tally->unexpected += observed != (int)expected;
}

/* ---- the table ----------------------------------------------------------------------------- */

/* A line of its own below a row, in full width. */
static void add_note(struct str *out, const struct layout *layout, const char *bytes)
{
	const size_t *width = layout->cells.width;
	size_t all = width[CLAIM] + width[HERE] + width[TRUTH] + 2 * CELLS_GAP;
	STR_AUTO clean = STR_INIT;

	text_clean(&clean, bytes);
	for (const char *rest = str_text(&clean); *rest;) {
		cells_spaces(out, NOTE_INDENT);
		cells_words(out, &rest, all - NOTE_INDENT);
		str_add(out, "\n");
	}
}

static const char *answer(const struct tally *tally)
{
	if (tally->observed[0] && tally->observed[1])
		return "both";
	if (tally->observed[0] || tally->observed[1])
		return tally->observed[1] ? "true" : "false";
	return tally->other && tally->other->verdict == VERDICT_SKIP ? "skip" : "?";
}

static void add_claim(struct str *out, const struct layout *layout, const struct tally *tally)
{
	static const char alarm[] = "\033[1;31m";
	STR_AUTO says = STR_INIT;
	STR_AUTO truth = STR_INIT;
	bool expected = json_is_true(json_object_get(tally->first->claim, "expected"));

	text_clean(&says, line_text(tally->first->claim, "says"));
	text_clean(&truth, line_text(tally->first->claim, "truth"));
	const char *cells[COLUMNS] = {str_text(&says), answer(tally), str_text(&truth)};
	cells_row(out, &layout->cells, cells, layout->colour && tally->unexpected ? alarm : NULL);
	if (tally->unexpected) {
		MEM_AUTO char *note =
			mem_printf("expected %s; %zu of %zu %s not", expected ? "true" : "false",
				   tally->unexpected, tally->observed[0] + tally->observed[1],
				   tally->unexpected == 1 ? "is" : "are");
		add_note(out, layout, note);
	}
	/* Why something failed or broke has been told above. */
	if (tally->other && tally->other->verdict == VERDICT_SKIP && tally->other->reason)
		add_note(out, layout, tally->other->reason);
}

static struct layout lay_out(const struct report_options *options)
{
	struct layout layout = {
		.cells = {.n = COLUMNS, .width = {0, HERE_WIDTH, 0}, .hang = CELLS_GAP},
		.colour = options->colour};
	size_t all = options->width > 0 ? (size_t)options->width : WIDTH_DEFAULT;

	all = all < WIDTH_LEAST ? WIDTH_LEAST : all > WIDTH_MOST ? WIDTH_MOST : all;
	all -= HERE_WIDTH + 2 * CELLS_GAP;
	layout.cells.width[TRUTH] = all * 9 / 20;
	layout.cells.width[CLAIM] = all - layout.cells.width[TRUTH];
	return layout;
}

/* Of a run of much else the table would be most of what is printed. */
static void add_counts(struct str *out, const struct tallies *all)
{
	size_t holds[2] = {0}, both = 0, open = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct tally *tally = &all->of[i];
		bool yes = tally->observed[1] > 0, no = tally->observed[0] > 0;
		both += yes && no;
		open += !yes && !no;
		if (yes != no)
			holds[yes]++;
	}
	str_addf(out, "claims: %zu false here, %zu true", holds[0], holds[1]);
	if (both)
		str_addf(out, ", %zu both", both);
	if (open)
		str_addf(out, ", %zu without an answer", open);
	str_add(out, "; 'oomlab run claims' has the table\n");
}

void claims_add(struct str *out, const struct record *record, const struct report_options *options)
{
	const struct layout layout = lay_out(options);
	struct tallies all = {0};
	size_t n = 0;

	for (size_t i = 0; i < record->n; i++)
		if (line_has_claim(record->results[i])) {
			add_result(&all, record->results[i]);
			n++;
		}
	bool table = options->verbose || 2 * n > record->n;
	if (all.n > 0)
		str_add(out, "\n");
	if (all.n > 0 && table)
		cells_row(out, &layout.cells, heads, NULL);
	else if (all.n > 0)
		add_counts(out, &all);
	for (size_t i = 0; i < all.n && table; i++)
		add_claim(out, &layout, &all.of[i]);
	free(all.of);
}
