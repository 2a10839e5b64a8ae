/*
 * See compare.h.
 */
#include "harness/judge/compare.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

static const char equal[] = "";
static const char range[] = "..";
static const char differs[] = "!=";

struct op {
	const char *sign;
	const char *op;
};

/* Two-character signs first: ">" would match the start of ">=". */
static const struct op ops[] = {
	{">=", ">="}, {"<=", "<="}, {"!=", differs}, {"==", equal},
	{">", ">"},   {"<", "<"},   {"=", equal},
};

/* Takes an operator off the front; equal when there is none. */
static const char *take_op(const char **text)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		size_t len = strlen(ops[i].sign);
		if (strncmp(*text, ops[i].sign, len) == 0) {
			*text += len;
			return ops[i].op;
		}
	}
	return equal;
}

static bool take_plus(const char **text)
{
	if (**text != '+')
		return false;
	(*text)++;
	return true;
}

static void skip_blanks(const char **text)
{
	*text += strspn(*text, " ");
}

static int parse_share(const char *text, uint64_t whole, uint64_t *ret, struct err *err)
{
	double percent;
	int r = parse_percent(text, &percent, err);

	if (r < 0)
		return r;
	if (whole == 0 || whole == UINT64_MAX)
		return err_set(err, EINVAL,
			       "'%s' of what? There is no limit to take it of; give a size", text);
	*ret = (uint64_t)((double)whole * percent / 100);
	return 0;
}

static int parse_number(const char *text, const struct compare_rules *rules, bool *size,
			uint64_t *ret, struct err *err)
{
	size_t len = strlen(text);

	if (rules->unit == COMPARE_COUNT)
		return parse_u64(text, UINT64_MAX, ret, err);
	if (rules->unit == COMPARE_DURATION)
		return parse_duration(text, ret, err);
	if (rules->unit == COMPARE_SIZE || len != strspn(text, "0123456789"))
		*size = true;
	if (len && text[len - 1] == '%')
		return parse_share(text, rules->whole, ret, err);
	return parse_size(text, ret, err);
}

/* "a..b": both ends; returns 1 when it is a range, 0 when not, or an error. */
static int parse_range(const char *text, const struct compare_rules *rules, struct compare *c,
		       struct err *err)
{
	char from[64];
	const char *dots = strstr(text, range);

	if (!dots)
		return 0;
	if ((size_t)(dots - text) >= sizeof(from))
		return err_set(err, EINVAL, "'%s' is not a range such as 1..3", text);
	memcpy(from, text, (size_t)(dots - text));
	from[dots - text] = '\0';
	int r = parse_number(from, rules, &c->size, &c->a, err);
	if (r == 0)
		r = parse_number(dots + 2, rules, &c->size, &c->b, err);
	if (r < 0)
		return r;
	if (c->a > c->b)
		return err_set(err, EINVAL, "'%s' is empty: it ends before it begins", text);
	c->op = range;
	return 1;
}

/* The closed range that the operator means. */
static int settle(struct compare *c, const char *text, struct err *err)
{
	c->min = c->a;
	c->max = c->op == range ? c->b : c->a;
	c->negate = c->op == differs;
	if (c->op[0] == '>')
		c->max = UINT64_MAX;
	if (c->op[0] == '<')
		c->min = 0;
	bool strict = (c->op[0] == '<' || c->op[0] == '>') && c->op[1] == '\0';
	if (strict && c->a == (c->op[0] == '<' ? 0 : UINT64_MAX))
		return err_set(err, EINVAL, "'%s' can never be true", text);
	if (strict && c->op[0] == '<')
		c->max--;
	if (strict && c->op[0] == '>')
		c->min++;
	return 0;
}

int compare_parse(const char *text, const struct compare_rules *rules, struct compare *ret,
		  struct err *err)
{
	struct compare c = {.size = rules->unit == COMPARE_SIZE,
			    .duration = rules->unit == COMPARE_DURATION};
	const char *at = text;

	skip_blanks(&at);
	c.delta = take_plus(&at);
	c.op = take_op(&at);
	skip_blanks(&at);
	c.delta = take_plus(&at) || c.delta;
	if (c.delta && !rules->delta)
		return err_set(err, EINVAL,
			       "'%s': a rise cannot be asked of this, give the value itself", text);
	int r = c.op == equal ? parse_range(at, rules, &c, err) : 0;
	if (r == 0)
		r = parse_number(at, rules, &c.size, &c.a, err);
	if (r >= 0)
		r = settle(&c, text, err);
	if (r < 0)
		return r;
	*ret = c;
	return 0;
}

struct compare compare_exactly(uint64_t value)
{
	return (struct compare){.op = equal, .a = value, .min = value, .max = value};
}

bool compare_some(const struct compare *compare, uint64_t lo, uint64_t hi)
{
	if (compare->negate)
		return lo < compare->min || hi > compare->max;
	return lo <= compare->max && hi >= compare->min;
}

bool compare_all(const struct compare *compare, uint64_t lo, uint64_t hi)
{
	if (compare->negate)
		return hi < compare->min || lo > compare->max;
	return lo >= compare->min && hi <= compare->max;
}

bool compare_holds(const struct compare *compare, uint64_t now, uint64_t mark)
{
	if (!compare->delta)
		return compare_all(compare, now, now);
	if (now < mark)
		return compare->negate || compare->op[0] == '<';
	return compare_all(compare, now - mark, now - mark);
}

bool compare_reachable(const struct compare *compare, uint64_t now, uint64_t mark)
{
	uint64_t base = compare->delta ? mark : 0;

	return compare_some(compare, now < base ? 0 : now - base, UINT64_MAX);
}

static const char *show(const struct compare *compare, uint64_t value, char *buf)
{
	if (compare->size)
		return format_size(value, buf);
	if (compare->duration)
		return format_duration(value, buf);
	snprintf(buf, PARSE_TEXT_MAX, "%" PRIu64, value);
	return buf;
}

const char *compare_format(const struct compare *compare, char *buf)
{
	char a[PARSE_TEXT_MAX], b[PARSE_TEXT_MAX];
	const char *sign = compare->delta ? "+" : "";

	show(compare, compare->a, a);
	if (compare->op == range)
		snprintf(buf, COMPARE_TEXT_MAX, "%s%s..%s", sign, a, show(compare, compare->b, b));
	else
		snprintf(buf, COMPARE_TEXT_MAX, "%s%s%s", sign, compare->op, a);
	return buf;
}

const char *compare_format_value(const struct compare *compare, uint64_t now, uint64_t mark,
				 char *buf)
{
	char value[PARSE_TEXT_MAX], rise[PARSE_TEXT_MAX];

	show(compare, now, value);
	if (!compare->delta) {
		snprintf(buf, COMPARE_TEXT_MAX, "%s", value);
		return buf;
	}
	show(compare, now < mark ? mark - now : now - mark, rise);
	snprintf(buf, COMPARE_TEXT_MAX, "%s%s (%s in all)", now < mark ? "-" : "+", rise, value);
	return buf;
}
