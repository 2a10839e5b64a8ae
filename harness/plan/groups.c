/*
 * 'groups' and their knobs, in the file and in 'set' steps. What knobs there are is cgroups/'s.
 */
#include <string.h>

#include "base/parse.h"
#include "harness/plan/build.h"

uint64_t effective_limit(const struct build *b, const uint64_t *limits, int group)
{
	uint64_t least = UINT64_MAX;

	for (; group >= 0; group = b->plan->groups[group].parent)
		if (limits[group] < least)
			least = limits[group];
	return least;
}

uint64_t memory_of(const struct build *b, int group)
{
	uint64_t limit = effective_limit(b, b->limit_now, group);

	return limit == UINT64_MAX && b->plan->vm ? b->facts->mem_available_bytes : limit;
}

/* ---- names --------------------------------------------------------------------------------- */

static int index_of(const struct plan *plan, const char *name, size_t len)
{
	for (size_t i = 0; i < plan->n_groups; i++)
		if (strlen(plan->groups[i].name) == len &&
		    memcmp(plan->groups[i].name, name, len) == 0)
			return (int)i;
	return -1;
}

/* The group of this name, made (and those around it first) where it is not there yet. */
static int ensure_group(struct build *b, const char *name, size_t len)
{
	struct plan *plan = b->plan;
	const char *slash = memrchr(name, '/', len);
	int there = index_of(plan, name, len);

	if (there >= 0)
		return there;
	int parent = slash ? ensure_group(b, name, (size_t)(slash - name)) : -1;
	plan->groups = arena_grow(b->arena, plan->groups, plan->n_groups, sizeof(*plan->groups));
	struct plan_group *group = &plan->groups[plan->n_groups];
	group->name = arena_printf(b->arena, "%.*s", (int)len, name);
	group->leaf = slash ? group->name + (slash - name) + 1 : group->name;
	group->parent = parent;
	group->limit_bytes = group->effective_bytes = UINT64_MAX;
	return (int)plan->n_groups++;
}

/* Directories of the kernel's own files would be in the way. */
static bool is_group_name(struct build *b, const struct node *key)
{
	static const char *const taken[] = {"cgroup.", "memory.", "cpuset.", "pids.", "tasks"};
	size_t depth = 0;

	for (const char *part = key->text;; depth++) {
		size_t len = strcspn(part, "/");
		MEM_AUTO char *name = mem_printf("%.*s", (int)len, part);
		if (!is_name(b, key, "group", name))
			return false;
		for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
			if (str_starts(name, taken[i])) {
				diag_add(
					b->diags, b->file, key,
					"group '%s', expected another name: the kernel's own files "
					"are called so",
					key->text);
				return false;
			}
		if (!part[len])
			break;
		part += len + 1;
	}
	if (depth < 8)
		return true;
	diag_add(b->diags, b->file, key, "group '%s', expected at most 8 levels", key->text);
	return false;
}

/* ---- knobs --------------------------------------------------------------------------------- */

/* Byte knobs as plain bytes: a part of the enclosing group's limit for memory.max, else of the
 * group's own. */
static bool byte_value(struct build *b, int group, const char *knob, const struct node *value,
		       struct plan_knob *ret)
{
	const struct plan_group *self = &b->plan->groups[group];
	bool is_max = str_eq(knob, "memory.max");
	int whose = is_max ? self->parent : group;
	uint64_t whole = memory_of(b, whose), bytes;
	char text[PARSE_TEXT_MAX];

	MEM_AUTO char *owner = whose < 0 ? mem_printf("the group around '%s'", self->name)
					 : mem_printf("group '%s'", b->plan->groups[whose].name);
	if (!read_part(b, value, knob, whole, owner, &bytes)) {
		/* One mistake is enough: what is a part of this limit has something to refer to. */
		if (is_max)
			b->limit_now[group] = 1ULL << 40;
		return false;
	}
	ret->value = arena_dup(b->arena, format_size(bytes, text));
	if (!is_max || b->dropped)
		return true;
	b->limit_now[group] = bytes;
	if (bytes > b->limit_worst[group] || b->limit_worst[group] == 0)
		b->limit_worst[group] = bytes;
	return true;
}

static void check_support(struct build *b, const char *knob)
{
	struct err err = ERR_INIT;

	/* Where no group can be made at all that is said once, and not for each knob. */
	if (b->cg && !b->facts->no_groups[0] && cg_knob_supported(b->cg, knob, &err) < 0)
		skip(b, "%s", err.text);
}

/* Files that would get round what makes a scenario safe to run: a limit that is known beforehand,
 * and no process in its groups but its own, for those are killed at its end. */
