/*
 * The "oom-kill:" line of 5.0 and later. Paths and names may hold commas: each field ends where one
 * that the kernel prints behind it begins, the task's are found from the end. See forms.h.
 */
#include "harness/oomlog/forms.h"

static const struct span nothing;

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
