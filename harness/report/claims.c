/*
 * See claims.h. One row a claim, in the order of the results; a repeated scenario is one row, and
 * says so when it was not the same each time. Cells are broken at spaces to fit the width.
 */
#include "harness/report/claims.h"

#include <stdlib.h>
#include <string.h>

#include "harness/record/text.h"
#include "harness/report/lines.h"

enum { CLAIM, HERE, TRUTH, COLUMNS };
enum {
	GAP = 2,
	HERE_WIDTH = 5,
	WIDTH_DEFAULT = 80,
	WIDTH_LEAST = 40,
	WIDTH_MOST = 120,
	NOTE_INDENT = 4
};

static const char *const heads[COLUMNS] = {"claim", "here", "since when"};

struct layout {
	size_t width[COLUMNS];
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

/* ---- cells --------------------------------------------------------------------------------- */

static void add_spaces(struct str *out, size_t n)
{
	str_addf(out, "%*s", (int)n, "");
}

/* The first words of *rest that fit; a word that is longer than the cell is not broken. */
static size_t add_words(struct str *out, const char **rest, size_t width)
{
	size_t used = 0;

	while (**rest) {
		size_t spaces = strspn(*rest, " "), word = strcspn(*rest + spaces, " ");
		size_t gap = used ? 1 : 0;
		MEM_AUTO char *text = strndup(*rest + spaces, word);
		size_t columns = text_columns(text);
		if (used && used + gap + columns > width)
			break;
		str_addf(out, "%s%s", gap ? " " : "", text);
		used += gap + columns;
		*rest += spaces + word;
	}
	return used;
}

/* One line of one cell; returns the columns that it takes. */
static size_t add_cell(struct str *out, const char **rest, size_t width, size_t hang,
		       const char *colour)
{
	if (!**rest)
		return 0;
	add_spaces(out, hang);
	str_add(out, colour ? colour : "");
	size_t used = hang + add_words(out, rest, width - hang);
	str_add(out, colour ? "\033[0m" : "");
	return used;
}

/* A claim that goes on hangs, so that rows can be told apart. */
static void add_row(struct str *out, const struct layout *layout, const char *const cells[COLUMNS],
		    const char *colour)
{
	const char *rest[COLUMNS] = {cells[CLAIM], cells[HERE], cells[TRUTH]};

	for (int n = 0; *rest[CLAIM] || *rest[HERE] || *rest[TRUTH]; n++) {
		size_t owed = 0; /* spaces before the next cell that has something */
		for (int i = 0; i < COLUMNS; i++) {
			size_t width = layout->width[i], hang = n && i == CLAIM ? GAP : 0;
			if (*rest[i]) {
				add_spaces(out, owed);
				owed = 0;
			}
			size_t used = add_cell(out, &rest[i], width, hang, colour);
			owed += (used < width ? width - used : 0) + GAP;
		}
		str_add(out, "\n");
	}
}

/* A line of its own below a row, in full width. */
static void add_note(struct str *out, const struct layout *layout, const char *bytes)
{
	size_t all = layout->width[CLAIM] + layout->width[HERE] + layout->width[TRUTH] + 2 * GAP;
	STR_AUTO clean = STR_INIT;

	text_clean(&clean, bytes);
	for (const char *rest = str_text(&clean); *rest;) {
		add_spaces(out, NOTE_INDENT);
		add_words(out, &rest, all - NOTE_INDENT);
		str_add(out, "\n");
	}
}

/* ---- the table ----------------------------------------------------------------------------- */

static const char *answer(const struct tally *tally)
{
	if (tally->observed[0] && tally->observed[1])
		return "both";
	if (tally->observed[0] || tally->observed[1])
		return tally->observed[1] ? "true" : "false";
	return tally->other->verdict == VERDICT_SKIP ? "skip" : "?";
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
	add_row(out, layout, cells, layout->colour && tally->unexpected ? alarm : NULL);
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
	struct layout layout = {.width = {0, HERE_WIDTH, 0}, .colour = options->colour};
	size_t all = options->width > 0 ? (size_t)options->width : WIDTH_DEFAULT;

	all = all < WIDTH_LEAST ? WIDTH_LEAST : all > WIDTH_MOST ? WIDTH_MOST : all;
	all -= HERE_WIDTH + 2 * GAP;
	layout.width[TRUTH] = all * 9 / 20;
	layout.width[CLAIM] = all - layout.width[TRUTH];
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
		add_row(out, &layout, heads, NULL);
	else if (all.n > 0)
		add_counts(out, &all);
	for (size_t i = 0; i < all.n && table; i++)
		add_claim(out, &layout, &all.of[i]);
	free(all.of);
}
