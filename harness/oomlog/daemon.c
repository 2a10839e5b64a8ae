/*
 * Killers that are not the kernel's OOM killer: Android's lowmemorykiller (the driver of 3.x
 * and 4.x, lmkd), systemd-oomd, earlyoom, Meta's oomd, nohang. Each kill is a report of its own,
 * with what its one line says. See forms.h.
 */
#include "harness/oomlog/forms.h"

static const struct span nothing;

/* The words, in any order of their place in the text, of a line. */
static bool has(struct span text, const char *words)
{
	return span_find(text, words) != NULL;
}

static bool from(const struct msg *msg, const char *tag)
{
	return span_is(msg->tag, tag) || span_starts(msg->text, tag) || has(msg->whole, tag);
}

static bool is_systemd_oomd(const struct msg *msg)
{
	return span_starts(msg->text, "Killed ") && !span_starts(msg->text, "Killed process ") &&
	       (has(msg->text, " due to memory ") || has(msg->text, " due to swap "));
}

static bool is_earlyoom(const struct msg *msg)
{
	return has(msg->text, "sending SIG") && has(msg->text, " to process ") &&
	       has(msg->text, " \"");
}

static bool is_oomd(const struct msg *msg)
{
	return span_starts(msg->text, "oomd kill: ");
}

static bool is_nohang(const struct msg *msg)
{
	return span_starts(msg->text, "Sending SIG") && has(msg->text, " to the victim");
}

static bool is_lmk_kill(struct span text)
{
	return span_starts(text, "Killing '") || span_starts(text, "Kill '") ||
	       span_starts(text, "send sigkill to ");
}

static bool is_lmk_more(struct span text)
{
	return (span_starts(text, "to free ") && has(text, "kB")) ||
	       (span_starts(text, "cache ") && has(text, "kB is below limit ")) ||
	       (span_starts(text, "Free memory is ") && has(text, " reserved"));
}

static struct span without_name(const struct msg *msg)
{
	struct span text = msg->text;

	span_skip(&text, "lowmemorykiller: ");
	span_skip(&text, "lmkd: ");
	span_skip_blanks(&text);
	return text;
}

static bool is_lmk(const struct msg *msg)
{
	struct span text = without_name(msg);

	if (is_lmk_more(text))
		return true;
	return is_lmk_kill(text) && (from(msg, "lowmemorykiller") || from(msg, "lmkd") ||
				     span_starts(text, "send sigkill to "));
}

/* The number behind a key. */
static bool number(struct span text, const char *key, int64_t *ret)
{
	const char *at = span_find_last(text, key);

	if (!at)
		return false;
	struct span rest = span_after(text, at + strlen(key));
	return span_i64(&rest, ret);
}

static void set_adj(struct oom_kill *kill, int64_t value)
{
	if (value >= -INT32_MAX && value <= INT32_MAX)
		kill->oom_score_adj = (int32_t)value;
}

static void figure(struct builder *b, const struct msg *msg, const char *key, const char *name)
{
	int64_t value;

	if (number(msg->text, key, &value) && value >= 0)
		builder_figure(b, nothing, span_of(name), (uint64_t)value, OOM_KB, msg->line);
}

/* "   to free 20784kB on behalf of 'kswapd0' (442) because" and its like */
static void lmk_more(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;

	figure(b, msg, "to free ", "to free");
	figure(b, msg, "cache ", "cache");
	figure(b, msg, "below limit ", "limit");
	figure(b, msg, "Free memory is ", "Free memory above reserved");
	const char *behalf = span_find(msg->text, "on behalf of '");
	if (!behalf)
		return;
	struct span rest = span_after(msg->text, behalf + strlen("on behalf of '"));
	const char *quote = span_find(rest, "' (");
	if (!quote)
		return;
	span_copy(r->comm, sizeof(r->comm), span_between(rest.p, quote));
	rest = span_after(rest, quote + 3);
	span_i64(&rest, &r->invoker_pid);
}

static void lmk(struct builder *b, const struct msg *msg)
{
	struct span text = without_name(msg), rest;
	int64_t value;

	b->report.killer = OOM_LOWMEMORYKILLER;
	b->report.scope = OOM_GLOBAL;
	if (!is_lmk_kill(text)) {
		lmk_more(b, msg);
		return;
	}
	struct oom_kill *kill = builder_kill(b, msg, OOM_KILLED);
	if (!kill)
		return;
	bool old = span_starts(text, "send sigkill to ");
	rest = span_from(text, (size_t)(old ? strlen("send sigkill to ")
					    : (size_t)((const char *)memchr(text.p, '\'', text.n) +
						       1 - text.p)));
	if (old) {
		if (!span_i64(&rest, &kill->pid) || !span_skip(&rest, " ("))
			return;
		const char *close = span_find(rest, "), adj");
		if (close)
			span_copy(kill->comm, sizeof(kill->comm), span_between(rest.p, close));
	} else {
		const char *close = span_find(rest, "' (");
		if (!close)
			return;
		span_copy(kill->comm, sizeof(kill->comm), span_between(rest.p, close));
		rest = span_after(rest, close + 3);
		if (!span_i64(&rest, &kill->pid))
			kill->pid = -1;
	}
	if (number(rest, "uid ", &value))
		kill->uid = value;
	if (number(rest, ", adj ", &value) || number(rest, "oom_score_adj ", &value))
		set_adj(kill, value);
	figure(b, msg, "to free ", "to free");
}

