/*
 * Decides to which report a message belongs. 'cur' is the report that is being read. 'done' is the
 * one before it, which is kept until the next one begins or its window has passed: its reaper may
 * be heard only when the next report has begun, and where lines have caller ids, it may itself go
 * on, two CPUs reporting at a time. Reports without anything that only an OOM prints (a Mem-Info of
 * a failed allocation, of sysrq-m) are dropped.
 */
#include "harness/oomlog/forms.h"
#include "harness/oomlog/log.h"

enum {
	/* The reaper was seen 11 s behind the kill; a busy syslog writes a few hundred lines in a
	 * second meanwhile. */
	WINDOW_LINES = 10000,
	DAEMON_LINES = 20, /* of lowmemorykiller's further lines */
	SYSRQ_LINES = 50,
};

static bool selected(const struct builder *b, int64_t pid)
{
	for (size_t i = 0; i < b->report.n_kills; i++)
		if (b->report.kills[i].deed == OOM_SELECTED && b->report.kills[i].pid == pid)
			return true;
	return false;
}

/* ---- delivery ------------------------------------------------------------------------------- */

static void deliver(struct oomlog *log, struct builder *b)
{
	struct oom_report *r = &b->report;

	if (b->firm && !log->result) {
		builder_finish(b, log->options.now_unix_us, log->options.boot_unix_us);
		r->number = ++log->number;
		for (size_t i = 0; i < r->n_kills; i++)
			if (r->kills[i].deed == OOM_KILLED || r->kills[i].deed == OOM_REAPED)
				log->late[log->n_late++ % LATE_MAX] = r->kills[i].pid;
		log->result = log->fn(log->data, r);
	}
	builder_reset(b);
}

static void deliver_done(struct oomlog *log)
{
	if (log->done_used)
		deliver(log, log->done);
	log->done_used = false;
}

static void deliver_daemon(struct oomlog *log)
{
	if (log->daemon_used)
		deliver(log, log->daemon);
	log->daemon_used = false;
}

/* The current report ends; it may still get its reaper. */
static void close_cur(struct oomlog *log)
{
	if (!log->cur_used)
		return;
	log->cur_used = false;
	if (!log->cur->firm) {
		builder_reset(log->cur);
		return;
	}
	deliver_done(log);
	struct builder *free_one = log->done;
	log->done = log->cur;
	log->cur = free_one;
	log->done_used = true;
}

static struct builder *begin(struct oomlog *log)
{
	close_cur(log);
	log->cur_used = true;
	return log->cur;
}

/* ---- one form ------------------------------------------------------------------------------- */

static void take(struct oomlog *log, struct builder *b, const struct form *form,
		 const struct msg *msg)
{
	struct span rest = {0};

	if (form->read)
		rest = form->read(b, msg);
	builder_line(b, msg);
	log->idle = 0;
	if (!rest.n)
		return;
	struct msg glued = *msg;
	glued.line = glued.line ? msg_line(msg, rest.p) : 0;
	glued.text = glued.whole = rest;
	glued.n_breaks = 0;
	assemble(log, &glued);
}

/* The report for lines that may have lost their header: the current one, or a new one. */
static struct builder *block_owner(struct oomlog *log)
{
	if (log->cur_used && !builder_complete(log->cur))
		return log->cur;
	return begin(log);
}

static void take_header(struct oomlog *log, const struct form *form, const struct msg *msg)
{
	struct builder *b = begin(log);

	b->firm = b->head = true;
	b->sysrq = log->sysrq_line && msg->line - log->sysrq_line <= SYSRQ_LINES;
	log->sysrq_line = 0;
	take(log, b, form, msg);
}

/* A ring buffer that overran within a table leaves half a row, and behind it the rows of the next
 * report, whose head is lost: they show by PIDs that were there before. */
static void restart_table(struct oomlog *log, const struct msg *msg)
{
	struct builder *old = log->cur;
	struct oom_report *r = &old->report;
	uint64_t line = old->bad_at < r->n_tasks ? r->tasks[old->bad_at].line : msg->line;

	r->n_tasks = old->bad_at;
	r->last_line = old->bad_line;
	r->last_time = old->bad_time;
	old->restarted = false;
	struct builder *b = begin(log);
	b->head = b->table_rows_lost = true;
	b->section = SECTION_TABLE;
	builder_line(b, msg);
	b->report.first_line = line;
}

