/*
 * The state of one scenario under way, shared by the files that run it:
 *   runner.c   life cycle: groups, tasks, steps, take-down
 *   outcome.c  the result: how it begins and what is in it at the end
 *   steps.c    one function a step kind, those that follow aside
 *   alloc.c    steps that make a hog allocate or free
 *   fill.c     the step that fills a group until enough were killed
 *   expect.c   expectations, and the judgement at the end
 *   events.c   what the loop delivers: receipts, deaths, notifications, kernel lines
 *   observe.c  the world as of now: counters, states, status pages
 *   kills.c    kills, and what each source says of them
 *   owner.c    which task and group a killed pid was of
 *   foresee.c  predictions of victims; foresee.h names what belongs to it
 *   audit.c    the kernel's own table of a kill against the formula
 *   emit.c     event lines
 * Nothing outside harness/exec includes this.
 */
#ifndef OOMLAB_EXEC_RUNNER_INTERNAL_H
#define OOMLAB_EXEC_RUNNER_INTERNAL_H

#include <jansson.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/str.h"
#include "harness/exec/runner.h"
#include "harness/exec/task.h"
#include "harness/judge/judge.h"
#include "harness/oomlog/line.h"

enum {
	KILLS_MAX = 8192, /* kills told apart in one scenario; more end it as broken */
	LOG_LINES_MAX = 2000,
	ALL_LINES_MAX = 20000, /* of the machine's log, for 'says' */
	FIRST_CPU = 0,
};

#define SAMPLE_NS 100000000ULL /* between two samples of usage while nothing happens */
/* The kernel sends no event when a second task falls asleep in the OOM wait of a group that is
 * under OOM already (mem_cgroup_oom_trylock fails: no notification, 3.12 to 6.18), nor when the
 * first is scheduled out. While a step waits for that, the task's state is looked at this often. */
#define BLOCKED_POLL_NS 500000ULL

/* A killed process that is not our direct child: its death is seen through a pidfd. */
struct stranger {
	pid_t pid;
	int pidfd;
	struct loop_source *source;
	struct runner *runner;
	struct stranger *next;
};

struct runner {
	const struct plan *plan;
	const struct runner_options *options;
	struct loop *loop;
	struct cg *top;	    /* the scenario's own group */
	struct cg *outside; /* v2: of tasks without a group, as 'top' may hold none; else NULL */
	struct cg **groups; /* one per plan group; NULL once removed */
	int *pressure_fds;  /* one per plan group; 0: not watched */
	struct task *tasks;
	struct task_hook *hooks; /* one a task: (runner, task index) for callbacks */
	struct world world;
	struct stranger *strangers;
	struct result result;
	struct findings findings; /* of the expectation that failed */
	uint64_t deadline_ns;	  /* of the whole scenario */
	uint64_t next_sample_ns;
	uint64_t go_ns;		      /* when the first step began */
	const struct plan_step *step; /* under way */
	int kmsg_fd;
	int signal_fd;
	int swaps_fd;	/* /proc/swaps, -1: the scenario changes them itself */
	pid_t swap_pid; /* child doing swapoff/swapon, 0: none */
	int swap_status;
	bool yields; /* those who ask let a killed task go first, see yield.h */
	bool interrupted;
	bool kmsg_lost;		    /* the kernel overwrote records before we read them */
	bool swaps_changed;	    /* by somebody else */
	bool report_open;	    /* kernel lines of a report are being kept */
	uint64_t report_first;	    /* number of its first line: the kernel had chosen by then */
	uint64_t log_next;	    /* number of the line to come */
	bool group_kill;	    /* memory.oom.group: kills that follow are no choices */
	json_t *report;		    /* those lines, until it is known whose report it is */
	struct oomlog_line summary; /* of the report under way, waits for its kill line */
	bool has_summary;
	struct tracer *tracers;
	struct foresight *foresight; /* NULL: nothing can be foreseen here */
	bool stop;		     /* verdict is decided: no further steps */
};

struct task_hook {
	struct runner *runner;
	int index;
};

