/*
 * See trace.h. libtracefs and libtraceevent read the per-CPU buffers by each event's format file:
 * fields differ between kernels (mark_victim grew in 6.9 and its backports).
 */
#include "harness/exec/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event-parse.h>
#include <tracefs.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/oomlog/timeline.h"
#include "harness/record/field.h"

enum {
	EVENTS_MAX = 1 << 18, /* kept at once; older ones go first */
	MANY_CPUS = 16,	      /* from here on the default of 1.4 MB a CPU is cut down */
	BUFFERS_KB = 24 * 1024,
	BUFFER_MIN_KB = 64,
};
#define COLLECT_NS 20000000ULL /* no more often: each time opens a file a CPU */

static const struct source {
	const char *system, *name;
	enum trace_kind kind;
	const char *about, *value; /* fields; NULL: none */
	const char *filter;
	bool required;
} sources[] = {
	{"oom", "mark_victim", TRACE_MARK, "pid", NULL, NULL, true},
	{"oom", "start_task_reaping", TRACE_REAP_BEGIN, "pid", NULL, NULL, false},
	{"oom", "finish_task_reaping", TRACE_REAP_END, "pid", NULL, NULL, false},
	{"oom", "skip_task_reaping", TRACE_REAP_SKIP, "pid", NULL, NULL, false},
	{"signal", "signal_generate", TRACE_SIGNAL, "pid", "code", "sig==9", false},
	{"signal", "signal_deliver", TRACE_DELIVER, NULL, NULL, "sig==9", false},
	{"sched", "sched_process_exit", TRACE_EXIT, "pid", NULL, NULL, false},
	{"sched", "sched_switch", TRACE_RUNS, "next_pid", NULL, "next_pid!=0", false},
	{"mmap", "exit_mmap", TRACE_MM_GONE, NULL, NULL, NULL, false},
	{"vmscan", "mm_vmscan_memcg_reclaim_begin", TRACE_RECLAIM_BEGIN, NULL, NULL, NULL, false},
	{"vmscan", "mm_vmscan_memcg_reclaim_end", TRACE_RECLAIM_END, NULL, "nr_reclaimed", NULL,
	 false},
	{"vmscan", "mm_vmscan_direct_reclaim_begin", TRACE_RECLAIM_BEGIN, NULL, NULL, NULL, false},
	{"vmscan", "mm_vmscan_direct_reclaim_end", TRACE_RECLAIM_END, NULL, "nr_reclaimed", NULL,
	 false},
};
enum { SOURCES = sizeof(sources) / sizeof(sources[0]) };

struct reader {
	int id; /* of the event, -1: this kernel has none */
	struct tep_format_field *about, *value;
};

struct trace {
	int dir; /* of tracefs */
	char *name;
	struct tep_handle *tep;
	struct tracefs_instance *instance;
	struct reader readers[SOURCES];
	bool mm_events;
	size_t n;
	struct trace_event *events;
	uint64_t lost_ns; /* when the last events were lost, 0: never */
	uint64_t collected_ns;
};

/* ---- tracefs and the instance's folder ------------------------------------------------------ */

/* A mount that no path leads to; it goes with its descriptor. 5.2 and later. */
static int private_mount(void)
{
	FD_AUTO fs = fsopen("tracefs", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	int dir = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	return dir < 0 ? -errno : dir;
}

int trace_dir(struct err *err)
{
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	int why = private_mount();

	if (why >= 0)
		return why;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		FD_AUTO dir = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0 && faccessat(dir, "events/oom/mark_victim/enable", W_OK, 0) == 0)
			return fd_take(&dir);
	}
	/* ENOSYS: fsopen(2) is younger than this kernel, and nobody has mounted it. */
	if (why == -ENODEV || why == -ENOSYS)
		return err_set(err, ENODEV, "%s",
			       why == -ENODEV ? "this kernel has no tracefs (CONFIG_TRACING)"
					      : "not mounted: 'mount -t tracefs tracefs "
						"/sys/kernel/tracing' as root");
	return err_set(err, -why, "tracefs may not be used: run as root");
}

static char *instance_path(const char *name)
{
	return mem_printf("instances/%s", name);
}

static int write_below(struct trace *trace, const char *file, const char *text, struct err *err)
{
	MEM_AUTO char *path = mem_printf("instances/%s/%s", trace->name, file);

	return fd_write_text(trace->dir, path, text, err);
}

