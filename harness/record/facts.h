/*
 * What a host can do: gathered once by exec/facts.c, used by the planner to decide skips, stored
 * in every record. One row of the table in facts.c names, saves, loads and prints a field.
 */
#ifndef OOMLAB_RECORD_FACTS_H
#define OOMLAB_RECORD_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "harness/record/field.h"

enum { FACT_TEXT_MAX = 160 };

struct facts {
	char kernel[FACT_TEXT_MAX];  /* uname release */
	char machine[FACT_TEXT_MAX]; /* uname machine */
	char host[FACT_TEXT_MAX];
	char os[FACT_TEXT_MAX];		   /* PRETTY_NAME */
	char oomlab[FACT_TEXT_MAX];	   /* our version */
	char cgroups[FACT_TEXT_MAX];	   /* cg_host_describe() */
	char stress_ng[FACT_TEXT_MAX];	   /* its version, "" when not installed */
	char thp[FACT_TEXT_MAX];	   /* always, madvise, never, "" */
	char no_groups[FACT_TEXT_MAX * 2]; /* why groups cannot be made, "" when they can */
	char no_kmsg[FACT_TEXT_MAX];	   /* why /dev/kmsg cannot be read, "" when it can */
	char no_swap[FACT_TEXT_MAX];	   /* why swapon is impossible, "" when it can */
	char no_zram[FACT_TEXT_MAX];
	char no_psi[FACT_TEXT_MAX];
	char no_tracefs[FACT_TEXT_MAX];
	uint64_t page_size;	 /* bytes */
	uint64_t huge_page_size; /* of hugetlb's default, bytes; 0: the kernel has none */
	uint64_t cpus, nodes;	 /* online */
	uint64_t mem_total_bytes, mem_available_bytes;
	uint64_t swap_total_bytes;
	uint64_t group_room_bytes; /* what limits of the groups around ours leave; 0: no limit */
	uint64_t memory_version;   /* 0 none, 1, 2 */
	uint64_t pids_version, cpuset_version;
	uint64_t uid;
	bool memsw;	  /* v1 memory.memsw.* is there */
	bool twin;	  /* a v2 hierarchy is mounted */
	bool localevents; /* v2 is mounted with memory_localevents */
	bool cap_sys_resource, cap_sys_admin;
	bool init_pid_ns; /* our pids are the kernel log's pids */
	bool disposable;  /* a VM of ours, or --this-machine-is-disposable */
	bool vm; /* a virtual machine that 'oomlab vm' has booted and watches from outside */
};

/* The rows of all facts, in the order in which people read them; print with field_print(). */
const struct field *facts_rows(void);

json_t *facts_to_json(const struct facts *facts);
int facts_from_json(const json_t *json, struct facts *ret, struct err *err);

#endif
