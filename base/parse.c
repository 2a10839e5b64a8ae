/*
 * See parse.h.
 */
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{"", 1},
	{"B", 1},
	{"K", 1ULL << 10},
	{"KB", 1ULL << 10},
	{"KiB", 1ULL << 10},
	{"M", 1ULL << 20},
	{"MB", 1ULL << 20},
	{"MiB", 1ULL << 20},
	{"G", 1ULL << 30},
	{"GB", 1ULL << 30},
	{"GiB", 1ULL << 30},
	{"T", 1ULL << 40},
	{"TB", 1ULL << 40},
	{"TiB", 1ULL << 40},
	{"P", 1ULL << 50},
	{"PiB", 1ULL << 50},
	{"page", 0},
	{"pages", 0}, /* 0: this machine's page size */
	{NULL, 0},
};

static const struct unit time_units[] = {
	{"ns", 1},
	{"us", 1000},
	{"ms", 1000000},
	{"s", 1000000000ULL},
	{"m", 60000000000ULL},
	{"h", 3600000000000ULL},
	{NULL, 0},
};

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (strcasecmp(units->name, name) == 0)
			return units;
	return NULL;
}

/* Integer part and fraction apart: the integer part stays exact up to 64 bits. */
static int scaled(const char *text, const char *what, const char *example,
		  const struct unit *(*unit_of)(const char *), uint64_t *ret, struct err *err)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		goto bad;
	errno = 0;
	uint64_t whole = strtoull(text, &end, 10);
	if (errno == ERANGE)
		goto range;
	double fraction = 0, place = 0.1;
	if (*end == '.') {
		if (!isdigit((unsigned char)*++end))
			goto bad;
		for (; isdigit((unsigned char)*end); end++, place /= 10)
			fraction += (*end - '0') * place;
	}
	const struct unit *unit = unit_of(end);
	if (!unit)
		goto bad;
	uint64_t factor = unit->factor ? unit->factor : (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t value;
	uint64_t part = (uint64_t)(fraction * (double)factor + 0.5);
	if (__builtin_mul_overflow(whole, factor, &value) ||
	    __builtin_add_overflow(value, part, &value))
		goto range;
	*ret = value;
	return 0;
bad:
	return err_set(err, EINVAL, "'%s' is not a %s, expected a number and a unit such as %s",
		       text, what, example);
range:
	return err_set(err, ERANGE, "'%s' is too large for a %s", text, what);
}

static const struct unit *size_unit(const char *name)
{
	return find_unit(size_units, name);
}

static const struct unit *time_unit(const char *name)
{
	return find_unit(time_units, name);
}

int parse_size(const char *text, uint64_t *ret_bytes, struct err *err)
{
	if (strcmp(text, "max") == 0) {
		*ret_bytes = UINT64_MAX;
		return 0;
	}
	return scaled(text, "size", "80M, 1.5G or 4096", size_unit, ret_bytes, err);
}

int parse_duration(const char *text, uint64_t *ret_ns, struct err *err)
{
	if (strcmp(text, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	return scaled(text, "duration", "100ms, 2s or 5m", time_unit, ret_ns, err);
}

int parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret, struct err *err)
{
	char *end;

	errno = 0;
	long long value = strtoll(text, &end, 10);
	bool digits = isdigit((unsigned char)text[0]) ||
		      ((text[0] == '-' || text[0] == '+') && isdigit((unsigned char)text[1]));
	if (!digits || *end)
		return err_set(err, EINVAL, "'%s' is not a whole number", text);
	if (errno == ERANGE || value < min || value > max)
		return err_set(err, ERANGE, "%s is not within %" PRId64 " to %" PRId64, text, min,
			       max);
	*ret = value;
	return 0;
}

int parse_u64(const char *text, uint64_t max, uint64_t *ret, struct err *err)
{
	char *end;

	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end)
		return err_set(err, EINVAL, "'%s' is not a whole number", text);
	if (errno == ERANGE || value > max)
		return err_set(err, ERANGE, "%s is more than %" PRIu64, text, max);
	*ret = value;
	return 0;
}

int parse_percent(const char *text, double *ret, struct err *err)
{
	char *end;
	double value = strtod(text, &end);

	if (!isdigit((unsigned char)text[0]) || strcmp(end, "%") != 0)
		return err_set(err, EINVAL, "'%s' is not a percentage such as 50%%", text);
	if (value > 10000)
		return err_set(err, ERANGE, "'%s' is more than 10000%%", text);
	*ret = value;
	return 0;
}

int parse_bool(const char *text, int *ret, struct err *err)
{
	static const char *const words[2][5] = {
		{"no", "off", "false", "0", "disabled"},
		{"yes", "on", "true", "1", "enabled"},
	};

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 5; i++)
			if (strcasecmp(text, words[value][i]) == 0) {
				*ret = value;
				return 0;
			}
	return err_set(err, EINVAL, "'%s' is neither yes nor no", text);
}

const char *format_size(uint64_t bytes, char *buf)
{
	static const char letters[] = "\0KMGTP";
	int step = 0;

	if (bytes == UINT64_MAX)
		return strcpy(buf, "max");
	while (step < 5 && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		step++;
	}
	snprintf(buf, PARSE_TEXT_MAX, "%" PRIu64 "%.1s", bytes, letters + step);
	return buf;
}

static const char *three_digits(double value, const char *unit, char *buf)
{
	int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;

	snprintf(buf, PARSE_TEXT_MAX, "%.*f%s", decimals, value, unit);
	return buf;
}

const char *format_size_short(uint64_t bytes, char *buf)
{
	static const char *const names[] = {"B", "K", "M", "G", "T", "P"};
	double value = (double)bytes;
	int step = 0;

	if (bytes == UINT64_MAX)
		return strcpy(buf, "max");
	for (; value >= 1000 && step < 5; step++)
		value /= 1024;
	if (step == 0) {
		snprintf(buf, PARSE_TEXT_MAX, "%" PRIu64 "B", bytes);
		return buf;
	}
	return three_digits(value, names[step], buf);
}

const char *format_duration(uint64_t ns, char *buf)
{
	if (ns < 1000) {
		snprintf(buf, PARSE_TEXT_MAX, "%" PRIu64 "ns", ns);
		return buf;
	}
	if (ns < 1000000)
		return three_digits((double)ns / 1e3, "us", buf);
	if (ns < 1000000000)
		return three_digits((double)ns / 1e6, "ms", buf);
	return three_digits((double)ns / 1e9, "s", buf);
}
