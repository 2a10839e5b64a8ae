/*
 * The course of one kill, from the kernel's tracepoints: limit hit, victim marked, signal, reaper,
 * exit, memory back, the waiter runs again. Pure: events in, marks out; exec/trace.c reads them.
 *
 * Sources: include/trace/events/{oom,signal,sched,vmscan,mmap}.h of 4.13 to 7.3-rc.
 */
#ifndef OOMLAB_OOMLOG_TIMELINE_H
#define OOMLAB_OOMLOG_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_kind {
	TRACE_RECLAIM_BEGIN, /* vmscan: by: who needs memory */
	TRACE_RECLAIM_END,   /* vmscan: value: pages reclaimed */
	TRACE_SIGNAL,	     /* signal_generate of SIGKILL: about: to whom; value: si_code */
	TRACE_MARK,	  /* oom:mark_victim: about: the victim (a thread's id); by: who killed */
	TRACE_DELIVER,	  /* signal_deliver of SIGKILL: by: who got it */
	TRACE_REAP_BEGIN, /* oom:start_task_reaping */
	TRACE_REAP_END,	  /* oom:finish_task_reaping */
	TRACE_REAP_SKIP,  /* oom:skip_task_reaping */
	TRACE_EXIT,	  /* sched_process_exit: about */
	TRACE_MM_GONE,	  /* mmap:exit_mmap, 6.1 and later: by: who held the last reference */
	TRACE_RUNS,	  /* sched_switch: about: who runs next */
};

struct trace_event {
	uint64_t t_ns; /* CLOCK_MONOTONIC */
	int32_t by;    /* the task in whose context it happened */
	int32_t about;
	int64_t value;
	enum trace_kind kind;
};

enum timeline_mark {
	TIMELINE_LIMIT_HIT, /* the first reclaim that found nothing more, of those before the kill
			     */
	TIMELINE_SIGNAL,
	TIMELINE_MARKED,
	TIMELINE_DELIVERED,
	TIMELINE_REAPER_BEGINS,
	TIMELINE_REAPER_DONE,
	TIMELINE_EXIT,
	TIMELINE_MEMORY_BACK,
	TIMELINE_WAITER_RUNS, /* the task that had to wait for the kill shows itself again */
	TIMELINE_MARKS
};
const char *timeline_mark_name(enum timeline_mark mark); /* "limit_hit" */

struct timeline {
	uint64_t t_ns[TIMELINE_MARKS]; /* 0: not seen */
	int32_t killer;		       /* in whose context the victim was chosen */
};

/* Finds the kill of this process that was marked within [from_ns, to_ns]; events are in order of
 * time. 'mm_events': this kernel has mmap:exit_mmap; without it the exit stands for the memory.
 * false: it was not seen. */
bool timeline_find(const struct trace_event *events, size_t n, int32_t victim, uint64_t from_ns,
		   uint64_t to_ns, bool mm_events, struct timeline *ret);

#endif