static void systemd_oomd(struct builder *b, const struct msg *msg)
{
	struct span path = span_from(msg->text, strlen("Killed "));
	const char *end = span_find(path, " due to ");
	struct oom_kill *kill = builder_kill(b, msg, OOM_KILLED);

	b->report.killer = OOM_SYSTEMD_OOMD;
	b->report.scope = OOM_MEMCG;
	if (!kill)
		return;
	if (end)
		path = span_between(path.p, end);
	copy_path_end(kill->cgroup, sizeof(kill->cgroup), path);
	const char *pressure = span_find(msg->text, " pressure for ");
	if (pressure) { /* the group that was under pressure, an ancestor of the one that died */
		struct span rest = span_after(msg->text, pressure + strlen(" pressure for "));
		const char *being = span_find(rest, " being ");
		copy_path_end(b->report.oom_memcg, sizeof(b->report.oom_memcg),
			      being ? span_between(rest.p, being) : rest);
	} else {
		b->report.scope = OOM_GLOBAL;
	}
}

static void earlyoom(struct builder *b, const struct msg *msg)
{
	const char *process = span_find(msg->text, " to process ");
	struct span rest = span_after(msg->text, process + strlen(" to process "));
	struct oom_kill *kill = builder_kill(b, msg, OOM_KILLED);
	int64_t value;

	b->report.killer = OOM_EARLYOOM;
	b->report.scope = OOM_GLOBAL;
	if (!kill || !span_i64(&rest, &kill->pid))
		return;
	struct span uid = rest;
	if (span_skip(&uid, " uid "))
		span_i64(&uid, &kill->uid);
	const char *open = memchr(rest.p, '"', rest.n);
	/* the command line, which is quoted as well, comes behind the figures */
	const char *close = open ? span_find(span_after(rest, open + 1), "\": ") : NULL;
	if (!close)
		return;
	span_copy(kill->comm, sizeof(kill->comm), span_between(open + 1, close));
	rest = span_after(rest, close);
	if (number(rest, "oom_score ", &value) || number(rest, "badness ", &value))
		kill->score = value;
	if (number(rest, "oom_score_adj ", &value))
		set_adj(kill, value);
	if (number(rest, "VmRSS ", &value) && value >= 0)
		builder_figure(b, nothing, span_of("VmRSS"), (uint64_t)value, OOM_MIB, msg->line);
}

/* "oomd kill: 10.00 60.00 600.00 GROUP 1999 ruleset:[...]": pressures, group, bytes */
static void oomd(struct builder *b, const struct msg *msg)
{
	struct span rest = span_from(msg->text, strlen("oomd kill: "));
	struct oom_kill *kill = builder_kill(b, msg, OOM_KILLED);
	uint64_t bytes;

	b->report.killer = OOM_OOMD;
	b->report.scope = OOM_MEMCG;
	if (!kill)
		return;
	for (int i = 0; i < 3; i++)
		span_word(&rest);
	copy_path_end(kill->cgroup, sizeof(kill->cgroup), span_word(&rest));
	struct span size = span_word(&rest);
	if (span_u64(&size, &bytes) && !size.n)
		builder_figure(b, span_of(""), span_of("usage"), bytes, OOM_BYTES, msg->line);
}

/* Its log names the victim in a table above; the line itself does not. */
static void nohang(struct builder *b, const struct msg *msg)
{
	b->report.killer = OOM_NOHANG;
	b->report.scope = OOM_GLOBAL;
	builder_kill(b, msg, OOM_KILLED);
}

struct daemon {
	bool (*is)(const struct msg *msg);
	void (*read)(struct builder *b, const struct msg *msg);
};

static const struct daemon daemons[] = {
	{is_systemd_oomd, systemd_oomd},
	{is_earlyoom, earlyoom},
	{is_oomd, oomd},
	{is_lmk, lmk},
	{is_nohang, nohang},
};

static const struct daemon *daemon_of(const struct msg *msg)
{
	for (size_t i = 0; i < sizeof(daemons) / sizeof(*daemons); i++)
		if (daemons[i].is(msg))
			return &daemons[i];
	return NULL;
}

struct span read_daemon(struct builder *b, const struct msg *msg)
{
	const struct daemon *daemon = daemon_of(msg);

	if (daemon)
		daemon->read(b, msg);
	return nothing;
}

const struct form *form_of_daemon(const struct msg *msg)
{
	static const struct form form = {.role = FORM_DAEMON, .read = read_daemon};
	/* What all of them begin with; most lines end here. */
	char c = msg->text.n ? *msg->text.p : '\0';

	if (!memchr("KSslotcFm", c, 9) || !daemon_of(msg))
		return NULL;
	return &form;
}

bool daemon_goes_on(const struct msg *msg)
{
	return is_lmk_more(without_name(msg));
}
