/*
 * What follows a choice: the reaper, groups that die as a whole, victims that cannot die, the end
 * without a victim, and losses that the log itself admits. See forms.h.
 */
#include "harness/oomlog/forms.h"

static const struct span nothing;

/* "PID (COMM)" and what is behind it. */
static bool pid_comm(struct span *text, const char *close_text, int64_t *ret_pid,
		     struct span *ret_comm)
{
	struct span rest = *text;

	if (!span_i64(&rest, ret_pid) || *ret_pid <= 0 || !span_skip(&rest, " ("))
		return false;
	const char *close = span_find(rest, close_text);
	if (!close)
		close = span_find_last(rest, ")");
	if (!close)
		return false;
	*ret_comm = span_between(rest.p, close);
	*text = span_after(rest, close + 1);
	return true;
}

bool is_reaper(struct span text)
{
	return span_starts(text, "oom_reaper: ");
}

bool reaper_text(struct span text, struct kill_text *ret)
{
	*ret = (struct kill_text){
		.uid = -1, .score = INT64_MIN, .oom_score_adj = INT32_MIN, .deed = OOM_UNREAPED};
	if (!span_skip(&text, "oom_reaper: "))
		return false;
	if (span_skip(&text, "reaped process "))
		ret->deed = OOM_REAPED;
	else if (!span_skip(&text, "unable to reap pid:") && !span_skip(&text, "giving up pid:"))
		return false;
	if (!pid_comm(&text, "), now", &ret->pid, &ret->comm))
		return false;
	struct span rest = text;
	struct pair pair;
	while (pair_next(&rest, &pair)) {
		struct kill_value *to = NULL;
		if (span_is(pair.key, "anon-rss"))
			to = &ret->anon_rss;
		else if (span_is(pair.key, "file-rss"))
			to = &ret->file_rss;
		else if (span_is(pair.key, "shmem-rss"))
			to = &ret->shmem_rss;
		if (!to)
			continue;
		to->said = true;
		to->value = pair.value;
		to->at = pair.at;
	}
	bool reaped = ret->deed == OOM_REAPED;
	ret->anon_rss.lost = reaped && !ret->anon_rss.said;
	ret->file_rss.lost = reaped && !ret->file_rss.said;
	ret->shmem_rss.lost = reaped && !ret->shmem_rss.said && !ret->anon_rss.said;
	const char *glued = glued_at(text, 0);
	ret->rest = glued ? span_after(text, glued) : nothing;
	return true;
}

struct span read_reaper(struct builder *b, const struct msg *msg)
{
	struct kill_text text;

	b->section = SECTION_KILL;
	if (!reaper_text(msg->text, &text)) {
		builder_unknown(b, msg);
		return nothing;
	}
	struct oom_kill *kill = builder_kill(b, msg, text.deed);
	builder_note_victim(b, text.pid);
	if (!kill)
		return text.rest;
	kill->pid = text.pid;
	span_copy(kill->comm, sizeof(kill->comm), text.comm);
	kill_set_values(kill, msg, &text);
	return text.rest;
}

bool is_group(struct span text)
{
	return span_starts(text, "Tasks in /") && span_find(text, " are going to be killed");
}

struct span read_group(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;
	struct span rest = span_from(msg->text, strlen("Tasks in "));
	const char *end = span_find_last(rest, " are going to be killed");

	b->section = SECTION_KILL;
	if (end)
		copy_path_end(r->oom_group, sizeof(r->oom_group), span_between(rest.p, end));
	return nothing;
}

bool is_pinned(struct span text)
{
	return span_starts(text, "oom killer ") && span_find(text, " has mm pinned by ");
}

struct span read_pinned(struct builder *b, const struct msg *msg)
{
	static const char by[] = ") has mm pinned by ";
	struct span rest = span_from(msg->text, strlen("oom killer ")), comm, other;
	const char *at = span_find(rest, by);
	int64_t pid, other_pid;

	if (!at || !pid_comm(&rest, by, &pid, &comm)) {
		builder_unknown(b, msg);
		return nothing;
	}
	rest = span_after(msg->text, at + strlen(by));
	if (!pid_comm(&rest, "\n", &other_pid, &other)) {
		builder_unknown(b, msg);
		return nothing;
	}
	struct oom_kill *kill = builder_kill(b, msg, OOM_PINNED);
	if (!kill)
		return nothing;
	kill->pid = pid;
	kill->other_pid = other_pid;
	span_copy(kill->comm, sizeof(kill->comm), comm);
	span_copy(kill->other_comm, sizeof(kill->other_comm), other);
	return nothing;
}