static void take_block(struct oomlog *log, const struct form *form, const struct msg *msg)
{
	struct builder *b = block_owner(log);

	/* one that only failed allocations print, again and again */
	if (form->read == read_meminfo && !b->firm && b->memory)
		b = begin(log);
	b->head = true;
	if (form->role == FORM_TABLE && is_table_head(msg->text))
		b->firm = true;
	take(log, b, form, msg);
	if (b->restarted)
		restart_table(log, msg);
}

static void take_summary(struct oomlog *log, const struct form *form, const struct msg *msg)
{
	struct builder *b = block_owner(log);

	if (b->report.summary_pid >= 0 || b->report.constraint[0])
		b = begin(log);
	b->firm = true;
	take(log, b, form, msg);
}

static void take_select(struct oomlog *log, const struct form *form, const struct msg *msg)
{
	struct builder *b = log->cur;
	struct kill_text text;
	bool known = kill_text(msg->text, &text);

	bool again = known && log->cur_used && selected(b, text.pid);
	if (!log->cur_used || builder_complete(b) || (b->deeds[OOM_SELECTED] && !again))
		b = begin(log);
	b->firm = true;
	take(log, b, form, msg);
}

/* A report has one kill, unless a whole group dies; older kernels print one twice. */
static void take_kill(struct oomlog *log, const struct form *form, const struct msg *msg)
{
	struct builder *b = log->cur;
	struct kill_text text;
	bool known = kill_text(msg->text, &text);

	bool more = log->cur_used &&
		    (!builder_complete(b) || b->report.oom_group[0] ||
		     (known && builder_victim(b, text.pid)) ||
		     (!b->deeds[OOM_KILLED] && !b->report.no_killable && !b->report.panic[0]));
	if (!more)
		b = begin(log);
	b->firm = true;
	take(log, b, form, msg);
}

static bool late(const struct oomlog *log, int64_t pid)
{
	unsigned int n = log->n_late < LATE_MAX ? log->n_late : LATE_MAX;

	for (unsigned int i = 0; i < n; i++)
		if (log->late[i] == pid)
			return true;
	return false;
}

static bool in_window(const struct builder *b, const struct msg *msg)
{
	return msg->line <= b->report.last_line + WINDOW_LINES;
}

/* The report of a line about a victim: by its PID; without a kill line by the order of things. */
static struct builder *victim_owner(struct oomlog *log, const struct msg *msg)
{
	struct builder *cur = log->cur_used && in_window(log->cur, msg) ? log->cur : NULL;
	struct builder *done = log->done_used && in_window(log->done, msg) ? log->done : NULL;
	struct kill_text text;

	if (is_reaper(msg->text) && reaper_text(msg->text, &text)) {
		if (cur && builder_victim(cur, text.pid))
			return cur;
		if (done && builder_victim(done, text.pid))
			return done;
		if (late(log, text.pid))
			return NULL;
		/* no kill line anywhere: it went to another log */
		bool in_cur = cur && !builder_complete(cur) && oom_task(&cur->report, text.pid);
		if (in_cur)
			return cur;
		if (done && !builder_complete(done))
			return done;
		if (cur && !cur->deeds[OOM_KILLED] && cur->report.table_line)
			return cur;
	} else if (cur) {
		return cur;
	} else if (done) {
		return done;
	}
	return begin(log);
}

static void take_after(struct oomlog *log, const struct form *form, const struct msg *msg)
{
	struct builder *b = victim_owner(log, msg);

	if (!b)
		return; /* of a report that was delivered */
	b->firm = true;
	take(log, b, form, msg);
}

static void take_end(struct oomlog *log, const struct form *form, const struct msg *msg)
{
	struct builder *b = log->cur;
	bool panic = is_panic(msg->text);
	bool fits = log->cur_used &&
		    (!builder_complete(b) || (panic && !b->report.panic[0] &&
					      (b->report.no_killable || in_window(b, msg))));

	if (!fits)
		b = begin(log);
	b->firm = true;
	take(log, b, form, msg);
}

static void take_daemon(struct oomlog *log, const struct form *form, const struct msg *msg)
{
	struct builder *b = log->daemon;
	bool more = daemon_goes_on(msg);

	/* reports are told in the order in which they end */
	if (log->cur_used && builder_complete(log->cur))
		close_cur(log);
	if (log->done_used && builder_complete(log->done))
		deliver_done(log);
	if (log->daemon_used) {
		bool same = more && b->report.killer == OOM_LOWMEMORYKILLER &&
			    msg->line - b->report.last_line <= DAEMON_LINES;
		/* the figures of one kill come once */
		if (same && span_starts(msg->text, "cache ") && oom_figure(&b->report, "", "cache"))
			same = false;
		if (!same)
			deliver_daemon(log);
	}
	b->firm = true;
	log->daemon_used = true;
	take(log, b, form, msg);
}

