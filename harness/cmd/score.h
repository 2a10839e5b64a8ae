/*
 * What 'oomlab score' shows: processes ranked as the kernel would choose among them now, of the
 * machine or of a memory cgroup. Private to cmd_score.c and score_*.c.
 *
 *   score_read.c  /proc and cgroups -> ranked rows, held against /proc/PID/oom_score
 *   score_tell.c  sentences: who is next, by what margin, how sure, what would change it
 *   score_show.c  the table            score_json.c  the same for programs
 */
#ifndef OOMLAB_CMD_SCORE_H
#define OOMLAB_CMD_SCORE_H

#include <limits.h>
#include <sys/types.h>

#include "base/str.h"
#include "cgroups/cg.h"
#include "harness/exec/candidates.h"

/* Our calculation beside the number in /proc/PID/oom_score. */
enum score_match {
	SCORE_UNREAD = 0,
	SCORE_SAME,
	SCORE_WITHIN_ERROR, /* differs by what the kernel's counters may */
	SCORE_MOVING,	    /* changed each time between two looks */
	SCORE_DIFFERS,
	SCORE_HIDDEN, /* cannot be read */
};
extern const char *const score_match_names[]; /* for JSON; NULL: unread */

struct score_row {
	size_t at;   /* of the candidate */
	size_t rank; /* from 1; 0: never */
	int64_t points;
	int64_t kernel_score, own_score; /* by the rules of the kernel that runs */
	uint8_t match;			 /* enum score_match */
};

/* Processes that one OOM would choose among. */
struct score_scope {
	char *dir;		 /* NULL: the machine */
	const char *path;	 /* of the group; points into dir */
	struct cg_limits limits; /* of the group */
	bool limited;		 /* the group has a limit of its own */
	uint64_t total_pages;	 /* T */
	struct candidates *c;
	struct score_row *rows; /* in the kernel's order of preference, then the ineligible */
	size_t n_rows, cap_rows, n_eligible, n_kthreads;
	struct badness_choice choice;
	bool has_victim_adj, has_next_adj; /* an oom_score_adj changes the choice */
	int victim_adj, next_adj;
};

struct score {
	const char *release;		   /* of the kernel that runs */
	const struct badness_rules *rules; /* asked for */
	const struct badness_rules *kernel_rules;
	bool forced; /* --generation: of another kernel perhaps */
	size_t top;  /* rows to show; 0: all */
	bool places; /* the rank of any row may be asked for */
	struct cg_host *groups;
	struct score_scope main;
	struct candidates *one;	 /* to look again at one process */
	bool allocating, panics; /* vm.oom_kill_allocating_task, vm.panic_on_oom */
	bool invisible;		 /* hidepid=2: processes of others are not even listed */
};

/* 'dir' of a memory group, NULL: the machine. */
int score_open(struct score *score, const char *dir, struct err *err);
void score_close(struct score *score);
int score_scope_open(struct score *score, const char *dir, struct score_scope *ret,
		     struct err *err);
void score_scope_close(struct score_scope *scope);
/* Reads and ranks anew. */
int score_scope_read(const struct score *score, struct score_scope *scope, struct err *err);
/* Holds the rows that will be shown against /proc/PID/oom_score, looking again at those that
 * changed in between. 'pids' (n): only those of them. */
void score_check(const struct score *score, struct score_scope *scope, const int64_t *pids,
		 size_t n);
/* The row of a process; NULL: none. */
const struct score_row *score_find(const struct score_scope *scope, int64_t pid);
/* Whether a row is shown: within --top, kernel threads only with all. */
bool score_is_shown(const struct score *score, const struct score_scope *scope, size_t row);

/* The memory that so many points stand for, in pages; kernels up to 3.4 count thousandths of T. */
uint64_t score_pages(const struct score *score, const struct score_scope *scope, int64_t points);
/* How many can be chosen and are shown, and what oom_score_adj weighs: one sentence. */
void score_tell_count(const struct score *score, const struct score_scope *scope, size_t shown,
		      struct str *out);
/* Sentences, a line each, cleaned for a terminal. */
void score_tell(const struct score *score, const struct score_scope *scope, struct str *out);
/* Where one process stands in a scope, one line. */
void score_tell_place(const struct score_scope *scope, const struct score_row *row,
		      struct str *out);
/* Why rows differ from oom_score, a line each. */
void score_tell_differences(const struct score *score, const struct score_scope *scope,
			    struct str *out);
/* "pid 71 (oomhog)", cleaned. */
void score_name(struct str *out, const struct score_scope *scope, size_t at);

struct score_view {
	bool colour;
	size_t width;  /* columns; 0: as long as it gets */
	size_t height; /* rows, or lines of a screen; 0: any number */
};
/* The table; 'pids' (n): only those of them. Returns the number of rows. */
size_t score_show(const struct score *score, const struct score_scope *scope, const int64_t *pids,
		  size_t n, const struct score_view *view, struct str *out);

#endif