bool is_exiting(struct span text)
{
	return text.n && (*text.p == 'O' || *text.p == 'M') && span_find(text, "OOM victim ") &&
	       span_find(text, " is already exiting");
}

struct span read_exiting(struct builder *b, const struct msg *msg)
{
	const char *at = span_find(msg->text, "OOM victim ");
	struct span rest = span_after(msg->text, at + strlen("OOM victim ")), comm;
	int64_t pid;

	b->section = SECTION_KILL;
	if (!pid_comm(&rest, ") is already exiting", &pid, &comm)) {
		builder_unknown(b, msg);
		return nothing;
	}
	struct oom_kill *kill = builder_kill(b, msg, OOM_EXITING);
	if (!kill)
		return nothing;
	kill->pid = pid;
	kill->memcg = span_starts(msg->text, "Memory cgroup");
	kill->global = span_starts(msg->text, "Out of memory");
	span_copy(kill->comm, sizeof(kill->comm), comm);
	return nothing;
}

/* ---- ends without a victim ------------------------------------------------------------------ */

bool is_no_killable(struct span text)
{
	return span_find(text, "no killable processes") != NULL && !is_panic(text);
}

struct span read_no_killable(struct builder *b, const struct msg *msg)
{
	(void)msg;
	b->section = SECTION_KILL;
	b->report.no_killable = true;
	return nothing;
}

bool is_ignored(struct span text)
{
	return span_find(text, "OOM request ignored") != NULL;
}

struct span read_ignored(struct builder *b, const struct msg *msg)
{
	(void)msg;
	b->section = SECTION_KILL;
	b->report.disabled = true;
	b->sysrq = true; /* nobody else is told so */
	return nothing;
}

/* Panics about something else end the log, not the report. */
bool is_panic(struct span text)
{
	return span_starts(text, "Kernel panic") &&
	       (span_find(text, "ut of memory") || span_find(text, "deadlocked on memory") ||
		span_find(text, "panic_on_oom"));
}

struct span read_panic(struct builder *b, const struct msg *msg)
{
	static const char syncing[] = "not syncing: ";
	const char *at = span_find(msg->text, syncing);
	struct oom_report *r = &b->report;

	b->section = SECTION_KILL;
	span_copy(r->panic, sizeof(r->panic),
		  at ? span_trim(span_after(msg->text, at + strlen(syncing))) : msg->text);
	if (span_find(msg->text, "no killable processes"))
		r->no_killable = true;
	return nothing;
}

/* ---- losses --------------------------------------------------------------------------------- */

/* The number in front of, or behind, a text that tells a loss; false: none. */
static bool loss(struct span text, uint64_t *ret, bool *ret_repeated)
{
	struct span s = text;

	*ret_repeated = false;
	if (span_skip(&s, "** "))
		return span_u64(&s, ret) && span_find(s, "printk messages dropped");
	if (span_starts(text, "last message repeated ") || span_starts(text, "message repeated ")) {
		*ret_repeated = true;
		s = span_after(text, span_find(text, "repeated ") + strlen("repeated "));
		return span_u64(&s, ret) && span_starts(s, " time");
	}
	if (span_skip(&s, "Missed ") && span_u64(&s, ret)) /* systemd-journald */
		return span_starts(s, " kernel messages");
	s = text;
	span_skip(&s, "printk: ");
	return span_u64(&s, ret) &&
	       (span_starts(s, " messages suppressed") || span_starts(s, " messages dropped"));
}

bool is_loss(struct span text)
{
	uint64_t n;
	bool repeated;

	return loss(text, &n, &repeated);
}

struct span read_loss(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;
	uint64_t n;
	bool repeated;

	if (!loss(msg->text, &n, &repeated))
		return nothing;
	uint64_t *to = repeated ? &r->repeated : &r->dropped;
	if (__builtin_add_overflow(*to, n, to))
		*to = UINT64_MAX;
	if (b->section == SECTION_TABLE || b->section == SECTION_NONE)
		b->table_bad = true;
	const char *stars = span_find(msg->text, " dropped **");
	return stars ? span_trim(span_after(msg->text, stars + strlen(" dropped **"))) : nothing;
}

bool is_manual(struct span text)
{
	return span_find(text, "Manual OOM execution") != NULL;
}
