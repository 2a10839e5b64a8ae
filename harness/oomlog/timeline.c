/*
 * See timeline.h. One walk back from the moment the victim was marked, for the limit, and one
 * forward, for what followed.
 */
#include "harness/oomlog/timeline.h"

enum { SI_FROM_KERNEL = 0x80 }; /* SI_KERNEL: send_sig_priv(), as oom_kill_process() does */

static const char *const names[TIMELINE_MARKS] = {
	[TIMELINE_LIMIT_HIT] = "limit_hit",
	[TIMELINE_SIGNAL] = "signal",
	[TIMELINE_MARKED] = "marked",
	[TIMELINE_DELIVERED] = "delivered",
	[TIMELINE_REAPER_BEGINS] = "reaper_begins",
	[TIMELINE_REAPER_DONE] = "reaper_done",
	[TIMELINE_EXIT] = "exit",
	[TIMELINE_MEMORY_BACK] = "memory_back",
	[TIMELINE_WAITER_RUNS] = "waiter_runs",
};

const char *timeline_mark_name(enum timeline_mark mark)
{
	return names[mark];
}

static void set_once(struct timeline *timeline, enum timeline_mark mark, uint64_t t_ns)
{
	if (timeline->t_ns[mark] == 0)
		timeline->t_ns[mark] = t_ns;
}

/* Back from the mark: the signal, and the chain of reclaims by the same task that gave nothing. A
 * charge that made progress is tried again (try_charge_memcg), so the chain begins behind it. */
static void look_back(const struct trace_event *events, size_t at, uint64_t from_ns,
		      struct timeline *ret)
{
	int32_t victim = events[at].about;
	bool fruitless = false;

	for (size_t i = at; i-- > 0 && events[i].t_ns >= from_ns;) {
		const struct trace_event *event = &events[i];
		if (event->by != ret->killer)
			continue;
		if (event->kind == TRACE_SIGNAL && event->about == victim &&
		    event->value == SI_FROM_KERNEL)
			ret->t_ns[TIMELINE_SIGNAL] = event->t_ns;
		if (event->kind == TRACE_RECLAIM_END) {
			if (event->value > 0)
				return;
			fruitless = true;
		}
		if (event->kind == TRACE_RECLAIM_BEGIN && fruitless)
			ret->t_ns[TIMELINE_LIMIT_HIT] = event->t_ns;
	}
}

static void victim_event(const struct trace_event *event, int32_t victim, bool mm_events,
			 struct timeline *ret)
{
	if (event->kind == TRACE_DELIVER && event->by == victim)
		set_once(ret, TIMELINE_DELIVERED, event->t_ns);
	else if (event->kind == TRACE_MM_GONE && event->by == victim)
		set_once(ret, TIMELINE_MEMORY_BACK, event->t_ns);
	if (event->about != victim)
		return;
	if (event->kind == TRACE_SIGNAL && event->value == SI_FROM_KERNEL &&
	    event->by == ret->killer)
		set_once(ret, TIMELINE_SIGNAL, event->t_ns);
	else if (event->kind == TRACE_REAP_BEGIN)
		set_once(ret, TIMELINE_REAPER_BEGINS, event->t_ns);
	else if (event->kind == TRACE_REAP_END)
		set_once(ret, TIMELINE_REAPER_DONE, event->t_ns);
	else if (event->kind == TRACE_EXIT)
		set_once(ret, TIMELINE_EXIT, event->t_ns);
	/* Up to 6.15 the exit is reported behind exit_mm(): the memory is back by then. */
	if (event->kind == TRACE_EXIT && !mm_events)
		set_once(ret, TIMELINE_MEMORY_BACK, event->t_ns);
}

/* The killer waits for the memory, unless it is the victim itself. */
static bool shows_itself(const struct trace_event *event, const struct timeline *timeline)
{
	return (event->kind == TRACE_RUNS && event->about == timeline->killer) ||
	       (event->kind != TRACE_RUNS && event->by == timeline->killer);
}

static void look_on(const struct trace_event *events, size_t n, size_t at, uint64_t to_ns,
		    bool mm_events, struct timeline *ret)
{
	int32_t victim = events[at].about;

	for (size_t i = at + 1; i < n && events[i].t_ns <= to_ns; i++) {
		/* The number again: a later kill, of a process that was given the same pid. */
		if (events[i].kind == TRACE_MARK && events[i].about == victim)
			return;
		if (ret->t_ns[TIMELINE_MEMORY_BACK] && ret->killer != victim &&
		    shows_itself(&events[i], ret)) {
			set_once(ret, TIMELINE_WAITER_RUNS, events[i].t_ns);
			return;
		}
		victim_event(&events[i], victim, mm_events, ret);
	}
}

bool timeline_find(const struct trace_event *events, size_t n, int32_t victim, uint64_t from_ns,
		   uint64_t to_ns, bool mm_events, struct timeline *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (events[i].kind != TRACE_MARK || events[i].about != victim ||
		    events[i].t_ns < from_ns || events[i].t_ns > to_ns)
			continue;
		*ret = (struct timeline){.killer = events[i].by};
		ret->t_ns[TIMELINE_MARKED] = events[i].t_ns;
		look_back(events, i, from_ns, ret);
		look_on(events, n, i, to_ns, mm_events, ret);
		return true;
	}
	return false;
}
