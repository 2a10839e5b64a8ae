/*
 * Compares JSON with an expectation that says less than the whole: what a hand-written fixture of
 * a long output needs. Each mismatch is one line with the path, what was expected and what was got.
 *
 * An expected object is a subset: each of its keys must be there and match. Arrays match element by
 * element and must be of equal length. Integers, strings, booleans and null are equal or not; an
 * expected real number (a time) may differ by JSON_MATCH_EPSILON. In the place of any value:
 *
 *	{"$any": true}		anything but null
 *	{"$match": "regex"}	a string that the POSIX extended expression matches
 *	{"$count": 3, "$at": {"0": ...}, "$find": [...]}
 *				an array, by any of: its length; elements by index; expectations
 *				that some element must meet
 *
 * An expectation that is none of these ("$fnid") is a mismatch, so that a slip cannot pass.
 */
#ifndef OOMLAB_TESTS_JSON_MATCH_H
#define OOMLAB_TESTS_JSON_MATCH_H

#include <jansson.h>

#include "base/str.h"

/* Stamps have microseconds. */
#define JSON_MATCH_EPSILON 1e-6

/* Appends a line for each mismatch to 'out', when there is one; 'path' names the top. 'got' may be
 * NULL: missing. Returns the number of mismatches. */
unsigned json_mismatches(json_t *expected, const json_t *got, const char *path, struct str *out);

#endif
