/* See build.h: the lists of a report, and what is derived when it is whole. */
#include "harness/oomlog/build.h"

#include <stdlib.h>

enum { FIRST_ROOM = 16, COMPARED_KILLS = 64 };

/* Room for one more; false: the bound, or no memory. */
static bool room(void **list, size_t n, size_t *cap, size_t size, size_t max)
{
	if (n < *cap)
		return true;
	if (n >= max)
		return false;
	size_t more = *cap ? *cap * 2 : FIRST_ROOM;
	if (more > max)
		more = max;
	void *bigger = realloc(*list, more * size);
	if (!bigger)
		return false;
	*list = bigger;
	*cap = more;
	return true;
}

void builder_reset(struct builder *b)
{
	struct oom_report old = b->report;
	size_t caps[4] = {b->cap_kills, b->cap_figures, b->cap_tasks, b->cap_unknown};

	for (size_t i = 0; i < old.n_unknown; i++)
		free(old.unknown[i].text);
	int64_t *victims = b->victims;
	size_t slots = b->victim_slots;
	if (b->n_victims)
		memset(victims, 0, slots * sizeof(*victims));
	*b = (struct builder){.cap_kills = caps[0],
			      .cap_figures = caps[1],
			      .cap_tasks = caps[2],
			      .cap_unknown = caps[3],
			      .caller = OOMLOG_NO_CALLER,
			      .victims = victims,
			      .victim_slots = slots};
	b->report.kills = old.kills;
	b->report.figures = old.figures;
	b->report.tasks = old.tasks;
	b->report.unknown = old.unknown;
	b->report.invoker_pid = b->report.invoker_uid = b->report.cpu = -1;
	b->report.summary_pid = b->report.summary_uid = -1;
	b->report.order = b->report.oom_adj = b->report.oom_score_adj = INT32_MIN;
}

void builder_free(struct builder *b)
{
	builder_reset(b);
	free(b->victims);
	free(b->report.kills);
	free(b->report.figures);
	free(b->report.tasks);
	free(b->report.unknown);
}

uint64_t msg_line(const struct msg *msg, const char *at)
{
	size_t offset = (size_t)(at - msg->text.p);
	uint64_t line = msg->line;

	for (size_t i = 0; i < msg->n_breaks && msg->breaks[i].at <= offset; i++)
		line = msg->breaks[i].line;
	return line;
}

void stamp_time(struct oom_time *time, const struct msg *msg)
{
	time->has_mono = msg->has_mono;
	time->mono_us = msg->mono_us;
	time->has_unix = msg->has_unix;
	time->unix_us = msg->unix_us;
	span_copy(time->text, sizeof(time->text), msg->date);
}

void copy_path_end(char *to, size_t size, struct span path)
{
	if (path.n >= size)
		path = span_from(path, path.n - (size - 1));
	span_copy(to, size, path);
}

struct oom_kill *builder_kill(struct builder *b, const struct msg *msg, enum oom_deed deed)
{
	struct oom_report *r = &b->report;

	if (!room((void **)&r->kills, r->n_kills, &b->cap_kills, sizeof(*r->kills),
		  OOMLOG_KILLS_MAX))
		return NULL;
	struct oom_kill *kill = &r->kills[r->n_kills++];
	b->deeds[deed]++;
	*kill = (struct oom_kill){.deed = deed,
				  .pid = -1,
				  .uid = -1,
				  .score = INT64_MIN,
				  .oom_score_adj = INT32_MIN,
				  .other_pid = -1,
				  .line = msg->line};
	stamp_time(&kill->time, msg);
	return kill;
}

/* The slot of a PID, or the free one where it would be. */
static size_t slot_of(const struct builder *b, int64_t pid)
{
	size_t mask = b->victim_slots - 1;
	size_t at = ((uint64_t)pid * 0x9e3779b97f4a7c15ULL >> 32) & mask;

	while (b->victims[at] && b->victims[at] != pid)
		at = (at + 1) & mask;
	return at;
}

static bool more_slots(struct builder *b)
{
	size_t old_slots = b->victim_slots;
	int64_t *old = b->victims, *bigger = calloc(old_slots ? 2 * old_slots : 64, sizeof(*old));

	if (!bigger)
		return false;
	b->victims = bigger;
	b->victim_slots = old_slots ? 2 * old_slots : 64;
	for (size_t i = 0; i < old_slots; i++)
		if (old[i])
			bigger[slot_of(b, old[i])] = old[i];
	free(old);
	return true;
}

