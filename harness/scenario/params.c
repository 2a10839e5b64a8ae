/*
 * Parameters: 'params', 'matrix' and overrides -> instances of a scenario with every '${name}'
 * replaced. Knows no key but those two; what a value means is the planner's.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/tree.h"

enum {
	VALUE_MAX = 4096, /* bytes of one parameter's value */
	INSTANCES_MAX = 1024,
	BUDGET_BYTES = 64 << 20, /* of all instances: bounds what nested parameters can grow to */
};

enum state { FRESH, VISITING, DONE };

struct symbol {
	const struct node *key;
	const struct node *values; /* a scalar, or the list of a matrix */
	bool is_matrix;
	const char *override;	/* points into the caller's text, NULL: none */
	unsigned long long low; /* of a matrix that is a range */
	size_t n_range;		/* its values, 0: it is none */
	char number[24];	/* the one that is picked */
	size_t pick;		/* which value of the list */
	const char *raw;	/* before substitution */
	const struct node *at;
	char *value;
	enum state state;
	bool used;
};

struct expander {
	const struct scenario *scenario;
	struct diags *diags;
	size_t n;
	struct symbol *symbols; /* params, then matrix */
	size_t spent_bytes;
};

static void complain(struct expander *x, const struct node *at, const char *what, const char *name)
{
	diag_add(x->diags, x->scenario->file, at, "parameter '%s' %s", name, what);
}

static struct symbol *find(struct expander *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (str_eq(x->symbols[i].key->text, name))
			return &x->symbols[i];
	return NULL;
}

