/*
 * See curve.h: a curve once it is read. Reading it is curve_read.c's.
 */
#include "workloads/curve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

/* The number of points at or before this time of the period. */
static size_t points_until(const struct curve *curve, uint64_t at_ns)
{
	size_t low = 0, high = curve->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (curve->points[middle].at_ns <= at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* From the last point the curve goes to the first one of the next period. */
uint64_t curve_at(const struct curve *curve, uint64_t t_ns)
{
	uint64_t at = t_ns % curve->period_ns;
	size_t n = points_until(curve, at);
	const struct curve_row *from = &curve->points[n > 0 ? n - 1 : curve->n - 1];
	const struct curve_row *to = &curve->points[n < curve->n ? n : 0];
	uint64_t span = to->at_ns + (n == 0 || n == curve->n ? curve->period_ns : 0) - from->at_ns;
	uint64_t since = at + (n == 0 ? curve->period_ns : 0) - from->at_ns;

	if (span == 0)
		return from->bytes;
	double share = (double)since / (double)span;
	return (uint64_t)((double)from->bytes + ((double)to->bytes - (double)from->bytes) * share +
			  0.5);
}

uint64_t curve_leaked(const struct curve_leak *leak, uint64_t t_ns)
{
	if (leak->bytes == 0)
		return 0;
	double bytes = (double)leak->bytes * ((double)t_ns / (double)leak->per_ns);
	return bytes < (double)CURVE_BYTES_MAX ? (uint64_t)bytes : CURVE_BYTES_MAX;
}

uint64_t curve_next_corner(const struct curve *curve, uint64_t t_ns)
{
	uint64_t start = t_ns - t_ns % curve->period_ns;
	size_t n = points_until(curve, t_ns - start);

	return start + (n < curve->n ? curve->points[n].at_ns : curve->period_ns);
}

void curve_clear(struct curve *curve)
{
	free(curve->points);
	*curve = (struct curve){0};
}

/* ---- a leak -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{"s", 1000000000ULL},
	{"m", 60000000000ULL},
	{"h", 3600000000000ULL},
	{"d", CURVE_DAY_NS},
};

int curve_leak_parse(const char *text, struct curve_leak *ret, struct err *err)
{
	const char *slash = strchr(text, '/');
	MEM_AUTO char *size = mem_printf("%.*s", (int)(slash ? slash - text : 0), text);
	uint64_t bytes;

	for (size_t i = 0; slash && i < sizeof(units) / sizeof(units[0]); i++) {
		if (!str_eq(slash + 1, units[i].name))
			continue;
		if (parse_size(size, &bytes, err) < 0)
			return -err->code;
		if (bytes > INT64_MAX)
			return err_set(err, EINVAL, "'%s' is no leak but all there is", text);
		*ret = (struct curve_leak){bytes, units[i].ns};
		return 0;
	}
	return err_set(err, EINVAL,
		       "'%s' is not a leak, expected a size and one of /s /m /h /d such as 12M/h",
		       text);
}

const char *curve_leak_unit(const struct curve_leak *leak)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].ns == leak->per_ns)
			return units[i].name;
	return "s";
}
