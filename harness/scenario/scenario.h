/*
 * Scenario files as trees: YAML syntax alone, no meaning. Every node knows its line and column,
 * every scalar stays text until the planner, which knows what it should be, reads it.
 *
 * Parameters: a top-level 'params' map gives names and defaults, 'matrix' gives names and lists of
 * values; '${name}' in any scalar (not in keys) is replaced. An instance is one choice of values.
 *
 * Ownership: trees belong to their struct scenario or struct instance.
 */
#ifndef OOMLAB_SCENARIO_H
#define OOMLAB_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

enum node_kind { NODE_SCALAR, NODE_MAP, NODE_LIST };

struct node {
	enum node_kind kind;
	int line, column;   /* 1-based; of the first character */
	char *text;	    /* scalars: the text ("" for null); else NULL */
	size_t n;	    /* entries of a map or list */
	struct node *keys;  /* maps: n scalar nodes */
	struct node *items; /* maps: n values; lists: n items */
};

/* The value of a key of a map, or NULL. */
const struct node *node_get(const struct node *map, const char *key);
/* "map", "list", or the scalar's text in single quotes, for messages; the text
 * is written to buf, which is returned. */
const char *node_describe(const struct node *node, char *buf, size_t size);

/* All mistakes of a file are collected, then printed one a line:
 *   file:line:column: what, expected what, got what */
struct diags {
	struct str text; /* the lines */
	size_t n;
};
void diag_add(struct diags *diags, const char *file, const struct node *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Moves all lines of one file to 'to', sorted by line and column; 'from' is empty afterwards. */
void diags_move_sorted(struct diags *from, struct diags *to, const char *file);
void diags_free(struct diags *diags);

struct scenario {
	char *file;	  /* as given, for messages */
	char *name;	  /* 'name:' or the file's base name without .yaml */
	char *suite;	  /* the folder below the catalogue's root, or "" */
	struct node root; /* the whole map, unsubstituted */
};

/* Reads a file (or text, for tests, with 'file' as its name). Syntax errors, duplicate keys and
 * anchors go to diags and give -EINVAL; an unreadable file gives its errno in err alone. */
int scenario_load(const char *file, struct scenario **ret, struct diags *diags, struct err *err);
int scenario_parse(const char *file, const char *text, size_t len, struct scenario **ret,
		   struct diags *diags, struct err *err);
void scenario_free(struct scenario *scenario);

struct param {
	char *name;
	char *value;
};

struct instance {
	const struct scenario *scenario; /* borrowed */
	char *label;	  /* "block=1M" (matrix values and -p overrides), "" when there are none */
	struct node root; /* substituted copy */
	size_t n_params;
	struct param *params; /* every parameter with the value used */
};

/* Expands the matrix (in file order, last name varying fastest) after applying overrides
 * ("name=value" texts; one that no scenario of the run knows is the caller's to report: *ret_used
 * (which the caller clears) gets a bit set per override used here). An override of a matrix name
 * replaces its list. Mistakes (unknown ${name}, empty list, unused parameter) go to diags: -EINVAL.
 */
int scenario_expand(const struct scenario *scenario, const char *const *overrides, size_t n,
		    unsigned long long *ret_used, struct instance **ret, size_t *ret_n,
		    struct diags *diags);
void instances_free(struct instance *instances, size_t n);

#endif