void builder_note_victim(struct builder *b, int64_t pid)
{
	if (pid <= 0 || b->n_victims >= OOMLOG_TASKS_MAX ||
	    (2 * b->n_victims >= b->victim_slots && !more_slots(b)))
		return;
	size_t at = slot_of(b, pid);
	b->n_victims += !b->victims[at];
	b->victims[at] = pid;
}

bool builder_victim(const struct builder *b, int64_t pid)
{
	return b->n_victims && pid > 0 && b->victims[slot_of(b, pid)] == pid;
}

struct oom_task *builder_task(struct builder *b)
{
	struct oom_report *r = &b->report;

	if (!room((void **)&r->tasks, r->n_tasks, &b->cap_tasks, sizeof(*r->tasks),
		  OOMLOG_TASKS_MAX))
		return NULL;
	return &r->tasks[r->n_tasks++];
}

void builder_figure(struct builder *b, struct span where, struct span name, uint64_t raw,
		    enum oom_unit unit, uint64_t line)
{
	struct oom_report *r = &b->report;

	if (!room((void **)&r->figures, r->n_figures, &b->cap_figures, sizeof(*r->figures),
		  OOMLOG_FIGURES_MAX))
		return;
	struct oom_figure *figure = &r->figures[r->n_figures++];
	span_copy(figure->where, sizeof(figure->where), where);
	span_copy(figure->name, sizeof(figure->name), name);
	figure->value = (struct oom_value){
		.raw = raw, .line = line, .unit = (uint8_t)unit, .have = OOM_SAID};
}

void builder_unknown(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;
	struct span text = span_trim(msg->whole.n ? msg->whole : msg->text);

	b->pending_unknown++;
	if (text.n > OOMLOG_UNKNOWN_TEXT_MAX)
		text.n = OOMLOG_UNKNOWN_TEXT_MAX;
	char *copy = NULL;
	if (room((void **)&r->unknown, r->n_unknown, &b->cap_unknown, sizeof(*r->unknown),
		 OOM_UNKNOWN_MAX))
		copy = malloc(text.n + 1);
	if (!copy) {
		r->unknown_more++;
		return;
	}
	span_copy(copy, text.n + 1, text);
	r->unknown[r->n_unknown++] = (struct oom_line){msg->line, copy};
}

void builder_line(struct builder *b, const struct msg *msg)
{
	struct oom_report *r = &b->report;

	b->pending_unknown = 0;
	if (!r->first_line) {
		r->first_line = msg->line;
		stamp_time(&r->first_time, msg);
	} else if (!r->first_time.text[0] && !r->first_time.has_mono && !r->first_time.has_unix) {
		stamp_time(&r->first_time, msg);
	}
	r->last_line = msg->last_line;
	if (msg->has_mono || msg->has_unix || msg->date.n)
		stamp_time(&r->last_time, msg);
}

/* ---- derived -------------------------------------------------------------------------------- */

bool builder_complete(const struct builder *b)
{
	const struct oom_report *r = &b->report;

	return b->deeds[OOM_KILLED] || b->deeds[OOM_REAPED] || b->deeds[OOM_UNREAPED] ||
	       b->deeds[OOM_EXITING] || r->no_killable || r->disabled || r->panic[0];
}

static enum oom_scope scope_of(const struct builder *b)
{
	const struct oom_report *r = &b->report;

	if (b->memcg || r->oom_memcg[0] || strcmp(r->constraint, "CONSTRAINT_MEMCG") == 0)
		return OOM_MEMCG;
	if (strcmp(r->constraint, "CONSTRAINT_CPUSET") == 0)
		return OOM_CPUSET;
	if (strcmp(r->constraint, "CONSTRAINT_MEMORY_POLICY") == 0)
		return OOM_MEMPOLICY;
	if (r->scope != OOM_SCOPE_UNKNOWN)
		return r->scope;
	bool global = b->memory || r->disabled;
	for (size_t i = 0; i < r->n_kills; i++) {
		if (r->kills[i].memcg)
			return OOM_MEMCG;
		global = global || r->kills[i].global;
	}
	return global || r->panic[0] ? OOM_GLOBAL : OOM_SCOPE_UNKNOWN;
}

static enum oom_cause cause_of(const struct builder *b)
{
	const struct oom_report *r = &b->report;

	if (b->sysrq || r->order == -1)
		return OOM_SYSRQ;
	if (!r->header_line)
		return OOM_CAUSE_UNKNOWN;
	if (b->pagefault && r->gfp_mask[0])
		return OOM_PAGEFAULT;
	return OOM_ALLOCATION;
}

