/*
 * The one way to write what a number should be, for all expectations:
 *   3   >=2   >2   <=5   <5   !=0   1..3        the value itself
 *   >=2s  1s..3s                              the same of a time, where one is asked for
 *   +1  +>=1  >=+1  +1..3                       how much it rose since the expectation before
 * Every form but '!=' is one closed range, so questions such as "can it still come true" are asked
 * of ranges. Pure; knows neither counters nor tasks.
 */
#ifndef OOMLAB_JUDGE_COMPARE_H
#define OOMLAB_JUDGE_COMPARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { COMPARE_TEXT_MAX = 96 };

enum compare_unit {
	COMPARE_COUNT,	  /* whole numbers */
	COMPARE_SIZE,	  /* sizes, shown as sizes: 80M, 4087pages, 50% where 'whole' is known */
	COMPARE_EITHER,	  /* sizes may be written; shown as sizes where they were */
	COMPARE_DURATION, /* times: 500ms, 2s; in nanoseconds */
};

struct compare_rules {
	enum compare_unit unit;
	bool delta;	/* '+N' is allowed: there is a mark to count from */
	uint64_t whole; /* bytes that are 100%; 0 or UINT64_MAX: percentages are refused */
};

struct compare {
	const char *op;	   /* as written: "", ">=", ">", "<=", "<", "!=", ".."; static */
	uint64_t a, b;	   /* as written; b: the end of a range */
	uint64_t min, max; /* the range that a..b and op mean; '!=': outside of it */
	bool negate;
	bool delta;
	bool size;     /* show values as sizes */
	bool duration; /* ... as times */
};

/* Reads the whole text. -EINVAL, -ERANGE; a comparison that nothing can fulfil ("<0", "3..1") is
 * a mistake, too. */
int compare_parse(const char *text, const struct compare_rules *rules, struct compare *ret,
		  struct err *err);
/* Exactly this number. */
struct compare compare_exactly(uint64_t value);

/* Of a value, and for '+N' of its rise since mark. A value that fell below its mark fulfils '<',
 * '<=' and '!=' alone. */
bool compare_holds(const struct compare *compare, uint64_t now, uint64_t mark);
/* Whether it holds for some, or holds for all, values of lo..hi. */
bool compare_some(const struct compare *compare, uint64_t lo, uint64_t hi);
bool compare_all(const struct compare *compare, uint64_t lo, uint64_t hi);
/* Whether it can hold for a value that only rises from now on. */
bool compare_reachable(const struct compare *compare, uint64_t now, uint64_t mark);

/* "+>=1", "1..3", "<=80M"; and a value in the same terms: "+2 (7 in all)", "81M". buf holds
 * COMPARE_TEXT_MAX bytes and is returned. */
const char *compare_format(const struct compare *compare, char *buf);
const char *compare_format_value(const struct compare *compare, uint64_t now, uint64_t mark,
				 char *buf);

#endif
