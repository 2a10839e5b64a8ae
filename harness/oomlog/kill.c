/*
 * Who was chosen and who was killed: the "oom-kill:" summary, "Kill process" and "Killed process"
 * of all generations, the reaper. Names may hold any character, ')' and ',' included: fields are
 * found from both ends and never by counting commas. See forms.h; line.c reads single lines with
 * it.
 */
#include "harness/oomlog/forms.h"

static const struct span nothing;

/* ---- glued lines ---------------------------------------------------------------------------- */

const char *glued_at(struct span text, size_t from)
{
	static const char *const starts[] = {
		"Out of memory: ",     "Out of Memory: ",      "Memory cgroup out of memory: ",
		"Killed process ",     "oom-kill:constraint=", "oom_reaper: ",
		"Tasks state (memory", "Out of memory and no", NULL};
	const char *first = NULL;

	text = span_from(text, from);
	for (int i = 0; starts[i] && text.n; i++) {
		const char *at = span_find(text, starts[i]);
		if (at && (!first || at < first))
			first = at;
	}
	return first;
}

/* ---- kill lines ----------------------------------------------------------------------------- */

/* Behind "Kill process " or "Killed process "; NULL: no such line. */
static const char *behind_process(struct span text, bool *ret_killed)
{
	static const char process[] = " process ";

	for (struct span rest = text; rest.n;) {
		const char *at = span_find(rest, process);
		if (!at)
			return NULL;
		struct span before = span_between(text.p, at);
		rest = span_after(text, at + strlen(process));
		*ret_killed = span_ends(before, "Killed") || span_ends(before, "killed");
		bool kill = span_ends(before, "Kill") || span_ends(before, "kill");
		if ((kill || *ret_killed) && rest.n && is_digit(*rest.p))
			return rest.p;
	}
	return NULL;
}

/* The last place of 'what' that a name of at most OOM_COMM_MAX bytes allows. */
static const char *close_of(struct span body, const char *what)
{
	struct span near = {body.p, body.n < OOM_COMM_MAX + strlen(what)
					    ? body.n
					    : OOM_COMM_MAX + strlen(what)};

	return span_find_last(near, what);
}

static void kill_values(struct span rest, struct kill_text *ret)
{
	const struct {
		const char *key;
		struct kill_value *to;
	} rows[] = {
		{"total-vm", &ret->total_vm},	{"vsz", &ret->total_vm},
		{"anon-rss", &ret->anon_rss},	{"file-rss", &ret->file_rss},
		{"shmem-rss", &ret->shmem_rss}, {"pgtables", &ret->pgtables},
	};
	struct span all = rest;
	struct pair pair;

	while (pair_next(&rest, &pair)) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			if (!span_is(pair.key, rows[i].key))
				continue;
			struct kill_value *to = rows[i].to;
			to->said = true;
			to->value = pair.value;
			to->at = pair.at;
		}
		if (span_is(pair.key, "UID") && pair.value <= INT64_MAX)
			ret->uid = (int64_t)pair.value;
	}
	const char *adj = span_find(all, "oom_score_adj:");
	if (adj) {
		struct span number = span_after(all, adj + strlen("oom_score_adj:"));
		int64_t value;
		if (span_i64(&number, &value) && value >= -INT32_MAX && value <= INT32_MAX)
			ret->oom_score_adj = (int32_t)value;
	}
	/* a line that stops where another figure must come was cut */
	struct span end = span_trim(all);
	bool cut = end.n && (end.p[end.n - 1] == ',' || end.p[end.n - 1] == '>');
	ret->anon_rss.lost = !ret->anon_rss.said && (ret->total_vm.said || cut);
	ret->file_rss.lost = !ret->file_rss.said && (ret->total_vm.said || cut);
	ret->shmem_rss.lost = !ret->shmem_rss.said && cut;
	ret->pgtables.lost = !ret->pgtables.said && cut;
}

static bool set_name(const char *open, const char *close, struct kill_text *ret)
{
	if (close)
		ret->comm = span_between(open + 1, close);
	return close != NULL;
}

/* "score N or sacrifice child", "or a child", "and children." */
static bool selected(struct span body, const char *open, struct kill_text *ret)
{
	const char *close = close_of(span_after(body, open), ") score ");
	int64_t score;

	if (!set_name(open, close, ret))
		return false;
	struct span rest = span_after(body, close + strlen(") score "));
	ret->deed = OOM_SELECTED;
	if (span_i64(&rest, &score))
		ret->score = score;
	return true;
}

