/*
 * oomlab matrix: records of several kernels and cgroup versions as one table, what differs between
 * them, and what got worse since a baseline. Only glue: records.c finds the records, report/ does
 * the rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cmd/catalogue.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/records.h"
#include "harness/cmd/terminal.h"
#include "harness/report/compare.h"
#include "harness/report/lines.h"
#include "harness/report/matrix.h"

struct matrix_values {
	struct opt_list filters;
	const char *baseline, *save;
	uint64_t width;
	int format, merge, colour;
	bool strict, changed, table;
};

enum { WIDTH_MAX = 10000 };

static const char *const formats[] = {"text", "json", "markdown", NULL};
static const char *const merges[] = {"newest", "sum", "none", NULL}; /* enum matrix_merge */
static void (*const printers[])(struct str *out, const struct matrix *matrix,
				const struct matrix_print *print) = {matrix_text, matrix_json,
								     matrix_markdown};

#define AT(field) offsetof(struct matrix_values, field)

static const struct opt options[] = {
	{"baseline", 'b', OPT_TEXT, AT(baseline), "DIR",
	 "compare with these records; exit with 1 when what passed there does not any more", NULL,
	 "dir"},
	{"strict", '\0', OPT_FLAG, AT(strict), NULL,
	 "what is skipped or missing now counts as a regression, too", NULL, NULL},
	{"save", '\0', OPT_TEXT, AT(save), "DIR",
	 "write the records of each column there, without events, for a --baseline", NULL, "dir"},
	{"changed", 'c', OPT_FLAG, AT(changed), NULL,
	 "only scenarios that differ between the columns or from the baseline", NULL, NULL},
	{"table", '\0', OPT_FLAG, AT(table), NULL, "without the records side by side", NULL, NULL},
	{"merge", '\0', OPT_CHOICE, AT(merge), "HOW",
	 "records of one kernel and cgroup version: each scenario from the newest (default), the "
	 "sum of all, or none: a column each",
	 merges, NULL},
	{"filter", 'f', OPT_LIST, AT(filters), "TAG",
	 "only scenarios with this tag or suite; '!TAG': without it", NULL, NULL},
	{"format", '\0', OPT_CHOICE, AT(format), "FORMAT", "text (default), json or markdown",
	 formats, NULL},
	{"width", '\0', OPT_U64, AT(width), "COLUMNS",
	 "of the text (default: the terminal's, or 80)", NULL, NULL},
	{"colour", '\0', OPT_CHOICE, AT(colour), "WHEN", "colour: auto (default), always or never",
	 terminal_colours, NULL},
	OPT_END,
};

/* ---- which scenarios ----------------------------------------------------------------------- */

struct selection {
	const struct opt_list *filters;
	size_t n_names;
	char **names;
	bool *found; /* for each name: some record has such a scenario */
};

static bool has_tag(const struct result *result, const char *tag)
{
	const json_t *each;
	size_t i;

	json_array_foreach (result->tags, i, each) {
		if (str_eq(json_string_value(each), tag))
			return true;
	}
	return str_eq(result->suite, tag);
}

/* "limits/block-size" of "limits/block-size[block=1M]#3": as 'run' takes it; and with all of it. */
static bool is_named(const struct result *result, const char *word)
{
	MEM_AUTO char *full =
		mem_printf("%.*s", (int)compare_name_length(result->name), result->name);
	MEM_AUTO char *name = mem_printf("%.*s", (int)strcspn(full, "["), full);

	return str_eq(word, full) ||
	       catalogue_name_matches(word, name, result->suite ? result->suite : "");
}

static bool wanted(void *data, const struct result *result)
{
	struct selection *selection = data;
	bool named = selection->n_names == 0;

	for (size_t i = 0; i < selection->filters->n; i++) {
		const char *tag = selection->filters->text[i];
		bool not = tag[0] == '!';
		if (has_tag(result, tag + not ) == not )
			return false;
	}
	for (size_t i = 0; i < selection->n_names; i++)
		if (is_named(result, selection->names[i]))
			named = selection->found[i] = true;
	return named;
}

/* ---- records ------------------------------------------------------------------------------- */

/* Words that are files or folders are records; the others name scenarios. Without any record:
 * './results', where runs go. */
static int load(struct records *records, struct selection *selection, int argc, char **argv,
		struct err *err)
{
	struct stat info;

	for (int i = 0; i < argc; i++) {
		if (stat(argv[i], &info) < 0)
			selection->names[selection->n_names++] = argv[i];
		else if (records_add(records, argv[i], err) < 0)
			return -err->code;
	}
	if (records->n > 0)
		return 0;
	return records_add(records, "results", err) < 0
		       ? err_wrap(err, "no records were named, and")
		       : 0;
}

static int check_found(const struct selection *selection, struct err *err)
{
	for (size_t i = 0; i < selection->n_names; i++)
		if (!selection->found[i])
			return err_set(err, ENOENT,
				       "'%s' is no file or folder, and no scenario of these "
				       "records",
				       selection->names[i]);
	return 0;
}

static struct matrix *build(const struct records *records, const struct matrix_values *values,
			    struct selection *selection)
{
	const struct matrix_options how = {
		.merge = (enum matrix_merge)values->merge, .wanted = wanted, .data = selection};

	return matrix_new((const struct record *const *)records->of, records->n, &how);
}

/* ---- the command --------------------------------------------------------------------------- */

static int status_of(const struct matrix_values *values, const struct matrix_baseline *baseline)
{
	size_t bad = baseline->count[CHANGE_REGRESSION];

	if (values->strict) {
		bad += baseline->count[CHANGE_SKIPPED] + baseline->count[CHANGE_VANISHED];
		for (size_t c = 0; baseline->base && c < baseline->base->n_columns; c++)
			bad += !baseline->used[c];
	}
	return bad ? CMD_FAILED : CMD_OK;
}

