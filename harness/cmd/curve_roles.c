/*
 * See curve_roles.h.
 */
#include "harness/cmd/curve_roles.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

enum { NAME_MAX_BYTES = 15, ADJ_LEAST = -999, ADJ_MOST = 1000 };

static struct curve_role *find(struct curve_load_set *set, const char *name, size_t len)
{
	for (size_t i = 0; i < set->n; i++)
		if (strlen(set->roles[i].name) == len && memcmp(set->roles[i].name, name, len) == 0)
			return &set->roles[i];
	return NULL;
}

/* ---- files --------------------------------------------------------------------------------- */

/* The kernel's log and the options know a role by its name. */
static int check_name(struct curve_load_set *set, const char *name, struct err *err)
{
	size_t len = strlen(name);

	for (const char *at = name; *at; at++)
		if (!isgraph((unsigned char)*at) || *at == '=')
			return err_set(err, EINVAL, "'%s' is no role's name: letters and digits",
				       name);
	if (len < 1 || len > NAME_MAX_BYTES)
		return err_set(err, EINVAL,
			       "'%s': a role's name has 1 to %d bytes; ROLE=FILE gives one", name,
			       NAME_MAX_BYTES);
	if (find(set, name, len))
		return err_set(err, EINVAL, "two roles are '%s'; ROLE=FILE gives another name",
			       name);
	return 0;
}

static int add_role(struct curve_load_set *set, const char *name, const char *path,
		    const char *text, unsigned int column, uint64_t period_ns, struct err *err)
{
	struct curve_role *role = &set->roles[set->n];

	if (check_name(set, name, err) < 0)
		return -err->code;
	if (set->n == CURVE_ROLES_MAX)
		return err_set(err, EINVAL, "more than %d roles", CURVE_ROLES_MAX);
	*role = (struct curve_role){.path = path, .column = column};
	snprintf(role->name, sizeof(role->name), "%s", name);
	int r = curve_parse(text, column, period_ns, &role->curve, err);
	if (r < 0)
		return err_wrap(err, "'%s'", path);
	set->n++;
	return 0;
}

/* "dir/web.csv": web. */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *from = slash ? slash + 1 : path, *dot = strchr(from, '.');

	return mem_printf("%.*s", (int)(dot && dot > from ? dot - from : (long)strlen(from)), from);
}

int curve_roles_read(struct curve_load_set *set, const char *word, uint64_t period_ns,
		     struct err *err)
{
	const char *equals = strchr(word, '='), *slash = strchr(word, '/');
	bool named = equals && (!slash || equals < slash);
	const char *path = named ? equals + 1 : word;
	MEM_AUTO char *name =
		named ? mem_printf("%.*s", (int)(equals - word), word) : name_of(path);
	STR_AUTO text = STR_INIT;
	char column_name[CURVE_NAME_MAX];
	int r = curve_read(path, &text, err);

	if (r < 0)
		return r;
	unsigned int n = curve_columns(str_text(&text));
	if (named || n < 2)
		return add_role(set, name, path, str_text(&text), 1, period_ns, err);
	for (unsigned int i = 1; r >= 0 && i <= n; i++) {
		curve_column_name(str_text(&text), i, column_name, sizeof(column_name));
		MEM_AUTO char *its =
			column_name[0] ? mem_dup(column_name) : mem_printf("%.12s.%u", name, i);
		r = add_role(set, its, path, str_text(&text), i, period_ns, err);
	}
	return r;
}

/* ---- what belongs to a role ---------------------------------------------------------------- */

static int role_of(struct curve_load_set *set, const char *option, const char *word,
		   struct curve_role **ret, const char **ret_value, struct err *err)
{
	const char *equals = strchr(word, '=');

	*ret_value = equals ? equals + 1 : word;
	*ret = equals ? find(set, word, (size_t)(equals - word)) : &set->roles[0];
	if (!*ret)
		return err_set(err, EINVAL, "%s: there is no role '%.*s'", option,
			       (int)(equals - word), word);
	if (!equals && set->n > 1)
		return err_set(err, EINVAL, "%s: whose? there are %zu roles, as in %s %s=%s",
			       option, set->n, option, set->roles[0].name, word);
	return 0;
}

int curve_roles_leaks(struct curve_load_set *set, const struct opt_list *leaks, struct err *err)
{
	struct curve_role *role;
	const char *value;

	for (size_t i = 0; i < leaks->n; i++) {
		int r = role_of(set, "--leak", leaks->text[i], &role, &value, err);
		if (r < 0)
			return r;
		if (curve_leak_parse(value, &role->leak, err) < 0)
			return err_wrap(err, "--leak");
	}
	return 0;
}

int curve_roles_adjs(struct curve_load_set *set, const struct opt_list *adjs, struct err *err)
{
	struct curve_role *role;
	const char *value;
	int64_t adj;

	for (size_t i = 0; i < adjs->n; i++) {
		int r = role_of(set, "--adj", adjs->text[i], &role, &value, err);
		if (r < 0)
			return r;
		if (parse_i64(value, ADJ_LEAST, ADJ_MOST, &adj, err) < 0)
			return err_wrap(err, "--adj");
		role->adj = (int)adj;
	}
	return 0;
}