bool kill_text(struct span text, struct kill_text *ret)
{
	static const char *const closes[] = {") total-vm:", ") vsz:", "), UID", "), UID ", NULL};
	bool killed;
	const char *at = behind_process(text, &killed);

	if (!at)
		return false;
	*ret = (struct kill_text){.deed = killed ? OOM_KILLED : OOM_SELECTED,
				  .uid = -1,
				  .score = INT64_MIN,
				  .oom_score_adj = INT32_MIN};
	struct span rest = span_after(text, at);
	const char *process = at - strlen(killed ? "Killed process " : "Kill process ");
	ret->message = span_trim(span_between(text.p, process));
	if (ret->message.n && ret->message.p[ret->message.n - 1] == ':')
		ret->message.n--;
	if (!span_i64(&rest, &ret->pid) || ret->pid <= 0)
		return false;
	/* RHEL 5 and 6: "PID, UID 500, (java)" */
	struct span uid = rest;
	if (span_skip(&uid, ", UID ")) {
		span_i64(&uid, &ret->uid);
		rest = uid;
	}
	const char *open = memchr(rest.p, '(', rest.n < 4 ? rest.n : 4);
	if (!open)
		return false;
	const char *glued = glued_at(rest, (size_t)(open + 1 - rest.p));
	struct span body = glued ? span_between(rest.p, glued) : rest;
	ret->rest = glued ? span_after(text, glued) : nothing;
	struct span named = span_after(body, open);
	if (!killed && span_find(named, ") sharing same memory")) {
		ret->deed = OOM_SHARING;
		return set_name(open, close_of(named, ") sharing same memory"), ret);
	}
	if (!killed)
		return selected(body, open, ret);
	const char *close = NULL;
	for (int i = 0; closes[i] && !close; i++)
		close = close_of(named, closes[i]);
	if (!close)
		close = close_of(named, ")");
	if (!set_name(open, close, ret))
		return false;
	rest = span_after(body, close + 1);
	if (span_skip(&rest, ", UID ")) /* RHEL 7 and 8 */
		span_i64(&rest, &ret->uid);
	kill_values(rest, ret);
	return true;
}

static bool kind_is(struct span text, bool want_killed)
{
	bool killed;
	const char *at = behind_process(text, &killed);

	return at && killed == want_killed;
}

bool is_kill(struct span text)
{
	return kind_is(text, true);
}

bool is_sharing(struct span text)
{
	return kind_is(text, false) && span_find(text, " sharing same memory");
}

bool is_select(struct span text)
{
	return kind_is(text, false);
}

/* "Out of memory: Killed", its process in the next line */
bool is_kill_head(struct span text)
{
	static const char *const starts[] = {"Out of memory",
					     "Out of Memory",
					     "Memory cgroup out of",
					     "Killed process",
					     "Kill process",
					     "No available memory",
					     NULL};

	for (int i = 0; starts[i]; i++)
		if (span_starts(text, starts[i]))
			return text.n < 64;
	return false;
}

bool kill_open(struct span text)
{
	struct kill_text kill;

	return !kill_text(text, &kill) || (kill.deed == OOM_SELECTED && kill.score == INT64_MIN) ||
	       span_ends(span_trim(text), ",");
}

bool is_kill_part(struct span text)
{
	static const char *const starts[] = {"total-vm:",
					     "vsz:",
					     "anon-rss:",
					     "file-rss:",
					     "shmem-rss:",
					     "UID:",
					     "pgtables:",
					     "oom_score_adj:",
					     "sacrifice child",
					     "or sacrifice child",
					     "or a child",
					     "a child",
					     NULL};

	for (int i = 0; starts[i]; i++)
		if (span_starts(text, starts[i]))
			return true;
	return span_is(text, "child");
}

bool kill_joins(struct span text, struct span next)
{
	(void)text;
	return is_kill_part(next);
}

static void set_value(struct oom_value *to, const struct msg *msg, const struct kill_value *from)
{
	*to = (struct oom_value){.unit = OOM_KB, .have = from->lost ? OOM_LOST : OOM_UNSAID};
	if (!from->said)
		return;
	to->have = OOM_SAID;
	to->raw = from->value;
	to->line = msg_line(msg, from->at);
}

void kill_set_values(struct oom_kill *kill, const struct msg *msg, const struct kill_text *text)
{
	set_value(&kill->total_vm, msg, &text->total_vm);
	set_value(&kill->anon_rss, msg, &text->anon_rss);
	set_value(&kill->file_rss, msg, &text->file_rss);
	set_value(&kill->shmem_rss, msg, &text->shmem_rss);
	set_value(&kill->pgtables, msg, &text->pgtables);
}

static void add_kill(struct builder *b, const struct msg *msg, const struct kill_text *text)
{
	struct oom_kill *kill = builder_kill(b, msg, text->deed);

	if (text->deed == OOM_KILLED)
		builder_note_victim(b, text->pid);
	if (!kill)
		return;
	kill->pid = text->pid;
	kill->uid = text->uid;
	kill->score = text->score;
	kill->oom_score_adj = text->oom_score_adj;
	kill->memcg = span_find(text->message, "emory cgroup out of memory") != NULL;
	kill->global = span_starts(text->message, "Out of memory") ||
		       span_starts(text->message, "Out of Memory");
	span_copy(kill->comm, sizeof(kill->comm), text->comm);
	kill_set_values(kill, msg, text);
}

struct span read_kill(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;
	struct kill_text text;

	b->section = SECTION_KILL;
	if (!kill_text(msg->text, &text)) {
		builder_unknown(b, msg); /* cut before its name */
		return nothing;
	}
	if (span_find(text.message, "oom_kill_allocating_task"))
		r->allocating_task = true;
	if (span_find(text.message, "MPOL_BIND"))
		r->scope = OOM_MEMPOLICY;
	else if (span_find(text.message, "in cpuset"))
		r->scope = OOM_CPUSET;
	add_kill(b, msg, &text);
	return text.rest;
}
