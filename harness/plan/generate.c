/*
 * 'generate': a crowd of processes that follows from a seed (crowd.h), as tasks of one group whose
 * limit is made to fit. Here its keys are read and its members become command lines.
 */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "harness/plan/crowd.h"
#include "harness/plan/tasks.h"

enum { PROCESSES_MAX = 2000, PERCENT_MAX = 1000, ADJ_MAX = 1000, NAME_MAX_CHARS = 8 };

static const uint64_t default_most_bytes = 256ULL << 20;

struct crowd_tasks {
	const struct node *at;
	int group;
	const char *name;
	uint64_t most_bytes;
	struct crowd_spec spec;
	size_t n;
	struct crowd_member *members; /* the arena's */
};

/* ---- ranges -------------------------------------------------------------------------------- */

/* One end, made from text; 0 or more, or -1 with a mistake told. */
typedef bool (*end_fn)(struct build *b, const struct node *at, const char *what, uint64_t *ret);

/* "2..200", or one value for both ends. */
static bool read_ends(struct build *b, const struct node *at, const char *what, end_fn fn,
		      struct range *ret)
{
	const char *text, *dots;
	struct node low = *at, high = *at;

	if (!read_scalar(b, at, what, "a range such as 2..200", &text))
		return false;
	dots = strstr(text, "..");
	if (dots) {
		low.text = arena_printf(b->arena, "%.*s", (int)(dots - text), text);
		high.text = arena_dup(b->arena, dots + 2);
	}
	if (!fn(b, &low, what, &ret->low) || !fn(b, &high, what, &ret->high))
		return false;
	if (ret->low <= ret->high)
		return true;
	bad(b, at, what, "the lower end of the range first");
	return false;
}

static bool count_end(struct build *b, const struct node *at, const char *what, uint64_t *ret)
{
	return read_u64(b, at, what, 1, PROCESSES_MAX, ret);
}

static bool size_end(struct build *b, const struct node *at, const char *what, uint64_t *ret)
{
	uint64_t page = b->facts->page_size ? b->facts->page_size : 4096, bytes;

	if (!read_size(b, at, what, &bytes))
		return false;
	*ret = (bytes + page - 1) / page;
	if (*ret > 0 && *ret < UINT32_MAX)
		return true;
	bad(b, at, what, "sizes from one page on");
	return false;
}

static bool adj_end(struct build *b, const struct node *at, const char *what, uint64_t *ret)
{
	int64_t adj;

	if (!read_i64(b, at, what, -ADJ_MAX, ADJ_MAX, &adj))
		return false;
	*ret = (uint64_t)(adj + ADJ_MAX);
	return true;
}

static bool percent_end(struct build *b, const struct node *at, const char *what, uint64_t *ret)
{
	struct err err = ERR_INIT;
	const char *text;
	double percent;

	if (!read_scalar(b, at, what, "a percentage such as 10%", &text))
		return false;
	if (parse_percent(text, &percent, &err) >= 0 && percent >= 0 && percent <= PERCENT_MAX) {
		*ret = (uint64_t)percent;
		return true;
	}
	bad(b, at, what, "a percentage such as 10%");
	return false;
}

/* ---- keys ---------------------------------------------------------------------------------- */

static void key_seed(struct build *b, const struct node *value, void *data)
{
	read_u64(b, value, "seed", 0, UINT64_MAX - 1, &((struct crowd_tasks *)data)->spec.seed);
}

static void key_group(struct build *b, const struct node *value, void *data)
{
	const char *name;

	if (read_scalar(b, value, "group", "the name of a group", &name))
		((struct crowd_tasks *)data)->group = find_group(b, value, name);
}

static void key_name(struct build *b, const struct node *value, void *data)
{
	struct crowd_tasks *crowd = data;

	if (!read_scalar(b, value, "name", "how the names of its tasks begin", &crowd->name) ||
	    !is_name(b, value, "name", crowd->name))
		return;
	if (strlen(crowd->name) > NAME_MAX_CHARS)
		bad(b, value, "name", "at most 8 characters: the kernel's log cuts names after 15");
}

static void key_processes(struct build *b, const struct node *value, void *data)
{
	read_ends(b, value, "processes", count_end, &((struct crowd_tasks *)data)->spec.processes);
}