int trace_remove(const char *name, bool dry_run, bool *ret_there, struct err *err)
{
	MEM_AUTO char *path = instance_path(name);
	struct err ignored;

	*ret_there = false;
	FD_AUTO dir = trace_dir(&ignored);
	if (dir < 0 || faccessat(dir, path, F_OK, 0) < 0)
		return 0;
	*ret_there = true;
	if (!dry_run && unlinkat(dir, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot remove the tracefs instance '%s'", name);
	return 0;
}

/* ---- which events, and of whom -------------------------------------------------------------- */

static int enable_source(struct trace *trace, const struct source *source, struct err *err)
{
	MEM_AUTO char *filter = mem_printf("events/%s/%s/filter", source->system, source->name);
	MEM_AUTO char *enable = mem_printf("events/%s/%s/enable", source->system, source->name);

	if (source->filter && write_below(trace, filter, source->filter, err) < 0)
		return -err->code;
	return write_below(trace, enable, "1", err);
}

/* Only the formats that are needed: a whole system has dozens, and each is a file. */
static int find_reader(struct trace *trace, const struct source *source, struct reader *ret,
		       struct err *err)
{
	MEM_AUTO char *path = mem_printf("events/%s/%s/format", source->system, source->name);
	STR_AUTO format = STR_INIT;

	*ret = (struct reader){.id = -1};
	if (fd_read_all(trace->dir, path, &format, err) < 0)
		return -err->code;
	if (tep_parse_event(trace->tep, str_text(&format), format.len, source->system) != 0)
		return err_set(err, EPROTO, "cannot understand '%s'", path);
	struct tep_event *event = tep_find_event_by_name(trace->tep, source->system, source->name);
	ret->about = event && source->about ? tep_find_field(event, source->about) : NULL;
	ret->value = event && source->value ? tep_find_field(event, source->value) : NULL;
	if (!event || (source->about && !ret->about) || (source->value && !ret->value))
		return err_set(err, EPROTO, "'%s' lacks a field", path);
	ret->id = event->id;
	return 0;
}

static int enable_all(struct trace *trace, struct err *err)
{
	for (int i = 0; i < SOURCES; i++) {
		const struct source *source = &sources[i];
		struct reader *reader = &trace->readers[i];
		int r = find_reader(trace, source, reader, err);
		if (r == 0)
			r = enable_source(trace, source, err);
		if (r < 0 && source->required)
			return r;
		if (r < 0)
			reader->id = -1;
		trace->mm_events |= source->kind == TRACE_MM_GONE && r == 0;
	}
	return 0;
}

/* A kernel thread among the children of kthreadd, of 4.6 and later. 0: not found. */
static long reaper_pid(void)
{
	STR_AUTO children = STR_INIT;
	struct err err;

	if (fd_read_all(AT_FDCWD, "/proc/2/task/2/children", &children, &err) < 0)
		return 0;
	const char *at = str_text(&children);
	for (char *end;; at = end) {
		char path[40], comm[32];
		long pid = strtol(at, &end, 10);
		if (end == at || pid <= 0)
			return 0;
		(void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
		if (fd_read_text(AT_FDCWD, path, comm, sizeof(comm), &err) >= 0 &&
		    str_eq(comm, "oom_reaper\n"))
			return pid;
	}
}

static int choose_tasks(struct trace *trace, struct err *err)
{
	MEM_AUTO char *pids = mem_printf("%d %ld", (int)getpid(), reaper_pid());

	/* A zero for a reaper that was not found would be refused. */
	if (str_ends(pids, " 0"))
		pids[strlen(pids) - 2] = '\0';
	int r = write_below(trace, "options/event-fork", "1", err);
	return r < 0 ? r : write_below(trace, "set_event_pid", pids, err);
}

static int limit_buffers(struct trace *trace, struct err *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF), kb = cpus > 0 ? BUFFERS_KB / cpus : 0;
	char text[24];

	if (cpus <= MANY_CPUS)
		return 0;
	(void)snprintf(text, sizeof(text), "%ld", kb > BUFFER_MIN_KB ? kb : BUFFER_MIN_KB);
	return write_below(trace, "buffer_size_kb", text, err);
}

static int open_reader(struct trace *trace, const char *base, struct err *err)
{
	STR_AUTO header = STR_INIT;

	if (fd_read_all(trace->dir, "events/header_page", &header, err) < 0)
		return -err->code;
	/* Else libtracefs looks for a mounted one, and mounts it where there is none. */
	(void)tracefs_set_tracing_dir((char *)(uintptr_t)base);
	trace->tep = tep_alloc();
	trace->instance = tracefs_instance_alloc(base, trace->name);
	if (!trace->tep || !trace->instance)
		return err_set(err, ENOMEM, "libtracefs cannot open its instance");
	if (tep_parse_header_page(trace->tep, header.s, header.len, (int)sizeof(long)) != 0)
		return err_set(err, EPROTO, "cannot understand 'events/header_page'");
	return 0;
}

static int start(struct trace *trace, struct err *err)
{
	MEM_AUTO char *base = mem_printf("/proc/self/fd/%d", trace->dir);
	int r = open_reader(trace, base, err);

	if (r >= 0)
		r = write_below(trace, "trace_clock", "mono", err);
	if (r >= 0)
		r = limit_buffers(trace, err);
	if (r >= 0)
		r = choose_tasks(trace, err);
	return r < 0 ? r : enable_all(trace, err);
}

struct trace *trace_open(struct journal *journal, bool init_pid_ns, const char **ret_why)
{
	struct err err = ERR_INIT;

	/* The kernel compares its own pids with those that we write. */
	*ret_why = "namespace";
	if (!init_pid_ns)
		return NULL;
	int dir = trace_dir(&err);
	*ret_why = dir == -ENODEV ? "absent" : "denied";
	if (dir < 0)
		return NULL;
	struct trace *trace = mem_zero(1, sizeof(*trace));
	trace->dir = dir;
	trace->name = mem_printf("oomlab-%s", journal_id(journal));
	trace->events = mem_new(EVENTS_MAX * sizeof(*trace->events));
	MEM_AUTO char *path = instance_path(trace->name);
	int r = journal_note(journal, JOURNAL_TRACE, trace->name, NULL, &err);
	if (r >= 0 && mkdirat(dir, path, 0700) < 0)
		r = -errno;
	if (r >= 0)
		r = start(trace, &err);
	if (r >= 0)
		return trace;
	*ret_why = r == -EACCES || r == -EPERM ? "denied" : "failed";
	trace_close(trace);
	return NULL;
}

void trace_close(struct trace *trace)
{
	struct err ignored;
	bool there;

	if (!trace)
		return;
	if (trace->instance)
		tracefs_instance_free(trace->instance);
	if (trace->tep)
		tep_free(trace->tep);
	/* What cannot be removed stays in the journal, whose undoing says so. */
	(void)trace_remove(trace->name, false, &there, &ignored);
	fd_close_var(&trace->dir);
	free(trace->events);
	free(trace->name);
	free(trace);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void keep(struct trace *trace, const struct trace_event *event)
{
	if (trace->n == EVENTS_MAX) {
		size_t half = EVENTS_MAX / 2;
		trace->lost_ns = trace->events[half - 1].t_ns;
		memmove(trace->events, trace->events + half, half * sizeof(*trace->events));
		trace->n = half;
	}
	trace->events[trace->n++] = *event;
}

static int64_t number(struct tep_format_field *field, struct tep_record *record)
{
	unsigned long long value = 0;

	if (!field || tep_read_number_field(field, record->data, &value) < 0)
		return 0;
	/* libtraceevent gives the bytes as they are; a pid or code is a signed int. */
	return field->size == 4 ? (int32_t)value : (int64_t)value;
}

static int on_event(struct tep_event *event, struct tep_record *record, int cpu, void *data)
{
	struct trace *trace = data;

	(void)cpu;
	if (record->missed_events)
		trace->lost_ns = record->ts;
	for (int i = 0; i < SOURCES; i++) {
		const struct reader *reader = &trace->readers[i];
		if (reader->id != event->id)
			continue;
		struct trace_event kept = {.t_ns = record->ts,
					   .by = tep_data_pid(trace->tep, record),
					   .about = (int32_t)number(reader->about, record),
					   .value = number(reader->value, record),
					   .kind = sources[i].kind};
		keep(trace, &kept);
		break;
	}
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct trace_event *x = a, *y = b;

	return (x->t_ns > y->t_ns) - (x->t_ns < y->t_ns);
}

static bool in_order(const struct trace *trace)
{
	for (size_t i = 1; i < trace->n; i++)
		if (trace->events[i].t_ns < trace->events[i - 1].t_ns)
			return false;
	return true;
}

static void collect(struct trace *trace)
{
	(void)tracefs_iterate_raw_events(trace->tep, trace->instance, NULL, 0, on_event, trace);
	if (!in_order(trace))
		qsort(trace->events, trace->n, sizeof(*trace->events), by_time);
	trace->collected_ns = clock_ns();
}

void trace_collect(struct trace *trace)
{
	if (trace && clock_ns() - trace->collected_ns >= COLLECT_NS)
		collect(trace);
}

void trace_forget(struct trace *trace, uint64_t before_ns)
{
	size_t first = 0;

	if (!trace)
		return;
	while (first < trace->n && trace->events[first].t_ns < before_ns)
		first++;
	memmove(trace->events, trace->events + first, (trace->n - first) * sizeof(*trace->events));
	trace->n -= first;
}

/* ---- into the record ------------------------------------------------------------------------ */

static json_t *timeline_json(const struct trace *trace, const struct result *result, int32_t victim)
{
	struct timeline timeline;
	bool lost = trace->lost_ns >= result->began_ns;

	if (!timeline_find(trace->events, trace->n, victim, result->began_ns, result->ended_ns,
			   trace->mm_events, &timeline))
		return json_pack("{s:s}", "missing", lost ? "lost" : "unseen");
	json_t *marks = json_object();
	for (int mark = 0; mark < TIMELINE_MARKS; mark++)
		if (timeline.t_ns[mark])
			json_object_set_new(marks, timeline_mark_name((enum timeline_mark)mark),
					    field_u64_new(timeline.t_ns[mark]));
	return json_pack("{s:i, s:b, s:o}", "killer", timeline.killer, "lost", lost, "marks",
			 marks);
}

void trace_attach(struct trace *trace, const char *why, struct result *result)
{
	json_t *kill;
	size_t i;

	if (trace && json_array_size(result->kills) > 0)
		collect(trace);
	json_array_foreach (result->kills, i, kill) {
		int32_t pid = (int32_t)json_integer_value(json_object_get(kill, "pid"));
		json_object_set_new(kill, "timeline",
				    trace ? timeline_json(trace, result, pid)
					  : json_pack("{s:s}", "missing", why));
	}
}
