/*
 * See curve_tell.h: the text.
 */
#include "harness/curve/curve_tell.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/parse.h"

enum { CHART_MOST = 100, LABEL = 12 };

const char *curve_time(uint64_t t_ns, char *buf, size_t size)
{
	uint64_t minutes = t_ns / 60000000000ULL;

	snprintf(buf, size, "day %" PRIu64 ", %02" PRIu64 ":%02" PRIu64, minutes / 1440 + 1,
		 minutes / 60 % 24, minutes % 60);
	return buf;
}

/* A span of the curves' time. */
static const char *span(uint64_t ns, char *buf)
{
	double seconds = (double)ns / 1e9;

	if (seconds < 120)
		snprintf(buf, PARSE_TEXT_MAX, "%.1f s", seconds);
	else if (seconds < 7200)
		snprintf(buf, PARSE_TEXT_MAX, "%.0f min", seconds / 60);
	else
		snprintf(buf, PARSE_TEXT_MAX, "%.1f h", seconds / 3600);
	return buf;
}

static const char *mib(uint64_t bytes, char *buf)
{
	snprintf(buf, PARSE_TEXT_MAX, "%.1f MiB", (double)bytes / 1048576);
	return buf;
}

/* ---- what was to be expected --------------------------------------------------------------- */

static void say_forecast(const struct curve_report *report, const char *title, struct str *out)
{
	const struct forecast *forecast = report->forecast;
	char time[40], size[PARSE_TEXT_MAX];

	if (forecast->dies)
		str_addf(out, "%-24s %s: %s%s\n", title,
			 curve_time(forecast->at_ns, time, sizeof(time)),
			 report->set->roles[forecast->who].name,
			 forecast->close ? " (another is nearly as large)" : "");
	else
		str_addf(out, "%-24s nobody dies; the most is %s, on %s\n", title,
			 mib(forecast->most_bytes, size),
			 curve_time(forecast->most_at_ns, time, sizeof(time)));
}

/* How far the forecast was off, in the curve's time. */
static void say_difference(const struct curve_report *report, struct str *out)
{
	const struct play_death *death = &report->play->deaths[0];
	const struct forecast *forecast = report->forecast;
	char time[PARSE_TEXT_MAX], step[PARSE_TEXT_MAX];

	if (report->play->n_deaths == 0 || !forecast->dies)
		return;
	bool later = death->at_ns >= forecast->at_ns;
	uint64_t off = later ? death->at_ns - forecast->at_ns : forecast->at_ns - death->at_ns;
	str_addf(out, "  it came                %s %s; one step of the hogs is %s\n",
		 span(off, time), later ? "later" : "earlier",
		 span(report->options->tick_ns * report->options->speed, step));
}

/* ---- who died ------------------------------------------------------------------------------ */

static void say_held(const struct curve_report *report, const struct play_death *death,
		     struct str *out)
{
	char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX], c[PARSE_TEXT_MAX];

	for (size_t i = 0; i < report->set->n; i++) {
		const struct curve_role *role = &report->set->roles[i];
		if (death->held_bytes[i] == 0)
			continue;
		str_addf(out, "  %-15s        held %s", role->name, mib(death->held_bytes[i], a));
		str_addf(out, " (the curve %s, leaked %s)",
			 mib(curve_at(&role->curve, death->at_ns), b),
			 mib(curve_leaked(&role->leak, death->at_ns), c));
		if (role->adj)
			str_addf(out, ", oom_score_adj %d", role->adj);
		str_add(out, "\n");
	}
}

static void say_death(const struct curve_report *report, const struct play_death *death,
		      const struct curve_view *view, struct str *out)
{
	char time[40], a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX];

	str_addf(out, "%sdied%s                     %s: %s, pid %d\n",
		 view->colour ? "\033[31m" : "", view->colour ? "\033[0m" : "",
		 curve_time(death->at_ns, time, sizeof(time)), report->set->roles[death->role].name,
		 (int)death->pid);
	str_addf(out, "  seen by                its end (SIGKILL)%s%s\n",
		 death->by_count ? ", the group's counter" : "",
		 death->by_log ? ", the kernel's log" : "");
	if (death->usage_bytes != UINT64_MAX)
		str_addf(out, "  the group had          %s of %s, says the kernel's report\n",
			 mib(death->usage_bytes, a), mib(death->limit_bytes, b));
	say_held(report, death, out);
}

/* ---- the chart ----------------------------------------------------------------------------- */

static const char *const blocks[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
				     "\u2585", "\u2586", "\u2587", "\u2588"};