static void key_size(struct build *b, const struct node *value, void *data)
{
	read_ends(b, value, "size", size_end, &((struct crowd_tasks *)data)->spec.pages);
}

static void key_adj(struct build *b, const struct node *value, void *data)
{
	struct crowd_tasks *crowd = data;

	if (read_ends(b, value, "adj", adj_end, &crowd->spec.adj))
		need_to_lower(b, (int64_t)crowd->spec.adj.low - ADJ_MAX);
}

static void key_adjusted(struct build *b, const struct node *value, void *data)
{
	uint64_t percent;

	if (percent_end(b, value, "adjusted", &percent))
		((struct crowd_tasks *)data)->spec.adjusted = (unsigned)percent;
}

static void key_room(struct build *b, const struct node *value, void *data)
{
	read_ends(b, value, "room", percent_end, &((struct crowd_tasks *)data)->spec.room);
}

static void key_kinds(struct build *b, const struct node *value, void *data)
{
	struct crowd_spec *spec = &((struct crowd_tasks *)data)->spec;
	const char **texts;
	size_t n = read_texts(b, value, "kinds", &texts);

	spec->kinds = 0;
	for (size_t i = 0; i < n; i++) {
		size_t kind = 0;
		while (kind < CROWD_KINDS && !str_eq(crowd_kinds[kind], texts[i]))
			kind++;
		if (kind == CROWD_KINDS)
			bad_name(b, value, "kind", texts[i], crowd_kinds);
		else
			spec->kinds |= 1U << kind;
	}
	if (n == 0)
		bad(b, value, "kinds", "a list such as [anon, shmem]");
}

static void key_apart(struct build *b, const struct node *value, void *data)
{
	size_end(b, value, "apart", &((struct crowd_tasks *)data)->spec.apart_pages);
}

static void key_most(struct build *b, const struct node *value, void *data)
{
	read_size(b, value, "most", &((struct crowd_tasks *)data)->most_bytes);
}

static const struct key generate_keys[] = {
	{"seed", key_seed, true},	   {"group", key_group, true},
	{"name", key_name, false},	   {"processes", key_processes, false},
	{"size", key_size, false},	   {"adj", key_adj, false},
	{"adjusted", key_adjusted, false}, {"room", key_room, false},
	{"kinds", key_kinds, false},	   {"apart", key_apart, false},
	{"most", key_most, false},	   {NULL, NULL, false},
};

/* ---- the group's limit --------------------------------------------------------------------- */

/* The crowd decides how large its group is; a limit above may be as it likes. */
static void set_limit(struct build *b, const struct crowd_tasks *crowd, uint64_t bytes)
{
	struct plan_group *group = &b->plan->groups[crowd->group];
	char text[PARSE_TEXT_MAX];

	if (b->limit_now[crowd->group] != UINT64_MAX) {
		diag_add(b->diags, b->file, crowd->at,
			 "generate, expected group '%s' without memory.max: its limit is made to "
			 "fit",
			 group->name);
		return;
	}
	group->knobs = arena_grow(b->arena, group->knobs, group->n_knobs, sizeof(*group->knobs));
	group->knobs[group->n_knobs++] =
		(struct plan_knob){.knob = "memory.max",
				   .value = arena_dup(b->arena, format_size(bytes, text)),
				   .at = crowd->at};
	b->limit_now[crowd->group] = b->limit_worst[crowd->group] = bytes;
	group->limit_bytes = bytes;
	for (size_t g = 0; g < b->plan->n_groups; g++)
		b->plan->groups[g].effective_bytes = effective_limit(b, b->limit_now, (int)g);
}

