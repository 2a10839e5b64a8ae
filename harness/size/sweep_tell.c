/*
 * See sweep.h: a sweep as a chart, as CSV and as JSON.
 */
#include <inttypes.h>

#include "base/parse.h"
#include "harness/size/stats.h"
#include "harness/size/success.h"
#include "harness/size/sweep.h"

enum { BAR_MAX = 40 };

/* One run says nothing about a share. */
static bool is_repeated(const struct sweep_point *points, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (points[i].runs > 1)
			return true;
	return false;
}

static double passes_at_least(const struct sweep_point *point)
{
	return stats_share_at_least(point->runs, point->passed, CURVE_CONFIDENCE);
}

/* ---- text ---------------------------------------------------------------------------------- */

struct chart {
	uint64_t longest_ns;
	bool repeated;
};

static void row(const struct sweep_point *point, const struct chart *chart, bool knee,
		const struct tell_view *view, struct str *out)
{
	char time[PARSE_TEXT_MAX], stalled[PARSE_TEXT_MAX];
	const char *on = !view->colour			? ""
			 : point->passed == point->runs ? "\033[32m"
							: "\033[31m";
	uint64_t bar = chart->longest_ns ? point->best_ns * BAR_MAX / chart->longest_ns : 0;

	str_addf(out, "%9.1f MiB  %s%3zu of %-3zu%s", (double)point->limit_bytes / 1048576, on,
		 point->passed, point->runs, view->colour ? "\033[0m" : "");
	if (chart->repeated)
		str_addf(out, "  %6.1f %%", 100 * passes_at_least(point));
	str_addf(out, "  %9s", point->best_ns ? format_duration(point->best_ns, time) : "-");
	str_addf(out, "  %9s  %9" PRIu64 "  ",
		 point->best_ns && point->psi_some_us != UINT64_MAX
			 ? format_duration(point->psi_some_us * 1000, stalled)
			 : "-",
		 point->refaults);
	for (uint64_t i = 0; i < bar && view->width >= 100; i++)
		str_add(out, view->unicode ? "\u2588" : "#");
	if (knee)
		str_add(out, "  <- the knee");
	else if (point->killed)
		str_addf(out, "%s%zu OOM-killed", view->width >= 100 && bar ? "  " : "",
			 point->killed);
	str_add(out, "\n");
}

void sweep_text(const struct sweep_point *points, size_t n, uint64_t slow_percent,
		const struct tell_view *view, struct str *out)
{
	size_t knee = sweep_knee(points, n, slow_percent);
	struct chart chart = {.repeated = is_repeated(points, n)};

	for (size_t i = 0; i < n; i++)
		if (points[i].best_ns > chart.longest_ns)
			chart.longest_ns = points[i].best_ns;
	str_addf(out, "%13s  %10s", "limit", "passed");
	if (chart.repeated)
		str_addf(out, "  %8s", "at least");
	str_addf(out, "  %9s  %9s  %9s\n", "best time", "stalled", "refaults");
	for (size_t i = 0; i < n; i++)
		row(&points[i], &chart, i == knee, view, out);
	if (chart.repeated)
		str_addf(out, "at least: so many of all runs pass there, with %.0f %% confidence\n",
			 100 * CURVE_CONFIDENCE);
	if (knee == n)
		str_add(out, "no knee: not even the highest limit passes reliably\n");
	else
		str_addf(out,
			 "knee: from %.1f MiB on every run passes and is at most %" PRIu64
			 " %% slower than the fastest\n",
			 (double)points[knee].limit_bytes / 1048576, slow_percent);
}

/* ---- CSV and JSON -------------------------------------------------------------------------- */

void sweep_csv(const struct sweep_point *points, size_t n, struct str *out)
{
	bool repeated = is_repeated(points, n);

	str_add(out, "limit_bytes,runs,passed,oom_killed,best_seconds,stalled_seconds,refaults,"
		     "major_faults,passes_at_least\n");
	for (size_t i = 0; i < n; i++) {
		const struct sweep_point *point = &points[i];
		str_addf(out, "%" PRIu64 ",%zu,%zu,%zu,", point->limit_bytes, point->runs,
			 point->passed, point->killed);
		if (point->best_ns)
			str_addf(out, "%.6f,", (double)point->best_ns / 1e9);
		else
			str_add(out, ",");
		if (point->best_ns && point->psi_some_us != UINT64_MAX)
			str_addf(out, "%.6f", (double)point->psi_some_us / 1e6);
		str_addf(out, ",%" PRIu64 ",%" PRIu64 ",", point->refaults, point->major_faults);
		if (repeated)
			str_addf(out, "%.6f", passes_at_least(point));
		str_add(out, "\n");
	}
}

json_t *sweep_json(const struct sweep_point *points, size_t n, uint64_t slow_percent)
{
	size_t knee = sweep_knee(points, n, slow_percent);
	json_t *root = json_object(), *list = json_array();
	bool repeated = is_repeated(points, n);

	for (size_t i = 0; i < n; i++) {
		const struct sweep_point *point = &points[i];
		json_t *item = json_pack(
			"{s:I, s:I, s:I, s:I, s:I, s:I}", "limit", (json_int_t)point->limit_bytes,
			"runs", (json_int_t)point->runs, "passed", (json_int_t)point->passed,
			"oom_killed", (json_int_t)point->killed, "refaults",
			(json_int_t)point->refaults, "major_faults",
			(json_int_t)point->major_faults);
		if (repeated)
			json_object_set_new(item, "passes_at_least",
					    json_real(passes_at_least(point)));
		if (point->best_ns)
			json_object_set_new(item, "seconds",
					    json_real((double)point->best_ns / 1e9));
		if (point->best_ns && point->psi_some_us != UINT64_MAX)
			json_object_set_new(item, "stalled_seconds",
					    json_real((double)point->psi_some_us / 1e6));
		json_array_append_new(list, item);
	}
	json_object_set_new(root, "points", list);
	if (knee < n)
		json_object_set_new(root, "knee",
				    json_integer((json_int_t)points[knee].limit_bytes));
	return root;
}
