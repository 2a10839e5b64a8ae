/*
 * The table of facts: a new fact is a member in facts.h and a row here. Gathering them is
 * exec/facts.c's business.
 */
#include "harness/record/facts.h"

#include <string.h>

#define FACT(kind, member, label)                                         \
	{                                                                 \
#member, kind, offsetof(struct facts, member),            \
			sizeof(((struct facts *)0)->member), false, label \
	}

static const struct field rows[] = {
	FACT(FIELD_CHARS, kernel, "kernel"),
	FACT(FIELD_CHARS, machine, "machine"),
	FACT(FIELD_CHARS, host, "host"),
	FACT(FIELD_CHARS, os, "system"),
	FACT(FIELD_CHARS, oomlab, "oomlab"),
	FACT(FIELD_CHARS, cgroups, "control groups"),
	FACT(FIELD_U64, memory_version, "memory controller's version"),
	FACT(FIELD_U64, pids_version, "pids controller's version"),
	FACT(FIELD_U64, cpuset_version, "cpuset controller's version"),
	FACT(FIELD_BOOL, memsw, "memory+swap limit (v1 memsw)"),
	FACT(FIELD_BOOL, twin, "v2 hierarchy mounted"),
	FACT(FIELD_BOOL, localevents, "memory.events are local (v2)"),
	FACT(FIELD_WHY_NOT, no_groups, "can make groups"),
	FACT(FIELD_WHY_NOT, no_kmsg, "kernel log (/dev/kmsg)"),
	FACT(FIELD_WHY_NOT, no_tracefs, "tracefs"),
	FACT(FIELD_WHY_NOT, no_psi, "pressure (PSI)"),
	FACT(FIELD_WHY_NOT, no_swap, "swap can be turned on"),
	FACT(FIELD_WHY_NOT, no_zram, "zram"),
	FACT(FIELD_BYTES, page_size, "page size"),
	FACT(FIELD_BYTES, huge_page_size, "huge page size (hugetlb)"),
	FACT(FIELD_U64, cpus, "CPUs online"),
	FACT(FIELD_U64, nodes, "memory nodes online"),
	FACT(FIELD_BYTES, mem_total_bytes, "memory"),
	FACT(FIELD_BYTES, mem_available_bytes, "memory available"),
	FACT(FIELD_BYTES, swap_total_bytes, "swap turned on"),
	FACT(FIELD_BYTES, group_room_bytes, "memory that the groups around leave (0: all)"),
	FACT(FIELD_CHARS, thp, "transparent huge pages"),
	FACT(FIELD_CHARS, stress_ng, "stress-ng"),
	FACT(FIELD_U64, uid, "user id"),
	FACT(FIELD_BOOL, cap_sys_admin, "CAP_SYS_ADMIN"),
	FACT(FIELD_BOOL, cap_sys_resource, "CAP_SYS_RESOURCE (oom_score_adj below 0)"),
	FACT(FIELD_BOOL, init_pid_ns, "pids are the kernel log's"),
	FACT(FIELD_BOOL, disposable, "machine is disposable"),
	FACT(FIELD_BOOL, vm, "virtual machine of oomlab vm"),
	{0},
};

const struct field *facts_rows(void)
{
	return rows;
}

json_t *facts_to_json(const struct facts *facts)
{
	json_t *json = json_object();

	fields_to_json(rows, facts, json);
	return json;
}

int facts_from_json(const json_t *json, struct facts *ret, struct err *err)
{
	struct facts facts = {0};
	int r = fields_from_json(rows, json, &facts, err);

	if (r < 0)
		return r;
	*ret = facts;
	return 0;
}