/* Of two reports at a time, the one that the line's task prints. */
static void turn_to_caller(struct oomlog *log, const struct msg *msg)
{
	if (msg->caller == OOMLOG_NO_CALLER || !log->cur_used || !log->done_used ||
	    log->cur->caller == msg->caller || log->done->caller != msg->caller ||
	    builder_complete(log->done))
		return;
	struct builder *other = log->cur;
	log->cur = log->done;
	log->done = other;
}

/* With caller ids a line of another CPU within a report is known to be foreign. */
static bool foreign(const struct oomlog *log, const struct form *form, const struct msg *msg)
{
	if (!log->cur_used || log->cur->caller == OOMLOG_NO_CALLER ||
	    msg->caller == OOMLOG_NO_CALLER || msg->caller == log->cur->caller)
		return false;
	return form->role == FORM_NOISE || form->role == FORM_DETAIL || form->role == FORM_BLOCK ||
	       form->role == FORM_TABLE || form->role == FORM_UNKNOWN;
}

static void take_other(struct oomlog *log, const struct form *form, const struct msg *msg)
{
	struct builder *b = log->cur;

	if (!log->cur_used || builder_complete(b))
		return;
	switch ((int)form->role) {
	case FORM_NOISE:
		/* a trace behind the report's own head may be anybody's */
		if (b->section == SECTION_HEAD)
			take(log, b, form, msg);
		break;
	case FORM_DETAIL:
		if (is_cpu(msg->text) && !cpu_fits(b, msg->text)) {
			if (b->section == SECTION_HEAD)
				b->section = SECTION_NONE; /* the trace below is its, too */
			break;
		}
		take(log, b, form, msg);
		break;
	case FORM_LOSS:
		take(log, b, form, msg);
		break;
	default:
		builder_unknown(b, msg);
	}
}

static const struct form *form_for(struct oomlog *log, const struct msg *msg)
{
	static const struct form unknown = {.role = FORM_UNKNOWN};
	const struct form *form = form_of_daemon(msg);

	if (form)
		return form;
	if (msg->source == OOMLOG_USER) /* anybody may log what looks like a kill */
		return is_loss(msg->text) ? form_of(msg->text, SECTION_NONE) : &unknown;
	return form_of(msg->text, log->cur_used ? log->cur->section : SECTION_NONE);
}

void assemble(struct oomlog *log, const struct msg *msg)
{
	if (log->result || !msg->text.n)
		return;
	turn_to_caller(log, msg);
	const struct form *form = form_for(log, msg);
	if (foreign(log, form, msg))
		return;
	switch (form->role) {
	case FORM_HEADER:
		take_header(log, form, msg);
		break;
	case FORM_BLOCK:
	case FORM_TABLE:
		take_block(log, form, msg);
		break;
	case FORM_SUMMARY:
		take_summary(log, form, msg);
		break;
	case FORM_SELECT:
		take_select(log, form, msg);
		break;
	case FORM_KILL:
		take_kill(log, form, msg);
		break;
	case FORM_AFTER:
		take_after(log, form, msg);
		break;
	case FORM_END:
		take_end(log, form, msg);
		break;
	case FORM_DAEMON:
		take_daemon(log, form, msg);
		break;
	case FORM_SYSRQ:
		log->sysrq_line = msg->line;
		break;
	case FORM_UNKNOWN:
	case FORM_NOISE:
	case FORM_DETAIL:
	case FORM_LOSS:
	case FORM_FRAGMENT:
		take_other(log, form, msg);
		break;
	}
}

/* ---- what scan.c asks ----------------------------------------------------------------------- */

bool assemble_busy(const struct oomlog *log)
{
	return log->cur_used && !builder_complete(log->cur);
}

void assemble_idle(struct oomlog *log)
{
	if (assemble_busy(log))
		close_cur(log);
}

void assemble_expire(struct oomlog *log, uint64_t line)
{
	if (log->daemon_used && line > log->daemon->report.last_line + DAEMON_LINES)
		deliver_daemon(log);
	if (log->done_used && line > log->done->report.last_line + WINDOW_LINES)
		deliver_done(log);
	if (log->cur_used && line > log->cur->report.last_line + WINDOW_LINES &&
	    builder_complete(log->cur)) {
		close_cur(log);
		deliver_done(log);
	}
}

void assemble_flush(struct oomlog *log, bool end)
{
	deliver_daemon(log);
	if (end || !assemble_busy(log))
		close_cur(log);
	deliver_done(log);
}