static void tell_unknown(struct expander *x, const struct node *at, const char *name)
{
	MEM_AUTO const char **names = mem_zero(x->n + 1, sizeof(*names));

	for (size_t i = 0; i < x->n; i++)
		names[i] = x->symbols[i].key->text;
	const char *near = str_nearest(name, names);
	diag_add(x->diags, x->scenario->file, at,
		 "unknown parameter '${%s}', expected a name from 'params' or 'matrix'%s%s%s", name,
		 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static char *substitute(struct expander *x, const struct node *at, const char *text);

static const char *value_of(struct expander *x, const struct node *at, const char *name)
{
	struct symbol *symbol = find(x, name);

	if (!symbol) {
		tell_unknown(x, at, name);
		return "";
	}
	symbol->used = true;
	if (symbol->state == VISITING) {
		complain(x, symbol->at, "refers to itself", name);
		return "";
	}
	if (symbol->state == FRESH) {
		symbol->state = VISITING;
		symbol->value = substitute(x, symbol->at, symbol->raw);
		symbol->state = DONE;
		if (strlen(symbol->value) > VALUE_MAX) {
			complain(x, symbol->at, "is longer than 4096 bytes", name);
			symbol->value[0] = '\0';
		}
	}
	return symbol->value;
}

/* "${name}" is replaced; "$${" is a plain "${" (for shells). */
static char *substitute(struct expander *x, const struct node *at, const char *text)
{
	struct str out = STR_INIT;
	const char *open;

	while ((open = strstr(text, "${"))) {
		if (open > text && open[-1] == '$') {
			str_addn(&out, text, (size_t)(open - text) - 1);
			str_add(&out, "${");
			text = open + 2;
			continue;
		}
		const char *close = strchr(open, '}');
		if (!close) {
			diag_add(x->diags, x->scenario->file, at,
				 "'${' without '}', expected '${name}' ('$${' for a plain '${')");
			break;
		}
		str_addn(&out, text, (size_t)(open - text));
		MEM_AUTO char *name = mem_printf("%.*s", (int)(close - open - 2), open + 2);
		str_add(&out, value_of(x, at, name));
		text = close + 1;
	}
	str_add(&out, text);
	return str_take(&out);
}

static char *substitute_node(void *data, const struct node *scalar)
{
	struct expander *x = data;
	char *text;

	if (x->spent_bytes > BUDGET_BYTES)
		return mem_dup("");
	text = strchr(scalar->text, '$') ? substitute(x, scalar, scalar->text)
					 : mem_dup(scalar->text);
	x->spent_bytes += strlen(text) + sizeof(*scalar);
	return text;
}

/* ---- what the file declares ---------------------------------------------------------------- */

static bool is_name(const char *text)
{
	if (!isalpha((unsigned char)*text) && *text != '_')
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_-", *text))
			return false;
	return true;
}

/* "1..50", in place of a matrix's list: all whole numbers from one to the other. */
static bool read_range(struct symbol *symbol, const char *text)
{
	char *end;

	symbol->n_range = 0;
	if (!isdigit((unsigned char)*text))
		return false;
	symbol->low = strtoull(text, &end, 10);
	if (!str_starts(end, "..") || !isdigit((unsigned char)end[2]))
		return false;
	unsigned long long high = strtoull(end + 2, &end, 10);
	if (*end || high < symbol->low)
		return false;
	/* One more than may be is enough to be refused. */
	high -= symbol->low;
	symbol->n_range = (size_t)(high < INSTANCES_MAX ? high : INSTANCES_MAX) + 1;
	return true;
}

static void check_values(struct expander *x, struct symbol *symbol)
{
	const struct node *values = symbol->values;
	const char *name = symbol->key->text;

	if (!symbol->is_matrix) {
		if (values->kind != NODE_SCALAR)
			complain(x, values, "has no single default, expected one value", name);
		return;
	}
	if (values->kind == NODE_SCALAR && read_range(symbol, values->text))
		return;
	if (values->kind != NODE_LIST || values->n == 0) {
		complain(x, values, "expected a list of values such as [1M, 4M], or 1..50", name);
		return;
	}
	for (size_t i = 0; i < values->n; i++)
		if (values->items[i].kind != NODE_SCALAR)
			complain(x, &values->items[i], "expected plain values in its list", name);
}

static void declare(struct expander *x, const char *section, bool is_matrix)
{
	const struct node *map = node_get(&x->scenario->root, section);
	char got[80];

	if (!map || (map->kind == NODE_SCALAR && !map->text[0]))
		return;
	if (map->kind != NODE_MAP) {
		diag_add(x->diags, x->scenario->file, map, "'%s', expected a map of names, got %s",
			 section, node_describe(map, got, sizeof(got)));
		return;
	}
	for (size_t i = 0; i < map->n; i++) {
		struct symbol symbol = {
			.key = &map->keys[i], .values = &map->items[i], .is_matrix = is_matrix};
		const char *name = symbol.key->text;
		if (!is_name(name))
			complain(x, symbol.key, "expected letters, digits, '_' and '-'", name);
		if (find(x, name))
			complain(x, symbol.key, "is in both 'params' and 'matrix'", name);
		check_values(x, &symbol);
		x->symbols = mem_grow(x->symbols, x->n + 1, sizeof(*x->symbols));
		x->symbols[x->n++] = symbol;
	}
}

static unsigned long long apply_overrides(struct expander *x, const char *const *overrides,
					  size_t n)
{
	unsigned long long used = 0;

	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(overrides[i], "=");
		MEM_AUTO char *name = mem_printf("%.*s", (int)len, overrides[i]);
		struct symbol *symbol = find(x, name);
		if (!symbol || overrides[i][len] != '=')
			continue;
		symbol->override = overrides[i] + len + 1;
		if (symbol->is_matrix)
			(void)read_range(symbol, symbol->override);
		if (i < 64)
			used |= 1ULL << i;
	}
	return used;
}

/* ---- instances ----------------------------------------------------------------------------- */

static size_t count_values(const struct symbol *symbol)
{
	if (symbol->n_range)
		return symbol->n_range;
	return symbol->is_matrix && !symbol->override ? symbol->values->n : 1;
}

static size_t count_nodes(const struct node *node)
{
	size_t sum = 1;

	for (size_t i = 0; i < node->n; i++)
		sum += count_nodes(&node->items[i]);
	return sum;
}

static int check_size(struct expander *x, size_t *ret_n)
{
	size_t nodes = count_nodes(&x->scenario->root), n = 1;

	for (size_t i = 0; i < x->n; i++) {
		n *= count_values(&x->symbols[i]);
		if (n > INSTANCES_MAX || n * nodes * sizeof(struct node) > 2ULL * BUDGET_BYTES) {
			diag_add(x->diags, x->scenario->file, x->symbols[i].key,
				 "the matrix makes too many instances, expected at most %d",
				 INSTANCES_MAX);
			return -EINVAL;
		}
	}
	*ret_n = n;
	return 0;
}

/* The next combination, the last matrix name fastest. */
static void advance(struct expander *x)
{
	for (size_t i = x->n; i-- > 0;) {
		if (++x->symbols[i].pick < count_values(&x->symbols[i]))
			return;
		x->symbols[i].pick = 0;
	}
}

static void choose(struct symbol *symbol)
{
	free(symbol->value);
	symbol->value = NULL;
	symbol->state = FRESH;
	if (symbol->n_range) {
		snprintf(symbol->number, sizeof(symbol->number), "%llu",
			 symbol->low + symbol->pick);
		symbol->at = symbol->values;
		symbol->raw = symbol->number;
		return;
	}
	symbol->at = symbol->is_matrix && !symbol->override ? &symbol->values->items[symbol->pick]
							    : symbol->values;
	symbol->raw = symbol->override ? symbol->override : symbol->at->text;
}

static void expand_one(struct expander *x, struct instance *instance)
{
	struct str label = STR_INIT;

	for (size_t i = 0; i < x->n; i++)
		choose(&x->symbols[i]);
	instance->scenario = x->scenario;
	node_copy(&x->scenario->root, &instance->root, substitute_node, x);
	instance->n_params = x->n;
	instance->params = mem_zero(x->n, sizeof(*instance->params));
	for (size_t i = 0; i < x->n; i++) {
		struct symbol *symbol = &x->symbols[i];
		bool was_used = symbol->used;
		const char *value = value_of(x, symbol->at, symbol->key->text);
		symbol->used = was_used;
		instance->params[i] = (struct param){mem_dup(symbol->key->text), mem_dup(value)};
		if (symbol->is_matrix || symbol->override)
			str_addf(&label, "%s%s=%s", label.len ? "," : "", symbol->key->text, value);
	}
	instance->label = str_take(&label);
}

/* A name that no value mentions is a slip: an override of it would change nothing. */
static void check_used(struct expander *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (!x->symbols[i].used)
			complain(x, x->symbols[i].key,
				 "is never used, expected '${...}' with its name somewhere",
				 x->symbols[i].key->text);
}

static void finish(struct expander *x)
{
	for (size_t i = 0; i < x->n; i++)
		free(x->symbols[i].value);
	free(x->symbols);
}

int scenario_expand(const struct scenario *scenario, const char *const *overrides, size_t n,
		    unsigned long long *ret_used, struct instance **ret, size_t *ret_n,
		    struct diags *diags)
{
	struct diags found = {0};
	struct expander x = {.scenario = scenario, .diags = &found};
	size_t count = 0;

	declare(&x, "params", false);
	declare(&x, "matrix", true);
	unsigned long long used = apply_overrides(&x, overrides, n);
	if (found.n || check_size(&x, &count) < 0) {
		finish(&x);
		diags_move_sorted(&found, diags, scenario->file);
		return -EINVAL;
	}
	struct instance *instances = mem_zero(count, sizeof(*instances));
	for (size_t i = 0; i < count; i++) {
		expand_one(&x, &instances[i]);
		advance(&x);
	}
	check_used(&x);
	if (x.spent_bytes > BUDGET_BYTES)
		diag_add(&found, scenario->file, NULL,
			 "more than %d MiB with its parameters replaced", BUDGET_BYTES >> 20);
	finish(&x);
	if (found.n) {
		diags_move_sorted(&found, diags, scenario->file);
		instances_free(instances, count);
		return -EINVAL;
	}
	*ret_used |= used;
	*ret = instances;
	*ret_n = count;
	return 0;
}

void instances_free(struct instance *instances, size_t n)
{
	for (size_t i = 0; instances && i < n; i++) {
		node_clear(&instances[i].root);
		for (size_t k = 0; k < instances[i].n_params; k++) {
			free(instances[i].params[k].name);
			free(instances[i].params[k].value);
		}
		free(instances[i].params);
		free(instances[i].label);
	}
	free(instances);
}
