/*
 * A run of copies under way; between pack_run.c (starting and waiting) and pack_copy.c (one copy:
 * what it writes, how it ended). Private to harness/size.
 */
#ifndef OOMLAB_SIZE_PACK_INTERNAL_H
#define OOMLAB_SIZE_PACK_INTERNAL_H

#include <sys/resource.h>

#include "base/loop.h"
#include "harness/size/lab.h"
#include "harness/size/pack_command.h"
#include "harness/size/pack_run.h"
#include "harness/size/spawn.h"

struct pack_live;

struct pack_copy {
	struct pack_live *live;
	uint64_t number; /* from 1 */
	struct pack_command command;
	struct spawned child;
	struct loop_source *out, *err;
	bool gone;
	int status; /* of waitpid */
	uint64_t output_sum, output_bytes;
	size_t tail_len;
	char tail[RUN_TAIL_MAX + 1];
};

struct pack_live {
	struct size_lab *lab;
	const struct pack_spec *spec;
	struct pack_result *ret;
	struct cg *group;
	struct loop *loop;
	struct pack_copy *copies;
	uint64_t n, n_gone;
	bool ending; /* everything was killed; ret->end says why */
	uint64_t began_ns, ended_ns, left_ns, deadline_ns, next_tick_ns;
	uint64_t next_search_ns;      /* for who has left the group */
	uint64_t grew_ns, grew_bytes; /* when they last held noticeably more than this */
};

/* Ends the run early, for this reason; the first reason stays. */
void pack_end_now(struct pack_live *live, enum run_end why);

/* Starts it, held back. */
int pack_copy_start(struct pack_copy *copy, struct pack_live *live, uint64_t number,
		    struct err *err);
void pack_copy_ended(struct pack_copy *copy, int status, const struct rusage *usage);
/* Reads what is left of its output. */
void pack_copy_drain(struct pack_copy *copy);
/* After the run, when all ended well: whether its files and its check are as they should be. */
bool pack_copy_result_is_good(struct pack_copy *copy);
void pack_copy_clear(struct pack_copy *copy);

#endif
