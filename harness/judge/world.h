/*
 * What was observed, as plain data: exec/ fills it from events, judge/ reads it. Nothing in here
 * is guessed; what was not seen is said to be not seen.
 */
#ifndef OOMLAB_JUDGE_WORLD_H
#define OOMLAB_JUDGE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/oomlog/predict.h"

enum world_life {
	WORLD_UNBORN,  /* not spawned yet */
	WORLD_RUNNING, /* spawned and not reaped; see 'blocked' and 'zombie' */
	WORLD_EXITED,  /* reaped: exit status in 'status' */
	WORLD_KILLED,  /* reaped: signal number in 'status' */
};

struct world_task {
	const char *name;
	int group; /* index of its group now; -1: none */
	pid_t pid; /* 0 while unborn */
	enum world_life life;
	int status;
	bool is_hog;
	/* Hogs: what the status page says (all 0 for commands). */
	uint64_t touched_pages;	  /* held now */
	uint64_t total_pages;	  /* touched ever */
	uint64_t predicted_pages; /* that fit, computed before its step; UINT64_MAX: not computed */
	uint64_t beats;
	uint64_t forks;
	uint32_t hog_state;	    /* enum hog_state */
	int violation;		    /* system call number, 0: none */
	const char *violation_name; /* of the system call; NULL: not known */
	bool violation_claimed;	    /* an expectation has named it */
	/* Lockstep. */
	bool pending;	  /* a command is under way: no receipt yet; stays so when it dies of it */
	bool stepping;	  /* and it is one of a step, not its own pattern */
	bool blocked;	  /* seen asleep in the kernel's OOM wait: state D, confirmed by wchan or
			   * under_oom, while a command or its pattern was under way */
	bool was_blocked; /* blocked at the last mark or since */
	bool resumed;	  /* a receipt, or progress of touched pages, came after it was blocked */
	bool proved;	  /* answered a ping (or for a command: seen alive, not a zombie) that was
			   * sent after this expectation began */
	bool at_exit;	  /* killed or exiting, and held by a tracer before it gives its memory
			   * back */
	char proc_state;  /* of /proc/PID/stat when read last, 0: never */
	char wchan[64];	  /* "" when unreadable or 0 */
	bool answered;	  /* it has sent a receipt of a command, ever */
	int last_errno;	  /* of the last receipt */
	int errno_unclaimed; /* of a receipt that no expectation and no step has named, 0: none */
	int signalled;	     /* last signal that a step sent, also by removing its group; 0: none */
	bool end_claimed;    /* a step or an expectation has named how it ended */
	uint64_t last_done_pages;
	uint64_t vm_swap_bytes; /* UINT64_MAX: not read */
	int64_t oom_score;	/* /proc/PID/oom_score; -1: not read */
};

/* What was predicted of a kill, and how that came out. */
struct world_forecast {
	bool asked;		      /* what follows is filled in */
	enum predict_outcome outcome; /* PREDICT_NONE: nothing was predicted */
	enum predict_doubt doubt;     /* why it does not decide */
	pid_t pid;		      /* predicted; -1: nobody, or not known */
	int task, child;	      /* whose process that is; -1 */
	int64_t points, margin;	      /* INT64_MAX: nobody else could be chosen */
	uint64_t error;		      /* points by which the margin may be off */
	bool member;		      /* it was not chosen: its group died with one that was */
};

/* The kernel's own table against the formula. */
struct world_audit {
	bool done; /* false: no table was printed */
	enum audit_verdict verdict;
	char why[200];
};

/* A process that the OOM killer killed, or seems to have killed. */
struct world_kill {
	pid_t pid;
	int task;  /* index; -1: not one of ours (or not known) */
	int child; /* index in the task's children table (fork hogs), the running number
		    * of the process (commands' descendants), or -1: the task itself */
	char comm[16];
	uint64_t t_ns;	 /* of the kernel's line, monotonic */
	uint64_t order;	 /* /dev/kmsg sequence number of the "Killed process" line; 0: not seen */
	int group;	 /* of the victim: index; -1: not known, or 'alone' */
	bool alone;	 /* it was in the scenario's own group, as tasks without a group are */
	bool by_wait;	 /* reaped with SIGKILL by us or by its parent's status page */
	bool by_line;	 /* "Killed process PID" seen */
	bool by_counter; /* covered by the oom_kill delta of its group */
	bool global;	 /* the machine was out of memory, not a group */
	/* From the long report; rate-limited by the kernel to 10 in 5 s, so often absent. */
	bool has_report;
	char constraint[32]; /* "CONSTRAINT_MEMCG" */
	char oom_memcg[256]; /* the group that hit its limit, kernel's path */
	char task_memcg[256];
	uint64_t anon_rss_bytes, file_rss_bytes, shmem_rss_bytes, total_vm_bytes;
	int oom_score_adj;  /* INT32_MIN: not printed */
	bool claimed;	    /* an expectation has named it */
	bool any_victim;    /* an expectation says that it need not be as predicted */
	uint64_t chosen_at; /* number of the first line that the kernel wrote about it */
	struct world_forecast forecast;
	struct world_audit audit;
	bool guessed;	  /* its line names a process that was gone already and was taken for ours
			   * because a counter had a kill too many */
	uint64_t seen_ns; /* when we read the line */
	size_t reap;	  /* the reaper's line about it was the reap'th of ours; 0: there is none */
	uint64_t reaped_after_ns; /* from the kernel's line about the kill to that one */
};

/* A counter that some expectation asks for: (group, name), with its value now and at the last
 * mark. 'error' is NULL or why it cannot be read. */
struct world_counter {
	int group;
	const char *name;
	uint64_t now, mark;
	uint64_t read_ns; /* when 'now' was */
	const char *error;
};

struct world_group {
	const char *name;
	const char *kernel_path; /* as in the kernel's log */
	uint64_t limit_bytes;	 /* now; UINT64_MAX: none */
	uint64_t usage_bytes;
	uint64_t under_oom;
	uint64_t oom_kill;	/* of this group alone, since it was made */
	uint64_t oom_kill_mark; /* the same at the last mark */
	uint64_t notifications; /* of the event descriptor since it was made */
	uint64_t notifications_mark;
	uint64_t pressures; /* how often the kernel told of a stall since a 'watch' step */
	uint64_t pressures_mark;
	bool populated; /* live processes inside or below */
	bool exists;
};

struct world {
	uint64_t now_ns;
	uint64_t page_size;
	bool has_log;	   /* /dev/kmsg is read and its pids are ours */
	bool double_count; /* memory.oom.group on v2: the kernel counts the chosen victim twice */
	size_t n_tasks, n_groups, n_kills, n_counters;
	struct world_task *tasks;
	struct world_group *groups;
	struct world_kill *kills; /* in the order in which the kernel's lines came; kills without
				   * a line come last */
	struct world_counter *counters;
	char **lines; /* of the kernel's log since the scenario began */
	size_t n_lines, lines_mark;
	size_t n_reaps, reaps_mark; /* lines of the OOM reaper about these kills */
	size_t kills_mark;	    /* kills before this one belong to earlier expectations */
	uint64_t swap_used_bytes;   /* of the machine, since the scenario began */
};

#endif
