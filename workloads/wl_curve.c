/*
 * The workload 'curve': holds at each moment what a curve of bytes over time says, and what has
 * leaked by then; time is the clock's, many times as fast. Grows by touching, shrinks by
 * MADV_DONTNEED.
 *
 * Steps have absolute deadlines, so nothing adds up, and a step that comes late goes straight to
 * where the curve is then. Hogs that are told the same zero (hog.h) keep the same time.
 */
#include <errno.h>

#include "base/clock.h"
#include "base/parse.h"
#include "base/str.h"
#include "workloads/curve.h"
#include "workloads/hog_run.h"

enum { SPEED = 8640, SPEED_MAX = 1000000000, DAYS_MAX = 36500 };
#define TICK_NS 1000000ULL

struct values {
	const char *csv, *rows, *leak;
	uint64_t column, speed, days, tick_ns, period_ns;
	struct curve curve;	  /* state */
	struct curve_leak leaked; /* state */
};

static const struct opt opts[] = {
	{.name = "csv",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct values, csv),
	 .arg = "FILE",
	 .complete = "file",
	 .help = "rows of time,bytes: 06:30,80M; linear in between; repeated day by day"},
	{.name = "rows",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct values, rows),
	 .arg = "ROWS",
	 .help = "the same here, rows apart by ';' (default '0,16M;12h,64M')"},
	{.name = "column",
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, column),
	 .arg = "N",
	 .help = "which one after the time's (default 1)"},
	{.name = "leak",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct values, leak),
	 .arg = "SIZE/TIME",
	 .help = "keep so much more as time goes by, as in 12M/h (default: nothing)"},
	{.name = "speed",
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, speed),
	 .arg = "N",
	 .help = "so many times as fast as the clock (default 8640: a day in 10 s)"},
	{.name = "days",
	 .kind = OPT_U64,
	 .offset = offsetof(struct values, days),
	 .arg = "N",
	 .help = "for so many days of the curve (default 1)"},
	{.name = "period",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct values, period_ns),
	 .arg = "TIME",
	 .help = "the curve begins again after this (default: whole days)"},
	{.name = "tick",
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct values, tick_ns),
	 .arg = "TIME",
	 .help = "from one step to the next, by the clock (default 1ms)"},
	OPT_END,
};

static int read_curve(struct values *values, struct err *err)
{
	unsigned int column = (unsigned int)values->column;

	if (values->csv)
		return curve_load(values->csv, column, values->period_ns, &values->curve, err);
	MEM_AUTO char *rows = mem_dup(values->rows);
	for (char *at = rows; *at; at++)
		*at = *at == ';' ? '\n' : *at;
	int r = curve_parse(rows, column, values->period_ns, &values->curve, err);
	return r < 0 ? err_wrap(err, "--rows") : 0;
}

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;

	if (values->speed < 1 || values->speed > SPEED_MAX)
		return err_set(err, EINVAL, "--speed expects 1 to %d", SPEED_MAX);
	if (values->days < 1 || values->days > DAYS_MAX)
		return err_set(err, EINVAL, "--days expects 1 to %d", DAYS_MAX);
	if (values->tick_ns < 1000 || values->column < 1 || values->column > UINT16_MAX)
		return err_set(err, EINVAL, "--tick expects 1us or more, --column 1 or more");
	if (values->leak && curve_leak_parse(values->leak, &values->leaked, err) < 0)
		return err_wrap(err, "--leak");
	int r = read_curve(values, err);
	return r < 0 ? r : hog_region_open(hog, HOG_THP_NEVER, err);
}

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	(void)data;
	return hog_region_touch(hog, bytes);
}

static int release(struct hog *hog, void *data, uint64_t bytes)
{
	(void)data;
	return hog_region_drop(hog, bytes);
}

/* To where the curve is at this time of its own. */
static int follow(struct hog *hog, const struct values *values, uint64_t t_ns)
{
	uint64_t bytes = curve_at(&values->curve, t_ns) + curve_leaked(&values->leaked, t_ns);
	uint64_t want = hog_pages(hog, bytes), held = *hog->touched;

	hog->status->pattern_ns = t_ns;
	if (want > held)
		return hog_region_touch(hog, (want - held) * hog->page_size);
	return want < held ? hog_region_drop(hog, (held - want) * hog->page_size) : 0;
}

static int run(struct hog *hog, void *data)
{
	struct values *values = data;
	uint64_t zero = hog->zero_ns ? hog->zero_ns : clock_ns();
	uint64_t end_ns = values->days * CURVE_DAY_NS, said = UINT64_MAX, next = zero;
	int r = 0;

	while (r == 0) {
		hog_wait(hog, next, false);
		uint64_t now = clock_ns(), t_ns = (now - zero) * values->speed;
		if (t_ns >= end_ns)
			return 0;
		r = follow(hog, values, t_ns);
		if (r == 0 && t_ns / 3600000000000ULL != said) {
			said = t_ns / 3600000000000ULL;
			hog_say_progress(hog, 0, now);
		}
		next = zero + ((clock_ns() - zero) / values->tick_ns + 1) * values->tick_ns;
	}
	return r;
}

const struct wl wl_curve = {
	.name = "curve",
	.summary = "holds what a curve of bytes over time says, and a leak",
	.description =
		"Follows a curve from a CSV file, such as a day's from monitoring, many times as "
		"fast "
		"as the clock: grows by touching pages, shrinks by giving them back. --leak adds "
		"what is never given back.\n\n"
		"'oomlab curve' runs several of these against a limit and says who dies when.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.rows = "0,16M;12h,64M",
					   .column = 1,
					   .speed = SPEED,
					   .days = 1,
					   .tick_ns = TICK_NS},
	.needs = WL_MEMORY,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};
