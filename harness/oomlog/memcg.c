/*
 * The block of a memory cgroup: who hit whose limit, usage lines, statistics in one line of kB (3.9
 * to 5.2) or in lines of bytes (5.3 on), protection (6.19 on). See forms.h.
 */
#include "harness/oomlog/forms.h"

static const struct span nothing;
static const char limit_of[] = " killed as a result of limit of ";
static const char stats_for[] = "Memory cgroup stats for ";
static const char protection[] = "Memory cgroup min protection ";

bool is_task_in(struct span text)
{
	return span_starts(text, "Task in ") && span_find(text, " killed");
}

bool task_in_open(struct span text)
{
	const char *at = span_find(text, " limit of ");

	return !at || !span_trim(span_after(text, at + strlen(" limit of "))).n;
}

struct span read_task_in(struct builder *b, const struct msg *msg)
{
	struct span rest = span_from(msg->text, strlen("Task in "));
	const char *at = span_find(rest, limit_of);
	struct oom_report *r = &b->report;

	b->memcg = true;
	b->section = SECTION_MEMORY;
	if (!at)
		return nothing;
	copy_path_end(r->task_memcg, sizeof(r->task_memcg), span_between(rest.p, at));
	copy_path_end(r->oom_memcg, sizeof(r->oom_memcg),
		      span_trim(span_after(rest, at + strlen(limit_of))));
	if (!r->constraint_line)
		r->constraint_line = msg->line;
	return nothing;
}

/* "Memory limit reached of cgroup PATH": no victim in it (4.1 to 4.20) */
struct span read_reached(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;

	b->memcg = true;
	b->section = SECTION_MEMORY;
	copy_path_end(r->oom_memcg, sizeof(r->oom_memcg),
		      span_trim(span_from(msg->text, strlen("Memory limit reached of cgroup "))));
	if (!r->constraint_line)
		r->constraint_line = msg->line;
	return nothing;
}

bool is_usage(struct span text)
{
	return span_starts(text, "memory: usage ") || span_starts(text, "memory+swap: usage ") ||
	       span_starts(text, "kmem: usage ") || span_starts(text, "swap: usage ");
}

bool usage_open(struct span text)
{
	const char *at = span_find(text, "failcnt ");

	return !at || at + strlen("failcnt ") == text.p + text.n;
}

struct span read_usage(struct builder *b, const struct msg *msg)
{
	static const char *const keys[] = {"usage", "limit", "failcnt", NULL};
	const char *colon = memchr(msg->text.p, ':', msg->text.n);
	struct span what = span_between(msg->text.p, colon);
	char name[48];
	uint64_t value;

	b->memcg = true;
	b->section = SECTION_MEMORY;
	for (int i = 0; keys[i]; i++) {
		const char *at = span_find(span_after(msg->text, colon), keys[i]);
		if (!at)
			continue;
		struct span rest = span_after(msg->text, at + strlen(keys[i]));
		span_skip_blanks(&rest);
		if (!span_u64(&rest, &value))
			continue;
		size_t n = 0;
		if (!span_is(what, "memory")) {
			span_copy(name, sizeof(name) - 9, what);
			n = strlen(name);
			name[n++] = ' ';
		}
		memcpy(name + n, keys[i], strlen(keys[i]) + 1);
		builder_figure(b, WHERE_OOM_MEMCG, span_of(name), value,
			       span_starts(rest, "kB") ? OOM_KB : OOM_COUNT, msg_line(msg, at));
	}
	return nothing;
}

/* Where the path ends; NULL: it does not. */
static const char *path_end(struct span text)
{
	const char *inline_at = span_find(text, ": cache:");

	if (inline_at)
		return inline_at;
	if (span_ends(span_trim(text), ":"))
		return span_find_last(text, ":");
	return span_find(text, ": ");
}

bool stats_open(struct span text)
{
	return !path_end(text);
}

struct span read_stats(struct builder *b, const struct msg *msg)
{
	struct span rest = span_from(msg->text, strlen(stats_for));
	const char *end = path_end(msg->text);
	struct span path = end && end >= rest.p ? span_between(rest.p, end) : rest;
	struct pair pair;

