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
		void *to;
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
			typeof(&ret->total_vm) to = rows[i].to;
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

static bool finish_name(struct span body, const char *open, const char *close,
			struct kill_text *ret)
{
	if (!close)
		return false;
	ret->comm = span_between(open + 1, close);
	(void)body;
	return true;
}

/* "score N or sacrifice child", "or a child", "and children." */
static bool selected(struct span body, const char *open, struct kill_text *ret)
{
	const char *close = close_of(span_after(body, open), ") score ");
	int64_t score;

	if (!finish_name(body, open, close, ret))
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
		return finish_name(body, open, close_of(named, ") sharing same memory"), ret);
	}
	if (!killed)
		return selected(body, open, ret);
	const char *close = NULL;
	for (int i = 0; closes[i] && !close; i++)
		close = close_of(named, closes[i]);
	if (!close)
		close = close_of(named, ")");
	if (!finish_name(body, open, close, ret))
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

static void set_value(struct oom_value *to, const struct msg *msg, bool said, bool lost,
		      uint64_t value, const char *at)
{
	*to = (struct oom_value){.unit = OOM_KB,
				 .have = said ? OOM_SAID : (lost ? OOM_LOST : OOM_UNSAID)};
	if (!said)
		return;
	to->raw = value;
	to->line = msg_line(msg, at);
}

static void set_values(struct oom_kill *kill, const struct msg *msg, const struct kill_text *text)
{
#define SET(field)                                                                          \
	set_value(&kill->field, msg, text->field.said, text->field.lost, text->field.value, \
		  text->field.at)
	SET(total_vm);
	SET(anon_rss);
	SET(file_rss);
	SET(shmem_rss);
	SET(pgtables);
#undef SET
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
	set_values(kill, msg, text);
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

/* ---- summary -------------------------------------------------------------------------------- */

bool is_summary(struct span text)
{
	return span_starts(text, "oom-kill:constraint=");
}

bool summary_open(struct span text)
{
	return !span_find(text, ",uid") && !span_ends(text, ">");
}

/* The value of ",key=" up to the next of the keys that follow it in the kernel's format. */
static struct span summary_field(struct span text, const char *key)
{
	static const char *const keys[] = {",nodemask=",   ",cpuset=",	  ",mems_allowed=",
					   ",global_oom",  ",oom_memcg=", ",task_memcg=",
					   ",task=",	   ",pid=",	  ",uid",
					   ",oom_policy=", NULL};
	const char *at = span_find(text, key), *end = NULL;

	if (!at)
		return nothing;
	struct span rest = span_after(text, at + strlen(key));
	for (int i = 0; keys[i]; i++) {
		const char *next = span_find(rest, keys[i]);
		if (next && (!end || next < end))
			end = next;
	}
	return end ? span_between(rest.p, end) : rest;
}

bool summary_text(struct span text, struct summary_text *ret)
{
	int64_t number;

	*ret = (struct summary_text){.pid = -1, .uid = -1};
	if (!is_summary(text))
		return false;
	ret->constraint = summary_field(text, "oom-kill:constraint=");
	ret->nodemask = summary_field(text, ",nodemask=");
	ret->cpuset = summary_field(text, ",cpuset=");
	ret->mems = summary_field(text, ",mems_allowed=");
	ret->oom_memcg = summary_field(text, ",oom_memcg=");
	ret->policy = summary_field(text, ",oom_policy=");
	ret->global = span_find(text, ",global_oom") != NULL;
	/* a name may look like a field: the task's are the last ones */
	const char *task_memcg = span_find(text, ",task_memcg=");
	const char *task = span_find(task_memcg ? span_after(text, task_memcg) : text, ",task=");
	if (!task && span_ends(text, ">")) /* a pager has cut it */
		text.n -= span_ends(text, ",>") ? 2 : 1;
	if (task_memcg)
		ret->task_memcg = span_between(task_memcg + strlen(",task_memcg="),
					       task ? task : text.p + text.n);
	const char *pid = span_find_last(text, ",pid=");
	if (!task || !pid || pid < task)
		return true;
	ret->comm = span_between(task + strlen(",task="), pid);
	struct span rest = span_after(text, pid + strlen(",pid="));
	if (span_i64(&rest, &number))
		ret->pid = number;
	if (span_skip(&rest, ",uid=") && span_i64(&rest, &number))
		ret->uid = number;
	return true;
}

struct span read_summary(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;
	struct summary_text text;

	b->section = SECTION_KILL;
	if (!summary_text(msg->text, &text))
		return nothing;
	r->constraint_line = msg->line;
	span_copy(r->constraint, sizeof(r->constraint), text.constraint);
	if (!r->nodemask[0])
		span_copy(r->nodemask, sizeof(r->nodemask), text.nodemask);
	if (!r->cpuset[0])
		copy_path_end(r->cpuset, sizeof(r->cpuset), text.cpuset);
	if (!r->mems_allowed[0])
		span_copy(r->mems_allowed, sizeof(r->mems_allowed), text.mems);
	copy_path_end(r->oom_memcg, sizeof(r->oom_memcg), text.oom_memcg);
	copy_path_end(r->task_memcg, sizeof(r->task_memcg), text.task_memcg);
	span_copy(r->summary_comm, sizeof(r->summary_comm), text.comm);
	span_copy(r->oom_policy, sizeof(r->oom_policy), text.policy);
	r->summary_pid = text.pid;
	r->summary_uid = text.uid;
	if (text.global && r->scope == OOM_SCOPE_UNKNOWN)
		r->scope = OOM_GLOBAL;
	const char *glued = glued_at(msg->text, 1);
	return glued ? span_after(msg->text, glued) : nothing;
}

/* A line of its own under BPF policies. */
struct span read_policy(struct builder *b, const struct msg *msg)
{
	span_copy(b->report.oom_policy, sizeof(b->report.oom_policy),
		  span_trim(span_from(msg->text, strlen("oom_policy="))));
	return nothing;
}
