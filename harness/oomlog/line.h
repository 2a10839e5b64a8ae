/*
 * Single lines of the kernel's OOM reports, enough to say who was killed and where: the kill line
 * and the one-line summary. Pure text in, data out.
 *
 * Sources: mm/oom_kill.c (__oom_kill_process, dump_oom_summary), formats of 2.6.33 to 6.18.
 */
#ifndef OOMLAB_OOMLOG_LINE_H
#define OOMLAB_OOMLOG_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum oomlog_kind {
	OOMLOG_OTHER = 0,
	OOMLOG_INVOKED,	   /* "COMM invoked oom-killer: ...": a report begins */
	OOMLOG_SUMMARY,	   /* "oom-kill:constraint=...": 5.0 and later */
	OOMLOG_KILLED,	   /* "... Killed process PID (COMM) ..." */
	OOMLOG_GROUP_KILL, /* "Tasks in PATH are going to be killed due to memory.oom.group set" */
	OOMLOG_REAPED,	   /* "oom_reaper: reaped process PID (COMM), ..." */
	OOMLOG_NO_VICTIM,  /* "Out of memory and no killable processes..." */
};

struct oomlog_line {
	enum oomlog_kind kind;
	pid_t pid; /* victim; 0 where the line has none */
	char comm[16];
	char constraint[32];
	char oom_memcg[256]; /* "" for a global OOM */
	char task_memcg[256];
	bool memcg;  /* OOMLOG_KILLED: "Memory cgroup out of memory" */
	bool global; /* OOMLOG_KILLED: "Out of memory": of the machine, 5.0 and later */
	/* OOMLOG_KILLED; bytes (the line prints kB); UINT64_MAX: not printed */
	uint64_t total_vm_bytes, anon_rss_bytes, file_rss_bytes, shmem_rss_bytes;
	int oom_score_adj; /* INT32_MIN: not printed (before 5.4) */
};

/* Reads one message without prefixes (as /dev/kmsg has it after the ';'). */
enum oomlog_kind oomlog_parse(const char *text, struct oomlog_line *ret);

/* A /dev/kmsg record "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,...];TEXT\n[ KEY=VALUE\n...]".
 * Cuts the record at the end of its text; returns the text within record, NULL when it is none or
 * not the kernel's own: anybody who may write /dev/kmsg can write a line that looks like a kill. */
char *oomlog_kmsg(char *record, uint64_t *ret_sequence, uint64_t *ret_us);

#endif