/* ---- runner.c ---- */
/* Ends the scenario with this verdict and reason unless one is decided already. */
void runner_verdict(struct runner *run, enum verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void runner_warn(struct runner *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Lets a hog begin its own pattern; it is pending until that has ended. */
void runner_go(struct runner *run, int task);
/* A task that begins or ends a command of memory; see yield.h. One with a 'nice' keeps that. */
void runner_asks(struct runner *run, int task, bool begins);
/* Waits for events until done() says so, or the deadline. 'poll_ns': look again this often
 * even without an event (0: never); see BLOCKED_POLL_NS. Returns 1: done, 0: deadline (the
 * scenario's own or this one), -1: the scenario was stopped (verdict decided). */
typedef bool (*runner_done_fn)(struct runner *run, void *data);
int runner_wait(struct runner *run, runner_done_fn done, void *data, uint64_t deadline_ns,
		uint64_t poll_ns);

/* ---- setup.c ---- */
/* EOPNOTSUPP: this machine cannot, a skip. */
int setup_all(struct runner *run, struct err *err);
void setup_start(struct runner *run); /* patterns of tasks that wait for no step */
int setup_spawn(struct runner *run, int task, struct err *err);

/* ---- outcome.c ---- */
void outcome_begin(struct runner *run);
void outcome_end(struct runner *run);

/* ---- steps.c ---- */
void step_run(struct runner *run, const struct plan_step *step);
/* The scenario fails at this step's line. */
void step_fail(struct runner *run, const struct plan_step *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *step_task(const struct runner *run, int task); /* its name */

/* ---- alloc.c, fill.c, expect.c ---- */
void step_alloc(struct runner *run, const struct plan_step *step);
void step_expect(struct runner *run, const struct plan_step *step);
void step_fill(struct runner *run, const struct plan_step *step);
/* Kills of our processes so far. */
size_t alloc_kills(const struct runner *run);
/* Sends the step's task one command; false: it cannot take it, and that is the verdict. */
bool alloc_send(struct runner *run, const struct plan_step *step, enum hog_op op, uint64_t bytes);
/* A group's usage without what CPUs have taken in advance; takes some milliseconds. */
int alloc_exact_usage(struct runner *run, int group, int cpu, uint64_t *ret_bytes, struct err *err);
void step_decide(struct runner *run, const struct plan_step *step);
/* tracer.c */
void step_trace(struct runner *run, const struct plan_step *step);
/* Who is held at its exit, or gets there from now on, may go. */
void tracer_let_go(struct runner *run);
void tracer_free(struct runner *run);
/* What must hold when all steps are done; see judge_final(). */
void step_final(struct runner *run);
/* The machine should go down now; who still runs then has failed. */
void step_panic(struct runner *run);

/* ---- events.c ---- */
int events_open(struct runner *run, struct err *err);
void events_close(struct runner *run);
/* Delivers what has happened already, and waits for nothing. */
void events_deliver(struct runner *run);
int events_watch_group(struct runner *run, int group, struct err *err);
/* 'trigger' as cg_pressure_fd() takes it. */
int events_watch_pressure(struct runner *run, int group, const char *trigger, struct err *err);
int events_watch_task(struct runner *run, int task, struct err *err);
void events_reap(struct runner *run);
/* Reads what the kernel's log has by now. */
void events_read_log(struct runner *run);

/* ---- observe.c ---- */
/* Fills the world from the kernel; 'wants' are judge_wants bits. */
void observe(struct runner *run, unsigned wants);
/* Reads state and wchan of one task and updates blocked/resumed. */
void observe_blocked(struct runner *run, int task);
void observe_mark(struct runner *run);
void observe_sample(struct runner *run);
/* "alloc_1: running (state D, wchan ...), 2560 pages; ..." for messages. */
void observe_describe_task(struct runner *run, int task, struct str *out);

/* ---- kills.c ---- */
/* Takes a kill line; returns whether the victim was one of ours. */
bool kills_line(struct runner *run, const struct oomlog_line *line, uint64_t sequence, uint64_t us);
void kills_wait(struct runner *run, int task);
/* Takes the OOM reaper's line about a kill; returns whether it was one of ours. */
bool kills_reaped(struct runner *run, const struct oomlog_line *line, uint64_t us);
/* Attributes kills to tasks and counters; called by observe(). */
void kills_settle(struct runner *run);

/* ---- owner.c ---- */
/* The group with this path of the kernel's, or -1. */
int owner_group(const struct runner *run, const char *path);
/* Whether this is where tasks without a group are. */
bool owner_is_alone(const struct runner *run, const char *path);
/* The process that a kill line means, which may name one of its threads. */
pid_t owner_victim(const struct runner *run, const struct oomlog_line *line);
/* Fills in task, child and group as far as they are known by now. */
void owner_find(struct runner *run, struct world_kill *kill);
/* Whether the killed process is a task's own, which we reap ourselves. */
bool owner_is_task(const struct runner *run, const struct world_kill *kill);
/* Finds owners by the groups' counters for kills that have none yet. */
void owner_settle(struct runner *run);
/* Our task with this pid, or the hog whose children table has it; -1: neither. */
int owner_task(const struct runner *run, pid_t pid, int *ret_child);
/* Whether two processes have one memory; false also where the kernel does not say. */
bool owner_share_memory(pid_t a, pid_t b);
/* Whether a command (no hog) is there and not asleep. */
bool owner_command_awake(const struct runner *run, int task);

/* ---- audit.c ---- */
/* Holds the report of this kill, run->report, against the formula. */
void audit_kill(struct runner *run, struct world_kill *kill);

/* ---- foresee.c ---- */
void foresee_open(struct runner *run);
void foresee_close(struct runner *run);
/* Before and after a step. */
void foresee_begin(struct runner *run, const struct plan_step *step);
void foresee_end(struct runner *run, const struct plan_step *step);
/* A task came into its group: the order of the kernel's scan. */
void foresee_arrived(struct runner *run, int task);
/* A kill that is known to be ours: judged once. */
void foresee_killed(struct runner *run, struct world_kill *kill);
/* The log is read to its end, 'next' would be its next line. 'again': read on, predictions were
 * made meanwhile. */
void foresee_log_end(struct runner *run, uint64_t next, bool *ret_again);

/* ---- emit.c ---- */
/* Adds an event with the time now; 'fields' (stolen, may be NULL) is an object. */
void emit(struct runner *run, const char *event, json_t *fields);
void emit_result(struct runner *run);

#endif