	b->memcg = true;
	b->section = SECTION_STATS;
	copy_path_end(b->stats, sizeof(b->stats), path);
	char where[OOM_TEXT_MAX];
	copy_path_end(where, sizeof(where), path);
	rest = end && end >= rest.p ? span_after(msg->text, end) : nothing;
	while (pair_next(&rest, &pair))
		builder_figure(b, span_of(where), pair.key, pair.value, pair_unit(&pair, OOM_COUNT),
			       msg_line(msg, pair.at));
	return nothing;
}

/* "active_anon 45056" */
static bool stat(struct span *rest, struct span *ret_name, uint64_t *ret_value)
{
	struct span name = span_word(rest), value = span_word(rest);

	for (size_t i = 0; i < name.n; i++)
		if (!is_lower(name.p[i]) && !is_digit(name.p[i]) && name.p[i] != '_')
			return false;
	*ret_name = name;
	return name.n > 1 && is_lower(*name.p) && span_u64(&value, ret_value) && !value.n;
}

bool is_stat(struct span text)
{
	struct span rest = text, name;
	uint64_t value;

	return stat(&rest, &name, &value) && (!rest.n || stat(&rest, &name, &value));
}

/* Alone, without the line that begins the block, a name and a number could be anything. */
bool is_known_stat(struct span text)
{
	static const char *const names[] = {"anon",
					    "file",
					    "kernel",
					    "kernel_stack",
					    "pagetables",
					    "percpu",
					    "shmem",
					    "file_mapped",
					    "inactive_anon",
					    "active_anon",
					    "inactive_file",
					    "active_file",
					    "unevictable",
					    "cache",
					    "rss",
					    "slab_reclaimable",
					    "rss_huge",
					    "mapped_file",
					    "slab_unreclaimable",
					    "slab",
					    "pgfault",
					    "pgmajfault",
					    "pgscan",
					    "pgsteal",
					    "total_cache",
					    "total_rss",
					    "file_dirty",
					    "file_writeback",
					    NULL};
	struct span rest = text, name;
	uint64_t value;

	if (!stat(&rest, &name, &value) || rest.n)
		return false;
	for (int i = 0; names[i]; i++)
		if (span_is(name, names[i]))
			return true;
	return false;
}

static enum oom_unit stat_unit(struct span name)
{
	static const char *const counts[] = {"pg",	    "workingset_", "thp_",  "zswpin",
					     "zswpout",	    "zswpwb",	   "numa_", "swpin_zero",
					     "swpout_zero", NULL};

	span_skip(&name, "total_");
	for (int i = 0; counts[i]; i++)
		if (span_starts(name, counts[i]))
			return OOM_COUNT;
	return OOM_BYTES;
}

struct span read_stat(struct builder *b, const struct msg *msg)
{
	struct span rest = msg->text, name, where = WHERE_OOM_MEMCG;
	char path[OOM_TEXT_MAX];
	uint64_t value;

	b->memcg = true;
	if (b->section == SECTION_NONE) /* the line that begins the block was cut off */
		b->section = SECTION_STATS;
	if (b->stats[0]) {
		copy_path_end(path, sizeof(path), span_of(b->stats));
		where = span_of(path);
	}
	while (stat(&rest, &name, &value))
		builder_figure(b, where, name, value, stat_unit(name), msg_line(msg, name.p));
	return nothing;
}

/* Printed without a newline: the next message may hang on it. */
struct span read_protection(struct builder *b, const struct msg *msg)
{
	struct span rest = span_from(msg->text, strlen(protection));
	struct span where = b->memcg ? WHERE_OOM_MEMCG : nothing;
	uint64_t value;

	if (!span_u64(&rest, &value))
		return nothing;
	builder_figure(b, where, span_of("min protection"), value, OOM_KB, msg->line);
	if (!span_skip(&rest, "kB -- low protection ") || !span_u64(&rest, &value))
		return nothing;
	builder_figure(b, where, span_of("low protection"), value, OOM_KB, msg->line);
	span_skip(&rest, "kB");
	return span_trim(rest);
}