static bool power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* A kill line says kB where the table says pages of the same process. */
static uint64_t page_size_by_kill(const struct oom_report *r)
{
	for (size_t i = 0; i < r->n_kills && i < COMPARED_KILLS; i++) {
		const struct oom_kill *kill = &r->kills[i];
		const struct oom_task *task = oom_task(r, kill->pid);
		if (kill->deed != OOM_KILLED || kill->total_vm.have != OOM_SAID || !task ||
		    task->total_vm <= 0)
			continue;
		uint64_t kb = kill->total_vm.raw, pages = (uint64_t)task->total_vm;
		if (kb % pages == 0 && power_of_two(kb / pages) && kb / pages >= 4 &&
		    kb / pages <= 1024)
			return kb / pages * 1024;
	}
	return 0;
}

/* The same sum in pages of the machine and in kB of its only node. */
static uint64_t page_size_by_figures(const struct oom_report *r)
{
	static const char *const names[] = {"inactive_anon", "active_anon", "inactive_file", NULL};

	for (int i = 0; names[i]; i++) {
		const struct oom_figure *all = oom_figure(r, "", names[i]);
		const struct oom_figure *node = oom_figure(r, "Node 0", names[i]);
		if (!all || !node || all->value.unit != OOM_PAGES || node->value.unit != OOM_KB ||
		    all->value.raw < 64 || node->value.raw % all->value.raw)
			continue;
		uint64_t kb = node->value.raw / all->value.raw;
		if (power_of_two(kb) && kb >= 4 && kb <= 1024)
			return kb * 1024;
	}
	return 0;
}

static void set_page_size(struct builder *b)
{
	struct oom_report *r = &b->report;

	if (power_of_two(b->first_order_bytes) && b->first_order_bytes >= 4096 &&
	    b->first_order_bytes <= 1 << 20) {
		r->page_size = b->first_order_bytes;
		r->page_size_from = "buddy lists";
	} else if ((r->page_size = page_size_by_kill(r))) {
		r->page_size_from = "kill line and table";
	} else if ((r->page_size = page_size_by_figures(r))) {
		r->page_size_from = "figures";
	}
}

static void set_cuts(struct builder *b)
{
	struct oom_report *r = &b->report;

	if (r->killer != OOM_KERNEL) {
		r->cut_head = r->cut_head || !r->n_kills;
		return;
	}
	r->cut_head = !r->header_line && !r->disabled;
	r->cut_tail = !builder_complete(b);
	bool no_end = b->table_open && b->section == SECTION_TABLE;
	r->cut_table = b->table_rows_lost || (b->table_open && (b->table_bad || no_end));
	r->table_complete = r->table_line && b->table_open && !r->cut_table && !b->table_bad;
}

static void set_unix(struct oom_time *time, int64_t now_us, int64_t boot_us)
{
	if (!time->has_unix && time->text[0])
		time->has_unix = date_unix(span_of(time->text), now_us, &time->unix_us);
	if (!time->has_unix && time->has_mono && boot_us && time->mono_us <= INT64_MAX / 2) {
		time->has_unix = true;
		time->unix_us = boot_us + (int64_t)time->mono_us;
	}
}

void builder_finish(struct builder *b, int64_t now_us, int64_t boot_us)
{
	struct oom_report *r = &b->report;

	while (b->pending_unknown) {
		b->pending_unknown--;
		if (r->unknown_more)
			r->unknown_more--;
		else if (r->n_unknown)
			free(r->unknown[--r->n_unknown].text);
	}
	/* usage lines stand before the line that names their group */
	struct span path = span_of(r->oom_memcg[0] ? r->oom_memcg : b->stats);
	for (size_t i = 0; i < r->n_figures; i++)
		if (r->figures[i].where[0] == *WHERE_OOM_MEMCG.p)
			copy_path_end(r->figures[i].where, sizeof(r->figures[i].where), path);
	if (!r->oom_memcg[0])
		span_copy(r->oom_memcg, sizeof(r->oom_memcg), path);
	if (r->killer == OOM_KERNEL) {
		r->scope = scope_of(b);
		r->cause = cause_of(b);
	}
	set_page_size(b);
	set_cuts(b);
	set_unix(&r->first_time, now_us, boot_us);
	set_unix(&r->last_time, now_us, boot_us);
	for (size_t i = 0; i < r->n_kills; i++)
		set_unix(&r->kills[i].time, now_us, boot_us);
}
