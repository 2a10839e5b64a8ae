/*
 * Two results of one scenario, told apart: the verdict, who was killed in the kernel's order, which
 * expectations held and what was found, how long it took, and the first event that is another one.
 * What differs from run to run on any machine (pids, times, folders) is left out. Pure.
 */
#ifndef OOMLAB_REPORT_COMPARE_H
#define OOMLAB_REPORT_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "harness/record/record.h"

enum difference_weight {
	DIFFERENCE_DETAIL,  /* a value or an event; it changes no outcome */
	DIFFERENCE_TIME,    /* more than COMPARE_RATIO times as long */
	DIFFERENCE_OUTCOME, /* verdict, claim, victims, which expectations held */
};
const char *difference_weight_name(enum difference_weight weight); /* "detail", ... */

enum { COMPARE_RATIO = 3 };
/* Shorter than this, a ratio says nothing: waking up and being scheduled make it. */
#define COMPARE_FLOOR_NS 100000000ULL

struct difference {
	char *what; /* "verdict", "killed", "12:15 usage", "from event 7" (the first that differs),
		       "time" */
	char *left, *right; /* cleaned; "" where there is nothing */
	enum difference_weight weight;
};

/* In the order in which people want to know; a zeroed one is empty. */
struct comparison {
	size_t n;
	struct difference *list;
};

void result_compare(const struct result *left, const struct result *right, struct comparison *ret);
void comparison_free(struct comparison *comparison);
/* The greatest weight in it; DIFFERENCE_DETAIL also when it is empty. */
enum difference_weight comparison_weight(const struct comparison *comparison);

/* "large, 2 children of bomb, small", in the kernel's order; "nobody". */
void compare_victims(struct str *out, const struct result *result);

/* "highest, highest": a text of an object that kills have, one a kill that has it. */
void compare_choice(struct str *out, const struct result *result, const char *member,
		    const char *key);

/* What decides whether two results are the same outcome, as one text: equal texts, equal outcome.
 * Cheaper than result_compare() for thousands of repetitions. */
void compare_outcome(struct str *out, const struct result *result);

/* Whether one of two times is so much longer that it is a difference. */
bool compare_slower(uint64_t a_ns, uint64_t b_ns);

/* Length of a result's name without the "#3" of a repetition. */
size_t compare_name_length(const char *name);

#endif
