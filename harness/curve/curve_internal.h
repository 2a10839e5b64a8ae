/*
 * A play under way; between curve_play.c (processes and time) and curve_log.c (the kernel's log).
 * Private to harness/curve.
 */
#ifndef OOMLAB_CURVE_INTERNAL_H
#define OOMLAB_CURVE_INTERNAL_H

#include "base/loop.h"
#include "harness/curve/curve_play.h"
#include "harness/exec/task.h"

/* What the log said of one kill. */
struct play_kill {
	pid_t pid;
	uint64_t anon_rss_bytes, usage_bytes, limit_bytes;
};

struct play {
	struct size_lab *lab;
	const struct curve_load_set *set;
	const struct play_options *options;
	struct play_result *ret;
	struct cg *group;
	struct loop *loop;
	struct plan_task plans[CURVE_ROLES_MAX];
	char **argv[CURVE_ROLES_MAX];
	struct task tasks[CURVE_ROLES_MAX];
	bool gone[CURVE_ROLES_MAX];
	size_t n_tasks;
	int kmsg;
	uint64_t report_usage_bytes, report_limit_bytes; /* of the report that is being read */
	struct play_kill kills[CURVE_DEATHS_MAX];
	size_t n_kills;
	uint64_t zero_ns;
	bool over;
};

/* -1 in play->kmsg: it cannot be read here. */
void play_log_open(struct play *play);
/* What the kernel has written since. */
void play_log_read(struct play *play);
const struct play_kill *play_log_kill(const struct play *play, pid_t pid);

#endif