void build_generate(struct build *b, const struct node *map)
{
	uint64_t page = b->facts->page_size ? b->facts->page_size : 4096;
	struct crowd_tasks *tasks = arena_zero(b->arena, 1, sizeof(*tasks));
	struct crowd crowd;

	*tasks = (struct crowd_tasks){
		.at = map,
		.group = -1,
		.name = "p",
		.most_bytes = default_most_bytes,
		.spec = {.processes = {2, 200},
			 .pages = {16, 1024},
			 .adj = {ADJ_MAX, 2 * ADJ_MAX},
			 .adjusted = 30,
			 .room = {5, 20},
			 .kinds = (1U << CROWD_KINDS) - 1 - (1U << CROWD_SWAPPED)},
	};
	if (map->kind != NODE_MAP) {
		bad(b, map, "generate", "a map such as {seed: 1, group: victims}");
		return;
	}
	if (!read_keys(b, map, "'generate'", generate_keys, NULL, tasks) || tasks->group < 0)
		return;
	tasks->spec.max_pages = tasks->most_bytes / page;
	crowd_make(&tasks->spec, &crowd);
	tasks->n = crowd.n;
	tasks->members = arena_zero(b->arena, crowd.n + 1, sizeof(*tasks->members));
	memcpy(tasks->members, crowd.members, crowd.n * sizeof(*tasks->members));
	free(crowd.members);
	set_limit(b, tasks, crowd.limit_pages * page);
	b->crowd = tasks;
}

/* ---- command lines ------------------------------------------------------------------------- */

enum { ARGS_MAX = 5 };

struct line {
	struct build *b;
	const struct crowd_member *member;
	uint64_t page;
	size_t n;
	char **argv;
};

static void option(struct line *line, const char *name, uint64_t value)
{
	line->argv[line->n++] =
		arena_printf(line->b->arena, "--%s=%llu", name, (unsigned long long)value);
}

/* Two parts of a recipe; what is 0 is left out, for there are no parts of nothing. */
static void recipe(struct line *line, const char *kind)
{
	uint64_t own = line->member->pages * line->page, part = line->member->part * line->page;
	STR_AUTO text = STR_INIT;

	if (own)
		str_addf(&text, "%llu anon", (unsigned long long)own);
	if (part)
		str_addf(&text, "%s%llu %s", own ? " + " : "", (unsigned long long)part, kind);
	line->argv[line->n++] = arena_printf(line->b->arena, "--recipe=%s", str_text(&text));
}

static void line_anon(struct line *line)
{
	recipe(line, "anon");
}

static void line_tables(struct line *line)
{
	recipe(line, "tables");
}

static void line_swapped(struct line *line)
{
	recipe(line, "swapped");
}

static void one_block(struct line *line)
{
	option(line, "block", line->member->pages * line->page);
	option(line, "total", line->member->pages * line->page);
}

static void line_shmem(struct line *line)
{
	line->argv[line->n++] = arena_dup(line->b->arena, "--kind=anon");
	one_block(line);
}

static void line_threads(struct line *line)
{
	option(line, "threads", line->member->threads);
	one_block(line);
}

static void line_family(struct line *line)
{
	option(line, "children", line->member->children);
	option(line, "size", line->member->pages * line->page);
	option(line, "parent-size", line->member->own * line->page);
	option(line, "shared", line->member->part * line->page);
}

static const struct {
	const char *workload;
	void (*line)(struct line *line);
} lines[CROWD_KINDS] = {
	[CROWD_ANON] = {"mix", line_anon},	[CROWD_SHMEM] = {"shmem", line_shmem},
	[CROWD_TABLES] = {"mix", line_tables},	[CROWD_THREADS] = {"threads", line_threads},
	[CROWD_FAMILY] = {"fork", line_family}, [CROWD_SWAPPED] = {"mix", line_swapped},
};

void add_crowd(struct build *b)
{
	const struct crowd_tasks *crowd = b->crowd;

	for (size_t i = 0; crowd && i < crowd->n; i++) {
		const struct crowd_member *member = &crowd->members[i];
		struct reading reading = {
			.task = {.at = crowd->at,
				 .group = crowd->group,
				 .wl = wl_find(lines[member->kind].workload),
				 .has_adj = member->oom_score_adj != 0,
				 .oom_score_adj = member->oom_score_adj,
				 .cpu = -1,
				 .confine = true},
			.start = PLAN_START_READY,
		};
		struct line line = {
			.b = b,
			.member = member,
			.page = b->facts->page_size ? b->facts->page_size : 4096,
			.argv = arena_zero(b->arena, ARGS_MAX, sizeof(char *)),
		};
		lines[member->kind].line(&line);
		reading.task.argv = line.argv;
		reading.task.name = arena_printf(b->arena, "%s%zu", crowd->name, i + 1);
		add_task(b, &reading, reading.task.name);
	}
}