static void print(const struct matrix_values *values, const struct matrix *matrix,
		  const struct matrix_baseline *baseline)
{
	int width = values->width ? (int)values->width : terminal_width(stdout);
	struct matrix_print how = {.colour = terminal_colour(stdout, values->colour),
				   .changed = values->changed,
				   .table = values->table,
				   .width = width,
				   .baseline_path = values->baseline,
				   .baseline = values->baseline ? baseline : NULL};
	STR_AUTO text = STR_INIT;

	printers[values->format](&text, matrix, &how);
	fwrite(str_text(&text), 1, text.len, stdout);
}

/* "6.12-v2" of column "6.12/v2", and "6.12-v2-2" for its second record. */
static char *folder_of(const struct matrix_column *column, size_t record)
{
	char *name = record ? mem_printf("%s-%zu", column->id, record + 1) : mem_dup(column->id);

	for (char *at = name; (at = strpbrk(at, "/")) != NULL;)
		*at = '-';
	return name;
}

/* The column's own pointer is to a const record. */
static struct record *find_record(const struct records *records, const struct record *wanted)
{
	for (size_t i = 0; i < records->n; i++)
		if (records->of[i] == wanted)
			return records->of[i];
	return NULL;
}

/* Whole records, whatever the filters leave of them in the table, and all of a column: one of
 * another machine may have only what the others lack. */
static int save(const struct records *records, const struct matrix *matrix, const char *folder,
		struct err *err)
{
	for (size_t c = 0; c < matrix->n_columns; c++) {
		const struct matrix_column *column = &matrix->columns[c];
		for (size_t i = 0; i < column->n_records; i++) {
			MEM_AUTO char *name = folder_of(column, i);
			struct record *record = find_record(records, column->records[i]);
			if (record && records_save_small(record, folder, name, err) < 0)
				return err_wrap(err, "--save");
		}
	}
	return 0;
}

static int usage_or_broken(const struct cmd_ctx *ctx, const struct err *err)
{
	return cmd_fail(ctx, err->code == ENOENT ? CMD_USAGE : CMD_BROKEN, err);
}

static int run_matrix(struct cmd_ctx *ctx, void *data, int argc, char **argv)
{
	const struct matrix_values *values = data;
	MEM_AUTO char **names = mem_zero((size_t)argc + 1, sizeof(char *));
	MEM_AUTO bool *found = mem_zero((size_t)argc + 1, sizeof(bool));
	struct selection selection = {.filters = &values->filters, .names = names, .found = found};
	struct records records = {0}, old = {0};
	struct matrix *matrix = NULL, *base = NULL;
	struct matrix_baseline baseline = {0};
	struct err err = ERR_INIT;
	int status = CMD_OK;

	if (values->width > WIDTH_MAX) {
		(void)err_set(&err, EINVAL, "--width: expected at most %d", WIDTH_MAX);
		return cmd_fail(ctx, CMD_USAGE, &err);
	}
	int r = load(&records, &selection, argc, argv, &err);
	if (r >= 0 && values->baseline && records_add(&old, values->baseline, &err) < 0)
		r = err_wrap(&err, "--baseline");
	if (r >= 0) {
		matrix = build(&records, values, &selection);
		base = build(&old, values, &selection);
		r = check_found(&selection, &err);
	}
	if (r >= 0 && matrix->n_rows == 0)
		r = err_set(&err, ENOENT, "no scenario of these records is left by the filters");
	if (r < 0) {
		status = usage_or_broken(ctx, &err);
	} else {
		matrix_compare(matrix, base, &baseline);
		print(values, matrix, &baseline);
		status = values->baseline ? status_of(values, &baseline) : CMD_OK;
		if (values->save && save(&records, matrix, values->save, &err) < 0)
			status = cmd_fail(ctx, CMD_BROKEN, &err);
	}
	matrix_baseline_free(&baseline);
	matrix_free(matrix);
	matrix_free(base);
	records_free(&records);
	records_free(&old);
	return status;
}

const struct cmd cmd_matrix = {
	.opts = {.name = "matrix",
		 .args = "[RECORD|DIR|NAME...]",
		 .summary = "verdicts of several kernels as one table, and what differs",
		 .description =
			 "Puts records of 'oomlab run' and 'oomlab vm' into one table: a row a "
			 "scenario, a column a kernel and cgroup version. Where columns do not "
			 "agree, a record of each is printed side by side: the verdict, who was "
			 "killed, what expectations found, the first event that is another one, "
			 "and the time. Repeated scenarios are a rate, '98/100'.\n\n"
			 "A DIR is the folder of a run, or one with many of them (default "
			 "./results); words that are no files choose scenarios as 'oomlab run' "
			 "does. With --baseline, columns are held against those of the same "
			 "kernel, or else of the newest of its series (6.12).",
		 .examples =
			 "oomlab matrix\tall that is in ./results\n"
			 "oomlab matrix --changed results/2026*\tonly what differs\n"
			 "oomlab matrix --merge none before/ after/ limits\tone suite, a column a "
			 "run\n"
			 "oomlab matrix --baseline results/baseline\tfor a CI system\n",
		 .exit_status = "0\tprinted; nothing is worse than the baseline\n"
				"1\twhat passed in the baseline does not any more\n"
				"2\twrong options, or no such record or scenario\n"
				"3\ta record cannot be read or written\n",
		 .opts = options,
		 .max_args = SIZE_MAX},
	.values_size = sizeof(struct matrix_values),
	.run = run_matrix,
};