static const char *const letters[] = {" ", ".", ".", ":", ":", "+", "+", "#", "#"};

/* The highest usage of the samples that fall into this column. */
static uint64_t column_usage(const struct play_result *play, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t most = 0;

	for (size_t i = 0; i < play->n_samples; i++)
		if (play->samples[i].t_ns >= from_ns && play->samples[i].t_ns < to_ns &&
		    play->samples[i].usage_bytes > most)
			most = play->samples[i].usage_bytes;
	return most;
}

static void say_chart(const struct curve_report *report, const struct curve_view *view,
		      struct str *out)
{
	const struct play_result *play = report->play;
	size_t room = view->width > LABEL * 2 ? (size_t)view->width - LABEL * 2 : 0;
	size_t columns = play->n_samples < room ? play->n_samples : room;
	char size[PARSE_TEXT_MAX], time[40];

	if (columns > CHART_MOST)
		columns = CHART_MOST;
	if (columns < 2 || play->until_ns < columns)
		return;
	uint64_t width = play->until_ns / columns + 1;
	str_add(out, "\nusage, of the limit\n");
	for (size_t row = 4; row-- > 0;) {
		str_addf(out, "%*s |", LABEL - 2,
			 row == 3 ? mib(report->set->limit_bytes, size) : "");
		for (size_t i = 0; i < columns; i++) {
			uint64_t usage = column_usage(play, width * i, width * (i + 1));
			uint64_t eighths = usage * 32 / report->set->limit_bytes;
			uint64_t its = eighths > row * 8 ? eighths - row * 8 : 0;
			str_add(out, (view->unicode ? blocks : letters)[its < 8 ? its : 8]);
		}
		str_add(out, "|\n");
	}
	str_addf(out, "%*s  day 1, 00:00%*s%s\n", LABEL - 2, "",
		 columns > 24 ? (int)columns - 24 : 1, "",
		 curve_time(play->until_ns, time, sizeof(time)));
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void say_setting(const struct curve_report *report, struct str *out)
{
	const struct curve_load_set *set = report->set;
	char size[PARSE_TEXT_MAX], time[PARSE_TEXT_MAX];

	str_addf(out, "limit                    %s; ", mib(set->limit_bytes, size));
	for (size_t i = 0; i < set->n; i++) {
		str_addf(out, "%s%s", i ? ", " : "", set->roles[i].name);
		if (set->roles[i].leak.bytes)
			str_addf(out, " (leaks %s/%s)", format_size(set->roles[i].leak.bytes, size),
				 curve_leak_unit(&set->roles[i].leak));
	}
	uint64_t days = report->options->horizon_ns / CURVE_DAY_NS;
	str_addf(out,
		 "\ntime                     up to %" PRIu64 " day%s, %" PRIu64
		 " times as fast as the clock: a day in %s\n",
		 days, days == 1 ? "" : "s", report->options->speed,
		 format_duration(CURVE_DAY_NS / report->options->speed, time));
}

static void say_end(const struct curve_report *report, struct str *out)
{
	const struct play_result *play = report->play;
	char time[40], size[PARSE_TEXT_MAX], late[PARSE_TEXT_MAX], curve[PARSE_TEXT_MAX];

	if (play->n_deaths < report->options->deaths && !play->trouble[0])
		str_addf(out, "%-24s until %s%s\n",
			 play->n_deaths ? "the others lived" : "all lived",
			 curve_time(play->until_ns, time, sizeof(time)),
			 play->interrupted ? ", interrupted" : "");
	str_addf(out, "before the curves        %s of the processes themselves\n",
		 mib(play->base_bytes, size));
	str_addf(out, "the hogs kept time       within %s by the clock, %s of the curve's\n",
		 format_duration(play->late_ns, late),
		 span(play->late_ns * report->options->speed, curve));
	if (play->no_log)
		str_add(out, "note: the kernel's log cannot be read here: no pid and no usage of "
			     "its report\n");
	str_addf(out, "holds for                %s; %s\n", report->kernel, report->groups);
}

void play_text(const struct curve_report *report, const struct curve_view *view, struct str *out)
{
	say_setting(report, out);
	if (!report->play) {
		say_forecast(report, "to be expected", out);
		return;
	}
	for (size_t i = 0; i < report->play->n_deaths; i++)
		say_death(report, &report->play->deaths[i], view, out);
	say_forecast(report, "was to be expected", out);
	say_difference(report, out);
	say_end(report, out);
	if (view->width)
		say_chart(report, view, out);
}