static bool is_raw_allowed(struct build *b, const struct node *key)
{
	static const struct {
		const char *name, *instead;
	} refused[] = {
		{"raw:memory.max", "'memory.max'"},
		{"raw:memory.limit_in_bytes", "'memory.max'"},
		{"raw:memory.use_hierarchy", "nested groups, whose limits hold for all below"},
		{"raw:cgroup.procs", "'group' of a task or a 'move' step"},
		{"raw:cgroup.threads", "'group' of a task or a 'move' step"},
		{"raw:tasks", "'group' of a task or a 'move' step"},
		{"raw:release_agent", "nothing: it runs programs on the machine"},
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (str_eq(key->text, refused[i].name)) {
			diag_add(b->diags, b->file, key, "'%s', expected %s", key->text,
				 refused[i].instead);
			return false;
		}
	return true;
}

static bool plain_value(struct build *b, int group, const struct node *key,
			const struct node *value, struct plan_knob *ret)
{
	struct err err = ERR_INIT;
	enum cg_unit unit;
	const char *text;

	if (cg_knob_find(key->text, &ret->knob, &unit, &err) < 0) {
		diag_add(b->diags, b->file, key, "%s", err.text);
		return false;
	}
	if (!is_raw_allowed(b, key))
		return false;
	ret->at = value;
	if (!read_scalar(b, value, key->text, "a value", &text))
		return false;
	ret->value = text;
	if (unit == CG_BYTES && !byte_value(b, group, ret->knob, value, ret))
		return false;
	if (cg_knob_check(ret->knob, ret->value, &err) < 0) {
		diag_add(b->diags, b->file, value, "%s", err.text);
		return false;
	}
	check_support(b, ret->knob);
	return true;
}

struct extras {
	struct plan_knob *knob;
	int *error;
};

static void knob_errno(struct build *b, const struct node *value, void *data)
{
	read_errno(b, value, ((struct extras *)data)->error);
}

static void knob_nonblock(struct build *b, const struct node *value, void *data)
{
	struct extras *extras = data;

	read_bool(b, value, "nonblock", &extras->knob->nonblock);
}

static void ignore(struct build *b, const struct node *value, void *data)
{
	(void)b;
	(void)value;
	(void)data;
}

bool build_knob(struct build *b, int group, const struct node *key, const struct node *value,
		struct plan_knob *ret, int *ret_error)
{
	static const struct key keys[] = {{"value", ignore, true},
					  {"errno", knob_errno, false},
					  {"nonblock", knob_nonblock, false},
					  {"when", ignore, false},
					  {"unless", ignore, false},
					  {NULL, NULL, false}};

	*ret_error = 0;
	if (value->kind != NODE_MAP)
		return plain_value(b, group, key, value, ret);
	MEM_AUTO char *what = mem_printf("'%s'", key->text);
	struct extras extras = {ret, ret_error};
	if (!read_keys(b, value, what, keys, NULL, &extras))
		return false;
	uint64_t now = b->limit_now[group], worst = b->limit_worst[group];
	bool takes_place = build_when(b, value);
	/* Of a raw file that may be refused it is open whether it is there. */
	bool optional = !takes_place || (*ret_error && str_starts(key->text, "raw:"));
	b->dropped += optional;
	bool fine = plain_value(b, group, key, node_get(value, "value"), ret);
	b->dropped -= optional;
	/* A value that the kernel is to refuse changes no limit. */
	if (*ret_error > 0) {
		b->limit_now[group] = now;
		b->limit_worst[group] = worst;
	}
	return fine && takes_place;
}

static void read_knobs(struct build *b, int index, const struct node *map)
{
	struct plan_group *group = &b->plan->groups[index];
	int error;

	if (!is_map(b, map, group->name, "a map of knobs such as {memory.max: 80M}"))
		return;
	for (size_t i = 0; i < map->n; i++) {
		struct plan_knob knob = {0};
		if (!build_knob(b, index, &map->keys[i], &map->items[i], &knob, &error))
			continue;
		if (error) {
			diag_add(b->diags, b->file, &map->items[i],
				 "errno of '%s', expected only in 'set' steps", knob.knob);
			continue;
		}
		group->knobs =
			arena_grow(b->arena, group->knobs, group->n_knobs, sizeof(*group->knobs));
		group->knobs[group->n_knobs++] = knob;
	}
}

/* ---- all of them --------------------------------------------------------------------------- */

static void make_tables(struct build *b)
{
	size_t n = b->plan->n_groups;

	b->group_names = arena_zero(b->arena, n + 1, sizeof(*b->group_names));
	b->limit_now = arena_zero(b->arena, n + 1, sizeof(*b->limit_now));
	b->limit_worst = arena_zero(b->arena, n + 1, sizeof(*b->limit_worst));
	for (size_t i = 0; i < n; i++) {
		b->group_names[i] = b->plan->groups[i].name;
		b->limit_now[i] = UINT64_MAX;
	}
}

static void settle_limits(struct build *b)
{
	for (size_t i = 0; i < b->plan->n_groups; i++) {
		struct plan_group *group = &b->plan->groups[i];
		group->limit_bytes = b->limit_now[i];
		group->effective_bytes = effective_limit(b, b->limit_now, (int)i);
		/* Without a limit from the start it has none at its worst. */
		if (group->limit_bytes == UINT64_MAX)
			b->limit_worst[i] = UINT64_MAX;
	}
	if (b->facts->no_groups[0])
		skip(b, "needs to make control groups: %s", b->facts->no_groups);
}

void build_groups(struct build *b, const struct node *map)
{
	static const struct node none = {.kind = NODE_MAP};

	if (!map ||
	    !is_map(b, map, "groups", "a map of groups such as {victims: {memory.max: 80M}}"))
		map = &none;
	if (map->n > PLAN_GROUPS_MAX) {
		diag_add(b->diags, b->file, map, "groups, expected at most %d, got %zu",
			 PLAN_GROUPS_MAX, map->n);
		map = &none;
	}
	for (size_t i = 0; i < map->n; i++)
		if (is_group_name(b, &map->keys[i]))
			ensure_group(b, map->keys[i].text, strlen(map->keys[i].text));
	make_tables(b);
	/* Parents' limits first: percentages refer to them. */
	for (size_t g = 0; g < b->plan->n_groups; g++) {
		const struct node *knobs = node_get(map, b->plan->groups[g].name);
		if (knobs)
			read_knobs(b, (int)g, knobs);
	}
	settle_limits(b);
}
